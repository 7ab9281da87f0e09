"""`Memory`: the methods of `AsyncMemory` for code that does not await. No logic of its own.

The coroutines run on one private event-loop thread of the process, so they work in scripts, in
notebooks and inside a running loop.
"""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

from mnemic.errors import Closed, Reentered
from mnemic.inputs import UNSET, Id
from mnemic.memory import AsyncMemory

P = ParamSpec("P")
R = TypeVar("R")


def _waiting(
    method: Callable[Concatenate[AsyncMemory, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Memory, P], R]:
    """The same method, waited for; that of `_core`, which may be of a class derived from `AsyncMemory`."""
    name = method.__name__

    @functools.wraps(method)
    def call(self: Memory, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return cast("R", self._wait(getattr(self._core, name)(*args, **kwargs)))

    return call


class Memory:
    """Memory for assistants and agents. See `AsyncMemory` for the arguments; the store is opened at once.

    Raises:
        InvalidConfig, MissingDependency: as `AsyncMemory`.
        StoreError: the store cannot be opened.

    >>> m = Memory(":memory:")
    >>> _ = m.remember("Plays tennis on weekends", user_id="alice")
    >>> m.search("sports", user_id="alice", threshold=0)["results"][0]["memory"]
    'Plays tennis on weekends'
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._core = AsyncMemory(*args, **kwargs)
        self._process = os.getpid()
        self._wait(self._core.open())

    @classmethod
    def from_config(cls, settings: Mapping[str, Any]) -> Self:
        """See `AsyncMemory.from_config`."""
        return cls._around(AsyncMemory.from_config(settings))

    def scope(self, *, user_id: Id = UNSET, agent_id: Id = UNSET, app_id: Id = UNSET, run_id: Id = UNSET) -> Self:
        """See `AsyncMemory.scope`."""
        return self._around(self._core.scope(user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id))

    def within(
        self,
        project: str | None,
        *,
        instructions: str | None = None,
        custom_categories: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        decay: float | None = 30.0,
        limits: Mapping[str, int] | None = None,
    ) -> Self:
        """See `AsyncMemory.within`."""
        return self._around(
            self._core.within(
                project, instructions=instructions, custom_categories=custom_categories, decay=decay, limits=limits
            )
        )

    @property
    def project(self) -> str:
        """See `AsyncMemory.project`."""
        return self._core.project

    @property
    def address(self) -> str:
        """See `AsyncMemory.address`."""
        return self._core.address

    add = _waiting(AsyncMemory.add)
    remember = _waiting(AsyncMemory.remember)
    import_memories = _waiting(AsyncMemory.import_memories)
    update = _waiting(AsyncMemory.update)
    delete = _waiting(AsyncMemory.delete)
    delete_all = _waiting(AsyncMemory.delete_all)
    forget = _waiting(AsyncMemory.forget)
    erase = _waiting(AsyncMemory.erase)
    reset = _waiting(AsyncMemory.reset)
    undo = _waiting(AsyncMemory.undo)
    feedback = _waiting(AsyncMemory.feedback)
    pin = _waiting(AsyncMemory.pin)
    reindex = _waiting(AsyncMemory.reindex)
    search = _waiting(AsyncMemory.search)
    explain = _waiting(AsyncMemory.explain)
    context = _waiting(AsyncMemory.context)
    get = _waiting(AsyncMemory.get)
    get_all = _waiting(AsyncMemory.get_all)
    history = _waiting(AsyncMemory.history)
    changes = _waiting(AsyncMemory.changes)
    timeline = _waiting(AsyncMemory.timeline)
    event = _waiting(AsyncMemory.event)
    fill = _waiting(AsyncMemory.fill)
    events = _waiting(AsyncMemory.events)
    listen = _waiting(AsyncMemory.listen)
    untold = _waiting(AsyncMemory.untold)
    told = _waiting(AsyncMemory.told)
    messages = _waiting(AsyncMemory.messages)
    process_pending = _waiting(AsyncMemory.process_pending)
    wait_for_pending = _waiting(AsyncMemory.wait_for_pending)
    retry = _waiting(AsyncMemory.retry)
    entities = _waiting(AsyncMemory.entities)
    related = _waiting(AsyncMemory.related)
    graph = _waiting(AsyncMemory.graph)
    merge_entities = _waiting(AsyncMemory.merge_entities)
    split_entity = _waiting(AsyncMemory.split_entity)
    consolidate = _waiting(AsyncMemory.consolidate)
    profile = _waiting(AsyncMemory.profile)
    stats = _waiting(AsyncMemory.stats)
    verify = _waiting(AsyncMemory.verify)
    backup = _waiting(AsyncMemory.backup)
    restore = _waiting(AsyncMemory.restore)
    export = _waiting(AsyncMemory.export)
    import_export = _waiting(AsyncMemory.import_export)
    close = _waiting(AsyncMemory.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def _around(cls, core: AsyncMemory) -> Self:
        view = object.__new__(cls)
        view._core = core
        view._process = os.getpid()
        view._wait(core.open())
        return view

    def _wait(self, work: Coroutine[Any, Any, R]) -> R:
        if os.getpid() != self._process:
            work.close()
            raise Closed("this Memory was made before a fork; make a new one in the child process")
        loop, started = _loop(), list[asyncio.Task[Any]]()
        if _runs_here(loop):
            work.close()
            raise Reentered(
                "a Memory was called by what Memory itself runs (an extractor, an embedder, a reranker, on_event), and"
                " would wait for itself for ever; use an AsyncMemory there and await it, or call it in another thread"
                " that nobody waits for"
            )

        async def followed() -> R:
            started.append(cast("asyncio.Task[Any]", asyncio.current_task()))
            return await work

        try:
            return asyncio.run_coroutine_threadsafe(followed(), loop).result()
        except BaseException:
            # An interrupt reaches the work, not only who waits for it, even one that comes while it is handed over:
            # in the turn after the next it has begun, if it ever will.
            loop.call_soon_threadsafe(loop.call_soon, _cancel, started)
            raise


def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


_guard = threading.Lock()
_running: tuple[int, asyncio.AbstractEventLoop] | None = None


def _loop() -> asyncio.AbstractEventLoop:
    """The process's private loop, started with first use."""
    global _running
    with _guard:
        if _running is None or _running[0] != os.getpid():
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="mnemic-loop", daemon=True).start()
            _running = (os.getpid(), loop)
        return _running[1]
