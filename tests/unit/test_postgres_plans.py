"""How PostgreSQL goes about what a user's calls ask of it: by an index, to the user's own rows, and nothing else.

The statements are those that the calls really run, with their values, in a database with some thousand owners. They
are explained by the role and with the settings of the store, so that the second wall is part of every plan.
"""

from __future__ import annotations

import contextlib
import json
import re

import asyncpg
import pytest

from mnemic import AsyncMemory
from mnemic.stores import postgres
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.postgres_db import PostgresDb, numbered
from mnemic.stores.relational.read import Reader
from mnemic.testing.fakes import FakeEmbedder

PROJECT = "plans"
OTHERS = 4_000
EACH = 5

# A handful of rows in any store, or one a project and day.
SMALL = {"spaces", "settings", "usage"}
# What lies in no user's partition: an index of the project's rows of one agent or one run.
NARROW = re.compile(r"\b(partition|number|owner|entry|block|id|memory_id|episode_id|user_id|agent_id|run_id) (=|>|<)")


@pytest.fixture(scope="module")
def filled(postgres_server, _migrated, _databases):
    """The URL of a store with a user of a hundred memories among thousands of owners."""
    url = _databases.make(_migrated)
    _databases.run(_fill(url))
    yield url
    _databases.drop(url)


async def _fill(url):
    async with opened(url) as memory:
        for part in range(5):
            texts = [f"Mei bought {number} red lanterns in Tainan" for number in range(20 * part, 20 * part + 20)]
            await memory.add(texts, user_id="mei", agent_id="shopper", run_id=f"r{part}", infer=False)
        await memory.add("My sister Ana lives in Taipei and works as a nurse.", user_id="mei")
    async with connected(url) as connection:
        await connection.execute(_COPY)
        await connection.execute("ANALYZE")


