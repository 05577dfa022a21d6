"""Which clock is believed. Three are asked: the system's own, Redis's, and the API server's; two outvote the third.

Every replica must mean the same moment by the same instant, or a key that changes hands is fired early by one and late
by the other. Redis's clock is one for all and read to the millisecond, so it is the first choice; but it is one machine
too, and after a failover it may be another's, which may be wrong. The API server's `Date` is coarse, and enough to tell
which of two that differ is right. Between two readings the time is carried by the event loop, so a step of the system's
clock is never believed before it has been compared, and an outage of Redis changes nothing.

It reads nobody's clock but the system's: `nodepool` and `replica` tell it what their servers showed. `clock` keeps what
it decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.ports import Clock, Recorder

logger = logging.getLogger(__name__)

AGREE = timedelta(seconds=2)
"""Clocks that differ by no more, beyond what their readings leave open, tell the same time."""
WORTH_A_WARNING = timedelta(seconds=1)
"""A clock that is off by more, beyond what its readings leave open, is reported."""
RESOLUTION_OF_DATE = timedelta(seconds=1)
"""HTTP's `Date` has whole seconds, rounded down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a clock shows, as its time at the origin of the loop's time: there all readings can be compared.

    A server is read over a way that takes time, and may round; so it is known within two bounds.

    Attributes:
        earliest: The least that the clock can have shown at the origin, aware UTC.
        latest: The most.
    """

    earliest: datetime
    latest: datetime

    @property
    def middle(self) -> datetime:
        """The best guess."""
        return self.earliest + (self.latest - self.earliest) / 2

    def agrees(self, other: Reading, within: timedelta = AGREE) -> bool:
        """Whether the two may be this close."""
        return self.gap(other) <= within

    def gap(self, other: Reading) -> timedelta:
        """How far the two are apart at the least; zero if they may be the same."""
        return max(self.earliest - other.latest, other.earliest - self.latest, timedelta(0))

    def narrowed(self, newer: Reading) -> Reading:
        """Both readings of one clock together; the newer one alone if the clock was stepped, or has drifted."""
        if not self.agrees(newer, timedelta(0)):
            return newer
        return Reading(earliest=max(self.earliest, newer.earliest), latest=min(self.latest, newer.latest))

    def nearest(self, origin: datetime) -> datetime:
        """The time within the bounds that is closest to this one."""
        return min(max(origin, self.earliest), self.latest)


def exactly(origin: datetime) -> Reading:
    """A reading that leaves nothing open."""
    return Reading(earliest=origin, latest=origin)


def trusted(system: Reading, redis: Reading | None, api_server: Reading | None) -> Reading:
    """The reading to go by.

    It is Redis's, unless the API server speaks against it, and is nearer to the system. Without Redis it is the
    system's as far as the API server, one for all replicas, does not contradict it.
    """
    if api_server is None:
        return redis or system
    if redis is not None and (redis.agrees(api_server) or redis.gap(api_server) <= system.gap(api_server)):
        return redis
    if system.agrees(api_server):
        return exactly(api_server.nearest(system.middle))
    return exactly(api_server.earliest)  # rather late by a second than early


class Timekeeper:
    """Compares the clocks and tells the replica's what to believe.

    Args:
        clock: The replica's.
        recorder: Told how far the clocks are off.
    """

    def __init__(self, clock: Clock, recorder: Recorder) -> None:
        self._clock = clock
        self._recorder = recorder
        self._shown: dict[str, Reading] = {}
        self._redis: Reading | None = None
        self._reported: frozenset[str] = frozenset()

    def redis_showed(self, shown: datetime, *, asked_at: timedelta) -> None:
        """Redis has just answered.

        Args:
            shown: Its time, aware UTC.
            asked_at: The loop's time when it was asked.
        """
        reading = Reading(earliest=shown - self._clock.elapsed(), latest=shown - asked_at)
        self._note("redis", reading)
        if self._is_plausible(reading):
            self._redis = reading if self._redis is None else self._redis.narrowed(reading)
        self.compare()

    def api_server_showed(self, shown: datetime | None, *, asked_at: timedelta) -> None:
        """The API server has just answered.

        Args:
            shown: Its time, aware UTC, in whole seconds; None if it did not tell.
            asked_at: The loop's time when it was asked.
        """
        if shown is not None:
            latest = shown + RESOLUTION_OF_DATE - asked_at
            self._note("api", Reading(earliest=shown - self._clock.elapsed(), latest=latest))
        self.compare()

    def compare(self) -> None:
        """Look at the system's clock too, and go by the one to be trusted."""
        elapsed = self._clock.elapsed()
        system = exactly(self._clock.system() - elapsed)
        best = trusted(system, self._redis, self._shown.get("api"))
        believed = exactly(self._clock.now() - elapsed)
        if not believed.agrees(best, timedelta(0)):
            self._clock.believe(best.middle + elapsed)
            believed = exactly(best.middle)
        self._report(believed, {"system": system, **self._shown})

    def _note(self, name: str, reading: Reading) -> None:
        self._shown[name] = self._shown[name].narrowed(reading) if name in self._shown else reading

    def _is_plausible(self, reading: Reading) -> bool:
        """Whether a time of Redis may replace the one before.

        Not if it is another's than before and the API server's is still that of before: what was measured goes on.
        """
        api_server = self._shown.get("api")
        if api_server is None or self._redis is None or reading.agrees(api_server):
            return True
        return not self._redis.agrees(api_server)

    def _report(self, believed: Reading, shown: dict[str, Reading]) -> None:
        """Tell how far each clock is off from what is believed; say it once in the log, and once when it is over."""
        wrong = frozenset(self._measured(believed, shown))
        for name in sorted(wrong - self._reported):
            ahead = round((shown[name].middle - believed.middle).total_seconds(), 1)
            logger.warning("a clock is wrong", extra={"clock": name, "ahead_seconds": ahead})
        for name in sorted(self._reported - wrong):
            logger.warning("a clock is right again", extra={"clock": name})
        self._reported = wrong

    def _measured(self, believed: Reading, shown: dict[str, Reading]) -> Iterator[str]:
        """Record the skews; gives the names of the clocks that are wrong."""
        for name, reading in shown.items():
            self._recorder.clock_skew(name, (reading.middle - believed.middle).total_seconds())
            if not reading.agrees(believed, WORTH_A_WARNING):
                yield name
