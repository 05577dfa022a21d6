"""Whole replicas under joins, leaves, deaths, skewed clocks and edits, seed by seed; and for a whole virtual day.

`DCRON_SIMULATION_SEEDS` runs more seeds than the default ones. A failure names its seed.
"""

import os

import pytest

from tests.simulation import invariants, runs
from tests.simulation.trace import report

SEEDS = int(os.environ.get("DCRON_SIMULATION_SEEDS", "200"))
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
