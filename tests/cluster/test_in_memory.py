"""One replica without Redis: it dies and comes back, and the ledger in the cluster is all the memory it needs.

It serves objects of a controller name of its own, so that the replicas of other tests leave them alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from deploy.local.cluster import ControlPlane
from tests.cluster import audit
from tests.cluster.fleet import Fleet, Replica
from tests.cluster.team import Team, cron_job, now, pod_template

pytest_plugins = ["tests.cluster.fleet_fixtures"]

NODE = "alone"
CONTROLLER = "alone"
SECOND = timedelta(seconds=1)
SCHEDULES = {f"each-second-{number}": "* * * * * *" for number in range(3)} | {"even": "*/2 * * * * *"}
LONG_PAUSE = 14 * SECOND
"""Longer than the late window of 10 s: the older instants are a matter of the catch-up policy."""


@pytest.fixture(scope="module")
def lone(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A fleet of one, with its membership in memory."""
    fleet = Fleet(control_plane, tmp_path_factory.mktemp("alone"), None, {"DCRON_CONTROLLER_NAME": CONTROLLER})
    fleet.start(NODE)
    yield fleet
    fleet.stop()


@pytest.fixture
def replica(lone: Fleet) -> Replica:
    """The one replica, alive and well."""
    lone.mend(NODE)
    return lone.replicas[NODE]


@pytest.fixture(scope="module")
def team(lone: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace whose objects the one replica serves."""
    team = found_team("alone")
    plain = [cron_job(name, schedule, controllerName=CONTROLLER) for name, schedule in SCHEDULES.items()]
    deadline = cron_job("deadline", "* * * * * *", controllerName=CONTROLLER, startingDeadlineSeconds=3)
    slow = cron_job("slow", "* * * * * *", template=pod_template(run_for="300s"), concurrencyPolicy="Forbid")
    slow["spec"]["controllerName"] = CONTROLLER
    began = team.apply(*plain, deadline, slow)
    team.wait_until_settled(began + SECOND)
    return team


def test_it_says_that_it_must_be_the_only_one(replica: Replica) -> None:
    assert "run one replica only" in replica.log


def test_a_restart_after_kill_9_misses_nothing_and_repeats_nothing(lone: Fleet, replica: Replica, team: Team) -> None:
    killed = now()
    replica.kill()
    lone.start(NODE)
    until = now() + 2 * SECOND
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, SCHEDULES, killed - 2 * SECOND, until)
    assert found.wrong == []
    assert found.worst <= 12 * SECOND


def test_a_restart_after_sigterm_misses_nothing_and_repeats_nothing(lone: Fleet, replica: Replica, team: Team) -> None:
    asked = now()
    replica.terminate()
    lone.start(NODE)
    until = now() + 2 * SECOND
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, SCHEDULES, asked - 2 * SECOND, until)
    assert found.wrong == []
    assert found.worst <= 12 * SECOND


def test_after_a_long_pause_the_late_window_fires_and_the_rest_has_a_reason(
    lone: Fleet, replica: Replica, team: Team
) -> None:
    killed = now()
    replica.kill()
    before = {name: team.counts(name) for name in (*SCHEDULES, "deadline")}
    time.sleep(LONG_PAUSE.total_seconds())
    lone.start(NODE)
    back = now()
    until = back + 2 * SECOND
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, SCHEDULES, killed - 2 * SECOND, until)
    assert (found.twice, found.invented, found.early) == ([], [], [])
    assert found.worst <= 12 * SECOND, "an instant beyond the late window is not fired"
    for name, counts in before.items():
        after = team.counts(name)
        assert after["missed"] > counts["missed"]
        assert after["due"] == after["created"] + after["missed"]
    strict = audit.balance(jobs, {"deadline": "* * * * * *"}, killed - 2 * SECOND, until)
    assert strict.worst <= 5 * SECOND, "startingDeadlineSeconds is 3, and a fourth has passed before it counts"
    assert strict.twice == []
    assert "MissedDeadline" in str(team.events("deadline", "MissSchedule"))
    assert "MissedCatchUp" in str(team.events("even", "MissSchedule"))


def test_a_job_that_runs_through_all_restarts_keeps_its_place(team: Team) -> None:
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    assert len([job for job in jobs if job.cron_job == "slow"]) == 1
    assert team.status("slow")["activeJobs"] == 1
    assert team.counts("slow")["skipped"] > 0
