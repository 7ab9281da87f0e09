"""Moving from mem0: a folder that mem0ai 2.2.1 made (tests/data/mem0), a table as it makes them, and its servers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pickle
import shutil
import sqlite3
import sys
import threading
import types
import uuid
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from typer.testing import CliRunner

from mnemic import Memory, importers_mem0
from mnemic.cli.importing_mem0 import Moved, store
from mnemic.cli.main import app
from mnemic.errors import InvalidConfig, InvalidInput, StoreError

MADE = Path(__file__).parents[1] / "data" / "mem0" / "store"
CAT = "我住在台南,養了一隻叫豆豆的貓。"
TRADE = "Ana builds accordions for a living."


def cli(*args):
    return CliRunner().invoke(app, [str(each) for each in args], catch_exceptions=False)


def moved(*args, exit_code=0):
    result = cli("import", *args, "--json")
    assert result.exit_code == exit_code, result.stderr
    return json.loads(result.stdout)


def refused(*args, exit_code):
    result = cli("import", *args)
    assert result.exit_code == exit_code, result.stdout
    assert result.stdout == ""
    return result.stderr


@pytest.fixture
def made(tmp_path):
    """A copy of the folder, to be harmed."""
    return Path(shutil.copytree(MADE, tmp_path / "mem0"))


def items_of(opened):
    with opened as source:
        return list(source.items)


def points(file, *rows):
    with closing(sqlite3.connect(file)) as db:
        db.executemany("INSERT INTO points VALUES (?, ?)", rows)
        db.commit()


# A folder.


def test_a_folder_comes_over_with_words_people_times_and_metadata():
    done = moved("--from", "mem0", MADE, exit_code=2)
    assert (done["memories"], done["added"], done["repeated"], done["empty"], done["deleted_there"]) == (10, 7, 1, 1, 1)
    (guest,) = done["refused"]
    assert "user_id must be at most 256 characters without spaces, quotes" in guest["reason"]
    with Memory() as memory:
        every = {each["memory"]: each for each in memory.get_all()["results"]}
        rows = [each for each in items_of(importers_mem0.opened_folder(MADE)) if each["memory"].strip()]
        there = {each["memory"]: each for each in reversed(rows)}  # of two with the same words the first
        assert set(every) == set(there) - {"A guest with a quote in the name."}
        for text, here in every.items():
            source = there[text]
            assert (here["origin"], here["kind"]) == ("imported", "fact")
            assert {name: here[name] for name in ("user_id", "agent_id", "actor_id")} == {
                name: source.get(name) for name in ("user_id", "agent_id", "actor_id")
            }
            assert (here["created_at"], here["updated_at"]) == (source["created_at"], source["updated_at"])
        assert every["Assistant advised planting beans first"]["attributed_to"] == "assistant"
        assert every["User moved to Porto"]["metadata"] == {
            "channel": "phone", "tags": ["farm", "家"], "mem0_id": there["User moved to Porto"]["id"]
        }  # fmt: skip
        assert every["我對花生過敏。"]["expiration_date"] == "2031-05-01"
        train = every["The night train leaves at nine."]
        assert (train["agent_id"], train["run_id"], train["user_id"]) == ("planner", "r9", None)
        odd = {name: train["metadata"][name] for name in ("since", "day", "case")}
        assert odd == {
            "since": "2024-02-03T04:05:00Z", "day": "2024-02-03", "case": "00000000-0000-0000-0000-000000000007"
        }  # fmt: skip
        found = memory.search("有什麼東西不能吃?", user_id="mei", threshold=0)["results"]
        assert "我對花生過敏。" in [each["memory"] for each in found]
        assert memory.verify()["ok"]


def test_former_texts_come_over_with_the_moments_from_which_they_held():
    moved("--from", "mem0", MADE, "--user", "ana")
    with Memory() as memory:
        (trade,) = [each for each in memory.get_all(user_id="ana")["results"] if each["memory"] == TRADE]
        lines = memory.history(trade["id"])
        assert [(each["event"], each["new_memory"]) for each in lines] == [
            ("ADD", "Ana repairs accordions for a living."),
            ("UPDATE", "Ana repairs and tunes accordions for a living."),
            ("UPDATE", TRADE),
        ]
        with closing(sqlite3.connect(MADE / "history.db")) as db:
            told = db.execute(
                "SELECT coalesce(updated_at, created_at) FROM history WHERE memory_id = ? AND old_memory IS NOT new_memory",
                [trade["metadata"]["mem0_id"]],
            ).fetchall()
        assert [each["created_at"] for each in lines] == sorted(moment for (moment,) in told)
        then = memory.get_all(user_id="ana", known_at=lines[1]["created_at"])["results"]
        assert "Ana repairs and tunes accordions for a living." in [each["memory"] for each in then]
        assert {each["actor"] for each in lines} == {"mem0"}


def test_the_same_words_in_two_sessions_are_one_memory_of_both_with_two_sources():
    moved("--from", "mem0", MADE, "--user", "mei")
    with Memory() as memory:
        (cat,) = [each for each in memory.get_all(user_id="mei")["results"] if each["memory"] == CAT]
        assert (len(cat["sources"]), cat["metadata"]["語言"]) == (2, "中文")
        for run in ("r1", "r2"):
            assert [each["id"] for each in memory.get_all(user_id="mei", run_id=run)["results"]] == [cat["id"]]


def test_a_second_time_adds_nothing_not_even_what_was_deleted_here():
    first = moved("--from", "mem0", MADE, exit_code=2)
    with Memory() as memory:
        before = memory.get_all()["total"]
        memory.delete(memory.get_all(user_id="ana")["results"][0]["id"])
    again = moved("--from", "mem0", MADE, exit_code=2)
    assert (again["added"], again["repeated"], again["already_stored"]) == (0, 0, first["added"] + first["repeated"])
    with Memory() as memory:
        assert memory.get_all()["total"] == before - 1


def test_what_was_stopped_in_the_middle_goes_on(monkeypatch):
    monkeypatch.setattr("mnemic.cli.importing_mem0.CHUNK", 3)
    with importers_mem0.opened_folder(MADE) as source, Memory() as memory:
        steps = store(memory, source.items, Moved())
        assert next(steps) == 3  # and no further
        steps.close()
    done = moved("--from", "mem0", MADE, exit_code=2)
    assert (done["already_stored"], done["added"] + done["repeated"]) == (3, 5)


def test_one_user_can_be_brought_alone():
    done = moved("--from", "mem0", MADE, "--user", "mei")
    assert (done["memories"], done["left_out"], done["owners"]) == (3, 7, 1)
    with Memory() as memory:
        assert {each["user_id"] for each in memory.get_all()["results"]} == {"mei"}


def test_a_dry_run_says_what_the_import_then_does():
    plan = moved("--from", "mem0", MADE, "--dry-run", exit_code=2)
    with Memory() as memory:
        assert memory.get_all()["total"] == 0
    done = moved("--from", "mem0", MADE, exit_code=2)
    for name in ("memories", "owners", "empty", "left_out", "deleted_there", "former_texts"):
        assert plan[name] == done[name], name
    assert [each["id"] for each in plan["refused"]] == [each["id"] for each in done["refused"]]
    said = cli("import", "--from", "mem0", MADE, "--dry-run").stdout
    assert "8 memories with 2 former texts of 3 owners would be imported; nothing was" in said
    assert "1 have no text" in said
    assert "1 were deleted in mem0 and stay behind" in said


def test_an_import_can_be_undone():
    with Memory() as memory:
        done = memory.import_memories(items_of(importers_mem0.opened_folder(MADE)))
        assert memory.get_all()["total"] == done["added"] == 7
        for change in done["change_ids"]:
            memory.undo(change)
        assert memory.get_all()["total"] == 0
        assert memory.verify()["ok"]


def test_the_folder_is_only_read(made):
    def state():
        return {
            file.relative_to(made): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in made.rglob("*")
            if file.is_file()
        }

    before = state()
    moved("--from", "mem0", made, exit_code=2)
    assert state() == before


class Attack:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.fixture
def point(monkeypatch):
    """Makes points as Qdrant's client pickles them, under a shorter name of their class."""
    module = types.ModuleType("qdrant_client")
    module.PointStruct = type("PointStruct", (), {"__module__": module.__name__})
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def one(own, **payload):
        made = module.PointStruct()
        made.__dict__ |= {"id": own, "vector": [1.0], "payload": payload}
        return pickle.dumps(made)

    return one


