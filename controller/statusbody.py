"""The status of an object as JSON: read from what the API server shows, written back as the difference.

Whatever stands in an object's status was put there by some version of the controller, perhaps a later one: no word is
stumbled over. An outcome with a reason that is not known here is left out; what triggered a Job in a way that is not
known passes for a manual run, for its name alone says what it stands for; a backfill in such a state is left alone.
`status` makes the values; this room only spells them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.asked import Backfill, BackfillState, LastTrigger
from controller.conditions import Condition
from controller.instants import format_time, parse_time
from controller.names import manual_name, name_for
from controller.outcomes import Outcome, Reason, Trigger
from controller.spec import CronJob
from controller.status import Slot, Status


def parse(cron_job: CronJob) -> Status:
    """The status that the object carries."""
    raw = cron_job.status
    return Status(
        active=tuple(_parse_slot(slot) for slot in raw.get("active") or ()),
        queued=tuple(_parse_queued(slot, cron_job) for slot in raw.get("queued") or ()),
        settled_through=_time(raw, "settledThrough"),
        schedule_hash=raw.get("scheduleHash"),
        suspended_until=_time(raw, "suspendedUntil"),
        last_schedule_at=_time(raw, "lastScheduleTime"),
        last_successful_at=_time(raw, "lastSuccessfulTime"),
        last_failure_at=_time(raw, "lastFailureTime"),
        next_schedule_at=_time(raw, "nextScheduleTime"),
        failures_in_row=raw.get("failuresInRow", 0),
        owner=raw.get("owner"),
        observed_generation=raw.get("observedGeneration", 0),
        counts=dict(raw.get("counts") or {}),
        recent=tuple(_parse_outcome(outcome) for outcome in raw.get("recent") or () if outcome["reason"] in _REASONS),
        last_trigger=_parse_last_trigger(raw.get("lastTrigger")),
        backfill=_parse_backfill(raw.get("backfill")),
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
    before, after = (_dump(status, now=now) for status in (old, new))
    if "activeJobs" not in cron_job.status:
        del before["activeJobs"]  # so that a 0 is written too: kubectl would show nothing
    return {**_difference(before, after), **_new_lists(old, new, cron_job)}


def merged(raw: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A status with a JSON merge patch applied (RFC 7386). What this version does not know stays as it is."""
    result = dict(raw)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merged(result.get(name) or {}, value)
        else:
            result[name] = value
    return result


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch goes into objects: a field that is gone from one has to be taken out there, by name."""
    changed: dict[str, Any] = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old != new:
            changed[name] = _difference(old, new) if isinstance(old, dict) and isinstance(new, dict) else new
    return changed


def _new_lists(old: Status, new: Status, cron_job: CronJob) -> dict[str, Any]:
    """The lists of values that have changed. A merge patch replaces each as a whole, so no old one is spelled."""
    lists: dict[str, Any] = {}
    if new.active != old.active:
        lists["active"] = [_dump_slot(slot, cron_job) for slot in new.active] or None
    if new.queued != old.queued:
        lists["queued"] = [_dump_queued(slot) for slot in new.queued] or None
    if new.recent != old.recent:
        lists["recent"] = [_dump_outcome(outcome) for outcome in new.recent] or None
    return lists


def _dump(status: Status, *, now: datetime) -> dict[str, Any]:
    """All but those lists."""
    fields = {
        "activeJobs": len(status.active),
        "settledThrough": _text(status.settled_through),
        "scheduleHash": status.schedule_hash,
        "suspendedUntil": _text(status.suspended_until),
        "lastScheduleTime": _text(status.last_schedule_at),
        "lastSuccessfulTime": _text(status.last_successful_at),
        "lastFailureTime": _text(status.last_failure_at),
        "nextScheduleTime": _text(status.next_schedule_at),
        "failuresInRow": status.failures_in_row or None,
        "owner": status.owner,
        "observedGeneration": status.observed_generation,
        "counts": dict(status.counts),
        "lastTrigger": _dump_last_trigger(status.last_trigger),
        "backfill": _dump_backfill(status.backfill),
        "conditions": [_dump_condition(condition, status, now=now) for condition in status.conditions] or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _parse_slot(raw: Mapping[str, Any]) -> Slot:
    return Slot(
        name=raw["name"],
        scheduled_at=parse_time(raw["scheduledAt"]),
        uid=raw.get("uid"),
        trigger=_trigger(raw),
        trigger_id=raw.get("triggerId"),
        contested=raw.get("contested", False),
        turned_away=raw.get("turnedAway", 0),
    )


def _trigger(raw: Mapping[str, Any]) -> Trigger:
    word = raw.get("trigger", Trigger.SCHEDULE)
    return Trigger(word) if word in _TRIGGERS else Trigger.MANUAL


def _dump_slot(slot: Slot, cron_job: CronJob) -> dict[str, Any]:
    reference = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "namespace": cron_job.key.namespace,
        "name": slot.name,
        "scheduledAt": format_time(slot.scheduled_at),
        **_dump_trigger(slot),
        **({"contested": True} if slot.contested else {}),
        **({"turnedAway": slot.turned_away} if slot.turned_away else {}),
    }
    return reference if slot.uid is None else {**reference, "uid": slot.uid}


def _parse_queued(raw: Mapping[str, Any], cron_job: CronJob) -> Slot:
    """A firing that waits; its Job's name is not written, for it follows from the rest."""
    scheduled_at, trigger_id = parse_time(raw["scheduledAt"]), raw.get("triggerId")
    if trigger_id is None:
        return Slot(name=name_for(cron_job, scheduled_at), scheduled_at=scheduled_at)
    name = manual_name(cron_job, trigger_id)
    return Slot(name=name, scheduled_at=scheduled_at, trigger=Trigger.MANUAL, trigger_id=trigger_id)


