"""What people do in a bad moment, and objects that are broken: beside the others, which must not feel it.

The broken ones live in a namespace of their own, or are not judged; their neighbours are, and nothing excuses them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.checker import audit
from tests.checker.history import Felt
from tests.cluster.fleet import NODES, eventually
from tests.cluster.held import AT_ONCE
from tests.cluster.team import Team, cron_job
from tests.faults import proxies
from tests.faults.chance import Chance
from tests.faults.fault import FaultKind
from tests.faults.objects import EACH_SECOND, objects
from tests.faults.stage import Stage

REFUSED = "template refused (422), quota (403), namespace terminating"
STALLED = "watch 410, watch silently stalled"
HEALED_SECONDS = 60.0
"""Until then a broken object fires again: its backoff may have grown to 30 s."""
QUIET = 3
"""So many Events, or refused creates, of each object say enough."""
_NEIGHBOURS = 4
_FEW: dict[str, Any] = {"successfulJobsHistoryLimit": 1}


@contextmanager
def _neighbours(stage: Stage, number: int = _NEIGHBOURS) -> Iterator[Team]:
    """Another namespace with objects that fire each second."""
    team = Team.founded(stage.control_plane, "neighbours")
    team.apply(*(cron_job(f"neighbour-{one}", EACH_SECOND, job=AT_ONCE, **_FEW) for one in range(number)))
    eventually(lambda: all(_created(found) for found in team.cron_jobs()), "the neighbours fire")
    try:
        yield team
    finally:
        team.dissolve()


def _created(found: dict[str, Any]) -> int:
    counts: dict[str, int] = found.get("status", {}).get("counts", {})
    return counts.get("created", 0)


@contextmanager
def quota_used_up(stage: Stage, _: Chance) -> Iterator[None]:
    """A quota lets no more Jobs into the namespace; then it is taken away."""
    with _neighbours(stage) as team:
        quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
        team.kubectl("apply", "-f", "-", stdin=json.dumps({**quota, "spec": {"hard": {"count/jobs.batch": "0"}}}))
        yield
        for found in team.cron_jobs():
            name = found["metadata"]["name"]
            events = [event for event in team.events(name) if event["type"] == "Warning"]
            stage.expect(bool(events), f"{name} has no Event that says why it does not fire")
            stage.expect("exceeded quota" in json.dumps(found), f"{name} says nothing of the quota in its status")
            stage.expect(len(events) <= QUIET, f"{name} has {len(events)} Events about one quota")
        before = {found["metadata"]["name"]: _created(found) for found in team.cron_jobs()}
        team.kubectl("delete", "resourcequota", "none")
        stage.expect_soon(
            lambda: all(_created(found) > before[found["metadata"]["name"]] for found in team.cron_jobs()),
            "the objects do not fire again without their quota",
            HEALED_SECONDS,
        )


@contextmanager
def templates_refused(stage: Stage, _: Chance) -> Iterator[None]:
    """Some objects have a template that the API server refuses each time."""
    wrong = {"spec": {"restartPolicy": "Never", "containers": [{"name": "Not A Name", "image": "busybox"}]}}
    team = Team.founded(stage.control_plane, "refused")
    team.apply(*(cron_job(f"refused-{number}", EACH_SECOND, template=wrong) for number in range(5)))
    try:
        yield
        for found in team.cron_jobs():
            name = found["metadata"]["name"]
            stage.expect(team.condition(name).get("status") == "False", f"{name} is said to be ready")
            stage.expect(bool(team.events(name)), f"{name} has no Event that says what is wrong")
        stage.expect(not team.jobs(), "there are Jobs of a template that cannot be")
    finally:
        team.dissolve()


@contextmanager
def namespace_terminating(stage: Stage, _: Chance) -> Iterator[None]:
    """A namespace is deleted and cannot go, for something in it has a finalizer."""
    with _neighbours(stage) as team:
        held = {"name": "holder", "finalizers": ["example.com/held"]}
        team.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held}))
        stage.control_plane.kubectl("delete", "namespace", team.namespace, "--wait=false")
        try:
            yield
            refused = audit.read(stage.control_plane.audit_log, team.namespace).refused
            stage.expect(len(refused) <= _NEIGHBOURS * QUIET, f"{len(refused)} creates in a namespace that is going")
        finally:
            team.kubectl("patch", "configmap", "holder", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')


@contextmanager
def made_again(stage: Stage, chance: Chance) -> Iterator[None]:
    """Objects are deleted and made again under the same name at once, in the middle of their firing."""
    bodies = [body for body in objects() if body["metadata"]["name"].startswith("plain")]
    for _ in range(4):
        body = chance.one_of(bodies)
        chance.wait_for_moment()
        stage.team.kubectl("delete", "dcronjob", body["metadata"]["name"], "--cascade=background")
        stage.team.apply(body)
        time.sleep(chance.between(1, 3))
    yield


@contextmanager
def watches_stalled(stage: Stage, chance: Chance) -> Iterator[None]:
    """All watches stay open and say nothing. Meanwhile authors edit, suspend, and delete and make again."""
    for node in NODES:
        stage.roads.to_api(node, proxies.WATCHES_STALLED)
    try:
        time.sleep(chance.between(2, 6))
        stage.team.patch("plain-0", suspend=True)
        time.sleep(chance.between(2, 4))
        stage.team.patch("plain-0", suspend=False)
        stage.team.patch("plain-1", schedule="*/2 * * * * *")
        name = "plain-2"
        stage.team.kubectl("delete", "dcronjob", name, "--cascade=background")
        time.sleep(chance.between(0, 2))
        stage.team.apply(*(body for body in objects() if body["metadata"]["name"] == name))
        yield
    finally:
        stage.roads.clear()
        stage.team.patch("plain-1", schedule=EACH_SECOND)


FAULTS = (
    FaultKind(name="quota-used-up", row=REFUSED, strike=quota_used_up, felt=Felt.BY_NO_OTHER),
    FaultKind(name="templates-refused", row=REFUSED, strike=templates_refused, felt=Felt.BY_NO_OTHER),
    FaultKind(name="namespace-terminating", row=REFUSED, strike=namespace_terminating, felt=Felt.BY_NO_OTHER),
    FaultKind(
        name="objects-made-again-at-once",
        row="object deleted and made again under the same name at once",
        strike=made_again,
        felt=Felt.BY_NO_OTHER,
    ),
    FaultKind(name="watches-stalled", row=STALLED, strike=watches_stalled, felt=Felt.EACH_TIME, stalls_watch=True),
)
"""All of them."""
