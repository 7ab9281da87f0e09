"""How many requests a key and a project may make: bursts, quotas of a day, and what the headers say of them."""

import pytest
from asgi import key_of, serving

from mnemic.errors import InvalidConfig
from mnemic.server.limits import Limits

ALICE = {"params": {"user_id": "alice"}}


async def test_of_several_rates_the_headers_tell_of_the_one_with_the_least_left(memory):
    async with serving(memory, key_limit="100/minute; 3/day", project_limit="50/hour") as client:
        told = [(await client.get("/v1/memories", **ALICE)).headers for _ in range(3)]
        assert [each["X-RateLimit-Limit"] for each in told] == ["3"] * 3
        assert [each["X-RateLimit-Remaining"] for each in told] == ["2", "1", "0"]
        refused = await client.get("/v1/memories", **ALICE)
        assert (refused.status_code, refused.json()["code"]) == (429, "TooManyRequests")
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        assert refused.headers["Retry-After"] == refused.headers["X-RateLimit-Reset"]
        assert 60 < int(refused.headers["Retry-After"]) <= 24 * 60 * 60


async def test_a_key_over_its_limit_takes_nothing_from_others_of_its_project(memory):
    async with serving(memory, key_limit="2/hour", project_limit="4/hour") as client:
        other = await key_of(client, "read")
        statuses = [(await client.get("/v1/memories", **ALICE)).status_code for _ in range(5)]
        assert statuses == [200, 200, 429, 429, 429]
        answers = [await client.get("/v1/memories", headers=other, **ALICE) for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 200]


async def test_a_project_over_its_limit_takes_nothing_from_the_quota_of_a_key(memory):
    async with serving(memory, key_limit="3/day", project_limit="2/hour") as client:
        service = client.app.state.service
        other = await service.accounts.authenticate((await key_of(client, "read"))["Authorization"][7:])
        for _ in range(2):
            await service.limits.count(other)
        for _ in range(5):
            assert (await client.get("/v1/memories", **ALICE)).status_code == 429
        alone = Limits(key="3/day", project=None)
        alone._limiter = service.limits._limiter  # the same counts, with no limit of the project
        mine = await service.accounts.authenticate(client.secret)
        assert (await alone.count(mine))["X-RateLimit-Remaining"] == "2"


async def test_a_request_counts_once_also_with_an_idempotency_key(memory):
    async with serving(memory, key_limit="10/hour") as client:
        body, headers = {"text": "Plays chess", "user_id": "ann"}, {"Idempotency-Key": "k1"}
        left = [
            (await client.post("/v1/memories/remember", json=body, headers=headers)).headers["X-RateLimit-Remaining"]
            for _ in range(2)
        ]
        left.append((await client.get("/v1/members")).headers["X-RateLimit-Remaining"])
        left.append(
            (await client.post("/mem0/v3/memories/", json={"filters": {"user_id": "ann"}})).headers[
                "X-RateLimit-Remaining"
            ]
        )
        assert left == ["9", "8", "7", "6"]


async def test_what_is_refused_for_its_rate_does_not_fill_the_audit(memory):
    async with serving(memory, key_limit="2/hour") as client:
        service = client.app.state.service
        for _ in range(4):
            await client.get("/v1/memories", **ALICE)
        rows = await service.audit.rows((await service.accounts.authenticate(client.secret)).project_id, limit=10)
        assert [each["status"] for each in rows] == [200, 200]


@pytest.mark.parametrize("given", ["often", "5/second; x", "5/fortnight", " "])
def test_a_rate_that_means_nothing_is_refused(given):
    with pytest.raises(InvalidConfig, match="100/minute"):
        Limits(key=given, project=None)
