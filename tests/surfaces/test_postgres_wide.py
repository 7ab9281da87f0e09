"""Searches of a whole project in PostgreSQL: the index that proposes, what it never changes, and what leaves it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random

import asyncpg
import pytest

from mnemic import AsyncMemory
from mnemic.stores import postgres, postgres_near, postgres_wide
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.postgres_db import PostgresDb
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

WORDS = (
    "lantern river garden violin bakery tennis pottery novel winter bridge hospital bicycle peanut ticket morning tea"
    " coffee sister office train harbour museum candle guitar mountain desert pepper ladder pigeon velvet"
).split()
QUESTIONS = [
    "violin and river",
    "Who plays tennis in winter?",
    "a museum ticket",
    "小鎮的燈籠在哪裡",
    "velvet pigeon harbour",
]
USERS = 30
EACH = 20


@pytest.fixture(autouse=True)
def small_projects_count(monkeypatch):
    """An index is used for projects that a test can fill."""
    monkeypatch.setattr(postgres_wide, "LEAST", 100)
    monkeypatch.setattr(postgres_wide, "_FEWEST", 60)
    monkeypatch.setattr(postgres_wide, "_FOR_EACH", 1)


def texts(user):
    draw = random.Random(user)
    told = [f"{' '.join(draw.sample(WORDS, 6))} {user}" for _ in range(EACH - 2)]
    return [*told, f"小鎮的燈籠掛在{user}號橋邊", f"第{user}位的妹妹喜歡綠茶"]


def opened(url, project="ours", **arguments):
    return AsyncMemory(
        store=PostgresStore(url, project=project), project=project, embedder=FakeEmbedder(),
        extractor=FakeExtractor(), background=False, **arguments,
    )  # fmt: skip


async def fill(url, project="ours", users=range(USERS)):
    async with opened(url, project) as memory:
        for user in users:
            said = [{"role": "user", "content": text} for text in texts(user)]
            await memory.add(
                said, infer=False, user_id=f"user{user}", run_id=f"run{user}", metadata={"even": user % 2 == 0}
            )


@contextlib.asynccontextmanager
async def tables(url):
    """A connection of the tables' owner, who sees every project."""
    connection = await asyncpg.connect(url, server_settings={"search_path": "mnemic, public", "role": "mnemic"})
    try:
        await connection.execute("SET mnemic.project = '*'")
        yield connection
    finally:
        await connection.close()


async def tend(url):
    async with tables(url) as connection:
        await postgres_near.tend(connection)


async def prepared(url, project="ours", users=range(USERS)):
    """A project with an index."""
    await fill(url, project, users)
    async with opened(url, project) as memory:
        await memory.search("violin")
    await tend(url)


async def answers(memory, **arguments):
    """Ids with their scores."""
    found = {}
    for question in QUESTIONS:
        results = (await memory.search(question, threshold=0, top_k=15, **arguments))["results"]
        found[question] = {each["id"]: each["score"] for each in results}
    return found


async def exactly(monkeypatch, memory, **arguments):
    with monkeypatch.context() as patch:
        patch.setattr(postgres_wide, "LEAST", 10**9)
        return await answers(memory, **arguments)


@pytest.fixture
def asked(monkeypatch):
    """Statements that were run, with their values."""
    seen = []
    run = PostgresDb._execute

    async def noting(self, sql, values):
        seen.append((sql, list(values)))
        return await run(self, sql, values)

    monkeypatch.setattr(PostgresDb, "_execute", noting)
    return seen


def of_the_index(asked):
    return [(sql, values) for sql, values in asked if "FROM near_" in sql]


async def count(url, table):
    async with tables(url) as connection:
        return await connection.fetchval(f"SELECT count(*) FROM {table}")


@pytest.mark.behaviour("R3")
async def test_a_search_of_a_whole_project_finds_by_the_index_what_it_finds_by_every_vector(
    migrated_database, monkeypatch, asked
):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        every = await exactly(monkeypatch, memory)
        asked.clear()
        found = await answers(memory)
    assert len(of_the_index(asked)) == len(QUESTIONS)
    for question in QUESTIONS:
        assert found[question] == pytest.approx(every[question], abs=1e-3)


async def test_the_index_answers_by_a_walk_through_it_and_never_by_reading_all_copies(migrated_database, asked):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        asked.clear()
        await answers(memory)
    sql, values = of_the_index(asked)[0]
    async with tables(url) as connection:
        for name, value in postgres._SETTINGS.items():
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
        await connection.execute("SELECT set_config('mnemic.project', 'ours', false)")
        plan = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values))[0]["Plan"]
    scan = plan["Plans"][-1]
    assert (plan["Node Type"], scan["Node Type"]) == ("Limit", "Index Scan")
    assert scan["Index Name"].startswith("near_1_")
    assert "Order By" in scan


