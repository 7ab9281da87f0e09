"""Scoring, against arithmetic done another way."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import ranking, text
from mnemic.protocols import ARMS
from mnemic.text import Word
from mnemic.times import milliseconds


def rows(terms, *, eligible=None, before=None, turn=None, speakers=None, asks=None, said=None):
    """Rows of words, or of numbers that stand for them."""
    n = len(terms)
    return ranking.Rows(
        eligible=np.array([True] * n if eligible is None else eligible, dtype=np.bool_),
        neighbours=ranking.neighbours(
            np.array([-1] * n if before is None else before, dtype=np.int64),
            np.array(range(n) if turn is None else turn, dtype=np.int64),
        ),
        speakers=np.array([0] * n if speakers is None else speakers, dtype=np.int64),
        asks=np.array([False] * n if asks is None else asks, dtype=np.bool_),
        said=np.array(range(n) if said is None else said, dtype=np.int64),
        terms=np.array([term for row in terms for term in row], dtype=np.uint32),
        starts=np.cumsum([0, *map(len, terms)], dtype=np.int64),
    )


def word(*forms):
    return Word(plain="x", forms=forms)


def near(*values):
    """Similarities, one a row; None: the row has no vector."""
    return np.array([-np.inf if each is None else each for each in values], np.float32)


def by_row(scored):
    return {each.row: each for each in scored}


def rank(of, similarity=None, words=(), limit=100, *, spread=0.1, speakers=(), entities=None, times=None, **options):
    asked = ranking.Asked(
        words=[word(each) for each in words], speakers=frozenset(speakers),
        entities=None if entities is None else np.array(entities, np.float32),
        times=None if times is None else np.array(times, np.float32),
    )  # fmt: skip
    return ranking.rank(of, similarity, asked, limit, spread=spread, **options)


# Words.


def bm25(documents, question, marks=None):
    """Okapi BM25 from the textbook, k1 1.2 and b 0.6, idf as log(1 + (N - n + 0.5) / (n + 0.5))."""
    mean = sum(map(len, documents)) / len(documents)
    out, total = [0.0] * len(documents), 0.0
    for forms in question:
        counts = [sum(document.count(form) for form in forms) for document in documents]
        n = sum(count > 0 for count in counts)
        idf = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
        total += idf
        for place, (document, tf) in enumerate(zip(documents, counts, strict=True)):
            out[place] += idf * tf * 2.2 / (tf + 1.2 * (0.4 + 0.6 * len(document) / max(mean, 1)))
    return out, total


documents = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=6), min_size=1, max_size=8)


@given(documents, st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True))
def test_keywords_are_bm25_where_no_record_has_neighbours(terms, question):
    score, total = ranking.keywords(rows(terms), [word(each) for each in question])
    expected, rarity = bm25(terms, [(each,) for each in question])
    assert score == pytest.approx(expected, abs=1e-4)
    assert total == pytest.approx(rarity)


@given(documents, st.lists(st.integers(1, 8), min_size=2, max_size=3, unique=True))
def test_two_ways_to_write_a_word_are_one_word(terms, forms):
    score, total = ranking.keywords(rows(terms), [word(*forms)])
    expected, rarity = bm25(terms, [tuple(forms)])
    assert score == pytest.approx(expected, abs=1e-4)
    assert total == pytest.approx(rarity)


def test_a_word_that_is_nowhere_is_looked_for_with_a_letter_wrong_for_half():
    asked, wrong = text.question_words("favourite"), text.question_words("favorite")
    here, elsewhere = text.terms("favourite"), text.terms("something")
    right, _ = ranking.keywords(rows([here, elsewhere]), asked)
    half, _ = ranking.keywords(rows([here, elsewhere]), wrong)
    assert half == pytest.approx(right / 2)
    assert half[0] > 0
    assert half[1] == 0
    both, _ = ranking.keywords(rows([here, text.terms("favorite")]), wrong)
    assert both[0] == 0
    assert both[1] > 0


def test_words_of_the_turns_beside_count_half():
    """By hand: all rows have one word, so the middle one's length is 2 with its neighbours', the ends' 1.5."""
    score, _ = ranking.keywords(rows([[1], [2], [3]], before=[-1, 0, 1]), [word(1)])
    idf = math.log(1 + 2.5 / 1.5)
    mean = (1.5 + 2 + 1.5) / 3
    first = idf * 1 * 2.2 / (1 + 1.2 * (0.4 + 0.6 * 1.5 / mean))
    second = idf * 0.5 * 2.2 / (0.5 + 1.2 * (0.4 + 0.6 * 2 / mean))
    assert score.tolist() == pytest.approx([first, second, 0], abs=1e-5)


