"""How the tables of decisions are asked and read: an object, what is known of it, a time; and the step in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from controller import schedule as schedules
from controller.decision import decide
from controller.errors import TerminalError
from controller.jobs import Job
from controller.names import name_for
from controller.observation import Attempt, Checked, Observed, Recalled, Stance
from controller.outcomes import Trigger
from controller.requests import Requests
from controller.schedule import Schedule
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Check, Create, Delete, Look, Recall, Step, Wait, Write
from tests.unit.builders import at, cron_job, settled

LATE = timedelta(seconds=10)
OWNING = Stance(node="node-a", late=LATE)
ASKED = Recalled(after=at("00:00"))
"""The recent-job store has been asked, and knows nothing."""


def schedule_of(cron: CronJob) -> Schedule | TerminalError:
    try:
        return schedules.parse(
            cron.spec.expressions, cron.spec.time_zone, start_at=cron.spec.start_at, end_at=cron.spec.end_at
        )
    except TerminalError as error:
        return error


def step_of(cron: CronJob, now: str, *, stance: Stance = OWNING, **known: Any) -> Step:
    known.setdefault("status", settled(cron, "11:55"))
    known.setdefault("recalled", ASKED)
    return decide(cron, schedule_of(cron), Observed(**known), at(now), stance)


def described(step: Step) -> str:
    """A step in a few words, for the tables."""
    match step:
        case Check() | Look() | Recall():
            return type(step).__name__.lower()
        case Create(firings=firings):
            return "create " + " ".join(f"{firing.scheduled_at:%H:%M:%S}".removesuffix(":00") for firing in firings)
        case Delete(jobs=jobs, cause=cause):
            return f"delete ({cause.value}) " + " ".join(_time(one) for one in jobs)
        case Write(outcomes=outcomes, status=status):
            runs = [(reason, len(list(run))) for reason, run in groupby(outcome.reason.value for outcome in outcomes)]
            ended = " ".join(reason if count == 1 else f"{count} {reason}" for reason, count in runs)
            claimed = " ".join(_place(slot) for slot in status.active if slot.uid is None)
            queued = " ".join(_place(slot) for slot in status.queued)
            places = [f"claim {claimed}" if claimed else "", f"queue {queued}" if queued else ""]
            return " ".join(filter(None, ["write", ended, *places]))
        case Wait(wake_at=None):
            return "wait"
        case Wait(wake_at=wake_at):
            assert wake_at is not None
            return f"wait until {wake_at:%H:%M:%S}".removesuffix(":00")


def waits_until(step: Step) -> datetime | None:
    """When time alone brings something, if the step is to wait."""
    assert isinstance(step, Wait), described(step)
    return step.wake_at


def _place(slot: Slot) -> str:
    mark = {Trigger.MANUAL: "manual ", Trigger.BACKFILL: "backfill "}.get(slot.trigger, "")
    return f"{mark}{slot.scheduled_at:%H:%M:%S}".removesuffix(":00")


def _time(one: Job) -> str:
    assert one.scheduled_at is not None
    return f"{one.scheduled_at:%H:%M}"


def decide_ready(cron: CronJob) -> Status:
    """The status that the object has once it has been looked at and nothing is due, or asked for by annotation."""
    quiet = replace(cron, requests=Requests())
    step = step_of(quiet, "11:55", status=settled(cron, "11:55"), checked=Checked(objection=None))
    assert isinstance(step, Write)
    return step.status


def recalled(cron: CronJob, *scheduled: str) -> Recalled:
    """What the recent-job store knows if the Jobs of these instants were recorded."""
    instants = frozenset(at(time) for time in scheduled)
    names = frozenset(name_for(cron, instant) for instant in instants)
    return Recalled(after=at("00:00"), instants=instants, names=names)


def slot(cron: CronJob, scheduled: str, *, uid: str | None = None) -> Slot:
    return Slot(name=name_for(cron, at(scheduled)), scheduled_at=at(scheduled), uid=uid)


def attempt(scheduled: str, *, final: bool, retry: str = "12:00:30") -> Attempt:
    return Attempt(
        name=name_for(cron_job(), at(scheduled)),
        scheduled_at=at(scheduled),
        message="the words of the server",
        final=final,
        first_at=at(scheduled),
        pause=LATE,
        retry_at=at(retry),
    )
