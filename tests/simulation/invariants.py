"""What must have held in a run: each function reads the evidence and names what broke, by the letter of INVARIANTS.

Nothing here asks a replica. Expected instants come from `reference`, what happened from the fake API server's history
and from every status that it ever stored. An empty answer of `check` is a valid run.

What a fault excuses is time, never a firing: an instant gets `WITHOUT_FAULT` from its instant, or `AFTER_DEATH` from
the death of a replica that came before that was over. What the author changes meanwhile excuses the instants in
between, and only those.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import pairwise

from controller.jobs import Job
from tests.fakes.happenings import Happening, What
from tests.simulation.evidence import Evidence, Told
from tests.simulation.reference import Expected, Life, Wish, instants, is_instant, lives

WITHOUT_FAULT = timedelta(seconds=2)
"""L1: D."""
AFTER_DEATH = timedelta(seconds=8)
"""L2: F, from the death of a replica."""
DEATH = "kill"
EARLY = timedelta(milliseconds=100)
"""S3: the tolerance."""
OBEYED_WITHIN = timedelta(seconds=1)
"""S5, S6: from then on a suspension or a deletion must be obeyed."""
DEADLINE_GRACE = timedelta(seconds=1)
"""S4: how far past `startingDeadlineSeconds` a Job may still be created."""
IN_FLIGHT = timedelta(milliseconds=200)
"""A request is on its way for so long, in the slowest network of the runs: what it rests on may have changed since."""
SETTLED_WITHIN = timedelta(seconds=2)
"""L4: an instant is settled so long after its outcome, at the latest."""
OVERLAP = timedelta(seconds=2)
"""S9: how long an older Job may live on beside a newer one under Replace, while it is being deleted."""
RECENT = 10
"""How many outcomes the status shows."""

CREATED = "Created"
COUNTED_AS = {
    CREATED: "created",
    "SkippedForbid": "skipped",
    "SkippedSuspended": "skipped",
    "MissedDeadline": "missed",
    "MissedCatchUp": "missed",
    "MissedEdit": "missed",
    "CreateFailed": "createFailed",
}
"""The reason words of the API, and the count that each belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that must not happen.

    Attributes:
        rule: The letter in INVARIANTS.
        uid: The object that it happened to; empty if it is nobody's.
        at: The instant, or the moment.
    """

    rule: str
    what: str
    uid: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        when = "" if self.at is None else f" {self.at:%H:%M:%S.%f}"[:-3]
        return f"{self.rule}{when}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a status said of one instant, and when first."""

    reason: str
    told_at: datetime


@dataclass(kw_only=True)
class Course:
    """The evidence about one object, in order."""

    evidence: Evidence
    life: Life
    history: list[Happening]
    told: list[Told]

    @cached_property
    def created(self) -> dict[datetime, Happening]:
        """By instant, the first creation of its Job."""
        found: dict[datetime, Happening] = {}
        for entry in self.history:
            if entry.what is What.CREATED and entry.job.scheduled_at is not None:
                found.setdefault(entry.job.scheduled_at, entry)
        return found

    @cached_property
    def spans(self) -> list[tuple[datetime, datetime, Job]]:
        """Each Job from its creation until it had ended or was gone (or until the end of the run)."""
        ends: dict[str, datetime] = {}
        for entry in self.history:
            if entry.what is not What.CREATED:
                ends.setdefault(entry.job.uid, entry.at)
        starts = [entry for entry in self.history if entry.what is What.CREATED]
        return [(entry.at, ends.get(entry.job.uid, self.evidence.ended), entry.job) for entry in starts]

    @cached_property
    def outcomes(self) -> dict[datetime, Outcome]:
        """By instant, the outcome that a status told first."""
        found: dict[datetime, Outcome] = {}
        for told in self.told:
            for raw in told.status.get("recent", ()):
                found.setdefault(_time(raw["scheduledAt"]), Outcome(reason=raw["reason"], told_at=told.at))
        return found

    @cached_property
    def claimed_by(self) -> dict[datetime, int]:
        """By instant, the generation whose status first had a waiting slot for it."""
        found: dict[datetime, int] = {}
        for told in self.told:
            for slot in told.status.get("active", ()):
                if "uid" not in slot:
                    found.setdefault(_time(slot["scheduledAt"]), told.generation)
        return found

    def wish_behind(self, entry: Happening) -> Wish | None:
        """The wish that a Job stands for: the one that it names, or the one before, if its slot was claimed by that.

        A slot that is claimed just before an edit is filled after it, and the Job then names the later generation.
        """
        claimed = self.claimed_by.get(_instant(entry.job))
        named = entry.generation or 0
        return self.life.wish_of(named if claimed is None else min(claimed, named))

    def bound(self, instant: datetime) -> datetime:
        """Until when its outcome must be there."""
        bound = instant + WITHOUT_FAULT
        for fault in self.evidence.faults:
            if fault.what == DEATH and fault.at <= bound:
                bound = max(bound, fault.at + AFTER_DEATH)
        return bound


