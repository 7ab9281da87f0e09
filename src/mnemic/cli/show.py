"""Answers on stdout: the library's JSON, or tables for people.

What is shown to people comes from messages that anybody may have written, so no markup in it is
obeyed and no control character reaches the terminal.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from mnemic.cli.session import Session
    from mnemic.types import (
        AddResult,
        ConsolidateResult,
        ContextResult,
        EntitiesResult,
        EntityItem,
        GraphResult,
        HistoryItem,
        ListResult,
        LogResult,
        MemoryItem,
        PendingResult,
        RelatedResult,
        RelationItem,
        SearchResult,
        StatsResult,
        VerifyResult,
    )

Result = TypeVar("Result")

_PIPED_WIDTH = 160
"""Columns where there is no terminal to fill: wide enough for most memories on a line."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def answer(session: Session, result: Result, people: Callable[[Result], None]) -> None:
    """Print what a method returned, as JSON when that was asked for."""
    if session.json:
        as_json(result)
    else:
        people(result)


def as_json(result: object) -> None:
    """Print JSON, indented, in UTF-8."""
    typer.echo(json.dumps(result, ensure_ascii=False, indent=2))


def console(*, stderr: bool = False) -> Console:
    """A console on the stream as it is now; plain text where that is no terminal."""
    from rich.console import Console  # here and below: help, completion and --json do without

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPED_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def plain(words: object, style: str = "") -> Text:
    """Text without anything that a terminal would obey."""
    from rich.text import Text

    return Text(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(words)), style=style)


def say(words: object = "", style: str = "") -> None:
    """Print a line."""
    console().print(plain(words, style), soft_wrap=True)


def hint(words: object) -> None:
    """Print a line for people on stderr."""
    console(stderr=True).print(plain(words, "dim"), soft_wrap=True)


# One function a command.


def added(result: AddResult) -> None:
    """Memories made, sentences left out, and what it cost."""
    rows = table("Event", "Memory")
    for each in result["results"]:
        note = " · ".join(part for part in (each["kind"], each.get("reason"), each["id"]) if part)
        rows.add_row(plain(each["event"], "green" if each["event"] == "ADD" else "yellow"), cell(each["memory"], note))
    receipt = result["receipt"]
    for message in receipt["messages"]:
        for refused in message["refused"]:
            rows.add_row(plain("not kept", "dim"), cell(refused["quote"], refused["reason"]))
        if not message["memories"]:
            note = " · ".join(part for part in (message["state"], message["reason"]) if part)
            rows.add_row(plain("message", "dim"), cell(message["episode_id"], note))
    console().print(rows)
    if receipt["extractor"] is not None:
        cost = receipt["usage"]
        tokens = cost["input_tokens"] + cost["output_tokens"]
        say(f"extracted by {receipt['extractor']}, {cost['model_calls']} model calls, {tokens:,} tokens", "dim")
    hint(f"to take it back: mnemic undo {receipt['change_id']}")


def updated(result: Mapping[str, Any]) -> None:
    """The memory as it is now."""
    say(f"{result['event']}  {result['memory']}")
    say(f"version {result['version']} of {result['id']}", "dim")


