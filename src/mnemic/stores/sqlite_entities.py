"""Entities and their names as they are written, merged, moved and dropped."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from mnemic.errors import Conflict, describe
from mnemic.ids import partition_of
from mnemic.protocols import EntityWrite, MergeEntity, MoveName, Naming, NewEntity, NewRelation
from mnemic.stores.sqlite_graph import follow, on_the_way, parts_of
from mnemic.stores.sqlite_rows import scope_columns
from mnemic.stores.sqlite_sql import keys_json, scope_sql
from mnemic.times import iso
from mnemic.types import Entity, Scope

# Writing.


def write_entity(db: sqlite3.Connection, owner: int, at: datetime, change: EntityWrite) -> None:
    """Carry out one change to entities. `owner`: whose new ones are."""
    match change:
        case NewEntity(entity=entity, keys=keys):
            _add(db, owner, at, entity, keys)
        case Naming(memory_id=memory_id, entity_id=entity_id, key=key):
            _must_be(db, entity_id)
            row = [partition_of(memory_id), memory_id, entity_id, key]
            db.execute("INSERT OR IGNORE INTO mentions VALUES (?, ?, ?, ?)", row)
        case NewRelation(memory_id=memory_id, subject=subject, predicate=predicate, object=object_):
            for entity_id, _ in (subject, object_):
                _must_be(db, entity_id)
            row = [partition_of(memory_id), memory_id, *subject, predicate, *object_]
            db.execute("INSERT OR IGNORE INTO relations VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        case MergeEntity():
            _merge(db, change)
        case MoveName():
            _move(db, change)


def _add(db: sqlite3.Connection, owner: int, at: datetime, entity: Entity, keys: Mapping[str, str]) -> None:
    columns = {
        "partition": partition_of(entity.id), "id": entity.id, "owner": owner, **scope_columns(entity.scope),
        "kind": entity.kind, "name": entity.name, "created_at": iso(entity.created_at),
        "merged_into": entity.merged_into,
    }  # fmt: skip
    db.execute(
        f"INSERT OR IGNORE INTO entities ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
        list(columns.values()),
    )
    db.executemany(
        f"INSERT OR IGNORE INTO names (owner, key, entity_id, text, at) VALUES (({_OWNER_OF}), ?, ?, ?, ?)",
        [(columns["partition"], entity.id, key, entity.id, text, iso(at)) for key, text in keys.items()],
    )


def _merge(db: sqlite3.Connection, change: MergeEntity) -> None:
    if change.into is not None:
        _must_be(db, change.into)
        if change.entity_id in on_the_way(db, change.into):
            raise Conflict(f"entity {change.into} is already part of {change.entity_id}; decide again")
    done = db.execute(
        "UPDATE entities SET merged_into = ?, merged_by = ? WHERE partition = ? AND id = ?",
        [
            change.into, None if change.into is None else change.change_id,
            partition_of(change.entity_id), change.entity_id,
        ],
    )  # fmt: skip
    if not done.rowcount:
        raise _gone(change.entity_id)


def _move(db: sqlite3.Connection, change: MoveName) -> None:
    partition = partition_of(change.source)
    _must_be(db, change.target)
    moved = db.execute(
        f"""
        UPDATE OR REPLACE names SET entity_id = ?
        WHERE key = ? AND entity_id = ? AND owner = ({_OWNER_OF})
        """,
        [change.target, change.key, change.source, partition, change.source],
    )
    if not moved.rowcount:
        raise Conflict(f"entity {change.source} is not called {describe(change.key)} any more; decide again")
    for table, entity, key in (
        ("mentions", "entity_id", "key"),
        ("relations", "subject_id", "subject_key"),
        ("relations", "object_id", "object_key"),
    ):
        db.execute(
            f"UPDATE OR REPLACE {table} SET {entity} = ? WHERE partition = ? AND {entity} = ? AND {key} = ?",
            [change.target, partition, change.source, change.key],
        )
    row = [partition_of(change.change_id), change.change_id, change.key, change.source, change.target]
    db.execute("INSERT OR REPLACE INTO moves VALUES (?, ?, ?, ?, ?)", row)


def _must_be(db: sqlite3.Connection, entity_id: str) -> None:
    key = [partition_of(entity_id), entity_id]
    if db.execute("SELECT 1 FROM entities WHERE partition = ? AND id = ?", key).fetchone() is None:
        raise _gone(entity_id)


def _gone(entity_id: str) -> Conflict:
    return Conflict(f"entity {entity_id} is gone; decide again")


# Erasing.


def names_used(db: sqlite3.Connection, memories: str) -> set[tuple[str, str]]:
    """(entity, key) of each name that these memories use. `memories`: partitions and ids as JSON."""
    rows = db.execute(
        """
        SELECT n.entity_id, n.key FROM json_each(?1) AS k
        CROSS JOIN mentions AS n ON n.partition = k.value ->> 0 AND n.memory_id = k.value ->> 1
        UNION
        SELECT r.subject_id, r.subject_key FROM json_each(?1) AS k
        CROSS JOIN relations AS r ON r.partition = k.value ->> 0 AND r.memory_id = k.value ->> 1
        UNION
        SELECT r.object_id, r.object_key FROM json_each(?1) AS k
        CROSS JOIN relations AS r ON r.partition = k.value ->> 0 AND r.memory_id = k.value ->> 1
        """,
        [memories],
    )
    return set(rows.fetchall())


def drop_names(db: sqlite3.Connection, scope: Scope, used: set[tuple[str, str]]) -> int:
    """Drop entities that nothing names any more, and names nobody uses any more; how many entities went.

    Those that are looked at: the scope's own, and those that erased memories named (`used`).
    """
    whose, values = scope_sql(scope)
    mine = {each for (each,) in db.execute(f"SELECT id FROM entities WHERE {whose}", values)}
    looked_at = mine | {entity_id for entity_id, _ in used}
    groups: dict[str, set[str]] = defaultdict(set)
    for part, last in parts_of(db, set(follow(db, looked_at).values())).items():
        groups[last].add(part)
    dropped = 0
    for group in groups.values():
        going = {each for each in group if not _is_named(db, each)}
        if going != group:  # somebody is left: what they turned out to be stays, and what leads there
            into = _merged(db, group)
            going = {each for each in going & looked_at if into[each] is not None}
            while held := {into[each] for each in group - going} & going:
                going -= held
        for entity_id in going:
            _drop(db, entity_id)
        dropped += len(going)
        for entity_id, key in used:
            if entity_id in group - going and not _is_named(db, entity_id, key):
                _unname(db, entity_id, key)
    return dropped


def _is_named(db: sqlite3.Connection, entity_id: str, key: str | None = None) -> bool:
    """Whether any memory, current or not, names it (by this key)."""
    row = db.execute(
        """
        SELECT EXISTS (SELECT 1 FROM mentions WHERE partition = ?1 AND entity_id = ?2 AND key = ifnull(?3, key))
            OR EXISTS (SELECT 1 FROM relations WHERE partition = ?1 AND subject_id = ?2
                AND subject_key = ifnull(?3, subject_key))
            OR EXISTS (SELECT 1 FROM relations WHERE partition = ?1 AND object_id = ?2
                AND object_key = ifnull(?3, object_key))
        """,
        [partition_of(entity_id), entity_id, key],
    ).fetchone()
    return bool(row[0])


def _merged(db: sqlite3.Connection, group: Iterable[str]) -> dict[str, str | None]:
    rows = db.execute(
        """
        SELECT e.id, e.merged_into FROM json_each(?) AS k
        JOIN entities AS e ON e.partition = k.value ->> 0 AND e.id = k.value ->> 1
        """,
        [keys_json(group)],
    )
    return dict(rows.fetchall())


def _drop(db: sqlite3.Connection, entity_id: str) -> None:
    key = [partition_of(entity_id), entity_id]
    db.execute(f"DELETE FROM names WHERE owner = ({_OWNER_OF}) AND entity_id = ?", [*key, entity_id])
    db.execute("DELETE FROM moves WHERE ? IN (source, target)", [entity_id])
    db.execute("DELETE FROM entities WHERE partition = ? AND id = ?", key)


def _unname(db: sqlite3.Connection, entity_id: str, key: str) -> None:
    """Take a name away. An entity that was called by it is called by the next one."""
    place = [partition_of(entity_id), entity_id]
    gone = db.execute(
        f"DELETE FROM names WHERE owner = ({_OWNER_OF}) AND entity_id = ? AND key = ? RETURNING text",
        [*place, entity_id, key],
    ).fetchall()
    db.execute("DELETE FROM moves WHERE key = ? AND ? IN (source, target)", [key, entity_id])
    left = db.execute(
        f"SELECT text FROM names WHERE owner = ({_OWNER_OF}) AND entity_id = ? ORDER BY at, key", [*place, entity_id]
    ).fetchall()
    if left and any(text not in (row[0] for row in left) for (text,) in gone):
        db.execute(
            "UPDATE entities SET name = ? WHERE partition = ? AND id = ? AND name IN (SELECT value FROM json_each(?))",
            [left[0][0], *place, json.dumps([text for (text,) in gone])],
        )


_OWNER_OF = "SELECT owner FROM entities WHERE partition = ? AND id = ?"
