"""mem0's published TypeScript client, unmodified, against our server."""

import pytest
from mem0_clients import Client, Raised, listening, serving
from test_mem0_python import finished


def kept(typescript, text, **more):
    messages = [{"role": "user", "content": text}]
    return typescript.add(messages, {"userId": "ann", "infer": False} | more)["results"][0]["id"]


def texts(found):
    return sorted(each["memory"] for each in found["results"])


def test_what_is_added_is_found_when_its_event_is_over(typescript, account):
    talk = [{"role": "user", "content": "I live in Taipei and I love oolong tea."}]
    added = typescript.add(talk, {"userId": "ann", "runId": "r", "metadata": {"seen_in": "chat"}})
    assert added["status"] == "PENDING"
    assert finished(account, added["eventId"])["status"] == "SUCCEEDED"
    found = typescript.search("Where does she live?", {"filters": {"userId": "ann"}, "topK": 1, "threshold": 0.1})
    (hit,) = found["results"]
    assert "Taipei" in hit["memory"]
    assert (hit["userId"], hit["runId"], hit["metadata"]) == ("ann", "r", {"seen_in": "chat"})
    assert 0 < hit["score"] <= 1


def test_a_plain_text_is_a_message(typescript):
    typescript.add("Plays chess", {"userId": "ann", "infer": False})
    assert texts(typescript.getAll({"filters": {"userId": "ann"}})) == ["Plays chess"]


@pytest.mark.parametrize(("filters", "met"), [
    ({"userId": "ann"}, "abc"),
    ({"user_id": "ann", "metadata": {"n": {"gt": 1}}}, "bc"),
    ({"AND": [{"userId": "ann"}, {"runId": "*"}]}, "b"),
    ({"AND": [{"userId": {"in": ["ann", "eve"]}}, {"OR": [{"n": 1}, {"n": 2}]}]}, "ab"),
    ({"AND": [{"user_id": "*"}, {"NOT": [{"n": 2}]}]}, "ac"),
    ({"userId": "ann", "createdAt": {"gte": "2000-01-01"}}, "abc"),
])  # fmt: skip
def test_filters_are_taken_as_they_are_written(typescript, filters, met):
    for n, letter in enumerate("abc", start=1):
        more = {"runId": "r"} if letter == "b" else {}
        kept(typescript, f"The letter {letter}", metadata={"n": n}, **more)
    assert [each[-1] for each in texts(typescript.getAll({"filters": filters}))] == list(met)
    found = typescript.search("the letter", {"filters": filters, "threshold": 0})
    assert [each[-1] for each in texts(found)] == list(met)


def test_a_list_has_pages(typescript):
    for n in range(3):
        kept(typescript, f"Note {n}")
    first, second = [typescript.getAll({"filters": {"userId": "ann"}, "page": n, "pageSize": 2}) for n in (1, 2)]
    assert (first["count"], len(first["results"]), len(second["results"]), second["next"]) == (3, 2, 1, None)


def test_a_memory_is_read_corrected_told_of_and_deleted(typescript):
    one = kept(typescript, "Drinks oolong tea")
    assert typescript.get(one)["memory"] == "Drinks oolong tea"
    changed = typescript.update(one, {"text": "Drinks green tea", "metadata": {"b": 2}, "expirationDate": "2999-01-01"})
    assert (changed["memory"], changed["expirationDate"]) == ("Drinks green tea", "2999-01-01")
    assert typescript.update(one, {"expirationDate": None})["expirationDate"] is None
    assert [each["event"] for each in typescript.history(one)][:2] == ["ADD", "UPDATE"]
    assert typescript.delete(one, {"deleteLinked": True})["cascadeCount"] == 0
    with pytest.raises(Raised) as gone:
        typescript.get(one)
    assert gone.value.type == "MemoryNotFoundError"


def test_batches_change_and_delete_several(typescript):
    ids = [kept(typescript, f"Note {n}") for n in range(3)]
    changes = [{"memoryId": each, "text": f"Changed {n}"} for n, each in enumerate(ids)]
    assert typescript.batchUpdate(changes)["message"] == "Successfully updated 3 memories"
    assert typescript.batchDelete(ids[:2])["message"] == "Successfully deleted 2 memories"
    assert texts(typescript.getAll({"filters": {"userId": "ann"}})) == ["Changed 2"]


def test_a_delete_takes_who_is_named_and_a_wildcard_nobody(typescript):
    for whose in ("ann", "bob"):
        kept(typescript, "Plays chess", userId=whose)
    for wide in ({}, {"userId": "*"}, {"userId": "*", "agentId": "*"}):
        with pytest.raises(Raised) as refused:
            typescript.deleteAll(wide)
        assert refused.value.type == "ValidationError"
    typescript.deleteAll({"userId": "ann"})
    assert typescript.getAll({"filters": {"userId": "bob"}})["count"] == 1


