"""A database is brought up to date while it is in use, by whoever comes first, wholly or not at all."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import asyncpg
import pytest

from mnemic import Memory, StoreTooNew
from mnemic.stores import postgres_schema
from mnemic.stores.postgres import PostgresStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

FIRST = "\n".join(postgres_schema.migrations())

SECOND = """
ALTER TABLE memories ADD COLUMN mood text;
ALTER TABLE episodes ADD COLUMN mood text NOT NULL DEFAULT 'calm';
CREATE INDEX memories_by_mood ON memories (owner, mood) WHERE mood IS NOT NULL;
CREATE TABLE moods (partition integer NOT NULL, memory_id text COLLATE "C" NOT NULL, PRIMARY KEY (partition, memory_id));
SELECT wall('moods', $$EXISTS (
    SELECT FROM memories AS m WHERE m.partition = moods.partition AND m.id = moods.memory_id
)$$);
UPDATE memories SET mood = 'calm';
"""
"""What a release to come may add."""

HELD = 4242
"""A lock that a test holds, for a migration to wait in its middle."""


def rows(url, *statements):
    async def run():
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for statement in statements for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(run())


def opened(url):
    return Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)


@pytest.fixture
def release(monkeypatch):
    """A call makes all that is opened from then on code with these steps."""

    def use(*steps, readable_from=1):
        monkeypatch.setattr(postgres_schema, "migrations", lambda: list(steps))
        monkeypatch.setattr(postgres_schema, "READABLE_FROM", readable_from)

    return use


def version(url):
    found = dict(rows(url, "SELECT name, value FROM mnemic.settings WHERE name IN ('schema', 'readable_from')"))
    return int(found["schema"]), int(found["readable_from"])


def told(memory):
    return (
        memory.get_all(user_id="alice"),
        memory.search("note", user_id="alice", threshold=0),
        memory.messages(user_id="alice"),
    )


@pytest.mark.behaviour("S5")
def test_former_code_goes_on_while_a_later_release_brings_the_tables_up_to_date(new_database, release):
    url = new_database()
    release(FIRST)
    with opened(url) as former:
        former.add("A note on bees", user_id="alice")
        before = told(former)
        release(FIRST, SECOND)
        with opened(url) as later:
            assert version(url) == (2, 1)
            assert told(later) == told(former) == before
            for number, (one, other) in enumerate([(former, later), (later, former)]):
                kept = one.add(f"A note on wasps {number}", user_id="alice")["results"][0]["id"]
                assert other.get(kept)["memory"] == f"A note on wasps {number}"
                other.update(kept, data=f"A note on hornets {number}")
                assert one.get(kept)["memory"] == f"A note on hornets {number}"
                one.delete(kept)
            assert told(former)[0] == before[0]
            assert later.verify()["problems"] == former.verify()["problems"] == []
            release(FIRST)
            with opened(url) as again:  # former code may even be started anew
                assert told(again)[0] == before[0]
                again.erase(user_id="alice")
            assert told(later)[0]["total"] == 0
    assert version(url) == (2, 1)


@pytest.mark.behaviour("S5")
def test_a_release_whose_tables_former_code_cannot_use_shuts_it_out(new_database, release):
    url = new_database()
    release(FIRST)
    opened(url).close()
    release(FIRST, SECOND, readable_from=2)
    opened(url).close()
    release(FIRST)
    with pytest.raises(StoreTooNew, match="upgrade"):
        opened(url)


@pytest.mark.behaviour("S5")
def test_several_that_come_at_once_migrate_once(new_database, release):
    url = new_database()
    release(FIRST)
    with opened(url) as memory:
        memory.add("A note on bees", user_id="alice")
    release(FIRST, SECOND)

    async def one():
        store = PostgresStore(url, connections=1)
        await store.open()
        await store.close()

    async def all_at_once():
        await asyncio.gather(*(one() for _ in range(8)))

    asyncio.run(all_at_once())
    assert version(url) == (2, 1)
    assert rows(url, "SELECT count(*), min(mood) FROM mnemic.memories") == [(1, "calm")]


@pytest.mark.behaviour("S5")
def test_a_migration_that_fails_at_its_end_leaves_nothing_of_it(new_database, release):
    url = new_database()
    release(FIRST)
    with opened(url) as memory:
        memory.add("A note on bees", user_id="alice")
        before = told(memory)
        release(FIRST, SECOND + "SELECT 1 / 0;")
        with pytest.raises(asyncpg.DivisionByZeroError):
            opened(url)
        assert version(url) == (1, 1)
        assert rows(url, "SELECT to_regclass('mnemic.moods') IS NULL") == [(True,)]
        assert told(memory) == before
    release(FIRST, SECOND)
    with opened(url) as memory:
        assert told(memory) == before


@pytest.mark.behaviour("S5")
@pytest.mark.parametrize("from_version", [0, 1])
@pytest.mark.parametrize("killed", ["server", "connection"])
def test_killed_in_the_middle_a_migration_is_done_by_who_comes_next(durable_server, release, killed, from_version):
    server = durable_server()
    release(FIRST)
    before = None
    if from_version:
        with opened(server.url) as memory:
            memory.add("A note on bees", user_id="alice")
            before = told(memory)
    steps = [FIRST, SECOND + f"SELECT pg_advisory_xact_lock({HELD});"]
    release(*steps)

    async def kill_in_its_middle(start):
        holder = await asyncpg.connect(server.url)
        await holder.execute(f"SELECT pg_advisory_lock({HELD})")
        migrating = start()
        waiting = f"SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = {HELD} AND NOT granted"
        while (pid := await holder.fetchval(waiting)) is None:  # noqa: ASYNC110 - nothing tells when
            await asyncio.sleep(0)
        if killed == "connection":
            await holder.execute(f"SELECT pg_terminate_backend({pid})")
            await holder.execute(f"SELECT pg_advisory_unlock({HELD})")
            await holder.close()
        else:
            server.kill()
            holder.terminate()
        return migrating

    with ThreadPoolExecutor(1) as pool:
        migrating = asyncio.run(kill_in_its_middle(lambda: pool.submit(lambda: opened(server.url).close())))
        if killed == "server":
            server.start()
        migrating.result()  # it tried again by itself
    assert version(server.url) == (2, 1)
    with opened(server.url) as memory:
        assert before is None or told(memory) == before
        assert memory.verify()["problems"] == []
