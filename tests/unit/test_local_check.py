"""What the check of prerequisites says."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import check


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No Go and an empty cache."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 11, 2)])
def test_a_python_that_is_too_old_is_named(version: tuple[int, int, int]) -> None:
    found = ".".join(map(str, version))
    assert any(line.startswith(f"Python >= 3.11.3 (this one is {found};") for line in check.missing(version))


@pytest.mark.parametrize("version", [(3, 11, 3), (3, 13, 0), (4, 0, 0)])
def test_a_python_that_is_new_enough_is_not_mentioned(version: tuple[int, int, int]) -> None:
    assert not any(line.startswith("Python >=") for line in check.missing(version))


def test_without_go_and_cache_each_lacking_binary_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.report() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("missing: Go >= 1.26 (there is none), to build etcd, kube-apiserver,")


def test_incomplete_assets_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    assert check.missing() == [f"KUBEBUILDER_ASSETS={tmp_path} lacks kube-apiserver, etcd, kubectl"]
