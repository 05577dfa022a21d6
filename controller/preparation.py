"""The next step for an object, and what is decided before its instant, so that nothing is left to do then but to send.

While time brings nothing else, the decision of the next instant is made ahead, as if its moment had come, and kept.
When it has come, and the object, its Jobs, what else is known and the stance of this node are the very same, `decide`
would say the same again: the step is taken as it is. If anything has changed, it is decided anew. So a herd pays for
its decisions, and for what they need from Redis, in the quiet seconds before it. Likewise is kept that there is nothing
to do until then, of what fires soon.

It is memory and nothing more; `decision` decides, `reconciler` asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from zlib import crc32

from controller.decision import decide
from controller.due import schedule_of
from controller.errors import TerminalError
from controller.interval import allowed
from controller.jobs import manifest
from controller.observation import Observed, Stance
from controller.schedule import Schedule
from controller.spec import CronJob
from controller.status import Status
from controller.steps import Create, Recall, Step, Wait

AHEAD = timedelta(seconds=2)
"""So long before it is due, a firing is prepared at the latest."""
SPREAD = timedelta(seconds=18)
"""So much earlier some are. Of 10,000 that were to be prepared within two seconds a quarter was, and the others came at
half the rate (docs/profile.md)."""
RESTED = timedelta(minutes=1)
"""What fires more often is not prepared earlier: the Job of before would end in between, and all be decided anew.
That there is nothing to do until a firing is kept if it is no further off: what fires rarely costs no memory."""

_Edit = tuple[int, datetime | None]
Observe = Callable[[], Observed]
"""Gives what is known of an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A decision that was made ahead, or that holds for a while.

    Attributes:
        cron_job: The object that it is about.
        observed: What was known.
        stance: How this node stood to the object.
        at: The moment that it was made for, UTC.
        until: From then on it holds no more, UTC.
        step: What is to be done then.
    """

    cron_job: CronJob
    observed: Observed
    stance: Stance
    at: datetime
    until: datetime
    step: Create | Wait

    def holds(self, cron_job: CronJob, stance: Stance, now: datetime) -> bool:
        """Whether it is about this very state, and what is due is only late by now: not lost, nor to be caught up."""
        if cron_job is not self.cron_job or stance != self.stance or not self.at <= now < self.until:
            return False
        firings = self.step.firings if isinstance(self.step, Create) else ()
        return not any(cron_job.is_too_late(one.scheduled_at, one.trigger, now) for one in firings)


class Preparation:
    """Decides for one node, ahead where it can.

    Args:
        minimum_interval: Schedules with two instants closer than this are refused; zero: none are.
    """

    def __init__(self, minimum_interval: timedelta = timedelta(0)) -> None:
        self._minimum_interval = minimum_interval
        self._prepared: dict[str, Prepared] = {}
        self._judged: dict[str, tuple[_Edit, Schedule | TerminalError]] = {}

    def next_step(self, cron_job: CronJob, stance: Stance, now: datetime, observe: Observe) -> Step:
        """What was prepared for this moment, if it holds; else what is decided now.

        Args:
            cron_job: The object.
            stance: How this node stands to it.
            now: The time, aware UTC.
            observe: Gives what is known besides, its status included.
        """
        observed = observe()
        step: Step
        if (prepared := self._take(cron_job, stance, now)) and prepared.observed == observed:
            step = prepared.step
        else:
            step = decide(cron_job, self._schedule_of(cron_job), observed, now, stance)
        if isinstance(step, Wait) and step.presses_at is not None and _may_prepare(cron_job, stance, step):
            return self._ahead(cron_job, observed, stance, now, step, step.presses_at)
        return step

    def forget(self, uid: str) -> None:
        """The object is gone, or another node's."""
        self._prepared.pop(uid, None)
        self._judged.pop(uid, None)

    def _schedule_of(self, cron_job: CronJob) -> Schedule | TerminalError:
        """The schedule of an object, if it is allowed here; that is judged once for each edit of its spec."""
        schedule = schedule_of(cron_job)
        if not self._minimum_interval:
            return schedule
        edit = (cron_job.generation, cron_job.edited_at)  # what is looked at begins at the latter (`interval`)
        of, judged = self._judged.get(cron_job.uid, (None, schedule))
        if of != edit:
            judged = allowed(cron_job, schedule, self._minimum_interval)
            self._judged[cron_job.uid] = edit, judged
        return judged

    def _take(self, cron_job: CronJob, stance: Stance, now: datetime) -> Prepared | None:
        """What was prepared, unless it holds no more; before its moment it is kept."""
        prepared = self._prepared.get(cron_job.uid)
        if prepared is None or (now < prepared.at and cron_job is prepared.cron_job):
            return None
        del self._prepared[cron_job.uid]
        return prepared if prepared.holds(cron_job, stance, now) else None

    def _ahead(
        self, cron_job: CronJob, observed: Observed, stance: Stance, now: datetime, wait: Wait, at: datetime
    ) -> Step:
        """Prepare for a moment; gives what has to be known for that, or when to look again."""
        keep = partial(Prepared, cron_job=cron_job, observed=observed, stance=stance)
        if at - now > (lead := lead_of(cron_job, observed.status, at)):
            if at - now <= RESTED:
                self._prepared[cron_job.uid] = keep(at=now, until=at, step=wait)
            return replace(wait, wake_at=at - lead)
        step = decide(cron_job, self._schedule_of(cron_job), observed, at, stance)
        if isinstance(step, Create):
            bodies = {one.name: manifest(cron_job, one, fired_by=stance.node) for one in step.firings}
            self._prepared[cron_job.uid] = keep(at=at, until=at + stance.late, step=replace(step, bodies=bodies))
        return step if isinstance(step, Recall) else wait


def lead_of(cron_job: CronJob, status: Status, at: datetime) -> timedelta:
    """How long before its moment a firing is prepared: each object has a time of its own, if it does not fire often."""
    fired_at = status.last_schedule_at or cron_job.created_at
    if at - fired_at < RESTED:
        return AHEAD
    return AHEAD + SPREAD * (crc32(cron_job.uid.encode()) / 2**32)


def _may_prepare(cron_job: CronJob, stance: Stance, wait: Wait) -> bool:
    """Whether nothing comes before a firing that needs no claim; what stands in is rarely needed."""
    return wait.wake_at == wait.presses_at and not cron_job.spec.claims and not stance.delay
