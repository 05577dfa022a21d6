"""One control plane for the session, with the CRD applied; everything else is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.cluster import account

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A real control plane whose Jobs run to their end. Replicas may do what the manifests say there, and no more."""
    with ControlPlane.start(tmp_path_factory.mktemp("control-plane"), watched=[account.USER]) as control_plane:
        control_plane.apply_crds(PROJECT / "crds")
        account.grant(control_plane)
        yield control_plane
        assert account.forbidden(control_plane) == []


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of the test's own; it goes afterwards, and nobody waits for that."""
    name = f"test-{next(_NUMBERS)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")
