"""Others are told what happens to memories: over real HTTP, signed, again after failures, and never in private."""

import asyncio
import json
import threading
import uuid
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import asyncpg
import httpx2
import pytest
import structlog
from asgi import serving
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import WebhookVerificationError

from mnemic.errors import InvalidInput
from mnemic.server.database import SCHEMA, Database
from mnemic.server.webhooks import Webhooks
from waiting import eventually


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
        async def came():
            return len(self.came) >= count

        await eventually(came)
        return [json.loads(body) for _, _, body in self.came]


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

    async def noted():
        """Which is after the listener has answered."""
        deliveries = (await client.get(f"/v1/webhooks/{hook['id']}/deliveries")).json()["results"]
        return [] if any(each["state"] == "pending" for each in deliveries) else deliveries

    assert [(each["state"], each["attempts"]) for each in await eventually(noted)] == [("delivered", 1)] * 3


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

        async def given_up():
            (one,) = await quick.deliveries(hook["project_id"], hook["id"])
            return one if one.state == "dead" else None

        one = await eventually(given_up)
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
        "http://[x/", "http://１２７.0.0.1/",
    ],
)  # fmt: skip
async def test_no_webhook_goes_to_a_private_address(memory, url):
    async with serving(memory, webhooks_to_private=False) as client:
        answer = await client.post("/v1/webhooks", json={"url": url})
        assert (answer.status_code, answer.json()["code"]) == (400, "InvalidInput")


async def test_a_name_that_turns_private_later_is_not_followed(client, memory, listener):
    service = client.app.state.service
    hook = await service.webhooks.create(
        await service.accounts.project_of_store(memory.project), name="x", url=listener.url
    )
    wary = Webhooks(service.database, memory)
    with pytest.raises(InvalidInput):
        await wary._address(hook.url)


async def test_a_project_neither_sees_nor_touches_the_webhooks_of_another(client, memory, listener):
    hook = await make(client, listener)
    service = client.app.state.service
    for call in (
        service.webhooks.update,
        service.webhooks.delete,
        service.webhooks.deliveries,
        service.webhooks.replay,
    ):
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


@pytest.fixture(params=["sqlite", "postgres"])
def accounts_at(request, tmp_path):
    """Where the server's own tables lie, with an address that two processes may open."""
    return str(tmp_path / "accounts.db") if request.param == "sqlite" else request.getfixturevalue("new_database")()


@asynccontextmanager
async def two_senders(client, memory, address, **settings):
    """The webhooks of two processes, in place of those of the client's server."""
    await client.app.state.service.webhooks.stop()
    async with AsyncExitStack() as stack:
        senders = []
        for _ in range(2):
            database = Database(address)
            await database.open()
            stack.push_async_callback(database.close)
            senders.append(Webhooks(database, memory, to_private=True, **settings))
            stack.push_async_callback(senders[-1].stop)
            senders[-1].start()
        yield senders


async def test_two_processes_tell_everything_once_and_of_one_memory_in_order(memory, listener, accounts_at):
    async with serving(memory, database=accounts_at) as client, two_senders(client, memory, accounts_at):
        await make(client, listener)
        kept = [(await memory.remember(f"Note {number}", user_id="ann"))["results"][0]["id"] for number in range(5)]
        for number in range(5):
            for each in kept:
                await memory.update(each, f"Note {number}{number}")
        for each in kept:
            await memory.delete(each)
        told = await listener.until(35)
        assert await memory.untold() == []
        lines = [each["data"]["id"] for each in told]
        assert len(lines) == len(set(lines)) == 35
        for each in kept:
            mine = [one["data"]["id"] for one in told if one["data"]["memory_id"] == each]
            assert mine == sorted(mine)


async def test_what_comes_behind_something_that_is_not_taken_waits_for_it(memory, listener, accounts_at):
    retries = {"retries": (0.2, 0.2, 0.2)}
    async with serving(memory, database=accounts_at) as client, two_senders(client, memory, accounts_at, **retries):
        await make(client, listener)
        listener.answers.extend([500, 500])
        kept = (await memory.remember("Plays chess", user_id="ann"))["results"][0]["id"]
        await listener.until(1)
        await memory.update(kept, "Plays go")
        told = await listener.until(4)
        assert [each["type"] for each in told] == ["memory.added"] * 3 + ["memory.updated"]


