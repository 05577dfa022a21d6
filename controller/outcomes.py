"""What became of a due instant: the words that status, Events, log and metrics share.

Every due instant ends in exactly one outcome with one reason; so does every manual run, and every instant of a
backfill. This room holds the vocabulary and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reason(StrEnum):
    """The one reason word of an outcome."""

    CREATED = "Created"
    SKIPPED_FORBID = "SkippedForbid"
    SKIPPED_QUEUE_FULL = "SkippedQueueFull"
    SKIPPED_SUSPENDED = "SkippedSuspended"
    MISSED_DEADLINE = "MissedDeadline"
    MISSED_CATCH_UP = "MissedCatchUp"
    MISSED_EDIT = "MissedEdit"
    CREATE_FAILED = "CreateFailed"

    @property
    def counted_as(self) -> str:
        """The field of `status.counts` that instants with this reason belong to."""
        return _COUNTS[self]


_COUNTS = {
    Reason.CREATED: "created",
    Reason.SKIPPED_FORBID: "skipped",
    Reason.SKIPPED_QUEUE_FULL: "skipped",
    Reason.SKIPPED_SUSPENDED: "skipped",
    Reason.MISSED_DEADLINE: "missed",
    Reason.MISSED_CATCH_UP: "missed",
    Reason.MISSED_EDIT: "missed",
    Reason.CREATE_FAILED: "createFailed",
}


class Trigger(StrEnum):
    """What makes a Job fire."""

    SCHEDULE = "schedule"
    CATCH_UP = "catch-up"
    MANUAL = "manual"
    BACKFILL = "backfill"

    @property
    def of_schedule(self) -> bool:
        """Whether it stands for an instant of the schedule, which is counted."""
        return self in (Trigger.SCHEDULE, Trigger.CATCH_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one firing.

    Attributes:
        scheduled_at: The instant, UTC; of a manual run, the second in which it was claimed or turned away.
        reason: Why it ended so.
        job: The name of its Job; None if none was created.
        message: A sentence for people, where the reason word does not say enough.
        trigger: SCHEDULE also for instants that were caught up.
        trigger_id: Which manual run, or which backfill.
    """

    scheduled_at: datetime
    reason: Reason
    job: str | None = None
    message: str = ""
    trigger: Trigger = Trigger.SCHEDULE
    trigger_id: str | None = None
