"""Several database nodes for one project's users, shown: spread, one node a user, and a node killed under load.

    python bench/cluster/demo.py [--memories 1000000] [--users 10000] [--seconds 10]

Starts three nodes (each a primary and a synchronous standby, under Patroni and etcd) and a coordinator on this machine,
loads random memories straight into each user's node, and prints what is where and what it takes. Everything runs on the
same processors, so times say what a call costs and not what a cluster can bear. Needs `apt-get install etcd-server`;
Patroni is installed on the first run. At a million memories: some 20 GB of disk in the temporary folder and a quarter of an hour. Whatever ends it, an interrupt
too, it stops what it started and removes its files.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import platform
import random
import re
import signal
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from unittest import mock

import asyncpg
from cluster import Cluster, Late
from load import Load
from users import Users, fill, open_users

from mnemic.ids import new_id, partition_of
from mnemic.stores.postgres_db import PostgresDb, numbered

CALLS = 100  # of each kind, for a median
WARM = 20  # before them, not counted
GOODBYE = 30  # seconds
AT_ONCE = 6  # connections that load: two a node
SIZES = """
SELECT relname, pg_table_size(oid), pg_indexes_size(oid)
FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'mnemic'::regnamespace AND pg_total_relation_size(oid) > 1e6
ORDER BY pg_total_relation_size(oid) DESC
"""
SAID = "I moved to {0} street and like it there"


def row(name: str, value: object) -> None:
    print(f"{name:68} {value}", flush=True)


async def show(memories: int, owners: int, seconds: float) -> None:
    start = time.perf_counter()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    cluster = await Cluster().start()
    try:
        row("machine", f"{platform.machine()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}")
        row("3 nodes with a synchronous standby each, and a coordinator: up in", f"{time.perf_counter() - start:.1f} s")
        users = await open_users(cluster)
        try:
            await load(users, memories, owners)
            await spread(cluster, users, owners)
            await one_node(cluster, users, owners)
            await times(users, owners)
            await killed(cluster, users, owners, node=0, machine=False, seconds=seconds)
            await killed(cluster, users, owners, node=1, machine=True, seconds=seconds)
        finally:
            # Closing waits for what is under way, and a commit waits for a standby that may never come. It ends when
            # the servers do.
            with suppress(TimeoutError):
                await asyncio.wait_for(users.close(), GOODBYE)
    finally:
        cluster.stop()


async def load(users: Users, memories: int, owners: int) -> None:
    start = time.perf_counter()
    await fill(users, owners=owners, each=memories // owners, at_once=AT_ONCE)
    took = time.perf_counter() - start
    row(f"{memories:,} memories of {owners:,} users loaded in", f"{took:,.0f} s, {memories / took:,.0f} a second")


async def spread(cluster: Cluster, users: Users, owners: int) -> None:
    """Where the users of the one project are: by the map, by the rows that the coordinator counts, and by size."""
    by_map = Counter(users.node(f"user{number}") for number in range(owners))
    rows = await users.coordinator.fetch("SELECT tableoid::regclass::text AS part, count(*) FROM memories GROUP BY 1")
    found = {row["part"].split(".")[0]: row["count"] for row in rows}
    for node, count in sorted(by_map.items()):
        db = await asyncpg.connect(cluster.dsn(node))
        size = await db.fetchval("SELECT pg_database_size(current_database())")
        row(f"node {node}: users, memories, size", f"{count:,}, {found[f'node{node}']:,}, {size / 1e9:.2f} GB")
        if node == 0:
            for name, table, indexes in await db.fetch(SIZES):
                a_memory = f"{table / found['node0']:,.0f} + {indexes / found['node0']:,.0f}"
                row(f"  {name}: bytes a memory, rows + indexes", a_memory)
        await db.close()


async def one_node(cluster: Cluster, users: Users, owners: int) -> None:
    """Where every statement for one user is sent, and which nodes it would reach by the plans of the coordinator."""
    user = f"user{owners // 2}"
    memory, node_at = users.memory, {port: node for node in range(cluster.size) for port in cluster.ports(node)}
    row(f"one user, whose node is {users.node(user)}; each call of theirs", "")
    [kept] = (await memory.add(SAID.format(1), user_id=user, infer=False))["results"]
    calls: list[tuple[str, Callable[[], Awaitable[object]]]] = [
        ("get(id)", lambda: memory.get(kept["id"])),
        ("search(user)", lambda: memory.search("where do I live", user_id=user)),
        ("get_all(user)", lambda: memory.get_all(user_id=user)),
        ("add(user)", lambda: memory.add(SAID.format(2), user_id=user, infer=False)),
        ("update(id)", lambda: memory.update(kept["id"], SAID.format(3))),
        ("history(id)", lambda: memory.history(kept["id"])),
        ("delete(id)", lambda: memory.delete(kept["id"])),
    ]
    for name, call in calls:
        with statements() as sent:
            await call()
        to = Counter(f"node{node_at[port]}" for _, _, port in sent)
        row(f"  {name}: statements and where they were sent", ", ".join(f"{n} to {where}" for where, n in to.items()))
        reached: Counter[str] = Counter()
        notes: Counter[str] = Counter()
        for query, values, _ in sent:
            where = await reach(users, query, values)
            if not where:
                continue  # of no divided table: a setting, a lock, what a node keeps for itself
            reached[" and ".join(sorted(where))] += 1
            if where != {f"node{users.node(user)}"}:
                notes[f"{', '.join(sorted(where))}: {' '.join(query.split())}"] += 1
        row(
            "    of divided tables, and which nodes the coordinator would ask",
            ", ".join(f"{n} {where}" for where, n in sorted(reached.items())),
        )
        for note, count in notes.items():
            print(f"      {count} x {note[:200]}")
    query = "SELECT * FROM memories WHERE partition = $1 AND id = $2 AND current"
    plan = await explained(users.coordinator, query, [partition_of(kept["id"]), kept["id"]])
    print(f"  {query}")
    print("\n".join(f"      {line[:160]}" for line in plan))


@contextmanager
def statements() -> Iterator[list[tuple[str, Sequence[object], int]]]:
    """What stores send meanwhile: each statement, its values (of those for many rows, the first), the server's port."""
    sent: list[tuple[str, Sequence[object], int]] = []
    one, many = PostgresDb.execute, PostgresDb.executemany

    def execute(db: PostgresDb, sql: str, values: Sequence[object] = ()) -> object:
        sent.append((numbered(sql), values, db._connection._addr[1]))
        return one(db, sql, values)

    def executemany(db: PostgresDb, sql: str, rows: Iterable[Sequence[object]]) -> None:
        every = list(rows)
        sent.extend((numbered(sql), values, db._connection._addr[1]) for values in every[:1])
        many(db, sql, every)

    with mock.patch.multiple(PostgresDb, execute=execute, executemany=executemany):
        yield sent


