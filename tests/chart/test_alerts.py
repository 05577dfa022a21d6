"""Each alert in Prometheus' own rule engine: it fires on its series, after its time, and on no healthy ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from deploy.local import binaries
from tests.chart.helm import CHART
from tests.chart.test_signals import ALERTS

BUILD_SECONDS: Final = 1800
"""The first of these tests builds promtool on a machine that has none: five minutes of processor time."""
pytestmark = pytest.mark.timeout(BUILD_SECONDS)

RULES: Final = CHART / "files" / "alerts.yaml"
OTHER: Final = "other"
"""The scrape job of a second installation, which is well all the time."""
PODS: Final = ("a", "b", "c")

_STEPS: Final = 90
"""Scrapes, one every 30 s."""


def always(number: int) -> str:
    """A series that stays what it is."""
    return f"{number}x{_STEPS}"


def growing(number: int) -> str:
    """A counter that grows by so much with each scrape."""
    return f"0+{number}x{_STEPS}"


HEALTHY: Final = {
    'dcron_firings_total{outcome="Created"}': growing(10),
    **{
        f'dcron_firings_total{{outcome="{outcome}"}}': always(0)
        for outcome in ("MissedDeadline", "MissedCatchUp", "CreateFailed", "SkippedForbid")
    },
    **{
        f'dcron_firing_lateness_seconds_bucket{{le="{bound}"}}': growing(10) for bound in ("0.1", "8.0", "15.0", "+Inf")
    },
    "dcron_build_info": always(1),
    "dcron_ring_members": always(3),
    "dcron_redis_up": always(1),
    "dcron_queue_overdue": always(20),
    "dcron_objects_not_ready": always(0),
    "dcron_objects_blocked": always(0),
    "dcron_paused": always(0),
    "dcron_rights_missing": always(0),
}
"""What each replica shows while all is well; a fair queue is."""


class Case(NamedTuple):
    """What an alert is for: what some replica shows, when that is not yet an alert, when it is, and what it says.

    Attributes:
        shown: By pod, the series that are others than healthy ones.
        ended: When it is over again; empty where it is not.
        labels: Of the alert, besides those that all have.
    """

    shown: Mapping[str, Mapping[str, str]]
    quiet: str
    fires: str
    summary: str
    ended: str = ""
    labels: Mapping[str, str] = {}


def on_all(shown: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """The same on each replica."""
    return dict.fromkeys(PODS, shown)


CASES: Final = {
    "DcronFiringsMissed": Case(
        {"a": {'dcron_firings_total{outcome="MissedDeadline"}': "0x20 1x69"}},
        quiet="10m",
        fires="11m",
        ended="27m",
        summary="1 due instants got no Job: MissedDeadline",
        labels={"outcome": "MissedDeadline"},
    ),
    "DcronFiringsLate": Case(
        on_all({f'dcron_firing_lateness_seconds_bucket{{le="{bound}"}}': always(0) for bound in ("0.1", "8.0")}),
        quiet="4m",
        fires="12m",
        summary="One firing in a hundred is later than 14.9 s",
    ),
    "DcronReplicaNotOnRing": Case(
        on_all({"dcron_ring_members": always(2)}),
        quiet="90s",
        fires="3m",
        summary="3 replicas run, but not all of them hold a place on the ring",
    ),
    "DcronRedisUnreachable": Case(
        {"b": {"dcron_redis_up": "1x19 0x20 1x49"}},
        quiet="10m30s",
        fires="12m",
        ended="25m",
        summary="Redis does not answer the heartbeats of a replica",
    ),
    "DcronRingDisagreement": Case(
        {"c": {"dcron_ring_members": always(2)}},
        quiet="90s",
        fires="3m",
        summary="The replicas do not agree on how many they are, for two minutes now",
    ),
    "DcronQueueGrows": Case(
        on_all({"dcron_queue_overdue": always(40)}),
        quiet="4m",
        fires="6m",
        summary="120 objects are due and wait for their turn",
    ),
    "DcronObjectsNotReady": Case(
        {"a": {"dcron_objects_not_ready": always(2)}},
        quiet="9m",
        fires="11m",
        summary="2 DistributedCronJobs are not Ready: they do not fire as they should",
    ),
    "DcronObjectsBlocked": Case(
        {"a": {"dcron_objects_blocked": always(1)}, "b": {"dcron_objects_blocked": always(2)}},
        quiet="9m",
        fires="11m",
        summary="3 DistributedCronJobs are held up by Jobs that do not end",
    ),
    "DcronPaused": Case(
        on_all({"dcron_paused": "0x9 1x50 0x30"}),
        quiet="19m",
        fires="21m",
        ended="31m",
        summary="Everything is paused for a quarter of an hour by now: no Job is created",
    ),
    "DcronRightsMissing": Case(
        on_all({"dcron_rights_missing": always(2)}),
        quiet="90s",
        fires="3m",
        summary="The replicas lack 2 of the rights that they need",
    ),
}


@pytest.fixture(scope="module")
def promtool() -> Path:
    """Prometheus' own tool; it is built the first time, which takes minutes."""
    return binaries.find(recipes=binaries.PROMTOOL)["promtool"]


