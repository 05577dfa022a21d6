"""The command lines of the control plane, as plain values; nothing is started here.

Each flag that is not plain serves one of three ends: everything on loopback ports of our own, no write to disk that
waits, and limits that are not what a test measures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK, free_port

STAGES = Path(__file__).with_name("stages.yaml")
NODE_NAME = "local"

# No node or endpoint controllers: one node that never changes, and no services. The rest is what Jobs, namespaces,
# quotas, RBAC and garbage collection need, and batch/v1's own CronJob to compare with.
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "garbage-collector-controller",
    "job-controller",
    "namespace-controller",
    "pod-garbage-collector-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
    "ttl-after-finished-controller",
    "validatingadmissionpolicy-status-controller",
)

# Nodes would begin with a taint that only the node controllers take away.
_ADMISSION_OFF = ("TaintNodesByCondition",)
# Pods would wait for their namespace's service account and its token, which no kubelet here would mount.
_SERVICE_ACCOUNTS_OFF = (*_ADMISSION_OFF, "ServiceAccount")

_API_QPS = 2000
_WORKERS = 20

# What a Deployment needs besides, and each controller under an account of its own, as clusters made by tools have it:
# what an admission policy says of the garbage collector can be seen only so.
DEPLOYING = (*CONTROLLERS, "deployment-controller", "replicaset-controller", "disruption-controller")
OWN_ACCOUNTS = ("--use-service-account-credentials=true",)

WIDE_LIMITS = (
    f"--kube-api-qps={_API_QPS}",
    f"--kube-api-burst={_API_QPS}",
    f"--concurrent-job-syncs={_WORKERS}",
    f"--concurrent-gc-syncs={_WORKERS}",
    f"--concurrent-namespace-syncs={_WORKERS}",
)

# Every write with its user, none of the reads: checks count the Jobs that were made, deleted ones included.
_AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: [{watched}]
- level: None
  verbs: [get, list, watch]
- level: None
  resources:
  - group: coordination.k8s.io
- level: Metadata
"""
_NOBODY = "nobody-is-watched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where one control plane keeps its files and listens."""

    folder: Path
    binaries: dict[str, Path]
    etcd_port: int
    etcd_peer_port: int
    api_port: int

    @classmethod
    def on_free_ports(cls, folder: Path, binaries: dict[str, Path]) -> Plan:
        """A plan with ports that are free now."""
        etcd, peer, api = free_port(), free_port(), free_port()
        return cls(folder=folder, binaries=binaries, etcd_port=etcd, etcd_peer_port=peer, api_port=api)

    @property
    def server(self) -> str:
        """The address of the API server."""
        return f"https://{LOOPBACK}:{self.api_port}"

    @property
    def etcd(self) -> str:
        """The address of etcd."""
        return f"http://{LOOPBACK}:{self.etcd_port}"

    @property
    def etcd_data(self) -> Path:
        """The folder with all objects."""
        return self.folder / "etcd"

    @property
    def certificates(self) -> Path:
        """The folder in which the API server makes its own certificate at its first start."""
        return self.folder / "certificates"

    @property
    def certificate(self) -> Path:
        """The API server's certificate, followed by the authority that signed it."""
        return self.certificates / "apiserver.crt"

    @property
    def audit_log(self) -> Path:
        """One JSON object a line for each write."""
        return self.folder / "audit.jsonl"

    @property
    def audit_policy(self) -> Path:
        """What goes into the audit log."""
        return self.folder / "audit-policy.yaml"

    @property
    def tokens(self) -> Path:
        """The file of users."""
        return self.folder / "tokens.csv"

    def kubeconfig(self, user: str) -> Path:
        """The kubeconfig of a component."""
        return self.folder / f"{user}.kubeconfig"


def audit_policy(watched: Iterable[str] = ()) -> str:
    """What the audit log holds: every write of everybody, and the reads too of those users who are watched."""
    users = json.dumps(list(watched) or [_NOBODY])[1:-1]
    return _AUDIT_POLICY.format(watched=users)


def etcd(plan: Plan) -> list[str | Path]:
    """The command line of etcd."""
    peer = f"http://{LOOPBACK}:{plan.etcd_peer_port}"
    return [
        plan.binaries["etcd"],
        f"--data-dir={plan.etcd_data}",
        f"--listen-client-urls={plan.etcd}",
        f"--advertise-client-urls={plan.etcd}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",  # the data is worth nothing once this cluster is gone
        "--quota-backend-bytes=4294967296",
        "--log-level=warn",
    ]


def kube_apiserver(plan: Plan, *, service_accounts: bool = False) -> list[str | Path]:
    """The command line of the API server.

    Args:
        plan: Where it listens.
        service_accounts: Whether each pod must have a service account that is there, as in any real cluster.
    """
    off = _ADMISSION_OFF if service_accounts else _SERVICE_ACCOUNTS_OFF
    # The key that it makes for its own certificate signs service account tokens too: no tool to make keys is needed.
    key = plan.certificates / "apiserver.key"
    return [
        plan.binaries["kube-apiserver"],
        f"--etcd-servers={plan.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={plan.api_port}",
        f"--cert-dir={plan.certificates}",
        f"--token-auth-file={plan.tokens}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        f"--disable-admission-plugins={','.join(off)}",
        "--max-requests-inflight=3000",
        "--max-mutating-requests-inflight=1000",
        # Without it events are decoded one after the other: on a machine that is full, the watch of a custom resource
        # falls minutes behind its writes.
        "--feature-gates=ConcurrentWatchObjectDecode=true",
        f"--audit-policy-file={plan.audit_policy}",
        f"--audit-log-path={plan.audit_log}",
        "--audit-log-maxsize=10240",  # MiB; never rotated away from a check that reads it
    ]


def kube_controller_manager(
    plan: Plan, controllers: Iterable[str] = CONTROLLERS, limits: Iterable[str] = WIDE_LIMITS
) -> list[str | Path]:
    """The command line of a controller manager.

    Args:
        controllers: Which of its controllers run.
        limits: How much it may do at a time; empty: as Kubernetes ships it.
    """
    return [
        plan.binaries["kube-controller-manager"],
        f"--kubeconfig={plan.kubeconfig('kube-controller-manager')}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--secure-port=0",
        *limits,
    ]


def kube_scheduler(plan: Plan) -> list[str | Path]:
    """The command line of the scheduler."""
    return [
        plan.binaries["kube-scheduler"],
        f"--kubeconfig={plan.kubeconfig('kube-scheduler')}",
        "--leader-elect=false",
        "--secure-port=0",
        f"--kube-api-qps={_API_QPS}",
        f"--kube-api-burst={_API_QPS}",
    ]


def kwok(plan: Plan) -> list[str | Path]:
    """The command line of kwok, which plays the kubelet."""
    return [
        plan.binaries["kwok"],
        f"--kubeconfig={plan.kubeconfig('kwok')}",
        "--manage-all-nodes=true",
        f"--config={STAGES}",
        "--node-lease-duration-seconds=0",  # no node controller looks at leases
    ]


def node() -> dict[str, object]:
    """The one node, as it is created; kwok fills its status."""
    labels = {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux"}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE_NAME, "labels": labels}}