def test_a_pickle_that_would_run_something_runs_nothing(made, tmp_path, point):
    mark = tmp_path / "attacked"
    rows = [
        ("a", pickle.dumps(Attack(mark))),
        ("b", point("2", data="Ana sails.", user_id="ana", trap=Attack(mark))),
        ("c", b"\x80\x04 no pickle"),
        ("d", b""),
        ("e", point("5", data="Ana paints.", user_id="ana")),
        ("f", point("5", data="Ana draws.", user_id="ana")),
    ]
    points(made / "qdrant" / "collection" / "mem0" / "storage.sqlite", *rows)
    done = moved("--from", "mem0", made, exit_code=2)
    assert not mark.exists()
    assert {each["id"]: each["reason"].split(":")[0] for each in done["refused"][:4]} == dict.fromkeys(
        "dcba", "the point cannot be read"
    )
    assert done["added"] == 8
    with Memory() as memory:  # of two rows of one point the later counts
        assert "Ana draws." in [each["memory"] for each in memory.get_all(user_id="ana")["results"]]


def test_times_in_the_metadata_of_a_point_are_kept_as_text(made, point):
    told = point("5", data="Ana paints.", user_id="ana", since=datetime(2024, 2, 3, tzinfo=UTC), by=uuid.UUID(int=7))
    points(made / "qdrant" / "collection" / "mem0" / "storage.sqlite", ("e", told))
    (item,) = [each for each in items_of(importers_mem0.opened_folder(made)) if each["id"] == "5"]
    assert item["metadata"] == {"since": "2024-02-03T00:00:00+00:00", "by": str(uuid.UUID(int=7))}


