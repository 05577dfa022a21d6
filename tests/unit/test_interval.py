"""A schedule whose instants lie closer than the installation allows is refused, with what was found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import conditions
from controller.due import schedule_of
from controller.errors import IntervalTooShort, InvalidSchedule
from controller.interval import LOOKED_AT, allowed
from controller.observation import Observed, Stance
from controller.preparation import Preparation
from controller.spec import CronJob
from controller.status import Status
from controller.steps import Step, Write
from tests.unit.builders import at, cron_job
from tests.unit.deciding import ASKED, OWNING, described

MINUTE = timedelta(minutes=1)

CASES: dict[str, tuple[dict[str, Any], timedelta, str | None]] = {
    "exactly the least": ({"schedule": "* * * * *"}, MINUTE, None),
    "each second": (
        {"schedule": "* * * * * *"},
        MINUTE,
        "two instants lie 1s apart (2026-03-02T11:00:01Z and 2026-03-02T11:00:02Z); here at least 1m is allowed",
    ),
    "a step that does not divide the hour": (
        {"schedule": "*/40 * * * *"},
        timedelta(minutes=30),
        "two instants lie 20m apart (2026-03-02T11:40:00Z and 2026-03-02T12:00:00Z); here at least 30m is allowed",
    ),
    "a union of two": (
        {"schedules": ["0 * * * *", "5 14 * * *"]},
        timedelta(minutes=10),
        "two instants lie 5m apart (2026-03-02T14:00:00Z and 2026-03-02T14:05:00Z); here at least 10m is allowed",
    ),
    "clocks that go back": (
        {"schedules": ["30 1 * * *", "30 2 * * *"], "timeZone": "Europe/Paris", "startTime": "2026-10-20T00:00:00Z"},
        timedelta(minutes=90),
        "two instants lie 1h apart",
    ),
    "two that are rounded to the same": (
        {"schedule": "@every 620s"},
        timedelta(seconds=650),
        "two instants lie 620s apart (2026-03-02T11:10:20Z and 2026-03-02T11:20:40Z); here at least 650s is allowed",
    ),
    "an instant only": ({"schedule": "@at 2026-03-02T14:00:00Z"}, timedelta(days=1), None),
    "jitter is one shift of all instants": ({"schedule": "0 * * * *", "jitterSeconds": 3000}, timedelta(hours=1), None),
    "no least": ({"schedule": "* * * * * *"}, timedelta(0), None),
}


@pytest.mark.parametrize("row", CASES)
def test_the_closest_two_of_the_next_instants_must_lie_far_enough_apart(row: str) -> None:
    spec, minimum, refusal = CASES[row]
    cron = cron_job(**spec)
    found = allowed(cron, schedule_of(cron), minimum)
    if refusal is None:
        assert found == schedule_of(cron)
    else:
        assert isinstance(found, IntervalTooShort)
        assert refusal in str(found)


def test_what_comes_after_the_instants_that_are_looked_at_is_not_seen() -> None:
    """A hundred instants are what it may cost; the page says so."""
    cron = cron_job(schedules=["0 0 * * *", "5 0 1 12 *"])
    assert LOOKED_AT == 100
    assert allowed(cron, schedule_of(cron), timedelta(hours=1)) == schedule_of(cron)


def test_a_schedule_that_cannot_be_read_says_that() -> None:
    cron = cron_job(schedule="61 * * * *")
    assert isinstance(allowed(cron, schedule_of(cron), MINUTE), InvalidSchedule)


def step(cron: CronJob, preparation: Preparation, status: Status, now: str, stance: Stance = OWNING) -> Step:
    return preparation.next_step(cron, stance, at(now), lambda: Observed(status=status, recalled=ASKED, complete=True))


def test_nothing_fires_and_the_condition_says_why() -> None:
    cron = cron_job(schedule="* * * * * *")
    found = step(cron, Preparation(MINUTE), Status(), "11:00:10")
    assert isinstance(found, Write), described(found)
    ready = found.status.condition(conditions.READY)
    assert ready is not None
    assert (ready.status, ready.reason) == (False, "IntervalTooShort")
    assert found.outcomes == ()
    assert described(step(cron, Preparation(MINUTE), found.status, "11:00:20")) == "wait"


def test_an_edit_is_looked_at_anew() -> None:
    preparation = Preparation(MINUTE)
    first = step(cron_job(schedule="* * * * * *"), preparation, Status(), "11:00:10")
    assert described(first) == "write"
    longer = replace(cron_job(schedule="* * * * *"), generation=2)
    assert described(step(longer, preparation, Status(), "11:00:10")) == "check"


def test_a_replica_that_has_judged_before_says_the_same_as_one_that_has_not() -> None:
    """A second manager that applies the same spec is told in the managed fields, and makes no new generation."""
    schedules = ["0 * * * *", "5 12 2 3 *"]
    before, after = (cron_job(schedules=schedules, edited=edited) for edited in ("11:00", "13:00"))
    old, new = Preparation(timedelta(minutes=10)), Preparation(timedelta(minutes=10))
    assert described(step(before, old, Status(), "11:00:10")) == "write"
    assert described(step(after, old, Status(), "13:00:10")) == described(step(after, new, Status(), "13:00:10"))
