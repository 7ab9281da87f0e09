"""Whether two statements say the same: by their words, numbers, names and negation, and by a slot where there is one.

Nothing here is a model. A statement is boiled down once (`trace`), then compared many times
(`compare`). What cannot be told from the words is `near` or `different`: a statement kept twice is a
small fault, a statement lost is a large one.
"""

from __future__ import annotations

import difflib
import itertools
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from mnemic import dates, slots, text

Relation = Literal["same", "fuller", "shorter", "near", "different"]
"""How the new statement stands to the old one: it says the same; the same and more; the same but less;
perhaps the same; something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """What of a statement is compared. Sets hold term hashes as `text.terms` makes them."""

    terms: frozenset[int]
    """Content words less stop words and padding, inflections and a few synonyms folded together."""
    order: tuple[int, ...]
    """The same words in the order said, and the pronouns among them, as "first" and "third" person."""
    names: frozenset[int]
    """What is surely a name: capitals inside a sentence, case-folded, a run of them as one. CRC-32, unstemmed."""
    candidates: frozenset[int]
    """What may be a name, `names` among them: the first word of a sentence may be one."""
    parts: frozenset[int]
    """Beginnings of names of several words: "Dana" of "Dana Smith", "Berlin" of "Berlin Mitte"."""
    numbers: frozenset[str]
    """Numbers by value: three, 3 and 三 are "3", third and 第三 are "o3", a second 3 is "3*2". A 1 in figures
    beside other figures is "=1", any other one "1"."""
    negated: bool
    """It denies something."""
    ended: bool
    """It says that something was so and is no longer."""
    person: frozenset[str]
    """Whom its pronouns point at: "first" (I, my, 我), "third" (he, her, 他)."""
    subject: str | None
    attribute: str | None
    value: frozenset[int]
    """Content words of the object, or without one, of the statement less the attribute's own words."""
    spelt: tuple[int, ...]
    """The words of the value in the order said."""
    rest: frozenset[int]
    """Content words of the whole statement less the attribute's own words."""
    shingles: frozenset[int]
    """Pairs of neighbouring characters, of what is written without spaces."""


def trace(
    statement: str,
    *,
    attribute: str | None = None,
    object: str | None = None,  # noqa: A002 - the fact's own word
    subject: str | None = None,
) -> Trace:
    """Boil a statement down. Linear in its length.

    `attribute`, `object` and `subject` are those of the fact, where the extractor named them.
    """
    attribute = slots.canonical(attribute)
    norm = _normal(statement)
    folded = _IDIOM.sub(_plainly, norm.casefold())
    whole = _read(folded)
    names, candidates, parts = _names(norm)
    own = _own_words(attribute, subject)
    rest = _value(folded, attribute, own, whole)
    value = rest if object is None else _value(_normal(object).casefold(), attribute, own)
    if not value.terms:  # an object made of nothing but the attribute's words is one all the same
        value = rest if object is None else _bare(_read(_normal(object).casefold()))
    negated, ended = whole.negated, bool(_ENDED.search(folded))
    if object and (negated or ended):
        near = _around(folded, _normal(object).casefold())
        negated, ended = _read(near).negated, bool(_ENDED.search(near))
    return Trace(
        terms=whole.terms,
        order=whole.order,
        names=names,
        candidates=candidates,
        parts=parts,
        numbers=whole.numbers,
        negated=negated,
        ended=ended,
        person=whole.person,
        subject=" ".join(text.plain(subject).split()) if subject else None,
        attribute=attribute,
        value=value.terms | value.pairs,
        spelt=value.order,
        rest=rest.terms | rest.pairs,
        shingles=whole.pairs,
    )


def compare(new: Trace, old: Trace, similarity: float | None) -> Relation:
    """How the new statement stands to the old one.

    `similarity`: the centred cosine of their vectors, in [-1, 1]; None when unknown. Without a slot in
    common it must be high too.
    """
    if new.subject is not None and old.subject is not None and new.subject != old.subject:
        return "different"
    if new.negated != old.negated or new.ended != old.ended:
        return "different"
    if None in (new.subject, old.subject) and _point_elsewhere(new.person, old.person):
        return "different"
    if new.attribute is not None and new.attribute == old.attribute and new.value and old.value:
        relation = _in_slot(new, old)
        if relation not in ("near", "different"):
            return relation
        in_words = _in_words(new, old, similarity)
        return relation if relation == "near" and in_words == "different" else in_words
    relation = _in_words(new, old, similarity)
    if relation != "same" and (similarity or 0.0) >= _RELATED:
        if new.attribute is None and old.attribute is not None and _says_value(new, old):
            return "same"
        if old.attribute is None and new.attribute is not None and _says_value(old, new):
            return "same"
    return relation


def matter(told: Trace) -> frozenset[int]:
    """Terms of a statement less verbs of having and doing, and how often."""
    return frozenset(term for term in told.terms if term not in _passing() and term < _IS_EMOJI)


def tells_change(statement: str) -> bool:
    """Whether it says that it was otherwise before: "now", "these days", "instead", 現在, 改."""
    return bool(_CHANGED.search(_normal(statement).casefold()))


_CHANGED = re.compile(
    r"\b(?:now|nowadays|these days|instead|from now on|currently|lately|switched|changed)\b|現在|现在|如今|改|換|换|變成|变成|以後都|以后都|從今|从今"
)


