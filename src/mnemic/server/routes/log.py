"""The log of messages: what was said, what waits, and what failed."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from mnemic import types
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import require
from mnemic.server.routes.route import READS, resource
from mnemic.server.service import Reads, Writes, answer

router = resource("/v1/messages", "messages")


@router.get("", operation_id="messages", response_model=types.LogResult, summary="Messages, the newest first")
async def messages(call: Reads, query: Annotated[models.Messages, Query()]) -> JSONResponse:
    """With the state of each: pending, done, empty, refused, failed; hidden ones where they are asked for."""
    call.about(**require(query))
    return answer(await call.memory.messages(**query.given()))


@router.post("/retry", operation_id="retry", response_model=answers.Retried, summary="Try failed messages again")
async def retry(call: Writes, body: models.Retry) -> JSONResponse:
    """One by its id, or all failed ones of somebody."""
    call.about(**(body.ids | {"episode_id": body.episode_id} if body.episode_id is not None else require(body)))
    return answer(await call.memory.retry(**body.given()))


@router.post(
    "/process", operation_id="process_pending", response_model=types.PendingResult, summary="Make memories now"
)
async def process_pending(call: Writes, body: models.Process) -> JSONResponse:
    """Of messages that are due; the server does it by itself, too."""
    call.about(**require(body))
    return answer(await call.memory.process_pending(**body.given()))


@router.post(
    "/wait",
    operation_id="wait_for_pending",
    response_model=answers.Done,
    openapi_extra=READS,
    summary="Wait until messages may be due",
)
async def wait_for_pending(call: Reads, body: models.Wait) -> JSONResponse:
    """At the latest after so many seconds."""
    call.about(**require(body))
    await call.memory.wait_for_pending(**body.given())
    return answer({"message": "Messages may be due, or the time is over."})
