"""`mnemic --server`: the command line over a server, with the same output; what is done elsewhere says where."""

import json
import os
import re
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from mnemic import Memory
from mnemic.cli import session
from mnemic.cli.main import app
from served import served

ENTRY = [sys.executable, "-c", "from mnemic.cli.main import main; main()"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("there") / "m.db") as made:
        yield made


@pytest.fixture
def there(server, monkeypatch, request):
    """The environment of a user of the server, with a project of their own."""
    name = re.sub(r"\W", "-", request.node.name)[-60:]
    monkeypatch.setenv("MNEMIC_SERVER", server.url)
    monkeypatch.setenv("MNEMIC_API_KEY", server.key_of_a_project(name))
    return server


def cli(*args, stdin=None):
    return CliRunner().invoke(app, [str(each) for each in args], input=stdin, catch_exceptions=False)


def said(*args, stdin=None):
    ran = cli(*args, "--json", stdin=stdin)
    assert ran.exit_code == 0, ran.stderr
    return json.loads(ran.stdout)


def refused(code, *args):
    ran = cli(*args, "--json")
    assert (ran.exit_code, ran.stdout) == (code, "")
    return json.loads(ran.stderr)["error"]


def test_what_a_person_reads_is_the_same_as_of_a_store(there, tmp_path):
    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{8,}|\d\d:\d\d:\d\d")
    here = ["--store", str(tmp_path / "m.db")]
    for command in (
        ["add", "I live in Taipei.", "--user", "alice"], ["remember", "喜歡喝綠茶", "--user", "alice"],
        ["search", "Where does she live?", "--user", "alice"], ["list", "--user", "alice"],
        ["context", "tea", "--user", "alice"], ["profile", "--user", "alice"], ["entities", "--user", "alice"],
        ["messages", "--user", "alice"], ["changes", "2025-01-01", "--user", "alice"], ["timeline", "home", "--user", "alice"],
        ["consolidate", "--user", "alice"], ["retry", "--user", "alice"], ["search", "tennis", "--user", "bob"],
        ["get", "no-such-id"], ["erase", "--user", "alice", "--yes"],
    ):  # fmt: skip
        ours, theirs = cli(*command, *here), cli(*command)
        assert theirs.exit_code == ours.exit_code, (command, theirs.stderr)
        assert ids.sub("id", theirs.stdout) == ids.sub("id", ours.stdout), command
        assert ids.sub("id", theirs.stderr) == ids.sub("id", ours.stderr)
        assert ours.stdout or ours.stderr


def test_memories_come_and_go_in_files(there, tmp_path):
    lines = [{"role": "user", "content": f"I have been to city number {n}.", "at": 1_700_000_000 + n} for n in range(5)]
    (tmp_path / "chat.json").write_text(json.dumps(lines))
    assert said("import", tmp_path / "chat.json", "--user", "ann")["messages"] == 5
    made = said("export", tmp_path / "all.jsonl.gz")
    assert made["messages"] == 5
    with Memory(str(tmp_path / "m.db")) as memory:
        memory.remember("Plays chess", user_id="ben")
        memory.export(tmp_path / "own.jsonl")
    refusal = refused(2, "import", tmp_path / "own.jsonl")
    assert refusal["type"] == "InvalidInput"
    assert "of the project 'default'" in refusal["message"]


def test_an_export_of_the_first_project_is_taken_in(server, tmp_path):
    with Memory(str(tmp_path / "m.db")) as memory:
        memory.remember("Plays chess", user_id="ben")
        memory.export(tmp_path / "own.jsonl")
    whose = ["--server", server.url, "--api-key", server.key]
    assert said(*whose, "import", tmp_path / "own.jsonl")["versions"] == 1
    assert said("list", "--user", "ben", *whose)["results"][0]["memory"] == "Plays chess"


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("command", sorted(session._WHERE_THE_STORE_IS))
def test_what_is_done_where_the_store_is_says_so(command):
    rest = {"keys": ["list"], "backup": ["x.db"], "restore": ["x.db", "--yes"], "worker": ["--once"]}.get(command, [])
    error = refused(2, command, *rest)
    assert error["type"] == "Unsupported"
    assert error["message"].startswith(f"mnemic {command} ")
    assert "where the server http://127.0.0.1:" in error["message"]


def test_every_command_that_is_done_elsewhere_is_a_command():
    assert session._WHERE_THE_STORE_IS.keys() | set(session._OWN_STORE) <= typer.main.get_command(app).commands.keys()


def test_a_store_and_a_server_at_once_are_refused(there, tmp_path, monkeypatch):
    store = ["--store", str(tmp_path / "m.db")]
    assert refused(2, *store, "stats", "--server", there.url)["type"] == "InvalidConfig"
    assert said("stats", *store)["store"].endswith("m.db"), "a flag counts more than the environment"
    monkeypatch.setenv("MNEMIC_PATH", str(tmp_path / "m.db"))
    error = refused(2, "stats")
    assert (error["type"], "MNEMIC_PATH and MNEMIC_SERVER" in error["message"]) == ("InvalidConfig", True)
    assert said("stats", "--server", there.url)["store"] == "server"


@pytest.mark.parametrize("option", ["--project", "--llm", "--llm-base-url", "--embedder"])
def test_what_is_the_servers_affair_is_no_option_for_it(there, option):
    error = refused(2, "stats", option, "bundled")
    assert error["type"] == "InvalidConfig"
    assert option in error["message"]


def test_a_key_that_is_not_known_is_an_error_of_the_store(server):
    error = refused(4, "stats", "--server", server.url, "--api-key", "mn-other")
    assert error["type"] == "Unauthorized"
    assert "MNEMIC_API_KEY" in error["message"]
    assert refused(4, "stats", "--server", "http://127.0.0.1:9")["type"] == "StoreUnavailable"
    assert refused(2, "stats", "--server", "memory")["type"] == "InvalidConfig"


def test_a_real_process_reads_it_from_the_environment_and_shows_no_key(there, tmp_path):
    environment = os.environ | {"MNEMIC_HOME": str(tmp_path)}
    ran = subprocess.run(
        [*ENTRY, "add", "我住在台北。", "--user", "alice", "--json"],
        env=environment, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(ran.stdout)["results"][0]["memory"] == "我住在台北。"
    assert list(tmp_path.iterdir()) == [], "nothing is kept here"
    ran = subprocess.run([*ENTRY, "demo"], env=environment, capture_output=True, check=False, timeout=60)
    assert ran.returncode == 0, "it has a store of its own"
    report = said("doctor", "--store", tmp_path / "m.db")
    assert report["settings"]["api_key"] == "set"
