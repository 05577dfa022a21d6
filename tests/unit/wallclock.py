"""A second opinion on cron: brute force over UTC, with a tiny parser of its own. It shares no code with the project."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMES = {name: number for number, name in enumerate(WEEKDAYS)} | {name: number for number, name in enumerate(MONTHS, 1)}
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


def _value(text: str) -> int:
    return NAMES[text.lower()] if text.lower() in NAMES else int(text)


def _allowed(text: str, bounds: tuple[int, int]) -> tuple[set[int], bool]:
    """The allowed values, and whether a star says that all of them are."""
    allowed: set[int] = set()
    star = False
    for item in text.split(","):
        body, _, step = item.partition("/")
        if body in ("*", "?"):
            low, high = bounds
            star = star or step in ("", "1")
        elif "-" in body:
            low, high = map(_value, body.split("-"))
        else:
            low = _value(body)
            high = max(low, bounds[1]) if step else low
        allowed |= set(range(low, high + 1)[:: int(step or 1)])
    return {value % 7 if bounds == (0, 6) else value for value in allowed}, star


def instants(
    expression: str, zone: str, after: datetime, until: datetime, step: timedelta | None = None
) -> Iterator[datetime]:
    """The instants in (after, until], oldest first, among the whole steps from the minute of `after` on."""
    fields = expression.split()
    step = step or timedelta(seconds=1 if len(fields) == 6 else 60)
    fields = fields if len(fields) == 6 else ["0", *fields]
    seconds, minutes, hours, days, months, weekdays = map(_allowed, fields, BOUNDS)
    tz = ZoneInfo(zone)
    instant = after.astimezone(UTC).replace(second=0, microsecond=0)
    while instant <= until:
        local = instant.astimezone(tz)
        day, weekday = local.day in days[0], local.isoweekday() % 7 in weekdays[0]
        if (
            instant > after
            and local.second in seconds[0]
            and local.minute in minutes[0]
            and local.hour in hours[0]
            and local.month in months[0]
            and (day and weekday if days[1] or weekdays[1] else day or weekday)
        ):
            yield instant
        instant += step
