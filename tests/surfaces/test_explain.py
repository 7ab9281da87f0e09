"""Why a search answers as it does: R11. On a real store with the bundled embedder, unless a test says otherwise."""

import html
import json
import math
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from mnemic import InvalidFilter, InvalidInput, InvalidScope, Memory, explaining
from mnemic.cli.main import app
from mnemic.protocols import ARMS
from mnemic.stores.sqlite import SQLiteStore
from mnemic.testing.memory_store import InMemoryStore
from mnemic.times import now

USER = "alice"


def keep(memory, *texts, user_id=USER, **arguments):
    """Ids of notes, one for each text."""
    return [memory.remember(text, user_id=user_id, **arguments)["results"][0]["id"] for text in texts]


def told(memory, question, memory_id, user_id=USER, **arguments):
    """What is said of one memory."""
    return memory.explain(question, memory_id, user_id=user_id, **arguments)["memory"]


def ids(items):
    return [each["id"] for each in items]


LIFE = (
    "Plays tennis with Dana every Saturday",
    "Likes green tea",
    "Works at Siemens as an engineer",
    "Lives in Munich near the river",
    "Has a cat named Miso",
)
LIFE_ZH = ("我喜歡在週末打網球", "我住在台北的大安區", "我對花生過敏", "我的貓叫咪咪")


# Hits.


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question", "arms"),
    [
        (
            (*LIFE, "Dana lent Alice a tennis racket", "Dana moved to Berlin", "Watched a tennis match on TV"),
            "When did Dana play tennis in March 2025?",
            set(ARMS),
        ),
        (
            (*LIFE_ZH, "我和美玲去打網球", "美玲搬到高雄了", "我在電視上看網球比賽"),
            "2025年三月誰打網球？",
            set(ARMS) - {"entity"},
        ),
    ],
)
def test_the_ranks_given_are_those_of_a_search_by_each_arm_alone(tmp_path, texts, question, arms):
    """Each note is of a session of its own, so that none lends another anything.

    Without the arm of times the words that tell one are looked for, too, so the others are asked without them.
    """
    path = tmp_path / "m.db"
    asked = {"user_id": USER, "threshold": 0, "top_k": 50, "reference_date": "2026-05-05"}
    with Memory(path, background=False, decay=None) as memory:
        for number, text in enumerate(texts, 1):
            memory.add(text, user_id=USER, run_id=f"run-{number}", at=f"2025-0{2 + number % 3}-{3 * number:02}")
        told = memory.explain(question, **asked)
    found, core = told["hits"], told["question"]["core"]
    assert core != question
    assert len(found) > 5
    ranked = {arm: _by_rank(found, arm) for arm in ARMS}
    assert {arm for arm in ARMS if ranked[arm]} == arms
    for arm in arms:
        with Memory(path, background=False, decay=None, arms=[arm]) as alone:
            order = ids(alone.search(question if arm == "time" else core, **asked)["results"])
        assert order[: len(ranked[arm])] == ranked[arm], arm


