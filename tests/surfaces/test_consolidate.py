"""Tidying up proposes, does what was agreed to, can be taken back, and never feeds on its own work."""

import pytest

from mnemic import InvalidInput, InvalidScope

USER = "alice"
RUNS = {
    "English": (
        ("Ran 5 km in the park with Tom on Monday", "2025-03-03"),
        ("Ran 5 km in the park with Tom on Tuesday", "2025-03-11"),
        ("Ran 5 km in the park with Tom on Friday", "2025-03-21"),
    ),
    "Chinese": (
        ("跟小明在公園跑步五公里，天氣好", "2025-03-03"),
        ("跟小明在公園跑步五公里，天氣熱", "2025-03-11"),
        ("跟小明在公園跑步五公里，天氣冷", "2025-03-21"),
    ),
}


def remember(memory, *said, kind="note", user=USER):
    return [memory.remember(text, user_id=user, kind=kind)["results"][0]["id"] for text in said]


def ran(memory, language="English", user=USER):
    return [
        memory.remember(text, user_id=user, kind="event", at=f"{day}T08:00:00+00:00")["results"][0]["id"]
        for text, day in RUNS[language]
    ]


def texts(memory, user=USER):
    return sorted(item["memory"] for item in memory.get_all(user_id=user)["results"])


def proposed(memory, **arguments):
    return memory.consolidate(user_id=USER, **arguments)["proposals"]


def test_by_default_it_only_proposes(rules):
    remember(rules, "I live in Oslo", "I live in Oslo!", "I play the violin")
    ran(rules)
    before = rules.get_all(user_id=USER)
    answer = rules.consolidate(user_id=USER)
    assert (answer["dry_run"], answer["applied"]) == (True, 0)
    assert sorted(each["kind"] for each in answer["proposals"]) == ["merge", "pattern"]
    assert all("change_id" not in each for each in answer["proposals"])
    assert rules.get_all(user_id=USER) == before
    assert rules.consolidate(user_id=USER) == answer  # the same store gives the same proposals, ids and all


def test_what_says_the_same_becomes_one_with_all_the_sources(rules):
    ids = remember(rules, "I live in Oslo", "I live in Oslo!", "i live in oslo.")
    (proposal,) = proposed(rules, dry_run=False)
    assert (proposal["kind"], set(proposal["memories"])) == ("merge", set(ids))
    (item,) = rules.get_all(user_id=USER)["results"]
    assert item["memory"] == proposal["proposed"]
    assert len(item["sources"]) == 3
    others = [each for each in ids if each != item["id"]]
    for each in others:
        last = rules.history(each)[-1]
        assert (last["event"], last["actor"], last["reason"]) == ("DELETE", "consolidation", "merged")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I live in Oslo", "I don't live in Oslo"),
        ("I ran 5 km", "I ran 50 km"),
        ("My friend is Tom", "My friend is Tim"),
        ("我住在台北", "我不住在台北"),
        ("我跑了5公里", "我跑了50公里"),
    ],
)
def test_what_differs_in_a_number_a_name_or_a_negation_is_never_merged(rules, one, other):
    remember(rules, one, other)
    assert [each for each in proposed(rules, dry_run=False) if each["kind"] == "merge"] == []
    assert texts(rules) == sorted([one, other])


def test_two_users_are_never_tidied_together(rules):
    for user in (USER, "bob"):
        remember(rules, "I live in Oslo", user=user)
    rules.remember("I live in Oslo", user_id=USER, agent_id="travel")
    assert proposed(rules, dry_run=False) == []
    with pytest.raises(InvalidScope):
        rules.consolidate()


def test_what_is_expired_or_rated_wrong_is_retired_unless_it_is_pinned(rules):
    old = rules.remember("Back at two", user_id=USER, expiration_date="2020-01-01")["results"][0]["id"]
    wrong, pinned = remember(rules, "Has a dog", "Has a cat")
    for each in (wrong, pinned):
        rules.feedback(each, "VERY_NEGATIVE")
    rules.pin(pinned)
    assert {(each["kind"], each["reason"], *each["memories"]) for each in proposed(rules, dry_run=False)} == {
        ("retire", "expired", old),
        ("retire", "rated wrong", wrong),
    }
    assert texts(rules) == ["Has a cat"]


@pytest.mark.parametrize("language", RUNS)
def test_what_happened_again_and_again_is_a_pattern_that_cites_each_time(rules, language):
    ids = ran(rules, language)
    (proposal,) = proposed(rules, dry_run=False)
    assert (proposal["kind"], proposal["memories"], proposal["reason"]) == ("pattern", ids, "happened on 3 days")
    (pattern,) = [item for item in rules.get_all(user_id=USER)["results"] if item["kind"] == "pattern"]
    assert (pattern["memory"], pattern["origin"]) == (proposal["proposed"], "inferred")
    assert all(part in pattern["memory"] for part in ("×3", "2025-03-03", "2025-03-21"))
    assert {source["quote"] for source in pattern["sources"]} == {text for text, _ in RUNS[language]}
    assert {item["id"] for item in rules.get_all(user_id=USER)["results"]} == {*ids, pattern["id"]}


