"""What a question asks for, with no model: whom it names, which times, the first or the last, what was or is. Pure.

English and Chinese in both scripts; of other languages the names, and in Japanese and Korean the plainest
words of time. What is not seen here is not lost: the question is embedded and searched by keyword anyway, all of it
but the words that tell a time (`core`), which the read path puts back where no time comes of them. What is found here
moves memories up or down, lets superseded ones in, and never leaves out one that would be there. So a guess may be bold.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from mnemic import dates, slots, text
from mnemic.names.book import Book
from mnemic.names.english import RUN, is_ordinary
from mnemic.names.keys import EDGES, HAN, USER, key
from mnemic.names.lexicon import lexicon
from mnemic.names.mentioned import chinese_names, latin_names, titles
from mnemic.types import Precision

LOOK = 4_000
"""Characters of a question that are understood: what is longer is a question with a document."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A time that a question asks about: from `start` to before `end`, either of them open where None.

    "before 2020" ends with 2019 and has no start; "after May" starts with June, "since May" with May.
    """

    start: datetime | None
    end: datetime | None
    precision: Precision
    """Of the words that named it: "last week" is a week, "recently" a month."""
    role: Literal["in", "before", "after"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """An event that tells the time: "before I moved to Taipei", 手術後."""

    role: Literal["before", "after", "during"]
    text: str
    """The event as the question tells it, to be searched for its date."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question and what it asks for."""

    text: str
    """The question with the user in the first person."""
    core: str
    """What to embed and to look up by keyword: the same without the words that tell the time."""
    only_time: bool = False
    """Asks for a time and nothing else ("What happened last week?")."""
    names: tuple[str, ...] = ()
    """People, places, organisations and things as written, each once; the user is not among them."""
    name_keys: tuple[str, ...] = ()
    """Keys under which a name may be known, of every short run of words: most of them nobody's."""
    about_user: bool = False
    attributes: frozenset[str] = frozenset()
    """What of the user it asks for, and nothing else: names of `slots.toml`."""
    times: tuple[Interval, ...] = ()
    anchor: Anchor | None = None
    order: Literal["first", "last"] | None = None
    """Asks for the earliest or the latest of several."""
    past: bool = False
    """Asks for what was and may have changed, rather than for what is."""
    present: bool = False
    """Asks for what is now."""
    breadth: bool = False
    """Counts or lists, so that many different memories are wanted rather than one."""
    side: str = "other"
    """As `text.side`."""


def understand(question: str, *, now: datetime, user: str | None = None) -> Question:
    """Read a question against the moment `now` (without a zone: UTC); `user` is the user's own id.

    Everything but `text`, `core` and `side` is read from its first 4,000 characters; what follows is in these as it is.

    >>> asked = understand("Where did Dana live before 2020?", now=datetime(2025, 3, 14, tzinfo=UTC))
    >>> asked.names, asked.past, [each.end.year for each in asked.times]
    (('Dana',), True, [2020])
    """
    now = now if now.utcoffset() is not None else now.replace(tzinfo=UTC)
    asked = text.in_first_person(text.scalar(question), user)
    whole = _Head(asked[:LOOK])
    head = _Head(_asking(whole.words))
    spans = list(_times(head, now))
    anchor, place = _anchor(head, spans)
    core, only_time = _core(asked, [*(place for _, place in spans), place])
    about_user = bool(_USER.search(whole.low) or (whole.chinese and _USER_ZH.search(whole.low)))
    about_user = about_user or (user is not None and asked != question)
    attributes = slots.asked(core) if about_user else frozenset()
    order, breadth = _order(head), _breadth(head)
    return Question(
        text=asked,
        core=core,
        only_time=only_time,
        names=tuple(_names(whole)),
        name_keys=tuple(_name_keys(whole)),
        about_user=about_user,
        attributes=attributes,
        times=_of_anchor(spans, anchor, place),
        anchor=anchor,
        order=order,
        past=_past(head, [each for each, _ in spans], anchor, now) or _several(attributes, order, breadth=breadth),
        present=bool(_PRESENT.search(head.low)),
        breadth=breadth,
        side=text.side(asked),
    )


def _several(attributes: frozenset[str], order: str | None, *, breadth: bool) -> bool:
    """Whether the first or all values of something are asked for: former ones, too."""
    return bool(attributes) and (order == "first" or breadth)


# "I had a row with my boss yesterday" tells of yesterday and asks for nothing of it; "What should we do today?" asks
# for advice.
_SENTENCE = re.compile(r"[^.!?。！？…\n]+[.!?。！？…\n]*")
_ASKING = re.compile(
    r"\W*(?:(?:so|and|but|ok|okay|hey|hi|please|well|also|in|at|on|from|since|before|after|during|by|to|for|with|of)\b\W*){0,2}"
    r"(?:what|when|where|who|whom|whose|which|why|how|did|does|do|was|were|is|are|have|has|had|list|tell|show|remind|recall"
    r"|find|give|any)\b",
    re.IGNORECASE,
)
_ASKING_ZH = re.compile(
    "[嗎吗呢誰谁哪幾几]|什麼|什么|甚麼|怎|何時|何时|為何|为何|多少|多久|多大|列出|告訴我|告诉我|提醒我"
)
_ADVICE = re.compile(
    r"\b(?:should|shall|could|can|may) (?:i|we)\b|\b(?:can|could|would|will) you\b(?! (?:remember|recall|tell|remind|list))|\b(?:recommend|suggest)|推薦|推荐|建議|建议|要不要|應該|应该|該不該|该不该",
    re.IGNORECASE,
)
_FEW = 40
"""Letters of a text that is some words to search for rather than something told: half a dozen words."""


