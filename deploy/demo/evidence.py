"""What happened, from two records that are independent of the operator: the watch of Jobs and the audit log.

The watch tells what a Job is: its object, its instant, the replica that made it. The audit log tells when it was made.
Each must know the Jobs of the other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.demo.auditlog import Creation

_KIND = "DistributedCronJob"
_SCHEDULED_AT = "dcron.io/scheduled-at"
_FIRED_BY = "dcron.io/fired-by"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenJob:
    """A Job that the watch has seen.

    Attributes:
        object_uid: UID of the object that controls it; empty if none does.
        instant: The instant that it says it stands for; None if it says nothing that can be read.
        seen_at: When the watch saw it, by the clock of this process.
    """

    uid: str
    namespace: str
    name: str
    object_uid: str
    instant: datetime | None
    node: str
    seen_at: datetime

    @classmethod
    def parse(cls, body: Mapping[str, Any], seen_at: datetime) -> SeenJob:
        """The value of a Job in a watch event."""
        meta = body["metadata"]
        notes = meta.get("annotations", {})
        owners = [
            ref["uid"] for ref in meta.get("ownerReferences", ()) if ref["kind"] == _KIND and ref.get("controller")
        ]
        return cls(
            uid=meta["uid"],
            namespace=meta["namespace"],
            name=meta["name"],
            object_uid=owners[0] if owners else "",
            instant=_instant(notes.get(_SCHEDULED_AT)),
            node=notes.get(_FIRED_BY, "?"),
            seen_at=seen_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A Job with the time at which it was made."""

    object_uid: str
    instant: datetime | None
    job: str
    node: str
    made_at: datetime

    @property
    def lateness(self) -> timedelta:
        """How long after its instant it was made; zero if it has none."""
        return timedelta(0) if self.instant is None else self.made_at - self.instant


class Evidence:
    """Grows while the demo runs."""

    def __init__(self) -> None:
        self._seen: dict[str, SeenJob] = {}
        self._created: defaultdict[tuple[str, str], list[datetime]] = defaultdict(list)
        self._cut_off: dict[tuple[str, str], datetime] = {}

    def add(self, seen: Iterable[SeenJob], created: Iterable[Creation]) -> None:
        """Take in what is new in both records."""
        for creation in created:
            name = creation.namespace, creation.name
            if creation.sure:
                self._created[name].append(creation.at)
            else:
                self._cut_off.setdefault(name, creation.at)
        for job in seen:
            self._seen.setdefault(job.uid, job)
        for name in {(job.namespace, job.name) for job in self._seen.values()} & self._cut_off.keys():
            # The replica that asked for the Job was killed before it had the answer; nobody else had made it.
            if not self._created.get(name):
                self._created[name].append(self._cut_off[name])

    def firings(self) -> list[Firing]:
        """One for each Job that the watch has seen, in the order in which it saw them."""
        return list(map(self._firing, self._seen.values()))

    def disagreements(self, before: datetime) -> list[str]:
        """What only one of the two records knows, in words.

        Args:
            before: Jobs made later may still be on their way into a record.
        """
        seen = Counter((job.namespace, job.name) for job in self._seen.values())
        young = {(job.namespace, job.name) for job in self._seen.values() if job.seen_at >= before}
        young |= {job for job, times in self._created.items() if max(times) >= before}
        return [
            f"{name}: made {len(self._created.get((namespace, name), []))} x by the audit log, "
            f"{seen[namespace, name]} x by the watch"
            for namespace, name in sorted((seen.keys() | self._created.keys()) - young)
            if len(self._created.get((namespace, name), [])) != seen[namespace, name]
        ]

    def _firing(self, job: SeenJob) -> Firing:
        created = self._created.get((job.namespace, job.name), [])
        return Firing(
            object_uid=job.object_uid,
            instant=job.instant,
            job=job.name,
            node=job.node,
            made_at=created[0] if created else job.seen_at,
        )


def _instant(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
