"""Scoring, against arithmetic done another way."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import ranking


def rows(terms, *, eligible=None, before=None, turn=None):
    n = len(terms)
    return ranking.Rows(
        eligible=np.array([True] * n if eligible is None else eligible, dtype=np.bool_),
        neighbours=ranking.neighbours(
            np.array([-1] * n if before is None else before, dtype=np.int64),
            np.array(range(n) if turn is None else turn, dtype=np.int64),
        ),
        terms=np.array([term for row in terms for term in row], dtype=np.uint32),
        starts=np.cumsum([0, *map(len, terms)], dtype=np.int64),
    )


def bm25(documents, question):
    """Okapi BM25 from the textbook, k1 1.2 and b 0.6, idf as log(1 + (N - n + 0.5) / (n + 0.5))."""
    mean = sum(map(len, documents)) / len(documents)
    out = []
    for document in documents:
        score = 0.0
        for term in question:
            n = sum(term in each for each in documents)
            tf = document.count(term)
            idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            score += idf * tf * 2.2 / (tf + 1.2 * (0.4 + 0.6 * len(document) / max(mean, 1)))
        out.append(score)
    return out


documents = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=6), min_size=1, max_size=8)


@given(documents, st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True))
def test_keywords_are_bm25_where_no_record_has_neighbours(terms, question):
    score, covered, asked = ranking.keywords(rows(terms), question)
    assert score == pytest.approx(bm25(terms, question), abs=1e-4)
    assert ((covered >= 0) & (covered <= 1 + 1e-6)).all()
    assert asked > 0


def test_words_of_the_turns_beside_count_half():
    score, covered, _ = ranking.keywords(rows([[1], [2], [3], [9]], before=[-1, 0, 1, -1]), [1])
    assert score[0] > score[1] > 0
    assert (score[2], score[3]) == (0, 0)
    assert covered.tolist() == pytest.approx([1, 0.5, 0, 0])


def test_a_memory_takes_half_of_the_words_of_its_turn():
    score, *_ = ranking.keywords(rows([[1, 2], [3]], turn=[0, 0]), [1])
    assert score[0] > score[1] > 0


def test_rows_that_may_not_be_hits_still_lend_their_words():
    found, _ = ranking.arms(rows([[1], [2]], before=[-1, 0], eligible=[False, True]), None, [1], 5)
    assert [each.row for each in found] == [1]


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), max_size=20), st.integers(1, 25), st.data())
def test_the_top_are_the_best_eligible_and_of_equals_the_later(scores, limit, data):
    eligible = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    found = ranking.top(np.array(scores, np.float32), np.array(eligible, dtype=np.bool_), limit).tolist()
    order = sorted((i for i, use in enumerate(eligible) if use), key=lambda i: (-scores[i], -i))
    assert len(found) == len(order[:limit])
    assert [scores[i] for i in found] == [scores[i] for i in order[:limit]]
    assert found == sorted(found, key=lambda i: (-scores[i], -i))


def test_nothing_found_is_nothing():
    for empty in (rows([]), rows([[1]], eligible=[False])):
        assert ranking.arms(empty, None, [1], 5)[0] == []
        assert ranking.arms(empty, None, [], 5)[0] == []


@given(
    st.none() | st.floats(-1, 1), st.none() | st.floats(0, 200), st.floats(0, 100), st.integers(0, 10**9),
    st.floats(-1, 1), st.floats(1e-3, 1),
)  # fmt: skip
def test_relevance_lies_between_0_and_1_and_grows_with_the_evidence(
    similarity, keyword, asked, searched, midpoint, scale
):
    def score(s, k):
        (score,) = ranking.relevance([s], [k], asked=asked, searched=searched, midpoint=midpoint, scale=scale)
        return score

    assert 0 <= score(similarity, keyword) <= 1
    assert score(0.5, keyword) >= score(0.4, keyword)
    assert score(similarity, 2.0) >= score(similarity, 1.0)
    assert score(None, keyword) == score(0.0, keyword)


@given(st.integers(0, 2**31), st.integers(1, 3))
def test_the_centred_cosine_is_the_cosine_of_the_differences_from_the_means(seed, windows):
    rng = np.random.default_rng(seed)

    def unit(n):
        made = rng.standard_normal((n, 8)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    question, records, cjk = unit(windows), unit(6), rng.random(6) < 0.5
    means = {"other": 0.3 * unit(1)[0], "cjk": 0.3 * unit(1)[0]}
    centred = ranking.Centred(question, "cjk", means)
    found = centred.cosine(records @ centred.probes, cjk)
    for row, record in enumerate(records):
        d = record - means["cjk" if cjk[row] else "other"]
        q = question - means["cjk"]
        expected = max(float(each @ d / np.linalg.norm(each) / np.linalg.norm(d)) for each in q)
        assert found[row] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("words", "tokens"), [("", 0), ("word", 1), ("internationalisation", 4), ("台北", 2), ("a, b", 3), ("2025", 4)]
)
def test_tokens_are_counted_rather_high(words, tokens):
    assert ranking.count_tokens(words) == tokens


@given(st.text())
def test_any_text_has_a_size_in_tokens(words):
    assert 0 <= ranking.count_tokens(words) <= len(words)
