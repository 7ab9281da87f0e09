"""What one new fact does to what is known: written as small stories, and as many generated changes."""

import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import slots
from mnemic.reconcile import (
    Add,
    Correct,
    Draft,
    Fuller,
    Grave,
    Merge,
    Neighbour,
    Outdated,
    Refuse,
    Supersede,
    decide,
    trust,
)
from mnemic.sameness import trace
from mnemic.types import Fact, Memory, Scope, Source

NOW = datetime(2025, 3, 14, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_ids = itertools.count()


def fact(text, attribute=None, value=None, *, subject="user", **more):
    return Fact(text=text, turn=0, quote=text, subject=subject, attribute=attribute, object=value, **more)


def memory(fact, at=NOW, *, role="user", **more):
    defaults = {
        "id": f"m{next(_ids):05}",
        "version": 1,
        "scope": Scope(user_id="u"),
        "kind": fact.kind,
        "text": fact.text,
        "created_at": at,
        "updated_at": at,
        "known_from": at,
        "said_at": at,
        "valid_from": fact.valid_from,
        "valid_to": fact.valid_to,
        "precision": fact.precision,
        "subject": fact.subject,
        "attribute": fact.attribute,
        "object": fact.object,
        "slot": slots.key(fact.subject, fact.attribute),
        "confidence": fact.confidence,
        "role": role,
    }
    return Memory(**(defaults | more))


def traced(memory):
    return trace(memory.text, attribute=memory.attribute, object=memory.object, subject=memory.subject)


def draft(text, attribute=None, value=None, *, at=NOW, role="user", made=None, **more):
    said = fact(text, attribute, value, **more)
    made = memory(said, at, role=role, **(made or {}))
    return Draft(memory=made, trace=traced(made), fact=said, trust=trust(made))


def known(text, attribute=None, value=None, *, at=NOW - DAY, role="user", similarity=None, made=None, **more):
    said = fact(text, attribute, value, **more)
    held = memory(said, at, role=role, **(made or {}))
    return Neighbour(memory=held, trace=traced(held), similarity=similarity, trust=trust(held))


# One value at a time.


def test_a_newer_employer_takes_the_place_of_the_older():
    old = known("I work at Acme", "employer", "Acme")
    assert decide(draft("I work at Beta now", "employer", "Beta"), [old]) == Supersede(
        memories=(old.memory,), reason="newer"
    )


def test_the_value_may_be_read_off_the_sentence():
    old = known("I live in Oslo", "home")
    assert decide(draft("I moved from Oslo to Bergen", "home"), [old]) == Supersede(
        memories=(old.memory,), reason="newer"
    )


def test_a_statement_older_than_what_stands_is_history():
    standing = known("我住在高雄", "home", "高雄", at=NOW)
    assert decide(draft("我住在台北", "home", "台北", at=NOW - 30 * DAY), [standing]) == Outdated(by=standing.memory)


def test_the_time_it_was_true_goes_before_the_time_it_was_said():
    standing = known("I work at Beta", "employer", "Beta", at=NOW - DAY)
    late = draft(
        "In 2010 I joined Acme", "employer", "Acme", valid_from=datetime(2010, 1, 1, tzinfo=UTC), precision="year"
    )
    assert decide(late, [standing]) == Outdated(by=standing.memory)


def test_a_move_of_last_month_is_news_whoever_is_asked_first():
    home = known("I live in Oslo", "home", "Oslo", at=NOW - 10 * DAY)
    told = {"valid_from": NOW - 40 * DAY, "precision": "month"}
    moved = draft("I moved to Bergen last month", "home", "Bergen", **told)
    assert decide(moved, [home]) == Supersede(memories=(home.memory,), reason="newer")
    standing = known("I moved to Bergen last month", "home", "Bergen", at=NOW, **told)
    late = draft("I live in Oslo", "home", "Oslo", at=NOW - 10 * DAY)
    assert decide(late, [standing]) == Outdated(by=standing.memory)


def test_a_month_that_is_known_only_roughly_is_not_older_than_a_day_in_it():
    standing = known("I work at Acme", "employer", "Acme", at=datetime(2025, 3, 10, tzinfo=UTC))
    new = draft(
        "I joined Beta this month", "employer", "Beta", valid_from=datetime(2025, 3, 1, tzinfo=UTC), precision="month"
    )
    assert isinstance(decide(new, [standing]), Supersede)


def test_a_job_of_years_gone_by_retires_nothing():
    standing = known("I work at Beta", "employer", "Beta")
    told = draft("I used to work at Acme", "employer", "Acme")
    closed = draft(
        "I was with Acme from 2010 to 2014", "employer", "Acme",
        valid_from=datetime(2010, 1, 1, tzinfo=UTC), valid_to=datetime(2014, 12, 31, tzinfo=UTC),
    )  # fmt: skip
    assert isinstance(decide(told, [standing]), Add)
    assert not isinstance(decide(closed, [standing]), Supersede)


def test_a_less_detailed_restatement_leaves_the_known_one():
    old = known("I work at Acme in Berlin as an engineer", "employer")
    assert decide(draft("I work at Acme", "employer"), [old]) == Merge(memory=old.memory, reason="shorter")


def test_a_fuller_statement_becomes_the_new_version():
    old = known("I work at Acme", "employer")
    assert decide(draft("I work at Acme in Berlin as an engineer", "employer"), [old]) == Fuller(memory=old.memory)


def test_a_name_begun_is_the_name_told_shorter():
    old = known("I live in Berlin Kreuzberg", "home", "Berlin Kreuzberg")
    assert decide(draft("I live in Berlin", "home", "Berlin"), [old]) == Merge(memory=old.memory, reason="shorter")
    york = known("I live in New York", "home", "New York")
    assert isinstance(decide(draft("I live in York", "home", "York"), [york]), Supersede)


def test_a_word_about_the_job_names_no_employer():
    old = known("I work at Acme", "employer", "Acme")
    assert isinstance(decide(draft("I love my job", "employer"), [old]), Add)
    assert isinstance(decide(draft("I love my job", "employer"), [known("I work at Acme", "employer")]), Add)


def test_what_else_a_sentence_tells_of_a_value_is_kept():
    old = known("My cat Momo hates water", "pet", "cat Momo")
    assert isinstance(decide(draft("My cat Momo is three", "pet", "cat Momo"), [old]), Add)
    employer = known("I work at Acme", "employer", "Acme")
    assert decide(draft("My job at Acme is stressful", "employer", "Acme"), [employer]) == Fuller(
        memory=employer.memory
    )


def test_a_job_that_begins_next_month_retires_none_until_it_is_said_again():
    old = known("I work at Acme", "employer", "Acme")
    told = draft("I start at Beta in May", "employer", "Beta", valid_from=NOW + 50 * DAY, precision="month")
    assert decide(told, [old]) == Add(unsure_of=old.memory.id, reason="not yet")
    waiting = Neighbour(memory=told.memory, trace=told.trace, similarity=0.9, trust=2)
    begun = draft("I work at Beta", "employer", "Beta", at=NOW + 60 * DAY)
    decision = decide(begun, [old, waiting])
    assert decision == Supersede(memories=(old.memory,), reason="confirmed")


def test_a_date_moved_forward_is_newer_all_the_same():
    old = known("My flight is on Friday", "date of flight", "Friday", valid_from=NOW + 7 * DAY, precision="day")
    new = draft(
        "My flight was moved to Thursday", "date of flight", "Thursday", valid_from=NOW + 6 * DAY, precision="day"
    )
    assert decide(new, [old]) == Supersede(memories=(old.memory,), reason="newer")


def test_two_that_stand_by_mistake_are_both_replaced():
    first, second = known("I live in Oslo", "home", "Oslo"), known("I live in Bergen", "home", "Bergen")
    decision = decide(draft("I live in Narvik", "home", "Narvik"), [second, first])
    assert decision == Supersede(memories=(first.memory, second.memory), reason="newer")


def test_a_denied_value_goes_and_another_stays():
    acme = known("I live in Oslo", "home", "Oslo")
    assert decide(draft("I don't live in Oslo", "home", "Oslo"), [acme]) == Supersede(
        memories=(acme.memory,), reason="denied"
    )
    assert isinstance(decide(draft("I don't live in Bergen", "home", "Bergen"), [acme]), Add)


def test_what_follows_not_is_no_denial_of_the_value():
    old = known("I work at Acme", "employer", "Acme")
    assert isinstance(decide(draft("I work at Beta, not at Acme", "employer", "Beta"), [old]), Supersede)


def test_the_state_of_a_thing_is_replaced_and_another_things_state_is_not():
    atlas = known("Atlas is blocked", "status", "blocked", subject="Atlas")
    hermes = known("Hermes is blocked", "status", "blocked", subject="Hermes")
    decision = decide(draft("The status of Atlas is now shipped", "status of Atlas", "shipped"), [atlas, hermes])
    assert decision == Supersede(memories=(atlas.memory,), reason="newer")


def test_a_plan_never_retires_another():
    japan = known("I plan to go to Japan in May", "plan", "go to Japan in May")
    assert isinstance(decide(draft("I plan to learn the piano", "plan", "learn the piano"), [japan]), Add)


def test_one_way_of_eating_replaces_another_and_a_restriction_stands_beside_both():
    vegetarian = known("I'm vegetarian", "diet", "vegetarian")
    assert isinstance(decide(draft("I'm vegan now", "diet", "vegan"), [vegetarian]), Supersede)
    assert isinstance(decide(draft("I eat gluten-free", "diet", "gluten-free"), [vegetarian]), Add)
    assert isinstance(decide(draft("我乳糖不耐", "diet", "乳糖不耐"), [known("我吃素", "diet", "素")]), Add)


def test_one_is_a_value_too():
    first = known("I'm in grade 1", "grade", "1")
    assert isinstance(decide(draft("I'm in grade 2", "grade", "2"), [first]), Supersede)


def test_a_name_with_a_not_in_it_denies_nothing():
    old = known("我最喜歡的歌手是毛不易", "favourite_歌手", "毛不易")
    assert isinstance(decide(draft("我最喜歡的歌手是周深", "favourite_歌手", "周深"), [old]), Supersede)


def test_a_project_may_say_which_attributes_are_single():
    old = known("My mascot is an owl", "mascot", "owl")
    new = draft("My mascot is a fox", "mascot", "fox")
    assert isinstance(decide(new, [old]), Add)
    assert isinstance(decide(new, [old], own={"mascot": True}), Supersede)
    employer = known("I work at Acme", "employer", "Acme")
    assert isinstance(decide(draft("I work at Beta", "employer", "Beta"), [employer], own={"employer": False}), Add)


# Trust.


@pytest.mark.parametrize("role", ["assistant", "tool"])
def test_what_the_user_said_is_not_retired_by(role):
    old = known("I work at Acme", "employer", "Acme")
    assert decide(draft("The user works at Beta", "employer", "Beta", role=role), [old]) == Add(
        unsure_of=old.memory.id, reason="less trusted"
    )


def test_a_tool_does_not_rewrite_what_the_user_said():
    old = known("I work at Acme", "employer")
    new = draft("I work at Acme in Berlin as an engineer", "employer", role="tool")
    assert decide(new, [old]) == Add(unsure_of=old.memory.id, reason="fuller but less sure")


def test_a_hedged_fact_changes_nothing():
    old = known("I work at Acme", "employer", "Acme")
    new = draft("Maybe I work at Beta, haha", "employer", "Beta", confidence=0.3)
    assert decide(new, [old]) == Add(unsure_of=old.memory.id, reason="hedged")


def test_a_person_settles_what_a_tool_had_left_unsure():
    user = known("I work at Acme", "employer", "Acme", at=NOW - 3 * DAY)
    tool = known("The user works at Beta", "employer", "Beta", at=NOW - DAY, role="tool")
    decision = decide(draft("I work at Beta", "employer", "Beta"), [user, tool])
    assert decision == Supersede(memories=(user.memory, tool.memory), reason="confirmed")


def test_what_others_say_of_somebody_does_not_retire_what_they_said_themselves():
    ann = known("I work at Acme", "employer", "Acme", subject="Ann", made={"actor": "Ann"})
    said_by_bob = draft("Ann works at Beta", "employer", "Beta", subject="Ann", made={"actor": "Bob"})
    assert decide(said_by_bob, [ann]) == Add(unsure_of=ann.memory.id, reason="less trusted")


def test_speakers_of_a_group_never_touch_one_another():
    ann = known("I work at Acme", "employer", "Acme", subject="Ann", made={"actor": "Ann"})
    bob = draft("I work at Beta", "employer", "Beta", subject="Bob", made={"actor": "Bob"})
    same = draft("I work at Acme", "employer", "Acme", subject="Bob", made={"actor": "Bob"})
    assert decide(bob, [ann]) == decide(same, [ann]) == Add(reason="new")


def test_a_persons_correction_counts_from_when_it_was_made():
    standing = known(
        "I work at Beta", "employer", "Beta", at=NOW - 9 * DAY, made={"origin": "corrected", "updated_at": NOW}
    )
    late = draft("I work at Acme", "employer", "Acme", at=NOW - DAY)
    assert decide(late, [standing]) == Outdated(by=standing.memory)


def test_a_correction_in_talk_counts_from_its_message_and_not_from_when_it_was_read():
    sources = tuple(
        Source(episode_id=f"e{days}", quote="", said_at=NOW - days * DAY, role="user") for days in (400, 399)
    )
    made = {"origin": "corrected", "updated_at": NOW, "sources": sources}
    standing = known("I live in Oslo", "home", "Oslo", at=NOW - 400 * DAY, made=made)
    later = draft("I live in Bergen", "home", "Bergen", at=NOW - 100 * DAY)
    assert decide(later, [standing]) == Supersede(memories=(standing.memory,), reason="newer")


def test_the_best_source_of_a_memory_is_what_it_is_trusted_for():
    tool = Source(episode_id="e1", quote="", said_at=NOW, role="tool")
    user = Source(episode_id="e2", quote="", said_at=NOW, role="user")
    one = memory(fact("x"), role="tool")
    assert trust(one) == 0
    assert trust(replace(one, sources=(tool, user))) == 2
    assert trust(replace(one, sources=(tool,))) == 0
    assert trust(replace(one, role="assistant")) == 1
    assert trust(replace(one, role="user", attributed_to="assistant")) == 1
    assert trust(replace(one, origin="given")) == 2


# Values that stand beside one another.


def test_a_second_pet_never_retires_the_first():
    cat = known("I have a cat named Momo", "pet", "cat named Momo")
    dog = draft("I have a dog named Rex", "pet", "dog named Rex", does="replaces", to=0)
    assert isinstance(decide(dog, [cat], meant=cat), Add)


@given(
    st.sampled_from([name for name in slots.known() if slots.single(name) is False]),
    st.lists(st.sampled_from("owl fox rook lynx newt crab 貓 狗 魚 鳥".split()), min_size=2, max_size=6, unique=True),
    st.booleans(),
)
def test_additive_facts_never_retire_each_other(attribute, values, hinted):
    standing = []
    for step, value in enumerate(values):
        meant = standing[-1] if hinted and standing else None
        new = draft(
            f"about {value}",
            attribute,
            value,
            at=NOW + step * DAY,
            does="replaces" if meant else "new",
            to=0 if meant else None,
        )
        assert isinstance(decide(new, standing, meant=meant), Add)
        standing.append(Neighbour(memory=new.memory, trace=new.trace, similarity=None, trust=2))


# What is over.


def test_the_end_of_a_job_that_is_not_named_ends_the_one_that_stands():
    job, home = known("I work at Acme", "employer", "Acme"), known("I live in Oslo", "home", "Oslo")
    assert decide(draft("I quit my job", "employer", ends=True), [job, home]) == Supersede(
        memories=(job.memory,), reason="ended"
    )


def test_the_end_of_a_job_long_left_ends_nothing():
    job = known("I work at Acme", "employer", "Acme")
    assert isinstance(decide(draft("I quit Beta", "employer", "Beta", ends=True), [job]), Add)


@pytest.mark.parametrize(
    ("said", "value", "ended"),
    [
        ("my cat Momo died", "Momo", "cat"),
        ("我的貓Momo過世了", "Momo", "cat"),
        ("My dog passed away", "dog", "dog"),
    ],
)
def test_the_death_of_one_pet_ends_no_other(said, value, ended):
    pets = {
        "cat": known("I have a cat named Momo", "pet", "cat named Momo"),
        "dog": known("I have a dog named Rex", "pet", "dog named Rex"),
    }
    decision = decide(draft(said, "pet", value, ends=True), pets.values())
    assert decision == Supersede(memories=(pets[ended].memory,), reason="ended")


def test_an_end_that_fits_two_ends_neither():
    rex, max_ = known("I have a dog named Rex", "pet"), known("I have a dog named Max", "pet")
    decision = decide(draft("My dog died", "pet", "dog", ends=True), [rex, max_])
    assert decision == Add(unsure_of=max_.memory.id, reason="ends one of several")


def test_an_end_with_no_value_ends_nothing_that_adds_up():
    cat = known("I have a cat", "pet", "cat")
    assert isinstance(decide(draft("We no longer have pets", "pet", ends=True), [cat]), Add)


def test_what_is_over_may_be_named_by_its_own_words():
    violin = known("I play the violin every week")
    piano = known("I play the piano every week")
    daughter = known("My daughter plays the violin", subject="daughter")
    over = draft("I no longer play the violin", None, "play the violin", ends=True)
    assert decide(over, [violin, piano, daughter]) == Supersede(memories=(violin.memory,), reason="ended")
    assert isinstance(decide(over, [piano, daughter]), Add)
    twice = [violin, known("I play the violin in an orchestra")]
    assert decide(over, twice) == Add(unsure_of=twice[1].memory.id, reason="ends one of several")
    assert isinstance(
        decide(draft("我不學日文了", None, "學日文", ends=True), [known("我在學日文", "language", "日文")]), Supersede
    )


# What the extractor says.


def test_a_replacement_of_an_unknown_attribute_needs_the_same_slot():
    old = known("My mascot is an owl", "mascot", "owl")
    other = known("My badge is an owl", "badge", "owl")
    new = draft("My mascot is a fox", "mascot", "fox", does="replaces", to=0)
    assert decide(new, [old, other], meant=old) == Supersede(memories=(old.memory,), reason="newer")
    assert decide(new, [old, other], meant=other) == Add(unsure_of=other.memory.id, reason="new")


def test_a_doubt_of_the_extractor_is_kept():
    old = known("I like the sea", "likes", "the sea")
    new = draft("I get seasick", "health", "seasick", does="unsure", to=0)
    assert decide(new, [old], meant=old) == Add(unsure_of=old.memory.id, reason="new")


def test_the_word_same_does_not_merge_two_names():
    old = known("My sister Anna lives in Oslo", similarity=0.95)
    new = draft("My sister Emma lives in Oslo", does="same", to=0)
    assert isinstance(decide(new, [old], meant=old), Add)


def test_the_word_same_merges_what_the_words_leave_open():
    old = known("I am scared of flying", similarity=0.93)
    hinted = draft("Flying frightens the user a lot", does="same", to=0)
    assert decide(hinted, [old], meant=old) == Merge(memory=old.memory, reason="same")
    assert isinstance(decide(replace(hinted, fact=replace(hinted.fact, does="new")), [old], meant=old), Add)


# Corrections.


def test_a_correction_changes_the_wrong_words_of_what_was_just_said():
    wrong = known("My flight is on Tuesday at 9", at=NOW - timedelta(minutes=1))
    older = known("I play chess on Tuesday", at=NOW - 40 * DAY)
    new = draft("No, I meant Thursday, not Tuesday", None, "Thursday", corrects="Tuesday")
    assert decide(new, [older, wrong]) == Correct(memory=wrong.memory, text="My flight is on Thursday at 9")


def test_a_correction_in_chinese():
    wrong = known("我星期二要看牙醫", at=NOW - timedelta(minutes=1))
    assert decide(draft("不對，是星期四", None, "星期四", corrects="星期二"), [wrong]) == Correct(
        memory=wrong.memory, text="我星期四要看牙醫"
    )


def test_a_correction_does_not_reach_into_other_words_or_other_days():
    inside = known("I adore catamarans", at=NOW)
    long_ago = known("I have a cat", at=NOW - 40 * DAY)
    assert isinstance(decide(draft("I meant dog", None, "dog", corrects="cat"), [inside, long_ago]), Add)


def test_an_assistant_corrects_nothing_of_the_users():
    said = known("My flight is on Tuesday", at=NOW)
    assert isinstance(
        decide(draft("Thursday, not Tuesday", None, "Thursday", role="assistant", corrects="Tuesday"), [said]), Add
    )


# Forgotten.


def grave(text, attribute=None, value=None, similarity=None):
    buried = memory(fact(text, attribute, value))
    return Grave(trace=traced(buried), slot=buried.slot, similarity=similarity)


@pytest.mark.parametrize(
    ("forgotten", "told", "attribute"),
    [
        ("I'm allergic to peanuts", "I have a peanut allergy", "allergy"),
        ("我對花生過敏", "花生會讓我過敏", "allergy"),
        ("I work at Acme", "My employer is Acme in Berlin", "employer"),
        ("我在Acme上班", "我任職於Acme", "employer"),
    ],
)
def test_a_paraphrase_of_what_was_forgotten_is_refused(forgotten, told, attribute):
    assert decide(draft(told, attribute), [], graves=[grave(forgotten, attribute)]) == Refuse(reason="forgotten")


def test_the_end_of_what_was_forgotten_is_refused():
    told = draft("I quit my job at Acme", "employer", "Acme", ends=True)
    assert decide(told, [], graves=[grave("I work at Acme", "employer", "Acme")]) == Refuse(reason="forgotten")


def test_a_new_value_in_the_slot_of_what_was_forgotten_is_kept():
    graves = [grave("I work at Acme", "employer"), grave("我對花生過敏", "allergy")]
    assert isinstance(decide(draft("I work at Beta", "employer"), [], graves=graves), Add)
    assert isinstance(decide(draft("我對蝦子過敏", "allergy"), [], graves=graves), Add)


def test_without_a_slot_a_paraphrase_is_refused_by_words_and_nearness():
    graves = [grave("I go running every morning", similarity=0.9)]
    assert isinstance(decide(draft("Every morning I go running"), [], graves=graves), Refuse)
    assert isinstance(decide(draft("Every evening I go running"), [], graves=graves), Add)


# Events.


def test_the_same_event_on_another_day_is_another_event():
    monday = {"kind": "event", "valid_from": NOW - 7 * DAY, "precision": "day"}
    today = {"kind": "event", "valid_from": NOW, "precision": "day"}
    old = known("I ran ten kilometres", similarity=1.0, **monday)
    assert isinstance(decide(draft("I ran ten kilometres", **today), [old]), Add)
    assert decide(draft("I ran ten kilometres", **monday), [old]) == Merge(memory=old.memory, reason="same")


# Many changes.

ENGLISH = {
    "employer": (["I work at {}", "I just started at {}", "My new employer is {}", "I joined {} last week"], ["Acme", "Siemens", "Blue Harbor", "Google", "Kestrel Labs"]),
    "home": (["I live in {}", "I moved to {}", "My home is in {} now", "We settled in {}"], ["Berlin", "Oslo", "New York", "York", "Lisbon"]),
    "occupation": (["I'm a {}", "I work as a {}", "I became a {}"], ["nurse", "software engineer", "teacher", "pilot"]),
    "age": (["I'm {} years old", "I turned {}", "I am {}"], ["30", "31", "forty", "52"]),
    "name": (["My name is {}", "Call me {}", "I'm called {}"], ["Dana", "Robert", "Li Wei", "Ana Maria"]),
    "email": (["My email is {}", "You can reach me at {}"], ["dana@example.com", "d.smith@example.org", "x42@mail.test"]),
    "phone": (["My phone number is {}", "Call me at {}"], ["555-0101", "555-0199", "+49 30 1234"]),
    "relationship_status": (["I'm {}", "I am {} now"], ["single", "engaged", "married", "divorced"]),
    "spouse": (["My wife is called {}", "I'm married to {}", "My partner is {}"], ["Ann", "Beatrice", "Chloe Park"]),
    "car": (["I drive a {}", "I bought a {}", "My car is a {}"], ["Toyota Corolla", "blue Volvo", "Tesla Model 3"]),
    "school": (["I go to {}", "I study at {}"], ["Lincoln High", "MIT", "Oxford"]),
    "boss": (["My boss is {}", "I report to {}"], ["Karen", "Miguel", "Priya Nair"]),
    "timezone": (["My time zone is {}"], ["UTC+8", "UTC-5", "Pacific"]),
    "favourite_food": (["My favourite food is {}", "The food I like most is {}"], ["ramen", "pizza", "pad thai"]),
    "favourite_colour": (["My favourite colour is {}"], ["green", "dark blue", "red"]),
    "weight": (["I weigh {}", "My weight is {}"], ["70 kg", "75 kg", "68.5 kg"]),
    "current_project": (["My current project is {}", "I'm now working on {}"], ["Atlas", "Hermes", "the billing rewrite"]),
    "hometown": (["I'm originally from {}", "I grew up in {}"], ["Leeds", "Kyoto", "San Jose"]),
}  # fmt: skip
CHINESE = {
    "employer": (["我在{}上班", "我任職於{}", "我跳槽到{}了", "我在{}工作"], ["台積電", "聯發科", "Google", "中華電信"]),
    "home": (["我住在{}", "我搬到{}了", "我现在住{}"], ["台北", "高雄", "新北市板橋區", "上海"]),
    "occupation": (["我是{}", "我的職業是{}", "我當{}"], ["老師", "工程師", "護理師", "律師"]),
    "age": (["我今年{}歲", "我{}岁了"], ["三十", "三十一", "52"]),
    "name": (["我叫{}", "我的名字是{}"], ["王小明", "陳怡君", "Dana"]),
    "email": (["我的信箱是{}", "我的邮箱是{}"], ["a@example.com", "b@example.org"]),
    "relationship_status": (["我{}了", "我現在{}"], ["單身", "結婚", "離婚", "訂婚"]),
    "spouse": (["我太太叫{}", "我老婆是{}"], ["怡君", "美玲", "小芳"]),
    "car": (["我開{}", "我買了{}", "我的車是{}"], ["豐田", "特斯拉", "賓士"]),
    "school": (["我就讀{}", "我在{}念書"], ["建中", "台大", "北一女"]),
    "boss": (["我的主管是{}", "我老闆叫{}"], ["陳經理", "Kevin", "林小姐"]),
    "favourite_food": (["我最喜歡的食物是{}", "我最愛吃{}"], ["牛肉麵", "水餃", "壽司"]),
    "weight": (["我體重{}", "我的体重是{}"], ["70公斤", "68公斤"]),
    "hometown": (["我老家在{}", "我來自{}"], ["台南", "屏東", "花蓮"]),
}  # fmt: skip
BYSTANDERS = [
    ("I have a cat named Momo", "pet", "cat named Momo"),
    ("I speak French", "language", "French"),
    ("I'm allergic to peanuts", "allergy", "peanuts"),
    ("I like hiking", "likes", "hiking"),
    ("我對蝦子過敏", "allergy", "蝦子"),
    ("我養了一隻狗", "pet", "狗"),
    ("I plan to visit Kyoto", "plan", "visit Kyoto"),
    ("I was born on 3 May 1990", "birthday", "3 May 1990"),
    ("My height is 180 cm", "height", "180 cm"),
    ("My sister works at Acme", "employer", "Acme"),
]


def changes(seed, count):
    """Random (attribute, first statement, second statement) with another value, as (text, object)."""
    draw = random.Random(seed)
    cases = [(attribute, *case) for data in (ENGLISH, CHINESE) for attribute, case in data.items()]
    for _ in range(count):
        attribute, templates, values = draw.choice(cases)
        first, second = draw.sample(values, 2)
        yield attribute, (draw.choice(templates).format(first), first), (draw.choice(templates).format(second), second)


def world(draw, attribute):
    """What else is known, none of it about the attribute of the user."""
    others = []
    for text, name, value in BYSTANDERS:
        subject = "sister" if text.startswith("My sister") else "user"
        if name != attribute or subject != "user":
            others.append(known(text, name, value, subject=subject, at=NOW - 9 * DAY))
    # Another person holds the same slot.
    others.append(known("Ann has it otherwise", attribute, "otherwise", subject="Ann", at=NOW - 9 * DAY))
    draw.shuffle(others)
    return others


def outcome(seed, count, *, with_object):
    right = collateral = 0
    draw = random.Random(seed)
    wrong = []
    for attribute, (before, old_value), (after, new_value) in changes(seed, count):
        others = world(draw, attribute)
        old = known(before, attribute, old_value if with_object else None)
        new = draft(after, attribute, new_value if with_object else None)
        decision = decide(new, [old, *others])
        retired = {each.id for each in decision.memories} if isinstance(decision, Supersede) else set()
        right += retired == {old.memory.id}
        collateral += bool(retired - {old.memory.id}) or isinstance(decision, (Merge, Fuller))
        if retired != {old.memory.id}:
            wrong.append((before, after, decision))
    return right / count, collateral / count, wrong


@pytest.mark.parametrize("with_object", [True, False])
def test_of_generated_changes_at_least_95_in_100_are_right(with_object):
    right, collateral, wrong = outcome(7, 600, with_object=with_object)
    assert right >= 0.95, wrong[:10]
    assert collateral < 0.01, wrong[:10]


@pytest.mark.parametrize("with_object", [True, False])
def test_generated_restatements_retire_nothing(with_object):
    draw = random.Random(11)
    wrong = []
    for _ in range(400):
        data = draw.choice([ENGLISH, CHINESE])
        attribute = draw.choice(list(data))
        templates, values = data[attribute]
        value = draw.choice(values)
        first, second = (draw.choice(templates).format(value) for _ in range(2))
        old = known(first, attribute, value if with_object else None)
        decision = decide(draft(second, attribute, value if with_object else None), [old, *world(draw, attribute)])
        if not isinstance(decision, (Merge, Fuller)) or decision.memory.id != old.memory.id:
            wrong.append((first, second, decision))
    assert len(wrong) <= 8, wrong[:10]
    assert not any(isinstance(decision, Supersede) for *_, decision in wrong), wrong


@given(st.integers(0, 10_000), st.permutations(range(6)), st.booleans())
def test_the_order_of_neighbours_makes_no_difference(seed, order, with_object):
    draw = random.Random(seed)
    data = draw.choice([ENGLISH, CHINESE])
    attribute = draw.choice(list(data))
    templates, values = data[attribute]
    around = [
        known(
            draw.choice(templates).format(value := draw.choice(values)),
            attribute,
            value if with_object else None,
            at=NOW - draw.randint(-1, 3) * DAY,
            role=draw.choice(["user", "user", "tool", "assistant"]),
        )
        for _ in order
    ]
    value = draw.choice(values)
    new = draft(draw.choice(templates).format(value), attribute, value, ends=draw.random() < 0.2)
    assert decide(new, around) == decide(new, [around[place] for place in order])


def test_two_things_read_off_the_same_words_are_no_duplicates_of_one_another():
    whole = "I live in Oslo and work at Acme"
    source = Source(episode_id="e1", quote=whole, said_at=NOW, role="user")
    first = known(whole, "home", "Oslo", at=NOW, similarity=1.0, made={"sources": (source,)})
    second = draft(whole, "employer", "Acme", made={"sources": (source,)})
    assert isinstance(decide(second, [first]), Add)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I run 5 km every Sunday", "I run 10 km every Sunday now"),
        ("I take the 8:15 train", "I take the 9:02 train now instead"),
        ("We use Jira at work", "We use Linear at work now"),
        ("我每週跑步兩次", "我現在每週跑步三次"),
    ],
)
def test_the_same_sentence_with_another_value_and_a_now_takes_the_place_of_the_first(old, new):
    standing = known(old)
    assert decide(draft(new), [standing]) == Supersede(memories=(standing.memory,), reason="newer")
    assert isinstance(
        decide(draft(new.replace(" now", "").replace("現在", "").replace(" instead", "")), [standing]), Add
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("I have a bike", "I have a boat now"),
        ("I run 5 km every Sunday", "I swim 5 km on Mondays now"),
        ("I know Ann from school", "I know Bob from work now"),
    ],
)
def test_a_now_alone_retires_nothing(old, new):
    assert isinstance(decide(draft(new), [known(old)]), Add)


