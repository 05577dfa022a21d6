"""A `DistributedCronJob` as frozen values, with the defaults of the API.

The API server has already checked the shape (the CRD's schema and CEL rules), so this room reads and never judges: what
a schema cannot see, a schedule that never fires or an unknown zone, is found by `schedule`. It keeps no
foreign object, only what the other rooms ask for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from controller import requests
from controller.instants import parse_time
from controller.outcomes import Trigger
from controller.requests import Requests

GROUP = "dcron.io"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "DistributedCronJob"
PLURAL = "distributedcronjobs"
DEFAULT_CONTROLLER_NAME = "dcron"
DEADLINE_GRACE = timedelta(seconds=1)
"""`startingDeadlineSeconds` counts whole seconds: 3 s are over when 4 s have passed. So 0 means within the second."""


class ConcurrencyPolicy(StrEnum):
    """What an instant does while earlier Jobs of its object are unfinished."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"
    QUEUE = "Queue"


class CatchUpPolicy(StrEnum):
    """Which instants missed in an outage are fired afterwards."""

    LATEST = "Latest"
    ALL = "All"
    NONE = "None"


class DstGap(StrEnum):
    """What happens at a local time that does not exist, because clocks go forward over it."""

    SKIP = "Skip"
    AFTER = "After"


class DstOverlap(StrEnum):
    """Which of its two occurrences counts of a local time that clocks going back repeat."""

    BOTH = "Both"
    FIRST = "First"
    LAST = "Last"


