"""Where a manifest of batch/v1 fares otherwise as ours, on purpose: a table, each row with both answers and the reason.

What the API server answers at apply is asked in a dry run for batch/v1; ours is applied for real, since some of the
answers are conditions. `likeness` has the differences between the Jobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from deploy.local.errors import KubectlFailed
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.team import Team, cron_job

pytest_plugins = ["tests.cluster.fleet_fixtures"]

APPLIED = "created"
READY = "True Scheduled: "


class Row(NamedTuple):
    """One difference.

    Attributes:
        changes: Of an object that both take.
        theirs: What kubectl says of it as a CronJob; a warning counts as a refusal.
        ours: What it says of it as a DistributedCronJob; or, if that is applied, its condition Ready.
    """

    why: str
    changes: dict[str, Any]
    theirs: str
    ours: str


def _pod(**changes: Any) -> dict[str, Any]:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}], **changes}
    return {"jobTemplate": {"spec": {"template": {"spec": pod}}}}


LABELS = {"app": "report"}
SELECTED = {
    "selector": {"matchLabels": LABELS},
    "template": {"metadata": {"labels": LABELS}, **_pod()["jobTemplate"]["spec"]["template"]},
}

ROWS = {
    "a-name-that-is-longer-than-the-fifty-two-that-it-takes": Row(
        "a Job's name is cut and keeps a digest of the whole", {}, "must be no more than 52 characters", READY
    ),
    "dotted.name": Row("a CRD has no warnings", {}, "a DNS label is recommended", READY),
    "seconds": Row("more can be said", {"schedule": "*/10 * * * * *"}, "expected exactly 5 fields", READY),
    "sunday-is-seven": Row("other crons take it", {"schedule": "0 0 * * 7"}, "above maximum (6)", READY),
    "loud-macro": Row("the meaning is plain", {"schedule": "@Daily"}, "unrecognized descriptor", READY),
    "never": Row(
        "nobody wants that", {"schedule": "0 0 31 2 *"}, APPLIED, "False InvalidSchedule: schedule '0 0 31 2 *'"
    ),
    "long-schedule": Row(
        "a text of bounded length is read in bounded time",
        {"schedule": f"{','.join(['0-59'] * 60)} * * * *"},
        APPLIED,
        "may not be more than 256",
    ),
    "long-deadline": Row(
        "the calendar would end", {"startingDeadlineSeconds": 10**11}, APPLIED, "less than or equal to 2147483647"
    ),
    "unknown-zone": Row(
        "only the controller has the tz database that counts",
        {"timeZone": "Mars/Olympus"},
        "unknown time zone Mars/Olympus",
        "False UnknownTimeZone: time zone 'Mars/Olympus' is not known",
    ),
    "no-container": Row(
        "the template is opaque to the API server, and tried in a dry run",
        _pod(containers=[]),
        "template.spec.containers: Required value",
        "False InvalidJobTemplate: Job.batch",
    ),
    "misspelt": Row(
        "no copy of the pod's schema, which would drop the fields of a newer cluster",
        _pod(containers=[{"name": "main", "image": "busybox", "immage": "busybox"}]),
        'unknown field "spec.jobTemplate.spec.template.spec.containers[0].immage"',
        "False InvalidJobTemplate: Job in version",
    ),
    "bad-label": Row(
        "batch/v1 takes a label that no Job can have, and then fails each time",
        {"jobTemplate": {"metadata": {"labels": {"a b": "c"}}, **_pod()["jobTemplate"]}},
        APPLIED,
        "False InvalidJobTemplate: Job.batch",
    ),
    "own-selector": Row(
        "the template is opaque to the API server, and tried in a dry run",
        {"jobTemplate": {"spec": SELECTED}},
        "`selector` will be auto-generated",
        "False InvalidJobTemplate: Job.batch",
    ),
    "shared-selector": Row(
        "the CRD has its own rule and its own words for it",
        {"jobTemplate": {"spec": {"manualSelector": True, **SELECTED}}},
        "manualSelector: Unsupported value: true",
        "manualSelector must be false or absent; each Job gets a selector of its own",
    ),
}


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace for the objects that are taken."""
    fleet_for_session.mend(*NODES)
    return found_team("meant")


@pytest.mark.parametrize("name", ROWS)
def test_each_kind_answers_in_its_own_way(team: Team, name: str) -> None:
    ours = {**cron_job(name, "0 * * * *"), "spec": {**cron_job(name, "0 * * * *")["spec"], **ROWS[name].changes}}
    theirs = {**ours, "apiVersion": "batch/v1", "kind": "CronJob"}
    assert ROWS[name].theirs in _told(team, theirs, "--dry-run=server", "--warnings-as-errors")
    told = _told(team, ours)
    assert ROWS[name].ours in (_ready(team, name) if APPLIED in told else told)


def _told(team: Team, body: dict[str, Any], *flags: str) -> str:
    """What kubectl says when it applies an object."""
    try:
        return team.kubectl("apply", "--validate=strict", *flags, "-f", "-", stdin=json.dumps(body))
    except KubectlFailed as failure:
        return failure.stderr


def _ready(team: Team, name: str) -> str:
    """The condition Ready of an object, once it has one."""
    condition = eventually(lambda: team.condition(name), "a condition")
    return f"{condition['status']} {condition['reason']}: {condition['message']}"
