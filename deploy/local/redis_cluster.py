"""A Redis Cluster: three primaries that share the slots, and a replica of each, so that one of them can be lost.

The nodes are introduced to each other by commands and not by ``redis-cli``, which not every machine has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from redis.crc import key_slot

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.redis_group import RedisGroup
from deploy.local.redis_server import NOTHING_ON_DISK, RedisServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

PRIMARIES: Final = 3
SLOTS: Final = 16384


class RedisCluster(RedisGroup):
    """Three primaries and their replicas.

    Attributes:
        nodes: All six; the first three begin as primaries.
        url: What clients connect to: three of them, who know the others.
    """

    def __init__(self, folder: Path, *, node_timeout_seconds: float) -> None:
        self.nodes = tuple(
            RedisServer.start(folder, name=f"node-{number}", options=_options(number, node_timeout_seconds))
            for number in range(1, 2 * PRIMARIES + 1)
        )
        hosts = ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes[:PRIMARIES])
        self.url = f"redis+cluster://{hosts}"
        self._introduce()
        self._share_slots()
        self._follow()
        wait_until(self._is_whole, "the cluster does not become whole")

    @classmethod
    def start(cls, folder: Path, *, node_timeout_seconds: float = 1.0) -> Self:
        """Start all six and wait until every slot is served, and every replica follows.

        Args:
            folder: For logs and what the nodes know of each other.
            node_timeout_seconds: How long a node may be silent before the others count it as failing.

        Raises:
            StartFailed: One of them ended, or they do not become a whole.
        """
        return cls(folder, node_timeout_seconds=node_timeout_seconds)

    @property
    def members(self) -> tuple[RedisServer, ...]:
        """All six."""
        return self.nodes

    def serving(self, key: str, *, lost: RedisServer | None = None) -> RedisServer:
        """The primary that has the slot of a key, as a living node tells it.

        Args:
            key: Any key with its hash tag.
            lost: A node that is not asked.

        Raises:
            LookupError: No node tells of one.
        """
        slot = key_slot(key.encode())
        for node in self.nodes:
            if node is lost or not node.process.is_running():
                continue
            for first, last, (_, port, *_), *_ in node.command("CLUSTER", "SLOTS"):
                if first <= slot <= last:
                    return next(one for one in self.nodes if one.port == port)
        raise LookupError(f"nobody serves {key}")

    def replica_of(self, primary: RedisServer) -> RedisServer:
        """The node that follows a primary.

        Raises:
            LookupError: None does.
        """
        following = [int(port) for _, port, _ in primary.command("ROLE")[2]]
        for node in self.nodes:
            if node.port in following:
                return node
        raise LookupError(f"nobody follows {primary.url}")

    def wait_for_another_primary(self, key: str, before: RedisServer) -> RedisServer:
        """Wait until another node than `before` serves a key, and all slots are served; gives that node.

        Raises:
            StartFailed: It does not come.
        """
        others = [node for node in self.nodes if node is not before]
        wait_until(
            lambda: self.serving(key, lost=before) is not before and all(map(_sees_all_slots, others)),
            "there is no new primary",
        )
        return self.serving(key, lost=before)

    def wait_until_whole(self) -> None:
        """Wait until every slot is served and every replica follows again."""
        wait_until(self._is_whole, "the cluster does not become whole")

    def _introduce(self) -> None:
        for number, node in enumerate(self.nodes, start=1):
            # Without it nodes that begin alike quarrel about their epochs for a while.
            node.command("CLUSTER", "SET-CONFIG-EPOCH", number)
        bus = self.nodes[0].command("CONFIG", "GET", "cluster-port")[1]
        for node in self.nodes[1:]:
            node.command("CLUSTER", "MEET", LOOPBACK, self.nodes[0].port, bus)
        wait_until(
            lambda: all(_known_nodes(node) == len(self.nodes) for node in self.nodes),
            "the nodes do not find each other",
        )

    def _share_slots(self) -> None:
        bounds = [SLOTS * number // PRIMARIES for number in range(PRIMARIES + 1)]
        for node, first, end in zip(self.nodes, bounds, bounds[1:], strict=False):
            node.command("CLUSTER", "ADDSLOTS", *range(first, end))

    def _follow(self) -> None:
        for primary, replica in zip(self.nodes, self.nodes[PRIMARIES:], strict=False):
            replica.command("CLUSTER", "REPLICATE", primary.command("CLUSTER", "MYID"))

    def _is_whole(self) -> bool:
        roles = [str(node.command("ROLE")[0]) for node in self.nodes]
        follow = all("master_link_status:down" not in node.command("INFO", "replication") for node in self.nodes)
        return roles.count("master") == PRIMARIES and follow and all(map(_sees_all_slots, self.nodes))


def _options(number: int, node_timeout_seconds: float) -> dict[str, str]:
    return {
        **NOTHING_ON_DISK,
        "repl-diskless-sync-delay": "0",
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),  # by default the port + 10000: among those that the kernel gives to clients
        "cluster-config-file": f"node-{number}.conf",
        "cluster-node-timeout": f"{node_timeout_seconds * 1000:.0f}",
    }


def _known_nodes(node: RedisServer) -> int:
    return len([line for line in node.command("CLUSTER", "NODES").splitlines() if "handshake" not in line])


def _sees_all_slots(node: RedisServer) -> bool:
    said = node.command("CLUSTER", "INFO")
    return not node.process.is_running() or ("cluster_state:ok" in said and f"cluster_slots_ok:{SLOTS}" in said)
