"""The sentence that the project is: what happens when a key is due.

A `DistributedCronJob` has a schedule; its key has an owning node on the ring; the owning node decides what the schedule
asks for now; it creates one Job under the firing's name; it records the firing; it says when to look again.

Nothing is remembered here that matters: a crash at any await is closed by whoever looks next. `workqueue` calls it,
`decision` says what to do, by way of `preparation`, and `executor` does it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import assert_never

from controller import books
from controller import status as statuses
from controller.contention import Contention
from controller.errors import NamespaceTerminating, TransientError
from controller.executor import ONE_LOOK, Executor
from controller.insight import Insight, Insights
from controller.lister import FRESH, CronJobLister, JobLister
from controller.nodepool import NodePool, Ours, Theirs, Unsure
from controller.observation import Observed, Stance
from controller.ports import Clock, RecentJobStore
from controller.preparation import Preparation
from controller.readings import Readings
from controller.recollections import Recollections
from controller.spec import CronJob, Key
from controller.status import Status
from controller.steps import Check, Create, Delete, Look, Recall, Wait, Write
from controller.turns import Turn

ASK_AGAIN = timedelta(milliseconds=100)
"""After a pause of the process: the next beat tells whose the key is."""
BREATH = timedelta(milliseconds=10)
"""A look that takes very many steps lets other keys have its place in between."""
STEPS = 50
"""Most steps of one look."""
SILENCE = timedelta(minutes=1)
"""How long an object of a terminating namespace rests: it goes soon, and nothing can be created there."""


class Reconciler:
    """Looks at one key at a time, for the work queue.

    Args:
        cron_jobs: The objects last seen.
        jobs: The Jobs last seen.
        node_pool: Whose a key is.
        executor: Carries out steps.
        store: Asked, after a change of the ring, for what other nodes recorded.
        clock: The time.
        node: The name of this node.
        late: For so long after its instant a firing is only late.
        minimum_interval: The least that is allowed between two instants of a schedule.

    Attributes:
        paused: Everything is paused: no Job is created.
    """

    def __init__(
        self,
        *,
        cron_jobs: CronJobLister,
        jobs: JobLister,
        node_pool: NodePool,
        executor: Executor,
        store: RecentJobStore,
        clock: Clock,
        node: str,
        late: timedelta,
        minimum_interval: timedelta = timedelta(0),
    ) -> None:
        self._cron_jobs = cron_jobs
        self._jobs = jobs
        self._node_pool = node_pool
        self._executor = executor
        self._clock = clock
        self._node = node
        self._late = late
        self.paused = False
        self._recollections = Recollections(store)
        self._contention = Contention(executor.attempts, clock)
        self._insights = Insights()
        self._readings = Readings()
        self._preparation = Preparation(minimum_interval)

    async def reconcile(self, key: Key) -> Turn | None:
        """Do what an object's schedule asks for now.

        Returns:
            When to look again; None: when something changes.

        Raises:
            TransientError: The world did not go along; the queue tries again.
        """
        met: set[str] = set()
        try:
            return await self._go_on(key, met)
        finally:
            for uid in met:
                if self._cron_jobs.key_of(uid) is None:  # what this look has noted of it came after its end
                    self.forget(uid)

    async def _go_on(self, key: Key, met: set[str]) -> Turn | None:
        insight: Insight | None = None
        written = created = False
        for _ in range(STEPS):
            cron_job = self._cron_jobs.get(key)
            if cron_job is None:
                return None
            if insight is None or not insight.is_of(cron_job):
                insight = self._insights.begin(cron_job, self._clock.elapsed())
                met.add(cron_job.uid)
            stance = self._stance(cron_job)
            if stance is None:
                return None
            if isinstance(stance, Unsure):
                return self._again_in(ASK_AGAIN)
            observe = partial(self._observe, cron_job, insight)
            step = self._preparation.next_step(cron_job, stance, self._clock.now(), observe)
            if isinstance(step, Wait):
                return _turn_of(step)
            if created and isinstance(step, Write) and (turn := self._instead_of(cron_job, step)) is not None:
                self._insights.leave(insight)
                return turn
            try:
                did = await self._carry_out(cron_job, step, insight)
            except NamespaceTerminating:
                return Turn(at=self._clock.now() + SILENCE)
            except TransientError as error:
                error.after_progress = error.after_progress or written
                self._insights.leave(insight)
                raise
            written = did or written
            if isinstance(step, Create) and did:
                created = True
                if (turn := self._after_create(cron_job, step)) is not None:
                    return turn
        return self._again_in(BREATH)

    def _again_in(self, pause: timedelta) -> Turn:
        at = self._clock.now() + pause
        return Turn(at=at, presses_at=at)

    def _after_create(self, cron_job: CronJob, create: Create) -> Turn | None:
        """The turn in which what was created is told, if nothing else may be to do first."""
        jobs, tried = self._jobs.of(cron_job.uid), self._executor.attempts.turned_down(cron_job.uid)
        return books.after_create(cron_job, self._readings.of(cron_job), create, jobs, tried)

    def _instead_of(self, cron_job: CronJob, write: Write) -> Turn | None:
        """The turn of a write that nobody waits for."""
        tried = self._executor.attempts.turned_down(cron_job.uid)
        return books.instead_of(cron_job, write, tried)

    def concerns(self, cron_job: CronJob) -> bool:
        """Whether this node has to do with an object at this moment: else a look at it would find nothing to do."""
        return self._stance(cron_job) is not None

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._recollections.forget(uid)
        self._contention.forget(uid)
        self._insights.forget(uid)
        self._readings.forget(uid)
        self._preparation.forget(uid)
        self._executor.forget(uid)

    def forget_recalled(self, uid: str) -> None:
        """Another node owns the object now: what it records is read before this node creates a Job of it again."""
        self._recollections.forget(uid)
        self._preparation.forget(uid)

    def _stance(self, cron_job: CronJob) -> Stance | Unsure | None:
        """How this node stands to an object; None: another node looks after it, and nothing is left to do here."""
        match self._node_pool.ownership(cron_job.key):
            case Unsure() as unsure:
                return unsure
            case Theirs():
                leaving = Stance(node=self._node, late=self._late, leaving=True, paused=self.paused)
                return leaving if self._is_filling(cron_job) else None
            case Ours(delay=delay):
                serves = cron_job.status.get("owner") == self._node
                delay = timedelta(0) if serves else delay
                return Stance(node=self._node, late=self._late, delay=delay, paused=self.paused)
            case never:
                assert_never(never)

    def _observe(self, cron_job: CronJob, insight: Insight) -> Observed:
        status = self._readings.of(cron_job)
        return Observed(
            status=status,
            jobs=self._jobs.of(cron_job.uid),
            recalled=self._recollections.of(cron_job.uid),
            attempts=self._executor.attempts.turned_down(cron_job.uid),
            checked=insight.checked,
            complete=insight.listed_at == cron_job.resource_version,
            fill_at=self._contention.fill_at(cron_job.uid, status),
            kept_until=self._contention.kept_until(cron_job.uid, status),
        )

    def _is_filling(self, cron_job: CronJob) -> bool:
        """Whether a slot that this node has claimed has no Job yet: it goes on, whoever owns the key by now."""
        if not (claims := self._executor.attempts.claims(cron_job.uid)):
            return False
        seen = {job.name for job in self._jobs.of(cron_job.uid)}
        return not (claims.keys() - seen).isdisjoint(slot.name for slot in self._readings.of(cron_job).active)

    async def _carry_out(
        self, cron_job: CronJob, step: Check | Look | Recall | Create | Delete | Write, insight: Insight
    ) -> bool:
        """Do a step; gives whether something was written by it."""
        match step:
            case Check():
                insight.checked = await self._executor.check(cron_job)
            case Look():
                await self._executor.look(cron_job)
                insight.listed_at, insight.doubted = cron_job.resource_version, False
            case Recall(after=after):
                await self._recollections.ask(cron_job.uid, after=after)
                insight.listed_at = None  # a Job that is known from the store alone may have been made after the list
            case Create():
                return await self._create(cron_job, step, insight)
            case Delete(jobs=jobs, cause=cause):
                await self._executor.delete(cron_job, jobs, cause)
                return True
            case Write() if step.given_up and insight.doubted:  # first it is seen whether its Job was made after all
                return await self._carry_out(cron_job, Look(), insight)
            case Write():
                return await self._write(cron_job, step, insight) is not None
            case never:
                assert_never(never)
        return False

    async def _write(self, cron_job: CronJob, step: Write, insight: Insight) -> CronJob | None:
        """Write a status; a list that was complete for the version before is so for the one written.

        Not if a slot is given up: until this write is there another node may fill it.
        """
        listed = insight.listed_at == cron_job.resource_version and not step.given_up
        sent_at = self._clock.elapsed()
        written = await self._executor.write(cron_job, step)
        insight.listed_at = written.resource_version if written is not None and listed else None
        insight.read_at = sent_at  # what was written is what is in etcd, and after a conflict it was read
        return written

    async def _create(self, cron_job: CronJob, step: Create, insight: Insight) -> bool:
        """Create Jobs, if what is known is new enough; gives whether a create was sent."""
        status = self._readings.of(cron_job)
        alone_for = self._contention.alone_for(cron_job.uid, status, step.firings)
        if alone_for is None or alone_for > timedelta(0):
            ready = await self._is_current(cron_job, insight)
            within = ONE_LOOK if alone_for is None else alone_for
            current = cron_job if ready else None
        else:
            within = timedelta(0)
            current = await self._contested(cron_job, status, insight)
        if current is None:
            return False
        doubted, insight.doubted = insight.doubted, True
        await self._executor.create(current, step, within=within)
        insight.doubted = doubted
        return True

    async def _is_current(self, cron_job: CronJob, insight: Insight) -> bool:
        """Whether what is known is new enough to create Jobs on; if not, it is brought up to date.

        Nothing is waited for between a True from here and the requests: the decision was made on the very state it
        speaks of.
        """
        elapsed = self._clock.elapsed()
        just_read = insight.read_at is not None and elapsed - insight.read_at <= FRESH
        if just_read or self._cron_jobs.is_fresh(elapsed):
            return True
        await self._executor.read(cron_job)
        insight.read_at = elapsed
        return False

    async def _contested(self, cron_job: CronJob, status: Status, insight: Insight) -> CronJob | None:
        """The object, if it is in etcd what it is here, written or read for the very next creates; None: look again.

        Another node may have filled the slot meanwhile, told of it and deleted the Job again, as under Replace, before
        any watch shows it: a create that rests on less would run the firing twice. That more than one create may be
        sent is told before, so that whoever deletes the Job lets the others arrive first.
        """
        current: CronJob | None = cron_job
        told = statuses.contest(status)
        if told == status:
            await self._executor.read(cron_job)
        else:
            current = await self._write(cron_job, Write(before=status, status=told), insight)
        return current if self._cron_jobs.get(cron_job.key) is current else None


def _turn_of(wait: Wait) -> Turn | None:
    if wait.wake_at is None:
        return None
    return Turn(at=wait.wake_at, presses_at=wait.presses_at, lost_at=wait.lost_at)
