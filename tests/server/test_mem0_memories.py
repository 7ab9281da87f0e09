"""mem0's wire as its clients speak it: what is sent, what comes back, and what is refused."""

import asyncio

import pytest
from asgi import key_of


@pytest.fixture
async def wire(client):
    """Speaks to the mount as Python's client does: no redirects, and JSON in every answer."""

    async def call(method, path, body=None, *, status=200, **query):
        sent = {"json": body} if body is not None else {}
        answer = await client.request(method, f"/mem0{path}", params=query or None, follow_redirects=False, **sent)
        assert answer.status_code == status, answer.text
        return answer.json()

    call.client = client
    return call


async def kept(wire, text, **more):
    """The id of a memory that is kept as it is."""
    body = {"messages": [{"role": "user", "content": text}], "user_id": "ann", "infer": False} | more
    return (await wire("POST", "/v3/memories/add/", body))["results"][0]["id"]


async def finished(wire, event_id):
    """An event when it is over."""
    for _ in range(1000):
        event = await wire("GET", f"/v1/event/{event_id}/")
        if event["status"] != "PENDING":
            return event
        await wire.client.app.state.service.memory.process_pending()
    raise AssertionError("it never ended")


async def test_who_the_key_is_comes_as_strings_and_with_no_real_address(wire):
    found = await wire("GET", "/v1/ping/")
    assert found["status"] == "ok"
    assert all(isinstance(found[name], str) and found[name] for name in ("org_id", "project_id"))
    assert found["user_email"].endswith("@mnemic.invalid")


async def test_an_add_waits_and_its_event_says_what_came_of_it(wire):
    body = {"messages": [{"role": "user", "content": "I live in Taipei."}], "user_id": "ann"}
    added = await wire("POST", "/v3/memories/add/", body)
    assert added["status"] == "PENDING"
    event = await finished(wire, added["event_id"])
    assert (event["status"], event["event_type"]) == ("SUCCEEDED", "ADD")
    result = event["results"][0]
    assert (result["event"], result["data"], result["user_id"]) == ("ADD", {"memory": "I live in Taipei."}, "ann")
    assert event["latency"] >= 0
    found = await wire("GET", f"/v1/memories/{result['id']}/")
    assert (found["memory"], found["lifecycle_state"]) == ("I live in Taipei.", "active")


@pytest.mark.parametrize("body", [
    {"messages": "I play chess", "user_id": "ann", "session_id": "s"},
    {"messages": {"role": "user", "content": "I play chess"}, "filters": {"user_id": "ann", "run_id": "s"}},
    {"messages": [{"role": "user", "content": "I play chess"}], "filters": {"AND": [{"userId": "ann"}, {"runId": "s"}]}},
    {"messages": [{"content": {"type": "text", "text": "I play chess"}}], "userId": "ann", "runId": "s"},
])  # fmt: skip
async def test_ids_and_messages_are_taken_in_every_form(wire, body):
    unknown = {"source": "CLI", "enable_graph": True, "version": "v2", "output_format": "v1.1", "immutable": False}
    made = await wire("POST", "/v3/memories/add/", body | unknown | {"infer": False})
    item = (await wire("POST", "/v3/memories/", {"filters": {"userId": "ann"}}))["results"][0]
    assert item["id"] == made["results"][0]["id"]
    assert (item["user_id"], item["run_id"], item["session_id"]) == ("ann", "s", "s")


async def test_nothing_is_added_for_nobody(wire):
    refused = await wire("POST", "/v3/memories/add/", {"messages": "x"}, status=400)
    assert "user_id" in refused["detail"]
    await wire("POST", "/v3/memories/add/", {"messages": [], "user_id": "ann"}, status=400)
    await wire("POST", "/v3/memories/add/", {"messages": "x", "user_id": "*"}, status=400)


