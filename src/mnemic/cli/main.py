"""The `mnemic` command. Each command opens the memory, calls one method and shows what it returned."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from mnemic import __version__
from mnemic.cli import explain as why
from mnemic.cli import mcp, serving, show, upkeep
from mnemic.cli import past as earlier
from mnemic.cli import session as shared
from mnemic.cli.session import (
    FOUND_NOTHING,
    INTERRUPTED,
    NOT_FOUND,
    STORE_FAILED,
    WHOSE,
    FilterJson,
    Session,
    ShowExpired,
    Threshold,
    command,
    parse_json,
    read_json_file,
    text_or_stdin,
)
from mnemic.errors import InvalidInput, InvalidScope, NotFound
from mnemic.types import Format

_EPILOG = (
    "Exit codes: 0 done; 1 search or context found nothing; 2 what was typed cannot be used; 3 no such id;"
    " 4 the store failed; 5 a model failed; 130 interrupted, or answered no."
)

app = typer.Typer(
    name="mnemic",
    help="Memory for AI assistants and agents: no key, no server, no download.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; the entry point of the package."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # whatever the console's own code page is
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mnemic {__version__}")
        raise typer.Exit


@app.callback()
def _everywhere(
    ctx: typer.Context,
    store: shared.Store = None,
    project: shared.Project = None,
    llm: shared.Llm = None,
    llm_base_url: shared.LlmBaseUrl = None,
    embedder: shared.Embedder = None,
    server: shared.Server = None,
    api_key: shared.ApiKey = None,
    as_json: shared.Json = False,
    version: Annotated[  # noqa: ARG001 - the callback answers
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options that every command takes, before its name or after it."""
    ctx.obj = {
        "store": store,
        "project": project,
        "llm": llm,
        "llm_base_url": llm_base_url,
        "embedder": embedder,
        "server": server,
        "api_key": api_key,
        "as_json": as_json,
    }


# What several commands take.

Text = Annotated[
    str | None, typer.Argument(metavar="TEXT", show_default=False, help="The words; '-' reads standard input.")
]
MemoryId = Annotated[str, typer.Argument(metavar="ID", help="Id of a memory, or of a message.")]
At = Annotated[str | None, typer.Option(metavar="TIME", help="When it was said: ISO 8601 or unix seconds. [now]")]
MetadataJson = Annotated[str | None, typer.Option(metavar="JSON", help="Kept with the memories, as a JSON object.")]
Expires = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Last day the memory is shown.")]
Category = Annotated[list[str] | None, typer.Option(metavar="NAME", help="A label; may be given again.")]


# Writing.


@command(app, whose=WHOSE)
def add(
    session: Session,
    text: Text = None,
    *,
    role: Annotated[str, typer.Option(help="Who says the text: user, assistant, system or tool.")] = "user",
    name: Annotated[str | None, typer.Option(metavar="NAME", help="The speaker's name.")] = None,
    at: At = None,
    metadata: MetadataJson = None,
    expires: Expires = None,
    category: Category = None,
    infer: Annotated[
        bool, typer.Option("--infer/--no-infer", help="Extract memories, or keep the words as they are.")
    ] = True,
    file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Messages as JSON instead of a text; '-' is standard input.")
    ] = None,
    wait: Annotated[str, typer.Option(metavar="WHAT", help="For what: extracted, or stored only.")] = "extracted",
) -> None:
    """Log what was said and remember what it says.

    With no TEXT, standard input is read.
    """
    if file is not None and (text is not None or name is not None or role != "user"):
        raise InvalidInput("--file brings texts, roles and names of its own; pass it without TEXT, --role and --name")
    messages: Any
    if file is not None:
        messages = read_json_file(file)
    else:
        messages = {"role": role, "content": text_or_stdin(text, "add")} | ({"name": name} if name else {})
    ids, labels = session.require_ids("add"), tuple(category or ())
    known: Any = wait  # the library refuses a word that it does not have
    with session.memory() as memory:
        result = memory.add(
            messages,
            **ids,
            at=_time(at),
            metadata=parse_json(metadata, "--metadata"),
            infer=infer,
            expiration_date=expires,
            categories=labels,
            wait=known,
        )
    show.answer(session, result, show.added)


