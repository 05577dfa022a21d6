"""What people ask for by annotation, as they type it: one run now, and backfills; replicas die in the middle of both.

The schedules here fire nothing by themselves while the tests run, so that every Job was asked for. What was made is
read from the API server's own record, where a Job that is gone still counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.cluster import audit, held
from tests.cluster.fleet import NODES, Fleet, Replica, eventually
from tests.cluster.held import AT_ONCE, HELD
from tests.cluster.team import Team, annotated, cron_job, instant, now

pytest_plugins = ["tests.cluster.fleet_fixtures"]

EACH_YEAR = "0 0 1 1 *"
PAST: dict[str, Any] = {"startTime": "2025-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"}
"""Nothing is left to fire but a backfill."""
A_WHILE = timedelta(seconds=2)
THOUSAND = "2025-03-01T00:00:00Z/2025-03-01T16:40:00Z"
"""A thousand minutes."""
RUSHED = [f"rushed-{number}" for number in range(16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A schedule, a past interval, and its instants there: so a clock change can be tried on any day."""

    interval: str
    instants: list[str]
    spec: Mapping[str, Any]

    def object(self, name: str) -> dict[str, Any]:
        """The object of the row."""
        return cron_job(name, **{"schedule": None, **self.spec, **PAST}, job=AT_ONCE, maxActiveJobs=10)


SPRING, AUTUMN = "2025-03-09T00:00:00Z/2025-03-11T00:00:00Z", "2025-11-02T00:00:00Z/2025-11-04T00:00:00Z"
"""Two nights each. In the first of them New York has no 02:30, or two of 01:30."""
FEBRUARY = "2025-02-01T00:00:00Z/2025-03-01T00:00:00Z"


def new_york(local: str, interval: str, *instants: str, **spec: str) -> Row:
    """A schedule in the nights in which its clocks change."""
    return Row(
        interval=interval,
        instants=list(instants),
        spec={"schedule": f"{local} * * *", "timeZone": "America/New_York", **spec},
    )


