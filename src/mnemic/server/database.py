"""The server's own database: a file beside a SQLite store, or a schema of the PostgreSQL one. Migrated by Alembic."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import AsyncAdaptedQueuePool, Connection, Table, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from mnemic.errors import StoreError, StoreUnavailable

SCHEMA = "mnemic_server"
_MIGRATING = 7_716_351_205  # of the advisory lock that migrations hold; any number that nobody else uses


class Database:
    """Connections to the tables of `tables.py`.

    Args:
        address: a file, or `postgresql://…`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._server = address.startswith(("postgresql://", "postgres://"))
        self._engine: AsyncEngine | None = None
        self._begun = 0
        self._idle = asyncio.Event()
        self._idle.set()
        # What is in memory has one connection, and so one transaction at a time.
        self._turn = asyncio.Lock() if address == ":memory:" else nullcontext()

    @property
    def is_shared(self) -> bool:
        """Whether servers of other machines may have it open, too."""
        return self._server

    async def open(self) -> None:
        """Connect, and make or migrate the tables. Safe from several processes at once.

        Raises:
            StoreUnavailable: the database server does not answer. StoreError: the file cannot be opened.
        """
        self._engine = _of_server(self._address) if self._server else _of_file(self._address)
        try:
            async with self._engine.connect() as connection:
                if self._server:
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATING})"))
                    await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
                await connection.run_sync(_migrate)
                await connection.commit()
        except (DBAPIError, OSError) as exc:
            raise _explained(exc, self._address) from exc

    async def close(self) -> None:
        """Close every connection, those of transactions under way when they have ended."""
        if self._engine is not None:
            await self._idle.wait()
            await self._engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed at the end of the block, or rolled back by what it raises.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        if self._engine is None:
            raise StoreError("the server's database is not open")
        self._begun += 1
        self._idle.clear()
        try:
            async with self._turn, self._engine.begin() as connection:
                yield connection
        except (DBAPIError, OSError) as exc:
            if _is_away(exc):
                raise _explained(exc, self._address) from exc
            raise
        finally:
            self._begun -= 1
            if not self._begun:
                self._idle.set()


def insert_new(db: AsyncConnection, table: Table) -> Any:
    """An insert that leaves rows as they are which are there already."""
    dialect = postgresql if db.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


def moment() -> datetime:
    """Now, as the tables keep times: UTC, without a zone."""
    return datetime.now(UTC).replace(tzinfo=None)


def _of_server(url: str) -> AsyncEngine:
    import asyncpg

    async def connect() -> Any:
        try:
            return await asyncpg.connect(url, server_settings={"search_path": SCHEMA}, timeout=10)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:  # which SQLAlchemy does not know here
            raise ConnectionError(str(exc)) from exc

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_size=4, pool_pre_ping=True)


def _of_file(path: str) -> AsyncEngine:
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    # One connection holds all there is of ":memory:", and whoever comes meanwhile waits for it.
    pool = {"poolclass": AsyncAdaptedQueuePool, "pool_size": 1, "max_overflow": 0} if path == ":memory:" else {}
    arguments = {"timeout": 30, "isolation_level": None}
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args=arguments, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads before it writes would otherwise fail where another writes in between.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _is_away(exc: Exception) -> bool:
    """Whether the database does not answer, or broke the connection off, and may well answer the next time."""
    return isinstance(exc, OperationalError | OSError) or (isinstance(exc, DBAPIError) and exc.connection_invalidated)


def _explained(exc: Exception, address: str) -> StoreError:
    where = address.rsplit("@", 1)[-1]
    if _is_away(exc):
        return StoreUnavailable(f"the server's database at {where} does not answer: {exc.__class__.__name__}: {exc}")
    return StoreError(f"the server's database at {where} cannot be used: {exc}")
