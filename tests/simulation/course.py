"""The evidence about one object, put in order for the invariants: its Jobs, its statuses, what its author wished.

What a fault excuses is `patience`'s.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from controller.jobs import Job
from controller.outcomes import Trigger
from tests.fakes.happenings import Annotated, Happening, What
from tests.simulation.evidence import Evidence, Told
from tests.simulation.hashes import hashed_by
from tests.simulation.patience import Patience
from tests.simulation.reference import Expected, Life, Wish, lives

EARLY = timedelta(milliseconds=100)
"""S3: the tolerance."""
RESOLUTION_OF_DATE = timedelta(seconds=1)
"""S3: how well a replica knows the time that Redis has never told it: HTTP's `Date` has whole seconds."""
IN_FLIGHT = timedelta(milliseconds=200)
"""A request is on its way for so long, in the slowest network of the runs: what it rests on may have changed since."""

GIVEN_UP_BESIDE = timedelta(seconds=1)
"""L4: so near to each other one node may give up a create that is refused, and another one carry it out: what a look
knows of the Jobs may be as old as the creates of one look take."""


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
    """What a status said of one instant, when first, and which node did."""

    reason: str
    told_at: datetime
    told_by: str | None = None


def _least_delay(signs: Mapping[datetime, tuple[datetime, str | None]]) -> timedelta:
    """How long after an instant the first of all signs came, in whole seconds."""
    least = min((at + EARLY - instant for instant, (at, _) in signs.items()), default=timedelta(0))
    return timedelta(seconds=max(0, math.floor(least.total_seconds())))  # what is early is S3's


def _met(entry: Happening, outcome: Outcome) -> bool:
    """Whether a create and the write of another node were under way together, a list of the Jobs before that."""
    others = outcome.told_by is not None and entry.node is not None and outcome.told_by != entry.node
    return others and abs(entry.at - outcome.told_at) <= 2 * IN_FLIGHT


@dataclass(kw_only=True)
class Course:
    """The evidence about one object, in order."""

    evidence: Evidence
    life: Life
    history: list[Happening]
    told: list[Told]
    annotated: list[Annotated] = field(default_factory=list)

    @cached_property
    def creations(self) -> list[Happening]:
        """Each Job as it was created."""
        return [entry for entry in self.history if entry.what is What.CREATED]

    @cached_property
    def created(self) -> dict[datetime, Happening]:
        """By instant of the schedule, the first creation of its Job."""
        found: dict[datetime, Happening] = {}
        for entry in self.creations:
            if entry.job.scheduled_at is not None and entry.job.trigger.of_schedule:
                found.setdefault(entry.job.scheduled_at, entry)
        return found

    def asked_for(self, trigger: Trigger) -> list[Happening]:
        """The creations of Jobs that people asked for by annotation, in this way."""
        return [entry for entry in self.creations if entry.job.trigger is trigger]

    @cached_property
    def jitter(self) -> timedelta:
        """By how much the firings may be put off at the most."""
        return timedelta(seconds=max(int(wish.spec.get("jitterSeconds", 0)) for wish in self.life.wishes))

    @property
    def shift(self) -> timedelta:
        """By how much the object's jitter puts its firings off, in whole seconds."""
        return min(self.put_off, self.jitter)

    @cached_property
    def put_off(self) -> timedelta:
        """By how much at the least all that happened to the instants was put off, in whole seconds.

        As the earliest shows of all that happened to an instant: its Job, its outcome, its passing in the ledger. Whose
        clock may have been a second ahead shows it only if there is nobody else.
        """
        if not self.jitter:
            return timedelta(0)
        signs = self._first_signs
        exact = {instant: (at, node) for instant, (at, node) in signs.items() if self.early(node, at) == EARLY}
        return _least_delay(exact or signs)

    @cached_property
    def shifts(self) -> list[timedelta]:
        """What the shift may be, least first: a clock may be a second ahead; late Jobs alone, or none, show nothing."""
        born, created = self.life.created_at, self.created.items()
        calm = any(self.patience.undisturbed(at, entry.at, born=born) for at, entry in created)
        least = min(_least_delay(self._first_signs), self.shift) if calm else timedelta(0)
        return [least + timedelta(seconds=more) for more in range(round((self.shift - least).total_seconds()) + 1)]

    @cached_property
    def _first_signs(self) -> dict[datetime, tuple[datetime, str | None]]:
        """By instant, when something first happened to it, and by whom: what others tell later rests on that."""
        signs = [(instant, entry.at, entry.node) for instant, entry in self.created.items()]
        for told in self.told:
            raws = (*waiting(told), *of_schedule(told.status.get("recent", ())))
            instants = [time_of(raw["scheduledAt"]) for raw in raws]
            instants += [time_of(told.status["settledThrough"])] if "settledThrough" in told.status else []
            signs += [(instant, told.at, told.status.get("owner")) for instant in instants]
        found: dict[datetime, tuple[datetime, str | None]] = {}
        for instant, at, node in signs:
            if instant not in found or at < found[instant][0]:
                found[instant] = (at, node)
        return found

    def early(self, node: str | None, at: datetime) -> timedelta:
        """S3: so much too early a node may be at a moment."""
        coarse = self.patience.never_told_by_redis(node, at)
        return EARLY + (RESOLUTION_OF_DATE if coarse else timedelta(0))

    @property
    def expected(self) -> list[Expected]:
        """The instants that are due in the run, oldest first."""
        return self.life.expected(self.evidence.ended, self.shift)

    @cached_property
    def spans(self) -> list[tuple[datetime, datetime, Job]]:
        """Each Job from its creation until it had ended or was gone (or until the end of the run)."""
        ends: dict[str, datetime] = {}
        for entry in self.history:
            if entry.what is not What.CREATED:
                ends.setdefault(entry.job.uid, entry.at)
        return [(entry.at, ends.get(entry.job.uid, self.evidence.ended), entry.job) for entry in self.creations]

    @cached_property
    def outcomes(self) -> dict[datetime, Outcome]:
        """By instant, the outcome that a status told first."""
        found: dict[datetime, Outcome] = {}
        for told in self.told:
            for raw in of_schedule(told.status.get("recent", ())):
                outcome = Outcome(reason=raw["reason"], told_at=told.at, told_by=told.status.get("owner"))
                found.setdefault(time_of(raw["scheduledAt"]), outcome)
        return found

    @cached_property
    def claimed_by(self) -> dict[datetime, int]:
        """By instant, the generation whose status first had a waiting slot for it, or had it in the queue."""
        found: dict[datetime, int] = {}
        for told in self.told:
            for slot in waiting(told):
                found.setdefault(time_of(slot["scheduledAt"]), told.generation)
        return found

    def given_up_beside(self, entry: Happening) -> bool:
        """Whether one node gave up a create that is refused while another, to whom the key had just gone, was at it."""
        beside = (told for told in self.told if abs(entry.at - told.at) <= GIVEN_UP_BESIDE)
        failed = [raw for told in beside for raw in told.status.get("recent", ()) if raw["reason"] == "CreateFailed"]
        if entry.job.trigger is Trigger.MANUAL:  # one value may be asked for once more
            failed = [raw for raw in failed if raw.get("triggerId") == entry.trigger_id]
        else:
            failed = of_schedule(failed)
        return any(time_of(raw["scheduledAt"]) == entry.job.scheduled_at for raw in failed)

    def told_beside(self, entry: Happening) -> bool:
        """Whether one node told of an instant as too old while another, to or from whom the key went, was creating it.

        It is stated among what may still happen.
        """
        told = self.outcomes.get(instant_of(entry.job))
        return told is not None and told.reason in ("MissedDeadline", "MissedCatchUp") and _met(entry, told)

    def due_at(self, job: Job) -> datetime:
        """When a Job was due: jitter puts off what the schedule asks for."""
        return instant_of(job) + (self.shift if job.trigger.of_schedule else timedelta(0))

    def wish_behind(self, entry: Happening) -> Wish | None:
        """The wish that a Job stands for: the one that it names, or the one before, if its slot was claimed by that.

        A slot that is claimed just before an edit is filled after it, and the Job then names the later generation.
        """
        claimed = self.claimed_by.get(instant_of(entry.job))
        named = entry.generation or 0
        return self.life.wish_of(named if claimed is None else min(claimed, named))

    def runs_over(self, at: datetime) -> bool:
        """Whether `maxRuns` is reached by a moment: no instant comes after the last run, whatever is edited."""
        limit = self.life.wishes[0].spec.get("maxRuns")
        return limit is not None and sum(entry.at <= at for entry in self.created.values()) >= limit

    def promised_before(self, job: Job, wish: Wish) -> bool:
        """Whether a Job had its place by a wish before the one that holds."""
        for told in self.told:
            if any(slot["name"] == job.name for slot in told.status.get("active", ())):
                return told.generation < wish.generation
        return False

    def told_at(self, at: datetime) -> Told:
        """The status as it stood at a moment."""
        before = [told for told in self.told if told.at <= at]
        return before[-1] if before else Told(at=at, uid=self.life.uid, generation=0, status={})

    @cached_property
    def patience(self) -> Patience:
        """What the faults of the run excuse."""
        return Patience(faults=self.evidence.faults, created=self.created)


