"""Instants as people type them: RFC 3339, a local time in the schedule's zone, or a distance from now."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from controller.instants import parse_written_time
from plugin.failures import Misused

_LOCAL = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?", re.ASCII)
_DISTANCE = re.compile(r"(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,8})s)?", re.ASCII)


def instant(text: str, zone: tzinfo, option: str) -> datetime:
    """An instant that somebody typed.

    Args:
        text: RFC 3339, or a local time without an offset.
        zone: Where a local time counts. One that occurs twice there is the first.
        option: What it was typed for, for the sentence.

    Raises:
        Misused: It is neither.
    """
    found = parse_written_time(text)
    if found is None and _LOCAL.fullmatch(text):
        found = _local(text, zone)
    if found is None:
        raise Misused(
            f"{option} {text!r} is no time; write 2026-01-31T08:00:00Z, or 2026-01-31T08:00 in the zone of the schedule"
        )
    return found


def end(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The end of a pause: an instant, or how long from now, such as 90m or 3d12h; in whole seconds.

    Raises:
        Misused: It is neither.
    """
    span = _span(text)
    return instant(text, zone, "--until") if span is None else now.replace(microsecond=0) + span


def distance(text: str, option: str) -> timedelta:
    """A duration such as 90s, 5m or 1h30m.

    Raises:
        Misused: It is none.
    """
    span = _span(text)
    if span is None:
        raise Misused(f"{option} {text!r} is no duration; write 90s, 5m or 1h30m")
    return span


def _span(text: str) -> timedelta | None:
    found = _DISTANCE.fullmatch(text)
    if not text or not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _local(text: str, zone: tzinfo) -> datetime | None:
    """A local time; None if there is no such time of the day or day of the year, or if clocks skip it."""
    try:
        local = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        return None
    utc = local.astimezone(UTC)
    return utc if utc.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None) else None
