"""Two tenants of one server against each other: whatever one asks for, nothing of the other's is read or changed."""

import asyncio
import json
import logging
import random
import re
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
import structlog
from asgi import serving
from sqlalchemy import select
from starlette.routing import Route

from mnemic import AsyncMemory
from mnemic.server import tables
from mnemic.server.organizations import Organizations
from mnemic.testing.fakes import FakeEmbedder

DOCUMENTS = re.compile(r".*/(openapi\.json|docs|docs/oauth2-redirect|redoc)|/(openapi\.json|docs.*|redoc)")
STREAM = "/v1/events/stream"

HOSTILE = [
    "*", "%", "_", "%%", "alic_", "alice%", "' OR '1'='1", '"; DROP TABLE memories; --', "alice'--", "../alice", "..",
    "a" * 300, " ", "", "\t", "\u200b", "ALICE", "ａｌｉｃｅ", "愛麗絲", "alice\u0000", "\U0001f600", "null", "None",
    "0", "-1", "00000000-0000-0000-0000-000000000000", "{alice}", "$ne", "*/*", "alice,bob", "[alice]",
]  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {"tea": {"type": "string"}, "facts": {"type": "array", "items": {"type": "string"}}},
}
WORDS = ["tea", "where is it?", "I like tea.", "note", "bees and tea", "綠茶"]


def routes_of(routes, prefix=""):
    """Method and path of every route, also of routers and applications that are part of others; None: no telling."""
    for route in routes:
        path = prefix + getattr(route, "path", "")
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if isinstance(route, Route):
            yield from ((method, path) for method in sorted((route.methods or {"POST"}) - {"HEAD"}))
        elif getattr(inner, "routes", None):
            yield from routes_of(inner.routes, path)
        else:
            yield None, path


class Tenant:
    """A project with memories, a webhook, keys; and every id and cursor that its own calls show."""

    def __init__(self, client, project, organization, secret, word, email):
        self.client, self.project, self.organization = client, project, organization
        self.secret, self.word, self.email = secret, word, email
        self.seen = {}

    async def ask(self, method, path, **given):
        headers = {"Authorization": f"Bearer {self.secret}"} | given.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **given)

    async def told(self, method, path, **given):
        answer = await self.ask(method, path, **given)
        assert answer.status_code < 300, (method, path, answer.text)
        return answer.json()

    async def may(self):
        """Whether its key still does everything."""
        return (await self.ask("GET", "/v1/members")).status_code == 200

    async def live(self):
        """Have a life: messages, memories, a correction, a deletion, what waits, a webhook, another key."""
        who = {"user_id": "alice"}
        idempotent = {"Idempotency-Key": f"key-of-{self.word}"}
        for text in (
            f"My sister {self.word}a lives in Tainan.",
            f"I keep {self.word}b bees.",
            f"I like {self.word}c tea.",
        ):
            given = {"messages": text, "wait": "extracted", **who}
            self.take(await self.told("POST", "/v1/memories", json=given, headers=idempotent if "bees" in text else {}))
        for number in range(4):
            kept = await self.told("POST", "/v1/memories/remember", json={"text": f"{self.word}d note {number}", **who})
            self.take(kept)
        last = kept["results"][0]["id"]
        self.take(await self.told("PATCH", f"/v1/memories/{last}", json={"data": f"{self.word}e note"}))
        other = await self.told(
            "POST", "/v1/memories/remember", json={"text": f"{self.word}f", "user_id": self.word, "agent_id": "helper"}
        )
        alone = {"text": "Something", "user_id": f"{self.word}k"}
        self.take(await self.told("POST", "/v1/memories/remember", json=alone))
        self.take(other)
        self.take(await self.told("DELETE", f"/v1/memories/{other['results'][0]['id']}"))
        hook = {"url": "http://127.0.0.1:9/hook", "name": f"{self.word}g"}
        self.note("webhook_id", (await self.told("POST", "/v1/webhooks", json=hook))["id"])
        self.note("key_id", (await self.told("POST", "/v1/keys", json={"name": f"{self.word}h"}))["id"])
        settings = {"custom_instructions": f"Nothing of {self.word}i."}
        await self.told("PATCH", f"/v1/projects/{self.project}/settings", json=settings)
        for path, more in (
            ("/v1/memories", {"limit": 2}), ("/v1/messages", {"limit": 2}), ("/v1/events", {"limit": 2}),
            ("/v1/changes", {"limit": 2, "since": "2025-01-01"}), ("/v1/entities", {"limit": 1}),
        ):  # fmt: skip
            self.take(await self.told("GET", path, params=who | more))
        self.take(await self.told("GET", "/v1/audit", params={"limit": 2}))
        asked = {"schema": SCHEMA, "user_id": "alice"}
        self.note("export_id", (await self.told("POST", "/v1/exports", json=asked)).get("id"))
        self.note("project_id", self.project)
        self.note("org", self.organization)
        self.note("email", self.email)

    def note(self, name, value):
        if isinstance(value, str) and value and value not in self.seen.setdefault(name, []):
            self.seen[name].append(value)

    def take(self, told):
        """Remember the ids and cursors of an answer, by what they name."""
        if isinstance(told, list):
            for each in told:
                self.take(each)
        elif isinstance(told, dict):
            for name, value in told.items():
                kind = {"id": "memory_id", "next_cursor": "cursor", "episode_ids": "episode_id"}.get(name, name)
                if kind.endswith(("_id", "cursor")) and kind not in ("user_id", "agent_id", "app_id", "run_id"):
                    self.note(kind, value)
                self.take(value)

    @property
    def every(self):
        return [each for values in self.seen.values() for each in values]


