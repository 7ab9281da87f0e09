"""A PostgreSQL server that goes away and comes back: nothing acknowledged is lost, and nothing is done twice."""

import threading
from contextlib import closing

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
    "add": lambda memory, user, _: events(memory.add(["I keep bees", "and llamas"], user_id=user)),
    "add again": lambda memory, user, _: events(memory.add("I ski", user_id=user)),
    "stored": lambda memory, user, _: (
        memory.add("I row", user_id=user, wait="stored")["results"],
        memory.process_pending(user_id=user)["processed"],
    ),
    "remember": lambda memory, user, _: events(memory.remember("x" * 5_000, user_id=user)),
    "new owner": lambda memory, user, _: events(memory.remember("Of Carol", user_id=f"carol-of-{user}")),
    "update": lambda memory, _, name: memory.update(name, data="I row now")["version"],
    "delete": lambda memory, _, name: len(memory.delete(name)),
    "delete_all": lambda memory, user, _: memory.delete_all(user_id=user)["deleted"],
    "forget": lambda memory, _, name: len(memory.forget(name)["forgotten"]),
    "rate": lambda memory, _, name: memory.feedback(name, "POSITIVE")["rating"],
    "pin": lambda memory, _, name: memory.pin(name)["pinned"],
    "undo": lambda memory, _, name: len(memory.undo(memory.history(name)[0]["change_id"])["memories"]),
}


def seen(memory, user):
    """Everything of a user but ids and times."""
    assert memory.verify()["problems"] == []
    listed, log, found = [], [], []
    for name in (user, f"carol-of-{user}"):
        for item in memory.get_all(user_id=name, limit=1_000)["results"]:
            lived = [line["event"] for line in memory.history(item["id"])]
            listed.append(
                (item["memory"], item["version"], item["rating"], item["pinned"], len(item["sources"]), lived)
            )
        log += [(each["content"], each["state"]) for each in memory.messages(user_id=name)["results"]]
        hits = memory.search("ski sail row bees llamas Carol", user_id=name, threshold=0)["results"]
        found += [hit["memory"] for hit in hits]
    return sorted(listed), sorted(log), sorted(found)


def started(memory, user):
    """A user who has two memories; the id of one."""
    memory.add(["I ski", "I sail"], user_id=user)
    (name,) = (item["id"] for item in memory.get_all(user_id=user)["results"] if item["memory"] == "I ski")
    return name


@pytest.fixture
def expected(migrated_database):
    """A call does an operation undisturbed, and tells its answer and what is there then."""

    def do(operation):
        with opened(migrated_database()) as memory:
            name = started(memory, "alice")
            return OPERATIONS[operation](memory, "alice", name), seen(memory, "alice")

    return do


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_whose_commits_were_not_answered_is_done_once(expected, wire, operation):
    """Cut off before the server has a commit or after, at the first one or the second one, or at every one."""
    undisturbed = expected(operation)
    with opened(wire.url) as memory:
        for number, cuts in enumerate(
            (["before"], ["after"], [None, "before"], [None, "after"], ["after", "after", "after"])
        ):
            user = f"alice-{number}"
            name = started(memory, user)
            wire.cut(*cuts)
            answer = OPERATIONS[operation](memory, user, name)
            assert wire.cuts >= (cuts[0] is not None)
            wire.cut()
            assert (answer, seen(memory, user)) == undisturbed, cuts


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize(
    ("operation", "every"), [("add", 12), *(pytest.param(each, 1, marks=pytest.mark.slow) for each in OPERATIONS)]
)
def test_an_operation_is_done_once_wherever_the_server_died_in_it(expected, durable_server, operation, every):
    """The server is killed at the first message it is sent, then at a later one, and so on until it lives through."""
    server = durable_server()

    def restart():
        server.kill()
        server.start()

    undisturbed = expected(operation)
    with closing(Wire(server.url)) as wire, opened(wire.url) as memory:
        for message in range(0, 200, every):
            user = f"alice-{message}"
            name = started(memory, user)
            wire.at(message, restart)
            answer = OPERATIONS[operation](memory, user, name)
            died = wire.at(None, None)
            assert (answer, seen(memory, user)) == undisturbed, message
            if not died:
                break
        assert 5 <= message < 199


def test_what_cannot_be_told_is_said_and_not_done_twice(wire):
    with opened(wire.url) as memory:
        started(memory, "alice")
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
        memory._core._engine.store.store(0)._timeout = 0.2
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
