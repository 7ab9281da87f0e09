"""Telling others what happens to memories: signed, tried again, never to private addresses, and nothing missed.

A change leaves a line in the store's outbox, in its own transaction. From there it becomes one delivery a webhook, and
is sent until it is taken, or for three days. What is sent is signed as standard-webhooks says: receivers verify it
with that library in their language.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import ipaddress
import json
import secrets
import ssl
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
import structlog
from sqlalchemy import RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks import Webhook as Signer

from mnemic import AsyncMemory
from mnemic.errors import InvalidInput, MnemicError, NotFound, describe
from mnemic.server.accounts import checked_name
from mnemic.server.database import Database, insert_new, moment
from mnemic.server.tables import deliveries, projects, webhooks

_log = structlog.get_logger("mnemic.webhooks")

EventType = Literal["memory.added", "memory.updated", "memory.deleted"]
EVENT_TYPES: tuple[EventType, ...] = ("memory.added", "memory.updated", "memory.deleted")
_TYPE_OF: dict[str, EventType] = {"ADD": "memory.added", "UPDATE": "memory.updated", "DELETE": "memory.deleted"}

Form = Literal["mnemic", "mem0"]

# The schedule that standard-webhooks recommends, from the first failure on: some three days in all.
RETRIES = (5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
_PATIENCE = 15.0  # seconds for an answer, as the same recommendation says
_LEASE = timedelta(seconds=60)  # longer than an attempt takes
_AT_ONCE = 50
_PAUSE = 0.5  # seconds between two looks for what is to be sent
_KEPT = timedelta(days=30)  # how long ended deliveries can be looked at
_MOST_WEBHOOKS = 50  # of a project: each change is sent to all of them


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address that is told what happens in a project."""

    id: str
    project_id: str
    name: str
    url: str
    event_types: tuple[EventType, ...]
    form: Form
    secret: str
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One change for one webhook."""

    id: str
    webhook_id: str
    event_id: str
    memory_id: str
    event_type: EventType
    state: Literal["pending", "delivered", "dead", "erased"]
    attempts: int
    created_at: datetime
    due_at: datetime | None
    ended_at: datetime | None
    last_status: int | None
    last_error: str | None


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The authorities that receivers are known by, read once: that takes 30 ms."""
    return httpx2.create_ssl_context()


