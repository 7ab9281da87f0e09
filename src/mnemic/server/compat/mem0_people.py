"""Who a project has memories of: users, agents, apps and runs, with how many."""

from __future__ import annotations

from dataclasses import dataclass

from mnemic import AsyncMemory
from mnemic.engine import store_of


@dataclass(frozen=True)
class Person:
    """Somebody or something that memories belong to."""

    kind: str
    """user, agent, app or run."""
    name: str
    created_at: str
    updated_at: str
    memories: int


async def everybody(memory: AsyncMemory) -> list[Person]:
    """Everybody whom a memory or a message of the project is of, by kind, then by name."""
    store = await store_of(memory)
    return [
        Person(each.field.removesuffix("_id"), each.name, each.since.isoformat(), each.until.isoformat(), each.memories)
        for each in await store.people(memory.project)
    ]
