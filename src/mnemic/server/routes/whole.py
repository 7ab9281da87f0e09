"""The project as a whole: figures, export and import, checks, and its emptying."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import FileResponse, JSONResponse
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from mnemic import types
from mnemic.errors import InvalidInput
from mnemic.server.problems import Refused
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import Asked, Whose, require
from mnemic.server.routes.route import REPEATABLE, resource
from mnemic.server.service import Administers, Call, Reads, answer

router = resource("/v1", "project as a whole")

_LINES = "application/x-ndjson"


@router.get("/stats", operation_id="stats", response_model=types.StatsResult, summary="How much there is")
async def stats(call: Reads, query: Whose) -> JSONResponse:
    """Of somebody, or (for keys of the scope admin) of the project."""
    _require_or_administer(call, query)
    found = await call.memory.stats(**query.given())
    found["store"] = "server"  # where it lies is the affair of who runs the server
    return answer(found)


@router.get(
    "/export",
    operation_id="export",
    response_class=FileResponse,
    responses={200: {"content": {_LINES: {"schema": {"type": "string"}}}, "description": "JSON Lines."}},
    summary="All that is kept, as JSON Lines",
)
async def export(call: Reads, query: Annotated[models.Export, Query()]) -> FileResponse:
    """Of somebody, or (for keys of the scope admin) of the project: messages, versions, history, entities."""
    _require_or_administer(call, query)
    folder = tempfile.TemporaryDirectory(prefix="mnemic-export-")
    try:
        path = Path(folder.name) / "export.jsonl"
        await call.memory.export(str(path), **query.given())
    except BaseException:
        await asyncio.to_thread(folder.cleanup)
        raise
    return FileResponse(
        path, media_type=_LINES, filename="mnemic-export.jsonl", background=BackgroundTask(folder.cleanup)
    )


@router.post(
    "/import",
    operation_id="import_export",
    response_model=answers.Imported,
    openapi_extra=REPEATABLE
    | {"requestBody": {"required": True, "content": {_LINES: {"schema": {"type": "string", "minLength": 1}}}}},
    summary="Take in an export of this project",
)
async def import_export(call: Administers, request: Request) -> JSONResponse:
    """What is here already stays as it is, so that an import which was cut is gone on with by the same call."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _LINES:
        raise Refused(415, f"an export is sent as {_LINES}")
    with tempfile.TemporaryDirectory(prefix="mnemic-import-") as folder:
        path = Path(folder) / "import.jsonl"
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    await asyncio.to_thread(file.write, part)
        except ClientDisconnect as exc:
            raise Refused(400, "the export was cut off, or is too large; nothing of it was taken") from exc
        try:
            found: dict[str, Any] = await call.memory.import_export(str(path))
        except InvalidInput as exc:  # which names a file that is of no interest to anybody
            raise InvalidInput(str(exc).replace(repr(str(path)), "the export")) from exc
    return answer({name: value for name, value in found.items() if name != "path"})


@router.get("/verify", operation_id="verify", response_model=types.VerifyResult, summary="Check the store")
async def verify(call: Administers) -> JSONResponse:
    """Whether rows, index, vectors, sources, links and history agree. For the project that the server began with."""
    if call.caller.store_project != call.service.memory.project:
        raise Refused(403, "the store is checked as a whole, with a key of the server's first project")
    return answer(await call.memory.verify())


@router.post("/reset", operation_id="reset", response_model=answers.Done, summary="Empty the project")
async def reset(call: Administers, body: models.Reset) -> JSONResponse:  # noqa: ARG001 - that it was sent is what counts
    """Every byte of its memories, history included. Nothing brings it back; other projects stay as they are."""
    call.about(everything=True)
    return answer(await call.memory.reset())


def _require_or_administer(call: Call, query: Asked) -> None:
    """Raises Refused: it is about the whole project, and the key may not see all of it."""
    if query.model_fields_set & set(types.SCOPE_IDS):
        call.about(**require(query))
    elif "admin" not in call.caller.scopes:
        raise Refused(403, "name user_id, agent_id, app_id or run_id; the whole project needs a key of the scope admin")
    else:
        call.about(everything=True)
