"""Scoring, pure: similarity, keyword weight, fusion, relevance and boosts.

Stores call `rank` over the rows of a scope; the read path makes relevance of it and orders. No function
here knows where rows come from.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnemic import text
from mnemic.protocols import ARMS
from mnemic.text import Word
from mnemic.times import milliseconds

SIDES = ("other", "cjk")
"""Script sides, in the order of `Centred.probes`."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

# The mean of a side starts as this many typical texts; a scope outweighs it once it has more rows. In
# a small scope each row is part of the mean it is compared around, which this keeps negligible. From
# 16 to 256 R@10 on MADial stays within a point; LoCoMo's scopes are larger. It goes half way at most: where
# everything is about one thing, nothing would be near a question about it. That gains 1.1 of R@10 and 0.3 of R@50 on
# LoCoMo's development half; on MADial it costs 0.4 (Chinese) and 1.0 (English) of R@10, and gains 2.9 and 1.7 of R@50.
MEAN_PRIOR = 64.0

# Okapi BM25 (Robertson and Zaragoza 2009). b is below the usual 0.75 because a record's length is
# counted with its neighbours', which evens lengths out already.
_K1 = 1.2
_B = 0.6

# Words of the turns beside a record count half: they tell what it answers, not what it says. And they
# count fully only from this centred cosine on, not at all from 0 down: a sticker or a good-night beside the
# answer is no answer. On LoCoMo's development half this costs 0.1 of R@10.
_BESIDE = 0.5
_RELATED = 0.2
# A memory has what it needs of its turn, and other memories of the same turn have the rest: "I'm Priya and I live in
# Leeds" makes two, and the first is no answer to where she lives.
_OWN_TURN = 0.25


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a scope in entry order, as flat arrays. n rows, t terms."""

    eligible: Mask
    """(n,) which rows may be hits; the others only lend their words to neighbours."""
    neighbours: Ints
    """(3, n) as `neighbours` gives them."""
    speakers: Ints
    """(n,) who said it, as `text.speaker` numbers them; 0: nobody named."""
    asks: Mask
    """(n,) whether it ends with a question."""
    said: Ints
    """(n,) when it was said, in unix milliseconds."""
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
    weight = max(MEAN_PRIOR, float(count))  # never more than half way
    return np.asarray((prior * weight + total) / (weight + count), dtype=np.float32)


# Across languages an answer stands out less: for the English questions of evals/read/sets/languages.jsonl the first
# bundled embedder has a median lift, not yet divided by the least, of .036 on Korean, .038 on Japanese and .045 on
# Chinese memories, and .060 on English ones. Other questions were not looked at.
_ACROSS = 2 / 3


# Among few records nothing can stand out far: the least that something must is lowered as if there were so many more.
_TOO_FEW = 4


class Centred:
    """A question compared with unit vectors d by cos(q - m(q), d - m(d)), m being the mean of a side.

    Everything needed of d are its dot products with `probes`, so stores compute those and no more.
    """

    def __init__(
        self, vectors: Floats, side: str, means: Mapping[str, Floats | None], typical: Floats | None = None
    ) -> None:
        """`vectors`: the question's windows, shape (w, dimensions); `typical`: the mean vector of questions."""
        zero = np.zeros(vectors.shape[1], dtype=np.float32)
        centres = [zero if means.get(name) is None else means[name] for name in SIDES]
        stack = np.stack([np.asarray(mean, dtype=np.float32) for mean in centres])
        asked = [] if typical is None else [typical[None]]
        self.probes: Floats = np.ascontiguousarray(np.concatenate([vectors, stack, *asked]).T)
        """Shape (dimensions, w + 2), or one more with a typical question."""
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
            products: d @ probes, one row for each d.
            cjk: whether d is on the `cjk` side, shape (n,).
        """
        windows = len(self._query)
        dots, to_means = products[:, :windows], products[:, windows : windows + len(SIDES)]
        which = cjk.astype(np.int64)
        to_own_mean = np.where(cjk, to_means[:, 1], to_means[:, 0])
        norms = np.sqrt(np.maximum(1.0 - 2.0 * to_own_mean + self._squares[which], 1e-9))
        raw = (dots - to_means[:, self._own, None]) * self._query_scale - self._query_means[:, which].T
        return np.asarray((raw / norms[:, None]).max(axis=1), dtype=np.float32)

    def lift(self, products: Floats, cjk: Mask, gates: Mapping[str, float]) -> float | None:
        """How far the nearest of some vectors stands out, by plain cosine, against the least for its script side.

        From 1 on there is something about what is asked. None without a typical question, or a least.

        It is compared with the middle between what this question, and what a question as such, has in common with
        all of them. The first alone says nothing of a scope in which everything is about what is asked, the second
        nothing of a question in another language. Of what tells questions that a scope can answer from others, a
        first form of this did best, over all questions of the larger stores of `evals/read/sets/abstain-*`: with 90
        of 100 answerable ones let through, it held back 55 (English) and 66 (Chinese) of 100 others, the centred
        cosine 34 and 33.
        """
        windows = len(self._query)
        if products.shape[1] == windows + len(SIDES) or not gates:
            return None
        whole = np.isfinite(products).all(axis=1)  # vectors of a damaged store may be no numbers
        products, cjk = products[whole], cjk[whole]
        if not len(products):
            return None
        dots, others = products[:, :windows], max(len(products) - 1, 1)
        best = dots.max(axis=0)
        typical = products[:, -1].mean()
        # Where nothing stands beside it, a vector is compared with what a typical question has in common with it.
        rest = (dots.sum(axis=0) - best) / others if len(products) > 1 else np.full(windows, typical)
        lift = best - rest / 2 - typical / 2
        nearest = dots.argmax(axis=0)
        least = np.where(cjk[nearest], gates["cjk"], gates["other"])
        across = cjk[nearest] != (self._own == SIDES.index("cjk"))
        least = np.where(across, _ACROSS * least, least) * len(products) / (len(products) + _TOO_FEW)
        return float((lift / least).max())


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a question asks of the rows of a scope."""

    words: Sequence[Word] = ()
    speakers: frozenset[int] = frozenset()
    """Who may be meant, as `text.speakers` numbers them."""
    entities: Floats | None = None
    """(n,) how closely each row is linked with who and what the question names, in [0, 1]."""
    times: Floats | None = None
    """(n,) how well each row's time meets the times the question names, in [0, 1]."""
    counted: Counted | None = None
    """What `count_words` found of the words, where they were looked for before."""


