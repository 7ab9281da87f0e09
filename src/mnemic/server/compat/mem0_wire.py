"""What mem0's clients take for granted of every route: lax bodies, JSON always, errors as `detail`, encoded paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from mnemic import AsyncMemory
from mnemic.errors import MnemicError, NotFound
from mnemic.server.callers import KeyScope
from mnemic.server.problems import Refused, status_of
from mnemic.server.service import Call, may

_RETRY_AFTER = "1"  # seconds, as for our own routes


@dataclass(frozen=True, kw_only=True)
class Ask:
    """A request: who asks, and what stands in its body."""

    call: Call
    body: dict[str, Any]

    @property
    def memory(self) -> AsyncMemory:
        """Of the caller's project."""
        return self.call.memory

    @property
    def query(self) -> dict[str, str]:
        """What stands in the address.

        Raises:
            Refused: something does twice, with two values.
        """
        found: dict[str, str] = {}
        for name, value in self.call.request.query_params.multi_items():
            if name != "fields" and found.get(name, value) != value:
                raise Refused(400, f"{name} stands in the query twice, with different values")
            found[name] = value
        return found

    def page(self, size: int) -> Callable[[int], str]:
        """Addresses of the pages of this list."""
        url = self.call.request.url
        return lambda number: str(url.include_query_params(page=number, page_size=size))


def asks(scope: KeyScope) -> Callable[[Request], Awaitable[Ask]]:
    """A dependency: the request, by somebody whose key has this scope. The body is any JSON object, or none.

    Raises:
        Refused: as `may`; 400 for a body that is something else.
    """
    granted = may(scope)

    async def ask(request: Request) -> Ask:
        return Ask(call=await granted(request), body=_object(await request.body()))

    return ask


Asks = Annotated[Ask, Depends(asks("read"))]
Writes = Annotated[Ask, Depends(asks("write"))]
Administers = Annotated[Ask, Depends(asks("admin"))]


class RawPaths:
    """ASGI middleware that routes on the path as it was sent: a `%2F` in a name is no end of it.

    The routes decode what they take from the path. The scope is changed in place, for what surrounds it looks there
    for the route that was found.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = scope["raw_path"].decode("ascii", "replace")
        await self._app(scope, receive, send)


def handle_errors(app: FastAPI) -> None:
    """Answer every error of this application as these clients read them."""
    app.add_exception_handler(MnemicError, _ours)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _theirs)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(Exception, _defect)


def failed(status: int, detail: str, *, code: str | None = None, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error: under `detail`, which their clients show, and under `error`, where the platform's documents have it."""
    if status in (429, 503):
        headers = {"Retry-After": _RETRY_AFTER} | (headers or {})
    code = code or HTTPStatus(status).phrase.replace(" ", "")
    return JSONResponse({"detail": detail, "error": detail, "code": code}, status, headers)


def _object(raw: bytes) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        found = from_json(raw, allow_inf_nan=False)
    except ValueError as exc:
        raise Refused(400, f"the body is no JSON that can be read: {exc}") from exc
    if not isinstance(found, dict):
        raise Refused(400, f"the body must be a JSON object, not a {type(found).__name__}")
    return found


async def _ours(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, MnemicError)  # noqa: S101 - what it is registered for
    detail = "Memory not found!" if isinstance(exc, NotFound) and "memory or episode" in str(exc) else str(exc)
    return failed(status_of(exc), detail, code=type(exc).__name__)


async def _refused(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, Refused)  # noqa: S101 - as above
    return failed(exc.status, exc.detail, code=exc.code, headers=exc.headers)


async def _theirs(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, HTTPException)  # noqa: S101 - as above
    return failed(exc.status_code, str(exc.detail), headers=dict(exc.headers or {}))


async def _misread(_: Request, exc: Exception) -> JSONResponse:
    assert isinstance(exc, RequestValidationError)  # noqa: S101 - as above
    first = next(iter(exc.errors()), None)
    what = "the request cannot be read" if first is None else f"{first['loc'][-1]}: {first['msg']}"
    return failed(400, what, code="InvalidInput")


async def _defect(_: Request, exc: Exception) -> JSONResponse:  # noqa: ARG001 - it is logged where it rises to
    return failed(500, "the server failed; its log says how")
