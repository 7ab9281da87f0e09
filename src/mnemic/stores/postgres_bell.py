"""Waking those who wait for messages, in every process that has the database open, by the database's own bell.

It is rung after the commit, by a transaction of its own, and once for all commits since it was last rung. Inside the
commit it would make every writer on the server wait for the one before it to reach the disk; and who dies between the
two only makes others wait until they look by themselves. Nothing is said with it: whoever hears it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg

from mnemic.protocols import Write

if TYPE_CHECKING:
    from asyncpg import Connection

_CHANNEL = "mnemic_pending"

RING = f"NOTIFY {_CHANNEL}"

_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


def is_rung_for(write: Write) -> bool:
    """Whether a write leaves something that can be worked on at once."""
    new = [(each.episode.state, each.episode.leased, each.episode.due_at) for each in write.episodes]
    moved = [(each.state, False, each.due_at) for each in write.states]
    return any(
        state == "pending" and not leased and (due_at is None or due_at <= write.at)
        for state, leased, due_at in (*new, *moved)
    )


class Bell:
    """Hears on a connection of its own, made with the first wait, on the loop that waits.

    Args:
        connect: makes a connection.
        patience: seconds to wait for a server that does not answer.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], patience: float) -> None:
        self._connect = connect
        self._patience = patience
        self._connection: Connection | None = None
        self._heard = asyncio.Event()
        self._beginning = asyncio.Lock()

    async def wait(self, seconds: float) -> None:
        """Come back when it was rung since the last wait, at the latest after so many seconds.

        At once, too, when it only begins to hear: it may have been rung before.
        """
        try:
            if await self._begin():
                return
        except _LOST:  # a server that is away has nothing to work on either
            await asyncio.sleep(min(_AWAY, seconds))
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._heard.wait(), seconds)
            self._heard.clear()

    async def _begin(self) -> bool:
        """Whether it could not hear until now."""
        async with self._beginning:
            if self._connection is not None and not self._connection.is_closed():
                return False
            connection = await self._connect()
            alarm = asyncio.get_running_loop().call_later(self._patience, connection.terminate)
            try:
                connection.add_termination_listener(self._hear)
                await connection.add_listener(_CHANNEL, self._hear)
            except BaseException:
                connection.terminate()
                raise
            finally:
                alarm.cancel()
            self._connection = connection
            self._heard.clear()
            return True

    def _hear(self, *_: object) -> None:
        self._heard.set()

    async def close(self) -> None:
        """Hang up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*_LOST, TimeoutError):
                await connection.close(timeout=_FAREWELL)


_AWAY = 1.0  # seconds before a server that is away is tried again
_FAREWELL = 2.0  # seconds
