"""Who and what memories name, and how they are linked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from mnemic import types
from mnemic.server.routes import answers, models
from mnemic.server.routes.models import require
from mnemic.server.routes.route import resource
from mnemic.server.service import Reads, Writes, answer

router = resource("/v1", "entities")


@router.get("/entities", operation_id="entities", response_model=types.EntitiesResult, summary="Entities")
async def entities(call: Reads, query: Annotated[models.Page, Query()]) -> JSONResponse:
    """People, places, organisations and things, most named first."""
    call.about(**require(query))
    return answer(await call.memory.entities(**query.given()))


@router.get("/entities/related", operation_id="related", response_model=types.RelatedResult, summary="What is near")
async def related(call: Reads, query: Annotated[models.Related, Query()]) -> JSONResponse:
    """Whom and what an entity is linked with; it is named by a name, an alias or an id."""
    call.about(**require(query))
    return answer(await call.memory.related(**query.given()))


@router.get("/graph", operation_id="graph", response_model=types.GraphResult, summary="Entities and relations")
async def graph(call: Reads, query: Annotated[models.Graph, Query()]) -> JSONResponse:
    """Entities as nodes, relations as edges."""
    call.about(**require(query))
    return answer(await call.memory.graph(**query.given()))


@router.post("/entities/merge", operation_id="merge_entities", response_model=answers.Merged, summary="Two are one")
async def merge_entities(call: Writes, body: models.Merge) -> JSONResponse:
    """The names, memories and relations of `other` are from now on those of `entity`."""
    call.about(**require(body))
    return answer(await call.memory.merge_entities(**body.given()))


@router.post("/entities/split", operation_id="split_entity", response_model=answers.Parted, summary="One is two")
async def split_entity(call: Writes, body: models.Split) -> JSONResponse:
    """One name of an entity is somebody else's."""
    call.about(**require(body))
    return answer(await call.memory.split_entity(**body.given()))
