"""How an object is read: defaults, times, who edited it when, and what counts as an edit of the schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.instants import format_time, parse_time
from controller.outcomes import Trigger
from controller.spec import (
    CatchUpPolicy,
    ConcurrencyPolicy,
    CronJob,
    Key,
    Spec,
    parse,
)
from tests.unit.builders import TEMPLATE, UID, at, body_of, cron_job


def parsed(**spec: Any) -> Spec:
    return parse({**body_of(), "spec": {"schedule": "* * * * *", **spec}}).spec


# --- the fields -----------------------------------------------------------------------------------------------------


def test_what_the_author_leaves_out_has_the_defaults_of_the_api() -> None:
    assert parsed() == Spec(
        expressions=("* * * * *",),
        time_zone=None,
        starting_deadline=None,
        concurrency_policy=ConcurrencyPolicy.ALLOW,
        max_active_jobs=None,
        suspend=False,
        successful_jobs_history_limit=3,
        failed_jobs_history_limit=1,
        catch_up_policy=CatchUpPolicy.LATEST,
        catch_up_limit=100,
        start_at=None,
        end_at=None,
        controller_name="dcron",
    )


FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "time zone": ({"timeZone": "Europe/Paris"}, {"time_zone": "Europe/Paris"}),
    "starting deadline": ({"startingDeadlineSeconds": 90}, {"starting_deadline": timedelta(seconds=90)}),
    "a deadline of zero is a deadline": ({"startingDeadlineSeconds": 0}, {"starting_deadline": timedelta(0)}),
    "concurrency policy": ({"concurrencyPolicy": "Replace"}, {"concurrency_policy": ConcurrencyPolicy.REPLACE}),
    "limit on active Jobs": ({"maxActiveJobs": 4}, {"max_active_jobs": 4}),
    "suspended": ({"suspend": True}, {"suspend": True}),
    "history limits": (
        {"successfulJobsHistoryLimit": 0, "failedJobsHistoryLimit": 7},
        {"successful_jobs_history_limit": 0, "failed_jobs_history_limit": 7},
    ),
    "catch-up": (
        {"catchUpPolicy": "All", "catchUpLimit": 5},
        {"catch_up_policy": CatchUpPolicy.ALL, "catch_up_limit": 5},
    ),
    "start and end": (
        {"startTime": "2026-03-02T12:00:00+01:00", "endTime": "2026-03-02T12:00:00.5Z"},
        {"start_at": at("11:00"), "end_at": at("12:00:00.5")},
    ),
    "installation": ({"controllerName": "other"}, {"controller_name": "other"}),
}


@pytest.mark.parametrize("row", FIELDS)
def test_each_field_is_read(row: str) -> None:
    written, read = FIELDS[row]
    assert parsed(**written) == replace(parsed(), **read)


def test_several_schedules_are_one_object() -> None:
    body = {**body_of(), "spec": {"schedules": ["0 8 * * *", "0 20 * * *"]}}
    assert parse(body).spec.expressions == ("0 8 * * *", "0 20 * * *")


def test_the_template_is_kept_as_it_was_written() -> None:
    assert parsed(jobTemplate=TEMPLATE).job_template == TEMPLATE


@pytest.mark.parametrize(
    ("policy", "limit", "claims", "slots"),
    [("Allow", None, False, 1), ("Forbid", None, True, 1), ("Replace", 3, True, 3)],
    ids=["Allow needs no slot", "Forbid has one slot", "Replace has as many as are allowed"],
)
def test_slots_are_claimed_wherever_active_jobs_are_limited(
    policy: str, limit: int | None, claims: bool, slots: int
) -> None:
    spec = parsed(concurrencyPolicy=policy, **({} if limit is None else {"maxActiveJobs": limit}))
    assert (spec.claims, spec.slots) == (claims, slots)


def test_who_the_object_is() -> None:
    body = {**body_of(generation=4), "status": {"owner": "node-a"}}
    found = parse(body)
    assert found == CronJob(
        key=Key("ns", "report"),
        uid=UID,
        generation=4,
        resource_version="7",
        created_at=at("11:00"),
        edited_at=None,
        deleted=False,
        spec=found.spec,
    )
    assert found.status == {"owner": "node-a"}
    assert str(found.key) == "ns/report"


@pytest.mark.parametrize("status", [{}, {"status": None}], ids=["no status", "a null status"])
def test_an_object_without_a_status_has_an_empty_one(status: Mapping[str, Any]) -> None:
    assert parse({**body_of(), **status}).status == {}


def test_a_deletion_timestamp_means_deleted() -> None:
    assert parse(body_of(deletionTimestamp="2026-03-02T12:00:00Z")).deleted


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"schedule": "* * * * *", "concurrencyPolicy": "Perhaps"},
        {"schedule": "* * * * *", "startTime": "noon"},
        {"schedule": "* * * * *", "startingDeadlineSeconds": "soon"},
    ],
    ids=["no schedule", "unknown policy", "no time", "no number"],
)
def test_what_the_schema_does_not_let_in_is_refused(spec: Mapping[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        parse({**body_of(), "spec": spec})


# --- the moment of an edit ------------------------------------------------------------------------------------------


def manager(time: str | None, *, fields: str = "f:spec", **more: Any) -> dict[str, Any]:
    entry = {"manager": "kubectl", "fieldsV1": {fields: {}}, **more}
    return entry if time is None else {**entry, "time": format_time(at(time))}


EDITORS: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "nobody": ([], None),
    "one manager of the spec": ([manager("11:30")], "11:30"),
    "the newest of several": ([manager("11:30"), manager("11:50"), manager("11:40")], "11:50"),
    "not who wrote the status": ([manager("11:30"), manager("11:50", fields="f:status")], "11:30"),
    "not who wrote a subresource": ([manager("11:30"), manager("11:50", subresource="status")], "11:30"),
    "not who wrote metadata": ([manager("11:50", fields="f:metadata")], None),
    "not an entry without a time": ([manager(None)], None),
    "not an entry without fields": ([{"manager": "kubectl", "time": "2026-03-02T11:50:00Z"}], None),
}


@pytest.mark.parametrize("row", EDITORS)
def test_an_edit_is_the_newest_write_among_the_managers_of_the_spec(row: str) -> None:
    managers, edited = EDITORS[row]
    assert parse(body_of(managedFields=managers)).edited_at == (None if edited is None else at(edited))


BASE = parsed()

MAKES_INSTANTS: dict[str, dict[str, Any]] = {
    "an expression": {"schedule": "*/2 * * * *"},
    "the zone": {"timeZone": "Europe/Paris"},
    "the start": {"startTime": "2026-03-02T12:00:00Z"},
    "the end": {"endTime": "2026-03-02T12:00:00Z"},
    "suspension": {"suspend": True},
}
MAKES_NONE: dict[str, dict[str, Any]] = {
    "the template": {"jobTemplate": TEMPLATE},
    "the policy": {"concurrencyPolicy": "Forbid"},
    "the deadline": {"startingDeadlineSeconds": 5},
    "the catch-up": {"catchUpPolicy": "None"},
    "the history": {"successfulJobsHistoryLimit": 9},
}


@pytest.mark.parametrize("row", MAKES_INSTANTS)
def test_an_edit_of_what_makes_instants_changes_the_hash(row: str) -> None:
    assert parsed(**MAKES_INSTANTS[row]).schedule_hash != BASE.schedule_hash


@pytest.mark.parametrize("row", MAKES_NONE)
def test_an_edit_of_anything_else_leaves_the_hash(row: str) -> None:
    assert parsed(**MAKES_NONE[row]).schedule_hash == BASE.schedule_hash


def test_the_same_start_written_in_another_zone_is_no_edit() -> None:
    one, other = (parsed(startTime=text) for text in ("2026-03-02T12:00:00Z", "2026-03-02T13:00:00+01:00"))
    assert one.schedule_hash == other.schedule_hash


def test_the_hash_is_the_same_in_every_version() -> None:
    """It is kept in the status: another value after an update would look like an edit of every object."""
    spec = parsed(timeZone="Europe/Paris", startTime="2026-03-02T12:00:00Z", endTime="2027-01-01T00:00:00Z")
    assert BASE.schedule_hash == "e5a99061e3ce4c79"
    assert spec.schedule_hash == "96f4215dc6d569c6"


# --- times ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T12:00:00Z", at("12:00")),
        ("2026-03-02T12:00:00.25Z", at("12:00:00.25")),
        ("2026-03-02T05:00:00-07:00", at("12:00")),
        ("2026-03-02T17:45:00+05:45", at("12:00")),
        ("2026-03-02T12:00:00.123456789Z", at("12:00:00.123456")),
    ],
    ids=["UTC", "a fraction", "west", "a zone of quarters", "nanoseconds are cut"],
)
def test_times_are_read_as_utc(text: str, instant: datetime) -> None:
    assert parse_time(text) == instant
    assert parse_time(text).tzinfo is UTC


def test_a_time_is_written_in_utc_with_a_fraction_only_if_it_has_one() -> None:
    assert format_time(at("12:00")) == "2026-03-02T12:00:00Z"
    assert format_time(at("12:00:00.25")) == "2026-03-02T12:00:00.250000Z"
    assert format_time(at("12:00").astimezone(timezone(timedelta(hours=1)))) == "2026-03-02T12:00:00Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read_as_the_same_instant(instant: datetime) -> None:
    assert parse_time(format_time(instant)) == instant


# --- lateness -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "seconds", "late"),
    [
        pytest.param(Trigger.SCHEDULE, 3, 3, id="by the instant"),
        pytest.param(Trigger.SCHEDULE, -1, 0, id="never negative"),
        pytest.param(Trigger.CATCH_UP, 3600, 3600, id="caught up"),
        pytest.param(Trigger.MANUAL, 3, 3, id="by hand"),
        pytest.param(Trigger.BACKFILL, 10**7, 0, id="of the past on purpose"),
    ],
)
def test_how_late_a_firing_is(trigger: Trigger, seconds: int, late: int) -> None:
    cron = cron_job()
    moment = at("12:00") + timedelta(seconds=seconds)
    assert cron.lateness(at("12:00"), trigger, moment) == timedelta(seconds=late)


def test_jitter_is_not_lateness() -> None:
    cron = cron_job(jitterSeconds=60)
    due = cron.due_at(at("12:00"), Trigger.SCHEDULE)
    assert due > at("12:00")
    assert cron.lateness(at("12:00"), Trigger.SCHEDULE, due + timedelta(seconds=1)) == timedelta(seconds=1)
