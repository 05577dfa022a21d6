"""Which days of the calendar an expression names.

It exists because croniter is right about plain lists of numbers and about little more: its `15W` stands alone, drops
the weekdays beside it and comes in months without the day, its `FRI#2` does not mix with other days, its last Friday is
`L5`. So it is asked about plain lists only, and what depends on the shape of a month is worked out here, from its
length and its first weekday. There are 28 shapes, so few questions are asked, and none twice; a search goes from month
to month.

Days are counted from 1970-01-01, which is 0, on a naive calendar that ends with the year 9999: no time zone, no clock.
`grammar` makes the marks below out of a text, `expression` puts days and times of the day together.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, assert_never

from croniter import croniter

HORIZON_YEARS: Final = 41
"""How far a day is looked for. The longest wait is 40: the fifth Monday of February, across the year 2100."""

LONGEST_MONTH: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_DAY: Final = timedelta(days=1)
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class LastDay:
    """`L`: the last day of the month."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """`nW`: the weekday, Monday to Friday, that is nearest to this day and in the same month, as in Quartz.

    In a month that does not have the day there is none.
    """

    day: int

    def __str__(self) -> str:
        return f"{self.day}W"


@dataclass(frozen=True, slots=True)
class Nth:
    """`dow#n`: the n-th such weekday of the month, if it has that many."""

    weekday: int
    """0 is Sunday."""
    nth: int


@dataclass(frozen=True, slots=True)
class LastWeekday:
    """`dowL`: the last such weekday of the month."""

    weekday: int
    """0 is Sunday."""


Mark = LastDay | Nearest | Nth | LastWeekday
"""A day whose number depends on the month."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Days:
    """Days of some months: those of any list, and those of any mark."""

    months: tuple[int, ...]
    """Sorted."""
    lists: tuple[str, ...]
    """Midnights for croniter. Each restricts one field at most: a text that restricts two is three times as slow."""
    marks: tuple[Mark, ...] = ()

    def first_from(self, day: int) -> int | None:
        """The first such day at or after this one, or None within the horizon."""
        return _first_from(self, day)

    def last_until(self, day: int) -> int | None:
        """The last such day at or before this one, or None within the horizon."""
        return _last_until(self, day)

    def first_in_month(self, first: int, length: int, least: int) -> int:
        """The first such day of a month of this shape, from `least` on; 0 if there is none."""
        listed = [_first_listed(text, first, length, least) for text in self.lists]
        marked = [_marked(mark, (first + 1) % 7, length) for mark in self.marks]
        return min((number for number in (*listed, *marked) if number >= least), default=0)

    def last_in_month(self, first: int, length: int, most: int) -> int:
        """The last such day of a month of this shape, up to `most`; 0 if there is none."""
        listed = [_last_listed(text, first, length, most) for text in self.lists]
        marked = [_marked(mark, (first + 1) % 7, length) for mark in self.marks]
        return max((number for number in (*listed, *marked) if number <= most), default=0)


@lru_cache(maxsize=8192)  # most questions are about the same day again, a minute later
def _first_from(days: Days, day: int) -> int | None:
    begin = date.fromordinal(day + _EPOCH)
    for year in range(begin.year, min(begin.year + HORIZON_YEARS, date.max.year) + 1):
        for month in days.months:
            if month >= begin.month or year > begin.year:
                least = begin.day if month == begin.month and year == begin.year else 1
                number = days.first_in_month(*monthrange(year, month), least)
                if number:
                    return date(year, month, number).toordinal() - _EPOCH
    return None


@lru_cache(maxsize=8192)
def _last_until(days: Days, day: int) -> int | None:
    end = date.fromordinal(day + _EPOCH)
    for year in range(end.year, max(end.year - HORIZON_YEARS, date.min.year) - 1, -1):
        for month in reversed(days.months):
            if month <= end.month or year < end.year:
                first, length = monthrange(year, month)
                most = end.day if month == end.month and year == end.year else length
                number = days.last_in_month(first, length, most)
                if number:
                    return date(year, month, number).toordinal() - _EPOCH
    return None


def _marked(mark: Mark, first: int, length: int) -> int:
    """The day that a mark means in a month that begins with this weekday (Sunday is 0); 0 if there is none."""
    match mark:
        case LastDay():
            return length
        case Nearest(day=day):
            return _nearest(day, first, length) if day <= length else 0
        case Nth(weekday=weekday, nth=nth):
            number = 1 + (weekday - first) % 7 + 7 * (nth - 1)
            return number if number <= length else 0
        case LastWeekday(weekday=weekday):
            last = (first + length - 1) % 7
            return length - (last - weekday) % 7
        case never:
            assert_never(never)


def _nearest(day: int, first: int, length: int) -> int:
    weekday = (first + day - 1) % 7
    if weekday == 6:  # Saturday: Friday, unless that is of the month before
        return day - 1 if day > 1 else day + 2
    if weekday == 0:  # Sunday: Monday, unless that is of the month after
        return day + 1 if day < length else day - 2
    return day


_MONTHS: Final = {monthrange(year, month): (year, month) for year in range(1972, 2000) for month in range(1, 13)}
"""A month of each shape: first weekday (Monday is 0) and length. After 28 years the shapes come again."""


@lru_cache(maxsize=2048)
def _calendar(text: str) -> Any:
    """A croniter on a naive calendar. It is a cursor: whoever uses it sets it first."""
    return croniter(text, datetime(1970, 1, 1))  # noqa: DTZ001


@lru_cache(maxsize=16_384)
def _first_listed(text: str, first: int, length: int, least: int) -> int:
    year, month = _MONTHS[first, length]
    # croniter's searches are strict, so they start one day off.
    found = _calendar(text).get_next(datetime, datetime(year, month, least) - _DAY)  # noqa: DTZ001
    return int(found.day) if found.month == month else 0


@lru_cache(maxsize=16_384)
def _last_listed(text: str, first: int, length: int, most: int) -> int:
    year, month = _MONTHS[first, length]
    found = _calendar(text).get_prev(datetime, datetime(year, month, most) + _DAY)  # noqa: DTZ001
    return int(found.day) if found.month == month else 0
