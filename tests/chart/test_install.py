"""The chart as it comes, installed with the real helm under RBAC and Pod Security, and what its pods would run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from tests.chart.conftest import ACCOUNTS, NAMESPACE
from tests.chart.helm import SECONDS, of_kind
from tests.chart.release import Release
from tests.chart.rights import Right, asked, granted
from tests.chart.test_signals import ALERTS, series_of
from tests.cluster.fleet import Replica, eventually
from tests.cluster.team import Team, cron_job, finished, pod_template

pytestmark = pytest.mark.timeout(SECONDS)

_HOOK_SECONDS = 180


@pytest.fixture(scope="module")
def replicas(installed: Release, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Redis and three replicas, as the pods have them."""
    with installed.running(tmp_path_factory.mktemp("pods")) as replicas:
        yield replicas


@pytest.fixture
def team(control_plane: ControlPlane) -> Iterator[Team]:
    """A namespace with objects."""
    team = Team.founded(control_plane, "authors")
    yield team
    team.dissolve()


def test_the_namespace_takes_the_pods_of_the_chart_and_no_others(installed: Release) -> None:
    assert [len(installed.pods(component)) for component in ("controller", "redis")] == [3, 1]
    plain = {"containers": [{"name": "c", "image": "busybox"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}, "spec": plain}
    with pytest.raises(KubectlFailed, match='violates PodSecurity "restricted'):
        installed.control_plane.kubectl("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(pod))


def test_an_object_fires(replicas: list[Replica], team: Team) -> None:
    team.apply(cron_job("tick", "*/2 * * * * *"))
    jobs = eventually(lambda: finished(team.jobs("tick")), "a Job that has ended")
    by = {job["metadata"]["annotations"]["dcron.io/fired-by"] for job in jobs}
    assert by <= {replica.node for replica in replicas}


def test_replicas_log_json_and_nothing_is_forbidden_to_them(replicas: list[Replica]) -> None:
    for replica in replicas:
        lines = [json.loads(line) for line in replica.log.splitlines()]
        assert lines[0]["message"] == "starting"
        assert [line for line in lines if "forbidden" in str(line).lower()] == []


def test_helm_test_says_that_it_is_well_and_its_command_finds_what_is_not(
    installed: Release, replicas: list[Replica]
) -> None:
    assert "Phase:          Succeeded" in installed.test()
    hook = of_kind(installed.helm.template({}), "Job", "dcron-test")
    (container,) = hook["spec"]["template"]["spec"]["containers"]
    name, flag = container["command"]
    script, address, members = container["args"]
    assert (name, flag, address, members) == ("python", "-c", "http://dcron:8080", "3")

    def run(*arguments: str) -> tuple[int, str]:
        answer = subprocess.run(
            [sys.executable, flag, script, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=_HOOK_SECONDS,
        )
        return answer.returncode, answer.stdout + answer.stderr

    url = replicas[0].started.url
    assert run(url, members) == (0, "ready, with 3 on the ring\n")
    assert run(url, "4") == (1, "the ring has 3 nodes, and there should be 4 replicas\n")
    status, said = run("http://127.0.0.1:9", members)
    assert status == 1
    assert said.startswith("nobody answers at http://127.0.0.1:9: ")


def test_what_alerts_stand_on_is_shown_by_every_replica(replicas: list[Replica]) -> None:
    wanted = {series for alert in ALERTS for series in series_of(alert["expr"])}
    assert len(wanted) >= len(ALERTS)
    for replica in replicas:
        _, body = replica.answer("/metrics")
        shown = {sample.name for family in text_string_to_metric_families(body) for sample in family.samples}
        assert wanted - shown == set()


def test_the_account_has_exactly_the_rights_that_the_controller_uses(
    installed: Release, replicas: list[Replica], team: Team
) -> None:
    _use_everything(team)
    log = installed.control_plane.audit_log
    objects = json.loads(installed.control_plane.kubectl("get", "clusterrole", "dcron-system-dcron", "-o", "json"))
    rights = granted([objects])

    def used() -> set[Right]:
        return {right for right, _ in asked(log, ACCOUNTS[0])} & rights

    eventually(lambda: used() == rights, "each right used: " + ", ".join(map(str, rights - used())), 60)
    assert {right for right, allowed in asked(log, ACCOUNTS[0]) if not allowed} == set()
    assert {right for right, _ in asked(log, ACCOUNTS[0])} == rights


def _use_everything(team: Team) -> None:
    """Firing, replacing, running by hand, cleaning up, a template that is refused, a name that is taken, a deletion."""
    slow = pod_template(run_for="300s")
    team.apply(
        cron_job("replaces", "*/2 * * * * *", concurrencyPolicy="Replace", template=slow),
        cron_job("forgets", "*/2 * * * * *", successfulJobsHistoryLimit=0),
        cron_job("by-hand", "@yearly", suspend=True),
        cron_job("refused", "*/2 * * * * *", job={"parallelismus": 1}),
        cron_job("collides", "@yearly", suspend=True),
        cron_job("goes", "*/2 * * * * *"),
    )
    team.annotate("by-hand", trigger="once")
    _take_the_next_name(team, "collides")
    eventually(lambda: team.jobs("by-hand"), "a manual run")
    eventually(lambda: team.condition("refused").get("reason") == "InvalidJobTemplate", "a template that is refused")
    eventually(lambda: len(team.events("replaces", "SuccessfulDelete")) > 0, "a Job that is replaced")
    eventually(lambda: team.jobs("goes"), "a Job of what is deleted then")
    team.delete("goes")
    eventually(lambda: not team.jobs("goes"), "no Job of what is deleted")
    eventually(lambda: team.condition("collides").get("status") == "False", "a name that is taken")


def _take_the_next_name(team: Team, name: str) -> None:
    """Give the name of its next Job to somebody else's Job, and let it fire."""
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    uid = team.cron_job(name)["metadata"]["uid"].replace("-", "")[:10]
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{name}-{at:%Y%m%d%H%M%S}-{uid}"},
        "spec": {"suspend": True, "template": pod_template()},
    }
    team.apply(foreign)
    team.patch(name, schedule=f"@at {at:%Y-%m-%dT%H:%M:%SZ}", suspend=False)
