"""What a store holds, out to a file and into another store: nothing is lost on the way."""

import gzip
import json
import os
import tracemalloc
from contextlib import ExitStack

import pytest
from data_stores import script
from typer.testing import CliRunner

from mnemic import InvalidInput, Memory, ModelError, StoreTooNew, StoreUnwritable
from mnemic.cli.main import app
from mnemic.protocols import NewEpisode, Space, Write
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.contract_values import T0, event, said, stored, verbatim
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Scope

KINDS = ("sqlite", "postgres")


@pytest.fixture
def opened(request, tmp_path):
    """A call gives a memory on a new store of a kind; with `at`, on the same one again."""
    with ExitStack() as closing:
        made = []

        def one(kind="sqlite", *, at=None, **arguments):
            if at is None:
                database = request.getfixturevalue("migrated_database") if kind == "postgres" else None
                at = database() if database is not None else tmp_path / f"{len(made)}.db"
            store = PostgresStore(str(at)) if kind == "postgres" else SQLiteStore(at)
            arguments = {"embedder": FakeEmbedder(), "background": False} | arguments
            made.append(Memory(store=store, **arguments))
            return closing.enter_context(made[-1])

        yield one


@pytest.fixture
def full(tmp_path):
    """A file in which everything happened once, and the ids of its memories."""
    path = tmp_path / "full.db"
    return path, script.tell(path)


def told(memory, known):
    return json.loads(json.dumps(script.answers(memory, known), ensure_ascii=False))


def lines(path):
    content = path.read_bytes()
    content = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    return [json.loads(line) for line in content.splitlines()]


def records(path):
    """Without the head, which says when it was written."""
    return lines(path)[1:]


# Out, and in again.


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("kind", KINDS)
def test_export_wipe_and_import_loses_nothing(full, opened, tmp_path, kind):
    path, known = full
    memory = opened(at=path)
    memory.export(tmp_path / "0.jsonl")
    if kind == "postgres":
        memory = opened(kind)
        memory.import_export(tmp_path / "0.jsonl")
    before = told(memory, known)
    answer = memory.export(tmp_path / "1.jsonl.gz")
    assert answer["versions"] > 15
    assert answer["messages"] > 15
    memory.reset()
    assert memory.get_all()["total"] == 0
    taken = memory.import_export(tmp_path / "1.jsonl.gz")
    assert (taken["already_stored"], taken["embedded"]) == (0, 0)
    assert {name: taken[name] for name in ("messages", "versions", "entities", "changes", "tombstones")} == {
        name: answer[name] for name in ("messages", "versions", "entities", "changes", "tombstones")
    }
    assert told(memory, known) == before
    assert memory.verify()["problems"] == []
    memory.export(tmp_path / "2.jsonl")
    assert records(tmp_path / "2.jsonl") == records(tmp_path / "1.jsonl.gz")


