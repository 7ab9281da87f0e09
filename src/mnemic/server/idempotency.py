"""A request that comes again with the same `Idempotency-Key` has one effect, and the answer of the first time.

A row marks the request before it is worked on and holds its answer afterwards. What a crash may leave between the
two is an effect without an answer. It is found again when the request is repeated: messages bear an id made from the
key, which the store takes once, and the other changes are looked up by what they left behind.

Answers are kept for a day and without the words of memories. Those are read from the store where the answer is given
again, so that what was erased meanwhile is gone from it.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic_core import from_json
from sqlalchemy import delete as remove
from sqlalchemy import insert, select
from sqlalchemy import update as change
from sqlalchemy.exc import IntegrityError
from starlette.requests import ClientDisconnect

from mnemic import AsyncMemory
from mnemic.errors import Conflict, MnemicError, NotFound
from mnemic.server.callers import Caller, token_in
from mnemic.server.database import Database, moment
from mnemic.server.problems import Refused, status_of
from mnemic.server.service import Call, Service, answer
from mnemic.server.tables import requests
from mnemic.types import AddResult, EventResult

HEADER = "idempotency-key"
REPLAYED = {"Idempotency-Replayed": "true"}

_KEPT = timedelta(hours=24)

HELD = timedelta(seconds=10)
"""How long a request counts as being worked on after its process last said so: what a repetition waits for after a
crash. A process says so three times as often."""

LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Once:
    """A request with a key that is being worked on."""

    id: str
    resumed: bool
    """It was begun before, and may have had its effect."""
    began_at: datetime
    """For the first time, with a zone."""
    before: dict[str, Any] | None
    """What the first try noted."""
    marks: Marks


@dataclass(frozen=True, kw_only=True)
class Done:
    """A request that was answered."""

    status: int
    answer: Any


class Marks:
    """The table `requests`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, mark: str, project_id: str, fingerprint: str) -> Once | Done:
        """Take up a request, or find it answered.

        Raises:
            Refused: 422, the key was used for another request; 409, that request is still being worked on.
        """
        now = moment()
        try:
            async with self._database.transaction() as db:
                await db.execute(remove(requests).where(requests.c.began_at < now - _KEPT))
                row = (await db.execute(select(requests).where(requests.c.id == mark))).mappings().first()
                if row is None:
                    new = {"id": mark, "fingerprint": fingerprint, "began_at": now, "held_until": now + HELD}
                    await db.execute(insert(requests).values(project_id=project_id, **new))
                    return self._once(new, resumed=False)
                if row["fingerprint"] != fingerprint:
                    raise Refused(
                        422,
                        "this Idempotency-Key was used for another request; a new request needs a new one",
                        code="IdempotencyKeyReused",
                    )
                if row["status"] is not None:
                    return Done(status=row["status"], answer=row["answer"])
                if row["held_until"] > now:
                    raise _still_running(row["held_until"] - now)
                mine = (requests.c.id == mark) & (requests.c.held_until == row["held_until"])
                taken = await db.execute(change(requests).where(mine).values(held_until=now + HELD))
                if not taken.rowcount:
                    raise _still_running(HELD)
                return self._once(row, resumed=True)
        except IntegrityError:  # the same request came twice at once
            raise _still_running(timedelta(seconds=1)) from None

    def _once(self, row: Any, *, resumed: bool) -> Once:
        return Once(
            id=row["id"],
            resumed=resumed,
            began_at=row["began_at"].replace(tzinfo=UTC),
            before=row.get("before"),
            marks=self,
        )

    async def hold(self, mark: str) -> None:
        """Say that it is being worked on."""
        await self._set(mark, held_until=moment() + HELD)

    async def let_go(self, mark: str) -> None:
        """Say that nobody works on it, though it may have had its effect."""
        await self._set(mark, held_until=moment())

    async def note(self, mark: str, before: dict[str, Any]) -> None:
        """Note what it is begun on."""
        await self._set(mark, before=before)

    async def finish(self, mark: str, status: int, kept: Any) -> None:
        """Keep its answer."""
        await self._set(mark, status=status, answer=kept)

    async def drop(self, mark: str) -> None:
        """Forget it: it changed nothing."""
        async with self._database.transaction() as db:
            await db.execute(remove(requests).where(requests.c.id == mark))

    async def _set(self, mark: str, **values: Any) -> None:
        async with self._database.transaction() as db:
            await db.execute(change(requests).where(requests.c.id == mark).values(**values))


