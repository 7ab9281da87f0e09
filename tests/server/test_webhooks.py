"""Others are told what happens to memories: over real HTTP, signed, again after failures, and never in private."""

import asyncio
import json
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import WebhookVerificationError

from conftest import serving
from mnemic.errors import InvalidInput
from mnemic.server.webhooks import Webhooks


class Listener:
    """A server of somebody who listens: keeps what comes, and answers as told."""

    def __init__(self):
        self.came, self.answers = [], deque()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.came.append((self.path, dict(self.headers), body))
                self.send_response(listener.answers.popleft() if listener.answers else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/told"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    async def until(self, count):
        for _ in range(400):
            if len(self.came) >= count:
                return [json.loads(body) for _, _, body in self.came]
            await asyncio.sleep(0.025)
        raise AssertionError(f"{len(self.came)} came, not {count}")


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def make(client, listener, **fields):
    answer = await client.post("/v1/webhooks", json={"url": listener.url} | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_what_happens_is_told_signed_and_once(client, memory, listener):
    hook = await make(client, listener)
    kept = (await memory.remember("Plays chess 下棋", user_id="ann"))["results"][0]["id"]
    await memory.update(kept, "Plays go 圍棋")
    await memory.delete(kept)
    told = await listener.until(3)
    assert [each["type"] for each in told] == ["memory.added", "memory.updated", "memory.deleted"]
    assert (told[0]["data"]["memory_id"], told[0]["data"]["new_memory"]) == (kept, "Plays chess 下棋")
    _, headers, body = listener.came[0]
    assert Signer(hook["secret"]).verify(body, headers)["type"] == "memory.added"
    with pytest.raises(WebhookVerificationError):
        Signer(hook["secret"]).verify(body + b" ", headers)
    deliveries = (await client.get(f"/v1/webhooks/{hook['id']}/deliveries")).json()["results"]
    assert [(each["state"], each["attempts"]) for each in deliveries] == [("delivered", 1)] * 3


async def test_only_the_types_that_were_asked_for_are_told(client, memory, listener):
    await make(client, listener, event_types=["memory.deleted"])
    kept = (await memory.remember("Plays chess", user_id="ann"))["results"][0]["id"]
    await memory.delete(kept)
    assert [each["type"] for each in await listener.until(1)] == ["memory.deleted"]


async def test_what_is_not_taken_is_sent_again_and_at_last_given_up(client, memory, listener):
    service = client.app.state.service
    await service.webhooks.stop()
    quick = Webhooks(service.database, memory, to_private=True, retries=(0.01, 0.01))
    hook = await make(client, listener)
    listener.answers.extend([500, 301, 503])
    quick.start()
    try:
        await memory.remember("Plays chess", user_id="ann")
        await listener.until(3)
        for _ in range(200):
            (one,) = await quick.deliveries(hook["project_id"], hook["id"])
            if one.state == "dead":
                break
            await asyncio.sleep(0.02)
        assert (one.state, one.attempts, one.last_status) == ("dead", 3, 503)
        assert (await client.post(f"/v1/webhooks/{hook['id']}/replay")).json() == {"replayed": 1}
        await listener.until(4)
        ids = {headers["webhook-id"] for _, headers, _ in listener.came}
        assert len(ids) == 1  # so that a receiver knows it again
    finally:
        await quick.stop()


async def test_what_was_erased_is_not_told(client, memory, listener):
    service = client.app.state.service
    await service.webhooks.stop()
    await make(client, listener)
    await memory.remember("Plays chess", user_id="ann")
    await service.webhooks._move()
    await memory.erase(user_id="ann")
    await memory.remember("Plays go", user_id="bob")
    service.webhooks.start()
    told = await listener.until(1)
    assert [each["data"]["new_memory"] for each in told] == ["Plays go"]


async def test_what_happened_while_no_server_ran_is_told_by_the_next(memory, listener, tmp_path):
    database = str(tmp_path / "accounts.db")
    async with serving(memory, database=database) as client:
        await make(client, listener)
    await memory.remember("Plays chess", user_id="ann")
    from mnemic.server import create_app
    from mnemic.server.settings import ServerSettings

    app = create_app(memory, ServerSettings(database=database, webhooks_to_private=True))
    async with app.router.lifespan_context(app):
        assert [each["data"]["new_memory"] for each in await listener.until(1)] == ["Plays chess"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x", "http://localhost:9/x", "http://[::1]/x", "http://169.254.169.254/latest",
        "http://10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://0/", "http://2130706433/", "file:///etc/passwd",
        "http://user:pw@example.com/", "ftp://example.com/", "", "http://", "http://exa mple.com/", "http://a:99999/",
    ],
)  # fmt: skip
async def test_no_webhook_goes_to_a_private_address(memory, url):
    async with serving(memory, webhooks_to_private=False) as client:
        answer = await client.post("/v1/webhooks", json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidInput")


async def test_a_name_that_turns_private_later_is_not_followed(client, memory, listener):
    service = client.app.state.service
    hook = await service.webhooks.create(await service.accounts.default_project(), name="x", url=listener.url)
    wary = Webhooks(service.database, memory)
    with pytest.raises(InvalidInput):
        await wary._address(hook.url)


async def test_a_project_neither_sees_nor_touches_the_webhooks_of_another(client, memory, listener):
    hook = await make(client, listener)
    service = client.app.state.service
    for call in (service.webhooks.get, service.webhooks.delete, service.webhooks.deliveries, service.webhooks.replay):
        with pytest.raises(LookupError):
            await call("another", hook["id"])
    assert await service.webhooks.of("another") == []
    await memory.within("another").remember("Not for them", user_id="ann")
    await memory.remember("For them", user_id="ann")
    assert [each["data"]["new_memory"] for each in await listener.until(1)] == ["For them"]


async def test_no_list_shows_the_secret_and_a_deleted_webhook_is_told_nothing(client, memory, listener):
    hook = await make(client, listener)
    assert hook["secret"] not in (await client.get("/v1/webhooks")).text
    changed = await client.patch(f"/v1/webhooks/{hook['id']}", json={"is_active": False})
    assert changed.json()["is_active"] is False
    await memory.remember("Not told", user_id="ann")
    assert await memory.untold() == []
    await client.patch(f"/v1/webhooks/{hook['id']}", json={"is_active": True})
    await memory.remember("Told", user_id="ann")
    assert [each["data"]["new_memory"] for each in await listener.until(1)] == ["Told"]
    assert (await client.delete(f"/v1/webhooks/{hook['id']}")).status_code == 200
    assert (await client.get("/v1/webhooks")).json() == {"results": []}
