"""mem0's published commands, that of Python and that of node, unmodified, against our server."""

import json
import os
import subprocess

import pytest

from mem0_clients import node_client, python_client
from test_mem0_python import finished


@pytest.fixture(params=["python", "node"])
def command(request, account, tmp_path):
    """Runs `mem0 …`, and gives what it says in JSON."""
    if request.param == "python":
        begin = [str(python_client().parent / "mem0")]
    else:
        begin = ["node", str(node_client() / "node_modules/@mem0/cli/dist/index.js")]
    env = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "MEM0_TELEMETRY": "false", "MEM0_API_KEY": account.key,
        "MEM0_BASE_URL": account.host, "NO_COLOR": "1", "COLUMNS": "200",
    }  # fmt: skip

    def run(*words, fails=False, form="json", **more):
        asked = [*begin, *words, *(["-o", form] if form else [])]
        done = subprocess.run(
            asked, env=env | more, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert (done.returncode != 0) == fails, f"{asked}\n{done.stdout}\n{done.stderr}"
        said = done.stdout if not fails else done.stdout + done.stderr
        return json.loads(said) if form == "json" and not fails else said

    return run


def of(told):
    """What an answer is about, in an envelope or not."""
    return told["data"] if isinstance(told, dict) and "data" in told else told


def test_what_is_added_is_found_listed_and_told_of(command, account):
    added = of(command("add", "I live in Taipei.", "-u", "ann"))
    added = added["results"][0] if "results" in added else added[0] if isinstance(added, list) else added
    assert finished(account, added["event_id"])["status"] == "SUCCEEDED"
    status = of(command("event", "status", added["event_id"]))
    assert status["status"] == "SUCCEEDED"
    assert added["event_id"] in command("event", "list")
    found = of(command("search", "Where does she live?", "-u", "ann"))
    assert found[0]["memory"] == "I live in Taipei."
    listed = of(command("list", "-u", "ann"))
    assert [each["memory"] for each in listed] == ["I live in Taipei."]
