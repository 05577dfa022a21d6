"""A valid run, and what becomes of instants and outcomes in runs that are not: L1 to L4, S13."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.checker.by_hand import (
    SECONDS,
    at,
    history,
    job,
    jobs,
    kill,
    outcome,
    settled,
    status,
    statuses,
    text,
    version,
)
from tests.checker.history import Fault, Felt, History
from tests.checker.rules import judge
from tests.checker.verdicts import Kind


def test_a_run_in_which_each_instant_got_its_job_is_valid() -> None:
    found = judge(history(jobs()))
    assert found.complaints == []
    assert found.valid
    assert found.kinds == {Kind.OK: SECONDS}
    assert found.worst == timedelta(seconds=0.02)
    assert found.verdicts[2].sentence == (
        "ok: team/report 12:00:03: report-20260302120003-0a1b2c3d4e by north at 12:00:03.020, 0.020 s after it was due"
    )


def test_a_run_in_which_nothing_was_due_shows_nothing() -> None:
    found = judge(history([], version(startTime=text(1000)), told=[]))
    assert found.complaints == ["nothing was due: the run shows nothing"]


def test_evidence_with_a_gap_makes_no_valid_run() -> None:
    found = judge(history(jobs(), gaps=["the watch of Jobs ended"]))
    assert found.complaints == ["evidence: it is not complete: the watch of Jobs ended"]


LONG = timedelta(seconds=9)
STORIES: dict[str, tuple[History, list[str]]] = {
    "missed": (
        history(jobs(7), told=statuses(6)),
        [
            "L1 team/report 12:00:07: missed: no Job until 12:00:09, and no fault allows it more than D = 2 s; "
            "its status tells nothing of it, and names north as its owning node",
            "L4 team/report 12:00:07: not settled until 12:00:11: at the end it is settled through 12:00:06",
        ],
    ),
    "missed, and told with a reason that nothing bears out": (
        history(jobs(7), told=[*statuses(6), status(20, outcome(7, "SkippedForbid"), at_second=8)]),
        [
            "L1 team/report 12:00:07: missed: no Job until 12:00:09, and no fault allows it more than D = 2 s; "
            "its status says SkippedForbid, which nothing bears out, and names north as its owning node",
            "L4 team/report 12:00:07: told as SkippedForbid at 12:00:08, and nothing bears it out",
        ],
    ),
    "told as created, without a Job": (
        history(jobs(7)),
        [
            "L1 team/report 12:00:07: missed: no Job until 12:00:09, and no fault allows it more than D = 2 s; "
            "its status says Created, which nothing bears out, and names north as its owning node",
            "L4 team/report 12:00:07: told as Created at 12:00:07.500, and no Job was ever made",
        ],
    ),
    "late beyond D without a fault": (
        history([*jobs(7), job(7, 3.5)]),
        [
            "L1 team/report 12:00:07: late: report-20260302120007-0a1b2c3d4e by north at 12:00:10.500, "
            "3.500 s after it was due, and no fault allows it more than D = 2 s"
        ],
    ),
    "late beyond F with a fault": (
        history([*jobs(7), job(7, LONG.total_seconds())], faults=[kill(6.5)]),
        [
            "L2 team/report 12:00:07: late: report-20260302120007-0a1b2c3d4e by north at 12:00:16, "
            '9.000 s after it was due, and the fault "kill -9 of north" allows it until 12:00:14.500'
        ],
    ),
    "counts that do not add up": (
        history(jobs(), told=[*statuses(19), status(20, counts={"due": 20, "created": 18, "skipped": 1})]),
        ["L4 team/report: at 12:00:20.500 the counts do not add up: due 20, created 18, skipped 1; 0 wait"],
    ),
    "counts that are not those of the schedule": (
        history(jobs(), told=[*statuses(19), status(20, counts={"due": 19, "created": 19})]),
        ["L4 team/report: counted 19 as due up to 12:00:20, and its schedule has 20 instants since its creation"],
    ),
    "counts that shrink": (
        history(jobs(), told=[*statuses(19), status(20, counts={"due": 20, "created": 20}), *settled(20)]),
        [
            "L4 team/report: at 12:00:20.500 counts.due went from 20 back to 1",
            "L4 team/report: counted 1 as due up to 12:00:20, and its schedule has 20 instants since its creation",
        ],
    ),
    "two outcomes of one instant": (
        history(jobs(), told=[*statuses(7), status(8, outcome(7, "MissedDeadline")), *statuses()[8:]]),
        ["L4 team/report 12:00:07: two outcomes: Created, and MissedDeadline at 12:00:08.500"],
    ),
}


@pytest.mark.parametrize(("run", "complaints"), STORIES.values(), ids=STORIES)
def test_what_must_not_be_is_said(run: History, complaints: list[str]) -> None:
    assert judge(run).complaints == complaints


def test_late_within_f_of_a_fault_is_told_and_is_valid() -> None:
    found = judge(
        history([*jobs(7, 8), job(7, 7), job(8, 6)], told=[*statuses(6), *statuses()[13:]], faults=[kill(6.5)])
    )
    assert found.complaints == []
    assert found.kinds == {Kind.OK: SECONDS - 2, Kind.LATE: 2}
    assert found.verdicts[6].sentence == (
        "late: team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:14, 7.000 s after it was due, "
        'and the fault "kill -9 of north" allows it until 12:00:14.500'
    )


def test_while_redis_is_away_lateness_is_allowed_at_the_edges_only() -> None:
    away = Fault(what="Redis down", since=at(1), until=at(19))
    assert judge(history([*jobs(11), job(11, 3)], faults=[away])).complaints == [
        "L1 team/report 12:00:11: late: report-20260302120011-0a1b2c3d4e by north at 12:00:14, "
        "3.000 s after it was due, and no fault allows it more than D = 2 s"
    ]
    assert judge(history([*jobs(19), job(19, 5)], faults=[away])).complaints == []


def test_while_the_api_server_is_away_nobody_can_fire() -> None:
    away = Fault(what="API server away", since=at(5), until=at(15), felt=Felt.THROUGHOUT)
    made = [job(second, max(0.02, 16 - second)) if 5 <= second <= 15 else job(second) for second in range(1, 21)]
    told = [*statuses(4), *statuses()[15:]]
    found = judge(history(made, version(catchUpPolicy="All"), told=told, faults=[away]))
    assert found.complaints == []
    assert found.worst == timedelta(seconds=11)


def test_while_the_circuit_is_open_the_ledger_may_stand_still() -> None:
    tripped: dict[str, Any] = {"conditions": [{"type": "CircuitOpen", "status": "True"}]}
    run = history(jobs(until=10), version(suspendAfterFailures=3), told=[*statuses(9), status(10, **tripped)])
    found = judge(run)
    assert found.complaints == []
    assert found.kinds == {Kind.OK: 10, Kind.EXCUSED: 10}


def test_what_an_edit_asks_for_is_settled_once_a_stalled_watch_shows_it() -> None:
    def complaints(*, stalls: bool) -> list[str]:
        hidden = Fault(what="stalled", since=at(4), until=at(19), felt=Felt.THROUGHOUT, stalls_watch=stalls)
        short = Fault(what="stalled", since=at(4), until=at(5), felt=Felt.THROUGHOUT)
        run = history(
            jobs(),
            version(suspend=True),
            version(6.5, 2),
            faults=[hidden if stalls else short],
            told=[status(6), *(replace(told, at=told.at + timedelta(seconds=1)) for told in statuses()[18:])],
        )
        return [one for one in judge(run).complaints if "not settled" in one]

    assert complaints(stalls=False)
    assert not complaints(stalls=True)


def test_where_requests_are_long_on_their_way_a_status_may_be_settled_later() -> None:
    def complaints(on_its_way: float) -> list[str]:
        seconds = timedelta(seconds=on_its_way)
        slow = Fault(what="slow", since=at(1), until=at(19), felt=Felt.EACH_TIME, on_its_way=seconds)
        return judge(history(jobs(), faults=[slow], told=[*statuses(1), *statuses()[14:]])).complaints

    assert complaints(0)
    assert complaints(1)
    assert not complaints(3)


def test_while_some_requests_fail_each_instant_has_its_own_time() -> None:
    flaky = Fault(what="half of the writes fail", since=at(1), until=at(19), felt=Felt.EACH_TIME)
    in_time = [*jobs(7, 11), job(7, 6), job(11, 7.5)]
    assert (
        judge(
            history(in_time, faults=[flaky], told=[*statuses(6), status(10, at_second=14), *statuses()[18:]])
        ).complaints
        == []
    )
    late = history([*jobs(7), job(7, 8.5)], faults=[flaky])
    assert judge(late).complaints == [
        "L2 team/report 12:00:07: late: report-20260302120007-0a1b2c3d4e by north at 12:00:15.500, "
        '8.500 s after it was due, and the fault "half of the writes fail" allows it until 12:00:15'
    ]


def test_a_broken_object_may_delay_no_other() -> None:
    beside = Fault(what="a template is refused", since=at(5), until=at(15), felt=Felt.BY_NO_OTHER)
    assert judge(history(jobs(), faults=[beside])).complaints == []
    assert judge(history([*jobs(7, 17), job(7, 3), job(17, 3)], faults=[beside])).complaints == [
        "S13 team/report 12:00:07: late: report-20260302120007-0a1b2c3d4e by north at 12:00:10, "
        "3.000 s after it was due, and no fault allows it more than D = 2 s",
        "L1 team/report 12:00:17: late: report-20260302120017-0a1b2c3d4e by north at 12:00:20, "
        "3.000 s after it was due, and no fault allows it more than D = 2 s",
    ]


def test_a_scheduler_that_never_recovers_is_said_to_be_one() -> None:
    """It comes in time by D, and yet it is not as before."""
    made = [*jobs(until=30), *(job(second, 1.2) for second in range(31, 51))]
    run = history(made, faults=[kill(20.5)], told=statuses(50), until=at(50), ended=at(70))
    assert judge(run).complaints == [
        "L3 12:00:28.500: half of the firings after 12:00:28.500 are more than 1.200 s late, and 0.020 s "
        "before the first fault"
    ]
    assert judge(history(jobs(until=50), faults=[kill(20.5)], told=statuses(50), until=at(50), ended=at(70))).valid


def test_what_is_late_after_healing_breaks_the_rule_of_recovery() -> None:
    run = history([*jobs(15), job(15, 3)], faults=[kill(2.5)])
    assert judge(run).complaints == [
        "L3 team/report 12:00:15: late: report-20260302120015-0a1b2c3d4e by north at 12:00:18, "
        "3.000 s after it was due, and no fault allows it more than D = 2 s"
    ]


def test_what_is_caught_up_is_begun_in_time_and_then_never_stops() -> None:
    """Eight instants that nobody could fire, one each 1.5 s from 12:00:13 on, and those that stand behind them."""
    away = Fault(what="API server away", since=at(1), until=at(6), felt=Felt.THROUGHOUT, within=timedelta(seconds=7.5))
    row = [job(second, late=13 + 1.2 * number - second) for number, second in enumerate(range(2, 19))]
    made = [job(1), *row, job(19, 20.02), job(20, 20)]
    told = [*statuses(1), *(status(n + 2, at_second=13.5 + 1.2 * n) for n in range(17)), status(20, at_second=41)]
    run = history(made, version(catchUpPolicy="All"), told=told, faults=[away], ended=at(60))
    assert [complaint[:23] for complaint in judge(run).complaints] == ["L3 team/report 12:00:19"]
    slow = replace(run, objects=[replace(run.objects[0], told=[*statuses(1), status(20, at_second=50)])])
    assert [str(broken)[:23] for broken in judge(slow).broken if broken.rule == "L4"] == ["L4 team/report 12:00:02"]
