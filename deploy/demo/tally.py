"""The count for one object: each instant that was due held against the Jobs that were made for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.evidence import Firing
    from deploy.demo.objects import CronObject

EARLY = timedelta(milliseconds=100)
"""So much before its instant a Job may be made: clocks are read at different places."""

# The only outcome without a Job that anybody asked for. It counts under the policy that allows it, and nowhere else.
_SKIPS = {"Forbid": "SkippedForbid"}


class Kind(StrEnum):
    """What must not be."""

    MISSED = "missed"
    TWICE = "twice"
    INVENTED = "invented"
    EARLY = "early"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that must not be.

    Attributes:
        where: The object, or the Job.
        detail: What is known about it; may be empty.
    """

    kind: Kind
    where: str
    instant: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of the instants of one object.

    Attributes:
        fired: For each due instant that got a Job, its first one.
        skipped: Instants without a Job, because its policy asks for that.
    """

    label: str
    schedule: str
    due: int
    fired: tuple[Firing, ...]
    skipped: int
    faults: tuple[Fault, ...]

    @classmethod
    def of(cls, found: CronObject, firings: Iterable[Firing], until: datetime) -> Tally:
        """Count one object.

        Args:
            found: The object, with what its status recorded.
            firings: Jobs, those of other objects too.
            until: Instants after it are left out: their Jobs may still be on their way.
        """
        due = frozenset(found.due(until))
        mine = [firing for firing in firings if firing.object_uid == found.uid]
        counted = [firing for firing in mine if firing.instant is None or firing.instant <= until]
        times = Counter(firing.instant for firing in counted)
        first = {firing.instant: firing for firing in reversed(counted)}
        empty = due - times.keys()
        skipped = {instant for instant in empty if found.recorded.get(instant) == _SKIPS.get(found.policy, "")}
        faults = [
            *(_missed(found, instant) for instant in sorted(empty - skipped)),
            *(_twice(found, instant, counted) for instant in sorted(due) if times[instant] > 1),
            *(_invented(found, firing) for firing in counted if firing.instant not in due),
            *(_early(found, firing) for firing in mine if firing.lateness < -EARLY),
        ]
        return cls(
            label=found.label,
            schedule=found.schedule,
            due=len(due),
            fired=tuple(first[instant] for instant in sorted(due & times.keys())),
            skipped=len(skipped),
            faults=tuple(faults),
        )

    def number(self, kind: Kind) -> int:
        """How many faults of a kind there are."""
        return sum(fault.kind is kind for fault in self.faults)

    @property
    def late(self) -> list[timedelta]:
        """How late each instant got its Job, the least first."""
        return sorted(firing.lateness for firing in self.fired)

    @property
    def nodes(self) -> Counter[str]:
        """How many instants each replica fired."""
        return Counter(firing.node for firing in self.fired)


def _missed(found: CronObject, instant: datetime) -> Fault:
    said = found.recorded.get(instant)
    detail = f"its status says {said}" if said else "its status says nothing about it"
    return Fault(kind=Kind.MISSED, where=found.label, instant=instant, detail=detail)


def _twice(found: CronObject, instant: datetime, counted: Iterable[Firing]) -> Fault:
    jobs = ", ".join(f"{firing.job} by {firing.node}" for firing in counted if firing.instant == instant)
    return Fault(kind=Kind.TWICE, where=found.label, instant=instant, detail=jobs)


def _invented(found: CronObject, firing: Firing) -> Fault:
    return Fault(kind=Kind.INVENTED, where=found.label, instant=firing.instant, detail=f"{firing.job} by {firing.node}")


def _early(found: CronObject, firing: Firing) -> Fault:
    seconds = -firing.lateness.total_seconds()
    return Fault(kind=Kind.EARLY, where=found.label, instant=firing.instant, detail=f"{firing.job} by {seconds:.3f} s")
