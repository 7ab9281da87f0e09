"""Users spread over database nodes behind a coordinator: one address, and each call goes where its rows are.

Two nodes and a coordinator, whose tables are made as `bench/cluster` makes them. All three are databases of one server,
but for the test in which a node dies.
"""

import contextlib
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import asyncpg
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench" / "cluster"))

from coordinator import Node, distribute

from mnemic import AsyncMemory
from mnemic.errors import InvalidScope, StoreError, StoreUnavailable
from mnemic.protocols import ORDERS, Ask, Space, Where
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.postgres_nodes import PostgresNodes
from mnemic.stores.postgres_schema import SCHEMA
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.times import now
from mnemic.types import Scope

USERS = [f"user{number}" for number in range(12)]


async def make_coordinator(url, nodes):
    """Tables over two nodes that have theirs."""
    foreign = []
    for number, node in enumerate(nodes):
        parts = urlsplit(node)
        foreign.append(
            Node(
                name=f"node{number}",
                hosts=[parts.hostname],
                ports=[parts.port],
                database=parts.path[1:],
                user=unquote(parts.username),
                password=unquote(parts.password or ""),
            )
        )
    async with connected(url) as connection:
        await distribute(connection, foreign, schema=SCHEMA)


@contextlib.asynccontextmanager
async def connected(url):
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def addresses(_databases, _migrated):
    """The coordinator and its nodes, for all tests of this file: each has a project of its own."""
    made = [_databases.make(), _databases.make(_migrated), _databases.make(_migrated)]
    _databases.run(make_coordinator(made[0], made[1:]))
    yield made
    for url in made:
        _databases.drop(url)


@pytest.fixture
async def coordinator(new_database, migrated_database):
    """The address of one that a test has to itself."""
    url = new_database()
    await make_coordinator(url, [migrated_database(), migrated_database()])
    return url


@pytest.fixture
def project():
    return f"project-{uuid4().hex}"


@contextlib.asynccontextmanager
async def opened(url, project="default", **arguments):
    """A memory behind an address, and its store."""
    store = PostgresNodes(url, project=project, timeout=arguments.pop("timeout", 60.0))
    arguments = {"embedder": FakeEmbedder(), "extractor": FakeExtractor(), "background": False} | arguments
    async with AsyncMemory(store=store, project=project, **arguments) as memory:
        await store.open()
        yield memory, store


async def last_asked(url):
    """When the store last sent anything to a database, over any connection that it has; None without one."""
    query = "SELECT max(query_start) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'mnemic'"
    async with connected(url) as connection:
        return await connection.fetchval(query)


async def users_on(url, project):
    async with connected(url) as connection:
        query = f"SELECT user_id FROM {SCHEMA}.memories WHERE project = $1 ORDER BY id"
        return [row["user_id"] for row in await connection.fetch(query, project)]


def one_of_each(store, project):
    """A user on each node."""
    at = {store.node(Scope(project=project, user_id=user)): user for user in USERS}
    return at[0], at[1]


async def test_everybody_on_any_node_is_counted_and_a_run_on_both_once(addresses, project):
    async with opened(addresses[0], project) as (memory, store):
        users = one_of_each(store, project)
        for user in users:
            await memory.add(f"{user} keeps bees", user_id=user, run_id="r", infer=False)
        people = await store.people(project)
    named = [(each.field, each.name, each.memories) for each in people]
    assert named == [*(("user_id", user, 1) for user in sorted(users)), ("run_id", "r", 2)]
    *both, run = people
    assert (run.since, run.until) == (min(each.since for each in both), max(each.until for each in both))


async def test_users_of_one_project_spread_and_each_has_all_rows_on_their_node(addresses, project):
    async with opened(addresses[0], project) as (memory, store):
        for user in USERS * 2:
            await memory.add(f"{user} keeps bees", user_id=user, infer=False)
        found = {user: store.node(Scope(project=project, user_id=user)) for user in USERS}
    there = [await users_on(url, project) for url in addresses[1:]]
    assert [sorted(set(users)) for users in there] == [sorted(u for u in USERS if found[u] == n) for n in (0, 1)]
    assert all(there)
    assert await users_on(addresses[0], project) != []  # the coordinator's tables show what the nodes have
    async with connected(addresses[0]) as connection:
        assert (
            await connection.fetchval(
                "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = $1::text::regnamespace", SCHEMA
            )
            == 0
        )


