"""Moments and days: what callers pass becomes an aware datetime, and what they get back is a string.

A datetime or a string that names no zone is taken as UTC. Nothing here reads the machine's zone.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from numbers import Real

from mnemic.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MILLISECONDS_FROM = 1e11
"""Numbers from here on are milliseconds. As seconds it is the year 5138, as milliseconds March 1973."""

_TIME_EXPECTED = (
    'an ISO 8601 string such as "2025-03-14T09:30:00+08:00" (no zone: UTC), unix seconds, a date or a datetime'
)
_SHOWN = 80
_DAY_EXPECTED = 'a day as "YYYY-MM-DD", a date, a datetime or None'


def parse_time(value: str | int | float | date | datetime, *, name: str = "at") -> datetime:  # noqa: PYI041
    """Return the moment that `value` names, as an aware datetime in the zone it was given in.

    - A datetime or a string without a zone is taken as UTC; a date is its midnight in UTC.
    - A number is unix seconds, or unix milliseconds when its magnitude is 1e11 or more.
    - A string is ISO 8601 (`2025-03-14`, `2025-03-14T09:30Z`, `20250314T093000+0800`), or one of two
      forms that published conversations use: `1:56 pm on 8 May, 2023` (LoCoMo) and
      `2023/05/20 (Sat) 01:38` (LongMemEval; the name of the day is not checked).

    `name` is how the error calls the argument.

    >>> parse_time("2025-03-14T09:30:00Z").isoformat()
    '2025-03-14T09:30:00+00:00'

    Raises InvalidInput for another type (bool included) or form, for a number that is not finite, and
    for a moment outside the years 1 to 9999 in UTC.
    """
    try:
        moment = _moment(value)
        if moment is None:
            raise InvalidInput(f"{name} must be {_TIME_EXPECTED}, not {_shown(value)}")
        moment.astimezone(UTC)
    except OverflowError as exc:
        raise InvalidInput(f"{name} must lie in the years 1 to 9999 in UTC, not {_shown(value)}") from exc
    return moment


def parse_day(value: str | date | datetime | None, *, name: str = "expiration_date") -> date | None:
    """Return the day that `value` names; None stays None.

    A string is exactly `YYYY-MM-DD`. A datetime gives the day it shows in its own zone.

    >>> parse_day("2026-05-01")
    datetime.date(2026, 5, 1)

    Raises InvalidInput for another type or form, and for a day that the calendar does not have.
    """
    if value is None:
        return None
    if isinstance(value, date) and _is_real(value):
        return value.date() if isinstance(value, datetime) else value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError as exc:
            raise InvalidInput(f"{name} must be {_DAY_EXPECTED}, not {_shown(value)}: {exc}") from exc
    raise InvalidInput(f"{name} must be {_DAY_EXPECTED}, not {_shown(value)}")


def end_of_day(day: date) -> datetime:
    """Return the moment from which something that expires on `day` is no longer shown.

    The day itself is still shown, so this is the next midnight in UTC (for 9999-12-31, the last
    moment there is). One microsecond earlier lies in `day` again.

    >>> end_of_day(date(2026, 5, 1)).isoformat()
    '2026-05-02T00:00:00+00:00'
    """
    if (day.year, day.month, day.day) == (9999, 12, 31):
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def iso(moment: datetime) -> str:
    """Return `moment` as ISO 8601 in its own zone, with the offset in digits; naive is taken as UTC.

    >>> iso(datetime(2025, 3, 14, 9, 30))
    '2025-03-14T09:30:00+00:00'
    """
    return _aware(moment).isoformat()


def now() -> datetime:
    """Return this moment, in UTC."""
    return datetime.now(UTC)


def milliseconds(at: datetime) -> int:
    """Unix milliseconds of a moment with a zone, rounded down; exact for every moment a datetime can hold."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def age(then: datetime, now: datetime) -> str:
    """Return how long before (or after) `now` something was, in a few English words.

    Days are counted by the calendar of the zone of `now`: `today`, `yesterday` (`tomorrow`), days up
    to 13, whole weeks up to 59 days, months of 30 days up to the anniversary, then whole years.

    >>> age(datetime(2025, 3, 9), datetime(2025, 3, 14))
    '5 days ago'
    """
    now = _aware(now)
    here, there = now.date(), _date_in_zone_of(now, _aware(then))
    days = (here - there).days
    if abs(days) <= 1:
        return {0: "today", 1: "yesterday", -1: "tomorrow"}[days]
    count, unit = _span(*sorted((here, there)))
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{words} ago" if days > 0 else f"in {words}"


