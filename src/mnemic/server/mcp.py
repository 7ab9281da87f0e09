"""MCP under the server, at /mcp: the same keys, limits and audit as everywhere, every request on its own.

No session is kept: nothing is lost when a server restarts, and any of several processes can answer. Host, Origin and
the size of bodies are looked at before a request comes here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mnemic.errors import MissingDependency
from mnemic.mcp.visits import Right, Visit
from mnemic.server.callers import Caller, ids_in
from mnemic.server.service import Service, authenticated

PATH = "/mcp"

_RIGHTS: tuple[Right, ...] = ("read", "write")


class Door:
    """The ASGI application of the path. It answers while it is open."""

    def __init__(self) -> None:
        self._speaks: ASGIApp | None = None

    @asynccontextmanager
    async def open(self, service: Service) -> AsyncIterator[None]:
        """Answer for this service; without the extra `mcp`, say what to install."""
        try:
            from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

            from mnemic.mcp.server import make_server
        except ImportError:
            yield
            return
        manager = StreamableHTTPSessionManager(
            make_server(lambda ctx: _visit_in(ctx.request)),
            stateless=True,
            max_request_body_size=service.settings.max_body_bytes,
        )
        async with manager.run():
            self._speaks = manager.handle_request
            try:
                yield
            finally:
                self._speaks = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of somebody who may ask.

        Raises:
            Refused: 401 without a key that is known, 429 beyond a limit.
            MissingDependency: MCP is not installed.
        """
        if self._speaks is None:
            raise MissingDependency('MCP needs one more package on the server: pip install "mnemic[mcp]"')
        scope["route"] = self
        request = Request(scope)
        service: Service = request.app.state.service
        caller = await authenticated(service, request)
        if request.method != "POST":  # there is no session to end, and no stream of its own to listen to
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
            return
        request.state.visit = await _visit(service, caller, request)
        await self._speaks(scope, receive, send)

    @property
    def path(self) -> str:
        """By which log and figures call it."""
        return PATH


async def _visit(service: Service, caller: Caller, request: Request) -> Visit:
    state: dict[str, Any] = request.scope["state"]
    return Visit(
        memory=await service.memory_of(caller),
        ids=ids_in(request.headers),
        rights=frozenset(each for each in _RIGHTS if each in caller.scopes),
        wait="extracted" if service.settings.work else "stored",
        whose="Pass user_id, or have the client send the header X-Mnemic-User-Id with every request.",
        note=lambda **about: state.update(about),
    )


def _visit_in(request: Request | None) -> Visit:
    assert request is not None  # noqa: S101 - there is one for all that came over HTTP
    visit: Visit = request.state.visit
    return visit
