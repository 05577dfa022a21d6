"""Looks at keys, each when its turn comes, and one look at a key at a time.

`turns` holds when each key wants to be looked at and in what order, if more is due than there are places. What an error
means is said here and nowhere else: a transient one, or a bug, brings the key back with growing pauses. The queue knows
nothing of schedules; `reconciler` is what it calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from controller.errors import ClusterUnavailable, Throttled, TransientError
from controller.ports import Clock, Recorder
from controller.rush import Rush
from controller.spec import Key
from controller.turns import Lane, Turn, Turns

logger = logging.getLogger(__name__)

SLOW = timedelta(seconds=0.5)
"""A look that takes longer holds no place any more: what it waits for is not this node's processor."""
MOST_PLACES = 64
"""Looks under way at once, slow ones included. As many of these as there are places are kept for what fires: slow books
would have them all where statuses hang and creates do not."""
BRINK = timedelta(milliseconds=75)
"""So long before something fires no books are begun: it would find the API server busy with them. Twelve statuses on
their way, four of each of three replicas, take two cores 40 ms (reckoned). Where 60 objects fire in each second, half
of the Jobs came after 0.26 s while the statuses of one second met the next one."""
GLANCE = timedelta(milliseconds=100)
"""How often to look whether a rush has ended, or a look has become slow, while others wait."""
FIRST_PAUSE = timedelta(milliseconds=200)
GROWTH, MOST_STEPS = 1.5, 10
"""By how much a pause grows, and how often. Gently: where a share of the requests fails, some failures in a row are
mere chance, and doubled pauses were seen to hold up a key of each second for eleven seconds."""
BREATH, TRIES = timedelta(milliseconds=50), 3
"""So many failures of the API server in a row count as one, with a breath between them. Where half of the requests
fail, a firing that takes a claim, a deletion and a create rarely comes through at once, and each is soon behind the
next: under Replace on real processes up to 15 s, and 2 s since (`tests.simulation.test_partial_failures` has more)."""
LONGEST_PAUSE = timedelta(seconds=5)
"""Below F = 8 s of INVARIANTS: what an outage held up begins again within that of its end."""
SHORTEST_LIMIT = timedelta(seconds=1)
"""Where the API server asks for next to nothing, pauses grow up to this."""

Look = Callable[[Key], Awaitable[Turn | None]]
"""Looks at a key and says when to look again; None: when something changes."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A look that is under way, and when it began, loop time."""

    lane: Lane
    began: timedelta


