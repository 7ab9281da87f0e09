"""Tidying up: what to merge, what to retire, what pattern there is, and who somebody is. Top to bottom.

No model is asked. Everything is a proposal first, rests on memories it names, and is applied as one
change of its own. Patterns are never made of patterns, and a merge always leaves one.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

import numpy as np

from mnemic import sameness, slots, text
from mnemic.drafts import ONE, Likeness, company, event, moment, once_key, trace_of
from mnemic.embedding import Embedding
from mnemic.errors import Conflict
from mnemic.ids import new_id
from mnemic.protocols import MADE, Calibration, Embedder, NewMemory, Page, Proof, Retire, Store, Vectors, Where, Write
from mnemic.types import Change, Memory, Scope, Source

# Pages in which the memories of a scope are read, and vectors compared at a time.
_AT_ONCE = 1_000

# Each memory is compared with so many of its nearest.
_NEAREST = 8

# Things that happened on at least so many days are a pattern; two may be chance.
_DAYS = 3

# Share of the words that things of one pattern have in common: most of them, their dates and places apart.
_COMMON = 0.6


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One thing that would be done."""

    kind: Literal["merge", "retire", "pattern"]
    reason: str
    memories: tuple[Memory, ...]
    """What it rests on; of a merge the one that stays comes first."""
    text: str | None = None
    """The text that stays, or the pattern."""
    former: tuple[Memory, ...] = ()
    """Of a pattern: those it takes the place of, as it happened again."""

    @property
    def id(self) -> str:
        """The same as long as the memories it rests on are the same versions."""
        parts = (self.kind, self.reason, sorted((memory.id, memory.version) for memory in self.memories))
        return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What became of a proposal: the change it was, or why not."""

    proposal: Proposal
    change_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Who somebody is."""

    facts: tuple[Memory, ...]
    state: tuple[Memory, ...]
    preferences: tuple[Memory, ...]

    @property
    def text(self) -> str:
        """As lines under headings, oldest first, so that it changes only where a memory does."""
        parts = (("Facts", self.facts), ("Now", self.state), ("Preferences", self.preferences))
        return "\n".join(
            f"{heading}:\n" + "\n".join(f"- {' '.join(memory.words.split())}" for memory in memories)
            for heading, memories in parts
            if memories
        )


