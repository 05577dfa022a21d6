"""Instants that may have no Job, each for a reason that the evidence bears out, in histories made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.checker.by_hand import (
    at,
    history,
    job,
    jobs,
    kill,
    outcome,
    settled,
    skipping,
    status,
    statuses,
    text,
    version,
)
from tests.checker.excuses import COUNTED_AS
from tests.checker.history import Fault, Felt, History, Refusal
from tests.checker.rules import judge
from tests.checker.verdicts import Kind

FORBID = version(concurrencyPolicy="Forbid")
OPEN: dict[str, Any] = {"conditions": [{"type": "CircuitOpen", "status": "True"}]}
BURST: dict[str, Any] = {"counts": {"due": 16, "created": 2, "missed": 14}}
BUSY = job(6, finished_at=at(8.5))
ONE = [{"scheduledAt": text(6)}]
ONE_MORE = [{"scheduledAt": text(7)}]
WAITING = {"due": 7, "created": 6}
LONG_CALM = timedelta(seconds=5)


def rights_lost(*, missed: int) -> History:
    """A Job is promised, then nothing is allowed for 20 s; a write gives it up and counts so many as missed."""
    created = {"due": 20, "created": 8, "missed": missed}
    promised = [{"scheduledAt": text(3), "name": job(3).name}]
    return history(
        [job(1), job(2), *(job(second, 24.4 - second) for second in range(15, 21))],
        version(concurrencyPolicy="Replace"),
        told=[
            *statuses(2),
            status(3, at_second=3, active=promised, counts={"due": 3, "created": 2, "missed": 0}),
            status(
                14,
                *(outcome(second, "MissedCatchUp") for second in range(5, 15)),
                at_second=24.5,
                counts={"due": 14, "created": 2, "missed": missed},
            ),
            status(20, at_second=25, counts=created),
        ],
        faults=[Fault(what="rights lost", since=at(2.8), until=at(24), felt=Felt.THROUGHOUT)],
    )


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
    "promised, and given up together with more than a status shows": (
        rights_lost(missed=12),
        "MissedCatchUp, told at 12:00:24.500",
    ),
}


@pytest.mark.parametrize(("run", "reason"), EXCUSED.values(), ids=EXCUSED)
def test_an_instant_without_a_job_may_have_an_excuse(run: History, reason: str) -> None:
    found = judge(run)
    assert found.complaints == []
    assert next(verdict.reason for verdict in found.verdicts if verdict.kind is Kind.EXCUSED) == reason


REASONS = [reason for reason in COUNTED_AS if reason != "Created"]


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_word_alone_excuses_nothing(reason: str) -> None:
    found = judge(history(jobs(7), told=skipping(reason, 7)))
    assert found.kinds[Kind.MISSED] == 1
    assert f"its status says {reason}, which nothing bears out" in found.complaints[0]


NOT_BORNE_OUT: dict[str, History] = {
    "forbidden, and nothing was active": history(jobs(7), FORBID, told=skipping("SkippedForbid", 7)),
    "forbidden under Allow": history([*jobs(6, 7), BUSY], told=skipping("SkippedForbid", 7)),
    "the queue had room": history(
        jobs(7), version(concurrencyPolicy="Queue", queueLimit=2), told=skipping("SkippedQueueFull", 7, queued=ONE)
    ),
    "past a deadline, and nothing had kept it": history(
        jobs(7), version(startingDeadlineSeconds=3), told=skipping("MissedDeadline", 7, after=3.5)
    ),
    "past a deadline that was not over": history(
        jobs(7), version(startingDeadlineSeconds=6), told=skipping("MissedDeadline", 7), faults=[kill(6.9)]
    ),
    "not caught up, and all were to be": history(
        jobs(*range(3, 10)),
        version(catchUpPolicy="All"),
        told=skipping("MissedCatchUp", *range(3, 10), after=17),
        faults=[Fault(what="API server away", since=at(2.5), until=at(19), felt=Felt.THROUGHOUT)],
    ),
    "not caught up, and only late": history(jobs(7), told=skipping("MissedCatchUp", 7, after=5), faults=[kill(6.9)]),
    "edited long afterwards": history(
        [*jobs(7, until=15), *(job(second, generation=2) for second in range(16, 21))],
        version(),
        version(15.4, 2, timeZone="Europe/Paris"),
        told=skipping("MissedEdit", 7),
    ),
    "a create of another instant was refused": history(
        jobs(7),
        told=skipping("CreateFailed", 7),
        refusals=[Refusal(at=at(7.1), namespace="team", job=job(8).name, code=403)],
    ),
}


@pytest.mark.parametrize("run", NOT_BORNE_OUT.values(), ids=NOT_BORNE_OUT)
def test_a_reason_that_the_evidence_does_not_bear_out_excuses_nothing(run: History) -> None:
    assert any("which nothing bears out" in complaint for complaint in judge(run).complaints)


def test_what_is_given_up_and_not_counted_is_missed() -> None:
    complaints = judge(rights_lost(missed=11)).complaints
    assert any(one.startswith("L2 team/report 12:00:03: missed: ") for one in complaints)


QUEUE = version(concurrencyPolicy="Queue", endTime=text(8))
LONG = job(6, finished_at=at(14))


def test_what_waited_in_the_queue_is_late_from_the_moment_of_its_turn() -> None:
    told = [*statuses(6), status(7, queued=ONE_MORE, counts=WAITING), status(7, outcome(7), at_second=14.6)]
    assert judge(history([*jobs(6, until=6), LONG, job(7, 7.5)], QUEUE, told=told)).complaints == []
    (complaint,) = judge(history([*jobs(6, until=6), LONG, job(7, 10)], QUEUE, told=told)).complaints
    assert complaint.startswith("L1 team/report 12:00:07: late: ")


def test_what_waits_in_the_queue_must_have_its_turn() -> None:
    told = [*statuses(6), status(7, queued=ONE_MORE, counts=WAITING)]
    assert judge(history([*jobs(6, until=6), replace(LONG, finished_at=None)], QUEUE, told=told)).complaints == []
    (complaint,) = judge(history([*jobs(6, until=6), LONG], QUEUE, told=told)).complaints
    assert complaint.startswith("L1 team/report 12:00:07: missed: ")


def test_a_create_that_was_refused_may_come_later() -> None:
    refused = Refusal(at=at(9), namespace="team", job=job(7).name, code=403)
    told = [*statuses(6), *statuses()[12:]]
    late = [*jobs(*range(7, 12)), *(job(second, 12.9 - second) for second in range(7, 12))]
    found = judge(history(late, told=told, refusals=[refused], calm=LONG_CALM))
    assert found.complaints == []
    (complaint,) = judge(history(late, told=told, calm=LONG_CALM)).complaints
    assert complaint.startswith("L1 team/report 12:00:07: late: ")


def test_one_write_may_settle_instants_for_several_reasons_that_it_does_not_show() -> None:
    """One create was refused, and when the others could be tried they were older than late."""
    away = Fault(what="rights lost", since=at(1.5), until=at(15), felt=Felt.THROUGHOUT)
    refused = Refusal(at=at(2.1), namespace="team", job=job(2).name, code=403)
    counts = {"due": 20, "created": 17, "missed": 2, "createFailed": 1}
    told = [*statuses(1), status(20, *(outcome(second) for second in range(11, 21)), counts=counts)]
    made = [job(1), *(job(second, late=16 - second) for second in range(5, 16)), *(job(n) for n in range(16, 21))]
    run = history(made, told=told, faults=[away], refusals=[refused])
    assert judge(run).complaints == []
    assert judge(replace(run, refusals=[replace(refused, job="")])).complaints == []
    fewer = [*statuses(1), status(20, *told[-1].status["recent"], counts={**counts, "missed": 1, "created": 18})]
    broken = judge(replace(run, objects=[replace(run.objects[0], told=fewer)])).broken
    assert [one.at for one in broken if one.rule == "L2"] == [at(3), at(4)]
