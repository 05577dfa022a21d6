"""Whether Jobs that do not end hold up a schedule: the condition `Blocked`, under Forbid and Queue.

All places are taken, and have been for longer than an interval: an instant has come meanwhile and has found none. Each
place counts the instants that it has turned away, in the very write that settles them; so the condition costs no write,
and its message is as new as the last of these instants. It goes in the write that tells of the Job's end.

It decides nothing. `writing` asks it; `conditions` has the words.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from controller import conditions
from controller.case import Case
from controller.conditions import Condition
from controller.outcomes import Reason
from controller.settlement import Passage
from controller.spec import ConcurrencyPolicy
from controller.status import Slot, Status

HELD = timedelta(minutes=5)
"""A Job that has run for less is not called stuck, however short the interval: what fires every minute and sometimes
takes a little longer would be blocked and not blocked in turn."""
_FEWEST = {ConcurrencyPolicy.FORBID: 1, ConcurrencyPolicy.QUEUE: 2}
"""By policy, how many instants must have found no place. Under Queue the first of them only waits; when the second
comes it has waited for an interval."""
_TURNED_AWAY = frozenset({Reason.SKIPPED_FORBID, Reason.SKIPPED_QUEUE_FULL})


def turned_away(case: Case, passage: Passage) -> int:
    """How many instants of the schedule find no place in this passage: they are skipped, or wait."""
    skipped = [one for one in passage.outcomes if one.reason in _TURNED_AWAY]
    waiting = [slot for slot in passage.queued if slot.trigger.of_schedule and slot not in case.status.queued]
    return len(skipped) + len(waiting)


def condition(case: Case, status: Status, *, news: bool) -> Condition:
    """Whether the object is blocked.

    Args:
        case: The object.
        status: As it will be written, with what its places have turned away.
        news: The write settles an instant that has found no place; otherwise what was said before is still good.
    """
    before = case.status.condition(conditions.BLOCKED)
    stuck = _stuck(case, status)
    if not stuck:
        return conditions.blocked(None)
    if not news:
        return before if before is not None and before.status else conditions.blocked(None)
    since, cost = max(_began_at(case, slot) for slot in stuck), min(slot.turned_away for slot in stuck)
    if case.now - since < HELD:
        return conditions.blocked(None)
    oldest, *others = stuck
    return conditions.blocked(oldest.name, others=len(others), after=case.now - since, cost=cost)


def _stuck(case: Case, status: Status) -> list[Slot]:
    """The places, the oldest first, if all of them are taken by Jobs that have turned instants away."""
    fewest = _FEWEST.get(case.policy)
    if fewest is None or case.due.suspended_now or len(status.active) < case.cron_job.spec.slots:
        return []
    return list(status.active) if _all_hold(status.active, fewest) else []


def _all_hold(active: Iterable[Slot], fewest: int) -> bool:
    return all(slot.uid is not None and slot.turned_away >= fewest for slot in active)


def _began_at(case: Case, slot: Slot) -> datetime:
    """When the Job of a place was created, as far as it is known."""
    job = case.jobs.get(slot.name)
    return slot.scheduled_at if job is None else job.created_at
