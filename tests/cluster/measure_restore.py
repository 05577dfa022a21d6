"""Measures what an etcd that goes back to a backup repeats: `python -m tests.cluster.measure_restore [way...]`.

Objects of every policy fire each five seconds. etcd is copied, goes on for a while, and is put back to the copy: the
statuses are old, the Jobs made since are gone, and have run all the same. For each way in which the replicas and Redis
live through that, it counts the instants since the copy that got a second Job, and says whether the statuses go on.
"""

from __future__ import annotations

import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from deploy.local.cluster import ControlPlane
from deploy.local.process import Process
from deploy.local.redis_server import RedisServer
from tests.cluster import audit, stage
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.team import Team, cron_job, instant, now, written

SCHEDULE = "*/5 * * * * *"
OBJECTS: dict[str, dict[str, Any]] = {
    "latest": {},
    "all": {"catchUpPolicy": "All"},
    "none": {"catchUpPolicy": "None"},
    "forbid": {"concurrencyPolicy": "Forbid"},
    "runs": {"maxRuns": 1000},
}
BEFORE_SECONDS, SINCE_SECONDS, AFTER_SECONDS = 20, 40, 40
"""Up to the copy, from there to the disaster, and from the return to the look at what has become of it."""
NOTICED_SECONDS = 180
"""So long, replicas that have lived through it may take to notice: two comparisons with the list."""
HEAD = ("way", "object", "instants since the copy", "run again", "statuses go on")
ETCD = "etcd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How replicas and Redis live through it.

    Attributes:
        again: Whether the replicas are stopped before; else they notice it by themselves and end.
        redis: Whether Redis keeps its memory.
        pause: Whether all objects are paused up to the return, before a replica sees them.
    """

    again: bool = True
    redis: bool = True
    pause: bool = False


WAYS = {
    "redis-kept": Way(),
    "redis-lost": Way(redis=False),
    "redis-lost-paused": Way(redis=False, pause=True),
    "replicas-kept": Way(again=False),
}


def restore(control_plane: ControlPlane, backup: Path, meanwhile: Callable[[], None]) -> None:
    """Put etcd back to a copy of its data; the API server is away until then."""
    etcd = control_plane.processes[ETCD]
    command = psutil.Process(etcd.pid).cmdline()
    control_plane.stop_api_server()
    etcd.kill()
    shutil.rmtree(etcd.folder / ETCD)
    shutil.copytree(backup, etcd.folder / ETCD)
    meanwhile()
    control_plane.processes[ETCD] = Process.start(command, name=ETCD, folder=etcd.folder, address=etcd.address)
    control_plane.start_api_server()


def copied(control_plane: ControlPlane, backup: Path) -> None:
    """Copy the data of etcd while it stands still."""
    etcd = control_plane.processes[ETCD]
    etcd.kill(signal.SIGSTOP)
    shutil.copytree(etcd.folder / ETCD, backup)
    etcd.kill(signal.SIGCONT)


def measure(control_plane: ControlPlane, fleet: Fleet, way: Way) -> list[tuple[object, ...]]:
    """One disaster: a row for each object."""
    team = Team.founded(control_plane, "restored")
    team.apply(*(cron_job(name, SCHEDULE, **spec) for name, spec in OBJECTS.items()))
    time.sleep(BEFORE_SECONDS)
    backup = control_plane.processes[ETCD].folder / "backup"
    copied(control_plane, backup)
    copied_at = now()
    time.sleep(SINCE_SECONDS)
    lost_at = now()

    def meanwhile() -> None:
        if way.again:
            for replica in fleet.living():
                replica.kill()
        if not way.redis:
            assert isinstance(fleet.redis, RedisServer)
            fleet.redis.restart()

    restore(control_plane, backup, meanwhile)
    if way.pause:
        team.annotate(*OBJECTS, **{"suspend-until": written(now())})
    if not way.again:
        eventually(lambda: not fleet.living(), "all replicas notice that etcd has gone back, and end", NOTICED_SECONDS)
        stage.say(
            f"all replicas have ended {(now() - lost_at).total_seconds():.0f} s after the return; they are started anew"
        )
    fleet.mend(*NODES)
    time.sleep(AFTER_SECONDS)
    return [(name, *row(team, name, copied_at, lost_at)) for name in OBJECTS]


def row(team: Team, name: str, copied_at: datetime, lost_at: datetime) -> tuple[object, ...]:
    """What has become of one object."""
    made = [job.instant for job in audit.made(team.control_plane.audit_log, team.namespace) if job.cron_job == name]
    since = [at for at in made if copied_at < at < lost_at]
    through = instant(team.status(name)["settledThrough"])
    return len(set(since)), len(since) - len(set(since)), "yes" if through > lost_at else "no"


def main(*ways: str) -> None:
    rows = []
    for name in ways or WAYS:
        stage.say(name)
        with stage.running(pods=True) as (control_plane, fleet):
            rows += [(name, *found) for found in measure(control_plane, fleet, WAYS[name])]
    stage.table(HEAD, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
