"""The status as JSON: what is written, what is read, and the difference between two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import statusbody
from controller.asked import Backfill, BackfillState, LastTrigger
from controller.conditions import Condition
from controller.names import manual_name
from controller.outcomes import Outcome, Reason, Trigger
from controller.spec import CronJob
from controller.status import Slot, Status
from tests.unit.builders import DAY, at, cron_job
from tests.unit.test_status import ended, slot

CRON = cron_job()
NOW = at("12:34:56")


def carrying(raw: Mapping[str, Any]) -> CronJob:
    return replace(CRON, status=raw)


def manual(scheduled: str) -> Slot:
    """A manual run that waits: its name follows from its value."""
    name = manual_name(CRON, "by hand")
    return Slot(name=name, scheduled_at=at(scheduled), trigger=Trigger.MANUAL, trigger_id="by hand")


FULL = Status(
    active=(
        slot("12:05"),
        replace(slot("12:00", uid="u1"), turned_away=4),
        Slot(name="m", scheduled_at=at("12:01"), trigger=Trigger.MANUAL, trigger_id="again"),
    ),
    queued=(slot("12:10"), manual("12:11")),
    settled_through=at("12:00"),
    schedule_hash="abc",
    suspended_until=at("13:00"),
    failures_in_row=2,
    last_trigger=LastTrigger(value="again", at=at("12:01"), outcome="skipped", reason="SkippedForbid"),
    backfill=Backfill(
        interval="a/b",
        state=BackfillState.RUNNING,
        through=at("09:00"),
        total=9,
        created=2,
        left_out=1,
        create_failed=3,
    ),
    last_schedule_at=at("11:55"),
    last_successful_at=at("11:56"),
    last_failure_at=at("11:46"),
    next_schedule_at=at("12:05"),
    owner="node-a",
    observed_generation=3,
    counts={"due": 3, "created": 2, "skipped": 1},
    recent=(
        ended("11:50", Reason.SKIPPED_FORBID),
        ended("11:55"),
        Outcome(scheduled_at=at("11:56"), reason=Reason.CREATED, job="m", trigger=Trigger.MANUAL, trigger_id="before"),
    ),
    conditions=(Condition(type="Ready", status=True, reason="Scheduled", message="m", changed_at=at("11:00")),),
)

WRITTEN: dict[str, Any] = {
    "active": [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "ns",
            "name": "report-20260302120500-6f1c2d3e4b",
            "scheduledAt": "2026-03-02T12:05:00Z",
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "ns",
            "name": "report-20260302120000-6f1c2d3e4b",
            "scheduledAt": "2026-03-02T12:00:00Z",
            "turnedAway": 4,
            "uid": "u1",
        },
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": "ns",
            "name": "m",
            "scheduledAt": "2026-03-02T12:01:00Z",
            "trigger": "manual",
            "triggerId": "again",
        },
    ],
    "activeJobs": 3,
    "queued": [
        {"scheduledAt": "2026-03-02T12:10:00Z"},
        {"scheduledAt": "2026-03-02T12:11:00Z", "trigger": "manual", "triggerId": "by hand"},
    ],
    "suspendedUntil": "2026-03-02T13:00:00Z",
    "failuresInRow": 2,
    "lastTrigger": {
        "value": "again",
        "at": "2026-03-02T12:01:00Z",
        "outcome": "skipped",
        "reason": "SkippedForbid",
    },
    "backfill": {
        "interval": "a/b",
        "state": "Running",
        "through": "2026-03-02T09:00:00Z",
        "total": 9,
        "created": 2,
        "leftOut": 1,
        "createFailed": 3,
    },
    "settledThrough": "2026-03-02T12:00:00Z",
    "scheduleHash": "abc",
    "lastScheduleTime": "2026-03-02T11:55:00Z",
    "lastSuccessfulTime": "2026-03-02T11:56:00Z",
    "lastFailureTime": "2026-03-02T11:46:00Z",
    "nextScheduleTime": "2026-03-02T12:05:00Z",
    "owner": "node-a",
    "observedGeneration": 3,
    "counts": {"due": 3, "created": 2, "skipped": 1},
    "recent": [
        {"scheduledAt": "2026-03-02T11:50:00Z", "outcome": "skipped", "reason": "SkippedForbid"},
        {
            "scheduledAt": "2026-03-02T11:55:00Z",
            "outcome": "created",
            "reason": "Created",
            "job": "report-20260302115500-6f1c2d3e4b",
        },
        {
            "scheduledAt": "2026-03-02T11:56:00Z",
            "outcome": "created",
            "reason": "Created",
            "job": "m",
            "trigger": "manual",
            "triggerId": "before",
        },
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Scheduled",
            "message": "m",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-03-02T11:00:00Z",
        }
    ],
}


def test_a_status_as_it_is_written_in_full() -> None:
    patch = statusbody.patch(Status(), FULL, CRON, now=NOW)
    assert {**WRITTEN, **patch} == WRITTEN
    assert patch == WRITTEN


def test_a_status_as_it_is_read_in_full() -> None:
    assert statusbody.parse(carrying(WRITTEN)) == FULL


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {
            "active": None,
            "counts": None,
            "recent": None,
            "conditions": None,
            "settledThrough": None,
            "nextScheduleTime": None,
        },
    ],
    ids=["empty", "nulls"],
)
def test_a_status_that_says_nothing_is_the_empty_one(raw: Mapping[str, Any]) -> None:
    assert statusbody.parse(carrying(raw)) == Status()


def test_nothing_is_written_when_nothing_has_changed() -> None:
    assert statusbody.patch(FULL, FULL, carrying(WRITTEN), now=NOW) == {}


def test_no_active_jobs_are_written_as_a_number_too() -> None:
    assert statusbody.patch(Status(), Status(), CRON, now=NOW) == {"activeJobs": 0}


def test_only_what_has_changed_is_written() -> None:
    assert statusbody.patch(FULL, replace(FULL, owner="node-b"), carrying(WRITTEN), now=NOW) == {"owner": "node-b"}


def test_what_is_gone_is_removed() -> None:
    after = replace(FULL, active=(), next_schedule_at=None)
    assert statusbody.patch(FULL, after, carrying(WRITTEN), now=NOW) == {
        "active": None,
        "activeJobs": 0,
        "nextScheduleTime": None,
    }


def test_a_status_write_fits_the_words_of_conditions_that_kubernetes_uses() -> None:
    condition = Condition(type="Ready", status=False, reason="CreateFailed")
    (raw,) = statusbody.patch(Status(), Status(conditions=(condition,)), CRON, now=NOW)["conditions"]
    assert raw == {
        "type": "Ready",
        "status": "False",
        "reason": "CreateFailed",
        "message": "",
        "observedGeneration": 0,
        "lastTransitionTime": "2026-03-02T12:34:56Z",
    }


SECONDS = st.integers(0, 10**8).map(lambda seconds: DAY + timedelta(seconds=seconds))
INSTANTS = st.integers(0, 10**14).map(lambda microseconds: DAY + timedelta(microseconds=microseconds))
WORDS = st.text(max_size=8)
OUTCOMES = st.builds(Outcome, scheduled_at=INSTANTS, reason=st.sampled_from(Reason), job=st.none() | WORDS)
STATUSES = st.builds(
    Status,
    active=st.lists(st.builds(Slot, name=WORDS, scheduled_at=INSTANTS, uid=st.none() | WORDS), max_size=3).map(tuple),
    settled_through=st.none() | INSTANTS,
    suspended_until=st.none() | INSTANTS,
    failures_in_row=st.integers(0, 3),
    last_trigger=st.none()
    | st.builds(LastTrigger, value=WORDS, at=INSTANTS, outcome=WORDS, reason=st.none() | WORDS, job=st.none() | WORDS),
    backfill=st.none()
    | st.builds(
        Backfill,
        interval=WORDS,
        state=st.sampled_from(BackfillState),
        through=st.none() | INSTANTS,
        total=st.integers(0, 9),
        created=st.integers(0, 9),
        message=WORDS,
    ),
    schedule_hash=st.none() | WORDS,
    last_schedule_at=st.none() | INSTANTS,
    last_successful_at=st.none() | SECONDS,
    last_failure_at=st.none() | SECONDS,
    next_schedule_at=st.none() | SECONDS,
    owner=st.none() | WORDS,
    observed_generation=st.integers(0, 10),
    counts=st.dictionaries(st.sampled_from(["due", "created", "failed"]), st.integers(1, 9)),
    recent=st.lists(OUTCOMES, max_size=3).map(tuple),
    conditions=st.lists(
        st.builds(Condition, type=WORDS, status=st.booleans(), reason=WORDS, message=WORDS, changed_at=SECONDS),
        max_size=2,
    ).map(tuple),
)


@settings(max_examples=50)
@given(old=STATUSES, new=STATUSES)
def test_a_patch_turns_what_the_object_carries_into_what_it_should(old: Status, new: Status) -> None:
    new = replace(new, counts={**old.counts, **new.counts})  # counts only ever grow
    carried = statusbody.merged({}, statusbody.patch(Status(), old, CRON, now=NOW))
    patch = statusbody.patch(old, new, carrying(carried), now=NOW)
    stored = carrying(statusbody.merged(carried, patch))
    after = statusbody.parse(stored)
    assert after == new
    assert [one.changed_at for one in after.conditions] == [one.changed_at for one in new.conditions]
    assert statusbody.patch(after, new, stored, now=NOW) == {}


def test_the_words_of_a_later_version_are_left_out_and_do_not_stop_an_earlier_one() -> None:
    told = [
        {"scheduledAt": "2026-03-02T11:50:00Z", "outcome": "skipped", "reason": "SkippedByTheMoon"},
        {"scheduledAt": "2026-03-02T11:55:00Z", "outcome": "created", "reason": "Created"},
    ]
    read = statusbody.parse(replace(cron_job(), status={"recent": told}))
    assert [outcome.reason for outcome in read.recent] == [Reason.CREATED]
