"""Organisations, projects, members, settings and keys over REST, and that no project sees another."""

import pytest
from asgi import key_of

from mnemic.server.organizations import Organizations

ALICE = {"user_id": "alice"}


async def a_project(client, name="second", *scopes):
    """A new project of the client's organisation, and headers of a key of it."""
    made = await client.post("/v1/projects", json={"name": name})
    assert made.status_code == 201, made.text
    body = {"name": "its key", "scopes": list(scopes or ("read", "write", "admin"))}
    key = await client.post(f"/v1/projects/{made.json()['id']}/keys", json=body)
    assert key.status_code == 201, key.text
    return made.json(), {"Authorization": f"Bearer {key.json()['key']}"}


async def another_organization(client):
    """Headers of the key of an owner of another organisation, and its project."""
    service = client.app.state.service
    _, project = await Organizations(service.database).create("other", owner="eve@example.com")
    scopes = ("read", "write", "admin")
    _, secret = await service.accounts.create_key(project.id, email="eve@example.com", name="eve's", scopes=scopes)
    return {"Authorization": f"Bearer {secret}"}, project


async def keep(client, text, headers=None):
    answer = await client.post("/v1/memories/remember", json={"text": text, **ALICE}, headers=headers)
    return answer.json()["results"][0]["id"]


async def listed(client, headers=None):
    page = (await client.get("/v1/memories", params=ALICE, headers=headers)).json()
    return [each["memory"] for each in page["results"]]


@pytest.mark.behaviour("S7")
async def test_a_project_sees_nothing_of_another(client):
    _, second = await a_project(client)
    mine, theirs = await keep(client, "Plays tennis"), await keep(client, "Plays chess", second)
    assert (await listed(client), await listed(client, second)) == (["Plays tennis"], ["Plays chess"])
    change = (await client.get(f"/v1/memories/{mine}/history")).json()["results"][0]["change_id"]
    for method, path, body in (
        ("GET", f"/v1/memories/{mine}", None),
        ("GET", f"/v1/memories/{mine}/history", None),
        ("PATCH", f"/v1/memories/{mine}", {"data": "x"}),
        ("DELETE", f"/v1/memories/{mine}", None),
        ("POST", f"/v1/memories/{mine}/forget", None),
        ("POST", f"/v1/memories/{mine}/feedback", {"feedback": "POSITIVE"}),
        ("PUT", f"/v1/memories/{mine}/pin", {}),
        ("POST", f"/v1/changes/{change}/undo", None),
        ("GET", f"/v1/events/{change}", None),
        ("POST", "/v1/messages/retry", {"episode_id": mine}),
    ):
        assert (await client.request(method, path, json=body, headers=second)).status_code == 404, path
    asked = {"query": "What does she play?", "memory_id": mine, **ALICE}
    explained = (await client.post("/v1/memories/explain", json=asked, headers=second)).json()
    assert explained["memory"]["status"] in ("unknown", "other_scope")
    assert explained["memory"]["memory"] is None
    assert "tennis" not in (await client.get("/v1/export", headers=second)).text
    assert theirs in (await client.get("/v1/export", headers=second)).text
    assert (await client.post("/v1/reset", json={"everything": True}, headers=second)).status_code == 200
    assert (await listed(client), await listed(client, second)) == (["Plays tennis"], [])


async def test_a_deleted_project_leaves_no_memory_and_no_key(client, memory):
    project, second = await a_project(client)
    await keep(client, "Plays chess", second)
    await keep(client, "Plays tennis")
    assert (await client.delete(f"/v1/projects/{project['id']}")).status_code == 200
    assert (await client.get("/v1/memories", params=ALICE, headers=second)).status_code == 401
    assert (await client.get(f"/v1/projects/{project['id']}")).status_code == 404
    assert (await memory.stats())["memories"] == 1
    own = (await client.get("/v1/project")).json()["id"]
    assert (await client.delete(f"/v1/projects/{own}")).status_code == 409
    assert await listed(client) == ["Plays tennis"]


@pytest.mark.behaviour("S7")
async def test_an_admin_reaches_projects_of_the_own_organisation_only(client):
    eve, project = await another_organization(client)
    mine = (await client.get("/v1/project")).json()
    assert [each["id"] for each in (await client.get("/v1/projects", headers=eve)).json()["results"]] == [project.id]
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "hers"}),
        ("DELETE", "", None),
        ("GET", "/settings", None),
        ("PATCH", "/settings", {"decay": False}),
        ("GET", "/members", None),
        ("PUT", "/members/eve@example.com", {"role": "OWNER"}),
        ("GET", "/keys", None),
        ("POST", "/keys", {"name": "hers"}),
    ):
        answer = await client.request(method, f"/v1/projects/{mine['id']}{path}", json=body, headers=eve)
        assert answer.status_code == 404, path
    assert (await client.get("/v1/project")).json() == mine


