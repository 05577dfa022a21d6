"""Without Redis: who fires, and how late, whatever else happens in the outage."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from controller.nodepool import LATEST_STAND_IN, STAND_IN
from controller.spec import Key
from tests.fakes.happenings import What
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World

KEYS = tuple(Key("ns", f"object-{number}") for number in range(12))
"""So many that each replica owns some."""
SCHEDULE = {"schedule": "*/2 * * * * *", "jobTemplate": TEMPLATE}


async def begin(simulation: Simulation, replicas: int) -> World:
    """Replicas that fire, all on the ring."""
    world = World(simulation)
    world.server.job_duration = lambda job: timedelta(seconds=0.5)
    for _ in range(replicas):
        world.start()
        await world.sleep(0.3)  # they beat one after the other
    await world.sleep(5)
    for key in KEYS:
        world.server.apply(*key, SCHEDULE)
    await world.sleep(5)
    return world


def lateness_since(world: World, seconds: float) -> list[float]:
    """How late each Job was whose instant is after this moment; each instant has one."""
    created = [entry for entry in world.evidence.history if entry.what is What.CREATED]
    fired = [
        (entry.job.owner_uid, instant, (entry.at - instant).total_seconds())
        for entry in created
        if (instant := entry.job.scheduled_at) is not None and (instant - world.epoch).total_seconds() > seconds
    ]
    doubles = Counter((uid, instant) for uid, instant, _ in fired)
    assert fired
    assert set(doubles.values()) == {1}
    each = Counter(uid for uid, _ in doubles)
    assert len(each) == len(KEYS)
    assert max(each.values()) - min(each.values()) <= 3, "none is left out"
    return [late for _, _, late in fired]


def elapsed(world: World) -> float:
    return (world.now() - world.epoch).total_seconds()


def test_an_outage_of_redis_delays_nothing() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 3)
        world.redis.down = True
        await world.sleep(30)
        assert max(lateness_since(world, 10)) < 1
        await world.close()

    simulate(scenario)


@pytest.mark.parametrize("seed", range(2))
def test_who_stands_in_for_a_replica_that_died_in_an_outage_of_redis_is_late_once(seed: int) -> None:
    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 3)
        world.redis.down = True
        await world.sleep(15)
        killed = elapsed(world)
        world.kill(simulation.random.choice(list(world.nodes.values())))
        await world.sleep(30)
        assert max(lateness_since(world, 10)) < STAND_IN.total_seconds() + 1
        assert max(lateness_since(world, killed + 6)) < 1, "from the second instant on it is in time"
        await world.close()

    simulate(scenario, seed=seed)


def test_one_that_is_left_of_five_in_an_outage_of_redis_misses_nothing() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 5)
        world.redis.down = True
        await world.sleep(15)
        for node in list(world.nodes.values())[:4]:
            world.kill(node)
        await world.sleep(30)
        assert max(lateness_since(world, 10)) < LATEST_STAND_IN.total_seconds() + 1
        told = {one["reason"] for told in world.evidence.told for one in told.status.get("recent", ())}
        assert told == {"Created"}
        await world.close()

    simulate(scenario)


@pytest.mark.parametrize("seed", range(2))
def test_a_redis_that_goes_while_the_ring_changes_leaves_no_key_without_an_owning_node(seed: int) -> None:
    """One replica has seen the ring without the dead one, the others have not."""

    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 3)
        world.kill(simulation.random.choice(list(world.nodes.values())))
        first, second = simulation.random.sample(list(world.nodes.values()), 2)
        await world.sleep(3.5)  # so that it is cut off before the dead one is gone, and is not gone itself then
        world.redis.black_holed.add(second.name)
        while len(first.replica.node_pool.nodes) == 3:
            await asyncio.sleep(0.01)
        world.redis.down = True
        began = elapsed(world)
        await world.sleep(30)
        assert [len(node.replica.node_pool.nodes) for node in (first, second)] == [2, 3]
        assert max(lateness_since(world, began)) < STAND_IN.total_seconds() * 2 + 1
        assert max(lateness_since(world, began + 12)) < 1
        await world.close()

    simulate(scenario, seed=seed)


@pytest.mark.parametrize("replicas", [1, 2, 3])
def test_replicas_that_have_never_seen_redis_fire_each_instant_once_and_in_time(replicas: int) -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        world.redis.down = True
        world.server.job_duration = lambda job: timedelta(seconds=0.5)
        for key in KEYS:
            world.server.apply(*key, SCHEDULE)
        for _ in range(replicas):
            world.start()
        await world.sleep(30)
        assert max(lateness_since(world, 10)) < 1
        await world.close()

    simulate(scenario)


@pytest.mark.parametrize("delay", [0.004, 0.3, 1.1])
def test_one_that_dies_as_redis_goes_for_less_than_a_ttl_is_stood_in_for(delay: float) -> None:
    """Redis is back before anybody has stood in, and knows nobody any more: the dead one is waited for."""

    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 3)
        for key in KEYS:
            world.server.apply(*key, {**SCHEDULE, "schedule": "*/20 * * * * *", "catchUpPolicy": "None"})
        await asyncio.sleep(40 - 0.02 - elapsed(world))
        world.kill(world.nodes["node-1"])
        world.redis.black_holed = {"node-2", "node-3"}
        await asyncio.sleep(4.5)
        world.redis.delay, world.redis.black_holed = timedelta(seconds=delay), set()
        await world.sleep(25)
        late = max(lateness_since(world, 39))
        assert 3 < late < LATEST_STAND_IN.total_seconds() + 3
        reasons = {one["reason"] for told in world.evidence.told for one in told.status.get("recent", ())}
        assert reasons <= {"Created", "MissedEdit"}

    simulate(scenario)
