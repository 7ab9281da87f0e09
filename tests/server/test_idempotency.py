"""A request that comes again with its `Idempotency-Key`: one effect, and the answer of the first time."""

import asyncio
import json
import os
import socket
import sys

import httpx2
import pytest
from asgi import key_of, serving
from sqlalchemy import select, update

from mnemic import AsyncMemory
from mnemic.server.database import moment
from mnemic.server.idempotency import HELD, Marks
from mnemic.server.tables import requests

ALICE = {"user_id": "alice"}
KEY = {"Idempotency-Key": "k1"}


async def kept(client):
    async with client.app.state.service.database.transaction() as db:
        return [dict(row) for row in (await db.execute(select(requests))).mappings()]


async def cut_short(client):
    """As a process leaves it that is killed between the effect and the mark of it."""
    async with client.app.state.service.database.transaction() as db:
        await db.execute(update(requests).values(status=None, answer=None, held_until=moment()))


async def send(client, method, path, body=None, **more):
    return await client.request(method, path, json=body, headers=KEY | more.pop("headers", {}), **more)


async def remembered(client, text="Plays tennis"):
    kept = (await client.post("/v1/memories/remember", json={"text": text, **ALICE})).json()
    return kept["results"][0]["id"], kept["receipt"]["change_id"]


async def everything(memory):
    """What memories, messages and changes there are."""
    listed = await memory.get_all(user_id="alice", latest_only=False)
    logged = await memory.messages(user_id="alice", state=["pending", "done", "empty", "refused", "failed", "hidden"])
    happened = await memory.changes("2025-01-01", user_id="alice")
    return listed["results"], [each["id"] for each in logged["results"]], happened["results"]


ONCE = [
    ("POST", "/v1/memories", {"messages": "I live in Taipei.", "wait": "extracted", **ALICE}),
    ("POST", "/v1/memories", {"messages": ["I live in Taipei.", "I like tea."], "infer": False, **ALICE}),
    ("POST", "/v1/memories/remember", {"text": "Plays chess", **ALICE}),
    ("PATCH", "/v1/memories/{id}", {"data": "Plays chess"}),
    ("PATCH", "/v1/memories/{id}", {"metadata": {"a": 1}}),
    ("DELETE", "/v1/memories/{id}", None),
    ("POST", "/v1/memories/{id}/forget", None),
    ("POST", "/v1/memories/{id}/feedback", {"feedback": "POSITIVE", "reason": "right"}),
    ("PUT", "/v1/memories/{id}/pin", {"pinned": True}),
    ("POST", "/v1/changes/{change}/undo", None),
    ("POST", "/v1/memories/import", {"memories": [{"id": "m1", "memory": "Plays go", **ALICE}]}),
]


@pytest.mark.parametrize("killed", [False, True], ids=["answered", "killed"])
@pytest.mark.parametrize(("method", "path", "body"), ONCE, ids=[f"{m} {p}" for m, p, _ in ONCE])
@pytest.mark.behaviour("S8")
async def test_a_repeated_request_has_one_effect(client, memory, method, path, body, killed):
    memory_id, change_id = await remembered(client)
    path = path.format(id=memory_id, change=change_id)
    first = await send(client, method, path, body)
    assert first.status_code < 300, first.text
    assert "Idempotency-Replayed" not in first.headers
    there = await everything(memory)
    if killed:
        await cut_short(client)
    again = await send(client, method, path, body)
    assert again.status_code == first.status_code, again.text
    assert await everything(memory) == there
    if not killed:
        assert again.json() == first.json()
        assert again.headers["Idempotency-Replayed"] == "true"
    elif "receipt" in first.json():
        told, before = again.json(), first.json()
        assert told["receipt"]["change_id"] == before["receipt"]["change_id"]
        assert [each["memory"] for each in told["results"]] == [each["memory"] for each in before["results"]]
    elif "change_id" in first.json():
        assert again.json() == first.json()


async def test_a_key_is_for_one_request(client, memory):
    body = {"text": "Plays chess", **ALICE}
    assert (await send(client, "POST", "/v1/memories/remember", body)).status_code == 201
    for path, other in (
        ("/v1/memories/remember", body | {"text": "Plays go"}),
        ("/v1/memories/remember?x=1", body),
        ("/v1/memories/erase", ALICE),
    ):
        answer = await send(client, "POST", path, other)
        assert (answer.status_code, answer.json()["code"]) == (422, "IdempotencyKeyReused")
    bound = {"Mnemic-Scope": "user_id=alice&run_id=r1"}
    answer = await send(client, "POST", "/v1/memories/remember", body, headers=bound)
    assert (answer.status_code, answer.json()["code"]) == (422, "IdempotencyKeyReused")
    assert (await memory.get_all(user_id="alice"))["total"] == 1


