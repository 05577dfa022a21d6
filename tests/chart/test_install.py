"""The chart installed with the real helm, under RBAC and Pod Security, and what its pods would run."""

from __future__ import annotations

from pathlib import Path

from deploy.local.cluster import ControlPlane
from tests.chart.helm import Helm
from tests.chart.release import Release, restricted_namespace
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished


def test_an_object_fires_where_the_chart_is_installed(admin: Helm, control_plane: ControlPlane, tmp_path: Path) -> None:
    release = Release(
        helm=admin, control_plane=control_plane, namespace=restricted_namespace(control_plane, "dcron-system")
    )
    release.install()
    team = Team.founded(control_plane, "authors")
    with release.running(tmp_path):
        team.apply(cron_job("tick", "*/2 * * * * *"))
        eventually(lambda: finished(team.jobs("tick")), "a Job that has ended")
    team.dissolve()
    release.uninstall()
