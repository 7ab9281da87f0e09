"""A store in PostgreSQL: the wall between projects that the database itself keeps, and opening it, whoever asks."""

import asyncio
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import pytest
from typer.testing import CliRunner

from mnemic import (
    AsyncMemory,
    InvalidConfig,
    Memory,
    NotAStore,
    StoreTooNew,
    StoreUnavailable,
    StoreUnwritable,
)
from mnemic.stores import postgres, postgres_near, postgres_schema, postgres_wide
from mnemic.stores.postgres import PostgresStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction, Scope, Usage

NOBODYS = {"settings", "spaces"}
"""Tables without a wall: what they hold is the store's, and of nobody."""

PASSWORD = "p@s:s/w?o#r%d 1"


def sql(url, *statements):
    """Run statements as they are; the rows of the last."""

    async def run():
        connection = await asyncpg.connect(url)
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return [tuple(row) for row in await connection.fetch(statements[-1])]
        finally:
            await connection.close()

    return asyncio.run(run())


@asynccontextmanager
async def opened(url, project=None, **arguments):
    store = PostgresStore(url, project=project, **arguments)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def open_once(url, **arguments):
    async with opened(url, **arguments):
        pass


@pytest.fixture
def new_user(postgres_server):
    """A call makes a user of the server, and gives the URL of a database as this user sees it."""
    made = []

    def make(url, options="", *, owns=True):
        name = f"user_{uuid.uuid4().hex}"
        made.append(name)
        statements = [f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {options}"]
        if owns:
            statements.append(f"ALTER DATABASE {urlsplit(url).path[1:]} OWNER TO {name}")
        sql(url, *statements, "SELECT 1")
        return with_user(url, name)

    yield make
    for name in made:
        sql(postgres_server, f"DROP ROLE {name}", "SELECT 1")


def with_user(url, name, password=PASSWORD):
    parts = urlsplit(url)
    return parts._replace(netloc=f"{name}:{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}").geturl()


@pytest.fixture
def database(new_user, new_database):  # databases go before the users that own them
    """The URL of an empty database, as a user who may do everything."""
    return new_database()


USERS = {
    "a superuser": None,
    "the owner of the database": "NOCREATEROLE",
    "one whom the wall does not bind": "BYPASSRLS",
}


@pytest.fixture(params=USERS)
def user(request, database, new_user):
    """The same as each kind of user who can make a store there."""
    options = USERS[request.param]
    sql(database, "CREATE EXTENSION vector SCHEMA public", "SELECT 1")  # few users may
    if options is None:
        return database
    url = new_user(database, options)
    if "BYPASSRLS" in options:
        make_role(database)
        sql(database, f"GRANT mnemic TO {urlsplit(url).username}", "SELECT 1")
    return url


def make_role(url):
    """Roles are the server's: another test may have made it."""
    sql(url, "DO $$ BEGIN CREATE ROLE mnemic; EXCEPTION WHEN duplicate_object THEN END $$", "SELECT 1")


# The wall.


@pytest.fixture(autouse=True)
def small_projects_count(monkeypatch):
    """A search of a whole project asks for an index, whatever it holds."""
    monkeypatch.setattr(postgres_wide, "LEAST", 1)


async def make_index(url):
    """What whoever waits for work does."""
    async with opened(url) as store:
        connection = await store._connect()
        try:
            await postgres_near.tend(connection)
        finally:
            await connection.close()


def fill(url, project):
    """Something in every table, said in the project's name."""
    with Memory(url, project=project, background=False) as memory:
        memory._wait(memory._core._engine.store.listen(project))
        for text in (
            "I live in Oslo and work for X Industries.",
            "My sister Dana works at Acme. Dana lives in Bergen.",
            "I moved to Bergen.",
            f"My cat is called {project}.",
        ):
            memory.add(text, user_id="alice", run_id="monday", metadata={"of": project})
        told = memory.add("I am allergic to peanuts.", user_id="alice")["results"]
        memory.forget(told[0]["id"])
        note = memory.remember(f"A note of {project}", user_id="alice")["results"][0]["id"]
        memory.feedback(note, "POSITIVE")
        memory.add(f"My cat is called {project}.", user_id="alice", run_id="tuesday")
        again = memory.add("As I said, I moved to Bergen.", user_id="alice", run_id="tuesday")
        memory.undo(again["receipt"]["change_id"])
        memory.merge_entities("Acme", "X Industries", user_id="alice")
        memory.split_entity("Dana", "my sister", user_id="alice")
        memory.remember("An agent's own note", agent_id="helper", app_id="shop")
    spent = Extraction(facts=(), usage=Usage(model_calls=1))
    with Memory(url, project=project, extractor=FakeExtractor(lambda _: spent), background=False) as memory:
        memory.add("Hello", user_id="alice")
        memory.search("Where does Dana live?")
    asyncio.run(make_index(url))


async def tables(store):
    """Every table of the schema, from the catalog."""
    rows = await store._read(
        lambda reader: reader.db.execute(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'mnemic'::regnamespace AND relkind IN ('r', 'p')"
        ).fetchall()
    )
    return {name for (name,) in rows} - NOBODYS


async def contents(store):
    """All rows that a store of this project sees with statements that name none."""
    return {
        name: set(await store._read(lambda reader, name=name: reader.db.execute(f"SELECT * FROM {name}").fetchall()))
        for name in await tables(store)
    }


@pytest.mark.behaviour("S3")
def test_users_of_two_projects_whose_partition_is_the_same_are_both_taken(migrated_database):
    url, whose = migrated_database(), Scope(project="ours", user_id="alice")
    partition = whose.partition
    other = next(
        name for name in map(str, range(10**6)) if Scope(project="theirs", user_id=name).partition == partition
    )
    for project, user in (("ours", "alice"), ("theirs", other)):
        with Memory(url, project=project, embedder=FakeEmbedder(), background=False) as memory:
            memory.remember(f"A note of {project}", user_id=user)
            assert [each["memory"] for each in memory.get_all(user_id=user)["results"]] == [f"A note of {project}"]
            assert memory.verify()["ok"]


@pytest.mark.behaviour("S3")
def test_a_statement_that_forgets_its_project_reaches_no_other(user):
    fill(user, "theirs")

    async def theirs():
        async with opened(user) as everything:
            return await contents(everything)

    of_others = asyncio.run(theirs())
    assert [name for name, rows in of_others.items() if not rows] == []  # every table is put to the test
    fill(user, "ours")

    async def check():
        async with opened(user) as everything, opened(user, "ours") as ours, opened(user, "nobody") as nobody:
            every, seen = await contents(everything), await contents(ours)
            assert every == {name: seen[name] | of_others[name] for name in every}
            assert all(seen.values())
            assert not any(seen[name] & of_others[name] for name in seen)
            assert not any((await contents(nobody)).values())
            for name, rows in of_others.items():
                await refuse_rows_of_others(ours, name, rows)
            for name in seen:
                changed = await ours._write(
                    lambda db, name=name: db.execute(f"UPDATE {name} SET {a_column(name)} = {a_column(name)}").rowcount
                )
                assert changed == len(seen[name]), name
            assert await contents(everything) == every
            # Those that others are found by, or leave with others, in their turn.
            turn = {"near_1": -1, "unproven": -1, "owners": 1, "memories": 1, "changes": 1}
            for name in sorted(seen, key=lambda name: turn.get(name, 0)):
                gone = await ours._write(lambda db, name=name: db.execute(f"DELETE FROM {name}").rowcount)
                assert gone == len(seen[name]), name
            assert await contents(everything) == of_others

    asyncio.run(check())


def a_column(table):
    return {"usage": "day", "wide": "ready", "listeners": "project"}.get(table, "partition")


async def refuse_rows_of_others(store, name, rows):
    columns = [each for each in await store._read(lambda reader: reader.db.columns(name)) if each != "conversation"]
    places = [n for n, each in enumerate(await store._read(lambda reader: reader.db.columns(name))) if each in columns]
    for row in list(rows)[:1]:
        insert = f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        with pytest.raises(StoreUnwritable, match="row-level security"):
            await store._write(lambda db: db.execute(insert, [row[n] for n in places]))  # noqa: B023


@pytest.mark.behaviour("S3")
def test_a_row_cannot_be_given_to_another_project(database):
    fill(database, "ours")

    async def check():
        async with opened(database, "ours") as ours:
            for name in await tables(ours):
                if "project" in await ours._read(lambda reader, name=name: reader.db.columns(name)):
                    with pytest.raises(StoreUnwritable, match="row-level security"):
                        await ours._write(lambda db, name=name: db.execute(f"UPDATE {name} SET project = 'theirs'"))

    asyncio.run(check())


@pytest.mark.behaviour("S3")
def test_every_table_has_a_wall_that_its_owner_is_bound_by_and_who_names_no_project_sees_nothing(user):
    fill(user, "ours")

    async def names():
        async with opened(user) as store:
            return await tables(store)

    walled = "SELECT relname::text FROM pg_class WHERE relnamespace = 'mnemic'::regnamespace AND relkind IN ('r', 'p')"
    found = {name for (name,) in sql(user, f"{walled} AND relrowsecurity AND relforcerowsecurity")}
    assert found == asyncio.run(names())
    free = sql(user, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = user") == [(True,)]
    for name in found:
        assert sql(user, *["SET ROLE mnemic"] * free, f"SELECT count(*) FROM mnemic.{name}") == [(0,)], name


# Opening.


@pytest.mark.behaviour("S2")
def test_many_may_open_an_empty_database_at_once(user):
    async def check():
        await asyncio.gather(*(open_once(user) for _ in range(8)))
        async with opened(user) as store:
            assert await store.verify() == (0, ())

    asyncio.run(check())


_FIRST = """
import sys
from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
with Memory(sys.argv[1], embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False) as memory:
    for number in range(5):
        memory.remember(f"Note {number} of {sys.argv[2]}", user_id=sys.argv[2])
        memory.remember(f"Note {number} of {sys.argv[2]}", user_id="everybody")
"""


@pytest.mark.behaviour("S2")
def test_processes_that_make_the_store_and_its_first_memories_together_lose_none(database):
    running = [subprocess.Popen([sys.executable, "-c", _FIRST, database, f"user{n}"]) for n in range(4)]
    assert [each.wait() for each in running] == [0] * 4
    assert_all_there(database, 4, 5)


@pytest.mark.behaviour("S2")
def test_threads_that_add_the_first_memories_of_new_owners_meet_no_error_and_lose_none(database):
    async def one(number):
        memory = AsyncMemory(database, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)
        async with memory:
            for note in range(3):
                await memory.remember(f"Note {note} of user{number}", user_id=f"user{number}")
                await memory.remember(f"Note {note} of user{number}", user_id="everybody")

    async def all_of_them():
        await asyncio.gather(*(one(number) for number in range(16)))

    asyncio.run(all_of_them())
    assert_all_there(database, 16, 3)


@pytest.mark.behaviour("S2")
def test_writers_of_the_same_owners_in_any_order_get_no_deadlock_and_lose_no_change(database):
    users = ["a", "b", "c"]

    async def one(number):
        memory = AsyncMemory(database, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)
        async with memory:
            kept = {}
            for turn in range(4):
                for user in users if number % 2 else users[::-1]:
                    done = await memory.remember(f"Note {turn} of {number}", user_id=user, agent_id=f"agent{turn % 2}")
                    kept[user, turn] = done["results"][0]["id"]
                await memory.update(kept["b", turn], data=f"Changed {turn} of {number}")
                await memory.delete(kept["c", turn])
                await memory.delete_all(agent_id="nobody" if number else "agent7")
            return kept

    async def erase_another():
        async with AsyncMemory(database, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
            for _ in range(2):
                await memory.remember("To go", user_id="z")
                assert "tables_left" not in (await memory.erase(user_id="z"))["erased"]

    async def together():
        await asyncio.gather(*(one(number) for number in range(8)), erase_another())

    asyncio.run(together())
    with Memory(database, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False) as memory:
        assert [memory.get_all(user_id=user, limit=1)["total"] for user in (*users, "z")] == [32, 32, 0, 0]
        changed = {item["memory"] for item in memory.get_all(user_id="b")["results"]}
        assert changed == {f"Changed {turn} of {number}" for turn in range(4) for number in range(8)}
        assert memory.verify()["problems"] == []


def assert_all_there(url, users, notes):
    with Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False) as memory:
        for number in range(users):
            assert memory.get_all(user_id=f"user{number}")["total"] == notes
        assert memory.get_all(user_id="everybody", limit=1)["total"] == users * notes
        assert memory.stats()["owners"] == users + 1
        assert memory.verify()["problems"] == []
    assert sql(url, "SELECT count(*) FROM mnemic.spaces") == [(1,)]


def test_a_user_who_is_bound_by_no_wall_makes_the_role_that_is_even_if_several_do_at_once(durable_server):
    server = durable_server()
    sql(server.url, f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}' BYPASSRLS CREATEROLE CREATEDB", "SELECT 1")
    url = with_user(server.url, "app")
    sql(url, "CREATE DATABASE one", "CREATE DATABASE two", "SELECT 1")
    both = [url.replace("/postgres", "/one"), url.replace("/postgres", "/two")]

    async def check():
        await asyncio.gather(*(open_once(each) for each in both * 4))

    asyncio.run(check())
    owner = "SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = 'mnemic'"
    assert [sql(each, owner) for each in both] == [[("mnemic",)]] * 2


def test_a_member_of_the_owning_role_uses_the_store_and_makes_tables_for_all(database, new_user):
    asyncio.run(open_once(database))
    one, other = new_user(database, owns=False), new_user(database, owns=False)
    sql(database, f"GRANT mnemic TO {urlsplit(one).username}, {urlsplit(other).username}", "SELECT 1")
    for url in (one, other, database):
        with Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
            memory.remember("A note", user_id="alice")
            assert memory.search("A note", user_id="alice")["results"]
    owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'mnemic'::regnamespace"
    assert sql(database, owners) == [("mnemic",)]


def test_who_may_only_read_reads_and_is_told_why_writing_fails(database, new_user):
    with Memory(database, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        memory.remember("A note", user_id="alice")
    reader = new_user(database, owns=False)
    name = urlsplit(reader).username
    sql(
        database,
        f"GRANT USAGE ON SCHEMA mnemic TO {name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA mnemic TO {name}",
        "SELECT 1",
    )
    with Memory(reader, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False) as memory:
        assert memory.search("A note", user_id="alice")["results"]
        with pytest.raises(StoreUnwritable, match="must own the schema 'mnemic'"):
            memory.remember("Another", user_id="alice")
    sql(database, f"DROP OWNED BY {name}", "SELECT 1")


def test_who_may_not_make_a_schema_is_told_what_to_ask_for(database, new_user):
    with pytest.raises(StoreUnwritable, match="grant it CREATE on the database"):
        asyncio.run(open_once(new_user(database, owns=False)))


def test_who_may_see_nothing_of_a_store_is_told_so(database, new_user):
    asyncio.run(open_once(database))
    with pytest.raises(StoreUnwritable, match="must own the schema"):
        asyncio.run(open_once(new_user(database, owns=False)))


def test_who_is_bound_by_no_wall_and_may_not_make_a_role_is_told_what_to_ask_for(database, new_user):
    make_role(database)
    with pytest.raises(StoreUnwritable, match="let a superuser run"):
        asyncio.run(open_once(new_user(database, "BYPASSRLS")))


def test_a_schema_of_a_superuser_is_not_used_as_no_wall_would_bind_its_owner(database):
    sql(database, "CREATE SCHEMA mnemic", "SELECT 1")
    with pytest.raises(StoreUnwritable, match="ALTER SCHEMA mnemic OWNER TO mnemic"):
        asyncio.run(open_once(database))
    make_role(database)
    sql(database, "ALTER SCHEMA mnemic OWNER TO mnemic", "SELECT 1")
    asyncio.run(open_once(database))


def test_a_user_whose_transactions_are_read_only_is_told_so(database, new_user):
    url = new_user(database)
    sql(database, f"ALTER ROLE {urlsplit(url).username} SET default_transaction_read_only = on", "SELECT 1")
    with pytest.raises(StoreUnwritable, match="takes no writes"):
        asyncio.run(open_once(url, timeout=0.2))


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE mnemic.notes (id integer)",
        "CREATE TABLE mnemic.settings (name text, value text)",
        "CREATE TABLE mnemic.settings (key text); CREATE TABLE mnemic.owners (number integer)",
        "CREATE VIEW mnemic.settings AS SELECT 1 AS one",
    ],
)
def test_a_schema_of_another_program_is_left_alone(database, new_user, made):
    owner = new_user(database)
    sql(owner, "CREATE SCHEMA mnemic", *made.split("; "), "SELECT 1")
    for url in (owner, database):
        with pytest.raises(NotAStore, match="another program's"):
            asyncio.run(open_once(url))
    assert sql(database, "SELECT to_regclass('mnemic.memories') IS NULL") == [(True,)]


def test_a_store_of_a_later_release_is_refused_unless_it_says_that_this_one_can_use_it(database):
    asyncio.run(open_once(database))
    sql(database, "UPDATE mnemic.settings SET value = '99' WHERE name = 'schema'", "SELECT 1")
    asyncio.run(open_once(database))
    sql(database, "UPDATE mnemic.settings SET value = '98' WHERE name = 'readable_from'", "SELECT 1")
    with pytest.raises(StoreTooNew, match="upgrade"):
        asyncio.run(open_once(database))
    sql(database, "DELETE FROM mnemic.settings", "SELECT 1")
    with pytest.raises(NotAStore, match="damaged"):
        asyncio.run(open_once(database))


def test_a_server_that_is_too_old_is_refused(database, monkeypatch):
    monkeypatch.setattr(postgres_schema, "OLDEST", 99)
    with pytest.raises(StoreUnavailable, match=r"is PostgreSQL \d+; Mnemic needs 99 or later"):
        asyncio.run(open_once(database))
    assert sql(database, "SELECT to_regnamespace('mnemic')::text") == [(None,)]


# Addresses, and passwords in them.


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@secret@h/db",
        "postgresql://u:p/secret@h/db",
        "postgresql://u:1/secret@h/db",
        "postgresql://u:p#secret@h/db",
        "postgresql://u:p?secret@h/db",
        "postgresql://u:[secret@h/db",
        "postgresql://u:secret@h:99999/db",
        "postgresql://u:secret@h:port/db",
        "postgresql://u:secret@a,,b/db",
        "postgresql://u:secret@h/db?port=x",
        "postgresql://u:secret@h/db?what",
        "postgresql://u:secret@127.0.0.1:9/db?sslmode=so-so",
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_without_being_quoted(url):
    with pytest.raises(InvalidConfig) as caught:
        Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor()).open()
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:se%40cret@h/db", "postgresql://u@h/db"),
        ("postgres://u:secret@a:1,b:2/db?target_session_attrs=read-write", "postgres://u@a:1,b:2/db"),
        ("postgresql:///db?host=/tmp&port=1&user=u&password=secret", "postgresql:///db?host=/tmp&port=1&user=u"),
        ("postgresql://u:secret@%2Fvar%2Frun:1/db", "postgresql://u@%2Fvar%2Frun:1/db"),
        ("postgresql://u:secret@[::1]:5432/db", "postgresql://u@[::1]:5432/db"),
    ],
)
def test_an_address_is_shown_without_its_password(url, shown):
    assert PostgresStore(url).address == shown


