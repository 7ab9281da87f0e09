"""Several PostgreSQL nodes on this machine, for real: each a primary with a synchronous standby, under Patroni and etcd.

A node holds a part of the rows. A commit is acknowledged when the node's standby has it, too (`synchronous_mode`, and
`strict`: without a standby nothing is acknowledged). Beside them runs one coordinator, a PostgreSQL without rows of its
own, for `coordinator.py`. Everything listens on free loopback ports and lives in a temporary folder.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg
import programs
import psutil

DATABASE = USER = "mnemic"  # who owns the database is no superuser, so that row-level security holds
POLL = 0.05  # seconds between two looks at a server that is awaited: each costs it a connection, or Patroni a question
RECOVERY = 300.0  # seconds for a crash recovery, a rewind and catching up, on a machine that does much besides

# Patroni looks after its server every `loop_wait` seconds; a machine whose Patroni is gone loses its leadership after
# `ttl` seconds. Both are the least that Patroni takes. Its own values are 10 and 30.
PATRONI = {
    "ttl": 20,
    "loop_wait": 1,
    "retry_timeout": 5,
    "primary_start_timeout": 0,  # a crashed primary is not waited for: its standby takes over
    "synchronous_mode": True,
    "synchronous_mode_strict": True,
}
# Small enough for seven servers on one small machine.
PARAMETERS = {
    "max_connections": 60,
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "wal_keep_size": "512MB",
    "synchronous_commit": "on",
    "timezone": "UTC",
}

Unreachable = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What a client gets while a server is down, starting, or about to be promoted. The last one: a connection that broke in
the middle of an answer and goes back to the pool."""


