"""The fixture of the tests that run the plugin, loaded by `pytest_plugins`."""

from __future__ import annotations

import pytest

from deploy.local.cluster import ControlPlane
from tests.cluster.dcron import Plugin


@pytest.fixture(scope="session")
def dcron(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """The plugin."""
    return Plugin.installed(control_plane, tmp_path_factory.mktemp("plugin"))
