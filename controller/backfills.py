"""A backfill: the instants of a past interval, fired once more, oldest first, beside the schedule.

It has a cursor of its own in the status and moves no other. It waits its turn under every policy and replaces nothing:
it takes a place only where one is free and nobody else wants it, never while nothing of the schedule fires, and never
for an instant whose outcome in the ledger is still open. Instants recorded as created are left out.

`settlement` asks how far a backfill can go now; the answer is written together with everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import assert_never

from controller.asked import Backfill, BackfillState
from controller.case import Case
from controller.due import CHUNK
from controller.errors import TerminalError
from controller.instants import INSTANT
from controller.jobs import Job
from controller.names import backfill_name
from controller.outcomes import Trigger
from controller.places import Places
from controller.requests import Interval, Unreadable
from controller.spec import ConcurrencyPolicy
from controller.status import Slot

MAX_INSTANTS = 10_000
"""Most instants of one backfill: about as many Jobs as a person still means. They are counted when it begins."""


@dataclass(frozen=True, kw_only=True)
class Backfilling:
    """The backfill that is asked for in a case, if one is."""

    case: Case

    @cached_property
    def current(self) -> Backfill | None:
        """As it stands before this decision: begun, resumed or cancelled by what the annotation says now."""
        request, known = self.case.cron_job.requests.backfill, self.case.status.backfill
        if request is None:
            running = known is not None and known.state is BackfillState.RUNNING
            return replace(known, state=BackfillState.CANCELLED) if known is not None and running else known
        if known is None or known.interval != request.text:
            return self._begun(request)
        resumed = known.state is BackfillState.CANCELLED
        return replace(known, state=BackfillState.RUNNING) if resumed else known

    def noted(self) -> Backfill | None:
        """One that a new object brings along is old: a restore or a GitOps tool has put it there."""
        request = self.case.cron_job.requests.backfill
        message = "the object brought it along: nothing runs; ask with another text for it"
        return None if request is None else Backfill(interval=request.text, state=BackfillState.NOTED, message=message)

    @property
    def open_since(self) -> datetime | None:
        """Its instants after this one are still to be decided; None: none is running."""
        running = self._running
        return None if running is None else self._through(*running)

    def advance(self, door: Places) -> Backfill | None:
        """Take what places are left after everybody else; gives the backfill as it stands then."""
        if not self.case.owning or self.case.stance.paused:
            return self.case.status.backfill
        running = self._running
        if running is None or isinstance(self.case.schedule, TerminalError):
            return self.current
        return self._move(*running, door)

    @property
    def _running(self) -> tuple[Backfill, Interval] | None:
        """The backfill and its interval, if it is to go on."""
        backfill, request = self.current, self.case.cron_job.requests.backfill
        if backfill is None or backfill.state is not BackfillState.RUNNING or not isinstance(request, Interval):
            return None
        return backfill, request

    def _begun(self, request: Interval | Unreadable) -> Backfill:
        """A backfill that nobody has looked at yet."""
        match request:
            case Unreadable(sentence=sentence):
                return _refused(request.text, sentence)
            case Interval(until=until) if until > self.case.now:
                return _refused(request.text, "the interval is not over yet; a backfill fires instants of the past")
            case Interval(text=text, since=since, until=until):
                if isinstance(self.case.schedule, TerminalError):
                    return _refused(text, f"there is no schedule to fire: {self.case.schedule}")
                total = len(self.case.due.between(since - INSTANT, until - INSTANT, limit=MAX_INSTANTS + 1))
                if total > MAX_INSTANTS:
                    return _refused(text, f"the interval has more than {MAX_INSTANTS} instants; ask for a part of it")
                return Backfill(interval=text, state=BackfillState.RUNNING, total=total)
            case never:
                assert_never(never)

    def _move(self, backfill: Backfill, request: Interval, door: Places) -> Backfill:
        last = request.until - INSTANT
        if self.case.runs_are_over:
            last = min(last, self.case.ledger.through)  # no instant has come after the last run
        through, room, left_out = self._through(backfill, request), self._room(door), 0
        enough = min(CHUNK, room + len(self.case.created) + 1)  # no more can be left out than are known as created
        for instant in self.case.due.between(through, min(last, self.case.ledger.through), limit=enough):
            if instant in self.case.created:
                left_out += 1
            elif room > 0:
                door.take(self._slot(backfill.interval, instant))
                room -= 1
            else:
                break
            through = instant
        decided = None if through < request.since else through
        moved = replace(backfill, through=decided, left_out=backfill.left_out + left_out)
        left = self.case.due.between(through, last, limit=1)
        return moved if left or self._promises(moved, door) else self._done(moved)

    def _through(self, backfill: Backfill, request: Interval) -> datetime:
        """Its cursor: instants up to it are decided."""
        return backfill.through or request.since - INSTANT

    def _room(self, door: Places) -> int:
        """How many places it may take: none while it rests. Under Allow its limit concerns itself alone."""
        slots = self.case.cron_job.spec.slots
        if self.case.due.suspended_now or door.queued:
            return 0
        if self.case.policy is ConcurrencyPolicy.ALLOW:
            standing: list[Job | Slot] = [*self.case.active_jobs, *self.case.unseen_slots]
            return slots - sum(place.trigger is Trigger.BACKFILL for place in standing)
        return slots - self.case.taken - len(door.claimed)

    def _slot(self, interval: str, instant: datetime) -> Slot:
        name = backfill_name(self.case.cron_job, interval, instant)
        return Slot(name=name, scheduled_at=instant, trigger=Trigger.BACKFILL, trigger_id=interval)

    def _promises(self, backfill: Backfill, door: Places) -> bool:
        """Whether a Job that it promises is still to be seen, and is not given up in this very write."""
        waiting = (slot for slot in self.case.unseen_slots if self.case.withheld(slot) is None)
        return any(slot.trigger_id == backfill.interval for slot in (*door.claimed, *waiting))

    def _done(self, backfill: Backfill) -> Backfill:
        """Its total is then what it came to: an edit, or the last run, may have changed what was counted first."""
        ending = [slot for slot in self.case.status.active if slot.uid is None and slot.trigger_id == backfill.interval]
        total = backfill.created + backfill.left_out + backfill.create_failed + len(ending)
        return replace(backfill, state=BackfillState.DONE, total=total)


def _refused(interval: str, message: str) -> Backfill:
    return Backfill(interval=interval, state=BackfillState.REFUSED, message=message)
