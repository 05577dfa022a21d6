"""What a look at a key learns on its way, and what of it outlives a look that a failure cut short.

It exists so that an API server that fails a share of the requests does not make each step wait for all of those before
it to go through once more. It decides nothing: `reconciler` notes here what it has read, listed and checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controller.lister import FRESH
from controller.observation import Checked
from controller.spec import CronJob


@dataclass(slots=True, kw_only=True)
class Insight:
    """What is learnt of one generation of one object.

    Attributes:
        began: When the first look that learnt of it began, loop time.
        read_at: When the object was read from etcd, loop time. The answer to a write of ours is as good as a read.
        listed_at: The version of the object that a list of its Jobs from etcd is complete for. Our own writes carry it
            on. A version that anybody else wrote may speak of Jobs that were made after the list.
        doubted: A create of this node has failed since that list: its Job may be there.
        checked: Its template was checked.
    """

    uid: str
    generation: int
    began: timedelta
    read_at: timedelta | None = None
    listed_at: str | None = None
    doubted: bool = False
    checked: Checked | None = None

    def is_of(self, cron_job: CronJob) -> bool:
        """Whether it is of this generation of this object."""
        return (self.uid, self.generation) == (cron_job.uid, cron_job.generation)


class Insights:
    """What looks that were cut short have left, by the UID of the object."""

    def __init__(self) -> None:
        self._left: dict[str, Insight] = {}

    def begin(self, cron_job: CronJob, elapsed: timedelta) -> Insight:
        """What a look begins with: what the one before has left just now, else nothing.

        Args:
            cron_job: What is looked at.
            elapsed: Loop time.
        """
        left = self._left.pop(cron_job.uid, None)
        if left is not None and left.is_of(cron_job) and elapsed - left.began <= FRESH:
            return left
        return Insight(uid=cron_job.uid, generation=cron_job.generation, began=elapsed)

    def leave(self, insight: Insight) -> None:
        """A look was cut short: the next one may take it up."""
        self._left[insight.uid] = insight

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._left.pop(uid, None)
