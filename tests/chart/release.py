"""A release of the chart on the local control plane, and its pods' containers as processes."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local import redis_server
from deploy.local.cluster import ControlPlane
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.process import Process
from deploy.local.replica import PROJECT, ReplicaProcess
from tests.chart import kubelet
from tests.chart.helm import CHART, Helm
from tests.cluster.fleet import END_SECONDS, START_SECONDS, Replica, eventually

_WAIT = ("--wait", "--timeout", "180s")
_REDIS_PORT = "6379"


def restricted_namespace(control_plane: ControlPlane, name: str) -> str:
    """A namespace in which the API server enforces Pod Security `restricted`; gives its name."""
    control_plane.kubectl("create", "namespace", name)
    control_plane.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release, by its name and namespace."""

    helm: Helm
    control_plane: ControlPlane
    namespace: str
    name: str = "dcron"

    def install(self, values: Mapping[str, Any] | None = None, *flags: str, chart: Path = CHART) -> str:
        """Install it and wait until its pods are ready; gives what helm says."""
        return self._run("install", self.name, chart, *_WAIT, *flags, values=values or {})

    def upgrade(self, values: Mapping[str, Any] | None = None, *flags: str, chart: Path = CHART) -> str:
        """Upgrade it and wait until its pods are ready."""
        return self._run("upgrade", self.name, chart, *_WAIT, *flags, values=values or {})

    def rollback(self, revision: int) -> None:
        """Back to a revision."""
        self._run("rollback", self.name, str(revision), *_WAIT)

    def uninstall(self) -> None:
        """Take it away, and wait until all that helm has deleted is gone."""
        self._run("uninstall", self.name, *_WAIT, "--cascade", "foreground")

    def test(self) -> str:
        """What `helm test` says; raises if a test fails."""
        return self._run("test", self.name, "--timeout", "120s")

    def _run(self, *arguments: str | Path, values: Mapping[str, Any] | None = None) -> str:
        return self.helm.run(*arguments, "--namespace", self.namespace, values=values)

    def pods(self, component: str = "controller") -> list[dict[str, Any]]:
        """Its pods of one component."""
        return kubelet.pods(self.control_plane, self.namespace, component)

    @contextmanager
    def running(self, folder: Path) -> Iterator[list[Replica]]:
        """What its pods would run, as processes, until the end of the block: Redis if it has one, and the replicas."""
        folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as ends:
            ports = []
            for box in self._containers("redis", folder):
                process, port = self._redis(box, folder)
                ends.callback(process.stop)
                ports.append(port)
            replicas: list[Replica] = []
            ends.callback(_end, replicas)
            for box, pod in zip(self._containers("controller", folder), self.pods(), strict=True):
                replicas.append(self._replica(box, pod, folder, ports))
            _wait_until_whole(replicas)
            yield replicas

    @contextmanager
    def redis(self, folder: Path) -> Iterator[str]:
        """What its Redis pod would run, until the end of the block, when it is killed; gives its URL."""
        folder.mkdir(parents=True, exist_ok=True)
        (box,) = self._containers("redis", folder)
        process, port = self._redis(box, folder)
        try:
            yield f"redis://:{box.environment['REDIS_PASSWORD']}@{LOOPBACK}:{port}/0"
        finally:
            process.kill(signal.SIGKILL)
            process.stop()

    def _containers(self, component: str, folder: Path) -> list[kubelet.Container]:
        return kubelet.containers(self.control_plane, self.namespace, component, folder)

    def _redis(self, box: kubelet.Container, folder: Path) -> tuple[Process, int]:
        """Redis as its container says, on a free port of the loopback address."""
        port = free_port()
        words = [str(port) if word == _REDIS_PORT else word for word in box.command]
        command = [redis_server.executable(), *words, "--bind", LOOPBACK]
        process = Process.start(command, name=box.pod, folder=folder, address=f"{LOOPBACK}:{port}")
        process.wait_until(lambda: _listens(port))
        return process, port

    def _replica(
        self, box: kubelet.Container, pod: Mapping[str, Any], folder: Path, redis_ports: Sequence[int]
    ) -> Replica:
        """A replica as its container says; what is a name in the cluster is a port of this machine."""
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "TMPDIR": str(box.mounts["/tmp"]),
            **box.environment,
            "DCRON_HTTP_PORT": str(port),
            "KUBECONFIG": str(kubelet.account_kubeconfig(self.control_plane, dict(pod), folder)),
        }
        for redis_port in redis_ports:
            address = environment["DCRON_REDIS_URL"]
            environment["DCRON_REDIS_URL"] = address.replace(
                f"{self.name}-redis:{_REDIS_PORT}", f"{LOOPBACK}:{redis_port}"
            )
        assert box.command[0] == "python"
        process = Process.start(
            [sys.executable, *box.command[1:]], name=box.pod, folder=folder, env=environment, cwd=PROJECT
        )
        return Replica(
            node=box.pod, started=ReplicaProcess(name=box.pod, url=f"http://{LOOPBACK}:{port}", process=process)
        )


def _listens(port: int) -> bool:
    """Whether somebody takes connections there: as the pod's own probe asks."""
    with socket.socket() as asked:
        return asked.connect_ex((LOOPBACK, port)) == 0


def _end(replicas: Sequence[Replica]) -> None:
    """End replicas as a rolling update does, before the Redis that they leave."""
    for replica in replicas:
        replica.process.kill(signal.SIGTERM)
    for replica in replicas:
        replica.process.stop(END_SECONDS)


def _wait_until_whole(replicas: Sequence[Replica]) -> None:
    """Wait until all are ready, on one ring."""

    def whole() -> bool:
        for replica in replicas:
            assert replica.runs, f"{replica.node} has ended:\n{replica.process.log_tail()}"
        return all(replica.is_ready() and replica.ring_members() == len(replicas) for replica in replicas)

    eventually(whole, f"a ring of {len(replicas)}", START_SECONDS)
