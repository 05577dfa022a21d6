"""Where two rules meet: an edit and a queue, jitter and a manual run, a refusal and a catch-up, and others like that.

Each of these was a defect once. Every object fires every five minutes and is settled through 11:55.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import statusbody
from controller.asked import Backfill, BackfillState, LastTrigger
from controller.conditions import CIRCUIT_OPEN, COMPLETED, INVALID_JOB_TEMPLATE, READY, Condition
from controller.decision import decide
from controller.names import backfill_name, manual_name
from controller.observation import Attempt, Checked, Observed
from controller.outcomes import Reason, Trigger
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Cause, Check, Create, Delete, Step, Wait, Write
from tests.unit.builders import at, cron_job, job
from tests.unit.deciding import (
    ASKED,
    LATE,
    OWNING,
    attempt,
    decide_ready,
    described,
    schedule_of,
    slot,
    step_of,
    waits_until,
)

INTERVAL = "2026-03-02T08:00:00Z/2026-03-02T09:00:00Z"


def promised(cron: CronJob, scheduled: str) -> Slot:
    """A slot that a backfill has claimed and that no Job fills."""
    name = backfill_name(cron, INTERVAL, at(scheduled))
    return Slot(name=name, scheduled_at=at(scheduled), trigger=Trigger.BACKFILL, trigger_id=INTERVAL)


def manual(cron: CronJob, scheduled: str, *, uid: str | None = None) -> Slot:
    name = manual_name(cron, "x")
    return Slot(name=name, scheduled_at=at(scheduled), uid=uid, trigger=Trigger.MANUAL, trigger_id="x")


# --- Replace and jitter -----------------------------------------------------------------------------------------------


def test_under_replace_a_firing_that_jitter_puts_off_replaces_a_manual_run_before_it() -> None:
    cron = cron_job(concurrencyPolicy="Replace", jitterSeconds=3600)
    asked_at = at("12:00") + cron.shift - timedelta(minutes=5)
    assert cron.shift > timedelta(minutes=5)  # the nominal instant lies before the manual run, the firing after it
    run = job(cron, "12:00", name="m", trigger=Trigger.MANUAL, scheduled_at=asked_at, uid="m")
    fired = job(cron, "12:00", created_at=at("12:00") + cron.shift)
    asked = Slot(name="m", scheduled_at=asked_at, uid="m", trigger=Trigger.MANUAL, trigger_id="x")
    status = replace(
        decide_ready(cron), settled_through=at("12:00"), active=(asked, slot(cron, "12:00", uid="job-12:00"))
    )
    known = Observed(status=status, jobs=(run, fired), complete=True, recalled=ASKED)
    now = at("12:00:02") + cron.shift
    assert decide(cron, schedule_of(cron), known, now, OWNING) == Delete(jobs=(run,), cause=Cause.REPLACED)


@pytest.mark.parametrize("jitter", [0, 86400])
def test_a_refused_manual_run_is_given_up_when_the_next_instant_is_due_whatever_the_jitter(jitter: int) -> None:
    cron = cron_job(annotations={"trigger": "x"}, jitterSeconds=jitter)
    refused = Attempt(
        name=manual_name(cron, "x"),
        scheduled_at=at("12:01"),
        trigger=Trigger.MANUAL,
        message="quota",
        final=False,
        first_at=at("12:01"),
        pause=LATE,
        retry_at=at("23:00"),
    )
    status = replace(
        decide_ready(cron),
        settled_through=at("12:30"),
        active=(manual(cron, "12:01"),),
        last_trigger=LastTrigger(value="x", at=at("12:01"), outcome="pending"),
    )
    step = step_of(cron, "12:31", status=status, attempts=(refused,), complete=True)
    assert "CreateFailed" in described(step)


# --- a backfill that is taken back ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked", [{}, {"backfill": "2026-03-02T06:00:00Z/2026-03-02T07:00:00Z"}], ids=["gone", "other"]
)
def test_a_backfill_that_is_taken_back_gives_its_promised_places_back(asked: dict[str, str]) -> None:
    cron = cron_job(created="05:00", concurrencyPolicy="Forbid", annotations=asked)
    running = Backfill(interval=INTERVAL, state=BackfillState.RUNNING, total=12, through=at("08:00"))
    status = replace(decide_ready(cron), active=(promised(cron, "08:00"),), backfill=running)
    assert described(step_of(cron, "11:56", status=status)) == "look"
    step = step_of(cron, "11:56", status=status, complete=True)
    assert isinstance(step, Write)
    assert not [slot for slot in step.status.active if slot.trigger_id == INTERVAL]
    assert [(one.reason, one.message) for one in step.outcomes] == [
        (Reason.CREATE_FAILED, "the backfill was taken back before")
    ]
    assert step.status.counts == {}


# --- an edit while something waits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        pytest.param({"schedule": "0 0 1 1 *"}, Reason.MISSED_EDIT, id="another schedule"),
        pytest.param({"endTime": "2026-03-02T11:51:00Z"}, Reason.MISSED_EDIT, id="an end"),
        pytest.param({"suspend": True}, Reason.SKIPPED_SUSPENDED, id="a suspension"),
    ],
)
def test_what_waits_when_the_schedule_is_edited_has_lost_its_turn(spec: dict[str, Any], reason: Reason) -> None:
    before = cron_job(concurrencyPolicy="Queue")
    cron = cron_job(concurrencyPolicy="Queue", edited="11:56", **spec)
    status = replace(decide_ready(before), queued=(slot(before, "11:55"), manual(before, "11:55:30")))
    step = step_of(cron, "11:56:01", status=status, complete=True)
    assert isinstance(step, Write)
    assert [(one.scheduled_at, one.reason) for one in step.outcomes] == [(at("11:55"), reason)]
    assert step.status.queued == (manual(before, "11:55:30"),)


def test_an_instant_that_was_refused_is_not_fired_once_the_schedule_is_another() -> None:
    cron = cron_job(schedule="0 0 1 1 *", jitterSeconds=3600)
    known = Observed(status=decide_ready(cron), attempts=(attempt("12:00", final=False),), recalled=ASKED)
    step = decide(cron, schedule_of(cron), known, at("12:01") + cron.shift, OWNING)
    assert not isinstance(step, Create)


def test_the_number_of_runs_told_is_the_number_that_have_fired() -> None:
    cron = cron_job(maxRuns=3)
    status = replace(decide_ready(cron), counts={"due": 4, "created": 4})
    step = step_of(cron, "11:56", status=status)
    assert isinstance(step, Write)
    completed = step.status.condition(COMPLETED)
    assert completed is not None
    assert completed.message == "it has fired 4 times"


@pytest.mark.parametrize("stopped", [{"suspend": True}, {"annotations": {"suspend-until": "2026-03-02T18:00:00Z"}}])
def test_a_job_made_just_before_a_suspension_is_settled_at_once_and_not_within_the_hour(
    stopped: dict[str, Any],
) -> None:
    cron = cron_job(**stopped)
    told = step_of(cron, "11:56", status=decide_ready(cron))
    status = told.status if isinstance(told, Write) else decide_ready(cron)
    step = step_of(cron, "12:00:01", status=status, jobs=(job(cron, "12:00"),))
    assert described(step) == "write Created"


# --- refusals ---------------------------------------------------------------------------------------------------------


def caught_up(now: str, *, first_at: str) -> Step:
    """An instant that is caught up with others, after it was refused for now."""
    cron = cron_job(catchUpPolicy="All")
    status = replace(decide_ready(cron), settled_through=at("11:30"))
    times = ("11:40", "11:45", "11:50", "11:55", "12:00")
    jobs = tuple(job(cron, time, finished=time, gone=True) for time in times)
    refused = replace(attempt("11:35", final=False, retry="12:30"), first_at=at(first_at))
    return step_of(cron, now, status=status, jobs=jobs, attempts=(refused,), complete=True)


def test_a_caught_up_instant_that_is_refused_for_now_is_tried_for_as_long_as_the_late_window() -> None:
    assert "CreateFailed" not in described(caught_up("12:00:12", first_at="12:00:02"))
    assert described(caught_up("12:00:13", first_at="12:00:02")) == "write CreateFailed 5 Created"


def test_a_deadline_is_told_when_it_is_over_and_not_at_the_next_try() -> None:
    cron = cron_job(startingDeadlineSeconds=5)
    known: dict[str, Any] = {"attempts": (attempt("12:00", final=False),)}
    told = step_of(cron, "12:00:04", status=decide_ready(cron), **known)
    assert isinstance(told, Write)  # it says that the object is not ready
    assert waits_until(step_of(cron, "12:00:04", status=told.status, **known)) == at("12:00:06")


def test_a_template_that_was_objected_to_and_makes_a_job_is_checked_again() -> None:
    cron = cron_job()
    objection = Condition(type=READY, status=False, reason=INVALID_JOB_TEMPLATE, message="a policy denied it")
    ready = decide_ready(cron)
    status = replace(ready, conditions=(objection, *(one for one in ready.conditions if one.type != READY)))
    known: dict[str, Any] = {"status": status, "jobs": (job(cron, "12:00"),)}
    assert step_of(cron, "12:00:02", **known) == Check()
    for answer, reason in ((None, "Scheduled"), ("unknown field", INVALID_JOB_TEMPLATE)):
        step = step_of(cron, "12:00:02", checked=Checked(objection=answer), **known)
        assert isinstance(step, Write)
        condition = step.status.condition(READY)
        assert condition is not None
        assert condition.reason == reason


# --- circuits ---------------------------------------------------------------------------------------------------------


def test_an_edit_of_the_template_forgets_the_failures_before_it() -> None:
    cron = cron_job(suspendAfterFailures=3)
    status = replace(decide_ready(cron), failures_in_row=2, observed_generation=0)
    step = step_of(cron, "11:56", status=status, checked=Checked(objection=None))
    assert isinstance(step, Write)
    assert step.status.failures_in_row == 0


def test_a_node_that_stands_in_closes_no_circuit_for_it_passes_only_what_is_old_enough() -> None:
    cron = cron_job(schedule="* * * * * *", suspendAfterFailures=1)
    ready = decide_ready(cron_job())
    open_ = Condition(type=CIRCUIT_OPEN, status=True, reason="TooManyFailures")
    status = replace(
        ready,
        schedule_hash=cron.spec.schedule_hash,
        failures_in_row=1,
        conditions=(*ready.conditions, open_),
        active=(manual(cron, "11:58", uid="m"),),
        last_trigger=LastTrigger(value="x", at=at("11:58"), outcome="created"),
    )
    run = job(cron, "11:58", name=manual_name(cron, "x"), trigger=Trigger.MANUAL, finished="11:59:59", uid="m")
    known: dict[str, Any] = {"jobs": (run,), "complete": True}
    stand_in = replace(OWNING, delay=timedelta(seconds=5))
    step = step_of(cron, "12:00:00.5", stance=stand_in, status=status, **known)
    assert isinstance(step, Write)
    assert step.status.suspended
    closing = step_of(cron, "12:00:00.5", status=step.status, **known)
    assert isinstance(closing, Write)
    assert not closing.status.suspended
    assert closing.status.settled_through == at("12:00")


def circuit_with(cron: CronJob, *slots: Slot) -> tuple[Status, dict[str, Any]]:
    """The circuit is open, a manual run has succeeded, and nobody has told of its Job yet."""
    open_ = Condition(type=CIRCUIT_OPEN, status=True, reason="TooManyFailures")
    status = replace(
        decide_ready(cron),
        failures_in_row=1,
        conditions=(*decide_ready(cron).conditions, open_),
        active=(*slots, manual(cron, "11:56")),
        last_trigger=LastTrigger(value="x", at=at("11:56"), outcome="Pending"),
    )
    run = job(cron, "11:56", name=manual_name(cron, "x"), trigger=Trigger.MANUAL, finished="11:57", uid="m")
    return status, {"jobs": (run,), "complete": True}


@pytest.mark.parametrize("policy", ["Allow", "Forbid"])
@pytest.mark.parametrize("gone", [False, True], ids=["there", "deleted"])
def test_the_end_that_closes_the_circuit_is_counted_by_the_owning_node_though_another_told_of_the_job(
    policy: str, gone: bool
) -> None:
    cron = cron_job(concurrencyPolicy=policy, suspendAfterFailures=1, annotations={"trigger": "x"})
    status, known = circuit_with(cron)
    known["jobs"] = tuple(replace(run, gone=gone) for run in known["jobs"])
    told = step_of(cron, "11:58", stance=replace(OWNING, delay=timedelta(seconds=3)), status=status, **known)
    assert isinstance(told, Write)
    closing = step_of(cron, "11:58", status=told.status, **known)
    assert isinstance(closing, Write)
    assert (closing.status.failures_in_row, closing.status.counts["succeeded"]) == (0, 1)


def test_the_end_that_closes_the_circuit_is_counted_though_a_slot_is_given_up_first() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", maxActiveJobs=2, suspendAfterFailures=1, annotations={"trigger": "x"})
    status, known = circuit_with(cron, promised(cron, "08:00"))
    given_up = step_of(cron, "11:58", status=status, **known)
    assert described(given_up) == "write CreateFailed Created"
    assert isinstance(given_up, Write)
    closing = step_of(cron, "11:58", status=given_up.status, **known)
    assert isinstance(closing, Write)
    assert (closing.status.failures_in_row, closing.status.counts["succeeded"]) == (0, 1)


# --- a slot is given up while others wait -----------------------------------------------------------------------------


def test_what_waits_and_a_backfill_are_as_they_were_when_a_slot_is_given_up() -> None:
    cron = cron_job(concurrencyPolicy="Queue", startingDeadlineSeconds=600, annotations={"backfill": INTERVAL})
    running = Backfill(interval=INTERVAL, state=BackfillState.RUNNING, total=12)
    waiting = (slot(cron, "11:50"), slot(cron, "11:55"))
    status = replace(decide_ready(cron), active=(slot(cron, "11:45"),), queued=waiting, backfill=running)
    step = step_of(cron, "11:56", status=status, complete=True)
    assert isinstance(step, Write)
    assert described(step) == "write MissedDeadline queue 11:50 11:55"
    assert step.status.backfill == running


def test_a_slot_whose_job_is_known_is_none_that_is_given_up() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), active=(slot(cron, "11:55"),))
    step = step_of(cron, "11:56", status=status, jobs=(job(cron, "11:55", finished="11:55:30"),), complete=True)
    assert isinstance(step, Write)
    assert (step.status.active, step.given_up) == ((), frozenset())


# --- a status of a later version --------------------------------------------------------------------------------------


LATER: dict[str, Any] = {
    "active": [{"name": "x", "scheduledAt": "2026-03-02T11:00:00Z", "trigger": "webhook", "triggerId": "9"}],
    "queued": [{"scheduledAt": "2026-03-02T11:00:00Z", "trigger": "webhook", "triggerId": "9"}],
    "recent": [
        {"scheduledAt": "2026-03-02T11:00:00Z", "reason": "Created", "outcome": "created", "trigger": "webhook"}
    ],
    "backfill": {"interval": "a/b", "state": "Paused", "total": 3},
}


@pytest.mark.parametrize("field", LATER)
def test_a_word_of_a_later_version_is_not_stumbled_over(field: str) -> None:
    cron = replace(cron_job(), status={field: LATER[field], "activeJobs": 1})
    read = statusbody.parse(cron)
    assert read != Status()
    changed = replace(read, owner="node-b")
    assert statusbody.patch(read, changed, cron, now=at("12:00")) == {"owner": "node-b"}  # it is left as it was


def test_a_stand_in_fills_the_slot_that_it_has_claimed_whoever_serves_the_object_by_then() -> None:
    """Seed 704842: another node wrote its name into the status meanwhile, and the slot waited for two more seconds."""
    cron = cron_job(concurrencyPolicy="Forbid")
    claimed = slot(cron, "12:00")
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(claimed,))
    stand_in = replace(OWNING, delay=timedelta(seconds=3))
    known: dict[str, Any] = {"status": status, "complete": True, "recalled": ASKED, "stance": stand_in}
    assert described(step_of(cron, "12:00:01", **known)) == "create 12:00"
    foreign = {claimed.name: at("12:00:01")}
    assert isinstance(step_of(cron, "12:00:01", fill_at=foreign, **known), Wait)
