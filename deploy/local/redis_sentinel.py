"""Redis with a stand-in: a primary, its replica, and three sentinels that make the replica primary when it is needed.

What a failover loses is lost here too: replication is asynchronous, so the new primary may lack the last writes that
the old one acknowledged. The old one, started again, becomes the replica once a sentinel has seen it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from deploy.local.ports import LOOPBACK
from deploy.local.redis_group import RedisGroup
from deploy.local.redis_server import NOTHING_ON_DISK, RedisServer, wait_until

if TYPE_CHECKING:
    from pathlib import Path

GROUP: Final = "dcron"
"""What the sentinels call the primary and its replica."""
SENTINELS: Final = 3
QUORUM: Final = 2


class RedisSentinel(RedisGroup):
    """A primary, a replica and three sentinels.

    Attributes:
        servers: The two that hold data, in the order of their start.
        sentinels: The three that watch them.
        url: What clients connect to.
    """

    def __init__(self, folder: Path, *, down_after_seconds: float) -> None:
        # By default a primary waits 5 s for more replicas before it sends its data.
        options = {**NOTHING_ON_DISK, "repl-diskless-sync-delay": "0"}
        self.servers = tuple(RedisServer.start(folder, name=name, options=options) for name in ("one", "two"))
        one, two = self.servers
        two.command("REPLICAOF", LOOPBACK, one.port)
        wait_until(lambda: _link_is_up(two), "the replica does not follow")
        self.sentinels = tuple(
            RedisServer.start(folder, name=name, first=(str(config), "--sentinel"), options={})
            for name in (f"sentinel-{number}" for number in range(1, SENTINELS + 1))
            for config in [_written(folder.resolve() / f"{name}.conf", one.port, down_after_seconds)]
        )
        hosts = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{GROUP}/0"
        wait_until(self._all_know_all, "the sentinels do not find each other")

    @classmethod
    def start(cls, folder: Path, *, down_after_seconds: float = 1.0) -> Self:
        """Start all five and wait until a failover could happen.

        Args:
            folder: For logs and what the sentinels remember.
            down_after_seconds: How long the primary may be silent before the sentinels replace it.

        Raises:
            StartFailed: One of them ended, or they do not find each other.
        """
        return cls(folder, down_after_seconds=down_after_seconds)

    @property
    def members(self) -> tuple[RedisServer, ...]:
        """The two with the data, then those that watch them."""
        return (*self.servers, *self.sentinels)

    @property
    def primary(self) -> RedisServer:
        """The server that the sentinels name now."""
        _, port = self.sentinels[0].command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", GROUP)
        return next(server for server in self.servers if server.port == int(port))

    @property
    def replica(self) -> RedisServer:
        """The other one."""
        primary = self.primary
        return next(server for server in self.servers if server is not primary)

    def wait_for_another_primary(self, before: RedisServer) -> RedisServer:
        """Wait until the sentinels name another primary than `before`, and it takes writes; gives it.

        Raises:
            StartFailed: It does not come.
        """
        wait_until(lambda: self.primary is not before and _role(self.primary) == "master", "there is no new primary")
        return self.primary

    def wait_until_whole(self) -> None:
        """Wait until the replica follows the primary again, and all sentinels know all."""
        wait_until(lambda: _link_is_up(self.replica) and self._all_know_all(), "the replica does not follow")

    def _all_know_all(self) -> bool:
        return all(map(_knows_all, self.sentinels))


def _written(config: Path, port: int, down_after_seconds: float) -> Path:
    """A sentinel's configuration, which it rewrites itself while it runs."""
    config.write_text(
        f"sentinel monitor {GROUP} {LOOPBACK} {port} {QUORUM}\n"
        f"sentinel down-after-milliseconds {GROUP} {down_after_seconds * 1000:.0f}\n"
        f"sentinel failover-timeout {GROUP} 5000\n"
    )
    return config


def _knows_all(sentinel: RedisServer) -> bool:
    said = sentinel.command("SENTINEL", "MASTER", GROUP)
    known = dict(zip(said[::2], said[1::2], strict=True))
    return (known["num-other-sentinels"], known["num-slaves"], known["flags"]) == (str(SENTINELS - 1), "1", "master")


def _link_is_up(server: RedisServer) -> bool:
    return "master_link_status:up" in server.command("INFO", "replication")


def _role(server: RedisServer) -> str:
    return str(server.command("ROLE")[0])
