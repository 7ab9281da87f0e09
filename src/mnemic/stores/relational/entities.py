"""Entities and their names as they are written, merged, moved and dropped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mnemic.errors import Conflict, describe
from mnemic.ids import partition_of
from mnemic.protocols import EntityWrite, MergeEntity, MoveName, Naming, NewEntity, NewRelation
from mnemic.records import WHOLE
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.graph import follow, on_the_way, parts_of
from mnemic.stores.relational.predicates import keys_json, scope_sql
from mnemic.stores.relational.rows import scope_columns
from mnemic.times import iso
from mnemic.types import Entity, Scope

# Writing.


def write_entity(db: Db, owner: int, at: datetime, change: EntityWrite) -> None:
    """Carry out one change to entities. `owner`: whose new ones are."""
    match change:
        case NewEntity(entity=entity, keys=keys):
            _add(db, owner, at, entity, keys)
        case Naming(memory_id=memory_id, entity_id=entity_id, key=key):
            _must_be(db, entity_id)
            row = [partition_of(memory_id), memory_id, entity_id, key]
            db.execute("INSERT INTO mentions VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        case NewRelation(memory_id=memory_id, subject=subject, predicate=predicate, object=object_):
            for entity_id, _ in (subject, object_):
                _must_be(db, entity_id)
            row = [partition_of(memory_id), memory_id, *subject, predicate, *object_]
            db.execute("INSERT INTO relations VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        case MergeEntity():
            _merge(db, change)
        case MoveName():
            _move(db, change)


def _add(db: Db, owner: int, at: datetime, entity: Entity, keys: Mapping[str, str]) -> None:
    columns = {
        "partition": partition_of(entity.id), "id": entity.id, "owner": owner, **scope_columns(entity.scope),
        "kind": entity.kind, "name": entity.name, "created_at": iso(entity.created_at),
        "merged_into": entity.merged_into,
    }  # fmt: skip
    db.execute(
        f"INSERT INTO entities ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT DO NOTHING",
        list(columns.values()),
    )
    (whose,) = db.execute(_OWNER_OF, [columns["partition"], entity.id]).fetchone()
    mine, values = db.at("owner", [whose])
    known = {
        key for (key,) in db.execute(f"SELECT key FROM names WHERE {mine} AND entity_id = ?", [*values, entity.id])
    }
    rows = [(whose, key, entity.id, text, iso(at)) for key, text in keys.items() if key not in known]
    db.insert("names", ("owner", "key", "entity_id", "text", "at"), rows)


def _merge(db: Db, change: MergeEntity) -> None:
    was = _merged(db, [change.entity_id]).get(change.entity_id)
    if change.into is not None:
        _must_be(db, change.into)
        if was is not None:
            raise Conflict(f"entity {change.entity_id} is part of {was} by now; undo that merge, or decide again")
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
    if change.into is None and was is not None:
        _note_move(db, change.change_id, WHOLE, change.entity_id, was)


def _move(db: Db, change: MoveName) -> None:
    """Take a name from an entity, or from those that were merged into it: names stay with who had them first."""
    _must_be(db, change.target)
    owners = _owners(db, parts_of(db, [change.source]))
    had = _who_have(db, owners, change)
    if not had:
        raise Conflict(f"entity {change.source} is not called {describe(change.key)} any more; decide again")
    if change.target not in owners and {owners[each] for each in had} != {
        _owners(db, [change.target]).get(change.target)
    }:
        raise Conflict(
            f"{describe(change.key)} is a name of another user's entity, merged into {change.source}; undo that merge"
        )
    for source in (*(each for each in owners if each not in had), *reversed(had)):  # the last one's name is kept
        if source != change.target:
            _move_rows(db, source, owners[source], change)
    _note_move(db, change.change_id, change.key, had[0], change.target)


def _note_move(db: Db, change_id: str, key: str, source: str, target: str) -> None:
    """So that it can be taken back."""
    db.execute(
        """
        INSERT INTO moves (partition, change_id, key, source, target) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (partition, change_id, key, source) DO UPDATE SET target = excluded.target
        """,
        [partition_of(change_id), change_id, key, source, target],
    )


def _owners(db: Db, entity_ids: Iterable[str]) -> dict[str, int]:
    rows = db.execute(
        f"""
        SELECT e.id, e.owner FROM {db.KEYS} AS k
        JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
        ORDER BY e.id
        """,
        [keys_json(entity_ids)],
    )
    return dict(rows.fetchall())


def _who_have(db: Db, owners: Mapping[str, int], change: MoveName) -> list[str]:
    """Those of some entities that have the name: the one that it is taken from, then who had it first."""
    mine, values = db.at("owner", sorted(set(owners.values())))
    rows = db.execute(
        f"SELECT entity_id FROM names WHERE {mine} AND key = ? AND entity_id {db.IN} ORDER BY at, entity_id",
        [*values, change.key, db.listed(owners)],
    )
    return sorted((each for (each,) in rows), key=lambda each: each != change.source)


def _move_rows(db: Db, source: str, owner: int, change: MoveName) -> None:
    _replace(db, "names", "entity_id", ("owner", "key"), f"owner = {owner:d} AND key = ?", source, change)
    mine = f"partition = {partition_of(source):d} AND "
    _replace(db, "mentions", "entity_id", ("partition", "memory_id", "key"), f"{mine}key = ?", source, change)
    rest = ("partition", "memory_id", "predicate")
    _replace(db, "relations", "subject_id", (*rest, "object_id"), f"{mine}subject_key = ?", source, change)
    _replace(db, "relations", "object_id", (*rest, "subject_id"), f"{mine}object_key = ?", source, change)


def _replace(db: Db, table: str, entity: str, rest: Sequence[str], called: str, source: str, change: MoveName) -> None:
    """Rows of one name become another entity's, in the place of those that this has. `rest`: of the key of the table."""
    same = " AND ".join(f"moving.{name} = {table}.{name}" for name in rest)
    db.execute(
        f"""
        DELETE FROM {table} WHERE {entity} = ? AND EXISTS (
            SELECT 1 FROM (SELECT * FROM {table} WHERE {entity} = ? AND {called}) AS moving WHERE {same}
        )
        """,
        [change.target, source, change.key],
    )
    db.execute(f"UPDATE {table} SET {entity} = ? WHERE {entity} = ? AND {called}", [change.target, source, change.key])


