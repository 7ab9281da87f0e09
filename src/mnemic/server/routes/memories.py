"""Memories: added, found, read and changed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic_core import from_json

from mnemic import types
from mnemic.server import idempotency
from mnemic.server.problems import Refused
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import PathId, Whose, require
from mnemic.server.routes.route import READS, resource
from mnemic.server.service import Reads, Writes, answer

router = resource("/v1/memories", "memories")

MemoryId = PathId


@router.post(
    "", operation_id="add", status_code=201, response_model=types.AddResult, summary="Log messages and remember them"
)
async def add(call: Writes, body: models.Add) -> JSONResponse:
    """Answered when the messages are stored and found by a search; memories are made of them soon after.

    `GET /v1/events/{change_id}` says when, and `"wait": "extracted"` waits for it.
    """
    call.about(**require(body, body.filters))
    given = body.given("messages", "facts")
    if body.facts is None:
        given.setdefault("wait", "stored")
    else:
        given["facts"] = [each.given() for each in body.facts]
    given["messages"] = _plain(body.messages)
    return answer(await idempotency.add(call, given), 201)


@router.post(
    "/remember",
    operation_id="remember",
    status_code=201,
    response_model=types.AddResult,
    summary="Keep a text as it is",
)
async def remember(call: Writes, body: models.Remember) -> JSONResponse:
    """One memory, word for word, with no model and no rules."""
    call.about(**require(body))
    return answer(await idempotency.remember(call, body.given()), 201)


@router.post(
    "/search",
    operation_id="search",
    response_model=types.SearchResult,
    openapi_extra=READS,
    summary="Find memories that answer a question",
)
async def search(call: Reads, body: models.Search) -> JSONResponse:
    """Best first."""
    call.about(**require(body, body.filters))
    return answer(await call.memory.search(**body.given()))


@router.post(
    "/context",
    operation_id="context",
    response_model=types.ContextResult,
    openapi_extra=READS,
    summary="What is known about a question, as a block for a prompt",
)
async def context(call: Reads, body: models.Context) -> JSONResponse:
    """Dated, quoted, within a budget of tokens."""
    call.about(**require(body, body.filters))
    return answer(await call.memory.context(**body.given()))


@router.post(
    "/explain",
    operation_id="explain",
    response_model=types.ExplainResult,
    openapi_extra=READS,
    summary="Why a search answers as it does",
)
async def explain(call: Reads, body: models.Explain) -> JSONResponse:
    """What was understood and found, what was left out, and why a memory is no hit."""
    call.about(**require(body, body.filters))
    return answer(await call.memory.explain(**body.given()))


@router.get("", operation_id="get_all", response_model=types.ListResult, summary="List memories")
async def get_all(call: Reads, query: Annotated[models.GetAll, Query()]) -> JSONResponse:
    """`next_cursor` leads to the next page; it is null on the last one."""
    given = query.given("filters")
    if query.filters is not None:
        given["filters"] = _filters(query.filters)
    call.about(**require(query, given.get("filters")))
    return answer(await call.memory.get_all(**given))


@router.post(
    "/list",
    operation_id="list_memories",
    response_model=types.ListResult,
    openapi_extra=READS,
    summary="List memories, asked for in a body",
)
async def list_memories(call: Reads, body: models.List) -> JSONResponse:
    """The same as the GET, for filters that are longer than an address may be."""
    call.about(**require(body, body.filters))
    return answer(await call.memory.get_all(**body.given()))


@router.delete("", operation_id="delete_all", response_model=answers.AllDeleted, summary="Delete what ids name")
async def delete_all(call: Writes, query: Whose) -> JSONResponse:
    """Memories go, and messages are hidden. At least one id is needed; `undo` brings them back."""
    call.about(**require(query))
    return answer(await call.memory.delete_all(**query.given()))


@router.post("/erase", operation_id="erase", response_model=answers.Erased, summary="Erase what ids name, for good")
async def erase(call: Writes, body: models.Ids) -> JSONResponse:
    """Every byte of it: messages, memories, versions, history. Nothing brings it back."""
    call.about(**require(body))
    return answer(await call.memory.erase(**body.given()))


@router.post(
    "/import",
    operation_id="import_memories",
    response_model=types.ImportResult,
    summary="Take in memories of another layer",
)
async def import_memories(call: Writes, body: models.Import) -> JSONResponse:
    """Their words and times stay. What was taken in before is not taken again."""
    return answer(await call.memory.import_memories(**body.given()))


@router.get("/{memory_id}", operation_id="get", response_model=types.MemoryItem, summary="One memory or message")
async def get(call: Reads, memory_id: MemoryId, query: Annotated[models.Get, Query()]) -> JSONResponse:
    """Secrets in it are masked."""
    call.about(memory_id=memory_id)
    if query.unmasked and "admin" not in call.caller.scopes:
        raise Refused(403, "secrets are shown to keys of the scope admin only")
    return answer(await call.memory.get(memory_id, unmasked=query.unmasked))


@router.patch("/{memory_id}", operation_id="update", response_model=answers.Updated, summary="Correct a memory")
async def update(call: Writes, memory_id: MemoryId, body: models.Update) -> JSONResponse:
    """A new version with the same id; the former stays in its history."""
    call.about(memory_id=memory_id)
    return answer(await idempotency.update(call, memory_id, body.given()))


@router.delete("/{memory_id}", operation_id="delete", response_model=answers.Deleted, summary="Delete one")
async def delete(call: Writes, memory_id: MemoryId) -> JSONResponse:
    """A memory, or a message with what rests on it alone. `undo` brings it back."""
    call.about(memory_id=memory_id)
    return answer(await idempotency.delete(call, memory_id))


@router.get(
    "/{memory_id}/history", operation_id="history", response_model=answers.HistoryList, summary="A memory's history"
)
async def history(call: Reads, memory_id: MemoryId) -> JSONResponse:
    """Every change, oldest first; also of a memory that was deleted."""
    call.about(memory_id=memory_id)
    return answer({"results": await call.memory.history(memory_id)})


@router.post(
    "/{memory_id}/forget", operation_id="forget", response_model=answers.Forgotten, summary="Forget a memory for good"
)
async def forget(call: Writes, memory_id: MemoryId) -> JSONResponse:
    """It goes with what says the same, and is not learnt again."""
    call.about(memory_id=memory_id)
    return answer(await idempotency.forget(call, memory_id))


@router.post("/{memory_id}/feedback", operation_id="feedback", response_model=answers.Rated, summary="Rate a memory")
async def feedback(call: Writes, memory_id: MemoryId, body: models.Feedback) -> JSONResponse:
    """POSITIVE, NEGATIVE or VERY_NEGATIVE."""
    call.about(memory_id=memory_id)
    return answer(await idempotency.feedback(call, memory_id, body.given()))


@router.put("/{memory_id}/pin", operation_id="pin", response_model=answers.Pinned, summary="Pin a memory, or no longer")
async def pin(call: Writes, memory_id: MemoryId, body: models.Pin) -> JSONResponse:
    """A pinned memory comes first in the profile, and is not tidied away."""
    call.about(memory_id=memory_id)
    return answer(await call.memory.pin(memory_id, pinned=body.pinned))


def _plain(messages: str | models.Message | list[str | models.Message]) -> list[str | dict[str, Any]]:
    given = messages if isinstance(messages, list) else [messages]
    return [each if isinstance(each, str) else each.model_dump(exclude_unset=True) for each in given]


def _filters(given: str) -> dict[str, Any]:
    """Raises Refused: it is no JSON object."""
    try:
        found = from_json(given, allow_inf_nan=False)
    except ValueError as exc:
        raise Refused(400, f"filters must be a JSON object: {exc}", code="InvalidFilter") from exc
    if not isinstance(found, dict):
        raise Refused(400, "filters must be a JSON object", code="InvalidFilter")
    return found
