from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo.expected import Uncountable, instants
from tests.unit.demo_data import NOON, TICKER, at

# 2 March 2026 is a Monday. In Kolkata it is 17:30 then; Paris goes to summer time on 29 March at 01:00 UTC.


@pytest.mark.parametrize(
    ("schedule", "zone", "expected"),
    [
        pytest.param("*/20 * * * * *", "UTC", [20, 40, 60], id="a step from a star"),
        pytest.param("5/25 * * * * *", "UTC", [5, 30, 55], id="a step from a number goes to the end"),
        pytest.param("1-9/4,50 * * * * *", "UTC", [1, 5, 9, 50], id="a list with a range and a step"),
        pytest.param("* * * * *", "UTC", [60], id="five fields fire at second 0"),
        pytest.param("0 31 17 * * MON", "Asia/Kolkata", [60], id="the clock of a zone"),
        pytest.param("0 31 17 * * MON", "UTC", [], id="another hour"),
        pytest.param("1 12 2 MAR *", "UTC", [60], id="the name of a month"),
        pytest.param("1 12 3 * 1", "UTC", [60], id="either day if both are restricted"),
        pytest.param("1 12 3 * *", "UTC", [], id="not the day"),
        pytest.param("1 12 ? * 2", "UTC", [], id="not the weekday"),
        pytest.param("1 12 * * fri-7", "UTC", [], id="Sunday is 7"),
    ],
)
def test_a_schedule_has_the_instants_that_the_wall_clock_shows(schedule: str, zone: str, expected: list[int]) -> None:
    found = instants([schedule], zone, NOON, at(60))
    assert found == [at(second) for second in expected]


def test_the_beginning_is_left_out_and_the_end_is_not() -> None:
    assert instants(["*/30 * * * * *"], "UTC", NOON, at(30)) == [at(30)]


def test_an_instant_of_two_schedules_counts_once() -> None:
    assert instants(["*/20 * * * * *", "*/30 * * * * *"], "UTC", NOON, at(60)) == [at(s) for s in (20, 30, 40, 60)]


def test_a_macro_means_its_five_fields() -> None:
    assert instants(["@hourly"], "UTC", NOON, NOON + timedelta(hours=2)) == [NOON + timedelta(hours=h) for h in (1, 2)]


def test_sunday_has_two_numbers() -> None:
    saturday = datetime(2026, 3, 7, 23, 59, 50, tzinfo=UTC)
    midnight = saturday + timedelta(seconds=10)
    assert [instants([f"0 0 * * {day}"], "UTC", saturday, midnight) for day in ("0", "7", "SUN")] == [[midnight]] * 3


def test_a_local_time_that_does_not_exist_is_no_instant() -> None:
    before = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert instants(["30 2 * * *"], "Europe/Paris", before, before + timedelta(hours=1)) == []


@pytest.mark.parametrize("schedule", ["H * * * *", "0 0 L * *", "@every 5s", "60 * * * *", "* * * *", "*/0 * * * *"])
def test_a_schedule_that_is_not_understood_is_refused_and_not_miscounted(schedule: str) -> None:
    with pytest.raises(Uncountable, match="cannot count"):
        instants([schedule], "UTC", NOON, at(60))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(Uncountable, match="Mars/Olympus"):
        instants(["* * * * *"], "Mars/Olympus", NOON, at(60))


def test_a_suspended_object_is_never_due() -> None:
    assert replace(TICKER, suspended=True).due(at(5)) == []


def test_an_object_is_due_from_its_start_until_before_its_end() -> None:
    assert replace(TICKER, start_at=at(2), end_at=at(4)).due(at(9)) == [at(2), at(3)]
