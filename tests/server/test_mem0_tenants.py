"""Two tenants on mem0's wire: neither reads, changes, deletes or even learns of what is the other's."""

import json

import pytest
from asgi import key_of

from mnemic.server.organizations import Organizations

SECRET = "xylophone"  # stands in every word of the other tenant's, and in nothing else


@pytest.fixture
async def tenants(client):
    """How the first speaks; and what the other has: its ids, and what it holds as a whole."""
    organizations = Organizations(client.app.state.service.database)
    organization, project = await organizations.create("others", owner="eve@example.com")
    theirs = await key_of(client, "read", "write", "admin", project_id=project.id)

    async def speak(method, path, body=None, headers=None, **query):
        sent = {"json": body} if body is not None else {}
        answer = await client.request(method, f"/mem0{path}", params=query or None, headers=headers, **sent)
        return answer.status_code, answer.text

    async def they(method, path, body=None, **query):
        status, text = await speak(method, path, body, theirs, **query)
        assert status < 300, text
        return json.loads(text)

    held = {"user_id": "ann", "agent_id": "poet", "run_id": "r"}
    body = {"messages": f"I play the {SECRET}.", "infer": False, "metadata": {"word": SECRET}} | held
    kept = await they("POST", "/v3/memories/add/", body)
    waits = await they("POST", "/v3/memories/add/", {"messages": f"Only {SECRET}s please", "user_id": f"{SECRET}-fan"})
    hook = await they("POST", f"/api/v1/webhooks/projects/{project.id}/",
                      {"name": SECRET, "url": "http://127.0.0.1:9/", "event_types": ["memory_add"]})  # fmt: skip

    async def everything():
        listed = await they("POST", "/v3/memories/", {"filters": {"user_id": "*"}, "latest_only": False})
        hooks = await they("GET", f"/api/v1/webhooks/projects/{project.id}/")
        shown = await they("GET", f"/api/v1/orgs/organizations/{organization}/projects/{project.id}/")
        people = {(each["type"], each["name"]) for each in (await they("GET", "/v1/entities/"))["results"]}
        return listed["results"], hooks, shown, people

    listed, hooks, _, people = await everything()
    assert (len(listed), len(hooks), len(people)) == (1, 1, 4)
    form = {"properties": {"notes": {"type": "array"}}}
    export = await they("POST", "/v1/exports/", {"schema": form, "filters": {"user_id": "ann"}})
    ids = {
        "export": export["id"], "memory": kept["results"][0]["id"], "event": kept["event_id"], "waits": waits["event_id"],
        "organization": organization, "project": project.id, "webhook": hook["webhook_id"],
    }  # fmt: skip
    return speak, ids, everything


PROJECT = "/api/v1/orgs/organizations/{organization}/projects/{project}/"
ASKED = [
    ("GET", "/v1/memories/{memory}/", None),
    ("PUT", "/v1/memories/{memory}/", {"text": "mine now"}),
    ("DELETE", "/v1/memories/{memory}/", None),
    ("DELETE", "/v1/memories/{memory}/?delete_linked=true", None),
    ("GET", "/v1/memories/{memory}/history/", None),
    ("PUT", "/v1/batch/", {"memories": [{"memory_id": "{memory}", "text": "mine now"}]}),
    ("DELETE", "/v1/batch/", {"memories": [{"memory_id": "{memory}"}]}),
    ("POST", "/v1/feedback/", {"memory_id": "{memory}", "feedback": "VERY_NEGATIVE"}),
    ("GET", "/v1/event/{event}/", None),
    ("GET", "/v1/event/{waits}/", None),
    ("GET", "/v2/entities/user/ann/profile/", None),
    ("POST", "/v1/exports/get/", {"memory_export_id": "{export}"}),
    ("POST", "/v1/exports/get/", {"filters": {"user_id": "ann"}}),
    ("POST", "/v2/profiles/jobs/", {"operation": "trigger", "entity_type": "user", "entity_id": "ann"}),
    ("GET", PROJECT, None),
    ("PATCH", PROJECT, {"custom_instructions": "mine now"}),
    ("DELETE", PROJECT, None),
    ("GET", PROJECT + "members/", None),
    ("POST", PROJECT + "members/", {"email": "me@example.com", "role": "OWNER"}),
    ("PUT", PROJECT + "members/", {"email": "eve@example.com", "role": "READER"}),
    ("DELETE", PROJECT + "members/?email=eve@example.com", None),
    ("GET", "/api/v1/orgs/organizations/{organization}/", None),
    ("GET", "/api/v1/orgs/organizations/{organization}/members/", None),
    ("POST", "/api/v1/orgs/organizations/{organization}/projects/", {"name": "mine"}),
    ("GET", "/api/v1/webhooks/projects/{project}/", None),
    ("POST", "/api/v1/webhooks/projects/{project}/",
     {"name": "spy", "url": "http://127.0.0.1:9/", "event_types": ["memory_add"]}),
    ("PUT", "/api/v1/webhooks/{webhook}/", {"url": "http://127.0.0.1:9/spy"}),
    ("DELETE", "/api/v1/webhooks/{webhook}/", None),
]  # fmt: skip


