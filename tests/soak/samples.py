"""What each process costs, read at intervals: memory, file descriptors, tasks and processor time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from tests.cluster.fleet import Replica
from tests.companion import Companion

EVERY_SECONDS = 5.0
_NUMBER = re.compile(r"^dcron_(tasks|memory_blocks) (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One replica at one moment.

    Attributes:
        seconds: Since the begin of the run.
        pid: Another one is another life.
        rss: Resident memory in bytes.
        tasks: Of its event loop; None if it did not answer.
        blocks: Of memory, that Python has allocated: they grow with what is kept, and not with how it lies.
    """

    seconds: float
    node: str
    pid: int
    rss: int
    fds: int
    tasks: int | None
    blocks: int | None = None


class Sampler(Companion):
    """Takes samples in a thread of its own until its end; a context manager.

    Args:
        replicas: Those that there are now, asked each time.
        others: By name, the process ids of what else runs here.
    """

    def __init__(self, replicas: Callable[[], list[Replica]], others: Mapping[str, int]) -> None:
        super().__init__("sampler")
        self.samples: list[Sample] = []
        self._replicas = replicas
        self._others = {name: psutil.Process(pid) for name, pid in others.items()}
        self._used: dict[tuple[str, int], float] = {}
        self._began = time.monotonic()
        self._used_before = self._read_others()

    @property
    def seconds(self) -> float:
        """Since the begin of the run."""
        return time.monotonic() - self._began

    def cores(self) -> dict[str, float]:
        """By name of the process, how many processor cores it has used on average since the begin."""
        used = {name: now - self._used_before[name] for name, now in self._read_others().items()}
        for (node, _), seconds in self._used.items():
            used[node] = used.get(node, 0.0) + seconds
        return {name: seconds / self.seconds for name, seconds in sorted(used.items())}

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            for replica in self._replicas():
                with suppress(psutil.Error):  # it has ended meanwhile
                    self._take(replica)

    def _take(self, replica: Replica) -> None:
        process = psutil.Process(replica.process.pid)
        with process.oneshot():
            rss, fds, used = process.memory_info().rss, process.num_fds(), _seconds(process)
        if not rss:
            return  # it is ending: its memory is gone, and nobody has waited for it yet
        self._used[replica.node, process.pid] = used
        told = {name: int(float(text)) for name, text in _NUMBER.findall(replica.answer("/metrics")[1])}
        self.samples.append(
            Sample(
                seconds=self.seconds,
                node=replica.node,
                pid=process.pid,
                rss=rss,
                fds=fds,
                tasks=told.get("tasks"),
                blocks=told.get("memory_blocks"),
            )
        )

    def _read_others(self) -> dict[str, float]:
        return {name: _seconds(process) for name, process in self._others.items()}


def _seconds(process: psutil.Process) -> float:
    """Processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
