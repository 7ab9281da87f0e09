"""What became of writes, on mem0's wire."""

from __future__ import annotations

from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic.errors import NotFound
from mnemic.server.compat import mem0_answers as answers
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_wire import Asks
from mnemic.server.problems import Refused
from mnemic.server.service import answer

router = APIRouter()


@router.get("/v1/event/{event_id}/")
async def get_event(ask: Asks, event_id: str) -> JSONResponse:
    """What became of one write."""
    wanted = unquote(event_id)
    missing = Refused(404, "Event not found or you don't have permission to access it.", code="NotFound")
    if not requests.is_uuid(wanted):
        raise missing
    try:
        return answer(answers.event(await ask.memory.event(wanted)))
    except NotFound as exc:
        raise missing from exc


@router.get("/v1/events/")
@router.get("/v1/memories/events/")
async def list_events(ask: Asks) -> JSONResponse:
    """Writes and what became of them, the newest first."""
    number, size = requests.page_of(ask.query, most=1000, usual=50)
    skip, cursor = (number - 1) * size, None
    while skip:
        passed = await ask.memory.events(limit=min(skip, 1000), cursor=cursor)
        skip, cursor = skip - len(passed["results"]), passed["next_cursor"]
        if cursor is None:
            return answer(answers.page([], total=passed["total"], number=number, size=size, address=ask.page(size)))
    found = await ask.memory.events(limit=size, cursor=cursor)
    results = [answers.event(each) for each in found["results"]]
    return answer(answers.page(results, total=found["total"], number=number, size=size, address=ask.page(size)))
