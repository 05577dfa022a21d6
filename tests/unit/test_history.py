"""Which finished Jobs go: only finished ones, the oldest first, none whose instant is younger than 30 s."""

from __future__ import annotations

from typing import Any

import pytest

from controller.history import History, review
from controller.jobs import Job
from tests.unit.builders import at, cron_job, job

CRON = cron_job()


def done(*scheduled: str, succeeded: bool = True) -> list[Job]:
    """Jobs that finished long before the table's `now`."""
    return [job(CRON, time, finished="11:59", succeeded=succeeded) for time in scheduled]


def gone(jobs: list[Job]) -> list[str]:
    return [f"{one.scheduled_at:%H:%M}" for one in jobs if one.scheduled_at]


TABLE: dict[str, tuple[dict[str, Any], list[Job], list[str]]] = {
    "none": ({}, [], []),
    "three that succeeded are kept": ({}, done("11:00", "11:05", "11:10"), []),
    "the oldest of four goes": ({}, done("11:10", "11:00", "11:15", "11:05"), ["11:00"]),
    "one that failed is kept, older ones go": (
        {},
        done("11:00", "11:05", "11:10", succeeded=False),
        ["11:00", "11:05"],
    ),
    "each kind has its own limit": (
        {"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0},
        done("11:00", "11:20") + done("11:10", succeeded=False),
        ["11:00", "11:10"],
    ),
    "a limit of zero keeps none": ({"successfulJobsHistoryLimit": 0}, done("11:00", "11:05"), ["11:00", "11:05"]),
    "active Jobs never go": ({"successfulJobsHistoryLimit": 0}, [job(CRON, "11:00")], []),
    "a Job that is being deleted does not count": (
        {"successfulJobsHistoryLimit": 1},
        [*done("11:00"), job(CRON, "11:05", finished="11:06", gone=True)],
        [],
    ),
}


@pytest.mark.parametrize("row", TABLE)
def test_finished_jobs_beyond_the_limits_go_oldest_first(row: str) -> None:
    limits, jobs, expected = TABLE[row]
    assert gone(list(review(cron_job(**limits).spec, jobs, at("12:00")).beyond)) == expected


def test_the_order_is_that_of_creation_not_of_the_instants() -> None:
    late = job(CRON, "11:00", finished="11:59", created_at=at("11:50"))
    early = job(CRON, "11:05", finished="11:59")
    review_of = review(cron_job(successfulJobsHistoryLimit=1).spec, [late, early], at("12:00"))
    assert review_of.beyond == (early,)


def young(**changes: Any) -> Job:
    return job(CRON, "11:59:50", finished="11:59:55", **changes)


def test_a_job_is_kept_until_its_instant_is_30_s_old_so_that_a_delayed_create_meets_its_name() -> None:
    spec = cron_job(successfulJobsHistoryLimit=0).spec
    assert review(spec, [young()], at("12:00:19.9")) == History(look_again_at=at("12:00:20"))
    assert review(spec, [young()], at("12:00:20")) == History(beyond=(young(),))


def test_without_an_instant_the_creation_counts() -> None:
    spec = cron_job(successfulJobsHistoryLimit=0).spec
    one = young(scheduled_at=None, created_at=at("11:59:52"))
    assert review(spec, [one], at("12:00")) == History(look_again_at=at("12:00:22"))


def test_the_next_look_is_at_the_first_of_those_that_are_too_young() -> None:
    spec = cron_job(successfulJobsHistoryLimit=0).spec
    old, soon, later = (job(CRON, time, finished="11:59:59") for time in ("11:00", "11:59:40", "11:59:55"))
    assert review(spec, [later, soon, old], at("12:00")) == History(beyond=(old,), look_again_at=at("12:00:10"))
