"""One assistant on this machine: messages come on standard input and go to standard output."""

from __future__ import annotations

from collections.abc import Mapping

from mcp.server.stdio import stdio_server

from mnemic import AsyncMemory
from mnemic.mcp.server import make_server
from mnemic.mcp.visits import Visit


async def serve(memory: AsyncMemory, ids: Mapping[str, str]) -> None:
    """Answer until standard input ends; then close the memory. The store is opened with the first call."""
    visit = Visit(memory=memory, ids=ids)
    server = make_server(lambda _: visit)
    try:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    finally:
        await memory.close()
