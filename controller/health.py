"""What a replica says of itself to probes: is it alive, is it ready.

Alive: the event loop ticks (or nobody would answer), and due work is being looked at. Ready: its lists are complete,
the API server answers it, Redis answers it, and it stands on the ring. A replica that is not ready goes on firing; a
replica that is not alive should be restarted. `web` asks, `replica` knows.
"""

from __future__ import annotations

from datetime import timedelta

from controller.nodepool import NodePool, State
from controller.replica import Replica

STUCK = timedelta(seconds=60)
"""A key that has waited so long for its look waits for ever: outages end within their time-outs."""


class ReplicaHealth:
    """The probes' view of one replica."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def alive(self) -> list[str]:
        """Problems that only a restart will mend; empty if there are none."""
        overdue = self._replica.queue.overdue
        if self._replica.watchdog.is_lost:
            return ["the watch of the objects shows nothing any more"]
        if overdue > STUCK:
            return [f"due work has waited for {overdue.total_seconds():.0f} s"]
        return []

    def ready(self) -> dict[str, str | None]:
        """By check, what is wrong; None for what is well."""
        replica = self._replica
        pool = replica.node_pool
        return {
            "lists": None if replica.listed else "the objects and Jobs are not all listed yet",
            "api": None if replica.api_answers else "the API server does not answer",
            "redis": "Redis does not answer" if pool.failing else None,
            "ring": _ring_problem(pool),
        }


def _ring_problem(pool: NodePool) -> str | None:
    if pool.state not in (State.STEADY, State.UPGRADING):
        return f"the node pool is {pool.state}"
    return None if pool.on_ring else "this node is not on the ring"
