"""The official client of OpenAI, which knows nothing of memory, and remembers all the same."""

import asyncio
import json
import socket
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings

ANSWER = "You told me that you live in Taipei."


class Upstream:
    """A server of an OpenAI-compatible API: keeps what it was asked, and answers the same to all."""

    def __init__(self):
        self.asked, self.status, self.keys, self.cut = [], 200, [], False
        self.goes_on = threading.Event()
        self.goes_on.set()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.said(
                    200, {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}
                )

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                upstream.asked.append(body)
                upstream.keys.append(self.headers["Authorization"])
                if upstream.status != 200:
                    self.said(upstream.status, {"error": {"message": "slow down", "type": "rate", "code": "rate"}})
                elif body.get("stream"):
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.end_headers()
                    for word in ANSWER.split(" "):
                        delta = {"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None}
                        self.wfile.write(
                            b"data: " + json.dumps(completion("chat.completion.chunk", delta)).encode() + b"\n\n"
                        )
                        upstream.goes_on.wait(30)
                    self.wfile.write(b"data: [DONE]\n\n")
                else:
                    message = {"role": "assistant", "content": ANSWER}
                    choice = {"index": 0, "message": message, "finish_reason": "stop"}
                    self.said(200, completion("chat.completion", choice))

            def said(self, status, body):
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[:10] if upstream.cut else content)

            def log_message(self, *_):
                pass

        def completion(kind, choice):
            number = len(upstream.asked)
            return {"id": f"chatcmpl-{number}", "object": kind, "created": 1, "model": "m", "choices": [choice]}

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def prompt(self):
        return self.asked[-1]["messages"]


@pytest.fixture
def upstream():
    made = Upstream()
    yield made
    made.goes_on.set()
    made.server.shutdown()
    made.server.server_close()


@asynccontextmanager
async def listening(memory, **settings):
    """A real server of this memory, and a key of it."""
    app = create_app(memory, ServerSettings(database=":memory:", **settings))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        accounts = app.state.service.accounts
        _, secret = await accounts.claim(await accounts.first_code(), email="ann@example.com")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", secret
        server.should_exit = True
        await serving


