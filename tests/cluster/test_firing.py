"""What authors see: objects applied with kubectl become Jobs, by every policy, and the reasons are told.

All objects are applied together at the begin and fire side by side, so that the waits of the tests overlap. Three
replicas share them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from deploy.local.cluster import ControlPlane
from tests.cluster import audit
from tests.cluster.audit import Made
from tests.cluster.fleet import NODES, Fleet, complaints, eventually
from tests.cluster.team import (
    Team,
    cron_job,
    failed,
    finished,
    instant,
    now,
    pod_template,
    scheduled_at,
)

pytest_plugins = ["tests.cluster.fleet_fixtures"]

EACH_SECOND = "* * * * * *"
EACH_YEAR = "0 0 1 1 *"
SECOND = timedelta(seconds=1)
FORBIDDEN_RUN = timedelta(seconds=4)
LONG_NAME = "-".join(["a-name-beyond-what-batch-allows"] * 3)

PLAIN = cron_job(
    "plain",
    EACH_SECOND,
    jobTemplate={
        "metadata": {
            "labels": {"team": "billing", "dcron.io/uid": "forged"},
            "annotations": {"note": "kept", "dcron.io/fired-by": "forged"},
        },
        "spec": {"template": pod_template(env=[{"name": "DCRON_NAME", "value": "of the author"}])},
    },
)
OBJECTS = [
    PLAIN,
    cron_job("to-delete", EACH_SECOND),
    cron_job("retold", EACH_SECOND),
    cron_job("fails", "*/2 * * * * *", template=pod_template(fail=True), failedJobsHistoryLimit=2),
    cron_job(LONG_NAME, "*/2 * * * * *"),
    cron_job("zoned", "*/2 * * * * *", timeZone="Asia/Kolkata"),
    cron_job("several", None, schedules=["*/2 * * * * *", "*/3 * * * * *"]),
    cron_job(
        "forbid",
        EACH_SECOND,
        template=pod_template(run_for=f"{FORBIDDEN_RUN.total_seconds():.0f}s"),
        concurrencyPolicy="Forbid",
    ),
    cron_job("replace", "*/2 * * * * *", template=pod_template(run_for="300s"), concurrencyPolicy="Replace"),
    cron_job("allow", "*/2 * * * * *", template=pod_template(run_for="300s"), concurrencyPolicy="Allow"),
    cron_job("paused", EACH_SECOND, suspend=True),
    cron_job("edited", EACH_YEAR),
    cron_job("collides", "*/2 * * * * *", suspend=True),
    cron_job("tidy", EACH_SECOND, successfulJobsHistoryLimit=2),
    cron_job("tidy-failed", EACH_SECOND, template=pod_template(fail=True), failedJobsHistoryLimit=1),
    cron_job("never", "30 2 31 2 *"),
    cron_job("elsewhere", EACH_SECOND, timeZone="Mars/Olympus"),
    cron_job("misspelt", EACH_SECOND, template=pod_template(immage="busybox")),
]


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace with all objects, each of which has begun to fire if it can."""
    fleet_for_session.mend(*NODES)
    team = found_team("firing")
    team.apply(*OBJECTS)
    eventually(lambda: team.counts("tidy")["created"] >= 5 and team.counts("tidy-failed")["created"] >= 5, "firings")
    team.patch("tidy", suspend=True)
    team.patch("tidy-failed", suspend=True)
    return team


@pytest.fixture
def made(team: Team) -> Callable[[str], list[Made]]:
    """The Jobs that were made for an object, by the API server's own record."""

    def of(name: str) -> list[Made]:
        jobs = audit.made(team.control_plane.audit_log, team.namespace)
        return [job for job in jobs if job.cron_job == name]

    return of


