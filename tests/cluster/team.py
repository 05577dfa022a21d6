"""One namespace as its authors see it: they apply objects with kubectl and look what becomes of them.

Authors' acts go through the real kubectl. Looking again and again goes straight to the API server, which costs a
hundredth of a process.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.local.cluster import ControlPlane
from tests.cluster.fleet import eventually

_OBJECTS = "/apis/dcron.io/v1"
_numbers = itertools.count(1)


def pod_template(*, run_for: str | None = None, fail: bool = False, **container: Any) -> dict[str, Any]:
    """A pod that ends at once; or after a time, or with a failure: see `deploy/local/stages.yaml`."""
    annotations = {**({"dcron.io/run-for": run_for} if run_for else {}), **({"dcron.io/fail": "true"} if fail else {})}
    containers = [{"name": "main", "image": "busybox", **container}]
    return {"metadata": {"annotations": annotations}, "spec": {"restartPolicy": "Never", "containers": containers}}


def cron_job(
    name: str,
    schedule: str | None,
    *,
    template: dict[str, Any] | None = None,
    job: dict[str, Any] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """An object as its author writes it.

    Args:
        name: Its name.
        schedule: Its cron expression; None if `spec` has several.
        template: Of its pods.
        job: More fields of the Job's spec.
        spec: More fields of its spec; a `jobTemplate` here wins.
    """
    job_spec = {"backoffLimit": 0, **(job or {}), "template": template or pod_template()}
    return {
        "apiVersion": "dcron.io/v1",
        "kind": "DistributedCronJob",
        "metadata": {"name": name},
        "spec": {**({"schedule": schedule} if schedule else {}), "jobTemplate": {"spec": job_spec}, **spec},
    }


def annotated(body: dict[str, Any], **annotations: str) -> dict[str, Any]:
    """The same object with our annotations, named without their prefix."""
    prefixed = {f"dcron.io/{name}": value for name, value in annotations.items()}
    return {**body, "metadata": {**body["metadata"], "annotations": prefixed}}


def written(at: datetime) -> str:
    """A time as an author writes it, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def instant(text: str) -> datetime:
    """A time in an object."""
    return datetime.fromisoformat(text)


def now() -> datetime:
    """The true time: all processes share one machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """One namespace."""

    control_plane: ControlPlane
    namespace: str

    @classmethod
    def founded(cls, control_plane: ControlPlane, name: str) -> Team:
        """A fresh namespace."""
        namespace = f"{name}-{next(_numbers)}"
        control_plane.kubectl("create", "namespace", namespace)
        return cls(control_plane=control_plane, namespace=namespace)

    # Acts, by kubectl.

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints."""
        return self.control_plane.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def apply(self, *objects: dict[str, Any]) -> datetime:
        """Apply objects together; gives the time after which all of them are there."""
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects)))
        return now()

    def patch(self, name: str, **spec: Any) -> datetime:
        """Change fields of an object's spec; gives the time at which the API server has acknowledged it."""
        self.kubectl("patch", "dcronjob", name, "--type=merge", "--patch", json.dumps({"spec": spec}))
        return now()

    def annotate(self, *names: str, **annotations: str | None) -> datetime:
        """Write our annotations, named without their prefix, on objects, or take them away (None)."""
        changes = [
            f"dcron.io/{name}-" if value is None else f"dcron.io/{name}={value}" for name, value in annotations.items()
        ]
        self.kubectl("annotate", "dcronjob", *names, "--overwrite", *changes)
        return now()

    def delete(self, *names: str) -> datetime:
        """Delete objects; gives the time at which they are gone."""
        self.kubectl("delete", "dcronjob", *names)
        return now()

    def dissolve(self) -> None:
        """Delete all objects and let the namespace go."""
        self.kubectl("delete", "dcronjob", "--all", "--wait=false", "--ignore-not-found")
        self.control_plane.kubectl("delete", "namespace", self.namespace, "--wait=false", "--ignore-not-found")

    # Looks.

    def look(self, path: str) -> Any:
        """The API server's answer about this namespace."""
        group, _, rest = path.partition("|")
        return self.control_plane.api.call("GET", f"{group}/namespaces/{self.namespace}/{rest}")

    def cron_job(self, name: str) -> dict[str, Any]:
        """An object."""
        found: dict[str, Any] = self.look(f"{_OBJECTS}|distributedcronjobs/{name}")
        return found

    def cron_jobs(self) -> list[dict[str, Any]]:
        """All objects."""
        found: list[dict[str, Any]] = self.look(f"{_OBJECTS}|distributedcronjobs")["items"]
        return found

    def status(self, name: str) -> dict[str, Any]:
        """The status of an object."""
        found: dict[str, Any] = self.cron_job(name).get("status", {})
        return found

    def counts(self, name: str) -> dict[str, int]:
        """The counts of an object; what was never counted is 0."""
        nothing = dict.fromkeys(("due", "created", "skipped", "missed", "createFailed", "succeeded", "failed"), 0)
        return {**nothing, **self.status(name).get("counts", {})}

    def condition(self, name: str, type_: str = "Ready") -> dict[str, Any]:
        """A condition of an object; empty if it has none of that type."""
        found = self.status(name).get("conditions", [])
        return next((condition for condition in found if condition["type"] == type_), {})

    def jobs(self, name: str = "") -> list[dict[str, Any]]:
        """The Jobs of an object, or all, by their instants."""
        found = self.look("/apis/batch/v1|jobs")["items"]
        wanted = [job for job in found if not name or job["metadata"].get("labels", {}).get("dcron.io/name") == name]
        return sorted(wanted, key=lambda job: job["metadata"]["annotations"].get("dcron.io/scheduled-at", ""))

    def events(self, name: str, reason: str | None = None) -> list[dict[str, Any]]:
        """The Events about an object."""
        found = self.look("/api/v1|events")["items"]
        mine = [event for event in found if event["involvedObject"]["name"] == name]
        return [event for event in mine if reason is None or event["reason"] == reason]

    # Waits.

    def wait_until_settled(self, until: datetime, *names: str, seconds: float = 40.0) -> None:
        """Wait until the ledger of each object has passed an instant. An API server that is away or busy has time."""

        def settled() -> bool:
            try:
                objects = [found for found in self.cron_jobs() if not names or found["metadata"]["name"] in names]
            except OSError:
                return False
            through = [found.get("status", {}).get("settledThrough") for found in objects]
            return all(text is not None and instant(text) >= until for text in through)

        eventually(settled, f"{self.namespace} settled through {until:%H:%M:%S}", seconds)


def finished(jobs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those Jobs that have ended."""
    return [job for job in jobs if job.get("status", {}).get("completionTime") or failed(job)]


def failed(job: dict[str, Any]) -> bool:
    """Whether a Job has failed."""
    conditions = job.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Failed" and condition["status"] == "True" for condition in conditions)


def scheduled_at(job: dict[str, Any]) -> datetime:
    """The instant that a Job stands for."""
    return instant(job["metadata"]["annotations"]["dcron.io/scheduled-at"])