def test_a_memory_takes_half_of_the_words_of_its_turn():
    score, _ = ranking.keywords(rows([[1, 2], [3]], turn=[0, 0]), [word(1)])
    assert score[0] > score[1] > 0


def test_words_beside_what_is_far_from_the_question_do_not_count():
    beside = rows([[1], [2], [3]], before=[-1, 0, 1])
    full, _ = ranking.keywords(beside, [word(1)])
    for trust, share in (([1, 1, 1], 1.0), ([1, 0.5, 1], 0.5), ([0, 0, 0], 0.0)):
        found, _ = ranking.keywords(beside, [word(1)], np.array(trust, np.float32))
        assert found[1] == pytest.approx(share * full[1])
        assert found[0] > 0
    by_vector = [by_row(rank(beside, near(0.5, each, 0.0), [1]))[1].keyword or 0.0 for each in (0.1, 0.05, 0.0, -0.3)]
    assert by_vector[1:] == pytest.approx([by_vector[0] / 2, 0, 0], abs=1e-5)


def test_rows_that_may_not_be_hits_still_lend_their_words():
    found = rank(rows([[1], [2]], before=[-1, 0], eligible=[False, True]), words=[1])
    assert [each.row for each in found] == [1]
    assert found[0].keyword > 0


@given(st.floats(0, 100), st.integers(1, 100))
def test_what_is_rarer_weighs_more_and_nothing_weighs_less_than_nothing(found, n):
    found = min(found, n)
    assert ranking.idf(found, n) >= 0
    assert ranking.idf(found / 2, n) >= ranking.idf(found, n)


# All arms together.


def together(of, similarity, question, *, entities=None, times=None):
    """The evidence of rows that have no neighbours, in plain Python, with the constants of the module's comments."""
    n = int(of.eligible.sum())
    terms = [of.terms[a:b].tolist() for a, b in zip(of.starts, of.starts[1:], strict=False)]
    mean = sum(map(len, terms)) / n
    words, total = [0.0] * len(terms), 0.0
    for each in question:
        have = sum(each in document for document in terms)
        idf = math.log(1 + (n - have + 0.5) / (have + 0.5))
        total += idf
        for place, document in enumerate(terms):
            tf = document.count(each)
            words[place] += idf * tf * 2.2 / (tf + 1.2 * (0.4 + 0.6 * len(document) / max(mean, 1)))
    found = [words]
    for links in (entities, times):
        if links is not None:
            rarity = math.log(1 + (n - sum(links) + 0.5) / (sum(links) + 0.5))
            total += rarity
            found.append([rarity * link for link in links])
    most = math.sqrt(max(total, 1e-6) * math.log(n + math.e))
    out = [max(each, 0.0) + 0.5 * sum(arm[row] for arm in found) / most for row, each in enumerate(similarity)]
    return [each / (1 if times is None or times[row] > 0 else 2) for row, each in enumerate(out)]


@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(1, 6), min_size=1, max_size=5), st.floats(-1, 1, width=32),
            st.sampled_from([0.0, 0.3, 1.0]), st.sampled_from([0.0, 0.5, 1.0]),
        ),
        min_size=1, max_size=7,
    ),
    st.lists(st.integers(1, 8), max_size=3, unique=True), st.booleans(), st.booleans(),
)  # fmt: skip
def test_the_evidence_is_the_sum_of_what_each_arm_finds(table, question, linked, timed):
    terms, similarity, entities, times = (list(column) for column in zip(*table, strict=True))
    entities, times = (entities if linked else None), (times if timed else None)
    of = rows(terms)
    found = by_row(rank(of, near(*similarity), question, entities=entities, times=times))
    expected = together(of, similarity, question, entities=entities, times=times)
    assert found.keys() == set(range(len(terms)))
    assert [found[row].evidence for row in range(len(terms))] == pytest.approx(expected, abs=1e-4)
    for row, each in found.items():
        assert each.similarity == pytest.approx(similarity[row])
        assert (each.keyword is not None) == bool(set(terms[row]) & set(question))
        assert (each.entity is not None) == (entities is not None and entities[row] > 0)
        assert (each.time is not None) == (times is not None and times[row] > 0)
        assert each.beside == 0


