"""From a question to hits: understand, find candidates, score, cut at the floor, assemble. Top to bottom.

No language model is involved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mnemic import ranking, text
from mnemic.errors import MissingDependency, ModelError
from mnemic.hygiene import mask
from mnemic.protocols import Calibration, Candidate, Embedder, Found, Probe, Record, Space, Store, Vectors, Where
from mnemic.types import Memory

# Each arm hands over this many candidates at least, and twice the number of hits asked for, so that what
# one arm ranks low and another high is still seen.
_ARM_LEAST = 30
_ARM_TIMES = 2

# A question about the past is answered by what no longer holds, too, and that goes before what holds now where
# both are about equally relevant: the bound within which boosts may order.
_PAST_BOOST = 1.1
_PAST = re.compile(
    r"\b(?:before|previous(?:ly)?|former(?:ly)?|used to|earlier|in the past|back then|at (?:that|the) time|once"
    r"|originally|old|ex|last (?:job|employer|address|home|boss|car|phone)|any ?more|history|changed?)\b"
    r"|以前|之前|從前|从前|曾經|曾经|過去|过去|原本|原來|原来|當時|当时|那時候?|那时候?|上一(?:個|个|份|間|间|任)|前任|舊|旧|改變|改变|變化|变化",
    re.IGNORECASE,
)

# What a tool or a page tells does not come before what people said of the same: the same bound.
_SAID_BOOST = 1.1
_DATA = ("tool", "system")


def asks_for_past(question: str) -> bool:
    """Whether a question asks for what was, rather than for what is.

    >>> asks_for_past("Where did I work before?"), asks_for_past("Where do I work?")
    (True, False)
    """
    return _PAST.search(question) is not None


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A candidate that passed the floor."""

    record: Record
    score: float
    candidate: Candidate


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Hits, best first."""

    hits: tuple[Hit, ...]
    below_floor: int
    """Candidates that were found and judged irrelevant."""
    notes: tuple[str, ...] = ()
    """What the answer had to do without."""


class ReadPath:
    """Answers questions from a store."""

    def __init__(self, store: Store, embedder: Embedder, calibration: Calibration) -> None:
        self._store = store
        self._embedder = embedder
        self._calibration = calibration

    async def search(self, question: str, where: Where, *, limit: int, floor: float | None) -> Answer:
        """The best `limit` records at or above `floor` (None: the space's own)."""
        asked = text.in_first_person(mask(question).text, where.scope.user_id)  # no embedder is shown a secret
        notes = []
        try:
            vectors = await self._vectors(asked)
        except (MissingDependency, ModelError) as exc:
            vectors = None
            notes.append(f"searched by keyword only: {exc}")
        found = await self._store.find(
            Probe(
                where=where,
                vectors=vectors,
                space=None if vectors is None else Space(name=self._embedder.name, dimensions=vectors.shape[1]),
                terms=text.query_terms(asked),
                side=text.side(asked),
                calibration=self._calibration,
                limit=max(_ARM_LEAST, _ARM_TIMES * limit),
            )
        )
        scored = self._score(found)
        floor = self._calibration.floor if floor is None else floor
        kept = [(score, candidate) for score, candidate in scored if score >= floor]
        chosen = kept[:limit]
        records = await self._store.load([candidate.id for _, candidate in chosen])
        chosen = sorted(
            chosen,
            key=lambda pair: _order(pair[0], pair[1], records.get(pair[1].id), past=where.superseded),
            reverse=True,
        )
        hits = tuple(
            Hit(record=records[candidate.id], score=score, candidate=candidate)
            for score, candidate in chosen
            if candidate.id in records
        )
        return Answer(hits=hits, below_floor=len(scored) - len(kept), notes=tuple(notes))

    async def _vectors(self, question: str) -> Vectors:
        """The question's windows; short ones are one."""
        pieces = text.windows(question, self._embedder.max_chars)
        return np.asarray(await self._embedder.embed(pieces, role="query"), np.float32)

    def _score(self, found: Found) -> list[tuple[float, Candidate]]:
        """Candidates with their relevance, best first; of equals the later said comes first."""
        scores = ranking.relevance(
            [each.similarity for each in found.candidates],
            [each.keyword for each in found.candidates],
            asked=found.asked,
            searched=found.searched,
            midpoint=self._calibration.midpoint,
            scale=self._calibration.scale,
        )
        pairs = zip(scores, found.candidates, strict=True)
        return sorted(pairs, key=lambda pair: (pair[0], pair[1].said_at, pair[1].id), reverse=True)


def _order(score: float, candidate: Candidate, record: Record | None, *, past: bool) -> tuple[float, datetime, str]:
    """What hits are ordered by: relevance; about equal in it, what people said and, asked for the past, what was."""
    gone = isinstance(record, Memory) and record.known_to is not None
    if past and gone:
        score *= _PAST_BOOST
    if record is not None and _is_data(record):
        score /= _SAID_BOOST
    return (score, candidate.said_at, candidate.id)


def _is_data(record: Record) -> bool:
    """Whether no person said it, nor the assistant."""
    said_by: list[str | None] = [source.role for source in record.sources] if isinstance(record, Memory) else []
    return all(role in _DATA for role in said_by or [record.role])
