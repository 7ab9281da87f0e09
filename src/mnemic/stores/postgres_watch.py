"""A session that notices when its server has stopped answering while the connection stays open.

A statement may take long, so that its time says nothing: writing a large table anew takes minutes, and is not to be
cut off. So after some seconds without an answer the server is asked, on another connection, whether it is at work on
this one. One that does not answer that either has gone, and so has one that does not know the connection, or takes it
for idle: what was sent, or the answer, was lost on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from mnemic.stores.postgres_db import Session

if TYPE_CHECKING:
    from asyncpg import Connection

T = TypeVar("T")

SILENCE = 20.0
"""Seconds without an answer before the server is asked. Hardly any statement takes as long, and asking costs a
connection; a failover takes some thirty seconds, and there is no use in noticing it much later than it is over."""

ASKING = 10.0
"""Seconds in which a server that is at work answers such a question, however busy it is."""

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Silent(TimeoutError):
    """The server did not answer, and was not at work on an answer."""


class WatchedSession(Session):
    """A session whose waiting ends when the server has gone without a word.

    Args:
        connect: makes a connection that may see what the server does on the session's own.
        patience: seconds without an answer before it is asked.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], patience: float) -> None:
        super().__init__()
        self._connect = connect
        self._patience = min(patience, SILENCE)
        self._asking = min(patience, ASKING)

    def wait(self, answer: Coroutine[Any, Any, T]) -> T:
        """Run it to its end.

        Raises:
            Silent: the server has gone. The connection is closed then.
        """
        connection = self._connection
        if connection is None:
            return super().wait(answer)
        doubts: list[asyncio.Task[bool]] = []
        alarm = self._loop.call_later(
            self._patience, lambda: doubts.append(self._loop.create_task(self._doubt(connection)))
        )
        try:
            return super().wait(answer)
        except _LOST as exc:
            if any(each.done() and each.result() for each in doubts):
                raise Silent(f"it has not answered for {self._patience + self._asking:g} seconds at least") from exc
            raise
        finally:
            alarm.cancel()
            for each in doubts:
                each.cancel()
                super().wait(_ended(each))

    async def _doubt(self, connection: Connection) -> bool:
        """Ask as long as it is at work; when it is not, let who waits for it know."""
        waited_for_us = False
        while True:
            how = await self._asked(connection.get_server_pid())
            if how == "gone" or (how == "stuck" and waited_for_us):
                connection.terminate()
                return True
            waited_for_us = how == "stuck"
            await asyncio.sleep(self._patience)

    async def _asked(self, pid: int) -> str:
        """What the server does on a connection: "at work"; "stuck", as nobody takes its answer; or it is "gone"."""
        try:
            connection = await asyncio.wait_for(self._connect(), self._asking)
        except asyncpg.TooManyConnectionsError:
            return "at work"  # on somebody's
        except (*_LOST, asyncpg.PostgresError):
            return "gone"
        try:
            row = await asyncio.wait_for(connection.fetchrow(_AT_WORK, pid, self._patience), self._asking)
        except (*_LOST, asyncpg.PostgresError):
            return "gone"
        finally:
            connection.terminate()
        return "gone" if row is None else str(row[0])


_AT_WORK = """
SELECT CASE
    WHEN state = 'active' AND wait_event = 'ClientWrite' THEN 'stuck'
    WHEN state LIKE 'idle%' AND state_change < clock_timestamp() - make_interval(secs => $2 / 2) THEN 'gone'
    ELSE 'at work'
END
FROM pg_stat_activity WHERE pid = $1
"""
# A moment ago it was not idle: whoever waits does so for several statements, or the answer is about to come.


async def _ended(task: asyncio.Task[bool]) -> None:
    await asyncio.wait([task])