async def state_of(tenant, folder):
    """All that a tenant has: its export, and its rows in the server's tables."""
    service = tenant.client.app.state.service
    async with service.database.transaction() as db:
        store = (
            await db.execute(select(tables.projects.c.store_project).where(tables.projects.c.id == tenant.project))
        ).scalar_one()
        rows = {}
        for name, column in (
            ("projects", "id"), ("keys", "project_id"), ("members", "organization_id"), ("webhooks", "project_id"),
            ("requests", "project_id"), ("exports", "project_id"),
        ):  # fmt: skip
            table = getattr(tables, name)
            where = tenant.organization if column == "organization_id" else tenant.project
            found = (await db.execute(select(table).where(table.c[column] == where))).mappings().all()
            rows[name] = sorted(
                [{key: value for key, value in row.items() if key != "last_used_at"} for row in found], key=repr
            )
    path = folder / f"{tenant.word}.jsonl"
    path.unlink(missing_ok=True)
    await service.memory.within(store).export(str(path))
    head, *lines = path.read_text().splitlines()
    assert len(lines) > 10
    about = json.loads(head)["mnemic export"]
    return {name: value for name, value in about.items() if name != "made_at"}, lines, rows


# Requests.


class Drawn:
    """Requests of a tenant, drawn at random, about what it has, what another has, and what nobody has."""

    def __init__(self, rng, mine, theirs, schema, tools):
        self.rng, self.mine, self.theirs, self.tools = rng, mine, theirs, tools
        self.components = schema["components"]["schemas"]
        self.described = schema["paths"]
        # Half of the other's ids are never sent, so that they cannot come back as an echo.
        self.sent = [each for each in theirs.every if hash_of(each) % 2]
        shown = " ".join([theirs.organization, theirs.email, *theirs.seen["cursor"]])
        self.kept_back = {each for each in theirs.every if each not in self.sent and each not in shown}

    def more(self, share):
        """Whether to say what need not be said."""
        return not self.honest and self.rng.random() < share

    def of(self, name):
        """A value for a name: mostly the other's, unless the whole request is about what one has."""
        known = {"name": "entity", "other": "entity", "job_id": "event_id", "ids": "memory_id"}.get(name, name)
        draw = self.rng.random()
        if self.honest:
            return self.honestly(name, known)
        if name in ("user_id", "agent_id", "app_id", "run_id", "name", "kind", "entity", "other", "user"):
            if draw < 0.6:
                return {"agent_id": "helper", "kind": "user", "entity": "sister"}.get(name, "alice")
            return self.rng.choice([*HOSTILE, self.theirs.word])
        if draw < 0.55:
            same = [each for each in self.theirs.seen.get(known, []) if each in self.sent]
            return self.rng.choice(same or self.sent)
        if draw < 0.85:
            return self.rng.choice(self.mine.seen.get(known) or self.mine.every)
        return self.rng.choice(HOSTILE)

    def honestly(self, name, known):
        plain = {"user_id": "alice", "agent_id": "helper", "kind": "user", "entity": "sister", "user": "alice"}
        if name in plain or name in ("app_id", "run_id"):
            return plain.get(name, "one")
        if name == "name":
            return "alice"
        if name == "other":
            return "Tainan"
        return self.rng.choice(self.mine.seen.get(known) or ["none"])

    def filters(self):
        if self.honest:
            return {"user_id": "alice"}
        one = self.rng.choice([
            {"user_id": self.of("user_id")}, {"memory_ids": [self.of("memory_id")]}, {"user_id": {"ne": "nobody"}},
            {"user_id": {"exists": True}}, {"project_id": self.of("project_id")}, {"project": "*"}, {},
            {"user_id": "*"}, {"retired_by": {"in": [self.of("memory_id")]}}, {"metadata": {"a": 1}},
            {"id": self.of("memory_id")}, {"user_id": {"in": ["alice", self.theirs.word]}}, {"text": {"contains": "e"}},
        ])  # fmt: skip
        return self.rng.choice([one, {"OR": [one, {"user_id": "alice"}]}, {"AND": [{"user_id": "alice"}, one]},
                                {"NOT": [one]}])  # fmt: skip

    def headers(self):
        """Such as claim to be the other."""
        if self.honest:
            return {"X-Mnemic-User-Id": "alice"}
        every = {
            "X-Project-Id": self.theirs.project, "X-Org-Id": self.theirs.organization, "Mem0-User-ID": self.theirs.email,
            "X-Mnemic-Project": self.theirs.project, "X-Forwarded-User": self.theirs.email,
            "X-Mnemic-User-Id": "alice", "Idempotency-Key": f"key-of-{self.theirs.word}"[:40],
            "X-API-Key": self.theirs.project,
        }  # fmt: skip
        return {name: value for name, value in every.items() if self.rng.random() < 0.3}

    def request(self, method, path, *, honest):
        """The arguments of one request; an honest one is about what one has, and says all that is needed."""
        self.honest = honest
        filled = re.sub(r"{([^}:]+)[^}]*}", lambda found: quote(self.of(found[1]), safe="") or "-", path)
        operation = self.described.get(path, {}).get(method.lower())
        given = {"headers": self.headers()}
        if path == "/mcp":
            given["headers"] |= {"Accept": "application/json, text/event-stream"}
            return path, given | {"json": {"jsonrpc": "2.0", "id": 1, **self.spoken()}}
        owner_only = honest and method == "DELETE" and path.endswith(("/memories", "/memories/"))
        if owner_only:
            query, body = {"user_id": self.of("user_id")}, None
        elif operation is None:
            query, body = self.lax(path)
        else:
            query, body = self.query(operation), None
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                body = self.value(content["application/json"]["schema"], "")
        if method == "GET" or (method == "DELETE" and operation is None):
            query = query | (body if isinstance(body, dict) and operation is None else {})
        if path == "/v1/import":
            given["content"] = "\n".join(self.theirs.exported)
            given["headers"]["Content-Type"] = "application/x-ndjson"
        elif body is not None and method != "GET" and not owner_only:
            given["json"] = body
        clean = {name: json.dumps(value) if isinstance(value, dict | list) else value for name, value in query.items()}
        return filled, given | {"params": {name: str(value) for name, value in clean.items() if value is not None}}

    def spoken(self):
        """A call of a tool, or what else there is to be read."""
        tool = self.rng.choice(self.tools)
        user = quote(self.of("user_id"), safe="")
        return self.rng.choice([
            *[{"method": "tools/call", "params": {"name": tool["name"], "arguments": self.value(tool["inputSchema"], "")}}] * 4,
            {"method": "resources/read", "params": {"uri": f"mnemic://profile/{user}"}},
            {"method": "resources/read", "params": {"uri": f"mnemic://memory/{self.of('memory_id')}"}},
            {"method": "resources/list"}, {"method": "prompts/list"},
            {"method": "prompts/get", "params": {"name": "with_memory", "arguments": {"question": "bees", "user_id": user}}},
        ])  # fmt: skip

    def query(self, operation):
        found = {}
        for each in operation.get("parameters", []):
            if each["in"] == "query" and (each.get("required") or self.more(0.4) or each["name"] == "user_id"):
                found[each["name"]] = self.value(each["schema"], each["name"])
        return {
            name: value if isinstance(value, str) or name == "filters" else json.dumps(value)
            for name, value in found.items()
        }

    def value(self, schema, name):  # noqa: C901, PLR0912 - a table of cases
        """A value of a schema; what names something names the other's."""
        if "$ref" in schema:
            schema = self.components[schema["$ref"].rpartition("/")[2]]
        if name == "filters":
            return self.filters()
        special = {
            "seconds": 0, "url": "http://127.0.0.1:9/own", "schema": SCHEMA, "output_schema": SCHEMA,
            "email": self.rng.choice(["new@example.com", self.mine.email, self.theirs.email]),
            "expires_at": "2999-01-01T00:00:00Z", "expiration_date": "2999-01-01",
        }  # fmt: skip
        if name == "memories" and schema.get("type") == "integer":
            return 1_000_000  # a quota that refuses what is still to be tried would hide what that does
        if name in special:
            return special[name]
        for alternatives in ("anyOf", "oneOf"):
            if alternatives in schema:
                real = [each for each in schema[alternatives] if each.get("type") != "null"]
                return self.value(self.rng.choice(real), name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        match schema.get("type"):
            case "object":
                wanted = {
                    each: inner for each, inner in schema.get("properties", {}).items()
                    if each in schema.get("required", ()) or self.more(0.3) or each == "user_id"
                }  # fmt: skip
                if schema.get("title") in ("Update", "ProjectChanges", "OrganizationChanges"):
                    wanted = (
                        {"data": {"type": "string"}} if schema["title"] == "Update" else {"name": {"type": "string"}}
                    )
                return {each: self.value(inner, each) for each, inner in wanted.items()}
            case "array":
                return [self.value(schema.get("items", {"type": "string"}), name)]
            case "integer" | "number":
                return self.rng.choice([1, 2, 50])
            case "boolean":
                return self.rng.random() < 0.7
        if name in ("since", "until", "at", "timestamp", "as_of", "known_at", "reference_date", "expiration_date"):
            return "2025-01-01"
        if name == "cursor" or name.endswith("_id") or name in ("entity", "other", "only"):
            return self.of({"only": "memory_id"}.get(name, name))
        return self.rng.choice(WORDS)

    def lax(self, path):
        """Query and body for a wire that lets be what it does not know: many fields, each where it may mean something."""
        every = {
            "messages": [{"role": "user", "content": self.rng.choice(WORDS)}], "query": "bees", "text": "tea",
            "user_id": self.of("user_id"), "agent_id": "helper", "filters": self.filters(), "page": 1, "page_size": 3,
            "memory_id": self.of("memory_id"), "memories": [{"memory_id": self.of("memory_id"), "text": "tea"}],
            "memory_ids": [self.of("memory_id")], "org_id": self.of("org"), "project_id": self.of("project_id"),
            "name": "tea", "url": "http://127.0.0.1:9/own", "event_types": ["memory_add"], "role": "READER",
            "email": self.rng.choice(["new@example.com", self.theirs.email]), "feedback": "POSITIVE", "infer": False,
            "custom_instructions": "Tea.", "enabled": True, "delete_linked": "true", "threshold": 0, "version": "v2",
            "schema": SCHEMA,
            "memory_export_id": self.of("export_id"), "entity_id": "alice",
            "entity_type": "user", "user": "alice", "operation": "trigger", "model": "m", "event_id": self.of("event_id"),
        }  # fmt: skip
        needed = {
            "/search/": {"query", "filters"}, "/add/": {"messages", "user_id"}, "/v1/memories/": {"messages", "user_id"},
            "/memories/": {"filters"}, "/batch/": {"memories"}, "/feedback/": {"memory_id", "feedback"},
            "/members/": {"email", "role"}, "/users/": {"user_id"}, "/agents/": {"agent_id"}, "/apps/": {"app_id"},
            "/runs/": {"run_id"}, "/completions": {"messages", "user", "model"}, "/webhooks": {"url", "name", "event_types"},
            "/projects/": {"name", "url", "event_types", "custom_instructions"}, "/summary/": {"filters"},
            "/settings/": {"enabled"}, "/exports/": {"schema", "filters"}, "/exports/get/": {"memory_export_id"}, "/jobs/": {"entity_id", "entity_type", "operation"}, "/{memory_id}/": {"text"},
            "/memories/{memory_id}": {"text"}, "/search": {"query", "user_id"}, "/memories": {"messages", "user_id"}, "/{project_id}/": {"custom_instructions"},
        }  # fmt: skip
        every |= {"app_id": "app", "run_id": "run"}
        wanted = set().union(*(fields for end, fields in needed.items() if path.endswith(end)))
        if not self.honest and self.rng.random() < 0.5:
            wanted |= set(self.rng.sample(sorted(every), 3))
        return {}, {name: every[name] for name in sorted(wanted)}


def hash_of(text):
    return sum(map(ord, text))


class Upstream(BaseHTTPRequestHandler):
    """A language model that says what it was asked."""

    def do_POST(self):
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer({"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": said}}]})

    def do_GET(self):
        self._answer({"object": "list", "data": []})

    def _answer(self, body):
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture(autouse=True)
def quiet():
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
async def served(request, tmp_path, upstream, monkeypatch):
    monkeypatch.setattr("mnemic.server.routes.projects.TRUSTED", 0.0)  # nobody waits for other processes
    address = str(tmp_path / "m.db") if request.param == "sqlite" else request.getfixturevalue("new_database")()
    database = {"database": address if request.param == "postgres" else str(tmp_path / "m.server.db")}
    async with (
        AsyncMemory(address, embedder=FakeEmbedder(), background=False) as memory,
        serving(memory, work=False, upstream=upstream, key_limit=None, project_limit=None, **database) as client,
    ):
        yield client


