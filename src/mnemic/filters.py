"""The filter grammar: a dictionary in, a small tree out, and what the tree means.

    {"category": "hobbies"}                          a metadata key equals
    {"user_id": "alice", "rating": {"gte": 3}}       several keys must all hold
    {"OR": [{"kind": "event"}, {"NOT": {"lang": "zh"}}]}

Operators: eq ne gt gte lt lte in nin contains icontains exists; a bare value means eq, a bare list
means in, and "*" means exists. A key is a field of the record, `metadata.KEY`, or a bare metadata
key. Missing values: `ne` and `nin` hold, everything else but `exists: false` does not. Values of
different types are never equal and never ordered; true is not 1.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from mnemic.errors import InvalidFilter, InvalidInput, describe
from mnemic.times import iso, parse_time

OPERATORS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "contains", "icontains", "exists")
FIELDS = (
    "id", "user_id", "agent_id", "app_id", "run_id", "actor_id", "role", "kind", "origin",
    "subject", "attribute", "attributed_to", "created_at", "updated_at", "text",
)  # fmt: skip
"""Keys that mean a field of the record; `memory` is accepted for `text`. Times are ISO strings in UTC."""

_MAX_DEPTH = 20  # a filter nested deeper is a mistake or an attack; recursion stays far from its limit
_MAX_INTEGER = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ALIASES = {"memory": "text", "memory_ids": "id", "session_id": "run_id"}


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
    """`field` (one of FIELDS, or a path inside metadata when `path` is given) compared with a value."""

    field: str
    path: tuple[str, ...]
    op: str
    value: Any


Filter = And | Or | Not | Compare


def parse(filters: Mapping[str, Any]) -> Filter:
    """The tree of a filter dictionary.

    Raises:
        InvalidFilter: an unknown operator, a wrong shape, or nesting beyond 20 levels.
    """
    return _parse_mapping(filters, 0)


def matches(tree: Filter, record: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    """Whether a record (FIELDS -> value) with this metadata passes. The definition stores are held to."""
    match tree:
        case And(parts):
            return all(matches(part, record, metadata) for part in parts)
        case Or(parts):
            return any(matches(part, record, metadata) for part in parts)
        case Not(part):
            return not matches(part, record, metadata)
        case Compare(field, path, op, value):
            found = _lookup(metadata, path) if path else record.get(field)
            return _holds(op, found, value)


def _parse_mapping(filters: Any, depth: int) -> Filter:
    if not isinstance(filters, Mapping):
        raise InvalidFilter(f"a filter is a dictionary of conditions, not {describe(filters)}")
    if depth > _MAX_DEPTH:
        raise InvalidFilter(f"filters nest at most {_MAX_DEPTH} levels deep")
    parts: list[Filter] = []
    for key, value in filters.items():
        if not isinstance(key, str) or not key or _UNSTORABLE.search(key):
            raise InvalidFilter(f"filter keys are non-empty strings, not {describe(key)}")
        if key in ("AND", "OR", "NOT", "$and", "$or", "$not"):
            parts.append(_parse_logic(key.lstrip("$").upper(), value, depth))
        elif key == "metadata":
            if not isinstance(value, Mapping):
                raise InvalidFilter(f"'metadata' takes a dictionary of keys and conditions, not {describe(value)}")
            if any(not isinstance(name, str) or not name or _UNSTORABLE.search(name) for name in value):
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
        parts = tuple(Compare(field, path, op, _operand(key, op, given)) for op, given in value.items())
        return parts[0] if len(parts) == 1 else And(parts)
    if isinstance(value, list | tuple):
        return Compare(field, path, "in", _operand(key, "in", value))
    if value == "*":
        return Compare(field, path, "exists", value=True)
    return Compare(field, path, "eq", _operand(key, "eq", value))


def _resolve(key: str) -> tuple[str, tuple[str, ...]]:
    if key.startswith("metadata."):
        return "metadata", tuple(key.removeprefix("metadata.").split("."))
    key = _ALIASES.get(key, key)
    return (key, ()) if key in FIELDS else ("metadata", (key,))


_TIMES = ("created_at", "updated_at")


def _operand(key: str, op: Any, value: Any) -> Any:
    if op not in OPERATORS:
        raise InvalidFilter(f"unknown operator {describe(op)} on {describe(key)}; operators: {', '.join(OPERATORS)}")
    if op in ("in", "nin"):
        if not isinstance(value, list | tuple):
            raise InvalidFilter(f"{describe(op)} on {describe(key)} takes a list, not {describe(value)}")
        return tuple(_operand(key, "eq", item) for item in value)
    if op == "exists":
        if not isinstance(value, bool):
            raise InvalidFilter(f"'exists' on {describe(key)} takes true or false, not {describe(value)}")
        return value
    if op == "icontains" and not isinstance(value, str):
        raise InvalidFilter(f"'icontains' on {describe(key)} takes a string, not {describe(value)}")
    if key in _TIMES and isinstance(value, str | date) and op not in ("contains", "icontains"):
        return _utc(key, value)
    if op in ("gt", "gte", "lt", "lte") and (isinstance(value, bool) or value is None):
        raise InvalidFilter(
            f"{describe(op)} on {describe(key)} takes a number, a string or a time, not {describe(value)}"
        )
    return _scalar(key, value)


def _utc(key: str, value: str | date) -> str:
    """A time as records carry it: ISO 8601 in UTC."""
    try:
        return iso(parse_time(value, name=key).astimezone(UTC))
    except InvalidInput as exc:
        raise InvalidFilter(str(exc)) from exc


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


def _same(found: Any, value: Any) -> bool:
    return _type(found) == _type(value) and found == value


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "string" if isinstance(value, str) else "null" if value is None else "other"
