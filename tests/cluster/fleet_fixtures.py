"""Fixtures of the tests that run replicas, loaded by `pytest_plugins`: three of them for the whole session."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from deploy.local.cluster import ControlPlane
from tests.cluster import fleet as fleets
from tests.cluster.fleet import NODES, Fleet
from tests.cluster.team import Team


@pytest.fixture(scope="session")
def fleet_for_session(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Three replicas over one Redis; take `fleet`, which mends what an earlier test broke."""
    with fleets.running(control_plane, tmp_path_factory.mktemp("fleet"), *NODES) as fleet:
        yield fleet


@pytest.fixture
def fleet(fleet_for_session: Fleet) -> Fleet:
    """Three replicas, all of them well."""
    fleet_for_session.mend(*NODES)
    return fleet_for_session


@pytest.fixture(scope="module")
def found_team(control_plane: ControlPlane) -> Iterator[Callable[[str], Team]]:
    """Founds namespaces whose objects go with the module."""
    teams: list[Team] = []

    def found(name: str) -> Team:
        teams.append(Team.founded(control_plane, name))
        return teams[-1]

    yield found
    for team in teams:
        team.dissolve()
