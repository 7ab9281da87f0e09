"""Exports on mem0's wire: a JSON schema, filled with what was known when it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic import inputs
from mnemic.errors import InvalidInput, InvalidScope, NotFound, describe
from mnemic.server.compat import mem0_requests as requests
from mnemic.server.compat.mem0_filters import ids_in, translated
from mnemic.server.compat.mem0_wire import Ask, Asks
from mnemic.server.exports import Export
from mnemic.server.problems import Refused
from mnemic.server.service import answer

router = APIRouter()


@router.post("/v1/exports/", status_code=201)
async def create_export(ask: Asks) -> JSONResponse:
    """Ask for one."""
    ids, filters = _whose(ask.body)
    ask.call.about(**ids)
    wish = ask.body.get("export_instructions")
    made = await ask.call.service.exports.create(
        ask.call.caller.project_id,
        ask.body.get("schema") or {},
        ids=ids,
        filters=filters,
        instructions=None if wish is None else inputs.text(wish, "export_instructions"),
    )
    return answer({"message": "Memory export request received. The export will be ready soon.", "id": made.id}, 201)


@router.post("/v1/exports/get/")
async def get_export(ask: Asks) -> JSONResponse:
    """One by its id, or the newest that was asked for with these filters."""
    found = await _find(ask)
    ask.call.about(**found.ids)
    return answer((await found.result(ask.memory))["result"])


async def _find(ask: Ask) -> Export:
    exports, project = ask.call.service.exports, ask.call.caller.project_id
    missing = Refused(404, "No memory export request found", code="NotFound")
    wanted = ask.body.get("memory_export_id")
    if wanted is not None:
        if not requests.is_uuid(wanted):
            raise InvalidInput(f"memory_export_id must be the id of an export, not {describe(wanted)}")
        try:
            return await exports.get(project, wanted.lower())
        except NotFound as exc:
            raise missing from exc
    of = _whose(ask.body)
    found = next((each for each in await exports.of(project, limit=1000) if (each.ids, each.filters) == of), None)
    if found is None:
        raise missing
    return found


def _whose(body: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any] | None]:
    """Whose memories an export is of, and what narrows them."""
    ids, narrowed = ids_in(body), None
    if body.get("filters"):
        filters = translated(body["filters"])
        demanded, rest = inputs.split_filters(filters)
        ids = inputs.merge_ids(ids, demanded)
        narrowed = None if rest is None else filters
    named = inputs.require_ids(inputs.scope("default", ids), "an export") if ids else None
    if named is None:
        raise InvalidScope("an export is of somebody: name user_id, agent_id, app_id or run_id in filters")
    return named.ids, narrowed
