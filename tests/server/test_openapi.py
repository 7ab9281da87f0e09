"""The description of the REST is complete and true: requests made from it are answered as it says."""

import asyncio
import json
import logging
import threading

import pytest
import requests
import schemathesis
import structlog
import uvicorn
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import checks

from mnemic import AsyncMemory
from mnemic.server import create_app
from mnemic.server.settings import ServerSettings
from mnemic.testing.fakes import FakeEmbedder

# What would end the test's own access, or wait.
_LEFT_OUT = ("stream", "wait_for_pending", "remove_member", "set_member", "revoke_key", "delete_project")
_CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    """Any text or value as the body of an import."""
    return value.encode("utf-8", "replace") if isinstance(value, str) else json.dumps(value).encode()


class Running:
    """A server on a free port of the loopback, in a thread with a loop of its own."""

    def __init__(self):
        self._ready, self.url, self.secret = threading.Event(), "", ""
        self.session = requests.Session()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self):
        self._server.should_exit = True
        self._thread.join(30)
        self.session.close()

    async def _run(self):
        async with AsyncMemory(":memory:", embedder=FakeEmbedder()) as memory:
            chosen = ServerSettings(database=":memory:", key_limit=None, project_limit=None, port=0)
            app = create_app(memory, chosen)
            self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
            serving = asyncio.create_task(self._server.serve())
            while not self._server.started:  # noqa: ASYNC110 - it has no event to wait for
                await asyncio.sleep(0.01)
            accounts = app.state.service.accounts
            _, self.secret = await accounts.claim(await accounts.first_code(), email="ann@example.com")
            self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
            self.schema = app.openapi()
            self._ready.set()
            await serving


@pytest.fixture(scope="module")
def running():
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    server = Running()
    yield server
    server.stop()
    structlog.reset_defaults()


def operations():
    schema = create_app(AsyncMemory(":memory:"), ServerSettings(database=":memory:")).openapi()
    made = schemathesis.openapi.from_dict(schema)
    found = [each.ok() for each in made.get_all_operations()]
    return [each for each in found if each.path.startswith("/v1/")]


OPERATIONS = [each for each in operations() if each.definition.raw.get("operationId") not in _LEFT_OUT]


def ask(running, operation, examples):
    """Requests that the description allows, and such that it does not."""
    for mode in schemathesis.GenerationMode:

        @settings(
            max_examples=examples, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(mode))
        def answers(case):
            headers = {"Authorization": f"Bearer {running.secret}"}
            response = case.call(base_url=running.url, session=running.session, headers=headers)
            # An address of more than 64 KB does not come as far as our routes.
            assume(response.text != "Invalid HTTP request received.")
            case.validate_response(response, checks=_CHECKS)

        answers()


def test_every_route_is_described_with_its_answers():
    wrong = []
    for operation in OPERATIONS:
        raw = operation.definition.raw
        told = next((each for status, each in raw["responses"].items() if status[0] == "2"), {})
        schemas = [each.get("schema") for each in told.get("content", {}).values()]
        if not raw.get("operationId") or not raw.get("summary") or not schemas or not all(schemas):
            wrong.append(operation.label)
    assert wrong == []


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_a_route_answers_as_it_is_described(running, operation):
    ask(running, operation, 5)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_a_route_answers_as_it_is_described_whatever_comes(running, operation):
    ask(running, operation, 200)
