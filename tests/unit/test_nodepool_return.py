"""Several nodes after an outage of Redis for all of them: they come back one after the other, and the ring stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from controller.messages import Member
from controller.nodepool import NodePool, State
from controller.timekeeper import Timekeeper
from tests.fakes.clock import EPOCH, SimulatedClock
from tests.fakes.driver import FakeDriver
from tests.fakes.redis import FakeRedis
from tests.simulation.loop import Simulation, simulate
from tests.unit.doubles import Numbers

NODES = ("a", "b", "c")
UPDATE, TTL = timedelta(seconds=1), timedelta(seconds=5)
APART = timedelta(seconds=0.15)
PHASES = [step / 8 for step in range(0, 18, 2)] + [1.625]
"""Seconds within the longest round of a node that gets no answer: its bound, and one update interval."""


class Voiceless(FakeRedis):
    """A Redis that passes no hints on, as when its user may not: they would have all nodes beat at one moment."""

    def publish(self, identity: str) -> None:
        pass


class Pools:
    """The nodes' pools on one Redis, running, and the rings that they have made."""

    def __init__(self, simulation: Simulation) -> None:
        clock = SimulatedClock(simulation.loop)
        self.redis = Voiceless(clock.true_now)
        self.rings: list[tuple[str, ...]] = []
        self.pools = [self._pool(simulation, node) for node in NODES]

    def _pool(self, simulation: Simulation, node: str) -> NodePool:
        clock = SimulatedClock(simulation.loop)
        me = Member(node=node, nonce="1", started_at=EPOCH, protocol="1", tzdata="1", api_ok=True)
        pool = NodePool(
            driver=FakeDriver(self.redis, clock, node=node),
            clock=clock,
            timekeeper=Timekeeper(clock, Numbers()),
            announce=lambda: me,
            update=UPDATE,
            ttl=TTL,
            hash_replicas=8,
            changed=lambda: self.rings.append(pool.nodes),
        )
        return pool

    async def run(self) -> None:
        """All of them, started a moment apart."""
        async with asyncio.TaskGroup() as tasks:
            for pool in self.pools:
                tasks.create_task(pool.run())
                await asyncio.sleep(APART.total_seconds())


def black_holed(redis: FakeRedis, now: bool) -> None:
    redis.black_holed = set(NODES) if now else set()


def down(redis: FakeRedis, now: bool) -> None:
    redis.down = now


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("outage", [black_holed, down], ids=["black hole", "down"])
def test_an_outage_that_ends_changes_no_ring(outage: Callable[[FakeRedis, bool], None], phase: float) -> None:
    async def scenario(simulation: Simulation) -> None:
        pools = Pools(simulation)
        running = asyncio.create_task(pools.run())
        await asyncio.sleep(10)
        outage(pools.redis, True)
        await asyncio.sleep(30)  # all announcements have run out
        assert {pool.state for pool in pools.pools} == {State.DEGRADED}
        pools.rings.clear()
        await asyncio.sleep(phase)
        outage(pools.redis, False)
        await asyncio.sleep(20)
        assert {pool.state for pool in pools.pools} == {State.STEADY}
        assert set(pools.rings) <= {("a/1", "b/1", "c/1")}, pools.rings
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    simulate(scenario)
