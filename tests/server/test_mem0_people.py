"""Whom a project has memories of, as mem0's clients are told."""

from mnemic import AsyncMemory
from mnemic.server.compat import mem0_people


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


async def test_everybody_is_counted_and_nobody_elses(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db"), background=False) as memory:
        await filled(memory)
        found = await mem0_people.everybody(memory)
        assert [(each.kind, each.name, each.memories) for each in found] == WHO
        (dan,) = (each for each in found if each.name == "dan")
        (said,) = (await memory.messages(user_id="dan"))["results"]
        assert (dan.created_at, dan.updated_at) == (said["received_at"], said["received_at"])
        assert [each.name for each in await mem0_people.everybody(memory.within("other"))] == ["eve"]
