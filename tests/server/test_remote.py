"""A memory on a server is used as one that is here: the same methods, arguments, results and errors."""

import asyncio
import inspect
import json
import re
import subprocess
import sys
from datetime import UTC, date, datetime

import httpx2
import pytest
from asgi import key_of, serving

import mnemic
from mnemic import (
    AsyncMemory,
    AsyncRemoteMemory,
    Closed,
    Forbidden,
    InvalidConfig,
    InvalidInput,
    InvalidScope,
    Memory,
    MissingDependency,
    ModelError,
    NotFound,
    RemoteMemory,
    StoreError,
    StoreUnavailable,
    TooManyRequests,
    Unauthorized,
    Unsupported,
)
from mnemic import remote as module
from mnemic.remote import ROUTES, UNSUPPORTED
from served import served

ALICE = {"user_id": "alice"}
BY_HAND = {"export", "import_export"}  # whose bodies are files
HERE_ONLY = {"open", "close", "scope"}


class Disturbed(httpx2.ASGITransport):
    """The way to the application, on which something happens to the first requests: what `events` say, one by one.

    An event is an answer, an error in place of the answer, or an error's class: then the request arrives first.
    """

    def __init__(self, app, *events):
        super().__init__(app=app)
        self._events = list(events)
        self.sent = []

    async def handle_async_request(self, request):
        self.sent.append(request)
        event = self._events.pop(0) if self._events else None
        if isinstance(event, Exception):
            raise event
        if isinstance(event, httpx2.Response):
            return event
        answer = await super().handle_async_request(request)
        if event is not None:
            raise event("the connection broke")
        return answer


def remote(client, *events, key=None, **options):
    transport = Disturbed(client.app, *events)
    made = AsyncRemoteMemory(
        "http://localhost", api_key=key or client.secret, client=httpx2.AsyncClient(transport=transport), **options
    )
    made.sent = transport.sent
    return made


def problem(status, code, detail="no", **headers):
    body = {"status": status, "code": code, "detail": detail}
    return httpx2.Response(
        status, json=body, headers={"Content-Type": "application/problem+json", **headers}, stream=None
    )


@pytest.fixture
def at_once(monkeypatch):
    """Repetitions follow one another without a pause."""
    monkeypatch.setattr(module, "_PAUSES", (0.0, 0.0, 0.0))


# The same methods.


@pytest.mark.parametrize(("there", "here"), [(AsyncRemoteMemory, AsyncMemory), (RemoteMemory, Memory)])
def test_the_remote_memory_has_the_methods_of_the_local_one_with_the_same_arguments(there, here):
    assert issubclass(there, here)
    for name, method in inspect.getmembers(here, callable):
        if not name.startswith("_") and name not in UNSUPPORTED:
            assert inspect.signature(getattr(there, name)) == inspect.signature(method), name


def test_every_method_is_a_request_or_is_said_to_be_none():
    methods = {name for name, each in inspect.getmembers(AsyncMemory) if not name.startswith("_")}
    known = ROUTES.keys() | UNSUPPORTED.keys() | BY_HAND | HERE_ONLY | {"address"}
    assert methods == known
    assert not ROUTES.keys() & UNSUPPORTED.keys()


async def test_the_server_knows_every_path_and_every_argument(client):
    document = client.app.openapi()
    paths = {re.sub(r"{\w+}", "{}", path): operations for path, operations in document["paths"].items()}
    for name, route in ROUTES.items():
        operation = paths[re.sub(r"{\w+}", "{}", route.path)][route.verb.lower()]
        assert operation["operationId"] == name
        taken = {each["name"] for each in operation.get("parameters", [])}
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if body is not None:
            taken |= document["components"]["schemas"][body["$ref"].rpartition("/")[2]]["properties"].keys()
        arguments = {*inspect.signature(getattr(AsyncMemory, name)).parameters} | route.always.keys()
        assert arguments - {"self", *re.findall(r"{(\w+)}", route.path)} <= taken, name


