"""The embedded store: one SQLite file in WAL mode, shared by any number of processes.

Every public method runs one short function on a worker thread, inside one transaction. SQL stands in
`sql/` and beside its use; scope predicates and filters are written by `sqlite_sql` alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from mnemic.errors import Closed, NotAStore, StoreBusy, StoreError, StoreFull, StoreUnwritable
from mnemic.protocols import (
    Around,
    Ask,
    Changed,
    Counts,
    Events,
    Found,
    Log,
    Named,
    Order,
    Page,
    Piece,
    Probe,
    Space,
    Vectors,
    Where,
    Write,
)
from mnemic.stores import sqlite_graph as graph
from mnemic.stores import sqlite_past as past
from mnemic.stores import sqlite_queue as queue
from mnemic.stores import sqlite_spaces as spaces
from mnemic.stores import sqlite_undo as undo
from mnemic.stores.sqlite_around import around
from mnemic.stores.sqlite_backup import back_up, restore
from mnemic.stores.sqlite_cache import Cache
from mnemic.stores.sqlite_delete import delete_scope
from mnemic.stores.sqlite_erase import compact, erase, reset
from mnemic.stores.sqlite_filter import register
from mnemic.stores.sqlite_profile import foremost
from mnemic.stores.sqlite_read import Reader
from mnemic.stores.sqlite_schema import backups, prepare, transaction
from mnemic.stores.sqlite_verify import verify
from mnemic.stores.sqlite_write import commit
from mnemic.types import Change, Entity, Episode, EpisodeState, HistoryEvent, Memory, Record, Scope, Usage

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
            await self._write(spaces.use_space, space)

    async def missing(self, space: Space, limit: int) -> list[Piece]:
        """Records without vectors in a space."""
        return await self._read(lambda reader: spaces.missing(reader.db, space, limit))

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """One transaction."""
        await self._write(spaces.reembed, space, vectors)

    async def activate(self, space: Space) -> bool:
        """One transaction."""
        return await self._write(spaces.activate, space)

    async def commit(self, write: Write) -> None:
        """One transaction."""
        await self._write(commit, write)

    async def around(self, ask: Ask) -> Around:
        """One read snapshot."""
        return await self._read(around, ask)

    async def find(self, probe: Probe) -> Found:
        """One read snapshot."""
        return await self._read(Reader.find, probe)

    async def load(self, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Record]:
        """Records by id."""
        return await self._read(Reader.load, ids, known_at)

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Of the active space."""
        return await self._read(Reader.vectors, ids)

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by key."""
        return await self._read(Reader.standing, scope, keys)

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes by the caller's ids."""
        return await self._read(Reader.taken, scope, external_ids)

    async def page(self, where: Where, *, limit: int, cursor: str | None, order: Order = "newest") -> Page:
        """One read snapshot."""
        return await self._read(Reader.page, where, limit, cursor, order)

    async def foremost(self, where: Where, *, attributes: Sequence[str], limit: int | None) -> Page:
        """Rows of what is shown only."""
        return await self._read(foremost, where, attributes, limit)

    async def log(self, scope: Scope, states: Sequence[EpisodeState], *, limit: int, cursor: str | None) -> Log:
        """Newest first."""
        return await self._read(Reader.log, scope, states, limit, cursor)

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        return await self._read(Reader.history, memory_id)

    async def changes(
        self, scope: Scope, *, since: datetime, until: datetime | None = None, limit: int, cursor: str | None = None
    ) -> Events:
        """Events by time."""
        return await self._read(lambda reader: past.changes(reader.db, scope, since, until, limit, cursor))

    async def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """Versions by slot."""
        return await self._read(Reader.slot, scope, slot)

    async def change(self, change_id: str) -> Changed | None:
        """A change and its traces."""
        return await self._read(lambda reader: undo.change(reader.db, change_id))

    async def citing(self, episode_ids: Sequence[str], *, superseded: bool = False) -> tuple[Memory, ...]:
        """Memories by source."""
        return await self._read(Reader.citing, episode_ids, superseded=superseded)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """Oldest first."""
        return await self._read(Reader.last_turns, scope, limit)

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """One transaction: of two workers that ask at once, one waits for the other's choice."""
        return await self._write(queue.lease, now, until, limit, scope)

    async def due(self, scope: Scope | None = None) -> datetime | None:
        """When to call `lease`."""
        return await self._read(lambda reader: queue.due(reader.db, scope))

    async def spent(self, project: str, day: date) -> Usage:
        """A project's day."""
        return await self._read(Reader.spent, project, day)

    async def entities(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Named:
        """Most named first."""
        return await self._read(lambda reader: graph.entities(reader.db, scope, limit, cursor))

    async def naming(self, scope: Scope, entity_ids: Sequence[str]) -> Named:
        """What is said of some entities."""
        return await self._read(lambda reader: graph.naming(reader.db, scope, entity_ids))

    async def resolve(self, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
        """Entities by name or id."""
        return await self._read(lambda reader: graph.resolve(reader.db, scope, keys))

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """One transaction, however many rows."""
        return await self._write(delete_scope, scope, change, reason)

    async def erase(self, scope: Scope) -> dict[str, int]:
        """One transaction for the rows; then the file is written anew, and copies of it beside it are removed."""
        gone = await self._write(erase, scope)
        return gone | {"backups": await self._run(self._forget)}

    async def counts(self, scope: Scope) -> Counts:
        """What a scope holds; `bytes` is the size of the whole file and its log."""
        return await self._read(Reader.counts, scope, self._bytes())

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Compare rows, index and links."""
        return await self._read(verify)

    async def reset(self) -> None:
        """Remove every record, then every free page and the log."""
        await self._write(reset)
        await self._run(self._forget)

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
                return step(Reader(connection, self._cache), *args, **kwargs)
            finally:
                connection.execute("ROLLBACK")

        return await self._run(work)

    async def _write(
        self, step: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        def work() -> R:
            connection = self._connection()
            with self._write_turn, transaction(connection):
                return step(connection, *args, **kwargs)

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
