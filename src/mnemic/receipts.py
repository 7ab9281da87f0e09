"""The part of the user's API that tells what became of a write, while messages wait and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnemic import inputs, present
from mnemic.engine import Handle
from mnemic.errors import InvalidInput, NotFound, describe
from mnemic.inputs import UNSET, Id
from mnemic.protocols import Changed
from mnemic.types import Episode, EventResult, EventsResult, UntoldItem

_LARGEST_PAGE = 1000  # each is looked up by itself


class Receipts(Handle):
    """Methods of `AsyncMemory`."""

    async def event(self, change_id: str) -> EventResult:
        """What became of one write so far; the `change_id` stands in its receipt.

        Of an `add` with `wait="stored"`, `status` is PENDING until memories were made of all its messages, then
        SUCCEEDED, or FAILED where extraction of one of them was given up. Other changes have succeeded, or are not there.

        Raises:
            NotFound: no change has this id.

        >>> from mnemic import Memory
        >>> m = Memory(":memory:")
        >>> receipt = m.add("I live in Taipei.", user_id="alice")["receipt"]
        >>> m.event(receipt["change_id"])["status"]
        'SUCCEEDED'
        """
        wanted = inputs.record_id(change_id, "change_id")
        engine = await self._engine.ready()
        done = await engine.store.change(wanted)
        if done is None or not self._sees(done.change.scope):
            raise NotFound(wanted, what="change has the id", where="receipts and history() name them")
        return await self._became(done)

    async def events(
        self,
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        limit: int = 100,
        cursor: str | None = None,
    ) -> EventsResult:
        """Writes and what became of them, the newest first; `next_cursor` leads to the next page, of 1,000 at most.

        Raises:
            InvalidInput: a cursor that means nothing. InvalidScope: ids that are all empty.
        """
        whose = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        amount = min(inputs.count(limit, "limit"), _LARGEST_PAGE)
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        engine = await self._engine.ready()
        page = await engine.store.receipts(whose, limit=amount, cursor=cursor)
        found = [await engine.store.change(each.id) for each in page.changes]
        return {
            "results": [await self._became(done) for done in found if done is not None],
            "total": page.total,
            "next_cursor": page.next_cursor,
        }

    async def listen(self, *, wanted: bool = True) -> None:
        """Keep from now on what happens to memories of this project, for `untold`; or no longer, nor what is kept."""
        wanted = inputs.flag(wanted, "wanted")
        engine = await self._engine.ready()
        await engine.store.listen(engine.project, wanted=wanted)

    async def untold(self, limit: int = 100) -> list[UntoldItem]:
        """What happened while somebody listened and nobody was told of yet, of every project, the oldest first.

        It is written in the same transaction as the change, so that who tells others of it misses nothing: tell them,
        then say so with `told`. Whoever stops in between tells them again. What is erased is not told.
        """
        amount = inputs.count(limit, "limit")
        engine = await self._engine.ready()
        return [present.untold(each) for each in await engine.store.untold(amount)]

    async def told(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Forget that these of `untold` are to be told."""
        pairs = [
            (inputs.record_id(each["memory_id"]), inputs.record_id(each["id"]))
            for each in items
            if isinstance(each, Mapping) and "memory_id" in each and "id" in each
        ]
        if len(pairs) != len(items):
            raise InvalidInput(f"items must be results of untold(), not {describe(items)}")
        engine = await self._engine.ready()
        await engine.store.told(pairs)

    async def _became(self, done: Changed) -> EventResult:
        store = self._engine.store
        held = await store.load(done.episodes) if done.episodes else {}
        episodes = [each for name in done.episodes if isinstance(each := held.get(name), Episode)]
        if episodes:  # what they say has ended is written by now, which it may not have been before they were read
            done = await store.change(done.change.id) or done
        found = await store.load([*dict.fromkeys([*(each.memory_id for each in done.events), *done.proven])])
        cited = await store.citing([each.id for each in episodes]) if episodes else ()
        return present.became(done, episodes, found, cited)
