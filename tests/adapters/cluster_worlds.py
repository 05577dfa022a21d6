"""The two worlds that the contract of the cluster port is held against: a fake, and a real API server with etcd."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from kubernetes.aio.client import ApiClient

from controller import jobs, spec
from controller.api import ApiServer, collection_path
from controller.clock import SystemClock, system_time
from controller.errors import Refused
from controller.events import EventPoster
from controller.instants import format_time, parse_time
from controller.jobs import Firing, Job
from controller.jobwatch import JobWatch
from controller.kube import KubeCluster
from controller.names import name_for
from controller.outcomes import Trigger
from controller.ports import Cluster
from controller.spec import CronJob, Key
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.cluster import FakeCluster

NODE = "node-1"
PATIENCE_SECONDS = 30
"""Longest that a test waits for something that takes milliseconds: a bound, not a measurement."""
MERGE_PATCH = "application/merge-patch+json"
INSTANT = parse_time("2030-01-01T00:00:00Z")


class Hours(SystemClock):
    """A clock that a test sets forward, by hours."""

    def __init__(self) -> None:
        self.hours = 0.0
        super().__init__()

    def elapsed(self) -> timedelta:
        return timedelta(hours=self.hours)


def cron_job_spec(**changes: Any) -> dict[str, Any]:
    """The spec of an object whose Jobs the Job controller leaves alone, so that only a test ends them."""
    container = {"name": "main", "image": "busybox"}
    pod = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "schedule": "0 0 1 1 *",
        "jobTemplate": {"spec": {"managedBy": "dcron.io/test", "template": pod}},
        **changes,
    }


def manifest(cron_job: CronJob, minute: int = 0) -> dict[str, Any]:
    """The Job of one of the object's firings."""
    instant = INSTANT + timedelta(minutes=minute)
    firing = Firing(name=name_for(cron_job, instant), scheduled_at=instant, trigger=Trigger.SCHEDULE)
    return jobs.manifest(cron_job, firing, fired_by=NODE)


@dataclass
class Requests:
    """A recorder that keeps what was reported of requests."""

    seen: list[tuple[str, str, str | None]] = field(default_factory=list)

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None:
        self.seen.append((target, verb, error))

    @property
    def errors(self) -> list[str]:
        return [error for _, _, error in self.seen if error is not None]

    def outcome(self, reason: object, lateness: timedelta) -> None: ...
    def reconciled(self, seconds: float, *, error: str | None) -> None: ...
    def queue(self, *, waiting: int, overdue: int) -> None: ...
    def ring(self, *, members: int, keys_owned: int, state: str) -> None: ...
    def loop_lag(self, seconds: float) -> None: ...

    def objects(self, *, not_ready: int, blocked: int) -> None: ...

    def clock_skew(self, clock: str, seconds: float) -> None: ...


class World(Protocol):
    """A cluster, with what authors and controllers do to it."""

    @property
    def cluster(self) -> Cluster: ...
    @property
    def namespace(self) -> str: ...
    async def apply(self, name: str, spec_: Mapping[str, Any]) -> CronJob: ...
    async def delete(self, cron_job: CronJob) -> None: ...
    async def finish(self, job: Job, *, succeeded: bool) -> None: ...
    async def forbid_jobs(self) -> None: ...
    async def terminate_namespace(self) -> None: ...
    def watch_jobs(
        self, listed: Callable[[Sequence[Job]], object], seen: Callable[[Job], object]
    ) -> Coroutine[Any, Any, None]: ...


class FakeWorld:
    """The port in memory, on the real loop, without delays."""

    def __init__(self) -> None:
        self.server = FakeApiServer(now=system_time, latency_seconds=(0, 0), watch_delay_seconds=(0, 0))
        self.cluster = FakeCluster(self.server, SystemClock(), NODE)
        self.namespace = "default"

    async def apply(self, name: str, spec_: Mapping[str, Any]) -> CronJob:
        return self.server.apply(self.namespace, name, spec_)

    async def delete(self, cron_job: CronJob) -> None:
        self.server.delete(cron_job.key)

    async def finish(self, job: Job, *, succeeded: bool) -> None:
        self.server.finish_job(job.namespace, job.name, succeeded)

    async def forbid_jobs(self) -> None:
        self.server.full_namespaces.add(self.namespace)

    async def terminate_namespace(self) -> None:
        self.server.terminating_namespaces.add(self.namespace)

    async def watch_jobs(self, listed: Callable[[Sequence[Job]], object], seen: Callable[[Job], object]) -> None:
        await self.cluster.watch_jobs(listed, seen)


