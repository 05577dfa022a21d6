"""A control plane: etcd, API server, controller manager, scheduler and kwok as plain processes in one folder.

It begins empty each time; what an earlier one left in the folder is deleted. It knows nothing of Redis or of the
operator: ``redis_server`` and ``replica`` stand beside it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from deploy.local import binaries, components
from deploy.local.apiclient import ApiClient
from deploy.local.errors import KubectlFailed, LocalError
from deploy.local.kubeconfig import ADMIN, COMPONENTS, kubeconfig, token_file
from deploy.local.process import Process, running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_ETCD = "etcd"
_API_SERVER = "kube-apiserver"
_CONTROLLER_MANAGER = "kube-controller-manager"
_SCHEDULER = "kube-scheduler"
_KWOK = "kwok"

_KUBECTL_SECONDS = 120.0
_ETCD_SECONDS = 10.0


class ControlPlane:
    """A running control plane; a context manager that stops it at the end.

    Attributes:
        kubeconfig: Path of the kubeconfig of an administrator.
        audit_log: Path of a file with one JSON object a line for each write to the API server.
        processes: What runs, by name: ``etcd``, ``kube-apiserver``, ``kube-controller-manager``, ``kube-scheduler``,
            ``kwok``. A test may signal them.
        api: Sends single requests as the administrator.
    """

    def __init__(
        self,
        plan: components.Plan,
        *,
        detached: bool,
        guests: Sequence[str] = (),
        controllers: Sequence[str] = components.CONTROLLERS,
        service_accounts: bool = False,
        watched: Sequence[str] = (),
    ) -> None:
        self._plan = plan
        self._service_accounts = service_accounts
        self._watched = tuple(watched)
        self._detached = detached
        self._guests = tuple(guests)
        self._tokens = {user: secrets.token_urlsafe(24) for user in (ADMIN, *COMPONENTS, *guests)}
        limits = (*components.WIDE_LIMITS, *(components.OWN_ACCOUNTS if service_accounts else ()))
        self._clients: dict[str, list[str | Path]] = {
            _CONTROLLER_MANAGER: components.kube_controller_manager(plan, controllers, limits),
            _SCHEDULER: components.kube_scheduler(plan),
            _KWOK: components.kwok(plan),
        }
        self.kubeconfig: Path = plan.folder / "kubeconfig"
        self.audit_log: Path = plan.audit_log
        self.processes: dict[str, Process] = {}
        self.api = ApiClient(server=plan.server, certificate=plan.certificate, token=self._tokens[ADMIN])

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        scheduler: bool = True,
        kwok: bool = True,
        detached: bool = False,
        guests: Sequence[str] = (),
        controllers: Sequence[str] = components.CONTROLLERS,
        service_accounts: bool = False,
        watched: Sequence[str] = (),
        say: Callable[[str], None] = lambda line: None,
    ) -> ControlPlane:
        """Start an empty control plane and wait until it is ready; Jobs then run to their end within seconds.

        Args:
            folder: For all its files; made if it does not exist.
            scheduler: Without it, pods stay pending.
            kwok: Plays the kubelet of one node; without it there is no node.
            detached: Outlive this process; ``process.running(folder)`` finds what to stop later.
            guests: More users, who may do nothing until RBAC grants it; see `kubeconfig_of`.
            controllers: Of the controller manager; that of service accounts must be one of them.
            service_accounts: As clusters for real work have it: each pod must have a service account that is there,
                and each controller of Kubernetes, such as the garbage collector, works under one of its own.
            watched: Users whose reads, too, are kept in the audit log.
            say: Takes lines of progress.

        Raises:
            MissingPrerequisite: Binaries are missing and cannot be built.
            BuildFailed: A binary could not be built.
            StartFailed: A process died or was not ready in time; the message ends with its log.
            LocalError: Another control plane runs in that folder.
        """
        folder = folder.resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(process.name == _API_SERVER for process in running(folder)):
            raise LocalError(f"a control plane runs already in {folder}")
        plan = components.Plan.on_free_ports(folder, binaries.find(say))
        cluster = cls(
            plan,
            detached=detached,
            guests=guests,
            controllers=controllers,
            service_accounts=service_accounts,
            watched=watched,
        )
        try:
            cluster._start(scheduler=scheduler, kwok=kwok)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def server(self) -> str:
        """The address of the API server, ``https://127.0.0.1:<port>``."""
        return self._plan.server

    @property
    def kubectl_path(self) -> Path:
        """The kubectl that fits this API server."""
        return self._plan.binaries["kubectl"]

    def kubeconfig_of(self, user: str) -> Path:
        """The kubeconfig of a guest."""
        return self._plan.kubeconfig(user)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints when it runs as the administrator.

        Args:
            arguments: Its arguments.
            stdin: Its input, for ``-f -``.

        Raises:
            KubectlFailed: It ended with an error.
        """
        answer = subprocess.run(
            [self._plan.binaries["kubectl"], *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=_KUBECTL_SECONDS,
            env={
                **os.environ,
                "KUBECONFIG": str(self.kubeconfig),
                "KUBECACHEDIR": str(self._plan.folder / "kubectl-cache"),
            },
        )
        if answer.returncode != 0:
            raise KubectlFailed(arguments, answer.stderr)
        return answer.stdout

    def apply_crds(self, folder: Path) -> None:
        """Apply the CRDs of a folder and wait until the API server serves them.

        `kubectl wait` gives up at once if it comes before the first condition, which are null till then.
        """
        self.kubectl("apply", "-f", str(folder))
        self.processes[_API_SERVER].wait_until(lambda: self._are_served(folder))

    def add_controllers(self, name: str, controllers: Sequence[str], limits: Sequence[str]) -> Process:
        """Start one more controller manager, with these controllers and limits; see `kube_controller_manager`."""
        return self._run(name, components.kube_controller_manager(self._plan, controllers, limits))

    def stop_api_server(self) -> None:
        """Take the API server away at once; `start_api_server` brings it back: the same port, the same objects.

        Not with SIGTERM: it would then wait a minute for open watches, and this is the harder fault anyway.
        """
        self.processes.pop(_API_SERVER).kill()

    def start_api_server(self) -> None:
        """Start the API server and wait until it is ready; its other clients here start anew.

        They would come back by themselves, but after an outage of 20 s they sit out a backoff of half a minute each,
        and until then no Job ends. They are not what is tested.
        """
        command = components.kube_apiserver(self._plan, service_accounts=self._service_accounts)
        process = self._run(_API_SERVER, command, self._plan.server)
        process.wait_until(lambda: self._plan.certificate.exists() and self.api.holds("/readyz"))
        for name in [name for name in self._clients if name in self.processes]:
            self.processes[name].kill()
            self._run(name, self._clients[name])

    def restart_api_server(self) -> None:
        """Stop the API server and start it again; it is away for some seconds."""
        self.stop_api_server()
        self.start_api_server()

    def compact_etcd(self) -> None:
        """Let etcd forget all states but the present one: whoever stood at an older one has lost its place.

        Raises:
            OSError: etcd does not answer.
        """
        now = self._ask_etcd("kv/range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("kv/compaction", {"revision": now, "physical": True})

    def _ask_etcd(self, what: str, body: dict[str, object]) -> dict[str, dict[str, str]]:
        """One request to etcd's own gateway for JSON; no client is needed."""
        request = urllib.request.Request(f"{self._plan.etcd}/v3/{what}", data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=_ETCD_SECONDS) as answer:
            found: dict[str, dict[str, str]] = json.loads(answer.read())
        return found

    def dead(self) -> list[str]:
        """Names of those processes that have ended by themselves."""
        return [name for name, process in self.processes.items() if not process.is_running()]

    def stop(self) -> None:
        """End all its processes at once (nobody needs the data); the logs stay."""
        for process in reversed(self.processes.values()):
            process.kill()
        self.processes.clear()

    def _start(self, *, scheduler: bool, kwok: bool) -> None:
        plan = self._plan
        _clear(plan)
        self._write(plan.audit_policy, components.audit_policy(self._watched))
        self._write(plan.tokens, token_file(self._tokens, self._guests))
        self._run(_ETCD, components.etcd(plan), plan.etcd)
        self.start_api_server()  # it waits for etcd by itself
        self._write(self.kubeconfig, self._kubeconfig(ADMIN))
        for user in (*COMPONENTS, *self._guests):
            self._write(plan.kubeconfig(user), self._kubeconfig(user))
        controllers = self._run(_CONTROLLER_MANAGER, self._clients[_CONTROLLER_MANAGER])
        if scheduler:
            self._run(_SCHEDULER, self._clients[_SCHEDULER])
        if kwok:
            self.api.call("POST", "/api/v1/nodes", components.node())
            self._run(_KWOK, self._clients[_KWOK]).wait_until(self._node_is_ready)
        # Made by a controller in a namespace that the API server makes: both are at work.
        controllers.wait_until(lambda: self.api.holds("/api/v1/namespaces/default/serviceaccounts/default"))

    def _run(self, name: str, command: list[str | Path], address: str = "") -> Process:
        process = Process.start(command, name=name, folder=self._plan.folder, address=address, detached=self._detached)
        self.processes[name] = process
        return process

    def _node_is_ready(self) -> bool:
        return _holds(self.api.call("GET", f"/api/v1/nodes/{components.NODE_NAME}"), "Ready")

    def _are_served(self, crds: Path) -> bool:
        found = json.loads(self.kubectl("get", "-o", "json", "-f", str(crds)))
        return all(_holds(crd, "Established") for crd in found.get("items", [found]))

    def _kubeconfig(self, user: str) -> str:
        certificate = self._plan.certificate.read_bytes()
        return kubeconfig(server=self._plan.server, certificate=certificate, user=user, token=self._tokens[user])

    @staticmethod
    def _write(path: Path, text: str) -> None:
        path.touch(mode=0o600)  # most of them hold a token
        path.write_text(text)


def _holds(body: Mapping[str, Any], condition: str) -> bool:
    """Whether an object says that a condition is true."""
    told = body.get("status", {}).get("conditions") or ()
    return any(one["type"] == condition and one["status"] == "True" for one in told)


def _clear(plan: components.Plan) -> None:
    shutil.rmtree(plan.etcd_data, ignore_errors=True)
    shutil.rmtree(plan.certificates, ignore_errors=True)
    plan.audit_log.unlink(missing_ok=True)
    for name in (_ETCD, _API_SERVER, _CONTROLLER_MANAGER, _SCHEDULER, _KWOK):
        (plan.folder / f"{name}.log").unlink(missing_ok=True)
