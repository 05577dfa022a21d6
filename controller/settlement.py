"""How far the ledger of an object can go now: which instants pass, who gets a place, what comes of requests.

An instant is passed when it has its outcome, or a place that promises one. Manual runs come after the instants that
are due, backfills after everybody else. `writing` turns this into the status write; `decision` says when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property

from controller import backfills, places
from controller.case import Case
from controller.due import CHUNK
from controller.ledger import Closes, Edit
from controller.names import manual_name, name_for
from controller.outcomes import Outcome, Reason, Trigger
from controller.places import Places
from controller.spec import ConcurrencyPolicy
from controller.status import NOTED, PENDING, Backfill, BackfillState, LastTrigger, Slot

SUSPENDED_SETTLE = timedelta(hours=1)
"""How often the instants that pass under suspension are settled: nobody waits for them, and each time is a write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """How far the ledger can go now.

    Attributes:
        through: The last instant passed.
        outcomes: Of the instants passed, those that end here.
        concluded: Outcomes of firings that were promised a place before: they are counted as due already.
        released: The names of slots among those.
        slots: Firings that claim a place.
        queued: Firings that wait, as the queue stands then.
        last_trigger: The last manual run, as it stands then.
        backfill: The backfill, as it stands then.
        edit: What was closed; the rest is as it was.
        whole: Everything up to now, or to the edit, is passed.
    """

    through: datetime
    outcomes: tuple[Outcome, ...] = ()
    concluded: tuple[Outcome, ...] = ()
    released: frozenset[str] = frozenset()
    slots: tuple[Slot, ...] = ()
    queued: tuple[Slot, ...] = ()
    last_trigger: LastTrigger | None = None
    backfill: Backfill | None = None
    edit: Edit | None = None
    whole: bool = True