@pytest.mark.behaviour("S3")
@pytest.mark.parametrize(("method", "path", "body"), ASKED)
async def test_what_is_another_tenants_is_not_there(tenants, method, path, body):
    speak, ids, everything = tenants
    before = await everything()
    if body is not None:
        body = json.loads(json.dumps(body).replace("{memory}", ids["memory"]).replace("{export}", ids["export"]))
    status, text = await speak(method, path.format(**ids), body)
    assert status == 404, text
    assert SECRET not in text
    assert await everything() == before


WIDE = [
    {"user_id": "ann"}, {"user_id": "*"}, {"agent_id": "poet"}, {"run_id": "*"}, {"user_id": {"in": ["ann", "*"]}},
    {"OR": [{"user_id": "ann"}, {"agent_id": "*"}]}, {"user_id": "*", "NOT": {"user_id": "nobody"}},
    {"user_id": "*", "metadata": {"word": SECRET}}, {"user_id": "*", "keywords": SECRET},
    {"user_id": "*", "project": "others"}, {"user_id": "*", "project_id": "{project}"},
]  # fmt: skip


@pytest.mark.behaviour("S3")
@pytest.mark.parametrize("filters", WIDE)
async def test_no_filter_reaches_another_tenant(tenants, filters):
    speak, ids, everything = tenants
    before = await everything()
    filters = json.loads(json.dumps(filters).replace("{project}", ids["project"]))
    named = {"filters": filters, "org_id": ids["organization"], "project_id": ids["project"]}
    named["filters"] = {"AND": [filters, {"memory_ids": [ids["memory"]]}]} if "OR" in filters else filters
    for path, more in (
        ("/v3/memories/search/", {"query": SECRET, "threshold": 0, "latest_only": False, "show_expired": True}),
        ("/v3/memories/", {"latest_only": False, "show_expired": True}),
        ("/v2/memories/search/", {"query": SECRET}),
        ("/v2/memories/", {}),
    ):
        status, text = await speak("POST", path, named | more, project_id=ids["project"])
        assert (status, SECRET in text) == (200, False), text
    status, text = await speak("DELETE", "/v1/memories/", filters=json.dumps(filters), project_id=ids["project"])
    assert status in (200, 400)
    assert SECRET not in text
    assert await everything() == before


@pytest.mark.behaviour("S3")
@pytest.mark.parametrize(("method", "path", "query"), [
    ("GET", "/v1/entities/", {}),
    ("GET", "/v1/entities/filters/", {}),
    ("GET", "/v2/entities/user/ann/", {}),
    ("GET", "/v1/events/", {}),
    ("GET", "/v1/stats/", {}),
    ("GET", "/v1/memories/", {"user_id": "ann"}),
    ("GET", "/v1/memories/user/ann/", {}),
    ("GET", "/api/v1/orgs/organizations/", {}),
    ("POST", "/v1/summary/", {"user_id": "ann"}),
    ("POST", "/v2/profiles/jobs/", {"operation": "sample", "entity_type": "user"}),
    ("DELETE", "/v2/entities/user/ann/", {}),
    ("DELETE", "/v1/entities/agent/poet/", {}),
    ("DELETE", "/v1/memories/", {"user_id": "ann"}),
    ("DELETE", "/v1/memories/", {"user_id": "*", "agent_id": "*", "app_id": "*", "run_id": "*"}),
])  # fmt: skip
async def test_no_list_shows_another_tenant_and_no_delete_reaches_it(tenants, method, path, query):
    speak, ids, everything = tenants
    before = await everything()
    body = {"filters": query} if path == "/v1/summary/" else query if method == "POST" else None
    status, text = await speak(method, path, body, **(query if body is None else {}), project_id=ids["project"])
    assert status == 200, text
    assert SECRET not in text
    assert ids["organization"] not in text
    assert await everything() == before
