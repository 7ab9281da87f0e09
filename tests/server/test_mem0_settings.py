"""What is set of a project on mem0's wire holds for what is added next, and what a call says goes before it."""

import pytest
from asgi import serving

from mnemic import AsyncMemory
from mnemic.testing.fakes import FakeExtractor

FOOD = {"food": "What she eats"}


@pytest.fixture
async def added(tmp_path):
    """Adds to a project that has settings, and says with which wishes the extractor was asked."""
    extractor = FakeExtractor()
    async with (
        AsyncMemory(str(tmp_path / "m.db"), extractor=extractor, background=False) as memory,
        serving(memory, work=False) as client,
    ):
        who = (await client.get("/mem0/v1/ping/")).json()
        project = f"/mem0/api/v1/orgs/organizations/{who['org_id']}/projects/{who['project_id']}/"
        settings = {
            "custom_instructions": "Only food.", "agent_custom_instructions": "Only tools.", "custom_categories": [FOOD],
            "org_id": "elsewhere", "project_id": "elsewhere", "memory_depth": "deep",
        }  # fmt: skip
        done = (await client.patch(project, json=settings)).json()
        assert done == {"message": "Project updated successfully", "ignored": ["memory_depth"]}

        async def add(**body):
            sent = {"messages": "I eat rice.", "user_id": "ann"} | body
            answer = await client.post("/mem0/v3/memories/add/", json=sent)
            assert answer.status_code == 200, answer.text
            await memory.process_pending()
            request = extractor.requests.pop()
            return request.instructions, dict(request.choices)

        add.client, add.project = client, project
        yield add


async def test_settings_hold_from_the_next_add_on(added):
    assert await added() == ("Only food.", FOOD)
    cleared = {"custom_instructions": "", "custom_categories": []}
    assert (await added.client.patch(added.project, json=cleared)).status_code == 200
    assert await added() == (None, {})


@pytest.mark.parametrize(("body", "wishes"), [
    ({"custom_instructions": "Only games."}, ("Only games.", FOOD)),
    ({"custom_categories": [{"games": "What she plays"}]}, ("Only food.", {"games": "What she plays"})),
    ({"user_id": None, "agent_id": "poet"}, ("Only tools.", FOOD)),
    ({"user_id": None, "agent_id": "poet", "agent_custom_instructions": "Only rhymes."}, ("Only rhymes.", FOOD)),
    ({"agent_id": "poet"}, ("Only food.\nOf what the assistant says: Only tools.", FOOD)),
    ({"includes": "fish", "excludes": "meat"}, ("Only food.\nKeep only: fish\nLeave out: meat", FOOD)),
])  # fmt: skip
async def test_what_a_call_says_goes_before_the_settings(added, body, wishes):
    assert await added(**body) == wishes


async def test_what_cannot_be_set_is_refused_and_changes_nothing(added):
    before = (await added.client.get(added.project)).json()
    for wrong in ({}, {"memory_depth": "deep"}, {"decay": "no"}, {"custom_categories": 5}, {"custom_categories": [5]},
                  {"custom_instructions": 5}, {"custom_instructions": "x" * 30_000}, {"name": ""}, {"name": 5}):  # fmt: skip
        answer = await added.client.patch(added.project, json=wrong)
        assert (answer.status_code, bool(answer.json()["detail"])) == (400, True), wrong
    assert (await added.client.get(added.project)).json() == before
    asked = await added.client.get(added.project, params=[("fields", "custom_instructions"), ("fields", "decay")])
    assert asked.json() == {
        "project_id": before["project_id"], "custom_instructions": "Only food.", "decay": True
    }  # fmt: skip