def _dump_queued(slot: Slot) -> dict[str, Any]:
    return {"scheduledAt": format_time(slot.scheduled_at), **_dump_trigger(slot)}


def _dump_trigger(of: Slot | Outcome) -> dict[str, Any]:
    if of.trigger.of_schedule:
        return {}
    return {"trigger": of.trigger.value, **({} if of.trigger_id is None else {"triggerId": of.trigger_id})}


_TRIGGERS, _STATES, _REASONS = (frozenset(one.value for one in words) for words in (Trigger, BackfillState, Reason))
"""The words that are known here; a later version may know more."""


def _parse_outcome(raw: Mapping[str, Any]) -> Outcome:
    return Outcome(
        scheduled_at=parse_time(raw["scheduledAt"]),
        reason=Reason(raw["reason"]),
        job=raw.get("job"),
        trigger=_trigger(raw),
        trigger_id=raw.get("triggerId"),
    )


def _dump_outcome(outcome: Outcome) -> dict[str, Any]:
    raw = {
        "scheduledAt": format_time(outcome.scheduled_at),
        "outcome": outcome.reason.counted_as,
        "reason": outcome.reason.value,
        **_dump_trigger(outcome),
    }
    return raw if outcome.job is None else {**raw, "job": outcome.job}


def _parse_last_trigger(raw: Mapping[str, Any] | None) -> LastTrigger | None:
    if raw is None:
        return None
    return LastTrigger(
        value=raw["value"],
        at=parse_time(raw["at"]),
        outcome=raw["outcome"],
        reason=raw.get("reason"),
        job=raw.get("job"),
    )


def _dump_last_trigger(last: LastTrigger | None) -> dict[str, Any] | None:
    if last is None:
        return None
    raw = {
        "value": last.value,
        "at": format_time(last.at),
        "outcome": last.outcome,
        "reason": last.reason,
        "job": last.job,
    }
    return {name: value for name, value in raw.items() if value is not None}


def _parse_backfill(raw: Mapping[str, Any] | None) -> Backfill | None:
    if raw is None:
        return None
    return Backfill(
        interval=raw["interval"],
        state=BackfillState(raw["state"]) if raw["state"] in _STATES else BackfillState.NOTED,
        through=_time(raw, "through"),
        total=raw.get("total", 0),
        created=raw.get("created", 0),
        left_out=raw.get("leftOut", 0),
        create_failed=raw.get("createFailed", 0),
        message=raw.get("message", ""),
    )


def _dump_backfill(backfill: Backfill | None) -> dict[str, Any] | None:
    if backfill is None:
        return None
    raw = {
        "interval": backfill.interval,
        "state": backfill.state.value,
        "through": _text(backfill.through),
        "total": backfill.total,
        "created": backfill.created,
        "leftOut": backfill.left_out,
        "createFailed": backfill.create_failed,
        "message": backfill.message or None,
    }
    return {name: value for name, value in raw.items() if value is not None}


def _parse_condition(raw: Mapping[str, Any]) -> Condition:
    return Condition(
        type=raw["type"],
        status=raw["status"] == "True",
        reason=raw.get("reason", ""),
        message=raw.get("message", ""),
        changed_at=_time(raw, "lastTransitionTime"),
    )


def _dump_condition(condition: Condition, status: Status, *, now: datetime) -> dict[str, Any]:
    """A condition, with the generation that it speaks of: `kubectl wait` waits on until it is the present one."""
    return {
        "type": condition.type,
        "status": str(condition.status),
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": status.observed_generation,
        "lastTransitionTime": format_time((condition.changed_at or now).replace(microsecond=0)),
    }


def _time(raw: Mapping[str, Any], name: str) -> datetime | None:
    text = raw.get(name)
    return None if text is None else parse_time(text)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_time(instant)
