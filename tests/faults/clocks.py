"""One replica whose clock is wrong, by libfaketime: five minutes off from its start on, or stepped while it runs.

Only its wall clock is faked. A monotonic clock that jumps exists on no machine, and would break any event loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.team import now
from tests.faults.bounds import HANDED_OVER
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.stage import Stage

ROW = "one clock 5 minutes off, stepped while running"
OFF_SECONDS = 300
_LIBRARIES = ("libfaketimeMT.so.1", "libfaketime.so.1")
_FOLDERS = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime", "/usr/lib64/faketime")


def library() -> Path:
    """Where libfaketime is.

    Raises:
        FileNotFoundError: It is not installed.
    """
    for name in _LIBRARIES:
        for folder in _FOLDERS:
            if found := next(iter(Path("/").glob(f"{folder[1:]}/{name}")), None):
                return found
    raise FileNotFoundError("libfaketime is needed for faults of clocks: install the package faketime")


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeClock:
    """The clock of one process, which a file sets at any time.

    Attributes:
        file: How far it is off; read again at each look at the time.
    """

    file: Path

    def set(self, seconds: int) -> None:
        """Let it be so many seconds ahead, or behind if negative."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.rename(self.file)  # nobody ever reads half of it

    @property
    def variables(self) -> dict[str, str]:
        """What a process must have in its environment to live by it."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Skewed:
    """A replica that owns something gets a wrong clock.

    Attributes:
        seconds: How far it is off.
        stepped: Whether it runs right at first and is stepped later; else it starts wrong.
    """

    seconds: int
    stepped: bool = False

    @contextmanager
    def strike(self, stage: Stage, chance: Chance) -> Iterator[None]:
        """Start the victim anew with a clock of ours, and give it back its own in the end."""
        victim = chance.one_of(stage.owning_nodes())
        clock = FakeClock(file=stage.folder / f"{victim}.clock")
        clock.set(0 if self.stepped else self.seconds)
        _replaced(stage, victim, clock.variables)
        try:
            if self.stepped:
                stepped = now()
                clock.set(self.seconds)
                stage.happened(f"clock of {victim} stepped by {self.seconds} s", stepped, now(), HANDED_OVER)
            yield
            if self.stepped:
                stepped = now()
                clock.set(0)
                stage.happened(f"clock of {victim} stepped back", stepped, now(), HANDED_OVER)
        finally:
            _replaced(stage, victim, {})


def _replaced(stage: Stage, node: str, variables: dict[str, str]) -> None:
    """End a replica in good order and start it with other variables."""
    stage.ends(node)
    asked = now()
    stage.replica(node).terminate()
    stage.happened(f"SIGTERM of {node}", asked, now(), HANDED_OVER)
    joining = now()
    stage.fleet.launch(node, variables)
    stage.fleet.wait_until_whole()
    stage.happened(f"{node} has joined", joining, now(), HANDED_OVER)


FAULTS = (
    FaultKind(name="clock-5-minutes-ahead", row=ROW, strike=Skewed(seconds=OFF_SECONDS).strike),
    FaultKind(name="clock-5-minutes-behind", row=ROW, strike=Skewed(seconds=-OFF_SECONDS).strike),
    FaultKind(name="clock-stepped-forward", row=ROW, strike=Skewed(seconds=OFF_SECONDS, stepped=True).strike),
    FaultKind(name="clock-stepped-back", row=ROW, strike=Skewed(seconds=-OFF_SECONDS, stepped=True).strike),
)
"""All of them."""
