"""What the routes of a server share: the memory, the accounts, the limits, and who asks."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic_core import to_json
from sqlalchemy import select

from mnemic import AsyncMemory
from mnemic.errors import InvalidScope, describe
from mnemic.server.accounts import Accounts
from mnemic.server.audit import Audit
from mnemic.server.callers import Caller, KeyScope, token_in
from mnemic.server.database import Database
from mnemic.server.exports import Exports
from mnemic.server.limits import Limits
from mnemic.server.problems import Refused
from mnemic.server.settings import ServerSettings
from mnemic.server.tables import projects
from mnemic.server.webhooks import Webhooks
from mnemic.types import SCOPE_IDS

_FRESH = 5.0  # seconds for which a project's settings are not read again
_MOST_VIEWS = 1000  # of projects, each some kilobytes


@dataclass
class Service:
    """The parts of one server process."""

    memory: AsyncMemory
    settings: ServerSettings
    database: Database
    accounts: Accounts
    limits: Limits
    audit: Audit
    webhooks: Webhooks
    exports: Exports
    streams: Counter[str] = field(default_factory=Counter)
    """How many streams of events are open, by project."""
    _views: dict[str, tuple[AsyncMemory, str, float]] = field(default_factory=dict)

    async def memory_of(self, caller: Caller) -> AsyncMemory:
        """The memory of the caller's project, with that project's settings."""
        known = self._views.get(caller.project_id)
        if known is not None and known[2] > time.monotonic():
            return known[0]
        found = await self.project_settings(caller.project_id)
        written = json.dumps(found, sort_keys=True)
        view = known[0] if known is not None and known[1] == written else self.memory_with(caller, found)
        if len(self._views) >= _MOST_VIEWS:
            self._views.clear()
        self._views[caller.project_id] = (view, written, time.monotonic() + _FRESH)
        return view

    def memory_with(self, caller: Caller, settings: Mapping[str, Any]) -> AsyncMemory:
        """The memory of the caller's project with these settings."""
        return self.memory.within(
            caller.store_project,
            instructions=settings.get("custom_instructions") or None,
            custom_categories=settings.get("custom_categories") or None,
            decay=30.0 if settings.get("decay", True) else None,
            limits=settings.get("limits"),
        )

    async def project_settings(self, project_id: str) -> dict[str, Any]:
        """The settings of a project, as they were last written."""
        async with self.database.transaction() as db:
            found = (
                await db.execute(select(projects.c.settings).where(projects.c.id == project_id))
            ).scalar_one_or_none()
        return dict(found or {})

    def forget_settings(self, project_id: str) -> None:
        """Read a project's settings anew with its next call."""
        self._views.pop(project_id, None)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of somebody who may make it."""

    service: Service
    caller: Caller
    memory: AsyncMemory
    """Of the caller's project."""
    request: Request

    def about(self, **ids: Any) -> None:
        """Say for the audit log what the call is about."""
        self.request.state.ids = ids


def may(scope: KeyScope) -> Callable[[Request], Awaitable[Call]]:
    """A dependency: the call, by somebody whose key has this scope.

    Raises:
        Refused: 401 without a key that is known, 403 without the scope, 429 beyond a limit.
    """

    async def call(request: Request) -> Call:
        service: Service = request.app.state.service
        caller = await authenticated(service, request)
        if scope not in caller.scopes:
            raise Refused(403, f"this key may not {scope}; it has the scopes {', '.join(sorted(caller.scopes))}")
        memory = await service.memory_of(caller)
        bound = request.headers.get("mnemic-scope")
        if bound is not None:  # ids that a client bound: what it asks for lies within them
            memory = memory.scope(**_ids_in(bound))
        return Call(service=service, caller=caller, memory=memory, request=request)

    return call


async def authenticated(service: Service, request: Request) -> Caller:
    """Who asks, within the limits, and noted for log and audit; what they may do is another matter.

    Raises:
        Refused: 401 without a key that is known, 429 beyond a limit.
    """
    token = token_in(request.headers.get("authorization"), request.headers.get("x-api-key"))
    caller = None if token is None else await service.accounts.authenticate(token)
    if caller is None:
        raise Refused(
            401,
            "Invalid API key. Send one of this server's as 'Authorization: Bearer mn-…'",
            headers={"WWW-Authenticate": "Bearer"},
        )
    request.state.caller = caller
    request.state.headers = await service.limits.count(caller)
    return caller


def _ids_in(bound: str) -> dict[str, Any]:
    """Ids as a query has them. Raises InvalidScope: there is something else."""
    try:
        found = dict(parse_qsl(bound, keep_blank_values=True, strict_parsing=True, max_num_fields=len(SCOPE_IDS)))
    except ValueError:
        found = {}
    if not found or not found.keys() <= set(SCOPE_IDS):
        raise InvalidScope(f"Mnemic-Scope holds ids as user_id=alice&run_id=1, not {describe(bound)}")
    return found


Reads = Annotated[Call, Depends(may("read"))]
Writes = Annotated[Call, Depends(may("write"))]
Administers = Annotated[Call, Depends(may("admin"))]


class _Json(JSONResponse):
    """Written by what wrote it fastest when it was measured."""

    def render(self, content: Any) -> bytes:
        return to_json(content)


def answer(value: Any, status: int = 200) -> JSONResponse:
    """A result as it is, without a second look at every value."""
    return _Json(value, status)
