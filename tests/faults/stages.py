"""Opens stages: a control plane for all, and on it a stage for the faults that need the same replicas and Redis."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.faults import rights
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage, stage


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """One without pods, which knows the replicas as guests."""
    with ControlPlane.start(folder, scheduler=False, kwok=False, guests=[rights.USER]) as running:
        running.apply_crds(PROJECT / "crds")
        yield running


@contextmanager
def opened(running: ControlPlane, fault: FaultKind, folder: Path) -> Iterator[Stage]:
    """A stage as a fault needs it."""
    with fault.redis(folder) as redis, stage(running, redis, folder, fault.variables) as there:
        yield there


def grouped(faults: Iterable[FaultKind]) -> list[list[FaultKind]]:
    """The faults that can share a stage, together, in their order."""
    given = list(faults)
    order = list(dict.fromkeys(map(_needs, given)))
    ordered = sorted(given, key=lambda fault: order.index(_needs(fault)))
    return [list(alike) for _, alike in groupby(ordered, key=_needs)]


def _needs(fault: FaultKind) -> str:
    """What tells stages apart."""
    return f"{fault.redis.__module__}.{fault.redis.__qualname__} {sorted(fault.variables.items())}"
