"""From a memory here to one on a server, which is started first."""

# ruff: noqa: E402 - each part of the page imports what it shows

import asyncio
import logging
import os
import queue
import socket
import threading

import structlog
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings

logging.getLogger("mnemic").setLevel(logging.ERROR)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
listening = socket.create_server(("127.0.0.1", 0))
started: queue.Queue[tuple[str, uvicorn.Server]] = queue.Queue()


async def serve() -> None:
    """What `mnemic serve` does, and the first key."""
    async with AsyncMemory("server.db") as memory:
        app = create_app(memory, ServerSettings(database=":memory:"))
        async with app.router.lifespan_context(app):
            accounts = app.state.service.accounts
            _, secret = await accounts.claim(await accounts.first_code() or "", email="ann@example.com")
            server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
            started.put((secret, server))
            await server.serve(sockets=[listening])


thread = threading.Thread(target=lambda: asyncio.run(serve()))
thread.start()
key, running = started.get(timeout=60)
os.environ["MNEMIC_SERVER"] = f"http://127.0.0.1:{listening.getsockname()[1]}"
os.environ["MNEMIC_API_KEY"] = key

# begin local
from mnemic import Memory

m = Memory("notes.db")
# end local
m.close()

# begin shared
from mnemic import RemoteMemory

m = RemoteMemory()  # MNEMIC_SERVER and MNEMIC_API_KEY, or RemoteMemory("https://memory.example.com", api_key="mn-…")
# end shared

# begin use
m.add("I live in Taipei and play tennis with Mei.", user_id="alice")
found = m.search("Where does she live?", user_id="alice")
print(found["results"][0]["memory"])
# end use

# begin errors
from mnemic import NotFound, StoreUnavailable, Unauthorized

try:
    m.get("00000000-0000-8000-8000-000000000000")
except NotFound as exc:  # as of a memory here
    print(exc)
except (StoreUnavailable, Unauthorized):  # only of a server
    raise
# end errors
m.close()

# begin awaiting
from mnemic import AsyncRemoteMemory


async def recall(question: str) -> list[str]:
    """For one user."""
    async with AsyncRemoteMemory(timeout=30) as memory:
        alice = memory.scope(user_id="alice")
        return [hit["memory"] for hit in (await alice.search(question))["results"]]


# end awaiting


print(asyncio.run(recall("Who plays tennis?")))
running.should_exit = True
thread.join()
listening.close()
structlog.reset_defaults()
del os.environ["MNEMIC_SERVER"], os.environ["MNEMIC_API_KEY"]
