"""Where the counting of instants stands: what is settled, and what an edit closes.

`status.settledThrough` says that every instant up to it has its outcome. When the fields that make instants have been
edited since that was written, the instants up to the edit are closed first: they get the outcome MissedEdit (or
SkippedSuspended, if nothing fired then), and nothing fires for them. That is what keeps an edit from firing
backwards. An edit of any field does the same where it closes an open circuit; so does the end of a pause by annotation,
which comes first where an edit came after it.

Of the schedule before the edit only `status.nextScheduleTime` is still known: its first instant that is not settled.
If that lies after the edit, or if none was left, no instant was due and none is counted; otherwise the instants of the
new schedule stand in for those of the old one from there on. Under suspension it is not kept: there they all do.

The ledger counts nominal instants. Jitter puts the firing of an instant off by a constant `shift`, so what happened at
some moment (a creation, an edit) closes the instants up to that moment less the shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from controller.instants import INSTANT
from controller.outcomes import Reason
from controller.requests import Pause
from controller.spec import CronJob
from controller.status import Status

AHEAD = timedelta(seconds=2)
"""So far another clock, the API server's that dates an edit or another node's, may be ahead of the believed one."""


class Closes(Enum):
    """What an edit has ended."""

    SCHEDULE = "the schedule as it was"
    CIRCUIT = "an open circuit"
    PAUSE = "a pause by annotation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Instants that an edit closes.

    Attributes:
        since: They lie after it.
        until: The moment of the edit; they lie at or before it.
        reason: Their outcome, unless they have a Job.
        closes: What it has ended.
        more: Another edit is to be closed after this one.
    """

    since: datetime
    until: datetime
    reason: Reason
    closes: Closes = Closes.SCHEDULE
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Where the counting stands.

    Attributes:
        through: Every instant up to it has its outcome.
        edit: What must be closed before anything else; None if the status was written for this very schedule.
    """

    through: datetime
    edit: Edit | None


def read(cron_job: CronJob, status: Status, now: datetime) -> Ledger:
    """The ledger that an object's status holds.

    Args:
        cron_job: The object.
        status: Its status.
        now: Stands for the moment of an edit that the managed fields do not tell.
    """
    through = status.settled_through or cron_job.created_at - cron_job.shift
    closes = _closes(cron_job, status)
    edited_at = moment_of_edit(cron_job, status, now)
    pause_end = _end_of_pause(cron_job, status, now if closes is None else max(now, edited_at))
    if pause_end is not None:
        until = max(through, pause_end - cron_job.shift)
        reason, more = Reason.SKIPPED_SUSPENDED, closes is not None
        edit = Edit(since=through, until=until, reason=reason, closes=Closes.PAUSE, more=more)
        return Ledger(through=through, edit=edit)
    if closes is None:
        return Ledger(through=through, edit=None)
    ran_out = _has_run_out(cron_job, status, edited_at)
    rest = None if ran_out is None else _rest_of_pause(cron_job, status, through, ran_out, edited_at)
    if rest is not None:
        return Ledger(through=through, edit=rest)
    silent = status.suspended and ran_out is None
    until = max(through, edited_at - cron_job.shift)
    since = max(through, (through if silent else _first_open(status, through, until)) - INSTANT)
    reason = Reason.SKIPPED_SUSPENDED if silent else Reason.MISSED_EDIT
    return Ledger(through=through, edit=Edit(since=since, until=until, reason=reason, closes=closes))


def moment_of_edit(cron_job: CronJob, status: Status, now: datetime) -> datetime:
    """The moment of the last edit, as far as it can be known: what is dated long after now counts from now on."""
    at = cron_job.edited_at or _first_sight(cron_job, status, now)
    return at if at <= now + AHEAD else now


def _closes(cron_job: CronJob, status: Status) -> Closes | None:
    """What an edit of the spec has ended since the status was written."""
    if status.schedule_hash != cron_job.spec.schedule_hash:
        return Closes.SCHEDULE
    edited = cron_job.generation != status.observed_generation
    return Closes.CIRCUIT if status.circuit_open and edited else None


def _end_of_pause(cron_job: CronJob, status: Status, now: datetime) -> datetime | None:
    """When a pause has ended sooner than it was to; None if none has.

    Nobody dates the removal of an annotation: it counts from when it is seen.
    """
    if status.suspended_until is None:
        return None
    pause = cron_job.requests.pause
    if isinstance(pause, Pause) and pause.until >= status.suspended_until:
        return None
    return min(now, status.suspended_until - INSTANT)


def _has_run_out(cron_job: CronJob, status: Status, edited_at: datetime) -> datetime | None:
    """The end of a pause that came before an edit, if nothing but the pause kept the object from firing; else None.

    The status may not tell of it yet. Then it says that nothing fires, which is not true of what was due after that.
    Where it tells of it, that holds, though the edit is dated before: by another clock.
    """
    pause = cron_job.requests.pause
    if not isinstance(pause, Pause) or pause.until != status.suspended_until:
        return None
    over = pause.until <= edited_at and status.suspended_by_annotation
    return pause.until if over or not status.suspended else None


def _rest_of_pause(
    cron_job: CronJob, status: Status, through: datetime, pause_end: datetime, edited_at: datetime
) -> Edit | None:
    """The instants of a pause that are still open; None if there are none up to its end.

    If the edit has raised the jitter, those up to the next instant of the schedule as it was count to the pause.
    """
    end, since = pause_end - cron_job.shift, through
    if not status.suspended:
        since = max(through, _first_open(status, through, end) - INSTANT)
    elif status.next_schedule_at is not None:
        end = max(end, min(pause_end, status.next_schedule_at))
    until = min(end - INSTANT, edited_at - cron_job.shift)
    if since >= until:
        return None
    return Edit(since=since, until=until, reason=Reason.SKIPPED_SUSPENDED, closes=Closes.PAUSE, more=True)


def _first_open(status: Status, through: datetime, until: datetime) -> datetime:
    """From when on instants before the edit may have been due, if something fired."""
    if status.next_schedule_at is not None:
        return status.next_schedule_at
    never_counted = status.schedule_hash is None
    return through if never_counted else until + INSTANT


def _first_sight(cron_job: CronJob, status: Status, now: datetime) -> datetime:
    """The moment of an edit that nobody dated: its creation if this is a new object, else when we see it."""
    return cron_job.created_at if status.settled_through is None else now
