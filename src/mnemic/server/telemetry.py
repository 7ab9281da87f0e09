"""Requests traced by FastAPI itself, in the terms of OpenTelemetry, where the setting `telemetry` asks for it.

Where spans go, how many are kept and what the service is called, its own variables say (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, …). Nothing of its SDK is imported where it is switched off.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from fastapi.telemetry import TelemetryConfig

from mnemic.errors import MissingDependency

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_NAME = "mnemic"
_UNTRACED = frozenset(("/healthz", "/readyz", "/metrics"))

# Addresses hold ids of people and of memories; the route says as much as is needed.
_WITH_IDS = ("url.path", "url.query")
_LEFT_OUT = "left out"


def telemetry(*, wanted: bool) -> TelemetryConfig:
    """What FastAPI is to do: one span a request, or nothing.

    Figures are Prometheus's, and what FastAPI would log of a request that cannot be read holds words of it.

    Raises:
        MissingDependency: it is wanted, and the extra `otel` is not installed.
    """
    if not wanted:
        return {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
    return {
        "tracer_provider": _provider(),
        "auto_configure": True,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "exclude": _is_untraced,
    }


def _provider() -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: F401 - FastAPI does
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
    except ImportError as exc:
        raise MissingDependency(f'telemetry needs more packages ({exc.name}): pip install "mnemic[otel]"') from exc

    class WithoutIds(SpanProcessor):
        def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002 - the SDK's signature
            for name in _WITH_IDS:
                if name in (span.attributes or {}):
                    span.set_attribute(name, _LEFT_OUT)

    named = Resource.create({SERVICE_NAME: _NAME}).merge(OTELResourceDetector().detect())
    made = TracerProvider(resource=named)
    made.add_span_processor(WithoutIds())
    return made


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return scope.get("path") in _UNTRACED