async def test_an_owner_of_one_project_manages_that_one(client):
    _, second = await a_project(client)
    first = (await client.get("/v1/project")).json()["id"]
    own = (await client.get("/v1/project", headers=second)).json()["id"]
    body = {"name": "her key", "email": "dora@example.com", "scopes": ["read", "write", "admin"]}
    made = (await client.post("/v1/keys", json=body, headers=second)).json()
    dora = {"Authorization": f"Bearer {made['key']}"}
    assert (await client.patch(f"/v1/projects/{own}/settings", json={"decay": False}, headers=dora)).status_code == 200
    assert [p["id"] for p in (await client.get("/v1/projects", headers=dora)).json()["results"]] == [own]
    assert (await client.get(f"/v1/projects/{first}/settings", headers=dora)).status_code == 404
    for method, path, asked in (
        ("POST", "/v1/projects", {"name": "third"}),
        ("DELETE", f"/v1/projects/{own}", None),
        ("PUT", "/v1/members/dora@example.com", {"role": "OWNER"}),
        ("PATCH", "/v1/organization", {"name": "hers"}),
    ):
        assert (await client.request(method, path, json=asked, headers=dora)).status_code == 403, path


async def test_keys_do_no_more_than_the_role_of_their_owner(client):
    writes = await key_of(client, "read", "write")
    email, path = "read.write@example.com", f"/v1/projects/{(await client.get('/v1/project')).json()['id']}/members"
    assert (await client.post("/v1/memories/remember", json={"text": "a", **ALICE}, headers=writes)).status_code == 201
    assert (await client.put(f"{path}/{email}", json={"role": "READER"})).json()["role"] == "READER"
    assert (await client.post("/v1/memories/remember", json={"text": "b", **ALICE}, headers=writes)).status_code == 403
    assert (await client.get("/v1/memories", params=ALICE, headers=writes)).status_code == 200
    refused = await client.post("/v1/keys", json={"name": "more", "email": email, "scopes": ["read", "write"]})
    assert refused.status_code == 400
    assert (await client.delete(f"{path}/{email}")).status_code == 200
    assert (await client.get("/v1/memories", params=ALICE, headers=writes)).status_code == 401


async def test_the_last_owner_stays(client):
    assert (await client.put("/v1/members/ann@example.com", json={"role": "READER"})).status_code == 409
    assert (await client.delete("/v1/members/ann@example.com")).status_code == 409
    assert (await client.put("/v1/members/bea@example.com", json={"role": "OWNER"})).status_code == 200
    assert (await client.delete("/v1/members/ann@example.com")).status_code == 200
    assert (await client.get("/v1/members")).status_code == 401


async def test_settings_take_effect_and_bad_ones_are_refused(client):
    own = (await client.get("/v1/project")).json()["id"]
    path = f"/v1/projects/{own}/settings"
    given = {"custom_instructions": "Only health.", "custom_categories": {"health": "illness"}, "decay": False}
    assert (await client.patch(path, json=given)).json() == {"settings": given}
    service = client.app.state.service
    caller = await service.accounts.authenticate(client.secret)
    engine = (await service.memory_of(caller))._engine
    assert (engine.instructions, dict(engine.categories), engine.half_life) == (
        "Only health.",
        {"health": "illness"},
        None,
    )
    cleared = await client.patch(path, json={"custom_instructions": None, "limits": {"calls_per_day": 5}})
    assert cleared.json()["settings"] == {
        "custom_categories": {"health": "illness"}, "decay": False, "limits": {"calls_per_day": 5},
    }  # fmt: skip
    for bad in ({"decay": "yes"}, {"custom_categories": 3}, {"colour": "red"}, {"limits": {"calls_per_day": 0}}):
        assert (await client.patch(path, json=bad)).status_code == 422, bad
    assert (await client.patch(path, json={"custom_categories": {"": "x"}})).status_code == 400
    assert (await client.get(path)).json() == cleared.json()


async def test_the_audit_log_tells_who_did_what_and_no_words(client):
    memory_id = await keep(client, "Plays tennis")
    await client.delete(f"/v1/memories/{memory_id}")
    page = (await client.get("/v1/audit", params={"limit": 1})).json()
    (last,) = page["results"]
    assert (last["route"], last["email"]) == ("DELETE /v1/memories/{memory_id}", "ann@example.com")
    assert (last["ids"], last["status"]) == ({"memory_id": memory_id}, 200)
    before = (await client.get("/v1/audit", params={"cursor": page["next_cursor"]})).json()["results"]
    assert "POST /v1/memories/remember" in [each["route"] for each in before]
    assert "tennis" not in str(page) + str(before)
    reads = await key_of(client, "read")
    assert (await client.get("/v1/audit", headers=reads)).status_code == 403
