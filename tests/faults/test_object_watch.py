"""No fault of the watch of the objects leaves a replica that lives and does not fire.

Each fault is struck at a replica of its own, all at the same time, for most of it is waiting. Whether a fault is
noticed is seen at what fires: each object fires every two seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.cluster.fleet import Fleet, Replica, Way, eventually
from tests.cluster.team import Team, cron_job, now
from tests.faults.watchgate import Gates, WatchGate

SEEN_SECONDS = 75.0
"""INVARIANTS: so long after its begin a stall is seen at the latest."""
AT_ONCE_SECONDS = 25.0
"""Of what needs no time-out: seconds, and more on a busy machine; but less than a comparison would take."""
OBEYED_WITHIN = timedelta(seconds=4)
"""S6: a deletion is obeyed so soon while the watch is stalled."""
LOST_SECONDS = 240.0
"""A watch that shows nothing is given up after four comparisons, 130 s."""
KEPT, GONE, NEW, AGAIN = "kept", "gone", "new", "again"
EVERY_TWO = "*/2 * * * * *"
STALL, BLIND, END, EXPIRED, BROKEN = "stalled", "blind", "ended", "expired", "broken"

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One replica behind its gate, with a namespace of its own.

    Attributes:
        deleted_at: When one of its objects was.
    """

    fleet: Fleet
    name: str
    team: Team
    gate: WatchGate
    struck_at: datetime
    lists_before: int
    watches_before: int
    deleted_at: datetime

    @property
    def replica(self) -> Replica:
        """The replica that runs, or ran."""
        return self.fleet.replicas[self.name]

    def instants(self, name: str) -> list[datetime]:
        """Of the Jobs that an object has now, when they were made."""
        return [datetime.fromisoformat(job["metadata"]["creationTimestamp"]) for job in self.team.jobs(name)]

    def fires(self, name: str, within: float) -> float:
        """Wait until an object fires, and give how long after the strike that was."""
        eventually(lambda: self.instants(name), f"{self.name}: {name} fires", within)
        return (now() - self.struck_at).total_seconds()

    def fired_after_its_end(self) -> bool:
        """Whether the object that was deleted fired later than a watch that stalls may make it."""
        return any(made > self.deleted_at + OBEYED_WITHIN for made in self.instants(GONE))


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One without pods."""
    folder = tmp_path_factory.mktemp("control-plane")
    with ControlPlane.start(folder, scheduler=False, kwok=False) as running:
        running.apply_crds(PROJECT / "crds")
        yield running


@pytest.fixture(scope="module")
def gates(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gates]:
    """The gates of all replicas."""
    with Gates(control_plane, tmp_path_factory.mktemp("gates")) as gates:
        yield gates


@pytest.fixture(scope="module")
def scenes(
    control_plane: ControlPlane, gates: Gates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Scene]]:
    """Each fault has been struck; meanwhile one object has gone and another has come."""
    folder = tmp_path_factory.mktemp("replicas")
    fleet = Fleet(control_plane, folder, None, way=lambda name: Way(kubeconfig=gates.open(name), redis_url=None))
    strikes: dict[str, Callable[[str], None]] = {
        STALL: lambda name: gates[name].stall(),
        BLIND: lambda name: setattr(gates[name], "blind", True),
        END: gates.end,
        EXPIRED: lambda name: gates[name].stall(),
        BROKEN: lambda name: gates.end(name, HTTPStatus.INTERNAL_SERVER_ERROR),
    }
    teams = {name: Team.founded(control_plane, name) for name in strikes}
    try:
        for name, team in teams.items():
            fleet.launch(name, {"DCRON_NAMESPACES": team.namespace})
        for team in teams.values():
            team.apply(*(cron_job(name, EVERY_TWO, job={"completions": 0}) for name in (KEPT, GONE)))
        for team in teams.values():
            eventually(lambda team=team: team.jobs(KEPT) and team.jobs(GONE), f"{team.namespace} fires", 60)  # type: ignore[misc]
        found = {name: _struck(fleet, gates, name, teams[name], strike) for name, strike in strikes.items()}
        for name, scene in found.items():
            found[name] = replace(scene, deleted_at=scene.team.delete(GONE))
            scene.team.apply(cron_job(NEW, EVERY_TWO, job={"completions": 0}))
        gates.end(EXPIRED, HTTPStatus.GONE)  # what happened meanwhile is known from a new list, or not at all
        yield found
    finally:
        fleet.stop()


def _struck(fleet: Fleet, gates: Gates, name: str, team: Team, strike: Callable[[str], None]) -> Scene:
    gate = gates[name]
    before = gate.lists, gate.watches
    strike(name)
    return Scene(
        fleet=fleet,
        name=name,
        team=team,
        gate=gate,
        struck_at=now(),
        lists_before=before[0],
        watches_before=before[1],
        deleted_at=now(),
    )


def test_a_watch_that_ends_goes_on_where_it_was(scenes: dict[str, Scene]) -> None:
    scene = scenes[END]
    scene.fires(NEW, AT_ONCE_SECONDS)
    assert scene.gate.watches > scene.watches_before
    assert scene.gate.lists == scene.lists_before


def test_a_watch_that_has_lost_its_place_is_listed_anew_and_what_went_meanwhile_is_dropped(
    scenes: dict[str, Scene],
) -> None:
    scene = scenes[EXPIRED]
    scene.fires(NEW, AT_ONCE_SECONDS)
    assert scene.gate.lists > scene.lists_before
    # kopf tells nothing of an object that is not on its new list: our own comparison does.
    eventually(lambda: _owned(scene.replica) == 2, "the object that went is dropped", SEEN_SECONDS)
    assert not scene.fired_after_its_end()


def test_a_watch_that_tells_an_error_ends_the_process_with_one_line(scenes: dict[str, Scene]) -> None:
    scene = scenes[BROKEN]
    assert scene.replica.process.wait(AT_ONCE_SECONDS)
    assert "dcron: the watch of the objects has ended" in scene.replica.process.log_tail().splitlines()[-1]


def test_what_a_stalled_watch_hides_is_seen_in_time_and_the_watch_is_opened_anew(scenes: dict[str, Scene]) -> None:
    scene = scenes[STALL]
    assert scene.fires(NEW, SEEN_SECONDS) < SEEN_SECONDS
    assert scene.instants(KEPT), "the others go on"
    assert not scene.fired_after_its_end()
    eventually(lambda: scene.gate.watches > scene.watches_before, "the watch is opened anew", 2 * SEEN_SECONDS)
    assert scene.replica.runs


def test_a_watch_that_shows_nothing_more_ends_the_process_in_order_and_it_fires_until_then(
    scenes: dict[str, Scene],
) -> None:
    scene = scenes[BLIND]
    scene.fires(NEW, SEEN_SECONDS)
    status, _ = scene.replica.answer("/healthz")
    assert status == HTTPStatus.OK
    assert scene.replica.process.wait(LOST_SECONDS)
    log = scene.replica.process.log_tail().splitlines()
    assert "dcron: the watch of the objects has shown nothing for" in log[-1]
    assert any("ERROR" in line and "ending, to be started anew" in line for line in log)
    made = max(scene.instants(KEPT))
    assert now() - made < timedelta(seconds=AT_ONCE_SECONDS), "it fired until its end"


def test_after_the_crd_was_deleted_and_made_again_everyone_fires_and_watches_again(
    scenes: dict[str, Scene], control_plane: ControlPlane
) -> None:
    """Where kopf meets the gap it ends, and with it the process; where it does not, it may watch nothing from then on.

    A replica is started anew whenever it ends, as a kubelet does.
    """
    there = [scenes[name] for name in (STALL, EXPIRED, END)]
    control_plane.kubectl("delete", "crd", "distributedcronjobs.dcron.io")
    control_plane.apply_crds(PROJECT / "crds")
    for scene in there:
        scene.team.apply(cron_job(AGAIN, EVERY_TWO, job={"completions": 0}))

    def fires_again(scene: Scene) -> bool:
        return _kept_alive(scene) and bool(scene.team.jobs(AGAIN))

    def watches_again(scene: Scene) -> bool:
        """Each firing is told by a write of the status, which the watch shows."""
        return _kept_alive(scene) and AGAIN in scene.gate.told

    eventually(lambda: all(map(fires_again, there)), "all fire again", SEEN_SECONDS)
    eventually(lambda: all(map(watches_again, there)), "all watch again, or were started anew", LOST_SECONDS)


def _kept_alive(scene: Scene) -> bool:
    if not scene.replica.runs:
        scene.replica.process.wait(0)
        scene.fleet.launch(scene.name, {"DCRON_NAMESPACES": scene.team.namespace})
    return True


def _owned(replica: Replica) -> int:
    """How many keys a replica says that it owns."""
    lines = replica.answer("/metrics")[1].splitlines()
    return next((int(float(line.split()[-1])) for line in lines if line.startswith("dcron_ring_keys_owned ")), -1)
