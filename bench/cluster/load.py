"""Clients that write or read without a pause, and what each of them saw: what was acknowledged, refused, and waited for."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cluster import Late, Unreachable

from mnemic.errors import StoreError

PATIENCE = 180.0  # seconds in which a store answers or raises, whatever becomes of its server
REST = 0.02  # seconds a client waits after an error before it tries again


@dataclass
class Seen:
    """What one client saw. Times are `time.perf_counter`."""

    acknowledged: list[str] = field(default_factory=list)
    answers: list[tuple[float, float]] = field(default_factory=list)
    """Start and end of each call that was answered."""
    errors: Counter[str] = field(default_factory=Counter)

    def longest_wait(self, since: float) -> float:
        """Most seconds from one answer to the next after a moment: how long the client was without."""
        ends = [since, *(end for _, end in self.answers if end > since)]
        return max((after - before for before, after in itertools.pairwise(ends)), default=0.0)

    def times(self, since: float, until: float) -> list[float]:
        """Seconds of each call that began in a stretch of time."""
        return [end - start for start, end in self.answers if since <= start < until]


class Load:
    """Several clients that call `call(n)` one after another; it returns the id that is acknowledged."""

    def __init__(self, call: Callable[[int], Awaitable[str]], clients: int = 1) -> None:
        self.seen = [Seen() for _ in range(clients)]
        self._call = call
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._client(number, seen)) for number, seen in enumerate(self.seen)]

    async def stop(self, *, within: float = PATIENCE) -> None:
        """Let every client end its call.

        Raises:
            Late: a call has no end, in so many seconds.
        """
        self._stop.set()
        done, late = await asyncio.wait(self._tasks, timeout=within)
        for task in done:
            task.result()
        if late:
            self.cancel()
            raise Late(f"{len(late)} of {len(self._tasks)} clients still waited for an answer after {within:g} s")

    def cancel(self) -> None:
        """Leave what is under way, for who does not ask any more."""
        for task in self._tasks:
            task.cancel()

    @property
    def acknowledged(self) -> list[str]:
        """What all clients were told is kept."""
        return [record for seen in self.seen for record in seen.acknowledged]

    @property
    def errors(self) -> Counter[str]:
        """What the clients were refused with."""
        return sum((seen.errors for seen in self.seen), Counter[str]())

    def longest_wait(self, since: float) -> float:
        """Most seconds that one of the clients was without an answer after a moment."""
        return max(seen.longest_wait(since) for seen in self.seen)

    def times(self, since: float, until: float) -> Sequence[float]:
        """Seconds of each client's calls that began in a stretch of time."""
        return [took for seen in self.seen for took in seen.times(since, until)]

    async def _client(self, number: int, seen: Seen) -> None:
        turn = number
        while not self._stop.is_set():
            start = time.perf_counter()
            try:
                kept = await self._call(turn)
            except (*Unreachable, StoreError) as error:
                seen.errors[f"{type(error).__name__}: {str(error)[:100]}"] += 1
                await asyncio.sleep(REST)
            else:
                seen.acknowledged.append(kept)
                seen.answers.append((start, time.perf_counter()))
            turn += len(self.seen)
