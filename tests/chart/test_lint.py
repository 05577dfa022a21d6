"""Helm's own opinion of the chart."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import controller
from deploy.chart import pinned
from deploy.chart.__main__ import main
from tests.chart.helm import CHART, SECONDS, Helm
from tests.chart.sets import SETS

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.mark.parametrize("name", ["as it comes", "two namespaces", "all the monitoring", "sentinels with TLS"])
def test_helm_has_nothing_to_say_against_the_chart(helm: Helm, name: str) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", CHART, values=SETS[name])


def test_the_chart_is_packed_with_all_that_it_needs(helm: Helm, tmp_path: Path) -> None:
    helm.run("package", CHART, "--destination", tmp_path)
    (package,) = tmp_path.iterdir()
    from_package = helm.run("template", "dcron", package, values=SETS["all the monitoring"])
    from_folder = helm.run("template", "dcron", CHART, values=SETS["all the monitoring"])
    assert _without_secret(from_package) == _without_secret(from_folder)
    assert yaml.safe_load(helm.run("show", "crds", package))["metadata"]["name"] == "distributedcronjobs.dcron.io"


def test_the_chart_of_a_release_installs_its_image_by_digest_and_differs_in_nothing_else(
    helm: Helm, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    repository, digest = "registry.example.com/dcron/controller", f"sha256:{'ab' * 32}"
    assert main(["package", str(tmp_path), "--image", f"{repository}@{digest}"]) == 0
    (package,) = tmp_path.iterdir()
    values = {"image": {"repository": repository, "digest": digest}}
    expected = helm.run("template", "dcron", CHART, values=values)
    assert _without_secret(helm.run("template", "dcron", package)) == _without_secret(expected)
    assert main(["package", str(tmp_path), "--image", f"{repository}:latest"]) == 1
    assert capfd.readouterr().err.endswith(f"error: no repository with a digest: '{repository}:latest'\n")


def test_a_values_file_without_a_place_for_the_image_is_not_released() -> None:
    image = f"dcron@sha256:{'ab' * 32}"
    assert pinned.values("image:\n  repository: a\n  digest: b\nrest: c\n", image) == (
        f"image:\n  repository: dcron\n  digest: sha256:{'ab' * 32}\nrest: c\n"
    )
    with pytest.raises(ValueError, match=r"image\.digest stands 0 times"):
        pinned.values("image:\n  repository: a\nrest:\n  digest: b\n", image)
    with pytest.raises(ValueError, match=r"image\.repository stands 0 times"):
        pinned.values("rest: c\n", image)


def test_the_chart_installs_the_controller_of_this_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == controller.__version__


def _without_secret(text: str) -> list[object]:
    """All objects but the Secret, whose password is another one each time."""
    return [body for body in yaml.safe_load_all(text) if body and body["kind"] != "Secret"]
