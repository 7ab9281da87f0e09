"""A process may die at any moment: what it was told is done is done, and the rest never was."""

import itertools
import json
import os
import random
import signal
import sqlite3
import time

import pytest

from mnemic import Memory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from waiting import until


def opened(path):
    return Memory(path, embedder=FakeEmbedder(), extractor=FakeExtractor())


def lines(done):
    whole = done.read_text().rpartition("\n")[0] if done.exists() else ""  # the last line may be half written
    return [json.loads(line) for line in whole.splitlines()]


def seen(memory):
    """What a user sees of Alice: her memories, what a search finds, and the history of each."""
    listed = [(item["id"], item["memory"], item["version"]) for item in memory.get_all(limit=1_000)["results"]]
    hits = memory.search("bees llamas row ski", threshold=0, top_k=1_000)["results"]
    history = {name: [(line["event"], line["new_memory"]) for line in memory.history(name)] for name, *_ in listed}
    return sorted(listed), sorted((hit["kind"], hit["memory"]) for hit in hits), history


BEFORE = ["I ski", "I sail"]
OPERATIONS = ("add", "remember", "update", "delete", "delete_all", "reset")


def filled(address):
    with opened(address) as memory:
        memory.add(BEFORE, user_id="alice")
        memory.remember("Of Bob", user_id="bob")
    return address


@pytest.fixture
def store(tmp_path):
    return filled(tmp_path / "m.db")


@pytest.fixture
def new_copy(request, tmp_path):
    """A call gives the address of a new store with the same content."""
    numbers = itertools.count()
    if request.param == "sqlite":
        original = filled(tmp_path / "m.db").read_bytes()

        def copy():
            path = tmp_path / f"{next(numbers)}.db"
            path.write_bytes(original)
            return path

        yield copy
    else:
        databases = request.getfixturevalue("_databases")
        original, copies = filled(request.getfixturevalue("migrated_database")()), []

        def copy():
            copies.append(databases.make(original))
            return copies[-1]

        yield copy
        for each in copies:
            databases.drop(each)


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize(
    ("new_copy", "operation"),
    [
        *(("sqlite", operation) for operation in OPERATIONS if operation != "update"),
        *(("postgres", operation) for operation in ("remember", "delete")),
        # What reads the new words is loaded anew by each of the processes that are killed.
        pytest.param("sqlite", "update", marks=pytest.mark.slow),
        *(pytest.param("postgres", each, marks=pytest.mark.slow) for each in ("add", "update", "delete_all", "reset")),
    ],
    indirect=["new_copy"],
)
def test_killed_at_any_statement_an_operation_is_whole_or_never_was(workers, new_copy, tmp_path, operation):
    """The child dies at its first statement, then at its second, and so on until it gets through."""
    done, address = tmp_path / "done", new_copy()
    with opened(address) as memory:
        before = after = seen(memory)
    kills = 0
    for statements in range(400):
        if after != before:  # what has changed nothing can be killed again
            address = new_copy()
        ended = workers.run("one_operation", path=address, done=done, operation=operation, statements=statements)
        with opened(address) as memory:
            problems = memory.verify()["problems"]
            after = seen(memory)
        assert problems == [], f"killed at statement {statements}"
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        kills += 1
        assert_whole(operation, before, after)
    assert lines(done), "the operation never got through"
    assert kills >= 5
    assert after != before
    assert_whole(operation, before, after)


def assert_whole(operation, before, after):
    listed, found = {text for _, text, _ in after[0]}, {text for _, text in after[1]}
    assert {text for _, text, _ in before[0]} == {*BEFORE, "Of Bob"}
    match operation:
        case "add":  # first the messages are logged, then the memories are made: two commits
            assert listed - {*BEFORE, "Of Bob"} in (set(), {"I keep bees", "and llamas"})
            assert found - {*BEFORE, "Of Bob"} in (set(), {"I keep bees", "and llamas"})
        case "remember":
            assert listed - {*BEFORE, "Of Bob"} in (set(), {"x" * 5_000})
        case "update":
            assert listed in ({*BEFORE, "Of Bob"}, {"I sail", "I row now", "Of Bob"})
        case "delete":
            assert listed in ({*BEFORE, "Of Bob"}, {"I sail", "Of Bob"})
        case "delete_all":
            assert listed in ({*BEFORE, "Of Bob"}, {"Of Bob"})
        case _:
            assert listed in ({*BEFORE, "Of Bob"}, set())
    assert listed <= found
    assert all(events[0][0] == "ADD" for events in after[2].values())


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize(
    ("kind", "kills"),
    [
        ("sqlite", 15),
        ("postgres", 15),
        *(pytest.param(kind, 50, marks=pytest.mark.slow) for kind in ("sqlite", "postgres")),
    ],
)
def test_killed_at_random_moments_every_acknowledged_write_is_there(workers, tmp_path, request, kind, kills):
    rng, expected = random.Random(7), {}
    path = tmp_path / "m.db" if kind == "sqlite" else request.getfixturevalue("migrated_database")()
    for kill in range(kills):
        done = tmp_path / f"done{kill}"
        child = workers.start("without_end", path=path, done=done)
        wanted = rng.randint(0, 6)
        until(lambda: len(lines(done)) >= wanted)  # noqa: B023 - called at once
        spin = time.perf_counter() + rng.random() * 0.01
        while time.perf_counter() < spin:
            pass
        os.kill(child, signal.SIGKILL)
        for state, name, text in lines(done):
            expected[name] = (state, text)
        if kill % 5 == 4:
            check(path, expected)


def check(path, expected):
    with opened(path) as memory:
        assert memory.verify()["problems"] == []
        there = {item["id"]: item["memory"] for item in memory.get_all(limit=10_000)["results"]}
        for name, (state, text) in expected.items():
            if state == "gone":
                assert name not in there
            elif name in there:  # unless the operation under way when it was killed deleted it
                assert there[name] in (text, f"{text} changed")
            else:
                assert memory.history(name)[-1]["event"] == "DELETE"
        hits = memory.search("Fact", user_id="alice", threshold=0, top_k=10_000)["results"]
        assert {hit["id"] for hit in hits if hit["kind"] != "episode"} == there.keys()


@pytest.mark.behaviour("F2")
def test_the_lock_of_a_killed_process_blocks_nobody(workers, store, tmp_path):
    done = tmp_path / "done"
    child = workers.start("hold_the_lock", path=store, done=done)
    until(lambda: lines(done) == [["locked"]])
    with opened(store) as memory:
        assert memory.get_all()["total"] == 3  # readers are not blocked by it even while it lives
    os.kill(child, signal.SIGKILL)
    with opened(store) as memory:
        assert memory.remember("I row", user_id="alice")["results"][0]["event"] == "ADD"
        assert memory.verify()["problems"] == []


def test_a_writer_that_waits_too_long_says_so_and_writes_nothing(store):
    from mnemic import StoreBusy
    from mnemic.stores.sqlite import SQLiteStore

    holder = sqlite3.connect(store, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with Memory(
            store=SQLiteStore(store, timeout=0.05), embedder=FakeEmbedder(), extractor=FakeExtractor()
        ) as memory:
            for call in (
                lambda: memory.remember("x", user_id="alice"),
                lambda: memory.delete_all(user_id="alice"),
                memory.reset,
            ):
                with pytest.raises(StoreBusy, match="locked"):
                    call()
            assert memory.get_all()["total"] == 3
    finally:
        holder.close()
