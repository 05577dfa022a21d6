"""Whose turn it is: keys that wait for their time, and the order of those whose time has come.

When more is due than can be done at once, the order decides what is late and what is lost. What would be lost soon goes
first: a firing that nears its deadline, or the next instant of its own schedule; but one in five is another firing, so
that schedules of each second, should there be too many, do not hold up an hourly one for ever. Firings take turns, each
herd its own (`herds`). Within a herd the oldest comes first, and what has failed goes behind what was not tried. Then
whatever only keeps the books: what has become of firings, Jobs that have ended, history. Books that have waited for too
long have one turn in nine.

Values and heaps only. `workqueue` runs the looks.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from itertools import islice

from controller.herds import LONGEST, Herds
from controller.spec import Key

SOON_LOST = timedelta(seconds=5)
"""What would be lost so soon goes before all others."""
MOST_HURRIED = 4
"""So many of these in a row, and then one of those that would only be late."""
PATIENCE = LONGEST
"""Books wait no longer than this for firings to leave them a turn: where too much is due for ever, it is late, but
nothing is untold."""
FIRINGS_FOR_BOOKS = 8
"""After so many firings one of the books that have waited for so long: a status costs the API server as much as three
Jobs, and the firings are late by then."""
MOSTLY_STALE, SMALL_HEAP = 2, 16
"""A heap may hold so many entries for each key, and so many more, before it is made anew."""


class Lane(IntEnum):
    """How much a look matters; the first goes first."""

    LOST_SOON = 0
    FIRING = 1
    BOOKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """When a key wants to be looked at.

    Attributes:
        at: Not before.
        presses_at: From then on something is to be fired, or somebody waits for an answer; None: not that is known.
        lost_at: From then on what is to be fired would be too late; None: it would only be late.
        herd_at: When it came due, if it has been put off since; None: at `at`.
    """

    at: datetime
    presses_at: datetime | None = None
    lost_at: datetime | None = None
    herd_at: datetime | None = None

    def joined(self, other: Turn | None) -> Turn:
        """One look for both: the earlier of each."""
        if other is None:
            return self
        return Turn(
            at=min(self.at, other.at),
            presses_at=_earlier(self.presses_at, other.presses_at),
            lost_at=_earlier(self.lost_at, other.lost_at),
            herd_at=_earlier(self.herd_at, other.herd_at),
        )

    def put_off(self, at: datetime) -> Turn:
        """The same, not before another time; it stays of its herd, and goes behind those that were not tried yet."""
        presses_at = None if self.presses_at is None else max(at, self.presses_at)
        lost_at = None if self.lost_at is None or self.lost_at <= at else self.lost_at
        herd_at = None if presses_at is not None and presses_at > at else self.came_due(at)
        return Turn(at=at, presses_at=presses_at, lost_at=lost_at, herd_at=herd_at)

    def lane(self, now: datetime) -> Lane:
        """How much a look at it matters by now."""
        if self.presses_at is None or now < self.presses_at:
            return Lane.BOOKS
        soon_lost = self.lost_at is not None and self.lost_at - SOON_LOST <= now < self.lost_at
        return Lane.LOST_SOON if soon_lost else Lane.FIRING

    def changes_after(self, now: datetime) -> datetime | None:
        """When it matters more than now; None: it never will."""
        lost_soon_at = None if self.lost_at is None else self.lost_at - SOON_LOST
        return min((at for at in (self.presses_at, lost_soon_at) if at is not None and at > now), default=None)

    def came_due(self, now: datetime) -> datetime:
        """When what it is about came due: a key may have been looked at earlier, to get ready, and may be put off."""
        if self.herd_at is not None:
            return self.herd_at
        return self.at if self.presses_at is None or self.presses_at > now else self.presses_at

    def order(self, lane: Lane) -> float:
        """What orders those of a lane that stand in a row: the least goes first."""
        by = self.lost_at if lane is Lane.LOST_SOON else None
        return (by or self.at).timestamp()


@dataclass(slots=True)
class _Place:
    """Where a key stands; entries of heaps with another number than its own count no more."""

    turn: Turn
    number: int
    lane: Lane | None = None


class Turns:
    """Keys with their turns, one each."""

    def __init__(self) -> None:
        self._places: dict[Key, _Place] = {}
        self._numbers = 0
        self._later: list[tuple[datetime, int, Key]] = []
        self._lanes: dict[Lane, list[tuple[float, int, Key]]] = {lane: [] for lane in Lane}
        self._ready: Counter[Lane] = Counter()
        self._now = datetime.min.replace(tzinfo=UTC)
        self._herds = Herds()
        self._hurried = self._unbroken = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def ready(self) -> int:
        """How many keys have come due and wait, as of the last `advance`."""
        return self._ready.total()

    @property
    def firings(self) -> int:
        """How many of them are to fire, or are waited for by somebody."""
        return self._ready[Lane.LOST_SOON] + self._ready[Lane.FIRING]

    def overdue(self, *, waited: timedelta = timedelta(0)) -> int:
        """How many of them could be taken by now, as of the last `advance`.

        Args:
            waited: What only keeps the books could be only if it has waited for so long.
        """
        if not waited:
            return self.ready
        books = (entry[2] for entry in self._lanes[Lane.BOOKS] if self._counts(entry, Lane.BOOKS))
        return self.ready - sum(self._places[key].turn.at + waited > self._now for key in books)

    def put(self, key: Key, turn: Turn) -> bool:
        """Give a key a turn; one that it has already is joined with it. False: nothing has changed by that."""
        known = self._places.get(key)
        joined = turn.joined(known.turn if known else None)
        if known is not None:
            if joined == known.turn:
                return False
            self.discard(key)
        self._numbers += 1
        self._places[key] = _Place(joined, self._numbers)
        self._push_later(joined.at, self._numbers, key)
        return True

    def discard(self, key: Key) -> None:
        """Forget a key."""
        place = self._places.pop(key, None)
        if place is not None and place.lane is not None:
            self._ready[place.lane] -= 1

    def advance(self, now: datetime) -> None:
        """Time has come to this."""
        self._now = now
        while self._later and self._later[0][0] <= now:
            _, number, key = heapq.heappop(self._later)
            place = self._places.get(key)
            if place is not None and place.number == number:
                self._come_due(key, place, now)

    def next_change(self) -> datetime | None:
        """When a key comes due, or comes to matter more than now; as of the last `advance`."""
        while self._later and not self._counts(self._later[0]):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def pop(self, *, books: bool = True, waited: timedelta = timedelta(0)) -> tuple[Key, Turn, Lane] | None:
        """Take the key whose turn it is.

        Args:
            books: Whether it may be one that only keeps the books.
            waited: Such a one only if it has waited for so long.
        """
        row = [(Lane.LOST_SOON, timedelta(0)), (Lane.FIRING, timedelta(0))]
        if self._hurried >= MOST_HURRIED:
            row.reverse()
        if books:
            row.append((Lane.BOOKS, min(waited, PATIENCE)))
        if books and self._unbroken >= FIRINGS_FOR_BOOKS:
            row.insert(0, (Lane.BOOKS, PATIENCE))
        for lane, pause in row:
            heap = self._lanes[lane]
            while heap:
                order, number, key = heapq.heappop(heap)
                place = self._places.get(key)
                if place is None or place.number != number or place.lane is not lane:
                    continue
                if lane is Lane.BOOKS and place.turn.at + pause > self._now:
                    heapq.heappush(heap, (order, number, key))  # the oldest of them
                    break
                if lane is Lane.LOST_SOON and place.turn.lane(self._now) is not lane:
                    self._come_due(key, place, self._now)  # it is lost: those that are not go first
                    continue
                self._take(key, lane, order)
                return key, place.turn, lane
        return None

    def firing_by(self, moment: datetime, *, at_most: int) -> list[Key]:
        """Some of the keys that fire by a moment and are not taken yet: the last to be taken are at the end."""
        ready = [entry for lane in (Lane.LOST_SOON, Lane.FIRING) for entry in self._lanes[lane][-at_most:]]
        found = [key for _, number, key in ready if self._fires_by(key, number, moment)]
        later = islice(self._coming(moment), at_most)
        return (found + [key for _, _, key in sorted(later) if key not in found])[-at_most:]

    def holds_up_books(self, moment: datetime) -> bool:
        """Whether books wait, and a key fires by a moment that does not yet: those that do go first anyway."""
        return bool(self._lanes[Lane.BOOKS]) and any(True for _ in self._coming(moment))

    def _coming(self, moment: datetime) -> Iterator[tuple[datetime, int, Key]]:
        """What comes to fire by a moment: of a heap only those below what is due can be due themselves."""
        places = [0]
        while places:
            place = places.pop()
            if place < len(self._later) and self._later[place][0] <= moment:
                _, number, key = self._later[place]
                if self._fires_by(key, number, moment):
                    yield self._later[place]
                places += [2 * place + 1, 2 * place + 2]

    def _fires_by(self, key: Key, number: int, moment: datetime) -> bool:
        place = self._places.get(key)
        if place is None or place.number != number:
            return False
        return place.turn.presses_at is not None and place.turn.presses_at <= moment

    def _come_due(self, key: Key, place: _Place, now: datetime) -> None:
        """Stand where it belongs now, and move on when that changes."""
        if place.lane is not None:
            self._ready[place.lane] -= 1
        place.lane = lane = place.turn.lane(now)
        self._ready[lane] += 1
        order = place.turn.order(lane)
        if lane is Lane.FIRING:
            order = self._herds.number(key.namespace, place.turn.came_due(now))
        heapq.heappush(self._lanes[lane], (order, place.number, key))
        if len(self._lanes[lane]) > MOSTLY_STALE * len(self._places) + SMALL_HEAP:
            self._lanes[lane] = [entry for entry in self._lanes[lane] if self._counts(entry, lane)]
            heapq.heapify(self._lanes[lane])
        if (changes_at := place.turn.changes_after(now)) is not None:
            self._push_later(changes_at, place.number, key)

    def _take(self, key: Key, lane: Lane, order: float) -> None:
        self.discard(key)
        self._hurried = self._hurried + 1 if lane is Lane.LOST_SOON else 0
        self._unbroken = 0 if lane is Lane.BOOKS else self._unbroken + 1
        if lane is Lane.FIRING:
            self._herds.served = int(order)
        if not self.ready:
            self._herds = Herds()
            for heap in self._lanes.values():
                heap.clear()

    def _push_later(self, at: datetime, number: int, key: Key) -> None:
        """Remember when to move a key on, and drop what counts no more once it is most of the heap.

        An entry overtaken by an earlier one, or whose key is gone, would stay until its time: a year perhaps.
        """
        heapq.heappush(self._later, (at, number, key))
        if len(self._later) > MOSTLY_STALE * len(self._places) + SMALL_HEAP:
            self._later = [entry for entry in self._later if self._counts(entry)]
            heapq.heapify(self._later)

    def _counts(self, entry: tuple[float | datetime, int, Key], lane: Lane | None = None) -> bool:
        """Whether an entry of a heap is of a key as it stands, in a lane if one is named."""
        place = self._places.get(entry[2])
        return place is not None and place.number == entry[1] and (lane is None or place.lane is lane)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
