"""What memories say of whom: entities by their names, and how memories link them.

An entity that was merged keeps its rows; whoever reads follows it to the one it turned out to be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.protocols import Named
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.predicates import keys_json, memories_sql, owner_key, same_sql, scope_sql
from mnemic.stores.relational.rows import moment, prefixed
from mnemic.types import Entity, Relation, Scope


@dataclass(frozen=True)
class Graph:
    """Who and what a scope's memories name, for a search to ask in its own snapshot."""

    db: Db
    scope: Scope

    def resolve(self, keys: Sequence[str], /) -> dict[str, Entity]:
        """By name or id."""
        return resolve(self.db, self.scope, keys)

    def naming(self, entity_ids: Sequence[str], /) -> Named:
        """What is said of some of them."""
        return naming(self.db, self.scope, entity_ids)


def meant(db: Db, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
    """The entities that names mean to exactly the scope's user, agent and app."""
    same, values = same_sql(scope)
    whose, key = db.of_owner("n", owner_key(scope))
    rows = db.execute(
        f"""
        SELECT n.key, n.entity_id FROM names AS n
        JOIN entities AS e ON e.partition = ? AND e.id = n.entity_id
        WHERE {whose} AND n.key {db.IN} AND {same}
        ORDER BY n.at DESC, n.entity_id DESC
        """,
        [scope.partition if scope.owner else None, *key, db.listed(keys), *values],
    ).fetchall()
    return _by_name(db, dict(rows))  # of two, the one that had the name first


def resolve(db: Db, scope: Scope, wanted: Sequence[str]) -> dict[str, Entity]:
    """Entities of a scope by a name's key or by id. Where several have a name, the scope's very own comes first."""
    visible, values = _visible(db, scope)
    same, same_values = same_sql(scope)
    ids: list[Any] = []
    if keys := [each for each in wanted if partition_of(each) is not None]:
        ids = db.execute(
            f"""
            SELECT e.id, e.id FROM {db.KEYS} AS k
            JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
            WHERE {visible}
            """,
            [keys_json(keys), *values],
        ).fetchall()
    if scope.user_id is None:
        called = f"entities AS e {db.THEN} names AS n ON n.owner = e.owner AND n.entity_id = e.id"
    else:  # found by name at once, however many people a user knows
        called = f"names AS n {db.THEN} entities AS e ON e.partition = n.owner >> 27 AND e.id = n.entity_id"
        whose, key = db.of_owner("n", owner_key(scope))
        visible, values = f"{whose} AND {visible}", [*key, *values]
    rows = db.execute(
        f"""
        SELECT n.key, e.id FROM {called}
        WHERE n.key {db.IN} AND {visible}
        ORDER BY {same}, n.at DESC, e.id DESC
        """,
        [db.listed(wanted), *values, *same_values],
    ).fetchall()
    return _by_name(db, dict(rows) | dict(ids))


def entities(db: Db, scope: Scope, limit: int, cursor: str | None) -> Named:
    """A page of the entities that the scope's memories name; the cursor is the id of the last one before."""
    whose, values = memories_sql(db, scope)
    pairs = db.execute(
        f"""
        SELECT n.entity_id, n.memory_id FROM (SELECT partition, id FROM memories WHERE {whose}) AS m
        {db.THEN} mentions AS n ON n.partition = m.partition AND n.memory_id = m.id
        """,
        values,
    ).fetchall()
    now = follow(db, {entity_id for entity_id, _ in pairs})
    naming: dict[str, set[str]] = defaultdict(set)
    for entity_id, memory_id in pairs:
        if entity_id in now:
            naming[now[entity_id]].add(memory_id)
    order = sorted(naming, key=lambda each: (-len(naming[each]), each))
    if cursor is not None and cursor not in naming:
        raise InvalidInput(f"cursor must be the id of an entity of the scope, not {describe(cursor)}")
    start = 0 if cursor is None else order.index(cursor) + 1
    return replace(_named(db, scope, order[start : start + limit]), total=len(order))


def naming(db: Db, scope: Scope, entity_ids: Sequence[str]) -> Named:
    """What a scope's memories say of some entities, and whom else they name."""
    visible, values = _visible(db, scope)
    mine = db.execute(
        f"""
        SELECT e.id FROM {db.KEYS} AS k
        JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
        WHERE {visible}
        """,
        [keys_json(entity_ids), *values],
    ).fetchall()
    now = follow(db, {row[0] for row in mine})
    chosen = list(dict.fromkeys(now[each] for each in entity_ids if each in now))
    found = _named(db, scope, chosen)
    beside = db.execute(
        f"""
        SELECT DISTINCT n.entity_id, n.memory_id FROM {db.KEYS} AS k
        {db.THEN} mentions AS n ON n.partition = k.partition AND n.memory_id = k.id
        """,
        [keys_json({memory_id for _, memory_id in found.mentions})],
    ).fetchall()
    others = follow(db, {entity_id for entity_id, _ in beside})
    mentions = {(others[entity_id], memory_id) for entity_id, memory_id in beside if entity_id in others}
    return replace(found, mentions=tuple(sorted(mentions)), total=len(chosen))


def _visible(db: Db, scope: Scope) -> tuple[str, list[Any]]:
    """Entities of a scope. They belong to no run unless to nothing else: a run's are those its memories name."""
    if scope.run_id is None:
        own, own_values = scope_sql(scope)
        if scope.user_id is None:
            return own, own_values
        return f"{db.PARTITION.replace('partition', 'e.partition')} = ? AND {own}", [scope.partition, *own_values]
    memories, values = memories_sql(db, scope)
    found = f"""
        SELECT n.partition, n.entity_id AS id FROM mentions AS n
        WHERE (n.partition, n.memory_id) IN (SELECT partition, id FROM memories WHERE {memories})
    """
    if tuple(scope.ids) == ("run_id",):
        own, key = db.of_owner("entities", owner_key(scope))
        found, values = f"{found} UNION SELECT partition, id FROM entities WHERE {own}", [*values, *key]
    # One list, each of which is looked up: of two conditions with OR between them, every entity would be asked.
    return f"(e.partition, e.id) IN (SELECT partition, id FROM ({found}))", values


def _by_name(db: Db, found: Mapping[str, str]) -> dict[str, Entity]:
    if not found:
        return {}
    now = follow(db, set(found.values()))
    known = _load(db, set(now.values()))
    return {key: known[now[each]] for key, each in found.items() if each in now}


def follow(db: Db, entity_ids: Iterable[str]) -> dict[str, str]:
    """Each entity and the one it turned out to be; without those that are not there, or not yet: an import may be cut."""
    rows = db.execute(
        f"""
        {_chain(db)}
        SELECT c.first, c.id FROM chain AS c
        JOIN entities AS e ON e.partition = c.partition AND e.id = c.id AND e.merged_into IS NULL
        """,
        [keys_json(entity_ids)],
    )
    return dict(rows.fetchall())


def on_the_way(db: Db, entity_id: str) -> set[str]:
    """An entity, what it was merged into, and so on."""
    return {each for (each,) in db.execute(f"{_chain(db)} SELECT id FROM chain", [keys_json([entity_id])])}


def _chain(db: Db) -> str:
    return f"""
    WITH RECURSIVE chain (first, partition, id) AS (
        SELECT k.id, k.partition, k.id FROM {db.KEYS} AS k
        UNION
        SELECT c.first, e.partition, e.merged_into FROM chain AS c
        JOIN entities AS e ON e.partition = c.partition AND e.id = c.id AND coalesce(e.merged_into, '') <> ''
    )
"""


def parts_of(db: Db, entity_ids: Iterable[str]) -> dict[str, str]:
    """These entities and all that were merged into them: each and the one it is now."""
    rows = db.execute(
        f"""
        WITH RECURSIVE parts (partition, id, last) AS (
            SELECT k.partition, k.id, k.id FROM {db.KEYS} AS k
            UNION
            SELECT e.partition, e.id, p.last FROM parts AS p
            JOIN entities AS e ON e.partition = p.partition AND e.merged_into = p.id
        )
        SELECT id, last FROM parts
        """,
        [keys_json(entity_ids)],
    )
    return dict(rows.fetchall())


def _load(db: Db, entity_ids: Iterable[str]) -> dict[str, Entity]:
    """Entities with their names, those of what was merged into them too, and how many current memories name them."""
    ids = list(entity_ids)
    parts = parts_of(db, ids)
    said: dict[str, dict[str, list[str]]] = defaultdict(dict)
    named: dict[str, str] = {}
    called = db.execute(
        f"""
        SELECT e.id, e.name, n.text FROM {db.KEYS} AS k
        JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
        LEFT JOIN names AS n ON {db.lies("n", "e.partition")} AND n.owner = e.owner AND n.entity_id = e.id
        ORDER BY e.created_at, e.id, n.at, n.key
        """,
        [keys_json(parts)],
    )
    for entity_id, name, text in called:
        named[entity_id] = name
        said[parts[entity_id]].setdefault(entity_id, []).extend([] if text is None else [text])
    counted: dict[str, set[str]] = defaultdict(set)
    for entity_id, memory_id in _mentions(db, parts, "true", []):
        counted[parts[entity_id]].add(memory_id)
    rows = db.execute(
        f"""
        SELECT {prefixed("e", _COLUMNS)} FROM {db.KEYS} AS k
        JOIN entities AS e ON e.partition = k.partition AND e.id = k.id
        """,
        [keys_json(ids)],
    )
    found = {}
    for row in rows:
        name, *aliases = _names(row[0], named, said[row[0]])
        found[row[0]] = _entity_of(row, name, tuple(aliases), len(counted[row[0]]))
    return found


def _names(entity_id: str, named: Mapping[str, str], said: Mapping[str, Sequence[str]]) -> list[str]:
    """What an entity is called, and its other names. `said`: of each of its parts. A name may have been given away."""
    names: dict[str, None] = {}
    kept = set()
    for part, texts in said.items():
        if named[part].casefold() in map(str.casefold, texts):
            kept.add(part)
            names[named[part]] = None
        names |= dict.fromkeys(texts)
    name = named[entity_id] if entity_id in kept or not names else next(iter(names))
    return [name, *(each for each in names if each != name)]


def _mentions(db: Db, entity_ids: Iterable[str], whose: str, values: list[Any]) -> list[tuple[str, str]]:
    """(entity, memory) for each of these that a current memory names."""
    rows = db.execute(
        f"""
        SELECT DISTINCT n.entity_id, n.memory_id FROM {db.KEYS} AS k
        {db.THEN} mentions AS n ON n.partition = k.partition AND n.entity_id = k.id
        {db.THEN} memories AS m ON m.partition = n.partition AND m.id = n.memory_id AND m.current
        WHERE {whose}
        ORDER BY n.memory_id
        """,
        [keys_json(entity_ids), *values],
    )
    return rows.fetchall()


def _named(db: Db, scope: Scope, chosen: Sequence[str]) -> Named:
    """Everything that current memories of a scope say of some entities, which are nobody's parts."""
    known = _load(db, chosen)
    parts = parts_of(db, chosen)
    whose, values = memories_sql(db, scope)
    within = f"EXISTS (SELECT 1 FROM memories WHERE partition = m.partition AND id = m.id AND {whose})"
    relations = db.execute(
        f"""
        SELECT DISTINCT r.subject_id, r.predicate, r.object_id, r.memory_id, m.valid_from, m.valid_to
        FROM {db.KEYS} AS k
        {db.THEN} relations AS r ON r.partition = k.partition
            AND (r.subject_id = k.id OR r.object_id = k.id)
        {db.THEN} memories AS m ON m.partition = r.partition AND m.id = r.memory_id AND m.current
        WHERE {within}
        """,
        [keys_json(parts), *values],
    ).fetchall()
    now = parts | follow(db, {each for row in relations for each in (row[0], row[2])})
    mentions = {(now[each], memory) for each, memory in _mentions(db, parts, within, values)}
    links = {  # of parts of one entity, two may have become the same
        Relation(
            subject=now[subject], predicate=predicate, object=now[object_], memory_id=memory_id,
            valid_from=moment(valid_from), valid_to=moment(valid_to),
        )
        for subject, predicate, object_, memory_id, valid_from, valid_to in relations
        if subject in now and object_ in now
    }  # fmt: skip
    return Named(
        entities=tuple(known[each] for each in chosen),
        relations=tuple(sorted(links, key=lambda each: (each.memory_id, each.predicate, each.subject, each.object))),
        mentions=tuple(sorted(mentions)),
    )


_COLUMNS = "id, project, user_id, agent_id, app_id, run_id, kind, name, created_at, merged_into"


def _entity_of(row: tuple[Any, ...], name: str, aliases: tuple[str, ...], memories: int) -> Entity:
    entity_id, project, user_id, agent_id, app_id, run_id, kind, _, created_at, merged_into = row
    return Entity(
        id=entity_id,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        kind=kind,
        name=name,
        created_at=datetime.fromisoformat(created_at),
        aliases=aliases,
        merged_into=merged_into,
        memories=memories,
    )
