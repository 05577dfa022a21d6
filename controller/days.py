"""Which days of the calendar an expression names.

It exists because croniter is right about plain lists of numbers and about nothing more: it cannot say `15W`, does not
mix `FRI#2` with other days, and its `L` means another thing in each field. So plain lists go to croniter, and what
depends on the shape of a month is worked out here, from its length and its first weekday.

Days are counted from 1970-01-01, which is 0, on a naive calendar: no time zone, no clock. `grammar` makes the marks
below out of a text, `expression` puts days and times of the day together.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from croniter import CroniterBadDateError, croniter

PLAIN_HORIZON_YEARS: Final = 12
"""How far croniter looks for a day. The longest wait for a plain one is 8: 29 February, across the year 2100."""

MARKED_HORIZON_YEARS: Final = 41
"""How far a marked day is looked for. The longest wait is 40: the fifth Monday of February, across the year 2100."""

LONGEST_MONTH: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_SECONDS_A_DAY: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()


class LastDay(NamedTuple):
    """`L`: the last day of the month."""

    def __str__(self) -> str:
        return "L"


class Nearest(NamedTuple):
    """`nW`: the weekday, Monday to Friday, that is nearest to this day and in the same month, as in Quartz.

    In a month that does not have the day there is none.
    """

    day: int

    def __str__(self) -> str:
        return f"{self.day}W"


class Nth(NamedTuple):
    """`dow#n`: the n-th such weekday of the month, if it has that many."""

    weekday: int
    """0 is Sunday."""
    nth: int

    def __str__(self) -> str:
        return f"{self.weekday}#{self.nth}"


class LastWeekday(NamedTuple):
    """`dowL`: the last such weekday of the month."""

    weekday: int
    """0 is Sunday."""

    def __str__(self) -> str:
        return f"{self.weekday}L"


Mark = LastDay | Nearest | Nth | LastWeekday
"""A day whose number depends on the month."""


@dataclass(frozen=True, slots=True)
class PlainDays:
    """Days that croniter can name."""

    text: str
    """For croniter: the days, at midnight, as lists of numbers."""

    def first_from(self, day: int) -> int | None:
        """The first such day at or after this one, or None within the horizon."""
        return _by_croniter(self.text, day, backwards=False)

    def last_until(self, day: int) -> int | None:
        """The last such day at or before this one, or None within the horizon."""
        return _by_croniter(self.text, day, backwards=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedDays:
    """Days of which some depend on the month. Any of the three lists may match."""

    months: tuple[int, ...]
    """Sorted."""
    numbers: tuple[int, ...]
    """Days of the month."""
    weekdays: tuple[int, ...]
    """0 is Sunday."""
    marks: tuple[Mark, ...]

    def first_from(self, day: int) -> int | None:
        """The first such day at or after this one, or None within the horizon."""
        begin = _date(day)
        if begin is None:
            return None
        for year in range(begin.year, min(begin.year + MARKED_HORIZON_YEARS, date.max.year) + 1):
            for month in self.months:
                if (year, month) >= (begin.year, begin.month):
                    for number in _in_month(self, year, month):
                        found = _day(year, month, number)
                        if found >= day:
                            return found
        return None

    def last_until(self, day: int) -> int | None:
        """The last such day at or before this one, or None within the horizon."""
        end = _date(day)
        if end is None:
            return None
        for year in range(end.year, max(end.year - MARKED_HORIZON_YEARS, date.min.year) - 1, -1):
            for month in reversed(self.months):
                if (year, month) <= (end.year, end.month):
                    for number in reversed(_in_month(self, year, month)):
                        found = _day(year, month, number)
                        if found <= day:
                            return found
        return None


def _date(day: int) -> date | None:
    ordinal = day + _EPOCH
    return date.fromordinal(ordinal) if 1 <= ordinal <= date.max.toordinal() else None


def _day(year: int, month: int, number: int) -> int:
    return date(year, month, number).toordinal() - _EPOCH


def _in_month(days: MarkedDays, year: int, month: int) -> tuple[int, ...]:
    first, length = monthrange(year, month)
    return _in_shape(days, (first + 1) % 7, length)


@lru_cache(maxsize=4096)
def _in_shape(days: MarkedDays, first: int, length: int) -> tuple[int, ...]:
    """The matching days of any month of this length that begins with this weekday, sorted."""
    found = {number for number in days.numbers if number <= length}
    found.update(number for number in range(1, length + 1) if (first + number - 1) % 7 in days.weekdays)
    found.update(number for mark in days.marks if (number := _marked(mark, first, length)) is not None)
    return tuple(sorted(found))


def _marked(mark: Mark, first: int, length: int) -> int | None:
    match mark:
        case LastDay():
            return length
        case Nearest(day=day):
            return _nearest(day, first, length) if day <= length else None
        case Nth(weekday=weekday, nth=nth):
            number = 1 + (weekday - first) % 7 + 7 * (nth - 1)
            return number if number <= length else None
        case LastWeekday(weekday=weekday):
            last = (first + length - 1) % 7
            return length - (last - weekday) % 7


def _nearest(day: int, first: int, length: int) -> int:
    weekday = (first + day - 1) % 7
    if weekday == 6:  # Saturday: Friday, unless that is of the month before
        return day - 1 if day > 1 else day + 2
    if weekday == 0:  # Sunday: Monday, unless that is of the month after
        return day + 1 if day < length else day - 2
    return day


@lru_cache(maxsize=4096)
def _calendar(text: str) -> Any:
    """A croniter of midnights on a naive calendar. It is a cursor: whoever uses it sets it first."""
    return croniter(text, datetime(1970, 1, 1), max_years_between_matches=PLAIN_HORIZON_YEARS)  # noqa: DTZ001


@lru_cache(maxsize=8192)
def _by_croniter(text: str, day: int, *, backwards: bool) -> int | None:
    calendar = _calendar(text)
    try:
        if backwards:  # croniter's searches are strict, so they start one day off
            return int(calendar.get_prev(float, float(day + 1) * _SECONDS_A_DAY)) // _SECONDS_A_DAY
        return int(calendar.get_next(float, float(day - 1) * _SECONDS_A_DAY)) // _SECONDS_A_DAY
    except CroniterBadDateError:  # how croniter says that it found none
        return None
