"""When a watch is given up: what it must have shown is held against what it has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from controller.comparison import COMPARE_EVERY
from controller.watchdog import BLIND, Watchdog

ROUND = COMPARE_EVERY + timedelta(seconds=2)
"""A comparison and the time that the watch is given before it is held against the list."""


def after(*looks: tuple[int, int] | str) -> Watchdog:
    """A watchdog after a comparison each round: the newest version listed, and the one shown; or what went wrong."""
    watchdog, at = Watchdog(), timedelta(0)
    for look in looks:
        at += ROUND
        match look:
            case "unanswered":
                watchdog.unanswered()
            case "not served":
                watchdog.unanswered()
                watchdog.not_served(at=at)
            case "went back" | "went on":
                watchdog.went_back(look == "went back")
            case (int(newest), int(shown)):
                watchdog.listed(newest, shown=shown, at=at)
    return watchdog


@pytest.mark.parametrize(
    "looks",
    [
        pytest.param([(5, 5)] * 10, id="nothing happens, and all was shown"),
        pytest.param([(0, 0)] * 10, id="there is no object"),
        pytest.param([(3, 5)] * 10, id="the list comes from an old cache"),
        pytest.param([(5 + step, 4 + step) for step in range(10)], id="it lags, and moves on"),
        pytest.param([(9, 5), (9, 5), (9, 5), (9, 9), (9, 9)], id="it falls silent and comes back"),
        pytest.param([(9, 5), (9, 5), "unanswered", (9, 5), (9, 5)], id="the API server was away, it has time again"),
        pytest.param(["unanswered"] * 10, id="the API server is away"),
        pytest.param(["not served", (5, 5), "not served", (5, 5)], id="not served for a moment, twice"),
        pytest.param(["went back", "went on", "went back", "went on"], id="one list was older, twice"),
    ],
)
def test_a_watch_that_may_recover_is_kept(looks: list[tuple[int, int] | str]) -> None:
    assert not after(*looks).is_lost


@pytest.mark.parametrize(
    ("looks", "reason"),
    [
        pytest.param([(9, 5)] * 4, "has shown nothing for 96 s", id="there is news, and it shows nothing"),
        pytest.param([(9 + step, 5) for step in range(4)], "has shown nothing for 96 s", id="there is ever more news"),
        pytest.param([(1, 0)] * 4, "has shown nothing", id="it has never shown anything"),
        pytest.param(["not served", "not served"], "was the CRD deleted?", id="the CRD is gone"),
        pytest.param(["went back", "went back"], "was etcd restored", id="etcd is of an earlier time"),
    ],
)
async def test_a_watch_that_will_not_recover_is_lost(looks: list[tuple[int, int] | str], reason: str) -> None:
    watchdog = after(*looks)
    assert watchdog.is_lost
    assert reason in await watchdog.lost()


def test_it_is_lost_once_kopf_must_have_come_back() -> None:
    rounds = next(count for count in range(1, 20) if after(*[(9, 5)] * count).is_lost)
    assert BLIND < (rounds - 1) * ROUND < 2 * BLIND