@command(app, whose=WHOSE)
def remember(
    session: Session,
    text: Text = None,
    *,
    kind: Annotated[str, typer.Option(help="note, fact, preference, event, procedure, summary or pattern.")] = "note",
    at: At = None,
    metadata: MetadataJson = None,
    expires: Expires = None,
    category: Category = None,
) -> None:
    """Keep exactly these words as one memory.

    With no TEXT, standard input is read.
    """
    words, ids, labels = text_or_stdin(text, "remember"), session.require_ids("remember"), tuple(category or ())
    known: Any = kind  # the library refuses one that it does not have
    with session.memory() as memory:
        result = memory.remember(
            words,
            **ids,
            kind=known,
            at=_time(at),
            metadata=parse_json(metadata, "--metadata"),
            expiration_date=expires,
            categories=labels,
        )
    show.answer(session, result, show.added)


@command(app)
def update(
    session: Session,
    memory_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a memory.")],
    text: Text = None,
    *,
    metadata: Annotated[str | None, typer.Option(metavar="JSON", help="Keys to set, as a JSON object.")] = None,
    expires: Expires = None,
    no_expires: Annotated[bool, typer.Option("--no-expires", help="Remove the expiration date.")] = False,
) -> None:
    """Correct a memory: new words, metadata or expiration date; what was stays in its history."""
    if expires is not None and no_expires:
        raise InvalidInput("pass --expires or --no-expires, not both")
    words = text_or_stdin(text, "update") if text is not None else None
    change: dict[str, Any] = {"expiration_date": expires} if expires is not None or no_expires else {}
    with session.memory() as memory:
        result = memory.update(memory_id, words, metadata=parse_json(metadata, "--metadata"), **change)
    show.answer(session, result, show.updated)


@command(app, whose=WHOSE)
def delete(
    session: Session,
    memory_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID", show_default=False, help="Ids of memories or messages.")
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="All of a user, agent, app or session, which a flag must name.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Take memories or messages out of every answer. Their history stays."""
    if bool(memory_ids) == everything:
        raise InvalidInput("pass the ids to delete, or --all with --user, --agent, --app or --run")
    return _delete_scope(session, yes=yes) if everything else _delete_each(session, memory_ids or [])


def _delete_each(session: Session, memory_ids: list[str]) -> int:
    results, code = [], 0
    with session.memory() as memory:
        for memory_id in memory_ids:
            try:
                results.append(memory.delete(memory_id))
            except NotFound as exc:
                shared.report(exc, as_json=session.json)
                code = NOT_FOUND
    if results:
        show.answer(session, results[0] if len(memory_ids) == 1 else results, show.deleted)
    return code


def _delete_scope(session: Session, *, yes: bool) -> int:
    if not session.flags:
        raise InvalidScope("delete --all needs a flag that says whose: --user, --agent, --app or --run")
    with session.memory() as memory:
        if not yes:
            named = ", ".join(f"{name}={value}" for name, value in session.ids.items())
            held = memory.stats(**session.ids)
            if not sys.stdin.isatty():
                raise InvalidInput(f"delete --all of {named} asks before it acts; where it cannot ask, pass --yes")
            question = f"Delete {held['memories']:,} memories and hide {held['episodes']:,} messages of {named}?"
            if not typer.confirm(question, err=True):
                show.hint("nothing was deleted")
                return INTERRUPTED
        result = memory.delete_all(**session.ids)
    show.answer(session, result, show.deleted)
    return 0


# Reading.


@command(app, whose=WHOSE)
def search(
    session: Session,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A question or some words, in any language.")],
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most hits.")] = 20,
    threshold: Threshold = None,
    where: FilterJson = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="memory, episode; may be given again. [memory]")
    ] = None,
    show_expired: ShowExpired = False,
    past: Annotated[bool, typer.Option("--past", help="Also what no longer holds.")] = False,
    as_of: earlier.AsOf = None,
    known_at: earlier.KnownAt = None,
    reference_date: earlier.ReferenceDate = None,
    rerank: Annotated[bool, typer.Option(help="Let the reranker order, where there is one.")] = True,
    explain: Annotated[bool, typer.Option("--explain", help="Also what each part of the score was.")] = False,
) -> int:
    """Find the memories that answer a question. Exit code 1: nothing relevant."""
    kinds: Any = include or None
    with session.memory() as memory:
        result = memory.search(
            query,
            **session.ids,
            limit=limit,
            threshold=threshold,
            filters=parse_json(where, "--filter"),
            include=kinds,
            show_expired=show_expired,
            latest_only=False if past else None,
            as_of=earlier.moment(as_of),
            known_at=earlier.moment(known_at),
            reference_date=earlier.moment(reference_date),
            rerank=None if rerank else False,
            explain=explain,
        )
    show.answer(session, result, show.hits)
    return 0 if result["results"] else FOUND_NOTHING


