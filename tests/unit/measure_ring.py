"""Measures how evenly rings share keys: `python -m tests.unit.measure_ring [rings] [nodes]`.

The figures beside `DEFAULT_HASH_REPLICAS` come from here. One line for each number of hash replicas: max/mean of the
keys owned by a node, over random rings; and how many of the rings were beyond 1.15.
"""

from __future__ import annotations

import random
import sys
from collections import Counter

from controller.ring import Ring

KEYS = 10_000
BOUND = 1.15


def measure(hash_replicas: int, rings: int, nodes: int, seed: int = 1) -> list[float]:
    """Max/mean for each of so many random rings, sorted."""
    rng = random.Random(seed)
    found = []
    for _ in range(rings):
        ring = Ring.of([f"dcron-{rng.getrandbits(40):010x}" for _ in range(nodes)], hash_replicas)
        namespace = f"team-{rng.getrandbits(32):08x}"
        owned = Counter(ring.owning_node(f"{namespace}/cron-{number}") for number in range(KEYS))
        found.append(max(owned.values()) * nodes / KEYS)
    return sorted(found)


def main(rings: int = 1_000, nodes: int = 3) -> None:
    print(f"{rings} random rings of {nodes} nodes, {KEYS} keys")  # noqa: T201
    for hash_replicas in (10, 128, 256, 512, 768, 1024, 1536):
        ratios = measure(hash_replicas, rings, nodes)
        beyond = sum(ratio > BOUND for ratio in ratios)
        print(  # noqa: T201
            f"{hash_replicas:5} hash replicas: median {ratios[rings // 2]:.3f}, 99 % {ratios[rings * 99 // 100]:.3f}, "
            f"worst {ratios[-1]:.3f}, beyond {BOUND}: {beyond}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
