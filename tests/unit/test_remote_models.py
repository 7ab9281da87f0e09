"""Models over the network, against a real server on loopback: what is sent, where, and what failures become."""

import asyncio
import json
import socket
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

pytest.importorskip("pydantic_ai")
pytest.importorskip("openai")

from pydantic import BaseModel
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

from mnemic.embedders.remote import RemoteEmbedder
from mnemic.errors import InvalidConfig, MissingDependency, ModelError
from mnemic.llms.local import LocalLLM
from mnemic.llms.models import RemoteLLM
from mnemic.protocols import LLM, Embedder
from mnemic.providers import endpoint
from mnemic.types import Usage


class Colour(BaseModel):
    name: str
    warm: bool = False


class Stub(ThreadingHTTPServer):
    """Answers each request with the next of `replies`: (status, body), or the last one for ever."""

    daemon_threads = True

    def __init__(self, replies):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.seen = []

    @property
    def base_url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def bodies(self):
        return [body for _, _, body in self.seen]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, dict(self.headers), body))
        replies = self.server.replies
        status, reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if callable(reply):
            reply = reply(body)
        streamed = isinstance(reply, bytes)
        payload = reply if streamed else json.dumps(reply).encode()
        self.send_response(status)
        if status == 307:
            self.send_header("Location", reply)
        self.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *args):
        pass


@contextmanager
def serving(*replies):
    server = Stub(replies)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def chat(text):
    return 200, {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
    }


def refused(status, message="no"):
    return status, {"error": {"message": message, "type": "error"}}


def embeddings(body, dimensions=3):
    rows = [[float(len(text)), 1.0, 2.0][:dimensions] for text in body["input"]]
    data = [{"object": "embedding", "index": i, "embedding": row} for i, row in enumerate(rows)]
    return {"object": "list", "data": data, "model": "m", "usage": {"prompt_tokens": 1, "total_tokens": 1}}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "OLLAMA_BASE_URL", "OLLAMA_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def connections(monkeypatch):
    """Every address that anything connects to."""
    made = []
    real = asyncio.BaseEventLoop.create_connection
    real_lookup = socket.getaddrinfo

    async def create_connection(self, factory, host=None, port=None, **more):
        made.append((host, port))
        return await real(self, factory, host, port, **more)

    def getaddrinfo(host, *args, **more):
        made.append((host, args[0] if args else None))
        return real_lookup(host, *args, **more)

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", create_connection)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return made


def ask(llm):
    return asyncio.run(llm.answer("SYSTEM", "USER", Colour))


def test_an_answer_comes_with_its_cost_and_only_the_given_host_is_contacted(connections, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret-of-openai")
    with serving(chat('{"name": "red", "warm": true}')) as server:
        llm = RemoteLLM("openai:some-model", base_url=server.base_url)
        assert isinstance(llm, LLM)
        assert llm.name == "openai:some-model"
        assert ask(llm) == (Colour(name="red", warm=True), Usage(model_calls=1, input_tokens=7, output_tokens=3))
        assert {host for host, _ in connections} == {"127.0.0.1"}
        assert {port for _, port in connections} == {server.server_port}
    ((path, headers, body),) = server.seen
    assert path == "/v1/chat/completions"
    assert "secret" not in json.dumps(headers)
    assert body["temperature"] == 0
    assert [message["content"] for message in body["messages"]] == ["SYSTEM", "USER"]
    assert body["response_format"]["type"] == "json_schema"


def test_the_given_key_is_sent():
    with serving(chat('{"name": "red"}')) as server:
        ask(RemoteLLM("openai:m", base_url=server.base_url, api_key="mine"))
    headers = {name.lower(): value for name, value in server.seen[0][1].items()}
    assert headers["authorization"] == "Bearer mine"


def test_an_address_and_a_key_from_the_environment_belong_together(monkeypatch):
    with serving(chat('{"name": "red"}')) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "ours")
        ask(RemoteLLM("openai:m"))
    headers = {name.lower(): value for name, value in server.seen[0][1].items()}
    assert headers["authorization"] == "Bearer ours"


