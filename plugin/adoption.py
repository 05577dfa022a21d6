"""When a CronJob of batch/v1 may be taken over so that no firing is missed and none is doubled.

batch/v1 fires whole minutes, so between two instants there is time. The change-over happens there: once the last
instant has been run by batch/v1, and well before the next, the old one is suspended and the new one is created. The
old one has every instant up to the change, the new one every instant after its own creation, and none lies between.

What this rests on, in the words of batch/v1's controller: it fires the newest instant that it has missed, also late;
an instant that waits under Forbid is fired when the Job before it ends; `status.lastScheduleTime` or a Job with the
instant's name says that it is run. Our Jobs are not counted by the old one's policy nor its Jobs by ours, so under
Forbid and Replace nothing may run at the change.

Values only: `handover` does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller import schedule as schedules
from controller.errors import TerminalError
from controller.instants import format_time, parse_time
from controller.jobs import BATCH_SCHEDULED_AT
from controller.schedule import Schedule
from controller.spec import GROUP, Key
from plugin.failures import Unfulfilled

HANDED_OVER = f"{GROUP}/handed-over"
"""On the old object: it is suspended because every instant after this one is the new one's. An interrupted change-over
goes on from here."""

LEAD = timedelta(seconds=20)
"""How long before the next instant a change-over must begin: the old one's controller has this time to see that it is
suspended, and the new one's to show that it serves."""
LEFT = timedelta(seconds=10)
"""So much of it must be left once the old one is suspended; else it is taken back."""
TRAIL = timedelta(seconds=2)
"""How long after an instant it is looked whether it has run."""
GLANCE = timedelta(seconds=1)
_GRACE = timedelta(seconds=1)
_HORIZON = timedelta(days=366 * 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldJob:
    """A Job of the old object.

    Attributes:
        scheduled_at: Its instant; None if it was made by hand.
    """

    name: str
    scheduled_at: datetime | None
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """The CronJob of batch/v1 as it is now.

    Attributes:
        handed_over: The last instant that is its own, if a change-over has begun.
        edited_at: When its spec was last written, to the second; None if nobody says.
        limited: It must not run twice at a time.
        zoned: It names its time zone.
        jobs: Its Jobs.
    """

    key: Key
    uid: str
    version: str
    created_at: datetime
    suspended: bool
    edited_at: datetime | None
    handed_over: datetime | None
    limited: bool
    zoned: bool
    deadline: timedelta | None
    schedule: Schedule
    last_schedule_at: datetime | None
    last_successful_at: datetime | None
    jobs: tuple[OldJob, ...]

    def has_run(self, instant: datetime, now: datetime) -> bool:
        """Whether an instant needs nothing of it any more: it has run, or is too late to."""
        seen = [job.scheduled_at for job in self.jobs if job.scheduled_at is not None]
        newest = max([*seen, *([self.last_schedule_at] if self.last_schedule_at else [])], default=None)
        if newest is not None and newest >= instant:
            return True
        return self.deadline is not None and now > instant + self.deadline + _GRACE

    @property
    def unfinished(self) -> tuple[str, ...]:
        """Its Jobs that have not ended."""
        return tuple(job.name for job in self.jobs if not job.finished)

    @property
    def last_instant(self) -> datetime | None:
        """The newest instant that it has run."""
        seen = [job.scheduled_at for job in self.jobs if job.scheduled_at is not None]
        return max([*seen, *([self.last_schedule_at] if self.last_schedule_at else [])], default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """It is not the moment.

    Attributes:
        duration: When to look again.
        why: What is waited for.
    """

    duration: timedelta
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    """It is the moment.

    Attributes:
        boundary: Every instant up to it is the old one's.
        next_at: The first instant after it; None if there is none.
    """

    boundary: datetime
    next_at: datetime | None


def moment(old: Old, now: datetime) -> Wait | Go:
    """Whether the change-over may begin."""
    last, following = old.schedule.latest_at(now, after=old.created_at), old.schedule.next_after(now)
    if following is not None and following - now < LEAD:
        return Wait(duration=following + TRAIL - now, why=f"its instant {format_time(following)} comes first")
    if last is not None and not old.has_run(last, now):
        return Wait(duration=GLANCE, why=f"batch/v1 has not run its instant {format_time(last)} yet")
    if old.limited and old.unfinished:
        return Wait(duration=GLANCE, why=f"its Job {old.unfinished[0]} still runs, and its policy allows no other")
    return Go(boundary=now.replace(microsecond=0), next_at=following)


def doubt(old: Old) -> str | None:
    """What speaks against it that its schedule means the same to both controllers.

    Without a zone batch/v1 counts in that of its controller manager, and only the last instant may tell which it is.
    """
    last = old.last_schedule_at
    if old.zoned or last is None or (old.edited_at is not None and old.edited_at > last):
        return None
    if old.schedule.between(last - timedelta(seconds=1), last, limit=1):
        return None
    return f"its last instant {format_time(last)} is none of its schedule in UTC; set spec.timeZone before"


def objection(old: Old, go: Go, now: datetime) -> str | None:
    """Why the change-over must be taken back although the old one is suspended; None: the new one may be created."""
    late = [job for job in old.jobs if job.scheduled_at is not None and job.scheduled_at > go.boundary]
    if late:
        return f"batch/v1 has made {late[0].name} meanwhile"
    if old.limited and old.unfinished:
        return f"its Job {old.unfinished[0]} has begun meanwhile"
    if go.next_at is not None and go.next_at - now < LEFT:
        return "the API server took too long"
    return None


def missed(old: Old, boundary: datetime, new_since: datetime) -> tuple[datetime, ...]:
    """Instants that are neither the old one's nor the new one's: those of a change-over that was interrupted."""
    return old.schedule.between(boundary, new_since, limit=_MOST_MISSED) if new_since > boundary else ()


_MOST_MISSED = 10_000
"""As many as one backfill fires."""


def interval(instants: tuple[datetime, ...]) -> str:
    """The backfill that fires these instants."""
    return f"{format_time(instants[0])}/{format_time(instants[-1] + timedelta(seconds=1))}"


def suspension(old: Old, boundary: datetime) -> dict[str, Any]:
    """Stops the old one, if it is still as it was seen."""
    meta = {"resourceVersion": old.version, "annotations": {HANDED_OVER: format_time(boundary)}}
    return {"metadata": meta, "spec": {"suspend": True}}


def resumption() -> dict[str, Any]:
    """Lets the old one go on: it fires the newest instant that it has missed, if there is one."""
    return {"metadata": {"annotations": {HANDED_OVER: None}}, "spec": {"suspend": False}}


def inheritance(old: Old, status: Mapping[str, Any], version: str) -> dict[str, Any]:
    """What the new one's status takes over, if it is still as it was seen; empty if there is nothing to take.

    A later instant or success of its own stands.
    """
    told = {"lastScheduleTime": old.last_instant, "lastSuccessfulTime": old.last_successful_at}
    new = {name: format_time(at) for name, at in told.items() if at is not None and name not in status}
    return {"metadata": {"resourceVersion": version}, "status": new} if new else {}


def read(body: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]]) -> Old:
    """The CronJob in an answer of the API server.

    Args:
        body: Its JSON.
        jobs: The Jobs of its namespace.

    Raises:
        Unfulfilled: It cannot be taken over without a miss: its schedule means something else here.
    """
    meta, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    key, text, zone = Key(meta["namespace"], meta["name"]), spec["schedule"], spec.get("timeZone")
    if text.strip().lower().startswith("@every"):
        raise Unfulfilled(f"{key}: @every counts from the creation of the object here: its instants cannot be kept")
    try:
        schedule = schedules.parse([text], zone)
    except TerminalError as error:
        raise Unfulfilled(f"{key}: {error}") from error
    deadline, handed_over = spec.get("startingDeadlineSeconds"), (meta.get("annotations") or {}).get(HANDED_OVER)
    return Old(
        key=key,
        uid=meta["uid"],
        version=meta["resourceVersion"],
        created_at=parse_time(meta["creationTimestamp"]),
        suspended=bool(spec.get("suspend")),
        edited_at=_edited_at(meta.get("managedFields") or ()),
        handed_over=None if handed_over is None else parse_time(handed_over),
        zoned=zone is not None,
        limited=spec.get("concurrencyPolicy") in ("Forbid", "Replace"),
        deadline=None if deadline is None else timedelta(seconds=deadline),
        schedule=schedule,
        last_schedule_at=_time(status.get("lastScheduleTime")),
        last_successful_at=_time(status.get("lastSuccessfulTime")),
        jobs=tuple(_job(job, meta["name"]) for job in jobs if _owned(job, meta["uid"])),
    )


