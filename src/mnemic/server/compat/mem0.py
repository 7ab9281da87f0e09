"""mem0's wire: what the published clients, libraries and commands of mem0 speak to their hosted platform."""

from __future__ import annotations

from fastapi import FastAPI

from mnemic.server.compat import (
    mem0_entities,
    mem0_events,
    mem0_exports,
    mem0_legacy,
    mem0_memories,
    mem0_profiles,
    mem0_projects,
)
from mnemic.server.compat.mem0_pages import Pages
from mnemic.server.compat.mem0_wire import RawPaths, handle_errors

# Routes with fixed words stand before those that take anything in the same place.
ROUTERS = (
    mem0_events.router, mem0_profiles.router, mem0_memories.router, mem0_legacy.router, mem0_entities.router, mem0_projects.router,
    mem0_exports.router,
)  # fmt: skip


def mem0_app() -> FastAPI:
    """An application to be mounted; `app.state.service` is the server's.

    Paths end with a slash and are never redirected, every answer is JSON, and what is unknown in a body is left alone.
    """
    app = FastAPI(title="mem0's wire", openapi_url=None, redirect_slashes=False)
    app.state.pages = Pages()
    handle_errors(app)
    for router in ROUTERS:
        app.router.routes += router.routes  # as they are: including a router builds every route of it anew
    app.add_middleware(RawPaths)
    return app