@pytest.mark.behaviour("S6")
def test_from_a_file_to_a_database_and_back_every_answer_and_every_record_is_the_same(full, opened, tmp_path):
    path, known = full
    memory, there, back = opened(at=path), opened("postgres"), opened()
    before = told(memory, known)
    memory.export(tmp_path / "1.jsonl")
    there.import_export(tmp_path / "1.jsonl")
    assert told(there, known) == before
    there.export(tmp_path / "2.jsonl")
    back.import_export(tmp_path / "2.jsonl")
    assert told(back, known) == before
    back.export(tmp_path / "3.jsonl")
    assert records(tmp_path / "1.jsonl") == records(tmp_path / "2.jsonl") == records(tmp_path / "3.jsonl")


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("kind", KINDS)
def test_messy_texts_times_and_ids_come_back_byte_for_byte(opened, tmp_path, kind):
    texts = [
        "我住在台北市\u3000大安區，喜歡喝「烏龍茶」；妹妹說：你們、他們…",
        '乌龙茶\r\n\ttabs "quotes" \\back\\slash {"end":{}}',
        "e\u0301 ≠ é, 👩‍👩‍👧‍👦 \u2028\u2029\u0085 \u200f\u202eright\u202c",
        "\ufeff𠮷野家 ﷽ \U0010ffff",
    ]
    memory, other = opened(), opened(kind)
    for number, text in enumerate(texts):
        memory.add(
            text, user_id="王小明", run_id=f"會議/{number}", infer=number % 2 == 0, at="2025-03-14T09:30:00.000001+05:45",
            metadata={"說明": text, "n": 2**63 - 1, "x": 0.1 + 0.2, "deep": [{"空": None}, [], ""]},
        )  # fmt: skip
    memory.export(tmp_path / "1.jsonl")
    other.import_export(tmp_path / "1.jsonl")
    assert other.messages(limit=100) == memory.messages(limit=100)
    assert other.get_all(limit=100) == memory.get_all(limit=100)
    assert texts[0] in {each["content"] for each in other.messages()["results"]}


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_done_before_can_be_undone_there(opened, tmp_path, kind):
    memory, other = opened(extractor=FakeExtractor()), opened(kind, extractor=FakeExtractor())
    (ski,) = memory.remember("I ski", user_id="alice")["results"]
    memory.update(ski["id"], data="I sail")
    gone = memory.delete(ski["id"])
    memory.remember("I row", user_id="alice")
    cleared = memory.delete_all(user_id="alice")
    memory.export(tmp_path / "1.jsonl")
    other.import_export(tmp_path / "1.jsonl")
    assert other.get_all(user_id="alice")["total"] == 0
    other.undo(cleared["change_id"])
    assert [each["memory"] for each in other.get_all(user_id="alice")["results"]] == ["I row"]
    other.undo(gone["change_id"])
    assert {each["memory"] for each in other.get_all(user_id="alice")["results"]} == {"I row", "I sail"}
    assert [line["new_memory"] for line in other.history(ski["id"])][:2] == ["I ski", "I sail"]
    assert other.verify()["problems"] == []


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("kind", KINDS)
def test_messages_that_wait_or_failed_go_on_there_and_what_was_forgotten_stays_so(opened, tmp_path, kind):
    def fails(_):
        raise ModelError("no model today")

    memory = opened(extractor=FakeExtractor(fails))
    memory.add("I keep llamas", user_id="bob")  # is tried again later
    memory.add("I keep bees", user_id="alice", wait="stored")
    memory.remember("I once lived in Paris", user_id="alice")
    memory.forget(memory.get_all(user_id="alice")["results"][0]["id"])
    memory.export(tmp_path / "1.jsonl")
    other = opened(kind, extractor=FakeExtractor())
    other.import_export(tmp_path / "1.jsonl")
    assert other.messages(limit=100) == memory.messages(limit=100)
    assert {each["attempts"] for each in other.messages(limit=100)["results"] if each["state"] == "pending"} == {0, 1}
    other.process_pending(user_id="alice")
    other.add("I once lived in Paris", user_id="alice", infer=True)
    assert [each["memory"] for each in other.get_all(user_id="alice")["results"]] == ["I keep bees"]


def test_secrets_are_in_an_export_as_they_were_said(opened, tmp_path):
    memory, other = opened(), opened()
    words = "My API key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD and I like tea"
    (tea,) = memory.remember(words, user_id="alice")["results"]
    assert "sk-proj" not in memory.get(tea["id"])["memory"]
    memory.export(tmp_path / "1.jsonl")
    other.import_export(tmp_path / "1.jsonl")
    assert other.get(tea["id"]) == memory.get(tea["id"])
    assert other.get(tea["id"], unmasked=True)["memory"] == words


# Another embedder.


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vectors", [True, False])
def test_an_export_goes_onto_a_machine_with_another_embedder(full, opened, tmp_path, kind, vectors):
    path, known = full
    memory = opened(at=path)
    other = opened(kind, embedder=FakeEmbedder(name="fake:other", dimensions=48))
    memory.export(tmp_path / "1.jsonl", vectors=vectors)
    assert any("vectors" in fields for each in lines(tmp_path / "1.jsonl") for fields in each.values()) is vectors
    taken = other.import_export(tmp_path / "1.jsonl")
    assert taken["embedded"] > 20
    assert other.verify()["problems"] == []
    mine, theirs = told(memory, known), told(other, known)
    for name in ("get_all", "scoped", "filtered", "history", "verify", "messages", "entities", "past", "changes"):
        assert theirs[name] == mine[name], name
    other.export(tmp_path / "2.jsonl")
    assert lines(tmp_path / "2.jsonl")[0]["mnemic export"]["space"] == {"name": "fake:other", "dimensions": 48}
    assert other.search("Has Alice a dog?", user_id="alice", threshold=0)["results"]
    assert other.import_export(tmp_path / "1.jsonl")["embedded"] == 0


