"""Exports in a shape of one's own: asked for now, fetched later, as of the moment at which they were asked for.

What is kept is the question. The answer is made when it is fetched, from what was known at that moment: what was erased
since is not in it, and nothing has to be erased here.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select

from mnemic import AsyncMemory
from mnemic.errors import InvalidScope, NotFound
from mnemic.filling import checked_schema
from mnemic.server.database import Database, moment
from mnemic.server.tables import exports
from mnemic.types import FillResult

_KEPT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Export:
    """A form to fill."""

    id: str
    project_id: str
    form: Mapping[str, Any]
    ids: Mapping[str, str]
    filters: Mapping[str, Any] | None
    instructions: str | None
    created_at: datetime

    async def result(self, memory: AsyncMemory) -> FillResult:
        """The form, filled with what was known when it was asked for. Raises as `AsyncMemory.fill`."""
        return await memory.fill(
            self.form,
            **self.ids,
            filters=self.filters,
            instructions=self.instructions,
            known_at=self.created_at.replace(tzinfo=UTC),
        )


class Exports:
    """The table `exports`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self,
        project_id: str,
        schema: Mapping[str, Any] | str,
        *,
        ids: Mapping[str, str],
        filters: Mapping[str, Any] | None = None,
        instructions: str | None = None,
    ) -> Export:
        """Ask for one.

        Raises:
            InvalidInput: a schema that cannot be used. InvalidScope: no id.
        """
        if not ids and not filters:
            raise InvalidScope("an export is of somebody: name user_id, agent_id, app_id or run_id")
        at = moment()
        row: dict[str, Any] = {
            "id": str(uuid.uuid4()), "project_id": project_id, "form": checked_schema(schema), "ids": dict(ids),
            "filters": None if filters is None else dict(filters), "instructions": instructions, "created_at": at,
        }  # fmt: skip
        async with self._database.transaction() as db:
            await db.execute(delete(exports).where(exports.c.created_at < at - _KEPT))
            await db.execute(insert(exports).values(**row))
        return Export(**row)

    async def get(self, project_id: str, export_id: str) -> Export:
        """One of a project.

        Raises:
            NotFound: there is none of this id, or it is older than 30 days.
        """
        query = select(exports).where(exports.c.project_id == project_id, exports.c.id == export_id)
        async with self._database.transaction() as db:
            row = (await db.execute(query)).mappings().first()
        if row is None:
            raise NotFound(export_id, what="export of this project has the id", where="POST /v1/exports makes one")
        return _export(row)

    async def of(self, project_id: str, *, limit: int = 100) -> list[Export]:
        """Those of a project, the newest first."""
        query = select(exports).where(exports.c.project_id == project_id)
        query = query.order_by(exports.c.created_at.desc(), exports.c.id).limit(limit)
        async with self._database.transaction() as db:
            return [_export(row) for row in (await db.execute(query)).mappings()]


def _export(row: RowMapping) -> Export:
    return Export(**{name: row[name] for name in Export.__dataclass_fields__})
