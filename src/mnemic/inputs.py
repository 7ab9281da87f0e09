"""What callers pass, checked and turned into values. Pure; every refusal says what to do."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from mnemic import filters as grammar
from mnemic.errors import InvalidFilter, InvalidInput, InvalidScope, describe
from mnemic.protocols import ARMS, ORDERS, Order
from mnemic.text import md5
from mnemic.times import end_of_day, parse_day, parse_time
from mnemic.types import ROLES, SCOPE_IDS, Finding, Limits, Message, Role, Scope


class Unset(enum.Enum):
    """Tells an argument that was not passed from one that was passed as None."""

    UNSET = "not passed"

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset.UNSET

Id = str | int | None | Unset
"""An id argument: a string (or an integer, taken as its digits); None counts as not given, but a call
in which all ids passed are None or blank is refused."""

When = str | int | float | date | datetime
"""A time: ISO 8601, unix seconds, a date or a datetime; without a zone it is UTC."""

MAX_CHARS = 200_000
"""Longest text of one message or memory: about a hundred pages. Longer ones are documents to be cut up."""

_MAX_ID = 256
_MAX_METADATA_DEPTH = 16
_MAX_METADATA_ITEMS = 1_000
_MAX_INTEGER = 2**63 - 1
_DEEPEST = 20  # of ANDs that are looked into for ids; the grammar refuses deeper ones

# Spaces, control characters, quotes and wildcards: an id that holds one is a mistake or an attack.
_NOT_IN_IDS = re.compile(r"[\s\x00-\x1f\x7f'\"`*]|[\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")

_ROLE_NAMES: dict[str, Role] = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
}


def ids(user_id: Id, agent_id: Id, app_id: Id, run_id: Id) -> dict[str, Id]:
    """The four id arguments of a call by their names."""
    return {"user_id": user_id, "agent_id": agent_id, "app_id": app_id, "run_id": run_id}


def scope(project: str, given: Mapping[str, Id], bound: Scope | None = None) -> Scope:
    """The scope of the ids a call was given, on top of those bound by `Memory.scope`.

    Raises:
        InvalidScope: ids were passed and all are None or blank; one cannot be used; one contradicts the bound.
    """
    passed = {name: value for name, value in given.items() if not isinstance(value, Unset)}
    ids = {name: _id(name, value) for name, value in passed.items()}
    ids = {name: value for name, value in ids.items() if value is not None}
    if passed and not ids:
        names = ", ".join(f"{name}={describe(value)}" for name, value in passed.items())
        raise InvalidScope(f"{names}: every id passed is empty; pass at least one real id, or none at all")
    for name, value in (bound.ids if bound else {}).items():
        if ids.setdefault(name, value) != value:
            raise InvalidScope(f"{name}={describe(ids[name])} contradicts the bound {name}={describe(value)}")
    return Scope(project=project, **ids)


def require_ids(wanted: Scope, what: str) -> Scope:
    """The scope itself, when it names somebody."""
    if not wanted.ids:
        raise InvalidScope(f"{what} needs at least one of {', '.join(SCOPE_IDS)}, such as user_id='alice'")
    return wanted


def whole(given: Mapping[str, Id], what: str) -> Mapping[str, Id]:
    """The ids themselves, when none is an empty text. None is how a call says that it names no such id.

    Raises:
        InvalidScope: one is blank.
    """
    for name, value in given.items():
        if isinstance(value, str) and not value.strip():
            raise InvalidScope(f"{what} was given {name}={describe(value)}: pass a real id, or leave it out for all")
    return given


def split_filters(filters: Mapping[str, Any] | None) -> tuple[dict[str, Id], grammar.Filter | None]:
    """Ids that a filter demands (at its top, or in ANDs there), and the rest as a tree.

    Ids inside OR or NOT, several at once, and `exists` stay conditions: they narrow whatever the call and
    the bound scope name, and widen nothing.

    Raises:
        InvalidFilter: the filter has an unknown operator or shape.
        InvalidScope: it demands two values of one id.
    """
    if filters is None:
        return {}, None
    if not isinstance(filters, Mapping):
        raise InvalidFilter(f"filters must be a dictionary, not {describe(filters)}")
    ids: dict[str, Id] = {}
    tree = grammar.parse(_without_ids(filters, ids, 0))
    return ids, None if _says_nothing(tree) else tree


def _without_ids(filters: Mapping[str, Any], ids: dict[str, Id], depth: int) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for key, value in filters.items():
        name = grammar.ID_ALIASES.get(key, key) if isinstance(key, str) else key
        if isinstance(value, Mapping) and value.keys() == {"eq"}:
            value = value["eq"]  # noqa: PLW2901 - another way to say it
        if name in SCOPE_IDS and not isinstance(value, Mapping | list | tuple):
            if ids.setdefault(name, value) != value:
                raise InvalidScope(
                    f"the filter asks for {name}={describe(ids[name])} and for {name}={describe(value)} at once"
                )
        elif key in ("AND", "$and") and isinstance(value, list | tuple) and depth < _DEEPEST:
            parts = [_without_ids(part, ids, depth + 1) if isinstance(part, Mapping) else part for part in value]
            rest[key] = [part for part in parts if part != {}]
        else:
            rest[key] = filters[key]
    return rest


def _says_nothing(tree: grammar.Filter) -> bool:
    return isinstance(tree, grammar.And) and all(map(_says_nothing, tree.parts))


def listing_order(value: object) -> Order:
    """The order of a listing."""
    for order in ORDERS:
        if value == order:
            return order
    raise InvalidInput(f"order must be one of {', '.join(ORDERS)}, not {describe(value)}")


def merge_ids(given: Mapping[str, Id], filtered: Mapping[str, Id]) -> dict[str, Id]:
    """Ids from arguments and from the filter together.

    Raises:
        InvalidScope: one id has two values.
    """
    merged = dict(given)
    for name, value in filtered.items():
        if not isinstance(merged.get(name, UNSET), Unset) and merged[name] != value:
            raise InvalidScope(
                f"{name} is {describe(merged[name])} as an argument and {describe(value)} in the filter; pass one"
            )
        merged[name] = value
    return merged


def _id(name: str, value: object) -> str | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int)
        or (isinstance(value, int) and abs(value) > _MAX_INTEGER)
    ):
        raise InvalidScope(f"{name} must be a string, not {describe(value)}")
    text = str(value).strip()
    if not text:
        return None
    if _NOT_IN_IDS.search(text) or len(text) > _MAX_ID:
        raise InvalidScope(
            f"{name} must be at most {_MAX_ID} characters without spaces, quotes, '*' or control characters,"
            f" not {describe(value)}"
        )
    return text


def project_name(value: object) -> str:
    """A project's name, held to the rules of ids."""
    name = _id("project", value) if isinstance(value, str) else None
    if name is None:
        raise InvalidScope(f"project must be a name, not {describe(value)}")
    return name


