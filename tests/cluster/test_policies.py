"""Each policy once as its author sees it: on a real control plane, with three replicas.

`test_firing` has Forbid, Replace and Allow with one Job, unions, suspension and edits; here is the rest. All objects
are applied together and fire side by side. What a policy does while Jobs are active is tried with Jobs that end when
the test says so, and instants are caught up in full, so that a slow machine changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.cluster import audit, held
from tests.cluster.audit import EARLY, Made
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.held import AT_ONCE, HELD
from tests.cluster.team import Team, annotated, cron_job, instant, now, pod_template, written

pytest_plugins = ["tests.cluster.fleet_fixtures"]

EACH_SECOND = "* * * * * *"
SECOND = timedelta(seconds=1)
A_WHILE = 3 * SECOND
"""So long is looked whether something fires that must not."""
FAR = "Asia/Kathmandu"
"""A zone whose hours are not those of UTC."""
JITTER = 12
JITTERED = [f"jittered-{number}" for number in range(6)]


def each_second(name: str, **fields: Any) -> dict[str, Any]:
    """An object that fires each second and loses nothing on a slow machine."""
    return cron_job(name, EACH_SECOND, **{"job": AT_ONCE, "catchUpPolicy": "All", **fields})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When something is to happen: whole seconds, so far ahead that on a slow machine too the objects are there before.

    Attributes:
        once_at: The only instant of one object.
        opens_at: When the time of another begins,
        closes_at: and when it is over.
        pause_ends_at: When a pause ends by itself.
    """

    once_at: datetime
    opens_at: datetime
    closes_at: datetime
    pause_ends_at: datetime

    @classmethod
    def from_now(cls) -> Plan:
        """Everything within half a minute."""
        soon = now().replace(microsecond=0) + 15 * SECOND
        return cls(once_at=soon, opens_at=soon, closes_at=soon + 5 * SECOND, pause_ends_at=soon + 10 * SECOND)

    def objects(self) -> list[dict[str, Any]]:
        """The objects."""
        queueing = {"concurrencyPolicy": "Queue", "job": HELD}
        hour = datetime.now(ZoneInfo(FAR)).hour
        pause = {"suspend-until": written(self.pause_ends_at), "suspend-reason": "the books are closed"}
        return [
            each_second("steady"),
            each_second("queue", queueLimit=2, **queueing),
            each_second("impatient", startingDeadlineSeconds=3, **queueing),
            each_second("forbid-two", concurrencyPolicy="Forbid", maxActiveJobs=2, job=HELD),
            each_second("replace-two", concurrencyPolicy="Replace", maxActiveJobs=2, job=HELD),
            each_second("three-times", maxRuns=3),
            cron_job("once", f"@at {written(self.once_at)}", job=AT_ONCE),
            each_second("between", startTime=written(self.opens_at), endTime=written(self.closes_at)),
            cron_job("every", "@every 3s", job=AT_ONCE, catchUpPolicy="All"),
            cron_job("hashed", "H/7 * * * * *", job=AT_ONCE, catchUpPolicy="All"),
            cron_job("far", f"*/2 * {hour},{(hour + 1) % 24} * * *", job=AT_ONCE, timeZone=FAR),
            each_second("half-open", suspendAfterFailures=2, concurrencyPolicy="Forbid", maxActiveJobs=2, job=HELD),
            each_second("broken", suspendAfterFailures=2, job={}, template=pod_template(fail=True)),
            *(cron_job(name, "*/4 * * * * *", job=AT_ONCE, jitterSeconds=JITTER) for name in JITTERED),
            annotated(each_second("paused"), **pause),
            each_second("interrupted"),
        ]


@pytest.fixture(scope="module")
def plan() -> Plan:
    """When something is to happen."""
    return Plan.from_now()


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace for the objects, and replicas that are well."""
    fleet_for_session.mend(*NODES)
    return found_team("policies")


@pytest.fixture(scope="module", autouse=True)
def _applied(team: Team, plan: Plan) -> None:
    """All objects, once the replicas are well."""
    team.apply(*plan.objects())


@pytest.fixture
def made(team: Team) -> Callable[[str], list[Made]]:
    """The Jobs of instants that were made for an object, by the API server's own record, in that order."""

    def of(name: str) -> list[Made]:
        jobs = audit.made(team.control_plane.audit_log, team.namespace)
        return [job for job in jobs if job.cron_job == name]

    return of


