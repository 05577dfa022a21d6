"""The rolling update: all replicas but the kept one get SIGTERM in turn, and come again when they have ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from datetime import datetime

from tests.cluster.fleet import END_SECONDS, Fleet
from tests.cluster.team import now

EVERY_SECONDS = 240.0


class Restarts:
    """Restarts replicas; `tick` must be called often, from the thread that started them: they die with it.

    Args:
        fleet: The replicas.
        nodes: Who is restarted, in turn.
    """

    def __init__(self, fleet: Fleet, nodes: Sequence[str], every_seconds: float = EVERY_SECONDS) -> None:
        self.at: list[tuple[datetime, str]] = []
        self.unasked: list[str] = []
        """Replicas that ended by themselves, or not in time."""
        self._fleet = fleet
        self._nodes = nodes
        self._every = every_seconds
        self._next = time.monotonic() + every_seconds / 2
        self._ending: str | None = None
        self._asked = 0.0

    def tick(self) -> None:
        """Do what is due."""
        for node, replica in self._fleet.replicas.items():
            if node != self._ending and not replica.runs:
                self.unasked.append(f"{node} ended by itself at {now():%H:%M:%S}")
                self._fleet.launch(node)
        if self._ending is not None:
            self._start_again(self._ending)
        elif time.monotonic() >= self._next:
            self._next += self._every
            self._ending, self._asked = self._nodes[len(self.at) % len(self._nodes)], time.monotonic()
            self.at.append((now(), self._ending))
            self._fleet.replicas[self._ending].process.kill(signal.SIGTERM)

    def _start_again(self, node: str) -> None:
        replica = self._fleet.replicas[node]
        if replica.runs and time.monotonic() < self._asked + END_SECONDS:
            return
        if replica.runs:
            self.unasked.append(f"{node} had not ended {END_SECONDS:.0f} s after SIGTERM at {now():%H:%M:%S}")
            replica.kill()
        self._fleet.launch(node)
        self._ending = None