def test_the_longest_prompt_depends_on_whose_server_it_is():
    assert RemoteLLM("openai:m", api_key="k").max_input_tokens == 32_000
    assert RemoteLLM("ollama:m").max_input_tokens == 3_000
    assert RemoteLLM("ollama:m", max_input_tokens=8_000).max_input_tokens == 8_000


def test_ollama_is_asked_by_its_openai_address_with_a_schema():
    assert endpoint("ollama:qwen3:4b").base_url == "http://localhost:11434/v1"
    with serving(chat('{"name": "red"}')) as server:
        llm = RemoteLLM("ollama:qwen3:4b", base_url=server.base_url)
        assert llm.name == "ollama:qwen3:4b"
        ask(llm)
    assert server.bodies[0]["model"] == "qwen3:4b"
    assert server.bodies[0]["response_format"]["type"] == "json_schema"


def message(body):
    """Anthropic's answer: by the tool it was given, else as text; whole, or as a stream when asked for one."""
    args = {"name": "red"}
    whole = {"id": "1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    whole |= {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 3}}
    if body.get("tools"):
        tool = {"type": "tool_use", "id": "1", "name": body["tools"][0]["name"], "input": args}
        return whole | {"content": [tool], "stop_reason": "tool_use"}
    text = json.dumps(args)
    if not body["stream"]:
        return whole | {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    events = [
        {"type": "message_start", "message": whole},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 3},
        },
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-haiku-4-0"])
def test_anthropic_answers_by_schema_or_by_tool_and_secrets_of_the_environment_stay_here(model, monkeypatch):
    pytest.importorskip("anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret-key")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "secret-token")
    with serving((200, message)) as server:
        llm = RemoteLLM(f"anthropic:{model}", base_url=server.base_url.removesuffix("/v1"), api_key="mine")
        assert ask(llm) == (Colour(name="red"), Usage(model_calls=1, input_tokens=7, output_tokens=3))
    path, headers, _ = server.seen[0]
    assert path == "/v1/messages"
    assert "mine" in json.dumps(headers)
    assert "secret" not in json.dumps(headers)


def test_a_reasoning_model_gets_no_temperature_and_thinks_least():
    with serving(chat('{"name": "red"}')) as server:
        ask(RemoteLLM("openai:gpt-5-mini", base_url=server.base_url))
    assert "temperature" not in server.bodies[0]
    assert server.bodies[0]["reasoning_effort"] == "minimal"


def test_one_object_answers_on_several_event_loops():
    with serving(chat('{"name": "red"}')) as server:
        llm = RemoteLLM("openai:m", base_url=server.base_url)
        assert [ask(llm)[0].name for _ in range(3)] == ["red", "red", "red"]


def test_a_bad_answer_is_shown_to_the_model_once():
    with serving(chat('{"nome": 1}'), chat('{"name": "red"}')) as server:
        colour, usage = ask(RemoteLLM("openai:m", base_url=server.base_url))
    assert colour.name == "red"
    assert usage == Usage(model_calls=2, input_tokens=14, output_tokens=6)
    assert "name" in server.bodies[1]["messages"][-1]["content"]


def test_two_bad_answers_are_a_model_error_with_a_cause():
    with serving(chat("I would say red.")) as server, pytest.raises(ModelError, match="expected shape") as caught:
        ask(RemoteLLM("openai:m", base_url=server.base_url))
    assert len(server.seen) == 2
    assert caught.value.__cause__ is not None


def test_a_server_that_refuses_schemas_gets_them_in_the_prompt_from_then_on():
    with serving(refused(400, "response_format unknown"), chat('{"name": "red"}')) as server:
        llm = RemoteLLM("openai:m", base_url=server.base_url)
        assert ask(llm) == (Colour(name="red"), Usage(model_calls=2, input_tokens=7, output_tokens=3))
        ask(llm)
    kinds = [body.get("response_format", {}).get("type") for body in server.bodies]
    assert kinds[0] == "json_schema"
    assert "json_schema" not in kinds[1:]
    assert '"warm"' in json.dumps(server.bodies[2]["messages"]).replace("\\", "")


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "refused the key"), (404, "not found"), (422, "HTTP 422: odd"), (403, "refused the key")],
)
def test_a_refusal_is_a_model_error_that_says_what_to_check(status, says):
    with serving(refused(status, "odd")) as server, pytest.raises(ModelError, match=says) as caught:
        ask(RemoteLLM("openai:m", base_url=server.base_url))
    assert server.base_url in str(caught.value)