def test_without_a_history_the_texts_of_now_come_and_it_is_said(made):
    (made / "history.db").unlink()
    done = moved("--from", "mem0", made, "--user", "ana")
    assert (done["added"], done["former_texts"]) == (4, 0)
    assert "--history" in done["notes"][0]
    with Memory() as memory:
        assert TRADE in [each["memory"] for each in memory.get_all(user_id="ana")["results"]]


def test_a_history_may_lie_elsewhere(made, tmp_path):
    elsewhere = shutil.move(made / "history.db", tmp_path / "changes of mind.db")
    assert moved("--from", "mem0", made, "--history", elsewhere, "--user", "ana")["former_texts"] == 2


def test_the_collection_can_be_named_and_must_be_where_there_are_several(made):
    folder = made / "qdrant" / "collection"
    (folder / "mem0").rename(folder / "work")
    assert moved("--from", "mem0", made, "--user", "mei")["added"] == 2  # the only one that holds memories
    shutil.copytree(folder / "work", folder / "home")
    assert "home, work" in refused("--from", "mem0", made, exit_code=2)
    assert moved("--from", "mem0", made, "--collection", "home", "--user", "mei")["already_stored"] == 3
    assert "no collection 'mem0'" in refused("--from", "mem0", made, "--collection", "mem0", exit_code=2)


def test_a_wrong_place_is_said_plainly(made, tmp_path):
    assert "there is no folder" in refused("--from", "mem0", tmp_path / "nowhere", exit_code=2)
    assert "is no folder of mem0's" in refused("--from", "mem0", tmp_path, exit_code=2)
    assert "needs one place" in refused("--from", "mem0", exit_code=2)
    assert "--from knows mem0" in refused("--from", "mem1", made, exit_code=2)
    assert "no history database" in refused("--from", "mem0", made, "--history", tmp_path / "x", exit_code=2)
    assert "cannot be read" in refused("--from", "mem0", made, "--history", __file__, exit_code=2)
    (made / "qdrant" / "collection" / "mem0" / "storage.sqlite").write_bytes(b"not a database, but long enough" * 99)
    assert "cannot be read" in refused("--from", "mem0", made, exit_code=2)


# What a call in Python keeps.


def test_what_was_forgotten_here_does_not_come_back(make):
    memory = make()
    item = {"id": "1", "memory": "Ana sings in a choir.", "user_id": "ana"}
    known = memory.remember(item["memory"], user_id="ana")["results"][0]["id"]
    memory.forget(known)
    done = memory.import_memories([item, {"id": "2", "memory": "Ana has a canoe.", "user_id": "ana"}])
    assert [each["event"] for each in done["results"]] == ["REFUSED", "ADD"]
    assert [each["memory"] for each in memory.get_all()["results"]] == ["Ana has a canoe."]