def same_frame(new: Trace, old: Trace) -> bool:
    """Whether two statements are one sentence but for one stretch: "I run 5 km on Sundays", "I run 10 km on Sundays".

    What differs are numbers, or words that stand between others which both have.
    """
    ours, theirs = _frame(new), _frame(old)
    shorter = min(len(ours), len(theirs))
    before = next((at for at in range(shorter) if ours[at] != theirs[at]), shorter)
    after = next((at for at in range(shorter - before) if ours[-1 - at] != theirs[-1 - at]), shorter - before)
    mine, other = ours[before : len(ours) - after], theirs[before : len(theirs) - after]
    if not (0 < len(mine) <= _STRETCH and 0 < len(other) <= _STRETCH):
        return False
    counts = {_hash("#" + number) for number in new.numbers | old.numbers}
    if counts.issuperset(mine) and counts.issuperset(other):
        return before + after >= 2
    least = 2 if new.shingles else 1  # of characters two make a word
    return before >= least and after >= least and counts.isdisjoint(mine) and counts.isdisjoint(other)


def _frame(trace: Trace) -> list[int]:
    return [each for each in trace.order if each not in _change_words()]


@lru_cache(maxsize=1)
def _change_words() -> frozenset[int]:
    return frozenset(_hash(word) for word in "nowadays instead lately switched changed 改 换 变 成".split())


_STRETCH = 4  # words, or characters of Chinese, that differ


def counterpart(right: str, told: str, value: str | None) -> str | None:
    """The one stretch of `told` that `right` can put right: of the same kind (a day, a time, a number, a name).

    `value`: the object of the statement, which goes before other stretches. None when there is none or several.

    >>> counterpart("Thursday", "My exam is on Tuesday at nine", None), counterpart("Oslo", "I live in Rome", "Rome")
    ('Tuesday', 'Rome')
    """
    kind = next((pattern for pattern in _KINDS if pattern.fullmatch(right.strip())), None)
    if kind is None:
        if _OF_TIME.match(right) or dates.find(right, _ANY_TIME):  # a time takes no other word's place
            return None
        if value is None or value not in told or any(pattern.fullmatch(value) for pattern in _KINDS):
            return None
        one_word = not (set(value.split()[1:]) or set(right.split()[1:])) and abs(len(value) - len(right)) <= _VALUE
        return value if one_word and text.side(value) == text.side(right) else None
    if value and kind.fullmatch(value) and value in told:
        return value
    found = [match.group() for match in itertools.islice(kind.finditer(told), _WORDS_LOOKED_AT)]
    if not found and kind in _DAYS:  # Dec 3 for tomorrow, but not for half of 下個月三號
        days = itertools.chain.from_iterable(each.finditer(told) for each in _DAYS[1:])
        several = itertools.islice(days, _WORDS_LOOKED_AT)
        found = [day.group() for day in several if told[: day.start()][-1:] not in ("月", "年")]
    if kind is _A_NAME:
        found = [each for each in found if re.split("[ ']", each)[0].casefold() not in _STOP | _TALK]
    if len(found) == 1:
        part = _PART_OF_DAY.match(found[0])
        return found[0][part.end() :] if part and not _PART_OF_DAY.match(right) else found[0]  # 下午 stays
    alike = [
        each for each in found if kind is _A_NAME and difflib.SequenceMatcher(None, each, right).ratio() >= _SPELT_ALIKE
    ]
    return alike[0] if len(alike) == 1 else None


_VALUE = 8  # characters by which two words that stand for each other may differ in length
_SPELT_ALIKE = 0.6  # Ana and Anna, Jon and John; Rome and Oslo are far below
_TALK = frozenset("remember note monday tuesday wednesday thursday friday saturday sunday".split())
_HAN_NUMBER = r"[\d一二三四五六七八九十兩两零〇]{1,4}"
_PART_OF_DAY = re.compile(r"早上|上午|中午|下午|晚上|凌晨")
_OF_TIME = re.compile(
    rf"{_PART_OF_DAY.pattern}|[週周]末|每|平[常時时]|noon\b|midnight\b|(?:the )?weekend\b|(?:春節|春节|過年|过年|[暑寒]假)",
    re.IGNORECASE,
)
_MONTHS = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_HAN_WEEKDAY = r"(?:星期|週|周|禮拜|礼拜)[一二三四五六日天]"
_ANY_TIME = datetime(2000, 1, 3, tzinfo=UTC)  # whether words name a time does not hang on when they are said
_A_NAME = re.compile(r"[A-Z][\w'-]+(?: [A-Z][\w'-]+){0,2}")
_KINDS = (
    re.compile(r"[\w.+-]{1,64}@[\w.-]{1,100}\w"),
    re.compile(rf"\b{_WEEKDAY}\b|{_HAN_WEEKDAY}", re.IGNORECASE),
    # With the week it is of; of a day without one, the week goes with it.
    re.compile(
        rf"\b(?:(?:next|this|last) )?{_WEEKDAY}\b|(?:[上下]{{0,2}}[個个]?|[這这本][個个]?){_HAN_WEEKDAY}", re.IGNORECASE
    ),
    re.compile(
        r"\b(?:the day (?:after tomorrow|before yesterday)|today|tonight|tomorrow|yesterday)\b"
        r"|[今明昨][天晚日]|大?[後后前]天",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:{_MONTHS} \d{{1,2}}(?:st|nd|rd|th)?|(?:the )?\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTHS})\b|(?:{_HAN_NUMBER}月)?{_HAN_NUMBER}[號号日]",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b\d{{1,2}}(?::\d\d)?\s?(?:am|pm|o'clock)(?!\w)|\b\d{{1,2}}:\d\d\b|(?:{_PART_OF_DAY.pattern})?{_HAN_NUMBER}[點点](?:半|{_HAN_NUMBER}分)?",
        re.IGNORECASE,
    ),
    re.compile(rf"\b{_MONTHS}\b|{_HAN_NUMBER}月", re.IGNORECASE),
    re.compile(
        r"(?<![\w.:-])(?:(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty)\b|[$€£¥]?\d(?:[\d.,]*\d)?(?:\s?(?:k|%|kg|km|cm|euros?|dollars|pounds|years?|歲|岁|元|塊|块|萬|万|公斤|公里|個|个|人))?)(?![\w:-])",
        re.IGNORECASE,
    ),
    _A_NAME,
)
_DAYS = _KINDS[1:5]

