"""The runs that are made of a seed: some virtual minutes of a mix, and virtual days.

evidence = minutes_of(FAULTS, seed=17)
violations = invariants.check(evidence, FAULTS.rules)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.authors import TEMPLATE, Authors, job_duration, job_succeeds
from tests.simulation.evidence import Evidence
from tests.simulation.loop import Simulation, simulate
from tests.simulation.mixes import Mix
from tests.simulation.mixture import Quota
from tests.simulation.nemesis import WORST_SKEW_SECONDS, Nemesis, choose_weather, skew
from tests.simulation.troubles import Troubles
from tests.simulation.world import GENUINE, Parts, World

BEGIN = datetime(2026, 1, 1, 17, 57, 30, tzinfo=UTC)
"""True time at which the minutes begin: an hour ends within them."""
REPLICAS = 3
FAR_OFF_SECONDS = 300.0
"""How wrong the clock of a replica may be when it starts: it is measured before it joins."""
CALM = timedelta(seconds=20)
"""Without faults at the end, so that all is healed and settled when the run is judged."""


def minutes_of(mix: Mix, *, seed: int, minutes: float | None = None, parts: Parts = GENUINE) -> Evidence:
    """Some minutes of a mix.

    Args:
        minutes: Virtual minutes after the replicas have started; None: as many as the mix asks for.
        parts: What the replicas are made of; a mutant is put in here.
    """

    async def scenario(simulation: Simulation) -> Evidence:
        world = World(simulation, BEGIN, parts, stoppable=bool(mix.troubles))
        choose_weather(world)
        await _start(world, far_off=bool(mix.troubles) and seed % 4 == 3)
        people = mix.populate(world)
        until = world.now() + timedelta(minutes=mix.minutes if minutes is None else minutes) - CALM
        await asyncio.gather(people.run(until), *_strikes(world, mix, until))
        await world.sleep((until + CALM - world.now()).total_seconds())
        return await world.close()

    return simulate(scenario, seed=seed)


def _strikes(world: World, mix: Mix, until: datetime) -> list[Coroutine[Any, Any, None]]:
    """All that befalls a world but what people do."""
    found = []
    if mix.deaths_every is not None:
        found.append(Nemesis(world=world, pause_seconds=mix.deaths_every).run(until))
    if mix.troubles:
        found.append(Troubles(world=world, kinds=mix.troubles).run(until))
    if mix.quota:
        found.append(Quota(world=world).run(until))
    return found


def only(mix: Mix, *kinds: str) -> Mix:
    """The mix with these kinds of fault alone."""
    return replace(mix, troubles=kinds)


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