def test_what_mem0_had_superseded_is_not_current(make):
    memory = make()
    old = {"id": "1", "memory": "Ana lives in Faro.", "user_id": "ana", "replaced_by": "2", "created_at": "2024-01-01",
           "updated_at": "2024-06-01"}  # fmt: skip
    new = {"id": "2", "memory": "Ana lives in Porto.", "user_id": "ana", "created_at": "2024-06-01"}
    assert memory.import_memories([old, new])["added"] == 2
    assert [each["memory"] for each in memory.get_all()["results"]] == ["Ana lives in Porto."]
    before = memory.get_all(known_at="2024-03-01")["results"]
    assert [each["memory"] for each in before] == ["Ana lives in Faro."]


def test_secrets_are_masked_as_everywhere(make):
    memory = make()
    key = "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3
    memory.import_memories([{"id": "1", "memory": f"Ana's key is {key}.", "user_id": "ana"}])
    (item,) = memory.get_all()["results"]
    assert key not in json.dumps([item, memory.history(item["id"])])
    assert key in memory.get(item["id"], unmasked=True)["memory"]


def test_what_cannot_be_kept_says_why_and_holds_nothing_up(make):
    memory = make()
    given = [
        {"id": "1", "memory": "Nobody's."},
        {"memory": "Without an id.", "user_id": "ana"},
        {"id": "2", "memory": None, "user_id": "ana"},
        {"id": "3", "memory": "x", "user_id": "ana", "created_at": "yesterday"},
        {"id": "4", "memory": "x", "user_id": "ana", "metadata": [1]},
        {"id": "5", "memory": "x", "user_id": "ana", "history": "changed"},
        {"id": "6", "memory": "x", "user_id": "ana", "role": "chorus"},
        "Ana sings.",
        {"id": "7", "memory": "Ana sings.", "user_id": "ana", "expiration_date": "some day"},
        {"id": "7", "memory": "Ana sings.", "user_id": "ana"},
    ]
    done = memory.import_memories(given)
    assert [each["event"] for each in done["results"]] == ["REFUSED"] * 8 + ["ADD", "NONE"]
    assert all(each["reason"] for each in done["results"][:8])
    (kept,) = memory.get_all()["results"]
    assert (kept["expiration_date"], kept["metadata"]["expiration_date"]) == (None, "some day")


def test_a_bound_memory_takes_only_its_own(make):
    memory = make().scope(user_id="ana")
    done = memory.import_memories([
        {"id": "1", "memory": "Ana sings.", "run_id": "r"}, {"id": "2", "memory": "Bo sings.", "user_id": "bo"}
    ])  # fmt: skip
    assert [each["event"] for each in done["results"]] == ["ADD", "REFUSED"]
    assert memory.get_all()["results"][0]["user_id"] == "ana"


# A table in PostgreSQL.


@pytest.fixture
def table(new_database):
    """A database with what the folder holds, in tables as mem0's pgvector store makes them."""
    url = new_database()
    rows = items_of(importers_mem0.opened_folder(MADE))

    async def fill():
        import asyncpg

        db = await asyncpg.connect(url)
        try:
            await db.execute("CREATE EXTENSION vector")
            for name in ("mem0", "mem0_entities"):
                await db.execute(f"CREATE TABLE {name} (id UUID PRIMARY KEY, vector vector(2), payload JSONB)")
            await db.executemany(
                "INSERT INTO mem0 VALUES ($1::text::uuid, '[1, 2]', $2)", [(row["id"], payload(row)) for row in rows]
            )
        finally:
            await db.close()

    asyncio.run(fill())
    return url


def payload(item):
    own = {name: value for name, value in item.items() if name not in ("id", "memory", "metadata", "history")}
    return json.dumps({**item["metadata"], **own, "data": item["memory"], "hash": "0", "text_lemmatized": "x"})


