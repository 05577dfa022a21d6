"""Tells people what became of a firing: one log line, one number, and Events that do not flood.

The same reason word goes into all three. What is settled by compare-and-swap is announced only after the write went
through, so that each outcome is told once among all replicas. Events keep batch/v1's reasons where it has them; a run
of equal outcomes is one Event with a count. Of each object the same is told at most once a minute, and what is as it
should be, Jobs that the schedule makes, that complete, that leave the history, at most once in half an hour.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

from controller import conditions
from controller.asked import Backfill, BackfillState
from controller.instants import format_time
from controller.jobs import Firing, Job
from controller.messages import Event, EventType
from controller.outcomes import Outcome, Reason, Trigger
from controller.ports import Clock, Cluster, Recorder
from controller.spec import CronJob
from controller.steps import Cause, Write

logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
"""The same is told at most this often of each object: Events are for people, and each one is a write."""
ROUTINE = timedelta(minutes=30)
"""So often, what is as it should be; the API server keeps an Event for an hour, unless it was told otherwise. The
status tells of each firing anyway; an Event for each thing that happens to each Job doubled the writes of an object
that fires every minute."""

_EVENTS = {
    Reason.SKIPPED_FORBID: (EventType.NORMAL, "JobAlreadyActive", "an earlier Job is still active"),
    Reason.SKIPPED_QUEUE_FULL: (EventType.NORMAL, "JobAlreadyActive", "as many firings wait as queueLimit allows"),
    Reason.MISSED_DEADLINE: (EventType.WARNING, "MissSchedule", "startingDeadlineSeconds had passed"),
    Reason.MISSED_CATCH_UP: (EventType.WARNING, "MissSchedule", "catchUpPolicy does not ask for it"),
    Reason.MISSED_EDIT: (EventType.WARNING, "MissSchedule", "the schedule was edited after it"),
    Reason.CREATE_FAILED: (EventType.WARNING, "FailedCreate", "its Job could not be created"),
}
"""What an outcome is told as; those that are not here are no news (Created is told when it happens)."""
_READY_EVENTS = {
    "InvalidSchedule": "UnparseableSchedule",
    "UnknownTimeZone": "UnknownTimeZone",
    conditions.INVALID_JOB_TEMPLATE: "FailedCreate",
    conditions.CREATE_FAILED: "FailedCreate",
}
"""By the reason of `Ready`, what it is told as."""
_CONDITION_EVENTS = {
    conditions.TOO_MANY_FAILURES: (EventType.WARNING, conditions.CIRCUIT_OPEN),
    conditions.JOB_STILL_ACTIVE: (EventType.WARNING, conditions.BLOCKED),
    conditions.INVALID_SUSPEND_UNTIL: (EventType.WARNING, conditions.INVALID_SUSPEND_UNTIL),
    conditions.MAX_RUNS_REACHED: (EventType.NORMAL, conditions.COMPLETED),
    conditions.SCHEDULE_ENDED: (EventType.NORMAL, conditions.COMPLETED),
}
"""By the reason of a condition, what it is told as."""
_LEVELS = {EventType.NORMAL: logging.INFO, EventType.WARNING: logging.WARNING}
_FIRINGS = {
    Trigger.SCHEDULE: "firing",
    Trigger.CATCH_UP: "firing",
    Trigger.MANUAL: "manual run",
    Trigger.BACKFILL: "backfilled firing",
}


@dataclass(slots=True)
class _Topic:
    """What is told again and again of one object."""

    told_at: timedelta | None = None
    untold: int = 0


class Announcer:
    """Log, numbers and Events of one node.

    Args:
        cluster: Where Events go.
        recorder: Where numbers go.
        clock: For lateness.
        node: The name of this node.
    """

    def __init__(self, *, cluster: Cluster, recorder: Recorder, clock: Clock, node: str) -> None:
        self._cluster = cluster
        self._recorder = recorder
        self._clock = clock
        self._node = node
        self._topics: dict[str, dict[str, _Topic]] = {}

    def fired(self, cron_job: CronJob, firing: Firing, job: Job) -> None:
        """A Job was created."""
        lateness = cron_job.lateness(firing.scheduled_at, firing.trigger, self._clock.now())
        if firing.trigger.of_schedule:
            self._recorder.outcome(Reason.CREATED, lateness)
        logger.info(
            "fired",
            extra={
                "key": str(cron_job.key),
                "reason": Reason.CREATED.value,
                "job": job.name,
                "scheduled_at": format_time(firing.scheduled_at),
                "trigger": firing.trigger.value,
                "lateness_seconds": round(lateness.total_seconds(), 3),
                "node": self._node,
            },
        )
        kind = "" if firing.trigger.of_schedule else f" ({_FIRINGS[firing.trigger]})"
        pause = ROUTINE if firing.trigger.of_schedule else PAUSE
        message = f"Created job {job.name}{kind}"
        self._repeat(cron_job, EventType.NORMAL, "SuccessfulCreate", message, topic=kind, pause=pause)

    def settled(self, cron_job: CronJob, write: Write) -> None:
        """A status write went through."""
        for (reason, trigger), run in groupby(write.outcomes, key=lambda outcome: (outcome.reason, outcome.trigger)):
            if reason is not Reason.CREATED:
                self._tell_run(cron_job, reason, trigger, tuple(run))
        for job in write.finished:
            condition = "Complete" if job.succeeded else "Failed"
            message = f"Saw completed job: {job.name}, condition: {condition}"
            pause = ROUTINE if job.succeeded else PAUSE
            self._repeat(cron_job, EventType.NORMAL, "SawCompletedJob", message, topic=condition, pause=pause)
        self._tell_ready(cron_job, write)
        self._tell_conditions(cron_job, write)
        self._tell_backfill(cron_job, write.before.backfill, write.status.backfill)

    def deleted(self, cron_job: CronJob, job: Job, cause: Cause) -> None:
        """A Job was deleted."""
        logger.info("deleted a job", extra={"key": str(cron_job.key), "job": job.name, "reason": cause.value})
        pause = ROUTINE if cause is Cause.HISTORY else PAUSE
        message = f"Deleted job {job.name}"
        self._repeat(cron_job, EventType.NORMAL, "SuccessfulDelete", message, topic=cause.value, pause=pause)

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._topics.pop(uid, None)

    def _tell_run(self, cron_job: CronJob, reason: Reason, trigger: Trigger, run: tuple[Outcome, ...]) -> None:
        now = self._clock.now()
        for outcome in run:
            if trigger.of_schedule:
                self._recorder.outcome(reason, cron_job.lateness(outcome.scheduled_at, trigger, now))
        first, last = (format_time(outcome.scheduled_at) for outcome in (run[0], run[-1]))
        detail = next((outcome.message for outcome in reversed(run) if outcome.message), "")
        logger.log(
            _LEVELS[_EVENTS[reason][0]] if reason in _EVENTS else logging.INFO,
            "not fired",
            extra={
                "key": str(cron_job.key),
                "reason": reason.value,
                "scheduled_at": first,
                "trigger": trigger.value,
                **({"until": last, "count": len(run)} if len(run) > 1 else {}),
                **({"detail": detail} if detail else {}),
                "node": self._node,
            },
        )
        if reason not in _EVENTS:
            return
        type_, event, why = _EVENTS[reason]
        kind = _FIRINGS[trigger]
        what = f"the {kind} of {first}" if len(run) == 1 else f"{len(run)} {kind}s from {first} to {last}"
        message = f"{reason.value}: {what}: {detail or why}"
        self._repeat(cron_job, type_, event, message, topic=f"{reason.value} {kind}", count=len(run))

    def _tell_ready(self, cron_job: CronJob, write: Write) -> None:
        """The object has stopped to be ready, or for another reason than before: one Event."""
        old, new = write.before.condition(conditions.READY), write.status.condition(conditions.READY)
        if new is None or new.status or new == old:
            return
        if any(outcome.reason is Reason.CREATE_FAILED for outcome in write.outcomes):
            return  # told with the outcome
        message = f"{new.reason}: {new.message}"
        logger.warning("not ready", extra={"key": str(cron_job.key), "reason": new.reason, "detail": new.message})
        self._post(cron_job, EventType.WARNING, _READY_EVENTS.get(new.reason, new.reason), message)

    def _tell_conditions(self, cron_job: CronJob, write: Write) -> None:
        """Something else that a person may want to know has begun to hold: one Event each."""
        for condition in write.status.conditions:
            old = write.before.condition(condition.type)
            news = old is None or (old.status, old.reason) != (condition.status, condition.reason)
            if news and condition.reason in _CONDITION_EVENTS:
                type_, event = _CONDITION_EVENTS[condition.reason]
                extra = {"key": str(cron_job.key), "reason": condition.reason, "detail": condition.message}
                logger.log(_LEVELS[type_], "a condition holds", extra=extra)
                self._post(cron_job, type_, event, condition.message)

    def _tell_backfill(self, cron_job: CronJob, before: Backfill | None, after: Backfill | None) -> None:
        """A backfill has begun or ended."""
        if after is None or (before is not None and (before.interval, before.state) == (after.interval, after.state)):
            return
        refused = after.state is BackfillState.REFUSED
        type_ = EventType.WARNING if refused else EventType.NORMAL
        told = after.message or (
            f"{after.interval}: {after.total} instants, {after.created} created, {after.left_out} left out, "
            f"{after.create_failed} failed"
        )
        extra = {"key": str(cron_job.key), "reason": after.state.value, "detail": told}
        logger.log(_LEVELS[type_], "backfill", extra=extra)
        self._post(cron_job, type_, f"Backfill{after.state.value}", told)

    def _repeat(
        self,
        cron_job: CronJob,
        type_: EventType,
        reason: str,
        message: str,
        *,
        topic: str = "",
        count: int = 1,
        pause: timedelta = PAUSE,
    ) -> None:
        """Tell what happens again and again: at once the first time, then after a pause each, with the count."""
        told = self._topics.setdefault(cron_job.uid, {}).setdefault(f"{reason} {topic}", _Topic())
        told.untold += count
        elapsed = self._clock.elapsed()
        if told.told_at is not None and elapsed - told.told_at < pause:
            return
        before = told.untold - count
        more = f" (and {before} more of the kind since the last Event)" if before else ""
        self._post(cron_job, type_, reason, message + more, count=told.untold)
        told.told_at, told.untold = elapsed, 0

    def _post(self, cron_job: CronJob, type_: EventType, reason: str, message: str, *, count: int = 1) -> None:
        event = Event(key=cron_job.key, uid=cron_job.uid, type=type_, reason=reason, message=message, count=count)
        self._cluster.post(event)
