"""What is measured of a ranking, pure.

Recall@k is the share of a question's gold among its first k; hit@k whether any is there, all@k whether all
are; MRR the reciprocal rank of the first, looking no further than the deepest k; nDCG@10 has gains of 0
and 1. Each is averaged over questions. Where sessions are gold, the ranking is of sessions, each at the rank
of its first message.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

Row = dict[str, float]


def score(ranked: Sequence[str], gold: Iterable[str], depths: Sequence[int]) -> Row:
    """All figures of one question, in [0, 1]. `ranked` has each id once; `gold` is not empty."""
    wanted = set(gold)
    row: Row = {}
    for k in depths:
        have = len(wanted & set(ranked[:k]))
        row |= {f"R@{k}": have / len(wanted), f"hit@{k}": float(have > 0), f"all@{k}": float(have == len(wanted))}
    ranks = [rank for rank, each in enumerate(ranked[: max(depths)], 1) if each in wanted]
    ideal = sum(_discount(rank) for rank in range(1, min(10, len(wanted)) + 1))
    gained = sum(_discount(rank) for rank, each in enumerate(ranked[:10], 1) if each in wanted)
    return row | {"MRR": 1 / ranks[0] if ranks else 0.0, "nDCG@10": gained / ideal}


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def curve(ranked: Sequence[str], tokens: Sequence[int], gold: Iterable[str], depth: int) -> list[tuple[int, float]]:
    """After 1, 2, … `depth` memories: the tokens handed over so far and the recall they buy.

    `ranked` has an id a memory, so a session may come again. A ranking that ends stays where it is.
    """
    wanted, seen, spent, points = set(gold), set[str](), 0, []
    for place in range(depth):
        if place < len(ranked):
            spent += tokens[place]
            seen |= {ranked[place]} & wanted
        points.append((spent, len(seen) / len(wanted)))
    return points


def mean(rows: Sequence[Mapping[str, float]]) -> Row:
    """The mean of each figure."""
    return {name: fmean(row[name] for row in rows) for name in rows[0]} if rows else {}


def mean_curve(curves: Sequence[Sequence[tuple[int, float]]]) -> list[tuple[float, float]]:
    """Point by point."""
    return [(fmean(p[0] for p in points), fmean(p[1] for p in points)) for points in zip(*curves, strict=True)]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); nan of none."""
    if not values:
        return math.nan
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]
