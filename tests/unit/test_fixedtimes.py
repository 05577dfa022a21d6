"""`@every` and `@at`: their grammars, and what they count from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from controller.errors import InvalidSchedule
from controller.schedule import parse
from controller.schedule.fixedtimes import Every, Once

CREATED = datetime(2024, 5, 1, 10, 0, 7, 900_000, tzinfo=UTC)


def first(text: str) -> datetime:
    """The first instant of a text, in an object created at CREATED."""
    found = parse([text], created_at=CREATED).next_after(datetime(1990, 1, 1, tzinfo=UTC))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("@every 90s", 90, id="seconds"),
        pytest.param("@every 1h30m", 5400, id="hours and minutes"),
        pytest.param("@every 1.5h", 5400, id="a fraction of an hour"),
        pytest.param("@every 2h45m30s", 9930, id="three units"),
        pytest.param("@every .5m", 30, id="no digit before the point"),
        pytest.param("@every 5.s", 5, id="no digit after the point"),
        pytest.param("@every +1m", 60, id="a plus"),
        pytest.param("@every 30s1h", 3630, id="units in any order"),
        pytest.param("@every 1m1m", 120, id="a unit twice"),
        pytest.param("@every 1s", 1, id="the shortest"),
        pytest.param("@every 1.999999999s", 1, id="the rest of a second is cut off"),
        pytest.param("@every 1500ms", 1, id="milliseconds"),
        pytest.param("@every 2000000us", 2, id="microseconds"),
        pytest.param("@every 2000000µs", 2, id="microseconds with the micro sign"),
        pytest.param("@every 2000000μs", 2, id="microseconds with the Greek letter"),
        pytest.param("@every 3000000000ns", 3, id="nanoseconds"),
        pytest.param("@every 0h0m5s", 5, id="zeros"),
        pytest.param("@every 0.333333333333333333333h", 1199, id="more digits than Go keeps"),
        pytest.param(" @EVERY\t 1m ", 60, id="in any case, with blanks"),
        pytest.param("@every 876000h", 876_000 * 3600, id="a hundred years"),
    ],
)
def test_an_interval_is_counted_from_the_second_of_the_creation(text: str, seconds: int) -> None:
    assert first(text) == CREATED.replace(microsecond=0) + timedelta(seconds=seconds)


def test_an_interval_goes_on_from_the_creation_and_never_before() -> None:
    schedule = parse(["@every 90m"], created_at=CREATED)
    expected = tuple(CREATED.replace(microsecond=0) + timedelta(minutes=90 * number) for number in (1, 2, 3))
    after, until = CREATED - timedelta(days=9), CREATED + timedelta(hours=5)
    assert schedule.between(after, until, limit=9) == schedule.newest(after, until, limit=9) == expected
    assert schedule.latest_at(CREATED + timedelta(minutes=89), after=after) is None
    assert schedule.next_after(expected[1]) == expected[2]


def test_an_interval_without_a_creation_is_counted_from_1970() -> None:
    assert parse(["@every 7h"]).next_after(datetime(1970, 1, 1, tzinfo=UTC)) == datetime(1970, 1, 1, 7, tzinfo=UTC)


def test_the_bounds_of_an_interval_and_of_an_instant() -> None:
    every, once = Every(start=100, seconds=10), Once(at=50)
    assert [every.next_after(instant) for instant in (0, 100, 109, 110)] == [110, 110, 110, 120]
    assert [every.latest_at(instant, 0) for instant in (99, 109, 110, 119)] == [None, None, 110, 110]
    assert every.latest_at(119, after=110) is None
    assert [once.next_after(instant) for instant in (49, 50)] == [50, None]
    assert [once.latest_at(instant, after) for instant, after in ((49, 0), (50, 0), (99, 49), (99, 50))] == [
        None,
        50,
        50,
        None,
    ]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        pytest.param("@at 2030-01-31T06:00:00Z", "2030-01-31T06:00:00+00:00", id="UTC"),
        pytest.param("@at 2030-01-31T06:00:00+01:00", "2030-01-31T05:00:00+00:00", id="an offset"),
        pytest.param("@at 2030-01-31T06:00:00-09:30", "2030-01-31T15:30:00+00:00", id="half an hour in it"),
        pytest.param("@AT 2030-01-31t06:00:00z", "2030-01-31T06:00:00+00:00", id="small letters"),
        pytest.param("@at 2028-02-29T23:59:59-00:00", "2028-02-29T23:59:59+00:00", id="a leap day"),
    ],
)
def test_an_instant_fires_once(text: str, instant: str) -> None:
    schedule = parse([text], "Asia/Tokyo")
    at = datetime.fromisoformat(instant)
    assert schedule.next_after(at - timedelta(days=900)) == at
    assert schedule.next_after(at) is None
    assert schedule.between(at - timedelta(days=1), at + timedelta(days=1), limit=5) == (at,)


def test_they_mix_with_expressions() -> None:
    schedule = parse(["0 12 * * *", "@every 1h", "@at 2024-05-01T11:30:00Z"], created_at=CREATED)
    found = schedule.between(CREATED, CREATED + timedelta(hours=2, minutes=30), limit=9)
    assert [instant.strftime("%H:%M:%S") for instant in found] == ["11:00:07", "11:30:00", "12:00:00", "12:00:07"]


def test_start_and_end_hold_for_them() -> None:
    start = CREATED + timedelta(hours=3)
    schedule = parse(["@every 1h"], created_at=CREATED, start_at=start, end_at=start + timedelta(hours=2))
    found = schedule.between(CREATED, CREATED + timedelta(days=1), limit=99)
    assert [instant.strftime("%H:%M:%S") for instant in found] == ["14:00:07", "15:00:07"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("@every", "@every takes one duration, as @every 1h30m", id="no duration"),
        pytest.param("@every 1h 30m", "@every takes one duration, as @every 1h30m", id="two words"),
        pytest.param(
            "@every 5", "'5' is not a duration: a unit is missing after 5; the units are ns, us", id="no unit"
        ),
        pytest.param("@every 1h30", "a unit is missing after 30", id="no unit at the end"),
        pytest.param("@every 1d", "the unit 'd' is not known", id="days"),
        pytest.param("@every 1H", "the unit 'H' is not known", id="a large letter"),
        pytest.param("@every 1hour", "the unit 'hour' is not known", id="a word"),
        pytest.param("@every h", "'h' is not a duration such as 90s", id="no number"),
        pytest.param("@every .h", "'.h' is not a duration such as 90s", id="a lonely point"),
        pytest.param("@every 1.5.5h", "a unit is missing after 1.5", id="two points"),
        pytest.param("@every +", "'+' is not a duration such as 90s", id="a lonely plus"),
        pytest.param("@every 1m-5s", "'1m-5s' is not a duration such as 90s", id="a minus inside"),
        pytest.param("@every 1e3s", "the unit 'e' is not known", id="an exponent"),
        pytest.param("@every 1_000s", "a unit is missing after 1", id="an underscore"),
        pytest.param("@every PT1H", "'PT1H' is not a duration such as 90s", id="ISO 8601"),
        pytest.param("@every -5m", "the duration '-5m' is negative", id="negative"),
        pytest.param("@every 0s", "the duration '0s' is below a second", id="zero"),
        pytest.param("@every 999ms", "the duration '999ms' is below a second", id="below a second"),
        pytest.param("@every 0.9999999999s", "is below a second", id="just below a second"),
        pytest.param("@every 900000h", "the duration '900000h' is longer than 100 years", id="too long"),
        pytest.param("@every " + "9" * 240 + "h", "is longer than 100 years", id="absurd"),
        pytest.param("@every 1ſ", "not ASCII", id="a long s"),
        pytest.param("@every ٣s", "not ASCII", id="an Arabic digit"),
        pytest.param("µ * * * *", "not ASCII", id="a micro sign elsewhere"),
        pytest.param("@at", "@at takes one instant, as @at 2030-01-31T06:00:00Z", id="no instant"),
        pytest.param("@at 2030-01-31 06:00:00Z", "@at takes one instant", id="a blank for the T"),
        pytest.param("@at 2030-01-31", "is not an instant of RFC 3339", id="a date"),
        pytest.param("@at 2030-01-31T06:00Z", "is not an instant of RFC 3339", id="no seconds"),
        pytest.param("@at 20300131T060000Z", "is not an instant of RFC 3339", id="no hyphens"),
        pytest.param("@at 2030-W05-4T06:00:00Z", "is not an instant of RFC 3339", id="a week"),
        pytest.param("@at 2030-01-31T24:00:00Z", "is not an instant of RFC 3339", id="24 o'clock"),
        pytest.param("@at 2030-01-31T06:00:00+24:00", "is not an instant of RFC 3339", id="an absurd offset"),
        pytest.param("@at 2030-01-31T06:00:00", "has no offset; end it with Z for UTC", id="no offset"),
        pytest.param("@at 2030-01-31T06:00:00.5Z", "has a fraction of a second", id="a fraction"),
        pytest.param("@at 2030-01-31T06:00:00.000Z", "has a fraction of a second", id="a fraction of zero"),
        pytest.param("@at 2030-02-30T06:00:00Z", "is no time that exists", id="30 February"),
        pytest.param("@at 2030-01-31T06:00:60Z", "is no time that exists", id="a leap second"),
        pytest.param("@at 0000-01-01T00:00:00Z", "is no time that exists", id="the year 0"),
        pytest.param("@at now", "'now' is not an instant of RFC 3339", id="a word"),
        pytest.param("TZ=UTC @every 1h", "set spec.timeZone", id="a zone before @every"),
    ],
)
def test_a_refusal_says_why(text: str, said: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        parse([text])
    assert said in str(refusal.value)
    assert str(refusal.value).startswith("schedule ")
    assert str(refusal.value).isascii()


@pytest.mark.parametrize("text", ["@at 9999-12-31T23:59:59-12:00", "@at 0001-01-01T00:00:00+12:00"])
def test_an_instant_beyond_the_calendar_is_no_error(text: str) -> None:
    schedule = parse([text])
    assert schedule.next_after(datetime(2024, 1, 1, tzinfo=UTC)) is None
    assert schedule.next_after(datetime.max.replace(tzinfo=UTC)) is None
    assert schedule.between(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), limit=5) == ()


def test_an_interval_that_leads_beyond_the_calendar_has_an_end() -> None:
    schedule = parse(["@every 876000h"], created_at=datetime(9950, 1, 1, tzinfo=UTC))
    assert schedule.next_after(datetime(9950, 1, 1, tzinfo=UTC)) is None
