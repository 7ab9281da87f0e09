"""Places of an owner's rows, and the packed index of them: what a write adds or changes there is written once."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mnemic import slots
from mnemic.errors import StoreFull
from mnemic.protocols import Vectors
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import OWNER_BITS, Db
from mnemic.stores.relational.predicates import owner_key
from mnemic.times import milliseconds
from mnemic.types import Scope

# It starts anywhere: an owner who was erased and came again must not meet a count from before.
NEXT_DECISION = "CASE WHEN decisions = 0 THEN ? ELSE decisions + 1 END"


def a_count() -> int:
    """Where a count of decisions begins."""
    return 1 + secrets.randbits(50)


def lock_all(db: Db, scope: Scope) -> None:
    """Keep everybody else from writing what is a scope's, whoever owns it."""
    if scope.user_id is None:
        db.lock_owners("SELECT number FROM owners WHERE project = ?", [scope.project])
    else:
        db.lock_owners(f"SELECT {db.OWNER}", owner_key(scope))


class Owners:
    """The owners that a write gives rows to, or whose memories it decides on."""

    def __init__(self, db: Db) -> None:
        self._db = db
        self._met: dict[int, _Owner] = {}
        self._decided: set[int] = set()

    def of(self, scope: Scope) -> int:
        """Number of the scope's owner, who is made when new."""
        db = self._db
        known = f"SELECT {db.OWNER}"
        (number,) = db.execute(known, owner_key(scope)).fetchone()
        if number is not None:
            return int(number)
        db.lock_partition(scope.partition)
        (number,) = db.execute(known, owner_key(scope)).fetchone()  # another may have come first
        if number is not None:
            return int(number)
        base = scope.partition << OWNER_BITS
        which, values = db.between("number", base, base + (1 << OWNER_BITS) - 1)
        (last,) = db.execute(f"SELECT max(number) FROM owners WHERE {which}", values).fetchone()
        number = base if last is None else int(last) + 1
        db.insert("owners", ("number", "project", "kind", "name"), [(number, *owner_key(scope)[1:])])
        return number

    def take(self, number: int, windows: int) -> tuple[int, int]:
        """The owner's next entry and how many it spans: one for each window."""
        owner = self._met.get(number)
        if owner is None:
            row = self._db.execute(
                f"SELECT next_sequence FROM owners WHERE number = ? {self._db.FOR_UPDATE}", [number]
            ).fetchone()
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
            f"UPDATE owners SET decisions = {NEXT_DECISION} WHERE number = ?",
            [(a_count(), number) for number in sorted(self._decided)],
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

    def __init__(self, connection: Db) -> None:
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
        which, values = self._db.at("block", [entry >> pack.BLOCK_BITS])
        (marks,) = self._db.execute(f"SELECT marks FROM blocks WHERE {which}", values).fetchone()
        mark = np.frombuffer(marks, dtype=pack.MARK)[entry & (pack.BLOCK - 1)]
        return link(entry) if mark["episode"] else int(mark["turn"])

    def flush(self) -> None:
        """Write every touched block."""
        if not self._blocks:
            return
        db, space = self._db, self._db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        touched = sorted({block >> (pack.SEQUENCE_BITS - pack.BLOCK_BITS) for block in self._blocks})
        db.lock_owners(f"SELECT number FROM owners WHERE number {db.IN}", [db.listed(touched)])
        old = self._read("blocks", "marks, terms", self._blocks)
        blocks = [(number, *self._packed(number, pending, old)) for number, pending in sorted(self._blocks.items())]
        db.insert("blocks", ("block", "marks", "terms"), blocks, key="block")
        if space is not None:
            number, dimensions = space
            added = {block: pending for block, pending in self._blocks.items() if pending.marks}
            former = self._read(f"vectors_{number:d}", "codes", added)
            codes = [
                (block, _codes(pending, _places(old, block), former.get(block), pack.code_type(dimensions)))
                for block, pending in sorted(added.items())
            ]
            db.insert(f"vectors_{number:d}", ("block", "codes"), codes, key="block")
            db.insert(f"exact_{number:d}", ("entry", "vector"), self._exact)
        db.executemany("UPDATE owners SET changes = changes + 1 WHERE number = ?", [(each,) for each in touched])

    def _read(self, table: str, columns: str, blocks: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
        which, values = self._db.at("block", list(blocks))
        rows = self._db.execute(f"SELECT block, {columns} FROM {table} WHERE {which}", values)
        return {row[0]: row[1:] for row in rows}

    def _packed(self, number: int, pending: _Pending, old: Mapping[int, tuple[bytes, ...]]) -> tuple[bytes, bytes]:
        """Marks and terms of a block."""
        before = old.get(number, (b"", b""))
        marks = np.concatenate([np.frombuffer(before[0], dtype=pack.MARK), *pending.marks])
        for place, changes in pending.changes:
            for name, value in changes.items():
                marks[name][place] = value
        return marks.tobytes(), before[1] + b"".join(words.tobytes() for words in pending.terms)


def _places(old: Mapping[int, tuple[bytes, ...]], block: int) -> int:
    """How many entries a block had."""
    return len(old[block][0]) // pack.MARK.itemsize if block in old else 0


def _codes(pending: _Pending, had: int, former: tuple[bytes, ...] | None, kind: np.dtype[np.void]) -> bytes:
    """Codes of a block. Rows written while there was no embedder have no vector."""
    before = np.zeros(had, dtype=kind)
    if former is not None:
        known = np.frombuffer(former[0], dtype=kind)
        before[: len(known)] = known
    added = np.zeros(len(pending.vectors), dtype=kind)
    have = [place for place, vector in enumerate(pending.vectors) if vector is not None]
    if have:
        added[have] = pack.encode(np.stack([vector for vector in pending.vectors if vector is not None]))
    return np.concatenate([before, added]).tobytes()


def link(entry: int | None) -> int:
    """How a mark names another entry of its owner; 0: none."""
    return 0 if entry is None else (entry & ((1 << pack.SEQUENCE_BITS) - 1)) + 1


def mark_time(at: datetime | None) -> int:
    """How a mark holds a time."""
    return pack.NEVER if at is None else milliseconds(at)
