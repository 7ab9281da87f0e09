"""The server and its worker are killed under load: what was acknowledged is there, once, and memories are made of it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from waiting import until

COMMAND = "import sys; from mnemic.cli.main import main; sys.exit(main())"
CLIENTS = 4
ALICE = {"user_id": "alice"}


class Running:
    """Commands of ours in processes of their own, on one store."""

    def __init__(self, folder, address, **settings):
        self.environment = {
            "HOME": str(folder), "PATH": os.environ["PATH"], "MNEMIC_HOME": str(folder / "data"), "MNEMIC_PATH": address,
            "MNEMIC_SERVER_WEBHOOKS_TO_PRIVATE": "true",
        } | {f"MNEMIC_SERVER_{name.upper()}": str(value) for name, value in settings.items()}  # fmt: skip
        # What a killed process was working on is another's after some seconds: a test does not wait for minutes.
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(
            "import mnemic.write, mnemic.server.webhooks; from datetime import timedelta;"
            "mnemic.write.LEASE = timedelta(seconds=5); mnemic.server.webhooks._LEASE = timedelta(seconds=20)"
        )
        self.environment["PYTHONPATH"] = str(folder / "site")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url, self.folder, self.alive = f"http://127.0.0.1:{self.port}", folder, []
        self.key = self.said("keys", "create")

    def said(self, *arguments):
        ran = subprocess.run(
            [sys.executable, "-c", COMMAND, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    def start(self, *arguments, before=""):
        """A command that goes on, with processes of its own."""
        log = (self.folder / f"{arguments[0]}.log").open("ab")
        with log:
            started = subprocess.Popen(
                [sys.executable, "-c", before + COMMAND, *arguments], env=self.environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.alive.append(started)
        return started

    def serve(self, *arguments, before=""):
        """A server that answers."""
        started = self.start("serve", "--port", str(self.port), *arguments, before=before)
        until(lambda: self.answers(started), 120)
        return started

    def answers(self, started):
        assert started.poll() is None, (self.folder / "serve.log").read_text()[-2000:]
        try:
            return httpx2.get(f"{self.url}/readyz").status_code == 200
        except httpx2.HTTPError:
            return False

    def client(self):
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=60)

    def kill(self, started):
        """At once, with the processes that it started."""
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()

    def close(self):
        for each in self.alive:
            if each.poll() is None:
                self.kill(each)


@contextmanager
def running(folder, address, **settings):
    made = Running(folder, address, **settings)
    try:
        yield made
    finally:
        made.close()


class Listener:
    """Whoever is told of what happens."""

    def __init__(self):
        self.told, listener = set(), self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                listener.told.add((body["type"], body["data"]["memory_id"]))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128  # or those who wait to be let in are sent away, and told again in five minutes

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


class Load:
    """Some clients that add, each what it says once, until the server is gone; the last is repeated when it is back."""

    def __init__(self, server):
        self.server, self.count, self.acknowledged = server, 0, []
        self.left = [None] * CLIENTS

    def run(self, enough, kill):
        """Add until so many are acknowledged, then kill."""
        threads = [threading.Thread(target=self._add, args=(number,)) for number in range(CLIENTS)]
        for each in threads:
            each.start()
        wanted = len(self.acknowledged) + enough
        until(lambda: len(self.acknowledged) >= wanted, 120)
        kill()
        for each in threads:
            each.join()

    def _add(self, number):
        with self.server.client() as client:
            while True:
                if self.left[number] is None:
                    self.count += 1
                    self.left[number] = f"I play instrument {self.count} of client {number} in band {self.count}."
                text = self.left[number]
                try:
                    answer = post(client, text)
                except httpx2.HTTPError:
                    return
                assert answer.status_code == 201, answer.text
                self.acknowledged.append(text)
                self.left[number] = None

    def repeat(self):
        """What nobody knows about is sent again, with the same key."""
        with self.server.client() as client:
            for number, text in enumerate(self.left):
                if text is not None:
                    until(lambda text=text: post(client, text).status_code == 201)
                    self.acknowledged.append(text)
                    self.left[number] = None


def post(client, text):
    key = re.sub(r"\W", "-", text)
    answer = client.post("/v1/memories", json={"messages": text, **ALICE}, headers={"Idempotency-Key": key})
    assert answer.status_code in (201, 409, 503), answer.text
    return answer


def everything(client, path, **query):
    found, cursor = [], None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = client.get(path, params=ALICE | {"limit": 500} | query | more).raise_for_status().json()
        found += page["results"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.behaviour("S1")
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def test_a_server_killed_under_load_loses_nothing_that_it_acknowledged(request, tmp_path, listener, kind):
    """SQLite with one process, PostgreSQL with two and a worker beside them, which is killed, too."""
    address = str(tmp_path / "m.db") if kind == "sqlite" else request.getfixturevalue("new_database")()
    more = () if kind == "sqlite" else ("--workers", "2")
    with running(tmp_path, address) as server:
        serving = server.serve(*more)
        with server.client() as client:
            assert client.post("/v1/webhooks", json={"url": listener.url}).status_code == 201
        load = Load(server)
        for _ in range(1 if kind == "sqlite" else 3):
            working = server.start("worker", "--all-projects") if kind == "postgres" else None

            def kill(*processes):
                for each in processes:
                    server.kill(each)

            load.run(25, lambda both=(serving, working): kill(*filter(None, both)))
            serving = server.serve(*more)
            load.repeat()
        with server.client() as client:
            until(lambda: client.get("/v1/stats", params=ALICE).json()["pending"] == 0, 180)
            states = ["pending", "done", "empty", "refused", "failed", "hidden"]
            messages = everything(client, "/v1/messages", state=states)
            assert sorted(each["content"] for each in messages) == sorted(load.acknowledged)
            assert {each["state"] for each in messages} == {"done"}
            memories = everything(client, "/v1/memories", latest_only=False, show_expired=True)
            assert len(memories) >= 0.9 * len(messages)
            assert client.get("/v1/verify").json()["problems"] == []
            until(lambda: {("memory.added", each["id"]) for each in memories} <= listener.told, 90)


@pytest.mark.behaviour("S1")
def test_a_server_that_is_told_to_end_answers_what_is_under_way_and_ends_with_0(tmp_path):
    with running(tmp_path, str(tmp_path / "m.db")) as server:
        serving = server.serve()
        with server.client() as client:
            answers = []

            def slow():
                with server.client() as another:
                    answers.append(another.post("/v1/messages/wait", json={"seconds": 3, **ALICE}).status_code)
                    answers.append(None)

            thread = threading.Thread(target=slow)
            thread.start()
            # Nothing is pending, so that the other request waits all of its seconds, from before these are answered.
            for text in ("I keep bees.", "I like tea."):
                assert post(client, text).status_code == 201
        serving.send_signal(signal.SIGTERM)
        thread.join()
        assert answers == [200, None]
        assert serving.wait(60) == 0
        serving = server.serve()
        with server.client() as client:
            until(lambda: client.get("/v1/stats", params=ALICE).json()["pending"] == 0)
            assert len(everything(client, "/v1/messages")) == 2


NO_CALLS = """
import ctypes, platform, struct
# A seccomp filter: the kernel kills this process when any thread of it, native ones too, connects to anywhere.
number = {"x86_64": 42, "aarch64": 203}[platform.machine()]
program = b"".join(struct.pack("<HBBI", *step) for step in [
    (0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000),
])
code = ctypes.create_string_buffer(program)
whole = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, whole, 0, 0) == 0, ctypes.get_errno()
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="seccomp is Linux's")


@linux
@pytest.mark.behaviour("F5")
def test_a_server_without_upstream_and_webhooks_contacts_nobody(tmp_path):
    with running(tmp_path, str(tmp_path / "m.db")) as server:
        serving = server.serve(before=NO_CALLS)
        with server.client() as client:
            added = client.post("/v1/memories", json={"messages": "I live in Taipei.", "wait": "extracted", **ALICE})
            assert added.status_code == 201
            assert post(client, "I keep bees.").status_code == 201
            found = client.post("/v1/memories/search", json={"query": "Where does she live?", **ALICE}).json()
            assert "Taipei" in found["results"][0]["memory"]
            until(lambda: client.get("/v1/stats", params=ALICE).json()["pending"] == 0)
            headers = {"Accept": "application/json, text/event-stream"}
            tools = client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers)
            assert tools.status_code in (200, 501)
            assert client.get("/mem0/v1/ping/").status_code == 200
        serving.send_signal(signal.SIGTERM)
        assert serving.wait(60) == 0


@linux
def test_the_kernel_does_kill_what_connects():
    script = f"{NO_CALLS}\nimport socket; socket.socket(); print('alive', flush=True); socket.create_connection(('127.0.0.1', 9))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.returncode) == ("alive\n", -31)
