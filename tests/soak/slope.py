"""How fast memory grows: a straight line by least squares through the samples of one life, after its warm-up.

Resident memory is what a limit is set on; blocks of memory tell why it grows: with them, more is kept; without them,
the allocator spreads the same.
"""

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
        blocks_per_hour: Growth of the blocks of memory that Python has allocated; None: not told.
    """

    node: str
    pid: int
    mb_per_hour: float
    error: float
    seconds: float
    mean_mb: float
    blocks_per_hour: float | None = None


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
    slope, error, size = _line([one.seconds / _HOUR for one in life], [one.rss / _MB for one in life])
    told = [(one.seconds / _HOUR, float(one.blocks)) for one in life if one.blocks is not None]
    return Slope(
        node=life[0].node,
        pid=life[0].pid,
        mb_per_hour=slope,
        error=error,
        seconds=life[-1].seconds - life[0].seconds,
        mean_mb=size,
        blocks_per_hour=_line(*map(list, zip(*told, strict=True)))[0] if len(told) > 2 else None,
    )


def _line(times: Sequence[float], values: Sequence[float]) -> tuple[float, float, float]:
    """Slope of the line of least squares, its standard error, and the mean."""
    time, mean = fmean(times), fmean(values)
    spread = sum((at - time) ** 2 for at in times)
    slope = sum((at - time) * (one - mean) for at, one in zip(times, values, strict=True)) / spread
    rest = sum((one - mean - slope * (at - time)) ** 2 for at, one in zip(times, values, strict=True))
    return slope, math.sqrt(rest / (len(times) - 2) / spread), mean
