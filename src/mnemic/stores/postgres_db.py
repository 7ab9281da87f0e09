"""PostgreSQL's side of `relational.db`: a connection used by one thread, and the statements that stores share on it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from mnemic.stores.relational.db import OWNER_BITS, SHIFTS, Insert, Predicate, Taken, last_owner, partition_at
from mnemic.stores.relational.rows import to_json
from mnemic.text import md5

if TYPE_CHECKING:
    from asyncpg import Connection, Record
    from asyncpg.prepared_stmt import PreparedStatement

T = TypeVar("T")

_DIVIDED_BY = {"owners": "number", "names": "owner", "blocks": "block"}
"""Tables whose rows say by this number which partition they lie in. Those of spaces: by block or entry."""


_PLANS_AGE = 10.0
"""Seconds: in less, no table grows from one page to a size where another plan is the better one."""

_STATEMENTS = 512
"""Kept parsed on a connection. Some ninety are used; filters make as many more as there are shapes of them."""


class Session:
    """One connection with a loop of its own, so that a thread can wait for each answer."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: Connection | None = None
        self._prepared: dict[str, PreparedStatement] = {}
        self._types: dict[str, dict[str, str]] = {}
        self._planned = 0.0

    @property
    def connection(self) -> Connection | None:
        """The connection, if there is one."""
        return self._connection

    @connection.setter
    def connection(self, connection: Connection | None) -> None:
        self._connection = connection
        self._prepared.clear()
        self._types.clear()

    def wait(self, answer: Coroutine[Any, Any, T]) -> T:
        """Run it to its end."""
        return self._loop.run_until_complete(answer)

    def has_old_plans(self) -> bool:
        """Whether plans were kept for so long that tables may be of another size now. From when it says so, they are new."""
        now = time.monotonic()
        if now - self._planned < _PLANS_AGE:
            return False
        self._planned = now
        return True

    async def prepared(self, sql: str) -> PreparedStatement:
        """A statement of this connection, which the server has parsed at its first use."""
        assert self._connection is not None  # noqa: S101 - the engine connected it
        found = self._prepared.pop(sql, None)
        if found is None:
            found = await self._connection.prepare(sql)
        self._prepared[sql] = found  # the last one used is the last to go
        if len(self._prepared) > _STATEMENTS:
            self._prepared.pop(next(iter(self._prepared)))
        return found

    def types(self, table: str) -> dict[str, str]:
        """Of a table's columns."""
        if table not in self._types:
            self._types[table] = self.wait(self._ask_types(table))
        return self._types[table]

    async def _ask_types(self, table: str) -> dict[str, str]:
        statement = await self.prepared(
            "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
        )
        return dict(await statement.fetch(table))

    def drop(self) -> None:
        """Close the connection, if there is one; politely, unless it is broken."""
        connection, self.connection = self.connection, None
        if connection is not None:
            self.wait(_closed(connection))

    def close(self) -> None:
        """Close the connection and the loop; from any thread, once no other uses them."""
        self.drop()
        self._loop.close()


async def _closed(connection: Connection) -> None:
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        await connection.close(timeout=_FAREWELL)
    connection.terminate()
    await asyncio.sleep(0)  # the loop closes the socket in its next turn


_FAREWELL = 2.0  # seconds


