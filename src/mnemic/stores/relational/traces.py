"""Whether a transaction was committed, by what it leaves: for who lost the server before its answer came.

Each looks for something that no other transaction could have left: an id, or a moment to the microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mnemic.ids import partition_of
from mnemic.protocols import SetState, Write
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.predicates import scope_sql
from mnemic.stores.relational.rows import EPISODE_COLUMNS, episode_of, utc
from mnemic.stores.relational.write import lock
from mnemic.times import iso
from mnemic.types import Change, Episode, Scope

Answer = tuple[Any] | None
"""What the transaction answered, if it was committed."""


class Untold(Exception):
    """It leaves nothing that could be told from what was there."""


def of_commit(db: Db, write: Write) -> Answer:
    """Of `write.commit`. Waits for whoever writes to the same owners: it may be the lost transaction itself.

    Raises:
        Untold: it changed nothing but marks of memories.
    """
    lock(db, write)
    found = _of_write(db, write)
    if found is None:
        raise Untold
    return (None,) if found else None


def _of_write(db: Db, write: Write) -> bool | None:
    """Whether what it leaves is there; None where that would say nothing.

    A message's change says little: it comes with the message, and again with the memories made of it.
    """
    for episode in write.episodes:
        return _is_there(db, "episodes", "id", episode.episode.id)
    for event in write.history:
        return _is_there(db, "history", "memory_id = ? AND id", event.memory_id, event.id)
    for tombstone in write.tombstones:
        return _is_there(db, "tombstones", "id", tombstone.id)
    for state in write.states:
        if state.held is not None:
            return _has_state(db, state)
    for change in write.changes:
        return _is_there(db, "changes", "id", change.id)
    for state in write.states:
        return _has_state(db, state)
    for note in write.annotate:
        if note.feedback is not None:
            return _is_there(db, "feedback", "memory_id = ? AND at", note.memory_id, iso(write.at))
        if not note.rating:
            return False  # to set the same mark again changes nothing
    return None


def _is_there(db: Db, table: str, key: str, name: str, *more: str) -> bool:
    query = f"SELECT 1 FROM {table} WHERE partition = ? AND {key} = ?"
    return db.execute(query, [partition_of(name), name, *more]).fetchone() is not None


def _has_state(db: Db, change: SetState) -> bool:
    attempts = change.held if change.attempts is None else change.attempts
    due_at = change.due_at if change.state == "pending" else None
    row = db.execute(
        """
        SELECT 1 FROM episodes
        WHERE partition = ? AND id = ? AND state = ? AND NOT leased AND attempts = coalesce(?, attempts)
            AND coalesce(due_at, '') = coalesce(?, '')
        """,
        [partition_of(change.episode_id), change.episode_id, change.state, attempts, utc(due_at)],
    ).fetchone()
    return row is not None


def of_lease(db: Db, until: datetime, scope: Scope | None) -> Answer:
    """Of `queue.lease`: what is leased until exactly then."""
    whose, values = ("true", []) if scope is None else scope_sql(scope)
    query = f"SELECT {EPISODE_COLUMNS} FROM episodes WHERE state = 'pending' AND leased AND due_at = ? AND {whose}"
    rows = db.execute(f"{query} ORDER BY entry", [utc(until), *values]).fetchall()
    return (_episodes(rows),) if rows else None


def _episodes(rows: Sequence[tuple[Any, ...]]) -> tuple[Episode, ...]:
    return tuple(episode_of(row) for row in rows)


def of_delete(db: Db, change: Change) -> Answer:
    """Of `delete.delete_scope`."""
    if not _is_there(db, "changes", "id", change.id):
        return None
    memories = db.execute("SELECT count(*) FROM history WHERE change_id = ?", [change.id]).fetchone()[0]
    episodes = db.execute("SELECT count(*) FROM episodes WHERE changed_by = ?", [change.id]).fetchone()[0]
    return ((memories, episodes),)


def of_nothing(_: Db) -> Answer:
    """Of what may be done twice."""
    return None
