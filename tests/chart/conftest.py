"""One control plane for the session that is as strict as a real one, and the real helm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import binaries, components
from deploy.local.cluster import ControlPlane
from tests.chart.helm import Helm

AUTHORS = ("may-create-jobs", "may-not-create-jobs")
"""Two users, who may do nothing until a test grants it."""
ACCOUNT = "system:serviceaccount:dcron-system:dcron"
"""The replicas' account in the release that runs; all that it asks for is in the audit log."""


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
        controllers=components.DEPLOYING,
        service_accounts=True,
        watched=(ACCOUNT,),
    ) as control_plane:
        yield control_plane


@pytest.fixture(scope="session")
def admin(helm: Helm, control_plane: ControlPlane) -> Helm:
    """Helm for the administrator of that control plane."""
    return Helm(binary=helm.binary, folder=helm.folder, kubeconfig=control_plane.kubeconfig)