class Late(RuntimeError):
    """Something of a cluster did not come about in the time it may take."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """One server of a node and the Patroni that looks after it."""

    name: str
    folder: Path
    port: int
    rest: int
    """Where its Patroni answers questions."""
    patroni: subprocess.Popen

    @property
    def postmaster(self) -> int | None:
        """Process id of the server, None while it does not run."""
        try:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        except (OSError, IndexError, ValueError):
            return None
        return pid if psutil.pid_exists(pid) else None


@dataclass(frozen=True, kw_only=True)
class Killed:
    """A primary that was killed: which one, and when (`time.perf_counter`)."""

    node: int
    member: Member
    at: float


class Cluster:
    """`nodes` database nodes, each a primary with `standbys`, and a coordinator."""

    def __init__(self, nodes: int = 3, *, standbys: int = 1) -> None:
        self.size = nodes
        self._sides = "abcdefgh"[: 1 + standbys]
        self.password = secrets.token_hex(16)
        self.folder = Path()
        self.coordinator_port = 0
        self._members: list[list[Member]] = []
        self._others: list[subprocess.Popen] = []

    async def start(self) -> Self:
        """Start everything; returns when every node has a primary and a standby in step with it."""
        programs.patroni()
        self.folder = Path(tempfile.mkdtemp(prefix="mnemic-cluster-"))
        self.folder.chmod(0o755)
        try:
            etcd = self._start_etcd()
            for node in range(self.size):
                self._members.append([self._start_member(node, side, etcd) for side in self._sides])
            self._start_coordinator()
            async with self._in_time("the cluster did not start", 120):
                started = asyncio.gather(self._created(self.coordinator_port), *map(self._ready, range(self.size)))
                while not started.done():
                    await asyncio.wait([started], timeout=0.5)
                    self._all_run()
                await started
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop every server this started, at once, and remove its files; an impatient interrupt does not stop that."""
        if threading.current_thread() is threading.main_thread():
            with _uninterrupted():
                self._stop()
        else:
            self._stop()

    def _stop(self) -> None:
        patronis = [member.patroni for node in self._members for member in node]
        for process in patronis:  # first, or they would start their servers again
            process.kill()
        postmasters = [psutil.Process(pid) for node in self._members for member in node if (pid := member.postmaster)]
        for server in postmasters:
            server.send_signal(signal.SIGQUIT)
        for process in self._others:
            process.send_signal(signal.SIGQUIT)
        for server in postmasters:
            server.wait(30)
        for process in [*patronis, *self._others]:
            process.wait(30)
        self._members, self._others = [], []
        shutil.rmtree(self.folder)

    def dsn(self, node: int) -> str:
        """Where a node's primary is, whichever of its servers that is when a connection is made."""
        hosts = ",".join(f"127.0.0.1:{member.port}" for member in self._members[node])
        return f"postgresql://{USER}:{self.password}@{hosts}/{DATABASE}?target_session_attrs=read-write"

    @property
    def coordinator(self) -> str:
        """Where the coordinator is."""
        return self._at(self.coordinator_port)

    def ports(self, node: int) -> list[int]:
        """The ports of a node's servers."""
        return [member.port for member in self._members[node]]

    async def primary(self, node: int) -> Member:
        """The server of a node that takes writes at this moment.

        Raises:
            LookupError: none does.
        """
        for member in self._members[node]:
            if await self._writable(member.port):
                return member
        raise LookupError(f"no server of node {node} takes writes at this moment")

    async def kill(self, node: int, *, machine: bool = False) -> Killed:
        """End a node's primary with kill -9: its postmaster only, or all that runs on its machine, Patroni first."""
        member = await self.primary(node)
        server = psutil.Process(member.postmaster)
        doomed = [server, *server.children(recursive=True)] if machine else [server]
        at = time.perf_counter()
        if machine:
            member.patroni.kill()
        for process in doomed:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue  # a backend that ended by itself
        return Killed(node=node, member=member, at=at)

    async def wait_promoted(self, killed: Killed, *, within: float = 90) -> float:
        """Seconds from the kill until another server of the node says that it is the primary. Raises Late."""
        others = [member for member in self._members[killed.node] if member is not killed.member]
        async with self._in_time(f"a standby of node {killed.node} was not promoted", within, f"node{killed.node}"):
            while not any([await self._writable(member.port) for member in others]):  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL)
        return time.perf_counter() - killed.at

    async def wait_whole(self, node: int, *, within: float = RECOVERY) -> float:
        """Wait until the node has a primary and all its standbys, one in step; returns when (`time.perf_counter`).

        Raises:
            Late: it has not `within` so many seconds.
        """
        async with self._in_time(f"node {node} has no primary with its standbys in step", within, f"node{node}"):
            while not await self._in_step(node):  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL)
        return time.perf_counter()

    def bring_back(self, killed: Killed) -> None:
        """Start the Patroni of a killed machine again; it makes its server a standby of the new primary."""
        members = self._members[killed.node]
        gone = killed.member
        members[members.index(gone)] = self._run_member(gone.name, gone.folder, gone.port, gone.rest)

    @asynccontextmanager
    async def _in_time(self, what: str, within: float, name: str = "") -> AsyncIterator[None]:
        """Raises Late with what went wrong and the last words of the logs of this name, after so many seconds."""
        try:
            async with asyncio.timeout(within):
                yield
        except TimeoutError as exc:
            raise Late(f"{what} within {within:g} s; the last logs say:\n{self._last_words(name)}") from exc

    def _last_words(self, name: str = "") -> str:
        logs = sorted(self.folder.glob(f"{name}*.log"), key=lambda log: log.stat().st_mtime)
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-1000:]}" for log in logs[-2:])

    def _at(self, port: int, database: str = DATABASE) -> str:
        return f"postgresql://postgres:{self.password}@127.0.0.1:{port}/{database}"

    def _start_etcd(self) -> int:
        folder = self.folder / "etcd"
        programs.own(folder)
        client, peer = programs.free_ports(2)
        self._others.append(
            programs.start(
                [
                    programs.etcd(),
                    f"--data-dir={folder / 'data'}",
                    f"--listen-client-urls=http://127.0.0.1:{client}",
                    f"--advertise-client-urls=http://127.0.0.1:{client}",
                    f"--listen-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                    f"--initial-cluster=default=http://127.0.0.1:{peer}",
                ],
                folder=folder,
                log=self.folder / "etcd.log",
            )
        )
        return client

    def _start_member(self, node: int, side: str, etcd: int) -> Member:
        name = f"node{node}{side}"
        folder = self.folder / name
        programs.own(folder)
        port, rest = programs.free_ports(2)
        login = {"username": "postgres", "password": self.password}
        config = {
            "scope": f"node{node}",
            "name": name,
            "etcd3": {"host": f"127.0.0.1:{etcd}"},
            "restapi": {"listen": f"127.0.0.1:{rest}", "connect_address": f"127.0.0.1:{rest}"},
            "bootstrap": {
                "dcs": {**PATRONI, "postgresql": {"use_pg_rewind": True, "parameters": PARAMETERS}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{port}",
                "connect_address": f"127.0.0.1:{port}",
                "data_dir": str(folder / "data"),
                "bin_dir": str(Path(programs.postgres("postgres")).parent),
                "pgpass": str(folder / "pgpass"),
                "authentication": {"superuser": login, "replication": login, "rewind": login},
                "pg_hba": [
                    "host all all 127.0.0.1/32 scram-sha-256",
                    "host replication all 127.0.0.1/32 scram-sha-256",
                ],
                "parameters": {"unix_socket_directories": ""},
            },
        }
        path = folder / "patroni.json"  # JSON is YAML, which is what Patroni reads
        path.write_text(json.dumps(config))
        shutil.chown(path, programs.system_user() or os.geteuid())
        path.chmod(0o600)
        return self._run_member(name, folder, port, rest)

    def _run_member(self, name: str, folder: Path, port: int, rest: int) -> Member:
        process = programs.start(
            [programs.patroni(), str(folder / "patroni.json")], folder=folder, log=self.folder / f"{name}.log"
        )
        return Member(name=name, folder=folder, port=port, rest=rest, patroni=process)

    def _start_coordinator(self) -> None:
        folder = self.folder / "coordinator"
        programs.own(folder)
        [self.coordinator_port] = programs.free_ports(1)
        word = folder / "password"
        word.write_text(self.password)
        shutil.chown(word, programs.system_user() or os.geteuid())
        data = folder / "data"
        programs.run(
            [
                programs.postgres("initdb"),
                f"--pgdata={data}",
                "--username=postgres",
                f"--pwfile={word}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ]
        )
        parameters = {**PARAMETERS, "port": self.coordinator_port, "unix_socket_directories": ""}
        parameters |= {"listen_addresses": "127.0.0.1", "wal_level": "replica"}
        settings = [f"--{name}={value}" for name, value in parameters.items()]
        self._others.append(
            programs.start(
                [programs.postgres("postgres"), "-D", str(data), *settings],
                folder=folder,
                log=self.folder / "coordinator.log",
            )
        )

    def _all_run(self) -> None:
        for process in [*self._others, *(member.patroni for node in self._members for member in node)]:
            if process.poll() is not None:
                raise programs.Missing(
                    f"{process.args[0]} ended while starting; the last logs say:\n{self._last_words()}"
                )

    async def _ready(self, node: int) -> None:
        await self.wait_whole(node, within=110)
        await self._created((await self.primary(node)).port)
        for port in self.ports(node):  # a client that comes to a standby first must find the database there, too
            while not await self._has_database(port):  # noqa: ASYNC110 - another process
                await asyncio.sleep(POLL)

    async def _created(self, port: int) -> None:
        """Make the database and its owner on a server, as soon as it takes connections."""
        while True:
            try:
                db = await asyncpg.connect(self._at(port, "postgres"))
            except Unreachable:
                await asyncio.sleep(POLL)
                continue
            await db.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{self.password}'")
            await db.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")
            await db.close()
            break
        db = await asyncpg.connect(self._at(port))
        await db.execute("CREATE EXTENSION vector")  # which takes a superuser
        await db.close()

    async def _has_database(self, port: int) -> bool:
        try:
            db = await asyncpg.connect(self._at(port))
        except Unreachable:
            return False
        db.terminate()
        return True

    async def _in_step(self, node: int) -> bool:
        """Whether every standby streams, and Patroni counts one as having all that was acknowledged: it may take over."""
        for member in self._members[node]:
            try:
                seen = await asyncio.to_thread(_read, f"http://127.0.0.1:{member.rest}/cluster")
            except OSError:
                continue
            stands = Counter((server["role"], server["state"]) for server in seen["members"])
            copies = stands["sync_standby", "streaming"] + stands["replica", "streaming"]
            return (
                stands["leader", "running"] == 1
                and stands["sync_standby", "streaming"] > 0
                and copies == len(self._sides) - 1
            )
        return False

    async def _writable(self, port: int) -> bool:
        try:
            db = await asyncpg.connect(self._at(port, "postgres"), timeout=2)
        except Unreachable:
            return False
        try:
            return not await db.fetchval("SELECT pg_is_in_recovery()")
        except Unreachable:
            return False
        finally:
            db.terminate()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    before = {each: signal.signal(each, signal.SIG_IGN) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _read(url: str) -> dict:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)