# Comparing.


def _in_slot(new: Trace, old: Trace) -> Relation:
    """Two values of one attribute of one subject."""
    # Of what there is one of, a name begun is the name told shorter; of friends, Ann may not be Ann Lee.
    one = slots.single(new.attribute or "") is True
    old_kept = _names_kept(old, new, begun=one) and _numbers_kept(old, new)
    new_kept = _names_kept(new, old, begun=one) and _numbers_kept(new, old)
    if new.value == old.value and new.spelt != old.spelt and not _over().isdisjoint(new.value):
        return "near"  # tea over coffee is not coffee over tea
    if new.value == old.value or new.spelt == old.spelt:
        more, less = new.rest - old.rest, old.rest - new.rest
        if old_kept and new_kept and not (more and less):
            return "fuller" if more else "shorter" if less else "same"
        if old_kept and not less:
            return "fuller"
        if new_kept and not more:
            return "shorter"
        # Each tells something of its own beside the value. Of what there is one of, the value is the fact.
        return "same" if one and (old_kept or new_kept) else "near"
    if old.value < new.value:
        return "fuller" if old_kept else "near"
    if new.value < old.value:
        return "shorter" if new_kept else "near"
    return "near" if new.value & old.value else "different"


def _says_value(bare: Trace, slotted: Trace) -> bool:
    """Whether a statement whose attribute nobody named says the value of the other's in the attribute's words."""
    own = _own_words(slotted.attribute, slotted.subject)
    return (
        not own.isdisjoint(bare.terms)
        and bare.terms - own == frozenset(slotted.spelt) == slotted.terms - own
        and _names_kept(bare, slotted)
        and _names_kept(slotted, bare)
        and bare.numbers - {"1"} == slotted.numbers - {"1"}
    )


def _in_words(new: Trace, old: Trace, similarity: float | None) -> Relation:
    """Two statements with no slot in common, or whose values there differ."""
    if not new.terms or not old.terms:
        return "different"
    if not (_names_kept(new, old) and _names_kept(old, new)):
        return "different"
    if not (_numbers_kept(old, new) and _numbers_kept(new, old)):
        return "different"
    if _spoken(new) == _spoken(old):
        return "same" if similarity is None or similarity >= _RELATED else "different"
    if similarity is None or similarity < _RELATED:
        return "different"
    more, less = new.terms - old.terms, old.terms - new.terms
    if not more and not less and _in_order(new, old):
        return "same"
    if similarity < _ALIKE:
        return "different"
    if more and less:
        return "near" if similarity >= _VERY_ALIKE else "different"
    if all(term in _weak() or term >= _IS_EMOJI for term in more or less) and _in_order(new, old):
        return "same"
    return "near"


# Centred cosines of the bundled embedders, chosen by the pairs in tests/unit/test_sameness.py that are there to
# choose by. Paraphrases lie at 0.78 and more, rewordings of a short fact at 0.55, and things that only look
# alike between 0.56 and 0.98: the cosine shuts out what has nothing to do with the other, the words decide.
_RELATED = 0.5
_ALIKE = 0.75
_VERY_ALIKE = 0.85


def _in_order(new: Trace, old: Trace) -> bool:
    """Whether who does what to whom stands in the same order in both, or one begins with the other's end.

    "In May I saw Ann" tells the same as "I saw Ann in May", "Ann saw me in May" does not.
    """
    common = new.terms & old.terms
    if not (new.person and old.person):
        return [each for each in new.order if each in common] == [each for each in old.order if each in common]
    common |= _PERSONS
    ours, theirs = ([each for each in trace.order if each in common] for trace in (new, old))
    if len(ours) != len(theirs):
        ours, theirs = ([each for each in order if each not in _PERSONS] for order in (ours, theirs))
        return ours == theirs
    return any(ours[at:] + ours[:at] == theirs for at in range(min(len(ours), _TURNS)))


_TURNS = 60
"""Longest statement, in words, that is looked at for a change of order."""


def _spoken(trace: Trace) -> tuple[int, ...]:
    return tuple(each for each in trace.order if each not in _PERSONS)


