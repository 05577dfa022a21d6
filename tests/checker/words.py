"""How times, Jobs and objects are named in sentences, the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.checker.history import MadeJob


def clock(at: datetime) -> str:
    """A time of day in UTC; milliseconds only if it has a fraction."""
    told = at.astimezone(UTC)
    return f"{told:%H:%M:%S}" + (f".{told.microsecond // 1000:03}" if told.microsecond else "")


def seconds(duration: timedelta) -> str:
    """A duration in seconds, to the millisecond."""
    return f"{duration.total_seconds():.3f} s"


def job_told(job: MadeJob) -> str:
    """A Job with who made it and when; and when it was deleted, if it was."""
    gone = f", deleted at {clock(job.deleted_at)}" if job.deleted_at else ""
    return f"{job.name} by {job.node} at {clock(job.created_at)}{gone}"
