"""The `Clock` of one simulated replica: virtual time, seen through a clock that may be wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from controller.clock import SystemClock
from tests.simulation.loop import SimulatedLoop

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""True time at which simulations begin, if nothing else is asked for."""


class SimulatedClock(SystemClock):
    """A replica's clock on a simulated loop. It waits with the very code of the real one, in the same slices.

    Args:
        loop: The loop whose time it shows. All clocks on one loop and epoch share the true time.
        epoch: True time when the loop's time is 0, aware UTC.
        skew: How far this replica's system clock is ahead of true time.
    """

    def __init__(self, loop: SimulatedLoop, *, epoch: datetime = EPOCH, skew: timedelta = timedelta(0)) -> None:
        self.skew = skew
        self._frozen = 0.0
        self._loop = loop
        self._epoch = epoch
        super().__init__(lambda: self.true_now() + self.skew, lambda: loop.time() - self._frozen)

    def true_now(self) -> datetime:
        """True time, aware UTC, the same for all replicas."""
        return self._epoch + timedelta(seconds=self._loop.time())

    def step(self, delta: timedelta) -> None:
        """Step this replica's system clock, as a wrong time server would."""
        self.skew += delta

    def freeze(self, time: timedelta) -> None:
        """What a machine's suspension looks like when it is over: its loop's time has stood still so long."""
        self._frozen += time.total_seconds()
