"""Everything is paused, and goes on: replicas see it seconds apart; nothing is lost, and nothing fires twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from controller.spec import Key
from tests.fakes.happenings import What
from tests.simulation import invariants, runs
from tests.simulation.authors import TEMPLATE
from tests.simulation.loop import Simulation, simulate
from tests.simulation.mixes import PAUSED, PAUSED_POLICIES, Mix
from tests.simulation.trace import report
from tests.simulation.world import PAUSE_SEEN_WITHIN, World

Specs = dict[str, Mapping[str, Any]]
ON_ITS_WAY = timedelta(seconds=1)
"""So long a create may go on that was begun before."""
EACH_2_S = {"schedule": "*/2 * * * * *", "jobTemplate": TEMPLATE}
SLOW = {"schedule": "*/20 * * * * *", "jobTemplate": TEMPLATE}


async def begin(simulation: Simulation, **specs: Mapping[str, Any]) -> World:
    """Three replicas on the ring, and objects that fire."""
    world = World(simulation)
    world.server.job_duration = lambda job: timedelta(seconds=0.5)
    for _ in range(3):
        world.start()
        await world.sleep(0.3)
    await world.sleep(5)
    for name, spec in specs.items():
        world.server.apply("ns", name.replace("_", "-"), spec)
    await world.sleep(20)
    return world


def fired(world: World, name: str) -> list[float]:
    """The instants that have got a Job, in seconds of the run."""
    (uid,) = (one.uid for one in world.server.cron_jobs() if one.key.name == name)
    found = [(job.scheduled_at - world.epoch).total_seconds() for job in world.server.created(uid) if job.scheduled_at]
    assert len(found) == len(set(found)), "none of them twice"
    return found


def told(world: World, name: str) -> Counter[str]:
    (counts,) = (one.status["counts"] for one in world.server.cron_jobs() if one.key.name == name)
    return Counter(counts)


@pytest.mark.parametrize("seed", range(3))
def test_no_job_is_created_in_a_pause_and_afterwards_it_is_as_after_an_outage(seed: int) -> None:
    async def scenario(simulation: Simulation) -> None:
        policies: Specs = {policy.lower(): {**SLOW, "catchUpPolicy": policy} for policy in ("Latest", "All", "None")}
        held: Specs = {
            "forbid": {**SLOW, "concurrencyPolicy": "Forbid"},
            "impatient": {**SLOW, "startingDeadlineSeconds": 5},
        }
        world = await begin(simulation, **policies, **held, often=EACH_2_S)
        world.pause(True)
        await world.sleep(PAUSE_SEEN_WITHIN.total_seconds() + ON_ITS_WAY.total_seconds())
        paused_at = (world.now() - world.epoch).total_seconds()
        before = len(world.server.created())
        await world.sleep(200)
        assert len(world.server.created()) == before, "not one"
        assert {len(node.replica.node_pool.nodes) for node in world.nodes.values()} == {3}, "nobody leaves the ring"
        settled = {told.uid: told.status.get("settledThrough", "") for told in world.evidence.told}
        world.pause(False)
        resumed_at = (world.now() - world.epoch).total_seconds()
        await world.sleep(60)
        for uid, through in settled.items():
            assert through < f"{world.epoch + timedelta(seconds=paused_at):%Y-%m-%dT%H:%M:%SZ}", uid
        missed = {
            name: [at for at in fired(world, name) if paused_at < at < resumed_at - 15]
            for name in (*policies, *held, "often")
        }
        due = [at for at in range(0, 400, 20) if paused_at < at < resumed_at - 15]
        assert len(due) >= 9
        assert missed["all"] == due, "the oldest first"
        assert missed["none"] == missed["impatient"] == []
        assert len(missed["latest"]) <= 1
        for name in (*policies, *held, "often"):
            counts = told(world, name)
            assert counts["due"] == counts["created"] + counts["skipped"] + counts["missed"], name
            assert len(fired(world, name)) == counts["created"], name
        assert told(world, "impatient")["missed"] >= len(due)
        evidence = await world.close()
        assert evidence.bugs == []

    simulate(scenario, seed=seed)


def test_a_manual_run_and_a_backfill_wait_for_the_end_of_the_pause() -> None:
    async def scenario(simulation: Simulation) -> None:
        yearly = {"schedule": "@yearly", "jobTemplate": TEMPLATE}
        world = await begin(simulation, by_hand=yearly, past=SLOW)
        world.pause(True)
        await world.sleep(10)
        before = {job.name for job in world.server.created()}
        by_hand, past = Key("ns", "by-hand"), Key("ns", "past")
        first, last = (f"{world.epoch + timedelta(seconds=at):%Y-%m-%dT%H:%M:%SZ}" for at in (-100, -60))
        world.server.annotate(by_hand, {"dcron.io/trigger": "now"})
        world.server.annotate(past, {"dcron.io/backfill": f"{first}/{last}"})
        await world.sleep(60)
        assert {job.name for job in world.server.created()} == before
        world.pause(False)
        await world.sleep(15)
        made = [job for job in world.server.created() if job.name not in before]
        kinds = Counter(job.trigger.value for job in made)
        assert (kinds["manual"], kinds["backfill"]) == (1, 2)
        await world.close()

    simulate(scenario)


def test_whoever_joins_or_takes_over_in_a_pause_creates_nothing_either() -> None:
    async def scenario(simulation: Simulation) -> None:
        claimed = {**EACH_2_S, "concurrencyPolicy": "Replace"}
        world = await begin(simulation, plain=EACH_2_S, claimed=claimed)
        world.pause(True)
        await world.sleep(6)
        before = len(world.server.created())
        for node in list(world.nodes.values())[:2]:
            world.kill(node)
        world.start()
        await world.sleep(20)
        for node in list(world.nodes.values())[:1]:
            world.stop(node)
        await world.sleep(20)
        assert len(world.server.created()) == before
        world.pause(False)
        await world.sleep(20)
        assert len(world.server.created()) > before + 10
        for name in ("plain", "claimed"):
            assert len(fired(world, name)) == told(world, name)["created"]
        await world.close()

    simulate(scenario)


def test_who_stands_in_for_a_replica_that_died_in_a_pause_without_redis_goes_on() -> None:
    async def scenario(simulation: Simulation) -> None:
        world = await begin(simulation, **{f"object_{number}": EACH_2_S for number in range(6)})
        world.redis.down = True
        await world.sleep(10)
        world.pause(True)
        await world.sleep(10)
        world.kill(next(iter(world.nodes.values())))
        await world.sleep(10)
        world.pause(False)
        await world.sleep(PAUSE_SEEN_WITHIN.total_seconds() + 10)
        since = (world.now() - world.epoch).total_seconds()
        await world.sleep(20)
        for number in range(6):
            later = [at for at in fired(world, f"object-{number}") if at > since]
            assert len(later) >= 9, number
        await world.close()

    simulate(scenario)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mix", [PAUSED, PAUSED_POLICIES], ids=["plain", "policies"])
@pytest.mark.parametrize("seed", range(5))
def test_while_all_replicas_know_of_the_pause_no_job_is_created(mix: Mix, seed: int) -> None:
    evidence = runs.minutes_of(mix, seed=seed)
    violations = invariants.check(evidence, mix.rules)
    assert not violations, report(f"seed {seed}", evidence, violations)
    pauses = [fault for fault in evidence.faults if fault.what == "everything paused"]
    created = [entry.at for entry in evidence.history if entry.what is What.CREATED]
    assert pauses
    for pause in pauses:
        known = pause.at + PAUSE_SEEN_WITHIN + ON_ITS_WAY
        assert pause.until is not None
        assert [at for at in created if known < at <= pause.until - PAUSE_SEEN_WITHIN] == []