@dataclass(kw_only=True)
class Settlement:
    """What can be settled in a case."""

    case: Case
    _outcomes: list[Outcome] = field(default_factory=list)
    _concluded: list[Outcome] = field(default_factory=list)
    _released: set[str] = field(default_factory=set)

    @cached_property
    def passage(self) -> Passage:
        """How far the ledger can go: up to the first instant that still has to get its Job."""
        door = places.of(self.case)
        self._conclude_slots()
        self._resume_queue(door)
        through, whole = self._pass_instants(door)
        last_trigger = self._answer_trigger(door)
        progress = backfills.advance(self.case, door)
        for slot in progress.slots:
            door.take(slot)
        return Passage(
            through=through,
            outcomes=tuple(self._outcomes),
            concluded=tuple(self._concluded),
            released=frozenset(self._released),
            slots=tuple(door.claimed),
            queued=tuple(door.queued),
            last_trigger=last_trigger,
            backfill=progress.backfill,
            whole=whole,
        )

    def close(self, edit: Edit) -> Passage:
        """The instants before an edit get their outcome; nothing else moves."""
        instants = self.case.due.between(edit.since, edit.until)
        whole = len(instants) < CHUNK
        through = edit.until if whole else instants[-1]
        done = {instant for instant in self.case.done if self.case.ledger.through < instant <= through}
        outcomes = tuple(
            self._outcome(instant, Reason.CREATED if instant in done else edit.reason)
            for instant in sorted({*instants, *done})
        )
        self._conclude_slots()
        queued = self.case.status.queued
        if whole and edit.closes is Closes.SCHEDULE:
            queued = self._drop_queue(edit)
        first_sight = self.case.status.settled_through is None
        return Passage(
            through=through,
            outcomes=outcomes,
            concluded=tuple(self._concluded),
            released=frozenset(self._released),
            queued=queued,
            last_trigger=self._noted_trigger() if first_sight else self.case.status.last_trigger,
            backfill=self._noted_backfill() if first_sight else self.case.status.backfill,
            edit=edit,
            whole=whole,
        )

    def _drop_queue(self, edit: Edit) -> tuple[Slot, ...]:
        """What waits for an instant of the schedule as it was has lost its turn; manual runs go on waiting."""
        for slot in self.case.status.queued:
            if slot.trigger.of_schedule:
                self._concluded.append(self.case.outcome(slot, self.case.withheld(slot) or edit.reason))
        return tuple(slot for slot in self.case.status.queued if not slot.trigger.of_schedule)

    def _conclude_slots(self) -> None:
        """Claimed slots whose Job was seen, or that are given up (on a complete view only)."""
        for slot in self.case.status.active:
            if slot.uid is not None:
                continue
            seen = slot not in self.case.unseen_slots
            withheld = self.case.withheld(slot) if self.case.observed.complete and not seen else None
            reason = Reason.CREATED if seen else withheld
            if reason is not None:
                self._concluded.append(self.case.outcome(slot, reason))
                self._released.add(slot.name)

    def _resume_queue(self, door: Places) -> None:
        """Those that wait: the oldest may have their turn; some have lost it."""
        waiting = []
        for slot in self.case.status.queued:
            reason = self.case.withheld(slot)
            if reason is None and self.case.policy is not ConcurrencyPolicy.QUEUE:
                reason = Reason.SKIPPED_FORBID
            if reason is None:
                waiting.append(slot)
            else:
                self._concluded.append(self.case.outcome(slot, reason))
        door.resume(waiting)

    def _pass_instants(self, door: Places) -> tuple[datetime, bool]:
        """Pass instants as far as it goes; gives the last one, and whether that is all there are."""
        through = self.case.ledger.through
        claims, runs = self.case.cron_job.spec.claims, self.case.runs_left
        instants = () if runs is not None and runs <= 0 else self._settleable()
        for instant in instants:
            if runs is not None and runs <= 0:
                break  # what follows is no instant any more, unless a promised Job fails
            reason = self.case.due.verdict(instant)
            if reason is None:
                if not claims:
                    break
                reason = door.admit(self._slot(instant))
            if reason is not None:
                self._outcomes.append(self._outcome(instant, reason))
            if runs is not None and reason in (None, Reason.CREATED):
                runs -= 1
            through = instant
        return through, len(instants) < CHUNK

    def _settleable(self) -> tuple[datetime, ...]:
        through, until = self.case.ledger.through, self.case.due.until
        rests = self.case.due.suspended_now and not self.case.circuit_closes
        made = any(through < instant <= until for instant in self.case.done)  # its Job is to have its place, and an end
        if rests and not made and until - through < SUSPENDED_SETTLE:
            return ()
        return self.case.due.between(through, until)

    def _answer_trigger(self, door: Places) -> LastTrigger | None:
        """A manual run that is newly asked for gets its place, or its outcome."""
        value, last = self.case.cron_job.requests.trigger, self.case.status.last_trigger
        if value is None or (last is not None and last.value == value) or not self.case.hears_requests:
            return last
        name = manual_name(self.case.cron_job, value)
        if name in self.case.manual_names:
            return self._noted(value, job=name)  # the value has had its run, before others
        now = self.case.now.replace(microsecond=0)  # people read it, and programs parse it
        slot = Slot(name=name, scheduled_at=now, trigger=Trigger.MANUAL, trigger_id=value)
        reason = door.admit(slot)
        if reason is not None:
            self._concluded.append(self.case.outcome(slot, reason))
        return replace(self._noted(value), outcome=PENDING)

    def _noted_trigger(self) -> LastTrigger | None:
        """Annotations that a new object brings along are old: a restore or a GitOps tool has put them there."""
        value = self.case.cron_job.requests.trigger
        return None if value is None else self._noted(value)

    def _noted(self, value: str, job: str | None = None) -> LastTrigger:
        return LastTrigger(value=value, at=self.case.now.replace(microsecond=0), outcome=NOTED, job=job)

    def _noted_backfill(self) -> Backfill | None:
        request = self.case.cron_job.requests.backfill
        message = "the object brought it along: nothing runs; ask with another text for it"
        return None if request is None else Backfill(interval=request.text, state=BackfillState.NOTED, message=message)

    def _slot(self, instant: datetime) -> Slot:
        return Slot(name=name_for(self.case.cron_job, instant), scheduled_at=instant)

    def _outcome(self, instant: datetime, reason: Reason) -> Outcome:
        return self.case.outcome(self._slot(instant), reason)
