"""Requests that are cut off at any byte, or sent twice, over real connections: at most one effect, and it goes on."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager

import pytest
import structlog
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings
from mnemic.testing.fakes import FakeEmbedder

ALICE = {"user_id": "alice"}


class Wire:
    """A server on a free port of the loopback, and bytes to it."""

    def __init__(self, memory, server, key):
        self.memory, self.key = memory, key
        self.port = server.servers[0].sockets[0].getsockname()[1]

    def request(self, method, path, body=None, *, chunked=False, **headers):
        """The bytes of one request."""
        content = b"" if body is None else json.dumps(body).encode()
        length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(content))}
        every = {
            "Host": "127.0.0.1", "Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **length
        } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in every.items())
        if chunked:
            half = len(content) // 2
            content = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:half], content[half:], b""))
        return f"{head}\r\n".encode() + content

    async def send(self, data, *, cut=False):
        """Send bytes; what is answered, as status and body. Cut: go away at once."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            if cut:
                return None
            return await answer_from(reader)
        finally:
            writer.close()
            await writer.wait_closed()

    async def logged(self):
        return [each["content"] for each in (await self.memory.messages(**ALICE, limit=1000))["results"]]


async def answer_from(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = int(head.lower().partition("content-length:")[2].split("\r", 1)[0])
    return int(head.split(" ", 2)[1]), await reader.readexactly(length)


@asynccontextmanager
async def wire_of(memory, **settings):
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app = create_app(
        memory, ServerSettings(**({"database": ":memory:", "key_limit": None, "project_limit": None} | settings))
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=5))
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not serving.done(), serving.result()
            await asyncio.sleep(0.01)  # it has no event to wait for
        accounts = app.state.service.accounts
        _, key = await accounts.claim(await accounts.first_code(), email="ann@example.com")
        yield Wire(memory, server, key)
    finally:
        server.should_exit = True
        await serving
        structlog.reset_defaults()


@pytest.fixture
async def memory():
    async with AsyncMemory(":memory:", embedder=FakeEmbedder(), background=False) as made:
        yield made


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_request_cut_at_any_byte_has_one_effect_or_none(memory, chunked):
    """What is whole but for the end of its chunks is none; and whoever was cut off repeats it, and has it once."""
    async with wire_of(memory) as wire:
        whole = wire.request("POST", "/v1/memories", {"messages": "Cut short", **ALICE}, chunked=chunked)
        # Every byte of the end, where it matters, and some of the head.
        body = whole.index(b"\r\n\r\n")
        for length in [*range(0, body, 17), *range(body - 4, len(whole))]:
            await wire.send(whole[:length], cut=True)
        status, _ = await wire.send(wire.request("GET", "/v1/messages?user_id=alice"))
        assert status == 200
        assert await wire.logged() == []
        keyed = wire.request(
            "POST", "/v1/memories", {"messages": "Said", **ALICE}, chunked=chunked, Idempotency_Key="k"
        )
        await wire.send(keyed, cut=True)  # all of it came, and nobody waits for the answer
        for length in range(len(keyed) - 40, len(keyed), 3):
            await wire.send(keyed[:length], cut=True)
        statuses = set()
        while 201 not in statuses:
            statuses.add((await wire.send(keyed))[0])
        assert statuses <= {201, 409}
        assert await wire.logged() == ["Said"]


@pytest.mark.behaviour("S7")
async def test_the_same_request_at_once_from_many_has_one_effect(memory):
    async with wire_of(memory) as wire:
        data = wire.request("POST", "/v1/memories", {"messages": "Once", **ALICE}, Idempotency_Key="same")
        answers = await asyncio.gather(*(wire.send(data) for _ in range(20)))
        assert {status for status, _ in answers} <= {201, 409}
        assert len({body for status, body in answers if status == 201}) == 1
        assert await wire.logged() == ["Once"]
        kept = wire.request("POST", "/v1/memories/remember", {"text": "Kept", **ALICE}, Idempotency_Key="other")
        for _ in range(3):
            assert (await wire.send(kept))[0] == 201
        assert (await memory.get_all(**ALICE))["total"] == 1


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/v1/memories?user_id=alice", None),
        ("POST", "/v1/memories/erase", ALICE),
        ("POST", "/v1/reset", {"everything": True}),
        ("POST", "/mem0/v3/memories/add/", {"messages": [{"role": "user", "content": "No"}], **ALICE}),
        ("PUT", "/mem0/v1/batch/", {"memories": [{"memory_id": "ID", "text": "No"}]}),
        ("DELETE", "/mem0/v1/batch/", {"memories": [{"memory_id": "ID"}]}),
        ("DELETE", "/mem0/v1/memories/?user_id=alice", None),
        ("PATCH", "/v1/memories/ID", {"data": "No"}),
    ],
)
async def test_what_deletes_or_changes_does_nothing_when_it_is_cut(memory, method, path, body):
    async with wire_of(memory) as wire:
        kept = (await memory.remember("Stays", **ALICE))["results"][0]["id"]
        given = None if body is None else json.loads(json.dumps(body).replace("ID", kept))
        whole = wire.request(method, path.replace("ID", kept), given)
        for length in range(0, len(whole), 5):
            await wire.send(whole[:length], cut=True)
        assert (await wire.send(wire.request("GET", "/v1/messages?user_id=alice")))[0] == 200
        assert (await memory.get(kept))["memory"] == "Stays"
        assert (await memory.get_all(**ALICE))["total"] == 1


@pytest.mark.behaviour("S7")
async def test_a_client_that_goes_while_it_waits_leaves_nothing_half_done(memory):
    """A wait, a search, and an add that waits for its memories: all are begun, and nobody is there at their end."""
    async with wire_of(memory) as wire:
        for path, body in (
            ("/v1/messages/wait", {"seconds": 5, **ALICE}),
            ("/v1/memories/search", {"query": "bees", **ALICE}),
            ("/v1/memories", {"messages": "I keep bees.", "wait": "extracted", **ALICE}),
        ):
            await wire.send(wire.request("POST", path, body), cut=True)
        until = asyncio.get_running_loop().time() + 30
        while await wire.logged() != ["I keep bees."]:
            assert asyncio.get_running_loop().time() < until
        while (await memory.get_all(**ALICE))["total"] != 1:
            assert asyncio.get_running_loop().time() < until
        assert (await memory.verify())["problems"] == []


@pytest.mark.behaviour("S7")
async def test_several_requests_in_one_packet_are_answered_one_after_the_other(memory):
    async with wire_of(memory) as wire:
        data = b"".join(
            wire.request("POST", "/v1/memories", {"messages": f"Number {number}", **ALICE}) for number in range(5)
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
        writer.write(data)
        assert [(await answer_from(reader))[0] for _ in range(5)] == [201] * 5
        writer.close()
        await writer.wait_closed()
        assert sorted(await wire.logged()) == [f"Number {number}" for number in range(5)]
