"""Every set of values renders to objects that the real API server takes, and to replicas that understand theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller import settings, variables
from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.chart.helm import SECONDS, Helm, of_kind
from tests.chart.sets import SETS, TEAMS

pytestmark = pytest.mark.timeout(SECONDS)

NAMESPACE = "rendered"
MONITORING = Path(__file__).with_name("monitoring-crds.yaml")


@pytest.fixture(scope="module")
def rendered(helm: Helm) -> dict[str, list[dict[str, Any]]]:
    """What each set gives."""
    return {name: helm.template(values, namespace=NAMESPACE) for name, values in SETS.items()}


@pytest.fixture(scope="module")
def strict(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with all kinds that the chart may render, and namespaces that enforce Pod Security."""
    control_plane.apply_crds(PROJECT / "crds")
    control_plane.apply_crds(MONITORING)
    for namespace in (NAMESPACE, *TEAMS):
        control_plane.kubectl("create", "namespace", namespace)
        control_plane.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
        control_plane.kubectl("create", "serviceaccount", "dcron", "-n", namespace)
    yield control_plane
    control_plane.kubectl("delete", "namespace", NAMESPACE, *TEAMS, "--wait=false")
    control_plane.kubectl("delete", "-f", str(MONITORING))


def dry_run(control_plane: ControlPlane, objects: list[dict[str, Any]]) -> list[str]:
    """One line for each object that the API server would take; misspelt fields are refused."""
    text = "\n---\n".join(map(json.dumps, objects))
    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    return told.splitlines()


