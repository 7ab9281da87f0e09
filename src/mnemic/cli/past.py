"""Commands about the past: what changed since, and which values something had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mnemic.cli import show
from mnemic.cli.session import WHOSE, Session, command

if TYPE_CHECKING:
    from mnemic.types import ChangesResult, TimelineItem

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="TIME", help="What held then: ISO 8601 or unix seconds. [now]")
]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="TIME", help="What the store knew then. [now]")]
ReferenceDate = Annotated[
    str | None, typer.Option("--reference-date", metavar="TIME", help='When it is asked, for "last week". [now]')
]

_SECONDS = 9  # digits of unix seconds from 1973 on; fewer are a year or a mistake, not a moment of 1970


def register(app: typer.Typer) -> None:
    """Add the commands, in the order of their help."""
    for function in (changes, timeline):
        command(app, whose=WHOSE)(function)


def moment(value: str | None) -> str | float | None:
    """A time as typed."""
    return float(value) if value is not None and value.isdecimal() and len(value) >= _SECONDS else value


def changes(
    session: Session,
    since: Annotated[str, typer.Argument(metavar="SINCE", help="From when on: ISO 8601 or unix seconds.")],
    until: Annotated[str | None, typer.Argument(metavar="UNTIL", show_default=False, help="Before when. [now]")] = None,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page, as the one before named it.")
    ] = None,
) -> None:
    """Show what happened to memories since a moment, oldest first."""
    with session.memory() as memory:
        result = memory.changes(moment(since) or "", moment(until), **session.ids, limit=limit, cursor=cursor)
    show.answer(session, result, _changes)


def timeline(
    session: Session,
    attribute: Annotated[str, typer.Argument(metavar="ATTRIBUTE", help="home, employer, favourite colour, …")],
    *,
    subject: Annotated[str, typer.Option(metavar="NAME", help="Whose it is: user, or somebody's name.")] = "user",
) -> None:
    """Show all values that an attribute had, in the order in which they began to hold."""
    with session.memory() as memory:
        result = memory.timeline(attribute, subject=subject, **session.require_ids("timeline"))
    show.answer(session, result, _timeline)


def _changes(result: ChangesResult) -> None:
    if result["results"]:
        show.history(result["results"])
    show.hint(f"{len(result['results']):,} of {result['total']:,} changes")
    if result["next_cursor"] is not None:
        show.hint(f"next page: --cursor '{result['next_cursor']}'")


def _timeline(result: list[TimelineItem]) -> None:
    rows = show.table("From", "To", "Memory")
    for each in result:
        note = " · ".join(["current" if each["current"] else each["reason"] or "", each["id"]])
        rows.add_row(
            show.plain(_day(each["since"])), show.plain(_day(each["valid_to"])), show.cell(each["memory"], note)
        )
    if result:
        show.console().print(rows)
    else:
        show.hint("nothing of this is known")


def _day(at: str | None) -> str:
    return "" if at is None else at[:10]