class WorkQueue:
    """Runs a look at each key when it is due.

    Args:
        look: What is run.
        clock: The time.
        recorder: Told of depth and duration.
        places: Gives how many looks may be under way at once that are not slow. Half of them at most may only keep the
            books: what comes due meanwhile finds the API server with little to do.
        most: How many in all.
    """

    def __init__(
        self, look: Look, *, clock: Clock, recorder: Recorder, places: Callable[[], int], most: int = MOST_PLACES
    ) -> None:
        self._look = look
        self._clock = clock
        self._recorder = recorder
        self._places_now = places
        self._most = most
        self._turns = Turns()
        self._rush = Rush()
        self._running: dict[Key, _UnderWay] = {}
        self._again: dict[Key, Turn] = {}
        self._failures: dict[Key, int] = {}
        self._moved_at = clock.elapsed()
        self._rings_at = clock.now()
        self._news = asyncio.Event()
        self._stopping = False

    def add(self, key: Key, at: datetime | None = None, *, books: bool = False) -> None:
        """Have a key looked at, at an instant or now. An earlier instant than the one known counts.

        Args:
            books: Nobody waits for it: there may only be books to keep.
        """
        at = at or self._clock.now()
        self._put(key, Turn(at=at, presses_at=None if books else at))

    def discard(self, key: Key) -> None:
        """Forget a key that is gone, or that another node looks after."""
        self._turns.discard(key)
        self._failures.pop(key, None)

    def others_fire(self) -> None:
        """Another node has just made a Job. While many are made, what only keeps the books waits (`rush`)."""
        self._rush.note(self._clock.elapsed())

    @property
    def places(self) -> int:
        """How many looks may be under way at once that are not slow."""
        return self._places_now()

    def in_a_herd(self) -> bool:
        """Whether so much fires that all places are taken, or other nodes are in a rush."""
        return len(self._quick()) >= self.places or self._rush.lasts(self._clock.elapsed())

    @property
    def stalled(self) -> timedelta:
        """For how long no look has begun or ended although keys are due; zero if none is."""
        self._advance()
        return self._clock.elapsed() - self._moved_at if self._turns.ready else timedelta(0)

    def firing_by(self, moment: datetime, *, at_most: int) -> list[Key]:
        """Some of the keys that fire by a moment and are not looked at yet, the last to be so at the end."""
        return self._turns.firing_by(moment, at_most=at_most)

    def report(self) -> None:
        """Tell the recorder how deep the queue is. What waits out of courtesy is not overdue."""
        self._advance()
        self._recorder.queue(waiting=len(self._turns), overdue=self._turns.overdue(waited=self._courtesy))

    async def run(self) -> None:
        """Run looks until `stop`; those under way are finished first."""
        async with asyncio.TaskGroup() as looks:
            alarm: asyncio.Task[None] | None = None
            while not self._stopping:
                self._news.clear()
                self._start_due(looks)
                alarm = self._set_alarm(alarm, looks)
                await self._news.wait()
            if alarm is not None:
                alarm.cancel()

    def stop(self) -> None:
        """Take up nothing more; `run` returns when what is under way has finished."""
        self._stopping = True
        self._news.set()

    def _put(self, key: Key, turn: Turn) -> None:
        if key in self._running:
            self._again[key] = turn.joined(self._again.get(key))
        elif self._turns.put(key, turn):
            self._news.set()

    def _advance(self) -> None:
        """Time has come to now; as long as there was nothing to do, nothing has stood still."""
        if not self._turns.ready and not self._running:
            self._moved_at = self._clock.elapsed()
        self._turns.advance(self._clock.now())

    def _start_due(self, looks: asyncio.TaskGroup) -> None:
        self._advance()
        places = self.places
        for_books = (places + 1) // 2
        while self._turns.ready and len(self._running) < self._most and len(quick := self._quick()) < places:
            books = quick.count(Lane.BOOKS) < for_books and self._books < max(for_books, self._most - places)
            taken = self._turns.pop(books=books, waited=self._courtesy)
            if taken is None:
                break
            key, turn, lane = taken
            self._moved_at = self._clock.elapsed()
            self._running[key] = _UnderWay(lane, self._moved_at)
            looks.create_task(self._run_look(key, turn))
        self._rush.note_waiting(self._turns.firings > 0, self._clock.elapsed())

    def _quick(self) -> list[Lane]:
        """The lanes of the looks under way that are not slow: the last to begin."""
        since = self._clock.elapsed() - SLOW
        return [look.lane for look in takewhile(lambda look: look.began > since, reversed(self._running.values()))]

    @property
    def _books(self) -> int:
        """How many looks under way may only keep books, slow ones included."""
        return sum(look.lane is Lane.BOOKS for look in self._running.values())

    @property
    def _courtesy(self) -> timedelta:
        """How long books have to have waited before they are kept now."""
        if courtesy := self._rush.courtesy(self._clock.elapsed()):
            return courtesy
        fires_soon = self._turns.holds_up_books(self._clock.now() + BRINK)
        return self._rush.hesitation(self._clock.elapsed()) if fires_soon else timedelta(0)

    def _set_alarm(self, alarm: asyncio.Task[None] | None, looks: asyncio.TaskGroup) -> asyncio.Task[None] | None:
        """Have something that tells when the next key comes due: the alarm that is set, unless it rings too late."""
        at = self._turns.next_change()
        if self._turns.ready and (len(self._running) < self._most or self._courtesy):
            glance = self._clock.now() + GLANCE
            at = glance if at is None else min(at, glance)
        if at is None or (alarm is not None and not alarm.done() and self._rings_at <= at):
            return alarm
        if alarm is not None:
            alarm.cancel()
        self._rings_at = at
        return looks.create_task(self._ring(at))

    async def _ring(self, at: datetime) -> None:
        await self._clock.sleep_until(at)
        self._news.set()

    async def _run_look(self, key: Key, turn: Turn) -> None:
        began = self._clock.elapsed()
        error: str | None = None
        try:
            again = await self._look(key)
            self._failures.pop(key, None)
        except TransientError as failure:
            error = type(failure).__name__
            again = turn.put_off(self._clock.now() + self._pause(key, failure))
            logger.debug("a look failed for now", extra={"key": str(key), "reason": error, "detail": str(failure)})
        except Exception as bug:
            error = type(bug).__name__
            again = turn.put_off(self._clock.now() + self._pause(key, bug))
            logger.exception("a look failed by a bug", extra={"key": str(key)})
        finally:
            del self._running[key]
            self._moved_at = self._clock.elapsed()
            self._news.set()
        self._recorder.reconciled((self._clock.elapsed() - began).total_seconds(), error=error)
        added = self._again.pop(key, None)
        if (wanted := added if again is None else again.joined(added)) is not None:
            self._put(key, wanted)

    def _pause(self, key: Key, error: Exception) -> timedelta:
        """How long a key rests after a failure: longer each time.

        What the API server fails to do is tried three times for each rest. Where it asks to slow down it says itself
        how much: it gets that, and no more than twice as much.
        The growth begins anew when something was written: where a share of the requests fails, a look of several
        requests rarely ends well, and the key must not fall behind as if nothing went through.
        """
        progress = isinstance(error, TransientError) and error.after_progress
        failures = 0 if progress else self._failures.get(key, 0)
        self._failures[key] = failures + 1
        if isinstance(error, Throttled):
            asked = timedelta(seconds=error.retry_after_seconds)
            return max(asked, min(_grown(failures), max(2 * asked, SHORTEST_LIMIT)))
        if isinstance(error, ClusterUnavailable):
            rests, tries = divmod(failures + 1, TRIES)
            return BREATH if tries else _grown(rests - 1)
        return _grown(failures)


def _grown(times: int) -> timedelta:
    """The pause after it has grown so often."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * GROWTH ** min(times, MOST_STEPS))
