"""What is known, in the shape of a JSON schema: at once, or asked for now and fetched later."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import Field

from mnemic import types
from mnemic.server.exports import Export
from mnemic.server.routes.models import Body, Filters, Ids, PathId, Text, TimeText, require
from mnemic.server.routes.route import READS, resource
from mnemic.server.service import Reads, answer

router = resource("/v1", "exports")

_FORM = {"type": "object", "properties": {"home": {"type": "string"}, "pets": {"type": "array"}}}


class Form(Ids):
    """A form to fill with what is known of somebody."""

    schema_: dict[str, Any] = Field(alias="schema", description="A JSON schema of an object.", examples=[_FORM])
    filters: Filters | None = None
    instructions: Text | None = Field(None, description="How to fill it, for the model.")

    def arguments(self) -> dict[str, Any]:
        """Of the library's method."""
        return self.given("schema_") | {"schema": self.schema_}


class Fill(Form):
    """A form to fill at once."""

    known_at: TimeText | None = None


class ExportItem(Body):
    """An export that was asked for."""

    id: str
    user_id: str | None
    agent_id: str | None
    app_id: str | None
    run_id: str | None
    created_at: str


class FilledExport(ExportItem):
    """An export and what it says."""

    result: dict[str, Any]
    by: str
    memories: int


class ExportList(Body):
    """Exports of a project."""

    results: list[ExportItem]


@router.post("/fill", operation_id="fill", response_model=types.FillResult, summary="Fill a form", openapi_extra=READS)
async def fill(call: Reads, body: Fill) -> JSONResponse:
    """By the model, or without one from the memories whose attribute, kind or category a property names."""
    call.about(**require(body))
    return answer(await call.memory.fill(**body.arguments()))


@router.post(
    "/exports", operation_id="create_export", status_code=202, response_model=ExportItem, summary="Ask for an export"
)
async def create(call: Reads, body: Form) -> JSONResponse:
    """It will hold what is known now, whenever within 30 days it is fetched, but for what is erased until then."""
    call.about(**require(body))
    made = await call.service.exports.create(
        call.caller.project_id, body.schema_, ids=body.ids, filters=body.filters, instructions=body.instructions
    )
    return answer(_shown(made), 202)


@router.get("/exports", operation_id="list_exports", response_model=ExportList, summary="Exports that were asked for")
async def listed(call: Reads, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> JSONResponse:
    """The newest first."""
    found = await call.service.exports.of(call.caller.project_id, limit=limit)
    return answer({"results": [_shown(each) for each in found]})


@router.get("/exports/{export_id}", operation_id="get_export", response_model=FilledExport, summary="Fetch an export")
async def fetched(call: Reads, export_id: PathId) -> JSONResponse:
    """The form, filled with what was known when it was asked for."""
    export = await call.service.exports.get(call.caller.project_id, export_id)
    call.about(**export.ids)
    return answer(_shown(export) | dict(await export.result(call.memory)))


def _shown(export: Export) -> dict[str, Any]:
    ids = {name: export.ids.get(name) for name in types.SCOPE_IDS}
    return {"id": export.id, **ids, "created_at": export.created_at.replace(tzinfo=UTC).isoformat()}
