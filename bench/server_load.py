"""How much one server process answers, on SQLite, and what it takes; with mem0ai behind FastAPI beside it.

    python bench/server_load.py [--memories 100000] [--seconds 20] [--minutes 0] [--beside PYTHON]

A server as `mnemic serve` runs it (uvicorn, one process, keys, limits, log, audit) with memories of a hundred texts a
user, and a client in another process that keeps some connections busy, each with one request after the other. First
with vectors given: random ones, handed over by an embedder that takes no time. Then with the bundled embedder, beside
the rate at which it embeds the same questions with nothing else to do. With --minutes, searches and some adds go on for
so long, and the memory of the process is told each minute.

Beside it mem0's library behind FastAPI in another environment (--beside names its Python, with mem0ai, fastapi and
uvicorn): the same texts, vectors and questions, fewer memories, as it takes them one by one.

Client and server share the processors of one machine. Beside the time on the clock stands the processor time of each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PER_USER = 100
HERE = Path(__file__).parent


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--memories", type=int, default=100_000)
    ask.add_argument("--seconds", type=float, default=20)
    ask.add_argument("--connections", type=int, default=16)
    ask.add_argument("--minutes", type=float, default=0, help="of a load of searches and adds, for the memory it takes")
    ask.add_argument("--beside", metavar="PYTHON", help="of an environment with mem0ai, fastapi and uvicorn")
    ask.add_argument("--beside-memories", type=int, default=2_000)
    ask.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    wanted = ask.parse_args()
    if wanted.part:
        name, *arguments = wanted.part
        {"serve": serve, "beside": serve_mem0, "load": load, "alone": alone}[name](*arguments)
        return
    row("machine", f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="mnemic-bench-") as folder:
        ours(Path(folder), wanted)
    if wanted.beside:
        with tempfile.TemporaryDirectory(prefix="mnemic-bench-") as folder:
            theirs(Path(folder), wanted)


def row(name: str, value: str) -> None:
    print(f"{name:58} {value}", flush=True)


# Ours.


def ours(folder: Path, wanted: argparse.Namespace) -> None:
    users = max(1, wanted.memories // PER_USER)
    started = time.perf_counter()
    key = asyncio.run(fill(folder / "m.db", users))
    took = time.perf_counter() - started
    row("memories", f"{users * PER_USER:,} of {users:,} users, filled in {took:.0f} s")
    how = (str(users), str(wanted.seconds), str(wanted.connections))
    with server("serve", folder, "drawn") as (port, process):
        tell("search, vectors given", process, port, key, "search", *how)
        tell("add stored, vectors given, kept as it is", process, port, key, "keep", *how)
        tell("add stored, vectors given, to be extracted", process, port, key, "add", *how)
        tell("search, vectors given, while memories are made", process, port, key, "search", *how)
        if wanted.minutes:
            lasting(process, port, key, users, wanted)
    with server("serve", folder, "bundled") as (port, process):
        rate = tell("search, bundled embedder", process, port, key, "search", *how)
        tell("add stored, bundled embedder, kept as it is", process, port, key, "keep", *how)
    own = run("alone", *how)["rate"]
    row(
        "the bundled embedder alone, the same questions",
        f"{own:,.0f} a second; the searches are {rate / own:.0%} of it",
    )


async def fill(path: Path, users: int) -> str:
    """Memories of all users, and a key of every scope."""
    from postgres_speed import AT_ONCE, open_memory, texts

    from mnemic.server.accounts import Accounts
    from mnemic.server.database import Database

    memory = open_memory(str(path))
    for user in range(users):
        said = [{"role": "user", "content": text} for text in texts(user, PER_USER)]
        for start in range(0, PER_USER, AT_ONCE):
            await memory.add(said[start : start + AT_ONCE], infer=False, user_id=f"user{user}")
    await memory.close()
    database = Database(f"{str(path).removesuffix('.db')}.server.db")
    await database.open()
    accounts = Accounts(database)
    await accounts.prepare("default")
    _, secret = await accounts.create_key(
        await accounts.project_of_store("default"),
        email="load@example.com",
        name="load",
        scopes=("read", "write", "admin"),
    )
    await database.close()
    return secret


def serve(folder: str, port: str, kind: str) -> None:
    """The server, until it is told to end."""
    import uvicorn
    from postgres_speed import Drawn, Real

    from mnemic import AsyncMemory
    from mnemic.server.app import create_app, write_log
    from mnemic.server.settings import ServerSettings

    write_log("json")
    # One key and one project make all requests of a fleet here; that they are counted costs what it costs.
    settings = ServerSettings(key_limit="1000000/second", project_limit="1000000/second", port=int(port))
    memory = AsyncMemory(f"{folder}/m.db", embedder=Real() if kind == "bundled" else Drawn(), background=True)
    app = create_app(memory, settings)
    uvicorn.run(app, port=int(port), log_config=None, access_log=False, server_header=False)
    asyncio.run(memory.close())


def alone(users: str, seconds: str, connections: str) -> None:
    """How many questions a second the embedder embeds, asked by as many at once."""
    from mnemic.embedders.bundled import bundled

    async def work() -> float:
        embedder, asked = bundled(), questions(1)
        await embedder.embed([next(asked)], role="query")
        start, count = time.perf_counter(), 0

        async def one() -> None:
            nonlocal count
            while time.perf_counter() - start < float(seconds):
                await embedder.embed([next(asked)], role="query")
                count += 1

        await asyncio.gather(*(one() for _ in range(int(connections))))
        return count / (time.perf_counter() - start)

    print(json.dumps({"rate": asyncio.run(work()), "users": users}))


def lasting(process: Process, port: int, key: str, users: int, wanted: argparse.Namespace) -> None:
    """A load for a long time: ten searches to an add."""
    until = time.monotonic() + wanted.minutes * 60
    minute = 0
    while time.monotonic() < until:
        minute += 1
        seconds = str(min(60.0, max(1.0, until - time.monotonic())))
        tell(f"minute {minute}", process, port, key, "mixed", str(users), seconds, str(wanted.connections))


# mem0's library behind FastAPI.


def theirs(folder: Path, wanted: argparse.Namespace) -> None:
    users = max(1, wanted.beside_memories // PER_USER)
    how = (str(users), str(wanted.seconds), str(wanted.connections))
    with server("beside", folder, str(users), python=wanted.beside, patience=3600) as (port, process):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/about") as said:
            row("beside it", f"{json.load(said)}, FastAPI; {users * PER_USER:,} memories of {users:,} users")
        tell("mem0ai: search, vectors given", process, port, "-", "theirs-search", *how)
        tell("mem0ai: add, vectors given, kept as it is", process, port, "-", "theirs-add", *how)


def serve_mem0(folder: str, port: str, users: str) -> None:
    """What its own server does, without its keys and its model: the library's calls, by one thread, as they lock."""
    from concurrent.futures import ThreadPoolExecutor

    import mem0_hybrid
    import uvicorn
    from fastapi import FastAPI
    from postgres_speed import DIMENSIONS, Drawn, texts
    from pydantic import BaseModel

    class Search(BaseModel):
        query: str
        user_id: str

    class Add(BaseModel):
        messages: str
        user_id: str

    # What FastAPI reads from annotations, it looks for among the names of the module.
    globals().update(Search=Search, Add=Add)
    drawn = Drawn()

    def embed(text: str, _: str | None) -> Any:
        return asyncio.run(drawn.embed([text], role="query"))[0]

    thread = ThreadPoolExecutor(1)
    memory, about = thread.submit(mem0_hybrid.opened, Path(folder), DIMENSIONS, embed).result()

    def keep(text: str, user: str) -> Any:
        return memory.add(text, user_id=user, infer=False)

    for user in range(int(users)):
        for text in texts(user, PER_USER):
            thread.submit(keep, text, f"user{user}").result()
    app = FastAPI()

    @app.get("/about")
    async def version() -> str:
        return about

    @app.post("/search")
    async def search(body: Search) -> Any:
        def found() -> Any:
            return memory.search(body.query, filters={"user_id": body.user_id}, top_k=10, threshold=0.0)

        return await asyncio.get_running_loop().run_in_executor(thread, found)

    @app.post("/memories")
    async def add(body: Add) -> Any:
        return await asyncio.get_running_loop().run_in_executor(thread, keep, body.messages, body.user_id)

    uvicorn.run(app, port=int(port), log_config=None, access_log=False)


