"""What no run may ever break: S1 to S10 of INVARIANTS, as far as a simulation can break them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from controller.jobs import Job
from controller.outcomes import Trigger
from tests.fakes.happenings import Happening, What
from tests.simulation.course import (
    IN_FLIGHT,
    Course,
    Violation,
    instant_of,
    time_of,
    violation,
)
from tests.simulation.patience import OBEYED_WITHIN, WITHOUT_FAULT
from tests.simulation.policies import RETRIED_FOR, refused
from tests.simulation.reference import Wish

DEADLINE_GRACE = timedelta(seconds=1)
"""S4: how far past `startingDeadlineSeconds` a Job may still be created."""
CALM = timedelta(seconds=20)
"""S3: so long after the last trouble a firing is not late."""
ONE_SHIFT = timedelta(seconds=1)
"""S3: shifts are whole seconds, so two of them lie so far apart at least."""
GIVEN_UP = ("MissedDeadline", "CreateFailed", "SkippedSuspended")
"""S9: reasons for which a newer Job may not come after all."""
OVERLAP = timedelta(seconds=2)
"""S9: how long an older Job may live on beside a newer one under Replace, while it is being deleted."""
KEPT = timedelta(seconds=6)
"""S9: so much longer if its slot was contested: another create of it may have been on its way."""


def once(course: Course) -> Iterator[Violation]:
    """S1: at most one Job for each instant, manual run and instant of a backfill, deleted ones included.

    Of an object that is gone its Jobs are gone, so no name stops a request that arrives seconds after that. The API
    server clears such a Job away, as one without an owner. The value of a manual run that is written again after
    another one is a run of its own once nobody tells of the first: its Job is gone, and the store does not know of it.
    """
    seen: dict[tuple[str, str | None, datetime | None], Happening] = {}
    for entry in course.creations:
        job = entry.job
        if course.life.ended is not None and entry.at > course.life.ended and course.patience.on_its_way(entry.at):
            continue
        kind = "schedule" if job.trigger.of_schedule else job.trigger.value
        which = (kind, entry.trigger_id, None if job.trigger is Trigger.MANUAL else job.scheduled_at)
        if which in seen and not _asked_anew(course, seen[which], entry):
            told = f"a second Job, {kind}, by {entry.node} at {entry.at:%H:%M:%S.%f}"
            yield violation("S1", course, instant_of(job), told)
        seen[which] = entry


def _asked_anew(course: Course, first: Happening, again: Happening) -> bool:
    """Whether a manual run was asked for again after another one, and nobody could know of the first any more."""
    values = {one.trigger_id for one in course.asked_for(Trigger.MANUAL) if first.at < one.at < again.at}
    gone = any(one.what is What.DELETED and one.job.uid == first.job.uid for one in course.history if one.at < again.at)
    manual = again.job.trigger is Trigger.MANUAL
    return manual and bool(values) and gone and course.patience.forgotten(first.at, again.at)


def none_invented(course: Course) -> Iterator[Violation]:
    """S2: every Job stands for an instant of the spec that it names."""
    for instant, entry in course.created.items():
        wish = course.wish_behind(entry)
        if wish is None or not wish.has_instant(instant):
            yield violation("S2", course, instant, f"generation {entry.generation} has no such instant")


def never_early(course: Course) -> Iterator[Violation]:
    """S3: no Job before its instant, by true time; the jitter puts off all firings of an object by one share of it."""
    if course.put_off > course.jitter and _quiet(course):
        yield violation(
            "S3", course, None, f"put off by {course.put_off}, which is more than {course.jitter.total_seconds():g} s"
        )
    for instant, entry in course.created.items():
        if entry.at < instant - course.early(entry.node, entry.at):
            yield violation("S3", course, instant, f"created {instant - entry.at} before, by {entry.node}")
    for instant, entry in _quiet(course):
        if course.jitter and entry.at >= instant + course.shift + ONE_SHIFT:
            others = f"put off by {entry.at - instant}, others by {course.shift}"
            yield violation("S3", course, instant, others)


def _quiet(course: Course) -> list[tuple[datetime, Happening]]:
    """Firings of the schedule that nothing can have delayed: no limit on Jobs, no fault and no request before them."""
    faults = course.evidence.faults
    free = all(wish.policy == "Allow" and "maxRuns" not in wish.spec for wish in course.life.wishes)
    written = [*(wish.since for wish in course.life.wishes), *(one.at for one in course.annotated)]
    lasting = [(fault.at, fault.until) for fault in faults if fault.excuses and fault.until is not None]
    troubles = [*lasting, *((at, at) for at in (*written, *(fault.at for fault in faults)))]
    return [
        (instant, entry)
        for instant, entry in (course.created.items() if free else ())
        if entry.job.trigger is Trigger.SCHEDULE
        and not any(begin <= entry.at and end > instant - CALM for begin, end in troubles)
    ]


def never_past_deadline(course: Course) -> Iterator[Violation]:
    """S4: no Job after its deadline."""
    for instant, entry in course.created.items():
        wish = course.life.wish_of(entry.generation or 0)
        if wish is None or wish.deadline is None:
            continue
        within = DEADLINE_GRACE + IN_FLIGHT + course.patience.on_its_way(entry.at)
        if entry.at > instant + course.shift + wish.deadline + within:
            yield violation("S4", course, instant, f"created {entry.at - instant} late, the deadline is over")


def author_obeyed(course: Course) -> Iterator[Violation]:
    """S5, S6: no Job once the object has been suspended or deleted for a while. S7: no edit fires backwards.

    A manual run runs under suspension.
    """
    for entry in course.creations:
        within = course.patience.obeyed_within(entry.at) + course.patience.on_its_way(entry.at)
        instant, wish = instant_of(entry.job), course.life.wish_at(entry.at - within)
        if course.life.ended is not None and entry.at > course.life.ended + within:
            yield violation("S6", course, instant, f"created {entry.at - course.life.ended} after the deletion")
        elif entry.job.trigger is Trigger.MANUAL:
            continue
        elif wish is not None and wish.suspended and course.life.wish_at(entry.at) is wish:
            yield violation("S5", course, instant, f"created at {entry.at:%H:%M:%S.%f}, while suspended")
    for instant, entry in course.created.items():
        due_at = instant + course.shift
        named, held = course.wish_behind(entry), course.life.wish_at(due_at)
        same = named is not None and held is not None and (held.same_instants(named) or _unseen(course, held, named))
        if named is not None and not same and due_at <= named.counts_after:
            yield violation("S7", course, instant, f"fired by generation {entry.generation}, which came after it")


def _unseen(course: Course, held: Wish, named: Wish) -> bool:
    """Whether a suspension was over before anybody had to see it, and nobody has: the object shows no trace of it.

    It is stated among what may still happen. Without a fault a suspension has to be seen within a second (S5).
    """
    must_see = max(
        course.patience.bound(held.since) - WITHOUT_FAULT + OBEYED_WITHIN, course.patience.unseen_until(held.since)
    )
    told = any(one.generation == held.generation and one.at >= held.since for one in course.told)
    over = held.until is not None and held.until <= must_see
    return over and not told and held.suspended and held.same_schedule(named)


def limit_kept(course: Course) -> Iterator[Violation]:
    """S8: under Forbid and Queue never more than `maxActiveJobs` unfinished Jobs, whatever they were created for.

    Under Allow the same holds of the Jobs of backfills alone.
    """
    spans = sorted(course.spans, key=lambda span: span[0])
    for index, (begin, _, job) in enumerate(spans):
        wish, before = course.life.wish_at(begin), course.life.wish_at(begin - OBEYED_WITHIN)
        if wish is None or course.promised_before(job, wish):
            continue
        if before is not None and (before.policy, before.slots) != (wish.policy, wish.slots):
            continue  # the create was under way when the policy was edited
        if _given_up_on_its_way(course, job, begin):
            continue
        others = [other for start, end, other in spans[:index] if start <= begin < end]
        if wish.policy == "Allow":
            backfill = job.trigger is Trigger.BACKFILL
            others = [other for other in others if backfill and other.trigger is Trigger.BACKFILL]
        limited = wish.policy in ("Allow", "Forbid", "Queue")
        if limited and len(others) >= wish.slots:
            yield violation("S8", course, job.scheduled_at, f"{job.name} created while {others[0].name} is active")


def _given_up_on_its_way(course: Course, job: Job, at: datetime) -> bool:
    """Whether a Job's create was seconds on its way, and its instant was given up meanwhile.

    It is stated among what may still happen.
    """
    outcome = course.outcomes.get(instant_of(job))
    gone_by = course.patience.on_its_way(at)
    return outcome is not None and outcome.reason in GIVEN_UP and at - gone_by <= outcome.told_at < at


def newest_survives(course: Course) -> Iterator[Violation]:
    """S9: under Replace a Job goes only in favour of a newer one, and then it does go."""
    spans = course.spans
    for entry in course.history:
        unfinished = entry.what is What.DELETED and entry.job.finished_at is None
        if unfinished and entry.node is not None and not _replaced(course, entry):
            yield violation("S9", course, entry.job.scheduled_at, f"deleted by {entry.node} for no newer one")
    replaces = any(wish.policy == "Replace" for wish in course.life.wishes)
    for begin, end, job in spans if replaces else ():
        newer = [
            (start, stop)
            for start, stop, other in spans
            if start < end and stop > begin and course.due_at(other) > course.due_at(job)
        ]
        for start, stop in newer:
            together = max(begin, start)
            apart = _apart(course, together, [min(end, stop) for start, stop in newer if start <= together < stop])
            if apart > together + OVERLAP and _outlived(course, job, together, apart):
                yield violation("S9", course, job.scheduled_at, f"outlives newer ones from {together:%H:%M:%S.%f} on")
                break


def never_back(course: Course) -> Iterator[Violation]:
    """S10: `settledThrough` and `lastScheduleTime` never move back."""
    for before, after in pairwise(course.told):
        for name in ("settledThrough", "lastScheduleTime"):
            old, new = before.status.get(name), after.status.get(name)
            if old is not None and (new is None or time_of(new) < time_of(old)):
                yield violation("S10", course, after.at, f"{name} moved from {old} back to {new}")


def _replaced(course: Course, entry: Happening) -> bool:
    """Whether a Job was deleted in favour of a newer one, which came, or which something kept from coming."""
    limit = course.patience.bound(entry.at)
    wish = course.life.wish_at(entry.at)
    ends = [course.evidence.ended, course.life.ended, wish.until if wish is not None else None]
    if any(end is not None and end <= limit for end in ends) or course.life.wish_at(entry.at - IN_FLIGHT) is not wish:
        return True
    newer = [
        job
        for begin, end, job in course.spans
        if course.due_at(job) >= course.due_at(entry.job)  # a manual run and an instant may fall into one second
        and job.uid != entry.job.uid
        and begin <= limit
        and end >= entry.at - OBEYED_WITHIN  # its end is seen a little later
    ]
    too_late = any(
        instant + course.shift > course.due_at(entry.job)
        and outcome.reason in GIVEN_UP
        and entry.at <= outcome.told_at <= limit
        for instant, outcome in course.outcomes.items()
    )
    return (
        wish is not None
        and wish.policy == "Replace"
        and (len(newer) >= wish.slots or too_late or refused(course, entry.at - RETRIED_FOR, limit))
    )


def _apart(course: Course, together: datetime, until: list[datetime]) -> datetime:
    """Until when so many newer Jobs live beside one that it should have gone."""
    wish = course.life.wish_at(together)
    slots = 1 if wish is None else wish.slots
    return sorted(until, reverse=True)[slots - 1] if len(until) >= slots else together


def _outlived(course: Course, job: Job, together: datetime, apart: datetime) -> bool:
    """Whether a Job lives on beside a newer one for longer than Replace lets it."""
    slots = (slot for told in course.told for slot in told.status.get("active", ()) if slot["name"] == job.name)
    contested = any(slot.get("contested") for slot in slots)
    kept = KEPT if contested else timedelta(0)
    bound = max(course.patience.bound(together) + kept, course.patience.bound(together + kept))
    limit = bound - WITHOUT_FAULT + OVERLAP
    wish = course.life.wish_at(together)
    return apart > limit and wish is not None and wish.policy == "Replace" and (wish.until or limit) >= limit
