"""Makes the history of a run from the two records: what a watch has seen, and what the API server has written down.

The watch tells what a Job says of itself; the audit log tells when it was made, when it ended, and by whom it was
deleted, and knows Jobs that came and went while the watch was away. Such a Job is known by its name only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.checker.audit import JobWrite, Name, Record
from tests.checker.history import CronObject, Fault, Felt, History, MadeJob, Trigger
from tests.checker.notebook import Notebook

_OF_SCHEDULE = re.compile(r"(?P<name>.+)-(?P<digits>\d{14})-(?P<digest>[0-9a-f]{10})")
_OF_BACKFILL = re.compile(r"(?P<name>.+)-b(?P<digits>\d{14})-(?P<digest>[0-9a-f]{10})")
_MANUAL = re.compile(r"(?P<name>.+)-m-(?P<digest>[0-9a-f]{10})")
_UNDER_WAY = timedelta(seconds=2)
"""So long a Job that was made may be on its way to the watch."""
_SEEN_AGAIN = timedelta(seconds=20)
"""So long after an API server's return our watch has listed all that is there."""


def history(
    notebook: Notebook,
    record: Record,
    *,
    began: datetime,
    until: datetime,
    ended: datetime,
    faults: Sequence[Fault] = (),
    only: Iterable[str] | None = None,
) -> History:
    """What is known of a run.

    Args:
        notebook: What the watch has seen, from before the first object on.
        record: The audit log, read when the run was over.
        began: Instants after it are judged,
        until: up to and with this one.
        ended: When the evidence ends.
        faults: What was broken on purpose.
        only: Names of the objects that are judged; None: all.
    """
    objects = [thing for thing in notebook.objects() if only is None or thing.name in only]
    wanted = {thing.uid for thing in objects}
    others = {thing.uid for thing in notebook.objects()} - wanted
    jobs = _timed(notebook.jobs(), record)
    jobs += [_unseen(write, objects) for write in _only_written(jobs, record)]
    deletions = _by_name(record.deleted)
    jobs = [_ended(job, record, deletions) for job in jobs]
    return History(
        began=began,
        until=until,
        ended=ended,
        objects=objects,
        jobs=sorted((job for job in jobs if job.owner_uid not in others), key=lambda job: job.created_at),
        faults=faults,
        refusals=record.refused,
        foreign_writes=record.foreign,
        gaps=_gaps((job for job in jobs if job.created_at > began), record, ended, faults),
    )


def _timed(jobs: Iterable[MadeJob], record: Record) -> list[MadeJob]:
    """The Jobs that were seen, with the times of the API server's own record."""
    made = _by_name(record.made)
    by_name: defaultdict[Name, list[MadeJob]] = defaultdict(list)
    for job in jobs:
        by_name[job.namespace, job.name].append(job)
    found = []
    for name, same in by_name.items():
        times = list(made.get(name, []))
        for job in sorted(same, key=lambda job: job.created_at):
            before = [write for write in times if write.at <= job.created_at + _UNDER_WAY]
            write = before[-1] if before and len(same) == 1 else (times[0] if times else None)
            if write is not None:
                times.remove(write)
                job = replace(job, created_at=write.at)
            found.append(job)
    return found


def _ended(job: MadeJob, record: Record, deleted: Mapping[Name, Sequence[JobWrite]]) -> MadeJob:
    """A Job with the times at which it ended and was deleted, by the record as far as that tells."""
    name = job.namespace, job.name
    deletions = [write for write in deleted.get(name, ()) if write.at >= job.created_at and write.uid in ("", job.uid)]
    if deletions:
        job = replace(job, deleted_at=deletions[0].at, by_us=deletions[0].by_us)
    if job.finished_at is not None:
        updates = [at for at in record.updated.get(name, ()) if job.created_at <= at <= job.finished_at]
        job = replace(job, finished_at=max(updates, default=job.finished_at))
    return job


def _only_written(seen: Iterable[MadeJob], record: Record) -> list[JobWrite]:
    """The writes that made Jobs which the watch did not see."""
    times = {(job.namespace, job.name, job.created_at) for job in seen}
    return [write for write in record.made if (*write.job, write.at) not in times]


def _unseen(write: JobWrite, objects: Iterable[CronObject]) -> MadeJob:
    """A Job of which nobody knows more than its name and who made it."""
    job = MadeJob(
        uid=f"unseen {write.name} {write.at.isoformat()}",
        namespace=write.namespace,
        name=write.name,
        owner_uid="",
        instant=None,
        created_at=write.at,
    )
    for pattern, trigger in (
        (_OF_BACKFILL, Trigger.BACKFILL),
        (_OF_SCHEDULE, Trigger.SCHEDULE),
        (_MANUAL, Trigger.MANUAL),
    ):
        if found := pattern.fullmatch(write.name):
            digits = found.groupdict().get("digits")
            instant = None if digits is None else datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            request = None if trigger is Trigger.SCHEDULE else f"of the name {write.name}"
            owner = _owner(found["name"], found["digest"], write, objects)
            job = replace(job, trigger=trigger, instant=instant, request=request, owner_uid=owner)
            break
    return job


def _owner(name: str, digest: str, write: JobWrite, objects: Iterable[CronObject]) -> str:
    """The UID of the object that a Job's name speaks of; empty if none fits. Long names are cut."""
    fitting = [
        thing
        for thing in objects
        if thing.namespace == write.namespace
        and (thing.name == name or (len(name) > 30 and thing.name.startswith(name[:20])))
        and thing.versions[0].since <= write.at
    ]
    exact = [thing.uid for thing in fitting if thing.uid.replace("-", "").startswith(digest)]
    return next(iter([*exact, *(thing.uid for thing in reversed(fitting))]), "")


def _gaps(jobs: Iterable[MadeJob], record: Record, ended: datetime, faults: Iterable[Fault]) -> list[str]:
    """Jobs that were seen, and that the API server has not written down: the record is not whole.

    An API server that is killed has made Jobs that it could not write down any more; they are seen when it is back.
    """
    made = _by_name(record.made)
    away = [fault for fault in faults if fault.felt is Felt.THROUGHOUT]
    return [
        f"the watch saw {job.namespace}/{job.name}, and the audit log has no create of it"
        for job in jobs
        if (job.namespace, job.name) not in made
        and job.created_at < ended - _UNDER_WAY
        and not any(fault.since - _UNDER_WAY <= job.created_at <= fault.until + _SEEN_AGAIN for fault in away)
    ]


def _by_name(writes: Iterable[JobWrite]) -> dict[Name, list[JobWrite]]:
    found: dict[Name, list[JobWrite]] = {}
    for write in writes:
        found.setdefault(write.job, []).append(write)
    return found
