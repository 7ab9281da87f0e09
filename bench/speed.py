"""Speed and size, printed as one table; what is compared is measured in the same run.

    python bench/speed.py [--big 1000000] [--quick] [--mem0]

Stores are filled through the public API (`add(..., infer=False)`). Vectors of the texts are synthetic,
drawn around vectors of real sentences, and handed over by a precomputed embedder, so that what is
timed is everything but the embedder; where the real embedder is used the line says so. Beside the time
on the clock stands the processor time of the whole process, which other work on the machine changes less.
The big store, 10,000 users with 100 memories each, takes ten minutes to fill and 4 GB; it is kept in
the user's cache folder for the next run. `--mem0` compares with mem0ai, which must be installed
(`pip install --group bench`); recall_beside_mem0.py does so on real conversations.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from cache import CachedEmbedder
from platformdirs import user_cache_path

from mnemic import AsyncMemory
from mnemic.embedders.bundled import bundled
from mnemic.protocols import Vectors
from mnemic.testing.fakes import FakeExtractor, PrecomputedEmbedder

NOISE = 0.6  # of a unit vector: neighbours stay recognisable, and no two are alike
ROWS: list[tuple[str, str]] = []


def row(name: str, value: str) -> None:
    ROWS.append((name, value))
    print(f"{name:72} {value}", flush=True)


class World:
    """Texts of real sentences' words, and vectors drawn around the real ones. Deterministic."""

    def __init__(self, sentences: list[str], vectors: Vectors) -> None:
        self._random = random.Random(7)
        self._noise = np.random.default_rng(7)
        self._sentences, self._vectors = sentences, vectors
        self._words = [sentence.split() for sentence in sentences]
        self.known: dict[str, Vectors] = {}

    def texts(self, count: int) -> Iterator[str]:
        for _ in range(count):
            index = self._random.randrange(len(self._words))
            other = self._random.choice(self._words)
            text = " ".join([*self._words[index][:12], *self._random.sample(other, min(6, len(other)))])
            text = f"{text} {self._random.randrange(10**6)}"
            noise = self._noise.standard_normal(self._vectors.shape[1]).astype(np.float32)
            vector = self._vectors[index] + NOISE * noise / np.linalg.norm(noise)
            self.known[text] = vector / np.linalg.norm(vector)
            yield text

    def embedder(self) -> PrecomputedEmbedder:
        found = PrecomputedEmbedder(self.known, name="bench:drawn", missing=self._near)
        found.calibration = bundled().calibration  # type: ignore[attr-defined]
        return found

    def _near(self, text: str) -> Vectors:
        return self._vectors[hash(text) % len(self._vectors)]


async def make_world() -> World:
    lines = files("mnemic.cli").joinpath("demo_conversation.jsonl").read_text(encoding="utf-8").splitlines()
    sentences = [json.loads(line)["content"] for line in lines if line.strip()]
    real = CachedEmbedder(bundled())
    return World(sentences, await real.embed(sentences, role="passage"))


async def fill(memory: AsyncMemory, world: World, count: int, batch: int, **ids: str) -> None:
    for start in range(0, count, batch):
        texts = list(world.texts(min(batch, count - start)))
        await memory.add([{"role": "user", "content": text} for text in texts], infer=False, **ids)


class Taken(list[float]):
    """Milliseconds of each call on the clock; `processor` is what the process spent on one, of all threads."""

    processor = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self)


async def timed(times: int, call: Callable[[int], Awaitable[Any]]) -> Taken:
    """Every call, after three that warm up."""
    taken, spent = Taken(), 0.0
    for index in range(-3, times):
        start, used = time.perf_counter(), time.process_time()
        await call(index)
        if index >= 0:
            taken.append((time.perf_counter() - start) * 1000)
            spent += time.process_time() - used
    taken.processor = spent * 1000 / times
    return taken


def shown(taken: Taken) -> str:
    late = sorted(taken)[int(len(taken) * 0.95)]
    return f"p50 {taken.median:7.2f} ms   p95 {late:7.2f} ms   processor {taken.processor:6.2f} ms"


def open_memory(file: Path, world: World) -> AsyncMemory:
    return AsyncMemory(file, embedder=world.embedder(), extractor=FakeExtractor())


QUESTIONS = [
    "where does she play tennis on weekends",
    "what is the cat called",
    "她妹妹住在哪裡",
    "which course did she take for pottery",
    "when is the trip to Kyoto",
]