def test_where_nothing_listens_opening_soon_says_so(monkeypatch):
    monkeypatch.setattr(postgres, "_OPENING", 0.1)
    for url in ("postgresql://u:secret@127.0.0.1:9/db", "postgresql://u:secret@/db?host=/nowhere"):
        with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
            Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor()).open()
        assert "secret" not in str(caught.value)


def test_an_unknown_database_or_setting_is_told(database):
    with pytest.raises(StoreUnavailable, match="does not exist"):
        asyncio.run(open_once(f"{database}_not"))
    with pytest.raises(InvalidConfig, match="refused a setting"):
        asyncio.run(open_once(f"{database}?connect_timeout=3"))


def test_a_password_of_any_marks_opens_and_is_in_no_error_and_no_output(durable_server, monkeypatch):
    server = durable_server()
    ((hba,),) = sql(server.url, "SHOW hba_file")
    sql(server.url, f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}'", "CREATE DATABASE app OWNER app", "SELECT 1")
    app = with_user(server.url, "app").replace("/postgres", "/app")
    with Path(hba).open("r+") as file:
        rules = file.read()
        file.seek(0)
        file.write(f"host all app all scram-sha-256\nlocal all app scram-sha-256\n{rules}")
    sql(server.url, "SELECT pg_reload_conf()")
    ((folder,),) = sql(server.url, "SHOW unix_socket_directories")
    port = urlsplit(app).port
    asyncio.run(open_once(app))
    asyncio.run(open_once(f"postgresql:///app?host={quote(folder)}&port={port}&user=app&password={quote(PASSWORD)}"))
    asyncio.run(open_once(f"postgresql://app:{quote(PASSWORD, safe='')}@{quote(folder, safe='')}:{port}/app"))
    for wrong in (with_user(app, "app", "wr@ng"), app.replace(quote(PASSWORD, safe=""), "")):
        with pytest.raises(StoreUnavailable, match="refused the connection") as caught:
            asyncio.run(open_once(wrong))
        assert "wr@ng" not in str(caught.value)
        assert quote("wr@ng", safe="") not in str(caught.value)
    for url, code in ((app, 0), (with_user(app, "app", "wr@ng%"), 4)):
        done = mnemic(monkeypatch, url, "doctor")
        assert done.exit_code == code, done.stderr
        for hidden in (PASSWORD, quote(PASSWORD, safe=""), "wr@ng", quote("wr@ng%", safe="")):
            assert hidden not in done.stdout + done.stderr
        assert "postgresql://app@127.0.0.1" in done.stdout
        assert hidden not in mnemic(monkeypatch, url, "doctor", "--json").stdout


def mnemic(monkeypatch, url, *words):
    from mnemic.cli.main import app

    monkeypatch.setenv("MNEMIC_PATH", url)
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_the_commands_work_on_a_database_that_the_environment_names(database, monkeypatch):
    def run(*words):
        done = mnemic(monkeypatch, database, *words)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    run("add", "I play tennis on Fridays.", "--user", "alice")
    assert "tennis" in run("search", "sport", "--user", "alice")
    assert "tennis" in run("list", "--user", "alice")
    assert "usable" in run("doctor")
    assert "tennis" not in run("erase", "--user", "alice", "--yes")
    assert "tennis" not in run("list", "--user", "alice")


def test_the_driver_is_imported_only_for_a_database_and_its_absence_says_what_to_install():
    script = """
import sys
import mnemic
from mnemic import Memory
Memory(":memory:")
assert "asyncpg" not in sys.modules
sys.modules["asyncpg"] = None
try:
    Memory("postgresql://u:secret@h/db")
except mnemic.MissingDependency as exc:
    assert "pip install 'mnemic[postgres]'" in str(exc), exc
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", script], check=True)
