"""What the launcher chooses for replicas and Redis, without starting anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import redis_server, replica


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
    (tmp_path / "redis-server").touch(mode=0o755)
    assert redis_server.executable() == str(tmp_path / "redis-server")
