"""A server that stops answering while its connections stay open: calls end, and what is slow is waited for."""

import time

import pytest
from test_restarts import started
from wire import Wire

from mnemic import InvalidConfig, Memory, StoreUnavailable
from mnemic.stores.postgres import PostgresStore
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

PATIENCE = 0.5
ENOUGH = 15  # seconds: a machine under load takes longer than the two or three that it should be


@pytest.fixture
def wire(migrated_database):
    made = Wire(migrated_database())
    yield made
    made.close()


def opened(wire):
    url = f"{wire.url}?mnemic.timeout={PATIENCE}"
    return Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)


CALLS = {
    "search": lambda memory, _: memory.search("ski", user_id="alice"),
    "add": lambda memory, _: memory.add("I row", user_id="alice"),
    "delete": lambda memory, name: memory.delete(name),
    "erase": lambda memory, _: memory.erase(user_id="alice"),
    "verify": lambda memory, _: memory.verify(),
}


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("call", CALLS)
def test_a_call_to_a_server_that_stopped_answering_ends(wire, call):
    with opened(wire) as memory:
        name = started(memory, "alice")
        wire.freeze()
        before = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"answer|look before"):
            CALLS[call](memory, name)
        assert time.monotonic() - before < ENOUGH
        wire.thaw()
        assert sorted(item["memory"] for item in memory.get_all()["results"]) == ["I sail", "I ski"]
        assert memory.add("I dive", user_id="alice")["results"]


def test_a_store_is_not_opened_on_a_server_that_does_not_answer(wire):
    wire.freeze()
    with pytest.raises(StoreUnavailable, match="answer"):
        opened(wire)


def test_closing_does_not_wait_for_a_server_that_stopped_answering(wire):
    memory = opened(wire)
    started(memory, "alice")
    wire.freeze()
    before = time.monotonic()
    memory.close()
    assert time.monotonic() - before < 2 * ENOUGH


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("call", ["search", "add", "delete"])
def test_a_call_whose_connections_went_dead_is_made_on_others(wire, call):
    with opened(wire) as memory:
        name = started(memory, "alice")
        wire.freeze(new=False)
        CALLS[call](memory, name)
        left = {"search": ["I sail", "I ski"], "add": ["I row", "I sail", "I ski"], "delete": ["I sail"]}
        assert sorted(item["memory"] for item in memory.get_all()["results"]) == left[call]


async def test_a_statement_that_takes_long_is_waited_for(migrated_database):
    store = PostgresStore(migrated_database(), timeout=0.2)
    await store.open()
    try:
        slow = await store._read(lambda reader: reader.db.execute("SELECT 1 FROM pg_sleep(1.5)").fetchall())
        assert slow == [(1,)]
    finally:
        await store.close()


@pytest.mark.parametrize("wrong", ["0", "-1", "soon", "1e9", "", "NaN"])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(wrong):
    with pytest.raises(InvalidConfig, match=r"mnemic\.timeout|question mark"):
        PostgresStore(f"postgresql://localhost/mnemic?mnemic.timeout={wrong}")
