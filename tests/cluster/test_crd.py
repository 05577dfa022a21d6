"""The CRD as authors meet it: names, columns, and what is accepted; `test_bad_input` has what is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.spec import KIND
from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from deploy.local.replica import PROJECT
from tests.cluster.manifests import POD, apply, manifest

EXAMPLES = sorted((PROJECT / "deploy" / "examples").glob("*.yaml"))
REFERENCE = (PROJECT / "docs" / "reference.md").read_text()
FRAGMENTS: list[str] = re.findall(r"^```yaml\n(.*?)^```$", REFERENCE, re.MULTILINE | re.DOTALL)
COLUMNS = ["NAME", "SCHEDULE", "TIME ZONE", "SUSPEND", "ACTIVE", "LAST SCHEDULE", "NEXT SCHEDULE", "OWNER", "AGE"]
STATUS = {
    "active": [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "default",
            "name": "report-20260302120000-6f1c2d3e4b",
            "uid": "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5",
            "scheduledAt": "2026-03-02T12:00:00Z",
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "default",
            "name": "report-m-0a1b2c3d4e",
            "scheduledAt": "2026-03-02T12:10:00Z",
            "trigger": "manual",
            "triggerId": "again",
        },
    ],
    "activeJobs": 2,
    "queued": [
        {"scheduledAt": "2026-03-02T12:20:00Z", "trigger": "manual", "triggerId": "once more"},
        {"scheduledAt": "2026-03-02T13:00:00Z"},
    ],
    "lastTrigger": {
        "value": "again",
        "at": "2026-03-02T12:10:00Z",
        "outcome": "created",
        "reason": "Created",
        "job": "report-m-0a1b2c3d4e",
    },
    "backfill": {
        "interval": "2026-02-01T00:00:00Z/2026-02-02T00:00:00Z",
        "through": "2026-02-01T06:00:00Z",
        "total": 24,
        "created": 5,
        "leftOut": 1,
        "createFailed": 1,
        "state": "Running",
        "message": "7 of 24 instants",
    },
    "failuresInRow": 1,
    "suspendedUntil": "2026-03-03T12:00:00Z",
    "settledThrough": "2026-03-02T12:00:00Z",
    "scheduleHash": "0123456789abcdef",
    "lastScheduleTime": "2026-03-02T12:00:00Z",
    "lastSuccessfulTime": "2026-03-02T11:00:07Z",
    "lastFailureTime": "2026-03-01T11:00:07Z",
    "nextScheduleTime": "2126-03-02T13:00:00Z",
    "owner": "node-a",
    "observedGeneration": 1,
    "counts": {"due": 9, "created": 5, "skipped": 2, "missed": 1, "createFailed": 1, "succeeded": 4, "failed": 0},
    "recent": [
        {
            "scheduledAt": "2026-03-02T12:00:00Z",
            "outcome": "created",
            "reason": "Created",
            "job": "report-20260302120000-6f1c2d3e4b",
        },
        {
            "scheduledAt": "2026-03-02T12:10:00Z",
            "outcome": "created",
            "reason": "Created",
            "job": "report-m-0a1b2c3d4e",
            "trigger": "manual",
        },
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Scheduled",
            "message": "",
            "lastTransitionTime": "2026-03-02T11:00:00Z",
        }
    ],
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "five fields": {},
    "six fields": {"schedule": "*/10 * * * * *"},
    "a macro": {"schedule": "@daily"},
    "a macro with blanks around it, in capitals": {"schedule": " @DAILY "},
    "a duration": {"schedule": "@every 1h30m"},
    "the shortest duration, in another unit": {"schedule": "@every 1000ms"},
    "a duration with a fraction": {"schedule": "@every  1.5h"},
    "a duration as Go prints none": {"schedule": "@every +1000000µs"},
    "one instant": {"schedule": "@at 2026-12-31T23:59:00Z"},
    "one instant with an offset": {"schedule": "@at 2026-12-31T23:59:00+05:30"},
    "hashed values": {"schedule": "H H(0-7)/2 * * H"},
    "days counted from the end and in weeks": {"schedule": None, "schedules": ["0 0 L,15W * *", "0 0 * * MON#2,FRIL"]},
    "several kinds of schedules": {"schedule": None, "schedules": ["@every 7m", "@at 2026-12-31T23:59:00Z", "@daily"]},
    "a list": {"schedule": None, "schedules": ["0 * * * *", "30 4 1 * *"]},
    "a zone": {"timeZone": "America/Argentina/Ushuaia"},
    "an offset for a zone": {"timeZone": "Etc/GMT+2"},
    "a deadline of zero": {"startingDeadlineSeconds": 0},
    "a limit on active Jobs": {"concurrencyPolicy": "Forbid", "maxActiveJobs": 3},
    "a queue": {"concurrencyPolicy": "Queue", "maxActiveJobs": 2, "queueLimit": 1000},
    "the shortest queue": {"concurrencyPolicy": "Queue", "queueLimit": 1},
    "no jitter": {"jitterSeconds": 0},
    "a day of jitter": {"jitterSeconds": 86400},
    "one run": {"maxRuns": 1},
    "one failure": {"suspendAfterFailures": 1},
    "a gap that fires, an overlap that fires once": {"dstGap": "After", "dstOverlap": "First"},
    "an overlap that fires late": {"dstGap": "Skip", "dstOverlap": "Last"},
    "a span": {"startTime": "2027-01-01T00:00:00Z", "endTime": "2027-01-02T00:00:00+01:00"},
    "fields of a pod that no schema here knows": {
        "jobTemplate": {"metadata": {"creationTimestamp": None}, "spec": {"suspend": True, "template": {"spec": POD}}}
    },
}


@pytest.mark.parametrize("row", ACCEPTED)
def test_what_is_right_is_accepted(control_plane: ControlPlane, row: str) -> None:
    assert "created" in apply(control_plane, "default", manifest(**ACCEPTED[row]), "--dry-run=server")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_accepted(control_plane: ControlPlane, path: Path) -> None:
    told = control_plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(path))
    assert "created" in told


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_job_of_every_example_is_one_that_the_api_server_takes(control_plane: ControlPlane, path: Path) -> None:
    spec = yaml.safe_load(path.read_text())["spec"]["jobTemplate"]["spec"]
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": path.stem}, "spec": spec}
    assert "created" in apply(control_plane, "default", job, "--dry-run=server", "--validate=strict")


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda text: "-".join(yaml.safe_load(text)["spec"]))
def test_every_fragment_of_the_reference_is_accepted(control_plane: ControlPlane, fragment: str) -> None:
    body = yaml.safe_load(fragment)
    if "kind" not in body:
        lists = {"schedule": None} if "schedules" in body["spec"] else {}
        body = manifest(**{**lists, **body["spec"]})
    assert "created" in apply(control_plane, "default", body, "--dry-run=server", "--validate=strict")


def test_a_batch_v1_manifest_needs_no_more_than_another_kind(control_plane: ControlPlane) -> None:
    example = next(path for path in EXAMPLES if path.stem == "from-batch-v1")
    body = yaml.safe_load(example.read_text())
    batch = {**body, "apiVersion": "batch/v1", "kind": "CronJob"}
    assert "created" in apply(control_plane, "default", batch, "--dry-run=server", "--validate=strict")


@pytest.mark.parametrize("way", [["create"], ["apply"], ["apply", "--server-side"]], ids=" ".join)
def test_the_nulls_of_generated_batch_v1_manifests_are_accepted(control_plane: ControlPlane, way: list[str]) -> None:
    """A server-side apply prunes no nulls, so each field that batch/v1 may have as null must be nullable."""
    meta = {"creationTimestamp": None, "labels": None, "annotations": None}
    template = {"metadata": meta, "spec": {"backoffLimit": None, "template": {"metadata": meta, "spec": POD}}}
    nothing = ["timeZone", "startingDeadlineSeconds", "suspend", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"]
    body: dict[str, Any] = {
        "metadata": {"name": "generated", "creationTimestamp": None},
        "spec": {"schedule": "0 * * * *", **dict.fromkeys(nothing), "jobTemplate": template},
        "status": {},
    }
    for kind in ({"apiVersion": "batch/v1", "kind": "CronJob"}, {"apiVersion": "dcron.io/v1", "kind": KIND}):
        arguments = [*way, "-n", "default", "--dry-run=server", "--validate=strict", "-f", "-"]
        assert "generated" in control_plane.kubectl(*arguments, stdin=json.dumps({**kind, **body}))


def test_one_schedule_and_each_of_several_keep_the_same_rules() -> None:
    crd = yaml.safe_load((PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml").read_text())
    root = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = root["properties"]["spec"]["properties"]
    one = {**fields["schedule"]}
    del one["description"]
    assert fields["schedules"]["items"] == one


@pytest.mark.parametrize("name", ["dcronjobs", "dcronjob", "dcj", "distributedcronjobs", "distributedcronjob"])
def test_every_name_of_the_kind_is_known(control_plane: ControlPlane, name: str) -> None:
    assert control_plane.kubectl("get", name, "-n", "kube-public", "--ignore-not-found") == ""


def test_the_columns_show_the_status_and_ready_can_be_waited_for(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, manifest(timeZone="Europe/Paris", controllerName="nobody"))
    patch = ["-n", namespace, "--subresource=status", "--type=merge", "-p", json.dumps({"status": STATUS})]
    control_plane.kubectl("patch", "dcj", "report", *patch)
    head, row = control_plane.kubectl("get", "dcronjobs", "-n", namespace).splitlines()
    assert [column.strip() for column in head.split("   ") if column.strip()] == COLUMNS
    for shown in ("report", "0 * * * *", "Europe/Paris", "false", "2", "2126-03-02T13:00:00Z", "node-a"):
        assert shown in row
    wide = control_plane.kubectl("get", "dcronjobs", "-n", namespace, "-o", "wide")
    assert "LAST SUCCESS" in wide
    assert "Scheduled" in wide
    told = control_plane.kubectl("wait", "dcj/report", "-n", namespace, "--for=condition=Ready", "--timeout=10s")
    assert "condition met" in told
    kept = json.loads(control_plane.kubectl("get", "dcj", "report", "-n", namespace, "-o", "json"))["status"]
    assert kept == STATUS
    assert "report" in control_plane.kubectl("get", "all", "-n", namespace)


def test_several_schedules_are_shown_too(control_plane: ControlPlane, namespace: str) -> None:
    body = manifest(schedule=None, schedules=["0 * * * *", "30 4 1 * *"], controllerName="nobody")
    apply(control_plane, namespace, body)
    assert "30 4 1 * *" in control_plane.kubectl("get", "dcronjobs", "-n", namespace)


def test_the_installation_that_serves_an_object_cannot_be_changed(control_plane: ControlPlane, namespace: str) -> None:
    apply(control_plane, namespace, manifest(controllerName="nobody"))
    with pytest.raises(KubectlFailed) as refusal:
        apply(control_plane, namespace, manifest(controllerName="somebody"))
    assert "spec.controllerName cannot be changed" in refusal.value.stderr


@pytest.mark.parametrize("field", ["schedule", "concurrencyPolicy", "catchUpPolicy", "startingDeadlineSeconds"])
def test_kubectl_explains_the_fields(control_plane: ControlPlane, field: str) -> None:
    told = control_plane.kubectl("explain", f"dcj.spec.{field}")
    assert "DESCRIPTION" in told
    assert "<empty>" not in told
