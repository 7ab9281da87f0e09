"""The index of users who search, kept in memory between searches.

A copy is used only while the owner's count of changes, read in the same snapshot, is the one it was
made at; so it is never older than what the transaction sees, whichever process wrote.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.stores import blocks as pack
from mnemic.stores.relational.vectors import Codes

_CAPACITY = 128 * 2**20
"""Bytes kept in all: at 384 dimensions 1,400 users of a hundred memories, or 16 of ten thousand."""

_NAME = 250
"""Bytes that the name of an entry takes, about: its text, a number and their place in a table."""


@dataclass(frozen=True)
class Index:
    """A scope's blocks, with what every search derives from them."""

    blocks: pack.Blocks
    neighbours: NDArray[np.int64]
    codes: dict[int, Codes] | None = None
    """By embedding space, filled when first needed; None for an index that is not kept."""
    names: dict[bool, dict[int, str]] = field(default_factory=dict)
    """Records by entry, as they were looked up: with superseded memories, and without."""

    @property
    def size(self) -> int:
        """Bytes it takes, about."""
        blocks = self.blocks
        arrays = [blocks.entries, blocks.marks, blocks.terms, blocks.starts, self.neighbours]
        arrays += [part for codes in (self.codes or {}).values() for part in codes.parts]
        return sum(each.nbytes for each in arrays) + _NAME * len(blocks.entries)


def index_of(blocks: pack.Blocks, *, codes: dict[int, Codes] | None = None) -> Index:
    """The index of some blocks."""
    turn = pack.places(blocks, blocks.marks["turn"])
    return Index(
        blocks=blocks,
        neighbours=ranking.neighbours(
            pack.places(blocks, blocks.marks["before"]), np.where(turn >= 0, turn, np.arange(len(turn)))
        ),
        codes=codes,
    )


@dataclass
class Cache:
    """Least recently used goes first. Safe to share between threads."""

    _kept: OrderedDict[int, tuple[int, Index, int, int]] = field(default_factory=OrderedDict)
    """By owner: the count of changes, the copy, its size, and of how many spaces codes were in it."""
    _size: int = 0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, owner: int, changes: int) -> Index | None:
        """The copy made at exactly this count of changes."""
        with self._guard:
            found = self._kept.get(owner)
            if found is None or found[0] != changes:
                return None
            if len(found[1].codes or ()) == found[3]:
                self._kept.move_to_end(owner)
                return found[1]
        self.put(owner, changes, found[1])  # codes have come since, and count
        return found[1]

    def put(self, owner: int, changes: int, index: Index) -> None:
        """Keep a copy, and drop the least recently used over capacity."""
        size, spaces = index.size, len(index.codes or ())
        with self._guard:
            if former := self._kept.pop(owner, None):
                self._size -= former[2]
            self._kept[owner] = changes, index, size, spaces
            self._size += size
            while self._size > _CAPACITY:
                _, (_, _, gone, _) = self._kept.popitem(last=False)
                self._size -= gone

    def clear(self) -> None:
        """Forget every copy."""
        with self._guard:
            self._kept.clear()
            self._size = 0