@pytest.fixture
async def memory(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as made:
        yield made


@pytest.fixture
async def client(memory, upstream):
    async with (
        listening(memory, upstream=upstream.url, upstream_key="sk-theirs") as (url, secret),
        of(url, secret) as made,
    ):
        yield made


def of(url, key):
    return openai.AsyncOpenAI(base_url=f"{url}/openai/v1", api_key=key, max_retries=0)


def ask(client, *said, **options):
    messages = [{"role": "user", "content": each} if isinstance(each, str) else each for each in said]
    return client.chat.completions.create(model="m", messages=messages, **({"user": "ann"} | options))


async def test_what_is_said_is_known_in_the_next_conversation(client, upstream, memory):
    answer = await ask(client, "I live in Taipei. 我养了一只猫。")
    assert answer.choices[0].message.content == ANSWER
    await memory.process_pending()
    await ask(client, "Where do I live?")
    assert "I live in Taipei." in json.dumps(upstream.prompt[:-1])
    assert upstream.prompt[-1] == {"role": "user", "content": "Where do I live?"}
    log = (await memory.messages(user_id="ann"))["results"]
    assert [each["content"] for each in reversed(log)] == [
        "I live in Taipei. 我养了一只猫。",
        ANSWER,
        "Where do I live?",
        ANSWER,
    ]
    assert set(upstream.keys) == {"Bearer sk-theirs"}


async def test_streamed_answers_arrive_piece_by_piece_and_are_remembered(client, memory):
    pieces = [each.choices[0].delta.content async for each in await ask(client, "I live in Taipei.", stream=True)]
    assert len(pieces) > 3
    assert "".join(pieces).strip() == ANSWER
    log = (await memory.messages(user_id="ann"))["results"]
    assert [each["content"].strip() for each in reversed(log)] == ["I live in Taipei.", ANSWER]


async def test_what_was_said_is_logged_when_the_client_goes_before_the_end(client, upstream, memory):
    upstream.goes_on.clear()
    stream = await ask(client, "I live in Taipei.", stream=True)
    assert (await anext(aiter(stream))).choices[0].delta.content == "You "
    await stream.close()
    async with asyncio.timeout(30):
        while not (await memory.messages(user_id="ann"))["total"]:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    log = (await memory.messages(user_id="ann"))["results"]
    assert [each["content"].strip() for each in reversed(log)] == ["I live in Taipei.", "You"]


async def test_of_a_long_conversation_only_what_is_new_is_logged(client, memory):
    history = [{"role": "system", "content": "Be kind."}]
    for said in ("I live in Taipei.", "I have a cat.", "I play tennis."):
        history.append({"role": "user", "content": said})
        await ask(client, *history)
        history.append({"role": "assistant", "content": ANSWER})
    log = [each["content"] for each in reversed((await memory.messages(user_id="ann"))["results"])]
    assert [each for each in log if each != ANSWER] == ["I live in Taipei.", "I have a cat.", "I play tennis."]


async def test_asked_again_it_is_logged_once(client, memory):
    for _ in range(3):
        await ask(client, "I live in Taipei.")
    log = [each["content"] for each in (await memory.messages(user_id="ann"))["results"]]
    assert log.count("I live in Taipei.") == 1


@pytest.mark.behaviour("R10")
async def test_what_stands_before_the_conversation_stays_the_same_byte_for_byte(client, upstream, memory):
    await memory.add("I live in Taipei. I am allergic to peanuts.", user_id="ann")
    history, begins = [], []
    for said in ("Hello", "What shall I cook?", "And tomorrow?"):
        history.append({"role": "user", "content": said})
        await ask(client, *history, extra_headers={"X-Mnemic-Remember": "false"})
        begins.append(json.dumps(upstream.prompt[0]))
        history.append({"role": "assistant", "content": "Well."})
    assert "peanuts" in begins[0]
    assert len(set(begins)) == 1


async def test_nothing_is_recalled_or_remembered_where_the_headers_say_so(client, upstream, memory):
    await memory.add("I live in Taipei.", user_id="ann")
    await ask(client, "Where do I live?", extra_headers={"X-Mnemic-Recall": "false", "X-Mnemic-Remember": "no"})
    assert upstream.prompt == [{"role": "user", "content": "Where do I live?"}]
    assert (await memory.messages(user_id="ann"))["total"] == 1


async def test_whose_memory_it_is_must_be_said(client, upstream):
    with pytest.raises(openai.BadRequestError, match="whose memory"):
        await ask(client, "Hello", user=openai.omit)
    await ask(client, "Hello", user=openai.omit, extra_headers={"X-Mnemic-Agent-Id": "helper"})
    assert len(upstream.asked) == 1


async def test_an_id_that_is_not_ascii_is_the_same_in_a_header_and_in_the_body(client, memory):
    await ask(client, "I live in Taipei.", user=openai.omit, extra_headers={"X-Mnemic-User-Id": "%E5%B0%8F%E6%98%8E"})
    await ask(client, "I have a cat.", user="小明")
    said = [each["content"] for each in (await memory.messages(user_id="小明"))["results"]]
    assert [each for each in said if each != ANSWER] == ["I have a cat.", "I live in Taipei."]


async def test_errors_of_the_upstream_arrive_as_they_are_and_nothing_is_remembered(client, upstream, memory):
    upstream.status = 429
    with pytest.raises(openai.RateLimitError, match="slow down"):
        await ask(client, "Hello")
    assert (await memory.messages(user_id="ann"))["total"] == 0


async def test_without_an_upstream_it_is_switched_off_and_without_a_key_refused(memory, upstream):
    async with listening(memory) as (url, secret):
        async with of(url, secret) as client:
            with pytest.raises(openai.NotFoundError, match="upstream"):
                await ask(client, "Hello")
        async with of(url, "mn-wrong") as client:
            with pytest.raises(openai.AuthenticationError):
                await ask(client, "Hello")
    assert upstream.asked == []


async def test_an_upstream_that_is_away_is_said_to_be(memory):
    async with listening(memory, upstream="http://127.0.0.1:9/v1") as (url, secret), of(url, secret) as client:
        with pytest.raises(openai.InternalServerError, match="upstream does not answer"):
            await ask(client, "Hello")


async def test_an_answer_of_the_upstream_that_breaks_off_is_said_to_have(client, upstream, memory):
    upstream.cut = True
    with pytest.raises(openai.InternalServerError, match="the upstream") as raised:
        await ask(client, "Hello")
    assert raised.value.status_code == 502
    with pytest.raises(openai.InternalServerError, match="the upstream"):
        await client.models.list()
    assert (await memory.messages(user_id="ann"))["total"] == 0


async def test_models_are_those_of_the_upstream(client):
    assert [each.id async for each in client.models.list()] == ["m"]
