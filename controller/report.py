"""What a replica tells of itself in numbers, as long as it runs: its queue, its loop, its share of the keys.

It looks now and then and acts on nothing. `replica` runs it; `metrics` keeps what it tells.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn

from controller import conditions
from controller.lister import CronJobLister
from controller.nodepool import NodePool
from controller.ports import Clock, Recorder
from controller.workqueue import WorkQueue

EVERY = timedelta(seconds=1)
"""How often the depth of the queue and the lag of the loop are told."""
RING_EVERY = timedelta(seconds=15)
"""How often the share of the keys is counted anew: it costs a hash for each key."""


class Report:
    """The numbers of one node.

    Args:
        clock: Loop time.
        recorder: Where numbers go.
        queue: Its queue.
        node_pool: Whose a key is.
        cron_jobs: The objects last seen.
    """

    def __init__(
        self, *, clock: Clock, recorder: Recorder, queue: WorkQueue, node_pool: NodePool, cron_jobs: CronJobLister
    ) -> None:
        self._clock = clock
        self._recorder = recorder
        self._queue = queue
        self._node_pool = node_pool
        self._cron_jobs = cron_jobs
        self._ring_told_at = clock.elapsed()

    async def run(self) -> NoReturn:
        """Tell for ever."""
        while True:
            asked_at = self._clock.elapsed()
            await self._clock.sleep(EVERY)
            self._recorder.loop_lag((self._clock.elapsed() - asked_at - EVERY).total_seconds())
            self._queue.report()
            if self._clock.elapsed() - self._ring_told_at >= RING_EVERY:
                self.ring()

    def ring(self) -> None:
        """Tell of the ring, and of the objects whose keys this node owns on it."""
        self._ring_told_at, pool = self._clock.elapsed(), self._node_pool
        statuses = [cron_job.status for cron_job in self._cron_jobs if pool.owns(cron_job.key)]
        self._recorder.ring(members=len(pool.nodes), keys_owned=len(statuses), state=pool.state.value)
        self._recorder.objects(
            not_ready=sum(map(conditions.is_not_ready, statuses)), blocked=sum(map(conditions.is_blocked, statuses))
        )