def _must_be(db: Db, entity_id: str) -> None:
    key = [partition_of(entity_id), entity_id]
    if db.execute("SELECT 1 FROM entities WHERE partition = ? AND id = ?", key).fetchone() is None:
        raise _gone(entity_id)


def _gone(entity_id: str) -> Conflict:
    return Conflict(f"entity {entity_id} is gone; decide again")


# Erasing.


def names_used(db: Db, memories: str) -> set[tuple[str, str]]:
    """(entity, key) of each name that these memories use. `memories`: partitions and ids as JSON."""
    rows = db.execute(
        f"""
        SELECT n.entity_id, n.key FROM {db.KEYS} AS k
        {db.THEN} mentions AS n ON n.partition = k.partition AND n.memory_id = k.id
        UNION
        SELECT r.subject_id, r.subject_key FROM {db.KEYS} AS k
        {db.THEN} relations AS r ON r.partition = k.partition AND r.memory_id = k.id
        UNION
        SELECT r.object_id, r.object_key FROM {db.KEYS} AS k
        {db.THEN} relations AS r ON r.partition = k.partition AND r.memory_id = k.id
        """,
        [memories] * 3,
    )
    return set(rows.fetchall())


def drop_names(db: Db, scope: Scope, used: set[tuple[str, str]]) -> int:
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


def _is_named(db: Db, entity_id: str, key: str | None = None) -> bool:
    """Whether any memory, current or not, names it (by this key)."""
    row = db.execute(
        """
        SELECT EXISTS (SELECT 1 FROM mentions WHERE partition = ?1 AND entity_id = ?2 AND key = coalesce(?3, key))
            OR EXISTS (SELECT 1 FROM relations WHERE partition = ?1 AND subject_id = ?2
                AND subject_key = coalesce(?3, subject_key))
            OR EXISTS (SELECT 1 FROM relations WHERE partition = ?1 AND object_id = ?2
                AND object_key = coalesce(?3, object_key))
        """,
        [partition_of(entity_id), entity_id, key],
    ).fetchone()
    return bool(row[0])


def _merged(db: Db, group: Iterable[str]) -> dict[str, str | None]:
    rows = db.execute(
        f"""
        SELECT e.id, e.merged_into FROM {db.KEYS} AS k
        JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
        """,
        [keys_json(group)],
    )
    return dict(rows.fetchall())


def _drop(db: Db, entity_id: str) -> None:
    key = [partition_of(entity_id), entity_id]
    db.execute(f"DELETE FROM names WHERE owner = ({_OWNER_OF}) AND entity_id = ?", [*key, entity_id])
    db.execute("DELETE FROM moves WHERE ? IN (source, target)", [entity_id])
    db.execute("DELETE FROM entities WHERE partition = ? AND id = ?", key)


def _unname(db: Db, entity_id: str, key: str) -> None:
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
            f"UPDATE entities SET name = ? WHERE partition = ? AND id = ? AND name {db.IN}",
            [left[0][0], *place, db.listed(text for (text,) in gone)],
        )


_OWNER_OF = "SELECT owner FROM entities WHERE partition = ? AND id = ?"
