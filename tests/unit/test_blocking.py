"""When the condition `Blocked` holds, and that it costs no write of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import conditions
from controller.blocking import HELD
from controller.conditions import BLOCKED, Condition
from controller.jobs import Job
from controller.observation import Checked
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Step, Wait, Write
from tests.unit.builders import at, cron_job, job, settled
from tests.unit.deciding import decide_ready, described, slot, step_of


def standing(cron: CronJob, *active: Slot, through: str, **changes: Any) -> Status:
    """The status of an object that is as it should be, with these Jobs, settled through an instant."""
    return replace(decide_ready(cron), active=active, settled_through=at(through), **changes)


def held(cron: CronJob, scheduled: str, turned_away: int = 0) -> Slot:
    """A place whose Job has turned so many instants away."""
    return replace(slot(cron, scheduled, uid=f"job-{scheduled}"), turned_away=turned_away)


def told(step: Step) -> Condition | None:
    assert isinstance(step, Write), described(step)
    return step.status.condition(BLOCKED)


def look(cron: CronJob, now: str, status: Status, *jobs: Job, **known: Any) -> Step:
    return step_of(cron, now, status=status, jobs=jobs, complete=True, **known)


def blocked(cron: CronJob, *active: Slot, through: str = "12:00") -> Status:
    """A status that says so already."""
    told_before = Condition(type=BLOCKED, status=True, reason=conditions.JOB_STILL_ACTIVE, message="earlier words")
    status = standing(cron, *active, through=through)
    return replace(status, conditions=tuple(sorted((*status.conditions, told_before), key=lambda one: one.type)))


FORBID = cron_job(concurrencyPolicy="Forbid")
QUEUE = cron_job(concurrencyPolicy="Queue")
NAME = "report-20260302115500-6f1c2d3e4b"


def test_a_job_that_is_still_active_when_the_next_instant_comes_blocks_its_schedule() -> None:
    status = standing(FORBID, held(FORBID, "11:55"), through="11:55")
    assert told(look(FORBID, "12:00:01", status, job(FORBID, "11:55"))) == Condition(
        type=BLOCKED,
        status=True,
        reason="JobStillActive",
        message=f"Job {NAME} is still active after 5m1s; 1 instant has found no free place since",
    )


def test_each_instant_that_finds_no_place_is_counted_in_the_write_that_settles_it() -> None:
    status = blocked(FORBID, held(FORBID, "11:55", 1))
    for now in ("12:05:01", "12:10:01", "12:15:01", "12:20:01"):
        step = look(FORBID, now, status, job(FORBID, "11:55"))
        assert isinstance(step, Write)
        status = step.status
    assert [one.turned_away for one in status.active] == [5]
    assert told(step) == Condition(
        type=BLOCKED,
        status=True,
        reason="JobStillActive",
        message=f"Job {NAME} is still active after 25m; 5 instants have found no free place since",
    )


def test_between_two_instants_nothing_is_written_however_long_the_job_has_run() -> None:
    first = look(FORBID, "12:00:01", standing(FORBID, held(FORBID, "11:55"), through="11:55"), job(FORBID, "11:55"))
    assert isinstance(first, Write)
    for now in ("12:00:02", "12:02", "12:04:59"):
        assert isinstance(look(FORBID, now, first.status, job(FORBID, "11:55")), Wait)


def test_a_job_that_runs_for_a_moment_longer_than_a_short_interval_blocks_nothing() -> None:
    minutely = cron_job(concurrencyPolicy="Forbid", schedule="* * * * *")
    status = standing(minutely, held(minutely, "11:55"), through="11:55")
    step = look(minutely, "11:56:01", status, job(minutely, "11:55"))
    assert told(step) is None
    assert isinstance(step, Write)
    assert [one.turned_away for one in step.status.active] == [1]
    then = replace(step.status, settled_through=at("11:59"), active=(held(minutely, "11:55", 4),))
    assert told(look(minutely, "12:00:01", then, job(minutely, "11:55"))) is not None
    assert timedelta(minutes=5) == HELD


def test_the_object_is_blocked_no_more_when_the_job_has_ended() -> None:
    step = look(FORBID, "12:01", blocked(FORBID, held(FORBID, "11:55", 1)), job(FORBID, "11:55", finished="12:00:59"))
    assert told(step) == Condition(type=BLOCKED, status=False, reason="NotBlocked")
    assert isinstance(step, Write)
    assert isinstance(look(FORBID, "12:01:01", step.status), Wait)


@pytest.mark.parametrize(
    ("spec", "annotations"),
    [
        ({"suspend": True}, {}),
        ({}, {"suspend-until": "2026-03-02T18:00:00Z"}),
        ({"concurrencyPolicy": "Allow"}, {}),
        ({"concurrencyPolicy": "Replace"}, {}),
        ({"maxActiveJobs": 2}, {}),
    ],
    ids=["suspended", "paused", "Allow", "Replace", "another place"],
)
def test_an_edit_that_lets_it_go_on_or_rest_ends_it(spec: dict[str, Any], annotations: dict[str, str]) -> None:
    edited = cron_job(edited="12:01", annotations=annotations, **{"concurrencyPolicy": "Forbid", **spec})
    status = replace(blocked(FORBID, held(FORBID, "11:55", 1)), observed_generation=0)
    seen = look(edited, "12:01:01", status, job(FORBID, "11:55"), checked=Checked(objection=None))
    while not (told_now := told(seen)) or told_now.status:
        assert isinstance(seen, Write)
        seen = look(edited, "12:01:02", seen.status, job(FORBID, "11:55"))
    assert told_now == Condition(type=BLOCKED, status=False, reason="NotBlocked")


def test_with_more_places_it_is_blocked_once_all_of_them_are_held() -> None:
    two = cron_job(concurrencyPolicy="Forbid", maxActiveJobs=2)
    jobs = (job(two, "11:50"), job(two, "11:55"))
    status = standing(two, held(two, "11:50", 7), held(two, "11:55"), through="11:55")
    condition = told(look(two, "12:00:01", status, *jobs))
    assert condition is not None
    assert condition.message == (
        "Job report-20260302115000-6f1c2d3e4b and 1 more are still active after 5m1s; "
        "1 instant has found no free place since"
    )
    young = replace(jobs[1], created_at=at("11:58"))  # its firing was late: the places are full for 2 minutes only
    assert told(look(two, "12:00:01", status, jobs[0], young)) is None


def test_under_queue_it_is_blocked_once_a_firing_has_waited_for_an_interval() -> None:
    status = standing(QUEUE, held(QUEUE, "11:55"), through="11:55")
    first = look(QUEUE, "12:00:01", status, job(QUEUE, "11:55"))
    assert described(first) == "write queue 12:00"
    assert told(first) is None
    assert isinstance(first, Write)
    second = look(QUEUE, "12:05:01", first.status, job(QUEUE, "11:55"))
    assert described(second) == "write SkippedQueueFull queue 12:00"
    condition = told(second)
    assert condition is not None
    assert condition.message == f"Job {NAME} is still active after 10m; 2 instants have found no free place since"


def test_under_queue_the_next_job_begins_anew() -> None:
    status = replace(blocked(QUEUE, held(QUEUE, "11:55", 2), through="12:05"), queued=(slot(QUEUE, "12:00"),))
    step = look(QUEUE, "12:06", status, job(QUEUE, "11:55", finished="12:05:59"))
    assert told(step) == Condition(type=BLOCKED, status=False, reason="NotBlocked")
    assert isinstance(step, Write)
    assert [one.turned_away for one in step.status.active] == [0]


def test_a_manual_run_that_is_turned_away_is_no_instant() -> None:
    asked = cron_job(concurrencyPolicy="Forbid", annotations={"trigger": "now"})
    step = look(asked, "11:58", standing(asked, held(asked, "11:55"), through="11:55"), job(asked, "11:55"))
    assert described(step) == "write SkippedForbid"
    assert told(step) is None
    assert isinstance(step, Write)
    assert [one.turned_away for one in step.status.active] == [0]


def test_what_nobody_blocks_has_no_such_condition() -> None:
    assert decide_ready(FORBID).condition(BLOCKED) is None
    step = look(FORBID, "12:00:01", settled(FORBID, "11:55"), checked=Checked(objection=None))
    assert told(step) is None


BLOCKED_STATUS: dict[str, tuple[bool, Any]] = {
    "no status yet": (False, {}),
    "ready": (False, {"conditions": [{"type": "Ready", "status": "True"}]}),
    "blocked": (True, {"conditions": [{"type": "Blocked", "status": "True"}]}),
    "no more": (False, {"conditions": [{"type": "Blocked", "status": "False"}]}),
}


@pytest.mark.parametrize("row", BLOCKED_STATUS)
def test_a_status_says_whether_its_object_is_blocked(row: str) -> None:
    expected, status = BLOCKED_STATUS[row]
    assert conditions.is_blocked(status) == expected