async def test_a_search_asks_by_filter_alone_and_scores_lie_between_0_and_1(wire):
    await kept(wire, "Plays chess on Sundays", metadata={"topic": "games"})
    await kept(wire, "Drinks oolong tea", metadata={"topic": "food"})
    hits = (await wire("POST", "/v3/memories/search/", {"query": "chess", "filters": {"user_id": "ann"}}))["results"]
    assert hits[0]["memory"] == "Plays chess on Sundays"
    assert all(0 <= each["score"] <= 1 for each in hits)
    usual = {"query": "chess", "filters": {"user_id": "ann"}, "threshold": 0.1}
    assert (await wire("POST", "/v3/memories/search/", usual))["results"] == hits
    narrow = usual | {"fields": ["metadata"], "metadata": {"topic": "games"}}
    shown = (await wire("POST", "/v3/memories/search/", narrow))["results"]
    assert [set(each) for each in shown] == [{"id", "memory", "score", "metadata"}]
    for beside in ({"user_id": "ann"}, {"userId": "ann"}):
        await wire("POST", "/v3/memories/search/", {"query": "chess"} | beside, status=400)
    for nobody in ({}, {"filters": {}}, {"filters": {"categories": ["x"]}}, {"filters": {"user_id": {"ne": "ann"}}},
                   {"filters": {"NOT": [{"user_id": "ann"}]}}, {"filters": "user_id"}):  # fmt: skip
        await wire("POST", "/v3/memories/search/", {"query": "chess"} | nobody, status=400)
        await wire("POST", "/v3/memories/", nobody, status=400)


@pytest.mark.parametrize(("filters", "met"), [
    ({"metadata": {"n": 1}}, "a"),
    ({"metadata": {"n": {"ne": 1}}}, "bc"),
    ({"n": {"gt": 1}}, "bc"),
    ({"n": {"gte": 2, "lt": 3}}, "b"),
    ({"metadata.n": {"lte": 1}}, "a"),
    ({"n": {"in": [1, 3]}}, "ac"),
    ({"n": {"nin": [1, 3]}}, "b"),
    ({"word": {"contains": "ed"}}, "a"),
    ({"word": {"icontains": "ED"}}, "a"),
    ({"word": "*"}, "ab"),
    ({"categories": {"in": ["Colour"]}}, "ab"),
    ({"categories": {"contains": "colour"}}, "ab"),
    ({"keywords": {"icontains": "letter B"}}, "b"),
    ({"OR": [{"n": 1}, {"n": 2}]}, "ab"),
    ({"NOT": {"n": 1}}, "bc"),
    ({"NOT": [{"n": 1}, {"n": 2}]}, "c"),
    ({"AND": [{"n": {"gte": 2}}, {"OR": [{"n": 2}, {"n": 3}]}]}, "bc"),
    ({"AND": [{"n": {"gte": 1}}], "OR": [{"n": 1}, {"n": 2}]}, "ab"),
    ({"created_at": {"gte": "2024-02-01"}}, "bc"),
    ({"created_at": {"gt": "2024-01-15T00:00:00Z", "lt": "2024-03-01"}}, "b"),
    ({"createdAt": {"lte": "2024-01-15"}}, "a"),
    ({"timestamp": {"gte": 1710000000}}, "c"),
    ({"run_id": "*"}, "b"),
    ({"run_id": {"ne": "r"}}, "ac"),
    ({"runId": {"in": ["r"]}}, "b"),
    ({"agent_id": "*"}, ""),
])  # fmt: skip
async def test_every_operator_of_a_filter_means_what_it_says(wire, filters, met):
    times = {"a": 1705276800, "b": 1707868800, "c": 1710374400}  # the middle of January, February and March 2024
    memory = wire.client.app.state.service.memory
    for n, (letter, word) in enumerate({"a": "red", "b": "blue", "c": None}.items(), start=1):
        metadata = {"n": n} | ({"word": word} if word else {})
        more = {"run_id": "r"} if letter == "b" else {}
        more |= {"categories": ["colour"]} if word else {}
        await memory.add(
            f"The letter {letter}", user_id="ann", infer=False, metadata=metadata, timestamp=times[letter], **more
        )
    await memory.add("The letter z", user_id="bob", infer=False, metadata={"n": 1})
    asked = {"AND": [{"user_id": "ann"}, filters]}
    found = (await wire("POST", "/v3/memories/", {"filters": asked}))["results"]
    assert sorted(each["memory"][-1] for each in found) == list(met)
    hits = await wire("POST", "/v3/memories/search/", {"query": "the letter", "filters": asked, "threshold": 0})
    assert sorted(each["memory"][-1] for each in hits["results"]) == list(met)


