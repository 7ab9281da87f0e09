"""Mnemic: memory for AI assistants and agents.

    from mnemic import Memory
    m = Memory()
    m.add("I live in Taipei and play tennis.", user_id="alice")
    m.search("Where does she live?", user_id="alice")

Importing reads no file, opens nothing and loads no model; names are resolved when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mnemic.errors import (
        Closed,
        Conflict,
        Forbidden,
        InvalidConfig,
        InvalidFilter,
        InvalidInput,
        InvalidScope,
        MissingDependency,
        MnemicError,
        ModelError,
        NotAStore,
        NotFound,
        QuotaExceeded,
        Reentered,
        StoreBusy,
        StoreError,
        StoreFull,
        StoreTooNew,
        StoreUnavailable,
        StoreUnwritable,
        TooManyRequests,
        Unauthorized,
        Unsupported,
        WrongEmbedder,
    )
    from mnemic.memory import AsyncMemory
    from mnemic.remote import AsyncRemoteMemory, RemoteMemory
    from mnemic.sync import Memory

__version__ = "0.1.0"

__all__ = [
    "AsyncMemory",
    "AsyncRemoteMemory",
    "Closed",
    "Conflict",
    "Forbidden",
    "InvalidConfig",
    "InvalidFilter",
    "InvalidInput",
    "InvalidScope",
    "Memory",
    "MissingDependency",
    "MnemicError",
    "ModelError",
    "NotAStore",
    "NotFound",
    "QuotaExceeded",
    "Reentered",
    "RemoteMemory",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreTooNew",
    "StoreUnavailable",
    "StoreUnwritable",
    "TooManyRequests",
    "Unauthorized",
    "Unsupported",
    "WrongEmbedder",
    "__version__",
]

_HOMES = {
    "AsyncMemory": "mnemic.memory",
    "AsyncRemoteMemory": "mnemic.remote",
    "Memory": "mnemic.sync",
    "RemoteMemory": "mnemic.remote",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'mnemic' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES.get(name, "mnemic.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
