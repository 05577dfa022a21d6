"""One replica without its adapters: lister, node pool, queue and reconciler, wired and run in order.

The composition root `app` gives it the real world, a simulation gives it a made one; what runs is the same. It starts
in the order of PROTOCOL (lists complete, queue running, then announce) and stops in the reverse (leave the ring and
go on for one update interval, stop deciding, finish what is under way).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller import status
from controller.announcer import Announcer
from controller.errors import StoreUnavailable, TransientError
from controller.executor import Executor
from controller.jobs import Job
from controller.lister import CronJobLister, JobLister
from controller.nodepool import NodePool, Theirs
from controller.outcomes import Reason
from controller.ports import Clock, Cluster, Driver, FiringRecord, Member, RecentJobStore, Recorder
from controller.reconciler import Reconciler
from controller.spec import DEFAULT_CONTROLLER_NAME, CronJob, Key
from controller.workqueue import WorkQueue

logger = logging.getLogger(__name__)

AFTER_JOB_NEWS = timedelta(seconds=1)
"""What a Job's end changes in the status is written with whatever else happens within this time."""
FLUSH_EVERY = timedelta(milliseconds=500)
"""How often records leave for the recent-job store."""
COMPARE_EVERY = timedelta(seconds=30)
"""How often the objects seen are held against the API server's list: finds what a relist or a stalled watch hides."""
WATCH_LAG = timedelta(seconds=2)
"""What a healthy watch shows within this time after a list has it."""
REPORT_EVERY = timedelta(seconds=1)
"""How often the depth of the queue and the lag of the loop are told."""
REPORT_RING_EVERY = timedelta(seconds=15)
"""How often the share of the keys is counted anew: it costs a hash for each key."""
RETRY = timedelta(seconds=1)
"""Between tries of the first list."""
GLANCE = timedelta(milliseconds=50)
"""How often the start looks whether the watch has shown everything."""
API_ANSWER = timedelta(seconds=3)
"""A node is capable if the API server answered it within this time (PROTOCOL, beat)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """What a replica is told about itself.

    Attributes:
        node: Its name.
        nonce: Random, one for each process.
        late: For so long after its instant a firing is only late.
    """

    node: str
    nonce: str
    protocol: str
    tzdata: str
    hash_replicas: int
    controller_name: str = DEFAULT_CONTROLLER_NAME
    update: timedelta = timedelta(seconds=1)
    ttl: timedelta = timedelta(seconds=5)
    late: timedelta = timedelta(seconds=10)


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
        self._store = store
        self._cluster = cluster
        self._recorder = recorder
        self._started_at = clock.now()
        self._progress = _Progress()
        self._api_answered_at: timedelta | None = None
        self._ring_reported_at = clock.elapsed()
        self._others: dict[Key, tuple[str, int]] = {}
        self.cron_jobs = CronJobLister()
        self.jobs = JobLister()
        self.queue = WorkQueue(self._look, clock=clock, recorder=recorder)
        self.node_pool = NodePool(
            driver=driver,
            clock=clock,
            announce=self._announce,
            update=settings.update,
            ttl=settings.ttl,
            hash_replicas=settings.hash_replicas,
            changed=self._ring_changed,
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
        self._reconciler = Reconciler(
            cron_jobs=self.cron_jobs,
            jobs=self.jobs,
            node_pool=self.node_pool,
            executor=executor,
            store=store,
            clock=clock,
            node=settings.node,
            late=settings.late,
        )

    # Running.

    async def run(self) -> None:
        """Run until cancelled, or until `stop` has finished."""
        await self._lists_complete()
        async with asyncio.TaskGroup() as tasks:
            queue = tasks.create_task(self.queue.run(), name="queue")
            others = [
                tasks.create_task(loop, name=name)
                for name, loop in {
                    "node pool": self.node_pool.run(),
                    "ping": self._ping(),
                    "records": self._flush_records(),
                    "comparison": self._compare_lists(),
                    "report": self._report(),
                }.items()
            ]
            await queue
            for task in others:
                task.cancel()
        await self._flush_once()

    async def stop(self) -> None:
        """Leave the ring, go on for one update interval, then take up nothing more; `run` ends when all is finished."""
        await self.node_pool.leave()
        self.queue.stop()

    @property
    def listed(self) -> bool:
        """Whether the objects and Jobs are all known: the replica may join the ring."""
        return self._progress.jobs_listed.is_set() and self._progress.objects_listed.is_set()

    @property
    def api_answers(self) -> bool:
        """Whether the API server has answered this node lately."""
        answered = self._api_answered_at
        return answered is not None and self._clock.elapsed() - answered <= API_ANSWER

    # Intake.

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """The watch shows an object."""
        if cron_job.spec.controller_name != self._settings.controller_name:
            self.cron_job_unreadable(cron_job.key, cron_job.uid, cron_job.resource_version)
            return
        self._others.pop(cron_job.key, None)
        if self.cron_jobs.watched(cron_job):
            self.queue.add(cron_job.key)

    def cron_job_gone(self, key: Key, uid: str) -> None:
        """An object has been deleted."""
        self.cron_jobs.forget(key, uid)
        self._reconciler.forget(uid)
        if self.cron_jobs.get(key) is None:
            self.queue.discard(key)

    def jobs_listed(self, jobs: Iterable[Job]) -> None:
        """All our Jobs, from a list: at the start and whenever the watch had to begin anew."""
        for job in self.jobs.relist(jobs, elapsed=self._clock.elapsed()):
            self._job_news(job)
        self._progress.jobs_listed.set()

    def job_seen(self, job: Job) -> None:
        """The watch shows a Job."""
        if self.jobs.see(job, elapsed=self._clock.elapsed()):
            self._job_news(job)

    def cron_job_unreadable(self, key: Key, uid: str, resource_version: str) -> None:
        """An object that this version cannot read, or that belongs to another installation: it is left alone."""
        self._others[key] = (uid, int(resource_version))

    def _job_news(self, job: Job) -> None:
        key = self.cron_jobs.key_of(job.owner_uid)
        if key is not None and not job.active:
            self.queue.add(key, self._clock.now() + AFTER_JOB_NEWS)

    async def _look(self, key: Key) -> datetime | None:
        return await self._reconciler.reconcile(key)

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
        """Any key may be ours now: each is looked at, and what other nodes recorded is read again."""
        self._reconciler.forget_recalled()
        for cron_job in self.cron_jobs:
            if not isinstance(self.node_pool.ownership(cron_job.key), Theirs):
                self.queue.add(cron_job.key)
        self._report_ring()

    # Loops.

    async def _lists_complete(self) -> None:
        """Return when the watches have shown all that existed when the replica started."""
        await self._progress.jobs_listed.wait()
        while not await self._objects_shown():
            await self._clock.sleep(RETRY)
        self._progress.objects_listed.set()

    async def _objects_shown(self) -> bool:
        """Whether the watch shows, soon after, all that is listed now.

        If not, the list is taken anew: an object that was deleted since is one that the watch will never show.
        """
        try:
            versions = await self._cluster.versions()
        except TransientError as error:
            logger.warning("cannot list the objects yet", extra={"reason": str(error)})
            return False
        self._answered()
        until = self._clock.elapsed() + WATCH_LAG
        while any(self._is_behind(key, *version) for key, version in versions.items()):
            if self._clock.elapsed() >= until:
                return False
            await self._clock.sleep(GLANCE)
        return True

    async def _ping(self) -> None:
        """Know whether the API server answers this node, also when nothing is due."""
        while True:
            try:
                await self._cluster.ping()
            except TransientError as error:
                logger.debug("the API server does not answer", extra={"reason": str(error)})
            else:
                self._answered()
            await self._clock.sleep(self._settings.update)

    async def _flush_records(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_EVERY)
            await self._flush_once()

    async def _flush_once(self) -> None:
        """Send records off. A store that has lost its memory is told what Jobs and statuses still show."""
        try:
            if not await self._store.flush():
                for record in self._known_firings():
                    self._store.record(record)
                await self._store.flush()
        except StoreUnavailable as error:
            logger.debug("records wait", extra={"reason": str(error)})

    def _known_firings(self) -> Iterable[FiringRecord]:
        """Firings of the keys that this node owns, as far as Jobs and statuses tell of them."""
        for cron_job in self.cron_jobs:
            if not self.node_pool.owns(cron_job.key):
                continue
            told = {outcome.scheduled_at: (outcome.reason, outcome.job) for outcome in status.parse(cron_job).recent}
            for job in self.jobs.of(cron_job.uid):
                if job.scheduled_at is not None and job.controlled_by == cron_job.uid:
                    told[job.scheduled_at] = (Reason.CREATED, job.name)
            for instant, (reason, name) in sorted(told.items()):
                yield self._told(cron_job, instant, reason, name)

    def _told(self, cron_job: CronJob, instant: datetime, reason: Reason, job: str | None) -> FiringRecord:
        created = next((seen for seen in self.jobs.of(cron_job.uid) if seen.name == job), None)
        lateness = (created.created_at - instant).total_seconds() if created is not None else 0.0
        return FiringRecord(
            uid=cron_job.uid,
            key=cron_job.key,
            scheduled_at=instant,
            outcome=reason,
            node=self._settings.node,
            job=job,
            lateness_seconds=max(0.0, lateness),
            recorded_at=self._clock.now(),
        )

    async def _compare_lists(self) -> None:
        while True:
            await self._clock.sleep(COMPARE_EVERY)
            try:
                await self._compare_once()
            except TransientError as error:
                logger.debug("could not compare the lists", extra={"reason": str(error)})

    async def _compare_once(self) -> None:
        """Read again what the watch does not show as the API server lists it: gone in a relist, or stalled."""
        known = {cron_job.key: cron_job for cron_job in self.cron_jobs}
        versions = await self._cluster.versions()
        self._answered()
        await self._clock.sleep(WATCH_LAG)
        behind = [key for key, version in versions.items() if self._is_behind(key, *version)]
        missing = [key for key, cron_job in known.items() if versions.get(key, ("",))[0] != cron_job.uid]
        unseen = [key for key in sorted({*behind, *missing}) if await self._read(key)]
        if unseen:
            logger.warning("the watch of the objects is behind", extra={"count": len(unseen), "key": str(unseen[0])})

    async def _read(self, key: Key) -> bool:
        """Read an object; False if it stands as the watch has shown it meanwhile."""
        known = self.cron_jobs.get(key)
        current = await self._cluster.read(key)
        ended = known is not None and (current is None or current.uid != known.uid)
        unseen = ended and self.cron_jobs.get(key) == known
        if known is not None and ended:
            self.cron_job_gone(key, known.uid)
        if current is not None and current.spec.controller_name == self._settings.controller_name:
            unseen = self.cron_jobs.see(current) or unseen
            self.queue.add(key)
        return unseen

    def _is_behind(self, key: Key, uid: str, resource_version: str) -> bool:
        other_uid, other_version = self._others.get(key, ("", 0))
        if other_uid == uid and other_version >= int(resource_version):
            return False
        return self.cron_jobs.is_behind(key, uid, resource_version)

    async def _report(self) -> None:
        while True:
            asked_at = self._clock.elapsed()
            await self._clock.sleep(REPORT_EVERY)
            self._recorder.loop_lag((self._clock.elapsed() - asked_at - REPORT_EVERY).total_seconds())
            self.queue.report()
            if self._clock.elapsed() - self._ring_reported_at >= REPORT_RING_EVERY:
                self._report_ring()

    def _report_ring(self) -> None:
        self._ring_reported_at = self._clock.elapsed()
        owned = sum(self.node_pool.owns(cron_job.key) for cron_job in self.cron_jobs)
        pool = self.node_pool
        self._recorder.ring(members=len(pool.nodes), keys_owned=owned, state=pool.state.value)

    def _answered(self) -> None:
        self._api_answered_at = self._clock.elapsed()
