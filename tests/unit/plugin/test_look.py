"""`list` and `next` on a cluster in memory."""

from __future__ import annotations

import json

import pytest
import yaml

from plugin.failures import Denied
from plugin.ports import CRON_JOBS
from tests.unit.plugin.fake import READY, FakeCluster, condition, cron_job, dcron

CLUSTER = (
    cron_job("ready", status={"owner": "north", "conditions": [READY], "lastScheduleTime": "2026-07-01T10:00:00Z"}),
    cron_job("new"),
    cron_job("stopped", suspend=True, metadata={"annotations": {"dcron.io/suspend-reason": "stocktaking"}}),
    cron_job("paused", metadata={"annotations": {"dcron.io/suspend-until": "2026-07-01T10:12:00Z"}}),
    cron_job("pause-over", metadata={"annotations": {"dcron.io/suspend-until": "2026-07-01T10:00:00Z"}}),
    cron_job("broken", status={"conditions": [condition("CircuitOpen", True, "TooManyFailures", "3 failed")]}),
    cron_job("over", status={"conditions": [condition("Completed", True, "MaxRunsReached", "it has fired 3 times")]}),
    cron_job("misspelt", "61 * * * *"),
    cron_job("lost", timeZone="Mars/Base"),
    cron_job("refused", status={"conditions": [condition("Ready", False, "InvalidJobTemplate", "no containers")]}),
    cron_job(
        "stuck", status={"conditions": [READY, condition("Blocked", True, "JobStillActive", "Job a is still active")]}
    ),
    cron_job("stuck-no-more", status={"conditions": [READY, condition("Blocked", False, "NotBlocked")]}),
    cron_job("going", metadata={"deletionTimestamp": "2026-07-01T10:00:00Z"}),
    cron_job("elsewhere", metadata={"namespace": "other"}),
)
STATES = {
    "ready": "Ready",
    "new": "New",
    "stopped": "Suspended",
    "paused": "Paused",
    "pause-over": "New",
    "broken": "CircuitOpen",
    "over": "Completed",
    "misspelt": "InvalidSchedule",
    "lost": "UnknownTimeZone",
    "refused": "InvalidJobTemplate",
    "stuck": "Blocked",
    "stuck-no-more": "Ready",
    "going": "Deleting",
}


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    for body in CLUSTER:
        cluster.add(CRON_JOBS, body)
    return cluster


def instants(output: str) -> list[str]:
    return [instant["scheduledAt"] for instant in json.loads(output)["instants"]]


def test_each_object_has_a_row_with_its_state(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(cluster, "list", "-o", "json") == 0
    rows = json.loads(capsys.readouterr().out)["items"]
    assert {row["name"]: row["state"] for row in rows} == STATES


def test_a_row_says_why_nothing_fires(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster, "list", "-o", "yaml")
    why = {row["name"]: row["why"] for row in yaml.safe_load(capsys.readouterr().out)["items"]}
    assert why["ready"] == why["new"] == why["pause-over"] == ""
    assert why["stuck"] == "Job a is still active"
    assert why["stopped"] == "it is suspended: stocktaking"
    assert why["paused"] == "it is paused until 2026-07-01 10:12:00Z"
    assert why["over"] == "it is completed: it has fired 3 times"
    assert "60" not in why["misspelt"]
    assert "61 is not between 0 and 59" in why["misspelt"]
    assert why["refused"] == "it is not ready (InvalidJobTemplate): no containers"


def test_the_table_has_a_line_for_each_object(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster, "list")
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "SCHEDULE", "ZONE", "STATE", "ACTIVE", "LAST", "NEXT", "OWNER"]
    assert [line.split()[0] for line in lines] == sorted(STATES)
    (ready,) = (line for line in lines if line.startswith("ready"))
    assert ready.endswith("30s ago   -      north")


def test_all_namespaces_are_shown_on_request(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster, "list", "-A")
    assert any(line.split()[:2] == ["other", "elsewhere"] for line in capsys.readouterr().out.splitlines())
    dcron(cluster, "list", "--namespace", "other", "-o", "json")
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["items"]] == ["elsewhere"]


def test_nothing_is_told_as_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(FakeCluster(), "list") == 0
    assert capsys.readouterr().out == "there is no DistributedCronJob in namespace 'default'\n"


