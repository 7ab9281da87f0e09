"""The predicates that decide which rows a call may touch, and which embedding space is active."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal

from mnemic.errors import InvalidFilter, WrongEmbedder
from mnemic.filters import And, Compare, Filter, Not, Or
from mnemic.ids import partition_of
from mnemic.protocols import Space
from mnemic.types import Scope

Predicate = tuple[str, list[Any]]


Status = Literal["current", "superseded", "any"]

# As the partial indexes of the schema say it.
_STATUS: dict[Status, str] = {"current": "current", "superseded": "retire_reason = 'superseded'", "any": "true"}


def scope_sql(scope: Scope) -> Predicate:
    """Rows of a project and of every id that is given."""
    clauses, values = ["project = ?"], [scope.project]
    for name, value in scope.ids.items():
        clauses.append(f"{name} = ?")
        values.append(value)
    return " AND ".join(clauses), values


def episodes_sql(scope: Scope) -> Predicate:
    """Episodes of a scope. Those of a user are one range; agents and apps are narrower only without a user."""
    matching, values = scope_sql(scope)
    if scope.user_id is None:
        return matching, values
    matching = matching.replace("agent_id", "+agent_id").replace("app_id", "+app_id")
    user = "(SELECT number FROM owners WHERE project = ? AND kind = 'user_id' AND name = ?)"
    key = [scope.project, scope.user_id]
    return f"{matching} AND entry BETWEEN {user} << 24 AND ({user} << 24) + 16777215", [*values, *key, *key]


def memories_sql(scope: Scope, status: Status = "current") -> Predicate:
    """Memories of a scope; a run's are also those of other runs that were said in it again."""
    matching, values = scope_sql(replace(scope, run_id=None))
    matching = f"{_STATUS[status]} AND {matching}"
    if scope.run_id is None:
        return matching, values
    here = [scope.project, scope.run_id]
    matching += f"""
        AND (partition, id) IN (
            SELECT partition, id FROM memories WHERE {_STATUS[status]} AND project = ? AND run_id = ?
            UNION
            SELECT partition, memory_id FROM runs WHERE project = ? AND run_id = ?
        )"""
    return matching, [*values, *here, *here]


def same_sql(scope: Scope) -> Predicate:
    """Rows of exactly the scope's user, agent and app; its run counts only where nothing else is given."""
    matching, values = "user_id IS ? AND agent_id IS ? AND app_id IS ?", [scope.user_id, scope.agent_id, scope.app_id]
    if tuple(scope.ids) == ("run_id",):
        return f"{matching} AND run_id IS ?", [*values, scope.run_id]
    return matching, values


# The number of a scope's owner; takes the three values of `owner_key`. Null, hence no row, where there is none.
OWNER = "(SELECT number FROM owners WHERE project = ? AND kind = ? AND name = ?)"


def owner_key(scope: Scope) -> list[str]:
    """The values for OWNER."""
    return [scope.project, *(scope.owner or ("", ""))]


def keys_json(ids: Iterable[str]) -> str:
    """Partition and id of each, as a list that SQL reads as a table."""
    return json.dumps([[partition_of(record_id), record_id] for record_id in ids])


def filter_sql(tree: Filter, columns: dict[str, str]) -> Predicate:
    """A filter over `columns` (field -> SQL expression) and the `metadata` column.

    Raises:
        InvalidFilter: a metadata key that SQLite cannot address.
    """
    match tree:
        case And(parts) | Or(parts):
            if not parts:
                return ("1", []) if isinstance(tree, And) else ("0", [])
            compiled = [filter_sql(part, columns) for part in parts]
            glue = " AND " if isinstance(tree, And) else " OR "
            return "(" + glue.join(sql for sql, _ in compiled) + ")", [v for _, values in compiled for v in values]
        case Not(part):
            sql, values = filter_sql(part, columns)
            return f"NOT {sql}", values
        case Compare(field, (), op, value):
            return _compare_column(columns.get(field, "NULL"), op, value)
        case Compare(_, path, op, value):
            return _compare_json(_json_path(path), op, value)


