"""The embedded store: one SQLite file in WAL mode, shared by any number of processes.

Every public method runs one short function on a worker thread, inside one transaction. Its tables stand in
`sql/sqlite`; what it does with them, in `relational`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Concatenate

from mnemic.errors import Closed, NotAStore, StoreBusy, StoreError, StoreFull, StoreUnwritable
from mnemic.protocols import Counts
from mnemic.stores.relational.cache import Cache
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.erase import erase, reset
from mnemic.stores.relational.read import Reader
from mnemic.stores.relational.store import P, R, RelationalStore
from mnemic.stores.sqlite_backup import back_up, restore
from mnemic.stores.sqlite_db import SQLiteDb, register
from mnemic.stores.sqlite_schema import backups, compact, prepare, transaction
from mnemic.types import Scope

_THREADS = 4  # readers beside one writer; SQLite serialises writers anyway
_CACHE_KIB = 16_384
_LONG = 0.05  # seconds that a look-up waits at most for another: that of a very large scope, which takes seconds


class SQLiteStore(RelationalStore):
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
        self._look_turn = threading.Lock()

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

    async def erase(self, scope: Scope) -> dict[str, int]:
        """One transaction for the rows; then the file is written anew, and copies of it beside it are removed."""
        gone = await self._write(erase, scope)
        return gone | {"backups": await self._run(self._forget)}

    async def counts(self, scope: Scope) -> Counts:
        """What a scope holds; `bytes` is the size of the whole file and its log."""
        return await self._read(Reader.counts, scope, self._bytes())

    async def reset(self) -> dict[str, int]:
        """Remove every record, then every free page and the log."""
        await self._write(reset)
        await self._run(self._forget)
        return {}

    async def backup(self, path: str, *, overwrite: bool = False) -> None:
        """SQLite's own copy of one moment, without free pages."""
        await self._run(lambda: back_up(self._connection(), self._path, path, overwrite=overwrite))

    async def restore(self, path: str) -> str | None:
        """One transaction."""

        def work() -> str | None:
            with self._write_turn:
                return restore(self._connection(), self._path, path, self._timeout)

        try:
            return await self._run(work)
        finally:
            self._cache.clear()

    def _bytes(self) -> int:
        files = (Path(self._path + suffix) for suffix in ("", "-wal"))
        return 0 if self._in_memory else sum(file.stat().st_size for file in files if file.exists())

    # Threads, connections and transactions.

    async def _read(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return step(Reader(SQLiteDb(connection), self._cache), *args, **kwargs)
            finally:
                connection.execute("ROLLBACK")

        return await self._run(work)

    async def _look_up(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One after the other, unless one takes long: it is mostly work of the interpreter, which runs one thread.

        Four at once took half as much again of the processor, each giving the interpreter up and asking for it back
        with every row.
        """

        def one_by_one(reader: Reader) -> R:
            mine = self._look_turn.acquire(timeout=_LONG)
            try:
                return step(reader, *args, **kwargs)
            finally:
                if mine:
                    self._look_turn.release()

        return await self._read(one_by_one)

    async def _write(self, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        def work() -> R:
            connection = self._connection()
            with self._write_turn, transaction(connection):
                return step(SQLiteDb(connection), *args, **kwargs)

        return await self._run(work)

    async def _run(self, work: Callable[[], R]) -> R:
        if self._pool is None:
            raise Closed("this store is closed; make a new Memory to use it again")

        def guarded() -> R:
            with _explained(self._path):
                return work()

        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool, guarded)
        except RuntimeError as exc:  # the interpreter is going down, and its threads with it
            raise Closed("this process is ending; open the store again in another") from exc
        return await running

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
            register(connection)
            self._local.connection = connection
        return connection

    def _prepare(self) -> None:
        if not self._in_memory:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        connection = self._connection()
        with self._write_turn:
            prepare(connection, self._path, self._timeout)

    def _forget(self) -> int:
        """Leave nothing of what was deleted, in memory or on disk. How many backups went."""
        self._cache.clear()
        with self._write_turn:
            compact(self._connection(), self._path, self._timeout)
        copies = [] if self._in_memory else backups(self._path)
        for copy in copies:
            copy.unlink(missing_ok=True)
        return len(copies)


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
