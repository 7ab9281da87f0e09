"""Names of entities in a filter, looked up: a filter over rows knows ids alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mnemic.filters import And, Compare, Filter, Not, Or
from mnemic.ids import partition_of
from mnemic.protocols import Where
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.graph import follow, parts_of
from mnemic.stores.relational.predicates import owner_key, scope_sql


def called(db: Db, where: Where) -> Filter | None:
    """The filter with ids for names of entities: of all that bear one, with those they were merged with."""
    if where.filter is None:
        return None
    asked = {each for part in _parts(where.filter) if part.field == "entity" and part.op == "in" for each in part.value}
    return _with_ids(where.filter, _bearers(db, where, asked)) if asked else where.filter


def _bearers(db: Db, where: Where, asked: set[str]) -> Mapping[str, set[str]]:
    """Entity ids by name or id, those merged into one another together."""
    if where.scope.user_id is None:  # entities are the owner's, of no run unless of nothing else
        mine, values = scope_sql(replace(where.scope, run_id=None))
        whose = f"n.owner IN (SELECT DISTINCT owner FROM entities WHERE {mine})"
    else:
        whose, values = db.of_owner("n", owner_key(where.scope))
    rows = db.execute(
        f"SELECT n.key, n.entity_id FROM names AS n WHERE {whose} AND n.key {db.IN}",
        [*values, db.listed(sorted(asked))],
    ).fetchall()
    bearers = rows + [(each, each) for each in asked if partition_of(each) is not None]
    now = follow(db, {entity_id for _, entity_id in bearers})
    group: dict[str, set[str]] = {}
    for part, last in parts_of(db, set(now.values())).items():
        group.setdefault(last, set()).add(part)
    found: dict[str, set[str]] = {}
    for key, entity_id in bearers:
        if entity_id in now:
            found.setdefault(key, set()).update(group[now[entity_id]])
    return found


def _with_ids(tree: Filter, bearers: Mapping[str, set[str]]) -> Filter:
    match tree:
        case And(parts):
            return And(tuple(_with_ids(part, bearers) for part in parts))
        case Or(parts):
            return Or(tuple(_with_ids(part, bearers) for part in parts))
        case Not(part):
            return Not(_with_ids(part, bearers))
        case Compare("entity", (), "in", asked):
            ids = {each for key in asked for each in bearers.get(key, ())}
            return Compare("entity", (), "in", tuple(sorted(ids)))
        case Compare():
            return tree


def _parts(tree: Filter) -> Iterator[Compare]:
    match tree:
        case And(parts) | Or(parts):
            for part in parts:
                yield from _parts(part)
        case Not(part):
            yield from _parts(part)
        case Compare():
            yield tree
