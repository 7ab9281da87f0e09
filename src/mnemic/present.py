"""Values to the plain dictionaries that users receive. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from mnemic import text
from mnemic.consolidate import Applied, Profile, Proposal
from mnemic.context import Block
from mnemic.drafts import source_of
from mnemic.explaining import Explanation, Place, Wanted
from mnemic.planning import Outcome
from mnemic.protocols import Candidate, Changed, Events, Named, Untold
from mnemic.question import Question
from mnemic.read import Answer
from mnemic.times import iso
from mnemic.types import (
    AddedItem,
    AddResult,
    ChangesResult,
    ConsolidateResult,
    ContextResult,
    EntitiesResult,
    Entity,
    EntityItem,
    Episode,
    EventItem,
    EventResult,
    ExplainedItem,
    ExplainedMemory,
    ExplainResult,
    Format,
    GraphResult,
    HistoryEvent,
    HistoryItem,
    Memory,
    MemoryItem,
    MessageItem,
    MessageOutcome,
    PendingResult,
    ProfileItem,
    ProfileResult,
    ProposalItem,
    QuestionItem,
    Record,
    RelatedEntity,
    RelatedResult,
    Relation,
    RelationItem,
    SearchResult,
    Source,
    SourceItem,
    TimelineItem,
    UntoldItem,
    Usage,
)
from mnemic.write import Account


def item(record: Record) -> MemoryItem:
    """A memory or an episode as users see it."""
    return _memory_item(record) if isinstance(record, Memory) else _episode_item(record)


def _memory_item(memory: Memory) -> MemoryItem:
    expires = memory.expires_at
    shown: MemoryItem = {
        "id": memory.id,
        "memory": memory.words,
        "hash": text.md5(memory.text),
        "kind": memory.kind,
        "version": memory.version,
        "metadata": dict(memory.metadata),
        "user_id": memory.scope.user_id,
        "agent_id": memory.scope.agent_id,
        "app_id": memory.scope.app_id,
        "run_id": memory.scope.run_id,
        "actor_id": memory.actor,
        "role": memory.role,
        "attributed_to": memory.attributed_to,
        "origin": memory.origin,
        "subject": memory.subject,
        "attribute": memory.attribute,
        "categories": list(memory.categories),
        "confidence": memory.confidence,
        "said_at": _time(memory.said_at),
        "valid_from": _time(memory.valid_from),
        "valid_to": _time(memory.valid_to),
        "precision": memory.precision,
        "expiration_date": None if expires is None else (expires - timedelta(microseconds=1)).date().isoformat(),
        "created_at": iso(memory.created_at),
        "updated_at": iso(memory.updated_at),
        "sources": [_source(source) for source in memory.sources],
        "object": memory.object,
        "pinned": memory.pinned,
        "rating": memory.rating,
    }
    if memory.known_to is not None:
        shown["retired_by"] = memory.retired_by
        shown["retire_reason"] = memory.retire_reason or "updated"
        shown["known_to"] = iso(memory.known_to)
    return shown


def _episode_item(episode: Episode) -> MemoryItem:
    received = iso(episode.received_at)
    return {
        "id": episode.id,
        "memory": episode.words,
        "hash": text.md5(episode.content),
        "kind": "episode",
        "version": 1,
        "metadata": dict(episode.metadata),
        "user_id": episode.scope.user_id,
        "agent_id": episode.scope.agent_id,
        "app_id": episode.scope.app_id,
        "run_id": episode.scope.run_id,
        "actor_id": episode.actor,
        "role": episode.role,
        "attributed_to": "assistant" if episode.role == "assistant" else "user",
        "origin": "stated",
        "subject": None,
        "attribute": None,
        "categories": [],
        "confidence": 1.0,
        "said_at": iso(episode.said_at),
        "valid_from": None,
        "valid_to": None,
        "precision": None,
        "expiration_date": None,
        "created_at": received,
        "updated_at": received,
        "sources": [_source(source_of(episode))],
    }


def _source(source: Source) -> SourceItem:
    return {
        "episode_id": source.episode_id,
        "quote": source.quote,
        "said_at": iso(source.said_at),
        "role": source.role,
        "actor_id": source.actor,
    }


def unmasked(record: Record) -> MemoryItem:
    """The same with the bytes as they were stored."""
    shown = item(record)
    shown["memory"] = record.text if isinstance(record, Memory) else record.content
    return shown


def message(episode: Episode) -> MessageItem:
    """A line of the log."""
    return {
        "id": episode.id,
        "role": episode.role,
        "content": episode.words,
        "actor_id": episode.actor,
        "user_id": episode.scope.user_id,
        "agent_id": episode.scope.agent_id,
        "app_id": episode.scope.app_id,
        "run_id": episode.scope.run_id,
        "metadata": dict(episode.metadata),
        "said_at": iso(episode.said_at),
        "received_at": iso(episode.received_at),
        "state": episode.state,
        "reason": episode.reason,
        "attempts": episode.attempts,
        "retry_at": _time(episode.due_at) if episode.state == "pending" else None,
        "change_id": episode.change_id,
    }


def added(account: Account) -> AddResult:
    """Answer of `add` and `remember`."""
    messages = _outcomes([account])
    messages += [
        {"episode_id": each, "state": "duplicate", "reason": "stored before", "memories": [], "refused": []}
        for each in account.repeated
    ]
    return {
        "results": [_added(outcome) for outcome in account.outcomes],
        "receipt": {
            "change_id": account.change_id,
            "extractor": account.extractor,
            "messages": messages,
            "usage": asdict(account.usage),
        },
    }


def processed(accounts: Sequence[Account], *, pending: int, failed: int) -> PendingResult:
    """Answer of `process_pending`."""
    messages = _outcomes(accounts)
    return {
        "processed": sum(each["state"] not in ("pending", "failed") for each in messages),
        "results": [_added(outcome) for account in accounts for outcome in account.outcomes],
        "messages": messages,
        "pending": pending,
        "failed": failed,
        "usage": asdict(sum((account.usage for account in accounts), Usage())),
    }


def _outcomes(accounts: Sequence[Account]) -> list[MessageOutcome]:
    of_episode: dict[str, list[str]] = {}
    refused: dict[str, list[dict[str, str]]] = {}
    for account in accounts:
        for outcome in account.outcomes:
            for source in outcome.memory.sources:
                ids = of_episode.setdefault(source.episode_id, [])
                if outcome.event != "DELETE" and outcome.memory.id not in ids:
                    ids.append(outcome.memory.id)
        for each in account.refused:
            refused.setdefault(each.episode_id, []).append({"quote": each.quote, "reason": each.reason})
    messages: list[MessageOutcome] = []
    for account in accounts:
        for episode in account.episodes:
            shown: MessageOutcome = {
                "episode_id": episode.id,
                "state": episode.state,
                "reason": episode.reason,
                "memories": of_episode.get(episode.id, []),
                "refused": refused.get(episode.id, []),
            }
            if episode.id in account.masked:
                shown["masked"] = dict(account.masked[episode.id])
            if episode.state == "pending" and episode.due_at is not None:
                shown["retry_at"] = iso(episode.due_at)
            messages.append(shown)
    return messages


def _added(outcome: Outcome) -> AddedItem:
    memory = outcome.memory
    found: AddedItem = {"id": memory.id, "memory": memory.words, "event": outcome.event, "kind": memory.kind}
    if outcome.reason is not None:
        found["reason"] = outcome.reason
    if outcome.old_text is not None:
        found["old_memory"] = outcome.old_text
    if outcome.replaces:
        found["replaces"] = list(outcome.replaces)
    if outcome.event == "DELETE" and memory.retired_by is not None:
        found["replaced_by"] = memory.retired_by
    if memory.origin == "given":
        found["actor_id"] = memory.actor
        found["role"] = memory.role or "user"
    return found


def became(
    done: Changed, episodes: Sequence[Episode], found: Mapping[str, Record], cited: Sequence[Memory]
) -> EventResult:
    """Answer of `event`: `found` has the memories that the change concerns, `cited` those that rest on its messages."""
    change, states = done.change, {each.state for each in episodes}
    results = [_event_item(event, found.get(event.memory_id)) for event in done.events]
    changed = {event.memory_id for event in done.events}
    for name in done.proven:
        memory = found.get(name)
        if name not in changed and isinstance(memory, Memory):
            results.append(
                {
                    "id": name, "memory": memory.words, "event": "NONE", "kind": memory.kind, "reason": "known",
                    "created_at": iso(change.at),
                }
            )  # fmt: skip
    messages: list[MessageOutcome] = []
    for each in episodes:
        shown: MessageOutcome = {
            "episode_id": each.id,
            "state": each.state,
            "reason": each.reason,
            "memories": [m.id for m in cited if any(source.episode_id == each.id for source in m.sources)],
            "refused": [],
        }
        if each.state == "pending" and each.due_at is not None:
            shown["retry_at"] = iso(each.due_at)
        messages.append(shown)
    return {
        "id": change.id,
        "kind": change.kind,
        "status": "PENDING" if "pending" in states else "FAILED" if "failed" in states else "SUCCEEDED",
        "user_id": change.scope.user_id,
        "agent_id": change.scope.agent_id,
        "app_id": change.scope.app_id,
        "run_id": change.scope.run_id,
        "created_at": iso(change.at),
        "updated_at": iso(max([change.at, *(event.at for event in done.events)])),
        "undone_by": change.undone_by,
        "results": results,
        "messages": messages,
    }


def _event_item(event: HistoryEvent, memory: Record | None) -> EventItem:
    """A line of the history. Words that were to be forgotten are not told again."""
    forgotten = isinstance(memory, Memory) and memory.retire_reason == "forgotten"
    kind = memory.kind if isinstance(memory, Memory) else "note"
    after = event.old_text if event.event == "DELETE" else event.new_text
    shown: EventItem = {
        "id": event.memory_id,
        "memory": "" if forgotten or after is None else after,
        "event": event.event,
        "kind": kind,
        "created_at": iso(event.at),
    }
    if event.reason is not None:
        shown["reason"] = event.reason
    if event.event == "UPDATE" and event.old_text is not None and not forgotten:
        shown["old_memory"] = event.old_text
    if event.event == "DELETE" and isinstance(memory, Memory) and memory.retired_by is not None:
        shown["replaced_by"] = memory.retired_by
    return shown


def updated(account: Account) -> dict[str, Any]:
    """Answer of `update`."""
    memory = account.outcomes[0].memory
    return {
        "message": "Memory updated successfully!",
        "id": memory.id,
        "memory": memory.words,
        "old_memory": account.outcomes[0].old_text,
        "event": "UPDATE",
        "version": memory.version,
        "change_id": account.change_id,
    }


def deleted(memory: Memory, change_id: str) -> dict[str, Any]:
    """Answer of `delete` of a memory."""
    return {
        "message": "Memory deleted successfully!",
        "id": memory.id,
        "event": "DELETE",
        "change_id": change_id,
    }


def message_deleted(episode: Episode, change_id: str, gone: Sequence[Memory]) -> dict[str, Any]:
    """Answer of `delete` of a message."""
    return {
        "message": "Message deleted successfully!",
        "id": episode.id,
        "deleted": [memory.id for memory in gone],
        "change_id": change_id,
    }


def forgotten(memory: Memory, change_id: str, gone: Sequence[Memory]) -> dict[str, Any]:
    """Answer of `forget`."""
    return {
        "message": "Memory forgotten. It will not be learnt again.",
        "id": memory.id,
        "forgotten": [each.id for each in gone],
        "change_id": change_id,
    }


def undone(done: Changed, change_id: str) -> dict[str, Any]:
    """Answer of `undo`."""
    return {
        "message": "Change undone successfully!",
        "undone": done.change.id,
        "kind": done.change.kind,
        "memories": sorted({event.memory_id for event in done.events} | {*done.proven, *done.unproven}),
        "change_id": change_id,
    }


def consolidated(proposals: Sequence[Proposal], applied: Sequence[Applied], *, dry_run: bool) -> ConsolidateResult:
    """Answer of `consolidate`."""
    became = {each.proposal.id: each for each in applied}
    items = []
    for each in proposals:
        shown: ProposalItem = {
            "id": each.id,
            "kind": each.kind,
            "reason": each.reason,
            "memories": [memory.id for memory in each.memories],
            "texts": [memory.words for memory in each.memories],
            "proposed": each.text,
        }
        if each.id in became:
            done = became[each.id]
            if done.change_id is not None:
                shown["change_id"] = done.change_id
            if done.error is not None:
                shown["error"] = done.error
        items.append(shown)
    return {
        "proposals": items,
        "dry_run": dry_run,
        "applied": sum(each.change_id is not None for each in applied),
    }


def profile(made: Profile) -> ProfileResult:
    """Answer of `profile`."""
    return {
        "facts": [_profile_item(each) for each in made.facts],
        "state": [_profile_item(each) for each in made.state],
        "preferences": [_profile_item(each) for each in made.preferences],
        "text": made.text,
    }


def _profile_item(memory: Memory) -> ProfileItem:
    return {
        "text": memory.words,
        "memory_id": memory.id,
        "attribute": memory.attribute,
        "since": _time(memory.valid_from or memory.said_at),
    }


def entity(each: Entity) -> EntityItem:
    """An entity as users see it."""
    return {
        "id": each.id,
        "name": each.name,
        "kind": each.kind,
        "aliases": list(each.aliases),
        "memories": each.memories,
    }


def entities(named: Named, *, limit: int) -> EntitiesResult:
    """Answer of `entities`, from one more than are shown where there are more. The cursor is the id of the last."""
    shown = named.entities[:limit]
    return {
        "results": [entity(each) for each in shown],
        "total": named.total,
        "next_cursor": shown[-1].id if len(named.entities) > limit else None,
    }


def related(start: Entity, found: Sequence[Named], steps: Mapping[str, int]) -> RelatedResult:
    """Answer of `related`."""
    known = {each.id: each for named in found for each in named.entities}
    relations = {
        (each.subject, each.predicate, each.object, each.memory_id): each
        for named in found
        for each in named.relations
        if each.subject in steps and each.object in steps
    }
    near: list[RelatedEntity] = [
        {**entity(known[each]), "hops": hops}
        for each, hops in sorted(steps.items(), key=lambda pair: (pair[1], pair[0]))
        if hops and each in known
    ]
    return {
        "entity": entity(known.get(start.id, start)),
        "related": near,
        "relations": _relations(relations.values(), known),
        "memories": sorted({memory for named in found for who, memory in named.mentions if who == start.id}),
    }


def graph(named: Named) -> GraphResult:
    """Answer of `graph`."""
    known = {each.id: each for each in named.entities}
    return {
        "nodes": [entity(each) for each in named.entities],
        "edges": _relations(named.relations, known),
        "total": named.total,
    }


def _relations(found: Iterable[Relation], known: Mapping[str, Entity]) -> list[RelationItem]:
    return [
        {
            "subject": each.subject,
            "subject_name": known[each.subject].name,
            "predicate": each.predicate,
            "object": each.object,
            "object_name": known[each.object].name,
            "memory_id": each.memory_id,
            "valid_from": _time(each.valid_from),
            "valid_to": _time(each.valid_to),
        }
        for each in found
        if each.subject in known and each.object in known
    ]


def found(answer: Answer, *, explain: bool) -> SearchResult:
    """Answer of `search`."""
    results = []
    for hit in answer.hits:
        shown = item(hit.record)
        shown["score"] = round(hit.score, 4)
        if explain:
            shown["score_details"] = _details(hit.candidate, hit.boosts)
        results.append(shown)
    result: SearchResult = {"results": results, "below_floor": answer.below_floor}
    if answer.notes:
        result["notes"] = list(answer.notes)
    return result


def _details(found: Candidate, boosts: Mapping[str, float]) -> dict[str, Any]:
    """Each arm's rank and what it found, what all of it came to, and what moved the hit."""
    values = {"vector": found.similarity, "keyword": found.keyword, "entity": found.entity, "time": found.time}
    return {
        "arms": {arm: {"rank": rank, "value": _rounded(values.get(arm))} for arm, rank in found.ranks.items()},
        "beside": _rounded(found.beside),
        "evidence": _rounded(found.evidence),
        "boosts": {name: _rounded(factor) for name, factor in boosts.items()},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def explained(asked: Question, made: Explanation, *, arms: Sequence[str]) -> ExplainResult:
    """Answer of `explain`."""
    answer = made.answer
    result: ExplainResult = {
        "question": _question(asked),
        "arms": list(arms),
        "searched": answer.searched,
        "floor": answer.floor,
        "heard": answer.heard,
        "lift": _rounded(answer.lift),
        "hits": [_place(each, each.record) for each in made.hits if each.record is not None],
        "dropped": [_place(each, each.record) for each in made.dropped if each.record is not None],
        "dropped_counts": dict(made.counts),
    }
    if made.wanted is not None:
        result["memory"] = _wanted(made.wanted)
    if answer.notes:
        result["notes"] = list(answer.notes)
    return result


def _question(asked: Question) -> QuestionItem:
    anchor = asked.anchor
    return {
        "text": asked.text,
        "core": asked.core,
        "only_time": asked.only_time,
        "names": list(asked.names),
        "times": [
            {"start": _time(each.start), "end": _time(each.end), "precision": each.precision, "role": each.role}
            for each in asked.times
        ],
        "anchor": None if anchor is None else {"role": anchor.role, "text": anchor.text},
        "order": asked.order,
        "past": asked.past,
        "present": asked.present,
        "breadth": asked.breadth,
        "about_user": asked.about_user,
        "attributes": sorted(asked.attributes),
    }


def _place(place: Place, record: Record) -> ExplainedItem:
    return {
        **item(record),
        "score": round(place.score, 4),
        "score_details": _details(place.candidate, place.boosts),
        "rank": place.rank,
        "copy_of": place.copy_of,
        "dropped": place.dropped,
    }


def _wanted(told: Wanted) -> ExplainedMemory:
    place = told.place
    return {
        "id": told.id,
        "status": told.fate,
        "reason": told.reason,
        "numbers": dict(told.numbers),
        "memory": None if told.record is None else told.record.words,
        "rank": (place.rank or None) if place is not None else None,
        "score": None if place is None else round(place.score, 4),
        "score_details": None if place is None else _details(place.candidate, place.boosts),
    }


def context(block: Block, form: Format) -> ContextResult:
    """Answer of `context`."""
    hits = []
    for hit in block.hits:
        shown = item(hit.record)
        shown["score"] = round(hit.score, 4)
        hits.append(shown)
    result: ContextResult = {
        "context": block.text,
        "stable": block.stable,
        "tokens": block.tokens,
        "hits": hits,
        "omitted": block.omitted,
        "profile_omitted": block.profile_omitted,
    }
    if form == "messages":
        result["messages"] = [{"role": "system", "content": part} for part in (block.stable, block.rest) if part]
    return result


def changes(page: Events) -> ChangesResult:
    """Answer of `changes`."""
    return {
        "results": [event(each) for each in page.events],
        "total": page.total,
        "next_cursor": page.next_cursor,
    }


@dataclass(frozen=True, kw_only=True)
class Value:
    """What a slot was for a while."""

    memory: Memory
    since: datetime | None
    replaces: tuple[str, ...]


def value(held: Value) -> TimelineItem:
    """One line of `timeline`."""
    memory = held.memory
    reason = None if memory.known_to is None else memory.retire_reason or "updated"
    return {
        "id": memory.id,
        "version": memory.version,
        "memory": memory.words,
        "object": memory.object,
        "since": _time(held.since),
        "valid_from": _time(memory.valid_from),
        "valid_to": _time(memory.valid_to),
        "precision": memory.precision,
        "known_from": iso(memory.known_from),
        "known_to": _time(memory.known_to),
        "said_at": _time(memory.said_at),
        "current": memory.known_to is None,
        "reason": reason,
        "replaces": list(held.replaces),
        "replaced_by": memory.id if reason == "updated" else memory.retired_by,
    }


def event(change: HistoryEvent) -> HistoryItem:
    """One line of `history`."""
    at = iso(change.at)
    return {
        "id": change.id,
        "memory_id": change.memory_id,
        "version": change.version,
        "event": change.event,
        "old_memory": change.old_text,
        "new_memory": change.new_text,
        "actor": change.actor,
        "reason": change.reason,
        "change_id": change.change_id,
        "created_at": at,
        "updated_at": at,
        "is_deleted": change.event == "DELETE",
    }


def untold(kept: Untold) -> UntoldItem:
    """One line of `untold`."""
    scope = kept.scope
    return {
        **event(kept.event),
        "project": scope.project,
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "app_id": scope.app_id,
        "run_id": scope.run_id,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
