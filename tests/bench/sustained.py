"""How much can fire for ever: `python -m tests.bench.sustained --folder docs/benchmarks`.

Objects that fire every two seconds, half of them in each second, more of them in each run, until the 99th percentile
of how late they are passes a second. The rate is told as a share of the raw creates a second of a herd just before.

Jobs do not end here; all other writes that a firing entails are in it. What tells of firings waits while others fire,
half a minute at most, and then tells of all that its object has fired meanwhile: so the more is due, the fewer statuses
are written for each.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.bench import arena, herd, steady
from tests.bench.arms import LIMIT
from tests.bench.steady import Steady
from tests.cluster import stage

SHARES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
"""Of the raw creates a second: a run for each, until one falls behind."""
EVERY = 2
"""Seconds between two firings of an object."""
LATE = timedelta(seconds=1)
"""The 99th percentile of what keeps up is no later."""
HEAD = (
    "of raw",
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


def keeps_up(one: Steady) -> bool:
    """Whether it could go on so for ever."""
    return one.whole and one.quantile(0.99) <= LATE.total_seconds()


def rows(found: Iterable[Steady], raw: float) -> Iterator[tuple[object, ...]]:
    """The table.

    Args:
        raw: Raw creates a second.
    """
    for one in found:
        rate = one.objects / one.every
        late = (f"{one.quantile(share):.3f}" for share in (0.5, 0.99, 1))
        told = f"{one.writes.get(_STATUS, 0) / one.due:.2f}"
        cpu = (f"{1000 * seconds / one.due:.2f}" for seconds in (one.controller_cpu, one.cpu))
        counts = (one.objects, one.due, len(one.lateness), one.twice)
        yield (f"{100 * rate / raw:.0f} %", f"{rate:.0f}", *counts, *late, told, *cpu)


def kept(found: Iterable[Steady], raw: float) -> dict[str, Any]:
    """For people and diffs."""
    return {"raw creates a second": round(raw), "runs": [dict(zip(HEAD, row, strict=True)) for row in rows(found, raw)]}


def measure(shares: Sequence[float], seconds: int) -> tuple[float, list[Steady]]:
    """Raw creates a second, and the runs up to the first that falls behind."""
    raw = _HERD / herd.measure(LIMIT, _HERD).quantile(1)
    found: list[Steady] = []
    for share in shares:
        objects = round(share * raw * EVERY)
        stage.say(f"{objects} objects, every {EVERY} s: {100 * share:.0f} % of {raw:.0f} raw creates a second")
        with arena.opened(stage.say) as place:
            found.append(steady.measure(place, objects=objects, every=EVERY, seconds=seconds, spread=True))
        if not keeps_up(found[-1]):
            break
    return raw, found


def main() -> int:
    """0 if all that was due was made, once, as long as it kept up."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sustained", description=__doc__)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES, help="of the raw creates a second")
    parser.add_argument("--seconds", type=int, default=60, help="counted of each run")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON")
    arguments = parser.parse_args()
    raw, found = measure(arguments.shares, arguments.seconds)
    stage.table(HEAD, list(rows(found, raw)))
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / "sustained.json").write_text(json.dumps(kept(found, raw), indent=1) + "\n")
    return 0 if all(not one.twice for one in found) and any(keeps_up(one) for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
