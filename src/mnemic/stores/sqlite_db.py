"""SQLite's side of `relational.db`: how a transaction in a file runs the statements that stores share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mnemic.stores.relational.db import Insert, Predicate, Taken, last_owner
from mnemic.stores.relational.rows import to_json
from mnemic.times import iso


class SQLiteDb:
    """A transaction of a connection. Writers take turns, so there is nothing to lock."""

    IN = "IN (SELECT value FROM json_each(?))"
    KEYS = "(SELECT value ->> 0 AS partition, value ->> 1 AS id FROM json_each(?))"
    RANGES = "(SELECT value ->> 0 AS partition, value ->> 1 AS first, value ->> 2 AS last FROM json_each(?))"
    THEN = "CROSS JOIN"
    PARTITION = "+partition"
    OWNED_BY = "number >> 27 = ? AND project = ? AND kind = ? AND name = ?"
    OWNER = f"(SELECT number FROM owners WHERE {OWNED_BY})"
    TEXT_AT = "json_extract(metadata, ?)"
    NUMBER_AT = "json_extract(metadata, ?)"
    ITEMS_AT = "json_each(metadata, ?)"
    ITEM_TEXT = "item.atom"
    ITEM_NUMBER = "item.atom"
    FOR_UPDATE = SKIP_LOCKED = ""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement."""
        try:
            return self._connection.execute(sql, values)
        except sqlite3.IntegrityError as exc:
            raise Taken(str(exc)) from exc

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.IntegrityError as exc:
            raise Taken(str(exc)) from exc

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, key: str | None = None
    ) -> None:
        """Add rows, or put them in the place of others."""
        self.write([Insert(table=table, columns=columns, rows=list(rows), key=key)])

    def write(
        self, inserts: Sequence[Insert], updates: Sequence[Predicate] = (), beside: Predicate | None = None
    ) -> Sequence[Any]:
        """One after the other, the selection first."""
        found = [] if beside is None else self.execute(*beside).fetchall()
        for each in inserts:
            marks, instead = ", ".join("?" * len(each.columns)), "" if each.key is None else "OR REPLACE "
            kept = " ON CONFLICT DO NOTHING" if each.kept else ""
            self.executemany(
                f"INSERT {instead}INTO {each.table} ({', '.join(each.columns)}) VALUES ({marks}){kept}", each.rows
            )
        for sql, values in updates:
            self.execute(sql, values)
        return found

    def listed(self, values: Iterable[Any]) -> str:
        """JSON."""
        return json.dumps(list(values))

    def number(self, value: float) -> float:
        """Itself."""
        return value

    def items(self, column: str) -> str:
        """What SQLite calls so."""
        return f"json_each({column}) AS item"

    def at(self, column: str, numbers: Sequence[int]) -> Predicate:
        """Rows by number."""
        return f"{column} {self.IN}", [json.dumps(list(numbers))]

    def looked_up(self, table: str, columns: str, entries: Sequence[int], condition: str = "true") -> Predicate:
        """By number."""
        which, values = self.at("entry", entries)
        return f"SELECT {columns} FROM {table} WHERE {which} AND ({condition})", values

    def between(self, column: str, first: int, last: int) -> Predicate:
        """Rows by a range of numbers."""
        return f"{column} BETWEEN ? AND ?", [first, last]

    def behind(self, table: str, column: str, number: int) -> Predicate:
        """By the number alone."""
        return f"{table}.{column} > ?", [number]

    def in_place(self, table: str, column: str) -> str:
        """By the number alone."""
        return f"{table}.{column}"

    def of_owner(self, table: str, key: Sequence[Any]) -> Predicate:
        """By the owner's number."""
        return f"{table}.owner = {self.OWNER}", list(key)

    def lies(self, table: str, partition: str) -> str:  # noqa: ARG002 - one file is one part
        """Nothing."""
        return "true"

    def conversation(self, names: Sequence[str | None]) -> str:
        """JSON, as `json_array` writes it."""
        return to_json(names)

    def by(self, index: str) -> str:
        """A command to the planner."""
        return f"INDEXED BY {index}"

    def lock_owners(self, matching: str, values: Sequence[Any]) -> None:
        """Nobody else writes."""

    def lock_partition(self, partition: int) -> None:
        """Nobody else writes."""

    def last_owner(self, partition: int) -> int | None:
        """By the key."""
        return last_owner(self, partition)

    def lock_spaces(self) -> None:
        """Nobody else writes."""

    def columns(self, table: str) -> list[str]:
        """In their order."""
        return [row[1] for row in self.execute(f"PRAGMA table_info({table})")]

    def make_space(self, number: int, dimensions: int) -> None:  # noqa: ARG002 - a blob is as long as it is
        """Two tables."""
        self.execute(f"CREATE TABLE vectors_{number:d} (block INTEGER PRIMARY KEY, codes BLOB NOT NULL)")
        self.execute(f"CREATE TABLE exact_{number:d} (entry INTEGER PRIMARY KEY, vector BLOB NOT NULL)")

    def drop_space(self, number: int) -> None:
        """Both."""
        self.execute(f"DROP TABLE vectors_{number:d}")
        self.execute(f"DROP TABLE exact_{number:d}")

    def damages(self) -> list[str]:
        """Broken pages."""
        return [row[0] for row in self.execute("PRAGMA quick_check") if row[0] != "ok"]


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the functions that filters and orders use."""
    connection.create_function("fold", 1, _fold, deterministic=True)
    connection.create_function("utc", 1, _utc, deterministic=True)
    connection.create_function("last_day", 1, _last_day, deterministic=True)


def _fold(value: str | float | None) -> str | float | None:
    return value.lower() if isinstance(value, str) else value


def _utc(stored: str | None) -> str | None:
    """A time as text that sorts by it, whatever zone it was given in."""
    if stored is None or stored.endswith("+00:00"):
        return stored
    return iso(datetime.fromisoformat(stored).astimezone(UTC))


def _last_day(expires: str | None) -> str | None:
    """The last day that something is shown, from the moment it no longer is."""
    if expires is None:
        return None
    return (datetime.fromisoformat(expires) - timedelta(microseconds=1)).date().isoformat()
