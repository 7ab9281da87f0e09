"""Whom a project has memories of: a store that counts says what looking through everything says."""

import pytest

from mnemic import AsyncMemory
from mnemic.server.compat import mem0_people
from mnemic.testing.memory_store import InMemoryStore


async def filled(memory):
    """What somebody deleted, expired, was said again and waits is in it; and another project's."""
    await memory.add("I live in Taipei.", user_id="ann", agent_id="poet", run_id="r")
    await memory.add("I live in Oslo now.", user_id="ann", run_id="s")
    await memory.remember("Plays chess", user_id="bob", expiration_date="2020-01-01")
    gone = await memory.remember("Plays Go", user_id="cy")
    await memory.delete(gone["results"][0]["id"])
    await memory.add("Thanks!", user_id="dan", app_id="phone")
    await memory.add("I keep bees.", agent_id="keeper", wait="stored")
    await memory.within("other").remember("Plays checkers", user_id="eve")


WHO = [
    ("user", "ann", 2), ("user", "bob", 1), ("user", "dan", 0), ("agent", "keeper", 0), ("agent", "poet", 1),
    ("app", "phone", 0), ("run", "r", 1), ("run", "s", 1),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["sqlite", "postgres", "memory"])
async def test_everybody_is_counted_and_nobody_elses(kind, request, tmp_path, monkeypatch):
    if kind == "memory":
        given = {"store": InMemoryStore()}
    else:
        given = {"path": str(tmp_path / "m.db") if kind == "sqlite" else request.getfixturevalue("new_database")()}
    async with AsyncMemory(**given, background=False) as memory:
        await filled(memory)
        found = await mem0_people.everybody(memory)
        assert [(each.kind, each.name, each.memories) for each in found] == WHO
        monkeypatch.setattr(mem0_people, "_Counts", ())
        assert await mem0_people.everybody(memory) == found
        assert [each.name for each in await mem0_people.everybody(memory.within("other"))] == ["eve"]