BACK_THEN = {
    "gap": new_york("30 2", SPRING, "20250310063000"),
    "gap-after": new_york("30 2", SPRING, "20250309070000", "20250310063000", dstGap="After"),
    "overlap": new_york("30 1", AUTUMN, "20251102053000", "20251102063000", "20251103063000"),
    "overlap-first": new_york("30 1", AUTUMN, "20251102053000", "20251103063000", dstOverlap="First"),
    "overlap-last": new_york("30 1", AUTUMN, "20251102063000", "20251103063000", dstOverlap="Last"),
    "days": Row(
        interval=FEBRUARY,
        instants=["20250203090000", "20250214090000", "20250228090000"],
        spec={"schedules": ["0 9 L * *", "0 9 15W * *", "0 9 * * MON#1"]},
    ),
    "last-friday": Row(
        interval=FEBRUARY,
        instants=["20250201093000", "20250228093000"],
        spec={"schedule": "30 9 1 * FRIL"},
    ),
}
OBJECTS = [
    annotated(cron_job("on-demand", EACH_YEAR, job=AT_ONCE), trigger="of the manifest"),
    cron_job("suspended", EACH_YEAR, job=AT_ONCE, suspend=True),
    cron_job("busy", EACH_YEAR, job=HELD, concurrencyPolicy="Forbid"),
    cron_job("queueing", EACH_YEAR, job=HELD, concurrencyPolicy="Queue"),
    *(cron_job(name, EACH_YEAR, job=AT_ONCE) for name in RUSHED),
    cron_job("broken", "0 * * * *", job=HELD, concurrencyPolicy="Forbid", suspendAfterFailures=1, **PAST),
    cron_job("silent", EACH_YEAR, job=AT_ONCE),
    cron_job("hourly", "0 * * * *", job=HELD, maxActiveJobs=3, successfulJobsHistoryLimit=100, **PAST),
    cron_job("halted", "0 * * * *", job=HELD, successfulJobsHistoryLimit=100, **PAST),
    annotated(cron_job("restored", "0 * * * *", job=AT_ONCE, **PAST), backfill=FEBRUARY),
    cron_job("resting", "0 * * * *", job=AT_ONCE, suspend=True, **PAST),
    cron_job("thousand", "* * * * *", job=AT_ONCE, maxActiveJobs=20, successfulJobsHistoryLimit=1, **PAST),
    *(row.object(name) for name, row in BACK_THEN.items()),
]


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace with all objects, each of which has an owning node."""
    fleet_for_session.mend(*NODES)
    team = found_team("requests")
    team.apply(*OBJECTS)
    eventually(lambda: all(owning_node(team, body["metadata"]["name"]) for body in OBJECTS), "they are served")
    return team


@pytest.fixture(autouse=True)
def _calm(fleet: Fleet) -> None:
    """Each test begins with three replicas."""


def owning_node(team: Team, name: str) -> str:
    """The node that an object names as its owning one; empty if it has none yet."""
    found: str = team.status(name).get("owner", "")
    return found


def made(team: Team, name: str) -> list[str]:
    """The names of all Jobs ever made of an object, in that order."""
    names = audit.names(team.control_plane.audit_log, team.namespace)
    return [job for job in names if job.startswith((f"{name}-m-", f"{name}-b20", f"{name}-20"))]


def last_trigger(team: Team, name: str, value: str, outcome: str) -> dict[str, Any]:
    """What the status tells of a manual run, once it has come so far."""

    def told() -> dict[str, Any] | None:
        found: dict[str, Any] = team.status(name).get("lastTrigger", {})
        return found if (found.get("value"), found.get("outcome")) == (value, outcome) else None

    return eventually(told, f"the run {value!r} of {name} is {outcome}") or {}


def backfill(team: Team, name: str) -> dict[str, Any]:
    """What the status tells of the backfill of an object."""
    found: dict[str, Any] = team.status(name).get("backfill", {})
    return found


def backfilled(team: Team, name: str, interval: str, state: str = "Done", seconds: float = 30.0) -> dict[str, Any]:
    """The backfill, once it is in that state."""

    def told() -> dict[str, Any] | None:
        found = backfill(team, name)
        return found if (found.get("interval"), found.get("state")) == (interval, state) else None

    return eventually(told, f"the backfill of {name} is {state}", seconds) or {}


def look_for_a_while(team: Team) -> None:
    """Give what must not happen the time to happen: until a run that was asked for last has been made."""
    value = f"{now():%H:%M:%S.%f}"
    until = now() + A_WHILE
    eventually(lambda: now() > until, "a while")
    team.annotate("on-demand", trigger=value)
    last_trigger(team, "on-demand", value, "created")


# One run now.


def test_each_new_value_is_one_run(team: Team) -> None:
    assert last_trigger(team, "on-demand", "of the manifest", "noted")
    assert made(team, "on-demand") == [], "what a manifest brings along is old"
    team.annotate("on-demand", trigger="Monday")
    told = last_trigger(team, "on-demand", "Monday", "created")
    assert made(team, "on-demand") == [told["job"]]
    job = team.look(f"/apis/batch/v1|jobs/{told['job']}")["metadata"]
    assert job["name"].startswith("on-demand-m-")
    assert job["annotations"]["dcron.io/trigger"] == "manual"
    assert job["annotations"]["dcron.io/trigger-id"] == "Monday"
    assert job["annotations"]["dcron.io/fired-by"] in NODES
    team.annotate("on-demand", trigger="Monday")
    team.annotate("on-demand", trigger=None)
    team.annotate("on-demand", trigger="Monday")
    team.annotate("on-demand", trigger="Tuesday")
    told = last_trigger(team, "on-demand", "Tuesday", "created")
    assert made(team, "on-demand") == [job["name"], told["job"]]
    assert instant(told["at"]).microsecond == 0
    team.annotate("on-demand", trigger="Monday")
    assert last_trigger(team, "on-demand", "Monday", "noted")["job"] == job["name"], "it has had its run"
    assert len(made(team, "on-demand")) == 2
    status = team.status("on-demand")
    assert status.get("counts", {}).get("due", 0) == 0
    assert "lastScheduleTime" not in status, "it moves nothing of the schedule"
    assert [told["trigger"] for told in status["recent"]] == ["manual", "manual"]


def test_empty_values_ask_for_nothing(team: Team) -> None:
    team.annotate("silent", **{"trigger": "", "backfill": "", "suspend-until": "", "suspend-reason": ""})
    look_for_a_while(team)
    status = team.status("silent")
    assert not {"lastTrigger", "backfill", "suspendedUntil"} & set(status)
    assert team.condition("silent", "Suspended")["reason"] == "NotSuspended"
    assert team.events("silent") == []
    assert made(team, "silent") == []


def test_it_runs_while_the_object_is_suspended(team: Team) -> None:
    team.annotate("suspended", trigger="all the same")
    told = last_trigger(team, "suspended", "all the same", "created")
    assert made(team, "suspended") == [told["job"]]
    assert team.condition("suspended", "Suspended")["status"] == "True"


def test_under_forbid_it_is_skipped_while_a_job_runs(team: Team) -> None:
    team.annotate("busy", trigger="one")
    first = last_trigger(team, "busy", "one", "created")
    team.annotate("busy", trigger="two")
    told = last_trigger(team, "busy", "two", "skipped")
    assert told["reason"] == "SkippedForbid"
    assert "job" not in told
    assert made(team, "busy") == [first["job"]]
    (event,) = eventually(lambda: team.events("busy", "JobAlreadyActive"), "an Event")
    assert "manual run" in event["message"]
    held.complete(team, first["job"])
    eventually(lambda: team.status("busy")["activeJobs"] == 0, "nothing runs")
    team.annotate("busy", trigger="three")
    last_trigger(team, "busy", "three", "created")


def test_under_queue_it_waits_for_its_turn(team: Team) -> None:
    team.annotate("queueing", trigger="one")
    first = last_trigger(team, "queueing", "one", "created")
    team.annotate("queueing", trigger="two")
    last_trigger(team, "queueing", "two", "queued")
    assert [slot["triggerId"] for slot in team.status("queueing")["queued"]] == ["two"]
    held.complete(team, first["job"])
    second = last_trigger(team, "queueing", "two", "created")
    assert made(team, "queueing") == [first["job"], second["job"]]


def test_a_run_survives_the_death_of_the_owning_node(fleet: Fleet, team: Team) -> None:
    owners = {name: owning_node(team, name) for name in RUSHED}
    (victim, _), *_ = Counter(owners.values()).most_common()
    theirs = [name for name in RUSHED if owners[name] == victim]
    before, after = theirs[::2], theirs[1::2]
    assert before
    assert after
    team.annotate(*before, trigger="before")
    fleet.replicas[victim].kill()
    team.annotate(*after, trigger="after")
    for name in theirs:
        last_trigger(team, name, "before" if name in before else "after", "created")
    fleet.mend(*NODES)
    look_for_a_while(team)
    assert {name: len(made(team, name)) for name in RUSHED} == {name: int(name in theirs) for name in RUSHED}


# Backfills.


def test_a_backfill_fires_the_oldest_first_and_never_more_at_a_time_than_it_may(team: Team) -> None:
    interval = "2025-02-01T00:00:00Z/2025-02-01T20:00:00Z"
    team.annotate("hourly", backfill=interval)
    eventually(lambda: len(made(team, "hourly")) == 3, "as many as may be active")
    look_for_a_while(team)
    assert len(made(team, "hourly")) == 3
    assert backfill(team, "hourly")["state"] == "Running"
    assert backfill(team, "hourly")["through"] == "2025-02-01T02:00:00Z"
    release_until_done(team, "hourly", interval, at_a_time=3)
    told = backfill(team, "hourly")
    assert (told["total"], told["created"], told["leftOut"]) == (20, 20, 0)
    names = made(team, "hourly")
    assert [name.rsplit("-", 1)[0] for name in names] == [f"hourly-b20250201{hour:02}0000" for hour in range(20)]
    annotations = team.look(f"/apis/batch/v1|jobs/{names[0]}")["metadata"]["annotations"]
    assert annotations["dcron.io/trigger"] == "backfill"
    assert annotations["dcron.io/trigger-id"] == interval
    assert annotations["dcron.io/scheduled-at"] == "2025-02-01T00:00:00Z"
    assert team.counts("hourly")["due"] == 0, "it moves nothing of the schedule"
    eventually(lambda: team.events("hourly", "BackfillDone"), "an Event")


def test_a_second_interval_leaves_out_what_is_recorded_as_created(team: Team) -> None:
    assert backfill(team, "hourly")["state"] == "Done"
    before = len(made(team, "hourly"))
    interval = "2025-02-01T16:00:00Z/2025-02-01T22:00:00Z"
    team.annotate("hourly", backfill=interval)
    release_until_done(team, "hourly", interval, at_a_time=3)
    told = backfill(team, "hourly")
    assert (told["total"], told["created"], told["leftOut"]) == (6, 2, 4)
    assert len(made(team, "hourly")) == before + 2


def test_a_backfill_that_is_taken_away_stops_and_goes_on_where_it_was(team: Team) -> None:
    interval = "2025-02-01T00:00:00Z/2025-02-01T05:00:00Z"
    team.annotate("halted", backfill=interval)
    (first,) = eventually(lambda: made(team, "halted"), "its first Job")
    held.complete(team, first)
    eventually(lambda: len(made(team, "halted")) == 2, "its second Job")
    team.annotate("halted", backfill=None)
    backfilled(team, "halted", interval, "Cancelled")
    held.complete(team, made(team, "halted")[1])
    eventually(lambda: team.status("halted")["activeJobs"] == 0, "nothing runs")
    look_for_a_while(team)
    assert len(made(team, "halted")) == 2
    team.annotate("halted", backfill=interval)
    release_until_done(team, "halted", interval, at_a_time=1)
    assert backfill(team, "halted")["created"] == 5
    hours = [name.rsplit("-", 1)[0] for name in made(team, "halted")]
    assert hours == [f"halted-b20250201{hour:02}0000" for hour in range(5)]


def test_a_backfill_of_the_manifest_is_only_noted(team: Team) -> None:
    backfilled(team, "restored", FEBRUARY, "Noted")
    assert made(team, "restored") == []


def test_a_backfill_rests_while_the_object_is_suspended(team: Team) -> None:
    interval = "2025-02-01T00:00:00Z/2025-02-01T03:00:00Z"
    team.annotate("resting", backfill=interval)
    backfilled(team, "resting", interval, "Running")
    look_for_a_while(team)
    assert made(team, "resting") == []
    team.patch("resting", suspend=False)
    backfilled(team, "resting", interval)
    assert len(made(team, "resting")) == 3


def test_a_backfill_that_rests_leaves_its_place_to_the_run_that_closes_the_circuit(team: Team) -> None:
    interval = "2025-02-01T00:00:00Z/2025-02-01T03:00:00Z"
    team.annotate("broken", backfill=interval)
    (first,) = eventually(lambda: made(team, "broken"), "its first Job")
    held.fail(team, first)
    eventually(lambda: team.condition("broken", "CircuitOpen").get("status") == "True", "the circuit opens")
    look_for_a_while(team)
    assert made(team, "broken") == [first]
    team.annotate("broken", trigger="mended")
    held.complete(team, last_trigger(team, "broken", "mended", "created")["job"])
    eventually(lambda: team.condition("broken", "CircuitOpen")["status"] == "False", "the circuit closes")
    release_until_done(team, "broken", interval, at_a_time=1)
    assert backfill(team, "broken")["created"] == 3
    assert len(made(team, "broken")) == 4


def test_clock_changes_and_marked_days_are_those_of_the_schedule(team: Team) -> None:
    for name, row in BACK_THEN.items():
        team.annotate(name, backfill=row.interval)
    for name, row in BACK_THEN.items():
        backfilled(team, name, row.interval)
    assert {name: instants(team, name) for name in BACK_THEN} == {name: row.instants for name, row in BACK_THEN.items()}


def test_a_thousand_instants_are_fired_once_each_though_owning_nodes_are_killed(fleet: Fleet, team: Team) -> None:
    team.annotate("thousand", backfill=THOUSAND)
    for progress in (200, 600):
        reached(team, "thousand", progress)
        assert backfill(team, "thousand")["state"] == "Running"
        owning_replica(fleet, team, "thousand").kill()
    told = backfilled(team, "thousand", THOUSAND, seconds=90)
    names = Counter(made(team, "thousand"))
    assert len(names) == 1000
    assert [name for name, times in names.items() if times > 1] == []
    assert (told["total"], told["created"], told["leftOut"], told["createFailed"]) == (1000, 1000, 0, 0)


def reached(team: Team, name: str, created: int) -> None:
    """Wait until a backfill has created so many Jobs."""
    eventually(lambda: backfill(team, name).get("created", 0) >= created, f"{created} Jobs of {name}", seconds=90)


def owning_replica(fleet: Fleet, team: Team, name: str) -> Replica:
    """The replica that serves an object now, once that is one that runs."""
    return fleet.replicas[
        eventually(lambda: node if fleet.replicas[node := owning_node(team, name)].runs else "", "a living owning node")
    ]


def instants(team: Team, name: str) -> list[str]:
    """The instants of the Jobs of a backfill, as their names have them."""
    return [job.removeprefix(f"{name}-b").split("-")[0] for job in made(team, name)]


def release_until_done(team: Team, name: str, interval: str, *, at_a_time: int) -> None:
    """Let the held Jobs of a backfill come to their end, again and again, until it is done and none is left."""

    def over() -> bool:
        waiting = held.unfinished(team.jobs(name))
        assert len(waiting) <= at_a_time
        if waiting:
            held.complete(team, *waiting)
        told = backfill(team, name)
        return not waiting and (told.get("interval"), told.get("state")) == (interval, "Done")

    eventually(over, f"the backfill {interval} of {name} is done", seconds=90)
