"""The index of heavy users, kept in memory between searches.

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

KEEP_FROM = 512
"""Entries from which a copy saves more than it costs: below, reading takes a fraction of a millisecond."""

_CAPACITY = 160_000
"""Entries kept in all: about 80 MB at 384 dimensions."""


@dataclass(frozen=True)
class Index:
    """A scope's blocks, with what every search derives from them."""

    blocks: pack.Blocks
    neighbours: NDArray[np.int64]
    codes: dict[int, Codes] | None = None
    """By embedding space, filled when first needed; None for an index that is not kept."""
    read: tuple[int, list[tuple[int, bytes]]] | None = None
    """A space, and its codes by block, in ascending order, where they came with the blocks and are not kept."""


def index_of(
    blocks: pack.Blocks,
    *,
    codes: dict[int, Codes] | None = None,
    read: tuple[int, list[tuple[int, bytes]]] | None = None,
) -> Index:
    """The index of some blocks."""
    turn = pack.places(blocks, blocks.marks["turn"])
    return Index(
        blocks=blocks,
        neighbours=ranking.neighbours(
            pack.places(blocks, blocks.marks["before"]), np.where(turn >= 0, turn, np.arange(len(turn)))
        ),
        codes=codes,
        read=read,
    )


@dataclass
class Cache:
    """Least recently used goes first. Safe to share between threads."""

    _kept: OrderedDict[int, tuple[int, Index]] = field(default_factory=OrderedDict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, owner: int, changes: int) -> Index | None:
        """The copy made at exactly this count of changes."""
        with self._guard:
            found = self._kept.get(owner)
            if found is None or found[0] != changes:
                return None
            self._kept.move_to_end(owner)
            return found[1]

    def put(self, owner: int, changes: int, index: Index) -> None:
        """Keep a copy, and drop the least recently used over capacity."""
        with self._guard:
            self._kept[owner] = (changes, index)
            self._kept.move_to_end(owner)
            while sum(len(each.blocks.entries) for _, each in self._kept.values()) > _CAPACITY:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget every copy."""
        with self._guard:
            self._kept.clear()
