"""Requests that are no good: a clear error, nothing changed, and a server that goes on answering."""

import json
import random

import pytest
from asgi import serving
from test_cut_requests import wire_of

from mnemic import AsyncMemory
from mnemic.server.routes.route import SEVERAL
from mnemic.testing.fakes import FakeEmbedder

ALICE = {"user_id": "alice"}
DEEP = 100_000

BODIES = {
    "empty": b"",
    "blank": b"   ",
    "not JSON": b"messages=hello",
    "cut": b'{"messages": "x", "user_id"',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a text": b'"x"',
    "NaN": b'{"messages": "x", "user_id": "alice", "metadata": {"a": NaN}}',
    "infinity": b'{"query": "x", "user_id": "alice", "threshold": Infinity}',
    "a lone surrogate": rb'{"messages": "\ud800", "query": "\ud800", "text": "\udfff", "user_id": "alice"}',
    "a lone surrogate as id": rb'{"messages": "x", "query": "x", "text": "x", "user_id": "\ud800"}',
    "not UTF-8": b'{"messages": "\xff\xfe", "query": "\xff", "text": "\xff", "user_id": "alice"}',
    "UTF-16": '{"messages": "x", "query": "x", "text": "x", "user_id": "alice"}'.encode("utf-16"),
    "NUL as id": rb'{"messages": "x", "query": "x", "text": "x", "user_id": "a\u0000b"}',
    "deep lists": b'{"messages": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "deep objects": b'{"metadata": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
    "deep and never closed": b"[" * DEEP,
    "deep filters": b'{"query": "x", "user_id": "alice", "filters": ' + b'{"NOT": [' * 150 + b"{}" + b"]}" * 150 + b"}",
    "a huge number": b'{"query": "x", "user_id": "alice", "top_k": ' + b"9" * 5_000 + b"}",
    "a huge number as time": b'{"messages": "x", "text": "x", "query": "x", "user_id": "alice", "at": 1e400, "as_of": 1e308}',
    "wrong types": b'{"messages": 1, "query": [], "text": {}, "user_id": 7, "filters": "x", "data": 5, "top_k": "3"}',
    "ids that are lists": b'{"messages": "x", "query": "x", "text": "x", "user_id": ["alice"]}',
    "ids of blanks": b'{"messages": "x", "query": "x", "text": "x", "user_id": "  ", "agent_id": ""}',
    "nobody": b'{"messages": "x", "query": "x", "text": "x"}',
    "megabytes of an id": b'{"messages": "x", "query": "x", "text": "x", "user_id": "' + b"a" * 3_000_000 + b'"}',
    "a role of nobody's": b'{"messages": [{"role": {}, "content": "x"}], "user_id": "alice"}',
    "a message of nothing": b'{"messages": [], "query": "", "text": "", "user_id": "alice"}',
}  # fmt: skip


def posts(app):
    """Every described route that takes a body."""
    return [
        (method.upper(), path)
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
        if path.startswith("/v1/") and "application/json" in operation.get("requestBody", {}).get("content", {})
    ]


MEM0 = [
    ("POST", "/mem0/v3/memories/add/"), ("POST", "/mem0/v3/memories/search/"), ("POST", "/mem0/v3/memories/"),
    ("PUT", "/mem0/v1/batch/"), ("DELETE", "/mem0/v1/batch/"), ("POST", "/mem0/v1/feedback/"),
    ("POST", "/mem0/v2/profiles/settings/"), ("POST", "/mem0/v1/summary/"), ("POST", "/mem0-server/memories"),
    ("POST", "/mem0-server/search"),
]  # fmt: skip


@pytest.fixture
async def memory():
    async with AsyncMemory(":memory:", embedder=FakeEmbedder(), background=False) as made:
        yield made


async def state(memory):
    """All that a user of it could see, and what is set."""
    return (
        (await memory.get_all(limit=1000))["results"],
        (await memory.messages(limit=1000))["results"],
        (await memory.changes("2000-01-01"))["results"],
    )


def is_a_problem(answer, path):
    told = answer.json()
    if path.startswith("/v1"):
        assert answer.headers["content-type"] == "application/problem+json", (path, answer.text)
        assert told["status"] == answer.status_code
        assert told["detail"]
        assert told["code"]
    else:
        assert told["detail"], (path, answer.text)
    assert len(answer.content) < 5_000, "an error does not send back what was sent"


@pytest.mark.behaviour("S7")
async def test_a_bad_body_is_refused_by_every_route_and_changes_nothing(memory):
    async with serving(memory, key_limit=None, project_limit=None) as client:
        kept = (await memory.remember("Stays", **ALICE))["results"][0]["id"]
        before = await state(memory)
        routes = posts(client.app)
        assert len(routes) > 20
        understood = set()
        for method, path in [*routes, *MEM0]:
            if (method, path) == MEM0[0]:
                assert await state(memory) == before
            there = path.replace("{memory_id}", kept).replace("{project_id}", kept).replace("{email}", "a@example.com")
            for name, body in BODIES.items():
                answer = await client.request(
                    method, there.replace("{webhook_id}", kept), content=body, headers={"Content-Type": "application/json"}
                )  # fmt: skip
                if answer.status_code < 300:  # what a route does not read, it need not refuse
                    understood.add((path, name))
                    continue
                assert 400 <= answer.status_code < 500, (method, path, name, answer.status_code, answer.text[:500])
                is_a_problem(answer, path)
        assert [each for each in understood if each[0].startswith("/v1")] == []
        assert (await client.get("/v1/project")).status_code == 200


@pytest.mark.behaviour("S7")
async def test_a_bad_query_or_path_is_refused_and_changes_nothing(memory):
    async with serving(memory, key_limit=None, project_limit=None) as client:
        await memory.remember("Stays", **ALICE)
        before = await state(memory)
        queries = [
            "user_id=%00", "user_id=%ff", "user_id=a&user_id=", "user_id=%20", "user_id=alice&limit=0", "limit=-1&user_id=alice",
            "user_id=alice&limit=99999999999999999999999", "user_id=alice&limit=NaN", "user_id=alice&cursor=%00",
            "user_id=alice&cursor=" + "a" * 5_000, "user_id=" + "a" * 50_000, "user_id=alice&since=never",
            "user_id=alice&filters=" + "[" * 10_000, "user_id=alice&filters=" + '{"a":' * 3_000, "unknown=1&user_id=alice",
            "user_id=alice&as_of=9" + "9" * 400, "user_id=alice&state=gone", "user_id=alice&hops=1e9&entity=x",
        ]  # fmt: skip
        listings = [
            "/v1/memories",
            "/v1/messages",
            "/v1/changes",
            "/v1/events",
            "/v1/entities",
            "/v1/graph",
            "/v1/stats",
        ]
        for path in [
            *listings,
            "/v1/timeline",
            "/v1/entities/related",
            "/v1/profile",
            "/v1/export",
            "/mem0/v1/memories/",
        ]:
            for query in queries:
                answer = await client.get(f"{path}?{query}")
                assert answer.status_code < 500, (path, query[:80], answer.text[:500])
        for path in (
            "/v1/memories/%2e%2e/%2e%2e", "/v1/memories/..%2f..%2fetc", "//v1/memories", "/v1//memories", "/v1/memories/",
            "/v1/memories/%00", "/v1/memories/a%00b", "/v1/memories/" + "a" * 10_000, "/v1/memories/%ff%fe", "/V1/memories",
            "/v1/memories/愛", "/v1/memories;user_id=alice", "/v1/memories/*", "/v1/../mem0/v1/ping/", "/v1/webhooks/%00",
            "/v1/keys/%00", "/v1/projects/%00", "/v1/members/%00", "/mem0/v1/memories/%00/", "/mem0/v1/entities/user/%00/",
            "/mem0/api/v1/webhooks/%00/", "/mem0/v1/event/%00/", "/v1/exports/%00", "/mem0-server/memories/%00", "/%00", "/",
        ):  # fmt: skip
            for method in ("GET", "DELETE", "PUT", "PATCH", "POST", "HEAD", "OPTIONS", "TRACE"):
                answer = await client.request(method, path)
                assert 300 <= answer.status_code < 500 or (method, path) == ("GET", "/v1/../mem0/v1/ping/"), (
                    method, path, answer.status_code, answer.text[:300],
                )  # fmt: skip
        assert await state(memory) == before


@pytest.mark.behaviour("S7")
async def test_bytes_that_are_no_request_are_answered_with_4xx_and_the_server_goes_on(memory):
    """Over a real connection: what a client library would not send."""
    async with wire_of(memory, max_body_bytes=100_000) as wire:
        key = f"Authorization: Bearer {wire.key}\r\n".encode()
        post = b"POST /v1/memories HTTP/1.1\r\n"
        json_of = b"Content-Type: application/json\r\n"
        said = json.dumps({"messages": "x", **ALICE}).encode()
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        requests = {
            "no host": post + key + json_of + b"Content-Length: %d\r\n\r\n" % len(said) + said,
            "another host": post + b"Host: evil.example\r\n" + key + json_of + b"Content-Length: 2\r\n\r\n{}",
            "two lengths": post + b"Host: localhost\r\n" + key + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
            "a negative length": post + b"Host: localhost\r\n" + key + b"Content-Length: -1\r\n\r\n",
            "a huge length": post + b"Host: localhost\r\n" + key + json_of + b"Content-Length: 99999999999\r\n\r\n",
            "chunks over the limit": post + b"Host: localhost\r\n" + key + json_of
            + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"0\r\n\r\n",
            "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
            "another content type": post + b"Host: localhost\r\n" + key + b"Content-Type: text/plain\r\n"
            b"Content-Length: %d\r\n\r\n" % len(said) + said,
            "a form": post + b"Host: localhost\r\n" + key + b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Content-Length: 16\r\n\r\nuser_id=alice&a=",
            "another page's origin": post + b"Host: localhost\r\nOrigin: https://evil.example\r\n" + key + json_of
            + b"Content-Length: %d\r\n\r\n" % len(said) + said,
        }  # fmt: skip
        for path in (
            "/mem0/v3/memories/add/",
            "/mem0-server/memories",
            "/openai/v1/chat/completions",
            "/v1/import",
            "/mcp",
        ):
            requests[f"chunks over the limit at {path}"] = (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n".encode() + key
                + (b"Content-Type: application/x-ndjson\r\n" if path == "/v1/import" else json_of)
                + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4 + b"0\r\n\r\n"
            )  # fmt: skip
        for name, data in requests.items():
            status, _ = await wire.send(data)
            assert 400 <= status < 500, (name, status)
            assert (await wire.send(wire.request("GET", "/v1/project")))[0] == 200, name
        assert await wire.logged() == []


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize(
    "path", ["/v1/memories/a%00b", "/v1/memories?user_id=a%00", "/v1/webhooks/a%00", "/mem0/api/v1/webhooks/a%00/"]
)
async def test_a_path_or_a_query_with_a_nul_is_refused(client, path):
    answer = await client.get(path)
    assert (answer.status_code, "NUL" in answer.text) == (400, True)


@pytest.mark.parametrize("host", ["evil.example", "a/b", "[::1", "user@localhost"])
async def test_a_host_that_is_not_the_servers_is_a_problem_as_any_other(client, host):
    answer = await client.get("/v1/project", headers={"Host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert "MNEMIC_SERVER_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.behaviour("S7")
async def test_random_bytes_in_a_good_request_never_bring_the_server_down(memory):
    async with wire_of(memory) as wire:
        rng = random.Random(7)
        whole = wire.request("POST", "/v1/memories/search", {"query": "bees", **ALICE})
        for _ in range(150):
            broken = bytearray(whole)
            for _ in range(rng.randrange(1, 4)):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            await wire.send(bytes(broken), cut=True)
        assert (await wire.send(whole))[0] == 200
        assert await wire.logged() == []


async def test_of_two_keys_of_the_same_name_the_last_one_counts(memory):
    """As every JSON reader of Python has it; it is whole or refused, and never half of each."""
    async with serving(memory) as client:
        body = b'{"query": "bees", "user_id": "alice", "user_id": "bob"}'
        answer = await client.post("/v1/memories/search", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200
        rows = (await client.get("/v1/audit")).json()["results"]
        assert rows[0]["ids"] == {"user_id": "bob"}


async def test_a_deletion_with_a_body_is_refused_for_it_would_not_be_narrowed_by_it(memory):
    async with serving(memory) as client:
        kept = (await memory.remember("Stays", **ALICE))["results"][0]["id"]
        for path in ("/v1/memories?user_id=alice", f"/v1/memories/{kept}"):
            answer = await client.request("DELETE", path, json={"filters": {"category": "trash"}})
            assert answer.status_code == 400, answer.text
            assert "reads no body" in answer.json()["detail"]
        assert (await memory.get_all(**ALICE))["total"] == 1
        assert (await client.request("DELETE", "/v1/memories?user_id=alice", json={})).status_code == 200
        assert (await memory.get_all(**ALICE))["total"] == 0


async def test_two_ids_of_one_kind_are_refused_where_only_the_last_would_count(memory):
    async with serving(memory) as client:
        await memory.remember("Stays", **ALICE)
        for method in ("GET", "DELETE"):
            answer = await client.request(method, "/v1/memories?user_id=bob&user_id=alice")
            assert answer.status_code == 400, answer.text
            assert answer.json()["detail"] == "user_id stands in the query 2 times; give it once"
        assert (await memory.get_all(**ALICE))["total"] == 1
        assert (await client.get("/v1/messages?user_id=alice&state=done&state=failed")).status_code == 200


async def test_what_may_stand_in_a_query_more_than_once_is_what_is_described_as_a_list(memory):
    async with serving(memory) as client:
        described = {
            each["name"]
            for operations in client.app.openapi()["paths"].values()
            for operation in operations.values()
            for each in operation.get("parameters", [])
            if "array" in str(each["schema"])
        }
        assert described == SEVERAL


async def test_a_body_that_does_not_say_it_is_json_is_told_to_say_so(memory):
    async with serving(memory) as client:
        for kind in ("application/x-www-form-urlencoded", "text/plain", ""):  # the first is what curl -d says
            headers = {"Content-Type": kind} if kind else {}
            answer = await client.post(
                "/v1/memories", content=b'{"messages": "x", "user_id": "alice"}', headers=headers
            )
            assert answer.status_code == 415, answer.text
            assert "'Content-Type: application/json'" in answer.json()["detail"]
        assert (await memory.messages(**ALICE))["results"] == []


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"messages": "", "user_id": "a"}, 'body.messages: String should have at least 1 character, not ""'),
        ({"messages": [], "user_id": "a"}, "body.messages: List should have at least 1 item after validation, not 0, not a list of 0"),
        ({"messages": ["x", 5], "user_id": "a"}, "body.messages.1: Input should be a valid string, or: Input should be a valid dictionary or object to extract fields from, not 5"),
        ({"messages": ["x"] * 1001, "user_id": "a"}, "body.messages: List should have at most 1000 items after validation, not 1001, not a list of 1,001"),
        ({"messages": {"role": 7, "content": "x"}, "user_id": "a"}, "body.messages.role: Input should be a valid string, not 7"),
        ({"messages": "x", "user_id": 5}, "body.user_id: Input should be a valid string, not 5"),
        ({"user_id": "a"}, "body.messages: Field required"),
        ({"messages": "x", "user_id": "a", "foo": 1}, "body.foo: Extra inputs are not permitted"),
    ],
)  # fmt: skip
async def test_a_refusal_names_the_field_what_it_takes_and_what_came(memory, body, detail):
    async with serving(memory) as client:
        answer = await client.post("/v1/memories", json=body)
        assert (answer.status_code, answer.json()["detail"]) == (422, detail)


