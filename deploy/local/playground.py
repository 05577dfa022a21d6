"""Everything together: control plane, Redis, the CRD and some replicas; what ``up``, ``down`` and the demo stand on."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from deploy.local.cluster import ControlPlane
from deploy.local.ports import free_port
from deploy.local.process import running
from deploy.local.redis_server import RedisServer
from deploy.local.replica import PROJECT, ReplicaProcess

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CRDS = PROJECT / "crds"

_REPLICA = "replica-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Playground:
    """The running parts; a context manager that stops them all at the end."""

    cluster: ControlPlane
    redis: RedisServer
    replicas: list[ReplicaProcess]

    @classmethod
    def start(
        cls, folder: Path, *, replicas: int = 3, detached: bool = False, say: Callable[[str], None] = lambda line: None
    ) -> Playground:
        """Start all parts and wait until every replica is ready.

        Args:
            folder: For all files; made if it does not exist.
            replicas: How many.
            detached: Outlive this process; `stop_all` ends them later.
            say: Takes lines of progress.

        Raises:
            LocalError: A part could not be started; those that could are stopped again.
        """
        with ExitStack() as undo:
            say("starting etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok")
            cluster = undo.enter_context(ControlPlane.start(folder, detached=detached, say=say))
            say("starting Redis")
            redis = undo.enter_context(RedisServer.start(folder, detached=detached))
            cluster.apply_crds(CRDS)
            playground = undo.enter_context(cls(cluster=cluster, redis=redis, replicas=[]))
            say(f"starting {replicas} replicas of the controller")
            for number in range(1, replicas + 1):
                playground.add_replica(folder, f"{_REPLICA}{number}", detached=detached)
            for replica in playground.replicas:
                replica.wait_ready()
            undo.pop_all()
        return playground

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def add_replica(self, folder: Path, name: str, *, detached: bool = False) -> ReplicaProcess:
        """Start one more replica; it is not yet ready."""
        replica = ReplicaProcess.start(
            folder, name, self.cluster.kubeconfig, self.redis.url, free_port(), detached=detached
        )
        self.replicas.append(replica)
        return replica

    def stop(self) -> None:
        """Stop the replicas as a rolling update would, then end the rest."""
        for replica in self.replicas:
            replica.kill(signal.SIGTERM)
        for replica in self.replicas:
            replica.stop()
        self.redis.stop()
        self.cluster.stop()


def stop_all(folder: Path) -> list[str]:
    """End all that runs in a folder, whoever started it, and return the names of what ran."""
    processes = list(reversed(running(folder)))
    replicas = [process for process in processes if process.name.startswith(_REPLICA)]
    for replica in replicas:
        replica.kill(signal.SIGTERM)
    for replica in replicas:
        replica.stop()
    for process in processes:
        process.kill()
    return [process.name for process in processes]
