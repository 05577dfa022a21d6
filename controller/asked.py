"""What has become of what people asked for by annotation: the last manual run, and the backfill.

Both stand in the status, because an annotation stays where it is and must not be followed twice. Values only:
`settlement` and `backfills` make them, `status` keeps them and moves them on, `statusbody` spells them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTrigger:
    """What became of the last manual run.

    Attributes:
        value: The annotation's value: it is not followed again.
        at: When the run was claimed or turned away, or the value first seen.
        outcome: `noted`, `queued` or `pending`; at last the count that the reason belongs to.
    """

    value: str
    at: datetime
    outcome: str
    reason: str | None = None
    job: str | None = None


NOTED, QUEUED, PENDING = "noted", "queued", "pending"
"""What stands in `LastTrigger.outcome` before there is one."""


class BackfillState(StrEnum):
    """How far a backfill is."""

    RUNNING = "Running"
    DONE = "Done"
    REFUSED = "Refused"
    NOTED = "Noted"
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The progress of a backfill.

    Attributes:
        interval: The annotation's value: it names the backfill.
        through: Its own cursor: instants up to it are decided.
        total: How many instants it has.
        left_out: How many of them were recorded as created already.
        message: Why it was refused.
    """

    interval: str
    state: BackfillState
    through: datetime | None = None
    total: int = 0
    created: int = 0
    left_out: int = 0
    create_failed: int = 0
    message: str = ""
