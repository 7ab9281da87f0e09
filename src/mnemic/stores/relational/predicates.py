"""The predicates that decide which rows a call may touch, and which embedding space is active."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from mnemic.errors import WrongEmbedder
from mnemic.ids import partition_of
from mnemic.protocols import Space
from mnemic.stores.relational.db import Db, Predicate
from mnemic.types import Scope

Status = Literal["current", "superseded", "former", "any"]

# As the partial indexes of the schema say it.
_STATUS: dict[Status, str] = {
    "current": "current",
    "superseded": "NOT current AND retire_reason = 'superseded'",
    "former": "NOT current",
    "any": "true",
}


def scope_sql(scope: Scope) -> Predicate:
    """Rows of a project and of every id that is given."""
    clauses, values = ["project = ?"], list[Any]([scope.project])
    for name, value in scope.ids.items():
        clauses.append(f"{name} = ?")
        values.append(value)
    return " AND ".join(clauses), values


def episodes_sql(db: Db, scope: Scope) -> Predicate:
    """Episodes of a scope. Those of a user are one range; agents and apps are narrower only without a user."""
    matching, values = scope_sql(scope)
    if scope.user_id is None:
        return matching, values
    matching = matching.replace("agent_id", "agent_id || ''").replace("app_id", "app_id || ''")
    key = owner_key(scope)
    matching, values = f"{db.PARTITION} = ? AND {matching}", [scope.partition, *values]
    return f"{matching} AND entry BETWEEN {db.OWNER} << 24 AND ({db.OWNER} << 24) + 16777215", [*values, *key, *key]


def memories_sql(db: Db, scope: Scope, status: Status = "current") -> Predicate:
    """Memories of a scope; a run's are also those of other runs that were said in it again."""
    matching, values = scope_sql(replace(scope, run_id=None))
    if scope.user_id is not None:  # all that is a user's lies in one partition
        matching, values = f"{db.PARTITION} = ? AND {matching}", [scope.partition, *values]
    matching = f"{_STATUS[status]} AND {matching}"
    if scope.run_id is None:
        return matching, values
    # A SELECT of its own, and an expression: by rows of a UNION, SQLite looks nothing up, and would read the project.
    if tuple(scope.ids) == ("run_id",):
        matching = matching.replace("project = ?", "project || '' = ?")
    here = [scope.project, scope.run_id]
    matching += f"""
        AND (partition, id) IN (
            SELECT partition, id FROM (
                SELECT partition, id FROM memories WHERE {_STATUS[status]} AND project = ? AND run_id = ?
                UNION
                SELECT partition, memory_id FROM runs WHERE project = ? AND run_id = ?
            )
        )"""
    return matching, [*values, *here, *here]


def same_sql(scope: Scope) -> Predicate:
    """Rows of exactly the scope's user, agent and app; its run counts only where nothing else is given."""
    own = {"user_id": scope.user_id, "agent_id": scope.agent_id, "app_id": scope.app_id}
    if tuple(scope.ids) == ("run_id",):
        own["run_id"] = scope.run_id
    return exactly(own)


def exactly(columns: Mapping[str, str | None]) -> Predicate:
    """Rows with these values, those that are None being null."""
    clauses = [f"{name} IS NULL" if value is None else f"{name} = ?" for name, value in columns.items()]
    return " AND ".join(clauses), [value for value in columns.values() if value is not None]


def owner_key(scope: Scope) -> list[Any]:
    """The values for `Db.OWNER`."""
    return [scope.partition if scope.owner else None, scope.project, *(scope.owner or ("", ""))]


def keys_json(ids: Iterable[str]) -> str:
    """Partition and id of each, as a list that SQL reads as a table."""
    return json.dumps([[partition_of(record_id), record_id] for record_id in ids])


def same_space(db: Db, space: Space | None) -> bool:
    """Whether there is an active space; raises WrongEmbedder when it is another. None is not asked about."""
    row = db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
    check_space(row, space)
    return row is not None


def check_space(active: tuple[str, int] | None, space: Space | None) -> None:
    """Raise WrongEmbedder where the active space, a name and dimensions, is another than the one asked for."""
    if space is not None and active is not None and active != (space.name, space.dimensions):
        raise WrongEmbedder(
            f"this store holds vectors of {active[0]!r} ({active[1]} dimensions), not of {space.name!r}"
            f" ({space.dimensions}); open it with the former, give another path, or run: mnemic reindex"
        )


def number_of(db: Db, space: Space) -> int | None:
    """The number in the names of a space's tables, or None while it has none."""
    row = db.execute("SELECT number FROM spaces WHERE name = ? AND dimensions = ?", [space.name, space.dimensions])
    found = row.fetchone()
    return None if found is None else int(found[0])
