"""`mnemic worker` on a database that several processes share."""

import os
import signal
import subprocess
import sys
import time

import pytest

from mnemic import InvalidInput, Memory
from waiting import until


@pytest.fixture
def started():
    """A call starts `mnemic worker` on an address; it is gone when the test ends."""
    made = []

    def start(address, *words):
        made.append(
            subprocess.Popen(
                [sys.executable, "-c", "from mnemic.cli.main import main; main()", "worker", *words],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "200", "MNEMIC_PATH": address},
            )
        )  # fmt: skip
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.communicate()


def drained(memory, workers):
    """Wait until nothing is pending, and fail when a worker has ended."""
    until(lambda: memory.stats()["pending"] == 0, check=lambda: _alive(workers))


def _alive(workers):
    assert all(each.poll() is None for each in workers), [each.communicate() for each in workers if each.poll()]


def test_workers_of_two_processes_make_memories_of_what_a_third_one_stores_and_end_when_told(started, new_database):
    url = new_database()
    with Memory(url, background=False) as memory:
        memory.add("I have a dog named Rex.", user_id="alice", wait="stored")
        workers = [started(url) for _ in range(2)]
        drained(memory, workers)
        for number in range(4):
            memory.add(f"My cat is called Mia {number}.", user_id=f"user{number}", wait="stored")
        drained(memory, workers)
        assert {item["memory"] for item in memory.get_all(user_id="alice")["results"]}
        assert all(memory.get_all(user_id=f"user{number}")["results"] for number in range(4))
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        answers = [worker.communicate(timeout=30) for worker in workers]
        assert [worker.returncode for worker in workers] == [0, 0]
    assert any("Rex" in out for out, _ in answers)


def test_a_worker_told_to_leave_when_nothing_is_due_leaves(started, new_database):
    url = new_database()
    with Memory(url, background=False) as memory:
        memory.add("I have a dog named Rex.", user_id="alice", wait="stored")
        worker = started(url, "--once")
        worker.communicate(timeout=60)
        assert worker.returncode == 0
        assert memory.stats()["pending"] == 0


def test_waiting_for_messages_ends_at_the_latest_when_it_was_told_to(memory):
    begin = time.monotonic()
    memory.wait_for_pending(0.01)
    memory.wait_for_pending(0)
    assert time.monotonic() - begin < 30
    for wrong in (-1, "1", True, float("nan"), 100_000):
        with pytest.raises(InvalidInput, match="seconds"):
            memory.wait_for_pending(wrong)
