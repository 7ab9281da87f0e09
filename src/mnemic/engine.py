"""What the views of one memory share: its parts, and the worker that looks after pending messages."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from mnemic import inputs, registry
from mnemic.consolidate import ConsolidatePath
from mnemic.context import ContextPath
from mnemic.errors import Closed, InvalidInput, MnemicError, NotFound, WrongEmbedder
from mnemic.inputs import Id
from mnemic.protocols import Embedder, Extractor, Reranker, Store
from mnemic.read import ReadPath
from mnemic.retire import RetirePath
from mnemic.times import now
from mnemic.types import Limits, Memory, Record, Scope
from mnemic.write import WritePath

_log = logging.getLogger("mnemic")

# How long the worker sleeps at most before it looks again: another process may have left something.
_LOOK_AGAIN = timedelta(seconds=30)


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

    async def ready(self) -> Engine:
        """Open the store with the first call."""
        if not self.opened:
            async with self.opening:
                if not self.opened:
                    await self.store.open()
                    await self._check_space()
                    self.opened = True
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
        """Stop the worker, then close what is ours to close."""
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
        if left:
            self.woken.set()
        wanted = self.background and (left or not self.looked)
        if wanted and (self.worker is None or self.worker.done()):
            self.looked = True
            self.worker = asyncio.get_running_loop().create_task(self._look_after_pending(), name="mnemic-worker")

    async def _look_after_pending(self) -> None:
        try:
            while True:
                self.woken.clear()
                if (due := await self.store.due()) is None:
                    if self.woken.is_set():  # a message came while the store was asked
                        continue
                    return
                pause = min(due - now(), _LOOK_AGAIN)
                if pause > timedelta():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self.woken.wait(), pause.total_seconds())
                try:
                    await self.write.process(now())
                except (Closed, MnemicError):
                    raise
                except Exception:  # noqa: BLE001 - an extractor's own defect; its messages are tried again, then failed
                    _log.exception("Extraction failed; the messages stay pending")
        except Closed:
            return
        except MnemicError as exc:
            # The messages stay pending, and the next add starts a new worker.
            _log.warning("The worker stopped, pending messages wait for the next add: %s", exc)


class Handle:
    """An engine, and the ids bound by `scope()`."""

    _engine: Engine
    _bound: Scope | None

    def _scope(self, ids: Mapping[str, Id]) -> Scope:
        return inputs.scope(self._engine.project, ids, self._bound)

    def _require(self, ids: Mapping[str, Id], what: str) -> Scope:
        return inputs.require_ids(self._scope(ids), what)

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
