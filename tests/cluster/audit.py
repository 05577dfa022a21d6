"""The evidence: which Jobs the API server made, and when, from its own record.

A Job deleted since still counts, and no replica's word is taken. What must have been made comes from
`tests.unit.wallclock`, which shares no code with the project.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.unit import wallclock

EARLY = timedelta(milliseconds=100)
"""What an instant may be missed by on the early side (INVARIANTS, S3)."""

_UNSURE = (HTTPStatus.CONFLICT, HTTPStatus.GATEWAY_TIMEOUT)
"""Answers to a create after which there is, or may be, a Job."""
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
    for entry in _creates(audit_log, namespace):
        if name := _JOB_NAME.fullmatch(_name(entry)):
            instant = datetime.strptime(name["instant"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            found.append(Made(cron_job=name["cron_job"], instant=instant, at=_at(entry), job=name[0]))
    return found


def names(audit_log: Path, namespace: str) -> list[str]:
    """The names of all Jobs made in a namespace, manual runs and backfills too, in the order of their making.

    A name that stands here twice is a Job that ran, was deleted, and ran again.
    """
    return [_name(entry) for entry in _creates(audit_log, namespace)]


def deleted(audit_log: Path, namespace: str) -> dict[str, datetime]:
    """By name, when a Job of a namespace was deleted one by one."""
    return {_name(entry): _at(entry) for entry in _writes(audit_log, namespace) if _went_through(entry, "delete")}


def _creates(audit_log: Path, namespace: str) -> list[dict[str, Any]]:
    """Creates that made a Job.

    One whose client died before the answer is recorded as timed out, whether it made the Job or not. It did if the Job
    is heard of afterwards and nobody else had made it.
    """
    found: list[dict[str, Any]] = []
    cut_off: dict[str, dict[str, Any]] = {}
    there: set[str] = set()
    for entry in _writes(audit_log, namespace, cut_off):
        name = _name(entry)
        if entry["verb"] == "create" and entry["responseStatus"]["code"] == HTTPStatus.GATEWAY_TIMEOUT:
            if name not in there:
                cut_off[name] = entry
            continue
        unknown = cut_off.pop(name, None)
        if _went_through(entry, "create"):
            found.append(entry)
        elif unknown is not None:
            found.append(unknown)
        there.add(name)
        if _went_through(entry, "delete"):
            there.discard(name)
    return sorted(found, key=_at)


def _writes(audit_log: Path, namespace: str, names: Collection[str] = ()) -> Iterator[dict[str, Any]]:
    """The creates and deletes of Jobs of a namespace, and all that shows that Jobs of these names are there.

    The last line may still be on its way.
    """
    with audit_log.open() as lines:
        for line in lines:
            if not line.endswith("\n") or '"resource":"jobs"' not in line or f'"{namespace}"' not in line:
                continue
            if not names and '"subresource":' in line:
                continue
            entry = json.loads(line)
            where, code = entry["objectRef"], entry["responseStatus"]["code"]
            if where["namespace"] != namespace or "dryRun" in entry["requestURI"] or "name" not in where:
                continue
            if "subresource" in where or entry["verb"] not in ("create", "delete"):
                told = where["name"] in names and code < HTTPStatus.MULTIPLE_CHOICES
            else:
                told = code < HTTPStatus.MULTIPLE_CHOICES or (entry["verb"] == "create" and code in _UNSURE)
            if told:
                yield entry


def _went_through(entry: dict[str, Any], verb: str) -> bool:
    code = entry["responseStatus"]["code"]
    return bool(
        entry["verb"] == verb and "subresource" not in entry["objectRef"] and code < HTTPStatus.MULTIPLE_CHOICES
    )


def _name(entry: dict[str, Any]) -> str:
    return str(entry["objectRef"]["name"])


def _at(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["stageTimestamp"])


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
