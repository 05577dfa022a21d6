"""The status write that takes an object's ledger as far as it can go, and says all else that there is to say.

One write holds the outcomes, the places, Jobs that have ended, the conditions and the next instant. `settlement` says
how far things go, `status` does the arithmetic, `decision` says when the write is due.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from controller import blocking, conditions
from controller import status as statuses
from controller.case import Case
from controller.conditions import Condition
from controller.errors import TerminalError
from controller.instants import INSTANT
from controller.jobs import Job
from controller.ledger import AHEAD, Closes, moment_of_edit
from controller.outcomes import Outcome, Reason, Trigger
from controller.settlement import Passage, Settlement
from controller.status import Status
from controller.steps import Write

SETTLE_AFTER = timedelta(milliseconds=800)
"""A Job that was created is settled when its instant is this old: one write for it and for what happens meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Writing:
    """The write that a case asks for."""

    case: Case
    settlement: Settlement

    @cached_property
    def step(self) -> Write:
        """The write that goes as far as the ledger can."""
        return self.of(self.settlement.passage)

    @property
    def settles(self) -> bool:
        """Whether `step` changes what has become of firings; otherwise it only tells of Jobs and conditions."""
        passage, status = self.settlement.passage, self.case.status
        requests = (passage.last_trigger, passage.backfill) != (status.last_trigger, status.backfill)
        return bool(self.step.outcomes or passage.slots) or passage.queued != status.queued or requests

    @property
    def hold_until(self) -> datetime:
        """When `step` may go out: at once, unless it only says that Jobs were created just now."""
        outcomes = self.step.outcomes
        passage = self.settlement.passage
        quiet = all(outcome.reason is Reason.CREATED and outcome.trigger.of_schedule for outcome in outcomes)
        if not outcomes or not quiet or passage.slots or passage.queued != self.case.status.queued:
            return self.case.now
        return min(self.case.cron_job.due_at(outcome.scheduled_at) for outcome in outcomes) + SETTLE_AFTER

    def of(self, passage: Passage) -> Write:
        """The write of a passage, with all else that there is to say."""
        everything = (*passage.concluded, *passage.outcomes)
        outcomes = tuple(sorted(everything, key=lambda outcome: outcome.scheduled_at))
        status = statuses.changed(self.case.status, last_trigger=passage.last_trigger, backfill=passage.backfill)
        status = statuses.conclude(status, passage.concluded)
        status = statuses.settle(status, passage.outcomes, through=passage.through)
        jobs = self._countable(passage)
        status, finished = statuses.track(
            status,
            jobs,
            newly=[jobs[outcome.job] for outcome in passage.outcomes if outcome.job in jobs],
            dropped=passage.released,
            complete=self.case.observed.complete,
            failure_limit=self.case.cron_job.spec.suspend_after_failures,
        )
        status = statuses.claim(status, passage.slots, passage.queued)
        status = statuses.turn_away(status, blocking.turned_away(self.case, passage))
        status = self._stamped(self._closed(status, passage, finished), passage)
        status = statuses.declare(status, *self._conditions(status, passage, outcomes))
        return Write(before=self.case.status, status=status, outcomes=outcomes, finished=finished)

    def _countable(self, passage: Passage) -> dict[str, Job]:
        """The Jobs. One that closes the circuit counts as ended only once all instants before that are passed.

        Until then it has its place as if it went on: a later write counts its end. A node that stands in passes only
        instants that are old enough for it, so it closes none.
        """
        if not self.case.circuit_closes or (passage.whole and self.case.owning):
            return self.case.jobs
        return {
            name: replace(job, finished_at=None, gone=False) if job.trigger is Trigger.MANUAL else job
            for name, job in self.case.jobs.items()
        }

    def _closed(self, status: Status, passage: Passage, finished: Iterable[Job]) -> Status:
        """After an edit of the spec, of whatever field, the failures before it count no more."""
        if passage.leaves_edit:
            return status
        edited = self._is_checked and self.case.cron_job.generation != status.observed_generation
        closed = passage.edit is not None and passage.edit.closes is not Closes.PAUSE
        if not edited and not closed:
            return status
        edited_at = self.case.cron_job.edited_at
        later = [job for job in finished if edited_at and job.finished_at and job.finished_at > edited_at]
        return statuses.begin_row(status, later, self.case.cron_job.spec.suspend_after_failures)

    @property
    def _is_checked(self) -> bool:
        """Whether this generation has been looked at: its template was checked, or there is no schedule to fire."""
        return self.case.observed.checked is not None or isinstance(self.case.schedule, TerminalError)

    def _stamped(self, status: Status, passage: Passage) -> Status:
        """The fields that say who wrote, and for which spec and which pause."""
        status = statuses.changed(status, owner=self.case.stance.node)
        if passage.leaves_rest:
            return status
        pause = self.case.due.paused_until
        if passage.leaves_edit:
            return statuses.changed(status, suspended_until=pause)
        return statuses.changed(
            status,
            schedule_hash=self.case.cron_job.spec.schedule_hash,
            suspended_until=pause,
            observed_generation=self.case.cron_job.generation if self._is_checked else status.observed_generation,
            next_schedule_at=self._upcoming(status, passage),
        )

    def _upcoming(self, status: Status, passage: Passage) -> datetime | None:
        """The next instant that will fire, as things stand."""
        suspended = self.case.cron_job.spec.suspend or self._circuit(status).status
        if suspended or self._runs_are_over(status.fired + status.unfinished_runs):
            return None
        pause = self.case.due.paused_until
        if self.case.stance.paused or pause is None or not self._suspended(passage).status:
            # What a pause by annotation leaves open, because everything is paused or it is over, an edit must find.
            return self.case.due.next_after(passage.through)
        resumed = pause - self.case.cron_job.shift - INSTANT
        return self.case.due.next_after(max(passage.through, resumed))

    def _conditions(self, status: Status, passage: Passage, outcomes: tuple[Outcome, ...]) -> list[Condition]:
        """The conditions. An edit that is being closed leaves most: they tell what its other instants will get."""
        found = [self._ready(outcomes, through=passage.through)]
        if passage.leaves_rest:
            return found
        if not (passage.leaves_edit and self._was_suspended_by_spec):
            found.append(self._suspended(passage))
        if passage.leaves_edit:
            return found
        others = (self._circuit(status), self._completed(status, passage), self._blocked(status, passage))
        known = self.case.status.condition  # one that never held is not spoken of
        return found + [one for one in others if one.status or known(one.type) is not None]

    def _suspended(self, passage: Passage) -> Condition:
        """Whether it is suspended; while instants are open that lie between a pause and an edit, as it was for them.

        A pause that a node has called over is not called back by one whose clock is behind.
        Without Redis two nodes may both look after an object, and each would write what its own clock says, in turn.
        """
        status, cron_job, pause = self.case.status, self.case.cron_job, self.case.cron_job.requests.pause
        edited_at = moment_of_edit(cron_job, status, self.case.now)
        between = passage.leaves_edit and passage.through < edited_at - cron_job.shift
        told = status.condition(conditions.SUSPENDED)
        over = told is not None and not told.status and status.suspended_until == self.case.due.paused_until
        by_spec = cron_job.spec.suspend and not between
        return conditions.suspended(by_spec, pause, now=self.case.now + AHEAD if over else self.case.now)

    @property
    def _was_suspended_by_spec(self) -> bool:
        """Whether the spec before an edit suspended it: the instants before that are skipped, whatever pause ended."""
        told = self.case.status.condition(conditions.SUSPENDED)
        return told is not None and told.reason == conditions.SUSPENDED_BY_SPEC

    def _circuit(self, status: Status) -> Condition:
        return conditions.circuit(status.failures_in_row, self.case.cron_job.spec.suspend_after_failures)

    def _blocked(self, status: Status, passage: Passage) -> Condition:
        return blocking.condition(self.case, status, news=blocking.turned_away(self.case, passage) > 0)

    def _completed(self, status: Status, passage: Passage) -> Condition:
        upcoming = isinstance(self.case.schedule, TerminalError) or self.case.due.next_after(passage.through)
        ended = not upcoming and not status.unfinished_runs
        return conditions.completed(runs=self._runs_are_over(status.fired), instants=ended, fired=status.fired)

    def _runs_are_over(self, runs: int) -> bool:
        limit = self.case.cron_job.spec.max_runs
        return limit is not None and runs >= limit

    def _ready(self, outcomes: tuple[Outcome, ...], *, through: datetime) -> Condition:
        if isinstance(self.case.schedule, TerminalError):
            return conditions.unschedulable(self.case.schedule)
        checked = self.case.observed.checked
        return conditions.ready(
            self.case.status.condition(conditions.READY),
            checked=checked is not None,
            objection=None if checked is None else checked.objection,
            outcomes=outcomes,
            refusals=self._refusals({outcome.scheduled_at for outcome in outcomes}, through=through),
        )

    def _refusals(self, settled: Collection[datetime], *, through: datetime) -> list[str]:
        """What the API server said to creates that go on. Another node may have settled what this one has tried."""
        promised = {slot.name for slot in self.case.unseen_slots}
        return [
            attempt.message
            for attempt in sorted(self.case.observed.attempts, key=lambda attempt: attempt.scheduled_at)
            if attempt.scheduled_at not in settled and (attempt.scheduled_at > through or attempt.name in promised)
        ]