def test_all_the_words_of_a_question_cover_it_and_half_of_them_half():
    found = by_row(rank(rows([[1, 2], [1, 3], [4, 5]]), words=[1, 2]))
    assert found[0].coverage == pytest.approx(1, abs=0.15)
    assert 0.1 < found[1].coverage < 0.6
    assert found[2].coverage == 0


def test_what_asks_is_worth_a_little_less():
    found = by_row(rank(rows([[1], [1]], asks=[True, False]), near(0.5, 0.5)))
    assert found[1].evidence - found[0].evidence == pytest.approx(0.08, abs=1e-6)


def test_what_another_named_person_said_is_worth_less_where_somebody_is_named():
    of = rows([[1], [1], [1]], speakers=[7, 8, 0])
    plain, named = (by_row(rank(of, near(0.5, 0.5, 0.5), speakers=asked)) for asked in ([], [7]))
    assert [plain[row].evidence for row in range(3)] == pytest.approx([0.5, 0.5, 0.5])
    assert [named[row].evidence for row in range(3)] == pytest.approx([0.5, 0.5 / 1.4, 0.5])


def test_a_name_that_nobody_here_has_changes_nothing():
    found = rank(rows([[1], [1]], speakers=[7, 8], eligible=[True, False]), near(0.5, 0.5), speakers=[8, 9])
    assert [each.evidence for each in found] == pytest.approx([0.5])


# Turns beside.


def test_a_turn_beside_a_strong_one_is_lent_some_of_its_evidence_less_with_each_turn_between():
    conversation = rows([[row] for row in range(12)], before=[-1, *range(11)])
    strength = [1.0] + [0.2] * 11
    found = by_row(rank(conversation, near(*strength)))
    for row in range(1, 12):
        best = max([1.0 * 0.9 ** (row - 1)] if row <= 8 else [0.0])
        best = max(best, 0.2)
        assert found[row].beside == pytest.approx(0.4 * best, abs=1e-5), row
    assert found[0].beside == pytest.approx(0.4 * 0.2, abs=1e-5)


@pytest.mark.parametrize(("own", "share"), [(0.0, 0.0), (-0.4, 0.0), (0.1, 0.5), (0.2, 1.0), (0.6, 1.0)])
def test_what_has_nothing_to_do_with_the_question_is_lent_nothing(own, share):
    found = by_row(rank(rows([[1], [2]], before=[-1, 0]), near(1.0, own)))
    assert found[1].beside == pytest.approx(share * 0.4, abs=1e-5)


def test_a_memory_has_the_place_of_its_turn():
    """Row 2 was taken from row 1, which follows row 0."""
    found = by_row(rank(rows([[1], [2], [3]], before=[-1, 0, -1], turn=[0, 1, 1]), near(1.0, 0.2, 0.3)))
    assert found[2].beside == pytest.approx(0.4, abs=1e-5)
    assert found[0].beside == pytest.approx(0.4 * 0.3, abs=1e-5)


def test_nothing_is_lent_by_another_conversation_or_by_what_may_be_no_hit():
    apart = by_row(rank(rows([[1], [2]]), near(1.0, 0.5)))
    hidden = by_row(rank(rows([[1], [2]], before=[-1, 0], eligible=[False, True]), near(1.0, 0.5)))
    assert (apart[1].beside, hidden[1].beside) == (0, 0)


