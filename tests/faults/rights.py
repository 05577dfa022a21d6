"""What the replicas may do in the cluster: a role that names it, and a binding that may be lost and come back.

The role is the least that works, so these runs also show that nothing more is needed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.local.cluster import ControlPlane

USER = "replica"
"""A guest of the control plane: each replica comes as this user."""
_NAME = "dcron-replica"
_API = "rbac.authorization.k8s.io"


def _rule(group: str, resources: list[str], *verbs: str) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


_ROLE = {
    "apiVersion": f"{_API}/v1",
    "kind": "ClusterRole",
    "metadata": {"name": _NAME},
    "rules": [
        _rule("dcron.io", ["distributedcronjobs"], "get", "list", "watch"),
        _rule("dcron.io", ["distributedcronjobs/status"], "update"),
        _rule("batch", ["jobs"], "get", "list", "watch", "create", "delete"),
        _rule("", ["events"], "create"),
        _rule("", ["namespaces"], "list", "watch"),
        _rule("apiextensions.k8s.io", ["customresourcedefinitions"], "list", "watch"),
    ],
}
_BINDING = {
    "apiVersion": f"{_API}/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": _NAME},
    "roleRef": {"apiGroup": _API, "kind": "ClusterRole", "name": _NAME},
    "subjects": [{"apiGroup": _API, "kind": "User", "name": USER}],
}


class Rights:
    """The rights of the replicas on one control plane, which knows `USER` as a guest."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    @property
    def kubeconfig(self) -> Path:
        """How a replica comes to the API server."""
        return self._control_plane.kubeconfig_of(USER)

    def give(self) -> None:
        """Let the replicas do what they need."""
        for body in (_ROLE, _BINDING):
            self._control_plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))

    def take(self) -> None:
        """Let them do nothing."""
        self._control_plane.kubectl("delete", "clusterrolebinding", _NAME, "--ignore-not-found")
