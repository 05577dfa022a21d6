"""Which finished Jobs are beyond the history limits, and when the next one will be.

Only finished Jobs of the object itself are ever named, oldest first by creation. A Job is kept until it is 30 s old, so
that a create that was delayed on its way still meets the name and is answered AlreadyExists; and until the status tells
of it, so that whoever takes over does not fire it again. Its own age counts and not its instant's: a Job that was
caught up or backfilled stands for an instant of long ago.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.jobs import Job
from controller.spec import Spec

KEEP = timedelta(seconds=30)
"""Longer than any create of ours can be under way: requests time out after 5 s (PROTOCOL, the ledger)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the limits ask for.

    Attributes:
        beyond: Jobs to delete now, oldest first.
        look_again_at: When a Job that is beyond the limits, but too young, may go; None if there is none.
    """

    beyond: tuple[Job, ...] = ()
    look_again_at: datetime | None = None


def review(spec: Spec, jobs: Iterable[Job], now: datetime) -> History:
    """What the history limits ask of an object's Jobs now."""
    finished = sorted(
        (job for job in jobs if job.finished_at is not None and not job.gone),
        key=lambda job: (job.created_at, job.name),
    )
    succeeded = [job for job in finished if job.succeeded]
    failed = [job for job in finished if not job.succeeded]
    over = _over(succeeded, spec.successful_jobs_history_limit) + _over(failed, spec.failed_jobs_history_limit)
    free_at = {job.name: job.created_at + KEEP for job in over}
    return History(
        beyond=tuple(job for job in over if free_at[job.name] <= now),
        look_again_at=min((at for at in free_at.values() if at > now), default=None),
    )


def _over(finished: list[Job], limit: int) -> list[Job]:
    """The oldest ones, all but the newest `limit`."""
    return finished[: max(0, len(finished) - limit)]
