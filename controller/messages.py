"""The values that pass through the ports: what adapters and flow tell each other.

They stand beside `ports` so that the Protocols fit on one page. Frozen, and made of our own words only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.jobs import Job
from controller.outcomes import Reason, Trigger
from controller.spec import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One replica as it announces itself.

    Attributes:
        node: Its name, for people.
        nonce: Random, one for each process: makes the identity unique when two replicas share a name.
        started_at: When its process started, by its own clock.
        protocol: Version of ring hash, naming rule and parser; members must agree.
        tzdata: Version of its tz database.
        api_ok: The API server answered it within the last 3 s.
    """

    node: str
    nonce: str
    started_at: datetime
    protocol: str
    tzdata: str
    api_ok: bool

    @property
    def identity(self) -> str:
        """What stands on the ring for this member."""
        return f"{self.node}/{self.nonce}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """The answer to a beat.

    Attributes:
        members: All live members, this one included, ordered by identity.
        server_time: The driver's own time while it answered, UTC: what offsets are measured against. None: it has
            no clock of its own.
        joined: This beat found no announcement of this member: its first one, or the driver has lost its memory.
    """

    members: tuple[Member, ...]
    server_time: datetime | None
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FiringRecord:
    """One firing as the recent-job store keeps it.

    Attributes:
        uid: UID of the object.
        scheduled_at: The instant, UTC; of a manual run, when it was recorded, for it has none.
        trigger: What made it fire.
        node: Name of the node that fired it.
        job: Name of its Job; None if it got none.
        lateness_seconds: From the instant until the outcome.
        recorded_at: When, UTC.
    """

    uid: str
    key: Key
    scheduled_at: datetime
    outcome: Reason
    node: str
    job: str | None
    lateness_seconds: float
    recorded_at: datetime
    trigger: Trigger = Trigger.SCHEDULE


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What the API server says of all objects in scope without listing them.

    Attributes:
        count: How many there are.
        version: The version that it has come to, of whatever resource: no object's is greater.
    """

    count: int
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCreated:
    """The Job was created by this very request."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobExists:
    """A Job of that name is there already. Whose it is, the caller sees at `job.controlled_by`."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRejected:
    """The API server will never take this Job as it is (422 or 400); its own message."""

    message: str


CreateResult = JobCreated | JobExists | JobRejected


class EventType(StrEnum):
    """The two types of Kubernetes Events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A Kubernetes Event about one DistributedCronJob.

    Attributes:
        count: How many equal happenings it stands for.
    """

    key: Key
    uid: str
    type: EventType
    reason: str
    message: str
    count: int = 1