def test_a_lost_server_is_tried_three_times_and_then_an_error(monkeypatch):
    monkeypatch.setattr("openai._base_client.AsyncAPIClient._sleep_for_retry", _no_wait)
    with serving(refused(503)) as server, pytest.raises(ModelError, match="HTTP 503"):
        ask(RemoteLLM("openai:m", base_url=server.base_url))
    assert len(server.seen) == 3


async def _no_wait(*args, **more):
    pass


def test_nobody_listening_is_an_error_that_names_the_address(monkeypatch):
    monkeypatch.setattr("openai._base_client.AsyncAPIClient._sleep_for_retry", _no_wait)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        with pytest.raises(ModelError, match="could not be reached") as caught:
            ask(RemoteLLM("openai:m", base_url=address))
    assert address in str(caught.value)


def test_a_redirect_to_another_host_is_not_followed():
    with serving(chat('{"name": "red"}')) as other, serving((307, other.base_url)) as server:
        with pytest.raises(ModelError):
            ask(RemoteLLM("openai:m", base_url=server.base_url))
        assert other.seen == []


def test_no_answer_in_time_is_an_error(monkeypatch):
    monkeypatch.setattr("openai._base_client.AsyncAPIClient._sleep_for_retry", _no_wait)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(ModelError, match=r"within 0\.05 s"):
        ask(RemoteLLM("openai:m", base_url=f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout=0.05))


def use(model):
    """A RemoteLLM whose library model is replaced by one that needs no network."""
    llm = RemoteLLM("openai:m", api_key="k")
    llm._model = model
    return llm


def test_a_model_without_a_schema_mode_answers_by_a_tool_call():
    assert ask(use(TestModel(custom_output_args={"name": "red"})))[0] == Colour(name="red")


def test_a_bad_tool_call_is_shown_to_the_model_once():
    calls = []

    def answer(messages, info):
        calls.append(messages)
        args = {"warm": "?"} if len(calls) == 1 else {"name": "red"}
        return ModelResponse(parts=[ToolCallPart(info.output_tools[0].name, args)])

    model = FunctionModel(answer, profile={"supports_json_schema_output": False})
    assert ask(use(model))[0].name == "red"
    assert len(calls) == 2


def test_an_empty_answer_is_a_model_error():
    model = FunctionModel(lambda *_: ModelResponse(parts=[TextPart("")]), profile={"supports_json_schema_output": True})
    with pytest.raises(ModelError, match="expected shape"):
        ask(use(model))


@pytest.mark.parametrize("name", ["gpt-5-mini", "acme:gpt", "openai:", ""])
def test_a_name_that_means_nothing_says_what_would(name):
    with pytest.raises(InvalidConfig, match="provider:model"):
        RemoteLLM(name)


@pytest.mark.parametrize(("name", "variable"), [("openai:m", "OPENAI_API_KEY"), ("anthropic:m", "ANTHROPIC_API_KEY")])
def test_a_missing_key_is_refused_before_any_request(name, variable, connections):
    with pytest.raises(InvalidConfig, match=f"{variable}.*api_key="):
        RemoteLLM(name)
    assert connections == []


def test_an_address_without_a_scheme_is_refused():
    with pytest.raises(InvalidConfig, match="http://"):
        RemoteLLM("openai:m", base_url="localhost:8000")


@pytest.mark.parametrize(
    ("name", "extra"), [("openai:m", "openai"), ("anthropic:m", "anthropic"), ("ollama:m", "ollama")]
)
def test_a_missing_package_names_the_install(name, extra, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=rf'pip install "mnemic\[{extra}\]"'):
        RemoteLLM(name)


def test_keys_are_in_no_repr():
    assert "secret" not in repr(endpoint("openai:m", api_key="secret"))