def environment(job: dict[str, Any]) -> dict[str, str]:
    """The variables of a Job's first container."""
    container = job["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable["value"] for variable in container.get("env", [])}


def the_only_event(team: Team, name: str) -> dict[str, Any]:
    """The Event about an object, which must be the only one. It may come a moment after the status."""
    (event,) = eventually(lambda: team.events(name), f"an Event about {name}")
    return event


def most_events(team: Team, name: str) -> int:
    """How many Events an object may have of one kind: one a minute, and one more when another node takes it over."""
    age = now() - instant(team.cron_job(name)["metadata"]["creationTimestamp"])
    return 2 + int(age / timedelta(minutes=1))


# Every firing.


def test_kubectl_wait_sees_an_object_become_ready(team: Team) -> None:
    assert "condition met" in team.kubectl("wait", "--for=condition=Ready", "--timeout=20s", "dcronjob/plain")


def test_a_job_says_which_firing_it_stands_for(team: Team) -> None:
    cron_job = team.cron_job("plain")
    meta = team.jobs("plain")[-1]["metadata"]
    at = instant(meta["annotations"]["dcron.io/scheduled-at"])
    uid = cron_job["metadata"]["uid"]
    assert meta["name"] == f"plain-{at:%Y%m%d%H%M%S}-{uid.replace('-', '')[:10]}"
    assert meta["labels"] == {"team": "billing", "dcron.io/uid": uid, "dcron.io/name": "plain"}
    assert meta["annotations"].pop("dcron.io/fired-by") in NODES
    assert meta["annotations"] == {
        "note": "kept",
        "dcron.io/scheduled-at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "batch.kubernetes.io/cronjob-scheduled-timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "dcron.io/trigger": "schedule",
        "dcron.io/generation": "1",
    }
    assert meta["ownerReferences"] == [
        {
            "apiVersion": "dcron.io/v1",
            "kind": "DistributedCronJob",
            "name": "plain",
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def test_containers_know_their_firing_and_its_neighbours(team: Team) -> None:
    eventually(lambda: team.counts("plain")["succeeded"], "a Job has succeeded")
    since = now()
    team.wait_until_settled(since + 2 * SECOND, "plain")
    job = team.jobs("plain")[-1]
    at = scheduled_at(job)
    variables = environment(job)
    last_success = instant(variables.pop("DCRON_LAST_SUCCESSFUL_AT"))
    assert since - timedelta(minutes=1) < last_success <= now()
    assert variables == {
        "DCRON_NAME": "of the author",
        "DCRON_SCHEDULED_AT": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "DCRON_PREVIOUS_SCHEDULED_AT": f"{at - SECOND:%Y-%m-%dT%H:%M:%SZ}",
        "DCRON_NEXT_SCHEDULED_AT": f"{at + SECOND:%Y-%m-%dT%H:%M:%SZ}",
    }
    assert environment(team.jobs("zoned")[-1])["DCRON_NAME"] == "zoned"


def test_the_time_zone_shows_in_the_annotation_of_batch(team: Team) -> None:
    annotations = team.jobs("zoned")[-1]["metadata"]["annotations"]
    local = annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert local.endswith("+05:30")
    assert instant(local) == instant(annotations["dcron.io/scheduled-at"])


def test_a_name_beyond_the_limit_of_batch_makes_jobs(team: Team) -> None:
    eventually(lambda: team.counts(LONG_NAME)["succeeded"] >= 2, "its Jobs succeed")
    uid = team.cron_job(LONG_NAME)["metadata"]["uid"]
    names = [job["metadata"]["name"] for job in team.jobs() if job["metadata"]["labels"]["dcron.io/uid"] == uid]
    assert all(len(name) <= 63 for name in names)


def test_each_instant_gets_one_job_whatever_stands_beside_it(team: Team) -> None:
    schedules = {"plain": EACH_SECOND, "fails": "*/2 * * * * *", "zoned": "*/2 * * * * *"}
    since = instant(team.cron_job("misspelt")["metadata"]["creationTimestamp"]) + 2 * SECOND
    until = now() + 2 * SECOND
    team.wait_until_settled(until, *schedules)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, schedules, since, until)
    assert found.wrong == []
    assert found.worst <= 2 * SECOND


def test_the_union_of_several_schedules_fires_each_instant_once(team: Team, made: Callable[[str], list[Made]]) -> None:
    instants = [job.instant for job in made("several")]
    assert len(instants) > 3
    assert len(instants) == len(set(instants))
    assert all(at.second % 2 == 0 or at.second % 3 == 0 for at in instants)
    assert any(at.second % 2 for at in instants)


def test_the_status_tells_what_became_of_each_instant(team: Team) -> None:
    eventually(lambda: team.counts("plain")["succeeded"], "a Job has succeeded")
    found = team.cron_job("plain")
    status = found["status"]
    counts = team.counts("plain") | status["counts"]
    outcomes = ("created", "skipped", "missed", "createFailed")
    assert counts["due"] == sum(counts[outcome] for outcome in outcomes)
    assert counts["created"] > 0
    assert status["owner"] in NODES
    assert status["observedGeneration"] == found["metadata"]["generation"]
    assert len(status["recent"]) <= 10
    assert {(told["outcome"], told["reason"]) for told in status["recent"]} == {("created", "Created")}
    assert status["recent"][-1]["job"].startswith("plain-")
    assert instant(status["lastScheduleTime"]) <= instant(status["settledThrough"])
    assert instant(status["nextScheduleTime"]) > instant(status["settledThrough"])
    assert instant(status["lastSuccessfulTime"]) <= now()


def test_kubectl_get_shows_the_columns(team: Team) -> None:
    head, row = team.kubectl("get", "dcronjobs", "plain").splitlines()
    assert " ".join(head.split()) == "NAME SCHEDULE TIME ZONE SUSPEND ACTIVE LAST SCHEDULE NEXT SCHEDULE OWNER AGE"
    assert row.startswith("plain")
    assert EACH_SECOND in row
    assert any(node in row for node in NODES)


def test_kubectl_describe_shows_events_that_do_not_flood(team: Team) -> None:
    eventually(lambda: team.events("plain", "SawCompletedJob"), "an Event of a Job's end")
    description = team.kubectl("describe", "dcronjob", "plain")
    assert "SuccessfulCreate" in description
    assert "Created job plain-" in description
    assert "Saw completed job: plain-" in description
    assert "condition: Complete" in description
    assert len(team.events("plain", "SuccessfulCreate")) <= most_events(team, "plain")
    assert len(team.events("plain", "SawCompletedJob")) <= most_events(team, "plain")


def test_failed_jobs_are_counted_and_told(team: Team) -> None:
    eventually(lambda: team.counts("fails")["failed"] >= 2, "Jobs have failed")
    assert team.counts("fails")["succeeded"] == 0
    assert "lastFailureTime" in team.status("fails")
    assert team.condition("fails")["status"] == "True", "a Job that fails is the author's, not the schedule's trouble"
    eventually(lambda: "condition: Failed" in str(team.events("fails", "SawCompletedJob")), "an Event says Failed")


# Policies.


def test_forbid_skips_while_a_job_runs_and_says_so(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(made("forbid")) >= 3, "three Jobs, one after the other")
    for one, other in pairwise(made("forbid")):
        assert other.at - one.at >= FORBIDDEN_RUN
    counts = team.counts("forbid")
    assert counts["skipped"] > counts["created"] > 0
    assert "SkippedForbid" in {told["reason"] for told in team.status("forbid")["recent"]}
    eventually(lambda: team.events("forbid", "JobAlreadyActive"), "an Event")
    assert len(team.events("forbid", "JobAlreadyActive")) <= most_events(team, "forbid")


def test_replace_keeps_only_the_newest(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(made("replace")) >= 4, "Jobs that replace each other")
    newest_first = made("replace")[::-1]
    goners = audit.deleted(team.control_plane.audit_log, team.namespace)
    survivors = [job for job in newest_first if job.job not in goners]
    assert survivors[0].job == newest_first[0].job
    assert len(survivors) <= 2, "one, and for a moment the one that it replaces"
    eventually(lambda: team.events("replace", "SuccessfulDelete"), "an Event")
    assert team.counts("replace")["skipped"] == 0


def test_allow_lets_jobs_run_side_by_side(team: Team) -> None:
    eventually(lambda: team.status("allow").get("activeJobs", 0) >= 4, "four at a time")
    assert len(team.status("allow")["active"]) >= 4
    assert not finished(team.jobs("allow"))


def test_nothing_fires_while_suspended_and_nothing_is_caught_up(team: Team, made: Callable[[str], list[Made]]) -> None:
    assert team.jobs("paused") == []
    assert team.condition("paused", "Suspended")["status"] == "True"
    first_resumed = now().replace(microsecond=0)
    team.patch("paused", suspend=False)
    eventually(lambda: team.jobs("paused"), "it fires again")
    suspended = team.patch("paused", suspend=True)
    team.wait_until_settled(suspended + 4 * SECOND, "plain")
    resumed = now().replace(microsecond=0)
    team.patch("paused", suspend=False)
    eventually(lambda: made("paused")[-1].instant > resumed, "it fires once more")
    assert made("paused")[0].instant > first_resumed
    assert not [job for job in made("paused") if suspended + SECOND < job.at < resumed]
    assert not [job for job in made("paused") if suspended < job.instant <= resumed]
    eventually(lambda: team.counts("paused")["skipped"] >= 3, "the skipped instants are counted")


def test_an_edit_never_fires_backwards(team: Team, made: Callable[[str], list[Made]]) -> None:
    edited = now().replace(microsecond=0)
    team.patch("edited", schedule=EACH_SECOND)
    eventually(lambda: len(made("edited")) >= 2, "it fires by the new schedule")
    assert made("edited")[0].instant > edited
    last_edited = team.patch("edited", schedule=EACH_YEAR)
    team.wait_until_settled(last_edited + 3 * SECOND, "plain")
    assert made("edited")[-1].at <= last_edited + SECOND


def test_an_edit_of_the_template_counts_from_the_next_firing(team: Team) -> None:
    began = now()
    team.patch("retold", jobTemplate={"metadata": {"labels": {"edition": "second"}}})
    told = now()
    eventually(lambda: "edition" in team.jobs("retold")[-1]["metadata"]["labels"], "a Job of the new template", 10)
    team.wait_until_settled(told + 2 * SECOND, "retold")
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    assert audit.balance(jobs, {"retold": EACH_SECOND}, began - SECOND, told + 2 * SECOND).wrong == []


# What cannot work.


def test_a_schedule_that_never_fires_is_reported_once(team: Team) -> None:
    condition = eventually(lambda: team.condition("never"), "a condition", seconds=10)
    assert (condition["status"], condition["reason"]) == ("False", "InvalidSchedule")
    assert "30 2 31 2 *" in the_only_event(team, "never")["message"]
    team.patch("never", schedule=EACH_SECOND)
    eventually(lambda: team.condition("never")["status"] == "True" and team.jobs("never"), "it fires once mended")


def test_an_unknown_time_zone_is_reported_once(team: Team) -> None:
    condition = eventually(lambda: team.condition("elsewhere"), "a condition", seconds=10)
    assert (condition["status"], condition["reason"]) == ("False", "UnknownTimeZone")
    assert "Mars/Olympus" in condition["message"]
    assert the_only_event(team, "elsewhere")["reason"] == "UnknownTimeZone"
    assert team.jobs("elsewhere") == []


def test_a_template_that_the_api_server_refuses_shows_within_seconds(team: Team) -> None:
    applied = now()
    team.apply(cron_job("refused", EACH_YEAR, template=pod_template(restartPolice="Never")))
    condition = eventually(lambda: team.condition("refused"), "a condition", seconds=10)
    assert now() - applied <= 10 * SECOND
    assert (condition["status"], condition["reason"]) == ("False", "InvalidJobTemplate")
    assert 'unknown field "spec.template.spec.containers[0].restartPolice"' in condition["message"]
    event = the_only_event(team, "refused")
    assert event["reason"] == "FailedCreate"
    assert "restartPolice" in event["message"]
    team.apply(cron_job("refused", EACH_YEAR))
    eventually(lambda: team.condition("refused")["status"] == "True", "it is ready once mended", seconds=10)


def test_a_template_that_never_works_fails_each_instant_and_does_not_flood(team: Team) -> None:
    team.apply(cron_job("invalid", EACH_SECOND, template={"spec": {"restartPolicy": "Always", "containers": []}}))
    eventually(lambda: team.counts("invalid")["createFailed"] >= 4, "four outcomes")
    assert team.condition("invalid")["reason"] == "InvalidJobTemplate"
    assert team.counts("invalid")["due"] == team.counts("invalid")["createFailed"]
    assert len(team.events("invalid")) <= 1 + most_events(team, "invalid")
    assert team.jobs("invalid") == []


def test_a_foreign_job_under_the_name_of_a_firing_is_left_alone_and_reported(team: Team) -> None:
    uid = team.cron_job("collides")["metadata"]["uid"].replace("-", "")[:10]
    soon = now().replace(microsecond=0) + 5 * SECOND
    at = soon + SECOND * (soon.second % 2)
    name = f"collides-{at:%Y%m%d%H%M%S}-{uid}"
    team.kubectl("create", "job", name, "--image=busybox")
    foreign = team.look(f"/apis/batch/v1|jobs/{name}")["metadata"]
    team.patch("collides", suspend=False)
    eventually(lambda: team.counts("collides")["createFailed"] == 1, "the outcome CreateFailed")
    told = next(told for told in team.status("collides")["recent"] if told["outcome"] == "createFailed")
    assert instant(told["scheduledAt"]) == at
    events = eventually(lambda: team.events("collides", "FailedCreate"), "an Event")
    assert len(events) == 1
    assert "NameCollision" in events[0]["message"]
    assert team.look(f"/apis/batch/v1|jobs/{name}")["metadata"]["uid"] == foreign["uid"]
    eventually(lambda: team.condition("collides")["status"] == "True", "the next firing makes it ready again")


def test_a_quota_is_waited_for(found_team: Callable[[str], Team]) -> None:
    crowded = found_team("quota")
    crowded.kubectl("create", "quota", "none", "--hard=count/jobs.batch=0")
    eventually(lambda: crowded.look("/api/v1|resourcequotas/none").get("status", {}).get("hard"), "the quota holds")
    crowded.apply(cron_job("refused", EACH_SECOND))
    eventually(lambda: crowded.condition("refused").get("reason") == "CreateFailed", "Ready says so", seconds=15)
    assert "exceeded quota" in crowded.condition("refused")["message"]
    lifted = now()
    crowded.kubectl("delete", "quota", "none")
    eventually(lambda: crowded.jobs(), "it fires once the quota is gone")
    eventually(lambda: crowded.condition("refused")["status"] == "True", "it is ready again")
    crowded.wait_until_settled(now() + 2 * SECOND)
    jobs = audit.made(crowded.control_plane.audit_log, crowded.namespace)
    assert audit.balance(jobs, {"refused": EACH_SECOND}, lifted + 2 * SECOND, now()).twice == []
    assert len(crowded.events("refused", "FailedCreate")) <= 3


# The end.


def test_a_deleted_object_fires_no_more_and_its_jobs_go(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(team.jobs("to-delete")) >= 2, "it has Jobs")
    gone = team.delete("to-delete")
    eventually(lambda: team.jobs("to-delete") == [], "its Jobs are collected")
    team.wait_until_settled(gone + 3 * SECOND, "plain")
    assert not [job for job in made("to-delete") if job.at > gone + SECOND]
    assert team.jobs("to-delete") == []


def test_an_object_made_anew_under_the_same_name_fires_at_once(team: Team) -> None:
    team.apply(cron_job("again", EACH_SECOND, template=pod_template(run_for="300s"), concurrencyPolicy="Forbid"))
    eventually(lambda: team.jobs("again"), "it fires")
    old = team.cron_job("again")["metadata"]["uid"]
    team.kubectl("delete", "dcronjob", "again")
    team.apply(cron_job("again", EACH_SECOND, concurrencyPolicy="Forbid"))
    eventually(lambda: team.counts("again")["created"] >= 2, "the Job of the earlier one is not in its way")
    assert team.cron_job("again")["metadata"]["uid"] != old


def test_a_namespace_that_goes_is_left_in_silence(
    control_plane: ControlPlane, fleet: Fleet, found_team: Callable[[str], Team]
) -> None:
    leaving = found_team("leaving")
    names = [f"last-{number}" for number in range(6)]
    leaving.apply(*(cron_job(name, EACH_SECOND) for name in names))
    eventually(lambda: leaving.counts(names[-1])["created"], "they fire")
    before = {replica.node: len(complaints(replica.log)) for replica in fleet.living()}
    hold = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hold", "finalizers": ["example.com/hold"]}}
    leaving.kubectl("apply", "-f", "-", stdin=json.dumps(hold))
    control_plane.kubectl("delete", "namespace", leaving.namespace, "--wait=false")
    eventually(lambda: leaving.cron_jobs() == [], "the objects are gone")
    gone = now()
    eventually(lambda: leaving.jobs() == [], "their Jobs are gone")
    leaving.kubectl("patch", "configmap", "hold", "--type=merge", "--patch", '{"metadata":{"finalizers":null}}')
    new = {replica.node: complaints(replica.log)[before[replica.node] :] for replica in fleet.living()}
    assert not [line for lines in new.values() for line in lines if leaving.namespace in line]
    assert not [job for job in audit.made(control_plane.audit_log, leaving.namespace) if job.at > gone + SECOND]


def test_history_keeps_as_many_finished_jobs_as_asked_for(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(team.jobs("tidy")) == 2 and len(team.jobs("tidy-failed")) == 1, "limits", seconds=120)
    kept = [job["metadata"]["name"] for job in team.jobs("tidy")]
    assert kept == [job.job for job in made("tidy")[-2:]], "the newest are kept"
    assert failed(team.jobs("tidy-failed")[0])
    goners = audit.deleted(team.control_plane.audit_log, team.namespace)
    for job in (*made("tidy")[:-2], *made("tidy-failed")[:-1]):
        assert goners[job.job] - job.instant >= 30 * SECOND, "a create that was delayed must still meet the name"
