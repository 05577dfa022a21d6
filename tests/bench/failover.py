"""A node dies, and one joins: `python -m tests.bench.failover --objects 20 --folder docs/benchmarks`.

dcron, the Go library, and this project side by side: three nodes, jobs that are due each second, one node killed with
SIGKILL, and half a minute later a new one. The library calls functions in its own process, this project has an API
server make Jobs, so their lateness is not of the same kind; what is missed and what is made twice is. A herd of the
library alone is measured first.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from tests.bench import arena, bodies, gaps, library, poster
from tests.bench.arena import NAMESPACE, Arena
from tests.bench.gaps import EVERY, Firing, Gap
from tests.bench.outcome import Outcome
from tests.checker import audit
from tests.cluster import fleet as fleets
from tests.cluster import stage
from tests.cluster.fleet import NODES, Fleet

HEAD = ("who", "change", "its jobs", "due", "missed", "late", "made good", "twice", "worst s", "all again after s")
HERD_HEAD = ("who", "due", "called", "twice", "p50 ms", "p99 ms", "last ms", "CPU ms a firing")
SCHEDULE, MINUTELY = "* * * * * *", "0 * * * * *"
VICTIM, NEWCOMER = NODES[0], "newcomer"
KILLED, JOINED = "one of three is killed", "one joins the other two"
WARM = timedelta(seconds=15)
"""Not counted: all begin to fire."""
LOOK = timedelta(seconds=30)
"""So long the firings after a change are looked at: twice what the library takes."""
LAG = timedelta(seconds=5)
"""After the end, so that what was due by then is made."""
STABLE = timedelta(seconds=30)
"""The window of the library's `WithClusterStable`: nothing that a change holds up is too old."""
_HERD_LAG = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one change cost one contender.

    Attributes:
        owned: How many of the jobs were of the node that died, or are of the one that joined.
    """

    arm: str
    event: str
    owned: int
    gap: Gap

    @property
    def whole(self) -> bool:
        """Whether all was made, once."""
        return not self.gap.missed and not self.gap.twice

    def kept(self) -> dict[str, Any]:
        """For people and diffs; what was never over is null."""
        kept = asdict(self)
        kept["gap"]["worst"] = round(self.gap.worst, 3)
        kept["gap"]["over"] = round(self.gap.over, 3) if math.isfinite(self.gap.over) else None
        return kept


class Running(Protocol):
    """Three nodes that fire."""

    def kill(self, node: str) -> None:
        """End a node as a failure does."""

    def launch(self, node: str) -> object:
        """Let one more start."""

    def owned(self, node: str) -> int:
        """How many of the jobs a node fires now."""

    def firings(self) -> list[Firing]:
        """All that was fired by now."""


class Theirs:
    """Processes of the library."""

    def __init__(self, nodes: library.Nodes) -> None:
        self._nodes = nodes

    def kill(self, node: str) -> None:
        self._nodes.processes[node].kill()

    def launch(self, node: str) -> object:
        return self._nodes.launch(node)

    def owned(self, node: str) -> int:
        last = {one.job: one.node for one in sorted(self.firings(), key=lambda one: one.at)}
        return Counter(last.values())[node]

    def firings(self) -> list[Firing]:
        return self._nodes.firings(EVERY)


class Ours:
    """Replicas of this project."""

    def __init__(self, place: Arena, fleet: Fleet) -> None:
        self._place = place
        self._fleet = fleet

    def kill(self, node: str) -> None:
        self._fleet.replicas[node].kill()

    def launch(self, node: str) -> object:
        return self._fleet.launch(node)

    def owned(self, node: str) -> int:
        found = self._place.control_plane.api.call("GET", bodies.OBJECTS.format(NAMESPACE))["items"]
        return sum(item.get("status", {}).get("owner") == node for item in found)

    def firings(self) -> list[Firing]:
        made = audit.read(self._place.control_plane.audit_log, NAMESPACE).made
        return [
            Firing(job=write.name.rsplit("-", 2)[0], instant=bodies.instant_of(write.name), at=write.at)
            for write in made
        ]


def measure(arm: str, nodes: Running, jobs: Sequence[str]) -> list[Change]:
    """Kill one, and let another join."""
    stage.say(f"{arm}: {len(jobs)} jobs due each second")
    time.sleep(WARM.total_seconds())
    of_victim = nodes.owned(VICTIM)
    killed_at = _between_seconds()
    nodes.kill(VICTIM)
    time.sleep(LOOK.total_seconds())
    joined_at = _between_seconds()
    nodes.launch(NEWCOMER)
    time.sleep(LOOK.total_seconds())
    ended_at = arena.now()
    of_newcomer = nodes.owned(NEWCOMER)
    time.sleep(LAG.total_seconds())
    firings = nodes.firings()
    changes = ((KILLED, of_victim, killed_at, joined_at), (JOINED, of_newcomer, joined_at, ended_at))
    return [
        Change(
            arm=arm,
            event=event,
            owned=owned,
            gap=gaps.counted(firings, jobs, since=_second(at), until=_second(until), event=at),
        )
        for event, owned, at, until in changes
    ]


def _between_seconds() -> datetime:
    """Wait until half past a second: nothing is due then, and what was due has most likely been fired."""
    moment = _second(arena.now()) + 1.5 * EVERY
    arena.wait_until(moment)
    return moment


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


@contextmanager
def _theirs(jobs: Sequence[str], stable: timedelta | None) -> Iterator[Running]:
    with (
        tempfile.TemporaryDirectory(prefix="dcron-bench-") as folder,
        library.running(Path(folder), stage.say, *NODES, jobs=len(jobs), schedule=SCHEDULE, stable=stable) as nodes,
    ):
        yield Theirs(nodes)


@contextmanager
def _ours(jobs: Sequence[str]) -> Iterator[Running]:
    with (
        arena.opened(stage.say) as place,
        fleets.running(place.control_plane, place.folder / "fleet", *NODES) as fleet,
    ):
        objects = bodies.objects(len(jobs), SCHEDULE)
        poster.post(place.control_plane.api, bodies.OBJECTS.format(NAMESPACE), objects)
        yield Ours(place, fleet)


def herd(count: int) -> Outcome:
    """All jobs of three processes of the library, due at one second."""
    stage.say(f"{_library()}: {count} due at one second")
    with (
        tempfile.TemporaryDirectory(prefix="dcron-bench-") as folder,
        library.running(Path(folder), stage.say, *NODES, jobs=count, schedule=MINUTELY) as nodes,
    ):
        processes = {**nodes.processes, "redis": nodes.redis.process}
        due_at = arena.whole_minute(timedelta(seconds=3))
        arena.wait_until(due_at - timedelta(seconds=2))
        before = {name: arena.seconds(process) for name, process in processes.items()}
        arena.wait_until(due_at + _HERD_LAG)
        cpu = {name: arena.seconds(process) - before[name] for name, process in processes.items()}
        return herd_of(nodes.firings(timedelta(minutes=1)), due_at, due=count, cpu=cpu)


def herd_of(calls: Iterable[Firing], due_at: datetime, *, due: int, cpu: Mapping[str, float]) -> Outcome:
    """What calls of one instant come to; `cpu` is by process, seconds, Redis among them."""
    first: dict[str, float] = {}
    twice = set()
    for call in sorted((one for one in calls if one.instant == due_at), key=lambda one: one.at):
        if call.job in first:
            twice.add(call.job)
        else:
            first[call.job] = call.lateness
    return Outcome(
        arm=f"{_library()}, 3 processes",
        due=due,
        twice=len(twice),
        lateness=sorted(first.values()),
        cpu=dict(cpu),
        controller_cpu=sum(seconds for name, seconds in cpu.items() if name != "redis"),
    )


def _library() -> str:
    return f"dcron {library.version()}"


def rows(changes: Iterable[Change]) -> Iterator[tuple[object, ...]]:
    """The table."""
    for one in changes:
        gap = one.gap
        over = f"{gap.over:.1f}" if math.isfinite(gap.over) else "never"
        counts = (gap.due, gap.missed, gap.late, gap.again, gap.twice)
        yield (one.arm, one.event, one.owned, *counts, f"{gap.worst:.2f}", over)


def _herd_row(one: Outcome) -> tuple[object, ...]:
    late = (f"{1000 * one.quantile(share):.1f}" for share in (0.5, 0.99, 1))
    return (one.arm, one.due, len(one.lateness), one.twice, *late, f"{1000 * one.controller_cpu / one.due:.2f}")


Opened = Callable[[Sequence[str]], AbstractContextManager[Running]]
OURS = "this project"
ARMS: dict[str, Opened] = {
    _library(): partial(_theirs, stable=None),
    f"{_library()}, WithClusterStable": partial(_theirs, stable=STABLE),
    OURS: _ours,
}


def main() -> int:
    """0 if this project made all that was due, once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failover", description=__doc__)
    parser.add_argument("--objects", type=int, default=20, help="jobs that are due each second")
    parser.add_argument("--herd", type=int, default=1000, help="jobs of the library that are due at one second")
    parser.add_argument("--only", default="", help="a word: those with it in their names")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    jobs = [body["metadata"]["name"] for body in bodies.objects(arguments.objects, SCHEDULE)]
    crowds = [herd(arguments.herd)] if arguments.only in _library() else []
    changes: list[Change] = []
    for name, opened in ARMS.items():
        if arguments.only in name:
            with opened(jobs) as nodes:
                changes += measure(name, nodes, jobs)
    stage.table(HERD_HEAD, [_herd_row(one) for one in crowds])
    stage.table(HEAD, list(rows(changes)))
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        kept = {"herd": [one.kept() for one in crowds], "changes": [one.kept() for one in changes]}
        (arguments.folder / "failover.json").write_text(json.dumps(kept) + "\n")
    return 0 if all(one.whole for one in changes if one.arm == OURS) else 1


if __name__ == "__main__":
    sys.exit(main())
