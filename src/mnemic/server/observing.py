"""What surrounds every request: its size held to a limit, its id, a line of the log, figures, and the audit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from asgi_correlation_id import correlation_id
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mnemic.server.callers import Caller
from mnemic.server.problems import problem

_log = structlog.get_logger("mnemic.server")
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_UNKNOWN = "unmatched"
_GONE = 499  # as the log has it when the client went away before it was answered
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class Metrics:
    """Figures for Prometheus: of this process, or of all where PROMETHEUS_MULTIPROC_DIR names a folder to share."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own: CollectorRegistry | None = self.registry
        try:
            MultiProcessCollector(self.registry)  # type: ignore[no-untyped-call]
            own = None  # what is counted here is read from the folder, with what others counted
        except ValueError:
            pass
        self.requests = Counter("mnemic_requests", "Requests answered.", ("method", "route", "status"), registry=own)
        self.seconds = Histogram(
            "mnemic_request_seconds",
            "Time from a request to the end of its answer.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=own,
        )


class Observed:
    """ASGI middleware around everything else.

    Args:
        app: what it surrounds.
        most: bytes of a body at most; a larger one is answered 413.
        larger: paths of which bodies may be larger: path to bytes.
        hosts: host names that requests may name, as Starlette's TrustedHostMiddleware takes them.
        origins: origins of pages that may call, beside the server's own.
        metrics: where figures are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        most: int,
        larger: Mapping[str, int],
        hosts: list[str],
        origins: list[str],
        metrics: Metrics,
    ) -> None:
        self._app = app
        self._most = most
        self._larger = larger
        self._judged = TrustedHostMiddleware(_trust, allowed_hosts=hosts, www_redirect=False)
        self._origins = frozenset(origins)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: C901 - each refusal in turn
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        began, status, started = time.perf_counter(), 500, False
        headers = Headers(scope=scope)
        most = self._larger.get(scope["path"], self._most)
        body = _Body(receive, most)

        async def sent(message: Message) -> None:
            nonlocal status, started
            if body.too_large and not started:
                return  # what was made of half a body is not the answer
            started = True
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in state.get("headers", {}).items():
                    headers.setdefault(name, value)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._judged(scope, receive, _say_nothing)
            if not state.get("trusted"):
                host = repr(headers.get("host", "")[:100])
                refusal = problem(
                    400,
                    f"the host {host} is not the server's; MNEMIC_SERVER_ALLOWED_HOSTS names those that are",
                    code="BadRequest",
                )
                await refusal(scope, receive, sent)
            elif self._is_foreign(headers, scope):
                origin = repr(headers.get("origin", "")[:100])
                refusal = problem(
                    403,
                    f"pages of {origin} may not call the server; MNEMIC_SERVER_CORS_ORIGINS names those that may",
                    code="Forbidden",
                )
                await refusal(scope, receive, sent)
            elif "\x00" in scope["path"] or b"%00" in scope["query_string"]:
                # No id, name or word holds one, and PostgreSQL takes none.
                await problem(400, "a path or a query holds no NUL", code="BadRequest")(scope, receive, sent)
            elif _is_larger(headers, most):
                await _too_large(most)(scope, receive, sent)
            else:
                await self._app(scope, body.receive, sent)
        except ClientDisconnect:
            status = _GONE
        finally:
            if body.too_large and not started:
                body.too_large = False
                await _too_large(most)(scope, receive, sent)
            self._tell(scope, status, time.perf_counter() - began)

    def _is_foreign(self, headers: Headers, scope: Scope) -> bool:
        """Whether a page of another site asks: one that was not allowed, whatever it asks for."""
        origin = headers.get("origin")
        if origin is None or "*" in self._origins or origin in self._origins:
            return False
        return origin != f"{scope['scheme']}://{headers.get('host', '')}"

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        route, state = _route_of(scope), scope["state"]
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(method, route).observe(seconds)
        caller = state.get("caller")
        told: dict[str, Any] = {
            "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 2),
            "request_id": correlation_id.get(),
        }  # fmt: skip
        if isinstance(caller, Caller):
            told |= {"project": caller.project_id, "key": caller.key_id}
            service = getattr(scope["app"].state, "service", None)
            # What is over the limit is not done, and would fill the table as fast as somebody sends it.
            if service is not None and route != _UNKNOWN and status != HTTPStatus.TOO_MANY_REQUESTS:
                service.audit.note(
                    caller,
                    action=state.get("action", f"{method} {route}"),
                    route=f"{method} {route}",
                    ids=state.get("ids", {}),
                    status=status,
                    request_id=correlation_id.get() or "",
                )
        (_log.error if status >= 500 else _log.info)("request", **told)


async def _trust(scope: Scope, _: Receive, __: Send) -> None:
    scope["state"]["trusted"] = True


async def _say_nothing(_: Message) -> None:
    """Drop the library's own refusal, which is plain text and not a problem as all others are."""


def _is_larger(headers: Headers, most: int) -> bool:
    length = headers.get("content-length", "")
    return length.isdigit() and int(length) > most


def _too_large(most: int) -> JSONResponse:
    return problem(413, f"the body is larger than {most} bytes", code="ContentTooLarge")


class _Body:
    """What a client sends, which ends as that of one who went away where it grows too long."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most, self._seen = receive, most, 0
        self.too_large = False

    async def receive(self) -> Message:
        """The next part."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._most:
                self.too_large = True
                return {"type": "http.disconnect"}
        return message


def _route_of(scope: Scope) -> str:
    """The pattern of the route, so that neither figures nor log hold ids."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return _UNKNOWN if path is None else f"{scope.get('root_path', '')}{path}"
