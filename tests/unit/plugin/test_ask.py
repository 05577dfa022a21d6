"""`trigger`, `suspend`, `resume` and `backfill` on a cluster in memory, where the test plays the controller."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from controller import spec
from controller.names import manual_name
from plugin.ports import CRON_JOBS, JOBS
from tests.unit.plugin.fake import NOW, READY, FakeCluster, condition, cron_job, dcron

SERVED: dict[str, Any] = {"settledThrough": "2026-07-01T10:00:00Z", "conditions": [READY]}
KEY = spec.Key("default", "report")
SOON = NOW + timedelta(seconds=2)


def served(**more: Any) -> FakeCluster:
    """A cluster with one object that the controller has seen."""
    cluster = FakeCluster()
    cluster.add(CRON_JOBS, cron_job(**{"status": SERVED, **more}))
    return cluster


def written_on(cluster: FakeCluster) -> dict[str, str]:
    found: dict[str, str] = cluster.read(CRON_JOBS, KEY)["metadata"].get("annotations", {})
    return found


def answer(cluster: FakeCluster, outcome: str, reason: str | None = None, job: bool = False) -> None:
    """Do as the controller does once it has seen the annotation."""
    value = written_on(cluster)["dcron.io/trigger"]
    name = manual_name(spec.parse(cluster.read(CRON_JOBS, KEY)), value)
    last = {"value": value, "at": "2026-07-01T10:00:31Z", "outcome": outcome, "reason": reason}
    told = {**last, "job": name} if job else last
    cluster.patch(CRON_JOBS, KEY, {"status": {"lastTrigger": told}}, subresource="status")


def job(name: str, ended: str | None = None, **annotations: str) -> dict[str, Any]:
    """A Job of the object."""
    conditions = [{"type": ended, "status": "True", "lastTransitionTime": "2026-07-01T10:00:40Z"}] if ended else []
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {"dcron.io/uid": "uid-of-report"},
            "annotations": {f"dcron.io/{key}": text for key, text in annotations.items()},
            "ownerReferences": [{"uid": "uid-of-report", "controller": True}],
            "creationTimestamp": "2026-07-01T10:00:31Z",
        },
        "status": {"conditions": conditions},
    }


def run_of(cluster: FakeCluster, ended: str | None = None) -> None:
    """Let the Job of the run be there."""
    name = manual_name(spec.parse(cluster.read(CRON_JOBS, KEY)), written_on(cluster)["dcron.io/trigger"])
    cluster.add(JOBS, job(name, ended, trigger="manual"))


def test_each_trigger_has_a_value_of_its_own() -> None:
    cluster = served()
    values = set()
    for _ in range(3):
        assert dcron(cluster, "trigger", "report") == 0
        values.add(written_on(cluster)["dcron.io/trigger"])
    assert len(values) == 3


def test_it_waits_for_the_end_of_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served()
    cluster.clock.at(SOON, lambda: answer(cluster, "pending"))
    cluster.clock.at(SOON + timedelta(seconds=1), lambda: run_of(cluster))
    cluster.clock.at(SOON + timedelta(seconds=2), lambda: run_of(cluster, "Complete"))
    assert dcron(cluster, "trigger", "report", "--wait") == 0
    told = capsys.readouterr()
    assert "has succeeded" in told.out
    lines = [line.split()[0] for line in told.err.splitlines()]
    assert lines == ["no", "its", "Job"], "each step once"


def test_a_failed_run_has_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served()
    cluster.clock.at(SOON, lambda: run_of(cluster, "Failed"))
    assert dcron(cluster, "trigger", "report", "--wait", "-o", "json") == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["ended"] is True
    assert json.loads(told.out)["succeeded"] is False
    assert "has failed" in told.err


@pytest.mark.parametrize(
    ("outcome", "reason", "sentence"),
    [
        ("skipped", "SkippedForbid", "nothing has run: SkippedForbid"),
        ("createFailed", "CreateFailed", "nothing has run: CreateFailed"),
        ("noted", None, "has had its run before"),
        ("created", "Created", "whether it succeeded is not known"),
    ],
)
def test_what_becomes_of_a_run_without_a_job(
    capsys: pytest.CaptureFixture[str], outcome: str, reason: str, sentence: str
) -> None:
    cluster = served()
    cluster.clock.at(SOON, lambda: answer(cluster, outcome, reason, job=outcome == "created"))
    assert dcron(cluster, "trigger", "report", "--wait") == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(("outcome", "sentence"), [("queued", "waits for its turn"), ("pending", "about to be")])
def test_it_waits_no_longer_than_it_may(capsys: pytest.CaptureFixture[str], outcome: str, sentence: str) -> None:
    cluster = served()
    cluster.clock.at(SOON, lambda: answer(cluster, outcome))
    assert dcron(cluster, "trigger", "report", "--wait", "--timeout", "5s") == 7
    assert sentence in capsys.readouterr().err
    assert timedelta(seconds=5) <= cluster.now() - NOW < timedelta(seconds=6)


def test_a_run_that_another_has_pushed_out_of_the_status_is_still_found() -> None:
    cluster = served()

    def another() -> None:
        run_of(cluster, "Complete")
        last = {"value": "another", "at": "2026-07-01T10:00:32Z", "outcome": "created"}
        cluster.patch(CRON_JOBS, KEY, {"status": {"lastTrigger": last}}, subresource="status")

    cluster.clock.at(SOON, another)
    assert dcron(cluster, "trigger", "report", "--wait") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["trigger", "report"],
        ["backfill", "report", *["--from", "2026-06-30T00:00:00Z", "--to", "2026-07-01T00:00:00Z"]],
    ],
)
def test_what_nobody_has_seen_yet_would_follow_nothing(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    cluster = served(status=None)
    assert dcron(cluster, *arguments) == 1
    assert "no replica of the controller has seen default/report" in capsys.readouterr().err
    assert cluster.writes == []


def test_suspending_for_good_is_in_the_spec(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served()
    assert dcron(cluster, "suspend", "report", "--reason", "stocktaking") == 0
    assert cluster.read(CRON_JOBS, KEY)["spec"]["suspend"] is True
    assert written_on(cluster) == {"dcron.io/suspend-reason": "stocktaking"}
    assert "until somebody resumes it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("2026-07-02T06:00:00Z", "2026-07-02T06:00:00Z"),
        ("2026-07-02T06:00:00+02:00", "2026-07-02T04:00:00Z"),
        ("2026-07-02T06:00", "2026-07-02T04:00:00Z"),
        ("2026-07-02 06:00:30", "2026-07-02T04:00:30Z"),
        ("90m", "2026-07-01T11:30:30Z"),
        ("1d12h", "2026-07-02T22:00:30Z"),
    ],
)
def test_a_pause_ends_when_it_was_told_to(typed: str, written: str) -> None:
    cluster = served(timeZone="Europe/Berlin")
    assert dcron(cluster, "suspend", "report", "--until", typed) == 0
    assert written_on(cluster) == {"dcron.io/suspend-until": written}
    assert "suspend" not in cluster.read(CRON_JOBS, KEY)["spec"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2026-07-01T09:00:00Z", "is in the past"),
        ("0s", "is in the past"),
        ("tomorrow", "is no time"),
        ("", "is no time"),
        ("2027-03-28T02:30", "is no time"),
        ("2027-02-30T02:30", "is no time"),
    ],
)
def test_a_pause_without_an_end_to_come_is_refused(
    capsys: pytest.CaptureFixture[str], typed: str, sentence: str
) -> None:
    cluster = served(timeZone="Europe/Berlin")
    assert dcron(cluster, "suspend", "report", "--until", typed) == 2
    assert sentence in capsys.readouterr().err
    assert cluster.writes == []


def test_resuming_ends_both(capsys: pytest.CaptureFixture[str]) -> None:
    marks = {"dcron.io/suspend-until": "2026-07-02T06:00:00Z", "dcron.io/suspend-reason": "why", "other": "stays"}
    cluster = served(suspend=True, metadata={"annotations": marks})
    assert dcron(cluster, "resume", "report") == 0
    assert cluster.read(CRON_JOBS, KEY)["spec"]["suspend"] is False
    assert written_on(cluster) == {"other": "stays"}
    assert "goes on: its next instant is 2026-07-01T10:05:00Z" in capsys.readouterr().out


def test_programs_are_told_what_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served(schedule="@at 2020-01-01T00:00:00Z")
    assert dcron(cluster, "suspend", "report", "--until", "90m", "--reason", "why", "-o", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"object": "default/report", "until": "2026-07-01T11:30:30Z", "reason": "why"}
    assert dcron(cluster, "resume", "report", "-o", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"object": "default/report", "resumed": True, "next": None, "circuitOpen": False}
    dcron(cluster, "resume", "report")
    assert "it has no instant to come" in capsys.readouterr().out


def test_what_goes_on_is_not_resumed(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served(status={**SERVED, "conditions": [condition("CircuitOpen", True, "TooManyFailures")]})
    assert dcron(cluster, "resume", "report") == 0
    assert cluster.writes == []
    told = capsys.readouterr().out
    assert "was neither suspended nor paused" in told
    assert "its circuit is open" in told


HOURLY = {"schedule": "0 * * * *", "status": {**SERVED}}
NIGHT = ["--from", "2026-06-30T22:00:00Z", "--to", "2026-07-01T02:00:00Z"]


def test_a_backfill_is_asked_for_by_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = served(**HOURLY)
    assert dcron(cluster, "backfill", "report", *NIGHT) == 0
    assert written_on(cluster) == {"dcron.io/backfill": "2026-06-30T22:00:00Z/2026-07-01T02:00:00Z"}
    assert "fires 4 of 4 instants, oldest first" in capsys.readouterr().out


def test_a_dry_run_writes_nothing_and_tells_what_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    told = {"scheduledAt": "2026-07-01T00:00:00Z", "outcome": "created", "reason": "Created", "job": "x"}
    cluster = served(schedule="0 * * * *", status={**SERVED, "recent": [told]})
    cluster.add(JOBS, job("report-1", "Complete", **{"scheduled-at": "2026-06-30T23:00:00Z", "trigger": "schedule"}))
    assert dcron(cluster, "backfill", "report", *NIGHT, "--dry-run", "-o", "json") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["total"] == 4
    assert plan["fires"] == ["2026-06-30T22:00:00Z", "2026-07-01T01:00:00Z"]
    assert plan["leftOut"] == ["2026-06-30T23:00:00Z", "2026-07-01T00:00:00Z"]
    assert cluster.writes == []
    dcron(cluster, "backfill", "report", *NIGHT, "--dry-run")
    assert "would fire 2 of 4 instants" in capsys.readouterr().out


def test_a_long_backfill_is_not_listed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    month = ["--from", "2026-06-01T00:00:00Z", "--to", "2026-07-01T00:00:00Z"]
    dcron(served(**HOURLY), "backfill", "report", *month, "--dry-run")
    assert "and 700 more" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("since", "until", "code", "sentence"),
    [
        ("2026-07-01T02:00:00Z", "2026-07-01T02:00:00Z", 2, "ends before it begins"),
        ("2026-07-01T02:00:00Z", "2026-07-01T11:00:00Z", 2, "is not over yet"),
        ("2020-07-01T02:00:00Z", "2026-07-01T02:00:00Z", 2, "more than 10000 instants"),
        ("2026-07-01T02:10:00Z", "2026-07-01T02:20:00Z", 1, "has no instant between"),
    ],
)
def test_a_backfill_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], since: str, until: str, code: int, sentence: str
) -> None:
    cluster = served(**HOURLY)
    assert dcron(cluster, "backfill", "report", "--from", since, "--to", until) == code
    assert sentence in capsys.readouterr().err
    assert cluster.writes == []


def test_without_a_schedule_there_is_no_backfill(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(served(schedule="61 * * * *"), "backfill", "report", *NIGHT) == 1
    assert "61 is not between 0 and 59" in capsys.readouterr().err


def test_a_wrong_duration_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(served(), "trigger", "report", "--wait", "--timeout", "soon") == 2
    assert "--timeout 'soon' is no duration" in capsys.readouterr().err


def test_an_interval_is_backfilled_once(capsys: pytest.CaptureFixture[str]) -> None:
    before = {"interval": "2026-06-30T22:00:00Z/2026-07-01T02:00:00Z", "state": "Done", "created": 4}
    cluster = served(schedule="0 * * * *", status={**SERVED, "backfill": before})
    assert dcron(cluster, "backfill", "report", *NIGHT) == 1
    assert "was asked for before: Done, 4 created" in capsys.readouterr().err
