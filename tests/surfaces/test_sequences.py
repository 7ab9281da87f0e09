"""What one call leaves behind holds for the calls after it: two and three of them in a row, with nothing lost or wrong."""

import pytest

USER = "alice"


def told(memory):
    """What is known now, the last learnt first."""
    return [item["memory"] for item in memory.get_all(user_id=USER)["results"]]


def events(answer):
    """What an `add` did."""
    return [(item["event"], item["memory"]) for item in answer["results"]]


def corrected(memory, said, words):
    """A memory of what was said, put right by hand."""
    (item,) = memory.add(said, user_id=USER, at="2025-01-10")["results"]
    memory.update(item["id"], data=words)
    return memory.get(item["id"])


# A correction by hand, and what is said after it.


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize(
    ("said", "right", "then"),
    [
        ("I live in Taipei.", "I live in Tainan.", "I live in Taipei."),
        ("我住在台北。", "我住在台南。", "我住在台北。"),
        ("我住在台北。", "我住在台南。", "我搬到高雄了。"),
        ("My boss is Kari.", "My boss is Ingrid.", "My boss is Kari."),
    ],
)
def test_what_replaces_a_corrected_value_is_not_taken_for_the_value_before(rules, said, right, then):
    corrected(rules, said, right)
    assert events(rules.add(then, user_id=USER)) == [("ADD", then), ("DELETE", right)]
    assert told(rules) == [then]


@pytest.mark.behaviour("W8")
@pytest.mark.parametrize(
    ("said", "right", "again"),
    [
        ("I live in Taipei.", "I live in Tainan.", "My home is in Tainan."),
        ("My boss is Kari.", "My boss is Ingrid.", "Ingrid is my boss."),
    ],
)
def test_a_corrected_value_said_in_other_words_is_known(rules, said, right, again):
    corrected(rules, said, right)
    assert events(rules.add(again, user_id=USER)) == [("NONE", right)]
    assert told(rules) == [right]


@pytest.mark.behaviour("W11")
def test_a_corrected_value_that_was_forgotten_is_not_learnt_in_other_words(rules):
    rules.forget(corrected(rules, "I live in Taipei.", "I live in Tainan.")["id"])
    assert events(rules.add("My home is in Tainan.", user_id=USER)) == []
    assert told(rules) == []


@pytest.mark.behaviour("W9")
def test_a_memory_that_now_tells_something_else_is_not_replaced_by_what_it_told_before(rules):
    item = corrected(rules, "I live in Taipei.", "My name is Kai.")
    assert (item["attribute"], item["object"]) == ("name", "Kai")
    assert events(rules.add("I live in Oslo.", user_id=USER)) == [("ADD", "I live in Oslo.")]
    assert told(rules) == ["I live in Oslo.", "My name is Kai."]
    assert [each["object"] for each in rules.timeline("home", user_id=USER)] == ["Oslo"]


def test_words_of_which_no_value_can_be_read_have_none(rules):
    item = corrected(rules, "I live in Taipei.", "Out and about, mostly.")
    assert (item["attribute"], item["object"]) == (None, None)


def test_a_value_in_the_same_words_is_read_where_the_rules_read_nothing(rules):
    fact = {
        "text": "Alice is based out of Oslo",
        "quote": "Oslo",
        "subject": "user",
        "attribute": "home",
        "object": "Oslo",
    }
    (item,) = rules.add("Oslo it is", user_id=USER, facts=[fact])["results"]
    rules.update(item["id"], data="Alice is based out of Bergen")
    assert (rules.get(item["id"])["attribute"], rules.get(item["id"])["object"]) == ("home", "Bergen")
    rules.update(item["id"], data="Alice is at present based out of Bergen")
    assert (rules.get(item["id"])["attribute"], rules.get(item["id"])["object"]) == ("home", "Bergen")


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize(
    ("said", "correction", "right", "since"),
    [
        ("下禮拜三要去看牙醫", "不對，是下禮拜四", "下禮拜四要去看牙醫", "2026-12-03"),
        ("下週三要去看牙醫。", "不對，是下週四。", "下週四要去看牙醫。", "2026-12-03"),
        ("星期三要去看牙醫", "不對，是下禮拜四", "下禮拜四要去看牙醫", "2026-12-03"),
        ("I have a call tomorrow.", "Sorry, I meant the day after tomorrow.", "I have a call the day after tomorrow.",
         "2026-11-25"),
        ("下禮拜三下午三點要去看牙醫", "不對，是下禮拜四", "下禮拜四下午三點要去看牙醫", "2026-12-03"),
        ("下禮拜三下午三點要去看牙醫", "不對，是四點", "下禮拜三下午四點要去看牙醫", "2026-12-02"),
        ("我明天早上要去爬山", "不對，是後天", "我後天早上要去爬山", "2026-11-25"),
        ("I have a call tomorrow.", "Sorry, I meant Dec 3.", "I have a call Dec 3.", "2026-12-03"),
    ],
)  # fmt: skip
def test_a_day_that_is_put_right_in_the_conversation_is_the_day_from_which_it_holds(
    rules, said, correction, right, since
):
    rules.add(said, user_id=USER, at="2026-11-23")
    assert events(rules.add(correction, user_id=USER, at="2026-11-23")) == [("UPDATE", right)]
    (item,) = rules.get_all(user_id=USER)["results"]
    assert (item["memory"], item["valid_from"][:10]) == (right, since)


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize(
    ("said", "then", "right"),
    [
        ("I have a call on Wednesday at 3pm.", "Sorry, I meant Thursday.", "I have a call on Thursday at 3pm."),
        ("I have a call on Wednesday at 3pm.", "Oops, I meant 5 pm", "I have a call on Wednesday at 5 pm."),
        ("The review is on Friday.", "Sorry, I meant Monday.", "The review is on Monday."),
        ("会议在周五下午两点", "不对，是三点", "会议在周五下午三点"),
        ("My flight is on May 3.", "Sorry, I meant Friday.", "My flight is on Friday."),
        ("我五月三號要去看牙醫", "不對，是下禮拜四", "我下禮拜四要去看牙醫"),
    ],
)
def test_another_day_or_hour_is_that_of_what_was_said_last(rules, said, then, right):
    rules.add("My cat Rex was born in May.", user_id=USER)
    rules.add(said, user_id=USER)
    assert events(rules.add(then, user_id=USER)) == [("UPDATE", right)]
    assert told(rules) == [right, "My cat Rex was born in May."]
    assert rules.verify()["problems"] == []


