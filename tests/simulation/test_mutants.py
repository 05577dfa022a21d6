"""The simulation catches what it is there to catch: replicas with one fault put in, each found within a few seeds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from controller.jobs import Job
from controller.messages import CreateResult, Member, Membership
from controller.nodepool import NodePool, Ownership, State, Theirs
from controller.replica import Replica
from controller.spec import CronJob, Key
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.driver import FakeDriver
from tests.simulation import invariants, runs
from tests.simulation.evidence import Evidence
from tests.simulation.trace import report
from tests.simulation.world import Parts

SEEDS = range(4)
"""A mutant that survives these is not caught."""
AN_HOUR = timedelta(hours=1)
LIST_SECONDS = 6.0


class NeverCorrectedClock(SimulatedClock):
    """Believes its own system clock, whatever Redis says."""

    def correct(self, offset: timedelta) -> None:
        """Not at all."""


class NamesWithoutSeconds(FakeCluster):
    """Job names end with the minute."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Under the cut name."""
        head, instant, uid = manifest["metadata"]["name"].rsplit("-", 2)
        name = f"{head}-{instant[:-2]}-{uid}"
        return await super().create_job({**manifest, "metadata": {**manifest["metadata"], "name": name}})


class NamesByChance(FakeCluster):
    """Job names that two replicas do not share, so that the name locks nothing."""

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Under a name of its own."""
        name = f"{manifest['metadata']['name']}-{secrets.token_hex(4)}"
        return await super().create_job({**manifest, "metadata": {**manifest["metadata"], "name": name}})


class TheDeadLive(FakeDriver):
    """Members whose announcements never run out."""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """For an hour."""
        return await super().beat(member, ttl=AN_HOUR)


class EachAlone(FakeDriver):
    """Everybody sees nobody but itself."""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """All by itself."""
        return replace(await super().beat(member, ttl=ttl), members=(member,))


class NoLedger(FakeCluster):
    """Nobody remembers how far the instants are done."""

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """All but that."""
        kept = {name: value for name, value in status.items() if name != "settledThrough"}
        return await super().write_status(cron_job, kept)


class DeletesTheNewest(FakeCluster):
    """Deletes the newest Job instead of the one that is asked for."""

    async def delete_job(self, job: Job) -> bool:
        """The newest of the same object that still runs, if there is one."""
        active = [one for one in self._server.jobs(job.owner_uid) if one.active and one.scheduled_at is not None]
        active.sort(key=lambda one: str(one.scheduled_at))
        return await super().delete_job(active[-1] if active else job)


class SlowToList(FakeCluster):
    """The first list of the objects takes long; harmless to a replica that waits for it."""

    async def watch_cron_jobs(self, seen: Callable[[CronJob], object], gone: Callable[[Key, str], object]) -> None:
        """After a while, if there are any."""
        if self._server.cron_jobs():
            await asyncio.sleep(LIST_SECONDS)
        await super().watch_cron_jobs(seen, gone)


class JoinsTooEarly(Replica):
    """Announces itself before it knows the objects."""

    async def _lists_complete(self) -> None:
        self._progress.objects_listed.set()


class NobodyWithoutRedis(NodePool):
    """Takes a Redis that does not answer for an empty ring, and an empty ring for nobody."""

    def ownership(self, key: Key) -> Ownership:
        """Nobody's, without Redis."""
        return Theirs() if self.state is State.DEGRADED else super().ownership(key)


class StopsWithoutRedis(Replica):
    """A replica with such a pool."""

    def __init__(self, *arguments: Any, **ports: Any) -> None:
        super().__init__(*arguments, **ports)
        self.node_pool.__class__ = NobodyWithoutRedis


DEATHS = partial(runs.faulty_minutes, minutes=1.5)
SOON = partial(runs.faulty_minutes, minutes=0.5)
REDIS_DOWN = partial(runs.faults_minutes, minutes=1.5, kinds=("Redis down",))
MUTANTS: dict[str, tuple[Parts, str, Callable[..., Evidence]]] = {
    "no ledger": (Parts(cluster=NoLedger), "L4", SOON),
    "job names without seconds": (Parts(cluster=NamesWithoutSeconds), "L1", DEATHS),
    "an empty ring means nobody": (Parts(replica=StopsWithoutRedis), "L1", REDIS_DOWN),
    "announces before the lists are complete": (
        Parts(cluster=SlowToList, replica=JoinsTooEarly),
        "L1",
        DEATHS,
    ),
    "Replace deletes a newer Job": (Parts(cluster=DeletesTheNewest), "S9", DEATHS),
    "the clock is never corrected": (Parts(clock=NeverCorrectedClock), "S3", DEATHS),
    "job names by chance": (Parts(cluster=NamesByChance, driver=EachAlone), "S1", DEATHS),
    "the dead stay on the ring": (Parts(driver=TheDeadLive), "L2", DEATHS),
    "each sees itself alone": (Parts(driver=EachAlone), "L5", DEATHS),
}


@pytest.mark.parametrize(("parts", "rule", "run"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_caught(parts: Parts, rule: str, run: Callable[..., Evidence]) -> None:
    for seed in SEEDS:
        evidence = run(seed=seed, parts=parts)
        if rule in {violation.rule for violation in invariants.check(evidence)}:
            return
    pytest.fail(f"nobody has noticed within {len(SEEDS)} seeds")


def test_a_list_that_takes_long_harms_nobody_who_waits_for_it() -> None:
    for seed in SEEDS:
        evidence = runs.faulty_minutes(seed=seed, minutes=1.5, parts=Parts(cluster=SlowToList))
        violations = invariants.check(evidence)
        assert not violations, report(seed, evidence, violations)


def test_replicas_that_do_not_see_each_other_still_fire_nothing_twice_and_lose_nothing() -> None:
    for seed in SEEDS:
        evidence = runs.faulty_minutes(seed=seed, minutes=1.5, parts=Parts(driver=EachAlone))
        violations = [violation for violation in invariants.check(evidence) if violation.rule != "L5"]
        assert not violations, report(seed, evidence, violations)
