"""The status of an object as values, moved on by outcomes.

The ledger lives here (`settled_through`, the slots in `active` and `queued`), beside what people read: counts, the last
firings, conditions. This room makes the next status as a value; who may write it, and when, is said by `decision` and
done by `reconciler`; `statusbody` spells it. `settled_through` and `last_schedule_at` never move back, and an instant
is counted as due by the step that passes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from controller.asked import PENDING, QUEUED, Backfill, LastTrigger
from controller.conditions import CIRCUIT_OPEN, SUSPENDED, SUSPENDED_UNTIL, Condition
from controller.jobs import Job
from controller.outcomes import Outcome, Reason, Trigger

RECENT_LIMIT = 10
"""How many firings `status.recent` keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in `status.active`: a Job that is counted as active; or in `status.queued`: a firing that waits for one.

    Attributes:
        uid: UID of the Job; None while the slot is claimed and its Job has not been seen.
        trigger: SCHEDULE also for instants that are caught up: here only the identity of a firing counts.
        trigger_id: Which manual run, or which backfill.
        contested: More than one create of its Job may have been sent.
        turned_away: How many instants have found no place while it was taken.
    """

    name: str
    scheduled_at: datetime
    uid: str | None = None
    trigger: Trigger = Trigger.SCHEDULE
    trigger_id: str | None = None
    contested: bool = False
    turned_away: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status as values.

    Attributes:
        settled_through: Every instant up to it has its outcome; None on an object never seen before.
        schedule_hash: `Spec.schedule_hash` of the spec that `settled_through` was written for.
        suspended_until: The end of the pause that it was written under.
        queued: Firings that wait for their turn, oldest first.
        failures_in_row: Failed Jobs since the last that succeeded; counted only where a limit is set.
        next_schedule_at: The first instant after `settled_through`; None while suspended or when none is left.
        owner: The node that wrote last: it owns the key on the ring, or has stood in for whoever does.
        counts: Of instants: due, created, skipped, missed, createFailed; of Jobs: succeeded, failed.
        recent: The last outcomes, in the order in which they came; those of backfills are only counted.
    """

    active: tuple[Slot, ...] = ()
    queued: tuple[Slot, ...] = ()
    settled_through: datetime | None = None
    schedule_hash: str | None = None
    suspended_until: datetime | None = None
    last_schedule_at: datetime | None = None
    last_successful_at: datetime | None = None
    last_failure_at: datetime | None = None
    next_schedule_at: datetime | None = None
    failures_in_row: int = 0
    owner: str | None = None
    observed_generation: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    recent: tuple[Outcome, ...] = ()
    last_trigger: LastTrigger | None = None
    backfill: Backfill | None = None
    conditions: tuple[Condition, ...] = ()

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, if it has been set."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    @property
    def suspended(self) -> bool:
        """Whether nothing fired when this status was written: suspended, paused, or its circuit open."""
        return any(condition.status for condition in self.conditions if condition.type in (SUSPENDED, CIRCUIT_OPEN))

    @property
    def suspended_by_annotation(self) -> bool:
        """Whether a pause by annotation alone kept it from firing when this status was written."""
        told = self.condition(SUSPENDED)
        return told is not None and told.reason == SUSPENDED_UNTIL and not self.circuit_open

    @property
    def circuit_open(self) -> bool:
        """Whether so many Jobs had failed in a row that nothing fired."""
        return any(condition.status for condition in self.conditions if condition.type == CIRCUIT_OPEN)

    @property
    def fired(self) -> int:
        """How many instants of the schedule have got their Jobs."""
        return self.counts.get("created", 0)

    @property
    def unfilled(self) -> frozenset[str]:
        """The names of the slots that were claimed and still wait for their Jobs."""
        return frozenset(slot.name for slot in self.active if slot.uid is None)

    @property
    def unfinished_runs(self) -> int:
        """How many firings of the schedule are promised and have no outcome yet."""
        promised = [slot for slot in (*self.active, *self.queued) if slot.uid is None]
        return sum(slot.trigger.of_schedule for slot in promised)


