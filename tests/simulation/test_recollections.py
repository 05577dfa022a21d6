"""A Job that is gone before it was settled, and that no watch has shown: the recent-job store alone knows of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest

from tests.fakes.happenings import What
from tests.simulation.loop import Simulation, simulate
from tests.simulation.test_degraded import KEYS, begin, elapsed
from tests.simulation.world import World

LAST = 96
"""Seconds: the instant whose Jobs are gone before they are settled."""


def made(world: World) -> Counter[tuple[str, datetime | None]]:
    created = (entry.job for entry in world.evidence.history if entry.what is What.CREATED)
    return Counter((job.owner_uid, job.scheduled_at) for job in created)


@pytest.mark.parametrize("seed", range(2))
def test_who_had_a_key_before_asks_the_store_anew_when_it_comes_back(seed: int) -> None:
    """A node that loses keys to one that joins looks at them for a second more; they come back when that one dies."""

    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, 2)
        others = list(world.nodes.values())
        joined = world.start()
        await asyncio.sleep(LAST - 0.1 - elapsed(world))
        world.server.stalled.update(node.name for node in others)
        await asyncio.sleep(LAST + 0.6 - elapsed(world))
        last = world.epoch + timedelta(seconds=LAST)
        fired = [entry for entry in world.evidence.history if entry.what is What.CREATED]
        theirs = [entry.job for entry in fired if entry.node == joined.name and entry.job.scheduled_at == last]
        for job in theirs:
            world.server.delete_job(job.namespace, job.name)
        world.kill(joined)
        for node in others:
            node.cluster.relist()  # tells of no deletion
        world.server.stalled.clear()
        await world.sleep(25)
        assert 0 < len(theirs) < len(KEYS)
        assert set(made(world).values()) == {1}
        assert not (await world.close()).bugs

    simulate(scenario, seed=seed)
