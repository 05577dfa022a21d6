"""A Redis of many servers loses the one that has our keys: heartbeats and records go on, whatever is lost there.

How long that takes is measured from the loss until the first heartbeat that is answered, and logged: see it with
`pytest -rP --log-level=info`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from controller.driver import RedisDriver
from controller.errors import StoreUnavailable
from controller.messages import Membership
from controller.recentjobs import RedisRecentJobStore
from deploy.local.redis_cluster import RedisCluster
from deploy.local.redis_sentinel import RedisSentinel
from deploy.local.redis_server import RedisServer
from tests.adapters.redis_worlds import PREFIX, RealWorld
from tests.adapters.test_driver_contract import member
from tests.adapters.test_recentjobs_contract import NOON, SECOND, Records

logger = logging.getLogger(__name__)

T = TypeVar("T")

TTL = timedelta(seconds=5)
"""The default, and so the default bound of a beat: a quarter of it."""
KEY = f"{{{PREFIX}}}"
"""All our keys have this tag, and so one slot."""
UPDATE_SECONDS = 0.5
AGREEMENT = timedelta(seconds=30)
"""Longest that the servers may take to name another primary: they take 3 s on an idle machine."""
BEAT_AGAIN = timedelta(seconds=6)
"""Longest from then until a beat is answered: two beats with their bounds, twice for a busy machine."""


@dataclass
class Redundant:
    """A set-up that can lose the server with our keys."""

    world: RealWorld
    primary: RedisServer
    replica: RedisServer
    successor: Callable[[], RedisServer]
    driver: RedisDriver
    store: RedisRecentJobStore

    async def beaten(self) -> Membership:
        """The answer to the first beat that is answered."""
        while True:
            try:
                return await self.driver.beat(member("a", nonce="n"), ttl=TTL)
            except StoreUnavailable:
                await asyncio.sleep(UPDATE_SECONDS)


@pytest.fixture(params=["sentinels", "three primaries"])
async def redundant(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Redundant]:
    """Each set-up in turn, for one test alone; a node has announced itself there."""
    with contextlib.ExitStack() as stack:
        if request.param == "sentinels":
            sentinels = stack.enter_context(RedisSentinel.start(tmp_path))
            primary, replica, url = sentinels.primary, sentinels.replica, sentinels.url

            def successor() -> RedisServer:
                return sentinels.wait_for_another_primary(primary)
        else:
            cluster = stack.enter_context(RedisCluster.start(tmp_path))
            primary, url = cluster.serving(KEY), cluster.url
            replica = cluster.replica_of(primary)

            def successor() -> RedisServer:
                return cluster.wait_for_another_primary(KEY, primary)

        async with contextlib.aclosing(RealWorld(primary, url)) as world:
            driver = world.driver("a", bound=TTL / 4)
            made = Redundant(world, primary, replica, successor, driver, world.store("a"))
            await made.beaten()
            await _at_last(made.store.flush)
            yield made


LOSSES: dict[str, Callable[[RedisServer], None]] = {"dies": RedisServer.stop, "falls silent": RedisServer.freeze}


@pytest.mark.parametrize("loss", LOSSES)
async def test_beats_go_on_when_the_primary_is_lost(redundant: Redundant, loss: str) -> None:
    began = time.monotonic()
    LOSSES[loss](redundant.primary)
    beating = asyncio.create_task(redundant.beaten())
    async with asyncio.timeout(AGREEMENT.total_seconds()):
        await asyncio.to_thread(redundant.successor)
    agreed = time.monotonic()
    async with asyncio.timeout(BEAT_AGAIN.total_seconds()):
        membership = await beating
    beat_after, agreed_after = time.monotonic() - began, agreed - began
    logger.info("a beat %.1f s after the loss, a new primary after %.1f s", beat_after, agreed_after)
    assert [each.node for each in membership.members] == ["a"]
    for _ in range(3):
        await redundant.driver.beat(member("a", nonce="n"), ttl=TTL)


@pytest.mark.parametrize("loss", LOSSES)
async def test_records_wait_for_the_new_primary(redundant: Redundant, loss: str) -> None:
    LOSSES[loss](redundant.primary)
    record = Records(redundant.world)()
    redundant.store.record(record)
    async with asyncio.timeout((AGREEMENT + BEAT_AGAIN).total_seconds()):
        await _at_last(redundant.store.flush)
    assert await _at_last(lambda: redundant.store.newest("uid-1")) == record


async def test_a_change_is_heard_from_the_new_primary(redundant: Redundant) -> None:
    driver, other = redundant.driver, member("b")
    waiting = asyncio.create_task(driver.changed())
    redundant.primary.stop()
    successor = await asyncio.to_thread(redundant.successor)
    await redundant.beaten()
    await RealWorld(successor, "").until_heard(1)
    assert not waiting.done()
    await redundant.world.driver("b").beat(other, ttl=TTL)
    await asyncio.wait_for(waiting, 10)


async def test_announcements_that_a_failover_lost_are_made_again(redundant: Redundant) -> None:
    """The old primary has acknowledged what no replica has seen; with the next beats all is as before."""
    redundant.replica.freeze()
    redundant.primary.command("CLIENT", "KILL", "TYPE", "replica")  # else what it is sent waits for it at its socket
    lost, record = member("b", nonce="n"), Records(redundant.world)(NOON + SECOND)
    other = redundant.world.driver("b", bound=TTL / 4)
    await other.beat(lost, ttl=TTL * 10)
    redundant.store.record(record)
    await redundant.store.flush()
    redundant.primary.stop()
    redundant.replica.thaw()
    await asyncio.to_thread(redundant.successor)
    assert [each.node for each in (await redundant.beaten()).members] == ["a"]
    assert (await _at_last(lambda: other.beat(lost, ttl=TTL))).joined
    assert [each.node for each in (await redundant.beaten()).members] == ["a", "b"]
    assert await _at_last(redundant.store.flush), "its memory is not lost, but for the newest"
    assert await _at_last(lambda: redundant.store.newest("uid-1")) is None


async def _at_last(call: Callable[[], Awaitable[T]]) -> T:
    """The first answer of a call that is made until it is answered."""
    while True:
        try:
            return await call()
        except StoreUnavailable:
            await asyncio.sleep(UPDATE_SECONDS)