async def test_pages_have_numbers_and_addresses_and_hold_everything_once(wire):
    memory = wire.client.app.state.service.memory
    for n in range(7):
        await memory.remember(f"Note {n}", user_id="ann", at=f"2024-01-{n + 1:02}")
    asked = {"filters": {"user_id": "ann"}}
    first = await wire("POST", "/v3/memories/", asked, page=1, page_size=3)
    assert (first["count"], first["previous"], len(first["results"])) == (7, None, 3)
    assert first["next"].endswith("/mem0/v3/memories/?page=2&page_size=3")
    pages = [first] + [await wire("POST", "/v3/memories/", asked, page=n, page_size=3) for n in (2, 3)]
    assert [each["memory"] for page in pages for each in page["results"]] == [f"Note {n}" for n in range(6, -1, -1)]
    assert pages[2]["next"] is None
    assert "page=2" in pages[2]["previous"]
    jumped = await wire("POST", "/v3/memories/", asked | {"page": 2, "page_size": 2})
    assert [each["memory"] for each in jumped["results"]] == ["Note 4", "Note 3"]
    beyond = await wire("POST", "/v3/memories/", asked, page=9, page_size=3)
    assert (beyond["count"], beyond["results"], beyond["next"]) == (7, [], None)
    dated = asked | {"start_date": "2024-01-02", "end_date": "2024-01-03"}
    assert [each["memory"] for each in (await wire("POST", "/v3/memories/", dated))["results"]] == ["Note 2", "Note 1"]
    for wrong in ({"page": 0}, {"page": "x"}, {"page_size": -1}):
        await wire("POST", "/v3/memories/", asked, status=400, **wrong)


async def test_a_memory_is_read_corrected_and_told_of(wire):
    one = await kept(wire, "Drinks oolong tea", metadata={"a": 1}, timestamp=1705276800, expiration_date="2020-01-01")
    shown = await wire("GET", f"/v1/memories/{one}/")
    assert shown["created_at"].startswith("2024-01-15")
    assert (shown["structured_attributes"]["year"], shown["structured_attributes"]["quarter"]) == (2024, 1)
    assert (shown["expiration_date"], shown["expired"]) == ("2020-01-01", True)
    asked = {"query": "tea", "filters": {"user_id": "ann"}}
    assert (await wire("POST", "/v3/memories/search/", asked))["results"] == []
    assert len((await wire("POST", "/v3/memories/search/", asked | {"show_expired": True}))["results"]) == 1
    for day in ("2019-06-01", 1559347200, "1559347200"):
        assert len((await wire("POST", "/v3/memories/search/", asked | {"reference_date": day}))["results"]) == 1
    after = await wire("PUT", f"/v1/memories/{one}/", {"text": "Drinks green tea", "metadata": {"b": 2}})
    assert (after["memory"], after["metadata"]) == ("Drinks green tea", {"a": 1, "b": 2})
    cleared = await wire("PUT", f"/v1/memories/{one}/", {"expiration_date": None})
    assert (cleared["expiration_date"], cleared["expired"]) == (None, False)
    lines = await wire("GET", f"/v1/memories/{one}/history/")
    assert [(each["event"], each["old_memory"], each["new_memory"]) for each in lines][:2] == [
        ("ADD", None, "Drinks oolong tea"),
        ("UPDATE", "Drinks oolong tea", "Drinks green tea"),
    ]
    assert (lines[0]["input"], lines[0]["user_id"]) == ([{"role": "user", "content": "Drinks oolong tea"}], "ann")
    assert (await wire("DELETE", f"/v1/memories/{one}/"))["message"] == "Memory deleted successfully!"
    gone = await wire("GET", f"/v1/memories/{one}/", status=404)
    assert gone["error"] == gone["detail"] == "Memory not found!"
    assert [each["event"] for each in await wire("GET", f"/v1/memories/{one}/history/")][-1] == "DELETE"
    assert (await wire("GET", f"/v1/memories/{one}/history/"))[0]["user_id"] == "ann"


async def test_an_id_that_is_none_is_told_from_one_that_there_is_not(wire):
    unknown = "0190a1b2-0000-4000-8000-000000000000"
    for method, path, body in (
        ("GET", "/v1/memories/{}/", None),
        ("PUT", "/v1/memories/{}/", {"text": "x"}),
        ("DELETE", "/v1/memories/{}/", None),
        ("GET", "/v1/memories/{}/history/", None),
    ):
        assert (await wire(method, path.format("id1"), body, status=400))["error"] == "memory_id should be a valid UUID"
        await wire(method, path.format(unknown), body, status=404)