@contextlib.asynccontextmanager
async def connected(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def opened(url):
    store = PostgresStore(url, project=PROJECT)
    return AsyncMemory(store=store, project=PROJECT, embedder=FakeEmbedder(), background=False)


# Rows of others: copies of the first user's, with places, ids and names of their own.
_COPY = f"""
SET search_path = mnemic, public;
CREATE FUNCTION pg_temp.id_of(partition integer, n integer, kind text, k integer) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT left(h, 8) || '-' || substr(h, 9, 4) || '-8' || lpad(to_hex(partition), 3, '0') || '-8' || substr(h, 13, 3)
        || '-' || substr(h, 17, 12) FROM md5(n || kind || k) AS h
$$;
CREATE TEMP TABLE other AS SELECT n, p AS partition, (p::bigint << 27) + n + 1000 AS number, 'user' || n AS name
FROM generate_series(1, {OTHERS}) AS n, LATERAL (SELECT n * 7919 % 4096 AS p) AS placed;
CREATE FUNCTION pg_temp.copy_of(name regclass, source text, changes text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    columns text := (SELECT string_agg(attname, ', ') FROM pg_attribute
        WHERE attrelid = name AND attnum > 0 AND attgenerated = '' AND NOT attisdropped);
    copied text := (SELECT string_agg('made.' || attname, ', ') FROM pg_attribute
        WHERE attrelid = name AND attnum > 0 AND attgenerated = '' AND NOT attisdropped);
BEGIN
    EXECUTE format(
        'INSERT INTO %s (%s) SELECT %s FROM (%s) AS first, other AS o,
        LATERAL jsonb_populate_record(NULL::%s, to_jsonb(first.one)
            || jsonb_build_object(''partition'', o.partition) || jsonb_build_object(%s)) AS made',
        name, columns, copied, source, name, changes
    );
END $$;
SELECT pg_temp.copy_of('owners', 'SELECT t AS one FROM owners AS t WHERE name = ''mei''',
    '''number'', o.number, ''name'', o.name');
SELECT pg_temp.copy_of('memories',
    'SELECT t AS one, row_number() OVER (ORDER BY entry)::integer AS k FROM memories AS t ORDER BY entry LIMIT {EACH}',
    '''entry'', (o.number << 24) + k, ''owner'', o.number, ''id'', pg_temp.id_of(o.partition, n, ''m'', k), ''user_id'', o.name,
    ''run_id'', ''run'' || n, ''agent_id'', ''agent'' || n');
SELECT pg_temp.copy_of('episodes',
    'SELECT t AS one, row_number() OVER (ORDER BY entry)::integer AS k FROM episodes AS t ORDER BY entry LIMIT {EACH}',
    '''entry'', (o.number << 24) + k, ''owner'', o.number, ''id'', pg_temp.id_of(o.partition, n, ''e'', k), ''user_id'', o.name,
    ''run_id'', ''run'' || n, ''agent_id'', ''agent'' || n');
SELECT pg_temp.copy_of('sources', 'SELECT t AS one, k FROM (SELECT * FROM sources LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''memory_id'', pg_temp.id_of(o.partition, n, ''m'', k), ''episode_id'', pg_temp.id_of(o.partition, n, ''e'', k)');
SELECT pg_temp.copy_of('history', 'SELECT t AS one, k FROM (SELECT * FROM history LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''memory_id'', pg_temp.id_of(o.partition, n, ''m'', k), ''id'', pg_temp.id_of(o.partition, n, ''h'', k), ''owner'', o.number');
SELECT pg_temp.copy_of('changes', 'SELECT t AS one, k FROM (SELECT * FROM changes LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''id'', pg_temp.id_of(o.partition, n, ''c'', k), ''user_id'', o.name');
SELECT pg_temp.copy_of('blocks', 'SELECT t AS one FROM (SELECT * FROM blocks LIMIT 1) AS t', '''block'', o.number << 18');
SELECT pg_temp.copy_of('vectors_1', 'SELECT t AS one FROM (SELECT * FROM vectors_1 LIMIT 1) AS t', '''block'', o.number << 18');
SELECT pg_temp.copy_of('exact_1', 'SELECT t AS one, k FROM (SELECT * FROM exact_1 LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''entry'', (o.number << 24) + k');
SELECT pg_temp.copy_of('entities', 'SELECT t AS one FROM (SELECT * FROM entities LIMIT 1) AS t',
    '''id'', pg_temp.id_of(o.partition, n, ''x'', 1), ''owner'', o.number, ''user_id'', o.name');
SELECT pg_temp.copy_of('names', 'SELECT t AS one FROM (SELECT * FROM names LIMIT 1) AS t',
    '''owner'', o.number, ''entity_id'', pg_temp.id_of(o.partition, n, ''x'', 1)');
SELECT pg_temp.copy_of('mentions', 'SELECT t AS one, k FROM (SELECT * FROM mentions LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''memory_id'', pg_temp.id_of(o.partition, n, ''m'', k), ''entity_id'', pg_temp.id_of(o.partition, n, ''x'', 1)');
SELECT pg_temp.copy_of('runs', 'SELECT t AS one, k FROM (SELECT project, 0 AS place FROM memories LIMIT 1) AS t, generate_series(1, {EACH}) AS k',
    '''memory_id'', pg_temp.id_of(o.partition, n, ''m'', k), ''run_id'', ''again'' || n');
"""


async def _search(memory):
    await memory.search("Where did I buy red lanterns?", user_id="mei")


async def _search_for_a_name(memory):
    await memory.search("What does Ana do?", user_id="mei")


async def _search_with_a_filter(memory):
    await memory.search("red lanterns", user_id="mei", filters={"colour": "red"})


async def _search_of_a_time(memory):
    await memory.search("What did I buy last week?", user_id="mei")


async def _search_the_past(memory):
    await memory.search("red lanterns", user_id="mei", as_of="2026-01-01")


async def _search_a_run_of_a_user(memory):
    await memory.search("red lanterns", user_id="mei", run_id="r1")


async def _add(memory):
    await memory.add("Green lanterns are dearer", user_id="mei", infer=False)


async def _add_by_rules(memory):
    await memory.add("My brother Ben lives in Hualien.", user_id="mei")


async def _get(memory):
    found = await memory.get_all(user_id="mei", limit=1)
    await memory.get(found["results"][0]["id"])


async def _get_all(memory):
    await memory.get_all(user_id="mei")


async def _history(memory):
    found = await memory.get_all(user_id="mei", limit=1)
    await memory.history(found["results"][0]["id"])


async def _update(memory):
    found = await memory.get_all(user_id="mei", limit=1)
    await memory.update(found["results"][0]["id"], "Mei bought blue lanterns")


async def _delete(memory):
    found = await memory.get_all(user_id="mei", limit=1)
    await memory.delete(found["results"][0]["id"])


async def _search_an_agent(memory):
    await memory.search("red lanterns", agent_id="shopper")


async def _search_a_run(memory):
    await memory.search("red lanterns", run_id="r1")


OF_ONE_USER = [
    _search,
    _search_for_a_name,
    _search_with_a_filter,
    _search_of_a_time,
    _search_the_past,
    _search_a_run_of_a_user,
    _add,
    _add_by_rules,
    _get,
    _get_all,
    _history,
    _update,
    _delete,
]
OF_OTHER_SCOPES = [_search_an_agent, _search_a_run]


@pytest.fixture
def statements(monkeypatch):
    """What was run, with the values of the first time."""
    seen = {}
    run = PostgresDb._execute

    async def noting(self, sql, values):
        seen.setdefault(sql, list(values))
        return await run(self, sql, values)

    monkeypatch.setattr(PostgresDb, "_execute", noting)
    return seen


@pytest.mark.behaviour("R3")
@pytest.mark.parametrize("call", OF_ONE_USER, ids=lambda call: call.__name__.strip("_"))
async def test_what_a_user_asks_is_found_by_an_index_in_one_partition(filled, statements, call):
    async with opened(filled) as memory:
        await call(memory)
    plans = await explained(filled, statements)
    assert plans
    reads = [(sql, node) for sql, plan in plans.items() for node in scans(plan)]
    assert [shown(sql, node) for sql, node in reads if not is_narrow(node)] == []
    # As what it must hold wherever the row is found, too: a table that is divided is then asked for one part.
    assert [shown(sql, node) for sql, node in reads if not is_of_a_partition(node)] == []


@pytest.mark.parametrize("call", OF_OTHER_SCOPES, ids=lambda call: call.__name__.strip("_"))
async def test_an_agent_or_a_run_is_found_by_its_own_index(filled, statements, call):
    async with opened(filled) as memory:
        await call(memory)
    plans = await explained(filled, statements)
    assert [shown(sql, node) for sql, plan in plans.items() for node in scans(plan) if not is_narrow(node)] == []


async def test_what_has_conditions_is_planned_for_its_values_however_often_it_ran(filled):
    store = PostgresStore(filled, project=PROJECT, connections=1)
    async with AsyncMemory(store=store, project=PROJECT, embedder=FakeEmbedder(), background=False) as memory:
        for _ in range(20):
            await _search_with_a_filter(memory)
            await _search_of_a_time(memory)
            await _get_all(memory)
        rows = await store._read(
            lambda reader: reader.db.execute(
                "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"
            ).fetchall()
        )
    assert max(custom for _, _, custom in rows) >= 20
    assert [statement for statement, generic, _ in rows if generic and "$1" in statement] == []


async def test_a_search_is_planned_once_and_looks_up_keys_whatever_the_values(filled, monkeypatch):
    seen, run = {}, Reader.find

    def noting(reader, probe):
        execute = reader.db.execute
        reader.db.execute = lambda sql, values=(): (seen.setdefault(numbered(sql), list(values)), execute(sql, values))[
            1
        ]
        return run(reader, probe)

    monkeypatch.setattr(Reader, "find", noting)
    async with opened(filled) as memory:
        await _search(memory)
        await _search_for_a_name(memory)
    plans = await explained(filled, seen, whatever_the_values=True)
    reads = [(sql, node) for sql, plan in plans.items() for node in scans(plan)]
    assert {node["Relation Name"] for _, node in reads} >= {
        "owners",
        "blocks",
        "vectors_1",
        "exact_1",
        "episodes",
        "memories",
    }
    assert [shown(sql, node) for sql, node in reads if not is_narrow(node) or not is_of_a_partition(node)] == []
    # A partition may hold one user's million of memories: their entry or id is looked up, too.
    wide = [node for _, node in reads if node["Relation Name"] in ("memories", "episodes", "exact_1")]
    assert [node for node in wide if not re.search(r"\b(entry|id|memory_id) =", node.get("Index Cond", ""))] == []


@pytest.mark.parametrize("call", [_add, _add_by_rules, _update, _delete], ids=lambda call: call.__name__.strip("_"))
async def test_a_commit_is_planned_once_and_looks_up_keys_whatever_the_values(filled, statements, call):
    async with opened(filled) as memory:
        await call(memory)
    plans = await explained(filled, statements, whatever_the_values=True)
    reads = [(sql, node) for sql, plan in plans.items() for node in scans(plan)]
    assert reads
    assert [shown(sql, node) for sql, node in reads if not is_narrow(node) or not is_of_a_partition(node)] == []


async def test_a_search_that_forgets_the_scope_is_caught(filled):
    forgetful = {"SELECT id FROM memories WHERE current AND lower(text) = $1": ["x"]}
    plans = await explained(filled, forgetful)
    assert [node for plan in plans.values() for node in scans(plan) if not is_narrow(node)]


async def explained(url, statements, *, whatever_the_values=False):
    """The plan of each statement, as the store's own connections make it: for its values, or for any."""
    plans = {}
    async with connected(url) as connection:
        for name, value in postgres._SETTINGS.items():
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
        await connection.execute("SET ROLE mnemic")
        await connection.execute("SELECT set_config('mnemic.project', $1, false)", PROJECT)
        for sql, values in statements.items():
            async with connection.transaction():
                if whatever_the_values:
                    await connection.execute(f"{postgres._PLANNED_ONCE}; PREPARE one AS {sql}")
                    bound = f"({', '.join(['NULL'] * len(values))})" if values else ""
                    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE one{bound}")
                    await connection.execute("DEALLOCATE one")
                else:
                    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
                plans[sql] = json.loads(told)[0]["Plan"]
    return plans


def scans(plan):
    """Every node of a plan that reads a table of ours."""
    if "Relation Name" in plan and plan["Node Type"] != "ModifyTable" and plan["Relation Name"] not in SMALL:
        yield plan
    for part in plan.get("Plans", ()):
        yield from scans(part)


def is_narrow(node):
    if node["Node Type"] == "Bitmap Heap Scan":
        return bool(NARROW.search(node["Recheck Cond"]))
    return node["Node Type"] != "Seq Scan" and bool(NARROW.search(node.get("Index Cond", "")))


def is_of_a_partition(node):
    return any(_PARTITION.search(node.get(where, "")) for where in ("Index Cond", "Recheck Cond", "Filter"))


_PARTITION = re.compile(r"\bpartition = |= partition\b")


def shown(sql, node):
    found = " ".join(f"{name} {node[name]}" for name in ("Index Cond", "Recheck Cond", "Filter") if name in node)
    return f"{node['Node Type']} of {node['Relation Name']} by {found}: {' '.join(sql.split())}"
