"""The comparison of who makes Jobs: what its rows say, and what every arm makes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller import spec
from tests.bench import bodies, curves, ended, guard, many, picture, scaling, steady, sustained, writes, written
from tests.bench.arms import LIMIT, PEER, QUICK, THREE
from tests.bench.herd import rows
from tests.bench.outcome import Outcome
from tests.cluster import stage

DUE_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def outcome(lateness: list[float], *, due: int = 100) -> Outcome:
    return Outcome(arm="ours", due=due, twice=0, lateness=lateness, cpu={"etcd": 1.0, "north": 2.0}, controller_cpu=2.0)


def test_a_quantile_is_of_what_was_due_and_not_of_what_was_made() -> None:
    whole = outcome([number / 100 for number in range(100)])
    assert [whole.quantile(share) for share in (0.5, 0.99, 1)] == [0.5, 0.99, 0.99]
    half = outcome([number / 100 for number in range(50)])
    assert half.quantile(0.4) == 0.4
    assert half.quantile(0.5) == float("inf")
    assert whole.whole
    assert not half.whole


def test_a_row_holds_the_last_job_against_the_limit_and_costs_against_firings() -> None:
    (row,) = rows([outcome([number / 100 for number in range(100)])], limit=0.5)
    assert row == ("ours", 100, 100, 0, "0.500", "0.990", "0.990", "1.98", "20.00", "30.00")


def test_every_arm_makes_the_same_job() -> None:
    (raw,) = bodies.plain_jobs("bench", 1, DUE_AT)
    (ours,) = bodies.objects(1, "0 12 2 3 *")
    (theirs,) = bodies.cron_jobs(1, "0 12 2 3 *")
    assert ours["spec"] == theirs["spec"]
    pod = raw["spec"]["template"]["spec"]
    assert [container.pop("env") is not None for container in pod["containers"]] == [True]
    assert raw["spec"] == ours["spec"]["jobTemplate"]["spec"]
    assert raw["metadata"]["name"].startswith("object-00000-20260302120000-")
    assert raw["metadata"]["ownerReferences"][0]["kind"] == spec.KIND


def herd(ours: float, *, raw: float = 1.0, peer: float = 2.0) -> dict[str, Outcome]:
    """One run, by arm: when the last Job of each was made, all others just before."""
    last = {LIMIT.name: raw, PEER.name: peer, THREE.name: ours}
    return {arm: replace(outcome([seconds] * 100), arm=arm) for arm, seconds in last.items()}


def test_the_guard_compares_ratios_and_no_times() -> None:
    kept = herd(3.0)
    slower_machine = guard.ratios(kept, herd(9.0, raw=3.0, peer=6.0))
    assert [(ratio.kept, ratio.now, ratio.holds) for ratio in slower_machine] == [(3, 3, True), (1.5, 1.5, True)]
    assert [ratio.holds for ratio in guard.ratios(kept, herd(4.4))] == [True, True]
    assert [ratio.holds for ratio in guard.ratios(kept, herd(4.6))] == [False, False]
    assert [ratio.holds for ratio in guard.ratios(kept, herd(4.6, peer=4.0))] == [False, True]


def test_jobs_that_were_not_made_hold_no_ratio() -> None:
    half = herd(3.0)
    half[THREE.name] = replace(half[THREE.name], lateness=[0.1] * 50)
    assert not any(ratio.holds for ratio in guard.ratios(herd(3.0), half))


def test_of_two_runs_the_better_counts() -> None:
    bad, good = guard.ratios(herd(3.0), herd(9.0)), guard.ratios(herd(3.0), herd(3.1))
    assert guard.better(bad, good) == guard.better(good, bad) == good


def test_what_is_kept_has_all_that_the_guard_compares() -> None:
    kept = guard.read(json.loads(guard.KEPT.read_text()))
    assert {arm.name for arm in QUICK} <= set(kept)
    assert all(kept[arm.name].whole for arm in QUICK)


def test_the_picture_has_a_line_for_each_arm_and_says_what_was_not_made() -> None:
    slow = replace(outcome([number / 10 for number in range(50)]), arm="half < all")
    text = picture.drawn([outcome([0.001] * 100), slow, replace(slow, arm="none", lateness=[])], "a herd")
    paths = ET.fromstring(text).findall("{http://www.w3.org/2000/svg}path")
    assert sum(path.get("class") == "arm" for path in paths) == 2 * 3
    assert "50 of 100 made" in text


# --- objects that fire again and again --------------------------------------------------------------------------------


def entry(verb: str, resource: str, second: int, **changes: Any) -> dict[str, Any]:
    """A line of the audit log, of the controller's."""
    return {
        "verb": verb,
        "userAgent": "dcron-controller",
        "objectRef": {"resource": resource, "namespace": "bench"},
        "requestReceivedTimestamp": f"2026-03-02T12:00:{second:02}.5Z",
        "responseStatus": {"code": 201},
        **changes,
    }


