"""When a schedule fires: cron arithmetic in a time zone.

It exists because no cron library is right on the days when clocks change. The local times of an `expression` are looked
for inside the segments of constant offset of a `timezone`. So a local time that a gap swallows is never met, and one
that an overlap repeats is met twice: dstGap Skip and dstOverlap Both, as batch/v1 does it, without a rule for either.

It never reads a clock, and never raises because nothing follows: None says that. Equal inputs give one shared
schedule, and what it has computed serves every object that has it.

`spec` carries the texts, `decision` asks which instants are due, `jobs` names Jobs after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from controller.errors import InvalidSchedule
from controller.expression import HORIZON_YEARS, Expression, read
from controller.timezone import segments_from, segments_until, zone_named

MAX_EXPRESSIONS: Final = 32

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

_REMEMBERED: Final = 16
"""How many answers a schedule remembers: objects that share it ask about the same few moments."""

_NEVER: Final = 1 << 62


class _Source(Protocol):
    """Something that names instants: one cron expression in its zone. Instants here are UTC seconds since 1970."""

    def next_after(self, instant: int) -> int | None:
        """The first instant strictly after."""
        ...

    def latest_at(self, instant: int, after: int) -> int | None:
        """The newest instant in (after, instant]."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cron:
    """A cron expression laid over the segments of a zone."""

    expression: Expression
    zone: str

    def next_after(self, instant: int) -> int | None:
        searched, found = 1, 0  # no local time in [searched, found) matches; at first, an empty range
        for segment in segments_from(self.zone, instant + 1, HORIZON_YEARS):
            start = max(segment.begin, instant + 1) + segment.offset
            if not searched <= start <= found:  # otherwise the search before has covered this segment
                match = self.expression.first_from(start)
                if match is None:
                    return None
                searched, found = start, match
            if found < segment.end + segment.offset:
                return found - segment.offset
        return None

    def latest_at(self, instant: int, after: int) -> int | None:
        searched, found = 0, 1  # no local time in (found, searched] matches
        for segment in segments_until(self.zone, instant, HORIZON_YEARS):
            if segment.end <= after + 1:
                return None
            last = min(segment.end - 1, instant) + segment.offset
            if not found <= last <= searched:
                match = self.expression.last_until(last)
                if match is None:
                    return None
                searched, found = last, match
            if found >= segment.begin + segment.offset:
                latest = found - segment.offset
                return latest if latest > after else None
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The instants of one or more expressions: whole seconds, each once. Made by `parse`.

    Every datetime that comes in is aware, every one that goes out is aware UTC.
    """

    expressions: tuple[str, ...]
    time_zone: str
    start_at: datetime | None
    """Inclusive."""
    end_at: datetime | None
    """Exclusive."""
    _sources: tuple[_Source, ...] = field(repr=False, compare=False)
    _known: list[tuple[int, int]] = field(default_factory=list, repr=False, compare=False)
    """Pairs (instant, the next after it): an answer for every moment from the first up to before the second."""

    def next_after(self, instant: datetime) -> datetime | None:
        """The first instant strictly after this one, or None when nothing follows."""
        return _as_datetime(self._next_known(_floor(instant)))

    def latest_at(self, instant: datetime, *, after: datetime) -> datetime | None:
        """The newest instant in (after, instant], or None."""
        newest = self.newest(after, instant, limit=1)
        return newest[0] if newest else None

    def between(self, after: datetime, until: datetime, *, limit: int) -> tuple[datetime, ...]:
        """The instants in (after, until], oldest first, at most `limit` of the oldest."""
        last = _floor(until)
        found: list[int] = []
        following = self._next_known(_floor(after))
        while following <= last and len(found) < limit:
            found.append(following)
            following = self._next(following)
        return tuple(map(_from_seconds, found))

    def newest(self, after: datetime, until: datetime, *, limit: int) -> tuple[datetime, ...]:
        """The newest `limit` of the instants in (after, until], oldest first."""
        first, last = _floor(after), _floor(until)
        found: list[int] = []
        # Most often there is none, and what is remembered says so.
        latest = self._latest(last, first) if self._next_known(first) <= last else None
        while latest is not None and len(found) < limit:
            found.append(latest)
            latest = self._latest(latest - 1, first)
        return tuple(map(_from_seconds, reversed(found)))

    def _next_known(self, instant: int) -> int:
        for known, following in self._known:
            if known <= instant < following:
                return following
        following = self._next(instant)
        self._known.insert(0, (instant, following))
        del self._known[_REMEMBERED:]
        return following

    def _next(self, instant: int) -> int:
        if self.start_at is not None:
            instant = max(instant, _ceil(self.start_at) - 1)
        following = min((_or_never(source.next_after(instant)) for source in self._sources), default=_NEVER)
        return following if self.end_at is None or following < _ceil(self.end_at) else _NEVER

    def _latest(self, instant: int, after: int) -> int | None:
        if self.start_at is not None:
            after = max(after, _ceil(self.start_at) - 1)
        if self.end_at is not None:
            instant = min(instant, _ceil(self.end_at) - 1)
        found = (source.latest_at(instant, after) for source in self._sources)
        return max((latest for latest in found if latest is not None), default=None)


def parse(
    expressions: Sequence[str],
    time_zone: str | None = None,
    *,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
) -> Schedule:
    """The schedule that fires at the union of these expressions, in this zone (UTC if None).

    Args:
        expressions: 1 to 32 cron expressions.
        time_zone: An IANA name.
        start_at: Nothing fires before it.
        end_at: Nothing fires at it or after.

    Raises:
        InvalidSchedule: An expression is refused; the sentence says which field and why.
        UnknownTimeZone: There is no such zone.
    """
    return _parse(tuple(expressions), time_zone, start_at, end_at)


@lru_cache(maxsize=4096)
def _parse(
    expressions: tuple[str, ...], time_zone: str | None, start_at: datetime | None, end_at: datetime | None
) -> Schedule:
    if not 1 <= len(expressions) <= MAX_EXPRESSIONS:
        raise InvalidSchedule(f"{len(expressions)} expressions; between 1 and {MAX_EXPRESSIONS} are needed")
    zone = zone_named("UTC" if time_zone is None else time_zone).key
    return Schedule(
        expressions=expressions,
        time_zone=zone,
        start_at=start_at,
        end_at=end_at,
        _sources=tuple(_Cron(expression=read(text), zone=zone) for text in dict.fromkeys(expressions)),
    )


def _or_never(instant: int | None) -> int:
    return _NEVER if instant is None else instant


def _floor(instant: datetime) -> int:
    return (instant - _EPOCH) // _SECOND


def _ceil(instant: datetime) -> int:
    return -((_EPOCH - instant) // _SECOND)


def _from_seconds(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _as_datetime(instant: int) -> datetime | None:
    return None if instant == _NEVER else _from_seconds(instant)
