"""`history` and `explain`: each witness alone, and what nobody knows."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from controller import spec
from controller.names import backfill_name, manual_name, name_for
from plugin.explanation import event
from plugin.ports import CRON_JOBS, EVENTS, JOBS
from tests.unit.plugin.fake import READY, FakeCluster, condition, cron_job, dcron

AT = "2026-07-01T10:00:00Z"
SETTLED: dict[str, Any] = {"settledThrough": AT, "owner": "north", "conditions": [READY]}


def named(at: str, body: dict[str, Any]) -> str:
    """The name of the Job of an instant."""
    return name_for(spec.parse(body), datetime.fromisoformat(at))


def job(
    name: str, at: str, *, ended: str | None = "Complete", uid: str = "uid-of-report", **annotations: str
) -> dict[str, Any]:
    """A Job of the object."""
    conditions = [{"type": ended, "status": "True", "lastTransitionTime": "2026-07-01T10:00:09Z"}] if ended else []
    marks = {"scheduled-at": at, "trigger": "schedule", "fired-by": "north", **annotations}
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {"dcron.io/uid": "uid-of-report"},
            "annotations": {f"dcron.io/{key.replace('_', '-')}": text for key, text in marks.items()},
            "ownerReferences": [{"uid": uid, "controller": True}],
            "creationTimestamp": "2026-07-01T10:00:04Z",
        },
        "status": {"startTime": "2026-07-01T10:00:05Z", "conditions": conditions},
    }


def outcome(reason: str, at: str = AT, **more: str) -> dict[str, str]:
    """One firing in `status.recent`."""
    return {"scheduledAt": at, "outcome": "x", "reason": reason, **more}


def told(reason: str, message: str, at: str = "2026-07-01T10:00:05Z", uid: str = "uid-of-report") -> dict[str, Any]:
    """An Event about the object."""
    about = {"name": "report", "kind": "DistributedCronJob", "uid": uid}
    times = {"firstTimestamp": at, "lastTimestamp": at, "count": 1}
    name = f"{abs(hash((reason, message, at, uid)))}"
    return {"metadata": {"name": name}, "involvedObject": about, "reason": reason, "message": message, **times}


def stage(body: dict[str, Any], *, jobs: Any = (), events: Any = ()) -> FakeCluster:
    cluster = FakeCluster()
    cluster.add(CRON_JOBS, body)
    for one in jobs:
        cluster.add(JOBS, one)
    for one in events:
        cluster.add(EVENTS, one)
    return cluster


def explained(cluster: FakeCluster, capsys: pytest.CaptureFixture[str], at: str = AT) -> dict[str, Any]:
    assert dcron(cluster, "explain", "report", "--at", at, "-o", "json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("ended", "more", "sentence"),
    [
        ("Complete", {}, "was created by north, 4s late; it has succeeded after 4s"),
        ("Failed", {}, "was created by north, 4s late; it has failed after 4s"),
        (None, {}, "was created by north, 4s late; it runs"),
        ("Complete", {"trigger": "catch-up"}, "was created after an outage by north, 4s late"),
    ],
)
def test_its_job_tells_most(
    ended: str | None, more: dict[str, str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = stage(cron_job(status=SETTLED), jobs=[job("its-job", AT, ended=ended, **more)])
    found = explained(cluster, capsys)
    assert (found["verdict"], found["witness"], found["job"]) == ("Created", "Job", "its-job")
    assert sentence in found["sentence"]


def test_a_job_of_an_earlier_object_of_the_name_is_no_witness(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = stage(cron_job(status=SETTLED), jobs=[job("foreign", AT, uid="another")])
    assert explained(cluster, capsys)["verdict"] == "Unknown"


@pytest.mark.parametrize(
    ("reason", "more", "sentence"),
    [
        ("Created", {}, "Job its-job was created and is gone"),
        ("SkippedForbid", {}, "one of its Jobs was active, and Forbid allows no more"),
        ("SkippedForbid", {"maxActiveJobs": 3}, "3 of its Jobs were active"),
        ("SkippedQueueFull", {"queueLimit": 4}, "4 waited already"),
        ("SkippedSuspended", {}, "was suspended, paused, or its circuit was open"),
        ("MissedDeadline", {"startingDeadlineSeconds": 90}, "within startingDeadlineSeconds (1m30s now)"),
        ("MissedDeadline", {}, "within startingDeadlineSeconds"),
        ("MissedCatchUp", {"catchUpPolicy": "None"}, "catchUpPolicy does not ask for it (None now)"),
        ("MissedEdit", {}, "still open when the schedule was edited"),
        ("CreateFailed", {}, "did not accept its Job: its message is not told any more"),
    ],
)
def test_the_status_tells_of_the_last_firings(
    reason: str, more: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recent = [outcome(reason, **({"job": "its-job"} if reason == "Created" else {}))]
    found = explained(stage(cron_job(status={**SETTLED, "recent": recent}, **more)), capsys)
    assert (found["verdict"], found["witness"]) == (reason, "status")
    assert sentence in found["sentence"]


@pytest.mark.parametrize("verdict", ["SkippedForbid", "Open"])
def test_an_instant_that_found_no_place_names_the_job_that_blocks_the_schedule_now(
    verdict: str, capsys: pytest.CaptureFixture[str]
) -> None:
    known = {"recent": [outcome("SkippedForbid")]} if verdict == "SkippedForbid" else {"queued": [{"scheduledAt": AT}]}
    blocked = condition("Blocked", True, "JobStillActive", "Job a is still active after 3h")
    found = explained(stage(cron_job(status={**SETTLED, **known, "conditions": [blocked]})), capsys)
    assert found["verdict"] == verdict
    assert "Blocked now: Job a is still active after 3h" in found["also"]


def test_an_instant_that_was_missed_otherwise_does_not_name_it(capsys: pytest.CaptureFixture[str]) -> None:
    blocked = condition("Blocked", True, "JobStillActive", "Job a is still active after 3h")
    status = {**SETTLED, "recent": [outcome("MissedEdit")], "conditions": [blocked]}
    assert explained(stage(cron_job(status=status)), capsys)["also"] == []


def test_an_event_says_why_a_create_failed(capsys: pytest.CaptureFixture[str]) -> None:
    message = f"CreateFailed: the firing of {AT}: exceeded quota"
    recent = [outcome("CreateFailed")]
    events = [
        told("FailedCreate", message),
        told("FailedCreate", "CreateFailed: of another object", uid="another"),
        told("MissSchedule", "of another hour", at="2026-07-01T08:00:00Z"),
    ]
    found = explained(stage(cron_job(status={**SETTLED, "recent": recent}), events=events), capsys)
    assert found["sentence"].endswith("exceeded quota")
    assert found["also"] == [f"Event FailedCreate at 2026-07-01T10:00:05Z: {message}"]


def test_what_only_an_event_still_tells(capsys: pytest.CaptureFixture[str]) -> None:
    message = f"MissedCatchUp: 3 firings from {AT} to 2026-07-01T10:10:00Z: catchUpPolicy does not ask for it"
    found = explained(stage(cron_job(status=SETTLED), events=[told("MissSchedule", message)]), capsys)
    assert (found["verdict"], found["witness"], found["sentence"]) == ("MissedCatchUp", "Events", message)


def test_an_event_that_names_its_job_tells_that_it_was_created(capsys: pytest.CaptureFixture[str]) -> None:
    body = cron_job(status=SETTLED)
    events = [told("SuccessfulDelete", f"Deleted job {named(AT, body)}", at="2026-07-01T10:20:00Z")]
    found = explained(stage(body, events=events), capsys)
    assert (found["verdict"], found["witness"], found["job"]) == ("Created", "Events", named(AT, body))


def test_the_newest_instant_is_known_to_have_had_its_job(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(stage(cron_job(status={**SETTLED, "lastScheduleTime": AT})), capsys)
    assert (found["verdict"], found["witness"]) == ("Created", "status")


def test_what_nobody_tells_any_more_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    recent = [outcome("Created", "2026-07-01T10:05:00Z", job="later")]
    cluster = stage(cron_job(status={**SETTLED, "settledThrough": "2026-07-01T10:05:00Z", "recent": recent}))
    found = explained(cluster, capsys)
    assert found["verdict"] == "Unknown"
    assert found["sentence"].startswith("not known")
    assert found["also"] == ["the status tells of the last 1 firings, the oldest of them 2026-07-01T10:05:00Z"]


@pytest.mark.parametrize(
    ("at", "verdict", "sentence"),
    [
        ("2026-07-01T10:02:00Z", "NoInstant", "nearest: 2026-07-01T10:00:00Z and 2026-07-01T10:05:00Z"),
        ("2026-05-01T10:00:00Z", "Unknown", "did not exist yet: it was created at 2026-06-01T00:00:00Z"),
        ("2026-07-01T10:10:00Z", "ToCome", "it fires in 9m30s"),
        ("2026-07-01 10:10", "ToCome", "it fires in 9m30s"),
    ],
)
def test_what_time_alone_tells(at: str, verdict: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(stage(cron_job(status=SETTLED)), capsys, at)
    assert found["verdict"] == verdict
    assert sentence in found["sentence"]


def edited(**more: Any) -> dict[str, Any]:
    """An object whose spec was edited at nine."""
    fields = [{"manager": "kubectl", "time": "2026-07-01T09:00:00Z", "fieldsV1": {"f:spec": {}}}]
    return cron_job(metadata={"managedFields": fields}, status=SETTLED, **more)


def test_what_the_schedule_was_before_an_edit_is_not_known(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(stage(edited()), capsys, "2026-07-01T08:02:00Z")
    assert (found["verdict"], "what it was then is not known" in found["sentence"]) == ("Unknown", True)
    found = explained(stage(edited()), capsys, "2026-07-01T08:05:00Z")
    assert (found["verdict"], "the spec was edited after it" in found["sentence"]) == ("Unknown", True)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"suspend": True}, "will not fire as things stand: it is suspended"),
        ({"metadata": {"annotations": {"dcron.io/suspend-until": "2026-07-01T10:20:00Z"}}}, "it is paused until"),
        ({"metadata": {"annotations": {"dcron.io/suspend-until": "2026-07-01T10:07:00Z"}}}, "it fires in"),
        ({"status": {**SETTLED, "conditions": [condition("CircuitOpen", True, "x")]}}, "its circuit is open"),
    ],
)
def test_what_is_to_come_may_be_silenced(
    more: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(stage(cron_job(**{"status": SETTLED, **more})), capsys, "2026-07-01T10:10:00Z")
    assert sentence in found["sentence"]


@pytest.mark.parametrize(
    ("status", "more", "sentence"),
    [
        ({}, {}, "no replica of the controller has looked at the object yet"),
        (
            {"settledThrough": "2026-07-01T09:55:00Z", "owner": "north"},
            {},
            "it is due since 30s and has no outcome yet; north serves",
        ),
        ({"settledThrough": "2026-07-01T09:55:00Z"}, {"suspend": True}, "is not counted yet: it is suspended"),
        ({"settledThrough": AT, "queued": [{"scheduledAt": AT}]}, {}, "it waits for its turn"),
        ({"settledThrough": AT, "active": [{"name": "x", "scheduledAt": AT}]}, {}, "Job x is promised"),
    ],
)
def test_what_is_under_way(
    status: dict[str, Any], more: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = explained(stage(cron_job(status=status, **more)), capsys)
    assert found["verdict"] == "Open"
    assert sentence in found["sentence"]


def test_an_unreadable_schedule_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(stage(cron_job(schedule="61 * * * *", status=SETTLED)), capsys)
    assert (found["verdict"], "61 is not between" in found["sentence"]) == ("Unknown", True)


def test_what_else_stands_for_the_instant_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    jobs = [job("first", AT), job("again", AT, trigger="backfill", trigger_id="x/y")]
    cluster = stage(cron_job(status=SETTLED), jobs=jobs)
    assert explained(cluster, capsys)["also"] == ["Job again stands for it too: backfill"]
    dcron(cluster, "explain", "report", "--at", AT)
    assert capsys.readouterr().out.splitlines()[0] == "default/report at Wed 2026-07-01 10:00:00Z: Created"


def test_events_without_a_time_are_passed_over() -> None:
    assert event({"reason": "x"}) is None
    found = event({"eventTime": "2026-07-01T10:00:05.123456Z", "reason": "x"})
    assert found is not None
    assert found.count == 1


def test_history_is_what_status_and_jobs_tell_together(capsys: pytest.CaptureFixture[str]) -> None:
    body = cron_job(
        concurrencyPolicy="Queue",
        status={
            **SETTLED,
            "counts": {"due": 4, "created": 3, "skipped": 1, "missed": 0},
            "queued": [{"scheduledAt": "2026-07-01T10:00:00Z"}],
            "active": [
                {"name": "promised", "scheduledAt": "2026-07-01T09:59:00Z"},
                {"name": "gone-by-now", "scheduledAt": "2026-07-01T09:45:00Z", "uid": "its-uid"},
            ],
            "recent": [
                outcome("SkippedForbid", "2026-07-01T09:40:00Z"),
                outcome("Created", "2026-07-01T09:45:00Z", job="gone-by-now"),
                outcome("SkippedForbid", "2026-07-01T09:46:00Z", trigger="manual", triggerId="Monday"),
                outcome("CreateFailed", "2026-07-01T09:29:00Z", trigger="backfill", triggerId="x/y"),
            ],
        },
    )
    name, manual = named("2026-07-01T09:50:00Z", body), manual_name(spec.parse(body), "Tuesday")
    back = backfill_name(spec.parse(body), "x/y", datetime.fromisoformat("2026-07-01T09:30:00Z"))
    body["status"]["recent"].append(outcome("Created", "2026-07-01T09:50:00Z", job=name))
    jobs = [
        job(name, "2026-07-01T09:50:00Z"),
        job(manual, "2026-07-01T09:47:00Z", ended="Failed", trigger="manual", trigger_id="Tuesday"),
        job(back, "2026-07-01T09:30:00Z", ended=None, trigger="backfill", trigger_id="x/y"),
    ]
    cluster = stage(body, jobs=jobs)
    assert dcron(cluster, "history", "report", "-o", "json") == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [(one["scheduledAt"][11:16], one["trigger"], one["outcome"], one["state"]) for one in items] == [
        ("10:00", "schedule", "Queued", None),
        ("09:59", "schedule", "Promised", None),
        ("09:50", "schedule", "Created", "succeeded"),
        ("09:47", "manual", "Created", "failed"),
        ("09:46", "manual", "SkippedForbid", None),
        ("09:45", "schedule", "Created", "gone"),
        ("09:40", "schedule", "SkippedForbid", None),
        ("09:30", "backfill", "Created", "running"),
        ("09:29", "backfill", "CreateFailed", None),
    ]
    dcron(cluster, "history", "report", "--tz", "Europe/Berlin")
    head, first, *_, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["INSTANT", "TRIGGER", "OUTCOME", "JOB", "STATE", "TOOK", "FIRED", "BY"]
    assert first.startswith("Wed 2026-07-01 12:00:00 +02:00   schedule   Queued")
    assert last == "since its creation: 4 due, 3 created, 1 skipped"


def test_without_a_firing_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(stage(cron_job()), "history", "report")
    assert capsys.readouterr().out == "of default/report no firing is told\n"
