"""What the views of one memory share: its parts, and the worker that looks after pending messages."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from mnemic import inputs, registry
from mnemic.consolidate import ConsolidatePath
from mnemic.context import ContextPath
from mnemic.errors import Closed, InvalidInput, MnemicError, NotFound, QuotaExceeded, WrongEmbedder
from mnemic.inputs import Id
from mnemic.protocols import Embedder, Extractor, Reranker, Store
from mnemic.read import ReadPath
from mnemic.retire import RetirePath
from mnemic.times import now
from mnemic.types import Limits, Memory, Record, Scope
from mnemic.write import WritePath

_log = logging.getLogger("mnemic")

# How long to wait at most while there are messages that wait: a conversation that somebody works on becomes free
# without a word.
_HELD = timedelta(seconds=5)

# How long to wait when what is due cannot be had: another transaction is about to take it.
_TAKEN = timedelta(seconds=0.05)


# Seconds for which a count of a project's memories is good enough: it reads one index of the project.
_COUNTED = 5.0


@dataclass
class Engine:
    """The parts of a memory, opened with the first call."""

    store: Store
    embedder: Embedder
    extractor: Extractor
    reranker: Reranker | None
    project: str
    instructions: str | None
    categories: Mapping[str, str]
    single: Mapping[str, bool]
    limits: Limits
    keep_secrets: bool
    background: bool
    half_life: timedelta | None
    arms: tuple[str, ...]
    token_counter: Callable[[str], int] | None
    owns_embedder: bool
    owns_reranker: bool
    opened: bool = False
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    worker: asyncio.Task[None] | None = None
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    looked: bool = False
    held: int = 0
    """Memories of the project, where a limit asks for it, when they were last counted."""
    counted_at: float = -math.inf
    base: Engine | None = None
    """Whose parts it works with, where it is one for another project."""
    every: bool = False
    """Whether its store shows all projects, for who works off the messages of all."""
    everywhere: Engine | None = None
    """Of a base that others are based on: the one for every project, whose messages its worker looks after."""

    def __post_init__(self) -> None:
        self.rebuild()

    def rebuild(self) -> None:
        """Paths that know nothing of the store's content yet."""
        calibration = registry.calibration_of(self.embedder)
        self.write = WritePath(
            self.store,
            self.embedder,
            self.extractor,
            calibration,
            single=self.single,
            limits=self.limits,
            keep_secrets=self.keep_secrets,
        )
        self.read = ReadPath(
            self.store,
            self.embedder,
            calibration,
            reranker=self.reranker,
            arms=self.arms,
            half_life=self.half_life,
        )
        self.retire = RetirePath(self.store, calibration)
        self.consolidate = ConsolidatePath(self.store, self.embedder, calibration, single=self.single)
        self.context = ContextPath(self.store, self.read, self.consolidate, count=self.token_counter)

    def within(self, project: str | None, **settings: Any) -> Engine:
        """An engine of the same parts for another project, or (None) for what lies in any."""
        base = self.base or self
        if project is None and base.everywhere is not None:
            return base.everywhere
        view = replace(
            base,
            project=base.project if project is None else project,
            every=project is None,
            base=base,
            everywhere=None,
            opened=False,
            opening=asyncio.Lock(),
            woken=asyncio.Event(),
            worker=None,
            looked=False,
            counted_at=-math.inf,
            **settings,
        )
        if project is None:
            base.everywhere = view
        else:
            base.within(None)
        return view

    async def ready(self) -> Engine:
        """Open the store with the first call."""
        if self.base is not None:
            await self.base.ready()
            if not self.opened:
                self.store = self.base.store.within(None if self.every else self.project)
                self.rebuild()
                self.opened = True
        elif not self.opened:
            async with self.opening:
                if not self.opened:
                    await self.store.open()
                    await self._check_space()
                    self.opened = True
        return self

    async def open_store(self) -> Store:
        """The store of its project, open, whatever embedder its vectors are of."""
        if self.base is not None:
            base = await self.base.open_store()
            if not self.opened:
                self.store = base.within(None if self.every else self.project)
        elif not self.opened:
            await self.store.open()
        return self.store

    async def has_room(self) -> Engine:
        """The same engine, whose project may hold more memories.

        Raises:
            QuotaExceeded: it holds as many as its limits allow.
        """
        most = self.limits.memories
        if most is not None:
            if time.monotonic() > self.counted_at + _COUNTED:
                self.held = (await self.store.counts(Scope(project=self.project))).memories
                self.counted_at = time.monotonic()
            if self.held >= most:
                raise QuotaExceeded(
                    f"the project {self.project!r} holds {self.held:,} memories, and its limits allow {most:,}:"
                    " delete some, or raise limits['memories']"
                )
        return self

    async def _check_space(self) -> None:
        space = await self.store.space()
        if space is not None and space.name != self.embedder.name:
            await self.store.close()
            raise WrongEmbedder(
                f"{self.store.address!r} holds vectors of {space.name!r} and cannot be searched with"
                f" {self.embedder.name!r}: open it with embedder={space.name!r}, give another path,"
                " or run: mnemic reindex"
            )

    async def close(self) -> None:
        """Stop the worker, then close what is ours to close; a view of another project has nothing of its own."""
        if self.base is not None:
            return
        worker, self.worker = self.worker, None
        if worker is not None and not worker.done():
            worker.cancel()
            await asyncio.wait([worker])
        await self.store.close()
        if self.owns_embedder:
            await self.embedder.close()
        if self.owns_reranker and self.reranker is not None:
            await self.reranker.close()

    def look_after_pending(self, *, left: bool) -> None:
        """Have a task of this loop extract from what is pending, until nothing is.

        `left`: something is. Without it, only the first call looks: an earlier process may have left something.
        """
        if self.base is not None:
            self.base.look_after_pending(left=left)
            return
        if left:
            self.woken.set()
        wanted = self.background and (left or not self.looked)
        if wanted and (self.worker is None or self.worker.done()):
            self.looked = True
            self.worker = asyncio.get_running_loop().create_task(self._look_after_pending(), name="mnemic-worker")

    async def _look_after_pending(self) -> None:
        try:
            works = self if self.everywhere is None else await self.everywhere.ready()
            while True:
                self.woken.clear()
                if (due := await works.store.due()) is None:
                    if self.woken.is_set():  # a message came while the store was asked
                        continue
                    return
                if await self._waited(due - now()):
                    continue
                try:
                    if await works.write.process(now()) is None:  # another is just taking it
                        await self._waited(_TAKEN)
                except (Closed, MnemicError):
                    raise
                except Exception:  # noqa: BLE001 - an extractor's own defect; its messages are tried again, then failed
                    _log.exception("Extraction failed; the messages stay pending")
        except Closed:
            return
        except MnemicError as exc:
            # The messages stay pending, and the next add starts a new worker.
            _log.warning("The worker stopped, pending messages wait for the next add: %s", exc)

    async def _waited(self, pause: timedelta) -> bool:
        """Whether there was a pause to make: until it is over, a message came, or another process did something."""
        if pause <= timedelta():
            return False
        await first_of(self.woken.wait(), self.store.wait_for_pending(min(pause, _HELD).total_seconds()))
        return True

    async def wait_for_pending(self, scope: Scope | None, seconds: float) -> None:
        """Come back when a message of the scope may be due, at the latest after so many."""
        due = await self.store.due(scope)
        pause = seconds if due is None else min(max(due - now(), _TAKEN), _HELD).total_seconds()
        await self.store.wait_for_pending(min(pause, seconds))