def _by_rank(items, arm):
    """Ids by their rank in an arm, none missing; of vectors those that are nearer than unrelated ones."""
    places = [
        (each["score_details"]["arms"][arm], each["id"]) for each in items if arm in each["score_details"]["arms"]
    ]
    places.sort(key=lambda place: place[0]["rank"])
    assert [each["rank"] for each, _ in places] == list(range(1, len(places) + 1))
    return [memory_id for each, memory_id in places if arm != "vector" or each["value"] > 0]


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question"),
    [
        ([f"Plays tennis on {day}" for day in ("Monday", "Tuesday", "Friday", "Sunday")], "tennis"),
        ([f"我{day}打網球" for day in ("週一", "週二", "週五", "週日")], "網球"),
    ],
)
def test_boosts_multiply_to_the_order_shown(rules, texts, question):
    notes = keep(rules, *texts)
    before = ids(rules.explain(question, user_id=USER, threshold=0)["hits"])
    assert sorted(before) == sorted(notes)
    rules.feedback(before[-1], "POSITIVE")
    rules.pin(before[-1])
    rules.feedback(before[0], "VERY_NEGATIVE")
    hits = rules.explain(question, user_id=USER, threshold=0)["hits"]
    boosts = {each["id"]: each["score_details"]["boosts"] for each in hits}
    assert {"feedback", "pinned"} <= boosts[before[-1]].keys()
    assert boosts[before[0]]["feedback"] < 1 < boosts[before[-1]]["feedback"]
    places = [each["score_details"]["evidence"] * math.prod(boosts[each["id"]].values()) for each in hits]
    assert all(place >= later - 2e-4 for place, later in pairwise(places))
    assert ids(hits) != before
    assert [each["rank"] for each in hits] == [1, 2, 3, 4]


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question", "right"),
    [
        (
            ["We moved to Manchester.", "Where I live matters to me.", "My sister lives in Leeds.", "I like to live."],
            "Where do I live?", "Manchester",
        ),
        (
            ["我們搬到高雄了。", "我住的地方對我很重要。", "我妹妹住在台南。", "我喜歡住的地方安靜。"], "我住在哪裡？", "高雄",
        ),
    ],
)  # fmt: skip
def test_boosts_tell_why_a_memory_of_what_is_asked_for_leads_one_with_more_evidence(rules, texts, question, right):
    for day, each in enumerate(texts, 1):
        rules.add(each, user_id=USER, at=f"2024-03-{day:02d}")
    hits = rules.explain(question, user_id=USER, threshold=0)["hits"]
    details = [each["score_details"] for each in hits]
    assert right in hits[0]["memory"]
    assert details[0]["evidence"] < max(each["evidence"] for each in details)
    assert details[0]["boosts"]["attribute"] > 1.4
    places = [each["evidence"] * math.prod(each["boosts"].values()) for each in details]
    assert places == sorted(places, reverse=True)


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize("past", [{}, {"as_of": "2026-01-01"}, {"known_at": True}])
def test_it_tells_of_the_same_hits_as_search_in_the_same_shape(rules, past):
    keep(rules, *LIFE)
    asked = {"user_id": USER, "top_k": 3} | {name: now() if value is True else value for name, value in past.items()}
    if "as_of" in past:
        rules.add("I live in Berlin.", user_id=USER, at="2019-03-01")
    searched = rules.search("Where does Alice live?", explain=True, **asked)
    result = rules.explain("Where does Alice live?", **asked)
    shared = [
        {name: value for name, value in each.items() if name not in ("rank", "copy_of", "dropped")}
        for each in result["hits"]
    ]
    assert shared == searched["results"] != []
    lost = result["dropped_counts"]
    assert lost.get("below_floor", 0) + lost.get("off_topic", 0) == searched["below_floor"]


@pytest.mark.behaviour("R11")
def test_it_says_what_was_understood(rules):
    question = rules.explain(
        "Where did Dana and I go before I moved to Paris, last in March 2024?",
        user_id=USER,
        reference_date="2025-01-01",
    )["question"]
    assert question["names"] == ["Dana", "Paris"]
    assert question["times"][0] == {
        "start": "2024-03-01T00:00:00+00:00",
        "end": "2024-04-01T00:00:00+00:00",
        "precision": "month",
        "role": "in",
    }
    assert question["anchor"]["role"] == "before"
    assert question["past"]
    assert question["about_user"]
    listed = rules.explain("我去過哪些國家？", user_id=USER)["question"]
    assert listed["breadth"]
    assert listed["about_user"]
    assert listed["times"] == []
    assert (listed["attributes"], listed["only_time"]) == ([], False)
    assert "home" in rules.explain("Where do I live?", user_id=USER)["question"]["attributes"]
    assert rules.explain("上週發生了什麼事？", user_id=USER)["question"]["only_time"]


