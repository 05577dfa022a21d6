"""When a schedule fires: the union of its texts, between its start and its end.

It exists so that everybody else sees instants and nothing of how they are found: cron expressions by `zoned`, `@every`
and `@at` by `fixedtimes`. It says what makes two schedules the same. Equal inputs give one shared schedule, and what it
has computed serves every object that has it.

It never reads a clock, and never raises because nothing follows: None says that. `spec` carries the texts, `decision`
asks which instants are due, `jobs` names Jobs after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Protocol

from controller.errors import InvalidSchedule
from controller.schedule.expression import read
from controller.schedule.fixedtimes import read_at, read_every
from controller.schedule.text import EVERY, first_word, has_hash, refusing, words
from controller.schedule.timezone import LAST_YEAR, zone_named
from controller.schedule.zoned import Zoned
from controller.spec import DstGap, DstOverlap

MAX_EXPRESSIONS: Final = 32

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)

_REMEMBERED: Final = 16
"""How many answers a schedule remembers: objects that share it ask about the same few moments."""

_SHARED: Final = 16_384
"""How many schedules are kept: more than one for each object, if there are 10,000 and all have an H."""

_NEVER: Final = 1 << 62

_END: Final = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp())
"""Nothing fires after the last year of a zone, so that adding to an instant meets no end of `datetime`'s calendar."""


class _Source(Protocol):
    """Something that names instants: one text. Instants here are UTC seconds since 1970."""

    def next_after(self, instant: int) -> int | None:
        """The first instant strictly after."""
        ...

    def latest_at(self, instant: int, after: int) -> int | None:
        """The newest instant in (after, instant]."""
        ...


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
    hashed_as: str = ""
    """Empty if no expression has an H."""
    counted_from: int = 0
    """The object's creation in UTC seconds since 1970; 0 if no expression is counted from it."""
    dst_gap: DstGap = DstGap.SKIP
    dst_overlap: DstOverlap = DstOverlap.BOTH
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
        first, last = _floor(after), _floor(until)
        if self.start_at is not None:
            first = max(first, _ceil(self.start_at) - 1)
        if self.end_at is not None:
            last = min(last, _ceil(self.end_at) - 1)
        # Each source is asked again only once its instant has been taken: a union costs no more than its parts.
        pending = [_or_never(source.next_after(first)) for source in self._sources]
        found: list[int] = []
        while len(found) < limit and (following := min(pending, default=_NEVER)) <= last:
            found.append(following)
            for index, source in enumerate(self._sources):
                if pending[index] == following:
                    pending[index] = _or_never(source.next_after(following))
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
        instant = min(instant, _END - 1)
        found = (source.latest_at(instant, after) for source in self._sources)
        return max((latest for latest in found if latest is not None), default=None)


def parse(
    expressions: Sequence[str],
    time_zone: str | None = None,
    *,
    start_at: datetime | None = None,
    end_at: datetime | None = None,
    hashed_as: str = "",
    created_at: datetime | None = None,
    dst_gap: DstGap = DstGap.SKIP,
    dst_overlap: DstOverlap = DstOverlap.BOTH,
) -> Schedule:
    """The schedule that fires at the union of these expressions, in this zone (UTC if None).

    Args:
        expressions: 1 to 32 cron expressions, `@every` or `@at`.
        time_zone: An IANA name.
        start_at: Nothing fires before it.
        end_at: Nothing fires at it or after.
        hashed_as: "namespace/name": what an H is hashed from.
        created_at: When the object was created, cut off to the second: what `@every` is counted from. None is 1970.
        dst_gap: What happens at a local time that a gap swallows.
        dst_overlap: Which occurrence counts of a local time that an overlap repeats.

    Raises:
        InvalidSchedule: An expression is refused; the sentence says which field and why.
        UnknownTimeZone: There is no such zone.
    """
    texts = tuple(expressions)
    hashes, counts = _asks_for(texts)
    return _parse(
        texts,
        time_zone,
        start_at,
        end_at,
        hashed_as if hashes else "",
        _floor(created_at) if counts and created_at is not None else 0,
        dst_gap,
        dst_overlap,
    )


@lru_cache(maxsize=_SHARED)
def _asks_for(expressions: tuple[str, ...]) -> tuple[bool, bool]:
    """Whether one of them has an H, and whether one is counted from the object's creation.

    Nothing that is refused here is kept, so no long text stays in memory.
    """
    if not 1 <= len(expressions) <= MAX_EXPRESSIONS:
        raise InvalidSchedule(f"{len(expressions)} expressions; between 1 and {MAX_EXPRESSIONS} are needed")
    for text in expressions:
        with refusing(text):
            words(text)
    return any(map(has_hash, expressions)), any(first_word(text) == EVERY for text in expressions)


@lru_cache(maxsize=_SHARED)
def _parse(
    expressions: tuple[str, ...],
    time_zone: str | None,
    start_at: datetime | None,
    end_at: datetime | None,
    hashed_as: str,
    counted_from: int,
    dst_gap: DstGap,
    dst_overlap: DstOverlap,
) -> Schedule:
    zone = zone_named("UTC" if time_zone is None else time_zone).key

    def source(text: str) -> _Source:
        match first_word(text):
            case "@every":
                with refusing(text):
                    return read_every(words(text), counted_from)
            case "@at":
                with refusing(text):
                    return read_at(words(text))
            case _:
                expression = read(text, hashed_as)
                return Zoned(expression=expression, zone=zone, dst_gap=dst_gap, dst_overlap=dst_overlap)

    return Schedule(
        expressions=expressions,
        time_zone=zone,
        start_at=start_at,
        end_at=end_at,
        hashed_as=hashed_as,
        counted_from=counted_from,
        dst_gap=dst_gap,
        dst_overlap=dst_overlap,
        _sources=tuple(map(source, dict.fromkeys(expressions))),
    )


def _or_never(instant: int | None) -> int:
    return _NEVER if instant is None or instant >= _END else instant


def _floor(instant: datetime) -> int:
    return (instant - _EPOCH) // _SECOND


def _ceil(instant: datetime) -> int:
    return -((_EPOCH - instant) // _SECOND)


def _from_seconds(instant: int) -> datetime:
    return datetime.fromtimestamp(instant, UTC)


def _as_datetime(instant: int) -> datetime | None:
    return None if instant == _NEVER else _from_seconds(instant)
