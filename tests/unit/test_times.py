"""Moments, days and ages: what is accepted, what it means, and what is refused with which words."""

import math
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemic.errors import InvalidInput
from mnemic.times import age, end_of_day, iso, now, parse_day, parse_time

TAIPEI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2025-03-14", "2025-03-14T00:00:00+00:00"),
        ("2025-03-14T09:30", "2025-03-14T09:30:00+00:00"),
        ("2025-03-14 09:30:05", "2025-03-14T09:30:05+00:00"),
        ("2025-03-14T09:30:00Z", "2025-03-14T09:30:00+00:00"),
        ("2025-03-14t09:30:00z", "2025-03-14T09:30:00+00:00"),
        ("2025-03-14T09:30:00.5Z", "2025-03-14T09:30:00.500000+00:00"),
        ("2025-03-14T09:30:00.123456789Z", "2025-03-14T09:30:00.123456+00:00"),
        ("2025-03-14T09:30:00+08:00", "2025-03-14T09:30:00+08:00"),
        ("2025-03-14 09:30:00 +0800", "2025-03-14T09:30:00+08:00"),
        ("2025-03-14 09:30:00 UTC", "2025-03-14T09:30:00+00:00"),
        ("2025-03-14T09:30-03:30", "2025-03-14T09:30:00-03:30"),
        ("2025-03-14T09:30:00-00:00", "2025-03-14T09:30:00+00:00"),
        ("20250314T093000+0800", "2025-03-14T09:30:00+08:00"),
        ("  2025-03-14\n", "2025-03-14T00:00:00+00:00"),
        ("1:56 pm on 8 May, 2023", "2023-05-08T13:56:00+00:00"),
        ("12:05 am on 31 December, 2022", "2022-12-31T00:05:00+00:00"),
        ("12:05 pm on 1 January, 2023", "2023-01-01T12:05:00+00:00"),
        ("2023/05/20 (Sat) 01:38", "2023-05-20T01:38:00+00:00"),
        ("2023/05/20", "2023-05-20T00:00:00+00:00"),
        (1715177760, "2024-05-08T14:16:00+00:00"),
        (1715177760.25, "2024-05-08T14:16:00.250000+00:00"),
        (1715177760250, "2024-05-08T14:16:00.250000+00:00"),
        (0, "1970-01-01T00:00:00+00:00"),
        (-86400, "1969-12-31T00:00:00+00:00"),
        (date(2025, 3, 14), "2025-03-14T00:00:00+00:00"),
        (datetime(2025, 3, 14, 9, 30), "2025-03-14T09:30:00+00:00"),  # noqa: DTZ001
        (datetime(2025, 3, 14, 9, 30, tzinfo=TAIPEI), "2025-03-14T09:30:00+08:00"),
        (datetime(2025, 7, 14, 9, 30, tzinfo=ZoneInfo("Etc/GMT-8")), "2025-07-14T09:30:00+08:00"),
    ],
)
def test_a_time_is_read_in_its_own_zone_and_without_one_in_utc(value, moment):
    assert iso(parse_time(value)) == moment


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "yesterday", "20250314", "1715177760", "14.03.2025", "2025-3-14", "2025-03-14T", "2025-03-14T09"),
        *("2025-02-30", "2025-13-01", "2025-03-14T24:00", "2025-03-14T09:61", "2025-03-14T09:30+24:00"),
        *("2025-03-14T09:30 Europe/Berlin", "13:00 pm on 8 May, 2023", "0:10 am on 8 May, 2023"),
        *("1:56 pm on 8 Mai, 2023", "1:56 pm on 31 June, 2023", "2023/05/32 (Sat) 01:38", "２０２５-03-14"),
        *(True, False, math.nan, math.inf, -math.inf, None, b"2025-03-14", [2025, 3, 14], object()),
    ],
)
def test_what_names_no_moment_is_refused(value):
    with pytest.raises(InvalidInput, match=r"^at must be an ISO 8601 string"):
        parse_time(value)


@pytest.mark.parametrize(
    "value", [1e20, -1e20, 10**400, 253402300800000, "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-01:00"]
)
def test_a_moment_outside_the_calendar_is_refused(value):
    with pytest.raises(InvalidInput, match="years 1 to 9999 in UTC"):
        parse_time(value)


def test_the_error_names_the_argument_and_what_came():
    with pytest.raises(InvalidInput) as caught:
        parse_time("tomorrow", name="as_of")
    assert str(caught.value) == (
        'as_of must be an ISO 8601 string such as "2025-03-14T09:30:00+08:00" (no zone: UTC), '
        "unix seconds, a date or a datetime, not 'tomorrow' (str)"
    )


@pytest.mark.parametrize("value", ["x" * 1_000_000, 10**5000, list(range(100_000))], ids=["string", "number", "list"])
def test_an_error_stays_short_whatever_came(value):
    with pytest.raises(InvalidInput) as caught:
        parse_time(value)
    assert len(str(caught.value)) < 300