async def first(client):
    """The tenant that has the server's first project."""
    accounts = client.app.state.service.accounts
    project = await accounts.project_of_store(client.app.state.service.memory.project)
    async with client.app.state.service.database.transaction() as db:
        query = select(tables.projects.c.organization_id).where(tables.projects.c.id == project)
        organization = (await db.execute(query)).scalar_one()
    return Tenant(client, project, organization, client.secret, "wombat", "ann@example.com")


async def another(client, word):
    """A tenant of another organisation."""
    service = client.app.state.service
    email = f"{word}@example.org"
    organization, project = await Organizations(service.database).create(f"{word}j", owner=email)
    _, secret = await service.accounts.create_key(project.id, email=email, name=word, scopes=("read", "write", "admin"))
    return Tenant(client, project.id, organization, secret, word, email)


@asynccontextmanager
async def both(client, attacker, tmp_path):
    """Who asks, and whose nothing may be touched; what the latter has is the same afterwards."""
    one, other = await first(client), await another(client, "quokka")
    await one.live()
    await other.live()
    mine, theirs = (one, other) if attacker == "first" else (other, one)
    before = await state_of(theirs, tmp_path)
    theirs.exported = (tmp_path / f"{theirs.word}.jsonl").read_text().splitlines()
    yield mine, theirs
    assert await state_of(theirs, tmp_path) == before


