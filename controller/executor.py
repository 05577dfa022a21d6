"""Carries out a step: the requests of one object, what they answered, and what that makes known.

Each method does one kind of step. What the API server answers goes to the listers at once, so that the next decision
rests on it; what it turns down is kept as attempts, so that the next decision knows. Nothing is decided here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any, assert_never

from controller import statusbody
from controller.announcer import Announcer
from controller.attempts import Attempts
from controller.errors import (
    ClusterUnavailable,
    Conflict,
    DcronError,
    NamespaceTerminating,
    Refused,
    Throttled,
    TransientError,
)
from controller.jobs import Firing, Job, manifest
from controller.lister import CronJobLister, JobLister
from controller.messages import FiringRecord, JobCreated, JobExists, JobRejected
from controller.names import name_for
from controller.observation import Checked
from controller.outcomes import Outcome, Reason, Trigger
from controller.ports import Clock, Cluster, RecentJobStore
from controller.spec import CronJob
from controller.steps import Cause, Create, Write

logger = logging.getLogger(__name__)

ONE_LOOK = timedelta(seconds=1)
"""So long the Jobs of one decision are created; then the object is looked at again."""
ABREAST = 4
"""Most creates of one object that are on their way at a time. One by one, a row of ten slots of an each-second object
took 2.5 s behind a network of 0.15 s one way, and the youngest came later than its bound (simulated, seed 502006)."""
CROWDED = 20
"""When so many creates are on their way, each object sends one at a time: 64 looks share 100 connections."""


class Executor:
    """Does what decisions ask for, for the reconciler of one node.

    Args:
        cron_jobs: Told of the objects that answers hold.
        jobs: Told of the Jobs that answers hold.
        cluster: The API server.
        store: Where firings are recorded.
        announcer: Tells people.
        clock: The time.
        node: The name of this node.

    Attributes:
        attempts: What was tried and is not over yet.
    """

    def __init__(
        self,
        *,
        cron_jobs: CronJobLister,
        jobs: JobLister,
        cluster: Cluster,
        store: RecentJobStore,
        announcer: Announcer,
        clock: Clock,
        node: str,
    ) -> None:
        self._cron_jobs = cron_jobs
        self._jobs = jobs
        self._cluster = cluster
        self._store = store
        self._announcer = announcer
        self._clock = clock
        self._node = node
        self._creating = 0
        self.attempts = Attempts()

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self.attempts.forget(uid)
        self._announcer.forget(uid)

    async def check(self, cron_job: CronJob) -> Checked:
        """Show the Job of the present template to the API server.

        An answer that says nothing of the template (a quota, an outage) is no objection: the firing itself will tell.
        """
        instant = cron_job.created_at.replace(microsecond=0)
        firing = Firing(name=name_for(cron_job, instant), scheduled_at=instant, trigger=Trigger.SCHEDULE)
        try:
            body = manifest(cron_job, firing, fired_by=self._node)
            return Checked(objection=await self._cluster.check_job(body))
        except TransientError as error:
            logger.debug("could not check the template", extra={"key": str(cron_job.key), "reason": str(error)})
            return Checked(objection=None)

    async def read(self, cron_job: CronJob) -> None:
        """Read the object itself; if it is gone, forget it."""
        current = await self._cluster.read(cron_job.key)
        if current is None or current.uid != cron_job.uid:
            self._cron_jobs.forget(cron_job.key, cron_job.uid)
        if current is not None:
            self._cron_jobs.see(current)

    async def look(self, cron_job: CronJob) -> None:
        """List the object's Jobs as they stand in etcd.

        If slots wait for their Jobs, the object is read after the list. A Job that is not on the list and whose slot is
        still waiting then has not been deleted: under Replace it is deleted only once the status tells of it.
        """
        asked_at = self._clock.elapsed()
        jobs = await self._cluster.list_jobs(cron_job)
        self._jobs.relist(jobs, owner_uid=cron_job.uid, elapsed=self._clock.elapsed(), asked_at=asked_at)
        if statusbody.parse(cron_job).unfilled:
            await self.read(cron_job)

    async def create(self, cron_job: CronJob, step: Create, *, within: timedelta = ONE_LOOK) -> None:
        """Create the Jobs of firings, a group at a time, as long as nothing speaks against it.

        Between two groups lies a request: what has come to be known meanwhile may speak against the next, so the rest
        is left to the next decision if the object has changed, much time or the next one's deadline has passed.

        Args:
            within: No create begins later than that after the first; zero: only the first group.
        """
        begun_at, rest, progress = self._clock.elapsed(), step.firings, False
        while rest:
            group = self._next(rest)
            ready = list(takewhile(partial(self._in_time, cron_job), group))
            self._creating += len(ready)
            try:
                requests = [partial(self._create, cron_job, one, step.bodies.get(one.name)) for one in ready]
                await _side_by_side(requests)
            except TransientError as error:
                error.after_progress = error.after_progress or progress
                raise
            finally:
                self._creating -= len(ready)
            rest, progress = rest[len(group) :], True
            current = self._cron_jobs.get(cron_job.key)
            if len(ready) < len(group) or current is not cron_job or self._clock.elapsed() - begun_at >= within:
                return

    async def delete(self, cron_job: CronJob, jobs: Iterable[Job], cause: Cause) -> None:
        """Delete Jobs, side by side."""
        requests = [partial(self._delete, cron_job, job, cause) for job in jobs]
        await _side_by_side(requests)

    async def write(self, cron_job: CronJob, step: Write) -> CronJob | None:
        """Write a status by compare-and-swap; then, and only then, announce what it settles.

        The window between a create and this write is closed by the Job itself: whoever looks next meets it.

        Returns:
            The object as it was written; None if somebody else was first.
        """
        patch = statusbody.patch(step.before, step.status, cron_job, now=self._clock.now())
        sent_at = self._clock.elapsed()
        try:
            written = await self._cluster.write_status(cron_job, patch)
        except Conflict:
            await self.read(cron_job)
            return None
        self._cron_jobs.wrote(written, sent_at=sent_at)
        self.attempts.note_written(cron_job.uid, step.before, step.status, sent_at=sent_at)
        self._announcer.settled(cron_job, step)
        for outcome in step.outcomes:
            # A Job is recorded when it is created, and what becomes of a backfill stands in the status alone.
            if outcome.reason is not Reason.CREATED and outcome.trigger is not Trigger.BACKFILL:
                self._record(cron_job, outcome)
        return written

    def _next(self, firings: Sequence[Firing]) -> Sequence[Firing]:
        """Those that are created now: what is only late a few at a time, all else one by one.

        A catch-up and a backfill promise the oldest first; an instant that is only late promises nothing but haste.
        When much is on its way already, it is one by one too: there are only so many connections.
        """
        late = list(takewhile(lambda firing: firing.trigger is Trigger.SCHEDULE, firings[:ABREAST]))
        return late if late and self._creating < CROWDED else firings[:1]

    def _in_time(self, cron_job: CronJob, firing: Firing) -> bool:
        too_late = cron_job.is_too_late(firing.scheduled_at, firing.trigger, self._clock.now())
        return not (too_late and firing.trigger.of_schedule)

    # One request each.

    async def _create(self, cron_job: CronJob, firing: Firing, body: Mapping[str, Any] | None) -> None:
        try:
            result = await self._cluster.create_job(body or manifest(cron_job, firing, fired_by=self._node))
        except NamespaceTerminating:
            raise
        except Refused as error:
            self._turned_down(cron_job, firing, str(error), final=False)
            return
        except (ClusterUnavailable, Conflict):
            # A Job that was met and is gone by now counts like one of which nothing is known.
            self.attempts.note_unanswered(cron_job.uid, firing)
            raise
        match result:
            case JobCreated(job=job):
                self._created(cron_job, firing, job)
            case JobExists(job=job) if job.controlled_by == cron_job.uid:
                self._adopted(cron_job, firing, job)
            case JobExists(job=job):
                self._turned_down(cron_job, firing, f"NameCollision: a foreign Job has the name {job.name}", final=True)
            case JobRejected(message=message):
                self._turned_down(cron_job, firing, message, final=True)
            case never:
                assert_never(never)

    def _created(self, cron_job: CronJob, firing: Firing, job: Job) -> None:
        self._jobs.see(job, elapsed=self._clock.elapsed())
        self.attempts.note_created(cron_job.uid, firing)
        self._announcer.fired(cron_job, firing, job)
        outcome = Outcome(
            scheduled_at=firing.scheduled_at, reason=Reason.CREATED, job=firing.name, trigger=firing.trigger
        )
        self._record(cron_job, outcome)

    def _adopted(self, cron_job: CronJob, firing: Firing, job: Job) -> None:
        """The Job is there already: another node was first, or our own request went through unanswered."""
        if firing.name in self.attempts.unanswered(cron_job.uid) and job.fired_by == self._node:
            self._created(cron_job, firing, job)
        else:
            self._jobs.see(job, elapsed=self._clock.elapsed())

    def _turned_down(self, cron_job: CronJob, firing: Firing, message: str, *, final: bool) -> None:
        self.attempts.note_turned_down(cron_job.uid, firing, message, final=final, now=self._clock.now())

    async def _delete(self, cron_job: CronJob, job: Job, cause: Cause) -> None:
        deleted = await self._cluster.delete_job(job)
        self._jobs.gone(job, elapsed=self._clock.elapsed())
        if deleted:
            self._announcer.deleted(cron_job, job, cause)

    def _record(self, cron_job: CronJob, outcome: Outcome) -> None:
        now = self._clock.now()
        lateness = cron_job.lateness(outcome.scheduled_at, outcome.trigger, now)
        self._store.record(
            FiringRecord(
                uid=cron_job.uid,
                key=cron_job.key,
                # A manual run stands for no instant, and must not take the place of one in the store.
                scheduled_at=now if outcome.trigger is Trigger.MANUAL else outcome.scheduled_at,
                outcome=outcome.reason,
                trigger=outcome.trigger,
                node=self._node,
                job=outcome.job,
                lateness_seconds=round(lateness.total_seconds(), 3),
                recorded_at=now,
            )
        )


async def _side_by_side(requests: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Run requests together and let each of them end; then raise the weightiest of the errors, if there was one.

    A TaskGroup would cancel the others at the first error, and a create that is cancelled may have gone through. A bug
    weighs most, then the end of the namespace, then whoever asks for the longest pause.
    """
    if len(requests) == 1:
        await requests[0]()
        return
    results = await asyncio.gather(*(request() for request in requests), return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    if not failures:
        return
    weightiest = max(failures, key=_weight)
    if isinstance(weightiest, TransientError):
        weightiest.after_progress = len(failures) < len(results)
    raise weightiest


def _weight(failure: BaseException) -> tuple[bool, bool, float]:
    pause = failure.retry_after_seconds if isinstance(failure, Throttled) else 0.0
    return not isinstance(failure, DcronError), isinstance(failure, NamespaceTerminating), pause
