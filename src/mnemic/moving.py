"""The part of the user's API that moves memories: out of a store as an export, and into another one."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemic import exports, files, inputs, records
from mnemic.engine import Engine, Handle
from mnemic.errors import InvalidInput, StoreTooNew
from mnemic.exports import BadExport, Destination, Head, NewerExport
from mnemic.inputs import UNSET, Id
from mnemic.records import Fields, Line
from mnemic.types import Scope
from mnemic.upkeep import file_name

Progress = Callable[[int, int], None]
"""Told how many records are settled, and of how many."""


class Moving(Handle):
    """Methods of `AsyncMemory`."""

    async def export(
        self,
        path: str | os.PathLike[str],
        *,
        user_id: Id = UNSET,
        agent_id: Id = UNSET,
        app_id: Id = UNSET,
        run_id: Id = UNSET,
        vectors: bool = True,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Write all that this project holds, or what some ids name, to a file of JSON Lines, as it is at this moment.

        Everything is in it: messages with their states, also pending, failed and hidden ones; every version of every
        memory with its times, sources and history; entities, changes that can be undone, tombstones, feedback, what was
        spent. Secrets stand in it as they were said: keep it as you keep the store. Under a name that ends in `.gz` it is
        compressed.

        Args:
            path: the file; it bears its name when it is whole.
            vectors: whether vectors go along. A store of another embedder makes its own.
            overwrite: whether a file of this name is overwritten.
            progress: told now and then how many records are written, and of how many.

        Raises:
            InvalidInput: there is such a file, and it is not to be overwritten.
            StoreFull, StoreUnwritable: about the file.
        """
        target, overwrite = file_name(path), inputs.flag(overwrite, "overwrite")
        vectors = inputs.flag(vectors, "vectors")
        scope = self._scope(inputs.ids(user_id, agent_id, app_id, run_id))
        store = await self._engine.open_store()
        with ExitStack() as stack:
            copy = stack.enter_context(files.unfinished(target, overwrite=overwrite))
            output = _Writing(stack.enter_context(exports.Destination(copy, target)), scope, progress)
            await store.export(scope, output.take, vectors=vectors)
            output.end()
        size = await asyncio.to_thread(os.path.getsize, target)
        counts = {name: output.counts[kind] for kind, name in NAMES.items()}
        return {"message": "Memories exported successfully!", "path": target, "bytes": size, **counts}

    async def import_export(self, path: str | os.PathLike[str], *, progress: Progress | None = None) -> dict[str, Any]:
        """Take in an export of this project: ids, times, states and versions are kept.

        What is here already stays as it is, so that an import which was cut is gone on with by the same call. Where
        the export has vectors of this memory's embedder, they are used; else texts are embedded. The file is read to
        its end before anything is written. Owners of few records come whole or not at all.

        Args:
            path: the file, compressed or not.
            progress: told after each transaction how many records are settled, and of how many. What it raises stops
                the import there.

        Raises:
            InvalidInput: the file cannot be read, is no export, is damaged or cut (the message names the line), or
                is of another project or of others than those that this memory is bound to.
            StoreTooNew: it was written by a later release.
            StoreError, ModelError: what was settled before is stored.
        """
        source = file_name(path)
        engine = await self._engine.ready()
        head, total = await survey(source, self._here())
        moved = _Moved(total=total)
        with ExitStack() as stack:
            export = stack.enter_context(exports.opened(Path(source), source))
            batches = exports.batches(_of_project(export.lines(), engine.project, moved))
            while batch := await asyncio.to_thread(next, batches, None):
                await _settle(engine, batch, head, moved)
                if progress is not None:
                    progress(moved.settled, total)
        engine.look_after_pending(left=True)
        added = {name: moved.added[kind] for kind, name in NAMES.items()}
        return {
            "message": "Export imported successfully!",
            "path": source,
            "already_stored": moved.settled - moved.added.total() - moved.left_out,
            "left_out": moved.left_out,
            "embedded": moved.embedded,
            **added,
        }