async def test_a_defect_does_not_end_the_telling(memory, listener, new_database):
    database = new_database()
    async with serving(memory, database=database) as client:
        await make(client, listener)
        connection = await asyncpg.connect(database, server_settings={"search_path": SCHEMA})
        try:
            with structlog.testing.capture_logs() as logged:
                await connection.execute("ALTER TABLE deliveries RENAME TO elsewhere")
                async with asyncio.timeout(30):
                    while not any(each["event"] == "webhooks_failed" for each in logged):  # noqa: ASYNC110
                        await asyncio.sleep(0.01)  # another task of this loop meets it
                await connection.execute("ALTER TABLE elsewhere RENAME TO deliveries")
        finally:
            await connection.close()
        await memory.remember("Plays chess", user_id="ann")
        assert [each["data"]["new_memory"] for each in await listener.until(1)] == ["Plays chess"]


async def test_who_answers_byte_by_byte_holds_nobody_up(client, memory, listener, monkeypatch):
    monkeypatch.setattr("mnemic.server.webhooks._PATIENCE", 0.3)

    async def drip(_, writer):
        with suppress(ConnectionError):
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.05)  # as slow as it takes to stay within every single wait

    slow = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = slow.sockets[0].getsockname()[1]
    hook = (await client.post("/v1/webhooks", json={"url": f"http://127.0.0.1:{port}/"})).json()
    await memory.remember("Plays chess", user_id="ann")
    async with asyncio.timeout(30):
        error = None
        while error is None:
            (one,) = (await client.get(f"/v1/webhooks/{hook['id']}/deliveries")).json()["results"] or [
                {"last_error": None}
            ]
            error = one["last_error"]
            await asyncio.sleep(0.02)  # another task of this loop gives up
    assert "Timeout" in error
    slow.close()


async def test_a_host_in_another_script_is_written_as_the_net_writes_it(client, memory, listener, monkeypatch):
    async def found(host, port, **_):
        return [(0, 0, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)  # no name server is asked
    await make(client, listener, url=listener.url.replace("127.0.0.1", "bücher.example"))
    await memory.remember("Plays chess", user_id="ann")
    await listener.until(1)
    assert listener.came[0][1]["Host"] == f"xn--bcher-kva.example:{listener.server.server_port}"


async def test_a_webhook_that_is_paused_is_told_nothing_until_it_is_active_again(client, memory, listener):
    service = client.app.state.service
    await service.webhooks.stop()
    hook = await make(client, listener)
    await memory.remember("Plays chess", user_id="ann")
    await service.webhooks._move()
    await client.patch(f"/v1/webhooks/{hook['id']}", json={"is_active": False})
    async with httpx2.AsyncClient() as sender:
        assert await service.webhooks._send_due(sender) == 0
        await client.patch(f"/v1/webhooks/{hook['id']}", json={"is_active": True})
        assert await service.webhooks._send_due(sender) == 1
    assert len(listener.came) == 1


async def test_a_store_that_was_not_told_of_a_webhook_is_told_with_the_next_start(client, memory, listener):
    service = client.app.state.service
    await make(client, listener)
    await memory.listen(wanted=False)  # as a process leaves it that is killed before it says so
    await service.webhooks.stop()
    service.webhooks.start()
    async with asyncio.timeout(30):
        while not listener.came:
            await memory.remember(f"Note {uuid.uuid4()}", user_id="ann")


async def test_a_repeated_request_makes_one_webhook(client, listener):
    headers = {"Idempotency-Key": "k1"}
    made = [await client.post("/v1/webhooks", json={"url": listener.url}, headers=headers) for _ in range(2)]
    assert made[1].json() == made[0].json() | {"secret": ""}
    assert len((await client.get("/v1/webhooks")).json()["results"]) == 1


async def test_what_is_no_id_and_no_state_is_refused(client):
    assert (await client.get("/v1/webhooks/a%00b/deliveries")).status_code == 400
    assert (await client.get("/v1/webhooks/a.b/deliveries")).status_code == 422
    assert (await client.get("/v1/webhooks/x/deliveries?state=new")).status_code == 422
    answer = await client.post("/v1/webhooks/x/replay", params={"delivery_id": "a\0b"})
    assert answer.status_code == 400
