"""What every route under /v1 has in common: how its body is read, whose memories it is about, and its errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from mnemic.server.idempotency import HEADER, once
from mnemic.server.problems import Problem

_ERRORS = {
    400: "What was sent cannot be used.",
    401: "No key, or one that is not known.",
    403: "The key may not do this.",
    404: "There is no such thing.",
    409: "It has changed since, or is under way.",
    405: "The path has no such method.",
    413: "The body is too large.",
    415: "The body is of another type than the one asked for.",
    422: "The request is not of the shape that is asked for.",
    429: "Too many requests.",
    500: "A defect of the server.",
    501: "Something that it takes is not installed.",
    502: "A model failed.",
    503: "The store does not answer.",
    507: "The store is full.",
}
ANSWERS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": what,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, what in _ERRORS.items()
}
ANSWERS[500]["model"] = Problem  # has the schema written down, where all of them look for it
"""What any route may answer beside its result."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def resource(prefix: str, tag: str) -> APIRouter:
    """A router of our own REST."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=Route, responses=ANSWERS)


class Route(APIRoute):
    """Reads bodies as strict JSON, and answers a repeated request that has an `Idempotency-Key` as the first time.

    A route that only reads, though it is a POST for the size of its question, says so by `openapi_extra=READS`.
    """

    def get_route_handler(self) -> Handler:
        """The handler of one request."""
        handle = super().get_route_handler()
        changes = (
            not (self.methods or set()) <= {"GET", "HEAD"} and not (self.openapi_extra or {}).keys() & MARKS.keys()
        )
        name = self.operation_id or self.name

        async def answered(request: Request) -> Response:
            request = Strict(request.scope, request.receive)
            if changes and HEADER in request.headers:
                return await once(request, name, handle)
            return await handle(request)

        return answered


READS: dict[str, Any] = {"x-reads": True}
"""Marks a route that changes nothing."""

REPEATABLE: dict[str, Any] = {"x-repeatable": True}
"""Marks a route that has one effect, however often the same is sent."""

MARKS = READS | REPEATABLE


class Strict(Request):
    """A request whose body is JSON as the standard has it: no NaN, no half surrogate pairs, at most 200 levels deep."""

    async def json(self) -> Any:
        """The body as a value."""
        if not hasattr(self, "_json"):
            try:
                self._json = from_json(await self.body(), allow_inf_nan=False)
            except ValueError as exc:
                raise HTTPException(400, f"the body is no JSON that can be read: {exc}") from exc
        return self._json
