"""Turns of those who decide about the same owner's memories, in all processes.

A decision is made without a lock, and made again when others were faster: with dozens of processes on one owner most
of them would lose most of the time. Who has lost takes a turn. It is a lock of no row, on a connection of its own, so
that it holds up nobody but others who take turns; without it, when the server is away, all goes on as before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from asyncpg import Connection

_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_KEY = "hashtextextended('mnemic turn of ' || $1, 0)"
_FAREWELL = 2.0  # seconds


class Turns:
    """One at a time in this process, whoever it is about: hardly anybody ever loses.

    Args:
        connect: makes a connection.
        patience: seconds to wait for a turn, or for a server that does not answer.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._connection: Connection | None = None
        self._mine = asyncio.Lock()

    @asynccontextmanager
    async def take(self, owner: str) -> AsyncIterator[None]:
        """Wait for the turn, and have it as long as this lasts."""
        async with self._mine:
            try:
                with suppress(*_LOST):
                    await self._ask(f"SELECT pg_advisory_lock({_KEY})", owner)
                yield
                with suppress(*_LOST):
                    await self._ask(f"SELECT pg_advisory_unlock({_KEY})", owner)
            except BaseException:
                self._drop()  # whatever happened, nobody waits for us
                raise

    async def _ask(self, statement: str, owner: str) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        # Waiting for others ends by the lock's own limit before this.
        alarm = asyncio.get_running_loop().call_later(self._patience + _FAREWELL, self._connection.terminate)
        try:
            await self._connection.execute(statement, owner)
        finally:
            alarm.cancel()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_LOST):
                await connection.close(timeout=_FAREWELL)
