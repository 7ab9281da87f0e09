"""Pages by number, where one process answers and where several do."""

import pytest

from mnemic import AsyncMemory
from mnemic.server.compat.mem0_pages import Pages
from mnemic.server.compat.mem0_requests import listing


def page(number):
    return listing({"filters": {"user_id": "ann"}}, {"page": str(number), "page_size": "3"})


async def turned(pages, memory, number, *, alone):
    items, total = await pages.turn(memory, page(number), alone=alone)
    return [each["memory"] for each in items], total


@pytest.fixture
async def memory(tmp_path):
    """Nine notes, the last one first in a list."""
    async with AsyncMemory(str(tmp_path / "m.db"), background=False) as made:
        for n in range(1, 10):
            await made.remember(f"Note {n}", user_id="ann", at=f"2024-01-{n:02}")
        yield made


async def test_every_process_gives_the_same_pages(memory):
    here, there = Pages(), Pages()
    for alone in (True, False):
        for number in (1, 2, 3, 4):
            assert await turned(here, memory, number, alone=alone) == await turned(there, memory, number, alone=alone)
    assert await turned(there, memory, 3, alone=False) == (["Note 3", "Note 2", "Note 1"], 9)


async def test_one_process_shows_everything_once_whatever_is_added_meanwhile(memory):
    pages = Pages()
    first, _ = await turned(pages, memory, 1, alone=True)
    await memory.remember("Note 10", user_id="ann", at="2024-01-10")
    second, _ = await turned(pages, memory, 2, alone=True)
    assert first + second == [f"Note {n}" for n in (9, 8, 7, 6, 5, 4)]


@pytest.mark.parametrize("gone", [False, True])
async def test_nothing_is_missed_where_another_process_showed_the_page_before(memory, gone):
    here, there = Pages(), Pages()
    await turned(here, memory, 1, alone=False)
    made = await memory.remember("Note 10", user_id="ann", at="2024-01-10")
    assert made["results"]
    if gone:  # as many as before, and others
        page_of_all = await memory.get_all(user_id="ann", order="said")
        await memory.delete(page_of_all["results"][-1]["id"])
    first, _ = await turned(there, memory, 1, alone=False)
    second, _ = await turned(here, memory, 2, alone=False)
    assert first + second == [f"Note {n}" for n in (10, 9, 8, 7, 6, 5)]
