"""What was changed, as a list; and what happened in projects that somebody listens to, until they were told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.protocols import Receipts, Untold
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.predicates import scope_sql
from mnemic.stores.relational.rows import CHANGE_COLUMNS, HISTORY_COLUMNS, change_of, event_of, prefixed
from mnemic.types import Scope


def receipts(db: Db, scope: Scope, limit: int, cursor: str | None) -> Receipts:
    """Changes of a scope, the newest first. A user's are looked for in the partition they lie in."""
    if cursor is not None and partition_of(cursor) is None:
        raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
    matching, values = scope_sql(scope)
    if scope.user_id is not None:
        matching, values = f"{db.PARTITION} = ? AND {matching}", [scope.partition, *values]
    total = db.execute(f"SELECT count(*) FROM changes WHERE {matching}", values).fetchone()[0]
    rows = db.execute(
        f"SELECT {CHANGE_COLUMNS} FROM changes WHERE {matching} AND id < ? ORDER BY id DESC LIMIT ?",
        [*values, "~" if cursor is None else cursor, limit + 1],  # no id sorts behind it
    ).fetchall()
    changes = tuple(change_of(row) for row in rows[:limit])
    return Receipts(changes=changes, total=total, next_cursor=changes[-1].id if len(rows) > limit else None)


def listen(db: Db, project: str, wanted: bool) -> None:
    """Begin or end to keep what happens in a project."""
    db.execute("DELETE FROM listeners WHERE project = ?", [project])
    if wanted:
        db.execute("INSERT INTO listeners (project) VALUES (?)", [project])
    else:
        db.execute("DELETE FROM outbox WHERE project = ?", [project])


def untold(db: Db, limit: int) -> tuple[Untold, ...]:
    """The oldest first. Of forgotten memories the words are left out."""
    rows = db.execute(
        f"""
        SELECT {prefixed("h", HISTORY_COLUMNS)}, o.project, m.user_id, m.agent_id, m.app_id, m.run_id, m.retire_reason
        FROM (SELECT partition, memory_id, id, project FROM outbox ORDER BY id LIMIT ?) AS o
        {db.THEN} history AS h ON h.partition = o.partition AND h.memory_id = o.memory_id AND h.id = o.id
        {db.THEN} memories AS m ON m.partition = h.partition AND m.id = h.memory_id AND m.version = (
            SELECT max(l.version) FROM memories AS l WHERE l.partition = h.partition AND l.id = h.memory_id
        )
        ORDER BY o.id
        """,
        [limit],
    ).fetchall()
    return tuple(_untold(row) for row in rows)


def _untold(row: Sequence[Any]) -> Untold:
    *line, project, user_id, agent_id, app_id, run_id, reason = row
    if reason == "forgotten":
        line[4:6] = None, None
    return Untold(
        event=event_of(tuple(line)),
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
    )


def told(db: Db, events: Sequence[tuple[str, str]]) -> None:
    """Keep these no longer."""
    db.executemany(
        "DELETE FROM outbox WHERE partition = ? AND memory_id = ? AND id = ?",
        [(partition_of(memory_id), memory_id, name) for memory_id, name in events],
    )


def not_told(db: Db, events: Sequence[tuple[str, str]]) -> None:
    """These (memory id, event id) are not to be told: they came from elsewhere."""
    if events and db.execute("SELECT 1 FROM listeners LIMIT 1").fetchone() is not None:
        told(db, events)
