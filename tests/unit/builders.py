"""Objects, Jobs and instants for tables, with everything filled in that a row does not speak of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller import spec as specs
from controller import statusbody
from controller.instants import format_time
from controller.jobs import Job
from controller.names import name_for
from controller.spec import CronJob, Key
from controller.status import Status

UID = "6f1c2d3e-4b5a-4c6d-8e7f-90a1b2c3d4e5"
DAY = datetime(2026, 3, 2, tzinfo=UTC)
TEMPLATE = {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}}


def at(time: str) -> datetime:
    """An instant of the day that the tables live on, from `HH:MM[:SS[.f]]`."""
    hours, minutes, *rest = time.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes), seconds=float(rest[0]) if rest else 0.0)


def cron_job(
    *,
    created: str = "11:00",
    edited: str | None = None,
    status: Status | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> CronJob:
    """An object that fires every five minutes, unless the row says otherwise. Annotations are named without group."""
    fields: dict[str, Any] = {"jobTemplate": TEMPLATE, **spec}
    if "schedules" not in fields:
        fields.setdefault("schedule", "*/5 * * * *")
    body = {
        "metadata": {
            "namespace": "ns",
            "name": "report",
            "uid": UID,
            "generation": 1,
            "resourceVersion": "7",
            "creationTimestamp": format_time(at(created)),
            "annotations": {f"dcron.io/{name}": text for name, text in (annotations or {}).items()},
            "managedFields": [
                {"manager": "kubectl", "time": format_time(at(edited or created)), "fieldsV1": {"f:spec": {}}}
            ],
        },
        "spec": fields,
    }
    parsed = specs.parse(body)
    if status is None:
        return parsed
    return replace(parsed, status=statusbody.patch(Status(), status, parsed, now=at("12:00")))


def settled(cron: CronJob, through: str, **changes: Any) -> Status:
    """The status of an object that has been looked at, settled through an instant."""
    status = Status(
        settled_through=at(through),
        schedule_hash=cron.spec.schedule_hash,
        observed_generation=cron.generation,
        owner="node-a",
    )
    return replace(status, **changes)


def job(
    cron: CronJob,
    scheduled: str,
    *,
    finished: str | None = None,
    succeeded: bool = True,
    **changes: Any,
) -> Job:
    """A Job of the object, active unless it says when it finished."""
    made = Job(
        namespace=cron.key.namespace,
        name=name_for(cron, at(scheduled)),
        uid=f"job-{scheduled}",
        owner_uid=cron.uid,
        controlled_by=cron.uid,
        created_at=at(scheduled),
        scheduled_at=at(scheduled),
        finished_at=None if finished is None else at(finished),
        succeeded=finished is not None and succeeded,
    )
    return replace(made, **changes)


def key(name: str = "report", namespace: str = "ns") -> Key:
    """A key."""
    return Key(namespace, name)


def body_of(**metadata: Any) -> Mapping[str, Any]:
    """The JSON of a smallest object, for rooms that read JSON."""
    return {
        "metadata": {
            "namespace": "ns",
            "name": "report",
            "uid": UID,
            "resourceVersion": "7",
            "creationTimestamp": "2026-03-02T11:00:00Z",
            **metadata,
        },
        "spec": {"schedule": "* * * * *", "jobTemplate": TEMPLATE},
    }
