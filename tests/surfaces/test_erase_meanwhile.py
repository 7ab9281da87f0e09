"""What is erased stays so, whatever was under way about it."""

import asyncio

import pytest

from mnemic import Memory
from mnemic.stores.postgres import PostgresStore
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.fakes import FakeEmbedder


class Interrupted(FakeEmbedder):
    """Does something else before it embeds the word \"bees\"."""

    def __init__(self, what):
        super().__init__()
        self._what = what

    async def embed(self, texts, *args, **kwargs):
        if any("bees" in each for each in texts):
            await asyncio.to_thread(self._what)
        return await super().embed(texts, *args, **kwargs)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_correction_cites_nothing_that_is_erased_meanwhile(request, tmp_path, kind):
    if kind == "postgres":
        url = request.getfixturevalue("migrated_database")()
    store = (lambda: PostgresStore(url)) if kind == "postgres" else (lambda: SQLiteStore(tmp_path / "1.db"))
    with Memory(store=store(), embedder=FakeEmbedder(), background=False) as other:
        erase = Interrupted(lambda: other.erase(run_id="2"))
        with Memory(store=store(), embedder=erase, background=False) as memory:
            memory.add("I live in Oslo", user_id="alice", run_id="1")
            memory.add("I live in Oslo", user_id="alice", run_id="2")
            (held,) = memory.get_all(user_id="alice")["results"]
            assert len(held["sources"]) == 2
            memory.update(held["id"], "I keep bees")
            (after,) = memory.get_all(user_id="alice")["results"]
            assert after["memory"] == "I keep bees"
            assert [each["episode_id"] for each in after["sources"]] == [held["sources"][0]["episode_id"]]
            assert memory.verify()["problems"] == []