@pytest.mark.behaviour("R11")
def test_it_says_which_arms_looked_and_through_how_much(tmp_path):
    with Memory(tmp_path / "m.db", background=False, arms=["keyword", "recency"]) as memory:
        keep(memory, *LIFE)
        keep(memory, "Plays chess", user_id="bob")
        result = memory.explain("tennis", user_id=USER)
    assert (result["arms"], result["searched"]) == (["keyword", "recency"], 5)
    assert result["hits"][0]["score_details"]["arms"]["keyword"]["rank"] == 1
    assert "vector" not in result["hits"][0]["score_details"]["arms"]


# Why a memory is not there, in the order of the pipeline.


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize("memory_id", ["01a2050d-f127-8cc3-8002-a67cc6679077", "nonsense", "'; DROP TABLE memories"])
def test_an_id_of_nothing_is_said_to_be_none(rules, memory_id):
    keep(rules, *LIFE)
    it = told(rules, "tennis", memory_id)
    assert (it["status"], it["memory"], it["rank"]) == ("unknown", None, None)
    assert memory_id.lower() in it["reason"]


@pytest.mark.behaviour("R11")
def test_what_is_somebody_elses_is_in_another_scope(rules):
    (theirs,) = keep(rules, "Plays tennis", user_id="bob")
    it = told(rules, "tennis", theirs)
    assert it["status"] == "other_scope"
    assert it["numbers"] == {"searched": {"user_id": USER}}
    assert it["reason"] == "It belongs to another scope than the one that was searched."
    assert "bob" not in json.dumps(it)
    assert it["memory"] is None


@pytest.mark.behaviour("R11")
def test_what_was_said_in_another_run_is_in_another_scope_and_what_was_said_in_both_is_found(rules):
    first = rules.add("I play tennis on Sundays.", user_id=USER, run_id="one")["results"][0]["id"]
    assert told(rules, "tennis", first, run_id="two")["status"] == "other_scope"
    rules.add("I play tennis on Sundays.", user_id=USER, run_id="two")
    assert told(rules, "tennis", first, run_id="two")["status"] == "found"


@pytest.mark.behaviour("R11")
def test_a_view_bound_to_a_user_is_not_told_that_others_have_anything(rules):
    (theirs,) = keep(rules, "Plays tennis", user_id="bob")
    assert rules.scope(user_id=USER).explain("tennis", theirs)["memory"]["status"] == "unknown"


@pytest.mark.behaviour("R11")
def test_a_message_that_memories_were_made_of_is_represented_by_them(rules):
    added = rules.add("我住在台北。", user_id=USER)
    message, memory_id = added["receipt"]["messages"][0]["episode_id"], added["results"][0]["id"]
    it = told(rules, "我住在哪裡？", message)
    assert (it["status"], it["numbers"]) == ("represented", {"memories": [memory_id]})
    assert memory_id in it["reason"]
    assert told(rules, "我住在哪裡？", memory_id)["status"] == "found"


@pytest.mark.behaviour("R11")
def test_a_message_kept_word_for_word_is_represented_by_its_memory(rules):
    added = rules.add("Plays tennis", user_id=USER, infer=False)
    message, memory_id = added["receipt"]["messages"][0]["episode_id"], added["results"][0]["id"]
    it = told(rules, "tennis", message, include=["memory", "episode"])
    assert (it["status"], it["numbers"]["memories"]) == ("represented", [memory_id])


@pytest.mark.behaviour("R11")
def test_a_message_that_was_refused_says_why(rules):
    message = rules.add("Thanks a lot!", user_id=USER)["receipt"]["messages"][0]
    assert message["state"] == "refused"
    it = told(rules, "thanks", message["episode_id"])
    assert (it["status"], it["numbers"]["reason"]) == ("refused", message["reason"])
    assert message["reason"] in it["reason"]


