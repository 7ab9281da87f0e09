"""Filters as SQL: what each operator means of a column, of linked records and of metadata."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mnemic.filters import FIELDS, And, Compare, FieldType, Filter, Not, Or, is_many
from mnemic.ids import partition_of
from mnemic.times import iso

Predicate = tuple[str, list[Any]]


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What fields mean in a table. One that is missing here is null, or empty."""

    columns: Mapping[str, str]
    """Field -> SQL; of `categories` a JSON list. Times are in UTC."""
    links: Mapping[str, tuple[str, str]]
    """Field with many values -> a condition that a JSON list of [partition, id], in its one place for a value, holds
    one of the row's; and a condition that the row has any."""


# What each field of a filter means in a row. Memories are not given another name in the queries that use these.


def _linked(table: str, column: str) -> tuple[str, str]:
    """By rows that link a memory with other records."""
    return (
        f"""(memories.partition, memories.id) IN (
            SELECT l.partition, l.memory_id FROM json_each(?) AS k
            CROSS JOIN {table} AS l ON l.partition = k.value ->> 0 AND l.{column} = k.value ->> 1
        )""",
        f"EXISTS (SELECT 1 FROM {table} AS l WHERE l.partition = memories.partition AND l.memory_id = memories.id)",
    )


MEMORY_FIELDS = Fields(
    columns={
        name: name
        for name in (
            "id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role", "kind", "origin", "hash", "subject",
            "attribute", "object", "slot", "attributed_to", "categories", "confidence", "rating", "version", "pinned",
            "precision", "retired_by",
        )
    }
    | {name: f"utc({name})" for name, kind in FIELDS.items() if kind == "time"}
    | {
        "text": "ifnull(seen, text)",
        "expiration_date": "last_day(expires_at)",
        "retire_reason": "CASE WHEN known_to IS NOT NULL THEN ifnull(retire_reason, 'updated') END",
    },
    links={"entity": _linked("mentions", "entity_id"), "episode_id": _linked("sources", "episode_id")},
)  # fmt: skip
EPISODE_FIELDS = Fields(
    columns={name: name for name in ("id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role")}
    | {
        "kind": "'episode'",
        "origin": "'stated'",
        "attributed_to": "CASE role WHEN 'assistant' THEN 'assistant' ELSE 'user' END",
        "text": "ifnull(seen, content)",
        "hash": "content_hash",
        "confidence": "1.0",
        "version": "1",
        "said_at": "utc(said_at)",
        "created_at": "utc(received_at)",
        "updated_at": "utc(received_at)",
    },
    links={"episode_id": ("id IN (SELECT k.value ->> 1 FROM json_each(?) AS k)", "1")},
)


def filter_sql(tree: Filter, fields: Fields) -> Predicate:
    """A filter over a table's fields and its `metadata` column: 0 or 1 for every row, never null.

    Values of `entity` are ids.
    """
    match tree:
        case And(parts) | Or(parts):
            if not parts:
                return ("1", []) if isinstance(tree, And) else ("0", [])
            compiled = [filter_sql(part, fields) for part in parts]
            if len(compiled) == 1:
                return compiled[0]
            glue = " AND " if isinstance(tree, And) else " OR "
            return "(" + glue.join(sql for sql, _ in compiled) + ")", [v for _, values in compiled for v in values]
        case Not(part):
            sql, values = filter_sql(part, fields)
            return f"NOT {sql}", values
        case Compare(field, (), op, value):
            if is_many(field):
                return _compare_many(field, op, value, fields)
            return _compare_column(fields.columns.get(field, "NULL"), FIELDS[field], op, value)
        case Compare(_, path, op, value):
            return _compare_json(_json_path(path), op, value)


