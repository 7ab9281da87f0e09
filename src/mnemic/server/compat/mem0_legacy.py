"""The first two versions of mem0's wire, which shipped plugins still speak."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic.errors import InvalidScope
from mnemic.server.compat import mem0_answers as answers
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_filters import ids_in, written
from mnemic.server.compat.mem0_memories import added, found, listed
from mnemic.server.compat.mem0_wire import Asks, Writes
from mnemic.server.service import answer

router = APIRouter()


@router.post("/v1/memories/")
async def add(ask: Writes) -> JSONResponse:
    """Answered when the messages are logged, unless `async_mode` is false; then when memories were made of them."""
    later = ask.body.get("async_mode", True) is not False and ask.body.get("infer", True) is not False
    result, _ = await added(ask, **({} if later else {"wait": "extracted"}))
    made = [answers.pending(result)] if later else answers.kept(result)["results"]
    return answer(_shaped(ask.body, made))


@router.post("/v1/memories/search/")
async def search(ask: Asks) -> JSONResponse:
    """Best first; ids stand at the top."""
    if not ids_in(ask.body) and not ask.body.get("filters"):
        raise InvalidScope("At least one of the filters: agent_id, user_id, app_id, run_id is required!")
    return answer(_shaped(ask.body, await found(ask, requests.ids_into_filters(ask.body))))


@router.post("/v2/memories/search/")
async def search_by_filter(ask: Asks) -> JSONResponse:
    """Best first, as a bare list."""
    return answer(await found(ask, requests.ids_into_filters(ask.body)))


@router.post("/v2/memories/")
async def list_by_filter(ask: Asks) -> JSONResponse:
    """A bare list, or a page where pages are asked for."""
    page = await listed(ask, requests.ids_into_filters(ask.body))
    return answer(page if (ask.query.keys() | ask.body.keys()) & {"page", "page_size"} else page["results"])


@router.get("/v1/memories/")
async def list_memories(ask: Asks) -> JSONResponse:
    """The same, with everything in the query."""
    query: dict[str, Any] = dict(ask.query)
    for name in ("metadata", "filters"):
        if query.get(name):
            query[name] = written(query[name], name)
    for name in ("categories", "fields", "keywords"):
        if query.get(name):
            query[name] = _list(query[name])
    page = await listed(ask, requests.ids_into_filters(query))
    return answer(page if query.keys() & {"page", "page_size"} else page["results"])


def _shaped(body: dict[str, Any], results: list[Any]) -> Any:
    """A bare list in the first format, an object in the second."""
    return {"results": results, "relations": []} if body.get("output_format") == "v1.1" else results


def _list(text: str) -> list[str]:
    """A list that stands in a query: as JSON, or with commas."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = text.split(",")
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]