@pytest.mark.behaviour("R11")
def test_a_message_that_was_deleted_is_hidden(rules):
    message = rules.add("I live in Taipei.", user_id=USER)["receipt"]["messages"][0]["episode_id"]
    rules.delete(message)
    it = told(rules, "Where do I live?", message)
    assert (it["status"], it["memory"]) == ("hidden", None)


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize("text", ["Plays tennis", "打網球"])
@pytest.mark.parametrize(("act", "status"), [("delete", "deleted"), ("forget", "forgotten"), ("undo", "undone")])
def test_what_is_gone_says_how_it_went_and_none_of_its_words(rules, act, status, text):
    added = rules.remember(text, user_id=USER)
    memory_id = added["results"][0]["id"]
    getattr(rules, act)(added["receipt"]["change_id"] if act == "undo" else memory_id)
    it = told(rules, text, memory_id)
    assert (it["status"], it["memory"], it["score"]) == (status, None, None)
    assert text not in json.dumps(it, ensure_ascii=False)
    assert it["numbers"]["at"][:10] in it["reason"]


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("was", "now_is", "question"),
    [
        ("I live in Berlin.", "I moved to Paris.", "Where do I live?"),
        ("我住在台北。", "我搬到台南了。", "我住在哪裡？"),
    ],
)
def test_what_is_superseded_names_what_took_its_place(rules, was, now_is, question):
    former = rules.add(was, user_id=USER, at="2024-01-01")["results"][0]["id"]
    later = rules.add(now_is, user_id=USER, at="2025-01-01")["results"][0]["id"]
    it = told(rules, question, former)
    assert (it["status"], it["numbers"]["by"], it["memory"]) == ("superseded", later, was)
    assert later in it["reason"]
    assert told(rules, question, former, latest_only=False)["status"] == "found"
    assert told(rules, question, former, as_of="2024-06-01")["status"] == "found"


@pytest.mark.behaviour("R11")
def test_what_was_merged_names_what_it_was_merged_into(rules):
    keep(rules, "Plays tennis with Dana", "Plays tennis with Dana.")
    merged = rules.consolidate(user_id=USER, dry_run=False)["proposals"]
    if not merged:
        pytest.fail("two copies were to be merged")
    gone = next(each for each in merged[0]["memories"] if told(rules, "tennis", each)["status"] != "found")
    it = told(rules, "tennis", gone)
    assert it["status"] == "merged"
    assert it["numbers"]["by"] in set(merged[0]["memories"]) - {gone}


@pytest.mark.behaviour("R11")
def test_what_expired_says_when(rules):
    (memory_id,) = keep(rules, "Plays tennis", expiration_date="2025-03-01")
    it = told(rules, "tennis", memory_id)
    assert (it["status"], it["numbers"]["expired"]) == ("expired", "2025-03-02T00:00:00+00:00")
    assert told(rules, "tennis", memory_id, show_expired=True)["status"] == "found"
    assert told(rules, "tennis", memory_id, reference_date="2025-02-01")["status"] == "found"


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("filters", "failing"),
    [
        ({"stars": {"gte": 3}, "place": "台北"}, {"stars": {"gte": 3}}),
        ({"place": "台北", "stars": {"gte": 3}}, {"stars": {"gte": 3}}),
        ({"place": "高雄", "stars": {"gte": 3}}, {"place": "高雄"}),
        ({"AND": [{"place": "台北"}, {"NOT": {"kind": "note"}}]}, {"NOT": {"kind": "note"}}),
        ({"user_id": USER, "OR": [{"stars": 5}, {"place": "高雄"}]}, {"OR": [{"stars": 5}, {"place": "高雄"}]}),
        ({"entity": "Dana", "stars": 1}, {"entity": "Dana"}),
    ],
)
def test_what_a_filter_keeps_out_names_the_first_condition_that_fails(rules, filters, failing):
    (memory_id,) = keep(rules, "我喜歡打網球", metadata={"stars": 1, "place": "台北"})
    it = told(rules, "網球", memory_id, filters=filters)
    assert (it["status"], it["numbers"]["condition"]) == ("filtered", failing)
    assert json.dumps(failing, ensure_ascii=False) in it["reason"]
    assert told(rules, "網球", memory_id, filters={"place": "台北", "stars": 1})["status"] == "found"


