"""A change-over on a cluster in memory, begun at any second, with slow requests, deaths and refusals in between.

Whatever happens: no minute is missed and none runs twice, however it ends.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from plugin import adoption
from plugin.failures import Conflicting, Denied, Failure, NotFound, Rejected, Unreachable
from plugin.ports import BATCH_CRON_JOBS, CRON_JOBS
from tests.unit.plugin.controllers import BEGIN, KEY, MINUTE, Stage
from tests.unit.plugin.fake import condition, dcron

SECOND = timedelta(seconds=1)
START = BEGIN + 2 * MINUTE


def adopt(stage: Stage, *more: str) -> int:
    """Run the command."""
    return dcron(stage.cluster, "convert", "--adopt", "report", *more)


def balance(stage: Stage) -> dict[datetime, int]:
    """The minutes that ran another number of times than once, two minutes after now."""
    until = stage.cluster.now().replace(second=30, microsecond=0) + 2 * MINUTE
    stage.wait(until)
    due = [BEGIN + number * MINUTE for number in range(int((until - BEGIN) / MINUTE) + 1)]
    return {at: stage.ran[at] for at in {*due, *stage.ran} if stage.ran[at] != 1}


@pytest.mark.parametrize("second", range(0, 60, 6))
@pytest.mark.parametrize("policy", ["Allow", "Forbid", "Replace"])
def test_each_minute_runs_once_whenever_it_begins(policy: str, second: int) -> None:
    stage = Stage.at(START + second * SECOND, policy=policy)
    assert adopt(stage) == 0
    assert stage.old["spec"]["suspend"] is True
    assert stage.new is not None
    assert balance(stage) == {}
    assert {stage.by[BEGIN], stage.by[max(stage.by)]} == {"old", stage.new["metadata"]["uid"]}


@pytest.mark.parametrize("second", [0, 20, 35, 50])
@pytest.mark.parametrize("verb", ["read", "patch", "create"])
@pytest.mark.parametrize("seconds", [1, 8, 14])
def test_slow_requests_lose_and_double_nothing(verb: str, seconds: int, second: int) -> None:
    stage = Stage.at(START + second * SECOND, minutes=20)
    stage.cluster.delays[verb] = seconds * SECOND
    adopt(stage)
    stage.cluster.delays.clear()
    if stage.old["spec"].get("suspend"):
        assert adopt(stage) == 0, "it goes on where it was"
    assert balance(stage) == {}


def test_what_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 10 * SECOND)
    assert adopt(stage, "-o", "json") == 0
    (one,) = json.loads(capsys.readouterr().out)["items"]
    assert one["lastScheduleTime"] == "2026-07-01T10:02:00Z"
    assert one["backfilled"] == one["notes"] == []
    assert stage.new is not None
    assert stage.new["status"]["lastScheduleTime"] == "2026-07-01T10:02:00Z"
    assert stage.new["status"]["lastSuccessfulTime"] == "2026-07-01T10:02:00Z"
    assert adoption.HANDED_OVER not in (stage.new["metadata"].get("annotations") or {})


def test_it_says_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt(Stage.at(START + 50 * SECOND)) == 0
    told = capsys.readouterr()
    assert told.err == "default/report: its instant 2026-07-01T10:03:00Z comes first\n"
    assert "default/report is a DistributedCronJob now" in told.out
    assert "kubectl delete cronjob report" in told.out


def test_under_forbid_it_waits_for_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 1 * SECOND, policy="Forbid", runs=timedelta(seconds=25))
    assert adopt(stage) == 0
    assert "still runs, and its policy allows no other" in capsys.readouterr().err
    assert not stage.active("old")
    assert balance(stage) == {}


def test_a_job_that_never_ends_keeps_it_with_batch(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 1 * SECOND, policy="Forbid", runs=timedelta(hours=1))
    assert adopt(stage, "--timeout", "2m") == 7
    assert "batch/v1 goes on with it" in capsys.readouterr().err
    assert not stage.old["spec"].get("suspend")
    assert stage.new is None


def test_what_batch_has_not_run_yet_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 1 * SECOND, lag=timedelta(seconds=12))
    assert adopt(stage) == 0
    assert "batch/v1 has not run its instant 2026-07-01T10:02:00Z yet" in capsys.readouterr().err
    assert balance(stage) == {}


@pytest.mark.parametrize("second", [5, 25, 38, 55])
def test_where_nobody_serves_batch_goes_on(second: int, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + second * SECOND, serves=False)
    assert adopt(stage) == 7
    assert "no replica of the controller serves default/report" in capsys.readouterr().err
    assert stage.new is None
    assert not stage.old["spec"]["suspend"]
    assert adoption.HANDED_OVER not in stage.old["metadata"]["annotations"]
    assert balance(stage) == {}


def test_what_is_not_ready_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 5 * SECOND, ready=condition("Ready", False, "InvalidJobTemplate", "no containers"))
    assert adopt(stage) == 1
    assert "is not ready (InvalidJobTemplate): no containers" in capsys.readouterr().err
    assert stage.new is None
    assert balance(stage) == {}


@pytest.mark.parametrize("failure", [Denied("you may not"), Rejected("a policy refuses it")])
def test_what_may_not_be_created_stays_with_batch(failure: Failure) -> None:
    stage = Stage.at(START + 5 * SECOND)
    stage.cluster.refusals["create", "distributedcronjobs"] = failure
    assert adopt(stage) == failure.exit_code
    assert stage.cluster.writes == [], "it was asked before anything was done"
    assert balance(stage) == {}


@pytest.mark.parametrize(("kind", "verb"), [(BATCH_CRON_JOBS, "patch"), (CRON_JOBS, "create"), (CRON_JOBS, "read")])
@pytest.mark.parametrize("answered", [True, False], ids=["done-all-the-same", "not-done"])
@pytest.mark.parametrize("away", [5, 90])
def test_after_an_answer_that_was_lost_it_goes_on_where_it_was(
    kind: Any, verb: str, answered: bool, away: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage.at(START + 5 * SECOND)
    real = getattr(stage.cluster, verb)
    lost: list[str] = []

    def losing(of: Any, *arguments: Any, **more: Any) -> Any:
        dry = more.get("dry_run") or (verb == "read" and stage.new is None)
        if of is not kind or dry or lost:
            return real(of, *arguments, **more)
        lost.append(verb)
        if answered:
            real(of, *arguments, **more)
        raise Unreachable("no answer")

    monkeypatch.setattr(stage.cluster, verb, losing)
    assert adopt(stage) == 4
    stage.wait(stage.cluster.now() + away * SECOND)
    assert adopt(stage) == 0
    assert lost
    assert balance(stage) == {}


def test_instants_of_an_interruption_are_backfilled(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 10 * SECOND)
    old = adoption.read(stage.old, [])
    stage.cluster.patch(BATCH_CRON_JOBS, KEY, adoption.suspension(old, stage.cluster.now().replace(microsecond=0)))
    stage.wait(START + 3 * MINUTE)
    assert adopt(stage) == 0
    assert "3 instants in between are backfilled" in capsys.readouterr().out
    assert balance(stage) == {}


def test_an_instant_that_batch_has_run_before_it_saw_the_suspension_is_not_backfilled() -> None:
    stage = Stage.at(START + 10 * SECOND)
    mark = adoption.suspension(adoption.read(stage.old, []), stage.cluster.now().replace(microsecond=0))
    stage.wait(START + MINUTE + 2 * SECOND)
    stage.cluster.patch(BATCH_CRON_JOBS, KEY, {**mark, "metadata": {"annotations": mark["metadata"]["annotations"]}})
    stage.wait(START + 3 * MINUTE)
    assert adopt(stage) == 0
    assert stage.by[START + MINUTE] == "old"
    assert balance(stage) == {}


@pytest.mark.parametrize(("runs", "code"), [(25, 0), (3600, 7)])
def test_going_on_it_waits_for_the_job_too(runs: int, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 2 * SECOND, policy="Forbid", runs=timedelta(seconds=runs))
    old = adoption.read(stage.old, [])
    stage.cluster.patch(BATCH_CRON_JOBS, KEY, adoption.suspension(old, stage.cluster.now().replace(microsecond=0)))
    assert adopt(stage, "--timeout", "2m") == code
    assert (stage.new is None) == bool(code)
    assert ("still runs; run the same command again" in capsys.readouterr().err) == bool(code)


def test_a_suspension_that_took_too_long_is_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 38 * SECOND)
    stage.cluster.delays["patch"] = 14 * SECOND
    stage.cluster.clock.at(START + MINUTE + 10 * SECOND, stage.cluster.delays.clear)
    assert adopt(stage) == 0
    assert "the API server took too long" in capsys.readouterr().err
    assert balance(stage) == {}


def test_what_is_refused_after_the_dry_run_lets_batch_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage.at(START + 5 * SECOND)
    real = stage.cluster.create

    def refusing(kind: Any, body: Any, *, dry_run: bool = False) -> Any:
        if not dry_run:
            raise Denied("not any more")
        return real(kind, body, dry_run=dry_run)

    monkeypatch.setattr(stage.cluster, "create", refusing)
    assert adopt(stage) == 5
    assert not stage.old["spec"]["suspend"]
    assert adoption.HANDED_OVER not in stage.old["metadata"]["annotations"]
    assert balance(stage) == {}


def test_two_may_take_over_the_same_one(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage.at(START + 5 * SECOND)
    real = stage.cluster.create

    def second(kind: Any, body: Any, *, dry_run: bool = False) -> Any:
        if not dry_run and stage.new is None:
            real(kind, body)  # by the other
        return real(kind, body, dry_run=dry_run)

    monkeypatch.setattr(stage.cluster, "create", second)
    assert adopt(stage) == 0
    assert stage.old["spec"]["suspend"] is True
    assert balance(stage) == {}


def test_what_changes_at_that_moment_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage.at(START + 5 * SECOND)
    real = stage.cluster.patch
    edits: list[str] = []

    def edited_before(kind: Any, key: Any, change: Any, *, subresource: str = "") -> Any:
        if not edits or (subresource and len(edits) < 3):
            edits.append(subresource)
            real(kind, key, {"metadata": {"labels": {"edited": str(len(edits))}}})
        return real(kind, key, change, subresource=subresource)

    monkeypatch.setattr(stage.cluster, "patch", edited_before)
    assert adopt(stage) == 0
    assert edits == ["", "status", "status"]
    assert stage.new is not None
    assert stage.new["status"]["lastScheduleTime"] == "2026-07-01T10:02:00Z"
    assert balance(stage) == {}


def test_nothing_is_taken_back_right_before_the_next_instant(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 30 * SECOND, serves=False)
    stage.cluster.clock.at(START + 50 * SECOND, lambda: stage.cluster.delays.update(read=9 * SECOND))
    assert adopt(stage) == 7
    assert "its next instant is near; run the same command again" in capsys.readouterr().err
    assert stage.new is not None
    assert stage.old["spec"]["suspend"] is True, "nobody fires twice"
    stage.cluster.delays.clear()
    stage.serves = True
    assert adopt(stage) == 0
    assert balance(stage) == {}


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [(Denied("you may not write the status"), "you may not"), (Conflicting("it was modified"), "it was modified")],
)
def test_a_status_that_cannot_be_written_is_a_note(
    failure: Failure, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage.at(START + 5 * SECOND)
    real = stage.cluster.patch

    def refusing(*arguments: Any, **more: Any) -> Any:
        if more.get("subresource"):
            raise failure
        return real(*arguments, **more)

    monkeypatch.setattr(stage.cluster, "patch", refusing)
    assert adopt(stage) == 0
    assert f"note: its status does not tell of the time before: {sentence}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"suspend": True}, "is suspended: it fires nothing that could be taken over"),
        ({"schedule": "@every 5m"}, "@every counts from the creation"),
        ({"schedule": "TZ=Europe/Berlin * * * * *"}, "set spec.timeZone"),
        ({"timeZone": "Mars/Base"}, "is not known"),
    ],
)
def test_what_would_not_be_the_same_is_not_taken_over(
    spec: dict[str, Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = Stage.at(START, spec=spec)
    assert adopt(stage) == 1
    assert sentence in capsys.readouterr().err
    assert stage.cluster.writes == []


def test_what_is_ours_already_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 5 * SECOND)
    stage.cluster.create(
        CRON_JOBS, {"metadata": {"namespace": "default", "name": "report"}, "spec": {"schedule": "* * * * *"}}
    )
    assert adopt(stage) == 1
    assert "there is a DistributedCronJob default/report already" in capsys.readouterr().err


def test_names_are_needed_and_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START)
    assert dcron(stage.cluster, "convert", "--adopt") == 2
    assert dcron(stage.cluster, "convert", "--adopt", "nothing") == 3
    stage.cluster.refusals["read", "distributedcronjobs"] = NotFound("is the CRD installed?")
    assert adopt(stage) == 3
    assert "is the CRD installed" in capsys.readouterr().err


# What the rooms decide, on values.


def old(*, jobs: Any = (), status: Any = None, edited: str | None = None, **spec: Any) -> adoption.Old:
    """A minutely CronJob of the hour."""
    meta: dict[str, Any] = {"namespace": "default", "name": "report", "uid": "old", "resourceVersion": "1"}
    if edited:
        meta["managedFields"] = [{"fieldsV1": {"f:spec": {}}, "time": edited}, {"subresource": "status"}]
    body = {
        "metadata": {**meta, "creationTimestamp": "2026-07-01T09:00:00Z"},
        "spec": {"schedule": "* * * * *", **spec},
        "status": status or {},
    }
    return adoption.read(body, jobs)


def job(name: str, owner: str = "old", at: str | None = None) -> dict[str, Any]:
    marks = {"annotations": {"batch.kubernetes.io/cronjob-scheduled-timestamp": at}} if at else {}
    return {"metadata": {"name": name, "ownerReferences": [{"uid": owner}], **marks}}


@pytest.mark.parametrize(
    ("known", "runs"),
    [
        (old(), False),
        (old(status={"lastScheduleTime": "2026-07-01T10:00:00Z"}), True),
        (old(status={"lastScheduleTime": "2026-07-01T09:59:00Z"}), False),
        (old(jobs=[job("x", at="2026-07-01T12:00:00+02:00")]), True),
        (old(jobs=[job("x", owner="another", at="2026-07-01T12:00:00+02:00")]), False),
        (old(jobs=[job(f"report-{int(BEGIN.timestamp()) // 60}")]), True),
        (old(jobs=[job("report-by-hand"), job("report-1")]), False),
        (old(startingDeadlineSeconds=8), True),
        (old(startingDeadlineSeconds=9), False),
    ],
)
def test_an_instant_has_run_if_anything_says_so(known: adoption.Old, runs: bool) -> None:
    assert known.has_run(BEGIN, BEGIN + 9.5 * SECOND) is runs


IN_PARIS: dict[str, Any] = {"schedule": "30 9 * * *", "status": {"lastScheduleTime": "2026-07-01T07:30:00Z"}}


@pytest.mark.parametrize(
    ("known", "doubted"),
    [
        (old(**IN_PARIS), True),
        (old(**IN_PARIS, timeZone="Europe/Paris"), False),
        (old(**IN_PARIS, edited="2026-07-01T07:29:00Z"), True),
        (old(**IN_PARIS, edited="2026-07-01T07:31:00Z"), False),
        (old(schedule="30 7 * * *", status=IN_PARIS["status"]), False),
        (old(schedule="30 9 * * *"), False),
    ],
)
def test_a_last_instant_of_another_zone_raises_a_doubt(known: adoption.Old, doubted: bool) -> None:
    assert (adoption.doubt(known) is not None) is doubted


def test_in_doubt_batch_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage.at(START + 5 * SECOND)
    stage.old["status"] = {"lastScheduleTime": "2026-07-01T10:02:30Z"}
    assert adopt(stage) == 1
    assert "is none of its schedule in UTC; set spec.timeZone before" in capsys.readouterr().err
    assert stage.cluster.writes == []


def test_a_schedule_without_an_instant_to_come_can_be_taken_over() -> None:
    known = old(schedule="@yearly")
    assert isinstance(adoption.moment(known, BEGIN), adoption.Go)


def test_the_boundary_is_a_whole_second() -> None:
    known = old(status={"lastScheduleTime": "2026-07-01T10:00:00Z"})
    decided = adoption.moment(known, BEGIN + 5.7 * SECOND)
    assert decided == adoption.Go(boundary=BEGIN + 5 * SECOND, next_at=BEGIN + MINUTE)


@pytest.mark.parametrize(
    ("known", "sentence"),
    [
        (old(jobs=[job("x", at="2026-07-01T10:01:00Z")]), "batch/v1 has made x meanwhile"),
        (old(jobs=[job("x", at="2026-07-01T10:00:00Z")], concurrencyPolicy="Forbid"), "its Job x has begun meanwhile"),
        (old(jobs=[job("x", at="2026-07-01T10:00:00Z")]), None),
    ],
)
def test_what_batch_has_done_meanwhile_takes_it_back(known: adoption.Old, sentence: str | None) -> None:
    go = adoption.Go(boundary=BEGIN + 5 * SECOND, next_at=BEGIN + MINUTE)
    assert adoption.objection(known, go, BEGIN + 6 * SECOND) == sentence
    assert adoption.objection(known, go, BEGIN + 51 * SECOND) == sentence or "the API server took too long"


@pytest.mark.parametrize(
    ("status", "taken"),
    [
        ({}, {"lastScheduleTime": "2026-07-01T10:00:00Z", "lastSuccessfulTime": "2026-07-01T10:00:07Z"}),
        ({"lastScheduleTime": "2026-07-01T10:01:00Z"}, {"lastSuccessfulTime": "2026-07-01T10:00:07Z"}),
    ],
)
def test_what_the_new_one_tells_itself_stands(status: dict[str, Any], taken: dict[str, str]) -> None:
    told = {"lastScheduleTime": "2026-07-01T10:00:00Z", "lastSuccessfulTime": "2026-07-01T10:00:07Z"}
    change = adoption.inheritance(old(status=told), status, "7")
    assert change == {"metadata": {"resourceVersion": "7"}, "status": taken}
    assert adoption.inheritance(old(), status, "7") == {}
