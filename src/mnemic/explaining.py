"""Why a search answers as it does: where each record that was found came to stand, and why a named one is not there.

The conditions of a search are put to the store itself, one after the other, so that what is told here is what a
search does.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mnemic import text
from mnemic.filters import Filter
from mnemic.protocols import ARMS, Calibration, Candidate, Probe, Record, Store, Where
from mnemic.question import Question
from mnemic.read import Answer, ReadPath
from mnemic.times import iso
from mnemic.types import Dropped, Episode, Fate, Memory, Scope

_NEAREST = 12  # of what was dropped; what is further away tells nothing
_FARTHEST = 10_000  # of an arm's order; a whole one would make an object of everything that a large scope holds


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a record that was found stands."""

    candidate: Candidate
    score: float
    """Relevance in [0, 1]."""
    rank: int
    """Among all that was found, from 1; 0 where it was not found."""
    boosts: Mapping[str, float] = field(default_factory=dict)
    dropped: Dropped | None = None
    """Why it is no hit."""
    copy_of: str | None = None
    """The better one with the same words: copies come behind all others."""
    record: Record | None = None


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What became of the record that was asked about."""

    id: str
    fate: Fate
    reason: str
    """One sentence."""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    """What the sentence rests on."""
    place: Place | None = None
    """Where it was found, or what little was found in it."""
    record: Record | None = None
    """What may be shown of it: nothing of what is gone, or somebody else's."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """An answer, and how it came about."""

    answer: Answer
    hits: tuple[Place, ...]
    dropped: tuple[Place, ...]
    """The nearest of them."""
    counts: Mapping[Dropped, int]
    """How many were dropped, by the reason."""
    wanted: Wanted | None = None


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A part of a filter at its top level: as it was given, and as it is understood."""

    given: Mapping[str, Any]
    tree: Filter


class ExplainPath:
    """Explains the answers of a read path."""

    def __init__(self, store: Store, read: ReadPath) -> None:
        self._store = store
        self._read = read

    async def explain(
        self,
        asked: Question,
        where: Where,
        *,
        limit: int,
        floor: float | None,
        rerank: bool = True,
        conditions: Sequence[Condition] = (),
        wanted: str | None = None,
        sees: Callable[[Scope], bool],
    ) -> Explanation:
        """What a search with the same arguments answers, and why.

        Args:
            asked, where, limit, floor, rerank: as `ReadPath.search` takes them.
            conditions: the parts of the filter of `where`, all of which must hold.
            wanted: the id of a record to tell of in any case.
            sees: whether the asker may know that there is anything in a scope.
        """
        answer = await self._read.search(asked, where, limit=limit, floor=floor, rerank=rerank)
        places = await self._with_records(_places(answer), where, wanted)
        cut = [each for each in places if each.dropped is not None]
        counts = Counter(each.dropped for each in cut if each.dropped is not None)
        told = None
        if wanted is not None:
            found = next((each for each in places if each.candidate.id == wanted), None)
            told = (
                _told(found, answer, limit)
                if found is not None
                else await self._missing(wanted, asked, where, conditions, answer, sees)
            )
        return Explanation(
            answer=answer,
            hits=tuple(each for each in places if each.dropped is None),
            dropped=tuple(each for each in cut[:_NEAREST] if each.record is not None),
            counts=counts,
            wanted=told,
        )

    async def _with_records(self, places: Sequence[Place], where: Where, wanted: str | None) -> list[Place]:
        """The records of what is shown."""
        nearest = [each.candidate.id for each in places if each.dropped is not None][:_NEAREST]
        unread = [each.candidate.id for each in places if each.record is None]
        shown = [each for each in unread if each == wanted or each in nearest]
        found = await self._store.load(shown, known_at=where.known_at) if shown else {}
        return [replace(each, record=each.record or found.get(each.candidate.id)) for each in places]

    # Why it is not among what was found, in the order of the pipeline.

    async def _missing(
        self,
        wanted: str,
        asked: Question,
        where: Where,
        conditions: Sequence[Condition],
        answer: Answer,
        sees: Callable[[Scope], bool],
    ) -> Wanted:
        last = (await self._store.load([wanted])).get(wanted)
        if last is None or not sees(last.scope):
            return Wanted(id=wanted, fate="unknown", reason=f"There is no memory and no message with the id {wanted}.")
        if not _lies_in(last, where.scope):
            return _elsewhere(last, where.scope)
        record = (await self._store.load([wanted], known_at=where.known_at)).get(wanted)
        gone = _gone_message(last) if isinstance(last, Episode) else _gone(last, record, where)
        gone = gone or _later(last, where)
        if gone is not None:
            return gone
        assert record is not None  # noqa: S101 - what is not gone and not later was there
        narrowest = replace(where, filter=None, memories=True, expired=True, as_of=None)
        if not await self._stands(wanted, narrowest):
            return await self._represented(record)
        if where.as_of is not None and not await self._stands(wanted, replace(narrowest, as_of=where.as_of)):
            return _not_then(record, where.as_of)
        now = replace(narrowest, as_of=where.as_of, expired=where.expired)
        if not await self._stands(wanted, now):
            return _expired(record, where.now)
        for condition in conditions:
            if not await self._stands(wanted, replace(now, filter=condition.tree)):
                return _filtered(record, condition)
        if isinstance(record, Memory) and not where.memories:
            return Wanted(
                id=wanted,
                fate="not_included",
                reason="It is a memory, and `include` names messages only; add 'memory'.",
                record=record,
            )
        return await self._far(record, asked, where, answer)

    async def _stands(self, wanted: str, where: Where) -> bool:
        """Whether a search of `where` could find it, if only the question fitted."""
        probe = Probe(
            where=where, vectors=None, side="other", calibration=Calibration(), limit=1, arms=(), watched=(wanted,)
        )
        return any(each.id == wanted for each in (await self._store.find(probe)).candidates)

    async def _represented(self, record: Record) -> Wanted:
        if isinstance(record, Memory):
            return Wanted(
                id=record.id,
                fate="not_indexed",
                reason="Nothing keeps it out, and yet the index does not have it; run: mnemic verify",
                record=record,
            )
        current = await self._store.citing([record.id])
        former = () if current else await self._store.citing([record.id], superseded=True)
        names = [each.id for each in (*current, *former)]
        through = "memories made of it" if len(names) != 1 else "the memory made of it"
        return Wanted(
            id=record.id,
            fate="represented",
            reason=f"It is a message that is found through {through} ({', '.join(names) or 'none is left'})"
            + (", whose place others took." if former else "."),
            numbers={"memories": names},
            record=record,
        )

    async def _far(self, record: Record, asked: Question, where: Where, answer: Answer) -> Wanted:
        """It could have been a hit, and no arm found it: how far it was, from every arm's whole order."""
        whole = await self._read.search(
            asked,
            where,
            limit=max(min(answer.searched, _FARTHEST), 1),
            floor=math.inf,
            rerank=False,
            watched=(record.id,),
        )
        candidate = whole.watched.get(record.id)
        if candidate is None:
            return await self._represented(record)
        score = next(score for score, each in whole.scored if each.id == record.id)
        ranks = ", ".join(filter(None, (_rank_in(arm, candidate, whole.handed) for arm in ARMS)))
        return Wanted(
            id=record.id,
            fate="not_found",
            reason=f"No arm has it among its nearest {answer.handed} of {answer.searched} records"
            f" ({f'its ranks: {ranks}' if ranks else 'none finds anything of the question in it'};"
            f" its score would be {score:.2f}).",
            numbers={"handed": answer.handed, "searched": answer.searched, "ranks": dict(candidate.ranks)},
            place=Place(candidate=candidate, score=score, rank=0, record=record),
            record=record,
        )


