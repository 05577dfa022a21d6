"""What no run may ever break, as far as Jobs, specs and statuses show it: S1 to S4 and S8 to S12 of INVARIANTS.

Each rule is a pure function of one object's life; `obedience` has those about what authors do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.checker.broken import Broken, broken
from tests.checker.history import EARLY, History, MadeJob, Trigger, Version
from tests.checker.lives import Life, deadline, policy, slots, time_of
from tests.checker.verdicts import named
from tests.checker.words import clock, job_told, seconds

DEADLINE_GRACE = timedelta(seconds=1)
"""S4: so far past `startingDeadlineSeconds` a Job may still be made."""
IN_FLIGHT = 10
"""S4: a create that was sent in time may be on its way for this part of D: 200 ms, and more on a busy machine."""
SEEN_WITHIN = timedelta(seconds=1)
"""What a replica decides on may be so old: an edit or an end of a Job that it has not seen yet."""
SETTLED = timedelta(seconds=3)
"""S12: an end of a Job that is so old is known to whoever cleans up; Jobs are deleted together within that time, or
within what a fault allows: one of these requests may have failed."""
KEPT = timedelta(seconds=6)
"""S9: a Job whose slot was contested lives on so much longer: another create of it may have been on its way."""
GIVEN_UP = ("MissedDeadline", "CreateFailed")
"""S9: reasons for which a newer Job may not come after all."""


def once(life: Life) -> Iterator[Broken]:
    """S1: at most one Job for each instant, manual run and instant of a backfill, deleted ones included."""
    seen: dict[tuple[object, ...], MadeJob] = {}
    which: tuple[object, ...]
    for job in life.jobs:
        match job.trigger:
            case Trigger.MANUAL:
                which, what = (job.request,), f"the trigger {job.request!r}"
            case Trigger.BACKFILL:
                which, what = (job.request, job.instant), f"the backfill {job.request} and its {_at(job)}"
            case _:
                which, what = (None, job.instant or job.uid), f"{_at(job)}"
        first = seen.setdefault(which, job)
        if first is not job and job.created_at > life.history.began:
            yield broken("S1", life, job.instant, f"two Jobs for {what}: {job_told(first)}; {job_told(job)}")


def none_invented(life: Life) -> Iterator[Broken]:
    """S2: every Job stands for an instant of the version that it names."""
    for job in life.made:
        if job.trigger.of_schedule and not named(life, job):
            version = f"generation {job.generation}" if job.generation is not None else "any version"
            yield broken("S2", life, job.instant, f"{job_told(job)} stands for {_at(job)}, no instant of {version}")


def never_early(life: Life) -> Iterator[Broken]:
    """S3: no Job before it is due, by true time."""
    for due in life.due:
        for job in life.fired.get(due.at, ()):
            if job.created_at < due.due_at - EARLY:
                early = seconds(due.due_at - job.created_at)
                yield broken("S3", life, due.at, f"{job_told(job)}, {early} early: look at the clock of {job.node}")


def never_past_deadline(life: Life) -> Iterator[Broken]:
    """S4: no Job after its deadline."""
    for due in life.due:
        limit = deadline(due.version)
        for job in life.fired.get(due.at, ())[:1]:
            in_flight = life.history.calm / IN_FLIGHT + life.history.on_its_way(job.created_at)
            if limit is not None and job.created_at > due.due_at + limit + DEADLINE_GRACE + in_flight:
                late = f"{seconds(job.created_at - due.due_at)} after it was due"
                yield broken(
                    "S4", life, due.at, f"{job_told(job)}, {late}: its deadline was {limit.total_seconds():g} s"
                )


def limit_kept(life: Life) -> Iterator[Broken]:
    """S8: under Forbid and Queue never more than `maxActiveJobs` unfinished Jobs; under Allow, of backfills."""
    for job in life.made:
        version, before = life.version_at(job.created_at), life.version_at(job.created_at - SEEN_WITHIN)
        if version is None or (before is not None and _limits(before) != _limits(version)):
            continue  # the create was under way when the policy was edited
        at = job.created_at + EARLY  # so short an overlap is the time that an answer takes
        others = [other for other in life.jobs if other is not job and other.created_at <= job.created_at]
        others = [other for other in others if other.active_at(at)]
        if policy(version) == "Allow":
            others = [other for other in others if other.trigger is job.trigger is Trigger.BACKFILL]
        if policy(version) != "Replace" and len(others) >= slots(version):
            told = f"{job_told(job)} made while {slots(version)} may be active and these were: "
            yield broken("S8", life, job.instant, f"{told}{'; '.join(map(job_told, others))} ({policy(version)})")


def newest_survives(life: Life) -> Iterator[Broken]:
    """S9: under Replace an unfinished Job goes only in favour of a newer one."""
    for job in life.tidied:
        version = None if job.deleted_at is None else life.version_at(job.deleted_at)
        if job.deleted_at is None or version is None or _finished_by(job, job.deleted_at):
            continue
        steady = life.version_at(job.deleted_at - SEEN_WITHIN) is version
        limit = life.history.bound(job.deleted_at)[0]
        if policy(version) == "Replace" and steady and limit < life.history.ended and not _replaced(life, job, limit):
            others = [other for other in life.jobs if other is not job and other.active_at(job.deleted_at)]
            kept = f"in favour of {'; '.join(map(job_told, others))}" if others else "in favour of none"
            yield broken("S9", life, job.instant, f"{job_told(job)} was deleted unfinished {kept}: no newer one came")


def replaced_in_time(life: Life) -> Iterator[Broken]:
    """S9: under Replace no Job lives on beside as many newer ones as may be."""
    replaces = any(policy(version) == "Replace" for version in life.thing.versions)
    began = life.history.began
    recent = [job for job in life.jobs if job.ended_at is None or job.ended_at > began] if replaces else []
    for job in recent:
        newer = [other for other in recent if _order(other) > _order(job)]
        for other in newer:
            together = max(job.created_at, other.created_at)
            if not job.active_at(together):
                continue
            limit = life.history.bound(together)[0] + (KEPT if _contested(life, job) else timedelta(0))
            if not job.active_at(limit) or not began < limit < life.history.ended:
                continue
            version = life.version_at(together)
            steady = version is not None and version is life.version_at(limit)
            if version is None or not steady or policy(version) != "Replace":
                continue
            still = [one for one in newer if one.active_at(limit) and one.created_at <= together]
            if len(still) >= slots(version):
                told = f"{job_told(job)} is still there at {clock(limit)} beside newer ones: "
                yield broken("S9", life, job.instant, f"{told}{'; '.join(map(job_told, still))}")
                break


def _contested(life: Life, job: MadeJob) -> bool:
    slots = (slot for told in life.told for slot in told.status.get("active", ()) if slot["name"] == job.name)
    return any(slot.get("contested") for slot in slots)


def never_back(life: Life) -> Iterator[Broken]:
    """S10: `settledThrough` and `lastScheduleTime` never move back."""
    for before, after in pairwise(life.told):
        for name in ("settledThrough", "lastScheduleTime"):
            old, new = before.status.get(name), after.status.get(name)
            if old is not None and (new is None or time_of(new) < time_of(old)):
                owner = after.status.get("owner", "nobody")
                told = f"{name} went from {old} back to {new} at {clock(after.at)}, when {owner} was its owning node"
                yield broken("S10", life, None, told)


def history_tidied(life: Life) -> Iterator[Broken]:
    """S12: only finished Jobs are deleted, unless they are replaced, and the oldest first."""
    for job in life.tidied:
        if job.deleted_at is None:
            continue
        held = {policy(version) for version in life.versions_between(job.deleted_at - SEEN_WITHIN, job.deleted_at)}
        if "Replace" in held and not _finished_by(job, job.deleted_at - life.history.calm):
            continue  # it was replaced, and may have ended by itself just then
        if not _finished_by(job, job.deleted_at):
            if life.version_at(job.deleted_at) is not None:
                yield broken("S12", life, job.instant, f"{job_told(job)} was deleted before it had ended")
            continue
        if life.history.fails_some(job.deleted_at):
            continue  # in which order they were asked for, nobody can see
        together = max(job.deleted_at + SETTLED, life.history.bound(job.deleted_at)[0])
        for older in life.jobs:
            outlived = (older.deleted_at or life.history.ended) > together  # what comes after the end nobody has seen
            ripe = _finished_by(older, job.deleted_at - SETTLED) and older.succeeded == job.succeeded
            if outlived and ripe and older.created_at < job.created_at - SEEN_WITHIN:
                yield broken(
                    "S12", life, job.instant, f"{job_told(job)} was deleted before the older {job_told(older)}"
                )
                break


def nothing_foreign(history: History) -> Iterator[Broken]:
    """S11: nothing that is not ours is written or deleted. S2: no Job is of an object that never was."""
    for write in history.foreign_writes:
        if write.at > history.began:
            told = f"the operator wrote to what is not its own: {write.what}"
            yield Broken(rule="S11", where="", at=write.at, what=told)
    known = {thing.uid for thing in history.objects}
    for job in history.jobs:
        where, gone = f"{job.namespace}/{job.name}", job.deleted_at
        if job.by_us and not job.owner_uid and gone is not None and gone > history.began:
            yield Broken(rule="S11", where=where, at=gone, what="a Job of no object was deleted by the operator")
        elif job.owner_uid and job.owner_uid not in known and job.created_at > history.began:
            told = f"{job_told(job)}: its object was never seen"
            yield Broken(rule="S2", where=where, at=job.created_at, what=told)


def _at(job: MadeJob) -> str:
    return "an instant that it does not tell" if job.instant is None else f"instant {clock(job.instant)}"


def _limits(version: Version) -> tuple[object, ...]:
    spec = version.spec
    return spec.get("concurrencyPolicy"), spec.get("maxActiveJobs")


def _order(job: MadeJob) -> datetime:
    """How new a Job is: a manual run stands for the moment at which it was made."""
    return job.created_at if job.instant is None or job.trigger is Trigger.MANUAL else job.instant


def _finished_by(job: MadeJob, at: datetime) -> bool:
    return job.finished_at is not None and job.finished_at <= at + EARLY


def _replaced(life: Life, job: MadeJob, limit: datetime) -> bool:
    """Whether a newer Job was there, or came in time, or was to come and had to be given up."""
    newer = [
        other
        for other in life.jobs
        if other is not job
        and _order(other).replace(microsecond=0) >= _order(job).replace(microsecond=0)
        and other.created_at <= limit
        and (other.ended_at is None or job.deleted_at is None or other.ended_at >= job.deleted_at - SEEN_WITHIN)
    ]
    given_up = any(
        outcome.reason in GIVEN_UP and job.instant is not None and at > job.instant and outcome.told_at <= limit
        for at, outcome in life.outcomes.items()
    )
    return bool(newer) or given_up
