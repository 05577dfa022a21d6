"""A DistributedCronJob as the commands look at it: its JSON, and what the rooms of the controller read in it.

What cannot be read is said to be so, with the object's name: the controller may be newer than this plugin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from controller import spec, statusbody
from controller.conditions import BLOCKED, CIRCUIT_OPEN, COMPLETED, READY, SUSPENDED
from controller.due import schedule_of
from controller.errors import TerminalError
from controller.requests import SUSPEND_REASON, Pause
from controller.schedule import Schedule
from controller.spec import CronJob, Key
from controller.status import Status
from plugin.failures import Unfulfilled


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One object as the API server showed it.

    Attributes:
        body: Its JSON.
    """

    body: Mapping[str, Any]
    cron_job: CronJob
    status: Status

    @property
    def key(self) -> Key:
        """Where it lives."""
        return self.cron_job.key

    @cached_property
    def schedule(self) -> Schedule | TerminalError:
        """Its schedule, or why it has none."""
        return schedule_of(self.cron_job)

    @property
    def zone(self) -> str:
        """The zone that its schedule counts in."""
        return self.cron_job.spec.time_zone or "UTC"

    @property
    def paused_until(self) -> datetime | None:
        """The end of a pause by annotation, which may be over."""
        pause = self.cron_job.requests.pause
        return pause.until if isinstance(pause, Pause) else None

    @property
    def suspend_reason(self) -> str:
        """Why somebody has suspended or paused it; empty if nobody said."""
        annotations: Mapping[str, str] = self.body["metadata"].get("annotations") or {}
        return annotations.get(SUSPEND_REASON) or ""

    def holds(self, condition: str) -> bool:
        """Whether a condition is true."""
        found = self.status.condition(condition)
        return found is not None and found.status

    @property
    def blocked(self) -> str | None:
        """Which Jobs hold up the schedule, in a sentence; None: none."""
        found = self.status.condition(BLOCKED)
        return found.message if found is not None and found.status else None

    def silence(self, now: datetime) -> str | None:
        """Why nothing of the schedule fires at this moment, as the end of a sentence; None: it may fire."""
        because = f": {self.suspend_reason}" if self.suspend_reason else ""
        ready, completed = self.status.condition(READY), self.status.condition(COMPLETED)
        if isinstance(self.schedule, TerminalError):
            return str(self.schedule)
        if self.cron_job.deleted:
            return "it is being deleted"
        if self.cron_job.spec.suspend:
            return f"it is suspended{because}"
        if self.paused_until is not None and now < self.paused_until:
            return f"it is paused until {self.paused_until:%Y-%m-%d %H:%M:%S}Z{because}"
        if self.holds(CIRCUIT_OPEN):
            return "its circuit is open: too many Jobs have failed in a row"
        if completed is not None and completed.status:
            return f"it is completed: {completed.message}"
        if ready is not None and not ready.status:
            return f"it is not ready ({ready.reason}): {ready.message}"
        return None

    def state(self, now: datetime) -> str:
        """How it is, in one word: one of the conditions, or a reason of `Ready`."""
        ready = self.status.condition(READY)
        if self.cron_job.deleted:
            return "Deleting"
        if isinstance(self.schedule, TerminalError):
            return self.schedule.reason
        if self.cron_job.spec.suspend:
            return SUSPENDED
        if self.paused_until is not None and now < self.paused_until:
            return "Paused"
        for condition in (CIRCUIT_OPEN, COMPLETED):
            if self.holds(condition):
                return condition
        if ready is None:
            return "New"
        if ready.status:
            return BLOCKED if self.blocked else READY
        return ready.reason


def read(body: Mapping[str, Any]) -> Seen:
    """The object in an answer of the API server.

    Raises:
        Unfulfilled: It has a shape that this version does not know.
    """
    try:
        cron_job = spec.parse(body)
        return Seen(body=body, cron_job=cron_job, status=statusbody.parse(cron_job))
    except (KeyError, ValueError, TypeError) as error:
        meta = body.get("metadata") or {}
        name = f"{meta.get('namespace')}/{meta.get('name')}"
        raise Unfulfilled(f"{name} cannot be read by this version of the plugin: {error!r}") from error
