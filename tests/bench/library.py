"""dcron, the Go library: built into a program, run as several processes that share one Redis, and heard.

The program is `dcron/main.go`. It uses v0.5.4: v0.6.0 has moved its Redis driver to a module of its own. It is built
the first time that somebody measures it, and by nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.local import binaries
from deploy.local.binaries import Recipe
from deploy.local.ports import LOOPBACK
from deploy.local.process import Process
from deploy.local.redis_server import RedisServer
from tests.bench.gaps import Firing

SOURCES = Path(__file__).parent / "dcron"
RECIPES = (Recipe("dcron-library", str(SOURCES), "."),)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRED = re.compile(r"fired (?P<job>\S+) (?P<nanoseconds>\d+) (?P<node>\S+) (?P<kind>turn|again)")
_START_SECONDS = 60.0
"""Longest that the library may take until it finds its cluster steady: three of its updates are 9 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Processes of one cluster.

    Attributes:
        arguments: What all of them are told.
        processes: By node.
    """

    program: Path
    folder: Path
    redis: RedisServer
    arguments: tuple[str, ...]
    processes: dict[str, Process] = field(default_factory=dict)

    def launch(self, node: str) -> Process:
        """Start one and do not wait for it."""
        address = f"{LOOPBACK}:{self.redis.port}"
        command: list[str | Path] = [self.program, "-redis", address, "-node", node, *self.arguments]
        self.processes[node] = Process.start(command, name=node, folder=self.folder)
        return self.processes[node]

    def start(self, *nodes: str) -> None:
        """Start some together, and wait until each has found the cluster steady."""
        for process in [self.launch(node) for node in nodes]:
            process.wait_until(lambda started=process: _has_started(started), _START_SECONDS)  # type: ignore[misc]

    def firings(self, every: timedelta) -> list[Firing]:
        """All that they have called by now."""
        logs = [process.log.read_text() for process in self.processes.values()]
        return [firing for log in logs for firing in heard(log.splitlines(), every)]


@contextmanager
def running(
    folder: Path,
    say: Callable[[str], None],
    *nodes: str,
    jobs: int,
    schedule: str,
    stable: timedelta | None = None,
) -> Iterator[Nodes]:
    """A cluster over a Redis of its own, until the end of the block.

    Args:
        schedule: Of each job, seconds first.
        stable: The window of the library's option `WithClusterStable`; None: without it, as is its default.
    """
    program = binaries.find(say, recipes=RECIPES)[RECIPES[0].name]
    window = () if stable is None else ("-cluster-stable", f"{stable.total_seconds():.0f}s")
    with RedisServer.start(folder) as redis:
        arguments = ("-jobs", str(jobs), "-schedule", schedule, *window)
        cluster = Nodes(program=program, folder=folder, redis=redis, arguments=arguments)
        try:
            cluster.start(*nodes)
            yield cluster
        finally:
            for process in cluster.processes.values():
                process.stop()


def heard(lines: Iterable[str], every: timedelta) -> list[Firing]:
    """What lines of the program tell.

    Args:
        every: The distance of a job's instants. The library tells a function no instant: it is the last one before the
            call, so what is later than this distance would be seen as missed.
    """
    return [_firing(found, every) for line in lines if (found := _FIRED.fullmatch(line))]


def version() -> str:
    """The version of the library that is built."""
    found = re.search(r"^\s*github\.com/libi/dcron v(\S+)", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    assert found is not None, "the module names the library"
    return found[1]


def name() -> str:
    """The library and its version, as tables have it."""
    return f"dcron {version()}"


def _firing(found: re.Match[str], every: timedelta) -> Firing:
    at = _EPOCH + timedelta(microseconds=int(found["nanoseconds"]) // 1000)
    instant = None if found["kind"] == "again" else _EPOCH + (at - _EPOCH) // every * every
    return Firing(job=found["job"], instant=instant, at=at, node=found["node"])


def _has_started(process: Process) -> bool:
    return f"started {process.name}\n" in process.log.read_text()