def changed(status: Status, **fields: Any) -> Status:
    """The status with these fields; the very same value if they say nothing new, so that this is seen at once."""
    news = {name: value for name, value in fields.items() if getattr(status, name) != value}
    return replace(status, **news) if news else status


def settle(status: Status, outcomes: Iterable[Outcome], *, through: datetime) -> Status:
    """The status after instants have got their outcome.

    Args:
        status: As it stands.
        outcomes: Outcomes of instants that count as due from now on, oldest first.
        through: Every instant up to it now has its outcome, or a slot.
    """
    passed = tuple(outcomes)
    concluded = _conclude(status, passed, newly_due=len(passed))
    return changed(concluded, settled_through=max(through, status.settled_through or through))


def claim(status: Status, slots: Iterable[Slot], queued: tuple[Slot, ...] = ()) -> Status:
    """The status with these slots reserved and this queue.

    Their instants are due as soon as they stand here; their outcomes follow when they get their Jobs.
    """
    claimed = tuple(slots)
    newly_due = [slot for slot in (*claimed, *queued) if slot.trigger.of_schedule and slot not in status.queued]
    return changed(
        status,
        active=status.active + claimed,
        queued=queued,
        counts=_add(status.counts, {"due": len(newly_due)} if newly_due else {}),
        last_trigger=_turn(status.last_trigger, claimed, queued),
    )


def contest(status: Status) -> Status:
    """The status with all slots that wait for their Jobs told as contested, before a second create is sent."""
    return replace(
        status, active=tuple(replace(slot, contested=slot.contested or slot.uid is None) for slot in status.active)
    )


def turn_away(status: Status, instants: int) -> Status:
    """The status after so many instants have found no place, because of those in `active`."""
    if not instants:
        return status
    return replace(
        status, active=tuple(replace(slot, turned_away=slot.turned_away + instants) for slot in status.active)
    )


def conclude(status: Status, outcomes: Iterable[Outcome]) -> Status:
    """The status after claimed or queued slots, and requests, have got their outcome."""
    concluded = tuple(outcomes)
    return _conclude(_requested(status, concluded), concluded, newly_due=0)


def track(
    status: Status,
    jobs: Mapping[str, Job],
    *,
    newly: Iterable[Job] = (),
    dropped: Collection[str] = (),
    complete: bool,
    failure_limit: int | None = None,
) -> tuple[Status, tuple[Job, ...]]:
    """The status with the slots of ended Jobs released, and the Jobs whose end it counts.

    Args:
        status: As it stands.
        jobs: The object's Jobs by name, in the state last seen.
        newly: Jobs that get a place since this very write.
        dropped: Names whose slot is kept only if its Job is there.
        complete: Whether `jobs` is all that exists: a Job that is not there is gone.
        failure_limit: So many failures in a row open the circuit.
    """
    entering = [Slot(name=job.name, scheduled_at=job.scheduled_at or job.created_at, uid=job.uid) for job in newly]
    kept: list[Slot] = []
    ended: list[Job] = []
    for slot in {slot.name: slot for slot in (*entering, *status.active)}.values():
        job = jobs.get(slot.name)
        if job is None:
            gone = slot.name in dropped or (complete and slot.uid is not None)
            kept += [] if gone else [slot]
        elif job.active:
            kept.append(slot if slot.uid == job.uid else replace(slot, uid=job.uid))
        elif job.finished_at is not None:
            ended.append(job)
    succeeded = [job.finished_at for job in ended if job.succeeded and job.finished_at]
    failed = [job.finished_at for job in ended if not job.succeeded and job.finished_at]
    changes = {"succeeded": len(succeeded), "failed": len(failed)}
    tracked = changed(
        status,
        active=tuple(sorted(kept, key=lambda slot: (slot.scheduled_at, slot.name))),
        counts=_add(status.counts, {name: number for name, number in changes.items() if number}),
        last_successful_at=_latest(status.last_successful_at, succeeded),
        last_failure_at=_latest(status.last_failure_at, failed),
        failures_in_row=_failures_in_row(status.failures_in_row, ended, failure_limit),
    )
    return tracked, tuple(ended)


