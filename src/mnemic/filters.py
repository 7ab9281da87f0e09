"""The filter grammar: a dictionary in, a small tree out, and what the tree means.

    {"category": "hobbies"}                          a metadata key equals
    {"user_id": "alice", "stars": {"gte": 3}}        several keys must all hold
    {"OR": [{"kind": "event"}, {"NOT": {"lang": "zh"}}]}
    {"said_at": {"gte": "2025-03-01", "lte": "2025-03-31"}, "entity": "Dana"}

Operators: eq ne gt gte lt lte in nin contains icontains exists; a bare value means eq, a bare list
means in, and "*" means exists. A key is a field of the record, `metadata.KEY`, or a bare metadata
key. Missing values: `ne` and `nin` hold, everything else but `exists: false` does not. Values of
different types are never equal and never ordered; true is not 1.

A day compared with a time is the whole day in UTC: `lte` includes it, `gt` begins after it, `eq` is
any moment of it. `categories`, `entity` and `episode_id` are many values: a condition holds when it
holds for one of them, and `ne` and `nin` when it does for none.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from mnemic.errors import InvalidFilter, InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.names.keys import key as name_key
from mnemic.times import end_of_day, iso, parse_day, parse_time

OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "icontains", "exists")

FieldType = Literal["text", "id", "time", "day", "number", "flag", "labels", "links"]
"""What a field holds. `labels` and `links` are many values, labels without regard to case."""

FIELDS: Mapping[str, FieldType] = {
    "id": "id", "user_id": "id", "agent_id": "id", "app_id": "id", "run_id": "id", "actor_id": "text", "role": "text",
    "kind": "text", "origin": "text", "text": "text", "hash": "text", "subject": "text", "attribute": "text",
    "object": "text", "slot": "text", "attributed_to": "text", "categories": "labels", "entity": "links",
    "episode_id": "links", "confidence": "number", "rating": "number", "version": "number", "pinned": "flag",
    "precision": "text", "said_at": "time", "valid_from": "time", "valid_to": "time", "expiration_date": "day",
    "created_at": "time", "updated_at": "time", "known_to": "time", "retired_by": "id", "retire_reason": "text",
}  # fmt: skip
"""Keys that mean a field of the record, named as in results, but for `text` (also `memory`), `slot`, `entity`
(name, alias or id of what the memory names) and `episode_id` (a message it cites). Times are ISO strings in UTC,
`expiration_date` is the last day shown."""

ID_ALIASES: Mapping[str, str] = {
    "userId": "user_id", "agentId": "agent_id", "appId": "app_id", "runId": "run_id", "session_id": "run_id",
}  # fmt: skip
ALIASES: Mapping[str, str] = {"memory": "text", "memory_ids": "id", **ID_ALIASES}
"""Other names of fields. And `keywords` are parts of the text."""
OPERATORS_OF: Mapping[FieldType, tuple[str, ...]] = {
    "text": OPERATORS,
    "id": OPERATORS,
    "time": ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists"),
    "day": ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists"),
    "number": ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "exists"),
    "flag": ("eq", "ne", "in", "nin", "exists"),
    "labels": ("eq", "ne", "in", "nin", "contains", "icontains", "exists"),
    "links": ("eq", "ne", "in", "nin", "contains", "exists"),
}

_MAX_DEPTH = 20  # a filter nested deeper is a mistake or an attack; recursion stays far from its limit
_MAX_CONDITIONS = 500  # SQLite takes expressions of up to 1,000 levels, and a chain of ORs is one level a link
_MAX_INTEGER = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NOT_IN_PATHS = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')  # no store has a way to say these in a path


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; no parts hold always."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Filter


@dataclass(frozen=True, slots=True)
class Compare:
    """`field` (one of FIELDS, or a path inside metadata when `path` is given) compared with a value.

    Of a field with many values only by `in`, `icontains` and `exists`.
    """

    field: str
    path: tuple[str, ...]
    op: str
    value: Any


Filter = And | Or | Not | Compare


def parse(filters: Mapping[str, Any]) -> Filter:
    """The tree of a filter dictionary.

    Raises:
        InvalidFilter: an operator that the key does not have, a value it cannot be compared with, a key or
            shape that cannot be, nesting beyond 20 levels, or more than 500 conditions (a list of any length
            is one, but each of the days that a time is compared with is two).
    """
    tree = _parse_mapping(filters, 0)
    if _size(tree) > _MAX_CONDITIONS:
        raise InvalidFilter(
            f"a filter holds at most {_MAX_CONDITIONS} conditions; say many values of one key by 'in'"
            " (a day that a time is compared with is two: say days that follow each other by 'gte' and 'lte')"
        )
    return tree


def matches(tree: Filter, record: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether a record (FIELDS -> value) with this metadata passes. The definition stores are held to.

    `categories` are a list, `entity` all ids and name keys of what it names, `episode_id` the messages it cites.
    """
    match tree:
        case And(parts):
            return all(matches(part, record, metadata) for part in parts)
        case Or(parts):
            return any(matches(part, record, metadata) for part in parts)
        case Not(part):
            return not matches(part, record, metadata)
        case Compare(field, path, op, value) if path:
            return _holds(op, _lookup(metadata, path), value)
        case Compare(field, _, op, value):
            found = record.get(field)
            if FIELDS[field] == "labels":
                found = [each.lower() for each in found or ()]
            return _holds_for_one(op, found or (), value) if is_many(field) else _holds(op, found, value)


