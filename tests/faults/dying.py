"""Jobs that die at their nth step: a statement of any connection, a piece of a long one, a file renamed or removed.

And one that goes on until it is killed, whatever is put in the place of its store.
"""

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing

from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

_PIECE = 300  # instructions of SQLite's own machine: a copy of a small store takes some dozen pieces
_FILES = ("os.rename", "os.remove", "os.link", "os.chmod")


def dying(path, done, deed, steps, **arguments):
    """Do a deed with the store at `path`, or die at a step of it; whoever gets through tells how many steps it took."""
    left = steps

    def step(*_):
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def connect(*args, _connect=sqlite3.connect, **kwargs):
        connection = _connect(*args, **kwargs)
        connection.set_trace_callback(step)
        connection.set_progress_handler(step, _PIECE)
        return connection

    sqlite3.connect = connect  # this process is made to die
    sys.addaudithook(lambda event, _: step() if event in _FILES else None)
    with closing(Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)) as memory:
        DEEDS[deed](memory, **arguments)
    tell(done, steps - left)


DEEDS = {
    "open": lambda _: None,
    "backup": lambda memory, to: memory.backup(to),
    "restore": lambda memory, source: memory.restore(source),
}


def busy(path, done):
    """Add and search without end, telling of each memory that was acknowledged, and of every error."""
    memory = Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)
    name = os.getpid()
    for number in range(1_000_000):
        try:
            (added,) = memory.remember(f"Fact {name} {number}", user_id="alice")["results"]
            tell(done, ["has", added["id"], added["memory"]])
            memory.search(f"Fact {name}", user_id="alice", top_k=5)
        except Exception as exc:  # noqa: BLE001 - the test looks at it
            tell(done, ["error", repr(exc), number])


def tell(done, what):
    handle = os.open(done, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, (json.dumps(what) + "\n").encode())
    os.close(handle)