class Scored(NamedTuple):
    """A row that an arm, or all arms together, put among the best. None: the arm has nothing of it.

    A search makes a hundred of them: a tuple is made in a fifth of the time that a frozen dataclass takes.
    """

    row: int
    evidence: float
    """All that speaks for it, together."""
    similarity: float | None
    """Centred cosine, in [-1, 1]."""
    keyword: float | None
    """BM25 of the words, against what the question asks for."""
    coverage: float
    """The same against the words alone: from about 1 on, all of them are there."""
    entity: float | None
    time: float | None
    beside: float
    """What its neighbours lend."""
    ranks: Mapping[str, int]
    """Its place in each arm that has it, from 1."""


# Weight of what is counted (words, entities, times) beside centred cosine. On LoCoMo's development half and on
# MADial in both languages, anything from 0.3 to 0.7 stays within about a point of the best.
_COUNTED = 0.5

# A row beside a strong one is likelier to answer, too: people ask, answer and add over several turns. The best
# turn within reach lends so much of its evidence, a tenth less for each further turn. On LoCoMo's development
# half this gains 1.4 to 2.5 of R@10 for weights from 0.2 to 0.7, reaches from 4 to 30 and fadings from 0.8 to 0.95.
_LENT = 0.4
_FADING = 0.9
_REACH = 8
# It is lent in full from so much evidence of its own on, and nothing without any: a good-night beside the answer is
# no answer. On LoCoMo's development half R@10 and R@50 are 81.0 and 92.4 at 0.05, 80.8 and 92.4 at 0.1, 80.9 and 92.2
# here, and 80.3 and 91.9 at 0.4: to ask for half of it would find as much.
_OF_ITS_OWN = 0.2

