"""Before much is due at once: connections are opened, and one write goes out for the watch to show that it is fresh.

A connection with TLS costs the API server as much as a create; a herd's hundred are opened in the second before it.

A create rests on what the watch shows, and the watch is trusted for three seconds after it has shown a write of ours
(PROTOCOL). Where nothing was written for so long, each object that is due is read first: a thousand reads in the very
second in which a thousand Jobs are to be made. One write just before makes them needless; while the herd lasts, one
more follows from time to time, until the herd's own statuses are written. What is claimed before it fires needs none:
the claim goes through only if the object is as it is known.

What is written is true and of no consequence: `settledThrough` of an object that fires soon moves on through time in
which no instant lies. It is help and nothing else: where it fails, or nothing can be written so, the objects are read.
`replica` runs it beside the queue.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from controller import statusbody
from controller.concurrency import MOST
from controller.errors import TransientError
from controller.executor import Executor
from controller.lister import CronJobLister
from controller.ports import Clock, Cluster
from controller.spec import CronJob, Key
from controller.status import Status
from controller.steps import Write
from controller.workqueue import WorkQueue

logger = logging.getLogger(__name__)

EVERY = timedelta(milliseconds=500)
"""How often to look ahead."""
AHEAD = timedelta(seconds=1.5)
"""So long before they are due, objects are prepared for. The watch shows a write within tens of milliseconds, and 0.6 s
after it was sent where the API server is far away: then a second was too short, if half of it had passed."""
LASTS = timedelta(milliseconds=1500)
"""A watch that will be fresh for so long needs no write."""
MANY = 4
"""So many firings have connections opened for them."""
WORTH_A_WRITE = 8
"""So many reads are saved by a write. Four cost the API server as much as one write that six watches show
(docs/profile.md); but a write stays in etcd's history, and is to be one of many that a herd's firings cost."""
SAMPLE = MOST
"""Of so many it is seen whether they are a herd, and how many of them are claimed before they fire."""
TRIED = 8
"""So many objects are tried for one that can be written."""
KEPT = timedelta(seconds=10)
"""So long, connections that were opened are there: after 15 s without a request they are closed (`access`)."""

SECOND = timedelta(seconds=1)


class Sounding:
    """Keeps one node ready for herds: connections open, and the watch of the objects provably fresh.

    Args:
        cron_jobs: The objects last seen, and whether their watch is fresh.
        queue: Says what is due soon.
        owns: Whether this node owns a key.
        executor: Writes.
        cluster: The API server.
        clock: The time.
    """

    def __init__(
        self,
        *,
        cron_jobs: CronJobLister,
        queue: WorkQueue,
        owns: Callable[[Key], bool],
        executor: Executor,
        cluster: Cluster,
        clock: Clock,
    ) -> None:
        self._cron_jobs = cron_jobs
        self._queue = queue
        self._owns = owns
        self._executor = executor
        self._cluster = cluster
        self._clock = clock
        self._opened_at: timedelta | None = None

    async def run(self) -> NoReturn:
        """Look ahead for ever."""
        while True:
            await self._clock.sleep(EVERY)
            try:
                await self.look_ahead()
            except Exception:  # it is only a help: what is wrong with one object must not end the replica
                logger.exception("could not get ready for what is due soon")

    async def look_ahead(self) -> None:
        """Get ready for what is due soon, if it is much."""
        now = self._clock.now()
        soon = self._queue.firing_by(now + AHEAD, at_most=SAMPLE)
        if len(soon) < MANY:
            return
        unclaimed = [cron_job for cron_job in map(self._cron_jobs.get, soon) if cron_job and not cron_job.spec.claims]
        if len(unclaimed) >= WORTH_A_WRITE and not self._cron_jobs.is_fresh(self._clock.elapsed() + LASTS):
            await self._sound(unclaimed[-TRIED:], now)
        await self._open_connections(min(len(soon), self._queue.places))

    async def _open_connections(self, count: int) -> None:
        """Have one for each look that is under way at once, unless that was seen to just now."""
        elapsed = self._clock.elapsed()
        if self._opened_at is None or elapsed - self._opened_at > KEPT:
            self._opened_at = elapsed
            await self._cluster.open_connections(count)

    async def _sound(self, cron_jobs: list[CronJob], now: datetime) -> None:
        """Write to one of them: the last to be looked at is the least likely to be looked at meanwhile."""
        for cron_job in reversed(cron_jobs):
            if self._owns(cron_job.key) and (step := moved_on(cron_job, now)) is not None:
                await self._write(cron_job, step)
                return

    async def _write(self, cron_job: CronJob, step: Write) -> None:
        try:
            await self._executor.write(cron_job, step)
        except TransientError as error:
            logger.debug("could not sound the watch", extra={"key": str(cron_job.key), "reason": str(error)})


def moved_on(cron_job: CronJob, now: datetime) -> Write | None:
    """The write that moves an object's ledger on through time in which it has no instant.

    Returns:
        None if there is no such time, or if anything about the object waits to be written by a look at it. The ledger
        stays behind the present, so that it passes nothing which an edit of this very second may still ask for.
    """
    status = statusbody.parse(cron_job)
    if not _is_settled(cron_job, status) or status.settled_through is None or status.next_schedule_at is None:
        return None
    present = (now - cron_job.shift).replace(microsecond=0)
    through = min(present, status.next_schedule_at) - SECOND
    if through <= status.settled_through:
        return None
    return Write(before=status, status=replace(status, settled_through=through))


def _is_settled(cron_job: CronJob, status: Status) -> bool:
    """Whether the status was written for this very spec, and nothing pauses the schedule."""
    written_for_it = status.schedule_hash == cron_job.spec.schedule_hash
    seen = status.observed_generation == cron_job.generation
    paused = status.suspended or status.suspended_until is not None or cron_job.requests.pause is not None
    return written_for_it and seen and not paused and not cron_job.deleted
