"""Where episodes stand: the queue of those that wait for extraction, and their states.

A conversation is the episodes of exactly one scope. One worker at a time has it, oldest first.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from itertools import takewhile
from typing import Any

from mnemic.errors import Conflict
from mnemic.ids import partition_of
from mnemic.protocols import SetState
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_index import Index
from mnemic.stores.sqlite_rows import EPISODE_COLUMNS, episode_of, utc
from mnemic.stores.sqlite_sql import OWNER, owner_key, scope_sql
from mnemic.types import Episode, Scope


def lease(
    db: sqlite3.Connection, now: datetime, until: datetime, limit: int, scope: Scope | None
) -> tuple[Episode, ...]:
    """The oldest due episodes of the conversation that has waited longest and that nobody works on."""
    chosen = _waiting_longest(db, now, scope)
    if chosen is None:
        return ()
    due = db.execute(
        """
        SELECT entry, task FROM episodes INDEXED BY episodes_by_conversation
        WHERE state = 'pending' AND owner = ? AND agent_id IS ? AND app_id IS ? AND run_id IS ?
            AND (due_at IS NULL OR due_at <= ?)
        ORDER BY entry
        LIMIT ?
        """,
        [*chosen, utc(now), limit],
    ).fetchall()
    alike = takewhile(lambda row: row[1] == due[0][1], due)
    take = f"UPDATE episodes SET leased = 1, due_at = ?, attempts = attempts + 1 WHERE entry = ? RETURNING {EPISODE_COLUMNS}"
    return tuple(episode_of(db.execute(take, [utc(until), entry]).fetchone()) for entry, _ in alike)


def due(db: sqlite3.Connection, scope: Scope | None) -> datetime | None:
    """The first moment at which `lease` gives something."""
    index, matching, values = _pending(scope)
    moments = [
        db.execute(
            f"""
            SELECT {moment} FROM episodes AS e INDEXED BY {index}
            WHERE state = 'pending' AND {which} AND {matching} AND {_unheld("true")}
            ORDER BY {moment}
            LIMIT 1
            """,
            values,
        ).fetchone()
        for moment, which in (("received_at", "due_at IS NULL"), ("due_at", "due_at IS NOT NULL"))
    ]
    whose, ids = ("true", []) if scope is None else scope_sql(scope)
    moments.append(db.execute(f"SELECT min(due_at) FROM episodes WHERE leased AND {whose}", ids).fetchone())
    known = [datetime.fromisoformat(row[0]) for row in moments if row is not None and row[0] is not None]
    return min(known, default=None)


def _waiting_longest(db: sqlite3.Connection, now: datetime, scope: Scope | None) -> tuple[Any, ...] | None:
    """Owner, agent, app and run of the conversation to take next."""
    index, matching, values = _pending(scope)
    found = [
        db.execute(
            f"""
            SELECT {moment}, owner, agent_id, app_id, run_id FROM episodes AS e INDEXED BY {index}
            WHERE state = 'pending' AND {which} AND {matching} AND {_unheld("held.due_at > ?")}
            ORDER BY {moment}
            LIMIT 1
            """,
            [*bound, *values, utc(now)],
        ).fetchone()
        for moment, which, bound in (("received_at", "due_at IS NULL", []), ("due_at", "due_at <= ?", [utc(now)]))
    ]
    oldest = min(
        (row for row in found if row is not None), key=lambda row: datetime.fromisoformat(row[0]), default=None
    )
    return None if oldest is None else tuple(oldest[1:])


def _pending(scope: Scope | None) -> tuple[str, str, list[Any]]:
    """The index to choose in, and which of its rows: a user's queue alone, or everybody's by age."""
    if scope is None:
        return "episodes_by_age", "true", []
    if scope.user_id is None:
        return "episodes_by_age", *scope_sql(scope)
    narrower = {name: value for name, value in scope.ids.items() if name != "user_id"}
    matching = "".join(f" AND {name} = ?" for name in narrower)
    return "episodes_by_conversation", f"owner = {OWNER}{matching}", [*owner_key(scope), *narrower.values()]


def _unheld(still: str) -> str:
    return f"""NOT EXISTS (
        SELECT 1 FROM episodes AS held INDEXED BY episodes_leased
        WHERE held.leased AND held.owner = e.owner AND held.agent_id IS e.agent_id AND held.app_id IS e.app_id
            AND held.run_id IS e.run_id AND {still}
    )"""


def set_state(db: sqlite3.Connection, index: Index, change: SetState) -> None:
    """Move an episode, and keep what `undo` needs to move it back."""
    partition = partition_of(change.episode_id)
    row = db.execute(
        """
        SELECT entry, state, reason, attempts, run_id, changed_by, state_before, reason_before FROM episodes
        WHERE partition = ? AND id = ?
        """,
        [partition, change.episode_id],
    ).fetchone()
    if row is None:
        raise Conflict(f"episode {change.episode_id} is gone; decide again")
    entry, state, reason, attempts, run_id, changed_by, *before = row
    if change.held is not None and (state, attempts) != ("pending", change.held):
        raise Conflict(f"somebody else works on episode {change.episode_id} meanwhile, or it is done; leave it")
    if change.state != state and change.change_id is None:
        changed_by, before = None, [None, None]  # where it was is no longer where to go back to
    elif change.state != state and change.change_id != changed_by:
        changed_by, before = change.change_id, [state, reason]
    db.execute(
        """
        UPDATE episodes SET state = ?, reason = ?, attempts = ifnull(?, attempts), due_at = ?, leased = 0,
            task = CASE WHEN ? THEN task END, changed_by = ?, state_before = ?, reason_before = ?
        WHERE entry = ?
        """,
        [
            change.state, change.reason, change.attempts, utc(change.due_at) if change.state == "pending" else None,
            change.state in ("pending", "failed"), changed_by, *before, entry,
        ],
    )  # fmt: skip
    index.set(entry, episode=pack.EPISODE_STATES.index(change.state))
    if state == "hidden" and change.state != "hidden" and run_id is not None:
        _say_again(db, partition, change.episode_id, run_id)


def _say_again(db: sqlite3.Connection, partition: int | None, episode_id: str, run_id: str) -> None:
    """A message that comes back makes the memories that still cite it its run's again."""
    cited = db.execute(
        """
        SELECT DISTINCT m.id FROM sources AS s
        JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND m.current
        WHERE s.partition = ? AND s.episode_id = ?
        """,
        [partition, episode_id],
    ).fetchall()
    for (memory_id,) in cited:
        said_in(db, partition, memory_id, run_id)


def said_in(db: sqlite3.Connection, partition: int | None, memory_id: str, run_id: str | None) -> None:
    """Make a memory a run's, too, unless it is already."""
    db.execute(
        """
        INSERT OR IGNORE INTO runs (partition, memory_id, run_id, project, place)
        SELECT partition, id, ?2, project, (SELECT ifnull(max(place) + 1, 0) FROM runs AS r WHERE r.partition = ?1 AND r.memory_id = ?3)
        FROM memories WHERE current AND partition = ?1 AND id = ?3 AND run_id IS NOT ?2 AND ?2 IS NOT NULL
        """,
        [partition, run_id, memory_id],
    )
