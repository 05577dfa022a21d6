"""What was due held against what was fired, over all objects. Values in, a value out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from deploy.demo.tally import Fault, Kind, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.demo.evidence import Firing
    from deploy.demo.objects import CronObject

HAND_OVER = timedelta(seconds=10)
"""Instants up to so long after the kill tell how long the hand-over took."""
_IN_FLIGHT = timedelta(seconds=1)  # so long before the kill: their firing may have died with the replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The death of a replica, on purpose.

    Attributes:
        objects: What it served at that moment.
    """

    node: str
    at: datetime
    objects: tuple[str, ...]

    def touches(self, firing: Firing) -> bool:
        """Whether a firing was due about the time of the hand-over."""
        return firing.instant is not None and self.at - _IN_FLIGHT <= firing.instant <= self.at + HAND_OVER


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The whole count.

    Attributes:
        until: Instants up to this one count.
        strays: Faults that belong to no object.
        jobs: How many Jobs were seen, those of instants after `until` included.
    """

    until: datetime
    tallies: tuple[Tally, ...]
    strays: tuple[Fault, ...]
    kill: Kill | None
    jobs: int

    @property
    def faults(self) -> list[Fault]:
        """All that must not be."""
        return [*(fault for tally in self.tallies for fault in tally.faults), *self.strays]

    @property
    def passed(self) -> bool:
        """Nothing was missed, nothing ran twice, nothing was invented, and something was due."""
        return not self.faults and any(tally.due for tally in self.tallies)

    @property
    def late(self) -> list[timedelta]:
        """Lateness of all firings, the least first."""
        return sorted(firing.lateness for firing in self._fired())

    @property
    def calm(self) -> list[timedelta]:
        """Lateness of the firings that were not due about the time of the kill, the least first."""
        return sorted(firing.lateness for firing in self._fired() if not (self.kill and self.kill.touches(firing)))

    @property
    def hand_over(self) -> Firing | None:
        """The latest firing among those due about the time of the kill."""
        around = [firing for firing in self._fired() if self.kill and self.kill.touches(firing)]
        return max(around, key=lambda firing: firing.lateness, default=None)

    def _fired(self) -> Iterable[Firing]:
        return (firing for tally in self.tallies for firing in tally.fired)


def judge(
    objects: Iterable[CronObject],
    firings: Sequence[Firing],
    disagreements: Iterable[str],
    *,
    until: datetime,
    kill: Kill | None,
) -> Verdict:
    """Hold what was due against what was fired.

    Args:
        objects: All that were applied.
        firings: All Jobs that were seen.
        disagreements: What only one of the two records of Jobs knows, in words.
        until: Instants after it are left out, and Jobs for them too.
        kill: The death of a replica.
    """
    applied = {found.uid: found for found in objects}
    strays = [
        Fault(
            kind=Kind.INVENTED, where=firing.job, instant=firing.instant, detail="a Job of no object that was applied"
        )
        for firing in firings
        if firing.object_uid not in applied
    ]
    return Verdict(
        until=until,
        tallies=tuple(Tally.of(found, firings, until) for found in applied.values()),
        strays=(*strays, *(Fault(kind=Kind.DISPUTED, where=text) for text in disagreements)),
        kill=kill,
        jobs=len(firings),
    )


def quantile(late: Sequence[timedelta], share: float) -> timedelta | None:
    """The lateness that this share of the firings does not pass; None if there are none.

    Args:
        late: The least first.
        share: From 0 to 1.
    """
    return late[min(len(late) - 1, int(len(late) * share))] if late else None
