"""Rings that replicas had, in histories made by hand: L5."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.checker.by_hand import at, history, jobs, kill
from tests.checker.history import Fault, History, RingView
from tests.checker.rules import judge

ALL, TWO = ("north", "south", "west"), ("south", "west")


def view(second: float, node: str, *members: str) -> RingView:
    """The ring that a replica has from then on."""
    return RingView(at=at(second), node=node, members=members)


START = [view(-5, node, *ALL) for node in ALL]


def run(*views: RingView, faults: tuple[Fault, ...] = ()) -> History:
    """A run in which all fire in time, with these rings."""
    return history(jobs(), faults=faults, rings=[*START, *views])


def cut_off(since: float, until: float) -> Fault:
    """One replica does not reach Redis."""
    return Fault(what="north cut off", since=at(since), until=at(until), divides=True)


STORIES: dict[str, tuple[History, list[str]]] = {
    "all agree": (run(), []),
    "the living agree within 7 s of a death": (
        run(view(5, "north"), view(10, "south", *TWO), view(11.9, "west", *TWO), faults=(kill(5),)),
        [],
    ),
    "one never learns of a death": (
        run(view(5, "north"), view(10, "south", *TWO), faults=(kill(5),)),
        ["L5 12:00:17: no agreement on the ring since 12:00:10: south has south, west; west has north, south, west"],
    ),
    "one that is cut off may keep its ring": (
        run(*(view(6, node, *TWO) for node in TWO), *(view(18, node, *ALL) for node in TWO), faults=(cut_off(1, 17),)),
        [],
    ),
    "and must have that of the others soon after": (
        run(*(view(6, node, *TWO) for node in TWO), faults=(cut_off(1, 17),)),
        [
            "L5 12:00:24: no agreement on the ring since 12:00:06: "
            "north has north, south, west; south has south, west; west has south, west"
        ],
    ),
    "a disagreement without any fault": (
        run(view(3, "west", *TWO), view(15, "west", *ALL)),
        [
            "L5 12:00:10: no agreement on the ring since 12:00:03: "
            "north has north, south, west; south has north, south, west; west has south, west"
        ],
    ),
    "one that has just started has none yet": (run(view(3, "west"), view(12, "west", *ALL)), []),
}


@pytest.mark.parametrize(("run", "complaints"), STORIES.values(), ids=STORIES)
def test_whether_replicas_agree_on_the_ring(run: History, complaints: list[str]) -> None:
    assert judge(run).complaints == complaints


def test_a_busy_machine_may_be_given_more_time() -> None:
    patient = replace(run(view(3, "west", *TWO), view(12, "west", *ALL)), agreement=at(10) - at(0))
    assert judge(patient).valid
