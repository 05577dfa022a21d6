"""The worlds in which the contract of the two Redis ports is tried: the fake, and a real Redis of each kind."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from controller.clock import SystemClock
from controller.driver import CONNECTIONS, RedisDriver
from controller.firingmemory import DEFAULT_BOUNDS, Bounds
from controller.ports import Clock, Driver, RecentJobStore
from controller.recentjobs import FLUSH_TIMEOUT, READ_TIMEOUT, RedisRecentJobStore
from controller.redisaddress import RedisAddress
from controller.redisclient import RedisClient
from controller.redisconnection import connect
from deploy.local.redis_cluster import RedisCluster
from deploy.local.redis_sentinel import RedisSentinel
from deploy.local.redis_tls import GuardedRedis
from tests.fakes.driver import FakeDriver
from tests.fakes.recentjobs import FakeRecentJobStore
from tests.fakes.redis import FakeRedis

PREFIX = "dcron:contract:1"
"""As the operator's own: what an ACL lets in."""
PATIENCE = timedelta(seconds=10)
"""Bound of the real stores' calls where no test is about it: the machine may be busy."""
BOUND = timedelta(seconds=5)
"""Of the real drivers' calls; a beat has no more than a quarter of its TTL."""


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


class Server(Protocol):
    """A running server, as far as a test gives it orders."""

    def command(self, *words: str | int) -> Any:
        """Send a command on a connection of its own and return the answer as it is."""
        ...


class RealWorld:
    """A running server that has the keys, and the URL that leads to it.

    Args:
        patience: Bound of the stores' calls, where the controller's own would be short for a busy machine.
    """

    def __init__(self, server: Server, url: str | RedisAddress, patience: timedelta | None = None) -> None:
        self._patience = patience
        self.clock = SystemClock()
        self._server = server
        self._address = RedisAddress(url=url) if isinstance(url, str) else url
        self._clients: list[RedisClient] = []
        self._drivers: list[RedisDriver] = []

    def driver(self, node: str, *, prefix: str = PREFIX, bound: timedelta = BOUND) -> RedisDriver:
        driver = RedisDriver(self.client(CONNECTIONS, bound), self.clock, key_prefix=prefix)
        self._drivers.append(driver)
        return driver

    def store(self, node: str, *, bounds: Bounds = DEFAULT_BOUNDS) -> RedisRecentJobStore:
        flush, read = self._patience or FLUSH_TIMEOUT, self._patience or READ_TIMEOUT
        client = self.client(2, flush)
        return RedisRecentJobStore(client, key_prefix=PREFIX, bounds=bounds, flush_timeout=flush, read_timeout=read)

    def client(self, connections: int, bound: timedelta) -> RedisClient:
        """A client that is closed with this world."""
        client = connect(self._address, timeout=bound, connections=connections)
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


def real_world(request: pytest.FixtureRequest, kind: str) -> RealWorld:
    """The world of one kind of Redis, empty."""
    if kind == "redis":
        server = request.getfixturevalue("redis")
        return RealWorld(server, server.url, PATIENCE)
    if kind == "cluster":
        server = request.getfixturevalue("redis_cluster")
        return RealWorld(server, server.url.replace("redis://", "redis+cluster://"), PATIENCE)
    if kind == "sentinels":
        sentinels: RedisSentinel = request.getfixturevalue("sentinels_for_session")
        return _emptied(sentinels.primary, sentinels.url)
    if kind == "guarded":
        guarded: GuardedRedis = request.getfixturevalue("guarded_for_session")
        guarded.command("FLUSHALL")
        return RealWorld(guarded, address_of(guarded), PATIENCE)
    three: RedisCluster = request.getfixturevalue("three_primaries_for_session")
    return _emptied(three.serving(f"{{{PREFIX}}}"), three.url)


def _emptied(server: Server, url: str) -> RealWorld:
    server.command("FLUSHALL")
    return RealWorld(server, url, PATIENCE)


REAL_KINDS = ("redis", "cluster", "sentinels", "three primaries", "guarded")


def address_of(guarded: GuardedRedis) -> RedisAddress:
    """The address of a guarded Redis, with the password in a file."""
    guarded.tell_password()
    return RedisAddress(url=guarded.url, password_file=str(guarded.password_file))
