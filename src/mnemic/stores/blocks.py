"""How the SQLite index packs 64 entries into three blobs. Pure: bytes in, arrays out.

A search of a scope reads its blocks and nothing else: marks say which entries may be hits, terms
carry keyword search, codes carry the vectors in eight bits. Cost follows the scope, not the store.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from mnemic import text

SEQUENCE_BITS = 24
BLOCK_BITS = 6
BLOCK = 1 << BLOCK_BITS

EPISODE_STATES = ("", "pending", "done", "empty", "refused", "failed", "hidden")
"""A mark keeps the place of the state in this tuple; 0: the entry is no episode."""

NO_MEMORY, CURRENT, RETIRED, SUPERSEDED = 0, 1, 2, 3
"""SUPERSEDED: another memory took its place, and a question about the past may still find it. A place that
holds neither a memory nor an episode is vacant: what stood there was erased."""

NEVER = 2**63 - 1

MARK = np.dtype(
    [
        ("memory", "u1"),  # NO_MEMORY, CURRENT, RETIRED or SUPERSEDED
        ("episode", "u1"),  # place in EPISODE_STATES
        ("form", "<u2"),  # from the lowest bit: on the `cjk` side, ends with a question, 14 bits of `text.speaker`
        ("head", "<u4"),  # how many entries back the record starts: > 0 for further windows of a long text
        ("before", "<u4"),  # sequence + 1 of the turn before, 0: none
        ("turn", "<u4"),  # sequence + 1 of the turn a memory was taken from, 0: the entry is its own
        ("terms", "<u4"),  # how many
        ("said", "<i8"),  # unix milliseconds
        ("expires", "<i8"),  # unix milliseconds, or NEVER
    ]
)
TERM = np.dtype("<u4")
_MARK = struct.Struct("<BBHIIIIqq")  # a MARK: of one at a time, numpy makes ten times as much work


def mark(*, memory: int, episode: int, form: int, before: int, turn: int, terms: int, said: int, expires: int) -> bytes:
    """The MARK of a record's first entry."""
    return _MARK.pack(memory, episode, form, 0, before, turn, terms, said, expires)


def further_mark(*, form: int, head: int, said: int) -> bytes:
    """The MARK of a further window."""
    return _MARK.pack(0, 0, form, head, 0, 0, 0, said, 0)


def form(content: str, person: str | None) -> int:
    """What a mark keeps of a text beside its words."""
    return (text.side(content) == "cjk") | text.asks(content) << 1 | text.speaker(person) << 2


def is_cjk(marks: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which are on the `cjk` side, shape (n,)."""
    return np.asarray(marks["form"] & 1, dtype=np.bool_)


def asks(marks: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which end with a question, shape (n,)."""
    return np.asarray(marks["form"] & 2, dtype=np.bool_)


def speakers(marks: NDArray[np.void]) -> NDArray[np.int64]:
    """Their people, as `text.speaker` numbers them, shape (n,)."""
    return (marks["form"] >> 2).astype(np.int64)


def moments(milliseconds: NDArray[np.int64]) -> list[datetime]:
    """The moments of so many unix milliseconds."""
    return [at.replace(tzinfo=UTC) for at in milliseconds.astype("datetime64[ms]").tolist()]


def memory_mark(*, current: bool, reason: str | None) -> int:
    """The mark of a memory's version, by whether it is current and why it was retired."""
    return CURRENT if current else SUPERSEDED if reason == "superseded" else RETIRED


def code_type(dimensions: int) -> np.dtype[np.void]:
    """One vector in eight bits: d ~ scale * codes. A scale of 0 means there is no vector."""
    return np.dtype([("scale", "<f4"), ("codes", "i1", (dimensions,))])


def encode(vectors: NDArray[np.float32] | NDArray[np.float16]) -> NDArray[np.void]:
    """Unit vectors, shape (n, dimensions), as n codes; the largest component of each becomes +-127.

    Codes follow from the sixteen bits that are kept of a vector, so that a copy of these has the same codes.
    """
    vectors = vectors.astype("<f2", copy=False).astype(np.float32)
    out = np.zeros(len(vectors), dtype=code_type(vectors.shape[1]))
    scale = np.abs(vectors).max(axis=1) / 127.0
    out["scale"] = scale
    out["codes"] = np.rint(vectors / np.maximum(scale, 1e-12)[:, None])
    return out


@dataclass(frozen=True)
class Blocks:
    """Blocks read together, flattened. Entries ascend."""

    entries: NDArray[np.int64]
    marks: NDArray[np.void]
    terms: NDArray[np.uint32]
    starts: NDArray[np.int64]
    """(n + 1,) where each entry's terms start."""


def flatten(rows: Iterable[tuple[int, bytes, bytes]]) -> Blocks:
    """(block, marks, terms) in ascending order, as one set of arrays."""
    numbers, marks, terms = [], [], []
    for block, mark_bytes, term_bytes in rows:
        numbers.append((block << BLOCK_BITS, len(mark_bytes) // MARK.itemsize))
        marks.append(mark_bytes)
        terms.append(term_bytes)
    flat = np.frombuffer(b"".join(marks), dtype=MARK)
    first = np.array([number for number, _ in numbers], dtype=np.int64)
    sizes = np.array([size for _, size in numbers], dtype=np.int64)
    ends = np.cumsum(sizes)
    entries = np.repeat(first - (ends - sizes), sizes) + np.arange(len(flat), dtype=np.int64)
    starts = np.zeros(len(flat) + 1, dtype=np.int64)
    np.cumsum(flat["terms"], out=starts[1:])
    return Blocks(entries, flat, np.frombuffer(b"".join(terms), dtype=TERM), starts)


def subset(blocks: Blocks, keep: NDArray[np.bool_]) -> Blocks:
    """Only the entries in `keep`, shape (n,)."""
    counts = np.diff(blocks.starts)
    starts = np.zeros(int(keep.sum()) + 1, dtype=np.int64)
    np.cumsum(counts[keep], out=starts[1:])
    return Blocks(blocks.entries[keep], blocks.marks[keep], blocks.terms[np.repeat(keep, counts)], starts)


def places(blocks: Blocks, sequences: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Index of the entry of the same owner with sequence `sequences - 1`; -1 where 0 or not here."""
    wanted = (blocks.entries >> SEQUENCE_BITS << SEQUENCE_BITS) + sequences.astype(np.int64) - 1
    at = np.searchsorted(blocks.entries, wanted)
    at[at == len(blocks.entries)] = 0
    found = (sequences > 0) & (blocks.entries[at] == wanted) if len(blocks.entries) else np.zeros(0, np.bool_)
    return np.where(found, at, -1)
