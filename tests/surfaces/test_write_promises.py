"""The promises of the write path that are measured on whole logs and sets, in rules mode, through the public API.

The logs, the changes and the labelled set are those of evals/write, where their figures are printed.
"""

import sys
from pathlib import Path

import pytest

from mnemic import Memory

sys.path.insert(0, str(Path(__file__).parents[2] / "evals" / "write"))

import changes
import labelled
import log1000
import score
from wilson import Share

TEN_REWORDINGS = {
    "en": (
        "Lisbon",
        (
            "I live in Lisbon",
            "I live in Lisbon.",
            "I'm living in Lisbon.",
            "i live in Lisbon!!",
            "I am living in Lisbon",
            "I currently live in Lisbon.",
            "I live in Lisbon now.",
            "btw I live in Lisbon",
            "As I said, I live in Lisbon.",
            "I do live in Lisbon.",
        ),
    ),
    "zh": (
        "上海",
        (
            "我住在上海",
            "我住在上海。",
            "我現在住在上海",
            "我现在住在上海。",
            "我住上海",
            "我目前住在上海",
            "我家住在上海",
            "對了，我住在上海",
            "我就住在上海啊",
            "我住在上海！",
        ),
    ),
}

TWO_FACTS = (
    ("My sister has 2 kids.", "My cousin has 3 kids."),
    ("I like coffee.", "I don't like tea."),
    ("My colleague Anna lives in Ghent.", "My colleague Anne lives in Bruges."),
    ("I ran 10 km on Sunday with Pete.", "I ran 12 km on Tuesday with Pete."),
    ("I'm allergic to walnuts.", "I'm not allergic to almonds."),
    ("I have a cat named Olive.", "I have a dog named Bruno."),
    ("I speak Danish.", "I speak Portuguese."),
    ("我同事王小明住在三重。", "我同事王曉明住在三峽。"),
    ("我喜歡喝咖啡。", "我不喜歡喝奶茶。"),
    ("我去过西安。", "我没去过西藏。"),
    ("我会弹钢琴。", "我会拉二胡。"),
)


@pytest.fixture
def rules():
    """A memory as it comes: the bundled embedder, facts by rules."""
    memory = Memory(":memory:")
    yield memory
    memory.close()


def texts(memory, user):
    return [item["memory"] for item in memory.get_all(user_id=user, top_k=100)["results"]]


@pytest.mark.behaviour("W4")
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_of_a_thousand_turns_of_chatter_the_facts_are_kept_and_little_else(rules, language):
    result = log1000.score(rules, log1000.generate(1000, language), batch=10)
    assert result.facts == 50
    assert result.kept.right >= 45, result.missed
    assert len(result.others) <= 15, result.others
    assert (result.unexplained, result.pending) == (0, 0)


@pytest.mark.behaviour("W8")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_ten_rewordings_of_a_fact_are_one_memory_with_ten_sources(rules, language):
    word, said = TEN_REWORDINGS[language]
    for text in said:
        rules.add(text, user_id="u")
    (item,) = rules.get_all(user_id="u")["results"]
    assert word in item["memory"]
    assert len(item["sources"]) == 10


@pytest.mark.behaviour("W8")
@pytest.mark.parametrize(("first", "second"), TWO_FACTS)
def test_facts_that_differ_in_a_number_a_name_or_a_negation_stay_two(rules, first, second):
    rules.add(first, user_id="u")
    rules.add(second, user_id="u")
    assert len(texts(rules, "u")) == 2


@pytest.mark.behaviour("W9")
@pytest.mark.slow
def test_two_hundred_changes_of_state_are_decided_right_and_can_be_undone(rules):
    scored = [changes.score(rules, one) for one in changes.generate(200)]
    sums = {name: sum((getattr(one, name) for one in scored), Share()) for name in ("right", "collateral", "undone")}
    faults = [fault for one in scored for fault in one.faults if not fault.startswith("not found")]
    assert sums["right"].value >= 0.95, faults
    assert sums["collateral"].value < 0.01, faults
    assert sums["undone"].value == 1, faults


def test_a_former_value_stays_in_history_with_the_time_it_was_true(rules):
    first = rules.add("I work at Halden Logistics.", user_id="u", at="2024-03-01T09:00:00+00:00")["results"][0]["id"]
    answer = rules.add("I work at Brightwell now.", user_id="u", at="2025-06-01T09:00:00+00:00")
    assert texts(rules, "u") == ["I work at Brightwell now."]
    assert [event["event"] for event in rules.history(first)] == ["ADD", "DELETE"]
    assert {(each["event"], each["id"]) for each in answer["results"]} >= {("DELETE", first)}
    rules.undo(answer["receipt"]["change_id"])
    assert texts(rules, "u") == ["I work at Halden Logistics."]


def test_the_labelled_set_is_as_large_and_as_mixed_as_its_page_says():
    cases = labelled.load()
    chinese = sum(case.language.startswith("zh") for case in cases)
    assert len(cases) >= 400
    assert chinese * 3 >= len(cases)
    assert {"zh-Hant", "zh-Hans", "en", "mixed"} == {case.language for case in cases}
    assert sum(case.needs_model for case in cases) * 5 < len(cases)
    assert {case.topic for case in cases if case.unknown} == {"sarcasm"}


def test_the_sixty_fixed_cases_cover_every_topic_that_is_scored():
    cases = labelled.load()
    fixed = labelled.fixed_60(cases)
    assert len({case.id for case in fixed}) == 60
    assert {case.topic for case in fixed} == {case.topic for case in cases if not case.unknown}


CASE = labelled.Case(
    id="x",
    language="en",
    topic="state change",
    adds=(),
    current=(labelled.Label(has=("Globex",)), labelled.Label(has=("cat",))),
    history=(labelled.Label(has=("Acme",)),),
)


def seen(current, retired=()):
    def item(text):
        return {
            "id": text, "memory": text, "quotes": [text], "said_in": ["1"], "speakers": [], "subject": "user",
            "attribute": None, "by": "user",
        }  # fmt: skip

    return {
        "current": [item(text) for text in current],
        "retired": [item(text) for text in retired],
        "former": [], "merges": [], "error": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("current", "retired", "faults"),
    [
        (["at Globex", "a cat"], ["at Acme"], ()),
        (["at Globex", "a cat", "at Acme"], [], ("still current: Acme",)),
        (["at Globex"], ["at Acme", "a cat"], ("missing: cat", "collateral: 'a cat'")),
        (["at Globex", "a cat", "hello"], ["at Acme"], ("extra: 'hello' [user.None]",)),
        (["at Globex", "a cat"], [], ("not in history: Acme",)),
    ],
)
def test_the_scorer_names_what_went_wrong(current, retired, faults):
    assert score.judge(CASE, seen(current, retired)).faults == faults


def test_the_interval_of_a_share_is_wilsons():
    low, high = Share(8, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