async def test_what_a_server_has_not_says_where_it_is_done(client):
    memory = remote(client)
    for name in ("backup", "restore", "reindex", "listen", "untold", "told"):
        with pytest.raises(Unsupported, match=f"has no {name}: "):
            await getattr(memory, name)("x")
    for use in (lambda: memory.within("other"), lambda: memory.project, lambda: RemoteMemory.from_config({})):
        with pytest.raises(Unsupported):
            use()
    assert memory.sent == []


# The same arguments, results and errors.


async def test_times_dates_and_ids_mean_what_they_mean_in_the_library(client, memory):
    there = remote(client)
    at, day = datetime(2025, 3, 14, 9, 30), date(2030, 1, 1)  # noqa: DTZ001 - without a zone it is UTC
    for each, whose in ((memory, 7), (there, 8)):
        added = await each.add(
            ({"role": "user", "content": "I live in Taipei.", "at": at, "metadata": {"on": day}},),
            user_id=whose, expiration_date=day, categories=("home",),
        )  # fmt: skip
        assert [item["event"] for item in added["results"]] == ["ADD"]
        await each.remember("Plays chess", user_id=whose, at=1_741_944_600, external_id="mine")
        again = await each.remember("Plays chess", user_id=whose, external_id="mine")
        assert [item["state"] for item in again["receipt"]["messages"]] == ["duplicate"]
    shown = [
        [
            {
                key: item[key]
                for key in ("memory", "said_at", "expiration_date", "metadata", "categories")
                if key in item
            }
            for item in (await each.get_all(user_id=whose, as_of=datetime(2025, 6, 1, tzinfo=UTC)))["results"]
        ]
        for each, whose in ((memory, 7), (there, "8"))
    ]
    assert shown[0] == shown[1]
    assert len(shown[0]) == 2


async def test_facts_that_a_model_found_and_a_time_put_right_arrive(client):
    there = remote(client)
    fact = {"text": "The user lives in Taipei.", "quote": "live in Taipei", "subject": "user", "attribute": "home"}
    made = (await there.add("I live in Taipei these days.", facts=(fact,), **ALICE))["results"]
    assert [each["memory"] for each in made] == ["The user lives in Taipei."]
    await there.update(made[0]["id"], timestamp=date(2025, 3, 14))
    assert (await there.get(made[0]["id"]))["said_at"].startswith("2025-03-14T00:00")
    wanted = {"properties": {"home": {"type": "string"}}}
    assert (await there.fill(wanted, **ALICE)) == (await there.fill(json.dumps(wanted), **ALICE))


