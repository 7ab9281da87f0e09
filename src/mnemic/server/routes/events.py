"""What became of writes, and what happens to memories, as it happens."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import anyio
from fastapi import Header, Query
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse, ServerSentEvent

from mnemic import types
from mnemic.server import streams
from mnemic.server.callers import token_in
from mnemic.server.problems import Refused
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import PathId, require
from mnemic.server.routes.route import resource
from mnemic.server.service import Reads, answer
from mnemic.times import parse_time

router = resource("/v1/events", "events")

_MOST = 200
"""Streams of one process: each looks at the log once a second."""

_MOST_OF_PROJECT = 100
"""Streams of one project in a process: one tenant leaves room for others."""

_PING = 15
"""Seconds between two signs of life, which keep proxies from closing the connection."""

_GRACE = 5.0
"""Seconds in which a stream comes to its end when the server stops."""


@router.get("", operation_id="events", response_model=answers.EventList, summary="Writes, the newest first")
async def events(call: Reads, query: Annotated[models.Events, Query()]) -> JSONResponse:
    """What became of each."""
    call.about(**require(query))
    return answer(await call.memory.events(**query.given()))


@router.get(
    "/stream",
    operation_id="stream",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "Events."}},
    summary="What happens to memories, as it happens",
)
async def stream(
    call: Reads,
    query: Annotated[models.Stream, Query()],
    last_event_id: Annotated[str | None, Header(max_length=4000)] = None,
) -> EventSourceResponse:
    """Server-sent events `add`, `update` and `delete`, each a line as `GET /v1/changes` has it.

    It begins now, or at `since`. With `Last-Event-ID` it goes on behind that event, with nothing missed or told twice.
    """
    ids = require(query)
    call.about(**ids)
    if last_event_id:
        place = streams.place_of(last_event_id)
    else:
        place = streams.place_at(datetime.now(UTC) if query.since is None else parse_time(query.since, name="since"))
    await call.memory.changes(place.since, **ids, limit=1)  # refuses what cannot be read before the stream begins
    service, headers, project = call.service, call.request.headers, call.caller.project_id
    if service.streams[project] >= _MOST_OF_PROJECT:
        raise Refused(429, f"{_MOST_OF_PROJECT} streams of this project are open; close one", code="TooManyStreams")
    if service.streams.total() >= _MOST:
        raise Refused(503, f"{_MOST} streams are open; close one or try again")
    token = token_in(headers.get("authorization"), headers.get("x-api-key")) or ""

    ended = anyio.Event()

    async def still_may() -> bool:
        return await service.accounts.authenticate(token) is not None

    async def told() -> Any:
        service.streams[project] += 1
        try:
            async for each in streams.events(call.memory, ids, place, goes_on=still_may, ended=ended):
                yield each
        finally:
            service.streams -= Counter((project,))  # which leaves out projects that have none

    return EventSourceResponse(
        told(),
        ping=_PING,
        ping_message_factory=lambda: ServerSentEvent(id=str(place), comment="still here"),
        shutdown_event=ended,
        shutdown_grace_period=_GRACE,
    )


@router.get("/{event_id}", operation_id="event", response_model=types.EventResult, summary="What became of a write")
async def event(call: Reads, event_id: PathId) -> JSONResponse:
    """Of an add: PENDING until memories were made of its messages, then SUCCEEDED, or FAILED."""
    call.about(event_id=event_id)
    return answer(await call.memory.event(event_id))
