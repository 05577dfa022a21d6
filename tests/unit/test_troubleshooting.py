"""The page on troubleshooting has a row for each word that the controller or the plugin tells a person."""

from __future__ import annotations

import re
from typing import Final

import pytest

from controller.asked import NOTED, PENDING, QUEUED, BackfillState
from controller.errors import TerminalError
from controller.outcomes import Reason
from deploy.local.replica import PROJECT
from plugin import explanation
from tests.docs import vocabulary

PAGE: Final = (PROJECT / "docs" / "troubleshooting.md").read_text()
ROWS: Final = [re.split(r" \| ?", line[2:]) for line in PAGE.splitlines() if line.startswith("| ")]
TOLD: Final = {word for row in ROWS for cell in row[:2] for word in re.findall(r"`([^`]+)`", cell)}
"""What stands in the first two cells of a row, as code."""


@pytest.mark.parametrize("reason", sorted(vocabulary.reasons()))
def test_each_reason_of_a_condition_or_an_event_has_a_row(reason: str) -> None:
    assert reason in TOLD


@pytest.mark.parametrize("reason", Reason)
def test_each_outcome_has_a_row(reason: Reason) -> None:
    assert reason.value in TOLD


@pytest.mark.parametrize("error", TerminalError.__subclasses__())
def test_each_error_that_the_author_must_mend_has_a_row(error: type[TerminalError]) -> None:
    assert error.reason in TOLD


@pytest.mark.parametrize("state", BackfillState)
def test_each_state_of_a_backfill_has_a_row_and_so_has_its_event(state: BackfillState) -> None:
    assert {state.value, f"Backfill{state.value}"} <= TOLD


@pytest.mark.parametrize(
    "word", sorted({NOTED, QUEUED, PENDING} | {reason.counted_as for reason in Reason} - {"missed"})
)
def test_each_state_of_a_manual_run_has_a_row(word: str) -> None:
    assert word in TOLD


@pytest.mark.parametrize(
    "word", [explanation.UNKNOWN, explanation.OPEN, explanation.TO_COME, explanation.NO_INSTANT, "New", "Paused"]
)
def test_each_word_of_the_plugin_has_a_row(word: str) -> None:
    assert word in TOLD


@pytest.mark.parametrize("check", sorted(vocabulary.checks()))
def test_each_check_of_readyz_has_a_row(check: str) -> None:
    assert check in TOLD


@pytest.mark.parametrize("finding", sorted(vocabulary.findings()))
def test_each_finding_of_a_probe_has_a_row(finding: str) -> None:
    assert any(told.startswith(finding) for told in TOLD)


def test_every_row_says_something_in_each_cell_but_where_the_one_above_goes_on() -> None:
    assert [row for row in ROWS if not all(cell.strip() for cell in row[1:-1])] == []


def test_the_words_are_read_from_the_source() -> None:
    """Some of each way in which a word is told; without them the tests above would stand on nothing."""
    few = {"Ready", "MaxRunsReached", "SuspendedUntil", "JobAlreadyActive", "SuccessfulDelete", "RedisDenied"}
    assert few | {"RedisAvailable", "UnparseableSchedule"} <= vocabulary.reasons()
    assert vocabulary.checks() >= {"lists", "api", "redis", "ring"}
    assert {"the API server does not answer", "degraded: the last ring goes on, of"} <= vocabulary.findings()
    assert "due work has stood still for" in vocabulary.findings()
