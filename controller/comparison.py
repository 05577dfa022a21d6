"""The objects that the watch has shown, held against the API server's own list.

A relist reports no deletions, and a watch may stall: both look like peace. So the versions of all objects are listed
now and then, without bodies and from the API server's cache, and what differs is read. A list of very many costs the
API server and the replica more than all else while nothing happens. So of more than `AT_ONCE` most comparisons only ask
how many there are, which betrays what a relist hides, and look whether the watch has shown what this node itself has
written, which betrays one that is dead. At the start the same tells when everything has been shown. `replica` runs it;
`watchdog` concludes when the watch shows nothing any more.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta

from controller.errors import NotServed, TransientError
from controller.lister import CronJobLister
from controller.ports import Clock, Cluster
from controller.spec import UNREADABLE, CronJob, Key
from controller.watchdog import Watchdog

logger = logging.getLogger(__name__)

COMPARE_EVERY = timedelta(seconds=30)
"""A stalled watch is found within 75 s of its stall (INVARIANTS), a deletion hidden by a relist likewise; of very many
objects a stalled watch only if something came or went, or this node has written a status."""
AT_ONCE = 5_000
"""So many objects are listed each time. Of more, the list comes less often in proportion, and their number is asked for
in between: of 50,000 each five minutes. A list of 10,000 costs the API server 1.3 s of processor time, and the replica
0.4 s (docs/benchmarks.md)."""
CALM = timedelta(seconds=0.5)
"""A watch that has shown as many of very many as there are, and no more of them for so long, has shown them all."""
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
        at_once: How many objects are listed each time.
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
        at_once: int = AT_ONCE,
    ) -> None:
        self._cluster = cluster
        self._cron_jobs = cron_jobs
        self._clock = clock
        self._watchdog = watchdog
        self._seen = seen
        self._gone = gone
        self._at_once = at_once
        self._listed_at = clock.elapsed()

    async def run(self) -> None:
        """Compare now and then until cancelled."""
        lists_at = self._clock.elapsed()
        while True:
            await self._clock.sleep(COMPARE_EVERY)
            try:
                if self._clock.elapsed() < lists_at and await self._is_as_many():
                    continue
                at_peace = await self._compare()
                rounds = math.ceil(self._cron_jobs.known / self._at_once) if at_peace else 1
                lists_at = self._clock.elapsed() + COMPARE_EVERY * (rounds - 0.5)
            except TransientError as error:
                lists_at = self._clock.elapsed()
                logger.debug("could not compare the lists", extra={"reason": str(error)})
                self._watchdog.unanswered()
                if isinstance(error, NotServed):
                    self._watchdog.not_served(at=self._clock.elapsed())

    async def all_shown(self) -> bool:
        """Whether the watch comes to show all that there is now; it is waited for while it shows more and more.

        If not, it is asked for anew: an object that was deleted since is one that the watch will never show. Of very
        many their number is enough, once no more are shown: until the watch has come to the end of its first list, one
        that was deleted meanwhile is counted for one that is not shown yet.
        """
        try:
            count = (await self._cluster.extent()).count
            few = count <= self._at_once
            behind = list((await self._cluster.versions()).items()) if few else []
        except TransientError as error:
            logger.warning("cannot list the objects yet", extra={"reason": str(error)})
            return False
        known, moved_at = self._cron_jobs.known, self._clock.elapsed()
        while True:
            # From the end: both lists are in the same order, so what was listed last is shown last.
            while behind and not self._cron_jobs.is_behind(behind[-1][0], *behind[-1][1]):
                behind.pop()
            still = self._clock.elapsed() - moved_at
            if (few and not behind) or (not few and self._cron_jobs.known >= count and still >= CALM):
                return True
            # Once as many are known as were counted, more of them are new ones, and what is missing is gone.
            if known < self._cron_jobs.known and (known < count or not few):
                known, moved_at = self._cron_jobs.known, self._clock.elapsed()
            elif still >= WATCH_LAG:
                return False
            await self._clock.sleep(GLANCE)

    async def _is_as_many(self) -> bool:
        """Whether there are as many objects as are known, now or when the watch has had time to show the last ones.

        Nor may the watch owe anything that this node has written. An API server that has not come as far as what was
        shown is one that was put back to a backup, or nearly.
        """
        shown, extent = self._cron_jobs.shown, await self._cluster.extent()
        if extent.version < shown or self._owes():
            return False
        if extent.count != self._cron_jobs.known:
            await self._clock.sleep(WATCH_LAG)
        return extent.count == self._cron_jobs.known

    def _owes(self) -> bool:
        """Whether the watch has not shown in time what this node has written since the last list.

        One of before may be of an object that has been deleted since.
        """
        return self._cron_jobs.owes(since=self._listed_at, until=self._clock.elapsed() - WATCH_LAG)

    async def _compare(self) -> bool:
        """Read again what the watch does not show as the API server lists it: gone in a relist, or stalled.

        Returns:
            Whether the watch has shown all that there is.
        """
        known = {cron_job.key: cron_job for cron_job in self._cron_jobs}
        left_alone = self._cron_jobs.left_alone
        self._listed_at = self._clock.elapsed()
        versions = await self._cluster.versions()
        await self._clock.sleep(WATCH_LAG)
        newest = max((int(version) for _, version in versions.values()), default=0)
        went_back = any(_is_older(versions.get(key), cron_job) for key, cron_job in known.items())
        self._watchdog.listed(newest, shown=self._cron_jobs.shown, at=self._clock.elapsed())
        self._watchdog.went_back(went_back)
        behind = [key for key, version in versions.items() if self._cron_jobs.is_behind(key, *version)]
        missing = [key for key, cron_job in known.items() if versions.get(key, ("",))[0] != cron_job.uid]
        self._forget_left_alone(versions, left_alone)
        unseen = [key for key in sorted({*behind, *missing}) if await self._read(key, versions.get(key))]
        if unseen:
            logger.warning("the watch of the objects is behind", extra={"count": len(unseen), "key": str(unseen[0])})
        return not unseen and not went_back and self._cron_jobs.shown >= newest

    def _forget_left_alone(self, versions: Mapping[Key, tuple[str, str]], known: Iterable[tuple[Key, str]]) -> None:
        """Of what is left alone nothing is read: what the list has not, or under another UID, is gone."""
        for key, uid in known:
            if versions.get(key, ("",))[0] != uid:
                self._cron_jobs.forget(key, uid)

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