def test_the_next_instants_follow_from_now(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(cluster, "next", "ready", "-n", "2", "-o", "json") == 0
    assert instants(capsys.readouterr().out) == ["2026-07-01T10:05:00Z", "2026-07-01T10:10:00Z"]


def test_what_a_pause_swallows_is_marked(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster, "next", "paused", "-n", "3", "-o", "json")
    skipped = [bool(instant["skipped"]) for instant in json.loads(capsys.readouterr().out)["instants"]]
    assert skipped == [True, True, False]


def test_of_a_suspended_object_nothing_fires(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    dcron(cluster, "next", "stopped", "-n", "2")
    _, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert all("will not fire: it is suspended: stocktaking" in line for line in lines)


def test_no_more_is_shown_than_may_run(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    cluster.add(CRON_JOBS, cron_job(maxRuns=3, status={"counts": {"created": 1}}))
    dcron(cluster, "next", "report")
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2 + 1
    dcron(cluster, "next", "report", "-o", "json")
    assert json.loads(capsys.readouterr().out)["ends"] is True


def test_jitter_puts_the_firing_off(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    cluster.add(CRON_JOBS, cron_job(jitterSeconds=600))
    dcron(cluster, "next", "report", "-n", "1", "-o", "json")
    (instant,) = json.loads(capsys.readouterr().out)["instants"]
    assert instant["scheduledAt"] < instant["dueAt"]
    dcron(cluster, "next", "report", "-n", "1")
    assert "FIRES" in capsys.readouterr().out


def test_a_schedule_without_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(FakeCluster(), "next", "--cron", "0 9 * * MON-FRI", "--tz", "Europe/Berlin", "-n", "1")
    assert capsys.readouterr().out.splitlines()[1] == "Thu 2026-07-02 09:00:00 +02:00   in 20h"


def test_several_schedules_are_one_union(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(FakeCluster(), "next", "--cron", "10 * * * *", "--cron", "20 * * * *", "-n", "3", "-o", "json")
    minutes = [text[14:16] for text in instants(capsys.readouterr().out)]
    assert minutes == ["10", "20", "10"]


def test_an_h_needs_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(FakeCluster(), "next", "--cron", "H * * * *") == 2
    assert "--as NAMESPACE/NAME" in capsys.readouterr().err
    assert dcron(FakeCluster(), "next", "--cron", "H * * * *", "--as", "default/nightly-backup", "-n", "1") == 0
    assert "10:37:00Z" in capsys.readouterr().out, "the value that docs/schedules.md promises"


def test_a_schedule_that_ends_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    dcron(FakeCluster(), "next", "--cron", "@at 2026-12-24T18:00:00+01:00")
    assert capsys.readouterr().out.splitlines()[1:] == ["Thu 2026-12-24 17:00:00Z   in 176d", "and never again"]
    dcron(FakeCluster(), "next", "--cron", "@at 2025-12-24T18:00:00+01:00")
    assert capsys.readouterr().out == "@at 2025-12-24T18:00:00+01:00 has no instant to come\n"


def test_n_that_is_no_number_is_the_namespace(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(cluster, "next", "elsewhere", "-n", "other", "-n", "1", "-o", "json") == 0
    assert len(instants(capsys.readouterr().out)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["next", "nothing"], 3, "there is no DistributedCronJob 'nothing' in namespace 'default'"),
        (["next"], 2, "name either an object or a schedule with --cron"),
        (["next", "ready", "--cron", "* * * * *"], 2, "name either an object or a schedule with --cron"),
        (["next", "misspelt"], 1, "61 is not between 0 and 59"),
        (["next", "--cron", "x"], 2, "it has 1 fields"),
        (["next", "ready", "-n", "0"], 2, "-n must lie between 1 and 10000"),
        (["next", "ready", "--tz", "Mars/Base"], 2, "time zone 'Mars/Base' is not known"),
        (["list", "--nonsense"], 2, "No such option"),
        (["nonsense"], 2, "No such command 'nonsense'"),
    ],
)
def test_an_error_is_one_sentence_with_its_code(
    cluster: FakeCluster, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    assert dcron(cluster, *arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert sentence in told.err
    assert len(told.err.splitlines()) == 1


def test_what_the_api_server_forbids_is_told(cluster: FakeCluster, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.refusals["list", "distributedcronjobs"] = Denied("you may not list distributedcronjobs")
    assert dcron(cluster, "list") == 5
    assert capsys.readouterr().err == "error: you may not list distributedcronjobs\n"


def test_without_a_command_it_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert dcron(FakeCluster()) == 2
    assert "Commands:" in capsys.readouterr().err


def test_an_object_of_a_later_version_is_said_to_be_unreadable(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = FakeCluster()
    cluster.add(CRON_JOBS, cron_job(concurrencyPolicy="Stagger"))
    assert dcron(cluster, "list") == 1
    assert "default/report cannot be read by this version of the plugin" in capsys.readouterr().err


def test_ctrl_c_has_the_exit_code_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()

    def interrupted(*arguments: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster, "list", interrupted)
    assert dcron(cluster, "list") == 130
