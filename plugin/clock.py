"""Time on the user's machine: the only room of the plugin that reads a clock or sleeps."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The `Clock` of the command line."""

    def now(self) -> datetime:
        """The time of this machine, aware UTC. What concerns a cluster counts in the time of its API server."""
        return datetime.now(UTC)

    def elapsed(self) -> timedelta:
        """Time since a moment of its own choice, which no correction of the clock moves."""
        return timedelta(seconds=time.monotonic())

    def sleep(self, duration: timedelta) -> None:
        """Wait."""
        time.sleep(max(0.0, duration.total_seconds()))
