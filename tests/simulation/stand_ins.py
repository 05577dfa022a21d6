"""Redis in memory, as small as a simulated world needs it: members that live for a time, and records of firings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from controller.ports import FiringRecord, Member, Membership

KEPT_FIRINGS = 100


class FakeRedis:
    """What all replicas share: who lives, and what was fired.

    Args:
        now: True time, aware UTC: what the server's own clock shows.
        seed: Of the latencies.
    """

    def __init__(self, *, now: Callable[[], datetime], seed: int = 0) -> None:
        self.now = now
        self.random = random.Random(f"redis/{seed}")
        self.members: dict[str, tuple[Member, datetime]] = {}
        self.firings: dict[str, dict[datetime, FiringRecord]] = {}
        self.leavings: dict[str, asyncio.Event] = {}

    async def travel(self) -> None:
        """One way between a replica and the server."""
        await asyncio.sleep(self.random.uniform(0.0005, 0.003))


class FakeDriver:
    """The `Driver` of one replica."""

    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._left = asyncio.Event()
        self._identity = ""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """As the port says."""
        await self._redis.travel()
        now = self._redis.now()
        members = {name: entry for name, entry in self._redis.members.items() if entry[1] > now}
        joined = member.identity not in members
        members[member.identity] = (member, now + ttl)
        self._redis.members = members
        self._redis.leavings[member.identity] = self._left
        present = tuple(members[name][0] for name in sorted(members))
        await self._redis.travel()
        return Membership(members=present, server_time=now, joined=joined)

    async def leave(self, member: Member) -> None:
        """As the port says."""
        await self._redis.travel()
        self._redis.members.pop(member.identity, None)
        self._redis.leavings.pop(member.identity, None)
        for left in self._redis.leavings.values():
            asyncio.get_running_loop().call_later(self._redis.random.uniform(0.0005, 0.01), left.set)
        await self._redis.travel()

    async def changed(self) -> None:
        """As the port says."""
        await self._left.wait()
        self._left.clear()


class FakeStore:
    """The `RecentJobStore` of one replica; what is not flushed dies with it."""

    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._waiting: list[FiringRecord] = []

    def record(self, record: FiringRecord) -> None:
        """As the port says."""
        self._waiting.append(record)

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """As the port says."""
        await self._redis.travel()
        known = self._redis.firings.get(uid, {})
        found = tuple(known[instant] for instant in sorted(known) if instant > after)
        await self._redis.travel()
        return found

    async def newest(self, uid: str) -> FiringRecord | None:
        """As the port says."""
        await self._redis.travel()
        known = self._redis.firings.get(uid, {})
        return known[max(known)] if known else None

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """As the port says."""
        await self._redis.travel()
        every = [record for known in self._redis.firings.values() for record in known.values()]
        return tuple(sorted(every, key=lambda record: record.recorded_at, reverse=True)[:limit])

    async def flush(self) -> bool:
        """As the port says."""
        if not self._waiting:
            return True
        sent, self._waiting = self._waiting, []
        await self._redis.travel()
        for record in sent:
            known = self._redis.firings.setdefault(record.uid, {})
            known[record.scheduled_at] = record
            if len(known) > KEPT_FIRINGS:
                del known[min(known)]
        await self._redis.travel()
        return True
