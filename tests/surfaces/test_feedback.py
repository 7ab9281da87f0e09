"""What people tell of memories, the log they were made of, how a task was done, and labels of a project's own."""

import pytest

from mnemic import InvalidInput, InvalidScope, NotFound
from mnemic.testing.fakes import FakeExtractor
from mnemic.types import Extraction, Fact, Usage

USER = "alice"


def texts(memory, **where):
    return [item["memory"] for item in memory.get_all(user_id=USER, **where)["results"]]


# Feedback and pins.


def test_feedback_adds_up_and_makes_no_new_version(rules):
    (added,) = rules.add("I live in Oslo.", user_id=USER)["results"]
    before = rules.get(added["id"])
    assert before["rating"] == 0
    for word, reason, rating in (
        ("POSITIVE", None, 1),
        ("positive", "still so", 2),
        ("NEGATIVE", "不對", 1),
        (None, "all of it was a mistake", 0),
        (None, None, 0),
        ("NEGATIVE", None, -1),
    ):
        answer = rules.feedback(added["id"], word, reason)
        told = None if word is None else word.upper()
        assert answer == {"id": added["id"], "feedback": told, "reason": reason, "rating": rating}
        assert rules.get(added["id"])["rating"] == rating
    after = rules.get(added["id"])
    assert after | {"rating": 0, "updated_at": before["updated_at"]} == before
    assert [event["event"] for event in rules.history(added["id"])] == ["ADD"]
    rules.update(added["id"], data="I live in Bergen.")
    assert rules.get(added["id"])["rating"] == -1
    assert rules.verify()["problems"] == []


@pytest.mark.parametrize("word", ["", "GOOD", 1, ["POSITIVE"], True])
def test_another_word_is_refused_with_the_words_there_are(rules, word):
    (added,) = rules.remember("A note", user_id=USER)["results"]
    with pytest.raises(InvalidInput, match="POSITIVE, NEGATIVE, VERY_NEGATIVE"):
        rules.feedback(added["id"], word)
    assert rules.get(added["id"])["rating"] == 0


def test_only_memories_that_stand_can_be_rated_and_pinned(rules):
    answer = rules.remember("A note", user_id=USER)
    (added,), (message,) = answer["results"], answer["receipt"]["messages"]
    for call in (lambda each: rules.feedback(each, "POSITIVE"), rules.pin):
        with pytest.raises(NotFound):
            call("nothing")
        with pytest.raises(InvalidInput):
            call(message["episode_id"])
    rules.delete(added["id"])
    for call in (lambda each: rules.feedback(each, "POSITIVE"), rules.pin):
        with pytest.raises(NotFound):
            call(added["id"])


def test_a_pin_is_kept_through_updates_and_taken_off_again(rules):
    (added,) = rules.remember("My doctor is Dr Hansen", user_id=USER)["results"]
    assert rules.get(added["id"])["pinned"] is False
    assert rules.pin(added["id"]) == {"id": added["id"], "pinned": True}
    rules.update(added["id"], data="My doctor is Dr Olsen")
    assert rules.get(added["id"])["pinned"] is True
    assert [each["text"] for each in rules.profile(user_id=USER)["facts"]] == ["My doctor is Dr Olsen"]
    rules.pin(added["id"], pinned=False)
    assert rules.get(added["id"])["pinned"] is False
    with pytest.raises(InvalidInput):
        rules.pin(added["id"], pinned="yes")


# The log.


def test_the_log_lists_every_message_with_what_became_of_it(rules):
    rules.add(["Good morning!", "I live in Oslo.", "Where do I live?"], user_id=USER, run_id="r", at="2025-03-01")
    rules.remember("A note", user_id=USER)
    log = rules.messages(user_id=USER)
    assert [(each["content"], each["state"]) for each in log["results"]] == [
        ("A note", "done"), ("Where do I live?", "refused"), ("I live in Oslo.", "done"), ("Good morning!", "refused"),
    ]  # fmt: skip
    assert (log["total"], log["next_cursor"]) == (4, None)
    assert all(each["reason"] for each in log["results"] if each["state"] == "refused")
    said = log["results"][2]
    assert (said["role"], said["run_id"], said["said_at"]) == ("user", "r", "2025-03-01T00:00:00+00:00")
    assert rules.messages(user_id=USER, state=["refused"])["total"] == 2
    assert rules.messages(run_id="r")["total"] == 3
    assert rules.messages(user_id="bob") == {"results": [], "total": 0, "next_cursor": None}


def test_hidden_messages_are_listed_only_by_that_name(rules):
    (added,) = rules.remember("A note", user_id=USER)["results"]
    rules.delete(added["id"])
    assert rules.messages(user_id=USER)["total"] == 0
    (hidden,) = rules.messages(user_id=USER, state="hidden")["results"]
    assert (hidden["content"], hidden["state"]) == ("A note", "hidden")


