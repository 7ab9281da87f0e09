"""`mnemic explain`: why a search answers as it does, as a table, as JSON, or as a page to look at."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mnemic.cli import show
from mnemic.cli.past import AsOf, KnownAt, ReferenceDate, moment
from mnemic.cli.session import NOT_FOUND, WHOSE, FilterJson, Session, ShowExpired, Threshold, command, parse_json
from mnemic.errors import InvalidInput

if TYPE_CHECKING:
    from rich.table import Table

    from mnemic.types import ExplainedItem, ExplainResult, IntervalItem, QuestionItem


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, whose=WHOSE)(explain)


def explain(
    session: Session,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What was searched for.")],
    *,
    memory_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Say why this memory or message is there, or is not.")
    ] = None,
    page: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, too.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most hits.")] = 20,
    threshold: Threshold = None,
    where: FilterJson = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="memory, episode; may be given again. [memory]")
    ] = None,
    show_expired: ShowExpired = False,
    past: Annotated[bool, typer.Option("--past", help="Also what no longer holds.")] = False,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    reference_date: ReferenceDate = None,
    rerank: Annotated[bool, typer.Option(help="Let the reranker order, where there is one.")] = True,
) -> int:
    """Say why search answers as it does: what each arm found, what was dropped, and where a memory went.

    Exit code 3: no memory or message has the id of --id.
    """
    kinds: Any = include or None
    with session.memory() as memory:
        result = memory.explain(
            query,
            memory_id,
            **session.ids,
            limit=limit,
            threshold=threshold,
            filters=parse_json(where, "--filter"),
            include=kinds,
            show_expired=show_expired,
            latest_only=False if past else None,
            as_of=moment(as_of),
            known_at=moment(known_at),
            reference_date=moment(reference_date),
            rerank=None if rerank else False,
        )
    if page is not None:
        _write(page, as_html(result, query))
    show.answer(session, result, _explained)
    if page is not None:
        show.hint(f"written: {page}")
    unknown = "memory" in result and result["memory"]["status"] == "unknown"
    return NOT_FOUND if unknown else 0


def _write(page: Path, words: str) -> None:
    try:
        page.expanduser().write_text(words, encoding="utf-8")
    except OSError as exc:
        raise InvalidInput(f"{page} cannot be written: {exc.strerror or exc}") from exc


# For people.


def _explained(result: ExplainResult) -> None:
    show.say(understood(result["question"]), "dim")
    show.say(looked(result), "dim")
    if "memory" in result:
        told = result["memory"]
        show.say()
        if told["memory"] is not None:
            show.say(told["memory"], "bold")
        show.say(told["reason"], "green" if told["status"] == "found" else "yellow")
    if result["hits"]:
        show.say()
        show.console().print(_table(result["hits"]))
    if result["dropped"]:
        show.say(f"\nnot shown: {_counts(result)}")
        show.console().print(_table(result["dropped"]))
    for note in result.get("notes", []):
        show.hint(f"note: {note}")


def _table(items: Sequence[ExplainedItem]) -> Table:
    rows = show.table("Rank", "Score", "Memory", "Arms: rank, value", "Boosts")
    for each in items:
        details = each["score_details"]
        rows.add_row(
            show.plain(each["rank"]),
            show.plain(f"{each['score']:.2f}", "cyan"),
            show.cell(each["memory"], _note(each)),
            show.plain("\n".join(show.arms(details))),
            show.plain("\n".join(show.boosts(details))),
        )
    return rows


def _note(item: ExplainedItem) -> str:
    said = "" if item["said_at"] is None else item["said_at"][:10]
    dropped = "" if item["dropped"] is None else item["dropped"].replace("_", " ")
    copy = "" if item["copy_of"] is None else f"the words of {item['copy_of']}"
    return " · ".join(filter(None, [dropped, copy, said, item["kind"], item["id"]]))


def understood(question: QuestionItem) -> str:
    """What was understood of a question, in a line."""
    anchor = question["anchor"]
    parts = [
        f"looked for “{question['core']}”",
        f"names {', '.join(question['names'])}" if question["names"] else "",
        *(f"time {_interval(each)}" for each in question["times"]),
        "" if anchor is None else f"{anchor['role']} “{anchor['text']}”",
        "" if question["order"] is None else f"the {question['order']} of several",
        "what was" if question["past"] else "",
        "what is now" if question["present"] else "",
        "several answers" if question["breadth"] else "",
        "about the user" if question["about_user"] else "",
    ]
    return "understood: " + " · ".join(filter(None, parts))


def _interval(time: IntervalItem) -> str:
    start, end = (None if each is None else each[:10] for each in (time["start"], time["end"]))
    if start is None or end is None:
        return f"before {end}" if start is None else f"from {start} on"
    return f"from {start} to before {end}"


def looked(result: ExplainResult) -> str:
    """Who looked through how much, and what was asked of a hit."""
    lift = "" if result["lift"] is None else f" (lift {result['lift']:.2f}, and 1 is the least)"
    parts = [
        f"{result['searched']:,} records searched by {', '.join(result['arms'])}",
        f"floor {result['floor']:.2f}",
        "" if result["heard"] else f"nothing stands out for the question{lift}",
    ]
    return " · ".join(filter(None, parts))


def _counts(result: ExplainResult) -> str:
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in result["dropped_counts"].items())
    shown = len(result["dropped"])
    return counts if shown == sum(result["dropped_counts"].values()) else f"{counts}; the nearest {shown}"


# A page.


def as_html(result: ExplainResult, query: str) -> str:
    """One page that needs nothing else: no network and no script. Everything said is escaped."""
    template = Template(resources.files("mnemic.cli").joinpath("explain.html").read_text(encoding="utf-8"))
    every = [*result["hits"], *result["dropped"]]
    most = {
        arm: max((value for each in every if (value := _value(each, arm)) is not None), default=0.0)
        for arm in (*result["arms"], "beside")
    }
    parts = [_section("Hits", result["hits"], most)] if result["hits"] else ["<h2>Nothing relevant</h2>"]
    if result["dropped"]:
        parts.append(_section(f"Not shown: {_counts(result)}", result["dropped"], most))
    return template.substitute(
        title=_escaped(f"Why: {query}"),
        query=_escaped(query),
        understood=_escaped(understood(result["question"])),
        looked=_escaped(looked(result)),
        reason=_reason(result),
        tables="\n".join(parts),
        note=_escaped(
            "Each arm: its rank, and what it found; bars are shares of the most in their column. “Beside” is what turns"
            " around a message lend it." + "".join(f" Note: {each}." for each in result.get("notes", []))
        ),
    )


def _reason(result: ExplainResult) -> str:
    if "memory" not in result:
        return ""
    told = result["memory"]
    words = "" if told["memory"] is None else f"<b>{_escaped(told['memory'])}</b><br>"
    found = " found" if told["status"] == "found" else ""
    return f'<p class="reason{found}">{words}{_escaped(told["reason"])}</p>'


def _section(title: str, items: Sequence[ExplainedItem], most: dict[str, float]) -> str:
    heads = "".join(f"<th>{_escaped(name)}</th>" for name in ("#", "score", "memory", *most, "boosts"))
    rows = "\n".join(_row(each, most) for each in items)
    return (
        f'<h2>{_escaped(title)}</h2>\n<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(item: ExplainedItem, most: dict[str, float]) -> str:
    details = item["score_details"]
    cells = [
        f"<td>{item['rank']}</td>",
        f'<td class="arm">{item["score"]:.2f}{_bar(item["score"], 1.0)}</td>',
        f'<td class="text"><bdi>{_escaped(item["memory"])}</bdi><small>{_escaped(_note(item))}</small></td>',
    ]
    for arm, largest in most.items():
        rank = details["arms"].get(arm, {}).get("rank")
        value = _value(item, arm)
        words = " ".join(filter(None, [f"#{rank}" if rank else "", "" if value is None else f"{value:.2f}"]))
        bar = "" if value is None else _bar(value, largest)
        cells.append(f'<td class="arm {"beside" if arm == "beside" else ""}">{_escaped(words)}{bar}</td>')
    boosts = "<br>".join(map(_escaped, show.boosts(details)))
    return f'<tr>{"".join(cells)}<td class="arm">{boosts}</td></tr>'


def _value(item: ExplainedItem, arm: str) -> float | None:
    details = item["score_details"]
    value = details["beside"] or None if arm == "beside" else details["arms"].get(arm, {}).get("value")
    return None if value is None else float(value)


def _bar(value: float, most: float) -> str:
    share = 100 * min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
    return f'<span class="track"><i style="width:{share:.1f}%"></i></span>'


def _escaped(words: object) -> str:
    return html.escape(show.plain(words).plain)
