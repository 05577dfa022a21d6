"""The objects that the watch has shown, held against the API server's own list.

A relist reports no deletions, and a watch may stall: both look like peace. So the versions of all objects are listed
now and then, without bodies and from the API server's cache, and what differs is read. A list of very many costs the
API server and the replica more than all else while nothing happens; so of more than `AT_ONCE` most comparisons only ask
how many there are, which betrays whatever came or went unseen. At the start the same number tells when everything has
been shown. `replica` runs it; `watchdog` concludes when the watch shows nothing any more.
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
AT_ONCE = 5_000
"""So many objects are listed each time. Of more, the list comes less often in proportion, and their number is asked for
in between: of 50,000 each five minutes. An edit that a watch hides, and nothing else, is found so late then, unless the
watch is silent altogether, which kopf itself notices within 70 s. A list of 10,000 costs the API server 1.3 s of
processor time, and the replica 0.4 s (docs/benchmarks.md)."""
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
        lists_at = self._clock.elapsed()
        while True:
            await self._clock.sleep(COMPARE_EVERY)
            try:
                if self._clock.elapsed() < lists_at and await self._is_as_many():
                    continue
                at_peace = await self._compare()
                rounds = round(self._cron_jobs.known / AT_ONCE) if at_peace else 1
                lists_at = self._clock.elapsed() + COMPARE_EVERY * (rounds - 0.5)
            except TransientError as error:
                lists_at = self._clock.elapsed()
                logger.debug("could not compare the lists", extra={"reason": str(error)})
                self._watchdog.unanswered()
                if isinstance(error, NotServed):
                    self._watchdog.not_served(at=self._clock.elapsed())

    async def all_shown(self) -> bool:
        """Whether the watch has come to show as many objects as there are now; it is waited for while it shows more.

        If not, their number is asked for anew: an object that was deleted since is one that the watch will never show.
        One that was deleted after it was shown may stand for one that is not shown yet; that was made after the list
        with which a watch begins, so the watch shows it as soon as any other replica's does.
        """
        try:
            wanted = (await self._cluster.extent()).count
        except TransientError as error:
            logger.warning("cannot list the objects yet", extra={"reason": str(error)})
            return False
        known, moved_at = self._cron_jobs.known, self._clock.elapsed()
        while self._cron_jobs.known < wanted:
            if self._cron_jobs.known > known:
                known, moved_at = self._cron_jobs.known, self._clock.elapsed()
            elif self._clock.elapsed() - moved_at >= WATCH_LAG:
                return False
            await self._clock.sleep(GLANCE)
        return True

    async def _is_as_many(self) -> bool:
        """Whether there are as many objects as are known, now or when the watch has had time to show the last ones.

        An API server that has not come as far as what was shown is one that was put back to a backup, or nearly.
        """
        shown, extent = self._cron_jobs.shown, await self._cluster.extent()
        if extent.version >= shown and extent.count != self._cron_jobs.known:
            await self._clock.sleep(WATCH_LAG)
        return extent.version >= shown and extent.count == self._cron_jobs.known

    async def _compare(self) -> bool:
        """Read again what the watch does not show as the API server lists it: gone in a relist, or stalled.

        Returns:
            Whether the watch has shown all that there is.
        """
        known = {cron_job.key: cron_job for cron_job in self._cron_jobs}
        versions = await self._cluster.versions()
        await self._clock.sleep(WATCH_LAG)
        newest = max((int(version) for _, version in versions.values()), default=0)
        went_back = any(_is_older(versions.get(key), cron_job) for key, cron_job in known.items())
        self._watchdog.listed(newest, shown=self._cron_jobs.shown, at=self._clock.elapsed())
        self._watchdog.went_back(went_back)
        behind = [key for key, version in versions.items() if self._cron_jobs.is_behind(key, *version)]
        missing = [key for key, cron_job in known.items() if versions.get(key, ("",))[0] != cron_job.uid]
        unseen = [key for key in sorted({*behind, *missing}) if await self._read(key, versions.get(key))]
        if unseen:
            logger.warning("the watch of the objects is behind", extra={"count": len(unseen), "key": str(unseen[0])})
        return not unseen and not went_back and self._cron_jobs.shown >= newest

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
