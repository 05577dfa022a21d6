"""A Redis that is there already, as careful people have it: TLS with certificates of both sides, and an ACL."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.redis_tls import GuardedRedis
from tests.adapters.documented import documented_acl
from tests.chart.helm import Helm
from tests.chart.release import Release, restricted_namespace
from tests.cluster.fleet import eventually
from tests.cluster.team import Team, cron_job, finished

FOLDER = "/etc/dcron/redis-tls"
_FILES = {"ca_certs": "ca.crt", "certfile": "tls.crt", "keyfile": "tls.key"}


@pytest.mark.parametrize("whole", [False, True], ids=["url in the values", "url in a secret"])
def test_replicas_share_schedules_over_a_redis_with_tls_and_an_acl(
    admin: Helm, control_plane: ControlPlane, tmp_path: Path, whole: bool
) -> None:
    namespace = restricted_namespace(control_plane, f"external-{int(whole)}")
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)
    team = Team.founded(control_plane, "authors")
    with GuardedRedis.start(tmp_path / "redis", documented_acl()) as redis:
        address = urlsplit(redis.url)._replace(query="").geturl()
        files = "&".join(f"ssl_{name}={FOLDER}/{file}" for name, file in _FILES.items())
        made = redis.certificates
        secret = (control_plane, namespace)
        _secret(*secret, "redis", {"password": redis.password_file})
        _secret(*secret, "redis-tls", {"ca.crt": redis.trusted, "tls.crt": made.certificate, "tls.key": made.key})
        (tmp_path / "url").write_text(f"{address}?{files}\n")
        _secret(*secret, "address", {"url": tmp_path / "url"})
        tls = {"secretName": "redis-tls", "clientCertificate": True}
        where = {"urlSecret": {"name": "address"}} if whole else {"url": address}
        external = {**where, "passwordSecret": {"name": "redis"}, "tls": tls}
        release.install(
            {
                "replicas": 2,
                "redis": {"mode": "external", "external": external},
                "controller": {"name": "external"},
                "admission": {"enabled": False},
            }
        )
        try:
            with release.running(tmp_path / "pods"):
                team.apply(cron_job("tick", "*/2 * * * * *", controllerName="external"))
                eventually(lambda: finished(team.jobs("tick")), "a Job that has ended")
            assert release.pods("redis") == []
        finally:
            team.dissolve()
            release.uninstall()


def _secret(control_plane: ControlPlane, namespace: str, name: str, files: Mapping[str, Path]) -> None:
    """A Secret with these files."""
    given = (f"--from-file={key}={path}" for key, path in files.items())
    control_plane.kubectl("create", "secret", "generic", name, "-n", namespace, *given)
