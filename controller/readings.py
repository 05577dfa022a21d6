"""The statuses of objects that were read last, so that each version of an object is read once.

A firing takes several looks, and most of them find the object as the look before has left it. Only so many are kept:
what is looked at rarely is read anew each time, and objects that have nothing to do cost no memory. `reconciler` asks.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from controller import statusbody
from controller.spec import CronJob
from controller.status import Status

KEPT: Final = 4096
"""Of so many objects, 2 to 3 KiB each: more than one replica fires in a minute on two cores."""


class Readings:
    """The statuses that were read last.

    Args:
        kept: Of how many objects.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._read: OrderedDict[str, tuple[CronJob, Status]] = OrderedDict()

    def of(self, cron_job: CronJob) -> Status:
        """The status that an object carries."""
        of, status = self._read.get(cron_job.uid, (None, None))
        if status is None or of is not cron_job:
            self.forget(cron_job.uid)
            status = statusbody.parse(cron_job)
            self._read[cron_job.uid] = cron_job, status
            if len(self._read) > self._kept:
                self._read.popitem(last=False)
        return status

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._read.pop(uid, None)
