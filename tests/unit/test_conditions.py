"""Whether an object is `Ready`, and with which word if not."""

from __future__ import annotations

from typing import Any

import pytest

from controller import conditions
from controller.conditions import Condition
from controller.errors import InvalidSchedule, UnknownTimeZone
from controller.outcomes import Outcome, Reason
from tests.unit.builders import at


def told(before: Condition | None, **news: Any) -> tuple[bool, str, str]:
    """The condition that follows, in three words."""
    known: dict[str, Any] = {"checked": False, "objection": None, "outcomes": (), "refusals": (), **news}
    found = conditions.ready(before, **known)
    assert found.type == "Ready"
    return found.status, found.reason, found.message


def not_ready(reason: str, message: str = "earlier words") -> Condition:
    return Condition(type="Ready", status=False, reason=reason, message=message)


CREATED = Outcome(scheduled_at=at("12:00"), reason=Reason.CREATED, job="j")
FAILED = Outcome(scheduled_at=at("12:05"), reason=Reason.CREATE_FAILED, message="rejected")
SKIPPED = Outcome(scheduled_at=at("12:10"), reason=Reason.SKIPPED_FORBID)
READY = Condition(type="Ready", status=True, reason="Scheduled")
GOOD = (True, "Scheduled", "")

TABLE: dict[str, tuple[Condition | None, dict[str, Any], tuple[bool, str, str]]] = {
    "a new object is ready": (None, {}, GOOD),
    "nothing new leaves it ready": (READY, {}, GOOD),
    "nothing new leaves it as it failed": (
        not_ready("CreateFailed"),
        {},
        (False, "CreateFailed", "earlier words"),
    ),
    "an objection to the template": (
        READY,
        {"checked": True, "objection": "unknown field"},
        (False, "InvalidJobTemplate", "unknown field"),
    ),
    "a checked template that is good ends what stood before": (
        not_ready("InvalidJobTemplate"),
        {"checked": True},
        GOOD,
    ),
    "a template that was not checked again stays bad": (
        not_ready("InvalidJobTemplate"),
        {},
        (False, "InvalidJobTemplate", "earlier words"),
    ),
    "a schedule that is valid again": (not_ready("InvalidSchedule"), {}, GOOD),
    "a zone that is known again": (not_ready("UnknownTimeZone"), {}, GOOD),
    "a create that failed": (READY, {"outcomes": [FAILED]}, (False, "CreateFailed", "rejected")),
    "a create that failed says no more than the check did": (
        not_ready("InvalidJobTemplate"),
        {"outcomes": [FAILED]},
        (False, "InvalidJobTemplate", "earlier words"),
    ),
    "a Job that was created proves that all is well": (not_ready("CreateFailed"), {"outcomes": [CREATED]}, GOOD),
    "but not that the template says what its author meant": (
        not_ready("InvalidJobTemplate"),
        {"outcomes": [CREATED]},
        (False, "InvalidJobTemplate", "earlier words"),
    ),
    "the last outcome that tells something counts": (READY, {"outcomes": [FAILED, CREATED, SKIPPED]}, GOOD),
    "also if it is the bad one": (
        READY,
        {"outcomes": [CREATED, FAILED, SKIPPED]},
        (False, "CreateFailed", "rejected"),
    ),
    "a skip says nothing": (
        not_ready("CreateFailed"),
        {"outcomes": [SKIPPED]},
        (False, "CreateFailed", "earlier words"),
    ),
    "a create that is being tried again": (READY, {"refusals": ["quota"]}, (False, "CreateFailed", "quota")),
    "its first words stay, so that the status is not written at each try": (
        not_ready("CreateFailed"),
        {"refusals": ["other words"]},
        (False, "CreateFailed", "earlier words"),
    ),
}


@pytest.mark.parametrize("row", TABLE)
def test_ready_tells_whether_the_object_does_what_its_author_asks(row: str) -> None:
    before, news, expected = TABLE[row]
    assert told(before, **news) == expected


@pytest.mark.parametrize("error", [InvalidSchedule("never fires"), UnknownTimeZone("no such zone")], ids=repr)
def test_an_object_without_a_schedule_is_not_ready_with_the_word_of_the_error(
    error: InvalidSchedule | UnknownTimeZone,
) -> None:
    assert conditions.unschedulable(error) == not_ready(error.reason, str(error))


def test_suspended_says_yes_or_no() -> None:
    assert conditions.suspended(True, now=at("12:00")) == Condition(type="Suspended", status=True, reason="Suspended")
    assert conditions.suspended(False, now=at("12:00")) == Condition(
        type="Suspended", status=False, reason="NotSuspended"
    )


NOT_READY: dict[str, tuple[bool, Any]] = {
    "no status yet": (False, {}),
    "no conditions": (False, {"conditions": None}),
    "ready": (False, {"conditions": [{"type": "Ready", "status": "True"}]}),
    "not ready": (
        True,
        {"conditions": [{"type": "Suspended", "status": "True"}, {"type": "Ready", "status": "False"}]},
    ),
    "another condition is false": (False, {"conditions": [{"type": "Suspended", "status": "False"}]}),
}


@pytest.mark.parametrize("row", NOT_READY)
def test_a_status_says_whether_its_object_is_not_ready(row: str) -> None:
    expected, status = NOT_READY[row]
    assert conditions.is_not_ready(status) == expected