def test_instants_are_those_of_the_schedule() -> None:
    since = DUE_AT + timedelta(seconds=0.4)
    found = steady.instants(since, since + timedelta(seconds=10), 5)
    assert [at.second for at in found] == [5, 10]
    found = steady.instants(since, since + timedelta(seconds=10), 5, 2)
    assert [at.second for at in found] == [2, 7]


def test_spread_objects_fire_in_each_second_some() -> None:
    schedules = [body["spec"]["schedule"] for body in bodies.spread(4, 3)]
    assert schedules == [f"{second}-59/3 * * * * *" for second in (0, 1, 2, 0)]


def test_a_job_tells_its_instant_by_its_name() -> None:
    (job,) = bodies.plain_jobs("bench", 1, DUE_AT)
    assert bodies.instant_of(job["metadata"]["name"]) == DUE_AT


def test_writes_are_those_of_the_controller_that_went_through_in_time() -> None:
    status = {"resource": "distributedcronjobs", "subresource": "status", "namespace": "bench"}
    entries = [
        entry("create", "jobs", 1),
        entry("create", "jobs", 2),
        entry("update", "", 3, objectRef=status),
        entry("create", "jobs", 9),
        entry("create", "jobs", 3, userAgent="kubectl"),
        entry("create", "jobs", 3, responseStatus={"code": 409}),
        entry("create", "jobs", 3, objectRef={"resource": "jobs", "namespace": "other"}),
    ]
    found = written.counted(entries, DUE_AT, DUE_AT + timedelta(seconds=9), agent=written.OURS, namespace="bench")
    assert found == {"create jobs": 2, "update distributedcronjobs/status": 1}


def test_who_wrote_is_known_by_the_end_of_what_it_says_of_itself() -> None:
    entries = [
        entry("create", "jobs", 1, userAgent=f"kube-controller-manager/v1 (linux) {name}")
        for name in ("system:serviceaccount/cronjob-controller", "job-controller")
    ]
    found = written.counted(entries, DUE_AT, DUE_AT + timedelta(seconds=9), agent=written.BATCH, namespace="bench")
    assert found == {"create jobs": 1}


def test_objects_whose_jobs_end_differ_in_what_their_row_says_and_in_nothing_else() -> None:
    for row in ended.ROWS:
        (body,) = ended.objects(row, 1)
        template = body["spec"]["jobTemplate"]["spec"]
        assert body["kind"] == ("CronJob" if row.batch else "DistributedCronJob")
        assert body["spec"]["concurrencyPolicy"] == row.policy
        assert template["completions"] == (0 if row.runs_for is None else 1)
        assert template["template"].get("metadata", {}).get("annotations", {}).get("dcron.io/run-for") == row.runs_for
    assert len({row.namespace for row in ended.ROWS}) == len(ended.ROWS)


def test_writes_are_told_for_each_firing() -> None:
    told = ended.told(ended.ROWS[0], 10, {"create jobs": 10, "update cronjobs/status": 25})
    assert (told["firings"], told["Jobs"]) == (10, 10)
    assert told["writes a firing"] == 3.5
    assert told["of what kinds"] == {"create jobs": 1, "update cronjobs/status": 2.5}


