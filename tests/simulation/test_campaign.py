"""A campaign goes on whatever breaks, and says at its end what broke and how to repeat it."""

from __future__ import annotations

import pytest

from tests.simulation.campaign import Task, Total, judge, run, tasks
from tests.simulation.mixes import MIXES, WITH_FAULTS

ERROR = Task(mix="no such mix", seed=7)
SHORT = Task(mix="faults", seed=1, minutes=1)


def test_each_seed_has_the_mix_whose_turn_it_is_or_the_one_that_is_asked_for() -> None:
    assert [task.mix for task in tasks(range(len(WITH_FAULTS)))] == list(WITH_FAULTS)
    assert {task.mix for task in tasks(range(9), mix="policies")} == {"policies"}
    assert set(WITH_FAULTS) <= MIXES.keys()


def test_a_task_says_how_to_repeat_it() -> None:
    assert str(SHORT) == "python -m tests.simulation --mix faults --seed 1 --minutes 1"
    assert str(Task(mix="stalls", seed=3)) == "python -m tests.simulation --mix stalls --seed 3"


def test_an_error_in_a_seed_is_what_broke_there() -> None:
    judged = judge(ERROR)
    assert judged.told is not None
    assert f"to repeat: {ERROR}" in judged.told
    assert "KeyError" in judged.told


@pytest.mark.timeout(300)
def test_a_campaign_goes_on_after_what_breaks_and_lists_it_at_the_end() -> None:
    said: list[str] = []
    total = run(iter([ERROR, SHORT]), said.append, processes=1)
    assert total.broken == [ERROR]
    assert total.seeds == {ERROR.mix: 1, SHORT.mix: 1}
    assert total.instants > 20
    assert total.faults["join"] == 3
    assert [line for line in said if "2 seeds in" in line and "1 broken" in line]
    told = str(total)
    assert f"broken: {ERROR}" in told
    assert f"2 seeds, {total.instants} instants judged" in told


def test_of_a_total_only_counts_are_kept() -> None:
    total = Total()
    for _ in range(3):
        total.add(judge(ERROR))
    assert len(total.broken) == 3
    assert total.seeds.total() == 3
