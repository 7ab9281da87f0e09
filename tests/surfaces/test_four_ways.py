"""The library, REST, the remote client and the command line give the same answers to the same questions."""

import json
import re
from typing import ClassVar

import httpx2
from typer.testing import CliRunner

from mnemic import Memory, MnemicError, RemoteMemory
from mnemic.cli.main import app
from served import served

ALICE = {"user_id": "alice"}
NOBODY = "00000000-0000-8000-8000-000000000000"


def scenario(do):
    """What is done, step by step, with `do(step, method, **arguments)`."""
    do(
        "add",
        "add",
        messages="I live in Taipei. I play tennis with Mei on Saturdays.",
        at="2025-03-14T09:00:00Z",
        **ALICE,
    )
    do("add zh", "add", messages="我妹妹住在台南，她對花生過敏。", at="2025-03-15T09:00:00Z", **ALICE)
    do("add zh-Hans", "add", messages="我在医院工作。", at="2025-03-15T10:00:00Z", infer=False, **ALICE)
    tea = do("remember", "remember", text="Prefers green tea", kind="preference", metadata={"room": "kitchen"},
             categories=["drinks"], **ALICE)["results"][0]["id"]  # fmt: skip
    home = do("search", "search", query="Where does Alice live?", limit=3, **ALICE)["results"][0]["id"]
    do("search zh", "search", query="妹妹住在哪裡？", **ALICE)
    do("search with a filter", "search", query="tea", filters={"room": "kitchen"}, threshold=0, **ALICE)
    do("search of the past", "search", query="tennis", as_of="2025-03-20", **ALICE)
    do("search of somebody else", "search", query="tennis", user_id="bob")
    do("explain", "explain", query="Where does Alice live?", memory_id=tea, **ALICE)
    do("context", "context", query="我妹妹對什麼過敏？", max_tokens=300, **ALICE)
    do("context as messages", "context", query="What does Alice drink?", format="messages", profile=False, **ALICE)
    do("get", "get", memory_id=home)
    do("update", "update", memory_id=home, data="I live in Tainan.", metadata={"sure": True})
    do("expire", "update", memory_id=home, expiration_date="2030-01-01")
    do("history", "history", memory_id=home)
    page = do("list", "get_all", limit=2, **ALICE)
    do("next page", "get_all", limit=2, cursor=page["next_cursor"], **ALICE)
    do("list with a filter", "get_all", filters={"categories": {"contains": "drinks"}}, order="oldest", **ALICE)
    change = do("delete", "delete", memory_id=tea)["change_id"]
    do("what was deleted", "get", memory_id=tea)
    do("undo", "undo", change_id=change)
    do("what came back", "get", memory_id=tea)
    do("undo again", "undo", change_id=change)
    do("entities", "entities", **ALICE)
    do("related", "related", entity="Mei", **ALICE)
    do("an unknown entity", "related", entity="Zoe", **ALICE)
    do("graph", "graph", **ALICE)
    do("feedback", "feedback", memory_id=home, feedback="NEGATIVE", reason="It is Tainan, not Taipei")
    do("pin", "pin", memory_id=tea)
    do("profile", "profile", **ALICE)
    do("timeline", "timeline", attribute="home", **ALICE)
    do("changes", "changes", since="2025-01-01", limit=3, **ALICE)
    do("messages", "messages", limit=2, **ALICE)
    do("consolidate", "consolidate", **ALICE)
    do("forget", "forget", memory_id=tea)
    for method, given in (
        ("get", {}),
        ("update", {"data": "x"}),
        ("delete", {}),
        ("history", {}),
        ("forget", {}),
        ("pin", {}),
    ):
        do(f"{method} of an unknown id", method, memory_id=NOBODY, **given)
    do("undo of an unknown id", "undo", change_id=NOBODY)
    do("an unknown operator", "search", query="x", filters={"room": {"like": "k%"}}, **ALICE)
    do("an unknown operator in a list", "get_all", filters={"room": {"like": "k%"}}, **ALICE)
    do("a query of blanks", "search", query="  ", **ALICE)
    do("a time that means nothing", "search", query="x", as_of="soon", **ALICE)
    do("a share beyond 1", "search", query="x", threshold=1.5, **ALICE)
    do("an id that cannot be one", "add", messages="x", user_id="a b")
    do("nobody's add", "add", messages="I live in Taipei.")
    do("nobody's profile", "profile")
    do("stats", "stats", **ALICE)
    do("erase", "erase", **ALICE)
    do("delete of what is no more", "delete_all", **ALICE)


WORDS_OF_ITS_OWN = {
    "nobody's add": ("rest", "cli"),
    "nobody's profile": ("rest", "cli"),
    "a share beyond 1": ("rest",),
}
"""Where a refusal is of the same kind in other words: a flag of the command line, the shape of a request."""


class Library:
    """Method calls, of the memory here or of the remote one."""

    def __init__(self, memory):
        self._memory = memory

    def __call__(self, method, **given):
        try:
            return json.loads(json.dumps(getattr(self._memory, method)(**given)))
        except MnemicError as exc:
            return {"error": {"type": type(exc).__name__, "message": str(exc)}}


