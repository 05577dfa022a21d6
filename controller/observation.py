"""What a decision rests on besides the object itself: its Jobs, its status, what was tried, and who asks.

Values only. `reconciler` observes, `decision` reads; neither keeps anything of it for the next look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.jobs import Job
from controller.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A create that the API server has turned down.

    Attributes:
        message: Its own words.
        final: It will never take this Job as it is.
        pause: How long the create rests this time.
        retry_at: Not before, UTC.
    """

    message: str
    final: bool
    pause: timedelta
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The answer of the API server to a dry run of the Job: its objection, or None."""

    objection: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of an object besides itself.

    Attributes:
        status: Its status.
        jobs: Its Jobs that any watch, list or create has shown, those deleted lately included.
        recalled: Instants that the recent-job store knows as created.
        attempts: By instant, creates that were turned down.
        checked: The Job template has just been checked.
        complete: `jobs` comes from a consistent list: what is not there does not exist.
        fill_at: By name, when slots that other nodes have claimed may be filled by this one.
    """

    status: Status
    jobs: tuple[Job, ...] = ()
    recalled: frozenset[datetime] = frozenset()
    attempts: Mapping[datetime, Attempt] = field(default_factory=dict)
    checked: Checked | None = None
    complete: bool = False
    fill_at: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """How this node stands to the object.

    Attributes:
        node: Its name.
        late: For so long after its instant a firing is only late, whatever the catch-up policy.
        delay: Zero on the owning node. A node that stands in looks at instants only once they are this old.
    """

    node: str
    late: timedelta
    delay: timedelta = timedelta(0)