def messages(given: object, at: When | None) -> list[Message]:
    """Messages from a string, a dictionary or a list of either.

    Raises:
        InvalidInput: nothing to add, or a message that cannot be used; the place in the list is named.
    """
    said_at = None if at is None else parse_time(at)
    if isinstance(given, str | Mapping):
        given = [given]
    if not isinstance(given, Sequence):
        raise InvalidInput(f"messages must be a string, a dictionary or a list of these, not {describe(given)}")
    found = [_message(each, said_at, f"messages[{index}]") for index, each in enumerate(given)]
    kept = [message for message in found if message is not None]
    if not kept:
        raise InvalidInput("messages is empty; pass at least one message with text")
    return kept


def _message(given: object, said_at: datetime | None, where: str) -> Message | None:
    if isinstance(given, str):
        return Message(role="user", content=text(given, where), at=said_at)
    if not isinstance(given, Mapping):
        raise InvalidInput(f"{where} must be a string or a dictionary with role and content, not {describe(given)}")
    content = given.get("content")
    if content is None and given.get("tool_calls"):
        return None  # a model's call of a tool, with nothing said
    if isinstance(content, list | tuple):
        content = _joined(content, where)
    name = given.get("name")
    if name is not None and not isinstance(name, str):
        raise InvalidInput(f"{where}['name'] must be a string, not {describe(name)}")
    when = given.get("timestamp") if given.get("at") is None else given["at"]
    return Message(
        role=_role(given.get("role", "user"), where),
        content=text(content, f"{where}['content']"),
        name=text(name, f"{where}['name']").strip() if name and name.strip() else None,
        at=said_at if when is None else parse_time(when, name=f"{where}['at']"),
        metadata=metadata(given.get("metadata"), f"{where}['metadata']"),
        external_id=_external_id(given.get("external_id"), where),
    )


def _external_id(value: object, where: str) -> str | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int)
        or (isinstance(value, int) and abs(value) > _MAX_INTEGER)
    ):
        raise InvalidInput(f"{where}['external_id'] must be a string, not {describe(value)}")
    found = text(str(value), f"{where}['external_id']").strip()
    if len(found) > _MAX_ID:
        raise InvalidInput(f"{where}['external_id'] has {len(found)} characters; at most {_MAX_ID} fit")
    return found


