"""mem0's published Python client, sync and async, unmodified, against our server."""

import json

import httpx2
import pytest
from mem0_clients import Client, Raised, listening, serving


def finished(account, event_id):
    """An event when it is over; no method of the client asks for it."""
    headers = {"Authorization": f"Token {account.key}"}
    with httpx2.Client(headers=headers) as http:
        for _ in range(2000):
            event = http.get(f"{account.host}/v1/event/{event_id}/").json()
            if event["status"] != "PENDING":
                return event
    raise AssertionError("it never ended")


def kept(mem0, text, **more):
    more = {"user_id": "ann", "infer": False} | more
    return mem0.add(text, **more)["results"][0]["id"]


def texts(found):
    return sorted(each["memory"] for each in found["results"])


def test_it_learns_at_once_who_it_is(mem0, account):
    assert mem0.identity["org_id"] == account.organization
    assert mem0.identity["project_id"] == account.project
    assert mem0.identity["user_email"].endswith(".invalid")


def test_what_is_added_is_found_when_its_event_is_over(mem0, account):
    talk = [
        {"role": "user", "content": "I live in Taipei and I love oolong tea."},
        {"role": "assistant", "content": "Noted!"},
    ]
    added = mem0.add(talk, user_id="ann", run_id="r", metadata={"from": "chat"})
    assert added["status"] == "PENDING"
    event = finished(account, added["event_id"])
    assert event["status"] == "SUCCEEDED"
    learnt = {each["data"]["memory"] for each in event["results"]}
    found = mem0.search("Where does she live?", filters={"user_id": "ann"})["results"]
    assert found[0]["memory"] in learnt
    assert "Taipei" in found[0]["memory"]
    assert (found[0]["run_id"], found[0]["metadata"]["from"]) == ("r", "chat")
    assert 0 < found[0]["score"] <= 1


@pytest.mark.parametrize(("filters", "met"), [
    ({"metadata": {"n": 1}}, "a"),
    ({"metadata": {"n": {"ne": 1}}}, "bc"),
    ({"metadata": {"n": {"gte": 2}}}, "bc"),
    ({"metadata": {"n": {"lt": 2}}}, "a"),
    ({"metadata": {"word": {"contains": "lu"}}}, "b"),
    ({"metadata": {"word": "*"}}, "ab"),
    ({"n": {"in": [1, 3]}}, "ac"),
    ({"n": {"nin": [1, 3]}}, "b"),
    ({"keywords": {"icontains": "letter B"}}, "b"),
    ({"run_id": "*"}, "b"),
    ({"run_id": {"ne": "r"}}, "ac"),
    ({"created_at": {"gte": "2024-02-01", "lte": "2024-02-28"}}, "b"),
    ({"OR": [{"n": 1}, {"n": 2}]}, "ab"),
    ({"NOT": {"n": 1}}, "bc"),
    ({"NOT": [{"n": 1}, {"n": 2}]}, "c"),
    ({"AND": [{"n": {"gt": 1}}, {"OR": [{"n": 2}, {"n": 3}]}]}, "bc"),
])  # fmt: skip
def test_every_filter_narrows_a_search_and_a_list(mem0, filters, met):
    for n, (letter, word) in enumerate({"a": "red", "b": "blue", "c": None}.items(), start=1):
        metadata = {"n": n} | ({"word": word} if word else {})
        kept(mem0, f"The letter {letter}", metadata=metadata, timestamp=1705276800 + (n - 1) * 31 * 86400,
             **({"run_id": "r"} if letter == "b" else {}))  # fmt: skip
    asked = {"AND": [{"user_id": "ann"}, filters]}
    assert [each[-1] for each in texts(mem0.get_all(filters=asked))] == list(met)
    assert [each[-1] for each in texts(mem0.search("the letter", filters=asked, threshold=0.0))] == list(met)


def test_typed_options_say_the_same_as_arguments(mem0):
    def options(kind, **values):
        return {"type": kind, "values": values}

    add = options("AddMemoryOptions", filters={"user_id": "ann"}, infer=False, metadata={"a": 1})
    one = mem0.add("Plays chess", options=add)["results"][0]["id"]
    whose = {"filters": {"user_id": "ann"}}
    assert texts(mem0.get_all(options=options("GetAllMemoryOptions", **whose))) == ["Plays chess"]
    found = mem0.search("chess", options=options("SearchMemoryOptions", **whose, top_k=1, fields=["id"]))["results"]
    assert (found[0]["id"], "metadata" in found[0]) == (one, False)
    changed = mem0.update(one, options=options("UpdateMemoryOptions", text="Plays Go", expiration_date="2999-01-01"))
    assert (changed["memory"], changed["expiration_date"]) == ("Plays Go", "2999-01-01")
    with pytest.raises(Raised) as refused:
        mem0.delete_all(options=options("DeleteAllMemoryOptions", filters={"user_id": "*"}))
    assert refused.value.type == "ValidationError"
    mem0.delete_all(options=options("DeleteAllMemoryOptions", filters={"user_id": "ann"}))
    assert mem0.get_all(**whose)["count"] == 0


