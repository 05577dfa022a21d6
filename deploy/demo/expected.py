"""Which instants a schedule has: a second, plain implementation, so that the controller is not judged by itself.

It walks through every second and asks whether the wall clock there matches: slow, short, and enough for some minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAMES = {
    name: number
    for names, first in (("SUN MON TUE WED THU FRI SAT", 0), ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1))
    for number, name in enumerate(names.split(), start=first)
}
_ENDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def instants(schedules: Iterable[str], zone: str, after: datetime, until: datetime) -> set[datetime]:
    """The instants in (after, until] at which one of the schedules fires, UTC.

    Args:
        schedules: Of five fields, or of six with seconds first.
        zone: IANA name of their zone.
        after: Whole seconds, aware.
        until: Aware.
    """
    fields = [_fields(schedule) for schedule in schedules]
    local = ZoneInfo(zone)
    found = set()
    instant = after.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
    while instant <= until:
        if any(_matches(values, instant.astimezone(local)) for values in fields):
            found.add(instant)
        instant += timedelta(seconds=1)
    return found


def _fields(schedule: str) -> list[set[int]]:
    words = schedule.split()
    words = words if len(words) == 6 else ["0", *words]
    return [_values(word, first, last) for word, (first, last) in zip(words, _ENDS, strict=True)]


def _values(word: str, first: int, last: int) -> set[int]:
    values: set[int] = set()
    for item in word.split(","):
        span, _, step = item.partition("/")
        low, dash, high = span.partition("-")
        begin = first if low in "*?" else _number(low)
        end = last if low in "*?" or (step and not dash) else _number(high) if dash else begin
        values |= set(range(begin, end + 1, int(step or 1)))
    return values


def _number(word: str) -> int:
    return _NAMES.get(word.upper(), -1) if word.isalpha() else int(word)


def _matches(fields: list[set[int]], wall: datetime) -> bool:
    seconds, minutes, hours, days, months, weekdays = fields
    weekday = wall.isoweekday() % 7
    is_day, is_weekday = wall.day in days, bool({weekday, weekday or 7} & weekdays)
    every_day, every_weekday = len(days) == 31, len(weekdays) == 8
    day = is_day and is_weekday if every_day or every_weekday else is_day or is_weekday
    return wall.second in seconds and wall.minute in minutes and wall.hour in hours and day and wall.month in months
