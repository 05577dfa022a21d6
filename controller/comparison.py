"""The objects that the watch has shown, held against the API server's own list.

A relist reports no deletions, and a watch may stall: both look like peace. So the versions of all objects are listed
now and then, without bodies and from the API server's cache, and what differs is read. At the start the same comparison
tells when everything has been shown. `replica` runs it; `watchdog` concludes when the watch shows nothing any more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from controller.errors import NotServed, TransientError
from controller.lister import CronJobLister
from controller.ports import Clock, Cluster
from controller.spec import UNREADABLE, CronJob, Key
from controller.watchdog import Watchdog

logger = logging.getLogger(__name__)

COMPARE_EVERY = timedelta(seconds=30)
"""A stalled watch is found within 75 s of its stall (INVARIANTS), a deletion hidden by a relist likewise."""
WATCH_LAG = timedelta(seconds=2)
"""What a healthy watch shows within this time after a list has it, if it does not have to show much else first."""
GLANCE = timedelta(milliseconds=50)
"""How often the start looks whether the watch has shown everything."""


class Comparison:
    """Compares for one node.

    Args:
        cluster: The API server.
        cron_jobs: The objects last seen.
        clock: The time.
        watchdog: Told of each comparison.
        seen: Takes an object that was read, as if the watch had shown it; False if it was known.
        gone: Takes the key and UID of an object that is not there any more.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        cron_jobs: CronJobLister,
        clock: Clock,
        watchdog: Watchdog,
        seen: Callable[[CronJob], bool],
        gone: Callable[[Key, str], None],
    ) -> None:
        self._cluster = cluster
        self._cron_jobs = cron_jobs
        self._clock = clock
        self._watchdog = watchdog
        self._seen = seen
        self._gone = gone

    async def run(self) -> None:
        """Compare now and then until cancelled."""
        while True:
            await self._clock.sleep(COMPARE_EVERY)
            try:
                await self._compare()
            except TransientError as error:
                logger.debug("could not compare the lists", extra={"reason": str(error)})
                self._watchdog.unanswered()
                if isinstance(error, NotServed):
                    self._watchdog.not_served(at=self._clock.elapsed())

    async def all_shown(self) -> bool:
        """Whether the watch comes to show all that is listed now; it is waited for while it shows more and more.

        If not, the list is taken anew: an object that was deleted since is one that the watch will never show.
        """
        try:
            versions = await self._cluster.versions()
        except TransientError as error:
            logger.warning("cannot list the objects yet", extra={"reason": str(error)})
            return False
        behind, known, moved_at = list(versions.items()), self._cron_jobs.known, self._clock.elapsed()
        while True:
            # From the end: both lists are in the same order, so what was listed last is shown last.
            while behind and not self._cron_jobs.is_behind(behind[-1][0], *behind[-1][1]):
                behind.pop()
            if not behind:
                return True
            # Once as many are known as were listed, more of them are new ones, and what is missing is gone.
            if known < self._cron_jobs.known <= len(versions):
                known, moved_at = self._cron_jobs.known, self._clock.elapsed()
            elif self._clock.elapsed() - moved_at >= WATCH_LAG:
                return False
            await self._clock.sleep(GLANCE)

    async def _compare(self) -> None:
        """Read again what the watch does not show as the API server lists it: gone in a relist, or stalled."""
        known = {cron_job.key: cron_job for cron_job in self._cron_jobs}
        versions = await self._cluster.versions()
        await self._clock.sleep(WATCH_LAG)
        newest = max((int(version) for _, version in versions.values()), default=0)
        self._watchdog.listed(newest, shown=self._cron_jobs.shown, at=self._clock.elapsed())
        self._watchdog.went_back(any(_is_older(versions.get(key), cron_job) for key, cron_job in known.items()))
        behind = [key for key, version in versions.items() if self._cron_jobs.is_behind(key, *version)]
        missing = [key for key, cron_job in known.items() if versions.get(key, ("",))[0] != cron_job.uid]
        unseen = [key for key in sorted({*behind, *missing}) if await self._read(key, versions.get(key))]
        if unseen:
            logger.warning("the watch of the objects is behind", extra={"count": len(unseen), "key": str(unseen[0])})

    async def _read(self, key: Key, listed: tuple[str, str] | None) -> bool:
        """Read an object; False if it stands as the watch has shown it meanwhile, or if it cannot be read."""
        known = self._cron_jobs.get(key)
        try:
            current = await self._cluster.read(key)
        except UNREADABLE as error:
            logger.warning("cannot read an object; leaving it alone", extra={"key": str(key), "reason": repr(error)})
            if listed is not None:
                self._cron_jobs.leave_alone(key, *listed)
            return False
        ended = known is not None and (current is None or current.uid != known.uid)
        unseen = ended and self._cron_jobs.get(key) == known
        if known is not None and ended:
            self._gone(key, known.uid)
        return unseen if current is None else self._seen(current) or unseen


def _is_older(listed: tuple[str, str] | None, known: CronJob) -> bool:
    """Whether a list has an object in an older version than was known before it was asked for."""
    return listed is not None and listed[0] == known.uid and int(listed[1]) < int(known.resource_version)
