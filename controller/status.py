"""The status of an object: read, moved on by outcomes, and written back as the difference.

The ledger lives here (`settled_through`, the slots in `active`), beside what people read: counts, the last firings,
conditions. This room makes the next status as a value; who may write it, and when, is said by `decision` and done by
`reconciler`. `settled_through` and `last_schedule_at` never move back, and counts change only together with the
instants that are passed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from controller.conditions import SUSPENDED, Condition
from controller.jobs import Job
from controller.outcomes import Outcome, Reason
from controller.spec import CronJob, format_time, parse_time

RECENT_LIMIT = 10
"""How many firings `status.recent` keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A place in `status.active`: a Job that is counted as active.

    Attributes:
        uid: UID of the Job; None while the slot is claimed and its Job has not been seen.
    """

    name: str
    scheduled_at: datetime
    uid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The status as values.

    Attributes:
        settled_through: Every instant up to it has its outcome; None on an object never seen before.
        schedule_hash: `Spec.schedule_hash` of the spec that `settled_through` was written for.
        next_schedule_at: The first instant after `settled_through`; None while suspended or when none is left.
        owner: The node that wrote last as the owning node.
        counts: Of instants: due, created, skipped, missed, createFailed; of Jobs: succeeded, failed.
        recent: The last outcomes, oldest first.
    """

    active: tuple[Slot, ...] = ()
    settled_through: datetime | None = None
    schedule_hash: str | None = None
    last_schedule_at: datetime | None = None
    last_successful_at: datetime | None = None
    last_failure_at: datetime | None = None
    next_schedule_at: datetime | None = None
    owner: str | None = None
    observed_generation: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    recent: tuple[Outcome, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def condition(self, type_: str) -> Condition | None:
        """The condition of that type, if it has been set."""
        return next((condition for condition in self.conditions if condition.type == type_), None)

    @property
    def suspended(self) -> bool:
        """Whether the object was suspended when this status was written."""
        condition = self.condition(SUSPENDED)
        return condition is not None and condition.status


# --- moving on ------------------------------------------------------------------------------------------------------


def settle(status: Status, outcomes: Iterable[Outcome], *, through: datetime) -> Status:
    """The status after instants have got their outcome.

    Args:
        status: As it stands.
        outcomes: Outcomes of instants that count as due from now on, oldest first.
        through: Every instant up to it now has its outcome, or a slot.
    """
    passed = tuple(outcomes)
    return replace(
        _conclude(status, passed, newly_due=len(passed)),
        settled_through=max(through, status.settled_through or through),
    )


def claim(status: Status, slots: Iterable[Slot]) -> Status:
    """The status with these slots reserved: their instants are due, their outcomes follow when the slots are filled."""
    claimed = tuple(slots)
    return replace(
        status,
        active=status.active + claimed,
        counts=_add(status.counts, {"due": len(claimed)} if claimed else {}),
    )


def conclude(status: Status, outcomes: Iterable[Outcome]) -> Status:
    """The status after claimed slots have got their outcome."""
    return _conclude(status, tuple(outcomes), newly_due=0)


def track(
    status: Status,
    jobs: Mapping[str, Job],
    *,
    newly: Iterable[Job] = (),
    dropped: Collection[datetime] = (),
    complete: bool,
) -> tuple[Status, tuple[Job, ...]]:
    """The status with the slots of ended Jobs released, and the Jobs whose end it counts.

    Args:
        status: As it stands.
        jobs: The object's Jobs by name, in the state last seen.
        newly: Jobs that get a place since this very write.
        dropped: Instants whose slot is kept only if its Job is there.
        complete: Whether `jobs` is all that exists: a Job that is not there is gone.
    """
    entering = [Slot(name=job.name, scheduled_at=job.scheduled_at or job.created_at, uid=job.uid) for job in newly]
    kept: list[Slot] = []
    ended: list[Job] = []
    for slot in {slot.name: slot for slot in (*entering, *status.active)}.values():
        job = jobs.get(slot.name)
        if job is None:
            gone = slot.scheduled_at in dropped or (complete and slot.uid is not None)
            kept += [] if gone else [slot]
        elif job.active:
            kept.append(replace(slot, uid=job.uid))
        elif job.finished_at is not None:
            ended.append(job)
    succeeded = [job.finished_at for job in ended if job.succeeded and job.finished_at]
    failed = [job.finished_at for job in ended if not job.succeeded and job.finished_at]
    changes = {"succeeded": len(succeeded), "failed": len(failed)}
    tracked = replace(
        status,
        active=tuple(sorted(kept, key=lambda slot: (slot.scheduled_at, slot.name))),
        counts=_add(status.counts, {name: number for name, number in changes.items() if number}),
        last_successful_at=_latest(status.last_successful_at, succeeded),
        last_failure_at=_latest(status.last_failure_at, failed),
    )
    return tracked, tuple(ended)


def declare(status: Status, *conditions: Condition) -> Status:
    """The status with these conditions in place of those of the same types.

    The time of the last transition is that of the last change of `status`, as Kubernetes defines it.
    """
    named = {condition.type: condition for condition in status.conditions}
    for condition in conditions:
        old = named.get(condition.type)
        stands = old is not None and old.status == condition.status
        named[condition.type] = replace(condition, changed_at=old.changed_at) if old and stands else condition
    return replace(status, conditions=tuple(named[type_] for type_ in sorted(named)))


def _conclude(status: Status, outcomes: tuple[Outcome, ...], *, newly_due: int) -> Status:
    changes: dict[str, int] = {"due": newly_due} if newly_due else {}
    for outcome in outcomes:
        changes[outcome.reason.counted_as] = changes.get(outcome.reason.counted_as, 0) + 1
    created = [outcome.scheduled_at for outcome in outcomes if outcome.reason is Reason.CREATED]
    recent = sorted((*status.recent, *outcomes[-RECENT_LIMIT:]), key=lambda outcome: outcome.scheduled_at)
    return replace(
        status,
        counts=_add(status.counts, changes),
        last_schedule_at=_latest(status.last_schedule_at, created),
        recent=tuple(recent[-RECENT_LIMIT:]) if outcomes else status.recent,
    )


def _add(counts: Mapping[str, int], changes: Mapping[str, int]) -> Mapping[str, int]:
    return {**counts, **{name: counts.get(name, 0) + number for name, number in changes.items()}}


def _latest(instant: datetime | None, others: Iterable[datetime]) -> datetime | None:
    return max([*others, *([instant] if instant else [])], default=None)


# --- reading and writing --------------------------------------------------------------------------------------------


def parse(cron_job: CronJob) -> Status:
    """The status that the object carries."""
    raw = cron_job.status
    return Status(
        active=tuple(_parse_slot(slot) for slot in raw.get("active") or ()),
        settled_through=_time(raw, "settledThrough"),
        schedule_hash=raw.get("scheduleHash"),
        last_schedule_at=_time(raw, "lastScheduleTime"),
        last_successful_at=_time(raw, "lastSuccessfulTime"),
        last_failure_at=_time(raw, "lastFailureTime"),
        next_schedule_at=_time(raw, "nextScheduleTime"),
        owner=raw.get("owner"),
        observed_generation=raw.get("observedGeneration", 0),
        counts=dict(raw.get("counts") or {}),
        recent=tuple(_parse_outcome(outcome) for outcome in raw.get("recent") or () if outcome["reason"] in _REASONS),
        conditions=tuple(_parse_condition(condition) for condition in raw.get("conditions") or ()),
    )


def patch(old: Status, new: Status, cron_job: CronJob, *, now: datetime) -> dict[str, Any]:
    """The JSON merge patch that turns one status into the other; empty if they say the same.

    Args:
        old: What the object carries.
        new: What it should carry.
        cron_job: Whose status it is.
        now: When the conditions that change do so.
    """
    before, after = (_dump(status, cron_job, now=now) for status in (old, new))
    return {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}


def _dump(status: Status, cron_job: CronJob, *, now: datetime) -> dict[str, Any]:
    fields = {
        "active": [_dump_slot(slot, cron_job) for slot in status.active] or None,
        "activeJobs": len(status.active),
        "settledThrough": _text(status.settled_through),
        "scheduleHash": status.schedule_hash,
        "lastScheduleTime": _text(status.last_schedule_at),
        "lastSuccessfulTime": _text(status.last_successful_at),
        "lastFailureTime": _text(status.last_failure_at),
        "nextScheduleTime": _text(status.next_schedule_at),
        "owner": status.owner,
        "observedGeneration": status.observed_generation,
        "counts": dict(status.counts),
        "recent": [_dump_outcome(outcome) for outcome in status.recent] or None,
        "conditions": [_dump_condition(condition, cron_job, now=now) for condition in status.conditions] or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _parse_slot(raw: Mapping[str, Any]) -> Slot:
    return Slot(name=raw["name"], scheduled_at=parse_time(raw["scheduledAt"]), uid=raw.get("uid"))


def _dump_slot(slot: Slot, cron_job: CronJob) -> dict[str, Any]:
    reference = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "namespace": cron_job.key.namespace,
        "name": slot.name,
        "scheduledAt": format_time(slot.scheduled_at),
    }
    return reference if slot.uid is None else {**reference, "uid": slot.uid}


_REASONS = frozenset(reason.value for reason in Reason)
"""A later version may know more words; what it wrote is left out rather than stumbled over."""


def _parse_outcome(raw: Mapping[str, Any]) -> Outcome:
    return Outcome(
        scheduled_at=parse_time(raw["scheduledAt"]),
        reason=Reason(raw["reason"]),
        job=raw.get("job"),
    )


def _dump_outcome(outcome: Outcome) -> dict[str, Any]:
    raw = {
        "scheduledAt": format_time(outcome.scheduled_at),
        "outcome": outcome.reason.counted_as,
        "reason": outcome.reason.value,
    }
    return raw if outcome.job is None else {**raw, "job": outcome.job}


def _parse_condition(raw: Mapping[str, Any]) -> Condition:
    return Condition(
        type=raw["type"],
        status=raw["status"] == "True",
        reason=raw.get("reason", ""),
        message=raw.get("message", ""),
        changed_at=_time(raw, "lastTransitionTime"),
    )


def _dump_condition(condition: Condition, cron_job: CronJob, *, now: datetime) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": str(condition.status),
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": format_time((condition.changed_at or now).replace(microsecond=0)),
    }


def _time(raw: Mapping[str, Any], name: str) -> datetime | None:
    text = raw.get(name)
    return None if text is None else parse_time(text)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)