def ran(lateness: list[float], *, due: int = 100, twice: int = 0) -> steady.Steady:
    """What a minute of firings came to."""
    return steady.Steady(
        objects=200,
        every=2,
        due=due,
        lateness=tuple(lateness),
        twice=twice,
        cpu=1.0,
        controller_cpu=0.5,
        writes={"create jobs": due, "update distributedcronjobs/status": due // 4},
    )


def sustained_by(*runs: steady.Steady) -> list[sustained.Run]:
    return [sustained.Run(raw=400.0, steady=one) for one in runs]


def test_what_keeps_up_is_made_once_and_all_but_a_hundredth_within_a_second() -> None:
    assert sustained.keeps_up(sustained_by(ran([0.5] * 99 + [1.0])))
    assert not sustained.keeps_up(sustained_by(ran([0.5] * 98 + [1.1] * 2)))
    assert not sustained.keeps_up(sustained_by(ran([0.5] * 99)))
    assert not sustained.keeps_up(sustained_by(ran([0.5] * 100, twice=1)))


def test_of_several_rounds_the_median_decides_and_none_may_lose_a_firing() -> None:
    good, late = ran([0.5] * 100), ran([0.5] * 90 + [3.0] * 10)
    assert sustained.keeps_up(sustained_by(good, late, good))
    assert not sustained.keeps_up(sustained_by(late, good, late))
    assert not sustained.keeps_up(sustained_by(good, late))
    assert not sustained.keeps_up(sustained_by(good, good, ran([0.5] * 99)))


def test_what_can_fire_for_ever_is_told_as_a_share_of_the_raw_creates_of_its_own_run() -> None:
    (one,) = sustained_by(ran([0.5] * 100))
    told = sustained.figures(one)
    assert [told[name] for name in ("of raw", "raw/s", "firings/s", "statuses", "CPU ms")] == [0.25, 400, 100, 0.25, 5]


def test_a_run_that_lost_firings_has_no_figure_and_is_json_all_the_same() -> None:
    (one,) = sustained_by(ran([0.5] * 60))
    told = json.loads(json.dumps(sustained.figures(one), allow_nan=False))
    assert (told["p50 s"], told["p99 s"], told["last s"]) == (0.5, None, None)


def test_each_change_of_the_crd_takes_away_what_it_says() -> None:
    schemas = {
        what: writes.crd(change)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
        for what, change in writes.VARIANTS.items()
    }
    whole, owners, rules, bare = schemas.values()
    assert whole["status"]["x-kubernetes-map-type"] == "atomic"
    assert "x-kubernetes-map-type" not in owners["status"]
    assert "x-kubernetes-validations" in json.dumps(whole["spec"])
    assert "x-kubernetes-validations" not in json.dumps(rules["spec"])
    assert whole["status"]["properties"].keys() == rules["status"]["properties"].keys()
    assert "properties" not in bare["status"]


def test_the_status_that_is_written_is_that_of_an_object_that_has_fired_so_often() -> None:
    (body,) = bodies.objects(1, "* * * * *")
    meta = {"namespace": "bench", "uid": "0", "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    shown = {**body, "metadata": {**body["metadata"], **meta}}
    found = writes.status(shown, 25)
    assert found["counts"] == {"due": 25, "created": 25, "succeeded": 24}
    assert [one["scheduledAt"] for one in found["recent"]] == [
        f"2026-01-01T00:{minute:02}:00Z" for minute in range(16, 26)
    ]
    assert (found["activeJobs"], found["nextScheduleTime"]) == (1, "2026-01-01T00:26:00Z")
    assert [one["type"] for one in found["conditions"]] == ["Ready", "Suspended"]


def test_a_herd_twice_as_large_is_as_far_away_everywhere_on_the_picture_of_growth() -> None:
    drawn = curves.drawn({"ours": [(100, 1.0), (200, 2.0), (400, 4.0)]}, "Growth", across="objects", up="seconds")
    circles = [element for element in ET.fromstring(drawn).iter() if element.tag.endswith("circle")]
    across = [float(circle.attrib["cx"]) for circle in circles]
    up = [float(circle.attrib["cy"]) for circle in circles]
    assert across[1] - across[0] == across[2] - across[1] > 0
    assert up[0] - up[1] == up[1] - up[2] > 0


def test_a_herd_that_was_not_made_whole_is_no_point_on_a_line() -> None:
    whole, half = outcome([0.5] * 100), outcome([0.5] * 50)
    assert scaling.lines({"ours": [whole, half]}) == {"ours": [(100, 0.5)]}


def test_the_table_of_growth_has_a_column_for_each_herd(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [10, 100]
    found = {"ours": [outcome([size / 1000] * size, due=size) for size in sizes]}
    stage.table(scaling.head(sizes), list(scaling.rows(found)))
    assert [line.split()[-2:] for line in capsys.readouterr().out.splitlines()] == [["10", "100"], ["0.01", "0.10"]]


def made(name: str, second: int) -> str:
    """The line of the audit log of a Job that was made."""
    where = {"resource": "jobs", "namespace": "bench-others", "name": name}
    at = f"2026-03-02T12:00:{second:02}.500000Z"
    line = {**entry("create", "jobs", second, objectRef=where), "requestURI": "/", "stageTimestamp": at}
    return json.dumps(line, separators=(",", ":")) + "\n"


def test_of_the_pulses_around_a_join_those_due_from_its_begin_to_its_end_count(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    names = {second: f"object-00000-202603021200{second:02}-0123456789" for second in range(6)}
    log.write_text("".join(made(name, second + (second == 3)) for second, name in names.items()))
    since = DUE_AT + timedelta(seconds=1.2)
    due, lateness = many._pulses(log, since, DUE_AT + timedelta(seconds=5))
    assert due == 3 * many.PULSES, "the seconds 2, 3 and 4"
    assert lateness == (0.5, 0.5, 1.5)