class Webhooks:
    """Webhooks of every project, and the task that sends what they are to be told.

    Args:
        database: of the server.
        memory: any memory of the store.
        to_private: whether they may go to loopback and private addresses.
        retries: seconds to wait after each failure; behind the last one a delivery is dead.
    """

    def __init__(
        self, database: Database, memory: AsyncMemory, *, to_private: bool = False, retries: Sequence[float] = RETRIES
    ) -> None:
        self._database = database
        self._memory = memory
        self._to_private = to_private
        self._retries = tuple(retries)
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    # Webhooks.

    async def create(
        self,
        project_id: str,
        *,
        name: str,
        url: str,
        event_types: Iterable[str] = EVENT_TYPES,
        form: Form = "mnemic",
        webhook_id: str | None = None,
    ) -> Webhook:
        """A webhook of a project, with a secret of its own.

        One of the id `webhook_id` is put in the place of one whose secret nobody got.

        Raises:
            InvalidInput: an address that webhooks may not go to, or event types that there are not.
        """
        at = moment()
        row = {
            "id": webhook_id or str(uuid.uuid4()), "project_id": project_id, "name": checked_name(name, "name"),
            "url": await self._checked(url), "event_types": _types(event_types), "form": form,
            "secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(), "is_active": True,
            "created_at": at, "updated_at": at,
        }  # fmt: skip
        async with self._database.transaction() as db:
            if webhook_id is not None:
                mine = (webhooks.c.project_id == project_id) & (webhooks.c.id == webhook_id)
                await db.execute(delete(webhooks).where(mine))
            count = select(func.count()).where(webhooks.c.project_id == project_id)
            if (await db.execute(count)).scalar_one() >= _MOST_WEBHOOKS:
                raise InvalidInput(f"a project has at most {_MOST_WEBHOOKS} webhooks; delete one first")
            await db.execute(insert(webhooks).values(**row))
        await self._listen(project_id)
        return _webhook(row)

    async def of(self, project_id: str) -> list[Webhook]:
        """Those of a project, the oldest first."""
        query = (
            select(webhooks).where(webhooks.c.project_id == project_id).order_by(webhooks.c.created_at, webhooks.c.id)
        )
        async with self._database.transaction() as db:
            return [_webhook(row) for row in (await db.execute(query)).mappings()]

    async def update(
        self,
        project_id: str,
        webhook_id: str,
        *,
        name: str | None = None,
        url: str | None = None,
        event_types: Iterable[str] | None = None,
        is_active: bool | None = None,
    ) -> Webhook:
        """Change what is given. Raises NotFound, and InvalidInput as `create`."""
        changed: dict[str, Any] = {"updated_at": moment()}
        if name is not None:
            changed["name"] = checked_name(name, "name")
        if url is not None:
            changed["url"] = await self._checked(url)
        if event_types is not None:
            changed["event_types"] = _types(event_types)
        if is_active is not None:
            changed["is_active"] = is_active
        async with self._database.transaction() as db:
            await _row(db, project_id, webhook_id)
            await db.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(**changed))
            found = _webhook(await _row(db, project_id, webhook_id))
        await self._listen(project_id)
        return found

    async def delete(self, project_id: str, webhook_id: str) -> Webhook:
        """End it, with what it was still to be told. Raises NotFound."""
        async with self._database.transaction() as db:
            found = _webhook(await _row(db, project_id, webhook_id))
            await db.execute(delete(deliveries).where(deliveries.c.webhook_id == webhook_id))
            await db.execute(delete(webhooks).where(webhooks.c.id == webhook_id))
        await self._listen(project_id)
        return found

    async def deliveries(
        self, project_id: str, webhook_id: str, *, state: str | None = None, limit: int = 100
    ) -> list[Delivery]:
        """What it was told or is to be told, the newest first. Raises NotFound."""
        query = select(deliveries).where(deliveries.c.webhook_id == webhook_id)
        if state is not None:
            query = query.where(deliveries.c.state == state)
        async with self._database.transaction() as db:
            await _row(db, project_id, webhook_id)
            rows = await db.execute(query.order_by(deliveries.c.created_at.desc(), deliveries.c.id).limit(limit))
            return [_delivery(row) for row in rows.mappings()]

    async def replay(self, project_id: str, webhook_id: str, delivery_id: str | None = None) -> int:
        """Send a delivery once more, or all dead ones; how many. Raises NotFound."""
        which = deliveries.c.webhook_id == webhook_id
        which &= deliveries.c.state == "dead" if delivery_id is None else deliveries.c.id == delivery_id
        again = update(deliveries).where(which).values(state="pending", attempts=0, due_at=moment(), ended_at=None)
        async with self._database.transaction() as db:
            await _row(db, project_id, webhook_id)
            count = (await db.execute(again)).rowcount
        if delivery_id is not None and not count:
            raise NotFound(delivery_id, what="delivery of this webhook has the id", where="its deliveries name them")
        return count

    # Sending.

    def start(self) -> None:
        """Send what is to be sent from now on, in a task of this loop."""
        self._stopping.clear()
        self._task = asyncio.get_running_loop().create_task(self._send_all(), name="mnemic-webhooks")

    async def stop(self) -> None:
        """Leave what is not sent to the next start, which waits at most for what is being sent now."""
        self._stopping.set()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _send_all(self) -> None:
        heard = False
        async with httpx2.AsyncClient(timeout=_PATIENCE, follow_redirects=False, verify=_trusted()) as client:
            while not self._stopping.is_set():
                moved = sent = 0
                try:
                    if not heard:
                        await self._listen_for_all()
                        heard = True
                    moved, sent = await self._move(), await self._send_due(client)
                except MnemicError as exc:
                    _log.warning("webhooks_wait", error=str(exc))
                except Exception:  # noqa: BLE001 - a defect of ours; without this task nobody is told anything
                    _log.exception("webhooks_failed")
                if not moved and not sent:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._stopping.wait(), _PAUSE)

    async def _move(self) -> int:
        """From the store's outbox to deliveries. Stopped in between, it finds both again, and adds nothing twice."""
        items = await self._memory.untold(_AT_ONCE)
        if not items:
            return 0
        async with self._database.transaction() as db:
            query = select(webhooks, projects.c.store_project).join(projects).where(webhooks.c.is_active)
            hooks = (await db.execute(query)).mappings().all()
            at = moment()
            rows = [
                {
                    "id": str(uuid.uuid4()), "webhook_id": hook["id"], "event_id": item["id"],
                    "memory_id": item["memory_id"], "event_type": _TYPE_OF[item["event"]], "state": "pending",
                    "attempts": 0, "created_at": at, "due_at": at, "ended_at": None,
                    "last_status": None, "last_error": None,
                }
                for item in items
                for hook in hooks
                if hook["store_project"] == item["project"] and _TYPE_OF[item["event"]] in hook["event_types"]
            ]  # fmt: skip
            if rows:
                await db.execute(insert_new(db, deliveries).values(rows))
            await db.execute(delete(deliveries).where(deliveries.c.ended_at < at - _KEPT))
        await self._memory.told(items)
        return len(items)

    async def _send_due(self, client: httpx2.AsyncClient) -> int:
        """What is due, but of one memory only what comes next: behind one that is not taken the others wait."""
        now = moment()
        before = deliveries.alias("before")
        waits = select(before.c.id).where(
            before.c.memory_id == deliveries.c.memory_id, before.c.webhook_id == deliveries.c.webhook_id,
            before.c.event_id < deliveries.c.event_id, before.c.state == "pending",
        )  # fmt: skip
        due = select(deliveries.c.id).join(webhooks).where(webhooks.c.is_active, ~waits.exists())
        due = due.where(deliveries.c.state == "pending", deliveries.c.due_at <= now).order_by(deliveries.c.due_at)
        due = due.limit(_AT_ONCE).with_for_update(skip_locked=True, of=deliveries)
        async with self._database.transaction() as db:
            ids = list((await db.execute(due)).scalars())
            if not ids:
                return 0
            leased = update(deliveries).where(deliveries.c.id.in_(ids))
            await db.execute(leased.values(due_at=now + _LEASE, attempts=deliveries.c.attempts + 1))
            query = select(deliveries).where(deliveries.c.id.in_(ids))
            found = [_delivery(row) for row in (await db.execute(query)).mappings()]
            named = webhooks.c.id.in_({each.webhook_id for each in found})
            rows = select(webhooks, projects.c.store_project).join(projects).where(named)
            hooks = {row["id"]: row for row in (await db.execute(rows)).mappings()}
        # Of a webhook that was deleted since the look before, the deliveries are gone, too.
        work = (self._send(client, each, hooks[each.webhook_id]) for each in found if each.webhook_id in hooks)
        for failed in await asyncio.gather(*work, return_exceptions=True):
            if failed is not None:  # when all have come to an end
                raise failed
        return len(found)

    async def _send(self, client: httpx2.AsyncClient, one: Delivery, hook: RowMapping) -> None:
        """Send one, and note what became of it."""
        memory = self._memory.within(hook["store_project"])
        try:
            line = next((each for each in await memory.history(one.memory_id) if each["id"] == one.event_id), None)
        except NotFound:
            line = None
        if line is None:
            await self._ended(one, state="erased", due_at=None, ended_at=moment())
            return
        try:
            async with asyncio.timeout(_PATIENCE):
                status, error = await self._post(client, one, hook, _body(one, hook, dict(line))), None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, InvalidInput) as exc:
            status, error = None, f"{type(exc).__name__}: {exc}"[:300]
        if status is not None and 200 <= status < 300:
            await self._ended(
                one, state="delivered", due_at=None, ended_at=moment(), last_status=status, last_error=None
            )
        elif one.attempts > len(self._retries):
            await self._ended(one, state="dead", due_at=None, ended_at=moment(), last_status=status, last_error=error)
            _log.warning("webhook_given_up", webhook=one.webhook_id, delivery=one.id, status=status, error=error)
        else:
            # Some of them sooner and some later, so that a receiver that comes back is not met by all at once.
            pause = self._retries[one.attempts - 1] * (0.9 + secrets.randbelow(200) / 1000)
            later = moment() + timedelta(seconds=pause)
            await self._ended(one, due_at=later, last_status=status, last_error=error)
            await self._put_off(one, later)

    async def _post(self, client: httpx2.AsyncClient, one: Delivery, hook: RowMapping, body: str) -> int:
        """Send it; the status of the answer."""
        at = datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "mnemic-webhooks",
            "webhook-id": one.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Signer(hook["secret"]).sign(one.id, at, body),
        }
        url = httpx2.URL(hook["url"])
        # To the very address that was looked at: a name may mean another one the next moment.
        request = client.build_request(
            "POST", url.copy_with(host=await self._address(hook["url"])), content=body.encode(),
            headers=headers | {"Host": url.netloc.decode()}, extensions={"sni_hostname": url.raw_host.decode()},
        )  # fmt: skip
        answer = await client.send(request, stream=True)
        await answer.aclose()
        return answer.status_code

    async def _ended(self, one: Delivery, **values: Any) -> None:
        async with self._database.transaction() as db:
            await db.execute(update(deliveries).where(deliveries.c.id == one.id).values(**values))

    async def _put_off(self, one: Delivery, later: datetime) -> None:
        """What waits behind it need not be looked at before."""
        same = (deliveries.c.memory_id == one.memory_id) & (deliveries.c.webhook_id == one.webhook_id)
        behind = same & (deliveries.c.event_id > one.event_id) & (deliveries.c.state == "pending")
        async with self._database.transaction() as db:
            await db.execute(update(deliveries).where(behind).values(due_at=later))

    # Addresses.

    async def _checked(self, url: str) -> str:
        await self._address(url)
        return url

    async def _address(self, url: str) -> str:
        """An address that a URL's host has and that webhooks may go to."""
        try:
            httpx2.URL(url)  # what it refuses cannot be sent to
            parts = urlsplit(url) if len(url) <= 2000 and url.isprintable() else urlsplit("")
        except (httpx2.InvalidURL, ValueError):
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or "\\" in url:
            raise InvalidInput(f"url must be http(s)://host/path, not {describe(url)}")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, port)
        except (OSError, ValueError, UnicodeError) as exc:
            raise InvalidInput(f"the host of {describe(url)} cannot be found: {exc}") from exc
        addresses = [str(each[4][0]).partition("%")[0] for each in found]
        if not self._to_private and not all(_is_public(each) for each in addresses):
            raise InvalidInput(
                f"{parts.hostname} is an address of this machine or network; webhooks go there only where the server's"
                " setting webhooks_to_private says so"
            )
        return addresses[0]

    async def _listen_for_all(self) -> None:
        """What a process that ended too soon, or accounts put back from a copy, left undone."""
        async with self._database.transaction() as db:
            query = select(webhooks.c.project_id).where(webhooks.c.is_active).distinct()
            found = list((await db.execute(query)).scalars())
        for each in found:
            await self._listen(each)

    async def _listen(self, project_id: str) -> None:
        """Have the store keep what happens in a project just while a webhook of it is active."""
        async with self._database.transaction() as db:
            # One at a time for a project: who looked first must not have the last word.
            query = select(projects.c.store_project).where(projects.c.id == project_id).with_for_update()
            name = (await db.execute(query)).scalar_one_or_none()
            if name is None:  # it was deleted meanwhile
                return
            active = select(webhooks.c.id).where(webhooks.c.project_id == project_id, webhooks.c.is_active).limit(1)
            wanted = (await db.execute(active)).first() is not None
            await self._memory.within(name).listen(wanted=wanted)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_global and not (mapped or found).is_multicast