def series(shown: Mapping[str, Mapping[str, str]], job: str = "dcron") -> list[dict[str, str]]:
    """What Prometheus has scraped from the replicas of one installation."""
    return [
        {"series": _labelled(name, namespace="dcron-system", job=job, pod=f"dcron-{pod}"), "values": values}
        for pod in PODS
        for name, values in {**HEALTHY, **shown.get(pod, {})}.items()
    ]


def _labelled(name: str, **labels: str) -> str:
    family, _, own = name.rstrip("}").partition("{")
    told = [*([own] if own else []), *(f'{key}="{value}"' for key, value in labels.items())]
    return f"{family}{{{','.join(told)}}}"


def judged(promtool: Path, folder: Path, *tests: dict[str, Any], rules: Path = RULES) -> str:
    """What promtool says against what is expected; empty if nothing."""
    file = folder / "tests.yaml"
    file.write_text(json.dumps({"rule_files": [str(rules)], "evaluation_interval": "30s", "tests": tests}))
    told = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    assert (told.returncode == 0) == ("SUCCESS" in told.stdout), told.stdout + told.stderr
    return "" if told.returncode == 0 else told.stdout + told.stderr


def expected(name: str) -> dict[str, Any]:
    """The test of one alert, as promtool reads it: an installation where it is to fire, beside one that is well."""
    case, (alert,) = CASES[name], [alert for alert in ALERTS if alert["alert"] == name]
    fired = {
        "exp_labels": {"namespace": "dcron-system", "job": "dcron", **alert["labels"], **case.labels},
        "exp_annotations": {**alert["annotations"], "summary": case.summary},
    }
    times = [(case.quiet, []), (case.fires, [fired]), *([(case.ended, [])] if case.ended else [])]
    return {
        "interval": "30s",
        "input_series": [*series(case.shown), *series({}, OTHER)],
        "alert_rule_test": [{"eval_time": time, "alertname": name, "exp_alerts": alerts} for time, alerts in times],
    }


def test_prometheus_takes_the_rules(promtool: Path) -> None:
    told = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert f"SUCCESS: {len(ALERTS)} rules found" in told.stdout


def test_each_alert_has_its_case() -> None:
    assert list(CASES) == [alert["alert"] for alert in ALERTS]


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_on_its_series_after_its_time_and_for_this_installation_only(
    promtool: Path, tmp_path: Path, name: str
) -> None:
    assert judged(promtool, tmp_path, expected(name)) == ""


def test_no_alert_fires_while_all_is_well(promtool: Path, tmp_path: Path) -> None:
    quiet: list[dict[str, Any]] = [
        {"eval_time": time, "alertname": name, "exp_alerts": []}
        for name in CASES
        for time in ("5m", "15m", "30m", "45m")
    ]
    test = {"interval": "30s", "input_series": series({}), "alert_rule_test": quiet}
    assert judged(promtool, tmp_path, test) == ""


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("DcronFiringsLate", "> 8\n", "> 80\n"),
        ("DcronRedisUnreachable", "for: 1m", "for: 30m"),
        (
            "DcronQueueGrows",
            "sum by (namespace, job) (dcron_queue_overdue)",
            "sum by (namespace) (dcron_queue_overdue)",
        ),
        ("DcronFiringsMissed", "[15m]", "[60m]"),
    ],
)
def test_an_alert_that_is_another_one_does_not_pass(
    promtool: Path, tmp_path: Path, name: str, before: str, after: str
) -> None:
    text = RULES.read_text()
    assert before in text
    (changed := tmp_path / "alerts.yaml").write_text(text.replace(before, after))
    assert f"alertname: {name}" in judged(promtool, tmp_path, expected(name), rules=changed)