def test_a_table_gives_the_same_memories_as_the_folder(table):
    folder = items_of(importers_mem0.opened_folder(MADE))
    assert items_of(importers_mem0.opened_table(table, history=MADE / "history.db")) == folder
    done = moved("--from", "mem0", table, "--history", MADE / "history.db", exit_code=2)
    assert (done["memories"], done["added"], done["repeated"], done["empty"]) == (10, 7, 1, 1)
    assert (done["deleted_there"], done["former_texts"]) == (1, 2)
    assert moved("--from", "mem0", MADE, exit_code=2)["already_stored"] == 8  # known again by their ids


def test_a_table_is_read_as_of_one_moment_and_in_pieces(table, monkeypatch):
    monkeypatch.setattr(importers_mem0, "_AT_A_TIME", 3)
    with importers_mem0.opened_table(table) as source:
        first = next(source.items)

        async def delete():
            import asyncpg

            db = await asyncpg.connect(table)
            await db.execute("DELETE FROM mem0")
            await db.close()

        asyncio.run(delete())
        assert source.total == 10
        assert len([first, *source.items]) == 10


def test_a_database_that_cannot_be_used_is_told_without_its_password(table, new_database):
    address = urlsplit(table)
    with_password = address._replace(netloc=address.netloc.replace("postgres@", "postgres:hunter2@"))
    assert "has no collection 'mem1'" in refused(
        "--from", "mem0", with_password.geturl(), "--collection", "mem1", exit_code=2
    )
    missing = with_password._replace(path="/nothing").geturl()
    told = [refused("--from", "mem0", missing, exit_code=2)]
    stranger = address._replace(netloc=address.netloc.replace("postgres@", "stranger:hunter2@")).geturl()
    told.append(refused("--from", "mem0", stranger, exit_code=2))
    nobody = "postgresql://postgres:hunter2@127.0.0.1:1/postgres"
    told.append(refused("--from", "mem0", nobody, exit_code=4))
    told.append(refused("--from", "mem0", new_database(), exit_code=2))
    assert "refused the connection" in told[0]
    assert "refused the connection" in told[1]
    assert "could not be reached" in told[2]
    assert "no collection of mem0's" in told[3]
    assert not any("hunter2" in each for each in told)


# A server.