@pytest.mark.behaviour("R11")
def test_what_include_leaves_out_says_so(rules):
    (memory_id,) = keep(rules, "Plays tennis")
    assert told(rules, "tennis", memory_id, include=["episode"])["status"] == "not_included"
    assert told(rules, "tennis", memory_id, include=["memory"])["status"] == "found"


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("far", "near", "question"),
    [
        ("The boiler was serviced by a plumber", "Plays tennis on court {}", "Who plays tennis?"),
        ("熱水器壞了，師傅來修", "在第{}球場打網球", "誰打網球？"),
    ],
)
def test_what_no_arm_finds_says_how_far_it_was(rules, far, near, question):
    (memory_id,) = keep(rules, far, at="2020-01-01")
    keep(rules, *(near.format(number) for number in range(34)))
    it = told(rules, question, memory_id, top_k=1)
    assert (it["status"], it["rank"]) == ("not_found", None)
    assert it["numbers"]["handed"] == 30
    assert it["numbers"]["searched"] == 35
    assert it["numbers"]["ranks"]["vector"] == 35
    assert it["numbers"]["ranks"]["recency"] == 35
    assert it["score_details"]["arms"]["vector"]["value"] < 0.3
    assert "vector 35" in it["reason"]


@pytest.mark.behaviour("R11")
def test_how_far_something_is_is_told_up_to_a_bound(rules, monkeypatch):
    """With a bound as small as a test can fill: what an arm is asked for is never fewer than 30."""
    monkeypatch.setattr(explaining, "_FARTHEST", 10)
    (memory_id,) = keep(rules, "The boiler was serviced by a plumber", at="2020-01-01")
    keep(rules, *(f"Plays tennis on court {number}" for number in range(34)))
    it = told(rules, "Who plays tennis?", memory_id, top_k=1)
    assert it["status"] == "not_found"
    assert "vector beyond 30" in it["reason"]
    assert it["numbers"]["ranks"] == {}


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question"), [(LIFE, "How do I sort a list in Python?"), (LIFE_ZH, "蒙古的首都是哪裡?")]
)
def test_a_question_about_something_else_says_so(rules, texts, question):
    notes = keep(rules, *texts)
    result = rules.explain(question, notes[1], user_id=USER)
    assert (result["heard"], result["hits"]) == (False, [])
    assert result["dropped_counts"] == {"off_topic": len(notes)}
    it = result["memory"]
    assert it["status"] == "off_topic"
    assert it["numbers"]["lift"] < 1
    assert f"{it['score']:.2f}" in it["reason"]
    assert told(rules, question, notes[1], threshold=0)["status"] == "found"


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question"), [(LIFE, "Who plays tennis with Dana on Saturdays?"), (LIFE_ZH, "週末在哪裡打網球？")]
)
def test_what_is_below_the_floor_says_its_score_and_the_floor(rules, texts, question):
    notes = keep(rules, *texts)
    result = rules.explain(question, notes[2], user_id=USER)
    assert (result["heard"], result["hits"][0]["id"]) == (True, notes[0])
    it = result["memory"]
    assert it["status"] == "below_floor"
    assert it["score"] < it["numbers"]["floor"] == result["floor"]
    assert it["rank"] > len(result["hits"])
    assert f"{it['score']:.2f}" in it["reason"]
    assert f"{result['floor']:.2f}" in it["reason"]
    assert told(rules, question, notes[2], threshold=0.0)["status"] == "found"
    assert told(rules, question, notes[0], threshold=1.0)["status"] == "below_floor"


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("texts", "question"),
    [
        (["Plays tennis", "Plays tennis.", "Plays tennis!", "Watched a tennis match"], "Who plays tennis?"),
        (["我打網球", "我打網球。", "我打網球！", "看了一場網球比賽"], "誰打網球？"),
    ],
)
def test_a_copy_names_the_better_one(rules, texts, question):
    notes = keep(rules, *texts)
    result = rules.explain(question, user_id=USER, top_k=2, threshold=0)
    best, other = ids(result["hits"])
    assert best in notes[:3]
    assert other == notes[3]
    for copy in set(notes[:3]) - {best}:
        it = told(rules, question, copy, top_k=2, threshold=0)
        assert (it["status"], it["numbers"]["copy_of"], it["numbers"]["top_k"]) == ("copy", best, 2)
        assert best in it["reason"]
        assert it["rank"] > 2
    assert result["dropped_counts"] == {"copy": 2}
    shown = rules.explain(question, user_id=USER, threshold=0)["hits"]
    assert [each["copy_of"] for each in shown] == [None, None, best, best]


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize(
    ("text", "question"), [("Plays tennis on court {}", "Who plays tennis?"), ("在第{}球場打網球", "誰打網球？")]
)
def test_what_comes_after_those_asked_for_says_its_rank(rules, text, question):
    notes = keep(rules, *(text.format(number) for number in range(25)))
    every = ids(rules.search(question, user_id=USER, top_k=25)["results"])
    assert sorted(every) == sorted(notes)
    for place in (2, 9, 24):
        it = told(rules, question, every[place], top_k=2)
        assert (it["status"], it["numbers"]["top_k"]) == ("beyond_top_k", 2)
        assert it["rank"] > 2
        assert f"rank {it['rank']}" in it["reason"]
    assert told(rules, question, every[2], top_k=2)["rank"] == 3
    result = rules.explain(question, user_id=USER, top_k=2)
    assert result["dropped_counts"] == {"beyond_top_k": 23}
    assert len(result["dropped"]) == 12
    assert {each["dropped"] for each in result["dropped"]} == {"beyond_top_k"}