async def test_what_took_a_place_is_listed_alone_unless_asked_and_goes_with_what_it_replaced(wire):
    memory = wire.client.app.state.service.memory
    for text in ("I live in Taipei.", "I live in Tokyo now.", "I live in Oslo now."):
        await memory.add(text, user_id="ann")
    asked = {"filters": {"user_id": "ann"}}
    now = await wire("POST", "/v3/memories/", asked)
    assert [each["memory"] for each in now["results"]] == ["I live in Oslo now."]
    every = (await wire("POST", "/v3/memories/", asked | {"latest_only": False}))["results"]
    assert len(every) == 3
    assert sum(each["replaced_by"] is not None for each in every) == 2
    one = now["results"][0]["id"]
    await wire("DELETE", f"/v1/memories/{one[:-1]}{'1' if one[-1] == '0' else '0'}/", status=404, delete_linked="true")
    assert (await wire("DELETE", f"/v1/memories/{one}/", delete_linked="true"))["cascade_count"] == 2
    assert (await wire("POST", "/v3/memories/", asked | {"latest_only": False}))["results"] == []


async def test_a_batch_goes_on_where_somebody_else_was_faster(wire):
    ids = [await kept(wire, f"Note {n}") for n in range(40)]
    batch = asyncio.create_task(wire("DELETE", "/v1/batch/", {"memories": ids}))
    while (await wire.client.get(f"/mem0/v1/memories/{ids[0]}/")).status_code == 200:
        pass
    await wire.client.delete(f"/mem0/v1/memories/{ids[-1]}/")
    assert (await batch)["message"] == "Successfully deleted 40 memories"
    assert (await wire("POST", "/v3/memories/", {"filters": {"user_id": "ann"}}))["count"] == 0


async def test_a_batch_that_cannot_be_done_from_the_beginning_is_not_begun(wire):
    ids = [await kept(wire, f"Note {n}") for n in range(3)]
    changes = [{"memory_id": each, "text": f"Changed {n}"} for n, each in enumerate(ids)]
    unknown = {"memory_id": "0190a1b2-0000-4000-8000-000000000000", "text": "x"}
    await wire("PUT", "/v1/batch/", {"memories": [*changes, unknown]}, status=404)
    await wire("PUT", "/v1/batch/", {"memories": [*changes, {"memory_id": ids[0], "text": "twice"}]}, status=400)
    await wire("PUT", "/v1/batch/", {"memories": [*changes[:2], {"memory_id": ids[2]}]}, status=400)
    await wire("PUT", "/v1/batch/", {"memories": [*changes[:2], {"memory_id": ids[2], "text": " "}]}, status=400)
    assert (await wire("GET", f"/v1/memories/{ids[0]}/"))["memory"] == "Note 0"
    too_many = await wire("PUT", "/v1/batch/", {"memories": [unknown] * 1001}, status=400)
    assert too_many["error"] == "Maximum of 1000 memories can be updated in a single request"
    done = await wire("PUT", "/v1/batch/", {"memories": changes})
    assert done == {"message": "Successfully updated 3 memories"}
    assert (await wire("GET", f"/v1/memories/{ids[2]}/"))["memory"] == "Changed 2"
    await wire("DELETE", "/v1/batch/", {"memories": [{"memory_id": ids[0]}, unknown]}, status=404)
    for nothing in ({}, {"memories": []}, {"memories": None}, {"memories": ["x"]}):
        await wire("DELETE", "/v1/batch/", nothing, status=400)
    assert (await wire("POST", "/v3/memories/", {"filters": {"user_id": "ann"}}))["count"] == 3
    assert await wire("DELETE", "/v1/batch/", {"memories": [{"memory_id": ids[0]}, ids[1]]}) == {
        "message": "Successfully deleted 2 memories"
    }
    assert (await wire("POST", "/v3/memories/", {"filters": {"user_id": "ann"}}))["count"] == 1