# What another named person said is worth so much less where the question names who is meant. From 1.15 to 1.5, R@10 on
# LoCoMo's development half lies within half a point.
_OTHERS = 1.4

# What is of another time than the question names is worth half: it may be told later than it happened, so it stays a
# hit. From 1.4 to 3, R@10 on LoCoMo's development half lies within half a point.
_OTHER_TIMES = 2.0

# A message that ends with a question wants an answer rather than being one. Half of it to the same.
_ASKS = 0.08


@np.errstate(invalid="ignore", over="ignore")
def rank(
    rows: Rows,
    similarity: Floats | None,
    asked: Asked,
    limit: int,
    *,
    spread: float | None = None,
    arms: Collection[str] = ARMS,
    watched: Sequence[int] = (),
) -> list[Scored]:
    """The union of each arm's best `limit` rows and of the best of all together, best first.

    Evidence adds up: centred cosine (unrelated texts lie around 0), and what is counted. Words, entities and
    times are counted alike, by their rarity among the rows, against the geometric mean of two measures: the rarity
    of all that is asked for, and the most that one rare word can weigh among so many rows. By the first alone a
    long question would never be met, by the second alone it would drown the cosine.

    Args:
        rows: of the scope.
        similarity: (n,) -inf where a row has no vector; None without vectors.
        asked: the rest of the question.
        limit: of each arm.
        spread: as `Calibration.spread`.
        arms: those that are switched on.
        watched: rows to tell of in any case.
    """
    n = len(rows.eligible)
    near = None if similarity is None or "vector" not in arms else _level(similarity, rows.eligible, spread)
    known = np.zeros(n, np.bool_) if near is None else np.isfinite(near)
    counted, words = _count(rows, near, asked, arms)
    evidence = np.zeros(n, np.float32) if near is None else np.maximum(np.where(known, near, 0.0), 0.0)
    for met in counted.values():
        evidence = evidence + _COUNTED * met
    if "entity" in arms:
        evidence = evidence / _of_others(rows, asked.speakers)
    if "time" in counted:
        evidence = evidence / np.where(counted["time"] > 0, np.float32(1.0), np.float32(_OTHER_TIMES))
    evidence = evidence - _ASKS * rows.asks
    lent = _LENT * _beside_best(rows, np.where(rows.eligible, evidence, 0.0))
    lent = lent * _share(evidence / _OF_ITS_OWN)
    total = np.asarray(evidence + lent, dtype=np.float32)

    best: dict[str, Ints] = {}
    if near is not None:
        best["vector"] = top(near, rows.eligible & known, limit)
    for name, met in counted.items():
        best[name] = top(met, rows.eligible & (met > 0), limit)
    if "recency" in arms:
        best["recency"] = top(rows.said.astype(np.float64), rows.eligible, limit)
    named = np.zeros(n, np.bool_)
    for found in (top(total, rows.eligible, limit), *best.values(), np.asarray(watched, dtype=np.int64)):
        named[found] = True
    chosen = np.flatnonzero(named)
    chosen = chosen[np.lexsort((chosen, total[chosen]))][::-1]
    ranks: dict[int, dict[str, int]] = {row: {} for row in chosen.tolist()}
    for name, found in best.items():
        for place, row in enumerate(found.tolist(), 1):
            ranks[row][name] = place
    columns = zip(
        chosen.tolist(),
        total[chosen].tolist(),
        _told(near, chosen, -math.inf),
        _told(counted.get("keyword"), chosen, 0.0),
        words[chosen].tolist(),
        _told(counted.get("entity"), chosen, 0.0),
        _told(counted.get("time"), chosen, 0.0),
        lent[chosen].tolist(),
        ranks.values(),
        strict=True,
    )
    return [Scored._make(each) for each in columns]  # in half the time of a call with ten arguments


def _share(values: NDArray[np.floating[Any]]) -> Floats:
    """Values brought into [0, 1]: `numpy.clip`, which takes four times as long for a hundred."""
    return np.asarray(np.minimum(np.maximum(values, 0.0), 1.0), dtype=np.float32)


