"""What happened, what held when, and how a change is taken back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from mnemic import types
from mnemic.server import idempotency
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import PathId, Whose, require
from mnemic.server.routes.route import resource
from mnemic.server.service import Reads, Writes, answer

router = resource("/v1", "past and profile")


@router.get("/changes", operation_id="changes", response_model=types.ChangesResult, summary="What happened")
async def changes(call: Reads, query: Annotated[models.Changes, Query()]) -> JSONResponse:
    """To memories, oldest first, from `since` to before `until`."""
    call.about(**require(query))
    return answer(await call.memory.changes(**query.given()))


@router.post(
    "/changes/{change_id}/undo", operation_id="undo", response_model=answers.Undone, summary="Take a change back"
)
async def undo(call: Writes, change_id: PathId) -> JSONResponse:
    """Everything that one change did; an undo is a change itself."""
    call.about(change_id=change_id)
    return answer(await idempotency.undo(call, change_id))


@router.get("/timeline", operation_id="timeline", response_model=answers.TimelineList, summary="Values of an attribute")
async def timeline(call: Reads, query: Annotated[models.Timeline, Query()]) -> JSONResponse:
    """Current and former ones, in the order in which they began to hold."""
    call.about(**require(query))
    return answer({"results": await call.memory.timeline(**query.given())})


@router.get("/profile", operation_id="profile", response_model=types.ProfileResult, summary="Who somebody is")
async def profile(call: Reads, query: Whose) -> JSONResponse:
    """Put together from current memories."""
    call.about(**require(query))
    return answer(await call.memory.profile(**query.given()))


@router.post(
    "/consolidate", operation_id="consolidate", response_model=types.ConsolidateResult, summary="Tidy up memories"
)
async def consolidate(call: Writes, body: models.Consolidate) -> JSONResponse:
    """Proposals, which `"dry_run": false` applies; each is a change that can be undone."""
    call.about(**require(body))
    return answer(await call.memory.consolidate(**body.given()))