@pytest.mark.parametrize("query", [
    {},
    {"source": "CLI"},
    {"user_id": ""},
    {"user_id": "*"},
    {"user_id": "*", "agent_id": "*"},
    {"user_id": "ann", "run_id": "*"},
    {"userId": "*"},
    {"filters": ""},
    {"filters": "{}"},
    {"filters": "None"},
    {"filters": "[]"},
    {"filters": "{'user_id': '*'}"},
    {"filters": "{'user_id': None}"},
    {"filters": "{'user_id': ''}"},
    {"filters": "{'user_id': 'ann', 'run_id': '*'}"},
    {"filters": "{'AND': [{'user_id': 'ann'}, {'run_id': '*'}]}"},
    {"filters": "{'OR': [{'user_id': 'ann'}, {'user_id': 'bob'}]}"},
    {"filters": "{'user_id': {'ne': 'bob'}}"},
    {"filters": "{'user_id': {'in': ['ann', 'bob']}}"},
    {"filters": "{'NOT': {'user_id': 'bob'}}"},
    {"filters": "{'metadata': {'a': 1}}"},
    {"filters": "{'user_id': 'ann'"},
    {"filters": "dict(user_id='ann')"},
    {"filters": "__import__('os').getcwd()"},
    {"filters": "(" * 9000},
    {"filters": "[" * 9000},
    {"filters": "-" * 9000 + "1"},
    {"filters": "{'user_id': 'ann'}" + " " * 20_000},
    {"filters": "{'user_id': 'ann'}", "user_id": "bob"},
    {"metadata": "{'a': 1}"},
    {"user_id": "ann", "metadata": "oops"},
    {"user_id": "ann", "filters": "oops"},
    {"user_id": ["ann", "bob"]},
    {"user_id": "ann", "run_id": ""},
    {"user_id": "ann", "agent_id": " "},
    {"filters": "{'user_id': 'ann', 'agent_id': ' '}"},
    {"user_id": "ann", "metadata": ""},
    {"user_id": "ann", "metadata": "{}"},
    {"filters": "{'user_id': 'ann', 'metadata': {}}"},
    {"filters": "{'user_id': 'ann', 'AND': []}"},
    {"filters": "{'user_id': 'ann', 'NOT': []}"},
    {"filters": "{'user_id': 'ann', 'a': {'nin': []}}"},
    {"filters": "{'user_id': 'ann', 'a': {'eq': " + "[" * 150 + "]" * 150 + "}}"},
    {"user_id": "ann", "categories": "food"},
    {"user_id": "ann", "start_date": "2030-01-01"},
    {"user_id": "*", "agent_id": "*", "app_id": "*", "run_id": "*", "metadata": "{'a': 2}"},
    {"user_id": "*", "agent_id": "*", "app_id": "*", "run_id": "*", "keywords": "x"},
])  # fmt: skip
async def test_no_wildcard_and_nothing_unread_widens_a_delete(wire, query):
    for whose in ("ann", "bob"):
        await kept(wire, "Plays chess", user_id=whose, run_id="r", metadata={"a": 1})
    refused = await wire("DELETE", "/v1/memories/", status=400, **query)
    assert refused["detail"]
    for whose in ("ann", "bob"):
        assert (await wire("POST", "/v3/memories/", {"filters": {"user_id": whose}}))["count"] == 1


async def test_what_a_delete_does_not_read_is_refused_and_not_left_aside(wire):
    await kept(wire, "Plays chess", run_id="r")
    narrowing = {"filters": {"metadata": {"a": 1}}}
    await wire("DELETE", "/v1/memories/", narrowing, status=400, user_id="ann")
    for path in ("/v2/entities/user/ann/", "/v1/entities/user/ann/"):
        await wire("DELETE", path, status=400, run_id="s")
        await wire("DELETE", path, status=400, categories="food")
        await wire("DELETE", path, narrowing, status=400)
    assert (await wire("POST", "/v3/memories/", {"filters": {"user_id": "ann"}}))["count"] == 1
    assert (await wire("DELETE", "/v2/entities/user/ann/", source="CLI"))["deleted"] == 1