@pytest.mark.behaviour("W9")
@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("會議在週五", "會議改到週六了"),
        ("我的考試在下週三", "考試延到下週四"),
        ("发布会在五月三号举行。", "发布会改到五月五号了"),
        ("My dentist appointment is on Wednesday.", "My dentist appointment was moved to Thursday."),
        ("Our team meeting is on Friday.", "Our team meeting moved to Monday."),
    ],
)
def test_a_new_day_of_a_thing_takes_the_place_of_its_day(rules, said, then):
    rules.add(said, user_id=USER)
    assert events(rules.add(then, user_id=USER)) == [("ADD", then), ("DELETE", said)]


@pytest.mark.parametrize(
    "then",
    [
        "改成週六了",
        "It's been moved to Monday.",
        "延後兩週",
        "They moved to Friday Harbor.",
        "We changed to a bigger car.",
        "改天吧",
    ],
)
def test_what_names_no_day_changes_none(rules, then):
    rules.add("會議在週五", user_id=USER)
    rules.add(then, user_id=USER)
    assert "會議在週五" in told(rules)


@pytest.mark.parametrize(
    ("said", "correction"),
    [
        ("我要去看牙醫", "不對，是下禮拜四"),
        ("我住在台北", "不對，是下午"),
        ("我住在台北", "改成下午了"),
        ("我住在台北", "改到週末"),
        ("我住在台北", "改到五點"),
        ("我老闆是王經理", "改成平常"),
        ("會議在下午三點", "改了一點"),
        ("會議在下午三點", "換了半年"),
        ("I live in Rome.", "Sorry, I meant noon."),
        ("I live in Rome.", "It's been moved to noon."),
        ("I have 3 dogs.", "Changed to 5."),
        ("我下個月三號要去日本", "不對，是後天"),
        ("我下個月去日本", "不對，是下下個月"),
        ("明天三點開會", "不對，是後天"),
    ],
)
def test_a_day_takes_the_place_of_no_other_word(rules, said, correction):
    rules.add(said, user_id=USER)
    rules.add(correction, user_id=USER)
    assert all(item["memory"] in (said, correction) for item in rules.get_all(user_id=USER)["results"])


@pytest.mark.behaviour("W13")
def test_a_corrected_date_holds_from_that_date(rules):
    item = corrected(rules, "I moved to Taipei in 2015.", "I moved to Taipei in 2018.")
    assert item["valid_from"][:10] == "2018-01-01"
    change = rules.update(item["id"], data="I moved to Taipei in 2012.")["change_id"]
    rules.undo(change)
    assert rules.get(item["id"])["valid_from"][:10] == "2018-01-01"


# A day that passes.


@pytest.mark.behaviour("W1")
@pytest.mark.parametrize(
    ("said", "again"), [("I live in Taipei.", "I live in Taipei."), ("我住在台北。", "我家在台北。")]
)
def test_what_is_said_again_after_its_day_is_shown_again(rules, said, again):
    (item,) = rules.add(said, user_id=USER)["results"]
    gone = rules.update(item["id"], expiration_date="2020-01-01")["change_id"]
    assert told(rules) == []
    answer = rules.add(again, user_id=USER, expiration_date="2999-01-01")
    assert events(answer) == [("UPDATE", said)]
    assert [hit["memory"] for hit in rules.search(again, user_id=USER)["results"]] == [said]
    assert rules.get(item["id"])["expiration_date"] == "2999-01-01"
    assert [source["quote"] for source in rules.get(item["id"])["sources"]] == [said, again]
    rules.undo(answer["receipt"]["change_id"])
    assert told(rules) == []
    rules.undo(gone)
    assert told(rules) == [said]
    assert rules.verify()["problems"] == []


# What waits.


@pytest.mark.parametrize("whose", ["message", "scope"])
def test_a_message_that_comes_back_before_it_was_read_keeps_what_was_wished_for_it(rules, whose):
    said = rules.add(
        "I live in Taipei.", user_id=USER, wait="stored", expiration_date="2999-01-01", categories=["home"]
    )
    (message,) = said["receipt"]["messages"]
    gone = rules.delete(message["episode_id"]) if whose == "message" else rules.delete_all(user_id=USER)
    assert rules.verify()["problems"] == []
    assert rules.process_pending()["processed"] == 0
    rules.undo(gone["change_id"])
    rules.process_pending()
    (item,) = rules.get_all(user_id=USER)["results"]
    assert (item["expiration_date"], item["categories"]) == ("2999-01-01", ["home"])
    assert rules.verify()["problems"] == []
