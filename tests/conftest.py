"""What all tests share: no network, no settings of the machine's user, and random tests that repeat."""

import os
import socket
import tempfile
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
