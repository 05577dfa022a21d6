"""Each verb of the chart's roles, taken away from a replica that runs, one after the other: it says so each time.

The verbs come from the chart as it is rendered, so one that is added there is taken away here by itself. One replica of
each scope lives through all of it, and is well again in the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from controller import rights
from deploy.local import binaries
from deploy.local.cluster import ControlPlane
from deploy.local.kubeconfig import kubeconfig
from deploy.local.ports import free_port
from deploy.local.replica import PROJECT, ReplicaProcess
from tests.chart.helm import SECONDS, Helm
from tests.chart.rights import Right, granted
from tests.cluster.fleet import END_SECONDS, START_SECONDS, Replica, eventually

pytestmark = pytest.mark.timeout(SECONDS)

SERVED: Final = "verbs"
"""The namespace of the accounts, and the one that a replica of some namespaces serves."""
SCOPES: Final[dict[str, dict[str, Any]]] = {
    "cluster": {},
    "namespaces": {"watch": {"scope": "namespaces", "namespaces": [SERVED]}},
}
RBAC: Final = "rbac.authorization.k8s.io"
SAID_WITHIN_SECONDS: Final = rights.ASK_EVERY.total_seconds() + 15
"""While another verb is missing already, as here, it takes a few seconds."""
Roles = list[dict[str, Any]]


def roles(helm: Helm, scope: str) -> Roles:
    """The roles of the controller's account, as the chart renders them for its own namespace."""
    values = {**SCOPES[scope], "rbac": {"userRoles": False}}
    rendered = helm.template(values, release="dcron", namespace=SERVED)
    return [body for body in rendered if body["kind"] in ("Role", "ClusterRole")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for each verb of each scope."""
    if "verb" in metafunc.fixturenames:
        helm = Helm(binary=binaries.find(recipes=binaries.HELM)["helm"], folder=Path("no-folder"))
        cases = [(scope, verb) for scope in SCOPES for verb in sorted(granted(roles(helm, scope)))]
        names = [f"{scope}-{verb.verb}-{verb.resource}" for scope, verb in cases]
        metafunc.parametrize(("scope", "verb"), cases, ids=names)


class Account:
    """A service account, its roles, and the replica that comes as it."""

    def __init__(self, control_plane: ControlPlane, name: str, roles: Roles) -> None:
        self.control_plane = control_plane
        self.name = name
        self.roles = roles

    @property
    def verbs(self) -> list[Right]:
        """All that the roles grant."""
        return sorted(granted(self.roles))

    def lacks(self, *verbs: Right) -> None:
        """Give it all its rights but these."""
        subjects = [{"kind": "ServiceAccount", "name": self.name, "namespace": SERVED}]
        objects = []
        for role in self.roles:
            kind = role["kind"]
            name = f"{self.name}-{kind.lower()}"
            meta = {"name": name, **({"namespace": SERVED} if kind == "Role" else {})}
            reference = {"apiGroup": RBAC, "kind": kind, "name": name}
            rules = list(_without(role["rules"], verbs))
            objects.append({"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": rules})
            binding = {"kind": f"{kind}Binding", "metadata": meta, "roleRef": reference, "subjects": subjects}
            objects.append({"apiVersion": f"{RBAC}/v1", **binding})
        body = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    def kubeconfig(self, folder: Path) -> Path:
        """How a replica comes as this account."""
        request: dict[str, object] = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": 3600},
        }
        path = f"/api/v1/namespaces/{SERVED}/serviceaccounts/{self.name}/token"
        token = self.control_plane.api.call("POST", path, request)["status"]["token"]
        certificate = self.control_plane.api.certificate.read_bytes()
        file = folder / f"{self.name}.kubeconfig"
        file.touch(mode=0o600)
        server = self.control_plane.server
        file.write_text(kubeconfig(server=server, certificate=certificate, user=self.name, token=token))
        return file


def _without(rules: Iterable[dict[str, Any]], verbs: Iterable[Right]) -> Iterator[dict[str, Any]]:
    for rule in rules:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                kept = [verb for verb in rule["verbs"] if Right(group, resource, verb) not in verbs]
                if kept:
                    yield {"apiGroups": [group], "resources": [resource], "verbs": kept}


class Stage:
    """An account and a replica for each scope, made when they are first asked for."""

    def __init__(self, helm: Helm, control_plane: ControlPlane, folder: Path, ends: ExitStack) -> None:
        self._helm = helm
        self._control_plane = control_plane
        self._folder = folder
        self._ends = ends
        self._made: dict[str, tuple[Account, Replica]] = {}

    def of(self, scope: str) -> tuple[Account, Replica]:
        """The account of a scope, and the replica that comes as it."""
        if scope not in self._made:
            account = self._account(scope)
            self._made[scope] = account, self._replica(account, scope)
        return self._made[scope]

    def _account(self, scope: str) -> Account:
        """It lacks a right from the beginning."""
        account = Account(self._control_plane, f"of-{scope}", roles(self._helm, scope))
        objects = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SERVED}},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account.name, "namespace": SERVED}},
        ]
        body = {"apiVersion": "v1", "kind": "List", "items": objects}
        self._control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))
        account.lacks(account.verbs[0])
        return account

    def _replica(self, account: Account, scope: str) -> Replica:
        variables = {
            "DCRON_CONTROLLER_NAME": account.name,
            "DCRON_NAMESPACES": SERVED if scope == "namespaces" else "",
            "POD_NAME": account.name,
            "POD_NAMESPACE": SERVED,
            "POD_UID": f"uid-{account.name}",
        }
        credentials = account.kubeconfig(self._folder)
        started = ReplicaProcess.start(self._folder, account.name, credentials, None, free_port(), variables)
        self._ends.callback(started.stop, END_SECONDS)
        return Replica(node=account.name, started=started)


@pytest.fixture(scope="module")
def stage(helm: Helm, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Where all of this happens; the replicas live through all of it."""
    control_plane.apply_crds(PROJECT / "crds")
    with ExitStack() as ends:
        yield Stage(helm, control_plane, tmp_path_factory.mktemp("verbs"), ends)


def test_a_verb_that_is_taken_away_is_named(stage: Stage, scope: str, verb: Right) -> None:
    account, replica = stage.of(scope)
    account.lacks(verb)
    wanted = f"may not {verb.verb} {verb.resource}"

    def said() -> bool:
        assert replica.runs, replica.process.log_tail()
        told = replica.checks().get("rights", "")
        return wanted in told and "," not in told

    eventually(said, f"{wanted!r} in /readyz", SAID_WITHIN_SECONDS)
    assert "dcron_rights_missing 1.0" in replica.answer("/metrics")[1]
    if verb != rights.EVENTS[:3]:
        assert replica.answer("/readyz")[0] == 503


@pytest.mark.parametrize("scope", SCOPES)
def test_a_replica_that_has_all_its_rights_again_is_well_without_a_restart(stage: Stage, scope: str) -> None:
    account, replica = stage.of(scope)
    account.lacks()
    well = "a replica that is well"
    eventually(lambda: replica.is_ready() and replica.checks()["rights"] == "ok", well, START_SECONDS)
    assert "dcron_rights_missing 0.0" in replica.answer("/metrics")[1]
    path = f"/api/v1/namespaces/{SERVED}/events?fieldSelector=involvedObject.name={account.name}"

    def told() -> set[str]:
        return {event["reason"] for event in account.control_plane.api.call("GET", path)["items"]}

    eventually(lambda: {"RightsMissing", "RightsComplete"} <= told(), "both Events on the pod")


@pytest.mark.parametrize("scope", SCOPES)
def test_the_replica_asks_for_the_rights_that_the_chart_grants_and_for_no_others(helm: Helm, scope: str) -> None:
    asked = rights.needed([SERVED] if scope == "namespaces" else [])
    assert {right[:3] for right in asked} == set(granted(roles(helm, scope)))
