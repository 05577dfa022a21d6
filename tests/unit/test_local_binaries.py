"""Which binaries the local control plane uses, and under which key it keeps them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.local import binaries
from deploy.local.errors import MissingPrerequisite

ALL = [recipe.name for recipe in binaries.RECIPES]
PINS = ["kubernetes/go.mod", "kubernetes/go.sum", "kwok/go.mod", "kwok/go.sum"]


@pytest.fixture(autouse=True)
def _no_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answers must not depend on this machine's Go."""
    monkeypatch.setenv("PATH", "")


def fill(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch(mode=0o755)
    return folder


def cache(root: Path, names: list[str]) -> Path:
    return fill(root / "dcron" / "local" / f"{binaries.pins_key()}-go1.26.8" / "bin", names)


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    for pin in PINS:
        (tmp_path / pin).parent.mkdir(exist_ok=True)
        shutil.copy(binaries.MODULES / pin, tmp_path / pin)
    return tmp_path


def test_equal_pins_have_equal_keys(pins: Path) -> None:
    assert binaries.pins_key(pins) == binaries.pins_key()


@pytest.mark.parametrize("pin", PINS)
def test_a_change_of_any_pin_changes_the_key(pins: Path, pin: str) -> None:
    (pins / pin).write_text((pins / pin).read_text() + "\n")
    assert binaries.pins_key(pins) != binaries.pins_key()


def test_a_program_of_our_own_is_known_by_its_source_too(tmp_path: Path) -> None:
    recipes = (binaries.Recipe("program", str(tmp_path), "."),)
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_text(name)
    before = binaries.pins_key(recipes=recipes)
    assert binaries.pins_key(recipes=recipes) == before
    (tmp_path / "main.go").write_text("another")
    assert binaries.pins_key(recipes=recipes) != before


def test_a_filled_cache_needs_no_go(tmp_path: Path) -> None:
    folder = cache(tmp_path, ALL)
    found = binaries.find(environ={"XDG_CACHE_HOME": str(tmp_path)})
    assert found == {name: folder / name for name in ALL}


def test_the_cache_of_other_pins_is_not_used(tmp_path: Path) -> None:
    fill(tmp_path / "dcron" / "local" / "0123456789abcdef-go1.26.8" / "bin", ALL)
    assert binaries.present({"XDG_CACHE_HOME": str(tmp_path)}) == {}


def test_without_go_and_cache_the_lack_of_go_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"Go >= 1\.26"):
        binaries.find(environ={"XDG_CACHE_HOME": str(tmp_path)})


def test_given_assets_come_before_the_cache(tmp_path: Path) -> None:
    assets = fill(tmp_path / "assets", list(binaries.ASSETS_MUST_HOLD))
    cached = cache(tmp_path, ALL)
    found = binaries.present({"XDG_CACHE_HOME": str(tmp_path), "KUBEBUILDER_ASSETS": str(assets)})
    assert found["kubectl"] == assets / "kubectl"
    assert found["kwok"] == cached / "kwok"


def test_incomplete_assets_are_refused_by_name(tmp_path: Path) -> None:
    assets = fill(tmp_path / "assets", ["etcd", "kubectl"])
    with pytest.raises(MissingPrerequisite, match=r"lacks kube-apiserver$"):
        binaries.present({"XDG_CACHE_HOME": str(tmp_path), "KUBEBUILDER_ASSETS": str(assets)})


def test_a_file_that_cannot_be_run_is_no_binary(tmp_path: Path) -> None:
    cache(tmp_path, ALL).joinpath("kwok").chmod(0o644)
    assert "kwok" not in binaries.present({"XDG_CACHE_HOME": str(tmp_path)})


def test_the_cache_lies_in_the_home_unless_told_otherwise() -> None:
    assert binaries.cache_root({"HOME": "/home/ann"}) == Path("/home/ann/.cache/dcron/local")
    assert binaries.cache_root({"HOME": "/home/ann", "XDG_CACHE_HOME": "/big"}) == Path("/big/dcron/local")


def test_binaries_are_told_their_version() -> None:
    flags = binaries.linker_flags("v1.36.3").split()
    assert "k8s.io/component-base/version.gitVersion=v1.36.3" in flags
    assert "k8s.io/component-base/version.gitMajor=1" in flags
    assert "k8s.io/component-base/version.gitMinor=36" in flags


def test_the_version_is_read_from_the_pins() -> None:
    assert binaries.kubernetes_version().startswith("v1.")


def test_helm_is_pinned_and_kept_apart_from_the_control_plane(tmp_path: Path) -> None:
    cache(tmp_path, ALL)
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    assert "helm" not in ALL
    assert binaries.pins_key(recipes=binaries.HELM) != binaries.pins_key()
    assert binaries.present(environ, binaries.HELM) == {}
    folder = fill(
        tmp_path / "dcron" / "local" / f"{binaries.pins_key(recipes=binaries.HELM)}-go1.26.8" / "bin", ["helm"]
    )
    assert binaries.find(environ=environ, recipes=binaries.HELM) == {"helm": folder / "helm"}
    assert list(binaries.find(environ=environ)) == ALL


def test_a_lack_of_go_is_said_of_helm_too(tmp_path: Path) -> None:
    with pytest.raises(MissingPrerequisite, match=r"Go >= 1\.26 is needed to build helm"):
        binaries.find(environ={"XDG_CACHE_HOME": str(tmp_path)}, recipes=binaries.HELM)


def test_helm_is_told_for_which_kubernetes_it_renders() -> None:
    flags = binaries.helm_flags().split()
    minor = next(flag.rpartition("=")[2] for flag in flags if "chartutil.k8sVersionMinor" in flag)
    assert int(minor) >= 36
    assert "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1" in flags
