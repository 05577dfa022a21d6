"""What `next` shows: the instants to come, and whether they will fire as things stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from controller import schedule as schedules
from controller.errors import TerminalError
from controller.schedule import Schedule
from plugin.failures import Misused, Unfulfilled
from plugin.objects import Seen
from plugin.telling import text

_HORIZON = timedelta(days=366 * 41)
"""Nothing is looked for beyond: no schedule waits longer between two instants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """One instant to come.

    Attributes:
        scheduled_at: As the schedule names it.
        due_at: When it fires: put off by the object's jitter.
        skipped: Why it will not fire, as things stand; empty if it will.
    """

    scheduled_at: datetime
    due_at: datetime
    skipped: str = ""

    def value(self) -> dict[str, Any]:
        """The instant for programs."""
        return {
            "scheduledAt": text(self.scheduled_at),
            "dueAt": text(self.due_at),
            "skipped": self.skipped or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Upcoming:
    """The instants to come.

    Attributes:
        of: Whose: an object, or the expressions themselves.
        ends: Nothing follows after them.
    """

    of: str
    schedules: tuple[str, ...]
    time_zone: str
    instants: tuple[Instant, ...]
    ends: bool

    def value(self) -> dict[str, Any]:
        """All of it for programs."""
        return {
            "of": self.of,
            "schedules": list(self.schedules),
            "timeZone": self.time_zone,
            "instants": [instant.value() for instant in self.instants],
            "ends": self.ends,
        }


def of_object(seen: Seen, now: datetime, count: int) -> Upcoming:
    """The next instants of an object.

    Raises:
        Unfulfilled: It has no schedule that could name any.
    """
    if isinstance(seen.schedule, TerminalError):
        raise Unfulfilled(f"{seen.key}: {seen.schedule}")
    shift = seen.cron_job.shift
    left = _runs_left(seen)
    wanted = count if left is None else min(count, left)
    found = _first(seen.schedule, now - shift, wanted + 1)
    return Upcoming(
        of=str(seen.key),
        schedules=seen.cron_job.spec.expressions,
        time_zone=seen.zone,
        instants=tuple(
            Instant(scheduled_at=at, due_at=at + shift, skipped=_skipped(seen, at + shift, now))
            for at in islice(found, wanted)
        ),
        ends=len(found) <= wanted or (left is not None and left <= count),
    )


def of_expressions(
    texts: Sequence[str], time_zone: str | None, now: datetime, count: int, *, hashed_as: str = ""
) -> Upcoming:
    """The next instants of schedules that no object has.

    Raises:
        Misused: A text cannot be read, or it has an H and nobody said for whom.
    """
    try:
        schedule = schedules.parse(texts, time_zone, hashed_as=hashed_as or "-", created_at=now)
    except TerminalError as error:
        raise Misused(str(error)) from error
    if schedule.hashed_as and not hashed_as:
        raise Misused("an H is hashed from the object's namespace and name: say which with --as NAMESPACE/NAME")
    found = _first(schedule, now, count + 1)
    return Upcoming(
        of=" | ".join(texts),
        schedules=tuple(texts),
        time_zone=schedule.time_zone,
        instants=tuple(Instant(scheduled_at=at, due_at=at) for at in islice(found, count)),
        ends=len(found) <= count,
    )


def _first(schedule: Schedule, after: datetime, count: int) -> tuple[datetime, ...]:
    return schedule.between(after, after + _HORIZON, limit=count)


def _runs_left(seen: Seen) -> int | None:
    limit = seen.cron_job.spec.max_runs
    return None if limit is None else max(0, limit - seen.status.fired - seen.status.unfinished_runs)


def _skipped(seen: Seen, due_at: datetime, now: datetime) -> str:
    pause = seen.paused_until
    if not seen.cron_job.spec.suspend and pause is not None and now < pause:
        return seen.silence(now) or "" if due_at < pause else ""
    return seen.silence(now) or ""
