"""What happened in a run, for people: one line for each thing, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.course import Violation
from tests.simulation.evidence import Evidence

BEFORE, AFTER = timedelta(seconds=12), timedelta(seconds=10)
"""How much of a run is shown around a violation."""
VIOLATIONS_SHOWN = 5
LINES_SHOWN = 40


def report(seed: int, evidence: Evidence, violations: list[Violation]) -> str:
    """What broke in a run, with what the object of the first violation went through around it."""
    lines = [f"seed {seed}: {len(violations)} violations; python -m tests.simulation --seed {seed} shows all of it"]
    lines += [f"  {violation}" for violation in violations[:VIOLATIONS_SHOWN]]
    struck_at = violations[0].at if violations else None
    if struck_at is not None:
        events = _events(evidence, violations[0].uid)
        lines += [line for at, line in events if struck_at - BEFORE <= at <= struck_at + AFTER][:LINES_SHOWN]
    return "\n".join(lines)


def trace(evidence: Evidence, uid: str | None = None) -> str:
    """The whole run, or that of one object."""
    return "\n".join(line for _, line in _events(evidence, uid))


def _events(evidence: Evidence, uid: str | None) -> list[tuple[datetime, str]]:
    names = {edit.uid: edit.key.name for edit in evidence.edits}
    found = [(fault.at, f"-- {fault.what} {fault.node}") for fault in evidence.faults]
    found += [(one.until, f"-- {one.what} {one.node}: healed") for one in evidence.faults if one.until is not None]
    found += [
        (edit.at, f"{edit.key.name}: {_wish(edit.spec)}") for edit in evidence.edits if uid is None or edit.uid == uid
    ]
    found += [
        (entry.at, f"{entry.job.name}: {entry.what}" + (f" by {entry.node}" if entry.node else ""))
        for entry in evidence.history
        if uid is None or entry.job.owner_uid == uid
    ]
    found += [
        (told.at, f"{names[told.uid]}: {_status(told.status)}")
        for told in evidence.told
        if told.status and (uid is None or told.uid == uid)
    ]
    found += [
        (one.at, f"{one.key.name}: annotated {_annotations(one.annotations)}" + (" from the start" if one.born else ""))
        for one in evidence.annotated
        if uid is None or one.uid == uid
    ]
    return [(at, f"{at:%H:%M:%S.%f}  {line}") for at, line in sorted(found, key=lambda event: event[0])]


def _wish(spec: Mapping[str, Any] | None) -> str:
    if spec is None:
        return "deleted"
    return "applied " + ", ".join(f"{name}={value}" for name, value in spec.items() if name != "jobTemplate")


def _annotations(annotations: Mapping[str, str]) -> str:
    return ", ".join(f"{name.removeprefix('dcron.io/')}={value}" for name, value in annotations.items())


def _status(status: Mapping[str, Any]) -> str:
    slots = [f"{_time(slot['scheduledAt'])}{'' if 'uid' in slot else '?'}" for slot in status.get("active", ())]
    recent = [f"{_time(one['scheduledAt'])} {one['reason']}" for one in status.get("recent", ())]
    counts = " ".join(f"{name} {number}" for name, number in status.get("counts", {}).items())
    return f"settled through {_time(status.get('settledThrough', ''))} by {status.get('owner')}; " + "; ".join(
        (counts, f"active {' '.join(slots)}", ", ".join(recent[-3:]), *_requested(status))
    )


def _requested(status: Mapping[str, Any]) -> list[str]:
    """What a status says of the queue, of what people asked for, and of conditions that hold."""
    found = (
        [f"queued {' '.join(_time(slot['scheduledAt']) for slot in status['queued'])}"] if "queued" in status else []
    )
    if (last := status.get("lastTrigger")) is not None:
        found.append(f"trigger {last['value']} {last['outcome']}")
    if (backfill := status.get("backfill")) is not None:
        numbers = "/".join(str(backfill[name]) for name in ("created", "leftOut", "createFailed", "total"))
        found.append(f"backfill {backfill['interval']} {backfill['state']} {numbers}")
    held = [
        one["reason"] for one in status.get("conditions", ()) if (one["status"] == "True") != (one["type"] == "Ready")
    ]
    return [*found, *held]


def _time(text: str) -> str:
    return text[11:19]


def lines_of(violations: Iterable[Violation]) -> str:
    """Violations alone."""
    return "\n".join(str(violation) for violation in violations)
