"""A process lives by the clock that a file sets, also while it runs, and its monotonic clock goes on as ever."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.clocks import FakeClock

TELLS = "import sys, time\nfor _ in sys.stdin: print(time.time(), time.monotonic(), flush=True)"
NEAR = 10.0
"""Seconds that a busy machine may need between two looks."""


@pytest.fixture
def clock(tmp_path: Path) -> FakeClock:
    """A clock that is five minutes ahead."""
    clock = FakeClock(file=tmp_path / "clock")
    clock.set(300)
    return clock


@pytest.fixture
def process(clock: FakeClock) -> Iterator[subprocess.Popen[str]]:
    """A process that lives by it, and tells its time for each line."""
    environment = {**os.environ, **clock.variables}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", TELLS], stdin=pipe, stdout=pipe, text=True, env=environment
    ) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str]) -> tuple[float, float]:
    """How far its two clocks are ahead of ours."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    wall, monotonic = map(float, process.stdout.readline().split())
    return wall - time.time(), monotonic - time.monotonic()


def test_a_clock_may_be_wrong_from_the_start_and_be_stepped_later(
    clock: FakeClock, process: subprocess.Popen[str]
) -> None:
    for seconds in (300, 0, -300):
        clock.set(seconds)
        wall, monotonic = told(process)
        assert wall == pytest.approx(seconds, abs=NEAR)
        assert monotonic == pytest.approx(0, abs=NEAR)
