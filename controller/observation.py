"""What a decision rests on besides the object itself: its Jobs, its status, what was tried, and who asks.

Values only. `reconciler` observes, `decision` reads; neither keeps anything of it for the next look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.jobs import Job
from controller.outcomes import Trigger
from controller.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A create that the API server has turned down.

    Attributes:
        name: Of the Job.
        scheduled_at: The instant that it was for.
        trigger: What it was for.
        message: Its own words.
        final: It will never take this Job as it is.
        first_at: When it was turned down first, UTC.
        pause: How long the create rests this time.
        retry_at: Not before, UTC.
    """

    name: str
    scheduled_at: datetime
    trigger: Trigger = Trigger.SCHEDULE
    message: str
    final: bool
    first_at: datetime
    pause: timedelta
    retry_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The answer of the API server to a dry run of the Job: its objection, or None."""

    objection: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What the recent-job store knows of an object; nothing, if it did not answer.

    Attributes:
        after: It was asked for firings whose instant lies after this.
        instants: Instants that got a Job, by the schedule or by a backfill.
        names: The names of all Jobs that were created.
    """

    after: datetime
    instants: frozenset[datetime] = frozenset()
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is known of an object besides itself.

    Attributes:
        status: Its status.
        jobs: Its Jobs that any watch, list or create has shown, those deleted lately included.
        recalled: What the recent-job store knows; None: it has not been asked.
        attempts: Creates that were turned down and have no outcome yet.
        checked: The Job template has just been checked.
        complete: `jobs` comes from a consistent list: what is not there does not exist.
        fill_at: By name, when slots that other nodes have claimed may be filled by this one.
        kept_until: By name, until when Jobs must keep their names: another create of the firing may be on its way.
    """

    status: Status
    jobs: tuple[Job, ...] = ()
    recalled: Recalled | None = None
    attempts: tuple[Attempt, ...] = ()
    checked: Checked | None = None
    complete: bool = False
    fill_at: Mapping[str, datetime] = field(default_factory=dict)
    kept_until: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """How this node stands to the object.

    Attributes:
        node: Its name.
        late: For so long after its instant a firing is only late, whatever the catch-up policy.
        delay: Zero on the owning node. A node that stands in looks at instants only once they are this old.
        leaving: It has lost the key, and some slots that it has claimed have no Job yet.
        paused: Everything is paused: it creates no Job, and promises none.
    """

    node: str
    late: timedelta
    delay: timedelta = timedelta(0)
    leaving: bool = False
    paused: bool = False
