"""What every route under /v1 has in common: how its body is read, whose memories it is about, and its errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from mnemic.errors import InvalidInput
from mnemic.server.idempotency import HEADER, once
from mnemic.server.problems import Problem, Refused

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
            _once_each(request)
            if self.body_field is not None:
                _of_json(request)
            elif request.method == "DELETE" and (await request.body()).strip() not in _NOTHING:
                raise InvalidInput(
                    "this deletion reads no body, and so would not be narrowed by it; say in the address what is to go"
                )
            if changes and HEADER in request.headers:
                return await once(request, name, handle)
            return await handle(request)

        return answered


_NOTHING = (b"", b"{}", b"null")  # what some clients send with every request


SEVERAL = frozenset({"state"})
"""What a query may say more than once."""


def _once_each(request: Request) -> None:
    """Refuse a query that says one thing twice: of two ids only the last would count, for a deletion as well."""
    names = [name for name, _ in request.query_params.multi_items() if name not in SEVERAL]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidInput(f"{twice[:60]} stands in the query {names.count(twice)} times; give it once")


def _of_json(request: Request) -> None:
    """Refuse a body that does not say it is JSON, such as `curl -d` sends when it is told nothing."""
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return
    given = request.headers.get("content-type", "")
    kind = given.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        came = repr(given[:60]) if given else "without one"
        raise Refused(415, f"a body is sent with the header 'Content-Type: application/json', not {came}")


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
