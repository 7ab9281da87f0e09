"""Preparing a database: Mnemic's own schema in it, whose tables are made and migrated in numbered steps.

A superuser is never bound by row-level security, so for one the tables belong to the role `mnemic`, which every
connection then takes.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import resources

import asyncpg
from asyncpg import Connection

from mnemic.errors import NotAStore, StoreTooNew, StoreUnavailable, StoreUnwritable

ROLE = SCHEMA = "mnemic"

_LOCK = 0x6D6E656D6963  # "mnemic": whoever prepares a database has it for itself


async def prepare(connection: Connection, address: str) -> str | None:
    """Bring a database up to date, in one transaction, whoever else does so at the same moment.

    The role that connections are to take, so that all make tables of one owner, and are bound by the wall.

    Raises:
        NotAStore, StoreTooNew, StoreUnavailable, StoreUnwritable.
    """
    if connection.get_server_version().major < OLDEST:
        version = connection.get_server_version()
        raise StoreUnavailable(f"{address} is PostgreSQL {version.major}; Mnemic needs {OLDEST} or later")
    role = await _role(connection, address)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await _make_schema(connection, address, role)
        if role is not None:
            await connection.execute(f"SET LOCAL ROLE {quoted(role)}")
        await connection.execute(f"SET LOCAL search_path = {SCHEMA}, public")
        await connection.execute("SET LOCAL mnemic.project = '*'")  # a step may change rows, and those of every project
        await _migrate(connection, address)
    return role


OLDEST = 16
"""The oldest release of PostgreSQL that has all that is used, and that the tests could be run on."""


def quoted(name: str) -> str:
    """A name for a statement that takes no values."""
    return '"' + name.replace('"', '""') + '"'


async def _role(connection: Connection, address: str) -> str | None:
    """Whose the tables are or shall be, if not the user's own."""
    free = await _is_free(connection, None)
    owner = await connection.fetchval("SELECT nspowner FROM pg_namespace WHERE nspname = $1", SCHEMA)
    if owner is not None and await _is_free(connection, owner):
        if not free:
            return None  # what it may do there, it may do as itself
        raise StoreUnwritable(
            f"the schema {SCHEMA!r} of {address} belongs to a user whom row-level security does not bind; run:"
            f" CREATE ROLE {ROLE}; ALTER SCHEMA {SCHEMA} OWNER TO {ROLE}"
        )
    if owner is None:
        if not free:
            return None
        await _make_role(connection, address)
        return ROLE
    member = "SELECT rolname FROM pg_roles WHERE oid = $1 AND rolname <> current_user AND pg_has_role(oid, 'SET')"
    role: str | None = await connection.fetchval(member, owner)
    return role


async def _is_free(connection: Connection, role: int | None) -> bool:
    """Whether row-level security does not bind a role, by its number; None: the user."""
    which = "rolname = current_user" if role is None else f"oid = {role:d}"
    return bool(await connection.fetchval(f"SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE {which}"))


async def _make_role(connection: Connection, address: str) -> None:
    """Roles are the server's: another database may be prepared at the same moment."""
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", ROLE):
            with suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
                await connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
        if not await connection.fetchval("SELECT pg_has_role($1::text, 'SET')", ROLE):
            await connection.execute(f"GRANT {ROLE} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError as exc:
        raise StoreUnwritable(
            f"row-level security does not bind this user of {address}, who may not make or take the role {ROLE!r},"
            f" which it does; let a superuser run: CREATE ROLE {ROLE}; GRANT {ROLE} TO this user"
        ) from exc


async def _make_schema(connection: Connection, address: str, role: str | None) -> None:
    if await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", SCHEMA):
        await _check_tables(connection, address)
        return
    try:
        await connection.execute(f"CREATE SCHEMA {SCHEMA}" + ("" if role is None else f" AUTHORIZATION {quoted(role)}"))
    except asyncpg.InsufficientPrivilegeError as exc:
        raise StoreUnwritable(
            f"{address} has no schema {SCHEMA!r} yet, and this user may not make one; grant it CREATE on the database"
        ) from exc


async def _check_tables(connection: Connection, address: str) -> None:
    """The schema is empty, or a store's."""
    columns = await connection.fetch(
        """
        SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        """,
        SCHEMA,
    )
    if columns and not {("settings", "name"), ("settings", "value"), ("owners", "number")} <= set(map(tuple, columns)):
        raise NotAStore(f"the schema {SCHEMA!r} of {address} is another program's; give Mnemic a database of its own")


async def _migrate(connection: Connection, address: str) -> None:
    steps = migrations()
    version = 0
    if await connection.fetchval("SELECT to_regclass('settings') IS NOT NULL"):
        found = dict(
            await connection.fetch("SELECT name, value FROM settings WHERE name IN ('schema', 'readable_from')")
        )
        if len(found) < 2:
            raise NotAStore(f"the schema {SCHEMA!r} of {address} does not say which release made it; it is damaged")
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
