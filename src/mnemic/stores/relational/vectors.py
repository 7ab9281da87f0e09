"""The vector arm: eight-bit codes of a scope's blocks are scanned, the best rows rescored exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.protocols import Probe, Vectors
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db

if TYPE_CHECKING:
    from mnemic.stores.relational.cache import Index

# Blocks turned into floats together: 256 rows stay in the processor's cache, and the product is too
# small for the linear algebra library to call in its threads, which on a busy machine cost 8 to 25 ms
# a search where one thread takes 1 (measured on two cores).
_TOGETHER = 4

# The mean of a scope is taken over at most this many blocks, evenly spread (1,024 rows): enough to know
# it to three per cent of the spread.
_MEAN_BLOCKS = 16


class Active(NamedTuple):
    """The embedding space that is searched."""

    number: int
    """In the names of its tables."""
    name: str
    dimensions: int


@np.errstate(invalid="ignore", over="ignore")  # codes of a damaged store may be no numbers
def similarities(
    db: Db, space: Active | None, index: Index, eligible: ranking.Mask, probe: Probe
) -> tuple[ranking.Floats | None, float | None]:
    """Centred cosine of each row, -inf where a row has no vector, None without vectors; and the question's lift.

    Eight bits are off by less than 0.001, which can only matter for the order of the best; these are exact.

    Shape (n,). A record of several windows scores as its nearest one.
    """
    blocks = index.blocks
    if probe.vectors is None or space is None:
        return None, None
    heads = np.maximum(np.arange(len(blocks.entries)) - blocks.marks["head"].astype(np.int64), 0)
    wanted = np.flatnonzero(eligible[heads])
    codes = _codes_for(db, space, index, blocks.entries[wanted])
    at = places(codes, blocks.entries[wanted])
    have = codes.scale[at] > 0
    wanted, at = wanted[have], at[have]
    if not len(wanted):
        return None, None
    cjk = pack.is_cjk(blocks.marks)[wanted]
    typical = probe.calibration.typical.get(probe.side)
    question = ranking.Centred(probe.vectors, probe.side, _means(codes, at, cjk, probe), typical)
    products = multiplied(codes, question.probes)[at]
    approximate = question.cosine(products, cjk)
    best = ranking.top(approximate, np.ones(len(wanted), np.bool_), probe.limit)
    exact = _exact(db, space.number, space.dimensions, blocks.entries[wanted[best]])
    approximate[best] = question.cosine(exact @ question.probes, cjk[best])
    out = np.full(len(blocks.entries), -np.inf, dtype=np.float32)
    rows, starts = np.unique(heads[wanted], return_index=True)  # windows of a record lie side by side
    out[rows] = np.maximum.reduceat(approximate, starts)
    return out, question.lift(products, cjk, probe.calibration.gates)


@dataclass(frozen=True)
class Codes:
    """Codes of some blocks, as they were read."""

    parts: list[NDArray[np.void]]
    scale: NDArray[np.float32]
    """Of every row read, and of one more, 0, that stands for rows without a vector."""
    blocks: NDArray[np.int64]
    ends: NDArray[np.int64]
    """Where each block's rows end."""


def _codes_for(db: Db, space: Active, index: Index, entries: NDArray[np.int64]) -> Codes:
    """Codes of some entries' blocks; of all blocks where they are kept for the next search."""
    number, dimensions = space.number, space.dimensions
    if index.codes is None:
        return read_codes(db, number, dimensions, entries)
    kept = index.codes.get(number)
    return kept or index.codes.setdefault(number, read_codes(db, number, dimensions, index.blocks.entries))


def read_codes(db: Db, space: int, dimensions: int, entries: NDArray[np.int64]) -> Codes:
    """Codes of the blocks that some entries lie in."""
    which, values = db.at("block", np.unique(entries >> pack.BLOCK_BITS).tolist())
    rows = db.execute(f"SELECT block, codes FROM vectors_{space:d} WHERE {which} ORDER BY block", values).fetchall()
    return codes_of(rows, dimensions)


