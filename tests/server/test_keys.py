"""Who may call: the first key, and what those made with it may do."""

import pytest
from asgi import key_of


async def test_nobody_is_answered_without_a_key(client):
    for headers in (
        {},
        {"Authorization": "Bearer mn-wrong"},
        {"Authorization": "Basic abc"},
        {"X-API-Key": "mn-wrong"},
    ):
        answer = await client.post(
            "/v1/memories/search", json={"query": "x", "user_id": "u"}, headers={"Authorization": ""} | headers
        )
        assert answer.status_code == 401
        assert answer.json()["code"] == "Unauthorized"


@pytest.mark.parametrize("form", ["Bearer", "Token", "X-API-Key"])
async def test_a_key_is_taken_in_every_form(client, form):
    headers = (
        {"X-API-Key": client.secret, "Authorization": ""}
        if form == "X-API-Key"
        else {"Authorization": f"{form} {client.secret}"}
    )
    assert (await client.get("/v1/keys", headers=headers)).status_code == 200


async def test_the_code_of_the_first_start_makes_one_key_only(client):
    answer = await client.post("/v1/setup", json={"code": "guess", "email": "eve@example.com"})
    assert answer.status_code == 400


async def test_a_key_does_what_its_scopes_say_and_no_more(client):
    reads = await key_of(client, "read")
    found = await client.post("/v1/memories/search", json={"query": "x", "user_id": "u"}, headers=reads)
    assert found.status_code == 200
    refused = await client.post("/v1/memories", json={"messages": "I live in Taipei.", "user_id": "u"}, headers=reads)
    assert (refused.status_code, refused.json()["code"]) == (403, "Forbidden")
    assert (await client.get("/v1/keys", headers=reads)).status_code == 403


async def test_a_revoked_key_is_not_answered_any_more(client):
    made = (await client.post("/v1/keys", json={"name": "phone"})).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (
        await client.post("/v1/memories/search", json={"query": "x", "user_id": "u"}, headers=headers)
    ).status_code == 200
    assert (await client.delete(f"/v1/keys/{made['id']}")).status_code == 200
    assert (
        await client.post("/v1/memories/search", json={"query": "x", "user_id": "u"}, headers=headers)
    ).status_code == 401


async def test_no_list_shows_a_secret(client):
    made = (await client.post("/v1/keys", json={"name": "phone"})).json()
    assert made["key"] not in (await client.get("/v1/keys")).text
