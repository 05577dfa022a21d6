"""The objects and Jobs last seen, by key and by owner: what the flow knows without asking.

Watches, lists and the answers to our own writes all end here; whatever is older than what is known is ignored, so their
order does not matter. It asks nobody and decides nothing. `handlers` and the Job watch fill it, `reconciler` reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from controller.jobs import Job
from controller.spec import CronJob, Key

REMEMBER_GONE = timedelta(minutes=10)
"""How long a deleted Job is remembered: it still says that its instant has been done (PROTOCOL, the ledger)."""
LIST_TAKES = timedelta(seconds=5)
"""A list shows a state that is not older than this when it arrives: requests time out then."""
REMEMBER_ENDED = 4096
"""How many UIDs of deleted objects are remembered: an answer that is still under way must not bring one back."""
FRESH = timedelta(seconds=3)
"""A watch is known to be fresh if it showed a write of ours that is not older than this (PROTOCOL)."""


class CronJobLister:
    """The DistributedCronJobs last seen, and whether the watch that shows them is fresh."""

    def __init__(self) -> None:
        self._by_key: dict[Key, CronJob] = {}
        self._keys: dict[str, Key] = {}
        self._ended: dict[str, None] = {}
        self._left_alone: dict[Key, tuple[str, int]] = {}
        self._shown = 0
        self._writes: deque[tuple[int, timedelta]] = deque(maxlen=4096)
        self._fresh_at: timedelta | None = None

    def __len__(self) -> int:
        return len(self._by_key)

    @property
    def known(self) -> int:
        """How many objects have been shown and are there, those that are left alone included."""
        return len(self._by_key) + len(self._left_alone)

    def __iter__(self) -> Iterator[CronJob]:
        return iter(list(self._by_key.values()))

    def get(self, key: Key) -> CronJob | None:
        """The object last seen under a key."""
        return self._by_key.get(key)

    def key_of(self, uid: str) -> Key | None:
        """The key of the object with that UID."""
        return self._keys.get(uid)

    def see(self, cron_job: CronJob) -> bool:
        """Take over a state from a read, a list or an answer; False if what is known is as new, or it is gone."""
        known = self._by_key.get(cron_job.key)
        if cron_job.uid in self._ended or (known is not None and _version(cron_job) <= _version(known)):
            return False
        if known is not None:
            self._keys.pop(known.uid, None)
        self._left_alone.pop(cron_job.key, None)
        self._by_key[cron_job.key] = cron_job
        self._keys[cron_job.uid] = cron_job.key
        return True

    @property
    def shown(self) -> int:
        """The version that the watch has come to; 0 before it has shown anything."""
        return self._shown

    def watch_came_to(self, resource_version: str) -> None:
        """The watch has shown an object in this version, ours or not."""
        self._shown = max(self._shown, int(resource_version))
        while self._writes and self._writes[0][0] <= self._shown:
            self._fresh_at = self._writes.popleft()[1]

    def forget(self, key: Key, uid: str) -> None:
        """The object is gone, for good. One that has been made again under the same name stays."""
        self._ended[uid] = None
        if len(self._ended) > REMEMBER_ENDED:
            del self._ended[next(iter(self._ended))]
        if self._left_alone.get(key, ("",))[0] == uid:
            del self._left_alone[key]
        self._drop(key, uid)

    def leave_alone(self, key: Key, uid: str, resource_version: str) -> None:
        """The object belongs to another installation, or this version cannot read it: nothing is kept but that."""
        if uid in self._ended:
            return
        self._left_alone[key] = (uid, int(resource_version))
        self._drop(key, uid)

    def wrote(self, cron_job: CronJob, *, sent_at: timedelta) -> None:
        """Take over the answer to a write of ours.

        Args:
            cron_job: The object after the write.
            sent_at: When the request was sent, loop time.
        """
        if _version(cron_job) <= self._shown:  # the watch was faster than the answer
            self._fresh_at = max(sent_at, self._fresh_at or sent_at)
        else:
            self._writes.append((_version(cron_job), sent_at))
        self.see(cron_job)

    def is_fresh(self, elapsed: timedelta) -> bool:
        """Whether the watch has shown a write of ours that is young enough."""
        return self._fresh_at is not None and elapsed - self._fresh_at <= FRESH

    def owes(self, *, since: timedelta, until: timedelta) -> bool:
        """Whether the watch has not shown a write of ours that was sent in a span of loop time."""
        return any(since < sent_at < until for _, sent_at in self._writes)

    @property
    def left_alone(self) -> tuple[tuple[Key, str], ...]:
        """Key and UID of each object that is left alone."""
        return tuple((key, uid) for key, (uid, _) in self._left_alone.items())

    def is_behind(self, key: Key, uid: str, resource_version: str) -> bool:
        """Whether a newer state is known to exist than the one seen."""
        if (left := self._left_alone.get(key)) is not None and left[0] == uid:
            return left[1] < int(resource_version)
        known = self._by_key.get(key)
        return known is None or known.uid != uid or _version(known) < int(resource_version)

    def _drop(self, key: Key, uid: str) -> None:
        known = self._by_key.get(key)
        if known is not None and known.uid == uid:
            del self._by_key[key]
            del self._keys[uid]


class JobLister:
    """The Jobs last seen, by the UID of their object; the deleted ones for ten minutes more."""

    def __init__(self) -> None:
        self._by_owner: dict[str, dict[str, Job]] = {}
        self._gone: deque[tuple[timedelta, Job]] = deque()
        self._seen_at: dict[str, timedelta] = {}

    def of(self, owner_uid: str) -> tuple[Job, ...]:
        """All Jobs of one object, those deleted lately included."""
        return tuple(self._by_owner.get(owner_uid, {}).values())

    def is_new(self, job: Job) -> bool:
        """Whether no Job of that name has been seen."""
        return job.name not in self._by_owner.get(job.owner_uid, {})

    def __iter__(self) -> Iterator[Job]:
        return (job for jobs in list(self._by_owner.values()) for job in list(jobs.values()))

    def see(self, job: Job, *, elapsed: timedelta) -> bool:
        """Take over the state of a Job; False if it says nothing new.

        Args:
            job: The Job, from a watch, a list or an answer.
            elapsed: Loop time: from now on it counts how long a deleted Job is remembered.
        """
        self._forget_gone(elapsed)
        jobs = self._by_owner.setdefault(job.owner_uid, {})
        known = jobs.get(job.name)
        if known is not None and known.uid == job.uid:
            stale = job.version < known.version and not job.gone
            if known.gone or stale or job == known:
                return False
            if known.finished_at is not None and job.finished_at is None:
                job = replace(job, finished_at=known.finished_at, succeeded=known.succeeded)
        if known is None or known.uid != job.uid:
            self._seen_at.pop(known.uid if known else "", None)
            self._seen_at[job.uid] = elapsed
        jobs[job.name] = job
        if job.gone:
            self._gone.append((elapsed, job))
        return True

    def gone(self, job: Job, *, elapsed: timedelta) -> None:
        """We have deleted the Job, or found it deleted."""
        known = self._by_owner.get(job.owner_uid, {}).get(job.name, job)
        if known.uid == job.uid:
            self.see(replace(known, gone=True), elapsed=elapsed)

    def relist(
        self,
        jobs: Iterable[Job],
        *,
        owner_uid: str | None = None,
        elapsed: timedelta,
        asked_at: timedelta | None = None,
    ) -> tuple[Job, ...]:
        """Take over a complete list: a Job that was known when the list was asked for and is not on it is gone.

        Args:
            jobs: The list.
            owner_uid: Whose Jobs it holds; None: everybody's.
            elapsed: As for `see`.
            asked_at: When the list was asked for, loop time; None: not known, as long ago as a request may take.

        Returns:
            The Jobs of which this tells something new.
        """
        listed = tuple(jobs)
        uids = {job.uid for job in listed}
        asked_at = elapsed - LIST_TAKES if asked_at is None else asked_at
        known = tuple(self) if owner_uid is None else self.of(owner_uid)
        absent = [job for job in known if job.uid not in uids and not job.gone and self._seen_at[job.uid] <= asked_at]
        missing = [replace(job, gone=True) for job in absent]
        return tuple(job for job in (*listed, *missing) if self.see(job, elapsed=elapsed))

    def _forget_gone(self, elapsed: timedelta) -> None:
        while self._gone and elapsed - self._gone[0][0] > REMEMBER_GONE:
            _, job = self._gone.popleft()
            jobs = self._by_owner.get(job.owner_uid, {})
            known = jobs.get(job.name)
            self._seen_at.pop(job.uid, None)
            if known is not None and known.uid == job.uid:
                del jobs[job.name]
            if not jobs:
                self._by_owner.pop(job.owner_uid, None)


def _version(cron_job: CronJob) -> int:
    """The resourceVersion as a number: Kubernetes compares those of one resource so (KEP-5504)."""
    return int(cron_job.resource_version)
