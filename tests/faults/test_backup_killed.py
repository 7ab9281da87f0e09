"""Copies and restores under load, and cut short at any moment."""

import os
import re
import signal

import pytest
from test_killed import lines, opened, until
from test_old_stores import tables, version_of_whole

FORMER, OTHER = {"I ski", "I sail"}, {"I keep bees", "and llamas", "Of Bob"}


def texts(path):
    with opened(path) as memory:
        assert memory.verify()["problems"] == []
        listed = {item["memory"] for item in memory.get_all(limit=1_000)["results"]}
        found = set()
        for name in ("alice", "bob"):
            hits = memory.search("ski sail bees llamas Bob", user_id=name, threshold=0, top_k=100)["results"]
            found |= {hit["memory"] for hit in hits}
        assert found == listed
        return listed


@pytest.fixture
def stores(tmp_path):
    """A store, and a backup of another."""
    with opened(tmp_path / "m.db") as memory:
        memory.add(sorted(FORMER), user_id="alice")
    with opened(tmp_path / "other.db") as memory:
        memory.add(["I keep bees", "and llamas"], user_id="alice")
        memory.remember("Of Bob", user_id="bob")
        memory.backup(tmp_path / "copy.db")
    (tmp_path / "other.db").unlink()
    return tmp_path / "m.db", tmp_path / "copy.db"


def points(every, kills):
    """Steps to die at, evenly spread, and one that is never reached."""
    return (*range(0, every, max(1, every // kills)), 100_000)


def steps_of(workers, tmp_path, **job):
    done = tmp_path / "count"
    assert workers.run("dying", done=done, steps=100_000, **job) == 0
    return lines(done)[0]


@pytest.mark.parametrize("kills", [20, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_backup_that_was_cut_short_never_bears_the_name_of_a_whole_one(workers, stores, tmp_path, kills):
    path, _ = stores
    target = tmp_path / "target" / "m.bak"
    target.parent.mkdir()
    every = steps_of(workers, tmp_path, path=path, deed="backup", to=str(target))
    whole = tables(target)
    seen = set()
    for steps in points(every, kills):
        for file in target.parent.iterdir():
            file.unlink()
        ended = workers.run("dying", path=path, done=tmp_path / "done", deed="backup", to=str(target), steps=steps)
        assert ended == (-signal.SIGKILL if steps < every - 10 else ended)
        left = [file.name for file in target.parent.iterdir() if file != target]
        assert all(re.fullmatch(r"m\.bak\.\w+\.unfinished(-journal)?", name) for name in left)
        seen.add((bool(left), target.exists()))
        if target.exists():
            assert tables(target) == whole
    assert {(False, False), (True, False), (False, True)} <= seen
    assert texts(path) == FORMER
    with opened(path) as memory:
        assert memory.backup(target, overwrite=True)
    assert texts(target) == FORMER


@pytest.mark.parametrize("kills", [20, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_restore_that_was_cut_short_restored_all_or_nothing(workers, stores, tmp_path, kills):
    path, copy = stores
    original, before = path.read_bytes(), tables(path)
    kept = path.with_name(f"{path.name}.backup-r1")

    def again():
        for file in tmp_path.glob("m.db*"):
            file.unlink()
        path.write_bytes(original)

    every = steps_of(workers, tmp_path, path=path, deed="restore", source=str(copy))
    seen = set()
    for steps in points(every, kills):
        again()
        ended = workers.run("dying", path=path, done=tmp_path / "done", deed="restore", source=str(copy), steps=steps)
        assert ended == (-signal.SIGKILL if steps < every - 10 else ended)
        version_of_whole(path)
        now = texts(path)
        assert now in (FORMER, OTHER), f"killed at step {steps}"
        assert now == FORMER or kept.exists()
        seen.add((kept.exists(), now == OTHER))
        if kept.exists():
            assert tables(kept) == before
    assert seen == {(False, False), (True, False), (True, True)}
    assert texts(copy) == OTHER


def test_a_backup_while_others_write_holds_all_that_was_acknowledged_before_it(workers, tmp_path):
    path, done = tmp_path / "m.db", tmp_path / "done"
    opened(path).close()
    children = [workers.start("busy", path=path, done=done) for _ in range(2)]
    with opened(path) as memory:
        for number in range(8):
            until(lambda: len(lines(done)) >= 5 * number)  # noqa: B023 - called at once
            acknowledged = {name: text for word, name, text in lines(done) if word == "has"}
            memory.backup(tmp_path / f"{number}.db")
            with opened(tmp_path / f"{number}.db") as copy:
                assert copy.verify()["problems"] == []
                there = {item["id"]: item["memory"] for item in copy.get_all(limit=10_000)["results"]}
                hits = copy.search("Fact", user_id="alice", threshold=0, top_k=10_000)["results"]
            assert acknowledged.items() <= there.items()
            assert {hit["id"] for hit in hits} == there.keys()
    for child in children:
        os.kill(child, signal.SIGKILL)
    assert [line for line in lines(done) if line[0] == "error"] == []
    assert len({text.split()[1] for _, _, text in lines(done)}) == 2


def test_a_restore_while_others_write_reaches_them_and_loses_nothing_acknowledged_later(workers, tmp_path):
    path, copy, done = tmp_path / "m.db", tmp_path / "copy.db", tmp_path / "done"
    with opened(path) as memory:
        memory.remember("I ski", user_id="alice")
        memory.backup(copy)
        children = [workers.start("busy", path=path, done=done) for _ in range(2)]
        acknowledged = {}
        for number in range(1, 5):
            until(lambda: len({text.split()[1] for _, _, text in lines(done)}) == 2)
            until(lambda: len(lines(done)) >= 10 * number)  # noqa: B023 - called at once
            earlier = {name: text for word, name, text in lines(done) if word == "has"}
            kept = memory.restore(copy)["before"]
            after = len(lines(done))
            until(lambda: len(lines(done)) >= after + 4)  # noqa: B023 - called at once
            with opened(kept) as former:
                there = {item["id"]: item["memory"] for item in former.get_all(limit=10_000)["results"]}
            # What was acknowledged since the restore before is in what this one kept.
            assert {name: text for name, text in earlier.items() if name not in acknowledged}.items() <= there.items()
            acknowledged |= {name: text for word, name, text in lines(done)[: after + 2] if word == "has"}
        for child in children:
            os.kill(child, signal.SIGKILL)
        assert [line for line in lines(done) if line[0] == "error"] == []
        last = {name for word, name, _ in lines(done)[after + 2 :] if word == "has"}
        listed = {item["id"] for item in memory.get_all(limit=10_000)["results"]}
        assert last <= listed
        assert memory.verify()["problems"] == []
        assert "I ski" in {item["memory"] for item in memory.get_all(limit=10_000)["results"]}
