"""What 1,000 turns cost: model calls, tokens and embeddings, of Mnemic and of mem0ai on the same turns.

    python evals/write/cost.py [--turns 1000] [--mem0-python .venv-bench/bin/python]

One stub server on loopback stands in for the model and the embedder of both. It counts what it is
sent and answers each request for facts with the same facts, in the form that the asker wants. Tokens
are counted by the estimate in `mnemic.ranking`, the same for both, over the messages and over the
schema of the answer where one is sent. Each side runs in a process of its own; mem0ai may need
another interpreter, as it brings much along.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SEED = 500
SIZE = 256  # of a vector

Exchange = tuple[str, str, bool]
"""What the user says, what the assistant says, and whether the user's words hold a fact."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--mem0-python", default=sys.executable, help="an interpreter that has mem0ai")
    parser.add_argument("--side", choices=("mnemic", "mem0"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is not None:
        return _run_side(given.side, given.url)
    exchanges = conversation(given.turns)
    rows = {side: _measure(side, exchanges, python) for side, python in _sides(given.mem0_python)}
    print(f"{given.turns} turns, two an add; {sum(fact for *_, fact in exchanges)} of them hold a fact\n")
    print(table(rows))
    share = rows["mnemic"].counts["tokens_in"] / max(rows["mem0"].counts["tokens_in"], 1)
    print(f"\nprompt tokens of Mnemic: {share:.1%} of mem0ai's (the goal is at most 20 %)")
    return 0 if share <= 0.2 else 1


def _sides(mem0_python: str) -> tuple[tuple[str, str], ...]:
    return ("mnemic", sys.executable), ("mem0", mem0_python)


def conversation(turns: int) -> list[Exchange]:
    """Exchanges of a user's turn and an assistant's; two in five of the user's hold a fact."""
    from changes import generate
    from log1000 import ASSISTANT_CHATTER, FACTS, USER_CHATTER

    draw = random.Random(SEED)
    changed = [one for one in generate(200) if one.language == "en"]
    texts = [text for one in changed for text in (one.before, one.after, *one.bystanders)]
    facts = list(dict.fromkeys([*texts, *(text for text, _ in FACTS["en"])]))
    exchanges = []
    for _ in range(turns // 2):
        fact = draw.random() < 0.4
        said = draw.choice(facts) if fact else draw.choice(USER_CHATTER["en"])
        exchanges.append((said, draw.choice(ASSISTANT_CHATTER["en"]), fact))
    return exchanges


# Measuring.


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one side sent to the stub."""

    version: str
    counts: Counter[str]
    largest: int
    """Tokens of the longest prompt."""
    memories: int
    seconds: float


def _measure(side: str, exchanges: list[Exchange], python: str) -> Measured:
    with _stub() as stub, tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{stub.server_address[1]}"
        kept_out = {"PYTHONPATH"} if python != sys.executable else set()
        environment = {name: value for name, value in os.environ.items() if name not in kept_out}
        environment |= {"OPENAI_API_KEY": "unused", "MEM0_TELEMETRY": "False", "MEM0_DIR": folder}
        begun = time.perf_counter()
        done = subprocess.run(
            [python, __file__, "--side", side, "--url", url],
            input=json.dumps(exchanges), capture_output=True, text=True, check=False, cwd=folder, env=environment,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{side} failed:\n{done.stderr[-3000:]}")
        told = json.loads(done.stdout.splitlines()[-1])
        return Measured(
            version=told["version"],
            counts=stub.counts,
            largest=stub.largest,
            memories=told["memories"],
            seconds=time.perf_counter() - begun,
        )


def table(rows: dict[str, Measured]) -> str:
    """A row a side."""
    heads = (
        "",
        "adds",
        "model calls",
        "tokens in",
        "of that schema",
        "longest prompt",
        "tokens out",
        "texts embedded",
        "memories",
    )
    lines = [heads]
    for side, one in rows.items():
        count = one.counts
        numbers = (
            count["adds"], count["calls"], count["tokens_in"], count["schema"], one.largest, count["tokens_out"], count["embedded"],
            one.memories,
        )  # fmt: skip
        lines.append((f"{side} {one.version}", *(f"{number:,}" for number in numbers)))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


# The two sides, each in its own process.


def _run_side(side: str, url: str) -> int:
    exchanges: list[Exchange] = [tuple(each) for each in json.load(sys.stdin)]
    told = {"mnemic": _ours, "mem0": _theirs}[side](exchanges, url)
    print(json.dumps(told))
    return 0


def _announce(url: str, said: str, *, fact: bool) -> None:
    """Tell the stub which facts the next questions are about."""
    body = json.dumps({"facts": [said] if fact else []}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{url}/next", data=body, method="POST")).read()


def _messages(said: str, answered: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": said}, {"role": "assistant", "content": answered}]


def _ours(exchanges: list[Exchange], url: str) -> dict[str, Any]:
    import mnemic

    memory = mnemic.Memory(
        ":memory:",
        llm="openai:stub", llm_base_url=f"{url}/mnemic/v1",
        embedder="openai:stub", embedder_base_url=f"{url}/mnemic/v1",
    )  # fmt: skip
    for said, answered, fact in exchanges:
        _announce(url, said, fact=fact)
        memory.add(_messages(said, answered), user_id="u")
    kept = memory.stats(user_id="u")["memories"]
    memory.close()
    return {"version": mnemic.__version__, "memories": kept}


def _theirs(exchanges: list[Exchange], url: str) -> dict[str, Any]:
    import mem0

    base = f"{url}/mem0/v1"
    memory = mem0.Memory.from_config(
        {
            "llm": {"provider": "openai", "config": {"model": "gpt-4o-mini", "openai_base_url": base}},
            "embedder": {
                "provider": "openai",
                "config": {"model": "text-embedding-3-small", "embedding_dims": SIZE, "openai_base_url": base},
            },
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": "qdrant", "embedding_model_dims": SIZE, "on_disk": True},
            },
            "history_db_path": "history.db",
        }
    )
    for said, answered, fact in exchanges:
        _announce(url, said, fact=fact)
        memory.add(_messages(said, answered), user_id="u")
    kept = len(memory.get_all(filters={"user_id": "u"}, top_k=10_000)["results"])
    return {"version": mem0.__version__, "memories": kept}


# The stub.


class _Stub(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.counts: Counter[str] = Counter()
        self.largest = 0
        self.facts: list[str] = []
        self.lock = threading.Lock()


@contextmanager
def _stub() -> Iterator[_Stub]:
    server = _Stub()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: _Stub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            if self.path == "/next":
                self.server.facts = body["facts"]
                self.server.counts["adds"] += 1
                answer: dict[str, Any] = {}
            elif self.path.endswith("/embeddings"):
                answer = self._embeddings(body)
            elif self.path.endswith("/chat/completions"):
                answer = self._completion(body)
            else:
                self.send_error(404)
                return
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _completion(self, body: dict[str, Any]) -> dict[str, Any]:
        schema = _schema(body)
        asked = "\n".join(_text(message["content"]) for message in body["messages"])
        shape = _tokens(json.dumps(schema, ensure_ascii=False)) if schema else 0
        tokens = _tokens(asked) + shape
        facts = self.server.facts
        if "/mem0/" in self.path:
            said: Any = {
                "memory": [{"id": str(n), "text": fact, "attributed_to": "user"} for n, fact in enumerate(facts)]
            }
        else:
            said = _fill(schema, schema, facts)
        text = json.dumps(said, ensure_ascii=False)
        self.server.counts.update(calls=1, tokens_in=tokens, schema=shape, tokens_out=_tokens(text))
        self.server.largest = max(self.server.largest, tokens)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": tokens, "completion_tokens": _tokens(text), "total_tokens": tokens + _tokens(text)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "x",
            "object": "chat.completion",
            "created": 0,
            "model": "stub",
            "choices": [choice],
            "usage": usage,
        }

    def _embeddings(self, body: dict[str, Any]) -> dict[str, Any]:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        self.server.counts["embedded"] += len(texts)
        data = [
            {"object": "embedding", "index": index, "embedding": _vector(text, body.get("encoding_format"))}
            for index, text in enumerate(texts)
        ]
        tokens = sum(map(_tokens, texts))
        return {
            "object": "list", "model": "stub", "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}
        }  # fmt: skip

    def log_message(self, *_: Any) -> None:
        """Nothing: a line a request would drown the table."""


def _tokens(text: str) -> int:
    from mnemic.tokens import count

    return count(text)


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or ())


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    """The schema of the answer that a request carries; none: empty."""
    return (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})


def _fill(part: dict[str, Any], whole: dict[str, Any], facts: list[str]) -> Any:
    """The least value that a schema allows, with `facts` in its list of facts."""
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rsplit("/", 1)[-1]]
    if "enum" in part:
        return part["enum"][0]
    kind = part.get("type")
    if kind == "object":
        filled = {name: _fill(each, whole, facts) for name, each in part.get("properties", {}).items()}
        items = part.get("properties", {}).get("facts", {}).get("items")
        if items is not None:
            filled["facts"] = [_fact(_fill(items, whole, []), fact) for fact in facts]
        return filled
    return {"array": [], "integer": 0, "number": 0, "boolean": False, "null": None}.get(str(kind), "")


def _fact(empty: dict[str, Any], text: str) -> dict[str, Any]:
    known = {
        "turn": 1,
        "quote": text,
        "text": text,
        "subject": "user",
        "attribute": "detail",
        "kind": "fact",
        "does": "new",
    }
    return empty | {name: value for name, value in known.items() if name in empty}


def _vector(text: str, encoding: str | None) -> Any:
    """Hashed words: texts that share words lie near each other."""
    import base64

    import numpy as np

    vector = np.full(SIZE, 1e-3, dtype=np.float32)
    for word in text.casefold().split():
        vector[int.from_bytes(hashlib.md5(word.encode()).digest()[:4], "big") % SIZE] += 1
    vector /= np.linalg.norm(vector)
    return base64.b64encode(vector.tobytes()).decode() if encoding == "base64" else vector.tolist()


if __name__ == "__main__":
    sys.exit(main())
