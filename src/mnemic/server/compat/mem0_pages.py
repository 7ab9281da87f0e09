"""Pages by number, on listings that go on by cursors."""

from __future__ import annotations

import json
import time
from collections import OrderedDict

from mnemic import AsyncMemory
from mnemic.server.compat.mem0_requests import Listing
from mnemic.types import MemoryItem

_KEPT = 60.0  # seconds in which who turns pages goes on from where she was
_MOST_LISTINGS = 1000  # of some hundred bytes
_CHUNK = 10_000  # what `get_all` gives at most


class Pages:
    """Where listings that are being turned stand, so that a page costs what it shows and not what lies before it."""

    def __init__(self) -> None:
        self._cursors: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()

    async def turn(self, memory: AsyncMemory, listing: Listing) -> tuple[list[MemoryItem], int]:
        """One page, and how many memories there are on all of them.

        Raises:
            InvalidInput, InvalidScope, InvalidFilter.
        """
        cursor, skip = self._begin(memory, listing)
        while skip:
            passed = await memory.get_all(**listing.asked, limit=min(skip, _CHUNK), cursor=cursor)
            skip, cursor = skip - len(passed["results"]), passed["next_cursor"]
            if cursor is None:
                return [], passed["total"]
        found = await memory.get_all(**listing.asked, limit=listing.size, cursor=cursor)
        if found["next_cursor"] is not None:
            self._keep(_key(memory, listing, listing.page + 1), found["next_cursor"])
        return found["results"], found["total"]

    def _begin(self, memory: AsyncMemory, listing: Listing) -> tuple[str | None, int]:
        """Where to begin, and how many to pass over from there."""
        known = self._cursors.get(_key(memory, listing, listing.page))
        if known is not None and known[1] > time.monotonic():
            return known[0], 0
        return None, (listing.page - 1) * listing.size

    def _keep(self, key: tuple[str, str], cursor: str) -> None:
        self._cursors[key] = (cursor, time.monotonic() + _KEPT)
        self._cursors.move_to_end(key)
        if len(self._cursors) > _MOST_LISTINGS:
            self._cursors.popitem(last=False)


def _key(memory: AsyncMemory, listing: Listing, page: int) -> tuple[str, str]:
    return memory.project, json.dumps([listing.asked, listing.size, page], sort_keys=True)
