"""Three replicas on the same objects leave nothing on them but the status: what the author wrote stays the author's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.team import Team, cron_job, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]

AUTHOR = "kubectl-client-side-apply"
CONTROLLER = "dcron-controller"
WRITTEN_BY_KUBECTL = "kubectl.kubernetes.io/last-applied-configuration"
NAMES = [f"object-{number}" for number in range(6)]


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """Objects that three replicas have served for a while, through a change of the ring."""
    fleet_for_session.mend(*NODES)
    team = found_team("untouched")
    team.apply(*(cron_job(name, "* * * * * *") | {"metadata": _metadata(name)} for name in NAMES))
    team.wait_until_settled(now() + timedelta(seconds=2))
    fleet_for_session.living()[0].terminate()
    fleet_for_session.mend(*NODES)
    team.wait_until_settled(now() + timedelta(seconds=2))
    return team


def _metadata(name: str) -> dict[str, Any]:
    return {"name": name, "labels": {"team": "billing"}, "annotations": {"note": "of the author"}}


def test_only_the_author_and_the_controller_have_written(team: Team) -> None:
    for found in team.cron_jobs():
        writers = {(field["manager"], field.get("subresource", "")) for field in found["metadata"]["managedFields"]}
        assert writers == {(AUTHOR, ""), (CONTROLLER, "status")}


def test_the_controller_owns_the_status_only_and_as_a_whole(team: Team) -> None:
    for found in team.cron_jobs():
        fields = next(f["fieldsV1"] for f in found["metadata"]["managedFields"] if f["manager"] == CONTROLLER)
        assert fields == {"f:status": {}}


def test_no_finalizer_annotation_or_label_was_added(team: Team) -> None:
    for found in team.cron_jobs():
        meta = found["metadata"]
        assert "finalizers" not in meta
        assert set(meta["annotations"]) == {"note", WRITTEN_BY_KUBECTL}
        assert meta["labels"] == {"team": "billing"}
        assert meta["generation"] == 1


def test_no_operator_framework_left_anything_in_the_status(team: Team) -> None:
    for found in team.cron_jobs():
        assert not [name for name in found["status"] if "kopf" in name.lower()]


def test_objects_of_another_controller_are_not_touched_at_all(team: Team) -> None:
    team.apply(cron_job("foreign", "* * * * * *", controllerName="somebody-else"))
    team.wait_until_settled(now() + timedelta(seconds=3), *NAMES)
    found = team.cron_job("foreign")
    assert "status" not in found
    assert {field["manager"] for field in found["metadata"]["managedFields"]} == {AUTHOR}


def test_a_deleted_object_is_gone_at_once(team: Team) -> None:
    team.delete(NAMES[0])
    eventually(lambda: NAMES[0] not in {found["metadata"]["name"] for found in team.cron_jobs()}, "it is gone", 5)
