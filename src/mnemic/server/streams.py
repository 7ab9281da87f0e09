"""What happens to somebody's memories, as server-sent events that can be gone on with after a cut.

The log is read by the times at which the store learnt things, and a write that began early may be committed late. So
the place in a stream is no single line: it is a bound below which everything was told, and the few lines above it that
were told, too. It travels as the id of each event, and comes back as `Last-Event-ID`.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
from pydantic_core import to_json
from sse_starlette import ServerSentEvent

from mnemic import AsyncMemory
from mnemic.errors import InvalidInput, describe
from mnemic.types import HistoryItem

EVERY = 1.0
"""Seconds between two looks at the log."""

_LATE = timedelta(seconds=30)
"""How much later than it was decided a write is committed at the latest."""

_SLOW = timedelta(minutes=10)
"""How long a write is worked on at the latest, from the time it bears: twice as long as a worker may keep messages."""

_MOST_ABOVE = 200
"""Lines above the bound that an id names: 2.6 KB, which proxies let through. Where more are told within `_LATE`, the
bound follows sooner."""

_PAGE = 1000
_SHORT = 12
_PLACE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}(?:-[0-9a-f-]{22})?(?:\.[0-9a-f]{12}){0,200}")


@dataclass
class Place:
    """How far somebody was told. Lines are named by their ids, which sort by the time they were made."""

    below: str
    """Lines up to here were told: an id, or how the ids of a moment begin."""
    above: list[str] = field(default_factory=list)
    """Ids, or (of those told before a cut) their ends, of lines beyond it that were told. Whole ones are in order."""
    cut: str = ""
    """The lines before the cut were made before this."""

    def lacks(self, line: str) -> bool:
        """Whether a line was not told."""
        return line > self.below and line not in self.above and line[-_SHORT:] not in self.above

    def tell(self, line: str) -> None:
        """Note that it was."""
        insort(self.above, line)
        if len(self.above) > _MOST_ABOVE:
            self.settle(min(each for each in self.above if len(each) > _SHORT))

    def settle(self, below: str) -> None:
        """Nothing new comes up to here."""
        if below > self.below:
            self.below = below
            self.above = [each for each in self.above if (each if len(each) > _SHORT else self.cut) > below]

    @property
    def since(self) -> datetime:
        """From when on the log is to be read."""
        return datetime.fromtimestamp(int(self.below[:13].replace("-", ""), 16) / 1000, UTC) - _SLOW

    def __str__(self) -> str:
        return ".".join((self.below, *(each[-_SHORT:] for each in self.above)))


def place_at(moment: datetime) -> Place:
    """Before everything that is decided from this moment on."""
    return Place(_prefix(moment))


def place_of(given: str) -> Place:
    """The place that an event's id names.

    Raises:
        InvalidInput: it is none.
    """
    if not _PLACE.fullmatch(given):
        raise InvalidInput(f"Last-Event-ID must be the id of an event of this stream, not {describe(given)}")
    below, *above = given.split(".")
    return Place(below, above, cut=_prefix(datetime.now(UTC) + _LATE))


async def events(
    memory: AsyncMemory,
    ids: Mapping[str, Any],
    place: Place,
    *,
    goes_on: Callable[[], Awaitable[bool]],
    ended: anyio.Event,
    every: float = EVERY,
) -> AsyncIterator[ServerSentEvent]:
    """Each line of the log once, as it is there; first the place, so that who is cut off at once can go on from it.

    Until `goes_on` says no, or `ended` is set: the server stops.
    """
    yield ServerSentEvent(id=str(place), retry=round(every * 1000))
    while not ended.is_set() and await goes_on():
        began = datetime.now(UTC)
        async for line in _untold(memory, ids, place):
            place.tell(line["id"])
            yield ServerSentEvent(data=to_json(line).decode(), event=line["event"].lower(), id=str(place))
        place.settle(_prefix(began - _LATE))
        with anyio.move_on_after(every):
            await ended.wait()


async def _untold(memory: AsyncMemory, ids: Mapping[str, Any], place: Place) -> AsyncIterator[HistoryItem]:
    """Lines in the order of their ids. A line is made after the time it bears, so a page holds all made up to its end."""
    cursor, waiting, since = None, list[HistoryItem](), place.since
    while True:
        page = await memory.changes(since, **ids, limit=_PAGE, cursor=cursor)
        waiting += [line for line in page["results"] if place.lacks(line["id"])]
        waiting.sort(key=lambda line: line["id"])
        cursor = page["next_cursor"]
        end = None if cursor is None else _prefix(datetime.fromisoformat(page["results"][-1]["created_at"]))
        ready = [line for line in waiting if end is None or line["id"] < end]
        for line in ready:
            yield line
        del waiting[: len(ready)]
        if cursor is None:
            return


def _prefix(moment: datetime) -> str:
    """How ids that are made at a moment begin."""
    stamp = f"{max(int(moment.timestamp() * 1000), 0):012x}"
    return f"{stamp[:8]}-{stamp[8:]}"
