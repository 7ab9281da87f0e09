"""Exports: what a store holds, as JSON Lines, one record a line.

The first line says what the file is, whose records it holds and how many, and the embedding space of their vectors; the
last one says that nothing is missing. Between them stand lines as `records` has them, each an object with one key, the
kind. A file whose name ends in `.gz` is compressed.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from mnemic import __version__, files, records
from mnemic.errors import describe
from mnemic.protocols import Space, Vectors
from mnemic.records import Fields, Line
from mnemic.times import iso

_NAME = "mnemic export"
VERSION = 1
"""Of the format. A file of a higher one is refused; former ones stay readable."""


class BadExport(Exception):
    """A file that is no export, or one that is damaged or cut. The message names the line."""


class NewerExport(BadExport):
    """Written by a later release."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The first line."""

    project: str | None
    """None: of several, each introduced by a line of its own."""
    ids: Mapping[str, str] = field(default_factory=dict)
    """Whose records of the project; none: everybody's."""
    space: Space | None = None
    """Of the vectors; None: there are none."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Records by kind, at least."""

    @property
    def total(self) -> int:
        """How many there are, at least: messages that memories cite from outside the ids come on top."""
        return sum(self.counts.values())


# Writing.


class Output:
    """Writes lines to a file, first the head, then as many as come."""

    def __init__(self, file: Destination | IO[bytes], head: Head) -> None:
        self._file = file
        self._lines = 0
        told = {
            "version": VERSION,
            "made_by": __version__,
            "made_at": iso(datetime.now(UTC)),
            "project": head.project,
            "ids": dict(head.ids),
            "space": None if head.space is None else {"name": head.space.name, "dimensions": head.space.dimensions},
            "counts": dict(head.counts),
        }
        self._write(_NAME, told)

    def project(self, name: str) -> None:
        """From here on, lines are of this project."""
        self._write("project", {"name": name})

    def take(self, lines: Sequence[Line]) -> None:
        """Write some."""
        for kind, fields in lines:
            plain = fields
            if "vectors" in fields:
                packed = np.asarray(fields["vectors"]).astype("<f2").tobytes()
                plain = fields | {"vectors": base64.b64encode(packed).decode("ascii")}
            self._write(kind, plain)
            self._lines += 1

    def end(self) -> int:
        """Say that nothing is missing. How many lines were taken."""
        self._write("end", {"lines": self._lines})
        return self._lines

    def _write(self, kind: str, fields: Mapping[str, Any]) -> None:
        written = json.dumps({kind: fields}, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self._file.write(written.encode() + b"\n")


def head_of(start: Fields, project: str, ids: Mapping[str, str]) -> Head:
    """The head that goes with the first line of a store's export."""
    space = None if start["space"] is None else Space(**start["space"])
    return Head(project=project, ids=ids, space=space, counts=start["counts"])


class Destination:
    """A file that an export is written to, compressed where its final name says so.

    Its own errors are the system's about this file, told as ours wherever they come up: among them StoreFull.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        with files.explained(name):
            self._raw = path.open("wb")
        self._packed: gzip.GzipFile | None = None
        if name.endswith(".gz"):
            self._packed = gzip.GzipFile(fileobj=self._raw, mode="wb", compresslevel=6, filename="", mtime=0)

    def write(self, data: bytes) -> None:
        """Append."""
        with files.explained(self._name):
            (self._raw if self._packed is None else self._packed).write(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with files.explained(self._name), self._raw:
            if self._packed is not None:
                self._packed.close()


# Reading.


def is_export(path: Path) -> bool:
    """Whether a file says that it is one."""
    try:
        with _unpacked(path) as file:
            return file.readline(_LONGEST_HEAD).startswith(f'{{"{_NAME}":'.encode())
    except (OSError, EOFError, zlib.error):
        return False


class Input:
    """An open export: its head, and its lines one by one. Each call of `lines` goes on where the last one ended."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self._name = name
        self._number = 0
        self._project: str | None = None
        self.head = self._read_head()

    def lines(self) -> Iterator[tuple[str, Line, int]]:
        """Project, line and length in bytes of each, to the end.

        Raises:
            BadExport: the file is damaged, or it was cut.
        """
        taken = 0
        while True:
            raw = self._next(_LONGEST)
            kind, fields = self._parsed(raw)
            if kind == "end":
                if fields.get("lines") != taken:
                    raise self._bad(f"{taken:,} records are there of {describe(fields.get('lines'))}; some are missing")
                self._expect_the_end()
                return
            if kind == "project":
                self._project = self._name_of(fields)
                continue
            if self._project is None:
                raise self._bad("the record is of no project")
            taken += 1
            yield self._project, self._checked(kind, fields, self._project), len(raw)

    def _expect_the_end(self) -> None:
        try:
            more = self._file.read(1)  # of a compressed file: its checksum is compared
        except _DAMAGES as exc:
            raise self._bad(f"the file is damaged ({exc})") from exc
        if more:
            raise self._bad("something follows the end of the export")

    def _checked(self, kind: str, fields: Fields, project: str) -> Line:
        try:
            if "vectors" in fields and kind in ("episode", "memory"):
                fields["vectors"] = _unpack(fields["vectors"], self.head.space)
            records.check(kind, fields, project)
            records.shorten(fields)
        except ValueError as exc:
            raise self._bad(str(exc)) from exc
        return kind, fields

    def _read_head(self) -> Head:
        _, told = self._parsed(self._next(_LONGEST_HEAD), first=True)
        version = told.get("version")
        if not isinstance(version, int) or version < 1:
            raise self._bad(f"the format's version cannot be {describe(version)}")
        if version > VERSION:
            raise NewerExport(
                f"{self._name!r} was written by a later release of Mnemic; upgrade: pip install -U mnemic"
            )
        try:
            space = told["space"]
            head = Head(
                project=told["project"],
                ids=dict(told["ids"]),
                space=None if space is None else _space(space),
                counts={str(name): int(count) for name, count in told["counts"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise self._bad("it does not say whose records these are, and how many") from exc
        if head.project is not None and not isinstance(head.project, str):
            raise self._bad(f"a project cannot be called {describe(head.project)}")
        self._project = head.project
        return head

    def _name_of(self, fields: Fields) -> str:
        name = fields.get("name")
        if not isinstance(name, str) or self.head.project is not None:
            raise self._bad(f"a project called {describe(name)} has no place here")
        return name

    def _next(self, longest: int) -> bytes:
        self._number += 1
        try:
            raw = self._file.readline(longest)
        except _DAMAGES as exc:
            raise self._bad(f"the file is damaged or cut here ({exc})") from exc
        if not raw.endswith(b"\n"):
            if self._number == 1:
                raise self._foreign()
            raise self._bad("the file is cut here: its last line is missing")
        return raw

    def _parsed(self, raw: bytes, *, first: bool = False) -> tuple[str, Fields]:
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError) as exc:
            if first:
                raise self._foreign() from exc
            raise self._bad(f"it is no JSON ({exc})") from exc
        if first and not (isinstance(found, dict) and _NAME in found):
            raise self._foreign()
        if not isinstance(found, dict) or len(found) != 1:
            raise self._bad("it is no record: an object with one key")
        ((kind, fields),) = found.items()
        if not isinstance(fields, dict):
            raise self._bad(f"it holds no fields but {describe(fields)}")
        return kind, fields

    def _foreign(self) -> BadExport:
        return BadExport(f"{self._name!r} is no export of Mnemic's: its first line does not say so")

    def _bad(self, what: str) -> BadExport:
        return BadExport(f"{self._name!r}, line {self._number:,}: {what}")


_DAMAGES = (EOFError, zlib.error, OSError)
_LONGEST_HEAD = 1 << 16
_LONGEST = 1 << 28
"""Bytes of a line. A record has 200,000 characters at most; a memory's history may have many of them."""


@contextmanager
def opened(path: Path, name: str) -> Iterator[Input]:
    """An export, with its head read.

    Raises:
        BadExport: it is none.
        NewerExport: its format is of a later release.
        OSError: the file cannot be read.
    """
    with _unpacked(path) as file:
        yield Input(file, name)


def survey(path: Path, name: str, look: Callable[[str, Line], None]) -> tuple[Head, int]:
    """Read a file to its end, with a look at each line and its project. Its head, and how many records it has.

    Raises as `opened`, and what `look` raises.
    """
    with opened(path, name) as export:
        count = 0
        for project, line, _ in export.lines():
            look(project, line)
            count += 1
        return export.head, count


def _space(told: Mapping[str, Any]) -> Space:
    space = Space(name=str(told["name"]), dimensions=int(told["dimensions"]))
    if space.dimensions < 1:
        raise ValueError("a space has at least one dimension")
    return space


# Records settled in one transaction: enough to write a full block of the index at once. It ends with an owner's last
# record where it can, so that who has not very many comes whole or not at all.
_ENOUGH_LINES = 256
_MOST_LINES = 1_024
_MOST_BYTES = 16_000_000


def batches(lines: Iterable[tuple[Line, int]]) -> Iterator[list[Line]]:
    """Lines, each with its length, as many together as a store takes in one transaction."""
    batch: list[Line] = []
    size, whose = 0, None
    for line, length in lines:
        kind, fields = line
        owner = None if kind == "usage" else records.scope_of(fields, "").owner
        full = len(batch) >= _MOST_LINES or size + length > _MOST_BYTES
        if batch and (full or (len(batch) >= _ENOUGH_LINES and owner != whose)):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size, whose = size + length, owner
    if batch:
        yield batch


@contextmanager
def _unpacked(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        start = raw.read(2)
        raw.seek(0)
        if start != b"\x1f\x8b":
            yield raw
            return
        with gzip.GzipFile(fileobj=raw, mode="rb") as packed:
            yield packed  # type: ignore[misc]  # typed as no IO, which it is


def _unpack(value: Any, space: Space | None) -> Vectors:
    """Vectors from text. Raises ValueError."""
    if space is None or not isinstance(value, str):
        raise ValueError("its vectors are of no embedding space")
    packed = base64.b64decode(value, validate=True)
    if not packed or len(packed) % (2 * space.dimensions):
        raise ValueError(f"its vectors are not of {space.dimensions} dimensions")
    flat = np.frombuffer(packed, dtype="<f2").astype(np.float32)
    if not np.isfinite(flat).all():
        raise ValueError("its vectors hold what is no number")
    return flat.reshape(-1, space.dimensions)