def _moment(value: object) -> datetime | None:
    """Return the moment, or None when `value` is nothing that names one. Raises OverflowError."""
    match value:
        case bool():
            return None
        case datetime():
            return _aware(value) if _is_real(value) else None
        case date():
            return datetime.combine(value, time(), UTC)
        case str():
            return _read(value.strip())
        case Real():
            return _from_unix(value)
        case _:
            return None


def _from_unix(number: Real) -> datetime | None:
    value = number if isinstance(number, int) else float(number)
    if not math.isfinite(value):
        return None
    if abs(value) >= _MILLISECONDS_FROM:
        return _EPOCH + timedelta(milliseconds=value)
    return _EPOCH + timedelta(seconds=value)


_OFFSET = r"(?:\ ?(?P<zone>Z|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?))?"

_ISO = re.compile(
    rf"""(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{2}})-(?P<day>[0-9]{{2}})
    (?:[T\ ](?P<hour>[0-9]{{2}}):(?P<minute>[0-9]{{2}})
    (?::(?P<second>[0-9]{{2}})(?:[.,](?P<fraction>[0-9]+))?)?{_OFFSET})?""",
    re.VERBOSE | re.IGNORECASE,
)
_ISO_BASIC = re.compile(
    rf"""(?P<year>[0-9]{{4}})(?P<month>[0-9]{{2}})(?P<day>[0-9]{{2}})
    T(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})
    (?:(?P<second>[0-9]{{2}})(?:[.,](?P<fraction>[0-9]+))?)?{_OFFSET}""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGMEMEVAL = re.compile(
    r"""(?P<year>[0-9]{4})/(?P<month>[0-9]{1,2})/(?P<day>[0-9]{1,2})
    (?:\s*\([A-Za-z]+\))?(?:\s+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?)?""",
    re.VERBOSE,
)
_LOCOMO = re.compile(
    r"""(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})\s*(?P<half>[ap])\.?m\.?\s+on\s+
    (?P<day>[0-9]{1,2})\s+(?P<month_name>[a-z]{3,9})\.?,?\s+(?P<year>[0-9]{4})""",
    re.VERBOSE | re.IGNORECASE,
)
_FORMS = (_ISO, _ISO_BASIC, _LONGMEMEVAL, _LOCOMO)

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def _read(text: str) -> datetime | None:
    found = next((match for form in _FORMS if (match := form.fullmatch(text))), None)
    if found is None:
        return None
    part = found.groupdict()
    hour = _hour(part["hour"], part.get("half"))
    month = _month(part.get("month"), part.get("month_name"))
    zone = _zone(part.get("zone"))
    if hour is None or month is None or zone is None:
        return None
    try:
        return datetime(
            int(part["year"]),
            month,
            int(part["day"]),
            hour,
            int(part["minute"] or 0),
            int(part.get("second") or 0),
            int((part.get("fraction") or "0")[:6].ljust(6, "0")),
            tzinfo=zone,
        )
    except ValueError:
        return None


def _hour(digits: str | None, half: str | None) -> int | None:
    """Return the hour of the day; `half` is `a` or `p` on a twelve-hour clock."""
    hour = int(digits or 0)
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half in "pP" else 0)


def _month(digits: str | None, english: str | None) -> int | None:
    if digits is not None:
        return int(digits)
    names = (number for number, name in enumerate(_MONTHS, 1) if english and name.startswith(english.lower()))
    return next(names, None)


def _zone(offset: str | None) -> timezone | None:
    """Return the zone of an offset such as `+08:00`, UTC for none, None for one that cannot be."""
    if offset is None or offset.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    digits = offset[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    distance = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not distance:
        return UTC
    return timezone(-distance if offset.startswith("-") else distance)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is UTC or moment.utcoffset() is not None else moment.replace(tzinfo=UTC)


def _is_real(day: date) -> bool:
    """Return False for `pandas.NaT`, which passes for a datetime and has no year."""
    return isinstance(day.year, int)


def _date_in_zone_of(now: datetime, then: datetime) -> date:
    try:
        return then.astimezone(now.tzinfo).date()
    except OverflowError:  # within a day of year 1 or 9999, where no zone matters
        return then.date()


def _span(earlier: date, later: date) -> tuple[int, str]:
    days = (later - earlier).days
    if days < 14:
        return days, "day"
    if days < 60:
        return days // 7, "week"
    before_anniversary = (later.month, later.day) < (earlier.month, earlier.day)
    years = later.year - earlier.year - before_anniversary
    return (years, "year") if years else (days // 30, "month")


def _shown(value: object) -> str:
    """Return `value` as an error shows it: its repr, cut to a line, and its type."""
    try:
        text = repr(value[:100] if isinstance(value, str) else value)
    except ValueError:  # Python refuses to print an int of more than 4300 digits
        text = "a number too long to print"
    return f"{text if len(text) <= _SHOWN else text[:_SHOWN] + '…'} ({type(value).__name__})"
