"""Every error Mnemic raises, and how they relate.

    MnemicError
    ├── InvalidInput (ValueError)          what was passed cannot be used
    │   ├── InvalidScope                   ids missing, blank, or not usable as ids
    │   ├── InvalidFilter                  an operator or key that filters do not have
    │   └── InvalidConfig                  a setting, model name or store address that means nothing
    ├── NotFound (LookupError, ValueError) no memory or episode has this id
    ├── MissingDependency (ImportError)    an optional package is needed; the message names the install
    ├── StoreError                         the store cannot do what was asked; nothing was changed
    │   ├── NotAStore                      the file is something else, or damaged
    │   ├── StoreUnwritable                read-only file or folder, or no permission
    │   ├── StoreFull                      the disk (or the owner's row range) is full
    │   │   └── QuotaExceeded              the project holds as much as it may
    │   ├── StoreBusy                      another process held the write lock for too long
    │   ├── StoreUnavailable               the server does not answer, or refuses the connection
    │   ├── StoreTooNew                    written by a later release
    │   ├── WrongEmbedder                  the store holds vectors of another embedder
    │   ├── Conflict                       what the decision was made on has changed since
    │   └── Closed                         used after close()
    ├── Unauthorized                       a server does not know the API key, or none was given
    ├── Forbidden                          the API key may not do this
    ├── TooManyRequests                    a server refuses more of them for now
    ├── Unsupported (NotImplementedError)  a memory on a server does not have this; it is done where the store is
    ├── Reentered (RuntimeError)           a Memory was called by what it runs itself, and would wait for ever
    └── ModelError                         a language model or remote embedder failed or answered badly

A message says what was expected, what came, and what to do next.
"""

from __future__ import annotations


class MnemicError(Exception):
    """Base of every error raised on purpose by this package."""


class InvalidInput(MnemicError, ValueError):
    """An argument has the wrong type or a value that cannot be used."""


class InvalidScope(InvalidInput):
    """The ids given do not name anybody: all None or blank, or none where one is required."""


class InvalidFilter(InvalidInput):
    """A filter uses an operator, key or shape that filters do not have."""


class InvalidConfig(InvalidInput):
    """A setting, a model name or a store address that cannot be understood."""


class NotFound(MnemicError, LookupError, ValueError):
    """No memory, episode, change or entity has this id."""

    def __init__(
        self,
        record_id: str,
        *,
        what: str = "memory or episode has the id",
        where: str = "get_all() lists the ids there are",
    ) -> None:
        super().__init__(f"no {what} {describe(record_id)}; {where}")
        self.id = record_id


class MissingDependency(MnemicError, ImportError):
    """An optional package is needed for what was asked."""


class StoreError(MnemicError):
    """The store could not do what was asked; nothing was changed."""


class NotAStore(StoreError):
    """The file exists and is not a Mnemic store, or it is damaged."""


class StoreUnwritable(StoreError):
    """The file or its folder cannot be written."""


class StoreFull(StoreError):
    """There is no room left; nothing of this write was kept."""


class QuotaExceeded(StoreFull):
    """The project holds as many memories as its limits allow; nothing of this write was kept."""


class StoreBusy(StoreError):
    """Another process held the write lock for longer than the timeout."""


class StoreUnavailable(StoreError):
    """The server does not answer, or refuses the connection. A write that was under way may have arrived."""


class StoreTooNew(StoreError):
    """The store was written by a later release of Mnemic."""


class WrongEmbedder(StoreError):
    """The store holds vectors of another embedder."""


class Conflict(StoreError):
    """A row changed between the decision and the commit; decide again."""


class Closed(StoreError):
    """The memory was used after close()."""


class Unauthorized(MnemicError):
    """A server does not know the API key, or none was given."""


class Forbidden(MnemicError):
    """The API key may not do what was asked."""


class TooManyRequests(MnemicError):
    """A server refuses more requests of this key or project for now."""


class Unsupported(MnemicError, NotImplementedError):
    """A memory on a server does not have this: it is done where the store is."""


class Reentered(MnemicError, RuntimeError):
    """A `Memory` was called inside of its own work, by an extractor or another callback; use `AsyncMemory` there."""


class ModelError(MnemicError):
    """A language model or a remote embedder failed, or its answer could not be used."""


_SHOWN = 80


def describe(value: object) -> str:
    """A value for an error message: its repr, cut to a length a person reads; never fails."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - whatever a stranger's repr raises, the message matters more
        return f"a {type(value).__name__} that cannot be printed"
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