@pytest.mark.parametrize(
    ("old", "over", "gone"),
    [
        ("I go to the gym twice a week", "the gym", True),
        ("I use Acme Mail every day", "Acme Mail", True),
        ("I own a coffee shop in Bath", "coffee", False),
        ("I work as a coffee roaster", "coffee", False),
    ],
)
def test_what_is_over_is_found_among_words_of_use(old, over, gone):
    said = draft(f"I gave up {over}", None, over, ends=True)
    assert isinstance(decide(said, [known(old)]), Supersede) is gone


@pytest.mark.parametrize(
    ("told", "value", "right", "corrected"),
    [
        ("My exam is on Tuesday at nine", None, "Thursday", "My exam is on Thursday at nine"),
        ("I live in Rome", "Rome", "Oslo", "I live in Oslo"),
        ("My sister Ana is a nurse", "nurse", "Anna", "My sister Anna is a nurse"),
        ("I have two cats", "two cats", "three", "I have three cats"),
        ("會議在星期三", None, "星期四", "會議在星期四"),
    ],
)
def test_a_bare_correction_puts_right_the_value_of_its_kind(told, value, right, corrected):
    said = draft(f"sorry, I meant {right}", None, right, subject=None, corrects="")
    before = known(told, at=NOW - timedelta(minutes=1), value=value)
    older = known("I met Ben on Monday", at=NOW - timedelta(minutes=5))
    assert decide(said, [older, before]) == Correct(memory=before.memory, text=corrected)


def test_a_bare_correction_that_fits_two_stretches_or_none_changes_nothing():
    for told in ("Bob met Tim on Monday", "I like tea"):
        said = draft("sorry, I meant Zoe", None, "Zoe", subject=None, corrects="")
        assert isinstance(decide(said, [known(told, at=NOW - timedelta(minutes=1))]), Add)
