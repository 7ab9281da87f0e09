"""What a model meant by a value that is not quite of the shape asked for.

A number in quotation marks, a missing list around a single entry, another name for a key: such an
answer is clear to a reader, and to throw it away would cost a call or a memory. Nothing is made up:
what cannot be told stays empty, and what holds nothing is an error.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

_DEPTH = 5
"""How deep an answer may hide under other keys."""


def as_text(value: object) -> object:
    """A string for what can only be meant as one; None and NaN are empty."""
    match value:
        case None | bool():
            return ""
        case int():
            return str(value)
        case float():
            return "" if math.isnan(value) else f"{value:g}"
        case [*parts] if all(isinstance(part, str) for part in parts):
            return " ".join(cast("list[str]", parts))
        case _:
            return value


def as_number(value: object) -> object:
    """A whole number for `"1"`, `1.0` and `"turn 1"`; 0 for what names none."""
    match value:
        case bool() | None:
            return 0
        case float():
            return int(value) if math.isfinite(value) else 0
        case str():
            found = re.search(r"-?\d{1,9}", value)
            return int(found.group()) if found else 0
        case [first, *_]:
            return as_number(first)
        case _:
            return value


def as_texts(value: object) -> object:
    """A list of strings for one string, or for None."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [] if value is None else value


def one_of(words: Iterable[str], default: str) -> Callable[[object], object]:
    """A reader for one of `words`. Another word, or none, is `default`: no reason to lose an entry."""
    known = frozenset(words)

    def choose(value: object) -> object:
        word = value.strip().casefold() if isinstance(value, str) else value
        return word if isinstance(word, str) and word in known else default

    return choose


def bare(schema: dict[str, Any]) -> None:
    """Leave out of a JSON schema what a model has no use for: every word of it is paid for."""
    schema.pop("description", None)
    for field in schema.get("properties", {}).values():
        field.pop("title", None)


def entries(
    value: object, *, key: str, names: Mapping[str, Sequence[str]], bare: str | None = None
) -> list[dict[str, Any]]:
    """The entries of an answer that should be `{key: [entry, ...]}`.

    `names` are the fields of an entry, each with other names that models give it; an entry is told by
    any of the fields. `bare` is the field that an entry is when it is only a string.

    Raises:
        ValueError: there are no entries, and the answer does not say plainly that there are none.
    """
    if value in ({key: []}, []):
        return []
    fields = {other: name for name, others in names.items() for other in (name, *others)}
    if isinstance(value, str) and _encoded(value) is None:
        found = _lines(value, fields, bare)
    else:
        found = [_renamed(entry, fields) for entry in _search(value, key, fields, bare, _DEPTH)]
    if not found:
        raise ValueError(f'expected {{"{key}": [...]}} with entries of {", ".join(names)}')
    return found


def _search(
    value: object, key: str, fields: Mapping[str, str], bare: str | None, depth: int
) -> Iterator[dict[str, Any]]:
    """Entries in the order they stand in, wherever they are."""
    if depth == 0:
        return
    match value:
        case {} if _is_entry(value, fields):
            yield {_folded(name): each for name, each in value.items()}
        case {}:
            inner = [each for name, each in value.items() if _folded(name) == key] or list(value.values())
            # Strings beside the entries are remarks; only under the right key, or by number, they are entries.
            known = all(_folded(name) == key or name.strip().isdigit() for name in value)
            for each in inner:
                meant = _encoded(each) if isinstance(each, str) and not known else each
                yield from _search(meant, key, fields, bare, depth - 1)
        case [*items]:
            for each in items:
                yield from _search(each, key, fields, bare, depth - 1)
        case str() if (inside := _encoded(value)) is not None:
            yield from _search(inside, key, fields, bare, depth - 1)
        case str() if bare and value.strip():
            yield {bare: value}
        case _:
            return


def _is_entry(value: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """Two fields make an entry; one could be a remark."""
    held = {fields[_folded(name)] for name, each in value.items() if _folded(name) in fields and _is_plain(each)}
    return len(held) >= 2


def _is_plain(value: object) -> bool:
    return not isinstance(value, Mapping) and not (
        isinstance(value, list) and any(isinstance(v, Mapping) for v in value)
    )


_FIELD = re.compile(
    r"""[\s*•+-]{0,12}(?:\d{1,3}[.)、]\s{0,4})?["'*_`]{0,3}([A-Za-z_]{2,20})["'*_`]{0,3}\s{0,4}[:：=](.*)"""
)
_BULLET = re.compile(r"\s{0,12}(?:[-*•+]|\d{1,3}[.)、])\s{1,4}(\S.*)")


def _lines(text: str, fields: Mapping[str, str], bare: str | None) -> list[dict[str, Any]]:
    """Entries written as lines of `field: value`, each begun by a field that the last one has already; or bullets."""
    found: list[dict[str, Any]] = []
    for line in text.splitlines():
        field = _FIELD.fullmatch(line)
        if field is None or (name := _folded(field[1])) not in fields:
            continue
        if not found or fields[name] in found[-1]:
            found.append({})
        found[-1][fields[name]] = field[2].strip(" \t\"'*`,")
    if found or bare is None:
        return found
    return [{bare: said[1].strip()} for line in text.splitlines() if (said := _BULLET.fullmatch(line))]


def _renamed(entry: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, Any]:
    """The entry by its proper names; a proper name outranks another one."""
    told = {fields[name]: each for name, each in entry.items() if name in fields and fields[name] != name}
    return told | {name: each for name, each in entry.items() if fields.get(name) == name}


def _folded(name: object) -> str:
    return re.sub(r"[\s-]+", "_", str(name).strip(" \t\n\"'*`_:")).casefold()


def _encoded(text: str) -> object:
    """What a string holds that is JSON itself; None for other strings."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return cast("object", json.loads(text))
    except (ValueError, RecursionError):
        return None
