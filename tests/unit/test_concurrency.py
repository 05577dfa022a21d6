"""How many looks are under way at once: few where the API server is near, more where it is far away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.concurrency import LEAST, MOST, RATE, places


def milliseconds(number: float) -> timedelta:
    return timedelta(milliseconds=number)


def test_an_api_server_that_is_near_or_not_known_yet_gets_the_least() -> None:
    assert places(None) == places(milliseconds(0)) == places(milliseconds(5)) == LEAST


def test_one_that_is_far_away_gets_as_many_as_keep_the_rate() -> None:
    assert places(milliseconds(50)) == RATE * 0.05
    assert places(milliseconds(51)) == RATE * 0.05 + 1


@pytest.mark.parametrize("latency", [300, 5000])
def test_however_far_there_is_a_limit(latency: float) -> None:
    assert places(milliseconds(latency)) == MOST
