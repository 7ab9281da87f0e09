"""A server spoken to over its ASGI interface."""

import asyncio
from contextlib import asynccontextmanager

import httpx2

from mnemic.server import create_app
from mnemic.server.settings import ServerSettings


@asynccontextmanager
async def _alive(app):
    """The application's lifespan in one task, as servers run it; pytest begins and ends a fixture in two."""
    begun, end = asyncio.Event(), asyncio.Event()

    async def live():
        async with app.router.lifespan_context(app):
            begun.set()
            await end.wait()

    living = asyncio.create_task(live())
    beginning = asyncio.create_task(begun.wait())
    await asyncio.wait((living, beginning), return_when=asyncio.FIRST_COMPLETED)
    if living.done():
        beginning.cancel()
        await living
    try:
        yield
    finally:
        end.set()
        await living


@asynccontextmanager
async def serving(memory, **settings):
    """A client of a server of this memory, and its first key in every request."""
    given = ServerSettings(**({"database": ":memory:", "webhooks_to_private": True} | settings))
    app = create_app(memory, given)
    async with _alive(app):
        accounts = app.state.service.accounts
        _, secret = await accounts.claim(await accounts.first_code(), email="ann@example.com")
        transport = httpx2.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {secret}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            client.app, client.secret = app, secret
            yield client


async def key_of(client, *scopes, project_id=None):
    """Headers of a new key of the client's project (or another) with these scopes."""
    accounts = client.app.state.service.accounts
    project_id = project_id or await accounts.project_of_store(client.app.state.service.memory.project)
    _, secret = await accounts.create_key(
        project_id, email=f"{'.'.join(scopes)}@example.com", name="another", scopes=scopes
    )
    return {"Authorization": f"Bearer {secret}"}
