"""The recent-job store kept up to date: records leave in batches, and a store that lost its memory is told again.

What is told again comes from the Jobs and statuses of the keys that this node owns; it is a help for the next
take-over, never the proof that something fired. `replica` runs it beside the queue; nothing waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from controller import statusbody
from controller.errors import StoreUnavailable
from controller.lister import CronJobLister, JobLister
from controller.messages import FiringRecord
from controller.outcomes import Reason, Trigger
from controller.ports import Clock, RecentJobStore
from controller.spec import CronJob, Key

logger = logging.getLogger(__name__)

FLUSH_EVERY = timedelta(milliseconds=500)
"""How often records leave for the recent-job store."""


class Archive:
    """Sends the records of one node to the store.

    Args:
        store: Where they go.
        cron_jobs: The objects last seen.
        jobs: The Jobs last seen.
        owns: Whether this node owns a key.
        clock: The time.
        node: The name of this node.
    """

    def __init__(
        self,
        *,
        store: RecentJobStore,
        cron_jobs: CronJobLister,
        jobs: JobLister,
        owns: Callable[[Key], bool],
        clock: Clock,
        node: str,
    ) -> None:
        self._store = store
        self._cron_jobs = cron_jobs
        self._jobs = jobs
        self._owns = owns
        self._clock = clock
        self._node = node

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            await self._clock.sleep(FLUSH_EVERY)
            await self.flush()

    async def flush(self) -> None:
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
        for cron_job in self._cron_jobs:
            if not self._owns(cron_job.key):
                continue
            recent = statusbody.parse(cron_job).recent
            told = {one.scheduled_at: (one.reason, one.job, one.trigger) for one in recent if one.trigger.of_schedule}
            for job in self._jobs.of(cron_job.uid):
                manual = job.trigger is Trigger.MANUAL  # it stands for no instant, and its Job is there to tell of it
                if job.scheduled_at is not None and job.controlled_by == cron_job.uid and not manual:
                    told[job.scheduled_at] = (Reason.CREATED, job.name, job.trigger)
            for instant, (reason, name, trigger) in sorted(told.items()):
                yield self._told(cron_job, instant, reason, name, trigger)

    def _told(
        self, cron_job: CronJob, instant: datetime, reason: Reason, job: str | None, trigger: Trigger
    ) -> FiringRecord:
        created = next((seen for seen in self._jobs.of(cron_job.uid) if seen.name == job), None)
        lateness = timedelta(0) if created is None else cron_job.lateness(instant, trigger, created.created_at)
        return FiringRecord(
            uid=cron_job.uid,
            key=cron_job.key,
            scheduled_at=instant,
            outcome=reason,
            trigger=trigger,
            node=self._node,
            job=job,
            lateness_seconds=lateness.total_seconds(),
            recorded_at=self._clock.now(),
        )
