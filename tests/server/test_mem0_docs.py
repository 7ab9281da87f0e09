"""The page on mem0's clients says what they do: its examples are run by them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from mem0_clients import node_client, python_client

PAGE = (Path(__file__).parents[2] / "docs" / "mem0-clients.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def run(account, tmp_path):
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "MEM0_DIR": str(tmp_path), "MEM0_TELEMETRY": "false",
        "MNEMIC_URL": account.host.removesuffix("/mem0"), "MNEMIC_KEY": account.key, "NO_COLOR": "1",
    }  # fmt: skip

    def run(*command, path=None, **more):
        done = subprocess.run(
            [str(each) for each in command], env=env | ({"PATH": f"{path}:{env['PATH']}"} if path else {}),
            capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL, **more,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_example_in_python_finds_what_it_added(run):
    (example,) = blocks("py")
    assert run(python_client(), "-c", f"import os\n{example}") == "Alice keeps bees.\n"


def test_the_example_in_typescript_finds_what_it_added(run):
    (example,) = blocks("js")
    here = (
        f'import {{ createRequire }} from "node:module"; const require = createRequire("{node_client()}/package.json");'
    )
    assert run("node", "--input-type=module", "-e", f"{here}\n{example}") == "I keep bees.\n"


def test_the_commands_find_what_they_added(run):
    commands, curl = (re.sub(r"^\$ ", "", each, flags=re.MULTILINE) for each in blocks("console"))
    assert "I keep bees." in run("bash", "-ec", commands, path=python_client().parent)
    said = run("bash", "-ec", curl)
    assert said.count("I keep bees.") == 2
