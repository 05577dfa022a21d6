"""A backfill: the instants of a past interval, fired once more, oldest first, beside the schedule.

It has a cursor of its own in the status and moves no other. It waits its turn under every policy and replaces nothing:
it takes a place only where one is free and nobody else wants it, never while nothing of the schedule fires, and never
for an instant whose outcome in the ledger is still open. Instants recorded as created are left out.

`settlement` asks how far a backfill can go now, and writes the answer together with everything else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from controller.case import Case
from controller.due import CHUNK
from controller.errors import TerminalError
from controller.instants import INSTANT
from controller.names import backfill_name
from controller.outcomes import Trigger
from controller.places import Places
from controller.requests import Interval, Unreadable
from controller.spec import ConcurrencyPolicy
from controller.status import Backfill, BackfillState, Slot

MAX_INSTANTS = 10_000
"""Most instants of one backfill: about as many Jobs as a person still means. They are counted when it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a backfill can go now.

    Attributes:
        backfill: As it stands then; None: none was ever asked for.
        slots: Instants that claim a place.
    """

    backfill: Backfill | None
    slots: tuple[Slot, ...] = ()


def advance(case: Case, places: Places) -> Progress:
    """How far the backfill of an object can go, after everybody else has got a place."""
    if not case.owning:
        return Progress(backfill=case.status.backfill)
    backfill = _current(case)
    request = case.cron_job.requests.backfill
    running = backfill is not None and backfill.state is BackfillState.RUNNING
    if backfill is None or not running or not isinstance(request, Interval) or isinstance(case.schedule, TerminalError):
        return Progress(backfill=backfill)
    return _advance(case, backfill, request, 0 if _rests(case, places) else _room(case, places))


def recall_after(case: Case) -> datetime | None:
    """From where on the recent-job store must have been asked before a backfill goes on; None: there is none."""
    backfill = _current(case)
    running = backfill is not None and backfill.state is BackfillState.RUNNING
    request = case.cron_job.requests.backfill
    if backfill is None or not running or not isinstance(request, Interval):
        return None
    return backfill.through or request.since - INSTANT


def _current(case: Case) -> Backfill | None:
    """The backfill that is asked for now, as it stands before this decision."""
    request, known = case.cron_job.requests.backfill, case.status.backfill
    if request is None:
        cancelled = known is not None and known.state is BackfillState.RUNNING
        return replace(known, state=BackfillState.CANCELLED) if known is not None and cancelled else known
    if known is None or known.interval != request.text:
        return _begun(case, request)
    resumed = known.state is BackfillState.CANCELLED
    return replace(known, state=BackfillState.RUNNING) if resumed else known


def _begun(case: Case, request: Interval | Unreadable) -> Backfill:
    """A backfill that nobody has looked at yet."""
    match request:
        case Unreadable(sentence=sentence):
            return _refused(request.text, sentence)
        case Interval(until=until) if until > case.now:
            return _refused(request.text, "the interval is not over yet; a backfill fires instants of the past")
        case Interval(text=text, since=since, until=until):
            if isinstance(case.schedule, TerminalError):
                return _refused(text, f"there is no schedule to fire: {case.schedule}")
            total = len(case.schedule.between(since - INSTANT, until - INSTANT, limit=MAX_INSTANTS + 1))
            if total > MAX_INSTANTS:
                return _refused(text, f"the interval has more than {MAX_INSTANTS} instants; ask for a part of it")
            return Backfill(interval=text, state=BackfillState.RUNNING, total=total)
        case never:
            assert_never(never)


def _refused(interval: str, message: str) -> Backfill:
    return Backfill(interval=interval, state=BackfillState.REFUSED, message=message)


def _rests(case: Case, places: Places) -> bool:
    return case.due.suspended_now or bool(places.queued)


def _room(case: Case, places: Places) -> int:
    """How many places a backfill may take. Under Allow its limit concerns itself alone."""
    slots = case.cron_job.spec.slots
    if case.policy is ConcurrencyPolicy.ALLOW:
        triggers = [*(job.trigger for job in case.active_jobs), *(slot.trigger for slot in case.unseen_slots)]
        return slots - triggers.count(Trigger.BACKFILL)
    return slots - case.taken - len(places.claimed)


def _advance(case: Case, backfill: Backfill, request: Interval, room: int) -> Progress:
    last = request.until - INSTANT
    if case.runs_left is not None and case.runs_left <= 0:
        last = min(last, case.ledger.through)  # no instant has come after the last run
    through = backfill.through or request.since - INSTANT
    slots: list[Slot] = []
    left_out = 0
    enough = min(CHUNK, room + len(case.created) + 1)  # no more can be left out than are known as created
    for instant in case.due.between(through, min(last, case.ledger.through), limit=enough):
        if instant in case.created:
            left_out += 1
        elif len(slots) < room:
            name = backfill_name(case.cron_job, backfill.interval, instant)
            slot = Slot(name=name, scheduled_at=instant, trigger=Trigger.BACKFILL, trigger_id=backfill.interval)
            slots.append(slot)
        else:
            break
        through = instant
    decided = None if through < request.since else through
    moved = replace(backfill, through=decided, left_out=backfill.left_out + left_out)
    return Progress(backfill=_finished(case, moved, slots, through=through, last=last), slots=tuple(slots))


def _finished(case: Case, backfill: Backfill, slots: list[Slot], *, through: datetime, last: datetime) -> Backfill:
    """Done when every instant is decided and each promised Job has been seen, or is given up in this very write.

    Its total is then what it came to: an edit, or the last run, may have changed what was counted at its beginning.
    """
    left = case.due.between(through, last, limit=1)
    promised = [slot for slot in case.status.active if slot.uid is None and slot.trigger_id == backfill.interval]
    open_ = [slot for slot in promised if slot in case.unseen_slots and case.withheld(slot) is None]
    if left or slots or open_:
        return backfill
    total = backfill.created + backfill.left_out + backfill.create_failed + len(promised)
    return replace(backfill, state=BackfillState.DONE, total=total)