@pytest.mark.behaviour("R3")
@pytest.mark.parametrize("ids", [{"user_id": "user3"}, {"run_id": "run3"}, {"user_id": "user3", "run_id": "run3"}])
async def test_a_search_of_a_scope_never_asks_the_index(migrated_database, monkeypatch, asked, ids):
    url = migrated_database()
    await prepared(url)
    monkeypatch.setattr(postgres_wide, "LEAST", 1)
    async with opened(url) as memory:
        asked.clear()
        assert any((await answers(memory, **ids)).values())
    assert [sql for sql, _ in asked if "near_" in sql or "wide" in sql] == []


async def test_what_was_written_since_is_found_at_once_and_copied_later(migrated_database, asked):
    url = migrated_database()
    await prepared(url)
    copied = await count(url, "near_1")
    async with opened(url) as memory:
        for user in ("user3", "somebody"):
            new = (await memory.add("Zebras graze behind the lighthouse", user_id=user, infer=False))["results"][0][
                "id"
            ]
            asked.clear()
            found = (await memory.search("zebras at a lighthouse", top_k=5))["results"]
            assert found[0]["memory"] == "Zebras graze behind the lighthouse"
            assert new in {each["id"] for each in found}
            assert of_the_index(asked)
        assert await count(url, "near_1") == copied  # nothing of it is paid by those who write
        await tend(url)
        assert await count(url, "near_1") == copied + 2
        assert "602 of 602" in (await memory.stats())["whole_search"]


async def test_a_filter_is_met_by_asking_for_more_or_by_reading_what_passes(migrated_database, monkeypatch, asked):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        for filters in ({"even": True}, {"user_id": {"in": ["user1", "user2"]}}, {"even": "never"}):
            every = await exactly(monkeypatch, memory, filters=filters)
            asked.clear()
            found = await answers(memory, filters=filters)
            for question in QUESTIONS:
                assert found[question] == pytest.approx(every[question], abs=1e-3)
            assert bool(of_the_index(asked)) == (filters == {"even": True})


@pytest.mark.behaviour("W12")
async def test_what_is_erased_leaves_the_index_in_the_same_transaction(migrated_database, monkeypatch):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        with monkeypatch.context() as patch:
            patch.setattr(postgres, "rewrite", _nothing_more)  # it would drop the table, which is made again
            await memory.erase(user_id="user3")
        async with tables(url) as connection:
            left = await connection.fetchval(
                "SELECT count(*) FROM near_1 AS n WHERE NOT EXISTS (SELECT FROM exact_1 AS x WHERE x.entry = n.entry)"
            )
        assert (left, await count(url, "near_1")) == (0, (USERS - 1) * EACH)
        assert await count(url, "widened") == USERS - 1
        await memory.erase(user_id="user4")
        async with tables(url) as connection:
            assert await connection.fetchval("SELECT to_regclass('near_1') IS NULL")  # with all bytes of its file
        assert "was asked for" in (await memory.stats())["whole_search"]
        before = await answers(memory)
        await tend(url)
        assert await count(url, "near_1") == (USERS - 2) * EACH
        after = await answers(memory)
        for question in QUESTIONS:
            assert after[question] == pytest.approx(before[question], abs=1e-3)


async def _nothing_more(*_, **__):
    return []


async def test_a_reset_leaves_no_copy_and_no_wish(migrated_database):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        await memory.reset()
    await tend(url)
    async with tables(url) as connection:
        assert await connection.fetchval("SELECT to_regclass('near_1') IS NULL")
        assert await connection.fetchval("SELECT (SELECT count(*) FROM wide) + (SELECT count(*) FROM widened)") == 0


@pytest.mark.behaviour("S3")
async def test_each_project_has_an_index_of_its_own_behind_the_wall(migrated_database, monkeypatch):
    url = migrated_database()
    await prepared(url, "ours")
    await prepared(url, "theirs", range(100, 110))
    async with tables(url) as connection:
        await connection.execute("SET mnemic.project = 'theirs'")
        assert await connection.fetchval("SELECT count(*) FROM near_1") == 10 * EACH
        await connection.execute("SET mnemic.project = 'nobody'")
        assert await connection.fetchval("SELECT count(*) FROM near_1") == 0
        await connection.execute("RESET mnemic.project")
        assert await connection.fetchval("SELECT count(*) FROM near_1") == 0
    async with opened(url, "theirs") as memory:
        every = await exactly(monkeypatch, memory)
        assert {question: set(found) for question, found in (await answers(memory)).items()} == {
            question: set(found) for question, found in every.items()
        }
        await memory.reset()
    await tend(url)
    async with tables(url) as connection:
        assert await connection.fetchval("SELECT array_agg(project) FROM wide") == ["ours"]
        assert await connection.fetchval(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'mnemic' AND indexname ~ '^near_1_[0-9]+$'"
        ) == 1  # fmt: skip
    assert await count(url, "near_1") == USERS * EACH


