"""`mnemic export`, and `mnemic import` of such an export: everything, as it is, from one store to another."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemic import exports
from mnemic.cli import show
from mnemic.cli.importing import progress, stop_on_signal
from mnemic.cli.session import INTERRUPTED, Session
from mnemic.moving import Progress, survey
from mnemic.types import Scope


def run_export(session: Session, file: str, *, vectors: bool, overwrite: bool) -> None:
    """Export to a file, or to standard output for `-`. Only flags narrow it: ids from the environment do not."""
    with tempfile.TemporaryDirectory(prefix="mnemic-") as folder:
        target = str(Path(folder) / "export") if file == "-" else file
        with _shown() as told:
            result = asyncio.run(_export(session, target, vectors=vectors, overwrite=overwrite, told=told))
        if file == "-":
            with Path(target).open("rb") as written:
                shutil.copyfileobj(written, sys.stdout.buffer)
            return
    show.answer(session, result, lambda r: show.say(f"{r['path']}: {_counted(r)} ({r['bytes']:,} bytes)"))


async def _export(session: Session, target: str, **options: Any) -> dict[str, Any]:
    memory = session.closed_memory()
    try:
        told = options.pop("told")
        whose: dict[str, Any] = dict(session.flags)
        return await memory.export(target, progress=told, **whose, **options)
    finally:
        await memory.close()


# Taking in.


def are_exports(files: Sequence[str]) -> bool:
    """Whether these files are exports of Mnemic's; of several, one is enough: the others have to be such, too."""
    return any(file != "-" and exports.is_export(Path(file).expanduser()) for file in files)


@dataclass
class _Stop(Exception):
    """Said between two transactions."""

    interrupted: bool = False


def run_import(session: Session, files: Sequence[str], *, dry_run: bool) -> int:
    """Import exports, show what became of each, and return the exit code."""
    results: list[dict[str, Any]] = []
    with _on_disk(files) as paths:
        if dry_run:
            whose = Scope(project=session.settings.project, **session.flags)
            for name, path in paths:
                head, total = asyncio.run(survey(path, whose))
                results.append({"path": name, "records": total, **head.counts})
            show.answer(session, results[0] if len(results) == 1 else {"files": results}, _planned)
            return 0
        stop, started = _Stop(), time.monotonic()
        try:
            with session.memory() as memory, stop_on_signal(stop):
                bound = memory.scope(**session.flags) if session.flags else memory
                for name, path in paths:
                    with _shown(stop) as told:
                        results.append(bound.import_export(path, progress=told) | {"path": name})
        except (_Stop, KeyboardInterrupt):
            stop.interrupted = True
        seconds = time.monotonic() - started
    if stop.interrupted:
        show.hint("interrupted; the same command goes on from here")
        return INTERRUPTED
    show.answer(
        session,
        results[0] if len(results) == 1 else {"files": results},
        lambda r: _said(r, seconds),
    )
    return 0


def _planned(result: dict[str, Any]) -> None:
    for each in result.get("files", [result]):
        show.say(f"{each['path']}: {each['records']:,} records would be imported; nothing was")


def _said(result: dict[str, Any], seconds: float) -> None:
    for each in result.get("files", [result]):
        show.say(f"{each['path']}: {_counted(each)} added, {each['already_stored']:,} already there")
        if each["embedded"]:
            show.say(f"{each['embedded']:,} texts were embedded by this store's embedder")
        if each["left_out"]:
            show.say(f"{each['left_out']:,} records of other projects were left out")
    show.hint(f"{seconds:,.1f} s")


def _counted(result: dict[str, Any]) -> str:
    return (
        f"{result['messages']:,} messages, {result['versions']:,} versions of memories, {result['entities']:,} entities"
    )


@contextmanager
def _shown(stop: _Stop | None = None) -> Iterator[Progress]:
    """A progress bar, told how far it is."""
    with progress("records", None) as bar:

        def told(done: int, total: int) -> None:
            bar.update(bar.task_ids[0], completed=done, total=total)
            if stop is not None and stop.interrupted:
                raise stop

        yield told


@contextmanager
def _on_disk(files: Sequence[str]) -> Iterator[list[tuple[str, str]]]:
    """Name and path of each file, standard input copied to one: each is read twice."""
    with tempfile.TemporaryDirectory(prefix="mnemic-") as folder:
        copied = Path(folder) / "standard-input"
        if "-" in files:
            with copied.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        yield [("standard input", str(copied)) if file == "-" else (file, file) for file in dict.fromkeys(files)]
