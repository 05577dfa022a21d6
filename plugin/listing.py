"""What `list` shows of each object: one row."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugin.objects import Seen
from plugin.telling import ago, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One object.

    Attributes:
        state: Ready, New, Suspended, Paused, CircuitOpen, Completed, Blocked, Deleting, or why it is not ready.
        why: The rest of that, in a sentence; empty if there is nothing to say.
    """

    namespace: str
    name: str
    schedules: tuple[str, ...]
    time_zone: str
    state: str
    why: str
    active: int
    queued: int
    last_schedule_at: datetime | None
    next_schedule_at: datetime | None
    last_successful_at: datetime | None
    owner: str | None
    counts: dict[str, int]

    def cells(self, now: datetime) -> tuple[str, ...]:
        """The row of the table, in the order of `HEADS`."""
        return (
            self.namespace,
            self.name,
            " | ".join(self.schedules),
            self.time_zone,
            self.state,
            str(self.active) + (f"+{self.queued}" if self.queued else ""),
            ago(self.last_schedule_at, now),
            ago(self.next_schedule_at, now),
            self.owner or "-",
        )

    def value(self) -> dict[str, Any]:
        """The row for programs."""
        return {
            "namespace": self.namespace,
            "name": self.name,
            "schedules": list(self.schedules),
            "timeZone": self.time_zone,
            "state": self.state,
            "why": self.why,
            "active": self.active,
            "queued": self.queued,
            "lastScheduleTime": text(self.last_schedule_at),
            "nextScheduleTime": text(self.next_schedule_at),
            "lastSuccessfulTime": text(self.last_successful_at),
            "owner": self.owner,
            "counts": self.counts,
        }


HEADS = ("namespace", "name", "schedule", "zone", "state", "active", "last", "next", "owner")


def rows(seen: Iterable[Seen], now: datetime) -> list[Row]:
    """A row for each object, by namespace and name."""
    return [_row(one, now) for one in sorted(seen, key=lambda one: one.key)]


def _row(seen: Seen, now: datetime) -> Row:
    status = seen.status
    return Row(
        namespace=seen.key.namespace,
        name=seen.key.name,
        schedules=seen.cron_job.spec.expressions,
        time_zone=seen.zone,
        state=seen.state(now),
        why=seen.silence(now) or seen.blocked or "",
        active=len(status.active),
        queued=len(status.queued),
        last_schedule_at=status.last_schedule_at,
        next_schedule_at=status.next_schedule_at,
        last_successful_at=status.last_successful_at,
        owner=status.owner,
        counts=dict(status.counts),
    )
