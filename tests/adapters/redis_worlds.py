"""The worlds in which the contract of the two Redis ports is tried: the fake, a real Redis, a real Redis Cluster."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Protocol

from controller.clock import SystemClock
from controller.driver import CONNECTIONS, RedisDriver
from controller.firingmemory import DEFAULT_BOUNDS, Bounds
from controller.ports import Clock, Driver, RecentJobStore
from controller.recentjobs import FLUSH_TIMEOUT, RedisRecentJobStore
from controller.redisclient import RedisClient
from controller.redisconnection import connect
from tests.adapters.redis_server import RedisServer
from tests.fakes.driver import FakeDriver
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.fakes.redis import FakeRedis

PREFIX = "contract"
BOUND = timedelta(seconds=2)
"""Of the real drivers' calls: generous, since the machine may be busy."""


class World(Protocol):
    """One Redis and what a test does to it."""

    @property
    def clock(self) -> Clock:
        """The time of its replicas, and near enough that of Redis."""
        ...

    def driver(self, node: str) -> Driver:
        """A replica's driver."""
        ...

    def store(self, node: str, *, bounds: Bounds = DEFAULT_BOUNDS) -> RecentJobStore:
        """A replica's store. The fake has the same bounds for all: those of the last one made."""
        ...

    async def pass_time(self, duration: timedelta) -> None:
        """Let this much time go by for Redis."""
        ...

    async def until_heard(self, listeners: int) -> None:
        """Return when so many drivers listen for changes."""
        ...

    def flush_all(self) -> None:
        """Make Redis forget everything."""
        ...

    async def aclose(self) -> None:
        """Close what was made."""
        ...


class PatientClock(SystemClock):
    """A clock on which sleeping takes no time."""

    def __init__(self) -> None:
        self._elapsed = timedelta(0)
        super().__init__(lambda: datetime(2026, 1, 1, tzinfo=UTC) + self._elapsed)

    def elapsed(self) -> timedelta:
        """All that was slept."""
        return self._elapsed

    async def sleep(self, duration: timedelta) -> None:
        """Move on at once."""
        self._elapsed += duration
        await asyncio.sleep(0)


class FakeWorld:
    """The fake, on a clock of its own."""

    def __init__(self) -> None:
        self.clock = PatientClock()
        self.redis = FakeRedis(self.clock.now)

    def driver(self, node: str) -> FakeDriver:
        return FakeDriver(self.redis, self.clock, node=node)

    def store(self, node: str, *, bounds: Bounds = DEFAULT_BOUNDS) -> FakeRecentJobStore:
        if bounds != DEFAULT_BOUNDS:
            self.redis.bound(bounds)
        return FakeRecentJobStore(self.redis, self.clock, node=node)

    async def pass_time(self, duration: timedelta) -> None:
        await self.clock.sleep(duration)

    async def until_heard(self, listeners: int) -> None:
        await asyncio.sleep(0)

    def flush_all(self) -> None:
        self.redis.flush_all()

    async def aclose(self) -> None:
        pass


class RealWorld:
    """A running server, or what stands before it."""

    def __init__(self, server: RedisServer, url: str) -> None:
        self.clock = SystemClock()
        self._server = server
        self._url = url
        self._clients: list[RedisClient] = []
        self._drivers: list[RedisDriver] = []

    def driver(self, node: str, *, prefix: str = PREFIX, bound: timedelta = BOUND) -> RedisDriver:
        driver = RedisDriver(self.client(CONNECTIONS, bound), self.clock, key_prefix=prefix)
        self._drivers.append(driver)
        return driver

    def store(self, node: str, *, bounds: Bounds = DEFAULT_BOUNDS) -> RedisRecentJobStore:
        return RedisRecentJobStore(self.client(2, FLUSH_TIMEOUT), key_prefix=PREFIX, bounds=bounds)

    def client(self, connections: int, bound: timedelta) -> RedisClient:
        """A client that is closed with this world."""
        client = connect(self._url, timeout=bound, connections=connections)
        self._clients.append(client)
        return client

    async def pass_time(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())

    async def until_heard(self, listeners: int) -> None:
        async with asyncio.timeout(10):
            while self._server.command("PUBSUB", "NUMSUB", f"{{{PREFIX}}}:changed")[1] < listeners:
                await asyncio.sleep(0.01)

    def flush_all(self) -> None:
        self._server.command("FLUSHALL")

    async def aclose(self) -> None:
        for driver in self._drivers:
            await driver.aclose()
        for client in self._clients:
            await client.aclose()
