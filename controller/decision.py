"""What the schedule asks for now, as a value: one next step, and nothing has happened yet.

`decide` looks at an object, at what is known of its Jobs and at the time, and names the next step. The reconciler
takes it, observes again and asks again, until the step is to wait. A crash between any two steps is closed by whoever
decides next, from the status and the Jobs alone.

Under Allow a Job is created first and settled within a second. Under a policy that limits active Jobs the status comes
first: a slot is claimed there by compare-and-swap, which passes the instant, and whoever sees a slot without
a Job fills it. A Job list that is consistent comes before the claim, not after it: between the object's
resourceVersion and the compare-and-swap nobody else can have claimed, so what the list shows is all there is, and
one write holds the true outcome.

This room knows no cluster, no clock and no ring. `reconciler` is its neighbour above; `due`, `ledger`, `history` and
`status` are its tools.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from controller import conditions, history, ledger
from controller import status as statuses
from controller.conditions import Condition
from controller.due import CHUNK, Due
from controller.errors import TerminalError
from controller.jobs import Job, name_for
from controller.observation import Observed, Stance
from controller.outcomes import Outcome, Reason
from controller.schedule import Schedule
from controller.spec import ConcurrencyPolicy, CronJob
from controller.status import Slot, Status
from controller.steps import Cause, Check, Create, Delete, Look, Step, Wait, Write

SETTLE_AFTER = timedelta(milliseconds=800)
"""A Job that was created is settled when its instant is this old: one write for it and for what happens meanwhile."""
SUSPENDED_SETTLE = timedelta(hours=1)
"""How often the instants that pass under suspension are settled: nobody waits for them, and each time is a write."""


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
    case = _Case(cron_job=cron_job, schedule=schedule, observed=observed, now=now, stance=stance)
    return (
        case.check()
        or case.close_edit()
        or case.make_room()
        or case.create()
        or case.look()
        or case.write()
        or case.prune()
        or case.wait()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
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
class _Case:
    """One question to `decide`, with what follows from it worked out once."""

    cron_job: CronJob
    schedule: Schedule | TerminalError
    observed: Observed
    now: datetime
    stance: Stance

    # The steps, in the order in which they are considered.

    def check(self) -> Step | None:
        """The template of a new generation is shown to the API server before anything else is said of it."""
        new = self.cron_job.generation != self._status.observed_generation
        valid = not isinstance(self.schedule, TerminalError)
        return Check() if new and valid and self._owning and self.observed.checked is None else None

    def close_edit(self) -> Step | None:
        """After an edit the instants before it are closed first, so that none of them fires.

        The Jobs are listed before any is told as missed: another node may have fired it just before the edit.
        """
        edit = self._ledger.edit
        if edit is None:
            return None
        instants = self._due.between(edit.since, edit.until)
        whole = len(instants) < CHUNK
        through = edit.until if whole else instants[-1]
        done = {instant for instant in self._done if self._ledger.through < instant <= through}
        outcomes = [
            self._outcome(instant, Reason.CREATED if instant in done else edit.reason)
            for instant in sorted({*instants, *done})
        ]
        if any(outcome.reason is not Reason.CREATED for outcome in outcomes) and not self.observed.complete:
            return Look()
        return self._write(_Passage(outcomes=tuple(outcomes), through=through, edited=not whole))

    def make_room(self) -> Step | None:
        """Under Replace the newest survive: whatever is older than them goes before the next is created."""
        if self._policy is not ConcurrencyPolicy.REPLACE:
            return None
        coming = [slot for slot in self._unseen_slots if self._due.forbidden(slot.scheduled_at) is None]
        standing: list[Job | Slot] = [*self._active_jobs, *coming]
        standing.sort(key=lambda place: place.scheduled_at or self.cron_job.created_at)
        surplus = standing[: max(0, len(standing) - self.cron_job.spec.slots)]
        victims = tuple(place for place in surplus if isinstance(place, Job) and self._is_recorded(place))
        return Delete(jobs=victims, cause=Cause.REPLACED) if victims else None

    def create(self) -> Step | None:
        """Jobs of claimed slots; under Allow the Job of every instant that fires."""
        slots = self._fillable_slots if self.observed.complete else ()
        claimed = [slot.scheduled_at for slot in slots if self._due.forbidden(slot.scheduled_at) is None]
        candidates = () if self.cron_job.spec.claims else self._due.candidates()
        due = [instant for instant in candidates if self._due.verdict(instant) is None]
        ready = [instant for instant in sorted({*claimed, *due}) if self._due.may_try(instant)]
        return Create(firings=tuple(self._due.firing(instant) for instant in ready)) if ready else None

    def look(self) -> Step | None:
        """Before a slot is claimed, denied, filled or released, the Jobs are listed: the watch may lag behind."""
        if self.observed.complete:
            return None
        unknown = any(slot.uid is not None and slot.name not in self._jobs for slot in self._status.active)
        given_up = any(self._due.forbidden(slot.scheduled_at) is not None for slot in self._unseen_slots)
        unfilled = any(self._due.may_try(slot.scheduled_at) for slot in self._fillable_slots)
        denied = any(outcome.reason is Reason.SKIPPED_FORBID for outcome in self._passage.outcomes)
        return Look() if self._passage.slots or denied or given_up or unfilled or (unknown and self._owning) else None

    def write(self) -> Step | None:
        """Settle what can be settled; not yet, if all there is to say is that a Job was created just now."""
        step = self._write(self._passage)
        settled = step.outcomes or self._passage.slots
        if not settled and (not self._owning or _same(step.status, self._status)):
            return None
        return None if self._hold_until(step) > self.now else step

    def prune(self) -> Step | None:
        """Finished Jobs beyond the history limits go."""
        beyond = self._history.beyond
        return Delete(jobs=beyond, cause=Cause.HISTORY) if beyond and self._owning else None

    def wait(self) -> Wait:
        """Nothing is left to do now; the next thing that time alone will bring."""
        times = [self._next_look()]
        times += [attempt.retry_at for attempt in self.observed.attempts.values()]
        times += [slot.scheduled_at + self.stance.delay for slot in self._unseen_slots]
        times += self.observed.fill_at.values()
        step = self._write(self._passage)
        if step.outcomes:
            times.append(self._hold_until(step))
        if self._owning:
            times.append(self._history.look_again_at)
        return Wait(wake_at=min((at for at in times if at is not None and at > self.now), default=None))

    # What is known.

    @property
    def _status(self) -> Status:
        return self.observed.status

    @property
    def _policy(self) -> ConcurrencyPolicy:
        return self.cron_job.spec.concurrency_policy

    @property
    def _owning(self) -> bool:
        return not self.stance.delay

    @cached_property
    def _ledger(self) -> ledger.Ledger:
        return ledger.read(self.cron_job, self._status, self.now)

    @cached_property
    def _due(self) -> Due:
        return Due(
            spec=self.cron_job.spec,
            schedule=self.schedule,
            observed=self.observed,
            through=self._ledger.through,
            done=self._done,
            now=self.now,
            stance=self.stance,
        )

    @cached_property
    def _jobs(self) -> dict[str, Job]:
        """By name, the Jobs that are this object's own: an earlier object of the same name has another UID."""
        return {job.name: job for job in self.observed.jobs if job.controlled_by == self.cron_job.uid}

    @cached_property
    def _active_jobs(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.active]

    @cached_property
    def _done(self) -> frozenset[datetime]:
        """Instants that have their Job, or had it."""
        seen = {job.scheduled_at for job in self._jobs.values() if job.scheduled_at is not None}
        return self.observed.recalled | seen

    @cached_property
    def _unseen_slots(self) -> tuple[Slot, ...]:
        """Slots that were claimed and whose Job nobody has seen yet."""
        return tuple(
            slot
            for slot in self._status.active
            if slot.uid is None and slot.name not in self._jobs and slot.scheduled_at not in self._done
        )

    def _is_recorded(self, job: Job) -> bool:
        """Whether the status tells of the Job.

        Until it does, another node may be about to fill its slot and must meet the name, or the Job runs twice.
        """
        claimed = any(slot.name == job.name and slot.uid is None for slot in self._status.active)
        settled = job.scheduled_at is None or job.scheduled_at <= self._ledger.through
        return settled and not claimed

    @property
    def _fillable_slots(self) -> tuple[Slot, ...]:
        """Those that this node has claimed itself, and those that their nodes have had the time to fill."""
        return tuple(slot for slot in self._unseen_slots if self.observed.fill_at.get(slot.name, self.now) <= self.now)

    @cached_property
    def _history(self) -> history.History:
        return history.review(self.cron_job.spec, self._jobs.values(), self.now)

    def _next_look(self) -> datetime | None:
        """When time brings the next instant up for this node."""
        if self.cron_job.spec.suspend:
            return self.now + SUSPENDED_SETTLE
        upcoming = self._due.next_after(self._due.until)
        return None if upcoming is None else upcoming + self.stance.delay

    # The ledger moves on.

    @cached_property
    def _passage(self) -> _Passage:
        """How far the ledger can go: up to the first instant that still has to get its Job."""
        outcomes: list[Outcome] = []
        slots: list[Slot] = []
        through = self._ledger.through
        free = self._free_slots
        for instant in self._settleable():
            reason = self._due.verdict(instant)
            if reason is not None:
                outcomes.append(self._outcome(instant, reason))
            elif not self.cron_job.spec.claims:
                break
            elif len(slots) < free:
                slots.append(Slot(name=name_for(self.cron_job, instant), scheduled_at=instant))
            else:
                outcomes.append(self._outcome(instant, Reason.SKIPPED_FORBID))
            through = instant
        return _Passage(outcomes=tuple(outcomes), slots=tuple(slots), through=through)

    def _settleable(self) -> tuple[datetime, ...]:
        through, until = self._ledger.through, self._due.until
        if self.cron_job.spec.suspend and until - through < SUSPENDED_SETTLE:
            return ()
        return self._due.between(through, until)

    @property
    def _free_slots(self) -> int:
        """How many slots may be claimed now. Under Replace any number: older Jobs make room."""
        if self._policy is ConcurrencyPolicy.REPLACE:
            return CHUNK
        return self.cron_job.spec.slots - len(self._active_jobs) - len(self._unseen_slots)

    def _outcome(self, instant: datetime, reason: Reason) -> Outcome:
        attempt = self.observed.attempts.get(instant)
        return Outcome(
            scheduled_at=instant,
            reason=reason,
            job=name_for(self.cron_job, instant) if reason is Reason.CREATED else None,
            message=attempt.message if attempt is not None and reason is Reason.CREATE_FAILED else "",
        )

    def _concluded(self) -> list[Outcome]:
        """Outcomes of claimed slots: their Job was seen, or they are given up (on a complete view only)."""
        concluded = []
        for slot in self._status.active:
            if slot.uid is not None:
                continue
            if slot not in self._unseen_slots:
                concluded.append(self._outcome(slot.scheduled_at, Reason.CREATED))
            elif self.observed.complete and (reason := self._due.forbidden(slot.scheduled_at)) is not None:
                concluded.append(self._outcome(slot.scheduled_at, reason))
        return concluded

    # The status that follows.

    def _write(self, passage: _Passage) -> Write:
        """The write that passes these instants, with all else that there is to say."""
        concluded = self._concluded()
        outcomes = tuple(sorted((*concluded, *passage.outcomes), key=lambda outcome: outcome.scheduled_at))
        status = statuses.conclude(self._status, concluded)
        status = statuses.settle(status, passage.outcomes, through=passage.through)
        status, finished = statuses.track(
            status,
            self._jobs,
            newly=[self._jobs[outcome.job] for outcome in passage.outcomes if outcome.job in self._jobs],
            dropped={outcome.scheduled_at for outcome in concluded},
            complete=self.observed.complete,
        )
        status = statuses.claim(status, passage.slots)
        status = statuses.declare(status, self._ready(outcomes, through=passage.through), self._suspended(passage))
        return Write(status=self._stamped(status, passage), outcomes=outcomes, finished=finished)

    def _stamped(self, status: Status, passage: _Passage) -> Status:
        """The fields that say who wrote, and for which spec."""
        checked = self.observed.checked is not None or isinstance(self.schedule, TerminalError)
        status = replace(
            status,
            owner=self.stance.node if self._owning else status.owner,
            observed_generation=self.cron_job.generation if checked else status.observed_generation,
        )
        if passage.edited:
            return status
        upcoming = None if self.cron_job.spec.suspend else self._due.next_after(passage.through)
        return replace(status, schedule_hash=self.cron_job.spec.schedule_hash, next_schedule_at=upcoming)

    def _suspended(self, passage: _Passage) -> Condition:
        """As it stood while an edit is being closed: it tells what the rest of the instants before the edit get."""
        suspend = self._status.suspended if passage.edited else self.cron_job.spec.suspend
        return conditions.suspended(suspend)

    def _ready(self, outcomes: tuple[Outcome, ...], *, through: datetime) -> Condition:
        if isinstance(self.schedule, TerminalError):
            return conditions.unschedulable(self.schedule)
        checked = self.observed.checked
        return conditions.ready(
            self._status.condition(conditions.READY),
            checked=checked is not None,
            objection=None if checked is None else checked.objection,
            outcomes=outcomes,
            refusals=self._refusals(settled={outcome.scheduled_at for outcome in outcomes}, through=through),
        )

    def _refusals(self, *, settled: Collection[datetime], through: datetime) -> list[str]:
        """What the API server said to creates that go on. Another node may have settled what this one has tried."""
        claimed = {slot.scheduled_at for slot in self._unseen_slots}
        return [
            attempt.message
            for instant, attempt in sorted(self.observed.attempts.items(), key=lambda item: item[0])
            if instant not in settled and (instant > through or instant in claimed)
        ]

    def _hold_until(self, step: Write) -> datetime:
        """When a write may go out: at once, unless it only says that Jobs were created just now."""
        quiet = all(outcome.reason is Reason.CREATED for outcome in step.outcomes)
        if not step.outcomes or not quiet or self._passage.slots:
            return self.now
        return min(outcome.scheduled_at for outcome in step.outcomes) + SETTLE_AFTER


def _same(one: Status, other: Status) -> bool:
    """Whether two statuses say the same. Who wrote them does not count: a new owning node has nothing to say yet."""
    return replace(one, owner=None) == replace(other, owner=None)
