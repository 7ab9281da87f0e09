"""Filters as mem0's clients send them, as filters of ours. Pure.

A filter that cannot be read is an error, and never taken for none.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping
from typing import Any

from mnemic import inputs
from mnemic.errors import InvalidFilter, InvalidInput, InvalidScope, describe
from mnemic.filters import ID_ALIASES
from mnemic.types import SCOPE_IDS

_DEEPEST = 20  # as our own grammar; deeper ones are refused before anything recurses
_LONGEST = 10_000  # characters of a filter in a query, far more than a client's line can hold

_FIELDS: Mapping[str, str] = {
    **ID_ALIASES,
    # Their time of creation is when it was said, which `timestamp` of an add sets.
    "created_at": "said_at",
    "createdAt": "said_at",
    "timestamp": "said_at",
    "updatedAt": "updated_at",
    "expirationDate": "expiration_date",
    "keywords_search": "keywords",
    "memoryIds": "memory_ids",
}
_LOGIC = ("AND", "OR", "NOT")
_SAID_WITH_DELETES = frozenset(("source", "org_id", "project_id"))
"""What clients say in the query of a delete that narrows nothing."""


def translated(filters: object, *, depth: int = 0) -> dict[str, Any]:
    """The same conditions in our grammar. What is unknown stays as it is, for the grammar to judge.

    Raises:
        InvalidFilter: no dictionary, or nested too deep.
    """
    if not isinstance(filters, Mapping):
        raise InvalidFilter(f"filters must be a dictionary of conditions, not {describe(filters)}")
    if depth > _DEEPEST:
        raise InvalidFilter(f"filters nest at most {_DEEPEST} levels deep")
    found: list[dict[str, Any]] = []
    for key, value in filters.items():
        if key in _LOGIC:
            found.append({key: _parts(key, value, depth)})
        else:
            name = _FIELDS.get(key, key)
            found.append({name: _condition(name, value)})
    if len({name for each in found for name in each}) == len(found):
        return {name: value for each in found for name, value in each.items()}
    return {"AND": found}


def names_somebody(filters: object, *, depth: int = 0) -> bool:
    """Whether some condition says whose memories are meant, and not only whose are not."""
    if not isinstance(filters, Mapping) or depth > _DEEPEST:
        return False
    for key, value in filters.items():
        if key in ("AND", "OR"):
            parts = value if isinstance(value, list | tuple) else [value]
            if any(names_somebody(each, depth=depth + 1) for each in parts):
                return True
        elif ID_ALIASES.get(key, key) in SCOPE_IDS and value is not None and not _only_excludes(value):
            return True
    return False


def ids_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """The ids that stand at the top of a body or a query, by our names; those that are empty are left out."""
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = ID_ALIASES.get(key, key)
        if name in SCOPE_IDS and value not in (None, "") and found.setdefault(name, value) != value:
            raise InvalidScope(f"{name} is given as {describe(found[name])} and as {describe(value)}")
    return found


def ids_to_go(query: Mapping[str, str], body: Mapping[str, Any], *, beside: Collection[str] = ()) -> dict[str, Any]:
    """The ids in the query of a delete that reads nothing else, but for what is named `beside`.

    Raises:
        InvalidScope: one of them is blank, which may be an empty variable of who meant somebody.
        InvalidInput: something else is said, which could have narrowed the delete and would be left aside.
    """
    ids = {key: value for key, value in query.items() if ID_ALIASES.get(key, key) in SCOPE_IDS}
    if blank := sorted(key for key, value in ids.items() if not value.strip()):
        raise InvalidScope(f"{blank[0]} in the query is empty; leave it out, or name somebody")
    if body:
        raise InvalidInput("a delete of somebody's memories reads no body; say in the query whose they are")
    if unread := sorted(query.keys() - ids.keys() - _SAID_WITH_DELETES - set(beside)):
        raise InvalidInput(f"this delete does not read {describe(unread[0])}, and would take more than it says")
    return ids_in(query)


def nothing_beside_the_path(query: Mapping[str, str], body: Mapping[str, Any]) -> None:
    """Of a delete of who stands in the path.

    Raises:
        InvalidInput: something else is said, too, which could have narrowed it.
    """
    if ids := ids_to_go(query, body):
        raise InvalidInput(
            f"this delete is of who stands in the path, whatever {', '.join(ids)} they have; leave it out"
        )


def whose(ids: Mapping[str, Any], filters: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Whose memories are to go: the ids, and conditions that narrow them, or None.

    Raises:
        InvalidScope: nobody is named, or somebody by `*`, which never widens what is deleted.
        InvalidFilter: a filter that cannot be read, asks for an id that is null, or holds something empty.
    """
    found = dict(ids)
    narrowed: dict[str, Any] | None = None
    if filters is not None:
        narrowed = translated(filters)
        if _holds_nothing(narrowed):
            raise InvalidFilter("something in the filter is empty; leave it out, or say what is to go")
        _refuse_wildcards(narrowed)
        demanded, rest = inputs.split_filters(narrowed)
        found = inputs.merge_ids(ids, demanded)
        if any(value is None or not str(value).strip() for value in found.values()):
            raise InvalidFilter("an id in the filter is null or empty; leave it out, or name it")
        narrowed = None if rest is None else narrowed
    if any(str(value).strip() == "*" for value in found.values()):
        raise InvalidScope(
            "'*' deletes nothing here: name the user, agent, app or run (GET /v1/entities/ lists them), one call each"
        )
    if not found:
        raise InvalidScope(f"say whose memories are to be deleted: at least one of {', '.join(SCOPE_IDS)} is required")
    return found, narrowed


