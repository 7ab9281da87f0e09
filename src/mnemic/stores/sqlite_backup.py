"""Copying a store while it is in use, and putting the content of a copy in the place of a store's own.

A copy bears another name until it is whole and on the disk. Content is replaced row by row in one transaction of the
store that is open, so that whoever else has it open sees the former content or the new one, and nothing between.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from mnemic.errors import InvalidInput, NotAStore, StoreError, StoreFull, StoreTooNew, StoreUnwritable
from mnemic.files import unfinished
from mnemic.stores.sqlite_schema import APPLICATION_ID, migrate, schema_version, transaction

_MAGIC = b"SQLite format 3\0"
_PARTS = ("", "-wal", "-shm", "-journal")


def back_up(connection: sqlite3.Connection, path: str, target: str, *, overwrite: bool) -> None:
    """Copy what the store holds at this moment to `target`. Outside a transaction.

    Raises:
        InvalidInput: the file is there and not to be overwritten, or it is the store itself.
        StoreFull, StoreUnwritable: about `target`, where nothing is left behind.
    """
    if any(_same(target, path + part) for part in _PARTS):
        raise InvalidInput(f"{target!r} is the store itself; name another file for its backup")
    with unfinished(target, overwrite=overwrite) as copy, _explained(target):
        connection.execute("VACUUM INTO ?", [os.fspath(copy)])
        if path != ":memory:":
            copy.chmod(Path(path).stat().st_mode & 0o777)


def restore(connection: sqlite3.Connection, path: str, source: str, timeout: float) -> str | None:
    """Put the content of the store in the file `source` in the place of this one's, brought up to date.

    Returns the file beside the store that holds what was there before; None where that was nothing, or in memory.
    Writers wait as long as it takes.

    Raises:
        InvalidInput: no such file, or it is the store itself.
        NotAStore, StoreTooNew: about `source`. As with every other error, the store is as it was.
    """
    if any(_same(source, path + part) for part in _PARTS):
        raise InvalidInput(f"{source!r} is the store itself; name the file of a backup")
    with _attached(connection, source), transaction(connection):
        before = None
        if path != ":memory:" and connection.execute("SELECT EXISTS (SELECT 1 FROM main.owners)").fetchone()[0]:
            before = _keep(path, timeout)
        try:
            _replace(connection, source)
        except BaseException:
            if before is not None:
                Path(before).unlink(missing_ok=True)  # what it holds stays where it was
            raise
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return before


# The copy.


def _keep(path: str, timeout: float) -> str:
    """Copy the store as it is; the caller holds the write lock and has changed nothing yet."""
    number = 1
    while Path(kept := f"{path}.backup-r{number}").exists():
        number += 1
    with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as reader:
        back_up(reader, path, kept, overwrite=False)
    return kept


# The content.


@contextmanager
def _attached(connection: sqlite3.Connection, source: str) -> Iterator[None]:
    """The source as the database `source` of this connection, after it was found to be a whole store of ours."""
    _look_at(source)
    with _readable(source):
        connection.execute("ATTACH ? AS source", [source])
    try:
        with _readable(source):
            if connection.execute("PRAGMA source.application_id").fetchone()[0] != APPLICATION_ID:
                raise NotAStore(f"{source!r} is a database of another program; name the file of a backup")
            if connection.execute("PRAGMA source.user_version").fetchone()[0] > schema_version():
                raise StoreTooNew(
                    f"{source!r} was written by a later release of Mnemic; upgrade: pip install -U mnemic"
                )
            problem = connection.execute("PRAGMA source.quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise NotAStore(f"{source!r} is damaged ({problem}); name another backup")
        yield
    finally:
        with suppress(sqlite3.Error):
            connection.execute("DETACH source")


def _look_at(source: str) -> None:
    try:
        with Path(source).open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as exc:
        raise InvalidInput(f"{source!r} cannot be read: {exc.strerror or exc}; name the file of a backup") from exc
    if start != _MAGIC:
        raise NotAStore(f"{source!r} is not a Mnemic store; name the file of a backup")


def _replace(db: sqlite3.Connection, source: str) -> None:
    listeners = db.execute("SELECT project FROM main.listeners").fetchall()
    # Tables, rows, then indexes: rows go over as whole pages, and indexes are built anew from what is there.
    for name, _ in _made(db, "main", "table"):
        db.execute(f"DROP TABLE main.{_quoted(name)}")
    try:
        for name, made in _made(db, "source", "table"):
            db.execute(made)
            db.execute(_filling(db, name))
        for _, made in _made(db, "source", "index"):
            db.execute(made)
        migrate(db, db.execute("PRAGMA source.user_version").fetchone()[0])
    except (sqlite3.IntegrityError, sqlite3.OperationalError) as exc:
        if not exc.sqlite_errorname.startswith(("SQLITE_CONSTRAINT", "SQLITE_ERROR")):
            raise  # about the disk, or others' locks
        raise NotAStore(f"{source!r} is damaged ({exc}); name another backup") from exc
    _complete(db, source)
    # Who listens is no content, and what a backup had still to tell was told since, or is of what is gone.
    db.execute("DELETE FROM main.outbox")
    db.execute("DELETE FROM main.listeners")
    db.executemany("INSERT INTO main.listeners (project) VALUES (?)", listeners)
    # The new content shares no count with the former one: neither an index that somebody keeps in memory nor a
    # decision that somebody is about to write may pass for one of the new content.
    db.execute("UPDATE main.owners SET changes = abs(random() >> 2), decisions = 1 + abs(random() >> 12)")


def _complete(db: sqlite3.Connection, source: str) -> None:
    """Add the triggers of a new store: a file's own are not trusted. NotAStore where it lacks a table or a column."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as new:
        migrate(new, 0)
        for table, _ in _made(new, "main", "table"):
            missing = _columns(new, table) - _columns(db, table)
            if missing:
                raise NotAStore(
                    f"{source!r} is damaged (of the table {table!r} it lacks {', '.join(sorted(missing))}); name another"
                    " backup"
                )
        there = {name for name, _ in _made(db, "main", "trigger")}
        for name, made in _made(new, "main", "trigger"):
            if name not in there:
                db.execute(made)