async def reach(users: Users, query: str, values: Sequence[object]) -> set[str]:
    """The nodes whose divided tables a statement reaches, sent to the coordinator."""
    if not set(re.findall(r"\w+", query)) & set(users.divided):
        return set()
    try:
        plan = await explained(users.coordinator, query, values)
    except asyncpg.InvalidColumnReferenceError:  # ON CONFLICT: foreign tables have no unique key
        return {"none, as it refuses ON CONFLICT"}
    found = re.findall(r"\bon (node\d+)\.(\w+)", "\n".join(plan))
    reached = {node for node, table in found if table in users.divided}
    for columns, given in ADDED.findall(query):  # a plan does not say where a row will go; its partition does
        number = int(re.findall(r"\$(\d+)", given)[columns.split(", ").index("partition")])
        said = values[number - 1]
        partitions = said if isinstance(said, list) else [said]
        reached |= {f"node{users.store.node_of_id(new_id(each))}" for each in partitions}
    return reached


ADDED = re.compile(r"INSERT INTO \w+ \(([^)]*)\)\s*(?:VALUES|SELECT \* FROM unnest)\s*\(([^)]*)\)")


async def explained(coordinator: asyncpg.Connection, query: str, values: Sequence[object]) -> list[str]:
    return [line[0] for line in await coordinator.fetch(f"EXPLAIN (VERBOSE, COSTS OFF) {query}", *values)]