async def survey(path: str | os.PathLike[str], here: Scope | None) -> tuple[Head, int]:
    """Read an export to its end without taking anything in: its head, and how many records it has.

    Where `here` is known, it must be of that project, and of nobody but the ids in it.

    Raises:
        InvalidInput, StoreTooNew: as `import_export`.
    """
    source, projects = file_name(path), set[str]()

    def look(project: str, line: Line) -> None:
        projects.add(project)
        kind, fields = line
        if (
            here is not None
            and project == here.project
            and kind != "usage"
            and not _owned(here).items() <= fields.items()
        ):
            raise InvalidInput(f"{source!r} holds records of others than {here.ids}; import it unbound")

    try:
        head, total = await asyncio.to_thread(exports.survey, Path(source), source, look)
    except NewerExport as exc:
        raise StoreTooNew(str(exc)) from exc
    except BadExport as exc:
        raise InvalidInput(f"{exc}; nothing of it was taken") from exc
    except OSError as exc:
        raise InvalidInput(f"{source!r} cannot be read: {exc.strerror or exc}; name an export") from exc
    if here is not None and projects and here.project not in projects:
        raise InvalidInput(
            f"{source!r} holds memories of the project {', '.join(map(repr, sorted(projects)))}, not of"
            f" {here.project!r}; open the store with the same project"
        )
    return head, total


def _owned(scope: Scope) -> dict[str, str]:
    """What every record of an export of the scope has: the evidence of a run's memories may be of other runs."""
    return {name: value for name, value in scope.ids.items() if name != "run_id" or len(scope.ids) == 1}


NAMES = {
    "episode": "messages", "memory": "versions", "entity": "entities", "change": "changes", "tombstone": "tombstones"
}  # fmt: skip
"""By kind of record, what answers call it."""


class _Writing:
    """Where a store's lines go: called on a thread of its own."""

    def __init__(self, file: Destination, scope: Scope, progress: Progress | None) -> None:
        self._file = file
        self.counts: Counter[str] = Counter()
        self._scope = scope
        self._progress = progress
        self._output: exports.Output | None = None
        self._total = 0

    def take(self, lines: Sequence[Line]) -> None:
        """Write some; the first of all is the start."""
        if self._output is None:
            (_, start), *rest = lines
            head = exports.head_of(start, self._scope.project, self._scope.ids)
            self._output, self._total, lines = exports.Output(self._file, head), head.total, rest
        self._output.take(lines)
        self.counts.update(kind for kind, _ in lines)
        if self._progress is not None:
            done = self.counts.total()
            self._progress(done, max(done, self._total))

    def end(self) -> None:
        """Close the export."""
        assert self._output is not None  # noqa: S101 - a store always says its start
        self._output.end()


@dataclass
class _Moved:
    """How far an import got."""

    total: int
    settled: int = 0
    left_out: int = 0
    """Of other projects."""
    embedded: int = 0

    def __post_init__(self) -> None:
        self.added: Counter[str] = Counter()


def _of_project(lines: Iterator[tuple[str, Line, int]], project: str, moved: _Moved) -> Iterator[tuple[Line, int]]:
    for name, line, size in lines:
        if name == project:
            yield line, size
        else:
            moved.settled += 1
            moved.left_out += 1


async def _settle(engine: Engine, batch: list[Line], head: Head, moved: _Moved) -> None:
    """One transaction."""
    new = await engine.store.lacks(batch, engine.project)
    fits = head.space is not None and head.space.name == engine.embedder.name
    lines = [(kind, fields if fits else _bare(fields)) for kind, fields in new]
    space = head.space if fits else None
    texts = {
        place: found
        for place, line in enumerate(lines)
        if "vectors" not in line[1] and (found := records.indexed(line, engine.project)) is not None
    }
    if texts:
        vectors = await engine.write.embedding.windows(list(texts.values()))
        space = engine.write.embedding.space
        for place, windows in zip(texts, vectors, strict=True):
            kind, fields = lines[place]
            lines[place] = (kind, fields | {"vectors": windows})
        moved.embedded += len(texts)
    await engine.store.import_(lines, engine.project, space if any("vectors" in each for _, each in lines) else None)
    moved.added.update(kind for kind, _ in new)
    moved.settled += len(batch)


def _bare(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "vectors"}
