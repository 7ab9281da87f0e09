"""Values to the plain dictionaries that users receive. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from mnemic import text
from mnemic.ids import new_id
from mnemic.read import Answer, Block, Hit
from mnemic.times import iso
from mnemic.types import (
    AddedItem,
    AddResult,
    ContextResult,
    Episode,
    HistoryEvent,
    HistoryItem,
    Memory,
    MemoryItem,
    MessageOutcome,
    Record,
    Scope,
    SearchResult,
    Source,
    SourceItem,
)
from mnemic.write import Account, Outcome, source_of


def item(record: Record) -> MemoryItem:
    """A memory or an episode as users see it."""
    return _memory_item(record) if isinstance(record, Memory) else _episode_item(record)


def _memory_item(memory: Memory) -> MemoryItem:
    expires = memory.expires_at
    return {
        "id": memory.id,
        "memory": memory.text,
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
    }


def _episode_item(episode: Episode) -> MemoryItem:
    received = iso(episode.received_at)
    return {
        "id": episode.id,
        "memory": episode.content,
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


def added(account: Account) -> AddResult:
    """Answer of `add` and `remember`."""
    of_episode: dict[str, list[str]] = {}
    for outcome in account.outcomes:
        for source in outcome.memory.sources:
            of_episode.setdefault(source.episode_id, []).append(outcome.memory.id)
    messages: list[MessageOutcome] = [
        {
            "episode_id": episode.id,
            "state": episode.state,
            "reason": episode.reason,
            "memories": of_episode.get(episode.id, []),
            "refused": [
                {"quote": refusal.quote, "reason": refusal.reason}
                for refusal in account.refusals
                if refusal.turn == index and refusal.quote is not None
            ],
        }
        for index, episode in enumerate(account.episodes)
    ]
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


def _added(outcome: Outcome) -> AddedItem:
    memory = outcome.memory
    found: AddedItem = {"id": memory.id, "memory": memory.text, "event": outcome.event, "kind": memory.kind}
    if outcome.reason is not None:
        found["reason"] = outcome.reason
    if memory.origin == "given":
        found["actor_id"] = memory.actor
        found["role"] = memory.role or "user"
    return found


def updated(account: Account) -> dict[str, Any]:
    """Answer of `update`."""
    memory = account.outcomes[0].memory
    return {
        "message": "Memory updated successfully!",
        "id": memory.id,
        "memory": memory.text,
        "event": "UPDATE",
        "version": memory.version,
        "change_id": account.change_id,
    }


def deleted(account: Account) -> dict[str, Any]:
    """Answer of `delete`."""
    memory = account.outcomes[0].memory
    return {
        "message": "Memory deleted successfully!",
        "id": memory.id,
        "event": "DELETE",
        "change_id": account.change_id,
    }


def change_id(scope: Scope) -> str:
    """A new id for a change of a scope."""
    return new_id(scope.partition)


def found(answer: Answer, *, explain: bool) -> SearchResult:
    """Answer of `search`."""
    results = []
    for hit in answer.hits:
        shown = item(hit.record)
        shown["score"] = round(hit.score, 4)
        if explain:
            shown["score_details"] = _details(hit)
        results.append(shown)
    result: SearchResult = {"results": results, "below_floor": answer.below_floor}
    if answer.notes:
        result["notes"] = list(answer.notes)
    return result


def _details(hit: Hit) -> dict[str, Any]:
    return {
        "similarity": hit.candidate.similarity,
        "keyword": hit.candidate.keyword,
        "coverage": hit.candidate.coverage,
    }


def context(block: Block) -> ContextResult:
    """Answer of `context`."""
    hits = []
    for hit in block.hits:
        shown = item(hit.record)
        shown["score"] = round(hit.score, 4)
        hits.append(shown)
    return {"context": block.text, "tokens": block.tokens, "hits": hits, "omitted": block.omitted}


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


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso(at)