def courses(evidence: Evidence) -> list[Course]:
    """The evidence, object by object."""
    history: dict[str, list[Happening]] = defaultdict(list)
    told: dict[str, list[Told]] = defaultdict(list)
    annotated: dict[str, list[Annotated]] = defaultdict(list)
    for entry in evidence.history:
        history[entry.job.owner_uid].append(entry)
    for one in evidence.told:
        told[one.uid].append(one)
    for written in evidence.annotated:
        annotated[written.uid].append(written)
    return [
        Course(
            evidence=evidence,
            life=life,
            history=history[life.uid],
            told=told[life.uid],
            annotated=annotated[life.uid],
        )
        for life in lives(evidence.edits, hashed_by(evidence))
    ]


def violation(rule: str, course: Course, at: datetime | None, what: str) -> Violation:
    """Something that happened to this object."""
    return Violation(rule=rule, uid=course.life.uid, at=at, what=f"{course.life.key}: {what}")


def instant_of(job: Job) -> datetime:
    """What a Job stands for."""
    return job.scheduled_at or job.created_at


def of_schedule(raws: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of what a status tells of firings, that of the schedule: what people asked for names its trigger."""
    return [raw for raw in raws if "trigger" not in raw]


def waiting(told: Told) -> list[Mapping[str, Any]]:
    """The firings of the schedule that a status has promised a Job, and those that wait in its queue."""
    slots = [slot for slot in told.status.get("active", ()) if "uid" not in slot]
    return of_schedule([*slots, *told.status.get("queued", ())])


def time_of(text: str) -> datetime:
    """An instant as a status tells it."""
    return datetime.fromisoformat(text)


def condition(told: Told, type_: str) -> bool | None:
    """Whether a condition held in a status; None if it was not spoken of."""
    return next((one["status"] == "True" for one in told.status.get("conditions", ()) if one["type"] == type_), None)


def runs_promised(told: Told) -> int:
    """How many firings of the schedule have their Jobs, or are promised them."""
    created: int = told.status.get("counts", {}).get("created", 0)
    return created + len(waiting(told))
