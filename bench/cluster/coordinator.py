"""One PostgreSQL over all nodes: hash partitions on foreign servers, made from a node's own catalog.

No table is written down here. `distribute` asks a node what it has (IMPORT FOREIGN SCHEMA) and makes the same tables on
the coordinator, divided by their column `partition`, a part for each node. A table without that column (settings,
embedding spaces, usage) is a node's own, and becomes a view over all nodes that says which one a row is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node as a foreign server: its servers' hosts and ports, the primary among them."""

    name: str
    hosts: Sequence[str]
    ports: Sequence[int]
    database: str
    user: str
    password: str
    options: str = ""
    """Settings of the sessions there, as `-c name=value`."""


async def distribute(
    coordinator: asyncpg.Connection, nodes: Sequence[Node], *, schema: str, key: str = "partition"
) -> list[str]:
    """Make the coordinator's tables after those in a schema of the nodes, which is there; returns the divided ones.

    The schema is not `public`, which has the extensions.

    The coordinator holds definitions only, so that they are simply made again after a migration. Not run while
    somebody uses them: it takes them away and puts them back in one transaction.
    """
    made = [*await _of_node(nodes[0], schema, _TYPES), *await _of_node(nodes[0], schema, _FUNCTIONS)]
    for extension in ("postgres_fdw", "vector"):
        await coordinator.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public")
    async with coordinator.transaction():
        await coordinator.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        await coordinator.execute("SET LOCAL check_function_bodies = off")
        for statement in made:  # tables may compute columns with them, and who explains a statement uses them
            await coordinator.execute(statement)
        for node in nodes:
            await _import(coordinator, node, schema)
        tables = await _relations(coordinator, nodes[0].name)
        divided = [name for name in tables if await _has_column(coordinator, nodes[0].name, name, key)]
        for name in tables:
            if name in divided:
                await _divide(coordinator, f'{schema}."{name}"', name, nodes, key)
            else:
                await _unite(coordinator, f'{schema}."{name}"', name, nodes)
    return divided


async def node_of_each(coordinator: asyncpg.Connection, table: str, *, partitions: int) -> list[str]:
    """The node of every partition from 0 on, by the coordinator's own catalog: what a client routes by."""
    rows = await coordinator.fetch(
        """
        SELECT p, s.srvname
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_foreign_table f ON f.ftrelid = c.oid
        JOIN pg_foreign_server s ON s.oid = f.ftserver
        CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'modulus (\\d+), remainder (\\d+)') AS part
        CROSS JOIN generate_series(0, $2 - 1) AS p
        WHERE i.inhparent = to_regclass($1)
            AND satisfies_hash_partition(i.inhparent, part[1]::int, part[2]::int, p)
        ORDER BY p
        """,
        table,
        partitions,
    )
    if [row["p"] for row in rows] != list(range(partitions)):
        raise LookupError(f"the parts of {table!r} do not hold every partition once")
    return [row["srvname"] for row in rows]


_TYPES = """
SELECT format('CREATE TYPE %I.%I AS (%s)', $1::text, c.relname, (
    SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod) || coalesce(
        (SELECT format(' COLLATE %I', l.collname) FROM pg_collation AS l
            WHERE l.oid = a.attcollation AND l.collname <> 'default'), '')), ', ' ORDER BY a.attnum)
    FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
)) AS made
FROM pg_class AS c
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'c'
ORDER BY c.oid
"""

_FUNCTIONS = """
SELECT pg_get_functiondef(f.oid) AS made
FROM pg_proc AS f
WHERE f.pronamespace = $1::text::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = f.oid AND d.deptype = 'e')
ORDER BY f.oid
"""


async def _of_node(node: Node, schema: str, query: str) -> list[str]:
    """A node's own types or functions, as the statements that make them, in the order they were made."""
    db = await asyncpg.connect(
        host=list(node.hosts),
        port=list(node.ports),
        database=node.database,
        user=node.user,
        password=node.password,
        target_session_attrs="read-write",
    )
    try:
        return [row["made"] for row in await db.fetch(query, schema)]
    finally:
        await db.close()


async def _import(coordinator: asyncpg.Connection, node: Node, schema: str) -> None:
    """A node's tables as foreign tables, in a schema of its name."""
    options = {
        "host": ",".join(node.hosts),
        "port": ",".join(map(str, node.ports)),
        "dbname": node.database,
        "target_session_attrs": "read-write",  # follows a promotion
        "connect_timeout": "5",
        "extensions": "vector",  # its operators may be sent to the node
        "async_capable": "true",  # all nodes at once, where a query needs them all
        "fetch_size": "1000",
        "options": node.options,
    }
    await coordinator.execute(f"DROP SERVER IF EXISTS {node.name} CASCADE; DROP SCHEMA IF EXISTS {node.name} CASCADE")
    await coordinator.execute(f"CREATE SERVER {node.name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({_said(options)})")
    login = {"user": node.user, "password": node.password}
    await coordinator.execute(f"CREATE USER MAPPING FOR CURRENT_USER SERVER {node.name} OPTIONS ({_said(login)})")
    await coordinator.execute(f"CREATE SCHEMA {node.name}")
    await coordinator.execute(
        f"IMPORT FOREIGN SCHEMA {schema} FROM SERVER {node.name} INTO {node.name} OPTIONS (import_default 'true')"
    )


async def _divide(coordinator: asyncpg.Connection, table: str, name: str, nodes: Sequence[Node], key: str) -> None:
    """One table in as many parts as there are nodes."""
    like = f'LIKE {nodes[0].name}."{name}" INCLUDING DEFAULTS INCLUDING GENERATED'
    await coordinator.execute(f"CREATE TABLE {table} ({like}) PARTITION BY HASH ({key})")
    for number, node in enumerate(nodes):
        await coordinator.execute(
            f'ALTER TABLE {table} ATTACH PARTITION {node.name}."{name}"'
            f" FOR VALUES WITH (MODULUS {len(nodes)}, REMAINDER {number})"
        )


async def _unite(coordinator: asyncpg.Connection, view: str, name: str, nodes: Sequence[Node]) -> None:
    """What each node has of its own, with the node's name."""
    parts = (f"SELECT '{node.name}' AS node, * FROM {node.name}.\"{name}\"" for node in nodes)
    await coordinator.execute(f"CREATE VIEW {view} AS {' UNION ALL '.join(parts)}")


async def _relations(coordinator: asyncpg.Connection, schema: str) -> list[str]:
    """Names of a schema's tables and views, without parts and what an extension brought."""
    rows = await coordinator.fetch(
        """
        SELECT c.relname
        FROM pg_class c
        WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'v', 'f') AND NOT c.relispartition
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY c.relname
        """,
        schema,
    )
    return [row["relname"] for row in rows]


async def _has_column(coordinator: asyncpg.Connection, schema: str, name: str, column: str) -> bool:
    return await coordinator.fetchval(
        "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2)",
        f'{schema}."{name}"',
        column,
    )


def _said(options: dict[str, str]) -> str:
    """Options as SQL says them."""
    return ", ".join(f"{name} '{value.replace(chr(39), chr(39) * 2)}'" for name, value in options.items())
