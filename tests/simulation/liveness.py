"""What must happen in a run: each instant in time, with exactly one outcome (L1, L2, L4 of INVARIANTS).

What the author changes meanwhile excuses the instants in between, and only those.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from tests.checker.excuses import COUNTED_AS, CREATED
from tests.simulation.course import (
    EARLY,
    IN_FLIGHT,
    Course,
    Outcome,
    Violation,
    of_schedule,
    runs_promised,
    time_of,
    violation,
    waiting,
)
from tests.simulation.evidence import Told
from tests.simulation.patience import WITHOUT_FAULT
from tests.simulation.reference import Expected

SETTLED_WITHIN = timedelta(seconds=2)
"""L4: an instant is settled so long after its outcome, at the latest."""
A_TURN = 2 * IN_FLIGHT
"""L1, L2: what waits behind another instant of its object has its Job so long after that one's."""
LATE_WINDOW = timedelta(seconds=10)
"""What is older than this when somebody can fire again goes by `catchUpPolicy`."""
RECENT = 10
"""How many outcomes the status shows."""


def in_time(course: Course) -> Iterator[Violation]:
    """L1, L2: each instant has its Job in time, or the outcome that its policy asks for.

    Jobs of one object are created one after the other. So what waited together may be late by its place in the row, if
    the first was in time.
    """
    turn = course.evidence.began
    for expected in course.life.expected(course.evidence.ended):
        bound = _bound(course, expected)
        changed = expected.wish.until or course.evidence.ended
        if expected.wish.suspended or bound >= min(changed, course.evidence.ended):
            continue
        rule = "L1" if bound == expected.at + WITHOUT_FAULT else "L2"
        bound = max(bound, turn + A_TURN)
        created, outcome = course.created.get(expected.at), course.outcomes.get(expected.at)
        if created is not None:
            if created.at > bound:
                yield violation(rule, course, expected.at, f"created {created.at - expected.at} late")
            else:
                turn = max(turn, created.at)
        elif outcome is None and _settled_unseen(course, expected, bound):
            continue
        elif outcome is None or outcome.told_at > bound:
            yield violation(rule, course, expected.at, f"no Job and no outcome until {bound:%H:%M:%S.%f}")
        elif not _excused(course, expected, outcome, bound):
            yield violation(rule, course, expected.at, f"no Job: {outcome.reason}, which nothing asks for")


def one_outcome(course: Course) -> Iterator[Violation]:
    """L4: each instant has one outcome with a reason that exists, and it agrees with the Jobs."""
    first: dict[datetime, str] = {}
    for told in course.told:
        for raw in of_schedule(told.status.get("recent", ())):
            instant, reason = time_of(raw["scheduledAt"]), raw["reason"]
            if first.setdefault(instant, reason) != reason:
                yield violation("L4", course, instant, f"two outcomes: {first[instant]} and {reason}")
                first[instant] = reason
    for instant, reason in first.items():
        if reason not in COUNTED_AS:
            yield violation("L4", course, instant, f"an unknown reason {reason}")
        elif (reason == CREATED) != (instant in course.created) and not _crossed(course, instant):
            yield violation("L4", course, instant, f"told as {reason}, and its Job says otherwise")


def counts_agree(course: Course) -> Iterator[Violation]:
    """L4: the counts of outcomes make up the instants that are due, which are those of the reference."""
    for before, after in pairwise([Told(at=course.evidence.began, uid="", generation=0, status={}), *course.told]):
        counts = after.status.get("counts", {})
        promised = len(waiting(after))
        ended = sum(counts.get(name, 0) for name in set(COUNTED_AS.values()))
        if counts.get("due", 0) != ended + promised:
            yield violation("L4", course, after.at, f"{dict(counts)} with {promised} waiting does not add up")
        yield from _counts_passed(course, before, after)


def all_told(course: Course) -> Iterator[Violation]:
    """L4: every instant that is settled was told with its outcome, as far as the statuses can show it."""
    if any(_ended(after) - _ended(before) > RECENT for before, after in pairwise(course.told)) or not course.told:
        return
    last = course.told[-1].status
    promised = {time_of(slot["scheduledAt"]) for slot in waiting(course.told[-1])}
    through = time_of(last["settledThrough"]) if "settledThrough" in last else course.life.created_at
    steady = {wish.generation for wish in course.life.wishes if wish.same_instants(course.life.wishes[0])}
    for expected in course.life.expected(through):
        if len(steady) == len(course.life.wishes) and expected.at not in {*course.outcomes, *promised}:
            yield violation("L4", course, expected.at, "settled without an outcome")


def settled_in_time(course: Course) -> Iterator[Violation]:
    """L4: the ledger does not stand still."""
    last = course.told[-1].status.get("settledThrough") if course.told else None
    through = course.life.created_at if last is None else time_of(last)
    end = course.life.ended or course.evidence.ended
    for expected in course.life.expected(end):
        ripe = _bound(course, expected) + SETTLED_WITHIN < min(end, expected.wish.until or end)
        if ripe and not expected.wish.suspended and expected.at > through:
            yield violation("L4", course, expected.at, f"not settled at the end: settledThrough is {last}")
            return


