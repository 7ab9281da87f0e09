"""Requests traced by OpenTelemetry's own instrumentation, where the setting `telemetry` asks for it.

Where spans go, how many are kept and what the service is called, its own variables say (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, …). Nothing of it is imported before `trace` is called.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from mnemic.errors import MissingDependency

_NAME = "mnemic"
_UNTRACED = "/healthz$,/readyz$,/metrics$"

# Addresses hold ids of people and of memories, and what is searched for; the route says as much as is needed.
_WITH_IDS = ("http.target", "http.url", "url.full", "url.path", "url.query")
_LEFT_OUT = "left out"


def trace(app: FastAPI) -> None:
    """Have the requests of an application traced: by the provider that is set up already, else by one of ours.

    Ours sends what it has when the process ends.

    Raises:
        MissingDependency: the extra `otel` is not installed.
    """
    try:
        from opentelemetry import trace as tracing
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as exc:
        raise MissingDependency(f'telemetry needs more packages ({exc.name}): pip install "mnemic[otel]"') from exc
    if not isinstance(tracing.get_tracer_provider(), TracerProvider):
        named = Resource.create({SERVICE_NAME: _NAME}).merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=named)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        tracing.set_tracer_provider(provider)
    FastAPIInstrumentor.instrument_app(
        app, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"], server_request_hook=_without_ids
    )


def _without_ids(span: Any, _: dict[str, Any]) -> None:
    if span.is_recording():
        for name in _WITH_IDS:
            if name in span.attributes:
                span.set_attribute(name, _LEFT_OUT)