# What the arms hand over.


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), max_size=20), st.integers(1, 25), st.data())
def test_the_top_are_the_best_eligible_and_of_equals_the_later(scores, limit, data):
    eligible = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    found = ranking.top(np.array(scores, np.float32), np.array(eligible, dtype=np.bool_), limit).tolist()
    order = sorted((i for i, use in enumerate(eligible) if use), key=lambda i: (-scores[i], -i))
    assert len(found) == len(order[:limit])
    assert [scores[i] for i in found] == [scores[i] for i in order[:limit]]
    assert found == sorted(found, key=lambda i: (-scores[i], -i))


@given(st.data(), st.integers(1, 6), st.sets(st.sampled_from(ARMS)))
def test_candidates_are_the_best_of_each_arm_and_of_all_together(data, limit, arms):
    n = data.draw(st.integers(1, 12))

    def column(values):
        return data.draw(st.lists(values, min_size=n, max_size=n))

    parts = st.floats(0, 1, width=16)
    of = rows(
        column(st.lists(st.integers(1, 4), max_size=3)), eligible=column(st.booleans()), said=column(st.integers(0, 9))
    )
    similarity, links, times = near(*column(st.none() | parts)), column(parts), column(parts)
    every = rank(of, similarity, [1, 2], n, entities=links, times=times, arms=arms)
    few = rank(of, similarity, [1, 2], limit, entities=links, times=times, arms=arms)
    assert {each.row for each in every} == set(np.flatnonzero(of.eligible).tolist())
    for found in (every, few):
        assert [each.evidence for each in found] == sorted((each.evidence for each in found), reverse=True)
        assert all(set(each.ranks) <= arms for each in found)
    expected = {each.row for each in every[:limit]}
    for arm in arms:
        places = {each.row: each.ranks[arm] for each in every if arm in each.ranks}
        assert sorted(places.values()) == list(range(1, len(places) + 1))
        expected |= {row for row, place in places.items() if place <= limit}
    assert {each.row for each in few} == expected


def test_a_watched_row_is_told_of_with_what_it_has():
    of = rows([[1], [1], [2]], said=[1, 2, 0])
    found = rank(of, near(0.9, 0.8, 0.1), limit=1, watched=[2])
    assert [(each.row, each.ranks) for each in found] == [(0, {"vector": 1}), (1, {"recency": 1}), (2, {})]
    assert found[-1].similarity == pytest.approx(0.1)


@pytest.mark.parametrize("off", ARMS)
def test_an_arm_that_is_off_finds_nothing_and_moves_nothing(off):
    of = rows([[1], [2]], speakers=[7, 8])
    options = {"words": [1], "entities": [1, 0], "times": [1, 0], "speakers": [7]}
    (first, _) = rank(of, near(0.5, 0.5), **options, arms=[arm for arm in ARMS if arm != off])
    assert set(first.ranks) == set(ARMS) - {off, "recency"} | ({"recency"} - {off})
    if off in ("entity", "time", "keyword"):
        blind = {"keyword": {"words": []}, "entity": {"entities": None, "speakers": []}, "time": {"times": None}}[off]
        (same, _) = rank(of, near(0.5, 0.5), **options | blind)
        assert first.evidence == pytest.approx(same.evidence, abs=1e-6)


def test_nothing_found_is_nothing():
    for empty in (rows([]), rows([[1]], eligible=[False])):
        for words in ([1], []):
            assert rank(empty, words=words) == []
            assert rank(empty, near(*[0.5] * len(empty.eligible)), words, entities=[0.0] * len(empty.eligible)) == []


def test_without_vectors_words_alone_rank():
    found = rank(rows([[1, 2], [3], [1]]), None, [1, 2])
    assert [each.row for each in found] == [0, 2, 1]
    assert [each.similarity for each in found] == [None] * 3
    assert found[-1].evidence == 0


# The level of a space.


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=40))
def test_similarities_of_an_unknown_space_are_brought_to_a_known_spread(values):
    """As if there were 32 further ones with a spread of 0.1."""
    of = rows([[1]] * len(values))
    found = by_row(rank(of, near(*values), spread=None))
    mean = math.fsum(values) / len(values)
    variance = math.fsum((each - mean) ** 2 for each in values)
    factor = 0.1 / math.sqrt((32 * 0.01 + variance) / (32 + len(values)))
    assert [found[row].similarity for row in range(len(values))] == pytest.approx(
        [factor * each for each in values], rel=1e-3, abs=1e-5
    )
    known = by_row(rank(of, near(*values), spread=0.2))
    assert [known[row].similarity for row in range(len(values))] == pytest.approx(values, abs=1e-6)


