"""The `DistributedCronJob` objects as the API server holds them: what was asked for, and what their status says.

The spec is the ground of the count in `expected`. The status is only shown, but for one thing: that an instant was
skipped on purpose is said nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from deploy.demo import expected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.apiclient import ApiClient

PATH = "/apis/dcron.io/v1/distributedcronjobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class CronObject:
    """One object, as it was read last.

    Attributes:
        created_at: UTC, a whole second, as the API server keeps it.
        zone: IANA name.
        deadline: How late a firing may be; None: as late as need be.
        owner: The replica that serves it, by its status; empty if not known yet.
        next_at: When it fires next, by its status.
        recorded: The reason word of each of its last instants, by its status.
    """

    uid: str
    namespace: str
    name: str
    created_at: datetime
    schedules: tuple[str, ...]
    zone: str
    policy: str
    suspended: bool
    deadline: timedelta | None
    start_at: datetime | None
    end_at: datetime | None
    owner: str
    next_at: datetime | None
    recorded: Mapping[datetime, str]

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name if self.namespace == "default" else f"{self.namespace}/{self.name}"

    @property
    def schedule(self) -> str:
        """Its schedules and zone in one line."""
        zone = "" if self.zone == "UTC" else f" {self.zone}"
        return " + ".join(self.schedules) + zone

    def due(self, until: datetime) -> list[datetime]:
        """The instants after its creation and up to `until` that it asks for, oldest first.

        Raises:
            Uncountable: The demo cannot read its schedule.
        """
        if self.suspended:
            return []
        last = until if self.end_at is None else min(until, self.end_at - timedelta(microseconds=1))
        found = expected.instants(self.schedules, self.zone, self.created_at, last)
        return [instant for instant in found if self.start_at is None or instant >= self.start_at]


def read_all(api: ApiClient) -> list[CronObject]:
    """All objects of the cluster, by name."""
    return sorted(map(parse, api.call("GET", PATH)["items"]), key=lambda found: found.label)


def parse(body: Mapping[str, Any]) -> CronObject:
    """The value of an object in an API server's answer."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    deadline = spec.get("startingDeadlineSeconds")
    return CronObject(
        uid=meta["uid"],
        namespace=meta["namespace"],
        name=meta["name"],
        created_at=datetime.fromisoformat(meta["creationTimestamp"]),
        schedules=tuple(spec.get("schedules") or [spec["schedule"]]),
        zone=spec.get("timeZone", "UTC"),
        policy=spec.get("concurrencyPolicy", "Allow"),
        suspended=spec.get("suspend", False),
        deadline=None if deadline is None else timedelta(seconds=deadline),
        start_at=_instant(spec.get("startTime")),
        end_at=_instant(spec.get("endTime")),
        owner=status.get("owner", ""),
        next_at=_instant(status.get("nextScheduleTime")),
        recorded={
            datetime.fromisoformat(outcome["scheduledAt"]): outcome["reason"] for outcome in status.get("recent", ())
        },
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
