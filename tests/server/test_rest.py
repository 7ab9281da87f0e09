"""Our own REST: one scenario through every route, what it refuses, and what keys may reach."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest
import uvicorn
from asgi import key_of, serving
from starlette.routing import Route

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings

ALICE = {"user_id": "alice"}


async def add(client, text, **more):
    answer = await client.post("/v1/memories", json={"messages": text, "wait": "extracted", **ALICE, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def paths_of(routes, prefix=""):
    """Paths of all routes, also of routers and applications that are part of others."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if isinstance(route, Route):
            yield path
        elif getattr(inner, "routes", None):
            yield from paths_of(inner.routes, path)


async def test_every_method_of_the_library_has_a_route_of_its_name(client):
    named = {
        operation["operationId"]
        for path in client.app.openapi()["paths"].values()
        for operation in path.values()
        if "operationId" in operation
    }
    methods = {name for name in dir(AsyncMemory) if not name.startswith("_") and callable(getattr(AsyncMemory, name))}
    of_the_whole_store = {"reindex", "backup", "restore", "open", "close", "listen", "told", "untold"}
    of_the_process = {"scope", "within", "from_config"}
    assert methods - of_the_whole_store - of_the_process - named == set()


async def test_no_two_routes_differ_only_by_a_slash_at_the_end(client):
    paths = set(paths_of(client.app.routes))
    assert len(paths) > 40
    assert [path for path in paths if path != "/" and path.endswith("/") and path.rstrip("/") in paths] == []
    assert [path for path in paths if path.startswith("/v1") and path.endswith("/")] == []


async def test_a_memory_is_added_found_corrected_and_taken_back(client, memory):
    added = await add(client, "I live in Taipei.")
    assert [each["memory"] for each in added["results"]] == ["I live in Taipei."]
    memory_id = added["results"][0]["id"]

    found = (await client.post("/v1/memories/search", json={"query": "Where do I live?", **ALICE})).json()
    assert [each["id"] for each in found["results"]] == [memory_id]
    assert found == json.loads(json.dumps(await memory.search("Where do I live?", user_id="alice")))

    one = (await client.get(f"/v1/memories/{memory_id}")).json()
    assert one["memory"] == "I live in Taipei."
    changed = (await client.patch(f"/v1/memories/{memory_id}", json={"data": "I live in Tainan."})).json()
    assert (changed["old_memory"], changed["memory"]) == ("I live in Taipei.", "I live in Tainan.")
    undone = await client.post(f"/v1/changes/{changed['change_id']}/undo")
    assert undone.status_code == 200
    assert (await client.get(f"/v1/memories/{memory_id}")).json()["memory"] == "I live in Taipei."
    lines = (await client.get(f"/v1/memories/{memory_id}/history")).json()["results"]
    assert lines == json.loads(json.dumps(await memory.history(memory_id)))
    assert (await client.delete(f"/v1/memories/{memory_id}")).json()["event"] == "DELETE"
    gone = await client.get(f"/v1/memories/{memory_id}")
    assert (gone.status_code, gone.json()["code"]) == (404, "NotFound")


async def test_add_answers_when_the_messages_are_stored(client):
    answer = await client.post("/v1/memories", json={"messages": "I keep bees.", **ALICE})
    assert answer.status_code == 201
    (message,) = answer.json()["receipt"]["messages"]
    assert message["state"] == "pending"
    hits = (await client.post("/v1/memories/search", json={"query": "bees", **ALICE})).json()["results"]
    assert [each["memory"] for each in hits] == ["I keep bees."]


