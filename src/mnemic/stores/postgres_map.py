"""Which database node has which partition, as a coordinator's own catalog says.

A coordinator is a PostgreSQL without rows of its own: its tables are divided by the hash of their partition, and each
part is a foreign table on a node. Nothing else is kept anywhere that could disagree with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from asyncpg import Connection

from mnemic.errors import StoreError
from mnemic.ids import PARTITIONS
from mnemic.stores.postgres_schema import SCHEMA


@dataclass(frozen=True, kw_only=True)
class NodeMap:
    """The nodes behind a coordinator."""

    names: tuple[str, ...]
    urls: tuple[str, ...]
    """Where each node is."""
    node_of: tuple[int, ...]
    """By partition: the number of its node."""


async def node_map(connection: Connection, url: str) -> NodeMap | None:
    """The nodes of a coordinator, opened with `url`; None where tables are not divided over foreign servers.

    A node's user and password are those of the user mapping, where this user may read them, else those in `url`.

    Raises:
        StoreError: some partition is on no node, or on two.
    """
    parts = await connection.fetch(_PARTS, _TABLE)
    if not parts:
        return None
    servers = {part["server"]: _options(part["server_options"]) | _options(part["mapping"]) for part in parts}
    names = tuple(sorted(servers))
    rows = await connection.fetch(
        _PLACES, _TABLE, [part["modulus"] for part in parts], [part["remainder"] for part in parts], PARTITIONS
    )
    if [row["partition"] for row in rows] != list(range(PARTITIONS)):
        raise StoreError(
            f"the foreign tables of {_TABLE} do not hold each of the {PARTITIONS} partitions once;"
            " make the coordinator's tables again"
        )
    return NodeMap(
        names=names,
        urls=tuple(_url(servers[name], url) for name in names),
        node_of=tuple(names.index(parts[row["part"] - 1]["server"]) for row in rows),
    )


_TABLE = f"{SCHEMA}.memories"

_PARTS = """
SELECT s.srvname AS server, s.srvoptions AS server_options, part[1]::int AS modulus, part[2]::int AS remainder,
    (
        SELECT m.umoptions FROM pg_user_mappings AS m WHERE m.srvid = s.oid AND m.usename IN (current_user, 'public')
        ORDER BY m.usename = current_user DESC LIMIT 1
    ) AS mapping
FROM pg_inherits AS i
JOIN pg_class AS c ON c.oid = i.inhrelid
JOIN pg_foreign_table AS f ON f.ftrelid = c.oid
JOIN pg_foreign_server AS s ON s.oid = f.ftserver
CROSS JOIN LATERAL regexp_match(pg_get_expr(c.relpartbound, c.oid), 'modulus (\\d+), remainder (\\d+)') AS part
WHERE i.inhparent = to_regclass($1)
ORDER BY remainder, modulus
"""

_PLACES = """
SELECT p AS partition, part.number AS part
FROM unnest($2::int[], $3::int[]) WITH ORDINALITY AS part (modulus, remainder, number)
CROSS JOIN generate_series(0, $4 - 1) AS p
WHERE satisfies_hash_partition(to_regclass($1), part.modulus, part.remainder, p)
ORDER BY p
"""


def _options(said: Iterable[str] | None) -> dict[str, str]:
    return dict(each.split("=", 1) for each in said or ())


def _url(options: Mapping[str, str], coordinator: str) -> str:
    """Where a foreign server is, as one opens it."""
    hosts, ports = options.get("host", "").split(","), options.get("port", "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    asked = {name: options[name] for name in _PASSED_ON if name in options}
    at = ""
    if any(host.startswith("/") for host in hosts):  # a folder with a socket
        asked |= {"host": ",".join(hosts), "port": ",".join(ports)}
    elif hosts != [""]:
        at = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in _pairs(hosts, ports))
    behind = f"?{urlencode(asked, quote_via=quote, safe='/,:')}" if asked else ""
    return f"postgresql://{_login(options, coordinator)}{at}/{quote(options.get('dbname', ''))}{behind}"


_PASSED_ON = ("sslmode", "sslrootcert", "sslcert", "sslkey")


def _pairs(hosts: Sequence[str], ports: Sequence[str]) -> Iterable[tuple[str, str]]:
    if len(hosts) != len(ports):
        raise StoreError(f"a foreign server has {len(hosts)} hosts and {len(ports)} ports; give each host its port")
    return zip(hosts, ports, strict=True)


def _login(options: Mapping[str, str], coordinator: str) -> str:
    if "user" in options:
        user, password = quote(options["user"], safe=""), quote(options.get("password", ""), safe="")
    else:
        parts = urlsplit(coordinator)
        asked = dict(parse_qsl(parts.query))
        user = parts.username or quote(asked.get("user", ""), safe="")  # as it is written there: quoted already
        password = parts.password or quote(asked.get("password", ""), safe="")
    return f"{user}{password and ':'}{password}@" if user else ""
