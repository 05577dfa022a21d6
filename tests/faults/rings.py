"""Reads from the replicas' logs which nodes each has on its ring, with true times.

A log's own times are not taken: a replica's clock may be wrong, which is one of the faults.
"""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from tests.checker.history import RingView
from tests.cluster.fleet import Fleet, Replica

_POLL_SECONDS = 0.2
_CHANGED = re.compile(r"the ring has changed .*?members=(\S+)")


class RingReader:
    """Follows the logs of a fleet; a context manager."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._read: dict[Path, int] = {}
        self._processes: dict[str, int] = {}
        self._views: list[RingView] = []
        self._thread = threading.Thread(target=self._run, name="rings", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def views(self) -> list[RingView]:
        """What was seen so far, in order."""
        with self._lock:
            return list(self._views)

    def _run(self) -> None:
        while not self._ended.wait(_POLL_SECONDS):
            for replica in list(self._fleet.replicas.values()):
                self._follow(replica)

    def _follow(self, replica: Replica) -> None:
        lines, at = self._new_lines(replica.process.log), datetime.now(UTC)
        members = [tuple(found.group(1).split(",")) for line in lines if (found := _CHANGED.search(line))]
        if not replica.runs:
            members.append(())
        elif self._processes.get(replica.node) != replica.process.pid:
            self._processes[replica.node] = replica.process.pid
            members.insert(0, ())
        last = next((view.members for view in reversed(self._views) if view.node == replica.node), ())
        with self._lock:
            for nodes in members:
                if nodes != last:
                    self._views.append(RingView(at=at, node=replica.node, members=nodes))
                    last = nodes

    def _new_lines(self, log: Path) -> list[str]:
        """The whole lines since the last look."""
        with log.open("rb") as text:
            text.seek(self._read.get(log, 0))
            new = text.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read[log] = self._read.get(log, 0) + len(whole)
        return whole.decode(errors="replace").splitlines()
