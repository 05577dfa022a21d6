"""Where the counting of instants stands, and which instants an edit closes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from controller import conditions, ledger
from controller.instants import INSTANT
from controller.ledger import Edit, Ledger
from controller.outcomes import Reason
from controller.status import Status
from tests.unit.builders import at, cron_job, settled


def before_an_edit(**changes: Any) -> Status:
    """A status that another schedule left behind, settled through 11:55."""
    return settled(cron_job(), "11:55", **{"schedule_hash": "before", "next_schedule_at": at("12:00"), **changes})


def test_without_an_edit_the_status_is_believed() -> None:
    cron = cron_job(edited="11:58")
    assert ledger.read(cron, settled(cron, "11:55"), at("12:00")) == Ledger(through=at("11:55"), edit=None)


def test_a_new_object_counts_from_its_creation() -> None:
    found = ledger.read(cron_job(created="11:58:30"), Status(), at("12:00"))
    assert found.through == at("11:58:30")
    assert found.edit is not None
    assert found.edit.until == at("11:58:30")


def test_what_was_edited_before_anyone_saw_the_object_is_closed_from_its_creation_on() -> None:
    found = ledger.read(cron_job(created="11:30", edited="11:50"), Status(), at("12:00"))
    assert found.edit == Edit(since=at("11:30"), until=at("11:50"), reason=Reason.MISSED_EDIT)


def closing(since: datetime, until: str, reason: Reason = Reason.MISSED_EDIT) -> Edit:
    return Edit(since=since, until=at(until), reason=reason)


NOON = at("12:00") - INSTANT
"""An edit since then closes the instant of 12:00 too."""

EDITS: dict[str, tuple[dict[str, Any], str | None, Edit]] = {
    "instants of the old schedule that were due are closed": ({}, "12:10", closing(NOON, "12:10")),
    "an instant that comes after the edit was not due": (
        {"next_schedule_at": at("13:00")},
        "12:10",
        closing(at("13:00") - INSTANT, "12:10"),
    ),
    "no instant was left, so none was due": ({"next_schedule_at": None}, "12:10", closing(at("12:10"), "12:10")),
    "those of the suspended time are skipped": (
        {"next_schedule_at": None, "conditions": (conditions.suspended(True, now=at("12:00")),)},
        "12:10",
        closing(at("11:55"), "12:10", Reason.SKIPPED_SUSPENDED),
    ),
    "an edit that nobody dated counts from now on": ({}, None, closing(NOON, "12:30")),
    "an edit dated long after now counts from now on": ({}, "12:40", closing(NOON, "12:30")),
    "an edit dated just after now counts from its date: this clock is behind": (
        {},
        "12:30:01",
        closing(NOON, "12:30:01"),
    ),
    "an edit before what is settled closes nothing": ({}, "11:50", closing(NOON, "11:55")),
    "an object that nobody has counted on yet": (
        {"schedule_hash": None, "next_schedule_at": None},
        "12:10",
        closing(at("11:55"), "12:10"),
    ),
}


@pytest.mark.parametrize("row", EDITS)
def test_what_an_edit_closes(row: str) -> None:
    changes, edited, expected = EDITS[row]
    cron = replace(cron_job(), edited_at=None if edited is None else at(edited))
    assert ledger.read(cron, before_an_edit(**changes), at("12:30")) == Ledger(through=at("11:55"), edit=expected)


def test_an_edit_that_nobody_dated_and_a_new_object_count_from_the_creation() -> None:
    cron = replace(cron_job(created="11:30"), edited_at=None)
    assert ledger.read(cron, Status(), at("12:00")).edit == closing(at("11:30"), "11:30")