def _still_running(left: timedelta) -> Refused:
    seconds = max(1, math.ceil(left.total_seconds()))
    return Refused(
        409,
        f"the request with this Idempotency-Key is still being worked on; repeat it in {seconds} s",
        code="StillRunning",
        headers={"Retry-After": str(seconds)},
    )


# One request.


async def once(request: Request, operation: str, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer a request that has a key: by `handle`, or as it was answered before.

    Raises:
        Refused: as `Marks.begin`; 400, the key is none.
    """
    service: Service = request.app.state.service
    token = token_in(request.headers.get("authorization"), request.headers.get("x-api-key"))
    caller = None if token is None else await service.accounts.authenticate(token)
    if caller is None:
        return await handle(request)  # which refuses it
    key = request.headers[HEADER]
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused(400, f"Idempotency-Key must have 1 to {LONGEST_KEY} characters")
    marks = Marks(service.database)
    mark = _hash(caller.key_id, key)
    try:
        began = await marks.begin(mark, caller.project_id, await _fingerprint(request))
    except Refused:
        await _count(request, service, caller)
        raise
    if isinstance(began, Done):
        await _count(request, service, caller)
        told = await _restored(operation, began.answer, await service.memory_of(caller), request)
        response: Response = answer(told, began.status)
        response.headers.update(REPLAYED)
        return response
    request.state.once = began
    holding = asyncio.get_running_loop().create_task(_hold(marks, mark))
    try:
        response = await handle(request)
    except (HTTPException, RequestValidationError, Refused, MnemicError) as exc:
        await (marks.drop(mark) if _changed_nothing(exc) else marks.let_go(mark))
        raise
    finally:
        holding.cancel()
    await marks.finish(mark, response.status_code, _kept(operation, from_json(bytes(response.body))))
    return response


def _changed_nothing(exc: Exception) -> bool:
    """Whether what was refused was refused before anything was done."""
    if isinstance(exc, MnemicError):
        return status_of(exc) < 500
    status = getattr(exc, "status", getattr(exc, "status_code", 422))
    return int(status) < 500


async def _fingerprint(request: Request) -> str:
    try:
        body = await request.body()
    except ClientDisconnect as exc:
        raise Refused(400, "the body was cut off, or is too large") from exc
    return _hash(request.method, request.url.path, request.url.query, request.headers.get("mnemic-scope", ""), body)


def _hash(*parts: str | bytes) -> str:
    """Of the parts, told apart by their lengths."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


async def _count(request: Request, service: Service, caller: Caller) -> None:
    """What is not worked on anew counts as a request as well."""
    request.state.caller = caller
    request.state.headers = await service.limits.count(caller)


async def _hold(marks: Marks, mark: str) -> None:
    while True:
        await asyncio.sleep(HELD.total_seconds() / 3)
        with suppress(MnemicError):  # then a repetition is told so a little early, and the effect is still one
            await marks.hold(mark)


# Answers without words.

_ADDED = frozenset(("memory", "old_memory", "quote", "reason"))
_WORDS: dict[str, frozenset[str]] = {
    "add": _ADDED,
    "remember": _ADDED,
    "process_pending": _ADDED,
    "update": frozenset(("memory", "old_memory")),
    "feedback": frozenset(("reason",)),
    "consolidate": frozenset(("texts", "proposed", "reason")),
    "import_memories": frozenset(("reason",)),
    "merge_entities": frozenset(("name",)),
    "split_entity": frozenset(("name",)),
    "make_key": frozenset(("key",)),
    "make_project_key": frozenset(("key",)),
    "make_webhook": frozenset(("secret",)),
}
"""What of an answer is not kept: words of memories, and secrets."""


def _kept(operation: str, told: Any) -> Any:
    words = _WORDS.get(operation)
    return told if words is None else _without(told, words)


def _without(value: Any, names: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: ([] if isinstance(each, list) else None if each is None else "") if name in names
            else _without(each, names)
            for name, each in value.items()
        }  # fmt: skip
    return [_without(each, names) for each in value] if isinstance(value, list) else value


async def _restored(operation: str, kept: Any, memory: AsyncMemory, request: Request) -> Any:
    """The answer, with the words that the store has for it now."""
    match operation:
        case "add" | "remember":
            found = await _event(memory, kept["receipt"]["change_id"])
            if found is not None:
                _fill(kept["results"], kept["receipt"]["messages"], found)
        case "update":
            found = await _event(memory, kept["change_id"])
            if found is not None:
                _fill([kept], [], found)
        case "process_pending":
            for item in kept["results"]:
                with suppress(NotFound):
                    item["memory"] = (await memory.get(item["id"]))["memory"]
        case "feedback":
            kept["reason"] = None if kept["reason"] is None else from_json(await request.body())["reason"]
        case "split_entity":
            kept["name"] = from_json(await request.body())["name"].strip()
        case "merge_entities":
            given = from_json(await request.body())
            ids = {name: value for name, value in given.items() if name.endswith("_id")}
            with suppress(NotFound):
                kept["name"] = (await memory.related(kept["id"], **ids))["entity"]["name"]
        case _:
            pass
    return kept


def _fill(results: list[dict[str, Any]], messages: list[dict[str, Any]], found: EventResult) -> None:
    items = {(each["id"], each["event"]): each for each in found["results"]}
    states = {each["episode_id"]: each for each in found["messages"]}
    for item in results:
        told = cast("dict[str, Any]", items.get((item["id"], item["event"]), {}))
        item.update({name: told[name] for name in _ADDED if name in told and name in item})
    for message in messages:
        told_of = states.get(message["episode_id"])
        if message["reason"] is not None:
            message["reason"] = None if told_of is None else told_of["reason"]


async def _event(memory: AsyncMemory, change_id: str) -> EventResult | None:
    try:
        return await memory.event(change_id)
    except NotFound:  # nothing of it was new, or it was erased
        return None


# What is repeated after a crash finds what it did.


def _once(call: Call) -> Once | None:
    found: Once | None = getattr(call.request.state, "once", None)
    return found


async def add(call: Call, given: dict[str, Any]) -> AddResult:
    """`AsyncMemory.add`; messages of a request with a key have ids made from it, by which they are taken once."""
    mark = _once(call)
    if mark is None:
        return await call.memory.add(**given)
    messages = [{"content": each} if isinstance(each, str) else dict(each) for each in given["messages"]]
    for place, message in enumerate(messages):
        if message.get("external_id") is None:
            message["external_id"] = f"once:{mark.id}:{place}"
    result = await call.memory.add(**{**given, "messages": messages})
    return await _as_first(call, mark, result)


async def remember(call: Call, given: dict[str, Any]) -> AddResult:
    """`AsyncMemory.remember`, in the same way."""
    mark = _once(call)
    if mark is None:
        return await call.memory.remember(**given)
    if given.get("external_id") is None:
        given = {**given, "external_id": f"once:{mark.id}:0"}
    return await _as_first(call, mark, await call.memory.remember(**given))


async def _as_first(call: Call, mark: Once, result: AddResult) -> AddResult:
    """What the first try, which stored the messages, would have answered."""
    messages = result["receipt"]["messages"]
    if not mark.resumed or any(each["state"] != "duplicate" for each in messages):
        return result
    change_id = await _brought(call.memory, {each["episode_id"] for each in messages}, call.request.state.ids)
    found = None if change_id is None else await _event(call.memory, change_id)
    if found is None:
        return result
    results = [{name: value for name, value in each.items() if name != "created_at"} for each in found["results"]]
    receipt = {
        **result["receipt"],
        "change_id": found["id"],
        "messages": found["messages"],
    }
    return cast("AddResult", {"results": results, "receipt": receipt})


async def _brought(memory: AsyncMemory, episodes: set[str], ids: dict[str, Any]) -> str | None:
    """The change that brought a message; it is among the last ones."""
    cursor = None
    for _ in range(20):
        page = await memory.messages(**ids, limit=500, cursor=cursor, state=_EVERY_STATE)
        for each in page["results"]:
            if each["id"] in episodes:
                return each["change_id"]
        cursor = page["next_cursor"]
        if cursor is None:
            return None
    return None


_EVERY_STATE = ("pending", "done", "empty", "refused", "failed", "hidden")


async def update(call: Call, memory_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """`AsyncMemory.update`; where the first try had made the new version, that one is told of."""
    mark = _once(call)
    if mark is not None and mark.resumed:
        last = await _last(call.memory, memory_id, mark, "UPDATE")
        now = await call.memory.get(memory_id, unmasked=True)
        words = given.get("data") or given.get("text")
        if last is not None and (words is None or words == now["memory"]):
            return {
                "message": "Memory updated successfully!",
                "id": now["id"],
                "memory": last["new_memory"],
                "old_memory": last["old_memory"],
                "event": "UPDATE",
                "version": last["version"],
                "change_id": last["change_id"],
            }
    return await call.memory.update(memory_id, **given)


async def delete(call: Call, memory_id: str) -> dict[str, Any]:
    """`AsyncMemory.delete`; what the first try deleted is no longer there, and that is right."""
    try:
        return await call.memory.delete(memory_id)
    except NotFound:
        last = await _last(call.memory, memory_id, _once(call), "DELETE")
        if last is None:
            raise
        return {
            "message": "Memory deleted successfully!",
            "id": last["memory_id"],
            "event": "DELETE",
            "change_id": last["change_id"],
        }


async def forget(call: Call, memory_id: str) -> dict[str, Any]:
    """`AsyncMemory.forget`, in the same way."""
    try:
        return await call.memory.forget(memory_id)
    except NotFound:
        last = await _last(call.memory, memory_id, _once(call), "DELETE")
        found = None if last is None else await _event(call.memory, last["change_id"])
        if found is None:
            raise
        return {
            "message": "Memory forgotten. It will not be learnt again.",
            "id": memory_id,
            "forgotten": [each["id"] for each in found["results"] if each["event"] == "DELETE"],
            "change_id": found["id"],
        }


async def _last(memory: AsyncMemory, memory_id: str, mark: Once | None, kind: str) -> dict[str, Any] | None:
    """The last line of a memory's history, where a first try may have written it."""
    if mark is None or not mark.resumed:
        return None
    lines = await memory.history(memory_id)
    if not lines or lines[-1]["event"] != kind or datetime.fromisoformat(lines[-1]["created_at"]) < mark.began_at:
        return None
    return cast("dict[str, Any]", lines[-1])


async def undo(call: Call, change_id: str) -> dict[str, Any]:
    """`AsyncMemory.undo`; a change that the first try took back is not there to be taken back again."""
    mark = _once(call)
    try:
        return await call.memory.undo(change_id)
    except Conflict:
        if mark is None or not mark.resumed:
            raise
        found = await call.memory.event(change_id)
        undone = None if found["undone_by"] is None else await call.memory.event(found["undone_by"])
        if undone is None or datetime.fromisoformat(undone["created_at"]) < mark.began_at:
            raise
        return {
            "message": "Change undone successfully!",
            "undone": found["id"],
            "kind": found["kind"],
            "memories": sorted({each["id"] for each in found["results"]}),
            "change_id": undone["id"],
        }


async def feedback(call: Call, memory_id: str, given: dict[str, Any]) -> dict[str, Any]:
    """`AsyncMemory.feedback`; it counts once, as the rating before the first try was noted."""
    mark = _once(call)
    if mark is not None:
        rating = (await call.memory.get(memory_id)).get("rating", 0)
        if mark.before is None:
            await mark.marks.note(mark.id, {"rating": rating})
        elif mark.before["rating"] != rating:
            return {"id": memory_id, "feedback": given["feedback"], "reason": given.get("reason"), "rating": rating}
    return await call.memory.feedback(memory_id, **given)


def id_of(call: Call) -> str | None:
    """An id for what a request with a key makes, the same each time it comes; None without a key."""
    mark = _once(call)
    return None if mark is None else str(uuid.uuid5(uuid.NAMESPACE_OID, mark.id))
