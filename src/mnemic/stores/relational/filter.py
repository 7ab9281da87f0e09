"""Filters as SQL: what each operator means of a column, of linked records and of metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnemic.filters import FIELDS, And, Compare, FieldType, Filter, Not, Or, is_many
from mnemic.ids import partition_of
from mnemic.stores.relational.db import Db, Predicate
from mnemic.stores.relational.predicates import keys_json


@dataclass(frozen=True, kw_only=True)
class Fields:
    """What fields mean in a table. One that is missing here is null, or empty."""

    columns: Mapping[str, str]
    """Field -> SQL; of `categories` a JSON list. Times are in UTC."""
    links: Mapping[str, tuple[str, str]]
    """Field with many values -> a condition that `keys_json`, in its one place for a value, holds one of the row's; and
    a condition that the row has any. KEYS and THEN stand for what `Db` calls so."""


# What each field of a filter means in a row. Memories are not given another name in the queries that use these.


def _linked(table: str, column: str) -> tuple[str, str]:
    """By rows that link a memory with other records."""
    return (
        f"""(memories.partition, memories.id) IN (
            SELECT l.partition, l.memory_id FROM KEYS AS k THEN {table} AS l ON l.partition = k.partition AND l.{column} = k.id
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
        "text": "coalesce(seen, text)",
        "expiration_date": "last_day(expires_at)",
        "retire_reason": "CASE WHEN known_to IS NOT NULL THEN coalesce(retire_reason, 'updated') END",
    },
    links={"entity": _linked("mentions", "entity_id"), "episode_id": _linked("sources", "episode_id")},
)  # fmt: skip
EPISODE_FIELDS = Fields(
    columns={name: name for name in ("id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role")}
    | {
        "kind": "'episode'",
        "origin": "'stated'",
        "attributed_to": "CASE role WHEN 'assistant' THEN 'assistant' ELSE 'user' END",
        "text": "coalesce(seen, content)",
        "hash": "content_hash",
        "confidence": "1.0",
        "version": "1",
        "said_at": "utc(said_at)",
        "created_at": "utc(received_at)",
        "updated_at": "utc(received_at)",
    },
    links={"episode_id": ("id IN (SELECT k.id FROM KEYS AS k)", "true")},
)


def filter_sql(db: Db, tree: Filter, fields: Fields) -> Predicate:
    """A filter over a table's fields and its `metadata` column: true or false for every row, never null.

    Values of `entity` are ids.
    """
    match tree:
        case And(parts) | Or(parts):
            if not parts:
                return ("true", []) if isinstance(tree, And) else ("false", [])
            compiled = [filter_sql(db, part, fields) for part in parts]
            if len(compiled) == 1:
                return compiled[0]
            glue = " AND " if isinstance(tree, And) else " OR "
            return "(" + glue.join(sql for sql, _ in compiled) + ")", [v for _, values in compiled for v in values]
        case Not(part):
            sql, values = filter_sql(db, part, fields)
            return f"NOT {sql}", values
        case Compare(field, (), op, value):
            if is_many(field):
                return _compare_many(db, field, op, value, fields)
            return _compare_column(db, fields.columns.get(field, "NULL"), FIELDS[field], op, value)
        case Compare(_, path, op, value):
            return _compare_json(db, _json_path(path), op, value)


def _compare_many(db: Db, field: str, op: str, value: Any, fields: Fields) -> Predicate:
    """A field with many values: labels in a list, or links to other records."""
    column = fields.columns.get(field)
    if column is not None:
        items = f"SELECT 1 FROM {db.items(column)}"
        match op:
            case "exists":
                return f"({'' if value else 'NOT '}EXISTS ({items}))", []
            case "icontains":
                return f"EXISTS ({items} WHERE instr(fold(item.value), ?) > 0)", [value]
            case _:
                return f"EXISTS ({items} WHERE fold(item.value) {db.IN})", [db.listed(value)]
    if field not in fields.links:
        return ("true" if op == "exists" and not value else "false"), []
    among, exists = fields.links[field]
    if op == "exists":
        return f"({'' if value else 'NOT '}{exists})", []
    ids = [each for each in value if partition_of(each) is not None]
    return among.replace("KEYS", db.KEYS).replace("THEN", db.THEN), [keys_json(ids)]


