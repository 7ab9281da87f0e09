"""What a decision rests on, read in one snapshot. Cost follows the owner: every row is found by an index of theirs."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from mnemic.protocols import Around, Ask
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db, Predicate
from mnemic.stores.relational.graph import meant
from mnemic.stores.relational.predicates import keys_json, owner_key, same_sql
from mnemic.stores.relational.read import Reader
from mnemic.stores.relational.rows import MEMORY_COLUMNS, TOMBSTONE_COLUMNS, prefixed, tombstone_of
from mnemic.stores.relational.vectors import nearest, stored
from mnemic.types import Scope, Tombstone


def around(reader: Reader, ask: Ask) -> Around:
    """Memories by key, slot, source and nearness, with what else bears on the scope."""
    db = reader.db
    tombstones = _tombstones(db, ask.scope)
    owner = db.execute(
        f"SELECT number, decisions, changes FROM owners WHERE {db.OWNED_BY}", owner_key(ask.scope)
    ).fetchone()
    if owner is None:
        asked = 0 if ask.vectors is None else len(ask.vectors)
        return Around(basis=0, near=((),) * asked, tombstones=tombstones)
    number, basis, changes = owner
    same = same_sql(ask.scope)
    keyed = _by(db, "once", ask.keys, number, same)
    slotted = _by(db, "slot", ask.slots, number, same)
    citing = _citing(db, ask.episodes, number, same)
    near = _near(reader, ask, number, changes, same)
    entries = dict.fromkeys(entry for found in (*keyed.values(), *slotted.values(), citing, *near) for entry in found)
    placed = db.at("entry", list(entries))
    rows = db.execute(
        f"""
        SELECT {MEMORY_COLUMNS}, entry, span FROM memories
        WHERE current AND {placed[0]}
        """,
        placed[1],
    ).fetchall()
    memories = reader.memories(rows)
    name = {row[-2]: row[0] for row in rows}
    vectors = stored(db, [(row[-2], 1) for row in rows])
    return Around(
        basis=basis,
        memories={memory.id: memory for memory in memories},
        vectors={name[entry]: windows[0] for entry, windows in vectors.items()},
        keyed={key: name[found[0]] for key, found in keyed.items()},
        slotted={slot: tuple(name[entry] for entry in found) for slot, found in slotted.items()},
        near=tuple(tuple(name[entry] for entry in found) for found in near),
        citing=tuple(name[entry] for entry in citing),
        tombstones=tombstones,
        entities=meant(db, ask.scope, ask.names) if ask.names else {},
    )


def _by(db: Db, column: str, wanted: tuple[str, ...], owner: int, same: Predicate) -> dict[str, list[int]]:
    """Entries of current memories by their `once` key or slot."""
    if not wanted:
        return {}
    mine, values = db.at("owner", [owner])
    rows = db.execute(
        f"""
        SELECT {column}, entry FROM memories
        WHERE current AND {mine} AND {column} {db.IN} AND {same[0]}
        ORDER BY id
        """,
        [*values, db.listed(wanted), *same[1]],
    )
    found: dict[str, list[int]] = defaultdict(list)
    for value, entry in rows:
        found[value].append(entry)
    return found


def _citing(db: Db, episodes: tuple[str, ...], owner: int, same: Predicate) -> list[int]:
    if not episodes:
        return []
    rows = db.execute(
        f"""
        SELECT DISTINCT m.id, m.entry FROM {db.KEYS} AS k
        JOIN sources AS s ON s.partition = k.partition AND s.episode_id = k.id
        JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND m.current
        WHERE m.owner = ? AND {same[0]}
        ORDER BY m.id
        """,
        [keys_json(episodes), owner, *same[1]],
    )
    return [entry for _, entry in rows]


def _near(reader: Reader, ask: Ask, owner: int, changes: int, same: Predicate) -> list[list[int]]:
    if ask.vectors is None or not len(ask.vectors):
        return []
    db = reader.db
    kept = reader.cache.get(owner, changes)
    blocks = kept.blocks if kept is not None else reader.marks_of(owner)
    current = np.asarray((blocks.marks["memory"] == pack.CURRENT) & (blocks.marks["head"] == 0))

    def allowed(entries: list[int] | None) -> set[int]:
        if entries is None:
            which, values = db.between("entry", owner << 24, (owner << 24) + 16777215)
        else:
            which, values = db.at("entry", entries)
        rows = db.execute(f"SELECT entry FROM memories WHERE current AND {which} AND {same[0]}", [*values, *same[1]])
        return {entry for (entry,) in rows}

    return nearest(db, blocks, current, ask.vectors, ask.limit, None if kept is None else kept.codes, allowed)


def _tombstones(db: Db, scope: Scope) -> tuple[Tombstone, ...]:
    """All that hold for the scope: those of each id it has, unless they are another user's, agent's or app's."""
    clauses = " AND ".join(f"(t.{name} IS NULL OR t.{name} = ?)" for name in ("user_id", "agent_id", "app_id"))
    values: list[Any] = [scope.user_id, scope.agent_id, scope.app_id]
    found: dict[str, Tombstone] = {}
    for kind, name in scope.ids.items():
        owner = Scope(project=scope.project, **{kind: name})
        whose, key = db.of_owner("t", owner_key(owner))
        rows = db.execute(
            f"""
            SELECT {prefixed("t", TOMBSTONE_COLUMNS)} FROM tombstones AS t
            WHERE {whose} AND {clauses}
            ORDER BY t.id
            """,
            [*key, *values],
        )
        found.update((row[0], tombstone_of(row)) for row in rows)
    return tuple(found[each] for each in sorted(found))
