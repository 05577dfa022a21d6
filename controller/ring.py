"""Consistent hashing: nodes in, owning node out.

It exists so that every replica, given the same nodes, names the same owning node for a key without asking anyone, and
so that a node that joins or leaves moves only its own share of the keys. Each node has many points on a circle of 2^64;
a key belongs to the node of the first point at or after its own.

It never knows who is alive and never forgets a node by itself: `nodepool` gives it the members and compares rings. The
hash is part of the protocol between versions: replicas that hash differently would disagree about every key.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from itertools import chain
from typing import Final

DEFAULT_HASH_REPLICAS: Final = 1024
"""Points of a node. Max/mean of the keys owned, at 10,000 keys (`python -m tests.unit.measure_ring`):

    hash replicas   1,000 rings of 3 nodes           300 rings of 5   300 rings of 10
    10              worst 1.951, 780 beyond 1.15     worst 2.077      worst 2.291
    256             worst 1.175, 3 beyond            worst 1.228      worst 1.274
    512             worst 1.149, none beyond         worst 1.151      worst 1.193
    1024            worst 1.098, none beyond         worst 1.099      worst 1.169

512 would do by a hair. Twice as many cost 1 ms more for each node that is new to a replica, and 10 KiB.
"""

_POINT_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """Which node owns a key. Made by `Ring.of`; equal nodes and replicas make equal rings."""

    nodes: tuple[str, ...]
    """Sorted, each once."""
    hash_replicas: int
    """How many points each node has."""
    _points: array[int] = field(repr=False, compare=False)
    """The points of all nodes, sorted."""
    _owners: array[int] = field(repr=False, compare=False)
    """For each point, the index of its node in `nodes`; and the first one again for keys after the last point."""

    @classmethod
    def of(cls, nodes: Iterable[str], hash_replicas: int = DEFAULT_HASH_REPLICAS) -> Ring:
        """The ring of these nodes. Their order and repetitions do not matter.

        Args:
            nodes: The names of the nodes.
            hash_replicas: How many points each gets, at least 1. All replicas must use the same number.
        """
        names = tuple(sorted(set(nodes)))
        # Should two nodes share a point, the smaller name has it, on every replica.
        placed = sorted((point, index) for index, name in enumerate(names) for point in _points(name, hash_replicas))
        points = array("Q", [point for point, _ in placed])
        owners = array("I", [index for _, index in placed] + [index for _, index in placed[:1]])
        return cls(nodes=names, hash_replicas=hash_replicas, _points=points, _owners=owners)

    def owning_node(self, key: str) -> str | None:
        """The node that owns a key; None only if the ring is empty."""
        if not self.nodes:
            return None
        return self.nodes[self._owners[bisect_left(self._points, _point(key))]]

    def preference(self, key: str) -> tuple[str, ...]:
        """All nodes in ring order from the key: the owning node, then whoever stands in behind it."""
        start = bisect_left(self._points, _point(key))
        order: dict[int, None] = {}
        for position in chain(range(start, len(self._points)), range(start)):
            order.setdefault(self._owners[position])
            if len(order) == len(self.nodes):
                break
        return tuple(self.nodes[index] for index in order)


def _point(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=_POINT_BYTES).digest(), "big")


@lru_cache(maxsize=256)
def _points(node: str, hash_replicas: int) -> array[int]:
    """The points of one node, kept because a ring is built again whenever any other node comes or goes."""
    return array("Q", [_point(f"{node}#{number}") for number in range(hash_replicas)])
