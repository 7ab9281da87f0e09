"""The two predicates that decide which rows a call may touch, and how rows become values."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mnemic.errors import InvalidFilter
from mnemic.filters import And, Compare, Filter, Not, Or
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


def _compare_column(column: str, op: str, value: Any) -> Predicate:
    if op == "exists":
        return f"({column} IS {'NOT NULL' if value else 'NULL'})", []
    if op in ("in", "nin"):
        parts = [_compare_column(column, "eq", item) for item in value] or [("0", [])]
        sql = "(" + " OR ".join(part for part, _ in parts) + ")"
        return (sql if op == "in" else f"NOT {sql}"), [v for _, values in parts for v in values]
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
            parts = [_compare_json(path, "eq", item) for item in value] or [("0", [])]
            sql = "(" + " OR ".join(part for part, _ in parts) + ")"
            return (sql if op == "in" else f"NOT {sql}"), [v for _, values in parts for v in values]
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
            atom = None if value is None or isinstance(value, bool) else value
            sql, values = f"({kind} = 'array' AND {inside})", [path, path, atom]
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


def _scope_of(row: sqlite3.Row) -> Scope:
    return Scope(
        project=row["project"],
        user_id=row["user_id"],
        agent_id=row["agent_id"],
        app_id=row["app_id"],
        run_id=row["run_id"],
    )


def episode_of(row: sqlite3.Row) -> Episode:
    """An episode from EPISODE_COLUMNS."""
    return Episode(
        id=row["id"],
        scope=_scope_of(row),
        role=row["role"],
        actor=row["actor_id"],
        content=row["content"],
        said_at=datetime.fromisoformat(row["said_at"]),
        received_at=datetime.fromisoformat(row["received_at"]),
        metadata=json.loads(row["metadata"]),
        state=row["state"],
        reason=row["reason"],
        attempts=row["attempts"],
        external_id=row["external_id"],
    )


def memory_of(row: sqlite3.Row, sources: tuple[Source, ...]) -> Memory:
    """A memory from MEMORY_COLUMNS."""
    return Memory(
        id=row["id"],
        version=row["version"],
        scope=_scope_of(row),
        kind=row["kind"],
        text=row["text"],
        subject=row["subject"],
        attribute=row["attribute"],
        categories=tuple(json.loads(row["categories"])),
        metadata=json.loads(row["metadata"]),
        confidence=row["confidence"],
        origin=row["origin"],
        attributed_to=row["attributed_to"],
        actor=row["actor_id"],
        role=row["role"],
        valid_from=moment(row["valid_from"]),
        valid_to=moment(row["valid_to"]),
        precision=row["precision"],
        known_from=datetime.fromisoformat(row["known_from"]),
        known_to=moment(row["known_to"]),
        retired_by=row["retired_by"],
        retire_reason=row["retire_reason"],
        expires_at=moment(row["expires_at"]),
        pinned=bool(row["pinned"]),
        proof_count=row["proof_count"],
        said_at=moment(row["said_at"]),
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        sources=sources,
    )


def moment(value: str | None) -> datetime | None:
    """A stored time, or None."""
    return None if value is None else datetime.fromisoformat(value)
