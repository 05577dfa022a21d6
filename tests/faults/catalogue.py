"""All faults, room by room."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext

from tests.faults import apiserver, authors, clocks, partitions, processes, redis, topologies
from tests.faults.fault import FaultKind

NOTHING = FaultKind(name="nothing-at-all", row="L1: without a fault", strike=lambda stage, chance: nullcontext())
"""What all others are held against."""
ALL: tuple[FaultKind, ...] = (
    NOTHING,
    *processes.FAULTS,
    *redis.FAULTS,
    *topologies.FAULTS,
    *partitions.FAULTS,
    *apiserver.FAULTS,
    *clocks.FAULTS,
    *authors.FAULTS,
)
"""In the order in which they are run."""


def named(name: str) -> FaultKind:
    """The fault of that name."""
    return next(fault for fault in ALL if fault.name == name)


def chosen(words: Iterable[str]) -> list[FaultKind]:
    """The faults whose names have one of these words in them; all, if there are no words.

    Raises:
        ValueError: A word is in no name.
    """
    wanted = list(words)
    for word in wanted:
        if not any(word in fault.name for fault in ALL):
            raise ValueError(f"{word}: no fault has this in its name; there are {', '.join(one.name for one in ALL)}")
    return [fault for fault in ALL if not wanted or any(word in fault.name for word in wanted)]
