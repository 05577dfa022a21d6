"""How fast memory grows: a straight line by least squares through the samples of one life, after its warm-up."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from tests.soak.samples import Sample

WARM_UP_SECONDS = 15 * 60.0
"""Deleted Jobs are remembered for ten minutes: only then is a replica as large as its work makes it."""
LEAST_SECONDS = 10 * 60.0
"""A shorter line after the warm-up says nothing."""
_HOUR = 3600.0
_MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The line through one life.

    Attributes:
        mb_per_hour: Growth.
        error: Its standard error, in the same unit. Neighbouring samples are alike, so the true one is larger.
        seconds: How much time the line spans.
        mean_mb: Memory in the middle.
    """

    node: str
    pid: int
    mb_per_hour: float
    error: float
    seconds: float
    mean_mb: float


def slopes(samples: Iterable[Sample], warm_up: float = WARM_UP_SECONDS, least: float = LEAST_SECONDS) -> list[Slope]:
    """The slopes of all lives that are long enough, the longest first.

    Args:
        samples: Of any replicas, in order of time.
        warm_up: Seconds of each life that do not count.
        least: Seconds after it that there must be.
    """
    found = []
    for life in lives(samples):
        warm = [sample for sample in life if sample.seconds - life[0].seconds >= warm_up]
        if len(warm) > 2 and warm[-1].seconds - warm[0].seconds >= least:
            found.append(_fitted(warm))
    return sorted(found, key=lambda slope: -slope.seconds)


def lives(samples: Iterable[Sample]) -> list[list[Sample]]:
    """The samples, life by life."""
    found: dict[tuple[str, int], list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample.node, sample.pid), []).append(sample)
    return list(found.values())


def _fitted(life: Sequence[Sample]) -> Slope:
    times, sizes = [one.seconds / _HOUR for one in life], [one.rss / _MB for one in life]
    time, size = fmean(times), fmean(sizes)
    spread = sum((at - time) ** 2 for at in times)
    slope = sum((at - time) * (one - size) for at, one in zip(times, sizes, strict=True)) / spread
    rest = sum((one - size - slope * (at - time)) ** 2 for at, one in zip(times, sizes, strict=True))
    return Slope(
        node=life[0].node,
        pid=life[0].pid,
        mb_per_hour=slope,
        error=math.sqrt(rest / (len(life) - 2) / spread),
        seconds=life[-1].seconds - life[0].seconds,
        mean_mb=size,
    )
