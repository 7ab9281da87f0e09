"""mem0's published commands, that of Python and that of node, unmodified, against our server."""

import json
import os
import subprocess
from datetime import datetime

import pytest
from mem0_clients import node_client, python_client
from test_mem0_python import finished


# Each call of the second takes seconds before it asks us anything.
@pytest.fixture(params=["python", pytest.param("node", marks=pytest.mark.slow)])
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


def kept(command, account, text, *words):
    """The id of a memory that is kept as it is."""
    command("add", text, "--no-infer", "-u", "ann", *words)
    found = of(command("list", "-u", "ann"))
    return next(each["id"] for each in found if each["memory"] == text)


def test_what_is_added_is_found_listed_and_told_of(command, account):
    added = of(command("add", "I live in Taipei.", "-u", "ann"))
    added = added["results"][0] if "results" in added else added[0] if isinstance(added, list) else added
    assert finished(account, added["event_id"])["status"] == "SUCCEEDED"
    status = of(command("event", "status", added["event_id"]))
    assert status["status"] == "SUCCEEDED"
    assert [each["id"] for each in of(command("event", "list"))] == [added["event_id"]]
    found = of(command("search", "Where does she live?", "-u", "ann"))
    assert found[0]["memory"] == "I live in Taipei."
    listed = of(command("list", "-u", "ann"))
    assert [each["memory"] for each in listed] == ["I live in Taipei."]
    assert "Taipei" in command("search", "Taipei", "-u", "ann", form="text")
    assert "Taipei" in command("list", "-u", "ann", form="table")


@pytest.mark.slow
def test_every_option_of_an_add_is_taken(command, account, tmp_path):
    talk = tmp_path / "talk.json"
    talk.write_text(json.dumps([{"role": "user", "content": "I play chess."}]))
    command("add", "-f", str(talk), "-u", "ann", "--no-infer", "--run-id", "r", "--app-id", "a", "--agent-id", "g",
            "-m", '{"a": 1}', "--expires", "2999-01-01", "--timestamp", "1705276800", "--immutable",
            "--custom-instructions", "Only games.", "--custom-categories", '[{"games": "What she plays"}]')  # fmt: skip
    (found,) = of(command("list", "-u", "ann", "--run-id", "r", "--app-id", "a", "--agent-id", "g"))
    shown = of(command("get", found["id"]))
    assert shown["created_at"].startswith("2024-01-15")
    assert shown["expiration_date"] == "2999-01-01"
    refused = command("add", "Nobody's", fails=True)
    assert "user" in refused.lower()


@pytest.mark.slow
def test_every_option_of_a_search_and_a_list_narrows_it(command, account):
    for n, day in enumerate(("2024-01-15", "2024-02-15", "2024-03-15"), start=1):
        moment = str(int(datetime.fromisoformat(f"{day}T12:00:00Z").timestamp()))
        kept(command, account, f"Plays chess {n}", "-m", json.dumps({"n": n}), "--timestamp", moment)
    asked = ("search", "chess", "-u", "ann", "--threshold", "0")
    assert len(of(command(*asked))) == 3
    assert len(of(command(*asked, "-k", "2", "--rerank", "--keyword"))) == 2
    by_filter = json.dumps({"AND": [{"user_id": "ann"}, {"metadata": {"n": {"gte": 2}}}]})
    assert len(of(command(*asked, "--filter", by_filter))) == 2
    assert len(of(command(*asked, "--show-expired", "--latest-only", "--reference-date", "2024-06-01"))) == 3
    listed = ("list", "-u", "ann")
    assert len(of(command(*listed, "--after", "2024-02-01", "--before", "2024-02-28"))) == 1
    assert len(of(command(*listed, "--page", "2", "--page-size", "2"))) == 1
    assert of(command(*listed, "--category", "games")) == []


@pytest.mark.slow
def test_a_memory_is_corrected_and_deleted(command, account):
    one = kept(command, account, "Drinks oolong tea")
    command("update", one, "Drinks green tea", "-m", '{"a": 1}', "--expires", "2999-01-01")
    assert of(command("get", one))["memory"] == "Drinks green tea"
    command("delete", one, "--dry-run", form="text")
    assert of(command("get", one))["id"] == one
    command("delete", one, "--delete-linked", "--force")
    assert "not found" in command("get", one, fails=True).lower()


def test_what_is_deleted_is_what_is_named(command, account):
    kept(command, account, "Plays chess")
    command("add", "Plays Go", "--no-infer", "-u", "bob")
    command("add", "Answers in rhymes", "--no-infer", "--agent-id", "poet")
    assert sorted(each["name"] for each in of(command("entity", "list", "users"))) == ["ann", "bob"]
    command("delete", "--all", "-u", "ann", "--force")
    assert [each["name"] for each in of(command("entity", "list", "users"))] == ["bob"]
    command("entity", "delete", "-u", "bob", "--force")
    assert of(command("entity", "list", "users")) == []
    assert [each["name"] for each in of(command("entity", "list", "agents"))] == ["poet"]
    command("delete", "--all", "--project", "--force")
    assert of(command("entity", "list", "agents")) == []


@pytest.mark.slow
def test_memories_are_imported_from_a_file(command, account, tmp_path):
    file = tmp_path / "memories.json"
    file.write_text(json.dumps([{"memory": "I live in Oslo."}, {"text": "I play chess.", "metadata": {"a": 1}}]))
    command("import", str(file), "-u", "ann", form=None)
    for event in of(command("event", "list")):
        assert finished(account, event["id"])["status"] == "SUCCEEDED"
    assert len(of(command("list", "-u", "ann"))) == 2


def test_who_it_speaks_to_is_told_and_a_wrong_key_is_refused(command, account):
    assert account.host in command("status", form=None)
    refused = command("list", "-u", "ann", fails=True, MEM0_API_KEY="m0-wrong")
    assert "key" in refused.lower()
    command("get", "0190a1b2-0000-4000-8000-000000000000", fails=True)
