"""Whole replicas on virtual time, seed by seed, each mix of objects, people and faults; and a whole virtual day.

A failure names its seed, the command that repeats it, and the least that tells how it came. `make simulate` runs more.
"""

from __future__ import annotations

import pytest

from tests.simulation import campaign, invariants, runs
from tests.simulation.campaign import Task
from tests.simulation.mixes import DEATHS, MIXES, WITH_FAULTS
from tests.simulation.trace import report

SEEDS = {
    "deaths": 80,
    "policies": 60,
    "faults": 60,
    "faults-deaths": 80,
    "faults-edits": 80,
    "faults-policies": 70,
    "late": 60,
    "stalls": 20,
    "pauses": 20,
    "pauses-policies": 20,
}
"""How many of each mix: more than 300 of those in which everything around the replicas is struck."""
BLOCK = 5
"""Seeds in one test: so many go to one worker together."""
BLOCKS = [(mix, first) for mix, seeds in SEEDS.items() for first in range(0, seeds, BLOCK)]


def test_enough_seeds_of_faults_are_run() -> None:
    assert SEEDS.keys() == MIXES.keys()
    assert sum(SEEDS[mix] for mix in WITH_FAULTS) >= 300


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("mix", "first"), BLOCKS, ids=[f"{mix}-{first}" for mix, first in BLOCKS])
def test_nothing_is_lost_nothing_fires_twice_and_the_ledger_is_true(mix: str, first: int) -> None:
    judged = [campaign.judge(Task(mix=mix, seed=seed)) for seed in range(first, first + BLOCK)]
    broken = [one.told for one in judged if one.told is not None]
    assert not broken, "\n\n".join(broken)
    assert sum(one.instants for one in judged) > 50 * BLOCK, "hardly anything was due"
    for one in judged:
        assert one.instants, f"{one.task}: nothing was due"
        assert one.faults.total() > 3, f"{one.task}: hardly anything has befallen it"


@pytest.mark.timeout(900)
def test_a_virtual_day_loses_nothing_and_fires_nothing_twice() -> None:
    evidence = runs.quiet_day(seed=1)
    created = [entry for entry in evidence.history if entry.what == "created"]
    assert len(created) == 24 * 60 + 24 * 12 + 24
    violations = invariants.check(evidence)
    assert not violations, report("python -m tests.simulation --days 1 --seed 1", evidence, violations)


def test_a_seed_tells_the_whole_story() -> None:
    def story(seed: int) -> list[tuple[str, ...]]:
        evidence = runs.minutes_of(DEATHS, seed=seed, minutes=2)
        return [(str(entry.at), entry.what, entry.job.name, str(entry.node)) for entry in evidence.history]

    assert story(7) == story(7)
    assert story(7) != story(8)
