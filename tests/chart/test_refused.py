"""Values that cannot be meant are refused by helm with a sentence, before anything is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, SECONDS, Helm, HelmFailed
from tests.chart.sets import external

pytestmark = pytest.mark.timeout(SECONDS)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a value that nobody knows": ({"replica": 3}, "'replica' not allowed"),
    "a misspelt value further down": ({"redis": {"bundled": {"persistance": {}}}}, "'persistance' not allowed"),
    "a misspelt setting": ({"controller": {"loglevel": "debug"}}, "'loglevel' not allowed"),
    "no replicas": ({"replicas": 0}, "minimum"),
    "a mode that is none": ({"redis": {"mode": "internal"}}, "must be one of 'bundled', 'external', 'none'"),
    "a redis elsewhere without url": (
        {"redis": {"mode": "external"}},
        "redis.mode is external, and there is no address: set redis.external.url, or redis.external.urlSecret.name.",
    ),
    "two addresses": (external(url="redis://r", urlSecret={"name": "s"}), "give the address once"),
    "a password in the values": (external(url="redis://dcron:secret@r:6379"), "holds a password"),
    "an address that is none": (external(url="r:6379"), "it must be redis://, rediss://"),
    "certificates without TLS": (external(url="redis://r", tls={"secretName": "s"}), "write rediss://"),
    "an address that nobody asks": (
        {"redis": {"external": {"url": "redis://r"}}},
        "redis.external is set, and redis.mode is bundled",
    ),
    "namespaced without namespaces": (
        {"watch": {"scope": "namespaces"}},
        "watch.scope is namespaces, and watch.namespaces is empty: name at least one.",
    ),
    "namespaces that nobody asks": (
        {"watch": {"namespaces": ["a"]}},
        "watch.namespaces is set, and watch.scope is cluster",
    ),
    "three replicas in memory": (
        {"redis": {"mode": "none"}},
        "redis.mode is none, so membership is kept in memory: 3 replicas would not know of each other.",
    ),
    "roles of users that are not made": (
        {"rbac": {"userRoles": False, "aggregate": True}},
        "rbac.aggregate is set, and rbac.userRoles is not",
    ),
    "a life shorter than three heartbeats": (
        {"controller": {"nodeUpdateSeconds": 2}},
        "less than three times controller.nodeUpdateSeconds",
    ),
    "a name that a Service may not have": (
        {"fullnameOverride": "cron.example"},
        'all names would begin with "cron.example", which no Service may be called',
    ),
    "a Redis that outgrows its container": (
        {"redis": {"bundled": {"maxMemory": "512mb"}}},
        "redis.bundled.maxMemory is 512mb, and its container gets 384Mi",
    ),
    "a Redis that may grow for ever": ({"redis": {"bundled": {"maxMemory": "0mb"}}}, "maxMemory"),
    "a Redis as large as its container": (
        {"redis": {"bundled": {"maxMemory": "1gb", "resources": {"limits": {"memory": "1Gi"}}}}},
        "redis.bundled.maxMemory is 1gb, and its container gets 1Gi",
    ),
}
ALLOWED: dict[str, dict[str, Any]] = {
    "a Redis with room": {"redis": {"bundled": {"maxMemory": "1gb", "resources": {"limits": {"memory": "1536Mi"}}}}},
    "a limit in bytes": {"redis": {"bundled": {"resources": {"limits": {"memory": 402653184}}}}},
    "a limit in another way of writing": {"redis": {"bundled": {"resources": {"limits": {"memory": "+1Gi"}}}}},
    "a Redis without a limit": {"redis": {"bundled": {"maxMemory": "9gb", "resources": {"limits": None}}}},
    "a Redis that is not used": {"redis": {"mode": "none", "bundled": {"maxMemory": "9gb"}}, "replicas": 1},
}


@pytest.mark.parametrize("row", REFUSED)
def test_what_cannot_be_meant_is_refused_with_a_sentence(admin: Helm, row: str) -> None:
    values, sentence = REFUSED[row]
    with pytest.raises(HelmFailed) as refused:
        admin.run("install", "refused", CHART, "--namespace", "default", values=values)
    assert sentence in str(refused.value)
    assert json.loads(admin.run("list", "--all", "--namespace", "default", "--output", "json")) == []


@pytest.mark.parametrize("row", ALLOWED)
def test_what_can_be_meant_is_rendered(admin: Helm, row: str) -> None:
    assert "kind: Deployment" in admin.run("template", "allowed", CHART, values=ALLOWED[row])


@pytest.mark.parametrize(("version", "may"), [("1.35.2", False), ("1.36.0", True)])
def test_a_name_may_begin_with_a_digit_where_kubernetes_takes_it(admin: Helm, version: str, may: bool) -> None:
    def template() -> str:
        return admin.run("template", "1release", CHART, "--kube-version", version)

    if may:
        assert "name: 1release-dcron" in template()
    else:
        with pytest.raises(HelmFailed, match="beginning with a letter"):
            template()


def test_the_schema_knows_every_value_and_no_other() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(_paths(schema)) - {"global"} == set(_keys(values, set(_paths(schema))))


def test_every_object_of_the_schema_that_has_fields_refuses_others() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert [path for path, node in _nodes(schema) if "properties" in node and node["additionalProperties"]] == []


def _nodes(schema: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield above, schema
    for name, below in schema.get("properties", {}).items():
        yield from _nodes(below, f"{above}.{name}".lstrip("."))


def _paths(schema: dict[str, Any]) -> Iterator[str]:
    return (path for path, _ in _nodes(schema) if path)


def _keys(values: dict[str, Any], known: set[str], above: str = "") -> Iterator[str]:
    """Paths of values; what lies below a value whose fields the schema leaves open does not count."""
    for name, value in values.items():
        path = f"{above}.{name}".lstrip(".")
        yield path
        if isinstance(value, dict) and any(other.startswith(f"{path}.") for other in known):
            yield from _keys(value, known, path)
