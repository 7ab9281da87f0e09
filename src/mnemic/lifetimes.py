"""What was known at a moment, and what held at a moment. Pure.

A version of a memory has two lives. We knew it from `known_from` to `known_to`; what it says held from
`valid_from` to `valid_to` (not included), where a missing end is open. The rules:

- At a moment K of ours, the version of a memory that counts is the last one known by then. It stands when
  it was not closed by K. It is superseded when another memory had taken its place by K. Deleted, merged or
  undone by K, it is gone. What was deleted after K stood at K; what was forgotten is never seen again.
- At a moment W of the world, what stands holds when W lies in its interval. A superseded memory holds when
  the end of its interval is known and W lies before it: without an end it was never true (a correction
  showed that), or nobody knows until when it was. A former version of one memory never held: it was put right.
- A memory that does not say since when holds from the moment that what it took the place of ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mnemic.types import Memory


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseded:
    """That another memory took a version's place, until that was taken back or it was deleted."""

    by: str | None
    valid_to: datetime | None
    until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Lifetime:
    """When a version was known and held, as a store keeps it."""

    id: str
    version: int
    known_from: datetime
    known_to: datetime | None
    valid_from: datetime | None
    valid_to: datetime | None
    valid_before: datetime | None
    """`valid_to` as it was before the version was closed."""
    reason: str | None
    """As `Memory.retire_reason`."""
    by: str | None
    """As `Memory.retired_by`."""
    was: Superseded | None = None
    """How it had been superseded before it came back, or went for good."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A version that counted at a moment, as it was known then."""

    version: int
    since: datetime | None
    """When it began to hold: as it says, or when what it took the place of ended; None: since ever."""
    valid_to: datetime | None
    known_to: datetime | None = None
    """Of a superseded one: since when it is that."""
    retired_by: str | None = None
    late: bool = False
    """It was closed only after the moment."""

    def of(self, memory: Memory) -> Memory:
        """The memory, a stored version of this number, as it was known then."""
        return replace(
            memory,
            valid_to=self.valid_to,
            known_to=self.known_to,
            retired_by=self.retired_by,
            retire_reason=None if self.known_to is None else "superseded",
            updated_at=memory.known_from if self.late else memory.updated_at,
        )


def standing(
    lives: Iterable[Lifetime], *, as_of: datetime | None, known_at: datetime | None, superseded: bool
) -> dict[str, Seen]:
    """By memory, the version that a question about the past may find.

    `superseded`: also those whose place another memory had taken by then; with `as_of`, such as held then.
    """
    return {
        name: seen
        for name, seen in known(lives, known_at).items()
        if (superseded or seen.known_to is None) and (as_of is None or _held(seen, as_of))
    }


def _held(seen: Seen, at: datetime) -> bool:
    if seen.since is not None and at < seen.since:
        return False
    return seen.known_to is None if seen.valid_to is None else at < seen.valid_to


def known(lives: Iterable[Lifetime], at: datetime | None) -> dict[str, Seen]:
    """By memory, the version that stood or was superseded at `at` (None: now)."""
    last: dict[str, Lifetime] = {}
    forgotten = set()
    for each in lives:
        if each.reason == "forgotten":
            forgotten.add(each.id)
        by_then = at is None or each.known_from <= at
        if by_then and (each.id not in last or last[each.id].version < each.version):
            last[each.id] = each
    ends = _ends(last.values(), at)
    found = {name: _seen(each, at, ends.get(name)) for name, each in last.items() if name not in forgotten}
    return {name: seen for name, seen in found.items() if seen is not None}


def _ends(last: Iterable[Lifetime], at: datetime | None) -> dict[str, datetime]:
    """By memory, the end of what it had taken the place of by then, whatever became of that later."""
    ends: dict[str, datetime] = {}
    for each in last:
        if _stood(each, at):
            continue
        by, end = (each.was.by, each.was.valid_to) if each.was is not None else (each.by, each.valid_to)
        replaced = each.was is not None or each.reason == "superseded"
        if replaced and by is not None and end is not None:
            ends[by] = max(ends.get(by, end), end)
    return ends


def _stood(life: Lifetime, at: datetime | None) -> bool:
    return life.known_to is None or (at is not None and life.known_to > at)


def _seen(life: Lifetime, at: datetime | None, replaced_until: datetime | None) -> Seen | None:
    since = life.valid_from or replaced_until
    if _stood(life, at):
        late = life.known_to is not None
        valid_to = life.valid_before if late else life.valid_to
        return Seen(version=life.version, since=since, valid_to=valid_to, late=late)
    if life.reason == "superseded":
        valid_to, by = life.valid_to, life.by
    elif life.was is not None and at is not None and at < life.was.until:
        valid_to, by = life.was.valid_to, life.was.by
    else:
        return None
    return Seen(version=life.version, since=since, valid_to=valid_to, known_to=life.known_to, retired_by=by)