def _rank_in(arm: str, candidate: Candidate, handed: int) -> str | None:
    """Where an arm, which was asked for its nearest `handed`, has it; None where it finds nothing in it."""
    if arm in candidate.ranks:
        return f"{arm} {candidate.ranks[arm]}"
    values = {"vector": candidate.similarity, "keyword": candidate.keyword, "entity": candidate.entity}
    return f"{arm} beyond {handed:,}" if (values | {"time": candidate.time}).get(arm) else None


_Found = tuple[float, Candidate, Mapping[str, float], Record | None]


def _places(answer: Answer) -> list[Place]:
    """Everything that was found, in the order of the answer; what was not ordered any more follows by its evidence."""
    places: list[Place] = []
    first: dict[str, str] = {}
    ordered: list[_Found] = [
        (hit.score, hit.candidate, hit.boosts, hit.record) for hit in (*answer.hits, *answer.beyond)
    ]
    done = {candidate.id for _, candidate, _, _ in ordered}
    rest: list[_Found] = [(score, each, {}, None) for score, each in answer.scored if each.id not in done]
    for rank, (score, candidate, boosts, record) in enumerate([*ordered, *rest], 1):
        better = candidate.id if record is None else first.setdefault(text.fingerprint(record.indexed), candidate.id)
        copy_of = None if better == candidate.id else better
        dropped: Dropped | None = None
        if candidate.id not in done and (not answer.heard or score < answer.floor):
            dropped = "below_floor" if answer.heard else "off_topic"
        elif rank > len(answer.hits):
            dropped = "beyond_top_k" if copy_of is None else "copy"
        places.append(
            Place(
                candidate=candidate, score=score, rank=rank, boosts=boosts, dropped=dropped, copy_of=copy_of,
                record=record,
            )
        )  # fmt: skip
    return places


