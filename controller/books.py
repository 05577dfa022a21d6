"""What may wait until all that is due has been fired: telling of Jobs that were created.

While nothing is due it waits for nobody, so it costs nothing; in a herd it is what keeps a firing from waiting for the
status of another. It says nothing of what is told, which is `writing`'s; `reconciler` asks it, `turns` puts it in line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from controller.jobs import Job
from controller.observation import Attempt
from controller.outcomes import Reason
from controller.requests import Requests
from controller.spec import ConcurrencyPolicy, CronJob
from controller.status import Status
from controller.steps import Create, Write
from controller.turns import Turn
from controller.writing import SETTLE_AFTER


def after_create(
    cron_job: CronJob, status: Status, create: Create, jobs: Iterable[Job], tried: Sequence[Attempt]
) -> Turn | None:
    """The turn in which a Job is told of that was just created; None: it was not, or there may be more to do first.

    To ask `decide` for it would cost a herd as much again as its creates were decided on.

    Args:
        cron_job: The object.
        status: What it carries.
        create: What was carried out.
        jobs: Those of the object that are known.
        tried: Creates of it that were turned down.
    """
    firing, *others = create.firings
    plain = not cron_job.spec.claims and firing.trigger.of_schedule and cron_job.requests == Requests()
    if not plain or others or tried or all(job.name != firing.name for job in jobs):
        return None
    return _turn(cron_job, status, firing.scheduled_at, firing.next_at)


def instead_of(cron_job: CronJob, write: Write, tried: Sequence[Attempt]) -> Turn | None:
    """The turn in which a status is written that only tells of Jobs that were created; None: somebody waits for it.

    Under Replace the Jobs of before wait for it: they are deleted once the status tells of the new one.

    Args:
        cron_job: The object.
        write: What would be written now.
        tried: Creates of the object that were turned down.
    """
    told = all(outcome.reason is Reason.CREATED and outcome.trigger.of_schedule for outcome in write.outcomes)
    replaces = cron_job.spec.concurrency_policy is ConcurrencyPolicy.REPLACE
    if not told or not write.outcomes or replaces or write.status.unfilled or tried:
        return None
    return _turn(cron_job, write.before, write.outcomes[0].scheduled_at, write.status.next_schedule_at)


def _turn(cron_job: CronJob, untold: Status, created: datetime, upcoming: datetime | None) -> Turn:
    """From the oldest instant on that is not told: who fires again before its turn has come gets no new patience."""
    oldest = min(created, untold.next_schedule_at or created)
    presses_at = None if upcoming is None else cron_job.due_at(upcoming)
    return Turn(at=cron_job.due_at(oldest) + SETTLE_AFTER, presses_at=presses_at)
