from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.console import Console

from deploy.demo.lines import Lines
from deploy.demo.scene import Scene
from deploy.demo.summary import tell
from deploy.demo.table import LiveTable
from deploy.demo.verdict import Kill, judge
from tests.unit.demo_data import NOON, TICKER, UNTIL, at, fired

KILL = Kill(node="replica-2", at=at(2.5), objects=("ticker",))
FIRINGS = [fired(1), fired(2, node="replica-2"), fired(3, late=4.5), fired(4), fired(5)]
SLEEPER = replace(
    TICKER, uid="uid-sleeper", name="sleeper", schedules=("0 0 1 1 *",), next_at=NOON.replace(year=2027), owner=""
)


def summary(dropped: float | None = None, kill: Kill | None = KILL) -> str:
    firings = [firing for firing in FIRINGS if dropped is None or firing.instant != at(dropped)]
    console = Console(file=io.StringIO(), force_terminal=False, width=100)
    tell(judge([TICKER, SLEEPER], firings, [], until=UNTIL, kill=kill), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def scene(kill: Kill | None = None) -> Scene:
    nodes = {"replica-1": True, "replica-2": kill is None}
    whole = timedelta(seconds=10)
    return Scene.of([SLEEPER, TICKER], FIRINGS, nodes, kill, now=at(6), began=NOON, whole=whole)


def drawn(scene: Scene, height: int = 30) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=100, height=height)
    with LiveTable(console) as table:
        table.show(scene)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_summary_tells_the_counts_the_lateness_and_the_hand_over() -> None:
    text = summary()
    assert "ticker * * * * * * 5 5 0 0 0 20 ms 4.50 s 4/1" in " ".join(text.split())
    assert "p50 20 ms, p99 4.50 s, worst 4.50 s" in text
    assert "4.50 s at worst, ticker of 12:00:03; replica-2 killed with -9 at 12:00:02" in text
    assert "PASSED" in text


def test_the_summary_fits_a_hundred_columns_and_has_no_control_codes() -> None:
    text = summary()
    assert max(map(len, text.splitlines())) <= 100
    assert "\x1b" not in text


def test_a_missed_instant_is_named() -> None:
    text = summary(dropped=4)
    assert "MISSED ticker 2026-03-02 12:00:04Z (its status says nothing about it)" in text
    assert "FAILED  1 missed" in text


def test_an_object_that_is_not_due_is_named_apart() -> None:
    assert "not due    sleeper" in summary()


def test_without_a_kill_nothing_is_said_of_a_hand_over() -> None:
    assert "hand-over" not in summary(kill=None)


def test_the_table_shows_the_newest_firing_of_each_object() -> None:
    text = drawn(scene())
    assert "ticker   * * * * * *  12:00:05  replica-1     20 ms        5/6" in text
    assert "next Mar 02 12:00Z" in text


def test_the_table_shows_the_kill() -> None:
    text = drawn(scene(KILL))
    assert "KILLED with kill -9 at 12:00:02; objects it served: 1" in text
    assert "replica-2 killed; the others have taken over" in text


def test_on_a_low_terminal_the_objects_that_fire_least_are_only_named() -> None:
    crowd = [replace(SLEEPER, uid=str(number), name=f"sleeper-{number}") for number in range(9)]
    moment = Scene.of([*crowd, TICKER], FIRINGS, {}, None, now=at(6), began=NOON, whole=timedelta(seconds=10))
    text = drawn(moment, height=12)
    assert "and 4 more: sleeper-5, sleeper-6" in text
    assert "ticker " in text


def test_lines_have_one_for_each_firing(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as screen:
        screen.fired("ticker", FIRINGS[2])
    assert capsys.readouterr().out == "ticker               12:00:03  replica-1      4.50 s late\n"


def test_lines_tell_once_what_waits(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Lines()
    screen.show(scene())
    screen.show(scene())
    assert capsys.readouterr().out == "sleeper              0 0 1 1 *: next Mar 02 12:00Z\n"