@pytest.mark.parametrize(("query", "left"), [
    ({"user_id": "ann"}, "cd"),
    ({"user_id": "ann", "run_id": "r"}, "bcd"),
    ({"run_id": "r"}, "bd"),
    ({"filters": "{'user_id': 'ann'}"}, "cd"),
    ({"filters": '{"AND": [{"user_id": "ann"}, {"run_id": "r"}]}'}, "bcd"),
    ({"user_id": "ann", "metadata": "{'n': 2}"}, "acd"),
    ({"filters": "{'user_id': 'ann', 'metadata': {'n': {'ne': 2}}}"}, "bcd"),
    ({"filters": "{'user_id': 'ann', 'OR': [{'n': 1}, {'n': 3}]}"}, "bcd"),
    ({"user_id": "eve"}, "abcd"),
])  # fmt: skip
async def test_a_delete_takes_what_is_named_and_no_more(wire, query, left):
    for n, (letter, whose, run) in enumerate(
        [("a", "ann", "r"), ("b", "ann", "s"), ("c", "bob", "r"), ("d", "cy", "s")]
    ):
        await kept(wire, f"Letter {letter}", user_id=whose, run_id=run, metadata={"n": n + 1})
    done = await wire("DELETE", "/v1/memories/", **query)
    assert done["deleted"] == 4 - len(left)
    found = (await wire("POST", "/v3/memories/", {"filters": {"user_id": "*"}}))["results"]
    assert sorted(each["memory"][-1] for each in found) == list(left)


async def test_a_project_is_emptied_by_four_wildcards_and_an_admin_alone(wire):
    await kept(wire, "Plays chess")
    await kept(wire, "Answers in rhymes", user_id=None, agent_id="poet")
    everything = dict.fromkeys(("user_id", "agent_id", "app_id", "run_id"), "*")
    writes = await key_of(wire.client, "read", "write")
    refused = await wire.client.delete("/mem0/v1/memories/", params=everything, headers=writes)
    assert refused.status_code == 403
    done = await wire("DELETE", "/v1/memories/", **everything)
    assert done["deleted"] == 2
    assert (await wire("GET", "/v1/entities/"))["count"] == 0
    await wire.client.app.state.service.memory.undo(done["event_id"])


async def test_feedback_is_counted_and_null_takes_it_back(wire):
    one = await kept(wire, "Plays chess")
    memory = wire.client.app.state.service.memory
    for word, rating in (("POSITIVE", 1), ("VERY_NEGATIVE", -1), (None, 0), ("NEGATIVE", -1), (None, 0), (None, 0)):
        answer = await wire("POST", "/v1/feedback/", {"memory_id": one, "feedback": word, "feedback_reason": None})
        assert answer == {"id": one, "feedback": word, "feedback_reason": None}
        assert (await memory.get(one))["rating"] == rating
    bad = await wire("POST", "/v1/feedback/", {"memory_id": "m", "feedback": "POSITIVE"}, status=400)
    assert bad["error"] == "Invalid memory_id"
    unknown = {"memory_id": "0190a1b2-0000-4000-8000-000000000000", "feedback": "POSITIVE"}
    await wire("POST", "/v1/feedback/", unknown, status=404)
    await wire("POST", "/v1/feedback/", {"memory_id": one, "feedback": "GOOD"}, status=400)


async def test_entities_are_listed_and_go_by_names_with_any_sign(wire):
    for name in ("a/b", "café", "ann@example.com", "50%25", "a%2Fb"):
        await kept(wire, f"Note of {name}", user_id=name)
    await kept(wire, "Answers in rhymes", user_id=None, agent_id="poet")
    found = await wire("GET", "/v1/entities/")
    assert (found["count"], found["total_users"], found["total_agents"]) == (6, 5, 1)
    assert {(each["type"], each["total_memories"]) for each in found["results"]} == {("user", 1), ("agent", 1)}
    page = await wire("GET", "/v1/entities/", page=2, page_size=4)
    assert (page["count"], len(page["results"]), page["next"]) == (6, 2, None)
    assert len(await wire("GET", "/v2/entities/user/a%2Fb/")) == 1
    for name, path in (("a/b", "a%2Fb"), ("café", "caf%C3%A9"), ("50%25", "50%2525")):
        assert (await wire("DELETE", f"/v2/entities/user/{path}/"))["deleted"] == 1
        assert name not in {each["name"] for each in (await wire("GET", "/v1/entities/"))["results"]}
    assert {each["name"] for each in (await wire("GET", "/v1/entities/"))["results"]} == {
        "ann@example.com", "a%2Fb", "poet"
    }  # fmt: skip
    await wire("DELETE", "/v1/entities/user/ann%40example.com/")
    for wrong in ("/v2/entities/pet/ann/", "/v2/entities/user/%2A/", "/v2/entities/user/%20/"):
        await wire("DELETE", wrong, status=400)
    assert (await wire("GET", "/v1/entities/"))["count"] == 2


