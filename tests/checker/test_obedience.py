"""What authors do and nobody obeys, each in a history made by hand: S2, S5 to S7, and triggers."""

from __future__ import annotations

import pytest

from tests.checker.by_hand import (
    SECONDS,
    at,
    history,
    job,
    jobs,
    manual,
    settled,
    statuses,
    text,
    version,
)
from tests.checker.history import History
from tests.checker.rules import judge

STORIES: dict[str, tuple[History, list[str]]] = {
    "fired while suspended": (
        history([*jobs(until=10), job(13, generation=2)], version(), version(10.4, 2, suspend=True), told=statuses(10)),
        [
            "S5 team/report 12:00:13: report-20260302120013-0a1b2c3d4e by north at 12:00:13.020, "
            "2.620 s after it was suspended at 12:00:10.400"
        ],
    ),
    "fired afterwards for an instant of the suspended time": (
        history(
            [*jobs(until=10), job(13, 3, generation=3), *(job(second, generation=3) for second in range(16, 21))],
            version(),
            version(10.4, 2, suspend=True),
            version(15.4, 3),
            told=[*statuses(10), *settled(*range(16, 21), before=15)],
        ),
        [
            "S5 team/report 12:00:13: report-20260302120013-0a1b2c3d4e by north at 12:00:16 "
            "for an instant of the time from 12:00:10.400 on, when it was suspended",
            "S7 team/report 12:00:13: fired backwards: report-20260302120013-0a1b2c3d4e by north at 12:00:16 "
            "for 12:00:13, by the edit at 12:00:15.400 (generation 3)",
        ],
    ),
    "fired during a pause by annotation": (
        history(
            [*jobs(until=10), job(13)],
            version(),
            version(10.4, 1, {"dcron.io/suspend-until": text(60)}),
            told=statuses(10),
        ),
        [
            "S5 team/report 12:00:13: report-20260302120013-0a1b2c3d4e by north at 12:00:13.020, "
            "2.620 s after it was suspended at 12:00:10.400"
        ],
    ),
    "fired after the deletion": (
        history([*jobs(until=10), job(13)], told=statuses(10), deleted_at=at(10.5)),
        [
            "S6 team/report 12:00:13: report-20260302120013-0a1b2c3d4e by north at 12:00:13.020, "
            "2.520 s after its object was deleted"
        ],
    ),
    "fired backwards by an edit": (
        history(
            [job(second, generation=2, late=10.5 - second) for second in (8, 9)]
            + [job(second, generation=2) for second in range(11, SECONDS + 1)],
            version(schedule="0 0 1 1 1 *"),
            version(10.4, 2),
            told=settled(*range(11, 21)),
        ),
        [
            f"S7 team/report 12:00:0{second}: fired backwards: report-2026030212000{second}-0a1b2c3d4e by north "
            f"at 12:00:10.500 for 12:00:0{second}, by the edit at 12:00:10.400 (generation 2)"
            for second in (8, 9)
        ],
    ),
    "a manual run that nobody asked for": (
        history([*jobs(), manual(5, "now")]),
        [
            "S2 team/report 12:00:05: report-m-now by north at 12:00:05.020, "
            "but nobody had written dcron.io/trigger: now"
        ],
    ),
    "a trigger that is not answered": (
        history(jobs(), version(), version(5.2, 1, {"dcron.io/trigger": "now"})),
        [
            "L1 team/report 12:00:05.200: the trigger 'now' of 12:00:05.200 has no Job "
            "and no word in the status until 12:00:07.200"
        ],
    ),
}


@pytest.mark.parametrize(("run", "complaints"), STORIES.values(), ids=STORIES)
def test_what_must_not_be_is_said(run: History, complaints: list[str]) -> None:
    assert judge(run).complaints == complaints