# The past.


@pytest.mark.behaviour("R11")
def test_what_was_learnt_later_was_not_known_then(rules):
    keep(rules, "Plays tennis")
    then = now()
    later = rules.remember("Plays table tennis", user_id=USER)
    memory_id = later["results"][0]["id"]
    it = told(rules, "tennis", memory_id, known_at=then)
    assert it["status"] == "not_known_then"
    assert it["numbers"]["learnt"] > it["numbers"]["known_at"]
    added = rules.add("I saw tennis", user_id=USER, wait="stored")
    message = added["receipt"]["messages"][0]["episode_id"]
    assert told(rules, "tennis", message, known_at=then)["status"] == "not_known_then"
    assert told(rules, "tennis", memory_id, known_at=now())["status"] == "found"


@pytest.mark.behaviour("R11")
def test_what_was_deleted_later_is_found_in_what_was_known_then_unless_it_was_forgotten(rules):
    deleted, forgotten = keep(rules, "Plays tennis", "Likes green tea")
    then = now()
    rules.delete(deleted)
    rules.forget(forgotten)
    assert told(rules, "tennis", deleted, known_at=then)["status"] == "found"
    assert told(rules, "tennis", deleted, known_at=now())["status"] == "deleted"
    assert told(rules, "tea", forgotten, known_at=then)["status"] == "forgotten"


@pytest.mark.behaviour("R11")
def test_what_did_not_hold_then_says_when_it_did(rules):
    berlin = rules.add("I live in Berlin.", user_id=USER, at="2019-03-01")["results"][0]["id"]
    paris = rules.add("I moved to Paris.", user_id=USER, at="2022-05-01")["results"][0]["id"]
    it = told(rules, "Where do I live?", berlin, as_of="2023-01-01")
    assert (it["status"], it["numbers"]["valid_to"]) == ("not_then", "2022-05-01T00:00:00+00:00")
    assert told(rules, "Where do I live?", paris, as_of="2020-01-01")["status"] == "not_then"
    assert told(rules, "Where do I live?", berlin, as_of="2020-01-01")["status"] == "found"
    added = rules.add("Berlin was cold", user_id=USER, at="2024-01-01", wait="stored")
    message = added["receipt"]["messages"][0]["episode_id"]
    it = told(rules, "Berlin", message, as_of="2023-01-01")
    assert (it["status"], it["numbers"]["said_at"]) == ("not_then", "2024-01-01T00:00:00+00:00")


# The whole.


