"""What a search by vector operators costs through foreign servers, when these may be sent to the node and when not.

    python bench/cluster/shipped.py [--rows 100000]

A plain table of vectors, 100 for each user and a partition for each, on three nodes. Mnemic's own search reads packed blocks and ranks in the
process, so this is about the engine: what a coordinator can do where a client does not know a user's node.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import statistics
import time

import asyncpg
import numpy as np
from cluster import DATABASE, USER, Cluster
from coordinator import Node, distribute, node_of_each

DIMENSIONS, EACH, CALLS, PARTITIONS = 384, 100, 200, 4096
TABLE = """
CREATE SCHEMA tried;
CREATE TABLE tried.points (
    partition integer NOT NULL, place integer NOT NULL, at vector(384) NOT NULL, PRIMARY KEY (partition, place)
)
"""
LONG = re.compile("'[^']{40,}'")
NEAREST = "SELECT place FROM {} WHERE partition = {} ORDER BY at <=> '{}' LIMIT 10"


async def compare(rows: int) -> None:
    cluster = await Cluster().start()
    try:
        nodes = [
            Node(
                name=f"node{number}",
                hosts=["127.0.0.1"] * 2,
                ports=cluster.ports(number),
                database=DATABASE,
                user=USER,
                password=cluster.password,
            )
            for number in range(cluster.size)
        ]
        direct = [await asyncpg.connect(cluster.dsn(number)) for number in range(cluster.size)]
        for db in direct:
            await db.execute(TABLE)
        coordinator = await asyncpg.connect(cluster.coordinator)
        await distribute(coordinator, nodes, schema="tried")
        held = [int(name[4:]) for name in await node_of_each(coordinator, "tried.points", partitions=PARTITIONS)]
        users = rows // EACH
        for user in range(users):
            await put(direct[held[user]], user)
        for db in direct:
            await db.execute("VACUUM ANALYZE tried.points")
        await coordinator.execute("ANALYZE tried.points")  # without a count of rows it takes sorting for cheap
        print(f"{rows:,} vectors of {DIMENSIONS} dimensions, {EACH} a user")
        await measure("at the user's node", direct, held, users, "tried.points")
        for extensions in ("", "vector"):
            for number in range(cluster.size):
                await coordinator.execute(f"ALTER SERVER node{number} OPTIONS (SET extensions '{extensions}')")
            said = "sent to the node" if extensions else "kept at the coordinator"
            await measure(f"operators {said}: the divided table", [coordinator], held, users, "tried.points")
            await measure(
                f"operators {said}: the node's own foreign table", [coordinator], held, users, "node{}.points"
            )
        for db in (*direct, coordinator):
            await db.close()
    finally:
        cluster.stop()


async def put(db: asyncpg.Connection, user: int) -> None:
    """A user's vectors."""
    drawn = np.random.default_rng(user).standard_normal((EACH, DIMENSIONS))
    await db.executemany(
        "INSERT INTO tried.points VALUES ($1, $2, ($3::text)::vector)",
        [(user, place, written(vector)) for place, vector in enumerate(drawn)],
    )


async def measure(name: str, clients: list[asyncpg.Connection], held: list[int], users: int, table: str) -> None:
    """The ten nearest of a user: the median of calls, and what the coordinator asks the node for."""
    some, rng, taken = random.Random(7), np.random.default_rng(7), []
    for _ in range(CALLS):
        user = some.randrange(users)
        node = held[user]
        query = NEAREST.format(table.format(node), user, written(rng.standard_normal(DIMENSIONS)))
        client = clients[node] if len(clients) > 1 else clients[0]
        start = time.perf_counter()
        await client.fetch(query)
        taken.append(time.perf_counter() - start)
    print(f"{name:64} median {statistics.median(taken) * 1e3:.1f} ms")
    for (line,) in await clients[0].fetch(f"EXPLAIN (VERBOSE, COSTS OFF) {query}") if len(clients) == 1 else ():
        if "Remote SQL" in line:
            print("    " + LONG.sub("'...'", line.strip()))


def written(vector: np.ndarray) -> str:
    """A vector as pgvector reads it."""
    return "[" + ",".join(f"{value:.4f}" for value in vector) + "]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    if not EACH <= options.rows <= EACH * PARTITIONS:
        parser.error(f"--rows: {EACH} to {EACH * PARTITIONS}")
    asyncio.run(compare(options.rows))
