"""One control plane for the session that is as strict as a real one, and the real helm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import binaries, components
from deploy.local.cluster import ControlPlane
from tests.chart.helm import Helm
from tests.chart.release import Release, restricted_namespace

AUTHORS = ("may-create-jobs", "may-not-create-jobs")
"""Two users, who may do nothing until a test grants it."""
NAMESPACE = "dcron-system"
SCOPED_NAMESPACE = "dcron-scoped"
"""Of a release that serves some namespaces only."""
ACCOUNTS = tuple(f"system:serviceaccount:{namespace}:dcron" for namespace in (NAMESPACE, SCOPED_NAMESPACE))
"""The replicas' accounts in these releases; all that they ask for is in the audit log."""
VOLUMES = (
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
)
"""Controllers that claims need: to be bound, and to go away."""


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm without a cluster; it is built the first time, which takes minutes."""
    return Helm(binary=binaries.find(recipes=binaries.HELM)["helm"], folder=tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane where Deployments make pods, and each controller of Kubernetes has an account of its own."""
    with ControlPlane.start(
        tmp_path_factory.mktemp("control-plane"),
        guests=AUTHORS,
        controllers=(*components.DEPLOYING, *VOLUMES),
        service_accounts=True,
        watched=ACCOUNTS,
    ) as control_plane:
        yield control_plane


@pytest.fixture(scope="session")
def admin(helm: Helm, control_plane: ControlPlane) -> Helm:
    """Helm for the administrator of that control plane."""
    return Helm(binary=helm.binary, folder=helm.folder, kubeconfig=control_plane.kubeconfig)


@pytest.fixture(scope="session")
def installed(admin: Helm, control_plane: ControlPlane) -> Iterator[Release]:
    """The chart as it comes, where Pod Security `restricted` is enforced."""
    namespace = restricted_namespace(control_plane, NAMESPACE)
    release = Release(helm=admin, control_plane=control_plane, namespace=namespace)
    release.install()
    yield release
    release.uninstall()
