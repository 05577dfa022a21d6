"""The steps that a decision can ask for: one closed choice, matched by the reconciler.

Each is safe to repeat and safe to lose. A step holds all that carrying it out needs; it does nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from controller.jobs import Firing, Job
from controller.outcomes import Outcome
from controller.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Ask the API server whether it would take the Job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """List the object's Jobs consistently: what follows depends on what does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Ask the recent-job store for firings whose instant lies after `after`: their Jobs may be gone already."""

    after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Create these Jobs, a few at a time, the oldest instants first.

    Attributes:
        bodies: By name, those that were made ahead; they follow from the firings.
    """

    firings: tuple[Firing, ...]
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)


class Cause(Enum):
    """Why Jobs are deleted."""

    REPLACED = "replaced"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Delete these Jobs."""

    jobs: tuple[Job, ...]
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Write this status by compare-and-swap; only then may the rest be announced.

    Attributes:
        before: The status that it was decided on.
        outcomes: What this write settles.
        finished: Jobs whose end this write counts.
    """

    before: Status
    status: Status
    outcomes: tuple[Outcome, ...] = ()
    finished: tuple[Job, ...] = ()

    @property
    def given_up(self) -> frozenset[str]:
        """The names of slots that wait for their Jobs no longer, although nobody has seen those."""
        made = {outcome.job for outcome in self.outcomes}
        return frozenset(name for name in self.before.unfilled - self.status.unfilled if name not in made)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do; look again at that time, or when something changes if there is none.

    Attributes:
        wake_at: When time alone brings something.
        presses_at: From when on that is a firing, or an answer that somebody waits for; before, there are only books
            to keep.
        lost_at: From when on that firing would be too late for its deadline, or meet the next instant.
    """

    wake_at: datetime | None = None
    presses_at: datetime | None = None
    lost_at: datetime | None = None


Step = Check | Look | Recall | Create | Delete | Write | Wait