def _joined(parts: Sequence[object], where: str) -> str:
    """The text of a content list as chat interfaces send it; what is no text is named in brackets."""
    found = []
    for part in parts:
        if isinstance(part, str):
            found.append(part)
        elif isinstance(part, Mapping) and isinstance(part.get("text"), str):
            found.append(part["text"])
        elif isinstance(part, Mapping) and isinstance(part.get("type"), str):
            found.append(_reference(part))
        else:
            raise InvalidInput(f"{where}['content'] holds a part that is no text and has no type: {describe(part)}")
    return "\n".join(found)


def _reference(part: Mapping[str, Any]) -> str:
    """What stands in the log for an image or a file: its kind and where it is, or what it measured."""
    kind = str(part["type"]).removesuffix("_url")
    held = part.get(part["type"])
    address = held.get("url") if isinstance(held, Mapping) else held
    if not isinstance(address, str):
        return f"[{kind}]"
    if address.startswith("data:"):
        head, _, data = address.partition(",")
        return f"[{kind}: {head[:80]}, {len(data)} characters, md5 {md5(data)}]"
    return f"[{kind}: {address}]"


def _role(value: object, where: str) -> Role:
    for role in ROLES:
        if value == role:
            return role
    if isinstance(value, str) and value in _ROLE_NAMES:
        return _ROLE_NAMES[value]
    raise InvalidInput(f"{where}['role'] must be one of {', '.join(ROLES)}, not {describe(value)}")


def text(value: object, name: str) -> str:
    """Text that can be stored.

    Raises:
        InvalidInput: no string, empty or blank, too long, or holding NUL or half a surrogate pair.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a string, not {describe(value)}")
    if not value.strip():
        raise InvalidInput(f"{name} is empty; pass some words")
    if len(value) > MAX_CHARS:
        raise InvalidInput(f"{name} has {len(value):,} characters; at most {MAX_CHARS:,} fit, so split it into parts")
    if "\x00" in value:
        raise InvalidInput(f"{name} holds a NUL character at position {value.index(chr(0))}; remove it")
    broken = _SURROGATE.search(value)
    if broken:
        raise InvalidInput(
            f"{name} holds half a surrogate pair at position {broken.start()}; decode the text with errors='replace'"
        )
    return value


def metadata(value: object, name: str = "metadata") -> dict[str, Any]:
    """Metadata that JSON can carry.

    Raises:
        InvalidInput: no dictionary, or something in it that JSON cannot say, too deep or too much.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} must be a dictionary, not {describe(value)}")
    budget = [_MAX_METADATA_ITEMS]
    checked = _json(value, name, 0, budget)
    assert isinstance(checked, dict)  # noqa: S101 - a mapping comes back as one
    return checked


def _json(value: object, name: str, depth: int, budget: list[int]) -> Any:  # noqa: C901, PLR0912 - a table of types
    budget[0] -= 1
    if depth > _MAX_METADATA_DEPTH or budget[0] < 0:
        raise InvalidInput(
            f"{name} holds more than {_MAX_METADATA_ITEMS:,} values or nests deeper than {_MAX_METADATA_DEPTH} levels"
        )
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise InvalidInput(f"{name} holds an integer beyond 64 bits; pass {describe(value)} as a string")
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"{name} holds {describe(value)}, which JSON cannot say; use null")
        return value
    if isinstance(value, str):
        if not value:
            return value
        return value if not value.strip() else text(value, name)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        out = {}
        for key, item in value.items():
            if not isinstance(key, str) or not key:
                raise InvalidInput(f"{name} has the key {describe(key)}; keys are non-empty strings")
            out[text(key, name)] = _json(item, f"{name}[{key!r}]", depth + 1, budget)
        return out
    if isinstance(value, list | tuple):
        return [_json(item, name, depth + 1, budget) for item in value]
    raise InvalidInput(
        f"{name} holds {describe(value)}, which JSON cannot carry; use strings, numbers, lists or dictionaries"
    )


def expiry(value: When | None) -> datetime | None:
    """The moment from which a memory with this expiration date is no longer shown."""
    if value is not None and not isinstance(value, str | date):
        raise InvalidInput(f"expiration_date must be 'YYYY-MM-DD' or a date, not {describe(value)}")
    day = parse_day(value)
    return None if day is None else end_of_day(day)


def count(value: object, name: str) -> int:
    """A positive whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidInput(f"{name} must be a whole number of at least 1, not {describe(value)}")
    return min(value, _MAX_INTEGER - 1)


def seconds(value: object, name: str) -> float:
    """A number of seconds from 0 to a day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _DAY:
        raise InvalidInput(f"{name} must be a number of seconds from 0 to {_DAY}, not {describe(value)}")
    return float(value)


_DAY = 86_400


def days(value: object, name: str) -> timedelta | None:
    """A number of days above 0, by a microsecond at least, and up to a million; or None."""
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 < value <= _MOST_DAYS
        or not timedelta(days=value)
    ):
        raise InvalidInput(
            f"{name} must be a number of days above 0 and up to a million, or None, not {describe(value)}"
        )
    return timedelta(days=value)


