"""What must never be, each in a history made by hand, and the sentence that is said of it: S1 to S4, S8 to S12."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.checker.by_hand import (
    at,
    backfill,
    history,
    job,
    jobs,
    kill,
    manual,
    settled,
    status,
    statuses,
    text,
    version,
)
from tests.checker.history import Fault, Felt, ForeignWrite, History
from tests.checker.rules import judge

FORBID = version(concurrencyPolicy="Forbid")
REPLACE = version(concurrencyPolicy="Replace")
INTERVAL = f"{text(-60)}/{text(-50)}"
TEN = {"due": 10, "created": 10}
STORIES: dict[str, tuple[History, list[str]]] = {
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
    "settledThrough moves back": (
        history(jobs(), told=[*statuses(10), status(8, at_second=10.7, owner="south", counts=TEN), *statuses()[10:]]),
        [
            "S10 team/report: settledThrough went from 2026-03-02T12:00:10Z back to 2026-03-02T12:00:08Z "
            "at 12:00:10.700, when south was its owning node"
        ],
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


def test_a_job_that_ends_while_it_is_replaced_is_no_matter_of_history() -> None:
    ended = job(7, finished_at=at(7.9), succeeded=True, deleted_at=at(8.05), by_us=True)
    assert judge(history([*jobs(7), ended], REPLACE)).complaints == []


def test_while_requests_fail_nobody_knows_in_which_order_deletions_were_asked_for() -> None:
    deleted = [*jobs(7), job(7, deleted_at=at(7.5), by_us=True)]
    flaky = Fault(what="some requests fail", since=at(1), until=at(19), felt=Felt.EACH_TIME)
    assert judge(history(deleted, until=at(7))).complaints != []
    assert judge(history(deleted, until=at(7), faults=[flaky])).complaints == []


def test_a_create_that_is_seconds_on_its_way_may_arrive_after_the_deadline() -> None:
    def told(late: float, on_its_way: float) -> list[str]:
        slow = Fault(
            what="slow", since=at(1), until=at(19), felt=Felt.EACH_TIME, on_its_way=timedelta(seconds=on_its_way)
        )
        run = history([*jobs(7), job(7, late)], version(startingDeadlineSeconds=3), faults=[slow])
        return [complaint for complaint in judge(run).complaints if complaint.startswith("S4")]

    assert told(6, 0)
    assert not told(6, 4.5)
    assert told(9, 4.5)


def test_of_jobs_that_are_deleted_together_the_last_may_be_deleted_after_the_end_of_the_evidence() -> None:
    run = history([*jobs(7), job(7, deleted_at=at(7.5), by_us=True)], until=at(7))
    assert judge(run).complaints
    assert not judge(replace(run, ended=at(9))).complaints
