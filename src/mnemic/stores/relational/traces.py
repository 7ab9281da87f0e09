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

    A message's change says little: it comes with the message, and again with the memories made of it. So do states,
    unless they end a lease: they may have been the same before.
    """
    ended = [state for state in write.states if state.held is not None]
    if write.episodes:
        return _is_there(db, "episodes", "id", write.episodes[0].episode.id)
    if write.history:
        return _is_there(db, "history", "memory_id = ? AND id", write.history[0].memory_id, write.history[0].id)
    if write.tombstones:
        return _is_there(db, "tombstones", "id", write.tombstones[0].id)
    if ended:
        return _has_state(db, ended[0])
    if write.changes:
        return _is_there(db, "changes", "id", write.changes[0].id)
    if write.states:
        return all(_has_state(db, state) for state in write.states)
    return _of_marks(db, write)


def _of_marks(db: Db, write: Write) -> bool | None:
    rated = next((note for note in write.annotate if note.feedback is not None), None)
    if rated is not None:
        return _is_there(db, "feedback", "memory_id = ? AND at", rated.memory_id, iso(write.at))
    # To set the same mark again changes nothing.
    return None if any(note.rating for note in write.annotate) or write.spent is not None else False


def _is_there(db: Db, table: str, key: str, name: str, *more: str) -> bool:
    """Whether there is such a row; `name` is an id, and says in which partition it lies."""
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


def untold(_: Db) -> Answer:
    """Of what leaves nothing to tell it by. Raises Untold."""
    raise Untold


def of_nothing(_: Db) -> Answer:
    """Of what may be done twice."""
    return None
