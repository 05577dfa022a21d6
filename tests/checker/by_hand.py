"""Makes histories by hand: a valid one of one object that fires each second, and what a story changes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.checker.history import CronObject, Fault, History, MadeJob, Told, Trigger, Version

NOON = datetime(2026, 3, 2, 12, 0, 0, tzinfo=UTC)
UID = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"
SECONDS = 20
"""Instants 12:00:01 to 12:00:20 are due."""


def at(second: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=second)


def text(second: float) -> str:
    """The same as it stands in a status."""
    return at(second).isoformat().replace("+00:00", "Z")


def job(second: float, late: float = 0.02, **changes: Any) -> MadeJob:
    """The Job of an instant, which runs for a tenth of a second; each call is another Job."""
    made = at(second) + timedelta(seconds=late)
    name = f"report-{at(second):%Y%m%d%H%M%S}-0a1b2c3d4e"
    fresh = MadeJob(
        uid=f"{name}@{made.timestamp()}",
        namespace="team",
        name=name,
        owner_uid=UID,
        instant=at(second),
        created_at=made,
        generation=1,
        node="north",
        finished_at=made + timedelta(seconds=0.1),
        succeeded=True,
    )
    return replace(fresh, **changes)


def jobs(*without: int, until: int = SECONDS, **changes: Any) -> list[MadeJob]:
    """The Jobs of all instants but some."""
    return [job(second, **changes) for second in range(1, until + 1) if second not in without]


def outcome(second: float, reason: str = "Created", **more: Any) -> dict[str, Any]:
    """An entry of `recent`."""
    return {"scheduledAt": text(second), "reason": reason, **more}


def status(through: float, *recent: dict[str, Any], at_second: float | None = None, **more: Any) -> Told:
    """A status that has settled all up to an instant, and was written soon after it; by default all were created."""
    counts = {"due": int(through), "created": int(through), "skipped": 0, "missed": 0, "createFailed": 0}
    told = {"settledThrough": text(through), "counts": counts, "recent": list(recent), "owner": "north", **more}
    return Told(at=at(through + 0.5 if at_second is None else at_second), generation=1, status=told)


def statuses(until: int = SECONDS) -> list[Told]:
    """A status for each instant that was settled."""
    return [status(second, outcome(second)) for second in range(1, until + 1)]


def settled(*seconds: int, before: int = 0) -> list[Told]:
    """The same of an object that has other instants than those of each second, and had some before."""
    counts = [dict.fromkeys(("due", "created"), before + number) for number in range(1, len(seconds) + 1)]
    return [status(second, outcome(second), counts=counts[number]) for number, second in enumerate(seconds)]


def skipping(reason: str, *seconds: int, after: float = 0.5, **more: Any) -> list[Told]:
    """A status for each instant; some have got no Job, for a reason that was told so long after them.

    Args:
        more: What the statuses of these instants say too.
    """
    found: list[Told] = []
    without, moment = 0, 0.0
    for second in range(1, SECONDS + 1):
        without += second in seconds
        extra = more if second in seconds else {}
        created = second - without - len(extra.get("queued", ()))
        counts = {"due": second, "created": created, _counted(reason): without}
        moment = max(moment + 0.001, second + (after if second in seconds else 0.5))
        entry = outcome(second, reason if second in seconds else "Created")
        found.append(status(second, entry, at_second=moment, counts=counts, **extra))
    return found


def _counted(reason: str) -> str:
    return "createFailed" if reason == "CreateFailed" else "missed" if reason.startswith("Missed") else "skipped"


def version(second: float = 0, generation: int = 1, annotations: dict[str, str] | None = None, **spec: Any) -> Version:
    """What the author writes at a moment."""
    return Version(
        since=at(second),
        stamped_at=at(int(second)),
        generation=generation,
        spec={"schedule": "* * * * * *", **spec},
        annotations=annotations or {},
    )


def history(
    made: Sequence[MadeJob],
    *versions: Version,
    told: Sequence[Told] | None = None,
    deleted_at: datetime | None = None,
    faults: Sequence[Fault] = (),
    **changes: Any,
) -> History:
    """A run of one object, whose instants up to 12:00:20 are judged, and which is watched for 20 s more."""
    thing = CronObject(
        uid=UID,
        namespace="team",
        name="report",
        versions=versions or (version(),),
        told=statuses() if told is None else told,
        deleted_at=deleted_at,
    )
    run = History(
        began=NOON, until=at(SECONDS), ended=at(SECONDS + 20), objects=[thing], jobs=list(made), faults=faults
    )
    return replace(run, **changes)


def kill(second: float) -> Fault:
    """A replica dies."""
    return Fault(what="kill -9 of north", since=at(second), until=at(second))


def manual(second: float, value: str, **changes: Any) -> MadeJob:
    """The Job of a manual run."""
    return job(second, trigger=Trigger.MANUAL, request=value, name=f"report-m-{value}", **changes)


def backfill(second: float, made: float, interval: str, **changes: Any) -> MadeJob:
    """The Job of a backfill's instant."""
    name = f"report-b{at(second):%Y%m%d%H%M%S}-ffffffffff"
    return job(second, late=made - second, trigger=Trigger.BACKFILL, request=interval, name=name, **changes)
