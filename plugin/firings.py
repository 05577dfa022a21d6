"""What `history` shows: the firings of an object that are still told of, by its status and by its Jobs.

The status has the last ten firings, whatever became of them; the Jobs that are kept say how they went. One that both
tell of is one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller import jobs as jobs_
from controller.instants import parse_time, span
from controller.jobs import Job
from controller.names import backfill_name, manual_name, name_for
from controller.outcomes import Reason, Trigger
from controller.status import Slot
from plugin.objects import Seen
from plugin.telling import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A Job, and how it goes.

    Attributes:
        took: How long it ran; None while it has not ended, or if nobody says.
    """

    job: Job
    trigger_id: str | None
    took: timedelta | None

    @property
    def state(self) -> str:
        """In one word: running, succeeded, failed, or being deleted."""
        if self.job.finished_at is None:
            return "deleted" if self.job.gone else "running"
        return "succeeded" if self.job.succeeded else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One firing.

    Attributes:
        outcome: The reason word; `Queued` and `Promised` while there is none.
        job: The name of its Job; None if it got none.
        run: Its Job, if the cluster still has it.
    """

    scheduled_at: datetime
    trigger: Trigger
    outcome: str
    job: str | None = None
    run: Run | None = None

    def cells(self, shown: str) -> tuple[str, ...]:
        """The row of the table, in the order of `HEADS`."""
        state = self.run.state if self.run else "gone" if self.job else "-"
        took = span(self.run.took) if self.run and self.run.took is not None else "-"
        node = (self.run.job.fired_by if self.run else None) or "-"
        return shown, self.trigger.value, self.outcome, self.job or "-", state, took, node

    def value(self) -> dict[str, Any]:
        """The firing for programs."""
        run = self.run
        return {
            "scheduledAt": text(self.scheduled_at),
            "trigger": self.trigger.value,
            "outcome": self.outcome,
            "job": self.job,
            "state": run.state if run else "gone" if self.job else None,
            "createdAt": text(run.job.created_at) if run else None,
            "finishedAt": text(run.job.finished_at) if run else None,
            "firedBy": run.job.fired_by if run else None,
        }


HEADS = ("instant", "trigger", "outcome", "job", "state", "took", "fired by")
QUEUED, PROMISED = "Queued", "Promised"


def run(body: Mapping[str, Any]) -> Run:
    """A Job in an answer of the API server."""
    job = jobs_.parse(body)
    started = (body.get("status") or {}).get("startTime")
    took = job.finished_at - parse_time(started) if job.finished_at is not None and started else None
    return Run(job=job, trigger_id=(body["metadata"].get("annotations") or {}).get(jobs_.TRIGGER_ID), took=took)


def known(seen: Seen, runs: Iterable[Run]) -> list[Firing]:
    """All firings that are still told of, the newest first."""
    by_name = {one.job.name: one for one in runs}
    found: dict[str, Firing] = {}
    for name, one in by_name.items():
        at = one.job.scheduled_at or one.job.created_at
        found[name] = Firing(scheduled_at=at, trigger=one.job.trigger, outcome=Reason.CREATED.value, job=name, run=one)
    for outcome in seen.status.recent:
        name = outcome.job or _name(seen, outcome.scheduled_at, outcome.trigger, outcome.trigger_id)
        if name not in found:
            found[name] = Firing(
                scheduled_at=outcome.scheduled_at,
                trigger=outcome.trigger,
                outcome=outcome.reason.value,
                job=outcome.job,
            )
    for slots, word in ((seen.status.queued, QUEUED), (seen.status.active, PROMISED)):
        for slot in slots:
            if slot.name not in found and slot.uid is None:
                found[slot.name] = _waiting(slot, word)
    return sorted(found.values(), key=lambda one: (one.scheduled_at, one.job or ""), reverse=True)


def _waiting(slot: Slot, word: str) -> Firing:
    return Firing(scheduled_at=slot.scheduled_at, trigger=slot.trigger, outcome=word)


def _name(seen: Seen, at: datetime, trigger: Trigger, trigger_id: str | None) -> str:
    """What its Job is called, or would have been: the name is the firing's identity."""
    match trigger:
        case Trigger.MANUAL:
            return manual_name(seen.cron_job, trigger_id or "")
        case Trigger.BACKFILL:
            return backfill_name(seen.cron_job, trigger_id or "", at)
    return name_for(seen.cron_job, at)