async def test_keys_of_different_callers_are_different(client, memory):
    other = await key_of(client, "read", "write")
    body = {"text": "Plays chess", **ALICE}
    for headers in ({}, other):
        assert (await send(client, "POST", "/v1/memories/remember", body, headers=headers)).status_code == 201
    assert (await memory.get_all(user_id="alice"))["total"] == 2


async def test_a_request_that_is_being_worked_on_is_not_begun_again(client):
    marks = Marks(client.app.state.service.database)
    body = {"text": "Plays chess", **ALICE}
    await send(client, "POST", "/v1/memories/remember", body)
    async with client.app.state.service.database.transaction() as db:
        await db.execute(update(requests).values(status=None, answer=None, held_until=moment() + HELD))
    answer = await send(client, "POST", "/v1/memories/remember", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "StillRunning")
    assert 1 <= int(answer.headers["Retry-After"]) <= HELD.total_seconds()
    await marks.let_go((await kept(client))[0]["id"])
    assert (await send(client, "POST", "/v1/memories/remember", body)).status_code == 201


async def test_the_same_request_many_times_at_once_has_one_effect(client, memory):
    body = {"text": "Plays chess", **ALICE}
    answers = await asyncio.gather(*(send(client, "POST", "/v1/memories/remember", body) for _ in range(8)))
    assert {each.status_code for each in answers} <= {201, 409}
    assert 201 in {each.status_code for each in answers}
    assert (await memory.get_all(user_id="alice"))["total"] == 1


async def test_what_was_refused_can_be_asked_for_rightly(client):
    assert (await send(client, "POST", "/v1/memories/remember", {"text": "", **ALICE})).status_code == 422
    assert (await send(client, "POST", "/v1/memories/remember", {"text": "x", "user_id": "*"})).status_code == 400
    assert (await send(client, "DELETE", "/v1/memories/00000000")).status_code == 404
    assert await kept(client) == []
    assert (await send(client, "POST", "/v1/memories/remember", {"text": "x", **ALICE})).status_code == 201


@pytest.mark.behaviour("S2")
async def test_no_word_of_a_memory_is_kept_for_repetitions(client, memory):
    memory_id, _ = await remembered(client)
    steps = [
        ("POST", "/v1/memories", {"messages": "My cat is called Wuffel.", "wait": "extracted", **ALICE}),
        ("POST", "/v1/memories/remember", {"text": "Wuffel is grey", **ALICE}),
        ("PATCH", f"/v1/memories/{memory_id}", {"data": "Wuffel is old"}),
        ("POST", f"/v1/memories/{memory_id}/feedback", {"feedback": "POSITIVE", "reason": "Wuffel is right"}),
        ("POST", "/v1/consolidate", {"dry_run": False, **ALICE}),
    ]
    for place, (method, path, body) in enumerate(steps):
        headers = {"Idempotency-Key": str(place)}
        assert (await client.request(method, path, json=body, headers=headers)).status_code < 300
    rows = json.dumps(await kept(client), default=str)
    assert len(await kept(client)) == len(steps)
    assert "Wuffel" not in rows
    assert "tennis" not in rows
    await memory.erase(user_id="alice")
    again = await client.post("/v1/memories/remember", json=steps[1][2], headers={"Idempotency-Key": "1"})
    assert again.status_code == 201
    assert "Wuffel" not in again.text


async def test_the_secret_of_a_key_is_shown_once(client):
    first = (await send(client, "POST", "/v1/keys", {"name": "phone"})).json()
    assert first["key"].startswith("mn-")
    again = (await send(client, "POST", "/v1/keys", {"name": "phone"})).json()
    assert again == first | {"key": ""}
    assert first["key"] not in json.dumps(await kept(client), default=str)


async def test_a_project_is_made_once(client):
    first = await send(client, "POST", "/v1/projects", {"name": "second"})
    await cut_short(client)
    again = await send(client, "POST", "/v1/projects", {"name": "second"})
    assert (again.status_code, again.json()) == (201, first.json())
    assert len((await client.get("/v1/projects")).json()["results"]) == 2


