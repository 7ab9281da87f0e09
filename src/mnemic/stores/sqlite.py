"""The embedded store: one SQLite file in WAL mode, shared by any number of processes.

Every public method runs one short function on a worker thread; `_Writer` and `_Reader` below hold
what happens inside its transaction. SQL stands in `sql/` and beside its use; the scope predicate is
written by `_scope_sql` alone, filters by `_filter_sql` alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from mnemic.errors import (
    Closed,
    NotAStore,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreTooNew,
    StoreUnwritable,
)
from mnemic.protocols import Counts, Found, Page, Piece, Probe, Space, Vectors, Where, Write
from mnemic.stores.sqlite_cache import Cache
from mnemic.stores.sqlite_read import Reader
from mnemic.stores.sqlite_verify import verify
from mnemic.stores.sqlite_write import Writer
from mnemic.types import Episode, HistoryEvent, Memory, Record, Scope

APPLICATION_ID = 0x4D6E6D63  # "Mnmc", so that another program's database is told apart from ours
_LEAST_BYTES = 100  # the header of every SQLite file; the library takes a shorter file for an empty one
_THREADS = 4  # readers beside one writer; SQLite serialises writers anyway
_CACHE_KIB = 16_384

P = ParamSpec("P")
R = TypeVar("R")


class SQLiteStore:
    """Implements `protocols.Store` on one file.

    Args:
        path: the file, created with its folder on `open`; `":memory:"` keeps everything in memory.
        timeout: seconds to wait for another process's write before `StoreBusy`.
    """

    def __init__(self, path: str | os.PathLike[str], *, timeout: float = 60.0) -> None:
        self._path = os.fspath(path)
        self._timeout = timeout
        self._in_memory = self._path == ":memory:"
        self._pool: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._cache = Cache()
        self._write_turn = threading.Lock()  # waiting here is fair; waiting in SQLite is polling

    @property
    def address(self) -> str:
        """The path."""
        return self._path

    async def open(self) -> None:
        """Open or create the file and bring its schema up to date."""
        if self._pool is None:
            # An in-memory database belongs to one connection, hence to one thread.
            self._pool = ThreadPoolExecutor(1 if self._in_memory else _THREADS, thread_name_prefix="mnemic-sqlite")
        try:
            await self._run(self._prepare)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for what is running, then close every connection."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown)
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self._cache.clear()
        self._local = threading.local()

    async def space(self) -> Space | None:
        """The active embedding space."""
        return await self._read(Reader.space)

    async def use_space(self, space: Space) -> None:
        """Declare the embedding space, or confirm it."""
        if await self._read(Reader.space) != space:
            await self._write(Writer.use_space, space)

    async def missing(self, space: Space, limit: int) -> list[Piece]:
        """Records without vectors in a space."""
        return await self._read(Reader.missing, space, limit)

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """One transaction."""
        await self._write(Writer.reembed, space, vectors)

    async def activate(self, space: Space) -> bool:
        """One transaction."""
        return await self._write(Writer.activate, space)

    async def commit(self, write: Write) -> None:
        """One transaction."""
        await self._write(Writer.commit, write)

    async def find(self, probe: Probe) -> Found:
        """One read snapshot."""
        return await self._read(Reader.find, probe)

    async def load(self, ids: Sequence[str]) -> dict[str, Record]:
        """Records by id."""
        return await self._read(Reader.load, ids)

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by key."""
        return await self._read(Reader.standing, scope, keys)

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes by the caller's ids."""
        return await self._read(Reader.taken, scope, external_ids)

    async def page(self, where: Where, *, limit: int, cursor: str | None) -> Page:
        """Newest first."""
        return await self._read(Reader.page, where, limit, cursor)

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        return await self._read(Reader.history, memory_id)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """Oldest first."""
        return await self._read(Reader.last_turns, scope, limit)

    async def delete_scope(self, scope: Scope, *, at: datetime, change_id: str, reason: str) -> tuple[int, int]:
        """One transaction, however many rows."""
        return await self._write(Writer.delete_scope, scope, at, change_id, reason)

    async def counts(self, scope: Scope) -> Counts:
        """What a scope holds; `bytes` is the size of the whole file and its log."""
        return await self._read(Reader.counts, scope, self._bytes())

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Compare rows, index and links."""
        return await self._read(verify)

    async def reset(self) -> None:
        """Remove every record, then every free page and the log."""
        await self._write(Writer.reset)
        self._cache.clear()
        await self._run(self._compact)

    def _bytes(self) -> int:
        files = (Path(self._path + suffix) for suffix in ("", "-wal"))
        return 0 if self._in_memory else sum(file.stat().st_size for file in files if file.exists())

    # Threads, connections and transactions.

    async def _read(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return step(Reader(connection, self._cache), *args, **kwargs)
            finally:
                connection.execute("ROLLBACK")

        return await self._run(work)

    async def _write(self, step: Callable[Concatenate[Writer, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            connection = self._connection()
            with self._write_turn, _transaction(connection):
                return step(Writer(connection), *args, **kwargs)

        return await self._run(work)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._pool is None:
            raise Closed("this store is closed; make a new Memory to use it again")

        def guarded() -> R:
            with _explained(self._path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, guarded)

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False
            )
            with self._guard:
                self._connections.append(connection)
            connection.execute("PRAGMA synchronous = FULL")  # an acknowledged write survives a power cut
            connection.execute("PRAGMA secure_delete = ON")  # what is erased is not left in free pages
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.create_function("fold", 1, _fold, deterministic=True)
            self._local.connection = connection
        return connection

    def _prepare(self) -> None:
        if not self._in_memory:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        connection = self._connection()
        if not self._in_memory and 0 < Path(self._path).stat().st_size < _LEAST_BYTES:
            raise NotAStore(f"{self._path!r} is too short to be a Mnemic store; give another path")
        connection.execute("BEGIN")  # one snapshot: another process may be making the store right now
        tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
        ours = _number(connection, "PRAGMA application_id") == APPLICATION_ID
        connection.execute("ROLLBACK")
        if tables and not ours:
            raise NotAStore(f"{self._path!r} is a database of another program; give Mnemic a path of its own")
        _use_wal(connection, self._timeout)
        steps = _migrations()
        version = _number(connection, "PRAGMA user_version")
        if version > len(steps):
            raise StoreTooNew(
                f"{self._path!r} was written by a later release of Mnemic; upgrade: pip install -U mnemic"
            )
        if version < len(steps):
            with self._write_turn, _transaction(connection):
                for number in range(_number(connection, "PRAGMA user_version"), len(steps)):
                    for statement in steps[number]:
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {number + 1}")
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")

    def _compact(self) -> None:
        connection = self._connection()
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # Turning WAL on needs the file alone for a moment and, unlike a write, does not wait its turn.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_LOCKED") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrations() -> list[list[str]]:
    folder = resources.files("mnemic.stores.sql")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [list(_statements(file.read_text(encoding="utf-8"))) for file in files]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _fold(value: str | float | None) -> str | float | None:
    return value.lower() if isinstance(value, str) else value


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours, each with the next step."""
    try:
        yield
    except sqlite3.Error as exc:
        name = getattr(exc, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_FULL"):
            raise StoreFull(
                f"no space left for {path!r}; nothing of this write was kept. Free some and repeat"
            ) from exc
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
            raise StoreUnwritable(_unwritable(path)) from exc
        if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
            raise NotAStore(f"{path!r} is not a Mnemic store, or it is damaged ({exc}); give another path") from exc
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise StoreBusy(f"another process kept {path!r} locked for too long; repeat, or raise the timeout") from exc
        if isinstance(exc, sqlite3.ProgrammingError | sqlite3.InterfaceError | sqlite3.IntegrityError):
            raise  # a defect of ours, to be seen as one
        raise StoreError(f"the store {path!r} failed: {exc}; run: mnemic verify") from exc
    except (UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise NotAStore(f"{path!r} holds rows that no store writes ({exc}); it is damaged. Give another path") from exc
    except OSError as exc:
        raise StoreUnwritable(_unwritable(path)) from exc


def _unwritable(path: str) -> str:
    return f"{path!r} cannot be opened for writing; check its folder's permissions, or set MNEMIC_HOME or path="
