"""What docs/mcp.md tells to write into configurations can be read, started, and is complete."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from mcp_clients import COMMAND, over_stdio

from mnemic.mcp.arguments import Remember
from mnemic.mcp.tools import TOOLS

PAGE = (Path(__file__).parents[2] / "docs/mcp.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
READ = [
    json.loads(body) if kind == "json" else tomllib.loads(body) for kind, body in BLOCKS if kind in ("json", "toml")
]
SERVERS = [
    server
    for found in READ
    for key in ("mcpServers", "servers", "context_servers", "mcp_servers")
    for server in found.get(key, {}).values()
]
ADDRESS = ("url", "serverUrl", "httpUrl", "baseUrl")
PROGRAMS = (
    "Claude Desktop",
    "Claude Code",
    "Cursor",
    "VS Code",
    "Windsurf",
    "Zed",
    "Codex",
    "Gemini CLI",
    "Cherry Studio",
)


def test_each_program_has_a_section_with_both_ways():
    for program in PROGRAMS:
        section = PAGE.partition(f"\n## {program}\n")[2].partition("\n## ")[0]
        assert "https://memory.example.com" in section, program
        assert '"mcp"' in section or "mnemic mcp" in section, program


def test_each_server_is_ours_by_command_or_by_address():
    assert len(SERVERS) == 17
    for server in SERVERS:
        if "command" in server:
            assert server["command"] == "mnemic"
            assert server["args"][0] == "mcp"
        else:
            (address,) = [server[name] for name in ADDRESS if name in server]
            assert address == "https://memory.example.com/mcp"
            headers = server.get("headers") or server["http_headers"]
            assert "X-Mnemic-User-Id" in headers
            assert headers.get("Authorization", "Bearer ").startswith("Bearer ")


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(each, marks=[pytest.mark.slow] if place else [])
        for place, each in enumerate(sorted({tuple(each["args"]) for each in SERVERS if "command" in each}))
    ],
)
async def test_each_command_starts_a_server(args, tmp_path):
    env = {"MNEMIC_PATH": str(tmp_path / "m.db")} if "--server" not in args else {"MNEMIC_API_KEY": "mn-none"}
    async with over_stdio(*args, env=env, command=COMMAND) as client:
        assert len((await client.list_tools()).tools) == len(TOOLS)


def test_each_tool_and_argument_is_told():
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    told = {name: set(re.findall(r"`(\w+)`", arguments)) for name, arguments in rows}
    ids = {"user_id", "agent_id", "app_id", "run_id"}
    assert told == {each.name: set(each.takes.model_fields) - ids for each in TOOLS}


def test_the_example_of_facts_is_taken():
    (example,) = [found for found in READ if "facts" in found]
    assert Remember.model_validate(example).facts is not None
