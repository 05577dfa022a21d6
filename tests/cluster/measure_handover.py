"""Measures hand-overs: `python -m tests.cluster.measure_handover [rounds] [objects]`.

One of three replicas ends while it owns objects that fire each second. The hand-over is the greatest lateness of the
firings of its objects from then on: with nothing to wait for it is some milliseconds. Goals: 1 s after SIGTERM, 8 s
after kill -9.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from tests.cluster import audit, stage
from tests.cluster.fleet import NODES, Fleet, Replica, eventually
from tests.cluster.team import Team, cron_job, now

SCHEDULE = "* * * * * *"
LOOK_FOR = {"SIGTERM": timedelta(seconds=4), "kill -9": timedelta(seconds=12)}
"""How long the firings after the end are looked at."""
HEAD = ("round", "how", "its objects", "due", "missed", "twice", "hand-over s", "exit s")


def measure(fleet: Fleet, team: Team, schedules: dict[str, str], how: str, number: int) -> tuple[object, ...]:
    """End one replica, watch the others take over, and start it again."""
    victim = fleet.replicas[NODES[number % len(NODES)]]
    theirs = [name for name in schedules if team.status(name).get("owner") == victim.node]
    began = now()
    took = end(victim, how)
    time.sleep(max(0.0, (LOOK_FOR[how] - (now() - began)).total_seconds()))
    until = now()
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, {name: schedules[name] for name in theirs}, began - timedelta(seconds=1), until)
    fleet.mend(*NODES)
    team.wait_until_settled(now())
    worst = f"{found.worst.total_seconds():.2f}"
    return (number + 1, how, len(theirs), found.due, len(found.missed), len(found.twice), worst, f"{took:.2f}")


def end(victim: Replica, how: str) -> float:
    """End a replica; gives how long its process took, in seconds."""
    began = time.monotonic()
    if how == "SIGTERM":
        victim.terminate()
    else:
        victim.kill()
    return time.monotonic() - began


def main(rounds: int = 3, objects: int = 12) -> None:
    schedules = {f"object-{number}": SCHEDULE for number in range(objects)}
    rows = []
    with stage.running() as (control_plane, fleet):
        team = Team.founded(control_plane, "handover")
        team.apply(*(cron_job(name, schedule, job={"completions": 0}) for name, schedule in schedules.items()))
        eventually(lambda: all(team.counts(name)["created"] for name in schedules), "all fire")
        for number in range(rounds):
            for how in LOOK_FOR:
                stage.say(f"round {number + 1} of {rounds}: {how}")
                rows.append(measure(fleet, team, schedules, how, number))
    stage.table(HEAD, rows)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
