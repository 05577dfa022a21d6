"""Measures the memory of a replica: `python -m tests.cluster.measure_memory [objects]`.

Resident memory (VmRSS) of a replica with no object, with so many on hourly schedules that came while it ran, and of a
replica started with them there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.cluster import stage
from tests.cluster.fleet import NODES, Fleet, Replica, eventually
from tests.cluster.team import Team, cron_job

HEAD = ("one replica", "VmRSS MiB", "peak MiB")


def measure(name: str, replica: Replica) -> tuple[object, ...]:
    """A row: resident memory now, and its peak."""
    text = Path(f"/proc/{replica.process.pid}/status").read_text()
    kib = (int(re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE).group(1)) for field in ("VmRSS", "VmHWM"))  # type: ignore[union-attr]
    return (name, *(f"{number / 1024:.0f}" for number in kib))


def hourly(objects: int) -> list[dict[str, object]]:
    """Objects that fire once an hour, at all minutes alike."""
    return [cron_job(f"object-{number}", f"{number % 60} * * * *") for number in range(objects)]


def main(objects: int = 1000) -> None:
    rows = []
    with stage.running(replicas=1) as (control_plane, fleet):
        node = NODES[0]
        rows.append(measure("no object", fleet.replicas[node]))
        stage.say(f"applying {objects} objects")
        team = Team.founded(control_plane, "memory")
        team.apply(*hourly(objects))
        wait_until_seen(team, objects)
        rows.append(measure(f"{objects} objects have come", fleet.replicas[node]))
        restart(fleet, node)
        wait_until_seen(team, objects)
        rows.append(measure(f"started with {objects} objects", fleet.replicas[node]))
    stage.table(HEAD, rows)


def restart(fleet: Fleet, node: str) -> None:
    """End a replica and start it again."""
    fleet.replicas[node].terminate()
    fleet.start(node)


def wait_until_seen(team: Team, objects: int) -> None:
    """Wait until each object has its status."""
    eventually(lambda: sum("status" in found for found in team.cron_jobs()) == objects, "all have a status", 120)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