class ConsolidatePath:
    """Proposes, and applies what was agreed to."""

    def __init__(
        self, store: Store, embedder: Embedder, calibration: Calibration, *, single: Mapping[str, bool]
    ) -> None:
        self._store = store
        self._embedding = Embedding(embedder)
        self._likeness = Likeness(calibration)
        self._single = single

    async def propose(self, scope: Scope, at: datetime) -> tuple[Proposal, ...]:
        """What would be merged, retired and noted as a pattern, in this order."""
        memories = await self._current(scope, at, expired=True)
        alive = [memory for memory in memories if memory.expires_at is None or memory.expires_at > at]
        vectors = await self._vectors(alive)
        merges = list(self._merges(alive, vectors))
        merged = {memory.id for proposal in merges for memory in proposal.memories[1:]}
        left = [memory for memory in alive if memory.id not in merged]
        return (*merges, *self._retirements(memories, left, at), *_patterns(left))

    async def apply(self, scope: Scope, proposals: Sequence[Proposal], at: datetime) -> tuple[Applied, ...]:
        """Each as a change of its own; one whose memories changed meanwhile is left, and says so."""
        done = []
        for proposal in proposals:
            change = Change(id=new_id(scope.partition), scope=scope, kind="consolidate", at=at)
            try:
                await self._store.commit(await self._write(proposal, change))
            except Conflict as exc:
                done.append(Applied(proposal=proposal, error=str(exc)))
            else:
                done.append(Applied(proposal=proposal, change_id=change.id))
        return tuple(done)

    async def profile(self, scope: Scope, at: datetime) -> Profile:
        """Current memories about the user herself, by what they tell."""
        mine = await self.foremost(Where(scope=scope, now=at))
        sections = defaultdict(list)
        for memory in mine.memories:
            sections[_section(memory, self._single)].append(memory)
        return Profile(
            facts=tuple(sections["facts"]),
            state=tuple(sections["state"]),
            preferences=tuple(sections["preferences"]),
        )

    async def foremost(self, where: Where, limit: int | None = None) -> Page:
        """The same memories in one list: pinned ones, then what tells most of somebody. `limit` of them, and a total."""
        return await self._store.foremost(where, attributes=slots.known(), limit=limit)

    async def _current(self, scope: Scope, at: datetime, *, expired: bool) -> list[Memory]:
        where = Where(scope=scope, now=at, expired=expired)
        found: list[Memory] = []
        cursor = None
        while True:
            page = await self._store.page(where, limit=_AT_ONCE, cursor=cursor)
            found += page.memories
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def _vectors(self, memories: Sequence[Memory]) -> dict[str, Vectors]:
        found: dict[str, Vectors] = {}
        for start in range(0, len(memories), _AT_ONCE):
            found |= await self._store.vectors([memory.id for memory in memories[start : start + _AT_ONCE]])
        return {each: vectors[0] for each, vectors in found.items() if len(vectors)}

    # Merges.

    def _merges(self, memories: Sequence[Memory], vectors: Mapping[str, Vectors]) -> Iterator[Proposal]:
        by_id = {memory.id: memory for memory in memories if memory.kind not in MADE}
        traces = {each: trace_of(memory) for each, memory in by_id.items()}
        group = {each: each for each in by_id}

        def root(each: str) -> str:
            while group[each] != each:
                each = group[each]
            return each

        for one, other in self._pairs(by_id, vectors):
            if company(by_id[one]) != company(by_id[other]):
                continue
            similarity = self._likeness.of(
                by_id[one].indexed, vectors.get(one), by_id[other].indexed, vectors.get(other)
            )
            if sameness.compare(traces[one], traces[other], similarity) in ONE:
                group[root(one)] = root(other)
        groups = defaultdict(list)
        for each, memory in by_id.items():
            groups[root(each)].append(memory)
        for same in groups.values():
            if len(same) > 1:
                # The fullest stays; a person's word before what was extracted, and of equals the oldest.
                same.sort(
                    key=lambda memory: (
                        not memory.pinned,
                        memory.origin not in ("corrected", "given"),
                        -len(traces[memory.id].rest),
                        memory.id,
                    )
                )
                yield Proposal(kind="merge", reason="they say the same", memories=tuple(same), text=same[0].words)

    @staticmethod
    def _pairs(by_id: Mapping[str, Memory], vectors: Mapping[str, Vectors]) -> Iterator[tuple[str, str]]:
        """Memories of the same words, of one slot, and nearest ones."""
        by_words = defaultdict(list)
        for memory in by_id.values():
            by_words[text.fingerprint(memory.words)].append(memory.id)
        for ids in by_words.values():
            yield from pairwise(ids)
        by_slot = defaultdict(list)
        for memory in by_id.values():
            if memory.slot is not None:
                by_slot[memory.slot].append(memory.id)
        for ids in by_slot.values():
            for index, one in enumerate(ids[:_AT_ONCE]):
                yield from ((one, other) for other in ids[index + 1 : _AT_ONCE])
        names = [each for each in by_id if each in vectors]
        if len(names) < 2:
            return
        matrix = np.stack([vectors[each] for each in names])
        for start in range(0, len(names), _AT_ONCE):
            products = matrix[start : start + _AT_ONCE] @ matrix.T
            most = min(_NEAREST + 1, len(names))
            for row, nearest in enumerate(np.argpartition(-products, most - 1, axis=1)[:, :most].tolist()):
                yield from ((names[start + row], names[other]) for other in nearest if other != start + row)

    # Retirements.

    def _retirements(self, memories: Sequence[Memory], left: Sequence[Memory], at: datetime) -> Iterator[Proposal]:
        for memory in memories:
            if memory.expires_at is not None and memory.expires_at <= at:
                yield Proposal(kind="retire", reason="expired", memories=(memory,))
            elif memory.rating <= -2 and not memory.pinned:
                yield Proposal(kind="retire", reason="rated wrong", memories=(memory,))
        by_slot = defaultdict(list)
        for memory in left:
            known = memory.slot is not None and memory.attribute is not None
            if known and slots.single(memory.attribute or "", self._single):
                by_slot[(memory.slot, company(memory))].append(memory)
        for standing in by_slot.values():
            newest = max(standing, key=lambda memory: (moment(memory), memory.id))
            for memory in standing:
                if memory.id != newest.id and not memory.pinned:
                    yield Proposal(kind="retire", reason="superseded", memories=(memory, newest), text=newest.words)

    # Applying.

    async def _write(self, proposal: Proposal, change: Change) -> Write:
        match proposal.kind:
            case "merge":
                return _merge(proposal, change)
            case "retire":
                return _retire(proposal, change)
            case "pattern":
                memory = _pattern(proposal, change)
                (vectors,) = await self._embedding.windows([memory.indexed])
                new = NewMemory(memory=memory, vectors=vectors, once=once_key(memory))
                return Write(
                    scope=change.scope,
                    at=change.at,
                    space=self._embedding.space,
                    changes=(change,),
                    retire=tuple(
                        Retire(
                            memory_id=each.id, version=each.version, reason="merged", change_id=change.id,
                            retired_by=memory.id,
                        )
                        for each in proposal.former
                    ),
                    memories=(new,),
                    history=(
                        event(memory, "ADD", change.id, change.at, _ACTOR, proposal.reason),
                        *(event(each, "DELETE", change.id, change.at, _ACTOR, "merged") for each in proposal.former),
                    ),
                )  # fmt: skip


