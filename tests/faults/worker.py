"""Processes that a test kills: one warm parent, forked for each job, so that fifty kills take seconds.

Reads one JSON job a line from stdin, answers the id of the child that does it. A child writes one line
to the job's `done` file for each operation that was acknowledged to it.
"""

import asyncio
import json
import os
import random
import signal
import sys
from datetime import timedelta

from dying import busy, dying

import mnemic.stores.postgres
import mnemic.write
from mnemic import AsyncMemory, Memory
from mnemic.stores.postgres import PostgresStore, WatchedSession
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Extraction, Fact


class DyingStore(SQLiteStore):
    """Kills its process without warning at the nth statement after it was armed."""

    left = None

    def _connection(self):
        connection = super()._connection()
        connection.set_trace_callback(self._count)
        return connection

    def _count(self, _):
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)


def main():
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    Memory(":memory:", embedder=FakeEmbedder(), extractor=FakeExtractor())._core  # noqa: B018 - imports everything
    for line in sys.stdin:
        job = json.loads(line)
        wait = job.pop("wait", True)
        child = os.fork()
        if child == 0:
            try:
                JOBS[job.pop("job")](**job)
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        if wait:
            _, status = os.waitpid(child, 0)
            sys.stdout.write(f"{-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")
            sys.stdout.flush()


class DyingSession(WatchedSession):
    """The same at the nth time that something is asked of a PostgreSQL server."""

    store = None

    def wait(self, answer):
        if self.store.left is not None:
            self.store.left -= 1
            if self.store.left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().wait(answer)


def dying_store(address):
    if "://" not in address:
        return DyingStore(address)
    store = DyingSession.store = PostgresStore(address)
    store.left = None
    mnemic.stores.postgres.WatchedSession = DyingSession  # this process is made to die
    return store


def one_operation(path, done, operation, statements):
    """Do one operation, or die at a statement of it."""
    store = dying_store(path)
    memory = Memory(store=store, embedder=FakeEmbedder(), extractor=FakeExtractor())
    names = [item["id"] for item in memory.get_all(user_id="alice")["results"]]
    store.left = statements
    answer = OPERATIONS[operation](memory, names)
    store.left = None
    acknowledge(done, [operation, answer])


OPERATIONS = {
    "add": lambda memory, _: [i["id"] for i in memory.add(["I keep bees", "and llamas"], user_id="alice")["results"]],
    "remember": lambda memory, _: [memory.remember("x" * 5_000, user_id="alice")["results"][0]["id"]],
    "update": lambda memory, names: memory.update(names[-1], data="I row now")["id"],
    "delete": lambda memory, names: memory.delete(names[-1])["id"],
    "delete_all": lambda memory, _: memory.delete_all(user_id="alice")["deleted"],
    "reset": lambda memory, _: memory.reset()["message"],
}


def without_end(path, done):
    """Add, update and delete until killed, telling of each operation that was acknowledged."""
    memory = Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor())
    for number in range(1_000_000):
        text = f"Fact {os.getpid()} {number}"
        (added,) = memory.add(text, user_id="alice")["results"]
        acknowledge(done, ["has", added["id"], text])
        if number % 3 == 1:
            memory.update(added["id"], data=f"{text} changed")
            acknowledge(done, ["has", added["id"], f"{text} changed"])
        if number % 3 == 2:
            memory.delete(added["id"])
            acknowledge(done, ["gone", added["id"], text])


def hold_the_lock(path, done):
    """Take the write lock and keep it."""
    import sqlite3

    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE owners SET next_sequence = next_sequence")
    acknowledge(done, ["locked"])
    signal.pause()


def add_many(path, done, name, many, shared):
    """Add some memories of one's own, and one that others add too."""
    memory = Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor())
    for number in range(many):
        memory.add(f"Fact {name} {number}", user_id="alice")
    memory.add(shared, user_id="alice")
    acknowledge(done, [name, memory.stats()["memories"]])
    memory.close()


def mixed(path, done, name, many):  # noqa: C901 - a table of deeds
    """All kinds of writes at random, by the rules; tells what it has and what is gone, and every error."""
    rng = random.Random(name)
    memory = Memory(path, embedder=FakeEmbedder(), background=False)
    mine = {}
    try:
        for number in range(many):
            deed = rng.choice(("add", "add", "shared", "update", "delete", "undo", "forget", "rate", "search", "later"))
            text = f"I play instrument {name} in band {number}."
            if deed == "add":
                result = memory.add(text, user_id="alice")
                (added,) = [each for each in result["results"] if each["event"] == "ADD"]
                mine[added["id"]] = (text, result["receipt"]["change_id"])
            elif deed == "shared":
                memory.add(
                    rng.choice(("I work at Acme.", "I'm employed by Acme.", "My employer is Acme")), user_id="alice"
                )
            elif deed == "later":
                memory.add(f"I visited town {name} of county {number}.", user_id="alice", wait="stored")
            elif deed == "search":
                memory.search("Where do I work?", user_id="alice")
            elif mine:
                wanted = rng.choice(sorted(mine))
                if deed == "update":
                    memory.update(wanted, data=f"{text} Changed.")
                    mine[wanted] = (f"{text} Changed.", None)
                elif deed == "rate":
                    memory.feedback(wanted, "POSITIVE")
                elif deed == "undo" and mine[wanted][1] is not None:
                    memory.undo(mine.pop(wanted)[1])
                elif deed in ("delete", "forget"):
                    getattr(memory, deed)(wanted)
                    mine.pop(wanted)
        while memory.process_pending(user_id="alice")["messages"]:
            pass
        acknowledge(done, [name, sorted((each, text) for each, (text, _) in mine.items()), None])
    except Exception as exc:  # noqa: BLE001 - the test tells
        acknowledge(done, [name, [], repr(exc)])
    memory.close()


def look_after(path, done, lease):
    """Work on what is pending until killed, as `mnemic worker` does; tells of everything it begins to work on."""
    mnemic.write.LEASE = timedelta(seconds=lease)  # a test does not wait for minutes

    def answer(request):
        acknowledge(done, [os.getpid(), *(turn.content for turn in request.turns)])
        return Extraction(
            facts=tuple(
                Fact(text=turn.content, turn=index, quote=turn.content, subject="user")
                for index, turn in enumerate(request.turns)
            )
        )

    async def work():
        memory = AsyncMemory(path, embedder=FakeEmbedder(), extractor=FakeExtractor(answer), background=False)
        while True:
            if not (await memory.process_pending(limit=1))["messages"]:
                await memory.wait_for_pending()

    asyncio.run(work())


JOBS = {f.__name__: f for f in (one_operation, without_end, hold_the_lock, add_many, mixed, look_after, dying, busy)}


def acknowledge(done, what):
    handle = os.open(done, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (json.dumps(what) + "\n").encode())
    os.close(handle)


if __name__ == "__main__":
    main()
