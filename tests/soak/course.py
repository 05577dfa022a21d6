"""The order of things: start, create, warm up, then churn, restarts, samples and windows side by side, and the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.redis_server import RedisServer
from deploy.local.replica import PROJECT
from tests.checker.history import Fault
from tests.checker.watch import ApiSource, Watch
from tests.cluster import fleet as fleets
from tests.cluster.fleet import NODES, Fleet
from tests.cluster.team import Team, now
from tests.soak import picture
from tests.soak.churn import Churn
from tests.soak.figures import Figures, Lateness
from tests.soak.restarts import Restarts
from tests.soak.samples import Sampler
from tests.soak.slope import WARM_UP_SECONDS, slopes
from tests.soak.windows import RIPE, Windows

KEPT = NODES[0]
PICTURE, FIGURES = "soak.svg", "figures.json"
_TICK_SECONDS = 0.2
_SETTLE = timedelta(seconds=30)
_GO_MEMORY = "400"
"""GOGC of the control plane: it is not what is measured, and collecting garbage is a seventh of what it does here."""
_SECOND = 25
"""Windows begin and end at this second of a minute: between two bursts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All that runs, from the begin of the hour on."""

    control_plane: ControlPlane
    redis: RedisServer
    fleet: Fleet
    team: Team
    watch: Watch
    folder: Path
    say: Callable[[str], None]


def run(objects: int, period: int, minutes: float, folder: Path, say: Callable[[str], None]) -> Figures:
    """The whole soak; its reports, its picture and all logs are in the folder afterwards.

    Raises:
        LocalError: Something could not be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as undo:
        say("starting a control plane and three replicas")
        os.environ.setdefault("GOGC", _GO_MEMORY)
        control_plane = undo.enter_context(ControlPlane.start(folder / "control-plane", scheduler=False, kwok=False))
        control_plane.apply_crds(PROJECT / "crds")
        redis = undo.enter_context(RedisServer.start(folder / "redis"))
        fleet = undo.enter_context(fleets.sharing(redis, control_plane, folder / "fleet", *NODES))
        team = Team.founded(control_plane, "soak")
        watch = undo.enter_context(Watch(ApiSource(control_plane.api), team.namespace))
        stage = Stage(
            control_plane=control_plane, redis=redis, fleet=fleet, team=team, watch=watch, folder=folder, say=say
        )
        return _soak(stage, objects, period, timedelta(minutes=minutes))


def _soak(stage: Stage, objects: int, period: int, length: timedelta) -> Figures:
    churn = Churn(stage.team, objects, period)
    stage.say(f"creating {objects} objects")
    churn.create_all()
    began = _boundary(now() + _SETTLE)
    time.sleep(max(0.0, (began - now()).total_seconds()))
    stage.say(f"the run begins at {began:%H:%M:%S} UTC")
    windows = Windows(stage.watch.notebook, stage.control_plane.audit_log, stage.team.namespace, stage.folder, began)
    restarts = Restarts(stage.fleet, [node for node in NODES if node != KEPT])
    with Sampler(stage.fleet.living, _others(stage)) as sampler:
        with churn:
            _tick_until(began + length, stage, windows, restarts)
            until = _boundary(now())
            _tick_until(until, stage, windows, restarts)
        _tick_until(until + RIPE, stage, windows, restarts)
        _judge(stage, windows, restarts, until)
    return _told(stage, churn, windows, restarts, sampler, objects, period, (until - began) / timedelta(minutes=1))


def _tick_until(until: datetime, stage: Stage, windows: Windows, restarts: Restarts) -> None:
    while now() < until:
        restarts.tick()
        if windows.is_ripe(now()):
            _judge(stage, windows, restarts, windows.next_end)
        assert not stage.control_plane.dead(), f"the control plane has lost {stage.control_plane.dead()}"
        time.sleep(_TICK_SECONDS)


def _judge(stage: Stage, windows: Windows, restarts: Restarts, until: datetime) -> None:
    ended, began = now(), time.monotonic()
    time.sleep(_TICK_SECONDS)  # the log is whole up to then
    faults = [
        Fault(what=f"restart of {node}", since=at, until=at)
        for at, node in restarts.at
        if at > until - timedelta(minutes=3)
    ]
    line = windows.judge(until, ended, faults)
    stage.say(f"{line} (judged in {time.monotonic() - began:.1f} s)")
    for complaint in windows.complaints[-5:]:
        stage.say(f"  {complaint}")


def _told(
    stage: Stage,
    churn: Churn,
    windows: Windows,
    restarts: Restarts,
    sampler: Sampler,
    objects: int,
    period: int,
    minutes: float,
) -> Figures:
    figures = Figures(
        minutes=minutes,
        objects=objects,
        period=period,
        kept=KEPT,
        churn=dict(sorted(churn.done.items())),
        restarts=len(restarts.at),
        unasked=restarts.unasked,
        windows=windows.windows,
        verdicts=dict(windows.kinds),
        complaints=windows.complaints,
        lateness=Lateness.of(windows.late),
        slopes=slopes(sampler.samples),
        samples=sampler.samples,
        cores=sampler.cores(),
        load=os.getloadavg()[0],
    )
    figures.write(stage.folder / FIGURES)
    begin = now() - timedelta(seconds=sampler.seconds)
    at = [((moment - begin).total_seconds(), node) for moment, node in restarts.at]
    title = f"Soak: {objects} objects, each every {period} seconds, {minutes:.0f} minutes, 100 changes a minute"
    (stage.folder / PICTURE).write_text(picture.drawn(sampler.samples, at, figures.slope, WARM_UP_SECONDS, title))
    return figures


def _others(stage: Stage) -> dict[str, int]:
    processes = {name: process.pid for name, process in stage.control_plane.processes.items()}
    return {**processes, "redis": stage.redis.process.pid, "checker and authors": os.getpid()}


def _boundary(after: datetime) -> datetime:
    """The next moment at which a window may begin."""
    at = after.replace(second=_SECOND, microsecond=0)
    return at if at >= after else at + timedelta(minutes=1)
