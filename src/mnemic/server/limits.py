"""How many requests a key and a project may make, counted in this process since its start."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse_many
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mnemic.errors import InvalidConfig
from mnemic.server.callers import Caller
from mnemic.server.problems import Refused


class Limits:
    """Rates of the settings `key_limit` and `project_limit`, each one or several: a burst, and a quota of the day.

    Raises:
        InvalidConfig: a rate that means nothing.
    """

    def __init__(self, *, key: str | None, project: str | None) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._rates = [(rate, "key") for rate in _rates(key)] + [(rate, "project") for rate in _rates(project)]

    async def count(self, caller: Caller) -> dict[str, str]:
        """Count one request; the headers that tell where the caller stands: of the limit that has the least left.

        Raises:
            Refused: 429, with the same headers of the limit that is reached, and `Retry-After`. Then nothing is
                counted: a key that asks too much takes nothing from others of its project.
        """
        ids = {"key": caller.key_id, "project": caller.project_id}
        for passes in (self._limiter.test, self._limiter.hit):
            for rate, whose in self._rates:
                if not await passes(rate, whose, ids[whose]):
                    reset, _ = await self._limiter.get_window_stats(rate, whose, ids[whose])
                    headers = _headers(rate, 0, reset)
                    headers["Retry-After"] = str(max(1, int(headers["X-RateLimit-Reset"])))
                    raise Refused(
                        429,
                        f"more than {rate} of this {whose}; try again in {headers['Retry-After']} s",
                        code="TooManyRequests",
                        headers=headers,
                    )
        stand = [(rate, *await self._limiter.get_window_stats(rate, whose, ids[whose])) for rate, whose in self._rates]
        if not stand:
            return {}
        rate, reset, left = min(stand, key=lambda each: each[2])
        return _headers(rate, left, reset)


def _headers(rate: RateLimitItem, left: int, reset: float) -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(rate.amount),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(max(0, math.ceil(reset - time.time()))),
    }


def _rates(given: str | None) -> list[RateLimitItem]:
    if not given:
        return []
    try:
        return parse_many(given)
    except ValueError as exc:
        raise InvalidConfig(f"a limit is written as 100/minute, or 20/second; 50000/day, not {given!r}") from exc
