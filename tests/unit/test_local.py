"""The launcher's own decisions, without starting anything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from deploy.local import binaries, check, redis_server, replica
from deploy.local.errors import MissingPrerequisite


def folder_with(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def test_assets_that_are_given_come_before_the_cache(tmp_path: Path) -> None:
    assets = folder_with(tmp_path / "assets", *binaries.ASSETS_MUST_HOLD)
    found = binaries.present({"KUBEBUILDER_ASSETS": str(assets), "XDG_CACHE_HOME": str(tmp_path)})
    assert found == {name: assets / name for name in binaries.ASSETS_MUST_HOLD}


def test_assets_that_are_incomplete_are_refused_by_name(tmp_path: Path) -> None:
    assets = folder_with(tmp_path / "assets", "etcd", "kubectl")
    with pytest.raises(MissingPrerequisite, match="lacks kube-apiserver"):
        binaries.present({"KUBEBUILDER_ASSETS": str(assets)})


def test_the_cache_is_keyed_by_what_is_pinned(tmp_path: Path) -> None:
    modules = tmp_path / "modules"
    shutil.copytree(binaries.MODULES / "kubernetes", modules / "kubernetes")
    shutil.copytree(binaries.MODULES / "kwok", modules / "kwok")
    assert binaries.pins_key(modules) == binaries.pins_key()
    with (modules / "kwok" / "go.sum").open("a") as pins:
        pins.write("another v1.0.0 h1:x\n")
    assert binaries.pins_key(modules) != binaries.pins_key()


def test_the_binaries_are_told_the_version_that_is_pinned() -> None:
    version = binaries.kubernetes_version()
    assert version.startswith("v1.")
    assert f"gitVersion={version}" in binaries.linker_flags(version)
    assert "gitMajor=1 " in binaries.linker_flags("v1.36.3")


def test_an_old_python_is_named_as_missing() -> None:
    assert any("Python >= 3.11 (this one is 3.9" in line for line in check.missing((3, 9)))
    assert not any("Python >= 3.11" in line for line in check.missing((3, 11)))


def test_a_replica_gets_its_own_settings_and_none_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DCRON_LATE_SECONDS", "99")
    env = replica.environment("a", tmp_path / "kubeconfig", None, 8081, {"DCRON_LOG_FORMAT": "json"})
    assert {key: value for key, value in env.items() if key.startswith("DCRON_")} == {
        "DCRON_NODE_NAME": "a",
        "DCRON_HTTP_PORT": "8081",
        "DCRON_LOG_FORMAT": "json",
    }


def test_a_machine_without_redis_uses_the_one_of_the_development_dependencies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.executable().endswith("valkey-server")
    folder_with(tmp_path, "redis-server")
    assert redis_server.executable() == str(tmp_path / "redis-server")
