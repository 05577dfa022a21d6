"""Whole replicas under joins, leaves, deaths, skewed clocks and edits, seed by seed; and for a whole virtual day.

And objects under any mix of policies, of which people ask things by annotation meanwhile.

`DCRON_SIMULATION_SEEDS` and `DCRON_POLICY_SEEDS` run more seeds than the default ones. A failure names its seed.
"""

import os

import pytest

from tests.simulation import invariants, runs
from tests.simulation.trace import report

SEEDS = int(os.environ.get("DCRON_SIMULATION_SEEDS", "200"))
POLICY_SEEDS = int(os.environ.get("DCRON_POLICY_SEEDS", "60"))
POLICY_MINUTES = 1.5
"""Short, and many: what matters is the mixture of objects, which each seed throws anew."""
BLOCK = 10
"""Seeds in one test: a failing one is named in its message, and so many go to one worker together."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK), ids=lambda first: f"seeds-{first}-{first + BLOCK - 1}")
def test_five_minutes_full_of_faults_lose_nothing_and_fire_nothing_twice(first: int) -> None:
    broken = []
    for seed in range(first, min(first + BLOCK, SEEDS)):
        evidence = runs.faulty_minutes(seed=seed)
        assert len(evidence.history) > 100, f"seed {seed} has hardly fired anything"
        assert len(evidence.faults) > 5, f"seed {seed} has hardly struck"
        if violations := invariants.check(evidence):
            broken.append(report(seed, evidence, violations))
    assert not broken, "\n\n".join(broken)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", range(0, POLICY_SEEDS, BLOCK), ids=lambda first: f"seeds-{first}-{first + BLOCK - 1}")
def test_any_mix_of_policies_and_requests_keeps_its_promises_and_its_ledger(first: int) -> None:
    broken = []
    for seed in range(first, min(first + BLOCK, POLICY_SEEDS)):
        evidence = runs.policy_minutes(seed=seed, minutes=POLICY_MINUTES)
        assert len(evidence.history) > 30, f"seed {seed} has hardly fired anything"
        assert len(evidence.annotated) > 5, f"seed {seed} has hardly been asked for anything"
        if violations := invariants.check(evidence, invariants.POLICY_RULES):
            broken.append(report(seed, evidence, violations))
    assert not broken, "\n\n".join(broken)


@pytest.mark.timeout(300)
def test_a_virtual_day_loses_nothing_and_fires_nothing_twice() -> None:
    evidence = runs.quiet_day(seed=1)
    created = [entry for entry in evidence.history if entry.what == "created"]
    assert len(created) == 24 * 60 + 24 * 12 + 24
    violations = invariants.check(evidence)
    assert not violations, report(1, evidence, violations)


def test_a_seed_tells_the_whole_story() -> None:
    def story(seed: int) -> list[tuple[str, ...]]:
        evidence = runs.faulty_minutes(seed=seed, minutes=2)
        return [(str(entry.at), entry.what, entry.job.name, str(entry.node)) for entry in evidence.history]

    assert story(7) == story(7)
    assert story(7) != story(8)