def pods(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A pod of each template."""
    for body in objects:
        if body["kind"] in ("Deployment", "Job"):
            template = body["spec"]["template"]
            meta = {**template["metadata"], "namespace": NAMESPACE, "name": f"{body['kind'].lower()}-probe"}
            spec = {**template["spec"], "serviceAccountName": "dcron", "priorityClassName": ""}
            yield {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {**meta, "name": f"{body['metadata']['name']}-probe"},
                "spec": spec,
            }


@pytest.mark.parametrize("name", SETS)
def test_the_api_server_takes_all_that_is_rendered(
    strict: ControlPlane, rendered: dict[str, list[dict[str, Any]]], name: str
) -> None:
    objects = rendered[name]
    assert len(dry_run(strict, objects)) == len(objects)


@pytest.mark.parametrize("name", SETS)
def test_pod_security_restricted_takes_every_pod(
    strict: ControlPlane, rendered: dict[str, list[dict[str, Any]]], name: str
) -> None:
    found = list(pods(rendered[name]))
    assert len(dry_run(strict, found)) == len(found) >= 2


def test_every_kind_is_rendered_by_some_set(rendered: dict[str, list[dict[str, Any]]]) -> None:
    kinds = {body["kind"] for objects in rendered.values() for body in objects}
    assert kinds == {
        "ClusterRole", "ClusterRoleBinding", "ConfigMap", "Deployment", "FlowSchema", "Job", "NetworkPolicy",
        "PersistentVolumeClaim", "PodDisruptionBudget", "PodMonitor", "PriorityLevelConfiguration", "PrometheusRule",
        "Role", "RoleBinding", "Secret", "Service", "ServiceAccount", "ServiceMonitor", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_a_replica_understands_its_settings(
    rendered: dict[str, list[dict[str, Any]]], name: str, tmp_path: Path
) -> None:
    controller = next(
        body
        for body in rendered[name]
        if body["kind"] == "Deployment" and body["metadata"]["labels"]["app.kubernetes.io/component"] == "controller"
    )
    (container,) = controller["spec"]["template"]["spec"]["containers"]
    environment = {entry["name"]: entry.get("value", "a-pod") for entry in container["env"]}
    environment["DCRON_NODE_NAME"] = "a-pod"
    for variable, text in (("DCRON_REDIS_URL_FILE", "redis://host"), ("DCRON_REDIS_PASSWORD_FILE", "secret")):
        if variable in environment:
            (tmp_path / variable).write_text(text)
            environment[variable] = str(tmp_path / variable)
    chosen, warnings = settings.read((), environment)
    assert not warnings
    assert (chosen.redis is None) == (name == "no redis")
    assert chosen.namespaces == tuple(SETS[name].get("watch", {}).get("namespaces", ()))
    assert {port["containerPort"] for port in container["ports"]} == {chosen.http_port}


def test_defaults_of_the_chart_are_those_of_the_controller(helm: Helm) -> None:
    container = of_kind(helm.template({}), "Deployment", "dcron")["spec"]["template"]["spec"]["containers"][0]
    environment = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    own = {
        "DCRON_LOG_FORMAT",
        "DCRON_REDIS_URL",
        "DCRON_REDIS_PASSWORD_FILE",
        "DCRON_NODE_NAME",
        "DCRON_PAUSED_FILE",
    }
    for setting in variables.TABLE:
        if setting.variable in environment and setting.variable not in own:
            assert environment[setting.variable] == setting.default, setting.variable


def test_tls_and_password_files_are_where_the_address_says(rendered: dict[str, list[dict[str, Any]]]) -> None:
    pod = of_kind(rendered["redis elsewhere, TLS with certificates"], "Deployment")["spec"]["template"]["spec"]
    environment = {entry["name"]: entry.get("value") for entry in pod["containers"][0]["env"]}
    folder = "/etc/dcron/redis-tls"
    assert environment["DCRON_REDIS_URL"] == (
        f"rediss://dcron@redis.data:6379/0?ssl_ca_certs={folder}/ca.crt"
        f"&ssl_certfile={folder}/tls.crt&ssl_keyfile={folder}/tls.key"
    )
    mounts = {mount["mountPath"]: mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert volumes[mounts[folder]]["secret"]["secretName"] == "redis-tls"
    (source,) = volumes[mounts["/etc/dcron/redis"]]["projected"]["sources"]
    assert source["secret"] == {"name": "redis", "items": [{"key": "password", "path": "password"}]}
    sentinels = of_kind(rendered["sentinels with TLS"], "Deployment")["spec"]["template"]["spec"]["containers"][0]
    url = next(entry["value"] for entry in sentinels["env"] if entry["name"] == "DCRON_REDIS_URL")
    assert url.endswith(f"/main/0?ssl=true&ssl_ca_certs={folder}/authority.pem")


def test_the_pods_are_spread_replaced_one_by_one_and_probed_where_the_replica_answers(helm: Helm) -> None:
    objects = helm.template({})
    deployment = of_kind(objects, "Deployment", "dcron")["spec"]
    assert deployment["replicas"] == 3
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = deployment["template"]["spec"]
    container = pod["containers"][0]
    paths = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    web = (PROJECT / "controller" / "web.py").read_text()
    assert all(f'add_get("{path}"' in web for path in paths.values())
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    selector = deployment["selector"]["matchLabels"]
    assert pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == selector
    assert of_kind(objects, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == selector
    assert of_kind(objects, "Service", "dcron")["spec"]["selector"] == selector
    assert of_kind(objects, "Service", "dcron-redis")["spec"]["selector"] != selector


def test_the_share_of_the_api_server_is_the_one_in_deploy(helm: Helm) -> None:
    objects = helm.template({}, release="dcron", namespace="dcron-system")
    level, schema = yaml.safe_load_all((PROJECT / "deploy" / "flowcontrol.yaml").read_text())
    assert of_kind(objects, "PriorityLevelConfiguration")["spec"] == level["spec"]
    mine = of_kind(objects, "FlowSchema")
    assert {**mine["spec"], "priorityLevelConfiguration": {"name": "dcron"}} == schema["spec"]
    assert (
        mine["spec"]["priorityLevelConfiguration"]["name"]
        == of_kind(objects, "PriorityLevelConfiguration")["metadata"]["name"]
    )


def test_one_replica_without_redis_is_never_two(rendered: dict[str, list[dict[str, Any]]]) -> None:
    deployment = of_kind(rendered["no redis"], "Deployment")["spec"]
    assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
