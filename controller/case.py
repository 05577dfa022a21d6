"""What is known of one object at one moment, and what follows from it at once: the ground that a decision stands on.

Each fact is worked out when it is first asked for, and once. Nothing is decided here; `settlement` and `decision` do
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from controller import history as histories
from controller import ledger as ledgers
from controller.due import Due
from controller.errors import TerminalError
from controller.history import History
from controller.jobs import Firing, Job
from controller.ledger import Ledger
from controller.observation import Attempt, Observed, Recalled, Stance
from controller.outcomes import Outcome, Reason, Trigger
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
    def limited(self) -> bool:
        """Whether an instant that finds every place taken does not fire, or waits."""
        return self.policy in (ConcurrencyPolicy.FORBID, ConcurrencyPolicy.QUEUE)

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
            cron_job=self.cron_job,
            schedule=self.schedule,
            observed=self.observed,
            through=self.ledger.through,
            done=self.done,
            now=self.now,
            stance=self.stance,
            circuit_open=self.circuit_open,
        )

    @property
    def circuit_open(self) -> bool:
        """Whether too many Jobs have failed in a row; an edit of the spec has closed it."""
        limited = self.cron_job.spec.suspend_after_failures is not None
        return limited and self.status.circuit_open and self.ledger.edit is None

    @cached_property
    def circuit_closes(self) -> bool:
        """Whether a manual run has succeeded since the circuit opened: a write of the owning node may close it."""
        places = {slot.name for slot in self.status.active if slot.trigger is Trigger.MANUAL}
        ended = (job for name, job in self.jobs.items() if name in places and not job.active)
        return self.circuit_open and any(job.finished_at is not None and job.succeeded for job in ended)

    @property
    def runs_left(self) -> int | None:
        """How many firings may still be promised a Job; None is any number."""
        limit = self.cron_job.spec.max_runs
        return None if limit is None else limit - self.status.fired - self.status.unfinished_runs

    @property
    def runs_are_over(self) -> bool:
        """Whether no firing may be promised a Job any more: what follows is no instant, unless a promised Job fails."""
        return self.runs_left is not None and self.runs_left <= 0

    @property
    def hears_requests(self) -> bool:
        """Whether this node answers what people ask for by annotation: others only once it has waited for them.

        While everything is paused nobody does: the answer would be a Job.
        """
        if self.stance.paused:
            return False
        made_at = self.cron_job.requests.made_at
        return self.owning or made_at is None or self.now - made_at >= self.stance.delay

    @property
    def new_trigger(self) -> str | None:
        """The value of a manual run that this node is to answer; None: there is none, or it was answered before."""
        value, last = self.cron_job.requests.trigger, self.status.last_trigger
        known = last is not None and last.value == value
        return value if self.hears_requests and not known else None

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
        return self.recalled.instants.union(
            job.scheduled_at
            for job in self.jobs.values()
            if job.scheduled_at is not None and job.trigger is not Trigger.MANUAL
        )

    @cached_property
    def created(self) -> frozenset[datetime]:
        """Instants that are recorded as created anywhere: what a backfill leaves out."""
        told = (outcome for outcome in self.status.recent if outcome.reason is Reason.CREATED)
        return self.done.union(outcome.scheduled_at for outcome in told if outcome.trigger.of_schedule)

    @property
    def recalled(self) -> Recalled:
        """What the recent-job store knows, as far as it was asked."""
        return self.observed.recalled or Recalled(after=self.now)

    @cached_property
    def unseen_slots(self) -> tuple[Slot, ...]:
        """Slots that were claimed and whose Job nobody has seen yet."""
        return tuple(
            slot
            for slot in self.status.active
            if slot.uid is None and slot.name not in self.jobs and slot.name not in self.recalled.names
        )

    @cached_property
    def attempts(self) -> dict[str, Attempt]:
        """By name, the creates that were turned down."""
        return {attempt.name: attempt for attempt in self.observed.attempts}

    @property
    def manual_names(self) -> frozenset[str]:
        """The names of Jobs of manual runs, as far as anybody still knows of them, and of those that are promised."""
        told = (one.job for one in self.status.recent if one.trigger is Trigger.MANUAL and one.job is not None)
        promised = (slot.name for slot in (*self.status.active, *self.status.queued))
        return self.recalled.names.union(self.jobs, told, promised)

    def due_at(self, slot: Slot) -> datetime:
        """When a slot's Job is due for this node: at once if it has claimed the slot itself, even as a stand-in."""
        delay = self.stance.delay if slot.name in self.observed.fill_at else timedelta(0)
        return self.cron_job.due_at(slot.scheduled_at, slot.trigger) + delay

    def withheld(self, slot: Slot) -> Reason | None:
        """Why a firing that was promised its Job must not get it any more; None: it may."""
        if slot.trigger.of_schedule:
            return self.due.forbidden(slot.scheduled_at)
        if self._is_cancelled(slot):
            return Reason.CREATE_FAILED
        attempt = self.attempts.get(slot.name)
        if attempt is None:
            return None
        # A backfill has time; a manual run is tried as long as a firing of the schedule would be.
        over = slot.trigger is Trigger.MANUAL and (
            self.cron_job.is_too_late(slot.scheduled_at, slot.trigger, self.now)
            or self.due.given_up(attempt, slot.scheduled_at)
        )
        return Reason.CREATE_FAILED if attempt.final or over else None

    def _is_cancelled(self, slot: Slot) -> bool:
        """Whether a slot was promised to a backfill that is not asked for any more."""
        request = self.cron_job.requests.backfill
        return slot.trigger is Trigger.BACKFILL and (request is None or request.text != slot.trigger_id)

    def may_try(self, slot: Slot) -> bool:
        """Whether a create may be tried now: a refused one waits for its time, a backfill while nothing fires."""
        if self.stance.paused:
            return False
        attempt = self.attempts.get(slot.name)
        rests = slot.trigger is Trigger.BACKFILL and (self.due.suspended_now or self._crowded)
        return self.due_at(slot) <= self.now and not rests and (attempt is None or attempt.retry_at <= self.now)

    @property
    def _crowded(self) -> bool:
        """Whether others have taken every place: a promised instant of a backfill that rested waits for one again."""
        if self.policy is ConcurrencyPolicy.ALLOW:
            return False
        others = [slot for slot in self.unseen_slots if slot.trigger is not Trigger.BACKFILL]
        return len(self.active_jobs) + len(others) >= self.cron_job.spec.slots

    @property
    def taken(self) -> int:
        """How many places are taken.

        A promised instant of a backfill that rests takes none from anybody. A slot that is given up has its place until
        the write that says so: another node may be about to fill it.
        """
        rests = self.due.suspended_now
        promised = [slot for slot in self.unseen_slots if not (rests and slot.trigger is Trigger.BACKFILL)]
        return len(self.active_jobs) + len(promised)

    def firing(self, slot: Slot) -> Firing:
        """The firing that a slot is for."""
        if slot.trigger.of_schedule:
            return self.due.firing(slot.scheduled_at)
        return Firing(
            name=slot.name,
            scheduled_at=slot.scheduled_at,
            trigger=slot.trigger,
            trigger_id=slot.trigger_id,
            previous_at=self.due.previous(slot.scheduled_at),
            next_at=self.due.next_after(slot.scheduled_at),
            last_successful_at=self.status.last_successful_at,
        )

    def outcome(self, slot: Slot, reason: Reason) -> Outcome:
        """What became of a firing."""
        attempt = self.attempts.get(slot.name)
        said = "the backfill was taken back before" if self._is_cancelled(slot) else attempt.message if attempt else ""
        return Outcome(
            scheduled_at=slot.scheduled_at,
            reason=reason,
            job=slot.name if reason is Reason.CREATED else None,
            message=said if reason is Reason.CREATE_FAILED else "",
            trigger=slot.trigger,
            trigger_id=slot.trigger_id,
        )

    def is_recorded(self, job: Job) -> bool:
        """Whether the status tells of the Job.

        Until it does, another node may be about to fill its slot and must meet the name, or the Job runs twice.
        """
        claimed = any(slot.name == job.name and slot.uid is None for slot in self.status.active)
        if claimed or job.scheduled_at is None:
            return not claimed
        return not job.trigger.of_schedule or job.scheduled_at <= self.ledger.through

    def may_be_deleted(self, job: Job) -> bool:
        """Whether the Job's name stops nobody any more: the status tells of it, and no other create can arrive."""
        return self.is_recorded(job) and self.observed.kept_until.get(job.name, self.now) <= self.now

    @property
    def fillable_slots(self) -> tuple[Slot, ...]:
        """Those that this node has claimed itself, and those that their nodes have had the time to fill."""
        return tuple(slot for slot in self.unseen_slots if self.observed.fill_at.get(slot.name, self.now) <= self.now)

    @cached_property
    def history(self) -> History:
        """Which finished Jobs are beyond the limits."""
        recorded = [job for job in self.jobs.values() if job.finished_at is not None and self.is_recorded(job)]
        return histories.review(self.cron_job.spec, recorded, self.now)
