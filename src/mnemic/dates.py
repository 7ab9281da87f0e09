"""Expressions of time in a text, resolved against the moment it was said. English and Chinese.

What is found keeps the precision of the words: "in March" is a month, "last week" a week. Where the
words leave open which day they mean, nothing is found: a missing date costs less than a wrong one.

How words are read:
- A week begins on Monday. "Last Friday" is the latest before today; 上週五 is the Friday of last week.
  "Next Friday" (and "next March") is found only where the first to come is also that of next week (year).
- A weekend is two days of precision `week`. "Two weeks ago" is a week, "two years ago" a year.
- A day without a year ("12 May") is the last one in a sentence about the past, the next one in a sentence
  about the future; else the nearest, if it is less than half as far as the other. A month or a weekday alone
  needs a sentence about the past or the future, since it may recur ("in March it rains").
- Words of habit, birthdays and the Chinese lunar calendar make every date without a year recurrent: no date.
- `3/4/2025` may be two days and is none; `14/3/2025` and `3.4.2025` (day first) are one each.
- Seasons are the months of the northern hemisphere; winter is that which begins in the year named.
- "The end of 2019" and 十月初 are as exact as 2019 and October. "About 2019" and "before 2019" are read,
  but date no fact; "about three years ago" and "a few days ago" are not even read.

A question is read more boldly (`asked`): it means one time, and a wrong guess only reorders what is found.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from mnemic.errors import InvalidInput
from mnemic.times import parse_time
from mnemic.types import Precision


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """A time that a text names, in the zone of the moment it was said."""

    start: datetime
    end: datetime
    """The first moment after."""
    precision: Precision
    place: tuple[int, int]
    """Where the text names it: offsets of its first character and of the one after its last."""


def find(text: str, said_at: datetime) -> tuple[When, ...]:
    """Return every time that `text` names, in order, resolved against `said_at` (without a zone: UTC).

    A range ("from 2015 to 2019") is one time, whose precision is that of its ends. Words for the present
    ("now", 目前), durations and what recurs name no time, and neither does what lies outside the years
    1 to 9999 in UTC.

    >>> [each.start.date().isoformat() for each in find("We met yesterday.", datetime(2025, 3, 14))]
    ['2025-03-13']
    """
    return tuple(each.when for each in _found(text, said_at))


def of_fact(text_quote: str, said_at: datetime) -> tuple[datetime | None, datetime | None, Precision | None]:
    """Return valid_from, valid_to and precision of a fact that was said in these words.

    One time named: it is true from the start of that time on. A range, "since" and "until" give what they
    name; the last year, day, … is part of it, so valid_to is its end. Without a time, with several, or
    with one that is only near ("about 2019", "before May") all three are None. So they are for "today",
    which is often "nowadays"; the day it was said is known anyway.
    """
    found = [each for each in _found(text_quote, said_at) if not each.today]
    if len({(each.when.start, each.when.end, each.when.precision, each.role) for each in found}) != 1:
        return None, None, None
    when, role = found[0].when, found[0].role
    match role:
        case "near" | "before" | "after":
            return None, None, None
        case "until":
            return None, when.end, when.precision
        case "range":
            return when.start, when.end, when.precision
        case _:
            return when.start, None, when.precision


_Role = Literal["at", "since", "until", "before", "after", "range", "near"]
"""How the words around a time bind it; `near`: about it, by it, or not then."""
_Bound = Literal["in", "since", "until", "before", "after"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A time that a question names, and which side of it is meant."""

    when: When
    bound: _Bound
    """`since` and `until` mean the named time as well, `before` and `after` do not."""


def asked(question: str, now: datetime) -> tuple[Asked, ...]:
    """Return every time that a question names, in order, resolved against `now` (without a zone: UTC).

    What `find` leaves open is decided. A month, season, weekday or day without a year is the next one where
    the question is about what will be or is ("What am I doing in March?"), else the last one: most of what
    can be remembered has been, so a question that does not say is about the past. A season needs a question
    that says so, since "What do I wear in winter?" means no particular one.

    >>> [each.when.start.date().isoformat() for each in asked("Who came in May?", datetime(2025, 3, 14))]
    ['2024-05-01']
    """
    return tuple(Asked(when=each.when, bound=_BOUNDS[each.role]) for each in _found(question, now, asking=True))