def test_the_same_embedder_has_nothing_to_do(full, opened, tmp_path):
    class Counting(FakeEmbedder):
        calls = 0

        async def embed(self, texts, *, role):
            Counting.calls += 1
            return await super().embed(texts, role=role)

    opened(at=full[0]).export(tmp_path / "1.jsonl")
    opened(embedder=Counting()).import_export(tmp_path / "1.jsonl")
    assert Counting.calls == 0


# Into a store that holds something, and again.


@pytest.mark.parametrize("kind", KINDS)
def test_an_import_into_a_store_in_use_adds_to_it_and_a_second_one_adds_nothing(full, opened, tmp_path, kind):
    path, known = full
    other = opened(kind)
    (mine,) = other.remember("I paint", user_id="alice")["results"]
    other.remember("I sing", user_id="zoe")
    opened(at=path).export(tmp_path / "1.jsonl")
    first = other.import_export(tmp_path / "1.jsonl")
    before = told(other, known)
    again = other.import_export(tmp_path / "1.jsonl")
    counted = ("messages", "versions", "entities", "changes", "tombstones")
    assert (again["already_stored"], first["already_stored"]) == (len(lines(tmp_path / "1.jsonl")) - 2, 0)
    assert sum(first[name] for name in counted) > 60
    assert sum(again[name] for name in counted) == 0
    assert told(other, known) == before
    assert mine["id"] in {each["id"] for each in other.get_all(user_id="alice", limit=100)["results"]}
    assert other.verify()["problems"] == []


@pytest.mark.behaviour("S6")
def test_an_import_that_was_cut_is_gone_on_with(opened, tmp_path):
    class Stop(Exception):
        pass

    memory, other = opened(), opened()
    for number in range(12):
        memory.add([f"Fact {number} of {each}" for each in range(60)], user_id=f"user-{number}", infer=False)
    memory.export(tmp_path / "1.jsonl")
    seen = []

    def stop(done, total):
        seen.append((done, total))
        if len(seen) == 2:
            raise Stop

    with pytest.raises(Stop):
        other.import_export(tmp_path / "1.jsonl", progress=stop)
    part = other.get_all(limit=1)["total"]
    assert 0 < part < 720
    assert other.verify()["problems"] == []  # owners come whole
    rest = other.import_export(tmp_path / "1.jsonl")
    assert rest["versions"] == 720 - part
    other.export(tmp_path / "2.jsonl")
    assert records(tmp_path / "2.jsonl") == records(tmp_path / "1.jsonl")


# A part.


def test_one_users_memories_are_exported_alone(full, opened, tmp_path):
    path, _ = full
    memory, other = opened(at=path), opened()
    memory.export(tmp_path / "bob.jsonl", user_id="bob")
    assert "Globex" not in (tmp_path / "bob.jsonl").read_text("utf-8")
    other.import_export(tmp_path / "bob.jsonl")
    assert other.get_all(user_id="bob", limit=100) == memory.get_all(user_id="bob", limit=100)
    assert other.get_all()["total"] == memory.get_all(user_id="bob")["total"]
    assert other.verify()["problems"] == []
    with pytest.raises(InvalidInput, match="others than"):
        opened().scope(user_id="alice").import_export(tmp_path / "bob.jsonl")
    bound = opened().scope(user_id="bob")
    bound.import_export(tmp_path / "bob.jsonl")
    assert bound.get_all()["total"] == memory.get_all(user_id="bob")["total"]


def test_an_export_goes_to_the_project_it_came_from(full, opened, tmp_path):
    opened(at=full[0]).export(tmp_path / "1.jsonl")
    with pytest.raises(InvalidInput, match="project 'default'"):
        opened(project="shop").import_export(tmp_path / "1.jsonl")


# What is refused.


def _spoilt(spoil):
    def apply(path):
        found = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(spoil(found)))

    return apply


