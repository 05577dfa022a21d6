"""Who installs with `kubectl apply -k` gets what the chart renders, and what the API server takes."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from deploy.chart import manifests
from deploy.chart.places import MANIFESTS, PROJECT
from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from tests.chart.helm import SECONDS, Helm, of_kind
from tests.chart.release import Release, restricted_namespace
from tests.chart.sets import SETS
from tests.chart.world import all_objects
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished

pytestmark = pytest.mark.timeout(SECONDS)

OVERLAYS: Final[dict[str, dict[str, Any]]] = {
    "cluster-wide": {},
    "namespaced": {"watch": {"scope": "namespaces", "namespaces": [manifests.SERVED]}},
    "one-replica": SETS["no redis"],
}
"""Each overlay, and the values of the chart that it is to equal."""
WITH_REDIS: Final = sorted(name for name, values in OVERLAYS.items() if "redis" not in values)
PASSWORD: Final = "made-by-the-user"
KUSTOMIZED: Final = "kustomized"
"""A namespace of its own, since other tests have a release in the one that the manifests name."""

Identity = tuple[str, str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The manifests, with a password as the user makes it."""
    (folder := tmp_path / "kustomize").mkdir()
    shutil.copytree(MANIFESTS, folder, dirs_exist_ok=True)
    (folder / "redis-password" / manifests.PASSWORD_FILE).write_text(f"password={PASSWORD}\n")
    return folder


def built(control_plane: ControlPlane, folder: Path) -> list[dict[str, Any]]:
    """What `kubectl kustomize` gives."""
    return list(yaml.safe_load_all(control_plane.kubectl("kustomize", str(folder))))


def compared(objects: list[dict[str, Any]]) -> dict[Identity, dict[str, Any]]:
    """Objects by what they are, without what may differ: labels of Helm, and the data of the password."""
    found: dict[Identity, dict[str, Any]] = {}
    for body in objects:
        meta = body["metadata"]
        kept = {key: value for key, value in meta["labels"].items() if key not in manifests.HELM_LABELS}
        shown = {**body, "metadata": {**meta, "labels": kept}}
        if body["kind"] == "Secret" and meta["name"] == manifests.PASSWORD:
            shown["data"] = sorted(body["data"])
        if body["kind"] == "Deployment":
            (container,) = body["spec"]["template"]["spec"]["containers"]
            container["env"] = in_any_order(container["env"])
        found[meta.get("namespace", ""), body["kind"], meta["name"]] = shown
    assert len(found) == len(objects)
    return found