def counted(client):
    """Routes that answered, and with what."""
    found = {}
    for metric in client.app.state.metrics.registry.collect():
        for sample in metric.samples:
            if sample.name == "mnemic_requests_total":
                labels = sample.labels
                found.setdefault((labels["method"], labels["route"]), set()).add(int(labels["status"]))
    return found


async def tools_of(tenant):
    """What MCP offers."""
    answer = await tenant.ask(
        "POST", "/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        headers={"Accept": "application/json, text/event-stream"},
    )  # fmt: skip
    (line,) = [each for each in answer.text.splitlines() if '"result"' in each]
    return json.loads(line.removeprefix("data:"))["result"]["tools"]


async def fuzz(client, mine, theirs, seed, times):
    """Each route some times; every answer is looked through for what is the other's."""
    rng = random.Random(seed)
    schema = client.app.openapi()
    asked = [
        (method, path)
        for method, path in routes_of(client.app.routes)
        if path != STREAM and not DOCUMENTS.fullmatch(path)
    ]
    # A third of each route's requests are honest, so that each is understood once at least.
    work = [(*each, place % 3 == 0) for each in asked for place in range(times)]
    rng.shuffle(work)
    tools = await tools_of(mine)
    for each in tools:
        schema["components"]["schemas"] |= each["inputSchema"].get("$defs", {})
    drawn = Drawn(rng, mine, theirs, schema, tools)
    answer = await mine.ask("GET", "/v1/project")
    for number, (method, path, honest) in enumerate(work, start=1):
        if answer.status_code in (401, 403) and not await mine.may():
            word = f"numbat{rng.randrange(10**6)}"
            mine = await another(client, word)
            await mine.live()
            drawn = Drawn(rng, mine, theirs, schema, tools)
        elif number % 100 == 0:
            await mine.live()  # for what it had is deleted, by and by
        address, given = drawn.request(method, path, honest=honest)
        answer = await mine.ask(method, address, **given)
        assert answer.status_code < 500 or answer.status_code == 501, (method, address, given, answer.text)
        body = answer.text
        for letter in "abcdefghijk":
            assert theirs.word + letter not in body, (method, address, given, body)
        leaked = [each for each in drawn.kept_back if each in body]
        assert leaked == [] or path == "/v1/import", (method, address, given, leaked, body)
    return asked


