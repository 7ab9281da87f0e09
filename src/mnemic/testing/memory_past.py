"""How the reference store answers questions about the past: it looks at every version it ever held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.lifetimes import Lifetime, known, standing
from mnemic.protocols import Events, Receipts, Untold, Where
from mnemic.stores.paging import event_place
from mnemic.testing.memory_state import State, Version, covers
from mnemic.types import Episode, HistoryEvent, Memory, Record, Scope


def asks(where: Where) -> bool:
    """Whether a question is about the past."""
    return where.as_of is not None or where.known_at is not None


def memories(state: State, where: Where) -> dict[str, Memory]:
    """Of every memory, whoever's, the version that counted, as it was known then."""
    seen = standing(_lives(state), as_of=where.as_of, known_at=where.known_at, superseded=where.superseded)
    return {name: each.of(state.whole(_version(state, name, each.version).memory)) for name, each in seen.items()}


def stored(state: State, memory: Memory) -> Memory:
    """The same version as it is kept: what filters look at."""
    return state.whole(_version(state, memory.id, memory.version).memory)


def counted(state: State, where: Where, episode: Episode) -> bool:
    """Whether a message can be a hit."""
    if where.as_of is not None and episode.said_at > where.as_of:
        return False
    if where.known_at is None:
        return episode.state in where.episodes
    if episode.received_at > where.known_at:
        return False
    waiting = episode.state == "done" and not any(
        version.memory.known_from <= where.known_at
        for memory_id in state.citing(episode.id)
        for version in state.versions[memory_id]
    )
    return waiting or episode.state in where.episodes


def load(state: State, ids: list[str], at: datetime) -> dict[str, Record]:
    """Memories as they were known, and messages."""
    seen = known(_lives(state), at)
    found: dict[str, Record] = {
        name: seen[name].of(state.whole(_version(state, name, seen[name].version).memory))
        for name in ids
        if name in seen
    }
    return found | {name: state.episodes[name] for name in ids if name in state.episodes}


def changes(
    state: State, scope: Scope, since: datetime, until: datetime | None, limit: int, cursor: str | None
) -> Events:
    """Sort all events by time."""
    after = ("", "") if cursor is None else event_place(cursor)
    mine = [each for each in state.history if _is_of(state, each.memory_id, scope)]
    mine = [each for each in mine if since <= each.at and (until is None or each.at < until)]
    mine.sort(key=_key)
    rest = [each for each in mine if _key(each) > after]
    shown = tuple(_without_words(each) if _forgotten(state, each.memory_id) else each for each in rest[:limit])
    return Events(events=shown, total=len(mine), next_cursor=" ".join(_key(shown[-1])) if len(rest) > limit else None)


def receipts(state: State, scope: Scope, limit: int, cursor: str | None) -> Receipts:
    """Sort all changes by id, the newest first."""
    if cursor is not None and partition_of(cursor) is None:
        raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
    every = [each for each in state.changes.values() if covers(scope, each.scope, ())]
    mine = sorted(every, key=lambda each: each.id, reverse=True)
    rest = [each for each in mine if cursor is None or each.id < cursor]
    shown = tuple(rest[:limit])
    return Receipts(changes=shown, total=len(mine), next_cursor=shown[-1].id if len(rest) > limit else None)


def untold(state: State) -> tuple[Untold, ...]:
    """What is kept, the oldest first."""
    lines = {(each.memory_id, each.id): each for each in state.history}
    return tuple(
        Untold(
            event=_without_words(lines[key]) if _forgotten(state, key[0]) else lines[key],
            scope=state.last(key[0]).memory.scope,
        )
        for key in sorted(state.outbox, key=lambda each: each[1])
    )


def slot(state: State, scope: Scope, wanted: str) -> tuple[Memory, ...]:
    """Every version with the slot."""
    every = (version.memory for versions in state.versions.values() for version in versions)
    found = [state.whole(each) for each in every if each.slot == wanted and _is_of(state, each.id, scope)]
    return tuple(sorted(found, key=lambda each: (each.id, each.version)))


def _lives(state: State) -> list[Lifetime]:
    return [
        Lifetime(
            id=memory.id,
            version=memory.version,
            known_from=memory.known_from,
            known_to=memory.known_to,
            valid_from=memory.valid_from,
            valid_to=memory.valid_to,
            valid_before=version.valid_before,
            reason=memory.retire_reason,
            by=memory.retired_by,
            was=version.was,
        )
        for versions in state.versions.values()
        for version in versions
        for memory in (version.memory,)
    ]


def _version(state: State, memory_id: str, number: int) -> Version:
    return next(each for each in state.versions[memory_id] if each.memory.version == number)


def _is_of(state: State, memory_id: str, scope: Scope) -> bool:
    if memory_id not in state.versions:
        return False
    return covers(scope, state.last(memory_id).memory.scope, state.runs.get(memory_id, ()))


def _forgotten(state: State, memory_id: str) -> bool:
    return state.last(memory_id).memory.retire_reason == "forgotten"


def _without_words(event: HistoryEvent) -> HistoryEvent:
    return replace(event, old_text=None, new_text=None)


def _key(event: HistoryEvent) -> tuple[str, str]:
    return event.at.astimezone(UTC).isoformat(), event.id
