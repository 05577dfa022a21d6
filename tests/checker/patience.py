"""How long an instant may be waited for when its policy or the API server holds it up.

`history` knows what faults allow; this room adds the turn in the queue and creates that were refused. `excuses` and
`verdicts` ask it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.checker.history import MadeJob, Told
from tests.checker.lives import Due, Life, of_schedule, slots, time_of

RETRIED_FOR = timedelta(seconds=40)
"""A create that was refused is tried again so long after the last refusal, at the latest: the longest backoff."""
_KEPT = 20
"""So much of an object's name stands in a Job's name, whatever is cut."""


def allowed_until(life: Life, due: Due, job: MadeJob) -> datetime:
    """Until when a Job may come: later than usual if its instant waited in the queue, or was refused at first."""
    until = due.bound
    if any(_queued(told, due) for told in life.told_between(due.due_at, job.created_at)):
        ends = [one.ended_at for one in life.jobs if one.ended_at is not None and one.ended_at <= job.created_at]
        until = max([until, *(life.history.bound(at)[0] for at in ends)])
    last = last_refusal(life, due, job.created_at)
    until = until if last is None else max(until, last + RETRIED_FOR)
    return max(until, _behind_the_older(life, due) or until)


def _behind_the_older(life: Life, due: Due) -> datetime | None:
    """Until when an instant may come that stands in a row of such as a fault has kept: D after the one before it.

    What a catch-up policy asks for is to be begun within F, oldest first (INVARIANTS): the first of the row has no more
    time than that, and a row that stops for longer than D is late.
    """
    if due.version.spec.get("catchUpPolicy") != "All":
        return None
    end: datetime | None = None
    for older in reversed(life.due[: life.due.index(due)]):
        jobs = life.fired.get(older.at)
        if jobs is None or jobs[0].created_at <= older.due_at + life.history.calm:
            return None
        end = end or jobs[0].created_at + life.history.calm
        if older.cause is not None:
            return end
    return None


def waits_its_turn(life: Life, due: Due) -> bool:
    """Whether an instant is in the queue, from its bound until the end, and its turn need not have come."""
    end = life.history.ended
    told = life.told_between(due.bound, end)
    if not told or not _queued(told[0], due) or not _queued(told[-1], due):
        return False
    active = [
        job
        for job in life.jobs
        if job.created_at <= end and (job.ended_at is None or life.history.bound(job.ended_at)[0] > end)
    ]
    return len(active) >= slots(due.version)


def last_refusal(life: Life, due: Due, until: datetime) -> datetime | None:
    """When the API server refused to create an instant's Job for the last time up to a moment."""
    digits = f"-{due.at:%Y%m%d%H%M%S}-"
    times = [
        refusal.at
        for refusal in life.history.refusals
        if refusal.namespace == life.thing.namespace
        and due.due_at <= refusal.at <= until
        and (not refusal.job or (digits in refusal.job and refusal.job.startswith(life.thing.name[:_KEPT])))
    ]
    return max(times, default=None)


def _queued(told: Told, due: Due) -> bool:
    return any(time_of(raw["scheduledAt"]) == due.at for raw in of_schedule(told.status.get("queued", ())))