@command(app, whose=WHOSE)
def context(
    session: Session,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What the assistant was asked.")],
    *,
    max_tokens: Annotated[int, typer.Option(help="Size of the block, at most.")] = 1000,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most hits.")] = 20,
    threshold: Threshold = None,
    form: Annotated[
        Format, typer.Option("--format", help="text, messages (the two parts as a prompt's messages), xml or json.")
    ] = "text",
    profile: Annotated[bool, typer.Option(help="Begin with who the user is.")] = True,
    reference_date: earlier.ReferenceDate = None,
    where: FilterJson = None,
) -> int:
    """Print what is known about a question as a block for a prompt. Exit code 1: nothing known."""
    with session.memory() as memory:
        result = memory.context(
            query,
            **session.ids,
            max_tokens=max_tokens,
            top_k=limit,
            threshold=threshold,
            format=form,
            profile=profile,
            reference_date=earlier.moment(reference_date),
            filters=parse_json(where, "--filter"),
        )
    show.answer(session, result, show.context)
    return 0 if result["context"] else FOUND_NOTHING


@command(app, name="list", whose=WHOSE)
def list_(
    session: Session,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="Most memories on a page.")] = 100,
    cursor: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="The next page, as the one before named it.")
    ] = None,
    where: FilterJson = None,
    order: Annotated[
        str, typer.Option(metavar="ORDER", help="newest, oldest, said (last said first) or updated.")
    ] = "newest",
    show_expired: ShowExpired = False,
    past: Annotated[bool, typer.Option("--past", help="Also what no longer holds.")] = False,
    as_of: earlier.AsOf = None,
    known_at: earlier.KnownAt = None,
) -> None:
    """List memories, newest first."""
    known: Any = order  # the library refuses one that it does not have
    with session.memory() as memory:
        result = memory.get_all(
            **session.ids,
            limit=limit,
            cursor=cursor,
            filters=parse_json(where, "--filter"),
            order=known,
            show_expired=show_expired,
            latest_only=False if past else None,
            as_of=earlier.moment(as_of),
            known_at=earlier.moment(known_at),
        )
    show.answer(session, result, show.listing)


@command(app)
def get(
    session: Session,
    memory_id: MemoryId,
    *,
    unmasked: Annotated[bool, typer.Option("--unmasked", help="As it was stored, secrets included.")] = False,
) -> None:
    """Show one memory with its sources, or one message."""
    with session.memory() as memory:
        result = memory.get(memory_id, unmasked=unmasked)
    show.answer(session, result, show.memory)


@command(app)
def history(session: Session, memory_id: MemoryId) -> None:
    """Show every change of a memory, oldest first; deleted ones too."""
    with session.memory() as memory:
        result = memory.history(memory_id)
    show.answer(session, result, show.history)


why.register(app)
upkeep.register(app)
earlier.register(app)
serving.register(app)
mcp.register(app)


# Much at once.