class Rest:
    """Requests as the OpenAPI document has them."""

    PATHS: ClassVar = {
        "add": "POST /v1/memories", "remember": "POST /v1/memories/remember", "search": "POST /v1/memories/search",
        "explain": "POST /v1/memories/explain", "context": "POST /v1/memories/context", "get": "GET /v1/memories/{memory_id}",
        "update": "PATCH /v1/memories/{memory_id}", "history": "GET /v1/memories/{memory_id}/history",
        "get_all": "GET /v1/memories", "delete": "DELETE /v1/memories/{memory_id}", "undo": "POST /v1/changes/{change_id}/undo",
        "entities": "GET /v1/entities", "related": "GET /v1/entities/related", "graph": "GET /v1/graph",
        "feedback": "POST /v1/memories/{memory_id}/feedback", "pin": "PUT /v1/memories/{memory_id}/pin",
        "profile": "GET /v1/profile", "timeline": "GET /v1/timeline", "changes": "GET /v1/changes",
        "messages": "GET /v1/messages", "consolidate": "POST /v1/consolidate", "forget": "POST /v1/memories/{memory_id}/forget",
        "stats": "GET /v1/stats", "erase": "POST /v1/memories/erase", "delete_all": "DELETE /v1/memories",
    }  # fmt: skip

    def __init__(self, client):
        self._client = client

    def __call__(self, method, **given):
        verb, path = self.PATHS[method].split()
        named = {name: given.pop(name) for name in re.findall(r"{(\w+)}", path)}
        if method == "add":
            given["wait"] = "extracted"  # over REST the answer comes before
        if verb in ("GET", "DELETE"):
            rest = {"params": {k: json.dumps(v) if isinstance(v, dict) else v for k, v in given.items()}}
        else:
            rest = {"json": given}
        answer = self._client.request(verb, path.format(**named), **rest)
        found = answer.json()
        if answer.is_success:
            return found["results"] if method in ("history", "timeline") else found
        return {"error": {"type": found["code"], "message": found["detail"]}}


class Cli:
    """`mnemic --server URL --json`."""

    COMMANDS: ClassVar = {"get_all": ["list"], "delete_all": ["delete", "--all", "--yes"], "erase": ["erase", "--yes"]}
    PLACED = ("memory_id", "messages", "text", "query", "data", "change_id", "entity", "attribute", "since")
    OPTIONS: ClassVar = {
        "user_id": "--user",
        "filters": "--filter",
        "categories": "--category",
        "expiration_date": "--expires",
    }

    def __init__(self, url, key):
        self._first = ["--server", url, "--api-key", key]

    def __call__(self, method, **given):
        if method == "explain":
            given["id"] = given.pop("memory_id")
        placed = [given.pop(name) for name in (*given,) if name in self.PLACED]
        placed += [given.pop("feedback")] if "feedback" in given else []
        options = []
        for name, value in given.items():
            option = self.OPTIONS.get(name, f"--{name.replace('_', '-')}")
            if isinstance(value, bool):
                options.append(option if value else f"--no-{name}")
            else:
                for each in value if isinstance(value, list) else [value]:
                    options += [option, json.dumps(each) if isinstance(each, dict) else str(each)]
        command = self.COMMANDS.get(method, [method])
        ran = CliRunner().invoke(
            app, [*self._first, *command, "--json", *options, "--", *placed], catch_exceptions=False
        )
        assert ran.stdout or ran.stderr.startswith('{"error":'), (command, ran.stderr)
        return json.loads(ran.stdout or ran.stderr)


class Plain:
    """Values with ids numbered as they come, and without what the clock and the place decide."""

    UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
    TODAY = re.compile(r"20[2-9][6-9]-\d\d-\d\dT[\d:.]+(?:\+00:00|Z)")

    def __init__(self):
        self._ids = {NOBODY: "nobody"}

    def __call__(self, value, key=""):
        if isinstance(value, dict):
            return {name: self(value[name], name) for name in sorted(value)}
        if isinstance(value, list):
            return [self(each, key) for each in value]
        if isinstance(value, float):
            return round(value, 3)
        if key == "bytes":  # of the whole store, which here holds several projects
            return "some"
        if not isinstance(value, str) or not value:
            return value
        if key in ("next_cursor", "store"):
            return f"a {key}"
        numbered = self.UUID.sub(lambda found: self._ids.setdefault(found[0], f"id {len(self._ids)}"), value)
        return self.TODAY.sub("now", numbered)


def told_by(way):
    """Every step's answer, as the scenario goes on with it, and made plain."""
    plain, told = Plain(), {}

    def do(step, method, **given):
        answer = way(method, **given)
        told[step] = plain(answer)
        return answer

    scenario(do)
    return told


def test_one_scenario_gives_the_same_through_the_library_rest_the_remote_client_and_the_command_line(tmp_path):
    with Memory(tmp_path / "here.db") as memory:
        expected = told_by(Library(memory))
    with served(tmp_path / "there.db") as server:
        ways = {}
        with RemoteMemory(server.url, api_key=server.key_of_a_project("remote")) as remote:
            ways["remote"] = told_by(Library(remote))
        headers = {"Authorization": f"Bearer {server.key_of_a_project('rest')}"}
        with httpx2.Client(base_url=server.url, headers=headers, timeout=60) as client:
            ways["rest"] = told_by(Rest(client))
        ways["cli"] = told_by(Cli(server.url, server.key_of_a_project("cli")))
    assert sum("error" in each for each in expected.values()) > 15, "refusals are part of the scenario"
    for name, told in ways.items():
        for step, answer in told.items():
            if name in WORDS_OF_ITS_OWN.get(step, ()):
                assert answer["error"]["type"] == expected[step]["error"]["type"], (name, step)
            else:
                assert answer == expected[step], (name, step)
