"""`mnemic import --from mem0`: what mem0 had made of messages comes over, a chunk at a time, and can go on.

The source is read as a stream. Each chunk is stored in a transaction an owner, and each memory is known again by its
id there, so that the same command adds nothing twice.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mnemic import importers_mem0 as mem0
from mnemic import imports, times
from mnemic.cli import show
from mnemic.cli.importing import CHUNK, progress, stop_on_signal
from mnemic.cli.session import BAD_INPUT, INTERRUPTED, Session
from mnemic.errors import InvalidInput, MnemicError
from mnemic.importers_mem0 import Item, Source
from mnemic.sync import Memory
from mnemic.types import SCOPE_IDS

_SHOWN = 20
"""Refused memories that are listed one by one for people; JSON lists all."""


@dataclass(kw_only=True)
class Moved:
    """How far it got. For a dry run: what there would be to import."""

    memories: int = 0
    """Read from mem0, of those whose ids were asked for."""
    owners: int = 0
    """Different users, or agents where no user is named, and so on."""
    added: int = 0
    already_stored: int = 0
    repeated: int = 0
    """Said before in the same words by the same: one more source of that memory."""
    empty: int = 0
    """Without text."""
    left_out: int = 0
    """Of other users, agents or apps than those asked for."""
    deleted_there: int = 0
    """Deleted in mem0, of which only its history tells."""
    former_texts: int = 0
    """That came along."""
    refused: list[dict[str, str | None]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Where:
    """What a person said of the store to move from."""

    places: Sequence[str]
    """Folders or addresses of databases; exactly one, unless `api` is given."""
    api: str | None = None
    key: str | None = None
    collection: str | None = None
    history: str | None = None


def run(session: Session, where: Where, *, dry_run: bool) -> int:
    """Import, show what became of it, and return the exit code."""
    ids = {name: value for name, value in session.flags.items() if name != "run_id"}
    moved = Moved()
    started = time.monotonic()
    try:
        with opened(where, ids) as source, stop_on_signal(moved):
            moved.deleted_there = source.deleted
            items = _wanted(source, ids, moved)
            if dry_run:
                _plan(items, moved)
            else:
                with session.memory() as memory, progress("memories", source.total) as bar:
                    for done in store(memory, items, moved):
                        bar.update(bar.task_ids[0], advance=done, total=source.total)
                        if moved.interrupted:
                            break
            moved.notes = source.notes
    except KeyboardInterrupt:
        moved.interrupted = True
    except MnemicError:
        if moved.memories:
            _say(session, moved, dry_run=dry_run)  # what went in before the error, which follows
        raise
    moved.seconds = round(time.monotonic() - started, 1)
    return _say(session, moved, dry_run=dry_run)


def opened(where: Where, ids: dict[str, str]) -> AbstractContextManager[Source]:
    """The store of mem0 that is meant.

    Raises:
        InvalidInput: none or several are named, or an option does not go with it.
    """
    if where.api is not None:
        if where.places or where.collection or where.history:
            raise InvalidInput("--from-mem0-api takes no folder, --collection or --history: the server knows them")
        return mem0.opened_api(where.api, key=where.key or os.environ.get("MEM0_API_KEY") or None, ids=ids)
    if where.key is not None:
        raise InvalidInput("--api-key goes with --from-mem0-api URL")
    if len(where.places) != 1:
        raise InvalidInput(
            "--from mem0 needs one place: the folder of mem0's store (its vector_store's path), or postgresql://…;"
            " a server is --from-mem0-api URL"
        )
    (place,) = where.places
    history = None if where.history is None else Path(where.history).expanduser()
    if place.startswith(("postgresql://", "postgres://")):
        return mem0.opened_table(place, collection=where.collection, history=history)
    return mem0.opened_folder(Path(place).expanduser(), collection=where.collection, history=history)


def store(memory: Memory, items: Iterable[Item], moved: Moved) -> Iterator[int]:
    """Keep what is not kept yet, chunk by chunk; yields how many memories each step settled."""
    owners = set[object]()
    for chunk in _chunks(items):
        before = moved.memories
        ready = list(_readable(chunk, moved))
        if ready:
            done = memory.import_memories(ready)
            moved.added += done["added"]
            moved.repeated += done["repeated"]
            moved.already_stored += done["already_stored"]
            moved.former_texts += done["former_texts"]
            moved.refused += [
                {"id": each["source_id"], "reason": each.get("reason")}
                for each in done["results"]
                if each["event"] == "REFUSED"
            ]
            kept = zip(ready, done["results"], strict=True)
            owners |= {_owner(item) for item, each in kept if each["event"] != "REFUSED"}
            moved.owners = len(owners)
        yield moved.memories - before


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    items = iter(items)
    while chunk := list(itertools.islice(items, CHUNK)):
        yield chunk


def _plan(items: Iterable[Item], moved: Moved) -> None:
    """Read everything, store nothing."""
    owners = set[object]()
    for item in _readable(items, moved):
        try:
            found = imports.read(item, source="mem0", project="default", within=None, at=times.now(), where="it")
        except InvalidInput as exc:
            moved.refused.append({"id": str(item.get("id")), "reason": str(exc)})
        else:
            moved.former_texts += len(found.said) - 1
            owners.add(found.scope.owner)
            moved.owners = len(owners)
        if moved.interrupted:
            return


def _readable(items: Iterable[Item], moved: Moved) -> Iterator[Item]:
    """Those that have a text; all are counted."""
    for item in items:
        moved.memories += 1
        if "problem" in item:
            moved.refused.append({"id": str(item["id"]), "reason": item["problem"]})
        elif not str(item.get("memory") or "").strip():
            moved.empty += 1
        else:
            yield item


def _wanted(source: Source, ids: dict[str, str], moved: Moved) -> Iterator[Item]:
    """Those of the ids asked for."""
    for item in source.items:
        if "problem" in item or all(str(item.get(name)) == value for name, value in ids.items()):
            yield item
        else:
            moved.left_out += 1


def _owner(item: Item) -> tuple[str, str] | None:
    return next(((name, str(item[name])) for name in SCOPE_IDS if item.get(name) is not None), None)


def _say(session: Session, moved: Moved, *, dry_run: bool) -> int:
    if session.json:
        show.as_json(asdict(moved))
    else:
        show.say(_would(moved) if dry_run else _did(moved))
        for line in _left(moved):
            show.say(line)
        for each in moved.refused[:_SHOWN]:
            show.say(f"refused: {each['id']}: {each['reason']}")
        if len(moved.refused) > _SHOWN:
            show.say(f"… and {len(moved.refused) - _SHOWN:,} more refused (--json lists all)")
        for note in moved.notes:
            show.say(note)
    if moved.interrupted:
        show.hint("interrupted; the same command goes on from here")
        return INTERRUPTED
    return BAD_INPUT if moved.refused else 0


def _would(moved: Moved) -> str:
    ready = moved.memories - moved.empty - len(moved.refused)
    former = f" with {moved.former_texts:,} former texts" if moved.former_texts else ""
    return f"{ready:,} memories{former} of {moved.owners:,} owners would be imported; nothing was"


def _did(moved: Moved) -> str:
    former = f" with {moved.former_texts:,} former texts" if moved.former_texts else ""
    return (
        f"{moved.memories:,} memories read: {moved.added:,} added{former}, {moved.already_stored:,} already there,"
        f" {moved.repeated:,} said before in the same words ({moved.seconds:,.1f} s)"
    )


def _left(moved: Moved) -> Iterator[str]:
    """What did not come along, and why."""
    if moved.empty:
        yield f"{moved.empty:,} have no text"
    if moved.left_out:
        yield f"{moved.left_out:,} are of others than asked for"
    if moved.deleted_there:
        yield f"{moved.deleted_there:,} were deleted in mem0 and stay behind"
