"""Measures how late Jobs are made: `python -m tests.cluster.measure_lateness [objects] [seconds] [replicas]`.

All objects fire at the same even seconds. Lateness is the API server's: from the instant to the moment at which the
create was answered, by the audit log. The Jobs complete without pods (`completions: 0`): on one machine, making,
scheduling and ending 50 pods a second would be what is measured. The load average at the end tells what else ran.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta

from tests.cluster import audit, stage
from tests.cluster.audit import Balance
from tests.cluster.team import Team, cron_job, now

SCHEDULE = "*/2 * * * * *"
WARM_UP = timedelta(seconds=6)
HEAD = ("due", "made", "missed", "twice", "p50 ms", "p99 ms", "worst ms", "load average")


def measure(team: Team, objects: int, seconds: int) -> Balance:
    """Let objects fire, and hold what was made against what was due."""
    schedules = {f"object-{number}": SCHEDULE for number in range(objects)}
    began = (
        team.apply(*(cron_job(name, schedule, job={"completions": 0}) for name, schedule in schedules.items()))
        + WARM_UP
    )
    until = began + timedelta(seconds=seconds)
    time.sleep((until - now()).total_seconds())
    team.wait_until_settled(until, seconds=120)
    return audit.balance(audit.made(team.control_plane.audit_log, team.namespace), schedules, began, until)


def row(found: Balance) -> tuple[object, ...]:
    """A row of the table."""
    late = (f"{at.total_seconds() * 1000:.0f}" for at in (found.quantile(0.5), found.quantile(0.99), found.worst))
    return (found.due, len(found.late), len(found.missed), len(found.twice), *late, f"{os.getloadavg()[0]:.1f}")


def main(objects: int = 100, seconds: int = 60, replicas: int = 3) -> None:
    with stage.running(replicas) as (control_plane, _):
        stage.say(f"{objects} objects on {SCHEDULE!r} for {seconds} s")
        found = measure(Team.founded(control_plane, "lateness"), objects, seconds)
    stage.table(HEAD, [row(found)])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
