"""Who a project has memories and messages of."""

from __future__ import annotations

from mnemic.stores.relational.db import Db
from mnemic.types import SCOPE_IDS

Held = tuple[str, str, int, str, str]
"""Name of an id (`user_id`, …), its value, how many current memories, when the first came, when the last changed."""


def people(db: Db, project: str) -> list[Held]:
    """Every id that a current memory or a message that is not hidden has, by name and value."""
    found: dict[tuple[str, str], tuple[int, str, str]] = {}
    for field in SCOPE_IDS:
        rows = db.execute(
            f"""
            SELECT {field}, count(*), min(created_at), max(updated_at)
            FROM memories WHERE current AND project = ? AND {field} IS NOT NULL
            GROUP BY {field}
            UNION ALL
            SELECT {field}, 0, min(received_at), max(received_at)
            FROM episodes WHERE state <> 'hidden' AND project = ? AND {field} IS NOT NULL
            GROUP BY {field}
            """,
            [project, project],
        ).fetchall()
        for name, count, since, until in rows:
            known = found.get((field, name), (0, since, until))
            found[field, name] = (known[0] + count, min(known[1], since), max(known[2], until))
    return [(*key, *found[key]) for key in sorted(found)]
