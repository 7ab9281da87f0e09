"""Whatever is sent on mem0's wire is refused in JSON or answered, and what was there stays as it was."""

import itertools

import pytest

from mnemic.server.compat import mem0, mem0_server

ODD = (
    None, True, 0, -1, 1.5, 10**30, "", " ", "*", "x" * 300, "\x00", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    [], [[]], [None], ["*"], {}, {"": 1}, {"a": {"b": [{}]}}, {"user_id": []}, {"user_id": {"in": {}}}, {"AND": {}},
    {"AND": [[]]}, {"OR": "x"}, {"NOT": 5}, {"metadata": []}, {"user_id": {"like": "a"}}, {"created_at": {"gte": []}},
)  # fmt: skip
NAMES = (
    "messages", "user_id", "agent_id", "run_id", "filters", "metadata", "timestamp", "expiration_date", "infer", "query",
    "top_k", "threshold", "rerank", "fields", "categories", "keywords", "show_expired", "latest_only", "reference_date",
    "page", "page_size", "start_date", "end_date", "text", "memories", "memory_id", "feedback", "feedback_reason",
    "schema", "memory_export_id", "export_instructions", "custom_instructions", "agent_custom_instructions",
    "custom_categories", "includes", "name", "description", "email", "role", "url", "event_types", "is_active", "decay",
    "multilingual", "operation", "entity_type", "entity_id", "limit", "enabled", "entities", "async_mode", "memory_type",
)  # fmt: skip
SOUND = {"messages": "I play chess.", "query": "chess", "filters": {"user_id": "ann"}, "operation": "sample"}


def routes(prefix):
    """Every route of a mount: method and path."""
    routers = mem0.ROUTERS if prefix == "/mem0" else (mem0_server.router,)
    return sorted(
        {(method, prefix + route.path) for router in routers for route in router.routes for method in route.methods}
    )


@pytest.mark.behaviour("S7")
@pytest.mark.parametrize("prefix", ["/mem0", "/mem0-server"])
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
async def test_nothing_that_is_sent_ends_in_a_defect(client, prefix, step):
    """Every name on every route, or each third one: another third on each of three routes."""
    service = client.app.state.service
    kept = (await service.memory.remember("Plays chess", user_id="zoe"))["results"][0]["id"]
    caller = (await client.get("/mem0/v1/ping/")).json()
    filled = {
        "memory_id": kept, "org": caller["org_id"], "project_id": caller["project_id"], "kind": "agent", "name": "nobody",
        "event_id": kept, "webhook_id": kept, "job_id": "sample-1-x",
    }  # fmt: skip
    found = routes(prefix)
    assert len(found) > (45 if prefix == "/mem0" else 12)
    odd = itertools.cycle(ODD)
    for (method, path), name in list(itertools.product(found, NAMES))[::step]:
        # What is to go, or to be changed, is sent whole and wrong, and never by its right name.
        if (method, path) in {("POST", "/mem0-server/reset"), ("DELETE", f"{prefix}/memories/{{memory_id}}")}:
            continue
        if method == "DELETE" and path.endswith("{memory_id}/"):
            continue
        body = (SOUND if method == "POST" else {}) | {name: next(odd)}
        address = path.format(**filled)
        if method in ("GET", "DELETE"):
            query = {each: str(value)[:200].replace("\x00", "%00") for each, value in body.items()}
            answer = await client.request(method, address, params=query)
        else:
            answer = await client.request(method, address, json=body)
        assert answer.status_code < 500, (method, path, body, answer.text)
        answer.json()
    assert (await service.memory.get_all(user_id="zoe"))["total"] == 1
