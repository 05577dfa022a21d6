"""Histories made by hand: the evidence of a run that never was, for the tests of the invariants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.jobs import Job
from controller.outcomes import Trigger
from controller.spec import Key
from tests.fakes.happenings import Annotated, Edit, Happening, What
from tests.simulation.evidence import ALL, Evidence, Fault, Told

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = Key("ns", "report")
UID = "uid-1"


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def text(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")


@dataclass(kw_only=True)
class Story:
    """The life of one object that fires every ten seconds, for a minute; everything goes well unless it is told."""

    evidence: Evidence = field(default_factory=lambda: Evidence(began=NOON, ended=at(58)))
    outcomes: list[tuple[float, str]] = field(default_factory=list)

    def apply(self, seconds: float = 0.5, *, generation: int = 1, **spec: Any) -> Story:
        self.evidence.edits.append(
            Edit(at=at(seconds), key=KEY, uid=UID, generation=generation, spec={"schedule": "*/10 * * * * *", **spec})
        )
        return self

    def delete(self, seconds: float) -> Story:
        self.evidence.edits.append(Edit(at=at(seconds), key=KEY, uid=UID, generation=1, spec=None))
        return self

    def happen(self, what: What, instant: float, seconds: float, *, node: str | None = None, **changes: Any) -> Story:
        generation, trigger_id = changes.pop("generation", 1), changes.pop("trigger_id", None)
        job = Job(
            namespace="ns",
            name=f"report-{instant}",
            uid=changes.pop("uid", f"job-{instant}"),
            owner_uid=UID,
            controlled_by=UID,
            created_at=at(seconds),
            scheduled_at=at(instant),
            finished_at=at(seconds) if what is What.FINISHED else None,
        )
        self.evidence.history.append(
            Happening(
                at=at(seconds),
                what=what,
                job=replace(job, **changes),
                node=node,
                generation=generation,
                actual_generation=generation,
                trigger_id=trigger_id,
            )
        )
        return self

    def create(self, instant: float, *, late: float = 0.1, **changes: Any) -> Story:
        return self.happen(What.CREATED, instant, instant + late, node="node-1", **changes)

    def settle(
        self,
        instant: float,
        reason: str = "Created",
        *,
        late: float = 0.9,
        generation: int = 1,
        by: str | None = None,
    ) -> Story:
        """A status, written by a node, that passes an instant with an outcome."""
        self.outcomes.append((instant, reason))
        counts = {"due": len(self.outcomes)}
        for _, told in self.outcomes:
            name = "created" if told == "Created" else "missed" if told.startswith("Missed") else "skipped"
            counts[name] = counts.get(name, 0) + 1
        created = [instant for instant, told in self.outcomes if told == "Created"]
        return self.tell(
            instant + late,
            generation=generation,
            owner=by,
            settledThrough=text(at(max(instant for instant, _ in self.outcomes))),
            lastScheduleTime=text(at(max(created))) if created else None,
            counts=counts,
            recent=[{"scheduledAt": text(at(instant)), "reason": told} for instant, told in self.outcomes],
        )

    def annotate(self, seconds: float, *, born: bool = False, **annotations: str) -> Story:
        """All annotations that it has from then on."""
        named = {f"dcron.io/{name.replace('_', '-')}": value for name, value in annotations.items()}
        self.evidence.annotated.append(Annotated(at=at(seconds), key=KEY, uid=UID, annotations=named, born=born))
        return self

    def run(self, value: str, seconds: float, **changes: Any) -> Story:
        """A manual run is created."""
        own = {"uid": f"job-{value}", "name": f"report-m-{value}", "trigger": Trigger.MANUAL, "trigger_id": value}
        return self.happen(What.CREATED, seconds, seconds, node="node-1", **{**own, **changes})

    def backfill(self, interval: str, instant: float, seconds: float, **changes: Any) -> Story:
        """An instant of a backfill is created."""
        own = {"uid": f"job-b{instant}", "name": f"report-b{instant}", "trigger": Trigger.BACKFILL}
        return self.happen(What.CREATED, instant, seconds, node="node-1", **{**own, "trigger_id": interval, **changes})

    def end(self, uid: str, seconds: float, *, succeeded: bool = True) -> Story:
        """A Job of any kind ends."""
        job = next(entry.job for entry in self.evidence.history if entry.job.uid == uid)
        ended = replace(job, finished_at=at(seconds), succeeded=succeeded)
        self.evidence.history.append(
            Happening(at=at(seconds), what=What.FINISHED, job=ended, node=None, generation=1, actual_generation=1)
        )
        return self

    def tell(self, seconds: float, *, generation: int = 1, **status: Any) -> Story:
        said: Mapping[str, Any] = {name: value for name, value in status.items() if value is not None}
        self.evidence.told.append(Told(at=at(seconds), uid=UID, generation=generation, status=said))
        return self

    def fire(self, *instants: float, **changes: Any) -> Story:
        """Instants that get their Jobs in time and are settled."""
        for instant in instants:
            self.create(instant, **changes).settle(instant)
        return self

    def put_off(self, instant: float, by: float) -> Story:
        """An instant that gets its Job so much later, which jitter may ask for."""
        return self.create(instant, late=by).settle(instant, late=by + 0.9)

    def until(self, seconds: float) -> Story:
        """The run ends then."""
        self.evidence.ended = at(seconds)
        return self

    def strike(self, seconds: float, what: str = "kill", *, whom: str = "node-1") -> Story:
        self.evidence.faults.append(Fault(at=at(seconds), what=what, node=whom))
        return self

    def trouble(
        self, begin: float, end: float, *, what: str = "trouble", whom: str = ALL, excuses: bool = False
    ) -> Story:
        """A fault that lasts from one second to another."""
        fault = Fault(at=at(begin), what=what, node=whom, until=at(end), excuses=excuses)
        self.evidence.faults.append(fault)
        return self
