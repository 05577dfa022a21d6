"""H: a fixed value from a hash of the object's name and the field."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from controller.schedule.grammar import fields

NAMES = [f"team-{number % 40}/job-{number}" for number in range(4_000)]


def numbers(text: str, name: str = "default/report") -> list[tuple[int, ...]]:
    """The numbers of the six fields."""
    return [values.numbers for values in fields(text.split(), name)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("default/report", (1, 17, 18, 18, 11, 1), id="default/report"),
        pytest.param("team-a/nightly-backup", (46, 42, 15, 6, 3, 2), id="team-a/nightly-backup"),
        pytest.param("", (5, 55, 8, 16, 12, 6), id="no name"),
    ],
)
def test_the_values_are_a_promise(name: str, expected: tuple[int, ...]) -> None:
    # A change here moves the firings of every object that has an H.
    assert tuple(values[0] for values in numbers("H H H H H H", name)) == expected


def test_the_values_are_the_same_in_another_process() -> None:
    program = (
        "from controller.schedule.grammar import fields;"
        "print([v.numbers for v in fields('H H H H H H'.split(), 'a/b')])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert run.stdout.strip() == str(numbers("H H H H H H", "a/b"))


def test_each_field_is_hashed_by_itself() -> None:
    both = Counter((minute, hour) for _, (minute,), (hour,), *_ in (numbers("H H * * *", name) for name in NAMES))
    assert len(both) > 1_000  # of 1440; on a diagonal there would be 60
    assert max(both.values()) < 15


@pytest.mark.parametrize(
    ("text", "field", "low", "high"),
    [
        pytest.param("H * * * * *", 0, 0, 59, id="second"),
        pytest.param("H * * * *", 1, 0, 59, id="minute"),
        pytest.param("0 H * * *", 2, 0, 23, id="hour"),
        pytest.param("0 0 H * *", 3, 1, 28, id="a day that each month has"),
        pytest.param("0 0 1 H *", 4, 1, 12, id="month"),
        pytest.param("0 0 * * H", 5, 0, 6, id="day of week"),
        pytest.param("H(10-19) * * * *", 1, 10, 19, id="bounds"),
        pytest.param("0 0 H(25-31) * *", 3, 25, 31, id="bounds of days"),
        pytest.param("0 0 1 H(jun-AUG) *", 4, 6, 8, id="bounds by name"),
        pytest.param("h(7-7) * * * *", 1, 7, 7, id="one value, a small letter"),
    ],
)
def test_the_values_fill_their_bounds_evenly(text: str, field: int, low: int, high: int) -> None:
    found = Counter(numbers(text, name)[field] for name in NAMES)
    assert set(found) == {(value,) for value in range(low, high + 1)}
    assert max(found.values()) < 3 * min(found.values())


def test_the_bounds_of_weekdays_may_end_on_sunday_as_7() -> None:
    assert {numbers("0 0 * * H(5-7)", name)[5] for name in NAMES} == {(5,), (6,), (0,)}


def test_a_step_has_a_hashed_phase_and_goes_to_the_end() -> None:
    found = {numbers("H/15 * * * *", name)[1] for name in NAMES}
    assert found == {tuple(range(phase, 60, 15)) for phase in range(15)}


def test_a_step_in_bounds_stays_in_them() -> None:
    found = {numbers("H(10-29)/8 * * * *", name)[1] for name in NAMES}
    assert found == {tuple(range(10 + phase, 30, 8)) for phase in range(8)}


def test_a_step_over_days_begins_at_1_and_ends_at_28() -> None:
    found = {numbers("0 0 H/10 * *", name)[3] for name in NAMES}
    assert found == {tuple(range(1 + phase, 29, 10)) for phase in range(10)}


def test_a_step_beyond_the_field_leaves_one_value_of_it() -> None:
    assert {numbers("H/90 * * * *", name)[1] for name in NAMES} == {(minute,) for minute in range(60)}


def test_it_is_an_item_of_a_list_like_any_other() -> None:
    (minute,) = numbers("H * * * *")[1]
    assert numbers("H,30,H(0-5)/1 * * * *")[1] == tuple(sorted({minute, 30, *range(6)}))


def test_a_hashed_day_restricts_even_if_it_leaves_out_nothing() -> None:
    of = fields(["0", "0", "1", "*", "H/1"], "a/b")
    assert of.weekdays.numbers == tuple(range(7))
    assert not of.weekdays.unrestricted


def test_macros_are_never_hashed() -> None:
    for macro in ("@hourly", "@daily", "@weekly", "@monthly", "@yearly"):
        assert {str(numbers(macro, name)) for name in NAMES[:50]} == {str(numbers(macro, ""))}
