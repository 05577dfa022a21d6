"""A cron expression as local time: which days, and which times of the day.

It exists so that a text is understood once, here, by our own grammar: whatever the text, the answer is quick, a refusal
names the field and the reason, and croniter is handed nothing but plain lists of numbers. croniter answers one
question, on a naive calendar: which *day* matches next, or matched last. Times of the day are three sorted lists.

It knows no time zone, no UTC and no clock: `schedule` above it lays local time over the segments of `timezone`. The
meaning is that of robfig/cron v3, which batch/v1 computes with, plus seconds and Sunday as 7.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from croniter import CroniterBadDateError, croniter

from controller.errors import InvalidSchedule

MAX_CHARACTERS: Final = 256
"""The longest text that is read. It also bounds every list in it, and so the work."""

SECONDS_A_DAY: Final = 86_400

HORIZON_YEARS: Final = 12
"""How far a search for a day goes. The longest wait of a valid expression is 8: 29 February, across the year 2100."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Expression:
    """The local times that an expression names.

    A local time is counted like UTC, in seconds from 1970-01-01T00:00:00, but as the clock on the wall shows it.
    """

    days: str | None
    """For croniter: the days, at midnight. None means every day."""
    minutes: array[int]
    """The minutes of such a day that match, sorted."""
    seconds: tuple[int, ...]
    """The seconds of such a minute that match, sorted."""

    def first_from(self, local: int) -> int | None:
        """The first match at or after this local time, or None within the horizon."""
        day, second = divmod(local, SECONDS_A_DAY)
        matching = self._day(day, backwards=False)
        if matching == day:
            found = self._first_in_day(second)
            if found is not None:
                return day * SECONDS_A_DAY + found
            matching = self._day(day + 1, backwards=False)
        return None if matching is None else matching * SECONDS_A_DAY + self.minutes[0] * 60 + self.seconds[0]

    def last_until(self, local: int) -> int | None:
        """The last match at or before this local time, or None within the horizon."""
        day, second = divmod(local, SECONDS_A_DAY)
        matching = self._day(day, backwards=True)
        if matching == day:
            found = self._last_in_day(second)
            if found is not None:
                return day * SECONDS_A_DAY + found
            matching = self._day(day - 1, backwards=True)
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

    def _day(self, day: int, *, backwards: bool) -> int | None:
        return day if self.days is None else _matching_day(self.days, day, backwards=backwards)


@lru_cache(maxsize=4096)
def read(text: str) -> Expression:
    """The expression that a text spells. Equal texts share one.

    Raises:
        InvalidSchedule: The text is refused; the sentence quotes it and says which field and why.
    """
    try:
        fields = [_values(of, part) for of, part in zip(_FIELDS, _split(text), strict=True)]
        seconds, minutes, hours, days, months, weekdays = fields
        return Expression(
            days=_days(days, months, weekdays),
            minutes=array("H", [hour * 60 + minute for hour in hours.sorted for minute in minutes.sorted]),
            seconds=seconds.sorted,
        )
    except _Refused as refused:
        shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
        raise InvalidSchedule(f"schedule {shown!a}: {refused}") from None


# --- The grammar -----------------------------------------------------------------------------------------------------

_SHOWN_CHARACTERS: Final = 80


class _Refused(Exception):
    """Why a text is refused, as the end of a sentence."""


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    highest_written: int = 0


class _Values(NamedTuple):
    """What a field allows. `unrestricted` is robfig/cron's star bit; every value is allowed then."""

    sorted: tuple[int, ...]
    unrestricted: bool


_FIELDS: Final = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")),
    _Field("day of week", 0, 6, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), highest_written=7),
)

_MACROS: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}

_NOT_READ: Final = (
    (re.compile(r"H|H\(.*"), "H (a hashed value) is not supported"),
    (re.compile(r"R|R\(.*"), "R (a random value) is refused: replicas could not agree on it"),
    (re.compile(r".*#.*"), "# (the n-th weekday) is not supported"),
    (re.compile(r"(\d+|L)W"), "W (the nearest weekday) is not supported"),
    (re.compile(r"\w{0,3}L"), "L (the last) is not supported"),
)

_LONGEST_MONTH: Final = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _split(text: str) -> list[str]:
    """The six fields as written, seconds first."""
    if len(text) > MAX_CHARACTERS:
        raise _Refused(f"it has more than {MAX_CHARACTERS} characters")
    if not text.isascii():
        raise _Refused("it has a character that is not ASCII")
    macro = text.strip().lower()
    if macro.startswith(("tz=", "cron_tz=")):
        raise _Refused("a time zone does not belong in an expression: set spec.timeZone")
    if macro.startswith(("@every", "@at")):
        raise _Refused(f"{macro.split()[0]} is not supported")
    if macro.startswith("@") and macro not in _MACROS:
        raise _Refused(f"this macro is not known; {', '.join(_MACROS)} are")
    fields = _MACROS.get(macro, text).split()
    if len(fields) not in (5, 6):
        raise _Refused(f"it has {len(fields)} fields; 5 are needed, or 6 with seconds first")
    return fields if len(fields) == 6 else ["0", *fields]