# What takes a code that nobody has, an export of one's own project, and an alias that somebody goes by.
SELDOM = {("POST", "/v1/setup"), ("POST", "/v1/import"), ("POST", "/v1/entities/split")}


@pytest.mark.behaviour("S3")
@pytest.mark.parametrize(
    ("attacker", "times"),
    [
        ("first", 3),
        pytest.param("first", 12, marks=pytest.mark.slow),
        pytest.param("second", 6, marks=pytest.mark.slow),
    ],
)
async def test_no_route_shows_or_changes_anything_of_another_tenant(served, tmp_path, attacker, times):
    async with both(served, attacker, tmp_path) as (mine, theirs):
        asked = await fuzz(served, mine, theirs, f"{attacker} 1", times)
    answered = counted(served)
    assert [each for each in asked if each not in answered] == [], "a route was never reached"
    assert len(asked) > 100
    misread = [each for each in asked if answered[each] <= {400, 401, 405, 415, 422}]
    assert set(misread) <= SELDOM, "what is not understood proves nothing"


@pytest.mark.behaviour("S3")
async def test_a_stream_of_events_is_of_the_callers_tenant_alone(served, tmp_path):
    """Also where it is asked for from long ago, or from behind an event of the other's."""
    async with both(served, "second", tmp_path) as (mine, theirs):
        changes = await theirs.told("GET", "/v1/changes", params={"user_id": "alice", "since": "2025-01-01"})
        place = changes["results"][0]["id"]  # the first one of theirs
        for headers in ([], [(b"last-event-id", place.encode())], [(b"x-project-id", theirs.project.encode())]):
            came = await streamed(mine, headers)
            assert f"{mine.word}d note 3" in came
            assert theirs.word not in came


