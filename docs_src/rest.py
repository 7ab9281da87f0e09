import asyncio
import logging
import os
import tempfile
import threading
import time

import httpx2
import structlog
import uvicorn

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings

ready = threading.Event()


async def serve(path: str) -> None:
    """What `mnemic serve` does; and the first key, which the code makes that it prints."""
    async with AsyncMemory(path) as memory:
        app = create_app(memory, ServerSettings(database=":memory:"))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it has no event to wait for
            await asyncio.sleep(0.01)
        accounts = app.state.service.accounts
        code = await accounts.first_code()
        _, os.environ["MNEMIC_KEY"] = await accounts.claim(code or "", email="ann@example.com")
        port = server.servers[0].sockets[0].getsockname()[1]
        os.environ["MNEMIC_URL"] = f"http://127.0.0.1:{port}"
        stop.append(server)
        ready.set()
        await running


structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
stop: list[uvicorn.Server] = []
folder = tempfile.TemporaryDirectory()
thread = threading.Thread(target=lambda: asyncio.run(serve(f"{folder.name}/m.db")))
thread.start()
ready.wait(60)

# begin connect
client = httpx2.Client(
    base_url=os.environ.get("MNEMIC_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ['MNEMIC_KEY']}"},
)
# end connect

# begin add
added = client.post(
    "/v1/memories",
    json={
        "messages": [{"role": "user", "content": "I moved to Tainan. I am allergic to peanuts."}],
        "user_id": "alice",
        "wait": "extracted",
    },
)
print(added.status_code, [item["memory"] for item in added.json()["results"]])
# end add

# begin search
found = client.post("/v1/memories/search", json={"query": "What can't Alice eat?", "user_id": "alice"})
print([hit["memory"] for hit in found.json()["results"]])
# end search

# begin stored
stored = client.post("/v1/memories", json={"messages": "I work at a bank.", "user_id": "alice"}).json()
event_id = stored["receipt"]["change_id"]
while (event := client.get(f"/v1/events/{event_id}").json())["status"] == "PENDING":
    time.sleep(0.1)
print(event["status"], [item["memory"] for item in event["results"]])
# end stored

# begin pages
query = {"user_id": "alice", "limit": 2}
while True:
    page = client.get("/v1/memories", params=query).json()
    print(len(page["results"]), "of", page["total"])
    if page["next_cursor"] is None:
        break
    query["cursor"] = page["next_cursor"]
# end pages

# begin once
for _ in range(2):
    answer = client.post(
        "/v1/memories/remember",
        json={"text": "Plays tennis on Tuesdays", "user_id": "alice"},
        headers={"Idempotency-Key": "9b1c-42"},
    )
    print(answer.status_code, answer.headers.get("Idempotency-Replayed", "false"))
# end once

# begin problem
refused = client.post("/v1/memories/search", json={"query": "tea"})
print(refused.status_code, refused.json()["code"], "-", refused.json()["detail"])
# end problem

# begin stream
with client.stream("GET", "/v1/events/stream", params={"user_id": "alice", "since": "2025-01-01"}) as stream:
    for line in stream.iter_lines():
        if line.startswith("event:"):
            print(line)
            break
# end stream

# begin project
project = client.post("/v1/projects", json={"name": "night shift"}).json()
key = client.post(f"/v1/projects/{project['id']}/keys", json={"name": "phone", "scopes": ["read", "write"]}).json()
client.patch(f"/v1/projects/{project['id']}/settings", json={"decay": False})
print(key["scopes"], key["key"][:3])
# end project

client.close()
stop[0].should_exit = True
thread.join()
folder.cleanup()
structlog.reset_defaults()