async def searches(memory: AsyncMemory, times: int, **ids: str) -> Taken:
    return await timed(times, lambda i: memory.search(QUESTIONS[i % len(QUESTIONS)], threshold=0, **ids))


def start_up() -> None:
    def clock(code: str) -> float:
        runs = []
        for _ in range(7):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            runs.append(time.perf_counter() - start)
        return statistics.median(runs)

    nothing = clock("pass")
    row("import mnemic, beyond starting Python", f"{(clock('import mnemic') - nothing) * 1000:.0f} ms")
    with tempfile.TemporaryDirectory() as folder:
        make = f"from mnemic import Memory; m = Memory({str(Path(folder) / 'm.db')!r}); "
        subprocess.run(
            [sys.executable, "-c", make + "m.add('I play tennis.', user_id='a')"], check=True, capture_output=True
        )
        total = clock(make + "assert m.search('sport?', user_id='a', threshold=0)['results']") - nothing
    row("import, Memory() on a store, first answered search, real embedder", f"{total:.2f} s")


async def one_scope(folder: Path, world: World, times: int) -> None:
    memory = open_memory(folder / "ten.db", world)
    await fill(memory, world, 10_000, 500, user_id="heavy")
    fresh = iter(list(world.texts(times + 10)))
    taken = await timed(times, lambda _: memory.add(next(fresh), user_id="heavy", infer=False))
    row("add one message, infer=False, 10,000 in the scope, beyond the embedder", shown(taken))
    found = await searches(memory, times, user_id="heavy")
    row("search, 10,000 in the scope, beyond the embedder", shown(found))
    taken = await timed(times, lambda i: memory.context(QUESTIONS[i % len(QUESTIONS)], user_id="heavy", threshold=0))
    row("context, 10,000 in the scope, beyond the embedder", shown(taken))
    row("    context beyond search", f"p50 {taken.median - found.median:7.2f} ms")
    await memory.close()


