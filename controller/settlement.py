"""How far the ledger of an object can go now, and the status write that takes it there.

An instant is passed when it has its outcome, or a slot that promises one. The write says all that there is to say at
the same time: Jobs that have ended, conditions, the next instant. `decision` says when it is due; the status room does
the arithmetic.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from controller import conditions
from controller import status as statuses
from controller.case import Case
from controller.conditions import Condition
from controller.due import CHUNK
from controller.errors import TerminalError
from controller.jobs import name_for
from controller.outcomes import Outcome, Reason
from controller.spec import ConcurrencyPolicy
from controller.status import Slot, Status
from controller.steps import Write

SETTLE_AFTER = timedelta(milliseconds=800)
"""A Job that was created is settled when its instant is this old: one write for it and for what happens meanwhile."""
SUSPENDED_SETTLE = timedelta(hours=1)
"""How often the instants that pass under suspension are settled: nobody waits for them, and each time is a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How far the ledger can go now.

    Attributes:
        outcomes: Of the instants passed, those that end here.
        slots: Of the instants passed, those that claim a slot.
        through: The last instant passed.
        edited: An edit is not closed yet: the rest of its instants follows.
    """

    outcomes: tuple[Outcome, ...] = ()
    slots: tuple[Slot, ...] = ()
    through: datetime
    edited: bool = False


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What can be settled in a case."""

    case: Case

    @cached_property
    def passage(self) -> Passage:
        """How far the ledger can go: up to the first instant that still has to get its Job."""
        outcomes: list[Outcome] = []
        slots: list[Slot] = []
        through = self.case.ledger.through
        free = self._free_slots
        for instant in self._settleable():
            reason = self.case.due.verdict(instant)
            if reason is not None:
                outcomes.append(self.outcome(instant, reason))
            elif not self.case.cron_job.spec.claims:
                break
            elif len(slots) < free:
                slots.append(Slot(name=name_for(self.case.cron_job, instant), scheduled_at=instant))
            else:
                outcomes.append(self.outcome(instant, Reason.SKIPPED_FORBID))
            through = instant
        return Passage(outcomes=tuple(outcomes), slots=tuple(slots), through=through)

    def _settleable(self) -> tuple[datetime, ...]:
        through, until = self.case.ledger.through, self.case.due.until
        if self.case.cron_job.spec.suspend and until - through < SUSPENDED_SETTLE:
            return ()
        return self.case.due.between(through, until)

    @property
    def _free_slots(self) -> int:
        """How many slots may be claimed now. Under Replace any number: older Jobs make room."""
        if self.case.policy is ConcurrencyPolicy.REPLACE:
            return CHUNK
        return self.case.cron_job.spec.slots - len(self.case.active_jobs) - len(self.case.unseen_slots)

    def outcome(self, instant: datetime, reason: Reason) -> Outcome:
        """The outcome of an instant with that reason."""
        attempt = self.case.observed.attempts.get(instant)
        return Outcome(
            scheduled_at=instant,
            reason=reason,
            job=name_for(self.case.cron_job, instant) if reason is Reason.CREATED else None,
            message=attempt.message if attempt is not None and reason is Reason.CREATE_FAILED else "",
        )

    def _concluded(self) -> list[Outcome]:
        """Outcomes of claimed slots: their Job was seen, or they are given up (on a complete view only)."""
        concluded = []
        for slot in self.case.status.active:
            if slot.uid is not None:
                continue
            if slot not in self.case.unseen_slots:
                concluded.append(self.outcome(slot.scheduled_at, Reason.CREATED))
            elif self.case.observed.complete and (reason := self.case.due.forbidden(slot.scheduled_at)) is not None:
                concluded.append(self.outcome(slot.scheduled_at, reason))
        return concluded

    @cached_property
    def step(self) -> Write:
        """The write that goes as far as the ledger can."""
        return self.write(self.passage)

    def write(self, passage: Passage) -> Write:
        """The write that passes these instants, with all else that there is to say."""
        concluded = self._concluded()
        outcomes = tuple(sorted((*concluded, *passage.outcomes), key=lambda outcome: outcome.scheduled_at))
        status = statuses.conclude(self.case.status, concluded)
        status = statuses.settle(status, passage.outcomes, through=passage.through)
        status, finished = statuses.track(
            status,
            self.case.jobs,
            newly=[self.case.jobs[outcome.job] for outcome in passage.outcomes if outcome.job in self.case.jobs],
            dropped={outcome.scheduled_at for outcome in concluded},
            complete=self.case.observed.complete,
        )
        status = statuses.claim(status, passage.slots)
        status = statuses.declare(status, self._ready(outcomes, through=passage.through), self._suspended(passage))
        return Write(status=self._stamped(status, passage), outcomes=outcomes, finished=finished)

    def _stamped(self, status: Status, passage: Passage) -> Status:
        """The fields that say who wrote, and for which spec."""
        checked = self.case.observed.checked is not None or isinstance(self.case.schedule, TerminalError)
        status = replace(
            status,
            owner=self.case.stance.node if self.case.owning else status.owner,
            observed_generation=self.case.cron_job.generation if checked else status.observed_generation,
        )
        if passage.edited:
            return status
        upcoming = None if self.case.cron_job.spec.suspend else self.case.due.next_after(passage.through)
        return replace(status, schedule_hash=self.case.cron_job.spec.schedule_hash, next_schedule_at=upcoming)

    def _suspended(self, passage: Passage) -> Condition:
        """As it stood while an edit is being closed: it tells what the rest of the instants before the edit get."""
        suspend = self.case.status.suspended if passage.edited else self.case.cron_job.spec.suspend
        return conditions.suspended(suspend)

    def _ready(self, outcomes: tuple[Outcome, ...], *, through: datetime) -> Condition:
        if isinstance(self.case.schedule, TerminalError):
            return conditions.unschedulable(self.case.schedule)
        checked = self.case.observed.checked
        return conditions.ready(
            self.case.status.condition(conditions.READY),
            checked=checked is not None,
            objection=None if checked is None else checked.objection,
            outcomes=outcomes,
            refusals=self._refusals(settled={outcome.scheduled_at for outcome in outcomes}, through=through),
        )

    def _refusals(self, *, settled: Collection[datetime], through: datetime) -> list[str]:
        """What the API server said to creates that go on. Another node may have settled what this one has tried."""
        claimed = {slot.scheduled_at for slot in self.case.unseen_slots}
        return [
            attempt.message
            for instant, attempt in sorted(self.case.observed.attempts.items(), key=lambda item: item[0])
            if instant not in settled and (instant > through or instant in claimed)
        ]

    @property
    def hold_until(self) -> datetime:
        """When `step` may go out: at once, unless it only says that Jobs were created just now."""
        outcomes = self.step.outcomes
        quiet = all(outcome.reason is Reason.CREATED for outcome in outcomes)
        if not outcomes or not quiet or self.passage.slots:
            return self.case.now
        return min(outcome.scheduled_at for outcome in outcomes) + SETTLE_AFTER
