"""A PostgreSQL server that dies in the middle of a restore: the old content or the new one, never a mix."""

import random
from contextlib import closing

import pytest
from test_restarts import opened
from wire import Wire

from mnemic import StoreUnavailable

OLD, NEW = ["I row", "I sail"], ["I keep bees", "I ski"]


def content(memory):
    assert memory.verify()["problems"] == []
    return sorted(item["memory"] for item in memory.get_all(user_id="alice")["results"])


@pytest.mark.slow
@pytest.mark.behaviour("S1")
def test_a_restore_in_which_the_server_died_restored_all_or_nothing(durable_server, tmp_path):
    server = durable_server()
    copy = str(tmp_path / "copy")
    seen = set()

    def restart():
        server.kill()
        server.start()

    with closing(Wire(server.url)) as wire, opened(wire.url) as memory:
        memory.add(NEW, user_id="alice")
        memory.backup(copy)
        for message in range(0, 400, 9):
            memory.delete_all(user_id="alice")
            memory.add(OLD, user_id="alice")
            wire.at(message, restart)
            try:
                memory.restore(copy)
                told = [NEW]
            except StoreUnavailable:
                told = [OLD, NEW]
            died = wire.at(None, None)
            assert content(memory) in told, message
            seen.add(died)
            if not died:
                break
    assert seen == {True, False}


def test_the_room_of_what_a_restore_replaced_is_free_again(migrated_database, tmp_path):
    copy = str(tmp_path / "copy")
    with opened(migrated_database()) as memory:
        memory.remember(" ".join(map(str, random.Random(1).sample(range(10**6), 9_000))), user_id="alice")
        memory.backup(copy)
        sizes = []
        for _ in range(4):
            memory.restore(copy)
            sizes.append(memory.stats()["bytes"])
        assert sizes[3] <= sizes[1]
