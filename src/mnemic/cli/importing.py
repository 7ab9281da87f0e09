"""`mnemic import`: an export becomes messages of the log, a chunk at a time, and can go on where it stopped.

A chunk is logged in one transaction. Each message carries an external id made of what it says, so what is
in the store already, deleted messages too, is not taken again, wherever it stands in the file.
"""

from __future__ import annotations

import hashlib
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mnemic import inputs
from mnemic.cli import show
from mnemic.cli.session import BAD_INPUT, INTERRUPTED, Session
from mnemic.errors import InvalidInput, InvalidScope, MnemicError
from mnemic.importers import Conversation, ImportedMessage, read_export

if TYPE_CHECKING:
    from mnemic.sync import Memory

CHUNK = 32
"""Messages an `add`: about a second of work on two cores, which is how long an interrupt waits."""

_SHOWN = 20
"""Refused messages that are listed one by one for people; JSON lists all."""

Ids = dict[str, Any]
Messages = list[dict[str, Any]]
Files = Mapping[str, Path]
"""Files by the name that a person gave them."""


class Stoppable(Protocol):
    """What notes that it was interrupted."""

    interrupted: bool


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A message that the library does not take."""

    file: str
    run_id: str
    message: int
    """Its place among the session's messages in the file, from 1."""
    reason: str


@dataclass(kw_only=True)
class Outcome:
    """How far an import got. For a dry run: what there would be to import."""

    messages: int = 0
    """In the files."""
    sessions: int = 0
    added: int = 0
    already_stored: int = 0
    memories: int = 0
    pending: int = 0
    """Messages of these ids that wait for extraction, also of earlier imports; they are searchable."""
    refused: list[Refused] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """Messages of one session, as `add` takes them."""

    run_id: str
    messages: Messages


def run(session: Session, files: Sequence[str], *, format: str | None, infer: bool, dry_run: bool) -> int:  # noqa: A002
    """Import files, show what became of them, and return the exit code."""
    ids = {name: value for name, value in session.require_ids("import").items() if name != "run_id"}
    if not ids:
        raise InvalidScope("import needs to know whose memory it is: pass --user ID, or set MNEMIC_USER_ID")
    with _on_disk(files) as paths:
        plan = survey(paths, format=format)
        if dry_run:
            _say_plan(session, plan)
            return BAD_INPUT if plan.refused else 0
        outcome = Outcome(messages=plan.messages, sessions=plan.sessions, refused=plan.refused)
        started = time.monotonic()
        try:
            with session.memory() as memory, progress("messages", plan.messages) as bar, stop_on_signal(outcome):
                parts = read_parts(paths, format=format, left_out=Outcome())
                for done in store(memory, parts, ids, infer=infer, outcome=outcome):
                    bar.advance(bar.task_ids[0], done)
                    if outcome.interrupted:
                        break
                outcome.pending = memory.stats(**ids)["pending"]
        except KeyboardInterrupt:
            outcome.interrupted = True
        except MnemicError:
            _say_outcome(session, outcome)  # what went in before the error, which follows
            raise
        outcome.seconds = round(time.monotonic() - started, 1)
    return _say_outcome(session, outcome)


def survey(files: Files, *, format: str | None) -> Outcome:  # noqa: A002
    """Read the files to their ends, so that one which cannot be read is refused before anything is stored.

    Raises:
        InvalidInput: a file that cannot be read, with its name.
    """
    plan, sessions = Outcome(), set[str]()
    for part in read_parts(files, format=format, left_out=plan):
        sessions.add(part.run_id)
        plan.messages += len(part.messages)
    plan.sessions = len(sessions)
    plan.messages += len(plan.refused)
    return plan


def read_parts(files: Files, *, format: str | None, left_out: Outcome) -> Iterator[Part]:  # noqa: A002
    """The messages of the files in order, without those that no store would take, which are noted in `left_out`."""
    place: Counter[str] = Counter()
    same: Counter[object] = Counter()
    for file, path in files.items():
        for conversation in _conversations(file, path, format):
            run_id = conversation.run_id
            kept: Messages = []
            for message in conversation.messages:
                place[run_id] += 1
                given = _as_given(message, _external_id(run_id, message, same))
                try:
                    inputs.scope("default", {"run_id": run_id})
                    inputs.messages(given, None)
                except InvalidInput as exc:
                    left_out.refused.append(Refused(file=file, run_id=run_id, message=place[run_id], reason=str(exc)))
                    continue
                kept.append(given)
            if kept:
                yield Part(run_id=run_id, messages=kept)