def _types(given: Iterable[str]) -> list[EventType]:
    names = set(given)
    if not names or not names <= set(EVENT_TYPES):
        raise InvalidInput(f"event_types must be some of {', '.join(EVENT_TYPES)}, not {describe(sorted(names))}")
    return [each for each in EVENT_TYPES if each in names]


async def _row(db: AsyncConnection, project_id: str, webhook_id: str) -> RowMapping:
    query = select(webhooks).where(webhooks.c.project_id == project_id, webhooks.c.id == webhook_id)
    found = (await db.execute(query)).mappings().first()
    if found is None:
        raise NotFound(webhook_id, what="webhook of this project has the id", where="GET /v1/webhooks lists them")
    return found


def _body(one: Delivery, hook: RowMapping, line: dict[str, Any]) -> str:
    """What is sent: the line of the history as it is, or as mem0's platform would tell of it."""
    if hook["form"] == "mem0":
        words = line["old_memory"] if line["event"] == "DELETE" else line["new_memory"]
        told = {"event_details": {"id": one.memory_id, "data": {"memory": words}, "event": line["event"]}}
        return json.dumps(told, ensure_ascii=False)
    return json.dumps({"type": one.event_type, "timestamp": line["created_at"], "data": line}, ensure_ascii=False)


def _webhook(row: Any) -> Webhook:
    return Webhook(
        **{name: row[name] for name in Webhook.__dataclass_fields__} | {"event_types": tuple(row["event_types"])}
    )


def _delivery(row: RowMapping) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__})
