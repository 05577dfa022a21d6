"""What no run may ever break: S1 to S10 of INVARIANTS, as far as a simulation can break them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.fakes.happenings import Happening, What
from tests.simulation.course import (
    EARLY,
    IN_FLIGHT,
    WITHOUT_FAULT,
    Course,
    Violation,
    instant_of,
    time_of,
    violation,
)
from tests.simulation.reference import is_instant

OBEYED_WITHIN = timedelta(seconds=1)
"""S5, S6: from then on a suspension or a deletion must be obeyed."""
DEADLINE_GRACE = timedelta(seconds=1)
"""S4: how far past `startingDeadlineSeconds` a Job may still be created."""
OVERLAP = timedelta(seconds=2)
"""S9: how long an older Job may live on beside a newer one under Replace, while it is being deleted."""


def once(course: Course) -> Iterator[Violation]:
    """S1: at most one Job for each instant, deleted ones included."""
    for entry in course.history:
        instant = entry.job.scheduled_at
        if entry.what is What.CREATED and instant is not None and course.created[instant] is not entry:
            yield violation("S1", course, instant, f"a second Job, by {entry.node} at {entry.at:%H:%M:%S.%f}")


def none_invented(course: Course) -> Iterator[Violation]:
    """S2: every Job stands for an instant of the spec that it names."""
    for instant, entry in course.created.items():
        wish = course.wish_behind(entry)
        if wish is None or not is_instant(wish.spec, instant):
            yield violation("S2", course, instant, f"generation {entry.generation} has no such instant")


def never_early(course: Course) -> Iterator[Violation]:
    """S3: no Job before its instant, by true time."""
    for instant, entry in course.created.items():
        if entry.at < instant - EARLY:
            yield violation("S3", course, instant, f"created {instant - entry.at} before, by {entry.node}")


def never_past_deadline(course: Course) -> Iterator[Violation]:
    """S4: no Job after its deadline."""
    for instant, entry in course.created.items():
        wish = course.life.wish_of(entry.generation or 0)
        if wish and wish.deadline is not None and entry.at > instant + wish.deadline + DEADLINE_GRACE + IN_FLIGHT:
            yield violation("S4", course, instant, f"created {entry.at - instant} late, the deadline is over")


def author_obeyed(course: Course) -> Iterator[Violation]:
    """S5, S6: no Job once the object has been suspended or deleted for a while. S7: no edit fires backwards."""
    for instant, entry in course.created.items():
        wish = course.life.wish_at(entry.at - OBEYED_WITHIN)
        if course.life.ended is not None and entry.at > course.life.ended + OBEYED_WITHIN:
            yield violation("S6", course, instant, f"created {entry.at - course.life.ended} after the deletion")
        elif wish is not None and wish.suspended and course.life.wish_at(entry.at) is wish:
            yield violation("S5", course, instant, f"created at {entry.at:%H:%M:%S.%f}, while suspended")
        named, held = course.wish_behind(entry), course.life.wish_at(instant)
        same = named is not None and held is not None and held.same_instants(named)
        if named is not None and not same and instant <= named.counts_after:
            yield violation("S7", course, instant, f"fired by generation {entry.generation}, which came after it")


def limit_kept(course: Course) -> Iterator[Violation]:
    """S8: under Forbid never more than one unfinished Job."""
    spans = sorted(course.spans, key=lambda span: span[0])
    for index, (begin, _, job) in enumerate(spans):
        wish = course.life.wish_at(begin)
        others = [other for start, end, other in spans[:index] if start <= begin < end]
        if wish is not None and wish.policy == "Forbid" and others:
            yield violation("S8", course, job.scheduled_at, f"created while {others[0].name} is active")


def newest_survives(course: Course) -> Iterator[Violation]:
    """S9: under Replace a Job goes only in favour of a newer one, and then it does go."""
    spans = course.spans
    for entry in course.history:
        unfinished = entry.what is What.DELETED and entry.job.finished_at is None
        if unfinished and entry.node is not None and not _replaced(course, entry):
            yield violation("S9", course, entry.job.scheduled_at, f"deleted by {entry.node} for no newer one")
    for begin, end, job in spans:
        for start, stop, other in spans:
            together, apart = max(begin, start), min(end, stop)
            if (
                apart > together + OVERLAP
                and instant_of(other) > instant_of(job)
                and _outlived(course, together, apart)
            ):
                yield violation("S9", course, job.scheduled_at, f"outlives {other.name}")


def never_back(course: Course) -> Iterator[Violation]:
    """S10: `settledThrough` and `lastScheduleTime` never move back."""
    for before, after in pairwise(course.told):
        for name in ("settledThrough", "lastScheduleTime"):
            old, new = before.status.get(name), after.status.get(name)
            if old is not None and (new is None or time_of(new) < time_of(old)):
                yield violation("S10", course, after.at, f"{name} moved from {old} back to {new}")


def _replaced(course: Course, entry: Happening) -> bool:
    """Whether a Job was deleted in favour of a newer one, which came, or which something kept from coming."""
    limit = course.bound(entry.at)
    wish = course.life.wish_at(entry.at)
    ends = [course.evidence.ended, course.life.ended, wish.until if wish is not None else None]
    if any(end is not None and end <= limit for end in ends) or course.life.wish_at(entry.at - IN_FLIGHT) is not wish:
        return True
    came = any(instant_of(job) > instant_of(entry.job) for begin, _, job in course.spans if begin <= limit)
    too_late = any(
        instant > instant_of(entry.job) and outcome.reason == "MissedDeadline" and entry.at <= outcome.told_at <= limit
        for instant, outcome in course.outcomes.items()
    )
    return wish is not None and wish.policy == "Replace" and (came or too_late)


def _outlived(course: Course, together: datetime, apart: datetime) -> bool:
    """Whether a Job lives on beside a newer one for longer than Replace lets it."""
    limit = course.bound(together) - WITHOUT_FAULT + OVERLAP
    wish = course.life.wish_at(together)
    return apart > limit and wish is not None and wish.policy == "Replace" and (wish.until or limit) >= limit
