"""Places of an owner's rows, and the packed index of them: what a write adds or changes there is written once."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic import slots
from mnemic.errors import StoreFull
from mnemic.protocols import Vectors
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import OWNER_BITS, Db, Insert, Predicate
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

    def met(self, number: int, sequence: int) -> None:
        """An owner whose row this transaction has locked and read."""
        self._met[number] = _Owner(sequence, sequence)

    @property
    def locked(self) -> Container[int]:
        """Owners whose rows this transaction has locked."""
        return self._met

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
        last = db.last_owner(scope.partition)
        number = scope.partition << OWNER_BITS if last is None else last + 1
        db.insert("owners", ("number", "project", "kind", "name"), [(number, *owner_key(scope)[1:])])
        return number

    def take(self, number: int, windows: int) -> tuple[int, int]:
        """The owner's next entry and how many it spans: one for each window."""
        owner = self._met.get(number)
        if owner is None:
            which, values = self._db.at("number", [number])
            row = self._db.execute(
                f"SELECT next_sequence FROM owners WHERE {which} {self._db.FOR_UPDATE}", values
            ).fetchone()
            owner = self._met[number] = _Owner(row[0], row[0])
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
        self._db.write([], self.updates(()))

    def updates(self, touched: Iterable[int]) -> list[Predicate]:
        """What was counted, one statement an owner. `touched`: those whose index changes with it."""
        taken = {number for number, owner in self._met.items() if owner.next != owner.first}
        changed = set(touched)
        updates = []
        for number in sorted(taken | changed | self._decided):
            sets, values = [], []
            if number in taken:
                sets.append("next_sequence = ?")
                values.append(self._met[number].next)
            if number in changed:
                sets.append(_NEXT_CHANGE)
            if number in self._decided:
                sets.append(f"decisions = {NEXT_DECISION}")
                values.append(a_count())
            which, bound = self._db.at("number", [number])
            updates.append((f"UPDATE owners SET {', '.join(sets)} WHERE {which}", [*values, *bound]))
        return updates


_NEXT_CHANGE = "changes = changes + 1"


@dataclass
class _Owner:
    next: int
    first: int
    """Where it was before this write."""


@dataclass
class _Pending:
    """What is to change in one block."""

    marks: list[bytes] = field(default_factory=list)
    terms: list[bytes] = field(default_factory=list)
    vectors: list[NDArray[np.float32] | None] = field(default_factory=list)
    """One a mark."""
    changes: list[tuple[int, dict[str, int]]] = field(default_factory=list)


