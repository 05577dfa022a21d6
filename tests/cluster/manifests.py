"""Objects as the tests of the CRD write them, and how they are handed in."""

from __future__ import annotations

import json
from typing import Any

from controller.spec import API_VERSION, KIND
from deploy.local.cluster import ControlPlane

POD: dict[str, Any] = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "busybox"}]}
TEMPLATE: dict[str, Any] = {"spec": {"template": {"spec": POD}}}


def manifest(name: str = "report", **spec: Any) -> dict[str, Any]:
    """An object that is accepted, with these changes; None takes a field away."""
    fields = {"schedule": "0 * * * *", "jobTemplate": TEMPLATE, **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name},
        "spec": {field: value for field, value in fields.items() if value is not None},
    }


def apply(control_plane: ControlPlane, namespace: str, body: dict[str, Any], *flags: str) -> str:
    """What `kubectl apply` prints."""
    return control_plane.kubectl("apply", "-n", namespace, *flags, "-f", "-", stdin=json.dumps(body))
