"""What a store holds, as lines that any store writes and any store takes.

A line is a kind and its fields: plain JSON values, named as in the tables of the stores, and those that are not set
left out. What belongs to one record stands in its line: a memory's sources, those taken from it, runs, history, feedback,
mentions and relations in that of its oldest version, an entity's names and a change's moves in theirs. Numbers that
place a row in one store stand in none.
"""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, get_args

from mnemic import text
from mnemic.errors import describe
from mnemic.ids import partition_of
from mnemic.sameness import Trace
from mnemic.types import KINDS, ROLES, SCOPE_IDS, Episode, EpisodeState, Memory, Scope, Task

Fields = dict[str, Any]
Line = tuple[str, Fields]

WHOLE = " "
"""Among a change's moves in the place of a folded name, which this never is: the entity left what it was part of."""

_Check = Callable[[Any], bool]


def check(kind: str, fields: Fields, project: str) -> None:
    """Raise ValueError, saying what is wrong, unless a store can keep the line as it is."""
    known = _KNOWN.get(kind)
    if known is None:
        raise ValueError(f"there is no kind of record called {describe(kind)}")
    _check_fields(known, fields, kind)
    if kind == "usage":
        return
    scope = scope_of(fields, project)
    partition = partition_of(fields["id"])
    if partition is None:
        raise ValueError(f"{describe(fields['id'])} is not an id of Mnemic's")
    if kind != "change" and (not scope.ids or partition != scope.partition):
        raise ValueError(f"the {kind} {fields['id']} does not belong to whose it says it is")
    if kind == "memory" and fields["current"] == ("known_to" in fields):
        raise ValueError(f"the memory {fields['id']} is to be current, or to say until when it was")


def shorten(fields: Fields) -> None:
    """Names' keys and slots of a checked line, which were as long as names were once, as they are made now."""
    if "slot" in fields:
        fields["slot"] = text.bounded(fields["slot"])
    for part in ("moves", "names", "mentions", "relations"):
        for each in fields.get(part, ()):
            each.update({name: text.bounded(each[name]) for name in _KEYS if name in each})


_KEYS = ("key", "subject_key", "object_key")


def scope_of(fields: Mapping[str, Any], project: str) -> Scope:
    """Whose a line is."""
    return Scope(project=project, **{name: fields.get(name) for name in SCOPE_IDS})


def key_of(line: Line) -> tuple[Any, ...]:
    """What tells a line from all others of its project."""
    kind, fields = line
    return (kind, fields["day"]) if kind == "usage" else (kind, fields["id"], fields.get("version"))


def episode_of(fields: Mapping[str, Any], project: str) -> Episode:
    """The message in a line."""
    return Episode(
        id=fields["id"],
        scope=scope_of(fields, project),
        role=fields["role"],
        actor=fields.get("actor_id"),
        content=fields["content"],
        said_at=datetime.fromisoformat(fields["said_at"]),
        received_at=datetime.fromisoformat(fields["received_at"]),
        metadata=fields["metadata"],
        state=fields["state"],
        attempts=fields["attempts"],
        leased=fields["leased"],
        due_at=_moment(fields.get("due_at")),
        task=None if "task" not in fields else _task(fields["task"]),
        **_same(fields, "reason", "change_id", "external_id", "seen"),
    )


def memory_of(fields: Mapping[str, Any], project: str) -> Memory:
    """The version of a memory in a line, without what belongs to all its versions."""
    times: Fields = {name: datetime.fromisoformat(fields[name]) for name in ("created_at", "updated_at", "known_from")}
    for name in ("valid_from", "valid_to", "known_to", "expires_at", "said_at"):
        times[name] = _moment(fields.get(name))
    return Memory(
        id=fields["id"],
        version=fields["version"],
        scope=scope_of(fields, project),
        kind=fields["kind"],
        text=fields["text"],
        actor=fields.get("actor_id"),
        categories=tuple(fields["categories"]),
        metadata=fields["metadata"],
        confidence=fields["confidence"],
        origin=fields["origin"],
        pinned=fields["pinned"],
        rating=fields["rating"],
        proof_count=fields["proof_count"],
        **times,
        **_same(
            fields,
            "precision",
            "subject",
            "attribute",
            "object",
            "slot",
            "attributed_to",
            "role",
            "retired_by",
            "retire_reason",
            "seen",
        ),
    )


