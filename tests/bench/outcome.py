"""What an arm came to, and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one arm came to.

    Attributes:
        lateness: Of each Job, in seconds, the least first.
        cpu: By process, seconds from just before the instant until all was done.
        controller_cpu: The same of those who make the Jobs.
        others_due: Firings of other schedules that were due while the herd was made,
        others: and how late those were that were made, the least first.
    """

    arm: str
    due: int
    twice: int
    lateness: list[float]
    cpu: dict[str, float]
    controller_cpu: float
    others_due: int = 0
    others: list[float] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether each Job that was due was made, and none of the herd twice."""
        return len(self.lateness) == self.due and len(self.others) == self.others_due and not self.twice

    def quantile(self, share: float) -> float:
        """The lateness that this share of what was due does not pass; infinite if that share was not made."""
        place = int(self.due * share) if share < 1 else self.due - 1
        return self.lateness[place] if place < len(self.lateness) else float("inf")

    def kept(self) -> dict[str, Any]:
        """For people and diffs: milliseconds are enough."""
        return asdict(self) | {
            "lateness": [round(seconds, 3) for seconds in self.lateness],
            "others": [round(seconds, 3) for seconds in self.others],
            "cpu": {name: round(seconds, 3) for name, seconds in self.cpu.items()},
            "controller_cpu": round(self.controller_cpu, 3),
        }


def read(row: Mapping[str, Any]) -> Outcome:
    """One that was kept."""
    return Outcome(**row)