async def test_an_expiration_date_goes_and_a_rating_is_taken_back(client):
    there = remote(client)
    made = (await there.remember("Plays chess", expiration_date="2030-01-01", **ALICE))["results"][0]["id"]
    await there.update(made, metadata={"level": 2})
    assert (await there.get(made))["expiration_date"] == "2030-01-01"
    await there.update(made, expiration_date=None)
    assert (await there.get(made))["expiration_date"] is None
    assert (await there.feedback(made, "very_negative", "wrong"))["rating"] < 0
    assert (await there.feedback(made)) == {"id": made, "feedback": None, "reason": None, "rating": 0}


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("add", {"messages": "x"}), ("add", {"messages": [], **ALICE}), ("add", {"messages": "x\x00", **ALICE}),
        ("add", {"messages": "x", "metadata": {"x": float("nan")}, **ALICE}), ("add", {"messages": "x", "at": "soon", **ALICE}),
        ("add", {"messages": "x", "wait": "long", **ALICE}), ("remember", {"text": "\ud800", **ALICE}),
        ("search", {"query": 3, **ALICE}), ("search", {"query": "x", "user_id": ""}), ("search", {"query": "x", "top_k": 0, **ALICE}),
        ("search", {"query": "x", "limit": 1, "top_k": 1, **ALICE}), ("search", {"query": "x", "filters": {"a": {"like": "b"}}, **ALICE}),
        ("search", {"query": "x", "filters": {"user_id": "bob"}, **ALICE}), ("get_all", {"order": "best", **ALICE}),
        ("get_all", {"cursor": "that one", **ALICE}), ("context", {"query": "x", "format": "pdf", **ALICE}),
        ("get", {"memory_id": "no such id / at all"}), ("get", {"memory_id": ""}), ("get", {"memory_id": "x" * 500}),
        ("update", {"memory_id": "x"}), ("delete", {"memory_id": "00000000-0000-8000-8000-000000000000"}),
        ("history", {"memory_id": "../stats"}), ("undo", {"change_id": "?x=1"}), ("event", {"change_id": "%2e%2e"}),
        ("feedback", {"memory_id": "x", "feedback": "good"}), ("pin", {"memory_id": "x", "pinned": "yes"}),
        ("retry", {"episode_id": "x"}), ("delete_all", {}), ("erase", {}), ("profile", {"user_id": "a b"}),
        ("timeline", {"attribute": " ", **ALICE}), ("changes", {"since": True, **ALICE}), ("messages", {"state": "odd", **ALICE}),
        ("related", {"entity": "Zoe", **ALICE}), ("related", {"entity": "Zoe", "hops": 9, **ALICE}), ("fill", {"schema": "{", **ALICE}),
        ("consolidate", {"only": ["x"], "dry_run": False, **ALICE}), ("import_memories", {"memories": "x"}),
        ("wait_for_pending", {"seconds": -1, **ALICE}), ("export", {"path": ""}), ("import_export", {"path": "there/is/none"}),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_is_refused_in_the_words_of_the_library(client, memory, method, arguments):
    told = []
    for each in (memory, remote(client)):
        with pytest.raises(mnemic.MnemicError) as caught:
            await getattr(each, method)(**arguments)
        told.append((type(caught.value), str(caught.value), getattr(caught.value, "id", None)))
    assert told[0] == told[1]
    assert (await memory.stats())["episodes"] == 0


async def test_an_argument_that_there_is_not_is_a_type_error_and_nothing_is_sent(client):
    there = remote(client)
    with pytest.raises(TypeError, match="topk"):
        await there.search("x", topk=3, **ALICE)
    assert there.sent == []


async def test_a_server_asks_whose_memories_a_search_is_about(client):
    with pytest.raises(InvalidScope, match="user_id"):
        await remote(client).search("x")


async def test_a_page_larger_than_the_servers_is_its_largest(client):
    there = remote(client)
    await there.remember("Plays chess", **ALICE)
    assert len((await there.get_all(limit=10**9, **ALICE))["results"]) == 1
    assert len((await there.events(limit=1000, **ALICE))["results"]) == 1
    assert await there.wait_for_pending(0, **ALICE) is None


# Bound ids.


async def test_bound_ids_hold_for_every_method_as_they_do_here(client):
    there = remote(client)
    mine = (await there.remember("Plays chess", **ALICE))["results"][0]["id"]
    ann, bob = there.scope(user_id="alice"), there.scope(user_id="bob", run_id="r 1".replace(" ", "é"))
    made = await bob.remember("Likes tea")
    assert [each["memory"] for each in (await ann.search("chess", threshold=0))["results"]] == ["Plays chess"]
    assert [each["memory"] for each in (await bob.get_all())["results"]] == ["Likes tea"]
    assert (await ann.get(mine))["memory"] == "Plays chess"
    for call in (
        bob.get(mine), bob.update(mine, "x"), bob.delete(mine), bob.forget(mine), bob.history(mine), bob.pin(mine),
        bob.feedback(mine, "POSITIVE"), ann.undo(made["receipt"]["change_id"]), ann.event(made["receipt"]["change_id"]),
    ):  # fmt: skip
        with pytest.raises(NotFound):
            await call
    with pytest.raises(InvalidScope, match="contradicts the bound"):
        await bob.search("x", user_id="alice")
    with pytest.raises(InvalidScope, match=r"scope\(\)"):
        there.scope()
    assert (await there.get(mine))["version"] == 1


