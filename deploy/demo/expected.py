"""The instants that a cron expression asks for, found by looking at every second.

A second opinion: it shares no code and no method with the operator, which computes the next instant. It knows only
what `deploy/examples` and `schedules.yaml` use, and refuses the rest rather than count wrongly.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deploy.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SECOND = timedelta(seconds=1)
_BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NAMES = {
    name: str(number) for names, first in ((_MONTHS, 1), (_WEEKDAYS, 0)) for number, name in enumerate(names, first)
}
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


class Uncountable(LocalError):
    """A schedule that this room cannot read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    """The allowed values of each field. A day must fit both day fields, or either of them if both are restricted."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    def holds(self, local: datetime) -> bool:
        day, weekday = local.day in self.days, local.isoweekday() % 7 in self.weekdays
        return (
            local.second in self.seconds
            and local.minute in self.minutes
            and local.hour in self.hours
            and local.month in self.months
            and (day or weekday if self.either_day else day and weekday)
        )


def instants(schedules: Iterable[str], zone: str, after: datetime, until: datetime) -> list[datetime]:
    """The instants of the union of some schedules, oldest first, each once.

    Args:
        schedules: Cron expressions of five fields, six fields (seconds first), or macros.
        zone: IANA name of the zone of all of them.
        after: Exclusive.
        until: Inclusive.

    Raises:
        Uncountable: An expression or the zone is not understood.
    """
    patterns = [_pattern(schedule) for schedule in schedules]
    try:
        place = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Uncountable(f"the demo does not know the time zone {zone!r}") from error
    first = after.astimezone(UTC).replace(microsecond=0) + _SECOND
    seconds = (first + number * _SECOND for number in itertools.count())
    window = itertools.takewhile(lambda instant: instant <= until, seconds)
    return [instant for instant in window if any(pattern.holds(instant.astimezone(place)) for pattern in patterns)]


def _pattern(schedule: str) -> _Pattern:
    fields = _MACROS.get(schedule.strip().lower(), schedule).split()
    fields = ["0", *fields] if len(fields) == 5 else fields
    try:
        seconds, minutes, hours, days, months, weekdays = (_values(*pair) for pair in zip(fields, _BOUNDS, strict=True))
    except ValueError as error:
        raise Uncountable(f"the demo cannot count the instants of the schedule {schedule!r}") from error
    return _Pattern(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=frozenset(weekday % 7 for weekday in weekdays),
        either_day=fields[3][0] not in "*?" and fields[5][0] not in "*?",
    )


def _values(field: str, bounds: tuple[int, int]) -> frozenset[int]:
    """The values that a field allows; ValueError if it is not understood."""
    return frozenset(itertools.chain.from_iterable(_range(item, bounds) for item in field.split(",")))


def _range(item: str, bounds: tuple[int, int]) -> range:
    body, slash, step = item.partition("/")
    low, dash, high = body.partition("-")
    if body in ("*", "?"):
        first, last = bounds
    elif dash:
        first, last = _number(low), _number(high)
    else:
        first = _number(low)
        last = bounds[1] if slash else first
    if not bounds[0] <= first <= last <= bounds[1]:
        raise ValueError(item)
    return range(first, last + 1, int(step) if slash else 1)


def _number(text: str) -> int:
    return int(_NAMES.get(text.upper(), text))