async def test_vectors_that_come_late_are_found(migrated_database):
    url = migrated_database()
    await prepared(url)
    async with opened(url) as memory:
        note = (await memory.add("Zebras graze behind the lighthouse", user_id="user3", infer=False))["results"][0][
            "id"
        ]
        await memory.add("Later words of the same user", user_id="user3", infer=False)
        async with tables(url) as connection:  # as if the embedder had failed
            entry = await connection.fetchval("SELECT entry FROM memories WHERE id = $1", note)
            vector = await connection.fetchval("DELETE FROM exact_1 WHERE entry = $1 RETURNING vector", entry)
        await tend(url)
        assert "602 of 602" in (await memory.stats())["whole_search"]
        store = PostgresStore(url, project="ours")
        await store.open()
        space = await store.space()
        (piece,) = await store.missing(space, 10)
        await store.reembed(space, [(piece.place, await FakeEmbedder().embed([piece.text], role="passage"))])
        await store.close()
        assert "600 of 602" in (await memory.stats())["whole_search"]
        await tend(url)
        async with tables(url) as connection:
            assert await connection.fetchval("SELECT vector FROM exact_1 WHERE entry = $1", entry) == vector
            assert await connection.fetchval("SELECT count(*) FROM near_1 WHERE entry = $1", entry) == 1


async def test_an_index_that_somebody_dropped_is_made_again(migrated_database, asked):
    url = migrated_database()
    await prepared(url)
    async with tables(url) as connection:
        await connection.execute("DROP TABLE near_1")
    async with opened(url) as memory:
        before = await answers(memory)
        assert of_the_index(asked) == []
        await tend(url)
        assert {question: set(found) for question, found in (await answers(memory)).items()} == {
            question: set(found) for question, found in before.items()
        }
    assert len(of_the_index(asked)) == len(QUESTIONS)


async def test_stats_say_which_way_a_search_goes_and_why(migrated_database, monkeypatch):
    url = migrated_database()
    async with opened(url) as memory:
        assert (await memory.stats())["whole_search"] == "exact: there are no vectors"
        await memory.add("A first note", user_id="a", infer=False)
        assert (await memory.stats())["whole_search"] == "exact: an index is used from 100 entries on, there are 1"
        await fill(url)
        assert (await memory.stats())["whole_search"].startswith("exact: no search of all 601 entries has asked")
        await memory.search("violin")
        assert (await memory.stats())["whole_search"].startswith("exact: an index of 601 entries")
        await tend(url)
        assert (await memory.stats())["whole_search"].startswith("hnsw: the index has 601 of 601 entries")
        await fill(url, users=range(50, 70))
        assert (await memory.stats())["whole_search"].startswith("exact: the index has 601 of 1,001 entries only")
        await tend(url)
        assert (await memory.stats())["whole_search"].startswith("hnsw: the index has 1,001 of 1,001 entries")
        monkeypatch.setattr(postgres_wide, "MOST_DIMENSIONS", 32)
        assert (await memory.stats())["whole_search"].startswith("exact: an index takes vectors of 32 dimensions")


async def test_an_embedded_store_says_that_it_reads_every_vector(tmp_path):
    async with AsyncMemory(tmp_path / "memory.db", embedder=FakeEmbedder(), background=False) as memory:
        await memory.add("A first note", user_id="a", infer=False)
        assert (await memory.stats())["whole_search"] == "exact: every vector is read"


async def test_who_waits_for_work_makes_the_index(migrated_database):
    url = migrated_database()
    await fill(url)
    async with opened(url) as memory:
        await memory.search("violin")
        async with asyncio.timeout(60):
            while not (await memory.stats())["whole_search"].startswith("hnsw"):
                await memory.wait_for_pending(0.1)


async def test_without_the_extension_everything_is_read_as_before(migrated_database, monkeypatch):
    url = migrated_database()
    await fill(url)

    async def absent(_):
        return False

    monkeypatch.setattr(postgres_near, "_has_vectors", absent)
    async with opened(url) as memory:
        every = await exactly(monkeypatch, memory)
        assert await answers(memory) == every
        await tend(url)
        assert await answers(memory) == every
        assert "CREATE EXTENSION vector" in (await memory.stats())["whole_search"]
