"""The status: how it moves on, and what it never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller import conditions, statusbody
from controller import status as statuses
from controller.asked import QUEUED, LastTrigger
from controller.conditions import Condition
from controller.jobs import Job
from controller.names import name_for
from controller.outcomes import Outcome, Reason
from controller.status import RECENT_LIMIT, Slot, Status
from tests.unit.builders import at, cron_job, job

CRON = cron_job()
NOW = at("12:34:56")

SUSPENDED, RESUMED = (conditions.suspended(suspend, now=at("12:00")) for suspend in (True, False))


def ended(scheduled: str, reason: Reason = Reason.CREATED) -> Outcome:
    name = name_for(CRON, at(scheduled)) if reason is Reason.CREATED else None
    return Outcome(scheduled_at=at(scheduled), reason=reason, job=name)


def slot(scheduled: str, *, uid: str | None = None) -> Slot:
    return Slot(name=name_for(CRON, at(scheduled)), scheduled_at=at(scheduled), uid=uid)


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


def test_an_outcome_that_comes_late_is_told_last_so_that_younger_instants_do_not_push_it_out_at_once() -> None:
    times = [f"12:{minute:02}" for minute in range(1, RECENT_LIMIT + 1)]
    status = statuses.settle(Status(), [ended(time) for time in times], through=at(times[-1]))
    recent = statuses.conclude(status, [ended("12:00")]).recent
    assert [outcome.scheduled_at for outcome in recent] == [at(time) for time in (*times[1:], "12:00")]


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


# --- nothing new ----------------------------------------------------------------------------------------------------

STANDING = Status(
    active=(slot("12:00", uid="job-12:00"),),
    queued=(slot("12:05"),),
    settled_through=at("12:00"),
    counts={"due": 1, "created": 1},
    recent=(ended("12:00"),),
    last_trigger=LastTrigger(value="again", at=at("11:00"), outcome=QUEUED),
    conditions=(RESUMED,),
)

NOTHING_NEW: dict[str, Callable[[], Status]] = {
    "no instant is passed": lambda: statuses.settle(STANDING, [], through=at("12:00")),
    "no firing ends": lambda: statuses.conclude(STANDING, []),
    "the queue stays as it is": lambda: statuses.claim(STANDING, [], (slot("12:05"),)),
    "every instant finds a place": lambda: statuses.turn_away(STANDING, 0),
    "its Job is still active": lambda: tracked(STANDING, job(CRON, "12:00"))[0],
    "no failure is to be counted anew": lambda: statuses.begin_row(STANDING, [], None),
    "a condition holds as before": lambda: statuses.declare(STANDING, replace(RESUMED, changed_at=at("12:01"))),
}


@pytest.mark.parametrize("why", NOTHING_NEW)
def test_a_status_of_which_there_is_nothing_new_to_say_is_the_very_same_value(why: str) -> None:
    assert NOTHING_NEW[why]() is STANDING


def test_of_a_status_only_what_is_new_is_another_value() -> None:
    claimed = statuses.claim(STANDING, [slot("12:10")], STANDING.queued)
    assert claimed == replace(STANDING, active=(*STANDING.active, slot("12:10")), counts={"due": 2, "created": 1})
    assert all(getattr(claimed, name) is getattr(STANDING, name) for name in ("queued", "recent", "conditions"))
