"""All that is known so far: the objects, and the Jobs that were made. It grows while the demo runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from deploy.demo import objects
from deploy.demo.auditlog import AuditLog
from deploy.demo.evidence import Evidence
from deploy.demo.jobwatch import JobWatch
from deploy.local.errors import LocalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deploy.demo.evidence import Firing
    from deploy.demo.objects import CronObject
    from deploy.local.cluster import ControlPlane

# An object's status keeps its last ten instants, so even one that fires each second is read in time.
_READ_OBJECTS = timedelta(seconds=1)


class Record:
    """A context manager: from its start on, no Job escapes it.

    Attributes:
        objects: As read last, but with all that their status ever recorded.
        firings: In the order in which the watch saw them.
    """

    def __init__(self, cluster: ControlPlane) -> None:
        self._api = cluster.api
        self._watch = JobWatch(cluster.api)
        self._audit_log = AuditLog(cluster.audit_log)
        self._evidence = Evidence()
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self._objects: dict[str, CronObject] = {}
        self.firings: Sequence[Firing] = ()

    def __enter__(self) -> Self:
        self._watch.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._watch.__exit__()

    @property
    def objects(self) -> list[CronObject]:
        """All objects, by name."""
        return list(self._objects.values())

    def refresh(self, now: datetime) -> Sequence[Firing]:
        """Take in what is new, and return the new firings.

        Raises:
            LocalError: The record has a gap.
        """
        if now - self._read_at >= _READ_OBJECTS:
            self.read_objects()
            self._read_at = now
        self._evidence.add(self._watch.take(), self._audit_log.take())
        if self._watch.error:
            raise LocalError(self._watch.error)
        known, self.firings = len(self.firings), self._evidence.firings()
        return self.firings[known:]

    def read_objects(self) -> None:
        """Read the objects anew."""
        for found in objects.read_all(self._api):
            before = self._objects.get(found.uid, found).recorded
            self._objects[found.uid] = replace(found, recorded={**before, **found.recorded})

    def disagreements(self, before: datetime) -> list[str]:
        """What only one of the two records of Jobs knows, about Jobs made before then, in words."""
        return self._evidence.disagreements(before)
