"""What all tests share: no network, no settings of the machine's user, and random tests that repeat."""

import functools
import os
import socket
import tempfile
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "mnemic-hypothesis")
hypothesis.settings.register_profile("same", deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, database=None, derandomize=False)
hypothesis.settings.load_profile(os.environ.get("MNEMIC_TEST_PROFILE", "same"))

pytest.register_assert_rewrite("mnemic.testing.contract", "mnemic.testing.providers")

_connect = socket.socket.connect


def _connect_here_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"a test tried to connect to {address!r}")
    return _connect(self, address)


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Nothing of the machine reaches a test, and a test reaches nothing but the machine."""
    for name in list(os.environ):
        if name.startswith("MNEMIC_") or name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MNEMIC_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(socket.socket, "connect", _connect_here_only)


# Three times what linear growth would take is allowed: eight times the input may take 24 times as long, where
# squared it takes 64 times. Below a tenth of a second nothing is told from noise, and nobody waits.
_SLACK = 3
_NOISE = 0.1


@pytest.fixture
def cpu_seconds():
    """How long a call takes on the processor, whatever else the machine does."""

    def measure(call):
        start = time.process_time()
        call()
        return time.process_time() - start

    return measure


@pytest.fixture
def grows_linearly(cpu_seconds):
    """Fail unless `call(make_text(size))` takes time in proportion to the size, from `small` to `large`.

    Both are measured in the same run, so that a slow or busy machine is slow in both. No text is measured
    twice, for a cache would know it; a long one counts by its best try.
    """

    def check(call, make_text, small, large):
        least = min(cpu_seconds(functools.partial(call, make_text(small + extra))) for extra in range(3))
        allowed = _SLACK * large / small * least + _NOISE
        took = []
        for extra in range(3):
            took.append(cpu_seconds(functools.partial(call, make_text(large - extra))))
            if took[-1] < allowed:
                return
        pytest.fail(f"{small} took {least:.4f} s and {large} took {min(took):.4f} s: more than {allowed:.4f} s")

    return check


@pytest.fixture
def make():
    """Memories with a fake embedder and a fake extractor, closed when the test ends."""
    from mnemic import Memory
    from mnemic.testing.fakes import FakeEmbedder, FakeExtractor

    made = []

    def one(path=":memory:", **arguments):
        arguments = {"embedder": FakeEmbedder(), "extractor": FakeExtractor()} | arguments
        made.append(Memory(path, **arguments))
        return made[-1]

    yield one
    for memory in made:
        memory.close()


@pytest.fixture
def memory(make):
    """An empty memory that lives as long as the test."""
    return make()
