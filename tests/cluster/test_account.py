"""The replicas of this suite come as the account of the manifests; what it may not do is noticed at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from tests.cluster import account
from tests.cluster.fleet import Fleet, eventually
from tests.cluster.team import Team, cron_job

pytest_plugins = ("tests.cluster.fleet_fixtures",)


def test_jobs_are_made_by_the_account(fleet: Fleet, found_team: Callable[[str], Team]) -> None:
    team = found_team("account")
    team.apply(cron_job("tick", "* * * * * *"))
    eventually(lambda: team.jobs("tick"), "a Job")
    lines = team.control_plane.audit_log.read_text().splitlines()
    creates = [line for line in lines if '"verb":"create"' in line and f'"namespace":"{team.namespace}"' in line]
    jobs = [line for line in creates if '"resource":"jobs"' in line]
    assert jobs
    assert all(f'"username":"{account.USER}"' in line for line in jobs)


def test_what_an_account_may_not_do_is_in_the_record(control_plane: ControlPlane) -> None:
    other = f"{account.USER}-without-rights"
    assert account.forbidden(control_plane, other) == []
    with pytest.raises(KubectlFailed, match="forbidden"):
        control_plane.kubectl("create", "namespace", "of-nobody", f"--as={other}")
    (found,) = account.forbidden(control_plane, other)
    assert found.startswith("create /api/v1/namespaces")
