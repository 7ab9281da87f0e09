"""What became of writes, and the stream of what happens."""

import asyncio
import json
import socket
from datetime import UTC, datetime, timedelta

import anyio
import httpx2
import pytest
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app, streams
from mnemic.server.settings import ServerSettings
from mnemic.testing.fakes import FakeEmbedder

ALICE = {"user_id": "alice"}


async def test_an_event_says_what_became_of_an_add(client, memory):
    added = (await client.post("/v1/memories", json={"messages": "I live in Taipei.", **ALICE})).json()
    path = f"/v1/events/{added['receipt']['change_id']}"
    assert (await client.get(path)).json()["status"] in ("PENDING", "SUCCEEDED")
    await memory.process_pending(user_id="alice")
    done = (await client.get(path)).json()
    while done["status"] == "PENDING":  # the server's own worker has it
        done = (await client.get(path)).json()
    assert (done["status"], [each["memory"] for each in done["results"]]) == ("SUCCEEDED", ["I live in Taipei."])
    listed = (await client.get("/v1/events", params=ALICE)).json()
    assert [each["id"] for each in listed["results"]] == [done["id"]]
    assert (await client.get("/v1/events")).status_code == 400


async def lines_of(memory, place, *, ids=ALICE, rounds=1):
    """Lines that a stream tells from a place on, in so many looks; the place moves on."""
    left = iter([True] * rounds + [False])

    async def goes_on():
        return next(left)

    found = [each async for each in streams.events(memory, ids, place, goes_on=goes_on, ended=anyio.Event(), every=0)]
    return [(json.loads(each.data)["new_memory"], each.id) for each in found if each.data is not None]


async def test_a_stream_is_gone_on_with_from_every_event_without_gap_or_double(memory):
    place = streams.place_at(datetime.now(UTC))
    for number in range(6):
        await memory.remember(f"Note {number}", user_id="alice")
    await memory.remember("Not hers", user_id="bob")
    told = await lines_of(memory, place, rounds=3)
    assert [words for words, _ in told] == [f"Note {number}" for number in range(6)]
    for number, (_, event_id) in enumerate(told):
        rest = await lines_of(memory, streams.place_of(event_id), rounds=2)
        assert [words for words, _ in rest] == [f"Note {each}" for each in range(number + 1, 6)]


async def test_a_write_that_is_committed_late_is_told_also_after_a_cut(memory, monkeypatch):
    """Two writes decided in one order and committed in the other."""
    place = streams.place_at(datetime.now(UTC) - timedelta(seconds=1))
    commit, first = memory._engine.store.commit, asyncio.Event()

    async def late(write):
        if any(each.memory.text == "Early" for each in write.memories):
            await first.wait()
        await commit(write)

    monkeypatch.setattr(memory._engine.store, "commit", late)
    early = asyncio.create_task(memory.remember("Early", user_id="alice"))
    await memory.remember("Late", user_id="alice")
    told = await lines_of(memory, place)
    assert [words for words, _ in told] == ["Late"]
    first.set()
    await early
    assert [words for words, _ in await lines_of(memory, streams.place_of(told[-1][1]))] == ["Early"]


async def test_a_long_backlog_is_told_in_pages_once():
    place = streams.place_at(datetime.now(UTC) - timedelta(hours=1))
    given = [{"id": str(n), "memory": f"Note {n}", "user_id": "alice"} for n in range(1200)]
    async with AsyncMemory(":memory:", embedder=FakeEmbedder()) as memory:
        await memory.import_memories(given)
        told = await lines_of(memory, place, rounds=2)
        assert sorted(words for words, _ in told) == sorted(each["memory"] for each in given)
        assert max(len(event_id) for _, event_id in told) < 3000
        half = streams.place_of(told[599][1])
        assert sorted(words for words, _ in await lines_of(memory, half)) == sorted(words for words, _ in told[600:])


@pytest.mark.parametrize("given", ["x", "1" * 5000, "00000000-0000.zz", "\u00e9"])
async def test_a_place_that_is_none_is_refused(client, given):
    headers = {"Last-Event-ID": given.encode()}
    assert 400 <= (await client.get("/v1/events/stream", params=ALICE, headers=headers)).status_code < 500


async def test_a_stream_needs_an_id_and_a_time_that_is_one(client):
    assert (await client.get("/v1/events/stream")).status_code == 400
    assert (await client.get("/v1/events/stream", params=ALICE | {"since": "soon"})).status_code == 400


async def test_a_project_has_so_many_streams_at_once(client):
    service = client.app.state.service
    service.streams[await service.accounts.project_of_store("default")] = 100
    refused = await client.get("/v1/events/stream", params=ALICE)
    assert (refused.status_code, refused.json()["code"]) == (429, "TooManyStreams")


async def test_a_stream_over_http_tells_what_happens_and_ends_with_the_server(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as memory:
        app = create_app(memory, ServerSettings(database=":memory:"))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        with socket.socket() as listening:
            listening.bind(("127.0.0.1", 0))
            serving_it = asyncio.create_task(server.serve([listening]))
            while not server.started:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0.01)
            accounts, streams = app.state.service.accounts, app.state.service.streams
            streams["another"] = 100  # which are no hindrance
            _, secret = await accounts.claim(await accounts.first_code(), email="ann@example.com")
            base = f"http://127.0.0.1:{listening.getsockname()[1]}"
            headers = {"Authorization": f"Bearer {secret}"}
            async with (
                httpx2.AsyncClient(base_url=base, headers=headers, timeout=20) as client,
                client.stream("GET", "/v1/events/stream", params=ALICE) as stream,
            ):
                assert stream.headers["content-type"].startswith("text/event-stream")
                lines = stream.aiter_lines()
                assert (await anext(lines)).startswith("id: ")
                await memory.remember("Plays tennis", user_id="alice")
                seen = []
                async for line in lines:
                    seen.append(line)
                    if line.startswith("data: "):
                        break
                assert "event: add" in seen
                assert json.loads(seen[-1].removeprefix("data: "))["new_memory"] == "Plays tennis"
                server.should_exit = True
                async for _ in lines:
                    pass
            await asyncio.wait_for(serving_it, 10)
            assert streams == {"another": 100}
