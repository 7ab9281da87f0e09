"""The routes of mem0's self-hosted server."""

import pytest
from asgi import key_of

from mnemic.server.organizations import Organizations


@pytest.fixture
async def server(client):
    """Speaks as its users do: a key in `X-API-Key`, no slash at the end."""
    headers = {"X-API-Key": client.secret, "Authorization": ""}

    async def call(method, path, body=None, *, status=200, headers=headers, **query):
        sent = {"json": body} if body is not None else {}
        answer = await client.request(
            method, f"/mem0-server{path}", params=query or None, headers=headers, follow_redirects=False, **sent
        )
        assert answer.status_code == status, answer.text
        return answer.json()

    call.client = client
    return call


async def test_memories_are_made_found_listed_and_told_of(server):
    said = [{"role": "user", "content": "I live in Taipei."}]
    (made,) = (await server("POST", "/memories", {"messages": said, "user_id": "ann"}))["results"]
    assert (made["event"], made["memory"]) == ("ADD", "I live in Taipei.")
    for whose in ({"user_id": "ann"}, {"filters": {"user_id": "ann"}}):
        (hit,) = (await server("POST", "/search", {"query": "Where does she live?"} | whose))["results"]
        assert (hit["id"], 0 < hit["score"] <= 1) == (made["id"], True)
    assert [each["id"] for each in (await server("GET", "/memories", user_id="ann"))["results"]] == [made["id"]]
    assert (await server("GET", f"/memories/{made['id']}"))["memory"] == "I live in Taipei."
    done = await server("PUT", f"/memories/{made['id']}", {"text": "I live in Oslo.", "metadata": {"a": 1}})
    assert done["message"] == "Memory updated successfully!"
    await server("PUT", f"/memories/{made['id']}", {"data": "I live in Bergen."})
    lines = await server("GET", f"/memories/{made['id']}/history")
    assert [(each["event"], each["new_memory"]) for each in lines] == [
        ("ADD", "I live in Taipei."), ("UPDATE", "I live in Oslo."), ("UPDATE", "I live in Bergen."),
    ]  # fmt: skip
    assert (await server("DELETE", f"/memories/{made['id']}"))["message"] == "Memory deleted successfully"
    await server("GET", f"/memories/{made['id']}", status=404)


async def test_nothing_is_done_for_nobody_or_for_everybody(server):
    await server("POST", "/memories", {"messages": "I play chess.", "user_id": "ann"})
    await server("POST", "/memories", {"messages": "I play chess."}, status=400)
    await server("GET", "/memories", status=400)
    await server("POST", "/search", {"query": "chess"}, status=400)
    for wide in ({}, {"user_id": "*"}, {"user_id": ""}, {"user_id": "ann", "run_id": "*"},
                 {"user_id": "ann", "run_id": ""}, {"user_id": "ann", "filters": "{}"}):  # fmt: skip
        await server("DELETE", "/memories", status=400, **wide)
    await server("DELETE", "/entities/user/%2A", status=400)
    await server("DELETE", "/entities/pet/rex", status=400)
    await server("DELETE", "/entities/user/ann", status=400, run_id="s")
    await server("POST", "/configure", {"llm": {}}, status=403)
    assert len((await server("GET", "/memories", user_id="ann"))["results"]) == 1
    await server("GET", "/memories", headers={"Authorization": ""}, status=401)


async def test_entities_go_one_by_one_and_a_project_at_once_for_an_admin(server):
    for name in ("ann", "a/b"):
        await server("POST", "/memories", {"messages": "I play chess.", "user_id": name})
    assert [each["id"] for each in await server("GET", "/entities")] == ["a/b", "ann"]
    await server("DELETE", "/entities/user/a%2Fb")
    assert [each["id"] for each in await server("GET", "/entities")] == ["ann"]
    writes = await key_of(server.client, "read", "write")
    await server("POST", "/reset", headers=writes, status=403)
    await server("POST", "/reset")
    assert await server("GET", "/entities") == []


@pytest.mark.behaviour("S3")
async def test_a_reset_and_a_delete_stay_within_the_project_of_the_key(server):
    organizations = Organizations(server.client.app.state.service.database)
    _, project = await organizations.create("others", owner="eve@example.com")
    theirs = await key_of(server.client, "read", "write", "admin", project_id=project.id)
    said = {"messages": "I play chess.", "user_id": "ann"}
    (made,) = (await server("POST", "/memories", said, headers=theirs))["results"]
    for method, path, body in (
        ("GET", "/memories/{}", None),
        ("PUT", "/memories/{}", {"text": "x"}),
        ("DELETE", "/memories/{}", None),
        ("GET", "/memories/{}/history", None),
    ):
        await server(method, path.format(made["id"]), body, status=404)
    await server("DELETE", "/memories", user_id="ann")
    await server("POST", "/reset")
    assert await server("GET", "/entities") == []
    assert (await server("GET", f"/memories/{made['id']}", headers=theirs))["memory"] == made["memory"]
