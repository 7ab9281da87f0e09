"""The address of a PostgreSQL database: whether it can be meant, and how it is shown, which is without its password.

What is wrong with one is said without quoting it: whatever was written in the wrong place may be the password.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from mnemic.errors import InvalidConfig

SCHEMES = ("postgresql://", "postgres://")

_SHOWN = ("host", "port", "user", "dbname", "database")
"""Of what may stand behind the question mark; the rest is left out, as passwords may be among it."""

_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.%]+\]|[^:\[\]@]*)(?::([0-9]{1,5}))?")


def shown(url: str) -> str:
    """The same of any text that begins like one; of one that cannot be used, no more than that."""
    try:
        return without_password(url)
    except InvalidConfig:
        return f"{url.partition('://')[0]}://…"


def without_password(url: str) -> str:
    """The URL as it may be shown.

    Raises:
        InvalidConfig: it is not `postgresql://user:password@host:port/database`, or its password has marks in it that
            part a URL.
    """
    try:
        parts = urlsplit(url)
        asked = parse_qsl(parts.query, strict_parsing=True) if parts.query else []
    except ValueError:
        raise _bad(
            "it is no URL, or has more behind the question mark than name=value&name=value"
        ) from None  # its message would quote the URL
    login, at, hosts = parts.netloc.rpartition("@")
    if "@" in login or parts.fragment or (not at and "@" in parts.path + parts.query):
        raise _bad("a password with any of @ : / ? # % in it must be percent-encoded (urllib.parse.quote)")
    given = dict(asked)
    ports = [port for port in given.get("port", "").split(",") if port]
    for host in [name for names in (hosts, given.get("host", "")) if names for name in names.split(",")]:
        found = _HOST.fullmatch(host)
        if found is None or not host:
            raise _bad("it names a host that none can be, or a port that is no number")
        ports.append(found[1] or "0")
    if any(not port.isascii() or not port.isdecimal() or int(port) > _LAST_PORT for port in ports):
        raise _bad(f"it has a port that is no number up to {_LAST_PORT}")
    behind = urlencode([(name, value) for name, value in asked if name in _SHOWN], quote_via=quote, safe="/,:")
    user = login.partition(":")[0]
    return f"{parts.scheme}://{user}{at}{hosts}{parts.path}{behind and '?'}{behind}"


_LAST_PORT = 65535


def timeout_of(url: str) -> float | None:
    """Seconds that a URL gives its server, as `?mnemic.timeout=20`.

    Raises:
        InvalidConfig: it gives something else.
    """
    given = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).get(_TIMEOUT)
    if given is None:
        return None
    if re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", given) is None or not float(given):
        raise _bad(f"{_TIMEOUT} is a number of seconds above 0")
    return float(given)


_TIMEOUT = "mnemic.timeout"


def _bad(why: str) -> InvalidConfig:
    return InvalidConfig(f"the store's address cannot be used: {why}; write postgresql://user:password@host:port/name")
