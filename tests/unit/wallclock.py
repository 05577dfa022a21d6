"""A second opinion on schedules: brute force over UTC, with a reading of the language of its own.

It shares no code with the project. A text is read into sets and questions to a date; time is every whole step of UTC,
turned into local time by the standard library; gaps are seen by a jump of local time, repeats by its `fold`.
"""

from __future__ import annotations

import hashlib
import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMES = {name: number for number, name in enumerate(WEEKDAYS)} | {name: number for number, name in enumerate(MONTHS, 1)}
BOUNDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
FIELDS = ("second", "minute", "hour", "day of month", "month", "day of week")
MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
UNITS = {
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
    "us": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

Question = Callable[[date], bool]


def _value(text: str) -> int:
    return NAMES[text.lower()] if text.lower() in NAMES else int(text)


def _hash(field: int, hashed_as: str) -> int:
    return int(hashlib.sha256(f"{hashed_as}\n{FIELDS[field]}".encode()).hexdigest()[:16], 16)


def _allowed(text: str, field: int, hashed_as: str = "") -> tuple[set[int], bool]:
    """The allowed values, and whether a star says that all of them are."""
    allowed: set[int] = set()
    star = False
    low, high = BOUNDS[field]
    for item in text.split(","):
        body, _, step = item.partition("/")
        if body in ("*", "?"):
            star = star or step in ("", "1")
            allowed |= set(range(low, high + 1)[:: int(step or 1)])
        elif body[:1] in ("H", "h"):
            bounds = re.fullmatch(r"[Hh]\((\w+)-(\w+)\)", body)
            first, last = (_value(bounds[1]), _value(bounds[2])) if bounds else (low, 28 if field == 3 else high)
            values = list(range(first, last + 1))
            if step:
                allowed |= set(values[_hash(field, hashed_as) % min(int(step), len(values)) :: int(step)])
            else:
                allowed.add(values[_hash(field, hashed_as) % len(values)])
        elif "-" in body:
            first, last = map(_value, body.split("-"))
            allowed |= set(range(first, last + 1)[:: int(step or 1)])
        else:
            first = _value(body)
            allowed |= set(range(first, (max(first, high) if step else first) + 1)[:: int(step or 1)])
    return {value % 7 if field == 5 else value for value in allowed}, star


def _weekday(day: date) -> int:
    return day.isoweekday() % 7


def _is_nearest(day: date, number: int) -> bool:
    length = monthrange(day.year, day.month)[1]
    working = [other for other in range(1, length + 1) if _weekday(day.replace(day=other)) not in (0, 6)]
    return number <= length and day.day == min(working, key=lambda other: abs(other - number))


def _asks(item: str) -> Question | None:
    """What an item of a field for days asks of a date, if that depends on the month."""
    week = timedelta(days=7)
    if item.upper() == "L":
        return lambda day: (day + timedelta(days=1)).month != day.month
    if re.fullmatch(r"\d+[Ww]", item):
        return lambda day: _is_nearest(day, int(item[:-1]))
    if "#" in item:
        weekday, nth = item.split("#")
        return lambda day: _weekday(day) == _value(weekday) % 7 and len(range(1, day.day + 1, 7)) == int(nth)
    if item.upper().endswith("L"):
        return lambda day: _weekday(day) == _value(item[:-1]) % 7 and (day + week).month != day.month
    return None


@dataclass(frozen=True)
class Reading:
    """A text, read."""

    seconds: set[int]
    minutes_of_day: set[int]
    on: Question

    def matches(self, local: datetime) -> bool:
        return (
            local.second in self.seconds
            and local.hour * 60 + local.minute in self.minutes_of_day
            and self.on(local.date())
        )


@lru_cache(maxsize=1000)
def read(text: str, hashed_as: str = "") -> Reading:
    fields = MACROS.get(text.strip().lower(), text).split()
    fields = fields if len(fields) == 6 else ["0", *fields]
    questions, stars, numbers = [], [], []
    for field in (3, 5):
        items = [item for item in fields[field].split(",") if item]
        asked = [question for item in items if (question := _asks(item))]
        plain = ",".join(item for item in items if not _asks(item))
        some, star = _allowed(plain, field, hashed_as) if plain else (set(), False)
        questions.append(asked)
        stars.append(star)
        numbers.append(some)
    months = _allowed(fields[4], 4, hashed_as)[0]

    @lru_cache(maxsize=1000)
    def on(day: date) -> bool:
        of_month = day.day in numbers[0] or any(question(day) for question in questions[0])
        of_week = _weekday(day) in numbers[1] or any(question(day) for question in questions[1])
        return day.month in months and (of_month and of_week if any(stars) else of_month or of_week)

    seconds, minutes, hours = (_allowed(fields[field], field, hashed_as)[0] for field in range(3))
    return Reading(seconds=seconds, minutes_of_day={60 * hour + minute for hour in hours for minute in minutes}, on=on)


def every(text: str) -> int:
    """The whole seconds of `@every <duration>`."""
    parts = re.findall(r"([\d.]+)([a-z]+)", text.split()[1].replace("µ", "u").replace("μ", "u"))
    return int(
        sum((Fraction(f"0{number}") if number[0] == "." else Fraction(number)) * UNITS[u] for number, u in parts)
    )


def _fixed(text: str, instant: datetime, created_at: datetime | None) -> bool:
    if text.lower().startswith("@at"):
        return instant == datetime.fromisoformat(text.split()[1])
    passed = (instant - (created_at or EPOCH).replace(microsecond=0)) / SECOND
    return passed > 0 and passed % every(text) == 0


def instants(
    expression: str,
    zone: str,
    after: datetime,
    until: datetime,
    step: timedelta | None = None,
    *,
    hashed_as: str = "",
    created_at: datetime | None = None,
    gap: str = "Skip",
    overlap: str = "Both",
) -> Iterator[datetime]:
    """The instants in (after, until], oldest first, among the whole steps from the minute of `after` on."""
    fixed = expression.lower().startswith(("@every", "@at"))
    step = step or (SECOND if fixed or len(expression.split()) == 6 else MINUTE)
    reading = None if fixed else read(expression, hashed_as)
    tz = ZoneInfo(zone)
    instant = after.astimezone(UTC).replace(second=0, microsecond=0)
    before = (instant - step).astimezone(tz).replace(tzinfo=None)
    while instant <= until:
        local = instant.astimezone(tz)
        if instant > after and (
            _fixed(expression, instant, created_at)
            if reading is None
            else (_counts(local, overlap) and reading.matches(local))
            or (gap == "After" and any(reading.matches(lost) for lost in _lost(before, local, step)))
        ):
            yield instant
        before = local.replace(tzinfo=None)
        instant += step


def _counts(local: datetime, overlap: str) -> bool:
    """Whether this occurrence of a local time counts."""
    if overlap == "First":
        return local.fold == 0
    return overlap == "Both" or local.fold == 1 or local.replace(fold=1).utcoffset() == local.utcoffset()


def _lost(before: datetime, local: datetime, step: timedelta) -> Iterator[datetime]:
    """The whole steps of local time between two that follow each other in UTC."""
    lost = before + step
    while lost < local.replace(tzinfo=None):
        yield lost
        lost += step


class Window:
    """The minutes of (after, until] in a zone, turned into local time once and asked about many expressions."""

    def __init__(self, zone: str, after: datetime, until: datetime) -> None:
        tz = ZoneInfo(zone)
        self.after, self.until = after, until
        self._rows: dict[str, list[tuple[datetime, date, int]]] = {"Both": [], "First": [], "Last": []}
        self._days: set[date] = set()
        self._gaps: list[tuple[datetime, list[tuple[date, int]]]] = []
        before = after.astimezone(tz).replace(tzinfo=None)
        instant = after + MINUTE
        while instant <= until:
            local = instant.astimezone(tz)
            row = (instant, local.date(), local.hour * 60 + local.minute)
            self._days.add(local.date())
            for overlap, rows in self._rows.items():
                if _counts(local, overlap):
                    rows.append(row)
            lost = [(other.date(), other.hour * 60 + other.minute) for other in _lost(before, local, MINUTE)]
            if lost:
                self._gaps.append((instant, lost))
            before = local.replace(tzinfo=None)
            instant += MINUTE

    def instants(self, text: str, gap: str, overlap: str, hashed_as: str = "") -> list[datetime]:
        """The instants of an expression without seconds, oldest first."""
        reading = read(text, hashed_as)
        minutes = reading.minutes_of_day
        days = {day for day in self._days if reading.on(day)}
        found = [instant for instant, day, minute in self._rows[overlap] if minute in minutes and day in days]
        if gap == "After":
            ends = {
                end for end, lost in self._gaps if any(minute in minutes and reading.on(day) for day, minute in lost)
            }
            found = sorted(ends.union(found))
        return found


def changes(zone: str, first: date, last: date) -> list[datetime]:
    """The minutes at which the offset of a zone changes, found by looking at each day and then halving."""
    tz = ZoneInfo(zone)

    def offset(instant: datetime) -> timedelta | None:
        return instant.astimezone(tz).utcoffset()

    found = []
    before = datetime(first.year, first.month, first.day, tzinfo=UTC)
    while before.date() <= last:
        low, high = before, before + timedelta(days=1)
        if offset(low) != offset(high):
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                middle = middle.replace(second=0, microsecond=0)
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high)
        before += timedelta(days=1)
    return found
