"""The table of the benchmark: it says which goals are met, and fails for none."""

from __future__ import annotations

from controller import comparison
from tests.bench import many
from tests.bench.__main__ import main
from tests.bench.measures import Measure


def measure(name: str, figure: float) -> Measure:
    return Measure(name=name, goal=0.05, figure=figure, reference_name="a plain loop", reference=0.1)


def test_the_table_says_which_goals_are_met_and_the_exit_status_does_not() -> None:
    said: list[str] = []
    assert main([measure("quick", 0.05), measure("slow", 1.5)], say=said.append) == 0
    _, quick, slow, last = (" ".join(line.split()) for line in said)
    assert quick == "quick <= 50 ms 50 ms met 0.5 100 ms, a plain loop"
    assert slow == "slow <= 50 ms 1.50 s NOT MET 15 100 ms, a plain loop"
    assert last == "1 of 2 goals met on this machine"


def test_many_objects_are_watched_at_peace_for_as_long_as_it_takes_to_list_them_all_again() -> None:
    assert many.idle_for(1_000) == many.IDLE
    assert many.idle_for(10 * comparison.AT_ONCE) == 10 * comparison.COMPARE_EVERY
