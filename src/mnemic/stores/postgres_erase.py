"""What the files of a database still hold of rows that were deleted, and taking it out of them.

A deleted row's bytes stay in its table, in its indexes and in the server's log. `VACUUM` makes their room free for
other rows and overwrites nothing; only writing a table anew, with its indexes, leaves them behind. Nobody can use a
table meanwhile, so that erasing does it with small tables, one after the other, and names the large ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

import asyncpg
from asyncpg import Connection

from mnemic.stores.postgres_near import drop_erased
from mnemic.stores.postgres_schema import SCHEMA

_log = logging.getLogger("mnemic")

LARGEST = 256 * 2**20
"""Bytes of a table, with its indexes, that is written anew at once: 250,000 memories, for which others wait some five
seconds on two slow cores. Ten times as many would shut everybody out for a minute, whenever anybody is erased."""

_TURN = 1000
"""Milliseconds to wait for a table that others use: whoever comes after waits behind this, and must not for long."""

_OF_NOBODY = ["settings", "spaces"]
"""Tables of the store itself."""

_REST = 0.2
"""Seconds in which those pass."""


async def rewrite(connection: Connection, patience: float, *, emptied: bool = False) -> list[str]:
    """Write every table anew, without what was deleted before this call.

    The names of those that still hold it: too large (but not if all was deleted, as there is nothing to write then),
    or used all the while by somebody else's long transaction. `patience` is in seconds, and for each of the things that
    are waited for.
    """
    # Not those in which no row ever was since they were last written: of such a table there is one page an index. All
    # others are: one that loses no row now may have lost some before.
    tables = await connection.fetch(
        """
        SELECT relname, pg_total_relation_size(oid) AS size FROM pg_class
        WHERE relnamespace = $1::text::regnamespace AND relkind = 'r' AND NOT relname = ANY($2::text[])
            AND pg_total_relation_size(oid) > (
                SELECT count(*) * current_setting('block_size')::bigint FROM pg_index
                WHERE indrelid IN (pg_class.oid, pg_class.reltoastrelid)
            )
        ORDER BY size
        """,
        SCHEMA,
        _OF_NOBODY,
    )
    seen = not await _is_gone_for_all(connection, patience)
    left = []
    for name, size in tables:
        if name.startswith("near_"):
            if not await drop_erased(connection, name, patience, small=size <= LARGEST or emptied):
                left.append(name)
        elif seen or (size > LARGEST and not emptied) or not await _rewritten(connection, name, patience):
            await connection.execute(f"VACUUM {SCHEMA}.{name}")  # locks nobody out; the room is used again
            left.append(name)
    await _leave_statistics_and_log(connection)
    if left:
        why = "a transaction that began before it still sees them" if seen else "they are large, or others use them"
        _log.warning(
            "what was erased is in no answer any more, but its bytes are still in files of the tables %s: %s. Run"
            " VACUUM (FULL) on them, or pg_repack, when that suits",
            ", ".join(f"{SCHEMA}.{name}" for name in left),
            why,
        )
    return left


async def vacuum(connection: Connection) -> None:
    """Make the room of deleted rows free for others, where nobody is in the way."""
    rows = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'", SCHEMA
    )
    await connection.execute(f"VACUUM (SKIP_LOCKED) {', '.join(f'{SCHEMA}.{name}' for (name,) in rows)}")


async def _is_gone_for_all(connection: Connection, patience: float) -> bool:
    """Whether no transaction is open that began before now: such a one sees deleted rows, so a new table has them."""
    now = await connection.fetchval("SELECT pg_current_xact_id()::text")
    deadline = time.monotonic() + patience
    while await connection.fetchval(_OLDER, now):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_REST)
    return True


_OLDER = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (datid IS NULL OR datname = current_database())
        AND greatest(age(backend_xid), age(backend_xmin)) > age($1::text::xid)
) OR EXISTS (
    SELECT FROM pg_prepared_xacts WHERE database = current_database() AND age(transaction) > age($1::text::xid)
)
"""


async def _rewritten(connection: Connection, name: str, patience: float) -> bool:
    deadline = time.monotonic() + patience
    await connection.execute(f"SET lock_timeout = {_TURN}")
    try:
        while True:
            try:
                await connection.execute(f"VACUUM (FULL, ANALYZE) {SCHEMA}.{name}")
            except asyncpg.LockNotAvailableError:
                if time.monotonic() > deadline:
                    return False
                await asyncio.sleep(_REST)
            else:
                return True
    finally:
        if not connection.is_closed():
            await connection.execute("RESET lock_timeout")


async def _leave_statistics_and_log(connection: Connection) -> None:
    """What only some users may do: statistics keep samples of ids, and the server's log what was written lately."""
    await connection.execute("SET ROLE NONE")  # what the user may do, not what the tables' owner may
    try:
        for statement in ("VACUUM (FULL) pg_catalog.pg_statistic", "SELECT pg_switch_wal()", "CHECKPOINT"):
            with suppress(asyncpg.InsufficientPrivilegeError, asyncpg.LockNotAvailableError):
                await connection.execute(statement)
    finally:
        if not connection.is_closed():
            await connection.execute("RESET ROLE")
