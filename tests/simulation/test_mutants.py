"""The simulation catches what it is there to catch: replicas with one fault put in, each found within a few seeds."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.messages import CreateResult, Member, Membership
from tests.fakes.clock import SimulatedClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.driver import FakeDriver
from tests.simulation import invariants, runs
from tests.simulation.trace import report
from tests.simulation.world import Parts

SEEDS = range(4)
"""A mutant that survives these is not caught."""
AN_HOUR = timedelta(hours=1)


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


MUTANTS = {
    "the clock is never corrected": (Parts(clock=NeverCorrectedClock), "S3"),
    "job names without seconds": (Parts(cluster=NamesWithoutSeconds), "L1"),
    "job names by chance": (Parts(cluster=NamesByChance, driver=EachAlone), "S1"),
    "the dead stay on the ring": (Parts(driver=TheDeadLive), "L2"),
    "each sees itself alone": (Parts(driver=EachAlone), "L5"),
}


@pytest.mark.parametrize(("parts", "rule"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_caught(parts: Parts, rule: str) -> None:
    for seed in SEEDS:
        evidence = runs.faulty_minutes(seed=seed, minutes=1.5, parts=parts)
        if rule in {violation.rule for violation in invariants.check(evidence)}:
            return
    pytest.fail(f"nobody has noticed within {len(SEEDS)} seeds")


def test_replicas_that_do_not_see_each_other_still_fire_nothing_twice_and_lose_nothing() -> None:
    for seed in SEEDS:
        evidence = runs.faulty_minutes(seed=seed, minutes=1.5, parts=Parts(driver=EachAlone))
        violations = [violation for violation in invariants.check(evidence) if violation.rule != "L5"]
        assert not violations, report(seed, evidence, violations)
