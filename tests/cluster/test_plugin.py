"""`kubectl dcron` on a real control plane: what it shows is what is there, and what it asks for is done."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.ports import free_port
from plugin.clock import SystemClock
from plugin.cluster import connect
from plugin.ports import Address
from tests.cluster.dcron import Plugin
from tests.cluster.fleet import NODES, Fleet, eventually
from tests.cluster.held import AT_ONCE, HELD
from tests.cluster.team import Team, cron_job, instant, now, pod_template, written
from tests.unit.plugin.contract import keeps_the_contract

pytest_plugins = ["tests.cluster.fleet_fixtures", "tests.cluster.dcron_fixtures"]
pytestmark = pytest.mark.timeout(600)

EACH_YEAR = "0 0 1 1 *"
FIVE = timedelta(seconds=5)
PAST: dict[str, Any] = {"startTime": "2025-01-01T00:00:00Z", "endTime": "2026-01-01T00:00:00Z"}
OBJECTS = [
    cron_job("yearly", EACH_YEAR, job={"activeDeadlineSeconds": 300}),
    cron_job("failing", EACH_YEAR, template=pod_template(fail=True)),
    cron_job("quick", "*/5 * * * * *", job=AT_ONCE),
    cron_job("busy", "*/5 * * * * *", job=HELD, concurrencyPolicy="Forbid"),
    cron_job("strict", "*/5 * * * * *", job=AT_ONCE, startingDeadlineSeconds=2),
    cron_job("hourly", "0 * * * *", job=AT_ONCE, maxActiveJobs=3, **PAST),
    cron_job("misspelt", "61 * * * *"),
]


@pytest.fixture(scope="module")
def team(fleet_for_session: Fleet, found_team: Callable[[str], Team]) -> Team:
    """A namespace with all objects, each of which is served."""
    fleet_for_session.mend(*NODES)
    team = found_team("plugin")
    team.apply(*OBJECTS)
    eventually(lambda: all(team.status(body["metadata"]["name"]).get("owner") for body in OBJECTS), "they are served")
    return team


def rows(dcron: Plugin, team: Team) -> dict[str, dict[str, Any]]:
    """What `list` tells, by name."""
    return {row["name"]: row for row in dcron.asked(team, "list")["items"]}


def passed(team: Team, name: str, wanted: Callable[[dict[str, Any]], bool]) -> datetime:
    """The newest instant of which the status tells what is wanted."""

    def found() -> list[str]:
        return [one["scheduledAt"] for one in team.status(name).get("recent", []) if wanted(one)]

    return instant(eventually(found, f"a firing of {name} as wanted")[-1])


def test_the_list_is_what_is_there(team: Team, dcron: Plugin) -> None:
    found = rows(dcron, team)
    assert set(found) == {body["metadata"]["name"] for body in OBJECTS}
    assert {row["owner"] for row in found.values()} <= set(NODES)
    assert found["misspelt"]["state"] == "InvalidSchedule"
    assert found["quick"]["state"] == "Ready"
    assert found["hourly"]["state"] == "Completed"
    everywhere = dcron.kubectl("dcron", "list", "-A")
    assert everywhere.out.startswith("NAMESPACE")
    assert [team.namespace, "quick"] in [line.split()[:2] for line in everywhere.out.splitlines()]


def test_the_next_instant_is_the_one_that_the_status_tells(team: Team, dcron: Plugin) -> None:
    (found,) = dcron.asked(team, "next", "yearly", "-n", "1")["instants"]
    assert found["scheduledAt"] == team.status("yearly")["nextScheduleTime"]


def test_a_run_is_waited_for(team: Team, dcron: Plugin) -> None:
    told = dcron.asked(team, "trigger", "yearly", "--wait")
    assert (told["outcome"], told["ended"], told["succeeded"]) == ("created", True, True)
    job = team.look(f"/apis/batch/v1|jobs/{told['job']}")
    assert job["metadata"]["annotations"]["dcron.io/trigger-id"] == told["value"]
    assert job["status"]["succeeded"] == 1


def test_a_run_that_fails_and_one_that_is_skipped_have_exit_codes(team: Team, dcron: Plugin) -> None:
    answer = dcron(team, "trigger", "failing", "--wait")
    assert answer.code == 1
    assert "has failed" in answer.err
    eventually(lambda: team.status("busy").get("active"), "it is busy")
    answer = dcron(team, "trigger", "busy", "--wait")
    assert answer.code == 1
    assert "nothing has run: SkippedForbid" in answer.err


def test_suspended_and_resumed_by_the_spec(team: Team, dcron: Plugin) -> None:
    assert dcron(team, "suspend", "yearly", "--reason", "stocktaking").code == 0
    eventually(lambda: team.condition("yearly", "Suspended")["status"] == "True", "it is suspended")
    row = rows(dcron, team)["yearly"]
    assert (row["state"], row["why"]) == ("Suspended", "it is suspended: stocktaking")
    assert dcron.asked(team, "trigger", "yearly", "--wait")["succeeded"], "a run goes through all the same"
    assert dcron(team, "resume", "yearly").code == 0
    eventually(lambda: team.condition("yearly", "Suspended")["status"] == "False", "it goes on")
    assert rows(dcron, team)["yearly"]["state"] == "Ready"
    assert "dcron.io/suspend-reason" not in team.cron_job("yearly")["metadata"].get("annotations", {})


def test_paused_until_a_time_and_resumed_sooner(team: Team, dcron: Plugin) -> None:
    assert dcron(team, "suspend", "yearly", "--until", "2h", "--reason", "stocktaking").code == 0
    condition = eventually(lambda: held(team), "it is paused")
    assert condition["reason"] == "SuspendedUntil"
    assert condition["message"].endswith(": stocktaking")
    assert rows(dcron, team)["yearly"]["state"] == "Paused"
    dcron(team, "resume", "yearly")
    eventually(lambda: not held(team), "it goes on")
    assert "was neither suspended nor paused" in dcron(team, "resume", "yearly").out


def held(team: Team) -> dict[str, Any]:
    """The condition Suspended of the yearly object, if it is true."""
    found = team.condition("yearly", "Suspended")
    return found if found["status"] == "True" else {}


def test_a_created_firing_is_explained_by_its_job(team: Team, dcron: Plugin) -> None:
    at = passed(team, "quick", lambda one: one["reason"] == "Created")
    told = dcron.asked(team, "explain", "quick", "--at", written(at))
    assert (told["verdict"], told["witness"]) == ("Created", "Job")
    assert told["job"] in {job["metadata"]["name"] for job in team.jobs("quick")}
    assert any(node in told["sentence"] for node in NODES)


def test_a_skipped_firing_is_explained_by_the_status_and_its_event(team: Team, dcron: Plugin) -> None:
    at = passed(team, "busy", lambda one: one["reason"] == "SkippedForbid")
    told = dcron.asked(team, "explain", "busy", "--at", written(at))
    assert (told["verdict"], told["witness"]) == ("SkippedForbid", "status")
    assert "one of its Jobs was active" in told["sentence"]
    messages = eventually(lambda: [text for text in skipped(team) if "the firing of " in text], "an Event")
    first = messages[0].split("the firing of ")[1].split(": ")[0]
    told = dcron.asked(team, "explain", "busy", "--at", first)
    assert told["verdict"] == "SkippedForbid"
    assert any("JobAlreadyActive" in sentence for sentence in told["also"])


def skipped(team: Team) -> list[str]:
    """What Events tell of what was skipped."""
    return [event["message"] for event in team.events("busy", "JobAlreadyActive")]


def test_a_missed_firing_is_explained(fleet: Fleet, team: Team, dcron: Plugin) -> None:
    for replica in fleet.living():
        replica.kill()
    down = now()
    eventually(lambda: now() > down + 3 * FIVE, "an outage")
    fleet.mend(*NODES)
    at = passed(team, "strict", lambda one: one["reason"] == "MissedDeadline")
    assert at > down
    told = dcron.asked(team, "explain", "strict", "--at", written(at))
    assert (told["verdict"], told["witness"]) == ("MissedDeadline", "status")
    assert "(2s now)" in told["sentence"]


def test_what_was_never_and_what_is_to_come(team: Team, dcron: Plugin) -> None:
    assert dcron.asked(team, "explain", "yearly", "--at", "2025-01-01T00:00:00Z")["verdict"] == "Unknown"
    assert dcron.asked(team, "explain", "yearly", "--at", "2199-01-01T00:00:00Z")["verdict"] == "ToCome"
    between = (now() + timedelta(minutes=1)).replace(second=7)  # after the object was made, however young it is
    assert dcron.asked(team, "explain", "quick", "--at", written(between))["verdict"] == "NoInstant"


def test_the_history_has_what_the_status_has(team: Team, dcron: Plugin) -> None:
    eventually(lambda: len(team.status("busy").get("recent", [])) >= 3, "some firings")
    before = team.status("busy")
    told = dcron.asked(team, "history", "busy")
    found = {(one["scheduledAt"], one["outcome"]) for one in told["items"]}
    after = {(one["scheduledAt"], one["reason"]) for one in team.status("busy")["recent"]}
    assert {(one["scheduledAt"], one["reason"]) for one in before["recent"]} & after <= found
    assert [one["scheduledAt"] for one in told["items"]] == sorted(
        (one["scheduledAt"] for one in told["items"]), reverse=True
    )
    assert {one["state"] for one in told["items"] if one["outcome"] == "Created" and one["job"]} <= {
        "running",
        "gone",
        "succeeded",
    }


def test_a_backfill_does_what_its_dry_run_says(team: Team, dcron: Plugin) -> None:
    night = ["--from", "2025-02-01T00:00:00Z", "--to", "2025-02-01T06:00:00Z"]
    plan = dcron.asked(team, "backfill", "hourly", *night, "--dry-run")
    assert len(plan["fires"]) == 6
    assert team.jobs("hourly") == []
    assert dcron(team, "backfill", "hourly", *night).code == 0
    eventually(lambda: team.status("hourly").get("backfill", {}).get("state") == "Done", "it is done", seconds=90)
    told = team.status("hourly")["backfill"]
    assert (told["interval"], told["total"], told["created"]) == (plan["interval"], 6, 6)
    answer = dcron(team, "backfill", "hourly", *night)
    assert (answer.code, "was asked for before: Done, 6 created" in answer.err) == (1, True)


def test_the_ring_is_who_serves(team: Team, dcron: Plugin) -> None:
    told = dcron.asked(team, "ring")
    owners = [team.status(body["metadata"]["name"])["owner"] for body in OBJECTS]
    assert {node["node"] for node in told["nodes"]} <= set(NODES)
    assert sum(node["objects"] for node in told["nodes"]) == len(OBJECTS)
    assert set(owners) <= set(NODES)
    assert told["epoch"] is None
    assert all(node["wroteAt"] for node in told["nodes"])


def test_the_ring_tells_of_an_emergency_pause(team: Team, dcron: Plugin) -> None:
    meta = {"name": "dcron-pause", "namespace": team.namespace, "labels": {"dcron.io/pauses": "dcron"}}
    team.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"paused": "true"}})
    told = {"controllerName": "dcron", "configMap": f"{team.namespace}/dcron-pause", "paused": True}
    assert dcron.asked(team, "ring")["pauses"] == [told]
    team.kubectl("delete", "configmap", "dcron-pause")
    assert dcron.asked(team, "ring")["pauses"] == []


def test_the_herd_is_all_that_fires_in_a_day(team: Team, dcron: Plugin) -> None:
    told = dcron.asked(team, "herd")
    assert sum(told["counts"]) == pytest.approx(3 * 24 * 60 * 12, abs=1)
    assert set(told["worst"][0]["who"]) >= {f"{team.namespace}/{name}" for name in ("quick", "busy", "strict")}
    assert told["silent"] == 2


def test_kubectl_completes_commands_options_and_names(team: Team, dcron: Plugin) -> None:
    def proposed(*words: str) -> list[str]:
        answer = dcron.kubectl("__complete", "dcron", *words)
        assert answer.code == 0, answer.err
        return [line.split("\t")[0] for line in answer.out.splitlines()]

    assert proposed("su")[:1] == ["suspend"]
    assert {"--until", "--reason", "--namespace"} <= set(proposed("suspend", "--"))
    assert proposed("suspend", "-n", team.namespace, "bu") == ["busy", ":4"]
    assert proposed("list", "-o", "") == ["json", "yaml", ":4"]


def test_a_converted_manifest_is_accepted(team: Team, dcron: Plugin) -> None:
    spec = {**cron_job("x", EACH_YEAR)["spec"], "timeZone": "Europe/Berlin"}
    old = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "converted"}, "spec": spec}
    answer = dcron(team, "convert", stdin=json.dumps(old))
    assert (answer.code, answer.err) == (0, "")
    team.kubectl("apply", "-f", "-", stdin=answer.out)
    eventually(lambda: team.condition("converted").get("status") == "True", "it is ready")
    team.delete("converted")


def test_what_stands_in_the_way_has_an_exit_code(team: Team, dcron: Plugin, tmp_path: Path) -> None:
    known = json.loads(team.control_plane.kubeconfig.read_text())
    stranger, nowhere = json.loads(json.dumps(known)), json.loads(json.dumps(known))
    stranger["users"][0]["user"]["token"] = "of-nobody"
    nowhere["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    codes = {}
    for name, config in {"stranger": stranger, "nowhere": nowhere}.items():
        path = tmp_path / name
        path.write_text(json.dumps(config))
        answer = dcron(team, "list", "--kubeconfig", str(path))
        codes[name] = answer.code
        assert (answer.out, len(answer.err.splitlines())) == ("", 1)
    assert codes == {"stranger": 5, "nowhere": 4}
    assert dcron(team, "list", "--context", "nothing").code == 4
    assert dcron(team, "explain", "nothing", "--at", "2026-01-01T00:00:00Z").code == 3
    assert dcron(team, "list", "--context", "dcron-local").code == 0


def test_a_real_api_server_keeps_the_contract_of_the_fake(team: Team) -> None:
    namespace = f"{team.namespace}-contract"
    team.kubectl("create", "namespace", namespace)
    address = Address(kubeconfig=str(team.control_plane.kubeconfig), namespace=namespace)
    keeps_the_contract(connect(address, SystemClock()), namespace)
    team.kubectl("delete", "namespace", namespace, "--wait=false")
