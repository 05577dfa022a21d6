"""What people are told: one number and one log line for each firing, and Events that do not flood."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from controller import conditions
from controller.announcer import Announcer
from controller.asked import Backfill, BackfillState
from controller.conditions import Condition
from controller.jobs import Firing
from controller.outcomes import Outcome, Reason, Trigger
from controller.requests import Unreadable
from controller.status import Status
from controller.steps import Cause, Write
from tests.fakes.apiserver import FakeApiServer
from tests.fakes.cluster import FakeCluster
from tests.unit.builders import UID, at, cron_job, job, key
from tests.unit.doubles import HandClock, Numbers

CRON = cron_job()


class Newsroom:
    """An announcer at half a second past noon, and what came out of it."""

    def __init__(self) -> None:
        self.clock = HandClock(at("12:00:00.5"))
        self.numbers = Numbers()
        self.server = FakeApiServer(now=self.clock.now)
        cluster = FakeCluster(self.server, self.clock, "node-a")
        self.announcer = Announcer(cluster=cluster, recorder=self.numbers, clock=self.clock, node="node-a")

    @property
    def events(self) -> list[str]:
        """The Events, in words."""
        return [
            f"{event.type.value} {event.reason} x{event.count}: {event.message}"
            for event in (posted.event for posted in self.server.events)
        ]

    def fired(self, scheduled: str = "12:00", *, uid: str = UID, trigger: Trigger = Trigger.SCHEDULE) -> None:
        made = job(CRON, scheduled)
        firing = Firing(name=made.name, scheduled_at=at(scheduled), trigger=trigger)
        self.announcer.fired(replace(CRON, uid=uid), firing, made)

    def settled(self, *outcomes: Outcome, before: Condition | None = None, after: Condition | None = None) -> None:
        old, new = (Status(conditions=() if one is None else (one,)) for one in (before, after))
        self.announcer.settled(CRON, Write(before=old, status=new, outcomes=outcomes))


def ended(scheduled: str, reason: Reason, message: str = "") -> Outcome:
    return Outcome(scheduled_at=at(scheduled), reason=reason, message=message)


# --- a Job was created ----------------------------------------------------------------------------------------------


def test_a_firing_is_one_number_one_line_and_one_event(caplog: pytest.LogCaptureFixture) -> None:
    room = Newsroom()
    with caplog.at_level(logging.INFO):
        room.fired()
    assert room.numbers.outcomes == [(Reason.CREATED, 0.5)]
    assert room.events == ["Normal SuccessfulCreate x1: Created job report-20260302120000-6f1c2d3e4b"]
    (record,) = caplog.records
    told = {
        name: record.__dict__[name]
        for name in ("key", "reason", "job", "scheduled_at", "trigger", "lateness_seconds", "node")
    }
    assert told == {
        "key": "ns/report",
        "reason": "Created",
        "job": "report-20260302120000-6f1c2d3e4b",
        "scheduled_at": "2026-03-02T12:00:00Z",
        "trigger": "schedule",
        "lateness_seconds": 0.5,
        "node": "node-a",
    }


def test_a_clock_that_was_set_back_makes_no_firing_early() -> None:
    room = Newsroom()
    room.fired("12:00:01")
    assert room.numbers.outcomes == [(Reason.CREATED, 0.0)]


def test_success_is_told_each_half_hour_with_a_count_of_all_that_it_stands_for() -> None:
    room = Newsroom()
    for minute in range(0, 90, 10):
        room.fired(f"{12 + minute // 60}:{minute % 60:02}")
        room.clock.advance(600)
    assert room.events == [
        "Normal SuccessfulCreate x1: Created job report-20260302120000-6f1c2d3e4b",
        "Normal SuccessfulCreate x3: Created job report-20260302123000-6f1c2d3e4b "
        "(and 2 more of the kind since the last Event)",
        "Normal SuccessfulCreate x3: Created job report-20260302130000-6f1c2d3e4b "
        "(and 2 more of the kind since the last Event)",
    ]
    assert len(room.numbers.outcomes) == 9


def test_a_run_that_somebody_asked_for_is_told_of_each_minute() -> None:
    room = Newsroom()
    for number in range(4):
        room.fired(f"12:00:{number}0", trigger=Trigger.MANUAL)
        room.clock.advance(30)
    assert [event.split(" j")[0] for event in room.events] == [
        "Normal SuccessfulCreate x1: Created",
        "Normal SuccessfulCreate x2: Created",
    ]


def test_a_template_that_is_refused_at_every_instant_is_told_once_a_minute() -> None:
    room = Newsroom()
    for second in range(0, 120, 10):
        room.settled(ended(f"12:{second // 60:02}:{second % 60:02}", Reason.CREATE_FAILED, "no containers"))
        room.clock.advance(10)
    assert [event.split(":")[0] for event in room.events] == ["Warning FailedCreate x1", "Warning FailedCreate x6"]


def test_each_object_has_its_own_events() -> None:
    room = Newsroom()
    room.fired()
    room.fired(uid="other")
    assert [posted.event.uid for posted in room.server.events] == [UID, "other"]


def test_an_object_that_is_gone_leaves_nothing_behind() -> None:
    room = Newsroom()
    room.fired()
    room.announcer.forget(UID)
    room.announcer.forget("never seen")
    room.fired("12:00:01")
    assert len(room.events) == 2


# --- instants that got none -----------------------------------------------------------------------------------------


RUNS: dict[str, tuple[list[Outcome], list[str]]] = {
    "nothing": ([], []),
    "created is told when it happens, not when it is settled": ([ended("12:00", Reason.CREATED)], []),
    "a suspended time is no news": ([ended("12:00", Reason.SKIPPED_SUSPENDED)], []),
    "a skip": (
        [ended("12:00", Reason.SKIPPED_FORBID)],
        [
            "Normal JobAlreadyActive x1: SkippedForbid: the firing of 2026-03-02T12:00:00Z: "
            "an earlier Job is still active"
        ],
    ),
    "a deadline": (
        [ended("11:55", Reason.MISSED_DEADLINE)],
        [
            "Warning MissSchedule x1: MissedDeadline: the firing of 2026-03-02T11:55:00Z: "
            "startingDeadlineSeconds had passed"
        ],
    ),
    "an edit": (
        [ended("11:55", Reason.MISSED_EDIT)],
        ["Warning MissSchedule x1: MissedEdit: the firing of 2026-03-02T11:55:00Z: the schedule was edited after it"],
    ),
    "a run of equal outcomes is one Event": (
        [ended(f"11:{minute}", Reason.MISSED_CATCH_UP) for minute in (40, 45, 50)],
        [
            "Warning MissSchedule x3: MissedCatchUp: 3 firings from 2026-03-02T11:40:00Z to 2026-03-02T11:50:00Z: "
            "catchUpPolicy does not ask for it"
        ],
    ),
    "what lies between ends the run, and the next run waits for its minute": (
        [
            ended("11:45", Reason.SKIPPED_FORBID),
            ended("11:50", Reason.CREATED),
            ended("11:55", Reason.SKIPPED_FORBID),
        ],
        [
            "Normal JobAlreadyActive x1: SkippedForbid: the firing of 2026-03-02T11:45:00Z: "
            "an earlier Job is still active"
        ],
    ),
    "a full queue": (
        [ended("12:00", Reason.SKIPPED_QUEUE_FULL)],
        [
            "Normal JobAlreadyActive x1: SkippedQueueFull: the firing of 2026-03-02T12:00:00Z: "
            "as many firings wait as queueLimit allows"
        ],
    ),
    "a manual run is told apart": (
        [
            ended("12:00", Reason.SKIPPED_FORBID),
            replace(ended("12:00", Reason.SKIPPED_FORBID), trigger=Trigger.MANUAL, trigger_id="x"),
        ],
        [
            "Normal JobAlreadyActive x1: SkippedForbid: the firing of 2026-03-02T12:00:00Z: "
            "an earlier Job is still active",
            "Normal JobAlreadyActive x1: SkippedForbid: the manual run of 2026-03-02T12:00:00Z: "
            "an earlier Job is still active",
        ],
    ),
    "the words of the API server, the last ones of a run": (
        [
            ended("11:50", Reason.CREATE_FAILED, "unknown field"),
            ended("11:55", Reason.CREATE_FAILED, "quota"),
            ended("12:00", Reason.CREATE_FAILED),
        ],
        ["Warning FailedCreate x3: CreateFailed: 3 firings from 2026-03-02T11:50:00Z to 2026-03-02T12:00:00Z: quota"],
    ),
}


@pytest.mark.parametrize("row", RUNS)
def test_a_run_of_equal_outcomes_is_one_event(row: str) -> None:
    outcomes, expected = RUNS[row]
    room = Newsroom()
    room.settled(*outcomes)
    assert room.events == expected


def test_each_instant_is_counted_and_each_run_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    room = Newsroom()
    with caplog.at_level(logging.INFO):
        room.settled(
            ended("11:50", Reason.SKIPPED_SUSPENDED),
            ended("11:55", Reason.SKIPPED_SUSPENDED),
            ended("12:00", Reason.CREATE_FAILED, "quota"),
        )
    assert room.numbers.outcomes == [
        (Reason.SKIPPED_SUSPENDED, 600.5),
        (Reason.SKIPPED_SUSPENDED, 300.5),
        (Reason.CREATE_FAILED, 0.5),
    ]
    suspended, failed = (record.__dict__ for record in caplog.records)
    assert (suspended["reason"], suspended["count"]) == ("SkippedSuspended", 2)
    assert (suspended["scheduled_at"], suspended["until"]) == ("2026-03-02T11:50:00Z", "2026-03-02T11:55:00Z")
    assert (failed["reason"], failed["scheduled_at"], failed["detail"]) == (
        "CreateFailed",
        "2026-03-02T12:00:00Z",
        "quota",
    )
    assert "count" not in failed
    assert "detail" not in suspended


# --- Jobs that ended, objects that are not ready --------------------------------------------------------------------


def test_a_job_that_ended_is_told_as_batch_v1_tells_it() -> None:
    room = Newsroom()
    ends = (job(CRON, "11:50", finished="11:51"), job(CRON, "11:55", finished="11:56", succeeded=False))
    room.announcer.settled(CRON, Write(before=Status(), status=Status(), finished=ends))
    assert room.events == [
        "Normal SawCompletedJob x1: Saw completed job: report-20260302115000-6f1c2d3e4b, condition: Complete",
        "Normal SawCompletedJob x1: Saw completed job: report-20260302115500-6f1c2d3e4b, condition: Failed",
    ]


def test_a_job_that_was_deleted_is_told(caplog: pytest.LogCaptureFixture) -> None:
    room = Newsroom()
    with caplog.at_level(logging.INFO):
        room.announcer.deleted(CRON, job(CRON, "11:50"), Cause.HISTORY)
    assert [record.__dict__["reason"] for record in caplog.records] == ["history"]
    assert room.events == ["Normal SuccessfulDelete x1: Deleted job report-20260302115000-6f1c2d3e4b"]
    (posted,) = room.server.events
    assert (posted.event.key, posted.event.uid) == (key(), UID)


def bad(reason: str, message: str = "words") -> Condition:
    return Condition(type="Ready", status=False, reason=reason, message=message, changed_at=at("11:00"))


GOOD = Condition(type="Ready", status=True, reason="Scheduled")

READINESS: dict[str, tuple[Condition | None, Condition | None, list[str]]] = {
    "it has no condition": (None, None, []),
    "it is ready": (None, GOOD, []),
    "it is ready again": (bad("InvalidSchedule"), GOOD, []),
    "its schedule is refused": (
        GOOD,
        bad("InvalidSchedule"),
        ["Warning UnparseableSchedule x1: InvalidSchedule: words"],
    ),
    "its zone is not known": (None, bad("UnknownTimeZone"), ["Warning UnknownTimeZone x1: UnknownTimeZone: words"]),
    "its template is refused": (
        GOOD,
        bad("InvalidJobTemplate"),
        ["Warning FailedCreate x1: InvalidJobTemplate: words"],
    ),
    "a reason without a word of batch/v1": (GOOD, bad("Tired"), ["Warning Tired x1: Tired: words"]),
    "it is still not ready": (bad("InvalidSchedule"), replace(bad("InvalidSchedule"), changed_at=at("12:00")), []),
    "it is not ready for another reason": (
        bad("InvalidSchedule"),
        bad("InvalidSchedule", "other words"),
        ["Warning UnparseableSchedule x1: InvalidSchedule: other words"],
    ),
}


@pytest.mark.parametrize("row", READINESS)
def test_an_object_that_stops_to_be_ready_is_one_event_and_one_warning(
    row: str, caplog: pytest.LogCaptureFixture
) -> None:
    before, after, expected = READINESS[row]
    room = Newsroom()
    room.settled(before=before, after=after)
    assert room.events == expected
    assert len(caplog.records) == len(expected)


def test_a_create_that_failed_and_makes_the_object_not_ready_is_told_once() -> None:
    room = Newsroom()
    failed: dict[str, Any] = {"before": GOOD, "after": bad("CreateFailed")}
    room.settled(ended("12:00", Reason.CREATE_FAILED, "words"), **failed)
    assert room.events == ["Warning FailedCreate x1: CreateFailed: the firing of 2026-03-02T12:00:00Z: words"]


# --- circuits, ends, pauses, backfills ------------------------------------------------------------------------------


OPEN = conditions.circuit(3, 3)
CONDITIONS: dict[str, tuple[Condition | None, Condition, list[str]]] = {
    "a circuit opens": (
        None,
        OPEN,
        [
            "Warning CircuitOpen x1: 3 Jobs failed in a row; nothing fires until the spec is edited or a manual run "
            "succeeds (annotation dcron.io/trigger)"
        ],
    ),
    "a circuit is still open": (OPEN, OPEN, []),
    "a circuit closes": (OPEN, conditions.circuit(0, 3), []),
    "the last run has fired": (
        None,
        conditions.completed(runs=True, instants=False, fired=3),
        ["Normal Completed x1: it has fired 3 times"],
    ),
    "the schedule has ended": (
        conditions.completed(runs=False, instants=False, fired=0),
        conditions.completed(runs=False, instants=True, fired=0),
        ["Normal Completed x1: no instant is left"],
    ),
    "a Job blocks the schedule": (
        None,
        conditions.blocked("a", after=timedelta(minutes=25), cost=5),
        ["Warning Blocked x1: Job a is still active after 25m; 5 instants have found no free place since"],
    ),
    "it still does": (
        conditions.blocked("a", after=timedelta(minutes=25), cost=5),
        conditions.blocked("a", after=timedelta(minutes=30), cost=6),
        [],
    ),
    "it does no more": (conditions.blocked("a"), conditions.blocked(None), []),
    "a suspension is no news": (None, conditions.suspended(True, now=at("12:00")), []),
    "a pause that nobody can read": (
        conditions.suspended(False, now=at("12:00")),
        conditions.suspended(False, Unreadable(text="x", sentence="it is 'x'"), now=at("12:00")),
        ["Warning InvalidSuspendUntil x1: it is 'x'"],
    ),
}


@pytest.mark.parametrize("row", CONDITIONS)
def test_what_begins_to_hold_is_told_once(row: str, caplog: pytest.LogCaptureFixture) -> None:
    before, after, expected = CONDITIONS[row]
    room = Newsroom()
    with caplog.at_level(logging.INFO):
        room.settled(before=before, after=after)
    assert room.events == expected
    assert len(caplog.records) == len(expected)


RUNNING = Backfill(interval="a/b", state=BackfillState.RUNNING, total=9, created=2, left_out=1)
COUNTS = "a/b: 9 instants, 2 created, 1 left out, 0 failed"
PROGRESS: dict[str, tuple[Backfill | None, Backfill | None, list[str]]] = {
    "none": (None, None, []),
    "it begins": (None, RUNNING, [f"Normal BackfillRunning x1: {COUNTS}"]),
    "it goes on": (RUNNING, replace(RUNNING, created=3), []),
    "it is done": (
        RUNNING,
        replace(RUNNING, state=BackfillState.DONE),
        [f"Normal BackfillDone x1: {COUNTS}"],
    ),
    "another one begins": (
        replace(RUNNING, state=BackfillState.DONE),
        Backfill(interval="c", state=BackfillState.REFUSED, message="why"),
        ["Warning BackfillRefused x1: why"],
    ),
}


@pytest.mark.parametrize("row", PROGRESS)
def test_a_backfill_is_told_when_it_begins_and_when_it_ends(row: str) -> None:
    before, after, expected = PROGRESS[row]
    room = Newsroom()
    room.announcer.settled(CRON, Write(before=Status(backfill=before), status=Status(backfill=after)))
    assert room.events == expected


@pytest.mark.parametrize(
    ("trigger", "outcomes"),
    [
        pytest.param(Trigger.SCHEDULE, [(Reason.CREATED, 0.5)], id="schedule"),
        pytest.param(Trigger.CATCH_UP, [(Reason.CREATED, 0.5)], id="catch-up"),
        pytest.param(Trigger.MANUAL, [], id="manual"),
        pytest.param(Trigger.BACKFILL, [], id="backfill"),
    ],
)
def test_only_instants_of_the_schedule_are_numbers(trigger: Trigger, outcomes: list[tuple[Reason, float]]) -> None:
    room = Newsroom()
    made = job(CRON, "12:00")
    room.announcer.fired(CRON, Firing(name=made.name, scheduled_at=at("12:00"), trigger=trigger), made)
    room.settled(replace(ended("12:00", Reason.SKIPPED_FORBID), trigger=Trigger.MANUAL))
    assert room.numbers.outcomes == outcomes


def test_lateness_is_counted_from_the_shifted_instant() -> None:
    cron = cron_job(jitterSeconds=3600)
    room = Newsroom()
    room.clock.advance(cron.shift.total_seconds())
    made = job(cron, "12:00")
    firing = Firing(name=made.name, scheduled_at=at("12:00"), trigger=Trigger.SCHEDULE)
    room.announcer.fired(cron, firing, made)
    assert room.numbers.outcomes == [(Reason.CREATED, 0.5)]
