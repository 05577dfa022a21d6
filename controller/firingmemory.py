"""What a recent-job store remembers, and what it has still to send, as plain values in this process.

It exists so that the store in memory and the one that tests simulate keep to the same bounds as the one on Redis, whose
script in `recentjobs` says the same in Lua. It never waits, reads no clock and knows no Redis.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.messages import FiringRecord
from controller.outcomes import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is remembered.

    Attributes:
        per_object: Firings of one object: those with the newest instants.
        in_all: Firings of all objects together: those recorded last.
        max_age: What was recorded longer ago is forgotten; an object's firings go together, this long after the last
            of them was recorded.
    """

    per_object: int = 200
    in_all: int = 1000
    max_age: timedelta = timedelta(hours=24)


DEFAULT_BOUNDS = Bounds()

OUTBOX_SIZE = 10_000
"""Records kept while they cannot be sent: ten seconds of the most that one API server takes, about 5 MB."""


class FiringMemory:
    """Firings by object and instant, and by when they were recorded.

    Args:
        bounds: What is forgotten.
    """

    def __init__(self, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._bounds = bounds
        self._objects: OrderedDict[str, _Object] = OrderedDict()  # the one recorded last stands last
        self._all: list[FiringRecord] = []  # by recorded_at

    def add(self, record: FiringRecord, now: datetime) -> None:
        """Remember a firing; another record of the same one goes, but a Created one stays against any other outcome."""
        self._forget(now)
        found = self._objects.setdefault(record.uid, _Object(recorded_at=now))
        self._objects.move_to_end(record.uid)
        found.recorded_at = now
        old = found.records.get(record.scheduled_at)
        if old is not None:
            if old.outcome is Reason.CREATED and record.outcome is not Reason.CREATED:
                return
            self._drop(old)
        else:
            insort(found.instants, record.scheduled_at)
        found.records[record.scheduled_at] = record
        insort(self._all, record, key=_recorded_at)
        found.cut(self._bounds.per_object)
        del self._all[: -self._bounds.in_all]

    def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """The firings of one object whose instant lies after `after`, oldest first."""
        found = self._objects.get(uid)
        if found is None:
            return ()
        return tuple(found.records[instant] for instant in found.instants[bisect_right(found.instants, after) :])

    def newest(self, uid: str) -> FiringRecord | None:
        """The firing of one object with the newest instant."""
        found = self._objects.get(uid)
        return None if found is None else found.records[found.instants[-1]]

    def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """The last `limit` firings recorded, newest first."""
        return tuple(reversed(self._all[-limit:])) if limit > 0 else ()

    def _forget(self, now: datetime) -> None:
        oldest = now - self._bounds.max_age
        while self._objects and next(iter(self._objects.values())).recorded_at < oldest:
            self._objects.popitem(last=False)
        del self._all[: bisect_right(self._all, oldest, key=_recorded_at)]

    def _drop(self, old: FiringRecord) -> None:
        if old in self._all:
            self._all.remove(old)


@dataclass(slots=True, kw_only=True)
class _Object:
    """The firings of one object; `instants` are the keys of `records`, sorted. Never empty."""

    recorded_at: datetime
    instants: list[datetime] = field(default_factory=list)
    records: dict[datetime, FiringRecord] = field(default_factory=dict)

    def cut(self, count: int) -> None:
        """Keep the newest instants."""
        for instant in self.instants[:-count]:
            del self.records[instant]
        del self.instants[:-count]


def _recorded_at(record: FiringRecord) -> datetime:
    return record.recorded_at


class Outbox:
    """Records on their way, oldest first, bounded: an overflow drops the oldest.

    Args:
        size: How many it holds.
    """

    def __init__(self, size: int = OUTBOX_SIZE) -> None:
        self._records: deque[FiringRecord] = deque()
        self._size = size
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    def put(self, record: FiringRecord) -> None:
        """Add the newest one."""
        self._records.append(record)
        self._cut()

    def take(self, count: int) -> tuple[FiringRecord, ...]:
        """Take the oldest ones out."""
        return tuple(self._records.popleft() for _ in range(min(count, len(self._records))))

    def put_back(self, records: Sequence[FiringRecord]) -> None:
        """Return what was taken and could not be sent; others may have come meanwhile."""
        self._records.extendleft(reversed(records))
        self._cut()

    def dropped(self) -> int:
        """How many were lost since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _cut(self) -> None:
        while len(self._records) > self._size:
            self._records.popleft()
            self._dropped += 1
