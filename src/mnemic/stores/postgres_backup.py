"""Copying a database while it is in use, and putting the content of a copy in the place of what is there.

A copy is an export: of the one project that a store was opened for, or of all of them. It holds ids, times, states and
vectors, and no numbers of rows, so it fits a database of any release, and `import` takes it, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from mnemic import exports
from mnemic.errors import InvalidInput, NotAStore, StoreTooNew
from mnemic.exports import BadExport, Destination, Head, NewerExport
from mnemic.protocols import Space
from mnemic.records import Line
from mnemic.stores.relational import dump
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.spaces import use_space
from mnemic.types import Scope

# The copy.


def write(db: Db, project: str | None, file: Destination) -> None:
    """Write what a project holds, or all of them do. A transaction on one snapshot."""
    space = db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
    projects = _projects(db) if project is None else [project]
    counts: Counter[str] = Counter()
    for name in projects:
        counts.update(dump.counts(db, Scope(project=name)))
    told = None if space is None else Space(name=space[0], dimensions=space[1])
    output = exports.Output(file, Head(project=project, space=told, counts=counts))

    def take(lines: Sequence[Line]) -> None:
        output.take([line for line in lines if line[0] != "start"])

    for name in projects:
        if project is None:
            output.project(name)
        dump.dump(db, Scope(project=name), take, vectors=True)
    output.end()


def holds_anything(db: Db, project: str | None) -> bool:
    """Whether there is something that must not be lost."""
    where, values = ("", []) if project is None else ("WHERE project = ?", [project])
    return any(
        db.execute(f"SELECT 1 FROM {table} {where} LIMIT 1", values).fetchone()
        for table in ("owners", "changes", "usage")
    )


def _projects(db: Db) -> list[str]:
    rows = db.execute("SELECT project FROM owners UNION SELECT project FROM changes UNION SELECT project FROM usage")
    return sorted(name for (name,) in rows)


# The content.


def look_at(path: Path, project: str | None) -> None:
    """Read a file to its end, so that one which cannot be restored is refused before anything is locked.

    Raises:
        InvalidInput: there is no such file, or it does not hold just the project, or just all projects.
        NotAStore, StoreTooNew: it is no backup, damaged, or of a later release.
    """
    with explained(path):
        head, _ = exports.survey(path, str(path), lambda *_: None)
    if head.ids:
        raise InvalidInput(f"{str(path)!r} holds a part of a project; run: mnemic import")
    if head.project != project:
        of, here = (f"of the project {name!r}" if name else "of all projects" for name in (head.project, project))
        raise InvalidInput(
            f"{str(path)!r} is a backup {of}, and this store is open for what is {here}; open it for the same"
        )


def replace(db: Db, path: Path, project: str | None) -> None:
    """Put what a file holds in the place of a project, or of all. Others' writes wait; what they read stays as it was."""
    for table in (*_OF_MEMORIES, *_OF_CHANGES, *_OF_OWNERS, *_OF_PROJECTS):
        where, values = _whose(table, project)
        db.execute(f"DELETE FROM {table} {where}", values)
    for (number,) in db.execute("SELECT number FROM spaces").fetchall():
        for table, shift in ((f"vectors_{number:d}", 18), (f"exact_{number:d}", 24)):
            column = "block" if shift == 18 else "entry"
            where, values = "", []
            if project is not None:
                where = f"WHERE {column} >> {shift} IN (SELECT number FROM owners WHERE project = ?)"
                values = [project]
            db.execute(f"DELETE FROM {table} {where}", values)
    where, values = _whose("owners", project)
    db.execute(f"DELETE FROM owners {where}", values)
    if db.execute("SELECT 1 FROM owners LIMIT 1").fetchone() is None:
        db.execute("UPDATE spaces SET active = false")  # no vectors are left that have to stay of one kind
    with ExitStack() as stack:
        with explained(path):
            export = stack.enter_context(exports.opened(path, str(path)))
        if export.head.space is not None:
            use_space(db, export.head.space)
        for name, lines in _by_project(export.lines()):
            dump.take_in(db, lines, name, export.head.space)


def lock(db: Db) -> None:
    """Make all who write wait until this transaction ends. Reading goes on."""
    db.execute("LOCK TABLE owners, episodes IN EXCLUSIVE MODE")


_OF_MEMORIES = ("sources", "history", "feedback", "mentions", "relations")
_OF_CHANGES = ("moves",)
_OF_OWNERS = ("names", "blocks")
_OF_PROJECTS = ("runs", "memories", "episodes", "changes", "tombstones", "entities", "usage", "outbox")
"""By what says whose their rows are. Those that others are found by come after these."""


def _whose(table: str, project: str | None) -> tuple[str, list[str]]:
    if project is None:
        return "", []
    if table in _OF_MEMORIES:
        where = "(partition, memory_id) IN (SELECT partition, id FROM memories WHERE project = ?)"
    elif table in _OF_CHANGES:
        where = "(partition, change_id) IN (SELECT partition, id FROM changes WHERE project = ?)"
    elif table == "names":
        where = "owner IN (SELECT number FROM owners WHERE project = ?)"
    elif table == "blocks":
        where = "block >> 18 IN (SELECT number FROM owners WHERE project = ?)"
    else:
        where = "project = ?"
    return f"WHERE {where}", [project]


def _by_project(lines: Iterator[tuple[str, Line, int]]) -> Iterator[tuple[str, list[Line]]]:
    """Lines of one project, as many as are taken in together."""
    project: str | None = None
    held: list[tuple[str, Line, int]] = []

    def of_one() -> Iterator[tuple[Line, int]]:
        nonlocal project
        for name, line, size in [held.pop()] if held else ():
            project = name
            yield line, size
        for name, line, size in lines:
            if project is not None and name != project:
                held.append((name, line, size))
                return
            project = name
            yield line, size

    while True:
        for batch in exports.batches(of_one()):
            assert project is not None  # noqa: S101 - it came with the lines
            yield project, batch
        if not held:
            return


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What is wrong with a file that is read, as errors of a restore."""
    try:
        yield
    except NewerExport as exc:
        raise StoreTooNew(str(exc)) from exc
    except BadExport as exc:
        raise NotAStore(f"{exc}; name another backup") from exc
    except OSError as exc:
        raise InvalidInput(f"{str(path)!r} cannot be read: {exc.strerror or exc}; name the file of a backup") from exc
