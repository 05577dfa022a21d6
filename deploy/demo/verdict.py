"""Holds what has fired against what must have fired."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from deploy.demo.evidence import Firing

HAND_OVER = timedelta(seconds=10)
"""Instants of this time after the kill tell how long the hand-over took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One object at the end.

    Attributes:
        due: Its instants, by the independent count.
        firings: Its Jobs, those after the cut-off left out.
        skipped: How many instants its status says were skipped by its own policy.
    """

    name: str
    schedule: str
    due: frozenset[datetime]
    firings: tuple[Firing, ...]
    skipped: int = 0

    @property
    def missed(self) -> list[datetime]:
        """Due instants that got no Job, the skipped ones aside: which of them were skipped, the status only counts."""
        without = sorted(self.due - {firing.instant for firing in self.firings})
        return without[self.skipped :]

    @property
    def twice(self) -> list[datetime]:
        """Instants that got more than one Job."""
        counted = Counter(firing.instant for firing in self.firings)
        return sorted(instant for instant, number in counted.items() if number > 1)

    @property
    def invented(self) -> list[datetime]:
        """Instants of Jobs that the schedule does not have."""
        return sorted({firing.instant for firing in self.firings} - self.due)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All objects together.

    Attributes:
        killed_at: When a replica was killed; None if none was.
    """

    accounts: Sequence[Account]
    killed_at: datetime | None = None
    lateness: list[float] = field(init=False)

    def __post_init__(self) -> None:
        seconds = sorted(firing.lateness.total_seconds() for firing in self._firings())
        object.__setattr__(self, "lateness", seconds)

    @property
    def flaws(self) -> list[str]:
        """A line for each instant that is wrong; empty if every instant has exactly one Job."""
        return [
            f"{account.name}: {instant:%H:%M:%S} {word}"
            for account in self.accounts
            for word, instants in (
                ("missed", account.missed),
                ("fired twice", account.twice),
                ("is not in the schedule", account.invented),
            )
            for instant in instants
        ]

    def quantile(self, share: float) -> float:
        """The lateness in seconds that this share of the firings does not pass; 0 without firings."""
        return self.lateness[min(len(self.lateness) - 1, int(len(self.lateness) * share))] if self.lateness else 0.0

    @property
    def hand_over(self) -> float | None:
        """The greatest lateness in seconds of the instants that fell due shortly after the kill."""
        if self.killed_at is None:
            return None
        until = self.killed_at + HAND_OVER
        late = [
            firing.lateness.total_seconds() for firing in self._firings() if self.killed_at <= firing.instant < until
        ]
        return max(late, default=None)

    def _firings(self) -> Iterable[Firing]:
        return (firing for account in self.accounts for firing in account.firings)