@command(app, name="import", whose=WHOSE[:3])
def import_(
    session: Session,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FILE",
            help="Exports, also gzipped or zipped; '-' is standard input. Of mem0: its folder or postgresql://…",
        ),
    ] = None,
    *,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="jsonl, json, chatgpt, claude or locomo. [by content]"),
    ] = None,
    infer: Annotated[
        bool, typer.Option("--infer/--no-infer", help="Extract memories, or keep each message as it is.")
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be imported, and import nothing.")] = False,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="mem0|mnemic", help="Import memories as they are: of mem0, or an export."),
    ] = None,
    mem0_api: Annotated[
        str | None, typer.Option("--from-mem0-api", metavar="URL", help="The same, from a server of mem0's.")
    ] = None,
    api_key: Annotated[str | None, typer.Option(metavar="KEY", help="Key of that server. [MEM0_API_KEY]")] = None,
    collection: Annotated[
        str | None, typer.Option(metavar="NAME", help="mem0's collection or table. [mem0, or the only one]")
    ] = None,
    history_: Annotated[
        str | None, typer.Option("--history", metavar="FILE", help="mem0's history.db. [beside the folder]")
    ] = None,
) -> int:
    """Import chat exports (JSON Lines, JSON, ChatGPT, Claude, LoCoMo), what `mnemic export` wrote, or mem0's memories.

    Each conversation becomes a session of its own, named by its id in the export. When interrupted,
    the same command goes on where it stopped: messages of a session that are stored already are
    counted and left out.

    With --from mem0, memories keep their users, texts, times and metadata, and nothing is extracted anew;
    --user, --agent and --app then pick whose. An export of Mnemic's is known by its first line and taken as it is.
    """
    from mnemic.cli import moving

    if from_ == "mnemic" or (from_ is None and mem0_api is None and moving.are_exports(files or [])):
        if not files or mem0_api is not None or format_ is not None or not infer:
            raise InvalidInput("an export of Mnemic's is taken as it is: name its file, and no other option")
        return moving.run_import(session, files, dry_run=dry_run)
    if from_ is not None or mem0_api is not None:
        if from_ not in (None, "mem0"):
            raise InvalidInput(f"--from knows mem0 and mnemic, not {from_!r}; chat exports are known by their content")
        if format_ is not None or not infer:
            raise InvalidInput("memories of mem0 are taken as they are: --format and --no-infer are for chat exports")
        from mnemic.cli import importing_mem0

        where = importing_mem0.Where(
            places=files or [], api=mem0_api, key=api_key, collection=collection, history=history_
        )
        return importing_mem0.run(session, where, dry_run=dry_run)
    if not files:
        raise InvalidInput("there is nothing to import: name a file, '-' for standard input, or --from mem0 FOLDER")
    if api_key is not None or collection is not None or history_ is not None:
        raise InvalidInput("--api-key, --collection and --history go with --from mem0")
    from mnemic.cli import importing

    return importing.run(session, files, format=format_, infer=infer, dry_run=dry_run)


@command(app, whose=WHOSE)
def export(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file; FILE.gz is compressed; '-' prints it.")],
    *,
    vectors: Annotated[
        bool, typer.Option("--vectors/--no-vectors", help="With vectors, the same embedder has nothing to do there.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also where there is such a file.")] = False,
) -> None:
    """Write all that the project holds, or what --user and the like name, to a file of JSON Lines.

    Nothing is left out: every version and its history, what waits or failed, what was deleted and can come
    back. Secrets stand in it as they were said, so keep it as you keep the store. `mnemic import FILE` takes
    it in.
    """
    from mnemic.cli import moving

    moving.run_export(session, file, vectors=vectors, overwrite=overwrite)


# The store itself.


@command(app, whose=WHOSE)
def stats(session: Session) -> None:
    """Count what the store, or a scope of it, holds."""
    with session.memory() as memory:
        result = memory.stats(**session.ids)
    show.answer(session, result, show.stats)


@command(app)
def verify(session: Session) -> int:
    """Check that rows, index, vectors, sources and history agree. Exit code 4: they do not."""
    with session.memory() as memory:
        result = memory.verify()
    show.answer(session, result, show.verified)
    return 0 if result["ok"] else STORE_FAILED


@command(app)
def reindex(session: Session) -> int | None:
    """Move the store to the chosen --embedder: every record is embedded again. Goes on where it was stopped."""

    async def run() -> dict[str, Any]:
        memory = session.closed_memory()
        try:
            return await memory.reindex(lambda done: show.hint(f"{done:,} records embedded"))
        finally:
            await memory.close()

    result = asyncio.run(run())
    show.answer(session, result, lambda r: show.say(f"{r['embedded']:,} records now in {r['embedder']}"))
    return None


@command(app)
def doctor(session: Session) -> int:
    """Say what is at work here, what is missing, and what that would need. No model is contacted."""
    from mnemic.cli import doctor as check

    report = check.examine(session.settings)
    show.answer(session, report, check.show)
    return check.exit_code(report)


@command(app)
def demo(
    session: Session,
    *,
    keep: Annotated[Path | None, typer.Option(metavar="PATH", help="Keep the demo's store in this new file.")] = None,
) -> int:
    """Show memory at work on a shipped conversation, in a store of its own."""
    from mnemic.cli import demo as shown

    return shown.run(session, keep)


def _time(value: str | None) -> str | float | None:
    """A time as typed: digits are unix seconds."""
    if value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return value