def _told(found: Floats | None, rows: Ints, nothing: float) -> list[float | None]:
    """What some rows have; None for those that have no more than `nothing`, or no number."""
    if found is None:
        return [None] * len(rows)
    return [value if nothing < value < math.inf else None for value in found[rows].tolist()]


# The spread that the weights of this file were chosen for: what the first bundled space shows on LoCoMo, LongMemEval
# and MADial (medians 0.12, 0.09 and 0.08). A scope's own counts like so many rows against it.
_SPREAD = 0.1
_SPREAD_PRIOR = 32


def _level(similarity: Floats, eligible: Mask, spread: float | None) -> Floats:
    """Similarities of a space nothing is known of, stretched to the spread of one that is."""
    known = similarity[eligible & np.isfinite(similarity)]
    if spread is not None or not len(known):
        return similarity
    return np.asarray(similarity * stretch(known), dtype=np.float32)


def stretch(known: Floats) -> float:
    """What to multiply similarities by, of which some are known, to bring them to the usual spread."""
    variance = (_SPREAD_PRIOR * _SPREAD**2 + len(known) * float(known.var())) / (_SPREAD_PRIOR + len(known))
    return _SPREAD / max(math.sqrt(variance), 1e-3)


def _count(rows: Rows, near: Floats | None, asked: Asked, arms: Collection[str]) -> tuple[dict[str, Floats], Floats]:
    """What each counting arm finds in each row, (n,), against all that is asked for; and words against words alone."""
    eligible = int(rows.eligible.sum())
    found: dict[str, Floats] = {}
    total, covered = 0.0, np.zeros(len(rows.eligible), np.float32)
    if "keyword" in arms:
        trust = None
        if near is not None:
            trust = np.where(np.isfinite(near), _share(near / _RELATED), 1.0).astype(np.float32)
        words = asked.counted or count_words(rows, asked.words)
        found["keyword"], total = words.trusting(trust), words.total
        covered = found["keyword"] / np.float32(max(total, 1e-6))
    for arm, links in (("entity", asked.entities), ("time", asked.times)):
        if arm in arms and links is not None:
            rarity = idf(float(links[rows.eligible].sum()), eligible)
            found[arm] = np.asarray(rarity * links, dtype=np.float32)
            total += rarity
    if not asked.words and "time" in found and asked.times is not None:
        covered = asked.times  # nothing else is asked for
    most = math.sqrt(max(total, 1e-6) * math.log(eligible + math.e))
    return {arm: np.asarray(each / most, dtype=np.float32) for arm, each in found.items()}, covered


def idf(found: float, rows: int) -> float:
    """Inverse document frequency, in nats: log(1 + (N - n + 0.5) / (n + 0.5)), never below 0."""
    return math.log1p((rows - found + 0.5) / (found + 0.5))


def meets(start: Ints, end: Ints, times: Sequence[tuple[datetime, datetime]]) -> Floats:
    """How well what lasts from `start` to before `end`, (n,) in unix milliseconds, meets one of some times.

    1 where it begins or ends in the time, 0.5 where it only goes on through it, 0 apart from it.
    """
    best = np.zeros(len(start), np.float32)
    for since, until in times:
        first, last = milliseconds(since), milliseconds(until)
        overlaps = (start < last) & (end > first)
        best = np.maximum(best, np.where(overlaps, np.where((start >= first) | (end <= last), 1.0, 0.5), 0.0))
    return best.astype(np.float32)


_FOREVER = 2**62
_DAYS: Mapping[str | None, int] = {"day": 1, "week": 7, "month": 31, "season": 92, "year": 366}


def lasting(since: datetime, until: datetime | None, precision: str | None, *, happened: bool) -> tuple[int, int]:
    """From when to before when a dated memory counts, in unix milliseconds: an event as long as its date is exact."""
    start = milliseconds(since)
    if until is not None:
        return start, max(milliseconds(until), start + 1)
    if not happened:
        return start, _FOREVER
    return start, start + _DAYS.get(precision, 0) * 86_400_000 + 1


