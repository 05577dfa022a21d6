"""After an outage of all replicas: what becomes of the instants that nobody could fire, by each policy.

The objects are applied while no replica lives, and their few instants are over when the replicas come: so all that is
due has been missed, however slow the machine is.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cluster import audit
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.held import AT_ONCE
from tests.cluster.team import Team, cron_job, now, written

pytest_plugins = ["tests.cluster.fleet_fixtures"]

SECOND = timedelta(seconds=1)
LATE_WINDOW = 10 * SECOND
"""So long an instant is only late, and fires whatever the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What an object with three missed instants does.

    Attributes:
        fired: Which of the three get their Jobs, counted from 0.
        reason: What the others end in.
    """

    fired: list[int]
    reason: str
    spec: dict[str, Any]


ROWS = {
    "latest": Row(fired=[2], reason="MissedCatchUp", spec={"catchUpPolicy": "Latest"}),
    "none": Row(fired=[], reason="MissedCatchUp", spec={"catchUpPolicy": "None"}),
    "all": Row(fired=[0, 1, 2], reason="", spec={"catchUpPolicy": "All"}),
    "all-but-one": Row(fired=[1, 2], reason="MissedCatchUp", spec={"catchUpPolicy": "All", "catchUpLimit": 2}),
    "too-late": Row(fired=[], reason="MissedDeadline", spec={"catchUpPolicy": "All", "startingDeadlineSeconds": 5}),
    "patient": Row(fired=[2], reason="MissedCatchUp", spec={"startingDeadlineSeconds": 3600}),
    "one-by-one": Row(
        fired=[0, 1, 2], reason="", spec={"catchUpPolicy": "All", "concurrencyPolicy": "Queue", "queueLimit": 3}
    ),
    "twice-at-most": Row(fired=[0, 1], reason="", spec={"catchUpPolicy": "All", "maxRuns": 2}),
}


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace, after all replicas have died."""
    team = found_team("catch-up")
    for replica in fleet_for_session.living():
        replica.kill()
    return team


@pytest.fixture(scope="module")
def instants(team: Team) -> list[datetime]:
    """Three seconds after the death of the replicas, so far ahead that the objects of the team are there before."""
    assert not team.cron_jobs()
    first = now().replace(microsecond=0) + 4 * SECOND
    return [first + number * SECOND for number in range(3)]


@pytest.fixture(scope="module", autouse=True)
def _outage(fleet_for_session: Fleet, team: Team, instants: list[datetime]) -> None:
    """The objects are applied, their instants pass, and the replicas come when these are more than late."""
    schedules = [f"@at {written(at)}" for at in instants]
    applied = team.apply(
        *(cron_job(name, None, schedules=schedules, job=AT_ONCE, **row.spec) for name, row in ROWS.items())
    )
    assert applied < instants[0]
    time.sleep((instants[-1] + LATE_WINDOW + SECOND - now()).total_seconds())
    fleet_for_session.mend(*NODES)


@pytest.mark.parametrize("name", ROWS)
def test_what_was_missed_in_an_outage_becomes_what_the_policy_says(
    team: Team, instants: list[datetime], name: str
) -> None:
    row = ROWS[name]
    due = len(row.fired) if not row.reason else len(instants)
    eventually(lambda: settled(team, name) == due, "each instant has its outcome")
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    assert [job.instant for job in jobs if job.cron_job == name] == [instants[number] for number in row.fired]
    recent = team.status(name)["recent"]
    others = {told["reason"] for told in recent if told["outcome"] != "created"}
    assert others == ({row.reason} if row.reason else set())
    triggers = {job["metadata"]["annotations"]["dcron.io/trigger"] for job in team.jobs(name)}
    assert triggers <= {"catch-up"}
    eventually(lambda: team.condition(name, "Completed").get("status") == "True", "nothing is left")


def settled(team: Team, name: str) -> int:
    """How many instants of an object have their outcome."""
    counts = team.counts(name)
    return sum(counts[outcome] for outcome in ("created", "skipped", "missed", "createFailed"))
