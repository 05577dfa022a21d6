"""Replicas of the controller as processes on a control plane, and the Redis that they share.

They are signalled, killed and started again here, as a node failure or a rolling update would. What they have done is
read elsewhere: `audit` has the evidence, `team` the author's view.
"""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from deploy.local.cluster import ControlPlane
from deploy.local.ports import free_port
from deploy.local.process import Process
from deploy.local.redis_server import RedisServer
from deploy.local.replica import ReplicaProcess
from tests.cluster import account

NODES = ("north", "south", "west")
START_SECONDS = 60.0
"""Longest that a replica may take until it is ready: a bound for a busy machine, it takes 2 s."""
END_SECONDS = 10.0
"""Longest that a replica may take to end after SIGTERM (INVARIANTS)."""

_POLL_SECONDS = 0.1
_HTTP_SECONDS = 3.0
_COMPLAINT = re.compile(r"^\S+Z (WARNING|ERROR|CRITICAL)", re.MULTILINE)

_T = TypeVar("_T")


def eventually(found: Callable[[], _T], what: str, seconds: float = 30.0) -> _T:
    """The first answer that counts as true.

    Args:
        found: Asked again and again.
        what: What is waited for; said when it does not come.
        seconds: Longest wait.
    """
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain: {what}; at last: {answer!r}"
        time.sleep(_POLL_SECONDS)
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One replica, running or ended."""

    node: str
    started: ReplicaProcess

    @property
    def process(self) -> Process:
        """What runs."""
        return self.started.process

    @property
    def runs(self) -> bool:
        """Whether its process is there."""
        return self.process.is_running()

    @property
    def log(self) -> str:
        """All that it printed, and what replicas of the same name printed before it."""
        return self.process.log.read_text()

    def answer(self, path: str) -> tuple[int, str]:
        """Status and body of an HTTP answer; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.started.url}{path}", timeout=_HTTP_SECONDS) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def checks(self) -> dict[str, str]:
        """What `/readyz` says of each thing that it depends on; empty if nobody answers."""
        status, body = self.answer("/readyz")
        found: dict[str, str] = json.loads(body)["checks"] if status else {}
        return found

    def is_ready(self) -> bool:
        """Whether it fires, as one of the ring."""
        return self.started.is_ready()

    def ring_members(self) -> int:
        """How many nodes it has on its ring."""
        found = re.search(r"^dcron_ring_members(?:{.*})? (\S+)$", self.answer("/metrics")[1], re.MULTILINE)
        return int(float(found.group(1))) if found else 0

    def kill(self) -> None:
        """End it as a node failure does."""
        self.process.kill()

    def terminate(self) -> None:
        """End it as a rolling update does, and wait for its end."""
        self.process.kill(signal.SIGTERM)
        assert self.process.wait(END_SECONDS), f"{self.node} did not end within {END_SECONDS:.0f} s after SIGTERM"


class SharedRedis(Protocol):
    """What replicas share: one server, or several that are one to them."""

    @property
    def url(self) -> str:
        """What replicas connect to."""

    @property
    def variables(self) -> Mapping[str, str]:
        """What they must be told beside that."""

    def stop(self) -> None:
        """Take it away at once, with all that it remembers."""

    def resume(self) -> None:
        """Bring it back, empty, where it was."""

    def mend(self) -> None:
        """Bring to life what does not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How one replica reaches what it needs.

    Attributes:
        redis_url: None: it keeps its membership in memory.
    """

    kubeconfig: Path
    redis_url: str | None


class Fleet:
    """Some replicas that share schedules.

    Args:
        control_plane: Where they work.
        folder: For logs.
        redis: What they share; None: each keeps its membership in memory.
        variables: Settings of all of them.
        way: By node, how it reaches the control plane and Redis; None: straight.
    """

    def __init__(
        self,
        control_plane: ControlPlane,
        folder: Path,
        redis: SharedRedis | None,
        variables: Mapping[str, str] | None = None,
        *,
        way: Callable[[str], Way] | None = None,
    ) -> None:
        self._folder = folder
        self._redis = redis
        self._variables = {**(redis.variables if redis else {}), **(variables or {})}
        straight = Way(kubeconfig=account.kubeconfig_of_replicas(control_plane), redis_url=redis.url if redis else None)
        self._way = way or (lambda node: straight)
        self.replicas: dict[str, Replica] = {}

    @property
    def redis(self) -> SharedRedis:
        """The Redis that they share."""
        assert self._redis is not None
        return self._redis

    def launch(self, node: str, variables: Mapping[str, str] | None = None) -> Replica:
        """Start a replica and do not wait for it."""
        way = self._way(node)
        started = ReplicaProcess.start(
            self._folder,
            node,
            way.kubeconfig,
            way.redis_url,
            free_port(),
            {**self._variables, **(variables or {})},
        )
        self.replicas[node] = Replica(node=node, started=started)
        return self.replicas[node]

    def start(self, *nodes: str) -> None:
        """Start replicas and wait until each of them has all that live on its ring."""
        for node in nodes:
            self.launch(node)
        self.wait_until_whole()

    def wait_until_whole(self) -> None:
        """Wait until the replicas that live are ready and agree on the ring."""
        living = self.living()

        def whole() -> bool:
            for replica in living:
                assert replica.runs, f"{replica.node} has ended:\n{replica.process.log_tail()}"
            return all(replica.is_ready() and replica.ring_members() == len(living) for replica in living)

        eventually(whole, f"a ring of {len(living)}", START_SECONDS)

    def mend(self, *nodes: str) -> None:
        """Bring Redis and these replicas to life if they are not, and wait until all is well."""
        if self._redis is not None:
            self._redis.mend()
        for node in nodes:
            if node not in self.replicas or not self.replicas[node].runs:
                self.launch(node)
        self.wait_until_whole()

    def living(self) -> list[Replica]:
        """The replicas that run."""
        return [replica for replica in self.replicas.values() if replica.runs]

    def stop(self) -> None:
        """End them all."""
        for replica in self.replicas.values():
            replica.process.kill(signal.SIGTERM)
        for replica in self.replicas.values():
            replica.process.stop(END_SECONDS)


@contextmanager
def running(
    control_plane: ControlPlane, folder: Path, *nodes: str, variables: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """A fleet with a Redis of its own, until the end of the block."""
    with (
        RedisServer.start(folder) as redis,
        sharing(redis, control_plane, folder, *nodes, variables=variables) as fleet,
    ):
        yield fleet


@contextmanager
def sharing(
    redis: SharedRedis,
    control_plane: ControlPlane,
    folder: Path,
    *nodes: str,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Fleet]:
    """A fleet with a Redis that is there, until the end of the block."""
    fleet = Fleet(control_plane, folder, redis, variables)
    try:
        fleet.start(*nodes)
        yield fleet
    finally:
        fleet.stop()


def complaints(log: str) -> list[str]:
    """The lines of a log on the levels that want a person's attention."""
    return [line for line in log.splitlines() if _COMPLAINT.match(line)]
