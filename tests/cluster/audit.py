"""A plain count of which Jobs the API server made, for tests of one thing: by name, without statuses or policies.

`tests.checker.audit` reads the record; `tests.checker` judges a whole run. What must have been made comes from
`tests.unit.wallclock`, which shares no code with the project.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.checker import audit
from tests.checker.history import EARLY as EARLY  # the tests of this suite find it here
from tests.unit import wallclock

_JOB_NAME = re.compile(r"(?P<cron_job>.+)-(?P<instant>\d{14})-[0-9a-f]{10}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Made:
    """A Job that the API server made.

    Attributes:
        cron_job: Name of the object that it fires for.
        at: When the API server had made it.
    """

    cron_job: str
    instant: datetime
    at: datetime
    job: str

    @property
    def lateness(self) -> timedelta:
        """How long after its instant it was made."""
        return self.at - self.instant


def made(audit_log: Path, namespace: str) -> list[Made]:
    """The Jobs of our naming made in a namespace, in the order of their making."""
    found = []
    for write in audit.read(audit_log, namespace).made:
        if name := _JOB_NAME.fullmatch(write.name):
            instant = datetime.strptime(name["instant"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            found.append(Made(cron_job=name["cron_job"], instant=instant, at=write.at, job=name[0]))
    return found


def names(audit_log: Path, namespace: str) -> list[str]:
    """The names of all Jobs made in a namespace, manual runs and backfills too, in the order of their making.

    A name that stands here twice is a Job that ran, was deleted, and ran again.
    """
    return [write.name for write in audit.read(audit_log, namespace).made]


def deleted(audit_log: Path, namespace: str) -> dict[str, datetime]:
    """By name, when a Job of a namespace was deleted one by one."""
    return {write.name: write.at for write in audit.read(audit_log, namespace).deleted}


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What was made, held against what was due.

    Attributes:
        late: How late each due instant got its Job, the least first.
    """

    due: int
    missed: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    late: list[timedelta] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """All that must not be; empty if each instant got exactly one Job."""
        return [
            f"{name}: {', '.join(instants)}"
            for name, instants in {
                "missed": self.missed,
                "twice": self.twice,
                "invented": self.invented,
                "early": self.early,
            }.items()
            if instants
        ]

    @property
    def worst(self) -> timedelta:
        """The greatest lateness."""
        return self.late[-1] if self.late else timedelta(0)

    def quantile(self, share: float) -> timedelta:
        """The lateness that this share of the firings does not pass."""
        return self.late[min(len(self.late) - 1, int(len(self.late) * share))] if self.late else timedelta(0)


def balance(jobs: Iterable[Made], schedules: dict[str, str], after: datetime, until: datetime) -> Balance:
    """Hold the Jobs of objects against their schedules.

    Args:
        jobs: What was made.
        schedules: By name of the object, its cron expression, in UTC.
        after: Instants after it count,
        until: up to and with this one.
    """
    seen = [job for job in jobs if job.cron_job in schedules and after < job.instant <= until]
    counted = Counter((job.cron_job, job.instant) for job in seen)
    due = {
        (name, instant)
        for name, expression in schedules.items()
        for instant in wallclock.instants(expression, "UTC", after, until)
    }
    return Balance(
        due=len(due),
        missed=_told(due - set(counted)),
        twice=_told({firing for firing, number in counted.items() if number > 1}),
        invented=_told(set(counted) - due),
        early=_told({(job.cron_job, job.instant) for job in seen if job.lateness < -EARLY}),
        late=sorted(job.lateness for job in seen),
    )


def _told(firings: Iterable[tuple[str, datetime]]) -> list[str]:
    return [f"{name} {instant:%H:%M:%S}" for name, instant in sorted(firings)]
