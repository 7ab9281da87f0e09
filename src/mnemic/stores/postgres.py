"""The store for a team: a PostgreSQL database, used by any number of processes on any number of machines.

As the embedded store does, it runs each public method as one short function on a worker thread, inside one
transaction; a thread has a connection of its own. The tables stand in `sql/postgres`; what is done with them, in
`relational`. Readers see one snapshot. Writers of one owner's rows take turns, by a lock on the owner's row, and
writers of different owners do not wait for each other.
"""

from __future__ import annotations

import asyncio
import copy as copies
import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, Self

import asyncpg

from mnemic import files
from mnemic.errors import (
    Closed,
    InvalidConfig,
    NotAStore,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreUnavailable,
    StoreUnwritable,
)
from mnemic.exports import Destination
from mnemic.protocols import Counts, Found, Probe, Space, Vectors, Write
from mnemic.records import Line
from mnemic.stores import postgres_backup as backup
from mnemic.stores import postgres_near as near
from mnemic.stores.postgres_bell import RING, Bell, is_rung_for
from mnemic.stores.postgres_db import PostgresDb, Session
from mnemic.stores.postgres_erase import rewrite, vacuum
from mnemic.stores.postgres_schema import SCHEMA, prepare
from mnemic.stores.postgres_transaction import Once, begin, end, run
from mnemic.stores.postgres_turns import Turns
from mnemic.stores.postgres_url import timeout_of, without_password
from mnemic.stores.postgres_watch import WatchedSession
from mnemic.stores.postgres_wide import WideReader, Wish, way
from mnemic.stores.relational import queue, spaces, traces
from mnemic.stores.relational.cache import Cache
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.delete import delete_scope
from mnemic.stores.relational.dump import take_in
from mnemic.stores.relational.erase import erase, reset
from mnemic.stores.relational.graph import Graph
from mnemic.stores.relational.read import Reader, is_by_keys
from mnemic.stores.relational.store import P, R, RelationalStore, once
from mnemic.stores.relational.write import commit
from mnemic.types import Change, Episode, Scope

_SETTINGS = {
    "application_name": "mnemic",
    "search_path": f"{SCHEMA}, public",
    # Each statement is planned for the values it has: a plan made for any value may, after some runs, read a whole
    # table where an index has ten rows. Planning takes less than the round trip.
    "plan_cache_mode": "force_custom_plan",
    "enable_seqscan": "off",  # every statement has an index; a table that was just filled has no statistics to say so
    # Each joins a few rows to others by an index of these; the other ways of joining read a table to its end first.
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",  # compiling takes longer than any of them
    # A client that lost its power, or its network, keeps what it has locked until the server notices: in two minutes
    # instead of the two hours that systems wait.
    "tcp_keepalives_idle": "60",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "6",
}

_BY_KEYS = (commit, take_in)
"""Steps whose statements all look up rows by their keys, whatever the values: here planning would take most of the time."""
_PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"

_TIMEOUT = 60.0
"""Seconds: a failover takes some thirty, a transaction that holds a lock for longer is stuck more likely than at work."""

_OPENING = 5.0
"""Seconds that opening waits for a server: one that starts together with its users, not one that is not there."""

_EVERY = "*"
"""What stands for all projects; none can bear this name."""

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby that was a primary until a moment ago, or is about to be one
    asyncpg.TooManyConnectionsError,
    OSError,
)
"""What a restart or a failover of the server looks like from here."""

_AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UndefinedTableError)
"""The server chose this transaction to give way to another, or the tables of an embedding space went meanwhile."""