def look_for_a_while(team: Team) -> None:
    """Give what must not happen the time to happen."""
    team.wait_until_settled(now() + A_WHILE, "steady")


def reasons(team: Team, name: str) -> set[str]:
    """Why the last firings of an object ended as they did."""
    return {told["reason"] for told in team.status(name).get("recent", [])}


def adds_up(team: Team, name: str) -> bool:
    """Whether each due instant has its outcome, or waits for it."""
    status = team.status(name)
    counts = status["counts"]
    ended = sum(counts.get(outcome, 0) for outcome in ("created", "skipped", "missed", "createFailed"))
    promised = [slot for slot in status.get("active", []) if "uid" not in slot and "trigger" not in slot]
    waiting = [slot for slot in status.get("queued", []) if "trigger" not in slot]
    return bool(counts["due"] == ended + len(promised) + len(waiting))


# Pauses by annotation.


def test_a_pause_says_until_when_and_why(team: Team, plan: Plan) -> None:
    condition = eventually(lambda: team.condition("paused", "Suspended"), "a condition")
    assert (condition["status"], condition["reason"]) == ("True", "SuspendedUntil")
    assert condition["message"] == f"until {written(plan.pause_ends_at)}: the books are closed"
    assert team.status("paused")["suspendedUntil"] == written(plan.pause_ends_at)
    assert team.status("paused")["nextScheduleTime"] == written(plan.pause_ends_at)
    assert "SuspendedUntil" in team.kubectl("get", "dcj", "paused", "--output=wide")


def test_a_pause_stops_what_fires_and_its_end_fires_nothing_backwards(
    team: Team, made: Callable[[str], list[Made]]
) -> None:
    eventually(lambda: made("interrupted"), "it fires")
    until = written(now() + timedelta(hours=1))
    team.annotate("interrupted", **{"suspend-until": until, "suspend-reason": "stocktaking"})
    eventually(lambda: team.condition("interrupted", "Suspended")["status"] == "True", "it is paused")
    paused = now()
    assert team.condition("interrupted", "Suspended")["message"] == f"until {until}: stocktaking"
    assert team.status("interrupted")["nextScheduleTime"] == until
    look_for_a_while(team)
    ended = now()
    team.annotate("interrupted", **{"suspend-until": None})
    eventually(lambda: made("interrupted")[-1].instant > ended, "it fires again")
    assert not [job for job in made("interrupted") if paused < job.instant <= ended]
    assert not [job for job in made("interrupted") if paused < job.at <= ended]
    eventually(lambda: team.condition("interrupted", "Suspended")["status"] == "False", "the condition says so")
    assert "suspendedUntil" not in team.status("interrupted")
    assert adds_up(team, "interrupted")


# One at a time, or more.


def test_a_queue_keeps_its_order_and_turns_away_what_does_not_fit(
    team: Team, made: Callable[[str], list[Made]]
) -> None:
    eventually(lambda: team.counts("queue")["skipped"] >= 2, "the queue is full")
    (first,) = made("queue")
    waiting = [instant(slot["scheduledAt"]) for slot in team.status("queue")["queued"]]
    assert waiting == [first.instant + SECOND, first.instant + 2 * SECOND]
    assert "SkippedQueueFull" in reasons(team, "queue")
    held.complete(team, first.job)
    eventually(lambda: len(made("queue")) == 2, "the next one has its turn")
    held.complete(team, made("queue")[1].job)
    eventually(lambda: len(made("queue")) == 3, "and the one after it")
    assert [job.instant for job in made("queue")[1:]] == waiting
    eventually(lambda: len(team.status("queue")["queued"]) == 2, "others wait in their place")
    assert adds_up(team, "queue")
    (event,) = eventually(lambda: team.events("queue", "JobAlreadyActive")[:1], "an Event")
    assert event["message"].startswith("SkippedQueueFull: ")


def test_who_waits_in_a_queue_may_be_too_late_in_the_end(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: team.counts("impatient")["missed"] >= 2, "two have waited in vain")
    assert len(made("impatient")) == 1
    assert "MissedDeadline" in reasons(team, "impatient")
    assert adds_up(team, "impatient")
    (event,) = eventually(lambda: team.events("impatient", "MissSchedule")[:1], "an Event")
    assert event["message"].startswith("MissedDeadline: ")


