"""Everything at once on a PostgreSQL server that is killed again and again; says what is wrong at the end.

    python bench/soak.py            (SOAK_SECONDS=600)

Threads of one process add, remember, search, update and delete; two processes do what `mnemic worker` does. The model
that extracts fails one time in ten, in one of two ways, and always over one message. The server is stopped or killed
and started again every 20 seconds. In the end everything that was acknowledged must be there, once; nothing may wait
but the poisoned message, which has failed; `verify` must be clean; and each process must need as much memory and as
many handles in the last quarter of the time as in the second.

The processes use fake embeddings, which cost nothing. A lease lasts 30 seconds instead of five minutes, and the pauses
between two tries are a tenth of what they are, so that the poisoned message has had all its tries within minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psutil

import mnemic.write
from mnemic import AsyncMemory, Memory, MnemicError, ModelError
from mnemic.cli import upkeep
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction, Fact, Usage

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import postgres

SECONDS = float(os.environ.get("SOAK_SECONDS", "600"))
THREADS = 6
RESTART = 20.0
POISON = "Poison that no model survives"
FAILS, BREAKS = 0.07, 0.03
DRAINED = 300.0  # seconds that the queue has to empty itself at the end

# The C library gives many threads a heap each, and keeps in them the room of buffers that were read into: a process
# grows with every message then, though nothing holds on to anything. With one heap, what still grows is held.
ONE_HEAP = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}

# What a process may need more in its last quarter than in its second: what the allocator does not give back at once,
# and connections that were just made or are about to be closed.
MORE_MEMORY = 0.10
MORE_HANDLES = 4

mnemic.write.LEASE = timedelta(seconds=30)
mnemic.write._FIRST_PAUSE = 0.5


class Embedder(FakeEmbedder):
    """Keeps no record of what it was asked."""

    async def embed(self, texts, *, role):
        found = await super().embed(texts, role=role)
        self.calls.clear()
        return found


class Model(FakeExtractor):
    """Every turn becomes a fact, where it does not fail."""

    async def extract(self, request):
        if any(POISON in turn.content for turn in request.turns):
            raise ModelError("the model gave no answer")
        chance = random.random()
        if chance < FAILS:
            raise ModelError("the model is away")
        if chance < FAILS + BREAKS:
            raise RuntimeError("a defect of the extractor")
        facts = tuple(
            Fact(text=turn.content, turn=index, quote=turn.content, subject="user")
            for index, turn in enumerate(request.turns)
        )
        return Extraction(facts=facts, usage=Usage(model_calls=1, input_tokens=10, output_tokens=10))


def parts(url):
    return {"path": url, "embedder": Embedder(), "extractor": Model(name="fake:model@1")}


def main():
    with postgres.shared(Path(tempfile.mkdtemp(prefix="mnemic-soak-"))) as run:
        server = postgres.Server(run.folder)
        server.start()
        try:
            wrong = soak(server, run.folder)
        finally:
            server.stop("immediate")
    for each in wrong:
        print(f"WRONG: {each}")
    print("all as it should be" if not wrong else f"{len(wrong)} things are wrong")
    return 1 if wrong else 0


def soak(server, folder):
    """What is wrong at the end."""
    said, counts, stop = folder / "said", Counter(), threading.Event()
    with Memory(**parts(server.url)) as memory, contextlib.ExitStack() as ends:
        memory.add(POISON, user_id="poisoned", wait="stored")
        (poisoned,) = (each["id"] for each in memory.messages(user_id="poisoned")["results"])
        workers = [ends.enter_context(worker(server.url)) for _ in range(2)]
        watched = {"api": psutil.Process()} | {
            f"worker {n}": psutil.Process(each.pid) for n, each in enumerate(workers)
        }
        threads = [
            threading.Thread(target=live, args=(memory, name, said, counts, stop), daemon=True)
            for name in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        needs = watch(server, watched, counts)
        stop.set()
        for thread in threads:
            thread.join()
        took = drain(memory)
        wrong = [f"{each.pid} ended early: {each.poll()}" for each in workers if each.poll() is not None]
        for each in workers:
            each.send_signal(signal.SIGTERM)
        wrong += [f"a worker ended with {code}" for each in workers if (code := each.wait(60))]
        print(f"{dict(counts)}; the queue was empty {took:.0f} s after the last message")
        wrong += grown(needs)
        wrong += missing(memory, said)
        wrong += left(memory, poisoned)
    return wrong + [f"{number} calls failed: {name}" for name, number in counts.items() if name.startswith("error")]


@contextlib.contextmanager
def worker(url):
    process = subprocess.Popen(
        [sys.executable, __file__, "worker", url], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def work(url):
    """What `mnemic worker` does, with the fake model."""
    session = SimpleNamespace(ids={}, json=True, closed_memory=lambda: AsyncMemory(**parts(url), background=False))
    return asyncio.run(upkeep._work(session, once=False, everywhere=False))


def live(memory, name, said, counts, stop):
    """One thread's deeds with users that it shares with another thread. Each acknowledged one is written down."""
    rng, mine = random.Random(name), []
    with said.open("a", buffering=1) as acknowledged:
        for number in itertools.count():
            if stop.is_set():
                return
            # New users now and then: what is kept in memory of a user grows with the user.
            user, text = f"user-{name // 2}-{number // 300}", f"Fact {number} of thread {name}"
            if number % 300 == 0:
                mine.clear()
            deed = rng.choice(
                ("stored", "stored", "add", "remember", "remember", "search", "search", "update", "delete")
            )
            try:
                done = DEEDS[deed](memory, user, text, mine)
            except MnemicError as exc:
                counts[f"error {type(exc).__name__}: {str(exc)[:100]}"] += 1
                acknowledged.write(json.dumps([user, "unsure", text, mine and mine[-1]]) + "\n")
                continue
            counts[deed] += 1
            if done is not None:
                acknowledged.write(json.dumps([user, *done]) + "\n")


