"""Exports in a shape of one's own: asked for now, fetched later, and gone with what is erased."""

from asgi import key_of

FORM = {"type": "object", "properties": {"home": {"type": "string"}, "employer": {"type": "string"}}}


async def test_a_form_is_filled_at_once(client, memory):
    await memory.add("I live in Taipei.", user_id="ann")
    answer = await client.post("/v1/fill", json={"schema": FORM, "user_id": "ann"})
    assert answer.json() == {"result": {"home": "Taipei", "employer": None}, "by": "attributes", "memories": 1}


async def test_an_export_holds_what_was_known_when_it_was_asked_for(client, memory):
    await memory.add("I live in Taipei.", user_id="ann")
    made = await client.post("/v1/exports", json={"schema": FORM, "user_id": "ann"})
    assert made.status_code == 202
    await memory.add("I live in Tokyo now. I work at Acme.", user_id="ann")
    export = (await client.get(f"/v1/exports/{made.json()['id']}")).json()
    assert export["result"] == {"home": "Taipei", "employer": None}
    assert [each["id"] for each in (await client.get("/v1/exports")).json()["results"]] == [made.json()["id"]]


async def test_what_is_erased_is_in_no_export(client, memory):
    await memory.add("I live in Taipei.", user_id="ann")
    made = (await client.post("/v1/exports", json={"schema": FORM, "user_id": "ann"})).json()
    await memory.erase(user_id="ann")
    assert (await client.get(f"/v1/exports/{made['id']}")).json()["result"]["home"] is None


async def test_an_export_is_of_somebody_and_of_a_schema(client):
    for body in ({"schema": FORM}, {"schema": {}, "user_id": "ann"}, {"schema": "x", "user_id": "ann"}):
        assert (await client.post("/v1/exports", json=body)).status_code in (400, 422)


async def test_another_project_does_not_see_it(client, memory):
    from mnemic.server.organizations import Organizations

    made = (await client.post("/v1/exports", json={"schema": FORM, "user_id": "ann"})).json()
    service = client.app.state.service
    caller = await service.accounts.authenticate(client.secret)
    other = await Organizations(service.database).create_project(caller.organization_id, name="other")
    theirs = await key_of(client, "read", "write", "admin", project_id=other.id)
    assert (await client.get(f"/v1/exports/{made['id']}", headers=theirs)).status_code == 404
    assert (await client.get("/v1/exports", headers=theirs)).json() == {"results": []}