class PostgresStore(RelationalStore):
    """Implements `protocols.Store` on a database.

    Args:
        url: `postgresql://user:password@host:port/database`; several hosts, as `host1:port1,host2:port2`, are tried
            for the one that takes writes.
        project: the only project that may be seen or written, enforced by the database; None: any.
        connections: how many at most; each is used by one thread.
        timeout: seconds to wait for a server that went away before `StoreUnavailable`, or for a lock before
            `StoreBusy`; None: what the URL says as `?mnemic.timeout=`, or 60. A server that is there and has stopped
            answering is found out in half a minute (`postgres_watch`), and given as long to come back.
    """

    def __init__(
        self, url: str, *, project: str | None = None, connections: int = 8, timeout: float | None = None
    ) -> None:
        self._url = url
        self._address = without_password(url)
        self._project = project or _EVERY
        self._connections = connections
        self._timeout = timeout or timeout_of(url) or _TIMEOUT
        self._pool: ThreadPoolExecutor | None = None
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._guard = threading.Lock()
        self._cache = Cache()
        self._role: str | None = None
        self._bell = Bell(self._connect, self._timeout)
        self._turns = Turns(self._connect, self._timeout)
        self._tending = near.Tending(self._connect)
        self._ringing: asyncio.Task[None] | None = None
        self._rings = False
        self._borrowed = False

    @property
    def address(self) -> str:
        """The URL without the password."""
        return self._address

    def within(self, project: str | None) -> Self:
        """The same connections, in whose transactions the database shows one project."""
        view = copies.copy(self)
        own = {"_project": project or _EVERY, "_ringing": None, "_rings": False, "_borrowed": True}
        vars(view).update(own)
        return view

    async def open(self) -> None:
        """Connect, and bring the database up to date."""
        if self._borrowed:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._connections, thread_name_prefix="mnemic-postgres")
        self._role = None
        try:
            await self._run(self._prepare, again=True, patience=min(self._timeout, _OPENING))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for what is running, then close every connection."""
        if self._ringing is not None:
            await asyncio.wait([self._ringing])
        if self._borrowed:
            return
        await self._tending.close()
        await self._bell.close()
        await self._turns.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(self._shut, pool)
        self._cache.clear()
        self._local = threading.local()

    def _shut(self, pool: ThreadPoolExecutor) -> None:
        pool.shutdown()
        for session in self._sessions:
            session.close()
        self._sessions.clear()

    async def commit(self, write: Write) -> None:
        """One transaction."""
        await self._once(self._project, partial(traces.of_commit, write=write), commit, write)
        if is_rung_for(write):
            self._rings = True
            if self._ringing is None or self._ringing.done():
                self._ringing = asyncio.get_running_loop().create_task(self._ring(), name="mnemic-bell")

    async def _ring(self) -> None:
        """Once for all commits since it was last rung."""
        while self._rings:
            self._rings = False
            with suppress(StoreError):  # they look by themselves, too
                await self._run(lambda session: run(session, RING), again=True)

    def turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """A lock of no row."""
        return self._turns.take(":".join((scope.project, *(scope.owner or ()))))

    async def wait_for_pending(self, seconds: float) -> None:
        """Until a commit of any process rings. Who waits for work has time for the indexes of whole projects."""
        self._tending.start()
        await self._bell.wait(seconds)

    async def find(self, probe: Probe) -> Found:
        """One read snapshot. A search of a whole project that an index would have helped asks for one.

        What the question's names are linked with is read before, in a snapshot of its own: how many memories name
        somebody cannot be known beforehand, so these statements are planned for their values, the others once for all.
        """
        if (link := probe.link) is not None:
            scope = probe.where.scope
            links = await self._read(lambda reader: link(Graph(reader.db, scope)))
            probe = replace(probe, link=lambda _: links)

        def search(reader: Reader) -> tuple[Found, Wish | None]:
            wide = WideReader(reader.db, reader.cache)
            return wide.find(probe), wide.wish

        found, wish = await (self._look_up if is_by_keys(probe) else self._read)(search)
        if wish is not None:
            with suppress(StoreError):  # the next search asks again
                await self._once(self._project, traces.of_nothing, wish.ask)
        return found

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """One transaction, which waits for nobody: what others are about to take is left to them."""
        trace = partial(traces.of_lease, until=until, scope=scope)
        return await self._once(self._project, trace, queue.lease, now, until, limit, scope)

    async def renew(self, held: Mapping[str, int], *, until: datetime) -> None:
        """One transaction."""
        await self._once(self._project, traces.of_nothing, queue.renew, held, until)

    async def use_space(self, space: Space) -> None:
        """Declare the embedding space, or confirm it."""
        if await self.space() != space:
            await self._once(self._project, traces.of_nothing, spaces.use_space, space)

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """One transaction."""
        await self._once(_EVERY, traces.of_nothing, near.reembed, space, vectors)

    async def activate(self, space: Space, *, leaving: int = 0) -> bool:
        """One transaction."""
        return await self._once(_EVERY, traces.of_nothing, spaces.activate, space, leaving)

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """One transaction, however many rows."""
        return await self._once(
            self._project, partial(traces.of_delete, change=change), delete_scope, scope, change, reason
        )

    async def erase(self, scope: Scope) -> dict[str, int]:
        """One transaction for the rows; then the tables are written anew without what was deleted.

        With `tables_left` in the answer, so many tables are too large for that, and are the operator's to write anew.
        """
        gone = await self._write(erase, scope)
        left = await self._run(self._forget, again=True)
        return gone | ({"tables_left": len(left)} if left else {})

    async def counts(self, scope: Scope) -> Counts:
        """What a scope holds; `bytes` is the size of all tables and their indexes."""

        def counted(reader: Reader) -> Counts:
            size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = ?::text::regnamespace"
            (size_now,) = reader.db.execute(f"{size} AND relkind = 'r'", [SCHEMA]).fetchone()
            return replace(reader.counts(scope, int(size_now)), whole=way(reader.db, scope.project))

        return await self._read(counted)

    async def reset(self) -> dict[str, int]:
        """Remove every record of the project, or of all, and what the tables keep of them; `tables_left` as `erase`."""
        emptied = True
        if self._project == _EVERY:
            await self._write(reset)
        else:
            await self._write(erase, Scope(project=self._project))
            emptied = await self._write_all(_reset_if_empty)
        left = await self._run(partial(self._forget, emptied=emptied), again=True)
        return {"tables_left": len(left)} if left else {}

    async def import_(self, lines: Sequence[Line], project: str, space: Space | None) -> int:
        """One transaction; what is there by then is not added once more."""
        return await self._once(self._project, traces.of_nothing, take_in, lines, project, space)

    async def backup(self, path: str, *, overwrite: bool = False) -> None:
        """An export of the project that this store is open for, or of all, compressed."""
        with files.unfinished(path, overwrite=overwrite) as copy, Destination(copy, f"{path}.gz") as file:
            await self._read(once(lambda reader: backup.write(reader.db, self._only, file), self._address))

    async def restore(self, path: str) -> str | None:
        """One transaction. What was there before is kept beside the file."""
        source = Path(path)
        await asyncio.to_thread(backup.look_at, source, self._only)
        kept = _free_name(path)

        def step(db: Db) -> str | None:
            backup.lock(db)
            before = None
            if backup.holds_anything(db, self._only):
                with Destination(copy, f"{kept}.gz") as file:
                    backup.write(db, self._only, file)
                files.finish(copy, kept)
                before = kept
            backup.replace(db, source, self._only)
            return before

        with files.scratch(kept) as copy, backup.explained(source):
            try:
                before = await self._write_all(step)
            except StoreUnavailable:
                raise  # perhaps it was done
            except BaseException:
                await asyncio.to_thread(Path(kept).unlink, missing_ok=True)  # what it holds stays where it was
                raise
            finally:
                self._cache.clear()
        with suppress(StoreError):  # it is done; the room of what was there before is made free sooner or later
            await self._run(lambda session: session.wait(vacuum(session.connection)), again=True)
        return before

    @property
    def _only(self) -> str | None:
        """The project that it is open for; None: all."""
        return None if self._project == _EVERY else self._project

    # Threads, connections and transactions.

    async def _read(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._snapshot(self._project, step, *args, **kwargs)

    async def _look_up(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        asked = partial(self._on_snapshot, self._project, lambda reader: step(reader, *args, **kwargs), by_keys=True)
        return await self._run(asked, again=True)

    async def _read_all(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._snapshot(_EVERY, step, *args, **kwargs)

    async def _write(self, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._transaction(self._project, step, *args, **kwargs)

    async def _write_all(self, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._transaction(_EVERY, step, *args, **kwargs)

    async def _snapshot(
        self, project: str, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        asked = partial(self._on_snapshot, project, lambda reader: step(reader, *args, **kwargs))
        return await self._run(asked, again=True)

    def _on_snapshot(self, project: str, step: Callable[[Reader], R], session: Session, *, by_keys: bool = False) -> R:
        settings = ""
        if by_keys:
            settings = f"{_PLANNED_ONCE}; DISCARD PLANS" if session.has_old_plans() else _PLANNED_ONCE
        begin(session, project, "ISOLATION LEVEL REPEATABLE READ READ ONLY", settings)
        try:
            return step(Reader(PostgresDb(session), self._cache))
        finally:
            end(session, "ROLLBACK")

    async def _transaction(
        self, project: str, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return await self._once(project, traces.untold, step, *args, **kwargs)

    async def _once(
        self,
        project: str,
        trace: Callable[[Db], traces.Answer],
        step: Callable[Concatenate[Db, P], R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """Commit a step, through restarts of the server. `trace` is asked whether a commit without an answer was done."""
        settings = _PLANNED_ONCE if step in _BY_KEYS else ""
        once = Once(project, lambda db: step(db, *args, **kwargs), trace, settings)
        try:
            return await self._run(once, again=True)
        except (StoreUnavailable, traces.Untold) as exc:
            if not once.asked:
                raise
            raise StoreUnavailable(
                f"{self._address} went away while it was to commit this; whether it did cannot be told now:"
                " look before you repeat it"
            ) from exc

    async def _run(self, work: Callable[[Session], R], *, again: bool = False, patience: float | None = None) -> R:
        """Run it on a thread, with a connection. With `again`, once more where the server went away meanwhile."""
        if self._pool is None:
            raise Closed("this store is closed; make a new Memory to use it again")

        waits = self._timeout if patience is None else patience

        def guarded() -> R:
            with _explained(self._address):
                return self._tried(work, waits, again=again)

        try:
            running = asyncio.get_running_loop().run_in_executor(self._pool, guarded)
        except RuntimeError as exc:  # the interpreter is going down, and its threads with it
            raise Closed("this process is ending; open the store again in another") from exc
        return await running

    def _tried(self, work: Callable[[Session], R], waits: float, *, again: bool) -> R:
        deadline, lost = time.monotonic() + waits, False
        while True:
            session = self._session(deadline)
            try:
                return work(session)
            except _AGAIN:
                if not _pause(deadline):
                    raise
            except _LOST as exc:
                if isinstance(exc, ValueError):  # not a server that went away: a value that it cannot take
                    raise
                session.drop()
                if not lost:  # the server has its time from when it went, however long the work took before
                    deadline, lost = time.monotonic() + waits, True
                if not again or not _pause(deadline):
                    raise

    def _session(self, deadline: float) -> Session:
        """The session of this thread, connected: a server that restarts, or whose standby takes over, is waited for."""
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = WatchedSession(self._connect_as_user, self._timeout)
            with self._guard:
                self._sessions.append(session)
        while session.connection is None or session.connection.is_closed():
            with _refused(self._address):
                try:
                    session.connection = session.wait(self._connect())
                except asyncpg.ClientConfigurationError:
                    raise
                except _LOST:
                    if not _pause(deadline):
                        raise
        return session

    async def _connect_as_user(self) -> Any:
        return await self._connect(role=None)

    async def _connect(self, **role: str | None) -> Any:
        taken = role.get("role", self._role)
        settings = _SETTINGS | ({} if taken is None else {"role": taken})
        settings["lock_timeout"] = str(int(self._timeout * 1000))
        return await asyncpg.connect(
            self._url,
            server_settings=settings,
            statement_cache_size=1024,
            max_cached_statement_lifetime=0,
            target_session_attrs="read-write",
            timeout=min(self._timeout, 10),
        )

    def _prepare(self, session: Session) -> None:
        self._role = session.wait(prepare(session.connection, self._address))
        if self._role is not None:
            session.drop()  # the next connection takes the role from its start

    def _forget(self, session: Session, *, emptied: bool = False) -> list[str]:
        """Leave nothing of what was deleted, in memory or in the tables' files; the tables where it stays."""
        self._cache.clear()
        return session.wait(rewrite(session.connection, self._timeout, emptied=emptied))


