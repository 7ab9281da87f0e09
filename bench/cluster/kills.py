"""A primary killed again and again while clients write: how long its node was away, and what was lost.

    python bench/cluster/kills.py [--times 6] [--machine] [--standbys 1]

Writes rows of a plain table, as fast as two clients can, to one node; no store is involved. `--machine` kills
Patroni and every process of the server too, so that nobody is left to tell that it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import uuid

import asyncpg
from cluster import Cluster
from load import Load

CLIENTS = 2
STEADY = 3  # seconds of load before each kill


async def kill_often(times: int, *, machine: bool, standbys: int) -> None:
    cluster = await Cluster(1, standbys=standbys).start()
    pool = await asyncpg.create_pool(cluster.dsn(0), min_size=0, max_size=CLIENTS)
    try:
        await pool.execute("CREATE TABLE kept (id UUID PRIMARY KEY)")

        async def write(_turn: int) -> str:
            made = uuid.uuid4()
            await pool.execute("INSERT INTO kept VALUES ($1)", made)
            return str(made)

        load = Load(write, CLIENTS)
        promoted, without, whole = [], [], []
        for turn in range(times):
            await asyncio.sleep(STEADY)
            gone = await cluster.kill(0, machine=machine)
            promoted.append(await cluster.wait_promoted(gone))
            if machine:
                cluster.bring_back(gone)
            whole.append(await cluster.wait_whole(0) - gone.at)
            await asyncio.sleep(STEADY)
            without.append(load.longest_wait(since=gone.at))
            print(
                f"kill {turn + 1}: promoted after {promoted[-1]:.1f} s, longest without an acknowledged write"
                f" {without[-1]:.1f} s, whole after {whole[-1]:.1f} s",
                flush=True,
            )
        await load.stop()
        there = {str(row["id"]) for row in await pool.fetch("SELECT id FROM kept")}
        for name, taken in (("promoted", promoted), ("without a write", without), ("whole", whole)):
            print(f"{name}: median {statistics.median(taken):.1f} s, most {max(taken):.1f} s")
        told = set(load.acknowledged)
        print(
            f"{len(told):,} acknowledged, {len(told - there)} lost; {len(there - told)} kept without being acknowledged"
        )
        for error, count in load.errors.most_common():
            print(f"{count} times {error}")
    finally:
        pool.terminate()
        cluster.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--machine", action="store_true")
    parser.add_argument("--standbys", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(kill_often(options.times, machine=options.machine, standbys=options.standbys))