def indexed(line: Line, project: str) -> str | None:
    """The text whose vectors belong to a line; None where it has none of its own."""
    kind, fields = line
    if kind == "episode":
        return episode_of(fields, project).indexed
    if kind == "memory" and "shares" not in fields:
        return memory_of(fields, project).indexed
    return None


def _task(fields: Mapping[str, Any]) -> Task:
    return Task(
        expires_at=_moment(fields.get("expires_at")),
        categories=tuple(fields.get("categories", ())),
        instructions=fields.get("instructions"),
        choices=fields.get("choices", {}),
    )


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _same(fields: Mapping[str, Any], *names: str) -> Fields:
    return {name: fields.get(name) for name in names}


# What a field may be. A name that ends in "?" may be missing.


def _words(value: Any) -> bool:
    return isinstance(value, str) and "\x00" not in value and (value.isascii() or text.scalar(value) == value)


def _name(value: Any) -> bool:
    """What is looked up by, as long as an index of any database takes."""
    return _words(value) and len(value.encode()) <= _LONGEST_NAME


def _names(value: Any) -> bool:
    return isinstance(value, list) and all(map(_name, value))


_LONGEST_NAME = 1_024  # 256 characters of any script


def _time(value: Any) -> bool:
    """A moment just as the stores write it: what they compare and sort is its text."""
    return _offset(value) is not None


def _utc(value: Any) -> bool:
    """One whose text sorts by it."""
    return _offset(value) == timedelta(0)


def _offset(value: Any) -> timedelta | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.utcoffset() if moment.isoformat() == value else None


def _day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


_LARGEST = (1 << 31) - 1  # what a column holds in every database


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _one_of(*words: str) -> _Check:
    return lambda value: isinstance(value, str) and value in words


def _labels(value: Any) -> bool:
    return isinstance(value, list) and all(map(_words, value))


def _json(value: Any) -> bool:
    """An object that the stores can write as it is."""
    if not isinstance(value, dict):
        return False
    try:
        _STRICT.encode(value)
        return all(map(_words, _strings(value)))
    except (ValueError, TypeError, RecursionError):
        return False


_STRICT = json.JSONEncoder(allow_nan=False)


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _print(value: Any) -> bool:
    """What a tombstone keeps: all that is compared of a statement, and perhaps its vector."""
    if not _json(value) or not _TRACE.keys() <= value.keys():
        return False
    return all(passes(value[name]) for name, passes in (_TRACE | _BESIDE).items() if name in value)


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, int) and not isinstance(each, bool) for each in value)


def _words_or_none(value: Any) -> bool:
    return value is None or _words(value)


def _halves(value: Any) -> bool:
    """Numbers of two bytes each."""
    try:
        return isinstance(value, str) and len(base64.b64decode(value, validate=True)) % 2 == 0
    except ValueError:
        return False


_TRACE_TYPES: dict[str, _Check] = {
    "frozenset[int]": _numbers, "tuple[int, ...]": _numbers, "frozenset[str]": _labels, "bool": _flag,
    "str | None": _words_or_none,
}  # fmt: skip
_TRACE: dict[str, _Check] = {each.name: _TRACE_TYPES[str(each.type)] for each in dataclasses.fields(Trace)}
_BESIDE: dict[str, _Check] = {"vector": _halves, "side": _words}


def _wish(value: Any) -> bool:
    """A task."""
    known = {"expires_at": _utc, "categories": _labels, "instructions": _words, "choices": _json}
    return isinstance(value, dict) and all(name in known and known[name](each) for name, each in value.items())


def _each(table: Mapping[str, _Check]) -> _Check:
    """A list of what belongs to a record."""
    known = _known(table)

    def all_pass(value: Any) -> bool:
        if not isinstance(value, list):
            return False
        for each in value:
            if not isinstance(each, dict):
                return False
            _check_fields(known, each, "part of the record")
        return True

    return all_pass


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Known:
    """Fields of a kind of line."""

    checks: Mapping[str, _Check]
    needed: frozenset[str]


def _known(table: Mapping[str, _Check]) -> _Known:
    return _Known(
        checks={name.removesuffix("?"): passes for name, passes in table.items()},
        needed=frozenset(name for name in table if not name.endswith("?")),
    )


def _check_fields(known: _Known, fields: Fields, what: str) -> None:
    checks = known.checks
    if known.needed <= fields.keys() <= checks.keys() and all(checks[name](fields[name]) for name in fields):
        return
    for plain, passes in checks.items():  # what is wrong is told in the order of the table
        if plain not in fields:
            if plain in known.needed:
                raise ValueError(f"the {what} has no {plain!r}")
        elif not passes(fields[plain]):
            raise ValueError(f"the {plain!r} of the {what} cannot be {describe(fields[plain])}")
    for name in fields:
        if name not in checks:
            raise ValueError(f"a {what} has no field {describe(name)}")


