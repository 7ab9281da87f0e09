"""Chat exports: each format, how it is told, and what is said about files that are none of them."""

import gzip
import io
import json
import zipfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemic import importers
from mnemic.errors import InvalidInput
from mnemic.importers import BATCH, FORMATS, Conversation, ImportedMessage, read_export

NINE = datetime(2025, 3, 14, 9, 0, tzinfo=UTC)


def read(data, **options):
    """Read bytes, text, or a value as JSON."""
    if not isinstance(data, bytes | str):
        data = json.dumps(data, ensure_ascii=False)
    return list(read_export(io.BytesIO(data.encode() if isinstance(data, str) else data), **options))


def lines(*rows):
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def contents(conversations):
    return [[message.content for message in conversation.messages] for conversation in conversations]


def refusal(data, **options):
    with pytest.raises(InvalidInput) as caught:
        read(data, **options)
    return str(caught.value)


class Pipe(io.RawIOBase):
    """A stream that cannot go back and gives a few bytes at a time."""

    def __init__(self, data):
        self.data = data

    def readable(self):
        return True

    def read(self, size=-1):
        part, self.data = self.data[: min(size, 7)], self.data[min(size, 7) :]
        return part


# jsonl


def test_a_line_is_a_message_with_all_it_says():
    row = {
        "role": "assistant",
        "content": "好的，我會記得 🎾",
        "name": "Momo",
        "at": "2025-03-14T09:00:00Z",
        "run_id": "s1",
        "metadata": {"channel": "line"},
    }
    message = ImportedMessage(
        role="assistant", content="好的，我會記得 🎾", name="Momo", at=NINE, metadata={"channel": "line"}
    )
    assert read(lines(row)) == [Conversation(run_id="s1", title=None, messages=(message,))]


@pytest.mark.parametrize("key", ["text", "memory", "content"])
def test_a_statement_without_a_role_is_the_users(key):
    (conversation,) = read(lines({key: "I play tennis."}))
    assert conversation.messages == (ImportedMessage(role="user", content="I play tennis."),)


@pytest.mark.parametrize("key", ["at", "timestamp", "created_at", "date"])
@pytest.mark.parametrize("value", ["2025-03-14T09:00:00Z", NINE.timestamp(), NINE.timestamp() * 1000])
def test_a_time_may_stand_under_several_names(key, value):
    (conversation,) = read(lines({"text": "hello", key: value}))
    assert conversation.messages[0].at == NINE


@pytest.mark.parametrize("key", ["run_id", "session_id", "session", "conversation_id"])
def test_a_run_may_stand_under_several_names(key):
    assert [c.run_id for c in read(lines({"text": "hello", key: "s 1"}, {"text": "hello", key: 7}))] == ["s%201", "7"]


@pytest.mark.parametrize(
    ("given", "role"),
    [("human", "user"), ("User", "user"), ("ai", "assistant"), ("developer", "system"), (None, "user")],
)
def test_usual_names_of_roles_are_understood(given, role):
    assert read(lines({"role": given, "content": "hello"}))[0].messages[0].role == role


def test_neighbours_of_one_run_are_one_conversation():
    rows = [{"text": text, "run_id": run} for text, run in [("a", "1"), ("b", "1"), ("c", "2"), ("d", "1")]]
    assert [(c.run_id, [m.content for m in c.messages]) for c in read(lines(*rows))] == [
        ("1", ["a", "b"]),
        ("2", ["c"]),
        ("1", ["d"]),
    ]


def test_a_line_may_be_a_whole_conversation():
    rows = [{"id": f"c{n}", "messages": [{"role": "user", "content": f"m{n}"}]} for n in range(2)]
    assert [(c.run_id, c.messages[0].content) for c in read(lines(*rows))] == [("c0", "m0"), ("c1", "m1")]


def test_byte_order_mark_windows_line_ends_and_blank_lines_are_tolerated():
    data = b'\xef\xbb\xbf\r\n  \r\n{"text": "one"}\r\n\r\n{"text": "two"}\r\n\r\n'
    assert contents(read(data)) == [["one", "two"]]


