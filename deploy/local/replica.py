"""One replica of the controller as an operating-system process, run just as a user would run it."""

from __future__ import annotations

import os
import signal
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.local.ports import LOOPBACK
from deploy.local.process import GRACE_SECONDS, READY_SECONDS, Process

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT = Path(__file__).parents[2]

_PROBE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaProcess:
    """A running replica.

    Attributes:
        name: Its node name in the ring.
        url: Where it serves ``/healthz``, ``/readyz`` and ``/metrics``.
        process: What runs.
    """

    name: str
    url: str
    process: Process

    @classmethod
    def start(
        cls,
        folder: Path,
        name: str,
        kubeconfig: Path,
        redis_url: str | None,
        http_port: int,
        extra_env: Mapping[str, str] | None = None,
        *,
        python: str = sys.executable,
        detached: bool = False,
    ) -> ReplicaProcess:
        """Start ``python -m controller``; `wait_ready` waits for it.

        Args:
            folder: For its log; made if it does not exist.
            name: Its node name; also names its log.
            kubeconfig: How it reaches the cluster.
            redis_url: Its Redis; None for the in-memory driver, which is for one replica alone.
            http_port: Where it serves HTTP, on a free port.
            extra_env: More ``DCRON_*`` variables. Those of this process are not passed on.
            python: Which Python runs it.
            detached: Outlive this process.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        url = f"http://{LOOPBACK}:{http_port}"
        process = Process.start(
            [python, "-m", "controller"],
            name=name,
            folder=folder,
            address=url,
            env=environment(name, kubeconfig, redis_url, http_port, extra_env or {}),
            cwd=PROJECT,
            detached=detached,
        )
        return cls(name=name, url=url, process=process)

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Wait until it says that it is ready.

        Raises:
            StartFailed: It ended, or the time is over; with the end of its log.
        """
        self.process.wait_until(self.is_ready, seconds)

    def is_ready(self) -> bool:
        """What ``/readyz`` says now; False also if it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=_PROBE_SECONDS):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """Send a signal, SIGKILL unless told otherwise (SIGSTOP, SIGCONT, SIGTERM)."""
        self.process.kill(signal_number)

    def stop(self, grace_seconds: float = GRACE_SECONDS) -> None:
        """Ask it to end, as a rolling update does; kill it after the grace."""
        self.process.stop(grace_seconds)


def environment(
    name: str, kubeconfig: Path, redis_url: str | None, http_port: int, extra: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a replica: this process's own without its ``DCRON_*``, then the replica's settings."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("DCRON_")}
    settings = {
        "KUBECONFIG": str(kubeconfig.resolve()),
        "DCRON_NODE_NAME": name,
        "DCRON_HTTP_PORT": str(http_port),
        "PYTHONUNBUFFERED": "1",
    }
    if redis_url is not None:
        settings["DCRON_REDIS_URL"] = redis_url
    return {**inherited, **settings, **extra}
