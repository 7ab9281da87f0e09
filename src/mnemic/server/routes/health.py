"""Whether the server lives and can answer, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from mnemic.errors import MnemicError
from mnemic.server.problems import Refused
from mnemic.server.routes.route import ANSWERS

router = APIRouter(tags=["health"], responses=ANSWERS)


@router.get("/healthz", summary="Whether the process lives")
async def healthz() -> JSONResponse:
    """It does not look at the store: a database that is away is no reason to start the server anew."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", summary="Whether requests can be answered")
async def readyz(request: Request) -> JSONResponse:
    """503 while the store or the server's own database does not answer."""
    service = request.app.state.service
    try:
        await service.memory.stats(user_id="-")
        async with service.database.transaction() as db:
            await db.execute(text("SELECT 1"))
    except MnemicError as exc:
        raise Refused(503, str(exc)) from exc
    return JSONResponse({"status": "ok"})


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests by route and status, how long they took, and what the store holds and waits for."""
    state = request.app.state
    if not state.service.settings.metrics:
        raise Refused(404, "metrics are switched off")
    await state.figures.count(state.service)
    return Response(generate_latest(state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
