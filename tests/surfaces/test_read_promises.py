"""The promises of the read path that are measured on labelled sets, with the bundled embedder, through the public API.

The sets and their measures are those of evals/read, where their figures are printed. Abstention is judged on the
test half: constants may be chosen on the other one.
"""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "evals" / "read"))

import abstain
import languages
import times
from borrowed import CachedEmbedder

from mnemic.embedders.bundled import bundled


@pytest.fixture(scope="module")
def embedders(tmp_path_factory):
    """Each bundled model by its short name, embedding no text twice in this module."""
    folder = tmp_path_factory.mktemp("vectors")
    made = {}

    def one(name):
        if name not in made:
            made[name] = CachedEmbedder(bundled(name), folder / f"{name}.db")
        return made[name]

    yield one
    for each in made.values():
        each._db.close()


@pytest.fixture(scope="module")
def figures(embedders):
    """What a measure says, taken once in this module for the same arguments: `figures(measure, *arguments)`."""
    known = {}

    async def measured(measure, *arguments, model="e5", **options):
        key = (measure, arguments, model, tuple(options.items()))
        if key not in known:
            known[key] = await measure(embedders(model), *arguments, **options)
        return known[key]

    return measured


def unkept(*arguments, measured):
    """A case in which the promise is not kept yet, with the figure that it falls short by."""
    return pytest.param(*arguments, marks=pytest.mark.xfail(reason=f"measured {measured}"))


# R4: at least 90 of 100 off-topic questions come back empty, with the count below the floor; recall at 10 of on-topic
# paraphrases at least 0.9.


@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", [unkept("en", measured="13 of 50"), unkept("zh", measured="21 of 50")])
async def test_off_topic_questions_come_back_empty(figures, language):
    got = await figures(abstain.measure, language, split="test")
    assert got.empty.value >= 0.9, got


@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", [unkept("en", measured="0.79"), unkept("zh", measured="0.86")])
async def test_paraphrases_are_found(figures, language):
    got = await figures(abstain.measure, language, split="test")
    assert got.recall >= 0.9, got


@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", [unkept("en", measured="15 of 30"), unkept("zh", measured="23 of 30")])
async def test_a_store_of_six_memories_knows_what_it_does_not_know(figures, language):
    got = await figures(abstain.measure, language, "small")
    assert got.empty.value >= 0.9, got


@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", ["en", unkept("zh", measured="0.75")])
async def test_a_store_of_six_memories_finds_what_it_knows(figures, language):
    got = await figures(abstain.measure, language, "small")
    assert got.recall >= 0.9, got


@pytest.mark.slow
@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", [unkept("en", measured="14 of 50"), unkept("zh", measured="8 of 50")])
async def test_off_topic_questions_come_back_empty_with_the_second_embedder(figures, language):
    got = await figures(abstain.measure, language, split="test", model="use")
    assert got.empty.value >= 0.9, got


@pytest.mark.slow
@pytest.mark.behaviour("R4")
@pytest.mark.parametrize("language", ["en", unkept("zh", measured="0.84")])
async def test_paraphrases_are_found_with_the_second_embedder(figures, language):
    got = await figures(abstain.measure, language, split="test", model="use")
    assert got.recall >= 0.9, got


# R5: of 20 dated checkpoints the newest is in the first three; an old exact answer is never pushed out by newer noise.


@pytest.mark.behaviour("R5")
@pytest.mark.parametrize("language", [unkept("en", measured="2 of 3"), unkept("zh", measured="2 of 3")])
async def test_the_newest_of_twenty_checkpoints_is_in_the_first_three(figures, language):
    got = await figures(times.recency, language, groups=3)
    assert got.newest.value == 1, got


@pytest.mark.behaviour("R5")
@pytest.mark.parametrize("language", ["en", unkept("zh", measured="2 of 3")])
async def test_an_old_exact_answer_stays_before_newer_noise(figures, language):
    got = await figures(times.recency, language, groups=3)
    assert got.exact.value == 1, got


@pytest.mark.slow
@pytest.mark.behaviour("R5")
@pytest.mark.parametrize("language", [unkept("en", measured="9 of 10"), unkept("zh", measured="9 of 10")])
async def test_the_newest_checkpoint_is_in_the_first_three_whatever_the_project(figures, language):
    got = await figures(times.recency, language)
    assert got.newest.value == 1, got


@pytest.mark.slow
@pytest.mark.behaviour("R5")
@pytest.mark.parametrize("language", ["en", unkept("zh", measured="8 of 10")])
async def test_old_exact_answers_stay_before_newer_noise_whatever_the_topic(figures, language):
    got = await figures(times.recency, language)
    assert got.exact.value == 1, got


# R6: questions with a time rank the memories of that time first. Nine in ten: some name the topic in other words, too.


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_question_with_a_time_gets_a_memory_of_that_time_first(figures, language):
    got = await figures(times.measure, language)
    assert got.first.value >= 0.9, got


@pytest.mark.behaviour("R6")
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_the_memories_of_a_time_are_among_the_first_ten(figures, language):
    got = await figures(times.measure, language)
    assert got.ten.value >= 0.9, got


# R8: recall within five points of English; one- and two-character Chinese words by keyword; cross-language questions.


@pytest.mark.behaviour("R8")
@pytest.mark.parametrize(
    "language",
    [
        "zh-Hant",
        "zh-Hans",
        "ja",
        "ko",
        "es",
        "ru",
    ],
)
async def test_what_ranks_high_does_so_in_every_language(figures, language):
    english, got = await figures(languages.measure, "en"), await figures(languages.measure, language)
    assert got.five.value >= english.five.value - 0.05, got


@pytest.mark.behaviour("R8")
@pytest.mark.parametrize("language", languages.LANGUAGES[1:])
async def test_what_is_shown_is_shown_in_every_language(figures, language):
    english, got = await figures(languages.measure, "en"), await figures(languages.measure, language)
    assert got.ten.value >= english.ten.value - 0.05, got


@pytest.mark.behaviour("R8")
async def test_short_chinese_words_find_every_memory_that_has_them(figures):
    found, failures = await figures(languages.words)
    assert found.value == 1, failures


@pytest.mark.slow
@pytest.mark.behaviour("R8")
@pytest.mark.parametrize(("asked", "kept"), languages.CROSSED)
async def test_a_question_in_one_language_ranks_a_memory_in_another_high(figures, asked, kept):
    got = await figures(languages.measure, asked, kept)
    assert got.five.value >= 0.8, got


@pytest.mark.slow
@pytest.mark.behaviour("R8")
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("en", "zh-Hant"),
        ("en", "ja"),
        unkept("en", "ko", measured="28 of 40"),
        unkept("en", "es", measured="15 of 40"),
        unkept("en", "ru", measured="26 of 40"),
        ("zh-Hant", "en"),
        ("zh-Hans", "zh-Hant"),
        unkept("zh-Hant", "zh-Hans", measured="24 of 40"),
    ],
)
async def test_a_question_in_one_language_is_answered_with_a_memory_in_another(figures, asked, kept):
    got = await figures(languages.measure, asked, kept)
    assert got.ten.value >= 0.8, got
