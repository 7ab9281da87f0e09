"""Figures of the store for Prometheus: what waits, what failed, and how much there is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from mnemic.errors import MnemicError
from mnemic.server.service import Service
from mnemic.server.tables import deliveries, projects

_FRESH = 15.0  # seconds: a usual interval between two looks of Prometheus, and counting costs time in a large store

_GAUGES = {
    "memories": ("mnemic_memories", "Current memories of all projects."),
    "bytes": ("mnemic_store_bytes", "Size of the store."),
    "model_calls_today": ("mnemic_model_calls_today", "Calls of the extracting model since midnight UTC."),
    "tokens_today": ("mnemic_model_tokens_today", "Tokens of these calls."),
}
_MESSAGES = ("pending", "failed")
_DELIVERIES = ("pending", "dead")


class Figures(Collector):
    """What was counted last, by whichever process is asked.

    Args:
        registry: to be shown in.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counted: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._up = False
        self._at: float | None = None
        self._turn = asyncio.Lock()
        registry.register(self)

    async def count(self, service: Service) -> None:
        """Count anew what was counted some seconds ago. A store that does not answer is shown as down."""
        async with self._turn:
            if self._at is not None and time.monotonic() - self._at < _FRESH:
                return
            try:
                self._counted, self._told = await _counted(service)
                self._up = True
            except MnemicError:
                self._up = False
            self._at = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """The figures as they were counted; only that the store is down, when it is."""
        if self._at is None:
            return
        yield GaugeMetricFamily("mnemic_store_up", "Whether the store answered.", value=int(self._up))
        if not self._up:
            return
        for key, (name, about) in _GAUGES.items():
            yield GaugeMetricFamily(name, about, value=self._counted[key])
        messages = GaugeMetricFamily("mnemic_messages", "Messages that no memory was made of yet.", labels=["state"])
        for state in _MESSAGES:
            messages.add_metric([state], self._counted[state])
        yield messages
        waiting = GaugeMetricFamily("mnemic_webhook_deliveries", "Deliveries to webhooks.", labels=["state"])
        for state in _DELIVERIES:
            waiting.add_metric([state], self._told[state])
        yield waiting


async def _counted(service: Service) -> tuple[Counter[str], Counter[str]]:
    """Sums over all projects, and deliveries by state."""
    async with service.database.transaction() as db:
        names = list((await db.execute(select(projects.c.store_project))).scalars())
        of_state = select(deliveries.c.state, func.count()).where(deliveries.c.state.in_(_DELIVERIES))
        told = Counter({each.state: each.count for each in await db.execute(of_state.group_by(deliveries.c.state))})
    total: Counter[str] = Counter()
    for name in names:
        found = await service.memory.within(name).stats()
        for key in ("memories", "pending", "failed", "model_calls_today", "tokens_today"):
            total[key] += found[key]
        total["bytes"] = found["bytes"]  # of the store as a whole, whichever project asks
    return total, told