def test_the_library_is_not_imported_before_the_first_question():
    code = (
        "import sys, mnemic.llms.models as m, mnemic.llms.local, mnemic.embedders.remote as e;"
        "m.RemoteLLM('openai:m', api_key='k'); e.RemoteEmbedder('openai:m', api_key='k');"
        "print([n for n in ('pydantic_ai', 'openai', 'pydantic', 'xllamacpp') if n in sys.modules])"
    )
    assert _python(code) == "[]"


def _python(code):
    import subprocess

    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def embed(embedder, texts, role="passage"):
    async def once():
        try:
            return await embedder.embed(texts, role=role)
        finally:
            await embedder.close()

    return asyncio.run(once())


def test_vectors_are_unit_float32_in_order_and_only_the_given_host_is_contacted(connections):
    with serving((200, embeddings)) as server:
        embedder = RemoteEmbedder("openai:text-embedding-3-small", base_url=server.base_url)
        assert isinstance(embedder, Embedder)
        assert embedder.name == "openai:text-embedding-3-small"
        vectors = embed(embedder, ["a", "abc", "ab"])
        assert {host for host, _ in connections} == {"127.0.0.1"}
    assert vectors.dtype == np.float32
    expected = np.array([[1, 1, 2], [3, 1, 2], [2, 1, 2]], dtype=np.float64)
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6)
    assert server.seen[0][0] == "/v1/embeddings"
    assert "dimensions" not in server.bodies[0]


def test_fewer_dimensions_are_asked_for_and_stand_in_the_name():
    with serving((200, lambda body: embeddings(body, body["dimensions"]))) as server:
        embedder = RemoteEmbedder("openai:text-embedding-3-small", base_url=server.base_url, dimensions=2)
        assert embedder.name == "openai:text-embedding-3-small@2"
        assert embed(embedder, ["a"], role="query").shape == (1, 2)


def test_many_texts_go_in_several_requests_in_order():
    texts = ["x" * (1 + number % 7) for number in range(300)]
    with serving((200, embeddings)) as server:
        vectors = embed(RemoteEmbedder("ollama:m", base_url=server.base_url), texts)
    assert [len(body["input"]) for body in server.bodies] == [128, 128, 44]
    assert len(vectors) == 300
    np.testing.assert_allclose(vectors[0], vectors[7])


def test_long_texts_share_a_request_only_while_they_fit():
    with serving((200, embeddings)) as server:
        embed(RemoteEmbedder("openai:m", base_url=server.base_url), ["x" * 25_000] * 3)
    assert [len(body["input"]) for body in server.bodies] == [2, 1]


def test_an_empty_text_and_a_lone_surrogate_are_sent_as_something_servers_take():
    with serving((200, embeddings)) as server:
        assert embed(RemoteEmbedder("openai:m", base_url=server.base_url), ["", "a\ud800"]).shape == (2, 3)
    assert server.bodies[0]["input"] == [" ", "a\ufffd"]


def test_no_texts_cost_no_request(connections):
    assert embed(RemoteEmbedder("openai:m", api_key="k"), []).shape[0] == 0
    assert connections == []


def test_the_longest_text_depends_on_whose_model_it_is():
    assert RemoteEmbedder("openai:m", api_key="k").max_chars == 4000
    assert RemoteEmbedder("ollama:m").max_chars == 1500
    assert RemoteEmbedder("ollama:m", max_chars=99).max_chars == 99


def test_an_embedder_serves_several_event_loops_and_after_close():
    with serving((200, embeddings)) as server:
        embedder = RemoteEmbedder("openai:m", base_url=server.base_url)
        assert [embed(embedder, ["a"]).shape for _ in range(2)] == [(1, 3), (1, 3)]


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (refused(401), "refused the key"),
        (refused(404), "not found"),
        ((200, lambda _: embeddings({"input": ["only one"]})), "shape .1, 3. for 2 texts"),
        (
            (
                200,
                lambda body: (
                    embeddings(body)
                    | {"data": [{"index": i, "embedding": [0.0] * 3, "object": "embedding"} for i in (0, 1)]}
                ),
            ),
            "zero",
        ),
    ],
)
def test_a_failing_embedder_is_a_model_error(reply, says):
    with serving(reply) as server, pytest.raises(ModelError, match=says):
        embed(RemoteEmbedder("openai:m", base_url=server.base_url), ["a", "b"])


