"""The Job of a firing: its manifest, and what a Job seen in the cluster tells.

This room makes and reads values; it never talks to the cluster. `names` says what the Job is called, `decision` which
Jobs there should be.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from controller.errors import UnknownTimeZone
from controller.instants import format_time, parse_time
from controller.names import fit
from controller.outcomes import Trigger
from controller.schedule import zone_named
from controller.spec import API_VERSION, GROUP, KIND, CronJob

UID_LABEL = f"{GROUP}/uid"
"""On each of our Jobs: the UID of its object. The Job watch and every list select by it."""
NAME_LABEL = f"{GROUP}/name"
SCHEDULED_AT = f"{GROUP}/scheduled-at"
FIRED_BY = f"{GROUP}/fired-by"
TRIGGER = f"{GROUP}/trigger"
TRIGGER_ID = f"{GROUP}/trigger-id"
"""Which manual run, or which backfill: the value of the annotation that asked for it."""
GENERATION = f"{GROUP}/generation"
BATCH_SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"

_TRIGGERS = frozenset(trigger.value for trigger in Trigger)
MAX_LABEL_LENGTH = 63
"""Longest value of a label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """What is to get one Job.

    Attributes:
        name: The Job's, and so the firing's identity.
        scheduled_at: The instant, UTC; of a manual run, the second in which it was claimed.
        trigger_id: Which manual run, or which backfill.
        previous_at: The instant before it, the start of its data interval; None if there is none.
        next_at: The instant after it; None if there is none.
        last_successful_at: When a Job of the object last succeeded; None if not known.
    """

    name: str
    scheduled_at: datetime
    trigger: Trigger
    trigger_id: str | None = None
    previous_at: datetime | None = None
    next_at: datetime | None = None
    last_successful_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What we keep of a Job that the cluster holds, or held.

    Attributes:
        owner_uid: UID of the DistributedCronJob that it belongs to, from its label.
        controlled_by: UID in its controller owner reference; None if it has none.
        scheduled_at: The instant it stands for, UTC; None on a Job that is not of our making.
        trigger: What made it fire.
        finished_at: When it completed or failed; None while it is active.
        succeeded: Only meaningful once it is finished.
        gone: It has been deleted, or is being deleted.
        fired_by: Name of the node that created it; None if it does not say.
        version: Its resourceVersion as a number: a greater one is newer.
    """

    namespace: str
    name: str
    uid: str
    owner_uid: str
    controlled_by: str | None
    created_at: datetime
    scheduled_at: datetime | None
    trigger: Trigger = Trigger.SCHEDULE
    finished_at: datetime | None = None
    succeeded: bool = False
    gone: bool = False
    fired_by: str | None = None
    version: int = 0

    @property
    def active(self) -> bool:
        """Whether it counts against a limit on active Jobs."""
        return self.finished_at is None and not self.gone


def manifest(cron_job: CronJob, firing: Firing, *, fired_by: str) -> dict[str, Any]:
    """The Job to create for a firing.

    Args:
        fired_by: Name of the node that fires.

    Returns:
        The JSON body; it shares nothing with the template, which stays as the author wrote it.
    """
    template = cron_job.spec.job_template
    meta = template.get("metadata") or {}
    spec = copy.deepcopy(dict(template.get("spec") or {}))
    labels = meta.get("labels") or _pod_labels(spec)
    _add_variables(spec, _variables(cron_job, firing))
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": firing.name,
            "namespace": cron_job.key.namespace,
            "labels": {
                **_unreserved(labels),
                UID_LABEL: cron_job.uid,
                NAME_LABEL: fit(cron_job.key.name, MAX_LABEL_LENGTH),
            },
            "annotations": {**_unreserved(meta.get("annotations")), **_annotations(cron_job, firing, fired_by)},
            "ownerReferences": [_owner_reference(cron_job)],
        },
        "spec": spec,
    }


def parse(body: Mapping[str, Any], *, gone: bool = False) -> Job:
    """The lean value of a Job in an API server's answer or watch event.

    Args:
        gone: The event says that it was deleted.
    """
    meta = body["metadata"]
    annotations = meta.get("annotations") or {}
    finished = _finished(body.get("status") or {})
    return Job(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        owner_uid=(meta.get("labels") or {}).get(UID_LABEL, ""),
        controlled_by=next((ref["uid"] for ref in meta.get("ownerReferences") or () if ref.get("controller")), None),
        created_at=parse_time(meta["creationTimestamp"]),
        scheduled_at=_instant(annotations.get(SCHEDULED_AT)),
        trigger=_trigger(annotations.get(TRIGGER)),
        finished_at=None
        if finished is None
        else parse_time(finished.get("lastTransitionTime") or meta["creationTimestamp"]),
        succeeded=finished is not None and finished["type"] == "Complete",
        gone=gone or "deletionTimestamp" in meta,
        fired_by=annotations.get(FIRED_BY),
        version=int(meta.get("resourceVersion", 0)),
    )


def _instant(text: str | None) -> datetime | None:
    """The instant in an annotation; None if somebody wrote something else there."""
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        return None


def _trigger(word: str | None) -> Trigger:
    return Trigger(word) if word in _TRIGGERS else Trigger.SCHEDULE


def _finished(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The condition that ends a Job, as the Job controller writes it."""
    for condition in status.get("conditions") or ():
        if condition["type"] in ("Complete", "Failed") and condition["status"] == "True":
            found: Mapping[str, Any] = condition
            return found
    return None