def courses(evidence: Evidence) -> list[Course]:
    """The evidence, object by object."""
    history: dict[str, list[Happening]] = defaultdict(list)
    told: dict[str, list[Told]] = defaultdict(list)
    for entry in evidence.history:
        history[entry.job.owner_uid].append(entry)
    for one in evidence.told:
        told[one.uid].append(one)
    return [
        Course(evidence=evidence, life=life, history=history[life.uid], told=told[life.uid])
        for life in lives(evidence.edits)
    ]


def check(evidence: Evidence) -> list[Violation]:
    """Everything that broke in a run."""
    found = [Violation(rule="bug", what=bug) for bug in evidence.bugs]
    found += ring_agreed(evidence)
    for course in courses(evidence):
        for rule in RULES:
            found += rule(course)
    return found


# --- safety ---------------------------------------------------------------------------------------------------------


def once(course: Course) -> Iterator[Violation]:
    """S1: at most one Job for each instant, deleted ones included."""
    for entry in course.history:
        instant = entry.job.scheduled_at
        if entry.what is What.CREATED and instant is not None and course.created[instant] is not entry:
            yield _violation("S1", course, instant, f"a second Job, by {entry.node} at {entry.at:%H:%M:%S.%f}")


def none_invented(course: Course) -> Iterator[Violation]:
    """S2: every Job stands for an instant of the spec that it names."""
    for instant, entry in course.created.items():
        wish = course.wish_behind(entry)
        if wish is None or not is_instant(wish.spec, instant):
            yield _violation("S2", course, instant, f"generation {entry.generation} has no such instant")


def never_early(course: Course) -> Iterator[Violation]:
    """S3: no Job before its instant, by true time."""
    for instant, entry in course.created.items():
        if entry.at < instant - EARLY:
            yield _violation("S3", course, instant, f"created {instant - entry.at} before, by {entry.node}")


def never_past_deadline(course: Course) -> Iterator[Violation]:
    """S4: no Job after its deadline."""
    for instant, entry in course.created.items():
        wish = course.life.wish_of(entry.generation or 0)
        if wish and wish.deadline is not None and entry.at > instant + wish.deadline + DEADLINE_GRACE + IN_FLIGHT:
            yield _violation("S4", course, instant, f"created {entry.at - instant} late, the deadline is over")


def author_obeyed(course: Course) -> Iterator[Violation]:
    """S5, S6: no Job once the object has been suspended or deleted for a while. S7: no edit fires backwards."""
    for instant, entry in course.created.items():
        wish = course.life.wish_at(entry.at - OBEYED_WITHIN)
        if course.life.ended is not None and entry.at > course.life.ended + OBEYED_WITHIN:
            yield _violation("S6", course, instant, f"created {entry.at - course.life.ended} after the deletion")
        elif wish is not None and wish.suspended and course.life.wish_at(entry.at) is wish:
            yield _violation("S5", course, instant, f"created at {entry.at:%H:%M:%S.%f}, while suspended")
        named = course.wish_behind(entry)
        if named is not None and instant <= _unchanged_since(course.life, named):
            yield _violation("S7", course, instant, f"fired by generation {entry.generation}, which came after it")


def limit_kept(course: Course) -> Iterator[Violation]:
    """S8: under Forbid never more than one unfinished Job."""
    spans = sorted(course.spans, key=lambda span: span[0])
    for index, (begin, _, job) in enumerate(spans):
        wish = course.life.wish_at(begin)
        others = [other for start, end, other in spans[:index] if start <= begin < end]
        if wish is not None and wish.policy == "Forbid" and others:
            yield _violation("S8", course, job.scheduled_at, f"created while {others[0].name} is active")


def newest_survives(course: Course) -> Iterator[Violation]:
    """S9: under Replace a Job goes only in favour of a newer one, and then it does go."""
    spans = course.spans
    for entry in course.history:
        unfinished = entry.what is What.DELETED and entry.job.finished_at is None
        if unfinished and entry.node is not None and not _replaced(course, entry):
            yield _violation("S9", course, entry.job.scheduled_at, f"deleted by {entry.node} for no newer one")
    for begin, end, job in spans:
        for start, stop, other in spans:
            together, apart = max(begin, start), min(end, stop)
            if apart > together + OVERLAP and _instant(other) > _instant(job) and _outlived(course, together, apart):
                yield _violation("S9", course, job.scheduled_at, f"outlives {other.name}")


