"""A whole stage for a measurement: a control plane and replicas of its own, in a temporary folder, until its end."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.cluster import fleet as fleets
from tests.cluster.fleet import NODES, Fleet


@contextmanager
def running(replicas: int = len(NODES), *, pods: bool = False) -> Iterator[tuple[ControlPlane, Fleet]]:
    """A control plane with the CRD, and so many replicas over one Redis.

    Args:
        replicas: How many.
        pods: Whether pods run, which costs the machine many times what the replicas do.
    """
    nodes = [*NODES, *(f"node-{number}" for number in range(len(NODES), replicas))][:replicas]
    with tempfile.TemporaryDirectory(prefix="dcron-measure-") as folder:
        say("starting a control plane")
        with ControlPlane.start(Path(folder) / "control-plane", scheduler=pods, kwok=pods, say=say) as control_plane:
            control_plane.apply_crds(PROJECT / "crds")
            say(f"starting {replicas} replicas")
            with fleets.running(control_plane, Path(folder) / "fleet", *nodes) as fleet:
                yield control_plane, fleet


def say(line: str) -> None:
    """A line of progress, on standard error."""
    sys.stderr.write(f"{line}\n")


def table(head: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> None:
    """Print a small table."""
    lines = [head, *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
