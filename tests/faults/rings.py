"""Reads from the replicas' logs which nodes each has on its ring, with true times.

A log's own times are not taken: a replica's clock may be wrong, which is one of the faults.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from tests.checker.history import RingView
from tests.cluster.fleet import Fleet
from tests.companion import Companion

_POLL_SECONDS = 0.2
_CHANGED = re.compile(r"the ring has changed .*?members=(\S+)")


class RingNotes:
    """What was read so far; safe to ask while somebody reads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: dict[Path, int] = {}
        self._processes: dict[str, int] = {}
        self._views: list[RingView] = []

    def views(self) -> list[RingView]:
        """All rings, in order."""
        with self._lock:
            return list(self._views)

    def look(self, node: str, log: Path, *, pid: int, runs: bool) -> None:
        """Read on in the log of a replica.

        Args:
            node: Its name.
            log: Where its processes have written, one after the other.
            pid: Of its process now.
            runs: Whether that is there: a replica that is not has no ring, nor has one that has just begun.
        """
        members = [
            tuple(found.group(1).split(",")) for line in self._new_lines(log) if (found := _CHANGED.search(line))
        ]
        at = datetime.now(UTC)
        if not runs:
            members.append(())
        elif self._processes.setdefault(node, pid) != pid:
            self._processes[node] = pid
            members.insert(0, ())
        self._note(node, at, members)

    def gone(self, nodes: Iterable[str]) -> None:
        """These are no replicas of the fleet any more."""
        at = datetime.now(UTC)
        for node in nodes:
            self._note(node, at, [()])

    def _note(self, node: str, at: datetime, rings: Iterable[tuple[str, ...]]) -> None:
        with self._lock:
            last = next((view.members for view in reversed(self._views) if view.node == node), ())
            for members in rings:
                if members != last:
                    self._views.append(RingView(at=at, node=node, members=members))
                    last = members

    def _new_lines(self, log: Path) -> list[str]:
        """The whole lines since the last look."""
        with log.open("rb") as text:
            text.seek(self._read.get(log, 0))
            new = text.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read[log] = self._read.get(log, 0) + len(whole)
        return whole.decode(errors="replace").splitlines()


class RingReader(Companion):
    """Follows the logs of a fleet in a thread; a context manager.

    Attributes:
        notes: What it has read.
    """

    def __init__(self, fleet: Fleet) -> None:
        super().__init__("rings")
        self.notes = RingNotes()
        self._fleet = fleet

    def views(self) -> list[RingView]:
        """What was seen so far, in order."""
        return self.notes.views()

    def _run(self) -> None:
        known: set[str] = set()
        while not self._ended.wait(_POLL_SECONDS):
            replicas = dict(self._fleet.replicas)
            self.notes.gone(known - replicas.keys())
            known = set(replicas)
            for node, replica in replicas.items():
                self.notes.look(node, replica.process.log, pid=replica.process.pid, runs=replica.runs)