def test_forbid_lets_as_many_jobs_run_as_it_is_told(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: team.counts("forbid-two")["skipped"] >= 3, "instants are skipped")
    assert len(made("forbid-two")) == 2
    assert team.status("forbid-two")["activeJobs"] == 2
    assert all(place["turnedAway"] >= 3 for place in team.status("forbid-two")["active"])
    assert team.condition("forbid-two", "Blocked") == {}, "they have run for seconds only"
    held.complete(team, made("forbid-two")[0].job)
    eventually(lambda: len(made("forbid-two")) == 3, "another one takes its place")
    look_for_a_while(team)
    assert len(made("forbid-two")) == 3
    assert adds_up(team, "forbid-two")


def test_replace_keeps_as_many_of_the_newest_as_it_is_told(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(made("replace-two")) >= 5, "Jobs that replace each other")
    team.patch("replace-two", suspend=True)
    look_for_a_while(team)
    newest = [job.job for job in made("replace-two")[-2:]]
    eventually(lambda: [job["metadata"]["name"] for job in team.jobs("replace-two")] == newest, "the newest two stay")
    assert team.status("replace-two")["activeJobs"] == 2


# How long it lives.


def test_an_object_is_completed_after_so_many_runs(team: Team, made: Callable[[str], list[Made]]) -> None:
    assert "condition met" in team.kubectl("wait", "--for=condition=Completed", "--timeout=60s", "dcj/three-times")
    assert team.condition("three-times", "Completed")["reason"] == "MaxRunsReached"
    look_for_a_while(team)
    one, two, three = (job.instant for job in made("three-times"))
    assert [two - one, three - two] == [SECOND, SECOND]
    assert team.counts("three-times")["created"] == team.counts("three-times")["due"] == 3
    assert "nextScheduleTime" not in team.status("three-times")
    (event,) = eventually(lambda: team.events("three-times", "Completed"), "an Event")
    assert event["type"] == "Normal"


def test_an_object_for_one_moment_fires_then_and_is_completed(
    team: Team, plan: Plan, made: Callable[[str], list[Made]]
) -> None:
    assert "condition met" in team.kubectl("wait", "--for=condition=Completed", "--timeout=60s", "dcj/once")
    assert team.condition("once", "Completed")["reason"] == "ScheduleEnded"
    assert [job.instant for job in made("once")] == [plan.once_at]
    assert team.counts("once")["due"] == 1
    assert "nextScheduleTime" not in team.status("once")
    assert "ScheduleEnded" in team.kubectl("get", "dcj", "once", "--output=wide")


def test_nothing_fires_before_the_start_nor_at_the_end(
    team: Team, plan: Plan, made: Callable[[str], list[Made]]
) -> None:
    team.kubectl("wait", "--for=condition=Completed", "--timeout=60s", "dcj/between")
    eventually(lambda: len(made("between")) == 5, "each instant between them")
    assert [job.instant for job in made("between")] == [plan.opens_at + number * SECOND for number in range(5)]
    assert team.counts("between")["due"] == team.counts("between")["created"] == 5


# When it fires.


def test_every_so_often_counts_from_the_creation(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: len(made("every")) >= 3, "three Jobs")
    instants = [job.instant for job in made("every")]
    created = instant(team.cron_job("every")["metadata"]["creationTimestamp"])
    assert instants[0] == created + 3 * SECOND
    assert all(other - one == 3 * SECOND for one, other in pairwise(instants))


def test_a_hashed_schedule_fires_where_the_status_says(team: Team, made: Callable[[str], list[Made]]) -> None:
    expected = instant(eventually(lambda: team.status("hashed").get("nextScheduleTime", ""), "the next instant"))
    eventually(lambda: any(job.instant == expected for job in made("hashed")), "it fires then")
    assert {job.instant.second % 7 for job in made("hashed") if job.instant.second < 56} == {expected.second % 7}


def test_hours_are_those_of_the_time_zone(team: Team, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: made("far"), "it fires")
    annotations = team.jobs("far")[-1]["metadata"]["annotations"]
    assert annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"].endswith("+05:45")


