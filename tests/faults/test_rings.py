"""Rings as they are read from logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.checker.history import RingView
from tests.faults.rings import RingNotes

CHANGED = "2026-03-02T12:00:00.000Z INFO    controller.nodepool: the ring has changed node=north/1 members={}\n"


@dataclass
class Log:
    """A replica's log, and its process."""

    path: Path
    notes: RingNotes = field(default_factory=RingNotes)

    def write(self, text: str) -> None:
        """More of it."""
        with self.path.open("a") as log:
            log.write(text)

    def seen(self, *, runs: bool = True, pid: int = 1) -> list[tuple[str, ...]]:
        """Look, and give all rings so far."""
        self.notes.look("north", self.path, pid=pid, runs=runs)
        views: list[RingView] = self.notes.views()
        return [view.members for view in views]


def test_a_ring_is_read_once_and_only_from_whole_lines(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.write("something else\n" + CHANGED.format("north/1,south/2"))
    assert log.seen() == [("north/1", "south/2")]
    whole = CHANGED.format("north/1")
    log.write(whole[:-8])
    assert log.seen() == [("north/1", "south/2")]
    log.write(whole[-8:])
    assert log.seen() == [("north/1", "south/2"), ("north/1",)]


def test_a_replica_that_has_ended_or_just_begun_has_no_ring(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.write(CHANGED.format("north/1"))
    assert log.seen() == [("north/1",)]
    assert log.seen(runs=False) == [("north/1",), ()]
    log.write(CHANGED.format("north/2"))
    assert log.seen(pid=2) == [("north/1",), (), ("north/2",)]
    assert log.seen(pid=3) == [("north/1",), (), ("north/2",), ()]


def test_a_replica_that_is_none_any_more_has_no_ring(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.write(CHANGED.format("north/1"))
    assert log.seen() == [("north/1",)]
    log.notes.gone(["north"])
    assert [view.members for view in log.notes.views()] == [("north/1",), ()]