def _owned(job: Mapping[str, Any], uid: str) -> bool:
    return any(reference.get("uid") == uid for reference in job["metadata"].get("ownerReferences") or ())


def _job(body: Mapping[str, Any], cron_job: str) -> OldJob:
    """A Job. Its instant is on it, or, by an older controller, in its name, as minutes since 1970."""
    meta = body["metadata"]
    name, noted = meta["name"], (meta.get("annotations") or {}).get(BATCH_SCHEDULED_AT)
    minutes = name.removeprefix(f"{cron_job}-")
    if noted is not None:
        at: datetime | None = parse_time(noted)
    elif minutes.isascii() and minutes.isdigit() and len(minutes) == _MINUTE_DIGITS:
        at = parse_time("1970-01-01T00:00:00Z") + timedelta(minutes=int(minutes))
    else:
        at = None
    ended = (body.get("status") or {}).get("conditions") or ()
    finished = any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in ended)
    return OldJob(name=name, scheduled_at=at, finished=finished)


_MINUTE_DIGITS = 8
"""Minutes since 1970 have eight digits from 1989 to 2160."""


def _edited_at(managed_fields: Iterable[Mapping[str, Any]]) -> datetime | None:
    """The newest write among the managers of the spec."""
    times = [
        parse_time(one["time"])
        for one in managed_fields
        if not one.get("subresource") and "f:spec" in (one.get("fieldsV1") or {}) and "time" in one
    ]
    return max(times, default=None)


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