def test_twice_is_chance(rules):
    for text, day in RUNS["English"][:2]:
        rules.remember(text, user_id=USER, kind="event", at=f"{day}T08:00:00+00:00")
    assert proposed(rules) == []


def test_it_never_feeds_on_its_own_work(rules):
    remember(rules, "I live in Oslo", "I live in Oslo!", "I play the violin")
    ran(rules)
    assert len(proposed(rules, dry_run=False)) == 2
    before = rules.get_all(user_id=USER)
    for _ in range(3):
        assert proposed(rules, dry_run=False) == []
    assert rules.get_all(user_id=USER) == before


def test_the_same_again_a_fourth_time_makes_the_pattern_anew_and_keeps_one(rules):
    ran(rules)
    proposed(rules, dry_run=False)
    rules.remember(
        "Ran 5 km in the park with Tom on Sunday", user_id=USER, kind="event", at="2025-04-06T08:00:00+00:00"
    )
    proposed(rules, dry_run=False)
    patterns = [item["memory"] for item in rules.get_all(user_id=USER)["results"] if item["kind"] == "pattern"]
    assert len(patterns) == 1
    assert "×4" in patterns[0]


def test_each_proposal_is_applied_and_taken_back_on_its_own(rules):
    remember(rules, "I live in Oslo", "I live in Oslo!", "I play the violin", "i play the violin.")
    ran(rules)
    before = texts(rules)
    one, other, pattern = proposed(rules)
    (done,) = proposed(rules, dry_run=False, only=[other["id"]])
    assert done["id"] == other["id"]
    assert len(texts(rules)) == len(before) - 1
    assert {each["id"] for each in proposed(rules)} == {one["id"], pattern["id"]}
    rules.undo(done["change_id"])
    assert texts(rules) == before
    changes = [each["change_id"] for each in proposed(rules, dry_run=False)]
    assert len(texts(rules)) == len(before) - 1
    for change in changes:
        rules.undo(change)
    assert texts(rules) == before
    assert rules.verify()["problems"] == []


def test_a_proposal_that_no_longer_stands_is_refused(rules):
    first, _ = remember(rules, "I live in Oslo", "I live in Oslo!")
    (proposal,) = proposed(rules)
    rules.update(first, data="I live in Bergen")
    for only in ([proposal["id"]], ["nothing"], [""]):
        with pytest.raises(InvalidInput):
            rules.consolidate(user_id=USER, dry_run=False, only=only)
    assert texts(rules) == ["I live in Bergen", "I live in Oslo!"]
    assert rules.consolidate(user_id=USER, dry_run=False, only=[]) == {"proposals": [], "dry_run": False, "applied": 0}


def test_an_empty_scope_gives_nothing_and_a_large_one_is_never_emptied(rules):
    assert proposed(rules, dry_run=False) == []
    remember(rules, *["I live in Oslo"] * 12)
    proposed(rules, dry_run=False)
    assert texts(rules) == ["I live in Oslo"]


# The profile.


def test_a_profile_is_put_together_from_current_memories_only(rules):
    for text in ("My name is Alice.", "I live in Oslo.", "I work at Acme.", "I like jazz.", "My sister lives in Rome."):
        rules.add(text, user_id=USER, at="2025-01-01")
    rules.add("I work at Globex now.", user_id=USER, at="2025-02-01")
    profile = rules.profile(user_id=USER)
    assert [each["text"] for each in profile["facts"]] == ["My name is Alice."]
    assert sorted(each["text"] for each in profile["state"]) == ["I live in Oslo.", "I work at Globex now."]
    assert [each["text"] for each in profile["preferences"]] == ["I like jazz."]
    for each in (*profile["facts"], *profile["state"], *profile["preferences"]):
        assert rules.get(each["memory_id"])["memory"] == each["text"]
        assert each["text"] in profile["text"]


def test_a_profile_is_the_same_to_the_byte_until_a_memory_of_it_changes(rules):
    for text in ("I live in Oslo.", "I like jazz.", "我對花生過敏。"):
        rules.add(text, user_id=USER)
    before = rules.profile(user_id=USER)
    rules.add(
        ["Good morning!", "My sister lives in Rome.", {"role": "tool", "content": "I live in Bergen."}], user_id=USER
    )
    rules.add("I live in Rome.", user_id="bob")
    assert rules.profile(user_id=USER) == before
    rules.add("I like opera.", user_id=USER)
    assert rules.profile(user_id=USER)["text"] != before["text"]
