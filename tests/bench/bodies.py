"""What is created: the same small Job in every arm, and the two kinds of objects that make it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from controller import jobs, spec
from controller.jobs import Firing
from controller.names import name_for
from controller.outcomes import Trigger
from controller.spec import CronJob

JOBS = "/apis/batch/v1/namespaces/{}/jobs"
OBJECTS = "/apis/dcron.io/v1/namespaces/{}/distributedcronjobs"
CRON_JOBS = "/apis/batch/v1/namespaces/{}/cronjobs"
_TEMPLATE: dict[str, Any] = {
    "spec": {
        "backoffLimit": 0,
        "completions": 0,
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "main", "image": "busybox", "command": ["/bin/true"]}],
            }
        },
    }
}


def objects(count: int, schedule: str) -> list[dict[str, Any]]:
    """Objects of ours that fire at a schedule."""
    wishes = {"schedule": schedule, "concurrencyPolicy": "Allow", "jobTemplate": _TEMPLATE}
    return [_object("dcron.io/v1", "DistributedCronJob", name, wishes) for name in _names(count)]


def spread(count: int, every: int) -> list[dict[str, Any]]:
    """Objects of ours that fire every so many seconds, some in each second."""
    made = objects(count, "* * * * *")
    for number, body in enumerate(made):
        body["spec"] = {**body["spec"], "schedule": f"{number % every}-59/{every} * * * * *"}
    return made


def cron_jobs(count: int, schedule: str) -> list[dict[str, Any]]:
    """The same as batch/v1 has them."""
    wishes = {"schedule": schedule, "concurrencyPolicy": "Allow", "jobTemplate": _TEMPLATE}
    return [_object("batch/v1", "CronJob", name, wishes) for name in _names(count)]


def plain_jobs(namespace: str, count: int, due_at: datetime) -> list[dict[str, Any]]:
    """The very Jobs that our objects would make, without anybody to make them."""
    return [_job(namespace, body, number, due_at) for number, body in enumerate(objects(count, "* * * * *"))]


def instant_of(job: str) -> datetime:
    """The instant that one of our Jobs stands for, by its name."""
    return datetime.strptime(job.split("-")[-2], "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _job(namespace: str, body: dict[str, Any], number: int, due_at: datetime) -> dict[str, Any]:
    meta = {
        **body["metadata"],
        "namespace": namespace,
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": f"{datetime(2026, 1, 1, tzinfo=UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    cron_job: CronJob = spec.parse({**body, "metadata": meta})
    firing = Firing(name=name_for(cron_job, due_at), scheduled_at=due_at, trigger=Trigger.SCHEDULE)
    return jobs.manifest(cron_job, firing, fired_by="nobody")


def _names(count: int) -> Iterator[str]:
    return (f"object-{number:05}" for number in range(count))


def _object(api_version: str, kind: str, name: str, wishes: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": wishes}
