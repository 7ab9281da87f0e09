"""Errors as answers: `application/problem+json` (RFC 9457), with the name of our error as `code`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from mnemic import errors
from mnemic.errors import MnemicError

STATUS: tuple[tuple[type[MnemicError], int], ...] = (
    (errors.NotFound, 404),
    (errors.InvalidInput, 400),
    (errors.Conflict, 409),
    (errors.QuotaExceeded, 413),
    (errors.StoreFull, 507),
    (errors.StoreBusy, 503),
    (errors.StoreUnavailable, 503),
    (errors.Closed, 503),
    (errors.ModelError, 502),
    (errors.MissingDependency, 501),
)
"""The first that fits; anything else is 500."""

_RETRY_AFTER = "1"  # seconds: a restarted database or a lock is back in about as many


class Problem(BaseModel):
    """What went wrong."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None = None
    id: str | None = None
    errors: list[dict[str, Any]] | None = None


class Refused(Exception):
    """A request that is not answered: who asks may not, asks too much, or not in a way that is understood."""

    def __init__(
        self, status: int, detail: str, *, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or HTTPStatus(status).phrase.replace(" ", "")
        self.headers = headers or {}


def status_of(exc: MnemicError) -> int:
    """The HTTP status of one of our errors."""
    return next((status for kind, status in STATUS if isinstance(exc, kind)), 500)


def problem(status: int, detail: str, *, code: str, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """One answer in the form of RFC 9457."""
    body = {
        "type": f"urn:mnemic:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": correlation_id.get(),
        **more,
    }
    if status in (429, 503):
        headers = {"Retry-After": _RETRY_AFTER} | (headers or {})
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def handle_problems(app: FastAPI) -> None:
    """Answer every error of this application as a problem."""
    app.add_exception_handler(MnemicError, _ours)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _theirs)
    app.add_exception_handler(RequestValidationError, _misread)


async def _ours(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, MnemicError)  # noqa: S101 - what it is registered for
    more: dict[str, Any] = {"id": exc.id} if isinstance(exc, errors.NotFound) else {}
    return problem(status_of(exc), str(exc), code=type(exc).__name__, **more)


async def _refused(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refused)  # noqa: S101 - as above
    return problem(exc.status, exc.detail, code=exc.code, headers=exc.headers)


async def _theirs(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    code = HTTPStatus(exc.status_code).phrase.replace(" ", "")
    return problem(exc.status_code, str(exc.detail), code=code, headers=dict(exc.headers or {}))


async def _misread(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - as above
    found = [
        {"at": ".".join(str(part) for part in each["loc"]), "message": each["msg"], "kind": each["type"]}
        for each in exc.errors()
    ]
    first = f"{found[0]['at']}: {found[0]['message']}" if found else "the request cannot be read"
    return problem(422, first, code="InvalidInput", errors=found)