class Mem0Server(ThreadingHTTPServer):
    """Speaks what is written down of mem0's servers: status and body by method and path; the rest is not there."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers = {}
        self.asked = []
        self.key = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        keys = (self.headers.get("Authorization"), self.headers.get("X-API-Key"))
        self.server.asked.append((self.command, path, query, json.loads(body) if body else None, keys))
        status, found, headers = 404, {"detail": "Not Found"}, {}
        if self.server.key is not None and f"Token {self.server.key}" != keys[0] and self.server.key != keys[1]:
            status, found = 401, {"detail": "Invalid API key."}
        elif (self.command, path) in self.server.answers:
            status, found, headers = self.server.answers[self.command, path](query, json.loads(body) if body else {})
        data = found if isinstance(found, bytes) else json.dumps(found).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer  # noqa: N815 - the names it looks for

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Mem0Server() as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        one.shutdown()
        thread.join()


def hosted(number, **fields):
    return {
        "id": f"m{number:04}", "memory": f"Ana rowed {number} miles.", "user_id": "ana", "agent_id": None, "app_id": None,
        "session_id": None, "metadata": None, "categories": ["sports"], "structured_attributes": {"year": 2025},
        "replaced_by": None, "synthesized": False, "expiration_date": None, "created_at": "2025-03-01T10:00:00-08:00",
        "updated_at": "2025-03-01T10:00:00.4-08:00", "immutable": True, **fields,
    }  # fmt: skip


def pages(rows, *, enveloped=True):
    def answer(query, body):
        size, page = int(query["page_size"]), int(query["page"])
        start = (page - 1) * size
        part = rows[start : start + size]
        more = f"https://elsewhere.invalid/?page={page + 1}" if start + size < len(rows) else None
        return 200, {"count": len(rows), "next": more, "previous": None, "results": part} if enveloped else part, {}

    return answer


def test_the_hosted_api_is_read_page_by_page_with_the_key(server, monkeypatch):
    server.key = "m0-secret"
    changed = hosted(250, memory="Ana rowed a marathon.", session_id="s1", metadata={"boat": "heron"},
                     updated_at="2025-04-01T10:00:00-08:00")  # fmt: skip
    server.answers["POST", "/v3/memories/"] = pages([*(hosted(number) for number in range(250)), changed])
    server.answers["GET", "/v1/memories/m0250/history/"] = lambda *_: (200, [
        {"event": "UPDATE", "old_memory": "Ana rows.", "new_memory": "Ana rowed a marathon.", "created_at":
         "2025-04-01T10:00:00-08:00", "updated_at": "2025-04-01T10:00:00-08:00"},
        {"event": "ADD", "old_memory": None, "new_memory": "Ana rows.", "created_at": "2025-03-01T10:00:00-08:00",
         "updated_at": "2025-03-01T10:00:00-08:00"},
    ], {})  # fmt: skip
    monkeypatch.setenv("MEM0_API_KEY", "m0-secret")
    done = moved("--from-mem0-api", server.url)
    assert (done["memories"], done["added"], done["former_texts"], done["refused"]) == (251, 251, 1, [])
    listing = [each for each in server.asked if each[0] == "POST"]
    assert [each[2]["page"] for each in listing] == ["1", "2", "3"]
    assert {each[4] for each in listing} == {("Token m0-secret", None)}
    assert {"user_id": "*"} in listing[0][3]["filters"]["OR"]
    assert len(server.asked) == 4  # one history, of the one that was changed
    with Memory() as memory:
        assert memory.get_all(user_id="ana")["total"] == 251
        (kept,) = memory.get_all(user_id="ana", run_id="s1")["results"]
        assert kept["metadata"] == {"boat": "heron", "mem0": {"immutable": True}, "mem0_id": "m0250"}
        assert kept["categories"] == ["sports"]
        assert [each["new_memory"] for each in memory.history(kept["id"])] == ["Ana rows.", "Ana rowed a marathon."]
    moved("--from-mem0-api", server.url, "--user", "ana", "--api-key", "m0-secret", "--dry-run")
    assert server.asked[4][3]["filters"] == {"AND": [{"user_id": "ana"}]}


def test_an_older_api_hands_out_bare_lists(server):
    server.answers["POST", "/v2/memories/"] = pages([hosted(number) for number in range(130)], enveloped=False)
    rows = items_of(importers_mem0.opened_api(server.url, key=None, ids={}))
    assert len({each["id"] for each in rows}) == 130


def test_what_has_no_id_is_refused_and_what_follows_it_comes_along(server):
    rows = [{"memory": "I ski", "user_id": "ana"}, hosted(1, id=None), hosted(2, id=["a"]), hosted(3)]
    server.answers["POST", "/v3/memories/"] = pages(rows)
    with Memory(":memory:") as memory, importers_mem0.opened_api(server.url, key=None, ids={}) as source:
        done = memory.import_memories(list(source.items))
    assert (done["added"], done["refused"]) == (1, 3)
    assert "has no id" in done["results"][0]["reason"]


def test_pages_that_come_again_in_another_order_are_the_end(server):
    rows = [hosted(number) for number in range(100)]

    def shuffled(query, _):
        at = int(query["page"]) * 7 % 100
        return 200, {"next": "more", "results": rows[at:] + rows[:at]}, {}

    server.answers["POST", "/v3/memories/"] = shuffled
    with importers_mem0.opened_api(server.url, key=None, ids={}) as source:
        assert len(list(source.items)) == 100
    assert len(server.asked) == 2


def test_a_server_that_knows_no_pages_is_not_asked_for_ever(server):
    rows = [hosted(number) for number in range(130)]
    server.answers["POST", "/v2/memories/"] = lambda *_: (200, rows, {})
    assert len(items_of(importers_mem0.opened_api(server.url, key=None, ids={}))) == 130
    assert len(server.asked) == 3  # v3, which it has not, then twice the same


def own(number, **fields):
    return {"id": f"o{number}", "memory": f"Bo baked {number} loaves.", "created_at": "2025-03-01T10:00:00+00:00",
            "updated_at": None, "hash": "0", "user_id": "bo", **fields}  # fmt: skip


def test_a_server_of_ones_own_is_asked_for_everybody_it_knows(server):
    server.key = "k"
    of = {"user_id": [own(1), own(2, agent_id="chef")], "agent_id": [own(2, agent_id="chef")]}
    server.answers["GET", "/entities"] = lambda *_: (
        200, [{"id": "bo", "type": "user", "total_memories": 5}, {"id": "chef", "type": "agent", "total_memories": 1}], {},
    )  # fmt: skip
    server.answers["GET", "/memories"] = lambda query, _: (
        200, {"results": of["user_id" if "user_id" in query else "agent_id"]}, {},
    )  # fmt: skip
    done = moved("--from-mem0-api", server.url, "--api-key", "k")
    assert (done["memories"], done["added"]) == (2, 2)
    assert "of 5 memories of user_id=bo the server listed 2" in done["notes"]  # nothing is left out in silence
    assert {each[4] for each in server.asked if each[0] == "GET"} == {(None, "k")}


def test_an_older_server_of_ones_own_must_be_told_whose(server):
    def answer(query, _):
        if "user_id" not in query:
            return 400, {"detail": "At least one identifier is required."}, {}
        return 200, {"results": [own(number) for number in range(20)]}, {}

    server.answers["GET", "/memories"] = answer
    assert "pass --user ID" in refused("--from-mem0-api", server.url, exit_code=2)
    done = moved("--from-mem0-api", server.url, "--user", "bo")
    assert done["added"] == 20
    assert any("may have more" in each for each in done["notes"])


def test_a_refused_key_and_a_wrong_address_are_told_apart(server):
    server.key = "m0-right"
    told = refused("--from-mem0-api", server.url, "--api-key", "m0-wrong", exit_code=2)
    assert "refused the key (HTTP 401)" in told
    assert "m0-wrong" not in told
    server.key = None
    assert "none of the addresses" in refused("--from-mem0-api", server.url, exit_code=4)
    assert "must start with http" in refused("--from-mem0-api", "api.mem0.ai", exit_code=2)
    server.answers["POST", "/v3/memories/"] = lambda *_: (302, {}, {"Location": "http://elsewhere.invalid/"})
    assert "redirects" in refused("--from-mem0-api", server.url, exit_code=2)
    for answer in (b"<html>", [1, 2], {"results": "none"}):
        server.answers["POST", "/v3/memories/"] = lambda *_, answer=answer: (200, answer, {})
        assert "answered with something" in refused("--from-mem0-api", server.url, exit_code=4)
    server.shutdown()
    server.server_close()
    assert "could not be reached" in refused("--from-mem0-api", server.url, exit_code=4)


def test_a_busy_server_is_asked_again_and_what_came_before_a_failure_stays(server):
    answers = iter([(429, {}, {"Retry-After": "0"}), (503, {}, {}), None, *[(503, {"detail": "tired"}, {})] * 3])
    good = pages([hosted(number) for number in range(150)])
    server.answers["POST", "/v3/memories/"] = lambda query, body: next(answers) or good(query, body)
    with importers_mem0.opened_api(server.url, key=None, ids={}, pause=0.001) as source:
        rows = [next(source.items) for _ in range(100)]
        with Memory() as memory:
            assert memory.import_memories(rows)["added"] == 100
        with pytest.raises(StoreError, match="HTTP 503: tired; try again later"):
            next(source.items)
    server.answers["POST", "/v3/memories/"] = good
    done = moved("--from-mem0-api", server.url)
    assert (done["already_stored"], done["added"]) == (100, 50)


def test_options_that_do_not_go_together_are_refused(made):
    for wrong in (
        ["x.json", "--collection", "a"], ["x.json", "--api-key", "a"], ["--from", "mem0", made, "--format", "json"],
        ["--from", "mem0", made, "--api-key", "a"], ["--from-mem0-api", "http://x", "--collection", "a"], [],
    ):  # fmt: skip
        refused(*wrong, exit_code=2)


@pytest.mark.parametrize(
    ("opened", "error"),
    [
        (lambda: importers_mem0.opened_table("postgresql://[broken"), InvalidConfig),
        (lambda: importers_mem0.opened_api("http://x", key="k\n", ids={}), InvalidConfig),
        (lambda: importers_mem0.opened_folder(Path("/nowhere")), InvalidInput),
    ],
)
def test_errors_have_types(opened, error):
    with pytest.raises(error), opened():
        pass
