"""The Job of a firing: its name, which is the first lock against firing twice, its manifest, and how a Job is read."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller import jobs
from controller.jobs import Firing, manifest
from controller.names import fit, name_for
from controller.outcomes import Trigger
from controller.spec import CronJob
from tests.unit.builders import UID, at, cron_job, key

LONG = "a-report-with-a-name-that-is-much-longer-than-a-job-may-have-eu"
"""63 characters."""


def named(name: str, *, uid: str = UID) -> CronJob:
    return replace(cron_job(), key=key(name), uid=uid)


# --- the name -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report", "report-20260302120000-6f1c2d3e4b"),
        ("a" * 37, "a" * 37 + "-20260302120000-6f1c2d3e4b"),
        ("a" * 38, "aaaaaaaaaaaaaaaaaaaaaaaaaa-365a9c3e2c-20260302120000-6f1c2d3e4b"),
        (LONG, "a-report-with-a-name-that-03490611e1-20260302120000-6f1c2d3e4b"),
    ],
    ids=["short", "just short enough", "one too many", "as long as a label"],
)
def test_a_name_is_the_same_in_every_version(name: str, expected: str) -> None:
    """Two versions that name one firing differently would fire it twice."""
    assert name_for(named(name), at("12:00")) == expected


def test_the_instant_in_a_name_is_utc_whatever_zone_it_comes_in() -> None:
    local = at("12:00").astimezone(timezone(timedelta(hours=9)))
    assert name_for(cron_job(), local) == name_for(cron_job(), at("12:00"))


def test_instants_a_second_apart_have_different_names() -> None:
    names = {name_for(cron_job(), at("12:00") + timedelta(seconds=second)) for second in range(120)}
    assert len(names) == 120


def test_an_object_made_again_under_the_same_name_names_its_jobs_differently() -> None:
    again = named("report", uid="0a1b2c3d-4e5f-4a6b-8c7d-90a1b2c3d4e5")
    assert name_for(again, at("12:00")) != name_for(cron_job(), at("12:00"))


def test_long_names_that_differ_only_at_their_end_stay_distinct() -> None:
    names = {name_for(named("x" * 60 + end), at("12:00")) for end in ("a", "b", "aa", "ab")}
    assert len(names) == 4


@settings(max_examples=50)
@given(
    name=st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?){0,4}\Z"),
    instant=st.integers(0, 252_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
)
def test_every_name_is_one_that_the_api_server_takes(name: str, instant: datetime) -> None:
    made = name_for(named(name), instant)
    assert len(made) <= 63
    for label in made.split("."):
        assert label
        assert label.strip("-") == label


def test_a_cut_never_leaves_a_dash_or_dot_before_the_digest() -> None:
    assert fit("aaaa.-.bbbbbbbbbbbbbbbbbb", 18) == "aaaa-547bf704b5"


# --- the manifest ---------------------------------------------------------------------------------------------------


FIRING = Firing(
    name=name_for(cron_job(), at("12:00")),
    scheduled_at=at("12:00"),
    trigger=Trigger.SCHEDULE,
    previous_at=at("11:55"),
    next_at=at("12:05"),
)


def with_template(**template: Any) -> CronJob:
    return cron_job(jobTemplate=template)


def with_pod(**pod: Any) -> CronJob:
    return with_template(spec={"template": {"spec": pod}})


def made(cron: CronJob, firing: Firing = FIRING) -> dict[str, Any]:
    return manifest(cron, firing, fired_by="node-a")


def env_of(cron: CronJob, kind: str = "containers", firing: Firing = FIRING) -> list[dict[str, str]]:
    env: list[dict[str, str]] = made(cron, firing)["spec"]["template"]["spec"][kind][0]["env"]
    return env


def values(env: list[dict[str, str]]) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in env}


def test_the_job_of_a_firing() -> None:
    cron = with_template(spec={"backoffLimit": 2, "template": {"spec": {"restartPolicy": "Never"}}})
    assert made(cron) == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "report-20260302120000-6f1c2d3e4b",
            "namespace": "ns",
            "labels": {"dcron.io/uid": UID, "dcron.io/name": "report"},
            "annotations": {
                "dcron.io/scheduled-at": "2026-03-02T12:00:00Z",
                "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-03-02T12:00:00Z",
                "dcron.io/fired-by": "node-a",
                "dcron.io/trigger": "schedule",
                "dcron.io/generation": "1",
            },
            "ownerReferences": [
                {
                    "apiVersion": "dcron.io/v1",
                    "kind": "DistributedCronJob",
                    "name": "report",
                    "uid": UID,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        },
        "spec": {"backoffLimit": 2, "template": {"spec": {"restartPolicy": "Never"}}},
    }


def test_a_firing_that_is_caught_up_says_so() -> None:
    annotations = made(cron_job(), replace(FIRING, trigger=Trigger.CATCH_UP))["metadata"]["annotations"]
    assert annotations["dcron.io/trigger"] == "catch-up"


ZONES = {
    "none is UTC": (None, "2026-03-02T12:00:00Z"),
    "east": ("Asia/Kathmandu", "2026-03-02T17:45:00+05:45"),
    "west": ("America/New_York", "2026-03-02T07:00:00-05:00"),
    "a zone that stands at UTC": ("Africa/Abidjan", "2026-03-02T12:00:00Z"),
    "an unknown one, put in after the slot was claimed": ("Mars/Olympus", "2026-03-02T12:00:00Z"),
}


@pytest.mark.parametrize("row", ZONES)
def test_the_annotation_of_batch_v1_has_the_instant_in_the_zone_of_the_schedule(row: str) -> None:
    zone, written = ZONES[row]
    annotations = made(cron_job(timeZone=zone))["metadata"]["annotations"]
    assert annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] == written
    assert annotations["dcron.io/scheduled-at"] == "2026-03-02T12:00:00Z"


def test_labels_and_annotations_of_the_template_are_kept_and_reserved_ones_dropped() -> None:
    meta = made(
        with_template(
            metadata={
                "labels": {"team": "a", "dcron.io/uid": "stolen", "dcron.io/other": "x"},
                "annotations": {
                    "note": "b",
                    "dcron.io/scheduled-at": "never",
                    "dcron.io/trigger-id": "x",
                    "batch.kubernetes.io/cronjob-scheduled-timestamp": "never",
                    "batch.kubernetes.io/job-tracking": "",
                },
                "name": "not used",
            },
            spec={},
        )
    )["metadata"]
    assert meta["labels"] == {"team": "a", "dcron.io/uid": UID, "dcron.io/name": "report"}
    assert meta["annotations"]["note"] == "b"
    assert meta["annotations"]["batch.kubernetes.io/job-tracking"] == ""
    assert meta["annotations"]["dcron.io/scheduled-at"] == "2026-03-02T12:00:00Z"
    assert "dcron.io/trigger-id" not in meta["annotations"]
    assert meta["name"] == "report-20260302120000-6f1c2d3e4b"


def test_a_name_that_is_too_long_for_a_label_is_cut() -> None:
    labels = made(named("x" * 64))["metadata"]["labels"]
    assert labels["dcron.io/name"] == fit("x" * 64, 63)
    assert len(labels["dcron.io/name"]) == 63


def test_every_container_gets_the_instants_in_its_environment() -> None:
    cron = with_pod(initContainers=[{"name": "i"}], containers=[{"name": "a", "env": [{"name": "X", "value": "1"}]}])
    expected = {
        "DCRON_SCHEDULED_AT": "2026-03-02T12:00:00Z",
        "DCRON_PREVIOUS_SCHEDULED_AT": "2026-03-02T11:55:00Z",
        "DCRON_NEXT_SCHEDULED_AT": "2026-03-02T12:05:00Z",
        "DCRON_LAST_SUCCESSFUL_AT": "2026-03-02T11:56:30Z",
        "DCRON_NAME": "report",
    }
    known = replace(FIRING, last_successful_at=at("11:56:30"))
    assert values(env_of(cron, "initContainers", known)) == expected
    assert values(env_of(cron, firing=known)) == {"X": "1", **expected}


@pytest.mark.parametrize(
    ("template", "labels"),
    [
        pytest.param({"template": {"metadata": {"labels": {"app": "x"}}}}, {"app": "x"}, id="as the API server does"),
        pytest.param({"template": {"metadata": {"labels": {"dcron.io/uid": "x"}}}}, {}, id="never ours"),
        pytest.param({"template": {"metadata": {"labels": {"app": 1}}}}, {}, id="a number"),
        pytest.param({"template": {"metadata": {"labels": ["app"]}}}, {}, id="a list"),
        pytest.param({"template": {"metadata": "none"}}, {}, id="no metadata"),
        pytest.param({"template": "none"}, {}, id="no template"),
        pytest.param({"template": None}, {}, id="null"),
        pytest.param({}, {}, id="nothing"),
    ],
)
def test_a_job_without_labels_gets_those_of_its_pods(template: dict[str, Any], labels: dict[str, str]) -> None:
    body = made(with_template(spec=template))
    ours = {name for name in body["metadata"]["labels"] if name.startswith("dcron.io/")}
    assert ours == {"dcron.io/uid", "dcron.io/name"}
    assert {name: value for name, value in body["metadata"]["labels"].items() if name not in ours} == labels


def test_labels_of_the_job_keep_out_those_of_its_pods() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {"metadata": {"labels": {"app": "x"}}}}}
    labels = made(with_template(**template))["metadata"]["labels"]
    assert labels["a"] == "b"
    assert "app" not in labels


def test_what_is_not_known_is_absent_from_the_environment() -> None:
    cron = with_pod(containers=[{"name": "a"}])
    body = made(cron, Firing(name="n", scheduled_at=at("12:00"), trigger=Trigger.SCHEDULE))
    assert values(body["spec"]["template"]["spec"]["containers"][0]["env"]) == {
        "DCRON_SCHEDULED_AT": "2026-03-02T12:00:00Z",
        "DCRON_NAME": "report",
    }


def test_what_the_template_sets_itself_wins() -> None:
    own = [{"name": "DCRON_NAME", "value": "mine"}, {"name": "DCRON_SCHEDULED_AT", "valueFrom": {"fieldRef": {}}}]
    env = env_of(with_pod(containers=[{"name": "a", "env": own}]))
    assert env[:2] == own
    assert [entry["name"] for entry in env[2:]] == ["DCRON_PREVIOUS_SCHEDULED_AT", "DCRON_NEXT_SCHEDULED_AT"]


def test_the_template_stays_as_the_author_wrote_it_and_shares_nothing_with_the_job() -> None:
    cron = with_pod(containers=[{"name": "a", "env": [{"name": "X", "value": "1"}]}], initContainers=[{"name": "i"}])
    before = copy.deepcopy(dict(cron.spec.job_template))
    body = made(cron)
    assert cron.spec.job_template == before
    body["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"
    assert cron.spec.job_template == before


ODD_TEMPLATES: dict[str, dict[str, Any]] = {
    "nothing at all": {},
    "nulls": {"metadata": None, "spec": None},
    "no labels and no pod": {"metadata": {"labels": None, "annotations": None}, "spec": {"template": None}},
    "a pod without a spec": {"spec": {"template": {}}},
    "a pod spec that is a word": {"spec": {"template": {"spec": "containers"}}},
    "no containers": {"spec": {"template": {"spec": {"containers": None, "initContainers": []}}}},
    "containers that are a word": {"spec": {"template": {"spec": {"containers": "abc"}}}},
    "a container that is a word": {"spec": {"template": {"spec": {"containers": ["abc"]}}}},
    "an environment that is an object": {"spec": {"template": {"spec": {"containers": [{"env": {"A": "b"}}]}}}},
}


@pytest.mark.parametrize("row", ODD_TEMPLATES)
def test_a_template_of_another_shape_is_passed_on_for_the_api_server_to_judge(row: str) -> None:
    template = ODD_TEMPLATES[row]
    assert made(with_template(**template))["spec"] == (template.get("spec") or {})


def test_an_entry_of_the_environment_of_another_shape_is_passed_on() -> None:
    env = env_of(with_pod(containers=[{"name": "a", "env": ["DCRON_NAME", {"name": ["x"]}, {"value": "nameless"}]}]))
    assert env[:3] == ["DCRON_NAME", {"name": ["x"]}, {"value": "nameless"}]
    assert env[-1] == {"name": "DCRON_NAME", "value": "report"}


# --- a Job in the cluster -------------------------------------------------------------------------------------------


def body(*conditions: dict[str, str], **meta: Any) -> dict[str, Any]:
    """A Job of ours as the API server shows it."""
    return {
        "metadata": {
            "namespace": "ns",
            "name": "report-20260302120000-6f1c2d3e4b",
            "uid": "u1",
            "resourceVersion": "42",
            "creationTimestamp": "2026-03-02T12:00:01Z",
            "labels": {"dcron.io/uid": UID},
            "annotations": {"dcron.io/scheduled-at": "2026-03-02T12:00:00Z"},
            "ownerReferences": [{"uid": "other"}, {"uid": UID, "controller": True}],
            **meta,
        },
        "status": {"conditions": list(conditions)},
    }


def condition(type_: str, status: str = "True", time: str | None = "12:03") -> dict[str, str]:
    written = {"type": type_, "status": status}
    return written if time is None else {**written, "lastTransitionTime": f"2026-03-02T{time}:00Z"}


def test_what_is_kept_of_a_job() -> None:
    assert jobs.parse(body()) == jobs.Job(
        namespace="ns",
        name="report-20260302120000-6f1c2d3e4b",
        uid="u1",
        owner_uid=UID,
        controlled_by=UID,
        created_at=at("12:00:01"),
        scheduled_at=at("12:00"),
        version=42,
    )


ENDS: dict[str, tuple[list[dict[str, str]], tuple[str | None, bool]]] = {
    "no conditions": ([], (None, False)),
    "Complete": ([condition("Complete")], ("12:03", True)),
    "Failed": ([condition("Failed")], ("12:03", False)),
    "Complete that does not hold": ([condition("Complete", "False")], (None, False)),
    "only the success criteria are met": ([condition("SuccessCriteriaMet")], (None, False)),
    "only bound to fail": ([condition("FailureTarget")], (None, False)),
    "criteria met, then Complete": (
        [condition("SuccessCriteriaMet"), condition("Complete", time="12:04")],
        ("12:04", True),
    ),
    "bound to fail, then Failed": ([condition("FailureTarget"), condition("Failed", time="12:04")], ("12:04", False)),
    "Suspended": ([condition("Suspended")], (None, False)),
    "an end without a time counts from the creation": ([condition("Failed", time=None)], ("12:00:01", False)),
}


@pytest.mark.parametrize("row", ENDS)
def test_a_job_is_finished_when_the_job_controller_says_complete_or_failed(row: str) -> None:
    conditions, (finished, succeeded) = ENDS[row]
    job = jobs.parse(body(*conditions))
    assert job.finished_at == (None if finished is None else at(finished))
    assert job.succeeded is succeeded
    assert job.active is (finished is None)


@pytest.mark.parametrize(
    "job",
    [jobs.parse(body(), gone=True), jobs.parse(body(deletionTimestamp="2026-03-02T12:01:00Z"))],
    ids=["the event says that it was deleted", "it is being deleted"],
)
def test_a_job_that_is_gone_is_not_active(job: jobs.Job) -> None:
    assert job.gone
    assert not job.active


def test_a_job_that_is_not_of_our_making_is_read_all_the_same() -> None:
    bare = {"namespace": "ns", "name": "n", "uid": "u", "creationTimestamp": "2026-03-02T12:00:01Z"}
    job = jobs.parse({"metadata": bare})
    assert (job.owner_uid, job.controlled_by, job.scheduled_at, job.version) == ("", None, None, 0)
    nulls = {**bare, "labels": None, "annotations": None, "ownerReferences": None}
    assert jobs.parse({"metadata": nulls, "status": None}) == job


def test_an_annotation_that_somebody_has_overwritten_is_no_instant() -> None:
    assert jobs.parse(body(annotations={"dcron.io/scheduled-at": "yesterday"})).scheduled_at is None


def test_the_job_of_a_manifest_reads_back_as_the_firing_it_was_made_for() -> None:
    made_body = made(cron_job())
    made_body["metadata"] |= {"uid": "u1", "creationTimestamp": "2026-03-02T12:00:01Z"}
    job = jobs.parse(made_body)
    assert (job.owner_uid, job.controlled_by, job.scheduled_at) == (UID, UID, at("12:00"))
