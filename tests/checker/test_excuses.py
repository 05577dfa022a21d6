"""Instants that may have no Job, each for a reason that the evidence bears out, in histories made by hand."""

from __future__ import annotations

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
from tests.checker.history import Fault, Felt, History, Refusal
from tests.checker.rules import judge
from tests.checker.verdicts import Kind

FORBID = version(concurrencyPolicy="Forbid")
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
