"""When something was so: from the words and the time they were said at, as exactly as they tell, and never invented."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

USER = "alice"
WEDNESDAY = "2025-06-11T10:00:00+08:00"


def learn(memory, text, **arguments):
    (item,) = memory.add(text, user_id=USER, **arguments)["results"]
    return memory.get(item["id"])


def time_of(item):
    return item["valid_from"], item["valid_to"], item["precision"]


TOLD = [
    ("I moved to Lyon yesterday.", "2025-06-10", "day"),
    ("I moved to Lyon last week.", "2025-06-02", "week"),
    ("I moved to Lyon last month.", "2025-05-01", "month"),
    ("I started at Acme in March 2021.", "2021-03-01", "month"),
    ("I started at Acme in 2019.", "2019-01-01", "year"),
    ("I started at Acme on 3 March 2021.", "2021-03-03", "day"),
    ("I adopted a cat three years ago.", "2022-01-01", "year"),
    ("I have a dentist appointment next Monday.", "2025-06-16", "day"),
    ("我昨天搬到台中。", "2025-06-10", "day"),
    ("我上週搬到台中。", "2025-06-02", "week"),
    ("我上個月開始在台積電上班。", "2025-05-01", "month"),
    ("我三年前養了一隻貓。", "2022-01-01", "year"),
    ("我下週一要去東京出差。", "2025-06-16", "day"),
    ("我2021年3月開始在台積電上班。", "2021-03-01", "month"),
]


@pytest.mark.behaviour("W13")
@pytest.mark.parametrize(("said", "day", "precision"), TOLD)
def test_a_time_in_the_words_becomes_a_date_as_exact_as_it_was_said(rules, said, day, precision):
    item = learn(rules, said, at=WEDNESDAY)
    assert time_of(item) == (f"{day}T00:00:00+08:00", None, precision)
    assert item["memory"] == said
    assert item["said_at"] == WEDNESDAY


@pytest.mark.behaviour("W13")
@pytest.mark.parametrize(
    "said",
    [
        "I like jazz.",
        "My wife Dana works at Siemens.",
        "I'm 34.",
        "I drive a Peugeot 2008.",
        "我喜歡游泳。",
        "我太太叫小雨。",
        "我開寶獅3008。",
    ],
)
def test_what_names_no_time_has_none_and_says_so(rules, said):
    item = learn(rules, said, at=WEDNESDAY)
    assert time_of(item) == (None, None, None)
    assert item["said_at"] == WEDNESDAY


@pytest.mark.behaviour("W13")
def test_without_at_yesterday_is_the_day_before_today(rules):
    before = datetime.now(UTC).date()
    item = learn(rules, "I moved to Lyon yesterday.")
    after = datetime.now(UTC).date()
    assert item["precision"] == "day"
    assert date.fromisoformat(item["valid_from"][:10]) in {day - timedelta(days=1) for day in (before, after)}


@pytest.mark.behaviour("W13")
@pytest.mark.parametrize(
    ("at", "said_at", "day"),
    [
        ("2025-06-11", "2025-06-11T00:00:00+00:00", "2025-06-10T00:00:00+00:00"),
        (date(2025, 6, 11), "2025-06-11T00:00:00+00:00", "2025-06-10T00:00:00+00:00"),
        (1_749_600_000, "2025-06-11T00:00:00+00:00", "2025-06-10T00:00:00+00:00"),
        (datetime(2025, 6, 11, 23, tzinfo=timezone(timedelta(hours=-7))), "2025-06-11T23:00:00-07:00", "2025-06-10T00:00:00-07:00"),
        ("2025-03-01T00:30:00+09:00", "2025-03-01T00:30:00+09:00", "2025-02-28T00:00:00+09:00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["at", "timestamp"])
def test_at_is_taken_in_every_form_and_its_zone_decides_which_day_yesterday_was(rules, name, at, said_at, day):
    item = learn(rules, "I moved to Lyon yesterday.", **{name: at})
    assert (item["said_at"], item["valid_from"], item["precision"]) == (said_at, day, "day")


@pytest.mark.behaviour("W13")
def test_each_message_of_a_call_may_have_its_own_time(rules):
    messages = [
        {"role": "user", "content": "I moved to Lyon yesterday.", "at": "2020-05-02"},
        {"role": "user", "content": "I adopted a cat yesterday."},
    ]
    rules.add(messages, user_id=USER, at=WEDNESDAY)
    items = {item["memory"]: item["valid_from"] for item in rules.get_all(user_id=USER)["results"]}
    assert items == {
        "I moved to Lyon yesterday.": "2020-05-01T00:00:00+00:00",
        "I adopted a cat yesterday.": "2025-06-10T00:00:00+08:00",
    }


@pytest.mark.behaviour("W13")
@pytest.mark.parametrize(
    "write",
    [
        lambda memory, at: memory.add("A walk", user_id=USER, at=at, infer=False)["results"][0]["id"],
        lambda memory, at: memory.remember("A walk", user_id=USER, at=at)["results"][0]["id"],
        lambda memory, at: memory.add(
            [{"role": "user", "content": "Book a table"}, {"role": "assistant", "content": "I called them."}],
            user_id=USER, at=at, memory_type="procedural_memory",
        )["results"][0]["id"],
        lambda memory, at: memory.add("Hm, well", user_id=USER, at=at)["receipt"]["messages"][0]["episode_id"],
    ],
    ids=["infer=False", "remember", "procedure", "a message"],
)  # fmt: skip
def test_at_is_when_it_was_said_wherever_something_is_written(rules, write):
    item = rules.get(write(rules, WEDNESDAY))
    assert item["said_at"] == WEDNESDAY
    assert {source["said_at"] for source in item["sources"]} == {WEDNESDAY}
    assert time_of(item) == (None, None, None)


@pytest.mark.behaviour("W13")
def test_a_day_told_relative_to_a_late_message_is_that_of_the_message_not_of_today(rules):
    rules.add("I moved to Lyon yesterday.", user_id=USER, at="2019-02-03T09:00:00+00:00", wait="stored")
    rules.process_pending()
    (item,) = rules.get_all(user_id=USER)["results"]
    assert item["valid_from"] == "2019-02-02T00:00:00+00:00"


@pytest.mark.behaviour("W13")
def test_what_takes_anothers_place_ends_it_when_it_began_itself(rules):
    first = learn(rules, "I live in Oslo.", at="2024-01-05T09:00:00+00:00")
    rules.add("I moved to Lyon last month.", user_id=USER, at="2025-06-11T09:00:00+00:00")
    (former,) = [
        item for item in rules.get_all(user_id=USER, latest_only=False)["results"] if item["id"] == first["id"]
    ]
    assert (former["valid_from"], former["valid_to"]) == (None, "2025-05-01T00:00:00+00:00")
    assert former["retire_reason"] == "superseded"


@pytest.mark.behaviour("W13")
def test_what_is_told_late_of_long_ago_is_history_and_not_news(rules):
    learn(rules, "I work at Globex.", at="2025-06-11T09:00:00+00:00")
    rules.add("I worked at Acme from 2010 to 2012.", user_id=USER, at="2025-06-12T09:00:00+00:00")
    current = [item["memory"] for item in rules.get_all(user_id=USER)["results"]]
    assert "I work at Globex." in current
    (past,) = [item for item in rules.get_all(user_id=USER, latest_only=False)["results"] if "Acme" in item["memory"]]
    assert (past["valid_from"][:4], past["precision"]) == ("2010", "year")
    assert past["valid_to"][:4] in ("2012", "2013")
