"""One replica without its adapters: lister, node pool, queue and reconciler, wired and run in order.

The composition root `app` gives it the real world, a simulation gives it a made one; what runs is the same. It starts
in the order of PROTOCOL (lists complete, queue running, then announce) and stops in the reverse (leave the ring and
go on for one update interval, stop deciding, finish what is under way).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller import concurrency
from controller.announcer import Announcer
from controller.apipulse import ApiPulse
from controller.archive import Archive
from controller.comparison import Comparison
from controller.executor import Executor
from controller.jobs import Job
from controller.lister import CronJobLister, JobLister
from controller.messages import Member
from controller.nodepool import NodePool, Ours
from controller.ports import Clock, Cluster, Driver, RecentJobStore, Recorder
from controller.reconciler import Reconciler
from controller.replicasettings import ReplicaSettings
from controller.report import Report
from controller.sounding import Sounding
from controller.spec import CronJob, Key
from controller.tenure import Tenure
from controller.timekeeper import Timekeeper
from controller.turns import Turn
from controller.watchdog import Watchdog
from controller.workqueue import WorkQueue

AFTER_JOB_NEWS = timedelta(seconds=1)
"""What a Job's end changes in the status is written with whatever else happens within this time."""
RETRY = timedelta(seconds=1)
"""Between tries of the first list."""


@dataclass(kw_only=True)
class _Progress:
    """How far the start has come."""

    jobs_listed: asyncio.Event = field(default_factory=asyncio.Event)
    objects_listed: asyncio.Event = field(default_factory=asyncio.Event)


