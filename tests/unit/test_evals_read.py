"""The evaluations of the read path: figures against ones worked out by hand, baselines, a run, and an answered question."""

import json
import math
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "evals" / "read"))

import answer
import compare
import embedders
import measures
import report
import run
from baselines import BM25, Vectors, everything, terms, whole_sessions
from cases import Case, DataSet, Message, Question

from mnemic.testing.fakes import FakeEmbedder, FakeLLM


def said(number, text, session="s", **more):
    return Message(id=f"m{number}", text=text, session=session, **more)


CASE = Case(
    id="alice",
    messages=(
        said(0, "My dog is called Rex.", "one"),
        said(1, "I moved to Lisbon in spring.", "one"),
        said(2, "The kitchen in Lisbon is tiny.", "two"),
        said(3, "Chess on Tuesdays keeps me sane.", "two"),
    ),
    questions=(
        Question(id="q0", text="What is my dog called?", category="pets", gold=("m0",), answer="Rex"),
        Question(id="q1", text="What about Lisbon?", category="places", gold=("m1", "m2"), answer="tiny kitchen"),
        Question(id="q2", text="Who is my boss?", category="nothing", gold=(), answer="never said"),
    ),
)


# Figures.


def test_figures_are_those_worked_out_by_hand():
    row = measures.score(["x", "b", "y", "a", "z", "c"], {"a", "b", "c"}, (1, 3, 5))
    ideal = 1 + 1 / math.log2(3) + 1 / 2
    gained = 1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(7)
    assert row == pytest.approx(
        {
            "R@1": 0,
            "hit@1": 0,
            "all@1": 0,
            "R@3": 1 / 3,
            "hit@3": 1,
            "all@3": 0,
            "R@5": 2 / 3,
            "hit@5": 1,
            "all@5": 0,
            "MRR": 1 / 2,
            "nDCG@10": gained / ideal,
        }
    )


def test_mrr_looks_no_further_than_the_deepest_k():
    assert measures.score(["x", "y", "a"], {"a"}, (1, 2))["MRR"] == 0
    assert measures.score(["x", "y", "a"], {"a"}, (1, 3))["MRR"] == pytest.approx(1 / 3)


def test_a_curve_counts_the_tokens_of_a_session_that_comes_again_and_its_recall_once():
    assert measures.curve(["s1", "s1", "s2"], [10, 20, 5], {"s1", "s2"}, 4) == [
        (10, 0.5),
        (30, 0.5),
        (35, 1.0),
        (35, 1.0),
    ]


def test_percentiles_are_values_that_were_measured():
    assert [measures.percentile([4.0, 1.0, 3.0, 2.0], share) for share in (0.0, 0.5, 0.95)] == [1.0, 2.0, 4.0]
    assert math.isnan(measures.percentile([], 0.5))


# Baselines.


def test_bm25_of_one_rare_word_is_the_formula():
    found = BM25(CASE).search("dog", 10)
    assert [message.id for message, _ in found] == ["m0"]
    lengths = [len(terms(each.text)) for each in CASE.messages]
    norm = 1.5 * (0.25 + 0.75 * lengths[0] / (sum(lengths) / 4))
    assert found[0][1] == pytest.approx(math.log(1 + 3.5 / 1.5) * 2.5 / (1 + norm))


def test_a_window_reaches_the_turn_beside_and_no_other_session():
    found = [message.id for message, _ in BM25(CASE, window=1).search("dog", 10)]
    assert sorted(found) == ["m0", "m1"]


def test_words_are_stemmed_stop_words_left_out_and_chinese_is_cut_in_pairs():
    assert terms("The dogs were running to 台北車站") == ["dog", "run", "台", "北", "車", "站", "台北", "北車", "車站"]


def test_whole_sessions_are_one_message_each():
    assert [each.text for each in whole_sessions(CASE).messages] == [
        "My dog is called Rex.\nI moved to Lisbon in spring.",
        "The kitchen in Lisbon is tiny.\nChess on Tuesdays keeps me sane.",
    ]


async def test_vectors_alone_rank_by_cosine():
    embedder = embedders.Timed(FakeEmbedder())
    found = await (await Vectors(embedder).read(CASE)).search("My dog is called Rex.", 2)
    assert found[0][0].id == "m0"
    assert found[0][1] == pytest.approx(1, abs=1e-5)
    assert len(found) == 2


# Vectors that are replayed.


