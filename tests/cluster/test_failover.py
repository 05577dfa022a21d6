"""Replicas, Redis and the API server die under 1-second schedules: each instant gets its Job, once, and soon.

One set of objects fires all the while; each test breaks something, and then holds what the API server made against the
schedules. The evidence is the audit log, so a Job that is gone still counts.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from deploy.local.cluster import ControlPlane
from tests.cluster import audit
from tests.cluster.audit import Balance
from tests.cluster.fleet import NODES, Fleet, Replica, eventually
from tests.cluster.team import Team, cron_job, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]

SCHEDULES = {f"each-second-{number}": "* * * * * *" for number in range(8)} | {"even": "*/2 * * * * *"}
MORE = 16
"""Most objects added until each replica owns some."""
BEFORE, AFTER = timedelta(seconds=1), timedelta(seconds=3)
"""How much of the calm on both sides of a fault is looked at too."""
QUIET = timedelta(seconds=2)
"""Most lateness without a fault (INVARIANTS, D)."""


@pytest.fixture(scope="module")
def team(control_plane: ControlPlane, fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace whose objects fire each second, spread over the replicas.

    They catch up all: on a slow machine an outage may be longer than the late window, and still nothing may be missed.
    """
    team = found_team("failover")
    team.apply(
        *(
            cron_job(name, schedule, successfulJobsHistoryLimit=1, catchUpPolicy="All")
            for name, schedule in SCHEDULES.items()
        )
    )
    eventually(lambda: all(owning_nodes(team).values()), "each object has an owning node")
    for number in range(MORE):  # chance may leave a replica without any of nine
        if set(owning_nodes(team).values()) == set(NODES):
            break
        name = f"more-{number}"
        SCHEDULES[name] = "* * * * * *"
        team.apply(cron_job(name, SCHEDULES[name], successfulJobsHistoryLimit=1, catchUpPolicy="All"))
        eventually(lambda: all(owning_nodes(team).values()), "the new object has an owning node")
    assert set(owning_nodes(team).values()) == set(NODES), "each replica owns some object"
    return team


@pytest.fixture(autouse=True)
def _calm(fleet: Fleet, team: Team) -> None:
    """Each test begins with three replicas that fire in time."""
    began = now()
    team.wait_until_settled(began)


def owning_nodes(team: Team) -> dict[str, str]:
    """By object, the node that it names as its owning one."""
    return {found["metadata"]["name"]: found.get("status", {}).get("owner", "") for found in team.cron_jobs()}


def balance_of(team: Team, since: datetime) -> Balance:
    """What became of the instants from shortly before a moment until now and a little more."""
    until = now() + AFTER
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    return audit.balance(jobs, SCHEDULES, since - BEFORE, until)


def owning_node_of_most(fleet: Fleet, team: Team) -> Replica:
    """The replica whose loss is felt most."""
    owners = list(owning_nodes(team).values())
    return max(fleet.living(), key=lambda replica: owners.count(replica.node))


def test_each_instant_gets_one_job_in_time_while_nothing_happens(team: Team) -> None:
    found = balance_of(team, now())
    assert found.wrong == []
    assert found.worst <= QUIET


def test_a_killed_replica_is_replaced_by_the_others_within_seconds(fleet: Fleet, team: Team) -> None:
    victim = owning_node_of_most(fleet, team)
    theirs = [name for name, node in owning_nodes(team).items() if node == victim.node]
    victim.kill()
    killed = now()
    eventually(lambda: victim.node not in owning_nodes(team).values(), "the others own its objects", seconds=30)
    found = balance_of(team, killed)
    assert theirs
    assert found.wrong == []
    assert found.worst <= timedelta(seconds=12)


def test_a_replica_that_is_asked_to_end_hands_over_within_a_second(fleet: Fleet, team: Team) -> None:
    victim = owning_node_of_most(fleet, team)
    asked = now()
    victim.terminate()
    found = balance_of(team, asked)
    assert found.wrong == []
    assert found.worst <= timedelta(seconds=4)
    assert victim.node not in owning_nodes(team).values()


def test_a_rolling_restart_of_all_replicas_is_not_felt(fleet: Fleet, team: Team) -> None:
    began = now()
    for replica in fleet.living():
        replica.terminate()
        fleet.start(replica.node)
    found = balance_of(team, began)
    assert found.wrong == []
    assert found.worst <= timedelta(seconds=4)


def test_redis_that_comes_back_empty_loses_nothing_and_repeats_nothing(fleet: Fleet, team: Team) -> None:
    fleet.redis.stop()
    killed = now()
    eventually(lambda: any(replica.checks()["redis"] != "ok" for replica in fleet.living()), "readiness says redis")
    time.sleep(4)
    fleet.redis.resume()
    fleet.wait_until_whole()
    found = balance_of(team, killed)
    assert found.wrong == []
    assert found.worst <= timedelta(seconds=8)


def test_without_redis_the_others_stand_in_for_a_killed_replica(fleet: Fleet, team: Team) -> None:
    fleet.redis.stop()
    gone = now()
    eventually(lambda: all(replica.checks()["ring"] != "ok" for replica in fleet.living()), "all know that it is gone")
    owning_node_of_most(fleet, team).kill()
    time.sleep(8)
    fleet.redis.resume()
    fleet.wait_until_whole()
    found = balance_of(team, gone)
    assert found.wrong == []
    assert found.worst <= timedelta(seconds=12)


def test_after_a_restart_of_the_api_server_firing_goes_on(
    control_plane: ControlPlane, fleet: Fleet, team: Team
) -> None:
    away = now()
    control_plane.stop_api_server()
    control_plane.start_api_server()
    back = now()
    team.wait_until_settled(back, seconds=30)
    caught_up = now()
    fleet.wait_until_whole()
    jobs = audit.made(control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, SCHEDULES, away - BEFORE, back)
    assert found.wrong == []
    assert caught_up - back <= timedelta(seconds=12)
    assert balance_of(team, caught_up).wrong == []


def test_with_a_dead_etcd_a_replica_says_that_it_is_not_ready_and_comes_back(
    control_plane: ControlPlane, fleet: Fleet, team: Team
) -> None:
    """The API server still answers what needs no storage: that must not count as an answer."""
    etcd = control_plane.processes["etcd"]
    etcd.kill(signal.SIGSTOP)
    try:
        silent = "the API server does not answer"
        eventually(lambda: all(replica.checks().get("api") == silent for replica in fleet.living()), "each says so")
        eventually(lambda: all(silent in replica.log for replica in fleet.living()), "each logs it")
    finally:
        etcd.kill(signal.SIGCONT)
    back = now()
    fleet.wait_until_whole()
    team.wait_until_settled(back, seconds=60)
    assert balance_of(team, back + timedelta(seconds=10)).wrong == []
