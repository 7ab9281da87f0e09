"""A scope's memories are retired and its messages hidden, so that `undo` can bring them back."""

from __future__ import annotations

from mnemic.ids import new_id
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.index import Index, Owners, lock_all
from mnemic.stores.relational.predicates import Status, episodes_sql, memories_sql
from mnemic.stores.relational.undo import record
from mnemic.times import iso
from mnemic.types import Change, Scope


def delete_scope(db: Db, scope: Scope, change: Change, reason: str) -> tuple[int, int]:
    """Retire every current memory of the scope and hide its episodes, so that `undo` finds them again."""
    record(db, [change], {})
    lock_all(db, scope)
    index, owners = Index(db), Owners(db)
    if scope.run_id is not None:
        leave_to_other_runs(db, scope, owners, "current")
    whose, values = memories_sql(db, scope)
    gone = db.execute(
        f"""
        UPDATE memories SET current = false, known_to = ?, updated_at = ?, retire_reason = ?, valid_before = valid_to
        WHERE {whose}
        RETURNING entry, partition, id, version, text, owner
        """,
        [iso(change.at), iso(change.at), reason, *values],
    ).fetchall()
    for entry, *_, owner in gone:
        index.set(entry, memory=pack.memory_mark(current=False, reason=reason))
        owners.decided(owner)
    db.executemany(
        """
        INSERT INTO history
            (partition, memory_id, id, version, event, old_text, new_text, at, change_id, actor, reason, owner)
        VALUES (?, ?, ?, ?, 'DELETE', ?, NULL, ?, ?, 'person', ?, ?)
        """,
        [
            (part, name, new_id(part), version, old, iso(change.at), change.id, reason, owner)
            for _, part, name, version, old, owner in gone
        ],
    )
    whose, values = episodes_sql(db, scope)
    hidden = db.execute(
        f"""
        UPDATE episodes SET changed_by = ?, state_before = state, reason_before = reason, state = 'hidden', reason = ?,
            due_at = NULL, leased = false
        WHERE state <> 'hidden' AND {whose}
        RETURNING entry
        """,
        [change.id, reason, *values],
    ).fetchall()
    for (entry,) in hidden:
        index.set(entry, episode=pack.EPISODE_STATES.index("hidden"))
    index.flush()
    owners.flush()
    return len(gone), len(hidden)


def leave_to_other_runs(db: Db, scope: Scope, owners: Owners, status: Status) -> None:
    """What was also said outside the scope's run stays there: in a further run, or in none at all."""
    whose, values = memories_sql(db, scope, status)
    shared = db.execute(
        f"""
        SELECT DISTINCT partition, id, owner, run_id, EXISTS (
            SELECT 1 FROM sources AS s
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.run_id IS NULL
            WHERE s.partition = memories.partition AND s.memory_id = memories.id
        ) FROM memories WHERE {whose}
        """,
        values,
    ).fetchall()
    for partition, memory_id, owner, own_run, said_in_none in shared:
        key, left = [partition, memory_id], own_run
        if own_run == scope.run_id:
            heir = db.execute(
                "SELECT run_id FROM runs WHERE partition = ? AND memory_id = ? ORDER BY place LIMIT 1", key
            ).fetchone()
            if heir is None and not said_in_none:
                continue
            left = None if heir is None else heir[0]
            db.execute("UPDATE memories SET run_id = ? WHERE partition = ? AND id = ?", [left, *key])
        db.execute(
            "DELETE FROM runs WHERE partition = ? AND memory_id = ? AND run_id IN (?, ?)", [*key, scope.run_id, left]
        )
        owners.decided(owner)
