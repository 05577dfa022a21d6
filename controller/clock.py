"""Time: the only room that reads a clock or sleeps.

It exists so that all other code takes `now` as a parameter or a `Clock` as an object, and so runs in simulation as it
does in earnest. Firings wait for wall time, because a schedule means the time that people see; heartbeats and backoff
wait for loop time, because a clock that is stepped back must not silence them. It never decides how far the system's
clock is off: `nodepool` measures that and calls `correct`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

SLICE = timedelta(seconds=1)
"""Longest sleep between two looks at the wall clock: how late a step of it may be noticed."""

_NONE = timedelta(0)


def system_time() -> datetime:
    """What the system's clock shows, aware UTC."""
    return datetime.now(UTC)


class SystemClock:
    """The `Clock` of a real replica.

    Args:
        wall: The wall clock to read, aware UTC. A simulation gives its own, so that what waits there is this code.
    """

    def __init__(self, wall: Callable[[], datetime] = system_time) -> None:
        self._wall = wall
        self._offset = _NONE

    def now(self) -> datetime:
        """The wall clock plus the offset, aware UTC."""
        return self._wall() + self._offset

    def elapsed(self) -> timedelta:
        """The time of the running event loop, since a moment of its own choice.

        Raises:
            RuntimeError: No event loop runs.
        """
        return timedelta(seconds=asyncio.get_running_loop().time())

    def correct(self, offset: timedelta) -> None:
        """Add `offset` to the wall clock from now on; whoever sleeps until an instant follows within one slice."""
        self._offset = offset

    async def sleep_until(self, instant: datetime) -> None:
        """Return once `now()` has reached the instant, never before; late by as much as the loop is, some ms at most.

        An instant in the past returns at once, but lets other tasks run first, so that nobody who is behind on many
        instants holds the loop.
        """
        remaining = instant - self.now()
        if remaining <= _NONE:
            await asyncio.sleep(0)
        # Looked at again after each sleep: a timer may come a hair early by wall time, and the clock may be stepped.
        while remaining > _NONE:
            await asyncio.sleep(min(remaining, SLICE).total_seconds())
            remaining = instant - self.now()

    async def sleep(self, duration: timedelta) -> None:
        """Return after this much loop time; zero or less lets other tasks run once."""
        await asyncio.sleep(max(duration, _NONE).total_seconds())
