"""A replica that cannot start says why in a line; one that can work in part, works, and says what is missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.redis_server import RedisServer
from deploy.local.replica import PROJECT, environment
from tests.cluster import audit
from tests.cluster.fleet import Fleet, eventually
from tests.cluster.team import Team, cron_job, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]

LONELY = "lonely"
SECOND = timedelta(seconds=1)
START_SECONDS = 30.0


def run(kubeconfig: Path, **variables: str) -> tuple[int, str]:
    """Exit status and standard error of a replica that is expected to end by itself."""
    ended = subprocess.run(
        [sys.executable, "-m", "controller"],
        env=environment("n", kubeconfig, None, 0, variables),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    return ended.returncode, ended.stderr


@pytest.fixture
def fleet_without_redis(
    control_plane: ControlPlane, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[Fleet, RedisServer]]:
    """A fleet whose Redis is away, and that Redis. It serves objects of its own controller name."""
    with RedisServer.start(tmp_path) as redis:
        redis.stop()
        fleet = Fleet(control_plane, tmp_path, redis, {"DCRON_CONTROLLER_NAME": LONELY})
        try:
            yield fleet, redis
        finally:
            fleet.stop()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DCRON_NODE_TTL_SECONDS", "soon"), ("DCRON_REDIS_URL", "http://example.com"), ("DCRON_HTTP_PORT", "70000")],
)
def test_a_wrong_setting_is_one_line_that_names_it(control_plane: ControlPlane, variable: str, value: str) -> None:
    status, printed = run(control_plane.kubeconfig, **{variable: value})
    assert status == 2
    assert len(printed.splitlines()) == 1
    assert variable in printed


def test_a_kubeconfig_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("no: kubeconfig")
    status, printed = run(tmp_path / "config")
    assert status == 2
    assert "no access to a cluster" in printed.splitlines()[-1]
    assert "Traceback" not in printed


def test_a_port_in_use_is_named(control_plane: ControlPlane) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        status, printed = run(control_plane.kubeconfig, DCRON_HTTP_PORT=str(taken.getsockname()[1]))
    assert status == 2
    assert "DCRON_HTTP_PORT" in printed.splitlines()[-1]
    assert "Traceback" not in printed


def test_without_redis_from_the_start_it_fires_all_the_same(
    fleet_without_redis: tuple[Fleet, RedisServer], found_team: Callable[[str], Team]
) -> None:
    fleet, redis = fleet_without_redis
    team = found_team("lonely")
    names = ["one", "two", "three"]
    team.apply(*(cron_job(name, "* * * * * *", controllerName=LONELY) for name in names))
    for node in ("east", "middle"):
        fleet.launch(node)
    for replica in fleet.living():
        eventually(lambda found=replica: found.checks().get("redis", "ok") != "ok", "readiness says redis")  # type: ignore[misc]
        assert replica.answer("/healthz")[0] == 200
        assert replica.answer("/readyz")[0] == 503
    eventually(lambda: all(team.counts(name)["created"] for name in names), "all fire")
    since = now()
    team.wait_until_settled(since + 2 * SECOND)
    redis.resume()
    fleet.wait_until_whole()
    until = now() + 2 * SECOND
    team.wait_until_settled(until)
    jobs = audit.made(team.control_plane.audit_log, team.namespace)
    found = audit.balance(jobs, dict.fromkeys(names, "* * * * * *"), since, until)
    assert found.wrong == []
    assert found.worst <= 8 * SECOND


def test_without_the_crd_it_waits_and_says_so_and_serves_once_it_is_there(tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path / "bare", scheduler=False, kwok=False) as bare:
        fleet = Fleet(bare, tmp_path / "replica", None)
        try:
            replica = fleet.launch("early")
            eventually(lambda: "is the CRD installed?" in replica.log, "the log says so", START_SECONDS)
            assert replica.checks()["lists"] != "ok"
            bare.apply_crds(PROJECT / "crds")
            eventually(replica.is_ready, "it is ready", START_SECONDS)
            team = Team.founded(bare, "late")
            team.apply(cron_job("first", "* * * * * *"))
            eventually(lambda: len(team.jobs("first")) >= 2, "it fires")
        finally:
            fleet.stop()


def test_a_server_that_is_not_there_is_waited_for(tmp_path: Path, control_plane: ControlPlane) -> None:
    nowhere = tmp_path / "kubeconfig"
    address = control_plane.server
    nowhere.write_text(control_plane.kubeconfig.read_text().replace(address, f"https://{LOOPBACK}:{free_port()}"))

    class Elsewhere:
        kubeconfig = nowhere

    fleet = Fleet(Elsewhere(), tmp_path, None)  # type: ignore[arg-type]
    try:
        replica = fleet.launch("patient")
        eventually(lambda: replica.checks().get("api"), "it answers probes", START_SECONDS)
        assert replica.checks()["api"] != "ok"
        assert replica.answer("/healthz")[0] == 200
        assert replica.runs
        replica.terminate()
        assert "Traceback" not in replica.log
    finally:
        fleet.stop()
