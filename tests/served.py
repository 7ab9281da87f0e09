"""A server of ours on a free port of the loopback, in a thread of its own, as clients on other machines meet it."""

import asyncio
import io
import queue
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2
import structlog
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings


@dataclass(frozen=True)
class Served:
    """Where it answers, and its first key, which may do everything."""

    url: str
    key: str

    def key_of_a_project(self, name, *scopes):
        """A key of a new project of the server, as its administrator makes one."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx2.Client(base_url=self.url, headers=headers) as client:
            project = client.post("/v1/projects", json={"name": name}).raise_for_status().json()
            body = {"name": name, "scopes": list(scopes or ("read", "write", "admin"))}
            return client.post(f"/v1/projects/{project['id']}/keys", json=body).raise_for_status().json()["key"]


@contextmanager
def served(path, **settings):
    """A server of the store at this path, whose log is kept apart from what commands print."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(io.StringIO()))
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # said aloud, so that asyncio sends small answers at once
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    told = queue.Queue()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(path, settings, listening, told)))
    thread.start()
    try:
        key, server = told.get(timeout=60)
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", key)
        finally:
            server.should_exit = True
    finally:
        thread.join()
        listening.close()
        structlog.reset_defaults()


async def _serve(path, settings, listening, told):
    async with AsyncMemory(path) as memory:
        app = create_app(memory, ServerSettings(**({"database": ":memory:"} | settings)))
        async with app.router.lifespan_context(app):
            accounts = app.state.service.accounts
            _, key = await accounts.claim(await accounts.first_code(), email="ann@example.com")
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            told.put((key, server))
            await server.serve(sockets=[listening])
