"""The API server in memory: objects and Jobs as etcd would hold them, on true time, shared by all replicas of a test.

One `FakeApiServer` stands for the cluster; each replica talks to it through its own `FakeCluster` (in `cluster`), which
adds the network between: latency, faults, and a watch that lags. Everything here is immediate and consistent. The
history keeps what ever happened to a Job, deleted ones included, so that invariants are asserted on what the world saw
and not on what a replica believes.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextvars import Context
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from controller import jobs, spec
from controller.errors import Conflict, NamespaceTerminating, Refused
from controller.instants import format_time
from controller.jobs import Job
from controller.messages import CreateResult, JobCreated, JobExists, JobRejected
from controller.spec import CronJob, Key
from tests.fakes import managedfields
from tests.fakes.happenings import Annotated, Edit, Happening, PostedEvent, StatusWrite, What

MARKER = "bogus"
"""A field of this name in a Job's spec or its pod's spec stands for a template that the API server does not take."""


class Glitch(StrEnum):
    """What may befall a single request, while others go through."""

    ERROR_BEFORE = "500 before the write"
    ERROR_AFTER = "500 after the write"
    SILENT_AFTER = "time-out after the write"
    LATE = "seconds on its way"
    CONFLICT = "conflict on a status"
    THROTTLED = "429 for this one"


class Watcher(Protocol):
    """Where the server's changes go: one for each replica's watch, in the order in which they happened."""

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """An object was made or changed."""
        ...

    def cron_job_gone(self, cron_job: CronJob) -> None:
        """An object was deleted."""
        ...

    def job_seen(self, job: Job) -> None:
        """A Job was created, changed or deleted."""
        ...


class FakeApiServer:
    """What etcd holds, and who may know.

    Args:
        now: True time, aware UTC: what the server stamps and the history tells. Not a replica's (skewed) clock.
        seed: Of everything random here and in the replicas' networks.
        latency_seconds: Least and greatest time that one way between a replica and the server takes.
        watch_delay_seconds: Least and greatest time until a replica's watch shows a change.
        gc_delay_seconds: From the end of an owner until the deletion of its Jobs.

    Attributes:
        down: Nobody gets an answer; the watches stand still until it is up again.
        black_holes: Names of nodes whose packets vanish: they wait for the time-out of 5 s.
        fail_next_create_after_write: The next create is written, and its answer is lost.
        stalled: Names of nodes whose watches show nothing, and do not end either.
        glitches: How often a request of a kind meets each of these, from 0 to 1.
        struck: How many requests, and shown changes, each fault has met, by its name.
        throttled_seconds: If not None, every request is answered by 429 with this Retry-After.
        full_namespaces: Namespaces whose quota refuses more Jobs (403).
        terminating_namespaces: Namespaces that are being deleted.
        job_duration: How long a Job runs until it is finished by itself; None: until `finish_job`.
        job_succeeds: Whether a Job that finishes by itself succeeds.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 0,
        latency_seconds: tuple[float, float] = (0.001, 0.005),
        watch_delay_seconds: tuple[float, float] = (0.005, 0.05),
        gc_delay_seconds: float = 0.5,
    ) -> None:
        self.now = now
        self.seed = seed
        self.latency_seconds = latency_seconds
        self.watch_delay_seconds = watch_delay_seconds
        self.gc_delay_seconds = gc_delay_seconds
        self.down = False
        self.black_holes: set[str] = set()
        self.fail_next_create_after_write = False
        self.stalled: set[str] = set()
        self.glitches: dict[Glitch, float] = {}
        self.struck: Counter[str] = Counter()
        self.throttled_seconds: float | None = None
        self.full_namespaces: set[str] = set()
        self.terminating_namespaces: set[str] = set()
        self.job_duration: Callable[[Job], timedelta | None] = lambda job: None
        self.job_succeeds: Callable[[Job], bool] = lambda job: True
        self.history: list[Happening] = []
        self.edits: list[Edit] = []
        self.annotated: list[Annotated] = []
        self.status_writes: list[StatusWrite] = []
        self.events: list[PostedEvent] = []
        self.watchers: list[Watcher] = []
        self._random = random.Random(seed)
        self._revision = 0
        self._cron_jobs: dict[Key, dict[str, Any]] = {}
        self._jobs: dict[tuple[str, str], dict[str, Any]] = {}
        self._parsed_cron_jobs: dict[Key, CronJob] = {}
        self._parsed_jobs: dict[tuple[str, str], Job] = {}
        self._generations: dict[str, int] = {}  # of the objects that exist, by UID

    # --- what the author and the test do: immediate, no network ---------------------------------------------------

    def apply(
        self, namespace: str, name: str, spec_: Mapping[str, Any], annotations: Mapping[str, str] | None = None
    ) -> CronJob:
        """Make the object, or edit it: generation and edit time move only if the spec differs.

        Args:
            annotations: All that it has from now on; None leaves them as they are.
        """
        key = Key(namespace, name)
        old = self._cron_jobs.get(key)
        body = self._new_cron_job(key) if old is None else {**old, "metadata": dict(old["metadata"])}
        if annotations is not None or old is None:
            self._write_annotations(
                key, body["metadata"], dict(annotations or {}), manager=managedfields.AUTHOR, born=old is None
            )
        if old is None or old["spec"] != spec_:
            body["spec"] = dict(spec_)
            body["metadata"]["generation"] += 1
            entries = body["metadata"].get("managedFields", ())
            body["metadata"]["managedFields"] = managedfields.spec_written(entries, self._stamp())
            self._note_edit(key, body, spec_)
        return self._store_cron_job(key, body)

    def annotate(self, key: Key, changes: Mapping[str, str | None]) -> CronJob:
        """Write annotations, or take them away (None), as `kubectl annotate` does: the generation stays."""
        old = self._cron_jobs[key]
        annotations = merge(old["metadata"].get("annotations"), changes)
        if annotations == old["metadata"].get("annotations"):
            return self._parsed_cron_jobs[key]  # nothing changes, not even the version
        body = {**old, "metadata": dict(old["metadata"])}
        self._write_annotations(key, body["metadata"], annotations, manager=managedfields.ANNOTATOR)
        return self._store_cron_job(key, body)

    def suspend(self, key: Key, suspended: bool = True) -> CronJob:
        """Edit `spec.suspend` and nothing else."""
        body = self._cron_jobs[key]
        return self.apply(*key, {**body["spec"], "suspend": suspended}, body["metadata"]["annotations"])

    def delete(self, key: Key) -> None:
        """Delete the object at once; its Jobs follow by owner reference."""
        body = self._cron_jobs.pop(key)
        del self._parsed_cron_jobs[key], self._generations[body["metadata"]["uid"]]
        body["metadata"]["resourceVersion"] = self._next_revision()
        self._note_edit(key, body, None)
        cron_job = spec.parse(body)
        for watcher in self.watchers:
            watcher.cron_job_gone(cron_job)
        self._later(self.gc_delay_seconds, self._collect, cron_job.uid)

    def finish_job(self, namespace: str, name: str, succeeded: bool = True) -> None:
        """Let a Job end, as the Job controller reports it; nothing if it is gone or has ended."""
        job = self._parsed_jobs.get((namespace, name))
        if job is None or not job.active:
            return
        condition = {"type": "Complete" if succeeded else "Failed", "status": "True"}
        status = {"conditions": [{**condition, "lastTransitionTime": self._stamp()}]}
        body = self._jobs[namespace, name]
        self._store_job({**body, "status": status}, What.FINISHED, node=None)

    def delete_job(self, namespace: str, name: str) -> None:
        """Delete a Job by hand; nothing if it is gone."""
        if (namespace, name) in self._jobs:
            self._remove_job(namespace, name, node=None)

    # --- what the world looks like ----------------------------------------------------------------------------------

    @property
    def revision(self) -> int:
        """The version that all has come to."""
        return self._revision

    def cron_jobs(self) -> tuple[CronJob, ...]:
        """All objects."""
        return tuple(self._parsed_cron_jobs.values())

    def jobs(self, uid: str | None = None) -> tuple[Job, ...]:
        """All Jobs that exist now, or those of one object, in the order of their creation."""
        return tuple(job for job in self._parsed_jobs.values() if uid is None or job.owner_uid == uid)

    def manifest(self, namespace: str, name: str) -> Mapping[str, Any]:
        """The JSON of a Job that exists now."""
        return self._jobs[namespace, name]

    def created(self, uid: str | None = None) -> tuple[Job, ...]:
        """Every Job ever created, deleted ones included, in order."""
        creations = (entry.job for entry in self.history if entry.what is What.CREATED)
        return tuple(job for job in creations if uid is None or job.owner_uid == uid)

    # --- requests of a replica, as they meet the server -------------------------------------------------------------

    def read(self, key: Key) -> CronJob | None:
        """The object, or None."""
        return self._parsed_cron_jobs.get(key)

    def write_status(self, cron_job: CronJob, status: Mapping[str, Any], node: str) -> CronJob:
        """Merge the status if the object is still the one that was read."""
        body = self._cron_jobs.get(cron_job.key)
        if body is None:
            raise Conflict(f"{cron_job.key} is gone")
        meta = body["metadata"]
        if (meta["uid"], meta["resourceVersion"]) != (cron_job.uid, cron_job.resource_version):
            raise Conflict(f"{cron_job.key} has changed since it was read")
        merged = merge(body.get("status") or {}, status)
        self.status_writes.append(
            StatusWrite(
                at=self.now(),
                key=cron_job.key,
                uid=cron_job.uid,
                node=node,
                settled_through=merged.get("settledThrough"),
                last_schedule_time=merged.get("lastScheduleTime"),
            )
        )
        return self._store_cron_job(cron_job.key, {**body, "metadata": dict(meta), "status": merged})

    def create_job(self, manifest: Mapping[str, Any], node: str) -> CreateResult:
        """Create the Job, unless its name is taken or it is refused."""
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        if objection := self._objection(manifest):
            return JobRejected(message=objection)
        self._admit(namespace)
        if (namespace, name) in self._jobs:
            return JobExists(job=self._parsed_jobs[namespace, name])
        body = {**manifest, "metadata": {**manifest["metadata"], "uid": self._new_uid()}}
        body["metadata"]["creationTimestamp"] = self._stamp()
        job = self._store_job(body, What.CREATED, node=node)
        self._start(job)
        return JobCreated(job=job)

    def check_job(self, manifest: Mapping[str, Any]) -> str | None:
        """What speaks against this Job."""
        return self._objection(manifest)

    def remove_job(self, job: Job, node: str) -> bool:
        """Delete this very Job."""
        body = self._jobs.get((job.namespace, job.name))
        if body is None or body["metadata"]["uid"] != job.uid:
            return False
        self._remove_job(job.namespace, job.name, node=node)
        return True

    # --- inside -----------------------------------------------------------------------------------------------------

    def _new_cron_job(self, key: Key) -> dict[str, Any]:
        meta = {"namespace": key.namespace, "name": key.name, "uid": self._new_uid(), "generation": 0}
        return {"metadata": {**meta, "creationTimestamp": self._stamp()}}

    def _store_cron_job(self, key: Key, body: dict[str, Any]) -> CronJob:
        body["metadata"]["resourceVersion"] = self._next_revision()
        cron_job = spec.parse(body)
        self._cron_jobs[key], self._parsed_cron_jobs[key] = body, cron_job
        self._generations[cron_job.uid] = cron_job.generation
        for watcher in self.watchers:
            watcher.cron_job_seen(cron_job)
        return cron_job

    def _note_edit(self, key: Key, body: Mapping[str, Any], spec_: Mapping[str, Any] | None) -> None:
        uid, generation = body["metadata"]["uid"], body["metadata"]["generation"]
        self.edits.append(Edit(at=self.now(), key=key, uid=uid, generation=generation, spec=spec_))

    def _write_annotations(
        self, key: Key, meta: dict[str, Any], annotations: dict[str, str], *, manager: str, born: bool = False
    ) -> None:
        before = meta.get("annotations") or {}
        meta["annotations"] = annotations
        if annotations != before:
            entries = meta.get("managedFields", ())
            time = self._stamp()
            meta["managedFields"] = managedfields.annotated(entries, before, annotations, manager=manager, time=time)
            self.annotated.append(
                Annotated(at=self.now(), key=key, uid=meta["uid"], annotations=dict(annotations), born=born)
            )

    def _store_job(self, body: dict[str, Any], what: What, *, node: str | None) -> Job:
        body["metadata"]["resourceVersion"] = self._next_revision()
        job = jobs.parse(body)
        self._jobs[job.namespace, job.name], self._parsed_jobs[job.namespace, job.name] = body, job
        self._announce(job, body, what, node)
        return job

    def _remove_job(self, namespace: str, name: str, *, node: str | None) -> None:
        body = self._jobs.pop((namespace, name))
        body = {**body, "metadata": {**body["metadata"], "resourceVersion": self._next_revision()}}
        del self._parsed_jobs[namespace, name]
        self._announce(jobs.parse(body, gone=True), body, What.DELETED, node)

    def _announce(self, job: Job, body: Mapping[str, Any], what: What, node: str | None) -> None:
        annotations = body["metadata"].get("annotations") or {}
        annotated = annotations.get(jobs.GENERATION)
        self.history.append(
            Happening(
                at=self.now(),
                what=what,
                job=job,
                node=node,
                generation=None if annotated is None else int(annotated),
                actual_generation=self._generations.get(job.controlled_by or ""),
                trigger_id=annotations.get(jobs.TRIGGER_ID),
            )
        )
        if job.owner_uid:  # the watches select by that label
            for watcher in self.watchers:
                watcher.job_seen(job)

    def _start(self, job: Job) -> None:
        """Set going what happens to a Job by itself."""
        duration = self.job_duration(job)
        if duration is not None:
            self._later(duration.total_seconds(), self.finish_job, job.namespace, job.name, self.job_succeeds(job))
        if job.controlled_by is not None and job.controlled_by not in self._generations:
            self._later(self.gc_delay_seconds, self._collect, job.controlled_by)

    def _collect(self, uid: str) -> None:
        """Garbage collection by owner reference."""
        for job in self.jobs():
            if job.controlled_by == uid:
                self._remove_job(job.namespace, job.name, node=None)

    def _objection(self, manifest: Mapping[str, Any]) -> str | None:
        job_spec = manifest.get("spec") or {}
        pod_spec = (job_spec.get("template") or {}).get("spec") or {}
        if MARKER in job_spec:
            return f'strict decoding error: unknown field "spec.{MARKER}"'
        if MARKER in pod_spec:
            return f'strict decoding error: unknown field "spec.template.spec.{MARKER}"'
        if pod_spec.get("restartPolicy") == "Always":
            return (
                'spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"'
            )
        return None

    def _admit(self, namespace: str) -> None:
        if namespace in self.terminating_namespaces:
            raise NamespaceTerminating(f"namespace {namespace} is being terminated")
        if namespace in self.full_namespaces:
            raise Refused("exceeded quota: jobs, requested: count/jobs.batch=1, used: 0, limited: 0")

    def _later(self, seconds: float, act: Callable[..., None], *arguments: Any) -> None:
        # In a context of its own: what the server does by itself goes on while the replica that asked is stopped.
        asyncio.get_running_loop().call_later(seconds, act, *arguments, context=Context())

    def _next_revision(self) -> str:
        self._revision += 1
        return str(self._revision)

    def _new_uid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def _stamp(self) -> str:
        """True time to the second, cut off as the API server does."""
        return format_time(self.now().astimezone(UTC).replace(microsecond=0))


def merge(target: Any, patch: Any) -> Any:
    """A JSON merge patch applied (RFC 7386), without changing either."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged
