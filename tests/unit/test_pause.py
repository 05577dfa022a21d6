"""What a decision asks for while everything is paused: the books are kept, and no instant gets a Job or an outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from controller.asked import Backfill, BackfillState
from controller.conditions import CIRCUIT_OPEN
from controller.names import backfill_name, manual_name
from controller.observation import Checked
from controller.outcomes import Trigger
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Step, Wait, Write
from tests.unit.builders import at, cron_job, job
from tests.unit.deciding import OWNING, decide_ready, described, slot, step_of, waits_until

PAUSED = replace(OWNING, paused=True)
FORBID, REPLACE, QUEUE = ({"concurrencyPolicy": policy} for policy in ("Forbid", "Replace", "Queue"))
INTERVAL = "2026-03-02T11:00:00Z/2026-03-02T11:30:00Z"


@dataclass(frozen=True, kw_only=True)
class Row:
    """An object at 12:00:01, settled through 11:55, and what it asks for: awake, and while everything is paused.

    Attributes:
        active: Instants whose Jobs are active, and stand in the status.
        claimed: Instants that were promised their Jobs.
        queued: Instants that wait.
    """

    spec: dict[str, Any] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    active: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    queued: tuple[str, ...] = ()
    finished: tuple[str, ...] = ()
    now: str = "12:00:01"
    awake: str
    paused: str = "wait"


def asked(row: Row, *, paused: bool) -> Step:
    cron = cron_job(annotations=row.annotations, **row.spec)
    status = replace(
        decide_ready(cron),
        active=tuple(slot(cron, time, uid=f"job-{time}") for time in row.active)
        + tuple(slot(cron, time) for time in row.claimed),
        queued=tuple(slot(cron, time) for time in row.queued),
    )
    jobs = tuple(job(cron, time, finished="12:00" if time in row.finished else None) for time in row.active)
    stance = PAUSED if paused else OWNING
    return step_of(cron, row.now, status=status, jobs=jobs, complete=True, stance=stance)


ROWS = {
    "an instant is due": Row(awake="create 12:00"),
    "an instant is due, and must be claimed": Row(spec=FORBID, awake="write claim 12:00"),
    "an instant would be skipped": Row(spec=FORBID, active=("11:55",), awake="write SkippedForbid"),
    "an instant would wait": Row(spec=QUEUE, active=("11:55",), awake="write queue 12:00"),
    "one that waits would have its turn": Row(spec=QUEUE, queued=("11:50",), awake="write claim 11:50 queue 12:00"),
    "a Job was promised": Row(spec=FORBID, claimed=("11:55",), awake="create 11:55"),
    "a Job would make room for a newer one": Row(
        spec=REPLACE, active=("11:50",), claimed=("11:55",), awake="delete (replaced) 11:50"
    ),
    "an outage is to be caught up": Row(spec={"catchUpPolicy": "All"}, now="12:14", awake="create 12:00 12:05 12:10"),
    "an instant is past its deadline": Row(
        spec={"startingDeadlineSeconds": 5}, now="12:01", awake="write MissedDeadline"
    ),
    "a manual run is asked for": Row(
        spec={"schedule": "@yearly"}, annotations={"trigger": "now"}, awake="write claim manual 12:00:01"
    ),
    "a backfill is asked for": Row(
        spec={"schedule": "17 * * * *"}, annotations={"backfill": INTERVAL}, awake="write claim backfill 11:17"
    ),
    "a promise is past its deadline": Row(
        spec={**FORBID, "startingDeadlineSeconds": 60},
        claimed=("11:55",),
        now="11:59",
        awake="write MissedDeadline",
        paused="write MissedDeadline",
    ),
    "a Job has ended": Row(active=("11:55",), finished=("11:55",), now="11:58", awake="write", paused="write"),
}


@pytest.mark.parametrize("row", ROWS)
def test_while_everything_is_paused_nothing_is_created_claimed_or_counted(row: str) -> None:
    assert described(asked(ROWS[row], paused=False)).startswith(ROWS[row].awake)
    assert described(asked(ROWS[row], paused=True)) == ROWS[row].paused


def status_of(step: Step) -> Status:
    assert isinstance(step, Write), described(step)
    return step.status


def test_an_instant_that_has_its_job_is_told_and_the_next_ones_stay_open() -> None:
    cron = cron_job()
    known: dict[str, Any] = {"status": decide_ready(cron), "jobs": (job(cron, "12:00"),), "complete": True}
    step = step_of(cron, "12:06", stance=PAUSED, **known)
    assert described(step) == "write Created"
    assert status_of(step).settled_through == at("12:00")
    then = {**known, "status": status_of(step)}
    assert described(step_of(cron, "12:06", stance=PAUSED, **then)) == "wait"
    assert described(step_of(cron, "12:06", stance=OWNING, **then)) == "create 12:05"


def test_a_new_object_is_checked_and_told_of() -> None:
    cron = cron_job(created="11:59")
    assert described(step_of(cron, "12:00:01", stance=PAUSED, status=Status())) == "check"
    step = step_of(cron, "12:00:01", stance=PAUSED, status=Status(), checked=Checked(objection=None))
    assert described(step) == "write"
    assert status_of(step).condition("Ready") is not None
    assert (status_of(step).settled_through or at("00:00")) < at("12:00")


def test_an_edit_closes_the_instants_before_it() -> None:
    cron = cron_job(edited="12:00:30", schedule="*/7 * * * *")
    status = replace(decide_ready(cron_job()), next_schedule_at=at("12:00"))
    known: dict[str, Any] = {"checked": Checked(objection=None), "complete": True}
    edited = replace(cron, generation=2)
    step = step_of(edited, "12:01", stance=PAUSED, status=status, **known)
    assert described(step) == "write MissedEdit"
    assert status_of(step).settled_through == at("12:00:30")


def test_an_edit_finds_the_instants_that_stayed_open_though_a_pause_by_annotation_has_ended() -> None:
    """Simulated: mix `pauses-policies`, seed 36."""
    until = {"suspend-until": "2026-03-02T12:12:00Z"}
    cron = cron_job(annotations=until)
    begun = step_of(cron, "11:56", stance=PAUSED, status=decide_ready(cron_job()))
    over = step_of(cron, "12:13", stance=PAUSED, status=status_of(begun))
    assert status_of(over).next_schedule_at == at("12:00")
    edited = replace(cron_job(edited="12:14", schedule="*/5 * * * *", suspend=True, annotations=until), generation=2)
    step = step_of(
        edited, "12:14:01", stance=PAUSED, status=status_of(over), checked=Checked(objection=None), complete=True
    )
    assert described(step) == "write 3 SkippedSuspended", "they lie in the pause"


def test_a_node_that_has_lost_the_key_fills_no_slot() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), active=(slot(cron, "12:00"),), settled_through=at("12:00"))
    leaving = replace(OWNING, leaving=True)
    known: dict[str, Any] = {"status": status, "complete": True}
    assert described(step_of(cron, "12:00:01", stance=leaving, **known)) == "create 12:00"
    assert isinstance(step_of(cron, "12:00:01", stance=replace(leaving, paused=True), **known), Wait)


@pytest.mark.parametrize("trigger", [Trigger.MANUAL, Trigger.BACKFILL])
def test_a_job_that_was_promised_to_a_request_waits(trigger: Trigger) -> None:
    annotations = {"trigger": "now"} if trigger is Trigger.MANUAL else {"backfill": INTERVAL}
    cron = cron_job(schedule="17 * * * *", annotations=annotations)
    name, of = _request(cron, trigger)
    promised = Slot(name=name, scheduled_at=at("11:17"), trigger=trigger, trigger_id=of)
    backfill = Backfill(interval=INTERVAL, state=BackfillState.RUNNING, through=at("11:17"), total=1)
    status = replace(decide_ready(cron), active=(promised,), backfill=backfill if trigger is Trigger.BACKFILL else None)
    known: dict[str, Any] = {"status": status, "complete": True}
    assert described(step_of(cron, "11:58", stance=PAUSED, **known)) == "wait"
    assert described(step_of(cron, "11:58", stance=OWNING, **known)) != "wait"


def _request(cron: CronJob, trigger: Trigger) -> tuple[str, str]:
    if trigger is Trigger.MANUAL:
        return manual_name(cron, "now"), "now"
    return backfill_name(cron, INTERVAL, at("11:17")), INTERVAL


def test_a_circuit_does_not_close_while_everything_is_paused() -> None:
    """What was due while it was open is told in the very write that closes it; so both wait."""
    cron = cron_job(suspendAfterFailures=2, annotations={"trigger": "try"})
    name = manual_name(cron, "try")
    tried = job(cron, "11:59", finished="11:59:30", name=name, scheduled_at=None, trigger=Trigger.MANUAL)
    opened = replace(decide_ready(cron), failures_in_row=2)
    step = step_of(cron, "11:56", status=opened, complete=True)
    status = replace(
        status_of(step),
        active=(Slot(name=name, scheduled_at=at("11:59"), uid=tried.uid, trigger=Trigger.MANUAL, trigger_id="try"),),
    )
    assert status.circuit_open
    known: dict[str, Any] = {"status": status, "jobs": (tried,), "complete": True}
    during = step_of(cron, "12:06", stance=PAUSED, **known)
    told = status if isinstance(during, Wait) else status_of(during)
    assert (told.condition(CIRCUIT_OPEN), told.settled_through) == (status.condition(CIRCUIT_OPEN), at("11:55"))
    after = status_of(step_of(cron, "12:06", stance=OWNING, **known))
    assert (after.circuit_open, after.counts["skipped"]) == (False, 2)


def test_time_alone_brings_nothing_but_books() -> None:
    plain = cron_job()
    assert waits_until(step_of(plain, "11:56", stance=PAUSED, status=decide_ready(plain))) is None
    cron = cron_job(concurrencyPolicy="Forbid", startingDeadlineSeconds=600)
    status = replace(decide_ready(cron), active=(slot(cron, "11:55"),))
    step = step_of(cron, "11:56", stance=PAUSED, status=status, complete=True)
    assert waits_until(step) == at("11:55") + timedelta(seconds=601)
