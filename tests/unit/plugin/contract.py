"""What commands rest on in a cluster, tried on the fake and on a real API server alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.spec import Key
from plugin.failures import Conflicting, NotFound, Rejected
from plugin.ports import BATCH_CRON_JOBS, CRON_JOBS, Cluster


def body(namespace: str, name: str, **labels: str) -> dict[str, Any]:
    """An object that fires nothing."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}
    return {
        "apiVersion": CRON_JOBS.api_version,
        "kind": "DistributedCronJob",
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": template}}},
    }


def keeps_the_contract(cluster: Cluster, namespace: str) -> None:
    """Go through all of it in a namespace that is empty."""
    key = Key(namespace, "first")
    with pytest.raises(NotFound, match=f"^there is no DistributedCronJob 'first' in namespace '{namespace}'$"):
        cluster.read(CRON_JOBS, key)
    with pytest.raises(NotFound, match=r"there is no CronJob of batch/v1 'first'"):
        cluster.patch(BATCH_CRON_JOBS, key, {"spec": {"suspend": True}})
    assert cluster.list(CRON_JOBS, namespace) == []

    cluster.create(CRON_JOBS, body(namespace, "first"), dry_run=True)
    assert cluster.list(CRON_JOBS, namespace) == [], "a dry run makes nothing"
    made = cluster.create(CRON_JOBS, body(namespace, "first", team="billing"))
    created_at = datetime.fromisoformat(made["metadata"]["creationTimestamp"])
    assert abs(cluster.now() - created_at) < timedelta(seconds=10)
    assert cluster.now().tzinfo is UTC
    with pytest.raises(Conflicting, match="already exists"):
        cluster.create(CRON_JOBS, body(namespace, "first"))
    cluster.create(CRON_JOBS, body(namespace, "second"))

    names = [one["metadata"]["name"] for one in cluster.list(CRON_JOBS, namespace)]
    assert names == ["first", "second"]
    assert len(cluster.list(CRON_JOBS, namespace, labels="team=billing")) == 1
    assert len(cluster.list(CRON_JOBS, namespace, fields="metadata.name=second")) == 1
    assert key in {Key(one["metadata"]["namespace"], one["metadata"]["name"]) for one in cluster.list(CRON_JOBS, None)}

    changed = cluster.patch(
        CRON_JOBS, key, {"metadata": {"annotations": {"a": "b", "c": "d"}}, "status": {"owner": "x"}}
    )
    assert changed["metadata"]["annotations"] == {"a": "b", "c": "d"}
    assert (changed.get("status") or {}).get("owner") != "x", "the status is written apart"
    version = {"resourceVersion": made["metadata"]["resourceVersion"]}
    with pytest.raises(Conflicting, match="modified"):
        cluster.patch(CRON_JOBS, key, {"metadata": {**version, "annotations": {"a": "late"}}})
    cluster.patch(CRON_JOBS, key, {"metadata": {"annotations": {"a": None}}})
    told = cluster.patch(CRON_JOBS, key, {"spec": {"suspend": False}, "status": {"owner": "x"}}, subresource="status")
    assert told["status"]["owner"] == "x"
    assert told["spec"]["suspend"] is True, "and nothing else with it"
    assert cluster.read(CRON_JOBS, key)["metadata"]["annotations"] == {"c": "d"}

    with pytest.raises(Rejected):
        cluster.delete(CRON_JOBS, key, uid="of-another")
    cluster.delete(CRON_JOBS, key, uid=made["metadata"]["uid"])
    cluster.delete(CRON_JOBS, key, uid=made["metadata"]["uid"])
    assert [one["metadata"]["name"] for one in cluster.list(CRON_JOBS, namespace)] == ["second"]
