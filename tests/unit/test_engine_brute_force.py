"""The engine against brute force around every change of clocks of 2024 to 2030, under every policy.

Each zone has its own count of compared instants, so that the total holds however the tests are spread over processes:
more than 100,000 by default, ten times as many with DCRON_DEEP=1 (`make test-deep`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from random import Random

import pytest

from controller.errors import InvalidSchedule
from controller.schedule import Schedule, parse
from controller.spec import DstGap, DstOverlap
from tests.unit import wallclock

DEEP = 10 if os.environ.get("DCRON_DEEP") else 1
FIRST, LAST = date(2024, 1, 1), date(2030, 12, 31)
POLICIES = list(product(DstGap, DstOverlap))
REACH = timedelta(hours=3)
"""How far a window reaches to both sides of a change: beyond the two hours of Troll."""

ZONES = (
    "Africa/Cairo",
    "Africa/Casablanca",
    "Africa/El_Aaiun",
    "Africa/Johannesburg",
    "America/Asuncion",
    "America/Caracas",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Havana",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/Miquelon",
    "America/New_York",
    "America/Nuuk",
    "America/Port-au-Prince",
    "America/Santiago",
    "America/Scoresbysund",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Casey",
    "Antarctica/Troll",
    "Asia/Almaty",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Hebron",
    "Asia/Jerusalem",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Atlantic/Bermuda",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Berlin",
    "Europe/Chisinau",
    "Europe/Dublin",
    "Europe/Lisbon",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Norfolk",
    "UTC",
)
ROUNDS = 2
"""How many texts each change meets, each under all policies, at the least."""
COMPARED_IN_EACH = 2_500

ELSEWHEN = {
    "Pacific/Apia": [datetime(2011, 12, 30, 10, tzinfo=UTC)],
    "America/Sao_Paulo": [datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2019, 2, 17, 2, tzinfo=UTC)],
    "America/Caracas": [datetime(2016, 5, 1, 7, tzinfo=UTC)],
    "Asia/Kathmandu": [datetime(1985, 12, 31, 18, 30, tzinfo=UTC)],
}
"""Changes outside of those years that are worth a look: a skipped day, a midnight that does not exist, odd minutes."""


def test_a_hundred_thousand_comparisons_are_enough_zones_times_what_each_has_at_least() -> None:
    assert len(set(ZONES)) >= 40
    assert len(set(ZONES)) * COMPARED_IN_EACH * DEEP >= 100_000 * DEEP


@pytest.mark.parametrize("zone", ZONES)
def test_brute_force_agrees_around_each_change_of_clocks(zone: str) -> None:
    random = Random(zone)
    changes = wallclock.changes(zone, FIRST, LAST) + ELSEWHEN.get(zone, [])
    moments = [*changes, datetime(2024, 12, 31, 12, tzinfo=UTC), datetime(2028, 2, 29, 3, tzinfo=UTC)]
    compared = 0
    windows = [wallclock.Window(zone, moment - REACH, moment + REACH) for moment in moments]
    rounds = 0
    while rounds < ROUNDS * DEEP or compared < COMPARED_IN_EACH * DEEP:
        for window in windows:
            text = _text(random, window)
            compared += sum(_compare(zone, window, text, gap, overlap) for gap, overlap in POLICIES)
        rounds += 1
        assert rounds < 100 * ROUNDS * DEEP, "this zone cannot reach its count"


def _compare(zone: str, window: wallclock.Window, text: str, gap: DstGap, overlap: DstOverlap) -> int:
    """How many instants agree."""
    hashed_as = f"default/{zone}"
    expected = window.instants(text, gap.value, overlap.value, hashed_as)
    try:
        schedule = parse([text], zone, hashed_as=hashed_as, dst_gap=gap, dst_overlap=overlap)
    except InvalidSchedule as refusal:
        assert "never comes" in str(refusal)  # noqa: PT017 - most texts are valid
        assert not expected
        return 0
    said = f"{text!r} in {zone} around {window.until}, gap {gap}, overlap {overlap}"
    _same(schedule.between(window.after, window.until, limit=10_000), expected, said)
    _same(schedule.newest(window.after, window.until, limit=100), expected[-100:], said)
    _same(tuple(_one_by_one(schedule, window.after, window.until, 10)), expected[:10], said)
    assert schedule.latest_at(window.until, after=window.after) == (expected[-1] if expected else None), said
    return max(len(expected), 1)


def _same(found: tuple[datetime, ...], expected: list[datetime], said: str) -> None:
    assert found == tuple(expected), said


def _one_by_one(schedule: Schedule, after: datetime, until: datetime, limit: int) -> Iterator[datetime]:
    for _ in range(limit):
        following = schedule.next_after(after)
        if following is None or following > until:
            return
        yield following
        after = following


# --- Random texts that have something to do with the moment -----------------------------------------------------------


def _text(random: Random, window: wallclock.Window) -> str:
    middle = window.after + (window.until - window.after) / 2
    day = (middle + timedelta(hours=random.randint(-14, 14))).date()
    return " ".join((_minute(random), _hour(random), *_day_fields(random, day)))


def _number(random: Random, low: int, high: int) -> str:
    first, last = sorted((random.randint(low, high), random.randint(low, high)))
    step = random.randint(1, 7)
    forms = (f"{first}", f"{first}-{last}", f"{first}-{last}/{step}", f"{first}/{step}", f"*/{step}", "*", "H")
    form = random.choice((*forms, f"H/{step}", f"H({first}-{last})", f"H({first}-{last})/{step}"))
    return form if random.random() < 0.7 else f"{form},{random.randint(low, high)}"


def _minute(random: Random) -> str:
    return random.choice(("*", "0", "30", "*/15", _number(random, 0, 59), _number(random, 0, 59)))


def _hour(random: Random) -> str:
    return random.choice(("*", "*", "0-4", "0-3/2", _number(random, 0, 4), _number(random, 0, 23)))


def _day_fields(random: Random, day: date) -> tuple[str, str, str]:
    """A day of month, a month and a day of week, most of which name this day or one beside it."""
    near = max(1, min(28, day.day + random.randint(-2, 2)))
    weekday = random.choice((day.isoweekday(), (day.isoweekday() + 1) % 7))
    name = wallclock.WEEKDAYS[weekday % 7].upper()
    numbers = (f"{day.day}", "L", f"{near}W", f"{day.day}W", f"L,{near}", f"{near}W,31", "H(20-31)", "1-15", "16-31")
    weekdays = (f"{weekday}", f"{name}L", f"{weekday}#{1 + (day.day - 1) // 7}", f"{name}#5,{weekday}L", "H", "MON-FRI")
    month = random.choice(("*", "*", f"{day.month}", wallclock.MONTHS[day.month - 1], _number(random, 1, 12)))
    match random.randrange(4):
        case 0:
            return "*", month, "*"
        case 1:
            return random.choice(numbers), month, random.choice("*?")
        case 2:
            return random.choice("*?"), month, random.choice(weekdays)
        case _:
            return random.choice(numbers), month, random.choice(weekdays)
