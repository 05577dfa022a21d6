"""The evidence about one object, put in order for the invariants: its Jobs, its statuses, what its author wished.

What a fault excuses is time, never a firing: an instant gets `WITHOUT_FAULT` from its instant, or `AFTER_DEATH` from
the death of a replica that came before that was over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from controller.jobs import Job
from tests.fakes.happenings import Happening, What
from tests.simulation.evidence import Evidence, Told
from tests.simulation.reference import Life, Wish, lives

WITHOUT_FAULT = timedelta(seconds=2)
"""L1: D."""
AFTER_DEATH = timedelta(seconds=8)
"""L2: F, from the death of a replica."""
DEATH = "kill"
EARLY = timedelta(milliseconds=100)
"""S3: the tolerance."""
IN_FLIGHT = timedelta(milliseconds=200)
"""A request is on its way for so long, in the slowest network of the runs: what it rests on may have changed since."""


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
                found.setdefault(time_of(raw["scheduledAt"]), Outcome(reason=raw["reason"], told_at=told.at))
        return found

    @cached_property
    def claimed_by(self) -> dict[datetime, int]:
        """By instant, the generation whose status first had a waiting slot for it."""
        found: dict[datetime, int] = {}
        for told in self.told:
            for slot in told.status.get("active", ()):
                if "uid" not in slot:
                    found.setdefault(time_of(slot["scheduledAt"]), told.generation)
        return found

    def wish_behind(self, entry: Happening) -> Wish | None:
        """The wish that a Job stands for: the one that it names, or the one before, if its slot was claimed by that.

        A slot that is claimed just before an edit is filled after it, and the Job then names the later generation.
        """
        claimed = self.claimed_by.get(instant_of(entry.job))
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


def violation(rule: str, course: Course, at: datetime | None, what: str) -> Violation:
    """Something that happened to this object."""
    return Violation(rule=rule, uid=course.life.uid, at=at, what=f"{course.life.key}: {what}")


def instant_of(job: Job) -> datetime:
    """What a Job stands for."""
    return job.scheduled_at or job.created_at


def time_of(text: str) -> datetime:
    """An instant as a status tells it."""
    return datetime.fromisoformat(text)