async def store_of(memory: Handle) -> Store:
    """The open store of a memory, for parts of this package that ask it what no method of a memory is for."""
    return (await memory._engine.ready()).store  # noqa: SLF001 - both are of this module


async def first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Wait until one of them is over, and stop the others."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result


class Handle:
    """An engine, and the ids bound by `scope()`."""

    _engine: Engine
    _bound: Scope | None

    def _scope(self, ids: Mapping[str, Id]) -> Scope:
        return inputs.scope(self._engine.project, ids, self._bound)

    def _waiting(self, ids: Mapping[str, Id]) -> Scope | None:
        """Whose pending messages; None where it is everybody's of every project."""
        whose = self._scope(ids)
        return None if self._engine.every and whose == Scope(project=whose.project) else whose

    def _require(self, ids: Mapping[str, Id], what: str) -> Scope:
        return inputs.require_ids(self._scope(ids), what)

    def _require_all(self, ids: Mapping[str, Id], what: str) -> Scope:
        """The same for what takes away: an id that was meant and came out empty would widen it."""
        return inputs.require_ids(self._scope(inputs.whole(ids, what)), what)

    def _here(self) -> Scope:
        """Everything this handle may see."""
        return self._bound or Scope(project=self._engine.project)

    async def _record(self, memory_id: str, *, past: bool = False) -> Record:
        """A memory or an episode that is not gone; with `past`, also a superseded memory."""
        wanted = inputs.record_id(memory_id)
        record = (await self._engine.store.load([wanted])).get(wanted)
        if record is None or not self._sees(record.scope):
            raise NotFound(wanted)
        if isinstance(record, Memory):
            gone = record.known_to is not None and not (past and record.retire_reason == "superseded")
        else:
            gone = record.state == "hidden"
        if gone:
            raise NotFound(wanted)
        return record

    async def _memory(self, memory_id: str, *, past: bool = False) -> Memory:
        record = await self._record(memory_id, past=past)
        if not isinstance(record, Memory):
            raise InvalidInput(f"{record.id} is a message, which stays as it was said; name a memory made of it")
        return record

    def _sees(self, scope: Scope) -> bool:
        """Whether a record lies in the project and in the bound ids."""
        here = self._here()
        return scope.project == here.project and here.ids.items() <= scope.ids.items()