def is_many(field: str) -> bool:
    """Whether a field holds many values."""
    return FIELDS.get(field) in ("labels", "links")


def _size(tree: Filter) -> int:
    match tree:
        case And(parts) | Or(parts):
            return sum(map(_size, parts))
        case Not(part):
            return _size(part)
        case Compare():
            return 1


# From the dictionary to the tree.


def _parse_mapping(filters: Any, depth: int) -> Filter:
    if not isinstance(filters, Mapping):
        raise InvalidFilter(f"a filter is a dictionary of conditions, not {describe(filters)}")
    if depth > _MAX_DEPTH:
        raise InvalidFilter(f"filters nest at most {_MAX_DEPTH} levels deep")
    parts: list[Filter] = []
    for key, value in filters.items():
        if not isinstance(key, str):
            raise InvalidFilter(f"filter keys are non-empty strings, not {describe(key)}")
        if key in ("AND", "OR", "NOT", "$and", "$or", "$not"):
            parts.append(_parse_logic(key.lstrip("$").upper(), value, depth))
        elif key == "metadata":
            if not isinstance(value, Mapping):
                raise InvalidFilter(f"'metadata' takes a dictionary of keys and conditions, not {describe(value)}")
            if any(not isinstance(name, str) for name in value):
                raise InvalidFilter(f"metadata keys in filters are non-empty strings, not {describe(list(value))}")
            parts.extend(_parse_condition(f"metadata.{name}", condition) for name, condition in value.items())
        else:
            parts.append(_parse_condition(key, value))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _parse_logic(key: str, value: Any, depth: int) -> Filter:
    if key == "NOT" and isinstance(value, Mapping):
        return Not(_parse_mapping(value, depth + 1))
    if not isinstance(value, list | tuple):
        raise InvalidFilter(f"{key} takes a list of filters, not {describe(value)}")
    parts = tuple(_parse_mapping(part, depth + 1) for part in value)
    if key == "AND":
        return And(parts)
    return Or(parts) if key == "OR" else Not(Or(parts))


def _parse_condition(key: str, value: Any) -> Filter:
    field, path = _resolve(key)
    if isinstance(value, Mapping):
        if not value:
            raise InvalidFilter(f"the condition on {describe(key)} is empty; operators: {', '.join(OPERATORS)}")
        parts = tuple(_compare(key, field, path, op, given) for op, given in value.items())
        return parts[0] if len(parts) == 1 else And(parts)
    if isinstance(value, list | tuple):
        return _compare(key, field, path, "in", value)
    if isinstance(value, str) and value == "*":
        return _compare(key, field, path, "exists", True)
    return _compare(key, field, path, "eq", value)


def _resolve(key: str) -> tuple[str, tuple[str, ...]]:
    """The field that a key means, or its path inside metadata."""
    name = ALIASES.get(key, key)
    if name in FIELDS or name == "keywords":
        return name, ()
    path = tuple(key.removeprefix("metadata.").split(".")) if key.startswith("metadata.") else (key,)
    if not all(path) or any(_NOT_IN_PATHS.search(step) for step in path):
        raise InvalidFilter(
            "keys in filters are non-empty strings without quotes, backslashes or control characters,"
            f" not {describe(key)}"
        )
    return "metadata", path


