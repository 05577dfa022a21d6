"""What a look at a key learns on its way, and what of it outlives a look that a failure cut short.

It exists so that an API server that fails a share of the requests does not make each step wait for all of those before
it to go through once more, and that a look goes on after a failure or two. `reconciler` notes here what it has read,
listed and checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controller.errors import ClusterUnavailable, TransientError
from controller.lister import FRESH
from controller.observation import Checked
from controller.spec import CronJob

FORGIVEN = 2
"""So many failed requests end no look. Where half of them fail, a firing that takes a claim, a deletion and a create
would come to its end in one look of eight; with two forgiven it is one of two (`tests.simulation.test_partial_failures`
measures what comes of it)."""
AGAIN_IN = timedelta(milliseconds=50)
"""The pause after one that is forgiven."""
AT_ONCE = timedelta(milliseconds=500)
"""A failure that came later than this tells of an API server that is slow: there the look ends, and its key rests."""


@dataclass(slots=True, kw_only=True)
class Insight:
    """What is learnt of one generation of one object.

    Attributes:
        began: When the first look that learnt of it began, loop time.
        read_at: When the object was read from etcd, loop time. The answer to a write of ours is as good as a read.
        listed_at: The version of the object that a list of its Jobs from etcd is complete for. Our own writes carry it
            on. A version that anybody else wrote may speak of Jobs that were made after the list.
        checked: Its template was checked.
        failed: How many requests of this look have failed.
    """

    uid: str
    generation: int
    began: timedelta
    read_at: timedelta | None = None
    listed_at: str | None = None
    checked: Checked | None = None
    failed: int = 0

    def is_of(self, cron_job: CronJob) -> bool:
        """Whether it is of this generation of this object."""
        return (self.uid, self.generation) == (cron_job.uid, cron_job.generation)

    def forgives(self, error: TransientError, *, after: timedelta) -> bool:
        """Whether the look goes on, from what is known by now, after a failure that came so long after the request."""
        self.failed += 1
        return isinstance(error, ClusterUnavailable) and after <= AT_ONCE and self.failed <= FORGIVEN


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
            left.failed = 0
            return left
        return Insight(uid=cron_job.uid, generation=cron_job.generation, began=elapsed)

    def leave(self, insight: Insight) -> None:
        """A look was cut short: the next one may take it up."""
        self._left[insight.uid] = insight

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._left.pop(uid, None)