class Index:
    """Collects changes to the packed index and writes each touched block once."""

    def __init__(self, connection: Db, space: tuple[int, int] | None = None) -> None:
        """`space`: number and dimensions of the active one, where that is known."""
        self._db = connection
        self._blocks: dict[int, _Pending] = defaultdict(_Pending)
        self._spans: dict[int, int] = {}
        self._space = space
        self._former: dict[int, _Block] = {}
        """Blocks that were read, as they are without what is collected here."""

    def add(
        self, entry: int, content: str, vectors: Vectors | None, *, said: datetime, memory: int = 0, episode: int = 0,
        before: int = 0, turn: int = 0, expires: int = pack.NEVER, attribute: str | None = None,
        person: str | None = None,
    ) -> None:  # fmt: skip
        """One record: a mark, terms and a vector for its first entry, further windows after it."""
        words = slots.terms(content, attribute)
        windows = [None] if vectors is None or not len(vectors) else list(vectors)
        self._spans[entry] = len(windows)
        form, at = pack.form(content, person), mark_time(said)
        mark = pack.mark(
            memory=memory, episode=episode, form=form, before=before, turn=turn, terms=len(words), said=at,
            expires=expires,
        )  # fmt: skip
        for offset, vector in enumerate(windows):
            block = self._blocks[(entry + offset) >> pack.BLOCK_BITS]
            block.marks.append(mark if offset == 0 else pack.further_mark(form=form, head=offset, said=at))
            block.vectors.append(vector)
        self._blocks[entry >> pack.BLOCK_BITS].terms.append(np.array(words, dtype=pack.TERM).tobytes())

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
        which = [self._db.at("number", [number]) for number in self.touched]
        updates = [(f"UPDATE owners SET {_NEXT_CHANGE} WHERE {sql}", values) for sql, values in which]
        self._db.write(self.inserts(), updates)

    @property
    def touched(self) -> list[int]:
        """Owners of what changes."""
        return sorted({_owner_of(block) for block in self._blocks})

    def inserts(self, locked: Container[int] = ()) -> list[Insert]:
        """Every touched block as it becomes. `locked`: owners whose row this transaction has locked."""
        if not self._blocks:
            return []
        db = self._db
        others = [number for number in self.touched if number not in locked]
        if others:
            which, values = db.at("number", others)
            db.lock_owners(f"SELECT number FROM owners WHERE {which}", values)
        if self._space is None:
            self._space = db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        self._read()
        old = self._former
        blocks = [(number, *_packed(pending, old[number])) for number, pending in sorted(self._blocks.items())]
        inserts = [Insert(table="blocks", columns=("block", "marks", "terms"), rows=blocks, key="block")]
        if self._space is not None:
            number, dimensions = self._space
            grown = [each for each in sorted(self._blocks.items()) if each[1].marks]
            added = [_vectors(block, pending, old[block], dimensions) for block, pending in grown]
            codes = [(block, packed) for (block, _), (packed, _) in zip(grown, added, strict=True)]
            exact = [row for _, rows in added for row in rows]
            inserts += [
                Insert(table=f"vectors_{number:d}", columns=("block", "codes"), rows=codes, key="block"),
                Insert(table=f"exact_{number:d}", columns=("entry", "vector"), rows=exact),
            ]
        return inserts

    def former(self, locked: Container[int]) -> Predicate | None:
        """A selection of the blocks that get more entries, for `met`; None where it cannot be made yet, or needs not.

        `locked`: as for `inserts`. What it answers is still so at the end of this transaction.
        """
        growing = [block for block, pending in self._blocks.items() if pending.marks]
        if not growing or self._space is None or any(_owner_of(block) not in locked for block in growing):
            return None
        return self._selection(growing)

    def met(self, rows: Iterable[Any]) -> None:
        """Take what a selection of blocks answered."""
        self._former |= {row[0]: row[1:] for row in rows}

    def _read(self) -> None:
        """The touched blocks that were not read yet."""
        unread = [block for block in self._blocks if block not in self._former]
        if unread:
            self.met(self._db.execute(*self._selection(unread)))

    def _selection(self, blocks: Sequence[int]) -> Predicate:
        """Marks, terms and codes of blocks, as they are; codes where they change."""
        db = self._db
        self._former |= dict.fromkeys(blocks, _NO_BLOCK)
        growing = [block for block in blocks if self._blocks[block].marks]
        which, values = db.at("block", blocks)
        codes, beside, wanted = "NULL", "", list[Any]()
        if self._space is not None and growing:
            codes = "v.codes"
            beside = f"LEFT JOIN vectors_{self._space[0]:d} AS v ON v.block = b.block AND {db.lies('v', 'b.partition')}"
            if len(growing) < len(blocks):
                beside += f" AND b.block {db.IN}"
                wanted = [db.listed(growing)]
        selection = f"SELECT b.block, b.marks, b.terms, {codes} FROM (SELECT * FROM blocks WHERE {which}) AS b {beside}"
        return selection, [*values, *wanted]


_Block = tuple[bytes, bytes, bytes | None]
"""Marks, terms and codes."""

_NO_BLOCK: _Block = (b"", b"", None)


def _owner_of(block: int) -> int:
    return block >> (pack.SEQUENCE_BITS - pack.BLOCK_BITS)


def _packed(pending: _Pending, old: _Block) -> tuple[bytes, bytes]:
    """Marks and terms of a block."""
    marks = np.frombuffer(bytearray(b"".join([old[0], *pending.marks])), dtype=pack.MARK)
    for place, changes in pending.changes:
        for name, value in changes.items():
            marks[name][place] = value
    return marks.tobytes(), b"".join([old[1], *pending.terms])


def _vectors(block: int, pending: _Pending, old: _Block, dimensions: int) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Codes of a block as it becomes, and each new vector with its entry. Rows written without an embedder have none."""
    kind = pack.code_type(dimensions)
    before = len(old[0]) // pack.MARK.itemsize
    codes = np.zeros(before + len(pending.vectors), dtype=kind)
    if old[2] is not None:
        known = np.frombuffer(old[2], dtype=kind)
        codes[: len(known)] = known
    have = [before + place for place, vector in enumerate(pending.vectors) if vector is not None]
    if not have:
        return codes.tobytes(), []
    halves = np.stack([vector for vector in pending.vectors if vector is not None]).astype("<f2")
    codes[have] = pack.encode(halves)
    first = block << pack.BLOCK_BITS
    return codes.tobytes(), [(first + place, half.tobytes()) for place, half in zip(have, halves, strict=True)]


def link(entry: int | None) -> int:
    """How a mark names another entry of its owner; 0: none."""
    return 0 if entry is None else (entry & ((1 << pack.SEQUENCE_BITS) - 1)) + 1


def mark_time(at: datetime | None) -> int:
    """How a mark holds a time."""
    return pack.NEVER if at is None else milliseconds(at)
