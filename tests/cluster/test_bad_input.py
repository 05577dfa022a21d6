"""Bad input: what answers, and with which sentence. Each row of the tables is tried for real.

The API server answers at `kubectl apply`, the controller with a condition: three replicas get all that is left over at
once, and every object has its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from deploy.local.cluster import ControlPlane
from deploy.local.errors import KubectlFailed
from deploy.local.replica import PROJECT
from tests.cluster.fleet import NODES, Fleet, complaints, eventually
from tests.cluster.manifests import apply, manifest
from tests.cluster.refused_at_apply import REFUSED
from tests.cluster.refused_by_condition import EACH_YEAR, OBJECTIONS, Objection
from tests.cluster.team import Team

pytest_plugins = ["tests.cluster.fleet_fixtures"]

ROWS = [(field, row) for field, rows in REFUSED.items() for row in rows]
NAMES = {row: f"row-{number}" for number, row in enumerate(OBJECTIONS)}
WELL = "well"
ANSWERS = ("not ready", "reason=InvalidSuspendUntil", "reason=Refused")
"""What replicas may log about all these."""


@pytest.mark.parametrize(("field", "row"), ROWS, ids=[f"{field}: {row}" for field, row in ROWS])
def test_what_cannot_be_right_is_refused_at_apply_with_a_sentence(
    control_plane: ControlPlane, field: str, row: str
) -> None:
    changes, sentence = REFUSED[field][row]
    with pytest.raises(KubectlFailed) as refusal:
        apply(control_plane, "default", manifest(**changes), "--dry-run=server")
    assert sentence in refusal.value.stderr


def test_every_field_of_the_spec_has_its_rows() -> None:
    crd = yaml.safe_load((PROJECT / "crds" / "distributedcronjobs.dcron.io.yaml").read_text())
    fields = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert set(REFUSED) == {*fields, "a field that does not exist"}


def written(objection: Objection, name: str, *, asking: bool = False) -> dict[str, Any]:
    """The object of a row, with its annotations or still without. It never comes due while the tests run."""
    body = manifest(name, **{"schedule": EACH_YEAR, **objection.spec})
    body["metadata"]["annotations"] = dict(objection.annotations) if asking else {}
    return body


def answers(team: Team, name: str, where: str) -> list[tuple[str, str]]:
    """What has been said of an object in one place: words and their sentences."""
    if where == "Event":
        return [(event["reason"], event["message"]) for event in team.events(name)]
    if where == "backfill":
        backfill = team.status(name).get("backfill", {})
        return [(backfill["state"], backfill.get("message", ""))] if "state" in backfill else []
    condition = team.condition(name, where)
    return [(condition["reason"], condition["message"])] if condition else []


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace with an object for each row, and one that is well.

    What is asked for by annotation comes later: what a new object brings along is not followed.
    """
    fleet_for_session.mend(*NODES)
    team = found_team("bad-input")
    well = manifest(WELL, schedule="* * * * * *")
    team.apply(*(written(objection, NAMES[row]) for row, objection in OBJECTIONS.items()), well)
    asking = {NAMES[row]: objection for row, objection in OBJECTIONS.items() if objection.annotations}
    if asking:
        eventually(lambda: all(team.condition(name) for name in asking), "they are served")
        team.apply(*(written(objection, name, asking=True) for name, objection in asking.items()))
    return team


@pytest.mark.parametrize("row", OBJECTIONS)
def test_what_only_the_controller_sees_is_answered_with_a_word_and_a_sentence(team: Team, row: str) -> None:
    objection, name = OBJECTIONS[row], NAMES[row]
    told = eventually(lambda: answers(team, name, objection.where), f"an answer to {row}")
    assert [(word, sentence) for word, sentence in told if word == objection.word and objection.sentence in sentence], (
        f"no {objection.word} with {objection.sentence!r} in {told}"
    )


@pytest.mark.parametrize("row", [row for row, objection in OBJECTIONS.items() if objection.where == "Ready"])
def test_an_object_that_cannot_work_is_not_ready_and_has_no_jobs(team: Team, row: str) -> None:
    eventually(lambda: team.condition(NAMES[row]).get("status") == "False", f"{row} is not ready")
    assert team.jobs(NAMES[row]) == []


def test_none_of_them_disturbs_an_object_that_is_well(team: Team, fleet: Fleet) -> None:
    eventually(lambda: team.counts(WELL)["created"] >= 2, "firings")
    assert team.condition(WELL)["status"] == "True"
    for replica in fleet.living():
        others = [line for line in complaints(replica.log) if not any(answer in line for answer in ANSWERS)]
        assert not [line for line in others if team.namespace in line]
        assert "Traceback" not in replica.log