def _compare_many(field: str, op: str, value: Any, fields: Fields) -> Predicate:
    """A field with many values: labels in a list, or links to other records."""
    column = fields.columns.get(field)
    if column is not None:
        items = f"SELECT 1 FROM json_each({column}) AS item"
        match op:
            case "exists":
                return f"({'' if value else 'NOT '}EXISTS ({items}))", []
            case "icontains":
                return f"EXISTS ({items} WHERE instr(fold(item.value), ?) > 0)", [value]
            case _:
                among = f"EXISTS ({items} WHERE fold(item.value) IN (SELECT value FROM json_each(?)))"
                return among, [json.dumps(value)]
    if field not in fields.links:
        return ("1" if op == "exists" and not value else "0"), []
    if op == "exists":
        return f"({'' if value else 'NOT '}{fields.links[field][1]})", []
    ids = [[partition, each] for each in value if (partition := partition_of(each)) is not None]
    return fields.links[field][0], [json.dumps(ids)]


def _compare_column(column: str, kind: FieldType, op: str, value: Any) -> Predicate:
    match op:
        case "exists":
            return f"({column} IS {'NOT NULL' if value else 'NULL'})", []
        case "in" | "nin":
            # A list is compared as a table, however long it is. A column holds values of one type.
            atoms = json.dumps([item for item in value if _fits(item, kind)])
            sql = f"ifnull({column} IN (SELECT atom FROM json_each(?)), 0)"
            if None in value:
                sql = f"({sql} OR {column} IS NULL)"
            return (sql if op == "in" else f"NOT {sql}"), [atoms]
        case "ne":
            sql, values = _compare_column(column, kind, "eq", value)
            return f"NOT {sql}", values
        case "eq" if value is None:
            return f"({column} IS NULL)", []
    if not _fits(value, kind):
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


def _fits(value: Any, kind: FieldType) -> bool:
    """Whether a value is of the type that a column of this kind holds; others are never equal and have no order."""
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case _:
            return isinstance(value, str)


def _compare_json(path: str, op: str, value: Any) -> Predicate:
    kind, found = "ifnull(json_type(metadata, ?), 'null')", "json_extract(metadata, ?)"
    match op:
        case "exists":
            return f"({kind} {'<>' if value else '='} 'null')", [path]
        case "in" | "nin":
            same, values = _one_of(path, value)
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


def _one_of(path: str, items: Sequence[Any]) -> Predicate:
    """Of the same type and value as an item. Texts and numbers are looked up in a table, however many they are."""
    kind, found = "ifnull(json_type(metadata, ?), 'null')", "json_extract(metadata, ?)"
    parts, values = ["0"], list[Any]()
    for some in ([each for each in items if isinstance(each, str)], [each for each in items if _fits(each, "number")]):
        if some:
            parts.append(f"({kind} IN ({_types(some[0])}) AND {found} IN (SELECT atom FROM json_each(?)))")
            values += [path, path, json.dumps(some)]
    words = {_types(each) for each in items if each is None or isinstance(each, bool)}
    if words:
        parts.append(f"{kind} IN ({', '.join(sorted(words))})")
        values.append(path)
    return f"({' OR '.join(parts)})", values


_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _types(value: Any) -> str:
    if value is None:
        return "'null'"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    return "'text'" if isinstance(value, str) else "'integer', 'real'"


def _json_path(path: Sequence[str]) -> str:
    """The grammar lets no step through that would need quoting."""
    return "$" + "".join(f'."{step}"' for step in path)


# Functions that SQL lacks.


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that filters and orders use."""
    connection.create_function("fold", 1, _fold, deterministic=True)
    connection.create_function("utc", 1, _utc, deterministic=True)
    connection.create_function("last_day", 1, _last_day, deterministic=True)


def _fold(value: str | float | None) -> str | float | None:
    return value.lower() if isinstance(value, str) else value


def _utc(stored: str | None) -> str | None:
    """A time as text that sorts by it, whatever zone it was given in."""
    if stored is None or stored.endswith("+00:00"):
        return stored
    return iso(datetime.fromisoformat(stored).astimezone(UTC))


def _last_day(expires: str | None) -> str | None:
    """The last day that something is shown, from the moment it no longer is."""
    if expires is None:
        return None
    return (datetime.fromisoformat(expires) - timedelta(microseconds=1)).date().isoformat()
