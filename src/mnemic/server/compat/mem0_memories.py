"""Memories on mem0's wire, in its third version: added, found, listed, read, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic.errors import NotFound
from mnemic.server.compat import mem0_answers as answers
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_filters import ids_to_go, whose, written
from mnemic.server.compat.mem0_pages import Pages
from mnemic.server.compat.mem0_people import everybody
from mnemic.server.compat.mem0_wire import Ask, Asks, Writes
from mnemic.server.problems import Refused
from mnemic.server.service import answer
from mnemic.types import SCOPE_IDS, AddResult

router = APIRouter()

_MOST_LINKS = 1000  # memories that one took the place of, one after the other


@router.get("/v1/ping/")
async def ping(ask: Asks) -> JSONResponse:
    """Who the key is. The address is made up, since clients hand it on to their maker's statistics."""
    caller = ask.call.caller
    return answer(
        {
            "status": "ok",
            "org_id": caller.organization_id,
            "project_id": caller.project_id,
            "user_email": f"key-{caller.key_id}@mnemic.invalid",
        }
    )


@router.post("/v3/memories/add/")
async def add(ask: Writes) -> JSONResponse:
    """Answered when the messages are logged; `infer: false` keeps each as it is, at once."""
    result, asked = await added(ask)
    return answer(answers.kept(result) if asked.get("infer") is False else answers.pending(result))


@router.post("/v3/memories/search/")
async def search(ask: Asks) -> JSONResponse:
    """Best first."""
    requests.refuse_ids_beside_filters(ask.body)
    return answer({"results": await found(ask, ask.body)})


@router.post("/v3/memories/")
async def list_memories(ask: Asks) -> JSONResponse:
    """A page, the last said first."""
    requests.refuse_ids_beside_filters(ask.body)
    return answer(await listed(ask, ask.body))


@router.get("/v1/memories/{memory_id}/")
async def get(ask: Asks, memory_id: str) -> JSONResponse:
    """One memory, or one message; expired ones, too."""
    ask.call.about(memory_id=memory_id)
    return answer(answers.one(await ask.memory.get(checked(memory_id))))


@router.put("/v1/memories/{memory_id}/")
async def update(ask: Writes, memory_id: str) -> JSONResponse:
    """A new version with the same id."""
    ask.call.about(memory_id=memory_id)
    known = checked(memory_id)
    await ask.memory.update(known, **requests.updating(ask.body))
    return answer(answers.one(await ask.memory.get(known)))


@router.delete("/v1/memories/{memory_id}/")
async def delete(ask: Writes, memory_id: str) -> JSONResponse:
    """One memory, and with `delete_linked` those it took the place of: these first, so that a repetition finds them."""
    ask.call.about(memory_id=memory_id)
    known = checked(memory_id)
    linked = 0
    if ask.query.get("delete_linked", "").lower() in ("true", "1"):
        await ask.memory.get(known)
        linked, _ = await _delete_each(ask, await _former(ask, known))
    done = await ask.memory.delete(known)
    shown: dict[str, Any] = {"message": "Memory deleted successfully!", "event_id": done["change_id"]}
    return answer(shown | {"cascade_count": linked} if "delete_linked" in ask.query else shown)


@router.delete("/v1/memories/")
async def delete_all(ask: Writes) -> JSONResponse:
    """All memories of who is named, or those of them that a filter or metadata narrow it to."""
    query = ask.query
    ids = ids_to_go(query, ask.body, beside=("filters", "metadata"))
    parts = [written(query["filters"], "filters")] if "filters" in query else []
    if "metadata" in query:
        parts.append({"metadata": written(query["metadata"], "metadata")})
    if all(ids.get(name) == "*" for name in SCOPE_IDS) and not parts:
        return answer(await _delete_project(ask))
    ids, narrowed = whose(ids, {"AND": parts} if parts else None)
    ask.call.about(**ids)
    if narrowed is not None:
        return answer(await _delete_matching(ask, ids, narrowed))
    done = await ask.memory.delete_all(**ids)
    return answer(
        {"message": "Memories deleted successfully!", "event_id": done["change_id"], "deleted": done["deleted"]}
    )


@router.get("/v1/memories/{memory_id}/history/")
async def history(ask: Asks, memory_id: str) -> JSONResponse:
    """Every change, oldest first; of deleted ones, too."""
    ask.call.about(memory_id=memory_id)
    known = checked(memory_id)
    lines = await ask.memory.history(known)
    of: Mapping[str, Any] = {}
    said: list[dict[str, str]] = []
    try:
        item = await ask.memory.get(known)
    except NotFound:  # deleted: whose it was stands in the change that made it
        of = await ask.memory.event(lines[0]["change_id"]) if lines else {}
    else:
        of, said = item, [{"role": each["role"], "content": each["quote"]} for each in item["sources"]]
    return answer(answers.history(lines, of, said))


@router.put("/v1/batch/")
async def update_batch(ask: Writes) -> JSONResponse:
    """Several, one after the other; when one of them cannot be changed from the beginning, none is."""
    items = requests.batch(ask.body, "updated")
    changes = [(each["memory_id"], requests.updating(each)) for each in items]
    ask.call.about(memory_ids=[name for name, _ in changes])
    for name, _ in changes:
        item = await ask.memory.get(name)
        if item["kind"] == "episode" or "retire_reason" in item:
            raise Refused(400, f"{name} is a message or a former memory, which stays as it was; nothing was updated")
    for name, change in changes:
        await ask.memory.update(name, **change)
    return answer({"message": f"Successfully updated {len(changes)} memories"})


