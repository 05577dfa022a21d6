"""The emergency pause: by the values or by a patch of its ConfigMap, without a restart, seen by every replica."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from deploy.local.cluster import ControlPlane
from tests.chart import kubelet
from tests.chart.conftest import NAMESPACE
from tests.chart.helm import SECONDS, Helm, of_kind
from tests.chart.release import Release
from tests.cluster.fleet import Replica, eventually
from tests.cluster.team import Team, cron_job

pytestmark = pytest.mark.timeout(SECONDS)

PATCH = ("patch", "configmap", "dcron-pause", "--namespace", NAMESPACE, "--type", "merge", "--patch")
TOLD_SECONDS = 3.0
"""So long after its Job an instant is told of at the latest, and what was on its way has arrived."""
SOME_INSTANTS_SECONDS = 7.0


def test_a_pause_changes_the_config_map_and_nothing_else(helm: Helm) -> None:
    def rendered(paused: bool) -> dict[str, dict[str, Any]]:
        objects = helm.template({"controller": {"paused": paused}, "redis": {"bundled": {"existingSecret": "ours"}}})
        return {f"{one['kind']}/{one['metadata']['name']}": one for one in objects}

    awake, paused = rendered(False), rendered(True)
    assert [name for name in awake if awake[name] != paused[name]] == ["ConfigMap/dcron-pause"]
    assert awake["ConfigMap/dcron-pause"]["data"] == {"paused": "false"}
    assert paused["ConfigMap/dcron-pause"]["data"] == {"paused": "true"}


def test_the_file_is_in_a_mounted_folder_so_that_it_changes_under_the_replica(helm: Helm) -> None:
    pod = of_kind(helm.template({}), "Deployment", "dcron")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    file = next(one["value"] for one in container["env"] if one["name"] == "DCRON_PAUSED_FILE")
    (mount,) = (one for one in container["volumeMounts"] if file == f"{one['mountPath']}/paused")
    assert "subPath" not in mount
    (volume,) = (one for one in pod["volumes"] if one["name"] == mount["name"])
    assert volume["configMap"] == {"name": "dcron-pause", "optional": True}


def test_everything_is_paused_and_goes_on_without_a_restart(
    installed: Release, control_plane: ControlPlane, tmp_path: Path
) -> None:
    team = Team.founded(control_plane, "in-a-pause")
    before = {pod["metadata"]["uid"] for pod in installed.pods()}

    def bring() -> None:
        for pod in installed.pods():
            kubelet.bring_config_maps(control_plane, pod, tmp_path)

    def created() -> int:
        return team.counts("tick").get("created", 0)

    try:
        with installed.running(tmp_path) as replicas:
            team.apply(cron_job("tick", "*/2 * * * * *"))
            eventually(lambda: created() > 1, "Jobs")
            assert _paused(replicas) == {False}

            control_plane.kubectl(*PATCH, '{"data":{"paused":"true"}}')
            bring()
            eventually(lambda: _paused(replicas) == {True}, "a pause that every replica has seen")
            for replica in replicas:
                status, body = replica.answer("/readyz")
                assert (status, json.loads(body)["status"]) == (200, "degraded")
                assert replica.checks()["pause"] == "everything is paused: no Job is created"
            told = eventually(lambda: _events(control_plane, "Paused", len(replicas)), "an Event on each pod")
            assert {event["involvedObject"]["uid"] for event in told} == before
            team.annotate("tick", trigger="now")
            time.sleep(TOLD_SECONDS)
            made, jobs = created(), {job["metadata"]["name"] for job in team.jobs("tick")}
            time.sleep(SOME_INSTANTS_SECONDS)
            assert created() == made
            assert {job["metadata"]["name"] for job in team.jobs("tick")} <= jobs
            assert "lastTrigger" not in team.status("tick")

            installed.upgrade({"controller": {"paused": False}})
            bring()
            eventually(lambda: _paused(replicas) == {False}, "the end of the pause")
            eventually(lambda: created() > made + 2, "Jobs again")
            eventually(lambda: team.status("tick").get("lastTrigger", {}).get("outcome") == "created", "the manual run")
            eventually(lambda: _events(control_plane, "Resumed", len(replicas)), "an Event on each pod")
        assert {pod["metadata"]["uid"] for pod in installed.pods()} == before
    finally:
        team.dissolve()


def _paused(replicas: list[Replica]) -> set[bool]:
    """What the replicas say by their metrics."""
    return {"dcron_paused 1.0" in replica.answer("/metrics")[1] for replica in replicas}


def _events(control_plane: ControlPlane, reason: str, count: int) -> list[dict[str, Any]]:
    """The Events about the pods with a reason, once there are so many."""
    path = f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=reason={reason},involvedObject.kind=Pod"
    found: list[dict[str, Any]] = control_plane.api.call("GET", path)["items"]
    return found if len(found) >= count else []