@pytest.mark.parametrize(
    "header", ["", "user_id", "project=other", "user_id=a&user_id=b&x=1", "user_id=%20", "user_id=*"]
)
async def test_a_scope_that_means_nothing_is_refused_and_widens_nothing(client, header):
    answer = await client.get("/v1/memories", params=ALICE, headers={"Mnemic-Scope": header})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidScope")


# Keys, limits and what goes wrong on the way.


async def test_keys_that_are_not_known_and_may_not_are_told_apart(client):
    with pytest.raises(Unauthorized, match="does not know this API key"):
        await remote(client, key="mn-other").search("x", **ALICE)
    nobody = AsyncRemoteMemory("http://localhost", client=httpx2.AsyncClient(transport=Disturbed(client.app)))
    with pytest.raises(Unauthorized, match="asks for an API key; pass api_key"):
        await nobody.search("x", **ALICE)
    reads = remote(client, key=(await key_of(client, "read"))["Authorization"].split()[1])
    assert (await reads.search("x", **ALICE))["results"] == []
    with pytest.raises(Forbidden, match="may not write"):
        await reads.remember("Plays chess", **ALICE)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("lost", [httpx2.ReadError, httpx2.RemoteProtocolError])
async def test_a_write_whose_answer_was_lost_has_one_effect(client, lost):
    there = remote(client, lost, lost)
    added = await there.add("I live in Taipei.", **ALICE)
    assert [each["memory"] for each in added["results"]] == ["I live in Taipei."]
    assert len({request.headers["Idempotency-Key"] for request in there.sent}) == 1
    assert len(there.sent) == 3
    assert (await there.stats(**ALICE))["episodes"] == 1
    one = added["results"][0]["id"]
    again = remote(client, lost)
    assert (await again.feedback(one, "POSITIVE"))["rating"] == 1
    assert (await there.get(one))["rating"] == 1
    gone = remote(client, lost)
    assert (await gone.delete(one))["id"] == one


@pytest.mark.usefixtures("at_once")
async def test_two_writes_of_the_same_words_are_two(client):
    there = remote(client)
    for _ in range(2):
        await there.add("I live in Taipei.", **ALICE)
    assert len({request.headers["Idempotency-Key"] for request in there.sent}) == 2
    assert (await there.stats(**ALICE))["episodes"] == 2


@pytest.mark.usefixtures("at_once")
async def test_a_server_that_is_busy_is_asked_again(client):
    busy = [problem(429, "TooManyRequests", **{"Retry-After": "0"}), problem(503, "StoreBusy"), httpx2.Response(502)]
    there = remote(client, *busy)
    assert (await there.search("x", **ALICE))["results"] == []
    assert len(there.sent) == 4


@pytest.mark.usefixtures("at_once")
async def test_patience_ends(client):
    there = remote(client, *(problem(429, "TooManyRequests", "more than 10") for _ in range(9)))
    with pytest.raises(TooManyRequests, match="more than 10"):
        await there.search("x", **ALICE)
    assert len(there.sent) == 4
    there = remote(client, problem(429, "TooManyRequests", "try again in 3600 s", **{"Retry-After": "3600"}))
    with pytest.raises(TooManyRequests, match="3600"):
        await there.search("x", **ALICE)
    assert len(there.sent) == 1


async def test_a_limit_of_the_server_is_told_when_it_lasts(memory):
    async with serving(memory, key_limit="2/hour") as client:
        there = remote(client)
        for _ in range(2):
            await there.stats()
        with pytest.raises(TooManyRequests, match="2 per 1 hour"):
            await there.stats()


