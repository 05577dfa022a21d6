"""Keys that are due at instants: each is looked at when its time comes, one look at a key at a time.

A key is added with the instant at which it is due; the earliest one counts. The oldest instant comes first when more is
due than there are places. What an error means is said here and nowhere else: a transient one, or a bug, brings the
key back with growing pauses. The queue knows nothing of schedules; `reconciler` is what it calls.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from controller.errors import Throttled, TransientError
from controller.ports import Clock, Recorder
from controller.spec import Key

logger = logging.getLogger(__name__)

PLACES = 64
"""Looks under way at once: enough to keep the API server busy, few enough not to flood it."""
FIRST_PAUSE = timedelta(milliseconds=200)
GROWTH, MOST_STEPS = 1.5, 10
"""By how much a pause grows with each failure, and how often. Gently: where a share of the requests fails, some
failures in a row are mere chance, and doubled pauses were seen to hold up a key of each second for eleven seconds."""
LONGEST_PAUSE = timedelta(seconds=5)
"""Below F = 8 s of INVARIANTS: what an outage held up begins again within that of its end."""
SHORTEST_LIMIT = timedelta(seconds=1)
"""Where the API server asks for next to nothing, pauses grow up to this."""
MOSTLY_STALE, SMALL_HEAP = 2, 16
"""The heap may hold so many entries for each key, and so many more, before it is made anew."""

Look = Callable[[Key], Awaitable[datetime | None]]
"""Looks at a key and says when to look again; None: when something changes."""


class WorkQueue:
    """Runs a look at each key when it is due.

    Args:
        look: What is run.
        clock: The time.
        recorder: Told of depth and duration.
        places: How many looks may be under way at once.
    """

    def __init__(self, look: Look, *, clock: Clock, recorder: Recorder, places: int = PLACES) -> None:
        self._look = look
        self._clock = clock
        self._recorder = recorder
        self._places = places
        self._order = itertools.count()
        self._heap: list[tuple[datetime, int, Key]] = []
        self._due: dict[Key, datetime] = {}
        self._running: set[Key] = set()
        self._again: dict[Key, datetime] = {}
        self._failures: dict[Key, int] = {}
        self._news = asyncio.Event()
        self._stopping = False

    def add(self, key: Key, at: datetime | None = None) -> None:
        """Have a key looked at, at an instant or now. An earlier instant than the one known counts."""
        at = at or self._clock.now()
        if key in self._running:
            self._again[key] = min(at, self._again.get(key, at))
            return
        known = self._due.get(key)
        if known is not None and known <= at:
            return
        self._due[key] = at
        heapq.heappush(self._heap, (at, next(self._order), key))
        self._tidy()
        if self._heap[0][2] == key:
            self._news.set()

    def discard(self, key: Key) -> None:
        """Forget a key that is gone."""
        self._due.pop(key, None)
        self._failures.pop(key, None)

    @property
    def overdue(self) -> timedelta:
        """How long the oldest key whose time has come has waited for its look; zero if none waits."""
        head = self._head()
        return max(timedelta(0), self._clock.now() - head) if head else timedelta(0)

    def due_by(self, moment: datetime, *, at_most: int) -> list[Key]:
        """Some of the keys that wait and whose time comes by a moment, the oldest of them first."""
        found: list[tuple[datetime, int, Key]] = []
        places = [0]
        while places and len(found) < at_most:  # of a heap only those below what is due can be due themselves
            place = places.pop()
            if place < len(self._heap) and self._heap[place][0] <= moment:
                found += [self._heap[place]] if self._due.get(self._heap[place][2]) == self._heap[place][0] else []
                places += [2 * place + 1, 2 * place + 2]
        return [key for _, _, key in sorted(found)]

    def report(self) -> None:
        """Tell the recorder how deep the queue is. Counts every key: meant for once in a while."""
        now = self._clock.now()
        self._recorder.queue(waiting=len(self._due), overdue=sum(at <= now for at in self._due.values()))

    async def run(self) -> None:
        """Run looks until `stop`; those under way are finished first."""
        async with asyncio.TaskGroup() as looks:
            while not self._stopping:
                self._news.clear()
                self._start_due(looks)
                await self._wait_for_news()

    def stop(self) -> None:
        """Take up nothing more; `run` returns when what is under way has finished."""
        self._stopping = True
        self._news.set()

    def _start_due(self, looks: asyncio.TaskGroup) -> None:
        now = self._clock.now()
        while len(self._running) < self._places and (head := self._head()) is not None and head <= now:
            _, _, key = heapq.heappop(self._heap)
            del self._due[key]
            self._running.add(key)
            looks.create_task(self._run_look(key))

    def _tidy(self) -> None:
        """Drop what does not count any more, once it is most of the heap.

        An entry overtaken by an earlier one, or whose key is gone, would stay until its instant: a year perhaps.
        """
        if len(self._heap) > MOSTLY_STALE * len(self._due) + SMALL_HEAP:
            self._heap = [(at, next(self._order), key) for key, at in self._due.items()]
            heapq.heapify(self._heap)

    def _head(self) -> datetime | None:
        """The earliest instant that still counts."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    async def _wait_for_news(self) -> None:
        """Return when the next key is due and has a place, or when something was added before it."""
        head = self._head()
        if head is None or len(self._running) >= self._places:
            await self._news.wait()
            return
        waits = {asyncio.ensure_future(self._clock.sleep_until(head)), asyncio.ensure_future(self._news.wait())}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def _run_look(self, key: Key) -> None:
        began = self._clock.elapsed()
        error: str | None = None
        try:
            wake_at = await self._look(key)
            self._failures.pop(key, None)
        except TransientError as failure:
            error = type(failure).__name__
            wake_at = self._clock.now() + self._pause(key, failure)
            logger.debug("a look failed for now", extra={"key": str(key), "reason": error, "detail": str(failure)})
        except Exception as bug:
            error = type(bug).__name__
            wake_at = self._clock.now() + self._pause(key, bug)
            logger.exception("a look failed by a bug", extra={"key": str(key)})
        finally:
            self._running.discard(key)
            self._news.set()
        self._recorder.reconciled((self._clock.elapsed() - began).total_seconds(), error=error)
        self._add_again(key, wake_at)

    def _add_again(self, key: Key, wake_at: datetime | None) -> None:
        times = [at for at in (wake_at, self._again.pop(key, None)) if at is not None]
        if times:
            self.add(key, min(times))

    def _pause(self, key: Key, error: Exception) -> timedelta:
        """How long a key rests after a failure: longer each time.

        An API server that asks to slow down says itself how much: it gets that, and no more than twice as much.
        The growth begins anew when something was written: where a share of the requests fails, a look of several
        requests rarely ends well, and the key must not fall behind as if nothing went through.
        """
        progress = isinstance(error, TransientError) and error.after_progress
        failures = 0 if progress else self._failures.get(key, 0)
        self._failures[key] = failures + 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** min(failures, MOST_STEPS))
        if isinstance(error, Throttled):
            asked = timedelta(seconds=error.retry_after_seconds)
            return max(asked, min(pause, max(2 * asked, SHORTEST_LIMIT)))
        return pause
