"""Facts that come with the messages, found by an agent that is a model itself: `add(facts=…)`."""

import pytest

from mnemic import AsyncMemory
from mnemic.errors import InvalidInput

HOME = {"subject": "user", "attribute": "lives_in"}


@pytest.fixture
async def memory():
    async with AsyncMemory(":memory:", background=False) as made:
        yield made


def events(done):
    return [(each["event"], each["memory"]) for each in done["results"]]


@pytest.mark.behaviour("W16")
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            (
                "Well, home is Taipei for me.",
                {"text": "Lives in Taipei", "quote": "home is Taipei", "object": "Taipei"},
            ),
            ("Tainan it is from now on!", {"text": "Lives in Tainan", "quote": "Tainan it is", "object": "Tainan"}),
        ),
        (
            ("嗯，家裡在台北", {"text": "住在台北", "quote": "家裡在台北", "object": "台北"}),
            ("現在搬到台南了", {"text": "住在台南", "quote": "現在搬到台南了", "object": "台南"}),
        ),
    ],
)
async def test_a_fact_takes_the_place_of_what_was_known(memory, first, then):
    said, known = first
    done = await memory.add(said, user_id="ann", facts=[known | HOME])
    assert events(done) == [("ADD", known["text"])]
    assert done["receipt"]["extractor"] == "handed@1"
    assert done["receipt"]["usage"]["model_calls"] == 0
    (kept,) = done["results"]
    assert (await memory.get(kept["id"]))["sources"][0]["quote"] == known["quote"]
    said, changed = then
    done = await memory.add(said, user_id="ann", facts=[changed | HOME])
    assert events(done) == [("ADD", changed["text"]), ("DELETE", known["text"])]


async def test_a_fact_that_quotes_nothing_is_refused_by_name(memory):
    yacht = {"text": "Owns a yacht", "quote": "I own a yacht"}
    done = await memory.add("I live in Taipei.", user_id="ann", facts=[yacht])
    assert events(done) == []
    (message,) = done["receipt"]["messages"]
    assert message["refused"] == [{"quote": "I own a yacht", "reason": "quote_not_in_source"}]


async def test_a_text_that_claims_more_than_its_quote_becomes_the_quote(memory):
    more = {"text": "Lives in Taipei with three cats", "quote": "I live in Taipei."}
    done = await memory.add("I live in Taipei.", user_id="ann", facts=[more])
    assert events(done) == [("ADD", "I live in Taipei.")]


async def test_what_a_tool_said_takes_no_place_of_what_a_person_said(memory):
    fact = {"text": "Lives in Taipei", "quote": "I live in Taipei", "object": "Taipei"}
    await memory.add("I live in Taipei.", user_id="ann", facts=[fact | HOME])
    page = {"role": "tool", "content": "The user lives in Moscow."}
    found = {"text": "Lives in Moscow", "quote": "The user lives in Moscow.", "object": "Moscow"}
    done = await memory.add(page, user_id="ann", facts=[found | HOME])
    assert "DELETE" not in [event for event, _ in events(done)]
    assert "Lives in Taipei" in [each["memory"] for each in (await memory.get_all(user_id="ann"))["results"]]


async def test_an_empty_list_says_that_there_is_nothing(memory):
    done = await memory.add("I live in Taipei.", user_id="ann", facts=[])
    assert (events(done), done["receipt"]["messages"][0]["state"]) == ([], "empty")
    assert (await memory.search("Where do I live?", user_id="ann"))["results"]


async def test_the_extractor_of_the_memory_is_not_asked(memory):
    class Asked:
        name = "asked@1"

        async def extract(self, request):
            raise AssertionError(request)

    async with AsyncMemory(":memory:", extractor=Asked(), background=False) as other:
        fact = {"text": "Lives in Taipei", "quote": "I live in Taipei"}
        done = await other.add("I live in Taipei.", user_id="ann", facts=[fact])
    assert events(done) == [("ADD", "Lives in Taipei")]


GOOD = {"text": "Lives in Taipei", "quote": "I live in Taipei"}


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ("all", "must be a list"),
        ([1], r"facts\[0\] must be a dictionary"),
        ([GOOD, {"text": "x"}], r"facts\[1\] must be a dictionary with text, quote"),
        ([GOOD | {"sure": True}], "must be a dictionary with text, quote"),
        ([GOOD | {"kind": "rumour"}], "must be one of fact, preference, event, procedure"),
        ([GOOD | {"text": " "}], "is empty"),
        ([GOOD | {"ends": "yes"}], "must be true or false"),
        ([GOOD] * 1001, "at most 1,000"),
    ],
)
async def test_facts_that_cannot_be_read_are_refused_and_nothing_is_stored(memory, facts, told):
    with pytest.raises(InvalidInput, match=told):
        await memory.add("I live in Taipei.", user_id="ann", facts=facts)
    assert (await memory.stats(user_id="ann"))["episodes"] == 0


@pytest.mark.parametrize("more", [{"infer": False}, {"wait": "stored"}, {"memory_type": "procedural_memory"}])
async def test_facts_are_settled_with_the_call(memory, more):
    with pytest.raises(InvalidInput, match="facts are settled with the call"):
        await memory.add("I live in Taipei.", user_id="ann", facts=[GOOD], **more)