def _values(of: _Field, text: str) -> _Values:
    numbers: set[int] = set()
    unrestricted = False
    for item in filter(None, text.split(",")):  # robfig/cron reads over an empty item, so a CronJob may have one
        some, star = _item(of, item)
        numbers.update(some)
        unrestricted = unrestricted or star
    if not numbers:
        raise _Refused(f"{of.name}: {text!r} names no value")
    if of.highest_written:
        numbers = {number % of.highest_written for number in numbers}  # Sunday is 0, and 7
    return _Values(tuple(sorted(numbers)), unrestricted)


def _item(of: _Field, text: str) -> tuple[range, bool]:
    """The values of one item of a list, and whether it leaves the field unrestricted."""
    body, slash, step_text = text.partition("/")
    step = _step(of, step_text) if slash else 1
    if body in ("*", "?"):
        # As robfig/cron v3: a step above 1 restricts. Vixie cron asks only for the star.
        return range(of.low, of.high + 1, step), step == 1
    low_text, dash, high_text = body.partition("-")
    low = _number(of, low_text)
    high = _number(of, high_text) if dash else low
    if low > high:
        raise _Refused(f"{of.name}: the range {body} runs backwards")
    if slash and not dash:
        high = max(low, of.high)  # `5/15` means `5-59/15`
    return range(low, high + 1, step), False


def _step(of: _Field, text: str) -> int:
    if not text.isdigit():
        raise _Refused(f"{of.name}: the step {text!r} is not a number")
    if int(text) == 0:
        raise _Refused(f"{of.name}: the step is zero")
    return int(text)


def _number(of: _Field, text: str) -> int:
    if text.upper() in of.names:
        return of.names.index(text.upper()) + of.low
    if not text.isdigit():
        known = [reason for pattern, reason in _NOT_READ if pattern.fullmatch(text.upper())]
        raise _Refused(f"{of.name}: {known[0] if known else f'{text!r} is not a value'}")
    highest = of.highest_written or of.high
    if not of.low <= int(text) <= highest:
        raise _Refused(f"{of.name}: {text} is not between {of.low} and {highest}")
    return int(text)


# --- The days, by croniter -------------------------------------------------------------------------------------------


def _days(days: _Values, months: _Values, weekdays: _Values) -> str | None:
    """The days for croniter, in the form that it reads as we mean it; None for every day."""
    either = not days.unrestricted and not weekdays.unrestricted  # otherwise both must match, and one always does
    # A day that never comes is left out: beside a weekday it would send croniter through years at every step.
    possible = [day for day in days.sorted if any(day <= _LONGEST_MONTH[month] for month in months.sorted)]
    if not possible and not either:
        raise _Refused(f"day of month: {_listed(days.sorted)} never comes in month {_listed(months.sorted)}")
    # A full list is written as a star, and a union with one is every day. croniter reads `1-31` as a star by itself,
    # and would then take the Mondays out of `1-31 * 1`.
    day_text = "*" if len(days.sorted) == 31 or not possible else _listed(possible)
    month_text = "*" if len(months.sorted) == 12 else _listed(months.sorted)
    weekday_text = "*" if len(weekdays.sorted) == 7 else _listed(weekdays.sorted)
    if either and (len(days.sorted) == 31 or weekday_text == "*"):
        day_text = weekday_text = "*"
    return None if day_text == month_text == weekday_text == "*" else f"0 0 {day_text} {month_text} {weekday_text}"


def _listed(values: Sequence[int]) -> str:
    return ",".join(map(str, values))


@lru_cache(maxsize=1024)
def _calendar(days: str) -> Any:
    """A croniter of midnights on a naive calendar. It is a cursor: whoever uses it sets it first."""
    return croniter(days, datetime(1970, 1, 1), max_years_between_matches=HORIZON_YEARS)  # noqa: DTZ001


@lru_cache(maxsize=8192)
def _matching_day(days: str, day: int, *, backwards: bool) -> int | None:
    """The first matching day at or after this one, or the last at or before it. 0 is 1970-01-01."""
    calendar = _calendar(days)
    try:
        if backwards:  # croniter's searches are strict, so they start one day off
            return int(calendar.get_prev(float, float(day + 1) * SECONDS_A_DAY)) // SECONDS_A_DAY
        return int(calendar.get_next(float, float(day - 1) * SECONDS_A_DAY)) // SECONDS_A_DAY
    except CroniterBadDateError:  # how croniter says that it found none
        return None
