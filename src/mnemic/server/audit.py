"""Who read, wrote, exported and erased: one row a call, written together with others right after the answers."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import select

from mnemic.errors import StoreError
from mnemic.server.callers import Caller
from mnemic.server.database import Database, insert_new, moment
from mnemic.server.tables import audit

_log = structlog.get_logger("mnemic.server")

_EVERY = 0.5  # seconds between two writes: what is lost at most when the process is killed
_MOST_WAITING = 10_000  # rows that wait while the database does not answer; the oldest go first


class Audit:
    """The table `audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._turn = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def note(
        self, caller: Caller, *, action: str, route: str, ids: Mapping[str, Any], status: int, request_id: str
    ) -> None:
        """Write one call down soon."""
        self._waiting.append(
            {
                "id": str(uuid.uuid4()),
                "at": moment(),
                "project_id": caller.project_id,
                "key_id": caller.key_id,
                "email": caller.email,
                "action": action[:200],
                "route": route[:200],
                "ids": dict(ids),
                "status": status,
                "request_id": request_id,
            }
        )
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._soon(), name="mnemic-audit")

    async def write(self) -> None:
        """Write down what waits, now. When it returns, everything noted before it was called is there."""
        async with self._turn:
            if rows := list(self._waiting):
                async with self._database.transaction() as db:
                    await db.execute(insert_new(db, audit), rows)  # some may be there: a try that seemed to fail
                done = {each["id"] for each in rows}
                self._waiting = deque((each for each in self._waiting if each["id"] not in done), _MOST_WAITING)

    async def rows(self, project_id: str, *, limit: int, before: str | None = None) -> list[dict[str, Any]]:
        """Calls of a project, the newest first; `before` is the id of the last row of the page before."""
        await self.write()
        query = select(audit).where(audit.c.project_id == project_id)
        if before is not None:
            last = select(audit.c.at).where(audit.c.project_id == project_id, audit.c.id == before).scalar_subquery()
            query = query.where((audit.c.at < last) | ((audit.c.at == last) & (audit.c.id < before)))
        async with self._database.transaction() as db:
            found = await db.execute(query.order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    async def _soon(self) -> None:
        while self._waiting:
            await asyncio.sleep(_EVERY)  # so that calls of half a second share a transaction
            try:
                await self.write()
            except StoreError as exc:  # they are written when it answers again
                _log.warning("audit_waits", error=str(exc))
