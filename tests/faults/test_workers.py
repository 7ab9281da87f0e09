"""Several workers on one queue: the order of each conversation is kept, nothing is done twice, nothing is lost."""

import asyncio
import os
import random
import signal
from dataclasses import replace
from datetime import timedelta

import pytest
from test_killed import lines, until

from mnemic import Memory
from mnemic.protocols import SetState, Write
from mnemic.stores.postgres import PostgresStore
from mnemic.testing.contract_values import ALICE, HOUR, LATER, T0, adding, said
from mnemic.testing.fakes import FakeEmbedder, FakeExtractor
from mnemic.types import Scope


def opened(url):
    return Memory(url, embedder=FakeEmbedder(), extractor=FakeExtractor(), background=False)


async def test_workers_that_ask_at_once_get_a_conversation_without_gaps_and_only_one_of_them(migrated_database):
    url, many, workers = migrated_database(), 12, 8
    stores = [PostgresStore(url, connections=1) for _ in range(workers)]
    for store in stores:
        await store.open()
    for number in range(60):
        scope = Scope(user_id=f"user {number}")
        talk = [replace(said(scope, str(turn)), received_at=T0 + timedelta(seconds=turn)) for turn in range(many)]
        await stores[0].commit(adding(*talk))
        got = await asyncio.gather(*(store.lease(now=LATER, until=LATER + HOUR, limit=10) for store in stores))
        assert [[each.content for each in one] for one in got if one] == [[str(turn) for turn in range(10)]]
        states = tuple(SetState(episode_id=each.id, state="empty") for each in talk)
        await stores[0].commit(Write(scope=scope, at=LATER, states=states))
    for store in stores:
        await store.close()


async def test_what_is_given_back_while_others_ask_goes_out_before_what_came_later(migrated_database):
    """One gives its lease back, another takes it, at the same moment; whoever has a conversation has its first."""
    url = migrated_database()
    stores = [PostgresStore(url, connections=1) for _ in range(4)]
    for store in stores:
        await store.open()
    talk = [replace(said(ALICE, str(turn)), received_at=T0 + timedelta(seconds=turn)) for turn in range(6)]
    await stores[0].commit(adding(*talk))

    async def work(store, name):
        for tries in range(40):
            until_then = LATER + HOUR + timedelta(microseconds=1_000 * name + tries)
            taken = await store.lease(now=LATER, until=until_then, limit=2)
            if taken:
                assert [each.content for each in taken] == ["0", "1"]
                back = tuple(
                    SetState(episode_id=each.id, state="pending", due_at=LATER, held=each.attempts) for each in taken
                )
                await store.commit(Write(scope=ALICE, at=LATER, states=back))

    await asyncio.gather(*(work(store, name) for name, store in enumerate(stores)))
    for store in stores:
        await store.close()


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("kills", [2, pytest.param(15, marks=pytest.mark.slow)])
def test_of_workers_that_are_killed_others_take_the_work_over_in_its_order(workers, migrated_database, tmp_path, kills):
    url, done, rng = migrated_database(), tmp_path / "done", random.Random(7)
    said_in = {user: [] for user in ("alice", "bob", "carol")}

    def begin():
        # A worker that a busy machine holds up for so long counts as killed: five times, and its message is `failed`.
        return workers.start("look_after", path=url, done=done, lease=4.0)

    def add(memory, many):
        for _ in range(many):
            user = rng.choice(sorted(said_in))
            text = f"Fact {len(said_in[user])} of {user}"
            memory.add(text, user_id=user, wait="stored")
            said_in[user].append(text)

    with opened(url) as memory:
        children = [begin() for _ in range(3)]
        for _ in range(kills):
            add(memory, 20)
            worked_on = len(lines(done)) + 3
            until(lambda: len(lines(done)) >= worked_on or not memory.stats()["pending"])  # noqa: B023 - called at once
            os.kill(children.pop(0), signal.SIGKILL)
            children.append(begin())
        add(memory, 20)
        until(lambda: memory.stats()["pending"] == 0, seconds=60)
        for child in children:
            os.kill(child, signal.SIGKILL)
        assert memory.messages(state="failed")["results"] == []
        for user, texts in said_in.items():
            listed = memory.get_all(user_id=user, limit=1_000)["results"]
            assert sorted(item["memory"] for item in listed) == sorted(texts)
            assert all(len(item["sources"]) == 1 for item in listed)
            assert all([line["event"] for line in memory.history(item["id"])] == ["ADD"] for item in listed)
        assert memory.verify()["problems"] == []
    worked_on = [(worker, text) for worker, *texts in lines(done) for text in texts]
    for texts in said_in.values():
        firsts = list(dict.fromkeys(text for _, text in worked_on if text in texts))
        assert firsts == texts
    # Only what a killed worker had under way was done a second time.
    again = len(worked_on) - len({text for _, text in worked_on})
    assert again <= kills * 20
    assert len({worker for worker, _ in worked_on}) >= 2


def test_a_worker_of_another_process_hears_of_a_message_as_it_is_stored(workers, migrated_database, tmp_path):
    """It hears, or it would look after 30 seconds only."""
    url, done = migrated_database(), tmp_path / "done"
    with opened(url) as memory:
        memory.add("The first", user_id="alice", wait="stored")
        child = workers.start("look_after", path=url, done=done, lease=60.0)
        until(lambda: len(lines(done)) == 1)
        for number in range(5):
            memory.add(f"Another {number}", user_id="alice", wait="stored")
            until(lambda: len(lines(done)) == number + 2, seconds=5)  # noqa: B023 - called at once
        os.kill(child, signal.SIGKILL)


def test_a_worker_goes_on_after_its_server_was_killed(workers, durable_server, tmp_path):
    server, done = durable_server(), tmp_path / "done"
    with opened(server.url) as memory:
        memory.add("Before", user_id="alice", wait="stored")
        child = workers.start("look_after", path=server.url, done=done, lease=60.0)
        until(lambda: memory.stats()["pending"] == 0)
        server.kill()
        server.start()
        memory.add("After", user_id="alice", wait="stored")
        until(lambda: memory.stats()["pending"] == 0)
        os.kill(child, signal.SIGKILL)
        assert sorted(item["memory"] for item in memory.get_all()["results"]) == ["After", "Before"]