class Replica:
    """One replica over five ports."""

    def __init__(
        self,
        settings: ReplicaSettings,
        *,
        clock: Clock,
        driver: Driver,
        store: RecentJobStore,
        cluster: Cluster,
        recorder: Recorder,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._started_at = clock.now()
        self._progress = _Progress()
        self._tenure = Tenure()
        timekeeper = Timekeeper(clock, recorder)
        self._pulse = ApiPulse(cluster, clock, timekeeper, every=settings.update)
        self.cron_jobs = CronJobLister()
        self.jobs = JobLister()
        self.queue = WorkQueue(
            self._look, clock=clock, recorder=recorder, places=lambda: concurrency.places(self._pulse.quickest)
        )
        self.node_pool = NodePool(
            driver=driver,
            clock=clock,
            timekeeper=timekeeper,
            announce=self._announce,
            update=settings.update,
            ttl=settings.ttl,
            hash_replicas=settings.hash_replicas,
            changed=self._ring_changed,
        )
        self._report = Report(
            clock=clock, recorder=recorder, queue=self.queue, node_pool=self.node_pool, cron_jobs=self.cron_jobs
        )
        announcer = Announcer(cluster=cluster, recorder=recorder, clock=clock, node=settings.node)
        executor = Executor(
            cron_jobs=self.cron_jobs,
            jobs=self.jobs,
            cluster=cluster,
            store=store,
            announcer=announcer,
            clock=clock,
            node=settings.node,
        )
        owns = self.node_pool.owns
        self._archive = Archive(
            store=store, cron_jobs=self.cron_jobs, jobs=self.jobs, owns=owns, clock=clock, node=settings.node
        )
        self._sounding = Sounding(
            cron_jobs=self.cron_jobs, queue=self.queue, owns=owns, executor=executor, cluster=cluster, clock=clock
        )
        self.watchdog = Watchdog()
        self._comparison = Comparison(
            cluster=cluster,
            cron_jobs=self.cron_jobs,
            clock=clock,
            watchdog=self.watchdog,
            seen=self._cron_job_read,
            gone=self.cron_job_gone,
        )
        self._reconciler = Reconciler(
            cron_jobs=self.cron_jobs,
            jobs=self.jobs,
            node_pool=self.node_pool,
            executor=executor,
            store=store,
            clock=clock,
            node=settings.node,
            late=settings.late,
            minimum_interval=settings.minimum_interval,
        )

    # Running.

    async def run(self) -> None:
        """Run until cancelled, or until `stop` has finished."""
        await self._lists_complete()
        await self._pulse.ask()  # the first beat says whether the API server answers
        async with asyncio.TaskGroup() as tasks:
            queue = tasks.create_task(self.queue.run(), name="queue")
            others = [
                tasks.create_task(loop, name=name)
                for name, loop in {
                    "node pool": self.node_pool.run(),
                    "API server": self._pulse.run(),
                    "records": self._archive.run(),
                    "comparison": self._comparison.run(),
                    "sounding": self._sounding.run(),
                    "report": self._report.run(),
                }.items()
            ]
            await queue
            for task in others:
                task.cancel()
        await self._archive.flush()

    async def stop(self) -> None:
        """Leave the ring, go on for one update interval, then take up nothing more; `run` ends when all is finished."""
        await self.node_pool.leave()
        self.queue.stop()

    def pause(self) -> None:
        """Create no Job from now on, beyond those whose requests are under way; what is due stays open."""
        self._reconciler.paused = True

    def resume(self) -> None:
        """Go on: each key that this node owns or stands in for is looked at, since time alone has woken none."""
        if self.paused:
            self._reconciler.paused = False
            self._tenure.begin_anew()
            self._ring_changed()

    @property
    def paused(self) -> bool:
        """Whether everything is paused."""
        return self._reconciler.paused

    @property
    def listed(self) -> bool:
        """Whether the objects and Jobs are all known: the replica may join the ring."""
        return self._progress.jobs_listed.is_set() and self._progress.objects_listed.is_set()

    async def until_listed(self) -> None:
        """Return once it is so."""
        await self._progress.jobs_listed.wait()
        await self._progress.objects_listed.wait()

    @property
    def api_answers(self) -> bool:
        """Whether the API server has answered this node lately."""
        return self._pulse.answers

    # Intake.

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """The watch shows an object."""
        self.cron_jobs.watch_came_to(cron_job.resource_version)
        if self._serves(cron_job) and self.cron_jobs.see(cron_job):
            self._news_of(cron_job)

    def _cron_job_read(self, cron_job: CronJob) -> bool:
        """The comparison has read an object that the watch does not show."""
        if not self._serves(cron_job):
            return False
        seen = self.cron_jobs.see(cron_job)
        if (known := self.cron_jobs.get(cron_job.key)) is not None:
            self._news_of(known)
        return seen

    def _serves(self, cron_job: CronJob) -> bool:
        """Whether the object belongs to this installation; one that does not is left alone."""
        ours = cron_job.spec.controller_name == self._settings.controller_name
        if not ours:
            self.cron_jobs.leave_alone(cron_job.key, cron_job.uid, cron_job.resource_version)
        return ours

    def cron_job_gone(self, key: Key, uid: str) -> None:
        """An object has been deleted."""
        self.cron_jobs.forget(key, uid)
        self._reconciler.forget(uid)
        if self.cron_jobs.get(key) is None:
            self._tenure.forget(key)
            self.queue.discard(key)

    def jobs_listed(self, jobs: Iterable[Job]) -> None:
        """All our Jobs, from a list: at the start and whenever the watch had to begin anew."""
        for job in self.jobs.relist(jobs, elapsed=self._clock.elapsed()):
            self._job_news(job)
        self._progress.jobs_listed.set()

    def job_seen(self, job: Job) -> None:
        """The watch shows a Job."""
        if self.jobs.is_new(job) and job.fired_by != self._settings.node:
            self.queue.others_fire()
        if self.jobs.see(job, elapsed=self._clock.elapsed()):
            self._job_news(job)

    def cron_job_unreadable(self, key: Key, uid: str, resource_version: str) -> None:
        """The watch shows an object that this version cannot read: it is left alone."""
        self.cron_jobs.watch_came_to(resource_version)
        self.cron_jobs.leave_alone(key, uid, resource_version)

    def _job_news(self, job: Job) -> None:
        key = self.cron_jobs.key_of(job.owner_uid)
        cron_job = None if key is None else self.cron_jobs.get(key)
        if cron_job is not None and not job.active:
            # Where Jobs have to claim their places, another firing may wait for this one. Where failures suspend the
            # object, none must fire before they are told.
            waited_for = cron_job.spec.claims or cron_job.spec.suspend_after_failures is not None
            self._news_of(cron_job, self._clock.now() + AFTER_JOB_NEWS, books=not waited_for)

    def _news_of(self, cron_job: CronJob, at: datetime | None = None, *, books: bool = False) -> None:
        """Have an object looked at. Not while another node looks after it: a change of the ring brings it back."""
        if self._reconciler.concerns(cron_job):
            self.queue.add(cron_job.key, at, books=books)
        else:
            self._tenure.forget(cron_job.key)
            self._reconciler.forget_recalled(cron_job.uid)
            self.queue.discard(cron_job.key)

    async def _look(self, key: Key) -> Turn | None:
        try:
            return await self._reconciler.reconcile(key)
        finally:
            if (cron_job := self.cron_jobs.get(key)) is not None:
                ownership = self.node_pool.ownership(key)
                self._tenure.looked(key, ownership)
                if not isinstance(ownership, Ours):  # another node may fire it, or may have
                    self._reconciler.forget_recalled(cron_job.uid)

    # The ring.

    def _announce(self) -> Member:
        return Member(
            node=self._settings.node,
            nonce=self._settings.nonce,
            started_at=self._started_at,
            protocol=self._settings.protocol,
            tzdata=self._settings.tzdata,
            api_ok=self.api_answers,
        )

    def _ring_changed(self) -> None:
        """Any key may be ours now: each that is, and was not when it was looked at last, is looked at.

        What has been recalled of a key that is ours on every ring still holds; so its firings do not wait for Redis.
        """
        for cron_job in self.cron_jobs:
            if not self.node_pool.owns(cron_job.key):
                self._reconciler.forget_recalled(cron_job.uid)
            if self._tenure.is_to_look(cron_job.key, self.node_pool.ownership(cron_job.key)):
                self.queue.add(cron_job.key)
        self._report.ring()

    # Loops.

    async def _lists_complete(self) -> None:
        """Return when the watches have shown all that existed when the replica started."""
        await self._progress.jobs_listed.wait()
        while not await self._comparison.all_shown():
            await self._clock.sleep(RETRY)
        self._progress.objects_listed.set()
