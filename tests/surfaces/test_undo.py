"""Everything that changes what is known can be taken back: the store then says what it said before."""

import pytest

from mnemic import Conflict, InvalidInput, NotFound
from mnemic.times import now

USER = "alice"
RUNS = (
    ("Ran 5 km in the park on Monday", "2025-03-03"),
    ("Ran 5 km in the park on Tuesday", "2025-03-11"),
    ("Ran 5 km in the park on Friday", "2025-03-21"),
)

SAID = (
    "I live in Oslo.",
    "I have a cat.",
    "My wife Dana likes tea.",
    "My boss is called Ingrid.",
    "I have a dentist appointment on Tuesday.",
)


def told(memory):
    """A memory that knows a few things."""
    for text in SAID:
        memory.add(text, user_id=USER, at="2025-03-01T09:00:00+00:00")
    return memory


def one(memory, words):
    """The id of the memory that holds these words."""
    (found,) = [item["id"] for item in memory.get_all(user_id=USER)["results"] if words in item["memory"]]
    return found


def add(text, **arguments):
    def change(memory):
        at = "2025-03-02T09:00:00+00:00"
        return memory.add(text, user_id=USER, at=at, **arguments)["receipt"]["change_id"]

    return change


def delete_message(memory):
    item = memory.get(one(memory, "Oslo"))
    return memory.delete(item["sources"][0]["episode_id"])["change_id"]


def consolidate(memory):
    (proposal,) = memory.consolidate(user_id=USER, dry_run=False)["proposals"]
    return proposal["change_id"]


def superseded(memory):
    """The id of the memory that was replaced."""
    every = memory.get_all(user_id=USER, latest_only=False)["results"]
    (found,) = [each["id"] for each in every if each.get("retire_reason") == "superseded"]
    return found


def run_once_more(memory):
    memory.remember("Ran 5 km in the park on Sunday", user_id=USER, kind="event", at="2025-03-30T08:00:00+00:00")


def runs_in_the_park(memory):
    for text, day in RUNS:
        memory.remember(text, user_id=USER, kind="event", at=f"{day}T08:00:00+00:00")


BEFORE = {
    "forget what was said twice": lambda memory: memory.add("My home is in Oslo.", user_id=USER),
    "merge by consolidation": lambda memory: memory.remember("I live in Oslo", user_id=USER),
    "retire by consolidation": lambda memory: memory.feedback(one(memory, "cat"), "VERY_NEGATIVE"),
    "pattern": runs_in_the_park,
    "split entity": lambda memory: memory.add("My wife Dana likes cake, too.", user_id=USER),
    "delete message of two": lambda memory: memory.add("As I said, I live in Oslo.", user_id=USER),
    "delete superseded": lambda memory: memory.add("I moved to Bergen.", user_id=USER),
    "forget superseded": lambda memory: memory.add("I moved to Bergen.", user_id=USER),
    "delete what came too late": lambda memory: memory.add("I live in Rome.", user_id=USER, at="2020-01-01"),
    "delete all of a run": lambda memory: memory.add("As I said, I live in Oslo.", user_id=USER, run_id="r1"),
    "pattern again": lambda memory: (runs_in_the_park(memory), consolidate(memory), run_once_more(memory)),
    "merge merged entities": lambda memory: memory.merge_entities("Dana", "Ingrid", user_id=USER),
}
"""What is there, beside what was said, before some of the changes."""

CHANGES = {
    "add": add("I play the violin."),
    "add several": add(["I play the violin.", "I live in Bergen now.", "I have a cat."]),
    "supersede": add("I moved to Bergen, I live in Bergen now."),
    "end": add("I don't live in Oslo any more."),
    "say again": add("As I said, I live in Oslo."),
    "say more fully": add("I have a cat named Miso."),
    "correct": add("No, I meant Thursday, not Tuesday."),
    "add verbatim": add("Whatever", infer=False),
    "procedure": add(
        [{"role": "user", "content": "Book a table"}, {"role": "assistant", "content": "I called the restaurant."}],
        memory_type="procedural_memory",
    ),
    "remember": lambda memory: memory.remember("A note", user_id=USER)["receipt"]["change_id"],
    "update": lambda memory: memory.update(one(memory, "Oslo"), data="I live in Bergen")["change_id"],
    "update details": lambda memory: memory.update(one(memory, "Oslo"), metadata={"a": 1})["change_id"],
    "delete": lambda memory: memory.delete(one(memory, "Oslo"))["change_id"],
    "delete message": delete_message,
    "delete all": lambda memory: memory.delete_all(user_id=USER)["change_id"],
    "forget": lambda memory: memory.forget(one(memory, "Oslo"))["change_id"],
    "forget what was said twice": lambda memory: memory.forget(one(memory, "Oslo"))["change_id"],
    "merge by consolidation": consolidate,
    "retire by consolidation": consolidate,
    "pattern": consolidate,
    "merge entities": lambda memory: memory.merge_entities("Dana", "Ingrid", user_id=USER)["change_id"],
    "split entity": lambda memory: memory.split_entity("Dana", "my wife", user_id=USER)["change_id"],
    "say again in a run": add("As I said, I live in Oslo.", run_id="r1"),
    "delete message of two": delete_message,
    "delete superseded": lambda memory: memory.delete(superseded(memory))["change_id"],
    "forget superseded": lambda memory: memory.forget(superseded(memory))["change_id"],
    "delete what came too late": lambda memory: memory.delete(superseded(memory))["change_id"],
    "delete all of a run": lambda memory: memory.delete_all(run_id="r1")["change_id"],
    "pattern again": consolidate,
    "merge merged entities": lambda memory: memory.merge_entities("user", "Dana", user_id=USER)["change_id"],
}