def _free_name(path: str) -> str:
    """Where a restore from a file keeps what was there before."""
    number = 1
    while Path(kept := f"{path}.before-{number}").exists():
        number += 1
    return kept


def _reset_if_empty(db: Db) -> bool:
    """Without any owner there is nothing that the embedding space must be kept for. Whether there is none."""
    empty: bool = db.execute("SELECT 1 FROM owners LIMIT 1").fetchone() is None
    if empty:
        reset(db)
    return empty


def _pause(deadline: float) -> bool:
    """A moment before another try; whether there is time for one."""
    time.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - so that those who wait do not all come back at once
    return time.monotonic() < deadline


@contextmanager
def _refused(address: str) -> Iterator[None]:
    """The same where there is no connection yet, and nothing under way."""
    try:
        yield
    except asyncpg.ClientConfigurationError as exc:
        raise InvalidConfig(f"the address {address} cannot be used: {exc}") from None
    except asyncpg.TargetServerAttributeNotMatched as exc:
        raise StoreUnwritable(
            f"{address} answers and takes no writes: it is a standby, or this user's transactions are read-only"
        ) from exc
    except _LOST as exc:
        raise StoreUnavailable(f"{address} cannot be reached ({_said(exc)}); is the server running there?") from exc
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InsufficientPrivilegeError,
    ) as exc:
        raise StoreUnavailable(f"{address} refused the connection: {exc}; check the user, password and name") from exc
    except asyncpg.PostgresError as exc:  # what stands behind the question mark is set as the server's settings
        raise InvalidConfig(f"{address} refused a setting in the address: {exc}") from exc