async def test_the_other_methods_answer_as_the_library_does(client, memory):
    await add(client, "My sister Mei lives in Tainan. I like jasmine tea.")
    kept = (await client.post("/v1/memories/remember", json={"text": "Plays tennis", **ALICE})).json()
    memory_id = kept["results"][0]["id"]
    same = [
        ("/v1/memories", {}, await memory.get_all(user_id="alice")),
        ("/v1/messages", {}, await memory.messages(user_id="alice")),
        ("/v1/changes", {"since": "2025-01-01"}, await memory.changes("2025-01-01", user_id="alice")),
        ("/v1/profile", {}, await memory.profile(user_id="alice")),
        ("/v1/entities", {}, await memory.entities(user_id="alice")),
        ("/v1/entities/related", {"entity": "Mei"}, await memory.related("Mei", user_id="alice")),
        ("/v1/graph", {}, await memory.graph(user_id="alice")),
        ("/v1/timeline", {"attribute": "home"}, {"results": await memory.timeline("home", user_id="alice")}),
    ]
    for path, query, expected in same:
        answer = await client.get(path, params=query | ALICE)
        assert (answer.status_code, answer.json()) == (200, json.loads(json.dumps(expected))), path
    asked = {"query": "What do I play?", **ALICE}
    assert "Plays tennis" in (await client.post("/v1/memories/context", json=asked)).json()["context"]
    explained = (await client.post("/v1/memories/explain", json=asked | {"memory_id": memory_id})).json()
    assert explained["memory"]["status"] == "found"
    rated = (await client.post(f"/v1/memories/{memory_id}/feedback", json={"feedback": "POSITIVE"})).json()
    assert rated["rating"] == 1
    assert (await client.put(f"/v1/memories/{memory_id}/pin", json={})).json() == {"id": memory_id, "pinned": True}
    assert (await client.post("/v1/consolidate", json=ALICE)).json()["dry_run"] is True
    assert (await client.post("/v1/messages/process", json=ALICE)).json()["processed"] == 0
    assert (await client.post("/v1/messages/retry", json=ALICE)).json() == {"retried": 0, "episode_ids": []}
    assert (await client.post("/v1/messages/wait", json={"seconds": 0, **ALICE})).status_code == 200
    forgotten = (await client.post(f"/v1/memories/{memory_id}/forget")).json()
    assert forgotten["forgotten"] == [memory_id]
    assert (await client.delete("/v1/memories", params=ALICE)).json()["deleted"] >= 1
    erased = (await client.post("/v1/memories/erase", json=ALICE)).json()
    assert erased["erased"]["memories"] >= 2
    assert (await client.get("/v1/stats", params=ALICE)).json()["memories"] == 0
    assert (await client.get("/v1/verify")).json()["ok"] is True


async def test_pages_follow_each_other_without_gap_or_double(client):
    for number in range(5):
        await client.post("/v1/memories/remember", json={"text": f"Note {number}", **ALICE})
    seen, cursor = [], None
    while True:
        query = ALICE | {"limit": 2} | ({} if cursor is None else {"cursor": cursor})
        page = (await client.get("/v1/memories", params=query)).json()
        seen += [each["memory"] for each in page["results"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"Note {number}" for number in (4, 3, 2, 1, 0)]


async def test_filters_narrow_a_listing_and_may_name_whose_it_is(client):
    await client.post("/v1/memories/remember", json={"text": "A", "metadata": {"shelf": 1}, **ALICE})
    await client.post("/v1/memories/remember", json={"text": "B", "metadata": {"shelf": 2}, **ALICE})
    for query in (ALICE | {"filters": '{"shelf": 2}'}, {"filters": '{"AND": [{"user_id": "alice"}, {"shelf": 2}]}'}):
        page = (await client.get("/v1/memories", params=query)).json()
        assert [each["memory"] for each in page["results"]] == ["B"]
    body = {"filters": {"shelf": 2, "id": {"nin": [f"{number:036}" for number in range(2000)]}}, "limit": 5, **ALICE}
    assert (await client.post("/v1/memories/list", json=body)).json()["results"] == page["results"]


WIDE = [
    ("GET", "/v1/memories", None),
    ("DELETE", "/v1/memories", None),
    ("DELETE", "/v1/memories?user_id=", None),
    ("DELETE", "/v1/memories?user_id=*", None),
    ("DELETE", "/v1/memories?user_id=%20", None),
    ("GET", "/v1/memories?filters={}", None),
    ("GET", '/v1/memories?filters={"OR":[{"user_id":"alice"},{"user_id":"bob"}]}', None),
    ("GET", '/v1/memories?filters={"user_id":"*"}', None),
    ("GET", "/v1/messages", None),
    ("GET", "/v1/changes?since=2025-01-01", None),
    ("GET", "/v1/profile", None),
    ("GET", "/v1/entities", None),
    ("GET", "/v1/graph", None),
    ("GET", "/v1/timeline?attribute=home", None),
    ("POST", "/v1/memories/list", {"filters": {"shelf": 1}}),
    ("POST", "/v1/memories/search", {"query": "x"}),
    ("POST", "/v1/memories/search", {"query": "x", "user_id": None}),
    ("POST", "/v1/memories/search", {"query": "x", "user_id": "*"}),
    ("POST", "/v1/memories/search", {"query": "x", "filters": {"NOT": {"user_id": "bob"}}}),
    ("POST", "/v1/memories/context", {"query": "x"}),
    ("POST", "/v1/memories/explain", {"query": "x"}),
    ("POST", "/v1/memories/erase", {}),
    ("POST", "/v1/memories", {"messages": "x"}),
    ("POST", "/v1/memories/remember", {"text": "x"}),
    ("POST", "/v1/messages/retry", {}),
    ("POST", "/v1/messages/process", {}),
    ("POST", "/v1/consolidate", {"dry_run": False}),
]


@pytest.mark.parametrize(("method", "path", "body"), WIDE)
async def test_nothing_is_done_for_nobody_in_particular(client, memory, method, path, body):
    await memory.remember("Plays tennis", user_id="alice")
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), answer.text
    assert (await memory.get_all(user_id="alice"))["total"] == 1


