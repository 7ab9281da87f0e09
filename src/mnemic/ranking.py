"""Scoring, pure: similarity, keyword weight, fusion, relevance, diversity and the token budget.

Stores call `similarities` and `keywords` over the rows of a scope; the read path calls `fuse`. No
function here knows where rows come from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SIDES = ("other", "cjk")
"""Script sides, in the order of `Centred.probes`."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# The mean of a side starts as this many typical texts; a scope outweighs it once it has more rows. In
# a small scope each row is part of the mean it is compared around, which this keeps negligible. From
# 16 to 256 recall on LoCoMo's development half and on MADial stays within a point.
MEAN_PRIOR = 64.0

# Okapi BM25 (Robertson and Zaragoza 2009). b is below the usual 0.75 because a record's length is
# counted with its neighbours', which evens lengths out already.
_K1 = 1.2
_B = 0.6

# Words of the turns beside a record count half: they tell what it answers, not what it says. And they
# count fully only from this centred cosine on, not at all from 0 down: a sticker or a good-night beside the
# answer is no answer. On LoCoMo's development half this costs 0.1 of R@10.
_BESIDE = 0.5
_RELATED = 0.1


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a scope in entry order, as flat arrays. n rows, t terms."""

    eligible: Mask
    """(n,) which rows may be hits; the others only lend their words to neighbours."""
    neighbours: Ints
    """(3, n) as `neighbours` gives them."""
    terms: NDArray[np.uint32]
    """(t,) terms of all rows, one row after the other."""
    starts: Ints
    """(n + 1,) where each row's terms start."""


def neighbours(before: Ints, turn: Ints) -> Ints:
    """The row of each row's own turn where it is another, and of the turns before and after it; n for none.

    Args:
        before: (n,) index of the turn before the row's turn in the same conversation, or -1.
        turn: (n,) index of the turn a memory was taken from, or its own index.

    Returns:
        Shape (3, n).
    """
    n = len(turn)
    index = np.arange(n)
    ahead = before[turn]
    after = np.full(n, n, dtype=np.int64)
    linked = np.flatnonzero((before >= 0) & (turn == index))
    after[before[linked]] = linked
    return np.stack([np.where(turn != index, turn, n), np.where(ahead >= 0, ahead, n), after[turn]])


def centre(means: Mapping[str, Floats], sums: Mapping[str, tuple[Floats, int]], side: str) -> Floats | None:
    """The mean vector of a script side: the prior, moved towards the scope's own as rows come in.

    Vectors of common embedders crowd into a narrow cone; cosine around this mean spreads them out.
    Returns None when nothing is known of the side.
    """
    prior = means.get(side)
    total, count = sums.get(side, (None, 0))
    if total is None or not count:
        return prior
    if prior is None:
        # Without a prior a few rows say little about the space: shrink towards no centring.
        return np.asarray(total / (count + MEAN_PRIOR), dtype=np.float32)
    return np.asarray((prior * MEAN_PRIOR + total) / (MEAN_PRIOR + count), dtype=np.float32)


class Centred:
    """A question compared with unit vectors d by cos(q - m(q), d - m(d)), m being the mean of a side.

    Everything needed of d are its dot products with `probes`, so stores compute those and no more.
    """

    def __init__(self, vectors: Floats, side: str, means: Mapping[str, Floats | None]) -> None:
        """`vectors`: the question's windows, shape (w, dimensions)."""
        zero = np.zeros(vectors.shape[1], dtype=np.float32)
        centres = [zero if means.get(name) is None else means[name] for name in SIDES]
        stack = np.stack([np.asarray(mean, dtype=np.float32) for mean in centres])
        self.probes: Floats = np.ascontiguousarray(np.concatenate([vectors, stack]).T)
        """Shape (dimensions, w + 2)."""
        own = stack[SIDES.index(side)]
        query = vectors - own
        self._query = query / np.maximum(np.linalg.norm(query, axis=1, keepdims=True), 1e-6)
        self._query_scale = 1.0 / np.maximum(np.linalg.norm(query, axis=1), 1e-6)
        self._own = SIDES.index(side)
        self._query_means = self._query @ stack.T
        self._squares = (stack * stack).sum(axis=1)

    @np.errstate(invalid="ignore", over="ignore")  # vectors of a damaged store may be no numbers
    def cosine(self, products: Floats, cjk: Mask) -> Floats:
        """The centred cosine of each d to its nearest window of the question, shape (n,).

        Args:
            products: d @ probes, shape (n, w + 2).
            cjk: whether d is on the `cjk` side, shape (n,).
        """
        windows = len(self._query)
        dots, to_means = products[:, :windows], products[:, windows:]
        which = cjk.astype(np.int64)
        to_own_mean = np.where(cjk, to_means[:, 1], to_means[:, 0])
        norms = np.sqrt(np.maximum(1.0 - 2.0 * to_own_mean + self._squares[which], 1e-9))
        raw = (dots - to_means[:, self._own, None]) * self._query_scale - self._query_means[:, which].T
        return np.asarray((raw / norms[:, None]).max(axis=1), dtype=np.float32)