def _names_kept(one: Trace, other: Trace, *, begun: bool = False) -> bool:
    """Whether the other has all names of the one. First words that may be names must be spelt alike too.

    `begun`: the beginning of a name of several words is enough.
    """
    if not one.names <= (other.candidates | other.parts if begun else other.candidates):
        return False
    ours, theirs = one.candidates - one.names, other.candidates - other.names
    opens = len(ours) == len(theirs) == 1 and one.order[:1] == other.order[:1]
    return not opens or ours == theirs


def _numbers_kept(one: Trace, other: Trace) -> bool:
    """Whether the other has all numbers of the one; "one" is mostly an article."""
    return all(
        number in other.numbers or (number.startswith("=") and number[1:] in other.numbers)
        for number in one.numbers - {"1"}
    )


def _point_elsewhere(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one) == 1 and len(other) == 1 and one != other


# Reading.

_FIRST_PERSON, _THIRD_PERSON = -1, -2
"""Where a pronoun stands in the order of a statement; no hash is negative."""
_PERSONS = frozenset({_FIRST_PERSON, _THIRD_PERSON})


@dataclass(frozen=True, slots=True)
class _Content:
    order: tuple[int, ...]
    terms: frozenset[int]
    pairs: frozenset[int]
    numbers: frozenset[str]
    negated: bool
    person: frozenset[str]


# Scripts written without spaces between words.
_UNSPACED = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\U00020000-\U0003ffff"
_HAN_DIGITS = "零〇一二兩两三四五六七八九十百千萬万億亿"

# Phrases of Chinese that are read as one, longest first where one begins another.
_NOT_NEGATION = (
    "差不多|不錯|不错|不過(?!敏)|不过(?!敏)|不但|不只|不僅|不仅|不管|不論|不论|不久|不少|不斷|不断|不同(?!意)|不好意思|不得不|不能不|不可不|沒想到|没想到|動不動|动不动|"
    "對不起|对不起|了不起|忍不住|不小心|沒錯|没错|說不定|说不定|要不是|不到|未來|未来|未婚|離不開|离不开|少不了"
)
_LIKE = "很喜歡|很喜欢|超喜歡|超喜欢|喜歡|喜欢|喜愛|喜爱|熱愛|热爱|愛|爱"
_HATE = "受不了|討厭|讨厌|厭惡|厌恶|痛恨|恨"
_SAME_WORDS = {
    "father": "爸爸|父親|父亲|老爸|爸",
    "mother": "媽媽|妈妈|母親|母亲|老媽|老妈|媽|妈",
    "wife": "太太|老婆|妻子",
    "husband": "老公|丈夫",
    "home": "家裡|家里|家中|家",
    "child": "小孩子|小孩|孩子",
    "every": "每一|每",
    "weekend": "週末|周末",
    "begin": "開始|开始",
}
_PADDING = (
    "現在|现在|目前|真的|非常|十分|其實|其实|超級|超级|特別|特别|比較|比较|自己|本人|使用者|用戶|用户|一個|一个|一隻|一只|一位|一名|一台|一輛|一辆|已經|已经|正在|這個|这个|那個|那个|"
    "[的了是在你妳您它牠們们嗎吗呢吧啊呀哦喔嗯啦囉喽很超也都就還还而且和與与跟及於于為为以這这那個个隻只有著着之所被對对把給给]"
)
_CHINESE = re.compile(
    "|".join(
        (
            f"(?P<idiom>{_NOT_NEGATION})",
            r"(?P<no>不再|不會|不会|不是|沒有|没有|從不|从不|從未|从未|從來不|从来不|不|沒|没|未|別(?![人的墅處处名針针])|别(?![人的墅处名针]))",
            f"(?P<like>{_LIKE})",
            f"(?P<hate>{_HATE})",
            *(f"(?P<{name}>{words})" for name, words in _SAME_WORDS.items()),
            "(?P<first>我們|我们|咱們|咱们|我|俺)",
            "(?P<third>他們|他们|她們|她们|他|她)",
            f"(?P<padding>{_PADDING})",
            f"(?P<nth>第[{_HAN_DIGITS}]+)",
            f"(?P<number>[{_HAN_DIGITS}]+)",
            "(?P<char>.)",
        )
    ),
    re.DOTALL,
)

# Signs that are said as words. An emoji is a word of its own.
_SIGNS = {"$": "dollar", "€": "euro", "£": "pound", "¥": "yen", "₩": "won", "₹": "rupee", "%": "percent"}
_PRICE = re.compile(r"([$€£¥₩₹])\s?(\d[\d.,]*)")
_EMOJI = "\u2600-\u27bf\U0001f000-\U0001faff"
_TOKEN_FORMS = (
    rf"(?P<minus>(?<![\w.)])[-−](?=\d))?(?P<digits>\d+(?:[.,:/-]\d+)*)(?P<times>k\b|[百千萬万億亿](?![{_HAN_DIGITS}]))?(?P<nth>(?:st|nd|rd|th)\b)?"
    rf"|(?P<unspaced>[{_UNSPACED}]+)"
    rf"|(?P<handle>(?!_)[^\W{_UNSPACED}]{{1,40}}_(?:(?!_)[^\W{_UNSPACED}]|_){{1,40}})"
    rf"|(?P<word>[^\W\d_{_UNSPACED}](?:[^\W_{_UNSPACED}]|'(?=[^\W\d_]))*(?:(?<=\b[abo])-(?![\w-])|(?<=\bab)-(?![\w-])|\+*#?))"
    rf"|(?P<sign>[{''.join(_SIGNS)}{_EMOJI}])"
)
_TOKEN = re.compile(_TOKEN_FORMS)
_TOKEN_OR_ADDRESS = re.compile(rf"(?P<address>[\w.+-]{{1,64}}@[\w.-]{{1,100}}\w)|{_TOKEN_FORMS}")