# Processes.


class Process:
    """Another process, and what it has used."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    @property
    def seconds(self) -> float:
        """Processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, name: str) -> float:
        """Memory that it has (VmRSS) or had at most (VmHWM)."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.split(f"{name}:")[1].split()[0]) / 1024


@contextmanager
def server(
    part: str, folder: Path, more: str, *, python: str = sys.executable, patience: float = 120
) -> Iterator[tuple[int, Process]]:
    """A server on a free port, which answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, __file__, "--part", part, str(folder), str(port), more]
    log = folder / f"{part}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(command, cwd=HERE, stdout=written, stderr=written)
    try:
        until = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"the server did not start:\n{log.read_text()[-3000:]}") from None
                time.sleep(0.1)
        yield port, Process(process.pid)
        process.send_signal(signal.SIGTERM)
        if process.wait(60) not in (0, -signal.SIGTERM):  # uvicorn hands the signal on when it has ended
            raise SystemExit(f"the server ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    finally:
        process.kill()
        process.wait()


def run(part: str, *arguments: str) -> dict[str, Any]:
    """What a process answers in its last line."""
    command = [sys.executable, __file__, "--part", part, *arguments]
    done = subprocess.run(command, cwd=HERE, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def tell(
    name: str, process: Process, port: int, key: str, kind: str, users: str, seconds: str, connections: str
) -> float:
    """Load a server and print what came of it; the rate."""
    run("load", str(port), key, kind, users, "1", connections)  # connects and fills its caches
    before = process.seconds
    done = run("load", str(port), key, kind, users, seconds, connections)
    used, count = process.seconds - before, max(1, done["count"])
    row(
        name,
        f"{done['rate']:6,.0f} a second   p50 {done['p50']:6.1f} ms   p99 {done['p99']:6.1f} ms   processor"
        f" {used * 1000 / count:.2f} ms (client {done['processor'] * 1000 / count:.2f})   memory"
        f" {process.megabytes('VmRSS'):,.0f} MB, at most {process.megabytes('VmHWM'):,.0f} MB",
    )
    if done["failed"]:
        raise SystemExit(f"{done['failed']} requests failed, the first: {done['first']}")
    return float(done["rate"])


# The client.


def load(port: str, key: str, kind: str, users: str, seconds: str, connections: str) -> None:
    """Keep a server busy, and print what came of it as JSON."""
    try:
        import uvloop

        loop = uvloop.run
    except ImportError:
        loop = asyncio.run
    requests = Requests(key, kind, int(users))
    used = time.process_time()
    taken, failed = loop(busy(int(port), requests, float(seconds), int(connections)))
    taken.sort()
    print(
        json.dumps(
            {
                "count": len(taken), "rate": len(taken) / float(seconds), "processor": time.process_time() - used,
                "p50": taken[len(taken) // 2] * 1000 if taken else 0, "failed": len(failed),
                "p99": taken[len(taken) * 99 // 100] * 1000 if taken else 0, "first": failed[0] if failed else None,
            }
        )
    )  # fmt: skip


def questions(seed: int) -> Iterator[str]:
    """No two are the same, so that nothing is answered from a cache of questions."""
    from postgres_speed import ENGLISH

    draw = random.Random(seed)
    while True:
        yield f"when did she talk about the {' '.join(draw.sample(ENGLISH, 3))} {draw.randrange(10**6)}?"


class Requests:
    """Requests of one kind, one after the other."""

    def __init__(self, key: str, kind: str, users: int) -> None:
        from postgres_speed import texts

        self._draw = random.Random(os.getpid())
        self._asked, self._said = questions(os.getpid()), texts(os.getpid(), 20_000)
        self._key, self._kind, self._users = key, kind, users

    def __next__(self) -> bytes:
        kind = self._kind
        if kind == "mixed":
            kind = "add" if self._draw.random() < 0.1 else "search"
        body: dict[str, Any] = {"user_id": f"user{self._draw.randrange(self._users)}"}
        if kind.endswith("search"):
            body["query"] = next(self._asked)
            path = "/search" if kind == "theirs-search" else "/v1/memories/search"
            if kind == "search":
                body["threshold"] = 0
        else:
            body["messages"] = f"I said: {self._draw.choice(self._said)}."
            path = "/memories" if kind == "theirs-add" else "/v1/memories"
            if kind == "keep":
                body["infer"] = False
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._key}\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


async def busy(  # noqa: C901 - one connection
    port: int, requests: Requests, seconds: float, connections: int
) -> tuple[list[float], list[str]]:
    """How long each answer took, and what was answered otherwise."""
    loop = asyncio.get_running_loop()
    taken, failed = [], []
    until = time.perf_counter() + seconds

    class Connection(asyncio.Protocol):
        """One request after the other, over a connection that is kept."""

        def __init__(self) -> None:
            self.ended = loop.create_future()
            self._came, self._need, self._sent = b"", -1, 0.0

        def connection_made(self, transport: Any) -> None:
            self._transport = transport
            self._next()

        def _next(self) -> None:
            self._sent = time.perf_counter()
            if self._sent > until:
                self._transport.close()
                return
            self._came, self._need = b"", -1
            self._transport.write(next(requests))

        def data_received(self, data: bytes) -> None:
            self._came += data
            if self._need < 0:
                head, found, _ = self._came.partition(b"\r\n\r\n")
                if not found:
                    return
                self._need = len(head) + 4 + int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])
            if len(self._came) >= self._need:
                taken.append(time.perf_counter() - self._sent)
                if not self._came.startswith(b"HTTP/1.1 20"):
                    failed.append(self._came.decode("latin-1")[:2000])
                self._next()

        def connection_lost(self, exc: Exception | None) -> None:
            if exc is not None:
                failed.append(repr(exc))
            if not self.ended.done():
                self.ended.set_result(None)

    opened = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(connections)]
    await asyncio.gather(*(each.ended for _, each in opened))
    return taken, failed


if __name__ == "__main__":
    main()
