"""What a replica says of itself to probes: is it alive, is it ready.

Alive: the event loop ticks (or nobody would answer), and due work is being looked at. Ready: its lists are complete,
the API server answers it, and it stands on the ring. A replica that is not alive should be restarted; one that is not
ready goes on firing as well as it can.

An outage of Redis does not make a replica unready that had a ring: it fires on, all replicas have the same outage, and
unready pods would stop a rolling update and the draining of nodes for no gain. It says so in its answer. Credentials
that Redis refuses do, and so does a Redis that has never answered this process: a rolling update that brings a wrong
password or address stops at its first pod. An emergency pause does not: it is meant. `web` asks, `replica` knows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from controller.errors import StoreDenied
from controller.nodepool import NodePool, State
from controller.replica import Replica
from controller.web import Finding

STUCK = timedelta(seconds=60)
"""Where no look begins or ends for so long, none ever will: outages end within their time-outs."""


class ReplicaHealth:
    """The probes' view of one replica.

    Args:
        replica: Whose.
        rights: Gives what the replica may not do.
        pause_trouble: Says why nobody can tell whether everything is to be paused; None if somebody can.
    """

    def __init__(
        self,
        replica: Replica,
        rights: Callable[[], Finding | None] = lambda: None,
        pause_trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._replica = replica
        self._rights = rights
        self._pause_trouble = pause_trouble

    def alive(self) -> list[str]:
        """Problems that only a restart will mend; empty if there are none."""
        stalled = self._replica.queue.stalled
        if self._replica.watchdog.is_lost:
            return ["the watch of the objects shows nothing any more"]
        if stalled > STUCK:
            return [f"due work has stood still for {stalled.total_seconds():.0f} s"]
        return []

    def ready(self) -> dict[str, Finding | None]:
        """By check, what is wrong; None for what is well."""
        replica = self._replica
        return {
            "lists": None if replica.listed else Finding("the objects and Jobs are not all listed yet"),
            "api": None if replica.api_answers else Finding("the API server does not answer"),
            "redis": self._redis(),
            "ring": _ring(replica.node_pool),
            "rights": self._rights(),
            "pause": self._pause(),
        }

    def _pause(self) -> Finding | None:
        trouble = self._pause_trouble()
        if trouble is not None:
            return Finding(trouble, unready=False)
        return Finding("everything is paused: no Job is created", unready=False) if self._replica.paused else None

    def _redis(self) -> Finding | None:
        pool = self._replica.node_pool
        if pool.trouble is None:
            return None
        return Finding(str(pool.trouble), unready=isinstance(pool.trouble, StoreDenied) or not pool.nodes)


def _ring(pool: NodePool) -> Finding | None:
    if pool.state is State.DEGRADED and pool.nodes:
        return Finding(f"degraded: the last ring goes on, of {len(pool.nodes)}", unready=False)
    if pool.state is State.DEGRADED:
        return Finding("degraded: no ring was seen yet, this replica fires all that is due")
    if pool.state is State.JOINING:
        return Finding("this node has not joined the ring yet")
    return None if pool.on_ring else Finding("this node is not on the ring")