def test_rows_that_may_be_no_hits_do_not_set_the_level():
    one = by_row(rank(rows([[1]] * 3, eligible=[True, True, False]), near(0.1, 0.3, -1.0), spread=None))
    two = by_row(rank(rows([[1]] * 2), near(0.1, 0.3), spread=None))
    assert one[0].similarity == pytest.approx(two[0].similarity)


# Times.

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@given(
    st.tuples(st.integers(0, 30), st.integers(1, 30)),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), max_size=3),
)
def test_a_time_is_met_by_what_begins_or_ends_in_it_and_half_by_what_goes_on_through_it(span, asked):
    first, length = span
    start, end = START + first * DAY, START + (first + length) * DAY
    times = [(START + since * DAY, START + (since + lasts) * DAY) for since, lasts in asked]
    (found,) = ranking.meets(np.array([milliseconds(start)]), np.array([milliseconds(end)]), times)
    days = set(range(first, first + length))
    expected = 0.0
    for since, lasts in asked:
        wanted = set(range(since, since + lasts))
        if days & wanted:
            expected = max(expected, 1.0 if first in wanted or max(days) in wanted else 0.5)
    assert found == expected


@pytest.mark.parametrize(
    ("precision", "days"), [("day", 1), ("week", 7), ("month", 31), ("season", 92), ("year", 366), (None, 0), ("?", 0)]
)
def test_an_event_lasts_as_long_as_its_date_is_exact_and_a_moment_longer(precision, days):
    start, end = ranking.lasting(START, None, precision, happened=True)
    assert (start, end - start) == (milliseconds(START), days * 86_400_000 + 1)


def test_a_fact_holds_until_it_ends_and_never_less_than_a_moment():
    later = START + 9 * DAY
    for happened in (True, False):
        assert ranking.lasting(START, later, "day", happened=happened) == (milliseconds(START), milliseconds(later))
        assert ranking.lasting(START, START, "day", happened=happened) == (milliseconds(START), milliseconds(START) + 1)
    start, end = ranking.lasting(START, None, "day", happened=False)
    assert (start, end > milliseconds(datetime.max.replace(tzinfo=UTC))) == (milliseconds(START), True)


# Relevance and boosts.


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 2), st.floats(0, 2), st.floats(-1, 1), st.floats(1e-3, 1))
def test_relevance_lies_between_0_and_1_and_grows_with_the_evidence_and_the_words(
    evidence, more, coverage, wider, midpoint, scale
):
    def score(evidence, coverage):
        return ranking.relevance(evidence, coverage, midpoint=midpoint, scale=scale)

    least = score(evidence, coverage)
    assert 0 <= least <= score(evidence + more, coverage) <= 1
    assert least <= score(evidence, coverage + wider) <= 1
    if midpoint >= 0:
        assert score(midpoint, 0.0) == 0.5


@given(st.floats(-1, 1), st.floats(1, 3), st.floats(0.01, 1), st.floats(0.01, 1))
def test_all_the_words_of_a_question_are_worth_half_a_cosine_of_one_whatever_speaks_against(
    evidence, coverage, midpoint, scale
):
    expected = 1 / (1 + math.exp(-min((max(evidence, 0.5) - midpoint) / scale, 50)))
    assert ranking.relevance(evidence, coverage, midpoint=midpoint, scale=scale) == pytest.approx(expected)


@given(
    st.timedeltas(timedelta(days=-9), timedelta(days=40_000)), st.timedeltas(timedelta(hours=1), timedelta(days=999))
)
def test_what_is_new_moves_a_little_and_half_as_much_with_each_half_life(age, half_life):
    assert 1 <= ranking.recency(age, half_life) <= 1.05
    assert ranking.recency(age + half_life, half_life) <= ranking.recency(age, half_life)
    assert ranking.recency(half_life, half_life) - 1 == pytest.approx((ranking.recency(timedelta(), half_life) - 1) / 2)
    assert ranking.recency(timedelta(), half_life) == pytest.approx(1.05)