def _bound(course: Course, expected: Expected) -> datetime:
    """Until when an instant must have its outcome: it cannot before the wish that it is of is seen."""
    return max(course.patience.bound(expected.at), course.patience.unseen_until(expected.wish.since))


def _excused(course: Course, expected: Expected, outcome: Outcome, bound: datetime) -> bool:
    """Whether an instant may have got no Job for this reason."""
    if outcome.reason == "SkippedForbid":
        busy = any(begin <= bound and end >= expected.at - EARLY - IN_FLIGHT for begin, end, _ in course.spans)
        return expected.wish.policy == "Forbid" and (busy or _promised_before(course, expected, outcome))
    if outcome.reason == "MissedDeadline":
        deadline = expected.wish.deadline
        return deadline is not None and bound > expected.at + deadline and bound != expected.at + WITHOUT_FAULT
    if outcome.reason == "MissedCatchUp":
        unseen = course.patience.unseen_until(expected.wish.since) >= bound
        nobody = course.patience.nobody_could(expected.at) or course.patience.death_drags_on(expected.at)
        return (nobody or unseen) and bound > expected.at + LATE_WINDOW
    return False


def _promised_before(course: Course, expected: Expected, outcome: Outcome) -> bool:
    """Whether an older firing had its place then: it keeps it until it is given up, though it has no Job yet."""
    told = (one for one in course.told if expected.at - EARLY <= one.at <= outcome.told_at)
    earlier = (*told, course.told_at(expected.at))
    return any(time_of(slot["scheduledAt"]) < expected.at for one in earlier for slot in waiting(one))


def _settled_unseen(course: Course, expected: Expected, bound: datetime) -> bool:
    """Whether an instant that may have been missed went with more outcomes than one status shows."""
    missed = [Outcome(reason=reason, told_at=bound) for reason in ("MissedDeadline", "MissedCatchUp")]
    if not any(_excused(course, expected, outcome, bound) for outcome in missed):
        return False
    for before, after in pairwise(course.told):
        through = after.status.get("settledThrough")
        if through is not None and time_of(through) >= expected.at:
            return after.at <= bound and _ended(after) - _ended(before) > RECENT
    return False


def _crossed(course: Course, instant: datetime) -> bool:
    """Whether a create that was under way met an edit: told as missed by it, since no list could show the Job yet.

    Where requests are seconds on their way, each of the two may find that the other was first.
    """
    entry, outcome = course.created.get(instant), course.outcomes[instant]
    if entry is not None and abs(entry.at - outcome.told_at) <= course.patience.on_its_way(entry.at):
        return True
    if entry is not None and course.told_beside(entry):
        return True
    edited = outcome.reason in ("MissedEdit", "SkippedSuspended")
    if outcome.reason == "CreateFailed" and entry is not None and course.given_up_beside(entry):
        return True
    return edited and entry is not None and entry.at > outcome.told_at - 2 * IN_FLIGHT


def _counts_passed(course: Course, before: Told, after: Told) -> Iterator[Violation]:
    """Whether `counts.due` grew by the instants that this very write passed."""
    grown = after.status.get("counts", {}).get("due", 0) - before.status.get("counts", {}).get("due", 0)
    new = course.life.wish_of(after.generation)
    counted_for = before.status.get("observedGeneration", before.generation)  # the end of a pause may be closed first
    old = course.life.wish_of(counted_for) or course.life.wishes[0]
    if new is None or "settledThrough" not in after.status:
        return
    since = before.status.get("settledThrough")
    begin = course.life.created_at if since is None else time_of(since)
    end = time_of(after.status["settledThrough"])
    passed = len(new.instants(begin, end))
    ends = (course.shifts[0], course.shifts[-1]) if since is None else (timedelta(0), timedelta(0))
    least, most = (len(new.instants(begin - shift, end)) for shift in ends)
    no_more = runs_promised(before) >= new.spec.get("maxRuns", 1 << 30)  # what follows the last run is no instant
    if new.same_instants(old) or old.spec.get("schedule") == new.spec.get("schedule"):
        crossed = sum(begin < at <= end and not new.has_instant(at) for at in course.created)  # it had met an edit
        if not least <= grown <= most + crossed and not (grown == 0 and no_more):
            yield violation("L4", course, after.at, f"{grown} counted as due, {passed} instants passed")
        return
    foreign = (at for at in course.created if not (new.has_instant(at) or old.has_instant(at)))
    crossed = sum(begin < at <= end for at in foreign)  # of one more edit in between
    if not 0 <= grown <= passed + len(old.instants(begin, end)) + crossed:
        yield violation("L4", course, after.at, f"{grown} counted as due by an edit, more than there are instants")


def _ended(told: Told) -> int:
    counts = told.status.get("counts", {})
    return sum(counts.get(name, 0) for name in set(COUNTED_AS.values()))