def test_the_log_comes_page_by_page_and_each_message_once(rules):
    for number in range(7):
        rules.remember(f"Note {number}", user_id=USER)
    found, cursor = [], None
    while True:
        page = rules.messages(user_id=USER, limit=3, cursor=cursor)
        assert page["total"] == 7
        found += [each["content"] for each in page["results"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"Note {number}" for number in reversed(range(7))]


@pytest.mark.parametrize(
    "arguments",
    [{"state": "lost"}, {"state": []}, {"state": ["done", 1]}, {"limit": 0}, {"cursor": "x"}, {"cursor": 1}],
)
def test_a_wrong_question_to_the_log_is_refused(rules, arguments):
    with pytest.raises(InvalidInput):
        rules.messages(user_id=USER, **arguments)


# How a task was done.

TASK = [
    {"role": "user", "content": "Book a table for two at eight."},
    {"role": "assistant", "content": "I looked for restaurants near you. There were twelve."},
    {"role": "tool", "content": "12 results"},
    {"role": "assistant", "content": "I booked a table at Osteria. The code is on its way."},
]


def test_how_a_task_was_done_is_one_memory_with_a_step_a_line(rules):
    answer = rules.add(TASK, agent_id="waiter", memory_type="procedural_memory", metadata={"a": 1})
    (added,) = answer["results"]
    item = rules.get(added["id"])
    assert item["memory"].splitlines() == [
        "Book a table for two at eight.",
        "1. I looked for restaurants near you.",
        "2. 12 results",
        "3. I booked a table at Osteria.",
    ]
    assert (item["kind"], item["attributed_to"], item["agent_id"]) == ("procedure", "assistant", "waiter")
    assert item["metadata"] == {"a": 1}
    assert len(item["sources"]) == 4
    assert rules.search("How do I book a table?", agent_id="waiter")["results"][0]["id"] == added["id"]
    assert {each["state"] for each in rules.messages(agent_id="waiter")["results"]} == {"done"}


def test_of_a_task_sent_twice_under_the_same_ids_nothing_is_kept_again(rules):
    task = [each | {"external_id": str(number)} for number, each in enumerate(TASK)]
    rules.add(task, agent_id="waiter", memory_type="procedural_memory")
    again = rules.add(task, agent_id="waiter", memory_type="procedural_memory")
    assert again["results"] == []
    assert [each["state"] for each in again["receipt"]["messages"]] == ["duplicate"] * 4
    assert rules.get_all(agent_id="waiter")["total"] == 1


def test_another_type_of_memory_is_refused(rules):
    with pytest.raises(InvalidInput):
        rules.add("x", user_id=USER, memory_type="semantic_memory")


# Categories and instructions of a project's own.


class Labelling(FakeExtractor):
    """A model that labels what it finds, also with a label there is not."""

    def __init__(self):
        super().__init__(self._read)

    @staticmethod
    def _read(request):
        (turn,) = request.turns
        labels = tuple(name for name in ("health", "food") if name in turn.content)
        return Extraction(
            facts=(Fact(text=turn.content, turn=0, quote=turn.content, subject="user", categories=labels),)
        )

    async def judge(self, pairs):
        return ("different",) * len(pairs), Usage(model_calls=1)


def test_a_model_is_told_the_labels_and_what_it_chose_is_kept_beside_the_callers(make):
    extractor = Labelling()
    memory = make(extractor=extractor, custom_categories={"health": "Body and mind", "food": "What is eaten"})
    memory.add("On health and food", user_id=USER, categories=["mine", "food"])
    (item,) = memory.get_all(user_id=USER)["results"]
    assert item["categories"] == ["mine", "food", "health"]
    assert dict(extractor.requests[0].choices) == {"health": "Body and mind", "food": "What is eaten"}


def test_instructions_of_a_call_stand_above_those_of_the_project(make):
    extractor = FakeExtractor()
    memory = make(extractor=extractor, instructions="Keep all.", background=False)
    memory.add("One", user_id=USER)
    memory.add("Two", user_id=USER, instructions="Keep nothing of work.")
    memory.add("Three", user_id=USER, instructions="Only food.", wait="stored")
    memory.process_pending()
    assert [request.instructions for request in extractor.requests] == [
        "Keep all.",
        "Keep nothing of work.",
        "Only food.",
    ]


def test_the_callers_metadata_is_shown_to_the_model_and_never_remembered_itself(make):
    extractor = FakeExtractor()
    memory = make(extractor=extractor)
    memory.add("I ski", user_id=USER, metadata={"channel": "telegram"})
    assert dict(extractor.requests[0].metadata) == {"channel": "telegram"}
    assert texts(memory) == ["I ski"]
    assert memory.search("telegram", user_id=USER, threshold=0.05)["results"] == []


def test_what_the_assistant_promised_is_the_assistants(rules):
    rules.add({"role": "assistant", "content": "I will send you the report on Friday."}, user_id=USER)
    (item,) = rules.get_all(user_id=USER)["results"]
    assert (item["attributed_to"], item["subject"], item["role"]) == ("assistant", "assistant", "assistant")
    assert item["memory"] not in rules.profile(user_id=USER)["text"]


# Images.


def test_an_image_is_kept_in_the_log_by_where_it_is_and_the_words_beside_it_are_remembered(rules):
    message = {
        "role": "user",
        "content": [
            {"type": "text", "text": "My cat is called Miso."},
            {"type": "image_url", "image_url": {"url": "https://example.com/miso.png"}},
        ],
    }
    answer = rules.add(message, user_id=USER)
    assert texts(rules) == ["My cat is called Miso."]
    (logged,) = rules.messages(user_id=USER)["results"]
    assert logged["content"] == "My cat is called Miso.\n[image: https://example.com/miso.png]"
    assert answer["receipt"]["messages"][0]["state"] == "done"


def test_an_image_alone_is_a_message_that_is_found_by_its_reference(rules):
    image = {"type": "image_url", "image_url": {"url": "https://example.com/miso.png"}}
    rules.add({"role": "user", "content": [image]}, user_id=USER)
    assert texts(rules) == []
    assert rules.messages(user_id=USER)["total"] == 1


def test_the_bytes_of_an_image_are_not_kept(rules):
    data = "data:image/png;base64," + "iVBORw0KGgo" * 500
    rules.add({"role": "user", "content": [{"type": "image_url", "image_url": {"url": data}}, "Hi"]}, user_id=USER)
    assert "iVBORw0KGgo" not in str(rules.messages(user_id=USER))


def test_profile_and_consolidation_need_to_know_whose(rules):
    for call in (rules.profile, rules.consolidate):
        with pytest.raises(InvalidScope):
            call()
