"""Several policies at once: for each row one object, what is known of it, a time, and the one decision that is right.

Every object fires every five minutes and is settled through 11:55, unless the row says otherwise. A row is read aloud:
these fields, with these Jobs and this status, at that time, ask for that step.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from controller import conditions
from controller.asked import Backfill, BackfillState, LastTrigger
from controller.conditions import CIRCUIT_OPEN, COMPLETED, SUSPENDED
from controller.jobs import Job
from controller.names import backfill_name, manual_name
from controller.observation import Checked, Recalled
from controller.outcomes import Reason, Trigger
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Cause, Create, Delete, Recall, Wait, Write
from tests.unit.builders import at, cron_job, job
from tests.unit.deciding import OWNING, attempt, decide_ready, described, recalled, slot, step_of, waits_until

TRIGGERED = {"trigger": "now-1"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question and its answer.

    Attributes:
        spec: What the author wrote, besides the schedule.
        now: When it is looked at.
        asks: The step, in words.
        active: Instants whose Jobs are active, and stand in the status.
        queued: Instants that wait.
        status: What else the status says.
        complete: The Jobs were just listed.
    """

    spec: dict[str, Any]
    now: str = "12:00:01"
    asks: str
    active: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    status: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    complete: bool = True


def answer(row: Row) -> str:
    cron = cron_job(**row.spec)
    status = replace(
        decide_ready(cron),
        active=tuple(slot(cron, time, uid=f"job-{time}") for time in row.active),
        queued=tuple(slot(cron, time) for time in row.queued),
        **row.status,
    )
    jobs = tuple(job(cron, time) for time in row.active)
    return described(step_of(cron, row.now, status=status, jobs=jobs, complete=row.complete, **row.known))


FORBID, QUEUE, REPLACE = ({"concurrencyPolicy": policy} for policy in ("Forbid", "Queue", "Replace"))

CONCURRENCY = {
    "Forbid with a place left": Row(spec={**FORBID, "maxActiveJobs": 2}, active=("11:55",), asks="write claim 12:00"),
    "Forbid with no place left": Row(
        spec={**FORBID, "maxActiveJobs": 2}, active=("11:50", "11:55"), asks="write SkippedForbid"
    ),
    "Replace makes room only when the new slot is there": Row(
        spec={**REPLACE, "maxActiveJobs": 2}, active=("11:50", "11:55"), asks="write claim 12:00"
    ),
    "Queue with nobody before it": Row(spec=QUEUE, asks="write claim 12:00"),
    "Queue looks before it claims": Row(spec=QUEUE, complete=False, asks="look"),
    "Queue waits behind a Job": Row(spec=QUEUE, active=("11:55",), asks="write queue 12:00"),
    "Queue looks before it lets wait": Row(spec=QUEUE, active=("11:55",), complete=False, asks="look"),
    "Queue is full": Row(spec=QUEUE, active=("11:50",), queued=("11:55",), asks="write SkippedQueueFull queue 11:55"),
    "Queue takes as many as its limit": Row(
        spec={**QUEUE, "queueLimit": 3, "catchUpPolicy": "All"},
        active=("11:55",),
        now="12:21",
        asks="write 2 SkippedQueueFull queue 12:00 12:05 12:10",
    ),
    "the oldest that waits has its turn first": Row(
        spec=QUEUE, queued=("11:50",), asks="write claim 11:50 queue 12:00"
    ),
    "several turns at once": Row(
        spec={**QUEUE, "maxActiveJobs": 3, "queueLimit": 5},
        queued=("11:45", "11:50"),
        asks="write claim 11:45 11:50 12:00",
    ),
    "one that waits is exempt from the late window and from catch-up": Row(
        spec={**QUEUE, "catchUpPolicy": "None"}, queued=("11:30",), now="11:59", asks="write claim 11:30"
    ),
    "one that waits too long misses its deadline": Row(
        spec={**QUEUE, "startingDeadlineSeconds": 600},
        active=("11:40",),
        queued=("11:45",),
        now="11:56",
        asks="write MissedDeadline",
    ),
    "one that waits is skipped by a suspension": Row(
        spec={**QUEUE, "suspend": True}, queued=("11:50",), now="11:56", asks="write SkippedSuspended"
    ),
    "switched away from Queue to Forbid": Row(spec=FORBID, queued=("11:50",), now="11:56", asks="write SkippedForbid"),
    "switched away from Queue to Allow": Row(spec={}, queued=("11:50",), now="11:56", asks="write SkippedForbid"),
}


@pytest.mark.parametrize("policy", ["Forbid", "Queue"])
def test_a_slot_that_is_given_up_leaves_its_place_in_a_write_of_its_own(policy: str) -> None:
    cron = cron_job(concurrencyPolicy=policy, startingDeadlineSeconds=30)
    waiting = slot(cron, "11:55")
    step = step_of(cron, "12:00:01", status=replace(decide_ready(cron), active=(waiting,)), complete=True)
    assert described(step) == "write MissedDeadline"
    assert isinstance(step, Write)
    assert step.given_up == {waiting.name}
    assert described(step_of(cron, "12:00:01", status=step.status)) == "look"
    assert described(step_of(cron, "12:00:01", status=step.status, complete=True)) == "write claim 12:00"


@pytest.mark.parametrize("spec", [{"maxRuns": 5}, REPLACE], ids=["Allow", "Replace"])
def test_where_no_instant_waits_for_a_place_one_write_gives_up_and_claims(spec: dict[str, Any]) -> None:
    cron = cron_job(startingDeadlineSeconds=30, **spec)
    known: dict[str, Any] = {"status": replace(decide_ready(cron), active=(slot(cron, "11:55"),)), "complete": True}
    assert described(step_of(cron, "12:00:01", **known)) == "write MissedDeadline claim 12:00"


@pytest.mark.parametrize("row", CONCURRENCY)
def test_who_gets_a_place(row: str) -> None:
    assert answer(CONCURRENCY[row]) == CONCURRENCY[row].asks


def runs(created: int) -> dict[str, Any]:
    return {"counts": {"due": created, "created": created}}


LIMITED = {
    "under Allow a run is claimed, so that it is counted first": Row(
        spec={"maxRuns": 2}, status=runs(1), asks="write claim 12:00"
    ),
    "as many as are left, and the rest is no instant any more": Row(
        spec={"maxRuns": 3, "catchUpPolicy": "All"}, status=runs(1), now="12:21", asks="write claim 12:00 12:05"
    ),
    "none is left": Row(spec={"maxRuns": 2}, status=runs(2), asks="write"),
    "a promised run is a run": Row(
        spec={**QUEUE, "maxRuns": 2},
        active=("11:50",),
        queued=("11:55",),
        status=runs(1),
        asks="write queue 11:55",  # it says that no instant is left, and no more
    ),
    "skipped instants are no runs": Row(
        spec={**FORBID, "maxRuns": 5}, active=("11:55",), status=runs(4), asks="write SkippedForbid"
    ),
}