def _anything(value: Any) -> bool:  # noqa: ARG001 - the shape of a check
    return True


_WHOSE: dict[str, _Check] = {f"{name}?": _name for name in SCOPE_IDS}

_SOURCE = {"episode_id": _name, "quote": _words, "change_id?": _name}
_UNPROVEN = {**_SOURCE, "taken_by": _name, "given_by?": _name, "counted": _number}
_EVENT = {
    "id": _name, "version": _number, "event": _one_of("ADD", "UPDATE", "DELETE"), "old_text?": _words,
    "new_text?": _words, "at": _utc, "change_id": _name, "actor": _words, "reason?": _words,
}  # fmt: skip
_FEEDBACK = {"id": _name, "version": _number, "word": _words, "reason?": _words, "at": _time}
_MENTION = {"entity_id": _name, "key": _words}
_RELATION = {
    "subject_id": _name, "subject_key": _words, "predicate": _name, "object_id": _name, "object_key": _words
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, _Check]] = MappingProxyType({
    "change": {
        "id": _name, **_WHOSE, "kind": _words, "at": _time, "undone_by?": _name,
        "moves?": _each({"key": _words, "source": _name, "target": _name}),
    },
    "usage": {
        "day": _day, "model_calls": _count, "input_tokens": _count, "output_tokens": _count, "embeddings": _count,
    },
    "tombstone": {"id": _name, **_WHOSE, "at": _time, "change_id": _name, "slot?": _words, "print": _print},
    "entity": {
        "id": _name, **_WHOSE, "kind": _words, "name": _words, "created_at": _time, "merged_into?": _name,
        "merged_by?": _name, "names?": _each({"key": _words, "text": _words, "at": _time}),
    },
    "episode": {
        "id": _name, **_WHOSE, "role": _one_of(*ROLES), "actor_id?": _words, "content": _words, "said_at": _time,
        "received_at": _time, "metadata": _json, "state": _one_of(*get_args(EpisodeState)), "reason?": _words,
        "attempts": _number, "external_id?": _name, "due_at?": _utc, "leased": _flag, "task?": _wish,
        "change_id?": _name, "seen?": _words, "changed_by?": _name, "state_before?": _one_of(*get_args(EpisodeState)),
        "reason_before?": _words, "before?": _name, "vectors?": _anything,
    },
    "memory": {
        "id": _name, **_WHOSE, "version": _number, "current": _flag, "once?": _name, "kind": _one_of(*KINDS),
        "text": _words, "subject?": _words, "attribute?": _words, "object?": _words, "slot?": _words,
        "categories": _labels, "metadata": _json, "confidence": _share, "origin": _words, "attributed_to?": _words,
        "actor_id?": _words, "role?": _words, "valid_from?": _time, "valid_to?": _time, "valid_before?": _time,
        "precision?": _words, "known_from": _time, "known_to?": _time, "retired_by?": _name, "retire_reason?": _words,
        "superseded_by?": _name, "superseded_to?": _time, "superseded_until?": _time, "expires_at?": _utc,
        "pinned": _flag, "rating": _number, "proof_count": _number, "said_at?": _time, "created_at": _time,
        "updated_at": _time, "seen?": _words, "shares?": _name, "turn?": _name, "vectors?": _anything,
        "sources?": _each(_SOURCE), "unproven?": _each(_UNPROVEN), "runs?": _names, "history?": _each(_EVENT), "feedback?": _each(_FEEDBACK),
        "mentions?": _each(_MENTION), "relations?": _each(_RELATION),
    },
})  # fmt: skip
"""By kind, the fields of a line and what each may be. `shares`: the message whose place in the index it has.
`before` and `turn`: the message before, and the one a memory was taken from. `vectors`: its own, one a window."""

_KNOWN = {kind: _known(table) for kind, table in TABLES.items()}

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    kind: tuple(
        name.removesuffix("?") for name in table
        if name.removesuffix("?") not in {
            "moves", "names", "before", "vectors", "shares", "turn", "sources", "unproven", "runs", "history",
            "feedback", "mentions", "relations",
        }
    )
    for kind, table in TABLES.items()
})  # fmt: skip
"""Of each kind the fields that are a column of its table."""