def still(items):
    """Without the numbers and times that grow with every change."""
    moving = ("version", "updated_at", "known_to", "score")
    return [{key: value for key, value in item.items() if key not in moving} for item in items]


def past(memory, moment):
    """What was known at a moment, what held, and what others took the place of."""
    return [
        still(memory.get_all(user_id=USER, **asked)["results"])
        for asked in (
            {"latest_only": False},
            {"known_at": moment},
            {"known_at": moment, "latest_only": False},
            {"as_of": "2025-03-01T12:00:00Z"},
        )
    ]


def picture(memory):
    """All that a user can see of what is there now."""
    graph = memory.graph(user_id=USER)
    current = memory.get_all(user_id=USER)["results"]
    return {
        "current": still(current),
        "run": still(memory.get_all(run_id="r1")["results"]),
        "hits": still(memory.search("Where do I live?", user_id=USER)["results"]),
        "cats": still(memory.search("cat", user_id=USER, threshold=0, top_k=3)["results"]),
        "messages": [
            (each["id"], each["content"], each["state"], each["reason"])
            for each in memory.messages(user_id=USER)["results"]
        ],
        "nodes": sorted((each["name"], sorted(each["aliases"]), each["memories"]) for each in graph["nodes"]),
        "edges": sorted((each["subject_name"], each["predicate"], each["object_name"]) for each in graph["edges"]),
        "profile": memory.profile(user_id=USER)["text"],
    }


NAMED_FOR_EVER = "who is named by a version of a memory is not taken back with that version"


def some_fail(names):
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=names[name])) if name in names else name for name in CHANGES
    ]


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize("name", some_fail({"say more fully": NAMED_FOR_EVER}))
def test_a_change_taken_back_leaves_everything_as_it_was(rules, name):
    told(rules)
    BEFORE.get(name, lambda _: None)(rules)
    before = picture(rules)
    change = CHANGES[name](rules)
    assert picture(rules) != before
    answer = rules.undo(change)
    assert picture(rules) == before
    assert answer["undone"] == change
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize("name", some_fail({"say more fully": NAMED_FOR_EVER}))
def test_an_undo_is_a_change_that_can_be_taken_back_as_well(rules, name):
    def all_there_is():
        return picture(rules), [past(rules, moment) for moment in moments]

    told(rules)
    BEFORE.get(name, lambda _: None)(rules)
    moments, before = [now()], picture(rules)
    change = CHANGES[name](rules)
    moments.append(now())
    after = all_there_is()
    assert after[0] != before
    back = rules.undo(change)["change_id"]
    undone = all_there_is()
    assert undone[0] == before
    for expected in (after, undone, after):
        back = rules.undo(back)["change_id"]
        assert all_there_is() == expected
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("W9")
def test_a_long_row_of_changes_is_taken_back_one_by_one_to_the_empty_store(rules):
    pictures, changes = [picture(rules)], []
    for text in SAID:
        changes.append(rules.add(text, user_id=USER, at="2025-03-01T09:00:00+00:00")["receipt"]["change_id"])
        pictures.append(picture(rules))
    for name in ("merge entities", "update details", "delete message", "add several", "delete all", "remember"):
        changes.append(CHANGES[name](rules))
        pictures.append(picture(rules))
    for change in reversed(changes):
        assert picture(rules) == pictures.pop()
        rules.undo(change)
    assert picture(rules) == pictures.pop()
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("W9")
def test_what_was_changed_and_taken_back_in_between_does_not_stand_in_the_way(rules):
    added = rules.add("I live in Oslo.", user_id=USER)
    (memory_id,) = [item["id"] for item in added["results"]]
    rules.undo(rules.update(memory_id, data="I live in Bergen")["change_id"])
    rules.undo(rules.delete(memory_id)["change_id"])
    rules.undo(rules.forget(memory_id)["change_id"])
    rules.undo(rules.add("I moved to Rome, I live in Rome now.", user_id=USER)["receipt"]["change_id"])
    assert rules.get(memory_id)["memory"] == "I live in Oslo."
    rules.undo(added["receipt"]["change_id"])
    assert rules.get_all(user_id=USER)["results"] == []
    assert rules.messages(user_id=USER)["results"] == []
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize("name", ["forget", "forget what was said twice"])
def test_what_is_forgotten_again_is_kept_from_being_learnt_again(rules, name):
    def is_taken(words):
        answer = rules.add(words, user_id=USER)
        rules.undo(answer["receipt"]["change_id"])
        return answer["results"] != []  # as something new, or known

    told(rules)
    BEFORE.get(name, lambda _: None)(rules)
    last = CHANGES[name](rules)
    for forgotten in (True, False, True, False):
        assert is_taken("I live in Oslo.") is not forgotten
        assert is_taken("My home is in Oslo.") is not forgotten
        last = rules.undo(last)["change_id"]