def _said(exc: BaseException) -> str:
    return str(exc) or ("it does not answer" if isinstance(exc, TimeoutError) else type(exc).__name__)


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """Turn the server's and the system's errors into ours, each with the next step."""
    try:
        yield
    except asyncpg.DiskFullError as exc:
        raise StoreFull(f"no space left at {address}; nothing of this write was kept. Free some and repeat") from exc
    except (asyncpg.LockNotAvailableError, *_AGAIN) as exc:
        raise StoreBusy(f"others kept rows of {address} locked for too long; repeat, or raise the timeout") from exc
    except asyncpg.InsufficientPrivilegeError as exc:
        raise StoreUnwritable(
            f"{address}: {exc}; this user must own the schema {SCHEMA!r}, or be a member of the role that does"
        ) from exc
    except _LOST as exc:
        raise StoreUnavailable(f"{address} cannot be reached ({_said(exc)}); is the server running?") from exc
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.SyntaxOrAccessError, asyncpg.DataError):
        raise  # a defect of ours, to be seen as one
    except asyncpg.PostgresError as exc:
        raise StoreError(f"{address} failed: {exc}; run: mnemic verify") from exc
    except (UnicodeDecodeError, json.JSONDecodeError) as exc:
        raise NotAStore(f"{address} holds rows that no store writes ({exc}); it is damaged. Give another one") from exc
