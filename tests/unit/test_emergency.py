"""The file of the emergency pause: what it says, what is told of it, and what becomes of one that says nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.clock import SystemClock
from controller.emergency import EmergencyPause
from controller.messages import EventType


class Watched:
    """A pause, and what it has done and told."""

    def __init__(self, file: Path | None, *, paused: bool = False) -> None:
        self.applied: list[bool] = []
        self.events: list[tuple[EventType, str, str]] = []
        self.pause = EmergencyPause(
            None if file is None else str(file),
            paused=paused,
            clock=SystemClock(),
            apply=self.applied.append,
            tell=lambda *event: self.events.append(event),
        )

    @property
    def told(self) -> list[str]:
        return [reason for _, reason, _ in self.events]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "paused"


def test_what_the_file_says_is_done_when_it_changes_and_told_once(file: Path) -> None:
    watched = Watched(file)
    for text in ("false", "true", "true\n", " TRUE ", "false", "False"):
        file.write_text(text)
        watched.pause.look()
    assert watched.applied == [False, True, False]
    assert [(type_, reason) for type_, reason, _ in watched.events] == [
        (EventType.WARNING, "Paused"),
        (EventType.NORMAL, "Resumed"),
    ]
    assert watched.pause.trouble is None


def test_a_replica_that_starts_in_a_pause_is_paused_before_anything_else_and_says_so(file: Path) -> None:
    file.write_text("true")
    watched = Watched(file)
    watched.pause.look()
    assert (watched.applied, watched.told) == ([True], ["Paused"])


@pytest.mark.parametrize("paused", [True, False])
def test_without_a_file_it_is_as_the_setting_says(paused: bool) -> None:
    watched = Watched(None, paused=paused)
    for _ in range(3):
        watched.pause.look()
    assert (watched.applied, watched.told) == ([paused], ["Paused"] if paused else [])


def test_the_file_wins_over_the_setting(file: Path) -> None:
    file.write_text("false")
    watched = Watched(file, paused=True)
    watched.pause.look()
    assert watched.applied == [False]


@pytest.mark.parametrize("before", ["true", "false"])
@pytest.mark.parametrize("text", ["", "yes", "treu", None, "\xff"])
def test_a_file_that_says_nothing_changes_nothing_and_is_told_until_it_is_mended(
    before: str, text: str | None, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text(before)
    watched = Watched(file)
    watched.pause.look()
    caplog.clear()
    if text is None:
        file.unlink()
    else:
        file.write_bytes(text.encode("latin-1"))
    for _ in range(3):
        watched.pause.look()
    assert watched.applied == [before == "true"]
    assert watched.pause.trouble is not None
    assert str(file) in watched.pause.trouble
    assert watched.pause.trouble.endswith("it stays paused" if before == "true" else "it stays not paused")
    assert len(caplog.records) == 1
    file.write_text(before)
    watched.pause.look()
    assert watched.pause.trouble is None


def test_a_mounted_config_map_that_is_swapped_is_seen(tmp_path: Path) -> None:
    """As the kubelet does it: the file is a link through `..data`, which is renamed over."""
    for version, text in (("..1", "false"), ("..2", "true")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "paused").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "paused").symlink_to("..data/paused")
    watched = Watched(tmp_path / "paused")
    watched.pause.look()
    (tmp_path / "..tmp").symlink_to("..2")
    os.replace(tmp_path / "..tmp", tmp_path / "..data")
    watched.pause.look()
    assert watched.applied == [False, True]
