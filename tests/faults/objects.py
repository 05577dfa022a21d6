"""The objects that fire while something is broken: one of each kind that may go wrong in its own way.

Their Jobs run no pods: what they cost the machine would hide what is measured. Those under a limit last a second, so
that there is something to limit.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.held import AT_ONCE
from tests.cluster.team import cron_job

EACH_SECOND = "* * * * * *"
A_SECOND_LONG: dict[str, Any] = {"parallelism": 0, "activeDeadlineSeconds": 1}
"""Active until its deadline has passed, and then failed."""
ASKED = "asked"
"""Fires each other second, and whenever somebody asks."""
_HISTORY: dict[str, Any] = {"successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 1}


def objects() -> list[dict[str, Any]]:
    """All of them, as their authors write them."""
    plain = [_cron_job(f"plain-{number}") for number in range(3)]
    return [
        *plain,
        _cron_job("all", catchUpPolicy="All"),
        _cron_job("urgent", startingDeadlineSeconds=5),
        _cron_job("forbid", job=A_SECOND_LONG, concurrencyPolicy="Forbid"),
        _cron_job("replace", job=A_SECOND_LONG, concurrencyPolicy="Replace"),
        _cron_job(ASKED, "*/2 * * * * *"),
    ]


def _cron_job(name: str, schedule: str = EACH_SECOND, job: dict[str, Any] = AT_ONCE, **spec: Any) -> dict[str, Any]:
    return cron_job(name, schedule, job=job, **_HISTORY, **spec)