def codes_of(rows: Sequence[tuple[int, bytes]], dimensions: int) -> Codes:
    """From codes by block, in ascending order."""
    kind = pack.code_type(dimensions)
    parts = [
        np.frombuffer(b"".join(codes for _, codes in rows[start : start + _TOGETHER]), dtype=kind)
        for start in range(0, len(rows), _TOGETHER)
    ]
    sizes = [len(codes) // kind.itemsize for _, codes in rows]
    return Codes(
        parts=parts,
        scale=np.concatenate([*(part["scale"] for part in parts), np.zeros(1, np.float32)]),
        blocks=np.array([block for block, _ in rows], dtype=np.int64),
        ends=np.cumsum(np.array(sizes, dtype=np.int64)),
    )


def places(codes: Codes, entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each entry lies among the rows read; the row of scale 0 where it has no vector."""
    nowhere = len(codes.scale) - 1
    if not len(codes.blocks):
        return np.full(len(entries), nowhere)
    numbers = entries >> pack.BLOCK_BITS
    block = np.minimum(np.searchsorted(codes.blocks, numbers), len(codes.blocks) - 1)
    place = np.where(block > 0, codes.ends[block - 1], 0) + (entries & (pack.BLOCK - 1))
    return np.where((codes.blocks[block] == numbers) & (place < codes.ends[block]), place, nowhere)


def _means(
    codes: Codes, at: NDArray[np.int64], cjk: NDArray[np.bool_], probe: Probe
) -> dict[str, ranking.Floats | None]:
    """Mean vector of each script side over the wanted rows, the space's prior mixed in."""
    weights = np.zeros((len(ranking.SIDES), len(codes.scale)), dtype=np.float32)
    weights[cjk.astype(np.int64), at] = 1.0
    counts = weights.sum(axis=1)
    step = -(-len(codes.parts) * _TOGETHER // _MEAN_BLOCKS)
    totals = np.zeros((len(ranking.SIDES), codes.parts[0]["codes"].shape[1]), dtype=np.float32)
    sampled, start = np.zeros(len(ranking.SIDES)), 0
    for number, part in enumerate(codes.parts):
        if number % step == 0:
            mine = weights[:, start : start + len(part)]
            totals += (mine * part["scale"]) @ part["codes"].astype(np.float32)
            sampled += mine.sum(axis=1)
        start += len(part)
    sums: dict[str, tuple[ranking.Floats, int]] = {}
    for row, name in enumerate(ranking.SIDES):
        if sampled[row]:
            mean = np.asarray(totals[row] / sampled[row], dtype=np.float32)
            sums[name] = (mean * counts[row], int(counts[row]))
    return {name: ranking.centre(probe.calibration.means, sums, name) for name in ranking.SIDES}


def multiplied(codes: Codes, probes: ranking.Floats) -> ranking.Floats:
    """Every row read, times the probes: shape (rows + 1, w + 2)."""
    out = np.zeros((len(codes.scale), probes.shape[1]), dtype=np.float32)
    start = 0
    for part in codes.parts:
        np.matmul(part["codes"].astype(np.float32), probes, out=out[start : start + len(part)])
        start += len(part)
    return np.asarray(out * codes.scale[:, None], dtype=np.float32)


def _exact(db: Db, space: int, dimensions: int, entries: NDArray[np.int64]) -> Vectors:
    which, values = db.at("entry", entries.tolist())
    rows = dict(db.execute(f"SELECT entry, vector FROM exact_{space:d} WHERE {which}", values).fetchall())
    flat = np.frombuffer(b"".join(rows[int(entry)] for entry in entries), dtype="<f2")
    return flat.reshape(-1, dimensions).astype(np.float32)


def exact_of(
    db: Db, space: int, dimensions: int, entries: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Vectors]:
    """Those of some rows that have a vector, with it; `entries` are those of all rows."""
    which, values = db.at("entry", entries[rows].tolist())
    found = db.execute(f"SELECT entry, vector FROM exact_{space:d} WHERE {which} ORDER BY entry", values).fetchall()
    vectors = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f2").reshape(-1, dimensions)
    at = np.array([entry for entry, _ in found], dtype=np.int64)
    return np.searchsorted(entries, at), vectors.astype(np.float32)


def stored(db: Db, places: Sequence[tuple[int, int]]) -> dict[int, Vectors]:
    """Vectors by the first entry of each (entry, span) that has any, shape (windows, dimensions)."""
    space = db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
    if space is None:
        return {}
    entries = [entry + offset for entry, span in places for offset in range(span)]
    which, values = db.at("entry", entries)
    rows: dict[int, bytes] = dict(
        db.execute(f"SELECT entry, vector FROM exact_{space[0]:d} WHERE {which}", values).fetchall()
    )
    return {
        entry: np.frombuffer(b"".join(windows), dtype="<f2").reshape(-1, space[1]).astype(np.float32)
        for entry, span in places
        if (windows := [rows[entry + offset] for offset in range(span) if entry + offset in rows])
    }


# Rescored beyond what is asked for: eight bits may have the last ones in the wrong order.
_MARGIN = 8

# Questions multiplied together: of more, the linear algebra library would share the product among threads.
_AT_ONCE = 4

# How many times what is asked for is looked at one by one, before the whole scope is.
_FIRST = 4

Allowed = Callable[[list[int] | None], set[int]]
"""Which of some entries may be answers; None: of all."""


@np.errstate(invalid="ignore", over="ignore")  # as above
def nearest(
    db: Db,
    blocks: pack.Blocks,
    eligible: ranking.Mask,
    questions: Vectors,
    limit: int,
    kept: dict[int, Codes] | None,
    allowed: Allowed,
) -> list[list[int]]:
    """For each question, shape (n, dimensions), the `limit` allowed entries of highest cosine, best first."""
    space = db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
    nothing: list[list[int]] = [[] for _ in questions]
    heads = np.maximum(np.arange(len(blocks.entries)) - blocks.marks["head"].astype(np.int64), 0)
    wanted = np.flatnonzero(eligible[heads])
    if space is None or questions.shape[1] != space[1] or limit < 1 or not len(wanted):
        return nothing
    codes = (kept or {}).get(space[0]) or read_codes(db, space[0], space[1], blocks.entries[wanted])
    at = places(codes, blocks.entries[wanted])
    have = codes.scale[at] > 0
    wanted, at = wanted[have], at[have]
    if not len(wanted):
        return nothing
    rows, starts = np.unique(heads[wanted], return_index=True)  # windows of a record lie side by side
    scores = np.concatenate(
        [
            np.maximum.reduceat(multiplied(codes, questions[start : start + _AT_ONCE].T)[at], starts, axis=0)
            for start in range(0, len(questions), _AT_ONCE)
        ],
        axis=1,
    )
    choice = _Choice(blocks.entries[rows], allowed)
    near = [choice.best(scores[:, each], limit + _MARGIN) for each in range(len(questions))]
    ends = np.append(starts[1:], len(wanted))
    chosen = sorted({row for found in near for row in found})
    exact = stored(db, [(int(choice.entries[row]), int(ends[row] - starts[row])) for row in chosen])
    answers = []
    for question, found in zip(questions, near, strict=True):
        cosines = {entry: float((exact[entry] @ question).max()) for entry in choice.entries[found].tolist()}
        answers.append(sorted(cosines, key=lambda entry: (-cosines[entry], entry))[:limit])
    return answers


class _Choice:
    """The best of some entries that are allowed. Most often nearly all are, so the nearest are asked about first."""

    def __init__(self, entries: NDArray[np.int64], allowed: Allowed) -> None:
        self.entries = entries
        self._allowed = allowed
        self._known: dict[int, bool] = {}
        self._every: NDArray[np.int64] | None = None

    def best(self, scores: ranking.Floats, limit: int) -> list[int]:
        """Rows of the `limit` highest scores."""
        if self._every is None:
            first = _top(scores, limit * _FIRST)
            entries = self.entries[first].tolist()
            new = [entry for entry in entries if entry not in self._known]
            yes = self._allowed(new) if new else set()
            self._known.update((entry, entry in yes) for entry in new)
            found = [int(row) for row, entry in zip(first, entries, strict=True) if self._known[entry]]
            if len(found) >= limit or len(first) == len(scores):
                return found[:limit]
            self._every = np.flatnonzero(np.isin(self.entries, list(self._allowed(None))))
        return [int(row) for row in self._every[_top(scores[self._every], limit)]]


def _top(scores: ranking.Floats, limit: int) -> NDArray[np.int64]:
    """Places of the highest scores, best first."""
    best = np.arange(len(scores))
    if limit < len(scores):
        best = np.argpartition(-scores, limit)[:limit]
    return best[np.argsort(-scores[best], kind="stable")]
