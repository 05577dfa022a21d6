"""What a Redis Cluster and a Redis under Sentinel have in common: several servers, one of which can be lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.redis_server import RedisServer


class RedisGroup(ABC):
    """Several servers that replace a lost one among themselves; a context manager that stops them at the end.

    Attributes:
        url: What clients connect to.
    """

    url: str

    @property
    @abstractmethod
    def members(self) -> tuple[RedisServer, ...]:
        """All of them, in the order in which they must start."""

    @abstractmethod
    def wait_until_whole(self) -> None:
        """Wait until the next loss could be made good.

        Raises:
            StartFailed: It takes too long.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End them all at once, those that started last first."""
        for server in reversed(self.members):
            server.stop()

    def resume(self) -> None:
        """Start all that do not run, empty."""
        for server in self.members:
            server.mend()

    def mend(self) -> None:
        """Start what does not run, and wait until the next loss could be made good."""
        self.resume()
        self.wait_until_whole()

    @property
    def variables(self) -> Mapping[str, str]:
        """What a replica must be told beside the URL: nothing."""
        return {}
