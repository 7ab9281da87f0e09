"""Our own context block, handed back to us a hundred times, adds nothing; the rest of the message is remembered."""

import pytest

USER = "alice"
KNOWN = (
    "I live in Oslo.",
    "My wife Dana likes tea.",
    "I work at Acme.",
    "我太太叫小雨。",
    "我對花生過敏。",
    "I said “never again” to coffee.",
)
QUESTIONS = ("Where do I live?", "What does my wife like?", "我對什麼過敏？", "Where do I work?")


@pytest.fixture
def knowing(rules):
    """A memory that knows a few things, the dates of which lie in the past."""
    for number, text in enumerate(KNOWN, 1):
        rules.add(text, user_id=USER, at=f"2025-03-0{number}T09:00:00+00:00")
    return rules


def block(memory, question):
    made = memory.context(question, user_id=USER, threshold=0)["context"]
    assert made.startswith("<memory")
    return made


def picture(memory):
    """What is known, and what is found, to the last byte."""
    return (
        memory.get_all(user_id=USER, latest_only=False),
        [memory.search(each, user_id=USER) for each in (*QUESTIONS, "memory", "Recalled from earlier conversations")],
        memory.entities(user_id=USER),
        memory.profile(user_id=USER),
    )


def quoted(text):
    return "\n".join(f"> {line}" for line in text.splitlines())


WAYS = {
    "the block alone": lambda made: [{"role": "user", "content": made}],
    "as the system's": lambda made: [{"role": "system", "content": f"You are kind.\n\n{made}\n\nBe brief."}],
    "before a question": lambda made: [{"role": "user", "content": f"{made}\n\nWhat is the capital of France?"}],
    "an assistant's echo": lambda made: [
        {"role": "user", "content": f"{made}\n\nWhat do you know of me?"},
        {"role": "assistant", "content": f"{made}\nYou live in Oslo."},
    ],
    "quoted": lambda made: [{"role": "assistant", "content": quoted(made)}],
    "its lines without the marks": lambda made: [{"role": "assistant", "content": "\n".join(made.splitlines()[1:-1])}],
    "cut off": lambda made: [{"role": "user", "content": made[: len(made) * 2 // 3]}],
    "escaped": lambda made: [{"role": "tool", "content": made.replace("<", "&lt;").replace(">", "&gt;")}],
    "twice, one in the other": lambda made: [
        {"role": "user", "content": made.replace("</memory>", made + "</memory>")}
    ],
}


@pytest.mark.behaviour("W5")
def test_a_hundred_rounds_of_our_own_context_leave_everything_as_it_was(knowing):
    before = picture(knowing)
    ways = list(WAYS.values())
    for number in range(100):
        made = block(knowing, QUESTIONS[number % len(QUESTIONS)])
        answer = knowing.add(ways[number % len(ways)](made), user_id=USER)
        assert answer["results"] == []
    assert picture(knowing) == before


@pytest.mark.behaviour("W5")
@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_handing_it_back_makes_a_memory_or_a_hit(knowing, way):
    before = picture(knowing)
    for question in QUESTIONS:
        answer = knowing.add(WAYS[way](block(knowing, question)), user_id=USER)
        assert answer["results"] == []
    assert picture(knowing) == before


@pytest.mark.behaviour("W5")
def test_stored_first_and_extracted_later_it_adds_nothing_either(knowing):
    before = picture(knowing)
    for way in WAYS.values():
        knowing.add(way(block(knowing, "Where do I live?")), user_id=USER, wait="stored")
    knowing.process_pending()
    assert picture(knowing) == before


@pytest.mark.behaviour("W5")
@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("I adopted a parrot called Kiko.", "Do I have a parrot?"),
        ("我養了一隻鸚鵡叫可可。", "我養了什麼鸚鵡？"),
    ],
)
@pytest.mark.parametrize(
    "around",
    ["{block}\n\n{said}", "{said}\n\n{block}", "{block}\n{said}\n{block}", "> {said}\n{block}", "{block} {said}"],
)
def test_the_rest_of_such_a_message_is_remembered(knowing, said, question, around):
    message = around.format(block=block(knowing, "Where do I live?"), said=said)
    answer = knowing.add(message, user_id=USER)
    assert [item["memory"] for item in answer["results"]] == [said]
    assert knowing.search(question, user_id=USER)["results"][0]["memory"] == said
    (source,) = knowing.get(answer["results"][0]["id"])["sources"]
    assert source["quote"] == said
    assert message == knowing.get(source["episode_id"], unmasked=True)["memory"]


@pytest.mark.behaviour("W5")
def test_a_block_made_of_blocks_does_not_grow(knowing):
    sizes = set()
    for _ in range(10):
        made = block(knowing, "Where do I live?")
        knowing.add(f"{made}\n\nWhere do I live?", user_id=USER)
        knowing.add({"role": "assistant", "content": f"You live in Oslo.\n{made}"}, user_id=USER)
        sizes.add(len(made))
    assert len(sizes) == 1
    assert made.count("<memory") == 2  # who she is, and the hits


def test_what_is_handed_over_to_be_kept_word_for_word_keeps_its_block(knowing):
    made = block(knowing, "Where do I live?")
    (item,) = knowing.remember(made, user_id=USER)["results"]
    assert item["memory"] == made


def test_what_people_write_about_memory_is_not_cut(rules):
    for text in ("My <memory> of Oslo: I lived in a red house.", "I have a bad memory </memory>."):
        (message,) = rules.add(text, user_id=USER)["receipt"]["messages"]
        assert rules.get(message["episode_id"])["memory"] == text
