"""Words, scripts, windows and fingerprints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic import text

anything = st.text(st.characters())
"""Lone surrogates included."""


@given(anything, st.integers(1, 50))
def test_windows_joined_are_the_text(words, limit):
    pieces = text.windows(words, limit)
    assert "".join(pieces) == words
    assert all(len(piece) <= limit for piece in pieces)
    assert len(pieces) >= 1
    assert all(pieces) or words == ""


def test_windows_end_where_a_sentence_or_a_word_does():
    assert text.windows("One two three. Four five six. Seven", 20) == ["One two three.", " Four five six.", " Seven"]
    assert text.windows("今天很好。明天更好。後天", 7) == ["今天很好。", "明天更好。後天"]
    assert text.windows("abcdefghij", 4) == ["abcd", "efgh", "ij"]


@given(anything)
def test_any_text_has_terms_a_side_a_hash_and_a_fingerprint(words):
    assert all(0 <= term < 2**32 for term in text.terms(words))
    assert set(text.query_terms(words)) <= set(text.terms(words))
    assert len(set(text.query_terms(words))) == len(text.query_terms(words))
    assert text.side(words) in ("cjk", "other")
    assert len(text.md5(words)) == len(text.fingerprint(words)) == 32
    assert len(text.scalar(words).encode()) >= len(words)


@pytest.mark.parametrize(
    ("question", "record"),
    [
        ("cat", "I have two cats"), ("running", "She runs daily"), ("CAFÉ", "the café"), ("ｆｕｌｌ", "full width"), ("Müller", "MÜLLER"),
        ("貓", "我養了一隻貓"), ("台北", "我住在台北市"), ("猫", "猫が好きです"), ("고양이", "고양이를 키워요"), ("แมว", "ฉันมีแมว"),
        ("кошки", "У меня есть кошка"), ("4471", "Invoice ZX-4471"), ("ZX-4471", "zx 4471"), ("straße", "STRASSE"), ("ﬁn", "fin"),
    ],
)  # fmt: skip
def test_a_word_of_any_script_is_found_in_a_record(question, record):
    assert set(text.query_terms(question)) & set(text.terms(record))


def test_words_that_carry_nothing_are_dropped_unless_there_is_nothing_else():
    assert text.query_terms("What is the name of the cat?") == text.query_terms("name cat")
    assert text.query_terms("who is it?") == tuple(dict.fromkeys(text.terms("who is it")))
    assert text.query_terms("") == ()


@pytest.mark.parametrize(
    ("words", "side"),
    [
        ("Hello there", "other"),
        ("你好", "cjk"),
        ("I live in 台北", "other"),
        ("我用 Python 寫程式", "cjk"),
        ("", "other"),
        ("123", "other"),
        ("カメラ", "cjk"),
        ("!!!", "other"),
    ],
)
def test_the_side_is_the_script_that_carries_most(words, side):
    assert text.side(words) == side


@pytest.mark.parametrize(
    ("one", "other"),
    [("I ski.", "i SKI"), ("ｆｕｌｌ　width", "full width"), ("“Hi”, he said", "hi he said"), ("a  b\n", "a b")],
)
def test_case_width_spacing_and_punctuation_make_no_other_fact(one, other):
    assert text.fingerprint(one) == text.fingerprint(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I ski", "I sail"),
        ("I have 2 cats", "I have 3 cats"),
        ("1.5 km", "15 km"),
        ("C++", "C#"),
        ("5 degrees", "-5 degrees"),
        ("$90", "€90"),
        ("😀", "😢"),
        ("!", "?"),
    ],
)
def test_other_words_numbers_and_signs_do(one, other):
    assert text.fingerprint(one) != text.fingerprint(other)


def test_a_hash_of_terms_never_changes():
    """Indexes hold them: another answer would make every stored word unfindable."""
    assert text.TERMS_VERSION == 1
    assert text.terms("I ski in 台北") == [3865851505, 462513291, 1609338446, 655555665, 2838829817, 2415624608]
