"""What whoever runs a server relies on: pending work is taken up, nothing private is in the log, the audit is whole."""

import io
import json
from contextlib import redirect_stderr

import pytest
import structlog
from asgi import key_of, serving

from mnemic import AsyncMemory
from mnemic.server.app import write_log
from mnemic.testing.fakes import FakeEmbedder
from waiting import eventually

ALICE = {"user_id": "alice"}


def opened(address, **more):
    return AsyncMemory(str(address), embedder=FakeEmbedder(), **more)


async def test_a_server_that_starts_takes_up_what_an_earlier_one_left_in_every_project(tmp_path):
    async with opened(tmp_path / "m.db", background=False) as memory:
        for project in ("default", "another"):
            await memory.within(project).add("I keep bees.", wait="stored", **ALICE)
    async with opened(tmp_path / "m.db") as memory, serving(memory):
        for project in ("default", "another"):
            view = memory.within(project)

            async def is_done(view=view):
                return (await view.stats())["pending"] == 0

            await eventually(is_done)
            assert (await view.get_all(**ALICE))["total"] == 1


async def test_a_server_that_leaves_the_work_to_others_does_not_take_it_up(tmp_path):
    async with opened(tmp_path / "m.db", background=False) as memory:
        await memory.add("I keep bees.", wait="stored", **ALICE)
        async with serving(memory, work=False) as client:
            assert (await client.post("/v1/memories/search", json={"query": "bees", **ALICE})).status_code == 200
            assert (await client.get("/v1/stats", params=ALICE)).json()["pending"] == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_an_export_is_of_the_keys_project_also_as_the_first_thing_asked_of_a_server(request, tmp_path, kind):
    address = tmp_path / "m.db" if kind == "sqlite" else request.getfixturevalue("migrated_database")()
    accounts = {"database": str(tmp_path / "accounts.db")}
    async with opened(address) as memory, serving(memory, **accounts) as client:
        project = (await client.post("/v1/projects", json={"name": "another"})).json()["id"]
        headers = await key_of(client, "read", "write", "admin", project_id=project)
        for text in ("I keep bees.", "I like tea."):
            kept = await client.post("/v1/memories/remember", json={"text": text, **ALICE}, headers=headers)
            assert kept.status_code == 201
        client.app.state.service.forget_settings(project)  # as in a process that has not met it
        exported = await client.get("/v1/export", headers=headers)
        assert json.loads(exported.text.splitlines()[0])["mnemic export"]["counts"]["memory"] == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_calls_of_the_longest_routes_stand_in_the_audit(request, tmp_path, kind):
    database = ":memory:" if kind == "sqlite" else request.getfixturevalue("new_database")()
    async with opened(":memory:", background=False) as memory, serving(memory, database=database) as client:
        project = (await client.get("/v1/project")).json()
        path = f"/mem0/api/v1/orgs/organizations/{project['organization_id']}/projects/{project['id']}/"
        assert (await client.patch(path, json={"custom_instructions": "Tea."})).status_code == 200
        rows = (await client.get("/v1/audit")).json()["results"]
        assert rows[0]["route"] == "PATCH /mem0/api/v1/orgs/organizations/{org}/projects/{project_id}/"


async def test_neither_log_nor_figures_hold_words_ids_or_keys(tmp_path):
    said = io.StringIO()
    with redirect_stderr(said):
        write_log("json")
        try:
            async with opened(":memory:", background=False) as memory, serving(memory) as client:
                kept = await client.post("/v1/memories/remember", json={"text": "Zanzibar", "user_id": "quagga"})
                memory_id = kept.json()["results"][0]["id"]
                await client.get(f"/v1/memories/{memory_id}")
                await client.get("/v1/memories?user_id=quagga&filters={Zanzibar")
                await client.post("/v1/memories/search", json={"query": "Zanzibar", "user_id": "quagga"})
                figures = (await client.get("/metrics")).text
                secret = client.secret
        finally:
            structlog.reset_defaults()
    lines = [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]
    assert [each["status"] for each in lines if each["event"] == "request"] == [201, 200, 400, 200, 200]
    for word in ("Zanzibar", "quagga", memory_id, secret):
        assert word not in said.getvalue()
        assert word not in figures
