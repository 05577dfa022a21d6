"""What is known of a run when it is over: the evidence that invariants are asserted on.

It comes from the fake API server and from the nemesis, never from a replica: Jobs as the server's history has them,
deleted ones included, every state that an object ever had, and the moments of the faults. All on true time. Plain
values, so that a test can make a history by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controller.jobs import Job
from controller.spec import CronJob
from tests.fakes.happenings import Annotated, Edit, Happening

QUOTA_FULL, QUOTA_FREE = "full", "free"
ALL = "all"
"""Whom a fault of everybody is told to have struck."""
"""What happens to a namespace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A status as it stood from a moment on.

    Attributes:
        at: True time.
        generation: Of the object at that moment.
    """

    at: datetime
    uid: str
    generation: int
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that the nemesis did to a replica, to a namespace (its quota is full, or has room again), or to all.

    Attributes:
        until: When it was healed; None for what is done in one moment.
        excuses: Nobody can fire meanwhile, so what is due in it is due at its healing.
    """

    at: datetime
    what: str
    node: str
    until: datetime | None = None
    excuses: bool = False


@dataclass(kw_only=True)
class Evidence:
    """Everything that happened in one run.

    Attributes:
        began: True time at its begin.
        ended: True time at its end.
        history: What happened to Jobs, in order.
        edits: What the authors did, in order.
        annotated: What people wrote into annotations, in order.
        told: What the statuses said, in order.
        faults: What the nemesis did, in order.
        rings: At the end, by node that lives: the nodes that it has on its ring.
        bugs: Errors that no replica may have.
        struck: How many requests and calls each kind of fault has met.
    """

    began: datetime
    ended: datetime
    history: list[Happening] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    annotated: list[Annotated] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    rings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bugs: list[str] = field(default_factory=list)
    struck: Mapping[str, int] = field(default_factory=dict)


class StatusWatcher:
    """Sees every state of every object as the server stores it: a watch without a network."""

    def __init__(self, now: Callable[[], datetime], told: list[Told]) -> None:
        self._now = now
        self._told = told
        self._last: dict[str, Mapping[str, Any]] = {}

    def cron_job_seen(self, cron_job: CronJob) -> None:
        """Note the status, if it is another one."""
        if self._last.get(cron_job.uid) is not cron_job.status:
            self._last[cron_job.uid] = cron_job.status
            self._told.append(
                Told(at=self._now(), uid=cron_job.uid, generation=cron_job.generation, status=cron_job.status)
            )

    def cron_job_gone(self, cron_job: CronJob) -> None:
        """The edits tell."""

    def job_seen(self, job: Job) -> None:
        """The history tells."""
