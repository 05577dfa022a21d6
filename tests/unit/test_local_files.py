"""The files and command lines of the local control plane, as values."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from deploy.local import components
from deploy.local.binaries import RECIPES
from deploy.local.kubeconfig import kubeconfig, token_file
from deploy.local.ports import free_port
from deploy.local.replica import environment

KUBECONFIG = Path("/state/kubeconfig")


def plan() -> components.Plan:
    paths = {recipe.name: Path("/bin") / recipe.name for recipe in RECIPES}
    return components.Plan(folder=Path("/state"), binaries=paths, etcd_port=1, etcd_peer_port=2, api_port=3)


def test_a_kubeconfig_names_server_authority_and_token() -> None:
    config = yaml.safe_load(kubeconfig(server="https://127.0.0.1:3", certificate=b"PEM", user="ann", token="secret"))
    (context,) = config["contexts"]
    (cluster,) = config["clusters"]
    (user,) = config["users"]
    assert config["current-context"] == context["name"]
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert cluster["cluster"]["server"] == "https://127.0.0.1:3"
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"PEM"
    assert user["user"] == {"token": "secret"}


def test_every_user_has_a_token_line() -> None:
    assert token_file({"ann": "a", "bob": "b"}) == 'a,ann,ann,"system:masters"\nb,bob,bob,"system:masters"\n'


def test_a_guest_is_in_no_group_that_may_do_anything() -> None:
    assert token_file({"ann": "a", "bob": "b"}, ["bob"]) == 'a,ann,ann,"system:masters"\nb,bob,bob\n'


def test_the_api_server_listens_on_loopback_only_and_uses_our_etcd() -> None:
    command = components.kube_apiserver(plan())
    assert "--bind-address=127.0.0.1" in command
    assert "--etcd-servers=http://127.0.0.1:1" in command
    assert "--secure-port=3" in command


def test_writes_are_audited_and_reads_are_not() -> None:
    rules = yaml.safe_load(components.audit_policy())["rules"]
    assert rules[1] == {"level": "None", "verbs": ["get", "list", "watch"]}
    assert rules[-1] == {"level": "Metadata"}


def test_all_is_audited_of_users_who_are_watched() -> None:
    watched = ["system:serviceaccount:ops:dcron", "ann"]
    rules = yaml.safe_load(components.audit_policy(watched))["rules"]
    assert rules[0] == {"level": "Metadata", "users": watched}


def test_pods_need_no_service_account_unless_it_is_asked_for() -> None:
    off = "--disable-admission-plugins=TaintNodesByCondition"
    assert f"{off},ServiceAccount" in components.kube_apiserver(plan())
    assert off in components.kube_apiserver(plan(), service_accounts=True)


def test_each_pod_stage_leaves_pods_that_are_being_deleted_alone() -> None:
    stages = [stage for stage in yaml.safe_load_all(components.STAGES.read_text()) if stage["kind"] == "Stage"]
    pods = {s["metadata"]["name"]: s["spec"] for s in stages if s["spec"]["resourceRef"]["kind"] == "Pod"}
    assert sorted(pods) == ["pod-deleted", "pod-failed", "pod-running", "pod-succeeded"]
    for name, spec in pods.items():
        (wanted,) = (
            e["operator"] for e in spec["selector"]["matchExpressions"] if e["key"].endswith("deletionTimestamp")
        )
        assert wanted == ("Exists" if name == "pod-deleted" else "DoesNotExist")


def test_a_free_port_lies_below_those_of_outgoing_connections() -> None:
    ephemeral = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(ephemeral.read_text().split()[0]) if ephemeral.exists() else 32768
    assert free_port() < lowest


def test_a_replica_gets_its_settings_and_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCRON_LOG_LEVEL", "debug")
    found = environment("north", KUBECONFIG, "redis://127.0.0.1:6/0", 8081, {"DCRON_LATE_SECONDS": "3"})
    settings = {key: value for key, value in found.items() if key.startswith("DCRON_") or key == "KUBECONFIG"}
    assert settings == {
        "KUBECONFIG": "/state/kubeconfig",
        "DCRON_NODE_NAME": "north",
        "DCRON_HTTP_PORT": "8081",
        "DCRON_REDIS_URL": "redis://127.0.0.1:6/0",
        "DCRON_LATE_SECONDS": "3",
    }


def test_without_redis_a_replica_is_told_of_none() -> None:
    assert "DCRON_REDIS_URL" not in environment("north", KUBECONFIG, None, 8081, {})