def _of_others(rows: Rows, asked: frozenset[int]) -> Floats:
    """By what to divide: 1, or more for rows of a named person where others are asked for."""
    if not asked or not rows.speakers.any():
        return np.ones(len(rows.speakers), np.float32)
    meant = np.isin(rows.speakers, list(asked))
    if not meant[rows.eligible].any():
        return np.ones(len(rows.speakers), np.float32)
    return np.where(meant | (rows.speakers == 0), np.float32(1.0), np.float32(_OTHERS))


def _beside_best(rows: Rows, evidence: Floats) -> Floats:
    """The evidence of the best turn around each row's own in the same conversation, fading with the distance; (n,).

    0 for rows without evidence of their own.
    """
    n = len(evidence)
    links = np.concatenate([rows.neighbours, np.full((3, 1), n)], axis=1)
    said = np.append(np.maximum(evidence, np.float32(0.0)), np.float32(0.0))
    taken = np.flatnonzero(rows.neighbours[0] < n)  # from another row's turn
    said[taken] = 0.0
    np.maximum.at(said, rows.neighbours[0][taken], evidence[taken])
    found = np.flatnonzero(evidence > 0)  # nothing is lent to the others
    best = np.zeros(len(found), np.float32)
    ahead, after, share = links[1][found], links[2][found], 1.0
    for _ in range(_REACH):
        best = np.maximum(best, np.float32(share) * np.maximum(said[ahead], said[after]))
        ahead, after, share = links[1][ahead], links[2][after], share * _FADING
    out = np.zeros(n, np.float32)
    out[found] = best
    return out


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What rows have of a question's words."""

    alone: Floats
    """(n,) BM25 of a row's own words."""
    together: Floats
    """(n,) the same with the words beside it; never less."""
    total: float
    """The rarity of the question: the sum of its words' idf among eligible rows."""

    def trusting(self, trust: Floats | None) -> Floats:
        """BM25 of every row, (n,). `trust`, in [0, 1]: how much the words beside it count for it (None: fully)."""
        if trust is None:
            return self.together
        return np.asarray(self.alone + trust * (self.together - self.alone), dtype=np.float32)


def keywords(rows: Rows, question: Sequence[Word], trust: Floats | None = None) -> tuple[Floats, float]:
    """BM25 of every row, shape (n,), and the rarity of the question; see `Counted` and `count_words`."""
    counted = count_words(rows, question)
    return counted.trusting(trust), counted.total


@np.errstate(invalid="ignore", over="ignore")
def count_words(rows: Rows, question: Sequence[Word]) -> Counted:
    """BM25 of every row.

    A row's words count fully; those of the turns beside it count half, and those of its own turn a quarter. A word that
    no row has is looked for with one letter wrong, for half.
    """
    n = len(rows.eligible)
    score_alone, score_together = np.zeros(n, np.float32), np.zeros(n, np.float32)
    eligible = int(rows.eligible.sum())
    if not eligible or not question or not len(rows.terms):
        return Counted(alone=score_alone, together=score_together, total=0.0)
    lengths = np.diff(rows.starts).astype(np.float32)
    spread = _with_beside(rows, lengths)
    spread = _K1 * (1.0 - _B + _B * spread / max(float(spread[rows.eligible].mean()), 1.0))
    places = _maybe(rows.terms, [form for word in question for form in word.forms])
    owners = np.searchsorted(rows.starts, places, side="right") - 1
    found = rows.terms[places]
    total, unknown = 0.0, 0
    for word in question:
        mine = owners[functools.reduce(np.logical_or, [found == form for form in word.forms])]
        weight = 1.0
        unknown += not len(mine)
        if not len(mine) and unknown <= _MOST_UNKNOWN and (near := text.misspelt(word.plain)):
            mine = np.searchsorted(rows.starts, _places(rows.terms, list(near)), side="right") - 1
            weight = _MISSPELT
        tf = np.bincount(mine, minlength=n).astype(np.float32)
        rarity = idf(int(np.count_nonzero((tf > 0) & rows.eligible)), eligible)
        total += rarity
        if not tf.any():
            continue
        score_alone += weight * rarity * (tf * (_K1 + 1.0) / (tf + spread))
        tf = _with_beside(rows, tf)
        score_together += weight * rarity * (tf * (_K1 + 1.0) / (tf + spread))
    return Counted(alone=score_alone, together=score_together, total=total)


