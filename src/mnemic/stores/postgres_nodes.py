"""A PostgreSQL address that may be one database, or the coordinator of several: each call goes where its rows are.

All of one user is in one partition, and an id says its partition: what names a user or an id goes straight to their
node, by the map in the coordinator's catalog (`postgres_map`). What names neither is asked of every node and joined: sums,
orders that hold over all, searches ranked on each node by itself. What would have to be one transaction over several
nodes is refused, with the addresses of the nodes. Each node is a `PostgresStore`, opened with the first call for it; nothing
else speaks to a database here.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import reduce
from operator import add, attrgetter, or_
from typing import TypeVar

from mnemic.errors import Closed, InvalidInput, InvalidScope, StoreError, StoreUnavailable, describe
from mnemic.ids import partition_of
from mnemic.protocols import (
    Around,
    Ask,
    Changed,
    Counts,
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
from mnemic.stores.paging import cursor_after, sort_key
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.postgres_db import Session
from mnemic.stores.postgres_map import NodeMap, node_map
from mnemic.stores.postgres_url import timeout_of, without_password
from mnemic.stores.relational.db import partition_at
from mnemic.stores.relational.people import united
from mnemic.stores.relational.rows import utc
from mnemic.types import Change, Entity, Episode, EpisodeState, HistoryEvent, Memory, Record, Scope, Usage

R = TypeVar("R")

_PATIENCE = 5.0
"""Seconds that who looks for pending messages everywhere waits for a node, before it goes on with the others."""


class PostgresNodes:
    """Implements `protocols.Store` on one database, or on the nodes behind a coordinator.

    Args:
        url: as `PostgresStore` takes it; that of a coordinator, where there is one.
        project, timeout: as there.
        shared: what another one has opened, and closes.
    """

    def __init__(
        self, url: str, *, project: str | None = None, timeout: float | None = None, shared: _Shared | None = None
    ) -> None:
        self._url = url
        self._address = without_password(url)
        self._project = project
        self._timeout = timeout or timeout_of(url)
        self._shared = _Shared() if shared is None else shared
        self._borrowed = shared is not None
        self._views: dict[int, PostgresStore] = {}

    @property
    def address(self) -> str:
        """The URL without the password."""
        return self._address

    def within(self, project: str | None) -> PostgresNodes:
        """The same connections, in whose transactions the databases show one project."""
        return PostgresNodes(self._url, project=project, timeout=self._timeout, shared=self._shared)

    async def open(self) -> None:
        """Connect, and learn whether there are several nodes; these are connected to when they are needed."""
        if self._shared.nodes:
            return
        first = _First(self._url, project=self._project, timeout=self._timeout)
        await first.open()
        if first.map is None:
            self._shared.nodes = [_Node(name="", store=first, opened=True)]
            return
        await first.close()
        self._shared.node_of = first.map.node_of
        self._shared.nodes = [
            _Node(name=name, store=PostgresStore(url, project=self._project, timeout=self._timeout))
            for name, url in zip(first.map.names, first.map.urls, strict=True)
        ]

    async def close(self) -> None:
        """Close every node that was opened."""
        if self._borrowed:
            return
        nodes, self._shared.nodes = self._shared.nodes, []
        for node in nodes:
            if node.late is not None:
                node.late.cancel()
                await asyncio.wait([node.late])
            await node.store.close()

    # Where rows are.

    @property
    def nodes(self) -> tuple[str, ...]:
        """The address of each node, without its password; of one database, its own."""
        return tuple(node.store.address for node in self._all)

    def node(self, scope: Scope) -> int:
        """The number of the node that has all rows of a scope's owner; of nobody's, the first."""
        return self._shared.node_of[scope.partition] if len(self._all) > 1 and scope.owner else 0

    def node_of_id(self, record_id: str) -> int:
        """The number of the node that a record is on; of what is no id of ours, the first."""
        partition = partition_of(record_id)
        return 0 if partition is None or len(self._all) == 1 else self._shared.node_of[partition]

    def store(self, node: int) -> PostgresStore:
        """A node by itself, whether it is open or not."""
        return self._all[node].store

    @property
    def _all(self) -> list[_Node]:
        if not self._shared.nodes:
            raise Closed("this store is closed; make a new Memory to use it again")
        return self._shared.nodes

    def _home(self, scope: Scope) -> int | None:
        """The node that has every row a scope names; None: any may have some."""
        return self.node(scope) if scope.user_id is not None or len(self._all) == 1 else None

    async def _at(self, number: int) -> PostgresStore:
        node = self._all[number]
        if not node.opened:
            async with node.opening:
                if not node.opened:
                    await node.store.open()
                    node.opened = True
        if not self._borrowed:
            return node.store
        if number not in self._views:
            self._views[number] = node.store.within(self._project)
        return self._views[number]

    async def _ask(self, number: int, call: Callable[[PostgresStore], Awaitable[R]]) -> R:
        return await call(await self._at(number))

    async def _every(self, call: Callable[[PostgresStore], Awaitable[R]]) -> list[R]:
        """The answers of all nodes, which are asked at once."""
        return await asyncio.gather(*(self._ask(number, call) for number in range(len(self._all))))

    async def _each(self, ids: Iterable[str], call: Callable[[PostgresStore, list[str]], Awaitable[R]]) -> list[R]:
        """The answers of the nodes that some ids are on; without any, that of the first."""
        wanted: dict[int, list[str]] = defaultdict(list)
        for each in ids:
            wanted[self.node_of_id(each)].append(each)

        async def ask(number: int, some: list[str]) -> R:
            return await call(await self._at(number), some)

        return await asyncio.gather(*(ask(number, some) for number, some in (wanted or {0: []}).items()))

    def _too_wide(self, what: str) -> InvalidScope:
        return InvalidScope(
            f"{what} is one transaction, and without a user_id what it names may be on {len(self._all)} nodes: name a"
            f" user, or open each node by itself: {', '.join(self.nodes)}"
        )

    def _only(self, what: str) -> int:
        """The one database there is, for what cannot be done on several at once."""
        if len(self._all) > 1:
            raise StoreError(
                f"{self._address} is the coordinator of {len(self._all)} nodes, which {what} cannot take together;"
                f" open each by itself: {', '.join(self.nodes)}"
            )
        return 0

    # Embedding spaces: each node has its own.

    async def space(self) -> Space | None:
        """The active space of the first node that has one; a node that is away is passed over."""
        away: StoreUnavailable | None = None
        order = sorted(range(len(self._all)), key=lambda number: not self._all[number].opened)
        for number in order:
            try:
                found = await self._ask(number, PostgresStore.space)
            except StoreUnavailable as exc:
                away = exc
                continue
            if found is not None:
                return found
        if away is not None:
            raise away  # who has one may be just this one
        return None

    async def use_space(self, space: Space) -> None:
        """On every node."""
        await self._every(lambda store: store.use_space(space))

    async def missing(self, space: Space, limit: int, *, after: int = -1) -> list[Piece]:
        """Of every node the first, and of these the first."""
        found = await self._every(lambda store: store.missing(space, limit, after=after))
        return sorted((piece for pieces in found for piece in pieces), key=lambda each: each.place)[:limit]

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """One transaction a node."""
        if len(self._all) == 1:
            return await (await self._at(0)).reembed(space, vectors)
        parts: dict[int, list[tuple[int, Vectors]]] = defaultdict(list)
        for place, windows in vectors:
            parts[self._shared.node_of[partition_at("entry", place)]].append((place, windows))
        for number, some in parts.items():
            await (await self._at(number)).reembed(space, some)
        return None

    async def activate(self, space: Space, *, leaving: int = 0) -> bool:
        """One node after the other, once all of them together miss no more than `leaving`."""
        if len(self._all) > 1 and len(await self.missing(space, leaving + 1)) > leaving:
            return False
        return all(await self._every(lambda store: store.activate(space, leaving=leaving)))

    # Writing.

    async def commit(self, write: Write) -> None:
        """One transaction on the node of what it changes.

        Raises:
            InvalidScope: that is on more than one.
        """
        touched = {self.node_of_id(each) for each in _changed_by(write)} | {self.node(write.scope)}
        if len(touched) > 1:
            raise self._too_wide("this change")
        await (await self._at(touched.pop())).commit(write)

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """One transaction, of one user's."""
        number = self._home(scope)
        if number is None:
            raise self._too_wide("deleting")
        return await (await self._at(number)).delete_scope(scope, change, reason=reason)

    async def erase(self, scope: Scope) -> dict[str, int]:
        """One transaction a node; what went on all of them."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).erase(scope)
        gone: Counter[str] = Counter()
        for found in await self._every(lambda store: store.erase(scope)):
            gone.update(found)
        return dict(gone)

    async def reset(self) -> dict[str, int]:
        """Every node."""
        left = sum(each.get("tables_left", 0) for each in await self._every(PostgresStore.reset))
        return {"tables_left": left} if left else {}

    def turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:
        """On the owner's node."""

        @asynccontextmanager
        async def taken() -> AsyncIterator[None]:
            async with (await self._at(self.node(scope))).turn(scope):
                yield

        return taken()

    # What names an owner.

    async def around(self, ask: Ask) -> Around:
        """The owner's node; what was forgotten of the agent, app and run as well is told by theirs."""
        number = self.node(ask.scope)
        found = await (await self._at(number)).around(ask)
        wider = [each for each in _wider(ask.scope) if self.node(each) != number]
        if not wider:
            return found

        async def told(scope: Scope) -> Around:
            return await (await self._at(self.node(scope))).around(Ask(scope=scope))

        others = await asyncio.gather(*map(told, wider))
        kept = {each.id: each for around in (found, *others) for each in around.tombstones}
        return replace(found, tombstones=tuple(kept[each] for each in sorted(kept)))

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """The owner's node."""
        return await (await self._at(self.node(scope))).standing(scope, keys)

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """The owner's node."""
        return await (await self._at(self.node(scope))).taken(scope, external_ids)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The owner's node."""
        return await (await self._at(self.node(scope))).last_turns(scope, limit)

    # What names ids.

    async def load(self, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Record]:
        """The ids' nodes."""
        return reduce(or_, await self._each(ids, lambda store, some: store.load(some, known_at=known_at)))

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """The ids' nodes."""
        return reduce(or_, await self._each(ids, lambda store, some: store.vectors(some)))

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """The id's node."""
        return await (await self._at(self.node_of_id(memory_id))).history(memory_id)

    async def change(self, change_id: str) -> Changed | None:
        """The id's node."""
        return await (await self._at(self.node_of_id(change_id))).change(change_id)

    async def citing(self, episode_ids: Sequence[str], *, superseded: bool = False) -> tuple[Memory, ...]:
        """The ids' nodes, by id."""
        found = await self._each(episode_ids, lambda store, some: store.citing(some, superseded=superseded))
        return tuple(sorted((each for some in found for each in some), key=attrgetter("id")))

    async def naming(self, scope: Scope, entity_ids: Sequence[str]) -> Named:
        """The ids' nodes; entities in the order of the nodes."""
        found = await self._each(entity_ids, lambda store, some: store.naming(scope, some))
        return found[0] if len(found) == 1 else _united(found)

    # What names a scope: the node of a user, else all.

    async def find(self, probe: Probe) -> Found:
        """Of several nodes the best of each, by their evidence: each weighs words and nearness by its own records."""
        number = self._home(probe.where.scope)
        if number is not None:
            return await (await self._at(number)).find(probe)
        found = await self._every(lambda store: store.find(replace(probe, choose=None)))  # most are not chosen
        candidates = (each for some in found for each in some.candidates)
        return Found(
            candidates=tuple(sorted(candidates, key=lambda each: (-each.evidence, each.id))),
            searched=sum(some.searched for some in found),
            lift=max((some.lift for some in found if some.lift is not None), default=None),
        )

    async def page(self, where: Where, *, limit: int, cursor: str | None, order: Order = "newest") -> Page:
        """Of several nodes: the same order over all, and the same cursor."""
        number = self._home(where.scope)
        if number is not None:
            return await (await self._at(number)).page(where, limit=limit, cursor=cursor, order=order)
        if order == "updated" and (where.as_of is not None or where.known_at is not None):
            raise self._too_wide(
                "listing the past by its changes"
            )  # a page says what a memory was, not when it changed
        pages = await self._every(lambda store: store.page(where, limit=limit, cursor=cursor, order=order))
        found = sorted(
            (each for page in pages for each in page.memories),
            key=lambda each: (sort_key(each, order), each.id),
            reverse=order != "oldest",
        )
        more = len(found) > limit or any(page.next_cursor is not None for page in pages)
        return Page(
            memories=tuple(found[:limit]),
            total=sum(page.total for page in pages),
            next_cursor=cursor_after(found[limit - 1], where, order) if more else None,
        )

    async def foremost(self, where: Where, *, attributes: Sequence[str], limit: int | None) -> Page:
        """Of several nodes: the same order over all."""
        number = self._home(where.scope)
        if number is not None:
            return await (await self._at(number)).foremost(where, attributes=attributes, limit=limit)
        pages = await self._every(lambda store: store.foremost(where, attributes=attributes, limit=limit))
        places = {name: place for place, name in enumerate(attributes)}
        found = sorted(
            (each for page in pages for each in page.memories),
            key=lambda each: (not each.pinned, places.get(each.attribute or "", len(places)), each.id),
        )
        return Page(memories=tuple(found[:limit]), total=sum(page.total for page in pages), next_cursor=None)

    async def log(self, scope: Scope, states: Sequence[EpisodeState], *, limit: int, cursor: str | None) -> Log:
        """Of several nodes: the newest of all first, and the same cursor."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).log(scope, states, limit=limit, cursor=cursor)
        pages = await self._every(lambda store: store.log(scope, states, limit=limit, cursor=cursor))
        found = sorted((each for page in pages for each in page.episodes), key=attrgetter("id"), reverse=True)
        more = len(found) > limit or any(page.next_cursor is not None for page in pages)
        return Log(
            episodes=tuple(found[:limit]),
            total=sum(page.total for page in pages),
            next_cursor=found[limit - 1].id if more else None,
        )

    async def changes(
        self, scope: Scope, *, since: datetime, until: datetime | None = None, limit: int, cursor: str | None = None
    ) -> Events:
        """Of several nodes: by time over all, and the same cursor."""
        number = self._home(scope)
        if number is not None:
            store = await self._at(number)
            return await store.changes(scope, since=since, until=until, limit=limit, cursor=cursor)
        pages = await self._every(
            lambda store: store.changes(scope, since=since, until=until, limit=limit, cursor=cursor)
        )
        found = sorted((each for page in pages for each in page.events), key=lambda each: (utc(each.at), each.id))
        more = len(found) > limit or any(page.next_cursor is not None for page in pages)
        return Events(
            events=tuple(found[:limit]),
            total=sum(page.total for page in pages),
            next_cursor=f"{utc(found[limit - 1].at)} {found[limit - 1].id}" if more else None,
        )

    async def receipts(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Receipts:
        """Of several nodes: the newest of all first, and the same cursor."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).receipts(scope, limit=limit, cursor=cursor)
        pages = await self._every(lambda store: store.receipts(scope, limit=limit, cursor=cursor))
        found = sorted((each for page in pages for each in page.changes), key=attrgetter("id"), reverse=True)
        more = len(found) > limit or any(page.next_cursor is not None for page in pages)
        return Receipts(
            changes=tuple(found[:limit]),
            total=sum(page.total for page in pages),
            next_cursor=found[limit - 1].id if more else None,
        )

    async def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """By id and version."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).slot(scope, slot)
        found = await self._every(lambda store: store.slot(scope, slot))
        return tuple(sorted((each for some in found for each in some), key=attrgetter("id", "version")))

    async def entities(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Named:
        """Of several nodes: all are read, and the most named ones shown first."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).entities(scope, limit=limit, cursor=cursor)
        known = _united(await self._every(lambda store: store.entities(scope, limit=sys.maxsize)))
        times = Counter(entity_id for entity_id, _ in known.mentions)
        order = sorted(known.entities, key=lambda each: (-times[each.id], each.id))
        names = [each.id for each in order]
        if cursor is not None and cursor not in names:
            raise InvalidInput(f"cursor must be the id of an entity of the scope, not {describe(cursor)}")
        start = 0 if cursor is None else names.index(cursor) + 1
        shown = set(names[start : start + limit])
        return Named(
            entities=tuple(order[start : start + limit]),
            relations=tuple(each for each in known.relations if {each.subject, each.object} & shown),
            mentions=tuple(each for each in known.mentions if each[0] in shown),
            total=len(order),
        )

    async def resolve(self, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
        """Of several nodes that know a name, the owner's counts first, then the others in their order."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).resolve(scope, keys)
        found = await self._every(lambda store: store.resolve(scope, keys))
        own = self.node(scope)
        return reduce(or_, [*(found[number] for number in reversed(range(len(found)))), found[own]])

    async def counts(self, scope: Scope) -> Counts:
        """The node of a user, or the sums of all."""
        number = self._home(scope)
        if number is not None:
            return await (await self._at(number)).counts(scope)
        found = await self._every(lambda store: store.counts(scope))
        return Counts(
            memories=sum(each.memories for each in found),
            episodes=sum(each.episodes for each in found),
            pending=sum(each.pending for each in found),
            failed=sum(each.failed for each in found),
            owners=sum(each.owners for each in found),
            bytes=sum(each.bytes for each in found),
            whole="; ".join(f"{node.name}: {each.whole}" for node, each in zip(self._all, found, strict=True)),
        )

    async def spent(self, project: str, day: date) -> Usage:
        """The sum of all nodes: each counts what its own users cost."""
        return reduce(add, await self._every(lambda store: store.spent(project, day)))

    async def people(self, project: str) -> list[Held]:
        """Of all nodes: a user's are on one, a run's may be on several."""
        found = await self._every(lambda store: store.people(project))
        return found[0] if len(found) == 1 else united(each for some in found for each in some)

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Every node; a problem says whose it is."""
        if len(self._all) == 1:
            return await (await self._at(0)).verify()
        found = await self._every(PostgresStore.verify)
        problems = (
            f"{node.name}: {problem}" for node, (_, some) in zip(self._all, found, strict=True) for problem in some
        )
        return sum(checked for checked, _ in found), tuple(problems)

    # What others are told of.

    async def listen(self, project: str, *, wanted: bool = True) -> None:
        """On every node."""
        await self._every(lambda store: store.listen(project, wanted=wanted))

    async def untold(self, limit: int) -> tuple[Untold, ...]:
        """Of all nodes, the oldest first."""
        found = await self._every(lambda store: store.untold(limit))
        return tuple(sorted((each for some in found for each in some), key=lambda each: each.event.id)[:limit])

    async def told(self, events: Sequence[tuple[str, str]]) -> None:
        """One transaction a node."""
        parts: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for memory_id, event_id in events:
            parts[self.node_of_id(memory_id)].append((memory_id, event_id))
        for number, some in parts.items():
            await (await self._at(number)).told(some)

    # Pending messages.

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """Of the node whose messages wait longest; nodes that are away are passed over."""
        number = 0 if len(self._all) == 1 else None if scope is None else self._home(scope)
        if number is not None:
            return await (await self._at(number)).lease(now=now, until=until, limit=limit, scope=scope)
        waiting = [(at, each) for each, at in (await self._dues(scope)).items() if at is not None]
        for _, each in sorted(waiting):
            store = await self._at(each)
            if leased := await store.lease(now=now, until=until, limit=limit, scope=scope):
                return leased
        return ()

    async def renew(self, held: Mapping[str, int], *, until: datetime) -> None:
        """Where each conversation is."""
        parts: dict[int, dict[str, int]] = defaultdict(dict)
        for name, attempts in held.items():
            parts[self.node_of_id(name)][name] = attempts
        for number, some in parts.items():
            await (await self._at(number)).renew(some, until=until)

    async def due(self, scope: Scope | None = None) -> datetime | None:
        """The first of all nodes that are there."""
        number = 0 if len(self._all) == 1 else None if scope is None else self._home(scope)
        if number is not None:
            return await (await self._at(number)).due(scope)
        return min((at for at in (await self._dues(scope)).values() if at is not None), default=None)

    async def _dues(self, scope: Scope | None) -> dict[int, datetime | None]:
        """By node. One that does not answer is asked on in the background, and nobody waits for it meanwhile."""
        asked: dict[asyncio.Task[datetime | None], int] = {}
        for number, node in enumerate(self._all):
            if node.late is None or node.late.done():
                node.late = None
                asked[asyncio.ensure_future(self._ask(number, lambda store: store.due(scope)))] = number
        if not asked:
            raise StoreUnavailable(f"no node of {self._address} answers: {', '.join(self.nodes)}")
        try:
            done, late = await asyncio.wait(asked, timeout=_PATIENCE)
        except BaseException:
            for task in asked:
                task.cancel()
            raise
        for task in late:
            task.add_done_callback(_unheard)
            self._all[asked[task]].late = task
        found: dict[int, datetime | None] = {}
        away: StoreUnavailable | None = None
        for task in done:
            try:
                found[asked[task]] = task.result()
            except StoreUnavailable as exc:
                away = exc
        if not found and away is not None:
            raise away
        return found

    async def wait_for_pending(self, seconds: float) -> None:
        """Until any node's bell rings; those are heard that were asked before."""
        stores = [await self._at(number) for number, node in enumerate(self._all) if node.opened]
        if len(stores) == 1:
            return await stores[0].wait_for_pending(seconds)
        if not stores:
            return await asyncio.sleep(seconds)
        tasks = [asyncio.ensure_future(store.wait_for_pending(seconds)) for store in stores]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return None

    # Moving.

    async def export(self, scope: Scope, take: Callable[[Sequence[Line]], None], *, vectors: bool = True) -> None:
        """Of one user. A project is exported node by node."""
        number = self._home(scope)
        if number is None:
            raise self._too_wide("an export, as of one moment,")
        await (await self._at(number)).export(scope, take, vectors=vectors)

    async def lacks(self, lines: Sequence[Line], project: str) -> list[Line]:
        """Each line's node; in the order they were given."""
        if len(self._all) == 1:
            return await (await self._at(0)).lacks(lines, project)
        new: set[int] = set()
        for number, some in self._shared_out(lines).items():
            new |= {id(line) for line in await (await self._at(number)).lacks(some, project)}
        return [line for line in lines if id(line) in new]

    async def import_(self, lines: Sequence[Line], project: str, space: Space | None) -> int:
        """One transaction a node: repeated after an error, those that are there stay as they are."""
        if len(self._all) == 1:
            return await (await self._at(0)).import_(lines, project, space)
        return sum(
            [
                await (await self._at(number)).import_(some, project, space)
                for number, some in self._shared_out(lines).items()
            ]
        )

    def _shared_out(self, lines: Sequence[Line]) -> Mapping[int, list[Line]]:
        """What was spent belongs to nobody's partition, and goes to the first node."""
        parts: dict[int, list[Line]] = defaultdict(list)
        for line in lines:
            parts[self.node_of_id(line[1].get("id", ""))].append(line)
        return parts

    async def backup(self, path: str, *, overwrite: bool = False) -> None:
        """Of one database."""
        await (await self._at(self._only("a backup"))).backup(path, overwrite=overwrite)

    async def restore(self, path: str) -> str | None:
        """Of one database."""
        return await (await self._at(self._only("a restore"))).restore(path)


class _First(PostgresStore):
    """What stands behind the address that was given. A coordinator has no tables of its own to prepare."""

    map: NodeMap | None = None

    def _prepare(self, session: Session) -> None:
        self.map = session.wait(node_map(session.connection, self._url))
        if self.map is None:
            super()._prepare(session)


@dataclass(kw_only=True)
class _Shared:
    """What all views of one store have in common."""

    nodes: list[_Node] = field(default_factory=list)
    node_of: tuple[int, ...] = ()
    """By partition: the number of its node; of one database nothing."""


@dataclass(kw_only=True)
class _Node:
    name: str
    store: PostgresStore
    opened: bool = False
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    late: asyncio.Task[datetime | None] | None = None
    """Still asked about pending messages, without an answer."""


def _changed_by(write: Write) -> Iterable[str]:
    """Ids of what a write changes, beside what is new."""
    yield from write.undone
    for changed in (write.retire, write.restore, write.proofs, write.unprove, write.reprove, write.annotate):
        yield from (each.memory_id for each in changed)
    yield from (each.memory.id for each in write.memories)
    yield from (each.episode_id for each in write.states)


def _wider(scope: Scope) -> Iterable[Scope]:
    """The scopes of the ids behind the first: what they own holds for the scope, too."""
    ids = list(scope.ids.items())
    for place in range(1, len(ids)):
        yield Scope(project=scope.project, **dict(ids[place:]))


def _united(found: Sequence[Named]) -> Named:
    return Named(
        entities=tuple(each for some in found for each in some.entities),
        relations=tuple(
            sorted(
                (each for some in found for each in some.relations),
                key=lambda each: (each.memory_id, each.predicate, each.subject, each.object),
            )
        ),
        mentions=tuple(sorted(each for some in found for each in some.mentions)),
        total=sum(some.total for some in found),
    )


def _unheard(task: asyncio.Task[datetime | None]) -> None:
    """An answer that nobody waited for."""
    if not task.cancelled():
        task.exception()