# Words of English that say nothing of what a statement is about. Those that turn it round (from,
# without, before, or, will, can) are not here.
_STOP = frozenset(
    """a an the of in on at to for by with into as and but is are was were be been being am do does did done has have had
    having then so too that this these those there here it its i me my mine myself we us our ours you your yours he she him his
    her hers himself herself they them their theirs s d m re ve t who which what where when how if about
    really very just also still now currently presently nowadays actually quite truly definitely basically honestly btw well oh hey hi
    please user users speaker lot lots much thing days right please also already indeed simply absolutely totally ever""".split()
)
_NEGATIONS = frozenset("not no never none nobody nothing neither nor cannot without hardly".split())
_SHORTENED = frozenset("wo ca sha ai".split())  # won't, can't, shan't, ain't
_FIRST = frozenset("i me my mine myself we us our ours user users im".split())
_THIRD = frozenset("he she him his her hers they them their theirs".split())

# Words that mean the same wherever they stand in a statement about somebody; by their stems.
_GROUPS = (
    "like love loves adore enjoy fond likes",
    "hate dislike detest loathe despise hates",
    "kid child children kids",
    "mom mum mother mommy mummy",
    "dad father daddy",
    "movie film",
    "bike bicycle cycle",
    "car automobile",
    "tv television",
    "buy bought purchase purchased",
    "begin began begun start started",
    "photo photograph picture",
    "big large",
    "small little",
    "colour color",
    "favourite favorite",
    "work job employ",
    "physician doctor",
    "own owns",
    "every each",
    "fly flew flown",
    "go going goes",
    "afraid scared frightened",
    "phone telephone",
    "ill sick",
    "study studying",
)

# Words whose presence alone makes no other statement: verbs that only carry their noun.
_WEAK = "go get do make take give keep usually often generally regularly great always play every own 去 做 當 当 到 會 会 每 用 坐 搭 叫 東 西 东 call name"

# Verbs of having and doing, and how often: no matter of their own beside what is had or done.
_PASSING = """use using have own go get do play drink eat smoke take practise practice subscribe ride drive keep train attend run
every each day daily week weekly weekend month monthly year morning evening afternoon night noon time times twice once usually often always
sometimes regularly mostly still currently new pair #2 #3 #4 #5 用 有 去 玩 喝 吃 抽 打 彈 开 開 騎 每 天 週 周 月 年 早 晚 上 次 常 一"""

# What reads as a negation and is none, and the other way round.
_IDIOM = re.compile(
    r"\b(?:(?:can'?t|cannot|can not|couldn'?t) (?:stand|bear)|(?:can'?t|cannot) wait|not only|not just|no doubt|no matter|no problem|nothing but|"
    r"(?:can'?t|cannot|couldn'?t) help|never mind|a lot of|a bit of|kind of|sort of|in love with|fond of|fan of|keen on|crazy about|these days|would like|(?:i|he|she|we|they)'d like|"
    r"(?:i'm|i am|he's|she's) into)\b"
)
_AS = {
    "stand": " hate ",
    "bear": " hate ",
    "wait": " await ",
    "with": " love ",
    "of": " ",
    "on": " love ",
    "about": " love ",
    "into": " love ",
}


def _plainly(found: re.Match[str]) -> str:
    phrase = found.group()
    if phrase in ("fond of", "fan of"):
        return " love "
    if phrase.endswith(" into"):
        return "i love "
    if phrase.endswith("like"):
        return " want "
    return _AS.get(phrase.rpartition(" ")[2], " ")


_ENDED = re.compile(
    r"\b(?:no longer|any ?more|(?<!\bam )(?<!'m )(?<!\bget )(?<!\bgot )used to|former(?:ly)?|previously|ex-\w|quit|resigned|stopped|gave up|given up|passed away|died|"
    r"broke up|split up|sold (?:my|our|his|her|the)|cancell?ed|(?:i|he|she|they|we|'ve|have|has|just) left (?:my|the|our|his|her|\w)|laid off|fired from|"
    r"(?:i|he|she|we|they|user) (?:was (?:an?|the|in|at)|had (?:an?|the|two|three|\d)|(?:worked|lived|studied) (?:at|in|as|for|with|on))) ?\b"
    r"|不再|離職|离职|辭職|辞职|辭掉|辞掉|辭了|辞了|離開了|离开了|戒掉|戒了|過世|过世|去世|死了|賣掉|卖掉|賣了|卖了|取消|放棄|放弃|以前|曾經|曾经|之前(?:住|在|是)|被裁|前公司"
)
_ENDING_WORDS = re.compile(
    r"\b(?:no longer|any ?more|used to|former(?:ly)?|previously|quit|resigned|stopped|gave up|given up|passed away|died|dead|sold|cancell?ed|left|laid off|fired|ago|recently|last \w+|"
    r"these days|today|yesterday)\b"
    r"|不再|離職|离职|辭職|辞职|辭掉|辞掉|辭了|辞了|離開了?|离开了?|戒掉|戒了|過世|过世|去世|死了|賣掉|卖掉|賣了|卖了|取消|放棄|放弃|以前|曾經|曾经|被裁|最近|上個月|上个月|上週|上周|去年|今年|昨天|今天|剛剛|刚刚|剛|刚"
)
# "from Berlin to Munich", "at Beta instead of Acme", 從台北搬到高雄: the first of these is no value of now.
_AWAY = re.compile(
    r"\bfrom [^,.;]{1,40}?(?= to\b)|\b(?:instead of|rather than|, not) [^,.;]{1,40}|[從从由][^，。；從从]{1,12}?(?=搬|換|换|跳|轉|转|改|到)|(?:而)?不是[^，。；]{1,12}"
)
_CLAUSE = re.compile(r"[,;.!?，。；！？]+(?!\d)|\bbut\b|\band\b|但是?|而(?!且)|可是")


