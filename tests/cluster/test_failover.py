"""Replicas, Redis and the API server die under 1-second schedules: each instant gets its Job, once, and soon.

One set of objects fires all the while; each test breaks something, and then has the checker judge what happened, by
its own watch and by the audit log, so a Job that is gone still counts. A run that is not valid leaves its report.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.cluster import ControlPlane
from tests.checker.history import Felt
from tests.checker.watch import Watch
from tests.cluster.checked import Checker, lasting, sudden, watching
from tests.cluster.fleet import NODES, Fleet, Replica, eventually
from tests.cluster.team import Team, cron_job, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]

SCHEDULES = {f"each-second-{number}": "* * * * * *" for number in range(8)} | {"even": "*/2 * * * * *"}
MORE = 16
"""Most objects added until each replica owns some."""
KILLED, ASKED, REDIS, SLOW = 12.0, 4.0, 8.0, 60.0
"""Seconds for which lateness is excused: after a death, after SIGTERM, after Redis went or came back, and after etcd.

INVARIANTS asks for 8 s after a death, and for 1 s after SIGTERM; the rest is for a busy machine.
"""


@pytest.fixture(scope="module")
def place(found_team: Callable[[str], Team]) -> Team:
    """A namespace, still empty."""
    return found_team("failover")


@pytest.fixture(scope="module")
def watch(place: Team) -> Iterator[Watch]:
    """Sees all that happens in the namespace from before its first object on."""
    with watching(place) as watch:
        yield watch


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, place: Team, watch: Watch) -> Team:
    """A namespace whose objects fire each second, spread over the replicas.

    They catch up all: on a slow machine an outage may be longer than the late window, and still nothing may be missed.
    """
    team = place
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


@pytest.fixture
def checker(team: Team, watch: Watch, tmp_path: Path) -> Checker:
    """Judges what happens."""
    return Checker(team=team, watch=watch, folder=tmp_path)


@pytest.fixture(autouse=True)
def _calm(fleet: Fleet, team: Team) -> None:
    """Each test begins with three replicas that fire in time."""
    began = now()
    team.wait_until_settled(began)


def owning_nodes(team: Team) -> dict[str, str]:
    """By object, the node that it names as its owning one."""
    return {found["metadata"]["name"]: found.get("status", {}).get("owner", "") for found in team.cron_jobs()}


def owning_node_of_most(fleet: Fleet, team: Team) -> Replica:
    """The replica whose loss is felt most."""
    owners = list(owning_nodes(team).values())
    return max(fleet.living(), key=lambda replica: owners.count(replica.node))


def test_each_instant_gets_one_job_in_time_while_nothing_happens(checker: Checker) -> None:
    checker.hold(now())


def test_a_killed_replica_is_replaced_by_the_others_within_seconds(fleet: Fleet, team: Team, checker: Checker) -> None:
    victim = owning_node_of_most(fleet, team)
    theirs = [name for name, node in owning_nodes(team).items() if node == victim.node]
    victim.kill()
    killed = now()
    eventually(lambda: victim.node not in owning_nodes(team).values(), "the others own its objects", seconds=30)
    assert theirs
    checker.hold(killed, sudden(f"kill -9 of {victim.node}", killed, KILLED))


def test_a_replica_that_is_asked_to_end_hands_over_within_a_second(fleet: Fleet, team: Team, checker: Checker) -> None:
    victim = owning_node_of_most(fleet, team)
    asked = now()
    victim.terminate()
    checker.hold(asked, lasting(f"SIGTERM of {victim.node}", asked, now(), ASKED))
    assert victim.node not in owning_nodes(team).values()


def test_a_rolling_restart_of_all_replicas_is_not_felt(fleet: Fleet, checker: Checker) -> None:
    began = now()
    faults = []
    for replica in fleet.living():
        asked = now()
        replica.terminate()
        faults.append(lasting(f"SIGTERM of {replica.node}", asked, now(), ASKED))
        fleet.start(replica.node)
        faults.append(sudden(f"{replica.node} has joined", now(), ASKED))
    checker.hold(began, *faults)


def test_redis_that_comes_back_empty_loses_nothing_and_repeats_nothing(fleet: Fleet, checker: Checker) -> None:
    gone = now()
    fleet.redis.stop()
    eventually(lambda: any(replica.checks()["redis"] != "ok" for replica in fleet.living()), "readiness says redis")
    time.sleep(4)
    fleet.redis.resume()
    back = now()
    fleet.wait_until_whole()
    checker.hold(gone, lasting("Redis down, back empty", gone, back, REDIS))


def test_without_redis_the_others_stand_in_for_a_killed_replica(fleet: Fleet, team: Team, checker: Checker) -> None:
    gone = now()
    fleet.redis.stop()
    eventually(lambda: all(replica.checks()["ring"] != "ok" for replica in fleet.living()), "all know that it is gone")
    victim = owning_node_of_most(fleet, team)
    victim.kill()
    killed = now()
    time.sleep(8)
    fleet.redis.resume()
    back = now()
    fleet.wait_until_whole()
    down = lasting("Redis down, back empty", gone, back, REDIS)
    checker.hold(gone, down, lasting(f"kill -9 of {victim.node}", killed, back, KILLED))


def test_after_a_restart_of_the_api_server_firing_goes_on(
    control_plane: ControlPlane, fleet: Fleet, checker: Checker
) -> None:
    away = now()
    control_plane.stop_api_server()
    control_plane.start_api_server()
    back = now()
    fleet.wait_until_whole()
    checker.hold(away, replace(lasting("API server restarted", away, back, KILLED), felt=Felt.THROUGHOUT))


def test_with_a_dead_etcd_a_replica_says_that_it_is_not_ready_and_comes_back(
    control_plane: ControlPlane, fleet: Fleet, checker: Checker
) -> None:
    """The API server still answers what needs no storage: that must not count as an answer."""
    etcd = control_plane.processes["etcd"]
    stopped = now()
    etcd.kill(signal.SIGSTOP)
    try:
        silent = "the API server does not answer"
        eventually(lambda: all(replica.checks().get("api") == silent for replica in fleet.living()), "each says so")
        eventually(lambda: all(silent in replica.log for replica in fleet.living()), "each logs it")
    finally:
        etcd.kill(signal.SIGCONT)
    back = now()
    fleet.wait_until_whole()
    checker.hold(stopped, replace(lasting("etcd stopped", stopped, back, SLOW), felt=Felt.THROUGHOUT))