_ACTOR = "consolidation"


def _merge(proposal: Proposal, change: Change) -> Write:
    kept, *others = proposal.memories
    have = {(source.episode_id, source.quote) for source in kept.sources}
    further: list[Source] = []
    for memory in others:
        for source in memory.sources:
            if (source.episode_id, source.quote) not in have:
                have.add((source.episode_id, source.quote))
                further.append(source)
    return Write(
        scope=change.scope,
        at=change.at,
        changes=(change,),
        retire=tuple(
            Retire(
                memory_id=memory.id, version=memory.version, reason="merged", change_id=change.id, retired_by=kept.id
            )
            for memory in others
        ),
        proofs=tuple(
            Proof(memory_id=kept.id, version=kept.version, source=source, change_id=change.id) for source in further
        ),
        history=tuple(event(memory, "DELETE", change.id, change.at, _ACTOR, "merged") for memory in others),
    )


def _retire(proposal: Proposal, change: Change) -> Write:
    memory, *newest = proposal.memories
    return Write(
        scope=change.scope,
        at=change.at,
        changes=(change,),
        retire=(
            Retire(
                memory_id=memory.id,
                version=memory.version,
                reason=proposal.reason,
                change_id=change.id,
                retired_by=newest[0].id if newest else None,
                valid_to=moment(newest[0]) if newest else None,
            ),
        ),
        history=(event(memory, "DELETE", change.id, change.at, _ACTOR, proposal.reason),),
    )


# Patterns.


def _patterns(memories: Sequence[Memory]) -> Iterator[Proposal]:
    """Things that happened again and again: mostly the same words, on at least `_DAYS` days."""
    noted = [memory for memory in memories if memory.kind == "pattern"]
    happened = [memory for memory in memories if memory.kind == "event"]
    words = {memory.id: frozenset(text.query_terms(memory.words)) for memory in happened}
    holding: dict[int, list[Memory]] = defaultdict(list)
    for memory in happened:
        for term in words[memory.id]:
            holding[term].append(memory)
    taken: set[str] = set()
    for memory in sorted(happened, key=lambda each: each.id):
        if memory.id in taken:
            continue
        beside = {other.id: other for term in words[memory.id] for other in holding[term]}
        alike = [
            other
            for other in beside.values()
            if other.id not in taken
            and company(other) == company(memory)
            and other.subject == memory.subject
            and _in_common(words[memory.id], words[other.id]) >= _COMMON
        ]
        days = sorted({_day(other) for other in alike})
        if len(days) < _DAYS:
            continue
        taken |= {other.id for other in alike}
        alike.sort(key=lambda other: (moment(other), other.id))
        pattern = f"{alike[-1].words} (×{len(alike)}, {days[0]} – {days[-1]})"
        if pattern not in {each.text for each in noted}:
            yield Proposal(
                kind="pattern", reason=f"happened on {len(days)} days", memories=tuple(alike), text=pattern,
                former=tuple(each for each in noted if _rests_on(each, alike)),
            )  # fmt: skip


def _rests_on(pattern: Memory, memories: Sequence[Memory]) -> bool:
    """Whether a pattern was made of nothing but these."""
    cited = {source.episode_id for memory in memories for source in memory.sources}
    return bool(pattern.sources) and all(source.episode_id in cited for source in pattern.sources)


def _in_common(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _day(memory: Memory) -> str:
    return (memory.valid_from or moment(memory)).date().isoformat()


def _pattern(proposal: Proposal, change: Change) -> Memory:
    first = proposal.memories[0]
    sources = tuple(dict.fromkeys(source for memory in proposal.memories for source in memory.sources))
    return replace(
        first,
        id=new_id(change.scope.partition),
        version=1,
        scope=change.scope,
        kind="pattern",
        text=proposal.text or "",
        seen=None,
        attribute=None,
        object=None,
        slot=None,
        origin="inferred",
        confidence=min(memory.confidence for memory in proposal.memories),
        proof_count=len(sources),
        sources=sources,
        rating=0,
        pinned=False,
        valid_from=None,
        valid_to=None,
        precision=None,
        said_at=moment(proposal.memories[-1]),
        created_at=change.at,
        updated_at=change.at,
        known_from=change.at,
    )


# The profile.

_STABLE = frozenset(
    ("name", "birthday", "hometown", "nationality", "language", "native_language", "gender", "blood_type", "education")
)
"""Single or not, these hardly ever change."""
_LIKED = frozenset(("likes", "dislikes", "hobby", "diet"))


def _section(memory: Memory, single: Mapping[str, bool]) -> str:
    attribute = memory.attribute
    if memory.kind == "preference" or attribute in _LIKED or (attribute or "").startswith("favourite"):
        return "preferences"
    if attribute is None or attribute in _STABLE:
        return "facts"
    return "state" if slots.single(attribute, single) else "facts"
