"""What the README tells to type first, typed: on an empty cluster, with the real helm and kubectl."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from deploy.local import components
from deploy.local.cluster import ControlPlane
from deploy.local.replica import PROJECT
from tests.chart.helm import SECONDS, Helm
from tests.chart.release import Release
from tests.cluster.fleet import eventually
from tests.cluster.team import now
from tests.docs.consoles import alike, typed
from tests.docs.pages import read

pytestmark = pytest.mark.timeout(SECONDS)

SHELL: Final = next(commands for block in read(PROJECT / "README.md").blocks if (commands := typed(block)))
REPLICAS: Final = 3
LAST_SECOND: Final = 45
"""The README shows an object of each minute before its first Job: no minute may end while it is looked at."""
_COMMAND_SECONDS: Final = 120.0


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[ControlPlane]:
    """A cluster of its own: the README's names are those that other tests of the chart have taken."""
    with ControlPlane.start(tmp_path / "cluster", controllers=components.DEPLOYING, service_accounts=True) as found:
        yield found


def environment(control_plane: ControlPlane, helm: Helm, folder: Path) -> Mapping[str, str]:
    """A shell's, with helm and kubectl on its path and the administrator's kubeconfig."""
    (folder / "bin").mkdir(parents=True)
    for name, binary in {"helm": helm.binary, "kubectl": control_plane.kubectl_path}.items():
        (folder / "bin" / name).symlink_to(binary)
    homes = {f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
    return {
        **os.environ,
        **homes,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "KUBECONFIG": str(control_plane.kubeconfig),
        "KUBECACHEDIR": str(folder / "kubectl-cache"),
    }


def run(command: str, variables: Mapping[str, str]) -> str:
    """What a command prints, typed in the project's folder; it must succeed."""
    answer = subprocess.run(
        command,
        shell=True,
        cwd=PROJECT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_SECONDS,
    )
    assert answer.returncode == 0, f"{command}: {answer.stderr}"
    return answer.stdout


def test_what_the_readme_tells_to_type_does_what_it_shows(helm: Helm, empty: ControlPlane, tmp_path: Path) -> None:
    variables = environment(empty, helm, tmp_path / "shell")
    install, *others = SHELL
    assert install.command.startswith("helm install dcron charts/dcron --namespace dcron-system")
    assert "NOTES:" in run(install.command, variables)
    release = Release(helm=helm, control_plane=empty, namespace="dcron-system")
    eventually(lambda: len(release.pods()) == REPLICAS and release.pods("redis"), "the pods of the chart", 60)
    with release.running(tmp_path / "pods"):
        eventually(lambda: now().second < LAST_SECOND, "the beginning of a minute")
        for one in others:
            said = run(one.command, variables)
            assert not one.shown or alike(said, one.shown), f"$ {one.command}\n{said}"
