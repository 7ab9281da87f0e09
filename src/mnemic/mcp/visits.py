"""Who asks, in one request: the memory that is meant, whose it is, and what may be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mnemic import AsyncMemory
from mnemic.errors import InvalidScope, describe

Right = Literal["read", "write"]


def _nothing(**_: Any) -> None:
    """What is done about an audit where there is none."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request of an assistant."""

    memory: AsyncMemory
    """Or anything with its methods."""
    ids: Mapping[str, str]
    """Those that are settled: by the command line, or by the headers of a request. Nothing in a call changes them."""
    rights: frozenset[Right] = frozenset(("read", "write"))
    wait: Literal["extracted", "stored"] = "extracted"
    """What a write is answered after."""
    whose: str = ""
    """How the ids can be given here, where none are."""
    note: Callable[..., None] = _nothing
    """Takes `action` and the ids, for the audit."""

    def of(self, given: Mapping[str, str]) -> AsyncMemory:
        """The memory with the settled ids, and those of the call, bound.

        Raises:
            InvalidScope: there are none, or they contradict each other.
        """
        for name, value in self.ids.items():
            if given.get(name, value) != value:
                raise InvalidScope(
                    f"{name} is settled here as {value!r}; leave it out instead of passing {describe(given[name])}"
                )
        ids: dict[str, Any] = {**given, **self.ids}
        if not ids:
            raise InvalidScope(f"whose memory is meant? {self.whose}")
        return self.memory.scope(**ids)
