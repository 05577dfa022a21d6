"""How much can fire for ever: `python -m tests.bench.sustained --rounds 3 --folder docs/benchmarks`.

Objects that fire every two seconds, half of them in each second, until the 99th percentile of how late they are passes
a second. How many they are is a share of the raw creates a second of a herd just before each run, since machines have
their days. The share grows until the median of its rounds falls behind, or a firing is lost or made twice in any.

Jobs do not end here; all other writes that a firing entails are in it. What tells of firings waits while others fire,
half a minute at most, and then tells of all that its object has fired meanwhile: so the more is due, the fewer statuses
are written for each.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from pathlib import Path
from statistics import median_high

from tests.bench import arena, herd, steady
from tests.bench.arms import LIMIT
from tests.bench.steady import Steady
from tests.cluster import stage

SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
"""Of the raw creates a second, until one falls behind."""
EVERY = 2
"""Seconds between two firings of an object."""
LATE = timedelta(seconds=1)
"""The 99th percentile of what keeps up is no later."""
HEAD = (
    "of raw",
    "raw/s",
    "firings/s",
    "objects",
    "due",
    "made",
    "twice",
    "p50 s",
    "p99 s",
    "last s",
    "statuses",
    "CPU ms",
    "all",
)
_HERD = 1000
"""Raw creates, by which their rate is measured."""
_STATUS = "update distributedcronjobs/status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run, and what it is measured by.

    Attributes:
        raw: Raw creates a second, just before.
    """

    raw: float
    steady: Steady

    @property
    def rate(self) -> float:
        """Firings a second."""
        return self.steady.objects / self.steady.every


def keeps_up(rounds: Sequence[Run]) -> bool:
    """Whether a share could go on so for ever: in the median of its rounds, with nothing lost or doubled in any."""
    late = median_high(one.steady.quantile(0.99) for one in rounds)
    return all(one.steady.whole for one in rounds) and late <= LATE.total_seconds()


def figures(one: Run) -> dict[str, float | None]:
    """What a run came to, by the heads of the table: a share, counts, seconds, and milliseconds of a processor.

    None: so many were not made that there is no such figure.
    """
    found, due = one.steady, one.steady.due
    late = (found.quantile(share) for share in (0.5, 0.99, 1))
    cpu = (round(1000 * seconds / due, 2) for seconds in (found.controller_cpu, found.cpu))
    told = round(found.writes.get(_STATUS, 0) / due, 2)
    rates = (round(one.rate / one.raw, 3), round(one.raw), round(one.rate))
    counts = (*rates, found.objects, due, len(found.lateness), found.twice)
    cells = (*counts, *(round(one, 3) if isfinite(one) else None for one in late), told, *cpu)
    return dict(zip(HEAD, cells, strict=True))


def measure(shares: Sequence[float], seconds: int, rounds: int) -> Iterator[Run]:
    """The runs up to the first share that falls behind, each as soon as it is there."""
    for share in shares:
        of_share: list[Run] = []
        for _ in range(rounds):
            of_share.append(_run(share, seconds))
            yield of_share[-1]
        if not keeps_up(of_share):
            return


def _run(share: float, seconds: int) -> Run:
    raw = _HERD / herd.measure(LIMIT, _HERD).quantile(1)
    objects = round(share * raw * EVERY)
    stage.say(f"{objects} objects, every {EVERY} s: {100 * share:.0f} % of {raw:.0f} raw creates a second")
    with arena.opened(stage.say) as place:
        return Run(raw=raw, steady=steady.measure(place, objects=objects, every=EVERY, seconds=seconds, spread=True))


def main() -> int:
    """0 if nothing was made twice and the first share keeps up."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sustained", description=__doc__)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the raw creates a second")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each share: their median decides")
    parser.add_argument("--seconds", type=int, default=60, help="counted of each run")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    found: list[Run] = []
    for one in measure(arguments.shares, arguments.seconds, arguments.rounds):
        found.append(one)
        if arguments.folder is not None:  # after each: an end in the middle loses no run
            arguments.folder.mkdir(parents=True, exist_ok=True)
            told = json.dumps([figures(one) for one in found], indent=1)
            (arguments.folder / "sustained.json").write_text(f"{told}\n")
    stage.table(HEAD, [tuple(figures(one).values()) for one in found])
    once = all(not one.steady.twice for one in found)
    return 0 if once and keeps_up(found[: arguments.rounds]) else 1


if __name__ == "__main__":
    sys.exit(main())