BAD = [
    b"",
    b"[]",
    b"null",
    b'"text"',
    b"{",
    b"\x00",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"messages": "x", "user_id": "alice", "metadata": {"a": NaN}}',
    b'{"messages": "x", "user_id": "alice", "metadata": {"a": 1e999}}',
    b'{"messages": "x", "user_id": "alice", "metadata": {"a": ' + b"9" * 5000 + b"}}",
    b'{"messages": "x", "user_id": "alice", "metadata": {"a": ' + b"9" * 300 + b"}}",
    b'{"messages": "x", "user_id": "alice", "metadata": ' + b'{"a": ' * 150 + b"1" + b"}" * 151,
    b'{"messages": "\\ud800", "user_id": "alice"}',
    b'{"messages": "x", "user_id": "\\udfff"}',
    b'{"messages": "a\\u0000b", "user_id": "alice"}',
    b'{"messages": "x", "user_id": "a\\u0000b"}',
    b'{"messages": "", "user_id": "alice"}',
    b'{"messages": [], "user_id": "alice"}',
    b'{"messages": [[]], "user_id": "alice"}',
    b'{"messages": 5, "user_id": "alice"}',
    b'{"messages": "x", "user_id": 5}',
    b'{"messages": "x", "user_id": ["alice"]}',
    b'{"messages": "x", "user_id": "alice", "infer": "no"}',
    b'{"messages": "x", "user_id": "alice", "wait": "never"}',
    b'{"messages": "x", "user_id": "alice", "at": "soon"}',
    b'{"messages": "x", "user_id": "alice", "at": 1e300}',
    b'{"messages": "x", "user_id": "alice", "at": true}',
    b'{"messages": "x", "user_id": "alice", "expiration_date": "tomorrow"}',
    b'{"messages": "x", "user_id": "alice", "categories": [1]}',
    b'{"messages": "x", "user_id": "alice", "userId": "bob"}',
    b'{"messages": "x", "user_id": "alice", "project": "other"}',
    b'{"messages": [{"role": "boss", "content": "x"}], "user_id": "alice"}',
    b'{"messages": [{"role": "user", "content": {"a": 1}}], "user_id": "alice"}',
    b'{"messages": "' + b"x" * 200_001 + b'", "user_id": "alice"}',
    b'{"messages": "' + b"x" * (11 * 2**20) + b'", "user_id": "alice"}',
    b'{"messages": "x", "user_id": "' + b"x" * 300 + b'"}',
]


