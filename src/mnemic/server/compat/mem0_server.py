"""The routes of mem0's own self-hosted server, so that who ran it changes an address and a key, and no code.

They are fewer, end without a slash, and answer an add when memories were made of it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from mnemic.errors import InvalidScope
from mnemic.server.compat import mem0_answers as answers
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_filters import ids_in, ids_to_go, nothing_beside_the_path, whose
from mnemic.server.compat.mem0_memories import added, checked
from mnemic.server.compat.mem0_people import everybody
from mnemic.server.compat.mem0_wire import Administers, Asks, RawPaths, Writes, handle_errors
from mnemic.server.problems import Refused
from mnemic.server.service import answer

router = APIRouter()

_KINDS = ("user", "agent", "app", "run")
_USUAL = 20  # hits and memories, as their server gives
_MOST = 10_000  # memories of one list


def mem0_server_app() -> FastAPI:
    """An application to be mounted; `app.state.service` is the server's."""
    app = FastAPI(title="mem0's self-hosted server", openapi_url=None, redirect_slashes=False)
    handle_errors(app)
    app.router.routes += router.routes
    app.add_middleware(RawPaths)
    return app


@router.post("/memories")
async def add(ask: Writes) -> JSONResponse:
    """Answered when memories were made of the messages."""
    later: dict[str, Any] = {} if ask.body.get("infer") is False else {"wait": "extracted"}
    if ask.body.get("memory_type") is not None:
        later["memory_type"] = ask.body["memory_type"]
    result, _ = await added(ask, **later)
    shown = [
        {"id": each["id"], "memory": each["memory"], "event": each["event"]}
        for each in result["results"]
        if each["event"] != "NONE"
    ]
    return answer({"results": shown})


@router.get("/memories")
async def list_memories(ask: Asks) -> JSONResponse:
    """Memories of who the query names."""
    query = ask.query
    ids = ids_in(query)
    if not ids:
        raise InvalidScope("At least one identifier is required.")
    limit = requests.whole(query.get("top_k", query.get("limit")), "top_k", _USUAL, 1, _MOST)
    found = await ask.memory.get_all(**ids, limit=limit, order="said")
    return answer({"results": [answers.memory(each) for each in found["results"]]})


@router.get("/memories/{memory_id}")
async def get(ask: Asks, memory_id: str) -> JSONResponse:
    """One memory."""
    ask.call.about(memory_id=memory_id)
    return answer(answers.one(await ask.memory.get(checked(memory_id))))


@router.get("/memories/{memory_id}/history")
async def history(ask: Asks, memory_id: str) -> JSONResponse:
    """Every change of it, oldest first."""
    ask.call.about(memory_id=memory_id)
    return answer(await ask.memory.history(checked(memory_id)))


@router.put("/memories/{memory_id}")
async def update(ask: Writes, memory_id: str) -> JSONResponse:
    """A new version with the same id."""
    ask.call.about(memory_id=memory_id)
    await ask.memory.update(checked(memory_id), **requests.updating(ask.body))
    return answer({"message": "Memory updated successfully!"})


@router.delete("/memories/{memory_id}")
async def delete(ask: Writes, memory_id: str) -> JSONResponse:
    """One memory."""
    ask.call.about(memory_id=memory_id)
    await ask.memory.delete(checked(memory_id))
    return answer({"message": "Memory deleted successfully"})


@router.delete("/memories")
async def delete_all(ask: Writes) -> JSONResponse:
    """All memories of who the query names."""
    ids, _ = whose(ids_to_go(ask.query, ask.body), None)
    ask.call.about(**ids)
    await ask.memory.delete_all(**ids)
    return answer({"message": "All relevant memories deleted"})


@router.post("/search")
async def search(ask: Asks) -> JSONResponse:
    """Best first; ids stand at the top or in `filters`."""
    asked = requests.searching(requests.ids_into_filters(ask.body), top_k=_USUAL)
    hits = await ask.memory.search(**asked)
    return answer({"results": [answers.memory(each) for each in hits["results"]]})


@router.post("/reset")
async def reset(ask: Administers) -> JSONResponse:
    """Erase the project of the key. Cannot be undone."""
    ask.call.about(all="*")
    await ask.memory.reset()
    return answer({"message": "All memories reset"})


@router.get("/entities")
async def entities(ask: Asks) -> JSONResponse:
    """Everybody with a memory or a message."""
    return answer(
        [
            {
                "id": each.name,
                "type": each.kind,
                "total_memories": each.memories,
                "created_at": each.created_at,
                "updated_at": each.updated_at,
            }
            for each in await everybody(ask.memory)
        ]
    )


@router.delete("/entities/{kind}/{name}")
async def delete_entity(ask: Writes, kind: str, name: str) -> JSONResponse:
    """All memories and messages of the entity."""
    if kind not in _KINDS:
        raise Refused(400, f"Invalid entity type {kind!r}: one of {', '.join(_KINDS)}")
    nothing_beside_the_path(ask.query, ask.body)
    ids, _ = whose({f"{kind}_id": unquote(name)}, None)
    ask.call.about(**ids)
    await ask.memory.delete_all(**ids)
    return answer({"message": "Entity deleted"})


@router.post("/configure")
@router.get("/configure")
async def configure(_: Administers) -> JSONResponse:
    """Models and stores are chosen where the server is started."""
    raise Refused(403, "this server is configured where it is started: see `mnemic serve --help`")
