"""A time zone as segments of constant offset.

It exists so that nobody else has to think about gaps and overlaps: inside a segment, local time is UTC plus a constant.
Where clocks go forward the next segment begins at a later local time, where they go back at an earlier one. Changes are
found by asking the zone for its offset, so that half an hour, several a year and a skipped day need no special case.
Where an overlap is to count once, the stretch that holds the other occurrence is left out of the segments.

It never asks which zone the machine is in, and never lets a name reach the file system that is not the name of a zone.
`zoned` lays the local times of `expression` over these segments.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.errors import UnknownTimeZone
from controller.spec import DstOverlap

FIRST_YEAR: Final = 2
LAST_YEAR: Final = 9_970
"""No segments are given outside these years, so that no search meets an end of `datetime`'s calendar."""

_FIRST: Final = int(datetime(FIRST_YEAR - 1, 12, 31, tzinfo=UTC).timestamp())
_LAST: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())

_PROBE_SECONDS: Final = 6 * 86_400
"""Less than the shortest time between two transitions in the tz database: just under 7 days (Asia/Gaza, 2040)."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}")
_NAME_CHARACTERS: Final = 64
_OF_THE_MACHINE: Final = ("local", "localtime", "posixrules", "factory")
"""Names that a machine may know, but that name no place; each may mean something else to each replica."""
_OTHER_READINGS: Final = ("posix/", "right/")
"""Folders that some systems have beside the zones. `right/` counts leap seconds, which no other clock of ours does."""


class Segment(NamedTuple):
    """A stretch of time in which a zone keeps its offset. It may be cut at the end of a year."""

    begin: int
    """UTC seconds since 1970, inclusive."""
    end: int
    """UTC seconds since 1970, exclusive."""
    offset: int
    """Local time minus UTC, in seconds."""
    forward: int
    """How far clocks went forward at the begin, in seconds: above 0 after a gap, below 0 after an overlap, 0 where only
    a year begins."""


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """The zone of this IANA name.

    Raises:
        UnknownTimeZone: It is no name of a zone, or the tz database has none of that name.
    """
    refusal = UnknownTimeZone(f"time zone {name[:_NAME_CHARACTERS]!a} is not known; use an IANA name like Europe/Paris")
    lowered = name.lower()
    if len(name) > _NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise refusal
    if lowered in _OF_THE_MACHINE or lowered.startswith(_OTHER_READINGS):
        raise refusal
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # no such file, not a zone, a folder
        raise refusal from error


def segment_from(zone: str, instant: int, overlap: DstOverlap = DstOverlap.BOTH) -> Segment | None:
    """The first segment that ends after this instant (UTC seconds); None after the last year."""
    year = _year(instant)
    for near in range(max(year, FIRST_YEAR), min(year + 1, LAST_YEAR) + 1):
        for segment in _kept(zone, near, overlap):
            if segment.end > instant:
                return segment
    return None


def segment_until(zone: str, instant: int, overlap: DstOverlap = DstOverlap.BOTH) -> Segment | None:
    """The last segment that begins at this instant (UTC seconds) or before; None before the first year."""
    year = _year(instant)
    for near in range(min(year, LAST_YEAR), max(year - 1, FIRST_YEAR) - 1, -1):
        for segment in reversed(_kept(zone, near, overlap)):
            if segment.begin <= instant:
                return segment
    return None


def _year(instant: int) -> int:
    return datetime.fromtimestamp(min(max(instant, _FIRST), _LAST), UTC).year


@lru_cache(maxsize=4096)
def _kept(name: str, year: int, overlap: DstOverlap) -> tuple[Segment, ...]:
    """The segments of one UTC year, without the occurrences of local times that do not count."""
    segments = _segments(name, year)
    for begin, end in _not_counted(name, year, overlap):
        trimmed = (_without(segment, begin, end) for segment in segments)
        segments = tuple(segment for segment in trimmed if segment.begin < segment.end)
    return segments


def _not_counted(name: str, year: int, overlap: DstOverlap) -> list[tuple[int, int]]:
    """The stretches of UTC whose local times count in their other occurrence."""
    if overlap is DstOverlap.BOTH:
        return []
    # A change early in January has its first occurrences in December, so the years beside this one are asked too.
    near = range(max(year - 1, FIRST_YEAR), min(year + 1, LAST_YEAR) + 1)
    changes = [segment for other in near for segment in _segments(name, other) if segment.forward < 0]
    if overlap is DstOverlap.FIRST:
        return [(after.begin, after.begin - after.forward) for after in changes]
    return [(after.begin + after.forward, after.begin) for after in changes]


def _without(segment: Segment, begin: int, end: int) -> Segment:
    """The segment cut short by a stretch that begins or ends with it, or covers it."""
    if segment.end <= begin or end <= segment.begin:
        return segment
    if begin <= segment.begin:
        return segment._replace(begin=end)  # beyond the segment's end if it covers it
    return segment._replace(end=begin)


@lru_cache(maxsize=4096)
def _segments(name: str, year: int) -> tuple[Segment, ...]:
    """The segments of one UTC year."""
    zone = zone_named(name)
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(year + 1, 1, 1, tzinfo=UTC).timestamp())
    found = []
    offset = _offset(zone, begin)
    forward = offset - _offset(zone, begin - 1)
    known = begin
    while known < end - 1:
        probe = min(known + _PROBE_SECONDS, end - 1)
        if _offset(zone, probe) != offset:
            change = _change(zone, known, probe)
            found.append(Segment(begin, change, offset, forward))
            begin, probe, forward = change, change, _offset(zone, change) - offset
            offset += forward
        known = probe
    return (*found, Segment(begin, end, offset, forward))


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    """The first second with another offset than `before`, found by bisecting."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, instant: int) -> int:
    offset = datetime.fromtimestamp(instant, zone).utcoffset()
    assert offset is not None, "a ZoneInfo always has an offset"
    return int(offset.total_seconds())