async def test_who_has_messages_alone_is_listed_too(wire):
    added = await wire("POST", "/v3/memories/add/", {"messages": "Thanks!", "user_id": "ann"})
    await finished(wire, added["event_id"])
    assert [(each["name"], each["total_memories"]) for each in (await wire("GET", "/v1/entities/"))["results"]] == [
        ("ann", 0)
    ]


async def test_nothing_is_redirected_and_every_error_is_json(wire):
    for path in ("/v1/ping", "/v3/memories", "/nothing/", "/v1/memories/x/y/z/"):
        assert (await wire("GET", path, status=404))["detail"]
    assert (await wire("PATCH", "/v1/ping/", status=405))["detail"]
    for body in (b"{", b"[1]", b'"x"', b"[" * 100_000, b"\xff", b'{"a": NaN}'):
        answer = await wire.client.post("/mem0/v3/memories/search/", content=body)
        assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)


async def test_older_versions_are_answered_in_their_shapes(wire):
    one = await kept(wire, "Plays chess")
    added = await wire("POST", "/v1/memories/", {"messages": "I live in Taipei.", "user_id": "bob"})
    assert (added[0]["status"], len(added)) == ("PENDING", 1)
    await finished(wire, added[0]["event_id"])
    now = {"messages": "I live in Oslo.", "user_id": "cy", "async_mode": False, "output_format": "v1.1"}
    at_once = await wire("POST", "/v1/memories/", now)
    assert ([each["memory"] for each in at_once["results"]], at_once["relations"]) == (["I live in Oslo."], [])
    asked = {"query": "chess", "user_id": "ann"}
    assert [each["id"] for each in await wire("POST", "/v1/memories/search/", asked)] == [one]
    shaped = await wire("POST", "/v1/memories/search/", asked | {"output_format": "v1.1"})
    assert ([each["id"] for each in shaped["results"]], shaped["relations"]) == ([one], [])
    nobody = await wire("POST", "/v1/memories/search/", {"query": "chess"}, status=400)
    assert nobody["error"] == "At least one of the filters: agent_id, user_id, app_id, run_id is required!"
    by_filter = {"query": "chess", "filters": {"AND": [{"user_id": "ann"}]}, "version": "v2"}
    assert [each["id"] for each in await wire("POST", "/v2/memories/search/", by_filter)] == [one]
    assert [each["id"] for each in await wire("POST", "/v2/memories/", {"filters": {"user_id": "ann"}})] == [one]
    assert (await wire("POST", "/v2/memories/", {"filters": {"user_id": "ann"}}, page=1))["count"] == 1
    assert [each["id"] for each in await wire("GET", "/v1/memories/", user_id="ann")] == [one]
    assert (await wire("GET", "/v1/memories/", user_id="ann", page_size=5))["count"] == 1
    await wire("GET", "/v1/memories/", status=400)
    assert [each["id"] for each in await wire("GET", "/v1/memories/user/ann/")] == [one]
    assert (await wire("POST", "/v1/users/", {"user_id": "dan"}, status=201))["user_id"] == "dan"
    await wire("POST", "/v1/users/", {"user_id": "dan", "metadata": {"a": 1}}, status=400)


async def test_when_it_was_said_can_be_put_right(wire):
    one = await kept(wire, "Plays chess")
    for sent in (1705276800, "1705276800", 1705276800.5, "2024-01-15T00:00:00Z"):
        assert (await wire("PUT", f"/v1/memories/{one}/", {"timestamp": sent}))["created_at"].startswith("2024-01-15")
    for wrong in ("soon", "9" * 300, "²", [], True):
        await wire("PUT", f"/v1/memories/{one}/", {"timestamp": wrong}, status=400)
    early = {"filters": {"user_id": "ann", "created_at": {"lt": "2024-02-01"}}}
    assert (await wire("POST", "/v3/memories/", early))["count"] == 1


async def test_who_would_sign_up_is_told_where_keys_are_made(wire):
    for method, path in (
        ("POST", "/api/v1/auth/email_code/"),
        ("POST", "/api/v1/auth/email_code/verify/"),
        ("POST", "/api/v1/auth/agent_mode/"),
        ("PATCH", "/api/v1/auth/agent_mode/caller/"),
    ):
        assert "mnemic keys create" in (await wire(method, path, {"email": "ann@example.com"}, status=403))["detail"]