async def test_a_users_calls_reach_their_node_and_no_other(addresses, project):
    async with opened(addresses[0], project) as (memory, store):
        user = one_of_each(store, project)[1]
        await memory._engine.ready()  # looks up the embedding space on one node that has it, whichever
        before = [await last_asked(url) for url in addresses]
        [kept] = (await memory.add("I live in Oslo", user_id=user, infer=False))["results"]
        await memory.add("I work in Bergen", user_id=user)
        assert (await memory.search("Where do I live?", user_id=user))["results"]
        assert (await memory.get_all(user_id=user))["total"] == 2
        await memory.update(kept["id"], "I live in Tartu")
        assert (await memory.get(kept["id"]))["memory"] == "I live in Tartu"
        assert len(await memory.history(kept["id"])) == 2
        await memory.delete(kept["id"])
        await memory.delete_all(user_id=user)
        await memory.erase(user_id=user)
        asked = [await last_asked(url) for url in addresses]
        assert asked[:2] == before[:2]
        assert asked[2] is not None
        assert asked[2] != before[2]


async def test_an_id_is_looked_up_on_its_node_alone(addresses, project):
    async with opened(addresses[0], project) as (memory, store):
        user = one_of_each(store, project)[1]
        [kept] = (await memory.add("I live in Oslo", user_id=user, infer=False))["results"]
    async with opened(addresses[0], project) as (memory, store):
        assert store.node_of_id(kept["id"]) == 1
        await memory._engine.ready()
        before = [await last_asked(url) for url in addresses]
        assert (await memory.get(kept["id"]))["memory"] == "I live in Oslo"
        asked = [await last_asked(url) for url in addresses]
        assert asked[:2] == before[:2]
        assert asked[2] != before[2]


async def fill(memory):
    """Users of one agent, its own memories, entities, changes and a message that waits."""
    for user in [*USERS, None]:
        whose = {"agent_id": "helper"} | ({} if user is None else {"user_id": user})
        for text in (f"{user} met Ana in Oslo", f"{user} keeps bees"):
            await memory.add(text, infer=False, **whose)
    for times, user in enumerate(USERS[:5]):
        for number in range(times + 1):
            await memory.add(f"My sister Ana works at Acme {number}.", user_id=user, agent_id="helper")
    await memory.add("I row at six", user_id=USERS[0], agent_id="helper", wait="stored")


async def test_what_names_no_user_is_joined_in_the_order_of_one_database(addresses, project, migrated_database):
    helper = Scope(project=project, agent_id="helper")
    single = PostgresStore(migrated_database(), project=project)
    await single.open()
    async with opened(addresses[0], project, extractor=None) as (memory, nodes):
        await fill(memory)
        for number in range(2):  # all of both nodes into the one
            part, lines = nodes.store(number), []
            await part.export(Scope(project=project), lines.extend)
            space = await part.space()
            await single.import_([line for line in lines if line[0] not in ("start", "usage")], project, space)
        for scope in (helper, Scope(project=project)):
            where = Where(scope=scope, now=now())
            for order in ORDERS:
                assert await walked(nodes.page, "memories", where, order=order) == await walked(
                    single.page, "memories", where, order=order
                )
            states = ("pending", "done")
            assert await walked(nodes.log, "episodes", scope, states) == await walked(
                single.log, "episodes", scope, states
            )
            since = now() - timedelta(hours=1)
            assert await walked(nodes.changes, "events", scope, since=since) == await walked(
                single.changes, "events", scope, since=since
            )
            for limit in (5, None):
                asked = {"attributes": ("job",), "limit": limit}
                assert await nodes.foremost(where, **asked) == await single.foremost(where, **asked)
            ours, theirs = await nodes.counts(scope), await single.counts(scope)
            assert replace(ours, bytes=0, whole="") == replace(theirs, bytes=0, whole="")
            assert await nodes.due(scope) == await single.due(scope)
            known = await nodes.entities(scope, limit=100)
            assert known == await single.entities(scope, limit=100)
            ids = [each.id for each in known.entities]
            assert len(ids) > 5
            page = {"limit": 2, "cursor": ids[1]}
            assert await nodes.entities(scope, **page) == await single.entities(scope, **page)
            assert (await nodes.resolve(scope, ["ana", ids[0]])).keys() == {"ana", ids[0]}
            near, near_by = await nodes.naming(scope, ids), await single.naming(scope, ids)
            assert (set(near.entities), near.relations, near.mentions) == (
                set(near_by.entities),
                near_by.relations,
                near_by.mentions,
            )
        found = (await memory.search("Who keeps bees?", agent_id="helper", limit=50, threshold=0))["results"]
        assert {hit["user_id"] for hit in found if "keeps bees" in hit["memory"]} == {*USERS, None}
        assert (await nodes.verify())[1] == ()
    await single.close()


async def walked(listing, name, *asked, **named):
    """What all pages of a listing show, and how many each said there are."""
    shown, cursor, totals = [], None, set()
    while True:
        page = await listing(*asked, limit=4, cursor=cursor, **named)
        shown += getattr(page, name)
        totals.add(page.total)
        cursor = page.next_cursor
        if cursor is None:
            return shown, totals


