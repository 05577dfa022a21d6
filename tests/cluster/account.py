"""The account that the replicas of these tests come as: that of the manifests, with its rights and no others."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT

NAMESPACE, NAME = "dcron-system", "dcron"
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
_BASE = PROJECT / "deploy" / "kustomize" / "base"
_FILE = "account-of-replicas.kubeconfig"
_LASTS = "24h"


def grant(control_plane: ControlPlane) -> None:
    """Let the account be there, as `kubectl apply -k` would; from now on replicas come as it."""
    control_plane.kubectl("create", "namespace", NAMESPACE)
    for manifest in ("serviceaccount", "rbac"):
        control_plane.kubectl("apply", "-f", str(_BASE / f"{manifest}.yaml"))
    token = control_plane.kubectl("create", "token", NAME, f"--namespace={NAMESPACE}", f"--duration={_LASTS}")
    config = json.loads(control_plane.kubeconfig.read_text())
    (client,) = config["users"]
    client["user"] = {"token": token.strip()}
    _path(control_plane).write_text(json.dumps(config))


def kubeconfig_of_replicas(control_plane: ControlPlane) -> Path:
    """How replicas come to a control plane: as the account, or else as the administrator."""
    path = _path(control_plane)
    return path if path.exists() else control_plane.kubeconfig


def forbidden(control_plane: ControlPlane, user: str = USER) -> list[str]:
    """What RBAC has kept from a user, by the API server's record of all its requests.

    A namespace that ends and a quota answer 403 too; those are not about rights.
    """
    found = []
    for line in control_plane.audit_log.read_text().splitlines():
        if f'"{user}"' in line and '"authorization.k8s.io/decision":"forbid"' in line:
            entry = json.loads(line)
            found.append(f"{entry['verb']} {entry['requestURI']}")
    return found


def _path(control_plane: ControlPlane) -> Path:
    return control_plane.kubeconfig.with_name(_FILE)