@pytest.mark.parametrize("row", LIMITED)
def test_runs_are_limited(row: str) -> None:
    assert answer(LIMITED[row]) == LIMITED[row].asks


def test_the_last_run_completes_the_object_and_nothing_is_asked_of_it_again() -> None:
    cron = cron_job(maxRuns=1)
    status = replace(decide_ready(cron), **runs(1))
    step = step_of(cron, "12:00:01", status=status)
    assert isinstance(step, Write)
    completed = step.status.condition(COMPLETED)
    assert completed is not None
    assert (completed.status, completed.reason) == (True, "MaxRunsReached")
    assert step.status.next_schedule_at is None
    assert step_of(cron, "13:00:01", status=step.status) == Wait()


def test_raising_the_limit_does_not_fire_backwards() -> None:
    before = cron_job(maxRuns=1)
    ended = step_of(before, "12:00:01", status=replace(decide_ready(before), **runs(1)))
    assert isinstance(ended, Write)
    raised = cron_job(maxRuns=2, edited="13:02")
    step = step_of(raised, "13:02:01", status=ended.status, complete=True)
    assert isinstance(step, Write)
    assert step.outcomes == ()
    assert step.status.settled_through == at("13:02")
    completed = step.status.condition(COMPLETED)
    assert completed is not None
    assert not completed.status
    assert waits_until(step_of(raised, "13:02:02", status=step.status)) == at("13:05")


def test_a_run_that_could_not_be_created_leaves_its_place_to_the_next_instant() -> None:
    cron = cron_job(maxRuns=1)
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    failed = step_of(cron, "12:00:02", status=status, complete=True, attempts=(attempt("12:00", final=True),))
    assert described(failed) == "write CreateFailed"
    assert isinstance(failed, Write)
    assert failed.status.condition(COMPLETED) is None
    assert described(step_of(cron, "12:05:01", status=failed.status, complete=True)) == "write claim 12:05"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"schedule": "@at 2026-03-02T12:00:00Z"}, "ScheduleEnded", id="@at"),
        pytest.param({"endTime": "2026-03-02T12:01:00Z"}, "ScheduleEnded", id="endTime"),
    ],
)
def test_a_schedule_that_has_ended_is_completed_and_no_error(spec: dict[str, Any], reason: str) -> None:
    cron = cron_job(**spec)
    step = step_of(cron, "12:00:01", status=decide_ready(cron), jobs=(job(cron, "12:00"),))
    assert isinstance(step, Write)
    completed = step.status.condition(COMPLETED)
    assert completed is not None
    assert (completed.status, completed.reason) == (True, reason)
    ready = step.status.condition("Ready")
    assert ready is not None
    assert ready.status


def test_one_that_waits_is_looked_at_again_when_its_deadline_ends() -> None:
    cron = cron_job(concurrencyPolicy="Queue", startingDeadlineSeconds=30)
    status = replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        active=(slot(cron, "11:55", uid="job-11:55"),),
        queued=(slot(cron, "12:00"), manual_slot(cron, "12:00:01")),
    )
    known: dict[str, Any] = {"jobs": (job(cron, "11:55"),), "complete": True}
    told = step_of(cron, "12:00:02", status=status, **known)
    assert isinstance(told, Write)
    assert waits_until(step_of(cron, "12:00:03", status=told.status, **known)) == at("12:00:31")
    over = step_of(cron, "12:00:31", status=told.status, **known)
    assert described(over) == "write MissedDeadline queue manual 12:00:01"


# --- more than a hundred missed ---------------------------------------------------------------------------------------

EACH_MINUTE: dict[str, Any] = {"schedule": "* * * * *"}

MANY = {
    "Latest fires the newest of 125 and no more": Row(spec=EACH_MINUTE, now="14:00:30", asks="create 14:00"),
    "the rest is told as missed once that has its Job": Row(
        spec=EACH_MINUTE, now="14:00:30", active=("14:00",), asks="write 124 MissedCatchUp Created"
    ),
    "a deadline of two minutes leaves two to All": Row(
        spec={**EACH_MINUTE, "catchUpPolicy": "All", "startingDeadlineSeconds": 120},
        now="14:00:30",
        asks="create 13:59 14:00",
    ),
    "None fires only what is late by seconds": Row(
        spec={**EACH_MINUTE, "catchUpPolicy": "None"}, now="14:00:30", asks="write 125 MissedCatchUp"
    ),
    "Forbid claims the newest and tells the rest": Row(
        spec={**EACH_MINUTE, **FORBID}, now="14:00:30", asks="write 124 MissedCatchUp claim 14:00"
    ),
    "Forbid beside an active Job skips the newest too": Row(
        spec={**EACH_MINUTE, **FORBID}, now="14:00:30", active=("11:55",), asks="write 124 MissedCatchUp SkippedForbid"
    ),
    "Queue under All takes a place, fills the queue, and turns the rest away": Row(
        spec={**EACH_MINUTE, **QUEUE, "queueLimit": 2, "catchUpPolicy": "All", "catchUpLimit": 10},
        now="14:00:30",
        asks="write 115 MissedCatchUp 7 SkippedQueueFull claim 13:51 queue 13:52 13:53",
    ),
    "runs that are left under All are the oldest of those that it takes": Row(
        spec={**EACH_MINUTE, "maxRuns": 2, "catchUpPolicy": "All", "catchUpLimit": 5},
        now="14:00:30",
        asks="write 120 MissedCatchUp claim 13:56 13:57",
    ),
    "suspended for all of them": Row(
        spec={**EACH_MINUTE, "suspend": True, "catchUpPolicy": "All"}, now="14:00:30", asks="write 125 SkippedSuspended"
    ),
}


@pytest.mark.parametrize("row", MANY)
def test_more_than_a_hundred_missed_are_no_error(row: str) -> None:
    assert answer(MANY[row]) == MANY[row].asks


# --- nothing fires: suspended, paused, circuit open ------------------------------------------------------------------


def paused(until: str, **more: str) -> dict[str, Any]:
    return {"annotations": {"suspend-until": f"2026-03-02T{until}:00Z", **more}}


PAUSED = {
    "an instant in the pause waits to be told as skipped": Row(spec=paused("12:30"), asks="write"),
    "instants in the pause are skipped when it is over": Row(
        spec=paused("12:06"), now="12:06", asks="write 2 SkippedSuspended"
    ),
    "the instant at its end fires": Row(
        spec=paused("12:05"), now="12:05", status={"settled_through": at("12:00")}, asks="create 12:05"
    ),
    "skipping goes before every other reason": Row(
        spec={**paused("12:06"), "startingDeadlineSeconds": 1}, now="12:06", asks="write 2 SkippedSuspended"
    ),
}


