"""What ends a look and what does not; what one that was cut short leaves to the next, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.errors import ClusterUnavailable, StoreUnavailable, Throttled, TransientError
from controller.insight import AT_ONCE, FORGIVEN, Insight, Insights
from controller.lister import FRESH
from controller.spec import CronJob
from tests.unit.builders import cron_job

BEGAN = timedelta(seconds=5)


def taken_up(cron: CronJob, *, after: timedelta) -> Insight:
    """What the next look begins with, so long after the begin of one that had listed the Jobs and was cut short."""
    insights = Insights()
    first = insights.begin(cron_job(), BEGAN)
    first.listed_at = "7"
    insights.leave(first)
    return insights.begin(cron, BEGAN + after)


def test_the_next_look_takes_up_what_was_left_for_a_moment() -> None:
    assert taken_up(cron_job(), after=FRESH).listed_at == "7"
    assert taken_up(cron_job(), after=FRESH + timedelta(milliseconds=1)).listed_at is None


@pytest.mark.parametrize("changes", [{"generation": 99}, {"uid": "another"}], ids=["edited", "made again"])
def test_nothing_is_taken_up_by_what_is_not_the_same_any_more(changes: dict[str, Any]) -> None:
    assert taken_up(replace(cron_job(), **changes), after=timedelta(0)).listed_at is None


def test_it_is_taken_up_once_and_not_of_what_is_gone() -> None:
    insights, cron = Insights(), cron_job()
    first = insights.begin(cron, BEGAN)
    first.listed_at = "7"
    insights.leave(first)
    assert insights.begin(cron, BEGAN) is first
    assert insights.begin(cron, BEGAN) is not first
    insights.leave(first)
    insights.forget(cron.uid)
    assert insights.begin(cron, BEGAN) is not first


def begun() -> Insight:
    return Insights().begin(cron_job(), BEGAN)


def test_two_server_errors_are_forgiven_and_a_third_is_not() -> None:
    insight = begun()
    answers = [insight.forgives(ClusterUnavailable("500"), after=AT_ONCE) for _ in range(FORGIVEN + 1)]
    assert answers == [True] * FORGIVEN + [False]


@pytest.mark.parametrize(
    ("error", "after"),
    [
        pytest.param(Throttled("429", retry_after_seconds=1), timedelta(0), id="who asks to slow down is obeyed"),
        pytest.param(ClusterUnavailable("504"), AT_ONCE * 1.1, id="what is slow is not asked again at once"),
        pytest.param(StoreUnavailable("gone"), timedelta(0), id="Redis has rules of its own"),
    ],
)
def test_what_ends_the_look(error: TransientError, after: timedelta) -> None:
    assert not begun().forgives(error, after=after)


def test_a_look_that_takes_up_what_another_has_left_is_forgiven_as_much() -> None:
    insights, cron = Insights(), cron_job()
    first = insights.begin(cron, BEGAN)
    assert [first.forgives(ClusterUnavailable("500"), after=AT_ONCE) for _ in range(FORGIVEN + 1)][-1] is False
    insights.leave(first)
    second = insights.begin(cron, BEGAN)
    assert second is first
    assert second.forgives(ClusterUnavailable("500"), after=AT_ONCE)
