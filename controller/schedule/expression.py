"""A cron expression as local time: which days, and which times of the day.

It exists so that local time is one question, apart from zones: `days` knows the calendar, `grammar` the text, and here
both become a sequence of local times. Times of the day are two sorted lists, of minutes and of seconds.

It knows no time zone, no UTC and no clock: `zoned` lays local time over the segments of `timezone`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from controller.schedule.days import LONGEST_MONTH, Days, Nearest
from controller.schedule.grammar import Values, fields
from controller.schedule.text import Refused, has_hash, refusing, words

SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expression:
    """The local times that an expression names.

    A local time is counted like UTC, in seconds from 1970-01-01T00:00:00, but as the clock on the wall shows it.
    """

    days: Days | None
    """None means every day."""
    minutes: array[int]
    """The minutes of such a day that match, sorted."""
    seconds: tuple[int, ...]
    """The seconds of such a minute that match, sorted."""

    def first_from(self, local: int) -> int | None:
        """The first match at or after this local time, or None within the horizon of `days`."""
        day, second = divmod(local, SECONDS_A_DAY)
        matching = self._day_from(day)
        if matching == day:
            found = self._first_in_day(second)
            if found is not None:
                return day * SECONDS_A_DAY + found
            matching = self._day_from(day + 1)
        return None if matching is None else matching * SECONDS_A_DAY + self.minutes[0] * 60 + self.seconds[0]

    def last_until(self, local: int) -> int | None:
        """The last match at or before this local time, or None within the horizon of `days`."""
        day, second = divmod(local, SECONDS_A_DAY)
        matching = self._day_until(day)
        if matching == day:
            found = self._last_in_day(second)
            if found is not None:
                return day * SECONDS_A_DAY + found
            matching = self._day_until(day - 1)
        return None if matching is None else matching * SECONDS_A_DAY + self.minutes[-1] * 60 + self.seconds[-1]

    def _first_in_day(self, second_of_day: int) -> int | None:
        minute, second = divmod(second_of_day, 60)
        index = bisect_left(self.minutes, minute)
        if index < len(self.minutes) and self.minutes[index] == minute:
            within = bisect_left(self.seconds, second)
            if within < len(self.seconds):
                return minute * 60 + self.seconds[within]
            index += 1
        return self.minutes[index] * 60 + self.seconds[0] if index < len(self.minutes) else None

    def _last_in_day(self, second_of_day: int) -> int | None:
        minute, second = divmod(second_of_day, 60)
        index = bisect_right(self.minutes, minute) - 1
        if index >= 0 and self.minutes[index] == minute:
            within = bisect_right(self.seconds, second) - 1
            if within >= 0:
                return minute * 60 + self.seconds[within]
            index -= 1
        return self.minutes[index] * 60 + self.seconds[-1] if index >= 0 else None

    def _day_from(self, day: int) -> int | None:
        return day if self.days is None else self.days.first_from(day)

    def _day_until(self, day: int) -> int | None:
        return day if self.days is None else self.days.last_until(day)


def read(text: str, hashed_as: str = "") -> Expression:
    """The expression that a text spells. Equal texts without an H share one.

    Args:
        text: Five fields, six with seconds first, or a macro.
        hashed_as: "namespace/name", for the H.

    Raises:
        InvalidSchedule: The text is refused; the sentence quotes it and says which field and why.
    """
    # What is hashed is not remembered here: it would push out what objects share. `schedule` remembers the whole.
    return _read(text, hashed_as) if has_hash(text) else _read_shared(text)


@lru_cache(maxsize=4096)
def _read_shared(text: str) -> Expression:
    return _read(text, "")


def _read(text: str, hashed_as: str) -> Expression:
    with refusing(text):
        found = fields(words(text), hashed_as)
        return Expression(
            days=_days(found.days, found.months, found.weekdays),
            minutes=_minutes(found.hours.numbers, found.minutes.numbers),
            seconds=found.seconds.numbers,
        )


@lru_cache(maxsize=2048)
def _minutes(hours: tuple[int, ...], minutes: tuple[int, ...]) -> array[int]:
    return array("H", [hour * 60 + minute for hour in hours for minute in minutes])


@lru_cache(maxsize=4096)
def _days(days: Values, months: Values, weekdays: Values) -> Days | None:
    """The days of three fields; None for every day.

    An unrestricted field adds nothing to the other, and two restricted ones add up: either matches.
    """
    numbers = () if days.unrestricted else days.numbers
    on = () if weekdays.unrestricted else weekdays.numbers
    marks = (() if days.unrestricted else days.marks) + (() if weekdays.unrestricted else weekdays.marks)
    longest = max(LONGEST_MONTH[month] for month in months.numbers)
    possible = tuple(number for number in numbers if number <= longest)
    comes = tuple(mark for mark in marks if not isinstance(mark, Nearest) or mark.day <= longest)
    if (numbers or marks) and not possible and not comes and not on:
        never = ",".join(map(str, (*numbers, *marks)))
        raise Refused(f"day of month: {never} never comes in month {_listed(months.numbers)}")
    if (days.unrestricted and weekdays.unrestricted) or len(numbers) == 31 or len(on) == 7:
        return None if len(months.numbers) == 12 else Days(months=months.numbers, lists=("0 0 * * *",))
    lists = ((f"0 0 {_listed(possible)} * *",) if possible else ()) + ((f"0 0 * * {_listed(on)}",) if on else ())
    return Days(months=months.numbers, lists=lists, marks=comes)


def _listed(values: Sequence[int]) -> str:
    return ",".join(map(str, values))