async def scope_in_store(folder: Path, world: World, big: int, times: int) -> None:
    """The same hundred memories alone and among many, by user, by agent and by run."""
    hundred = list(world.texts(100))
    mine = dict(world.known)
    found: dict[str, dict[str, Taken]] = {}
    for name, others in (("alone", 0), (f"among {big:,}", big)):
        file = folder / "alone.db"
        if others:
            file = await big_store(world, others)
        world.known.update(mine)
        memory = open_memory(file, world)
        if not (await memory.get_all(user_id="me", limit=1))["results"]:
            for index, text in enumerate(hundred):
                who = f"u{index}"  # the agent's memories are spread over a hundred users
                await memory.add(text, user_id=who, agent_id="agent", infer=False)
            await memory.add([{"role": "user", "content": t} for t in hundred], user_id="me", run_id="run", infer=False)
        found[name] = {
            "user": await searches(memory, times, user_id="me"),
            "agent over 100 users": await searches(memory, times, agent_id="agent"),
            "run": await searches(memory, times, run_id="run"),
        }
        if others:
            found[name]["user, another each time"] = await strangers(memory, others // PER_USER, times)
        await memory.close()
    alone, among = found.values()
    for which in among:
        for name, kinds in found.items():
            if which in kinds:
                row(f"search, {which}, 100 memories, {name}", shown(kinds[which]))
        if which in alone:
            row(f"    ratio, {which}", f"{among[which].median / alone[which].median:.2f}x")


async def strangers(memory: AsyncMemory, users: int, times: int) -> Taken:
    """One search for each of several users, so that nothing of them is at hand."""
    chosen = random.Random(11).sample(range(users), times + 3)
    return await timed(
        times, lambda i: memory.search(QUESTIONS[i % len(QUESTIONS)], user_id=f"other{chosen[i]}", threshold=0)
    )


PER_USER = 100


async def big_store(world: World, size: int) -> Path:
    """A store of so many memories, 100 a user, from the cache folder; what it lacks is filled in, user by user."""
    file = user_cache_path("mnemic-bench", appauthor=False, ensure_exists=True) / f"{size}.db"
    note = file.with_suffix(".filled")  # how many users are in it
    there = int(note.read_text()) if note.exists() and file.exists() else 0
    if not there:
        for rest in file.parent.glob(f"{file.name}*"):
            rest.unlink()
    memory = open_memory(file, world)
    start, first = time.perf_counter(), there
    for user in range(there, size // PER_USER):
        ids = {"user_id": f"other{user}", "agent_id": f"a{user % 50}", "run_id": f"r{user}"}
        await fill(memory, world, PER_USER, PER_USER, **ids)
        world.known.clear()  # a million vectors are 1.5 GB
        note.write_text(str(user + 1))
        if user % 500 == 499:
            print(f"\r{(user + 1) * PER_USER:,} filled", end="", file=sys.stderr, flush=True)
    await memory.close()
    if first < size // PER_USER:
        speed = (size // PER_USER - first) * PER_USER / (time.perf_counter() - start)
        row(f"filling {size:,} memories of {size // PER_USER:,} users, 100 a call", f"{speed:.0f} memories/s")
    row("size of that store on disk", f"{file.stat().st_size / 2**20:,.0f} MB")
    return file


async def importing(folder: Path, quick: bool) -> None:
    """Real embedder, real rules: throughput of the embedder alone, and of `add` with everything."""
    lines = files("mnemic.cli").joinpath("demo_conversation.jsonl").read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines if line.strip()]
    texts = [each["content"] for each in said] * (2 if quick else 6)
    texts = [f"{text} ({index})" for index, text in enumerate(texts)]
    for threads in (1, 2):
        embedder = bundled(threads=threads)
        await embedder.embed(texts[:4], role="passage")
        start = time.perf_counter()
        await embedder.embed(texts, role="passage")
        alone = len(texts) / (time.perf_counter() - start)
        row(f"embedding alone, {threads} thread{'s' * (threads > 1)}", f"{alone:.1f} texts/s")
        for infer in (False, True):
            memory = AsyncMemory(folder / f"import{threads}{infer}.db", embedder=embedder)
            start, count = time.perf_counter(), 0
            for at in range(0, len(texts), 32):
                chunk = [{"role": "user", "content": text} for text in texts[at : at + 32]]
                done = await memory.add(chunk, user_id="u", run_id="r", infer=infer)
                count += done["receipt"]["usage"]["embeddings"]
            speed = count / (time.perf_counter() - start)
            kind = "rules" if infer else "infer=False"
            row(f"    import with {kind}: texts embedded a second", f"{speed:.1f}, {speed / alone:.0%} of it")
            await memory.close()


async def beside_mem0(folder: Path, world: World, count: int, times: int) -> None:
    """Both in the same run, one message a call, the same vectors handed to both."""
    texts = list(world.texts(count + times))
    results = {}
    for name in ("mnemic", "mem0"):
        out = folder / f"{name}.json"
        work = folder / name
        work.mkdir()
        np.savez(work / "world.npz", texts=np.array(texts), vectors=np.stack([world.known[text] for text in texts]))
        subprocess.run(
            [sys.executable, str(Path(__file__).parent / "beside_mem0.py"), name, str(work), str(times), str(out)],
            check=True,
        )
        results[name] = json.loads(out.read_text())
    ours, theirs = results["mnemic"], results["mem0"]
    for what in ("add", "search"):
        row(f"{what}, {count:,} memories of one user, mnemic", f"p50 {ours[what]:.2f} ms")
        row(
            f"{what}, {count:,} memories of one user, mem0ai {theirs['version']}",
            f"p50 {theirs[what]:.2f} ms, {theirs[what] / ours[what]:.1f}x ours",
        )
    for name, each in results.items():
        row(f"peak memory / size on disk, {name}", f"{each['peak']:.0f} MB / {each['disk']:.0f} MB")


async def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--big", type=int, default=1_000_000)
    ask.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    ask.add_argument("--mem0", action="store_true", help="beside mem0ai, 10,000 drawn memories")
    wanted = ask.parse_args()
    big, times = (wanted.big // 10, 20) if wanted.quick else (wanted.big, 100)
    row("machine", f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}")
    start_up()
    world = await make_world()
    folder = Path(tempfile.mkdtemp(prefix="mnemic-bench"))
    try:
        await one_scope(folder, world, times)
        await scope_in_store(folder, world, big, times)
        await importing(folder, wanted.quick)
        if wanted.mem0:
            await beside_mem0(folder, world, 1_000 if wanted.quick else 10_000, times)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    row("peak memory of this run", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    asyncio.run(main())
