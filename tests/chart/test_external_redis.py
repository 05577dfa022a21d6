"""A Redis that is there already: with TLS and an ACL, as careful people have it, behind sentinels, and as a cluster."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.redis_cluster import RedisCluster
from deploy.local.redis_sentinel import RedisSentinel
from deploy.local.redis_tls import GuardedRedis
from tests.adapters.documented import documented_acl
from tests.chart.helm import SECONDS, Helm
from tests.chart.release import Release, restricted_namespace
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished

pytestmark = pytest.mark.timeout(SECONDS)

FOLDER = "/etc/dcron/redis-tls"
_FILES = {"ca_certs": "ca.crt", "certfile": "tls.crt", "keyfile": "tls.key"}
_numbers = itertools.count(1)


@pytest.fixture
def release(admin: Helm, control_plane: ControlPlane) -> Release:
    """A release to be, in a namespace of its own."""
    namespace = restricted_namespace(control_plane, f"external-{next(_numbers)}")
    return Release(helm=admin, control_plane=control_plane, namespace=namespace)


@pytest.mark.parametrize("whole", [False, True], ids=["url in the values", "url in a secret"])
def test_replicas_share_schedules_over_a_redis_with_tls_and_an_acl(
    release: Release, tmp_path: Path, whole: bool
) -> None:
    with GuardedRedis.start(tmp_path / "redis", documented_acl()) as redis:
        address = urlsplit(redis.url)._replace(query="").geturl()
        files = "&".join(f"ssl_{name}={FOLDER}/{file}" for name, file in _FILES.items())
        (tmp_path / "url").write_text(f"{address}?{files}\n")
        made = redis.certificates
        _secret(release, "redis", {"password": redis.password_file})
        _secret(release, "redis-tls", {"ca.crt": redis.trusted, "tls.crt": made.certificate, "tls.key": made.key})
        _secret(release, "address", {"url": tmp_path / "url"})
        where = {"urlSecret": {"name": "address"}} if whole else {"url": address}
        tls = {"secretName": "redis-tls", "clientCertificate": True}
        external = {**where, "passwordSecret": {"name": "redis"}, "tls": tls}
        with _installed(release, external):
            _fires(release, tmp_path / "pods")


def test_replicas_share_schedules_behind_sentinels(release: Release, tmp_path: Path) -> None:
    with RedisSentinel.start(tmp_path / "redis") as redis, _installed(release, {"url": redis.url}):
        _fires(release, tmp_path / "pods")


def test_replicas_share_schedules_on_a_redis_cluster(release: Release, tmp_path: Path) -> None:
    with RedisCluster.start(tmp_path / "redis") as redis, _installed(release, {"url": redis.url}):
        _fires(release, tmp_path / "pods")


@contextmanager
def _installed(release: Release, external: dict[str, Any]) -> Iterator[None]:
    """Two replicas with that Redis, until the end of the block."""
    release.install(
        {
            "replicas": 2,
            "redis": {"mode": "external", "external": external},
            "controller": {"name": "external"},
            "admission": {"enabled": False},
        }
    )
    try:
        assert release.pods("redis") == []
        yield
    finally:
        release.uninstall()


def _fires(release: Release, folder: Path) -> None:
    """An object fires, and both replicas are on one ring."""
    team = Team.founded(release.control_plane, "authors")
    with release.running(folder):
        team.apply(cron_job("tick", "*/2 * * * * *", controllerName="external"))
        eventually(lambda: finished(team.jobs("tick")), "a Job that has ended")
    team.dissolve()


def _secret(release: Release, name: str, files: Mapping[str, Path]) -> None:
    """A Secret with these files."""
    given = (f"--from-file={key}={path}" for key, path in files.items())
    release.control_plane.kubectl("create", "secret", "generic", name, "-n", release.namespace, *given)
