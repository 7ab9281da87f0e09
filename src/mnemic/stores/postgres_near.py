"""Making the index of neighbours that `postgres_wide` searches, and keeping it up behind the writes.

Nothing is made before a whole project was searched that is large enough, and nothing is written to the index by those
who write memories: to bring a row into it takes longer than all else of a write. Whoever waits for work (`mnemic worker`)
copies the vectors that came since, owner by owner, while nobody else writes the owner's, and makes the index of all
when most are new.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import asyncpg
import numpy as np

from mnemic import ranking
from mnemic.protocols import Space, Vectors
from mnemic.stores import blocks as pack
from mnemic.stores import postgres_wide
from mnemic.stores.relational import spaces
from mnemic.stores.relational.db import OWNER_BITS, Db
from mnemic.stores.relational.predicates import number_of

if TYPE_CHECKING:
    from asyncpg import Connection

_log = logging.getLogger("mnemic")

_LOCKS = 0x6D6E656D, -3
"""Who looks after the indexes does it alone."""

# Entries copied in one transaction: half a second, for which writers of the same few owners wait.
_AT_ONCE = 2_000

# From so many new rows for each that the index has, it is made anew: that takes a fraction of adding them one by one.
_ANEW = 0.5

# Memory of the server for making an index: of 384 dimensions it holds 250,000. What does not fit is made much slower.
_ROOM = "512MB"

_TURN = 1000
"""Milliseconds to wait for a table that others use: whoever comes after waits behind this, and must not for long."""

_OFTEN = 30.0
"""Seconds from one look to the next: what was not copied yet is found, too, at some cost."""

_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Tending:
    """Looks after the indexes of a database from time to time, on a connection of its own, while its loop runs.

    Args:
        connect: makes a connection.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it runs."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._tend(), name="mnemic-near")

    async def _tend(self) -> None:
        try:
            connection = await self._connect()
            try:
                await tend(connection)
            finally:
                with suppress(*_LOST, TimeoutError):
                    await connection.close(timeout=_FAREWELL)
        except _LOST as exc:  # searches go on without
            _log.warning("The index for searches of whole projects was not brought up to date: %s", exc)
        await asyncio.sleep(_OFTEN)

    async def close(self) -> None:
        """Stop, whatever it is at."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            with suppress(RuntimeError):  # of a loop that is no more
                await asyncio.wait([task])


_FAREWELL = 2.0  # seconds


async def tend(connection: Connection) -> None:
    """Bring the index of every project that asked for one up to date, unless somebody else is doing so."""
    await connection.execute("SET mnemic.project = '*'")
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", *_LOCKS):
        return
    try:
        asked = await connection.fetch(
            """
            SELECT w.project, w.space, w.number, w.centres, w.ready, s.dimensions
            FROM wide AS w JOIN spaces AS s ON s.number = w.space AND s.active
            ORDER BY w.project
            """
        )
        if asked and await _has_vectors(connection):
            for row in asked:
                await _Index(connection, row).bring_up()
        await _drop_others(connection)
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1, $2)", *_LOCKS)


async def _has_vectors(connection: Connection) -> bool:
    """Whether the extension is there, or this user may bring it in."""
    if await connection.fetchval("SELECT to_regtype('halfvec') IS NULL"):
        await connection.execute("SET ROLE NONE")  # what the user may do, not what the tables' owner may
        try:
            with suppress(asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError, *_ABSENT):
                await connection.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
        finally:
            if not connection.is_closed():
                await connection.execute("RESET ROLE")
    schema = await connection.fetchval(
        """
        SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'vector' AND string_to_array(e.extversion, '.')::integer[] >= ARRAY[0, 8]
            AND to_regtype('halfvec') IS NOT NULL
        """
    )
    if schema is None:
        return False
    await connection.set_type_codec("halfvec", schema=schema, encoder=bytes, decoder=bytes, format="binary")
    return True


_ABSENT = (asyncpg.UndefinedFileError, asyncpg.UndefinedObjectError)


async def _drop_others(connection: Connection) -> None:
    """Indexes of projects that are gone."""
    rows = await connection.fetch(
        """
        SELECT c.relname::text FROM pg_class AS c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'i'
            AND c.relname ~ '^near_[0-9]+_[0-9]+$'
            AND NOT EXISTS (SELECT FROM wide AS w WHERE c.relname = format('near_%s_%s', w.space, w.number))
        """
    )
    for (name,) in rows:
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


class _Index:
    """That of one project."""

    def __init__(self, connection: Connection, row: Any) -> None:
        self._connection = connection
        self._project, self._space, self._ready = row["project"], row["space"], row["ready"]
        self._dimensions = row["dimensions"]
        self._table = f"near_{self._space:d}"
        self._name = f"{self._table}_{row['number']:d}"
        self._centres = np.frombuffer(row["centres"], dtype="<f4").reshape(len(ranking.SIDES), self._dimensions)

    async def bring_up(self) -> None:
        """Copy what is not copied yet, and make the index where there is none."""
        waiting, every = await self._counts()
        if every < postgres_wide.LEAST or self._dimensions > postgres_wide.MOST_DIMENSIONS:
            return
        if not await self._connection.fetchval("SELECT to_regclass($1) IS NOT NULL", self._table):
            await self._make_table()
            await self._set_ready(False)
        if self._ready and waiting > _ANEW * (every - waiting):
            await self._set_ready(False)
        if not self._ready:
            await self._connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self._name}")
        while await self._copy_some():
            pass
        if not self._ready:
            await self._make_index()
            await self._set_ready(True)

    async def _counts(self) -> tuple[int, int]:
        """Entries that were not copied yet, and all."""
        row = await self._connection.fetchrow(
            """
            SELECT coalesce(sum(o.next_sequence - coalesce(w.upto, 0)), 0), coalesce(sum(o.next_sequence), 0)
            FROM owners AS o
            LEFT JOIN widened AS w ON w.partition = o.partition AND w.owner = o.number AND w.space = $2
            WHERE o.project = $1
            """,
            self._project,
            self._space,
        )
        return int(row[0]), int(row[1])

    async def _make_table(self) -> None:
        async with self._connection.transaction():
            await self._connection.execute(f"SET LOCAL lock_timeout = {_TURN}")
            await self._connection.execute("DELETE FROM widened WHERE space = $1", self._space)
            await self._connection.execute("SELECT make_near($1, $2)", self._space, self._dimensions)

    async def _make_index(self) -> None:
        """Others read and write meanwhile, and erase."""
        project = "'" + self._project.replace("'", "''") + "'"
        await self._connection.execute(f"SET maintenance_work_mem = '{_ROOM}'")
        await self._connection.execute(
            f"CREATE INDEX CONCURRENTLY {self._name} ON {self._table} USING hnsw (vector halfvec_ip_ops)"
            f" WHERE project = {project}",
            timeout=None,
        )

    async def _set_ready(self, ready: bool) -> None:
        await self._connection.execute(
            "UPDATE wide SET ready = $3 WHERE project = $1 AND space = $2", self._project, self._space, ready
        )
        self._ready = ready

    async def _copy_some(self) -> bool:
        """One transaction. Nobody writes or erases what is these owners' meanwhile, so that nothing gone is copied."""
        async with self._connection.transaction():
            owners = await self._connection.fetch(_BEHIND, self._project, self._space)
            parts: list[tuple[int, int, int, int]] = []
            left = _AT_ONCE
            for partition, owner, upto, end in owners:
                if left <= 0:
                    break
                taken = min(end, upto + left)
                parts.append((partition, owner, upto, taken))
                left -= taken - upto
            if not parts:
                return False
            rows = [row for part in parts for row in await self._rows(*part)]
            columns: list[list[Any]] = [list(column) for column in zip(*rows, strict=True)]
            if columns:
                await self._connection.execute(
                    f"INSERT INTO {self._table} (partition, entry, project, vector)"
                    " SELECT a, b, $4, c FROM unnest($1::integer[], $2::bigint[], $3::halfvec[]) AS new (a, b, c)",
                    *columns, self._project,
                )  # fmt: skip
            await self._connection.executemany(
                """
                INSERT INTO widened (partition, owner, space, project, upto) VALUES ($1, $2, $3, $4, $5)
                ON CONFLICT (partition, owner, space) DO UPDATE SET upto = excluded.upto
                """,
                [(partition, owner, self._space, self._project, upto) for partition, owner, _, upto in parts],
            )
        return True

    async def _rows(self, partition: int, owner: int, first: int, end: int) -> list[tuple[int, int, bytes]]:
        base = owner << pack.SEQUENCE_BITS
        await self._connection.execute(  # of vectors that came late, the owner's later ones may be there already
            f"DELETE FROM {self._table} WHERE partition = $1 AND entry BETWEEN $2 AND $3",
            partition, base + first, base + end - 1,
        )  # fmt: skip
        found = await self._connection.fetch(
            f"SELECT entry, vector FROM exact_{self._space:d} WHERE partition = $1 AND entry BETWEEN $2 AND $3",
            partition, base + first, base + end - 1,
        )  # fmt: skip
        if not found:
            return []
        blocks = await self._connection.fetch(
            "SELECT block, marks, ''::bytea FROM blocks WHERE partition = $1 AND block BETWEEN $2 AND $3 ORDER BY block",
            partition, (base + first) >> pack.BLOCK_BITS, (base + end - 1) >> pack.BLOCK_BITS,
        )  # fmt: skip
        marks = pack.flatten((number, marks, b"") for number, marks, _ in blocks)
        entries = np.array([entry for entry, _ in found], dtype=np.int64)
        sides = pack.is_cjk(marks.marks)[np.searchsorted(marks.entries, entries)]
        vectors = np.frombuffer(b"".join(vector for _, vector in found), dtype="<f2").reshape(len(found), -1)
        centred = vectors.astype(np.float32) - self._centres[sides.astype(np.int64)]
        return [(partition, entry, packed) for (entry, _), packed in zip(found, _halves(centred), strict=True)]