class RealWorld:
    """The adapter on a real API server, in a namespace of its own."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.requests = Requests()
        self.clock = SystemClock()
        self.api = ApiServer(client, self.clock, self.requests)
        self.events = EventPoster(self.api, self.clock, self.requests, node=NODE)
        self.cluster = KubeCluster(self.api, self.events, namespaces=[namespace])
        self.namespace = namespace

    async def apply(self, name: str, spec_: Mapping[str, Any]) -> CronJob:
        body = {"apiVersion": spec.API_VERSION, "kind": spec.KIND, "metadata": {"name": name}, "spec": spec_}
        answer = await self.api.request(
            "patch",
            f"{self._path(spec.API_VERSION, spec.PLURAL)}/{name}",
            query={"fieldManager": "author", "force": "true"},
            body=body,
            content_type="application/apply-patch+yaml",  # JSON is YAML
        )
        return spec.parse(answer.expect_ok())

    async def delete(self, cron_job: CronJob) -> None:
        path = f"{self._path(spec.API_VERSION, spec.PLURAL)}/{cron_job.key.name}"
        (await self.api.request("delete", path)).expect_ok()

    async def finish(self, job: Job, *, succeeded: bool) -> None:
        now = format_time(self.clock.now().replace(microsecond=0))
        names = ("SuccessCriteriaMet", "Complete") if succeeded else ("FailureTarget", "Failed")
        status: dict[str, Any] = {
            "startTime": now,
            "conditions": [{"type": name, "status": "True", "lastTransitionTime": now} for name in names],
        }
        if succeeded:
            status["completionTime"] = now
        path = f"{self._path('batch/v1', 'jobs')}/{job.name}"
        answer = await self.api.request("patch", path + "/status", body={"status": status}, content_type=MERGE_PATCH)
        answer.expect_ok()

    async def forbid_jobs(self) -> None:
        path, hard = self._path("v1", "resourcequotas"), {"count/jobs.batch": "0"}
        quota = {"metadata": {"name": "no-jobs"}, "spec": {"hard": hard}}
        (await self.api.request("create", path, body=quota)).expect_ok()
        # What the quota controller will write as well; until then a quota forbids everything that it names.
        status = {"status": {"hard": hard, "used": {"count/jobs.batch": "0"}}}
        answer = await self.api.request("patch", path + "/no-jobs/status", body=status, content_type=MERGE_PATCH)
        answer.expect_ok()
        await self._until_jobs_are_refused()

    async def _until_jobs_are_refused(self) -> None:
        """Admission learns of a quota by a watch of its own, a moment after it was made."""
        pod = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}
        body = {"metadata": {"name": "probe"}, "spec": {"template": {"spec": pod}}}
        for _ in range(200):
            try:
                await self.api.request("create", self._path("batch/v1", "jobs"), query={"dryRun": "All"}, body=body)
            except Refused:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the quota has no effect")

    async def terminate_namespace(self) -> None:
        """Begin to delete the namespace; something in it holds it back."""
        holder = {"metadata": {"name": "holder", "finalizers": ["dcron.io/test"]}}
        (await self.api.request("create", self._path("v1", "configmaps"), body=holder)).expect_ok()
        (await self.api.request("delete", f"/api/v1/namespaces/{self.namespace}")).expect_ok()

    async def release(self) -> None:
        """Delete the namespace without waiting for its end."""
        free = {"metadata": {"finalizers": None}}
        path = self._path("v1", "configmaps") + "/holder"
        await self.api.request("delete", f"/api/v1/namespaces/{self.namespace}")
        await self.api.request("patch", path, body=free, content_type=MERGE_PATCH)

    async def watch_jobs(self, listed: Callable[[Sequence[Job]], object], seen: Callable[[Job], object]) -> None:
        await JobWatch(self.api, self.clock, namespaces=[self.namespace]).run(listed, seen)

    async def raw(self, key: Key) -> Mapping[str, Any]:
        """The object's JSON."""
        answer = await self.api.request("get", f"{self._path(spec.API_VERSION, spec.PLURAL)}/{key.name}")
        return answer.expect_ok()

    async def raw_events(self) -> Sequence[Mapping[str, Any]]:
        """All Events of the namespace."""
        found: Sequence[Mapping[str, Any]] = (await self.api.request("list", self._path("v1", "events"))).expect_ok()[
            "items"
        ]
        return found

    def _path(self, api_version: str, plural: str) -> str:
        return collection_path(api_version, plural, self.namespace)


class View:
    """What a watch has shown."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.lists = 0
        self._changed = asyncio.Event()

    @property
    def names(self) -> set[str]:
        return set(self.jobs)

    def listed(self, jobs: Sequence[Job]) -> None:
        self.lists += 1
        self.jobs = {job.name: job for job in jobs}
        self._changed.set()

    def seen(self, job: Job) -> None:
        self.jobs[job.name] = job
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def running(coroutine: Coroutine[Any, Any, Any]) -> AsyncIterator[None]:
    """Run something that never ends, until the end of the block."""
    task = asyncio.create_task(coroutine)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
