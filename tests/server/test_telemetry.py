"""Traces of requests, by OpenTelemetry's own instrumentation: off unless asked for, and without ids of people."""

import os
import re
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx2
import pytest
from asgi import serving
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

_TRACE = "0af7651916cd43dd8448eb211c80319c"
_PARENT = f"00-{_TRACE}-b7ad6b7169203331-01"


@pytest.fixture
async def traced(memory):
    """A client of a server that traces, and the spans it made."""
    found = InMemorySpanExporter()
    async with serving(memory, telemetry=True) as client:
        client.app.state.traced.add_span_processor(SimpleSpanProcessor(found))
        yield client, found.get_finished_spans


async def test_a_request_is_one_span_in_the_trace_of_who_asked_named_by_its_route(traced):
    client, spans = traced
    asked = {"query": "Where does she live?", "user_id": "ann"}
    await client.post("/v1/memories/search", json=asked, headers={"traceparent": _PARENT})
    await client.get("/v1/memories/0190a1b2-0000-4000-8000-000000000000")
    first, second = spans()
    assert (first.name, first.attributes["http.response.status_code"]) == ("POST /v1/memories/search", 200)
    assert f"{first.context.trace_id:032x}" == _TRACE
    assert (second.name, second.attributes["http.response.status_code"]) == ("GET /v1/memories/{memory_id}", 404)


async def test_no_span_holds_an_id_a_question_or_a_key(traced):
    client, spans = traced
    await client.get("/v1/memories?user_id=wombat")
    await client.get("/v1/memories/wombat?unmasked=true")
    await client.post("/v1/memories", json={"messages": 7, "wombat": "wombat"})
    await client.get("/nowhere/wombat")
    await client.get("/mem0/v1/memories/wombat/", headers={"X-Wombat": "wombat"})
    written = " ".join(each.to_json() for each in spans())
    assert len(spans()) == 5
    assert "wombat" not in written
    assert client.secret not in written


async def test_questions_of_machines_about_health_are_not_traced(traced):
    client, spans = traced
    for path in ("/healthz", "/readyz", "/metrics"):
        assert (await client.get(path)).status_code == 200
    assert spans() == ()


async def test_nothing_is_traced_unless_it_is_asked_for(client, monkeypatch):
    """Not even where the program around the server traces what it does."""
    found, around = InMemorySpanExporter(), TracerProvider()
    around.add_span_processor(SimpleSpanProcessor(found))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: around)
    assert (await client.get("/v1/memories?user_id=ann")).status_code == 200
    assert found.get_finished_spans() == ()


def test_a_server_without_telemetry_imports_none_of_it():
    program = (
        "import sys; from mnemic.server import create_app; from mnemic import AsyncMemory;"
        "from mnemic.server.settings import ServerSettings as S;"
        "create_app(AsyncMemory(':memory:'), S(database=':memory:'));"
        "print([n for n in sys.modules if n.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_spans_reach_the_collector_that_the_environment_names_before_the_process_ends(tmp_path):
    got = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=collector.serve_forever, daemon=True)
    thread.start()
    variables = {
        "MNEMIC_HOME": str(tmp_path), "MNEMIC_SERVER_TELEMETRY": "true", "OTEL_SERVICE_NAME": "memory of ours",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name("mnemic")), "serve", "--port", "0"]
    with subprocess.Popen(command, env=os.environ | variables, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = next(found[1] for line in process.stderr if (found := re.search(r"on (http://[\d.:]+)", line)))
            httpx2.get(f"{address}/v1/memories", timeout=60)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
    collector.shutdown()
    collector.server_close()
    (path, body), *_ = got
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    named = {each.key: each.value.string_value for each in sent.resource.attributes}
    assert path == "/v1/traces"
    assert named["service.name"] == "memory of ours"
    assert [each.name for each in sent.scope_spans[0].spans] == ["GET /v1/memories"]