def _remember(memory, user, text, mine):
    name = memory.remember(text, user_id=user)["results"][0]["id"]
    mine.append((name, text))
    return "is", name, text


def _update(memory, _, text, mine):
    if not mine:
        return None
    name, _ = mine[-1]
    memory.update(name, data=f"{text}, changed")
    mine[-1] = (name, f"{text}, changed")
    return "is", name, f"{text}, changed"


def _delete(memory, _, __, mine):
    if not mine:
        return None
    name, text = mine.pop()
    memory.delete(name)
    return "gone", name, text


def _add(memory, user, text, wait):
    memory.add(text, user_id=user, wait=wait)
    return "said", None, text


DEEDS = {
    "stored": lambda memory, user, text, _: _add(memory, user, text, "stored"),
    "add": lambda memory, user, text, _: _add(memory, user, text, "extracted"),
    "remember": _remember,
    "search": lambda memory, user, text, _: memory.search(text, user_id=user) and None,
    "update": _update,
    "delete": _delete,
}


def watch(server, watched, counts):
    """Restart the server now and then; what each process needed, second by second: memory and handles."""
    needs = defaultdict(list)
    begin = time.monotonic()
    restart = begin + RESTART
    while (now := time.monotonic()) < begin + SECONDS:
        if now > restart:
            how = ("kill", "immediate", "fast")[counts["restarts"] % 3]
            server.kill() if how == "kill" else server.stop(how)
            server.start()
            counts["restarts"] += 1
            restart = time.monotonic() + RESTART
        for name, process in watched.items():
            with contextlib.suppress(psutil.NoSuchProcess):
                needs[name].append((process.memory_info().rss, process.num_fds()))
        time.sleep(1)
    return needs


def grown(needs):
    for name, each in needs.items():
        quarter = len(each) // 4
        second, last = each[quarter : 2 * quarter], each[3 * quarter :]
        memory = [statistics.median(rss for rss, _ in part) for part in (second, last)]
        handles = [statistics.median(fds for _, fds in part) for part in (second, last)]
        print(
            f"{name:9} memory {memory[0] / 2**20:.0f} -> {memory[1] / 2**20:.0f} MB,"
            f" handles {handles[0]:.0f} -> {handles[1]:.0f}"
        )
        if memory[1] > memory[0] * (1 + MORE_MEMORY):
            yield f"{name} grew from {memory[0] / 2**20:.0f} to {memory[1] / 2**20:.0f} MB"
        if handles[1] > handles[0] + MORE_HANDLES:
            yield f"{name} had {handles[0]:.0f} handles, then {handles[1]:.0f}"


def drain(memory):
    """Seconds until nothing waited any more."""
    begin = time.monotonic()
    while memory.stats()["pending"] and time.monotonic() < begin + DRAINED:
        time.sleep(0.5)
    return time.monotonic() - begin


def missing(memory, said):
    """Acknowledged and not there, there twice, or there though it is gone."""
    users = defaultdict(lambda: ({}, set(), set(), False))
    for line in said.read_text("utf-8").splitlines():
        user, what, name, text = json.loads(line)
        standing, texts, gone, unsure = users[user]
        if what == "is":
            standing[name] = text
        elif what == "gone":
            standing.pop(name, None)
            gone.add(name)
        elif what == "said":
            texts.add(text)
        users[user] = standing, texts, gone, unsure or what == "unsure"
    for user, (standing, texts, gone, unsure) in users.items():
        found = [(item["id"], item["memory"]) for item in memory.get_all(user_id=user, limit=10_000)["results"]]
        there = Counter(text for _, text in found)
        lost = {text for text in texts if text not in there} | {
            text for name, text in standing.items() if (name, text) not in found
        }
        if lost and not unsure:
            yield f"{len(lost)} memories of {user} are lost: {sorted(lost)[:3]}"
        if back := gone & {name for name, _ in found}:
            yield f"{len(back)} memories of {user} are back"
        if twice := [text for text, number in there.items() if number > 1]:
            yield f"{len(twice)} memories of {user} are there twice: {twice[:3]}"
        if not unsure and len(found) != len(texts) + len(standing):
            yield f"{user} has {len(found)} memories, not {len(texts) + len(standing)}"


def left(memory, poisoned):
    stats = memory.stats()
    print(f"{stats['memories']:,} memories of {stats['owners']:,} users, {stats['episodes']:,} messages")
    if stats["pending"]:
        yield f"{stats['pending']} messages still wait"
    failed = [each["id"] for each in memory.messages(state="failed", limit=10)["results"]]
    if failed != [poisoned]:
        yield f"these failed: {failed}; the poisoned one is {poisoned}"
    if problems := memory.verify()["problems"]:
        yield f"verify: {problems[:5]}"


if __name__ == "__main__":
    if not ONE_HEAP.items() <= os.environ.items():  # read by the C library as it starts
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_HEAP)
    sys.exit(work(sys.argv[2]) if sys.argv[1:2] == ["worker"] else main())
