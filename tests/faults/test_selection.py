"""The faults of greatest worth, short, for every change: `make test-faults` strikes all of them, and longer.

One stage for all. A run that is not valid leaves its report and its timeline, and the failure names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import catalogue, course, stages
from tests.faults.course import Length
from tests.faults.stage import Stage

SHORT = Length(under=10, after=16)
"""Long enough for F after the strike and after healing."""
SELECTED = (
    "kill-9-of-an-owning-node",
    "rolling-restart",
    "redis-gone-and-a-replica-killed",
    "partition-from-everything",
    "api-server-restarted",
    "api-half-of-the-answers-dropped",
)
SEED = 0
COMPLAINTS = 12
"""So many stand in a failure; the report has them all."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage for all of them."""
    with stages.control_plane(tmp_path_factory.mktemp("control-plane")) as control_plane:
        home = tmp_path_factory.mktemp("stage")
        with stages.opened(control_plane, catalogue.NOTHING, home) as stage:
            yield stage


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SELECTED)
def test_under_a_fault_nothing_is_missed_and_nothing_runs_twice(stage: Stage, tmp_path: Path, name: str) -> None:
    result = course.taken(stage, catalogue.named(name), SEED, tmp_path, SHORT)
    assert result.valid, "\n".join([*result.complaints[:COMPLAINTS], f"report: {result.report}"])


def test_a_word_that_is_in_no_name_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="no-such-fault: no fault has this in its name"):
        catalogue.chosen(["no-such-fault"])


def test_each_fault_has_a_name_of_its_own() -> None:
    assert len({fault.name for fault in catalogue.ALL}) == len(catalogue.ALL)
