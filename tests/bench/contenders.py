"""Three nodes that fire, of the library or of this project: one can be killed, and another can join."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from tests.bench import arena, bodies, library, poster
from tests.bench.arena import NAMESPACE, Arena
from tests.bench.gaps import EVERY, Firing
from tests.checker import audit
from tests.cluster import fleet as fleets
from tests.cluster import stage
from tests.cluster.fleet import NODES, Fleet

SCHEDULE = "* * * * * *"
STABLE = timedelta(seconds=30)
"""The window of the library's `WithClusterStable`: nothing that a change holds up is too old."""


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


Opened = Callable[[Sequence[str]], AbstractContextManager[Running]]
"""Lets the jobs of these names fire until the end of a block."""
OURS = "this project"
ALL: Mapping[str, Opened] = MappingProxyType(
    {
        library.name(): partial(_theirs, stable=None),
        f"{library.name()}, WithClusterStable": partial(_theirs, stable=STABLE),
        OURS: _ours,
    }
)
"""By name."""