def _told(place: Place, answer: Answer, limit: int) -> Wanted:
    """What was found, in one sentence."""
    numbers: dict[str, Any] = {"rank": place.rank, "score": round(place.score, 4), "floor": answer.floor}
    match place.dropped:
        case None:
            fate: Fate = "found"
            reason = f"Found: rank {place.rank} of {len(answer.hits)} hits, with the score {place.score:.2f}."
        case "below_floor":
            fate, reason = (
                "below_floor",
                (f"Its score {place.score:.2f} is below the floor {answer.floor:.2f}; threshold=0 would show it."),
            )
        case "off_topic":
            lift = "" if answer.lift is None else f" (lift {answer.lift:.2f}, and 1 is the least)"
            fate, reason = (
                "off_topic",
                (
                    f"Nothing here stands out for the question{lift}, so that it is taken to be about something else;"
                    f" its own score is {place.score:.2f}, and threshold=0 would show it."
                ),
            )
            numbers["lift"] = answer.lift
        case "copy":
            fate, reason = (
                "copy",
                (
                    f"It has the same words as {place.copy_of}, so that it came behind all others, at rank {place.rank}"
                    f" where {limit} were asked for."
                ),
            )
            numbers |= {"copy_of": place.copy_of, "top_k": limit}
        case "beyond_top_k":
            fate, reason = (
                "beyond_top_k",
                (
                    f"It is relevant (score {place.score:.2f}, floor {answer.floor:.2f}) and came at rank {place.rank},"
                    f" where {limit} were asked for."
                ),
            )
            numbers["top_k"] = limit
    if place.dropped is None and place.copy_of is not None:
        reason = f"{reason[:-1]}, behind all others as it has the same words as {place.copy_of}."
        numbers["copy_of"] = place.copy_of
    return Wanted(id=place.candidate.id, fate=fate, reason=reason, numbers=numbers, place=place, record=place.record)


# One function a reason.


def _lies_in(record: Record, scope: Scope) -> bool:
    if record.scope.project != scope.project:
        return False
    runs = (record.scope.run_id, *(record.runs if isinstance(record, Memory) else ()))
    return all(
        value in runs if name == "run_id" else getattr(record.scope, name) == value for name, value in scope.ids.items()
    )


def _elsewhere(record: Record, scope: Scope) -> Wanted:
    """What is told of it says nothing of whose it is."""
    return Wanted(
        id=record.id,
        fate="other_scope",
        reason="It belongs to another scope than the one that was searched.",
        numbers={"searched": scope.ids},
    )