def _asking(words: str) -> str:
    """The sentences that ask, with all others blanked out, so that places stay; of a few words, all."""
    if len(words) <= _FEW:
        return words
    return _SENTENCE.sub(lambda found: found[0] if _wants_answer(found[0]) else " " * len(found[0]), words)


def _wants_answer(sentence: str) -> bool:
    if _ADVICE.search(sentence):
        return False
    return text.asks(sentence.strip()) or bool(_ASKING.match(sentence)) or bool(_ASKING_ZH.search(sentence))


def _core(asked: str, places: list[tuple[int, int]]) -> tuple[str, bool]:
    """Without the places that tell the time: "last week" would find the last of anything. And whether nothing is left."""
    places = sorted(place for place in places if place[0] < place[1])
    if not places:
        return asked, False
    kept, at = "", 0
    for start, end in places:
        if start >= at:
            kept += _LEADING_TO.sub("", asked[at:start]) + " "
        at = max(at, end)
    kept = " ".join((kept + asked[at:]).split())
    only = all(word.plain in _EMPTY for word in text.question_words(kept[:LOOK]))
    return (kept if kept.strip(" ?？!.。") else asked), only


_LEADING_TO = re.compile(r"\b(?:in|on|at|of|by|from|during|since|until|till|before|after)\s*\Z", re.IGNORECASE)
_EMPTY = frozenset(
    """do did done doing does i we you my me us our what happen happened happening go going went on up new anything something
    was were is are have has had any all in the and tell about news 做 過 过 事 了 些 情 發生 发生 發 发 生 事情 新 麼 么 什 甚 哪 些事 做過 做过 我 們 们
    我們 我们 了什 些什 做了""".split()
)
"""Words of a question that asks for a time and nothing else."""


class _Head:
    """The part of a question that is read."""

    def __init__(self, words: str) -> None:
        self.words = words
        low = words.lower().replace("’", "'")
        # A capital that becomes two small letters would shift every place after it.
        self.low = low if len(low) == len(words) else "".join(each.lower()[:1] for each in words).replace("’", "'")
        self.chinese = HAN.search(words) is not None

    @functools.cached_property
    def tense(self) -> Literal["past", "present", "future"] | None:
        return dates.tense(self.low)


_USER = re.compile(r"(?<![\w'-])(?:i|me|my|mine|myself|we|us|our|ours|ourselves)(?![\w-])|\b(?:the )?user(?:'s)?\b")
_USER_ZH = re.compile(r"(?<!自)我|咱|俺|本人|用戶|用户|使用者")


# Whom and what it names.


def _names(head: _Head) -> Iterator[str]:
    """Each name once, as written. The first word counts where something beside it shows that it is a name."""
    seen = set()
    words = _opened(head.words)
    first = _first_name(words)
    found = [(first, "thing")] if first else []
    found += [*latin_names(words, Book()), *(chinese_names(words) if head.chinese else ()), *titles(words)]
    for name, _ in found:
        folded = key(name)
        if folded and folded != USER and folded not in seen:
            seen.add(folded)
            yield name


# What a request opens with; its capital is the sentence's.
_OPENERS = frozenset(
    """list tell show remind name give find count describe summarize summarise compare explain check recall remember
    help look search think guess any anything whose whom was were has had""".split()
)
_FIRST = re.compile(r"\s*[\"'“‘]?(?P<word>[^\W\d_]{1,30})")
_NAME_GOES_ON = re.compile(r"['’]s\b| and [A-Z]| ?[\u3400-\u9fff]")


def _opened(words: str) -> str:
    """The question with the capital of a word taken away that merely opens it."""
    match = _FIRST.match(words)
    if match is None or match["word"].lower() not in _OPENERS:
        return words
    start, end = match.span("word")
    return words[:start] + words[start:end].lower() + words[end:]


def _first_name(words: str) -> str | None:
    run = RUN.match(words, len(words) - len(words.lstrip()))
    if run is None or " " in run.group():
        return None
    name = re.sub(r"['’]s\Z", "", run.group())
    goes_on = name != run.group() or _NAME_GOES_ON.match(words, run.end())
    return name if goes_on and not is_ordinary(name) and len(name) > 1 else None


_RUN_WORDS = 4
"""Words of the longest name that is looked up."""
_RUN_CHARACTERS = 6
_MOST_WORDS = 60
_MOST_CHARACTERS = 60
"""What a spoken question has at most, about; runs of what follows are not looked up."""

_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\u0e00-\u0eff"
_WORDS = re.compile(rf"[^\s{_UNSPACED}，。！？、；：,;!?()\[\]「」『』《》“”\"…]+")
_CLAUSE = re.compile(rf"[{_UNSPACED}·]{{2,}}")

# Words that are in no name by themselves, and with which none ends. "The" and "my" may begin one.
_STOP = frozenset(
    """a an the of in on at to for from by with about into as and or but if is are was were be been being am do does did
    done has have had will would can could should may might must not no than then so too what which who whom whose when
    where why how that this these those there here it its he she they them his her hers their theirs i you your yours
    my mine me we our us ever all any some every more most much many still now just also""".split()
)
_BEGIN = frozenset({"the", "my", "our", "a"})
_STOP_ZH = frozenset("的了是嗎吗呢吧啊呀哦喔嗯什麼么甚誰谁哪怎為为幾几")
_ROLE_WORDS = frozenset({"my", "our", "i", "me", "user", "assistant", "ai", "myself", "we"})


