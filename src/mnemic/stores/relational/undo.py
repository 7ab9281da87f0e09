"""Changes: what each did, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mnemic.errors import Conflict
from mnemic.ids import partition_of
from mnemic.protocols import Changed, Restore, Unprove
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.index import Index, Owners, mark_time
from mnemic.stores.relational.predicates import keys_json
from mnemic.stores.relational.rows import (
    CHANGE_COLUMNS,
    HISTORY_COLUMNS,
    MEMORY_COLUMNS,
    MEMORY_WIDTH,
    change_of,
    event_of,
    memory_of,
    scope_columns,
)
from mnemic.stores.relational.vectors import stored
from mnemic.times import iso
from mnemic.types import Change


def change(db: Db, change_id: str) -> Changed | None:
    """A change and its traces in every table."""
    row = db.execute(
        f"SELECT {CHANGE_COLUMNS} FROM changes WHERE partition = ? AND id = ?", [partition_of(change_id), change_id]
    ).fetchone()
    if row is None:
        return None
    events = tuple(
        event_of(each)
        for each in db.execute(
            f"SELECT {HISTORY_COLUMNS} FROM history WHERE change_id = ? ORDER BY at, id", [change_id]
        )
    )

    def traces(query: str) -> list[tuple[str, ...]]:
        return db.execute(query, [change_id]).fetchall()

    return Changed(
        change=change_of(row),
        events=events,
        versions=_versions(db, list(dict.fromkeys(event.memory_id for event in events))),
        proven=tuple(
            each for (each,) in traces("SELECT DISTINCT memory_id FROM sources WHERE change_id = ? ORDER BY memory_id")
        ),
        states=tuple(
            (name, state, reason)  # type: ignore[misc]
            for name, state, reason in traces(
                "SELECT id, state_before, reason_before FROM episodes WHERE changed_by = ? ORDER BY entry"
            )
        ),
        episodes=tuple(each for (each,) in traces("SELECT id FROM episodes WHERE change_id = ? ORDER BY entry")),
        tombstones=tuple(each for (each,) in traces("SELECT id FROM tombstones WHERE change_id = ? ORDER BY id")),
        merged=tuple(each for (each,) in traces("SELECT id FROM entities WHERE merged_by = ? ORDER BY id")),
        moved=tuple(
            (key, source, target)
            for key, source, target in db.execute(
                "SELECT key, source, target FROM moves WHERE partition = ? AND change_id = ? ORDER BY key",
                [partition_of(change_id), change_id],
            )
        ),
    )


def _versions(db: Db, ids: Sequence[str]) -> dict[str, tuple[int, bool]]:
    rows = db.execute(
        f"""
        SELECT m.id, m.version, m.current FROM {db.KEYS} AS k
        JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
        ORDER BY m.version
        """,
        [keys_json(ids)],
    )
    return {memory_id: (version, bool(current)) for memory_id, version, current in rows}  # the last one stays


def record(db: Db, changes: Sequence[Change], undone: Mapping[str, str]) -> None:
    """Note new changes, and which ones are taken back."""
    for each in changes:
        columns = change_columns(each)
        db.execute(
            f"INSERT INTO changes ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING",
            list(columns.values()),
        )
    for change_id, by in undone.items():
        done = db.execute(
            "UPDATE changes SET undone_by = ? WHERE partition = ? AND id = ? AND undone_by IS NULL",
            [by, partition_of(change_id), change_id],
        )
        if not done.rowcount:
            raise Conflict(f"change {change_id} was taken back before, or is gone; look at it again")


def change_columns(change: Change) -> dict[str, Any]:
    """The row of a change."""
    return {
        "partition": partition_of(change.id), "id": change.id, **scope_columns(change.scope), "kind": change.kind,
        "at": iso(change.at), "undone_by": change.undone_by,
    }  # fmt: skip


# Kept of a version that was superseded until ?1: a question about the time before that asks for it.
HAD_BEEN = "superseded_by = retired_by, superseded_to = valid_to, superseded_until = ?1"


def restore(db: Db, index: Index, owners: Owners, change: Restore, at: datetime) -> None:
    """Make an earlier version the newest. It keeps its place in the index; its former self moves to a new one."""
    key = [partition_of(change.memory_id), change.memory_id]
    last = db.execute(
        f"""
        SELECT version, entry, current, owner, retire_reason, {", ".join(_LASTING)} FROM memories
        WHERE partition = ? AND id = ?
        ORDER BY version DESC
        LIMIT 1
        """,
        key,
    ).fetchone()
    if last is None or last[0] != change.version:
        raise Conflict(f"memory {change.memory_id} is no longer at version {change.version}; decide again")
    version, entry, current, owner, reason, *lasting = last
    index.set(entry, memory=pack.RETIRED)
    if current:
        close = "current = false, known_to = ?1, updated_at = ?1, valid_before = valid_to"
    else:  # it was retired, and becomes a former version like others
        close = "updated_at = ?1, retire_reason = NULL, retired_by = NULL, valid_to = valid_before"
        close += f", {HAD_BEEN}" if reason == "superseded" else ""
    db.execute(f"UPDATE memories SET {close} WHERE partition = ?2 AND entry = ?3", [iso(at), key[0], entry])
    wanted = version if change.of is None else change.of
    row = db.execute(
        f"SELECT {MEMORY_COLUMNS}, entry, span, once FROM memories WHERE partition = ? AND id = ? AND version = ?",
        [*key, wanted],
    ).fetchone()
    if row is None:
        raise Conflict(f"memory {change.memory_id} has no version {wanted}; decide again")
    place, span, once = row[MEMORY_WIDTH:]
    former = memory_of(row[:MEMORY_WIDTH], ())
    vectors = stored(db, [(place, span)]).get(place)
    moved, moved_span = owners.take(owner, 0 if vectors is None else len(vectors))
    index.add(
        moved, former.indexed, vectors, memory=pack.RETIRED, said=former.said_at or former.created_at,
        turn=index.turn(place), expires=mark_time(former.expires_at), attribute=former.attribute, person=former.person,
    )  # fmt: skip
    db.execute(
        "UPDATE memories SET entry = ?, span = ? WHERE partition = ? AND entry = ?", [moved, moved_span, key[0], place]
    )
    index.set(place, memory=pack.CURRENT)
    taken = "SELECT 1 FROM memories WHERE current AND owner = ? AND once = ?"
    changed = {
        "entry": place, "span": span, "version": version + 1, "current": True,
        "once": None if db.execute(taken, [owner, once]).fetchone() else once,
        "known_from": iso(at), "known_to": None, "valid_before": None, "updated_at": iso(at),
        "superseded_by": None, "superseded_to": None, "superseded_until": None,
        **dict(zip(_LASTING, lasting, strict=True)),
    }  # fmt: skip
    kept = [name for name in db.columns("memories") if name not in changed]
    copied = db.execute(
        f"SELECT {', '.join(kept)} FROM memories WHERE partition = ? AND entry = ?", [key[0], moved]
    ).fetchone()
    db.insert("memories", [*kept, *changed], [[*copied, *changed.values()]])
    owners.decided(owner)


# What does not go back with the words: it was not part of what changed.
_LASTING = ("run_id", "proof_count", "pinned", "rating")


def unprove(db: Db, owners: Owners, change: Unprove, at: datetime) -> None:
    """Take sources away, and the runs that only they stood for."""
    key = [partition_of(change.memory_id), change.memory_id]
    gone = db.execute(
        f"""
        DELETE FROM sources
        WHERE partition = ? AND memory_id = ? AND (change_id = ? OR episode_id {db.IN})
        RETURNING episode_id
        """,
        [*key, change.change_id, db.listed(change.episode_ids)],
    ).fetchall()
    if not gone:
        return
    (owner,) = db.execute(
        """
        UPDATE memories SET proof_count = CASE WHEN proof_count > ?1 THEN proof_count - ?1 ELSE 1 END, updated_at = ?2
        WHERE partition = ?3 AND id = ?4
            AND version = (SELECT max(version) FROM memories AS v WHERE v.partition = ?3 AND v.id = ?4)
        RETURNING owner
        """,
        [len(gone), iso(at), *key],
    ).fetchone()
    db.execute(
        f"""
        DELETE FROM runs WHERE partition = ? AND memory_id = ?
            AND run_id IN (SELECT run_id FROM episodes WHERE partition = ? AND id {db.IN})
            AND run_id NOT IN (
                SELECT e.run_id FROM sources AS s
                JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.run_id IS NOT NULL
                WHERE s.partition = ? AND s.memory_id = ?
            )
        """,
        [*key, key[0], db.listed(episode_id for (episode_id,) in gone), *key],
    )
    owners.decided(owner)