def in_any_order(variables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A container's variables by name; their order counts only where one refers to another, and is right."""
    seen: set[str] = set()
    for variable in variables:
        assert set(re.findall(r"\$\((\w+)\)", variable.get("value", ""))) <= seen, variable
        seen.add(variable["name"])
    return {variable["name"]: variable for variable in variables}


def test_each_overlay_has_its_values_here() -> None:
    assert {path.name for path in (MANIFESTS / "overlays").iterdir()} == set(OVERLAYS)


@pytest.mark.parametrize("name", OVERLAYS)
def test_an_overlay_gives_what_the_chart_renders(
    helm: Helm, control_plane: ControlPlane, folder: Path, name: str
) -> None:
    objects = helm.template(OVERLAYS[name], release=manifests.RELEASE, namespace=manifests.NAMESPACE)
    wanted = compared([body for body in objects if "helm.sh/hook" not in body["metadata"].get("annotations", {})])
    given = compared(built(control_plane, folder / "overlays" / name))
    assert sorted(given) == sorted(wanted)
    for identity, body in wanted.items():
        assert given[identity] == body, identity


@pytest.mark.parametrize("name", WITH_REDIS)
def test_the_password_of_redis_is_the_users_own(control_plane: ControlPlane, folder: Path, name: str) -> None:
    secret = of_kind(built(control_plane, folder / "overlays" / name), "Secret")
    assert base64.b64decode(secret["data"]["password"]).decode() == PASSWORD
    (folder / "redis-password" / manifests.PASSWORD_FILE).unlink()
    with pytest.raises(KubectlFailed, match=rf"redis-password/{manifests.PASSWORD_FILE}: no such file"):
        built(control_plane, folder / "overlays" / name)


@pytest.mark.parametrize("file", ["deploy/kustomize/redis-password/kustomization.yaml", "docs/install.md"])
def test_where_the_password_comes_from_is_said(file: str) -> None:
    command = f'echo "password=$(openssl rand -hex 24)" > deploy/kustomize/redis-password/{manifests.PASSWORD_FILE}'
    assert command in (PROJECT / file).read_text()
    assert f"deploy/kustomize/redis-password/{manifests.PASSWORD_FILE}" in (PROJECT / ".gitignore").read_text().split()


@pytest.fixture
def moved(control_plane: ControlPlane, folder: Path) -> Iterator[Path]:
    """The manifests for a namespace of this test's own, which enforces Pod Security `restricted`."""
    for path in folder.rglob("*.yaml"):
        path.write_text(path.read_text().replace(manifests.NAMESPACE, KUSTOMIZED))
    restricted_namespace(control_plane, KUSTOMIZED)
    control_plane.kubectl("create", "namespace", manifests.SERVED)
    control_plane.apply_crds(PROJECT / "crds")
    yield folder
    control_plane.kubectl("delete", "namespace", KUSTOMIZED, manifests.SERVED)


@pytest.mark.parametrize("name", ["crd", *(f"overlays/{name}" for name in OVERLAYS)])
def test_the_api_server_takes_an_overlay_as_a_user_applies_it(
    control_plane: ControlPlane, moved: Path, name: str
) -> None:
    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-k", str(moved / name))
    assert len(told.splitlines()) == len(built(control_plane, moved / name))


def test_an_installation_by_kubectl_fires_and_leaves_nothing_but_the_crd_and_objects_of_users(
    admin: Helm, control_plane: ControlPlane, moved: Path, tmp_path: Path
) -> None:
    team = Team.founded(control_plane, "authors")
    release = Release(helm=admin, control_plane=control_plane, namespace=KUSTOMIZED)
    eventually(lambda: "default" in control_plane.kubectl("get", "sa", "-n", KUSTOMIZED, "-o", "name"), "an account")
    before = all_objects(control_plane)
    overlay = str(moved / "overlays" / "cluster-wide")
    try:
        control_plane.kubectl("apply", "-k", overlay)
        for name in ("dcron-redis", "dcron"):
            control_plane.kubectl("rollout", "status", f"deployment/{name}", "-n", KUSTOMIZED, "--timeout=120s")
        with release.running(tmp_path / "pods"):
            team.apply(cron_job("tick", "*/2 * * * * *"))
            eventually(lambda: finished(team.jobs("tick")), "a Job that has ended")
        control_plane.kubectl("delete", "-k", overlay, "--cascade=foreground")
        eventually(lambda: not _since(control_plane, before, team.namespace), "nothing left of it", 60)
        assert team.cron_job("tick")
    finally:
        team.dissolve()


def _since(control_plane: ControlPlane, before: set[str], users: str) -> set[str]:
    """What has come since, but for the objects of users."""
    return {line for line in all_objects(control_plane) - before if line.split()[1] != users}


def test_the_namespace_served_is_changed_by_the_command_of_the_overlay(
    helm: Helm, control_plane: ControlPlane, folder: Path
) -> None:
    overlay = folder / "overlays" / "namespaced"
    assert (
        f"sed -i s/{manifests.SERVED}/yours/ deploy/kustomize/overlays/namespaced/*.yaml"
        in (overlay / "kustomization.yaml").read_text()
    )
    for path in overlay.glob("*.yaml"):
        path.write_text(re.sub(manifests.SERVED, "yours", path.read_text()))
    values = {"watch": {"scope": "namespaces", "namespaces": ["yours"]}}
    objects = helm.template(values, release=manifests.RELEASE, namespace=manifests.NAMESPACE)
    wanted = {key: value for key, value in compared(objects).items() if key[1:] != ("Job", "dcron-test")}
    assert compared(built(control_plane, overlay)) == wanted
