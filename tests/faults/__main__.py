"""Strikes faults and prints the table: `python -m tests.faults --only redis kill --seed 7 --folder results`.

Ends with 1 if a rule was broken. The table is written after each run, so that an end in the middle loses nothing, and
a table that is in the folder goes on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from tests.faults import catalogue, course, stages, summary
from tests.faults.course import Length, Result
from tests.faults.fault import FaultKind


def main() -> int:
    """0 if all held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="words: faults with one of them in their names")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many for each fault")
    parser.add_argument("--under", type=float, default=Length().under, help="seconds under a fault")
    parser.add_argument("--after", type=float, default=Length().after, help="seconds after healing")
    parser.add_argument("--folder", type=Path, help="for the table, and for the report of each run that broke a rule")
    parser.add_argument("--list", action="store_true", help="only say which faults there are")
    arguments = parser.parse_args()
    faults = catalogue.chosen(arguments.only)
    if arguments.list:
        _say("\n".join(f"{fault.name}: {fault.row}" for fault in faults))
        return 0
    seeds = range(arguments.seed, arguments.seed + arguments.seeds)
    length = Length(under=arguments.under, after=arguments.after)
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        folder = arguments.folder or Path(temporary)
        rows, held = summary.read(folder), True
        for result in _runs(faults, seeds, folder, length):
            _tell(result)
            held = held and result.valid
            rows = summary.together(rows, [summary.row_of(result)])
            summary.write(rows, folder)
        _say(summary.text(rows))
    return 0 if held else 1


def _runs(faults: Iterable[FaultKind], seeds: Iterable[int], folder: Path, length: Length) -> Iterator[Result]:
    """Run them on as few stages as their needs allow."""
    with tempfile.TemporaryDirectory(prefix="dcron-faults-") as temporary:
        _say("starting a control plane")
        place = Path(temporary)
        with stages.control_plane(place / "control-plane") as control_plane:
            for number, alike in enumerate(stages.grouped(faults)):
                home = place / f"stage-{number}"
                home.mkdir()
                with stages.opened(control_plane, alike[0], home) as stage:
                    for fault, seed in product(alike, seeds):
                        yield course.taken(stage, fault, seed, folder, length, say=_say)


def _tell(result: Result) -> None:
    worst = f"{max(result.under, default=None)}"
    verdict = "held" if result.valid else f"BROKEN, see {result.report}"
    _say(f"{result.fault.name} (seed {result.seed}): worst lateness {worst}; {verdict}")
    for complaint in result.complaints[:8]:
        _say(f"  {complaint}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
