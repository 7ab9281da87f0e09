"""The queue of the reference store: conversations, each the episodes of exactly one scope, and who works on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from mnemic.testing.memory_state import State, covers
from mnemic.types import Episode, Scope


def lease(state: State, *, now: datetime, until: datetime, limit: int, scope: Scope | None) -> tuple[Episode, ...]:
    """Take the oldest due episodes of a conversation that nobody works on: the scope's own, else the oldest."""
    due = [each for each in _pending(state, None) if each.due_at is None or each.due_at <= now]
    free = [each for each in due if (held := _held_until(state, each.scope)) is None or held <= now]
    waiting = [each for each in free if scope is None or covers(scope, each.scope)]
    if not waiting:
        return ()
    first = min(waiting, key=lambda each: (each.scope != scope, _moment(each)))
    queue = [each for each in due if each.scope == first.scope]
    alike = takewhile(lambda each: each.task == queue[0].task, queue)
    taken = tuple(replace(each, leased=True, due_at=until, attempts=each.attempts + 1) for each in list(alike)[:limit])
    state.episodes |= {each.id: each for each in taken}
    return taken


def renew(state: State, held: Mapping[str, int], until: datetime) -> None:
    """Lengthen leases that are still held."""
    still = [state.episodes[name] for name, attempts in held.items() if _is_leased(state, name, attempts)]
    state.episodes |= {each.id: replace(each, due_at=until) for each in still}


def _is_leased(state: State, name: str, attempts: int) -> bool:
    episode = state.episodes.get(name)
    return episode is not None and episode.leased and episode.attempts == attempts


def due(state: State, scope: Scope | None) -> datetime | None:
    """The first moment at which `lease` gives something."""
    return min((_held_until(state, each.scope) or _moment(each) for each in _pending(state, scope)), default=None)


def _pending(state: State, scope: Scope | None) -> list[Episode]:
    waiting = [each for each in state.episodes.values() if each.state == "pending"]
    return [each for each in waiting if scope is None or covers(scope, each.scope)]


def _held_until(state: State, conversation: Scope) -> datetime | None:
    """When the last lease of a conversation ends, or None without any."""
    ends = (each.due_at for each in state.episodes.values() if each.leased and each.scope == conversation)
    return max((end for end in ends if end is not None), default=None)


def _moment(episode: Episode) -> datetime:
    return episode.due_at or episode.received_at
