"""Every change of a memory can be read back, with what was before, and nothing is overwritten."""

import re

import pytest

from mnemic import NotFound
from mnemic.testing.fakes import FakeExtractor

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def test_history_tells_who_did_what_and_when(make):
    memory = make(extractor=FakeExtractor(name="fake@7"))
    added = memory.add("I live in Taipei", user_id="alice")
    name = added["results"][0]["id"]
    updated = memory.update(name, data="I live in Tainan")
    deleted = memory.delete(name)
    lines = memory.history(name)
    expected = [
        ("ADD", 1, None, "I live in Taipei", "fake@7", None, added["receipt"]["change_id"], False),
        ("UPDATE", 2, "I live in Taipei", "I live in Tainan", "person", None, updated["change_id"], False),
        ("DELETE", 2, "I live in Tainan", None, "person", "deleted", deleted["change_id"], True),
    ]
    keys = ("event", "version", "old_memory", "new_memory", "actor", "reason", "change_id", "is_deleted")
    assert [tuple(line[key] for key in keys) for line in lines] == expected
    assert {line["memory_id"] for line in lines} == {name}
    assert len({line["id"] for line in lines}) == 3
    times = [line["created_at"] for line in lines]
    assert times == sorted(times)
    assert all(TIME.fullmatch(at) for at in times)
    assert set(lines[0]) == {*keys, "id", "memory_id", "created_at", "updated_at"}


def test_what_update_and_delete_answer(memory):
    (added,) = memory.remember("I ski", user_id="alice", metadata={"a": 1, "b": 1})["results"]
    updated = memory.update(added["id"], data="I row", metadata={"b": 2}, expiration_date="2999-01-01")
    assert updated == {
        "message": "Memory updated successfully!", "id": added["id"], "memory": "I row", "old_memory": "I ski",
        "event": "UPDATE", "version": 2, "change_id": updated["change_id"],
    }  # fmt: skip
    item = memory.get(added["id"])
    shown = {key: item[key] for key in ("memory", "metadata", "expiration_date", "origin", "version")}
    assert shown == {
        "memory": "I row", "metadata": {"a": 1, "b": 2}, "expiration_date": "2999-01-01", "origin": "corrected", "version": 2,
    }  # fmt: skip
    deleted = memory.delete(added["id"])
    assert deleted == {
        "message": "Memory deleted successfully!", "id": added["id"], "event": "DELETE", "change_id": deleted["change_id"],
    }  # fmt: skip


def test_deleting_a_scope_is_in_the_history_of_each_memory(memory):
    names = [memory.remember(f"Fact {n}", user_id="alice")["results"][0]["id"] for n in range(3)]
    answer = memory.delete_all(user_id="alice")
    assert answer == {
        "message": "Memories deleted successfully!", "deleted": 3, "messages_hidden": 3, "change_id": answer["change_id"],
    }  # fmt: skip
    for number, name in enumerate(names):
        last = memory.history(name)[-1]
        assert (last["event"], last["old_memory"], last["change_id"]) == (
            "DELETE",
            f"Fact {number}",
            answer["change_id"],
        )


def test_a_message_has_no_history_and_an_unknown_id_is_not_found(memory):
    added = memory.add("I ski", user_id="alice")
    assert memory.history(added["receipt"]["messages"][0]["episode_id"]) == []
    with pytest.raises(NotFound):
        memory.history("nothing")


def test_a_deleted_memory_is_deleted_once(memory):
    (added,) = memory.remember("I ski", user_id="alice")["results"]
    memory.delete(added["id"])
    for call in (memory.delete, memory.get, lambda each: memory.update(each, data="x")):
        with pytest.raises(NotFound):
            call(added["id"])
    assert [line["event"] for line in memory.history(added["id"])] == ["ADD", "DELETE"]


def test_twenty_updates_leave_twenty_one_versions_and_one_memory(memory):
    (added,) = memory.remember("Version 1", user_id="alice")["results"]
    for number in range(2, 22):
        assert memory.update(added["id"], data=f"Version {number}")["version"] == number
    assert [line["new_memory"] for line in memory.history(added["id"])] == [f"Version {n}" for n in range(1, 22)]
    assert [item["memory"] for item in memory.get_all(user_id="alice")["results"]] == ["Version 21"]
    assert [item["memory"] for item in memory.search("Version", user_id="alice", threshold=0)["results"]] == [
        "Version 21"
    ]
    assert memory.verify()["problems"] == []


def test_an_update_of_the_details_keeps_the_words_and_where_they_come_from(memory):
    (added,) = memory.add("I ski", user_id="alice")["results"]
    before = memory.get(added["id"])
    memory.update(added["id"], metadata={"checked": True})
    after = memory.get(added["id"])
    changed = {"metadata": {"checked": True}, "version": 2, "updated_at": after["updated_at"]}
    assert after == {**before, **changed}
