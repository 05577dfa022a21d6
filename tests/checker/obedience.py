"""What authors do is obeyed: suspensions, deletions, edits and requests (S2, S5, S6, S7, L1 of INVARIANTS)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.checker.broken import Broken, broken
from tests.checker.history import EARLY, Trigger
from tests.checker.lives import Life, rests, same_instants, time_of
from tests.checker.words import clock, job_told, seconds

TRIGGER, BACKFILL = "dcron.io/trigger", "dcron.io/backfill"
OBEYED_WITHIN = timedelta(seconds=1)
"""S5, S6: so long after its acknowledgement an author's act may not have been seen yet,"""
STALLED_WITHIN = timedelta(seconds=4)
"""or so long while the watch is stalled."""


def suspension_obeyed(life: Life) -> Iterator[Broken]:
    """S5: nothing is made once the object is suspended, nor afterwards for an instant of the suspended time."""
    for job in life.made:
        if job.trigger is Trigger.MANUAL or job.instant is None:
            continue
        due_at = job.instant + life.shift if job.trigger.of_schedule else job.created_at
        within = _within(life, job.created_at)
        since = _resting_since(life, job.created_at, due_at)
        inside = _resting_since(life, due_at, due_at)
        if since is not None and job.created_at > since + within:
            late = seconds(job.created_at - since)
            yield broken("S5", life, job.instant, f"{job_told(job)}, {late} after it was suspended at {clock(since)}")
        elif inside is not None and job.created_at > inside + within and _rested(life, inside, due_at) > within:
            told = f"{job_told(job)} for an instant of the time from {clock(inside)} on, when it was suspended"
            yield broken("S5", life, job.instant, told)


def deletion_obeyed(life: Life) -> Iterator[Broken]:
    """S6: nothing is made once the object is deleted."""
    gone = life.thing.deleted_at
    for job in life.made:
        if gone is not None and job.created_at > gone + _within(life, job.created_at):
            late = seconds(job.created_at - gone)
            yield broken("S6", life, job.instant, f"{job_told(job)}, {late} after its object was deleted")


def never_backwards(life: Life) -> Iterator[Broken]:
    """S7: an edit never fires for instants before it."""
    for job in life.made:
        if not job.trigger.of_schedule or job.instant is None:
            continue
        generations = [one for one in (job.generation, life.claimed_by(job)) if one is not None]
        named = life.version_of(min(generations, default=0))
        due_at = job.instant + life.shift
        if named is None or due_at > named.stamped_at:
            continue
        held = [one for one in life.thing.versions if one.stamped_at < due_at]
        if not held or not same_instants(held[-1], named):
            told = f"fired backwards: {job_told(job)} for {clock(job.instant)}, by the edit at {clock(named.since)}"
            yield broken("S7", life, job.instant, f"{told} (generation {named.generation})")


def runs_asked_for(life: Life) -> Iterator[Broken]:
    """S2: a manual run, or a backfill's, stands for a value that was written, and not when the object was made."""
    for job in life.made:
        if job.trigger.of_schedule:
            continue
        name = TRIGGER if job.trigger is Trigger.MANUAL else BACKFILL
        asked = any(
            value == job.request and since <= job.created_at + EARLY for value, since, _ in _requests(life, name)
        )
        if not asked:
            yield broken("S2", life, job.instant, f"{job_told(job)}, but nobody had written {name}: {job.request}")
        elif job.trigger is Trigger.BACKFILL and not _inside(life, job.request or "", job.instant):
            told = f"{job_told(job)} stands for {clock(job.instant or job.created_at)}, no instant of {job.request}"
            yield broken("S2", life, job.instant, told)


def requests_answered(life: Life) -> Iterator[Broken]:
    """L1: each new value of a trigger gets its Job, or a word in the status, in time."""
    for value, since, until in _requests(life, TRIGGER):
        bound = life.history.bound(since)[0]
        if bound >= min(until, life.history.ended) or since <= life.history.began:
            continue
        made = any(job.request == value and job.created_at <= bound for job in life.jobs)
        said = any(told.status.get("lastTrigger", {}).get("value") == value for told in life.told_between(since, bound))
        if not made and not said:
            told = f"the trigger {value!r} of {clock(since)} has no Job and no word in the status until {clock(bound)}"
            yield broken("L1", life, since, told)


def _within(life: Life, at: datetime) -> timedelta:
    return STALLED_WITHIN if life.history.watch_stalled(at) else OBEYED_WITHIN


def _resting_since(life: Life, at: datetime, due_at: datetime) -> datetime | None:
    """Since when versions that let nothing fire have followed each other; None: the one at that moment lets fire."""
    since = None
    for version in reversed([one for one in life.thing.versions if one.since <= at]):
        if not rests(version, due_at):
            break
        since = version.since
    return since


def _rested(life: Life, since: datetime, due_at: datetime) -> timedelta:
    """How long it was suspended from a moment on."""
    later = [one for one in life.thing.versions if one.since > since and not rests(one, due_at)]
    return (later[0].since if later else life.ended_at) - since


def _requests(life: Life, name: str) -> list[tuple[str, datetime, datetime]]:
    """The values of an annotation that are news, with the times from and until which each stood."""
    found: list[tuple[str, datetime, datetime]] = []
    ends = [*(version.since for version in life.thing.versions[1:]), life.ended_at]
    for (before, after), end in zip(pairwise(life.thing.versions), ends[1:], strict=True):
        old, new = before.annotations.get(name), after.annotations.get(name)
        if new and new != old:
            found.append((new, after.since, end))
        elif new and found and found[-1][0] == new:
            found[-1] = (new, found[-1][1], end)
    return found


def _inside(life: Life, interval: str, instant: datetime | None) -> bool:
    """Whether an instant is one of the object's, inside an interval."""
    try:
        since, until = (time_of(part) for part in interval.split("/"))
    except ValueError:
        return False
    has = any(instant is not None and life.has_instant(version, instant) for version in life.thing.versions)
    return instant is not None and since <= instant < until and has