def test_messages_without_text_are_left_out():
    rows = [
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": "  "},
        {"text": "kept"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]},
    ]
    assert contents(read(lines(*rows))) == [["kept"]]


def test_parts_of_a_content_are_joined_and_images_told_of():
    parts = [{"type": "text", "text": "look"}, {"type": "image_url"}, {"type": "text", "text": "nice?"}]
    assert contents(read(lines({"role": "user", "content": parts}))) == [["look\n[image]\nnice?"]]


def test_half_a_surrogate_pair_is_replaced_wherever_it_stands():
    row = r'{"text": "ok \ud83d!", "name": "\udc00", "session": "\udc00", "metadata": {"k": ["\ud83d"]}}'
    (conversation,) = read(row)
    assert conversation.messages[0] == ImportedMessage(
        role="user", content="ok \ufffd!", name="\ufffd", metadata={"k": ["\ufffd"]}
    )
    conversation.run_id.encode()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{oops", "line 2 is not valid JSON"),
        ('["a"]', "line 2: expected an object with role and content"),
        ('{"foo": 1}', "line 2: expected an object with role and content"),
        (
            '{"role": "wizard", "content": "x"}',
            "line 2: role must be one of user, assistant, system, tool, not 'wizard'",
        ),
        ('{"role": 1, "content": "x"}', "line 2: role must be one of"),
        ('{"content": 5}', "line 2: content must be a string or a list of parts, not 5"),
        ('{"text": "x", "at": "yesterday"}', "line 2: at must be an ISO 8601 string"),
        ('{"text": "x", "date": true}', "line 2: date must be an ISO 8601 string"),
        ('{"text": "x", "session": {}}', "line 2: session must be a string or a whole number"),
        ('{"text": "x", "name": 3}', "line 2: name must be a string"),
        ('{"text": "x", "metadata": []}', "line 2: metadata must be an object"),
        ('{"text": "x", "metadata": {"n": NaN}}', "line 2 is not valid JSON: NaN is not JSON"),
        ('{"messages": 3}', "line 2: messages must be a list"),
        ('{"messages": [{"text": "x"}, 5]}', "line 2, message 2: expected an object"),
        ('{"text": "x", "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}", "line 2 is nested too deeply"),
    ],
)
def test_a_bad_line_is_named(row, reason):
    assert refusal('{"text": "fine"}\n' + row).startswith(reason)


def test_a_line_that_is_not_utf8_is_named():
    reason = refusal(b'{"text": "fine"}\n\n' + '{"text": "café"}'.encode("latin-1"))
    assert reason == "line 3 is not UTF-8: byte 0xe9 at position 13; save it as UTF-8"


def test_lines_before_a_bad_one_are_read():
    conversations = read_export(io.StringIO('{"text": "a", "run_id": "1"}\n{"text": "b", "run_id": "2"}\n{'))
    assert next(conversations).run_id == "1"
    with pytest.raises(InvalidInput, match=r"^line 3"):
        list(conversations)


def test_json_lines_are_read_in_passing():
    def endless():
        number = 0
        while True:
            number += 1
            yield json.dumps({"text": f"message {number}"}).encode() + b"\n"

    class Stream:
        rows = endless()

        def read(self, size):
            return next(self.rows)[:size]

    conversations = read_export(Stream(), max_bytes=1)
    first, second = next(conversations), next(conversations)
    assert len(first.messages) == len(second.messages) == BATCH
    assert first.run_id == second.run_id
    assert second.messages[0].content == f"message {BATCH + 1}"


def test_an_overlong_line_is_refused(monkeypatch):
    monkeypatch.setattr(importers, "MAX_LINE", 100)
    assert refusal('{"text": "fine"}\n{"text": "' + "x" * 100 + '"}').startswith("line 2 is longer than 100 bytes")


# json