async def test_a_route_that_is_not_there_says_which_are(memory):
    async with serving(memory) as client:
        answer = await client.get("/v1/memory")
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "there is no GET /v1/memory; /openapi.json lists what there is",
        )
        answer = await client.put("/v1/memories")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "DELETE, GET, POST")
        assert answer.json()["detail"] == "there is no PUT /v1/memories; the path takes DELETE, GET, POST"


async def test_a_client_of_mem0_without_mem0_in_its_address_is_told_so(memory):
    async with serving(memory) as client:
        answer = await client.get("/v1/ping/")
        assert answer.status_code == 404
        assert answer.json()["detail"].endswith("clients of mem0 are given this server's address with /mem0 behind it")


async def test_a_strange_host_or_origin_is_told_which_it_was_and_where_such_are_named(memory):
    async with serving(memory) as client:
        answer = await client.get("/healthz", headers={"Host": "evil.example"})
        assert answer.json()["detail"] == (
            "the host 'evil.example' is not the server's; MNEMIC_SERVER_ALLOWED_HOSTS names those that are"
        )
        answer = await client.get("/v1/project", headers={"Origin": "https://evil.example"})
        assert answer.json()["detail"] == (
            "pages of 'https://evil.example' may not call the server; MNEMIC_SERVER_CORS_ORIGINS names those that may"
        )