async def times(users: Users, owners: int) -> None:
    """Medians, each user on their node, quiet."""
    drawn = random.Random(7)
    some = [f"user{drawn.randrange(owners)}" for _ in range(CALLS)]
    memory = users.memory
    ids = [(await memory.get_all(user_id=user, limit=1))["results"][0]["id"] for user in some]

    async def through(number: int) -> object:
        query = "SELECT * FROM memories WHERE partition = $1 AND id = $2 AND current"
        return await users.coordinator.fetch(query, partition_of(ids[number]), ids[number])

    async def listed(number: int) -> object:
        query = "SELECT text FROM memories WHERE partition = $1 AND project = 'default' AND user_id = $2 AND current"
        return await users.coordinator.fetch(query, partition_of(ids[number]), some[number])

    kinds: list[tuple[str, Callable[[int], Awaitable[object]]]] = [
        ("get(id), at the node its id names", lambda n: memory.get(ids[n])),
        ("search of a user, at their node", lambda n: memory.search(f"street {n}", user_id=some[n])),
        (
            "add of one message, at their node, acknowledged by the standby",
            lambda n: memory.add(SAID.format(n), user_id=some[n], infer=False),
        ),
        ("the row of an id, through the coordinator", through),
        ("all texts of a user, through the coordinator", listed),
    ]
    for name, call in kinds:
        taken = []
        for number in range(-WARM, CALLS):
            start = time.perf_counter()
            await call(number)
            if number >= 0:
                taken.append(time.perf_counter() - start)
        row(name, f"median {statistics.median(taken) * 1e3:.1f} ms")


async def killed(cluster: Cluster, users: Users, owners: int, *, node: int, machine: bool, seconds: float) -> None:
    """One node's primary is killed while every node's users read and write."""
    whose = defaultdict(list)
    for number in range(owners):
        whose[users.node(f"user{number}")].append(f"user{number}")

    async def write(turn: int, where: int) -> str:
        user = whose[where][turn % len(whose[where])]
        kept = await users.memory.add(f"{SAID.format(turn)} {random.random()}", user_id=user, infer=False)
        return kept["results"][0]["id"]

    async def read(turn: int, where: int) -> str:
        user = whose[where][turn % len(whose[where])]
        await users.memory.search(f"street {turn}", user_id=user, threshold=0)
        return user

    writers = [Load(functools.partial(write, where=each)) for each in range(cluster.size)]
    readers = [Load(functools.partial(read, where=each)) for each in range(cluster.size)]
    try:
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        gone = await cluster.kill(node, machine=machine)
        promoted = await cluster.wait_promoted(gone)
        if machine:
            cluster.bring_back(gone)
        await cluster.wait_whole(node)
        whole = time.perf_counter() - gone.at
        await asyncio.sleep(seconds)
        for each in (*writers, *readers):
            await each.stop()
    finally:
        for each in (*writers, *readers):
            each.cancel()
    what = "all that runs on the machine of its primary, Patroni too" if machine else "the postmaster of its primary"
    row(f"node {node}: kill -9 of {what}", "")
    row("  standby promoted after", f"{promoted:.1f} s")
    row("  again with a standby in step after" + (" (machine back at promotion)" if machine else ""), f"{whole:.1f} s")
    for each in range(cluster.size):
        lost = await missing(users, writers[each].acknowledged)
        row(f"  node {each}: writes acknowledged, of them lost", f"{len(writers[each].acknowledged):,}, {lost}")
        for kind, client in (("write", writers[each]), ("read", readers[each])):
            before, after = (client.times(*span) for span in ((began, gone.at), (gone.at, gone.at + whole)))
            row(
                f"    {kind}: median before, from the kill until whole, longest without an answer",
                f"{middle(before)}, {middle(after)}, {client.longest_wait(gone.at) * 1e3:,.0f} ms",
            )
            for error, count in client.errors.most_common():
                print(f"      {count} times {error}")


async def missing(users: Users, ids: Sequence[str]) -> int:
    """How many of the ids there is nothing of."""
    lost = 0
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        lost += len(set(some) - set(await users.store.load(some)))
    return lost


def middle(taken: Sequence[float]) -> str:
    return f"{statistics.median(taken) * 1e3:.1f} ms" if taken else "none"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=10, help="of load before each kill, and after it")
    options = parser.parse_args()
    try:
        asyncio.run(show(options.memories, options.users, options.seconds))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("interrupted; everything it started is stopped, and its files are gone")
    except Late as exc:
        sys.exit(f"{exc}\neverything it started is stopped, and its files are gone")
