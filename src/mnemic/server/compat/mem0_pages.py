"""Pages by number, on listings that go on by cursors."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from dataclasses import dataclass

from mnemic import AsyncMemory
from mnemic.server.compat.mem0_requests import Listing
from mnemic.types import ListResult, MemoryItem

_KEPT = 60.0  # seconds in which who turns pages goes on from where she was
_MOST_LISTINGS = 1000  # of some hundred bytes
_CHUNK = 10_000  # what `get_all` gives at most


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a page begins."""

    cursor: str
    first: str | None
    """The memory at the front of the whole list when it was begun."""
    total: int
    until: float


class Pages:
    """Where listings that are being turned stand, so that a page costs what it shows and not what lies before it.

    Each process remembers its own. Where several answer, the page before may have come from another one, which saw
    another list; so a place is gone on from only while the list still begins and counts as it did. Else, and where no
    place is known, what lies before is counted from the front.
    """

    def __init__(self) -> None:
        self._places: OrderedDict[tuple[str, str], _Place] = OrderedDict()

    async def turn(self, memory: AsyncMemory, listing: Listing, *, alone: bool) -> tuple[list[MemoryItem], int]:
        """One page, and how many memories there are on all of them; `alone` says that no other process answers.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        known = self._places.get(_key(memory, listing, listing.page))
        if known is not None and (
            known.until < time.monotonic() or not (alone or await _holds(memory, listing, known))
        ):
            known = None
        first, cursor = (None, None) if known is None else (known.first, known.cursor)
        skip = (listing.page - 1) * listing.size if known is None else 0
        while skip:
            passed = await memory.get_all(**listing.asked, limit=min(skip, _CHUNK), cursor=cursor)
            first = first or _front(passed)
            skip, cursor = skip - len(passed["results"]), passed["next_cursor"]
            if cursor is None:
                return [], passed["total"]
        found = await memory.get_all(**listing.asked, limit=listing.size, cursor=cursor)
        if found["next_cursor"] is not None:
            until = time.monotonic() + _KEPT
            place = _Place(cursor=found["next_cursor"], first=first or _front(found), total=found["total"], until=until)
            self._keep(_key(memory, listing, listing.page + 1), place)
        return found["results"], found["total"]

    def _keep(self, key: tuple[str, str], place: _Place) -> None:
        self._places[key] = place
        self._places.move_to_end(key)
        if len(self._places) > _MOST_LISTINGS:
            self._places.popitem(last=False)


async def _holds(memory: AsyncMemory, listing: Listing, place: _Place) -> bool:
    now = await memory.get_all(**listing.asked, limit=1)
    return (_front(now), now["total"]) == (place.first, place.total)


def _front(page: ListResult) -> str | None:
    return page["results"][0]["id"] if page["results"] else None


def _key(memory: AsyncMemory, listing: Listing, page: int) -> tuple[str, str]:
    return memory.project, json.dumps([listing.asked, listing.size, page], sort_keys=True)
