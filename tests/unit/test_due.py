"""What becomes of a due instant before any policy on concurrency: the order of the verdicts, one by one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller import schedule
from controller.due import Due
from controller.errors import InvalidSchedule
from controller.names import name_for
from controller.observation import Attempt, Observed, Stance
from controller.outcomes import Reason, Trigger
from controller.status import Status
from tests.unit.builders import at, cron_job

LATE = timedelta(seconds=10)


def due(now: str, *, through: str = "11:55", delay: float = 0.0, valid: bool = True, **known: Any) -> Due:
    """The due instants of an object that fires every five minutes, settled through 11:55."""
    done = frozenset(at(time) for time in known.pop("done", ()))
    attempts = known.pop("attempts", ())
    cron = cron_job(**known)
    return Due(
        cron_job=cron,
        schedule=schedule.parse(cron.spec.expressions) if valid else InvalidSchedule("never fires"),
        observed=Observed(status=Status(), attempts=tuple(attempts)),
        through=at(through),
        done=done,
        now=at(now),
        stance=Stance(node="node-a", late=LATE, delay=timedelta(seconds=delay)),
    )


def refused(scheduled: str = "12:00", *, final: bool = False, retry: str = "12:00:01") -> Attempt:
    name = name_for(cron_job(), at(scheduled))
    return Attempt(
        name=name,
        scheduled_at=at(scheduled),
        message="quota",
        final=final,
        first_at=at(scheduled),
        pause=LATE,
        retry_at=at(retry),
    )


# --- the order of the verdicts: each row beats all that follow ------------------------------------------------------


HOPELESS: dict[str, Any] = {"startingDeadlineSeconds": 60, "attempts": [refused("12:00", final=True)]}

VERDICTS: dict[str, tuple[dict[str, Any], str, Reason | None]] = {
    "it has its Job": ({**HOPELESS, "suspend": True, "done": ["12:00"]}, "12:09", Reason.CREATED),
    "suspended": ({**HOPELESS, "suspend": True}, "12:09", Reason.SKIPPED_SUSPENDED),
    "its deadline has passed": (HOPELESS, "12:09", Reason.MISSED_DEADLINE),
    "its deadline has passed within the late window": (
        {"startingDeadlineSeconds": 3},
        "12:00:04",
        Reason.MISSED_DEADLINE,
    ),
    "its deadline counts whole seconds": ({"startingDeadlineSeconds": 3}, "12:00:03.9", None),
    "refused for good": (HOPELESS, "12:00:05", Reason.CREATE_FAILED),
    "in the late window": ({"catchUpPolicy": "None"}, "12:00:10", None),
    "past the late window, and nothing is caught up": ({"catchUpPolicy": "None"}, "12:00:11", Reason.MISSED_CATCH_UP),
    "past it, and the latest is caught up": ({}, "12:00:11", None),
    "past it, and a later one is caught up": ({}, "12:05:11", Reason.MISSED_CATCH_UP),
    "past it, and a later one is only late": ({}, "12:05:01", Reason.MISSED_CATCH_UP),
    "past it, and all are caught up": ({"catchUpPolicy": "All"}, "12:05:11", None),
    "past it, and all but it are caught up": (
        {"catchUpPolicy": "All", "catchUpLimit": 1},
        "12:05:11",
        Reason.MISSED_CATCH_UP,
    ),
    "past it, but it was tried in time": ({"catchUpPolicy": "None", "attempts": [refused("12:00")]}, "12:01", None),
}


@pytest.mark.parametrize("row", VERDICTS)
def test_the_order_of_the_verdicts(row: str) -> None:
    known, now, expected = VERDICTS[row]
    assert due(now, **known).verdict(at("12:00")) is expected


GIVEN_UP: dict[str, tuple[dict[str, Any], str, Reason | None]] = {
    "the next instant is not due": ({}, "12:04:59", None),
    "the next instant is due": ({}, "12:05", Reason.CREATE_FAILED),
    "the next instant is due, but the late window is not over": ({"schedule": "*/5 * * * * *"}, "12:00:10", None),
    "and now it is": ({"schedule": "*/5 * * * * *"}, "12:00:10.1", Reason.CREATE_FAILED),
    "a deadline is waited for instead": ({"startingDeadlineSeconds": 3600}, "12:30", None),
    "there is no next instant": ({"schedule": "0 12 2 3 *"}, "23:59", None),
}


@pytest.mark.parametrize("row", GIVEN_UP)
def test_a_create_that_is_refused_is_given_up_when_the_next_instant_is_due(row: str) -> None:
    known, now, expected = GIVEN_UP[row]
    assert due(now, attempts=[refused("12:00")], **known).verdict(at("12:00")) is expected


# --- what may fire --------------------------------------------------------------------------------------------------


CANDIDATES: dict[str, tuple[dict[str, Any], str, list[str]]] = {
    "nothing is due": ({}, "11:59", []),
    "one is due": ({}, "12:00", ["12:00"]),
    "the latest of those missed": ({}, "12:12", ["12:10"]),
    "one that is late, and none that is older": ({}, "12:10:01", ["12:10"]),
    "all of those missed, oldest first": ({"catchUpPolicy": "All"}, "12:10:01", ["12:00", "12:05", "12:10"]),
    "nothing that was missed": ({"catchUpPolicy": "None"}, "12:12", []),
    "what was tried goes on": ({"attempts": [refused("12:00")]}, "12:07", ["12:00", "12:05"]),
    "what was tried and settled since does not": ({"attempts": [refused("11:55")]}, "12:00", ["12:00"]),
    "the last moment of the late window": ({"catchUpPolicy": "None"}, "12:00:10", ["12:00"]),
    "what is only late does not use up the limit": (
        {"catchUpPolicy": "All", "catchUpLimit": 1},
        "12:05:10",
        ["12:00", "12:05"],
    ),
    "a node that stands in waits": ({"delay": 3}, "12:00:02.9", []),
    "and then takes it up": ({"delay": 3}, "12:00:03", ["12:00"]),
    "also one older than the late window": ({"delay": 20}, "12:00:20", ["12:00"]),
    "but nothing younger than its delay": ({"delay": 20, "catchUpPolicy": "All"}, "12:05:19", ["12:00"]),
    "without a schedule nothing": ({"valid": False, "catchUpPolicy": "All"}, "12:00", []),
}


@pytest.mark.parametrize("row", CANDIDATES)
def test_what_may_fire(row: str) -> None:
    known, now, expected = CANDIDATES[row]
    assert list(due(now, **known).candidates()) == [at(time) for time in expected]


@pytest.mark.parametrize("policy", ["Latest", "None"])
def test_without_a_schedule_nothing_is_due_whatever_the_catch_up(policy: str) -> None:
    nothing = due("13:00", valid=False, catchUpPolicy=policy)
    assert not list(nothing.candidates())
    assert nothing.between(at("11:00"), at("13:00")) == ()
    assert nothing.next_after(at("12:00")) is None


def test_a_refused_create_rests_until_its_time() -> None:
    resting = due("12:00:05", attempts=[refused("12:00", retry="12:00:06")])
    assert not resting.may_try(at("12:00"))
    assert due("12:00:06", attempts=[refused("12:00", retry="12:00:06")]).may_try(at("12:00"))
    assert due("12:00:05").may_try(at("12:00"))


def test_a_node_that_stands_in_does_not_try_what_is_too_young_for_it() -> None:
    assert not due("12:00:02", delay=3).may_try(at("12:00"))
    assert due("12:00:03", delay=3).may_try(at("12:00"))


# --- the firing -----------------------------------------------------------------------------------------------------


def test_the_neighbours_of_a_firing_are_those_of_the_schedule_as_it_is_now() -> None:
    firing = due("12:00", schedule="0 12 * * *").firing(at("12:00"))
    assert (firing.previous_at, firing.next_at) == (at("12:00") - timedelta(days=1), at("12:00") + timedelta(days=1))


def test_a_firing_has_no_neighbours_where_there_are_none() -> None:
    assert due("12:00", valid=False).firing(at("12:00")).previous_at is None
    leap = due("12:00", schedule="0 12 29 2 *").firing(at("12:00"))
    assert leap.previous_at is not None
    assert leap.previous_at.year == 2024


@pytest.mark.parametrize(
    ("now", "trigger"),
    [("12:00:10", Trigger.SCHEDULE), ("12:00:10.1", Trigger.CATCH_UP)],
    ids=["within the late window", "after it"],
)
def test_a_firing_after_the_late_window_is_a_catch_up(now: str, trigger: Trigger) -> None:
    assert due(now).firing(at("12:00")).trigger is trigger
