"""Who a project has memories of: users, agents, apps and runs, with how many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from mnemic import AsyncMemory
from mnemic.types import SCOPE_IDS

_CHUNK = 1_000  # at a time, so that others are answered in between


@dataclass
class Person:
    """Somebody or something that memories belong to."""

    kind: str
    """user, agent, app or run."""
    name: str
    created_at: str
    updated_at: str
    memories: int = 0


@runtime_checkable
class _Counts(Protocol):
    """A store that counts whom a project has memories of."""

    async def people(self, project: str) -> list[tuple[str, str, int, str, str]]:
        """Name of an id, its value, current memories, first and last time."""


async def everybody(memory: AsyncMemory) -> list[Person]:
    """Everybody whom a memory or a message of the project is of, by kind, then by name.

    A store of one database counts them itself. Of another all memories and messages are looked through, which takes
    some seconds for ten thousand.
    """
    store = memory._engine.store  # noqa: SLF001 - what no method of the memory is for, its store knows
    if isinstance(store, _Counts):
        held = await store.people(memory.project)
        people = [
            Person(field.removesuffix("_id"), name, since, until, count) for field, name, count, since, until in held
        ]
        return sorted(people, key=lambda each: (_ORDER[each.kind], each.name))
    found: dict[tuple[str, str], Person] = {}
    cursor = None
    while True:
        page = await memory.get_all(show_expired=True, limit=_CHUNK, cursor=cursor)
        _count(found, page["results"], "created_at", "updated_at", 1)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    while True:
        log = await memory.messages(limit=_CHUNK, cursor=cursor)
        _count(found, log["results"], "received_at", "received_at", 0)
        cursor = log["next_cursor"]
        if cursor is None:
            return [found[key] for key in sorted(found, key=lambda key: (_ORDER[key[0]], key[1]))]


_ORDER = {name: place for place, name in enumerate(("user", "agent", "app", "run"))}


def _count(
    found: dict[tuple[str, str], Person], items: Iterable[Mapping[str, Any]], since: str, until: str, each: int
) -> None:
    for item in items:
        for field in SCOPE_IDS:
            name = item[field]
            if name is None:
                continue
            kind = field.removesuffix("_id")
            person = found.get((kind, name))
            if person is None:
                person = found[kind, name] = Person(kind, name, item[since], item[until])
            person.created_at = min(person.created_at, item[since])
            person.updated_at = max(person.updated_at, item[until])
            person.memories += each
