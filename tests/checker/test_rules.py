"""The checker held against hand-made histories: each thing that must not be is found, and said so that one can act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.checker.by_hand import (
    SECONDS,
    at,
    backfill,
    history,
    job,
    jobs,
    kill,
    manual,
    outcome,
    settled,
    skipping,
    status,
    statuses,
    text,
    version,
)
from tests.checker.history import Fault, Felt, ForeignWrite, History, MadeJob, Refusal
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


FORBID = version(concurrencyPolicy="Forbid")
REPLACE = version(concurrencyPolicy="Replace")
INTERVAL = f"{text(-60)}/{text(-50)}"
LONG = timedelta(seconds=9)
TEN = {"due": 10, "created": 10}


def edited(*, second: float = 10.4, before: int = 10, **spec: Any) -> Callable[[list[MadeJob]], History]:
    """A run whose object is edited in the middle."""

    def made(jobs: list[MadeJob]) -> History:
        return history(jobs, version(), version(second, 2, **spec), told=statuses(before))

    return made


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
    "duplicate": (
        history([*jobs(), job(7, 0.9, node="south")]),
        [
            "S1 team/report 12:00:07: two Jobs for instant 12:00:07: report-20260302120007-0a1b2c3d4e by north "
            "at 12:00:07.020; report-20260302120007-0a1b2c3d4e by south at 12:00:07.900"
        ],
    ),
    "duplicate of a deleted Job": (
        history([*jobs(7), job(7, deleted_at=at(7.5)), job(7, 0.9, node="south")]),
        [
            "S1 team/report 12:00:07: two Jobs for instant 12:00:07: report-20260302120007-0a1b2c3d4e by north "
            "at 12:00:07.020, deleted at 12:00:07.500; report-20260302120007-0a1b2c3d4e by south at 12:00:07.900"
        ],
    ),
    "early": (
        history([*jobs(7), job(7, -0.25)]),
        [
            "S3 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:06.750, "
            "0.250 s early: look at the clock of north"
        ],
    ),
    "invented": (
        history(
            [job(second) for second in (2, 4, 6, 7, 8)],
            version(schedule="*/2 * * * * *"),
            until=at(8),
            told=settled(2, 4, 6, 8),
        ),
        [
            "S2 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:07.020 "
            "stands for instant 12:00:07, no instant of generation 1"
        ],
    ),
    "a Job of an object that was never seen": (
        history([*jobs(), job(5, owner_uid="other", namespace="elsewhere")]),
        [
            "S2 elsewhere/report-20260302120005-0a1b2c3d4e 12:00:05.020: "
            "report-20260302120005-0a1b2c3d4e by north at 12:00:05.020: its object was never seen"
        ],
    ),
    "fired while suspended": (
        edited(suspend=True)([*jobs(until=10), job(13, generation=2)]),
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
    "overlap under Forbid": (
        history([*jobs(7), job(7, finished_at=at(8.5))], FORBID),
        [
            "S8 team/report 12:00:08: report-20260302120008-0a1b2c3d4e by north at 12:00:08.020 made while 1 may be "
            "active and these were: report-20260302120007-0a1b2c3d4e by north at 12:00:07.020 (Forbid)"
        ],
    ),
    "deletion of a newer Job under Replace": (
        history(
            [*jobs(until=8), job(9, 0.9), job(10, finished_at=None, deleted_at=at(10.05), by_us=True)],
            replace(REPLACE, spec={**REPLACE.spec, "endTime": text(11)}),
            told=statuses(10),
        ),
        [
            "S9 team/report 12:00:10: report-20260302120010-0a1b2c3d4e by north at 12:00:10.020, deleted at "
            "12:00:10.050 was deleted unfinished in favour of none: no newer one came"
        ],
    ),
    "deletion in favour of an older Job under Replace": (
        history(
            [
                *jobs(until=8),
                job(9, finished_at=None),
                job(10, finished_at=None, deleted_at=at(10.05), by_us=True),
            ],
            replace(REPLACE, spec={**REPLACE.spec, "endTime": text(11)}),
            told=statuses(10),
        ),
        [
            "S9 team/report 12:00:10: report-20260302120010-0a1b2c3d4e by north at 12:00:10.020, deleted at "
            "12:00:10.050 was deleted unfinished in favour of report-20260302120009-0a1b2c3d4e by north at "
            "12:00:09.020: no newer one came"
        ],
    ),
    "an older Job that lives on under Replace": (
        history(
            [*jobs(7, 8, until=8), *(job(second, finished_at=at(14)) for second in (7, 8))],
            replace(REPLACE, spec={**REPLACE.spec, "endTime": text(9)}),
            told=statuses(8),
        ),
        [
            "S9 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:07.020 is still there "
            "at 12:00:10.020 beside newer ones: report-20260302120008-0a1b2c3d4e by north at 12:00:08.020"
        ],
    ),
    "past the deadline": (
        history([*jobs(7), job(7, 5)], version(startingDeadlineSeconds=3), faults=[kill(6)]),
        [
            "S4 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:12, "
            "5.000 s after it was due: its deadline was 3 s"
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
    "one trigger, two runs": (
        history(
            [*jobs(), manual(5.5, "now"), manual(9, "now", node="south")],
            version(),
            version(5.2, 1, {"dcron.io/trigger": "now"}),
        ),
        [
            "S1 team/report 12:00:09: two Jobs for the trigger 'now': report-m-now by north at 12:00:05.520; "
            "report-m-now by south at 12:00:09.020"
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
    "one instant of a backfill, two runs": (
        history(
            [*jobs(), backfill(-55, 6, INTERVAL), backfill(-55, 8, INTERVAL)],
            version(-3600),
            version(5.2, 1, {"dcron.io/backfill": INTERVAL}),
            told=[],
            until=at(1),
        ),
        [
            f"S1 team/report 11:59:05: two Jobs for the backfill {INTERVAL} and its instant 11:59:05: "
            "report-b20260302115905-ffffffffff by north at 12:00:06; "
            "report-b20260302115905-ffffffffff by north at 12:00:08",
            "L4 team/report 12:00:01: not settled until 12:00:05: at the end it is settled through nothing",
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
    "settledThrough moves back": (
        history(jobs(), told=[*statuses(10), status(8, at_second=10.7, owner="south", counts=TEN), *statuses()[10:]]),
        [
            "S10 team/report: settledThrough went from 2026-03-02T12:00:10Z back to 2026-03-02T12:00:08Z "
            "at 12:00:10.700, when south was its owning node"
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
    "a Job deleted before it had ended": (
        history([*jobs(7), job(7, finished_at=None, deleted_at=at(7.2), by_us=True)]),
        [
            "S12 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:07.020, "
            "deleted at 12:00:07.200 was deleted before it had ended"
        ],
    ),
    "a newer Job deleted before an older one": (
        history(
            [
                *jobs(7),
                job(7, deleted_at=at(7.5), by_us=True),
            ],
            until=at(7),
        ),
        [
            "S12 team/report 12:00:07: report-20260302120007-0a1b2c3d4e by north at 12:00:07.020, "
            "deleted at 12:00:07.500 was deleted before the older "
            "report-20260302120001-0a1b2c3d4e by north at 12:00:01.020"
        ],
    ),
    "a write to what is not ours": (
        history(jobs(), foreign_writes=[ForeignWrite(at=at(3), what="delete pods team/web")]),
        ["S11 12:00:03: the operator wrote to what is not its own: delete pods team/web"],
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


OPEN: dict[str, Any] = {"conditions": [{"type": "CircuitOpen", "status": "True"}]}
BURST: dict[str, Any] = {"counts": {"due": 16, "created": 2, "missed": 14}}
BUSY = job(6, finished_at=at(8.5))
EXCUSED: dict[str, tuple[History, str]] = {
    "forbidden": (
        history([*jobs(6, 7, 8), BUSY], FORBID, told=skipping("SkippedForbid", 7, 8)),
        "SkippedForbid, told at 12:00:07.500",
    ),
    "the queue is full": (
        history(
            jobs(7),
            version(concurrencyPolicy="Queue"),
            told=skipping("SkippedQueueFull", 7, queued=[{"scheduledAt": text(6)}]),
        ),
        "SkippedQueueFull, told at 12:00:07.500",
    ),
    "past its deadline by a fault": (
        history(
            jobs(7, 8, 9),
            version(startingDeadlineSeconds=3),
            told=skipping("MissedDeadline", 7, 8, 9, after=5.5),
            faults=[kill(6.9)],
        ),
        "MissedDeadline, told at 12:00:12.500",
    ),
    "not caught up": (
        history(
            jobs(*range(3, 10)),
            told=skipping("MissedCatchUp", *range(3, 10), after=17),
            faults=[Fault(what="API server away", since=at(2.5), until=at(19), felt=Felt.THROUGHOUT)],
        ),
        "MissedCatchUp, told at 12:00:20",
    ),
    "suspended": (
        history(
            [*jobs(until=10), *(job(second, generation=3) for second in range(16, 21))],
            version(),
            version(10.4, 2, suspend=True),
            version(15.4, 3),
            told=[*statuses(10), *settled(*range(16, 21), before=15)],
        ),
        "suspended by its author",
    ),
    "edited before it had to fire": (
        history(
            [*jobs(10, until=10), *(job(second, generation=2) for second in (12, 14, 16, 18, 20))],
            version(),
            version(10.4, 2, schedule="*/2 * * * * *"),
            told=[*statuses(9), status(10, outcome(10, "MissedEdit")), *settled(*range(12, 21, 2), before=10)],
        ),
        "its object was edited at 12:00:10.400, before it had to fire",
    ),
    "deleted before it had to fire": (
        history(jobs(10, until=10), told=statuses(9), deleted_at=at(10.4)),
        "its object was deleted at 12:00:10.400",
    ),
    "all runs are made": (
        history(jobs(until=5), version(maxRuns=5), told=[*statuses(5)]),
        "completed: all of its 5 runs had been made or promised",
    ),
    "the circuit is open": (
        history(
            jobs(*range(11, 21)),
            version(suspendAfterFailures=3),
            told=skipping("SkippedSuspended", *range(11, 21), **OPEN),
        ),
        "its circuit was open",
    ),
    "refused by the API server": (
        history(
            jobs(7),
            told=skipping("CreateFailed", 7),
            refusals=[Refusal(at=at(7.1), namespace="team", job=job(7).name, code=403)],
        ),
        "CreateFailed, told at 12:00:07.500",
    ),
    "settled together with more than a status shows": (
        history(
            [job(1), job(2), *(job(second, 19.2 - second) for second in (17, 18, 19)), job(20)],
            version(startingDeadlineSeconds=3),
            told=[
                *statuses(2),
                status(16, *(outcome(second, "MissedDeadline") for second in range(7, 17)), at_second=19.5, **BURST),
                status(20, counts={"due": 20, "created": 6, "missed": 14}),
            ],
            faults=[Fault(what="API server away", since=at(2.5), until=at(18), felt=Felt.THROUGHOUT)],
        ),
        "MissedDeadline, told at 12:00:19.500",
    ),
}


@pytest.mark.parametrize(("run", "reason"), EXCUSED.values(), ids=EXCUSED)
def test_an_instant_without_a_job_may_have_an_excuse(run: History, reason: str) -> None:
    found = judge(run)
    assert found.complaints == []
    assert next(verdict.reason for verdict in found.verdicts if verdict.kind is Kind.EXCUSED) == reason
