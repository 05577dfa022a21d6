"""Ports whose answers a test dictates, for the rooms of the flow. What has a memory of its own is in `tests/fakes`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.errors import StoreUnavailable
from controller.messages import FiringRecord, Member, Membership
from controller.outcomes import Reason


@dataclass(kw_only=True)
class Numbers:
    """A `Recorder` that can be read."""

    outcomes: list[tuple[Reason, float]] = field(default_factory=list)
    looks: list[tuple[float, str | None]] = field(default_factory=list)
    depths: list[tuple[int, int]] = field(default_factory=list)
    not_ready: list[int] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    skews: dict[str, float] = field(default_factory=dict)

    def outcome(self, reason: Reason, lateness: timedelta) -> None:
        self.outcomes.append((reason, round(lateness.total_seconds(), 3)))

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None: ...

    def reconciled(self, seconds: float, *, error: str | None) -> None:
        self.looks.append((round(seconds, 3), error))

    def queue(self, *, waiting: int, overdue: int) -> None:
        self.depths.append((waiting, overdue))

    def ring(self, *, members: int, keys_owned: int, state: str) -> None: ...

    def objects(self, *, not_ready: int, blocked: int) -> None:
        self.not_ready.append(not_ready)
        self.blocked.append(blocked)

    def loop_lag(self, seconds: float) -> None: ...

    def clock_skew(self, clock: str, seconds: float) -> None:
        self.skews[clock] = round(seconds, 3)


@dataclass(kw_only=True)
class DictatedDriver:
    """A `Driver` that answers what the test sets.

    Attributes:
        members: The answer to a beat.
        server_time: Reads its clock, half-way through a beat; None: it has none.
        joined: It says that the announcement was new.
        down: It does not answer.
        deaf: It hears, and does not answer.
        failure: How it fails when it is down.
        takes_seconds: How long it takes to answer, or to fail.
        left: Who has left.
        news: Set when another member has left.
    """

    members: Sequence[Member] = ()
    server_time: Callable[[], datetime] | None = None
    joined: bool = False
    down: bool = False
    deaf: bool = False
    failure: StoreUnavailable = field(default_factory=lambda: StoreUnavailable("no answer"))
    takes_seconds: float = 0.0
    beats: list[Member] = field(default_factory=list)
    left: list[Member] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        await asyncio.sleep(self.takes_seconds / 2)
        server_time = self.server_time() if self.server_time is not None else None
        await asyncio.sleep(self.takes_seconds / 2)
        if self.down:
            raise self.failure
        self.beats.append(member)
        if self.deaf:
            raise self.failure
        return Membership(members=tuple(self.members), server_time=server_time, joined=self.joined)

    async def leave(self, member: Member) -> None:
        if self.down:
            raise self.failure
        self.left.append(member)

    async def changed(self) -> None:
        await self.news.wait()
        self.news.clear()


@dataclass(kw_only=True)
class DictatedStore:
    """A `RecentJobStore` that keeps what it is told in a list."""

    records: list[FiringRecord] = field(default_factory=list)
    down: bool = False
    asked: int = 0

    def record(self, record: FiringRecord) -> None:
        self.records.append(record)

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("no answer")
        return tuple(one for one in self.records if one.uid == uid and one.scheduled_at > after)

    async def newest(self, uid: str) -> FiringRecord | None:
        raise NotImplementedError

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        raise NotImplementedError

    async def flush(self) -> bool:
        raise NotImplementedError


class HandClock:
    """A `Clock` that is moved by hand, for rooms that never wait."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._elapsed = timedelta(0)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += timedelta(seconds=seconds)

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> timedelta:
        return self._elapsed

    def system(self) -> datetime:
        raise NotImplementedError

    def believe(self, now: datetime) -> None:
        raise NotImplementedError

    async def sleep_until(self, instant: datetime) -> None:
        raise NotImplementedError

    async def sleep(self, duration: timedelta) -> None:
        raise NotImplementedError
