"""Where the counting of instants stands: what is settled, and what an edit closes.

`status.settledThrough` says that every instant up to it has its outcome. When the fields that make instants have been
edited since that was written, the instants up to the edit are closed first: they get the outcome MissedEdit (or
SkippedSuspended, if the object was suspended then), and nothing fires for them. That is what keeps an edit from
firing backwards.

Of the schedule before the edit only `status.nextScheduleTime` is still known: its first instant that is not settled.
If that lies after the edit, or if none was left, no instant was due and none is counted; otherwise the instants of the
new schedule stand in for those of the old one from there on. Under suspension it is not kept: there they all do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.outcomes import Reason
from controller.spec import CronJob
from controller.status import Status

INSTANT = timedelta(microseconds=1)
"""The smallest step between two instants: makes a bound inclusive or exclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Instants that an edit closes.

    Attributes:
        since: They lie after it.
        until: The moment of the edit; they lie at or before it.
        reason: Their outcome, unless they have a Job.
    """

    since: datetime
    until: datetime
    reason: Reason


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
    through = status.settled_through or cron_job.created_at
    if status.schedule_hash == cron_job.spec.schedule_hash:
        return Ledger(through=through, edit=None)
    until = min(cron_job.edited_at or _first_sight(cron_job, status, now), now)
    until = max(until, through)
    since = max(through, _first_open(status, through, until) - INSTANT)
    reason = Reason.SKIPPED_SUSPENDED if status.suspended else Reason.MISSED_EDIT
    return Ledger(through=through, edit=Edit(since=since, until=until, reason=reason))


def _first_open(status: Status, through: datetime, until: datetime) -> datetime:
    """From when on instants before the edit may have been due."""
    if status.next_schedule_at is not None:
        return status.next_schedule_at
    never_counted = status.schedule_hash is None
    return through if never_counted or status.suspended else until + INSTANT


def _first_sight(cron_job: CronJob, status: Status, now: datetime) -> datetime:
    """The moment of an edit that nobody dated: its creation if this is a new object, else when we see it."""
    return cron_job.created_at if status.settled_through is None else now
