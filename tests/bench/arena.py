"""Where one arm of a comparison runs: a control plane of its own, with nothing but what every arm needs.

No Job controller, no scheduler, no pods: what is measured is who makes Jobs, and not what becomes of them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from deploy.local.cluster import ControlPlane
from deploy.local.process import Process
from deploy.local.replica import PROJECT

NAMESPACE, OTHERS = "bench", "bench-others"
_CONTROLLERS = ("namespace-controller", "serviceaccount-controller")


@dataclass(frozen=True, kw_only=True)
class Arena:
    """A control plane, a namespace, and a meter on each process.

    Attributes:
        folder: For what an arm starts by itself.
        contenders: By name, the processes of who makes the Jobs; an arm adds them.
    """

    control_plane: ControlPlane
    folder: Path
    contenders: dict[str, Process] = field(default_factory=dict)

    def cpu(self) -> Mapping[str, float]:
        """By name of the process, how many seconds of processor time it has used since it began."""
        processes = {**self.control_plane.processes, **self.contenders}
        return {name: seconds(process) for name, process in processes.items()}


@contextmanager
def opened(say: Callable[[str], None], *, jobs_end: bool = False) -> Iterator[Arena]:
    """An arena, until the end of the block.

    Args:
        jobs_end: Whether the Job controller runs.
    """
    with tempfile.TemporaryDirectory(prefix="dcron-bench-") as name:
        folder = Path(name)
        controllers = (*_CONTROLLERS, *(("job-controller",) if jobs_end else ()))
        with ControlPlane.start(
            folder / "control-plane", scheduler=False, kwok=False, controllers=controllers, say=say
        ) as control_plane:
            control_plane.apply_crds(PROJECT / "crds")
            control_plane.kubectl("create", "namespace", NAMESPACE)
            yield Arena(control_plane=control_plane, folder=folder)


def now() -> datetime:
    """The time, aware UTC."""
    return datetime.now(UTC)


def wait_until(moment: datetime) -> None:
    """Return once it has come.

    Raises:
        RuntimeError: It is past: what had to be ready by then was not.
    """
    left = (moment - now()).total_seconds()
    if left < 0:
        raise RuntimeError(f"not ready in time: {-left:.1f} s late")
    time.sleep(left)


def whole_second(after: timedelta) -> datetime:
    """A second, about so much later than now."""
    return (now() + after).replace(microsecond=0)


def whole_minute(after: timedelta) -> datetime:
    """The first minute that begins at least so much later than now."""
    return (now() + after + timedelta(minutes=1)).replace(second=0, microsecond=0)


def seconds(process: Process) -> float:
    """How much processor time a process has used since it began."""
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