@np.errstate(invalid="ignore", over="ignore")
def keywords(rows: Rows, question: Sequence[int], trust: Floats | None = None) -> tuple[Floats, Floats, float]:
    """BM25 of every row, the share of the question's rarity it covers, and that rarity.

    The first two have shape (n,); `trust`, of the same shape and in [0, 1], is how much the words beside
    a row count for it (None: fully). The rarity is the sum of the words' inverse document frequencies
    (in nats) among the eligible rows. A row's words count fully; those of its own turn and of the turns
    beside it count half.
    """
    n = len(rows.eligible)
    score, covered = np.zeros(n, np.float32), np.zeros(n, np.float32)
    eligible = int(rows.eligible.sum())
    if not eligible or not question or not len(rows.terms):
        return score, covered, 0.0
    lengths = np.diff(rows.starts).astype(np.float32)
    spread = _beside(rows, lengths)
    spread = _K1 * (1.0 - _B + _B * spread / max(float(spread[rows.eligible].mean()), 1.0))
    total = 0.0
    asked = np.asarray(question, dtype=np.uint32)
    places = np.flatnonzero(np.isin(rows.terms, asked))
    owners = np.searchsorted(rows.starts, places, side="right") - 1
    found = rows.terms[places]
    for term in asked:
        tf = np.bincount(owners[found == term], minlength=n).astype(np.float32)
        df = int(np.count_nonzero(tf[rows.eligible]))
        idf = math.log1p((eligible - df + 0.5) / (df + 0.5))
        total += idf
        if not tf.any():
            continue
        alone = tf * (_K1 + 1.0) / (tf + spread)
        tf = _beside(rows, tf)
        together = tf * (_K1 + 1.0) / (tf + spread)
        score += idf * (together if trust is None else alone + trust * (together - alone))
        covered += idf * np.minimum(tf, 1.0)
    return score, covered / max(total, 1e-9), total


def _beside(rows: Rows, own: Floats) -> Floats:
    """`own` plus half of what the row's turn and the turns before and after it have."""
    padded = np.append(own, np.float32(0.0))
    return np.asarray(own + _BESIDE * padded[rows.neighbours].sum(axis=0), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One row that an arm put among its best; a score of None means the arm saw nothing of it."""

    row: int
    similarity: float | None
    keyword: float | None
    coverage: float


@np.errstate(invalid="ignore", over="ignore")
def arms(rows: Rows, similarity: Floats | None, question: Sequence[int], limit: int) -> tuple[list[Scored], float]:
    """The union of each arm's best `limit` rows, and the rarity of the question's words.

    `similarity` has shape (n,), or is None without vectors.
    """
    trust = None
    if similarity is not None:
        trust = np.where(np.isfinite(similarity), np.clip(similarity / _RELATED, 0.0, 1.0), 1.0).astype(np.float32)
    bm25, coverage, asked = keywords(rows, question, trust)
    chosen = top(bm25, rows.eligible & (bm25 > 0), limit)
    if similarity is not None:
        seen = rows.eligible & np.isfinite(similarity)
        chosen = np.union1d(chosen, top(similarity, seen, limit))
    near = np.full(len(chosen), -np.inf) if similarity is None else similarity[chosen]
    columns = zip(chosen.tolist(), near.tolist(), bm25[chosen].tolist(), coverage[chosen].tolist(), strict=True)
    scored = [
        Scored(
            row=row,
            similarity=cosine if math.isfinite(cosine) else None,
            keyword=weight if weight > 0 else None,
            coverage=covered,
        )
        for row, cosine, weight, covered in columns
    ]
    return scored, asked


# Weight of the keyword evidence beside centred cosine. On LoCoMo's development half and on MADial in
# both languages, anything from 0.3 to 0.7 stays within about a point of the best.
_KEYWORD_WEIGHT = 0.5


@np.errstate(invalid="ignore", over="ignore")
def relevance(
    similarity: Sequence[float | None],
    keyword: Sequence[float | None],
    *,
    asked: float,
    searched: int,
    midpoint: float,
    scale: float,
) -> list[float]:
    """How likely each record answers the question, in [0, 1].

    Evidence adds up: centred cosine (unrelated texts lie around 0, which is also taken for a record
    without a vector), and BM25 against the geometric mean of two measures: the rarity of all the
    question's words (`asked`), and the most one word can weigh among `searched` records. By the first
    alone a long question would never be met, by the second alone it would drown the cosine. A
    logistic curve with the space's `midpoint` and `scale` makes a score of it.
    """
    # A vector that is further away than an unrelated one says nothing against a match of words.
    near = np.array([max(each or 0.0, 0.0) for each in similarity])
    words = np.array([each or 0.0 for each in keyword])
    met = words / math.sqrt(max(asked, 1e-6) * math.log(searched + math.e))
    evidence = np.clip((near + _KEYWORD_WEIGHT * met - midpoint) / scale, -50.0, 50.0)
    return list((1.0 / (1.0 + np.exp(-evidence))).tolist())


def top(scores: Floats, eligible: Mask, limit: int) -> Ints:
    """Indices of the best `limit` eligible scores, best first; ties keep the later row first."""
    index = np.flatnonzero(eligible)
    if len(index) > limit:
        cut = np.partition(scores[index], len(index) - limit)[len(index) - limit]
        index = index[scores[index] >= cut]
    order = np.lexsort((-index, -scores[index]))
    return np.asarray(index[order][:limit], dtype=np.int64)


_TOKEN = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u3040-\u30ff]|[A-Za-z]+|\d|[^\sA-Za-z\d]")


def count_tokens(text: str) -> int:
    """An estimate of a prompt's size in tokens, meant to be rather high than low.

    One for a character of an unspaced script, one per started five letters of a Latin word, one per
    digit or mark. Tokenisers in use today need fewer for English and about as many for Chinese.
    """
    return sum(
        -(-len(piece) // 5) if piece[0].isascii() and piece[0].isalpha() else 1 for piece in _TOKEN.findall(text)
    )