def _normal(statement: str) -> str:
    return unicodedata.normalize("NFKC", text.scalar(statement)).replace("’", "'").replace("‘", "'")


def _read(folded: str) -> _Content:
    """Content words, numbers and negation of a text that is normalised and case-folded."""
    order: list[int] = []
    pairs: set[int] = set()
    numbers: list[str] = []
    person: set[str] = set()
    negated = False
    one = "=1" if len(_FIGURES.findall(folded)) > 1 else "1"
    for kind, word in _pieces(folded):
        if kind == "number":
            figure = one if word == "1" else word
            numbers.append(figure)
            if figure != "1":
                order.append(_hash("#" + figure))
        elif kind == "no":
            negated = True
        elif kind == "person":
            person.add(word)
            order.append(_FIRST_PERSON if word == "first" else _THIRD_PERSON)
        elif kind == "pair":
            pairs.add(_hash(word))
        else:
            order.append(_hash(word))
    return _Content(
        order=tuple(order),
        terms=frozenset(order) - _PERSONS,
        pairs=frozenset(pairs),
        numbers=frozenset(_each_time(numbers)),
        negated=negated,
        person=frozenset(person),
    )


_FIGURES = re.compile(r"\d+")


def _each_time(numbers: list[str]) -> Iterator[str]:
    """Numbers, so that a set of them keeps how often each was said."""
    times: Counter[str] = Counter()
    for number in numbers:
        times[number] += 1
        yield number if times[number] == 1 or number == "1" else f"{number}*{times[number]}"


_Piece = tuple[Literal["word", "pair", "number", "no", "person"], str]


def _pieces(folded: str) -> Iterator[_Piece]:
    spelt: list[str] = []  # words of one number: "two hundred"
    folded = _PRICE.sub(r"\2 \1", folded)
    forms = _TOKEN_OR_ADDRESS if "@" in folded else _TOKEN
    for token in forms.finditer(folded):
        kind = token.lastgroup
        if token["word"] is not None:
            word = token["word"]
            if word in _NUMBER_WORDS:
                spelt.append(word)
                continue
            if spelt:
                yield "number", _spelt_number(spelt)
                spelt = []
            yield from _english(word)
            continue
        if spelt:
            yield "number", _spelt_number(spelt)
            spelt = []
        if kind in ("address", "handle"):
            yield "word", token.group()
        elif kind == "sign":
            yield "word", _folded_word(_SIGNS.get(token.group(), token.group()))
        elif kind == "unspaced":
            yield from _chinese(token["unspaced"])
        else:
            figure = _figure(token["digits"], token["times"], nth=token["nth"] is not None)
            yield "number", f"-{figure}" if token["minus"] else figure
    if spelt:
        yield "number", _spelt_number(spelt)


@lru_cache(maxsize=65_536)
def _english(word: str) -> tuple[_Piece, ...]:
    return tuple(_english_pieces(word))


def _english_pieces(word: str) -> Iterator[_Piece]:
    head, _, tail = word.partition("'")
    if word.endswith("n't"):
        head = word[:-3]
        tail = ""
        yield "no", word
    if head in _FIRST:
        yield "person", "first"
    elif head in _THIRD:
        yield "person", "third"
    if word in _NEGATIONS:
        yield "no", word
    elif head in _ORDINALS:
        yield "number", f"o{_ORDINALS[head]}"
    elif tail == "ll":
        yield "word", "will"
    elif head not in _STOP and head not in _SHORTENED:
        yield "word", _folded_word(head)


def _chinese(run: str) -> Iterator[_Piece]:
    before = ""
    for found in _CHINESE.finditer(run):
        kind = str(found.lastgroup)
        piece = found.group()
        if kind == "char":
            piece = _simplified(piece)
            yield "word", piece
            if before:
                yield "pair", before + piece
            before = piece
            continue
        before = ""
        if kind == "idiom":
            yield from (("word", each) for each in _simplified(piece))
        elif kind == "no":
            yield "no", piece
        elif kind in ("first", "third"):
            yield "person", kind
        elif kind == "number":
            yield "number", _chinese_number(piece)
        elif kind == "nth":
            yield "number", "o" + _chinese_number(piece[1:])
        elif kind != "padding":
            yield "word", _folded_word(kind)


@lru_cache(maxsize=4096)
def _own_words(attribute: str | None, subject: str | None) -> frozenset[int]:
    """Terms of the attribute and of the subject, which are no part of a value."""
    groups = _group_of()
    own = {_hash(groups[term]) if term in groups else term for term in slots.words(attribute)}
    if attribute is not None:
        own.update(_read(attribute.replace("_", " ").replace(":", " ")).terms)
    if subject:
        own.update(_read(_normal(subject).casefold()).terms)
    return frozenset(own)