def _compare_column(db: Db, column: str, kind: FieldType, op: str, value: Any) -> Predicate:
    match op:
        case "exists":
            return f"({column} IS {'NOT NULL' if value else 'NULL'})", []
        case "in" | "nin":
            # A list is compared as a table, however long it is. A column holds values of one type.
            atoms = db.listed(_stored(db, column, item) for item in value if _fits(item, kind))
            sql = "false" if column == "NULL" else f"coalesce({_comparable(column, kind)} {db.IN}, false)"
            if None in value:
                sql = f"({sql} OR {column} IS NULL)"
            return (sql if op == "in" else f"NOT {sql}"), [] if column == "NULL" else [atoms]
        case "ne":
            sql, values = _compare_column(db, column, kind, "eq", value)
            return f"NOT {sql}", values
        case "eq" if value is None:
            return f"({column} IS NULL)", []
    if column == "NULL" or not _fits(value, kind):
        return "false", []
    match op:
        case "contains":
            return f"(coalesce(instr({column}, ?), 0) > 0)", [value]
        case "icontains":
            return f"(coalesce(instr(fold({column}), ?), 0) > 0)", [value.lower()]
        case _:
            sign = "=" if op == "eq" else _ORDER[op]
            return f"coalesce({_comparable(column, kind)} {sign} ?, false)", [_stored(db, column, value)]


def _comparable(column: str, kind: FieldType) -> str:
    """A column as its values are compared: whole numbers with any number."""
    return f"CAST({column} AS numeric)" if kind == "number" and column != "confidence" else column


def _stored(db: Db, column: str, value: Any) -> Any:
    """A value as it is compared with a column."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return float(value) if column == "confidence" else db.number(value)


def _fits(value: Any, kind: FieldType) -> bool:
    """Whether a value is of the type that a column of this kind holds; others are never equal and have no order."""
    match kind:
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case _:
            return isinstance(value, str)


_KIND = "coalesce(json_type(metadata, ?), 'null')"


def _compare_json(db: Db, path: str, op: str, value: Any) -> Predicate:
    match op:
        case "exists":
            return f"({_KIND} {'<>' if value else '='} 'null')", [path]
        case "in" | "nin":
            same, values = _one_of(db, path, value)
            return (same if op == "in" else f"NOT {same}"), values
        case "ne":
            sql, values = _compare_json(db, path, "eq", value)
            return f"NOT {sql}", values
        case "eq":
            if value is None or isinstance(value, bool):
                return f"({_KIND} = {_types(value)})", [path]
            return f"({_KIND} IN ({_types(value)}) AND {_found(db, value)} = ?)", [path, path, _atom(db, value)]
        case "contains":
            which, bound = f"item.type IN ({_types(value)})", list[Any]()
            if value is not None and not isinstance(value, bool):
                which += f" AND {db.ITEM_TEXT if isinstance(value, str) else db.ITEM_NUMBER} = ?"
                bound = [_atom(db, value)]
            sql = f"({_KIND} = 'array' AND EXISTS (SELECT 1 FROM {db.ITEMS_AT} AS item WHERE {which}))"
            values = [path, path, *bound]
            if isinstance(value, str):
                sql = f"({sql} OR ({_KIND} = 'text' AND instr({db.TEXT_AT}, ?) > 0))"
                values += [path, path, value]
            return sql, values
        case "icontains":
            return f"({_KIND} = 'text' AND instr(fold({db.TEXT_AT}), ?) > 0)", [path, path, value.lower()]
        case _:
            kinds = f"{_KIND} IN ({_types(value)})"
            return f"({kinds} AND {_found(db, value)} {_ORDER[op]} ?)", [path, path, _atom(db, value)]


def _one_of(db: Db, path: str, items: Sequence[Any]) -> Predicate:
    """Of the same type and value as an item. Texts and numbers are looked up in a table, however many they are."""
    parts, values = ["false"], list[Any]()
    for some in ([each for each in items if isinstance(each, str)], [each for each in items if _fits(each, "number")]):
        if some:
            parts.append(f"({_KIND} IN ({_types(some[0])}) AND {_found(db, some[0])} {db.IN})")
            values += [path, path, db.listed(_atom(db, each) for each in some)]
    words = {_types(each) for each in items if each is None or isinstance(each, bool)}
    if words:
        parts.append(f"{_KIND} IN ({', '.join(sorted(words))})")
        values.append(path)
    return f"({' OR '.join(parts)})", values


_ORDER = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _types(value: Any) -> str:
    if value is None:
        return "'null'"
    if isinstance(value, bool):
        return "'true'" if value else "'false'"
    return "'text'" if isinstance(value, str) else "'integer', 'real'"


def _found(db: Db, value: Any) -> str:
    """What stands at a path, as a value of this type."""
    return db.TEXT_AT if isinstance(value, str) else db.NUMBER_AT


def _atom(db: Db, value: Any) -> Any:
    return value if isinstance(value, str) else db.number(value)


def _json_path(path: Sequence[str]) -> str:
    """The grammar lets no step through that would need quoting."""
    return "$" + "".join(f'."{step}"' for step in path)
