"""Errors as answers: `application/problem+json` (RFC 9457), with the name of our error as `code`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
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


async def _theirs(request: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    status, detail, headers = exc.status_code, str(exc.detail), dict(exc.headers or {})
    if status in (404, 405) and detail == HTTPStatus(status).phrase:  # the router's own words, which say nothing
        methods = _methods_at(request)
        asked = f"{request.method} {_short(request.url.path)}"
        detail = f"there is no {asked}; /openapi.json lists what there is"
        if methods:
            detail = f"there is no {asked}; the path takes {', '.join(methods)}"
            headers = {each: value for each, value in headers.items() if each.lower() != "allow"}
            headers["Allow"] = ", ".join(methods)
        elif request.url.path.endswith("/") and request.url.path != "/":  # as all paths of mem0's platform do
            detail += "; clients of mem0 are given this server's address with /mem0 behind it"
    return problem(status, detail, code=HTTPStatus(status).phrase.replace(" ", ""), headers=headers)


def _methods_at(request: Request) -> list[str]:
    """What may be asked of this path, by all of its routes; one route knows only its own methods."""
    found: set[str] = set()
    for route in request.app.router.routes:
        if isinstance(route, APIRoute) and route.path_regex.match(request.url.path):
            found |= route.methods or set()
    return sorted(found)


async def _misread(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - as above
    found = _told(exc)
    first = f"{found[0]['at']}: {found[0]['message']}" if found else "the request cannot be read"
    return problem(422, first, code="InvalidInput", errors=found)


_OF_TYPE = ("_type", "_parsing", "_attributes_type")
_FOR_ITSELF = ("missing", "extra_forbidden")  # what came is nothing, or told by the field's name
_MOST_SHOWN = 60  # characters of what came: enough to tell a slip by, too few to send a document back


def _told(exc: RequestValidationError) -> list[dict[str, Any]]:
    """What is wrong with each field, with what came. Where a field may be of several types, all are named at once."""
    at: dict[tuple[str | int, ...], list[dict[str, Any]]] = {}
    for each in exc.errors():
        at.setdefault(_field(each["loc"], exc.body), []).append(each)
    found = []
    for field, wrong in at.items():
        others = [each for each in wrong if not each["type"].endswith(_OF_TYPE)]
        if not others and any(len(deeper) > len(field) and deeper[: len(field)] == field for deeper in at):
            continue  # of the right type after all, by which something deeper was found
        told = others or wrong
        message = ", or: ".join(dict.fromkeys(each["msg"] for each in told))
        if told[0]["type"] not in _FOR_ITSELF:
            message = f"{message}, not {_shown(told[0].get('input'))}"
        found.append({"at": ".".join(str(part) for part in field), "message": message, "kind": told[0]["type"]})
    return found


def _field(loc: tuple[str | int, ...], body: Any) -> tuple[str | int, ...]:
    """The place in the request: without the names of types, which stand in it where a field may be of several."""
    if loc[:1] != ("body",):
        return loc
    field, value, last = [loc[0]], body, len(loc) - 1
    for nth, part in enumerate(loc[1:], start=1):
        known = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if known:
            value = value[part]
            field.append(part)
        elif isinstance(value, dict) and nth == last and isinstance(part, str) and part.isidentifier():
            field.append(part)  # what is missing
    return tuple(field)


def _shown(value: Any) -> str:
    """What came, in a few characters."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}"
    if isinstance(value, bytes):
        return "text that is not UTF-8"
    return _short(json.dumps(value, ensure_ascii=False, default=repr))


def _short(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