def _name_keys(head: _Head) -> Iterator[str]:
    """Keys of every run of one to four words, and of two to six characters where there are no spaces."""
    seen: set[str] = set()
    for found in (*_word_keys(head.words), *(_character_keys(head.words) if _CLAUSE.search(head.words) else ())):
        if found and found not in seen and found != USER:
            seen.add(found)
            yield found


def _word_keys(words: str) -> Iterator[str]:
    heads = lexicon().role_heads
    every: list[str] = []
    for match in _WORDS.finditer(words[:LOOK]):
        if len(every) == _MOST_WORDS:
            break
        word = text.plain(match.group()).replace("’", "'").strip(EDGES)
        if word:
            every.append(word)
    bare = [word.removesuffix("'s") for word in every]
    for start, first in enumerate(every):
        if first in _STOP and first not in _BEGIN:
            continue
        for end in range(start + 1, min(start + _RUN_WORDS, len(every)) + 1):
            last = bare[end - 1]
            if last in _STOP:
                continue
            inner = every[start : end - 1]
            run = " ".join((*inner, last))
            # Only a run that may be somebody's role has a key other than its own words.
            role = "'" in run or first in _ROLE_WORDS or last in heads or "@" in run or last in _ROLE_WORDS
            yield key(run) if role else run
            if last != every[end - 1]:
                yield key(" ".join((*inner, every[end - 1])))


def _character_keys(words: str) -> Iterator[str]:
    left = _MOST_CHARACTERS
    for match in _CLAUSE.finditer(text.plain(words)):
        clause = match.group()[:left]
        left -= len(clause)
        for start, first in enumerate(clause):
            if first in _STOP_ZH:
                continue
            for end in range(start + 2, min(start + _RUN_CHARACTERS, len(clause)) + 1):
                if clause[end - 1] in _STOP_ZH:
                    continue
                run = clause[start:end]
                if first in "我咱俺":
                    folded = key(run)
                    if folded.startswith("@"):
                        yield folded
                else:
                    yield key(run) if _has_role(run) else run
        if left <= 0:
            return


def _has_role(run: str) -> bool:
    return "的" in run or run in lexicon().roles or run in ("助手", "用戶", "用户", "使用者", "自己", "本人", "我們")


# Which times.

_Span = tuple[Interval, tuple[int, int]]

_UNITS = {"day": 1, "week": 7, "month": 30, "year": 365}
_COUNTS = {
    word: number
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
} | {"": 1, "a": 1, "couple": 2, "few": 4, "several": 6, "some": 4}
_FIGURES_ZH = {word: number for number, word in enumerate("一二三四五六七八九十", 1)} | {
    "兩": 2, "两": 2, "幾": 4, "几": 4, "數": 4, "数": 4, "半": 0.5,
}  # fmt: skip
_UNITS_ZH = {"天": 1, "日": 1, "週": 7, "周": 7, "星期": 7, "禮拜": 7, "礼拜": 7, "月": 30, "年": 365}
_PRECISION: dict[int, Precision] = {1: "day", 7: "week", 30: "month", 365: "year"}

_RECENT_DAYS = 30
"""What "recently" reaches back: some weeks as a rule, and too wide costs less than too narrow."""

_COUNT = rf"(?:[0-9]{{1,3}}|{'|'.join(word for word in _COUNTS if word)})"
_ROLLING = re.compile(
    rf"\b(?:(?:in|over|during|for|within|from|of)\s+)?(?:the|these|this)\s+(?P<way>last|past|previous|next|coming)\s+"
    rf"(?:(?P<count>{_COUNT})\s+(?:of\s+)?)?(?P<unit>day|week|month|year)s?\b(?!\s+(?:of|at|in|before|after)\b)"
    rf"|\b(?P<way2>last|past|next)\s+(?P<count2>{_COUNT})\s+(?:of\s+)?(?P<unit2>day|week|month|year)s?\b"
)
_SOME_AGO = re.compile(
    r"\b(?:(?:a\s+)?(?P<some>couple\s+of|few|couple)|(?P<several>several|some))\s+(?P<unit>day|week|month|year)s\s+(?:ago|back)\b"
)
_RECENTLY = re.compile(
    r"(?<!most )(?<!more )\b(?:recently|lately|of late)\b|\b(?P<other_day>the other (?:day|night|week))\b"
)
_ROLLING_ZH = re.compile(
    r"(?:(?P<back>最近|過去|过去|(?<![附接將将最鄰邻靠])近)(?:的|這|这)?|(?P<these>[這这])(?![一1](?![0-9十]))|(?P<on>未來|未来|接下來|接下来)的?)"
    r"(?P<count>[0-9]{1,3}|[一二三四五六七八九十兩两幾几數数半])"
    r"(?:[個个]?(?P<unit>[天日週周年]|星期|禮拜|礼拜)|[個个](?P<month>月))(?!前|後|后|末|[一二三四五六](?![個个次天])|亮)"
)
_SOME_AGO_ZH = re.compile(
    r"好?[幾几數数](?:(?P<unit>[天日週周年])|[個个](?P<long>月|星期|禮拜|礼拜))[之以]?前|前[幾几](?P<some>天)|前(?:一)?[陣阵]子"
)
_RECENTLY_ZH = re.compile(
    r"(?<!離我)(?<!离我)(?:最近(?!一?[次回個个份任位]|的)|近來|近来|近日|近期|[這这](?:一)?[陣阵]子|[這这](?:段時間|段时间|些日子|些天))"
)
# The plainest words of other languages, in words of the grammar.
_ELSEWHERE = {
    "先週": "last week", "先月": "last month", "来週": "next week", "来月": "next month", "昨年": "last year",
    "来年": "next year", "一昨日": "the day before yesterday", "어제": "yesterday", "오늘": "today", "내일": "tomorrow",
    "그저께": "the day before yesterday", "지난주": "last week", "지난달": "last month", "작년": "last year",
    "다음 주": "next week", "다음 달": "next month", "내년": "next year",
}  # fmt: skip
_ELSEWHERE_WORDS = re.compile("|".join(sorted(_ELSEWHERE, key=len, reverse=True)))
_KANA_HANGUL = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")


