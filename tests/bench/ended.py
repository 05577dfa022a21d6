"""Writes for each firing whose Job ends: `python -m tests.bench.ended --folder docs/benchmarks`.

Objects that fire each minute, of batch/v1 and of this project side by side on one control plane with all that brings
Jobs to their end. What each controller writes, Events and the deletion of old Jobs included, is counted by the API
server's record, once there is as much history as is kept. Half an hour by default: in so long an Event that tells of
what is as it should be comes once.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.bench import arena, bodies, poster, written
from tests.cluster import fleet as fleets
from tests.cluster import stage
from tests.cluster.fleet import NODES

SCHEDULE = "* * * * *"
WARM_MINUTES = 15
"""Until as many Jobs are kept as the history limit says, and batch/v1's Events are as few as they will be: client-go
lets 25 about one object through, then one in five minutes (`events_cache.go`), and a CronJob has three a minute."""
QUIET_SECOND = 45
"""Of a minute: by then all that its firings entail is done."""
LONG = "5s"
"""How long a Job runs that is not done within a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of object.

    Attributes:
        name: In the table.
        namespace: Of its own.
        policy: The concurrency policy.
        runs_for: How long its Jobs run; None: they are done at once, without a pod.
        batch: Whether it is a CronJob of batch/v1.
    """

    name: str
    namespace: str
    policy: str = "Allow"
    runs_for: str | None = None
    batch: bool = False

    @property
    def agent(self) -> str:
        """Whose writes count."""
        return written.BATCH if self.batch else written.OURS


ROWS = (
    Row(name="batch/v1, done at once", namespace="batch-short", batch=True),
    Row(name="batch/v1, 5 s", namespace="batch-long", runs_for=LONG, batch=True),
    Row(name="batch/v1, Forbid, 5 s", namespace="batch-forbid", policy="Forbid", runs_for=LONG, batch=True),
    Row(name="this project, done at once", namespace="ours-short"),
    Row(name="this project, 5 s", namespace="ours-long", runs_for=LONG),
    Row(name="this project, Forbid, done at once", namespace="ours-forbid-short", policy="Forbid"),
    Row(name="this project, Forbid, 5 s", namespace="ours-forbid-long", policy="Forbid", runs_for=LONG),
)
HEAD = ("who makes the Jobs", "firings", "Jobs", "writes a firing", "of what kinds")


def objects(row: Row, count: int) -> list[dict[str, Any]]:
    """What a row consists of."""
    make = bodies.cron_jobs if row.batch else bodies.objects
    made = make(count, SCHEDULE)
    for body in made:
        body["spec"] = {**body["spec"], "concurrencyPolicy": row.policy}
        if row.runs_for is not None:
            body["spec"]["jobTemplate"] = _running_for(body["spec"]["jobTemplate"], row.runs_for)
    return made


def _running_for(template: Mapping[str, Any], duration: str) -> dict[str, Any]:
    """The same Job with one pod, which runs for so long."""
    pod = {"metadata": {"annotations": {"dcron.io/run-for": duration}}, **template["spec"]["template"]}
    return {**template, "spec": {**template["spec"], "completions": 1, "template": pod}}


def told(row: Row, firings: int, counts: Mapping[str, int]) -> dict[str, Any]:
    """The figures of a row, by the heads of the table."""
    each = {kind: round(count / firings, 2) for kind, count in sorted(counts.items())}
    cells = (row.name, firings, counts.get("create jobs", 0), round(sum(counts.values()) / firings, 2), each)
    return dict(zip(HEAD, cells, strict=True))


def measure(rows: Sequence[Row], *, count: int, warm: int, minutes: int) -> list[dict[str, Any]]:
    """Let all of them fire for a while.

    Args:
        count: Objects of each row.
        warm: Minutes that do not count,
        minutes: and those after them that do.
    """
    with tempfile.TemporaryDirectory(prefix="dcron-bench-") as name:
        folder = Path(name)
        with (
            ControlPlane.start(folder / "control-plane", say=stage.say) as control_plane,
            fleets.running(_ready(control_plane, rows), folder / "fleet", *NODES),
        ):
            for row in rows:
                path = (bodies.CRON_JOBS if row.batch else bodies.OBJECTS).format(row.namespace)
                poster.post(control_plane.api, path, objects(row, count))
            time.sleep(warm * 60)
            since = _wait_for_quiet()
            stage.say(f"counting for {minutes} minutes")
            until = since + timedelta(minutes=minutes)
            arena.wait_until(until)
            log = control_plane.audit_log
            return [
                told(row, count * minutes, written.read(log, since, until, agent=row.agent, namespace=row.namespace))
                for row in rows
            ]


def _ready(control_plane: ControlPlane, rows: Iterable[Row]) -> ControlPlane:
    control_plane.apply_crds(PROJECT / "crds")
    for row in rows:
        control_plane.kubectl("create", "namespace", row.namespace)
    return control_plane


def _wait_for_quiet() -> datetime:
    at = arena.now()
    quiet = at.replace(second=QUIET_SECOND, microsecond=0)
    quiet += timedelta(minutes=quiet <= at)
    arena.wait_until(quiet)
    return quiet


def main() -> int:
    """0 if each firing made its Job."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.ended", description=__doc__)
    parser.add_argument("--objects", type=int, default=10, help="of each kind")
    parser.add_argument("--warm", type=int, default=WARM_MINUTES, help="minutes that do not count")
    parser.add_argument("--minutes", type=int, default=30, help="that count")
    parser.add_argument("--only", default="", help="rows with this in their names")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if arguments.only in row.name]
    found = measure(rows, count=arguments.objects, warm=arguments.warm, minutes=arguments.minutes)
    stage.table(HEAD, [(*tuple(row.values())[:-1], _kinds(row[HEAD[-1]])) for row in found])
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / "ended.json").write_text(json.dumps(found, indent=1) + "\n")
    return 0 if all(row["Jobs"] == row["firings"] for row in found) else 1


def _kinds(each: Mapping[str, float]) -> str:
    return ", ".join(f"{kind} {number:g}" for kind, number in each.items())


if __name__ == "__main__":
    sys.exit(main())
