"""mem0's published clients, installed as they are into an environment of their own, and a server of ours for them.

What is installed is pinned by `mem0/python.lock` and `mem0/package-lock.json`, and kept in `.clients/` for the next time.
"""

import asyncio
import contextlib
import hashlib
import http.server
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from filelock import FileLock

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.organizations import Organizations
from mnemic.server.settings import ServerSettings

_HERE = Path(__file__).parent / "mem0"
_INSTALLED = Path(__file__).parents[2] / ".clients"
_PATIENCE = 600  # seconds for an installation


def python_client():
    """The Python of an environment that holds mem0ai and mem0-cli."""
    target = _INSTALLED / "python"
    with _once(target, _HERE / "python.lock", sys.version) as missing:
        if missing:
            _run([sys.executable, "-m", "venv", "--clear", "--without-pip", target])
            here = [sys.executable, "-m", "pip", "--python", target / "bin/python"]
            _run([*here, "install", "-q", "--no-compile", "--no-deps", "-r", _HERE / "python.lock"])
    return target / "bin/python"


def node_client():
    """The folder that holds npm's mem0ai and the command of the same name. Without node there is none to speak to."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NODE IS MISSING: what mem0's TypeScript client and its node command do here is NOT tested")
    target = _INSTALLED / "node"
    with _once(target, _HERE / "package-lock.json", _HERE / "package.json") as missing:
        if missing:
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(_HERE / name, target / name)
            _run(["npm", "ci"], cwd=target)
    return target


@contextlib.contextmanager
def _once(target, *made_of):
    """Whether something is to be installed; noted when it was. One process at a time."""
    told = [each.read_bytes() if isinstance(each, Path) else each.encode() for each in made_of]
    wanted = hashlib.sha256(b"\0".join(told)).hexdigest()
    _INSTALLED.mkdir(exist_ok=True)
    mark = _INSTALLED / f"{target.name}.installed"
    with FileLock(f"{target}.lock"):
        missing = not mark.exists() or mark.read_text() != wanted
        yield missing
        mark.write_text(wanted)


def _run(command, **more):
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, timeout=_PATIENCE, check=False, **more
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}\n{done.stderr}"


class Spoken:
    """A client in another process; methods are called by their names, and its errors are raised here."""

    def __init__(self, command, home):
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "MEM0_DIR": str(home), "MEM0_TELEMETRY": "false"}
        self._log = (home / f"{uuid.uuid4().hex}.log").open("w+")
        self._process = subprocess.Popen(
            [str(each) for each in command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True, env=env, cwd=home,
        )  # fmt: skip

    def ask(self, **order):
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise AssertionError(f"the client ended:\n{self._log.read()}")
        told = json.loads(line)
        if "error" in told:
            raise Raised(told["error"])
        return told["result"]

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._log.close()


class Raised(Exception):
    """What a client raised."""

    def __init__(self, error):
        super().__init__(f"{error['type']}: {error['text']}")
        self.type = error["type"]
        self.error = error


class Client:
    """One of mem0's clients with one key."""

    def __init__(self, spoken, *, host, key, **more):
        self._spoken, self._name = spoken, uuid.uuid4().hex
        self.identity = spoken.ask(do="open", on=self._name, host=host, key=key, **more)

    def call(self, method, *args, **kwargs):
        return self._spoken.ask(do="call", on=self._name, method=method, args=args, kwargs=kwargs)

    def __getattr__(self, method):
        return lambda *args, **kwargs: self.call(method, *args, **kwargs)


@dataclass
class Account:
    """A project of its own on a server, and a key for it."""

    host: str
    key: str
    organization: str
    project: str


class Server:
    """A server of ours on a free port of the loopback, in a thread of its own."""

    def __init__(self, folder, **settings):
        self._folder, self._settings = folder, {"webhooks_to_private": True, "metrics": False} | settings
        self._started, self._thread = threading.Event(), threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread.start()
        assert self._started.wait(60), "the server did not start"

    async def _serve(self):
        self._loop = asyncio.get_running_loop()
        given = ServerSettings(database=str(self._folder / "accounts.db"), **self._settings)
        async with AsyncMemory(str(self._folder / "m.db")) as self.memory:
            self._app = create_app(self.memory, given)
            config = uvicorn.Config(self._app, log_level="warning", ws="none", lifespan="on")
            self._server = uvicorn.Server(config)
            self._server.install_signal_handlers = lambda: None
            told = asyncio.create_task(self._tell())
            await self._server.serve(sockets=[self._socket])
            await told

    async def _tell(self):
        while not self._server.started:  # noqa: ASYNC110 - uvicorn says it in no other way
            await asyncio.sleep(0.01)
        self._started.set()

    def run(self, work):
        """The result of a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def account(self, *scopes):
        """A new organisation with a project and a key."""
        return self.run(self._account(scopes or ("read", "write", "admin")))

    async def _account(self, scopes):
        service, owner = self._app.state.service, f"{uuid.uuid4().hex[:8]}@example.com"
        organization, project = await Organizations(service.database).create("tests", owner=owner)
        _, key = await service.accounts.create_key(project.id, email=owner, name="tests", scopes=scopes)
        return Account(f"{self.url}/mem0", key, organization, project.id)

    def close(self):
        self._server.should_exit = True
        self._thread.join(60)
        self._socket.close()


@contextlib.contextmanager
def listening():
    """An address to be told at, and what it was told: a queue of bodies with their headers."""
    told = queue.Queue()

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.put((json.loads(body), {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/told", told
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def serving(folder, **settings):
    """A server with settings of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("MNEMIC_")]:
            patch.delenv(name)
        server = Server(folder, **settings)
        try:
            yield server
        finally:
            server.close()


@pytest.fixture(scope="session")
def mem0_server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("mem0-server")) as server:
        yield server


@pytest.fixture
def account(mem0_server):
    return mem0_server.account()


@pytest.fixture(scope="session")
def spoken_python(tmp_path_factory):
    spoken = Spoken([python_client(), _HERE / "speak.py"], tmp_path_factory.mktemp("home"))
    yield spoken
    spoken.close()


@pytest.fixture(scope="session")
def spoken_node(tmp_path_factory):
    spoken = Spoken(["node", _HERE / "speak.cjs", node_client()], tmp_path_factory.mktemp("home"))
    yield spoken
    spoken.close()


@pytest.fixture(params=["sync", "async"])
def mem0(request, spoken_python, account):
    """mem0's Python client, and its async twin."""
    return Client(spoken_python, host=account.host, key=account.key, **{"async": request.param == "async"})


@pytest.fixture
def typescript(spoken_node, account):
    """mem0's TypeScript client."""
    return Client(spoken_node, host=account.host, key=account.key)
