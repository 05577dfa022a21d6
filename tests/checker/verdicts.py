"""What became of each (object, instant), with a sentence that a person can act on.

Each instant that was due has one verdict, and so has each instant that a Job stands for without being due. Whether a
verdict breaks the run is said with it; which rule it breaks is said by `rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tests.checker.excuses import excuse
from tests.checker.history import EARLY, CronObject, MadeJob
from tests.checker.lives import Due, Life, rests
from tests.checker.patience import allowed_until
from tests.checker.words import clock, job_told, seconds

SEEN_WITHIN = timedelta(seconds=1)
"""So long after its acknowledgement a suspension may not have been seen yet (INVARIANTS, S5)."""


class Kind(StrEnum):
    """What a verdict is."""

    OK = "ok"
    LATE = "late"
    """After D: it breaks the run if no fault allows it."""
    EXCUSED = "excused"
    OPEN = "open"
    """The evidence ends before it had to be done."""
    MISSED = "missed"
    DUPLICATE = "duplicate"
    EARLY = "early"
    INVENTED = "invented"
    UNWANTED = "unwanted"
    """Its author had suspended the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one instant of one object.

    Attributes:
        due_at: The instant, put off by jitter.
        made_at: When it got its first Job; None: it got none.
        jobs: All Jobs for it.
        reason: What excuses it; empty otherwise.
        broken: Whether it makes the run invalid.
    """

    thing: CronObject
    instant: datetime
    due_at: datetime
    kind: Kind
    sentence: str
    jobs: tuple[MadeJob, ...] = ()
    reason: str = ""
    broken: bool = False

    @property
    def made_at(self) -> datetime | None:
        """When its first Job was made; None: it has none."""
        return self.jobs[0].created_at if self.jobs else None

    @property
    def lateness(self) -> timedelta | None:
        """How long after it was due its Job was made."""
        return None if self.made_at is None else self.made_at - self.due_at


def verdicts(life: Life) -> list[Verdict]:
    """The verdicts on one object, by instant."""
    found = [_verdict(life, due) for due in life.due]
    known = {due.at for due in life.due}
    found += [verdict for at in life.fired.keys() - known for verdict in _not_due(life, at)]
    return sorted(found, key=lambda verdict: verdict.instant)


def named(life: Life, job: MadeJob) -> bool:
    """Whether a Job of the schedule stands for an instant of the version that it names, or that had promised it."""
    versions = [life.version_of(job.generation), life.version_of(life.claimed_by(job))]
    if job.generation is None:  # only its name is known
        versions = list(life.thing.versions)
    return job.instant is not None and any(one and life.has_instant(one, job.instant) for one in versions)


def _verdict(life: Life, due: Due) -> Verdict:
    jobs = tuple(life.fired.get(due.at, ()))
    kind, sentence, broken, reason = _judged(life, due, jobs)
    return Verdict(
        thing=life.thing,
        instant=due.at,
        due_at=due.due_at,
        kind=kind,
        sentence=f"{kind}: {life.thing} {clock(due.at)}: {sentence}",
        jobs=jobs,
        reason=reason,
        broken=broken,
    )


def _judged(life: Life, due: Due, jobs: tuple[MadeJob, ...]) -> tuple[Kind, str, bool, str]:
    if len(jobs) > 1:
        return Kind.DUPLICATE, f"{len(jobs)} Jobs: {'; '.join(map(job_told, jobs))}", True, ""
    if jobs:
        return (*_fired(life, due, jobs[0]), "")
    if (reason := excuse(life, due)) is not None:
        return Kind.EXCUSED, reason, False, reason
    if due.bound >= life.history.ended:
        return Kind.OPEN, f"the evidence ends at {clock(life.history.ended)}, before it had to have its Job", False, ""
    return Kind.MISSED, f"no Job until {clock(due.bound)}, {_allowance(life, due)}; {_said(life, due)}", True, ""


def _fired(life: Life, due: Due, job: MadeJob) -> tuple[Kind, str, bool]:
    late = job.created_at - due.due_at
    if late < -EARLY:
        return Kind.EARLY, f"{job_told(job)}, {seconds(-late)} before it was due", True
    told = f"{job_told(job)}, {seconds(late)} after it was due"
    since = due.version.since
    if rests(due.version, due.due_at):
        return Kind.UNWANTED, f"{told}, and suspended since {clock(since)}", job.created_at > since + SEEN_WITHIN
    if job.created_at <= due.due_at + life.history.calm:
        return Kind.OK, told, False
    return Kind.LATE, f"{told}, {_allowance(life, due)}", job.created_at > allowed_until(life, due, job)


def _allowance(life: Life, due: Due) -> str:
    if due.cause is None:
        return f"and no fault allows it more than D = {life.history.calm.total_seconds():g} s"
    return f'and the fault "{due.cause.what}" allows it until {clock(due.bound)}'


def _said(life: Life, due: Due) -> str:
    """What the status says of an instant that nothing excuses, and which node it names as the owning one."""
    outcome = life.outcomes.get(due.at)
    told = life.told_between(due.due_at, due.due_at)
    node = told[-1].status.get("owner", "nobody") if told else "nobody"
    said = f"says {outcome.reason}, which nothing bears out" if outcome else "tells nothing of it"
    return f"its status {said}, and names {node} as its owning node"


def _not_due(life: Life, at: datetime) -> Iterator[Verdict]:
    """Jobs for an instant that is not among those due: outside the window, about an edit, or invented."""
    jobs = tuple(life.fired[at])
    if not life.history.began < at + life.shift <= life.history.until:
        return
    kind = Kind.DUPLICATE if len(jobs) > 1 else Kind.OK
    told = f"{len(jobs)} Jobs, about an edit: {'; '.join(map(job_told, jobs))}"
    if not all(named(life, job) for job in jobs):
        kind = Kind.INVENTED
        schedule = sorted(
            {str(version.spec.get("schedule") or version.spec.get("schedules")) for version in life.thing.versions}
        )
        told = f"{'; '.join(map(job_told, jobs))}, but this is no instant of {' or '.join(schedule)}"
    yield Verdict(
        thing=life.thing,
        instant=at,
        due_at=at + life.shift,
        kind=kind,
        sentence=f"{kind}: {life.thing} {clock(at)}: {told}",
        jobs=jobs,
        broken=kind is not Kind.OK,
    )