_BOUNDS: Mapping[_Role, _Bound] = {
    "at": "in",
    "since": "since",
    "until": "until",
    "before": "before",
    "after": "after",
    "range": "in",
    "near": "in",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    when: When
    role: _Role
    today: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Group:
    """Words side by side that name one time together, and what they say of it.

    Parts are year, month, day, week and weekday (Monday 0; the week as the ordinal of its Monday), season
    (spring 0), weekend, clock (second of the day), hour (of an unknown half of the day), half (of the day,
    0 or 1), and today.
    """

    start: int
    end: int
    parts: Mapping[str, int]
    clear: bool = True
    """Whether the words name a time by themselves, as "last May" does and "May" does not."""
    chinese: bool = False

    @property
    def core(self) -> frozenset[str]:
        """Which parts tell the day, or the longer time."""
        return frozenset(self.parts) - {"clock", "hour", "half", "today", "short", "last"}


def _found(text: str, said_at: datetime, *, asking: bool = False) -> Iterator[_Found]:
    said = _Said(said_at if said_at.utcoffset() is not None else said_at.replace(tzinfo=UTC), asking=asking)
    text = _SPACED.sub(r"\1\2 ", text)  # as long as before, so that places stay
    low = _lower(text)
    groups = _listed(text, low, _grouped(low, _atoms(text, low, said), said))
    at = 0
    while at < len(groups):
        group = groups[at]
        other = groups[at + 1] if at + 1 < len(groups) else None
        if other is not None and _is_range(low, group, other):
            at += 2
            if ranged := _range(low, group, other, said):
                yield ranged
            continue
        at += 1
        if single := _single(text, low, group, said):
            yield single


class _Said:
    """The moment of saying, and the calendar seen from it."""

    def __init__(self, moment: datetime, *, asking: bool = False) -> None:
        self.asking = asking
        self.moment = moment
        self.day = moment.date()
        self.monday = self.day.toordinal() - self.day.weekday()

    def day_off(self, days: int) -> dict[str, int]:
        """The day so many days away. Raises OverflowError outside the calendar."""
        return _ymd(self.day + timedelta(days=days))

    def month_off(self, months: int) -> dict[str, int]:
        year, month = divmod(self.day.year * 12 + self.day.month - 1 + months, 12)
        return {"year": year, "month": month + 1}

    def week_off(self, weeks: int) -> dict[str, int]:
        return {"week": self.monday + 7 * weeks}

    def year_off(self, years: int) -> dict[str, int]:
        return {"year": self.day.year + years}


def _ymd(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


# "2023 年 5 月 3 日", as many write it.
_SPACED = re.compile("([0-9０-９])[ \u3000]([年月日號号點点週周個个小天])")
_WIDE = re.compile("[０-９]")
_NARROW = str.maketrans("０１２３４５６７８９：／－", "0123456789:/-")


def _lower(text: str) -> str:
    """The text in lower case, figures of full width made plain, character for character."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(character if len(character.lower()) != 1 else character.lower() for character in text)
    return low.translate(_NARROW) if _WIDE.search(low) else low


# From parts to a time.


def _single(text: str, low: str, group: _Group, said: _Said) -> _Found | None:
    role = _role(low, group)
    if not group.clear and not (_is_asked if said.asking else _is_named)(text, low, group, role):
        return None
    span = _resolve(low, group, said, role)
    if span is None:
        return None
    if "last" in group.parts:
        role = "range"
    return _Found(when=span, role=role, today=set(group.parts) == {"year", "month", "day", "today"})


def _resolve(low: str, group: _Group, said: _Said, role: _Role) -> When | None:
    parts = dict(group.parts)
    core = group.core
    if core not in _SHAPES:  # "the 5th until yesterday" has a day and a year
        return None
    try:
        if "year" not in core and "week" not in core and not _with_year(low, group, said, role, parts):
            return None
        return _interval(parts, said, (group.start, group.end))
    except (ValueError, OverflowError):  # no such day, or outside the calendar
        return None


def _interval(parts: Mapping[str, int], said: _Said, place: tuple[int, int]) -> When | None:
    """The time that parts with a year or a week make. Raises ValueError and OverflowError."""
    precision: Precision
    if "week" in parts and "weekday" in parts:
        start = date.fromordinal(parts["week"] + parts["weekday"])
        end, precision = start + timedelta(days=1), "day"
    elif "week" in parts:
        start = date.fromordinal(parts["week"] + 5 * parts.get("weekend", 0))
        end, precision = date.fromordinal(parts["week"] + 7), "week"
    elif "season" in parts:
        # 0 is spring, from March on; winter goes over into the next year.
        start = date(parts["year"], 3 * parts["season"] + 3, 1)
        end, precision = _months_on(start, 3), "season"
    elif "day" in parts:
        start = date(parts["year"], parts["month"], parts["day"])
        if parts.get("weekday", start.weekday()) != start.weekday():
            return None
        last = start if "last" not in parts else start.replace(day=parts["last"])
        end, precision = last + timedelta(days=1), "day"
    elif "month" in parts:
        start = date(parts["year"], parts["month"], 1)
        end, precision = _months_on(start, 1), "month"
    else:
        start = date(parts["year"], 1, 1)
        end, precision = date(parts["year"] + 1, 1, 1), "year"
    first, after = _midnight(start), _midnight(end)
    if precision == "day" and (clock := _clock(parts)) is not None:
        first += timedelta(seconds=clock)
        after, precision = first + timedelta(seconds=1), "second"
    zone = said.moment.tzinfo
    first, after = first.replace(tzinfo=zone), after.replace(tzinfo=zone)
    for moment in (first, after):
        moment.astimezone(UTC)  # or it lies outside what can be stored
    return When(start=first, end=after, precision=precision, place=place)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the zone is put on last


def _months_on(start: date, months: int) -> date:
    years, month = divmod(start.month - 1 + months, 12)
    return date(start.year + years, month + 1, 1)


def _clock(parts: Mapping[str, int]) -> int | None:
    """The second of the day, where the hour and the half of the day are both known."""
    if "clock" in parts:
        return parts["clock"]
    if "hour" in parts and "half" in parts and parts["hour"] // 3600 <= 12:
        return parts["hour"] % 43_200 + 43_200 * parts["half"]
    return None


def _with_year(low: str, group: _Group, said: _Said, role: _Role, parts: dict[str, int]) -> bool:
    """Put into `parts` the year (or the week) that they leave open; False when it stays open."""
    core = group.core - {"weekday"} if "month" in group.core else group.core
    if said.asking:
        return _with_asked_year(low, group, said, role, parts)
    if core not in ({"month"}, {"month", "day"}, {"weekday"}):
        return False
    clause, sentence = _around(low, group)
    if _recurs(sentence):
        return False
    tense = _tense(clause) or (_tense(sentence) if clause != sentence else None)
    if role == "since" and (tense is None or "since" in low[max(0, group.start - _LEAD) : group.start]):
        tense = "past"
    if role == "until" and tense is None:
        tense = "future"
    if core == {"weekday"}:
        if tense is None:
            return False
        days = (parts["weekday"] - said.day.weekday()) % 7
        days = (days or 7) if tense == "future" else days - 7
        parts |= {**_ymd(said.day + timedelta(days=days))}
        return True
    year = _year(parts, said, tense)
    if year is None:
        return False
    parts["year"] = year
    return True


def _with_asked_year(low: str, group: _Group, said: _Said, role: _Role, parts: dict[str, int]) -> bool:
    """The same for a question, which is decided where a statement stays open."""
    _, sentence = _around(low, group)
    said_so = _asked_tense(low, group)
    if _recurs(sentence, especially=said_so != "past"):
        return False
    if role == "since":
        said_so = "past"
    tense: Literal["past", "future"] = "future" if said_so in ("present", "future") else "past"
    core = group.core - {"weekday"} if "month" in group.core else group.core
    if core == {"weekday"}:
        days = (parts["weekday"] - said.day.weekday()) % 7
        parts |= said.day_off((days or 7) if tense == "future" else days - 7)
    elif core == {"day"}:
        month = _month_with(parts["day"], said, tense)
        if month is None:
            return False
        parts |= month
    elif core == {"season"}:
        if said_so in (None, "present") and role not in ("since", "before", "after"):
            return False
        parts |= _asked_season(parts["season"], said, tense)
    else:
        year = _year(parts, said, said_so if said_so in ("past", "future") else None) or _year(parts, said, tense)
        if year is None:
            return False
        parts["year"] = year
    return True


def _month_with(day: int, said: _Said, tense: Literal["past", "future"]) -> dict[str, int] | None:
    """The last or the next month whose day of this number has come, or is to come."""
    for months in range(4):  # of any four months in a row, one at least has 31 days
        month = said.month_off(-months if tense == "past" else months)
        if day > calendar.monthrange(month["year"], month["month"])[1]:
            continue
        there = date(month["year"], month["month"], day)
        if (there <= said.day) if tense == "past" else (there >= said.day):
            return month
    return None


def _asked_season(season: int, said: _Said, tense: Literal["past", "future"]) -> dict[str, int]:
    parts = _near_season(season, 0, said) or {}
    starts = date(parts["year"], 3 * season + 3, 1)
    if tense == "past" and starts > said.day:
        parts["year"] -= 1
    if tense == "future" and _months_on(starts, 3) <= said.day:
        parts["year"] += 1
    return parts


def _year(parts: Mapping[str, int], said: _Said, tense: str | None) -> int | None:
    """The year of a month or of a day of the year; None where it may be one or the other."""
    days: list[date] = []
    for year in range(max(1, said.day.year - 8), min(9998, said.day.year + 8) + 1):
        if parts["month"] == 2 and parts.get("day") == 29 and not calendar.isleap(year):
            continue
        day = date(year, parts["month"], parts.get("day", 1))
        if "weekday" not in parts or day.weekday() == parts["weekday"]:
            days.append(day)
    before = max((day for day in days if day <= said.day), default=None)
    if tense == "past":
        return before.year if before else None
    here = said.day if "day" in parts else said.day.replace(day=1)
    after = min((day for day in days if day >= here), default=None)
    if tense == "future":
        return after.year if after else None
    if "day" not in parts or before is None or after is None:
        return None
    back, on = (said.day - before).days, (after - said.day).days
    if min(back, on) * 2 >= max(back, on):
        return None
    return before.year if back < on else after.year


# Ranges.


_TO = re.compile(r"\s*(?:to|until|till|through|and|[-–—~～到至])\s*")
_FROM = re.compile(r"(?:\b(?:from|between)\s+(?:the\s+)?|[從从自由])\s*$")
_NUMBERED = re.compile(r"[0-9]\s?$")  # "555 2015-2019"
_BETWEEN = re.compile(r"\bbetween\s+(?:the\s+)?$")


def _is_range(low: str, one: _Group, other: _Group) -> bool:
    gap = low[one.end : other.start]
    if len(gap) > 12 or not _TO.fullmatch(gap):
        return False
    before = low[max(0, one.start - 16) : one.start]
    if "and" in gap:
        return bool(_BETWEEN.search(before))
    # Chinese and a dash say it without a word in front; "March to May" may be anything.
    dash = not gap.strip().isalpha() and not _NUMBERED.search(before)
    return one.chinese or other.chinese or bool(_FROM.search(before)) or dash


def _range(low: str, one: _Group, other: _Group, said: _Said) -> _Found | None:
    """What the ends lack they take from each other: "March 3 to 5", "from March to May 2020"."""
    first, last = dict(one.parts), dict(other.parts)
    if "year" not in first and "year" in last and "week" not in first:
        first["year"] = last["year"]
    elif "year" in first and "week" not in last:
        last.setdefault("year", first["year"])
    if "month" in first and "day" in last:
        last.setdefault("month", first["month"])
    if "week" in first and "weekday" in last:
        last.setdefault("week", first["week"])
    place = (one.start, other.end)
    start = _resolve(low, replace(one, parts=first), said, "range")
    if start is None:
        return None
    if said.asking and other.core == {"weekday"} and one.core == {"weekday"}:
        last = _ymd(start.start.date() + timedelta(days=(other.parts["weekday"] - one.parts["weekday"]) % 7))
    if not {"year", "week"} & last.keys():
        last["year"] = start.start.year
        if {"month"} & last.keys() and last["month"] < start.start.month:
            last["year"] += 1
    end = _resolve(low, replace(other, parts=last), said, "range")
    if end is None or end.start < start.start or end.precision != start.precision:
        return None
    return _Found(when=When(start=start.start, end=end.end, precision=end.precision, place=place), role="range")


_AND = re.compile(r"\s*(?:,|、|，|&|and|or|和|跟|與|与|或)\s*(?:and\s+|or\s+|in\s+)?")


def _listed(text: str, low: str, groups: list[_Group]) -> list[_Group]:
    """Neighbours of one kind share what binds them: both of "in 2019 and 2020", "in March and May 2019"."""
    for at in range(len(groups) - 1):
        one, other = groups[at], groups[at + 1]
        if other.start - one.end > 12 or not _AND.fullmatch(low[one.end : other.start]):
            continue
        if "month" in one.parts and "year" not in one.parts and one.core | {"year"} == other.core:
            groups[at] = one = replace(one, parts={**one.parts, "year": other.parts["year"]}, clear=True)
        if one.core == other.core and not other.clear and (one.clear or _is_named(text, low, one, "at")):
            groups[at + 1] = replace(other, clear=True)
    return groups


# What the words around say.


_LEAD = 48
"""Characters before a time in which the word that binds it is looked for: a few short words."""

_SOFT = r"(?:(?:the|early|late|mid|middle|end|beginning|start|summer|of|in|on|at)[\s-]+){0,5}"
_ROLES: tuple[tuple[_Role, re.Pattern[str]], ...] = (
    ("before", re.compile(rf"\b(?:before|prior\ to)\s+{_SOFT}$")),
    ("after", re.compile(rf"\bafter\s+{_SOFT}$")),
    ("near", re.compile(
        rf"\b(?:by|around|about|circa|roughly|approximately|almost|nearly|over|than|not|or)\s+{_SOFT}$"
        r"|(?:大約|大约|約|约|大概|差不多|不是|不在|或|超過|超过|近)\s*$".replace(" ", ""),
    )),
    ("since", re.compile(
        rf"\b(?:since|as\ of|(?:starting|beginning)(?:\ from|\ in|\ on)?)\s+{_SOFT}$|自[從从]?$"
    )),
    ("until", re.compile(rf"(?:\b(?:until|till|til|through|up\ to)\s+{_SOFT}|(?:直到|[住待做讀读留用]到))$")),
)  # fmt: skip
_SINCE_AFTER = re.compile(
    r",?\s*(?:on|onwards?)\b(?!\s+[a-z])|\s*(?:to|until|till|up to|through|[-–—])\s*(?:now|today|the present|present)\b"
    r"|\s*(?:以來|以来|起(?!床|飛|飞|來|来|初|司)|至今|到現在|到现在|到目前|迄今)"
)
_START_AFTER = re.compile(r"\s*(?:開始|开始)")
_UNTIL_AFTER = re.compile(r"\s*(?:為止|为止)")
_NEAR_AFTER = re.compile(r"\s*(?:左右|前後|前后|上下|or so\b)")
_BEFORE_AFTER = re.compile(r"\s*[之以]?前(?![往進进])")
_AFTER_AFTER = re.compile(r"\s*[之以]?[後后]")


def _role(low: str, group: _Group) -> _Role:
    before, after = low[max(0, group.start - _LEAD) : group.start], low[group.end : group.end + 24]
    if _NEAR_AFTER.match(after):
        return "near"
    if _BEFORE_AFTER.match(after):
        return "before"
    if _AFTER_AFTER.match(after):
        return "after"
    if _UNTIL_AFTER.match(after):
        return "until"
    if _SINCE_AFTER.match(after) or (_START_AFTER.match(after) and before.endswith(("從", "从", "自"))):
        return "since"
    return next((role for role, words in _ROLES if words.search(before)), "at")


_NAMED = re.compile(
    r"\b(?:in|since|until|till|during|by|before|after|around|early|late|mid|starting|as of|not in|the year"
    r"|(?:end|beginning|start|middle|rest|half|spring|summer|autumn|fall|winter)\ of)[\s-]+(?:early|late|mid|about|around)?[\s-]*$"
)
_ON = re.compile(r"\b(?:on|since|until|till|by|before|after)\s+$")
_NO_NAME = re.compile(
    # What follows a bare year or month when it is a number, a name or a word of its own.
    r"\s*[%°$€£¥'’]|[-:/]\w|[.,]\d"
    r"|\s+(?!(?:was|is|has|this|his|its|as|us|always|plus|perhaps|sometimes|means|yes|towards)\b)[a-z]+s\b"
    r"|\s+(?:people|men|women|children|percent|of\b|km|kg|miles?|word|step|meter|metre|degree|dollar|euro|order|formation)"
)

_OF_ZH = re.compile(r"的(?![時时]候)")  # 星期五的故事
_NO_NOUN = re.compile(  # "in march practice", "in may" and what goes on after the month
    r"\s*(?:$|[,.!?;:)\n]|(?:i|we|you|he|she|it|they|my|our|his|her|their|the|this|last|and|but|or|for|to|with|when|because"
    r"|while|after|before|at|on|from|was|were|is)\b|i['’])"
)


def _is_named(text: str, low: str, group: _Group, role: _Role) -> bool:
    """Whether a bare year, month or weekday stands where a time stands: "in 2019", "on Friday"."""
    before = low[max(0, group.start - _LEAD) : group.start]
    after = low[group.end : group.end + 24]
    if "short" in group.parts:
        return False
    if group.chinese:
        return not _OF_ZH.match(after)
    if group.core == {"weekday"}:
        return bool(_ON.search(before)) and not re.match(r"s\b|['’]", after)
    if text.startswith(("march", "may"), group.start) and not _NO_NOUN.match(after):
        return False
    named = _NAMED.search(before) or (role == "since" and _FROM.search(before))
    return bool(named) and not _NO_NAME.match(after)


# Months that are no other word and nobody's name; "May", "April", "Jan" need the words of time before them.
_ONLY_MONTHS = frozenset("january february july september october november december".split())
_ONLY_SHORT = frozenset("feb apr jun jul aug sep sept oct nov dec".split())
_THIS = re.compile(r"\b(?:my|our|the|his|her|their|that|this)\s+$|['’]s\s+$")
_ON_THE = re.compile(r"\b(?:on|since|until|till|by|before|after|from|between)\s+the\s+$")
_IN_THE = re.compile(r"\b(?:in|during|over|since|until|till|before|after|by|for|this|early|late)\s+(?:the\s+)?$")


def _is_asked(text: str, low: str, group: _Group, role: _Role) -> bool:
    """Whether a bare part of a date stands for a time in a question: also "my Friday dinner", "my 2019 trip"."""
    before = low[max(0, group.start - _LEAD) : group.start]
    after = low[group.end : group.end + 24]
    word = low[group.start : group.end]
    if group.chinese:
        return not _OF_ZH.match(after) or group.core != {"season"}
    if group.core == {"season"}:
        return bool(_IN_THE.search(before))
    if group.core == {"day"}:
        return bool(_ON_THE.search(before)) and bool(_NO_NOUN.match(after))
    if group.core == {"weekday"}:
        return not re.match(r"s\b", after)
    if "short" in group.parts:
        return word in _ONLY_SHORT and bool(_NAMED.search(before))
    if group.core == {"year"} and _THIS.search(before):
        return not re.match(r"['’]|[-:/]\w|[.,]\d", after)
    return word in _ONLY_MONTHS or _is_named(text, low, group, role)


_SENTENCE = 160
"""Characters on either side that are read for the tense: most of a long sentence."""

_STOP = re.compile(r"[!?。！？;；\n]|\.(?![0-9])")
_COMMA = re.compile("[,，、]")


def _around(low: str, group: _Group) -> tuple[str, str]:
    """The clause and the sentence that hold a time, without its own words."""
    before = _STOP.split(low[max(0, group.start - _SENTENCE) : group.start])[-1]
    after = _STOP.split(low[group.end : group.end + _SENTENCE], maxsplit=1)[0]
    return f"{_COMMA.split(before)[-1]} | {_COMMA.split(after, maxsplit=1)[0]}", f"{before} | {after}"


_TOKEN = re.compile(r"[a-z]+(?:['’][a-z]+)?")
_HABIT = frozenset(
    """birthday birthdays bday born anniversary every each annual annually yearly weekly monthly always usually often
    sometimes normally generally typically never whenever used tend tends""".split()
)
_HABIT_ZH = re.compile(
    r"生日|出生|紀念日|纪念日|每|逢|農曆|农历|陰曆|阴历|舊曆|旧历|都[會会要去是有]|常|總是|总是|平[時时日]|習慣|习惯|一向"
)
_IS = frozenset(
    "am is are be get gets being been i'm i’m we're we’re you're you’re they're they’re he's she's it's that's".split()
)
_PAST = frozenset(
    """was were had did didn't didn’t went came got took made saw said told found gave left felt kept began brought
    bought thought met ran paid sat stood lost won sent built fell spent grew drew flew drove broke spoke wrote chose
    ate drank slept taught caught sold became held heard knew led rode rose sang swam threw understood wore been quit
    """.split()
)
_NOT_PAST = frozenset(
    """need indeed hundred exceed succeed proceed speed feed seed bleed breed embed naked sacred kindred planned scheduled
    booked decided reserved registered invited promised agreed arranged interested married excited supposed""".split()
)
_FUTURE = frozenset(
    "will won't won’t shall gonna plan plans planning hope hopes hoping want wants intend intends upcoming might".split()
)
_PAST_ZH = re.compile(r"(?<![為为除])了(?![解不])|[過过](?![年敏程去來来度])|曾|[剛刚](?!好)|已經|已经|當時|当时")
_FUTURE_ZH = re.compile(
    r"(?<![機机社約约都開开聚宴協协委樂乐晚誤误體体])[會会](?![議议員员計计館馆])|(?<![重主需不只])要(?![求點点素])"
    r"|[將将](?![軍军近])|打算|準備|准备|預計|预计|預定|预定|計劃|计划|計畫|下次|想去|希望"
)


_YEARLY = frozenset("birthday birthdays bday born anniversary used".split())
_YEARLY_ZH = re.compile("生日|出生|紀念日|纪念日|常")


def _recurs(words: str, *, especially: bool = True) -> bool:
    """Whether the words are about what happens again and again; if not `especially`, a birthday is a day like others."""
    habits = _HABIT if especially else _HABIT - _YEARLY
    if not habits.isdisjoint(_TOKEN.findall(words)):
        return True
    if words.isascii():
        return False
    return bool(_HABIT_ZH.search(words if especially else _YEARLY_ZH.sub("", words)))


_TO_ASSISTANT = frozenset("do don't don’t can could would will are please".split())
_WHO = frozenset("i we you he she they it my our his her their the".split())
_PRESENT = frozenset(
    """do does don't don’t doesn't doesn’t is are am isn't aren't should can i'm i’m what's what’s who's who’s where's
    where’s when's when’s it's it’s there's there’s that's that’s happens starts begins ends leaves arrives opens""".split()
)
_PLANNED_ZH = re.compile(
    r"行程|安排|預約|预约|待辦|待办|有(?:什[麼么]|哪些|[沒没]有)?(?:事|[會会][議议]|[課课]|[約约]|活[動动]|考[試试])"
)


def tense(question: str) -> Literal["past", "present", "future"] | None:
    """What a question is about by its verbs: the first that is past or future, else the present; None without verbs.

    >>> tense("Where did I live?"), tense("Where do I live?"), tense("Where will I live?")
    ('past', 'present', 'future')
    """
    return min(((told == "present", start, told) for start, _, told in _marks(_lower(question))), default=(0, 0, None))[
        2
    ]


def _asked_tense(low: str, group: _Group) -> Literal["past", "present", "future"] | None:
    """What the question's verb nearest to a time tells."""
    _, sentence = _around(low, group)
    before, _, after = sentence.partition(" | ")
    marks = [(len(before) - end, tense) for _, end, tense in _marks(before)]
    marks += [(start, tense) for start, _, tense in _marks(after)]
    return min(marks, key=lambda mark: mark[0], default=(0, None))[1]


def _marks(low: str) -> Iterator[tuple[int, int, Literal["past", "present", "future"]]]:
    """Words that tell the tense of a question: where each starts and ends, and what it tells."""
    tokens = [(match.start(), match.end(), match.group()) for match in _TOKEN.finditer(low)]
    words = ["", "", *(word for _, _, word in tokens), ""]
    for (start, end, word), two, before, after in zip(tokens, words, words[1:], words[3:], strict=False):
        if word in _TO_ASSISTANT and after == "you":
            continue  # "do you remember", "can you tell me"
        if word == "do" and after not in _WHO:
            continue  # "what did Dana do", "what will I do"
        if (
            word in _PAST
            or word.endswith(("'ve", "’ve"))
            or (word in ("have", "has", "haven't", "hasn't") and after in _WHO and before not in ("i", "we", "to"))
            or (word.endswith("ed") and len(word) > 4 and word not in _NOT_PAST and before not in _IS)
        ):
            yield start, end, "past"
        elif word in _FUTURE or word.endswith(("'ll", "’ll")):
            yield start, end, "future"
        elif word.endswith("ing") and (before in _IS or two in _IS) and "been" not in (before, two):
            yield start, end, "future"  # "am I doing", "is she coming"
        elif word in _PRESENT:
            yield start, end, "present"
    if not low.isascii():
        yield from ((match.start(), match.end(), "past") for match in _PAST_ZH.finditer(low))
        yield from ((match.start(), match.end(), "future") for match in _FUTURE_ZH.finditer(low))
        yield from ((match.start(), match.end(), "future") for match in _PLANNED_ZH.finditer(low))


def _tense(words: str) -> Literal["past", "future"] | None:
    """What the words say; None when they say neither or both."""
    chinese = not words.isascii()
    past_zh, future_zh = (_PAST_ZH.search(words), _FUTURE_ZH.search(words)) if chinese else (None, None)
    if past_zh and future_zh:
        # 要…了 is about to happen.
        return "future" if past_zh.group() == "了" and future_zh.end() <= past_zh.start() else None
    past, future = past_zh is not None, future_zh is not None
    before = ""
    for word in _TOKEN.findall(words):
        if before in ("was", "were") and word == "going":
            return None
        if word in _PAST or (word.endswith("ed") and len(word) > 4 and word not in _NOT_PAST and before not in _IS):
            past = True
        elif (
            word in _FUTURE
            or word.endswith(("'ll", "’ll"))
            or (
                before in _IS and before != "been" and (word.endswith("ing") or word in ("planned", "scheduled", "due"))
            )
        ):
            future = True
        before = word
    if past and future:
        return None
    return "past" if past else "future" if future else None


# Finding the words.


def _grouped(low: str, atoms: list[_Group], said: _Said) -> list[_Group]:
    """Neighbours that complete each other put together: "March 14th" + "at 3pm", 去年 + 三月."""
    groups: list[_Group] = []
    for atom in atoms:
        if groups and (joined := _joined(low, groups[-1], atom)):
            groups[-1] = joined
        else:
            groups.append(atom)
    alone = [frozenset({"day"}), frozenset({"season"})][: 1 + said.asking]
    return [group for group in groups if group.core & {"year", "month", "week", "weekday"} or group.core in alone]


_GAP = re.compile(r"[\s,，]{0,3}(?:(?:of|in|on|at|the|for)\s+){0,3}|\s?的?\s?")
_SHAPES = [
    frozenset(shape.split())
    for shape in (
        "", "year", "year month", "year month day", "year season", "week", "week weekday", "week weekend", "month",
        "month day", "weekday", "season", "day", "year month day weekday", "month day weekday",
    )
]  # fmt: skip


def _joined(low: str, one: _Group, other: _Group) -> _Group | None:
    gap = low[one.end : other.start]
    if len(gap) > 16 or not _GAP.fullmatch(gap) or one.parts.keys() & other.parts.keys():
        return None
    core = one.core | other.core
    if core not in _SHAPES or {"clock", "hour"} <= one.parts.keys() | other.parts.keys():
        return None
    if one.core == {"season"} and other.core and "in" in gap.split():
        return None  # "prices fall in 2020"
    english = not (one.chinese or other.chinese)
    if english and "year" in one.core and "month" in other.core and not {"in", "on"} & set(gap.split()):
        return None  # "in 2019, May became"
    return _Group(
        start=one.start,
        end=other.end,
        parts={**one.parts, **other.parts},
        clear=one.clear or other.clear or core not in ({"year"}, {"month"}, {"weekday"}),
        chinese=one.chinese or other.chinese,
    )


def _atoms(text: str, low: str, said: _Said) -> list[_Group]:
    found: list[_Group] = []
    if _DIGIT.search(low):
        found += _read(_NUMERIC, _NUMERIC_READERS, text, low, said)
    worded = not _TRIGGERS.isdisjoint(_WORD.findall(low)) or _BARE_YEAR.search(low)
    if worded or (said.asking and _NTH.search(low)):
        found += _read(_ENGLISH, _ENGLISH_READERS, text, low, said)
    if _HAN.search(low):
        found += _read(_CHINESE, _CHINESE_READERS, text, low, said, chinese=True)
    found.sort(key=lambda atom: (atom.start, -atom.end))
    apart: list[_Group] = []
    for atom in found:
        if not apart or atom.start >= apart[-1].end:
            apart.append(atom)
    return apart


_Reader = Callable[["re.Match[str]", str, str, _Said], dict[str, int] | None]
"""(match in the lower text, text, lower text, said) -> parts; None where the words name no time after all.
A part `unclear` says that the words name a time only in the right surroundings."""


def _read(
    pattern: re.Pattern[str], readers: Mapping[str, _Reader], text: str, low: str, said: _Said, *, chinese: bool = False
) -> Iterator[_Group]:
    for match in pattern.finditer(low):
        try:
            parts = readers[match.lastgroup or ""](match, text, low, said)
        except (ValueError, OverflowError):  # no such day, or outside the calendar
            continue
        if parts is not None:
            clear = parts.pop("unclear", 0) == 0
            yield _Group(start=match.start(), end=match.end(), parts=parts, clear=clear, chinese=chinese)


# Figures, in any language.

_DIGIT = re.compile(r"[0-9]")
_NUMERIC = re.compile(
    r"""(?<![a-z0-9.,/:+$-])(?:
    (?P<iso>(?P<stamp>[0-9]{4}-[0-9]{2}-[0-9]{2}[t\ ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(?P<zone>z|[+-][0-9]{2}:?[0-9]{2})?)
    |(?P<ymd>(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{1,2})(?P=sep)(?P<day>[0-9]{1,2}))
    |(?P<dmy>(?P<one>[0-9]{1,2})(?P<mark>[/.])(?P<two>[0-9]{1,2})(?P=mark)(?P<three>[0-9]{4}))
    |(?P<clock>(?P<hour>[0-9]{1,2})(?::(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?\ ?(?P<half>[ap])(?:m\b|\.m\.?)
        |(?P<hour24>[0-9]{1,2}):(?P<minute24>[0-9]{2}))
    )(?![a-z0-9]|[-./:,][0-9])""",
    re.VERBOSE,
)


def _iso(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    try:
        moment = parse_time(match.group().upper())
    except InvalidInput:
        return None
    if match["zone"]:
        moment = moment.astimezone(said.moment.tzinfo)
    return {**_ymd(moment.date()), "clock": moment.hour * 3600 + moment.minute * 60 + moment.second}


def _year_first(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return _ymd(date(int(match["year"]), int(match["month"]), int(match["day"])))


def _year_last(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    day, month = int(match["one"]), int(match["two"])
    if match["mark"] == "/" and month > 12:
        day, month = month, day
    elif match["mark"] == "/" and day <= 12 and day != month:
        return None
    return _ymd(date(int(match["three"]), month, day))


def _time_of_day(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    half = match["half"]
    hour, minute, second = (
        int(each or 0)
        for each in (match["hour"] or match["hour24"], match["minute"] or match["minute24"], match["second"])
    )
    if minute > 59 or second > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return None
    seconds = hour * 3600 + minute * 60 + second
    if half:
        return {"clock": seconds % 43_200 + 43_200 * (half == "p")}
    return {"clock" if hour > 12 or match.group().startswith("0") else "hour": seconds}


_NUMERIC_READERS: Mapping[str, _Reader] = {"iso": _iso, "ymd": _year_first, "dmy": _year_last, "clock": _time_of_day}


# English.

_MONTH_NAMES = "january february march april may june july august september october november december".split()
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_SHORT_MONTHS = {name[:3]: number for name, number in _MONTHS.items() if name != "may"} | {"sept": 9}
_WEEKDAYS = {
    name: number for number, name in enumerate("monday tuesday wednesday thursday friday saturday sunday".split())
}
_SHORT_WEEKDAYS = {name[:3]: name for name in _WEEKDAYS} | {
    "tues": "tuesday",
    "thur": "thursday",
    "thurs": "thursday",
}
_SEASONS = {"spring": 0, "summer": 1, "autumn": 2, "fall": 2, "winter": 3}
_COUNTS = {
    name: number
    for number, name in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen".split(), 1
    )
} | {"a": 1, "an": 1, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50}

_TRIGGERS = frozenset(
    """yesterday today tomorrow tonight ago week weeks weekend month months year years days morning afternoon evening
    night last next""".split()
) | {*_MONTHS, *_SHORT_MONTHS, *_WEEKDAYS, *_SHORT_WEEKDAYS, *_SEASONS}  # fmt: skip
_WORD = re.compile(r"[a-z]+")
_NTH = re.compile(r"[0-9](?:st|nd|rd|th)\b")
_BARE_YEAR = re.compile(r"(?:19|20)[0-9]{2}")

_MONTH = "|".join([*_MONTHS, *sorted(_SHORT_MONTHS, key=len, reverse=True)])
_WEEKDAY = "|".join(_WEEKDAYS)
_SEASON = "|".join(_SEASONS)
_COUNT = rf"[0-9]{{1,3}}|{'|'.join(_COUNTS)}"
_ENGLISH = re.compile(
    rf"""(?<![a-z0-9_@#\u00c0-\u024f])(?:
    (?P<named>(?:the\ )?day\ before\ yesterday|(?:the\ )?day\ after\ tomorrow|(?:the\ )?night\ before\ last|yesterday
        |today|tomorrow|tonight|last\ night|this\ (?:morning|afternoon|evening))
    |(?P<near>(?P<step>last|next|this(?:\ past|\ coming)?|past|coming)\ (?P<unit>week(?:end)?|month|year|{_WEEKDAY}|{_MONTH}|{_SEASON}
        |{"|".join(_SHORT_WEEKDAYS)}))
    |(?P<second>(?P<unit2>week(?:end)?|month|year)\ (?:before\ last|after\ next))
    |(?P<ago>(?P<back>{_COUNT})\ (?P<back_unit>hour|day|week|month|year)s?\ ago)
    |(?P<ahead>in\ (?P<on>{_COUNT})\ (?P<on_unit>day|week|month|year)s?(?:['’]?\ time)?)
    |(?P<from_now>(?P<off>{_COUNT})\ (?P<off_unit>day|week|month|year)s?\ from\ (?:now|today))
    |(?P<month_day>(?P<m1>{_MONTH})\.?\ (?:the\ )?(?P<d1>[0-9]{{1,2}})(?P<nth1>st|nd|rd|th)?
        (?:\ ?(?:[-–]|to|until|through)\ ?(?P<to>[0-9]{{1,2}})(?:st|nd|rd|th)?)?(?![0-9]|[:.][0-9]|\ ?[ap]m\b))
    |(?P<day_month>(?P<d2>[0-9]{{1,2}})(?P<nth2>st|nd|rd|th)?\ (?:of\ )?(?P<m2>{_MONTH}))
    |(?P<month>{_MONTH})
    |(?P<year>(?:19|20)[0-9]{{2}}(?:(?=[-–—](?:19|20)[0-9]{{2}}(?![-–—0-9]))|(?![-–—:/.,]?[0-9]|%)))
    |(?P<weekday>{_WEEKDAY})
    |(?P<season>{_SEASON})
    |(?P<half>morning|afternoon|evening|night)
    |(?P<noon>noon)
    |(?P<hour>at\ [0-9]{{1,2}}(?![0-9:%$]|[.,][0-9]|\ ?[ap]\.?m))
    |(?P<nth>[0-9]{{1,2}}(?:st|nd|rd|th))
    )(?![a-z0-9_\u00c0-\u024f])""",
    re.VERBOSE,
)


def _named_day(match: re.Match[str], text: str, low: str, said: _Said) -> dict[str, int] | None:
    name, before = match.group(), low[max(0, match.start() - 12) : match.start()]
    if _is_title(text, match) or re.search(r"\b(?:no|better|brighter|born|of)\s+$", before):
        return None  # the song, "no tomorrow", "born yesterday"
    days = {"yesterday": -1, "tomorrow": 1, "today": 0, "tonight": 0, "last night": -1}
    if "before" in name:
        return said.day_off(-2)
    if "after" in name.split():
        return said.day_off(2)
    parts = said.day_off(days.get(name, 0))
    if name == "today":
        parts["today"] = 1
    if "night" in name or name.startswith("this "):
        parts["half"] = int(not name.endswith("morning"))
    return parts


def _is_title(text: str, match: re.Match[str]) -> bool:
    """Whether the word has a capital within a sentence, as names have."""
    word = text[match.start() : match.end()]
    if not word[0].isupper() or word.isupper():
        return False
    before = text[max(0, match.start() - 4) : match.start()].rstrip(" \t")
    return bool(before) and (before[-1].isalnum() or before[-1] in "\"'“‘《")


_OWN = re.compile(r"\b(?:the|my|his|her|your|their|our|whose|every|each|one|very|final|['’]s|to|and|after|by)\s+$")


def _near_unit(match: re.Match[str], text: str, low: str, said: _Said) -> dict[str, int] | None:
    word, unit = match["step"], match["unit"]
    before, after = low[max(0, match.start() - 12) : match.start()], low[match.end() : match.end() + 8]
    if (not word.startswith("this") and _OWN.search(before)) or re.match(r"\s+of\b|\s+after\b|-", after):
        return None  # "the last week", "last year of school", "week after week"
    step = {"last": -1, "past": -1, "this past": -1, "this": 0}.get(word, 1)
    if text[match.start("unit")].islower() and unit in ("march", "may", "wed", "sat", "sun"):
        return None  # "at last may I", "we last sat"
    unit = _SHORT_WEEKDAYS.get(unit, unit)
    named = unit in _WEEKDAYS or unit in _SEASONS or unit in _MONTHS or unit in _SHORT_MONTHS
    if not named:
        if word not in ("last", "next", "this") and unit != "weekend":
            return None  # "the past week" is the last seven days
        off = {"week": said.week_off, "weekend": said.week_off, "month": said.month_off, "year": said.year_off}
        return off[unit](step if word != "this coming" else 0) | ({"weekend": 1} if unit == "weekend" else {})
    if unit in _WEEKDAYS:
        return _near_weekday(_WEEKDAYS[unit], word, low, match, said)
    if unit in _SEASONS:
        return _near_season(_SEASONS[unit], step, said)
    if unit in _SHORT_MONTHS and unit not in _MONTHS:
        return None
    return _near_month(_MONTHS[unit], step, said)


def _near_weekday(weekday: int, word: str, low: str, match: re.Match[str], said: _Said) -> dict[str, int] | None:
    if re.match(r"s\b", low[match.end() : match.end() + 2]):
        return None
    ahead = (weekday - said.day.weekday()) % 7
    match word:
        case "last" | "past" | "this past":
            return said.day_off(ahead - 7)
        case "coming" | "this coming":
            return said.day_off(ahead or 7)
        case "this":
            clause, _ = _around(low, _Group(start=match.start(), end=match.end(), parts={}))
            return said.day_off(weekday - said.day.weekday() if _tense(clause) == "past" else ahead)
    week_ahead = weekday + 7 - said.day.weekday()
    return said.day_off(week_ahead) if week_ahead == (ahead or 7) else None


def _near_month(month: int, step: int, said: _Said) -> dict[str, int] | None:
    passed = month < said.day.month
    if step > 0 and month > said.day.month:
        return None  # said in January, "next March" is either
    year = said.day.year + (step if step > 0 else 0 if step == 0 or passed else -1)
    return {"year": year, "month": month}


def _near_season(season: int, step: int, said: _Said) -> dict[str, int] | None:
    # January and February belong to the winter of the year before.
    this = said.day.year - (season == 3 and said.day.month < 3)
    starts = date(this, 3 * season + 3, 1)
    if step < 0:
        return {"year": this if _months_on(starts, 3) <= said.day else this - 1, "season": season}
    if step > 0 and starts > said.day:
        return None  # said in March, "next summer" is either
    return {"year": this + step, "season": season}


def _second(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    step = 2 if match.group().endswith("next") else -2
    match match["unit2"]:
        case "month":
            return said.month_off(step)
        case "year":
            return said.year_off(step)
        case unit:
            return said.week_off(step) | ({"weekend": 1} if unit == "weekend" else {})


_ABOUT = re.compile(
    r"(?:[-–.,:/]|\b(?:about|around|almost|nearly|over|than|roughly|approximately|least|most|some|or|to|and|hundred|thousand))\s*$"
)


_OTHER = re.compile(r"(?:[-–.,:/]|\b(?:or|to|and|hundred|thousand))\s*$")  # parts of a longer number


def _ago(match: re.Match[str], _text: str, low: str, said: _Said) -> dict[str, int] | None:
    if (_OTHER if said.asking else _ABOUT).search(low[max(0, match.start() - 16) : match.start()]):
        return None
    return _away(-_count(match["back"]), match["back_unit"], said)


_TIMES = re.compile(r"\b(?:once|twice|times?|have|has|can|could|takes?|within|read|per)\b|['’]ve\b")
_HOW_OFTEN = re.compile(r"\b(?:once|twice|times?|can|could|takes?|within|read|per|how (?:much|many|often|long))\b")
_SET = re.compile(r"\b(?:is|are|due|starts?|begins?|ends?|leaves?|expires?|opens?|arrives?|departs?)\b|['’]s\b")


def _ahead(match: re.Match[str], _text: str, low: str, said: _Said) -> dict[str, int] | None:
    group = _Group(start=match.start(), end=match.end(), parts={})
    clause, _ = _around(low, group)
    if said.asking:
        if _asked_tense(low, group) not in ("present", "future") or _HOW_OFTEN.search(clause):
            return None
        return _away(_count(match["on"]), match["on_unit"], said)
    tense = _tense(clause)
    if _TIMES.search(clause) or tense == "past" or (tense is None and not _SET.search(clause)):
        return None  # "twice in two years" tells how long, not when
    return _away(_count(match["on"]), match["on_unit"], said)


def _from_now(match: re.Match[str], _text: str, low: str, said: _Said) -> dict[str, int] | None:
    if _ABOUT.search(low[max(0, match.start() - 16) : match.start()]):
        return None
    return _away(_count(match["off"]), match["off_unit"], said)


def _count(word: str) -> int:
    return _COUNTS[word] if word in _COUNTS else int(word)


def _away(count: int, unit: str, said: _Said) -> dict[str, int]:
    """The unit so many units away. Raises OverflowError outside the calendar."""
    match unit:
        case "hour":
            return _ymd((said.moment.replace(tzinfo=None) + timedelta(hours=count)).date())
        case "day":
            return said.day_off(count)
        case "week":
            return said.week_off(count)
        case "month":
            return said.month_off(count)
        case _:
            return said.year_off(count)


_YEAR_AFTER = re.compile(r",?\s+(?:of\s+)?(?:19|20)[0-9]{2}\b")


def _month_day(match: re.Match[str], text: str, low: str, _said: _Said) -> dict[str, int] | None:
    return _day_of_month(match, text, low, match["m1"], match["d1"], match["nth1"], match["to"])


def _day_month(match: re.Match[str], text: str, low: str, _said: _Said) -> dict[str, int] | None:
    return _day_of_month(match, text, low, match["m2"], match["d2"], match["nth2"], None)


def _day_of_month(
    match: re.Match[str], text: str, low: str, name: str, day: str, ordinal: str | None, last: str | None
) -> dict[str, int] | None:
    written = text[match.start() : match.end()]
    after = low[match.end() : match.end() + 16]
    month = _MONTHS.get(name) or _SHORT_MONTHS[name]
    if not 1 <= int(day) <= 31:
        return None
    if ordinal is None and not _YEAR_AFTER.match(after):
        if name in ("may", "march", "mar") and name in written:  # "we may 12 times", "they march 14 miles"
            return None
        if _NO_NAME.match(after):
            return {"month": month, "unclear": 1}
    parts = {"month": month, "day": int(day)}
    if last is not None:
        if not int(day) < int(last) <= 31:
            return None
        parts["last"] = int(last)
    return parts


def _bare_month(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    name = match.group()
    if name in _MONTHS:
        return {"month": _MONTHS[name], "unclear": 1}
    return {"month": _SHORT_MONTHS[name], "unclear": 1, "short": 1}


def _bare_year(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"year": int(match.group()), "unclear": 1}


def _bare_weekday(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"weekday": _WEEKDAYS[match.group()], "unclear": 1}


def _bare_season(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"season": _SEASONS[match.group()], "unclear": 1}


def _half(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"half": int(match.group() != "morning"), "unclear": 1}


def _noon(_match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"clock": 43_200, "unclear": 1}


def _bare_hour(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    hour = int(match.group().split()[1])
    return {"hour": hour * 3600, "unclear": 1} if 1 <= hour <= 12 else None


def _nth(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    day = int(match.group()[:-2])
    return {"day": day, "unclear": 1} if 1 <= day <= 31 else None


_ENGLISH_READERS: Mapping[str, _Reader] = {
    "named": _named_day,
    "near": _near_unit,
    "second": _second,
    "ago": _ago,
    "ahead": _ahead,
    "from_now": _from_now,
    "month_day": _month_day,
    "day_month": _day_month,
    "month": _bare_month,
    "year": _bare_year,
    "weekday": _bare_weekday,
    "season": _bare_season,
    "half": _half,
    "noon": _noon,
    "hour": _bare_hour,
    "nth": _nth,
}


# Chinese, Traditional and Simplified.

_HAN = re.compile(r"[天日週周月年禮礼期晚早晨夜號号前後]")
_FIGURES = {each: number for number, each in enumerate("〇一二三四五六七八九")} | {"零": 0, "兩": 2, "两": 2}
_CN = "0-9一二三四五六七八九十百零〇兩两"
_NUMBER = f"(?:[0-9]{{1,4}}|[{_CN[3:]}]{{1,6}})"
_YEAR_ZH = r"(?:[12][0-9]{3}|[一二][零〇一二三四五六七八九]{3})"
_WEEK_ZH = "(?:週|周|星期|禮拜|礼拜)"
# A day of the week is none where the next character makes another word of it: 上週一次, 週日本, 周一直.
_WEEKDAY_ZH = (
    "(?P<{name}>[二三四五六](?![個个次位名件天年月場场本張张只條条點点歲岁項项趟回部家間间種种十百千萬万])"
    "|一(?![個个次位直起樣样定些切下般共點点番致旦向])|日(?![本語语圓元期記记程用文劇剧])|天(?![氣气空堂天然]))"
)
_NOT_WEEK = "(?![圍围邊边遭到杰年歲岁全公先小太刊身末期轉转])"
_CHINESE = re.compile(
    rf"""(?P<day>大前天|大[後后]天|(?<![年月週周以之從从目])前天(?![氣气空堂使天賦赋])|昨[天日]|今[天日](?!頭條|头条)
        |(?<![聰聪光說说發发文證证透鮮鲜分表聲声清黎照])明(?:天(?![氣气真使才天賦赋])|日(?![香之方葉]))
        |(?<![以之然最先隨随皇往日月年午])[後后]天(?![氣气空堂使天賦赋性的免培努]))
    |(?P<night>昨[晚夜]|前晚|今[晚早晨]|(?<![聰聪說说發发文])明[早晚])
    |(?P<week>(?P<week_step>上上|下下|上|下|[這这本])(?:一?[個个]|一)?{_WEEK_ZH}{_NOT_WEEK}(?:(?P<end>末)(?![班日代尾])|{_WEEKDAY_ZH.format(name="of_week")})?
        |(?P<weekend_step>[上下這这本])(?:一?[個个])?[週周]末(?![班日代尾]))
    |(?P<weekday>(?<![每個个{_CN}]){_WEEK_ZH}{_WEEKDAY_ZH.format(name="bare_day")})
    |(?P<month_off>(?P<month_step>上上|下下|(?<![以晚早馬马])上|下|[這这本])(?:一?[個个])?月(?![球亮台薪光餅饼])(?:[底初]|[上中下]旬)?)
    |(?P<year_off>(?:大前|大[後后]|(?<![年月週周天以之從从目生先面日婚當当])前|(?<![過过回出])去|今
        |(?<![聰聪光說说發发文證证透鮮鲜分表聲声])明|(?<![以之然最先隨随往日月年])[後后])年(?![輕轻紀纪薪齡龄收終终級级代])(?:年?[底初]|年中)?)
    |(?P<ago>(?<![第幾几多好數数{_CN}、~～到至.-])(?!{_YEAR_ZH}年)(?P<count>{_NUMBER})(?P<measure>[個个])?(?P<unit>[天日週周年]|(?<=[個个])月|星期|禮拜|礼拜)[之以]?
        (?P<way>前(?![後后面夕途往進进輩辈任妻夫男女鋒台排景三兩两幾半頭头沿線线])|[後后](?![面續续門门果期代悔備备援座輩辈裔])))
    |(?P<half_year>(?<![{_CN}個个年])半年[之以]?前(?![後后]))
    |(?P<year>(?:(?:民國|民国)(?P<republic>{_NUMBER})年|(?:西元|公元)?(?<![{_CN}.,$])(?P<number>{_YEAR_ZH})
        (?:年|(?=\s?[到至~～–-]\s?{_YEAR_ZH}年)))(?:年?[底初]|年中)?(?![之以]?[間间]|[的]?歷史|[的]?历史|來|来))
    |(?P<month>(?<![{_CN}.幾几])(?P<month_number>{_NUMBER})月份?(?:[底初](?![{_CN}])|[上中下]旬)?
        (?![天花光餅饼亮球嫂半刊票薪經经初]|[{_CN}]+(?![{_CN}]*[日號号])))
    |(?P<nth>(?<![{_CN}.第])(?P<day_number>{_NUMBER})[日號号](?![線线房樓楼館馆碼码樓]))
    |(?P<season>[春夏秋冬][天季])
    |(?P<clock>(?P<part>凌晨|清晨|早上|上午|中午|下午|傍晚|晚上)?(?<![第{_CN}])(?P<hour>{_NUMBER})[點点]
        (?:(?P<half>半)|(?P<minute>{_NUMBER})分|(?P<quarter>[一三])刻|[鐘钟整])?(?![{_CN}多左出]))
    |(?P<half_day>凌晨|清晨|早上|上午|中午|下午|傍晚|晚上)""",
    re.VERBOSE,
)
_STEPS = {"上上": -2, "上": -1, "這": 0, "这": 0, "本": 0, "下": 1, "下下": 2}
_DAYS_OFF = {"大前": -3, "前": -2, "昨": -1, "去": -1, "今": 0, "明": 1, "後": 2, "后": 2, "大後": 3, "大后": 3}


def _number(figures: str) -> int | None:
    """The number in figures of either kind; None for what is no number (三四: three or four)."""
    if figures.isdecimal():
        return int(figures)
    if not set(figures) & set("十百"):
        if len(figures) == 1 or (len(figures) == 4 and figures[0] in "一二"):
            return int("".join(str(_FIGURES[each]) for each in figures))
        return None
    found = re.fullmatch(
        r"(?:([一二兩两三四五六七八九])?百零?)?(?:([一二三四五六七八九])?(十))?([一二三四五六七八九])?", figures
    )
    if found is None:
        return None
    hundreds = _FIGURES[found[1] or "一"] if "百" in figures else 0
    tens = _FIGURES[found[2] or "一"] if found[3] else 0
    return hundreds * 100 + tens * 10 + (_FIGURES[found[4]] if found[4] else 0)


def _weekday_of(character: str) -> int:
    return min("一二三四五六日天".index(character), 6)


def _day_zh(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    parts = said.day_off(_DAYS_OFF[match.group()[:-1]])
    if match.group().startswith("今"):
        parts["today"] = 1
    return parts


def _night_zh(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    day, part = match.group()[0], match.group()[1]
    return said.day_off(_DAYS_OFF[day]) | {"half": int(part in "晚夜")}


def _week_zh(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    parts = said.week_off(_STEPS[match["week_step"] or match["weekend_step"]])
    if match["end"] or match["weekend_step"]:
        parts["weekend"] = 1
    if match["of_week"]:
        parts["weekday"] = _weekday_of(match["of_week"])
    return parts


def _weekday_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"weekday": _weekday_of(match["bare_day"]), "unclear": 1}


def _month_off_zh(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    return said.month_off(_STEPS[match["month_step"]])


def _year_off_zh(match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    return said.year_off(_DAYS_OFF[match.group()[: match.group().index("年")]])


_UNITS_ZH = {"天": "day", "日": "day", "月": "month", "年": "year"}
_ABOUT_ZH = re.compile(r"(?:大約|大约|約|约|大概|差不多|將近|将近|近|超過|超过|快|前|第)是?\s*$")


def _ago_zh(match: re.Match[str], _text: str, low: str, said: _Said) -> dict[str, int] | None:
    count, unit = _number(match["count"]), match["unit"]
    if count is None:
        return None
    if match["measure"] and unit in "天日年":
        return None
    if _ABOUT_ZH.search(low[max(0, match.start() - 6) : match.start()]):
        return None
    if match["way"] != "前":
        clause, _ = _around(low, _Group(start=match.start(), end=match.end(), parts={}))
        if _tense(clause) == "past":
            return None  # 三天後他走了: after what was told before
    return _away(count if match["way"] != "前" else -count, _UNITS_ZH.get(unit, "week"), said)


def _half_year(_match: re.Match[str], _text: str, _low: str, said: _Said) -> dict[str, int] | None:
    """Half a year is as rough as a season."""
    then = said.month_off(-6)
    return {"year": then["year"] - (then["month"] < 3), "season": (then["month"] - 3) % 12 // 3}


def _year_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    number = _number(match["republic"] or match["number"])
    if number is None:
        return None
    if match["republic"]:
        return {"year": number + 1911}
    return {"year": number} if 1900 <= number <= 2099 else None


def _month_zh(match: re.Match[str], _text: str, low: str, said: _Said) -> dict[str, int] | None:
    number = _number(match["month_number"])
    after = low[match.end() : match.end() + 2]
    if not said.asking and (_BEFORE_AFTER.match(after) or _AFTER_AFTER.match(after)):
        return None  # 三月前 is before March, and dates nothing
    if number is None or not 1 <= number <= 12 or re.search("[曆历]", low[max(0, match.start() - 6) : match.start()]):
        return None
    return {"month": number, "unclear": 1}


def _nth_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    number = _number(match["day_number"])
    return {"day": number, "unclear": 1} if number and number <= 31 else None


def _season_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"season": "春夏秋冬".index(match.group()[0]), "unclear": 1}


_MORNING = ("凌晨", "清晨", "早上", "上午")


def _clock_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    hour, minute = _number(match["hour"]), _number(match["minute"] or "0")
    if hour is None or minute is None or hour > 23 or minute > 59:
        return None
    if match["half"] or match["quarter"]:
        minute = {"一": 15, "三": 45}.get(match["quarter"], 30)
    seconds, part = hour * 3600 + minute * 60, match["part"]
    if hour > 12 or hour == 0:
        return {"clock": seconds, "unclear": 1}
    if part is None or (part == "晚上" and hour == 12):
        return {"hour": seconds, "unclear": 1}
    late = part not in _MORNING and not (part == "中午" and hour in (10, 11))
    return {"clock": seconds % 43_200 + 43_200 * late, "unclear": 1}


def _half_zh(match: re.Match[str], _text: str, _low: str, _said: _Said) -> dict[str, int] | None:
    return {"half": int(match.group() not in _MORNING), "unclear": 1}


_CHINESE_READERS: Mapping[str, _Reader] = {
    "day": _day_zh,
    "night": _night_zh,
    "week": _week_zh,
    "weekday": _weekday_zh,
    "month_off": _month_off_zh,
    "year_off": _year_off_zh,
    "ago": _ago_zh,
    "half_year": _half_year,
    "year": _year_zh,
    "month": _month_zh,
    "nth": _nth_zh,
    "season": _season_zh,
    "clock": _clock_zh,
    "half_day": _half_zh,
}
