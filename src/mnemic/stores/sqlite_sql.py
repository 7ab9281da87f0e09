"""The two predicates that decide which rows a call may touch, how rows become values, and which space is active."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mnemic.errors import InvalidFilter, WrongEmbedder
from mnemic.filters import And, Compare, Filter, Not, Or
from mnemic.protocols import Space
from mnemic.types import Episode, Memory, Scope, Source

Predicate = tuple[str, list[Any]]


def scope_sql(scope: Scope) -> Predicate:
    """Rows of a project and of every id that is given."""
    clauses, values = ["project = ?"], [scope.project]
    for name, value in scope.ids.items():
        clauses.append(f"{name} = ?")
        values.append(value)
    return " AND ".join(clauses), values


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


EPISODE_COLUMNS = (
    "id, project, user_id, agent_id, app_id, run_id, role, actor_id, content, said_at, received_at, metadata,"
    " state, reason, attempts, external_id"
)
MEMORY_COLUMNS = (
    "id, version, project, user_id, agent_id, app_id, run_id, kind, text, subject, attribute, categories, metadata,"
    " confidence, origin, attributed_to, actor_id, role, valid_from, valid_to, precision, known_from, known_to,"
    " retired_by, retire_reason, expires_at, pinned, proof_count, said_at, created_at, updated_at"
)

# What each field of a filter means in a row; a field that is missing here is null.
MEMORY_FIELDS = {
    name: name
    for name in (
        "id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role", "kind", "origin", "subject",
        "attribute", "attributed_to", "created_at", "updated_at", "text",
    )
}  # fmt: skip
EPISODE_FIELDS = {name: name for name in ("id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role")} | {
    "kind": "'episode'", "created_at": "received_at", "updated_at": "received_at", "text": "content",
}  # fmt: skip


def episode_of(row: tuple[Any, ...]) -> Episode:
    """An episode from EPISODE_COLUMNS."""
    (
        record_id, project, user_id, agent_id, app_id, run_id, role, actor, content, said_at, received_at, metadata,
        state, reason, attempts, external_id,
    ) = row  # fmt: skip
    return Episode(
        id=record_id,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        role=role,
        actor=actor,
        content=content,
        said_at=datetime.fromisoformat(said_at),
        received_at=datetime.fromisoformat(received_at),
        metadata=_loads(metadata),
        state=state,
        reason=reason,
        attempts=attempts,
        external_id=external_id,
    )


def memory_of(row: tuple[Any, ...], sources: tuple[Source, ...]) -> Memory:
    """A memory from MEMORY_COLUMNS."""
    (
        record_id, version, project, user_id, agent_id, app_id, run_id, kind, text, subject, attribute, categories,
        metadata, confidence, origin, attributed_to, actor, role, valid_from, valid_to, precision, known_from, known_to,
        retired_by, retire_reason, expires_at, pinned, proof_count, said_at, created_at, updated_at,
    ) = row  # fmt: skip
    return Memory(
        id=record_id,
        version=version,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        kind=kind,
        text=text,
        subject=subject,
        attribute=attribute,
        categories=tuple(_loads(categories)),
        metadata=_loads(metadata),
        confidence=confidence,
        origin=origin,
        attributed_to=attributed_to,
        actor=actor,
        role=role,
        valid_from=moment(valid_from),
        valid_to=moment(valid_to),
        precision=precision,
        known_from=datetime.fromisoformat(known_from),
        known_to=moment(known_to),
        retired_by=retired_by,
        retire_reason=retire_reason,
        expires_at=moment(expires_at),
        pinned=bool(pinned),
        proof_count=proof_count,
        said_at=moment(said_at),
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
        sources=sources,
    )


_EMPTY: dict[str, Any] = {"{}": {}, "[]": []}


def _loads(stored: str) -> Any:
    """JSON, without a parser where there is nothing in it; each value is a new one."""
    return _EMPTY[stored].copy() if stored in _EMPTY else json.loads(stored)


def moment(value: str | None) -> datetime | None:
    """A stored time, or None."""
    return None if value is None else datetime.fromisoformat(value)