def _compare(key: str, field: str, path: tuple[str, ...], op: Any, value: Any) -> Filter:
    """One operator of a condition, its value made comparable."""
    if op not in OPERATORS:
        raise InvalidFilter(f"unknown operator {describe(op)} on {describe(key)}; operators: {', '.join(OPERATORS)}")
    if field == "keywords":
        return _keywords(op, value)
    kind = None if path else FIELDS[field]
    if kind is not None and op not in OPERATORS_OF[kind]:
        raise InvalidFilter(f"{describe(key)} takes no {op!r}; operators: {', '.join(OPERATORS_OF[kind])}")
    if op == "exists":
        if not isinstance(value, bool):
            raise InvalidFilter(f"'exists' on {describe(key)} takes true or false, not {describe(value)}")
        return Compare(field, path, op, value)
    if op in ("in", "nin") and not isinstance(value, list | tuple):
        raise InvalidFilter(f"{describe(op)} on {describe(key)} takes a list, not {describe(value)}")
    match kind:
        case "time":
            return _time(key, field, op, value)
        case "labels" | "links":
            return _one_of(key, field, op, value)
    operand: Any = _operand_of(key, kind, op, value)
    return Compare(field, path, op, operand)


def _operand_of(key: str, kind: FieldType | None, op: str, value: Any) -> Any:
    if op in ("in", "nin"):
        return tuple(_operand_of(key, kind, "eq", item) for item in value)
    if op == "icontains" and not isinstance(value, str):
        raise InvalidFilter(f"'icontains' on {describe(key)} takes a string, not {describe(value)}")
    if op in ("gt", "gte", "lt", "lte") and (isinstance(value, bool) or value is None):
        raise InvalidFilter(
            f"{describe(op)} on {describe(key)} takes a number, a string or a time, not {describe(value)}"
        )
    if value is None:
        return None
    match kind:
        case "day":
            return _day(key, value)
        case "id" if isinstance(value, str | int) and not isinstance(value, bool):
            return _id(key, value)
        case "number" if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidFilter(f"{describe(key)} is a number, not {describe(value)}")
        case "flag" if not isinstance(value, bool):
            raise InvalidFilter(f"{describe(key)} is true or false, not {describe(value)}")
    return _scalar(key, value)


def _time(key: str, field: str, op: str, value: Any) -> Filter:
    """A comparison of moments. A day is all of its moments."""
    if op in ("in", "nin"):
        moments = tuple(_utc(key, each) for each in value if not _is_day(each))
        days = [_time(key, field, "eq", each) for each in value if _is_day(each)]
        found: Filter = Compare(field, (), "in", moments)
        if days:
            found = Or((found, *days))
        return Not(found) if op == "nin" else found
    if not _is_day(value):
        if value is None and op not in ("eq", "ne"):
            raise InvalidFilter(f"{describe(op)} on {describe(key)} takes a time, not None")
        return Compare(field, (), op, _utc(key, value))
    try:
        day = parse_day(value, name=key)
    except InvalidInput as exc:
        raise InvalidFilter(str(exc)) from exc
    assert day is not None  # noqa: S101 - a day was given
    begins, ends = iso(datetime.combine(day, time(), UTC)), iso(end_of_day(day))
    within = And((Compare(field, (), "gte", begins), Compare(field, (), "lt", ends)))
    match op:
        case "eq":
            return within
        case "ne":
            return Not(within)
        case "gt":
            return Compare(field, (), "gte", ends)
        case "lte":
            return Compare(field, (), "lt", ends)
        case _:
            return Compare(field, (), op, begins)


_DAY = re.compile(r"\s*[0-9]{4}-[0-9]{2}-[0-9]{2}\s*")


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        return _DAY.fullmatch(value) is not None
    return isinstance(value, date) and not isinstance(value, datetime)


def _utc(key: str, value: Any) -> str | None:
    """A time as records carry it: ISO 8601 in UTC."""
    if value is None:
        return None
    try:
        return iso(parse_time(value, name=key).astimezone(UTC))
    except InvalidInput as exc:
        raise InvalidFilter(str(exc)) from exc


