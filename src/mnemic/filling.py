"""A JSON schema of an object filled from memories: by a model where there is one, else by what memories are about."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mnemic import slots
from mnemic.errors import InvalidInput, describe
from mnemic.types import KINDS, MemoryItem

_DEEPEST = 6  # objects in objects: nobody's profile is deeper
_MOST = 200  # properties in all


def checked_schema(given: Any) -> dict[str, Any]:
    """A JSON schema of an object, as a dictionary or as the text of one.

    Raises:
        InvalidInput: it is none, or too large.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as exc:
            raise InvalidInput(f"schema must be a JSON schema, not {describe(given)}") from exc
    if not isinstance(given, dict) or not isinstance(given.get("properties"), dict) or not given["properties"]:
        raise InvalidInput("schema must be a JSON schema of an object with properties")
    if _count(given, 0) > _MOST:
        raise InvalidInput(f"schema has more than {_MOST} properties, or nests deeper than {_DEEPEST} levels")
    if any(not isinstance(each, dict) for each in given["properties"].values()):
        raise InvalidInput("each of the schema's properties must be a schema itself, such as {'type': 'string'}")
    return given


def filled(schema: Mapping[str, Any], items: Sequence[MemoryItem]) -> dict[str, Any]:
    """The object: each property from the memories whose attribute, kind or category it names, newest first.

    What no memory says is null, or an empty list. Nothing is made up: values are the memories' own words.
    """
    own = [each for each in items if each["subject"] in (None, "user")]
    return _object(schema, own, _definitions(schema), 0)


def _object(
    schema: Mapping[str, Any], items: Sequence[MemoryItem], known: Mapping[str, Any], depth: int
) -> dict[str, Any]:
    properties = schema.get("properties")
    return {
        name: _value(name, _resolved(each, known), items, known, depth + 1)
        for name, each in (properties.items() if isinstance(properties, Mapping) else ())
    }


def _value(
    name: str, schema: Mapping[str, Any], items: Sequence[MemoryItem], known: Mapping[str, Any], depth: int
) -> Any:
    kinds = _kinds(schema)
    if "object" in kinds and "properties" in schema and depth < _DEEPEST:
        return _object(schema, items, known, depth)
    met = list(_meant(name, items))
    if "array" in kinds:
        inner = _resolved(schema.get("items") or {}, known)
        found = [each for item in met if (each := _fitting(item, _kinds(inner), inner.get("enum"))) is not None]
        return list(dict.fromkeys(found))
    values = (_fitting(item, kinds, schema.get("enum")) for item in met)
    return next((each for each in values if each is not None), None)


def _meant(name: str, items: Iterable[MemoryItem]) -> Iterable[MemoryItem]:
    """Memories that say something of what a property is called."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " ").strip().lower()
    if not words:
        return
    wanted = slots.key("user", words)
    kind = next((each for each in KINDS if words in (each, f"{each}s")), None)
    for item in items:
        same = wanted is not None and item["attribute"] is not None and slots.key("user", item["attribute"]) == wanted
        if same or item["kind"] == kind or words in (each.lower() for each in item["categories"]):
            yield item


def _fitting(item: MemoryItem, kinds: frozenset[str], enum: Any) -> Any:
    """What a memory says, where it is of the type that is asked for."""
    text = item.get("object") or item["memory"]
    if isinstance(enum, list):
        return next((each for each in enum if isinstance(each, str) and each.lower() in text.lower()), None)
    if not kinds or "string" in kinds:
        return text
    if kinds & {"integer", "number"} and (number := re.search(r"-?\d{1,15}(?:\.\d{1,15})?", text)):
        value = float(number.group())
        return int(value) if value.is_integer() else value if "number" in kinds else None
    return True if "boolean" in kinds else None


def _kinds(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a value may have, also where alternatives are listed."""
    found: Any = schema.get("type")
    own = {each for each in ([found] if isinstance(found, str) else found or ()) if isinstance(each, str)}
    for name in ("anyOf", "oneOf"):
        among = schema.get(name)
        for each in among if isinstance(among, list) else ():
            if isinstance(each, Mapping) and isinstance(each.get("type"), str):
                own.add(each["type"])
    return frozenset(own) - {"null"}


def _definitions(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"#/{place}/{name}": each
        for place in ("$defs", "definitions")
        if isinstance(schema.get(place), Mapping)
        for name, each in schema[place].items()
    }


def _resolved(schema: Any, known: Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str):
        schema = known.get(schema["$ref"], {})
    return schema if isinstance(schema, Mapping) else {}


def _count(schema: Any, depth: int) -> int:
    if depth > 4 * _DEEPEST:
        return _MOST + 1
    if isinstance(schema, list):
        return sum(_count(each, depth + 1) for each in schema)
    if not isinstance(schema, Mapping):
        return 0
    own = len(schema["properties"]) if isinstance(schema.get("properties"), Mapping) else 0
    return own + sum(_count(each, depth + 1) for each in schema.values())


def fitted(schema: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    """What a model answered, as far as it is of the schema: other properties and other types are left out."""
    return _fit_object(schema, value, _definitions(schema), 0)


def _fit_object(schema: Mapping[str, Any], value: Any, known: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties")
    given = value if isinstance(value, Mapping) else {}
    return {
        name: _fit(_resolved(each, known), given.get(name), known, depth + 1)
        for name, each in (properties.items() if isinstance(properties, Mapping) else ())
    }


def _fit(schema: Mapping[str, Any], value: Any, known: Mapping[str, Any], depth: int) -> Any:
    kinds = _kinds(schema)
    if "object" in kinds and "properties" in schema and depth < _DEEPEST:
        return _fit_object(schema, value, known, depth)
    if "array" in kinds:
        inner = _resolved(schema.get("items") or {}, known)
        found = [_fit(inner, each, known, depth + 1) for each in value] if isinstance(value, list) else []
        return [each for each in found if each is not None]
    if isinstance(schema.get("enum"), list):
        return value if value in schema["enum"] else None
    types = tuple(kind for name in kinds for kind in _PYTHON.get(name, ()))
    fits = not kinds or (isinstance(value, types) and (not isinstance(value, bool) or "boolean" in kinds))
    return value if fits else None


_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,),
}  # fmt: skip
