"""`mnemic demo`: a first session, then a shipped conversation with questions whose answers are known."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from rich.table import Table

from mnemic.cli import importing, show
from mnemic.cli.session import BAD_INPUT, Session, report
from mnemic.errors import InvalidInput
from mnemic.sync import Memory
from mnemic.types import MemoryItem

_SAID = "我正在改善我的網球技巧。建議一些線上課程。"
_ASKED = "Alice 的興趣是什麼?"
_CORRECTED = "喜歡在週末打網球"
_HOMES = ("I live in Taipei.", "I moved to Tainan.")
_ASKED_OF_HOMES = ("Where do I live?", "Where did I live before?")
_HITS = 3


@dataclass(kw_only=True)
class _Shown:
    """What the demo did, for --json."""

    store: str
    calls: list[dict[str, Any]] = field(default_factory=list)
    imported: dict[str, Any] = field(default_factory=dict)
    questions: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


def run(session: Session, keep: Path | None) -> int:
    """The whole demo; returns the exit code."""
    if keep is not None and keep.expanduser().exists():
        report(
            InvalidInput(f"{str(keep)!r} is there already; the demo keeps its store in a new file"),
            as_json=session.json,
        )
        return BAD_INPUT
    with _place(keep) as path:
        session = replace(session, settings=replace(session.settings, path=str(path)))
        shown = _Shown(store=str(path))
        with _timed(shown, "start"):
            memory = session.memory()
        with memory:
            with _timed(shown, "first session"):
                _first_session(memory, shown, quiet=session.json)
            with _timed(shown, "import"):
                _import(memory, shown)
            if not session.json:
                done = shown.imported
                show.say(
                    f"\nA conversation of {done['messages']} messages imported: {done['memories']} memories,"
                    f" {done['replaced']} replaced by later ones.\n",
                    "bold",
                )
            with _timed(shown, "questions"):
                _ask(memory, shown, quiet=session.json)
    shown.seconds["total"] = round(sum(shown.seconds.values()), 2)
    if session.json:
        show.as_json(vars(shown))
    else:
        _say_end(shown, keep)
    return 0


def _first_session(memory: Memory, shown: _Shown, *, quiet: bool) -> None:
    """Each method once, as in the quickstart."""

    def call(code: str, method: Callable[[], Any], tell: Callable[[Any], str]) -> Any:
        result = method()
        shown.calls.append({"call": code, "result": result})
        if not quiet:
            show.say(f">>> {code}", "cyan")
            show.say(f"{tell(result)}\n")
        return result

    call(
        f'm.add("{_SAID}", user_id="alice", metadata={{"category": "hobbies"}})',
        lambda: memory.add(_SAID, user_id="alice", metadata={"category": "hobbies"}),
        lambda r: "\n".join(
            [f"{each['event']}  {each['memory']}" for each in r["results"]]
            + [
                f"not kept  {each['quote']} ({each['reason']})"
                for m in r["receipt"]["messages"]
                for each in m["refused"]
            ]
        ),
    )
    listed = call(
        'm.get_all(user_id="alice")',
        lambda: memory.get_all(user_id="alice"),
        lambda r: "\n".join(f"{each['memory']}  {each['metadata']}" for each in r["results"]),
    )
    call(
        f'm.search("{_ASKED}", user_id="alice")',
        lambda: memory.search(_ASKED, user_id="alice"),
        lambda r: "\n".join(f"{each['score']:.2f}  {each['memory']}" for each in r["results"]) or _nothing(r),
    )
    if not listed["results"]:
        return
    memory_id = listed["results"][-1]["id"]
    call(
        f'm.update("{memory_id[:8]}…", "{_CORRECTED}")',
        lambda: memory.update(memory_id, _CORRECTED),
        lambda r: f"{r['event']}  {r['memory']}  (version {r['version']})",
    )
    call(
        f'm.history("{memory_id[:8]}…")',
        lambda: memory.history(memory_id),
        lambda r: "\n".join(f"{e['event']}  {e['old_memory'] or '-'} -> {e['new_memory']}" for e in r),
    )
    for said in _HOMES:
        call(
            f'm.add("{said}", user_id="alice")',
            partial(memory.add, said, user_id="alice"),
            lambda r: "\n".join(f"{each['event']}  {each['memory']}" for each in r["results"]),
        )
    for asked in _ASKED_OF_HOMES:
        call(
            f'm.search("{asked}", user_id="alice", limit=1)',
            partial(memory.search, asked, user_id="alice", limit=1),
            lambda r: "\n".join(f"{each['score']:.2f}  {each['memory']}" for each in r["results"]) or _nothing(r),
        )


def _import(memory: Memory, shown: _Shown) -> None:
    outcome = importing.Outcome()
    with resources.as_file(resources.files("mnemic.cli") / "demo_conversation.jsonl") as file:
        parts = importing.read_parts({file.name: file}, format="jsonl", left_out=outcome)
        for done in importing.store(memory, parts, {"user_id": "yuan"}, infer=True, outcome=outcome):
            outcome.messages += done
    current = memory.stats(user_id="yuan")["memories"]
    shown.imported = {
        "messages": outcome.messages, "memories": current, "replaced": outcome.memories - current,
    }  # fmt: skip


def _ask(memory: Memory, shown: _Shown, *, quiet: bool) -> None:
    questions = json.loads((resources.files("mnemic.cli") / "demo_questions.json").read_text(encoding="utf-8"))
    for each in questions:
        started = time.perf_counter()
        found = memory.search(each["question"], user_id="yuan", limit=_HITS)
        took = (time.perf_counter() - started) * 1000
        hits = found["results"]
        places = [place for place, hit in enumerate(hits, 1) if each["expect"] and each["expect"] in _words(hit)]
        right = not hits if each["expect"] is None else bool(places)
        shown.questions.append({**each, "found": right, "hits": hits, "milliseconds": round(took, 1)})
        if not quiet:
            show.say(f"{each['question']}  ({each['note']}; {took:.0f} ms)", "bold")
            if hits:
                show.console().print(_table(hits, places))
            else:
                show.say(_nothing(found))
            show.say(f"{_verdict(each['expect'], places, hits)}\n", "green" if right else "yellow")


def _words(hit: MemoryItem) -> str:
    """What a hit says, with the words it comes from."""
    return "\n".join([hit["memory"], *(source["quote"] for source in hit["sources"])])


def _table(hits: list[MemoryItem], places: list[int]) -> Table:
    """Score and day; the memory, and below it the message it comes from."""
    table = show.table("", "Score", "Said", "Memory and source")
    for place, hit in enumerate(hits, 1):
        source = hit["sources"][0]
        same = source["quote"] == hit["memory"]
        who = source["actor_id"] or source["role"]
        cited = f"{who}, {source['said_at'][:16]}: {'these words' if same else '“' + source['quote'] + '”'}"
        table.add_row(
            show.plain("✓" if place in places else "", "green"),
            show.plain(f"{hit['score']:.2f}", "cyan"),
            show.plain((hit["said_at"] or "")[:10]),
            show.cell(hit["memory"], cited),
        )
    return table


def _verdict(expected: str | None, places: list[int], hits: list[Any]) -> str:
    if expected is None:
        return "these hits are not an answer" if hits else "nothing here answers it, and that is the answer"
    return f"✓ “{expected}” is hit {places[0]}" if places else f"– “{expected}” is not among the first {_HITS}"


def _nothing(result: Any) -> str:
    return f"nothing relevant ({result['below_floor']} candidates below the floor)"


def _say_end(shown: _Shown, keep: Path | None) -> None:
    right = sum(each["found"] for each in shown.questions)
    took = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in shown.seconds.items())
    show.say(f"{right} of {len(shown.questions)} questions as expected; {took}", "bold")
    if keep is not None:
        show.say(f'kept: mnemic --store {keep} search "…" --user yuan')


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep.expanduser()
        return
    with tempfile.TemporaryDirectory(prefix="mnemic-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder) / "demo.db"


@contextmanager
def _timed(shown: _Shown, name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    shown.seconds[name] = round(time.perf_counter() - started, 2)
