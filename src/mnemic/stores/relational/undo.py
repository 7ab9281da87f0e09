"""Changes: what each did, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mnemic.errors import Conflict
from mnemic.ids import partition_of
from mnemic.protocols import Changed, Reprove, Restore, Unprove
from mnemic.records import WHOLE
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.index import Index, Owners, mark_time
from mnemic.stores.relational.predicates import keys_json
from mnemic.stores.relational.queue import said_in
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

    moves = db.execute(
        "SELECT key, source, target FROM moves WHERE partition = ? AND change_id = ? ORDER BY key, source",
        [partition_of(change_id), change_id],
    ).fetchall()
    return Changed(
        change=change_of(row),
        events=events,
        versions=_versions(db, list(dict.fromkeys(event.memory_id for event in events))),
        proven=tuple(sorted({each for query in _PROVEN for (each,) in traces(query)})),
        unproven=tuple(
            each
            for (each,) in traces(
                "SELECT DISTINCT memory_id FROM unproven WHERE taken_by = ? AND given_by IS NULL ORDER BY memory_id"
            )
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
        parted=tuple((source, target) for key, source, target in moves if key == WHOLE),
        moved=tuple(each for each in moves if each[0] != WHOLE),
    )


_SAME = """
    s.partition = u.partition AND s.memory_id = u.memory_id AND s.episode_id = u.episode_id AND s.quote = u.quote
"""
_PROVEN = (
    "SELECT DISTINCT memory_id FROM sources WHERE change_id = ?",
    f"SELECT DISTINCT s.memory_id FROM unproven AS u JOIN sources AS s ON {_SAME} WHERE u.given_by = ?",
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


_HAD_BEEN_MERGED = "superseded_by = CASE WHEN superseded_until IS NULL THEN retired_by ELSE superseded_by END"


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
        close += {"superseded": f", {HAD_BEEN}", "merged": f", {_HAD_BEEN_MERGED}"}.get(reason, "")
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
    index.set(place, memory=pack.memory_mark(current=not change.superseded, reason="superseded"))
    taken = "SELECT 1 FROM memories WHERE current AND owner = ? AND once = ?"
    changed = {
        "entry": place, "span": span, "version": version + 1, "current": not change.superseded,
        "once": None if db.execute(taken, [owner, once]).fetchone() else once,
        "known_from": iso(at), "known_to": None, "valid_before": None, "updated_at": iso(at),
        "superseded_by": None, "superseded_to": None, "superseded_until": None,
        **dict(zip(_LASTING, lasting, strict=True)),
    }  # fmt: skip
    if change.superseded:
        by, until, before = db.execute(
            "SELECT superseded_by, superseded_to, valid_to FROM memories WHERE partition = ? AND entry = ?",
            [key[0], moved],
        ).fetchone()
        changed |= {
            "known_to": iso(at), "retire_reason": "superseded", "retired_by": by, "valid_to": until,
            "valid_before": before,
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
    """Take sources away, and the runs that only they stood for. They are kept, to be given back."""
    partition = partition_of(change.memory_id)
    key = [partition, change.memory_id]
    gone = db.execute(
        f"""
        DELETE FROM sources AS s
        WHERE partition = ? AND memory_id = ? AND (
            change_id = ? OR episode_id {db.IN}
            OR EXISTS (SELECT 1 FROM unproven AS u WHERE u.given_by = ? AND {_SAME})
        )
        RETURNING episode_id, quote, change_id
        """,
        [*key, change.change_id, db.listed(change.episode_ids), change.change_id],
    ).fetchall()
    if not gone:
        return
    entry, owner, count, project = _newest(db, key)
    fallen = min(len(gone), count - 1)
    count_proofs(db, partition, entry, -fallen, at)
    db.executemany(
        """
        INSERT INTO unproven (partition, memory_id, episode_id, quote, change_id, taken_by, counted, project)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """,
        [
            (*key, *source, change.by, int(place < fallen), project)
            for place, source in enumerate(sorted(gone, key=lambda row: row[:2]))
        ],
    )
    db.execute(
        f"""
        DELETE FROM runs WHERE partition = ? AND memory_id = ?
            AND run_id IN (SELECT run_id FROM episodes WHERE partition = ? AND id {db.IN})
            AND run_id NOT IN (
                SELECT e.run_id FROM sources AS s
                JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.run_id IS NOT NULL
                WHERE s.partition = ? AND s.memory_id = ? AND e.state <> 'hidden'
            )
        """,
        [*key, key[0], db.listed(row[0] for row in gone), *key],
    )
    owners.decided(owner)


def reprove(db: Db, owners: Owners, change: Reprove, at: datetime) -> None:
    """Give back the sources that a change took away, with their runs. One that is there again stays as it is."""
    partition = partition_of(change.memory_id)
    key = [partition, change.memory_id]
    kept = db.execute(
        """
        SELECT u.episode_id, u.quote, u.change_id, u.counted, e.run_id FROM unproven AS u
        JOIN episodes AS e ON e.partition = u.partition AND e.id = u.episode_id
        WHERE u.partition = ? AND u.memory_id = ? AND u.taken_by = ? AND u.given_by IS NULL
        ORDER BY e.entry, u.quote
        """,
        [*key, change.change_id],
    ).fetchall()
    risen, given = 0, False
    for episode_id, quote, added_by, counted, run_id in kept:
        source = [*key, episode_id, quote]
        if not db.execute(CITE, [*source, added_by]).rowcount:
            continue
        given = True
        risen += counted
        said_in(db, partition, change.memory_id, run_id)
        db.execute(
            """
            UPDATE unproven SET given_by = ?
            WHERE partition = ? AND memory_id = ? AND episode_id = ? AND quote = ? AND taken_by = ?
            """,
            [change.by, *source, change.change_id],
        )
    if given:
        entry, owner, *_ = _newest(db, key)
        count_proofs(db, partition, entry, risen, at)
        owners.decided(owner)


CITE = """
    INSERT INTO sources (partition, memory_id, episode_id, quote, change_id) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
"""


def _newest(db: Db, key: Sequence[Any]) -> tuple[Any, ...]:
    """Of the newest version entry, owner, proof_count and project."""
    row: tuple[Any, ...] = db.execute(
        """
        SELECT entry, owner, proof_count, project FROM memories WHERE partition = ? AND id = ?
        ORDER BY version DESC
        LIMIT 1
        """,
        key,
    ).fetchone()
    return row


def count_proofs(db: Db, partition: int | None, entry: int, more: int, at: datetime) -> None:
    """Add to how often a version, by its entry, was proven."""
    db.execute(
        "UPDATE memories SET proof_count = proof_count + ?, updated_at = ? WHERE partition = ? AND entry = ?",
        [more, iso(at), partition, entry],
    )