def _places(terms: NDArray[np.uint32], wanted: Sequence[int]) -> Ints:
    """Where one of the wanted terms stands."""
    places = _maybe(terms, wanted)
    return np.asarray(places[np.isin(terms[places], np.array(wanted, np.uint32))], dtype=np.int64)


def _maybe(terms: NDArray[np.uint32], wanted: Sequence[int]) -> Ints:
    """Where one of the wanted terms may stand. A table of half their bits rules out nearly all others at once."""
    maybe = np.zeros(1 << 16, np.bool_)
    maybe[np.array(wanted, np.uint32) & 0xFFFF] = True
    # Never out of range; the quickest mode.
    return np.asarray(np.flatnonzero(maybe.take(terms.astype(np.uint16), mode="wrap")), dtype=np.int64)


# A word one letter away is as often another word as the same one misspelt.
_MISSPELT = 0.5
# Each costs a look through all words of the scope; a question that has more words that nobody used has a document in it.
_MOST_UNKNOWN = 12


def _with_beside(rows: Rows, own: Floats) -> Floats:
    """`own` plus half of what the turns before and after the row's have, and a quarter of what its own turn has."""
    padded = np.append(own, np.float32(0.0))
    turn, before, after = padded[rows.neighbours]
    return np.asarray(own + _BESIDE * (before + after) + _OWN_TURN * turn, dtype=np.float32)


def relevance(evidence: float, coverage: float, *, midpoint: float, scale: float) -> float:
    """How likely a record with so much evidence answers the question, in [0, 1]: a logistic curve of the space.

    A record that has the question's words is worth that much whatever else the scope holds: words that every record
    has order nothing, and are no less there.
    """
    worth = max(evidence, _COUNTED * min(coverage, 1.0))
    return 1.0 / (1.0 + math.exp(-min(max((worth - midpoint) / scale, -50.0), 50.0)))


# Boosts order what is about equally relevant; each stays within this, but for those that the question itself asks for:
# of an attribute (ATTRIBUTE), of the newest or oldest (`ordered`), and of many things, which the read path spreads out.
BOUND = 1.1
PINNED = 1.05
HALF_LIFE = timedelta(days=30)
"""After so long, the boost of something new is half of what it was: what people tell of is most often of the month."""

ATTRIBUTE = 1.4
"""What a memory of the very attribute that is asked for counts more, and one of somebody else less: as `_OTHERS`.

The read path makes the first one the equal of the best hit before, where few attributes are asked for."""

COMPARABLE = 0.6
"""Asked for the newest, hits with at least this share of the best one's evidence are told apart by their time."""


def ordered(place: int) -> float:
    """What the newest of several (place 0) gets, and each after it, where the newest is asked for.

    Enough for the newest to make up for the whole of that share; it halves every two places, so that it lifts the
    last few of a long series rather than its newer half.
    """
    return 1 + (1 / COMPARABLE - 1) * float(0.5 ** (place / 2))


def recency(age: timedelta, half_life: timedelta) -> float:
    """From 1.05 for what was said last down to 1, halving with each half-life.

    More would cost recall where people ask of any time: at 1.1, 0.2 of R@10 on LoCoMo's development half.
    """
    return 1 + (BOUND - 1) / 2 * float(0.5 ** (max(age, timedelta()) / half_life))


def proof(count: int) -> float:
    """1 for what was said once, up to 1.05 for what was said often."""
    return 1 + (BOUND - 1) / 2 * (1 - 1 / max(count, 1))


def feedback(rating: int) -> float:
    """0.9 to 1.1 for ratings from -2 to 2."""
    return 1 + (BOUND - 1) / 2 * min(max(rating, -2), 2)


def top(scores: Floats, eligible: Mask, limit: int) -> Ints:
    """Indices of the best `limit` eligible scores, best first; ties keep the later row first."""
    index = np.flatnonzero(eligible)
    if len(index) > limit:
        cut = np.partition(scores[index], len(index) - limit)[len(index) - limit]
        index = index[scores[index] >= cut]
    order = np.lexsort((-index, -scores[index]))
    return np.asarray(index[order][:limit], dtype=np.int64)
