"""How far the ledger of an object can go now: which instants pass, who gets a place, what comes of requests.

An instant is passed when it has its outcome, or a place that promises one. Manual runs come after the instants that
are due, backfills after everybody else. `writing` turns this into the status write; `decision` says when it is due.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from controller import places
from controller.asked import NOTED, PENDING, Backfill, LastTrigger
from controller.backfills import Backfilling
from controller.case import Case
from controller.due import CHUNK
from controller.ledger import Closes, Edit
from controller.names import manual_name, name_for
from controller.outcomes import Outcome, Reason, Trigger
from controller.places import Places
from controller.spec import ConcurrencyPolicy
from controller.status import Slot

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

    @property
    def leaves_rest(self) -> bool:
        """Whether an edit is being closed of which more instants follow: everything else stays as it was till then."""
        return self.edit is not None and not self.whole

    @property
    def leaves_edit(self) -> bool:
        """Whether something is still to be closed after this: the rest of an edit, or another one."""
        return self.edit is not None and (self.edit.more or not self.whole)


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What can be settled in a case."""

    case: Case

    @cached_property
    def backfilling(self) -> Backfilling:
        """The backfill that is asked for."""
        return Backfilling(case=self.case)

    @cached_property
    def passage(self) -> Passage:
        """How far the ledger can go: up to the first instant that still has to get its Job."""
        concluded = self._concluded_slots()
        if self.case.limited and any(one.reason is not Reason.CREATED for one in concluded.values()):
            return self._nothing_but(concluded)
        door = places.of(self.case)
        lost = self._resume_queue(door)
        outcomes, through, whole = self._pass_instants(door)
        last_trigger, turned_away = self._answer_trigger(door)
        backfill = self.backfilling.advance(door)
        return Passage(
            through=through,
            outcomes=outcomes,
            concluded=(*concluded.values(), *lost, *turned_away),
            released=frozenset(concluded),
            slots=tuple(door.claimed),
            queued=tuple(door.queued),
            last_trigger=last_trigger,
            backfill=backfill,
            whole=whole,
        )

    def _nothing_but(self, concluded: dict[str, Outcome]) -> Passage:
        """Slots are given up, and their places stay taken in this write: who gets them rests on a list asked for later.

        A node that owns the key by now may have filled one of them after the list that this rests on. Its Job does not
        keep this write from being the next one, and would then run beside that of whoever got the place (simulated,
        mix `faults-policies`, seed 30309).
        """
        return Passage(
            through=self.case.ledger.through,
            concluded=tuple(concluded.values()),
            released=frozenset(concluded),
            queued=self.case.status.queued,
            last_trigger=self.case.status.last_trigger,
            backfill=self.case.status.backfill,
            whole=False,
        )

    def close(self, edit: Edit) -> Passage:
        """The instants before an edit get their outcome, and what waits for one; nothing else moves."""
        instants = self.case.due.between(edit.since, edit.until)
        whole = len(instants) < CHUNK
        through = edit.until if whole else instants[-1]
        done = {instant for instant in self.case.done if self.case.ledger.through < instant <= through}
        outcomes = tuple(
            self._outcome(instant, Reason.CREATED if instant in done else edit.reason)
            for instant in sorted({*instants, *done})
        )
        concluded = self._concluded_slots()
        status, first_sight = self.case.status, self.case.status.settled_through is None
        lost = self._instants_in_queue() if whole and edit.closes is Closes.SCHEDULE else ()
        return Passage(
            through=through,
            outcomes=outcomes,
            concluded=(
                *concluded.values(),
                *(self.case.outcome(slot, self.case.withheld(slot) or edit.reason) for slot in lost),
            ),
            released=frozenset(concluded),
            queued=tuple(slot for slot in status.queued if slot not in lost),
            last_trigger=self._noted_trigger() if first_sight else status.last_trigger,
            backfill=self.backfilling.noted() if first_sight else status.backfill,
            edit=edit,
            whole=whole,
        )

    def _instants_in_queue(self) -> tuple[Slot, ...]:
        """What waits for its turn by the schedule; manual runs wait whatever the schedule says."""
        return tuple(slot for slot in self.case.status.queued if slot.trigger.of_schedule)

    def _concluded_slots(self) -> dict[str, Outcome]:
        """By name, claimed slots whose Job was seen, or that are given up (on a complete view only)."""
        found = {}
        for slot in self.case.status.active:
            if slot.uid is not None:
                continue
            if slot not in self.case.unseen_slots:
                found[slot.name] = self.case.outcome(slot, Reason.CREATED)
            elif self.case.observed.complete and (reason := self.case.withheld(slot)) is not None:
                found[slot.name] = self.case.outcome(slot, reason)
        return found

    def _resume_queue(self, door: Places) -> list[Outcome]:
        """Of those that wait, the oldest may have their turn; gives the outcomes of those that have lost it."""
        waiting, lost = [], []
        for slot in self.case.status.queued:
            reason = self.case.withheld(slot)
            if reason is None and self.case.policy is not ConcurrencyPolicy.QUEUE:
                reason = Reason.SKIPPED_FORBID
            if reason is None:
                waiting.append(slot)
            else:
                lost.append(self.case.outcome(slot, reason))
        door.resume(waiting)
        return lost

    def _pass_instants(self, door: Places) -> tuple[tuple[Outcome, ...], datetime, bool]:
        """Pass instants as far as it goes; gives the outcomes, the last one passed, and whether that is all.

        While everything is paused an instant passes only if it has its Job: the others stay open, as in an outage.
        """
        outcomes: list[Outcome] = []
        through, runs = self.case.ledger.through, self.case.runs_left
        instants = () if self.case.runs_are_over else self._settleable()
        paused = self.case.stance.paused
        for instant in instants:
            if runs == 0:
                break
            reason = self.case.due.verdict(instant)
            if paused and reason is not Reason.CREATED:
                break
            if reason is None:
                if not self.case.cron_job.spec.claims:
                    break
                reason = door.admit(self._slot(instant))
            if reason is not None:
                outcomes.append(self._outcome(instant, reason))
            if runs is not None and reason in (None, Reason.CREATED):
                runs -= 1
            through = instant
        return tuple(outcomes), through, len(instants) < CHUNK and not paused

    def _settleable(self) -> tuple[datetime, ...]:
        through, until = self.case.ledger.through, self.case.due.until
        rests = self.case.due.suspended_now and not self.case.circuit_closes
        made = any(through < instant <= until for instant in self.case.done)  # its Job is to have its place, and an end
        if not made and (self.case.stance.paused or (rests and until - through < SUSPENDED_SETTLE)):
            return ()
        return self.case.due.between(through, until)

    def _answer_trigger(self, door: Places) -> tuple[LastTrigger | None, tuple[Outcome, ...]]:
        """A manual run that is newly asked for gets its place, or its outcome."""
        value = self.case.new_trigger
        if value is None:
            return self.case.status.last_trigger, ()
        name = manual_name(self.case.cron_job, value)
        if name in self.case.manual_names:
            return self._noted(value, job=name), ()  # the value has had its run, before others
        answer = replace(self._noted(value), outcome=PENDING)
        slot = Slot(name=name, scheduled_at=answer.at, trigger=Trigger.MANUAL, trigger_id=value)
        reason = door.admit(slot)
        return answer, () if reason is None else (self.case.outcome(slot, reason),)

    def _noted_trigger(self) -> LastTrigger | None:
        """Annotations that a new object brings along are old: a restore or a GitOps tool has put them there."""
        value = self.case.cron_job.requests.trigger
        return None if value is None else self._noted(value)

    def _noted(self, value: str, job: str | None = None) -> LastTrigger:
        """A value that was seen, in whole seconds: people read it, and programs parse it."""
        return LastTrigger(value=value, at=self.case.now.replace(microsecond=0), outcome=NOTED, job=job)

    def _slot(self, instant: datetime) -> Slot:
        return Slot(name=name_for(self.case.cron_job, instant), scheduled_at=instant)

    def _outcome(self, instant: datetime, reason: Reason) -> Outcome:
        return self.case.outcome(self._slot(instant), reason)
