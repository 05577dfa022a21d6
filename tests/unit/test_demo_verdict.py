from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.demo.evidence import Firing
from deploy.demo.objects import CronObject
from deploy.demo.tally import Kind
from deploy.demo.verdict import Kill, Verdict, judge, quantile
from tests.unit.demo_data import TICKER, UNTIL, at, fired, recorded

ALL = [fired(second) for second in range(1, 6)]


def count(firings: list[Firing], found: CronObject = TICKER, kill: Kill | None = None) -> Verdict:
    return judge([found], firings, [], until=UNTIL, kill=kill)


def faults(verdict: Verdict) -> list[tuple[Kind, str]]:
    return [(fault.kind, f"{fault.instant:%S}") for fault in verdict.faults]


def test_one_job_for_each_instant_passes() -> None:
    verdict = count(ALL)
    assert verdict.passed
    assert (verdict.tallies[0].due, len(verdict.tallies[0].fired)) == (5, 5)


def test_an_instant_without_a_job_is_missed() -> None:
    verdict = count([firing for firing in ALL if firing.instant != at(3)])
    assert not verdict.passed
    assert faults(verdict) == [(Kind.MISSED, "03")]


def test_an_instant_with_two_jobs_ran_twice() -> None:
    verdict = count([*ALL, fired(3, late=4, node="replica-2", job="again")])
    assert not verdict.passed
    assert faults(verdict) == [(Kind.TWICE, "03")]
    assert verdict.late[-1] < timedelta(seconds=1), "the first of the two tells the lateness"


def test_a_job_for_an_instant_that_is_none_is_invented() -> None:
    verdict = count([*ALL, fired(2.5)])
    assert not verdict.passed
    assert faults(verdict) == [(Kind.INVENTED, "02")]


def test_a_job_without_an_instant_is_invented() -> None:
    assert [fault.kind for fault in count([*ALL, replace(ALL[0], instant=None)]).faults] == [Kind.INVENTED]


def test_a_job_of_a_suspended_object_is_invented() -> None:
    verdict = count([ALL[0]], replace(TICKER, suspended=True))
    assert faults(verdict) == [(Kind.INVENTED, "01")]


def test_a_job_of_no_object_is_invented() -> None:
    verdict = count([*ALL, replace(ALL[0], object_uid="a stranger")])
    assert faults(verdict) == [(Kind.INVENTED, "01")]


def test_a_job_before_its_instant_is_too_early() -> None:
    assert faults(count([*ALL[1:], fired(1, late=-0.5)])) == [(Kind.EARLY, "01")]


def test_a_job_for_an_instant_after_the_end_is_left_out() -> None:
    verdict = count([*ALL, fired(6)])
    assert verdict.passed
    assert verdict.jobs == 6


def test_what_only_one_record_knows_does_not_pass() -> None:
    verdict = judge([TICKER], ALL, ["default/ticker-3"], until=UNTIL, kill=None)
    assert not verdict.passed


def test_nothing_due_proves_nothing() -> None:
    assert not count([], replace(TICKER, suspended=True)).passed


def test_an_instant_that_forbid_skipped_is_not_missed() -> None:
    verdict = count([*ALL[:2], *ALL[3:]], recorded({3: "SkippedForbid"}, policy="Forbid"))
    assert verdict.passed
    assert verdict.tallies[0].skipped == 1


@pytest.mark.parametrize(
    ("reason", "policy"), [("SkippedForbid", "Allow"), ("SkippedForbid", "Replace"), ("MissedDeadline", "Forbid")]
)
def test_no_other_reason_excuses_a_missing_job(reason: str, policy: str) -> None:
    verdict = count([*ALL[:2], *ALL[3:]], recorded({3: reason}, policy=policy))
    assert faults(verdict) == [(Kind.MISSED, "03")]
    assert reason in verdict.faults[0].detail


def test_a_skip_excuses_only_its_own_instant() -> None:
    verdict = count([*ALL[:2], *ALL[3:]], recorded({4: "SkippedForbid"}, policy="Forbid"))
    assert faults(verdict) == [(Kind.MISSED, "03")]


def test_the_hand_over_is_the_worst_lateness_about_the_kill() -> None:
    kill = Kill(node="replica-1", at=at(1.5), objects=("ticker",))
    late = [fired(1, late=2), fired(2, late=3), *ALL[2:]]
    verdict = count(late, kill=kill)
    assert verdict.hand_over == late[1]
    assert verdict.calm == []


def test_firings_long_before_the_kill_say_nothing_of_the_hand_over() -> None:
    verdict = count([fired(1, late=0.9), *ALL[1:]], kill=Kill(node="replica-1", at=at(4.5), objects=("ticker",)))
    assert verdict.hand_over in ALL[3:]
    assert verdict.calm[-1] == timedelta(seconds=0.9)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_quantile_is_one_of_the_values(share: float, expected: int) -> None:
    assert quantile([timedelta(seconds=second) for second in range(1, 101)], share) == timedelta(seconds=expected)


def test_nothing_has_no_quantile() -> None:
    assert quantile([], 0.5) is None