def _columns(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA main.table_xinfo({_quoted(table)})")}


def _made(db: sqlite3.Connection, where: str, kind: str) -> list[tuple[str, str]]:
    """Name and statement of each of ours: SQLite's own have none, or a name of its own."""
    rows = db.execute(
        f"""
        SELECT name, sql FROM {where}.sqlite_schema
        WHERE type = ? AND sql LIKE 'CREATE %' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid
        """,
        [kind],
    )
    return rows.fetchall()


def _filling(db: sqlite3.Connection, table: str) -> str:
    columns = db.execute(f"PRAGMA source.table_xinfo({_quoted(table)})").fetchall()
    given = [_quoted(row[1]) for row in columns if not row[6]]  # others are generated
    if len(given) == len(columns):
        return f"INSERT INTO main.{_quoted(table)} SELECT * FROM source.{_quoted(table)}"
    names = ", ".join(given)
    return f"INSERT INTO main.{_quoted(table)} ({names}) SELECT {names} FROM source.{_quoted(table)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _same(one: str, other: str) -> bool:
    """Whether two names are those of one file, there or not."""
    return other != ":memory:" and Path(one).resolve() == Path(other).resolve()


# What went wrong, and with which file.


@contextmanager
def _explained(target: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as exc:
        name = getattr(exc, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_FULL"):
            raise StoreFull(f"no space left for {target!r}; free some and repeat") from exc
        if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")):
            raise StoreUnwritable(f"{target!r} cannot be written ({exc}); name a file in another folder") from exc
        raise


@contextmanager
def _readable(source: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as exc:
        name = getattr(exc, "sqlite_errorname", "") or ""
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            raise
        if name.startswith(("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_READONLY", "SQLITE_IOERR")):
            raise StoreError(f"{source!r} cannot be read ({exc}); copy it to a folder of your own") from exc
        raise NotAStore(f"{source!r} is not a Mnemic store, or it is damaged ({exc}); name another backup") from exc
