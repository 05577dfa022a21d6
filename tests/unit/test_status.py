"""The status: how it moves on, what it never does, and how it is written as the smallest difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import conditions, statusbody
from controller import status as statuses
from controller.conditions import Condition
from controller.jobs import Job
from controller.names import name_for
from controller.outcomes import Outcome, Reason
from controller.spec import CronJob
from controller.status import RECENT_LIMIT, Slot, Status
from tests.unit.builders import DAY, at, cron_job, job

CRON = cron_job()
NOW = at("12:34:56")

SUSPENDED, RESUMED = (conditions.suspended(suspend, now=at("12:00")) for suspend in (True, False))


def ended(scheduled: str, reason: Reason = Reason.CREATED) -> Outcome:
    name = name_for(CRON, at(scheduled)) if reason is Reason.CREATED else None
    return Outcome(scheduled_at=at(scheduled), reason=reason, job=name)


def slot(scheduled: str, *, uid: str | None = None) -> Slot:
    return Slot(name=name_for(CRON, at(scheduled)), scheduled_at=at(scheduled), uid=uid)


def carrying(raw: Mapping[str, Any]) -> CronJob:
    return replace(CRON, status=raw)


# --- settling -------------------------------------------------------------------------------------------------------


def test_settling_passes_the_instants_and_counts_each_once() -> None:
    outcomes = [
        ended("12:00", Reason.MISSED_DEADLINE),
        ended("12:05", Reason.MISSED_CATCH_UP),
        ended("12:10", Reason.SKIPPED_FORBID),
        ended("12:15", Reason.CREATE_FAILED),
        ended("12:20"),
    ]
    status = statuses.settle(Status(settled_through=at("11:55")), outcomes, through=at("12:20"))
    assert status.settled_through == at("12:20")
    assert status.last_schedule_at == at("12:20")
    assert status.counts == {"due": 5, "created": 1, "missed": 2, "skipped": 1, "createFailed": 1}
    assert status.recent == tuple(outcomes)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_belongs_to_one_of_the_counts_and_due_is_their_sum(reason: Reason) -> None:
    counts = dict(statuses.settle(Status(), [ended("12:00", reason)], through=at("12:00")).counts)
    assert counts.pop("due") == 1
    assert list(counts.values()) == [1]
    assert set(counts) <= {"created", "skipped", "missed", "createFailed"}


def test_settling_nothing_moves_on_and_says_nothing() -> None:
    before = Status(settled_through=at("11:55"), recent=(ended("11:55"),), counts={"due": 1, "created": 1})
    assert statuses.settle(before, [], through=at("12:00")) == replace(before, settled_through=at("12:00"))


def test_only_an_instant_that_got_a_job_is_the_last_schedule_time() -> None:
    status = Status(last_schedule_at=at("11:55"))
    assert statuses.settle(status, [ended("12:00", Reason.SKIPPED_FORBID)], through=at("12:00")).last_schedule_at == at(
        "11:55"
    )


def test_neither_value_ever_moves_back() -> None:
    status = Status(settled_through=at("12:10"), last_schedule_at=at("12:10"))
    later = statuses.settle(status, [ended("12:05")], through=at("12:05"))
    assert (later.settled_through, later.last_schedule_at) == (at("12:10"), at("12:10"))
    assert statuses.conclude(status, [ended("12:05")]).last_schedule_at == at("12:10")


def test_the_recent_ones_are_the_newest_instants_and_no_more_than_ten() -> None:
    times = [f"11:{minute:02}" for minute in range(25)]
    status = statuses.settle(Status(), [ended(time) for time in times], through=at("11:24"))
    assert [outcome.scheduled_at for outcome in status.recent] == [at(time) for time in times[-RECENT_LIMIT:]]


def test_a_claim_that_ends_late_takes_its_place_among_the_recent_ones() -> None:
    status = statuses.settle(Status(), [ended("12:00"), ended("12:10")], through=at("12:10"))
    recent = statuses.conclude(status, [ended("12:05")]).recent
    assert [outcome.scheduled_at for outcome in recent] == [at("12:00"), at("12:05"), at("12:10")]


# --- claims ---------------------------------------------------------------------------------------------------------


def test_a_claim_counts_as_due_at_once_and_ends_once() -> None:
    claimed = statuses.claim(Status(), [slot("12:00"), slot("12:05")])
    assert claimed.active == (slot("12:00"), slot("12:05"))
    assert claimed.counts == {"due": 2}
    concluded = statuses.conclude(claimed, [ended("12:00"), ended("12:05", Reason.MISSED_DEADLINE)])
    assert concluded.counts == {"due": 2, "created": 1, "missed": 1}


def test_claiming_nothing_changes_nothing() -> None:
    assert statuses.claim(Status(), []) == Status()


# --- the slots and their Jobs ---------------------------------------------------------------------------------------


def tracked(status: Status, *jobs: Job, complete: bool = False, **news: Any) -> tuple[Status, tuple[Job, ...]]:
    return statuses.track(status, {one.name: one for one in jobs}, complete=complete, **news)


def test_a_claimed_slot_learns_the_uid_of_its_job() -> None:
    status, ends = tracked(Status(active=(slot("12:00"),)), job(CRON, "12:00"))
    assert status.active == (slot("12:00", uid="job-12:00"),)
    assert ends == ()


def test_a_job_that_succeeded_leaves_its_slot_and_is_counted() -> None:
    done = job(CRON, "12:00", finished="12:03")
    status, ends = tracked(Status(active=(slot("12:00", uid="job-12:00"),)), done)
    assert status.active == ()
    assert ends == (done,)
    assert status.counts == {"succeeded": 1}
    assert (status.last_successful_at, status.last_failure_at) == (at("12:03"), None)


def test_a_job_that_failed_leaves_its_slot_and_is_counted() -> None:
    done = job(CRON, "12:00", finished="12:03", succeeded=False)
    status, _ = tracked(Status(active=(slot("12:00", uid="job-12:00"),)), done)
    assert status.active == ()
    assert status.counts == {"failed": 1}
    assert (status.last_successful_at, status.last_failure_at) == (None, at("12:03"))


def test_a_job_that_finished_earlier_than_the_last_one_moves_no_time_back() -> None:
    before = Status(active=(slot("12:00", uid="u"),), last_successful_at=at("12:10"))
    status, _ = tracked(before, job(CRON, "12:00", finished="12:03"))
    assert status.last_successful_at == at("12:10")


def test_a_job_that_finished_and_is_gone_is_counted_all_the_same() -> None:
    status, ends = tracked(Status(active=(slot("12:00", uid="u"),)), job(CRON, "12:00", finished="12:03", gone=True))
    assert (status.active, len(ends)) == ((), 1)


def test_a_job_that_was_deleted_while_active_leaves_its_slot_uncounted() -> None:
    status, ends = tracked(Status(active=(slot("12:00", uid="u"),)), job(CRON, "12:00", gone=True))
    assert (status.active, ends, status.counts) == ((), (), {})


@pytest.mark.parametrize(
    ("complete", "uid", "kept"),
    [(False, "u", True), (True, "u", False), (False, None, True), (True, None, True)],
    ids=[
        "seen once, the watch may lag",
        "seen once, a list shows that it is gone",
        "never seen",
        "never seen, not even in a list: whoever looks next fills it",
    ],
)
def test_a_slot_whose_job_is_not_there(complete: bool, uid: str | None, kept: bool) -> None:
    before = Status(active=(slot("12:00", uid=uid),))
    status, ends = tracked(before, complete=complete)
    assert status.active == (before.active if kept else ())
    assert ends == ()


def test_a_dropped_slot_goes_unless_its_job_is_there_after_all() -> None:
    before = Status(active=(slot("12:00"), slot("12:05")))
    status, _ = tracked(before, job(CRON, "12:05"), dropped={slot("12:00").name, slot("12:05").name})
    assert status.active == (slot("12:05", uid="job-12:05"),)


def test_new_jobs_enter_in_the_order_of_their_instants() -> None:
    jobs = [job(CRON, "12:05"), job(CRON, "12:00"), job(CRON, "12:10", finished="12:11")]
    status, ends = tracked(Status(active=(slot("12:00", uid="job-12:00"),)), *jobs, newly=jobs)
    assert status.active == (slot("12:00", uid="job-12:00"), slot("12:05", uid="job-12:05"))
    assert ends == (jobs[2],)


def test_a_new_job_without_an_instant_stands_at_its_creation() -> None:
    bare = job(CRON, "12:00", scheduled_at=None, created_at=at("12:00:01"))
    status, _ = tracked(Status(), bare, newly=[bare])
    assert status.active[0].scheduled_at == at("12:00:01")


# --- conditions -----------------------------------------------------------------------------------------------------


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    old = Condition(type="Ready", status=False, reason="A", message="a", changed_at=at("11:00"))
    new = Condition(type="Ready", status=False, reason="B", message="b")
    (declared,) = statuses.declare(Status(conditions=(old,)), new).conditions
    assert (declared.reason, declared.message, declared.changed_at) == ("B", "b", at("11:00"))


def test_a_condition_gets_the_time_of_the_write_when_its_status_changes() -> None:
    old = Condition(type="Ready", status=False, reason="A", changed_at=at("11:00"))
    changed = statuses.declare(Status(conditions=(old,)), replace(old, status=True, changed_at=None))
    written = statusbody.patch(Status(conditions=(old,)), changed, CRON, now=at("12:34:56.7"))
    assert [raw["lastTransitionTime"] for raw in written["conditions"]] == ["2026-03-02T12:34:56Z"]


def test_other_conditions_stay_and_all_are_ordered_by_type() -> None:
    zebra = Condition(type="Zebra", status=True, reason="Z", changed_at=at("11:00"))
    status = statuses.declare(
        Status(conditions=(zebra,)),
        SUSPENDED,
        RESUMED,
    )
    assert [(one.type, one.status) for one in status.conditions] == [("Suspended", False), ("Zebra", True)]
    assert status.condition("Zebra") == zebra
    assert status.condition("Ready") is None


@pytest.mark.parametrize(
    ("found", "suspended"),
    [
        ((), False),
        ((RESUMED,), False),
        ((SUSPENDED,), True),
    ],
    ids=["not said", "said no", "said yes"],
)
def test_the_status_tells_whether_the_object_was_suspended_when_it_was_written(
    found: tuple[Condition, ...], suspended: bool
) -> None:
    assert Status(conditions=found).suspended is suspended


# --- reading and writing --------------------------------------------------------------------------------------------


FULL = Status(
    active=(slot("12:05"), slot("12:00", uid="u1")),
    settled_through=at("12:00"),
    schedule_hash="abc",
    last_schedule_at=at("11:55"),
    last_successful_at=at("11:56"),
    last_failure_at=at("11:46"),
    next_schedule_at=at("12:05"),
    owner="node-a",
    observed_generation=3,
    counts={"due": 3, "created": 2, "skipped": 1},
    recent=(ended("11:50", Reason.SKIPPED_FORBID), ended("11:55")),
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
            "uid": "u1",
        },
    ],
    "activeJobs": 2,
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
    ],
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Scheduled",
            "message": "m",
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
    assert statusbody.patch(FULL, FULL, CRON, now=NOW) == {}


def test_only_what_has_changed_is_written() -> None:
    assert statusbody.patch(FULL, replace(FULL, owner="node-b"), CRON, now=NOW) == {"owner": "node-b"}


def test_what_is_gone_is_removed() -> None:
    after = replace(FULL, active=(), next_schedule_at=None)
    assert statusbody.patch(FULL, after, CRON, now=NOW) == {"active": None, "activeJobs": 0, "nextScheduleTime": None}


def test_a_status_write_fits_the_words_of_conditions_that_kubernetes_uses() -> None:
    condition = Condition(type="Ready", status=False, reason="CreateFailed")
    (raw,) = statusbody.patch(Status(), Status(conditions=(condition,)), CRON, now=NOW)["conditions"]
    assert raw == {
        "type": "Ready",
        "status": "False",
        "reason": "CreateFailed",
        "message": "",
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


def merged(raw: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch as the API server applies it (RFC 7386)."""
    result = dict(raw)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            result[name] = merged(result.get(name) or {}, value)
        else:
            result[name] = value
    return result


@settings(max_examples=50)
@given(old=STATUSES, new=STATUSES)
def test_a_patch_turns_what_the_object_carries_into_what_it_should(old: Status, new: Status) -> None:
    new = replace(new, counts={**old.counts, **new.counts})  # counts only ever grow
    carried = merged({}, statusbody.patch(Status(), old, CRON, now=NOW))
    patch = statusbody.patch(old, new, CRON, now=NOW)
    after = statusbody.parse(carrying(merged(carried, patch)))
    assert after == new
    assert [one.changed_at for one in after.conditions] == [one.changed_at for one in new.conditions]
    assert statusbody.patch(after, new, CRON, now=NOW) == {}


def test_the_words_of_a_later_version_are_left_out_and_do_not_stop_an_earlier_one() -> None:
    told = [
        {"scheduledAt": "2026-03-02T11:50:00Z", "outcome": "skipped", "reason": "SkippedByTheMoon"},
        {"scheduledAt": "2026-03-02T11:55:00Z", "outcome": "created", "reason": "Created"},
    ]
    read = statusbody.parse(replace(cron_job(), status={"recent": told}))
    assert [outcome.reason for outcome in read.recent] == [Reason.CREATED]
