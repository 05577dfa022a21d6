"""A release that serves some namespaces only, without Redis: it has rights nowhere else, and needs none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.cluster import ControlPlane
from tests.chart.conftest import ACCOUNTS, SCOPED_NAMESPACE
from tests.chart.helm import SECONDS, Helm
from tests.chart.release import Release, restricted_namespace
from tests.chart.rights import Right, asked, granted
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture
def teams(control_plane: ControlPlane) -> Iterator[tuple[Team, Team]]:
    """A namespace that is served, and one that is not."""
    teams = Team.founded(control_plane, "served"), Team.founded(control_plane, "foreign")
    yield teams
    for team in teams:
        team.dissolve()


def test_only_the_namespaces_that_are_named_are_served(
    admin: Helm, control_plane: ControlPlane, teams: tuple[Team, Team], tmp_path: Path
) -> None:
    served, foreign = teams
    namespace = restricted_namespace(control_plane, SCOPED_NAMESPACE)
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)
    release.install(
        {
            "replicas": 1,
            "redis": {"mode": "none"},
            "watch": {"scope": "namespaces", "namespaces": [served.namespace]},
            "controller": {"name": "scoped", "minimumIntervalSeconds": 2},
        }
    )
    try:
        for team in teams:
            team.apply(cron_job("tick", "*/2 * * * * *", controllerName="scoped"))
        served.apply(cron_job("hasty", "* * * * * *", controllerName="scoped"))
        with release.running(tmp_path):
            eventually(lambda: finished(served.jobs("tick")), "a Job that has ended")
            eventually(lambda: served.condition("hasty").get("reason") == "IntervalTooShort", "a schedule too short")
            assert "at least 2s is allowed" in served.condition("hasty")["message"]
            assert served.jobs("hasty") == []
        assert foreign.jobs() == []
        assert foreign.status("tick") == {}
        _judge_rights(control_plane, served.namespace)
    finally:
        release.uninstall()


def _judge_rights(control_plane: ControlPlane, served: str) -> None:
    """Nothing was refused, nothing was asked for that was not granted, and all that is cluster-wide is needed."""

    def role(*name: str) -> set[Right]:
        return granted([json.loads(control_plane.kubectl("get", *name, "-o", "json"))])

    cluster_wide = role("clusterrole", f"{SCOPED_NAMESPACE}-dcron")
    asked_for = list(asked(control_plane.audit_log, ACCOUNTS[1]))
    assert {right for right, allowed in asked_for if not allowed} == set()
    used = {right for right, _ in asked_for}
    assert used <= cluster_wide | role("role", "dcron", "-n", served)
    assert cluster_wide <= used
    assert {right.resource for right in cluster_wide} == {"customresourcedefinitions", "namespaces"}
    assert {right.verb for right in cluster_wide} == {"list", "watch"}
