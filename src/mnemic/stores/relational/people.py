"""Who a project has memories and messages of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mnemic.protocols import Held
from mnemic.stores.relational.db import Db
from mnemic.types import SCOPE_IDS


def people(db: Db, project: str) -> list[Held]:
    """Every id that a current memory or a message that is not hidden has, counted where the rows are."""
    found = []
    for field in SCOPE_IDS:
        rows = db.execute(
            f"""
            SELECT {field}, count(*), min(utc(created_at)), max(utc(updated_at))
            FROM memories WHERE current AND project = ? AND {field} IS NOT NULL
            GROUP BY {field}
            UNION ALL
            SELECT {field}, 0, min(utc(received_at)), max(utc(received_at))
            FROM episodes WHERE state <> 'hidden' AND project = ? AND {field} IS NOT NULL
            GROUP BY {field}
            """,
            [project, project],
        )
        found += [
            Held(
                field=field, name=name, memories=count, since=datetime.fromisoformat(since),
                until=datetime.fromisoformat(until),
            )
            for name, count, since, until in rows
        ]  # fmt: skip
    return united(found)


def united(parts: Iterable[Held]) -> list[Held]:
    """Each id once, with what the parts say of it together."""
    found: dict[tuple[int, str], Held] = {}
    for part in parts:
        key = SCOPE_IDS.index(part.field), part.name
        known = found.get(key, part)
        found[key] = Held(
            field=part.field, name=part.name, memories=part.memories + (known.memories if key in found else 0),
            since=min(known.since, part.since), until=max(known.until, part.until),
        )  # fmt: skip
    return [found[key] for key in sorted(found)]
