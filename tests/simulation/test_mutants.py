"""The simulation catches what it is there to catch: replicas with one fault put in, each found within a few seeds."""

from __future__ import annotations

import pytest

from tests.simulation import invariants, runs
from tests.simulation.mixes import DEATHS, Mix
from tests.simulation.mutants import MUTANTS, OVERTAKEN, SEEDS, EachAlone, SlowToList, hunt, judged
from tests.simulation.trace import lines_of, report
from tests.simulation.world import Parts

HARMLESS_SEEDS = range(4)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_where_genuine_replicas_keep_every_rule(name: str) -> None:
    mutant = MUTANTS[name]
    caught = hunt(mutant, SEEDS)
    assert caught is not None, f"nobody has noticed within {len(SEEDS)} seeds"
    assert not (violations := judged(mutant, caught.seed)), lines_of(violations)


@pytest.mark.timeout(900)
def test_a_list_that_takes_long_harms_nobody_who_waits_for_it() -> None:
    for seed in HARMLESS_SEEDS:
        evidence = runs.minutes_of(DEATHS, seed=seed, minutes=1.5, parts=Parts(cluster=SlowToList))
        violations = invariants.check(evidence)
        assert not violations, report(f"seed {seed}", evidence, violations)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("mix", [DEATHS, OVERTAKEN], ids=["deaths", "requests seconds on their way"])
def test_replicas_that_do_not_see_each_other_still_fire_nothing_twice_and_lose_nothing(mix: Mix) -> None:
    """Each fires all: the ledger, the names and the claims must do, without the ring."""
    for seed in HARMLESS_SEEDS:
        evidence = runs.minutes_of(mix, seed=seed, minutes=1.5, parts=Parts(driver=EachAlone))
        violations = [violation for violation in invariants.check(evidence, mix.rules) if violation.rule != "L5"]
        assert not violations, report(f"seed {seed}", evidence, violations)