async def test_what_one_transaction_would_need_several_nodes_for_is_refused_and_names_them(
    addresses, project, tmp_path
):
    async with opened(addresses[0], project) as (memory, store):
        for user in USERS:
            await memory.add("Met in Oslo", user_id=user, agent_id="helper", infer=False)
        with pytest.raises(InvalidScope, match=f"name a user.*{store.nodes[0]}, {store.nodes[1]}"):
            await memory.delete_all(agent_id="helper")
        with pytest.raises(InvalidScope, match="name a user"):
            await memory.export(tmp_path / "all")
        with pytest.raises(StoreError, match="coordinator of 2 nodes"):
            await memory.backup(tmp_path / "copy")
        assert (await memory.get_all(agent_id="helper"))["total"] == len(USERS)
        await memory.export(tmp_path / "one", user_id=USERS[0])
        erased = (await memory.erase(agent_id="helper"))["erased"]
        assert erased["memories"] == len(USERS)
        await memory.import_export(tmp_path / "one")
        assert (await memory.get_all(agent_id="helper"))["total"] == 1


@pytest.mark.behaviour("W11")
async def test_what_an_agent_forgot_is_not_learnt_again_from_its_users_on_any_node(addresses, project):
    async with opened(addresses[0], project) as (memory, store):
        [kept] = (await memory.add("The code word is heron", agent_id="helper", infer=False))["results"]
        await memory.forget(kept["id"])
        for user in one_of_each(store, project):
            scope = Scope(project=project, user_id=user, agent_id="helper")
            assert len((await store.around(Ask(scope=scope))).tombstones) == 1


async def test_messages_that_wait_are_worked_off_on_every_node(addresses, project):
    async with opened(addresses[0], project) as (memory, _):
        for user in USERS:
            await memory.add(f"{user} keeps bees", user_id=user, wait="stored")
        assert (await memory.process_pending(limit=3))["pending"] > 0
        done = await memory.process_pending()
        assert done["pending"] == 0
        assert (await memory.stats())["memories"] == len(USERS)


async def test_a_move_to_another_embedder_is_made_on_every_node(coordinator):
    async with opened(coordinator) as (memory, _):
        for user in USERS:
            await memory.add("I keep bees", user_id=user, infer=False)
    store = PostgresNodes(coordinator)
    memory = AsyncMemory(
        store=store, embedder=FakeEmbedder(dimensions=32, name="fake:other"), extractor=FakeExtractor()
    )
    try:
        assert (await memory.reindex())["embedded"] == len(USERS)
        assert {(await store.store(number).space()) for number in range(2)} == {Space(name="fake:other", dimensions=32)}
        assert len((await memory.search("bees", user_id=USERS[0]))["results"]) == 1
    finally:
        await memory.close()


async def test_an_address_of_one_database_is_that_database(migrated_database, tmp_path):
    url = migrated_database()
    async with opened(url) as (memory, store):
        await memory.add("I keep bees", user_id="alice", agent_id="helper", infer=False)
        assert store.nodes == (store.address,)
        await memory.backup(tmp_path / "copy")
        await memory.delete_all(agent_id="helper")
        assert (await memory.stats())["memories"] == 0


async def test_a_coordinator_that_lacks_a_part_is_not_opened(coordinator):
    async with connected(coordinator) as connection:
        await connection.execute(f"ALTER TABLE {SCHEMA}.memories DETACH PARTITION node1.memories")
    with pytest.raises(StoreError, match="do not hold each of the 4096 partitions once"):
        await PostgresNodes(coordinator).open()


@pytest.mark.behaviour("S1")
async def test_users_of_other_nodes_go_on_when_one_dies_and_its_own_are_told(new_database, durable_server):
    server = durable_server()
    nodes = [new_database(), server.url]
    for url in nodes:
        store = PostgresStore(url)
        await store.open()
        await store.close()
    coordinator = new_database()
    await make_coordinator(coordinator, nodes)
    async with opened(coordinator, timeout=1.0) as (memory, store):
        there, gone = one_of_each(store, "default")
        [kept] = (await memory.add("I keep bees", user_id=gone, infer=False))["results"]
        await memory.add("I keep wasps", user_id=there, infer=False)
        server.kill()
        for call in (
            memory.search("bees", user_id=gone),
            memory.add("I keep hens", user_id=gone, infer=False),
            memory.get(kept["id"]),
            memory.stats(),
        ):
            with pytest.raises(StoreUnavailable, match=str(urlsplit(server.url).port)):
                await call
        await memory.add("I keep ducks", user_id=there, wait="stored")
        assert len((await memory.search("wasps", user_id=there, threshold=0))["results"]) == 2
        assert (await store.due()) is not None  # who works off messages goes on with those of the others
        at = now()
        assert len(await store.lease(now=at, until=at, limit=1)) == 1
        async with opened(coordinator, timeout=1.0) as (late, _):  # who comes only now
            assert (await late.get_all(user_id=there))["total"] == 1
        server.start()
        assert (await memory.get(kept["id"]))["memory"] == "I keep bees"
        assert (await memory.stats())["memories"] == 2
