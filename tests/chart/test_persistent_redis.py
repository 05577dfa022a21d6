"""The bundled Redis keeps what it was told where the values say so, and only there: a real Redis on a real claim."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.local.cluster import ControlPlane
from tests.chart.helm import SECONDS, Helm
from tests.chart.release import Release, restricted_namespace
from tests.cluster.fleet import eventually

pytestmark = pytest.mark.timeout(SECONDS)

NAMESPACE = "persistent"
CLASS = "by-hand"
KEPT = {"redis": {"bundled": {"persistence": {"enabled": True, "storageClassName": CLASS, "size": "1Gi"}}}}


@pytest.fixture
def volume(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Path]:
    """A volume that a claim of its class may be bound to; gives its folder."""
    folder = tmp_path / "volume"
    spec = {
        "storageClassName": CLASS,
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": str(folder)},
    }
    body = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": CLASS}, "spec": spec}
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(body))
    yield folder
    control_plane.kubectl("delete", "pv", CLASS)


def replaced(release: Release) -> None:
    """Another pod in place of the one of Redis."""
    (before,) = release.pods("redis")
    release.control_plane.kubectl("delete", "pod", before["metadata"]["name"], "-n", NAMESPACE)
    eventually(lambda: [p for p in release.pods("redis") if p["metadata"]["uid"] != before["metadata"]["uid"]], "a pod")
    release.control_plane.kubectl("rollout", "status", "deployment/dcron-redis", "-n", NAMESPACE, "--timeout=120s")


def test_what_redis_was_told_outlives_its_pod_on_a_volume_and_is_gone_without_one(
    admin: Helm, control_plane: ControlPlane, volume: Path, tmp_path: Path
) -> None:
    namespace = restricted_namespace(control_plane, NAMESPACE)
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)
    release.install(KEPT)
    try:
        with release.redis(tmp_path / "first") as url, redis.Redis.from_url(url) as client:
            client.set("told", "kept")
        replaced(release)
        with release.redis(tmp_path / "second") as url, redis.Redis.from_url(url) as client:
            assert client.get("told") == b"kept"

        release.upgrade({}, "--reset-values")
        for _ in range(2):  # the second time in the folder of the first, as a container that is started again
            with release.redis(tmp_path / "third") as url, redis.Redis.from_url(url) as client:
                assert client.get("told") is None
                client.set("told", "forgotten")
    finally:
        release.uninstall()
        control_plane.kubectl("delete", "namespace", NAMESPACE)
