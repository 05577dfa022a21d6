"""What is asked of an object, as the change that is written on it: a run, a pause, its end, a backfill.

The controller follows annotations (`controller.requests`); this room spells them and refuses what it would refuse.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controller.instants import format_time
from controller.requests import SUSPEND_REASON, SUSPEND_UNTIL, TRIGGER
from plugin.failures import Misused
from plugin.objects import Seen


def run_value(now: datetime, salt: str) -> str:
    """A value for the trigger that nobody has used before: when it was asked for, and something random."""
    return f"{format_time(now.replace(microsecond=0))}-{salt}"


def run(value: str) -> dict[str, Any]:
    """Asks for one run now."""
    return _annotations({TRIGGER: value})


def suspension(until: datetime | None, reason: str | None, now: datetime) -> dict[str, Any]:
    """Asks for silence: until a time by annotation, or without an end by the spec.

    Raises:
        Misused: The end is in the past.
    """
    if until is None:
        return {**(_annotations({SUSPEND_REASON: reason}) if reason else {}), "spec": {"suspend": True}}
    if until <= now:
        raise Misused(f"--until {format_time(until)} is in the past: it would pause nothing")
    return _annotations({SUSPEND_UNTIL: format_time(until), SUSPEND_REASON: reason})


def resumption(seen: Seen) -> dict[str, Any]:
    """Asks for the end of a suspension and of a pause; empty if there is neither."""
    annotations = seen.body["metadata"].get("annotations") or {}
    there = {name: None for name in (SUSPEND_UNTIL, SUSPEND_REASON) if name in annotations}
    return {
        **(_annotations(there) if there else {}),
        **({"spec": {"suspend": False}} if seen.cron_job.spec.suspend else {}),
    }


def _annotations(changes: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"annotations": changes}}