def test_an_empty_datetime_of_a_data_frame_is_refused():
    class NotATime(datetime):
        """Shaped like pandas.NaT: a datetime whose fields are nan."""

        year = math.nan  # type: ignore[assignment]

    nothing = NotATime(2025, 1, 1, tzinfo=UTC)
    for parse in (parse_time, parse_day):
        with pytest.raises(InvalidInput):
            parse(nothing)


@given(st.datetimes(timezones=st.just(UTC) | st.just(TAIPEI), min_value=datetime(2, 1, 1)))  # noqa: DTZ001
def test_what_iso_writes_is_read_back_unchanged(moment):
    again = parse_time(iso(moment))
    assert (again, again.utcoffset()) == (moment, moment.utcoffset())


@given(st.text(max_size=40) | st.floats() | st.integers() | st.binary(max_size=9))
def test_anything_is_either_an_aware_time_or_invalid_input(value):
    with suppress(InvalidInput):
        assert parse_time(value).utcoffset() is not None


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (None, None),
        ("2026-05-01", date(2026, 5, 1)),
        (date(2026, 5, 1), date(2026, 5, 1)),
        (datetime(2026, 5, 1, 1, 0, tzinfo=TAIPEI), date(2026, 5, 1)),
        (datetime(2026, 5, 1), date(2026, 5, 1)),  # noqa: DTZ001
    ],
)
def test_a_day_is_read_as_it_is_written(value, day):
    assert parse_day(value) == day
    assert not isinstance(parse_day(value), datetime)


@pytest.mark.parametrize("value", ["", "2026-5-1", "2026/05/01", "2026-05-01T00:00:00Z", "2026-02-30", 20260501, True])
def test_what_is_no_day_is_refused(value):
    with pytest.raises(InvalidInput, match=r'^expiration_date must be a day as "YYYY-MM-DD"'):
        parse_day(value)


def test_a_day_that_does_not_exist_is_refused_with_the_reason():
    with pytest.raises(InvalidInput, match=r"day is out of range|day .* must be in range"):
        parse_day("2026-02-30")


def test_the_day_of_expiry_itself_is_still_shown():
    ends = end_of_day(date(2026, 5, 1))
    assert datetime(2026, 5, 1, 23, 59, 59, 999_999, tzinfo=UTC) < ends
    assert ends == datetime(2026, 5, 2, tzinfo=UTC)


@given(st.dates())
def test_one_microsecond_before_the_end_is_the_day_again(day):
    assert (end_of_day(day) - timedelta(microseconds=1)).date() == day


def test_now_is_aware_and_in_utc():
    assert now().tzinfo is UTC


def test_iso_takes_a_naive_datetime_as_utc():
    assert iso(datetime(2025, 3, 14, 9, 30)) == "2025-03-14T09:30:00+00:00"  # noqa: DTZ001


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("2025-06-15T00:00Z", "today"),
        ("2025-06-15T23:59Z", "today"),
        ("2025-06-14T23:59Z", "yesterday"),
        ("2025-06-16T00:00Z", "tomorrow"),
        ("2025-06-10", "5 days ago"),
        ("2025-06-02", "13 days ago"),
        ("2025-06-01", "2 weeks ago"),
        ("2025-05-25", "3 weeks ago"),
        ("2025-04-17", "8 weeks ago"),
        ("2025-04-16", "2 months ago"),
        ("2024-06-16", "12 months ago"),
        ("2024-06-15", "1 year ago"),
        ("2023-06-16", "1 year ago"),
        ("2023-06-15", "2 years ago"),
        ("2025-06-18", "in 3 days"),
        ("2025-07-01", "in 2 weeks"),
        ("2026-06-15", "in 1 year"),
    ],
)
def test_an_age_is_told_in_the_unit_a_person_would_choose(then, words):
    assert age(parse_time(then), datetime(2025, 6, 15, 12, tzinfo=UTC)) == words


def test_days_turn_over_at_the_midnight_of_the_reader():
    then = datetime(2025, 6, 14, 17, 0, tzinfo=UTC)
    assert age(then, datetime(2025, 6, 15, 3, 0, tzinfo=UTC)) == "yesterday"
    assert age(then, datetime(2025, 6, 15, 11, 0, tzinfo=TAIPEI)) == "today"


def test_an_age_at_the_edge_of_the_calendar_does_not_fail():
    west = datetime(2025, 6, 15, tzinfo=timezone(timedelta(hours=-8)))
    assert age(datetime(1, 1, 1, tzinfo=UTC), west) == "2024 years ago"


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(TAIPEI)))
def test_an_age_has_words_for_any_two_moments(then, reader):
    words = age(then, reader)
    assert words in {"today", "yesterday", "tomorrow"} or words.endswith(" ago") or words.startswith("in ")