@pytest.mark.parametrize("row", PAUSED)
def test_a_pause_by_annotation(row: str) -> None:
    assert answer(PAUSED[row]) == PAUSED[row].asks


def test_a_pause_is_told_with_its_reason_and_the_next_instant_after_it_and_looked_at_again_when_it_ends() -> None:
    cron = cron_job(**paused("12:31", **{"suspend-reason": "month end"}))
    step = step_of(cron, "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(step, Write)
    condition = step.status.condition(SUSPENDED)
    assert condition is not None
    assert condition.status
    assert condition.message == "until 2026-03-02T12:31:00Z: month end"
    assert step.status.next_schedule_at == at("12:35")
    assert waits_until(step_of(cron, "12:00:02", status=step.status)) == at("12:31")
    resumed = step_of(cron, "12:31", status=step.status)
    assert described(resumed) == "write 7 SkippedSuspended"
    assert isinstance(resumed, Write)
    assert not resumed.status.suspended


def test_a_pause_that_is_taken_back_fires_nothing_backwards() -> None:
    during = step_of(cron_job(**paused("13:00")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(catchUpPolicy="All")
    step = step_of(cron, "12:12", status=during.status, complete=True)
    assert described(step) == "write 3 SkippedSuspended"
    assert isinstance(step, Write)
    assert step.status.suspended_until is None
    assert not step.status.suspended
    assert waits_until(step_of(cron, "12:12:01", status=step.status)) == at("12:15")


def test_a_pause_whose_end_was_not_seen_skips_its_own_instants_and_no_later_ones() -> None:
    during = step_of(cron_job(**paused("12:07")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(catchUpPolicy="All")  # the annotation went while nobody looked
    step = step_of(cron, "12:21", status=during.status, complete=True)
    assert described(step) == "write 2 SkippedSuspended"
    assert isinstance(step, Write)
    assert described(step_of(cron, "12:21", status=step.status)) == "create 12:10 12:15 12:20"


def test_a_suspension_that_outlasted_a_pause_is_told_as_such_when_both_are_taken_back_at_once() -> None:
    """Seed 700653: the end of the pause told that nothing was suspended, and what came after it counted for nothing."""
    during = step_of(cron_job(suspend=True, **paused("12:07")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(edited="12:21", catchUpPolicy="All")
    first = step_of(cron, "12:21:01", status=during.status, complete=True)
    assert described(first) == "write 2 SkippedSuspended"
    assert isinstance(first, Write)
    assert first.status.suspended
    second = step_of(cron, "12:21:01", status=first.status, complete=True)
    assert described(second) == "write 3 SkippedSuspended"
    assert isinstance(second, Write)
    assert not second.status.suspended


def test_a_pause_that_ended_early_and_an_edit_are_closed_one_after_the_other() -> None:
    during = step_of(cron_job(**paused("13:00")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(schedule="*/2 * * * *", edited="12:05", catchUpPolicy="All")
    first = step_of(cron, "12:05:01", status=during.status, complete=True)
    assert described(first) == "write 5 SkippedSuspended"
    assert isinstance(first, Write)
    assert first.status.schedule_hash != cron.spec.schedule_hash
    second = step_of(cron, "12:05:01", status=first.status, complete=True)
    assert described(second) == "write"
    assert isinstance(second, Write)
    assert second.status.schedule_hash == cron.spec.schedule_hash
    assert second.status.next_schedule_at == at("12:06")


def test_two_nodes_whose_clocks_differ_do_not_call_a_pause_over_and_back_in_turn() -> None:
    """Without Redis both may own the object: each wrote its own view 25 times a second (simulated, seed 502263)."""
    cron = cron_job(schedule="0 18 * * *", **paused("12:05"))
    during = step_of(cron, "12:01", status=decide_ready(cron))
    assert isinstance(during, Write)
    fast = step_of(cron, "12:05", status=during.status, complete=True)
    assert isinstance(fast, Write)
    assert fast.status.condition(SUSPENDED) == conditions.suspended(False, now=at("12:05"))
    behind = step_of(cron, "12:04:59", status=fast.status, complete=True)
    assert isinstance(behind, Wait)
    far_behind = step_of(cron, "12:04:57", status=fast.status, complete=True)
    assert isinstance(far_behind, Write), "a clock that was far ahead has the last word no longer than that"
    assert far_behind.status.condition(SUSPENDED) == during.status.condition(SUSPENDED)
    early = step_of(cron, "12:04:59", status=during.status, complete=True)
    assert isinstance(early, Wait), "nobody has called it over yet"
    longer = step_of(cron_job(schedule="0 18 * * *", **paused("12:06")), "12:05:59", status=fast.status, complete=True)
    assert isinstance(longer, Write)
    told = longer.status.condition(SUSPENDED)
    assert told is not None
    assert told.status, "another pause is told, however short"


def test_an_edit_during_a_pause_closes_its_instants_as_suspended() -> None:
    during = step_of(cron_job(**paused("13:00")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(schedule="*/2 * * * *", edited="12:05", **paused("13:00"))
    step = step_of(cron, "12:05:01", status=during.status, complete=True)
    assert described(step) == "write 5 SkippedSuspended"


@pytest.mark.parametrize(
    ("edit", "then"),
    [
        ({"schedule": "*/2 * * * *"}, ["write 6 SkippedSuspended", "write 3 MissedEdit", "create 12:16"]),
        ({"suspend": True}, ["write 2 SkippedSuspended", "write 2 MissedEdit", "wait until 13:16:01"]),
    ],
)
def test_a_pause_that_was_over_before_an_edit_skips_its_own_instants_and_no_later_ones(
    edit: dict[str, Any], then: list[str]
) -> None:
    """Nobody could tell of its end before the edit came (simulated, mix `faults-policies`, seed 130515)."""
    during = step_of(cron_job(**paused("12:07")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron, status = cron_job(edited="12:15", catchUpPolicy="All", **edit, **paused("12:07")), during.status
    for expected in then:
        step = step_of(cron, "12:16:01", status=status, complete=True)
        assert described(step) == expected
        status = step.status if isinstance(step, Write) else status


def told_one_after_the_other(cron: CronJob, now: str, status: Status) -> list[str]:
    """The outcomes of each write, until there is nothing more to write at that moment."""
    told: list[str] = []
    while isinstance(step := step_of(cron, now, status=status, complete=True), Write):
        told.append(described(step))
        status = step.status
        assert len(told) < 5
    return told


def test_an_edit_at_the_end_of_a_pause_is_closed_by_a_node_whose_clock_is_behind() -> None:
    during = step_of(cron_job(**paused("12:07")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(schedule="*/2 * * * *", edited="12:07", **paused("12:07"))
    assert told_one_after_the_other(cron, "12:06:59.5", during.status) == ["write 6 SkippedSuspended", "write"]


EVERY_SECOND: dict[str, Any] = {"schedule": "* * * * * *"}
UNTIL_20: dict[str, Any] = {"annotations": {"suspend-until": "2026-03-02T12:00:20Z"}}


def called_over(now: str) -> Status:
    """By who stands in, 3 s behind: a pause of each second until 12:00:20; it was settled through 12:00:15."""
    cron = cron_job(**EVERY_SECOND, **UNTIL_20)
    status = replace(decide_ready(cron), settled_through=at("12:00:15"), suspended_until=at("12:00:20"))
    step = step_of(cron, now, status=status, complete=True, stance=replace(OWNING, delay=timedelta(seconds=3)))
    assert isinstance(step, Write)
    return step.status


def test_what_a_pause_has_left_open_when_it_was_over_is_found_by_an_edit() -> None:
    status = called_over("12:00:21")
    assert (status.settled_through, status.next_schedule_at) == (at("12:00:18"), at("12:00:19"))
    edited = cron_job(schedule="*/2 * * * * *", edited="12:00:23", **UNTIL_20)
    assert told_one_after_the_other(edited, "12:00:24", status)[:2] == ["write", "write 2 MissedEdit"]
    edited = cron_job(**EVERY_SECOND, startTime="2026-03-02T11:00:00Z", edited="12:00:23", **UNTIL_20)
    assert told_one_after_the_other(edited, "12:00:24", status)[:2] == ["write SkippedSuspended", "write 4 MissedEdit"]


@pytest.mark.parametrize("now", ["12:05:01", "12:04:59", "12:04:50"])
def test_who_suspends_and_takes_a_pause_back_at_once_resumes_nothing_in_between(now: str) -> None:
    during = step_of(cron_job(**paused("13:00")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron, statuses = cron_job(suspend=True, edited="12:05"), [during.status]
    while isinstance(step := step_of(cron, now, status=statuses[-1], complete=True), Write):
        statuses.append(step.status)
    assert len(statuses) == 3
    assert all(status.suspended for status in statuses)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        ({"suspend": True}, ["write 5 SkippedSuspended", "write"]),
        ({"startTime": "2026-03-02T11:00:00Z"}, ["write 5 SkippedSuspended", "write"]),
    ],
)
def test_a_pause_that_is_taken_back_with_an_edit_dated_after_now_is_closed_up_to_the_edit(
    edit: dict[str, Any], told: list[str]
) -> None:
    """Who writes has a clock that is a second behind the API server's."""
    ready = replace(decide_ready(cron_job(**EVERY_SECOND)), settled_through=at("12:00:07"))
    during = step_of(cron_job(**EVERY_SECOND, **paused("13:00")), "12:00:07.5", status=ready)
    assert isinstance(during, Write)
    cron = cron_job(**EVERY_SECOND, **edit, edited="12:00:12")
    assert told_one_after_the_other(cron, "12:00:10.5", during.status) == told


def test_an_edit_that_raises_the_jitter_leaves_no_instant_of_a_pause_without_an_outcome() -> None:
    minutes: dict[str, Any] = {"schedule": "* * * * *"}
    ready = replace(decide_ready(cron_job(**minutes)), settled_through=at("12:00"))
    during = step_of(cron_job(**minutes, **paused("12:07")), "12:00:01", status=ready)
    assert isinstance(during, Write)
    cron = cron_job(**minutes, jitterSeconds=300, edited="12:15", **paused("12:07"))
    last = int((at("12:15") - cron.shift - at("12:00")) / timedelta(minutes=1))
    assert cron.shift > timedelta(minutes=1)
    assert told_one_after_the_other(cron, "12:16:01", during.status) == [
        "write 6 SkippedSuspended",
        f"write {last - 6} MissedEdit",
    ]


def test_two_clocks_about_the_end_of_a_pause_leave_nothing_of_it_open() -> None:
    """Who stands in is ahead, and calls it over; who owns the key is behind; then there is an edit."""
    ahead = called_over("12:00:20.3")
    behind = step_of(cron_job(**EVERY_SECOND, **UNTIL_20), "12:00:19.5", status=ahead, complete=True)
    assert isinstance(behind, Wait), "it says neither that the pause goes on nor that its rest is told"
    assert (ahead.settled_through, ahead.next_schedule_at) == (at("12:00:17"), at("12:00:18"))
    for edited, expected in (
        ("12:00:21", ["write 2 SkippedSuspended", "write 2 MissedEdit"]),
        ("12:00:19", ["write 2 SkippedSuspended", "write"]),
    ):
        edit = cron_job(**EVERY_SECOND, startTime="2026-03-02T11:00:00Z", edited=edited, **UNTIL_20)
        assert told_one_after_the_other(edit, "12:00:21.5", ahead)[:2] == expected


def test_a_suspension_that_outlasted_a_pause_skips_up_to_the_edit_that_ends_it() -> None:
    during = step_of(cron_job(suspend=True, **paused("12:07")), "12:00:01", status=decide_ready(cron_job()))
    assert isinstance(during, Write)
    cron = cron_job(edited="12:21", catchUpPolicy="All", **paused("12:07"))
    step = step_of(cron, "12:21:01", status=during.status, complete=True)
    assert described(step) == "write 5 SkippedSuspended"


def test_a_pause_that_nobody_can_read_does_not_pause_and_is_told() -> None:
    cron = cron_job(annotations={"suspend-until": "tomorrow"})
    step = step_of(cron, "11:59", status=decide_ready(cron_job()))
    assert isinstance(step, Write)
    condition = step.status.condition(SUSPENDED)
    assert condition is not None
    assert (condition.status, condition.reason) == (False, "InvalidSuspendUntil")
    assert "'tomorrow'" in condition.message
    assert described(step_of(cron, "12:00:01", status=step.status)) == "create 12:00"


def failing(cron: CronJob, failures: int) -> Status:
    """The status after so many failed Jobs in a row, the last of them that of 11:55."""
    status = replace(
        decide_ready(cron),
        failures_in_row=failures - 1,
        active=(slot(cron, "11:55", uid="job-11:55"),),
    )
    step = step_of(cron, "11:56:01", status=status, jobs=(job(cron, "11:55", finished="11:56", succeeded=False),))
    assert isinstance(step, Write)
    return step.status


def test_as_many_failures_in_a_row_as_allowed_open_the_circuit() -> None:
    cron = cron_job(suspendAfterFailures=3)
    assert failing(cron, 2).condition(CIRCUIT_OPEN) is None
    status = failing(cron, 3)
    condition = status.condition(CIRCUIT_OPEN)
    assert condition is not None
    assert condition.status
    assert "3 Jobs failed in a row" in condition.message
    assert status.next_schedule_at is None
    assert waits_until(step_of(cron, "12:00:01", status=status)) == at("13:00:01")
    assert described(step_of(cron, "12:56", status=status)) == "write 12 SkippedSuspended"


def test_a_success_between_failures_begins_the_count_anew() -> None:
    cron = cron_job(suspendAfterFailures=2)
    status = replace(decide_ready(cron), failures_in_row=1, active=(slot(cron, "11:55", uid="job-11:55"),))
    step = step_of(cron, "11:56:01", status=status, jobs=(job(cron, "11:55", finished="11:56"),))
    assert isinstance(step, Write)
    assert step.status.failures_in_row == 0


def test_failures_are_not_counted_where_no_limit_is_set() -> None:
    assert failing(cron_job(), 3).failures_in_row == 0


def test_a_scheduled_job_that_succeeds_late_does_not_close_the_circuit() -> None:
    cron = cron_job(suspendAfterFailures=1)
    status = replace(failing(cron, 1), active=(slot(cron, "11:50", uid="job-11:50"),))
    step = step_of(cron, "11:57", status=status, jobs=(job(cron, "11:50", finished="11:56:30"),))
    assert isinstance(step, Write)
    condition = step.status.condition(CIRCUIT_OPEN)
    assert condition is not None
    assert condition.status


def manual_slot(cron: CronJob, scheduled: str, *, value: str = "now-1", uid: str | None = None) -> Slot:
    return Slot(
        name=manual_name(cron, value),
        scheduled_at=at(scheduled),
        uid=uid,
        trigger=Trigger.MANUAL,
        trigger_id=value,
    )


def manual_job(cron: CronJob, scheduled: str, **changes: Any) -> Job:
    name = manual_name(cron, "now-1")
    return job(cron, scheduled, name=name, trigger=Trigger.MANUAL, uid="manual", **changes)


def test_a_manual_run_that_succeeds_closes_the_circuit_and_what_passed_meanwhile_does_not_fire() -> None:
    cron = cron_job(suspendAfterFailures=1, catchUpPolicy="All", annotations=TRIGGERED)
    status = replace(
        failing(cron_job(suspendAfterFailures=1), 1),
        active=(manual_slot(cron, "12:11", uid="manual"),),
        last_trigger=LastTrigger(value="now-1", at=at("12:11"), outcome="created"),
    )
    step = step_of(cron, "12:12", status=status, jobs=(manual_job(cron, "12:11", finished="12:11:30"),))
    assert described(step) == "write 3 SkippedSuspended"
    assert isinstance(step, Write)
    assert step.status.failures_in_row == 0
    condition = step.status.condition(CIRCUIT_OPEN)
    assert condition is not None
    assert not condition.status
    assert step.status.next_schedule_at == at("12:15")


def test_the_circuit_stays_open_until_every_instant_before_that_success_is_told() -> None:
    fields: dict[str, Any] = {"schedule": "* * * * * *", "suspendAfterFailures": 1}
    cron = cron_job(**fields, annotations=TRIGGERED)
    status = replace(
        failing(cron_job(suspendAfterFailures=1), 1),
        schedule_hash=cron.spec.schedule_hash,
        settled_through=at("12:00"),
        active=(manual_slot(cron, "12:19", uid="manual"),),
        last_trigger=LastTrigger(value="now-1", at=at("12:19"), outcome="created"),
    )
    ended = (manual_job(cron, "12:19", finished="12:19:30"),)
    first = step_of(cron, "12:20", status=status, jobs=ended)
    assert described(first) == "write 1000 SkippedSuspended"
    assert isinstance(first, Write)
    assert first.status.suspended
    rest = step_of(cron, "12:20", status=first.status, jobs=ended)
    assert described(rest) == "write 200 SkippedSuspended"
    assert isinstance(rest, Write)
    assert not rest.status.suspended


@pytest.mark.parametrize(("finished", "row"), [("11:57", 0), ("11:59", 1)], ids=["before the edit", "after it"])
def test_a_failure_after_an_edit_counts_though_one_write_tells_of_both(finished: str, row: int) -> None:
    """Nobody could write in between (simulated, seed 610965)."""
    before = cron_job(suspendAfterFailures=1)
    status = replace(decide_ready(before), active=(slot(before, "11:55", uid="job-11:55"),))
    cron = replace(cron_job(suspendAfterFailures=1, edited="11:58"), generation=before.generation + 1)
    jobs = (job(cron, "11:55", finished=finished, succeeded=False),)
    step = step_of(cron, "11:59:30", status=status, jobs=jobs, checked=Checked(objection=None), complete=True)
    assert isinstance(step, Write)
    assert step.status.failures_in_row == row
    condition = step.status.condition(CIRCUIT_OPEN)
    assert (condition is not None and condition.status) == bool(row)


def test_an_edit_of_anything_in_the_spec_closes_the_circuit_and_fires_nothing_backwards() -> None:
    status = failing(cron_job(suspendAfterFailures=1), 1)
    cron = replace(cron_job(suspendAfterFailures=1, catchUpPolicy="All", edited="12:12"), generation=2)
    assert described(step_of(cron, "12:12:01", status=status)) == "check"
    known: dict[str, Any] = {"checked": Checked(objection=None), "complete": True}
    step = step_of(cron, "12:12:01", status=status, **known)
    assert described(step) == "write 3 SkippedSuspended"
    assert isinstance(step, Write)
    assert step.status.failures_in_row == 0
    assert not step.status.suspended
    assert step.status.observed_generation == 2
    assert waits_until(step_of(cron, "12:12:02", status=step.status, **known)) == at("12:15")


# --- manual runs -----------------------------------------------------------------------------------------------------


MANUAL = {
    "one run now": Row(spec={"annotations": TRIGGERED}, now="11:56", asks="write claim manual 11:56"),
    "it looks first": Row(spec={"annotations": TRIGGERED}, now="11:56", complete=False, asks="look"),
    "even while suspended": Row(
        spec={"annotations": TRIGGERED, "suspend": True}, now="11:56", asks="write claim manual 11:56"
    ),
    "even while paused": Row(
        spec={"annotations": {**TRIGGERED, "suspend-until": "2026-03-02T18:00:00Z"}},
        now="11:56",
        asks="write claim manual 11:56",
    ),
    "even without a schedule": Row(
        spec={"annotations": TRIGGERED, "schedule": "30 2 31 2 *"}, now="11:56", asks="write claim manual 11:56"
    ),
    "even when no run is left": Row(
        spec={"annotations": TRIGGERED, "maxRuns": 2}, status=runs(2), now="11:56", asks="write claim manual 11:56"
    ),
    "under Forbid beside an active Job": Row(
        spec={"annotations": TRIGGERED, **FORBID}, active=("11:55",), now="11:56", asks="write SkippedForbid"
    ),
    "under Replace it is the newest": Row(
        spec={"annotations": TRIGGERED, **REPLACE}, active=("11:55",), now="11:56", asks="write claim manual 11:56"
    ),
    "under Queue it waits": Row(
        spec={"annotations": TRIGGERED, **QUEUE}, active=("11:55",), now="11:56", asks="write queue manual 11:56"
    ),
    "under Queue behind a full queue": Row(
        spec={"annotations": TRIGGERED, **QUEUE},
        active=("11:50",),
        queued=("11:55",),
        now="11:56",
        asks="write SkippedQueueFull queue 11:55",
    ),
    "an instant that is due goes first": Row(
        spec={"annotations": TRIGGERED, **FORBID}, asks="write SkippedForbid claim 12:00"
    ),
    "it has no deadline": Row(
        spec={"annotations": TRIGGERED, "startingDeadlineSeconds": 0}, now="11:56", asks="write claim manual 11:56"
    ),
    "the same value does nothing": Row(
        spec={"annotations": TRIGGERED},
        status={"last_trigger": LastTrigger(value="now-1", at=at("11:00"), outcome="created")},
        now="11:56",
        asks="wait until 12:00",
    ),
    "another value is another run": Row(
        spec={"annotations": TRIGGERED},
        status={"last_trigger": LastTrigger(value="before", at=at("11:00"), outcome="created")},
        now="11:56",
        asks="write claim manual 11:56",
    ),
}


@pytest.mark.parametrize("row", MANUAL)
def test_a_manual_run(row: str) -> None:
    assert answer(MANUAL[row]) == MANUAL[row].asks


def test_a_value_that_a_new_object_brings_along_is_only_noted() -> None:
    cron = cron_job(created="11:58", annotations={**TRIGGERED, "backfill": JANUARY})
    step = step_of(cron, "11:58:01", status=Status(), checked=Checked(objection=None))
    assert isinstance(step, Write)
    assert step.status.last_trigger == LastTrigger(value="now-1", at=at("11:58:01"), outcome="noted")
    assert step.status.backfill is not None
    assert (step.status.backfill.interval, step.status.backfill.state) == (JANUARY, BackfillState.NOTED)
    assert waits_until(step_of(cron, "11:58:02", status=step.status)) == at("12:00")


def test_a_manual_run_is_recorded_as_manual_and_counts_as_no_instant() -> None:
    cron = cron_job(annotations=TRIGGERED)
    claimed = step_of(cron, "11:56", status=decide_ready(cron), complete=True)
    assert isinstance(claimed, Write)
    assert claimed.status.counts == {}
    assert claimed.status.last_trigger == LastTrigger(value="now-1", at=at("11:56"), outcome="pending")
    create = step_of(cron, "11:56:00.1", status=claimed.status, complete=True)
    assert isinstance(create, Create)
    (firing,) = create.firings
    assert (firing.trigger, firing.trigger_id) == (Trigger.MANUAL, "now-1")
    assert firing.name == manual_name(cron, "now-1")
    assert (firing.previous_at, firing.next_at) == (at("11:55"), at("12:00"))
    seen = step_of(cron, "11:56:00.2", status=claimed.status, jobs=(manual_job(cron, "11:56"),))
    assert isinstance(seen, Write)
    assert seen.status.counts == {}
    assert seen.status.settled_through == at("11:55")
    assert seen.status.last_schedule_at is None
    assert seen.status.last_trigger is not None
    assert (seen.status.last_trigger.outcome, seen.status.last_trigger.reason) == ("created", "Created")
    assert [(one.trigger, one.reason) for one in seen.status.recent] == [(Trigger.MANUAL, Reason.CREATED)]


@pytest.mark.parametrize("first", ["schedule", "manual"])
def test_a_manual_run_is_younger_than_the_instant_of_its_own_second(first: str) -> None:
    cron = cron_job(concurrencyPolicy="Replace", annotations=TRIGGERED)
    jobs = [job(cron, "12:00"), manual_job(cron, "12:00")]
    status = replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        active=(slot(cron, "12:00", uid="job-12:00"), manual_slot(cron, "12:00:00.4", uid="manual")),
        last_trigger=LastTrigger(value="now-1", at=at("12:00"), outcome="created"),
    )
    ordered = jobs if first == "schedule" else jobs[::-1]
    step = step_of(cron, "12:00:02", status=status, jobs=tuple(ordered), complete=True)
    assert step == Delete(jobs=(jobs[0],), cause=Cause.REPLACED)


def test_a_value_that_has_had_its_run_is_noted_and_counts_nothing_again() -> None:
    cron = cron_job(annotations=TRIGGERED)
    done = manual_job(cron, "11:50", finished="11:51")
    status = replace(
        decide_ready(cron), last_trigger=LastTrigger(value="between", at=at("11:52"), outcome="created", job="x")
    )
    step = step_of(cron, "11:56:00.5", status=status, jobs=(done,), complete=True)
    assert described(step) == "write"
    assert isinstance(step, Write)
    assert step.status.last_trigger == LastTrigger(value="now-1", at=at("11:56"), outcome="noted", job=done.name)
    assert step.finished == ()


def test_before_a_manual_run_is_promised_the_store_is_asked_whether_its_value_ever_had_one() -> None:
    cron = cron_job(annotations=TRIGGERED)
    known: dict[str, Any] = {"status": decide_ready(cron), "complete": True}
    lately = Recalled(after=at("11:50"))
    step = step_of(cron, "11:56", recalled=lately, **known)
    assert step == Recall(after=at("11:00"))
    had = Recalled(after=at("11:00"), names=frozenset({manual_name(cron, "now-1")}))
    noted = step_of(cron, "11:56", recalled=had, **known)
    assert isinstance(noted, Write)
    assert noted.status.active == ()
    assert noted.status.last_trigger is not None
    assert noted.status.last_trigger.outcome == "noted"


def test_a_manual_run_is_told_in_whole_seconds() -> None:
    cron = cron_job(annotations=TRIGGERED)
    claimed = step_of(cron, "11:56:00.25", status=decide_ready(cron), complete=True)
    assert isinstance(claimed, Write)
    create = step_of(cron, "11:56:00.3", status=claimed.status, complete=True)
    assert isinstance(create, Create)
    assert [firing.scheduled_at for firing in create.firings] == [at("11:56")]
    seen = step_of(cron, "11:56:00.4", status=claimed.status, jobs=(manual_job(cron, "11:56"),))
    assert isinstance(seen, Write)
    assert [outcome.scheduled_at for outcome in seen.outcomes] == [at("11:56")]


def test_a_manual_run_whose_job_was_recorded_and_is_gone_is_not_repeated() -> None:
    cron = cron_job(annotations=TRIGGERED)
    claimed = step_of(cron, "11:56", status=decide_ready(cron), complete=True)
    assert isinstance(claimed, Write)
    gone = manual_job(cron, "11:56", gone=True, finished="11:56:30")
    assert described(step_of(cron, "11:57", status=claimed.status, jobs=(gone,), complete=True)) == "write Created"


def test_a_node_that_stands_in_answers_only_once_it_has_waited() -> None:
    cron = cron_job(annotations=TRIGGERED)
    cron = replace(cron, requests=replace(cron.requests, made_at=at("11:56")))
    status = decide_ready(cron_job())
    stand_in = replace(OWNING, delay=timedelta(seconds=5))
    assert waits_until(step_of(cron, "11:56:04", status=status, stance=stand_in)) == at("11:56:05")
    step = step_of(cron, "11:56:05", status=status, stance=stand_in, complete=True)
    assert described(step) == "write claim manual 11:56:05"


# --- backfills -------------------------------------------------------------------------------------------------------

JANUARY = "2026-03-02T10:00:00Z/2026-03-02T10:20:00Z"
"""Four instants: 10:00, 10:05, 10:10, 10:15. The end is exclusive."""
JANUARY_ASKED = {"backfill": JANUARY}
ASKED_FOR: dict[str, Any] = {"annotations": JANUARY_ASKED, "created": "09:00"}


def running(through: str | None = None, **changes: Any) -> dict[str, Any]:
    decided = None if through is None else at(through)
    backfill = Backfill(interval=JANUARY, state=BackfillState.RUNNING, through=decided, total=4)
    return {"backfill": replace(backfill, **changes)}


BACKFILLS = {
    "one at a time, oldest first": Row(spec=ASKED_FOR, now="11:56", asks="write claim backfill 10:00"),
    "it looks first": Row(spec=ASKED_FOR, now="11:56", complete=False, asks="look"),
    "as many as maxActiveJobs says": Row(
        spec={**ASKED_FOR, "maxActiveJobs": 3},
        now="11:56",
        asks="write claim backfill 10:00 backfill 10:05 backfill 10:10",
    ),
    "Jobs of the schedule do not count under Allow": Row(
        spec=ASKED_FOR, active=("11:50", "11:55"), now="11:56", asks="write claim backfill 10:00"
    ),
    "under Forbid they do": Row(
        spec={**ASKED_FOR, **FORBID}, active=("11:55",), status=running(), now="11:56", asks="wait until 12:00"
    ),
    "under Replace it replaces nothing": Row(
        spec={**ASKED_FOR, **REPLACE}, active=("11:55",), status=running(), now="11:56", asks="wait until 12:00"
    ),
    "an instant that is due goes first": Row(spec={**ASKED_FOR, **FORBID}, status=running(), asks="write claim 12:00"),
    "the queue goes first": Row(
        spec={**ASKED_FOR, **QUEUE},
        queued=("11:50",),
        status=running(),
        now="11:56",
        asks="write claim 11:50",
    ),
    "it rests while suspended": Row(
        spec={**ASKED_FOR, "suspend": True}, status=running(), now="11:56", asks="wait until 12:56"
    ),
    "it goes on from its cursor": Row(
        spec=ASKED_FOR, status=running("10:05", created=2), now="11:56", asks="write claim backfill 10:10"
    ),
    "it has no more than its interval": Row(
        spec={**ASKED_FOR, "maxActiveJobs": 9}, status=running("10:10"), now="11:56", asks="write claim backfill 10:15"
    ),
    "it asks the recent-job store from its beginning on": Row(
        spec=ASKED_FOR, now="11:56", known={"recalled": None}, asks="recall"
    ),
}


@pytest.mark.parametrize("row", BACKFILLS)
def test_a_backfill(row: str) -> None:
    assert answer(BACKFILLS[row]) == BACKFILLS[row].asks


def backfill_of(cron: CronJob, now: str = "11:56", status: Status | None = None, **known: Any) -> Backfill:
    step = step_of(cron, now, status=status or decide_ready(cron), complete=True, **known)
    assert isinstance(step, Write)
    assert step.status.backfill is not None
    return step.status.backfill


@pytest.mark.parametrize(
    ("interval", "says"),
    [
        ("2026-03-02T10:00:00Z/2026-03-02T18:00:00Z", "not over yet"),
        ("2026-03-02T10:20:00Z/2026-03-02T10:00:00Z", "ends before it begins"),
        ("yesterday", "write two RFC 3339 instants"),
        ("2026-03-02T10:00:00Z/", "write two RFC 3339 instants"),
        ("1990-01-01T00:00:00Z/2026-03-02T10:00:00Z", "more than 10000 instants"),
    ],
)
def test_a_backfill_that_makes_no_sense_is_refused_with_a_sentence(interval: str, says: str) -> None:
    refused = backfill_of(cron_job(annotations={"backfill": interval}))
    assert refused.state is BackfillState.REFUSED
    assert says in refused.message


def test_a_backfill_without_a_schedule_is_refused() -> None:
    refused = backfill_of(cron_job(schedule="30 2 31 2 *", annotations={"backfill": JANUARY}))
    assert refused.state is BackfillState.REFUSED


def test_a_backfill_leaves_out_what_is_recorded_as_created() -> None:
    cron = cron_job(**ASKED_FOR)
    known: dict[str, Any] = {"jobs": (job(cron, "10:00"),), "recalled": recalled(cron, "10:05", "10:15")}
    progress = backfill_of(cron, **known)
    assert (progress.total, progress.left_out, progress.through) == (4, 3, at("10:15"))


def test_a_backfill_is_done_when_every_instant_is_decided_and_its_jobs_were_seen() -> None:
    cron = cron_job(**ASKED_FOR)
    last = Slot(
        name=backfill_name(cron, JANUARY, at("10:15")),
        scheduled_at=at("10:15"),
        trigger=Trigger.BACKFILL,
        trigger_id=JANUARY,
    )
    status = replace(decide_ready(cron), active=(last,), **running("10:15", created=3))
    assert described(step_of(cron, "11:56", status=status, complete=True)) == "create 10:15"
    made = job(cron, "10:15", name=last.name, trigger=Trigger.BACKFILL, created_at=at("11:56"))
    done = backfill_of(cron, status=status, jobs=(made,))
    assert (done.state, done.created) == (BackfillState.DONE, 4)


def test_a_backfill_counts_what_the_api_server_refuses_and_goes_on() -> None:
    cron = cron_job(**ASKED_FOR)
    name = backfill_name(cron, JANUARY, at("10:00"))
    place = Slot(name=name, scheduled_at=at("10:00"), trigger=Trigger.BACKFILL, trigger_id=JANUARY)
    status = replace(decide_ready(cron), active=(place,), **running("10:00"))
    turned_down = replace(attempt("10:00", final=True), name=name, trigger=Trigger.BACKFILL)
    step = step_of(cron, "11:56", status=status, complete=True, attempts=(turned_down,))
    assert isinstance(step, Write)
    assert step.status.counts == {}
    assert step.status.backfill is not None
    assert step.status.backfill.create_failed == 1


def test_a_backfill_that_is_taken_back_stops_and_goes_on_when_it_is_asked_for_again() -> None:
    status = replace(decide_ready(cron_job(created="09:00")), **running("10:05", created=2))
    cancelled = backfill_of(cron_job(created="09:00"), status=status)
    assert cancelled.state is BackfillState.CANCELLED
    again = backfill_of(cron_job(**ASKED_FOR), status=replace(status, backfill=cancelled))
    assert (again.state, again.through, again.created) == (BackfillState.RUNNING, at("10:10"), 2)


def test_a_backfill_beyond_the_last_run_ends_with_it() -> None:
    interval = "2026-03-02T11:50:00Z/2026-03-02T12:20:00Z"
    cron = cron_job(annotations={"backfill": interval}, maxRuns=1, maxActiveJobs=9)
    status = replace(decide_ready(cron), settled_through=at("12:00"), **runs(1))
    step = step_of(cron, "12:30", status=status, complete=True, recalled=recalled(cron, "12:00"))
    assert isinstance(step, Write)
    assert [one.scheduled_at for one in step.status.active] == [at("11:50"), at("11:55")]
    assert step.status.backfill is not None
    assert step.status.backfill.through == at("12:00")
    settled = replace(step.status, active=())
    done = step_of(cron, "12:31", status=settled, complete=True)
    assert isinstance(done, Write)
    assert done.status.backfill is not None
    assert done.status.backfill.state is BackfillState.DONE
    assert done.status.backfill.total == done.status.backfill.left_out == 1


def test_a_backfill_waits_for_instants_whose_outcome_is_still_open() -> None:
    cron = cron_job(annotations={"backfill": "2026-03-02T11:50:00Z/2026-03-02T12:00:01Z"}, maxActiveJobs=9)
    known: dict[str, Any] = {"jobs": (job(cron, "12:00"),)}
    step = step_of(cron, "12:00:01", status=decide_ready(cron), complete=True, **known)
    assert isinstance(step, Write)
    assert [one.scheduled_at for one in step.status.active if one.uid is None] == [at("11:50"), at("11:55")]


def promised(cron: CronJob) -> Status:
    """The status of an object that has promised the first instant of its backfill a Job."""
    name = backfill_name(cron, JANUARY, at("10:00"))
    place = Slot(name=name, scheduled_at=at("10:00"), trigger=Trigger.BACKFILL, trigger_id=JANUARY)
    return replace(decide_ready(cron), active=(place,), **running("10:00"))


@pytest.mark.parametrize("policy", ["Forbid", "Queue"])
def test_a_promised_instant_of_a_backfill_that_rests_takes_no_place_from_a_manual_run(policy: str) -> None:
    asked = {**JANUARY_ASKED, "trigger": "now-1"}
    cron = cron_job(created="09:00", concurrencyPolicy=policy, suspend=True, annotations=asked)
    step = step_of(cron, "11:56", status=promised(cron), complete=True)
    assert described(step) == "write claim backfill 10:00 manual 11:56"


def test_a_promised_instant_of_a_backfill_that_rested_waits_for_a_place_again() -> None:
    cron = cron_job(**ASKED_FOR, concurrencyPolicy="Forbid")
    status = replace(promised(cron), active=(*promised(cron).active, slot(cron, "11:55", uid="job-11:55")))
    known: dict[str, Any] = {"status": status, "complete": True}
    assert waits_until(step_of(cron, "11:56", jobs=(job(cron, "11:55"),), **known)) == at("12:00")
    ended = step_of(cron, "11:57", jobs=(job(cron, "11:55", finished="11:56:30"),), **known)
    assert described(ended) == "create 10:00"


def test_a_claimed_instant_of_a_backfill_is_not_filled_while_nothing_may_fire() -> None:
    fields = {**ASKED_FOR, "suspend": True}
    cron = cron_job(**fields)
    place = Slot(
        name=backfill_name(cron, JANUARY, at("10:00")),
        scheduled_at=at("10:00"),
        trigger=Trigger.BACKFILL,
        trigger_id=JANUARY,
    )
    status = replace(decide_ready(cron), active=(place,), **running("10:00"))
    assert described(step_of(cron, "11:56", status=status, complete=True)) == "wait until 12:56"


# --- jitter ----------------------------------------------------------------------------------------------------------


def test_jitter_is_one_constant_shift_within_its_bounds() -> None:
    shifts = {replace(cron_job(jitterSeconds=600), uid=f"uid-{number}").shift for number in range(200)}
    assert len(shifts) > 150
    assert all(timedelta(0) <= shift <= timedelta(seconds=600) for shift in shifts)
    assert cron_job(jitterSeconds=600).shift == cron_job(jitterSeconds=600).shift
    assert cron_job().shift == timedelta(0)


def shifted(**spec: Any) -> CronJob:
    """An object whose firings are put off by two minutes."""
    cron = cron_job(jitterSeconds=3600, **spec)
    while cron.shift != timedelta(minutes=2):
        cron = replace(cron, uid=f"{int(cron.uid, 16) + 1:x}" if len(cron.uid) < 8 else "1")
    return cron


def test_a_shifted_instant_fires_later_and_keeps_its_nominal_name() -> None:
    cron = shifted()
    status = decide_ready(cron)
    assert waits_until(step_of(cron, "12:01:59", status=status)) == at("12:02")
    step = step_of(cron, "12:02", status=status)
    assert described(step) == "create 12:00"


@pytest.mark.parametrize(
    ("spec", "now", "asks"),
    [
        pytest.param({"startingDeadlineSeconds": 60}, "12:02:59", "create 12:00", id="within its deadline"),
        pytest.param({"startingDeadlineSeconds": 60}, "12:03:01", "write MissedDeadline", id="past its deadline"),
        pytest.param({"catchUpPolicy": "None"}, "12:02:09", "create 12:00", id="only late"),
        pytest.param({"catchUpPolicy": "None"}, "12:02:11", "write MissedCatchUp", id="not caught up"),
    ],
)
def test_what_counts_from_the_instant_counts_from_the_shifted_one(spec: dict[str, Any], now: str, asks: str) -> None:
    cron = shifted(**spec)
    assert described(step_of(cron, now, status=decide_ready(cron), complete=True)) == asks


def test_an_edit_counts_from_the_shifted_instant() -> None:
    cron = shifted(edited="12:01")
    status = replace(decide_ready(cron), schedule_hash="before", next_schedule_at=at("12:00"))
    step = step_of(cron, "12:01:01", status=status, complete=True)
    assert isinstance(step, Write)
    assert step.outcomes == ()  # 12:00 is due at 12:02, after the edit
    assert described(step_of(cron, "12:02", status=step.status)) == "create 12:00"
