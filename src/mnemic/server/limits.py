"""How many requests a key and a project may make, counted in this process."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from mnemic.errors import InvalidConfig
from mnemic.server.callers import Caller
from mnemic.server.problems import Refused


class Limits:
    """Rates of the settings `key_limit` and `project_limit`.

    Raises:
        InvalidConfig: a rate that means nothing.
    """

    def __init__(self, *, key: str | None, project: str | None) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._key, self._project = _rate(key), _rate(project)

    async def count(self, caller: Caller) -> dict[str, str]:
        """Count one request; the headers that tell where the caller stands.

        Raises:
            Refused: 429, with the same headers and `Retry-After`.
        """
        headers: dict[str, str] = {}
        for rate, name in ((self._project, f"project:{caller.project_id}"), (self._key, f"key:{caller.key_id}")):
            if rate is None:
                continue
            within = await self._limiter.hit(rate, name)
            reset, left = await self._limiter.get_window_stats(rate, name)
            seconds = str(max(0, math.ceil(reset - time.time())))
            headers = {
                "X-RateLimit-Limit": str(rate.amount),
                "X-RateLimit-Remaining": str(left if within else 0),
                "X-RateLimit-Reset": seconds,
            }
            if not within:
                headers["Retry-After"] = str(max(1, int(seconds)))
                whose = name.partition(":")[0]
                raise Refused(
                    429,
                    f"more than {rate} of this {whose}; try again in {headers['Retry-After']} s",
                    code="TooManyRequests",
                    headers=headers,
                )
        return headers


def _rate(given: str | None) -> RateLimitItem | None:
    if not given:
        return None
    try:
        return parse(given)
    except ValueError as exc:
        raise InvalidConfig(f"a limit is written as 100/minute or 20/second, not {given!r}") from exc
