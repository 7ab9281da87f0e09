"""What an operator sees of a server: figures of requests, of the store and of webhooks, of all processes together."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from asgi import key_of, serving
from prometheus_client.parser import text_string_to_metric_families

from mnemic import AsyncMemory
from mnemic.errors import StoreUnavailable
from mnemic.server import figures
from mnemic.testing.fakes import FakeEmbedder, FakeLLM


def read(text):
    """Samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def figures_of(client):
    return read((await client.get("/metrics")).text)


async def test_figures_tell_what_waits_what_failed_and_how_much_there_is(tmp_path):
    memory = AsyncMemory(str(tmp_path / "m.db"), embedder=FakeEmbedder(), background=False)
    async with memory, serving(memory, work=False) as client:
        await memory.add("I live in Oslo.", user_id="ann")
        await memory.add("I play chess.", user_id="ann", wait="stored")
        await memory.within("elsewhere").add("Not of a project of the server.", user_id="bob", wait="stored")
        made = await client.post("/v1/projects", json={"name": "second"})
        headers = await key_of(client, "write", project_id=made.json()["id"])
        said = {"messages": "I paint.", "user_id": "bob"}
        assert (await client.post("/v1/memories", json=said, headers=headers)).status_code == 201
        told = await figures_of(client)
    assert told[("mnemic_store_up",)] == 1
    assert told[("mnemic_memories",)] == 1
    assert told["mnemic_messages", ("state", "pending")] == 2
    assert told["mnemic_messages", ("state", "failed")] == 0
    assert told[("mnemic_store_bytes",)] > 0
    assert told["mnemic_requests_total", ("method", "POST"), ("route", "/v1/memories"), ("status", "201")] == 1


async def test_figures_tell_what_models_cost(tmp_path):
    model = FakeLLM({"facts": []})
    memory = AsyncMemory(str(tmp_path / "m.db"), embedder=FakeEmbedder(), llm=model, background=False)
    async with memory, serving(memory, work=False) as client:
        await memory.add("I live in Oslo.", user_id="ann", wait="stored")
        await memory.process_pending()
        told = await figures_of(client)
    assert told[("mnemic_model_calls_today",)] == 1
    assert told[("mnemic_model_tokens_today",)] == 0  # the stand-in counts none


async def test_deliveries_that_wait_and_that_were_given_up_are_counted(client, memory):
    hooks = client.app.state.service.webhooks
    hooks._retries = ()
    made = await client.post("/v1/webhooks", json={"name": "gone", "url": "http://127.0.0.1:9/"})
    assert made.status_code == 201, made.text
    await client.post("/v1/memories/remember", json={"text": "I live in Oslo.", "user_id": "ann"})
    path = f"/v1/webhooks/{made.json()['id']}/deliveries?state=dead"
    async with asyncio.timeout(20):
        while not (await client.get(path)).json()["results"]:  # noqa: ASYNC110 - over HTTP nothing tells
            await asyncio.sleep(0.05)
    told = await figures_of(client)
    assert told["mnemic_webhook_deliveries", ("state", "dead")] == 1
    assert told["mnemic_webhook_deliveries", ("state", "pending")] == 0


async def test_figures_of_the_store_are_not_counted_with_every_look(client, memory, monkeypatch):
    await memory.remember("I live in Oslo.", user_id="ann")
    assert (await figures_of(client))[("mnemic_memories",)] == 1
    await memory.remember("I play chess.", user_id="ann")
    assert (await figures_of(client))[("mnemic_memories",)] == 1
    monkeypatch.setattr(figures, "_FRESH", 0.0)
    assert (await figures_of(client))[("mnemic_memories",)] == 2


async def test_a_store_that_does_not_answer_is_shown_as_down_beside_the_figures_of_requests(client, monkeypatch):
    def away():
        raise StoreUnavailable("it is away")

    monkeypatch.setattr(client.app.state.service.database, "transaction", away)
    told = await figures_of(client)
    assert told[("mnemic_store_up",)] == 0
    assert ("mnemic_memories",) not in told
    monkeypatch.undo()
    monkeypatch.setattr(figures, "_FRESH", 0.0)
    assert (await figures_of(client))[("mnemic_store_up",)] == 1


async def test_names_are_as_the_conventions_have_them_and_hold_no_ids(client):
    await client.get("/v1/memories/0190a1b2-0000-4000-8000-000000000000")
    text = (await client.get("/metrics")).text
    names = re.findall(r"^# TYPE (\S+) \S+$", text, re.MULTILINE)
    assert names
    assert [name for name in names if not re.fullmatch(r"mnemic_[a-z_]+", name)] == []
    assert "0190a1b2" not in text


async def test_figures_can_be_switched_off(memory):
    async with serving(memory, metrics=False) as client:
        assert (await client.get("/metrics")).status_code == 404


@pytest.fixture
def started(tmp_path):
    """Start `mnemic serve` with these variables; its address and its process. It is stopped at the end."""
    running = []

    def start(**environment):
        variables = os.environ | {"MNEMIC_HOME": str(tmp_path), "PYTHONWARNINGS": "default"} | environment
        command = [str(Path(sys.executable).with_name("mnemic")), "serve", "--port", "0"]
        process = subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        running.append(process)
        address, waited_for = None, int(environment["MNEMIC_SERVER_WORKERS"])
        for line in process.stderr:
            if found := re.search(r"running on (http://[\d.:]+)", line):
                address = found[1]
            waited_for -= "Application startup complete" in line
            if address is not None and not waited_for:
                return address, process
        raise AssertionError("it did not start")

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


@pytest.mark.slow
def test_processes_of_a_server_show_their_figures_together(started, tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    address, process = started(MNEMIC_SERVER_WORKERS="2", TMPDIR=str(folder))
    answered = 0
    for _ in range(30):  # each over a connection of its own, which any of the processes may take
        answered += httpx2.get(f"{address}/healthz", timeout=60).status_code == 200
    told = read(httpx2.get(f"{address}/metrics", timeout=60).text)
    assert answered == 30
    assert told["mnemic_requests_total", ("method", "GET"), ("route", "/healthz"), ("status", "200")] == 30
    assert len(list(folder.glob("mnemic-metrics-*/counter_*"))) == 2
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    assert list(folder.glob("mnemic-metrics-*")) == []
