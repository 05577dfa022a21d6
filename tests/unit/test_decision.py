"""The tables of `decide`: what is asked for, by policy, by the time that has passed and by what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller.conditions import INVALID_JOB_TEMPLATE, READY, SUSPENDED
from controller.errors import InvalidSchedule
from controller.names import name_for
from controller.observation import Checked, Stance
from controller.outcomes import Reason, Trigger
from controller.spec import CronJob
from controller.status import Slot, Status
from controller.steps import Check, Create, Wait, Write
from tests.unit.builders import at, cron_job, job, settled
from tests.unit.deciding import (
    LATE,
    attempt,
    decide_ready,
    described,
    recalled,
    slot,
    step_of,
    waits_until,
)

# Every five minutes, settled through 11:55. `running`: the Job of 11:55 is active. `ran`: it has finished.
# Columns: history, time, then what Allow, Forbid and Replace ask for.
POLICY_TABLE = {
    "never ran, not due": ("never", "11:59", ["wait until 12:00"] * 3),
    "never ran, due": ("never", "12:00:01", ["create 12:00", "look", "look"]),
    "never ran, past its deadline": ("never", "12:02", ["look"] * 3),
    "never ran, suspended": ("suspended", "12:00:01", ["wait until 13:00:01"] * 3),
    "ran before, not due": ("ran", "11:59", ["wait until 12:00"] * 3),
    "ran before, due": ("ran", "12:00:01", ["create 12:00", "look", "look"]),
    "ran before, past its deadline": ("ran", "12:02", ["look"] * 3),
    "ran before, suspended": ("ran suspended", "12:00:01", ["wait until 13:00:01"] * 3),
    "still running, not due": ("running", "11:59", ["wait until 12:00"] * 3),
    "still running, due": ("running", "12:00:01", ["create 12:00", "look", "look"]),
    "still running, past its deadline": ("running", "12:02", ["look"] * 3),
    "still running, suspended": ("running suspended", "12:00:01", ["wait until 13:00:01"] * 3),
    "long overdue": ("overdue", "14:03", ["create 14:00", "look", "look"]),
    "long overdue, still running": (
        "overdue running",
        "14:03",
        ["create 14:00", "look", "look"],
    ),
    "long overdue, past its deadline": (
        "never",
        "14:03",
        ["look"] * 3,
    ),
    "long overdue, suspended": ("overdue suspended", "14:03", ["write 25 SkippedSuspended"] * 3),
}


def _case(history: str, policy: str) -> tuple[CronJob, dict[str, Any]]:
    deadline: dict[str, Any] = {} if "overdue" in history else {"startingDeadlineSeconds": 60}
    cron = cron_job(concurrencyPolicy=policy, suspend="suspended" in history, **deadline)
    ready = decide_ready(cron)
    known: dict[str, Any] = {"status": ready}
    if "running" in history:
        known["jobs"] = (job(cron, "11:55"),)
        known["status"] = replace(
            ready, active=(Slot(name=name_for(cron, at("11:55")), scheduled_at=at("11:55"), uid="job-11:55"),)
        )
    elif history == "ran":
        known["jobs"] = (job(cron, "11:55", finished="11:56"),)
    return cron, known


@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace"])
@pytest.mark.parametrize("row", POLICY_TABLE)
def test_policy_by_history_by_time(row: str, policy: str) -> None:
    history, now, expected = POLICY_TABLE[row]
    cron, known = _case(history, policy)
    assert described(step_of(cron, now, **known)) == expected[["Allow", "Forbid", "Replace"].index(policy)]


@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace"])
def test_what_is_too_late_is_told_as_missed_only_on_a_complete_view(policy: str) -> None:
    cron = cron_job(concurrencyPolicy=policy, startingDeadlineSeconds=60)
    assert described(step_of(cron, "12:02")) == "look"  # an outage may have hidden that it was created in time
    assert described(step_of(cron, "12:02", complete=True)) == "write MissedDeadline"
    assert described(step_of(cron, "14:03", complete=True)) == "write 25 MissedDeadline"
    assert described(step_of(cron, "12:02", complete=True, jobs=(job(cron, "12:00"),))) == "write Created"


# --- the order of the verdicts --------------------------------------------------------------------------------------


CATCH_UP_TABLE = {
    "Latest fires the newest missed instant": ("Latest", "12:32", "create 12:30"),
    "Latest fires no older one when one is only late": ("Latest", "12:30:05", "create 12:30"),
    "All fires all of them, oldest first": ("All", "12:11", "create 12:00 12:05 12:10"),
    "None fires what is only late": ("None", "12:10:09", "create 12:10"),
    "None fires nothing older": ("None", "12:10:11", "look"),
}


@pytest.mark.parametrize("row", CATCH_UP_TABLE)
def test_catch_up_after_an_outage(row: str) -> None:
    policy, now, expected = CATCH_UP_TABLE[row]
    cron = cron_job(catchUpPolicy=policy)
    assert described(step_of(cron, now)) == expected


def test_what_is_not_caught_up_is_told_on_a_complete_view() -> None:
    assert described(step_of(cron_job(catchUpPolicy="None"), "12:10:11", complete=True)) == "write 3 MissedCatchUp"


def test_all_takes_the_newest_up_to_its_limit_and_the_rest_is_missed() -> None:
    cron = cron_job(catchUpPolicy="All", catchUpLimit=2)
    done = (job(cron, "12:05"), job(cron, "12:10"))
    assert described(step_of(cron, "12:11")) == "create 12:05 12:10"
    assert described(step_of(cron, "12:11", jobs=done, complete=True)) == "write MissedCatchUp 2 Created"


def test_a_deadline_counts_whole_seconds_so_that_zero_means_within_the_second() -> None:
    cron = cron_job(startingDeadlineSeconds=0)
    assert described(step_of(cron, "12:00:00.9")) == "create 12:00"
    assert described(step_of(cron, "12:00:01", complete=True)) == "write MissedDeadline"


def test_a_long_catch_up_asks_for_a_few_at_a_time_the_oldest_first() -> None:
    step = step_of(cron_job(catchUpPolicy="All"), "16:00")
    assert isinstance(step, Create)
    assert [firing.scheduled_at for firing in step.firings] == [
        at("12:00") + timedelta(minutes=5 * n) for n in range(16)
    ]


def test_the_deadline_wins_over_a_catch_up_that_asks_for_all() -> None:
    cron = cron_job(catchUpPolicy="All", startingDeadlineSeconds=400)
    assert described(step_of(cron, "12:11")) == "create 12:05 12:10"


def test_a_firing_that_is_older_than_the_late_window_is_marked_as_catch_up() -> None:
    step = step_of(cron_job(), "12:00:11")
    assert isinstance(step, Create)
    assert [firing.trigger for firing in step.firings] == [Trigger.CATCH_UP]
    late = step_of(cron_job(), "12:00:09")
    assert isinstance(late, Create)
    assert [firing.trigger for firing in late.firings] == [Trigger.SCHEDULE]


def test_a_firing_knows_its_neighbours_in_the_schedule() -> None:
    step = step_of(cron_job(), "12:00:01")
    assert isinstance(step, Create)
    (firing,) = step.firings
    assert (firing.previous_at, firing.next_at) == (at("11:55"), at("12:05"))


def test_an_object_that_is_being_deleted_fires_nothing_and_writes_nothing() -> None:
    assert step_of(replace(cron_job(), deleted=True), "12:00:01") == Wait()


# --- the ledger -----------------------------------------------------------------------------------------------------


def test_a_new_object_is_written_to_before_anything_else_and_counts_from_its_creation() -> None:
    cron = cron_job(created="11:58:30")
    step = step_of(cron, "12:00:01", status=Status(), checked=Checked(objection=None))
    assert isinstance(step, Write)
    assert step.outcomes == ()
    assert step.status.settled_through == at("11:58:30")
    assert step.status.next_schedule_at == at("12:00")
    assert described(step_of(cron, "12:00:01", status=step.status)) == "create 12:00"


def test_a_created_job_is_settled_when_its_instant_is_eight_tenths_of_a_second_old() -> None:
    cron = cron_job()
    known: dict[str, Any] = {"status": decide_ready(cron), "jobs": (job(cron, "12:00"),)}
    assert waits_until(step_of(cron, "12:00:00.1", **known)) == at("12:00:00.8")
    step = step_of(cron, "12:00:00.8", **known)
    assert isinstance(step, Write)
    assert step.status.settled_through == at("12:00")
    assert step.status.last_schedule_at == at("12:00")
    assert step.status.active == (slot(cron, "12:00", uid="job-12:00"),)
    assert step.status.counts == {"due": 1, "created": 1}


def test_an_instant_without_a_job_holds_up_the_ledger_under_allow() -> None:
    cron = cron_job(schedule="*/5 * * * * *")
    attempts = (attempt("12:00", final=False, retry="12:06:30"),)
    status = replace(decide_ready(cron), settled_through=at("11:59:55"))
    step = step_of(cron, "12:00:06", status=status, jobs=(job(cron, "12:00:05"),), attempts=attempts)
    assert isinstance(step, Write)  # it says that the object is not ready, and no more
    assert step.status.settled_through == at("11:59:55")
    assert step.outcomes == ()


def test_what_the_store_recalls_as_created_is_not_fired_again() -> None:
    cron = cron_job()
    assert described(step_of(cron, "12:00:05", recalled=recalled(cron, "12:00"))) == "look"  # its Job may be there
    step = step_of(cron, "12:00:05", recalled=recalled(cron, "12:00"), complete=True)
    assert described(step) == "write Created"
    assert isinstance(step, Write)
    assert step.status.active == ()


def test_a_job_seen_deleted_still_counts_as_created() -> None:
    cron = cron_job()
    step = step_of(cron, "12:00:05", jobs=(job(cron, "12:00", gone=True),))
    assert described(step) == "write Created"


def test_the_job_of_an_earlier_object_of_the_same_name_does_not_stand_for_a_firing() -> None:
    cron = cron_job()
    foreign = job(cron, "12:00", controlled_by="an earlier one")
    assert described(step_of(cron, "12:00:05", jobs=(foreign,))) == "create 12:00"


def test_a_long_gap_is_settled_in_chunks() -> None:
    cron = cron_job(schedule="* * * * * *", startingDeadlineSeconds=60)
    step = step_of(cron, "12:30", status=settled(cron, "12:00"))
    assert isinstance(step, Create)  # what can still fire does not wait for the gap to be counted
    suspended = replace(cron, spec=replace(cron.spec, suspend=True))
    step = step_of(suspended, "15:00", status=settled(suspended, "12:00"))
    assert described(step) == "write 1000 SkippedSuspended"


# --- edits ----------------------------------------------------------------------------------------------------------


def edited(before: CronJob, through: str, *, upcoming: str | None, suspended: bool = False) -> Status:
    """The status as the schedule before the edit left it."""
    step = step_of(
        replace(before, spec=replace(before.spec, suspend=suspended)), through, checked=Checked(objection=None)
    )
    assert isinstance(step, Write)
    return replace(
        step.status,
        settled_through=at(through),
        schedule_hash="before",
        next_schedule_at=None if upcoming is None else at(upcoming),
    )


def test_an_edit_never_fires_backwards() -> None:
    cron = cron_job(schedule="* * * * *", edited="12:02:30")
    step = step_of(cron, "12:02:31", status=edited(cron, "11:55", upcoming="13:00"))
    assert isinstance(step, Write)
    assert step.outcomes == ()  # nothing was due before the edit
    assert step.status.settled_through == at("12:02:30")
    assert step.status.next_schedule_at == at("12:03")
    assert waits_until(step_of(cron, "12:02:32", status=step.status)) == at("12:03")


def test_instants_due_before_an_edit_are_missed_by_it() -> None:
    cron = cron_job(edited="12:12")
    status = edited(cron, "11:55", upcoming="12:00")
    assert described(step_of(cron, "12:12:01", status=status, complete=True)) == "write 3 MissedEdit"


def test_no_instant_is_told_as_missed_by_an_edit_before_the_jobs_are_listed() -> None:
    cron = cron_job(edited="12:00")
    status = edited(cron, "11:55", upcoming="12:00")
    assert described(step_of(cron, "12:00:01", status=status)) == "look"
    seen = step_of(cron, "12:00:01", status=status, jobs=(job(cron, "12:00"),), complete=True)
    assert described(seen) == "write Created"


def test_a_job_that_was_settled_before_an_edit_is_not_counted_again_by_it() -> None:
    cron = cron_job(edited="12:00")
    step = step_of(cron, "12:00:01", status=edited(cron, "11:55", upcoming="12:05"), jobs=(job(cron, "11:55"),))
    assert isinstance(step, Write)
    assert step.outcomes == ()


def test_a_job_created_before_an_edit_keeps_its_outcome() -> None:
    cron = cron_job(edited="12:00")
    step = step_of(cron, "12:00:01", status=edited(cron, "11:55", upcoming="12:00"), jobs=(job(cron, "12:00"),))
    assert described(step) == "write Created"


def test_instants_of_the_suspended_time_are_skipped_at_the_resume_and_not_caught_up() -> None:
    cron = cron_job(edited="12:12", catchUpPolicy="All")
    step = step_of(cron, "12:12:01", status=edited(cron, "11:55", upcoming=None, suspended=True), complete=True)
    assert described(step) == "write 3 SkippedSuspended"
    assert isinstance(step, Write)
    assert waits_until(step_of(cron, "12:12:02", status=step.status)) == at("12:15")


def test_the_suspended_time_is_told_as_such_however_many_writes_it_takes() -> None:
    cron = cron_job(schedule="* * * * * *", edited="12:20")
    first = step_of(cron, "12:20:01", status=edited(cron, "12:00", upcoming=None, suspended=True), complete=True)
    assert described(first) == "write 1000 SkippedSuspended"
    assert isinstance(first, Write)
    rest = step_of(cron, "12:20:01", status=first.status, complete=True)
    assert described(rest) == "write 200 SkippedSuspended"
    assert isinstance(rest, Write)
    assert not rest.status.suspended
    assert rest.status.counts == {"due": 1200, "skipped": 1200}
    assert described(step_of(cron, "12:20:01", status=rest.status)) == "create 12:20:01"


def test_an_edit_of_a_schedule_that_had_ended_misses_nothing() -> None:
    cron = cron_job(schedule="* * * * *", edited="12:02:30")
    step = step_of(cron, "12:02:31", status=edited(cron, "11:55", upcoming=None))
    assert isinstance(step, Write)
    assert step.outcomes == ()
    assert step.status.settled_through == at("12:02:30")


def test_an_edit_of_the_template_alone_touches_no_instant() -> None:
    cron = cron_job(edited="12:00:01")
    assert described(step_of(cron, "12:00:02")) == "create 12:00"


# --- claims ---------------------------------------------------------------------------------------------------------


def test_a_slot_is_claimed_after_a_consistent_look_and_then_filled() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = decide_ready(cron)
    assert described(step_of(cron, "12:00:01", status=status)) == "look"
    step = step_of(cron, "12:00:01", status=status, complete=True)
    assert described(step) == "write claim 12:00"
    assert isinstance(step, Write)
    assert step.status.settled_through == at("12:00")
    assert step.status.counts == {"due": 1}
    assert described(step_of(cron, "12:00:01", status=step.status, complete=True)) == "create 12:00"
    filled: dict[str, Any] = {"status": step.status, "jobs": (job(cron, "12:00"),)}
    assert waits_until(step_of(cron, "12:00:00.5", **filled)) == at("12:00:00.8")
    assert described(step_of(cron, "12:00:01", **filled)) == "write Created"


def test_a_claimed_slot_that_nobody_filled_is_filled_however_late() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),))
    assert described(step_of(cron, "12:04", status=status)) == "look"
    assert described(step_of(cron, "12:04", status=status, complete=True)) == "create 12:00"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"suspend": True}, "SkippedSuspended"),
        ({"startingDeadlineSeconds": 30}, "MissedDeadline"),
    ],
    ids=["suspended since", "past its deadline"],
)
def test_a_claimed_slot_is_given_up_only_on_a_complete_view(changes: dict[str, Any], reason: str) -> None:
    cron = cron_job(concurrencyPolicy="Forbid", **changes)
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    assert described(step_of(cron, "12:04", status=status)) == "look"
    step = step_of(cron, "12:04", status=status, complete=True)
    assert described(step) == f"write {reason}"
    assert isinstance(step, Write)
    assert step.status.active == ()
    assert step.status.counts["due"] == 1


def test_a_claimed_slot_is_filled_even_if_the_schedule_has_become_invalid_since() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", schedule="30 2 31 2 *")
    status = replace(settled(cron, "12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    step = step_of(cron, "12:00:01", status=status, complete=True)
    assert isinstance(step, Create)
    (firing,) = step.firings
    assert (firing.scheduled_at, firing.previous_at, firing.next_at) == (at("12:00"), None, None)


def test_a_claimed_slot_whose_job_another_node_recorded_is_concluded_and_released() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    known: dict[str, Any] = {"status": status, "recalled": recalled(cron, "12:00")}
    assert described(step_of(cron, "12:00:01", **known)) == "look"
    step = step_of(cron, "12:00:01", complete=True, **known)
    assert described(step) == "write Created"
    assert isinstance(step, Write)
    assert (step.status.active, step.status.counts) == ((), {"due": 1, "created": 1})


def test_a_job_that_only_the_store_knows_gets_its_place_if_it_is_there_so_that_its_end_is_counted() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    known: dict[str, Any] = {"status": status, "recalled": recalled(cron, "12:00"), "complete": True}
    step = step_of(cron, "12:00:01", jobs=(job(cron, "12:00"),), **known)
    assert isinstance(step, Write)
    assert step.status.active == (slot(cron, "12:00", uid="job-12:00"),)


def test_a_claimed_slot_that_is_still_to_be_filled_does_not_hold_up_other_outcomes() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", startingDeadlineSeconds=3600)
    refused = (attempt("12:00", final=False, retry="12:05:30"),)
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),), counts={"due": 1})
    step = step_of(cron, "12:05:05", status=status, attempts=refused, complete=True)
    assert described(step) == "write SkippedForbid claim 12:00"


def test_a_firing_is_skipped_only_on_a_complete_view_since_the_job_in_its_way_may_have_ended_unseen() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    running = replace(decide_ready(cron), active=(slot(cron, "11:55", uid="job-11:55"),))
    assert described(step_of(cron, "12:00:01", status=running, jobs=(job(cron, "11:55"),))) == "look"
    seen: dict[str, Any] = {"status": running, "jobs": (job(cron, "11:55"),), "complete": True}
    assert described(step_of(cron, "12:00:01", **seen)) == "write SkippedForbid"
    seen["jobs"] = (job(cron, "11:55", finished="11:59"),)
    assert described(step_of(cron, "12:00:01", **seen)) == "write claim 12:00"


def claimed(cron: CronJob) -> Status:
    """The instant of 12:00 has its slot, and no Job yet."""
    return replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        next_schedule_at=at("12:05"),
        active=(slot(cron, "12:00"),),
        counts={"due": 1},
    )


def test_a_claimed_slot_that_is_refused_makes_the_object_not_ready() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    step = step_of(cron, "12:00:01", status=claimed(cron), attempts=(attempt("12:00", final=False),))
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert (ready.status, ready.message) == (False, "the words of the server")


def test_a_claimed_slot_that_is_given_up_is_not_being_tried_any_more() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", startingDeadlineSeconds=30)
    known: dict[str, Any] = {"status": claimed(cron), "attempts": (attempt("12:00", final=False),)}
    step = step_of(cron, "12:01", complete=True, **known)
    assert described(step) == "write MissedDeadline"
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert ready.status


def test_a_node_that_stands_in_fills_a_slot_that_another_has_claimed_later() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    stand_in = Stance(node="node-b", late=LATE, delay=timedelta(seconds=3))
    known: dict[str, Any] = {"status": claimed(cron), "fill_at": {claimed(cron).active[0].name: at("12:00:01")}}
    assert waits_until(step_of(cron, "12:00:01", stance=stand_in, **known)) == at("12:00:03")
    assert described(step_of(cron, "12:00:03", stance=stand_in, complete=True, **known)) == "create 12:00"


def test_forbid_with_two_places_lets_two_run() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", maxActiveJobs=2)
    running = replace(decide_ready(cron), active=(slot(cron, "11:55", uid="job-11:55"),))
    known: dict[str, Any] = {"status": running, "jobs": (job(cron, "11:55"),), "complete": True}
    assert described(step_of(cron, "12:00:01", **known)) == "write claim 12:00"


def test_a_slot_whose_job_is_gone_is_released_on_a_complete_view() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), active=(slot(cron, "11:55", uid="job-11:55"),))
    assert described(step_of(cron, "11:57", status=status)) == "look"
    step = step_of(cron, "11:57", status=status, complete=True)
    assert isinstance(step, Write)
    assert step.status.active == ()


def test_replace_deletes_the_older_job_before_it_creates_the_newer_one() -> None:
    cron = cron_job(concurrencyPolicy="Replace")
    status = replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        active=(slot(cron, "11:55", uid="job-11:55"), slot(cron, "12:00")),
    )
    older = job(cron, "11:55")
    assert described(step_of(cron, "12:00:01", status=status, jobs=(older,))) == "delete (replaced) 11:55"
    deleted = replace(older, gone=True)
    assert described(step_of(cron, "12:00:01", status=status, jobs=(deleted,), complete=True)) == "create 12:00"


LEAVING = Stance(node="node-1", late=LATE, leaving=True)


def test_a_node_that_has_lost_the_key_fills_what_it_has_claimed_and_says_nothing_of_the_rest() -> None:
    cron = cron_job(concurrencyPolicy="Forbid", startingDeadlineSeconds=60)
    known: dict[str, Any] = {"status": claimed(cron), "stance": LEAVING}
    assert described(step_of(cron, "12:00:03", **known)) == "look"
    assert described(step_of(cron, "12:00:03", complete=True, **known)) == "create 12:00"
    assert step_of(cron, "12:05:03", complete=True, **known) == Wait(), "too late: the owning node says so"
    made = job(cron, "12:00")
    assert step_of(cron, "12:00:04", jobs=(made,), complete=True, **known) == Wait(), "and settles what is there"


def test_a_node_that_has_lost_the_key_leaves_the_slots_of_others_alone() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    theirs = {slot(cron, "12:00").name: at("12:00:02")}
    known: dict[str, Any] = {"status": claimed(cron), "stance": LEAVING, "complete": True}
    assert step_of(cron, "12:00:03", fill_at=theirs, **known) == Wait()


def test_a_node_that_has_lost_the_key_tries_again_when_a_refused_create_may_be() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    refused = attempt("12:00", final=False, retry="12:00:05")
    known: dict[str, Any] = {"status": claimed(cron), "stance": LEAVING, "attempts": (refused,)}
    assert waits_until(step_of(cron, "12:00:03", **known)) == at("12:00:05")
    assert described(step_of(cron, "12:00:05", complete=True, **known)) == "create 12:00"


def test_replace_deletes_no_job_whose_slot_another_node_may_still_be_filling() -> None:
    cron = cron_job(concurrencyPolicy="Replace")
    status = replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        active=(slot(cron, "11:55"), slot(cron, "12:00")),
        counts={"due": 2},
    )
    known: dict[str, Any] = {"jobs": (job(cron, "11:55"), job(cron, "12:00")), "complete": True}
    step = step_of(cron, "12:00:01", status=status, **known)
    assert described(step) == "write 2 Created"
    assert isinstance(step, Write)
    assert described(step_of(cron, "12:00:01", status=step.status, **known)) == "delete (replaced) 11:55"


def test_replace_deletes_no_job_for_a_slot_whose_deadline_has_passed() -> None:
    cron = cron_job(concurrencyPolicy="Replace", startingDeadlineSeconds=60)
    status = replace(
        decide_ready(cron),
        settled_through=at("12:00"),
        active=(slot(cron, "11:55", uid="job-11:55"), slot(cron, "12:00")),
        counts={"due": 1},
    )
    step = step_of(cron, "12:02", status=status, jobs=(job(cron, "11:55"),), complete=True)
    assert described(step) == "write MissedDeadline"


def test_replace_deletes_no_job_that_is_not_settled() -> None:
    cron = cron_job(concurrencyPolicy="Replace")
    jobs = (job(cron, "12:00"), job(cron, "12:05"))  # created while the policy was Allow
    step = step_of(cron, "12:05:01", status=decide_ready(cron), jobs=jobs)
    assert described(step) == "write 2 Created"
    assert isinstance(step, Write)
    assert described(step_of(cron, "12:05:01", status=step.status, jobs=jobs)) == "delete (replaced) 12:00"


def test_replace_never_deletes_the_newest() -> None:
    cron = cron_job(concurrencyPolicy="Replace")
    both = (job(cron, "12:00"), job(cron, "11:55"))
    step = step_of(cron, "12:00:01", status=settled(cron, "12:00"), jobs=both)
    assert described(step) == "delete (replaced) 11:55"


# --- creates that fail ----------------------------------------------------------------------------------------------


def test_a_job_that_is_rejected_ends_its_firing_at_once() -> None:
    cron = cron_job()
    step = step_of(cron, "12:00:01", attempts=(attempt("12:00", final=True),))
    assert described(step) == "write CreateFailed"
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert (ready.status, ready.reason, ready.message) == (False, "CreateFailed", "the words of the server")


def test_a_create_that_is_refused_is_tried_again_when_it_has_rested() -> None:
    cron = cron_job()
    known: dict[str, Any] = {"attempts": (attempt("12:00", final=False),)}
    step = step_of(cron, "12:00:20", **known)
    assert isinstance(step, Write)  # Ready=False, with the server's words
    assert waits_until(step_of(cron, "12:00:20", status=step.status, **known)) == at("12:00:30")
    assert described(step_of(cron, "12:00:30", status=step.status, **known)) == "create 12:00"


def test_a_refused_create_without_deadline_is_given_up_when_the_next_instant_is_due() -> None:
    cron = cron_job()
    known: dict[str, Any] = {"attempts": (attempt("12:00", final=False),), "jobs": (job(cron, "12:05"),)}
    assert described(step_of(cron, "12:05:02", **known)) == "write CreateFailed Created"


def test_a_job_that_was_created_after_one_that_failed_makes_the_object_ready_in_the_same_write() -> None:
    cron = cron_job()
    known: dict[str, Any] = {"attempts": (attempt("12:00", final=True),), "jobs": (job(cron, "12:05"),)}
    step = step_of(cron, "12:05:02", **known)
    assert described(step) == "write CreateFailed Created"
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert ready.status


def test_what_was_refused_here_and_settled_by_another_node_says_nothing_any_more() -> None:
    cron = cron_job()
    status = replace(decide_ready(cron), settled_through=at("12:00"), next_schedule_at=at("12:05"))
    known: dict[str, Any] = {"status": status, "attempts": (attempt("12:00", final=False),)}
    step = step_of(cron, "12:01", **known)
    assert waits_until(step) == at("12:05")


def test_a_refused_claim_is_given_up_like_any_other() -> None:
    cron = cron_job(concurrencyPolicy="Forbid")
    status = replace(decide_ready(cron), settled_through=at("12:00"), active=(slot(cron, "12:00"),))
    known: dict[str, Any] = {"status": status, "attempts": (attempt("12:00", final=True),)}
    assert described(step_of(cron, "12:00:01", **known)) == "look"
    assert described(step_of(cron, "12:00:01", complete=True, **known)) == "write CreateFailed"


# --- conditions -----------------------------------------------------------------------------------------------------


def test_a_new_generation_is_checked_first() -> None:
    seen = settled(cron_job(), "11:55")
    assert step_of(replace(cron_job(), generation=2), "12:00:01", status=seen) == Check()


def test_an_objection_to_the_template_makes_the_object_not_ready_and_a_repair_makes_it_ready() -> None:
    cron = replace(cron_job(), generation=2)
    step = step_of(cron, "11:57", checked=Checked(objection='unknown field "spec.template.spec.contaners"'))
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert (ready.status, ready.reason) == (False, INVALID_JOB_TEMPLATE)
    assert step.status.observed_generation == 2
    repaired = step_of(replace(cron, generation=3), "11:58", status=step.status, checked=Checked(objection=None))
    assert isinstance(repaired, Write)
    again = repaired.status.condition(READY)
    assert again is not None
    assert again.status


def test_an_object_without_a_valid_schedule_says_so_and_fires_nothing() -> None:
    cron = cron_job(schedule="30 2 31 2 *")
    step = step_of(cron, "12:00:01", status=Status())
    assert isinstance(step, Write)
    ready = step.status.condition(READY)
    assert ready is not None
    assert (ready.status, ready.reason) == (False, InvalidSchedule.reason)
    assert step.status.next_schedule_at is None
    assert step_of(cron, "12:00:02", status=step.status) == Wait()


def test_history_is_kept_up_even_without_a_valid_schedule() -> None:
    cron = cron_job(schedule="30 2 31 2 *", successfulJobsHistoryLimit=0)
    first = step_of(cron, "12:00:01", status=Status())
    assert isinstance(first, Write)
    old = job(cron, "10:55", finished="10:56")
    assert described(step_of(cron, "12:00:02", status=first.status, jobs=(old,))) == "delete (history) 10:55"


def test_a_finished_job_that_is_too_young_to_go_is_come_back_to() -> None:
    cron = cron_job(successfulJobsHistoryLimit=0)
    young = job(cron, "11:55", finished="11:55:10")
    known: dict[str, Any] = {"status": decide_ready(cron), "jobs": (young,)}
    assert waits_until(step_of(cron, "11:55:20", **known)) == at("11:55:30")
    assert described(step_of(cron, "11:55:30", **known)) == "delete (history) 11:55"


def test_suspension_is_a_condition() -> None:
    status = decide_ready(cron_job(suspend=True))
    condition = status.condition(SUSPENDED)
    assert condition is not None
    assert condition.status
    assert status.next_schedule_at is None


# --- standing in ----------------------------------------------------------------------------------------------------


def test_a_node_that_stands_in_looks_later_and_keeps_to_what_is_due() -> None:
    cron = replace(cron_job(), generation=2)  # the check of the new generation is left to the owning node
    seen = settled(cron_job(), "11:55")
    stand_in = Stance(node="node-b", late=LATE, delay=timedelta(seconds=3))
    assert waits_until(step_of(cron, "12:00:02", status=seen, stance=stand_in)) == at("12:00:03")
    assert described(step_of(cron, "12:00:03", status=seen, stance=stand_in)) == "create 12:00"


def test_a_node_that_stands_in_does_nothing_when_the_job_is_there() -> None:
    cron = cron_job()
    stand_in = Stance(node="node-b", late=LATE, delay=timedelta(seconds=3))
    step = step_of(cron, "12:00:03.5", stance=stand_in, jobs=(job(cron, "12:00"),))
    assert described(step) == "write Created"


def test_a_node_that_stands_in_serves_the_object_from_its_first_firing_on() -> None:
    stand_in = Stance(node="node-b", late=LATE, delay=timedelta(seconds=3))
    step = step_of(
        cron_job(),
        "12:00:03.5",
        stance=stand_in,
        recalled=recalled(cron_job(), "12:00"),
    )
    assert isinstance(step, Write)
    assert step.status.owner == "node-b"


def test_a_node_that_stands_in_deletes_no_history_and_writes_no_conditions() -> None:
    cron = cron_job(successfulJobsHistoryLimit=0)
    stand_in = Stance(node="node-b", late=LATE, delay=timedelta(seconds=3))
    old = job(cron, "11:50", finished="11:51")
    assert waits_until(step_of(cron, "11:57", stance=stand_in, jobs=(old,))) == at("12:00:03")


def test_what_was_settled_is_never_decided_again() -> None:
    cron = cron_job()
    ready = replace(decide_ready(cron), settled_through=at("12:00"))
    step = step_of(cron, "12:00:05", status=ready)
    assert not isinstance(step, Create)
    assert all(outcome.reason is not Reason.CREATED for outcome in getattr(step, "outcomes", ()))


def waits(cron: CronJob, now: str) -> Wait:
    step = step_of(cron, now, status=decide_ready(cron))
    if isinstance(step, Write):  # of the suspension
        step = step_of(cron, now, status=step.status)
    assert isinstance(step, Wait)
    return step


def test_the_end_of_a_pause_presses_when_an_instant_lies_there() -> None:
    paused = cron_job(annotations={"suspend-until": "2026-03-02T12:10:00Z"})
    wait = waits(paused, "11:57")
    assert (wait.wake_at, wait.presses_at) == (at("12:10"), at("12:10"))
    assert waits(cron_job(suspend=True), "11:57").presses_at is None


def test_a_firing_is_lost_at_its_deadline_its_late_window_or_the_next_instant_whichever_comes_first() -> None:
    assert waits(cron_job(), "11:57").lost_at == at("12:05")
    assert waits(cron_job(startingDeadlineSeconds=20), "11:57").lost_at == at("12:00:21")
    assert waits(cron_job(catchUpPolicy="None"), "11:57").lost_at == at("12:00:10")
