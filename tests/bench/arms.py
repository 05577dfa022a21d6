"""Who makes the Jobs: nobody but a client that posts them, batch/v1's own controller, or replicas of this project.

Each arm lays out its objects, waits for the one second at which all are due, and returns when nothing is left to do.
What it did is read from the API server's record afterwards, not from the arm.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from tests.bench import arena, bodies, poster
from tests.bench.arena import NAMESPACE, OTHERS, Arena
from tests.checker import audit
from tests.cluster import fleet as fleets
from tests.cluster.fleet import NODES

QUIET = timedelta(seconds=2)
"""What is ready so long before the instant does not burden it."""
LONGEST = timedelta(seconds=240)
"""So long an arm may take; what is not made by then is missed."""
OTHERS_EVERY = 10
"""Seconds between the firings of one of the others."""
_CLIENT = 2
"""Processes that lay the objects out."""
_POLL_SECONDS = 0.2
_STATUS_WRITTEN = (
    b'"verb":"update"',
    b'"resource":"distributedcronjobs"',
    b'"subresource":"status"',
    f'"namespace":"{NAMESPACE}"'.encode(),
    b'"code":200',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What an arm went through.

    Attributes:
        due_at: The instant of all firings.
        cpu_before: By process, its processor time just before that,
        cpu_after: and once all was done.
    """

    due_at: datetime
    cpu_before: dict[str, float]
    cpu_after: dict[str, float]


class Arm(Protocol):
    """One contender."""

    @property
    def name(self) -> str:
        """In the table."""

    def run(self, place: Arena, count: int) -> Course:
        """Make so many Jobs, all due at one moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Posts the finished Jobs: the limit that nobody can pass."""

    processes: int

    @property
    def name(self) -> str:
        return f"raw creates, {self.processes} process{'es' if self.processes > 1 else ''}"

    def run(self, place: Arena, count: int) -> Course:
        due_at = arena.whole_second(timedelta(seconds=8 + count / 2000))
        before = dict(place.cpu())
        jobs = bodies.plain_jobs(NAMESPACE, count, due_at)
        path, api = bodies.JOBS.format(NAMESPACE), place.control_plane.api
        poster.post(api, path, jobs, go_at=due_at.timestamp(), processes=self.processes)
        return Course(due_at=due_at, cpu_before=before, cpu_after=dict(place.cpu()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """batch/v1's controller, as Kubernetes ships it or with its limits raised."""

    name: str
    limits: tuple[str, ...] = ()

    def run(self, place: Arena, count: int) -> Course:
        place.contenders["cronjob-controller"] = place.control_plane.add_controllers(
            "cronjob-controller", ("cronjob-controller",), self.limits
        )
        due_at = arena.whole_minute(timedelta(seconds=5 + count / 150))
        objects = bodies.cron_jobs(count, f"{due_at.minute} {due_at.hour} * * *")
        path = bodies.CRON_JOBS.format(NAMESPACE)
        poster.post(place.control_plane.api, path, objects, processes=_CLIENT)
        record = audit.Reading(place.control_plane.audit_log, NAMESPACE)

        def done() -> bool:
            if len(record.go_on().made) < count:  # to ask for all objects costs the API server something: not before
                return False
            found = place.control_plane.api.call("GET", path)["items"]
            return sum("lastScheduleTime" in item.get("status", {}) for item in found) == count

        return _wait(place, due_at, done)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """So many replicas of this project.

    Attributes:
        others: So many other objects fire meanwhile, every `OTHERS_EVERY` seconds, in a namespace of their own.
    """

    replicas: int
    others: int = 0

    @property
    def name(self) -> str:
        return f"this project, {self.replicas} replica{'s' if self.replicas > 1 else ''}"

    def run(self, place: Arena, count: int) -> Course:
        nodes = (*NODES, *(f"node-{number}" for number in range(len(NODES), self.replicas)))[: self.replicas]
        with ExitStack() as undo:
            running: AbstractContextManager[fleets.Fleet] = fleets.running(
                place.control_plane, place.folder / "fleet", *nodes
            )
            fleet = undo.enter_context(running)
            place.contenders.update({node: replica.process for node, replica in fleet.replicas.items()})
            if self.others:
                place.control_plane.kubectl("create", "namespace", OTHERS)
                poster.post(
                    place.control_plane.api, bodies.OBJECTS.format(OTHERS), bodies.spread(self.others, OTHERS_EVERY)
                )
            due_at = arena.whole_second(timedelta(seconds=12 + count / 40))
            schedule = f"{due_at.second} {due_at.minute} {due_at.hour} * * *"
            path = bodies.OBJECTS.format(NAMESPACE)
            poster.post(place.control_plane.api, path, bodies.objects(count, schedule), processes=_CLIENT)
            told = _Told(place.control_plane.audit_log)
            while told.times() < count:
                time.sleep(_POLL_SECONDS)
            return _wait(place, due_at, lambda: told.times() >= 2 * count)


class _Told:
    """Counts, in the API server's record, what was told of the herd's objects: what they are at first, then the firing.

    To ask for ten thousand objects would cost the API server a second each time.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read_to = 0
        self._times = 0

    def times(self) -> int:
        """How many statuses have been written."""
        with self._log.open("rb") as lines:
            lines.seek(self._read_to)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                self._times += all(word in line for word in _STATUS_WRITTEN)
        return self._times


def _wait(place: Arena, due_at: datetime, done: Callable[[], bool]) -> Course:
    """From just before the instant until nothing is left to do, or for as long as an arm may take."""
    arena.wait_until(due_at - QUIET)
    before = dict(place.cpu())
    arena.wait_until(due_at)
    while arena.now() < due_at + LONGEST:
        time.sleep(QUIET.total_seconds())  # looking costs the API server something: not often
        if done():
            break
    return Course(due_at=due_at, cpu_before=before, cpu_after=dict(place.cpu()))


TUNED = ("--kube-api-qps=2000", "--kube-api-burst=4000", "--concurrent-cron-job-syncs=50")
LIMIT, PEER, THREE = Raw(processes=1), Batch(name="batch/v1, limits raised", limits=TUNED), Ours(replicas=3)
ARMS: tuple[Arm, ...] = (
    LIMIT,
    Raw(processes=2),
    Batch(name="batch/v1, as shipped"),
    PEER,
    Ours(replicas=1),
    THREE,
    Ours(replicas=5),
)
QUICK: tuple[Arm, ...] = (LIMIT, PEER, THREE)
"""What `guard` compares."""