async def streamed(tenant, headers):
    """What a stream from long ago tells, up to the last thing that its tenant did."""
    parts, whole = [], asyncio.Event()

    async def send(message):
        parts.append(message.get("body", b"").decode())
        if f"{tenant.word}e note" in parts[-1]:
            whole.set()

    async def receive():
        await asyncio.Event().wait()

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": STREAM, "raw_path": STREAM.encode(), "root_path": "", "query_string": b"since=2025-01-01&user_id=alice",
        "client": ("127.0.0.1", 1), "server": ("localhost", 80),
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {tenant.secret}".encode()), *headers],
    }  # fmt: skip
    task = asyncio.create_task(tenant.client.app(scope, receive, send))
    await asyncio.wait_for(whole.wait(), 30)
    task.cancel()
    await asyncio.wait([task])
    return "".join(parts)


@pytest.mark.behaviour("S3")
async def test_who_has_nothing_is_told_of_nothing(served, tmp_path):
    """Nothing of others is counted either: every listing of a new tenant is empty, and every sum is nought."""
    async with both(served, "second", tmp_path) as _:
        new = await another(served, "bilby")
        who = {"user_id": "alice"}
        for path in ("/v1/memories", "/v1/messages", "/v1/events", "/v1/entities"):
            told = await new.told("GET", path, params=who)
            assert (told["results"], told.get("total", 0), told["next_cursor"]) == ([], 0, None), path
        stats = await new.told("GET", "/v1/stats")
        assert {stats[name] for name in ("memories", "episodes", "pending", "failed", "owners")} == {0}
        found = await new.told("POST", "/v1/memories/search", json={"query": "bees", "threshold": 0, **who})
        assert found["results"] == []
        listed = await new.told("POST", "/mem0/v3/memories/", json={"filters": {"user_id": "*"}})
        assert (listed["results"], listed["count"]) == ([], 0)
        sums = await new.told("GET", "/mem0/v1/stats/")
        assert {value for name, value in sums.items() if name.startswith("total_")} == {0}
        assert (await new.told("GET", "/v1/webhooks"))["results"] == []
        assert [each["id"] for each in (await new.told("GET", "/v1/projects"))["results"]] == [new.project]
        for path in ("memories", "memories/erase"):
            method = "DELETE" if path == "memories" else "POST"
            given = {"params": who} if method == "DELETE" else {"json": who}
            assert (await new.ask(method, f"/v1/{path}", **given)).status_code == 200
        assert (await new.told("POST", "/v1/reset", json={"everything": True}))["message"]
