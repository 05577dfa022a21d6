"""Who may not create Jobs in a namespace may not have a DistributedCronJob create them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from tests.chart.conftest import AUTHORS
from tests.chart.helm import SECONDS, Helm, of_kind
from tests.chart.release import Release, restricted_namespace
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, annotated, cron_job

pytestmark = pytest.mark.timeout(SECONDS)

MAY, MAY_NOT = AUTHORS
COLLECTOR = "system:serviceaccount:kube-system:generic-garbage-collector"
REFUSED = "may not create Jobs in the namespace"
LIMIT = 2000
_DELETION_SECONDS = 30


@pytest.fixture(scope="module")
def team(admin: Helm, control_plane: ControlPlane) -> Iterator[Team]:
    """A namespace where both authors may write our objects, and one of them Jobs; no replica runs."""
    namespace = restricted_namespace(control_plane, "admission")
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)
    release.install(
        {
            "replicas": 1,
            "redis": {"mode": "none"},
            "admission": {"maxTemplateCharacters": LIMIT},
            "rbac": {"aggregate": True},
        }
    )
    team = Team.founded(control_plane, "authors")
    team.kubectl("create", "role", "jobs", "--verb=create", "--resource=jobs.batch")
    team.kubectl("create", "rolebinding", "jobs", "--role=jobs", f"--user={MAY}")
    for number, user in enumerate(AUTHORS):
        role = "--clusterrole=admission-dcron-editor"
        team.kubectl("create", "rolebinding", f"editor-{number}", role, f"--user={user}")
    # A policy is in force some moments after it is made.
    eventually(lambda: refusal(team, MAY_NOT, cron_job("probe", "@daily"), "--dry-run=server"), "the policy in force")
    yield team
    team.dissolve()
    release.uninstall()


def as_user(team: Team, user: str, *arguments: str, stdin: str | None = None) -> str:
    """What kubectl prints for an author with a token of his own."""
    return team.kubectl("--kubeconfig", str(team.control_plane.kubeconfig_of(user)), *arguments, stdin=stdin)


def refusal(team: Team, user: str, body: dict[str, Any], *flags: str) -> str:
    """Why an author may not apply an object; empty if he may."""
    try:
        as_user(team, user, "apply", "-f", "-", *flags, stdin=json.dumps(body))
    except KubectlFailed as error:
        return error.stderr
    return ""


def may(team: Team, user: str, verb: str, group: str, resource: str) -> bool:
    """Whether the API server would let a user do something in the namespace."""
    wanted = {"namespace": team.namespace, "verb": verb, "group": group, "resource": resource}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:serviceaccounts"], "resourceAttributes": wanted},
    }
    return bool(
        json.loads(team.kubectl("create", "-o", "json", "-f", "-", stdin=json.dumps(review)))["status"]["allowed"]
    )


def test_who_may_create_jobs_may_create_change_and_annotate_an_object(team: Team) -> None:
    body = cron_job("mine", "@daily")
    assert refusal(team, MAY, body) == ""
    assert refusal(team, MAY, annotated(cron_job("mine", "@weekly"), trigger="now")) == ""


def test_who_may_not_create_jobs_may_not_create_an_object(team: Team) -> None:
    said = refusal(team, MAY_NOT, cron_job("stranger", "@daily"))
    assert f"{MAY_NOT} {REFUSED} {team.namespace}" in said
    assert "Forbidden" in said
    assert "stranger" not in team.kubectl("get", "dcronjobs", "-o", "name")


CHANGES: dict[str, tuple[str, ...]] = {
    "the schedule": ("patch", "dcronjob", "theirs", "--type=merge", "-p", '{"spec":{"schedule":"@hourly"}}'),
    "a suspension": ("patch", "dcronjob", "theirs", "--type=merge", "-p", '{"spec":{"suspend":true}}'),
    "a run by hand": ("annotate", "dcronjob", "theirs", "dcron.io/trigger=now"),
    "another run by hand": ("annotate", "dcronjob", "theirs", "--overwrite", "dcron.io/suspend-reason=another"),
    "the end of a pause": ("annotate", "dcronjob", "theirs", "dcron.io/suspend-reason-"),
}
HARMLESS: dict[str, tuple[str, ...]] = {
    "a label": ("label", "dcronjob", "theirs", "--overwrite", "team=blue"),
    "an annotation of somebody else": ("annotate", "dcronjob", "theirs", "--overwrite", "example.com/note=x"),
    "the same reason again": ("annotate", "dcronjob", "theirs", "--overwrite", "dcron.io/suspend-reason=reason"),
}


@pytest.fixture(scope="module")
def theirs(team: Team) -> Team:
    """The namespace with an object of its administrator."""
    team.apply(annotated(cron_job("theirs", "@daily"), **{"suspend-reason": "reason"}))
    return team


@pytest.mark.parametrize("change", CHANGES)
def test_who_may_not_create_jobs_may_not_change_what_an_object_does(theirs: Team, change: str) -> None:
    with pytest.raises(KubectlFailed, match=REFUSED):
        as_user(theirs, MAY_NOT, *CHANGES[change])


@pytest.mark.parametrize("change", HARMLESS)
def test_what_asks_for_nothing_more_is_open_to_all_editors(theirs: Team, change: str) -> None:
    as_user(theirs, MAY_NOT, *HARMLESS[change])


def test_a_deletion_in_the_foreground_does_not_hang_although_the_garbage_collector_may_not_create_jobs(
    team: Team,
) -> None:
    assert not may(team, COLLECTOR, "create", "batch", "jobs")
    assert may(team, COLLECTOR, "patch", "dcron.io", "distributedcronjobs")
    team.apply(cron_job("goes", "@daily"))
    uid = team.cron_job("goes")["metadata"]["uid"]
    owner = {
        "apiVersion": "dcron.io/v1", "kind": "DistributedCronJob", "name": "goes", "uid": uid,
        "controller": True, "blockOwnerDeletion": True,
    }  # fmt: skip
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "goes-1", "ownerReferences": [owner]},
        "spec": {"suspend": True, **cron_job("goes", "@daily")["spec"]["jobTemplate"]["spec"]},
    }
    team.apply(job)
    as_user(team, MAY_NOT, "delete", "dcronjob", "goes", "--cascade=foreground", f"--timeout={_DELETION_SECONDS}s")
    assert team.jobs() == []
    assert "goes" not in team.kubectl("get", "dcronjobs", "-o", "name")
    entries = (json.loads(line) for line in team.control_plane.audit_log.read_text().splitlines())
    touched = {
        (entry["user"]["username"], entry["verb"])
        for entry in entries
        if entry["objectRef"].get("resource") == "distributedcronjobs"
        and entry["objectRef"].get("name") == "goes"
        and entry["objectRef"].get("namespace") == team.namespace
    }
    assert (COLLECTOR, "patch") in touched or (COLLECTOR, "update") in touched


def test_a_template_longer_than_the_limit_is_refused_with_both_lengths(team: Team) -> None:
    def sized(characters: int) -> dict[str, Any]:
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x" * characters}]}}
        return cron_job("long", "@daily", template=template)

    assert refusal(team, MAY, sized(LIMIT - 500)) == ""
    said = refusal(team, MAY, sized(LIMIT))
    assert f"characters, at most {LIMIT} are allowed here" in said
    told = int(said.partition("spec.jobTemplate has ")[2].split()[0])
    written = len(json.dumps(sized(LIMIT)["spec"]["jobTemplate"]))
    assert abs(told - written) < 0.1 * written
    as_user(team, MAY, "label", "dcronjob", "long", "team=blue")


def test_the_api_server_finds_nothing_doubtful_in_the_policy(team: Team) -> None:
    def status() -> dict[str, Any]:
        policy = team.control_plane.kubectl("get", "validatingadmissionpolicy", "admission-dcron", "-o", "json")
        found: dict[str, Any] = json.loads(policy).get("status", {})
        return found

    assert eventually(status, "the types of the policy checked")["typeChecking"] == {}


def test_nobody_gets_rights_by_aggregation_unless_it_is_asked_for(helm: Helm) -> None:
    for aggregate in (False, True):
        objects = helm.template({"rbac": {"aggregate": aggregate}})
        for role, into in (("editor", {"admin", "edit"}), ("viewer", {"view"})):
            labels = of_kind(objects, "ClusterRole", f"dcron-system-dcron-{role}")["metadata"]["labels"]
            aggregated = {label.rpartition("-to-")[2] for label in labels if "/aggregate-to-" in label}
            assert aggregated == (into if aggregate else set())


def test_editors_and_viewers_of_a_namespace_get_their_rights_by_aggregation(team: Team) -> None:
    def rules(role: str) -> str:
        return team.control_plane.kubectl("get", "clusterrole", role, "-o", "json")

    eventually(lambda: "distributedcronjobs" in rules("edit"), "rights of editors")
    eventually(lambda: "distributedcronjobs" in rules("view"), "rights of viewers")
    viewer = json.loads(rules("admission-dcron-viewer"))["rules"]
    assert {verb for rule in viewer for verb in rule["verbs"]} == {"get", "list", "watch"}
    editor = json.loads(rules("admission-dcron-editor"))["rules"]
    status = [rule for rule in editor if "distributedcronjobs/status" in rule["resources"]]
    assert [rule["verbs"] for rule in status] == [["get"]], "what has happened is the controller's to tell"
