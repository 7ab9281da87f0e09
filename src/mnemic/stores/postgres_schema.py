"""Preparing a database: Mnemic's own schema in it, whose tables are made and migrated in numbered steps.

A superuser is never bound by row-level security, so for one the tables belong to the role `mnemic`, which every
connection then takes.
"""

from __future__ import annotations

from importlib import resources

import asyncpg
from asyncpg import Connection

from mnemic.errors import NotAStore, StoreTooNew, StoreUnwritable

ROLE = SCHEMA = "mnemic"

_LOCK = 0x6D6E656D6963  # "mnemic": whoever prepares a database has it for itself


async def prepare(connection: Connection, address: str) -> bool:
    """Bring a database up to date, in one transaction, whoever else does so at the same moment.

    Whether connections are to take the role.

    Raises:
        NotAStore, StoreTooNew, StoreUnwritable.
    """
    as_role = await _takes_role(connection)
    if as_role:
        await _make_role(connection)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _make_schema(connection, address, as_role=as_role)
        if as_role:
            await connection.execute(f"SET LOCAL ROLE {ROLE}")
        await connection.execute(f"SET LOCAL search_path = {SCHEMA}, public")
        await _migrate(connection, address)
    return as_role


async def _takes_role(connection: Connection) -> bool:
    return bool(await connection.fetchval("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"))


async def _make_role(connection: Connection) -> None:
    if await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", ROLE):
        return
    try:
        await connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
    except (asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        return  # roles are the server's: another database was prepared at the same moment


async def _make_schema(connection: Connection, address: str, *, as_role: bool) -> None:
    tables = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p')", SCHEMA
    )
    if tables and "settings" not in {name for (name,) in tables}:
        raise NotAStore(f"the schema {SCHEMA!r} of {address} is another program's; give Mnemic a database of its own")
    known = await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", SCHEMA)
    if known:
        return
    try:
        await connection.execute(f"CREATE SCHEMA {SCHEMA}" + (f" AUTHORIZATION {ROLE}" if as_role else ""))
    except asyncpg.InsufficientPrivilegeError as exc:
        raise StoreUnwritable(
            f"{address} has no schema {SCHEMA!r} yet, and this user may not make one; grant it CREATE on the database"
        ) from exc


async def _migrate(connection: Connection, address: str) -> None:
    steps = migrations()
    version = 0
    if await connection.fetchval("SELECT to_regclass('settings') IS NOT NULL"):
        found = dict(await connection.fetch("SELECT name, value FROM settings"))
        version = int(found["schema"])
        if int(found["readable_from"]) > len(steps):
            raise StoreTooNew(f"{address} was prepared by a later release of Mnemic; upgrade: pip install -U mnemic")
    for number in range(version, len(steps)):
        await connection.execute(steps[number])
    if version < len(steps):
        await connection.executemany(
            "INSERT INTO settings VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [("schema", str(len(steps))), ("readable_from", str(READABLE_FROM))],
        )


READABLE_FROM = 1
"""The oldest release's schema whose code can use tables as they are after the last step. A step adds what former code
does without, so that servers are upgraded one after the other; one that cannot do so raises this."""


def migrations() -> list[str]:
    """The steps in their order."""
    folder = resources.files("mnemic.stores.sql.postgres")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [file.read_text(encoding="utf-8") for file in files]
