"""From hits to a block for a prompt: dated, quoted as data, within a budget. Top to bottom.

No language model is involved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mnemic import ranking
from mnemic.consolidate import ConsolidatePath
from mnemic.hygiene import CLOSING, OPENING
from mnemic.protocols import Record, Store, Where
from mnemic.question import Question
from mnemic.read import Hit, ReadPath
from mnemic.times import age
from mnemic.types import SEARCHABLE_STATES, Episode, EpisodeState, Memory

CONTEXT_STATES: tuple[EpisodeState, ...] = (*SEARCHABLE_STATES, "done")
"""Episodes that a context block may quote: also those that memories were made of."""

# A message that memories were made of is quoted beside them only when it is clearly relevant: one scale above
# the point where relevant and irrelevant are equally likely. Whole messages often hold a question, and
# questions resemble each other whatever they ask.
_CLEARLY = 1 / (1 + math.exp(-1))


@dataclass(frozen=True, kw_only=True)
class Block:
    """A context block and what went into it."""

    text: str
    tokens: int
    hits: tuple[Hit, ...]
    omitted: int


class ContextPath:
    """Puts what is known about a question into a block."""

    def __init__(self, store: Store, read: ReadPath, consolidate: ConsolidatePath) -> None:
        self._store = store
        self._read = read
        self._consolidate = consolidate

    async def block(self, asked: Question, where: Where, *, limit: int, floor: float | None, max_tokens: int) -> Block:
        """Hits as a dated, quoted block of at most `max_tokens` estimated tokens. Empty without hits."""
        answer = await self._read.search(asked, where, limit=limit, floor=floor)
        worth = [hit for hit in answer.hits if _worth_quoting(hit)]
        hits = _each_turn_once(worth if where.superseded and where.as_of is None else await self._still_so(worth))
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
