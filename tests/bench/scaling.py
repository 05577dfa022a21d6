"""Herds of several sizes: `python -m tests.bench.scaling --objects 100 300 1000 3000 --folder docs/benchmarks`.

When the last Job was made, with one replica and with more, beside raw creates: what costs more for each the more there
are would bend the line away from that of the raw creates.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.bench import curves
from tests.bench.arms import LIMIT, THREE, Arm, Ours
from tests.bench.herd import measure
from tests.bench.outcome import Outcome
from tests.cluster import stage

ARMS: tuple[Arm, ...] = (LIMIT, Ours(replicas=1), THREE, Ours(replicas=5))
TITLE = "When the last Job of a herd was made"


def lines(found: Mapping[str, Sequence[Outcome]]) -> dict[str, list[tuple[float, float]]]:
    """By arm, the size of each herd and when its last Job was made; those that were not made whole are left out."""
    return {arm: [(one.due, one.quantile(1)) for one in outcomes if one.whole] for arm, outcomes in found.items()}


def head(sizes: Iterable[int]) -> tuple[str, ...]:
    """The head of the table: the size of each herd."""
    return ("last Job, seconds", *map(str, sizes))


def rows(found: Mapping[str, Sequence[Outcome]]) -> Iterator[tuple[str, ...]]:
    """The table: a row for each arm, a column for each herd."""
    return ((arm, *(f"{one.quantile(1):.2f}" for one in outcomes)) for arm, outcomes in found.items())


def main() -> int:
    """0 if all Jobs were made once."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scaling", description=__doc__)
    parser.add_argument("--objects", type=int, nargs="+", default=[100, 300, 1000, 3000], help="a herd for each number")
    parser.add_argument("--folder", type=Path, help="for the figures as JSON, and the picture")
    arguments = parser.parse_args()
    found = {arm.name: [measure(arm, count) for count in arguments.objects] for arm in ARMS}
    points = lines(found)
    if arguments.folder is not None:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        (arguments.folder / "scaling.json").write_text(json.dumps(points) + "\n")
        picture = curves.drawn(points, TITLE, across="objects due at one second", up="seconds")
        (arguments.folder / "scaling.svg").write_text(picture)
    stage.table(head(arguments.objects), list(rows(found)))
    return 0 if all(one.whole for outcomes in found.values() for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
