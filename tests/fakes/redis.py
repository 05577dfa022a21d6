"""One Redis in memory, for all replicas of a simulation, with faults that a test switches on and off.

It keeps its own time, as Redis does. What goes through `answer` behaves like a call of the real adapters: it waits on
the caller's clock, is bounded, and is either carried out in one step or not at all.
"""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from controller.errors import StoreUnavailable
from controller.firingmemory import DEFAULT_BOUNDS, Bounds, FiringMemory
from controller.messages import Member
from controller.ports import Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A member as the fake keeps it."""

    member: Member
    expires_at: datetime


class FakeRedis:
    """The state, and the faults.

    Args:
        now: True time, aware UTC.
        bounds: Of the recent-job store.

    Attributes:
        skew: How far this Redis's own clock is ahead of true time.
        down: Every call fails at once.
        black_holed: Names of nodes whose calls vanish: they fail when their bound is over, and nothing happens.
        deaf: Names of nodes whose calls are carried out, but whose answers vanish.
        stale: What reads of firings are answered from, instead of what is known now: a replica that lags behind.
        struck: How many calls each fault has met, by its name.
        delay: How long each call takes, half of it there and half of it back.
    """

    def __init__(self, now: Callable[[], datetime], *, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.skew = timedelta(0)
        self._true_now = now
        self.down = False
        self.black_holed: set[str] = set()
        self.deaf: set[str] = set()
        self.stale: FiringMemory | None = None
        self.struck: Counter[str] = Counter()
        self.delay = timedelta(0)
        self.announcements: dict[str, Announcement] = {}
        self._bounds = bounds
        self._listeners: list[tuple[str, Callable[[str], None]]] = []
        self.firings = FiringMemory(bounds)
        self.mark: int | None = None
        self._marks = itertools.count(1)

    def now(self) -> datetime:
        """What this Redis's own clock shows, aware UTC."""
        return self._true_now() + self.skew

    def flush_all(self) -> None:
        """Forget everything, as FLUSHALL or a restart without a disk does."""
        self.struck["Redis emptied"] += bool(self.announcements)
        self.announcements = {}
        self.firings = FiringMemory(self._bounds)
        self.mark = None

    def bound(self, bounds: Bounds) -> None:
        """Forget all firings, and remember others within these bounds."""
        self._bounds = bounds
        self.firings = FiringMemory(bounds)

    def fall_behind(self) -> None:
        """Answer reads of firings from what is known now, whatever is recorded later."""
        self.stale = copy.deepcopy(self.firings)

    @property
    def read(self) -> FiringMemory:
        """What reads of firings are answered from."""
        if self.stale is None:
            return self.firings
        self.struck["stale read"] += 1
        return self.stale

    def new_mark(self) -> int:
        """A mark that nobody else has."""
        return next(self._marks)

    def snapshot(self) -> Callable[[], None]:
        """What is known now. Calling the result brings it back: a failover that loses acknowledged writes."""
        kept = copy.deepcopy((self.announcements, self.firings, self.mark))

        def restore() -> None:
            self.announcements, self.firings, self.mark = copy.deepcopy(kept)

        return restore

    async def answer(self, node: str, clock: Clock, within: timedelta, carry_out: Callable[[], T]) -> T:
        """One call of a node.

        Args:
            within: The bound of the adapter.
            carry_out: What the call does, in one step.

        Raises:
            StoreUnavailable: Because of a fault.
        """
        if self.down:
            self.struck["Redis down"] += 1
            raise StoreUnavailable("Redis: connection refused (fake)")
        half = self.delay / 2
        if node in self.black_holed or half >= within:
            self.struck["Redis silent"] += 1
            await clock.sleep(within)
            raise StoreUnavailable("Redis gave no answer in time (fake)")
        if half:
            await clock.sleep(half)
        result = carry_out()
        if node in self.deaf or self.delay >= within:
            self.struck["answer of Redis lost"] += 1
            await clock.sleep(within - half)
            raise StoreUnavailable("Redis gave no answer in time (fake)")
        if half:
            await clock.sleep(half)
        return result

    def listen(self, node: str, hear: Callable[[str], None]) -> None:
        """Call `hear` with the identity of each member that joins or leaves from now on."""
        self._listeners.append((node, hear))

    def publish(self, identity: str) -> None:
        """Tell all who can hear it."""
        for node, hear in self._listeners:
            if not self.down and node not in self.black_holed | self.deaf:
                hear(identity)
