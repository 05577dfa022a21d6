"""The runs that are made of a seed: some virtual minutes full of faults, and virtual days.

evidence = faulty_minutes(seed=17)
violations = invariants.check(evidence)
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.simulation import mixture
from tests.simulation.evidence import Evidence
from tests.simulation.loop import Simulation, simulate
from tests.simulation.nemesis import (
    TEMPLATE,
    WORST_SKEW_SECONDS,
    Authors,
    Nemesis,
    choose_weather,
    cron_jobs,
    job_duration,
    job_succeeds,
    skew,
)
from tests.simulation.troubles import KINDS, Troubles
from tests.simulation.world import GENUINE, Parts, World

BEGIN = datetime(2026, 1, 1, 17, 57, 30, tzinfo=UTC)
"""True time at which the minutes begin: an hour ends within them."""
REPLICAS = 3
FAR_OFF_SECONDS = 300.0
"""How wrong the clock of a replica may be when it starts: it is measured before it joins."""
CALM = timedelta(seconds=20)
"""Without faults at the end, so that all is healed and settled when the run is judged."""


def faulty_minutes(*, seed: int, minutes: float = 5, parts: Parts = GENUINE) -> Evidence:
    """Some minutes of a mix of objects, with joins, leaves, deaths and, on every other seed, edits.

    Args:
        minutes: Virtual minutes after the replicas have started.
        parts: What the replicas are made of; a mutant is put in here.
    """

    async def scenario(simulation: Simulation) -> Evidence:
        world = World(simulation, BEGIN, parts)
        authors = Authors(world=world, pause_seconds=15.0 if seed % 2 else None)
        nemesis = Nemesis(world=world, pause_seconds=12.0)
        choose_weather(world)
        await _start(world)
        authors.make(cron_jobs(simulation.random))
        until = world.now() + timedelta(minutes=minutes) - CALM
        await asyncio.gather(nemesis.run(until), authors.run(until))
        await world.sleep((until + CALM - world.now()).total_seconds())
        return await world.close()

    return simulate(scenario, seed=seed)


def policy_minutes(*, seed: int, minutes: float = 3, parts: Parts = GENUINE) -> Evidence:
    """Some minutes of any mix of policies, with faults of replicas, a quota, edits, and requests by annotation.

    Args:
        minutes: Virtual minutes after the replicas have started.
        parts: What the replicas are made of; a mutant is put in here.
    """

    async def scenario(simulation: Simulation) -> Evidence:
        world = World(simulation, BEGIN, parts)
        people = mixture.Askers(world=world, pause_seconds=2.5)
        nemesis = Nemesis(world=world, pause_seconds=15.0)
        choose_weather(world)
        await _start(world)
        world.server.job_succeeds = mixture.job_succeeds(seed)
        mixture.make(world, mixture.cron_jobs(simulation.random, world.now()))
        until = world.now() + timedelta(minutes=minutes) - CALM
        await asyncio.gather(nemesis.run(until), people.run(until), mixture.Quota(world=world).run(until))
        await world.sleep((until + CALM - world.now()).total_seconds())
        return await world.close()

    return simulate(scenario, seed=seed)


def faults_minutes(
    *, seed: int, minutes: float = 1.5, parts: Parts = GENUINE, kinds: Sequence[str] = tuple(KINDS)
) -> Evidence:
    """Some minutes of faults of Redis, of the API server and of clocks and processes, one after the other.

    Args:
        minutes: Virtual minutes after the replicas have started.
        parts: What the replicas are made of; a mutant is put in here.
        kinds: The names of the faults that may strike.
    """

    async def scenario(simulation: Simulation) -> Evidence:
        world = World(simulation, BEGIN, parts, stoppable=True)
        authors = Authors(world=world, pause_seconds=15.0 if seed % 2 else None)
        troubles = Troubles(world=world, kinds=kinds)
        choose_weather(world)
        await _start(world, far_off=seed % 4 == 3)
        authors.make(cron_jobs(simulation.random))
        until = world.now() + timedelta(minutes=minutes) - CALM
        await asyncio.gather(troubles.run(until), authors.run(until))
        await world.sleep((until + CALM - world.now()).total_seconds())
        return await world.close()

    return simulate(scenario, seed=seed)


def quiet_day(*, seed: int, days: float = 1) -> Evidence:
    """Days of objects that fire every minute or rarer, with a fault each half hour or so."""

    async def scenario(simulation: Simulation) -> Evidence:
        world = World(simulation, BEGIN)
        world.redis.delay = timedelta(0)  # each call to Redis, several a second, takes two timers less
        nemesis = Nemesis(world=world, pause_seconds=1800.0, most_nodes=REPLICAS + 1)
        await _start(world)
        Authors(world=world, pause_seconds=None).make(
            {
                "every-minute": {"schedule": "* * * * *", "jobTemplate": TEMPLATE},
                "every-5-minutes": {
                    "schedule": "*/5 * * * *",
                    "timeZone": "Asia/Kolkata",
                    "concurrencyPolicy": "Forbid",
                    "jobTemplate": TEMPLATE,
                },
                "hourly": {"schedule": "17 * * * *", "concurrencyPolicy": "Replace", "jobTemplate": TEMPLATE},
            }
        )
        until = world.now() + timedelta(days=days) - CALM
        await nemesis.run(until)
        await world.sleep((until + CALM - world.now()).total_seconds())
        return await world.close()

    return simulate(scenario, seed=seed, time_limit=timedelta(days=days + 1))


async def _start(world: World, *, far_off: bool = False) -> None:
    """The first replicas, all on the ring; the clock of one of them may be minutes off."""
    world.server.job_duration = job_duration(world.simulation.seed)
    world.server.job_succeeds = job_succeeds(world.simulation.seed)
    for number in range(REPLICAS):
        worst = FAR_OFF_SECONDS if far_off and number == 0 else WORST_SKEW_SECONDS
        world.start(skew=skew(world.simulation.random, worst))
    while len(world.ready) < REPLICAS:
        await world.sleep(0.1)