def _halves(vectors: Vectors) -> list[bytes]:
    """Unit vectors as pgvector sends and takes `halfvec`: how many numbers, nothing, and the numbers."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    head = np.array([vectors.shape[1], 0], dtype=">i2").tobytes()
    return [head + row.tobytes() for row in unit.astype(">f2")]


_BEHIND = """
SELECT o.partition, o.number, coalesce(w.upto, 0), o.next_sequence FROM owners AS o
LEFT JOIN widened AS w ON w.partition = o.partition AND w.owner = o.number AND w.space = $2
WHERE o.project = $1 AND o.next_sequence > coalesce(w.upto, 0)
ORDER BY o.number
LIMIT 100
FOR UPDATE OF o SKIP LOCKED
"""


# What changes behind the copies.


async def drop_erased(connection: Connection, name: str, patience: float, *, small: bool) -> bool:
    """Drop a table of copies that erased rows lay in, if it is small: it is made again. Whether it holds none of them.

    What is left of `patience` seconds is waited for those who search it.
    """
    space = int(name.removeprefix("near_"))
    deadline = time.monotonic() + patience
    while True:
        try:
            async with connection.transaction():
                await connection.execute(f"SET LOCAL mnemic.project = '*'; SET LOCAL lock_timeout = {_TURN}")
                if not await connection.fetchval("SELECT EXISTS (SELECT FROM wide WHERE space = $1 AND erased)", space):
                    return True
                if not small:
                    return False
                await connection.execute(f"DROP TABLE {name}")
                await connection.execute("DELETE FROM widened WHERE space = $1", space)
                await connection.execute("UPDATE wide SET ready = false, erased = false WHERE space = $1", space)
                return True
        except asyncpg.LockNotAvailableError:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_REST)


_REST = 0.2
"""Seconds in which those who waited meanwhile pass."""


def reembed(db: Db, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
    """`spaces.reembed`. What comes late is copied with what is new: the owner's copies count up to there only."""
    numbers = sorted({entry >> pack.SEQUENCE_BITS for entry, _ in vectors})
    which, values = db.at("number", numbers)
    db.lock_owners(f"SELECT number FROM owners WHERE {which}", values)  # nobody copies them meanwhile
    spaces.reembed(db, space, vectors)
    number = number_of(db, space)
    for owner in numbers:
        first = min(entry for entry, _ in vectors if entry >> pack.SEQUENCE_BITS == owner) & (
            (1 << pack.SEQUENCE_BITS) - 1
        )
        db.execute(
            "UPDATE widened SET upto = ? WHERE partition = ? AND owner = ? AND space = ? AND upto > ?",
            [first, owner >> OWNER_BITS, owner, number, first],
        )
