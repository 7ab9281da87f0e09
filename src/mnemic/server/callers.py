"""Who calls: the key of a request, and what it may do. The tenant comes from the key, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from mnemic.types import SCOPE_IDS

KeyScope = Literal["read", "write", "admin"]
KEY_SCOPES: tuple[KeyScope, ...] = ("read", "write", "admin")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The holder of an API key."""

    key_id: str
    email: str
    organization_id: str
    project_id: str
    store_project: str
    """The project of the store."""
    scopes: frozenset[KeyScope]


def ids_in(headers: Mapping[str, str]) -> dict[str, str]:
    """Whose memory is meant, in `X-Mnemic-User-Id` and the like; percent-encoded there where it is not ASCII."""
    found = {name: unquote(headers.get(f"x-mnemic-{name.replace('_', '-')}", "")).strip() for name in SCOPE_IDS}
    return {name: value for name, value in found.items() if value}


def token_in(authorization: str | None, x_api_key: str | None) -> str | None:
    """The key in `Authorization: Bearer …` or `Token …`, or in `X-API-Key`; None without one."""
    if authorization:
        scheme, _, token = authorization.partition(" ")
        return token.strip() or None if scheme.lower() in ("bearer", "token") else None
    return x_api_key.strip() or None if x_api_key else None
