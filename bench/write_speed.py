"""What an add costs in a store of 100,000 memories, and how long it keeps the event loop.

    python bench/write_speed.py [--memories 100000]

Time spent in the embedder is measured and taken off; vectors of the store's content are random, since
building it does not matter. The event loop is watched by the CPU time of its thread in each callback,
while eight tasks write, extract and search at once; the lag of a loop that does nothing stands beside.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from asyncio import events
from pathlib import Path
from typing import Self

import numpy as np

from mnemic import AsyncMemory
from mnemic.embedders.bundled import bundled
from mnemic.ids import new_id
from mnemic.inputs import MAX_CHARS
from mnemic.protocols import NewEpisode, NewMemory, Space, Write
from mnemic.stores.sqlite import SQLiteStore
from mnemic.times import now
from mnemic.types import Change, Episode, HistoryEvent, Memory, Scope, Source

OWNERS = 1_000
CALLS = 200
TASKS = 8
ROUNDS = 25
LONGEST = 0.005  # seconds of the thread's CPU that a callback may take
PEOPLE = ("Anna", "Boris", "Carmen", "Dmitri", "Elif", "Farid", "Greta", "Hugo")
SAID = (
    "I work at {0} Logistics as a planner.",
    "My friend {0} moved to Oslo last week.",
    "我上個月搬到{0}路了。",
    "Thanks, that helps a lot!",
    "I'm allergic to peanuts and {0} brings walnuts to every party.",
    "Can you find me a quiet place near {0} street?",
)


class Timed:
    """The bundled embedder, with the time it took."""

    def __init__(self) -> None:
        self._inner = bundled()
        self.seconds = 0.0
        self.name, self.max_chars, self.calibration = self._inner.name, self._inner.max_chars, self._inner.calibration

    async def embed(self, texts, *, role):
        start = time.perf_counter()
        found = await self._inner.embed(texts, role=role)
        self.seconds += time.perf_counter() - start
        return found

    async def close(self) -> None:
        await self._inner.close()


async def build(path: Path, memories: int, space: Space) -> None:
    """A store of `OWNERS` users with as many memories each."""
    store = SQLiteStore(path)
    await store.open()
    rng = np.random.default_rng(7)
    each = memories // OWNERS
    for owner in range(OWNERS):
        scope, at = Scope(user_id=f"user{owner}"), now()
        change = Change(id=new_id(scope.partition), scope=scope, kind="add", at=at)
        vectors = rng.standard_normal((each, space.dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        episodes, made, history = [], [], []
        for number, vector in enumerate(vectors):
            words = f"Note {number} of {owner}: {random.choice(PEOPLE)} {rng.integers(1e9)} {rng.integers(1e9)}"
            episode = Episode(
                id=new_id(scope.partition), scope=scope, role="user", content=words, said_at=at, received_at=at,
                state="done", change_id=change.id,
            )  # fmt: skip
            memory = Memory(
                id=new_id(scope.partition), version=1, scope=scope, kind="note", text=words, created_at=at, updated_at=at,
                known_from=at, said_at=at, origin="given",
                sources=(Source(episode_id=episode.id, quote=words, said_at=at, role="user"),),
            )  # fmt: skip
            episodes.append(NewEpisode(episode=episode, vectors=None))
            made.append(NewMemory(memory=memory, vectors=vector[None, :], episode_id=episode.id))
            history.append(
                HistoryEvent(
                    id=new_id(scope.partition), memory_id=memory.id, version=1, event="ADD", old_text=None,
                    new_text=words, at=at, change_id=change.id, actor="person",
                )
            )  # fmt: skip
        await store.commit(
            Write(
                scope=scope, at=at, space=space, changes=(change,), episodes=tuple(episodes), memories=tuple(made),
                history=tuple(history),
            )
        )  # fmt: skip
    await store.close()


def said(number: int) -> str:
    return random.choice(SAID).format(f"{random.choice(PEOPLE)}{number}")


async def latency(memory: AsyncMemory, embedder: Timed, wait: str) -> str:
    """p50 and p95 of one add after another, less the embedder's time."""
    took = []
    for number in range(CALLS):
        before, start = embedder.seconds, time.perf_counter()
        await memory.add(said(number), user_id=f"user{random.randrange(OWNERS)}", wait=wait)
        took.append(1e3 * (time.perf_counter() - start - (embedder.seconds - before)))
    took.sort()
    return f"p50 {took[len(took) // 2]:.1f} ms, p95 {took[int(len(took) * 0.95)]:.1f} ms"


