"""What is known of a run when it is over: plain values, made by `evidence` or by hand. All times are true time, UTC.

Nothing is judged here. A time `since` is inclusive; what has no `until` or no end lasts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

EARLY = timedelta(milliseconds=100)
"""S3: what an instant may be missed by on the early side: two clocks are read at two places."""


class Trigger(StrEnum):
    """What a Job says made it fire."""

    SCHEDULE = "schedule"
    CATCH_UP = "catch-up"
    MANUAL = "manual"
    BACKFILL = "backfill"

    @property
    def of_schedule(self) -> bool:
        """Whether it stands for an instant of the schedule."""
        return self in (Trigger.SCHEDULE, Trigger.CATCH_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """What the author wants from a moment on.

    Attributes:
        since: When the API server had acknowledged the write.
        stamped_at: As the API server stamps the write, cut to the second: instants after it are of this version.
        annotations: The requests among them: `dcron.io/trigger` and the like.
    """

    since: datetime
    stamped_at: datetime
    generation: int
    spec: Mapping[str, Any]
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A status as it stood from a moment on."""

    at: datetime
    generation: int
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CronObject:
    """One object: one UID.

    Attributes:
        versions: In order; the first is its creation.
        told: Its statuses, in order.
    """

    uid: str
    namespace: str
    name: str
    versions: Sequence[Version]
    told: Sequence[Told] = ()
    deleted_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeJob:
    """A Job that the API server made, gone or not.

    Attributes:
        owner_uid: UID of the object that it belongs to; empty: it belongs to none.
        instant: What it says it stands for.
        request: Which manual run, or the interval of which backfill.
        generation: The version of the object that it names.
        by_us: Whether the operator deleted it; else a person, a TTL or the garbage collector did.
    """

    uid: str
    namespace: str
    name: str
    owner_uid: str
    instant: datetime | None
    created_at: datetime
    trigger: Trigger = Trigger.SCHEDULE
    request: str | None = None
    generation: int | None = None
    node: str = "?"
    finished_at: datetime | None = None
    succeeded: bool = False
    deleted_at: datetime | None = None
    by_us: bool = False

    @property
    def ended_at(self) -> datetime | None:
        """From when on it was active no more."""
        return min((at for at in (self.finished_at, self.deleted_at) if at is not None), default=None)

    def active_at(self, at: datetime) -> bool:
        """Whether it was there and had not ended."""
        return self.created_at <= at and (self.ended_at is None or at < self.ended_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A create of a Job that the API server refused.

    Attributes:
        job: Its name; empty: it was refused before the name was read, and may have been any that was due.
    """

    at: datetime
    namespace: str
    job: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignWrite:
    """A write of the operator to something that is not its own.

    Attributes:
        what: The verb, the resource and its name.
    """

    at: datetime
    what: str


class Felt(StrEnum):
    """How long a fault excuses lateness."""

    AT_ITS_EDGES = "at its edges"
    """For F from its begin, and for F from its end: in between, the others have taken over."""
    THROUGHOUT = "throughout"
    """Until F after its end: nobody can fire, for the API server is away."""
    EACH_TIME = "each time"
    """For F from each instant that is due while it lasts: some requests fail, and are repeated."""
    BY_NO_OTHER = "by no other"
    """Not at all: it is an object that is broken, and the others that are judged are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that was broken on purpose, for a time.

    Attributes:
        what: For people: "kill -9 of north".
        until: When it was healed; of a moment's fault, the moment.
        within: F of this fault; None: that of the history.
        stalls_watch: Whether an author's act may be seen late because of it.
        divides: Whether replicas may disagree on the ring while it lasts.
        on_its_way: So long a request may be on its way under it.
    """

    what: str
    since: datetime
    until: datetime
    felt: Felt = Felt.AT_ITS_EDGES
    within: timedelta | None = None
    stalls_watch: bool = False
    divides: bool = False
    on_its_way: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingView:
    """The ring as one replica has it from a moment on.

    Attributes:
        members: Identities on it; empty: the replica does not run, or has none yet.
    """

    at: datetime
    node: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that happened in one run.

    Attributes:
        began: Instants after it are judged,
        until: up to and with this one.
        ended: When the evidence ends.
        calm: D: how late a firing may be without a fault.
        recovery: F: how long after a fault all must be well.
        gaps: Why the evidence is not complete; nothing can be judged then.
        agreement: L5: so long after a change all replicas have the same ring.
        rings: What the replicas told of their rings, in order; empty: nothing is known of them.
    """

    began: datetime
    until: datetime
    ended: datetime
    objects: Sequence[CronObject]
    jobs: Sequence[MadeJob]
    faults: Sequence[Fault] = ()
    refusals: Sequence[Refusal] = ()
    foreign_writes: Sequence[ForeignWrite] = ()
    calm: timedelta = timedelta(seconds=2)
    recovery: timedelta = timedelta(seconds=8)
    agreement: timedelta = timedelta(seconds=7)
    gaps: Sequence[str] = ()
    rings: Sequence[RingView] = ()

    def disturbances(self) -> Iterator[tuple[datetime, datetime, Fault]]:
        """Each time in which a fault excuses whatever is due, from and until when."""
        for fault in self.faults:
            within = self.recovery if fault.within is None else fault.within
            if fault.felt in (Felt.BY_NO_OTHER, Felt.EACH_TIME):
                continue
            if fault.felt is Felt.THROUGHOUT:
                yield fault.since, fault.until + within, fault
            else:
                yield fault.since, fault.since + within, fault
                if fault.until > fault.since:
                    yield fault.until, fault.until + within, fault

    @property
    def healed_at(self) -> datetime | None:
        """When all must be as before the faults; None: there were none that may be felt."""
        felt = [fault for fault in self.faults if fault.felt is not Felt.BY_NO_OTHER]
        ends = [fault.until + (self.recovery if fault.within is None else fault.within) for fault in felt]
        return max(ends, default=None)

    def broken_beside(self, at: datetime) -> bool:
        """Whether another object was broken on purpose at a moment."""
        beside = (fault for fault in self.faults if fault.felt is Felt.BY_NO_OTHER)
        return any(fault.since <= at <= fault.until for fault in beside)

    def fails_some(self, at: datetime) -> bool:
        """Whether some requests failed at a moment, or lately, by a fault."""
        flaky = (fault for fault in self.faults if fault.felt is Felt.EACH_TIME)
        return any(fault.since <= at <= fault.until + (fault.within or self.recovery) for fault in flaky)

    def bound(self, moment: datetime) -> tuple[datetime, Fault | None]:
        """Until when what is due at a moment must be done, and the fault that makes it later than D."""
        bound, cause = self._bound_of_its_own(moment)
        for since, until, fault in sorted(self.disturbances(), key=lambda disturbance: disturbance[:2]):
            if since <= bound < until:
                bound, cause = until, fault
        return bound, cause

    def _bound_of_its_own(self, moment: datetime) -> tuple[datetime, Fault | None]:
        """The same by what holds for each instant alone: D, or F of a fault that is felt each time."""
        bound, cause = moment + self.calm, None
        for fault in self.faults:
            within = self.recovery if fault.within is None else fault.within
            meanwhile = fault.since - self.calm <= moment < fault.until
            if fault.felt is Felt.EACH_TIME and meanwhile and moment + within > bound:
                bound, cause = moment + within, fault
        return bound, cause

    def watch_stalled(self, at: datetime) -> bool:
        """Whether a fault may have kept an author's act from being seen."""
        within = self.recovery
        return any(fault.stalls_watch and fault.since <= at <= fault.until + within for fault in self.faults)

    def shown_by(self, at: datetime) -> datetime:
        """Until when what an author did at a moment may have been hidden by a fault; that moment if by none."""
        hidden = (fault for fault in self.faults if fault.stalls_watch and fault.since <= at <= fault.until)
        return max((fault.until for fault in hidden), default=at)

    def on_its_way(self, at: datetime) -> timedelta:
        """How long a request that arrives at a moment may have been on its way."""
        faults = (fault for fault in self.faults if fault.since <= at <= fault.until + fault.on_its_way)
        return max((fault.on_its_way for fault in faults), default=timedelta(0))