def _day(key: str, value: Any) -> str:
    """A day as records carry it. Of a time the day in UTC."""
    try:
        day = parse_day(value, name=key) if _is_day(value) else parse_time(value, name=key).astimezone(UTC).date()
    except InvalidInput as exc:
        raise InvalidFilter(str(exc)) from exc
    assert day is not None  # noqa: S101 - a day was given
    return day.isoformat()


def _one_of(key: str, field: str, op: str, value: Any) -> Filter:
    """A condition on a field with many values, said by `in`, `icontains` and `exists` alone."""
    if op in ("ne", "nin"):
        return Not(_one_of(key, field, "eq" if op == "ne" else "in", value))
    if op == "icontains":
        return Compare(field, (), op, _item(key, field, value))
    given = list(value) if op == "in" else [value]
    among = Compare(field, (), "in", tuple(_item(key, field, each) for each in given if each is not None))
    if None not in given:
        return among
    none = Compare(field, (), "exists", value=False)
    return Or((among, none)) if among.value else none


def _item(key: str, field: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str):
        raise InvalidFilter(f"{describe(key)} is compared with strings, not {describe(value)}")
    text = str(_scalar(key, value))
    if FIELDS[field] == "labels":
        return text.lower()
    found = text.strip()
    if field == "entity" and partition_of(found.lower()) is None:
        return name_key(found)
    return found.lower()


def _keywords(op: str, value: Any) -> Filter:
    """Words that the text holds, whatever their case."""
    match op:
        case "eq" | "contains" | "icontains" if isinstance(value, str):
            return Compare("text", (), "icontains", _scalar("keywords", value))
        case "ne":
            return Not(_keywords("eq", value))
        case "in":
            return Or(tuple(_keywords("eq", each) for each in value) if isinstance(value, list | tuple) else ())
        case "nin":
            return Not(_keywords("in", value))
    raise InvalidFilter(f"'keywords' are strings to look for in the text, not {describe({op: value})}")


def _id(key: str, value: str | int) -> str:
    """An id as records carry it: text, without spaces around it; those that we gave in small letters."""
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise InvalidFilter(f"{describe(key)} is an id, not {describe(value)}")
    text = str(_scalar(key, str(value))).strip()
    return text.lower() if partition_of(text.lower()) is not None else text


def _scalar(key: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise InvalidFilter(f"{describe(key)} is compared with text that no record can hold: {describe(value)}")
        return value
    if (isinstance(value, float) and not math.isfinite(value)) or (
        isinstance(value, int) and not -_MAX_INTEGER - 1 <= value <= _MAX_INTEGER
    ):
        raise InvalidFilter(
            f"{describe(key)} is compared with a number beyond 64 bits or none at all: {describe(value)}"
        )
    if value is None or isinstance(value, bool | int | float):
        return value
    raise InvalidFilter(
        f"{describe(key)} can be compared with a string, number, true, false or null, not {describe(value)}"
    )


# What a comparison means.


def _lookup(metadata: Mapping[str, Any], path: Iterable[str]) -> Any:
    found: Any = metadata
    for step in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le,
}  # fmt: skip


def _holds(op: str, found: Any, value: Any) -> bool:
    match op:
        case "exists":
            return (found is not None) is value
        case "eq":
            return _same(found, value)
        case "ne":
            return not _same(found, value)
        case "in":
            return any(_same(found, item) for item in value)
        case "nin":
            return not any(_same(found, item) for item in value)
        case "contains":
            if isinstance(found, str):
                return isinstance(value, str) and value in found
            return isinstance(found, list | tuple) and any(_same(item, value) for item in found)
        case "icontains":
            return isinstance(found, str) and value.lower() in found.lower()
        case _:
            return _type(found) == _type(value) != "other" and _ORDER[op](found, value)


def _holds_for_one(op: str, found: Iterable[str], value: Any) -> bool:
    items = set(found)
    match op:
        case "exists":
            return bool(items) is value
        case "icontains":
            return any(value in item for item in items)
        case _:
            return not items.isdisjoint(value)


def _same(found: Any, value: Any) -> bool:
    return _type(found) == _type(value) and found == value


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "null" if value is None else "other"
