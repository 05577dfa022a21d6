"""What people ask for survives the death of the replica that is at it: each run once, wherever the replica stood."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from controller.jobs import Job
from controller.outcomes import Trigger
from controller.requests import BACKFILL, TRIGGER
from controller.spec import CronJob, Key
from tests.simulation import invariants
from tests.simulation.authors import TEMPLATE
from tests.simulation.evidence import Evidence
from tests.simulation.loop import Simulation, simulate
from tests.simulation.trace import report
from tests.simulation.world import World

KEY = Key("ns", "report")
REPLICAS = 3
INTERVAL = "2025-12-30T00:00:00Z/2025-12-30T16:40:00Z"
"""Of a thousand minutes."""
INSTANTS = 1000
AT_A_TIME = 5
DEATHS = 8


async def begin(simulation: Simulation, spec: Mapping[str, Any]) -> World:
    """Replicas on the ring, and one object that is known to them."""
    world = World(simulation)
    world.server.job_duration = lambda job: timedelta(seconds=simulation.random.uniform(0.1, 1))
    for _ in range(REPLICAS):
        world.start()
    await world.sleep(5)
    world.server.apply(*KEY, {**spec, "jobTemplate": TEMPLATE})
    await world.sleep(2)
    return world


def status(world: World) -> Mapping[str, Any]:
    return world.evidence.told[-1].status


def kill_who_owns(world: World) -> None:
    """Kill the replica that has written last, and let another one join."""
    if (node := world.nodes.get(str(status(world).get("owner")))) is not None:
        world.kill(node)
        world.start()


def broken(simulation: Simulation, evidence: Evidence) -> str:
    violations = invariants.check(evidence, invariants.POLICY_RULES)
    return report(f"seed {simulation.seed}", evidence, violations) if violations else ""


def jobs_of(evidence: Evidence, trigger: Trigger) -> list[Job]:
    return [entry.job for entry in evidence.history if entry.what == "created" and entry.job.trigger is trigger]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("policy", ["Allow", "Queue"])
def test_replicas_die_in_the_middle_of_a_backfill_and_each_instant_is_fired_once(policy: str) -> None:
    async def scenario(simulation: Simulation) -> None:
        spec = {"schedule": "* * * * *", "concurrencyPolicy": policy, "maxActiveJobs": AT_A_TIME}
        world = await begin(simulation, spec)
        world.server.annotate(KEY, {BACKFILL: INTERVAL})
        for _ in range(DEATHS):
            await world.sleep(simulation.random.uniform(10, 25))
            assert status(world)["backfill"]["state"] == "Running"
            kill_who_owns(world)
        while status(world)["backfill"]["state"] == "Running":
            await world.sleep(1)
        evidence = await world.close()
        fired = Counter(job.scheduled_at for job in jobs_of(evidence, Trigger.BACKFILL))
        assert len(fired) == INSTANTS
        assert set(fired.values()) == {1}
        assert status(world)["backfill"]["created"] == INSTANTS
        assert not broken(simulation, evidence)

    simulate(scenario)


class KillsAtTheClaim:
    """Watches for the slot of a manual run, and kills the replica that has claimed it a moment later."""

    def __init__(self, world: World, seconds: float) -> None:
        self.struck = False
        self._world = world
        self._seconds = seconds

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """The claim is written, and its answer is on its way."""
        slots = cron_job.status.get("active", ())
        if not self.struck and any("uid" not in slot and slot.get("trigger") == "manual" for slot in slots):
            self.struck = True
            asyncio.get_running_loop().call_later(self._seconds, kill_who_owns, self._world)

    def cron_job_gone(self, cron_job: CronJob) -> None:
        """Of no interest."""

    def job_seen(self, job: Job) -> None:
        """Of no interest."""


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace", "Queue"])
def test_a_replica_dies_between_the_claim_and_the_create_of_a_manual_run_and_it_runs_once(
    policy: str, seed: int
) -> None:
    async def scenario(simulation: Simulation) -> int:
        world = await begin(simulation, {"schedule": "* * * * *", "concurrencyPolicy": policy})
        killer = KillsAtTheClaim(world, simulation.random.uniform(0, 0.015) if seed else 0)
        world.server.watchers.append(killer)
        world.server.annotate(KEY, {TRIGGER: "now"})
        await world.sleep(1)
        assert killer.struck
        created_by_the_dead = len(jobs_of(world.evidence, Trigger.MANUAL))
        await world.sleep(15)
        evidence = await world.close()
        assert [job.trigger for job in jobs_of(evidence, Trigger.MANUAL)] == [Trigger.MANUAL]
        assert status(world)["lastTrigger"]["outcome"] == "created"
        assert not broken(simulation, evidence)
        return created_by_the_dead

    created = simulate(scenario, seed=seed)
    assert seed or not created  # killed at once, it has created nothing