def never_back(course: Course) -> Iterator[Violation]:
    """S10: `settledThrough` and `lastScheduleTime` never move back."""
    for before, after in pairwise(course.told):
        for name in ("settledThrough", "lastScheduleTime"):
            old, new = before.status.get(name), after.status.get(name)
            if old is not None and (new is None or _time(new) < _time(old)):
                yield _violation("S10", course, after.at, f"{name} moved from {old} back to {new}")


# --- liveness -------------------------------------------------------------------------------------------------------


def in_time(course: Course) -> Iterator[Violation]:
    """L1, L2: each instant has its Job in time, or the outcome that its policy asks for."""
    for expected in course.life.expected(course.evidence.ended):
        bound = course.bound(expected.at)
        changed = expected.wish.until or course.evidence.ended
        if expected.wish.suspended or bound >= min(changed, course.evidence.ended):
            continue
        rule = "L1" if bound == expected.at + WITHOUT_FAULT else "L2"
        created, outcome = course.created.get(expected.at), course.outcomes.get(expected.at)
        if created is not None:
            if created.at > bound:
                yield _violation(rule, course, expected.at, f"created {created.at - expected.at} late")
        elif outcome is None or outcome.told_at > bound:
            yield _violation(rule, course, expected.at, f"no Job and no outcome until {bound:%H:%M:%S.%f}")
        elif not _excused(course, expected, outcome, bound):
            yield _violation(rule, course, expected.at, f"no Job: {outcome.reason}, which nothing asks for")


def one_outcome(course: Course) -> Iterator[Violation]:
    """L4: each instant has one outcome with a reason that exists, and it agrees with the Jobs."""
    first: dict[datetime, str] = {}
    for told in course.told:
        for raw in told.status.get("recent", ()):
            instant, reason = _time(raw["scheduledAt"]), raw["reason"]
            if first.setdefault(instant, reason) != reason:
                yield _violation("L4", course, instant, f"two outcomes: {first[instant]} and {reason}")
                first[instant] = reason
    for instant, reason in first.items():
        if reason not in COUNTED_AS:
            yield _violation("L4", course, instant, f"an unknown reason {reason}")
        elif (reason == CREATED) != (instant in course.created) and not _crossed(course, instant):
            yield _violation("L4", course, instant, f"told as {reason}, and its Job says otherwise")


def counts_agree(course: Course) -> Iterator[Violation]:
    """L4: the counts of outcomes make up the instants that are due, which are those of the reference."""
    for before, after in pairwise([Told(at=course.evidence.began, uid="", generation=0, status={}), *course.told]):
        counts = after.status.get("counts", {})
        waiting = sum("uid" not in slot for slot in after.status.get("active", ()))
        ended = sum(counts.get(name, 0) for name in set(COUNTED_AS.values()))
        if counts.get("due", 0) != ended + waiting:
            yield _violation("L4", course, after.at, f"{dict(counts)} with {waiting} waiting does not add up")
        yield from _counts_passed(course, before, after)


def all_told(course: Course) -> Iterator[Violation]:
    """L4: every instant that is settled was told with its outcome, as far as the statuses can show it."""
    if any(_ended(after) - _ended(before) > RECENT for before, after in pairwise(course.told)) or not course.told:
        return
    last = course.told[-1].status
    waiting = {_time(slot["scheduledAt"]) for slot in last.get("active", ()) if "uid" not in slot}
    through = _time(last["settledThrough"]) if "settledThrough" in last else course.life.created_at
    steady = {wish.generation for wish in course.life.wishes if wish.same_instants(course.life.wishes[0])}
    for expected in course.life.expected(through):
        if len(steady) == len(course.life.wishes) and expected.at not in {*course.outcomes, *waiting}:
            yield _violation("L4", course, expected.at, "settled without an outcome")


def settled_in_time(course: Course) -> Iterator[Violation]:
    """L4: the ledger does not stand still."""
    last = course.told[-1].status.get("settledThrough") if course.told else None
    through = course.life.created_at if last is None else _time(last)
    end = course.life.ended or course.evidence.ended
    for expected in course.life.expected(end):
        ripe = course.bound(expected.at) + SETTLED_WITHIN < min(end, expected.wish.until or end)
        if ripe and not expected.wish.suspended and expected.at > through:
            yield _violation("L4", course, expected.at, f"not settled at the end: settledThrough is {last}")
            return