# What is refused.


def test_a_change_is_taken_back_once(rules):
    change = rules.remember("A note", user_id=USER)["receipt"]["change_id"]
    by = rules.undo(change)["change_id"]
    with pytest.raises(Conflict, match=by):
        rules.undo(change)
    assert rules.get_all(user_id=USER)["total"] == 0


def test_a_change_that_later_ones_rest_on_stays_and_the_later_ones_are_named(rules):
    added = rules.add("I live in Oslo.", user_id=USER)
    (memory_id,) = [item["id"] for item in added["results"]]
    first = rules.update(memory_id, data="I live in Bergen")["change_id"]
    second = rules.update(memory_id, data="I live in Rome")["change_id"]
    before = picture(rules)
    with pytest.raises(Conflict, match=f"undo what came later first: {second}, {first}"):
        rules.undo(added["receipt"]["change_id"])
    with pytest.raises(Conflict, match=f"later first: {second}$"):
        rules.undo(first)
    assert picture(rules) == before
    for change in (second, first, added["receipt"]["change_id"]):
        rules.undo(change)
    assert rules.get_all(user_id=USER)["total"] == 0


def test_what_was_deleted_later_does_not_come_back_with_what_took_its_place(rules):
    told(rules)
    moved = rules.add("I moved to Bergen.", user_id=USER)["receipt"]["change_id"]
    deleted = rules.delete(superseded(rules))["change_id"]
    with pytest.raises(Conflict, match=deleted):
        rules.undo(moved)
    rules.undo(deleted)
    rules.undo(moved)
    assert one(rules, "Oslo")


def test_what_is_one_with_another_by_now_is_not_merged_again_by_undoing_an_undo(rules):
    told(rules)
    merged = rules.merge_entities("Dana", "Ingrid", user_id=USER)["change_id"]
    parted = rules.undo(merged)["change_id"]
    other = rules.merge_entities("Oslo", "Ingrid", user_id=USER)["change_id"]
    before = picture(rules)
    with pytest.raises(Conflict, match="undo that merge"):
        rules.undo(parted)
    assert picture(rules) == before
    rules.undo(other)
    rules.undo(parted)
    assert len(rules.graph(user_id=USER)["nodes"]) == 3


@pytest.mark.parametrize("change", ["nothing", "0" * 36, "*", "%"])
def test_an_unknown_change_is_not_found(rules, change):
    with pytest.raises(NotFound):
        rules.undo(change)


@pytest.mark.parametrize("change", [None, "", 3, ["a"]])
def test_what_is_no_id_is_said_so(rules, change):
    with pytest.raises(InvalidInput):
        rules.undo(change)


def test_a_bound_scope_takes_back_its_own_changes_only(rules):
    change = rules.remember("A note", user_id=USER)["receipt"]["change_id"]
    with pytest.raises(NotFound):
        rules.scope(user_id="bob").undo(change)
    assert rules.get_all(user_id=USER)["total"] == 1
    rules.scope(user_id=USER).undo(change)
    assert rules.get_all(user_id=USER)["total"] == 0


def test_after_an_undo_the_same_words_are_learnt_as_if_never_said(rules):
    rules.undo(rules.add("I play the violin.", user_id=USER)["receipt"]["change_id"])
    (item,) = rules.add("I play the violin.", user_id=USER)["results"]
    assert item["event"] == "ADD"
    assert len(rules.get(item["id"])["sources"]) == 1


def test_a_message_that_is_pending_is_taken_back_and_never_extracted(make):
    memory = make(background=False)
    change = memory.add("I ski", user_id=USER, wait="stored")["receipt"]["change_id"]
    memory.undo(change)
    assert memory.process_pending()["processed"] == 0
    assert memory.search("ski", user_id=USER, threshold=0)["results"] == []
    assert memory.get_all(user_id=USER)["results"] == []