async def test_saved_vectors_are_replayed_and_an_unknown_text_is_an_error(tmp_path):
    timed = embedders.Timed(FakeEmbedder(), record=True)
    await timed.embed(["one", "two"], role="passage")
    embedders.save(tmp_path / "v.npz", timed.name, timed.seen)
    replayed = embedders.Replayed(tmp_path / "v.npz")
    assert replayed.name == timed.name
    again = await replayed.embed(["two", "one"], role="query")
    assert np.allclose(again, [timed.seen["two"], timed.seen["one"]], atol=1e-6)
    with pytest.raises(LookupError, match="1 texts have no vector"):
        await replayed.embed(["one", "three"], role="query")


# A run.


async def test_a_run_measures_mnemic_and_the_baselines_and_writes_what_compare_reads(tmp_path, capsys):
    data = DataSet(name="tiny", load=lambda: [CASE], depths=(1, 5, 10))
    embedder = embedders.Timed(FakeEmbedder())
    rows = await run.evaluate(data, [CASE], embedder, ablation=True)
    switched = [f"  without {arm}" for arm in ("vector", "keyword", "entity", "time", "recency")]
    assert list(rows) == ["mnemic", *switched, "BM25", "BM25, one turn each side", "vectors only"]
    assert all(len(answers) == 2 for answers in rows.values())
    assert rows["mnemic"][0].ids[0] == "m0"
    assert all(answered.milliseconds > 0 for answered in rows["mnemic"])

    found = report.summary(data, rows, 30.0, {"embedder": "fake"})
    assert found["rows"]["BM25"]["all"]["R@10"] == 1.0
    assert "R@10 by category" in report.table(found)
    file = report.write(tmp_path, found, rows)
    assert json.loads(file.read_text())["dataset"] == "tiny"

    before, after = compare.read(file, "vectors only"), compare.read(file, "mnemic")
    (first, second) = compare.compare(before, after, "R@1")
    assert first.by <= second.by
    assert "ALL" in compare.table([first, second], "R@1")
    assert "gold at" in compare.shown(second)


def test_a_session_is_ranked_where_its_first_message_is():
    question = Question(id="q", text="?", category="c", gold=("two",), level="session")
    answered = report.Answered(
        question=question,
        ranking=[(CASE.messages[number], 1.0 - number / 10) for number in (0, 1, 3, 2)],
        depths=(1, 2),
    )
    assert answered.figures["MRR"] == 0.5
    assert [each["id"] for each in answered.line("row")["found"]] == ["one", "two"]


# End to end.


async def test_answers_from_both_kinds_of_notes_are_judged_and_counted():
    wanted = Namespace(seeds=1, questions=2, tokens=500, full=True)
    llm = FakeLLM(*({"answer": each} for each in ("Rex", "Rex the dog", "Bob", "no idea")))
    judge = FakeLLM(*({"reason": "r", "correct": each} for each in (True, True, False)))  # the fourth fails
    graded = await answer.run([CASE], llm, judge, embedders.Timed(FakeEmbedder()), wanted)
    assert [(each.notes, each.correct) for each in graded] == [
        ("context()", True),
        ("full context", True),
        ("context()", False),
        ("full context", None),
    ]
    questions = [question.text for _, question in answer.draw([CASE], 2, 0)]
    assert questions[0] in llm.prompts[0][1]
    assert everything(CASE) in llm.prompts[1][1]
    shown = answer.table("title", graded)
    assert "50.0 [9-91] 1/2" in shown
    assert shown.count("seed 0") == 2


def test_a_seed_draws_the_same_questions_every_time_and_another_seed_others():
    cases = [
        Case(
            id="c",
            messages=(),
            questions=tuple(Question(id=str(n), text="?", category="c", gold=(), answer="a") for n in range(50)),
        )
    ]
    drawn = [[question.id for _, question in answer.draw(cases, 5, seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_notes_too_long_for_a_model_keep_their_end():
    notes = "\n".join(f"line {number}" for number in range(100))
    kept, cut = answer.shortened(notes, 40)
    assert cut
    assert notes.endswith(kept)
    assert 0 < answer.count_tokens(kept) <= 40
    assert answer.shortened(notes, 100_000) == (notes, False)


def test_repeated_questions_do_not_narrow_the_interval():
    one = {"notes": "context()", "category": "c", "reference": "", "answer": "", "reason": "", "cut": False}
    spent = {"input_tokens": 1, "output_tokens": 1, "notes_seconds": 0.0, "answer_seconds": 1.0}
    graded = [
        answer.Graded(question=str(number), seed=seed, correct=number % 2 == 0, **one, **spent)
        for seed in range(3)
        for number in range(10)
    ]
    assert "50.0 [24-76] 5/10" in answer.table("t", graded).splitlines()[2]
