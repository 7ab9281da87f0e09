"""A program asks the memory of this machine over MCP, as an assistant does."""

import asyncio
import os
import sys
from pathlib import Path

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
written, sys.stderr = sys.stderr, sys.__stderr__  # what the command logs goes to a real file


async def main() -> None:
    # begin ask
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    server = StdioServerParameters(command="mnemic", args=["mcp", "--user", "ann", "--store", "notes.db"])
    async with Client(server) as client:
        await client.call_tool("remember", {"text": "I live in Taipei."})
        found = await client.call_tool("recall", {"query": "Where do I live?"})
        print(found.structured_content["results"][0]["memory"])
    # end ask


asyncio.run(main())
sys.stderr = written
