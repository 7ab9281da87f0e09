"""Whatever a model makes of its answer: the facts in it are kept, or the message stays pending.

Each file of `tests/bad_answers` holds a remark, what must come of it, and the answer as it came. The
answers go the whole way: a server on loopback, the client, the reader, the extractor.
"""

import asyncio
import contextlib
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pydantic_ai")
pytest.importorskip("openai")

from mnemic.errors import ModelError
from mnemic.extractors.llm import LLMExtractor
from mnemic.llms.local import LocalLLM
from mnemic.llms.models import RemoteLLM
from mnemic.llms.reading import UnreadableError, read
from mnemic.prompts.extract import ExtractedFacts
from mnemic.types import ExtractionRequest, Turn

FILES = sorted((Path(__file__).parent.parent / "bad_answers").glob("*.txt"))
AT = datetime(2026, 5, 13, 9, 30, tzinfo=UTC)
SAID = ("Hi! I like green tea & biscuits. My dog Rex is 4 years old.", "我對花生過敏，請記住。")


class _Server(ThreadingHTTPServer):
    """Speaks OpenAI's chat protocol; gives the answers in turn, and the last one for ever."""

    daemon_threads = True

    def __init__(self, *answers):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers)
        self.asked = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answers = self.server.answers
        text = answers.pop(0) if len(answers) > 1 else answers[0]
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        reply = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        payload = json.dumps(reply | {"usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args):
        pass


@contextmanager
def answering(*answers):
    server = _Server(*answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def extract(server):
    llm = RemoteLLM("openai:m", base_url=f"http://127.0.0.1:{server.server_port}/v1")
    turns = tuple(Turn(role="user", content=said, said_at=AT) for said in SAID)
    return asyncio.run(LLMExtractor(llm).extract(ExtractionRequest(turns=turns)))


def read_case(file):
    _, expected, answer = (part.split("\n", 1)[1] for part in ("\n" + file.read_text(encoding="utf-8")).split("\n--- "))
    return expected, answer


def test_there_are_fifty_kinds_of_bad_answers():
    assert len(FILES) >= 50


@pytest.mark.behaviour("W3")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_facts_of_a_bad_answer_are_kept_or_the_message_stays_pending(file):
    expected, answer = read_case(file)
    with answering(answer) as server:
        if expected == "pending":
            with pytest.raises(ModelError):
                extract(server)
            assert 1 <= len(server.asked) <= 2
            return
        found = extract(server)
    assert sorted(fact.text for fact in found.facts) == sorted(expected.splitlines())
    assert all(fact.quote in SAID[fact.turn] for fact in found.facts)
    assert len(server.asked) == found.usage.model_calls <= 2


def test_an_answer_that_breaks_off_is_asked_for_once_more_and_a_whole_one_counts():
    cut, whole = (read_case(FILES[0].with_name(f"{name}.txt"))[1] for name in ("cut_in_a_text", "json_lines"))
    with answering(cut, whole) as server:
        found = extract(server)
    assert len(found.facts) == 3
    assert found.usage.model_calls == 2
    assert "breaks off" in json.dumps(server.asked[1]["messages"])


def test_of_two_answers_that_break_off_the_first_counts():
    first, second = (read_case(FILES[0].with_name(f"{name}.txt"))[1] for name in ("cut_after_a_fact", "cut_in_a_text"))
    with answering(first, second) as server:
        assert len(extract(server).facts) == 2


def test_what_breaks_off_counts_when_the_second_answer_is_nothing():
    first, second = (read_case(FILES[0].with_name(f"{name}.txt"))[1] for name in ("cut_in_a_text", "apology"))
    with answering(first, second) as server:
        assert len(extract(server).facts) == 1


@pytest.mark.parametrize("empty", ['{"facts": []}', '```json\n{"facts": []}\n```', "[]", 'Nothing new. {"facts": []}'])
def test_that_there_is_nothing_is_an_answer_when_it_is_written_out(empty):
    with answering(empty) as server:
        assert extract(server).facts == ()
        assert len(server.asked) == 1


def test_a_draft_of_nothing_on_the_way_to_words_is_no_answer():
    with answering('I could write {"facts": []} but I am not sure.') as server, pytest.raises(ModelError):
        extract(server)


HOSTILE = (
    "{",
    "[",
    '{"',
    '{"facts": [',
    '"',
    "\\",
    "“",
    "`",
    "```json\n",
    "<think>",
    "</think>",
    "- ",
    "a: ",
    "&quot;",
)


@pytest.mark.parametrize("unit", [*HOSTILE, '{"a": 1} ', '{"facts": [{"quote": "a", ', "1. ", "\n", "，", "<|x|>"])
def test_a_wall_of_anything_is_read_in_little_time(unit):
    wall = unit * (200_000 // len(unit))
    begun = time.thread_time()
    with contextlib.suppress(UnreadableError):
        read(wall, ExtractedFacts)
    # A reader that takes quadratic time needs minutes for most of these; this one a fraction of a second.
    assert time.thread_time() - begun < 5


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_an_answer_cut_off_anywhere_gives_facts_that_were_written_whole_or_is_unreadable(data):
    facts = [
        {"turn": number, "quote": f"quote {number}", "text": f"text {number}.", "subject": "user", "kind": "fact"}
        for number in range(1, 4)
    ]
    written = json.dumps({"facts": facts}, indent=data.draw(st.sampled_from([None, 1])))
    cut = written[: data.draw(st.integers(0, len(written)))]
    try:
        found = read(cut, ExtractedFacts)
    except UnreadableError:
        assert "}" not in cut
        return
    assert [fact.text for fact in found.answer.facts] == [fact["text"] for fact in facts[: len(found.answer.facts)]]
    assert found.answer.facts
    assert found.whole == (len(cut) == len(written))


@given(st.text(max_size=300) | st.text('{}[]":, \\n`factsqu1ext<>', max_size=120))
@settings(max_examples=300, deadline=None)
def test_reading_raises_nothing_but_that_it_cannot_read(text):
    with contextlib.suppress(UnreadableError):
        read(text, ExtractedFacts)


def test_a_server_without_schemas_is_sent_none_where_the_prompt_shows_the_shape():
    with answering('{"facts": []}') as server:
        llm = RemoteLLM("openai:m", base_url=f"http://127.0.0.1:{server.server_port}/v1")
        llm._schema_refused = True
        turn = Turn(role="user", content="The weather is odd.", said_at=AT)
        asyncio.run(LLMExtractor(llm).extract(ExtractionRequest(turns=(turn,))))
    (asked,) = server.asked
    sent = json.dumps(asked["messages"])
    assert "json_schema" not in json.dumps(asked.get("response_format", {}))
    assert "valid_from" in sent
    assert '\\"properties\\"' not in sent


def test_a_model_that_says_the_same_for_ever_is_stopped_and_what_it_said_counts(tmp_path, monkeypatch):
    class Endless:
        """Stands for the runtime: writes one fact again and again until it is told to stop."""

        def handle_chat_completions(self, _request, receive):
            words = json.dumps({"turn": 1, "quote": SAID[0], "text": "Likes green tea", "subject": "user"})
            receive({"choices": [{"delta": {"content": '{"facts": ['}}]})
            for _ in range(1_000):
                for letter in words + ", ":
                    if receive({"choices": [{"delta": {"content": letter}}]}):
                        return
            raise AssertionError("nobody stopped it")

    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    llm = LocalLLM(weights)
    llm._server = Endless()
    turn = Turn(role="user", content=SAID[0], said_at=AT)
    found = asyncio.run(LLMExtractor(llm).extract(ExtractionRequest(turns=(turn,))))
    assert [fact.text for fact in found.facts] == ["Likes green tea"]
    assert found.usage.model_calls == 2
