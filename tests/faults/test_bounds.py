"""The allowance for a busy machine: the same four seconds on a calm one, and more where tasks wait for a core."""

from __future__ import annotations

import os
from datetime import timedelta

from tests.faults.bounds import allowance


def test_a_calm_machine_has_the_least_allowance() -> None:
    assert allowance(0.3) == timedelta(seconds=4)


def test_it_grows_with_the_tasks_that_wait_for_a_core() -> None:
    assert allowance(10.0 * (os.cpu_count() or 1)) == timedelta(seconds=10)