def begin_row(status: Status, ended: Iterable[Job], failure_limit: int | None) -> Status:
    """The status with failures in a row counted anew, over these Jobs alone."""
    return changed(status, failures_in_row=_failures_in_row(0, ended, failure_limit))


def declare(status: Status, *conditions: Condition) -> Status:
    """The status with these conditions in place of those of the same types.

    The time of the last transition is that of the last change of `status`, as Kubernetes defines it.
    """
    named = {condition.type: condition for condition in status.conditions}
    for condition in conditions:
        old = named.get(condition.type)
        stands = old is not None and old.status == condition.status
        if old != condition:  # when it changed does not count in that
            named[condition.type] = replace(condition, changed_at=old.changed_at) if old and stands else condition
    return changed(status, conditions=tuple(named[type_] for type_ in sorted(named)))


def _conclude(status: Status, outcomes: tuple[Outcome, ...], *, newly_due: int) -> Status:
    counted = [outcome for outcome in outcomes if outcome.trigger.of_schedule]
    told = [outcome for outcome in outcomes if outcome.trigger is not Trigger.BACKFILL]
    changes: dict[str, int] = {"due": newly_due} if newly_due else {}
    for outcome in counted:
        changes[outcome.reason.counted_as] = changes.get(outcome.reason.counted_as, 0) + 1
    created = [outcome.scheduled_at for outcome in counted if outcome.reason is Reason.CREATED]
    return changed(
        status,
        counts=_add(status.counts, changes),
        last_schedule_at=_latest(status.last_schedule_at, created),
        recent=(*status.recent, *told)[-RECENT_LIMIT:],
    )


def _requested(status: Status, outcomes: tuple[Outcome, ...]) -> Status:
    """The status with the outcomes of manual runs and backfills where people look for them."""
    last, backfill = status.last_trigger, status.backfill
    for outcome in outcomes:
        if outcome.trigger is Trigger.MANUAL and last is not None and outcome.trigger_id == last.value:
            last = replace(last, outcome=outcome.reason.counted_as, reason=outcome.reason.value, job=outcome.job)
        if outcome.trigger is Trigger.BACKFILL and backfill is not None and outcome.trigger_id == backfill.interval:
            created = outcome.reason is Reason.CREATED
            backfill = replace(
                backfill,
                created=backfill.created + created,
                create_failed=backfill.create_failed + (not created),
            )
    return changed(status, last_trigger=last, backfill=backfill)


def _turn(last: LastTrigger | None, claimed: Iterable[Slot], queued: Iterable[Slot]) -> LastTrigger | None:
    """The last manual run, as it waits."""
    if last is None:
        return None
    for slots, word in ((claimed, PENDING), (queued, QUEUED)):
        if any(slot.trigger is Trigger.MANUAL and slot.trigger_id == last.value for slot in slots):
            return replace(last, outcome=word)
    return last


def _failures_in_row(before: int, ended: Iterable[Job], limit: int | None) -> int:
    """How many Jobs have failed in a row. Once the circuit is open, only a manual run closes it."""
    if limit is None:
        return 0
    count = before
    for job in sorted(ended, key=lambda job: job.finished_at or job.created_at):
        if not job.succeeded:
            count += 1
        elif count < limit or job.trigger is Trigger.MANUAL:
            count = 0
    return count


def _add(counts: Mapping[str, int], changes: Mapping[str, int]) -> Mapping[str, int]:
    return {**counts, **{name: counts.get(name, 0) + number for name, number in changes.items()}}


def _latest(instant: datetime | None, others: Iterable[datetime]) -> datetime | None:
    return max([*others, *([instant] if instant else [])], default=None)
