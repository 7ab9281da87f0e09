"""What all tests share: no network, no settings of the machine's user, random tests that repeat, a PostgreSQL."""

import contextlib
import functools
import gc
import importlib.util
import itertools
import logging
import os
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import pytest
from hypothesis.configuration import set_hypothesis_home_dir

import postgres

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "mnemic-hypothesis")
hypothesis.settings.register_profile("same", deadline=None, database=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, database=None, derandomize=False)
hypothesis.settings.load_profile(os.environ.get("MNEMIC_TEST_PROFILE", "same"))

pytest.register_assert_rewrite("mnemic.testing.contract", "mnemic.testing.providers")

# A server to test on instead of one of our own: its user makes and drops databases there.
_EXISTING_SERVER = os.environ.get("MNEMIC_TEST_POSTGRES", "")


@pytest.hookimpl(trylast=True)  # of those that run
def pytest_collection_modifyitems(items):
    """Spread the files whose tests take long over the run, so that at its end nobody waits for the last of them."""
    files = [list(tests) for _, tests in itertools.groupby(items, key=lambda item: item.path)]
    places = {True: itertools.count(), False: itertools.count()}
    many = Counter(_takes_long(tests) for tests in files)

    def share(tests):
        """How much of its kind is before it, from 0 to 1."""
        long = _takes_long(tests)
        return next(places[long]) / many[long], not long

    items[:] = itertools.chain.from_iterable(sorted(files, key=share))


def pytest_collection_finish():
    """What was imported and collected stays to the end: the garbage collector need not look through it again."""
    gc.collect()
    gc.freeze()


def _takes_long(tests):
    return tests[0].path.parent.name == "faults"


_connect = socket.socket.connect
_HERE = {"127.0.0.1", "::1", "localhost"}
if _EXISTING_SERVER and urlsplit(_EXISTING_SERVER).hostname:
    _HERE |= {found[4][0] for found in socket.getaddrinfo(urlsplit(_EXISTING_SERVER).hostname, None)}


def _connect_here_only(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in _HERE:
        raise AssertionError(f"a test tried to connect to {address!r}")
    return _connect(self, address)


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """Nothing of the machine reaches a test, and a test reaches nothing but the machine."""
    logging.getLogger("mnemic").setLevel(logging.NOTSET)  # the command line, run in this process, lowers its voice
    for name in list(os.environ):
        if name.startswith(("MNEMIC_", "PG")) or name.endswith(("_API_KEY", "_BASE_URL")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MNEMIC_HOME", str(tmp_path / "home"))
    # Whom to trust on the internet, which a client would read anew each time: nobody.
    monkeypatch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
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


@pytest.fixture(scope="session")
def _postgres_run(request, tmp_path_factory, testrun_uid):
    """The folder and the server that all processes of this run share."""
    here = tmp_path_factory.getbasetemp()
    # The folders of the processes of one run lie side by side.
    place = (here.parent if hasattr(request.config, "workerinput") else here) / f"postgres-{testrun_uid}"
    place.mkdir(exist_ok=True)
    with postgres.shared(place) as run:
        yield run


@pytest.fixture(scope="session")
def postgres_server(request):
    """The URL of a PostgreSQL server with pgvector, as a user who may do everything there."""
    return _EXISTING_SERVER or request.getfixturevalue("_postgres_run").url


@pytest.fixture(scope="session")
def _databases(postgres_server):
    with contextlib.closing(postgres.Databases(postgres_server)) as databases:
        yield databases


@pytest.fixture
def new_database(_databases):
    """A call gives the URL of a new empty database, which is gone when the test ends."""
    yield from _made(_databases, None)


@pytest.fixture(scope="session")
def _migrated(_databases):
    """A database with the tables of a store and nothing in them, to copy."""
    from mnemic.stores.postgres import PostgresStore

    async def migrate(url):
        store = PostgresStore(url)
        await store.open()
        await store.close()

    url = _databases.make()
    _databases.run(migrate(url))
    yield url
    _databases.drop(url)


@pytest.fixture
def migrated_database(request, _databases):
    """A call gives the URL of a new database that a store has opened before, which is gone when the test ends."""
    written = importlib.util.find_spec("mnemic.stores.postgres") is not None
    yield from _made(_databases, request.getfixturevalue("_migrated") if written else None)


def _made(databases, template):
    urls = []

    def make():
        urls.append(databases.make(template))
        return urls[-1]

    yield make
    for url in urls:
        databases.drop(url)


@pytest.fixture
def durable_server(_postgres_run):
    """A call gives a started server of the test's own, which keeps what it has committed, to kill and to start."""
    with contextlib.ExitStack() as made:

        def start():
            server = postgres.Server(_postgres_run.folder)
            made.callback(server.stop, "immediate")
            server.start()
            return server

        yield start
