"""The simulated world itself: replicas over the fakes start, fire, and go as real processes do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from controller.replica import Replica
from controller.spec import CronJob, Key
from tests.fakes.cluster import FakeCluster
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import BugCatcher, Parts, World

EVERY_SECOND = {"schedule": "* * * * * *", "jobTemplate": TEMPLATE}
SECOND = timedelta(seconds=1)


async def begin(world: World, *skews: float) -> None:
    """Replicas are on the ring, and an object fires every second."""
    for skew in skews:
        world.start(skew=skew * SECOND)
    await world.sleep(5)
    world.server.apply("ns", "every-second", EVERY_SECOND)


def lateness(world: World) -> list[float]:
    """Of all Jobs ever created, in the order of their instants, which follow each other without a gap."""
    history = sorted(
        (entry.job.scheduled_at, (entry.at - entry.job.scheduled_at).total_seconds())
        for entry in world.evidence.history
        if entry.job.scheduled_at is not None
    )
    assert [instant for instant, _ in history] == [
        world.epoch + number * SECOND for number in range(6, 6 + len(history))
    ]
    return [late for _, late in history]


def test_three_replicas_fire_each_instant_once() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        await begin(world, -3, 0, 2)
        await world.sleep(30.9)
        evidence = await world.close()
        assert len(lateness(world)) == 30
        assert max(lateness(world)) < 0.1
        assert not evidence.bugs

    simulate(scenario)


def test_a_replica_that_is_killed_does_nothing_more_and_others_take_over() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        await begin(world, 0, 0, 0)
        await world.sleep(10.003)
        (owning,) = {entry.node for entry in world.evidence.history[-3:]}
        node = world.nodes[owning or ""]
        world.kill(node)
        written = len(world.evidence.told)
        await world.sleep(4)
        assert len(world.evidence.told) == written
        await world.sleep(10)
        assert not [entry for entry in world.evidence.history[-5:] if entry.node == node.name]
        assert 3 < max(lateness(world)) < 8
        await world.close()

    simulate(scenario)


def test_a_replica_that_is_stopped_ends_and_others_take_over_within_a_second() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        await begin(world, 0, 0, 0)
        await world.sleep(10.003)
        (owning,) = {entry.node for entry in world.evidence.history[-3:]}
        node = world.nodes[owning or ""]
        world.stop(node)
        assert not node.ready
        await world.sleep(5)
        assert node.process.done()
        assert node.name not in world.nodes
        assert max(lateness(world)) < 1
        await world.close()

    simulate(scenario)


@pytest.mark.parametrize("seed", range(20))
def test_a_create_that_is_under_way_when_its_replica_is_killed_happens_once(seed: int) -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        await begin(world, 0, 0, 0)
        await world.sleep(10 + simulation.random.uniform(0, 0.015))
        while len(world.ready) > 1:
            world.kill(world.ready[0])
        await world.sleep(15)
        assert len(lateness(world)) > 20
        await world.close()

    simulate(scenario, seed=seed)


def test_a_replica_that_starts_while_an_object_is_being_deleted_joins_all_the_same() -> None:
    class SlowIntake(FakeCluster):
        async def watch_cron_jobs(self, seen: Callable[[CronJob], object], gone: Callable[[Key, str], object]) -> None:
            """Lists the objects a second after the replica knows from elsewhere which there are."""
            await asyncio.sleep(1)
            await super().watch_cron_jobs(seen, gone)

    async def scenario(simulation: Simulation) -> None:
        world = World(simulation, parts=Parts(cluster=SlowIntake))
        cron_job = world.server.apply("ns", "short-lived", EVERY_SECOND)
        world.server.apply("ns", "every-second", EVERY_SECOND)
        node = world.start()
        simulation.loop.call_later(0.5, world.server.delete, cron_job.key)
        await world.sleep(10)
        assert node.ready
        assert len(world.evidence.history) > 5
        await world.close()

    simulate(scenario)


def test_a_replica_that_ends_by_itself_ends_the_run() -> None:
    class Broken(Replica):
        async def run(self) -> None:
            """Not for long."""
            await asyncio.sleep(3)

    async def scenario(simulation: Simulation) -> None:
        world = World(simulation, parts=Parts(replica=Broken))
        world.start()
        await world.sleep(5)

    with pytest.raises(AssertionError, match="ended by itself"):
        simulate(scenario)


def test_only_what_is_not_transient_is_a_bug() -> None:
    bugs: list[str] = []
    catcher = BugCatcher("node-1", bugs)
    for error in (None, "Conflict", "NamespaceTerminating", "StoreUnavailable"):
        catcher.reconciled(0.1, error=error)
    assert not bugs
    catcher.reconciled(0.1, error="KeyError")
    assert bugs == ["node-1: a look failed by KeyError"]
