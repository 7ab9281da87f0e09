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
    assert text.terms("I ski in 台北") == [3865851505, 462513291, 1609338446, 655555665, 2838829817, 2415624608]


# What a question looks for.


def forms(question):
    return {form for word in text.question_words(question) for form in word.forms}


@given(anything)
def test_the_words_of_any_question_are_among_its_terms_each_once(words):
    found = text.question_words(words)
    first = [word.forms[0] for word in found]
    assert set(first) <= set(text.terms(words))
    assert len(set(first)) == len(first)
    assert bool(found) == bool(text.terms(words))


@pytest.mark.parametrize(
    ("question", "record"),
    [
        ("女兒的學校", "女儿在学校"), ("女儿在学校", "女兒的學校"), ("裡面", "里面"), ("里面", "裏面"), ("裏面", "裡面"),
        ("麵", "面"), ("头发", "頭髮"), ("發財", "发财"), ("台湾", "臺灣"), ("臺灣", "台湾"),
    ],
)  # fmt: skip
def test_a_word_is_looked_for_in_both_scripts_of_chinese(question, record):
    for asked, kept in ((question, record), (record, question)):
        every = [set(word.forms) & set(text.terms(kept)) for word in text.question_words(asked) if len(word.plain) == 2]
        assert all(every), (asked, kept)
    assert forms(question) & set(text.terms(record))


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("¿Dónde vive mi hermana?", "vive hermana"), ("Où habite ma sœur ?", "habite sœur"), ("Wo wohnt meine Schwester?", "wohnt schwester"),
        ("Где живёт моя сестра?", "живёт сестра"), ("Onde mora a minha irmã?", "mora irmã"), ("Where did we go in LA?", "go la"),
        ("What is Die Hard about?", "die hard"), ("猫の名前は？", "猫 名 前 名前 猫の の名 前は"),
    ],
)  # fmt: skip
def test_words_that_carry_nothing_are_dropped_in_each_language_and_only_there(question, kept):
    assert {word.forms[0] for word in text.question_words(question)} == {
        term for each in kept.split() for term in text.terms(each)[-1:]
    }


@pytest.mark.parametrize("question", ["¿Dónde está?", "Où est-il ?", "これは？", "나는"])
def test_a_question_of_words_that_carry_nothing_keeps_them(question):
    assert text.question_words(question)


def test_what_both_scripts_write_alike_has_one_form_and_latin_words_too():
    assert {word.plain: len(word.forms) for word in text.question_words("山口 tennis カメラ")} == {
        "山": 1, "口": 1, "山口": 1, "tennis": 1, "カ": 1, "メ": 1, "ラ": 1, "カメ": 1, "メラ": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("question", "record"),
    [
        ("favorite", "favourite"), ("favourite", "favorite"), ("restuarant", "restaurant"), ("restaurnt", "restaurant"),
        ("colleage", "colleague"), ("appartment", "apartment"), ("vaccation", "vacations"), ("Californa", "California"), ("seperate", "separate"), ("definately", "definitely"),
    ],
)  # fmt: skip
def test_a_long_word_is_known_with_one_letter_wrong(question, record):
    (word,) = text.question_words(question)
    assert text.misspelt(word.plain) & set(text.terms(record))
    assert not set(word.forms) & set(text.terms(record))


@pytest.mark.parametrize(
    ("question", "record"),
    [
        ("horse", "house"),
        ("cat", "cut"),
        ("london", "condon"),
        ("restaurant", "restless"),
        ("Müller", "Miller"),
        ("台北", "台南"),
    ],
)
def test_short_words_first_letters_and_other_scripts_are_taken_as_they_are(question, record):
    found = set().union(*(text.misspelt(word.plain) for word in text.question_words(question)))
    assert not found & set(text.terms(record))


@given(st.text(st.sampled_from("abcdeé 台1"), max_size=60))
def test_only_latin_words_of_some_length_may_be_misspelt(word):
    found = text.misspelt(word)
    fits = 6 <= len(word) <= 40 and word.isascii() and word.isalpha()
    assert bool(found) == fits
    assert all(0 <= term < 2**32 for term in found)


def test_a_word_of_any_length_costs_no_more_than_a_long_one():
    assert text.misspelt("x" * 200_000) == frozenset()


# Who speaks.


def test_people_are_known_by_their_first_name_in_any_case():
    assert text.speaker("Dana Reyes") == text.speaker("dana") == text.speaker("ＤＡＮＡ")
    assert len({text.speaker(name) for name in ("Dana", "Kim", "王小明", "Anna")}) == 4
    assert text.speaker(None) == text.speaker("") == text.speaker("  ") == 0


@given(anything)
def test_anybody_has_a_number_that_fits_in_fourteen_bits(name):
    assert 0 <= text.speaker(name) < text.SPEAKERS == 1 << 14
    assert (text.speaker(name) == 0) == (not text.plain(name).split())


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("What does Dana's sister like?", "Dana Reyes"), ("what did KIM say", "Kim"), ("王小明喜歡什麼？", "王小明"),
        ("小明喜歡什麼？", "小明"), ("歐陽小明住哪裡", "歐陽小明"), ("Did Zoë and 阿美 meet?", "阿美"), ("Что любит Иван?", "Иван"),
    ],
)  # fmt: skip
def test_who_may_be_meant_is_seen_in_a_question(question, name):
    assert text.speaker(name) in text.speakers(question)


def test_words_that_carry_nothing_name_nobody():
    assert text.speakers("what is it?") == frozenset()
    assert text.speaker("will") not in text.speakers("What will she do?")


def test_only_the_beginning_of_a_pasted_document_names_somebody():
    assert text.speaker("Dana") in text.speakers("Dana " + "x " * 100_000)
    assert text.speaker("Dana") not in text.speakers("x " * 100_000 + "Dana")


# What asks.


@pytest.mark.parametrize(
    "words",
    ["Do you ski?", "I ski. Do you?\n", "你會滑雪嗎？", "“Do you ski?”", "「你會滑雪嗎？」 ", "Really?!?", "(you?)"],
)
def test_what_ends_with_a_question_asks(words):
    assert text.asks(words)


@pytest.mark.parametrize("words", ["", "I ski.", "Do you ski? I do.", "What a day", "？不知道", "?no"])
def test_what_goes_on_after_a_question_or_has_none_does_not_ask(words):
    assert not text.asks(words)
