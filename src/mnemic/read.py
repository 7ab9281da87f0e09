"""From a question to hits: understand, find candidates, score, cut at the floor, assemble. Top to bottom.

No language model is involved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from mnemic import ranking, text
from mnemic.errors import MissingDependency, ModelError
from mnemic.hygiene import CLOSING, OPENING, mask
from mnemic.protocols import Calibration, Candidate, Embedder, Found, Probe, Record, Space, Store, Vectors, Where
from mnemic.times import age
from mnemic.types import SEARCHABLE_STATES, Episode, EpisodeState, Memory

# Each arm hands over this many candidates at least, and twice the number of hits asked for, so that what
# one arm ranks low and another high is still seen.
_ARM_LEAST = 30
_ARM_TIMES = 2

CONTEXT_STATES: tuple[EpisodeState, ...] = (*SEARCHABLE_STATES, "done")
"""Episodes that a context block may quote: also those that memories were made of."""

# A message that memories were made of is quoted beside them only when it is clearly relevant: one scale above
# the point where relevant and irrelevant are equally likely. Whole messages often hold a question, and
# questions resemble each other whatever they ask.
_CLEARLY = 1 / (1 + math.exp(-1))

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


@dataclass(frozen=True, kw_only=True)
class Block:
    """A context block and what went into it."""

    text: str
    tokens: int
    hits: tuple[Hit, ...]
    omitted: int


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

    async def context(self, question: str, where: Where, *, limit: int, floor: float | None, max_tokens: int) -> Block:
        """Hits as a dated, quoted block of at most `max_tokens` estimated tokens. Empty without hits."""
        answer = await self.search(question, where, limit=limit, floor=floor)
        worth = [hit for hit in answer.hits if _worth_quoting(hit)]
        hits = _each_turn_once(worth if where.superseded else await self._still_so(worth))
        lines: list[str] = []
        used = ranking.count_tokens(OPENING) + ranking.count_tokens(CLOSING)
        taken = []
        for hit in hits:
            line = _line(hit.record, where.now)
            cost = ranking.count_tokens(line)
            if used + cost <= max_tokens:
                used += cost
                lines.append(line)
                taken.append(hit)
        if not lines:
            return Block(text="", tokens=0, hits=(), omitted=len(hits))
        block = "\n".join([OPENING, *lines, CLOSING])
        return Block(text=block, tokens=used, hits=tuple(taken), omitted=len(hits) - len(taken))

    async def _still_so(self, hits: Sequence[Hit]) -> list[Hit]:
        """Without messages that told something which has changed since: what still holds of them, memories tell."""
        done = [hit.record.id for hit in hits if isinstance(hit.record, Episode) and hit.record.state == "done"]
        changed = await self._store.citing(done, superseded=True) if done else ()
        stale = {source.episode_id for memory in changed for source in memory.sources}
        return [hit for hit in hits if hit.record.id not in stale]

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


def _worth_quoting(hit: Hit) -> bool:
    record = hit.record
    return not (isinstance(record, Episode) and record.state == "done") or hit.score >= _CLEARLY


def _each_turn_once(hits: Sequence[Hit]) -> list[Hit]:
    """Drop a message that a better hit quotes, and a memory whose message is a better hit."""
    seen: set[str] = set()
    kept = []
    for hit in hits:
        turns = {hit.record.id} if isinstance(hit.record, Episode) else {s.episode_id for s in hit.record.sources}
        if turns and turns <= seen:
            continue
        seen |= turns if isinstance(hit.record, Episode) else set()
        kept.append(hit)
    quoted = {s.episode_id for hit in kept if isinstance(hit.record, Memory) for s in hit.record.sources}
    return [hit for hit in kept if not (isinstance(hit.record, Episode) and hit.record.id in quoted)]


def _line(record: Record, now: datetime) -> str:
    """One hit with its date, age, speaker and words, quoted."""
    said = record.said_at
    if isinstance(record, Episode):
        words, who = record.words, record.actor or record.role
    else:
        words, who = record.words, record.actor or record.attributed_to or "user"
    when = "undated" if said is None else f"{said.date().isoformat()} ({age(said, now)})"
    if isinstance(record, Memory) and record.known_to is not None:
        when += ", no longer so"
    safe = " ".join(words.split()).replace("<", "‹").replace(">", "›")
    return f"- {when}, {who}: “{safe}”"