def _times(head: _Head, now: datetime) -> Iterator[_Span]:
    """Every time with its place, in order; where two readings overlap, that of a stretch up to now goes first."""
    found = [*_stretches(head, now), *_named(head, now)]
    if _KANA_HANGUL.search(head.words):
        for match in _ELSEWHERE_WORDS.finditer(head.words):
            (there,) = dates.find(_ELSEWHERE[match.group()], now)
            found.insert(0, (_within(there.start, there.end, there.precision), match.span()))
    taken: list[tuple[int, int]] = []
    kept = []
    for interval, place in found:
        if all(place[1] <= start or end <= place[0] for start, end in taken):
            kept.append((interval, place))
            taken.append(place)
        if len(taken) == _MOST_TIMES:
            break
    yield from sorted(kept, key=lambda span: span[1])


_MOST_TIMES = 16


def _named(head: _Head, now: datetime) -> Iterator[_Span]:
    for each in dates.asked(head.words, now):
        when = each.when
        match each.bound:
            case "since":
                interval = Interval(start=when.start, end=None, precision=when.precision, role="after")
            case "after":
                interval = Interval(start=when.end, end=None, precision=when.precision, role="after")
            case "until":
                interval = Interval(start=None, end=when.end, precision=when.precision, role="before")
            case "before":
                interval = Interval(start=None, end=when.start, precision=when.precision, role="before")
            case _:
                interval = _within(when.start, when.end, when.precision)
        yield interval, when.place


def _within(start: datetime, end: datetime, precision: Precision) -> Interval:
    return Interval(start=start, end=end, precision=precision, role="in")