@given(st.integers(-10, 10**6))
def test_what_was_said_often_or_rated_well_moves_a_little(count):
    assert 1 <= ranking.proof(count) <= 1.05
    assert ranking.proof(count + 1) >= ranking.proof(count)
    assert 1 / ranking.BOUND - 0.01 <= ranking.feedback(count) <= ranking.BOUND
    assert ranking.feedback(-2) == pytest.approx(0.9)
    assert ranking.feedback(0) == 1
    assert ranking.feedback(2) == pytest.approx(1.1)


def test_asked_for_the_newest_the_newest_of_what_is_comparable_comes_first():
    """The weakest comparable hit, when newest, comes before the strongest, when it is the fifth or later."""
    assert ranking.COMPARABLE * ranking.ordered(0) >= 1 - 1e-9
    assert ranking.COMPARABLE * ranking.ordered(0) < ranking.ordered(4) * 1.0001
    factors = [ranking.ordered(place) for place in range(30)]
    assert factors == sorted(factors, reverse=True)
    assert all(factor > 1 for factor in factors)


# The centred cosine, and how far the nearest stands out.


ACROSS = 2 / 3


def unit(rng, n):
    made = rng.standard_normal((n, 8)).astype(np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@given(st.integers(0, 2**31), st.integers(1, 3))
def test_the_centred_cosine_is_the_cosine_of_the_differences_from_the_means(seed, windows):
    rng = np.random.default_rng(seed)
    question, records, cjk = unit(rng, windows), unit(rng, 6), rng.random(6) < 0.5
    means = {"other": 0.3 * unit(rng, 1)[0], "cjk": 0.3 * unit(rng, 1)[0]}
    typical = unit(rng, 1)[0] if seed % 2 else None
    centred = ranking.Centred(question, "cjk", means, typical)
    found = centred.cosine(records @ centred.probes, cjk)
    for row, record in enumerate(records):
        d = record - means["cjk" if cjk[row] else "other"]
        q = question - means["cjk"]
        expected = max(float(each @ d / np.linalg.norm(each) / np.linalg.norm(d)) for each in q)
        assert found[row] == pytest.approx(expected, abs=1e-3)


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 6))
def test_the_lift_is_how_far_the_nearest_stands_above_what_is_usual(seed, windows, n):
    """Above the middle of what the others, and what a typical question, have in common with the question's scope."""
    rng = np.random.default_rng(seed)
    question, records, cjk, typical = unit(rng, windows), unit(rng, n), rng.random(n) < 0.5, unit(rng, 1)[0]
    gates = {"other": 0.2, "cjk": 0.4}
    centred = ranking.Centred(question, "other", {}, typical)
    found = centred.lift(records @ centred.probes, cjk, gates)
    usual = float(np.mean([record @ typical for record in records]))
    best = []
    for window in question:
        cosines = [float(record @ window) for record in records]
        nearest = int(np.argmax(cosines))
        rest = [each for row, each in enumerate(cosines) if row != nearest]
        common = sum(rest) / len(rest) if rest else usual
        # The question is on the other side: what is near to it in a script of its own need stand out less.
        least = ACROSS * gates["cjk"] if cjk[nearest] else gates["other"]
        best.append((cosines[nearest] - (common + usual) / 2) / (least * n / (n + 4)))
    assert found == pytest.approx(max(best), abs=1e-3)


def test_there_is_no_lift_without_a_typical_question_a_least_or_records():
    rng = np.random.default_rng(1)
    question, records, cjk = unit(rng, 1), unit(rng, 3), np.zeros(3, np.bool_)
    plain, typical = ranking.Centred(question, "other", {}), ranking.Centred(question, "other", {}, unit(rng, 1)[0])
    assert plain.lift(records @ plain.probes, cjk, {"other": 0.1, "cjk": 0.1}) is None
    assert typical.lift(records @ typical.probes, cjk, {}) is None
    assert typical.lift(records[:0] @ typical.probes, cjk[:0], {"other": 0.1, "cjk": 0.1}) is None
