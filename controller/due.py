"""Which instants are due for this node, and what becomes of each, whatever the concurrency policy.

The order of the verdicts: it has its Job; suspended; past its deadline; refused for good; in the late window; asked for
by the catch-up policy; missed. `settlement` adds the concurrency policy and the ledger.

Instants are nominal. Where one meets the clock, the object's jitter is added: it is the shifted instant that is due,
late and past its deadline.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import assert_never

from controller import schedule as schedules
from controller.errors import TerminalError
from controller.instants import INSTANT
from controller.jobs import Firing
from controller.names import name_for
from controller.observation import Attempt, Observed, Stance
from controller.outcomes import Reason, Trigger
from controller.requests import Pause
from controller.schedule import Schedule
from controller.spec import CatchUpPolicy, CronJob

CHUNK = 1000
"""Most instants looked at in one step: a few tens of milliseconds of the loop; the rest follows in the next one."""
INTERVAL_HORIZON = timedelta(days=366 * 5)
"""How far back the instant before a firing is looked for: one leap-day schedule apart, at the least."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """The due instants of one object.

    Attributes:
        schedule: The object's schedule, or why it has none.
        through: Instants up to it have their outcome.
        done: Instants that have their Job, or had it.
        circuit_open: Too many Jobs have failed in a row: nothing fires.
    """

    cron_job: CronJob
    schedule: Schedule | TerminalError
    observed: Observed
    through: datetime
    done: frozenset[datetime]
    now: datetime
    stance: Stance
    circuit_open: bool = False

    @property
    def until(self) -> datetime:
        """The newest instant that this node looks at."""
        return self.now - self.cron_job.shift - self.stance.delay

    @property
    def late_since(self) -> datetime:
        """Instants at or after it are only late."""
        return self.now - self.cron_job.shift - self.stance.late

    @property
    def suspended_now(self) -> bool:
        """Whether nothing of the schedule fires at this moment."""
        pause = self.paused_until
        return self.cron_job.spec.suspend or self.circuit_open or (pause is not None and self.now < pause)

    @property
    def paused_until(self) -> datetime | None:
        """The end of a pause by annotation, which may be over."""
        pause = self.cron_job.requests.pause
        return pause.until if isinstance(pause, Pause) else None

    @cached_property
    def recent(self) -> tuple[datetime, ...]:
        """Due instants in the late window."""
        return self.between(max(self.through, self.late_since - INSTANT), self.until)

    @cached_property
    def wanted(self) -> frozenset[datetime]:
        """Due instants older than the late window that the catch-up policy asks for."""
        until = min(self.late_since - INSTANT, self.until)
        match self.cron_job.spec.catch_up_policy:
            case CatchUpPolicy.NONE:
                return frozenset()
            case CatchUpPolicy.LATEST:
                return frozenset() if self.recent else self._newest(until, limit=1)
            case CatchUpPolicy.ALL:
                return self._newest(until, limit=self.cron_job.spec.catch_up_limit)
            case never:
                assert_never(never)

    def candidates(self) -> Iterable[datetime]:
        """Due instants that may fire, oldest first: what the catch-up asks for, what was tried, what is only late."""
        tried = {at for at in self._attempts if self.through < at <= self.until and self._is_instant(at)}
        return sorted({*self.wanted, *tried, *self.recent})

    def _is_instant(self, at: datetime) -> bool:
        """Whether the schedule as it is now has it: an edit may have come since it was tried."""
        return bool(self.between(at - INSTANT, at, limit=1))

    def verdict(self, instant: datetime) -> Reason | None:
        """What becomes of a due instant; None: it fires."""
        if instant in self.done:
            return Reason.CREATED
        if (reason := self.forbidden(instant)) is not None:
            return reason
        fires = instant >= self.late_since or instant in self.wanted or self._attempt(instant) is not None
        return None if fires else Reason.MISSED_CATCH_UP

    def forbidden(self, instant: datetime) -> Reason | None:
        """Why an instant that was to fire must not get its Job any more; None: it may."""
        attempt = self._attempt(instant)
        if self._suspended(instant):
            return Reason.SKIPPED_SUSPENDED
        if self.cron_job.is_too_late(instant, Trigger.SCHEDULE, self.now):
            return Reason.MISSED_DEADLINE
        if attempt is not None and (attempt.final or self.given_up(attempt, self.cron_job.due_at(instant))):
            return Reason.CREATE_FAILED
        return None

    def _suspended(self, instant: datetime) -> bool:
        pause = self.paused_until
        paused = pause is not None and self.cron_job.due_at(instant) < pause
        return self.cron_job.spec.suspend or self.circuit_open or paused

    def may_try(self, instant: datetime) -> bool:
        """Whether a create may be tried now: a refused one waits for its time; in a pause of everything all wait."""
        if self.stance.paused:
            return False
        attempt = self._attempt(instant)
        return instant <= self.until and (attempt is None or attempt.retry_at <= self.now)

    def between(self, after: datetime, until: datetime, *, limit: int = CHUNK) -> tuple[datetime, ...]:
        """Instants in (after, until], oldest first; none without a schedule."""
        if isinstance(self.schedule, TerminalError) or until <= after:
            return ()
        return self.schedule.between(after, until, limit=limit)

    def next_after(self, instant: datetime) -> datetime | None:
        """The first instant after another; None without a schedule, or when none is left."""
        return None if isinstance(self.schedule, TerminalError) else self.schedule.next_after(instant)

    def firing(self, instant: datetime) -> Firing:
        """The firing of an instant, with its neighbours in the schedule as it is now."""
        caught_up = instant < self.late_since
        return Firing(
            name=name_for(self.cron_job, instant),
            scheduled_at=instant,
            trigger=Trigger.CATCH_UP if caught_up else Trigger.SCHEDULE,
            previous_at=self.previous(instant),
            next_at=self.next_after(instant),
            last_successful_at=self.observed.status.last_successful_at,
        )

    def previous(self, instant: datetime) -> datetime | None:
        """The last instant before another, within some years; None without a schedule."""
        if isinstance(self.schedule, TerminalError):
            return None
        return self.schedule.latest_at(instant - INSTANT, after=instant - INTERVAL_HORIZON)

    def _newest(self, until: datetime, *, limit: int) -> frozenset[datetime]:
        if isinstance(self.schedule, TerminalError) or until <= self.through:
            return frozenset()
        return frozenset(self.schedule.newest(self.through, until, limit=limit))

    @cached_property
    def _attempts(self) -> dict[datetime, Attempt]:
        """By instant, the creates for the schedule that were turned down."""
        return {attempt.scheduled_at: attempt for attempt in self.observed.attempts if attempt.trigger.of_schedule}

    def _attempt(self, instant: datetime) -> Attempt | None:
        return self._attempts.get(instant)

    def given_up(self, attempt: Attempt, due_at: datetime) -> bool:
        """Whether a create that was refused for now is tried no more; without a deadline only.

        It is tried until the next instant is due and the late window is over, for the instant and for the tries
        themselves: what is caught up is late from the beginning.
        """
        if self.cron_job.spec.starting_deadline is not None:
            return False
        if self.now - max(due_at, attempt.first_at) <= self.stance.late:
            return False
        return bool(self.between(due_at - self.cron_job.shift, self.until, limit=1))


def schedule_of(cron_job: CronJob) -> Schedule | TerminalError:
    """The schedule of an object, or why it has none."""
    spec = cron_job.spec
    try:
        return schedules.parse(
            spec.expressions,
            spec.time_zone,
            start_at=spec.start_at,
            end_at=spec.end_at,
            hashed_as=str(cron_job.key),
            created_at=cron_job.created_at,
            dst_gap=spec.dst_gap,
            dst_overlap=spec.dst_overlap,
        )
    except TerminalError as error:
        return error