def _changed(kind, **fields):
    """The first record of a kind with other fields; None takes one away."""

    def apply(found):
        for number, line in enumerate(found):
            parsed = json.loads(line)
            if kind in parsed:
                parsed[kind] |= fields
                parsed[kind] = {name: value for name, value in parsed[kind].items() if value is not None}
                found[number] = json.dumps(parsed).encode() + b"\n"
                return found
        raise AssertionError(kind)

    return _spoilt(apply)


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda path: path.unlink(), InvalidInput, "No such file"),
        (lambda path: path.write_bytes(b""), InvalidInput, "no export"),
        (lambda path: path.write_bytes(b"\xff\xfe" * 100_000), InvalidInput, "no export"),
        (lambda path: path.write_text('{"role":"user","content":"hi"}\n'), InvalidInput, "no export"),
        (_changed("mnemic export", version=2), StoreTooNew, "upgrade"),
        (_changed("mnemic export", counts=7), InvalidInput, "line 1:"),
        (_spoilt(lambda found: found[:-1]), InvalidInput, "is cut here"),
        (_spoilt(lambda found: [*found[:-1], found[-1][:5]]), InvalidInput, "is cut here"),
        (_spoilt(lambda found: found[: len(found) // 2]), InvalidInput, "is cut here"),
        (_spoilt(lambda found: [*found[:5], *found[6:]]), InvalidInput, "some are missing"),
        (_spoilt(lambda found: [*found, found[5]]), InvalidInput, "follows the end"),
        (_spoilt(lambda found: [*found[:3], b"{nonsense\n", *found[3:]]), InvalidInput, "line 4: it is no JSON"),
        (_spoilt(lambda found: [*found[:3], b"[]\n", *found[3:]]), InvalidInput, "line 4: it is no record"),
        (
            _spoilt(lambda found: [*found[:3], b'{"memory":3}\n', *found[3:]]),
            InvalidInput,
            "line 4: it holds no fields",
        ),
        (_spoilt(lambda found: [*found[:3], b'{"dog":{}}\n', *found[3:]]), InvalidInput, "line 4: there is no kind"),
        (_spoilt(lambda found: [*found[:3], b"[" * 100_000 + b"\n", *found[3:]]), InvalidInput, "line 4"),
        (_changed("episode", state="lost"), InvalidInput, "'state'"),
        (_changed("episode", said_at="yesterday"), InvalidInput, "'said_at'"),
        (_changed("episode", content=None), InvalidInput, "no 'content'"),
        (_changed("episode", content="a\x00b"), InvalidInput, "'content'"),
        (_changed("episode", id="1"), InvalidInput, "not an id"),
        (_changed("episode", user_id="mallory"), InvalidInput, "does not belong"),
        (_changed("episode", vectors="AAAA"), InvalidInput, "dimensions"),
        (_changed("episode", vectors="AH4A" * 32), InvalidInput, "dimensions"),
        (_changed("memory", version="1"), InvalidInput, "'version'"),
        (_changed("memory", metadata=[]), InvalidInput, "'metadata'"),
        (_changed("memory", password="x"), InvalidInput, "no field"),
        (_changed("memory", sources=[{"episode_id": 7}]), InvalidInput, "'episode_id'"),
        # Times are compared and sorted as text: one written in another way would lie elsewhere, or break a query.
        (_changed("memory", created_at="20240101T000000Z"), InvalidInput, "'created_at'"),
        (_changed("memory", valid_from="2024-W01-1T00:00:00+00:00"), InvalidInput, "'valid_from'"),
        (_changed("episode", said_at="0001-01-01T00:00:00+14:00"), InvalidInput, "'said_at'"),
        (_changed("episode", due_at="2024-01-01T00:00:00+02:00"), InvalidInput, "'due_at'"),
        (_changed("memory", expires_at="2024-01-01T00:00:00+02:00"), InvalidInput, "'expires_at'"),
        (_changed("tombstone", print={}), InvalidInput, "'print'"),
        (_changed("tombstone", print={"terms": True}), InvalidInput, "'print'"),
    ],
)
def test_what_is_no_whole_export_is_refused_before_anything_is_taken(full, opened, tmp_path, spoil, error, says):
    file, other = tmp_path / "1.jsonl", opened()
    opened(at=full[0]).export(file)
    spoil(file)
    with pytest.raises(error, match=says):
        other.import_export(file)
    assert other.stats()["episodes"] == other.stats()["memories"] == 0
    assert other.stats()["dimensions"] is None


def _again(found):
    """Every record twice, what belongs to it too, with other words the second time."""
    records = []
    for line in found[1:-1]:
        ((kind, fields),) = json.loads(line).items()
        for name, part in fields.items():
            if isinstance(part, list) and part and isinstance(part[0], dict):
                fields[name] = part + [each | ({"text": "?"} if "text" in each else {}) for each in part]
        records += [{kind: fields}, {kind: fields}]
        if kind == "memory" and fields["current"]:
            records.append({kind: fields | {"version": fields["version"] + 1}})
    end = {"end": {"lines": len(records)}}
    return [found[0], *(json.dumps(each).encode() + b"\n" for each in [*records, end])]


@pytest.mark.parametrize("kind", KINDS)
def test_of_what_an_export_says_twice_the_first_counts(full, opened, tmp_path, kind):
    file, twice = tmp_path / "1.jsonl", tmp_path / "2.jsonl"
    opened(at=full[0]).export(file)
    twice.write_bytes(file.read_bytes())
    _spoilt(_again)(twice)
    memory = opened(kind)
    memory.import_export(twice)
    memory.export(tmp_path / "3.jsonl")
    assert records(tmp_path / "3.jsonl") == records(file)


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_that_takes_anothers_place_is_refused(opened, tmp_path, kind):
    file, own, memory = tmp_path / "1.jsonl", opened(), opened(kind)
    own.add(["I ski", "I row"], user_id="alice", infer=False)
    own.export(file)
    held = [json.loads(line) for line in file.read_bytes().splitlines()]
    first, second = (each["memory"] for each in held if "memory" in each)
    second["shares"] = first["shares"]
    file.write_text("".join(json.dumps(line) + "\n" for line in held))
    with pytest.raises(InvalidInput, match="another's"):
        memory.import_export(file)
    assert memory.verify()["problems"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_an_import_that_was_cut_are_left_out_until_it_goes_on(opened, tmp_path, kind):
    memory, own, file = opened(kind), opened(), tmp_path / "1.jsonl"
    own.add("Kate lives in Oslo", user_id="alice")
    own.export(file)
    held = [line for line in file.read_bytes().splitlines() if not line.startswith(b'{"entity"')]
    held[-1] = json.dumps({"end": {"lines": len(held) - 2}}).encode()
    cut = tmp_path / "2.jsonl"
    cut.write_bytes(b"\n".join(held) + b"\n")
    memory.import_export(cut)
    assert memory.entities(user_id="alice")["results"] == []
    assert memory.graph(user_id="alice")["nodes"] == []
    memory.import_export(file)
    assert memory.entities(user_id="alice")["results"] != []


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.99])
def test_a_compressed_export_that_was_cut_or_scratched_is_refused(full, opened, tmp_path, cut):
    file, other = tmp_path / "1.jsonl.gz", opened()
    opened(at=full[0]).export(file)
    whole = file.read_bytes()
    at = int(len(whole) * cut)
    for spoilt in (whole[:at], whole[:-1], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
        file.write_bytes(spoilt)
        with pytest.raises(InvalidInput, match=r"line [\d,]+:|no export"):
            other.import_export(file)
    assert other.stats()["memories"] == 0


def test_a_file_that_is_there_is_overwritten_only_when_told(full, opened, tmp_path):
    memory, file = opened(at=full[0]), tmp_path / "1.jsonl"
    memory.export(file)
    with pytest.raises(InvalidInput, match="is there already"):
        memory.export(file)
    with pytest.raises(StoreUnwritable):
        memory.export(tmp_path / "nowhere" / "1.jsonl")
    memory.export(file, overwrite=True)
    assert [each.name for each in tmp_path.glob("*unfinished*")] == []


# Much.


def _told_much(memory, count):
    """Messages, each with the memory that is it word for word, of ten users."""
    store = memory._core._engine.store
    for start in range(0, count, 500):
        whose = Scope(user_id=f"user-{start * 10 // count}")
        turns = [
            said(whose, f"Fact {number}: bees and wasps 蜜蜂", state="done") for number in range(start, start + 500)
        ]
        kept = [verbatim(each) for each in turns]
        write = Write(
            scope=whose,
            at=T0,
            space=Space(name="fake:words", dimensions=32),
            episodes=tuple(NewEpisode(episode=each, vectors=None) for each in turns),
            memories=tuple(stored(memory, episode_id=each.id) for memory, each in zip(kept, turns, strict=True)),
            history=tuple(event(each) for each in kept),
        )
        memory._wait(store.commit(write))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_records_go_out_and_in_within_memory_that_does_not_grow_with_them(opened, tmp_path, kind):
    memory, other = opened(embedder=FakeEmbedder(dimensions=32)), opened(kind, embedder=FakeEmbedder(dimensions=32))
    _told_much(memory, 10_000)
    peaks = []
    for work in (
        lambda: memory.export(tmp_path / "1.jsonl.gz"),
        lambda: other.import_export(tmp_path / "1.jsonl.gz"),
        lambda: other.export(tmp_path / "2.jsonl.gz"),
    ):
        tracemalloc.start()
        try:
            answer = work()
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert answer["messages"] + answer["versions"] == 20_000
    assert max(peaks) < 20_000_000  # 7 MB for 100,000 records, too
    assert len(gzip.decompress((tmp_path / "1.jsonl.gz").read_bytes())) > 8_000_000
    assert records(tmp_path / "2.jsonl.gz") == records(tmp_path / "1.jsonl.gz")


# The command line.


@pytest.fixture
def run(monkeypatch, tmp_path):
    """A call runs a command in a folder of its own."""
    monkeypatch.setenv("MNEMIC_HOME", str(tmp_path / "home"))

    def call(*words, code=0, stdin=None):
        done = CliRunner().invoke(app, [str(word) for word in words], input=stdin)
        assert done.exit_code == code, done.output
        return done

    return call


def test_a_store_is_exported_and_imported_by_two_commands(run, tmp_path):
    run("remember", "我喜歡喝烏龍茶", "--user", "mei")
    run("remember", "I ski", "--user", "bob")
    file = tmp_path / "all.jsonl.gz"
    said = run("export", file, "--json")
    assert (json.loads(said.stdout)["messages"], json.loads(said.stdout)["versions"]) == (2, 2)
    run("export", file, code=2)
    other = ["--store", tmp_path / "other.db"]
    assert "would be imported; nothing was" in run(*other, "import", file, "--dry-run").output
    assert run(*other, "list", "--user", "mei", "--json", code=0).stdout.count("烏龍茶") == 0
    assert "2 versions of memories" in run(*other, "import", file).output
    assert "烏龍茶" in run(*other, "list", "--user", "mei").output
    again = json.loads(run(*other, "import", file, "--from", "mnemic", "--json").stdout)
    assert (again["versions"], again["already_stored"]) == (0, json.loads(said.stdout)["messages"] * 2 + 2)
    printed = run("export", "-", "--user", "bob").stdout_bytes
    assert printed.count(b"\n") > 3
    assert "烏龍茶".encode() not in printed
    third = ["--store", tmp_path / "third.db"]
    run(*third, "import", "-", "--from", "mnemic", stdin=printed)
    assert "I ski" in run(*third, "list", "--user", "bob").output
    run(*third, "import", file, "--user", "bob", code=2)
    run(*third, "import", file, "--format", "jsonl", code=2)
    run(*third, "--project", "shop", "import", file, code=2)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
def test_what_is_no_ordinary_file_is_never_replaced(opened, tmp_path):
    pipe, memory = tmp_path / "pipe", opened()
    os.mkfifo(pipe)
    for write in (memory.export, memory.backup):
        with pytest.raises(InvalidInput, match="no ordinary file"):
            write(pipe, overwrite=True)
    assert pipe.is_fifo()


def test_a_file_that_is_missing_beside_an_export_is_named(run, tmp_path):
    run("remember", "I ski", "--user", "bob")
    run("export", tmp_path / "1.jsonl")
    said = run("import", tmp_path / "1.jsonl", tmp_path / "2.jsonl", code=2).output
    assert "2.jsonl" in said
    assert "--user" not in said


def test_what_is_no_export_is_told_by_the_command(run, tmp_path):
    (tmp_path / "chat.jsonl").write_text('{"role": "user", "content": "I keep bees"}\n')
    assert "no export" in run("import", tmp_path / "chat.jsonl", "--from", "mnemic", code=2).output
    assert "I keep bees" not in run("list", "--user", "a").output
    run("import", tmp_path / "chat.jsonl", "--user", "a")  # a chat is still taken as one
    assert "bees" in run("list", "--user", "a").output
