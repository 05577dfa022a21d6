"""What the policies promise, beyond the limits in `safety`: the queue, limited runs, and honest reasons.

Each rule reads the Jobs and the statuses, and the specs as JSON; none of them repeats how the controller decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.simulation.asked import SUSPEND_UNTIL, requests
from tests.simulation.course import (
    EARLY,
    IN_FLIGHT,
    Course,
    Outcome,
    Violation,
    condition,
    of_schedule,
    runs_promised,
    time_of,
    violation,
)
from tests.simulation.evidence import QUOTA_FREE, QUOTA_FULL, Told
from tests.simulation.reference import Expected, Wish

NEAR = timedelta(seconds=1)
"""L4: an edit that lies so near is told from what came before it by nobody: its stamp is cut to the second."""
SETTLED_WITHIN = timedelta(seconds=2)
"""L4: an instant is settled so long after it must have fired, at the latest."""
RETRIED_FOR = timedelta(seconds=40)
"""A create that was refused may be tried so long after the refusals are over, and holds up what comes after it."""
LATE = timedelta(seconds=10)
"""For so long an instant is only late, and fires whatever the catch-up policy says."""
SKEW = timedelta(milliseconds=300)
"""How wrong a corrected clock may be, in the slowest network of the runs."""


def queue_kept(course: Course) -> Iterator[Violation]:
    """S8: no more wait than `queueLimit` lets, the oldest first, and whoever comes new stands behind."""
    for before, after in pairwise(course.told):
        old, new = (told.status.get("queued", []) for told in (before, after))
        wish = course.life.wish_of(after.generation)
        if wish is not None and len(new) > max(int(wish.spec.get("queueLimit", 1)), len(old)):
            yield violation("S8", course, after.at, f"{len(new)} wait")
        instants = [time_of(raw["scheduledAt"]) for raw in of_schedule(new)]
        if instants != sorted(instants):
            yield violation("S8", course, after.at, "the queue is not in order")
        stayed = [raw for raw in old if raw in new]
        if new[: len(stayed)] != stayed:
            yield violation("S8", course, after.at, "somebody was put before those that wait")
        promised = {_which(slot) for slot in after.status.get("active", ())}
        overtaken = [raw for index, raw in enumerate(old) if any(_which(late) in promised for late in old[index + 1 :])]
        if any(raw in new for raw in overtaken):
            yield violation("S8", course, after.at, "somebody younger was let in before")


def _which(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    return (raw["scheduledAt"], raw.get("triggerId"))


def runs_kept(course: Course) -> Iterator[Violation]:
    """No more firings of the schedule than `maxRuns`; Completed says when they are over."""
    limit = course.life.wishes[0].spec.get("maxRuns")
    if limit is None:
        return
    if len(course.created) > limit:
        late = list(course.created)[limit]
        yield violation("maxRuns", course, late, f"{len(course.created)} Jobs, {limit} were to be")
    for told in course.told:
        created = told.status.get("counts", {}).get("created", 0)
        completed = condition(told, "Completed")
        if created > limit or (created == limit and completed is not True):
            yield violation("maxRuns", course, told.at, f"{created} of {limit} runs, Completed is {completed}")


def reasons_hold(course: Course) -> Iterator[Violation]:
    """L4: an instant without a Job was turned away for a reason that the evidence bears out.

    Where it leaves open how far the object's firings are put off, one shift bears out all of them.
    """
    for instant in min((_unfounded(course, shift) for shift in course.shifts), key=len):
        outcome = course.outcomes[instant]
        yield violation("L4", course, instant, f"{outcome.reason}, told at {outcome.told_at:%H:%M:%S.%f}: why?")


def _unfounded(course: Course, shift: timedelta) -> list[datetime]:
    """The instants whose outcomes nothing bears out, if all are put off by so much."""
    turned_away = [(instant, found) for instant, found in course.outcomes.items() if found.reason != "Created"]
    return [instant for instant, found in turned_away if not _borne_out(course, instant + shift, found)]


def _borne_out(course: Course, due_at: datetime, outcome: Outcome) -> bool:
    told_at = outcome.told_at
    wishes = [
        wish
        for wish in course.life.wishes
        if wish.since <= told_at and (wish.until is None or wish.until >= due_at - NEAR)
    ]
    since = min(due_at, told_at - timedelta.resolution)  # a clock may be a little ahead: what stood before it was told
    told = [course.told_at(since), *(one for one in course.told if since <= one.at <= told_at)]
    policies = {wish.policy for wish in wishes}
    match outcome.reason:
        case "SkippedForbid":
            given_up = "Queue" in policies and len(policies) > 1
            return given_up or ("Forbid" in policies and _busy(course, told, due_at, told_at, wishes))
        case "SkippedQueueFull":
            limit = min(int(wish.spec.get("queueLimit", 1)) for wish in wishes)
            return "Queue" in policies and any(len(one.status.get("queued", ())) >= limit for one in told)
        case "SkippedSuspended":
            circuit = any(condition(one, "CircuitOpen") for one in told)
            suspended = any(wish.suspended for wish in wishes) or _resumed_unseen(course, due_at, told_at)
            return circuit or suspended or _paused(course, due_at, told_at)
        case "MissedDeadline":
            return any(wish.deadline is not None and told_at >= due_at + wish.deadline - SKEW for wish in wishes)
        case "MissedCatchUp":
            all_wanted = all(wish.spec.get("catchUpPolicy") == "All" for wish in wishes)
            return told_at >= due_at + LATE - SKEW and not all_wanted
        case "MissedEdit":
            edited = any(due_at <= wish.since + timedelta(seconds=1) for wish in wishes[1:])
            return edited and not _known_to_be_paused(course, due_at, told_at)
        case "CreateFailed":
            return refused(course, min(due_at, told_at) - NEAR, told_at)
    return False


def _resumed_unseen(course: Course, since: datetime, until: datetime) -> bool:
    """Whether a suspension was ended by an edit that nobody could see before the next one, which passes for its end."""
    for held, resumed, after in zip(course.life.wishes, course.life.wishes[1:], course.life.wishes[2:], strict=False):
        over = after.since <= course.patience.news_by(resumed.since)
        told = any(one.generation == resumed.generation for one in course.told)
        if held.suspended and over and not told and resumed.since <= since <= after.since <= until:
            return True
    return False


def _busy(course: Course, told: list[Told], since: datetime, until: datetime, wishes: list[Wish]) -> bool:
    """Whether as many Jobs as may be were active, or promised, about then."""
    slots = min(wish.slots for wish in wishes)
    names = {job.name for begin, end, job in course.spans if begin <= until and end >= since - EARLY - IN_FLIGHT}
    names |= {slot["name"] for one in told for slot in one.status.get("active", ())}
    return len(names) >= slots


def _paused(course: Course, since: datetime, until: datetime) -> bool:
    """Whether a pause covers a moment between these; one that is taken away ends when somebody sees it."""
    return any(
        pause.since <= until and course.patience.news_by(pause.until) >= since and time_of(pause.value) > since
        for pause in requests(course, SUSPEND_UNTIL)
    )


def _known_to_be_paused(course: Course, due_at: datetime, told_at: datetime) -> bool:
    """Whether a moment lies in a pause that a status had told of by then, and that still stood when this was told."""
    return any(
        pause.until >= told_at
        and time_of(pause.value) > due_at + NEAR
        and any(one.at <= due_at and one.status.get("suspendedUntil") == pause.value for one in course.told)
        for pause in requests(course, SUSPEND_UNTIL)
    )


def settled_soon(course: Course) -> Iterator[Violation]:
    """L1, L2, L4: the ledger passes each instant in time, fired, promised, waiting or turned away."""
    started = [told for told in course.told if "settledThrough" in told.status]
    passed = [(told.at, time_of(told.status["settledThrough"])) for told in started]
    for expected in course.expected:
        seen_at = course.patience.unseen_until(expected.wish.since)
        by = max(course.patience.bound(expected.at + course.shift), seen_at) + SETTLED_WITHIN
        changed = expected.wish.until or course.life.ended or course.evidence.ended
        if by >= min(changed, course.evidence.ended) or _rests(course, expected, by):
            continue
        if not any(at <= by and through >= expected.at for at, through in passed):
            yield violation("L4", course, expected.at, f"not settled until {by:%H:%M:%S.%f}")


def _rests(course: Course, expected: Expected, by: datetime) -> bool:
    """Whether nothing fires about then, or something holds up the creates."""
    due_at = expected.at + course.shift
    told = [course.told_at(due_at), *(one for one in course.told if due_at <= one.at <= by)]
    resting = expected.wish.suspended or any(condition(one, "CircuitOpen") for one in told)
    over = any(runs_promised(one) >= expected.wish.spec.get("maxRuns", 1 << 30) for one in told)
    return resting or over or _paused(course, due_at, by) or refused(course, due_at - RETRIED_FOR, by)


def promises_kept(course: Course) -> Iterator[Violation]:
    """L1, L2: a slot that was claimed gets its Job in time, whatever it was claimed for, or is given up."""
    begun: dict[str, datetime] = {}
    backfilled: set[str] = set()
    created = {entry.job.name: entry.at for entry in course.creations}
    end = course.life.ended or course.evidence.ended
    for told in course.told:
        for slot in told.status.get("active", ()):
            if "uid" not in slot:
                begun.setdefault(slot["name"], told.at)
                backfilled |= {slot["name"]} if slot.get("trigger") == "backfill" else set()
    for name, at in begun.items():
        by = course.patience.bound(at + course.shift) + SETTLED_WITHIN
        wish = course.life.wish_at(at)
        if by >= end or wish is None or (wish.until is not None and wish.until <= by):
            continue
        held_up = refused(course, at, by) or _paused(course, at, by) or wish.suspended
        held_up = held_up or (name in backfilled and wish.policy != "Allow")  # it makes way for others once more
        held_up = held_up or any(condition(one, "CircuitOpen") for one in course.told if one.at <= by)
        unfilled = [one.at for one in course.told if one.at <= by and _unseen(one, name)]
        given_up = any(one.at > unfilled[-1] and one.at <= by for one in course.told)
        if not held_up and created.get(name, by) >= by and not given_up:
            yield violation("L1", course, at, f"the slot {name} has no Job until {by:%H:%M:%S.%f}")


def _unseen(told: Told, name: str) -> bool:
    return any(slot["name"] == name and "uid" not in slot for slot in told.status.get("active", ()))


def refused(course: Course, since: datetime, until: datetime) -> bool:
    """Whether the API server refused this object's Jobs at some time between two moments."""
    full_at: datetime | None = None
    for fault in course.evidence.faults:
        if fault.node != course.life.key.namespace:
            continue
        if fault.what == QUOTA_FULL:
            full_at = fault.at
        elif fault.what == QUOTA_FREE and full_at is not None:
            if full_at <= until and fault.at >= since:
                return True
            full_at = None
    never_taken = any(
        pod_of(wish).get("restartPolicy") == "Always" and wish.since <= until and (wish.until or until) >= since
        for wish in course.life.wishes
    )
    return never_taken or (full_at is not None and full_at <= until)


def pod_of(wish: Wish) -> Mapping[str, Any]:
    """The pod's spec in a wish."""
    found: Mapping[str, Any] = wish.spec.get("jobTemplate", {}).get("spec", {}).get("template", {}).get("spec", {})
    return found
