"""Opening a file: making sure that it is ours, and bringing its tables up to date.

Every release opens the stores of the releases before it. A store that holds something is copied beside
itself first, as it was.
"""

from __future__ import annotations

import functools
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path

from mnemic.errors import NotAStore, StoreBusy, StoreTooNew

APPLICATION_ID = 0x4D6E6D63  # "Mnmc", so that another program's database is told apart from ours
_LEAST_BYTES = 100  # the header of every SQLite file; the library takes a shorter file for an empty one


def prepare(connection: sqlite3.Connection, path: str, timeout: float) -> None:
    """Make the tables of a new file, or migrate those of an older one, in one transaction.

    Raises:
        NotAStore, StoreTooNew.
    """
    in_memory = path == ":memory:"
    if not in_memory and 0 < Path(path).stat().st_size < _LEAST_BYTES:
        raise NotAStore(f"{path!r} is too short to be a Mnemic store; give another path")
    connection.execute("BEGIN")  # one snapshot: another process may be making the store right now
    tables = _number(connection, "SELECT count(*) FROM sqlite_schema")
    ours = _number(connection, "PRAGMA application_id") == APPLICATION_ID
    connection.execute("ROLLBACK")
    if tables and not ours:
        raise NotAStore(f"{path!r} is a database of another program; give Mnemic a path of its own")
    _use_wal(connection, timeout)
    steps = _migrations()
    version = _number(connection, "PRAGMA user_version")
    if version > len(steps):
        raise StoreTooNew(f"{path!r} was written by a later release of Mnemic; upgrade: pip install -U mnemic")
    if version < len(steps):
        with transaction(connection):
            version = _number(connection, "PRAGMA user_version")  # another process may have been first
            if not in_memory and 0 < version < len(steps) and _number(connection, "SELECT count(*) FROM owners"):
                _back_up(path, version, timeout)
            migrate(connection, version)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def schema_version() -> int:
    """Of the schema that this release writes."""
    return len(_migrations())


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring tables of an older schema up to date, within a transaction; 0 is none yet."""
    for number, statements in enumerate(_migrations()[version:], start=version + 1):
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _back_up(path: str, version: int, timeout: float) -> None:
    """Copy the store as it is; the caller holds the write lock, so nobody else changes or copies it."""
    copy = Path(f"{path}.backup-v{version}")
    if copy.exists():
        return
    unfinished = Path(f"{copy}.unfinished")  # a copy that was cut short never passes for a whole one
    unfinished.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as reader:
            reader.execute("VACUUM INTO ?", [os.fspath(unfinished)])
        unfinished.chmod(Path(path).stat().st_mode & 0o777)
        unfinished.replace(copy)
    finally:
        unfinished.unlink(missing_ok=True)


def backups(path: str) -> list[Path]:
    """The copies that migrations and restores left beside a store, and what is left of unfinished ones."""
    ours = re.compile(re.escape(Path(path).name) + r"\.backup-[vr]\d+(\.\w+)?(\.unfinished(-journal)?)?")
    return sorted(file for file in Path(path).parent.iterdir() if ours.fullmatch(file.name))


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Everything inside, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _use_wal(connection: sqlite3.Connection, timeout: float) -> None:
    # Turning WAL on needs the file alone for a moment and, unlike a write, does not wait its turn.
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_LOCKED") or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def compact(connection: sqlite3.Connection, path: str, timeout: float) -> None:
    """Write the file anew without free pages, and empty its log. Outside a transaction.

    Raises:
        StoreBusy: somebody read the former state for longer than `timeout` seconds.
    """
    connection.execute("VACUUM")
    deadline = time.monotonic() + timeout
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:  # a reader still needs the log
        if time.monotonic() > deadline:
            raise StoreBusy(f"the records are gone, but a reader keeps former pages in the log of {path!r}; repeat")
        time.sleep(0.01)


@functools.cache
def _migrations() -> list[list[str]]:
    folder = resources.files("mnemic.stores.sql.sqlite")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [list(_statements(file.read_text(encoding="utf-8"))) for file in files]


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _number(connection: sqlite3.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])