class Answer:
    """Rows of a statement, and its word on how many it changed."""

    def __init__(self, rows: Iterable[Record], status: str) -> None:
        self._rows = iter([tuple(row) for row in rows])
        self._status = status

    @property
    def rowcount(self) -> int:
        """As PostgreSQL says: `UPDATE 3`."""
        last = self._status.rpartition(" ")[2]
        return int(last) if last.isdecimal() else -1

    def fetchone(self) -> Any:
        """The next row."""
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        """The rest."""
        return list(self._rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class PostgresDb:
    """A transaction of a session."""

    IN = "= ANY(?)"
    # Behind the wall an index is used only for what is compared as it is: columns, not what is made of them.
    KEYS = "unnest(keys_of(?))"
    RANGES = "unnest(ranges_of(?))"
    THEN = "JOIN"
    PARTITION = "partition"
    OWNED_BY = "partition = ? AND project = ? AND kind = ? AND name = ?"
    OWNER = f"(SELECT number FROM owners WHERE {OWNED_BY})"
    TEXT_AT = "json_word(metadata, ?)"
    NUMBER_AT = "json_number(metadata, ?)"
    ITEMS_AT = "json_items(metadata, ?)"
    ITEM_TEXT = "item.word"
    ITEM_NUMBER = "item.number"
    FOR_UPDATE = "FOR UPDATE"
    SKIP_LOCKED = "FOR UPDATE SKIP LOCKED"

    def __init__(self, session: Session) -> None:
        assert session.connection is not None  # noqa: S101 - the engine connected it
        self._session = session
        self._connection = session.connection

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Answer:
        """Run one statement, prepared at its first use."""
        return self._session.wait(self._execute(numbered(sql), values))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement for all rows in one go."""
        every = list(rows)
        if every:
            self._session.wait(self._executemany(numbered(sql), every))

    async def _execute(self, sql: str, values: Sequence[Any]) -> Answer:
        statement = await self._session.prepared(sql)
        try:
            rows = await statement.fetch(*values)
        except asyncpg.UniqueViolationError as exc:
            raise Taken(str(exc)) from exc
        return Answer(rows, statement.get_statusmsg())

    async def _executemany(self, sql: str, rows: list[Sequence[Any]]) -> None:
        try:
            await self._connection.executemany(sql, rows)
        except asyncpg.UniqueViolationError as exc:
            raise Taken(str(exc)) from exc

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, key: str | None = None
    ) -> None:
        """Add rows, with the partition that their number says, or update those that are there."""
        self.write([Insert(table=table, columns=columns, rows=list(rows), key=key)])

    def write(
        self, inserts: Sequence[Insert], updates: Sequence[Predicate] = (), beside: Predicate | None = None
    ) -> Sequence[Any]:
        """One statement: each costs a journey to the server."""
        parts = [*(self._insertion(each) for each in inserts if each.rows), *updates]
        if beside is not None:
            parts.append(beside)
        if not parts:
            return []
        *others, (last, _) = parts
        first = ", ".join(f"part{number} AS ({sql})" for number, (sql, _) in enumerate(others))
        values = [value for _, bound in parts for value in bound]
        return self.execute(f"WITH {first} {last}" if others else last, values).fetchall()

    def _insertion(self, new: Insert) -> Predicate:
        """Rows come as one array a column, so that a thousand are planned once; what they share comes as it is."""
        columns = dict(zip(new.columns, zip(*new.rows, strict=True), strict=True))
        divided = _divided_by(new)
        if divided is not None:
            columns["partition"] = tuple([partition_at(divided, number) for number in columns[divided]])
        types = self._session.types(new.table)
        shared = set(columns) if len(new.rows) == 1 else _shared(columns)
        varying = [name for name in columns if name not in shared]
        once = [f"?::{types[name]}" for name in columns if name in shared]
        names = ", ".join([*(name for name in columns if name in shared), *varying])
        sql = f"INSERT INTO {new.table} ({names}) SELECT {', '.join([*once, 'each.*'] if varying else once)}"
        if varying:
            arrays = ", ".join(f"?::{types[name]}[]" for name in varying)
            sql += f" FROM unnest({arrays}) AS each ({', '.join(varying)})"
        if new.key is not None:
            changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in (new.key, "partition"))
            sql += f" ON CONFLICT (partition, {new.key}) DO UPDATE SET {changed}"
        elif new.kept:
            sql += " ON CONFLICT DO NOTHING"
        values = [column[0] for name, column in columns.items() if name in shared]
        return sql, [*values, *(columns[name] for name in varying)]

    def listed(self, values: Iterable[Any]) -> list[Any]:
        """An array."""
        return list(values)

    def number(self, value: float) -> Decimal:
        """As JSON writes it."""
        return Decimal(repr(value))

    def items(self, column: str) -> str:
        """Of a JSON array."""
        return f"json_array_elements_text({column}::json) AS item(value)"

    def at(self, column: str, numbers: Sequence[int]) -> Predicate:
        """By the key. Most often all lie in one partition."""
        parts = [number >> SHIFTS[column] for number in numbers]
        if len(set(parts)) == 1:
            return f"partition = ? AND {column} = ANY(?)", [parts[0], list(numbers)]
        return f"(partition, {column}) IN (SELECT * FROM unnest(?::integer[], ?::bigint[]))", [parts, list(numbers)]

    def looked_up(self, table: str, columns: str, entries: Sequence[int], condition: str = "true") -> Predicate:
        """One by one: for a list of any length, the planner may rather read the partition."""
        sql = f"""
            SELECT found.* FROM unnest(?::integer[], ?::bigint[]) AS k (partition, entry)
            CROSS JOIN LATERAL (
                SELECT {columns} FROM {table}
                WHERE partition = k.partition AND entry = k.entry AND ({condition}) LIMIT 1
            ) AS found
        """
        return sql, [[partition_at("entry", entry) for entry in entries], list(entries)]

    def between(self, column: str, first: int, last: int) -> Predicate:
        """By the key."""
        return f"partition = ? AND {column} BETWEEN ? AND ?", [partition_at(column, first), first, last]

    def behind(self, table: str, column: str, number: int) -> Predicate:
        """By the key, which begins with where they lie."""
        return f"({table}.partition, {table}.{column}) > (?, ?)", [max(number, 0) >> SHIFTS[column], number]

    def in_place(self, table: str, column: str) -> str:
        """By the key."""
        return f"{table}.partition, {table}.{column}"

    def of_owner(self, table: str, key: Sequence[Any]) -> Predicate:
        """By the owner's number, and where it lies."""
        return f"{table}.partition = ? AND {table}.owner = {self.OWNER}", [key[0], *key]

    def lies(self, table: str, partition: str) -> str:
        """By the column."""
        return f"{table}.partition = ({partition})"

    def conversation(self, names: Sequence[str | None]) -> str:
        """A hash, which fits in an index."""
        return md5(to_json(names))

    def by(self, index: str) -> str:  # noqa: ARG002 - the planner takes no commands
        """Nothing."""
        return ""

    def lock_owners(self, matching: str, values: Sequence[Any]) -> None:
        """Row locks, taken in one order by everybody."""
        self.execute(
            f"""
            SELECT number FROM owners WHERE (partition, number) IN (
                SELECT number >> {OWNER_BITS}, number FROM ({matching}) AS locked (number) OFFSET 0
            )
            ORDER BY number FOR UPDATE
            """,
            values,
        )

    def lock_partition(self, partition: int) -> None:
        """A lock of no row, as the rows to come cannot be locked."""
        self.execute("SELECT pg_advisory_xact_lock(?, ?)", [_OURS, partition])

    def last_owner(self, partition: int) -> int | None:
        """By the key, past the wall: the numbers of a partition are those of all projects."""
        query = "SELECT current_setting('mnemic.project'), set_config('mnemic.project', '*', true)"
        (project, _) = self.execute(query).fetchone()
        found = last_owner(self, partition)
        self.execute("SELECT set_config('mnemic.project', ?, true)", [project])
        return found

    def lock_spaces(self) -> None:
        """What every writer holds a share of (`WRITING`)."""
        self.execute(f"SELECT pg_advisory_xact_lock({_OURS}, {_SPACES})")

    def columns(self, table: str) -> list[str]:
        """In their order."""
        rows = self.execute(
            """
            SELECT attname::text FROM pg_attribute
            WHERE attrelid = ?::text::regclass AND attnum > 0 AND NOT attisdropped
            ORDER BY attnum
            """,
            [table],
        )
        return [name for (name,) in rows]

    def make_space(self, number: int, dimensions: int) -> None:  # noqa: ARG002 - bytes are as long as they are
        """Two tables behind the wall."""
        for table, column, value in (
            (f"vectors_{number:d}", "block", "codes"),
            (f"exact_{number:d}", "entry", "vector"),
        ):
            self.execute(
                f"""
                CREATE TABLE {table} (
                    partition integer NOT NULL, {column} bigint NOT NULL, {value} bytea NOT NULL,
                    PRIMARY KEY (partition, {column})
                )
                """
            )
            self.execute(f"ALTER TABLE {table} ALTER COLUMN {value} SET STORAGE EXTERNAL")
            self.execute("SELECT wall_by_owner(?::text, ?::text)", [table, f"{column} >> {SHIFTS[column] - 27}"])

    def drop_space(self, number: int) -> None:
        """Both."""
        self.execute(f"DROP TABLE vectors_{number:d}")
        self.execute(f"DROP TABLE exact_{number:d}")

    def damages(self) -> list[str]:
        """Pages are the server's own to check."""
        return []


def _shared(columns: Mapping[str, Sequence[Any]]) -> set[str]:
    """Columns that have one value in all rows. Either all of a group or none: each choice is a statement of its own."""
    found = set[str]()
    for group in _OFTEN_SHARED:
        here = group & columns.keys()
        if all(columns[name].count(columns[name][0]) == len(columns[name]) for name in here):
            found |= here
    return found


_OFTEN_SHARED = (
    frozenset({"partition", "owner", "project", "user_id", "agent_id", "app_id", "run_id"}),
    frozenset({
        "state", "attempts", "received_at", "change_id", "version", "current", "kind", "origin", "categories",
        "created_at", "updated_at", "known_from", "subject", "attribute", "object", "slot", "confidence",
        "proof_count", "event", "at", "actor",
    }),
    frozenset({
        "reason", "due_at", "leased", "task", "known_to", "retired_by", "retire_reason", "expires_at", "pinned",
        "rating", "seen", "valid_from", "valid_to", "valid_before", "precision", "old_text", "undone_by", "changed_by",
        "state_before", "reason_before", "superseded_by", "superseded_to", "superseded_until",
    }),
)  # fmt: skip
"""Whose rows are; what one call says of all of them; what is seldom set. No key of a table is made of these alone."""


def _divided_by(new: Insert) -> str | None:
    """The column that says where its rows lie, unless they say it themselves."""
    return new.columns[0] if new.table.startswith(("vectors_", "exact_")) else _DIVIDED_BY.get(new.table)


_OURS = 0x6D6E656D  # "mnem": of the locks that any program may take on a server, ours
_SPACES = -2

WRITING = f"SELECT pg_advisory_xact_lock_shared({_OURS}, {_SPACES})"
"""Begins a transaction that writes: meanwhile nobody switches to another embedding space."""


@lru_cache(maxsize=2048)
def numbered(sql: str) -> str:
    """`?` and `?1` as PostgreSQL numbers values."""
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return f"${found[1] or count}"

    return re.sub(r"\?(\d*)", mark, sql)
