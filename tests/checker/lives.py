"""The history of one object, put in order: its Jobs, its outcomes, and the instants that were due in its life.

Instants come from the specs as JSON and from `tests.unit.wallclock`, brute force over wall-clock time: this room
shares no code with the project, and knows nothing of what the replicas did. Only how far jitter puts an object off is
taken from the evidence, for it is a hash that nobody promises.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

from tests.checker.history import EARLY, CronObject, Fault, History, MadeJob, Told, Trigger, Version
from tests.unit import wallclock

MICROSECOND = timedelta(microseconds=1)
SUSPEND_UNTIL = "dcron.io/suspend-until"
_MAKERS = ("schedule", "schedules", "timeZone", "startTime", "endTime", "jitterSeconds", "dstGap", "dstOverlap")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """An instant that was due.

    Attributes:
        at: The nominal instant.
        due_at: The same, put off by jitter.
        bound: Until when it must have its Job, or its outcome.
        cause: The fault that makes the bound later than usual.
    """

    at: datetime
    due_at: datetime
    version: Version
    bound: datetime
    cause: Fault | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a status said of one instant first, and when."""

    reason: str
    told_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A status by which instants got their outcome: it passes them, or promises them a Job no more."""

    before: Told
    after: Told
    instants: frozenset[datetime]


@dataclass(kw_only=True)
class Life:
    """One object with all that happened to it."""

    history: History
    thing: CronObject
    jobs: list[MadeJob]

    @property
    def created_at(self) -> datetime:
        """As the API server stamps it: what `@every` is counted from."""
        return self.thing.versions[0].stamped_at

    @property
    def ended_at(self) -> datetime:
        """Until when it lived, as far as the evidence goes."""
        return self.thing.deleted_at or self.history.ended

    @cached_property
    def made(self) -> list[MadeJob]:
        """The Jobs that were made while the run was judged: those that a rule may complain about."""
        return [job for job in self.jobs if job.created_at > self.history.began]

    @cached_property
    def tidied(self) -> list[MadeJob]:
        """The Jobs that the operator deleted meanwhile."""
        return [job for job in self.jobs if job.by_us and (job.deleted_at or self.created_at) > self.history.began]

    @cached_property
    def told(self) -> list[Told]:
        """The statuses meanwhile, and the one that stood at the beginning."""
        return self.told_between(self.history.began, self.history.ended)

    @cached_property
    def shift(self) -> timedelta:
        """By how much its jitter puts it off, in whole seconds: as the earliest of its Jobs and outcomes shows."""
        limit = max(int(version.spec.get("jitterSeconds") or 0) for version in self.thing.versions)
        delays = [job.created_at - at for at, jobs in self.fired.items() for job in jobs[:1]]
        delays += [outcome.told_at - at for at, outcome in self.outcomes.items()]
        least = math.floor((min(delays, default=timedelta(0)) + EARLY).total_seconds())
        return timedelta(seconds=min(limit, max(0, least)))

    @cached_property
    def fired(self) -> dict[datetime, list[MadeJob]]:
        """By instant, the Jobs of the schedule, the first one first."""
        found: dict[datetime, list[MadeJob]] = {}
        for job in self.jobs:
            if job.trigger.of_schedule and job.instant is not None:
                found.setdefault(job.instant, []).append(job)
        return found

    @cached_property
    def outcomes(self) -> dict[datetime, Outcome]:
        """By instant of the schedule, what a status told of it first."""
        found: dict[datetime, Outcome] = {}
        for told in self.thing.told:
            for raw in of_schedule(told.status.get("recent", ())):
                found.setdefault(time_of(raw["scheduledAt"]), Outcome(reason=raw["reason"], told_at=told.at))
        return found

    @cached_property
    def endings(self) -> dict[datetime, list[Ending]]:
        """By instant, the statuses by which it may have got its outcome."""
        due = sorted({due.at for due in self.due})
        found: dict[datetime, list[Ending]] = {}
        for before, after in pairwise(self.thing.told):
            if not all("settledThrough" in told.status for told in (before, after)):
                continue
            since, until = (time_of(told.status["settledThrough"]) for told in (before, after))
            passed = due[bisect_right(due, since) : bisect_right(due, until)]
            promised, still = ({time_of(raw["scheduledAt"]) for raw in waiting(told)} for told in (before, after))
            ending = Ending(before=before, after=after, instants=frozenset(promised.union(passed) - still))
            for at in ending.instants:
                found.setdefault(at, []).append(ending)
        return found

    def version_at(self, at: datetime) -> Version | None:
        """The version that held at a moment; None outside its life."""
        if self.thing.deleted_at is not None and at >= self.thing.deleted_at:
            return None
        return next((version for version in reversed(self.thing.versions) if version.since <= at), None)

    def version_of(self, generation: int | None) -> Version | None:
        """The version that began with that generation: an annotation makes another one without a new number."""
        return next((version for version in self.thing.versions if version.generation == generation), None)

    def versions_between(self, since: datetime, until: datetime) -> list[Version]:
        """All versions that held at some time between two moments."""
        first = self.version_at(since)
        later = [version for version in self.thing.versions if since < version.since <= until]
        return [*([first] if first else []), *later]

    def told_between(self, since: datetime, until: datetime) -> list[Told]:
        """The statuses that stood at some time between two moments."""
        before = [told for told in self.thing.told if told.at <= since]
        return [*before[-1:], *(told for told in self.thing.told if since < told.at <= until)]

    @cached_property
    def due(self) -> list[Due]:
        """The instants that were due in its life, in the window of the history, oldest first."""
        found = []
        versions = self.thing.versions
        last = min(self.history.until, self.ended_at)
        for version, until in zip(versions, [*(after.stamped_at for after in versions[1:]), last], strict=True):
            begin, end = max(version.stamped_at, self.history.began), min(until, last)
            for at in self.instants(version, begin - self.shift, end - self.shift):
                bound, cause = self.history.bound(at + self.shift)
                found.append(Due(at=at, due_at=at + self.shift, version=version, bound=bound, cause=cause))
        return found

    def instants(self, version: Version, after: datetime, until: datetime) -> list[datetime]:
        """The instants of a version in (after, until], oldest first, suspended or not."""
        return instants(version.spec, after, until, name=str(self.thing), born=self.created_at)

    def has_instant(self, version: Version, at: datetime) -> bool:
        """Whether a version has this very instant."""
        return bool(self.instants(version, at - MICROSECOND, at))

    def edited_after(self, version: Version) -> Version | None:
        """The next version that makes other instants, or another suspension."""
        later = [other for other in self.thing.versions if other.since > version.since]
        return next((other for other in later if not same_instants(version, other)), None)

    def claimed_by(self, job: MadeJob) -> int | None:
        """The generation whose status had promised a Job first: an edit may come between the claim and the create."""
        for told in self.thing.told:
            if any(slot.get("name") == job.name for slot in told.status.get("active", ())):
                return told.generation
        return None


def lives(history: History) -> list[Life]:
    """The objects of a history, in its order, each with its Jobs by their creation."""
    jobs = sorted(history.jobs, key=lambda job: job.created_at)
    owned: dict[str, list[MadeJob]] = {}
    for job in jobs:
        owned.setdefault(job.owner_uid, []).append(job)
    return [Life(history=history, thing=thing, jobs=owned.get(thing.uid, [])) for thing in history.objects]


def same_instants(one: Version, other: Version) -> bool:
    """Whether two versions make the same instants, under the same suspension and pause."""
    alike = all(one.spec.get(maker) == other.spec.get(maker) for maker in _MAKERS)
    paused = one.annotations.get(SUSPEND_UNTIL) == other.annotations.get(SUSPEND_UNTIL)
    return alike and paused and bool(one.spec.get("suspend")) == bool(other.spec.get("suspend"))


def rests(version: Version, due_at: datetime) -> bool:
    """Whether a version lets nothing of the schedule fire for what is due at a moment."""
    until = _written(version.annotations.get(SUSPEND_UNTIL))
    return bool(version.spec.get("suspend")) or (until is not None and due_at < until)


def policy(version: Version) -> str:
    """The concurrency policy."""
    return str(version.spec.get("concurrencyPolicy") or "Allow")


def slots(version: Version) -> int:
    """How many Jobs may be active, where that is limited."""
    return int(version.spec.get("maxActiveJobs") or 1)


def deadline(version: Version) -> timedelta | None:
    """How late a firing may begin."""
    seconds = version.spec.get("startingDeadlineSeconds")
    return None if seconds is None else timedelta(seconds=seconds)


def instants(spec: Mapping[str, Any], after: datetime, until: datetime, *, name: str, born: datetime) -> list[datetime]:
    """The instants of a spec in (after, until], oldest first.

    Args:
        name: `namespace/name`, for the H.
        born: What `@every` is counted from.
    """
    texts = [spec["schedule"]] if spec.get("schedule") else spec.get("schedules", ())
    zone, gap, overlap = (spec.get(field) for field in ("timeZone", "dstGap", "dstOverlap"))
    found: set[datetime] = set()
    for text in texts if until > after else ():
        hashed_as = name if "H" in text.upper() else ""
        since = born if text.lower().startswith("@every") else None
        found.update(_of(text, zone or "UTC", after, until, hashed_as, since, gap or "Skip", overlap or "Both"))
    first, end = _written(spec.get("startTime")), _written(spec.get("endTime"))
    return sorted(at for at in found if (first is None or first <= at) and (end is None or at < end))


@lru_cache(maxsize=10_000)
def _of(
    text: str,
    zone: str,
    after: datetime,
    until: datetime,
    hashed_as: str,
    born: datetime | None,
    gap: str,
    overlap: str,
) -> tuple[datetime, ...]:
    """The instants of one text: objects with the same one share them."""
    found = wallclock.instants(text, zone, after, until, hashed_as=hashed_as, created_at=born, gap=gap, overlap=overlap)
    return tuple(found)


def of_schedule(raws: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of what a status tells of firings, that of the schedule: what people asked for names its trigger."""
    return [raw for raw in raws if raw.get("trigger", Trigger.SCHEDULE) in (Trigger.SCHEDULE, Trigger.CATCH_UP)]


def waiting(told: Told) -> list[Mapping[str, Any]]:
    """The firings of the schedule that a status has promised a Job, and those that wait in its queue."""
    promised = [slot for slot in told.status.get("active", ()) if "uid" not in slot]
    return of_schedule([*promised, *told.status.get("queued", ())])


def condition(told: Told, type_: str) -> bool:
    """Whether a condition held in a status."""
    return any(one["type"] == type_ and one["status"] == "True" for one in told.status.get("conditions", ()))


def time_of(text: str) -> datetime:
    """An instant as a status tells it."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _written(text: str | None) -> datetime | None:
    """A time that a person wrote; None if it is none."""
    try:
        return None if not text else time_of(text)
    except ValueError:
        return None