def _value(folded: str, attribute: str | None, own: frozenset[int], whole: _Content | None = None) -> _Content:
    """Content of a text less the attribute's own words and those that say when or that it ended.

    `whole`: the text as `_read` has it, where that is known.
    """
    left = folded
    if attribute is not None:
        left = _ENDING_WORDS.sub(" ", _AWAY.sub(" ", folded))
        phrases = slots.phrases(attribute)
        left = phrases.sub(" ", left) if phrases and not left.isascii() else left
    content = whole if whole is not None and left == folded else _read(left)
    order = tuple(term for term in content.order if term not in own and term not in _PERSONS)
    return replace(content, order=order, terms=frozenset(order))


def _bare(content: _Content) -> _Content:
    """A value that is the number one and nothing else is no article."""
    order = content.order or tuple(_hash("#" + number) for number in sorted(content.numbers))
    return replace(content, order=order, terms=frozenset(order))


def _around(folded: str, value: str) -> str:
    """The clause that names a value, without it, as far as a negation in it would concern it."""
    at = folded.find(value)
    if at < 0:
        return folded
    start, end = 0, len(folded)
    for mark in _CLAUSE.finditer(folded):
        if mark.end() <= at:
            start = mark.end()
        elif mark.start() >= at + len(value):
            end = mark.start()
            break
    after = folded[at + len(value) : end]
    # "at Beta, not at Acme": what follows denies another value. A "not" in a name denies nothing.
    return folded[start:at] + " " + re.sub(r"^\s*(?:and )?not\b.*|^而?不是.*", "", after)


# Names.

_LATIN = re.compile(rf"[^\W\d_{_UNSPACED}](?:[^\W_{_UNSPACED}]|['.&-](?=[^\W_{_UNSPACED}]))*")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:。！？：\n])[\s\"'“「(]*\Z")


def _names(norm: str) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """What is surely a name, what may be one, and beginnings of names. Runs of capitalised words are one name."""
    sure: set[int] = set()
    maybe: set[int] = set()
    parts: set[int] = set()
    chinese = not norm.isascii() and text.side(norm) == "cjk"
    for run, opens in _runs(norm):
        (maybe if opens and not chinese else sure).add(_name_hash(" ".join(run)))
        parts.update(_name_hash(" ".join(run[:size])) for size in range(1, min(len(run), _NAME_WORDS)))
    if chinese or not (sure or maybe):
        words = [match.group().casefold() for match in itertools.islice(_LATIN.finditer(norm), _WORDS_LOOKED_AT)]
        # Beside Chinese any word may be a name; written without capitals, any three.
        for size in (1,) if chinese else (1, 2, 3):
            maybe.update(_name_hash(" ".join(words[at : at + size])) for at in range(len(words) - size + 1))
    return frozenset(sure), frozenset(sure | maybe), frozenset(parts)


_NAME_WORDS = 6
"""Longest name, in words, whose beginnings count."""
_WORDS_LOOKED_AT = 60


def _runs(norm: str) -> Iterator[tuple[list[str], bool]]:
    """Words with capitals that stand side by side, case-folded, and whether the first only opens a sentence."""
    run: list[str] = []
    opens = False
    end = -1
    for match in _LATIN.finditer(norm):
        whole = match.group()
        if whole.islower():
            continue
        word = whole.removesuffix("'s")
        folded = word.casefold()
        inner = word[1:] != word[1:].lower()
        if not (inner or word[0].isupper()) or folded.partition("'")[0] in _STOP or folded in _NEGATIONS:
            continue
        if run and match.start() != end + 1:
            yield run, opens
            run = []
        if not run:
            opens = not inner and bool(_SENTENCE_START.search(norm[max(0, match.start() - 4) : match.start()]))
        run.append(folded)
        end = match.end()
        if whole != word:  # "Dana's Acme": two
            yield run, opens
            run = []
    if run:
        yield run, opens


# Numbers.

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_NUMBER_WORDS = (
    {word: number for number, word in enumerate(_UNITS)}
    | {word: 10 * number for number, word in enumerate(_TENS, 2)}
    | {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 1_000_000_000}
)
_ORDINALS = {
    word: number
    for number, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
    if number != 2  # mostly a while
}
_TIMES = {"k": 1_000, "百": 100, "千": 1_000, "萬": 10_000, "万": 10_000, "億": 100_000_000, "亿": 100_000_000}


def _spelt_number(words: list[str]) -> str:
    """Read `["two", "hundred", "five"]` as "205"."""
    total = current = 0
    for word in words:
        number = _NUMBER_WORDS[word]
        if number >= 1_000:
            total += max(current, 1) * number
            current = 0
        elif number == 100:
            current = max(current, 1) * number
        else:
            current += number
    return str(total + current)