def _gone_message(message: Episode) -> Wanted | None:
    if message.state == "hidden":
        return Wanted(
            id=message.id,
            fate="hidden",
            reason="It is a message that is hidden: it was deleted, or all memories made of it were.",
        )
    if message.state == "refused":
        return Wanted(
            id=message.id,
            fate="refused",
            reason=f"It is a message that was judged to hold nothing lasting ({message.reason or 'no reason given'}).",
            numbers={"reason": message.reason},
            record=message,
        )
    return None


_GONE: Mapping[str | None, tuple[Fate, str]] = {
    "deleted": ("deleted", "It was deleted"),
    "forgotten": ("forgotten", "It was forgotten"),
    "undone": ("undone", "The change that brought it was undone"),
    "merged": ("merged", "It was merged into another one"),
    "superseded": ("superseded", "Another one took its place"),
}


def _gone(last: Memory, then: Record | None, where: Where) -> Wanted | None:
    """Of a memory: whether it was gone at the moment of the question, `then` being what was known of it."""
    if last.retire_reason != "forgotten":
        if not isinstance(then, Memory) and _later(last, where) is not None:
            return None
        if isinstance(then, Memory) and (then.known_to is None or (_superseded(then) and where.superseded)):
            return None
    shown = then if isinstance(then, Memory) else last
    fate, words = _GONE.get(shown.retire_reason, ("deleted", "It was deleted"))
    by = "" if shown.retired_by is None else f" ({shown.retired_by})"
    on = "" if shown.known_to is None else f" on {shown.known_to.date().isoformat()}"
    hint = "; latest_only=False would show it" if _superseded(shown) else ""
    return Wanted(
        id=last.id,
        fate=fate,
        reason=f"{words}{by}{on}{hint}.",
        numbers={"at": None if shown.known_to is None else iso(shown.known_to), "by": shown.retired_by},
        record=shown if _superseded(shown) else None,
    )


def _superseded(memory: Memory) -> bool:
    return memory.retire_reason == "superseded"


def _later(record: Record, where: Where) -> Wanted | None:
    """Learnt or said only after the moment of the question."""
    learnt = record.created_at if isinstance(record, Memory) else record.received_at
    if where.known_at is not None and learnt > where.known_at:
        return Wanted(
            id=record.id,
            fate="not_known_then",
            reason=f"It was learnt on {iso(learnt)}, after {iso(where.known_at)}, the moment asked about.",
            numbers={"learnt": iso(learnt), "known_at": iso(where.known_at)},
            record=record,
        )
    if where.as_of is not None and isinstance(record, Episode) and record.said_at > where.as_of:
        return _not_then(record, where.as_of)
    return None


def _not_then(record: Record, as_of: datetime) -> Wanted:
    if isinstance(record, Episode):
        numbers: dict[str, Any] = {"said_at": iso(record.said_at)}
        held = f"was said on {iso(record.said_at)}, later than"
    else:
        since, until = record.valid_from, record.valid_to
        numbers = {"valid_from": since and iso(since), "valid_to": until and iso(until)}
        held = "did not hold at"
        if since is not None or until is not None:
            known = [f"from {iso(since)}" if since else "", f"to {iso(until)}" if until else ""]
            held = f"held {' '.join(filter(None, known))}, and not at"
    return Wanted(
        id=record.id,
        fate="not_then",
        reason=f"It {held} {iso(as_of)}, the moment asked about.",
        numbers=numbers | {"as_of": iso(as_of)},
        record=record,
    )


def _expired(record: Record, now: datetime) -> Wanted:
    at = record.expires_at if isinstance(record, Memory) else None
    when = "" if at is None else f" on {iso(at)}"
    return Wanted(
        id=record.id,
        fate="expired",
        reason=f"It expired{when}; show_expired=True would show it.",
        numbers={"expired": None if at is None else iso(at), "asked": iso(now)},
        record=record,
    )


def _filtered(record: Record, condition: Condition) -> Wanted:
    shown = json.dumps(condition.given, ensure_ascii=False, default=str)
    return Wanted(
        id=record.id,
        fate="filtered",
        reason=f"It fails this part of the filter: {shown}",
        numbers={"condition": dict(condition.given)},
        record=record,
    )
