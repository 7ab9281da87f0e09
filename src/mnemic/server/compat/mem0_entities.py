"""Users, agents, apps and runs on mem0's wire, and what is known of somebody as a whole."""

from __future__ import annotations

import zlib
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic import inputs
from mnemic.server.compat import mem0_answers as answers
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_filters import nothing_beside_the_path, translated
from mnemic.server.compat.mem0_memories import listed
from mnemic.server.compat.mem0_people import Person, everybody
from mnemic.server.compat.mem0_wire import Ask, Asks, Writes
from mnemic.server.problems import Refused
from mnemic.server.service import answer
from mnemic.types import SCOPE_IDS

router = APIRouter()

_KINDS = tuple(name.removesuffix("_id") for name in SCOPE_IDS)


@router.get("/v1/entities/")
async def list_entities(ask: Asks) -> JSONResponse:
    """Everybody with a memory or a message; all at once, unless pages are asked for."""
    people = await everybody(ask.memory)
    totals = {f"total_{kind}s": sum(each.kind == kind for each in people) for kind in _KINDS}
    query = ask.query
    if not query.keys() & {"page", "page_size"}:
        return answer({"count": len(people), "next": None, "previous": None, "results": _all(ask, people)} | totals)
    number, size = requests.page_of(query)
    shown = people[(number - 1) * size : number * size]
    return answer(
        answers.page(_all(ask, shown), total=len(people), number=number, size=size, address=ask.page(size)) | totals
    )


@router.get("/v1/entities/filters/")
async def entity_filters(ask: Asks) -> JSONResponse:
    """The names there are, by kind."""
    people = await everybody(ask.memory)
    return answer({f"{kind}_id": [each.name for each in people if each.kind == kind] for kind in _KINDS})


@router.get("/v2/entities/{kind}/{name}/")
async def get_entity(ask: Asks, kind: str, name: str) -> JSONResponse:
    """The entity in a list; an empty one where there is none."""
    wanted = (_kind(kind), unquote(name))
    return answer(_all(ask, [each for each in await everybody(ask.memory) if (each.kind, each.name) == wanted]))


@router.delete("/v2/entities/{kind}/{name}/")
@router.delete("/v1/entities/{kind}/{name}/")
async def delete_entity(ask: Writes, kind: str, name: str) -> JSONResponse:
    """All memories and messages of the entity. One that has none is gone already."""
    nothing_beside_the_path(ask.query, ask.body)
    whose = {f"{_kind(kind)}_id": unquote(name)}
    ask.call.about(**whose)
    done = await ask.memory.delete_all(**whose)
    return answer(
        {"message": "Entity deleted successfully!", "event_id": done["change_id"], "deleted": done["deleted"]}
    )


@router.get("/v1/memories/{kind}/{name}/")
async def memories_of(ask: Asks, kind: str, name: str) -> JSONResponse:
    """The memories of an entity."""
    return answer((await listed(ask, {"filters": {f"{_kind(kind)}_id": unquote(name)}}))["results"])


@router.post("/v1/users/", status_code=201)
@router.post("/v1/agents/", status_code=201)
@router.post("/v1/apps/", status_code=201)
@router.post("/v1/runs/", status_code=201)
async def make_entity(ask: Writes) -> JSONResponse:
    """An entity is there when it has a memory; nothing is kept of it beside."""
    field = f"{ask.call.request.url.path.rstrip('/').rpartition('/')[2].removesuffix('s')}_id"
    if ask.body.get("metadata"):
        raise Refused(400, "nothing is kept of an entity but its memories; leave metadata out")
    name = ask.body.get(field)
    inputs.require_ids(inputs.scope("default", {field: name}), "this call")
    return answer({"id": zlib.crc32(f"{field}:{name}".encode()), field: name, "name": name, "metadata": {}}, 201)


@router.get("/v1/stats/")
async def stats(ask: Asks) -> JSONResponse:
    """How much there is."""
    held = await ask.memory.stats()
    people = await everybody(ask.memory)
    return answer(
        {
            "total_memories": held["memories"],
            "total_messages": held["episodes"],
            "pending": held["pending"],
            "failed": held["failed"],
        }
        | {f"total_{kind}s": sum(each.kind == kind for each in people) for kind in _KINDS}
    )


@router.post("/v1/summary/")
async def summary(ask: Asks) -> JSONResponse:
    """Who somebody is, from current memories."""
    given = ask.body.get("filters")
    demanded, rest = inputs.split_filters(translated(given)) if given else ({}, None)
    if rest is not None:
        raise Refused(400, "filters of a summary hold ids only, such as {'user_id': 'alice'}")
    made = await ask.memory.profile(**demanded)
    return answer(
        {
            "summary": made["text"],
            "results": [
                {"id": each["memory_id"], "memory": each["text"]}
                for part in (made["facts"], made["state"], made["preferences"])
                for each in part
            ],
        }
    )


def _all(ask: Ask, people: list[Person]) -> list[dict[str, Any]]:
    return [
        {
            "id": each.name,
            "name": each.name,
            "type": each.kind,
            "owner": ask.call.caller.project_id,
            "metadata": {},
            "created_at": each.created_at,
            "updated_at": each.updated_at,
            "total_memories": each.memories,
        }
        for each in people
    ]


def _kind(kind: str) -> str:
    if kind not in _KINDS:
        raise Refused(400, f"Invalid entity type {kind!r}: one of {', '.join(_KINDS)}")
    return kind
