"""What has fired: the Jobs that the API server made, from its audit log; Jobs deleted since are there too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_JOB = re.compile(r"(?P<cron_job>.+)-(?P<instant>\d{14})-[0-9a-f]{10}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One Job that was made.

    Attributes:
        cron_job: Name of its object.
        instant: What it stands for, by its name, UTC.
        made_at: When the API server had made it, by its own record, UTC.
    """

    job: str
    cron_job: str
    instant: datetime
    made_at: datetime

    @property
    def lateness(self) -> timedelta:
        """From the instant until the Job was there."""
        return self.made_at - self.instant


class AuditLog:
    """Reads on in the audit log where it stopped the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self) -> list[Firing]:
        """The firings since the last call, in the order of their making."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as log:
            log.seek(self._offset)
            text = log.read()
        whole = text[: text.rfind(b"\n") + 1]  # the last line may still be on its way
        self._offset += len(whole)
        return [firing for line in whole.splitlines() if (firing := _firing(line)) is not None]


def _firing(line: bytes) -> Firing | None:
    if b'"verb":"create"' not in line or b'"resource":"jobs"' not in line:
        return None
    entry = json.loads(line)
    match = _JOB.fullmatch(entry["objectRef"].get("name", ""))
    went_through = entry.get("responseStatus", {}).get("code", 500) < 300
    if match is None or not went_through or "dryRun" in entry["requestURI"]:
        return None
    return Firing(
        job=match[0],
        cron_job=match["cron_job"],
        instant=datetime.strptime(match["instant"], "%Y%m%d%H%M%S").replace(tzinfo=UTC),
        made_at=datetime.fromisoformat(entry["stageTimestamp"]),
    )