def test_a_list_has_pages(mem0):
    for n in range(5):
        kept(mem0, f"Note {n}")
    pages = [mem0.get_all(filters={"user_id": "ann"}, page=n, page_size=2) for n in (1, 2, 3)]
    assert {page["count"] for page in pages} == {5}
    assert sorted(each["memory"] for page in pages for each in page["results"]) == [f"Note {n}" for n in range(5)]
    assert [page["next"] is None for page in pages] == [False, False, True]


def test_a_memory_is_read_corrected_told_of_and_deleted(mem0):
    one = kept(mem0, "Drinks oolong tea", metadata={"a": 1})
    assert mem0.get(one)["memory"] == "Drinks oolong tea"
    assert mem0.update(one, text="Drinks green tea", metadata={"b": 2})["metadata"] == {"a": 1, "b": 2}
    assert mem0.update(one, expiration_date=None)["expiration_date"] is None
    assert [each["event"] for each in mem0.history(one)][:2] == ["ADD", "UPDATE"]
    assert mem0.delete(one)["message"] == "Memory deleted successfully!"
    with pytest.raises(Raised) as gone:
        mem0.get(one)
    assert gone.value.type == "MemoryNotFoundError"


def test_batches_change_and_delete_several(mem0):
    ids = [kept(mem0, f"Note {n}") for n in range(3)]
    changed = mem0.batch_update([{"memory_id": each, "text": f"Changed {n}"} for n, each in enumerate(ids)])
    assert changed["message"] == "Successfully updated 3 memories"
    assert mem0.batch_delete([{"memory_id": each} for each in ids[:2]])["message"] == "Successfully deleted 2 memories"
    assert texts(mem0.get_all(filters={"user_id": "ann"})) == ["Changed 2"]


def test_a_delete_takes_who_is_named_and_a_wildcard_nobody(mem0):
    for whose in ("ann", "bob"):
        kept(mem0, "Plays chess", user_id=whose)
    for wide in ({}, {"user_id": "*"}, {"user_id": "ann", "run_id": "*"}):
        with pytest.raises(Raised) as refused:
            mem0.delete_all(**wide)
        assert refused.value.type == "ValidationError"
    assert mem0.delete_all(user_id="ann")["message"]
    assert mem0.get_all(filters={"user_id": "bob"})["count"] == 1


def test_entities_are_listed_and_deleted_by_names_with_any_sign(mem0):
    for name in ("ann", "a/b", "café"):
        kept(mem0, "Plays chess", user_id=name)
    kept(mem0, "Answers in rhymes", user_id=None, agent_id="poet", run_id="r1")
    people = mem0.users()
    assert {(each["type"], each["name"]) for each in people["results"]} == {
        ("user", "ann"), ("user", "a/b"), ("user", "café"), ("agent", "poet"), ("run", "r1"),
    }  # fmt: skip
    assert people["total_users"] == 3
    assert mem0.delete_users(user_id="a/b")["message"] == "Entity deleted successfully."
    assert "a/b" not in {each["name"] for each in mem0.users()["results"]}
    assert mem0.delete_users()["message"] == "All users, agents, apps and runs deleted."
    with pytest.raises(Raised) as nobody:
        mem0.delete_users()
    assert (nobody.value.type, nobody.value.error["text"]) == ("ValueError", "No entities to delete")


def test_a_reset_leaves_nothing(mem0, account):
    kept(mem0, "Plays chess")
    finished(account, mem0.add("Thanks!", user_id="bob")["event_id"])
    assert mem0.reset()["message"].startswith("Client reset successful")
    assert mem0.users()["count"] == 0


def test_feedback_is_given_and_taken_back(mem0):
    one = kept(mem0, "Plays chess")
    assert mem0.feedback(one, "POSITIVE", "still so")["feedback"] == "POSITIVE"
    assert mem0.feedback(one)["feedback"] is None


def test_a_summary_says_who_somebody_is(mem0, account):
    finished(account, mem0.add("I live in Taipei.", user_id="ann")["event_id"])
    assert "Taipei" in mem0.get_summary(filters={"user_id": "ann"})["summary"]


