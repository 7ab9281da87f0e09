"""The part of the user's API that tells what became of a write, while messages wait and after."""

from __future__ import annotations

from mnemic import inputs, present
from mnemic.engine import Handle
from mnemic.errors import NotFound
from mnemic.types import Episode, EventResult


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
        ids = [*dict.fromkeys([*(each.memory_id for each in done.events), *done.proven])]
        found = await engine.store.load([*done.episodes, *ids])
        episodes = [each for name in done.episodes if isinstance(each := found.get(name), Episode)]
        cited = await engine.store.citing([each.id for each in episodes]) if episodes else ()
        return present.became(done, episodes, found, cited)
