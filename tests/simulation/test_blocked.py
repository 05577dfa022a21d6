"""A Job that does not end, under three replicas: `Blocked` is said once, follows the instants, and costs no write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.conditions import BLOCKED
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.world import World

MINUTE = 60


def conditions_told(world: World) -> list[tuple[str, str]]:
    """Each state of the condition, with its message, as the statuses had it in turn."""
    states: list[tuple[str, str]] = []
    for told in world.evidence.told:
        for condition in told.status.get("conditions", ()):
            state = condition["status"], condition["message"]
            if condition["type"] == BLOCKED and (not states or states[-1] != state):
                states.append(state)
    return states


async def begin(simulation: Simulation, **spec: Any) -> World:
    """Three replicas, and one object that fires every minute and whose first Job does not end."""
    world = World(simulation)
    for _ in range(3):
        world.start()
        await world.sleep(0.3)
    await world.sleep(5)
    world.server.apply("ns", "import", {"schedule": "* * * * *", "jobTemplate": TEMPLATE, **spec})
    await world.sleep(2)
    return world


@pytest.mark.parametrize("policy", ["Forbid", "Queue"])
def test_a_job_that_does_not_end_is_told_until_it_ends_whoever_owns_the_key(policy: str) -> None:
    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, concurrencyPolicy=policy)
        await world.sleep(7 * MINUTE)
        (stuck,) = world.server.created()
        (cron_job,) = world.server.cron_jobs()
        world.kill(world.nodes[cron_job.status["owner"]])
        await world.sleep(3 * MINUTE)
        states = conditions_told(world)
        assert [status for status, _ in states] == ["True"] * len(states), "it does not flap"
        assert all(f"Job {stuck.name} is still active after " in message for _, message in states)
        told = [event.event.message for event in world.server.events if event.event.reason == "Blocked"]
        assert told == [states[0][1]]
        lost = [int(message.split("; ")[1].split()[0]) for _, message in states]
        assert lost == list(range(lost[0], lost[0] + len(lost)))
        assert world.server.read(cron_job.key).status["active"][0]["turnedAway"] == lost[-1]  # type: ignore[union-attr]

        world.server.finish_job(stuck.namespace, stuck.name)
        await world.sleep(5)
        assert conditions_told(world)[-1] == ("False", "")
        await world.close()

    simulate(scenario)


@pytest.mark.parametrize("stuck", [True, False])
def test_being_blocked_costs_no_status_write(stuck: bool) -> None:
    """An instant that is skipped is one write, whether the object is called blocked or not."""

    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, concurrencyPolicy="Forbid")
        if not stuck:  # so that each Job of the three is too young to be called stuck
            world.server.job_duration = lambda job: timedelta(minutes=3, seconds=30)
        await world.sleep(20 * MINUTE)
        before = len(world.server.status_writes)
        await world.sleep(20 * MINUTE)
        recent = len(world.server.status_writes) - before
        made = len(world.server.created())
        if stuck:
            assert (recent, made) == (20, 1)
        else:
            assert conditions_told(world) == []
            assert recent == 5 * (3 + 3), "for each Job its claim, its sight and its end, and three skips"
        await world.close()

    simulate(scenario)