def test_settings_of_the_project_are_kept_and_shown(mem0):
    done = mem0.call("project.update", custom_instructions="Only food.", custom_categories=[{"food": "What she eats"}],
                     decay=False)  # fmt: skip
    assert done["message"] == "Project updated successfully"
    shown = mem0.call("project.get", fields=["custom_instructions", "custom_categories", "decay"])
    assert shown["custom_instructions"] == "Only food."
    assert shown["custom_categories"] == [{"food": "What she eats"}]
    assert shown["decay"] is False
    mem0.call("project.update", custom_instructions="")
    assert mem0.call("project.get")["custom_instructions"] is None
    assert mem0.get_project(fields=["custom_categories"])["custom_categories"] == [{"food": "What she eats"}]
    assert mem0.update_project(custom_instructions="Only tea.")["message"] == "Project updated successfully"


def test_a_project_has_members(mem0):
    assert mem0.call("project.add_member", "dan@example.com", "READER")["message"]
    roles = {each["username"]: each["role"] for each in mem0.call("project.get_members")["members"]}
    assert roles["dan@example.com"] == "READER"
    mem0.call("project.update_member", "dan@example.com", "OWNER")
    with pytest.raises(Raised) as twice:
        mem0.call("project.add_member", "dan@example.com", "READER")
    assert twice.value.type == "ValidationError"
    mem0.call("project.remove_member", "dan@example.com")
    assert "dan@example.com" not in {each["username"] for each in mem0.call("project.get_members")["members"]}
    with pytest.raises(Raised) as nobody:
        mem0.call("project.update_member", "dan@example.com", "OWNER")
    assert nobody.value.type == "MemoryNotFoundError"


def test_projects_are_made_and_the_first_one_stays(mem0):
    assert mem0.call("project.create", "another", "for trials")["project_id"]
    with pytest.raises(Raised) as refused:
        mem0.call("project.delete")
    assert refused.value.type == "ValidationError"


def test_a_profile_is_put_together_when_it_is_read(mem0, account):
    finished(account, mem0.add("I live in Taipei. I love oolong tea.", user_id="ann")["event_id"])
    assert mem0.get_profile_settings()["enabled"] is True
    made = mem0.generate_profile("ann")
    assert mem0.get_profile_job(made["status_url"])["job"]["status"] == "succeeded"
    assert mem0.get_profile_job(made["job_id"])["job"]["total"] == 1
    profile = mem0.get_profile("ann")
    assert (profile["status"], profile["entity_id"]) == ("succeeded", "ann")
    assert "Taipei" in profile["profile"]["summary"]
    schema = {"type": "object", "properties": {
        "home": {"type": "string", "description": "Where she lives"},
        "pet": {"type": "string", "description": "Her animal"},
    }}  # fmt: skip
    assert mem0.update_profile_settings(schema=schema)["entities"]["user"]["schema"] == schema
    assert mem0.get_profile("ann")["profile"] == {"home": "Taipei", "pet": None}
    assert mem0.sample_profiles(limit=2)["entity_ids"] == ["ann"]
    assert mem0.update_profile_settings(enabled=False, schema=None)["entities"]["user"]["schema"] is None
    assert mem0.get_profile("ann")["status"] == "not_enabled"
    for call in (lambda: mem0.generate_profile("ann"), lambda: mem0.update_profile_settings(schema={"a": 1})):
        with pytest.raises(Raised) as refused:
            call()
        assert refused.value.type == "ValidationError"
    with pytest.raises(Raised) as unknown:
        mem0.get_profile("nobody")
    assert unknown.value.type == "MemoryNotFoundError"


def test_an_export_is_filled_with_what_was_known_when_it_was_asked_for(mem0, account):
    finished(account, mem0.add("I live in Taipei.", user_id="ann")["event_id"])
    schema = {"type": "object", "properties": {"home": {"type": "string"}, "pets": {"type": "array"}}}
    whose = {"AND": [{"user_id": "ann"}]}
    made = mem0.create_memory_export(schema, filters=whose, export_instructions="In one word.")
    finished(account, mem0.add("I live in Oslo now.", user_id="ann")["event_id"])
    assert mem0.get_memory_export(memory_export_id=made["id"]) == {"home": "Taipei", "pets": []}
    assert mem0.get_memory_export(filters={"user_id": "ann"})["home"] == "Taipei"
    text = mem0.create_memory_export(json.dumps(schema), user_id="ann")
    assert mem0.get_memory_export(memory_export_id=text["id"])["home"] == "Oslo"
    for call, kind in (
        (lambda: mem0.get_memory_export(filters={"user_id": "bob"}), "MemoryNotFoundError"),
        (
            lambda: mem0.get_memory_export(memory_export_id="0190a1b2-0000-4000-8000-000000000000"),
            "MemoryNotFoundError",
        ),
        (lambda: mem0.create_memory_export(schema), "ValidationError"),
        (lambda: mem0.create_memory_export(schema, filters={"user_id": "*"}), "ValidationError"),
        (lambda: mem0.create_memory_export({}, filters=whose), "ValidationError"),
    ):
        with pytest.raises(Raised) as raised:
            call()
        assert raised.value.type == kind