class Watch:
    """CPU time of the loop's thread in each callback."""

    def __init__(self) -> None:
        self.took: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._run = events.Handle._run
        watch = self

        def run(handle):
            since = _stopped_at(handle)
            start = time.thread_time()
            watch._run(handle)
            took = time.thread_time() - start
            watch.took.append((took, f"{since} -> {_stopped_at(handle)}" if took > LONGEST else ""))

        events.Handle._run = run
        return self

    def __exit__(self, *_: object) -> None:
        events.Handle._run = self._run


def _stopped_at(handle: events.Handle) -> str:
    """Where the task that a callback ran waits next, innermost last."""
    task = getattr(handle._callback, "__self__", None)
    coroutine = task.get_coro() if isinstance(task, asyncio.Task) else None
    places = []
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        places.append(f"{coroutine.__qualname__}:{coroutine.cr_frame.f_lineno}")
        coroutine = coroutine.cr_await
    return " > ".join(places[-2:]) or repr(handle._callback)[:120]


async def lag(seconds: float) -> float:
    """The longest a loop with nothing else to do comes late for a timer of 5 ms, in ms."""
    worst, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        await asyncio.sleep(0.005)
        worst = max(worst, time.perf_counter() - start - 0.005)
    return worst * 1e3


async def under_load(memory: AsyncMemory) -> None:
    async def task(name: int) -> None:
        for number in range(ROUNDS):
            user = f"busy{name}"
            await memory.add([said(number), said(number + 1)], user_id=user)
            await memory.search("Where does my friend live?", user_id=user)
            await memory.context("What am I allergic to?", user_id=f"user{random.randrange(OWNERS)}")
        await memory.add("x " * (MAX_CHARS // 8), user_id=f"busy{name}")

    await asyncio.gather(*(task(name) for name in range(TASKS)))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memories", type=int, default=100_000)
    wanted = parser.parse_args().memories
    random.seed(7)
    print(f"an empty loop comes late by at most {await lag(2):.1f} ms on this machine")
    embedder = Timed()
    probe = await embedder.embed(["probe"], role="passage")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.db"
        start = time.perf_counter()
        await build(path, wanted, Space(name=embedder.name, dimensions=probe.shape[1]))
        print(f"{wanted:,} memories of {OWNERS:,} users built in {time.perf_counter() - start:.0f} s")
        async with AsyncMemory(path, embedder=embedder, background=False) as memory:
            await memory.add("I live in Rome.", user_id="user0")
            print(f"add(wait='stored') beyond the embedder:    {await latency(memory, embedder, 'stored')}")
            print(f"add(wait='extracted') beyond the embedder: {await latency(memory, embedder, 'extracted')}")
            with Watch() as watch:
                await under_load(memory)
            slow = sorted(watch.took, reverse=True)
            spent = [seconds for seconds, _ in watch.took]
            over = sum(seconds > LONGEST for seconds in spent)
            print(
                f"{len(spent):,} callbacks of {TASKS} tasks at once: mean {1e3 * statistics.mean(spent):.2f} ms,"
                f" longest {1e3 * slow[0][0]:.2f} ms of the thread's CPU, {over} over 5 ms"
            )
            for seconds, callback in slow[:12]:
                print(f"  {1e3 * seconds:.2f} ms  {callback}")


if __name__ == "__main__":
    asyncio.run(main())
