"""A herd of functions: all jobs of the library due at one second. Nobody makes a Job, so no other arm is beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench import arena, library
from tests.bench.gaps import Firing
from tests.bench.outcome import Outcome
from tests.cluster import stage
from tests.cluster.fleet import NODES

HEAD = ("who", "due", "called", "twice", "p50 ms", "p99 ms", "last ms", "CPU ms a firing")
SCHEDULE = "0 * * * * *"
_LAG = timedelta(seconds=10)
"""So long after the second what was due may still be called."""


def measure(count: int) -> Outcome:
    """All jobs of three processes of the library, due at one second."""
    stage.say(f"{library.name()}: {count} due at one second")
    with (
        tempfile.TemporaryDirectory(prefix="dcron-bench-") as folder,
        library.running(Path(folder), stage.say, *NODES, jobs=count, schedule=SCHEDULE) as nodes,
    ):
        processes = {**nodes.processes, "redis": nodes.redis.process}
        due_at = arena.whole_minute(timedelta(seconds=3))
        arena.wait_until(due_at - timedelta(seconds=2))
        before = {name: arena.seconds(process) for name, process in processes.items()}
        arena.wait_until(due_at + _LAG)
        cpu = {name: arena.seconds(process) - before[name] for name, process in processes.items()}
        return outcome(nodes.firings(timedelta(minutes=1)), due_at, due=count, cpu=cpu)


def outcome(calls: Iterable[Firing], due_at: datetime, *, due: int, cpu: Mapping[str, float]) -> Outcome:
    """What calls of one instant come to; `cpu` is by process, seconds, Redis among them."""
    first: dict[str, float] = {}
    twice = set()
    for call in sorted((one for one in calls if one.instant == due_at), key=lambda one: one.at):
        if call.job in first:
            twice.add(call.job)
        else:
            first[call.job] = call.lateness
    return Outcome(
        arm=f"{library.name()}, 3 processes",
        due=due,
        twice=len(twice),
        lateness=sorted(first.values()),
        cpu=dict(cpu),
        controller_cpu=sum(seconds for name, seconds in cpu.items() if name != "redis"),
    )


def row(one: Outcome) -> tuple[object, ...]:
    """Of the table."""
    late = (f"{1000 * one.quantile(share):.1f}" for share in (0.5, 0.99, 1))
    return (one.arm, one.due, len(one.lateness), one.twice, *late, f"{1000 * one.controller_cpu / one.due:.2f}")
