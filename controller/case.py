"""What is known of one object at one moment, and what follows from it at once: the ground that a decision stands on.

Each fact is worked out when it is first asked for, and once. Nothing is decided here; `settlement` and `decision` do
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from controller import history as histories
from controller import ledger as ledgers
from controller.due import Due
from controller.errors import TerminalError
from controller.history import History
from controller.jobs import Job
from controller.ledger import Ledger
from controller.observation import Observed, Stance
from controller.schedule import Schedule
from controller.spec import ConcurrencyPolicy, CronJob
from controller.status import Slot, Status


@dataclass(frozen=True, kw_only=True)
class Case:
    """One object, as one node sees it now.

    Attributes:
        schedule: Its schedule, or why it has none.
        observed: What is known besides the object itself.
        stance: How this node stands to it.
    """

    cron_job: CronJob
    schedule: Schedule | TerminalError
    observed: Observed
    now: datetime
    stance: Stance

    @property
    def status(self) -> Status:
        """The status as it stands."""
        return self.observed.status

    @property
    def policy(self) -> ConcurrencyPolicy:
        """What an instant does while earlier Jobs are unfinished."""
        return self.cron_job.spec.concurrency_policy

    @property
    def owning(self) -> bool:
        """Whether this node is the owning node, and does not only stand in."""
        return not self.stance.delay

    @cached_property
    def ledger(self) -> Ledger:
        """Where the counting stands."""
        return ledgers.read(self.cron_job, self.status, self.now)

    @cached_property
    def due(self) -> Due:
        """The due instants, and what becomes of each."""
        return Due(
            spec=self.cron_job.spec,
            schedule=self.schedule,
            observed=self.observed,
            through=self.ledger.through,
            done=self.done,
            now=self.now,
            stance=self.stance,
        )

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """By name, the Jobs that are this object's own: an earlier object of the same name has another UID."""
        return {job.name: job for job in self.observed.jobs if job.controlled_by == self.cron_job.uid}

    @cached_property
    def active_jobs(self) -> list[Job]:
        """Its Jobs that are not finished."""
        return [job for job in self.jobs.values() if job.active]

    @cached_property
    def done(self) -> frozenset[datetime]:
        """Instants that have their Job, or had it."""
        seen = {job.scheduled_at for job in self.jobs.values() if job.scheduled_at is not None}
        return self.observed.recalled | seen

    @cached_property
    def unseen_slots(self) -> tuple[Slot, ...]:
        """Slots that were claimed and whose Job nobody has seen yet."""
        return tuple(
            slot
            for slot in self.status.active
            if slot.uid is None and slot.name not in self.jobs and slot.scheduled_at not in self.done
        )

    def is_recorded(self, job: Job) -> bool:
        """Whether the status tells of the Job.

        Until it does, another node may be about to fill its slot and must meet the name, or the Job runs twice.
        """
        claimed = any(slot.name == job.name and slot.uid is None for slot in self.status.active)
        settled = job.scheduled_at is None or job.scheduled_at <= self.ledger.through
        return settled and not claimed

    @property
    def fillable_slots(self) -> tuple[Slot, ...]:
        """Those that this node has claimed itself, and those that their nodes have had the time to fill."""
        return tuple(slot for slot in self.unseen_slots if self.observed.fill_at.get(slot.name, self.now) <= self.now)

    @cached_property
    def history(self) -> History:
        """Which finished Jobs are beyond the limits."""
        return histories.review(self.cron_job.spec, self.jobs.values(), self.now)