@pytest.mark.parametrize("body", BAD, ids=lambda body: f"{body[:60]!r}")
async def test_bad_input_is_refused_and_changes_nothing(client, memory, body):
    answer = await client.post("/v1/memories", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == answer.status_code
    assert len(answer.content) < 3000
    stats = await memory.stats()
    assert (stats["episodes"], stats["memories"]) == (0, 0)


DEEP = '{"AND": [' * 60 + '{"shelf": 1}' + "]}" * 60
ASKED = [
    ("POST", "/v1/memories/search", {"query": "x", "filters": json.loads(DEEP)}),
    ("POST", "/v1/memories/search", {"query": "x", "filters": {"shelf": {"near": 1}}}),
    ("POST", "/v1/memories/search", {"query": "x", "top_k": 10**30}),
    ("POST", "/v1/memories/search", {"query": "x", "threshold": 2}),
    ("POST", "/v1/memories/search", {"query": "x", "as_of": "the day before"}),
    ("POST", "/v1/memories/explain", {"query": "x", "filters": json.loads(DEEP)}),
    ("POST", "/v1/memories/context", {"query": "x", "format": "html"}),
    ("POST", "/v1/memories/context", {"query": "x", "max_tokens": 0}),
    ("POST", "/v1/messages/retry", {"episode_id": "x" * 100}),
    ("POST", "/v1/messages/wait", {"seconds": 1e9}),
    ("POST", "/v1/consolidate", {"only": ["x"]}),
    ("POST", "/v1/entities/merge", {"entity": "Ann"}),
    ("GET", "/v1/memories?limit=0", None),
    ("GET", "/v1/memories?limit=1e3", None),
    ("GET", "/v1/memories?cursor=nonsense", None),
    ("GET", "/v1/memories?filters=[]", None),
    ("GET", f"/v1/memories?filters={DEEP}", None),
    ("GET", "/v1/memories?order=best", None),
    ("GET", "/v1/memories?usr_id=x", None),
    ("GET", "/v1/messages?state=lost", None),
    ("GET", "/v1/messages?cursor=%00", None),
    ("GET", "/v1/changes?since=soon", None),
    ("GET", "/v1/changes", None),
    ("GET", "/v1/timeline?attribute=%00", None),
    ("GET", "/v1/entities/related?entity=%00", None),
    ("GET", "/v1/entities/related?entity=Nobody", None),
    ("GET", "/v1/events?cursor=nonsense", None),
    ("GET", "/v1/memories/%00", None),
    ("GET", "/v1/memories/%ff%fe", None),
    ("PATCH", "/v1/memories/nonsense", {"data": "x"}),
    ("PATCH", "/v1/memories/nonsense", {}),
    ("PUT", "/v1/memories/nonsense/pin", {"pinned": "yes"}),
    ("POST", "/v1/memories/nonsense/feedback", {"feedback": "GREAT"}),
    ("POST", "/v1/changes/nonsense/undo", None),
    ("PUT", "/v1/memories", {}),
    ("GET", "/v1/nothing", None),
    ("GET", "/v1/memories/", None),
]


@pytest.mark.parametrize(("method", "path", "body"), ASKED, ids=lambda each: str(each)[:40])
async def test_what_cannot_be_answered_is_refused_as_a_problem(client, method, path, body):
    if method == "POST" and "nonsense" not in path:
        body = body | ALICE
    if "?" in path:
        path += "&user_id=alice"
    answer = await client.request(method, path, json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_unknown_field_is_named(client):
    answer = await client.post("/v1/memories/search", json={"query": "x", "topK": 3, **ALICE})
    assert answer.status_code == 422
    assert "topK" in answer.json()["detail"]


async def test_what_concerns_the_whole_project_needs_an_admin(client):
    writes = await key_of(client, "read", "write")
    for method, path, body in (
        ("GET", "/v1/stats", None),
        ("GET", "/v1/export", None),
        ("GET", "/v1/verify", None),
        ("POST", "/v1/reset", {"everything": True}),
    ):
        assert (await client.request(method, path, json=body, headers=writes)).status_code == 403, path
        assert (await client.request(method, path, json=body)).status_code == 200, path
    assert (await client.get("/v1/stats", params=ALICE, headers=writes)).status_code == 200
    assert (await client.get("/v1/export", params=ALICE, headers=writes)).status_code == 200
    assert (await client.post("/v1/reset", json={})).status_code == 422
    assert (await client.post("/v1/reset", json={"everything": False})).status_code == 422


async def test_an_export_comes_back_whole(client, tmp_path):
    await client.post("/v1/memories/remember", json={"text": "Plays tennis", **ALICE})
    exported = await client.get("/v1/export")
    assert exported.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in exported.text.splitlines()]
    assert len(lines) >= 4
    async with AsyncMemory(str(tmp_path / "other.db")) as other, serving(other) as second:
        answer = await second.post(
            "/v1/import", content=exported.content, headers={"Content-Type": "application/x-ndjson"}
        )
        assert (answer.status_code, answer.json()["versions"]) == (200, 1)
        assert [each["memory"] for each in (await second.get("/v1/memories", params=ALICE)).json()["results"]] == [
            "Plays tennis"
        ]
        damaged = await second.post(
            "/v1/import", content=exported.content[:-20], headers={"Content-Type": "application/x-ndjson"}
        )
        assert damaged.status_code == 400


async def test_memories_of_another_layer_are_taken_in(client):
    body = {"memories": [{"id": "m1", "memory": "Plays tennis", **ALICE}]}
    assert (await client.post("/v1/memories/import", json=body)).json()["added"] == 1
    assert (await client.post("/v1/memories/import", json=body)).json()["already_stored"] == 1


async def test_secrets_are_shown_to_admins_only(client):
    kept = (
        await client.post("/v1/memories/remember", json={"text": "The pin is AKIAIOSFODNN7EXAMPLE", **ALICE})
    ).json()
    path = f"/v1/memories/{kept['results'][0]['id']}"
    assert "AKIA" not in (await client.get(path)).text
    assert "AKIA" in (await client.get(path, params={"unmasked": True})).text
    reads = await key_of(client, "read")
    assert (await client.get(path, params={"unmasked": True}, headers=reads)).status_code == 403


COMMANDS = re.compile(r"^\$ (curl (?:.*\\\n)*.*)$", re.MULTILINE)


async def test_the_commands_of_the_page_work_one_after_the_other(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "rest.md").read_text(encoding="utf-8")
    commands = COMMANDS.findall(page)
    async with AsyncMemory(str(tmp_path / "m.db")) as memory:
        app = create_app(memory, ServerSettings(database=":memory:"))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.01)
        accounts = app.state.service.accounts
        _, secret = await accounts.claim(await accounts.first_code(), email="ann@example.com")
        url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        answers = []
        for command in commands:
            shell = await asyncio.create_subprocess_shell(
                command.replace("curl -s", "curl -s --fail-with-body"),
                env=os.environ | {"MNEMIC_URL": url, "MNEMIC_KEY": secret},
                stdout=asyncio.subprocess.PIPE,
            )
            told, _ = await shell.communicate()
            assert shell.returncode == 0, (command, told)
            answers.append(json.loads(told))
        server.should_exit = True
        await running
    assert len(commands) >= 4
    assert "bees" in answers[1]["results"][0]["memory"]
    assert answers[-1]["message"] == "Memories deleted successfully!"


