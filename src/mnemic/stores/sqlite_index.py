"""Places of an owner's rows, and the packed index of them: what a write adds or changes there is written once."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mnemic import slots
from mnemic.errors import StoreFull
from mnemic.protocols import Vectors
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_sql import OWNER, owner_key
from mnemic.times import milliseconds
from mnemic.types import Scope

# It starts anywhere: an owner who was erased and came again must not meet a count from before.
NEXT_DECISION = "iif(decisions = 0, 1 + abs(random() >> 12), decisions + 1)"


class Owners:
    """The owners that a write gives rows to, or whose memories it decides on."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._met: dict[int, _Owner] = {}
        self._decided: set[int] = set()

    def of(self, scope: Scope) -> int:
        """Number of the scope's owner, who is made when new."""
        row = self._db.execute(f"SELECT {OWNER}", owner_key(scope)).fetchone()
        if row[0] is not None:
            return int(row[0])
        base = scope.partition << 27
        last = self._db.execute(
            "SELECT max(number) FROM owners WHERE number BETWEEN ? AND ?", [base, base + (1 << 27) - 1]
        ).fetchone()[0]
        number = base if last is None else int(last) + 1
        self._db.execute(
            "INSERT INTO owners (number, project, kind, name) VALUES (?, ?, ?, ?)", [number, *owner_key(scope)]
        )
        return number

    def take(self, number: int, windows: int) -> tuple[int, int]:
        """The owner's next entry and how many it spans: one for each window."""
        owner = self._met.get(number)
        if owner is None:
            row = self._db.execute("SELECT next_sequence FROM owners WHERE number = ?", [number]).fetchone()
            owner = self._met[number] = _Owner(row[0])
        span = max(1, windows)
        if owner.next + span > 1 << pack.SEQUENCE_BITS:
            raise StoreFull("one owner holds at most 16,777,216 entries; spread the memories over more users")
        entry = (number << pack.SEQUENCE_BITS) + owner.next
        owner.next += span
        return entry, span

    def decided(self, number: int) -> None:
        """The owner's memories change: decisions made on how they were no longer hold."""
        self._decided.add(number)

    def flush(self) -> None:
        """Write what was counted."""
        self._db.executemany(
            "UPDATE owners SET next_sequence = ? WHERE number = ?",
            [(owner.next, number) for number, owner in self._met.items()],
        )
        self._db.executemany(
            f"UPDATE owners SET decisions = {NEXT_DECISION} WHERE number = ?", [(number,) for number in self._decided]
        )


@dataclass
class _Owner:
    next: int


@dataclass
class _Pending:
    """What is to change in one block."""

    marks: list[NDArray[np.void]] = field(default_factory=list)
    terms: list[NDArray[np.uint32]] = field(default_factory=list)
    vectors: list[Vectors | None] = field(default_factory=list)
    changes: list[tuple[int, dict[str, int]]] = field(default_factory=list)


class Index:
    """Collects changes to the packed index and writes each touched block once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._blocks: dict[int, _Pending] = defaultdict(_Pending)
        self._spans: dict[int, int] = {}
        self._exact: list[tuple[int, bytes]] = []
        self._space: tuple[int, int] | None = None

    def add(
        self, entry: int, content: str, vectors: Vectors | None, *, said: datetime, memory: int = 0, episode: int = 0,
        before: int = 0, turn: int = 0, expires: int = pack.NEVER, attribute: str | None = None,
        person: str | None = None,
    ) -> None:  # fmt: skip
        """One record: a mark, terms and a vector for its first entry, further windows after it."""
        words = np.array(slots.terms(content, attribute), dtype=pack.TERM)
        windows = [None] if vectors is None or not len(vectors) else list(vectors)
        self._spans[entry] = len(windows)
        form = pack.form(content, person)
        for offset, vector in enumerate(windows):
            mark = np.zeros(1, dtype=pack.MARK)
            mark["head"] = offset
            mark["form"] = form
            mark["said"] = mark_time(said)
            if offset == 0:
                mark["memory"], mark["episode"], mark["expires"] = memory, episode, expires
                mark["before"], mark["turn"], mark["terms"] = before, turn, len(words)
            block = self._blocks[(entry + offset) >> pack.BLOCK_BITS]
            block.marks.append(mark)
            block.terms.append(words if offset == 0 else words[:0])
            block.vectors.append(vector)
            if vector is not None:
                self._exact.append((entry + offset, vector.astype("<f2").tobytes()))

    def set(self, entry: int, **changes: int) -> int:
        """Change fields of a record's mark. Returns how many entries a record of this write spans (else 1)."""
        self._blocks[entry >> pack.BLOCK_BITS].changes.append((entry & (pack.BLOCK - 1), changes))
        return self._spans.get(entry, 1)

    def turn(self, entry: int) -> int:
        """How the mark of a further place names the turn that the record at `entry`, written before, was taken from."""
        (marks,) = self._db.execute("SELECT marks FROM blocks WHERE block = ?", [entry >> pack.BLOCK_BITS]).fetchone()
        mark = np.frombuffer(marks, dtype=pack.MARK)[entry & (pack.BLOCK - 1)]
        return link(entry) if mark["episode"] else int(mark["turn"])

    def flush(self) -> None:
        """Write every touched block."""
        row = self._db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        for number, pending in sorted(self._blocks.items()):
            self._flush_block(number, pending, row)
        if row is not None:
            self._db.executemany(f"INSERT INTO exact_{row[0]:d} VALUES (?, ?)", self._exact)
        touched = {number >> (pack.SEQUENCE_BITS - pack.BLOCK_BITS) for number in self._blocks}
        self._db.executemany("UPDATE owners SET changes = changes + 1 WHERE number = ?", [(each,) for each in touched])

    def _flush_block(self, number: int, pending: _Pending, space: tuple[int, int] | None) -> None:
        found = self._db.execute("SELECT marks, terms FROM blocks WHERE block = ?", [number]).fetchone() or (b"", b"")
        old = np.frombuffer(found[0], dtype=pack.MARK)
        marks = np.concatenate([old, *pending.marks])
        for place, changes in pending.changes:
            for name, value in changes.items():
                marks[name][place] = value
        terms = found[1] + b"".join(words.tobytes() for words in pending.terms)
        self._db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", [number, marks.tobytes(), terms])
        if space is None or not pending.marks:
            return
        table, kind = f"vectors_{space[0]:d}", pack.code_type(space[1])
        codes = self._db.execute(f"SELECT codes FROM {table} WHERE block = ?", [number]).fetchone()
        before = np.zeros(len(old), dtype=kind)  # rows written while there was no embedder have no vector
        if codes is not None:
            known = np.frombuffer(codes[0], dtype=kind)
            before[: len(known)] = known
        added = np.zeros(len(pending.vectors), dtype=kind)
        have = [place for place, vector in enumerate(pending.vectors) if vector is not None]
        if have:
            added[have] = pack.encode(np.stack([v for v in pending.vectors if v is not None]))
        self._db.execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
            [number, np.concatenate([before, added]).tobytes()],
        )


def link(entry: int | None) -> int:
    """How a mark names another entry of its owner; 0: none."""
    return 0 if entry is None else (entry & ((1 << pack.SEQUENCE_BITS) - 1)) + 1


def mark_time(at: datetime | None) -> int:
    """How a mark holds a time."""
    return pack.NEVER if at is None else milliseconds(at)
