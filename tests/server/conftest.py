"""A memory, and a client of a server of it."""

import pytest
from asgi import serving
from mem0_clients import account, mem0, mem0_server, spoken_node, spoken_python, typescript  # noqa: F401 - fixtures

from mnemic import AsyncMemory


@pytest.fixture
async def memory(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as made:
        yield made


@pytest.fixture
async def client(memory):
    async with serving(memory) as made:
        yield made
