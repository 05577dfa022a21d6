"""Fixtures of the cluster port's tests, loaded by `pytest_plugins`; what they give is in `cluster_worlds`."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from kubernetes.aio.client import ApiClient

from controller import access
from controller.clock import SystemClock
from deploy.local.cluster import ControlPlane
from tests.adapters.cluster_worlds import FakeWorld, RealWorld, World

CRDS = Path(__file__).parents[2] / "crds"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One API server with etcd, for all tests of the session."""
    with ControlPlane.start(tmp_path_factory.mktemp("control-plane"), scheduler=False, kwok=False) as control_plane:
        control_plane.apply_crds(CRDS)
        yield control_plane


@pytest.fixture
async def client(control_plane: ControlPlane) -> AsyncIterator[ApiClient]:
    """A client of the real API server, for this test's loop."""
    environ = {"KUBECONFIG": str(control_plane.kubeconfig)}
    async with await access.connect(SystemClock(), environ) as client:
        yield client


@pytest.fixture
async def real(client: ApiClient) -> AsyncIterator[RealWorld]:
    """The real world, in a fresh namespace."""
    world = RealWorld(client, f"contract-{next(_numbers)}-{secrets.token_hex(3)}")
    namespace = {"metadata": {"name": world.namespace}}
    (await world.api.request("create", "/api/v1/namespaces", body=namespace)).expect_ok()
    yield world
    await world.release()


@pytest.fixture(params=["fake", "real"])
def world(request: pytest.FixtureRequest) -> World:
    """Each of the two worlds in turn."""
    found: World = FakeWorld() if request.param == "fake" else request.getfixturevalue("real")
    return found
