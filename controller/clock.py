"""Time: the only room that reads a clock or sleeps.

It exists so that all other code takes `now` as a parameter or a `Clock` as an object, and so runs in simulation as it
does in earnest. Firings wait for the time that people see; heartbeats and backoff wait for loop time, because a clock
that is stepped back must not silence them. Which clock tells the true time is `timekeeper`'s to decide, who says it
here; from then on the time is carried by the loop, so that a system clock which is stepped moves nothing by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SLICE = timedelta(seconds=1)
"""Longest sleep between two looks at the time: how late a correction of it may be noticed."""

_NONE = timedelta(0)


def system_time() -> datetime:
    """What the system's clock shows, aware UTC."""
    return datetime.now(UTC)


class SystemClock:
    """The `Clock` of a real replica. Until it is told better, the time is what the system's clock shows at its making.

    Args:
        wall: The system's clock, aware UTC. A simulation gives its own, so that what waits there is this code.
        monotonic: Seconds that never step: those by which the event loop runs.
    """

    def __init__(
        self, wall: Callable[[], datetime] = system_time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._origin = wall() - self.elapsed()

    def now(self) -> datetime:
        """The time that is believed, aware UTC."""
        return self._origin + self.elapsed()

    def system(self) -> datetime:
        """What the system's clock shows at this moment, aware UTC, right or wrong."""
        return self._wall()

    def elapsed(self) -> timedelta:
        """Time since a moment of its own choice, which goes on evenly whatever happens to any clock."""
        return timedelta(seconds=self._monotonic())

    def believe(self, now: datetime) -> None:
        """Take this for the time of this moment; whoever sleeps until an instant follows within one slice."""
        self._origin = now - self.elapsed()

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `now()` has reached the instant, never before; late by as much as the loop is, some ms at most.

        An instant in the past returns at once, but lets other tasks run first, so that nobody who is behind on many
        instants holds the loop.
        """
        remaining = instant - self.now()
        if remaining <= _NONE:
            await asyncio.sleep(0)
        # Looked at again after each sleep: a timer may come a hair early, and the time may be corrected meanwhile.
        while remaining > _NONE:
            await asyncio.sleep(min(remaining, SLICE).total_seconds())
            remaining = instant - self.now()

    async def sleep(self, duration: timedelta) -> None:
        """Return after this much loop time; zero or less lets other tasks run once."""
        await asyncio.sleep(max(duration, _NONE).total_seconds())