def _stretches(head: _Head, now: datetime) -> Iterator[_Span]:
    """Times counted from now: "in the last two weeks", "a few days ago", "recently"."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)

    def off(days: float) -> datetime:
        try:
            return today + timedelta(days=round(days))
        except OverflowError:  # outside the calendar
            return today

    for match in _ROLLING.finditer(head.low):
        way, unit = match["way"] or match["way2"], _UNITS[match["unit"] or match["unit2"]]
        count = match["count"] or match["count2"]
        if way in ("next", "coming") and not count:
            continue  # "the next week" is a week of the calendar to most
        days = unit * (_COUNTS[count or ""] if not (count or "").isdigit() else int(count))
        future = way in ("next", "coming")
        start, end = (today, off(days + 1)) if future else (off(-days), off(1))
        yield _within(start, end, _PRECISION[unit]), match.span()
    for match in _SOME_AGO.finditer(head.low):
        unit = _UNITS[match["unit"]]
        far = 3 if "couple" in (match["some"] or "") else 12 if match["several"] else 6
        yield _within(off(-far * unit), off(-unit + 1), _PRECISION[unit]), match.span()
    for match in _RECENTLY.finditer(head.low):
        if match["other_day"]:
            days = 21 if match.group().endswith("week") else 10
            yield _within(off(-days), today, "week"), match.span()
        else:
            recent = Interval(start=off(-_RECENT_DAYS), end=None, precision="month", role="after")
            yield recent, match.span()
    if head.chinese:
        yield from _stretches_zh(head, off)


class _Off(Protocol):
    def __call__(self, days: float, /) -> datetime: ...


def _stretches_zh(head: _Head, off: _Off) -> Iterator[_Span]:
    for match in _ROLLING_ZH.finditer(head.low):
        unit = 30 if match["month"] else _UNITS_ZH[match["unit"]]
        count = match["count"]
        days = unit * (int(count) if count.isdigit() and count.isascii() else _FIGURES_ZH[count])
        start, end = (off(0), off(days + 1)) if match["on"] else (off(-days), off(1))
        yield _within(start, end, _PRECISION[unit]), match.span()
    for match in _SOME_AGO_ZH.finditer(head.low):
        if match["unit"] or match["long"] or match["some"]:
            unit = _UNITS_ZH[match["unit"] or match["long"] or match["some"]]
            yield _within(off(-9 * unit), off(-unit + 1), _PRECISION[unit]), match.span()
        else:
            yield _within(off(-90), off(-6), "month"), match.span()
    for match in _RECENTLY_ZH.finditer(head.low):
        recent = Interval(start=off(-_RECENT_DAYS), end=None, precision="month", role="after")
        yield recent, match.span()


def _of_anchor(spans: list[_Span], anchor: Anchor | None, place: tuple[int, int]) -> tuple[Interval, ...]:
    """The times, where one within "before my trip in March" tells of the trip and not of what is asked for."""
    times = []
    for interval, (start, end) in spans:
        if anchor is None or anchor.role == "during" or not (place[0] <= start and end <= place[1]):
            times.append(interval)
        elif anchor.role == "before" and interval.end is not None:
            times.append(Interval(start=None, end=interval.end, precision=interval.precision, role="before"))
        elif anchor.role == "after" and interval.start is not None:
            times.append(Interval(start=interval.start, end=None, precision=interval.precision, role="after"))
    return tuple(dict.fromkeys(times))


# Which event tells the time.

_LONGEST_ANCHOR = 120
_ANCHORS: dict[str, Literal["before", "after", "during"]] = {
    "before": "before", "prior to": "before", "until": "before", "till": "before", "after": "after",
    "following": "after", "since": "after", "during": "during", "while": "during", "when": "during",
}  # fmt: skip
_ANCHOR = re.compile(
    rf"\b(?P<word>before|prior to|until|till|after|following|since|during|while|when)\s+(?=(?P<what>[^?!;,\n。？！，]{{2,{_LONGEST_ANCHOR}}}))"
)
# Where the question itself begins behind an event: "before I moved | where did I live".
_ASKS = re.compile(
    r"\s+(?:(?:where|what|who|whom|which|how|why|when)\b(?:\s+\w+){0,3}?\s+(?:did|do|does|was|were|is|are|am|have|has|had|will|would|could|should)\b"
    r"|(?:did|do|does|was|were|have|has|had|will|would|could|should)\s+(?:i|we|you|he|she|they|my|our)\b)|\.(?:\s|$)"
)
# What comes again every day, and words that are no event.
_NO_EVENT = re.compile(
    r"(?:(?:the|my|our)\s+)?(?:lunch|dinner|breakfast|brunch|supper|bed|bedtime|sleep(?:ing)?|work|school|class|noon|midnight|midday|meals?|eating"
    r"|morning|afternoon|evening|night|day|week|month|year|weekend|summer|winter|spring|autumn|time|dark|sunset|sunrise|hours?)s?"
    r"(?:\s+(?:last|ends|begins|starts)\b.*)?"
    r"|(?:that|this|then|it|now|long|all|each|one|others?|another|whom|what|which|today|tomorrow|yesterday|him|her|me|us|them|you|myself|when|where|how)(?:\s.*)?"
)
_NOT_AFTER = re.compile(r"\b(?:look|looks|looked|looking|named|called)\s+$")  # "look after", "named after"
_SUBJECT = re.compile(r"(?:i|we|you|he|she|they|it|there|my|our|his|her|their|the|[\w-]+)(?:'[a-z]+)?\s+\w")
_PRONOUN = re.compile(r"(?:i|we|you|he|she|they|it|there)(?:'[a-z]+)?\s")
_INVERTED = re.compile(
    r"(?:did|do|does|is|are|am|was|were|will|would|can|could|should|shall|have|has|had|might|may|to|else|exactly|and|or)\b"
)
_INDIRECT = re.compile(  # "tell me when I moved" asks when
    r"\b(?:know|knows|tell|told|me|remember|remembers|recall|mention|mentioned|sure|idea|forgot|forget|check|wonder"
    r"|wondering|about|of|date|out|and|or|decide|decided|since|guess|is|was|list|show|find)\s+$"
)
_WHILE = re.compile(r"(?:in|at|on|with|living|working|studying|travell?ing|staying|visiting|being|\w{3,}ing)\b")


def _anchor(head: _Head, spans: list[_Span]) -> tuple[Anchor | None, tuple[int, int]]:
    """The event by which a question tells the time, and its place; dates themselves are no events."""
    for match in _ANCHOR.finditer(head.low):
        word, start, end = match["word"], match.start("what"), match.end("what")
        if cut := _ASKS.search(head.low, start, end):
            end = cut.start()
        what = head.low[start:end].rstrip(" .\"'")
        before = head.low[max(0, match.start() - 24) : match.start()]
        if _tells_time(word, what, before) and not _is_time(head, match.start(), start, end, spans):
            event = head.words[start : start + len(what)]
            return Anchor(role=_ANCHORS[word], text=event), (match.start(), start + len(what))
    return _anchor_zh(head, spans) if head.chinese else (None, (0, 0))


def _tells_time(word: str, what: str, before: str) -> bool:
    """Whether the words behind "before", "when", … are an event that was or will be once."""
    if len(what) < 2 or _NO_EVENT.fullmatch(what):
        return False
    if word == "when":
        return (
            not _INVERTED.match(what)
            and not _INDIRECT.search(before)
            and bool(_SUBJECT.match(what))
            and dates.tense(what) == "past"
        )
    if word == "while":
        return bool(_WHILE.match(what)) or (bool(_SUBJECT.match(what)) and dates.tense(what) == "past")
    if word == "after" and _NOT_AFTER.search(before):
        return False
    if word == "since" and _PRONOUN.match(what):
        return dates.tense(what) == "past"  # else it gives a reason
    return not (word == "following" and not re.match(r"(?:my|our|the|his|her|their)\b", what))


_SOFT = re.compile(r"\s*(?:(?:the|early|late|mid|end|beginning|start|of|in|on|at)[\s-]+){0,4}")


def _is_time(head: _Head, word: int, start: int, end: int, spans: list[_Span]) -> bool:
    """Whether a time of the calendar stands where the event would, or holds the word: "the day before yesterday"."""
    for _, (first, last) in spans:
        if first <= word < last:
            return True
        if start <= first < end and _SOFT.fullmatch(head.low, start, first):
            return True
    return False


_MARK_ZH = re.compile(
    r"(?P<before>[之以]前|(?<![目先從从提生日年月天])前(?=[，,？?我你他她們们住在做去是有都用吃的]|$))"
    r"|(?P<after>[之以][後后]|(?<![最然今隨随先背日年月天])[後后](?=[，,？?我你他她們们住在做去是有都用吃的]|$))"
    r"|(?P<during>的[時时]候|(?<=小)[時时]候|期[間间]|(?<![小當当那何及同準准平隨随有到幾几麼么臨临按])[時时](?=[，,我你他她們们住做去都養养用開开吃喝讀读買买有]))"
)
_CLAUSE_START = re.compile(r".*[，。！？；、,.!?;\s]", re.DOTALL)
_LEAD_ZH = re.compile(
    r"(?:請問|请问|(?:你)?(?:還|还)?(?:記得|记得|知道)(?:嗎|吗)?|告訴我|告诉我|自從|自从|當|当|在|從|从|那|還有|还有)+"
)
# What happens once, or lasts for a while: only these make an event of what stands before 以前.
_EVENT_ZH = re.compile(
    "[搬換换去來来到住買买賣卖養养認认遇讀读念戒做生]|手術|手术|結婚|结婚|離婚|离婚|畢業|毕业|出國|出国|回國|回国|[入離离辭辞任]職|[入离辞任]职|退休|懷孕|怀孕"
    "|確診|确诊|開刀|开刀|受傷|受伤|車禍|车祸|開始|开始|加入|進入|进入|[升轉转]職|[升转]职|升遷|跳槽|失業|失业|[創创]業|创业|留學|留学|旅行|旅遊|旅游|比賽|比赛|考試|考试|面試|面试|分手"
    "|領養|领养|上大學|上大学|當兵|当兵|疫情|地震|婚禮|婚礼|會議|会议|離開|离开|成為|成为|學會|学会|治療|治疗|裝修|装修"
)
# Parts of a life; what else "when" goes with comes again and again (有空的時候).
_PERIOD_ZH = re.compile(
    "大學|大学|高中|國中|初中|小學|小学|研究所|學生|学生|工作|年輕|年轻|單身|单身|童年|小[時时]候|疫情"
)
_NO_EVENT_ZH = re.compile(
    r".*(?:吃飯|吃饭|睡覺|睡觉|[早午晚]餐|[上下]班|出門|出门|起床|飯|饭|睡)|.*(?:什麼|什么|哪|誰|谁|多少|[幾几怎]|每)[^，]*"
)


def _anchor_zh(head: _Head, spans: list[_Span]) -> tuple[Anchor | None, tuple[int, int]]:
    for match in _MARK_ZH.finditer(head.low):
        from_ = max(0, match.start() - 40)
        start = from_
        if fresh := _CLAUSE_START.match(head.low, from_, match.start()):
            start = fresh.end()
        if lead := _LEAD_ZH.match(head.low, start, match.start()):
            start = lead.end()
        role: Literal["before", "after", "during"] = (
            "before" if match["before"] else "after" if match["after"] else "during"
        )
        end = match.end() if match.group() in ("時候", "时候") else match.start()
        what = head.low[start:end]
        if any(first <= match.start() <= last and last >= end for _, (first, last) in spans):
            continue  # 三月之前, 三天前
        if len(what) < 2 or _NO_EVENT_ZH.fullmatch(what) or not _is_event_zh(head, match, what):
            continue
        return Anchor(role=role, text=head.words[start:end]), (start, match.end())
    return None, (0, 0)


def _is_event_zh(head: _Head, match: re.Match[str], what: str) -> bool:
    if _EVENT_ZH.search(what):
        return True
    return bool(match["during"]) and (
        match["during"].startswith("期") or bool(_PERIOD_ZH.search(what)) or head.tense == "past"
    )


# The first or the last.

_UNIT = r"(?:week|weekend|month|year|night|evening|morning|summer|winter|spring|autumn|fall|mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?s?"
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_FIRST_ONE = re.compile(
    r"\bfirst\b(?<!\bat first)(?!\s+(?:names?|languages?|aid|class|floor|lady|things?|hand|place|half|grade|grader|of all|responders?|person|week|day|month|year"
    rf"|{_UNIT}"
    r"|and\s+last|or\s+last)\b)(?!,)(?!\s+(?:of\s+)?(?:" + _MONTHS + r")\b)"
    r"|\bearliest\b|\binitially\b|\boriginally\b|\boldest\s+(?:memory|note|message|entry|record)\b"
)
_LAST_ONE = re.compile(
    rf"\bwhen\s+(?:was|were|did|have|had)\b[^?!.\n]{{0,60}}\blast\b(?!\s+{_UNIT}\b)|\bmost\s+recent(?:ly)?\b|\bnewest\b|\blatest\b(?<!at the latest)"
    rf"|\blast\b(?<!\bat last)(?<!\bthe last)\s+(?!{_UNIT}\b)(?:time\b|(?!names?\b|longer?\b|minute|resort|straw|for\b|in\b|on\b|at\b|until\b|through\b|from\b|and\b|but\b|or\b"
    rf"|(?:{_MONTHS})\b|(?:{_COUNT})\b)[a-z])"
    rf"|\bthe\s+(?:very\s+)?last\s+(?!{_UNIT}\b|names?\b|minute|resort|straw|(?:{_COUNT})\s+(?:of\s+)?{_UNIT}\b|(?:{_COUNT})\s+(?:of\s+)?(?:days?|hours?)\b|days?\b|(?:{_MONTHS})\b)[a-z]"
)
_FIRST_ONE_ZH = re.compile(
    r"(?<![上下])第一(?![名線线手時时語语人流志季級级世]|夫人)|首次|最早|最初|最先|[頭头]一(?:次|回)|一開始|一开始|起初"
)
_LAST_ONE_ZH = re.compile(
    r"上一?[次回](?!來的人)|最近(?:的)?一[次回個个份任位場场趟頓顿本部]|最近[那這这]?[次回](?![數数])|最新|最[後后](?:一|的|那)"
)


def _order(head: _Head) -> Literal["first", "last"] | None:
    first = bool(_FIRST_ONE.search(head.low) or (head.chinese and _FIRST_ONE_ZH.search(head.low)))
    last = bool(_LAST_ONE.search(head.low) or (head.chinese and _LAST_ONE_ZH.search(head.low)))
    return None if first == last else "first" if first else "last"


# What was, and what is.

_PAST = re.compile(
    r"\bused to\b(?!\s+(?:it|this|that)\b)|\bdid\b[^?!.\n]{0,40}\buse to\b|\b(?:previous|former)(?:ly)?\b|\bin the past\b(?!\s+(?:[0-9]|few|couple|several|day|week|month|year|one|two|three|four|five|six|ten))|\bback then\b|\bat (?:that|the) time\b|\bonce\s+(?:\w+ed|live|have|own|work|had|was|were)\b"
    r"|\boriginal(?:ly)?\b|\bearlier\b(?!\s+(?:today|this))|(?<![\"“‘《])\b(?:my|our|his|her|their|the|[a-z]+'s)\s+old\b(?!\s+(?:friends?|man|lady|age|town)\b)"
    r"|\bex\b|\b(?:my|our|his|her|their|the|[a-z]+'s)\s+last\s+(?:job|employer|address|home|house|flat|apartment|boss|manager|car|phone|doctor|company|school)\b"
    r"|\bany ?more\b|\bno longer\b|\bhistory\s+of\b|\b(?:what|how|anything|who|which|has|have)\b[^?!.\n]{0,60}\bchanged?\b"
    r"|\bbefore\s+(?:that|then|now|this|the (?:current|new|present))\b|\bbefore\s*(?:[?.!,;]|$)"
)
_PAST_ZH = re.compile(
    r"(?<![^\W之])從前|从前|曾經|曾经|曾(?=[在住去做當当有養养是任])|(?<![走跑開开搬飛飞寄拿送經经])(?:過去|过去)(?![一二三四五六七八九十兩两幾几0-9半的一])|(?:過去|过去)(?=的|住|在|做|有)"
    r"|原本|原先|當時|当时|那[個个]?[時时]候?(?![間间])|上一?(?:個|个|份|間|间|任)(?!月|星期|禮拜|礼拜|週|周|季)|前[一]?任|前一份|前一[個个間间](?!月)|前(?:妻|夫|男友|女友|老闆|老板|公司|東家|东家)"
    r"|[舊旧](?!金山|石器)|改變了|改变了|有(?:什麼|什么|哪些|沒有|没有)?(?:改變|改变|變化|变化)"
)
_FORMERLY_ZH = re.compile(r"(?:以前|之前)")
_NEEDED_ZH = re.compile(r"應該|应该|需要|必須|必须|要(?![是])|得先|記得")
_PRESENT = re.compile(
    r"\bnow\b(?<!from now)(?<!until now)(?<!till now)(?<!to now)(?<!before now)(?<!by now)(?<!just now)|\bcurrent(?:ly)?\b|\bat the moment\b|\bthese days\b|\bnowadays\b|\bat present\b"
    r"|\bpresently\b|\bstill\b|\bas of today\b"
    r"|\bstatus\b|\b(?:what|which|the) state\b|\bhow far (?:along|have|are|is)\b|\bhow(?:'s| is| are) [^?]{1,60}\b(?:going|doing|progressing)\b|\bsituation\b|\bcoming along\b|\bprogress\b"
    r"|\bwhere (?:do|does|are|am|is) [^?]{1,40}\bstand\b|\bhow (?:do|does) [^?]{1,60}\bstand\b|\bso far\b|\bto date\b|(?<![到至])(?:現在|现在|目前|如今|眼下)(?![為为]止)|(?<!應)當前|当前|[現现]任|仍|[還还](?=在|住|用|養|养|當|当)|這陣子|这阵子"
    r"|進度|进度|狀態|状态|狀況|状况|近況|近况|進展|进展|進行得|进行得|(?:情況|情况)(?=如何|怎|是什|$|[？?])|到哪(?:裡|里|兒|儿)?了|到(?:什麼|什么|哪個|哪个)(?:階段|阶段|程度|地步)|怎麼樣了|怎么样了|如何了"
)


_WHEN_DID = re.compile(
    r"\bwhen (?:did|was|were|had)\b|(?:什麼時候|什么时候|何時|何时|哪一?[天年月])[^？?。]{1,30}[的了過过][？?。]?\Z"
)


def _past(head: _Head, times: list[Interval], anchor: Anchor | None, now: datetime) -> bool:
    """By its words; or in the past tense of a time so long ago, or of a part of life, that things may have changed."""
    if _PAST.search(head.low) or _WHEN_DID.search(head.low) or (head.chinese and _PAST_ZH.search(head.low)):
        return True
    if head.chinese and _FORMERLY_ZH.search(head.low) and not _NEEDED_ZH.search(head.low):
        return True
    if head.tense not in (None, "past"):
        return False
    if anchor is not None and anchor.role in ("before", "during"):
        return head.tense == "past" or head.chinese
    return any(_long_gone(each, now) for each in times)


_LONG = ("month", "season", "year")


def _long_gone(time: Interval, now: datetime) -> bool:
    return time.role != "after" and time.end is not None and time.end <= now and time.precision in _LONG


# Counts and lists.

_IRREGULAR = "people|children|men|women|kids|feet|teeth|mice"
# Words in -s that are no plural, or a verb: "what does", "which address", "what happens".
_NO_PLURAL = frozenset(
    """does is was has this his its us news series address business class process status address yes always sometimes
    perhaps as days ours yours theirs hers thus lens campus bus gas glass dress boss virus focus bonus census""".split()
)
_PLURAL = rf"(?:{_IRREGULAR}|[a-z]{{2,}}(?:-[a-z]+)?[^\W\d_s]s|[a-z]*(?:classes|dresses|glasses|bosses|buses|addresses|businesses))"
_MANY = re.compile(
    r"\bhow (?:many|often)\b|\bhow much\b[^?!.\n]{0,80}\b(?:in total|altogether|overall|in all)\b|\btotal number\b|\bin total\b"
    r"|(?:^|[.!?]\s|\b(?:please|you|to|and)\s)\s*(?:list|enumerate|count)\s+(?!price)\w"
    r"|\b(?:all|every one|each)\s+(?:of\s+)?(?:the|my|our|his|her|their|these|those)\b(?!\s+(?:time|day|night|way|year|week|month|best|same)\b)"
    r"|\b(?:all|every)\s+(?:\w+\s+)?(?:i|we|he|she|they)(?:'ve|'s)?\s|\beverything\b|\bevery\s+(?!day|week|month|year|time|morning|night|evening|other|now)\w+"
    r"|\b(?:what|which)\s+(?:\w+\s+){0,1}(?:kinds?|types?|sorts?)\s+of\b(?!\s+(?:person|a)\b)|\b(?:what|which|who|where) all\b|\bwhich of (?:my|our|the|his|her|their)\b"
    r"|\b(?:what|who) else\b|\bnames of\b|\bwhere (?:all )?have (?:i|we|you|they)\b[^?!.\n]{0,20}\b(?:been|gone|travell?ed|lived|worked)\b"
)
_WHICH = re.compile(
    rf"\b(?:what|which)\s+(?:(?:other|different|new|musical|board|video|social|outdoor|favou?rite|major|health|food)\s+){{0,2}}(?P<noun>{_PLURAL})"
    r"(?=\s+(?:do|does|did|have|has|had|are|were|am|can|could|will|would|should|might|i|we|he|she|they|of)\b|\s*[?.!]|\s*$)"
)
_ARE = re.compile(
    rf"\b(?:what|who)\s*(?:are|were|'re)\s+(?:some\s+(?:of\s+)?)?(?:(?:all\s+)?(?:the|my|our|his|her|their|[a-z]+'s?)\s+)?(?:[a-z-]+\s+){{0,2}}?(?P<noun>{_PLURAL})\b"
)
_MEASURE_ZH = "位次本部隻只種种家間间場场輛辆張张件條条趟台座人回支杯份款首篇遍棵瓶套雙双道頓顿站門门國国項项"
_MANY_ZH = re.compile(
    rf"哪些|(?<![好這这那第上前近去過过])[幾几](?:[個个](?!月|小[時时]|星期|禮拜|礼拜|[鐘钟])|[{_MEASURE_ZH}])|多少(?:[個个]?(?:[{_MEASURE_ZH}個个]|朋友|孩子|同事|國家|国家|地方)|(?=書|书))"
    r"|列出|列[舉举]|[哪那]幾(?![點点歲岁天年月])|所有|(?<![不安十])全部|一共|[總总](?:共|[計计])|分[別别]是|多常|有什[麼么].{0,10}(?:和|跟|還有)什|都(?:有|去|吃|看|做|買|买|喜[歡欢]|[會会]|玩|[養养]|住|用|[學学])?[過过了]?(?:些)?(?:什[麼么]|哪|[誰谁])|哪[裡里兒儿].{0,4}都"
)


def _breadth(head: _Head) -> bool:
    """Words that count or list; or "what", "which" or "who are" with a plural right behind it.

    A word in -s is a plural only where what follows shows that it is no verb: "which books have I read",
    and not "what happens on Friday".
    """
    if _MANY.search(head.low) or (head.chinese and _MANY_ZH.search(head.low)):
        return True
    return any(match["noun"] not in _NO_PLURAL for pattern in (_WHICH, _ARE) for match in pattern.finditer(head.low))
