"""What the description of the REST says of every route: how keys are sent, and that requests can be repeated."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from mnemic.server.idempotency import LONGEST_KEY
from mnemic.server.routes.route import MARKS

_SCHEMES = {
    "Bearer": {"type": "http", "scheme": "bearer", "description": "A key of this server: mn-…"},
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_OPEN = frozenset(("healthz", "readyz", "metrics", "set_up"))
"""Operations that take no key."""

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours: a request that comes again with it has one effect, and the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[!-~]+$"},
}


def describe(app: FastAPI) -> None:
    """Have the application's OpenAPI say so."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schema["components"]["securitySchemes"] = _SCHEMES
            schema["security"] = [{name: []} for name in _SCHEMES]
            for path, operations in schema["paths"].items():
                for method, operation in operations.items():
                    _complete(path, method, operation)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    if any(operation.get("operationId", "").startswith(name) for name in _OPEN):
        operation["security"] = []
    elif path.startswith("/v1/") and method != "get" and not operation.keys() & MARKS.keys():
        operation.setdefault("parameters", []).append(_KEY)