@pytest.mark.usefixtures("at_once")
async def test_errors_of_the_server_are_those_of_the_library(client):
    for answer, wanted in (
        (problem(502, "ModelError", "the model failed"), ModelError),
        (problem(507, "StoreFull", "no room"), mnemic.StoreFull),
        (problem(409, "Conflict", "undone before"), mnemic.Conflict),
        (problem(501, "MissingDependency", "pip install"), MissingDependency),
        (problem(413, "ContentTooLarge", "larger"), InvalidInput),
        (problem(500, "InternalServerError", "a defect"), StoreError),
        (problem(400, "InvalidFilter", "no such operator"), mnemic.InvalidFilter),
    ):
        with pytest.raises(wanted, match=json.loads(answer.content)["detail"]) as caught:
            await remote(client, answer).search("x", **ALICE)
        assert type(caught.value) is wanted


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>"), httpx2.Response(404, text="<html>"), httpx2.Response(302),
        httpx2.Response(401, json={"detail": "no"}),
    ],
    ids=["page", "nothing", "elsewhere", "other"],
)  # fmt: skip
async def test_what_answers_and_is_no_server_of_ours_is_not_taken_for_one(client, answer):
    with pytest.raises(StoreUnavailable, match="which is not what a Mnemic server says"):
        await remote(client, answer).search("x", **ALICE)


async def test_a_path_that_the_server_has_not_is_no_record_that_is_missing(client):
    with pytest.raises(Unsupported, match="another release"):
        await remote(client, problem(404, "NotFound", "Not Found")).get("x")


@pytest.mark.usefixtures("at_once")
async def test_a_server_that_is_not_there_is_an_error_of_the_store():
    async with AsyncRemoteMemory("http://127.0.0.1:9", api_key="mn-x") as memory:
        with pytest.raises(StoreUnavailable, match=r"http://127.0.0.1:9 does not answer .*mnemic serve"):
            await memory.search("x", **ALICE)


async def test_a_server_that_takes_too_long_is_asked_once(client):
    there = remote(client, httpx2.ReadTimeout("too long"), timeout=1)
    with pytest.raises(StoreUnavailable, match="too long"):
        await there.add("x", **ALICE)
    assert len(there.sent) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"url": None}, {"url": "localhost:8000"}, {"url": "ftp://x"}, {"url": "http://"}, {"url": "http://ann:pw@x"},
        {"url": "http://x?key=1"}, {"url": "http://x:99999"}, {"url": 8000}, {"url": "http://x", "api_key": "a\nb"},
        {"url": "http://x", "api_key": "鑰匙"}, {"url": "http://x", "timeout": 0}, {"url": "http://x", "timeout": "long"},
    ],
)  # fmt: skip
def test_settings_that_mean_nothing_are_refused(options):
    with pytest.raises(InvalidConfig):
        RemoteMemory(**options)


async def test_url_and_key_come_from_the_environment(client, monkeypatch):
    monkeypatch.setenv("MNEMIC_SERVER", "http://localhost/")
    monkeypatch.setenv("MNEMIC_API_KEY", client.secret)
    transport = Disturbed(client.app)
    memory = AsyncRemoteMemory(client=httpx2.AsyncClient(transport=transport))
    assert memory.address == "http://localhost"
    assert (await memory.search("x", **ALICE))["results"] == []


async def test_closed_is_closed_and_a_client_of_ones_own_stays_open(client):
    own = httpx2.AsyncClient(transport=Disturbed(client.app))
    async with AsyncRemoteMemory("http://localhost", api_key=client.secret, client=own) as memory:
        view = memory.scope(**ALICE)
    await memory.close()
    for each in (memory, view):
        with pytest.raises(Closed):
            await each.search("x", **ALICE)
    assert not own.is_closed


def test_without_its_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(MissingDependency, match=r'pip install "mnemic\[remote\]"'):
        RemoteMemory("http://localhost")


def test_importing_loads_no_http_client():
    script = "import sys, mnemic; mnemic.RemoteMemory; print([n for n in ('httpx2', 'httpx') if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


# Exports.


