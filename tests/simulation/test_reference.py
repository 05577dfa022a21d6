"""The reference: what authors did, and the instants that are due by it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.spec import Key
from tests.fakes.happenings import Edit
from tests.simulation.reference import instants, is_instant, lives

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def edit(seconds: float, spec: dict[str, Any] | None, *, uid: str = "uid", generation: int = 1) -> Edit:
    return Edit(at=at(seconds), key=Key("ns", "report"), uid=uid, generation=generation, spec=spec)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"schedule": "* * * * *"}, [60, 120]),
        ({"schedule": "*/40 * * * * *"}, [40, 60, 100, 120]),
        ({"schedules": ["* * * * *", "30 * * * * *"]}, [30, 60, 90, 120]),
        ({"schedule": "* 12 * * *"}, [60, 120]),
        ({"schedule": "* 12 * * *", "timeZone": "Etc/GMT-3"}, []),
        ({"schedule": "1 17 * * *", "timeZone": "Etc/GMT-5"}, [60]),
        ({"schedule": "31 17 * * *", "timeZone": "Asia/Kolkata"}, [60]),
        ({"schedule": "* * * * *", "startTime": "2026-03-02T12:02:00Z"}, [120]),
        ({"schedule": "* * * * *", "endTime": "2026-03-02T12:02:00Z"}, [60]),
    ],
    ids=["minutes", "seconds", "union", "hour", "hour elsewhere", "zone", "half-hour zone", "start", "end"],
)
def test_the_instants_of_a_spec(spec: dict[str, Any], expected: list[float]) -> None:
    assert instants(spec, NOON, at(120)) == [at(seconds) for seconds in expected]


@pytest.mark.parametrize(
    ("schedules", "expected"),
    [
        (["@every 50s"], [20, 70, 120]),
        (["@at 2026-03-02T14:00:45+02:00"], [45]),
        (["H/50 * * * * *"], [7, 57, 67, 117]),
        (["@every 50s", "@at 2026-03-02T12:01:10Z", "* * * * *"], [20, 60, 70, 120]),
    ],
    ids=["every", "at", "a value that was seen", "union"],
)
def test_the_instants_of_words(schedules: list[str], expected: list[float]) -> None:
    found = instants({"schedules": schedules}, NOON, at(120), born=at(-30), hashed={"H/50 * * * * *": at(57)})
    assert found == [at(seconds) for seconds in expected]


def test_jitter_puts_off_what_an_edit_closes() -> None:
    (life,) = lives([edit(0.5, {"schedule": "*/30 * * * * *"}), edit(61, {"schedule": "45 * * * * *"}, generation=2)])
    due = [(expected.at, expected.wish.generation) for expected in life.expected(at(110), timedelta(seconds=3))]
    assert due == [(at(0), 1), (at(30), 1), (at(105), 2)]


def test_instants_lie_after_the_begin_and_go_across_midnight() -> None:
    begin = datetime(2026, 3, 2, 23, 58, tzinfo=UTC)
    found = instants({"schedule": "*/2 * * * *"}, begin, begin + timedelta(minutes=4))
    assert found == [begin + timedelta(minutes=2), begin + timedelta(minutes=4)]


def test_an_instant_is_told_from_any_other_moment() -> None:
    assert is_instant({"schedule": "* * * * *"}, at(60))
    assert not is_instant({"schedule": "* * * * *"}, at(61))


def test_instants_are_due_by_the_wish_that_held() -> None:
    (life,) = lives(
        [edit(0.5, {"schedule": "*/30 * * * * *"}), edit(60.7, {"schedule": "*/20 * * * * *"}, generation=2)]
    )
    due = [(expected.at, expected.wish.generation) for expected in life.expected(at(110))]
    assert due == [(at(30), 1), (at(60), 1), (at(80), 2), (at(100), 2)]


def test_an_object_that_is_made_again_has_a_life_of_its_own() -> None:
    first, second = lives(
        [
            edit(0.5, {"schedule": "* * * * *"}),
            edit(70, None),
            edit(70.1, {"schedule": "* * * * *"}, uid="again"),
        ]
    )
    assert [expected.at for expected in first.expected(at(200))] == [at(60)]
    assert first.ended == at(70)
    assert [expected.at for expected in second.expected(at(200))] == [at(120), at(180)]
    assert second.wish_at(at(100)) is second.wishes[0]
    assert second.wish_at(at(70)) is None
