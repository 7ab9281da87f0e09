"""A fact of a language model stands only on words that were really said."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest

pytest.importorskip("pydantic")

from mnemic.errors import ModelError
from mnemic.extractors.llm import LLMExtractor
from mnemic.prompts.extract import VERSION
from mnemic.protocols import Extractor, Judge
from mnemic.types import Extraction, ExtractionRequest, Fact, Near, Refusal, Turn, Usage

AT = datetime(2026, 5, 13, 9, 30, tzinfo=UTC)
SPENT = Usage(model_calls=1, input_tokens=100, output_tokens=10)


@dataclass
class ScriptedLLM:
    """Answers each call with the next list of facts, and keeps what it was asked."""

    answers: list = field(default_factory=list)
    asked: list = field(default_factory=list)
    name: str = "test:scripted"

    async def answer(self, system, user, shape):
        self.asked.append((system, user))
        facts = self.answers.pop(0) if self.answers else []
        if isinstance(facts, Exception):
            raise facts
        return shape.model_validate({"facts": facts}), SPENT


class SmallLLM(ScriptedLLM):
    max_input_tokens = 1550


def raw(quote, text="The user likes tea.", **more):
    return {"turn": 1, "quote": quote, "text": text, "subject": "user", "attribute": "drink", **more}


def turn(content, role="user", name=None, said_at=AT):
    return Turn(role=role, content=content, said_at=said_at, name=name)


def extract(llm, *turns, **more):
    return asyncio.run(LLMExtractor(llm).extract(ExtractionRequest(turns=turns, **more)))


def only_fact(*facts, turns):
    found = extract(ScriptedLLM([list(facts)]), *turns)
    assert found.refusals == ()
    assert len(found.facts) == 1
    return found.facts[0]


def test_it_is_an_extractor_named_after_the_model_and_the_prompt():
    extractor = LLMExtractor(ScriptedLLM())
    assert isinstance(extractor, Extractor)
    assert extractor.name == f"test:scripted#extract@{VERSION}"


def test_a_fact_is_taken_over_with_its_quote_slot_and_cost():
    found = extract(ScriptedLLM([[raw("I like tea", kind="preference")]]), turn("Hi! I like tea."))
    assert found == Extraction(
        facts=(
            Fact(
                text="The user likes tea.",
                turn=0,
                quote="I like tea",
                kind="preference",
                subject="user",
                attribute="drink",
            ),
        ),
        usage=SPENT,
    )


def test_no_turns_cost_no_call():
    llm = ScriptedLLM()
    assert extract(llm) == Extraction()
    assert llm.asked == []


def test_turns_with_nothing_in_them_are_not_refused():
    assert extract(ScriptedLLM([[]]), turn("The weather is odd.")) == Extraction(usage=SPENT)


@pytest.mark.parametrize(
    "content", ["Haha, thanks! You too, see you tomorrow.", "哈哈，謝謝你，晚安！", "What time is it?"]
)
def test_no_model_is_asked_about_greetings_and_bare_questions(content):
    llm = ScriptedLLM()
    found = extract(llm, turn(content))
    assert (found.facts, [each.turn for each in found.refusals], llm.asked) == ((), [0], [])


@pytest.mark.parametrize("content", ["Did you know I moved to Rome?", "你知道我搬到台中了嗎？", "Thanks! I'm vegan."])
def test_what_may_tell_of_the_speaker_is_read_by_the_model(content):
    llm = ScriptedLLM([[]])
    extract(llm, turn(content))
    assert len(llm.asked) == 1


@pytest.mark.parametrize(
    ("content", "quote", "repaired"),
    [
        ("Hi, I  LIKE\ntea — really.", "I like tea", "I  LIKE\ntea"),
        ("我對蝦子過敏，很嚴重。", "我對蝦子過敏。", "我對蝦子過敏"),
        ("我的車牌是ＡＢＣ１２３。", "ABC123", "ＡＢＣ１２３"),
        ("我吃素三年了，不過偶爾會吃蛋。", "不过偶爾會吃蛋", "不過偶爾會吃蛋"),
        ("I moved to Porto in May. It rains.", "I have moved to Porto in May", "I moved to Porto in May."),
    ],
)
def test_a_quote_that_differs_a_little_becomes_the_words_that_were_said(content, quote, repaired):
    fact = only_fact(raw(quote, text=quote), turns=[turn(content)])
    assert fact.quote == repaired
    assert fact.quote in content


def test_a_fact_nobody_said_is_refused_with_what_it_claims_to_quote():
    found = extract(ScriptedLLM([[raw("I own a boat", text="The user owns a boat.")]]), turn("I like tea."))
    assert found.facts == ()
    assert found.refusals == (Refusal(turn=0, reason="quote_not_in_source", quote="I own a boat"),)


def test_a_close_sentence_with_another_number_is_not_what_was_said():
    found = extract(
        ScriptedLLM([[raw("I have lived here for 12 years", text="12 years")]]), turn("I've lived here for 7 years.")
    )
    assert [refusal.reason for refusal in found.refusals] == ["quote_not_in_source"]


def test_a_digit_that_differs_is_not_what_was_said():
    found = extract(ScriptedLLM([[raw("車牌是ABC1234", text="ABC1234")]]), turn("車牌是ABC1235。"))
    assert [refusal.reason for refusal in found.refusals] == ["quote_not_in_source"]


def test_a_question_of_the_assistant_is_no_fact():
    found = extract(
        ScriptedLLM([[raw("Do you have pets", text="The assistant asks about pets.")]]),
        turn("The pet shop opened. Do you have pets?", "assistant"),
    )
    assert found.refusals == (Refusal(turn=0, reason="question", quote="Do you have pets"),)


def test_the_words_of_an_earlier_turn_prove_nothing_new():
    found = extract(
        ScriptedLLM([[raw("I own a boat", text="The user owns a boat.")]]),
        turn("I like tea."),
        before=(turn("I own a boat."),),
    )
    assert found.facts == ()


@pytest.mark.parametrize("number", [-3, 0, 1, 2, 99])
def test_a_wrong_turn_number_is_put_right_by_the_quote(number):
    fact = only_fact(raw("I like tea", turn=number), turns=[turn("Hello."), turn("I like tea.")])
    assert fact.turn == 1


def test_an_empty_quote_falls_back_to_the_sentence_that_says_it():
    fact = only_fact(raw("  ", text="I like green tea"), turns=[turn("Hello there. I like green tea.")])
    assert fact.quote == "I like green tea."


def test_a_fact_without_words_of_its_own_takes_those_of_its_quote():
    assert only_fact(raw("I like tea", text=" "), turns=[turn("I like tea.")]).text == "I like tea"


def test_facts_that_quote_nothing_and_can_be_placed_nowhere_are_no_empty_success():
    with pytest.raises(ModelError, match="could not be placed"):
        extract(ScriptedLLM([[raw("", text="The user owns a boat.")]]), turn("I like tea."))


def test_a_fact_that_quotes_nothing_is_given_the_sentence_with_its_words():
    fact = only_fact(raw("", text="Likes green tea"), turns=[turn("Hello there. I like my tea green!")])
    assert fact.quote == "I like my tea green!"


def test_a_number_nobody_said_is_placed_nowhere():
    with pytest.raises(ModelError):
        extract(ScriptedLLM([[raw("", text="Likes 3 green teas")]]), turn("I like green teas."))


def test_a_fact_said_twice_by_the_model_is_one():
    answer = [raw("I like tea"), raw("I like tea", text="The user likes tea")]
    assert len(extract(ScriptedLLM([answer]), turn("I like tea.")).facts) == 1


def test_a_translation_gives_way_to_the_words_themselves():
    fact = only_fact(
        raw("我在光華書店打工", text="The user works at the Light Book Store."), turns=[turn("我在光華書店打工。")]
    )
    assert fact.text == "我在光華書店打工"


def test_a_value_alone_is_no_statement():
    fact = only_fact(raw("I'm Priya", text="Priya", object="Priya"), turns=[turn("I'm Priya, hello.")])
    assert fact.text == "I'm Priya"


def test_a_text_that_leaves_out_its_value_gives_way_to_the_words_that_were_said():
    said = raw("We adopted a kitten, Momo", text="Adopted a kitten", object="Momo")
    assert only_fact(said, turns=[turn("We adopted a kitten, Momo.")]).text == "We adopted a kitten, Momo"
    kept = raw("We adopted a kitten, Momo", text="Adopted the kitten Momo", object="kitten, Momo")
    assert only_fact(kept, turns=[turn("We adopted a kitten, Momo.")]).text == "Adopted the kitten Momo"


def test_who_said_it_follows_from_the_turn():
    fact = only_fact(
        raw("I booked table 4", text="The assistant booked table 4.", subject="Assistant"),
        turns=[turn("I booked table 4.", "assistant")],
    )
    assert (fact.attributed_to, fact.subject) == ("assistant", "assistant")


@pytest.mark.parametrize(
    ("said", "names", "expected"),
    [
        ("The user", (None, None), "user"),
        ("用戶", (None, None), "user"),
        ("Ana", ("Ana", "Ana"), "user"),
        ("user", ("Ana", "Ben"), "Ana"),
        ("Leo", ("Ana", "Ben"), "Leo"),
        (" ", (None, None), None),
    ],
)
def test_the_subject_is_the_user_unless_several_people_speak_as_the_user(said, names, expected):
    turns = [turn("I like tea.", name=names[0]), turn("So do I.", name=names[1])]
    assert only_fact(raw("I like tea", subject=said), turns=turns).subject == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("Works at", "employer"), ("Home City", "home"), ("Top Speed", "top_speed"), ("N/A", None), ("", None)],
)
def test_the_attribute_has_one_name(said, expected):
    assert only_fact(raw("I like tea", attribute=said), turns=[turn("I like tea.")]).attribute == expected


@pytest.mark.parametrize(
    ("said", "expected"), [("Tea", "tea"), ("green  tea", "green tea"), ("coffee", None), ("", None)]
)
def test_the_object_is_in_words_of_the_quote(said, expected):
    assert only_fact(raw("I like green tea", object=said), turns=[turn("I like green tea.")]).object == expected


KNOWN = (
    Near(text="Likes tea", said_at=AT - timedelta(days=90), score=0.8),
    Near(text="Likes a cat", said_at=AT, score=0.4),
)


@pytest.mark.parametrize(
    ("does", "known", "expected"),
    [
        ("replaces", 1, ("replaces", 0, False)),
        ("same", 2, ("same", 1, False)),
        ("fuller", "1", ("fuller", 0, False)),
        ("unsure", 1, ("unsure", 0, False)),
        ("ends", 1, ("replaces", 0, True)),
        ("ends", 0, ("new", None, True)),
        ("new", 1, ("new", None, False)),
        ("replaces", 0, ("new", None, False)),
        ("replaces", 3, ("new", None, False)),
        ("same", -1, ("new", None, False)),
        ("eats", 1, ("new", None, False)),
    ],
)
def test_a_deed_is_done_to_a_memory_that_was_shown_or_to_none(does, known, expected):
    found = extract(ScriptedLLM([[raw("I like tea", does=does, known=known)]]), turn("I like tea."), near=KNOWN)
    assert (found.facts[0].does, found.facts[0].to, found.facts[0].ends) == expected


@pytest.mark.parametrize("does", ["same", "fuller"])
def test_what_has_no_word_in_common_with_a_memory_does_not_say_it_again(does):
    answer = [raw("I started at Bosch", text="Started at Bosch", does=does, known=1)]
    found = extract(ScriptedLLM([answer]), turn("I started at Bosch."), near=KNOWN)
    assert (found.facts[0].does, found.facts[0].to) == ("new", None)


def test_a_fact_that_only_copies_what_it_changes_takes_the_words_that_were_said():
    answer = [raw("I like green tea", text="Likes tea", does="fuller", known=1)]
    found = extract(ScriptedLLM([answer]), turn("I like green tea."), near=KNOWN)
    assert (found.facts[0].text, found.facts[0].does) == ("I like green tea", "fuller")


def test_words_that_only_a_known_memory_has_do_not_get_into_a_fact():
    known = (Near(text="住在台北", said_at=AT, score=0.8),)
    answer = [raw("現在住在台南", text="住台北", does="new", known=0)]
    assert extract(ScriptedLLM([answer]), turn("我現在住在台南。"), near=known).facts[0].text == "現在住在台南"


def test_the_day_of_a_known_memory_is_no_date_of_the_fact():
    answer = [raw("I like tea", valid_from="2026-02-12", does="replaces", known=1)]
    assert extract(ScriptedLLM([answer]), turn("I like tea."), near=KNOWN).facts[0].valid_from is None


def test_without_known_memories_nothing_is_done_to_any():
    fact = only_fact(raw("I like tea", does="replaces", known=1), turns=[turn("I like tea.")])
    assert (fact.does, fact.to) == ("new", None)


def test_only_the_categories_of_the_project_are_kept_each_once():
    found = extract(
        ScriptedLLM([[raw("I like tea", categories=["taste", "weather", "taste"])]]),
        turn("I like tea."),
        choices={"taste": "what is liked"},
    )
    assert found.facts[0].categories == ("taste",)


def test_a_name_from_an_earlier_turn_is_cited_where_it_was_said():
    before = (turn("I met Dana. Dana is my boss!"), turn("Is she nice?", "assistant"))
    found = extract(
        ScriptedLLM([[raw("she lives in Rome", text="Dana lives in Rome", subject="Dana")]]),
        turn("Yes, she lives in Rome."),
        before=before,
    )
    assert found.facts[0].also == ((0, "I met Dana."),)


def test_a_name_of_the_text_from_the_latest_turn_that_says_it_is_cited():
    before = (turn("Oslo is cold."), turn("Shall we go to Oslo?"), turn("Perhaps.", "assistant"))
    found = extract(
        ScriptedLLM([[raw("I booked a flight there", text="Booked a flight to Oslo")]]),
        turn("I booked a flight there."),
        before=before,
    )
    assert found.facts[0].also == ((1, "Shall we go to Oslo?"),)


def test_a_name_that_its_own_turn_says_needs_no_other_evidence():
    found = extract(
        ScriptedLLM([[raw("Dana lives in Rome", text="Dana lives in Rome", subject="Dana")]]),
        turn("Dana lives in Rome."),
        before=(turn("I met Dana."),),
    )
    assert found.facts[0].also == ()


def test_a_name_in_an_earlier_sentence_of_the_turn_is_quoted_too():
    fact = only_fact(
        raw("She works at Siemens", text="Dana works at Siemens", subject="Dana"),
        turns=[turn("Hi! My sister Dana called. She works at Siemens.")],
    )
    assert fact.quote == "My sister Dana called. She works at Siemens"


def judge(llm, *pairs):
    return asyncio.run(LLMExtractor(llm).judge(pairs))


def test_pairs_are_judged_by_one_call_in_their_order():
    class Judging(ScriptedLLM):
        async def answer(self, system, user, shape):
            self.asked.append((system, user))
            verdicts = [{"pair": 3, "verdict": "same"}, {"pair": "1", "verdict": "Outdated"}]
            return shape.model_validate({"verdicts": verdicts}), SPENT

    llm = Judging()
    verdicts, usage = judge(llm, ("Lives in Rome", "Lives in Oslo"), ("Has a cat", "Has a dog"), ("Tea", "tea"))
    assert verdicts == ("changed", "different", "same")
    assert usage == SPENT
    assert len(llm.asked) == 1
    assert llm.asked[0][1].splitlines()[0] == '1. old: "Lives in Oslo" new: "Lives in Rome"'


def test_no_pairs_cost_no_call():
    assert judge(ScriptedLLM()) == ((), Usage())


def test_an_extractor_with_a_model_is_a_judge():
    assert isinstance(LLMExtractor(ScriptedLLM()), Judge)


TAIPEI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (None, None, (None, None, None)),
        ("2025", None, (datetime(2025, 1, 1, tzinfo=TAIPEI), None, "year")),
        ("2025-02", None, (datetime(2025, 2, 1, tzinfo=TAIPEI), None, "month")),
        ("2025-02-03", None, (datetime(2025, 2, 3, tzinfo=TAIPEI), None, "day")),
        ("2025年2月3日", None, (datetime(2025, 2, 3, tzinfo=TAIPEI), None, "day")),
        ("2025-02-03T08:15", None, (datetime(2025, 2, 3, 8, 15, tzinfo=TAIPEI), None, "second")),
        (None, "2025-12", (None, datetime(2026, 1, 1, tzinfo=TAIPEI), "month")),
        ("2025-02-03", "2024", (datetime(2025, 2, 3, tzinfo=TAIPEI), None, "day")),
        ("2025-02-30", "soon", (None, None, None)),
        ("9999", "0000-01-01", (None, None, None)),
        ("2026-05-13", None, (None, None, None)),
        (None, "2026-05-13", (None, None, None)),
    ],
)
def test_dates_are_read_in_the_zone_of_the_turn_and_bad_ones_left_out(since, until, expected):
    said_at = AT.astimezone(TAIPEI)
    fact = only_fact(raw("I like tea", valid_from=since, valid_to=until), turns=[turn("I like tea.", said_at=said_at)])
    assert (fact.valid_from, fact.valid_to, fact.precision) == expected


def test_turns_beyond_the_budget_are_asked_about_in_further_calls_each_whole():
    llm = SmallLLM()
    turns = [turn(f"{word} " * 140) for word in ("alpha", "beta", "gamma")]
    found = extract(llm, *turns)
    assert found.usage == SPENT + SPENT + SPENT
    assert [sum(t.content.strip() in user for t in turns) for _, user in llm.asked] == [1, 1, 1]


def test_a_turn_too_long_for_any_call_is_cut_at_sentences_and_nothing_is_left_out():
    sentences = [f"第{number}句話說的是一件小事。" for number in range(120)]
    llm = SmallLLM(
        [
            [raw("第0句話說的是一件小事", text="第0句")],
            [],
        ]
    )
    found = extract(llm, turn("嗯。"), turn("".join(sentences)))
    assert len(llm.asked) > 2
    assert all(any(sentence in user for _, user in llm.asked) for sentence in sentences)
    assert [fact.turn for fact in found.facts] == [1]


def test_when_the_model_fails_nothing_is_extracted():
    with pytest.raises(ModelError, match="gone"):
        extract(ScriptedLLM([ModelError("gone")]), turn("I like tea."))