@pytest.mark.parametrize("body", ["text", None, [], {"error": "x"}, {"data": [{}]}, {"data": [{"embedding": ["a"]}]}])
def test_an_answer_that_is_something_else_is_a_model_error(body):
    with serving((200, body)) as server:
        with pytest.raises(ModelError, match="answered with"):
            embed(RemoteEmbedder("openai:m", base_url=server.base_url), ["a"])
        with pytest.raises(ModelError, match="expected shape"):
            ask(RemoteLLM("openai:m", base_url=server.base_url))


def test_an_embedder_that_cannot_be_is_refused():
    with pytest.raises(InvalidConfig, match="anthropic has no embedding models"):
        RemoteEmbedder("anthropic:m", api_key="k")
    with pytest.raises(InvalidConfig, match="dimensions"):
        RemoteEmbedder("openai:m", api_key="k", dimensions=0)


def test_a_local_model_needs_its_file_and_its_package(tmp_path, monkeypatch):
    with pytest.raises(InvalidConfig, match=r"\.gguf"):
        LocalLLM(tmp_path / "none.gguf")
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(b"GGUF")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r'pip install "mnemic\[local\]"'):
        LocalLLM(weights)


class FakeRuntime:
    """Stands for the C++ server: gives the scripted texts in small chunks."""

    def __init__(self, *texts, error=None):
        self.texts = list(texts)
        self.error = error
        self.asked = []

    def handle_chat_completions(self, request, receive):
        self.asked.append(request)
        if self.error:
            receive({"error": {"code": 400, "message": self.error}})
            return
        for letter in self.texts.pop(0):
            if receive({"choices": [{"delta": {"content": letter}}]}):
                return
        receive({"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}})


def local(tmp_path, monkeypatch, runtime):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    weights = tmp_path / "tiny.Q4.gguf"
    weights.write_bytes(b"GGUF")
    llm = LocalLLM(weights, timeout=5)
    llm._server = runtime
    return llm


def test_a_local_model_answers_to_a_schema_and_counts(tmp_path, monkeypatch):
    runtime = FakeRuntime('{"name": "red"}')
    llm = local(tmp_path, monkeypatch, runtime)
    assert llm.name == "local:tiny.Q4"
    assert ask(llm) == (Colour(name="red"), Usage(model_calls=1, input_tokens=9, output_tokens=4))
    assert runtime.asked[0]["response_format"]["json_schema"]["schema"] == Colour.model_json_schema()


def test_a_local_model_is_shown_its_bad_answer_once(tmp_path, monkeypatch):
    runtime = FakeRuntime('{"na', '{"name": "red"}')
    assert ask(local(tmp_path, monkeypatch, runtime))[1].model_calls == 2
    assert [message["role"] for message in runtime.asked[1]["messages"]] == ["system", "user", "assistant", "user"]
    with pytest.raises(ModelError, match="expected shape"):
        ask(local(tmp_path, monkeypatch, FakeRuntime("{", "{")))


def test_a_prompt_too_long_for_a_local_model_is_a_model_error(tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="exceeds the available context"):
        ask(local(tmp_path, monkeypatch, FakeRuntime(error="request exceeds the available context size")))


def test_a_cancelled_question_stops_the_local_model(tmp_path, monkeypatch):
    begun, ended = threading.Event(), threading.Event()

    class Endless:
        def handle_chat_completions(self, _request, receive):
            while not receive({"choices": [{"delta": {"content": "x"}}]}):
                begun.set()
                ended.wait(0.01)  # a model takes its time for each word, and an answer that grows too long ends
            ended.set()

    llm = local(tmp_path, monkeypatch, Endless())

    async def give_up():
        question = asyncio.create_task(llm.answer("s", "u", Colour))
        await asyncio.to_thread(begun.wait, 5)
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question

    asyncio.run(give_up())
    assert ended.wait(5)