def test_entities_are_listed_and_deleted(typescript):
    for name in ("ann", "a/b", "café"):
        kept(typescript, "Plays chess", userId=name)
    assert typescript.users()["totalUsers"] == 3
    page = typescript.users({"page": 2, "pageSize": 2})
    assert (page["count"], len(page["results"])) == (3, 1)
    typescript.deleteUsers({"userId": "a/b"})
    typescript.deleteUser({"entity_id": "café", "entity_type": "user"})
    assert [each["name"] for each in typescript.users()["results"]] == ["ann"]
    typescript.deleteUsers()
    assert typescript.users()["count"] == 0


def test_feedback_is_given_and_taken_back(typescript):
    one = kept(typescript, "Plays chess")
    assert (
        typescript.feedback({"memoryId": one, "feedback": "POSITIVE", "feedbackReason": "so"})["feedback"] == "POSITIVE"
    )
    assert typescript.feedback({"memoryId": one, "feedback": None})["feedback"] is None


def test_settings_of_the_project_are_kept_and_shown(typescript):
    typescript.ping()
    categories = [{"food_and_drink": "What she eats"}]
    done = typescript.updateProject(
        {"customInstructions": "Only food.", "customCategories": categories, "decay": False}
    )
    assert done["message"] == "Project updated successfully"
    shown = typescript.getProject({"fields": ["customInstructions", "customCategories", "decay"]})
    assert (shown["customInstructions"], shown["customCategories"], shown["decay"]) == ("Only food.", categories, False)


def test_a_profile_is_put_together_when_it_is_read(typescript, account):
    added = typescript.add([{"role": "user", "content": "I live in Taipei."}], {"userId": "ann"})
    finished(account, added["eventId"])
    made = typescript.generateProfile({"entityId": "ann"})
    assert typescript.getProfileJob(made["statusUrl"])["job"]["status"] == "succeeded"
    assert typescript.getProfile({"entityId": "ann"})["status"] == "succeeded"
    schema = {"type": "object", "properties": {"home": {"type": "string", "description": "Where she lives"}}}
    assert typescript.updateProfileSettings({"schema": schema})["entities"]["user"]["schema"] == schema
    assert typescript.getProfileSettings()["enabled"] is True
    assert typescript.getProfile({"entityId": "ann"})["profile"] == {"home": "Taipei"}
    assert typescript.sampleProfiles({"limit": 1})["entityIds"] == ["ann"]


def test_an_export_is_filled_by_its_schema(typescript, account):
    added = typescript.add([{"role": "user", "content": "I live in Taipei."}], {"userId": "ann"})
    finished(account, added["eventId"])
    schema = {"type": "object", "properties": {"home": {"type": "string"}}}
    made = typescript.createMemoryExport({"schema": schema, "filters": {"userId": "ann"}})
    assert typescript.getMemoryExport({"memoryExportId": made["id"]}) == {"home": "Taipei"}
    assert typescript.getMemoryExport({"filters": {"user_id": "ann"}}) == {"home": "Taipei"}


def test_a_webhook_is_told_of_what_happens(typescript):
    typescript.ping()
    with listening() as (url, told):
        made = typescript.createWebhook({"name": "mine", "url": url, "eventTypes": ["memory_add", "memory_categorize"]})
        one = kept(typescript, "Plays chess")
        assert told.get(timeout=30)[0] == {
            "event_details": {"id": one, "data": {"memory": "Plays chess"}, "event": "ADD"}
        }
        typescript.updateWebhook({"webhookId": made["webhookId"], "name": "ours"})
        (shown,) = typescript.getWebhooks()
        assert (shown["name"], shown["eventTypes"]) == ("ours", ["memory_add"])
        typescript.deleteWebhook(made["webhookId"])
        assert typescript.getWebhooks() == []


def test_errors_come_as_the_classes_they_are_known_by(typescript, account, mem0_server, spoken_node):
    unknown = "0190a1b2-0000-4000-8000-000000000000"
    for call, kind in (
        (lambda: typescript.get(unknown), "MemoryNotFoundError"),
        (lambda: typescript.get("x"), "ValidationError"),
        (lambda: typescript.search("x", {"filters": {"userId": "ann", "n": {"like": 1}}}), "ValidationError"),
        (lambda: typescript.add([{"role": "user", "content": "x"}], {}), "ValidationError"),
    ):
        with pytest.raises(Raised) as raised:
            call()
        assert raised.value.type == kind
    reader = mem0_server.account("read")
    for key in ("m0-wrong", reader.key):
        stranger = Client(spoken_node, host=account.host, key=key)
        with pytest.raises(Raised) as refused:
            stranger.add([{"role": "user", "content": "x"}], {"userId": "ann"})
        assert refused.value.type == "AuthenticationError"


def test_who_asks_too_often_is_told_so(tmp_path, spoken_node):
    with serving(tmp_path, key_limit="3/minute") as server:
        few = server.account()
        hurried = Client(spoken_node, host=few.host, key=few.key)
        with pytest.raises(Raised) as refused:
            for _ in range(5):
                hurried.users()
    assert refused.value.type == "RateLimitError"