def ring_agreed(evidence: Evidence) -> Iterator[Violation]:
    """L5: at the end every replica has all living ones on its ring, and nobody else."""
    living = tuple(sorted(evidence.rings))
    for node, ring in evidence.rings.items():
        if tuple(sorted(ring)) != living:
            yield Violation(rule="L5", what=f"{node} has {', '.join(ring)} on its ring; {', '.join(living)} live")


RULES: tuple[Callable[[Course], Iterable[Violation]], ...] = (
    once,
    none_invented,
    never_early,
    never_past_deadline,
    author_obeyed,
    limit_kept,
    newest_survives,
    never_back,
    in_time,
    one_outcome,
    counts_agree,
    all_told,
    settled_in_time,
)


# --- inside ---------------------------------------------------------------------------------------------------------


def _excused(course: Course, expected: Expected, outcome: Outcome, bound: datetime) -> bool:
    """Whether an instant may have got no Job for this reason."""
    if outcome.reason == "SkippedForbid":
        busy = any(begin <= bound and end >= expected.at - EARLY - IN_FLIGHT for begin, end, _ in course.spans)
        return expected.wish.policy == "Forbid" and busy
    if outcome.reason == "MissedDeadline":
        deadline = expected.wish.deadline
        return deadline is not None and bound > expected.at + deadline and bound != expected.at + WITHOUT_FAULT
    return False


def _crossed(course: Course, instant: datetime) -> bool:
    """Whether a create that was under way met an edit: told as missed by it, since no list could show the Job yet."""
    entry, outcome = course.created.get(instant), course.outcomes[instant]
    edited = outcome.reason in ("MissedEdit", "SkippedSuspended")
    return edited and entry is not None and entry.at > outcome.told_at - 2 * IN_FLIGHT


def _replaced(course: Course, entry: Happening) -> bool:
    """Whether a Job was deleted in favour of a newer one, which came, or which something kept from coming."""
    limit = course.bound(entry.at)
    wish = course.life.wish_at(entry.at)
    ends = [course.evidence.ended, course.life.ended, wish.until if wish is not None else None]
    if any(end is not None and end <= limit for end in ends) or course.life.wish_at(entry.at - IN_FLIGHT) is not wish:
        return True
    came = any(_instant(job) > _instant(entry.job) for begin, _, job in course.spans if begin <= limit)
    too_late = any(
        instant > _instant(entry.job) and outcome.reason == "MissedDeadline" and entry.at <= outcome.told_at <= limit
        for instant, outcome in course.outcomes.items()
    )
    return wish is not None and wish.policy == "Replace" and (came or too_late)


def _outlived(course: Course, together: datetime, apart: datetime) -> bool:
    """Whether a Job lives on beside a newer one for longer than Replace lets it."""
    limit = course.bound(together) - WITHOUT_FAULT + OVERLAP
    wish = course.life.wish_at(together)
    return apart > limit and wish is not None and wish.policy == "Replace" and (wish.until or limit) >= limit


def _counts_passed(course: Course, before: Told, after: Told) -> Iterator[Violation]:
    """Whether `counts.due` grew by the instants that this very write passed."""
    grown = after.status.get("counts", {}).get("due", 0) - before.status.get("counts", {}).get("due", 0)
    new = course.life.wish_of(after.generation)
    old = course.life.wish_of(before.generation) or course.life.wishes[0]
    if new is None or "settledThrough" not in after.status:
        return
    since = before.status.get("settledThrough")
    begin = course.life.created_at if since is None else _time(since)
    end = _time(after.status["settledThrough"])
    passed = len(instants(new.spec, begin, end))
    if new.same_instants(old) or old.spec.get("schedule") == new.spec.get("schedule"):
        if grown != passed:
            yield _violation("L4", course, after.at, f"{grown} counted as due, {passed} instants passed")
    elif not 0 <= grown <= passed + len(instants(old.spec, begin, end)):
        yield _violation("L4", course, after.at, f"{grown} counted as due by an edit, more than there are instants")


def _unchanged_since(life: Life, wish: Wish) -> datetime:
    """Since when the instants of a wish are what they are."""
    since = wish.counts_after
    for other in reversed(life.wishes):
        if other.since < wish.since and other.same_instants(wish):
            since = other.counts_after
        elif other.since < wish.since:
            break
    return since


def _ended(told: Told) -> int:
    counts = told.status.get("counts", {})
    return sum(counts.get(name, 0) for name in set(COUNTED_AS.values()))


def _instant(job: Job) -> datetime:
    return job.scheduled_at or job.created_at


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _violation(rule: str, course: Course, at: datetime | None, what: str) -> Violation:
    return Violation(rule=rule, uid=course.life.uid, at=at, what=f"{course.life.key}: {what}")