@pytest.mark.behaviour("R11")
@pytest.mark.parametrize("make_store", [SQLiteStore, InMemoryStore])
def test_every_memory_of_a_store_is_found_or_says_why_not(make_store, tmp_path):
    """Whatever is true of the hits of a search is what is said of each memory by its id."""
    store = SQLiteStore(tmp_path / "m.db") if make_store is SQLiteStore else InMemoryStore()
    with Memory(store=store, background=False) as rules:
        _check_every_memory(rules)


def _check_every_memory(rules):
    notes = keep(rules, *LIFE, *LIFE_ZH, *LIFE)
    notes += keep(rules, "Plays tennis at night", expiration_date="2024-01-01")
    notes += keep(rules, "Plays tennis in Rome", metadata={"place": "Rome"})
    rules.delete(notes[0])
    seen = set()
    for question, asked in (
        ("Who plays tennis?", {}),
        ("我的貓叫什麼？", {}),
        ("tennis", {"filters": {"place": "Rome"}}),
    ):
        hits = ids(rules.search(question, user_id=USER, top_k=3, **asked)["results"])
        for memory_id in notes:
            it = told(rules, question, memory_id, top_k=3, **asked)
            assert (it["status"] == "found") == (memory_id in hits)
            seen.add(it["status"])
            assert it["reason"].endswith((".", "}"))
            if memory_id in hits:
                assert it["rank"] == hits.index(memory_id) + 1
    assert {"found", "deleted", "expired", "filtered", "below_floor"} <= seen


def test_asking_about_a_memory_changes_nothing_of_the_answer(rules):
    far = keep(rules, "The boiler was serviced", at="2020-01-01")
    keep(rules, *(f"Plays tennis on court {number}" for number in range(40)))
    without = rules.explain("Who plays tennis?", user_id=USER, top_k=2)
    told_of = rules.explain("Who plays tennis?", far[0], user_id=USER, top_k=2)
    assert told_of.pop("memory")["status"] == "not_found"
    assert told_of == without


def test_it_takes_what_search_takes_and_refuses_what_search_refuses(memory):
    memory.remember("Plays tennis", user_id=USER)
    with pytest.raises(InvalidInput, match="query"):
        memory.explain(" ", user_id=USER)
    with pytest.raises(InvalidInput, match="memory_id"):
        memory.explain("tennis", 3, user_id=USER)
    with pytest.raises(InvalidScope):
        memory.explain("tennis", user_id="")
    with pytest.raises(InvalidFilter):
        memory.explain("tennis", user_id=USER, filters={"stars": {"above": 3}})
    with pytest.raises(InvalidInput, match="top_k"):
        memory.explain("tennis", user_id=USER, top_k=3, limit=3)
    assert (
        memory.explain("tennis", user_id=USER, rerank=True)["notes"]
        == memory.search("tennis", user_id=USER, rerank=True)["notes"]
    )


def test_an_empty_store_explains_that_it_has_nothing(memory):
    result = memory.explain("tennis", user_id=USER)
    assert (result["searched"], result["hits"], result["dropped"], result["dropped_counts"]) == (0, [], [], {})


# The command.


@pytest.fixture
def store(tmp_path):
    """A store for the command line, and a way to call it."""
    path = tmp_path / "cli.db"
    with Memory(path, background=False) as memory:
        made = keep(memory, *LIFE)

    def cli(*arguments):
        given = ["--store", str(path), *map(str, arguments)]
        return CliRunner().invoke(app, given, catch_exceptions=False)

    return path, made, cli


@pytest.mark.behaviour("R11")
def test_the_command_shows_a_table_and_what_was_dropped(store):
    _, made, cli = store
    done = cli("explain", "Who plays tennis with Dana?", "-u", USER)
    assert done.exit_code == 0, done.output
    assert "names Dana" in done.stdout
    assert LIFE[0] in done.stdout
    assert re.search(r"vector 1, 0\.\d\d", done.stdout)
    assert re.search(r"recency \+\d\.\d %", done.stdout)
    assert "below floor" in done.stdout
    assert made[1] in done.stdout


