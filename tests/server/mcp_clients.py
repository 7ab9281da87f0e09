"""An MCP server over each transport, spoken to by the client of the official SDK."""

import asyncio
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import uvicorn
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.organizations import Organizations
from mnemic.server.settings import ServerSettings

COMMAND = str(Path(sys.executable).with_name("mnemic"))


@asynccontextmanager
async def over_stdio(*args, env=None, mode="auto", command=COMMAND, errors=sys.stderr):
    """A client of `mnemic mcp`, started as an assistant starts it."""
    started = StdioServerParameters(command=command, args=list(args or ("mcp",)), env=env)
    async with Client(stdio_client(started, errlog=errors), mode=mode) as client:
        yield client


class Served:
    """A server on the loopback."""

    def __init__(self, app, url):
        self.app, self.url = app, url

    @property
    def service(self):
        return self.app.state.service

    async def key(self, *scopes):
        """A key of a new organisation with a project of its own."""
        self._keys = getattr(self, "_keys", 0) + 1
        owner = f"owner{self._keys}@example.com"
        _, project = await Organizations(self.service.database).create("tests", owner=owner)
        _, key = await self.service.accounts.create_key(
            project.id, email=owner, name="tests", scopes=scopes or ("read", "write")
        )
        return key

    @asynccontextmanager
    async def client(self, key, *, mode="auto", **ids):
        """A client with this key; `user_id` and the like go into headers."""
        headers = {"Authorization": f"Bearer {key}"}
        headers |= {f"X-Mnemic-{name.replace('_', '-')}": value for name, value in ids.items()}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(f"{self.url}/mcp", http_client=http), mode=mode) as client,
        ):
            yield client


@asynccontextmanager
async def over_http(memory=None, **settings):
    """A server of a memory, by default a new one, on a free port."""
    made = None if memory is not None else AsyncMemory(":memory:")
    app = create_app(memory or made, ServerSettings(**({"database": ":memory:"} | settings)))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=5))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn says it in no other way
            await asyncio.sleep(0.01)
        try:
            yield Served(app, f"http://127.0.0.1:{listening.getsockname()[1]}")
        finally:
            server.should_exit = True
            await serving
            if made is not None:
                await made.close()


@asynccontextmanager
async def spoken(transport, tmp_path):
    """A client of a new memory of ann's, over "stdio" or "http"; "-legacy" for the protocol before 2026."""
    kind, _, legacy = transport.partition("-")
    mode = "legacy" if legacy else "auto"
    if kind == "stdio":
        async with over_stdio("mcp", "--user", "ann", env={"MNEMIC_PATH": str(tmp_path / "m.db")}, mode=mode) as client:
            yield client
    else:
        async with over_http() as served, served.client(await served.key(), mode=mode, user_id="ann") as client:
            yield client


def words(result):
    """What a result says to a model."""
    return "\n".join(each.text for each in result.content)