async def test_searches_take_no_note_of_keys(client):
    for query in ("a", "b"):
        assert (await send(client, "POST", "/v1/memories/search", {"query": query, **ALICE})).status_code == 200
    assert await kept(client) == []


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(client, key):
    body = {"text": "x", **ALICE}
    answer = await client.post("/v1/memories/remember", json=body, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


async def test_a_database_server_keeps_accounts_and_marks_as_a_file_does(memory, new_database):
    async with serving(memory, database=new_database()) as client:
        body = {"text": "Plays chess", **ALICE}
        answers = await asyncio.gather(*(send(client, "POST", "/v1/memories/remember", body) for _ in range(8)))
        assert {each.status_code for each in answers} <= {201, 409}
        await cut_short(client)
        again = await send(client, "POST", "/v1/memories/remember", body)
        assert (again.status_code, again.json()["results"][0]["memory"]) == (201, "Plays chess")
        assert (await memory.get_all(user_id="alice"))["total"] == 1
        project = (await client.post("/v1/projects", json={"name": "second", "settings": {"decay": False}})).json()
        path = f"/v1/projects/{project['id']}"
        assert (await client.put(f"{path}/members/bea@example.com", json={"role": "READER"})).status_code == 200
        made = await client.post(f"{path}/keys", json={"name": "hers", "email": "bea@example.com", "scopes": ["read"]})
        bea = {"Authorization": f"Bearer {made.json()['key']}"}
        assert (await client.get("/v1/memories", params=ALICE, headers=bea)).json()["results"] == []
        assert (await client.get(path)).json()["settings"] == {"decay": False}
        assert (await client.delete(f"{path}/members/bea@example.com")).status_code == 200
        assert (await client.get("/v1/memories", params=ALICE, headers=bea)).status_code == 401
        assert len((await client.get("/v1/audit", params={"limit": 3})).json()["results"]) == 3
        for bad in ("a%00b", "%F0%9F%98%80", "a" * 65):
            assert (await client.get(f"/v1/projects/{bad}")).status_code in (400, 404, 422), bad
            assert (await client.delete(f"/v1/members/{bad}@example.com")).status_code in (400, 404), bad


class Process:
    """A server process of its own, on files in a folder."""

    def __init__(self, folder):
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"

    async def start(self):
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "uvicorn", "--factory", "mnemic.server.app:application", "--port", str(self._port),
            env=os.environ | {"MNEMIC_PATH": f"{self._folder}/m.db", "MNEMIC_SERVER_DATABASE": f"{self._folder}/s.db"},
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with httpx2.AsyncClient(base_url=self.url) as client:
            while True:
                try:
                    assert (await client.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def kill(self):
        self._process.kill()
        await self._process.wait()


@pytest.mark.slow
@pytest.mark.behaviour("S8")
async def test_requests_cut_by_a_killed_server_have_one_effect_when_they_are_repeated(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as memory, serving(memory, database=str(tmp_path / "s.db")) as made:
        headers = {"Authorization": f"Bearer {made.secret}"}
    process, answered = Process(tmp_path), {}
    await process.start()

    async def remember(client, number):
        body = {"messages": f"Note number {number}", "infer": False, "user_id": "alice"}
        while number not in answered:
            try:
                answer = await client.post("/v1/memories", json=body, headers={"Idempotency-Key": f"k{number}"})
            except httpx2.TransportError:  # it was killed, or is not yet there again
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 201:
                answered[number] = answer.json()["results"][0]["id"]
            else:
                assert answer.status_code == 409
                await asyncio.sleep(float(answer.headers["Retry-After"]))

    async with httpx2.AsyncClient(base_url=process.url, headers=headers, timeout=60) as client:
        work = [asyncio.create_task(remember(client, number)) for number in range(150)]
        for enough in (20, 60, 100):
            while len(answered) < enough:  # noqa: ASYNC110 - several tasks answer
                await asyncio.sleep(0.01)
            await process.kill()
            await process.start()
        await asyncio.gather(*work)
        await process.kill()
    async with AsyncMemory(str(tmp_path / "m.db")) as memory:
        kept = (await memory.get_all(user_id="alice", limit=1000))["results"]
    assert sorted(each["memory"] for each in kept) == sorted(f"Note number {number}" for number in range(150))
    assert {each["id"] for each in kept} == set(answered.values())
