"""What there is in a cluster, so that two looks can be compared."""

from __future__ import annotations

from deploy.local.cluster import ControlPlane

_COME_AND_GO = ("events", "events.events.k8s.io", "leases.coordination.k8s.io", "endpointslices.discovery.k8s.io")


def all_objects(control_plane: ControlPlane) -> set[str]:
    """Each object of any kind, as namespace and name, but those that Kubernetes makes and forgets by itself."""
    kinds = control_plane.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    wanted = ",".join(kind for kind in kinds if kind not in _COME_AND_GO)
    columns = "custom-columns=K:.kind,NS:.metadata.namespace,N:.metadata.name"
    told = control_plane.kubectl("get", wanted, "-A", "--ignore-not-found", "--no-headers", "-o", columns)
    return {" ".join(line.split()) for line in told.splitlines()}
