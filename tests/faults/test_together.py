"""Several threads and several processes on one store at once."""

import asyncio
import os
import sqlite3
import threading

import pytest
from test_killed import lines, opened, until

from mnemic import AsyncMemory
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor


@pytest.fixture(params=["sqlite", "postgres"])
def path(request, tmp_path):
    """Where a new store is."""
    return tmp_path / "m.db" if request.param == "sqlite" else request.getfixturevalue("new_database")()


@pytest.mark.behaviour("W10")
@pytest.mark.parametrize("many", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_eight_processes_adding_to_one_scope_lose_and_double_nothing(workers, path, tmp_path, many):
    done = tmp_path / "done"
    for name in range(8):
        workers.start("add_many", path=path, done=done, name=name, many=many, shared="I keep bees")
    until(lambda: len(lines(done)) == 8, seconds=120)
    with opened(path) as memory:
        listed = [item["memory"] for item in memory.get_all(user_id="alice", limit=1_000)["results"]]
        assert sorted(listed) == sorted(
            ["I keep bees", *(f"Fact {name} {n}" for name in range(8) for n in range(many))]
        )
        (bees,) = [item for item in memory.get_all(limit=1_000)["results"] if item["memory"] == "I keep bees"]
        assert len(bees["sources"]) == 8
        assert memory.stats()["pending"] == 0
        assert memory.verify()["problems"] == []


@pytest.mark.behaviour("S2")
@pytest.mark.parametrize(("processes", "many"), [(6, 15), pytest.param(32, 30, marks=pytest.mark.slow)])
def test_processes_that_do_everything_at_once_lose_and_double_nothing(workers, path, tmp_path, processes, many):
    done = tmp_path / "done"
    opened(path).close()
    for name in range(processes):
        workers.start("mixed", path=path, done=done, name=name, many=many)
    until(lambda: len(lines(done)) == processes, seconds=600)
    assert [error for _, _, error in lines(done) if error] == []
    with opened(path) as memory:
        listed = memory.get_all(user_id="alice", limit=10_000)["results"]
        expected = {(each, text) for _, mine, _ in lines(done) for each, text in mine}
        instruments = {(item["id"], item["memory"]) for item in listed if "instrument" in item["memory"]}
        assert instruments == {tuple(each) for each in expected}
        assert sum("Acme" in item["memory"] for item in listed) == 1
        assert (memory.stats()["pending"], memory.stats()["failed"]) == (0, 0)
        assert memory.verify()["problems"] == []


def test_threads_sharing_one_memory_lose_and_double_nothing(make, path):
    memory, errors = make(path), []

    def work(name):
        try:
            for number in range(15):
                memory.add(f"Fact {name} {number}", user_id="alice")
                assert memory.search(f"Fact {name} {number}", user_id="alice")["results"]
            memory.add("I keep bees", user_id="alice")
        except Exception as exc:  # noqa: BLE001 - told below
            errors.append(exc)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    listed = [item["memory"] for item in memory.get_all(user_id="alice", limit=1_000)["results"]]
    assert sorted(listed) == sorted(["I keep bees", *(f"Fact {name} {n}" for name in range(6) for n in range(15))])
    assert memory.verify()["problems"] == []


def test_of_many_updates_at_once_each_is_a_version_or_a_conflict(make, path):
    from mnemic import Conflict

    memory = make(path)
    (added,) = memory.remember("Version 1", user_id="alice")["results"]
    ended = []

    def work(name):
        for number in range(10):
            try:
                ended.append(memory.update(added["id"], data=f"By {name} {number}")["version"])
            except Conflict:
                ended.append(None)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    versions = [version for version in ended if version is not None]
    assert sorted(versions) == list(range(2, len(versions) + 2))
    assert [line["version"] for line in memory.history(added["id"])] == list(range(1, len(versions) + 2))
    assert memory.get(added["id"])["version"] == len(versions) + 1


@pytest.mark.behaviour("F2")
def test_a_second_process_opens_reads_and_writes_at_once(workers, make, tmp_path):
    memory = make(tmp_path / "m.db")
    memory.remember("I ski", user_id="alice")
    workers.start("add_many", path=tmp_path / "m.db", done=tmp_path / "done", name=0, many=1, shared="I row")
    until(lambda: len(lines(tmp_path / "done")) == 1)
    memory.remember("I sail", user_id="alice")
    found = memory.search("ski row sail Fact", user_id="alice", threshold=0)["results"]
    assert {hit["memory"] for hit in found} == {"I ski", "I row", "I sail", "Fact 0 0"}


def test_many_openers_of_a_store_that_is_not_there_yet_agree(path):
    async def go():
        memories = [AsyncMemory(path, embedder=FakeEmbedder(), extractor=FakeExtractor()) for _ in range(8)]
        await asyncio.gather(*(memory.remember(f"Fact {n}", user_id="a") for n, memory in enumerate(memories)))
        assert (await memories[0].get_all())["total"] == 8
        for memory in memories:
            await memory.close()

    asyncio.run(go())


def test_a_reader_is_not_blocked_while_another_writes(make, tmp_path):
    memory = make(tmp_path / "m.db")
    memory.remember("I ski", user_id="alice")
    writer = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM memories")
    try:
        assert memory.search("ski", user_id="alice")["results"]
        assert memory.get_all()["total"] == 1
    finally:
        writer.execute("ROLLBACK")
        writer.close()


async def test_a_reader_in_a_database_is_not_blocked_while_another_writes(make, new_database):
    import asyncpg

    url = new_database()
    memory = await asyncio.to_thread(make, url)
    await asyncio.to_thread(memory.remember, "I ski", user_id="alice")
    writer = await asyncpg.connect(url)
    try:
        await writer.execute("BEGIN; SELECT * FROM mnemic.owners FOR UPDATE; DELETE FROM mnemic.memories")
        found = await asyncio.wait_for(asyncio.to_thread(memory.search, "ski", user_id="alice"), 10)
        assert found["results"]
        assert (await asyncio.wait_for(asyncio.to_thread(memory.get_all), 10))["total"] == 1
    finally:
        await writer.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_told_to_open_its_own(make, tmp_path):
    from mnemic import Closed

    memory = make(tmp_path / "m.db")
    memory.remember("I ski", user_id="alice")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            memory.get_all()
        except Closed:
            with opened(tmp_path / "m.db") as own:
                status = 0 if own.get_all()["total"] == 1 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