def _annotations(cron_job: CronJob, firing: Firing, fired_by: str) -> dict[str, str]:
    local = firing.scheduled_at.astimezone(_zone(cron_job)).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        SCHEDULED_AT: format_time(firing.scheduled_at),
        BATCH_SCHEDULED_AT: local,
        FIRED_BY: fired_by,
        TRIGGER: firing.trigger.value,
        GENERATION: str(cron_job.generation),
        **({} if firing.trigger_id is None else {TRIGGER_ID: firing.trigger_id}),
    }


def _zone(cron_job: CronJob) -> tzinfo:
    """The schedule's zone. UTC, if an edit has put an unknown one in its place since this Job's slot was claimed."""
    try:
        return zone_named(cron_job.spec.time_zone or "UTC")
    except UnknownTimeZone:
        return UTC


def _variables(cron_job: CronJob, firing: Firing) -> dict[str, str]:
    """The environment of every container; what is not known is absent."""
    instants = {
        "DCRON_SCHEDULED_AT": firing.scheduled_at,
        "DCRON_PREVIOUS_SCHEDULED_AT": firing.previous_at,
        "DCRON_NEXT_SCHEDULED_AT": firing.next_at,
        "DCRON_LAST_SUCCESSFUL_AT": firing.last_successful_at,
    }
    known = {name: format_time(instant) for name, instant in instants.items() if instant is not None}
    return {**known, "DCRON_NAME": cron_job.key.name}


def _add_variables(job_spec: dict[str, Any], variables: Mapping[str, str]) -> None:
    """Append the variables to each container of the pod template, those aside that the author sets."""
    for container in _containers(job_spec):
        env = container.get("env") or []
        if isinstance(env, list):
            own = [entry.get("name") for entry in env if isinstance(entry, dict)]
            new = [{"name": name, "value": value} for name, value in variables.items() if name not in own]
            container["env"] = env + new


def _pod_labels(job_spec: Mapping[str, Any]) -> dict[str, str]:
    """The labels of the pods: what the API server gives to a Job that has none, as ours never is.

    No schema has seen them; what is no label there is left for the API server to refuse.
    """
    template = job_spec.get("template")
    meta = template.get("metadata") if isinstance(template, dict) else None
    labels = meta.get("labels") if isinstance(meta, dict) else None
    return {name: text for name, text in labels.items() if isinstance(text, str)} if isinstance(labels, dict) else {}


def _containers(job_spec: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The containers of the pod template, init containers first.

    No schema has seen them: what has another shape is passed over, so that the API server says what is wrong with it.
    """
    template = job_spec.get("template")
    pod = template.get("spec") if isinstance(template, dict) else None
    if not isinstance(pod, dict):
        return
    for kind in ("initContainers", "containers"):
        containers = pod.get(kind)
        if isinstance(containers, list):
            yield from (container for container in containers if isinstance(container, dict))


def _unreserved(entries: Mapping[str, str] | None) -> dict[str, str]:
    """The template's labels or annotations without those that only the controller may set."""
    return {
        name: value
        for name, value in (entries or {}).items()
        if not name.startswith(f"{GROUP}/") and name != BATCH_SCHEDULED_AT
    }


def _owner_reference(cron_job: CronJob) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": cron_job.key.name,
        "uid": cron_job.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
