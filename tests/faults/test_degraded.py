"""Replicas without Redis: they fire on, say so once, in each place where a person would look, and come back quietly."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.redis_server import RedisServer
from tests.cluster import audit
from tests.cluster.fleet import Fleet, Replica, eventually
from tests.cluster.team import Team, cron_job, now
from tests.faults import stages
from tests.faults.bounds import RECOVERY

NODES = ("left", "right")
SECOND = timedelta(seconds=1)
SCHEDULES = {f"each-second-{number}": "* * * * * *" for number in range(3)}
OUTAGE_SECONDS = 30.0
QUIET_SECONDS = 8.0
"""After an outage: long enough for a ring that flaps to show it."""
SETTLED_SECONDS = 90.0
STATE = 'dcron_ring_state{state="Degraded"}'
BEGUN, ENDED, RING = "going on without Redis", "Redis answers again", "the ring has changed"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis to be taken away."""
    with RedisServer.start(tmp_path) as redis:
        yield redis


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane without pods."""
    with stages.control_plane(tmp_path_factory.mktemp("control-plane")) as control_plane:
        yield control_plane


@pytest.fixture
def team(control_plane: ControlPlane) -> Iterator[Team]:
    """A namespace with objects that fire each second, and where the replicas' pods would be."""
    team = Team.founded(control_plane, "degraded")
    spec: dict[str, Any] = {
        "controllerName": team.namespace
    }  # the replicas of one test leave the objects of the others alone
    team.apply(*(cron_job(name, schedule, **spec) for name, schedule in SCHEDULES.items()))
    yield team
    team.dissolve()


@pytest.fixture
def fleet(control_plane: ControlPlane, redis: RedisServer, team: Team, tmp_path: Path) -> Iterator[Fleet]:
    """Two replicas that have not been started yet."""
    variables = {"DCRON_CONTROLLER_NAME": team.namespace, "POD_NAMESPACE": team.namespace}
    fleet = Fleet(control_plane, tmp_path, redis, variables)
    yield fleet
    fleet.stop()


def launch(fleet: Fleet) -> list[Replica]:
    """Start the two, each with the name of its pod."""
    return [fleet.launch(node, {"POD_NAME": f"dcron-{node}"}) for node in NODES]


Act = Callable[[RedisServer], None]
OUTAGES: dict[str, tuple[Act, Act]] = {
    "gone, and back empty": (RedisServer.stop, RedisServer.resume),
    "silent, and back with what it knew": (RedisServer.freeze, RedisServer.thaw),
}


@pytest.mark.timeout(240)
@pytest.mark.parametrize("outage", OUTAGES)
def test_an_outage_is_told_once_and_ends_without_a_flap(
    fleet: Fleet, redis: RedisServer, team: Team, outage: str
) -> None:
    begin, end = OUTAGES[outage]
    replicas = launch(fleet)
    fleet.wait_until_whole()
    since = now()
    team.wait_until_settled(since, seconds=SETTLED_SECONDS)
    before = {replica.node: replica.log.count(RING) for replica in replicas}
    begin(redis)
    time.sleep(OUTAGE_SECONDS)
    for replica in replicas:
        status, body = replica.answer("/readyz")
        assert (status, '"status": "degraded"' in body) == (200, True), body
        assert replica.checks()["ring"] == "degraded: the last ring goes on, of 2"
        assert "Redis" in replica.checks()["redis"]
        assert (number(replica, "dcron_redis_up"), number(replica, STATE)) == (0, 1)
    end(redis)
    fleet.wait_until_whole()
    time.sleep(QUIET_SECONDS)
    until = now()
    for replica in replicas:
        told = replica.log
        assert (told.count(BEGUN), told.count(ENDED)) == (1, 1), told
        assert told.count(RING) == before[replica.node], f"the ring has flapped:\n{told}"
        assert number(replica, "dcron_redis_up") == 1
        assert reasons(team, replica) == ["RedisUnavailable", "RedisAvailable"]
    check_firings(team, since, until)


@pytest.mark.timeout(240)
def test_replicas_that_start_without_redis_fire_each_instant_once(fleet: Fleet, redis: RedisServer, team: Team) -> None:
    redis.stop()
    replicas = launch(fleet)
    eventually(lambda: all(number(replica, STATE) == 1 for replica in replicas), "all go on without a ring")
    since = now()
    time.sleep(OUTAGE_SECONDS / 2)
    for replica in replicas:
        assert replica.answer("/readyz")[0] == 503
        assert replica.checks()["ring"] == "degraded: no ring was seen yet, this replica fires all that is due"
    redis.resume()
    fleet.wait_until_whole()
    time.sleep(QUIET_SECONDS)
    until = now()
    for replica in replicas:
        told = replica.log
        assert (told.count(BEGUN), told.count(ENDED)) == (1, 1), told
        assert told.count(RING) <= len(NODES), f"the ring has flapped:\n{told}"
        assert reasons(team, replica) == ["RedisUnavailable", "RedisAvailable"]
    check_firings(team, since, until)


def check_firings(team: Team, since: Any, until: Any) -> None:
    """Each instant has one Job, none too late."""
    team.wait_until_settled(until, seconds=SETTLED_SECONDS)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, SCHEDULES, since, until)
    assert found.wrong == []
    assert found.worst <= RECOVERY


def number(replica: Replica, series: str) -> float | None:
    """A number of its `/metrics`."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", replica.answer("/metrics")[1], re.MULTILINE)
    return float(found.group(1)) if found else None


def reasons(team: Team, replica: Replica) -> list[str]:
    """Of the Events about its pod, in their order; all of them stand for one happening."""
    found = sorted(team.events(f"dcron-{replica.node}"), key=lambda event: event["firstTimestamp"])
    assert all(event["count"] == 1 and event["involvedObject"]["kind"] == "Pod" for event in found)
    return [event["reason"] for event in found]
