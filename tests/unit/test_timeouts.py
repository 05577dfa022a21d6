"""A test that waits for what never comes ends, and is named: the traps of pytest-timeout beside asyncio."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tests

ROOT = Path(tests.__file__).parent.parent
OURS = ROOT / "pyproject.toml"
ON_UVLOOP = """
import uvloop

def pytest_asyncio_loop_factories():
    return {"uvloop": uvloop.new_event_loop}
"""
WAITS = """
import asyncio

async def test_that_waits():
    await asyncio.Event().wait()
"""
IN_A_TASK = """
import asyncio

async def test_that_waits():
    async def busy():
        while True:
            pass

    task = asyncio.create_task(busy())
    await asyncio.Event().wait()
"""
IN_AN_EXAMPLE = """
from hypothesis import given, settings, strategies

@settings(deadline=None)
@given(strategies.integers())
def test_that_waits(number):
    while number > 100:
        pass
"""


@pytest.mark.parametrize(
    ("conftest", "test"),
    [(ON_UVLOOP, WAITS), ("", IN_A_TASK), ("", IN_AN_EXAMPLE)],
    ids=["uvloop", "a task that never pauses", "Hypothesis"],
)
def test_a_test_that_never_ends_is_ended_and_named(tmp_path: Path, conftest: str, test: str) -> None:
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text(test)
    options = ["-c", str(OURS), "--rootdir", str(tmp_path), "-n", "1", "--timeout", "1", "-p", "no:cacheprovider"]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path / "test_it.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "crashed while running" in ended.stdout
    assert "test_that_waits" in ended.stdout
