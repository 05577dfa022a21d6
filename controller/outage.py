"""What a replica tells of an outage of Redis: a number that follows it, and one Event when it begins and when it ends.

It exists because firings go on without Redis, so that nobody would notice. An outage begins when the node pool goes on
with its last ring, or without any; a heartbeat or two that were lost are none. It looks once a second and never acts:
`nodepool` does, and logs. `events` publishes, `metrics` counts, `health` answers probes about the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import NoReturn

from controller.errors import StoreDenied
from controller.messages import EventType
from controller.nodepool import NodePool, State
from controller.ports import Clock

logger = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=1)

Tell = Callable[[EventType, str, str], None]
"""Takes the type, the reason and the message of an Event."""


class Outage:
    """Watches one replica's Redis.

    Args:
        pool: Knows whether it goes on without, and why.
        clock: The time.
        tell: Publishes an Event.
        up: Takes whether Redis answers, at each look.
    """

    def __init__(self, pool: NodePool, clock: Clock, *, tell: Tell, up: Callable[[bool], None]) -> None:
        self._pool = pool
        self._clock = clock
        self._tell = tell
        self._up = up
        self._since: timedelta | None = None

    async def run(self) -> NoReturn:
        """Look for ever."""
        while True:
            self.look()
            await self._clock.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Set the number, and tell what has begun or ended since the last look."""
        trouble = self._pool.trouble
        if self._pool.state is not State.JOINING or trouble is not None:  # no heartbeat yet is neither
            self._up(trouble is None)
        degraded = self._pool.state is State.DEGRADED
        if degraded and self._since is None:
            self._since = self._clock.elapsed()
            self._tell(EventType.WARNING, *self._begun())
        elif not degraded and self._since is not None:
            lasted = self._clock.elapsed() - self._since
            self._since = None
            message = f"Redis answers again; this replica went on without it for {lasted.total_seconds():.0f} s"
            self._tell(EventType.NORMAL, "RedisAvailable", message)

    def _begun(self) -> tuple[str, str]:
        """Reason and message of the beginning."""
        trouble = self._pool.trouble
        reason = "RedisDenied" if isinstance(trouble, StoreDenied) else "RedisUnavailable"
        goes_on = (
            "schedules go on with the last ring, replicas stand in for each other"
            if self._pool.nodes
            else "no ring was seen yet: each replica fires what is due, each instant still gets one Job"
        )
        return reason, f"{trouble}. Nothing is missed: {goes_on}."
