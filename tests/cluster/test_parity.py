"""Manifests of batch/v1 work with another `apiVersion` and `kind`: the Jobs are those that batch/v1 makes.

All manifests are applied at the begin, as both kinds, and one minute's boundary fires them together; the tests that
need no firing pass the time until then. Pods are kept away by a quota: a Job that ends, and is tidied away,
could not be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from deploy.local.errors import KubectlFailed
from tests.cluster import conversion
from tests.cluster.conversion import MANIFESTS, converted, firing_at, is_suspended, name_of, resumed
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.likeness import differences
from tests.cluster.team import Team, instant, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]
pytestmark = pytest.mark.timeout(900)  # the first test that needs the firing waits for it

LEADS = (timedelta(seconds=30), timedelta(seconds=90), timedelta(seconds=240))
"""How long before the boundary the work begins, at the least. It takes 5 s to apply all; a busy machine tries again."""
PATIENCE = timedelta(seconds=60)
"""Longest that all may take to fire."""
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"

FLAGS: dict[str, list[str]] = {"client-side": [], "server-side": ["--server-side"]}
"""The ways of applying. They do not send the same: the server-side one keeps nulls."""

TEXTS = {name_of(text): text for text in (path.read_text() for path in MANIFESTS)}
SUSPENDED = [name for name, text in TEXTS.items() if is_suspended(text)]
TWINS = {name_of(text): text for text in (resumed(TEXTS[name]) for name in SUSPENDED)}
TOO_LATE = "deadline-of-zero"
FIRING = [name for name in (*TEXTS, *TWINS) if name not in (*SUSPENDED, TOO_LATE)]
"""What gets a Job at its instant; a suspended manifest does so as its twin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one instant makes of the manifests.

    Attributes:
        theirs: The namespace of the CronJobs of batch/v1.
        ours: The namespaces of ours, by the way in which they were applied.
        at: The instant at which all of them fire.
        refusals: What kubectl says of manifests that it does not apply, by the way of applying.
        jobs: The Jobs by namespace and by name of their object.
    """

    theirs: Team
    ours: Mapping[str, Team]
    at: datetime
    refusals: Mapping[str, str]
    jobs: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    @property
    def teams(self) -> list[Team]:
        """All namespaces."""
        return [self.theirs, *self.ours.values()]

    def is_complete(self) -> bool:
        """Look for the Jobs, and say whether each object that fires has one."""
        for team in self.teams:
            found: dict[str, list[dict[str, Any]]] = {}
            for job in team.jobs():
                found.setdefault(job["metadata"]["ownerReferences"][0]["name"], []).append(job)
            self.jobs[team.namespace] = found
        return all(name in found for found in self.jobs.values() for name in FIRING)

    def job(self, team: Team, name: str) -> dict[str, Any]:
        """The one Job of an object."""
        found = self.jobs[team.namespace].get(name, [])
        assert [instant(job["metadata"]["annotations"][SCHEDULED]) for job in found] == [self.at]
        return found[0]


def apply(team: Team, texts: list[str], *flags: str) -> str:
    """Apply manifests as an author does; gives what kubectl prints."""
    return team.kubectl("apply", "--validate=strict", *flags, "-f", "-", stdin=conversion.together(texts))


@pytest.fixture(scope="module")
def begun(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Round:
    """Everything is applied, with a schedule that fires at the next boundary but the very next moments."""
    fleet_for_session.mend(*NODES)
    for lead in LEADS:
        begun = _begin(found_team, lead)
        if now() < begun.at:
            return begun
    raise AssertionError("too slow: the instant has passed before all objects were there")


def _begin(found_team: Callable[[str], Team], lead: timedelta) -> Round:
    theirs, ours = found_team("parity-batch"), {way: found_team(f"parity-{way}") for way in FLAGS}
    for team in (theirs, *ours.values()):
        _keep_pods_away(team)
    at = (now() + lead + timedelta(minutes=1)).replace(second=0, microsecond=0)
    apply(theirs, _texts(at))
    refusals = {way: _refusals(team, _texts(at), *FLAGS[way]) for way, team in ours.items()}
    return Round(theirs=theirs, ours=ours, at=at, refusals=refusals)


def _texts(at: datetime) -> list[str]:
    """All manifests of batch/v1, with a schedule that fires at this minute."""
    return [firing_at(at, text) for text in (*TEXTS.values(), *TWINS.values())]


def _keep_pods_away(team: Team) -> None:
    team.kubectl("create", "quota", "no-pods", "--hard=pods=0")
    eventually(lambda: team.look("/api/v1|resourcequotas/no-pods").get("status", {}).get("hard"), "the quota holds")


def _refusals(team: Team, texts: list[str], *flags: str) -> str:
    """Apply manifests of batch/v1 as ours; gives what kubectl says of those that it does not apply."""
    try:
        apply(team, [converted(text) for text in texts], *flags)
    except KubectlFailed as failure:
        return failure.stderr
    return ""


@pytest.fixture(scope="module")
def own(begun: Round, found_team: Callable[[str], Team]) -> Team:
    """A namespace with every manifest as ours, under the schedule that it has."""
    team = found_team("parity-own")
    _refusals(team, list(TEXTS.values()))
    return team


@pytest.fixture(scope="module")
def fired(begun: Round) -> Round:
    """The round once all have fired, or ought to have."""
    eventually(lambda: now() >= begun.at, "the instant", 400)
    eventually(lambda: begun.is_complete() or now() > begun.at + PATIENCE, "the Jobs", 120)
    return begun


# Applied.


@pytest.mark.parametrize("way", FLAGS)
@pytest.mark.parametrize("name", TEXTS)
def test_kubectl_applies_it_as_ours(begun: Round, name: str, way: str) -> None:
    assert name in {found["metadata"]["name"] for found in begun.ours[way].cron_jobs()}, begun.refusals[way]


def test_every_manifest_is_one_of_batch_v1(own: Team) -> None:
    told = apply(own, list(TEXTS.values()), "--dry-run=server")
    assert told.count("cronjob.batch/") == told.count(" created (server dry run)") == len(MANIFESTS)


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_ready_under_its_own_schedule(own: Team, name: str) -> None:
    assert name in {found["metadata"]["name"] for found in own.cron_jobs()}
    condition = eventually(lambda: own.condition(name), "a condition")
    assert (condition["status"], condition["message"]) == ("True", "")
    assert (own.condition(name, "Suspended")["status"] == "True") == (name in SUSPENDED)


# Fired.


@pytest.mark.parametrize("way", FLAGS)
@pytest.mark.parametrize("name", FIRING)
def test_the_job_is_the_one_that_batch_v1_makes(fired: Round, name: str, way: str) -> None:
    found = differences(fired.job(fired.ours[way], name), fired.job(fired.theirs, name))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", SUSPENDED)
def test_what_is_suspended_fires_as_neither_kind(fired: Round, name: str) -> None:
    assert [team.namespace for team in fired.teams if name in fired.jobs[team.namespace]] == []


def test_a_deadline_of_no_time_is_never_kept_by_batch_v1_and_by_ours_within_the_second(fired: Round) -> None:
    """batch/v1 looks 100 ms after each instant, on purpose, so that a deadline of 0 has always passed."""
    assert TOO_LATE not in fired.jobs[fired.theirs.namespace]
    for team in fired.ours.values():
        assert eventually(partial(_reasons, team, TOO_LATE, fired.at), "an outcome") in (
            ["Created"],
            ["MissedDeadline"],
        )


def _reasons(team: Team, name: str, at: datetime) -> list[str]:
    """The outcomes of an object's instant."""
    recent = team.status(name).get("recent", [])
    return [told["reason"] for told in recent if instant(told["scheduledAt"]) == at]


# Applied again, as tools do that keep a cluster as a repository has it.


@pytest.fixture(scope="module")
def again(fired: Round) -> dict[str, dict[str, int]]:
    """By way and name, the generation of each object after it was applied a second time."""
    generations = {}
    for way, team in fired.ours.items():
        _refusals(team, _texts(fired.at), *FLAGS[way])
        generations[way] = {found["metadata"]["name"]: found["metadata"]["generation"] for found in team.cron_jobs()}
    return generations


@pytest.mark.parametrize("way", FLAGS)
@pytest.mark.parametrize("name", TEXTS)
def test_the_same_manifest_once_more_is_no_edit(again: dict[str, dict[str, int]], name: str, way: str) -> None:
    """An edit counts instants anew: a tool that applies all of them each minute must not make one."""
    assert again[way].get(name) == 1
