"""A store moves to another embedder while it is in use: nobody ever compares vectors of one with those of the other."""

import asyncio

import pytest

from mnemic import AsyncMemory, WrongEmbedder
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

USER = "alice"
THINGS = ("bees in the garden", "a red kayak", "養了三隻貓", "walrus pictures", "在台北打網球")


@pytest.fixture(params=["sqlite", "postgres"])
def address(request, tmp_path):
    return str(tmp_path / "m.db") if request.param == "sqlite" else request.getfixturevalue("migrated_database")()


@pytest.fixture
async def opened(address):
    made = []

    def one(name, dimensions):
        embedder = FakeEmbedder(dimensions, name=f"fake:{name}")
        made.append(AsyncMemory(address, embedder=embedder, extractor=FakeExtractor(), background=False))
        return made[-1]

    yield one
    for memory in made:
        await memory.close()


async def first(memory, question):
    answer = await memory.search(question, user_id=USER, threshold=0)
    return answer["results"][0]["memory"]


async def test_a_store_is_written_and_searched_while_it_is_embedded_anew(opened):
    old, new = opened("old", 64), opened("new", 32)
    for number in range(60):
        await old.remember(f"{THINGS[number % 5]} {number}", user_id=USER)
    moving, late = asyncio.create_task(new.reindex()), []
    with pytest.raises(WrongEmbedder, match="fake:new"):
        for number in range(10_000):
            said = f"kayak trip number {number}"
            await old.remember(said, user_id=USER)
            late.append(said)
            assert await first(old, said) == said
    await moving
    assert late
    assert [await first(new, said) for said in late] == late
    assert (await new.verify())["problems"] == []
    assert (await new.get_all(user_id=USER, limit=1))["total"] == 60 + len(late)
    with pytest.raises(WrongEmbedder):
        await old.remember("too late", user_id=USER)


async def test_of_writers_that_do_not_stop_each_write_is_in_the_new_space_or_refused(opened):
    """None slips in between the last look at what is missing and the switch."""
    old, new = opened("old", 64), opened("new", 32)
    await old.remember("the first", user_id=USER)

    async def write(who):
        kept = []
        with pytest.raises(WrongEmbedder):
            for number in range(10_000):
                await asyncio.sleep(0.01)  # whoever writes faster than anybody embeds is never caught up with
                await old.remember(f"{who} says {number}", user_id=who)
                kept.append(f"{who} says {number}")
        return kept

    people = ("ana", "ben", "cleo")
    for who in people:
        await old.remember(f"{who} was first", user_id=who)
    writing = asyncio.gather(*(write(who) for who in people))
    await new.reindex()
    kept = dict(zip(people, await writing, strict=True))
    assert (await new.verify())["problems"] == []
    for who, mine in kept.items():
        listed = (await new.get_all(user_id=who, limit=10_000))["results"]
        written = [f"{who} was first", *mine]
        assert sorted(each["memory"] for each in listed) == sorted(written)
        hit = await new.search(written[-1], user_id=who, threshold=0)
        assert hit["results"][0]["memory"] == written[-1]
