"""What the schedule asks for now, as a value: one next step, and nothing has happened yet.

`decide` looks at an object, at what is known of its Jobs and at the time, and names the next step. The reconciler
takes it, observes again and asks again, until the step is to wait. A crash between any two steps is closed by whoever
decides next, from the status and the Jobs alone.

Under Allow a Job is created first and settled within a second. Under a policy that limits active Jobs the status comes
first: a slot is claimed there by compare-and-swap, which passes the instant, and whoever sees a slot without
a Job fills it. A Job list that is consistent comes before the claim, not after it: between the object's
resourceVersion and the compare-and-swap nobody else can have claimed, so what the list shows is all there is, and
one write holds the true outcome.

This room knows no cluster, no clock and no ring. `reconciler` is its neighbour above; `case` and `settlement` are its
tools.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from controller.case import Case
from controller.due import CHUNK
from controller.errors import TerminalError
from controller.jobs import Job
from controller.observation import Observed, Stance
from controller.outcomes import Reason
from controller.schedule import Schedule
from controller.settlement import SUSPENDED_SETTLE, Passage, Settlement
from controller.spec import ConcurrencyPolicy, CronJob
from controller.status import Slot, Status
from controller.steps import Cause, Check, Create, Delete, Look, Step, Wait

TOGETHER = 16
"""Most Jobs created or deleted by one step: a long catch-up must not push others aside."""


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
    question = _Question(case=case, settlement=Settlement(case=case))
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

    def check(self) -> Step | None:
        """The template of a new generation is shown to the API server before anything else is said of it."""
        new = self.case.cron_job.generation != self.case.status.observed_generation
        valid = not isinstance(self.case.schedule, TerminalError)
        return Check() if new and valid and self.case.owning and self.case.observed.checked is None else None

    def close_edit(self) -> Step | None:
        """After an edit the instants before it are closed first, so that none of them fires.

        The Jobs are listed before any is told as missed: another node may have fired it just before the edit.
        """
        edit = self.case.ledger.edit
        if edit is None:
            return None
        instants = self.case.due.between(edit.since, edit.until)
        whole = len(instants) < CHUNK
        through = edit.until if whole else instants[-1]
        done = {instant for instant in self.case.done if self.case.ledger.through < instant <= through}
        outcomes = [
            self.settlement.outcome(instant, Reason.CREATED if instant in done else edit.reason)
            for instant in sorted({*instants, *done})
        ]
        if any(outcome.reason is not Reason.CREATED for outcome in outcomes) and not self.case.observed.complete:
            return Look()
        return self.settlement.write(Passage(outcomes=tuple(outcomes), through=through, edited=not whole))

    def make_room(self) -> Step | None:
        """Under Replace the newest survive: whatever is older than them goes before the next is created."""
        if self.case.policy is not ConcurrencyPolicy.REPLACE:
            return None
        coming = [slot for slot in self.case.unseen_slots if self.case.due.forbidden(slot.scheduled_at) is None]
        standing: list[Job | Slot] = [*self.case.active_jobs, *coming]
        standing.sort(key=lambda place: place.scheduled_at or self.case.cron_job.created_at)
        surplus = standing[: max(0, len(standing) - self.case.cron_job.spec.slots)]
        victims = tuple(place for place in surplus if isinstance(place, Job) and self.case.is_recorded(place))
        return Delete(jobs=victims[:TOGETHER], cause=Cause.REPLACED) if victims else None

    def create(self) -> Step | None:
        """Jobs of claimed slots; under Allow the Job of every instant that fires."""
        slots = self.case.fillable_slots if self.case.observed.complete else ()
        claimed = [slot.scheduled_at for slot in slots if self.case.due.forbidden(slot.scheduled_at) is None]
        candidates = () if self.case.cron_job.spec.claims else self.case.due.candidates()
        due = [instant for instant in candidates if self.case.due.verdict(instant) is None]
        ready = [instant for instant in sorted({*claimed, *due}) if self.case.due.may_try(instant)]
        return Create(firings=tuple(self.case.due.firing(instant) for instant in ready[:TOGETHER])) if ready else None

    def look(self) -> Step | None:
        """Before a slot is claimed, denied, filled or released, the Jobs are listed: the watch may lag behind."""
        if self.case.observed.complete:
            return None
        unknown = any(slot.uid is not None and slot.name not in self.case.jobs for slot in self.case.status.active)
        given_up = any(self.case.due.forbidden(slot.scheduled_at) is not None for slot in self.case.unseen_slots)
        unfilled = any(self.case.due.may_try(slot.scheduled_at) for slot in self.case.fillable_slots)
        passage = self.settlement.passage
        denied = any(outcome.reason is Reason.SKIPPED_FORBID for outcome in passage.outcomes)
        matters = passage.slots or denied or given_up or unfilled or (unknown and self.case.owning)
        return Look() if matters else None

    def write(self) -> Step | None:
        """Settle what can be settled; not yet, if all there is to say is that a Job was created just now."""
        step = self.settlement.step
        settled = step.outcomes or self.settlement.passage.slots
        if not settled and (not self.case.owning or _same(step.status, self.case.status)):
            return None
        return None if self.settlement.hold_until > self.case.now else step

    def prune(self) -> Step | None:
        """Finished Jobs beyond the history limits go."""
        beyond = self.case.history.beyond
        return Delete(jobs=beyond[:TOGETHER], cause=Cause.HISTORY) if beyond and self.case.owning else None

    def wait(self) -> Wait:
        """Nothing is left to do now; the next thing that time alone will bring."""
        times = [self._next_look()]
        times += [attempt.retry_at for attempt in self.case.observed.attempts.values()]
        times += [slot.scheduled_at + self.case.stance.delay for slot in self.case.unseen_slots]
        times += self.case.observed.fill_at.values()
        if self.settlement.step.outcomes:
            times.append(self.settlement.hold_until)
        if self.case.owning:
            times.append(self.case.history.look_again_at)
        return Wait(wake_at=min((at for at in times if at is not None and at > self.case.now), default=None))

    def _next_look(self) -> datetime | None:
        """When time brings the next instant up for this node."""
        if self.case.cron_job.spec.suspend:
            return self.case.now + SUSPENDED_SETTLE
        upcoming = self.case.due.next_after(self.case.due.until)
        return None if upcoming is None else upcoming + self.case.stance.delay


def _same(one: Status, other: Status) -> bool:
    """Whether two statuses say the same. Who wrote them does not count: a new owning node has nothing to say yet."""
    return replace(one, owner=None) == replace(other, owner=None)