@pytest.mark.behaviour("R11")
def test_the_command_says_why_a_memory_is_not_there(store):
    path, made, cli = store
    done = cli("explain", "Who plays tennis with Dana on Saturdays?", "-u", USER, "--id", made[2])
    assert re.search(r"Its score 0\.\d\d is below the floor 0\.\d\d", done.stdout)
    with Memory(path, background=False) as memory:
        memory.delete(made[1])
    assert "It was deleted on " in cli("explain", "tea", "-u", USER, "--id", made[1]).stdout
    assert (
        "There is no memory and no message with the id nothing."
        in cli("explain", "tea", "-u", USER, "--id", "nothing").stdout
    )


@pytest.mark.behaviour("R11")
def test_the_command_takes_the_options_of_search_and_prints_what_the_library_returns(store):
    path, made, cli = store
    options = ["-n", 1, "--threshold", 0, "--filter", '{"kind": "note"}', "--show-expired", "--known-at", "2099-01-01"]
    done = cli("explain", "Who plays tennis?", "-u", USER, "--id", made[1], *options, "--json")
    shown = json.loads(done.stdout)
    assert (ids(shown["hits"]), shown["floor"], shown["memory"]["status"]) == ([made[0]], 0.0, "beyond_top_k")
    with Memory(path, background=False) as memory:
        result = memory.explain(
            "Who plays tennis?", made[1], user_id=USER, top_k=1, threshold=0, filters={"kind": "note"},
            show_expired=True, known_at="2099-01-01",
        )  # fmt: skip
    assert shown.keys() == result.keys()
    assert shown["memory"].keys() == result["memory"].keys()
    past = cli("explain", "Who plays tennis?", "-u", USER, "--as-of", "2001-01-01", "--include", "episode", "--past")
    assert past.exit_code == 0, past.output


HOSTILE = (
    '<script>alert("tennis")</script>',
    "<img src=https://example.com/x onerror=alert(1)> tennis",
    '"><style>body{background:url(//example.com)}</style> tennis',
    "tennis $query ${tables} &lt;b&gt; \u202egpj.exe \x1b[31mred",
)


class _Tags(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self):
        super().__init__()
        self.elements, self.attributes, self.texts = [], [], []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.behaviour("R11")
def test_the_page_needs_nothing_else_and_obeys_nothing_that_anybody_said(store, tmp_path):
    path, _, cli = store
    with Memory(path, background=False) as memory:
        made = keep(memory, *HOSTILE, "我喜歡打網球")
    page = tmp_path / "why.html"
    done = cli("explain", "tennis <b>網球</b> & $title", "-u", USER, "--id", made[0], "--threshold", 0, "--html", page)
    assert done.exit_code == 0, done.output
    words = page.read_text(encoding="utf-8")
    parsed = _Tags()
    parsed.feed(words)
    assert {"script", "img", "link", "iframe"}.isdisjoint(parsed.elements)
    assert parsed.elements.count("style") == 1
    assert "b" in parsed.elements, "the memory that was asked about"
    assert {name for name, _ in parsed.attributes} <= {
        "lang",
        "charset",
        "name",
        "content",
        "http-equiv",
        "class",
        "style",
    }
    assert not any("//" in (value or "") for _, value in parsed.attributes)
    shown = "".join(parsed.texts)
    assert HOSTILE[0] in shown
    assert "tennis <b>網球</b> & $title" in shown
    assert "${tables} &lt;b&gt;" in shown
    assert html.escape(HOSTILE[2]) in words
    assert "\u202e" not in words
    assert "\x1b" not in words
    assert "我喜歡打網球" in shown
    assert "prefers-color-scheme: dark" in words
    bars = [float(each) for each in re.findall(r'<i style="width:([0-9.]+)%"></i>', words)]
    assert max(bars) == 100
    assert all(0 <= each <= 100 for each in bars)


def test_a_page_that_cannot_be_written_is_bad_input(store, tmp_path):
    _, _, cli = store
    done = cli("explain", "tennis", "-u", USER, "--html", tmp_path / "none" / "why.html")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