@pytest.mark.behaviour("S6")
@pytest.mark.parametrize("name", ["all.jsonl", "all.jsonl.gz"])
async def test_an_export_comes_here_and_goes_there_whole(client, memory, tmp_path, name, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST_PART", 4_000)  # in many parts
    there, steps = remote(client), []
    for number in range(12):
        await there.remember(f"Plays chess on board {number}", user_id=f"u{number % 3}")
    made = await there.export(tmp_path / name, progress=lambda *each: steps.append(each))
    own = await memory.export(tmp_path / "own.jsonl")
    assert {**made, "path": "", "bytes": 0} == {**own, "path": "", "bytes": 0}
    assert steps[-1][0] == steps[-1][1] > 12
    with pytest.raises(InvalidInput, match="is there already"):
        await there.export(tmp_path / name)
    async with AsyncMemory(str(tmp_path / "other.db")) as other, serving(other) as second:
        elsewhere, steps = remote(second), []
        told = await elsewhere.import_export(tmp_path / name, progress=lambda *each: steps.append(each))
        assert {key: told[key] for key in ("versions", "messages", "embedded", "already_stored")} == {
            "versions": 12, "messages": 12, "embedded": 0, "already_stored": 0,
        }  # fmt: skip
        assert len(elsewhere.sent) > 3
        assert steps[-1][0] == steps[-1][1]
        again = await elsewhere.import_export(tmp_path / name)
        assert (again["versions"], again["already_stored"]) == (0, steps[-1][1])
        pages = [[each["memory"] for each in (await m.get_all(user_id="u1"))["results"]] for m in (memory, other)]
        assert pages[0] == pages[1]


async def test_an_export_of_somebody_is_of_nobody_else(client, tmp_path):
    there = remote(client)
    await there.remember("Plays chess", **ALICE)
    await there.remember("Likes tea", user_id="bob")
    assert (await there.scope(**ALICE).export(tmp_path / "a.jsonl"))["versions"] == 1
    assert "tea" not in (tmp_path / "a.jsonl").read_text()


async def test_an_export_that_is_cut_leaves_no_file(client, tmp_path):
    there = remote(client)
    await there.remember("Plays chess", **ALICE)
    await there.export(tmp_path / "whole.jsonl")
    cut = (tmp_path / "whole.jsonl").read_bytes()[:-15]
    with pytest.raises(StoreUnavailable, match="cut off"):
        await remote(client, httpx2.Response(200, content=cut)).export(tmp_path / "cut.jsonl")
    assert sorted(each.name for each in tmp_path.glob("*.jsonl*")) == ["whole.jsonl"]


async def test_a_damaged_export_is_refused_before_anything_is_sent(client, tmp_path):
    there = remote(client)
    (tmp_path / "odd.jsonl").write_text("{}\n")
    with pytest.raises(InvalidInput, match="nothing of it was taken"):
        await there.import_export(tmp_path / "odd.jsonl")
    assert there.sent == []


async def test_an_export_of_another_project_is_refused_without_a_word_of_the_servers_folders(client, tmp_path):
    async with AsyncMemory(":memory:", project="other") as other:
        await other.remember("Plays chess", **ALICE)
        await other.export(tmp_path / "other.jsonl")
    with pytest.raises(InvalidInput, match=r"^the export holds memories of the project 'other'"):
        await remote(client).import_export(tmp_path / "other.jsonl")


# Over a real connection.


def test_code_that_does_not_await_uses_it_from_many_threads(tmp_path):
    with served(tmp_path / "m.db") as server, RemoteMemory(server.url, api_key=server.key) as memory:
        added = memory.add("我住在台北。", user_id="美玲")
        assert added["results"][0]["memory"] == "我住在台北。"
        with memory.scope(user_id="美玲") as mine:
            assert mine.search("住在哪裡？")["results"][0]["id"] == added["results"][0]["id"]
        assert isinstance(memory, Memory)


async def test_many_at_once_share_one_client(tmp_path):
    with served(tmp_path / "m.db") as server:
        async with AsyncRemoteMemory(server.url, api_key=server.key) as memory:
            await asyncio.gather(*(memory.remember(f"Likes tea {n}", **ALICE) for n in range(20)))
            assert (await memory.get_all(**ALICE))["total"] == 20
