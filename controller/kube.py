"""The cluster port on a real API server.

It says what each call of `ports.Cluster` is in HTTP, and what the answers mean that are outcomes and not failures. It
decides nothing, keeps nothing and repeats nothing. `api` below it sends and judges, `events` publishes; `reconciler`
calls it through the port.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from controller import jobs, spec, statusbody
from controller.api import FIELD_MANAGER, Answer, ApiServer, collection_path
from controller.errors import ClusterUnavailable, Conflict, NamespaceTerminating, TransientError
from controller.events import EventPoster
from controller.jobs import UID_LABEL, Job
from controller.messages import CreateResult, Event, Extent, JobCreated, JobExists, JobRejected
from controller.spec import CronJob, Key

PAGE = 500
"""Objects on one page of a list of versions: some 6 ms of the loop."""
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

_REJECTIONS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
_ALREADY_EXISTS = "AlreadyExists"
_PROBE = "is-anybody-there"
"""The name of an object that is asked for and need not exist."""


async def serves_objects(api: ApiServer) -> bool:
    """Whether the API server shows our objects in its discovery, in both of the places where a client looks.

    Raises:
        TransientError: It does not say.
    """
    groups = (await api.request("get", "/apis")).expect_ok()["groups"]
    if all(group["name"] != spec.GROUP for group in groups):
        return False
    resources = (await api.request("get", f"/apis/{spec.API_VERSION}")).expect_ok()["resources"]
    return any(resource["name"] == spec.PLURAL for resource in resources)


class KubeCluster:
    """`ports.Cluster` over HTTP.

    Args:
        api: The API server.
        events: Where Events are handed to; someone else runs it.
        namespaces: The scope; empty: the whole cluster.
    """

    def __init__(self, api: ApiServer, events: EventPoster, *, namespaces: Iterable[str] = ()) -> None:
        self._api = api
        self._events = events
        self._scopes: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def ping(self) -> datetime | None:
        """Return if the API server answers this node from etcd; see the port.

        A read of one object always reaches etcd, and "not found" is an answer. The version, or a list from the cache,
        is also given by an API server that has lost its etcd, and on which nothing can fire.
        """
        answer = await self._api.request("get", _cron_job_path(Key(self._scopes[0] or "default", _PROBE)))
        return _time_of(answer)

    async def open_connections(self, count: int) -> None:
        """Have so many connections open; see the port. So many requests at once need one each."""
        async with asyncio.TaskGroup() as requests:
            for _ in range(count):
                requests.create_task(self._touch())

    async def _touch(self) -> None:
        with suppress(TransientError):
            await self._api.request("get", "/version")

    async def read(self, key: Key) -> CronJob | None:
        """The object as it stands in etcd now; None if there is none."""
        answer = await self._api.request("get", _cron_job_path(key))
        return None if answer.status == HTTPStatus.NOT_FOUND else spec.parse(answer.expect_ok())

    async def versions(self) -> Mapping[Key, tuple[str, str]]:
        """UID and resourceVersion of every object in scope, without bodies; see the port.

        Page by page: the whole list of 50,000 would hold the loop for two seconds. Since Kubernetes 1.34 the API server
        takes the pages from its cache.
        """
        found: dict[Key, tuple[str, str]] = {}
        for namespace in self._scopes:
            query = {"limit": str(PAGE)}
            while True:
                answer = await self._api.request("list", _cron_jobs_path(namespace), query=query, accept=METADATA_ONLY)
                if answer.status == HTTPStatus.GONE:
                    raise ClusterUnavailable(answer.message)  # the pages took too long
                body = answer.expect_ok()
                for item in body["items"] or ():
                    meta = item["metadata"]
                    found[Key(meta["namespace"], meta["name"])] = (meta["uid"], meta["resourceVersion"])
                if not (more := body["metadata"].get("continue")):
                    break
                query = {**query, "continue": more}
        return found

    async def extent(self) -> Extent:
        """How many objects there are in scope, and how far the API server has come; see the port.

        A page of one says how many come after it. An API server need not tell it; then all are listed.
        """
        count = version = 0
        for namespace in self._scopes:
            query = {"limit": "1"}
            answer = await self._api.request("list", _cron_jobs_path(namespace), query=query, accept=METADATA_ONLY)
            body = answer.expect_ok()
            meta, found = body["metadata"], len(body["items"] or ())
            if meta.get("continue") and "remainingItemCount" not in meta:
                return Extent(count=len(await self.versions()), version=int(meta["resourceVersion"]))
            count += found + meta.get("remainingItemCount", 0)
            version = max(version, int(meta["resourceVersion"]))
        return Extent(count=count, version=version)

    async def list_jobs(self, cron_job: CronJob) -> tuple[Job, ...]:
        """This object's Jobs as they stand in etcd now (by label)."""
        path, selector = _jobs_path(cron_job.key.namespace), f"{UID_LABEL}={cron_job.uid}"
        answer = await self._api.request("list", path, query={"labelSelector": selector})
        return tuple(jobs.parse(item) for item in answer.expect_ok()["items"])

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Create a Job; see the port."""
        answer = await self._post_job(manifest, {})
        if answer.status in _REJECTIONS:
            return JobRejected(message=answer.message)
        if answer.ok:
            return JobCreated(job=jobs.parse(answer.body))
        meta = manifest["metadata"]
        existing = await self._api.request("get", f"{_jobs_path(meta['namespace'])}/{meta['name']}")
        if existing.status == HTTPStatus.NOT_FOUND:
            # Another node created it, and it was deleted before our read, as under Replace. Rejected: to create it
            # again. It would be a second Job for one firing; what the status says of it by now decides.
            raise Conflict(f"Job {meta['name']} has been there and is gone")
        return JobExists(job=jobs.parse(existing.expect_ok()))

    async def check_job(self, manifest: Mapping[str, Any]) -> str | None:
        """Strict server-side dry run of a create: the API server's objection, or None if it would take it."""
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        answer = await self._post_job(manifest, query)
        return answer.message if answer.status in _REJECTIONS else None

    async def delete_job(self, job: Job) -> bool:
        """Delete exactly this Job, its pods in the background; False if it was gone."""
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": job.uid},
        }
        answer = await self._api.request("delete", f"{_jobs_path(job.namespace)}/{job.name}", body=options)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return False
        answer.expect_ok()
        return True

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """Merge fields into the status, only if the object has not changed; see the port."""
        # The version alone tells the object from one made again under its name: versions are revisions of all of etcd.
        # An update and no patch, which costs the API server about a third more. Of an update of the status it takes
        # the status alone: spec and metadata, managed fields included, stay as they are.
        body = {
            "apiVersion": spec.API_VERSION,
            "kind": spec.KIND,
            "metadata": {
                "namespace": cron_job.key.namespace,
                "name": cron_job.key.name,
                "resourceVersion": cron_job.resource_version,
            },
            "status": statusbody.merged(cron_job.status, status),
        }
        path, query = f"{_cron_job_path(cron_job.key)}/status", {"fieldManager": FIELD_MANAGER}
        answer = await self._api.request("update", path, query=query, body=body)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            raise Conflict(answer.message)
        return spec.parse(answer.expect_ok())

    def post(self, event: Event) -> None:
        """Publish an Event, some time soon; see the port."""
        self._events.post(event)

    async def _post_job(self, manifest: Mapping[str, Any], query: Mapping[str, str]) -> Answer:
        """Send a create, dry or not.

        Returns:
            The answer: it was created, it is rejected, or its name is taken.
        """
        path = _jobs_path(manifest["metadata"]["namespace"])
        answer = await self._api.request("create", path, query={"fieldManager": FIELD_MANAGER, **query}, body=manifest)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NamespaceTerminating(answer.message)  # it is even gone already
        if answer.status == HTTPStatus.CONFLICT and answer.reason != _ALREADY_EXISTS:
            raise Conflict(answer.message)  # such as two creates that count against one quota
        if answer.status not in (HTTPStatus.CONFLICT, *_REJECTIONS):
            answer.expect_ok()
        return answer


def _time_of(answer: Answer) -> datetime | None:
    """The API server's clock when it answered; None if it does not say, or says something else."""
    try:
        return parsedate_to_datetime(answer.date).astimezone(UTC)
    except ValueError:
        return None


def _jobs_path(namespace: str) -> str:
    return collection_path("batch/v1", "jobs", namespace)


def _cron_jobs_path(namespace: str | None) -> str:
    return collection_path(spec.API_VERSION, spec.PLURAL, namespace)


def _cron_job_path(key: Key) -> str:
    return f"{_cron_jobs_path(key.namespace)}/{key.name}"