class Key(NamedTuple):
    """Where an object lives: what the ring shares out and the work queue works on."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The author's wishes, defaults filled in.

    Attributes:
        expressions: The schedules; the object fires at their union.
        time_zone: IANA name; None is the controller's zone, UTC.
        starting_deadline: A firing later than this is missed; None is no deadline.
        max_active_jobs: How many Jobs may be active; None is no limit (Allow only).
        queue_limit: How many firings may wait under Queue.
        jitter_seconds: The firings are put off by one fixed share of this.
        max_runs: After so many firings it is completed; None is no limit.
        suspend_after_failures: After so many failed Jobs in a row nothing fires; None is no limit.
        start_at: Nothing fires before; inclusive.
        end_at: Nothing fires at or after.
        job_template: `spec.jobTemplate` as the author wrote it; never changed.
    """

    expressions: tuple[str, ...]
    time_zone: str | None = None
    starting_deadline: timedelta | None = None
    concurrency_policy: ConcurrencyPolicy = ConcurrencyPolicy.ALLOW
    max_active_jobs: int | None = None
    queue_limit: int = 1
    suspend: bool = False
    successful_jobs_history_limit: int = 3
    failed_jobs_history_limit: int = 1
    catch_up_policy: CatchUpPolicy = CatchUpPolicy.LATEST
    catch_up_limit: int = 100
    jitter_seconds: int = 0
    start_at: datetime | None = None
    end_at: datetime | None = None
    max_runs: int | None = None
    suspend_after_failures: int | None = None
    dst_gap: DstGap = DstGap.SKIP
    dst_overlap: DstOverlap = DstOverlap.BOTH
    controller_name: str = DEFAULT_CONTROLLER_NAME
    job_template: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def claims(self) -> bool:
        """Whether a slot must be claimed in the status before a Job is created (PROTOCOL, the ledger)."""
        return self.concurrency_policy is not ConcurrencyPolicy.ALLOW or self.max_runs is not None

    @property
    def slots(self) -> int:
        """How many Jobs may be active under a policy that claims."""
        return self.max_active_jobs or 1

    @cached_property
    def schedule_hash(self) -> str:
        """A digest of the fields that make instants: when it changes, the schedule was edited."""
        makers: list[Any] = [
            list(self.expressions),
            self.time_zone,
            self.start_at and self.start_at.isoformat(),
            self.end_at and self.end_at.isoformat(),
            self.suspend,
        ]
        # Fields that came later count only if they are set, so that no hash changed with them.
        later = {
            "jitterSeconds": self.jitter_seconds,
            "dstGap": self.dst_gap is not DstGap.SKIP and self.dst_gap.value,
            "dstOverlap": self.dst_overlap is not DstOverlap.BOTH and self.dst_overlap.value,
            "maxRuns": self.max_runs,
        }
        makers += [[name, value] for name, value in later.items() if value]
        return hashlib.sha256(json.dumps(makers).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class CronJob:
    """One `DistributedCronJob` as the API server showed it.

    Attributes:
        resource_version: Opaque to everyone but the lister; every status write carries it.
        edited_at: When the spec was last written, to the second; None if the managed fields do not say.
        deleted: It has a deletion timestamp: nothing fires any more.
        requests: What people ask of it by annotation.
        status: The status as it stands; `statusbody.parse` reads it.
    """

    key: Key
    uid: str
    generation: int
    resource_version: str
    created_at: datetime
    edited_at: datetime | None
    deleted: bool
    spec: Spec
    requests: Requests = field(default_factory=Requests)
    status: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def shift(self) -> timedelta:
        """By how much each firing is put off: one fixed share of the jitter, whole seconds, from a hash of the UID."""
        share = int.from_bytes(hashlib.sha256(self.uid.encode()).digest()[:8], "big")
        return timedelta(seconds=share % (self.spec.jitter_seconds + 1))

    def due_at(self, scheduled_at: datetime, trigger: Trigger = Trigger.SCHEDULE) -> datetime:
        """When a firing is due: an instant of the schedule is put off by the jitter, what people ask for is not."""
        return scheduled_at + self.shift if trigger.of_schedule else scheduled_at

    def lateness(self, scheduled_at: datetime, trigger: Trigger, at: datetime) -> timedelta:
        """How late a firing is at some moment; never negative. One of a backfill is never late: it is of the past."""
        if trigger is Trigger.BACKFILL:
            return timedelta(0)
        return max(timedelta(0), at - self.due_at(scheduled_at, trigger))

    def too_late_at(self, scheduled_at: datetime, trigger: Trigger = Trigger.SCHEDULE) -> datetime | None:
        """From when on a firing may not begin any more, by `startingDeadlineSeconds`; None without a deadline."""
        deadline = self.spec.starting_deadline
        return None if deadline is None else self.due_at(scheduled_at, trigger) + deadline + DEADLINE_GRACE

    def is_too_late(self, scheduled_at: datetime, trigger: Trigger, at: datetime) -> bool:
        """Whether a firing may not begin any more at some moment."""
        too_late_at = self.too_late_at(scheduled_at, trigger)
        return too_late_at is not None and at >= too_late_at


UNREADABLE = (KeyError, ValueError, TypeError, AttributeError)
"""What `parse` raises of an object that this version cannot read, such as one of a newer CRD: it is left alone."""


def parse(body: Mapping[str, Any]) -> CronJob:
    """The object in an API server's answer or watch event.

    Args:
        body: The JSON of a DistributedCronJob.

    Raises:
        UNREADABLE: It is not one that the CRD's schema lets in.
    """
    meta = body["metadata"]
    created_at = parse_time(meta["creationTimestamp"])
    return CronJob(
        key=Key(meta["namespace"], meta["name"]),
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        resource_version=meta["resourceVersion"],
        created_at=created_at,
        edited_at=_edited_at(meta.get("managedFields", ())),
        deleted="deletionTimestamp" in meta,
        spec=_parse_spec(body.get("spec", {})),
        requests=requests.read(meta.get("annotations") or {}, meta.get("managedFields", ())),
        status=body.get("status") or {},
    )


def _parse_spec(spec: Mapping[str, Any]) -> Spec:
    expressions = (spec["schedule"],) if "schedule" in spec else tuple(spec["schedules"])
    deadline = spec.get("startingDeadlineSeconds")
    return Spec(
        expressions=expressions,
        time_zone=spec.get("timeZone"),
        starting_deadline=None if deadline is None else timedelta(seconds=deadline),
        concurrency_policy=ConcurrencyPolicy(spec.get("concurrencyPolicy") or "Allow"),
        max_active_jobs=spec.get("maxActiveJobs"),
        queue_limit=spec.get("queueLimit", 1),
        suspend=spec.get("suspend", False),
        successful_jobs_history_limit=spec.get("successfulJobsHistoryLimit", 3),
        failed_jobs_history_limit=spec.get("failedJobsHistoryLimit", 1),
        catch_up_policy=CatchUpPolicy(spec.get("catchUpPolicy", "Latest")),
        catch_up_limit=spec.get("catchUpLimit", 100),
        jitter_seconds=spec.get("jitterSeconds", 0),
        start_at=_optional_time(spec.get("startTime")),
        end_at=_optional_time(spec.get("endTime")),
        max_runs=spec.get("maxRuns"),
        suspend_after_failures=spec.get("suspendAfterFailures"),
        dst_gap=DstGap(spec.get("dstGap", "Skip")),
        dst_overlap=DstOverlap(spec.get("dstOverlap", "Both")),
        controller_name=spec.get("controllerName", DEFAULT_CONTROLLER_NAME),
        job_template=spec.get("jobTemplate", {}),
    )


def _optional_time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _edited_at(managed_fields: Iterable[Mapping[str, Any]]) -> datetime | None:
    """The newest write among the managers of the spec."""
    times = [
        parse_time(entry["time"])
        for entry in managed_fields
        if not entry.get("subresource") and "f:spec" in entry.get("fieldsV1", {}) and "time" in entry
    ]
    return max(times, default=None)
