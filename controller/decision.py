"""What the schedule asks for now, as a value: one next step, and nothing has happened yet.

`decide` looks at an object, at what is known of its Jobs and at the time, and names the next step. The reconciler
takes it, observes again and asks again, until the step is to wait. A crash between any two steps is closed by whoever
decides next, from the status and the Jobs alone.

Under Allow a Job is created first and settled within a second. Under a policy that limits active Jobs, where runs are
limited, and for what people ask for by annotation, the status comes first: a slot is claimed there by compare-and-swap,
which passes the instant, and whoever sees a slot without a Job fills it. A Job list that is consistent comes before the
claim, not after it: between the object's resourceVersion and the compare-and-swap nobody else can have claimed, so what
the list shows is all there is, and one write holds the true outcome.

This room knows no cluster, no clock and no ring. `reconciler` is its neighbour above; `case`, `settlement` and
`writing` are its tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from controller.case import Case
from controller.conditions import INVALID_JOB_TEMPLATE, READY
from controller.errors import TerminalError
from controller.instants import INSTANT
from controller.jobs import Job
from controller.observation import Attempt, Observed, Stance
from controller.outcomes import Reason, Trigger
from controller.schedule import Schedule
from controller.settlement import SUSPENDED_SETTLE, Settlement
from controller.spec import CatchUpPolicy, ConcurrencyPolicy, CronJob
from controller.status import Slot, Status
from controller.steps import Cause, Check, Create, Delete, Look, Recall, Step, Wait, Write
from controller.writing import Writing

TOGETHER = 16
"""Most Jobs created or deleted by one step: a long catch-up must not push others aside."""
_DENIED = frozenset({Reason.SKIPPED_FORBID, Reason.SKIPPED_QUEUE_FULL, Reason.MISSED_CATCH_UP, Reason.MISSED_DEADLINE})
"""Turned away because of other Jobs, so they had better be there; or because it is too late, but a create whose answer
was lost in an outage may have gone through in time, and no watch has shown its Job yet."""


def decide(
    cron_job: CronJob, schedule: Schedule | TerminalError, observed: Observed, now: datetime, stance: Stance
) -> Step:
    """The next step for an object.

    Args:
        cron_job: The object.
        schedule: Its schedule, or why it has none.
        observed: What is known of it.
        now: The time, aware UTC.
        stance: How this node stands to it.
    """
    if cron_job.deleted:
        return Wait()
    case = Case(cron_job=cron_job, schedule=schedule, observed=observed, now=now, stance=stance)
    settlement = Settlement(case=case)
    question = _Question(case=case, settlement=settlement, writing=Writing(case=case, settlement=settlement))
    if stance.leaving:
        return question.fill()
    return (
        question.check()
        or question.close_edit()
        or question.make_room()
        or question.create()
        or question.look()
        or question.write()
        or question.prune()
        or question.wait()
    )


@dataclass(frozen=True, kw_only=True)
class _Question:
    """The steps, in the order in which they are considered; each gives None if it is not asked for."""

    case: Case
    settlement: Settlement
    writing: Writing

    def check(self) -> Step | None:
        """The template of a new generation is shown to the API server before anything else is said of it."""
        new = self.case.cron_job.generation != self.case.status.observed_generation
        valid = not isinstance(self.case.schedule, TerminalError)
        return Check() if new and valid and self.case.owning and self.case.observed.checked is None else None

    def fill(self) -> Step:
        """A node that has lost the key creates the Jobs that it has promised, and no more.

        What becomes of a firing is said by the owning node alone: one that gave up a create, while the other was at the
        very same, would tell of a failure beside a Job. One at a time: the owning node fills them too, if they wait.
        """
        ours = [slot for slot in self.case.unseen_slots if slot.name not in self.case.observed.fill_at]
        promised = [slot for slot in ours if self.case.withheld(slot) is None]
        ready = [slot for slot in promised if self.case.may_try(slot)]
        if not ready:
            times = [one.retry_at for one in self.case.observed.attempts]
            times += [self.case.due_at(slot) for slot in promised]
            wake_at = self._earliest(times)
            return Wait(wake_at=wake_at, presses_at=wake_at)
        if not self.case.observed.complete:
            return Look()
        oldest = min(ready, key=lambda slot: slot.scheduled_at)
        return self._recalled() or Create(firings=(self.case.firing(oldest),))

    def close_edit(self) -> Step | None:
        """After an edit the instants before it are closed first, so that none of them fires.

        The Jobs are listed before any is told as missed: another node may have fired it just before the edit.
        """
        edit = self.case.ledger.edit
        if edit is None:
            return None
        passage = self.settlement.close(edit)
        missed = any(outcome.reason is not Reason.CREATED for outcome in passage.outcomes)
        return Look() if missed and not self.case.observed.complete else self.writing.of(passage)

    def make_room(self) -> Step | None:
        """Under Replace the newest survive: whatever is older than them goes before the next is created."""
        if self.case.policy is not ConcurrencyPolicy.REPLACE or self.case.stance.paused:
            return None
        coming = [slot for slot in self.case.unseen_slots if self.case.withheld(slot) is None]
        standing: list[Job | Slot] = [*self.case.active_jobs, *coming]
        standing.sort(key=self._age)
        surplus = standing[: max(0, len(standing) - self.case.cron_job.spec.slots)]
        victims = tuple(place for place in surplus if isinstance(place, Job) and self.case.may_be_deleted(place))
        return Delete(jobs=victims[:TOGETHER], cause=Cause.REPLACED) if victims else None

    def _age(self, place: Job | Slot) -> tuple[datetime, bool, str]:
        """What orders Jobs: when they were due; a manual run is younger than the instant of its own second."""
        scheduled_at = place.scheduled_at or self.case.cron_job.created_at
        due_at = self.case.cron_job.due_at(scheduled_at, place.trigger)
        return due_at, place.trigger is Trigger.MANUAL, place.name

    def create(self) -> Step | None:
        """Jobs of claimed slots; under Allow the Job of every instant that fires."""
        slots = self.case.fillable_slots if self.case.observed.complete else ()
        ready = [
            self.case.firing(slot) for slot in slots if self.case.withheld(slot) is None and self.case.may_try(slot)
        ]
        candidates = () if self.case.cron_job.spec.claims else self.case.due.candidates()
        ready += [
            self.case.due.firing(instant)
            for instant in candidates
            if self.case.due.verdict(instant) is None and self.case.due.may_try(instant)
        ][:TOGETHER]
        firings = sorted({firing.name: firing for firing in ready}.values(), key=lambda firing: firing.scheduled_at)
        return self._recalled() or Create(firings=tuple(firings[:TOGETHER])) if firings else None

    def _recalled(self) -> Recall | None:
        """Before Jobs are created or promised, the store is asked once for those whose Jobs may be gone already."""
        open_since = [self.case.ledger.through, self.settlement.backfilling.open_since]
        open_since += [slot.scheduled_at - INSTANT for slot in self.case.unseen_slots]
        if self.case.new_trigger is not None:
            open_since.append(self.case.cron_job.created_at)  # its value may have had its run at any time
        after = min(instant for instant in open_since if instant is not None)
        recalled = self.case.observed.recalled
        return Recall(after=after) if recalled is None or recalled.after > after else None

    def look(self) -> Step | None:
        """Before a slot is claimed, denied, filled or released, the Jobs are listed: the watch may lag behind.

        The store is asked before that, if it is to be: what is recorded in between has its Job on the list.
        """
        if self.case.observed.complete:
            return None
        unknown = any(slot.uid is not None and slot.name not in self.case.jobs for slot in self.case.status.active)
        given_up = any(self.case.withheld(slot) is not None for slot in self.case.unseen_slots)
        unfilled = any(self.case.may_try(slot) for slot in self.case.fillable_slots)
        passage = self.settlement.passage
        told = (*passage.outcomes, *passage.concluded)
        # Known from the store or a lost slot alone: if its Job is there it gets its place, and its end is counted.
        unknown = unknown or any(one.reason is Reason.CREATED and one.job not in self.case.jobs for one in told)
        denied = any(one.reason in _DENIED for one in told)
        waiting = any(slot not in self.case.status.queued for slot in passage.queued)
        if passage.slots or unfilled:
            return self._recalled() or Look()
        return Look() if waiting or denied or given_up or (unknown and self.case.owning) else None

    def write(self) -> Step | None:
        """Settle what can be settled; not yet, if all there is to say is that a Job was created just now."""
        step = self.writing.step
        if not self.writing.settles and (not self.case.owning or _same(step.status, self.case.status)):
            return None
        if self.settlement.passage.slots and (recall := self._recalled()) is not None:
            return recall
        if self.writing.hold_until > self.case.now:
            return None
        return Check() if self._may_heal(step) else step

    def _may_heal(self, step: Write) -> bool:
        """Whether a template that was objected to has made a Job after all: what objected may be gone."""
        ready = self.case.status.condition(READY)
        objected = ready is not None and ready.reason == INVALID_JOB_TEMPLATE
        created = any(outcome.reason is Reason.CREATED for outcome in step.outcomes)
        return objected and created and self.case.owning and self.case.observed.checked is None

    def prune(self) -> Step | None:
        """Finished Jobs beyond the history limits go."""
        beyond = self.case.history.beyond
        return Delete(jobs=beyond[:TOGETHER], cause=Cause.HISTORY) if beyond and self.case.owning else None

    def wait(self) -> Wait:
        """Nothing is left to do now; the next thing that time alone will bring."""
        if self.case.stance.paused:
            return Wait(wake_at=self._earliest(self._books()))
        upcoming = self._upcoming()
        firing_at = None if upcoming is None else self.case.cron_job.due_at(upcoming) + self.case.stance.delay
        pressing = [firing_at, self._is_asked(), *self.case.observed.fill_at.values()]
        pressing += [attempt.retry_at for attempt in self.case.observed.attempts]
        pressing += [self.case.due_at(slot) for slot in self.case.unseen_slots]
        presses_at = self._earliest(pressing)
        return Wait(
            wake_at=self._earliest([presses_at, *self._books()]),
            presses_at=presses_at,
            lost_at=None if upcoming is None or firing_at != presses_at else self._lost_at(upcoming),
        )

    def _books(self) -> list[datetime | None]:
        """When time alone brings something to be told, and nothing to be fired."""
        books = [self._settles_rest_at(), *self.case.observed.kept_until.values()]
        books += [self._deadline_of(one.scheduled_at, one.trigger) for one in self._waiting()]
        if self.writing.step.outcomes:
            books.append(self.writing.hold_until)
        if self.case.owning:
            books.append(self.case.history.look_again_at)
        return books

    def _earliest(self, times: Iterable[datetime | None]) -> datetime | None:
        """The first that is still to come."""
        return min((at for at in times if at is not None and at > self.case.now), default=None)

    def _upcoming(self) -> datetime | None:
        """The next instant that fires, as things stand."""
        pause, since = self.case.due.paused_until, self.case.due.until
        if self.case.cron_job.spec.suspend or self.case.due.circuit_open or self.case.runs_are_over:
            return None
        if self.case.due.suspended_now and pause is not None:
            since = max(since, pause - self.case.cron_job.shift - INSTANT)
        return self.case.due.next_after(since)

    def _settles_rest_at(self) -> datetime | None:
        """When instants that nothing fires for are told of next, while the schedule rests."""
        if not self.case.due.suspended_now:
            return None
        pause, settle_at = self.case.due.paused_until, self.case.now + SUSPENDED_SETTLE
        return settle_at if pause is None or pause <= self.case.now else min(settle_at, pause)

    def _lost_at(self, instant: datetime) -> datetime | None:
        """When the firing of an instant is past its deadline, or its late window, or meets the next one."""
        overtaken, due_at = self.case.due.next_after(instant), self.case.cron_job.due_at(instant)
        met_at = None if overtaken is None else self.case.cron_job.due_at(overtaken)
        caught_up = self.case.cron_job.spec.catch_up_policy is not CatchUpPolicy.NONE
        missed_at = None if caught_up else due_at + self.case.stance.late
        return self._earliest([self.case.cron_job.too_late_at(instant), met_at, missed_at])

    def _waiting(self) -> list[Slot | Attempt]:
        """What waits for its turn, for its Job, or for another try."""
        return [*self.case.status.queued, *self.case.unseen_slots, *self.case.observed.attempts]

    def _deadline_of(self, scheduled_at: datetime, trigger: Trigger) -> datetime | None:
        """When an instant of the schedule that waits is past its deadline."""
        return self.case.cron_job.too_late_at(scheduled_at) if trigger.of_schedule else None

    def _is_asked(self) -> datetime | None:
        """When this node, which stands in, would answer what people ask for by annotation."""
        made_at = self.case.cron_job.requests.made_at
        return None if made_at is None else made_at + self.case.stance.delay


def _same(one: Status, other: Status) -> bool:
    """Whether two statuses say the same. Who wrote them does not count: a new owning node has nothing to say yet."""
    return one is other or one == replace(other, owner=one.owner)
