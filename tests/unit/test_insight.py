"""What a look that was cut short leaves to the next one, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.insight import Insight, Insights
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
