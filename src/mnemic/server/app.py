"""The application: its parts put together, opened and closed with it."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from mnemic import AsyncMemory, __version__, config
from mnemic.errors import InvalidConfig
from mnemic.server.accounts import Accounts
from mnemic.server.audit import Audit
from mnemic.server.compat.mem0 import mem0_app
from mnemic.server.compat.mem0_server import mem0_server_app
from mnemic.server.database import Database
from mnemic.server.exports import Exports
from mnemic.server.figures import Figures
from mnemic.server.limits import Limits
from mnemic.server.mcp import PATH as MCP
from mnemic.server.mcp import Door
from mnemic.server.observing import Metrics, Observed
from mnemic.server.openai_proxy import connected, openai_app
from mnemic.server.problems import handle_problems
from mnemic.server.routes import entities, events, exports, health, keys, log, memories, past, projects, webhooks, whole
from mnemic.server.routes.description import describe
from mnemic.server.service import Service
from mnemic.server.settings import ServerSettings
from mnemic.server.telemetry import telemetry
from mnemic.server.webhooks import Webhooks

ROUTERS = (
    memories.router, log.router, past.router, entities.router, events.router, whole.router, projects.router,
    keys.router, webhooks.router, exports.router, health.router,
)  # fmt: skip
"""What is asked most comes first, as routes are looked through in order."""


def create_app(memory: AsyncMemory | None = None, settings: ServerSettings | None = None) -> FastAPI:
    """The server as an ASGI application.

    Args:
        memory: what it serves; by default that of the environment's settings, which it then opens and closes.
        settings: of the server; by default those of the environment.

    Raises:
        InvalidConfig: settings that mean nothing.
    """
    settings = settings or ServerSettings()
    limits = Limits(key=settings.key_limit, project=settings.project_limit)
    metrics, traced = Metrics(), telemetry(wanted=settings.telemetry)
    mounted = {"/openai/v1": openai_app(), "/mem0": mem0_app(), "/mem0-server": mem0_server_app()}
    door = Door()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        ours = memory is None
        served = memory or AsyncMemory(background=settings.work)
        database = Database(database_address(settings, config.load().path if ours else None, served))
        await served.open()
        try:
            await database.open()
            accounts, audit = Accounts(database), Audit(database)
            await accounts.prepare(served.project)
            hooks = Webhooks(database, served, to_private=settings.webhooks_to_private)
            service = Service(
                memory=served,
                settings=settings,
                database=database,
                accounts=accounts,
                limits=limits,
                audit=audit,
                webhooks=hooks,
                exports=Exports(database),
            )
            hooks.start()
            for each in (app, *mounted.values()):
                each.state.service = service
            looking = asyncio.create_task(_look_after_pending(served), name="mnemic-pending")
            try:
                async with door.open(service), connected(mounted["/openai/v1"], settings.upstream):
                    yield {"service": service}
            finally:
                looking.cancel()
                await hooks.stop()
                await audit.write()
        finally:
            await database.close()
            if ours:
                await served.close()

    app = FastAPI(
        title="Mnemic",
        version=__version__,
        description="Memory for AI assistants and agents.",
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=traced,
    )
    app.state.traced = traced.get("tracer_provider")
    app.state.metrics, app.state.figures = metrics, Figures(metrics.registry)
    handle_problems(app)
    for router in ROUTERS:
        app.router.routes += router.routes  # as they are: including a router builds every route of it anew
    describe(app)
    for path, each in mounted.items():
        app.mount(path, each)
    app.router.routes.append(Route(MCP, door, include_in_schema=False))
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"], allow_headers=["*"], max_age=600
        )
    app.add_middleware(
        Observed,
        most=settings.max_body_bytes,
        larger={"/v1/import": settings.max_import_bytes},
        hosts=settings.hosts,
        origins=settings.origins,
        metrics=metrics,
    )
    app.add_middleware(CorrelationIdMiddleware, validator=_is_plain)
    return app


_LOOK = 30.0  # seconds between two looks for messages that nobody works on


async def _look_after_pending(memory: AsyncMemory) -> None:
    """Have what an earlier process left worked off, and what was left while the store did not answer.

    Where the memory works in the background; without this, it would begin with the next message that is added.
    """
    memory.within(None)  # of every project
    while True:
        memory._engine.look_after_pending(left=True)  # noqa: SLF001 - who adds messages need not say it
        await asyncio.sleep(_LOOK)


def application() -> FastAPI:
    """The server of the environment's settings, as `mnemic serve` runs it in each of its processes."""
    settings = ServerSettings()
    write_log(settings.log_format)
    return create_app(settings=settings)


def database_address(settings: ServerSettings, path: str | None, memory: AsyncMemory | None = None) -> str:
    """Where the server's own tables lie: as set, else with the store at `path`, or with that of `memory`.

    Raises:
        InvalidConfig: the memory's store is a database server, whose password only its maker has.
    """
    if settings.database is not None:
        return settings.database.get_secret_value()
    if path is None:
        path = memory.address if memory is not None else str(config.store_file())
        if path.startswith("postgres"):
            raise InvalidConfig("name the database of the server's accounts: ServerSettings(database='postgresql://…')")
    if path.startswith(("postgresql://", "postgres://")) or path == ":memory:":
        return path
    return f"{path.removesuffix('.db')}.server.db"


def write_log(form: str) -> None:
    """Have this process write its log to standard error, a line an event."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if form == "console":
        last = structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    formatted = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=formatted))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # tells whole addresses: a webhook's may hold a secret


def _is_plain(request_id: str) -> bool:
    """Whether an id that a client sent may stand in the log."""
    return 0 < len(request_id) <= 64 and request_id.replace("-", "").isalnum() and request_id.isascii()
