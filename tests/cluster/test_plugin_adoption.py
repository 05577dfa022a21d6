"""`kubectl dcron convert --adopt`: batch/v1's own controller before, three replicas after, and each minute runs once.

What has run is read from the API server's record of Jobs that were made, where one that is gone still counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from deploy.local.errors import KubectlFailed
from plugin import adoption
from tests.checker import audit
from tests.cluster.dcron import Plugin
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.team import Team, instant, now, pod_template

pytest_plugins = ["tests.cluster.fleet_fixtures", "tests.cluster.dcron_fixtures"]
pytestmark = pytest.mark.timeout(900)

_MINUTE = timedelta(minutes=1)
_BATCH = re.compile(r"(?P<name>.+)-(?P<minutes>\d{8})")
_OURS = re.compile(r"(?P<name>.+)-b?(?P<instant>\d{14})-[0-9a-f]{10}")
MINUTELY = "* * * * *"
ADOPTED = {"allow": "Allow", "forbid": "Forbid"}
INTERRUPTED = "interrupted"
PATIENCE = 90.0


@pytest.fixture
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace, and three replicas."""
    fleet_for_session.mend(*NODES)
    return found_team("adoption")


def batch(name: str, policy: str) -> dict[str, Any]:
    """A CronJob of batch/v1 that fires each minute."""
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name, "labels": {"team": "billing"}, "annotations": {"example.com/owner": "billing"}},
        "spec": {
            "schedule": MINUTELY,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": policy,
            "jobTemplate": {"spec": {"backoffLimit": 0, "template": pod_template()}},
        },
    }


def old(team: Team, name: str) -> dict[str, Any]:
    """The CronJob of batch/v1."""
    found: dict[str, Any] = team.look(f"/apis/batch/v1|cronjobs/{name}")
    return found


def has_fired(team: Team, name: str) -> None:
    """Wait until batch/v1 has fired it."""
    eventually(lambda: old(team, name)["status"].get("lastScheduleTime"), f"{name} fires", PATIENCE)


def dies_having_suspended(team: Team, name: str) -> bool:
    """Do what a change-over does up to the suspension, and no more; False if it is not the moment."""
    found = adoption.read(old(team, name), team.look("/apis/batch/v1|jobs")["items"])
    decided = adoption.moment(found, now())
    if not isinstance(decided, adoption.Go):
        return False
    change = json.dumps(adoption.suspension(found, decided.boundary))
    try:
        team.kubectl("patch", "cronjob", name, "--type=merge", "--patch", change)
    except KubectlFailed:  # its controller has written the status meanwhile
        return False
    return True


def ran(team: Team, name: str) -> Counter[datetime]:
    """By minute, how many Jobs were ever made for an object, by whichever controller."""
    minutes: Counter[datetime] = Counter()
    for write in audit.read(team.control_plane.audit_log, team.namespace).made:
        if (ours := _OURS.fullmatch(write.name)) and ours["name"] == name:
            minutes[datetime.strptime(ours["instant"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)] += 1
        elif (theirs := _BATCH.fullmatch(write.name)) and theirs["name"] == name:
            minutes[datetime.fromtimestamp(60 * int(theirs["minutes"]), UTC)] += 1
    return minutes


def each_minute(found: Counter[datetime], until: datetime) -> Counter[datetime]:
    """What must have run: each minute once, from the first that ran on."""
    begin = min(found)
    return Counter([begin + number * _MINUTE for number in range(int((until - begin) / _MINUTE) + 1)])


def test_each_minute_runs_once_before_between_and_after(team: Team, dcron: Plugin) -> None:
    team.apply(*(batch(name, policy) for name, policy in ADOPTED.items()), batch(INTERRUPTED, "Allow"))
    for name in (*ADOPTED, INTERRUPTED):
        has_fired(team, name)

    eventually(lambda: dies_having_suspended(team, INTERRUPTED), "the moment for a change-over", PATIENCE)

    done = dcron.asked(team, "convert", "--adopt", *ADOPTED)["items"]
    assert [one["name"] for one in done] == list(ADOPTED)
    assert [one["backfilled"] for one in done] == [[], []]
    for one in done:
        body = team.cron_job(one["name"])
        assert body["metadata"]["labels"] == {"team": "billing"}
        assert body["metadata"]["annotations"] == {"example.com/owner": "billing"}
        assert body["spec"]["concurrencyPolicy"] == ADOPTED[one["name"]]
        assert body["status"]["lastScheduleTime"] >= one["lastScheduleTime"], "taken over"
        assert old(team, one["name"])["spec"]["suspend"] is True

    eventually(lambda: now() > instant(done[-1]["createdAt"]) + 1.5 * _MINUTE, "a minute without", PATIENCE)
    (resumed,) = dcron.asked(team, "convert", "--adopt", INTERRUPTED)["items"]
    assert resumed["backfilled"], "what has come in between"

    # Two more minutes for all of them.
    until = now().replace(second=0, microsecond=0) + 2 * _MINUTE
    team.wait_until_settled(until, *ADOPTED, INTERRUPTED, seconds=180)
    eventually(lambda: team.status(INTERRUPTED)["backfill"]["state"] == "Done", "the backfill is done")
    for name in (*ADOPTED, INTERRUPTED):
        found = ran(team, name)
        assert min(found) < instant(resumed["createdAt"]), "batch/v1 has fired it before"
        assert Counter({at: count for at, count in found.items() if at <= until}) == each_minute(found, until), name
    last = {name: old(team, name)["status"]["lastScheduleTime"] for name in (*ADOPTED, INTERRUPTED)}
    for one in (*done, resumed):
        assert instant(last[one["name"]]) <= instant(one["boundary"]), "batch/v1 has fired nothing since"


def test_what_is_suspended_or_there_already_is_not_taken_over(team: Team, dcron: Plugin) -> None:
    resting = batch("resting", "Allow")
    resting["spec"]["suspend"] = True
    team.apply(resting, batch("twin", "Allow"))
    answer = dcron(team, "convert", "--adopt", "resting")
    assert (answer.code, answer.out) == (1, "")
    assert "is suspended" in answer.err
    twin = dcron(team, "convert", stdin=json.dumps(batch("twin", "Allow")))
    team.kubectl("apply", "-f", "-", stdin=twin.out)
    answer = dcron(team, "convert", "--adopt", "twin")
    assert answer.code == 1
    assert "there is a DistributedCronJob" in answer.err
    assert not old(team, "twin")["spec"]["suspend"], "batch/v1 goes on"
    assert dcron(team, "convert", "--adopt", "nothing").code == 3
