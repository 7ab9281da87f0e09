"""A project holds as many memories as it may."""


async def test_what_is_too_much_for_a_project_is_answered_413(client, memory, monkeypatch):
    monkeypatch.setattr("mnemic.engine._COUNTED", 0.0)
    service = client.app.state.service
    caller = await service.accounts.authenticate(client.secret)
    set_to = await client.patch(f"/v1/projects/{caller.project_id}/settings", json={"limits": {"memories": 1}})
    assert set_to.status_code == 200, set_to.text
    first = await client.post("/v1/memories/remember", json={"text": "Plays chess", "user_id": "ann"})
    assert first.status_code == 201, first.text
    second = await client.post("/v1/memories/remember", json={"text": "Plays go", "user_id": "bob"})
    assert (second.status_code, second.json()["code"]) == (413, "QuotaExceeded")
    sent = {"messages": "I play go", "user_id": "bob", "infer": False}
    for more in ({}, {"custom_categories": [{"games": "What she plays"}]}):
        wire = await client.post("/mem0/v3/memories/add/", json=sent | more)
        assert wire.status_code == 413
        assert "memories" in wire.json()["detail"]
    assert (await memory.get_all())["total"] == 1