@router.delete("/v1/batch/")
async def delete_batch(ask: Writes) -> JSONResponse:
    """Several, one after the other; when one of them is not there from the beginning, none goes."""
    names = [each["memory_id"] for each in requests.batch(ask.body, "deleted")]
    ask.call.about(memory_ids=names)
    for name in names:
        await ask.memory.get(name)
    await _delete_each(ask, names)
    return answer({"message": f"Successfully deleted {len(names)} memories"})


@router.post("/v1/feedback/")
async def feedback(ask: Writes) -> JSONResponse:
    """What somebody thinks of a memory; null takes it back."""
    memory_id, word = ask.body.get("memory_id"), ask.body.get("feedback")
    if not requests.is_uuid(memory_id):
        raise Refused(400, "Invalid memory_id")
    ask.call.about(memory_id=memory_id)
    done = await ask.memory.feedback(memory_id, word, ask.body.get("feedback_reason") or None)
    return answer({"id": done["id"], "feedback": done["feedback"], "feedback_reason": done["reason"]})


async def added(ask: Ask, **more: Any) -> tuple[AddResult, dict[str, Any]]:
    """Carry out an add; what was asked for, too."""
    ids = requests.whom(ask.body)
    ask.call.about(**ids)
    service, caller = ask.call.service, ask.call.caller
    settings = await service.project_settings(caller.project_id) if _needs_settings(ask.body, ids) else {}
    adding = requests.adding(ask.body, settings)
    memory = ask.memory
    if adding.choices is not None:
        memory = service.memory_with(caller, settings | {"custom_categories": adding.choices})
    asked = adding.asked | more
    return await memory.add(**asked), asked


async def found(ask: Ask, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Carry out a search."""
    asked = requests.searching(body)
    hits = await ask.memory.search(**asked)
    return [answers.memory(each, requests.fields(body)) for each in hits["results"]]


async def listed(ask: Ask, body: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out a listing."""
    listing = requests.listing(body, ask.query)
    pages: Pages = ask.call.request.app.state.pages
    service = ask.call.service
    alone = service.settings.workers == 1 and not service.database.is_shared
    items, total = await pages.turn(ask.memory, listing, alone=alone)
    results = [answers.memory(each, listing.fields) for each in items]
    return answers.page(results, total=total, number=listing.page, size=listing.size, address=ask.page(listing.size))


def checked(memory_id: str) -> str:
    """An id out of the path.

    Raises:
        Refused: 400, it cannot be one.
    """
    name = unquote(memory_id)
    if not requests.is_uuid(name):
        raise Refused(400, "memory_id should be a valid UUID")
    return name


def _needs_settings(body: Mapping[str, Any], ids: Mapping[str, Any]) -> bool:
    return requests.needs_settings(body, ids) or bool(body.get("custom_categories"))


async def _former(ask: Ask, memory_id: str) -> list[str]:
    """Memories whose place this one took, and those whose place these took."""
    reached, frontier = {memory_id.lower()}, [memory_id.lower()]
    while frontier and len(reached) < _MOST_LINKS:
        page = await ask.memory.get_all(
            filters={"retired_by": {"in": frontier}}, latest_only=False, show_expired=True, limit=_MOST_LINKS
        )
        frontier = [each["id"] for each in page["results"] if each["id"] not in reached]
        reached |= set(frontier)
    return sorted(reached - {memory_id.lower()})


async def _delete_matching(ask: Ask, ids: Mapping[str, Any], filters: Mapping[str, Any]) -> dict[str, Any]:
    """Delete what of somebody's memories meets the filter, one by one."""
    names: list[str] = []
    cursor = None
    while True:
        page = await ask.memory.get_all(**ids, filters=filters, show_expired=True, limit=1000, cursor=cursor)
        names += [each["id"] for each in page["results"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    gone, change = await _delete_each(ask, names)
    return {"message": "Memories deleted successfully!", "event_id": change, "deleted": gone}


async def _delete_each(ask: Ask, names: Iterable[str]) -> tuple[int, str | None]:
    """Delete one by one what somebody else has not deleted meanwhile: how many, and the last change."""
    gone, change = 0, None
    for name in names:
        with suppress(NotFound):
            change = (await ask.memory.delete(name))["change_id"]
            gone += 1
    return gone, change


async def _delete_project(ask: Ask) -> dict[str, Any]:
    """All of the project, which the four wildcards together say and nothing less does: for who administers it.

    Owner after owner, each a change that can be undone.
    """
    if "admin" not in ask.call.caller.scopes:
        raise Refused(403, "deleting all of a project takes a key with the scope admin")
    ask.call.about(all="*")
    gone, change = 0, None
    for each in await everybody(ask.memory):
        done = await ask.memory.delete_all(**{f"{each.kind}_id": each.name})
        gone, change = gone + done["deleted"], done["change_id"]
    return {"message": "Memories deleted successfully!", "event_id": change, "deleted": gone}
