"""Alerts and dashboard stand on metrics that exist, with labels that they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from controller.metrics import Metrics
from controller.nodepool import State
from controller.outcomes import Reason
from tests.chart.helm import CHART, Helm, of_kind
from tests.chart.sets import SETS

ALERTS: Final = [
    rule for group in yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: Final = json.loads((CHART / "files" / "dashboard.json").read_text())
PANELS: Final = DASHBOARD["panels"]

TARGET_LABELS: Final = {"namespace", "job", "pod"}
"""Put on by Prometheus for what a ServiceMonitor or PodMonitor finds."""
_SERIES = re.compile(r"\b((?:dcron|process)_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|=|!=|!~)\s*"([^"]*)"')
_GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def _known() -> dict[str, set[str]]:
    """Every series that a replica may show, with its labels; each number is told once."""
    metrics = Metrics("1")
    for reason in Reason:
        metrics.outcome(reason, timedelta(seconds=1))
    metrics.request("api", "create", 0.1, error="Timeout")
    metrics.reconciled(0.1, error="Conflict")
    metrics.queue(waiting=1, overdue=1)
    for state in State:
        metrics.ring(members=1, keys_owned=1, state=state.value)
    metrics.loop_lag(0.1)
    metrics.clock_skew("system", 0.1)
    metrics.redis_up(True)
    metrics.paused(True)
    metrics.rights_missing(1)
    metrics.objects(not_ready=1, blocked=1)
    known: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.render()[0].decode()):
        for sample in family.samples:
            known.setdefault(sample.name, set()).update(sample.labels)
    return known


KNOWN: Final = _known()
VALUES: Final = {"outcome": {reason.value for reason in Reason}, "state": {state.value for state in State}}


def series_of(expression: str) -> set[str]:
    """The names of the series in an expression."""
    return {series for series, _ in _SERIES.findall(expression)}


def wrong(expression: str) -> Iterator[str]:
    """What of an expression does not exist."""
    found = _SERIES.findall(expression)
    if not found:
        yield "no series"
    for series, matchers in found:
        if series not in KNOWN:
            yield f"no series {series}"
            continue
        for label, _, value in _MATCHER.findall(matchers):
            if label not in KNOWN[series] | TARGET_LABELS:
                yield f"{series} has no label {label}"
            for word in value.split("|") if label in VALUES else ():
                if word not in VALUES[label]:
                    yield f"{label} is never {word}"
    labels = TARGET_LABELS.union(*(KNOWN.get(series, set()) for series, _ in found))
    for group in _GROUPING.findall(expression):
        for label in group.split(","):
            if label.strip() not in labels:
                yield f"no label {label.strip()}"
    if expression.count("(") != expression.count(")"):
        yield "brackets"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_stands_on_what_exists(alert: dict[str, Any]) -> None:
    assert list(wrong(alert["expr"])) == []


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    assert len(alert["annotations"]["runbook"]) > 150
    assert alert["annotations"]["summary"]
    assert alert["labels"]["severity"] in ("warning", "critical")
    shown = set(re.findall(r"dcron_\w+", alert["annotations"]["runbook"]))
    families = {series.removesuffix("_bucket").removesuffix("_count").removesuffix("_sum") for series in KNOWN}
    assert shown <= families | set(KNOWN)


def test_the_things_that_a_person_is_called_for() -> None:
    assert {alert["alert"] for alert in ALERTS} == {
        "DcronFiringsMissed", "DcronFiringsLate", "DcronReplicaNotOnRing", "DcronRedisUnreachable",
        "DcronRingDisagreement", "DcronQueueGrows", "DcronObjectsNotReady", "DcronObjectsBlocked", "DcronPaused",
        "DcronRightsMissing",
    }  # fmt: skip


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_of_the_dashboard_stands_on_what_exists(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        assert list(wrong(target["expr"])) == []
        labels = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert labels <= TARGET_LABELS.union(*(KNOWN[series] for series, _ in _SERIES.findall(target["expr"])))


def test_the_dashboard_shows_every_metric_of_the_controller_but_those_for_its_developers() -> None:
    text = json.dumps(PANELS)
    families = {re.sub(r"_(bucket|count|sum|total)$", "", series) for series in KNOWN if series.startswith("dcron_")}
    assert {family for family in families if family not in text} == {"dcron_tasks", "dcron_memory_blocks"}


def test_variables_of_the_dashboard_are_those_that_its_panels_use() -> None:
    declared = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(PANELS))) - {"__rate_interval"}
    assert used == declared


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(dcron_firing_total)", "no series dcron_firing_total"),
        ('dcron_ring_state{phase="Steady"}', "dcron_ring_state has no label phase"),
        ('dcron_firings_total{outcome=~"Created|Missed"}', "outcome is never Missed"),
        ("sum by (node) (dcron_queue_depth)", "no label node"),
        ("sum(rate(dcron_firings_total[5m])", "brackets"),
        ("vector(1)", "no series"),
    ],
)
def test_an_expression_on_what_does_not_exist_is_found(expression: str, said: str) -> None:
    assert list(wrong(expression)) == [said]


def test_labels_and_runbooks_of_the_values_are_on_each_alert(helm: Helm) -> None:
    objects = helm.template(SETS["all the monitoring"])
    (group,) = of_kind(objects, "PrometheusRule")["spec"]["groups"]
    for rule, alert in zip(group["rules"], ALERTS, strict=True):
        assert rule["labels"] == {"severity": "page", "team": "platform"}
        assert rule["annotations"] == {
            **alert["annotations"],
            "runbook_url": f"https://runbooks.example.com/{alert['alert']}",
        }
        assert (rule["expr"], rule.get("for")) == (alert["expr"], alert.get("for"))
    dashboard = of_kind(objects, "ConfigMap", "dcron-dashboard")
    assert json.loads(dashboard["data"]["dcron.json"]) == DASHBOARD
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