def test_a_webhook_is_told_of_what_happens(mem0, account):
    with listening() as (url, told):
        made = mem0.create_webhook(url, "mine", account.project, ["memory_add", "memory_update", "memory_delete"])
        assert (made["url"], made["is_active"], made["project"]) == (url, True, account.project)
        one = kept(mem0, "Plays chess")
        mem0.update(one, text="Plays Go")
        mem0.delete(one)
        said = [told.get(timeout=30)[0]["event_details"] for _ in range(3)]
        assert {(each["event"], each["data"]["memory"]) for each in said} == {
            ("ADD", "Plays chess"), ("UPDATE", "Plays Go"), ("DELETE", "Plays Go"),
        }  # fmt: skip
        assert {each["id"] for each in said} == {one}
        changed = mem0.update_webhook(made["webhook_id"], name="ours", event_types=["memory_delete"])
        assert changed["message"] == "Webhook updated successfully"
        (shown,) = mem0.get_webhooks(account.project)
        assert (shown["name"], shown["event_types"]) == ("ours", ["memory_delete"])
        mem0.delete(kept(mem0, "Plays checkers"))
        assert told.get(timeout=30)[0]["event_details"]["event"] == "DELETE"
        assert mem0.delete_webhook(made["webhook_id"])["message"] == "Webhook deleted successfully"
        assert mem0.get_webhooks(account.project) == []
        for refused in (
            lambda: mem0.create_webhook("file:///etc/passwd", "x", account.project, ["memory_add"]),
            lambda: mem0.create_webhook(url, "x", account.project, ["memory_categorize"]),
            lambda: mem0.create_webhook(url, "x", account.project, ["nothing"]),
        ):
            with pytest.raises(Raised) as raised:
                refused()
            assert raised.value.type == "ValidationError"
        with pytest.raises(Raised) as unknown:
            mem0.delete_webhook(made["webhook_id"])
        assert unknown.value.type == "MemoryNotFoundError"


def test_errors_come_as_the_classes_they_are_known_by(mem0, account, spoken_python):
    unknown = "0190a1b2-0000-4000-8000-000000000000"
    for call, kind, code in (
        (lambda: mem0.get(unknown), "MemoryNotFoundError", "HTTP_404"),
        (lambda: mem0.get("x"), "ValidationError", "HTTP_400"),
        (lambda: mem0.search("x", filters={"metadata": {"a": 1}}), "ValidationError", "HTTP_400"),
        (lambda: mem0.search("x", filters={"user_id": "ann", "n": {"like": 1}}), "ValidationError", "HTTP_400"),
        (lambda: mem0.add("x"), "ValidationError", "HTTP_400"),
    ):
        with pytest.raises(Raised) as raised:
            call()
        assert (raised.value.type, raised.value.error["error_code"]) == (kind, code)
        assert raised.value.error["message"]
    with pytest.raises(Raised) as stranger:
        Client(spoken_python, host=account.host, key="m0-wrong", **{"async": False})
    assert (stranger.value.type, "Invalid API key" in stranger.value.error["text"]) == ("ValueError", True)


def test_a_key_that_only_reads_is_refused_what_it_may_not(mem0_server, spoken_python):
    reader = mem0_server.account("read")
    mem0 = Client(spoken_python, host=reader.host, key=reader.key, **{"async": False})
    assert mem0.users()["count"] == 0
    with pytest.raises(Raised) as refused:
        mem0.add("x", user_id="ann")
    assert (refused.value.type, refused.value.error["error_code"]) == ("AuthenticationError", "HTTP_403")


def test_who_asks_too_often_is_told_when_to_come_back(tmp_path, spoken_python):
    with serving(tmp_path, key_limit="3/minute") as server:
        few = server.account()
        mem0 = Client(spoken_python, host=few.host, key=few.key, **{"async": False})
        mem0.users()
        mem0.users()
        with pytest.raises(Raised) as refused:
            mem0.users()
    assert refused.value.type == "RateLimitError"
    assert 0 < refused.value.error["debug_info"]["retry_after"] <= 60
