"""Commands that keep memories true: what goes and comes back, what waits, what is tidied, who is who."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnemic.cli import show
from mnemic.cli.session import INTERRUPTED, WHOSE, Session, command
from mnemic.errors import InvalidInput, InvalidScope, StoreBusy, StoreUnavailable

if TYPE_CHECKING:
    from mnemic.memory import AsyncMemory

_MemoryId = Annotated[str, typer.Argument(metavar="ID", help="Id of a memory.")]
_Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_Limit = Annotated[int, typer.Option("--limit", "-n", help="At most.")]
_IDLE = 30.0  # seconds a worker waits at most where nothing is due and nothing is heard
_AWAY = 1.0  # seconds before a store that is away is tried again


def register(app: typer.Typer) -> None:
    """Add the commands, in the order of their help."""
    for function, name, whose in (
        (forget, None, ()),
        (erase, None, WHOSE),
        (undo, None, ()),
        (feedback, None, ()),
        (pin, None, ()),
        (messages, None, WHOSE),
        (retry, None, WHOSE),
        (worker, None, WHOSE),
        (consolidate, None, WHOSE),
        (profile, None, WHOSE),
        (entities, None, WHOSE),
        (related, None, WHOSE),
        (graph, None, WHOSE),
        (backup, None, ()),
        (restore, None, ()),
    ):
        command(app, name=name, whose=whose)(function)


def forget(session: Session, memory_id: _MemoryId) -> None:
    """Delete a memory and what says the same, and never learn it again."""
    with session.memory() as memory:
        result = memory.forget(memory_id)
    show.answer(session, result, lambda r: show.say(f"forgotten: {len(r['forgotten'])} (undo {r['change_id']})"))


def erase(session: Session, *, yes: _Yes = False) -> int:
    """Remove every byte of a user, agent, app or session, which a flag must name. Cannot be undone."""
    if not session.flags:
        raise InvalidScope("erase needs a flag that says whose: --user, --agent, --app or --run")
    named = ", ".join(f"{name}={value}" for name, value in session.ids.items())
    with session.memory() as memory:
        if not yes:
            held = memory.stats(**session.ids)
            if not sys.stdin.isatty():
                raise InvalidInput(f"erase of {named} asks before it acts; where it cannot ask, pass --yes")
            question = f"Erase {held['memories']:,} memories and {held['episodes']:,} messages of {named} for good?"
            if not typer.confirm(question, err=True):
                show.hint("nothing was erased")
                return INTERRUPTED
        result = memory.erase(**session.ids)
    show.answer(session, result, lambda r: show.pairs(r["erased"]))
    if waiting := result["erased"].get("pending"):
        show.hint(f"messages that stay and are to be read again: {waiting}; mnemic worker --once reads them")
    return 0


def undo(
    session: Session,
    change_id: Annotated[str, typer.Argument(metavar="CHANGE", help="A change_id from a receipt or a history.")],
) -> None:
    """Take back everything that one change did."""
    with session.memory() as memory:
        result = memory.undo(change_id)
    show.answer(
        session, result, lambda r: show.say(f"undone: {r['kind']}, {len(r['memories'])} memories ({r['change_id']})")
    )


def feedback(
    session: Session,
    memory_id: _MemoryId,
    word: Annotated[str, typer.Argument(metavar="FEEDBACK", help="positive, negative or very_negative.")],
    *,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why.")] = None,
) -> None:
    """Rate a memory."""
    with session.memory() as memory:
        result = memory.feedback(memory_id, word, reason)
    show.answer(session, result, lambda r: show.say(f"{r['feedback']}, rating {r['rating']}"))


def pin(
    session: Session,
    memory_id: _MemoryId,
    *,
    off: Annotated[bool, typer.Option("--off", help="No longer.")] = False,
) -> None:
    """Mark a memory as one to keep: first in the profile, never retired by tidying up."""
    with session.memory() as memory:
        result = memory.pin(memory_id, pinned=not off)
    show.answer(session, result, lambda r: show.say("pinned" if r["pinned"] else "no longer pinned"))


def messages(
    session: Session,
    *,
    state: Annotated[
        list[str] | None, typer.Option(metavar="STATE", help="pending, failed, …; may be given again.")
    ] = None,
    limit: _Limit = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page, as the one before named it.")
    ] = None,
) -> None:
    """List the log: every message with its state, newest first."""
    with session.memory() as memory:
        result = memory.messages(**session.ids, state=state or None, limit=limit, cursor=cursor)
    show.answer(session, result, show.log)


def retry(
    session: Session,
    episode_id: Annotated[
        str | None, typer.Argument(metavar="ID", show_default=False, help="Id of a message. [all of the scope]")
    ] = None,
) -> None:
    """Give failed messages another chance, and work on them now."""
    with session.memory() as memory:
        result: dict[str, Any] = {"retry": memory.retry(episode_id, **session.ids)}
        result["processed"] = memory.process_pending(**session.ids)
    show.answer(session, result, lambda r: show.processed(r["processed"]))


def worker(
    session: Session,
    *,
    once: Annotated[bool, typer.Option("--once", help="Leave when nothing is due.")] = False,
    all_projects: Annotated[
        bool, typer.Option("--all-projects", help="Of every project of the store, as a server's are.")
    ] = False,
) -> int:
    """Make memories of pending messages until stopped. Several workers share the work."""
    return asyncio.run(_work(session, once=once, everywhere=all_projects))


async def _work(session: Session, *, once: bool, everywhere: bool) -> int:
    from mnemic.engine import first_of

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C interrupts the loop instead
            loop.add_signal_handler(name, stopped.set)
    async with session.closed_memory() as own:
        memory = own.within(None) if everywhere else own
        while not stopped.is_set():
            try:
                result = await memory.process_pending(**session.ids, limit=1)
                if result["messages"]:
                    show.answer(session, result, show.processed)
                elif once:
                    break
                else:
                    await first_of(stopped.wait(), memory.wait_for_pending(_IDLE, **session.ids))
            except (StoreUnavailable, StoreBusy) as exc:
                if once:
                    raise
                show.hint(f"{exc}; trying again")
                await first_of(stopped.wait(), asyncio.sleep(_AWAY))
    return 0


def consolidate(
    session: Session,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, the proposals are only shown.")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A proposal to apply; may be given again. [all]")
    ] = None,
) -> None:
    """Propose what to merge, what to retire and what pattern there is."""
    ids = session.require_ids("consolidate")
    with session.memory() as memory:
        result = memory.consolidate(**ids, dry_run=not apply, only=only or None)
    show.answer(session, result, show.proposals)


def profile(session: Session) -> None:
    """Show who a user is, put together from current memories."""
    ids = session.require_ids("profile")
    with session.memory() as memory:
        result = memory.profile(**ids)
    show.answer(session, result, lambda r: show.say(r["text"]) if r["text"] else show.hint("nothing is known yet"))


def entities(
    session: Session,
    *,
    limit: _Limit = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page, as the one before named it.")
    ] = None,
) -> None:
    """List the people, places, organisations and things that memories name."""
    ids = session.require_ids("entities")
    with session.memory() as memory:
        result = memory.entities(**ids, limit=limit, cursor=cursor)
    show.answer(session, result, show.entities)


def related(
    session: Session,
    entity: Annotated[str, typer.Argument(metavar="NAME", help="A name, an alias or an id.")],
    *,
    hops: Annotated[int, typer.Option(help="How far: 1 to 4.")] = 1,
) -> None:
    """Show whom and what somebody or something is linked with."""
    ids = session.require_ids("related")
    with session.memory() as memory:
        result = memory.related(entity, hops=hops, **ids)
    show.answer(session, result, show.related)


def graph(session: Session, *, limit: _Limit = 1000) -> None:
    """Print all entities and their relations."""
    ids = session.require_ids("graph")
    with session.memory() as memory:
        result = memory.graph(**ids, limit=limit)
    show.answer(session, result, show.graph)


def backup(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file.")],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also where there is such a file.")] = False,
) -> None:
    """Copy the whole store to one file, while it is in use."""
    result = _whole(session, lambda memory: memory.backup(file, overwrite=overwrite))
    show.answer(session, result, lambda r: show.say(f"backed up: {r['bytes']:,} bytes in {r['path']}"))


def restore(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What backup wrote.")],
    *,
    yes: _Yes = False,
) -> int:
    """Put what a backup holds in the place of the whole store, which is copied beside itself first."""
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidInput("restore asks before it acts; where it cannot ask, pass --yes")
        if not typer.confirm(f"Put what {file} holds in the place of all that the store holds?", err=True):
            show.hint("nothing was changed")
            return INTERRUPTED
    result = _whole(session, lambda memory: memory.restore(file))
    show.answer(session, result, _restored)
    return 0


def _restored(result: dict[str, Any]) -> None:
    show.say(f"restored: {result['path']}")
    if result["before"] is not None:
        show.hint(f"what was there before: {result['before']}")


def _whole(session: Session, work: Callable[[AsyncMemory], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Do something with the store as a whole, whatever embedder its vectors are of."""

    async def run() -> dict[str, Any]:
        memory = session.closed_memory()
        try:
            return await work(memory)
        finally:
            await memory.close()

    return asyncio.run(run())