def written(text: str, name: str) -> dict[str, Any]:
    """A dictionary that stands in a query: as JSON, or as Python's client writes it there.

    Raises:
        InvalidFilter: it is neither.
    """
    if len(text) > _LONGEST:
        raise InvalidFilter(f"{name} has {len(text):,} characters; at most {_LONGEST:,} are read")
    found: object = None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        try:
            found = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as exc:
            raise InvalidFilter(f"{name} in the query must be a dictionary as JSON, not {describe(text)}") from exc
    if not isinstance(found, dict) or any(not isinstance(key, str) for key in found):
        raise InvalidFilter(f"{name} in the query must be a dictionary, not {describe(text)}")
    return found


def _parts(key: str, value: object, depth: int) -> Any:
    if isinstance(value, Mapping):
        inner = translated(value, depth=depth + 1)
        return inner if key == "NOT" else [inner]
    if not isinstance(value, list | tuple):
        raise InvalidFilter(f"{key} takes a list of filters, not {describe(value)}")
    return [translated(each, depth=depth + 1) for each in value]


def _condition(name: str, value: Any) -> Any:
    """One condition. `*` is any value there is."""
    if name in SCOPE_IDS:
        if _is_any(value):
            return {"exists": True}
        if isinstance(value, Mapping) and len(value) == 1:
            (op, operand), *_ = value.items()
            if op in ("eq", "in", "contains") and _is_any(operand):
                return {"exists": True}
            if op in ("ne", "nin") and _is_any(operand):
                return {"exists": False}
    if name == "memory_ids" and isinstance(value, str):
        return [value]
    return value


def _only_excludes(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() <= {"ne", "nin"}


def _is_any(value: object) -> bool:
    return value == "*" or (isinstance(value, list | tuple) and "*" in value)


def _holds_nothing(filters: object) -> bool:
    """Whether there is an empty list or dictionary in it, at any depth: most conditions on nothing hold for all."""
    waiting = [filters]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping | list | tuple):
            if not each:
                return True
            waiting += each.values() if isinstance(each, Mapping) else each
    return False


def _refuse_wildcards(filters: Mapping[str, Any]) -> None:
    """A condition on an id that any value meets does not belong into a filter of what is to go."""
    for key, value in filters.items():
        if key in _LOGIC:
            for each in [value] if isinstance(value, Mapping) else value:
                _refuse_wildcards(each)
        elif key in SCOPE_IDS and isinstance(value, Mapping) and "exists" in value:
            raise InvalidScope(f"'*' deletes nothing here: name the {key} in the filter")