def _figure(digits: str, times: str | None, *, nth: bool) -> str:
    """Read "1,000" and "1k" as "1000", "3rd" as "o3"; 2.50 stays apart from 2.5 in nothing but zeros."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        digits = digits.replace(",", "")
    if digits.isdecimal() or re.fullmatch(r"\d+\.\d+", digits):
        digits = digits.lstrip("0") or "0"
        if "." in digits:
            digits = digits.rstrip("0").rstrip(".")
            digits = "0" + digits if digits.startswith(".") else digits or "0"
        if times and len(digits) < 16:
            digits = f"{round(float(digits) * _TIMES[times], 3):.15g}"
    return f"o{digits}" if nth else digits


@lru_cache(maxsize=4096)
def _chinese_number(word: str) -> str:
    """Read 三百二十 as "320", 二〇二五 as "2025"."""
    digits = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "兩": 2, "两": 2}
    if all(character in digits for character in word):
        return "".join(str(digits[character]) for character in word).lstrip("0") or "0"
    total = section = current = 0
    for character in word:
        if character in digits:
            current = digits[character]
        elif character in "十百千":
            section += (current or 1) * {"十": 10, "百": 100, "千": 1000}[character]
            current = 0
        else:
            total += max(section + current, 1) * _TIMES[character]
            section = current = 0
    return str(total + section + current)


# Words.


def _name_hash(name: str) -> int:
    """Names are compared letter by letter: Ann is not Anne."""
    return zlib.crc32(name.encode())


@lru_cache(maxsize=65_536)
def _hash(word: str) -> int:
    """The hash that `text.terms` gives a word; of what it takes for several, one of its own."""
    found = text.terms(word)
    if len(found) == 1 and word[-1:] not in "+#-":  # C++ is neither C nor C#
        return found[0]
    if not found and len(word) == 1:
        return zlib.crc32(word.encode()) | _IS_EMOJI
    mixed = zlib.crc32(word.encode()) if word[-1:] in "+#-" else 0
    for each in found or [len(word)]:
        mixed = (mixed * 1_000_003 + each) & 0xFFFFFFFF
    return mixed


_IS_EMOJI = 1 << 33
"""Beyond the 32 bits of a term."""


@lru_cache(maxsize=65_536)
def _folded_word(word: str) -> str:
    """The word that stands for all that mean the same."""
    groups = _group_of()
    return groups.get(_hash(word), word)


@lru_cache(maxsize=1)
def _group_of() -> dict[int, str]:
    return {_hash(word): group.split()[0] for group in _GROUPS for word in group.split()}


@lru_cache(maxsize=1)
def _over() -> frozenset[int]:
    return frozenset(_hash(word) for word in ("over", "than", "比", "胜"))


@lru_cache(maxsize=1)
def _passing() -> frozenset[int]:
    return frozenset(_hash(_folded_word(word)) for word in _PASSING.split())


@lru_cache(maxsize=1)
def _weak() -> frozenset[int]:
    return frozenset(_hash(_folded_word(word)) for word in (*_WEAK.split(), "#=1"))


# The commonest characters that the two Chinese scripts write differently.
_TRADITIONAL = "愛罷備筆畢邊變標別參層產長嘗車稱遲蟲處傳創從錯達帶單當導燈敵點電東動鬥獨斷對隊頓兒發飯飛費風婦復該蓋幹剛個給宮溝構購夠顧關觀館慣廣歸貴國過漢號後華畫話壞歡還換黃會婚機雞積極級擊際繼紀幾記計價簡見間監將講獎獎較腳覺結節緊進經頸靜舊劇據開課塊寬況來蘭藍樂類離裡麗連臉練涼兩療遼鄰靈領龍樓錄陸亂輪論羅媽馬買賣滿貓門們夢麵難腦內鳥農歐盤賠貧評蘋樸齊騎氣錢淺強橋親輕請慶窮區確讓熱認榮軟賽傷燒紹設誰聲勝聖濕師詩時識實視試書樹雙順說絲飼訴歲孫臺談湯討題體條鐵廳聽頭圖團灣萬網為維圍衛謂聞問無務誤係細現線鄉響項蕭寫謝興許選學尋訊壓鴨煙嚴驗陽養樣業葉頁醫億議藝義陰銀飲應營硬擁優遊魚與語園員圓遠願約雲運雜災臟則責擇增戰張這針陣鎮爭鄭織職紙質鐘種眾週豬轉裝狀準資總鄒"
_SIMPLIFIED = "爱罢备笔毕边变标别参层产长尝车称迟虫处传创从错达带单当导灯敌点电东动斗独断对队顿儿发饭飞费风妇复该盖干刚个给宫沟构购够顾关观馆惯广归贵国过汉号后华画话坏欢还换黄会婚机鸡积极级击际继纪几记计价简见间监将讲奖奖较脚觉结节紧进经颈静旧剧据开课块宽况来兰蓝乐类离里丽连脸练凉两疗辽邻灵领龙楼录陆乱轮论罗妈马买卖满猫门们梦面难脑内鸟农欧盘赔贫评苹朴齐骑气钱浅强桥亲轻请庆穷区确让热认荣软赛伤烧绍设谁声胜圣湿师诗时识实视试书树双顺说丝饲诉岁孙台谈汤讨题体条铁厅听头图团湾万网为维围卫谓闻问无务误系细现线乡响项萧写谢兴许选学寻讯压鸭烟严验阳养样业叶页医亿议艺义阴银饮应营硬拥优游鱼与语园员圆远愿约云运杂灾脏则责择增战张这针阵镇争郑织职纸质钟种众周猪转装状准资总邹"
_SCRIPTS = str.maketrans(_TRADITIONAL, _SIMPLIFIED)


def _simplified(characters: str) -> str:
    return characters.translate(_SCRIPTS)
