"""Everything `protocols.Store` promises, over transactions that an engine opens: each method is one of them.

Statements stand beside their use in the modules of this package; scope predicates and filters are written by
`predicates` and `filter` alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import date, datetime
from typing import Concatenate, ParamSpec, Self, TypeVar

from mnemic.errors import StoreUnavailable
from mnemic.protocols import (
    Around,
    Ask,
    Changed,
    Events,
    Found,
    Held,
    Log,
    Named,
    Order,
    Page,
    Piece,
    Probe,
    Receipts,
    Space,
    Untold,
    Vectors,
    Where,
    Write,
)
from mnemic.records import Line
from mnemic.stores.relational import dump, graph, past, queue, spaces, told, undo
from mnemic.stores.relational.around import around
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.delete import delete_scope
from mnemic.stores.relational.people import people
from mnemic.stores.relational.profile import foremost
from mnemic.stores.relational.read import Reader, is_by_keys
from mnemic.stores.relational.verify import verify
from mnemic.stores.relational.write import commit
from mnemic.types import Change, Entity, Episode, EpisodeState, HistoryEvent, Memory, Record, Scope, Usage

_LOOK_AGAIN = 1.0
"""Seconds after which to look for what other processes wrote: soon for a person, and a question of a millisecond."""

P = ParamSpec("P")
R = TypeVar("R")


class RelationalStore:
    """What all stores in a relational database have in common. An engine says how to read and to write."""

    @property
    def address(self) -> str:
        """Where it is."""
        raise NotImplementedError

    async def _read(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step on one snapshot."""
        raise NotImplementedError

    async def _write(self, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a step in one transaction that is committed, or leaves nothing."""
        raise NotImplementedError

    async def _write_all(self, step: Callable[Concatenate[Db, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for what concerns every project, whichever one the store was opened for."""
        return await self._write(step, *args, **kwargs)

    async def _read_all(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """One snapshot of every project."""
        return await self._read(step, *args, **kwargs)

    def within(self, project: str | None) -> Self:  # noqa: ARG002 - every statement names its project
        """The same store: nothing of a file's is kept from who has it open."""
        return self

    async def _look_up(self, step: Callable[Concatenate[Reader, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for a step whose statements all look up rows by their keys, whatever the values."""
        return await self._read(step, *args, **kwargs)

    async def space(self) -> Space | None:
        """The active embedding space."""
        return await self._read(Reader.space)

    async def use_space(self, space: Space) -> None:
        """Declare the embedding space, or confirm it."""
        if await self._read(Reader.space) != space:
            await self._write(spaces.use_space, space)

    async def missing(self, space: Space, limit: int, *, after: int = -1) -> list[Piece]:
        """Records without vectors in a space."""
        return await self._read_all(lambda reader: spaces.missing(reader.db, space, limit, after))

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """One transaction."""
        await self._write_all(spaces.reembed, space, vectors)

    async def activate(self, space: Space, *, leaving: int = 0) -> bool:
        """One transaction."""
        return await self._write_all(spaces.activate, space, leaving)

    async def commit(self, write: Write) -> None:
        """One transaction."""
        await self._write(commit, write)

    async def around(self, ask: Ask) -> Around:
        """One read snapshot."""
        return await self._read(around, ask)

    async def find(self, probe: Probe) -> Found:
        """One read snapshot."""
        read = self._look_up if is_by_keys(probe) else self._read
        return await read(Reader.find, probe)

    async def load(self, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Record]:
        """Records by id."""
        return await (self._look_up if known_at is None else self._read)(Reader.load, ids, known_at)

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Of the active space."""
        return await self._read(Reader.vectors, ids)

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by key."""
        return await self._read(Reader.standing, scope, keys)

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes by the caller's ids."""
        return await self._read(Reader.taken, scope, external_ids)

    async def page(self, where: Where, *, limit: int, cursor: str | None, order: Order = "newest") -> Page:
        """One read snapshot."""
        return await self._read(Reader.page, where, limit, cursor, order)

    async def foremost(self, where: Where, *, attributes: Sequence[str], limit: int | None) -> Page:
        """Rows of what is shown only."""
        return await self._read(foremost, where, attributes, limit)

    async def log(self, scope: Scope, states: Sequence[EpisodeState], *, limit: int, cursor: str | None) -> Log:
        """Newest first."""
        return await self._read(Reader.log, scope, states, limit, cursor)

    async def receipts(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Receipts:
        """Newest first."""
        return await self._read(lambda reader: told.receipts(reader.db, scope, limit, cursor))

    async def listen(self, project: str, *, wanted: bool = True) -> None:
        """One transaction."""
        await self._write(told.listen, project, wanted)

    async def untold(self, limit: int) -> tuple[Untold, ...]:
        """Of all projects."""
        return await self._read_all(lambda reader: told.untold(reader.db, limit))

    async def told(self, events: Sequence[tuple[str, str]]) -> None:
        """One transaction."""
        await self._write_all(told.told, events)

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        return await self._read(Reader.history, memory_id)

    async def changes(
        self, scope: Scope, *, since: datetime, until: datetime | None = None, limit: int, cursor: str | None = None
    ) -> Events:
        """Events by time."""
        return await self._read(lambda reader: past.changes(reader.db, scope, since, until, limit, cursor))

    async def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """Versions by slot."""
        return await self._read(Reader.slot, scope, slot)

    async def change(self, change_id: str) -> Changed | None:
        """A change and its traces."""
        return await self._read(lambda reader: undo.change(reader.db, change_id))

    async def citing(self, episode_ids: Sequence[str], *, superseded: bool = False) -> tuple[Memory, ...]:
        """Memories by source."""
        return await self._read(Reader.citing, episode_ids, superseded=superseded)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """Oldest first."""
        return await self._read(Reader.last_turns, scope, limit)

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """One transaction: of two workers that ask at once, one waits for the other's choice."""
        return await self._write(queue.lease, now, until, limit, scope)

    async def renew(self, held: Mapping[str, int], *, until: datetime) -> None:
        """One transaction."""
        await self._write(queue.renew, held, until)

    async def due(self, scope: Scope | None = None) -> datetime | None:
        """When to call `lease`."""
        return await self._read(lambda reader: queue.due(reader.db, scope))

    async def wait_for_pending(self, seconds: float) -> None:
        """A pause: nobody tells of what other processes write."""
        await asyncio.sleep(min(seconds, _LOOK_AGAIN))

    def turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - nobody is waited for
        """Nobody waits: decisions are few, and quick."""
        return nullcontext()

    async def spent(self, project: str, day: date) -> Usage:
        """A project's day."""
        return await self._read(Reader.spent, project, day)

    async def entities(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Named:
        """Most named first."""
        return await self._read(lambda reader: graph.entities(reader.db, scope, limit, cursor))

    async def naming(self, scope: Scope, entity_ids: Sequence[str]) -> Named:
        """What is said of some entities."""
        return await self._read(lambda reader: graph.naming(reader.db, scope, entity_ids))

    async def resolve(self, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
        """Entities by name or id."""
        return await self._read(lambda reader: graph.resolve(reader.db, scope, keys))

    async def people(self, project: str) -> list[Held]:
        """Counted where the rows are."""
        return await self._read(lambda reader: people(reader.db, project))

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """One transaction, however many rows."""
        return await self._write(delete_scope, scope, change, reason)

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Compare rows, index and links."""
        return await self._read(verify)

    async def export(self, scope: Scope, take: dump.Take, *, vectors: bool = True) -> None:
        """One snapshot. Where the server goes away meanwhile, nothing is told twice."""
        await self._read(once(lambda reader: dump.dump(reader.db, scope, take, vectors=vectors), self.address))

    async def lacks(self, lines: Sequence[Line], project: str) -> list[Line]:
        """Looked up by their ids."""
        return await self._read(lambda reader: dump.lacks(reader.db, lines, project))

    async def import_(self, lines: Sequence[Line], project: str, space: Space | None) -> int:
        """One transaction."""
        return await self._write(dump.take_in, lines, project, space)


def once(step: Callable[[Reader], R], address: str) -> Callable[[Reader], R]:
    """A step that tells what it reads as it goes, and so cannot be run again where a server went away meanwhile."""
    begun = False

    def run(reader: Reader) -> R:
        nonlocal begun
        if begun:
            raise StoreUnavailable(f"{address} went away while it was read; repeat it")
        begun = True
        return step(reader)

    return run