def same_space(db: sqlite3.Connection, space: Space | None) -> bool:
    """Whether there is an active space; raises WrongEmbedder when it is another. None is not asked about."""
    row = db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
    if space is not None and row is not None and row != (space.name, space.dimensions):
        raise WrongEmbedder(
            f"this store holds vectors of {row[0]!r} ({row[1]} dimensions), not of {space.name!r}"
            f" ({space.dimensions}); open it with the former, give another path, or run: mnemic reindex"
        )
    return row is not None


def number_of(db: sqlite3.Connection, space: Space) -> int | None:
    """The number in the names of a space's tables, or None while it has none."""
    row = db.execute("SELECT number FROM spaces WHERE name = ? AND dimensions = ?", [space.name, space.dimensions])
    found = row.fetchone()
    return None if found is None else int(found[0])


def _compare_column(column: str, op: str, value: Any) -> Predicate:
    if op == "exists":
        return f"({column} IS {'NOT NULL' if value else 'NULL'})", []
    if op in ("in", "nin"):
        strings = json.dumps([item for item in value if isinstance(item, str)])
        sql = f"ifnull({column} IN (SELECT value FROM json_each(?)), 0)"
        if None in value:
            sql = f"({sql} OR {column} IS NULL)"
        return (sql if op == "in" else f"NOT {sql}"), [strings]
    if op == "ne":
        sql, values = _compare_column(column, "eq", value)
        return f"NOT {sql}", values
    if op == "eq" and value is None:
        return f"({column} IS NULL)", []
    if not isinstance(value, str):
        return "0", []
    match op:
        case "eq":
            return f"({column} IS ?)", [value]
        case "contains":
            return f"(ifnull(instr({column}, ?), 0) > 0)", [value]
        case "icontains":
            return f"(ifnull(instr(fold({column}), ?), 0) > 0)", [value.lower()]
        case _:
            return f"(ifnull({column} {_ORDER[op]} ?, 0))", [value]


def _compare_json(path: str, op: str, value: Any) -> Predicate:
    kind, found = "ifnull(json_type(metadata, ?), 'null')", "json_extract(metadata, ?)"
    match op:
        case "exists":
            return f"({kind} {'<>' if value else '='} 'null')", [path]
        case "in" | "nin":
            # A list is compared as a table, however long it is: same type (3 and 3.0 are one) and same value.
            same = (
                "EXISTS (SELECT 1 FROM json_each(?) AS item"
                f" WHERE replace(item.type, 'real', 'integer') = replace({kind}, 'real', 'integer')"
                f" AND item.atom IS {found})"
            )
            values: list[Any] = [json.dumps(list(value)), path, path]
            return (same if op == "in" else f"NOT {same}"), values
        case "ne":
            sql, values = _compare_json(path, "eq", value)
            return f"NOT {sql}", values
        case "eq":
            if value is None or isinstance(value, bool):
                return f"({kind} = ?)", [path, {None: "null", True: "true", False: "false"}[value]]
            return f"({kind} IN ({_types(value)}) AND {found} = ?)", [path, path, value]
        case "contains":
            inside = (
                "EXISTS (SELECT 1 FROM json_each(metadata, ?) AS item"
                f" WHERE item.type IN ({_types(value)}) AND item.atom IS ?)"
            )
            atom = int(value) if isinstance(value, bool) else value
            sql = f"({kind} = 'array' AND {inside})"
            values = [path, path, atom]
            if isinstance(value, str):
                sql = f"({sql} OR ({kind} = 'text' AND instr({found}, ?) > 0))"
                values += [path, path, value]
            return sql, values
        case "icontains":
            return f"({kind} = 'text' AND instr(fold({found}), ?) > 0)", [path, path, value.lower()]
        case _:
            return f"({kind} IN ({_types(value)}) AND {found} {_ORDER[op]} ?)", [path, path, value]


_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _types(value: Any) -> str:
    if value is None:
        return "'null'"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    return "'text'" if isinstance(value, str) else "'integer', 'real'"


def _json_path(path: Sequence[str]) -> str:
    for step in path:
        if re.search(r'["\\\x00-\x1f]', step):
            raise InvalidFilter(
                f"metadata keys in filters cannot hold quotes, backslashes or control characters: {step!r}"
            )
    return "$" + "".join(f'."{step}"' for step in path)
