"""A cron expression in a time zone: which instants its local times are.

It exists because no cron library is right on the days when clocks change. Local times are looked for inside the
segments of constant offset of a `timezone`. So a local time that a gap swallows is never met, and one that an overlap
repeats is met twice: dstGap Skip and dstOverlap Both, as batch/v1 does it, without a rule for either. Under First and
Last the zone gives segments that lack the other occurrence; under After the end of a gap is met for what it swallows.

It never reads a clock. `schedule` unites several of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from controller.schedule.expression import Expression
from controller.schedule.timezone import Segment, segment_from, segment_until
from controller.spec import DstGap, DstOverlap

_TRIES: Final = 24
"""How many segments a search looks into. Only an expression that falls into a gap year after year needs more than a few
(`30 0 * 4 FRIL` in Cairo: two a year), and its search must end, and soon."""

_APART: Final = 3 * 86_400
"""More than any two offsets of any zone differ, in seconds. Segments that end so far from a match cannot hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoned:
    """An expression laid over the segments of a zone. Instants are UTC seconds since 1970."""

    expression: Expression
    zone: str
    dst_gap: DstGap = DstGap.SKIP
    dst_overlap: DstOverlap = DstOverlap.BOTH

    def next_after(self, instant: int) -> int | None:
        """The first instant strictly after."""
        cursor = instant + 1
        for _ in range(_TRIES):
            segment = segment_from(self.zone, cursor, self.dst_overlap)
            if segment is None:
                return None
            if cursor <= segment.begin and self._met_in_gap(segment):
                return segment.begin
            begin = max(cursor, segment.begin)
            found = self.expression.first_from(begin + segment.offset)
            if found is None:
                return None
            if found < segment.end + segment.offset:
                return found - segment.offset
            # Up to the match there is nothing, so what ends well before it is left out. But clocks that go back right
            # after `begin` would lead to local times before it, which nobody has looked at.
            cursor = max(segment.end, found - _APART) if segment.end - begin > _APART else segment.end
        return None

    def latest_at(self, instant: int, after: int) -> int | None:
        """The newest instant in (after, instant]."""
        cursor = instant
        for _ in range(_TRIES):
            segment = segment_until(self.zone, cursor, self.dst_overlap) if cursor > after else None
            if segment is None:
                return None
            end = min(segment.end - 1, cursor)
            found = self.expression.last_until(end + segment.offset)
            if found is not None and found >= segment.begin + segment.offset:
                return found - segment.offset if found - segment.offset > after else None
            if self._met_in_gap(segment):
                return segment.begin if segment.begin > after else None
            if found is None:
                return None
            far = end - segment.begin > _APART
            cursor = min(segment.begin - 1, found + _APART) if far else segment.begin - 1
        return None

    def _met_in_gap(self, segment: Segment) -> bool:
        """Whether the segment begins at the end of a gap that an instant was put off to."""
        if self.dst_gap is DstGap.SKIP or segment.forward <= 0:
            return False
        end = segment.begin + segment.offset
        found = self.expression.first_from(end - segment.forward)
        return found is not None and found < end
