"""A PostgreSQL server that goes away and comes back: nothing acknowledged is lost, and nothing is done twice."""

import threading

import pytest
from test_killed import until
from wire import Wire

from mnemic import Memory, StoreUnavailable
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor


def opened(url):
    return Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)


@pytest.fixture
def wire(migrated_database):
    made = Wire(migrated_database())
    yield made
    made.close()


def events(result):
    return [each["event"] for each in result["results"]]


OPERATIONS = {
    "add": lambda memory, _: events(memory.add(["I keep bees", "and llamas"], user_id="alice")),
    "add again": lambda memory, _: events(memory.add("I ski", user_id="alice")),
    "stored": lambda memory, _: (
        memory.add("I row", user_id="alice", wait="stored")["results"], memory.process_pending()["processed"],
    ),
    "remember": lambda memory, _: events(memory.remember("x" * 5_000, user_id="alice")),
    "new owner": lambda memory, _: events(memory.remember("Of Carol", user_id="carol")),
    "update": lambda memory, name: memory.update(name, data="I row now")["version"],
    "delete": lambda memory, name: len(memory.delete(name)),
    "delete_all": lambda memory, _: memory.delete_all(user_id="alice")["deleted"],
    "forget": lambda memory, name: len(memory.forget(name)["forgotten"]),
    "rate": lambda memory, name: memory.feedback(name, "POSITIVE")["rating"],
    "pin": lambda memory, name: memory.pin(name)["pinned"],
    "undo": lambda memory, name: len(memory.undo(memory.history(name)[0]["change_id"])["memories"]),
}  # fmt: skip


def seen(memory):
    """Everything but ids and times."""
    assert memory.verify()["problems"] == []
    listed = [
        (item["memory"], item["version"], item["rating"], item["pinned"], len(item["sources"]),
         [line["event"] for line in memory.history(item["id"])])
        for item in memory.get_all(limit=1_000)["results"]
    ]  # fmt: skip
    log = [(each["content"], each["state"]) for each in memory.messages()["results"]]
    found = [hit["memory"] for hit in memory.search("ski sail row bees llamas Carol", threshold=0)["results"]]
    return sorted(listed), sorted(log), sorted(found)


def started(url):
    memory = opened(url)
    memory.add(["I ski", "I sail"], user_id="alice")
    (name,) = (item["id"] for item in memory.get_all(user_id="alice")["results"] if item["memory"] == "I ski")
    return memory, name


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "cuts", [["before"], ["after"], [None, "before"], [None, "after"], ["after", "after", "after"]], ids=str
)
def test_an_operation_whose_commit_was_not_answered_is_done_once(migrated_database, wire, operation, cuts):
    memory, name = started(migrated_database())
    with memory:
        expected = OPERATIONS[operation](memory, name), seen(memory)
    memory, name = started(wire.url)
    with memory:
        wire.cut(*cuts)
        answer = OPERATIONS[operation](memory, name)
        if cuts[0] is not None:
            assert wire.cuts >= 1
        wire.cut()
        assert (answer, seen(memory)) == expected


def test_what_cannot_be_told_is_said_and_not_done_twice(wire):
    memory, _ = started(wire.url)
    with memory:
        memory.remember("Of Bob", user_id="bob")
        wire.cut("after")
        with pytest.raises(StoreUnavailable, match="look before you repeat"):
            memory.erase(user_id="bob")
        assert memory.stats(user_id="bob")["memories"] == 0
        assert [item["memory"] for item in memory.get_all()["results"]] == ["I sail", "I ski"]


def test_a_server_that_does_not_come_back_is_said_to_be_away_and_nothing_was_written(durable_server):
    server = durable_server()
    with opened(server.url) as memory:
        memory.remember("I ski", user_id="alice")
        memory._core._engine.store._timeout = 0.2
        server.kill()
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            memory.remember("I row", user_id="alice")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            memory.search("ski", user_id="alice")
        server.start()
        assert [item["memory"] for item in memory.get_all()["results"]] == ["I ski"]
        assert events(memory.remember("I row", user_id="alice")) == ["ADD"]


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("kills", [4, pytest.param(25, marks=pytest.mark.slow)])
def test_what_was_acknowledged_while_the_server_died_again_and_again_is_there_once(durable_server, kills):
    server = durable_server()
    errors, acknowledged, stop = [], [], threading.Event()

    def work(memory, name):
        number = 0
        while not stop.is_set():
            number += 1
            text = f"Fact {name} {number}"
            try:
                wait = ("extracted", "stored")[number % 2]
                memory.add(text, user_id=f"user{name % 2}", wait=wait)
                acknowledged.append(text)
                if number % 3 == 0:
                    assert memory.search(text, user_id=f"user{name % 2}", threshold=0)["results"]
            except Exception as exc:  # noqa: BLE001 - told below
                errors.append(exc)

    with Memory(server.url, embedder=FakeEmbedder(), extractor=FakeExtractor()) as memory:
        threads = [threading.Thread(target=work, args=(memory, name)) for name in range(4)]
        for thread in threads:
            thread.start()
        for kill in range(kills):
            reached = len(acknowledged) + 20
            until(lambda: len(acknowledged) >= reached or errors)  # noqa: B023 - called at once
            if kill % 2:
                server.kill()
            else:
                server.stop("immediate")
            server.start()
        reached = len(acknowledged) + 20
        until(lambda: len(acknowledged) >= reached or errors)
        stop.set()
        for thread in threads:
            thread.join()
        assert errors == []
        while memory.process_pending()["messages"]:
            pass
        until(lambda: memory.stats()["pending"] == 0)
        assert sorted(item["memory"] for item in memory.get_all(limit=100_000)["results"]) == sorted(acknowledged)
        assert (
            sorted(each["content"] for each in memory.messages(limit=1_000)["results"]) == sorted(acknowledged)[:1_000]
        )
        assert memory.verify()["problems"] == []