@pytest.mark.parametrize(
    "data",
    [
        {"role": "user", "content": "one"},
        {"messages": [{"role": "user", "content": "one"}]},
        [{"role": "user", "content": "one"}],
        ["one"],
        [{"messages": [{"role": "user", "content": "one"}]}],
        [{"memory": "one", "id": "m1", "user_id": "u", "hash": "h"}],
        {"results": [{"memory": "one", "score": 0.5}]},
        {"memories": ["one"]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wanted", [None, "json"])
def test_json_is_read_in_its_usual_shapes(data, indent, wanted):
    (conversation,) = read(json.dumps(data, indent=indent), format=wanted)
    assert conversation.messages == (ImportedMessage(role="user", content="one"),)
    assert conversation.run_id.startswith("import-")


def test_a_conversation_has_its_id_title_and_time():
    data = {
        "id": "trip 東京",
        "title": " Tokyo ",
        "created_at": "2025-03-14T09:00:00Z",
        "messages": ["a", {"role": "assistant", "content": "b"}, {"text": "c", "at": "2025-03-15"}, "d"],
    }
    day = datetime(2025, 3, 15, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert read([data]) == [
        Conversation(
            run_id="trip%20東京",
            title="Tokyo",
            messages=(
                ImportedMessage(role="user", content="a", at=NINE),
                ImportedMessage(role="assistant", content="b", at=NINE + second),
                ImportedMessage(role="user", content="c", at=day),
                ImportedMessage(role="user", content="d", at=day + second),
            ),
        )
    ]


def test_a_bad_item_is_named():
    assert refusal(
        ["fine", 5]
    ) == "this is no chat export we know (its JSON holds a list); the formats are " + ", ".join(FORMATS)
    assert refusal(["fine", 5], format="json").startswith("item 2: expected an object")


# ids


def test_ids_come_from_the_content_and_not_from_the_place(tmp_path):
    data = lines({"text": "I play tennis."}, {"text": "I live in Taipei."}).encode()
    (tmp_path / "a.jsonl").write_bytes(data)
    (tmp_path / "b.txt").write_bytes(gzip.compress(data))
    ids = {c.run_id for path in tmp_path.iterdir() for c in read_export(path)} | {read(data)[0].run_id}
    assert len(ids) == 1
    assert read(lines({"text": "I play golf."}))[0].run_id not in ids


@given(st.text(min_size=1).filter(str.strip))
def test_an_id_never_holds_whitespace(run_id):
    for conversation in read(json.dumps({"text": "x", "run_id": run_id})):
        assert conversation.run_id
        assert not any(char.isspace() for char in conversation.run_id)


def test_loose_lines_between_runs_share_one_id():
    first, _, last = read(lines({"text": "a"}, {"text": "b", "run_id": "1"}, {"text": "c"}))
    assert first.run_id == last.run_id


# chatgpt


def node(key, parent, role="user", parts=(), *, time=None, kind="text", **message):
    content = {"content_type": kind, "parts": list(parts)}
    body = {"id": key, "author": {"role": role}, "content": content, "create_time": time, **message}
    return key, {"id": key, "parent": parent, "children": [], "message": body}


def chatgpt():
    nodes = [
        ("root", {"id": "root", "parent": None, "children": ["system"], "message": None}),
        node("system", "root", "system", ["You are ChatGPT."]),
        node("hidden", "system", "user", ["About me"], metadata={"is_visually_hidden_from_conversation": True}),
        node("profile", "hidden", "user", ["I am"], kind="user_editable_context"),
        node("q1", "profile", "user", ["我搬到台中了"], time=NINE.timestamp()),
        node("old", "q1", "assistant", ["the answer before regenerating"], time=NINE.timestamp() + 1),
        node("call", "q1", "assistant", ["search('台中')"], recipient="web"),
        node("result", "call", "tool", ["page"]),
        node("think", "result", "assistant", [], kind="thoughts"),
        node("a1", "think", "assistant", ["恭喜！", "新家如何？"], recipient="all", time=NINE.timestamp() + 2),
        node(
            "q2",
            "a1",
            "user",
            [{"content_type": "image_asset_pointer", "asset_pointer": "file"}, "my balcony"],
            kind="multimodal_text",
        ),
        node("q3", "q2", "user", [{"content_type": "image_asset_pointer"}], kind="multimodal_text"),
        node(
            "q4",
            "q3",
            "user",
            [{"content_type": "audio_transcription", "text": "nice view"}, {"content_type": "audio_asset_pointer"}],
            kind="multimodal_text",
        ),
    ]
    return {
        "title": "搬家",
        "create_time": NINE.timestamp() - 60,
        "mapping": dict(nodes),
        "current_node": "q4",
        "conversation_id": "6f-1",
    }


CHATGPT = [
    Conversation(
        run_id="6f-1",
        title="搬家",
        messages=(
            ImportedMessage(role="user", content="我搬到台中了", at=NINE),
            ImportedMessage(role="assistant", content="恭喜！\n新家如何？", at=NINE + timedelta(seconds=2)),
            ImportedMessage(role="user", content="[image]\nmy balcony", at=NINE + timedelta(seconds=3)),
            ImportedMessage(role="user", content="nice view", at=NINE + timedelta(seconds=4)),
        ),
    )
]


@pytest.mark.parametrize("wanted", [None, "chatgpt"])
@pytest.mark.parametrize("shape", [lambda c: [c], lambda c: c, lambda c: [c, {"title": "empty", "mapping": {}}]])
def test_chatgpt_gives_the_current_branch_of_what_was_shown(wanted, shape):
    assert read(shape(chatgpt()), format=wanted) == CHATGPT


def test_chatgpt_without_a_current_node_follows_the_newest_leaf():
    data = chatgpt()
    data["current_node"] = "gone"
    for key in ("root", "system", "hidden", "profile", "q1", "call", "result", "think", "a1", "q2", "q3"):
        data["mapping"][key]["children"] = ["something"]
    data["mapping"]["q4"]["message"]["create_time"] = NINE.timestamp() + 9
    assert contents(read([data])) == contents(CHATGPT)


def test_chatgpt_with_a_circle_of_parents_ends():
    data = chatgpt()
    data["mapping"]["root"]["parent"] = "q4"
    assert read([data]) == CHATGPT


@pytest.mark.parametrize("name", ["conversations.json", "export/conversations.json", "conversations-000.json"])
def test_chatgpt_is_read_from_its_zip(tmp_path, name):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("__MACOSX/._conversations.json", b"\0")
        archive.writestr("shared_conversations.json", "[]")
        archive.writestr(name, json.dumps([chatgpt()]))
    assert list(read_export(path)) == CHATGPT
    assert list(read_export(Pipe(path.read_bytes()))) == CHATGPT


def test_numbered_files_of_a_zip_are_read_in_order():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in (1, 0):
            archive.writestr(f"conversations-00{number}.json", json.dumps([chatgpt() | {"conversation_id": number}]))
    file.seek(0)
    assert [conversation.run_id for conversation in read_export(file)] == ["0", "1"]


# claude


def claude():
    return {
        "uuid": "0b1c",
        "name": "Pottery",
        "created_at": "2025-03-14T09:00:00.000000Z",
        "chat_messages": [
            {
                "sender": "human",
                "text": "My mug cracked.",
                "content": [{"type": "text", "text": "My mug cracked."}],
                "created_at": "2025-03-14T09:00:00.000000Z",
                "attachments": [{"file_name": "notes.txt", "extracted_content": "glaze: celadon"}, {"file_name": "x"}],
                "files": [{"file_name": "mug.png"}],
            },
            {
                "sender": "assistant",
                "text": "This block is not supported.\n\nDry it slower.",
                "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Dry it slower."}],
            },
            {"sender": "human", "text": "謝謝！"},
            {"sender": "human", "text": "", "content": []},
        ],
    }


CLAUDE = [
    Conversation(
        run_id="0b1c",
        title="Pottery",
        messages=(
            ImportedMessage(role="user", content="My mug cracked.\n\n[attachment: notes.txt]\nglaze: celadon", at=NINE),
            ImportedMessage(role="assistant", content="Dry it slower.", at=NINE + timedelta(seconds=1)),
            ImportedMessage(role="user", content="謝謝！", at=NINE + timedelta(seconds=2)),
        ),
    )
]


@pytest.mark.parametrize("wanted", [None, "claude"])
@pytest.mark.parametrize("shape", [lambda c: [c], lambda c: c, lambda c: [{"uuid": "e", "chat_messages": []}, c]])
def test_claude_gives_text_and_attachments(wanted, shape):
    assert read(shape(claude()), format=wanted) == CLAUDE


def test_claude_is_read_from_its_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("users.json", "[]")
        archive.writestr("conversations.json", json.dumps([claude()]))
    file.seek(0)
    assert list(read_export(file)) == CLAUDE
    assert not file.closed


# locomo


def locomo():
    return {
        "sample_id": "conv-26",
        "qa": [{"question": "?"}],
        "conversation": {
            "speaker_a": "Caroline",
            "speaker_b": "Melanie",
            "session_10_date_time": "1:56 pm on 8 May, 2023",
            "session_10": [{"speaker": "Melanie", "dia_id": "D10:1", "text": "Back again."}],
            "session_2_date_time": "10:05 am on 1 May, 2023",
            "session_2": [
                {"speaker": "Caroline", "dia_id": "D2:1", "text": "Hi Mel!"},
                {"speaker": "Melanie", "dia_id": "D2:2", "text": "Look", "blip_caption": "a photo of a bowl"},
                {"speaker": "Melanie", "dia_id": "D2:3", "text": "", "blip_caption": "a cat"},
            ],
            "session_3_date_time": "10:05 am on 2 May, 2023",
        },
    }


@pytest.mark.parametrize("wanted", [None, "locomo"])
@pytest.mark.parametrize("shape", [lambda s: [s], lambda s: s])
def test_locomo_gives_a_conversation_a_session(wanted, shape):
    def said(name, content, at, dia_id):
        return ImportedMessage(role="user", content=content, name=name, at=at, metadata={"dia_id": dia_id})

    may, gap = datetime(2023, 5, 1, 10, 5, tzinfo=UTC), timedelta(seconds=5)
    assert read(shape(locomo()), format=wanted) == [
        Conversation(
            run_id="conv-26/session_2",
            title="Caroline and Melanie",
            messages=(
                said("Caroline", "Hi Mel!", may, "D2:1"),
                said("Melanie", "Look [shares an image: a photo of a bowl]", may + gap, "D2:2"),
                said("Melanie", "[shares an image: a cat]", may + 2 * gap, "D2:3"),
            ),
        ),
        Conversation(
            run_id="conv-26/session_10",
            title="Caroline and Melanie",
            messages=(said("Melanie", "Back again.", datetime(2023, 5, 8, 13, 56, tzinfo=UTC), "D10:1"),),
        ),
    ]


# Files


@pytest.mark.parametrize(
    "data", [b"", b"\n \r\n", b"\xef\xbb\xbf", b"[]", gzip.compress(b"", mtime=0), gzip.compress(b"[]", mtime=0)]
)
@pytest.mark.parametrize("wanted", [None, "json", "chatgpt", "claude", "locomo"])
def test_an_empty_file_has_no_conversations(data, wanted):
    assert read(data, format=wanted) == []


@pytest.mark.parametrize(
    "data", ["just some text", "<html>", "a,b\n1,2", '{"foo": 1}', '{\n"foo": 1}', "[1, 2]", '[{"foo": "bar"}]', "{}"]
)
def test_what_is_no_export_is_refused_with_the_formats(data):
    reason = refusal(data)
    assert "no chat export we know" in reason
    assert reason.endswith("the formats are jsonl, json, chatgpt, claude, locomo")


def test_a_zip_of_something_else_is_refused_with_the_formats():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    assert "a zip without a conversations.json" in refusal(file.getvalue())


@pytest.mark.parametrize("wanted", ["chatgpt", "claude", "locomo"])
def test_a_file_that_is_not_in_the_format_asked_for_is_refused(wanted):
    assert refusal([{"role": "user", "content": "x"}], format=wanted).startswith(f"this is no {wanted} export")
    assert refusal([5], format=wanted) == f"item 1 of a {wanted} export must be an object, not 5"


def test_an_unknown_format_is_refused_at_once():
    with pytest.raises(InvalidInput, match=r"^format must be one of jsonl, json, .*, not 'csv'$"):
        read_export(io.BytesIO(b""), format="csv")


def test_a_path_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list(read_export(tmp_path / "none.json"))


def test_what_is_neither_path_nor_stream_is_refused():
    with pytest.raises(InvalidInput, match="a path or an open stream, not int"):
        list(read_export(5))


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_another_encoding_is_named_as_the_cause(encoding):
    assert "is not UTF-8" in refusal('[{"text": "café"}]'.encode(encoding))


def test_deep_nesting_is_refused():
    assert refusal("[" * 200_000 + "]" * 200_000) == "the export is nested too deeply to be a chat export"


@pytest.mark.parametrize("cut", [10, 30, -5])
def test_an_archive_cut_short_is_refused(cut):
    assert "damaged or cut short" in refusal(gzip.compress(lines({"text": "x" * 50}).encode())[:cut])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("conversations.json", json.dumps([claude()]))
    assert "the zip cannot be read" in refusal(file.getvalue()[:cut])


def test_a_small_archive_of_a_huge_text_is_refused():
    bomb = b"[" + b" " * 5_000_000 + b"]"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", bomb)
    for data in (file.getvalue(), gzip.compress(bomb), bomb, gzip.compress(b"\n" * 5_000_000)):
        assert refusal(data, max_bytes=1_000_000).startswith("the export holds more than 1,000,000 bytes of text")
    assert read(bomb, max_bytes=len(bomb)) == []


@pytest.mark.parametrize("wanted", [None, *FORMATS])
@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["messages", "role", "content", "mapping", "chat_messages", "conversation", "session_1"]
                )
                | st.sampled_from(
                    ["text", "at", "run_id", "message", "parts", "current_node", "parent", "attachments"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_anything_is_either_conversations_or_invalid_input(data, wanted):
    with suppress(InvalidInput):
        for conversation in read(data, format=wanted):
            assert conversation.run_id
            assert all(message.content.strip() for message in conversation.messages)
            assert conversation.messages


@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_archive_is_either_read_or_refused(at, byte):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([claude()]))
    for data in (file.getvalue(), gzip.compress(file.getvalue(), mtime=0)):
        position = at % len(data)
        with suppress(InvalidInput):
            read(data[:position] + bytes([byte]) + data[position + 1 :])


@pytest.mark.parametrize("data", [lines({"text": "一"}, {"text": "二"}), json.dumps([{"text": "一"}, {"text": "二"}])])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_stream_that_cannot_go_back_is_read_the_same(data, pack):
    assert contents(read_export(Pipe(pack(data.encode())))) == [["一", "二"]]


def test_a_text_stream_is_read_from_its_bytes(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "一"}', encoding="utf-8")
    with path.open(encoding="latin-1") as file:
        assert contents(read_export(file)) == [["一"]]
    assert contents(read_export(io.StringIO('{"text": "一"}'))) == [["一"]]


# The demo that ships with the command


DEMO = Path(importers.__file__).parent / "cli"


def test_the_demo_conversation_is_dated_and_in_order():
    conversations = list(read_export(DEMO / "demo_conversation.jsonl"))
    times = [message.at for conversation in conversations for message in conversation.messages]
    assert len({conversation.run_id for conversation in conversations}) == len(conversations) == 7
    assert times == sorted(times)
    assert {at.utcoffset() for at in times} == {timedelta(hours=8)}


def test_each_demo_question_is_answered_by_something_the_user_said_but_for_the_one_off_topic():
    said = [m.content for c in read_export(DEMO / "demo_conversation.jsonl") for m in c.messages if m.role == "user"]
    expected = [item["expect"] for item in json.loads((DEMO / "demo_questions.json").read_text(encoding="utf-8"))]
    assert len(expected) == 8
    assert [expect for expect in expected if not any(expect and expect in text for text in said)] == [None]
