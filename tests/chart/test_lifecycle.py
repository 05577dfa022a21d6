"""A release is upgraded, rolled back and uninstalled; the CRD is upgraded as the page on installing says."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.chart.helm import CHART, SECONDS, Helm
from tests.chart.release import Release, restricted_namespace
from tests.chart.world import all_objects
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished

pytestmark = pytest.mark.timeout(SECONDS)

CRD = "distributedcronjobs.dcron.io"


@pytest.fixture
def team(control_plane: ControlPlane) -> Iterator[Team]:
    """A namespace with objects."""
    control_plane.apply_crds(PROJECT / "crds")
    team = Team.founded(control_plane, "authors")
    yield team
    team.dissolve()


def deployed(control_plane: ControlPlane, namespace: str) -> dict[str, Any]:
    """The Deployment of the replicas."""
    found: dict[str, Any] = control_plane.api.call("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/dcron")
    return found


def password(control_plane: ControlPlane, namespace: str) -> bytes:
    """The bundled Redis's password."""
    secret = control_plane.api.call("GET", f"/api/v1/namespaces/{namespace}/secrets/dcron-redis")
    return base64.b64decode(secret["data"]["password"])


def test_a_release_is_upgraded_rolled_back_and_leaves_nothing_but_the_crd_and_objects_of_users(
    admin: Helm, control_plane: ControlPlane, team: Team, tmp_path: Path
) -> None:
    namespace = restricted_namespace(control_plane, "lifecycle")
    team.apply(cron_job("ours", "*/2 * * * * *", successfulJobsHistoryLimit=1))
    eventually(
        lambda: len(control_plane.kubectl("get", "serviceaccounts", "-n", namespace, "-o", "name").split()), "it"
    )
    before = all_objects(control_plane)
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)

    notes = release.install({"monitoring": {"dashboard": {"enabled": True}}})
    assert "helm test dcron --namespace lifecycle" in notes
    first_object = notes.partition("<<EOF\n")[2].partition("  EOF")[0]
    assert "hello created" in team.kubectl(
        "apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=first_object
    )
    first, secret = deployed(control_plane, namespace)["spec"], password(control_plane, namespace)
    assert len(secret) == 32

    said = release.upgrade({"replicas": 2, "controller": {"logLevel": "debug"}, "rbac": {"aggregate": True}})
    assert "Helm does not upgrade CRDs" in said
    second = deployed(control_plane, namespace)["spec"]
    assert (first["replicas"], second["replicas"]) == (3, 2)
    assert {"name": "DCRON_LOG_LEVEL", "value": "debug"} in second["template"]["spec"]["containers"][0]["env"]
    assert password(control_plane, namespace) == secret
    with release.running(tmp_path / "second"):
        eventually(lambda: finished(team.jobs("ours")), "a Job that has ended")

    release.rollback(1)
    assert deployed(control_plane, namespace)["spec"] == first
    assert password(control_plane, namespace) == secret
    assert len(eventually(lambda: release.pods() if len(release.pods()) == 3 else [], "three pods")) == 3

    jobs = {job["metadata"]["name"] for job in team.jobs("ours")}
    release.uninstall()
    eventually(lambda: not _since(control_plane, before, team.namespace), "nothing left by the release", 60)
    assert jobs <= {job["metadata"]["name"] for job in team.jobs("ours")}
    assert control_plane.kubectl("get", "crd", CRD, "-o", "name").strip().endswith(CRD)


def _since(control_plane: ControlPlane, before: set[str], users: str) -> set[str]:
    """What has come since, but for the objects of users."""
    return {line for line in all_objects(control_plane) - before if line.split()[1] != users}


def test_a_crd_of_an_earlier_version_is_upgraded_by_the_command_of_the_page(
    admin: Helm, control_plane: ControlPlane, team: Team, tmp_path: Path
) -> None:
    page = (PROJECT / "docs" / "install.md").read_text()
    command = "helm show crds charts/dcron | kubectl apply --server-side --force-conflicts -f -"
    assert command in page
    (source,) = (CHART / "crds").iterdir()
    new = yaml.safe_load(source.read_text())
    old = json.loads(json.dumps(new))
    del old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["jitterSeconds"]
    control_plane.kubectl("replace", "-f", "-", stdin=json.dumps(old))
    assert "jitterSeconds" not in control_plane.kubectl("get", "crd", CRD, "-o", "json")

    team.apply(cron_job("stays", "@yearly"))
    uid = team.cron_job("stays")["metadata"]["uid"]
    shown, _, arguments = command.partition(" | kubectl ")
    crds = admin.run("show", "crds", CHART)
    assert shown == "helm show crds charts/dcron"
    control_plane.kubectl(*arguments.split(), stdin=crds)
    properties = json.loads(control_plane.kubectl("get", "crd", CRD, "-o", "json"))["spec"]["versions"][0]["schema"]
    assert "jitterSeconds" in properties["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert team.cron_job("stays")["metadata"]["uid"] == uid