def test_jitter_puts_each_object_off_by_a_share_of_its_own(team: Team, made: Callable[[str], list[Made]]) -> None:
    def shares() -> list[timedelta]:
        """What each object is late by at the least, once it has been late by that three times."""
        late = [sorted(job.lateness for job in made(name))[:3] for name in JITTERED]
        alike = all(len(three) == 3 and three[-1] - three[0] < 2 * SECOND for three in late)
        return [three[0] for three in late] if alike else []

    found = eventually(shares, "each object is late by the same again and again", seconds=60)
    assert max(found) - min(found) > SECOND, "each has another share"
    assert all(-EARLY <= share <= (JITTER + 2) * SECOND for share in found)
    assert all(job.instant.second % 4 == 0 for name in JITTERED for job in made(name)), "Jobs tell the nominal instant"


# Circuits.


def test_a_circuit_opens_after_failures_and_a_manual_run_that_succeeds_closes_it(
    team: Team, made: Callable[[str], list[Made]]
) -> None:
    eventually(lambda: len(made("half-open")) == 2, "two Jobs")
    held.fail(team, *(job.job for job in made("half-open")))
    condition = circuit(team, "half-open", "True")
    assert condition["reason"] == "TooManyFailures"
    assert team.status("half-open")["failuresInRow"] == 2
    assert "CIRCUIT OPEN" in team.kubectl("get", "dcj", "half-open", "--output=wide")
    assert "nextScheduleTime" not in team.status("half-open")
    eventually(lambda: team.events("half-open", "CircuitOpen"), "an Event")
    before = len(made("half-open"))
    team.annotate("half-open", trigger="first try")
    held.fail(team, manual_job(team, "half-open", "first try"))
    eventually(lambda: team.status("half-open")["failuresInRow"] > 2, "the manual run has failed too")
    assert team.condition("half-open", "CircuitOpen")["status"] == "True"
    team.annotate("half-open", trigger="second try")
    job = manual_job(team, "half-open", "second try")
    assert len(made("half-open")) == before, "nothing fires on schedule meanwhile"
    tried = now()
    held.complete(team, job)
    circuit(team, "half-open", "False")
    eventually(lambda: len(made("half-open")) > before, "it fires again")
    assert made("half-open")[before].instant > tried, "and not for the time before"
    assert "SkippedSuspended" in reasons(team, "half-open")
    assert adds_up(team, "half-open")


def test_an_edit_of_the_template_closes_a_circuit(team: Team, made: Callable[[str], list[Made]]) -> None:
    circuit(team, "broken", "True")
    failures = len(made("broken"))
    look_for_a_while(team)
    assert len(made("broken")) == failures
    mended = now().replace(microsecond=0)
    team.apply(each_second("broken", suspendAfterFailures=2, job={}))
    circuit(team, "broken", "False")
    eventually(lambda: team.counts("broken")["succeeded"] >= 2, "its Jobs succeed")
    assert made("broken")[failures].instant > mended
    assert team.condition("broken", "CircuitOpen")["reason"] == "CircuitClosed"
    assert adds_up(team, "broken")


# What has had its time meanwhile.


def test_a_pause_ends_by_itself(team: Team, plan: Plan, made: Callable[[str], list[Made]]) -> None:
    eventually(lambda: made("paused"), "it fires once the pause is over", seconds=60)
    assert made("paused")[0].instant == plan.pause_ends_at
    eventually(lambda: team.condition("paused", "Suspended")["reason"] == "NotSuspended", "the condition says so")
    assert team.counts("paused")["skipped"] > 0
    assert adds_up(team, "paused")


def circuit(team: Team, name: str, status: str) -> dict[str, Any]:
    """The condition, once it stands so."""
    what = f"the circuit of {name} is {status}"
    eventually(lambda: team.condition(name, "CircuitOpen").get("status") == status, what, seconds=60)
    return team.condition(name, "CircuitOpen")


def manual_job(team: Team, name: str, value: str) -> str:
    """The name of the Job of a manual run, once it is there."""

    def found() -> list[str]:
        annotations = {job["metadata"]["name"]: job["metadata"]["annotations"] for job in team.jobs(name)}
        return [job for job, told in annotations.items() if told.get("dcron.io/trigger-id") == value]

    (job,) = eventually(found, f"the Job of {value!r}")
    return job
