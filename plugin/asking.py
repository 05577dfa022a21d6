"""What is asked of an object, as the change that is written on it: a run, a pause, its end, a backfill.

The controller follows annotations (`controller.requests`); this room spells them and refuses what it would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.asked import BackfillState
from controller.errors import TerminalError
from controller.instants import INSTANT, format_time
from controller.jobs import Job
from controller.names import manual_name
from controller.outcomes import Reason, Trigger
from controller.requests import BACKFILL, SUSPEND_REASON, SUSPEND_UNTIL, TRIGGER
from plugin.failures import Misused, Unfulfilled
from plugin.objects import Seen
from plugin.telling import text

MAX_INSTANTS = 10_000
"""Most instants of one backfill: the controller refuses more."""


def must_be_served(seen: Seen) -> None:
    """See to it that a request is followed and not only noted.

    Raises:
        Unfulfilled: No replica has seen the object yet: what it brings along is old to the controller.
    """
    if seen.status.settled_through is None:
        raise Unfulfilled(f"no replica of the controller has seen {seen.key} yet: it would not follow the request")


def run_value(now: datetime, salt: str) -> str:
    """A value for the trigger that nobody has used before: when it was asked for, and something random."""
    return f"{format_time(now.replace(microsecond=0))}-{salt}"


def run(value: str) -> dict[str, Any]:
    """Asks for one run now."""
    return _annotations({TRIGGER: value})


def suspension(until: datetime | None, reason: str | None, now: datetime) -> dict[str, Any]:
    """Asks for silence: until a time by annotation, or without an end by the spec.

    Raises:
        Misused: The end is in the past.
    """
    if until is None:
        return {**(_annotations({SUSPEND_REASON: reason}) if reason else {}), "spec": {"suspend": True}}
    if until <= now:
        raise Misused(f"--until {format_time(until)} is in the past: it would pause nothing")
    return _annotations({SUSPEND_UNTIL: format_time(until), SUSPEND_REASON: reason})


def resumption(seen: Seen) -> dict[str, Any]:
    """Asks for the end of a suspension and of a pause; empty if there is neither."""
    annotations = seen.body["metadata"].get("annotations") or {}
    there = {name: None for name in (SUSPEND_UNTIL, SUSPEND_REASON) if name in annotations}
    return {
        **(_annotations(there) if there else {}),
        **({"spec": {"suspend": False}} if seen.cron_job.spec.suspend else {}),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a run is that somebody has asked for.

    Attributes:
        outcome: asked, pending, queued; at last created, skipped, createFailed or noted.
        job: The name of its Job, if it has one.
        ended: Nothing more will come of it: it has no Job, or its Job has ended.
        good: It has ended as it should.
        sentence: All that in words.
    """

    outcome: str
    job: str | None
    ended: bool
    good: bool
    sentence: str

    def value(self, value: str) -> dict[str, Any]:
        """The progress for programs."""
        return {"value": value, "outcome": self.outcome, "job": self.job, "ended": self.ended, "succeeded": self.good}


def progress(seen: Seen, jobs: Iterable[Job], value: str) -> Progress:
    """How far the run of this value is.

    Args:
        seen: The object.
        jobs: Its Jobs: they tell also of a run that another one has pushed out of the status.
        value: What the run was asked for with.
    """
    last = seen.status.last_trigger
    told = last if last is not None and last.value == value else None
    name = manual_name(seen.cron_job, value)
    job = next((job for job in jobs if job.name == name), None)
    if job is not None and job.finished_at is not None:
        sentence = f"Job {name} has {'succeeded' if job.succeeded else 'failed'}"
        return Progress(outcome="created", job=name, ended=True, good=job.succeeded, sentence=sentence)
    if job is not None:
        return Progress(outcome="created", job=name, ended=job.gone, good=False, sentence=f"Job {name} runs")
    if told is None:
        return Progress(outcome="asked", job=None, ended=False, good=False, sentence="no replica has taken it up yet")
    match told.outcome:
        case "skipped" | "createFailed":
            sentence = f"nothing has run: {told.reason}"
            return Progress(outcome=told.outcome, job=None, ended=True, good=False, sentence=sentence)
        case "noted":
            sentence = "nothing has run: this value has had its run before, or the object brought it along"
            return Progress(outcome=told.outcome, job=told.job, ended=True, good=False, sentence=sentence)
        case "created":
            sentence = f"Job {told.job} is gone: whether it succeeded is not known"
            return Progress(outcome=told.outcome, job=told.job, ended=True, good=False, sentence=sentence)
    sentence = "it waits for its turn" if told.outcome == "queued" else "its Job is about to be created"
    return Progress(outcome=told.outcome, job=None, ended=False, good=False, sentence=sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a backfill would do.

    Attributes:
        instants: All of the interval.
        left_out: Those that are recorded as created: they are not fired again.
    """

    interval: str
    instants: tuple[datetime, ...]
    left_out: tuple[datetime, ...]

    @property
    def fires(self) -> tuple[datetime, ...]:
        """Those that would get a Job."""
        return tuple(at for at in self.instants if at not in self.left_out)

    def change(self) -> dict[str, Any]:
        """Asks for it."""
        return _annotations({BACKFILL: self.interval})

    def value(self) -> dict[str, Any]:
        """The plan for programs."""
        return {
            "interval": self.interval,
            "total": len(self.instants),
            "fires": [text(at) for at in self.fires],
            "leftOut": [text(at) for at in self.left_out],
        }


def backfill(seen: Seen, jobs: Iterable[Job], since: datetime, until: datetime, now: datetime) -> Plan:
    """The backfill of an interval, refused where the controller would refuse it.

    Args:
        seen: The object.
        jobs: Its Jobs.
        since: Inclusive.
        until: Exclusive.
        now: The time.

    Raises:
        Misused: The interval is none of the past, or too long.
        Unfulfilled: There is no schedule, or this very interval was backfilled before.
    """
    interval = f"{format_time(since)}/{format_time(until)}"
    before = seen.status.backfill
    if isinstance(seen.schedule, TerminalError):
        raise Unfulfilled(f"{seen.key}: {seen.schedule}")
    if since >= until:
        raise Misused("the interval ends before it begins")
    if until > now:
        raise Misused("the interval is not over yet; a backfill fires instants of the past")
    if before is not None and before.interval == interval and before.state is not BackfillState.CANCELLED:
        raise Unfulfilled(f"this interval was asked for before: {before.state}, {before.created} created")
    instants = seen.schedule.between(since - INSTANT, until - INSTANT, limit=MAX_INSTANTS + 1)
    if len(instants) > MAX_INSTANTS:
        raise Misused(f"the interval has more than {MAX_INSTANTS} instants; ask for a part of it")
    recorded = {job.scheduled_at for job in jobs if job.trigger is not Trigger.MANUAL}
    told = (one for one in seen.status.recent if one.reason is Reason.CREATED and one.trigger.of_schedule)
    created = recorded | {one.scheduled_at for one in told}
    return Plan(interval=interval, instants=instants, left_out=tuple(at for at in instants if at in created))


def _annotations(changes: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"annotations": changes}}