def deleted(result: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """What went away."""
    for each in [result] if isinstance(result, Mapping) else result:
        if "messages_hidden" in each:
            say(f"{each['deleted']:,} memories deleted, {each['messages_hidden']:,} messages hidden")
        else:
            say(f"deleted {each['id']}")
        hint(f"to take it back: mnemic undo {each['change_id']}")


def hits(result: SearchResult) -> None:
    """Hits with score, day and source."""
    if result["results"]:
        console().print(hit_table(result["results"]))
    if not result["results"]:
        hint(
            f"nothing relevant; {result['below_floor']:,} candidates below the threshold (see them all: --threshold 0)"
        )
    for note in result.get("notes", []):
        hint(f"note: {note}")


def hit_table(items: Sequence[MemoryItem]) -> Table:
    """Score, day and memory; below the memory where it comes from."""
    rows = table("Score", "Said", "Memory")
    for each in items:
        parts = each.get("score_details")
        details = "" if parts is None else "\n" + " · ".join([*arms(parts), *boosts(parts)])
        rows.add_row(
            plain(f"{each['score']:.2f}", "cyan"),
            plain(_day(each["said_at"])),
            cell(each["memory"], _origin(each) + details),
        )
    return rows


def context(result: ContextResult) -> None:
    """The block itself on stdout, what it left out on stderr."""
    if not result["context"]:
        hint("nothing relevant" + (f"; {result['omitted']:,} hits do not fit" if result["omitted"] else ""))
        return
    shown = result["context"]
    if "messages" in result:
        shown = json.dumps(result["messages"], ensure_ascii=False, indent=2)
    typer.echo(_CONTROLS.sub("\N{REPLACEMENT CHARACTER}", shown))
    if result["omitted"]:
        hint(f"{result['omitted']:,} more hits do not fit into the budget (--max-tokens)")
    if result["profile_omitted"]:
        hint(f"{result['profile_omitted']:,} more memories about the user do not fit into their third of the budget")


def listing(result: ListResult) -> None:
    """One page."""
    rows = table("Said", "Memory")
    for each in result["results"]:
        rows.add_row(plain(_day(each["said_at"] or each["created_at"])), cell(each["memory"], _origin(each)))
    if result["results"]:
        console().print(rows)
    hint(f"{len(result['results']):,} of {result['total']:,} memories")
    if result["next_cursor"] is not None:
        hint(f"next page: --cursor {result['next_cursor']}")


def memory(result: MemoryItem) -> None:
    """Everything about one memory."""
    from rich import box
    from rich.console import Group
    from rich.panel import Panel

    skipped = ("memory", "sources", "hash")
    rows = _grid()
    for name, value in result.items():
        if name not in skipped and value not in (None, [], {}):
            rows.add_row(
                plain(name, "dim"), plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            )
    for source in result["sources"]:
        who = source["actor_id"] or source["role"]
        rows.add_row(plain("source", "dim"), plain(f"{source['said_at']} {who}: “{source['quote']}”"))
    console().print(
        Panel(Group(plain(result["memory"], "bold"), plain(""), rows), box=box.ROUNDED if _tty() else box.ASCII)
    )


def history(result: Sequence[HistoryItem]) -> None:
    """A line a change."""
    rows = table("When", "Event", "Version", "Before", "After", "Who and why")
    for each in result:
        why = " · ".join(part for part in (each["actor"], each["reason"]) if part)
        cells = (
            each["created_at"][:19],
            each["event"],
            each["version"],
            each["old_memory"] or "",
            each["new_memory"] or "",
            why,
        )
        rows.add_row(*(plain(each) for each in cells))
    if result:
        console().print(rows)
    else:
        hint("nothing has changed since it was said")


def stats(result: StatsResult) -> None:
    """A line a figure."""
    pairs({name: f"{value:,}" if isinstance(value, int) else value for name, value in result.items()})


def verified(result: VerifyResult) -> None:
    """Sound, or every problem."""
    say(
        f"{'sound' if result['ok'] else 'NOT SOUND'}: {result['checked']:,} records checked",
        "green" if result["ok"] else "red",
    )
    for problem in result["problems"]:
        say(f"- {problem}")


def log(result: LogResult) -> None:
    """One page of the log."""
    rows = table("Said", "State", "Message")
    for each in result["results"]:
        who = each["actor_id"] or each["role"]
        note = " · ".join(part for part in (who, each["reason"], each["id"]) if part)
        rows.add_row(plain(_day(each["said_at"])), plain(each["state"]), cell(each["content"], note))
    if result["results"]:
        console().print(rows)
    hint(f"{len(result['results']):,} of {result['total']:,} messages")
    if result["next_cursor"] is not None:
        hint(f"next page: --cursor {result['next_cursor']}")


def processed(result: PendingResult) -> None:
    """What came of pending messages."""
    rows = table("Event", "Memory")
    for each in result["results"]:
        rows.add_row(plain(each["event"]), cell(each["memory"], each["id"]))
    for message in result["messages"]:
        if not message["memories"]:
            note = " · ".join(part for part in (message["state"], message["reason"]) if part)
            rows.add_row(plain("message", "dim"), cell(message["episode_id"], note))
    if result["messages"]:
        console().print(rows)
    hint(f"{result['processed']:,} messages done, {result['pending']:,} pending, {result['failed']:,} failed")


def proposals(result: ConsolidateResult) -> None:
    """A line a proposal, with what it rests on."""
    rows = table("Kind", "Proposal")
    for each in result["proposals"]:
        rests = "\n".join(f"  {text}" for text in each["texts"])
        state = each.get("change_id") or each.get("error") or each["id"]
        rows.add_row(
            plain(each["kind"]), cell(each["proposed"] or each["reason"], f"{rests}\n{each['reason']} · {state}")
        )
    if result["proposals"]:
        console().print(rows)
        hint("nothing was changed; apply with --apply" if result["dry_run"] else f"{result['applied']} applied")
    else:
        hint("nothing to tidy up")


def entities(result: EntitiesResult) -> None:
    """A line an entity."""
    _entity_table(result["results"])
    hint(f"{len(result['results']):,} of {result['total']:,} entities")
    if result["next_cursor"] is not None:
        hint(f"next page: --cursor {result['next_cursor']}")


def related(result: RelatedResult) -> None:
    """The relations, then who else is near."""
    _relation_lines(result["relations"])
    _entity_table(result["related"])
    if not result["related"]:
        hint(f"nothing is linked with {result['entity']['name']} yet")


def graph(result: GraphResult) -> None:
    """Edges, then nodes."""
    _relation_lines(result["edges"])
    _entity_table(result["nodes"])
    hint(f"{len(result['nodes']):,} of {result['total']:,} entities, {len(result['edges']):,} relations")


def _relation_lines(relations: Sequence[RelationItem]) -> None:
    for each in relations:
        say(f"{each['subject_name']} —{each['predicate']}→ {each['object_name']}")


def _entity_table(items: Sequence[EntityItem]) -> None:
    rows = table("Kind", "Memories", "Name")
    for each in items:
        also = ", ".join(each["aliases"])
        rows.add_row(
            plain(each["kind"]),
            plain(each["memories"]),
            cell(each["name"], " · ".join(filter(None, (also, each["id"])))),
        )
    if items:
        console().print(rows)


def pairs(values: Mapping[str, object]) -> None:
    """Names and values, a line each."""
    rows = _grid()
    for name, value in values.items():
        rows.add_row(plain(name.replace("_", " "), "dim"), plain("-" if value is None else value))
    console().print(rows)


# Parts.


def table(*columns: str) -> Table:
    """A table that is plain text where there is no terminal; columns that hold memories fold."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD if _tty() else None, pad_edge=False, header_style="dim", show_edge=False)
    for column in columns:
        made.add_column(column, no_wrap=column in ("Score", "Said", "When", "Event"), overflow="fold")
    return made


def _grid() -> Table:
    from rich.table import Table

    return Table.grid(padding=(0, 2))


def arms(details: Mapping[str, Any]) -> list[str]:
    """Where each arm ranked a hit, with what it found; and what turns beside it lent."""
    found = [
        f"{arm} {each['rank']}" + ("" if each["value"] is None else f", {each['value']:.2f}")
        for arm, each in details["arms"].items()
    ]
    return [*found, f"turns beside {details['beside']:.2f}"] if details["beside"] else found


def boosts(details: Mapping[str, Any]) -> list[str]:
    """What moved a hit, and by how much."""
    return [f"{name} {(factor - 1) * 100:+.1f} %" for name, factor in details["boosts"].items()]


def cell(words: str, note: str) -> Text:
    """Words, and below them a note."""
    return plain("\n").join([plain(words), plain(note, "dim")])


def _origin(item: MemoryItem) -> str:
    """What a memory is, whose, where its words come from, and its id."""
    ids = [f"{name} {value}" for name in ("user", "agent", "app", "run") if (value := item.get(f"{name}_id"))]
    labels = [", ".join(item["categories"])] if item["categories"] else []
    quotes = [source["quote"] for source in item["sources"] if source["quote"] != item["memory"]]
    cited = f"“{quotes[0]}”\n" if quotes else ""
    gone = [f"until {_day(item.get('valid_to') or item['known_to'])}"] if "known_to" in item else []
    return cited + " · ".join([item["kind"], *gone, *labels, *ids, item["id"]])


def _day(said_at: str | None) -> str:
    return "" if said_at is None else datetime.fromisoformat(said_at).date().isoformat()


def _tty() -> bool:
    return sys.stdout.isatty()