def store(memory: Memory, parts: Iterator[Part], ids: Ids, *, infer: bool, outcome: Outcome) -> Iterator[int]:
    """Add what is not stored yet, chunk by chunk; yields how many messages each step settled."""
    for part in parts:
        for start in range(0, len(part.messages), CHUNK):
            chunk = part.messages[start : start + CHUNK]
            result = memory.add(chunk, **ids, run_id=part.run_id, infer=infer)
            known = sum(each["state"] == "duplicate" for each in result["receipt"]["messages"])
            outcome.already_stored += known
            outcome.added += len(chunk) - known
            outcome.memories += sum(each["event"] == "ADD" for each in result["results"])
            yield len(chunk)


def _conversations(file: str, path: Path, format: str | None) -> Iterator[Conversation]:  # noqa: A002
    try:
        yield from read_export(path, format=format)
    except InvalidInput as exc:
        raise InvalidInput(f"{file}: {exc}") from exc
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read: {exc.strerror or exc}") from exc


def _external_id(run_id: str, message: ImportedMessage, same: Counter[object]) -> str:
    """Session, speaker, time and words, and which of its like it is: the same in a longer export.

    A session id that was made of the file's content is left out, since a longer file has another one.
    """
    session = None if run_id.startswith("import-") else run_id
    said = None if message.at is None else message.at.isoformat()
    key = (session, message.role, message.name, said, message.content)
    same[key] += 1
    return hashlib.blake2b(repr((*key, same[key])).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _as_given(message: ImportedMessage, external_id: str) -> dict[str, Any]:
    """A message as `add` takes it; what is None is not said."""
    return {
        name: value
        for name, value in (
            ("role", message.role),
            ("content", message.content),
            ("name", message.name),
            ("at", message.at),
            ("metadata", message.metadata),
            ("external_id", external_id),
        )
        if value not in (None, {})
    }


@contextmanager
def _on_disk(files: Sequence[str]) -> Iterator[Files]:
    """The files, each once, with standard input copied to one: each is read twice."""
    with tempfile.TemporaryDirectory(prefix="mnemic-") as folder:
        copied = Path(folder) / "standard-input"
        if "-" in files:
            with copied.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        yield {
            "standard input" if file == "-" else file: copied if file == "-" else Path(file).expanduser()
            for file in files
        }


@contextmanager
def stop_on_signal(outcome: Stoppable) -> Iterator[None]:
    """Ctrl-C (or a request to terminate) lets the running chunk finish; the second one does not."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape signal wants
        if outcome.interrupted:
            raise KeyboardInterrupt
        outcome.interrupted = True
        show.hint("finishing what is at work; once more to drop it")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Rate(ProgressColumn):
    """Messages a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "", style="dim")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Progress]:
    """A progress bar on stderr, where that is a terminal. `total` None: nobody knows how many there are."""
    shown = show.console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=shown, disable=not shown.is_terminal, transient=True) as bar:
        bar.add_task(what, total=total)
        yield bar


def _say_plan(session: Session, plan: Outcome) -> None:
    if session.json:
        show.as_json(asdict(plan))
        return
    show.say(f"{plan.messages:,} messages in {plan.sessions:,} sessions would be imported; nothing was")
    _say_left_out(plan)


def _say_outcome(session: Session, outcome: Outcome) -> int:
    if session.json:
        show.as_json(asdict(outcome))
    else:
        rate = f", {outcome.added / outcome.seconds:.0f} a second" if outcome.added and outcome.seconds else ""
        show.say(f"{_how_far(outcome)} ({outcome.seconds:,.1f} s{rate})")
        _say_left_out(outcome)
    if outcome.interrupted:
        show.hint("interrupted; the same command goes on from here")
        return INTERRUPTED
    return BAD_INPUT if outcome.refused else 0


def _how_far(outcome: Outcome) -> str:
    settled = outcome.added + outcome.already_stored
    return (
        f"{settled:,} of {outcome.messages:,} messages in the store: {outcome.added:,} added,"
        f" {outcome.already_stored:,} already there; {outcome.memories:,} memories made"
    )


def _say_left_out(outcome: Outcome) -> None:
    if outcome.pending:
        show.say(f"{outcome.pending:,} messages wait for extraction, which failed or was cut off; they are searchable")
    for each in outcome.refused[:_SHOWN]:
        show.say(f"refused: {each.file}, session {each.run_id}, message {each.message}: {each.reason}")
    if len(outcome.refused) > _SHOWN:
        show.say(f"… and {len(outcome.refused) - _SHOWN:,} more refused (--json lists all)")
