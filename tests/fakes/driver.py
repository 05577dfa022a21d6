"""The `Driver` on a `FakeRedis`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from controller.messages import Member, Membership
from controller.ports import Clock
from tests.fakes.redis import Announcement, FakeRedis

LEAVE_WITHIN = timedelta(seconds=1.25)
"""Bound of a leave: a quarter of the default membership TTL."""


class FakeDriver:
    """One replica's driver.

    Args:
        redis: Shared by all replicas.
        clock: This replica's; only its loop time is used.
        node: This replica's name, by which faults find it.
    """

    def __init__(self, redis: FakeRedis, clock: Clock, *, node: str) -> None:
        self._redis = redis
        self._clock = clock
        self._node = node
        self._identity: str | None = None
        self._hint = asyncio.Event()
        redis.listen(node, self._hear)

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """As the port says; bounded by a quarter of the TTL."""
        self._identity = member.identity
        return await self._redis.answer(self._node, self._clock, ttl / 4, lambda: self._announce(member, ttl))

    async def leave(self, member: Member) -> None:
        """As the port says."""
        await self._redis.answer(self._node, self._clock, LEAVE_WITHIN, lambda: self._take_off(member))

    async def changed(self) -> None:
        """Returns once after any number of hints, also of those between two calls."""
        await self._hint.wait()
        self._hint.clear()

    def _announce(self, member: Member, ttl: timedelta) -> Membership:
        now = self._redis.now()
        known = self._redis.announcements
        for identity in [identity for identity, found in known.items() if found.expires_at <= now]:
            del known[identity]
        for identity, found in known.items():
            known[identity] = replace(found, expires_at=min(found.expires_at, now + ttl))
        joined = member.identity not in known
        known[member.identity] = Announcement(member=member, expires_at=now + ttl)
        if joined:
            self._redis.publish(member.identity)
        members = tuple(known[identity].member for identity in sorted(known))
        return Membership(members=members, server_time=now, joined=joined)

    def _take_off(self, member: Member) -> None:
        self._redis.announcements.pop(member.identity, None)
        self._redis.publish(member.identity)

    def _hear(self, identity: str) -> None:
        if identity != self._identity:
            self._hint.set()