_MOST_DAYS = 1_000_000  # some 2,700 years; beyond it there are no dates


def arms(value: object) -> tuple[str, ...]:
    """Names of `protocols.ARMS`, at least one and each once; None means all."""
    if value is None:
        return ARMS
    if not isinstance(value, list | tuple | set | frozenset) or not value or any(each not in ARMS for each in value):
        raise InvalidInput(f"arms takes some of {', '.join(ARMS)}, not {describe(value)}")
    if len(set(value)) < len(value):
        raise InvalidInput(f"arms takes some of {', '.join(ARMS)}, each once, not {describe(value)}")
    return tuple(each for each in ARMS if each in value)


def flag(value: object, name: str) -> bool:
    """True or false, and nothing that only looks like it."""
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false, not {describe(value)}")
    return value


def labels(value: object) -> tuple[str, ...]:
    """Categories: a list of names."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInput(f"categories must be a list of names, not {describe(value)}")
    return tuple(text(each, "categories") for each in value)


def findings(value: object) -> tuple[Finding, ...] | None:
    """Facts as a caller hands them over; None where there are none to take, an empty tuple where there is nothing.

    Raises:
        InvalidInput: no list, or a fact that cannot be read; the place in the list is named.
    """
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise InvalidInput(f"facts must be a list of dictionaries, not {describe(value)}")
    if len(value) > _MOST_FINDINGS:
        raise InvalidInput(f"facts holds {len(value):,}; at most {_MOST_FINDINGS:,} fit, so split the messages")
    return tuple(_finding(each, f"facts[{index}]") for index, each in enumerate(value))


_MOST_FINDINGS = 1_000
_FOUND_KINDS = ("fact", "preference", "event", "procedure")
_FINDING = tuple(each.name for each in fields(Finding))


def _finding(given: object, where: str) -> Finding:
    if not isinstance(given, Mapping) or not given.keys() <= set(_FINDING) or not {"text", "quote"} <= given.keys():
        raise InvalidInput(
            f"{where} must be a dictionary with text, quote and, if you like, {', '.join(_FINDING[2:])},"
            f" not {describe(given)}"
        )
    kind = given.get("kind", "fact")
    if kind not in _FOUND_KINDS:
        raise InvalidInput(f"{where}['kind'] must be one of {', '.join(_FOUND_KINDS)}, not {describe(kind)}")
    named = {name: text(given[name], f"{where}[{name!r}]") for name in ("text", "quote")}
    named |= {
        name: text(given[name], f"{where}[{name!r}]") for name in ("subject", "attribute", "object") if given.get(name)
    }
    return Finding(**named, kind=kind, ends=flag(given.get("ends", False), f"{where}['ends']"))


def choices(value: object) -> dict[str, str]:
    """Categories with their meanings, from a dictionary or a list of such."""
    parts = [value] if isinstance(value, Mapping) else value or []
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        raise InvalidInput(f"custom_categories must be a dictionary of names and meanings, not {describe(value)}")
    found: dict[str, str] = {}
    for part in parts:
        if not isinstance(part, Mapping):
            raise InvalidInput(f"custom_categories must be a dictionary of names and meanings, not {describe(value)}")
        for name, meaning in part.items():
            found[text(name, "custom_categories")] = text(meaning, f"custom_categories[{describe(name)}]")
    return found


def slots(value: object) -> dict[str, bool]:
    """Attribute or pattern -> whether it has one value at a time."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or any(each not in ("single", "additive") for each in value.values()):
        raise InvalidInput(f"slots must be a dictionary of attributes to 'single' or 'additive', not {describe(value)}")
    return {text(name, "slots"): each == "single" for name, each in value.items()}


def limits(value: object) -> Limits:
    """What models may cost; none of it where it is not given."""
    names = [each.name for each in fields(Limits)]
    if value is None:
        return Limits()
    if not isinstance(value, Mapping) or any(name not in names for name in value):
        raise InvalidInput(f"limits must be a dictionary of {', '.join(names)}, not {describe(value)}")
    return Limits(**{name: count(each, f"limits[{name!r}]") for name, each in value.items()})


def share(value: object, name: str) -> float | None:
    """A number in [0, 1], or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(f"{name} must be a number from 0 to 1, or None, not {describe(value)}")
    return float(value)


def record_id(value: object, name: str = "memory_id") -> str:
    """An id of a memory, an episode or a change, as text; whether it exists is another matter."""
    if not isinstance(value, str) or not value.strip():
        what = name.removesuffix("_id")
        raise InvalidInput(f"{name} must be the id of a {what}, a string, not {describe(value)}")
    return value.strip().lower()
