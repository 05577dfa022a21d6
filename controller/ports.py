"""The seam: what the flow asks of the world, on one page.

Five Protocols. The adapters above implement them on the real thing, `tests/fakes` in memory, and one contract suite
holds both to the same behaviour. The values that pass through are in `messages`. Every method that
awaits has its time-out in its adapter; every method that does not await never waits for the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from controller.jobs import Job
from controller.messages import CreateResult, Event, Extent, FiringRecord, Member, Membership
from controller.outcomes import Reason
from controller.spec import CronJob, Key


class Clock(Protocol):
    """Wall time for firings, loop time for everything else."""

    def now(self) -> datetime:
        """The time that is believed, aware UTC; carried by the loop, so a step of the system's clock moves nothing."""
        ...

    def elapsed(self) -> timedelta:
        """Loop time since some fixed moment: never steps, stands still for nobody."""
        ...

    def system(self) -> datetime:
        """What the system's clock shows at this moment, aware UTC, right or wrong."""
        ...

    def believe(self, now: datetime) -> None:
        """Take this for the time of this moment, and go on from there."""
        ...

    async def sleep_until(self, instant: datetime) -> None:
        """Return at the instant, in slices, so that a correction of the time is noticed."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return after a span of loop time."""
        ...


# --- membership ---------------------------------------------------------------------------------------------------


class Driver(Protocol):
    """Membership: who is alive, by one clock that is not the nodes' own."""

    async def beat(self, member: Member, *, ttl: timedelta) -> Membership:
        """Announce this member for `ttl` from now on, and read who else lives, in one step.

        Raises:
            StoreUnavailable: No answer within a quarter of `ttl`, or an error. Never retried in here.
        """
        ...

    async def leave(self, member: Member) -> None:
        """Take this member off at once and wake the others' `changed`.

        Raises:
            StoreUnavailable: As for `beat`; the member then goes when its time is over.
        """
        ...

    async def changed(self) -> None:
        """Return when another member has just left, or may have: a hint to beat now. May never return."""
        ...


# --- recent-job store -----------------------------------------------------------------------------------------------


class RecentJobStore(Protocol):
    """What has been executed recently, shared by all replicas; bounded by count and age."""

    def record(self, record: FiringRecord) -> None:
        """Remember a firing. Never waits: records leave in batches, and what cannot be sent is kept, bounded."""
        ...

    async def firings(self, uid: str, *, after: datetime) -> tuple[FiringRecord, ...]:
        """The recorded firings of one object whose instant lies after `after`, oldest first.

        Raises:
            StoreUnavailable: No answer within a short time; the caller goes on without.
        """
        ...

    async def newest(self, uid: str) -> FiringRecord | None:
        """The newest recorded firing of one object.

        Raises:
            StoreUnavailable: As for `firings`.
        """
        ...

    async def recent(self, *, limit: int) -> tuple[FiringRecord, ...]:
        """The last `limit` firings recorded, of all objects, newest first.

        Raises:
            StoreUnavailable: As for `firings`.
        """
        ...

    async def flush(self) -> bool:
        """Send what has been recorded since the last flush.

        Returns:
            False if the store has lost its memory since (restarted empty, flushed): what is known should be recorded
            again. True otherwise.

        Raises:
            StoreUnavailable: As for `firings`; the records stay here for the next flush.
        """
        ...


# --- the cluster ----------------------------------------------------------------------------------------------------


class Cluster(Protocol):
    """The API server. Each request times out after 5 s and is not repeated in here.

    Every method that awaits may raise ClusterUnavailable (no answer, 5xx), Throttled (429) or Refused (403).
    """

    async def ping(self) -> datetime | None:
        """Return if the API server answers this node with what stands in etcd now; costs it next to nothing.

        Returns:
            The API server's own time, aware UTC, rounded down to a second; None if it does not tell.
        """
        ...

    async def open_connections(self, count: int) -> None:
        """Have so many connections open for the next seconds. A help and nothing else: it never fails."""
        ...

    async def read(self, key: Key) -> CronJob | None:
        """The object as it stands in etcd now; None if there is none."""
        ...

    async def versions(self) -> Mapping[Key, tuple[str, str]]:
        """UID and resourceVersion of every object in scope, without bodies."""
        ...

    async def extent(self) -> Extent:
        """How many objects there are in scope, and how far the API server has come; costs it next to nothing."""
        ...

    async def list_jobs(self, cron_job: CronJob) -> tuple[Job, ...]:
        """This object's Jobs as they stand in etcd now (by label)."""
        ...

    async def create_job(self, manifest: Mapping[str, Any]) -> CreateResult:
        """Create a Job. An existing one of that name is read and returned, not an error.

        Raises:
            NamespaceTerminating: The namespace is being deleted.
            Conflict: There was one of that name, and it is gone: look again what has become of the firing.
        """
        ...

    async def check_job(self, manifest: Mapping[str, Any]) -> str | None:
        """Strict server-side dry run of a create: the API server's objection, or None if it would take it."""
        ...

    async def delete_job(self, job: Job) -> bool:
        """Delete exactly this Job (its UID is a precondition), its pods in the background; False if it was gone."""
        ...

    async def write_status(self, cron_job: CronJob, status: Mapping[str, Any]) -> CronJob:
        """Merge fields into the status, only if the object is still at `cron_job.resource_version`.

        Args:
            status: JSON merge patch of `.status`: None removes a field.

        Returns:
            The object after the write.

        Raises:
            Conflict: It has changed since, or is gone; nothing was written.
        """
        ...

    def post(self, event: Event) -> None:
        """Publish an Event, some time soon. Never waits; an overflow drops the oldest and is counted."""
        ...


# --- numbers --------------------------------------------------------------------------------------------------------


class Recorder(Protocol):
    """Counters and histograms. One object for each replica, no globals: replicas share a process in simulation."""

    def outcome(self, reason: Reason, lateness: timedelta) -> None:
        """One due instant has ended; `lateness` is from the instant until then."""
        ...

    def request(self, target: str, verb: str, seconds: float, *, error: str | None) -> None:
        """One request to `api` or `redis` has ended; `error` is a class of failure, None if it went well."""
        ...

    def reconciled(self, seconds: float, *, error: str | None) -> None:
        """One look at one key has ended."""
        ...

    def queue(self, *, waiting: int, overdue: int) -> None:
        """Depth of the work queue: keys with a time set, and keys whose time has come and who wait for a place."""
        ...

    def ring(self, *, members: int, keys_owned: int, state: str) -> None:
        """The ring as this node sees it now."""
        ...

    def objects(self, *, not_ready: int, blocked: int) -> None:
        """How many of the objects whose keys this node owns say that they are not Ready, or Blocked."""
        ...

    def loop_lag(self, seconds: float) -> None:
        """How much later than asked a timer of the event loop fired."""
        ...

    def clock_skew(self, clock: str, seconds: float) -> None:
        """How far a clock (`system`, `redis` or `api`) is ahead of the time that is believed."""
        ...
