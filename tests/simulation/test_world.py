"""The simulated world itself: replicas over the fakes start, fire, and go as real processes do."""

import asyncio
from datetime import timedelta

from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World

TEMPLATE = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}
EVERY_SECOND = {"schedule": "* * * * * *", "jobTemplate": TEMPLATE}
SECOND = timedelta(seconds=1)


def test_three_replicas_fire_each_instant_once() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = World(simulation)
        for skew in (-3, 0, 2):
            world.start(skew=skew * SECOND)
        await world.sleep(5)
        cron_job = world.server.apply("ns", "every-second", EVERY_SECOND)
        await world.sleep(30.9)
        evidence = await world.close()
        created = [job.scheduled_at for job in world.server.created(cron_job.uid)]
        assert created == [world.epoch + number * SECOND for number in range(6, 36)]
        assert not evidence.bugs

    simulate(scenario)