async def test_every_route_is_documented(client):
    page = (Path(__file__).parents[2] / "docs" / "rest.md").read_text(encoding="utf-8")
    ids = {
        operation["operationId"]
        for path, operations in client.app.openapi()["paths"].items()
        for operation in operations.values()
        if path.startswith("/v1/") and not {"projects", "keys", "webhooks", "exports"} & set(operation["tags"])
    }
    assert [name for name in sorted(ids - {"stream", "set_up"}) if f"`{name}`" not in page] == []


async def test_an_export_may_be_larger_than_other_bodies(memory):
    async with serving(memory, max_body_bytes=2000, max_import_bytes=100_000) as client:
        await client.post("/v1/memories/remember", json={"text": "x" * 1500, **ALICE})
        exported = (await client.get("/v1/export")).content
        assert 2000 < len(exported) < 100_000
        headers = {"Content-Type": "application/x-ndjson"}
        assert (await client.post("/v1/import", content=exported, headers=headers)).status_code == 200
        for large in (b"x" * 100_001, _in_parts(b"x" * 60_000, b"y" * 60_000)):
            refused = await client.post("/v1/import", content=large, headers=headers)
            assert refused.status_code in (400, 413)
        assert (await client.post("/v1/memories/remember", json={"text": "x" * 3000, **ALICE})).status_code == 413


async def _in_parts(*parts):
    for part in parts:
        yield part
